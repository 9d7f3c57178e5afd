//! Expressions become postfix code, by operator precedence on the stack of marks.
//!
//! Contract: two states, one before an operand and one behind it, and marks for what is open. A mark of an operand
//! knows its affinity and collation; that of an operator its precedence. `a + b` leaves operand, operator, operand on the stack,
//! and is reduced to one operand when an operator that binds no tighter comes. A parenthesis, a call, a CASE or the
//! begin of the expression is a mark that no reduction passes. The precedences are SQLite's
//! (<https://sqlite.org/lang_expr.html#operators_and_parse_affecting_attributes>).
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::closing::{CASE_BASE, CASE_WHEN};
use super::operand::relation;
use super::select::Output;
use super::*;
use crate::sqlite3::error::ErrorKind;
use crate::sqlite3::program::{Op, Relation};
use crate::sqlite3::token::{Kind, Token, class};
use crate::sqlite3::value::Collation;

/// Kinds of marks.
pub(crate) mod mark {
    pub(crate) const OPERAND: u8 = 1;
    /// a: which operator, b: precedence, c: the jump of an AND or OR.
    pub(crate) const BINARY: u8 = 2;
    pub(crate) const UNARY: u8 = 3;
    pub(crate) const PAREN: u8 = 4;
    /// a: what kind of call and the collation so far, b: its name, c: chain of jumps to its end, d: arguments so far.
    pub(crate) const CALL: u8 = 5;
    /// a: state, b: chain to the next WHEN, c: chain to the end, d: base operand.
    pub(crate) const CASE: u8 = 6;
    pub(crate) const BETWEEN: u8 = 7;
    /// a: negated, d: the operand left of IN.
    pub(crate) const IN: u8 = 8;
    pub(crate) const CAST: u8 = 9;
    /// The begin of an expression.
    pub(crate) const BASE: u8 = 10;
    /// The begin of an aliased expression that is read again; b: where to return.
    pub(crate) const ALIAS: u8 = 11;
}

/// Operators on marks, beside the instructions of one byte that most of them are.
pub(crate) mod operator {
    pub(crate) const COMPARE: u8 = 0x80; // and a Relation
    pub(crate) const LIKE: u8 = 0x90; // + 1 GLOB, + 2 negated
    pub(crate) const ESCAPE: u8 = 0xa0;
    pub(crate) const BETWEEN: u8 = 0xb0; // + 1 negated
    pub(crate) const PLUS: u8 = 0xc0;
}

/// Precedences.
pub(crate) mod level {
    pub(crate) const OR: u16 = 1;
    pub(crate) const AND: u16 = 2;
    pub(crate) const NOT: u16 = 3;
    pub(crate) const EQUAL: u16 = 4;
    pub(crate) const LESS: u16 = 5;
    pub(crate) const BITS: u16 = 6;
    pub(crate) const SUM: u16 = 7;
    pub(crate) const PRODUCT: u16 = 8;
    pub(crate) const CONCAT: u16 = 9;
    pub(crate) const COLLATE: u16 = 10;
    pub(crate) const SIGN: u16 = 11;
}

/// The operators between two operands that need no more than their precedence.
static BINARY: [(Kind, u8, u8); 19] = [
    (Kind::Equal, operator::COMPARE | Relation::Equal as u8, level::EQUAL as u8),
    (Kind::Less, operator::COMPARE | Relation::Less as u8, level::LESS as u8),
    (Kind::Greater, operator::COMPARE | Relation::Greater as u8, level::LESS as u8),
    (Kind::Plus, Op::Add as u8, level::SUM as u8),
    (Kind::Minus, Op::Subtract as u8, level::SUM as u8),
    (Kind::Star, Op::Multiply as u8, level::PRODUCT as u8),
    (Kind::Or, Op::Or as u8, level::OR as u8),
    (Kind::LessEqual, operator::COMPARE | Relation::LessEqual as u8, level::LESS as u8),
    (Kind::GreaterEqual, operator::COMPARE | Relation::GreaterEqual as u8, level::LESS as u8),
    (Kind::NotEqual, operator::COMPARE | Relation::NotEqual as u8, level::EQUAL as u8),
    (Kind::Like, operator::LIKE, level::EQUAL as u8),
    (Kind::Glob, operator::LIKE | 1, level::EQUAL as u8),
    (Kind::Slash, Op::Divide as u8, level::PRODUCT as u8),
    (Kind::Percent, Op::Remainder as u8, level::PRODUCT as u8),
    (Kind::Concat, Op::Concat as u8, level::CONCAT as u8),
    (Kind::Ampersand, Op::BitAnd as u8, level::BITS as u8),
    (Kind::Bar, Op::BitOr as u8, level::BITS as u8),
    (Kind::ShiftLeft, Op::ShiftLeft as u8, level::BITS as u8),
    (Kind::ShiftRight, Op::ShiftRight as u8, level::BITS as u8),
];

