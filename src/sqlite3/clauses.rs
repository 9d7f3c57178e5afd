//! The clauses of a SELECT: where they begin, and LIMIT.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::compile::*;
use super::error::{ErrorKind, Result};
use super::frame::{f, flag};
use super::program::Op;
use super::select::{Output, step};
use super::token::{Kind, Token};

impl Compiler<'_> {
    /// Finds where the clauses begin, and whether there are aggregates.
    pub(crate) fn clauses(&mut self) -> Result<()> {
        let (frame, mut depth, mut before) = (self.frame, 0usize, Kind::Comma);
        let output = self.get(frame, f::OUTPUT);
        let part = output == Output::Part as u16;
        // Depths of SELECTs inside are not ours: their parentheses are skipped.
        loop {
            let token = self.token;
            let clause = match token.kind {
                Kind::LeftParen => {
                    depth += 1;
                    if self.after(token).kind == Kind::Select {
                        self.skip_parentheses();
                        depth -= 1;
                        before = Kind::RightParen;
                        continue;
                    }
                    None
                }
                Kind::RightParen if depth > 0 => {
                    depth -= 1;
                    None
                }
                Kind::RightParen | Kind::Semicolon | Kind::End_ | Kind::Illegal => break,
                Kind::From if depth == 0 && before != Kind::Distinct => Some(f::FROM),
                Kind::Order | Kind::Limit if depth == 0 && part => break,
                Kind::Where if depth == 0 => Some(f::WHERE),
                Kind::Group | Kind::Having | Kind::Union | Kind::Except | Kind::Intersect
                    if depth == 0 && !super::FULL =>
                {
                    return self.full();
                }
                Kind::Group if depth == 0 => Some(f::GROUP),
                Kind::Having if depth == 0 => Some(f::HAVING),
                Kind::Order if depth == 0 => Some(f::ORDER),
                Kind::Limit if depth == 0 => Some(f::LIMIT),
                Kind::Window if depth == 0 && before != Kind::Dot => {
                    return Err(self.error_here(ErrorKind::Unsupported));
                }
                Kind::Union | Kind::Except | Kind::Intersect if super::FULL && depth == 0 => {
                    // What is only described is so by its first SELECT.
                    if part || output == Output::Describe as u16 {
                        break;
                    }
                    self.compound_operator()?;
                    before = Kind::Select;
                    continue;
                }
                kind if is_name(kind) && self.opens(token) && self.is_aggregate(token) => {
                    self.set_flag(frame, flag::AGGREGATE, true);
                    None
                }
                _ => None,
            };
            before = token.kind;
            self.advance();
            let Some(clause) = clause else { continue };
            if self.has(frame, flag::COMPOUND) && !matches!(clause, f::ORDER | f::LIMIT) {
                continue;
            }
            let order = [f::FROM, f::WHERE, f::GROUP, f::HAVING, f::ORDER, f::LIMIT];
            if order.iter().any(|&later| later >= clause && self.get(frame, later) != NONE) {
                return Err(self.error(ErrorKind::Syntax, token));
            }
            if matches!(clause, f::GROUP | f::ORDER) {
                self.expect(Kind::By)?;
            }
            self.put(frame, clause, self.token.start);
        }
        self.put(frame, f::END, self.token.start);
        if self.has(frame, flag::COMPOUND) {
            self.set_flag(frame, flag::DISTINCT | flag::AGGREGATE, false);
            return Ok(());
        }
        if self.get(frame, f::GROUP) != NONE {
            self.set_flag(frame, flag::AGGREGATE, true);
        } else if self.get(frame, f::HAVING) != NONE && !self.has(frame, flag::AGGREGATE) {
            // "a GROUP BY clause is required before HAVING"
            return Err(self.error_here(ErrorKind::Schema));
        }
        Ok(())
    }

    /// Whether `(` stands behind a token.
    fn opens(&self, token: Token) -> bool {
        match self.source(token.end).first() {
            Some(b'(') => true,
            Some(b',' | b'.') | None => false,
            _ => self.after(token).kind == Kind::LeftParen,
        }
    }

    /// From `(` to behind its `)`.
    pub(crate) fn skip_parentheses(&mut self) {
        let mut depth = 0usize;
        loop {
            match self.advance().kind {
                Kind::LeftParen => depth += 1,
                Kind::RightParen => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        return;
                    }
                }
                Kind::End_ | Kind::Semicolon | Kind::Illegal => return,
                _ => {}
            }
        }
    }

    // ---- LIMIT

    pub(crate) fn limit(&mut self) -> Result<()> {
        let frame = self.frame;
        let local = self.new_local()?;
        if self.token.kind == Kind::Comma {
            // LIMIT offset, limit
            self.put(frame, f::OFFSET_LOCAL, local.into());
            self.op1(Op::Offset, local)?;
        } else {
            self.put(frame, f::LIMIT_LOCAL, local.into());
            self.op1(Op::Limit, local)?;
            self.chain_in(frame, f::FINISH)?;
        }
        self.shrink(1);
        if matches!(self.token.kind, Kind::Comma | Kind::Offset) {
            self.advance();
            self.goto(step::LIMIT_2);
            return self.expression();
        }
        self.put(frame, f::MODE, 0);
        self.goto(step::PREPARE);
        self.clause_end()
    }

    pub(crate) fn limit_end(&mut self) -> Result<()> {
        let frame = self.frame;
        let local = self.new_local()?;
        if self.get(frame, f::LIMIT_LOCAL) == NONE {
            self.put(frame, f::LIMIT_LOCAL, local.into());
            self.op1(Op::Limit, local)?;
            self.chain_in(frame, f::FINISH)?;
        } else {
            self.put(frame, f::OFFSET_LOCAL, local.into());
            self.op1(Op::Offset, local)?;
        }
        self.shrink(1);
        self.put(frame, f::MODE, 0);
        self.goto(step::PREPARE);
        self.clause_end()
    }

    /// The current token must end a clause.
    pub(crate) fn clause_end(&self) -> Result<()> {
        match self.token.kind {
            Kind::From
            | Kind::Where
            | Kind::Group
            | Kind::Having
            | Kind::Order
            | Kind::Limit
            | Kind::Union
            | Kind::Except
            | Kind::Intersect
            | Kind::RightParen
            | Kind::Semicolon
            | Kind::End_ => Ok(()),
            _ => Err(self.unexpected()),
        }
    }
}
