//! UPDATE and DELETE: their loops.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::frame::{f, s};
use super::select::step;
use super::template::{GOTO, GROW, HERE, LOW, NEW, OF, WORD};
use super::write::{action, at, verb};
use super::*;
use crate::sqlite3::error::ErrorKind;
use crate::sqlite3::program::{self, Op};
use crate::sqlite3::schema::ROWID;
use crate::sqlite3::token::{Kind, class};
use crate::sqlite3::vm::stage;

impl Compiler<'_> {
    // ---- UPDATE, DELETE

    /// UPDATE, from the token behind the word.
    pub(crate) fn update(&mut self) {
        let action = self.or_action();
        self.begin_write(verb::UPDATE, action);
        self.target_alias();
        self.expect(Kind::Set);
        self.set_own(f::RESULT, NONE);
        self.set_own(f::ORDER, self.token.start());
        let mut gather = action == action::REPLACE;
        loop {
            if self.token.kind == Kind::LeftParen {
                return self.fail_here(ErrorKind::Unsupported);
            }
            let name = self.name();
            let Some(column) = self.target_column(name) else {
                return self.fail_at(ErrorKind::NoSuchColumn, name);
            };
            gather |= column == ROWID;
            self.expect(Kind::Equal);
            self.skip_to(class::CONDITION | class::ITEM);
            if !self.accept(Kind::Comma) {
                break;
            }
        }
        self.where_and_loop(gather)
    }

    /// DELETE, from the token behind the word.
    pub(crate) fn delete(&mut self) {
        self.expect(Kind::From);
        self.begin_write(verb::DELETE, action::NONE);
        self.target_alias();
        self.where_and_loop(false)
    }

    /// `[AS alias] [INDEXED BY name | NOT INDEXED]` behind the table that is written to.
    #[inline(never)]
    fn target_alias(&mut self) {
        if self.token.kind == Kind::As {
            self.alias(self.target());
        }
        self.index_hint(self.target());
    }

    /// Whether UPDATE sets this column.
    pub(crate) fn is_set(&self, column: u8) -> bool {
        let mut token = self.lex(self.own(f::ORDER));
        loop {
            if self.target_column(token) == Some(column) {
                return true;
            }
            token = self.walk(token, class::CONDITION).end;
            if token.kind != Kind::Comma {
                return false;
            }
            token = self.after(token);
        }
    }

    /// The loop over the rows that WHERE allows. `gather`: it must not meet its own changes.
    pub(crate) fn where_and_loop(&mut self, mut gather: bool) {
        if self.accept(Kind::Where) {
            self.set_own(f::WHERE, self.token.start());
            let mut depth = 0usize;
            while !self.ends_condition(depth) {
                match self.advance().kind {
                    Kind::LeftParen => depth += 1,
                    Kind::RightParen => depth = depth.saturating_sub(1),
                    Kind::Select => gather = true,
                    // `x IN table` reads a table too.
                    Kind::In if self.token.kind != Kind::LeftParen => gather = true,
                    _ => {}
                }
            }
        }
        if matches!(self.token.kind, Kind::From | Kind::Returning | Kind::Order | Kind::Limit) {
            return self.fail_here(ErrorKind::Unsupported);
        }
        self.set_own(f::END, self.token.start());
        let from = self.target();
        self.choose_plan(from);
        if self.own(f::VERB) == verb::UPDATE {
            let mut unique = false;
            for index in self.definition(from).each_index().filter(|index| index.unique) {
                unique = true;
                let mut parts = (0..index.columns.into()).map(|part| index.part(part).0);
                gather |= index.action == action::REPLACE && parts.any(|column| self.is_set(column));
            }
            // An index whose keys change while it is read would give rows twice.
            gather |= self.plan_uses(from, |column| self.is_set(column));
            if gather && unique {
                // SQLite goes through what it gathered by rowid: which of two rows is first shows in a UNIQUE index.
                self.plan_by_rowid(from);
            }
        }
        if !gather && self.get(from, s::PLAN) == super::plan::found_by::FIND {
            self.writes_one();
        }
        if gather {
            self.stage_in(f::SORT);
            self.emit(&[Op::StageStart as u8, LOW | f::SORT, stage::ROWSET, 0, 0]);
        }
        self.set_own(f::AT, self.own(f::SOURCES));
        self.goto(step::LOOP);
    }

    /// Whether the current frame writes, and the steps of its loop lead here.
    pub(crate) fn is_write(&self) -> bool {
        self.own(f::TABLE) != NONE
    }

    /// Inside of the loop.
    pub(crate) fn write_body(&mut self) {
        if self.own(f::SORT) != NONE && self.own(f::SORT_PASS) == NONE {
            return self.emit(&[Op::RowsetAdd as u8, LOW | f::SORT, OF, LOW | s::CURSOR, GOTO, step::UNWIND as u8]);
        }
        if self.own(f::VERB) == verb::DELETE {
            let begin = self.get(self.target(), s::LOOP);
            let bare = self.here() == begin + program::length(self.arena, begin.into()) as u16;
            if bare
                && self.get(self.target(), s::PLAN) == super::plan::found_by::FIND
                && self.table_here().indexes() == 0
                && let Some(unread) = self.arena.get_mut(usize::from(begin).wrapping_sub(1))
            {
                // Nothing is asked of the row but to go.
                *unread = 1;
            }
            return self.emit(&[Op::Delete as u8, WORD, f::TABLE, OF, LOW | s::CURSOR, GOTO, step::UNWIND as u8]);
        }
        let columns = self.table_here().columns();
        let rowid = self.table_here().rowid_column();
        for column in 0..columns {
            if column != rowid {
                self.read_column(self.target(), column);
                self.grow(1);
                self.op1(Op::SetLocal, self.local(column));
                self.shrink(1);
            }
        }
        self.emit(&[Op::Rowid as u8, OF, LOW | s::CURSOR, GROW, 1]);
        self.op1(Op::SetLocal, self.local(ROWID));
        self.shrink(1);
        self.go(self.own(f::ORDER));
        self.goto(at::SET);
    }

    pub(crate) fn set(&mut self) {
        let name = self.name();
        self.set_own(f::TOKEN, name.start());
        self.expect(Kind::Equal);
        self.expression_then(at::SET_1)
    }

    pub(crate) fn set_end(&mut self) {
        let name = self.lex(self.own(f::TOKEN));
        let Some(column) = self.target_column(name) else {
            return self.fail_at(ErrorKind::NoSuchColumn, name);
        };
        self.op1(Op::SetLocal, self.local(column));
        self.shrink(1);
        if self.accept(Kind::Comma) {
            self.goto(at::SET);
            return;
        }
        self.condition_end();
        self.checks()
    }

    /// Behind the loop: that over the gathered rowids, if there is one.
    pub(crate) fn write_finish(&mut self) {
        let stage = self.own(f::SORT);
        if stage == NONE {
            self.go(self.own(f::END));
            return self.write_end();
        }
        if self.own(f::SORT_PASS) == NONE {
            let from = self.target();
            self.set_own(f::AT, from as u16);
            self.emit(&[HERE, f::SORT_PASS, OF, HERE, s::LOOP]);
            self.emit(&[Op::RowsetNext as u8, LOW | f::SORT, OF, LOW | s::CURSOR]);
            self.word(self.definition(from).number());
            self.emit(&[OF, NEW, s::EXIT]);
            return self.write_body();
        }
        self.go(self.own(f::END));
        self.write_end()
    }
}
