//! Which number a parameter has.
//!
//! Contract: parameters are counted in the order of the text, whatever the order in which they are compiled. `?` is one
//! more than the largest number before it, `?N` is N, and a name has the number of its first use.
//! (<https://sqlite.org/lang_expr.html#parameters>)
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::token::{self, Kind, Token};

/// The parameters of a statement in order, with their numbers.
struct Walk<'a> {
    sql: &'a [u8],
    at: usize,
    largest: u16,
}

impl<'a> Walk<'a> {
    fn next(&mut self) -> Option<(Token, &'a [u8])> {
        loop {
            // Words, numbers and signs are no parameters: what may be one, or holds what looks like one, is read as a token.
            self.at = token::skip_plain(self.sql, self.at);
            let token = token::plain(self.sql, self.at);
            self.at = token.end().into();
            match token.kind {
                Kind::End_ | Kind::Illegal => return None,
                Kind::Parameter => return Some((token, self.sql.get(token.start().into()..token.end().into())?)),
                _ => {}
            }
        }
    }
}

/// The number of the parameter at a token; 0 if there is none.
pub(crate) fn number(sql: &[u8], wanted: Token) -> u16 {
    let mut walk = Walk { sql, at: 0, largest: 0 };
    while let Some((token, text)) = walk.next() {
        let number = match text {
            b"?" => walk.largest.saturating_add(1),
            [b'?', digits @ ..] => u16::try_from(super::text::leading_integer(digits)).unwrap_or(u16::MAX),
            // A name that stood before has its number.
            _ => match first_use(sql, text, token.start()) {
                Some(first) => number_of_name(sql, first),
                None => walk.largest.saturating_add(1),
            },
        };
        if token.start() == wanted.start() {
            return number;
        }
        walk.largest = walk.largest.max(number);
    }
    0
}

/// Where a name stands first, before an offset.
fn first_use(sql: &[u8], name: &[u8], before: u16) -> Option<Token> {
    let mut walk = Walk { sql, at: 0, largest: 0 };
    while let Some((token, text)) = walk.next() {
        if token.start() >= before {
            return None;
        }
        if text == name {
            return Some(token);
        }
    }
    None
}

/// The number of a name at its first use: one more than the largest before it.
fn number_of_name(sql: &[u8], first: Token) -> u16 {
    let mut walk = Walk { sql, at: 0, largest: 0 };
    while let Some((token, text)) = walk.next() {
        if token.start() == first.start() {
            break;
        }
        let number = match text {
            [b'?', digits @ ..] if !digits.is_empty() => {
                u16::try_from(super::text::leading_integer(digits)).unwrap_or(u16::MAX)
            }
            [b'?'] => walk.largest.saturating_add(1),
            _ if first_use(sql, text, token.start()).is_some() => 0,
            _ => walk.largest.saturating_add(1),
        };
        walk.largest = walk.largest.max(number);
    }
    walk.largest.saturating_add(1)
}

/// The number of a named parameter, with or without the sign before it; 0 if there is none.
pub(crate) fn named(sql: &[u8], name: &[u8]) -> u16 {
    let mut walk = Walk { sql, at: 0, largest: 0 };
    while let Some((token, text)) = walk.next() {
        if !text.starts_with(b"?") && (text == name || text.get(1..) == Some(name)) {
            return number(sql, token);
        }
    }
    0
}
