//! The clauses of a SELECT: where they begin, and LIMIT.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::frame::{f, flag};
use super::names::NAME;
use super::select::Output;
use super::template::{CHAIN, LOW, SHRINK};
use super::*;
use crate::sqlite3::error::ErrorKind;
use crate::sqlite3::program::Op;
use crate::sqlite3::token::{Kind, Token, class};

impl Compiler<'_> {
    /// Finds where the clauses begin, and whether there are aggregates.
    pub(crate) fn clauses(&mut self) {
        let (mut depth, mut last, mut results, mut items) = (0usize, self.token, true, 1);
        let output = self.own(f::OUTPUT);
        let part = output == Output::Part as u16;
        loop {
            let (token, before) = (self.token, last);
            last = token;
            if !token.kind.is(class::ITEM | class::NESTS | class::END) && token.kind != Kind::Window {
                self.advance();
                continue;
            }
            if token.kind.is(class::END) || depth == 0 && token.kind == Kind::RightParen {
                break;
            }
            match token.kind {
                Kind::LeftParen => {
                    // An aggregate behind the result columns alone is misused.
                    if results && is_name(before.kind) && self.is_aggregate(before) {
                        self.set_flagged(flag::AGGREGATE, true);
                    }
                    // SELECTs inside are not ours.
                    if self.after(token).kind == Kind::Select {
                        last = self.skip_parentheses();
                        continue;
                    }
                    depth += 1;
                }
                Kind::RightParen => depth -= 1,
                _ => {}
            }
            let clause = match token.kind {
                _ if depth > 0 => None,
                Kind::Comma => {
                    items += usize::from(results);
                    None
                }
                Kind::Group | Kind::Having | Kind::Union | Kind::Except | Kind::Intersect if !crate::sqlite3::FULL => {
                    self.full();
                    return;
                }
                Kind::Order | Kind::Limit if part => break,
                Kind::From if before.kind == Kind::Distinct => None,
                Kind::From | Kind::Where | Kind::Group | Kind::Having | Kind::Order | Kind::Limit => {
                    Some(f::FROM + token.kind as u8 - Kind::From as u8)
                }
                Kind::Window if before.kind != Kind::Dot => return self.fail_here(ErrorKind::Unsupported),
                Kind::Union | Kind::Except | Kind::Intersect => {
                    // What is only described is so by its first SELECT.
                    if part || output == Output::Describe as u16 {
                        break;
                    }
                    self.compound_operator();
                    continue;
                }
                _ => None,
            };
            self.advance();
            let Some(clause) = clause else { continue };
            results = false;
            if self.flagged(flag::COMPOUND) && clause < f::ORDER {
                continue;
            }
            if (clause..=f::LIMIT).any(|later| self.own(later) != NONE) {
                return self.fail_at(ErrorKind::Syntax, token);
            }
            if matches!(clause, f::GROUP | f::ORDER) {
                self.expect(Kind::By);
            }
            self.set_own(clause, self.token.start());
        }
        self.set_own(f::END, self.token.start());
        self.set_own(f::NAMES, self.top as u16);
        self.set_own(f::NAME, self.top as u16);
        self.reserve(items * NAME);
        if self.flagged(flag::COMPOUND) {
            self.set_flagged(flag::DISTINCT | flag::AGGREGATE, false);
            return;
        }
        if self.own(f::GROUP) != NONE {
            self.set_flagged(flag::AGGREGATE, true);
        } else if self.own(f::HAVING) != NONE && !self.flagged(flag::AGGREGATE) {
            // "a GROUP BY clause is required before HAVING"
            self.fail_here(ErrorKind::Schema)
        }
    }

    /// From `(` to behind its `)`, which is given back.
    #[inline(never)]
    pub(crate) fn skip_parentheses(&mut self) -> Token {
        self.advance();
        self.skip_to(0);
        self.expect(Kind::RightParen)
    }

    // ---- LIMIT

    /// A number of LIMIT is on the stack: `LIMIT limit OFFSET offset`, or `LIMIT offset, limit`.
    pub(crate) fn limit(&mut self) {
        let local = self.new_local().into();
        let first = self.own(f::LIMIT_LOCAL) == NONE && self.own(f::OFFSET_LOCAL) == NONE;
        if self.token.kind == Kind::Comma || self.own(f::LIMIT_LOCAL) != NONE {
            self.set_own(f::OFFSET_LOCAL, local);
            self.emit(&[Op::Offset as u8, LOW | f::OFFSET_LOCAL, SHRINK, 1]);
        } else {
            self.set_own(f::LIMIT_LOCAL, local);
            self.emit(&[Op::Limit as u8, LOW | f::LIMIT_LOCAL, CHAIN | f::FINISH, SHRINK, 1]);
        }
        if first && matches!(self.token.kind, Kind::Comma | Kind::Offset) {
            self.advance();
            return self.expression();
        }
        self.set_own(f::MODE, 0);
        self.clause_end();
        self.prepare()
    }

    /// The current token must end a clause.
    #[cfg_attr(not(fast), inline(never))]
    pub(crate) fn clause_end(&mut self) {
        if matches!(self.token.kind, Kind::Comma | Kind::From) || !self.token.kind.is(class::ITEM | class::END) {
            self.fail_unexpected();
        }
    }
}
