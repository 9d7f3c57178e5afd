//! The values of marshal that need no cell: read from their place in the input when they are asked for.

use super::code::Python;
use super::head::Reading;
use super::typecode::*;
use crate::bytes;
use crate::object::{Atom, Long, Spelling, Text};

const READING_2: Reading = Reading::new(Python::new(2, 7), true);
pub(super) const READING_3: Reading = Reading::new(Python::NEWEST, true);

/// The atom at `at` as Python 3 reads it.
pub(super) fn read_3(input: &[u8], at: usize) -> Atom<'_> {
    read(&READING_3, input, at)
}

/// The atom at `at` as Python 2 reads it: what is bytes there is its str.
pub(super) fn read_2(input: &[u8], at: usize) -> Atom<'_> {
    read(&READING_2, input, at)
}

fn read<'a>(reading: &Reading, input: &'a [u8], at: usize) -> Atom<'a> {
    let Ok(head) = reading.head(input, at) else { return Atom::None };
    let body = input.get(at.wrapping_add(1)..head.end).unwrap_or_default();
    any(head.code, body, reading.python.is_2()).unwrap_or(Atom::None)
}

/// The atom of this code and what belongs to it, which is there as a whole. `None` if it says nothing: digits or the text
/// of a float that are none. Whether text is well-formed is not seen here.
#[inline(never)]
pub(super) fn any(code: u8, body: &[u8], python_2: bool) -> Option<Atom<'_>> {
    let sized = body.get(4..).unwrap_or_default();
    let short = body.get(1..).unwrap_or_default();
    let double = |at| bytes::u64_le(body, at).map(f64::from_bits);
    Some(match code {
        FALSE => Atom::Bool(false),
        TRUE => Atom::Bool(true),
        STOP_ITERATION => Atom::StopIteration,
        ELLIPSIS => Atom::Ellipsis,
        INT | INT64 => Atom::Int(bytes::signed(body)),
        LONG => {
            // The last digit is never 0.
            let valid = sized.last_chunk().is_none_or(|last| *last != [0, 0])
                && sized.chunks_exact(2).all(|digit| matches!(digit, [_, high] if *high < 0x80));
            let negative = body.get(3).is_some_and(|high| high & 0x80 != 0);
            let long = valid.then_some(Long::Base15 { negative, digits: sized })?;
            long.to_i64().map_or(Atom::Long(long), Atom::Int)
        }
        FLOAT => Atom::Float(float(short)?),
        COMPLEX => {
            let (re, im) = short.split_at_checked(usize::from(*body.first()?))?;
            Atom::Complex(float(re)?, float(im.get(1..)?)?)
        }
        BINARY_FLOAT => Atom::Float(double(0)?),
        BINARY_COMPLEX => Atom::Complex(double(0)?, double(8)?),
        STRING | INTERNED if python_2 => Atom::ByteString(Text::new(sized, Spelling::Latin1)),
        STRING => Atom::Bytes(sized),
        UNICODE | INTERNED => Atom::Str(Text::new(sized, Spelling::Utf8)),
        ASCII | ASCII_INTERNED => Atom::Str(ascii(sized)),
        SHORT_ASCII | SHORT_ASCII_INTERNED => Atom::Str(ascii(short)),
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

/// A float's text as CPython reads it (`PyOS_string_to_double`): up to a NUL, no blanks, no underscores; too large is
/// infinite.
fn float(raw: &[u8]) -> Option<f64> {
    let raw = raw.split(|b| *b == 0).next()?;
    crate::decimal::parse(raw)
}
