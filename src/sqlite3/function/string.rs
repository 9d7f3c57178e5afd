//! The functions of text and blobs.
//!
//! As in SQLite, most of them see a text only up to its first NUL, and take a blob for text where they want text.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::arithmetic_side_effects)]
#![deny(clippy::panic)]

use super::{Call, Id};
use crate::sqlite3::decimal::{self, Conversion, Style};
use crate::sqlite3::real;
use crate::sqlite3::scratch::Scratch;
use crate::sqlite3::text;
use crate::sqlite3::value::Value;

/// The bytes before the first NUL.
pub(crate) fn before_nul(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    bytes.get(..end).unwrap_or(bytes)
}

/// How many bytes the first character takes, by SQLite's rule: continuation bytes belong to a lead byte, and only to one.
pub(crate) fn character_size(bytes: &[u8]) -> usize {
    match bytes.split_first() {
        None => 0,
        Some((..0xc0, _)) => 1,
        Some((_, rest)) => rest.iter().take_while(|byte| **byte & 0xc0 == 0x80).count().saturating_add(1),
    }
}

/// What is left behind `count` characters.
#[inline(never)]
pub(super) fn behind(mut bytes: &[u8], mut count: usize) -> &[u8] {
    while count > 0 && !bytes.is_empty() {
        bytes = bytes.get(character_size(bytes)..).unwrap_or(&[]);
        count = count.saturating_sub(1);
    }
    bytes
}

fn count_characters(mut bytes: &[u8]) -> usize {
    let mut count = 0usize;
    while !bytes.is_empty() {
        bytes = behind(bytes, 1);
        count = count.saturating_add(1);
    }
    count
}

/// Reads a character off the front; 0 at the end. Bytes that are no UTF-8 give some number too: SQLite's.
pub(crate) fn next_character(bytes: &mut &[u8]) -> u32 {
    let size = character_size(bytes);
    let (character, rest) = bytes.split_at_checked(size).unwrap_or((bytes, &[]));
    *bytes = rest;
    let Some((lead, more)) = character.split_first() else { return 0 };
    if *lead < 0xc0 {
        return (*lead).into();
    }
    // The bits behind the ones that say how long it is, and the zero behind these.
    let bits = u32::from(*lead) & 0x7f >> lead.leading_ones();
    let code = more.iter().fold(bits, |code, byte| code << 6 | u32::from(byte & 0x3f));
    if code < 0x80 || code & 0xffff_f800 == 0xd800 || code & 0xffff_fffe == 0xfffe { 0xfffd } else { code }
}

/// Characters of a text, bytes of a blob or of a printed number.
pub(crate) fn length<'a>(c: &mut Call<'a, '_>) -> Value<'a> {
    let length = match c.argument(0) {
        Value::Text(bytes) => count_characters(before_nul(bytes)),
        _ => c.text(0).len(),
    };
    Value::Integer(length as i64)
}

/// lower and upper: ASCII letters only.
pub(crate) fn map<'a>(c: &mut Call<'a, '_>, change: fn(u8) -> u8) -> Value<'a> {
    for byte in c.text(0) {
        c.scratch.push(change(*byte));
    }
    c.written()
}

/// From the character (or byte of a blob) `start`, counted from 1, or from the end if negative; `length` of them, or
/// those before if that is negative.
pub(crate) fn substr<'a>(c: &mut Call<'a, '_>) -> Value<'a> {
    let blob = matches!(c.argument(0), Value::Blob(_));
    let bytes = c.text(0);
    if blob && bytes.is_empty() {
        return Value::Null;
    }
    let bytes = if blob { bytes } else { before_nul(bytes) };
    let size = if blob { bytes.len() } else { count_characters(bytes) } as i32;
    let mut from = c.integer(1) as i32;
    let wanted = if c.count > 2 { c.integer(2) as i32 } else { 1_000_000_000 };
    // No sum overflows: of two terms, one is below 0 and the other is not.
    let mut count = wanted.saturating_abs();
    if from < 0 {
        from = from.wrapping_add(size);
        if from < 0 {
            count = count.wrapping_add(from).max(0);
            from = 0;
        }
    } else if from > 0 {
        from = from.wrapping_sub(1);
    } else if count > 0 {
        count = count.wrapping_sub(1);
    }
    if wanted < 0 {
        from = from.wrapping_sub(count);
        if from < 0 {
            count = count.wrapping_add(from);
            from = 0;
        }
    }
    let skip = |bytes: &'a [u8], count: i32| match blob {
        true => bytes.get(count as usize..).unwrap_or(&[]),
        false => behind(bytes, count as usize),
    };
    let rest = skip(bytes, from);
    let count = rest.len().saturating_sub(skip(rest, count).len());
    let part = rest.get(..count).unwrap_or(rest);
    if blob { Value::Blob(part) } else { Value::Text(part) }
}

/// Cuts the characters of a set (spaces where there is none) off the front, the back or both.
pub(crate) fn trim<'a>(c: &mut Call<'a, '_>) -> Value<'a> {
    let (front, back) = (c.id != Id::Rtrim, c.id != Id::Ltrim);
    let mut bytes = c.text(0);
    let set = if c.count > 1 { before_nul(c.text(1)) } else { b" " };
    while front && let Some(rest) = characters(set).find_map(|one| bytes.strip_prefix(one)) {
        bytes = rest;
    }
    while back && let Some(rest) = characters(set).find_map(|one| bytes.strip_suffix(one)) {
        bytes = rest;
    }
    Value::Text(bytes)
}

