//! The names of result columns: aliases, declared names, or their text.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::found::Found;
use super::frame::{f, flag, s};
use super::plan::Stretch;
use super::select::Output;
use super::*;
use crate::sqlite3::error::ErrorKind;
use crate::sqlite3::token::{Kind, Token};
use crate::sqlite3::words::among;

/// Bytes of what is noted of the name of a result column.
pub(crate) const NAME: usize = 6;

/// What the first of these bytes says, unless it is a column of a source.
pub(crate) mod name {
    pub(crate) const TEXT: u8 = 0xfe;
    pub(crate) const ALIAS: u8 = 0xfd;
    /// `*`, or all columns of one table.
    pub(crate) const STAR: u8 = 0xfc;
}

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
        let mut at = usize::from(self.own(f::NAMES));
        while at >= usize::from(self.own(f::NAME)) + NAME {
            at -= NAME;
            let (start, end) = (self.get(at, 1), self.get(at, 2));
            let token = Token::new(Kind::Name, start, end);
            match self.at(at) {
                name::STAR => self.star_names((start != 0).then_some(token)),
                name::TEXT => self.name_at(start, end.saturating_sub(start).into()),
                name::ALIAS => self.alias_name(token),
                column => self.declared_name(start.into(), column),
            }
        }
    }

    /// Notes the name of a result column: a kind or a column, and where it stands, or its source.
    #[cfg_attr(not(fast), inline(never))]
    pub(crate) fn note_name(&mut self, kind: u8, start: u16, end: u16) {
        let at = usize::from(self.own(f::NAME)).wrapping_sub(NAME);
        self.set_at(at, kind);
        self.put(at, 1, start);
        self.put(at, 2, end);
        self.set_own(f::NAME, at as u16);
    }

    /// The name of the result column that was compiled and stands before the current token; goes behind its alias.
    pub(crate) fn item_name(&mut self) {
        let start = self.own(f::ITEM);
        let (alone, lone) = (self.flagged(flag::ALONE), Token { kind: Kind::Name, place: self.lone.0 });
        let all = !alone && lone.start() == start && self.after(lone).start() == self.token.start();
        let last = if all { lone } else { self.last_before(start, self.token.start()) };
        let explicit = self.accept(Kind::As);
        if explicit || is_alias(self.token.kind) {
            let alias = self.name();
            return self.note_name(name::ALIAS, alias.start(), alias.end());
        }
        // A column goes by its declared name, in parentheses too; anything else by its text.
        let found = if self.lone.0 == Token::new(Kind::Name, start, last.end()).place {
            self.lone.1
        } else if last.kind == Kind::RightParen {
            self.lone_column(Stretch::new(start, last.start()))
        } else {
            Found::NOTHING
        };
        if !found.is_one() {
            self.note_name(name::TEXT, start, last.end())
        } else if alone && is_name(last.kind) {
            // In a subquery of FROM, a column goes by its name as it is written there.
            self.note_name(name::ALIAS, last.start(), last.end())
        } else {
            self.note_name(found.column, found.source() as u16, 0)
        }
    }

    /// The name of an alias, without its quotes.
    fn alias_name(&mut self, alias: Token) {
        let (text, quote) = unquoted(self.text(alias));
        let len = text.len();
        if quote == 0 || !among(text, quote) {
            let start = alias.start() + u16::from(len < usize::from(alias.end() - alias.start()));
            return self.name_at(start, len);
        }
        let at = self.code;
        self.byte(0);
        let written = self.without_quotes(alias);
        if written > 250 {
            self.fail_at(ErrorKind::TooBig, alias);
        }
        self.set_at(at, written as u8);
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
