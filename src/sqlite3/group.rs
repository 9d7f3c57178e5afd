//! Aggregates and groups: from the calls in the result columns to steps in the loops.
//!
//! Contract: what is done for a group is compiled before the loops. Each aggregate in it is an instruction that gives
//! its result and says where its arguments stand in the text; each column outside of an aggregate is one that reads a
//! bare column. The steps inside of the loops are made by going over those instructions: the code is the list.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::compile::*;
use super::error::{ErrorKind, Result};
use super::expression::mark;
use super::frame::{f, flag, s};
use super::function::{self, Id};
use super::program::{self, Op};
use super::schema::ROWID;
use super::select::step;
use super::token::{Kind, Token};

impl Compiler<'_> {
    /// How many arguments a call has, whose name is the token; 0 for `*`.
    fn count_arguments(&self, name: Token) -> usize {
        let mut token = self.after(self.after(name));
        let (mut depth, mut arguments, mut empty) = (0usize, 0, true);
        loop {
            match token.kind {
                Kind::LeftParen => depth += 1,
                Kind::RightParen if depth == 0 => break,
                Kind::RightParen => depth -= 1,
                Kind::Comma if depth == 0 => arguments += 1,
                Kind::Star if depth == 0 && empty => return 0,
                Kind::End_ | Kind::Semicolon | Kind::Illegal => break,
                _ => {}
            }
            empty = false;
            token = self.after(token);
        }
        if empty { 0 } else { arguments + 1 }
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
    pub(crate) fn aggregate(&mut self, name: Token) -> Result<()> {
        let frame = self.frame;
        if self.get(frame, f::MODE) != 1 {
            let mut outer = usize::from(self.get(frame, f::PARENT));
            while outer != 0 {
                if self.get(outer, f::MODE) == 1 {
                    return Err(self.error(ErrorKind::Unsupported, name));
                }
                outer = self.get(outer, f::PARENT).into();
            }
            return Err(self.error(ErrorKind::MisusedAggregate, name));
        }
        let arguments = self.count_arguments(name);
        let id = match function::find(self.text(name), arguments) {
            function::Found::Function(id) if id.is_aggregate() => id,
            _ => return Err(self.error(ErrorKind::WrongArguments, name)),
        };
        let start = self.here();
        self.advance();
        let inside = self.after(self.token);
        if inside.kind == Kind::Star && id != Id::Count {
            return Err(self.error(ErrorKind::WrongArguments, name));
        }
        if inside.kind == Kind::Distinct && arguments != 1 {
            // "DISTINCT aggregates must have exactly one argument"
            return Err(self.error(ErrorKind::WrongArguments, name));
        }
        self.skip_parentheses();
        if matches!(self.token.kind, Kind::Filter | Kind::Over) && self.after(self.token).kind == Kind::LeftParen {
            return Err(self.error_here(ErrorKind::Unsupported));
        }
        let which = self.get(frame, f::AGGREGATES);
        if which >= 60 {
            return Err(self.error(ErrorKind::TooBig, name));
        }
        self.put(frame, f::AGGREGATES, which + 1);
        let stage = self.get(frame, f::GROUP_STAGE) as u8;
        self.bytes(&[Op::GroupResult as u8, stage, which as u8, id as u8])?;
        self.word(inside.start)?;
        self.byte(arguments as u8)?;
        self.grow(1)?;
        self.operand_done(Operand { start, ..Operand::default() })
    }

    // ---- inside of the loops

    /// A term of GROUP BY: an expression, or the number of a result column.
    pub(crate) fn group_key(&mut self) -> Result<()> {
        let (frame, token) = (self.frame, self.token);
        let next = self.after(token);
        self.goto(step::GROUP_1);
        let alone = matches!(
            next.kind,
            Kind::Comma
                | Kind::Having
                | Kind::Order
                | Kind::Limit
                | Kind::Union
                | Kind::Except
                | Kind::Intersect
                | Kind::RightParen
                | Kind::Semicolon
                | Kind::End_
        );
        if token.kind != Kind::Integer || !alone {
            return self.expression();
        }
        let number = super::text::leading_integer(self.text(token));
        let mut at = self.get(frame, f::RESULT);
        for _ in 1..number {
            let item = self.item_at(at);
            if self.lex(at).kind == Kind::Star {
                return Err(self.error_here(ErrorKind::Unsupported));
            }
            match item.and_then(|item| item.next) {
                Some(next) => at = next,
                None => return Err(self.error_here(ErrorKind::Schema)),
            }
        }
        if number < 1 {
            return Err(self.error_here(ErrorKind::Schema));
        }
        if self.lex(at).kind == Kind::Star {
            return Err(self.error_here(ErrorKind::Unsupported));
        }
        self.advance();
        self.push(Mark { kind: mark::BASE, a: 0, b: 0, c: 0, d: 0 })?;
        self.push(Mark { kind: mark::ALIAS, a: 0, b: self.token.start, c: NONE, d: 0 })?;
        self.go(at);
        self.mode = Mode::Operand;
        Ok(())
    }

    pub(crate) fn group_key_end(&mut self) -> Result<()> {
        let frame = self.frame;
        let at = self.reserve(1)?;
        let order = self.result.sort_collation() << 1;
        if let Some(place) = self.arena.get_mut(at) {
            *place = order;
        }
        let keys = self.get(frame, f::KEYS) + 1;
        self.put(frame, f::KEYS, keys);
        if self.accept(Kind::Comma) {
            self.goto(step::GROUP);
            return Ok(());
        }
        self.op1(Op::GroupFind, self.get(frame, f::GROUP_STAGE) as u8)?;
        self.word(keys)?;
        let list = usize::from(self.get(frame, f::KEY_LIST));
        for key in 0..usize::from(keys) {
            let order = self.arena.get(list.wrapping_sub(1 + key)).copied().unwrap_or(0);
            self.byte(order)?;
        }
        self.chain_in(frame, f::NEXT)?;
        self.top = list;
        self.shrink(keys as u8);
        self.put(frame, f::POS, self.get(frame, f::OUT));
        self.goto(step::STEP);
        Ok(())
    }

    /// The next instruction of this group's stage with this code, from POS on.
    fn next_of(&mut self, op: Op) -> Option<usize> {
        let frame = self.frame;
        let stage = self.get(frame, f::GROUP_STAGE) as u8;
        let mut at = usize::from(self.get(frame, f::POS));
        while at < usize::from(self.get(frame, f::OUT_END)) {
            let here = at;
            at += program::length(self.arena, at);
            let found = self.arena.get(here..).and_then(|rest| rest.first_chunk::<2>()) == Some(&[op as u8, stage]);
            if found {
                self.put(frame, f::POS, at as u16);
                return Some(here);
            }
        }
        None
    }

    fn code_byte(&self, at: usize) -> u8 {
        self.arena.get(at).copied().unwrap_or(0)
    }

    /// The steps of the next aggregate begin with its arguments.
    pub(crate) fn aggregate_step(&mut self) -> Result<()> {
        let frame = self.frame;
        let Some(at) = self.next_of(Op::GroupResult) else {
            self.set_flag(frame, flag::IN_AGGREGATE, false);
            self.put(frame, f::POS, self.get(frame, f::OUT));
            self.goto(step::BARE);
            return Ok(());
        };
        self.put(frame, f::CODE, at as u16);
        self.put(frame, f::KEYS, 0);
        self.put(frame, f::MASK, 0);
        let was_outer = self.has(frame, flag::OUTER);
        self.put(frame, f::SAVED, was_outer.into());
        self.set_flag(frame, flag::OUTER, false);
        if self.code_byte(at + 6) == 0 {
            return self.emit_step(0);
        }
        self.go(super::program::word(self.arena, at + 4));
        if !self.accept(Kind::Distinct) {
            self.accept(Kind::All);
        }
        self.goto(step::STEP_1);
        self.expression()
    }

    pub(crate) fn aggregate_argument(&mut self) -> Result<()> {
        let frame = self.frame;
        let at = usize::from(self.get(frame, f::CODE));
        if self.get(frame, f::KEYS) == 0 {
            self.put(frame, f::DONE, self.result.sort_collation().into());
            let distinct = self.lex(super::program::word(self.arena, at + 4)).kind == Kind::Distinct;
            let extreme = matches!(Id::numbered(self.code_byte(at + 3)), Some(Id::AggregateMin | Id::AggregateMax));
            if distinct && !extreme {
                let (stage, which) = (self.code_byte(at + 1), self.code_byte(at + 2));
                self.bytes(&[Op::GroupSeen as u8, stage, which, self.result.sort_collation()])?;
                let skip = self.chain(NONE)?;
                self.put(frame, f::TERM, skip);
            } else {
                self.put(frame, f::TERM, NONE);
            }
        }
        let arguments = self.get(frame, f::KEYS) + 1;
        self.put(frame, f::KEYS, arguments);
        if self.accept(Kind::Comma) {
            return self.expression();
        }
        if self.token.kind != Kind::RightParen {
            return Err(self.unexpected());
        }
        if self.has(frame, flag::OUTER) && self.get(frame, f::MASK) == 0 {
            // It would be an aggregate of the outer SELECT.
            return Err(self.error_here(ErrorKind::Unsupported));
        }
        self.emit_step(arguments as u8)
    }

    fn emit_step(&mut self, arguments: u8) -> Result<()> {
        let frame = self.frame;
        let at = usize::from(self.get(frame, f::CODE));
        let (stage, which, id) = (self.code_byte(at + 1), self.code_byte(at + 2), self.code_byte(at + 3));
        let collation = if arguments == 0 { 0 } else { self.get(frame, f::DONE) as u8 };
        self.bytes(&[Op::GroupStep as u8, stage, which, id, arguments, collation])?;
        self.shrink(arguments);
        if arguments != 0 && self.get(frame, f::TERM) != NONE {
            let skip = self.get(frame, f::TERM);
            self.patch_here(skip);
        }
        if self.get(frame, f::SAVED) != 0 {
            self.set_flag(frame, flag::OUTER, true);
        }
        self.goto(step::STEP);
        Ok(())
    }

    /// The bare columns of the row that stands for the group.
    pub(crate) fn bare_columns(&mut self) -> Result<()> {
        let frame = self.frame;
        let bare = self.get(frame, f::BARE);
        if bare != 0 {
            let stage = self.get(frame, f::GROUP_STAGE) as u8;
            self.op1(Op::GroupTake, stage)?;
            let skip = self.chain(NONE)?;
            let mut which = 0;
            while let Some(at) = self.next_of(Op::GroupColumn) {
                // The same column may be read at several places.
                if u16::from(self.code_byte(at + 2)) != which {
                    continue;
                }
                let (cursor, column) = (self.code_byte(at + 3), self.code_byte(at + 4));
                self.bare_value(cursor, column)?;
                self.grow(1)?;
                which += 1;
            }
            self.op2(Op::GroupSave, stage, bare as u8)?;
            self.shrink(bare as u8);
            self.patch_here(skip);
        }
        self.goto(step::UNWIND);
        Ok(())
    }

    fn bare_value(&mut self, cursor: u8, column: u8) -> Result<()> {
        let mut from = usize::from(self.get(self.frame, f::SOURCES));
        while from != 0 && self.get(from, s::CURSOR) != u16::from(cursor) {
            from = self.get(from, s::NEXT).into();
        }
        let known =
            self.definition(from).column(column).filter(|known| column != ROWID && known.added && known.has_default);
        let default_at = known.map(|known| usize::from(self.get(from, s::DEFINITION)) + known.default_at);
        self.read_column(from, column, default_at)
    }
}
