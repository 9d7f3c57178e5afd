//! Rows as bytes: a header of serial types, then the columns' bodies, read in place.
//!
//! ```text
//! record = header length (varint, counts itself) · serial types (varints) · bodies
//! ```
//!
//! A varint is little-endian in groups of seven bits; the high bit says that another group follows. Bodies are little-endian.
//! The serial types are those of SQLite's file format (<https://sqlite.org/fileformat2.html#record_format>), with one more:
//!
//! | serial type | value | bytes of body |
//! |--:|---|--:|
//! | 0 | NULL | 0 |
//! | 1, 2, 3, 4, 5, 6 | INTEGER | 1, 2, 3, 4, 6, 8 |
//! | 7 | REAL | 8 |
//! | 8, 9 | INTEGER 0, 1 | 0 |
//! | 10 | REAL that binary32 holds exactly | 4 |
//! | 12, 14, .. | BLOB | (N - 12) / 2 |
//! | 13, 15, .. | TEXT | (N - 13) / 2 |
//!
//! A column beyond the end of the header is one that was added to the table after the row was written.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::arithmetic_side_effects)]
#![deny(clippy::panic)]

#[cfg(fast)]
pub(crate) mod short;

use super::error::{Error, ErrorKind, Result};
use super::value::Value;

/// The size of a number's body by its serial type.
static NUMBERS: [u8; 11] = [0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 4];

/// Where a walk over the columns of one record stands. It borrows nothing: the record is given to each call, so that a
/// cursor can keep it beside offsets. Reading columns in rising order visits each serial type once, and reading one again is free.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Walk {
    /// The column that was found last.
    pub(crate) column: u8,
    /// Where its serial type is.
    pub(crate) head: u16,
    /// Where its body is.
    pub(crate) body: u16,
    /// Where the header ends; 0 before it was looked at.
    pub(crate) end: u16,
}

impl Walk {
    /// Before the first column.
    pub const START: Self = Walk { column: 0, head: 0, body: 0, end: 0 };

    /// Reads column `wanted`, counted from 0; `None` if the record has fewer.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`] if the bytes are no record.
    pub fn column<'a>(&mut self, record: &'a [u8], wanted: usize) -> Result<Option<Value<'a>>> {
        let Some(serial) = self.find(record, wanted)? else { return Ok(None) };
        let rest = record.get(usize::from(self.body)..).ok_or(ErrorKind::Corrupt)?;
        decode(serial, rest.get(..body_size(serial)).ok_or(ErrorKind::Corrupt)?).map(Some)
    }

    /// Goes to column `wanted` and gives its serial type; `None` if the record has fewer.
    #[inline(never)]
    pub(crate) fn find(&mut self, record: &[u8], wanted: usize) -> Result<Option<u32>> {
        let (mut column, mut head) = (usize::from(self.column), usize::from(self.head));
        let (mut body, mut end) = (usize::from(self.body), usize::from(self.end));
        if end == 0 || wanted < column {
            let (length, first) = varint(record, 0).ok_or(ErrorKind::Corrupt)?;
            (column, head, body, end) = (0, first, length as usize, length as usize);
        }
        let types = record.get(..end).ok_or(ErrorKind::Corrupt)?;
        while head < end {
            let (serial, next) = varint(types, head).ok_or(ErrorKind::Corrupt)?;
            if column == wanted {
                *self = Walk { column: column as u8, head: head as u16, body: body as u16, end: end as u16 };
                return Ok(Some(serial));
            }
            (head, body) = (next, body.wrapping_add(body_size(serial)));
            column = column.wrapping_add(1);
        }
        Ok(None)
    }
}

/// Reads column `wanted` of a record on its own; `None` if the record has fewer.
///
/// # Errors
/// [`ErrorKind::Corrupt`] if the bytes are no record.
pub fn column(record: &[u8], wanted: usize) -> Result<Option<Value<'_>>> {
    let mut walk = Walk::START;
    walk.column(record, wanted)
}

/// A varint of at most 32 bits, and the place behind it; `None` if there is none.
#[inline]
fn varint(bytes: &[u8], at: usize) -> Option<(u32, usize)> {
    match bytes.get(at) {
        Some(byte @ ..0x80) => Some((u32::from(*byte), at.wrapping_add(1))),
        _ => long_varint(bytes, at),
    }
}

#[cold]
#[inline(never)]
fn long_varint(bytes: &[u8], mut at: usize) -> Option<(u32, usize)> {
    let (mut value, mut shift) = (0u32, 0u32);
    loop {
        let byte = *bytes.get(at)?;
        if shift == 28 && byte > 15 {
            return None;
        }
        value |= u32::from(byte & 0x7f) << shift;
        (at, shift) = (at.wrapping_add(1), shift.wrapping_add(7));
        if byte < 0x80 {
            return Some((value, at));
        }
    }
}

/// The bytes of a column's body.
#[cfg_attr(fast, inline)]
#[cfg_attr(not(fast), inline(never))]
pub(crate) fn body_size(serial: u32) -> usize {
    match NUMBERS.get(serial as usize) {
        Some(size) => (*size).into(),
        None => (serial.saturating_sub(12) >> 1) as usize,
    }
}

/// The value of a column whose body these bytes begin with. Behind that of a number others may follow.
#[cfg_attr(fast, inline(always))]
#[cfg_attr(not(fast), inline(never))]
pub(crate) fn decode(serial: u32, bytes: &[u8]) -> Result<Value<'_>> {
    Ok(match serial {
        0 => Value::Null,
        1..=6 => Value::Integer(integer(bytes, body_size(serial))),
        7 => Value::real(f64::from_bits(integer(bytes, 8) as u64)),
        8 | 9 => Value::Integer(i64::from(serial & 1)),
        10 => Value::real(widen(integer(bytes, 4) as u32)),
        11 => return Err(ErrorKind::Corrupt.into()),
        _ if serial & 1 == 0 => Value::Blob(bytes),
        _ => Value::Text(bytes),
    })
}

