//! A type code and what belongs to it, but not the values inside a container: read once here, for the reader, for typed
//! reading, and whenever an atom of a decoded object is asked for.

use super::code::{self, Python};
use super::reader::Reader;
use super::typecode::*;
use crate::bytes;
use crate::object::fault::{Fault, Step};

/// How the fields of code objects are read: a pointer, so that who reads none links nothing of it. See
/// [`fields`](super::fields).
pub(super) type Fields = for<'a, 's> fn(&mut Reader<'a, 's>) -> Step;

/// Which Python's rules a stream is read by.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub(super) struct Rules {
    /// [`FLAG_REF`], or 0 for a Python that knows no references.
    flag: u8,
    /// A bit for each [`ReadBy`] that holds.
    read_by: u8,
    /// How many fields a code object has.
    pub fields: u8,
    pub python: Python,
    /// None where code objects are refused.
    pub code: Option<Fields>,
}

impl Rules {
    pub(super) const fn new(python: Python, code: Option<Fields>) -> Self {
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
        let fields = code::holds(python).len() as u8;
        Rules { python, flag: if old { 0 } else { FLAG_REF }, read_by, code, fields }
    }

    /// Whether the streams of this Python have references, version 3's and later.
    pub(super) const fn has_references(&self) -> bool {
        self.flag != 0
    }
}

/// Stands behind a type code and what belongs to it, which its fields tell. Bytes stand first, where short loads reach
/// them.
#[repr(C)]
pub(super) struct Cursor<'a> {
    pub makes: Makes,
    /// Whether it takes an index of the table of references.
    pub indexed: bool,
    pub rules: Rules,
    /// Where the next type code stands.
    pub at: usize,
    /// Where this one stands.
    pub start: usize,
    /// What it announces: bytes, text, digits.
    pub body: usize,
    /// The place behind that.
    pub end: usize,
    /// How many values follow, or the index of a reference.
    pub count: usize,
    pub input: &'a [u8],
}

/// What a type code makes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd)]
#[repr(u8)]
pub(super) enum Makes {
    Null,
    Ref,
    None,
    False,
    True,
    StopIteration,
    Ellipsis,
    Int,
    Int64,
    Long,
    FloatText,
    ComplexText,
    Float,
    Complex,
    Bytes,
    /// Text, in Python 2 of bytes.
    Interned,
    Text,
    /// Text whose bytes are characters.
    Ascii,
    // Containers, in the order of the arena's tags.
    List,
    Dict,
    Set,
    FrozenDict,
    Tuple,
    FrozenSet,
    Code,
    Slice,
}

const fn makes(code: u8) -> Makes {
    match code {
        NONE => Makes::None,
        FALSE => Makes::False,
        TRUE => Makes::True,
        STOP_ITERATION => Makes::StopIteration,
        ELLIPSIS => Makes::Ellipsis,
        INT => Makes::Int,
        INT64 => Makes::Int64,
        LONG => Makes::Long,
        FLOAT => Makes::FloatText,
        COMPLEX => Makes::ComplexText,
        BINARY_FLOAT => Makes::Float,
        BINARY_COMPLEX => Makes::Complex,
        STRING => Makes::Bytes,
        INTERNED => Makes::Interned,
        UNICODE => Makes::Text,
        ASCII | ASCII_INTERNED | SHORT_ASCII | SHORT_ASCII_INTERNED => Makes::Ascii,
        REF | STRING_REF => Makes::Ref,
        LIST => Makes::List,
        DICT => Makes::Dict,
        SET => Makes::Set,
        FROZENDICT => Makes::FrozenDict,
        TUPLE | SMALL_TUPLE => Makes::Tuple,
        FROZENSET => Makes::FrozenSet,
        CODE => Makes::Code,
        SLICE => Makes::Slice,
        _ => Makes::Null,
    }
}

/// What is to be known of a code.
#[derive(Clone, Copy)]
struct Row {
    makes: Makes,
    /// The [`Form`] and, 4 bits up, who reads it.
    form: u8,
}

/// The first type code in the order of bytes.
const FIRST: u8 = TUPLE;
const NO_CODE: Row = Row { makes: Makes::Null, form: 0x7f };

