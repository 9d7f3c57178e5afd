//! Numbers in text, as CPython's unpickler reads them: `strtol` and `PyLong_FromString` in INT, LONG, GET and PUT,
//! `PyOS_string_to_double` in FLOAT.
#![deny(clippy::panic)]

use crate::decimal;
use crate::object::{Atom, Long, MAX_DECIMAL_DIGITS};

/// What C's `isspace` says.
fn is_space(b: &u8) -> bool {
    matches!(b, b' ' | b'\t'..=b'\r')
}

/// The text up to the first NUL, where C strings end.
#[inline(never)]
fn c_string(text: &[u8]) -> &[u8] {
    let end = text.iter().position(|b| *b == 0).unwrap_or(text.len());
    text.get(..end).unwrap_or_default()
}

/// The digit that a byte is; 255 if it is none.
fn digit(b: u8) -> u8 {
    match b {
        b'0'..=b'9' => b.wrapping_sub(b'0'),
        b'a'..=b'f' | b'A'..=b'F' => (b & 7).wrapping_add(9),
        _ => u8::MAX,
    }
}

/// Which prefixes and zeros an int may begin with.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Base {
    /// None: Python's `int(text, 10)`, in GET and PUT.
    Ten,
    /// Python's `int(text, 0)`, in LONG.
    Any,
    /// The same; before that, C's `strtol(text, NULL, 0)` tries: in INT.
    C,
}

/// The argument of LONG, GET or PUT; or that of INT: an int or, in the spellings of two characters, a bool. None for what is
/// neither.
#[inline(never)]
pub(super) fn int(line: &[u8], base: Base) -> Atom<'_> {
    let text = match line {
        [text @ .., b'L'] if base == Base::Any => text,
        // An empty string to C.
        [0, ..] if base == Base::C => b"0",
        _ => line,
    };
    let mut rest = c_string(text);
    while let [b, behind @ ..] = rest
        && is_space(b)
    {
        rest = behind;
    }
    let negative = rest.first() == Some(&b'-');
    if let [b'-' | b'+', behind @ ..] = rest {
        rest = behind;
    }
    let mut digits = rest;
    while let [before @ .., b] = digits
        && is_space(b)
    {
        digits = before;
    }
    // C does not read to the end what ends with a space.
    let is_c = base == Base::C && digits.len() == rest.len();
    let (mut radix, mut is_octal) = (10, false);
    if base != Base::Ten
        && let [b'0', letter, behind @ ..] = digits
    {
        radix = match letter | 0x20 {
            b'x' => 16,
            b'o' => 8,
            b'b' => 2,
            // Zeros only.
            _ => 1,
        };
        if radix > 1 {
            digits = if let [b'_', behind @ ..] = behind { behind } else { behind };
        } else if is_c && digits.iter().all(|b| digit(*b) < 8) {
            (radix, is_octal) = (8, true);
        }
    }
    // Single underscores between digits only.
    let (mut last, mut count) = (b'_', 0_usize);
    for b in digits {
        let fits = if *b == b'_' { last != b'_' } else { digit(*b) < radix };
        if !fits {
            return Atom::None;
        }
        count = count.wrapping_add(usize::from(*b != b'_'));
        last = *b;
    }
    if last == b'_' || (radix == 10 && count > MAX_DECIMAL_DIGITS) {
        return Atom::None;
    }
    match small(Long::Digits { negative, radix: radix.max(2), digits }) {
        Atom::Int(value @ (0 | 1)) if is_c && line.len() == 2 => Atom::Bool(value == 1),
        // What C reads fits its long.
        Atom::Long(_) if is_octal => Atom::None,
        int => int,
    }
}

/// An int as it is used most easily.
#[inline(never)]
pub(super) fn small(long: Long<'_>) -> Atom<'_> {
    match long.to_i64() {
        Some(value) => Atom::Int(value),
        None => Atom::Long(long),
    }
}

/// The argument of FLOAT; `None` also for numbers beyond the largest float.
pub(super) fn float(line: &[u8]) -> Option<f64> {
    let text = c_string(line);
    let value = decimal::parse(text)?;
    let named = text.iter().any(|b| matches!(b, b'n' | b'N'));
    (value.is_finite() || named).then_some(value)
}

/// A float as Python's `float` reads bytes: with space around it and single underscores between its digits, of which there
/// are a hundred at most. What is too large is infinite.
pub(super) fn python_float(text: &[u8]) -> Option<f64> {
    let start = text.iter().position(|b| !is_space(b))?;
    let end = text.iter().rposition(|b| !is_space(b))?.wrapping_add(1);
    let text = text.get(start..end)?;
    if !text.contains(&b'_') {
        return decimal::parse(text);
    }
    let (mut buf, mut len) = ([0; 100], 0);
    for (i, b) in text.iter().enumerate() {
        if *b != b'_' {
            *buf.get_mut(len)? = *b;
            len = len.wrapping_add(1);
        } else if ![i.wrapping_sub(1), i.wrapping_add(1)].iter().all(|i| text.get(*i).is_some_and(u8::is_ascii_digit)) {
            return None;
        }
    }
    decimal::parse(buf.get(..len)?)
}
