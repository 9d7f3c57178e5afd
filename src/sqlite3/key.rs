//! Values as keys that compare byte by byte as the values compare.
//!
//! A key is a sequence of columns, each coded so that no coding is the beginning of another: keys of several columns
//! compare column by column. 1 and 1.0 have the same coding, as they are equal.
//!
//! | value | bytes |
//! |---|---|
//! | NULL | `05` |
//! | number below zero | `10`..`4f`, then groups, all bits flipped |
//! | other number | `50`..`8f`, then groups |
//! | TEXT | `94`, the bytes, `00` |
//! | BLOB | `98`, the bytes, `00` |
//!
//! A number is the binary64 nearest to it on the side of zero, without its sign (63 bits), and the 11 bits which that lacks of a 64-bit
//! integer. Six bits are in the first byte, the others follow in groups of seven whose low bit says that bits other
//! than zero follow: 1 takes two bytes, 1000 three, 100,000 four, a REAL with all its digits ten.
//! In TEXT and BLOB the bytes `00` and `01` are written `01 01` and `01 02`, so that a `00` ends them. NOCASE folds letters before
//! coding, and what is behind a `00` is so many spaces; RTRIM drops the spaces. DESC flips every bit of the column.
//!
//! # Long texts
//!
//! A store's keys are of limited length, so a writer is given the most bytes that a column's text may take. A longer text
//! is cut there and ends in `01` in the place of `00`: it still sorts behind every text that is its beginning, but texts
//! that agree up to the cut have the same coding. [`Writer::column`] says when it cut. Who looks such a key up compares the rows themselves, and so
//! does a check of uniqueness; the order among equal cut keys is that of the rowids, so an order that must be exact may
//! not be taken from keys that were cut.
//!
//! A rowid closes a key. It has a coding of its own: one byte for 0 to 111 and -1 to -112, otherwise a byte that says sign and length, and the
//! bytes of the number, big end first.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::arithmetic_side_effects)]
#![deny(clippy::panic)]

use super::error::{Error, ErrorKind, Result};
use super::real;
use super::value::{Affinity, Collation, Value, without_trailing_spaces};

/// The first byte of NULL's coding.
const NULL: u8 = 0x05;
/// The first byte of the number zero: positive numbers count up from here, negative ones down from the byte below.
const ZERO: u8 = 0x50;
const TEXT: u8 = 0x94;
const BLOB: u8 = 0x98;
/// Greater than the first byte of any column or rowid: a prefix followed by it is above every key with that prefix.
pub const ABOVE: u8 = 0xff;
/// Rowids below this take one byte.
pub(crate) const SHORT: u16 = 112;

/// How one column of a key is coded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Order {
    /// How text compares.
    pub collation: Collation,
    /// Whether larger values come first.
    pub descending: bool,
}

/// Writes a key into lent bytes, from the front. What does not fit is counted; [`Writer::finish`] tells.
#[derive(Debug)]
pub struct Writer<'a> {
    out: &'a mut [u8],
    len: usize,
    text_limit: usize,
}

#[cfg(feature = "defmt")]
impl defmt::Format for Writer<'_> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Writer");
    }
}

impl<'a> Writer<'a> {
    /// A writer that cuts the text of each column to `text_limit` bytes (one more where a `00` or `01` stands at the cut).
    pub fn new(out: &'a mut [u8], text_limit: usize) -> Self {
        Writer { out, len: 0, text_limit }
    }

    /// How many bytes were written, also those beyond the buffer.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing was written.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Appends one byte as it is: a prefix of the caller, or [`ABOVE`].
    #[cfg_attr(not(fast), inline(never))]
    pub fn byte(&mut self, byte: u8) {
        if let Some(place) = self.out.get_mut(self.len) {
            *place = byte;
        }
        self.len = self.len.saturating_add(1);
    }

