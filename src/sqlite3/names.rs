//! The names of result columns: aliases, declared names, or their text.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::compile::*;
use super::frame::{f, flag, s};
use super::token::{Kind, Token};

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
            let (token, dot) = (self.lex(at), self.after(self.lex(at)));
            let star = self.after(dot);
            if token.kind == Kind::Star {
                self.star_names(None);
            } else if dot.kind == Kind::Dot && star.kind == Kind::Star {
                self.star_names(Some(token));
            } else {
                self.item_name(token, item);
            }
            match item.next {
                Some(next) => at = next,
                None => break,
            }
        }
    }

    pub(crate) fn item_name(&mut self, first: Token, item: super::source::Item) {
        if let Some(alias) = item.alias {
            let (text, quote) = unquoted(self.text(alias));
            let (doubled, len) = (quote != 0 && text.contains(&quote), text.len());
            if !doubled {
                let start = alias.start() + u16::from(len < usize::from(alias.end() - alias.start()));
                return self.name_at(start, len);
            }
            return self.name_bytes(|compiler, out| {
                let (text, quote) = unquoted(compiler.text(alias));
                unescaped(text, quote).zip(out.iter_mut()).map(|(byte, place)| *place = byte).count()
            });
        }
        // A column goes by its declared name, in parentheses too; anything else by its text.
        let (mut qualifier, mut name, mut parentheses) = (None, first, 0);
        while name.kind == Kind::LeftParen {
            name = self.after(name);
            parentheses += 1;
        }
        while is_name(name.kind) && self.after(name).kind == Kind::Dot {
            qualifier = Some(name);
            name = self.after(self.after(name));
        }
        let mut end = name;
        for _ in 0..parentheses {
            end = self.after(end);
        }
        if is_name(name.kind)
            && end.end() == item.end
            && (parentheses == 0 || end.kind == Kind::RightParen)
            && let Ok(Some(found)) = self.look_up(qualifier, name)
        {
            return self.declared_name(found.source, found.column, Some(name));
        }
        self.name_at(first.start(), usize::from(item.end - first.start()))
    }

    pub(crate) fn name_at(&mut self, start: u16, len: usize) {
        self.byte(0xff);
        self.word(start);
        self.word(len as u16)
    }

    pub(crate) fn name_bytes(&mut self, write: impl Fn(&Self, &mut [u8; 128]) -> usize) {
        let mut name = [0; 128];
        let len = write(self, &mut name);
        self.byte(len as u8);
        self.bytes(name.get(..len).unwrap_or_default())
    }

    /// The name of a column as its table declares it.
    pub(crate) fn declared_name(&mut self, source: usize, column: u8, written: Option<Token>) {
        let definition = self.definition(source);
        let column = if column == super::schema::ROWID { definition.rowid_column() } else { column };
        if column >= definition.columns() {
            let _ = written;
            self.byte(5);
            return self.bytes(b"rowid");
        }
        // Behind its length stand the bytes of the name.
        let (from, len) = definition.name_at(column);
        let from = usize::from(self.get(source, s::DEFINITION)) + from;
        self.byte(len);
        for at in from..from + usize::from(len) {
            let byte = self.arena.get(at).copied().unwrap_or(0);
            self.byte(byte);
        }
    }

    pub(crate) fn star_names(&mut self, table: Option<Token>) {
        let mut from = usize::from(self.own(f::SOURCES));
        while from != 0 {
            if table.is_none_or(|table| self.is_called(from, table)) {
                for column in 0..self.definition(from).columns() {
                    self.declared_name(from, column, None);
                }
                if table.is_some() {
                    break;
                }
            }
            from = self.get(from, s::NEXT).into();
        }
    }
}
