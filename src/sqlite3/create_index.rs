//! CREATE INDEX, and the entries for the rows that are there.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::change::write_index_key;
use super::compile::*;
use super::error::{Error, ErrorKind, Result};
use super::key::{self, Writer};
use super::schema::{self, Definition, ROWID};
use super::token::{Kind, Token};
use super::vm::OWN_CURSOR;

impl Compiler<'_> {
    // ---- CREATE INDEX

    #[inline(never)]
    pub(crate) fn create_index(&mut self, unique: bool) -> Result<()> {
        let unless = self.if_not_exists()?;
        let Some(name) = self.new_name(unless)? else { return Ok(()) };
        self.expect(Kind::On)?;
        let table = self.name()?;
        let (at, len) = self.load(table, ErrorKind::NoSuchTable)?;
        let known = self.defined(at, len);
        if known.kind() != schema::TABLE || known.number() == schema::SCHEMA {
            return Err(self.error(ErrorKind::Schema, table));
        }
        // The definition moves to the front, where it can grow.
        let from = self.code;
        self.copy(at as u16 | IN_ARENA, len)?;
        let mut parts = [(0u8, 0u8); 16];
        let count = self.indexed_columns(from, &mut parts)?;
        let last_end = self.token.start;
        if self.token.kind == Kind::Where {
            return Err(self.error_here(ErrorKind::Unsupported));
        }
        self.end_of_statement()?;
        let parts = parts.get(..count).unwrap_or_default();
        let number = self.new_number()?;
        let (mut plain, mut plain_table) = ([0; 64], [0; 64]);
        let plain = self.plain_name(name, &mut plain)?;
        let table_name = self.plain_name(table, &mut plain_table)?;
        // The index goes between the other indexes and the checks.
        let place = from + self.defined(from, len).checks_at();
        let size = 5 + 2 * count + plain.len();
        let end = self.code;
        for _ in 0..size {
            self.byte(0)?;
        }
        self.arena.copy_within(place..end, place + size);
        put16(self.arena, place, number);
        self.set_at(place + 2, u8::from(unique));
        self.set_at(place + 3, count as u8);
        for (part, &(column, order)) in parts.iter().enumerate() {
            self.set_at(place + 4 + 2 * part, column);
            self.set_at(place + 5 + 2 * part, order);
        }
        self.set_at(place + 4 + 2 * count, plain.len() as u8);
        if let Some(room) = self.arena.get_mut(place + 5 + 2 * count..place + size) {
            room.copy_from_slice(plain);
        }
        self.set_at(from + 7, self.at(from + 7) + 1);
        let table_number = self.built(from).number();
        self.fill_index(from, place - from, table_number, name)?;
        // The name as the table was declared is in sqlite_schema; here the statement's spelling is taken.
        let head: &[u8] = if unique { b"CREATE UNIQUE INDEX " } else { b"CREATE INDEX " };
        let end = self.last_before(name.start, last_end).end;
        let row = self.add_schema_row("index", plain, table_name, number, Some((head, name, end)))?;
        let len = self.code - from;
        self.save(table_name, from, len)?;
        let entry = self.code;
        self.byte(schema::INDEX)?;
        self.word(number)?;
        self.word(row)?;
        self.bytes(&[0, ROWID, 0, 0, 0])?;
        self.bytes(table_name)?;
        let len = self.code - entry;
        self.save(plain, entry, len)
    }

    /// The last token before an offset, from that at `from` on.
    pub(crate) fn last_before(&self, from: u16, before: u16) -> Token {
        let mut token = self.lex(from);
        while self.after(token).start < before && self.after(token).kind != Kind::End_ {
            token = self.after(token);
        }
        token
    }

    /// Makes the entries of a new index for the rows that are there.
    #[inline(never)]
    pub(crate) fn fill_index(&mut self, from: usize, index_at: usize, table: u16, name: Token) -> Result<()> {
        let offset = usize::from(name.start);
        let mut start = [0; 16];
        let mut writer = Writer::new(&mut start, 0);
        schema::begin_key(table, &mut writer);
        let len = writer.len();
        let prefix = start.get(..len).unwrap_or_default();
        let (definition_end, top, total) = (self.code, self.top, self.arena.len());
        self.store.seek(1, prefix).map_err(|error| error.at(offset))?;
        loop {
            let (low, room) = self.arena.split_at_mut(definition_end);
            let room = room.get_mut(..top - definition_end).unwrap_or_default();
            let entry = self.store.next(1, room).map_err(|error| error.more(total).at(offset))?;
            let Some(entry) = entry else { return Ok(()) };
            // Behind the row, keys are made.
            let (row, room) = room.split_at_mut(entry.key + entry.value);
            let (key, value) = row.split_at(entry.key);
            let Some(rest) = key.strip_prefix(prefix) else { return Ok(()) };
            let rowid = key::Reader::new(rest, 0).rowid().map_err(|error| error.at(offset))?;
            let definition = Definition(low.get(from..).unwrap_or_default());
            let unique = definition.index_at(index_at).unique;
            let with = write_index_key(definition, index_at, value, rowid, room);
            let with = with.map_err(|error| error.more(total).at(offset))?;
            let (made, room) = room.split_at_mut(with.len);
            if unique && !with.null {
                let bare = made.get(..with.columns).unwrap_or_default();
                self.store.seek(OWN_CURSOR, bare).map_err(|error| error.at(offset))?;
                let found = room.get_mut(..schema::KEY + 1).ok_or(Error::limit(total + schema::KEY + 1))?;
                let other = match self.store.next(OWN_CURSOR, found) {
                    // What is longer is a row, and no entry of an index.
                    Err(error) if error.is(ErrorKind::Limit) => None,
                    other => other.map_err(|error| error.at(offset))?,
                };
                if other.is_some_and(|other| found.get(..other.key).is_some_and(|key| key.starts_with(bare))) {
                    return Err(if with.cut { ErrorKind::TooBig } else { ErrorKind::Unique }.at(offset));
                }
            }
            self.store.set(made, &[]).map_err(|error| error.at(offset))?;
        }
    }

    /// `(a, b DESC, c COLLATE NOCASE)`: columns and their orders.
    pub(crate) fn indexed_columns(&mut self, from: usize, parts: &mut [(u8, u8); 16]) -> Result<usize> {
        self.expect(Kind::LeftParen)?;
        let mut count = 0;
        loop {
            let name = self.token;
            if !is_name(name.kind) && name.kind != Kind::String || self.after(name).kind == Kind::LeftParen {
                return Err(self.error_here(if matches!(name.kind, Kind::RightParen | Kind::End_) {
                    ErrorKind::Syntax
                } else {
                    ErrorKind::Unsupported
                }));
            }
            self.advance();
            let definition = self.built(from);
            let found = definition.each_column().enumerate().find(|(_, known)| self.same(name, known.name));
            let Some((column, known)) = found else {
                return Err(self.error(ErrorKind::NoSuchColumn, name));
            };
            let (column, mut collation, rowid) = (column as u8, known.collation, definition.rowid_column());
            if self.accept(Kind::Collate) {
                collation = self.collation()? - 1;
            }
            let descending = self.accept(Kind::Desc);
            if !descending {
                self.accept(Kind::Asc);
            }
            let column =
                if column == rowid && self.at(from) == schema::TABLE && rowid != ROWID { ROWID } else { column };
            match parts.get_mut(count) {
                Some(part) => *part = (column, u8::from(descending) | collation << 1),
                None => return Err(self.error(ErrorKind::TooBig, name)),
            }
            count += 1;
            if self.accept(Kind::RightParen) {
                return Ok(count);
            }
            if self.token.kind != Kind::Comma {
                return Err(self.error_here(if self.token.kind == Kind::End_ {
                    ErrorKind::Syntax
                } else {
                    ErrorKind::Unsupported
                }));
            }
            self.advance();
        }
    }

    /// An index made by PRIMARY KEY or UNIQUE, unless there is one like it.
    pub(crate) fn automatic_index(&mut self, from: usize, primary: bool, action: u8, parts: &[(u8, u8)]) -> Result<()> {
        let definition = self.built(from);
        if let [(ROWID, _)] = parts {
            return Ok(());
        }
        let collated = |column: u8, order: u8| {
            // A column's own constraint takes its collation.
            order | definition.column(column).map_or(0, |known| known.collation << 1)
        };
        let mut resolved = [(0u8, 0u8); 16];
        for (place, &(column, order)) in resolved.iter_mut().zip(parts) {
            *place = (column, if order >> 1 != 0 { order } else { collated(column, order) });
        }
        let resolved = resolved.get(..parts.len()).unwrap_or_default();
        for index in definition.each_index() {
            let same = usize::from(index.columns) == resolved.len()
                && resolved.iter().enumerate().all(|(at, &(column, order))| {
                    let known = index.part(at);
                    known.0 == column && known.1 >> 1 == order >> 1
                });
            if same {
                return Ok(());
            }
        }
        let number = self.new_number()?;
        self.word(number)?;
        self.bytes(&[1 | u8::from(primary) << 1 | 4 | action << 3, resolved.len() as u8])?;
        for &(column, order) in resolved {
            self.bytes(&[column, order])?;
        }
        self.byte(0)?;
        self.set_at(from + 7, self.at(from + 7) + 1);
        Ok(())
    }
}

/// The name of an index that a constraint made.
pub(crate) fn automatic_name<'o>(table: &[u8], which: u8, out: &'o mut [u8; 96]) -> &'o [u8] {
    let mut len = 0;
    let digits = [b'0' + which / 100, b'0' + which / 10 % 10, b'0' + which % 10];
    let digits = digits
        .get(
            if which > 99 {
                0
            } else if which > 9 {
                1
            } else {
                2
            }..,
        )
        .unwrap_or_default();
    for part in [b"sqlite_autoindex_", table, b"_", digits] {
        for &byte in part {
            if let Some(place) = out.get_mut(len) {
                *place = byte;
                len += 1;
            }
        }
    }
    out.get(..len).unwrap_or_default()
}
