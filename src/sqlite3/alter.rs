//! ALTER TABLE: RENAME TO and ADD COLUMN.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::compile::*;
use super::error::{Error, ErrorKind, Result};
use super::key::Writer;
use super::record;
use super::rows::row_key;
use super::schema;
use super::token::{self, Kind, Token};
use super::value::Value;

/// What happens to the text of a row of sqlite_schema.
#[derive(Clone, Copy)]
enum Edit<'e> {
    /// The name of the table is another.
    Rename(&'e [u8]),
    /// A column definition is added: where it stands in the statement.
    Add(u16, u16),
}

impl Compiler<'_> {
    #[inline(never)]
    pub(crate) fn alter(&mut self) -> Result<()> {
        self.expect(Kind::Table)?;
        let table = self.table_name()?;
        let (at, len) = self.load(table, ErrorKind::NoSuchTable)?;
        let known = self.defined(at, len);
        if known.kind() != schema::TABLE || known.number() == schema::SCHEMA {
            return Err(self.error(ErrorKind::Schema, table));
        }
        // The definition moves to the front, where it can grow.
        let from = self.code;
        self.copy(at as u16 | IN_ARENA, len)?;
        match self.token.kind {
            Kind::Rename if self.after(self.token).kind == Kind::To => {
                self.advance();
                self.advance();
                self.rename_table(table, from)
            }
            Kind::Add => {
                self.advance();
                self.accept(Kind::Column);
                self.add_column(table, from, len)
            }
            Kind::Rename | Kind::Drop => Err(self.error_here(ErrorKind::Unsupported)),
            _ => Err(self.unexpected()),
        }
    }

    #[inline(never)]
    fn rename_table(&mut self, table: Token, from: usize) -> Result<()> {
        let name = self.name()?;
        self.end_of_statement()?;
        let (mut old, mut new) = ([0; 64], [0; 64]);
        let (old, new) = (self.plain_name(table, &mut old)?, self.plain_name(name, &mut new)?);
        if new.get(..7).is_some_and(|start| start.eq_ignore_ascii_case(b"sqlite_")) {
            return Err(self.error(ErrorKind::Schema, name));
        }
        if !old.eq_ignore_ascii_case(new) && self.exists(name)? {
            return Err(self.error(ErrorKind::AlreadyExists, name));
        }
        self.edit_schema(old, Edit::Rename(new))?;
        // Indexes know the name of their table.
        let count = usize::from(self.built(from).indexes());
        for which in 0..count {
            let end = self.code;
            let definition = self.built(from);
            let Some(index) = definition.each_index().nth(which) else { break };
            let (mut plain, len) = ([0; 64], index.name.len());
            if len == 0 {
                continue;
            }
            if let Some(place) = plain.get_mut(..len) {
                place.copy_from_slice(index.name);
            }
            let plain = plain.get(..len).unwrap_or_default();
            let room = self.arena.get_mut(end..self.top).unwrap_or_default();
            let found = schema::load(self.store, plain, room).map_err(|error| self.store_error(error))?;
            if found.is_none() {
                return Err(self.error(ErrorKind::Corrupt, table));
            }
            self.code = end + schema::HEADER;
            self.bytes(new)?;
            let len = self.code - end;
            self.code = end;
            self.save(plain, end, len)?;
        }
        self.delete_name(old)?;
        let len = self.code - from;
        self.save(new, from, len)
    }

    #[inline(never)]
    fn add_column(&mut self, table: Token, from: usize, len: usize) -> Result<()> {
        let column = self.token;
        // The column is written behind the definition, and moved to its place.
        let place = from + self.defined(from, len).indexes_at();
        let begin = self.code;
        let mut words = column;
        while !matches!(words.kind, Kind::End_ | Kind::Semicolon | Kind::Illegal) {
            if matches!(words.kind, Kind::Primary | Kind::Unique | Kind::Check | Kind::Generated) {
                let kind = if matches!(words.kind, Kind::Primary | Kind::Unique) {
                    ErrorKind::Schema
                } else {
                    ErrorKind::Unsupported
                };
                return Err(self.error(kind, words));
            }
            words = self.after(words);
        }
        self.column_definition_of(from)?;
        let end = self.last_before(column.start, self.token.start).end;
        self.end_of_statement()?;
        let known = self.built(begin).column_at(0);
        let constant = is_plain(known.default);
        let null = !known.has_default || known.default.eq_ignore_ascii_case(b"null");
        if known.not_null && null {
            // "Cannot add a NOT NULL column with default value NULL"
            return Err(self.error(ErrorKind::Schema, column));
        }
        if !constant {
            return Err(self.error(ErrorKind::Unsupported, column));
        }
        let flags = self.arena.get(begin).copied().unwrap_or(0);
        if let Some(byte) = self.arena.get_mut(begin) {
            *byte = flags | 0x20;
        }
        if let Some(moved) = self.arena.get_mut(place..self.code) {
            let size = begin - place;
            moved.rotate_left(size);
        }
        let mut plain = [0; 64];
        let plain = self.plain_name(table, &mut plain)?;
        self.edit_schema(plain, Edit::Add(column.start, end))?;
        let len = self.code - from;
        self.save(plain, from, len)
    }

    /// Edits the rows of sqlite_schema that belong to a table.
    #[inline(never)]
    fn edit_schema(&mut self, table: &[u8], edit: Edit<'_>) -> Result<()> {
        let mut start = [0; 16];
        let mut writer = Writer::new(&mut start, 0);
        schema::begin_key(schema::SCHEMA, &mut writer);
        let len = writer.len();
        let prefix = start.get(..len).unwrap_or_default();
        self.store.seek(1, prefix).map_err(|error| self.store_error(error))?;
        let (low, high, total) = (self.code, self.top, self.arena.len());
        let sql = self.sql;
        loop {
            let room = self.arena.get_mut(low..high).unwrap_or_default();
            let entry = self.store.next(1, room).map_err(|error| error.more(total))?;
            let Some(entry) = entry else { return Ok(()) };
            let (row, room) = room.split_at_mut(entry.key + entry.value);
            let (key, value) = row.split_at(entry.key);
            let Some(rest) = key.strip_prefix(prefix) else { return Ok(()) };
            let rowid = super::key::Reader::new(rest, 0).rowid()?;
            let column = |column: usize| record::column(value, column).ok().flatten().unwrap_or(Value::Null);
            let bytes = |value| match value {
                Value::Text(text) => text,
                _ => &b""[..],
            };
            let (kind, name, owner, text) = (bytes(column(0)), bytes(column(1)), bytes(column(2)), bytes(column(4)));
            if matches!(edit, Edit::Rename(_)) && (kind == b"view" || refers(text, table)) {
                // A view may name the table; a CHECK and a REFERENCES do.
                return Err(ErrorKind::Unsupported.into());
            }
            if !owner.eq_ignore_ascii_case(table) || (matches!(edit, Edit::Add(..)) && kind != b"table") {
                continue;
            }
            let half = room.len() / 2;
            let (text_room, record_room) = room.split_at_mut(half);
            let mut out = super::scratch::Scratch::new(text_room);
            match edit {
                Edit::Add(from, end) => {
                    let at = end_of_columns(text);
                    out.extend(text.get(..at).unwrap_or_default());
                    out.extend(b", ");
                    out.extend(sql.get(from.into()..end.into()).unwrap_or_default());
                    out.extend(text.get(at..).unwrap_or_default());
                }
                Edit::Rename(new) if !text.is_empty() => {
                    let (from, end) = place_of_table(text, kind == b"index");
                    out.extend(text.get(..from).unwrap_or_default());
                    out.push(b'"');
                    for &byte in new {
                        out.push(byte);
                        if byte == b'"' {
                            out.push(byte);
                        }
                    }
                    out.push(b'"');
                    out.extend(text.get(end..).unwrap_or_default());
                }
                Edit::Rename(_) => {}
            }
            // Twice what was needed: a half of the room is for the record.
            let limit = |error: Error| error.more(total + error.needed().unwrap_or(0));
            let made = out.finish().map_err(limit)?;
            let mut renamed = name;
            if let Edit::Rename(new) = edit {
                if kind == b"table" {
                    renamed = new;
                } else if text.is_empty() {
                    let number = name.rsplit(|&byte| byte == b'_').next().unwrap_or_default();
                    out.extend(b"sqlite_autoindex_");
                    out.extend(new);
                    out.push(b'_');
                    out.extend(number);
                    renamed = out.finish().map_err(limit)?;
                }
            }
            let table_name = if let Edit::Rename(new) = edit { new } else { owner };
            let values = [
                Value::Text(kind),
                Value::Text(renamed),
                Value::Text(table_name),
                column(3),
                if text.is_empty() { Value::Null } else { Value::Text(made) },
            ];
            let record = schema::row(&values, record_room).map_err(limit)?;
            let mut key = [0; 16];
            self.store.set(row_key(schema::SCHEMA, rowid, &mut key), record)?;
        }
    }
}

