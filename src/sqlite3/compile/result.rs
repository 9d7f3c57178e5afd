//! Result columns and the terms of ORDER BY.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::frame::{f, s};
use super::names::name;
use super::select::{Output, step};
use super::template::{LOW, WORD};
use super::*;
use crate::sqlite3::error::ErrorKind;
use crate::sqlite3::program::Op;
use crate::sqlite3::text::leading_integer;
use crate::sqlite3::token::{Kind, Token, class};

impl Compiler<'_> {
    // ---- result columns

    pub(crate) fn item_begin(&mut self) {
        match self.star_at(self.token.start()) {
            None => {
                self.lone.0 = 0;
                self.set_own(f::ITEM, self.token.start());
                self.expression_then(step::ITEM_1)
            }
            Some(table) => {
                let named = table.unwrap_or(Token::new(Kind::Star, 0, 0));
                self.note_name(name::STAR, named.start(), named.end());
                self.star(table);
                self.item_next()
            }
        }
    }

    /// `*` and `t.*`.
    pub(crate) fn star(&mut self, table: Option<Token>) {
        let frame = self.frame;
        let mut from = usize::from(self.own(f::SOURCES));
        let mut any = false;
        while from != 0 {
            if table.is_none_or(|table| self.is_called(from, table)) {
                any = true;
                let definition = self.definition(from);
                let (columns, rowid) = (definition.columns(), definition.rowid_column());
                for column in 0..columns {
                    let column = if column == rowid { crate::sqlite3::schema::ROWID } else { column };
                    let operand = self.push_column(super::found::Found::new(frame, from, column));
                    self.column_done(operand);
                }
                if table.is_some() {
                    break;
                }
            }
            from = self.get(from, s::NEXT).into();
        }
        if !any {
            return match table {
                Some(table) => self.fail_at(ErrorKind::NoSuchTable, table),
                None => self.fail_here(ErrorKind::Schema),
            };
        }
        self.advance();
        if table.is_some() {
            self.advance();
            self.advance();
        }
    }

    /// A result column's value is on the stack.
    pub(crate) fn column_done(&mut self, operand: Operand) {
        let at = self.reserve(1);
        if let Some(place) = self.arena.get_mut(at) {
            *place = operand.pack();
        }
        let columns = self.own(f::COLUMNS);
        if columns == 0 {
            self.set_own(f::FIRST, operand.pack().into());
        }
        if columns >= 240 {
            return self.fail_here(ErrorKind::TooBig);
        }
        self.set_own(f::COLUMNS, columns + 1);
    }

    pub(crate) fn item_end(&mut self) {
        self.column_done(self.result);
        self.item_name();
        self.item_next()
    }

    pub(crate) fn item_next(&mut self) {
        if self.accept(Kind::Comma) {
            self.goto(step::ITEM);
            return;
        }
        if self.token.kind != Kind::From {
            self.clause_end();
        }
        if self.own(f::OUTPUT) == Output::Describe as u16 {
            return self.describe_done();
        }
        let distinct = self.own(f::DISTINCT);
        if distinct != NONE {
            self.emit(&[Op::Distinct as u8, LOW | f::DISTINCT, WORD, f::COLUMNS]);
            for column in 0..self.own(f::COLUMNS) {
                let collation = self.result_column(column).sort_collation();
                self.byte(collation << 1);
            }
            self.chain_own(f::NEXT);
        }
        if self.own(f::SORT) == NONE {
            return self.output();
        }
        if self.own(f::ORDER) == NONE {
            // Rows are only gathered.
            self.emit(&[Op::SortInsert as u8, LOW | f::SORT, LOW | f::COLUMNS, 0, 0]);
            return self.row_done();
        }
        self.set_own(f::KEYS, 0);
        self.set_own(f::KEY_LIST, self.top as u16);
        self.go_clause(f::ORDER);
        self.key_begin()
    }

    /// What is known of a result column.
    pub(crate) fn result_column(&self, column: u16) -> Operand {
        let at = usize::from(self.own(f::COLUMN_LIST)).wrapping_sub(1 + usize::from(column));
        Operand::unpack(self.arena.get(at).copied().unwrap_or(0), 0)
    }

    // ---- ORDER BY

    /// The number of the result column that a term of ORDER BY names, by number or alias.
    pub(crate) fn named_column(&mut self) -> Option<u16> {
        if let Some(column) = self.numbered_column() {
            return Some(column);
        }
        let token = self.token;
        if !self.after(token).kind.is(class::TERM | class::END) {
            return None;
        }
        if is_name(token.kind) || token.kind == Kind::String {
            let (mut at, mut column) = (self.own(f::RESULT), 0u16);
            while at != NONE {
                let item = self.item_at(at);
                if self.goes_by(item, token) {
                    return Some(column);
                }
                // A star before the alias makes more columns than one.
                column += self.width(at);
                at = item.next;
            }
        }
        None
    }

    /// The result column that the term of ORDER BY at the current token names by number, counted from 0.
    #[inline(never)]
    pub(crate) fn numbered_column(&mut self) -> Option<u16> {
        let number = self.ordinal(class::TERM)?;
        if number < 1 || number > self.own(f::COLUMNS).into() {
            self.fail_here(ErrorKind::Schema);
        }
        Some((number as u16).wrapping_sub(1))
    }

    /// The number that stands alone at the current token, in parentheses too, before one of these classes: it means a result column.
    /// Behind a minus it is 0, which means none; numbers of more than 31 bits mean nothing. The current token is its last then.
    #[inline(never)]
    pub(crate) fn ordinal(&mut self, behind: u8) -> Option<i32> {
        let (mut number, mut negative, mut open) = (self.token, false, 0u16);
        while matches!(number.kind, Kind::Plus | Kind::Minus | Kind::LeftParen) {
            negative ^= number.kind == Kind::Minus;
            open += u16::from(number.kind == Kind::LeftParen);
            number = self.after(number);
        }
        let value = i32::try_from(leading_integer(self.text(number))).ok()?;
        let mut fits = number.kind == Kind::Integer;
        for _ in 0..open {
            number = self.after(number);
            fits &= number.kind == Kind::RightParen;
        }
        if !fits || !self.after(number).kind.is(behind | class::END) {
            return None;
        }
        self.token = number;
        Some(if negative { 0 } else { value })
    }

    /// Whether the item at an offset is `*`, or `t.*` with that table.
    #[cfg_attr(not(fast), inline(never))]
    pub(crate) fn star_at(&self, at: u16) -> Option<Option<Token>> {
        let token = self.lex(at);
        if token.kind == Kind::Star {
            return Some(None);
        }
        let dot = self.after(token);
        let named = is_name(token.kind) || token.kind == Kind::String;
        (named && dot.kind == Kind::Dot && self.after(dot).kind == Kind::Star).then_some(Some(token))
    }

    /// How many columns the item at an offset makes.
    pub(crate) fn width(&self, at: u16) -> u16 {
        let Some(table) = self.star_at(at) else { return 1 };
        let (mut columns, mut from) = (0, usize::from(self.own(f::SOURCES)));
        while from != 0 {
            if table.is_none_or(|table| self.is_called(from, table)) {
                columns += u16::from(self.definition(from).columns());
            }
            from = self.get(from, s::NEXT).into();
        }
        columns
    }

    pub(crate) fn key_begin(&mut self) {
        if let Some(column) = self.named_column() {
            let place = self.own(f::DEPTH) + column;
            self.op1(Op::Pick, place as u8);
            self.grow(1);
            self.result = self.result_column(column);
            self.advance();
            if self.accept(Kind::Collate) {
                let collation = self.collation();
                self.result = self.result.with_collation(collation);
            }
            self.goto(step::KEY_1);
            return;
        }
        self.expression_then(step::KEY_1)
    }

    /// A term of ORDER BY is on the stack.
    pub(crate) fn key_end(&mut self) {
        let order = self.result.sort_collation() << 1 | self.direction();
        if self.next_key(order, step::KEY) {
            return;
        }
        self.clause_end();
        if cfg!(fast) {
            self.order_ties();
        }
        self.emit(&[Op::SortInsert as u8, LOW | f::SORT, LOW | f::COLUMNS, WORD, f::KEYS]);
        self.orders();
        self.row_done()
    }

    /// Reads ASC, DESC and NULLS: bit 0 descending, bit 3 the other end for NULLs.
    #[inline(never)]
    pub(crate) fn direction(&mut self) -> u8 {
        let descending = self.descending();
        let mut order = u8::from(descending);
        if self.accept(Kind::Nulls) {
            let first = self.token.kind == Kind::First;
            if !first && self.token.kind != Kind::Last {
                self.fail_unexpected();
            }
            self.advance();
            // NULL is smallest: first where ascending, last where descending.
            if first == descending {
                order |= 8;
            }
        }
        order
    }

    /// Notes the order of a key.
    #[cfg_attr(not(fast), inline(always))]
    pub(crate) fn note_key(&mut self, order: u8) {
        let at = self.reserve(1);
        self.set_at(at, order);
        self.set_own(f::KEYS, self.own(f::KEYS) + 1);
    }

    /// Notes the order of a key of a sorter or of groups, and goes on to the next one, if there is one, in this step.
    #[inline(never)]
    pub(crate) fn next_key(&mut self, order: u8, step: u16) -> bool {
        self.note_key(order);
        let more = self.accept(Kind::Comma);
        if more {
            self.goto(step);
        }
        more
    }

    /// The orders of the keys, behind their instruction.
    #[inline(never)]
    pub(crate) fn orders(&mut self) {
        let mut at = usize::from(self.own(f::KEY_LIST));
        for _ in 0..self.own(f::KEYS) {
            at = at.wrapping_sub(1);
            self.byte(self.at(at));
        }
    }
}
