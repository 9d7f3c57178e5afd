//! DROP TABLE, DROP INDEX and DROP VIEW.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::compile::*;
use super::error::{ErrorKind, Result};
use super::key::{self, Writer};
use super::record;
use super::schema::{self, Definition};
use super::token::Kind;
use super::value::Value;
use super::vm::OWN_CURSOR;

impl Compiler<'_> {
    // ---- DROP

    #[inline(never)]
    pub(crate) fn drop_any(&mut self) -> Result<()> {
        let word = self.advance();
        let wanted = match word.kind {
            Kind::Table => schema::TABLE,
            Kind::Index => schema::INDEX,
            Kind::View => schema::VIEW,
            Kind::Trigger => return Err(self.error(ErrorKind::Unsupported, word)),
            _ => return Err(self.error(ErrorKind::Syntax, word)),
        };
        let mut unless = false;
        if self.accept(Kind::If) {
            self.expect(Kind::Exists)?;
            unless = true;
        }
        let name = self.table_name()?;
        self.end_of_statement()?;
        let missing = if wanted == schema::INDEX { ErrorKind::NoSuchIndex } else { ErrorKind::NoSuchTable };
        let (at, len) = match self.load(name, missing) {
            Err(error) if error.is(missing) && unless => return Ok(()),
            other => other?,
        };
        let definition = self.defined(at, len);
        if definition.number() == schema::SCHEMA {
            return Err(self.error(ErrorKind::Schema, name));
        }
        if definition.kind() != wanted {
            // "use DROP VIEW to delete view": it exists, but is something else.
            let other =
                matches!((wanted, definition.kind()), (schema::TABLE, schema::VIEW) | (schema::VIEW, schema::TABLE));
            if other {
                return Err(self.error(ErrorKind::Schema, name));
            }
            return if unless { Ok(()) } else { Err(self.error(missing, name)) };
        }
        let mut plain = [0; 64];
        let plain = self.plain_name(name, &mut plain)?;
        if wanted == schema::INDEX {
            return self.drop_index(at, len, plain);
        }
        let number = definition.number();
        if wanted == schema::VIEW {
            self.delete_name(plain)?;
            return self.delete_schema_rows(1, plain);
        }
        self.delete_range(number)?;
        let mut index_at = definition_at(self.arena, at, len).indexes_at();
        for _ in 0..definition_at(self.arena, at, len).indexes() {
            let index = definition_at(self.arena, at, len).index_at(index_at);
            let (number, next) = (index.number, index.next);
            let (mut index_name, mut name_len) = ([0; 64], 0);
            for (place, &byte) in index_name.iter_mut().zip(index.name) {
                *place = byte;
                name_len += 1;
            }
            self.delete_range(number)?;
            if name_len > 0 {
                self.delete_name(index_name.get(..name_len).unwrap_or_default())?;
            }
            index_at = next;
        }
        self.delete_name(plain)?;
        self.delete_schema_rows(2, plain)
    }

    #[inline(never)]
    pub(crate) fn drop_index(&mut self, at: usize, len: usize, plain: &[u8]) -> Result<()> {
        let (number, table_len) = (definition_at(self.arena, at, len).number(), len.saturating_sub(schema::HEADER));
        let mut table = [0; 64];
        for (offset, place) in table.iter_mut().take(table_len).enumerate() {
            *place = self.at(at + schema::HEADER + offset);
        }
        let table = table.get(..table_len).unwrap_or_default();
        self.delete_range(number)?;
        self.delete_name(plain)?;
        self.delete_schema_rows(1, plain)?;
        // Out of the table's definition.
        let (low, high) = (self.code, self.top);
        let room = self.arena.get_mut(low..high).unwrap_or_default();
        let found = schema::load(self.store, table, room).map_err(|error| self.store_error(error))?;
        let Some(len) = found else { return Err(self.error_here(ErrorKind::Corrupt)) };
        let index = definition_at(self.arena, low, len).each_index().find(|index| index.number == number);
        let Some((from, next)) = index.map(|index| (index.at, index.next)) else {
            return Err(self.error_here(ErrorKind::Corrupt));
        };
        self.arena.copy_within(low + next..low + len, low + from);
        self.set_at(low + 7, self.at(low + 7).saturating_sub(1));
        self.save(table, low, len - (next - from))
    }

    #[inline(never)]
    pub(crate) fn delete_name(&mut self, name: &[u8]) -> Result<()> {
        let mut key = [0; schema::NAME_KEY];
        let key = schema::name_key(name, &mut key).map_err(|error| self.store_error(error))?;
        self.store.delete(key).map(|_| ()).map_err(|error| self.store_error(error))
    }

    /// Deletes all entries of a table or an index.
    #[inline(never)]
    pub(crate) fn delete_range(&mut self, number: u16) -> Result<()> {
        let mut start = [0; 16];
        let mut writer = Writer::new(&mut start, 0);
        schema::begin_key(number, &mut writer);
        let len = writer.len();
        let prefix = start.get(..len).unwrap_or_default();
        let mut end = [0; 16];
        let end_len = {
            let mut writer = Writer::new(&mut end, 0);
            writer.bytes(prefix);
            writer.byte(key::ABOVE);
            writer.len()
        };
        // From the end, so that keys alone are read.
        self.store.seek(OWN_CURSOR, end.get(..end_len).unwrap_or_default()).map_err(|error| self.store_error(error))?;
        loop {
            let mut found = [0; schema::KEY + 1];
            let len = self.store.previous_key(OWN_CURSOR, &mut found).map_err(|error| self.store_error(error))?;
            let Some(key) = len.and_then(|len| found.get(..len)).filter(|key| key.starts_with(prefix)) else {
                return Ok(());
            };
            self.store.delete(key).map_err(|error| self.store_error(error))?;
        }
    }

    /// Deletes the rows of sqlite_schema that have this name in a column.
    #[inline(never)]
    pub(crate) fn delete_schema_rows(&mut self, column: usize, name: &[u8]) -> Result<()> {
        let mut start = [0; 16];
        let mut writer = Writer::new(&mut start, 0);
        schema::begin_key(schema::SCHEMA, &mut writer);
        let len = writer.len();
        let prefix = start.get(..len).unwrap_or_default();
        self.store.seek(1, prefix).map_err(|error| self.store_error(error))?;
        let (low, high, total) = (self.code, self.top, self.arena.len());
        loop {
            let room = self.arena.get_mut(low..high).unwrap_or_default();
            let entry = self.store.next(1, room).map_err(|error| error.more(total))?;
            let Some(entry) = entry else { return Ok(()) };
            let (key, value) = room.get(..entry.key + entry.value).unwrap_or_default().split_at(entry.key);
            if !key.starts_with(prefix) {
                return Ok(());
            }
            let found = record::column(value, column).map_err(|error| error.at(0))?;
            if matches!(found, Some(Value::Text(text)) if text.eq_ignore_ascii_case(name)) {
                let mut kept = [0; 16];
                let len = key.len();
                if let Some(place) = kept.get_mut(..len) {
                    place.copy_from_slice(key);
                }
                self.store.delete(kept.get(..len).unwrap_or_default()).map_err(|error| error.at(0))?;
            }
        }
    }
}

fn definition_at(arena: &[u8], at: usize, len: usize) -> Definition<'_> {
    Definition(arena.get(at..at + len).unwrap_or_default())
}
