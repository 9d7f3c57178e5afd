//! Code objects as data: which fields each Python writes, in what order, and the header of a `.pyc` file.
//!
//! A code object is kept as the values of its fields; nothing is run, and nothing is checked that only a run would need.
//! Sources: `Python/marshal.c` of each version; magic numbers from `Lib/importlib/_bootstrap_external.py` (3.x to 3.13)
//! and `Include/internal/pycore_magic_number.h` (3.14 and up).

use crate::bytes;
use crate::object::{Error, ErrorKind, Result};

/// Which Python wrote a stream, or is to read it. Only code objects, Python 2's strings and the type codes it knows
/// depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Python(pub(super) u16);

impl Python {
    /// The newest Python known here, 3.15: it reads everything that Python 3 writes, but for code objects of older ones.
    pub const NEWEST: Python = Python::new(3, 15);

    /// Python `major.minor`.
    pub const fn new(major: u8, minor: u8) -> Python {
        Python(u16::from_be_bytes([major, minor]))
    }

    /// The 3 of 3.13.
    pub const fn major(self) -> u8 {
        self.0.to_be_bytes()[0]
    }

    /// The 13 of 3.13.
    pub const fn minor(self) -> u8 {
        self.0.to_be_bytes()[1]
    }

    /// Whether it is a Python 2, whose str is of bytes and whose streams have no references.
    pub const fn is_2(self) -> bool {
        self.major() < 3
    }
}

/// What a field of a code object holds, as CPython checks it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Hold {
    /// A number of 4 bytes, signed, that is no value of its own in the stream.
    Number,
    /// Bytes (Python 2: str).
    Bytes,
    /// A tuple of anything.
    Tuple,
    /// A tuple of str.
    Names,
    /// A str.
    Text,
}

/// One field of a code object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Field {
    /// The attribute's name in Python, less `co_`.
    pub name: &'static str,
    /// What it holds.
    pub hold: Hold,
}

/// The fields of a code object in the order of the stream.
pub type Layout = &'static [Field];

/// Every field that any Python has, in the order of the stream: its name, what it holds, the first Python that writes it
/// and the first that no longer does. From 3.10 on the table of lines has another form (PEP 626) and name.
const FIELDS: &[(&str, Hold, Python, Python)] = &[
    ("argcount", Hold::Number, EVER, NEVER),
    ("posonlyargcount", Hold::Number, Python::new(3, 8), NEVER),
    ("kwonlyargcount", Hold::Number, Python::new(3, 0), NEVER),
    ("nlocals", Hold::Number, EVER, Python::new(3, 11)),
    ("stacksize", Hold::Number, EVER, NEVER),
    ("flags", Hold::Number, EVER, NEVER),
    ("code", Hold::Bytes, EVER, NEVER),
    ("consts", Hold::Tuple, EVER, NEVER),
    ("names", Hold::Names, EVER, NEVER),
    ("varnames", Hold::Names, EVER, Python::new(3, 11)),
    ("freevars", Hold::Names, EVER, Python::new(3, 11)),
    ("cellvars", Hold::Names, EVER, Python::new(3, 11)),
    ("localsplusnames", Hold::Names, Python::new(3, 11), NEVER),
    ("localspluskinds", Hold::Bytes, Python::new(3, 11), NEVER),
    ("filename", Hold::Text, EVER, NEVER),
    ("name", Hold::Text, EVER, NEVER),
    ("qualname", Hold::Text, Python::new(3, 11), NEVER),
    ("firstlineno", Hold::Number, EVER, NEVER),
    ("lnotab", Hold::Bytes, EVER, Python::new(3, 10)),
    ("linetable", Hold::Bytes, Python::new(3, 10), NEVER),
    ("exceptiontable", Hold::Bytes, Python::new(3, 11), NEVER),
];
const EVER: Python = Python::new(0, 0);
const NEVER: Python = Python::new(u8::MAX, 0);

static PYTHON_2: [Field; 14] = fields(Python::new(2, 7));
static PYTHON_30: [Field; 15] = fields(Python::new(3, 0));
static PYTHON_38: [Field; 16] = fields(Python::new(3, 8));
static PYTHON_310: [Field; 16] = fields(Python::new(3, 10));
static PYTHON_311: [Field; 16] = fields(Python::new(3, 11));

