//! The loops of a SELECT: a cursor for each source, and the conditions as early as all that they name is known.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::expression::mark;
use super::frame::{f, flag, s};
use super::select::step;
use super::template::{CHAIN, GOTO, HERE, LOW, OF, PATCH, WORD};
use super::*;
use crate::sqlite3::error::ErrorKind;
use crate::sqlite3::program::Op;
use crate::sqlite3::token::{Kind, class};

impl Compiler<'_> {
    // ---- loops

    /// Opens the loop over the source at hand.
    pub(crate) fn open_source(&mut self) {
        let at = self.looped();
        if self.is_left(at) {
            self.emit(&[Op::Flag as u8, OF, LOW | s::MATCHED, 0]);
        }
        if self.is_subquery(at) {
            return self.open_subquery(at);
        }
        self.choose_plan(at);
        self.set_own(f::POS, 0);
        self.plan_next()
    }

    /// The cursor is open: its loop begins.
    pub(crate) fn opened(&mut self) {
        let at = self.looped();
        if !self.is_subquery(at) {
            self.emit(&[OF, HERE, s::LOOP, Op::Next as u8, OF, LOW | s::CURSOR, LOW | f::DEPTH, OF, CHAIN | s::EXIT]);
        }
        if !self.is_left(at) {
            self.begin_filter();
            return;
        }
        if self.get(at, s::ON) == NONE {
            return self.matched();
        }
        self.set_own(f::MASK, 0);
        self.goto(step::ON_1);
        self.expression_at(self.get(at, s::ON))
    }

    pub(crate) fn on_end(&mut self) {
        self.condition_end();
        let at = self.looped();
        if self.names_later(at) {
            // "ON clause references tables to its right"
            return self.fail_at(ErrorKind::Schema, self.lex(self.get(at, s::ON)));
        }
        self.op(Op::IfNot);
        self.chain_next(at);
        self.shrink(1);
        self.matched()
    }

    /// A row of a LEFT JOIN's right side matched.
    pub(crate) fn matched(&mut self) {
        self.emit(&[Op::Flag as u8, OF, LOW | s::MATCHED, 1, OF, HERE, s::BODY]);
        self.begin_filter();
    }

    /// The target of the jump just begun is the next row of a source.
    pub(crate) fn chain_next(&mut self, at: usize) {
        if self.is_subquery(at) {
            return self.chain_in(at, s::LOOP);
        }
        self.word(self.get(at, s::LOOP))
    }

    pub(crate) fn begin_filter(&mut self) {
        self.set_own(f::TERM, 0);
        self.set_own(f::POS, NONE);
        self.filter()
    }

    /// The next term of WHERE, or of an ON, that was not compiled yet.
    pub(crate) fn filter(&mut self) {
        let at = self.looped();
        let last = at == 0 || self.get(at, s::NEXT) == 0;
        loop {
            let Some((pos, whole)) = self.next_term() else {
                if last {
                    return self.body();
                }
                self.set_own(f::AT, self.get(at, s::NEXT));
                return self.goto(step::LOOP);
            };
            let term = self.own(f::TERM);
            self.set_own(f::TERM, term + 1);
            let done =
                if term < 32 { self.own(f::DONE + (term / 16) as u8) >> (term % 16) & 1 } else { u16::from(!last) };
            if done == 0 {
                self.set_own(f::MASK, 0);
                self.set_own(f::CODE, self.here());
                self.set_own(f::SAVED, u16::from(self.now.locals) << 8 | u16::from(self.parameters));
                self.goto(step::FILTER_1);
                self.go(pos);
                return self.open(mark::BASE, u8::from(!whole), 0);
            }
            // Skip over it.
            self.go(pos);
            self.skip_term(whole);
            self.set_own(f::POS, self.token.start());
        }
    }

    pub(crate) fn filter_end(&mut self) {
        let at = self.looped();
        let end = self.token.start();
        self.set_own(f::POS, end);
        self.shrink(1);
        if self.token.kind != Kind::And {
            self.condition_end();
            if end > self.own(f::WHERE) {
                self.clause_end();
            }
        }
        if self.names_later(at) {
            self.code = self.own(f::CODE).into();
            self.now.locals = (self.own(f::SAVED) >> 8) as u8;
        } else {
            self.term_done(self.own(f::TERM).wrapping_sub(1));
            self.op(Op::IfNot);
            if at == 0 { self.chain_own(f::NEXT) } else { self.chain_next(at) }
        }
        self.goto(step::FILTER);
    }

    /// Whether a source was named that opens behind this one.
    fn names_later(&self, at: usize) -> bool {
        let known = if at == 0 { 0 } else { (self.get(at, s::BIT) << 1).wrapping_sub(1) };
        self.own(f::MASK) & !known != 0
    }

    /// A term needs no further check.
    pub(crate) fn term_done(&mut self, term: u16) {
        if term < 32 {
            let field = f::DONE + (term / 16) as u8;
            self.set_own(field, self.own(field) | 1 << (term % 16));
        }
    }

    /// Where the next term begins, from the token at POS on (NONE: the first), and whether it must not be split at AND.
    pub(crate) fn next_term(&mut self) -> Option<(u16, bool)> {
        let pos = self.own(f::POS);
        if pos == NONE {
            return self.region(self.own(f::WHERE)).or_else(|| self.next_on(0));
        }
        let token = self.lex(pos);
        if token.kind == Kind::And {
            return Some((self.after(token).start(), false));
        }
        self.next_on(pos)
    }

    /// The condition of the first ON behind an offset.
    pub(crate) fn next_on(&mut self, pos: u16) -> Option<(u16, bool)> {
        // Behind the WHERE come the ONs, which stand before it in the text.
        let where_ = self.own(f::WHERE);
        let pos = if pos >= where_ && where_ != NONE { 0 } else { pos };
        let mut from = usize::from(self.own(f::SOURCES));
        while from != 0 {
            let on = self.get(from, s::ON);
            if on != NONE && on > pos && !self.is_left(from) {
                return self.region(on);
            }
            from = self.get(from, s::NEXT).into();
        }
        None
    }

    /// A condition: whether it holds an OR at its outermost level.
    pub(crate) fn region(&self, at: u16) -> Option<(u16, bool)> {
        if at == NONE {
            return None;
        }
        let mut token = self.lex(at);
        loop {
            token = self.walk(token, class::LOGIC | class::CONDITION).end;
            if !token.kind.is(class::LOGIC) || token.kind == Kind::Or {
                return Some((at, token.kind == Kind::Or));
            }
            token = self.after(token);
        }
    }

    /// Whether the current token ends a condition.
    pub(crate) fn ends_condition(&self, depth: usize) -> bool {
        self.token.kind.is(if depth == 0 { class::CONDITION | class::END } else { class::END })
    }

    /// The current token must end a condition.
    #[cfg_attr(not(fast), inline(never))]
    pub(crate) fn condition_end(&mut self) {
        if !self.ends_condition(0) {
            self.fail_unexpected();
        }
    }

    /// Goes to the token behind a term.
    pub(crate) fn skip_term(&mut self, whole: bool) {
        let mut between = 0usize;
        loop {
            self.skip_to(class::LOGIC | class::CONDITION);
            match self.token.kind {
                Kind::Between => between += 1,
                Kind::And if between > 0 => between -= 1,
                Kind::And if whole => {}
                Kind::Or => {}
                _ => return,
            }
            self.advance();
        }
    }

    /// Innermost: a row of all sources.
    pub(crate) fn body(&mut self) {
        if self.is_write() {
            return self.write_body();
        }
        if self.own(f::GROUP_STAGE) == NONE {
            return self.result_begin();
        }
        self.set_flagged(flag::IN_AGGREGATE, true);
        self.set_own(f::KEYS, 0);
        self.set_own(f::KEY_LIST, self.top as u16);
        self.set_own(f::BEFORE, NONE);
        if !crate::sqlite3::FULL || self.own(f::GROUP) == NONE {
            self.set_own(f::POS, self.own(f::OUT));
            self.aggregate_step()
        } else {
            self.go_clause(f::GROUP);
            self.group_key()
        }
    }

    /// The ends of the loops, from the innermost outwards.
    pub(crate) fn unwind(&mut self) {
        let at = self.looped();
        if at == 0 {
            return self.emit(&[PATCH, f::NEXT, GOTO, step::FINISH as u8]);
        }
        if self.is_subquery(at) {
            return self.close_subquery(at);
        }
        // What asks for the next row of all sources asks the innermost.
        let next = self.own(f::NEXT);
        self.set_own(f::NEXT, NONE);
        self.patch(next, self.get(at, s::LOOP));
        self.emit(&[Op::Jump as u8, OF, WORD, s::LOOP]);
        self.loop_end(at)
    }

    /// Behind the loop over a subquery.
    pub(crate) fn closed(&mut self) {
        self.loop_end(self.looped());
    }

    /// Behind a loop: the row of NULLs of a LEFT JOIN, then the loop around it.
    pub(crate) fn loop_end(&mut self, at: usize) {
        self.emit(&[OF, PATCH, s::EXIT]);
        if self.is_left(at) {
            let matched = LOW | s::MATCHED;
            self.emit(&[Op::IfFlag as u8, OF, matched, OF, CHAIN | s::EXIT, Op::Flag as u8, OF, matched, 1]);
            self.emit(&[Op::NullRow as u8, OF, LOW | s::CURSOR, Op::Jump as u8, OF, WORD, s::BODY, OF, PATCH, s::EXIT]);
        }
        self.set_own(f::AT, self.get(at, s::PREVIOUS));
        self.goto(step::UNWIND);
    }
}
