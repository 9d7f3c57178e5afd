//! The values of marshal that need no cell: read from their place in the input when they are asked for.

use super::typecode::*;
use crate::bytes;
use crate::object::{Atom, Long, Spelling, Text};

/// The atom at `at` as Python 3 reads it.
pub(super) fn read_3(input: &[u8], at: usize) -> Atom<'_> {
    read(input, at, false).unwrap_or(Atom::None)
}

/// The atom at `at` as Python 2 reads it: what is bytes there is its str.
pub(super) fn read_2(input: &[u8], at: usize) -> Atom<'_> {
    read(input, at, true).unwrap_or(Atom::None)
}

fn read(input: &[u8], at: usize, python_2: bool) -> Option<Atom<'_>> {
    let code = bytes::u8(input, at)? & !FLAG_REF;
    let at = at.wrapping_add(1);
    let sized = || bytes::take(input, at.wrapping_add(4), bytes::u32_le(input, at)? as usize);
    let short = |at: usize| bytes::take(input, at.wrapping_add(1), usize::from(bytes::u8(input, at)?));
    let double = |at| bytes::u64_le(input, at).map(f64::from_bits);
    Some(match code {
        FALSE => Atom::Bool(false),
        TRUE => Atom::Bool(true),
        STOP_ITERATION => Atom::StopIteration,
        ELLIPSIS => Atom::Ellipsis,
        INT => Atom::Int(i64::from(bytes::u32_le(input, at)? as i32)),
        INT64 => Atom::Int(bytes::u64_le(input, at)? as i64),
        LONG => match short_long(input, at) {
            Some((value, _)) => Atom::Int(value),
            None => {
                let long = long(input, at)?;
                long.to_i64().map_or(Atom::Long(long), Atom::Int)
            }
        },
        FLOAT => Atom::Float(float(short(at)?)?),
        BINARY_FLOAT => Atom::Float(double(at)?),
        COMPLEX => {
            let re = short(at)?;
            let im = short(at.wrapping_add(re.len()).wrapping_add(1))?;
            Atom::Complex(float(re)?, float(im)?)
        }
        BINARY_COMPLEX => Atom::Complex(double(at)?, double(at.wrapping_add(8))?),
        STRING | INTERNED if python_2 => Atom::ByteString(Text::new(sized()?, Spelling::Latin1)),
        STRING => Atom::Bytes(sized()?),
        UNICODE | INTERNED => Atom::Str(Text::new(sized()?, Spelling::Utf8)),
        ASCII | ASCII_INTERNED => Atom::Str(ascii(sized()?)),
        SHORT_ASCII | SHORT_ASCII_INTERNED => Atom::Str(ascii(short(at)?)),
        TUPLE | SMALL_TUPLE => Atom::EmptyTuple,
        _ => Atom::None,
    })
}

/// Text of an "ASCII" code; what is not ASCII in it is Latin-1.
fn ascii(raw: &[u8]) -> Text<'_> {
    Text::new(raw, if raw.is_ascii() { Spelling::Utf8 } else { Spelling::Latin1 })
}

/// The value of a LONG of up to four digits, 60 bits, whose count stands at `at`, and the place behind it. `None` for
/// longer ones and for malformed ones.
#[inline]
pub(super) fn short_long(input: &[u8], at: usize) -> Option<(i64, usize)> {
    let count = bytes::u32_le(input, at)? as i32;
    let len = count.unsigned_abs() as usize;
    if len > 4 {
        return None;
    }
    let mut at = at.wrapping_add(4);
    let (mut value, mut digit, mut shift) = (0i64, 1, 0u32);
    for _ in 0..len {
        digit = bytes::u16_le(input, at)?;
        if digit > 0x7fff {
            return None;
        }
        value |= i64::from(digit) << shift;
        shift = shift.wrapping_add(15);
        at = at.wrapping_add(2);
    }
    // The last digit is never 0.
    (digit != 0).then_some((if count < 0 { value.wrapping_neg() } else { value }, at))
}

/// The digits of a LONG whose count stands at `at`.
pub(super) fn long(input: &[u8], at: usize) -> Option<Long<'_>> {
    let count = bytes::u32_le(input, at)? as i32;
    let len = (count.unsigned_abs() as usize).checked_mul(2)?;
    Some(Long::Base15 { negative: count < 0, digits: bytes::take(input, at.wrapping_add(4), len)? })
}

/// A float's text as CPython reads it (`PyOS_string_to_double`): up to a NUL, no blanks, no underscores; too large is
/// infinite.
pub(super) fn float(raw: &[u8]) -> Option<f64> {
    let raw = raw.split(|b| *b == 0).next()?;
    crate::decimal::parse(raw)
}

/// Whether this atom's own bytes are well-formed: digits, text. What follows its code is known to be there.
pub(super) fn is_valid(code: u8, body: &[u8], python_2: bool) -> bool {
    let short = |at: usize| body.get(at).and_then(|len| bytes::take(body, at.wrapping_add(1), usize::from(*len)));
    match code {
        LONG => {
            let digits = body.get(4..).unwrap_or_default();
            let last = digits.last_chunk().is_none_or(|last| *last != [0, 0]);
            last && digits.chunks_exact(2).all(|digit| matches!(digit, [_, high] if *high < 0x80))
        }
        FLOAT => short(0).and_then(float).is_some(),
        COMPLEX => {
            let re = short(0).unwrap_or_default();
            float(re).is_some() && short(re.len().wrapping_add(1)).and_then(float).is_some()
        }
        UNICODE => Text::new(body.get(4..).unwrap_or_default(), Spelling::Utf8).is_valid(),
        INTERNED if !python_2 => Text::new(body.get(4..).unwrap_or_default(), Spelling::Utf8).is_valid(),
        _ => true,
    }
}