    /// Appends bytes as they are.
    pub fn bytes(&mut self, bytes: &[u8]) {
        let end = self.len.saturating_add(bytes.len());
        if let Some(place) = self.out.get_mut(self.len..end) {
            place.copy_from_slice(bytes);
        }
        self.len = end;
    }

    /// Appends a column. True if its text was cut: then equal keys do not mean equal values.
    pub fn column(&mut self, value: Value<'_>, order: Order) -> bool {
        let start = self.len;
        let mut cut = false;
        match value {
            Value::Null => self.byte(NULL),
            Value::Integer(_) | Value::Real(_) => self.number(value),
            Value::Text(bytes) => {
                self.byte(TEXT);
                cut = self.text(bytes, order.collation);
            }
            Value::Blob(bytes) => {
                self.byte(BLOB);
                cut = self.text(bytes, Collation::Binary);
            }
        }
        if order.descending {
            self.flip(start);
        }
        cut
    }

    /// Appends a rowid.
    pub fn rowid(&mut self, rowid: i64) {
        let magnitude = (rowid ^ (rowid >> 63)) as u64;
        if magnitude < SHORT.into() {
            return self.byte(rowid as u8 ^ 0x80);
        }
        let zeros = magnitude.leading_zeros() / 8;
        let head = 0xf7u8.wrapping_sub(zeros as u8);
        self.byte(if rowid < 0 { !head } else { head });
        self.bytes(rowid.to_be_bytes().get(zeros as usize..).unwrap_or_default());
    }

    /// The written part.
    ///
    /// # Errors
    /// [`ErrorKind::Limit`] with the size of the key.
    pub fn finish(self) -> Result<&'a [u8]> {
        self.out.get(..self.len).ok_or(Error::limit(self.len))
    }

    fn flip(&mut self, start: usize) {
        for byte in self.out.iter_mut().take(self.len).skip(start) {
            *byte = !*byte;
        }
    }

    fn number(&mut self, value: Value<'_>) {
        let (negative, bits, more) = number_bits(value);
        let flip = if negative { 0xff } else { 0 };
        // 57 bits at the top, then 11 more, of which the last four come in when there is room.
        let mut rest = bits << 7 | more >> 4;
        let mut last = (more & 15) << 3;
        // The first byte, and ten groups at most.
        let mut coded = [first_byte(negative, bits); 11];
        let mut len = 1usize;
        for place in coded.iter_mut().skip(1) {
            let group = (rest >> 57) as u8;
            rest = rest << 7 | last;
            last = 0;
            *place = (group << 1 | u8::from(rest != 0)) ^ flip;
            len = len.wrapping_add(1);
            if rest == 0 {
                break;
            }
        }
        self.bytes(coded.get(..len).unwrap_or_default());
    }

    fn text(&mut self, bytes: &[u8], collation: Collation) -> bool {
        let bytes = if collation == Collation::RTrim { without_trailing_spaces(bytes) } else { bytes };
        let end = self.len.saturating_add(self.text_limit);
        let folds = collation == Collation::NoCase;
        let mut counts = false;
        for byte in bytes {
            if self.len >= end {
                self.byte(1);
                return true;
            }
            match *byte {
                _ if counts => self.byte(b' '),
                0 | 1 => self.bytes(&[1, byte.wrapping_add(1)]),
                byte if folds => self.byte(byte.to_ascii_lowercase()),
                byte => self.byte(byte),
            }
            counts = folds && (counts || *byte == 0);
        }
        self.byte(0);
        false
    }
}

/// A number without its sign: whether it is below zero, its bits, and the 11 that these lack.
#[inline]
fn number_bits(value: Value<'_>) -> (bool, u64, u64) {
    match value {
        Value::Integer(i) => {
            let (bits, more) = integer_bits(i.unsigned_abs());
            (i < 0, bits, more)
        }
        Value::Real(r) => (real::is_negative(r), r.to_bits() & (u64::MAX >> 1), 0),
        _ => (false, 0, 0),
    }
}

