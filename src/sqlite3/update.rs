//! UPDATE and DELETE: their loops.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::compile::*;
use super::error::{ErrorKind, Result};
use super::frame::{f, s};
use super::program::{self, Op};
use super::schema::ROWID;
use super::select::step;
use super::stage;
use super::token::Kind;
use super::write::{action, at, verb};

impl Compiler<'_> {
    // ---- UPDATE, DELETE

    /// UPDATE, from the token behind the word.
    pub(crate) fn update(&mut self) -> Result<()> {
        let action = self.or_action()?;
        let frame = self.begin_write(verb::UPDATE, action)?;
        let from = self.target();
        self.alias(from)?;
        self.not_indexed()?;
        self.expect(Kind::Set)?;
        self.put(frame, f::RESULT, NONE);
        self.put(frame, f::ORDER, self.token.start);
        let mut gather = action == action::REPLACE;
        loop {
            if self.token.kind == Kind::LeftParen {
                return Err(self.error_here(ErrorKind::Unsupported));
            }
            let name = self.name()?;
            gather |= self.target_column(name)? == ROWID;
            self.expect(Kind::Equal)?;
            self.skip_to_comma();
            if !self.accept(Kind::Comma) {
                break;
            }
        }
        self.where_and_loop(gather)
    }

    /// DELETE, from the token behind the word.
    pub(crate) fn delete(&mut self) -> Result<()> {
        self.expect(Kind::From)?;
        self.begin_write(verb::DELETE, action::NONE)?;
        let from = self.target();
        self.alias(from)?;
        self.not_indexed()?;
        self.where_and_loop(false)
    }

    /// Whether UPDATE sets this column.
    pub(crate) fn is_set(&self, column: u8) -> bool {
        let mut token = self.lex(self.get(self.frame, f::ORDER));
        let (mut depth, mut name) = (0usize, true);
        loop {
            if name && self.target_column(token) == Ok(column) {
                return true;
            }
            name = false;
            match token.kind {
                Kind::LeftParen => depth += 1,
                Kind::RightParen => depth = depth.saturating_sub(1),
                Kind::Comma if depth == 0 => name = true,
                Kind::Where if depth == 0 => return false,
                Kind::End_ | Kind::Illegal | Kind::Semicolon => return false,
                _ => {}
            }
            token = self.after(token);
        }
    }

    pub(crate) fn not_indexed(&mut self) -> Result<()> {
        if self.token.kind == Kind::Not && self.after(self.token).kind == Kind::Indexed {
            self.advance();
            self.advance();
        } else if self.token.kind == Kind::Indexed {
            return Err(self.error_here(ErrorKind::Unsupported));
        }
        Ok(())
    }

    pub(crate) fn skip_to_comma(&mut self) {
        let mut depth = 0usize;
        while !self.ends_condition(depth) {
            match self.advance().kind {
                Kind::LeftParen => depth += 1,
                Kind::RightParen => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
    }

    /// The loop over the rows that WHERE allows. `gather`: it must not meet its own changes.
    pub(crate) fn where_and_loop(&mut self, mut gather: bool) -> Result<()> {
        let frame = self.frame;
        if self.accept(Kind::Where) {
            self.put(frame, f::WHERE, self.token.start);
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
            return Err(self.error_here(ErrorKind::Unsupported));
        }
        self.put(frame, f::END, self.token.start);
        let from = self.target();
        self.choose_plan(from)?;
        // An index whose keys change while it is read would give rows twice.
        gather |= self.get(frame, f::KEYS) == verb::UPDATE && self.plan_uses(from, |column| self.is_set(column));
        if !gather && self.get(from, s::PLAN) == super::plan::found_by::FIND {
            self.writes_one();
        }
        if gather {
            let stage = self.new_stage()?;
            self.put(frame, f::SORT, stage.into());
            self.bytes(&[Op::StageStart as u8, stage, stage::ROWSET, 0, 0])?;
        }
        self.put(frame, f::AT, self.get(frame, f::SOURCES));
        self.goto(step::LOOP);
        Ok(())
    }

    /// Whether a frame writes, and the steps of its loop lead here.
    pub(crate) fn is_write(&self, frame: usize) -> bool {
        self.get(frame, f::TABLE) != NONE
    }

    /// Inside of the loop.
    pub(crate) fn write_body(&mut self) -> Result<()> {
        let frame = self.frame;
        let cursor = self.get(self.target(), s::CURSOR) as u8;
        let stage = self.get(frame, f::SORT);
        if stage != NONE && self.get(frame, f::SORT_PASS) == NONE {
            self.op2(Op::RowsetAdd, stage as u8, cursor)?;
            self.goto(step::UNWIND);
            return Ok(());
        }
        if self.get(frame, f::KEYS) == verb::DELETE {
            let begin = self.get(self.target(), s::LOOP);
            let bare = self.here() == begin + program::length(self.arena, begin.into()) as u16;
            if bare
                && self.get(self.target(), s::PLAN) == super::plan::found_by::FIND
                && self.definition(self.target()).indexes() == 0
                && let Some(unread) = self.arena.get_mut(usize::from(begin).wrapping_sub(1))
            {
                // Nothing is asked of the row but to go.
                *unread = 1;
            }
            self.op(Op::Delete)?;
            self.word(self.get(frame, f::TABLE))?;
            self.byte(cursor)?;
            self.goto(step::UNWIND);
            return Ok(());
        }
        let columns = self.definition(self.target()).columns();
        let rowid = self.definition(self.target()).rowid_column();
        for column in 0..columns {
            if column != rowid {
                let known =
                    self.definition(self.target()).column(column).filter(|known| known.added && known.has_default);
                let default_at =
                    known.map(|known| usize::from(self.get(self.target(), s::DEFINITION)) + known.default_at);
                self.read_column(self.target(), column, default_at)?;
                self.grow(1)?;
                self.op1(Op::SetLocal, self.local(column))?;
                self.shrink(1);
            }
        }
        self.op1(Op::Rowid, cursor)?;
        self.grow(1)?;
        self.op1(Op::SetLocal, self.local(ROWID))?;
        self.shrink(1);
        self.go(self.get(frame, f::ORDER));
        self.goto(at::SET);
        Ok(())
    }

    pub(crate) fn set(&mut self) -> Result<()> {
        let name = self.name()?;
        self.put(self.frame, f::TOKEN, name.start);
        self.expect(Kind::Equal)?;
        self.goto(at::SET_1);
        self.expression()
    }

    pub(crate) fn set_end(&mut self) -> Result<()> {
        let name = self.lex(self.get(self.frame, f::TOKEN));
        let column = self.target_column(name)?;
        self.op1(Op::SetLocal, self.local(column))?;
        self.shrink(1);
        if self.accept(Kind::Comma) {
            self.goto(at::SET);
            return Ok(());
        }
        if !self.ends_condition(0) {
            return Err(self.unexpected());
        }
        self.checks()
    }

    /// Behind the loop: that over the gathered rowids, if there is one.
    pub(crate) fn write_finish(&mut self) -> Result<()> {
        let frame = self.frame;
        let stage = self.get(frame, f::SORT);
        if stage == NONE {
            self.go(self.get(frame, f::END));
            return self.write_end();
        }
        if self.get(frame, f::SORT_PASS) == NONE {
            let from = self.target();
            let label = self.here();
            self.put(frame, f::SORT_PASS, label);
            self.put(from, s::LOOP, label);
            self.put(from, s::EXIT, NONE);
            let (cursor, number) = (self.get(from, s::CURSOR) as u8, self.definition(from).number());
            self.op2(Op::RowsetNext, stage as u8, cursor)?;
            self.word(number)?;
            self.chain_in(from, s::EXIT)?;
            self.put(frame, f::AT, from as u16);
            return self.write_body();
        }
        self.go(self.get(frame, f::END));
        self.write_end()
    }
}
