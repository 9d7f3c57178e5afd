//! ALTER TABLE: RENAME TO and ADD COLUMN.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::create_table::Walk;
use super::ddl::SchemaRow;
use super::*;
use crate::sqlite3::error::ErrorKind;
use crate::sqlite3::quoting::Unescaped;
use crate::sqlite3::record;
use crate::sqlite3::schema;
use crate::sqlite3::text::leading_integer;
use crate::sqlite3::token::{self, Kind, Token, class};
use crate::sqlite3::value::{Affinity, Value};
use crate::sqlite3::words::among;

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
        self.edit_schema(old, new, false);
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
        self.edit_schema(table, Token::new(column.kind, column.start(), end), true);
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

    /// Edits the rows of sqlite_schema that belong to a table: it gets a new name, or a column is added, whose definition this is.
    #[inline(never)]
    fn edit_schema(&mut self, table: Token, new: Token, adds: bool) {
        self.walk_rows(schema::SCHEMA);
        while let Some(entry) = self.next_row(schema::SCHEMA) {
            let row = self.code;
            // What is written goes behind the row.
            self.code += entry.key() + entry.value();
            let (at, len) = self.edit_row(table, new, adds, row + entry.key());
            self.code = row;
            let key = self.arena.get(row..row + entry.key()).unwrap_or_default();
            if let Some(record) = self.arena.get(at..at + len).filter(|record| !record.is_empty()) {
                let done = self.store.set(key, record);
                self.stored(done);
            }
        }
    }

    /// Edits a record that is the last in front of what is built: where the new one is, of no length if it stays as it is.
    #[inline(never)]
    fn edit_row(&mut self, table: Token, new: Token, adds: bool, record: usize) -> (usize, usize) {
        let (name, owner, text) = (self.text_in(record, 1), self.text_in(record, 2), self.text_in(record, 4));
        let number = match record::column(self.arena.get(record..self.code).unwrap_or_default(), 3) {
            Ok(Some(Value::Integer(number))) => number as u16,
            _ => 0,
        };
        // The first letter tells tables, indexes and views apart.
        let kind = self.text(self.text_in(record, 0)).first().copied();
        let (written, old) = (self.text(text), self.written(table));
        if !adds && (kind == Some(b'v') || refers(written, old)) {
            // A view may name the table; a CHECK and a REFERENCES do.
            self.fail_here(ErrorKind::Unsupported);
            return (0, 0);
        }
        let is_table = kind == Some(b't');
        if !same(old, self.text(owner)) || adds && !is_table {
            return (0, 0);
        }
        let (from, end) = place_of(written, adds, !is_table);
        let automatic = written.is_empty();
        let last = self.text(name).rsplit(|&byte| byte == b'_').next().unwrap_or_default();
        let which = leading_integer(last) as u16;
        let behind = self.code;
        if !automatic {
            self.copy(text.start(), from.into());
            if adds {
                self.bytes(b", ");
                self.copy(new.start(), (new.end() - new.start()).into());
            } else {
                self.byte(b'"');
                for byte in plain(self.written(new)) {
                    self.bytes(if byte == b'"' { b"\"\"" } else { core::slice::from_ref(&byte) });
                }
                self.byte(b'"');
            }
            self.copy(text.start() + end, (text.end() - text.start() - end).into());
        }
        let row = SchemaRow {
            kind: if is_table { b"table" } else { b"index" },
            name: if is_table && !adds { new } else { name },
            table: if adds { owner } else { new },
            number,
            text: behind,
            which,
        };
        self.schema_row(&row)
    }

    /// A text in a record that is the last in front of what is built: as a name that stands in the arena.
    #[inline(never)]
    fn text_in(&self, record: usize, column: usize) -> Token {
        let mut walk = record::Walk::START;
        let serial = walk.find(self.arena.get(record..self.code).unwrap_or_default(), column);
        let len = record::body_size(serial.ok().flatten().unwrap_or(0));
        Self::known_name(record + usize::from(walk.body), len)
    }
}

/// Whether a default is of a kind that rows older than the column can show: NULL, TRUE (not as a text), a text without quotes in it,
/// or a number; also in parentheses.
fn is_plain(default: &[u8], texts: bool) -> bool {
    let inside = default.strip_prefix(b"(").and_then(|rest| rest.strip_suffix(b")"));
    let default = inside.unwrap_or(default).trim_ascii();
    let first = token::next(default, 0);
    let signed = matches!(first.kind, Kind::Minus | Kind::Plus);
    let literal = if signed { token::next(default, first.end().into()) } else { first };
    match literal.kind {
        _ if usize::from(literal.end()) != default.len() => false,
        Kind::Integer | Kind::Hex | Kind::Real => true,
        _ if signed => false,
        Kind::Null => inside.is_none(),
        Kind::Blob => true,
        Kind::Name => !texts && inside.is_none(),
        Kind::String | Kind::Quoted => {
            let text = default.get(1..default.len().saturating_sub(1)).unwrap_or_default();
            !default.first().is_some_and(|quote| among(text, *quote))
        }
        _ => default.is_empty() && inside.is_none(),
    }
}

/// What an edit takes the place of in the text of a CREATE. A new column goes before the comma of the table constraints, or the
/// last parenthesis; a new name where the name of the table stands.
#[inline(never)]
fn place_of(text: &[u8], adds: bool, index: bool) -> (u16, u16) {
    let word = if index { Kind::On } else { Kind::Table };
    let (mut at, mut depth, mut comma) = (0, 0usize, 0u16);
    loop {
        let token = token::next(text, at);
        at = token.end().into();
        let start = token.start();
        match token.kind {
            Kind::End_ | Kind::Illegal => return (token.end(), token.end()),
            kind if !adds && kind == word => {
                let name = token::next(text, at);
                return (name.start(), name.end());
            }
            _ if !adds => {}
            Kind::LeftParen => depth += 1,
            Kind::RightParen if depth == 1 => return (start, start),
            Kind::RightParen => depth = depth.saturating_sub(1),
            Kind::Comma if depth == 1 => comma = start,
            // Right behind a comma begins a table constraint.
            Kind::Constraint | Kind::Primary | Kind::Unique | Kind::Check | Kind::Foreign
                if depth == 1 && comma > 0 && token::next(text, usize::from(comma) + 1) == token =>
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
