//! The functions of text and blobs.
//!
//! As in SQLite, most of them see a text only up to its first NUL, and take a blob for text where they want text.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::arithmetic_side_effects)]
#![deny(clippy::panic)]

use super::decimal::{self, Conversion, Style};
use super::error::Result;
use super::scratch::Scratch;
use super::text;
use super::value::Value;

/// The bytes before the first NUL.
pub(super) fn before_nul(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    bytes.get(..end).unwrap_or(bytes)
}

/// How many bytes the first character takes, by SQLite's rule: continuation bytes belong to a lead byte, and only to one.
pub(super) fn character_size(bytes: &[u8]) -> usize {
    match bytes.split_first() {
        None => 0,
        Some((..0xc0, _)) => 1,
        Some((_, rest)) => rest.iter().take_while(|byte| **byte & 0xc0 == 0x80).count().saturating_add(1),
    }
}

/// What is left behind `count` characters.
fn behind(mut bytes: &[u8], count: i64) -> &[u8] {
    let mut left = count;
    while left > 0 && !bytes.is_empty() {
        bytes = bytes.get(character_size(bytes)..).unwrap_or(&[]);
        left = left.saturating_sub(1);
    }
    bytes
}

fn count_characters(mut bytes: &[u8]) -> i64 {
    let mut count = 0i64;
    while !bytes.is_empty() {
        bytes = behind(bytes, 1);
        count = count.saturating_add(1);
    }
    count
}

/// Reads a character off the front; 0 at the end. Bytes that are no UTF-8 give some number too: SQLite's.
pub(super) fn next_character(bytes: &mut &[u8]) -> u32 {
    let size = character_size(bytes);
    let (character, rest) = bytes.split_at_checked(size).unwrap_or((bytes, &[]));
    *bytes = rest;
    let Some((lead, more)) = character.split_first() else { return 0 };
    if *lead < 0xc0 {
        return (*lead).into();
    }
    let bits = match lead {
        ..0xe0 => lead & 0x1f,
        ..0xf0 => lead & 0x0f,
        ..0xf8 => lead & 0x07,
        ..0xfc => lead & 0x03,
        ..0xfe => lead & 0x01,
        _ => 0,
    };
    let code = more.iter().fold(u32::from(bits), |code, byte| code << 6 | u32::from(byte & 0x3f));
    if code < 0x80 || code & 0xffff_f800 == 0xd800 || code & 0xffff_fffe == 0xfffe { 0xfffd } else { code }
}

/// Characters of a text, bytes of a blob or of a printed number.
pub(super) fn length<'a>(value: Value<'a>, scratch: &mut Scratch<'a>) -> Result<Value<'a>> {
    Ok(Value::Integer(match value {
        Value::Text(bytes) => count_characters(before_nul(bytes)),
        other => other.to_text(scratch)?.len() as i64,
    }))
}

/// lower and upper: ASCII letters only.
pub(super) fn map<'a>(value: Value<'a>, change: fn(u8) -> u8, scratch: &mut Scratch<'a>) -> Result<Value<'a>> {
    for byte in value.to_text(scratch)? {
        scratch.push(change(*byte));
    }
    Ok(Value::Text(scratch.finish()?))
}

/// From the character (or byte of a blob) `start`, counted from 1, or from the end if negative; `length` of them, or
/// those before if that is negative.
pub(super) fn substr<'a>(
    value: Value<'a>,
    start: Value<'_>,
    length: Option<Value<'_>>,
    scratch: &mut Scratch<'a>,
) -> Result<Value<'a>> {
    let blob = matches!(value, Value::Blob(_));
    let bytes = value.to_text(scratch)?;
    if blob && bytes.is_empty() {
        return Ok(Value::Null);
    }
    let bytes = if blob { bytes } else { before_nul(bytes) };
    let size = if blob { bytes.len() as i64 } else { count_characters(bytes) };
    let mut from = i64::from(start.to_integer() as i32);
    let wanted = length.map_or(1_000_000_000, |length| i64::from(length.to_integer() as i32));
    let mut count = wanted.saturating_abs();
    if from < 0 {
        from = from.saturating_add(size);
        if from < 0 {
            count = count.saturating_add(from).max(0);
            from = 0;
        }
    } else if from > 0 {
        from = from.saturating_sub(1);
    } else if count > 0 {
        count = count.saturating_sub(1);
    }
    if wanted < 0 {
        from = from.saturating_sub(count);
        if from < 0 {
            count = count.saturating_add(from);
            from = 0;
        }
    }
    if blob {
        let from = usize::try_from(from.min(size)).unwrap_or(0);
        let rest = bytes.get(from..).unwrap_or(&[]);
        let count = usize::try_from(count).unwrap_or(0).min(rest.len());
        return Ok(Value::Blob(rest.get(..count).unwrap_or(rest)));
    }
    let rest = behind(bytes, from);
    let count = rest.len().saturating_sub(behind(rest, count).len());
    Ok(Value::Text(rest.get(..count).unwrap_or(rest)))
}

/// Cuts the characters of `set` (spaces where there is none) off the front, the back or both.
pub(super) fn trim<'a>(
    value: Value<'a>,
    set: Option<Value<'a>>,
    (front, back): (bool, bool),
    scratch: &mut Scratch<'a>,
) -> Result<Value<'a>> {
    let mut bytes = value.to_text(scratch)?;
    let set = match set {
        Some(set) => before_nul(set.to_text(scratch)?),
        None => b" ",
    };
    while front && let Some(rest) = characters(set).find_map(|one| bytes.strip_prefix(one)) {
        bytes = rest;
    }
    while back && let Some(rest) = characters(set).find_map(|one| bytes.strip_suffix(one)) {
        bytes = rest;
    }
    Ok(Value::Text(bytes))
}

