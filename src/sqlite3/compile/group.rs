//! Aggregates and groups: from the calls in the result columns to steps in the loops.
//!
//! Contract: what is done for a group is compiled before the loops. Each aggregate in it is an instruction that gives
//! its result and says where its arguments stand in the text; each column outside of an aggregate is one that reads a
//! bare column. The steps inside of the loops are made by going over those instructions: the code is the list.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::expression::mark;
use super::frame::{f, flag, s};
use super::select::step;
use super::template::{LOW, NEW, PATCH, WORD};
use super::*;
use crate::sqlite3::error::ErrorKind;
use crate::sqlite3::function::{self, Id};
use crate::sqlite3::program::{self, Op};
use crate::sqlite3::token::{Kind, Token, class};
use crate::sqlite3::words::among;

/// Bytes of a step of an aggregate.
const STEP: usize = 6;

impl Compiler<'_> {
    /// How many arguments a call has, whose name is the token; 0 for `*`.
    fn count_arguments(&self, name: Token) -> usize {
        let mut token = self.after(self.after(name));
        if matches!(token.kind, Kind::Star | Kind::RightParen) {
            return 0;
        }
        let mut arguments = 1;
        loop {
            token = self.walk(token, class::ITEM).end;
            if token.kind != Kind::Comma {
                return arguments;
            }
            arguments += 1;
            token = self.after(token);
        }
    }

    /// Whether the name before a parenthesis is that of an aggregate, with so many arguments.
    pub(crate) fn is_aggregate(&self, name: Token) -> bool {
        let text = self.text(name);
        let first = text.first().map_or(0, u8::to_ascii_lowercase);
        if !matches!(first, b'a' | b'c' | b'g' | b'm' | b's' | b't') {
            return false;
        }
        match function::find(text, 1) {
            function::Found::Function(id) if id.is_aggregate() => {
                !matches!(id, Id::AggregateMin | Id::AggregateMax) || self.count_arguments(name) == 1
            }
            _ => false,
        }
    }

    /// An aggregate in an expression: its result, if a group's output is being compiled.
    pub(crate) fn aggregate(&mut self, name: Token) {
        if self.own(f::MODE) != 1 {
            let mut outer = usize::from(self.own(f::PARENT));
            while outer != 0 {
                if self.get(outer, f::MODE) == 1 {
                    return self.fail_at(ErrorKind::Unsupported, name);
                }
                outer = self.get(outer, f::PARENT).into();
            }
            return self.fail_at(ErrorKind::MisusedAggregate, name);
        }
        let arguments = self.count_arguments(name);
        let id = match function::find(self.text(name), arguments) {
            function::Found::Function(id) if id.is_aggregate() => id,
            _ => return self.fail_at(ErrorKind::WrongArguments, name),
        };
        let start = self.here();
        self.advance();
        let inside = self.after(self.token);
        if inside.kind == Kind::Star && (id != Id::Count || self.after(inside).kind != Kind::RightParen) {
            return self.fail_at(ErrorKind::WrongArguments, name);
        }
        if inside.kind == Kind::Distinct && arguments != 1 {
            // "DISTINCT aggregates must have exactly one argument"
            return self.fail_at(ErrorKind::WrongArguments, name);
        }
        self.skip_parentheses();
        if matches!(self.token.kind, Kind::Filter | Kind::Over) && self.after(self.token).kind == Kind::LeftParen {
            return self.fail_here(ErrorKind::Unsupported);
        }
        let which = self.own(f::AGGREGATES);
        if which >= 60 {
            return self.fail_at(ErrorKind::TooBig, name);
        }
        self.set_own(f::AGGREGATES, which + 1);
        self.emit(&[Op::GroupResult as u8, LOW | f::GROUP_STAGE]);
        self.byte(which as u8);
        self.byte(id as u8);
        self.word(inside.start());
        self.byte(arguments as u8);
        self.grow(1);
        self.operand_done(Operand::plain(start))
    }

    // ---- inside of the loops

    /// A term of GROUP BY: an expression, or the number of a result column.
    pub(crate) fn group_key(&mut self) {
        self.goto(step::GROUP_1);
        let Some(number) = self.ordinal(class::ITEM) else { return self.expression() };
        let mut at = self.own(f::RESULT);
        for _ in 1..number {
            if self.lex(at).kind == Kind::Star {
                return self.fail_here(ErrorKind::Unsupported);
            }
            at = self.item_at(at).next;
            if at == NONE {
                return self.fail_here(ErrorKind::Schema);
            }
        }
        if number < 1 {
            return self.fail_here(ErrorKind::Schema);
        }
        if self.lex(at).kind == Kind::Star {
            return self.fail_here(ErrorKind::Unsupported);
        }
        self.advance();
        self.expression();
        self.open(mark::ALIAS, 0, self.token.start());
        self.go(at);
    }

    pub(crate) fn group_key_end(&mut self) {
        if self.next_key(self.result.sort_collation() << 1, step::GROUP) {
            return;
        }
        self.clause_end();
        self.emit(&[Op::GroupFind as u8, LOW | f::GROUP_STAGE, WORD, f::KEYS]);
        self.orders();
        self.chain_own(f::NEXT);
        self.top = self.own(f::KEY_LIST).into();
        self.shrink(self.own(f::KEYS) as u8);
        self.set_own(f::POS, self.own(f::OUT));
        self.aggregate_step()
    }

    /// The next instruction of this group's stage with this code, from POS on.
    fn next_of(&mut self, op: Op) -> Option<usize> {
        let stage = self.own(f::GROUP_STAGE) as u8;
        let mut at = usize::from(self.own(f::POS));
        while at < usize::from(self.own(f::OUT_END)) {
            let here = at;
            at += program::length(self.arena, at);
            let found = self.arena.get(here..).and_then(|rest| rest.first_chunk::<2>()) == Some(&[op as u8, stage]);
            if found {
                self.set_own(f::POS, at as u16);
                return Some(here);
            }
        }
        None
    }

    /// Whether code from an offset on reads a column or an aggregate of a group: these are counted.
    pub(crate) fn reads_group(&self, from: u16) -> bool {
        let mut at = usize::from(from);
        while at < self.code {
            if matches!(Op::from(self.code_byte(at)), Op::GroupColumn | Op::GroupResult) {
                return true;
            }
            at += program::length(self.arena, at);
        }
        false
    }

    fn code_byte(&self, at: usize) -> u8 {
        self.arena.get(at).copied().unwrap_or(0)
    }

    /// The steps of the next aggregate begin with its arguments.
    pub(crate) fn aggregate_step(&mut self) {
        let Some(at) = self.next_of(Op::GroupResult) else {
            self.set_flagged(flag::IN_AGGREGATE, false);
            self.set_own(f::POS, self.own(f::OUT));
            return self.bare_columns();
        };
        self.set_own(f::CODE, at as u16);
        self.set_own(f::BEGIN, self.code as u16);
        self.set_own(f::KEYS, 0);
        self.set_own(f::MASK, 0);
        let was_outer = self.flagged(flag::OUTER);
        self.set_own(f::SAVED, was_outer.into());
        self.set_flagged(flag::OUTER, false);
        if self.code_byte(at + 6) == 0 {
            return self.emit_step(0);
        }
        self.go(crate::sqlite3::program::word(self.arena, at + 4));
        if !self.accept(Kind::Distinct) {
            self.accept(Kind::All);
        }
        self.expression_then(step::STEP_1)
    }

    pub(crate) fn aggregate_argument(&mut self) {
        let at = usize::from(self.own(f::CODE));
        if self.own(f::KEYS) == 0 {
            self.set_own(f::DONE, self.result.sort_collation().into());
            let distinct = self.lex(crate::sqlite3::program::word(self.arena, at + 4)).kind == Kind::Distinct;
            let extreme = matches!(Id::numbered(self.code_byte(at + 3)), Some(Id::AggregateMin | Id::AggregateMax));
            if distinct && !extreme {
                let (stage, which) = (self.code_byte(at + 1), self.code_byte(at + 2));
                self.bytes(&[Op::GroupSeen as u8, stage, which, self.result.sort_collation()]);
                let skip = self.chain(NONE);
                self.set_own(f::TERM, skip);
            } else {
                self.set_own(f::TERM, NONE);
            }
        }
        let arguments = self.own(f::KEYS) + 1;
        self.set_own(f::KEYS, arguments);
        if self.accept(Kind::Comma) {
            return self.expression();
        }
        if self.token.kind != Kind::RightParen {
            return self.fail_unexpected();
        }
        if self.flagged(flag::OUTER) && self.own(f::MASK) == 0 {
            // It would be an aggregate of the outer SELECT.
            return self.fail_here(ErrorKind::Unsupported);
        }
        self.emit_step(arguments as u8)
    }

    fn emit_step(&mut self, arguments: u8) {
        let at = usize::from(self.own(f::CODE));
        let (stage, which, id) = (self.code_byte(at + 1), self.code_byte(at + 2), self.code_byte(at + 3));
        let collation = if arguments == 0 { 0 } else { self.own(f::DONE) as u8 };
        self.bytes(&[Op::GroupStep as u8, stage, which, id, arguments, collation]);
        self.shrink(arguments);
        if arguments != 0 && self.own(f::TERM) != NONE {
            let skip = self.own(f::TERM);
            self.patch_here(skip);
        }
        if cfg!(fast) {
            self.share_step(at);
        }
        if self.own(f::SAVED) != 0 {
            self.set_flagged(flag::OUTER, true);
        }
        self.goto(step::STEP);
    }

    /// sum, avg and total keep the same: where the step before is one of these with the same arguments, this one is not needed.
    /// (Where code is to be small, it is done again.)
    fn share_step(&mut self, at: usize) {
        const SUMS: [u8; 3] = [Id::Sum as u8, Id::Avg as u8, Id::Total as u8];
        let (before, begin) = (usize::from(self.own(f::BEFORE)), usize::from(self.own(f::BEGIN)));
        let (last, step) = (begin.wrapping_sub(STEP), self.code - STEP);
        let sums = |step: usize| among(&SUMS, self.code_byte(step + 3));
        if before < begin && sums(last) && sums(step) && self.arena.get(before..last) == self.arena.get(begin..step) {
            self.set_at(at + 2, self.code_byte(last + 2));
            self.code = begin;
            return;
        }
        self.set_own(f::BEFORE, begin as u16);
    }

    /// The bare columns of the row that stands for the group.
    pub(crate) fn bare_columns(&mut self) {
        let bare = self.own(f::BARE);
        if bare != 0 {
            self.emit(&[Op::GroupTake as u8, LOW | f::GROUP_STAGE, NEW, f::TERM]);
            let mut which = 0;
            while let Some(at) = self.next_of(Op::GroupColumn) {
                // The same column may be read at several places.
                if u16::from(self.code_byte(at + 2)) != which {
                    continue;
                }
                let (cursor, column) = (self.code_byte(at + 3), self.code_byte(at + 4));
                self.bare_value(cursor, column);
                self.grow(1);
                which += 1;
            }
            self.emit(&[Op::GroupSave as u8, LOW | f::GROUP_STAGE, LOW | f::BARE, PATCH, f::TERM]);
            self.shrink(bare as u8);
        }
        self.goto(step::UNWIND);
    }

    fn bare_value(&mut self, cursor: u8, column: u8) {
        let mut from = usize::from(self.own(f::SOURCES));
        while from != 0 && self.get(from, s::CURSOR) != u16::from(cursor) {
            from = self.get(from, s::NEXT).into();
        }
        self.read_column(from, column)
    }
}
