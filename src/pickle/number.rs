//! Numbers in text, as CPython's unpickler reads them: `strtol` and `PyLong_FromString` in INT, LONG, GET and PUT,
//! `PyOS_string_to_double` in FLOAT.
#![deny(clippy::panic)]

use crate::decimal;
use crate::object::{Atom, Long, MAX_DECIMAL_DIGITS};

/// What C's `isspace` says.
fn is_space(b: &u8) -> bool {
    matches!(b, b' ' | b'\t'..=b'\r')
}

/// The text up to the first NUL, where C strings end, without leading space; whether a minus stood there; the rest.
fn sign(text: &[u8]) -> (bool, &[u8]) {
    let end = text.iter().position(|b| *b == 0).unwrap_or(text.len());
    let start = text.iter().take_while(|b| is_space(b)).count();
    match text.get(start..end).unwrap_or_default() {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    }
}

fn is_digit(b: u8, radix: u8) -> bool {
    char::from(b).is_digit(u32::from(radix))
}

/// Which prefixes and zeros an int may begin with.
#[derive(Clone, Copy, PartialEq)]
enum Base {
    /// None: Python's `int(text, 10)`.
    Ten,
    /// Python's `int(text, 0)`.
    Any,
    /// The same, and a zero before octal digits as C's `strtol(text, NULL, 0)` takes it.
    C,
}

/// An int as text.
fn parse(text: &[u8], base: Base) -> Option<Long<'_>> {
    let (negative, mut digits) = sign(text);
    while let [rest @ .., last] = digits
        && is_space(last)
    {
        digits = rest;
    }
    let mut radix = 10;
    if base != Base::Ten
        && let [b'0', letter, rest @ ..] = digits
    {
        radix = match letter.to_ascii_lowercase() {
            b'x' => 16,
            b'o' => 8,
            b'b' => 2,
            _ => 10,
        };
        if radix != 10 {
            digits = rest.strip_prefix(b"_").unwrap_or(rest);
        } else if digits.iter().any(|b| !matches!(b, b'0' | b'_')) {
            if base != Base::C || !digits.iter().all(|b| is_digit(*b, 8)) {
                return None;
            }
            radix = 8;
            // What C reads fits its long.
            Long::Digits { negative, radix, digits }.to_i64()?;
        }
    }
    // Single underscores between digits only.
    let mut last = b'_';
    let mut count: usize = 0;
    for b in digits {
        if !is_digit(*b, radix) && (*b != b'_' || last == b'_') {
            return None;
        }
        count = count.wrapping_add(usize::from(*b != b'_'));
        last = *b;
    }
    (last != b'_' && (radix != 10 || count <= MAX_DECIMAL_DIGITS)).then_some(Long::Digits { negative, radix, digits })
}

/// The argument of INT: an int or, in the spellings of two characters, a bool.
pub(super) fn int(line: &[u8]) -> Option<Atom<'_>> {
    let int = match line {
        // An empty string to C.
        [0, ..] => Atom::Int(0),
        _ => small(parse(line, Base::C)?),
    };
    // C does not read to the end what ends with a space.
    let bool = matches!(line, [_, last] if !is_space(last));
    Some(match int {
        Atom::Int(value @ (0 | 1)) if bool => Atom::Bool(value == 1),
        int => int,
    })
}

/// The argument of LONG.
pub(super) fn long(line: &[u8]) -> Option<Atom<'_>> {
    parse(line.strip_suffix(b"L").unwrap_or(line), Base::Any).map(small)
}

/// The argument of GET and PUT.
pub(super) fn index(line: &[u8]) -> Option<u32> {
    parse(line, Base::Ten)?.to_i64()?.try_into().ok()
}

/// An int as it is used most easily.
pub(super) fn small(long: Long<'_>) -> Atom<'_> {
    match long.to_i64() {
        Some(value) => Atom::Int(value),
        None => Atom::Long(long),
    }
}

/// The argument of FLOAT; `None` also for numbers beyond the largest float.
pub(super) fn float(line: &[u8]) -> Option<f64> {
    let end = line.iter().position(|b| *b == 0).unwrap_or(line.len());
    let text = line.get(..end)?;
    let value = decimal::parse(text)?;
    let named = text.iter().any(|b| matches!(b, b'n' | b'N'));
    (value.is_finite() || named).then_some(value)
}
