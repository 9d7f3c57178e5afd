//! What is open in an expression ends: parentheses, calls, CAST, IN, CASE; and subqueries begin.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::expression::{level, mark};
use super::frame::f;
use super::select::{Output, Resume};
use super::*;
use crate::sqlite3::error::ErrorKind;
use crate::sqlite3::function;
use crate::sqlite3::program::{Op, Relation};
use crate::sqlite3::token::{Kind, Token};
use crate::sqlite3::value::Affinity;

/// What a call is, in the low bits of its mark.
pub(crate) mod call {
    pub(crate) const PLAIN: u8 = 0;
    /// coalesce and ifnull: stops at the first argument that is not NULL.
    pub(crate) const COALESCE: u8 = 1;
    /// iif: evaluates what it gives only.
    pub(crate) const IIF: u8 = 2;
    /// likely and its like: the argument itself.
    pub(crate) const KIND: u8 = 3;
}

/// States of a CASE: it has a base, it is behind ELSE, it is behind WHEN.
pub(crate) const CASE_BASE: u8 = 1;
pub(crate) const CASE_ELSE: u8 = 2;
pub(crate) const CASE_WHEN: u8 = 4;

impl Compiler<'_> {
    // ---- what is open ends

    /// A token that is no operator: reduces to the innermost mark and does what the token means there.
    pub(crate) fn close(&mut self) {
        self.reduce(0);
        let (open, token) = (self.peek(1), self.token);
        match (open.kind, token.kind) {
            (mark::PAREN, Kind::RightParen) => {
                self.advance();
                let operand = self.pop();
                self.pop();
                self.push(operand)
            }
            (mark::PAREN, Kind::Comma) => self.fail_here(ErrorKind::Unsupported),
            (mark::CALL | mark::IN, Kind::Comma | Kind::RightParen) => {
                let (call, last) = (open.kind == mark::CALL, token.kind == Kind::RightParen);
                if call {
                    self.argument(last)
                } else {
                    self.item()
                }
                if last {
                    return if call { self.end_call() } else { self.end_in() };
                }
                self.advance();
                self.mode = Mode::Operand;
            }
            (mark::CAST, Kind::As) => self.end_cast(),
            (mark::CASE, Kind::When | Kind::Then | Kind::Else | Kind::End) => self.case(token.kind),
            (mark::BASE, _) => {
                let operand = self.pop_operand();
                self.base_done(operand)
            }
            (mark::ALIAS, _) => {
                let operand = self.pop();
                self.pop();
                self.go(open.b);
                self.push(operand)
            }
            _ => self.fail_unexpected(),
        }
    }

    /// `CAST(x AS type)`: behind the type.
    pub(crate) fn end_cast(&mut self) {
        self.advance();
        let declared = self.type_name();
        let affinity = Affinity::of_type(self.text(declared));
        self.expect(Kind::RightParen);
        let operand = self.pop_operand();
        self.pop();
        self.op1(Op::Cast, affinity as u8);
        self.operand_done(operand.with_affinity(affinity as u8 + 1))
    }

    /// A type: names, and up to two numbers in parentheses; from its first byte to its last.
    #[inline(never)]
    pub(crate) fn type_name(&mut self) -> Token {
        let first = self.token;
        let mut end = first.start();
        while is_name(self.token.kind) && self.token.kind != Kind::Generated
            || self.token.kind == Kind::String && end > first.start()
        {
            end = self.advance().end();
        }
        if end > first.start() && self.accept(Kind::LeftParen) {
            for number in 0..2 {
                if matches!(self.token.kind, Kind::Plus | Kind::Minus) {
                    self.advance();
                }
                if !matches!(self.token.kind, Kind::Integer | Kind::Real) {
                    self.fail_unexpected();
                }
                self.advance();
                if number == 1 || !self.accept(Kind::Comma) {
                    break;
                }
            }
            end = self.expect(Kind::RightParen).end();
        }
        Token::new(first.kind, first.start(), end)
    }

    /// One argument of a call is complete.
    pub(crate) fn argument(&mut self, last: bool) {
        let operand = self.pop_operand();
        let mut open = self.pop();
        open.d += 1;
        let known = Operand::unpack(open.a & !call::KIND, 0);
        let known = known.with_affinity(0);
        if (operand.explicit() && !known.explicit()) || (known.collation() == 0 && operand.collation() != 0) {
            open.a = open.a & call::KIND | operand.with_affinity(0).pack();
        }
        match open.a & call::KIND {
            call::COALESCE if !last => {
                self.op(Op::IfKnown);
                open.c = self.chain(open.c);
                self.shrink(1);
            }
            call::IIF if open.d == 1 => {
                self.op(Op::IfNot);
                open.c = self.chain(NONE);
                self.shrink(1);
            }
            call::IIF if open.d == 2 => {
                self.op(Op::Jump);
                let end = self.chain(NONE);
                self.patch_here(open.c);
                open.c = end;
                self.shrink(1);
            }
            _ => {}
        }
        self.push(open)
    }

    /// `)` of a call.
    pub(crate) fn end_call(&mut self) {
        let open = self.pop();
        let start = self.pop_operand().start;
        let name = self.lex(open.b);
        self.advance();
        if matches!(self.token.kind, Kind::Over | Kind::Filter) {
            return self.fail_here(ErrorKind::Unsupported);
        }
        let known = Operand::unpack(open.a & !call::KIND, start);
        let known = known.with_affinity(0);
        let kept = known.alone();
        let kind = open.a & call::KIND;
        if kind == call::COALESCE || kind == call::IIF {
            if open.d < 2 || open.d != 2 + u16::from(kind == call::IIF) && !self.same(name, b"coalesce") {
                return self.fail_at(ErrorKind::WrongArguments, name);
            }
            self.patch_here(open.c);
            return self.operand_done(kept);
        }
        let Ok(arguments) = u8::try_from(open.d) else {
            return self.fail_at(ErrorKind::TooBig, name);
        };
        let id = match function::find(self.text(name), usize::from(arguments)) {
            function::Found::Function(id) => id as u8,
            function::Found::WrongCount => return self.fail_at(ErrorKind::WrongArguments, name),
            function::Found::LeftOut => return self.fail_at(ErrorKind::Unsupported, name),
            function::Found::Unknown => self.custom(name, arguments),
        };
        self.op2(Op::Call, id, arguments);
        self.byte(known.sort_collation());
        self.shrink(arguments);
        self.grow(1);
        self.operand_done(kept)
    }

    /// The number of a function of the user's own.
    fn custom(&mut self, name: Token, arguments: u8) -> u8 {
        let mut known = false;
        for (function, id) in self.functions.iter().zip(crate::sqlite3::ids::CUSTOM..crate::sqlite3::ids::LIKE_OPERATOR)
        {
            if self.same(name, function.name.as_bytes()) {
                if (function.least..=function.most).contains(&arguments) {
                    return id;
                }
                known = true;
            }
        }
        self.fail_at(if known { ErrorKind::WrongArguments } else { ErrorKind::NoSuchFunction }, name);
        0
    }

    /// A call begins, unless it is an aggregate.
    pub(crate) fn call(&mut self, name: Token) {
        if self.is_aggregate(name) {
            return self.aggregate(name);
        }
        self.advance();
        self.advance();
        // Words for aggregates that say nothing here.
        if !self.accept(Kind::Distinct) {
            self.accept(Kind::All);
        }
        if self.token.kind == Kind::Star {
            let unknown = function::find(self.text(name), 1) == function::Found::Unknown;
            return self.fail_at(if unknown { ErrorKind::NoSuchFunction } else { ErrorKind::WrongArguments }, name);
        }
        let kind = if self.same(name, b"coalesce") || self.same(name, b"ifnull") {
            call::COALESCE
        } else if self.same(name, b"iif") {
            call::IIF
        } else {
            call::PLAIN
        };
        self.open_long(mark::CALL, kind, name.start())
    }

    // ---- IN

    /// IN, behind which comes a list, a SELECT or the name of a table.
    pub(crate) fn membership(&mut self, negated: u8) {
        self.reduce(level::EQUAL);
        self.advance();
        let list = self.accept(Kind::LeftParen);
        if list && !matches!(self.token.kind, Kind::Select | Kind::Values | Kind::With) {
            self.op1(Op::Int8, 0);
            self.grow(1);
            self.open(mark::IN, negated, 0);
        } else if self.full() {
            let left = self.pop();
            if list { self.in_subquery(left, negated) } else { self.in_table(left, negated) }
        }
    }

    /// An item of an IN list: it takes the affinity of the left side, and has none of its own.
    pub(crate) fn item(&mut self) {
        let item = self.pop_operand();
        let mut open = self.pop();
        let left = self.top_operand();
        // A list of one constant is an `=`, where a collation that is written counts.
        let alone = open.c == NONE && self.token.kind == Kind::RightParen;
        let right = if alone { item.alone() } else { Operand::default() };
        let comparison = Operand::compare(Relation::Equal, left, right);
        self.op1(Op::InItem, comparison);
        self.shrink(1);
        // Behind a match, no item is computed.
        self.op(Op::IfTrueKeep);
        open.c = self.chain(open.c);
        self.push(open)
    }

    pub(crate) fn end_in(&mut self) {
        let open = self.pop();
        let left = self.pop_operand();
        self.advance();
        if open.c == NONE && !self.reads_group(left.start) {
            // Nothing is in it, whatever stands before, which is not even computed.
            self.code = left.start.into();
            self.shrink(1);
            self.op1(Op::Int8, open.a);
            return self.operand_done(Operand::plain(left.start));
        }
        self.patch_here(open.c);
        self.member_done(left, open.a)
    }

    /// Behind the code of an IN, whose left side is below what it gave.
    #[inline(never)]
    pub(crate) fn member_done(&mut self, left: Operand, negated: u8) {
        self.op(Op::Nip);
        self.shrink(1);
        if negated != 0 {
            self.op(Op::Not);
        }
        self.operand_done(left.alone())
    }

    // ---- CASE

    pub(crate) fn case(&mut self, word: Kind) {
        let operand = self.pop_operand();
        let mut open = self.pop();
        let has_base = open.a & CASE_BASE != 0;
        // The first collation written in it is the collation of the whole, beside the states.
        if operand.explicit() && !Operand::unpack(open.a, 0).explicit() {
            open.a |= operand.with_affinity(0).pack();
        }
        self.advance();
        match word {
            Kind::When if has_base && open.a & (CASE_WHEN | CASE_ELSE) == 0 && open.d == 0 => {
                open.d = u16::from(operand.pack()) | 0x100;
                open.a |= CASE_WHEN;
            }
            Kind::Then if open.a & CASE_WHEN != 0 => {
                if has_base {
                    let base = Operand::unpack(open.d as u8, 0);
                    let comparison = Operand::compare(Relation::Equal, base, operand);
                    self.op1(Op::CaseEqual, comparison);
                }
                self.op(Op::IfNot);
                open.b = self.chain(NONE);
                self.shrink(1);
                open.a &= !CASE_WHEN;
                open.d |= 0x200;
            }
            Kind::When | Kind::Else if open.a & (CASE_WHEN | CASE_ELSE) == 0 && open.d & 0x200 != 0 => {
                self.op(Op::Jump);
                open.c = self.chain(open.c);
                self.patch_here(open.b);
                open.b = NONE;
                self.shrink(1);
                open.a |= if word == Kind::When { CASE_WHEN } else { CASE_ELSE };
            }
            Kind::End if open.a & CASE_WHEN == 0 && open.d & 0x200 != 0 => {
                if open.a & CASE_ELSE == 0 {
                    self.op(Op::Jump);
                    open.c = self.chain(open.c);
                    self.patch_here(open.b);
                    self.op(Op::Null);
                }
                self.patch_here(open.c);
                if has_base {
                    self.op(Op::Nip);
                    self.shrink(1);
                }
                let known = Operand::unpack(open.a, self.pop_operand().start);
                return self.operand_done(known.alone());
            }
            _ => return self.fail_here(ErrorKind::Syntax),
        }
        self.push(open);
        self.mode = Mode::Operand;
    }

    // ---- subqueries

    /// `(SELECT ...)` as a value, or EXISTS: the code for it stands here, and gives its value into a place of the stack.
    pub(crate) fn subquery(&mut self, output: Output) {
        if !self.full() {
            return;
        }
        let start = self.here();
        let once = self.new_local();
        self.keeps = true;
        self.op1(Op::Once, once);
        self.word(NONE);
        match output {
            Output::Exists => self.op1(Op::Int8, 0),
            _ => self.op(Op::Null),
        }
        let place = self.now.depth;
        self.grow(1);
        self.begin_select(output, Resume::Operand, place, u16::from(once), start)
    }

    /// `x IN (SELECT ...)`.
    pub(crate) fn in_subquery(&mut self, left: Mark, negated: u8) {
        let set = self.new_local();
        self.keeps = true;
        let once = self.here();
        self.op1(Op::InSet, set);
        self.word(NONE);
        let place = self.now.depth;
        self.grow(1);
        let extra = u16::from(left.a) | u16::from(negated) << 8;
        self.begin_select(Output::In, Resume::Operand, place, extra, left.b);
        self.set_own(f::ONCE, once);
        self.set_own(f::LOCALS, set.into());
    }
}
