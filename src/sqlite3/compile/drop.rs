//! DROP TABLE, DROP INDEX and DROP VIEW.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::ddl::seek_entries;
use super::*;
use crate::sqlite3::error::{ErrorKind, Result};
use crate::sqlite3::record;
use crate::sqlite3::schema;
use crate::sqlite3::token::{Kind, Token};
use crate::sqlite3::value::Value;
use crate::sqlite3::vm::OWN_CURSOR;

impl Compiler<'_> {
    #[inline(never)]
    pub(crate) fn drop_any(&mut self) {
        let word = self.advance();
        let wanted = match word.kind {
            Kind::Table => schema::TABLE,
            Kind::Index => schema::INDEX,
            Kind::View => schema::VIEW,
            Kind::Trigger => return self.fail_at(ErrorKind::Unsupported, word),
            _ => return self.fail_at(ErrorKind::Syntax, word),
        };
        let unless = self.accept(Kind::If);
        if unless {
            self.expect(Kind::Exists);
        }
        let token = self.table_name();
        self.end_of_statement();
        let (at, len) = self.find(token);
        let (kind, number) = (self.at(at), self.defined(at, len).number());
        let table_or_view = wanted != schema::INDEX && (kind == schema::TABLE || kind == schema::VIEW);
        if len > 0 && (number == schema::SCHEMA || kind != wanted && table_or_view) {
            // "use DROP VIEW to delete view": it exists, but is something else.
            return self.fail_at(ErrorKind::Schema, token);
        }
        if len == 0 || kind != wanted {
            let missing = if wanted == schema::INDEX { ErrorKind::NoSuchIndex } else { ErrorKind::NoSuchTable };
            if !unless {
                self.fail_at(missing, token);
            }
            return;
        }
        self.delete_name(token);
        self.delete_schema_rows(if wanted == schema::TABLE { 2 } else { 1 }, token);
        if wanted != schema::VIEW {
            self.delete_range(number);
        }
        if wanted == schema::INDEX {
            return self.leave_table(at, len, number);
        }
        self.drop_indexes(at, len);
    }

    /// The indexes of a table whose definition is in the arena.
    #[inline(never)]
    fn drop_indexes(&mut self, at: usize, len: usize) {
        let mut index_at = self.defined(at, len).indexes_at();
        for _ in 0..self.defined(at, len).indexes() {
            let index = self.defined(at, len).index_at(index_at);
            let (number, name_at, name_len) = (index.number, at + index.next - index.name.len(), index.name.len());
            index_at = index.next;
            self.delete_range(number);
            if name_len > 0 {
                self.delete_name(Self::known_name(name_at, name_len));
            }
        }
    }

    /// Takes an index, whose definition is in the arena, out of that of its table.
    #[inline(never)]
    fn leave_table(&mut self, at: usize, len: usize, number: u16) {
        let header = schema::HEADER;
        let name = Self::known_name(at + header, len.saturating_sub(header));
        self.load_again(name);
        let index = self.built().each_index().find(|index| index.number == number);
        let Some((begin, next)) = index.map(|index| (index.at, index.next)) else {
            return self.fail_here(ErrorKind::Corrupt);
        };
        self.shift(next, self.code - next, begin);
        self.code -= next - begin;
        self.set_at(7, self.at(7).saturating_sub(1));
        self.save(name, 0);
    }

    /// Deletes all entries of a table or an index.
    fn delete_range(&mut self, number: u16) {
        let done = self.try_delete_range(number);
        self.stored(done);
    }

    #[inline(never)]
    fn try_delete_range(&mut self, number: u16) -> Result<()> {
        self.ok()?;
        // From the end, so that keys alone are read.
        seek_entries(self.store, OWN_CURSOR, number, true)?;
        loop {
            let room = self.arena.get_mut(self.code..self.top).unwrap_or_default();
            let len = self.store.previous_key(OWN_CURSOR, room)?;
            let Some(key) = len.and_then(|len| room.get(..len)).filter(|key| schema::belongs(key, number)) else {
                return Ok(());
            };
            self.store.delete(key)?;
        }
    }

    /// Deletes the rows of sqlite_schema that have this name in a column.
    #[inline(never)]
    fn delete_schema_rows(&mut self, column: usize, name: Token) {
        self.walk_rows(schema::SCHEMA);
        while let Some(entry) = self.next_row(schema::SCHEMA) {
            let row = self.arena.get(self.code..self.code + entry.key() + entry.value()).unwrap_or_default();
            let (key, value) = row.split_at_checked(entry.key()).unwrap_or_default();
            let found = record::column(value, column);
            if matches!(found, Ok(Some(Value::Text(text))) if self.same(name, text)) {
                let done = self.store.delete(key);
                self.stored(done.map(|_| ()));
            }
        }
    }
}