impl Compiler<'_> {
    /// Begins the expression at the current token. When it ends, the frame's next step finds its kind in `result`, and the
    /// current token behind it.
    pub(crate) fn expression(&mut self) {
        self.open(mark::BASE, 0, 0);
    }

    /// The same, and the frame's next step.
    #[cfg_attr(not(fast), inline(never))]
    pub(crate) fn expression_then(&mut self, step: u16) {
        self.goto(step);
        self.expression();
    }

    /// Begins the expression at an offset.
    pub(crate) fn expression_at(&mut self, at: u16) {
        self.go(at);
        self.expression()
    }

    pub(crate) fn open(&mut self, kind: u8, a: u8, b: u16) {
        self.open_with(kind, a, b, NONE);
    }

    #[cfg_attr(not(fast), inline(never))]
    fn open_with(&mut self, kind: u8, a: u8, b: u16, c: u16) {
        self.push(Mark { kind, a, b, c, d: 0 });
        self.mode = Mode::Operand;
    }

    /// Opens what needs its mark for more than the place where its code begins: that stands below it.
    pub(crate) fn open_long(&mut self, kind: u8, a: u8, b: u16) {
        self.open(mark::OPERAND, 0, self.here());
        self.open(kind, a, b);
    }

    /// An operand is complete. If nothing else is open, and nothing follows, so is the expression.
    pub(crate) fn operand_done(&mut self, operand: Operand) {
        if self.peek(0).kind == mark::BASE && self.token.kind.is(class::ITEM | class::END) {
            return self.base_done(operand);
        }
        self.push_operand(operand);
    }

    fn push_operand(&mut self, operand: Operand) {
        self.push(Mark { kind: mark::OPERAND, a: operand.pack(), b: operand.start, c: 0, d: 0 });
        self.mode = Mode::Operator;
    }

    /// The expression is this operand: its begin is taken from the stack.
    pub(crate) fn base_done(&mut self, operand: Operand) {
        self.result = operand;
        self.pop();
        self.mode = Mode::Step;
    }

    pub(crate) fn pop_operand(&mut self) -> Operand {
        let found = self.pop();
        Operand::unpack(found.a, found.b)
    }

    /// The operand at the top.
    pub(crate) fn top_operand(&self) -> Operand {
        let found = self.peek(0);
        Operand::unpack(found.a, found.b)
    }

    /// A plain value was pushed by the code from `start` on.
    pub(crate) fn plain(&mut self, start: u16) {
        self.grow(1);
        self.operand_done(Operand::plain(start))
    }

    // ---- before an operand

    /// Reads an operand, or what stands before one.
    pub(crate) fn operand(&mut self) {
        let (token, start) = (self.token, self.here());
        let next = self.after(token);
        match token.kind {
            Kind::Minus if matches!(next.kind, Kind::Integer | Kind::Real) => {
                self.token = next;
                self.literal(next, true);
            }
            Kind::Parameter => {
                let number = self.parameter(token);
                self.op1(Op::Param, number);
            }
            kind if !self.literal(token, false) => return self.compound_operand(kind, next),
            _ => {}
        }
        self.advance();
        self.plain(start);
    }

    /// An operand of several tokens, or a sign before one.
    fn compound_operand(&mut self, kind: Kind, next: Token) {
        let (token, start) = (self.token, self.here());
        match kind {
            Kind::Not => return self.prefix(Op::Not as u8, level::NOT),
            Kind::Minus => return self.prefix(Op::Negate as u8, level::SIGN),
            Kind::Tilde => return self.prefix(Op::Invert as u8, level::SIGN),
            Kind::Plus => return self.prefix(operator::PLUS, level::SIGN),
            Kind::CurrentDate | Kind::CurrentTime | Kind::CurrentTimestamp | Kind::Raise => {
                return self.fail_here(ErrorKind::Unsupported);
            }
            Kind::RightParen => return self.empty_arguments(),
            Kind::LeftParen | Kind::Exists | Kind::Case => {}
            Kind::Cast if next.kind == Kind::LeftParen => {
                self.advance();
            }
            kind if !is_name(kind) => return self.fail_unexpected(),
            kind if next.kind == Kind::LeftParen && kind != Kind::Quoted => return self.call(token),
            _ => return self.identifier(),
        }
        self.advance();
        match kind {
            Kind::LeftParen if matches!(next.kind, Kind::Select | Kind::Values | Kind::With) => {
                self.subquery(Output::Scalar);
            }
            Kind::LeftParen => self.open(mark::PAREN, 0, start),
            Kind::Exists => {
                self.expect(Kind::LeftParen);
                self.subquery(Output::Exists);
            }
            Kind::Cast => self.open(mark::CAST, 0, start),
            _ => {
                let when = self.accept(Kind::When);
                self.open_long(mark::CASE, if when { CASE_WHEN } else { CASE_BASE }, start);
            }
        }
    }

    pub(crate) fn prefix(&mut self, operator: u8, level: u16) {
        self.advance();
        self.open(mark::UNARY, operator, level);
    }

    /// `)` where an operand was expected: the end of `f()` or `IN ()`.
    pub(crate) fn empty_arguments(&mut self) {
        let open = self.peek(0);
        match open.kind {
            mark::CALL if open.d == 0 => self.end_call(),
            mark::IN if open.c == NONE => self.end_in(),
            _ => self.fail_unexpected(),
        }
    }

    // ---- behind an operand

    /// Reads an operator, or the end of what is open.
    pub(crate) fn operator(&mut self) {
        let kind = self.token.kind;
        if kind.is(class::BINARY)
            && let Some(&(_, operator, level)) = BINARY.iter().find(|row| row.0 == kind)
        {
            return self.binary(operator, level.into());
        }
        match kind {
            Kind::And => self.and(),
            Kind::Is => self.is(),
            Kind::Isnull => self.postfix(Op::IsNull),
            Kind::Notnull => self.postfix(Op::NotNull),
            Kind::Match | Kind::Regexp => self.fail_here(ErrorKind::Unsupported),
            Kind::Escape => self.escape(),
            Kind::Between => self.between(0),
            Kind::In => self.membership(0),
            Kind::Not => self.negated(),
            Kind::Collate => self.collate(),
            _ => self.close(),
        }
    }

    /// Reduces all operators that bind at least this tight.
    pub(crate) fn reduce(&mut self, level: u16) {
        loop {
            let below = self.peek(1);
            if !matches!(below.kind, mark::BINARY | mark::UNARY) || below.b < level {
                return;
            }
            self.reduce_one();
        }
    }

    pub(crate) fn binary(&mut self, operator: u8, level: u16) {
        if level <= level::LESS && self.innermost().a >= 2 {
            return self.close();
        }
        self.reduce(level);
        self.advance();
        let mut rest = NONE;
        if level <= level::AND {
            self.op(if level == level::AND { Op::IfFalseKeep } else { Op::IfTrueKeep });
            rest = self.chain(NONE);
        }
        self.open_with(mark::BINARY, operator, level, rest);
    }

    /// The innermost mark that no reduction passes, if it is the begin of the expression, or of a BETWEEN; nothing else.
    pub(crate) fn innermost(&self) -> Mark {
        let mut below = 1;
        while matches!(self.peek(below).kind, mark::BINARY | mark::UNARY)
            && self.peek(below).a & 0xf0 != operator::BETWEEN
        {
            below += if self.peek(below).kind == mark::BINARY { 2 } else { 1 };
        }
        let open = self.peek(below);
        if matches!(open.kind, mark::BASE | mark::BETWEEN) { open } else { Mark { kind: 0, a: 0, b: 0, c: 0, d: 0 } }
    }

    /// AND, or the middle of a BETWEEN. Behind an OR it is no middle: there the OR's right side goes on.
    pub(crate) fn and(&mut self) {
        self.reduce(level::NOT);
        let open = self.innermost();
        if open.kind == mark::BASE && open.a != 0 {
            return self.close();
        }
        if open.kind != mark::BETWEEN || self.peek(1).kind != mark::BETWEEN {
            return self.binary(Op::And as u8, level::AND);
        }
        self.advance();
        self.open(mark::BINARY, operator::BETWEEN | open.a, level::EQUAL);
    }

    /// ESCAPE belongs to the nearest LIKE, whatever its pattern is.
    fn escape(&mut self) {
        while matches!(self.peek(1).kind, mark::BINARY | mark::UNARY) && self.peek(1).a & 0xf0 != operator::LIKE {
            self.reduce_one();
        }
        self.advance();
        self.open(mark::BINARY, operator::ESCAPE, level::EQUAL);
    }

    pub(crate) fn between(&mut self, negated: u8) {
        self.reduce(level::EQUAL);
        self.advance();
        self.open(mark::BETWEEN, negated, 0);
    }

    pub(crate) fn postfix(&mut self, op: Op) {
        self.reduce(level::EQUAL);
        self.advance();
        self.unary(op)
    }

    /// An instruction that makes one value of one: what is known of the operand is lost, but for a collation that was written.
    pub(crate) fn unary(&mut self, op: Op) {
        self.op(op);
        let operand = self.pop_operand();
        self.operand_done(operand.alone())
    }

    /// NOT behind an operand.
    pub(crate) fn negated(&mut self) {
        let next = self.after(self.token);
        match next.kind {
            Kind::Null => {
                self.token = next;
                self.postfix(Op::NotNull)
            }
            Kind::Like | Kind::Glob => {
                self.reduce(level::EQUAL);
                self.token = next;
                self.binary(operator::LIKE | 2 | u8::from(next.kind == Kind::Glob), level::EQUAL)
            }
            Kind::Between => {
                self.token = next;
                self.between(1)
            }
            Kind::In => {
                self.token = next;
                self.membership(1)
            }
            Kind::Match | Kind::Regexp => self.fail_here(ErrorKind::Unsupported),
            _ => self.fail_unexpected(),
        }
    }

    /// IS [NOT] [DISTINCT FROM], and IS [NOT] TRUE or FALSE.
    pub(crate) fn is(&mut self) {
        self.reduce(level::EQUAL);
        let mut next = self.after(self.token);
        let mut not = next.kind == Kind::Not;
        if not {
            self.token = next;
            next = self.after(next);
        }
        if next.kind == Kind::Distinct {
            self.token = next;
            next = self.after(next);
            if next.kind != Kind::From {
                self.token = next;
                return self.fail_unexpected();
            }
            self.token = next;
            next = self.after(next);
            not = !not;
        }
        if next.kind == Kind::Name {
            let (yes, no) = (self.same(next, b"true"), self.same(next, b"false"));
            let mut behind = self.after(next);
            while behind.kind == Kind::Collate {
                behind = self.after(self.after(behind));
            }
            // Behind `true.` stands a column, and `true + 1` is a number.
            if (yes || no) && behind.kind < Kind::Dot && !self.is_column(next) {
                self.token = next;
                self.advance();
                self.unary(if yes { Op::IsTrue } else { Op::IsFalse });
                if not {
                    self.op(Op::Not);
                }
                return;
            }
        }
        self.binary(operator::COMPARE | if not { Relation::IsNot } else { Relation::Is } as u8, level::EQUAL)
    }

    pub(crate) fn collate(&mut self) {
        self.reduce(level::COLLATE);
        self.advance();
        let collation = self.collation();
        let operand = self.pop_operand();
        self.operand_done(operand.with_collation(collation))
    }

    /// The name of a collation, as a number: 1 BINARY, 2 NOCASE, 3 RTRIM.
    pub(crate) fn collation(&mut self) -> u8 {
        let token = self.name();
        let (name, _) = unquoted(self.text(token));
        let Some(known) = Collation::named(name) else {
            self.fail_at(ErrorKind::NoSuchCollation, token);
            return 0;
        };
        known as u8 + 1
    }

    /// Reduces the operator at the top.
    pub(crate) fn reduce_one(&mut self) {
        let right = self.pop_operand();
        let which = self.pop();
        if which.kind == mark::UNARY {
            return match which.a {
                // A plus takes the affinity away and leaves the collation.
                operator::PLUS => self.push_operand(right.with_affinity(0)),
                code => {
                    self.byte(code);
                    self.push_operand(right.alone())
                }
            };
        }
        if self.peek(0).kind != mark::OPERAND {
            return self.fail_here(ErrorKind::Syntax);
        }
        let left = self.pop_operand();
        let mut kept = Operand::under(left, right);
        match which.a & 0xf0 {
            operator::COMPARE if which.a & 0x80 != 0 => {
                let comparison = Operand::compare(relation(which.a & 7), left, right);
                self.op1(Op::Compare, comparison);
                self.shrink(1);
            }
            operator::LIKE => {
                self.like(which.a, 2);
            }
            operator::ESCAPE => {
                let like = self.peek(0);
                if like.kind != mark::BINARY || like.a & 0xf1 != operator::LIKE {
                    return self.fail_unexpected();
                }
                self.pop();
                let subject = self.pop_operand();
                kept = Operand::under(subject, kept);
                self.like(like.a, 3);
            }
            operator::BETWEEN => {
                self.pop();
                let subject = self.pop_operand();
                let low = Operand::compare(Relation::GreaterEqual, subject, left);
                let high = Operand::compare(Relation::LessEqual, subject, right);
                self.op2(Op::Between, low, high);
                if which.a & 1 != 0 {
                    self.op(Op::Not);
                }
                self.shrink(2);
                kept = Operand::under(subject, kept);
            }
            _ => {
                self.byte(which.a);
                self.shrink(1);
                if which.b <= level::AND {
                    self.patch_here(which.c);
                }
            }
        }
        self.push_operand(kept)
    }

    /// LIKE and GLOB are functions of pattern, subject and escape; the operator has the subject first.
    pub(crate) fn like(&mut self, which: u8, arguments: u8) {
        let id = if which & 1 != 0 { crate::sqlite3::ids::GLOB_OPERATOR } else { crate::sqlite3::ids::LIKE_OPERATOR };
        self.op2(Op::Call, id, arguments);
        self.byte(0);
        self.shrink(arguments - 1);
        if which & 2 != 0 {
            self.op(Op::Not);
        }
    }
}
