//! printf and format. (<https://sqlite.org/printf.html>)
//!
//! All of SQLite's conversions but the internal ones: `d i u x X o p r f e E g G c s z q Q w n %`, with the flags `- + space # ! 0 ,`,
//! width and precision. A text written so far is edited in place, so a conversion needs no buffer of its own.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::arithmetic_side_effects)]
#![deny(clippy::panic)]

use super::Call;
use super::string::{before_nul, character_size, write_quoted};
use crate::sqlite3::decimal::{self, Conversion, Style};
use crate::sqlite3::error::{Error, Result};
use crate::sqlite3::real;
use crate::sqlite3::scratch::Scratch;
use crate::sqlite3::value::Value;

/// Zeros in front of an integer beyond this are an error: they would be written one by one.
const MOST_ZEROS: u32 = 100_000;

/// One conversion between `%` and its letter.
#[derive(Default, Clone, Copy)]
struct Field {
    left: bool,
    plus: Option<u8>,
    alternate: bool,
    full: bool,
    zeros: bool,
    thousands: bool,
    width: u32,
    precision: Option<u32>,
}

/// The arguments in their order; what is missing is NULL.
struct Arguments<'a, 'c> {
    all: &'c dyn Fn(usize) -> Value<'a>,
    count: usize,
    next: usize,
}

impl<'a> Arguments<'a, '_> {
    fn next(&mut self) -> Value<'a> {
        let at = self.next;
        self.next = at.saturating_add(1);
        if at < self.count { (self.all)(at) } else { Value::Null }
    }
}

/// Formats the arguments behind the first by the format that this is; NULL without a format.
pub(crate) fn printf<'a>(c: &mut Call<'a, '_>) -> Result<Value<'a>> {
    if c.argument(0).is_null() {
        return Ok(Value::Null);
    }
    let format = before_nul(c.text(0)?);
    let anything = write(format, Arguments { all: c.arguments, count: c.count, next: 1 }, c.scratch)?;
    let text = c.written()?;
    Ok(if anything { text } else { Value::Null })
}

/// False if the format holds nothing before its end or its first error: then SQLite gives NULL in the place of ''.
fn write(mut format: &[u8], mut arguments: Arguments<'_, '_>, out: &mut Scratch<'_>) -> Result<bool> {
    let mut anything = false;
    while let Some((first, rest)) = format.split_first() {
        format = rest;
        if *first != b'%' || rest.is_empty() {
            out.push(*first);
        } else {
            let mut field = Field::default();
            let letter = read_field(&mut format, &mut field, &mut arguments);
            if !convert(letter, field, &mut arguments, out)? {
                break;
            }
        }
        anything = true;
    }
    Ok(anything)
}

/// Reads flags, width and precision, and gives the letter; 0 at the end of the format.
fn read_field(format: &mut &[u8], field: &mut Field, arguments: &mut Arguments<'_, '_>) -> u8 {
    let mut next = || {
        let (first, rest) = format.split_first()?;
        *format = rest;
        Some(*first)
    };
    let mut byte = next();
    loop {
        match byte.unwrap_or(0) {
            b'-' => field.left = true,
            sign @ (b'+' | b' ') => field.plus = Some(sign),
            b'#' => field.alternate = true,
            b'!' => field.full = true,
            b'0' => field.zeros = true,
            b',' => field.thousands = true,
            b'l' => {
                byte = next();
                return if byte == Some(b'l') { next() } else { byte }.unwrap_or(0);
            }
            digit @ b'1'..=b'9' => {
                field.width = 0;
                byte = Some(digit);
                while let Some(digit @ b'0'..=b'9') = byte {
                    field.width = with_digit(field.width, digit);
                    byte = next();
                }
                if matches!(byte, Some(b'.' | b'l')) {
                    continue;
                }
                return byte.unwrap_or(0);
            }
            b'*' => {
                let width = arguments.next().to_integer() as i32;
                field.left |= width < 0;
                field.width = if width == i32::MIN { 0 } else { width.unsigned_abs() };
                byte = next();
                if matches!(byte, Some(b'.' | b'l')) {
                    continue;
                }
                return byte.unwrap_or(0);
            }
            b'.' => {
                byte = next();
                if byte == Some(b'*') {
                    let precision = arguments.next().to_integer() as i32;
                    field.precision = if precision == i32::MIN { None } else { Some(precision.unsigned_abs()) };
                    byte = next();
                } else {
                    let mut precision = 0;
                    while let Some(digit @ b'0'..=b'9') = byte {
                        precision = with_digit(precision, digit);
                        byte = next();
                    }
                    field.precision = Some(precision);
                }
                if byte == Some(b'l') {
                    continue;
                }
                return byte.unwrap_or(0);
            }
            letter => return letter,
        }
        byte = next();
    }
}

