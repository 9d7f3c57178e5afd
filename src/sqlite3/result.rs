//! Result columns and the terms of ORDER BY.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::compile::*;
use super::error::{ErrorKind, Result};
use super::frame::{f, s};
use super::program::Op;
use super::select::{Output, step};
use super::token::{Kind, Token};

impl Compiler<'_> {
    // ---- result columns

    pub(crate) fn item_begin(&mut self) -> Result<()> {
        let star = match self.token.kind {
            Kind::Star => Some(None),
            kind if is_name(kind) || kind == Kind::String => {
                let dot = self.after(self.token);
                let star = self.after(dot);
                (dot.kind == Kind::Dot && star.kind == Kind::Star).then_some(Some(self.token))
            }
            _ => None,
        };
        match star {
            None => {
                self.goto(step::ITEM_1);
                self.expression()
            }
            Some(table) => {
                self.star(table)?;
                self.item_next()
            }
        }
    }

    /// `*` and `t.*`.
    pub(crate) fn star(&mut self, table: Option<Token>) -> Result<()> {
        let frame = self.frame;
        let mut from = usize::from(self.get(frame, f::SOURCES));
        let mut any = false;
        while from != 0 {
            if table.is_none_or(|table| self.is_called(from, table)) {
                any = true;
                let definition = self.definition(from);
                let (columns, rowid) = (definition.columns(), definition.rowid_column());
                for column in 0..columns {
                    let column = if column == rowid { super::schema::ROWID } else { column };
                    let operand = self.push_column(super::source::Found { frame, source: from, column })?;
                    self.column_done(operand)?;
                }
                if table.is_some() {
                    break;
                }
            }
            from = self.get(from, s::NEXT).into();
        }
        if !any {
            return Err(match table {
                Some(table) => self.error(ErrorKind::NoSuchTable, table),
                None => self.error_here(ErrorKind::Schema),
            });
        }
        self.advance();
        if table.is_some() {
            self.advance();
            self.advance();
        }
        Ok(())
    }

    /// A result column's value is on the stack.
    pub(crate) fn column_done(&mut self, operand: Operand) -> Result<()> {
        let (frame, at) = (self.frame, self.reserve(1)?);
        if let Some(place) = self.arena.get_mut(at) {
            *place = operand.pack();
        }
        let columns = self.get(frame, f::COLUMNS);
        if columns == 0 {
            self.put(frame, f::FIRST, operand.pack().into());
        }
        if columns >= 240 {
            return Err(self.error_here(ErrorKind::TooBig));
        }
        self.put(frame, f::COLUMNS, columns + 1);
        Ok(())
    }

    pub(crate) fn item_end(&mut self) -> Result<()> {
        self.column_done(self.result)?;
        if self.accept(Kind::As) {
            self.name()?;
        } else if is_name(self.token.kind) || self.token.kind == Kind::String {
            self.advance();
        }
        self.item_next()
    }

    pub(crate) fn item_next(&mut self) -> Result<()> {
        let frame = self.frame;
        if self.accept(Kind::Comma) {
            self.goto(step::ITEM);
            return Ok(());
        }
        self.clause_end()?;
        if self.get(frame, f::OUTPUT) == Output::Describe as u16 {
            return self.describe_done();
        }
        let distinct = self.get(frame, f::DISTINCT);
        if distinct != NONE {
            let columns = self.get(frame, f::COLUMNS);
            self.op1(Op::Distinct, distinct as u8)?;
            self.word(columns)?;
            for column in 0..columns {
                let collation = self.result_column(column).sort_collation();
                self.byte(collation << 1)?;
            }
            self.chain_in(frame, f::NEXT)?;
        }
        if self.get(frame, f::SORT) == NONE {
            self.goto(step::OUTPUT);
            return Ok(());
        }
        if self.get(frame, f::ORDER) == NONE {
            // Rows are only gathered.
            self.op2(Op::SortInsert, self.get(frame, f::SORT) as u8, self.get(frame, f::COLUMNS) as u8)?;
            self.word(0)?;
            return self.row_done();
        }
        self.put(frame, f::KEYS, 0);
        self.put(frame, f::KEY_LIST, self.top as u16);
        self.go_clause(f::ORDER);
        self.goto(step::KEY);
        Ok(())
    }

    /// What is known of a result column.
    pub(crate) fn result_column(&self, column: u16) -> Operand {
        let at = usize::from(self.get(self.frame, f::COLUMN_LIST)).wrapping_sub(1 + usize::from(column));
        Operand::unpack(self.arena.get(at).copied().unwrap_or(0), 0)
    }

    // ---- ORDER BY

    /// The number of the result column that a term of ORDER BY names, by number or alias.
    pub(crate) fn named_column(&self) -> Result<Option<u16>> {
        let (frame, token) = (self.frame, self.token);
        let next = self.after(token);
        let alone = matches!(
            next.kind,
            Kind::Comma
                | Kind::Asc
                | Kind::Desc
                | Kind::Nulls
                | Kind::Limit
                | Kind::RightParen
                | Kind::Semicolon
                | Kind::End_
                | Kind::Collate
        );
        if !alone {
            return Ok(None);
        }
        if token.kind == Kind::Integer {
            let number = super::text::leading_integer(self.text(token));
            return match u16::try_from(number) {
                Ok(number) if number >= 1 && number <= self.get(frame, f::COLUMNS) => Ok(Some(number - 1)),
                _ => Err(self.error_here(ErrorKind::Schema)),
            };
        }
        if is_name(token.kind) || token.kind == Kind::String {
            let (mut at, mut column) = (self.get(frame, f::RESULT), 0u16);
            while let Some(item) = self.item_at(at) {
                if item.alias.is_some_and(|alias| self.same_tokens(alias, token)) {
                    return Ok(Some(column));
                }
                // A star before the alias makes more columns than one.
                column += self.width(at);
                match item.next {
                    Some(next) => at = next,
                    None => break,
                }
            }
        }
        Ok(None)
    }

    /// How many columns the item at an offset makes.
    pub(crate) fn width(&self, at: u16) -> u16 {
        let token = self.lex(at);
        let dot = self.after(token);
        let table = match token.kind {
            Kind::Star => None,
            _ if dot.kind == Kind::Dot && self.after(dot).kind == Kind::Star => Some(token),
            _ => return 1,
        };
        let (mut columns, mut from) = (0, usize::from(self.get(self.frame, f::SOURCES)));
        while from != 0 {
            if table.is_none_or(|table| self.is_called(from, table)) {
                columns += u16::from(self.definition(from).columns());
            }
            from = self.get(from, s::NEXT).into();
        }
        columns
    }

    pub(crate) fn key_begin(&mut self) -> Result<()> {
        if let Some(column) = self.named_column()? {
            let place = self.get(self.frame, f::DEPTH) + column;
            self.op1(Op::Pick, place as u8)?;
            self.grow(1)?;
            self.result = self.result_column(column);
            self.advance();
            if self.accept(Kind::Collate) {
                self.result.collation = self.collation()?;
            }
            self.goto(step::KEY_1);
            return Ok(());
        }
        self.goto(step::KEY_1);
        self.expression()
    }

    /// Reads ASC, DESC and NULLS; bit 0 descending, collation above it, bit 3 the other end for NULLs.
    pub(crate) fn key_end(&mut self) -> Result<()> {
        let (frame, operand) = (self.frame, self.result);
        let mut order = operand.sort_collation() << 1;
        if self.accept(Kind::Desc) {
            order |= 1;
        } else {
            self.accept(Kind::Asc);
        }
        if self.accept(Kind::Nulls) {
            let first = self.token.kind == Kind::First;
            if !first && self.token.kind != Kind::Last {
                return Err(self.unexpected());
            }
            self.advance();
            // NULL is smallest: first where ascending, last where descending.
            if first == (order & 1 != 0) {
                order |= 8;
            }
        }
        let at = self.reserve(1)?;
        if let Some(place) = self.arena.get_mut(at) {
            *place = order;
        }
        let keys = self.get(frame, f::KEYS) + 1;
        self.put(frame, f::KEYS, keys);
        if self.accept(Kind::Comma) {
            self.goto(step::KEY);
            return Ok(());
        }
        self.clause_end()?;
        let (sort, columns) = (self.get(frame, f::SORT) as u8, self.get(frame, f::COLUMNS) as u8);
        self.op2(Op::SortInsert, sort, columns)?;
        self.word(keys)?;
        let list = usize::from(self.get(frame, f::KEY_LIST));
        for key in 0..usize::from(keys) {
            let order = self.arena.get(list.wrapping_sub(1 + key)).copied().unwrap_or(0);
            self.byte(order)?;
        }
        self.row_done()
    }
}
