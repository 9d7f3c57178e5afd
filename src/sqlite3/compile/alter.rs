//! ALTER TABLE: RENAME TO and ADD COLUMN.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::create_table::Walk;
use super::*;
use crate::sqlite3::error::{ErrorKind, Result};
use crate::sqlite3::quoting::Unescaped;
use crate::sqlite3::record;
use crate::sqlite3::schema;
use crate::sqlite3::scratch::Scratch;
use crate::sqlite3::store::Entry;
use crate::sqlite3::token::{self, Kind, Token, class};
use crate::sqlite3::value::{Affinity, Value};
use crate::sqlite3::words::among;

/// What happens to the text of a row of sqlite_schema.
#[derive(Clone, Copy)]
enum Edit<'e> {
    /// The name of the table is another, which is written so.
    Rename(&'e [u8]),
    /// A column definition is added: where it stands in the statement.
    Add(u16, u16),
}

impl<'a> Compiler<'a> {
    #[inline(never)]
    pub(crate) fn alter(&mut self) {
        self.expect(Kind::Table);
        let table = self.table_name();
        self.table_to_change(table);
        let word = self.advance();
        match word.kind {
            Kind::Rename if self.accept(Kind::To) => self.rename_table(table),
            Kind::Add => self.add_column(table),
            Kind::Rename | Kind::Drop => self.fail_at(ErrorKind::Unsupported, word),
            _ => self.fail_at(ErrorKind::Syntax, word),
        }
    }

    #[inline(never)]
    fn rename_table(&mut self, old: Token) {
        let new = self.name();
        self.end_of_statement();
        self.unused(new);
        self.edit_schema(old, Edit::Rename(self.written(new)));
        self.rename_in_indexes(new);
        self.delete_name(old);
        self.save(new, 0);
    }

    /// Indexes know the name of their table.
    #[inline(never)]
    fn rename_in_indexes(&mut self, new: Token) {
        let mut index_at = self.built().indexes_at();
        for _ in 0..self.built().indexes() {
            let index = self.built().index_at(index_at);
            let (name_at, name_len) = (index.next - index.name.len(), index.name.len());
            index_at = index.next;
            if name_len > 0 {
                let (name, end) = (Self::known_name(name_at, name_len), self.code);
                self.load_again(name);
                self.code = end + schema::HEADER;
                self.plain_name(new);
                self.save(name, end);
                self.code = end;
            }
        }
    }

