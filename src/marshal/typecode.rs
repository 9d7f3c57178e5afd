//! THE table of marshal's type codes: what each is called, what follows it, since when it is written and read.
//!
//! A value is one byte, the type code, and what the code asks for. The byte's top bit, [`FLAG_REF`], says that the value
//! takes the next index of the table of references, from which [`REF`] gives it again (since version 3). All numbers are
//! little-endian. Source: CPython's `Python/marshal.c`, and the same file of 2.7 for what is gone.

/// The bit of a type code that puts the value into the table of references.
pub const FLAG_REF: u8 = 0x80;

/// The deepest nesting that CPython reads and writes (`MAX_MARSHAL_STACK_DEPTH` everywhere but on Windows and WASI).
pub const MAX_DEPTH: usize = 2000;

/// No object: the end of a dict.
pub const NULL: u8 = b'0';
/// `None`.
pub const NONE: u8 = b'N';
/// `False`.
pub const FALSE: u8 = b'F';
/// `True`.
pub const TRUE: u8 = b'T';
/// The class `StopIteration`.
pub const STOP_ITERATION: u8 = b'S';
/// `Ellipsis`.
pub const ELLIPSIS: u8 = b'.';
/// An int of 32 bits.
pub const INT: u8 = b'i';
/// An int of 64 bits; no Python writes it any more.
pub const INT64: u8 = b'I';
/// An int of any size, in digits of 15 bits.
pub const LONG: u8 = b'l';
/// A float as text.
pub const FLOAT: u8 = b'f';
/// A float as IEEE 754 bits.
pub const BINARY_FLOAT: u8 = b'g';
/// A complex as two texts.
pub const COMPLEX: u8 = b'x';
/// A complex as two times IEEE 754 bits.
pub const BINARY_COMPLEX: u8 = b'y';
/// Bytes; Python 2's str.
pub const STRING: u8 = b's';
/// An interned str; in Python 2 of bytes, and it takes the next index of the table of strings.
pub const INTERNED: u8 = b't';
/// A reference into Python 2's table of interned strings.
pub const STRING_REF: u8 = b'R';
/// A reference into the table of references.
pub const REF: u8 = b'r';
/// A tuple.
pub const TUPLE: u8 = b'(';
/// A list.
pub const LIST: u8 = b'[';
/// A dict: keys and values, ended by [`NULL`].
pub const DICT: u8 = b'{';
/// A set.
pub const SET: u8 = b'<';
/// A frozenset.
pub const FROZENSET: u8 = b'>';
/// A frozendict (3.15), as [`DICT`].
pub const FROZENDICT: u8 = b'}';
/// A slice (3.14): start, stop, step.
pub const SLICE: u8 = b':';
/// A code object: the fields of [`super::code::Layout`].
pub const CODE: u8 = b'c';
/// A str in UTF-8, lone surrogates allowed.
pub const UNICODE: u8 = b'u';
/// A str of ASCII. What is not ASCII is read as Latin-1, as CPython does.
pub const ASCII: u8 = b'a';
/// The same, interned.
pub const ASCII_INTERNED: u8 = b'A';
/// A str of ASCII of up to 255 bytes.
pub const SHORT_ASCII: u8 = b'z';
/// The same, interned.
pub const SHORT_ASCII_INTERNED: u8 = b'Z';
/// A tuple of up to 255 items.
pub const SMALL_TUPLE: u8 = b')';

/// What follows a type code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Form {
    /// Nothing.
    Alone,
    /// 4 bytes.
    Fixed4,
    /// 8 bytes.
    Fixed8,
    /// 16 bytes.
    Fixed16,
    /// An index of 4 bytes into a table.
    Index,
    /// A size of 4 bytes, never negative, and as many bytes.
    Sized,
    /// A size of 1 byte and as many bytes.
    Short,
    /// A number of digits of 4 bytes, negative for a negative number, and 2 bytes a digit.
    Digits,
    /// The text of a float: a size of 1 byte and as many bytes.
    Text,
    /// Two texts of floats.
    TwoTexts,
    /// A number of 4 bytes, never negative, and as many values.
    Items,
    /// A number of 1 byte and as many values.
    ShortItems,
    /// Three values.
    ThreeValues,
    /// Keys and values, then [`NULL`].
    Pairs,
    /// The fields of a code object.
    Fields,
}