/// Whether a default is of a kind that rows older than the column can show: a number, NULL, or a text without quotes in it.
fn is_plain(default: &[u8]) -> bool {
    let first = token::next(default, 0);
    let number = match first.kind {
        Kind::Minus | Kind::Plus => token::next(default, first.end.into()),
        _ => first,
    };
    match number.kind {
        Kind::Integer | Kind::Real | Kind::Hex | Kind::Null => true,
        Kind::String => !default.get(1..default.len().saturating_sub(1)).unwrap_or_default().contains(&b'\''),
        _ => default.is_empty(),
    }
}

/// Where a new column goes in the text of a CREATE TABLE: before the comma of the table constraints, or the last parenthesis.
fn end_of_columns(text: &[u8]) -> usize {
    let (mut at, mut depth, mut comma) = (0, 0usize, None);
    loop {
        let token = token::next(text, at);
        at = token.end.into();
        match token.kind {
            Kind::LeftParen => depth += 1,
            Kind::RightParen if depth == 1 => return token.start.into(),
            Kind::RightParen => depth = depth.saturating_sub(1),
            Kind::Comma if depth == 1 => comma = Some(usize::from(token.start)),
            Kind::Constraint | Kind::Primary | Kind::Unique | Kind::Check | Kind::Foreign if depth == 1 => {
                // Right behind a comma begins a table constraint.
                if let Some(comma) = comma
                    && usize::from(token::next(text, comma + 1).start) == usize::from(token.start)
                {
                    return comma;
                }
            }
            Kind::End_ | Kind::Illegal => return text.len(),
            _ => {}
        }
    }
}

/// Whether the text of a CREATE names a table before a dot, or behind REFERENCES.
fn refers(text: &[u8], table: &[u8]) -> bool {
    let (mut at, mut before) = (0, Kind::End_);
    loop {
        let token = token::next(text, at);
        at = token.end.into();
        if matches!(token.kind, Kind::End_ | Kind::Illegal) {
            return false;
        }
        let (name, quote) = unquoted(text.get(token.start.into()..at).unwrap_or_default());
        if (before == Kind::References || token::next(text, at).kind == Kind::Dot) && same_name(name, quote, table) {
            return true;
        }
        before = token.kind;
    }
}

/// Where the name of the table stands in the text of its CREATE, or of that of an index.
fn place_of_table(text: &[u8], index: bool) -> (usize, usize) {
    let mut at = 0;
    loop {
        let token = token::next(text, at);
        at = token.end.into();
        let found = if index { token.kind == Kind::On } else { token.kind == Kind::Table };
        if found || token.kind == Kind::End_ {
            let name = token::next(text, at);
            return (name.start.into(), name.end.into());
        }
    }
}