    /// A name as it is written in the statement.
    fn written(&self, name: Token) -> &'a [u8] {
        self.sql.get(name.start().into()..name.end().into()).unwrap_or_default()
    }

    #[inline(never)]
    fn add_column(&mut self, table: Token) {
        self.accept(Kind::Column);
        let column = self.token;
        // The column is written behind the definition, and moved to its place.
        let (place, begin) = (self.built().indexes_at(), self.code);
        let mut word = column;
        while !word.kind.is(class::END) {
            match word.kind {
                Kind::Primary | Kind::Unique => return self.fail_at(ErrorKind::Schema, word),
                Kind::Check | Kind::Generated => return self.fail_at(ErrorKind::Unsupported, word),
                _ => word = self.after(word),
            }
        }
        self.column_definition(Walk::Columns, self.at(5));
        let end = self.last_before(column.start(), self.token.start()).end();
        self.end_of_statement();
        match self.refused(begin) {
            // No row lacks the value.
            Some(ErrorKind::Schema) if self.is_empty() => {}
            Some(kind) => return self.fail_at(kind, column),
            None => {}
        }
        self.mark_at(begin, 0x20);
        self.bring(begin, place);
        self.edit_schema(table, Edit::Add(column.start(), end));
        self.save(table, 0);
    }

    /// Why the column whose definition is built at an offset cannot be added.
    #[inline(never)]
    fn refused(&self, at: usize) -> Option<ErrorKind> {
        let known = self.built().column_at(at);
        if known.not_null && (!known.has_default || known.default.eq_ignore_ascii_case(b"null")) {
            // "Cannot add a NOT NULL column with default value NULL"
            return Some(ErrorKind::Schema);
        }
        (!is_plain(known.default, known.affinity == Affinity::Text as u8)).then_some(ErrorKind::Unsupported)
    }

    /// Whether the table that is changed has no rows.
    fn is_empty(&mut self) -> bool {
        let number = self.built().number();
        self.walk_rows(number);
        self.next_row(number).is_none()
    }

    /// Edits the rows of sqlite_schema that belong to a table.
    #[inline(never)]
    fn edit_schema(&mut self, table: Token, edit: Edit<'_>) {
        let table = self.written(table);
        self.walk_rows(schema::SCHEMA);
        while let Some(entry) = self.next_row(schema::SCHEMA) {
            if let Err(error) = self.edit_entry(table, edit, entry) {
                // Twice what was needed: a half of the room is for the record.
                return self.fail_store(error.more(error.needed().unwrap_or(0)));
            }
        }
    }

    /// Edits and writes one of them.
    #[inline(never)]
    fn edit_entry(&mut self, table: &[u8], edit: Edit<'_>, entry: Entry) -> Result<()> {
        let (at, len) = self.edit_row(table, edit, entry)?;
        let key = self.arena.get(self.code..self.code + entry.key()).unwrap_or_default();
        match self.arena.get(at..at + len) {
            Some(record) if len > 0 => self.store.set(key, record),
            _ => Ok(()),
        }
    }

    /// Edits a row that stands behind the definition: where the new record is, of no length if the row stays as it is. `table`
    /// is the table's name, as it is written.
    #[inline(never)]
    fn edit_row(&mut self, table: &[u8], edit: Edit<'_>, entry: Entry) -> Result<(usize, usize)> {
        let room = self.arena.get_mut(self.code..self.top).unwrap_or_default();
        let (row, room) = room.split_at_mut_checked(entry.key() + entry.value()).unwrap_or_default();
        let value = row.get(entry.key()..).unwrap_or_default();
        let (kind, name, owner, text) = (text(value, 0), text(value, 1), text(value, 2), text(value, 4));
        let new = if let Edit::Rename(new) = edit { Some(new) } else { None };
        if new.is_some() && (kind == b"view" || refers(text, table)) {
            // A view may name the table; a CHECK and a REFERENCES do.
            return Err(ErrorKind::Unsupported.into());
        }
        if !same(table, owner) || (new.is_none() && kind != b"table") {
            return Ok((0, 0));
        }
        let half = room.len() / 2;
        let (text_room, record_room) = room.split_at_mut(half);
        let mut out = Scratch::new(text_room);
        let (from, end) = place_of(text, edit, kind == b"index");
        out.extend(text.get(..from).unwrap_or_default());
        match edit {
            Edit::Add(from, end) => {
                out.extend(b", ");
                out.extend(self.sql.get(from.into()..end.into()).unwrap_or_default());
            }
            Edit::Rename(new) => {
                out.push(b'"');
                for byte in plain(new) {
                    out.push(byte);
                    if byte == b'"' {
                        out.push(byte);
                    }
                }
                out.push(b'"');
            }
        }
        out.extend(text.get(end..).unwrap_or_default());
        let made = out.finish()?;
        new.into_iter().flat_map(plain).for_each(|byte| out.push(byte));
        let new = if new.is_some() { Some(out.finish()?) } else { None };
        let renamed = match new {
            Some(new) if kind == b"table" => new,
            Some(new) if text.is_empty() => {
                out.extend(b"sqlite_autoindex_");
                out.extend(new);
                let number = name.iter().rposition(|&byte| byte == b'_').unwrap_or(0);
                out.extend(name.get(number..).unwrap_or_default());
                out.finish()?
            }
            _ => name,
        };
        let values = [
            Value::Text(kind),
            Value::Text(renamed),
            Value::Text(new.unwrap_or(owner)),
            record::column(value, 3)?.unwrap_or(Value::Null),
            if text.is_empty() { Value::Null } else { Value::Text(made) },
        ];
        let record = schema::row(&values, record_room)?;
        Ok((self.code + entry.key() + entry.value() + half, record.len()))
    }
}

