//! The loops of a SELECT: a cursor for each source, and the conditions as early as all that they name is known.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::compile::*;
use super::error::Result;
use super::expression::mark;
use super::frame::{f, flag, joined, s};
use super::program::Op;
use super::select::step;
use super::token::Kind;

impl Compiler<'_> {
    // ---- loops

    /// Opens the loop over the source at hand.
    pub(crate) fn open_source(&mut self) -> Result<()> {
        let at = usize::from(self.get(self.frame, f::AT));
        if self.get(at, s::FLAGS) & joined::LEFT != 0 {
            self.op2(Op::Flag, self.get(at, s::MATCHED) as u8, 0)?;
        }
        if self.get(at, s::FLAGS) & joined::SUBQUERY != 0 {
            return self.open_subquery(at);
        }
        self.choose_plan(at)?;
        self.put(self.frame, f::POS, 0);
        self.plan_next()
    }

    /// The cursor is open: its loop begins.
    pub(crate) fn opened(&mut self) -> Result<()> {
        let frame = self.frame;
        let at = usize::from(self.get(frame, f::AT));
        if self.get(at, s::FLAGS) & joined::SUBQUERY == 0 {
            let cursor = self.get(at, s::CURSOR) as u8;
            self.put(at, s::LOOP, self.here());
            self.op2(Op::Next, cursor, self.get(frame, f::DEPTH) as u8)?;
            self.chain_in(at, s::EXIT)?;
        }
        if self.get(at, s::FLAGS) & joined::LEFT == 0 {
            self.begin_filter();
            return Ok(());
        }
        if self.get(at, s::ON) == NONE {
            return self.matched();
        }
        self.goto(step::ON_1);
        self.expression_at(self.get(at, s::ON))
    }

    pub(crate) fn on_end(&mut self) -> Result<()> {
        let at = usize::from(self.get(self.frame, f::AT));
        self.op(Op::IfNot)?;
        self.chain_next(at)?;
        self.shrink(1);
        self.matched()
    }

    /// A row of a LEFT JOIN's right side matched.
    pub(crate) fn matched(&mut self) -> Result<()> {
        let at = usize::from(self.get(self.frame, f::AT));
        self.op2(Op::Flag, self.get(at, s::MATCHED) as u8, 1)?;
        self.put(at, s::BODY, self.here());
        self.begin_filter();
        Ok(())
    }

    /// The target of the jump just begun is the next row of a source.
    pub(crate) fn chain_next(&mut self, at: usize) -> Result<()> {
        if self.get(at, s::FLAGS) & joined::SUBQUERY != 0 {
            return self.chain_in(at, s::LOOP);
        }
        self.word(self.get(at, s::LOOP))
    }

    pub(crate) fn begin_filter(&mut self) {
        let frame = self.frame;
        self.put(frame, f::TERM, 0);
        self.put(frame, f::POS, NONE);
        self.goto(step::FILTER);
    }

    /// The next term of WHERE, or of an ON, that was not compiled yet.
    pub(crate) fn filter(&mut self) -> Result<()> {
        let (frame, at) = (self.frame, usize::from(self.get(self.frame, f::AT)));
        let last = at == 0 || self.get(at, s::NEXT) == 0;
        loop {
            let Some((pos, whole)) = self.next_term() else {
                if last {
                    self.goto(step::BODY);
                } else {
                    self.put(frame, f::AT, self.get(at, s::NEXT));
                    self.goto(step::LOOP);
                }
                return Ok(());
            };
            let term = self.get(frame, f::TERM);
            self.put(frame, f::TERM, term + 1);
            let done = if term < 32 {
                self.get(frame, f::DONE + usize::from(term / 16)) >> (term % 16) & 1
            } else {
                u16::from(!last)
            };
            if done == 0 {
                self.put(frame, f::MASK, 0);
                self.put(frame, f::CODE, self.here());
                self.put(frame, f::SAVED, u16::from(self.now.locals) << 8 | u16::from(self.parameters));
                self.goto(step::FILTER_1);
                self.go(pos);
                self.push(Mark { kind: mark::BASE, a: u8::from(!whole), b: 0, c: 0, d: 0 })?;
                self.mode = Mode::Operand;
                return Ok(());
            }
            // Skip over it.
            self.go(pos);
            self.skip_term(whole);
            self.put(frame, f::POS, self.token.start);
        }
    }

    pub(crate) fn filter_end(&mut self) -> Result<()> {
        let (frame, at) = (self.frame, usize::from(self.get(self.frame, f::AT)));
        self.put(frame, f::POS, self.token.start);
        self.shrink(1);
        let known = if at == 0 { 0 } else { (self.get(at, s::BIT) << 1).wrapping_sub(1) };
        if self.get(frame, f::MASK) & !known != 0 {
            // It names a source that is not open yet.
            self.code = self.get(frame, f::CODE).into();
            self.now.locals = (self.get(frame, f::SAVED) >> 8) as u8;
        } else {
            self.term_done(self.get(frame, f::TERM) - 1);
            self.op(Op::IfNot)?;
            if at == 0 { self.chain_in(frame, f::NEXT)? } else { self.chain_next(at)? }
        }
        self.goto(step::FILTER);
        Ok(())
    }

    /// A term needs no further check.
    pub(crate) fn term_done(&mut self, term: u16) {
        if term < 32 {
            let field = f::DONE + usize::from(term / 16);
            self.put(self.frame, field, self.get(self.frame, field) | 1 << (term % 16));
        }
    }

    /// Where the next term begins, from the token at POS on (NONE: the first), and whether it must not be split at AND.
    pub(crate) fn next_term(&mut self) -> Option<(u16, bool)> {
        let frame = self.frame;
        let pos = self.get(frame, f::POS);
        if pos == NONE {
            return self.region(self.get(frame, f::WHERE)).or_else(|| self.next_on(0));
        }
        let token = self.lex(pos);
        if token.kind == Kind::And {
            return Some((self.after(token).start, false));
        }
        self.next_on(pos)
    }

    /// The condition of the first ON behind an offset.
    pub(crate) fn next_on(&mut self, pos: u16) -> Option<(u16, bool)> {
        let frame = self.frame;
        // Behind the WHERE come the ONs, which stand before it in the text.
        let where_ = self.get(frame, f::WHERE);
        let pos = if pos >= where_ && where_ != NONE { 0 } else { pos };
        let mut from = usize::from(self.get(frame, f::SOURCES));
        while from != 0 {
            let on = self.get(from, s::ON);
            if on != NONE && on > pos && self.get(from, s::FLAGS) & joined::LEFT == 0 {
                return self.region(on);
            }
            from = self.get(from, s::NEXT).into();
        }
        None
    }

    /// A condition: whether it holds an OR at its outermost level.
    pub(crate) fn region(&mut self, at: u16) -> Option<(u16, bool)> {
        if at == NONE {
            return None;
        }
        let saved = self.token;
        self.go(at);
        let mut whole = false;
        let mut depth = 0usize;
        while !self.ends_condition(depth) {
            match self.advance().kind {
                Kind::LeftParen | Kind::Case => depth += 1,
                Kind::RightParen | Kind::End => depth = depth.saturating_sub(1),
                Kind::Or if depth == 0 => whole = true,
                _ => {}
            }
        }
        self.token = saved;
        Some((at, whole))
    }

    /// Whether the current token ends a condition.
    pub(crate) fn ends_condition(&self, depth: usize) -> bool {
        match self.token.kind {
            Kind::End_ | Kind::Semicolon | Kind::Illegal => true,
            Kind::RightParen
            | Kind::Comma
            | Kind::Join
            | Kind::Left
            | Kind::Inner
            | Kind::Cross
            | Kind::Natural
            | Kind::Full
            | Kind::Right
            | Kind::Where
            | Kind::Group
            | Kind::Order
            | Kind::Having
            | Kind::Limit
            | Kind::Returning
            | Kind::Union
            | Kind::Except
            | Kind::Intersect => depth == 0,
            _ => false,
        }
    }

    /// Goes to the token behind a term.
    pub(crate) fn skip_term(&mut self, whole: bool) {
        let (mut depth, mut between) = (0usize, false);
        while !self.ends_condition(depth) {
            match self.token.kind {
                Kind::LeftParen | Kind::Case => depth += 1,
                Kind::RightParen | Kind::End => depth = depth.saturating_sub(1),
                Kind::Between if depth == 0 => between = true,
                Kind::And if depth == 0 && between => between = false,
                Kind::And if depth == 0 && !whole => return,
                _ => {}
            }
            self.advance();
        }
    }

    /// Innermost: a row of all sources.
    pub(crate) fn body(&mut self) -> Result<()> {
        let frame = self.frame;
        if self.is_write(frame) {
            return self.write_body();
        }
        if self.get(frame, f::GROUP_STAGE) == NONE {
            self.goto(step::RESULT);
            return Ok(());
        }
        self.set_flag(frame, flag::IN_AGGREGATE, true);
        self.put(frame, f::KEYS, 0);
        self.put(frame, f::KEY_LIST, self.top as u16);
        if self.get(frame, f::GROUP) == NONE {
            self.put(frame, f::POS, self.get(frame, f::OUT));
            self.goto(step::STEP);
        } else {
            self.go_clause(f::GROUP);
            self.goto(step::GROUP);
        }
        Ok(())
    }

    /// The ends of the loops, from the innermost outwards.
    pub(crate) fn unwind(&mut self) -> Result<()> {
        let frame = self.frame;
        let at = usize::from(self.get(frame, f::AT));
        if at == 0 {
            let next = self.get(frame, f::NEXT);
            self.patch_here(next);
            self.put(frame, f::NEXT, NONE);
            self.goto(step::FINISH);
            return Ok(());
        }
        if self.get(at, s::FLAGS) & joined::SUBQUERY != 0 {
            return self.close_subquery(at);
        }
        // What asks for the next row of all sources asks the innermost.
        let next = self.get(frame, f::NEXT);
        self.put(frame, f::NEXT, NONE);
        self.patch(next, self.get(at, s::LOOP));
        self.jump_to(Op::Jump, self.get(at, s::LOOP))?;
        self.loop_end(at)
    }

    /// Behind a loop: the row of NULLs of a LEFT JOIN, then the loop around it.
    pub(crate) fn loop_end(&mut self, at: usize) -> Result<()> {
        let frame = self.frame;
        let exit = self.get(at, s::EXIT);
        self.patch_here(exit);
        if self.get(at, s::FLAGS) & joined::LEFT != 0 {
            let matched = self.get(at, s::MATCHED) as u8;
            self.op1(Op::IfFlag, matched)?;
            let skip = self.chain(NONE)?;
            self.op2(Op::Flag, matched, 1)?;
            self.op1(Op::NullRow, self.get(at, s::CURSOR) as u8)?;
            self.jump_to(Op::Jump, self.get(at, s::BODY))?;
            self.patch_here(skip);
        }
        self.put(frame, f::AT, self.get(at, s::PREVIOUS));
        self.goto(step::UNWIND);
        Ok(())
    }
}