fn with_digit(number: u32, digit: u8) -> u32 {
    number.wrapping_mul(10).wrapping_add(digit.wrapping_sub(b'0').into()) & 0x7fff_ffff
}

/// Appends one conversion; false if the letter is none, which ends the format.
fn convert(letter: u8, field: Field, arguments: &mut Arguments<'_, '_>, out: &mut Scratch<'_>) -> Result<bool> {
    let start = out.len();
    match letter {
        b'd' | b'i' | b'r' => {
            let integer = arguments.next().to_integer();
            let sign = if integer < 0 { Some(b'-') } else { field.plus };
            let radix = Radix { base: 10, prefix: b"", digits: DIGITS };
            write_integer(integer.unsigned_abs(), sign, radix, letter == b'r', field, out)?;
        }
        b'u' | b'x' | b'X' | b'o' | b'p' => {
            let radix = match letter {
                b'u' => Radix { base: 10, prefix: b"", digits: DIGITS },
                b'X' => Radix { base: 16, prefix: b"0X", digits: CAPITALS },
                b'p' => Radix { base: 16, prefix: b"0x", digits: CAPITALS },
                b'o' => Radix { base: 8, prefix: b"0", digits: DIGITS },
                _ => Radix { base: 16, prefix: b"0x", digits: DIGITS },
            };
            let field = Field { thousands: field.thousands && letter == b'u', ..field };
            write_integer(arguments.next().to_integer() as u64, None, radix, false, field, out)?;
        }
        b'f' | b'e' | b'E' | b'g' | b'G' => write_real(letter, arguments.next().to_real(), field, out),
        b'c' => return write_character(arguments.next(), field, out).map(|()| true),
        b's' | b'z' => write_string(arguments.next(), field, out),
        b'q' | b'Q' | b'w' => write_escaped(letter, arguments.next(), field, out),
        b'n' => return Ok(true),
        b'%' => out.push(b'%'),
        _ => return Ok(false),
    }
    let by_characters = field.full && matches!(letter, b's' | b'z' | b'q' | b'Q' | b'w');
    pad(start, by_characters, field, out);
    Ok(true)
}

/// Fills up to the width with spaces.
fn pad(start: usize, by_characters: bool, field: Field, out: &mut Scratch<'_>) {
    let mut length = out.len().saturating_sub(start);
    if by_characters {
        let written = out.pushed().get(start..).unwrap_or(&[]);
        length = length.saturating_sub(written.iter().filter(|byte| **byte & 0xc0 == 0x80).count());
    }
    let missing = (field.width as usize).saturating_sub(length);
    if field.left { out.fill(b' ', missing) } else { out.insert(start, b' ', missing) }
}

const DIGITS: &[u8; 16] = b"0123456789abcdef";
const CAPITALS: &[u8; 16] = b"0123456789ABCDEF";

struct Radix {
    base: u64,
    prefix: &'static [u8],
    digits: &'static [u8; 16],
}

fn write_integer(
    number: u64,
    sign: Option<u8>,
    radix: Radix,
    ordinal: bool,
    field: Field,
    out: &mut Scratch<'_>,
) -> Result<()> {
    // All digits, in the order from the last to the first: 22 of base 8.
    let mut digits = [0u8; 24];
    let mut count = 0usize;
    let mut rest = number;
    for place in &mut digits {
        let (more, digit) = real::divided(rest, radix.base);
        *place = radix.digits.get(digit as usize).copied().unwrap_or(0);
        rest = more;
        count = count.saturating_add(1);
        if rest == 0 {
            break;
        }
    }
    let suffix: &[u8] = match digits {
        _ if !ordinal => b"",
        [_, b'1', ..] => b"th",
        [b'1', ..] => b"st",
        [b'2', ..] => b"nd",
        [b'3', ..] => b"rd",
        _ => b"th",
    };
    let mut precision = field.precision.unwrap_or(0);
    if field.zeros {
        precision = precision.max(field.width.saturating_sub(sign.is_some().into()));
    }
    if precision > MOST_ZEROS {
        return Err(Error::limit(precision as usize));
    }
    out.extend(if field.alternate && number != 0 { radix.prefix } else { b"" });
    if let Some(sign) = sign {
        out.push(sign);
    }
    let thousands = field.thousands && !ordinal;
    let length = count.max((precision as usize).saturating_sub(suffix.len()));
    for place in (0..length).rev() {
        out.push(if place < count { digits.get(place).copied().unwrap_or(b'0') } else { b'0' });
        if thousands && place > 0 && place.is_multiple_of(3) {
            out.push(b',');
        }
    }
    out.extend(suffix);
    Ok(())
}