/// The first byte of a number's coding.
#[inline]
fn first_byte(negative: bool, bits: u64) -> u8 {
    let first = (bits >> 57) as u8;
    if negative { ZERO.wrapping_sub(1).wrapping_sub(first) } else { ZERO.wrapping_add(first) }
}

/// Groups of a number that are in its rank, and the bits of these.
const RANKED: u32 = 3;
const RANK: u32 = 7 * RANKED;

/// A number for each value: of two columns, the one with the larger rank has the larger coding. (Those of one rank may differ.)
#[inline]
pub(crate) fn rank(value: Value<'_>, descending: bool) -> u32 {
    const AT_ZERO: u32 = (ZERO as u32) << RANK;
    let rank = match value {
        Value::Null => u32::from(NULL) << RANK,
        Value::Text(_) => u32::from(TEXT) << RANK,
        Value::Blob(_) => u32::from(BLOB) << RANK,
        _ => {
            let (negative, bits, _) = number_bits(value);
            // Six bits of the first byte, and the first groups.
            let high = (bits >> (57 - RANK)) as u32;
            if negative { AT_ZERO.wrapping_sub(1).wrapping_sub(high) } else { AT_ZERO.wrapping_add(high) }
        }
    };
    if descending { !rank } else { rank }
}

/// The [`rank`] of the column that a key begins with.
#[inline(never)]
pub(crate) fn rank_of(key: &[u8], descending: bool) -> u32 {
    let flip = if descending { 0xff } else { 0 };
    let byte = |at: u32| key.get(at as usize).map_or(0, |byte| u32::from(byte ^ flip));
    let mut rank = byte(0);
    let last = u32::from(rank < ZERO.into());
    // Behind the last group the others are zero, with all bits flipped below zero; what is no number has none.
    let mut more = (0x10..0x90).contains(&rank);
    let rest = if more && last != 0 { 0x7f } else { 0 };
    for at in 1..=RANKED {
        let group = if more { byte(at) } else { rest << 1 };
        more = more && group & 1 != last;
        rank = rank << 7 | group >> 1;
    }
    if descending { !rank } else { rank }
}

/// The bits of the binary64 nearest to an integer on the side of zero, and the 11 low bits it lacks.
fn integer_bits(magnitude: u64) -> (u64, u64) {
    if magnitude == 0 {
        return (0, 0);
    }
    let zeros = magnitude.leading_zeros();
    // The leading bit is hidden: it makes the exponent one larger.
    let aligned = magnitude << zeros;
    let exponent = 1085u64.saturating_sub(zeros.into());
    ((exponent << 52).wrapping_add(aligned >> 11), aligned & 0x7ff)
}

/// Walks over a key from its front.
#[derive(Debug, Clone, Copy)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Reader<'a> {
    rest: &'a [u8],
    text_limit: usize,
}

impl<'a> Reader<'a> {
    /// Reads a key that was written with this `text_limit`.
    pub fn new(key: &'a [u8], text_limit: usize) -> Self {
        Reader { rest: key, text_limit }
    }

    /// What was not read yet.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Skips `count` bytes of the caller's prefix.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`] if there are fewer.
    pub fn skip(&mut self, count: usize) -> Result<()> {
        self.rest = self.rest.get(count..).ok_or(ErrorKind::Corrupt)?;
        Ok(())
    }

