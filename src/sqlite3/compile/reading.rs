//! How the compiler reads its text: token by token, forward, and again from any offset.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use core::cell::Cell;

use super::*;
use crate::sqlite3::token::{self, Kind, Token, class};

/// How many tokens are remembered.
const RECENT: usize = 16;

/// The tokens that were read lately, each at the place that its offset says. (Kinds apart from places take less of the stack.)
pub(crate) struct Recent {
    places: [Cell<u32>; RECENT],
    kinds: [Cell<Kind>; RECENT],
    /// The last walk, and where it ended, where code is to be fast: conditions are walked over, and then skipped.
    walked: Cell<(u32, Token)>,
}

impl Recent {
    pub(crate) fn new() -> Self {
        Recent {
            places: [const { Cell::new(0) }; RECENT],
            kinds: [const { Cell::new(Kind::End_) }; RECENT],
            walked: Cell::new((0, Token::new(Kind::End_, 0, 0))),
        }
    }

    /// The token at an offset, or another one. (At first there is an end at 0, where the first token takes its place.)
    #[inline]
    #[allow(clippy::indexing_slicing)] // Both have so many.
    fn token(&self, at: u16) -> Token {
        let place = usize::from(at) % RECENT;
        Token { kind: self.kinds[place].get(), place: self.places[place].get() }
    }

    #[inline]
    #[allow(clippy::indexing_slicing)]
    pub(crate) fn note(&self, token: Token) {
        let place = usize::from(token.start()) % RECENT;
        self.kinds[place].set(token.kind);
        self.places[place].set(token.place);
    }
}

/// Some tokens: what ends them, and the last three of them (the first, if there are no more).
#[derive(Clone, Copy)]
pub(crate) struct Walk {
    pub(crate) end: Token,
    pub(crate) last: Token,
    pub(crate) before: Token,
    pub(crate) third: Token,
}

impl Compiler<'_> {
    /// The token at an offset.
    pub(crate) fn lex(&self, at: u16) -> Token {
        if at & IN_ARENA == 0 {
            // Most tokens are read several times within a few steps, and most stand behind one space or none.
            let at = at + u16::from(self.sql.get(usize::from(at)) == Some(&b' '));
            let known = self.recent.token(at);
            if known.start() == at {
                return known;
            }
            let token = token::next(self.sql, at.into());
            if token.kind == Kind::Parameter {
                self.first_parameter.set(self.first_parameter.get().min(token.start()));
            }
            self.recent.note(token);
            return token;
        }
        token::next(self.arena, usize::from(at & !IN_ARENA)).in_arena()
    }

    /// The token behind another.
    #[cfg_attr(not(fast), inline(never))]
    pub(crate) fn after(&self, token: Token) -> Token {
        self.lex(token.end())
    }

    /// Goes to the next token and gives the current one.
    #[cfg_attr(not(fast), inline(never))]
    pub(crate) fn advance(&mut self) -> Token {
        let token = self.token;
        self.token = self.after(token);
        token
    }

    /// Goes to the token at an offset.
    pub(crate) fn go(&mut self, at: u16) {
        self.token = self.lex(at);
    }

    /// The bytes of a token.
    pub(crate) fn text(&self, token: Token) -> &[u8] {
        let range = usize::from(token.start() & !IN_ARENA)..usize::from(token.end() & !IN_ARENA);
        let text = if token.start() & IN_ARENA == 0 { self.sql } else { &*self.arena };
        text.get(range).unwrap_or_default()
    }

    /// Whether the current token is of this kind; goes behind it then.
    #[cfg_attr(not(fast), inline(never))]
    pub(crate) fn accept(&mut self, kind: Kind) -> bool {
        let found = self.token.kind == kind;
        if found {
            self.advance();
        }
        found
    }

    /// Goes behind a token that must be there.
    #[cfg_attr(not(fast), inline(never))]
    pub(crate) fn expect(&mut self, kind: Kind) -> Token {
        if self.token.kind != kind {
            self.fail_unexpected();
            return self.token;
        }
        self.advance()
    }

    /// A name: of a column, a table, an alias.
    pub(crate) fn name(&mut self) -> Token {
        if !is_name(self.token.kind) && self.token.kind != Kind::String {
            self.fail_unexpected();
        }
        self.advance()
    }

    /// Whether two names are the same.
    pub(crate) fn same(&self, token: Token, name: &[u8]) -> bool {
        let (text, quote) = unquoted(self.text(token));
        same_name(text, quote, name)
    }

    /// The tokens from one on, to the first on their level that is of these classes.
    #[inline(never)]
    pub(crate) fn walk(&self, from: Token, stop: u8) -> Walk {
        let (mut end, mut last, mut before, mut third) = (from, from, from, from);
        let (mut parentheses, mut cases) = (0usize, 0usize);
        loop {
            if end.kind.is(stop | class::END | class::NESTS) {
                // `IS DISTINCT FROM` is no FROM.
                let stops = cases == 0 && end.kind.is(stop) && !(end.kind == Kind::From && last.kind == Kind::Distinct);
                let outermost = parentheses == 0 && (stops || end.kind == Kind::RightParen);
                if outermost || end.kind.is(class::END) {
                    if cfg!(fast) {
                        self.recent.walked.set((walk_of(from, stop), end));
                    }
                    return Walk { end, last, before, third };
                }
                match end.kind {
                    Kind::LeftParen => parentheses += 1,
                    Kind::RightParen => parentheses -= 1,
                    Kind::Case => cases += 1,
                    Kind::End => cases = cases.saturating_sub(1),
                    _ => {}
                }
            }
            (third, before, last) = (before, last, end);
            end = self.after(end);
        }
    }

    /// Goes to the first token on this level that is of these classes.
    #[cfg_attr(not(fast), inline(never))]
    pub(crate) fn skip_to(&mut self, stop: u8) {
        let (known, end) = self.recent.walked.get();
        let begin = self.token.start() & IN_ARENA == 0;
        self.token = if cfg!(fast) && begin && known == walk_of(self.token, stop) {
            end
        } else {
            self.walk(self.token, stop).end
        };
    }
}

/// What stands for a walk over tokens: where it began, and what it looked for.
fn walk_of(from: Token, stop: u8) -> u32 {
    u32::from(from.start()) | u32::from(stop) << 16
}