/// The fields of a Python, picked when larder is built; their number must be N, or it does not build.
const fn fields<const N: usize>(python: Python) -> [Field; N] {
    let mut layout = [Field { name: "", hold: Hold::Number }; N];
    let (mut all, mut to): (_, &mut [Field]) = (FIELDS, &mut layout);
    while let [(name, hold, since, before), rest @ ..] = all {
        all = rest;
        if since.0 <= python.0 && python.0 < before.0 {
            let [field, fields @ ..] = to else { panic!("a layout has more fields") };
            *field = Field { name, hold: *hold };
            to = fields;
        }
    }
    assert!(to.is_empty(), "a layout has fewer fields");
    layout
}

/// The fields of the code objects that a Python writes.
pub fn layout(python: Python) -> Layout {
    match (python.major(), python.minor()) {
        (..3, _) => &PYTHON_2,
        (3, ..8) => &PYTHON_30,
        (3, ..10) => &PYTHON_38,
        (3, 10) => &PYTHON_310,
        _ => &PYTHON_311,
    }
}

/// What the fields of a layout hold.
const fn held<const N: usize>(layout: &[Field; N]) -> [Hold; N] {
    let mut holds = [Hold::Number; N];
    let (mut rest, mut to): (&[Field], &mut [Hold]) = (layout, &mut holds);
    while let ([field, fields @ ..], [hold, holds @ ..]) = (rest, to) {
        *hold = field.hold;
        (rest, to) = (fields, holds);
    }
    holds
}

/// What the fields of the code objects that a Python writes hold, in order: all that reading must know of them.
pub(super) const fn holds(python: Python) -> &'static [Hold] {
    static HOLDS_2: [Hold; 14] = held(&PYTHON_2);
    static HOLDS_30: [Hold; 15] = held(&PYTHON_30);
    static HOLDS_38: [Hold; 16] = held(&PYTHON_38);
    static HOLDS_311: [Hold; 16] = held(&PYTHON_311);
    match (python.major(), python.minor()) {
        (..3, _) => &HOLDS_2,
        (3, ..8) => &HOLDS_30,
        (3, ..11) => &HOLDS_38,
        _ => &HOLDS_311,
    }
}

/// The first magic number of each Python 3, in order.
static MAGIC: [(u16, u8); 16] = [
    (3000, 0),
    (3140, 1),
    (3160, 2),
    (3190, 3),
    (3250, 4),
    (3320, 5),
    (3360, 6),
    (3390, 7),
    (3400, 8),
    (3420, 9),
    (3430, 10),
    (3450, 11),
    (3500, 12),
    (3550, 13),
    (3600, 14),
    (3650, 15),
];
/// The first magic number that no Python known here has.
const MAGIC_END: u16 = 3700;
/// The magic numbers of 2.7 and its previews.
const MAGIC_27: core::ops::RangeInclusive<u16> = 62171..=62211;

/// The header of a `.pyc` file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Header {
    /// The Python that compiled it.
    pub python: Python,
    /// The length of the header, where the code object begins: 8, 12 or 16.
    pub len: usize,
    /// PEP 552: 0 when a time and a size follow, 1 or 3 for a hash of the source. Always 0 before 3.7.
    pub flags: u32,
    /// What follows: seconds since 1970 and (since 3.3) the source's size, or the hash; 0 where there is no such field.
    pub stamp: [u32; 2],
}

impl Header {
    /// The header at the start of a `.pyc` file. [`ErrorKind::UnknownProtocol`] with the magic number's low byte for
    /// another file, or a Python that is not known here.
    pub fn read(file: &[u8]) -> Result<Header> {
        let word = |at| bytes::u32_le(file, at).ok_or(Error::new(ErrorKind::Truncated, file.len()));
        let magic = word(0)?;
        let [low, high, cr, lf] = magic.to_le_bytes();
        let python = python_of(u16::from_le_bytes([low, high])).filter(|_| [cr, lf] == *b"\r\n");
        let python = python.ok_or(Error::new(ErrorKind::UnknownProtocol(low), 0))?;
        Ok(if python >= Python::new(3, 7) {
            Header { python, len: 16, flags: word(4)?, stamp: [word(8)?, word(12)?] }
        } else if python >= Python::new(3, 3) {
            Header { python, len: 12, flags: 0, stamp: [word(4)?, word(8)?] }
        } else {
            Header { python, len: 8, flags: 0, stamp: [word(4)?, 0] }
        })
    }
}

fn python_of(magic: u16) -> Option<Python> {
    if MAGIC_27.contains(&magic) {
        return Some(Python::new(2, 7));
    }
    let (_, minor) = MAGIC.iter().rev().find(|(first, _)| magic >= *first)?;
    (magic < MAGIC_END).then_some(Python::new(3, *minor))
}