/// One row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct TypeCode {
    /// The byte, without [`FLAG_REF`].
    pub code: u8,
    /// CPython's name for it, less `TYPE_`.
    pub name: &'static str,
    /// What follows.
    pub form: Form,
    /// The first version of the format that has it.
    pub version: u8,
    /// Which Pythons read it.
    pub read_by: ReadBy,
}

/// Which Pythons read a type code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[repr(u8)]
pub enum ReadBy {
    /// All.
    All,
    /// Python 2 only.
    Python2,
    /// 3.4 and newer.
    Since34,
    /// 3.14 and newer.
    Since314,
    /// 3.15 and newer.
    Since315,
}

const fn row(code: u8, name: &'static str, form: Form, version: u8, read_by: ReadBy) -> TypeCode {
    TypeCode { code, name, form, version, read_by }
}

/// All type codes, in the order in which the format got them.
pub static TYPE_CODES: [TypeCode; 31] = [
    row(NULL, "NULL", Form::Alone, 0, ReadBy::All),
    row(NONE, "NONE", Form::Alone, 0, ReadBy::All),
    row(FALSE, "FALSE", Form::Alone, 0, ReadBy::All),
    row(TRUE, "TRUE", Form::Alone, 0, ReadBy::All),
    row(STOP_ITERATION, "STOPITER", Form::Alone, 0, ReadBy::All),
    row(ELLIPSIS, "ELLIPSIS", Form::Alone, 0, ReadBy::All),
    row(INT, "INT", Form::Fixed4, 0, ReadBy::All),
    row(INT64, "INT64", Form::Fixed8, 0, ReadBy::All),
    row(LONG, "LONG", Form::Digits, 0, ReadBy::All),
    row(FLOAT, "FLOAT", Form::Text, 0, ReadBy::All),
    row(COMPLEX, "COMPLEX", Form::TwoTexts, 0, ReadBy::All),
    row(STRING, "STRING", Form::Sized, 0, ReadBy::All),
    row(UNICODE, "UNICODE", Form::Sized, 0, ReadBy::All),
    row(TUPLE, "TUPLE", Form::Items, 0, ReadBy::All),
    row(LIST, "LIST", Form::Items, 0, ReadBy::All),
    row(DICT, "DICT", Form::Pairs, 0, ReadBy::All),
    row(CODE, "CODE", Form::Fields, 0, ReadBy::All),
    row(INTERNED, "INTERNED", Form::Sized, 1, ReadBy::All),
    row(STRING_REF, "STRINGREF", Form::Index, 1, ReadBy::Python2),
    row(BINARY_FLOAT, "BINARY_FLOAT", Form::Fixed8, 2, ReadBy::All),
    row(BINARY_COMPLEX, "BINARY_COMPLEX", Form::Fixed16, 2, ReadBy::All),
    row(SET, "SET", Form::Items, 2, ReadBy::All),
    row(FROZENSET, "FROZENSET", Form::Items, 2, ReadBy::All),
    row(REF, "REF", Form::Index, 3, ReadBy::Since34),
    row(ASCII, "ASCII", Form::Sized, 4, ReadBy::Since34),
    row(ASCII_INTERNED, "ASCII_INTERNED", Form::Sized, 4, ReadBy::Since34),
    row(SHORT_ASCII, "SHORT_ASCII", Form::Short, 4, ReadBy::Since34),
    row(SHORT_ASCII_INTERNED, "SHORT_ASCII_INTERNED", Form::Short, 4, ReadBy::Since34),
    row(SMALL_TUPLE, "SMALL_TUPLE", Form::ShortItems, 4, ReadBy::Since34),
    row(SLICE, "SLICE", Form::ThreeValues, 5, ReadBy::Since314),
    row(FROZENDICT, "FROZENDICT", Form::Pairs, 6, ReadBy::Since315),
];