/// Whether a default is of a kind that rows older than the column can show: NULL, TRUE, a text without quotes in it, or a
/// number, which a column of texts shows as it is written.
fn is_plain(default: &[u8], texts: bool) -> bool {
    let first = token::next(default, 0);
    let signed = matches!(first.kind, Kind::Minus | Kind::Plus);
    let number = if signed { token::next(default, first.end().into()) } else { first };
    let digits = default.get(usize::from(number.start())..).unwrap_or_default();
    match number.kind {
        Kind::Null | Kind::Blob => true,
        Kind::Name => !texts,
        Kind::Integer | Kind::Real | Kind::Hex if !texts => true,
        _ if signed && number.start() != first.end() => false,
        Kind::Real => true,
        Kind::Integer => digits == b"0" && !signed || digits.first() != Some(&b'0'),
        Kind::String => !among(default.get(1..default.len().saturating_sub(1)).unwrap_or_default(), b'\''),
        _ => default.is_empty(),
    }
}

/// The text in a column of a row of sqlite_schema.
#[inline(never)]
fn text(row: &[u8], column: usize) -> &[u8] {
    match record::column(row, column) {
        Ok(Some(Value::Text(text))) => text,
        _ => b"",
    }
}

/// What an edit takes the place of in the text of a CREATE. A new column goes before the comma of the table constraints, or the
/// last parenthesis; a new name where the name of the table stands.
#[inline(never)]
fn place_of(text: &[u8], edit: Edit<'_>, index: bool) -> (usize, usize) {
    let adds = matches!(edit, Edit::Add(..));
    let word = if index { Kind::On } else { Kind::Table };
    let (mut at, mut depth, mut comma) = (0, 0usize, 0);
    loop {
        let token = token::next(text, at);
        at = token.end().into();
        let start = usize::from(token.start());
        match token.kind {
            Kind::End_ | Kind::Illegal => return (text.len(), text.len()),
            kind if !adds && kind == word => {
                let name = token::next(text, at);
                return (name.start().into(), name.end().into());
            }
            _ if !adds => {}
            Kind::LeftParen => depth += 1,
            Kind::RightParen if depth == 1 => return (start, start),
            Kind::RightParen => depth = depth.saturating_sub(1),
            Kind::Comma if depth == 1 => comma = start,
            // Right behind a comma begins a table constraint.
            Kind::Constraint | Kind::Primary | Kind::Unique | Kind::Check | Kind::Foreign
                if depth == 1 && comma > 0 && token::next(text, comma + 1) == token =>
            {
                return (comma, comma);
            }
            _ => {}
        }
    }
}

/// Whether the text of a CREATE names a table before a dot, or behind REFERENCES.
#[inline(never)]
fn refers(text: &[u8], table: &[u8]) -> bool {
    let (mut at, mut before) = (0, Kind::End_);
    loop {
        let token = token::next(text, at);
        at = token.end().into();
        if matches!(token.kind, Kind::End_ | Kind::Illegal) {
            return false;
        }
        let name = text.get(token.start().into()..at).unwrap_or_default();
        let names = before == Kind::References || token::next(text, at).kind == Kind::Dot;
        if names && plain(name).same(plain(table)) {
            return true;
        }
        before = token.kind;
    }
}

/// The bytes of a name, which may be written in quotes.
fn plain(name: &[u8]) -> Unescaped<'_> {
    let (text, quote) = unquoted(name);
    unescaped(text, quote)
}

/// Whether a name as it is written is this one.
fn same(written: &[u8], name: &[u8]) -> bool {
    let (text, quote) = unquoted(written);
    same_name(text, quote, name)
}