    /// Skips a column. True if its text was cut.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`] if this is no column.
    pub fn skip_column(&mut self, order: Order) -> Result<bool> {
        let flip = if order.descending { 0xff } else { 0 };
        let byte = |at: usize| self.rest.get(at).map(|byte| byte ^ flip).ok_or(ErrorKind::Corrupt);
        let first = byte(0)?;
        let mut at = 1usize;
        let mut cut = false;
        match first {
            NULL => {}
            0x10..=0x8f => {
                let done = if first < ZERO { 1 } else { 0 };
                while byte(at)? & 1 != done {
                    at = at.wrapping_add(1);
                }
                at = at.wrapping_add(1);
            }
            TEXT | BLOB => loop {
                let (content, next) = (at.wrapping_sub(1), byte(at)?);
                at = at.wrapping_add(1);
                match next {
                    0 => break,
                    1 if content >= self.text_limit => {
                        cut = true;
                        break;
                    }
                    1 => at = at.wrapping_add(1),
                    _ => {}
                }
            },
            _ => return Err(ErrorKind::Corrupt.into()),
        }
        self.skip(at)?;
        Ok(cut)
    }

    /// Reads back the value of a column that is ascending, as a column of this affinity keeps it; `None` if the key does not tell:
    /// if a text was cut, folded or has a byte `00` or `01`, if a number may be an INTEGER or a REAL, or is one that no binary64 is.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`] if this is no column.
    #[inline(never)]
    pub(crate) fn column(&mut self, affinity: Affinity, collation: Collation) -> Result<Option<Value<'a>>> {
        let whole = self.rest;
        let cut = self.skip_column(Order::default())?;
        let (first, body) = whole.split_first().ok_or(ErrorKind::Corrupt)?;
        let body = body.get(..body.len().saturating_sub(self.rest.len())).unwrap_or_default();
        let text = body.split_last().map_or(body, |(_, text)| text);
        Ok(match *first {
            NULL => Some(Value::Null),
            TEXT | BLOB if cut || text.contains(&1) => None,
            TEXT if collation == Collation::Binary => Some(Value::Text(text)),
            TEXT => None,
            BLOB => Some(Value::Blob(text)),
            first => number_of(first, body).and_then(|real| match affinity {
                Affinity::Real => Some(Value::Real(real)),
                Affinity::Integer | Affinity::Numeric => match real::whole(real) {
                    // It may have been the smallest integer.
                    i64::MIN => None,
                    whole if whole < i64::MAX && real::order(real::of(whole), real).is_eq() => {
                        Some(Value::Integer(whole))
                    }
                    _ => Some(Value::Real(real)),
                },
                _ => None,
            }),
        })
    }

    /// Reads a rowid.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`] if this is no rowid.
    #[cfg_attr(fast, inline(always))]
    #[cfg_attr(not(fast), inline(never))]
    pub fn rowid(&mut self) -> Result<i64> {
        let (first, rest) = self.rest.split_first().ok_or(ErrorKind::Corrupt)?;
        let short = i64::from(*first).wrapping_sub(0x80);
        let sign = short >> 63;
        let length = ((short ^ sign) as usize).saturating_sub(usize::from(SHORT).wrapping_sub(1));
        self.rest = rest.get(length..).ok_or(ErrorKind::Corrupt)?;
        if length == 0 {
            return Ok(short);
        }
        let rowid = big_end(rest, length, sign).ok_or(ErrorKind::Corrupt)?;
        if (rowid ^ sign).is_negative() { Err(ErrorKind::Corrupt.into()) } else { Ok(rowid) }
    }
}

/// The number that a first byte and groups stand for, if a binary64 has all of its bits.
fn number_of(first: u8, groups: &[u8]) -> Option<f64> {
    let negative = first < ZERO;
    let (flip, high) = if negative { (0xff, first.wrapping_sub(ZERO) ^ 0xff) } else { (0, first.wrapping_sub(ZERO)) };
    // As in Writer::number: 57 bits at the top, then those that a binary64 lacks.
    let mut rest = 0u64;
    for (at, group) in groups.iter().enumerate() {
        rest |= u64::from((group ^ flip) >> 1) << 57usize.checked_sub(at.wrapping_mul(7))?;
    }
    if rest & 0x7f != 0 {
        return None;
    }
    Some(f64::from_bits(u64::from(negative) << 63 | u64::from(high) << 57 | rest >> 7))
}

