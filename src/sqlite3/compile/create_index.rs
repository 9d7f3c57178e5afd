//! CREATE INDEX, and the entries for the rows that are there.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::ddl::SchemaRow;
use super::*;
use crate::sqlite3::error::{Error, ErrorKind, Result};
use crate::sqlite3::key;
use crate::sqlite3::schema::{self, Definition, Index, ROWID};
use crate::sqlite3::store::Entry;
use crate::sqlite3::token::{Kind, Token};
use crate::sqlite3::vm::OWN_CURSOR;
use crate::sqlite3::vm::change::write_index_key;

impl Compiler<'_> {
    // ---- CREATE INDEX

    #[inline(never)]
    pub(crate) fn create_index(&mut self, unique: bool) {
        let token = self.new_name(true);
        self.expect(Kind::On);
        let table = self.name();
        self.table_to_change(table);
        if self.failed.is_some() {
            return;
        }
        let number = self.new_number();
        let (place, end) = self.define_index(number, unique, token);
        if self.was_present() {
            return;
        }
        self.fill_index(place, token);
        // The name as the table was declared is in sqlite_schema; here the statement's spelling is taken.
        let head: &[u8] = if unique { b"CREATE UNIQUE INDEX " } else { b"CREATE INDEX " };
        let text = self.schema_text(head, token, end);
        let row = self.add_schema_row(&SchemaRow { kind: b"index", name: token, table, number, text, which: 0 });
        self.save(table, 0);
        let entry = self.code;
        self.byte(schema::INDEX);
        self.word(number);
        self.word(row);
        self.bytes(&[0, ROWID, 0, 0, 0]);
        self.plain_name(table);
        self.save(token, entry);
    }

    /// Adds the index to the definition of its table: where it is there, and where the text of the statement ends.
    #[inline(never)]
    fn define_index(&mut self, number: u16, unique: bool, name: Token) -> (usize, u16) {
        let mut parts = Parts::default();
        self.indexed_columns(&mut parts);
        let last = self.last_before(name.start(), self.token.start());
        if self.token.kind == Kind::Where {
            self.fail_here(ErrorKind::Unsupported);
        }
        self.end_of_statement();
        // It is written behind the checks, and goes between them and the other indexes.
        let (place, end) = (self.built().checks_at(), self.code);
        self.write_index(number, u8::from(unique), &parts, Some(name));
        self.bring(end, place);
        (place, last.end())
    }

    /// The definition of a table that is changed, moved to the front, where it can grow.
    #[inline(never)]
    pub(crate) fn table_to_change(&mut self, table: Token) {
        let (at, len) = self.load(table, ErrorKind::NoSuchTable);
        let (kind, number) = (self.at(at), self.defined(at, len).number());
        if kind != schema::TABLE || number == schema::SCHEMA {
            return self.fail_at(ErrorKind::Schema, table);
        }
        self.copy(at as u16 | IN_ARENA, len);
    }

    /// Writes an index of the table that is being built, and counts it.
    #[inline(never)]
    pub(crate) fn write_index(&mut self, number: u16, flags: u8, parts: &Parts, name: Option<Token>) {
        self.word(number);
        self.byte(flags);
        self.byte(parts.count as u8);
        for &(column, order) in parts.list() {
            self.byte(column);
            self.byte(order);
        }
        let at = self.code;
        self.byte(0);
        if let Some(name) = name {
            let len = self.plain_name(name);
            self.set_at(at, len);
        }
        self.set_at(7, self.at(7).wrapping_add(1));
    }

    /// The last token before an offset, from that at `from` on.
    #[inline(never)]
    pub(crate) fn last_before(&self, from: u16, before: u16) -> Token {
        let mut token = self.lex(from);
        loop {
            let next = self.after(token);
            if next.start() >= before || next.kind == Kind::End_ {
                return token;
            }
            token = next;
        }
    }

    /// Makes the entries of a new index for the rows that are there.
    #[inline(never)]
    fn fill_index(&mut self, index_at: usize, name: Token) {
        let number = self.built().number();
        self.walk_rows(number);
        while let Some(entry) = self.next_row(number) {
            if let Err(error) = self.index_row(index_at, entry) {
                return self.fail(self.placed(error.more(self.arena.len()), name));
            }
        }
    }

    /// Makes the entry for a row that stands behind the definition.
    #[inline(never)]
    fn index_row(&mut self, index_at: usize, entry: Entry) -> Result<()> {
        let top = self.top;
        let (low, room) = self.arena.split_at_mut_checked(self.code).unwrap_or_default();
        let room = room.get_mut(..top.saturating_sub(low.len())).unwrap_or_default();
        // Behind the row, keys are made.
        let (row, room) = room.split_at_mut_checked(entry.key() + entry.value()).unwrap_or_default();
        let (key, value) = row.split_at_checked(entry.key()).unwrap_or_default();
        let mut reader = key::Reader::new(key, 0);
        // The number of the table stands before it.
        reader.rowid()?;
        let rowid = reader.rowid()?;
        let definition = Definition(low);
        let unique = definition.index_at(index_at).unique;
        let with = write_index_key(definition, index_at, value, rowid, room)?;
        let (made, room) = room.split_at_mut_checked(with.len).unwrap_or_default();
        if unique && !with.null {
            let bare = made.get(..with.columns).unwrap_or_default();
            self.store.seek(OWN_CURSOR, bare)?;
            let found = room.get_mut(..schema::KEY + 1).ok_or(Error::limit(schema::KEY + 1))?;
            let other = match self.store.next(OWN_CURSOR, found) {
                // What is longer is a row, and no entry of an index.
                Err(error) if error.is(ErrorKind::Limit) => None,
                other => other?,
            };
            if other.is_some_and(|other| found.get(..other.key()).is_some_and(|key| key.starts_with(bare))) {
                return Err(if with.cut { ErrorKind::TooBig } else { ErrorKind::Unique }.into());
            }
        }
        self.store.set(made, &[])
    }

    /// `(a, b DESC, c COLLATE NOCASE)`: columns and their orders.
    #[inline(never)]
    pub(crate) fn indexed_columns(&mut self, parts: &mut Parts) {
        self.expect(Kind::LeftParen);
        loop {
            let name = self.token;
            if !is_name(name.kind) && name.kind != Kind::String || self.after(name).kind == Kind::LeftParen {
                return self.expressions_are_missing();
            }
            self.advance();
            let definition = self.built();
            let Some(column) = self.position(definition, name) else {
                return self.fail_at(ErrorKind::NoSuchColumn, name);
            };
            let rowid = definition.rowid_column();
            let mut collation = definition.flags(column).1 & 3;
            if self.accept(Kind::Collate) {
                collation = self.collation().saturating_sub(1);
            }
            let descending = self.descending();
            if !parts.add(if column == rowid { ROWID } else { column }, u8::from(descending) | collation << 1) {
                return self.fail_at(ErrorKind::TooBig, name);
            }
            if self.accept(Kind::RightParen) {
                return;
            }
            if !self.accept(Kind::Comma) {
                return self.expressions_are_missing();
            }
        }
    }

    /// What is no column in an index is an expression, or nothing.
    fn expressions_are_missing(&mut self) {
        self.fail_here(if matches!(self.token.kind, Kind::RightParen | Kind::End_) {
            ErrorKind::Syntax
        } else {
            ErrorKind::Unsupported
        });
    }

    /// ASC, DESC or nothing.
    #[inline(never)]
    pub(crate) fn descending(&mut self) -> bool {
        let descending = self.accept(Kind::Desc);
        if !descending {
            self.accept(Kind::Asc);
        }
        descending
    }

    /// An index made by PRIMARY KEY or UNIQUE, unless there is one like it.
    #[inline(never)]
    pub(crate) fn automatic_index(&mut self, primary: bool, action: u8, parts: &Parts) {
        if let [(ROWID, _)] = parts.list() {
            return;
        }
        let same = |index: Index<'_>| {
            usize::from(index.columns) == parts.count
                && parts.list().iter().enumerate().all(|(at, &(column, order))| {
                    let known = index.part(at);
                    known.0 == column && known.1 >> 1 == order >> 1
                })
        };
        if self.built().each_index().any(same) {
            return;
        }
        let number = self.new_number();
        self.write_index(number, 1 | u8::from(primary) << 1 | 4 | action << 3, parts, None);
    }
}

/// The columns of an index, each with its order.
#[derive(Default)]
pub(crate) struct Parts {
    all: [(u8, u8); 16],
    pub(crate) count: usize,
}

impl Parts {
    pub(crate) fn list(&self) -> &[(u8, u8)] {
        self.all.get(..self.count).unwrap_or_default()
    }

    /// Whether there was room for one more.
    pub(crate) fn add(&mut self, column: u8, order: u8) -> bool {
        let place = self.all.get_mut(self.count);
        let fits = place.is_some();
        if let Some(place) = place {
            *place = (column, order);
            self.count += 1;
        }
        fits
    }
}
