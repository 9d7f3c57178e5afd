//! Which number a parameter has.
//!
//! Contract: parameters are counted in the order of the text, whatever the order in which they are compiled. `?` is one
//! more than the largest number before it, `?N` is N, and a name has the number of its first use.
//! (<https://sqlite.org/lang_expr.html#parameters>)
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::token::{self, Kind, Token};

/// The first parameter at or after an offset, and its text; none behind the end.
fn next(sql: &[u8], at: u16) -> Option<(Token, &[u8])> {
    let mut at = usize::from(at);
    loop {
        // Words, numbers and signs are no parameters: what may be one, or holds what looks like one, is read as a token.
        at = token::skip_plain(sql, at);
        let token = token::plain(sql, at);
        at = token.end().into();
        match token.kind {
            Kind::End_ | Kind::Illegal => return None,
            Kind::Parameter => return Some((token, sql.get(token.start().into()..at)?)),
            _ => {}
        }
    }
}

/// Where the parameter of this text stands first, before an offset. Each `?` stands for itself.
fn first_use(sql: &[u8], first: u16, text: &[u8], before: u16) -> Option<Token> {
    if text.starts_with(b"?") {
        return None;
    }
    let mut at = first;
    while let Some((token, found)) = next(sql, at).filter(|(token, _)| token.start() < before) {
        if found == text {
            return Some(token);
        }
        at = token.end();
    }
    None
}

/// The number of the parameter at a token; 0 if there is none. No parameter stands before `first`.
#[inline(never)]
pub(crate) fn number(sql: &[u8], first: u16, wanted: Token) -> u16 {
    let text = sql.get(wanted.start().into()..wanted.end().into()).unwrap_or_default();
    let wanted = first_use(sql, first, text, wanted.start()).unwrap_or(wanted);
    let (mut at, mut largest) = (first, 0u16);
    while let Some((token, text)) = next(sql, at) {
        let number = match text {
            [b'?', digits @ ..] if !digits.is_empty() => {
                u16::try_from(super::text::leading_integer(digits)).unwrap_or(u16::MAX)
            }
            // A name that stood before is counted already.
            _ if first_use(sql, first, text, token.start()).is_some() => 0,
            _ => largest.saturating_add(1),
        };
        if token.start() == wanted.start() {
            return number;
        }
        largest = largest.max(number);
        at = token.end();
    }
    0
}

/// The number of a named parameter of a statement, from 1: its place among the parameters plus one. The sign before the name
/// may be left out. `None` if the statement has no such parameter.
///
/// Python's `execute` takes a dict for them; here its values go to their places:
///
/// ```
/// use larder::sqlite3::{Value, parameter};
///
/// let sql = "INSERT INTO limits VALUES(:low, :high)";
/// let mut parameters = [Value::Null; 2];
/// for (name, value) in [("high", 8), ("low", 2)] {
///     parameters[parameter(sql, name).unwrap() - 1] = Value::Integer(value);
/// }
/// assert_eq!(parameters, [Value::Integer(2), Value::Integer(8)]);
/// ```
pub fn parameter(sql: &str, name: &str) -> Option<usize> {
    named(sql.as_bytes(), name.as_bytes())
}

pub(crate) fn named(sql: &[u8], name: &[u8]) -> Option<usize> {
    let mut at = 0;
    while let Some((token, text)) = next(sql, at) {
        if !text.starts_with(b"?") && (text == name || text.get(1..) == Some(name)) {
            return Some(number(sql, 0, token).into());
        }
        at = token.end();
    }
    None
}