/// The table of [`TYPE_CODES`] by code.
#[expect(clippy::indexing_slicing, reason = "worked out by the compiler, which would refuse an index out of bounds")]
static BY_CODE: [Row; (FROZENDICT - FIRST) as usize + 1] = {
    let mut by_code = [NO_CODE; (FROZENDICT - FIRST) as usize + 1];
    let mut i = 0;
    while i < TYPE_CODES.len() {
        let row = TYPE_CODES[i];
        let form = row.form as u8 | (row.read_by as u8) << 4;
        by_code[(row.code - FIRST) as usize] = Row { makes: makes(row.code), form };
        i += 1;
    }
    by_code
};

/// What follows a code of each [`Form`], in its order: a number of so many bytes ([`WIDTH`]); that many bytes, or twice
/// as many; a fixed number of bytes. The number of [`VALUES`] is compared with what is left, but they are not passed over.
#[rustfmt::skip]
static FORMS: [u8; 16] = [
    0,                       // Alone
    1 << FIXED,              // Fixed4
    2 << FIXED,              // Fixed8
    3 << FIXED,              // Fixed16
    4,                       // Index
    4 | 1 << UNIT,           // Sized
    1 | 1 << UNIT,           // Short
    4 | 2 << UNIT,           // Digits
    1 | 1 << UNIT,           // Text
    1 | 1 << UNIT,           // TwoTexts: the first
    4 | 1 << UNIT | VALUES,  // Items
    1 | 1 << UNIT | VALUES,  // ShortItems
    VALUES,                  // ThreeValues
    VALUES,                  // Pairs
    VALUES,                  // Fields
    0,
];
const WIDTH: u8 = 7;
const UNIT: u8 = 3;
const FIXED: u8 = 5;
const VALUES: u8 = 0x80;

impl<'a> Cursor<'a> {
    pub(super) fn new(rules: &Rules, input: &'a [u8], at: usize) -> Self {
        let rules = *rules;
        Cursor { input, at, start: at, body: at, end: at, count: 0, makes: Makes::Null, indexed: false, rules }
    }

    /// Reads the type code that comes. Sizes are compared with what is left: a container's too, whose values take a byte
    /// at least.
    #[inline(never)]
    pub(super) fn next(&mut self) -> Step {
        let start = self.at;
        self.start = start;
        let byte = bytes::u8(self.input, start).ok_or(Fault::Truncated)?;
        let flag = byte & self.rules.flag;
        let code = byte ^ flag;
        let Some(Row { makes, form }) = BY_CODE.get(usize::from(code.wrapping_sub(FIRST))).copied() else {
            return Err(Fault::UnknownCode);
        };
        if self.rules.read_by >> (form >> 4) & 1 == 0 {
            return Err(Fault::UnknownCode);
        }
        self.makes = makes;
        let form = FORMS.get(usize::from(form & 15)).copied().unwrap_or(0);
        let width = form & WIDTH;
        // What stands alone and what refers takes no index.
        let takes = form > WIDTH;
        self.indexed = takes & (flag != 0) | (makes == Makes::Interned && self.rules.python.is_2());
        let mut at = start.wrapping_add(1);
        let mut count = match width {
            0 => Some(0),
            1 => bytes::u8(self.input, at).map(u32::from),
            _ => bytes::u32_le(self.input, at),
        }
        .ok_or(Fault::Truncated)?;
        at = at.wrapping_add(usize::from(width));
        if makes == Makes::Long && (count as i32) < 0 {
            count = count.wrapping_neg();
        }
        if takes && (count as i32) < 0 {
            return Err(Fault::BadArgument);
        }
        let count = count as usize;
        let mut size = count.wrapping_mul(usize::from(form >> UNIT & 3));
        size = size.wrapping_add(2 << (form >> FIXED & 3) & !3);
        if makes == Makes::ComplexText {
            let second = bytes::u8(self.input, at.wrapping_add(size)).ok_or(Fault::Truncated)?;
            size = size.wrapping_add(1).wrapping_add(usize::from(second));
        }
        if size > self.input.len().wrapping_sub(at) {
            return Err(Fault::Truncated);
        }
        (self.count, self.body) = (count, at);
        if form & VALUES == 0 {
            at = at.wrapping_add(size);
        }
        (self.end, self.at) = (at, at);
        Ok(())
    }
}