/// The integer in the first bytes, eight at most, with its sign.
#[cfg_attr(fast, inline(always))]
#[cfg_attr(not(fast), inline(never))]
pub(crate) fn integer(bytes: &[u8], size: usize) -> i64 {
    let unused = 64u32.saturating_sub((size as u32).saturating_mul(8)) & 63;
    let bits = match bytes.first_chunk() {
        Some(eight) if cfg!(fast) => u64::from_le_bytes(*eight),
        _ => bytes.iter().take(size).rev().fold(0, |bits, byte| bits << 8 | u64::from(*byte)),
    };
    (bits << unused) as i64 >> unused
}

/// A normal binary32 or zero as binary64.
fn widen(bits: u32) -> f64 {
    let (sign, magnitude) = (u64::from(bits >> 31) << 63, u64::from(bits & 0x7fff_ffff));
    let exponent = if magnitude == 0 { 0 } else { 896 << 52 };
    f64::from_bits(sign | (magnitude << 29).wrapping_add(exponent))
}

/// The binary32 that [`widen`] makes `real` of, if there is one.
fn narrow(real: f64) -> Option<u32> {
    let bits = real.to_bits();
    let sign = (bits >> 63 << 31) as u32;
    let magnitude = bits & (u64::MAX >> 1);
    match (magnitude >> 52, magnitude & ((1 << 29) - 1)) {
        (897..=1150, 0) => Some(sign | (magnitude.wrapping_sub(896 << 52) >> 29) as u32),
        _ if magnitude == 0 => Some(sign),
        _ => None,
    }
}

/// The serial type of a value and its bits, as far as it is a number.
fn serial_type(value: Value<'_>) -> (u32, u64) {
    match value {
        Value::Null => (0, 0),
        Value::Integer(0) => (8, 0),
        Value::Integer(1) => (9, 0),
        Value::Integer(i) => {
            // Bits without the copies of the sign.
            let bits = 65u32.saturating_sub((i ^ (i >> 63)).leading_zeros());
            let serial = match bits {
                ..=8 => 1,
                9..=16 => 2,
                17..=24 => 3,
                25..=32 => 4,
                33..=48 => 5,
                _ => 6,
            };
            (serial, i as u64)
        }
        Value::Real(r) => match narrow(r) {
            Some(bits) => (10, bits.into()),
            None => (7, r.to_bits()),
        },
        Value::Text(bytes) => (text_serial(bytes).saturating_add(13), 0),
        Value::Blob(bytes) => (text_serial(bytes).saturating_add(12), 0),
    }
}

fn text_serial(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX).saturating_mul(2)
}

fn varint_size(value: u32) -> usize {
    match value {
        ..0x80 => 1,
        0x80..0x4000 => 2,
        0x4000..0x20_0000 => 3,
        0x20_0000..0x1000_0000 => 4,
        _ => 5,
    }
}

/// Writes `count` columns, asking `value` for each, and gives the used part of `out`.
///
/// # Errors
/// [`ErrorKind::Limit`] with the size of the record.
pub fn encode<'a, 'v>(count: usize, value: &dyn Fn(usize) -> Value<'v>, out: &'a mut [u8]) -> Result<&'a mut [u8]> {
    // Most headers have one byte for their length and one for each column; where one needs more, what follows moves.
    let mut header = count.saturating_add(1);
    let (mut head, mut end) = (1usize, header);
    for at in 0..count {
        let column = value(at);
        let (serial, bits) = serial_type(column);
        let more = varint_size(serial).saturating_sub(1);
        insert(out, header, &mut end, more);
        header = header.saturating_add(more);
        head = put_varint(out, head, serial);
        match column {
            Value::Text(bytes) | Value::Blob(bytes) => put(out, &mut end, bytes),
            _ => put(out, &mut end, bits.to_le_bytes().get(..body_size(serial)).unwrap_or(&[])),
        }
    }
    // The header's length counts its own bytes too.
    let mut own = 1usize;
    while own < varint_size(header as u32) {
        insert(out, 1, &mut end, 1);
        (own, header) = (own.saturating_add(1), header.saturating_add(1));
    }
    put_varint(out, 0, header as u32);
    out.get_mut(..end).ok_or(Error::limit(end))
}

/// Makes room for some bytes before what ends at `end`.
fn insert(out: &mut [u8], at: usize, end: &mut usize, more: usize) {
    let moved = end.saturating_add(more);
    if more > 0 && moved <= out.len() && at <= *end {
        out.copy_within(at..*end, at.saturating_add(more));
    }
    *end = moved;
}

/// Appends bytes behind `end`; those that do not fit are counted.
fn put(out: &mut [u8], end: &mut usize, bytes: &[u8]) {
    let behind = end.saturating_add(bytes.len());
    if let Some(place) = out.get_mut(*end..behind) {
        place.copy_from_slice(bytes);
    }
    *end = behind;
}

/// Writes a varint; the place behind it.
fn put_varint(out: &mut [u8], mut at: usize, mut value: u32) -> usize {
    loop {
        let more = value >= 0x80;
        if let Some(place) = out.get_mut(at) {
            *place = value as u8 & 0x7f | u8::from(more) << 7;
        }
        at = at.saturating_add(1);
        value >>= 7;
        if !more {
            return at;
        }
    }
}
