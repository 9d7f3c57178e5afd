//! A type code and what belongs to it, but not the values inside a container: read once here, for the scan, the reader
//! and the writer that sorts sets.

use super::code::Python;
use super::typecode::*;
use crate::bytes;
use crate::object::arena::{Fault, Step};

/// Which Python's rules a stream is read by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reading {
    pub python: Python,
    pub allow_code: bool,
    /// [`FLAG_REF`], or 0 for a Python that knows no references.
    flag: u8,
    /// A bit for each [`ReadBy`] that holds.
    read_by: u8,
}

/// A type code with its argument.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head {
    /// The type code, without the flag.
    pub code: u8,
    /// Whether it takes an index of the table of references.
    pub indexed: bool,
    /// How many values follow, or the index of a reference.
    pub count: usize,
    /// The place behind all this.
    pub end: usize,
}

/// The form of each code and, 4 bits up, who reads it; the table of [`TYPE_CODES`] by code.
#[expect(clippy::indexing_slicing, reason = "worked out by the compiler, which would refuse an index out of bounds")]
static BY_CODE: [u8; 128] = {
    let mut by_code = [UNKNOWN; 128];
    let mut i = 0;
    while i < TYPE_CODES.len() {
        let row = TYPE_CODES[i];
        by_code[row.code as usize] = row.form as u8 | (row.read_by as u8) << 4;
        i += 1;
    }
    by_code
};
const UNKNOWN: u8 = 0xff;

impl Reading {
    pub(super) const fn new(python: Python, allow_code: bool) -> Self {
        let is_2 = python.is_2();
        let old = is_2 || python.minor() < 4 && python.major() == 3;
        let mut read_by = 1 << ReadBy::All as u8;
        if is_2 {
            read_by |= 1 << ReadBy::Python2 as u8;
        }
        if !old {
            read_by |= 1 << ReadBy::Since34 as u8;
        }
        if python.0 >= Python::new(3, 14).0 {
            read_by |= 1 << ReadBy::Since314 as u8;
        }
        if python.0 >= Python::new(3, 15).0 {
            read_by |= 1 << ReadBy::Since315 as u8;
        }
        Reading { python, allow_code, flag: if old { 0 } else { FLAG_REF }, read_by }
    }

    /// Whether the streams of this Python have references, version 3's and later.
    pub(super) const fn has_references(&self) -> bool {
        self.flag != 0
    }

    /// The type code at `at`. Sizes are compared with what is left: a container's too, whose values take a byte at least.
    #[inline]
    pub(super) fn head(&self, input: &[u8], at: usize) -> Step<Head> {
        let byte = bytes::u8(input, at).ok_or(Fault::Truncated)?;
        let flag = byte & self.flag;
        let code = byte ^ flag;
        let row = BY_CODE.get(usize::from(code)).copied().unwrap_or(UNKNOWN);
        if row == UNKNOWN || self.read_by >> (row >> 4) & 1 == 0 {
            return Err(Fault::UnknownCode);
        }
        let at = at.wrapping_add(1);
        let rest = input.get(at..).unwrap_or_default();
        let word = || bytes::u32_le(rest, 0).map(|n| n as i32).ok_or(Fault::Truncated);
        let size = || word().and_then(|n| usize::try_from(n).map_err(|_| Fault::BadArgument));
        let short = || bytes::u8(rest, 0).map(usize::from).ok_or(Fault::Truncated);
        const ALONE: u8 = Form::Alone as u8;
        const FIXED4: u8 = Form::Fixed4 as u8;
        const FIXED8: u8 = Form::Fixed8 as u8;
        const FIXED16: u8 = Form::Fixed16 as u8;
        const INDEX: u8 = Form::Index as u8;
        const SIZED: u8 = Form::Sized as u8;
        const SHORT: u8 = Form::Short as u8;
        const DIGITS: u8 = Form::Digits as u8;
        const TEXT: u8 = Form::Text as u8;
        const TWO_TEXTS: u8 = Form::TwoTexts as u8;
        const ITEMS: u8 = Form::Items as u8;
        const SHORT_ITEMS: u8 = Form::ShortItems as u8;
        const THREE_VALUES: u8 = Form::ThreeValues as u8;
        let mut indexed = flag != 0;
        let mut count = 0;
        // The bytes that belong to the code.
        let len = match row & 15 {
            ALONE => {
                indexed = false;
                0
            }
            FIXED4 => 4,
            FIXED8 => 8,
            FIXED16 => 16,
            INDEX => {
                indexed = false;
                count = usize::try_from(word()?).map_err(|_| Fault::NoSuchEntry)?;
                4
            }
            SIZED => {
                indexed |= code == INTERNED && self.python.is_2();
                size()?.saturating_add(4)
            }
            SHORT | TEXT => short()?.wrapping_add(1),
            DIGITS => {
                let n = word()?;
                if n == i32::MIN {
                    return Err(Fault::BadArgument);
                }
                (n.unsigned_abs() as usize).saturating_mul(2).saturating_add(4)
            }
            TWO_TEXTS => {
                let first = short()?.wrapping_add(1);
                let second = bytes::u8(rest, first).ok_or(Fault::Truncated)?;
                first.wrapping_add(1).wrapping_add(usize::from(second))
            }
            ITEMS => {
                count = size()?;
                4
            }
            SHORT_ITEMS => {
                count = short()?;
                1
            }
            THREE_VALUES => {
                count = 3;
                0
            }
            _ => 0,
        };
        let left = rest.len().checked_sub(len).ok_or(Fault::Truncated)?;
        if matches!(row & 15, ITEMS | SHORT_ITEMS) && count > left {
            return Err(Fault::Truncated);
        }
        Ok(Head { code, indexed, count, end: at.wrapping_add(len) })
    }
}