/// The number in the first bytes, its big end first; all bits above them are those of its sign.
#[cfg_attr(fast, inline(always))]
fn big_end(bytes: &[u8], length: usize, sign: i64) -> Option<i64> {
    let unused = 8usize.checked_sub(length)?.wrapping_mul(8);
    if cfg!(fast)
        && let Some(eight) = bytes.first_chunk()
    {
        return Some(((i64::from_be_bytes(*eight) ^ sign) as u64 >> (unused & 63)) as i64 ^ sign);
    }
    Some(bytes.get(..length)?.iter().fold(sign, |number, byte| number << 8 | i64::from(*byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_in_the_order_of_codings() {
        let integers =
            [0, 1, -1, 2, 63, 64, -64, 1000, 1 << 40, -(1 << 40), i64::MAX, i64::MIN, 1 << 53, (1 << 53) + 1];
        let reals =
            [0.0, 0.5, -0.5, 21.5, 21.500000001, -21.5, 1e300, -1e300, 5e-324, f64::INFINITY, f64::NEG_INFINITY];
        let others = [Value::Null, Value::Text(b""), Value::Text(b"ab"), Value::Blob(b"\x05"), Value::Blob(b"z")];
        let mut values: Vec<Value<'_>> = others.to_vec();
        values.extend(integers.map(Value::Integer));
        values.extend(reals.map(Value::Real));
        for descending in [false, true] {
            let order = Order { descending, collation: Collation::Binary };
            let coded: Vec<(u32, Vec<u8>)> = values
                .iter()
                .map(|&value| {
                    let mut out = [0; 32];
                    let mut writer = Writer::new(&mut out, usize::MAX);
                    writer.column(value, order);
                    let key = writer.finish().unwrap_or_default().to_vec();
                    assert_eq!(rank_of(&key, descending), rank(value, descending), "{value:?}");
                    (rank(value, descending), key)
                })
                .collect();
            for (rank, key) in &coded {
                assert!(coded.iter().all(|(other, theirs)| rank <= other || key > theirs), "{key:?}");
            }
        }
    }

    #[test]
    fn columns_are_read_back_or_not_at_all() {
        let whole = [Value::Integer(0), Value::Integer(-1), Value::Integer(1 << 52), Value::Integer(-(1 << 40))];
        let reals = [0.5, -0.1, 1e300, -5e-324, 0.1 + 0.2, f64::MAX, 9223372036854775808.0].map(Value::Real);
        let others = [Value::Null, Value::Text(b"ab"), Value::Blob(b""), Value::Blob(b"\xff")];
        let lost = [
            Value::Integer(i64::MAX),
            Value::Integer(i64::MIN),
            Value::Text(b"a\x01"),
            Value::Blob(b"\0"),
            Value::Text(b"0123456789"),
        ];
        let read = |value, affinity, collation| {
            let mut out = [0; 32];
            let mut writer = Writer::new(&mut out, 8);
            writer.column(value, Order { descending: false, collation });
            writer.byte(7);
            let key = writer.finish().unwrap_or_default().to_vec();
            let mut reader = Reader::new(&key, 8);
            let found = reader.column(affinity, collation).map(|found| found.map(|value| format!("{value:?}")));
            assert_eq!(reader.rest(), [7], "{value:?}");
            found
        };
        for value in whole.into_iter().chain(reals).chain(others) {
            assert_eq!(read(value, Affinity::Numeric, Collation::Binary), Ok(Some(format!("{value:?}"))));
        }
        for value in lost.into_iter().chain([Value::Text(b"ab"), Value::Real(0.5)]) {
            assert_eq!(read(value, Affinity::Blob, Collation::NoCase), Ok(None), "{value:?}");
        }
        let one = Ok(Some(format!("{:?}", Value::Real(1.0))));
        assert_eq!(read(Value::Real(1.0), Affinity::Real, Collation::Binary), one);
    }
}
