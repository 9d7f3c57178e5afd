//! The values of marshal that need no cell: read from their place in the input when they are asked for.

use super::SHORT_WAYS;
use super::code::Python;
use super::cursor::{Cursor, Makes, Rules};
use crate::bytes;
use crate::object::{Atom, Long, Spelling, Text};

static RULES_2: Rules = Rules::new(Python::new(2, 7), None);
pub(super) static RULES_3: Rules = Rules::new(Python::NEWEST, None);

/// The atom at `at` as Python 3 reads it.
pub(super) fn read_3(input: &[u8], at: usize) -> Atom<'_> {
    read(&RULES_3, input, at)
}

/// The atom at `at` as Python 2 reads it: what is bytes there is its str.
pub(super) fn read_2(input: &[u8], at: usize) -> Atom<'_> {
    read(&RULES_2, input, at)
}

fn read<'a>(rules: &Rules, input: &'a [u8], at: usize) -> Atom<'a> {
    let mut cursor = Cursor::new(rules, input, at);
    match cursor.next() {
        Ok(()) => cursor.atom().unwrap_or(Atom::None),
        Err(_) => Atom::None,
    }
}

impl<'a> Cursor<'a> {
    /// The atom at hand. `None` if it says nothing: digits or the text of a float that are none. Whether text is
    /// well-formed is not seen here.
    #[inline(never)]
    pub(super) fn atom(&self) -> Option<Atom<'a>> {
        let body = self.input.get(self.body..self.end).unwrap_or_default();
        let bits = |at| bytes::u64_le(body, at);
        let python_2 = self.rules.python.is_2();
        Some(match self.makes {
            Makes::False | Makes::True => Atom::Bool(self.makes == Makes::True),
            Makes::StopIteration => Atom::StopIteration,
            Makes::Ellipsis => Atom::Ellipsis,
            Makes::Int => Atom::Int(i64::from(bytes::u32_le(body, 0)? as i32)),
            Makes::Int64 => Atom::Int(bits(0)? as i64),
            Makes::Float => Atom::Float(f64::from_bits(bits(0)?)),
            Makes::Complex => Atom::Complex(f64::from_bits(bits(0)?), f64::from_bits(bits(8)?)),
            Makes::Long => {
                let high = bytes::u8(self.input, self.body.wrapping_sub(1))?;
                long(high & 0x80 != 0, body)?
            }
            Makes::FloatText => Atom::Float(float(body)?),
            Makes::ComplexText => {
                let (re, im) = body.split_at_checked(self.count)?;
                Atom::Complex(float(re)?, float(im.get(1..)?)?)
            }
            Makes::Bytes | Makes::Interned if python_2 => Atom::ByteString(Text::new(body, Spelling::Latin1)),
            Makes::Bytes => Atom::Bytes(body),
            // What is not ASCII behind an "ASCII" code is Latin-1.
            Makes::Ascii if !body.is_ascii() => Atom::Str(Text::new(body, Spelling::Latin1)),
            Makes::Interned | Makes::Text | Makes::Ascii => Atom::Str(Text::new(body, Spelling::Utf8)),
            _ => Atom::None,
        })
    }
}

/// An int of these digits.
pub(super) fn long(negative: bool, digits: &[u8]) -> Option<Atom<'_>> {
    let (mut value, mut high) = (0i64, 0);
    for digit in digits.as_chunks::<2>().0.iter().rev() {
        let digit = u16::from_le_bytes(*digit);
        high |= digit;
        // The highest digit is never 0.
        if high == 0 || digit > 0x7fff {
            return None;
        }
        if SHORT_WAYS {
            value = value << 15 | i64::from(digit);
        }
    }
    if SHORT_WAYS && digits.len() <= 8 {
        return Some(Atom::Int(if negative { value.wrapping_neg() } else { value }));
    }
    let long = Long::Base15 { negative, digits };
    Some(long.to_i64().map_or(Atom::Long(long), Atom::Int))
}

/// A float's text as CPython reads it (`PyOS_string_to_double`): up to a NUL, no blanks, no underscores; too large is
/// infinite.
fn float(raw: &[u8]) -> Option<f64> {
    let raw = raw.split(|b| *b == 0).next()?;
    crate::decimal::parse(raw)
}
