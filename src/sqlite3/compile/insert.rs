//! INSERT: rows of VALUES, of a SELECT, or of defaults.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::frame::{f, flag, s};
use super::select::{Output, Resume};
use super::write::{action, at, verb};
use super::*;
use crate::sqlite3::error::ErrorKind;
use crate::sqlite3::program::Op;
use crate::sqlite3::schema::{self, ROWID};
use crate::sqlite3::token::Kind;

impl Compiler<'_> {
    // ---- INSERT

    /// INSERT and REPLACE, from the token behind the word.
    pub(crate) fn insert(&mut self, replace: bool) {
        let action = if replace { action::REPLACE } else { self.or_action() };
        self.expect(Kind::Into);
        self.begin_write(verb::INSERT, action);
        // While values are compiled, the table's columns are no names.
        self.set_own(f::MODE, 2);
        if self.accept(Kind::As) {
            self.name();
        }
        self.set_own(f::RESULT, NONE);
        if self.token.kind == Kind::LeftParen {
            self.set_own(f::ORDER, self.after(self.token).start());
            self.advance();
            loop {
                let name = self.name();
                if self.target_column(name).is_none() {
                    return self.fail_at(ErrorKind::NoSuchColumn, name);
                }
                if !self.accept(Kind::Comma) {
                    break;
                }
            }
            self.expect(Kind::RightParen);
        }
        match self.token.kind {
            Kind::Values => {
                self.advance();
                self.begin_row()
            }
            Kind::Default => {
                self.advance();
                self.expect(Kind::Values);
                if self.own(f::ORDER) != NONE {
                    return self.fail_unexpected();
                }
                self.set_own(f::POS, self.token.start());
                self.set_own(f::TOKEN, 0);
                self.defaults(0)
            }
            Kind::Select => {
                // Rows that come from the table itself are gathered before the first is written.
                let gather = self.reads_target();
                self.set_own(f::STEP, at::SELECTED);
                self.begin_select(Output::Insert, Resume::Step, 0, 0, 0);
                self.set_flagged(flag::GATHER, gather);
            }
            _ => self.fail_unexpected(),
        }
    }

    /// Whether the name of the table that is written to, or a view, stands in the rest of the statement.
    pub(crate) fn reads_target(&mut self) -> bool {
        let name = self.lex(self.get(self.target(), s::NAME));
        let mut token = self.token;
        let mut from = false;
        while token.kind != Kind::End_ && token.kind != Kind::Illegal {
            if is_name(token.kind) && self.same_tokens(token, name) {
                return true;
            }
            // Any table may be a view of this one.
            if is_name(token.kind) && from && self.kind_of(token) == schema::VIEW {
                return true;
            }
            from = matches!(token.kind, Kind::From | Kind::Join | Kind::Comma | Kind::In | Kind::LeftParen);
            token = self.after(token);
        }
        false
    }

    /// The column that the value of this place is for; `None` behind the last.
    pub(crate) fn column_for(&self, place: u16) -> Option<u8> {
        let list = self.own(f::ORDER);
        if list == NONE {
            let definition = self.table_here();
            let column = place as u8;
            return (place < definition.columns().into()).then_some(if column == definition.rowid_column() {
                ROWID
            } else {
                column
            });
        }
        let mut token = self.lex(list);
        for _ in 0..place {
            token = self.after(token);
            if token.kind != Kind::Comma {
                return None;
            }
            token = self.after(token);
        }
        self.target_column(token)
    }

    /// `(` of a row of VALUES.
    pub(crate) fn begin_row(&mut self) {
        self.expect(Kind::LeftParen);
        self.set_own(f::TERM, 0);
        self.expression_then(at::VALUE_1)
    }

    pub(crate) fn value(&mut self) {
        let place = self.own(f::TERM);
        let Some(column) = self.column_for(place) else {
            return self.fail_here(ErrorKind::Schema);
        };
        self.set_column(column, place);
        self.set_own(f::TERM, place + 1);
        if self.accept(Kind::Comma) {
            return self.expression_then(at::VALUE_1);
        }
        self.expect(Kind::RightParen);
        if self.column_for(place + 1).is_some() {
            return self.fail_here(ErrorKind::Schema);
        }
        self.set_own(f::POS, self.token.start());
        self.defaults(0)
    }

    /// The value on the stack becomes that of a column; a column that is named twice keeps the first value.
    pub(crate) fn set_column(&mut self, column: u8, place: u16) {
        let twice = (0..place).any(|before| self.column_for(before) == Some(column));
        self.shrink(1);
        if twice { self.op(Op::Drop) } else { self.op1(Op::SetLocal, self.local(column)) }
    }

    /// Columns without a value get their default, from this one on.
    pub(crate) fn defaults(&mut self, first: u8) {
        let all = self.own(f::ORDER) == NONE && self.own(f::TOKEN) != 0;
        let columns = self.table_here().columns();
        let given = |compiler: &Self, column: u8| {
            let mut place = 0;
            while let Some(known) = compiler.column_for(place) {
                if known == column {
                    return true;
                }
                place += 1;
            }
            false
        };
        if !all {
            for column in first..columns {
                let rowid = column == self.table_here().rowid_column();
                let which = if rowid { ROWID } else { column };
                if self.own(f::ORDER) != NONE && given(self, which) {
                    continue;
                }
                if let Some(text) = self.default_of(self.target(), column).filter(|_| !rowid) {
                    self.set_own(f::TERM, column.into());
                    self.goto(at::DEFAULT_1);
                    return self.expression_at(text);
                }
                self.op(Op::Null);
                self.op1(Op::SetLocal, self.local(which));
            }
        }
        if self.own(f::ORDER) == NONE || !given(self, ROWID) {
            let rowid = self.table_here().rowid_column();
            if rowid == ROWID {
                self.op(Op::Null);
                self.op1(Op::SetLocal, self.local(ROWID));
            }
        }
        self.checks()
    }

    pub(crate) fn default_end(&mut self) {
        let column = self.own(f::TERM) as u8;
        self.op1(Op::SetLocal, self.local(column));
        self.shrink(1);
        self.defaults(column + 1)
    }

    /// The row of the SELECT is on the stack: called by its frame, which goes on when the row is written.
    pub(crate) fn insert_row(&mut self) {
        let inner = self.frame;
        let columns = self.own(f::COLUMNS);
        self.enter(self.own(f::PARENT).into());
        self.set_own(f::SAVED, inner as u16);
        if self.column_for(columns).is_some() || (columns > 0 && self.column_for(columns - 1).is_none()) {
            return self.fail_here(ErrorKind::Schema);
        }
        for place in (0..columns).rev() {
            let Some(column) = self.column_for(place) else { break };
            self.set_column(column, place);
        }
        self.set_own(f::TOKEN, 1);
        self.set_own(f::POS, NONE);
        self.set_own(f::NEXT, NONE);
        self.defaults(0)
    }
}