fn write_real(letter: u8, real: f64, field: Field, out: &mut Scratch<'_>) {
    let start = out.len();
    let conversion = match letter {
        b'f' => Conversion::Fixed,
        b'e' | b'E' => Conversion::Exponent,
        _ => Conversion::General,
    };
    let style = Style {
        conversion,
        precision: field.precision.unwrap_or(6).min(100_000_000),
        alternate: field.alternate,
        full: field.full,
        plus: field.plus,
        upper: letter.is_ascii_uppercase(),
    };
    decimal::write(real, style, out);
    if field.zeros && !field.left && !real::is_infinite(real) {
        let sign = usize::from(real::is_negative(real) || field.plus.is_some());
        let missing = (field.width as usize).saturating_sub(out.len().saturating_sub(start));
        out.insert(start.saturating_add(sign), b'0', missing);
    }
}

/// The first character of the text, as often as the precision says.
fn write_character(value: Value<'_>, field: Field, out: &mut Scratch<'_>) -> Result<()> {
    let start = out.len();
    value.write(out);
    let text = before_nul(out.pushed().get(start..).unwrap_or(&[]));
    // SQLite writes a NUL where there is no character.
    let mut character = [0u8; 4];
    let size = character_size(text).clamp(1, character.len());
    for (place, byte) in character.iter_mut().zip(text.iter().take(size)) {
        *place = *byte;
    }
    let character = character.get(..size).unwrap_or(&[]);
    out.truncate(start);
    let times = field.precision.unwrap_or(1).max(1);
    if times > MOST_ZEROS {
        return Err(Error::limit(times as usize));
    }
    for _ in 0..times {
        out.extend(character);
    }
    pad(start, true, field, out);
    Ok(())
}

/// The text up to its first NUL, cut to the precision: bytes, or characters with `!`.
fn write_string(value: Value<'_>, field: Field, out: &mut Scratch<'_>) {
    let start = out.len();
    match value {
        Value::Text(bytes) | Value::Blob(bytes) => out.extend(cut(before_nul(bytes), field)),
        number => {
            number.write(out);
            let length = field.precision.map_or(usize::MAX, |precision| precision as usize);
            out.truncate(start.saturating_add(length));
        }
    }
}

/// The part of a text that the precision leaves.
fn cut(bytes: &[u8], field: Field) -> &[u8] {
    let Some(precision) = field.precision else { return bytes };
    let mut length = precision as usize;
    if field.full {
        let mut rest = bytes;
        for _ in 0..precision {
            rest = rest.get(character_size(rest)..).unwrap_or(&[]);
            if rest.is_empty() {
                break;
            }
        }
        length = bytes.len().saturating_sub(rest.len());
    }
    bytes.get(..length).unwrap_or(bytes)
}

/// With the quotes doubled: for a string literal (`%q`, with its quotes `%Q`) or a name (`%w`).
fn write_escaped(letter: u8, value: Value<'_>, field: Field, out: &mut Scratch<'_>) {
    let quote = if letter == b'w' { b'"' } else { b'\'' };
    let null: &[u8] = if letter == b'Q' { b"NULL" } else { b"(NULL)" };
    let enclose = letter == b'Q' && !value.is_null();
    if enclose {
        out.push(quote);
    }
    match value {
        Value::Null => out.extend(cut(null, field)),
        Value::Text(bytes) | Value::Blob(bytes) => write_quoted(cut(before_nul(bytes), field), quote, out),
        number => write_string(number, field, out),
    }
    if enclose {
        out.push(quote);
    }
}