fn characters(mut bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    core::iter::from_fn(move || {
        let (one, rest) = bytes.split_at_checked(character_size(bytes)).filter(|(one, _)| !one.is_empty())?;
        bytes = rest;
        Some(one)
    })
}

/// Every pattern in the text, from left to right, becomes the third argument.
pub(crate) fn replace<'a>(c: &mut Call<'a, '_>) -> Value<'a> {
    let (value, by) = (c.argument(0), c.argument(2));
    if value.is_null() || c.argument(1).is_null() {
        return Value::Null;
    }
    let pattern = c.text(1);
    // An empty pattern leaves the text, whatever it was to become.
    if before_nul(pattern).is_empty() {
        return if let Value::Blob(bytes) = value { Value::Text(bytes) } else { value };
    }
    if by.is_null() {
        return Value::Null;
    }
    let mut bytes = c.text(0);
    let by = c.text(2);
    while let Some((first, rest)) = bytes.split_first() {
        bytes = match bytes.strip_prefix(pattern) {
            Some(rest) => {
                c.scratch.extend(by);
                rest
            }
            None => {
                c.scratch.push(*first);
                rest
            }
        };
    }
    c.written()
}

/// The place of the second argument counted from 1, in characters, or in bytes between two blobs; 0 where it is not.
pub(crate) fn instr<'a>(c: &mut Call<'a, '_>) -> Value<'a> {
    let by_bytes = (0..2).all(|at| matches!(c.argument(at), Value::Blob(_)));
    let mut rest = c.text(0);
    let needle = c.text(1);
    let mut place = 1i64;
    while !rest.starts_with(needle) {
        if rest.len() < needle.len() {
            return Value::Integer(0);
        }
        // A character here is a byte and all continuation bytes behind it.
        let tail = rest.get(1..).unwrap_or(&[]);
        let more = if by_bytes { 0 } else { tail.iter().take_while(|byte| **byte & 0xc0 == 0x80).count() };
        rest = tail.get(more..).unwrap_or(&[]);
        place = place.saturating_add(1);
    }
    Value::Integer(place)
}

/// Capital hexadecimal digits of the bytes; a number's are those of its text, NULL has none.
pub(crate) fn hex<'a>(c: &mut Call<'a, '_>) -> Value<'a> {
    let bytes = c.text(0);
    write_hex(bytes, c.scratch);
    c.written()
}

fn write_hex(bytes: &[u8], out: &mut Scratch<'_>) {
    for byte in bytes {
        for half in [byte >> 4, byte & 15] {
            out.push(half.wrapping_add(if half < 10 { b'0' } else { b'A'.wrapping_sub(10) }));
        }
    }
}

/// Text in quotes, with the quotes inside doubled.
pub(crate) fn write_quoted(bytes: &[u8], quote: u8, out: &mut Scratch<'_>) {
    for byte in bytes {
        if *byte == quote {
            out.push(quote);
        }
        out.push(*byte);
    }
}

/// The literal that gives the value back.
pub(crate) fn quote<'a>(c: &mut Call<'a, '_>) -> Value<'a> {
    write_literal(c.argument(0), c.scratch);
    c.written()
}

/// Appends the literal that gives the value back.
pub(crate) fn write_literal(value: Value<'_>, scratch: &mut Scratch<'_>) {
    match value {
        Value::Null => scratch.extend(b"NULL"),
        Value::Integer(i) => text::write_integer(i, scratch),
        Value::Real(r) => {
            let start = scratch.len();
            text::write_real(r, scratch);
            if real::order(text::leading_real(scratch.pushed().get(start..).unwrap_or(&[])), r).is_ne() {
                scratch.truncate(start);
                decimal::write(r, Style { full: true, ..Style::new(Conversion::Exponent, 20) }, scratch);
            }
        }
        Value::Text(bytes) => {
            scratch.push(b'\'');
            write_quoted(before_nul(bytes), b'\'', scratch);
            scratch.push(b'\'');
        }
        Value::Blob(bytes) => {
            scratch.extend(b"X'");
            write_hex(bytes, scratch);
            scratch.push(b'\'');
        }
    }
}

/// The text of these code points; what is none becomes U+FFFD.
pub(crate) fn char<'a>(c: &mut Call<'a, '_>) -> Value<'a> {
    for at in 0..c.count {
        write_character(u32::try_from(c.integer(at)).unwrap_or(u32::MAX), c.scratch);
    }
    c.written()
}

/// Appends a code point as UTF-8, surrogates too.
pub(crate) fn write_character(code: u32, out: &mut Scratch<'_>) {
    let code = if code > 0x10_ffff { 0xfffd } else { code };
    let (mark, mut shift) = match code {
        ..0x80 => (0, 0u32),
        0x80..0x800 => (0xc0, 6),
        0x800..0x1_0000 => (0xe0, 12),
        _ => (0xf0, 18),
    };
    out.push(mark | (code >> shift) as u8);
    while shift > 0 {
        shift = shift.wrapping_sub(6);
        out.push(0x80 | (code >> shift) as u8 & 0x3f);
    }
}

/// The code point of the first character; NULL of an empty text.
pub(crate) fn unicode<'a>(c: &mut Call<'a, '_>) -> Value<'a> {
    let mut bytes = before_nul(c.text(0));
    if bytes.is_empty() {
        return Value::Null;
    }
    Value::Integer(next_character(&mut bytes).into())
}