fn characters(mut bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    core::iter::from_fn(move || {
        let (one, rest) = bytes.split_at_checked(character_size(bytes)).filter(|(one, _)| !one.is_empty())?;
        bytes = rest;
        Some(one)
    })
}

/// Every `pattern` in the text, from left to right, becomes `by`.
pub(super) fn replace<'a>(
    value: Value<'a>,
    pattern: Value<'a>,
    by: Value<'a>,
    scratch: &mut Scratch<'a>,
) -> Result<Value<'a>> {
    let pattern = pattern.to_text(scratch)?;
    if before_nul(pattern).is_empty() {
        return Ok(if let Value::Blob(bytes) = value { Value::Text(bytes) } else { value });
    }
    if by.is_null() {
        return Ok(Value::Null);
    }
    let mut bytes = value.to_text(scratch)?;
    let by = by.to_text(scratch)?;
    while let Some((first, rest)) = bytes.split_first() {
        bytes = match bytes.strip_prefix(pattern) {
            Some(rest) => {
                scratch.extend(by);
                rest
            }
            None => {
                scratch.push(*first);
                rest
            }
        };
    }
    Ok(Value::Text(scratch.finish()?))
}

/// The place of `needle` counted from 1, in characters, or in bytes between two blobs; 0 where it is not.
pub(super) fn instr<'a>(haystack: Value<'a>, needle: Value<'a>, scratch: &mut Scratch<'a>) -> Result<Value<'a>> {
    let by_bytes = matches!((haystack, needle), (Value::Blob(_), Value::Blob(_)));
    let mut rest = haystack.to_text(scratch)?;
    let needle = needle.to_text(scratch)?;
    let mut place = 1i64;
    while !rest.starts_with(needle) {
        if rest.len() < needle.len() {
            return Ok(Value::Integer(0));
        }
        // A character here is a byte and all continuation bytes behind it.
        let tail = rest.get(1..).unwrap_or(&[]);
        let more = if by_bytes { 0 } else { tail.iter().take_while(|byte| **byte & 0xc0 == 0x80).count() };
        rest = tail.get(more..).unwrap_or(&[]);
        place = place.saturating_add(1);
    }
    Ok(Value::Integer(place))
}

/// Capital hexadecimal digits of the bytes; a number's are those of its text, NULL has none.
pub(super) fn hex<'a>(value: Value<'a>, scratch: &mut Scratch<'a>) -> Result<Value<'a>> {
    let bytes = value.to_text(scratch)?;
    write_hex(bytes, scratch);
    Ok(Value::Text(scratch.finish()?))
}

fn write_hex(bytes: &[u8], out: &mut Scratch<'_>) {
    for byte in bytes {
        for half in [byte >> 4, byte & 15] {
            out.push(half.wrapping_add(if half < 10 { b'0' } else { b'A'.wrapping_sub(10) }));
        }
    }
}

/// Text in quotes, with the quotes inside doubled.
pub(super) fn write_quoted(bytes: &[u8], quote: u8, out: &mut Scratch<'_>) {
    for byte in bytes {
        if *byte == quote {
            out.push(quote);
        }
        out.push(*byte);
    }
}

/// The literal that gives the value back.
pub(super) fn quote<'a>(value: Value<'a>, scratch: &mut Scratch<'a>) -> Result<Value<'a>> {
    match value {
        Value::Null => scratch.extend(b"NULL"),
        Value::Integer(i) => text::write_integer(i, scratch),
        Value::Real(r) => {
            text::write_real(r, scratch);
            if text::leading_real(scratch.pushed()) != r {
                scratch.truncate(0);
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
    Ok(Value::Text(scratch.finish()?))
}

/// The text of these code points; what is none becomes U+FFFD.
pub(super) fn char<'a>(args: &[Value<'_>], scratch: &mut Scratch<'a>) -> Result<Value<'a>> {
    for arg in args {
        write_character(u32::try_from(arg.to_integer()).unwrap_or(u32::MAX), scratch);
    }
    Ok(Value::Text(scratch.finish()?))
}

/// Appends a code point as UTF-8, surrogates too.
pub(super) fn write_character(code: u32, out: &mut Scratch<'_>) {
    let code = if code > 0x10_ffff { 0xfffd } else { code };
    let tail = |shift: u32| 0x80 | (code >> shift) as u8 & 0x3f;
    match code {
        ..0x80 => out.push(code as u8),
        0x80..0x800 => out.extend(&[0xc0 | (code >> 6) as u8, tail(0)]),
        0x800..0x1_0000 => out.extend(&[0xe0 | (code >> 12) as u8, tail(6), tail(0)]),
        _ => out.extend(&[0xf0 | (code >> 18) as u8, tail(12), tail(6), tail(0)]),
    }
}

/// The code point of the first character; NULL of an empty text.
pub(super) fn unicode<'a>(value: Value<'a>, scratch: &mut Scratch<'a>) -> Result<Value<'a>> {
    let mut bytes = before_nul(value.to_text(scratch)?);
    if bytes.is_empty() {
        return Ok(Value::Null);
    }
    Ok(Value::Integer(next_character(&mut bytes).into()))
}
