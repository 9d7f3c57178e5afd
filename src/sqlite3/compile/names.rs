//! The names of result columns: aliases, declared names, or their text.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::frame::{f, flag, s};
use super::select::Output;
use super::*;
use crate::sqlite3::error::ErrorKind;
use crate::sqlite3::token::Token;

impl Compiler<'_> {
    // ---- names of the result columns

    /// Behind the program, the names of the columns: each a length and its bytes, or 255 and where it stands in the statement.
    pub(crate) fn end_of_select(&mut self) {
        self.columns = self.own(f::COLUMNS) as u8;
        if !self.flagged(flag::COMPOUND) {
            self.names = self.here();
            self.result_names();
        }
        self.go(self.own(f::END));
        self.end_of_statement()
    }

    /// The names of the result columns, here.
    pub(crate) fn result_names(&mut self) {
        let mut at = self.own(f::RESULT);
        while let Some(item) = self.item_at(at) {
            match self.star_at(at) {
                Some(table) => self.star_names(table),
                None => self.item_name(self.lex(at), item),
            }
            match item.next {
                Some(next) => at = next,
                None => break,
            }
        }
    }

    pub(crate) fn item_name(&mut self, first: Token, item: super::source::Item) {
        let column = self.lone_column((first.start(), item.last));
        // In a subquery of FROM, a column goes by its name as it is written there.
        let written =
            || (column.is_some() && self.flagged(flag::ALONE) && is_name(item.last.kind)).then_some(item.last);
        if let Some(alias) = item.alias.or_else(written) {
            let (text, quote) = unquoted(self.text(alias));
            let len = text.len();
            if quote == 0 || !text.contains(&quote) {
                let start = alias.start() + u16::from(len < usize::from(alias.end() - alias.start()));
                return self.name_at(start, len);
            }
            let at = self.code;
            self.byte(0);
            let written = self.without_quotes(alias);
            if written > 250 {
                self.fail_at(ErrorKind::TooBig, alias);
            }
            return self.set_at(at, written as u8);
        }
        // A column goes by its declared name, in parentheses too; anything else by its text.
        if let Some(found) = column {
            return self.declared_name(found.source, found.column);
        }
        self.name_at(first.start(), usize::from(item.last.end().saturating_sub(first.start())));
    }

    /// A name that stands in the text. What is only described gets a copy, which is cut.
    #[inline(never)]
    pub(crate) fn name_at(&mut self, start: u16, len: usize) {
        if crate::sqlite3::FULL && self.own(f::OUTPUT) == Output::Describe as u16 {
            let len = len.min(120);
            self.byte(len as u8);
            return self.copy(start, len);
        }
        self.byte(0xff);
        self.word(start);
        self.word(len as u16)
    }

    /// The name of a column as its table declares it.
    pub(crate) fn declared_name(&mut self, source: usize, column: u8) {
        let definition = self.definition(source);
        let column = if column == crate::sqlite3::schema::ROWID { definition.rowid_column() } else { column };
        if column >= definition.columns() {
            self.byte(5);
            return self.bytes(b"rowid");
        }
        // Behind its length stand the bytes of the name.
        let (from, len) = definition.name_at(column);
        let from = usize::from(self.get(source, s::DEFINITION)) + from;
        self.byte(len);
        self.copy(from as u16 | IN_ARENA, len.into());
    }

    pub(crate) fn star_names(&mut self, table: Option<Token>) {
        let mut from = usize::from(self.own(f::SOURCES));
        while from != 0 {
            if table.is_none_or(|table| self.is_called(from, table)) {
                for column in 0..self.definition(from).columns() {
                    self.declared_name(from, column);
                }
                if table.is_some() {
                    break;
                }
            }
            from = self.get(from, s::NEXT).into();
        }
    }
}
