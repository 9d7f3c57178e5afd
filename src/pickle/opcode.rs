//! The opcodes of pickle, protocols 0 to 5: all 68 of them, one row each.
//!
//! Each row gives the name, the code, the argument that follows the code, what the opcode takes from the stack and what
//! it leaves there, the protocol that brought it, and what it does. Everything else that this crate knows of an opcode's
//! shape (its length, how `dis` prints it) is derived from here. Rules: PEP 307, PEP 3154, PEP 574, Lib/pickletools.py.

use Argument::*;
use Item::*;

/// What follows an opcode's code byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Argument {
    /// Nothing.
    Nothing,
    /// An unsigned byte.
    U1,
    /// Two bytes, unsigned, little end first.
    U2,
    /// Four bytes, signed, little end first.
    I4,
    /// Four bytes, unsigned, little end first.
    U4,
    /// Eight bytes, unsigned, little end first.
    U8,
    /// An IEEE 754 double, big end first.
    F8,
    /// A decimal int to the end of the line; `00` and `01` stand for False and True.
    DecimalLine,
    /// A decimal int of any size to the end of the line, with an `L` at its end.
    LongLine,
    /// A float as text to the end of the line.
    FloatLine,
    /// A length of one byte, then an int in two's complement, little end first.
    Long1,
    /// A length of four bytes, signed, then an int in two's complement, little end first.
    Long4,
    /// A quoted string with Python 2's escapes, to the end of the line.
    QuotedLine,
    /// Text to the end of the line.
    Line,
    /// Two lines of text.
    LinePair,
    /// A raw-unicode-escaped str to the end of the line.
    UnicodeLine,
    /// A length of one byte, then a Python 2 str.
    String1,
    /// A length of four bytes, signed, then a Python 2 str.
    String4,
    /// A length of one byte, then bytes.
    Bytes1,
    /// A length of four bytes, then bytes.
    Bytes4,
    /// A length of eight bytes, then bytes.
    Bytes8,
    /// A length of eight bytes, then the bytes of a bytearray.
    ByteArray8,
    /// A length of one byte, then UTF-8.
    Unicode1,
    /// A length of four bytes, then UTF-8.
    Unicode4,
    /// A length of eight bytes, then UTF-8.
    Unicode8,
}

/// What an opcode takes from the stack or leaves on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[allow(missing_docs)] // the names say it all
pub enum Item {
    Any,
    None,
    Bool,
    Int,
    IntOrBool,
    Float,
    Str,
    Bytes,
    BytesOrStr,
    ByteArray,
    Buffer,
    List,
    Tuple,
    Dict,
    Set,
    FrozenSet,
    Mark,
    /// Everything above the topmost mark.
    Slice,
}

/// One row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Opcode {
    /// The name that `pickletools` gives it.
    pub name: &'static str,
    /// Its byte in the stream.
    pub code: u8,
    /// What follows the code.
    pub argument: Argument,
    /// What it takes from the stack, the topmost last.
    pub before: &'static [Item],
    /// What it leaves there instead.
    pub after: &'static [Item],
    /// The first protocol that has it.
    pub protocol: u8,
    /// What it does.
    pub doc: &'static str,
}

const fn op(
    name: &'static str,
    code: u8,
    argument: Argument,
    before: &'static [Item],
    after: &'static [Item],
    protocol: u8,
    doc: &'static str,
) -> Opcode {
    Opcode { name, code, argument, before, after, protocol, doc }
}

/// All opcodes, in the order of the protocols that brought them.
#[rustfmt::skip]
pub static OPCODES: [Opcode; 68] = [
    op("INT", code::INT, DecimalLine, &[], &[IntOrBool], 0, "An int in decimal text; `00` and `01` are False and True."),
    op("LONG", code::LONG, LongLine, &[], &[Int], 0, "An int of any size in decimal text, `L` at its end."),
    op("STRING", code::STRING, QuotedLine, &[], &[BytesOrStr], 0, "A Python 2 str in quotes, with its escapes."),
    op("NONE", code::NONE, Nothing, &[], &[Item::None], 0, "None."),
    op("UNICODE", code::UNICODE, UnicodeLine, &[], &[Str], 0, "A str, raw-unicode-escaped, to the end of the line."),
    op("FLOAT", code::FLOAT, FloatLine, &[], &[Float], 0, "A float as repr writes it."),
    op("APPEND", code::APPEND, Nothing, &[List, Any], &[List], 0, "Appends the top to the list below it."),
    op("LIST", code::LIST, Nothing, &[Mark, Slice], &[List], 0, "A list of everything above the mark."),
    op("TUPLE", code::TUPLE, Nothing, &[Mark, Slice], &[Tuple], 0, "A tuple of everything above the mark."),
    op("DICT", code::DICT, Nothing, &[Mark, Slice], &[Dict], 0, "A dict of the pairs above the mark."),
    op("SETITEM", code::SETITEM, Nothing, &[Dict, Any, Any], &[Dict], 0, "Sets one pair in the dict below it."),
    op("POP", code::POP, Nothing, &[Any], &[], 0, "Drops the top, or the mark if that is on top."),
    op("DUP", code::DUP, Nothing, &[Any], &[Any, Any], 0, "Pushes the top once more."),
    op("MARK", code::MARK, Nothing, &[], &[Mark], 0, "Pushes a mark."),
    op("GET", code::GET, DecimalLine, &[], &[Any], 0, "Pushes the memo's entry, its number in decimal text."),
    op("PUT", code::PUT, DecimalLine, &[], &[], 0, "Remembers the top under the number given in decimal text."),
    op("GLOBAL", code::GLOBAL, LinePair, &[], &[Any], 0, "A global, named by the two lines module and name."),
    op("REDUCE", code::REDUCE, Nothing, &[Any, Any], &[Any], 0, "Calls the callable with the tuple of arguments on top."),
    op("BUILD", code::BUILD, Nothing, &[Any, Any], &[Any], 0, "Gives the object below it its state."),
    op("INST", code::INST, LinePair, &[Mark, Slice], &[Any], 0, "An instance of the class named by two lines, with the arguments above the mark."),
    op("STOP", code::STOP, Nothing, &[Any], &[], 0, "The end: the top is the value."),
    op("PERSID", code::PERSID, Line, &[], &[Any], 0, "An object known outside under the id in the line."),
    op("BININT", code::BININT, I4, &[], &[Int], 1, "A signed 4-byte int."),
    op("BININT1", code::BININT1, U1, &[], &[Int], 1, "An int of one unsigned byte."),
    op("BININT2", code::BININT2, U2, &[], &[Int], 1, "An int of two unsigned bytes."),
    op("BINSTRING", code::BINSTRING, String4, &[], &[BytesOrStr], 1, "A Python 2 str, its length in 4 signed bytes."),
    op("SHORT_BINSTRING", code::SHORT_BINSTRING, String1, &[], &[BytesOrStr], 1, "A Python 2 str of up to 255 bytes."),
    op("BINUNICODE", code::BINUNICODE, Unicode4, &[], &[Str], 1, "A str in UTF-8, the length in 4 bytes."),
    op("BINFLOAT", code::BINFLOAT, F8, &[], &[Float], 1, "A float, IEEE 754, big end first."),
    op("EMPTY_LIST", code::EMPTY_LIST, Nothing, &[], &[List], 1, "A new list."),
    op("APPENDS", code::APPENDS, Nothing, &[List, Mark, Slice], &[List], 1, "Appends everything above the mark to the list below it."),
    op("EMPTY_TUPLE", code::EMPTY_TUPLE, Nothing, &[], &[Tuple], 1, "The empty tuple."),
    op("EMPTY_DICT", code::EMPTY_DICT, Nothing, &[], &[Dict], 1, "A new dict."),
    op("SETITEMS", code::SETITEMS, Nothing, &[Dict, Mark, Slice], &[Dict], 1, "Sets all pairs above the mark in the dict below it."),
    op("POP_MARK", code::POP_MARK, Nothing, &[Mark, Slice], &[], 1, "Drops everything down to the mark."),
    op("BINGET", code::BINGET, U1, &[], &[Any], 1, "Pushes the memo's entry, its number in one byte."),
    op("LONG_BINGET", code::LONG_BINGET, U4, &[], &[Any], 1, "Pushes the memo's entry, its number in 4 bytes."),
    op("BINPUT", code::BINPUT, U1, &[], &[], 1, "Remembers the top under a number of one byte."),
    op("LONG_BINPUT", code::LONG_BINPUT, U4, &[], &[], 1, "Remembers the top under a number of 4 bytes."),
    op("OBJ", code::OBJ, Nothing, &[Mark, Any, Slice], &[Any], 1, "An instance of the class above the mark, with the arguments above that."),
    op("BINPERSID", code::BINPERSID, Nothing, &[Any], &[Any], 1, "An object known outside under the id on top."),
    op("LONG1", code::LONG1, Long1, &[], &[Int], 2, "An int of any size in two's complement, up to 255 bytes."),
    op("LONG4", code::LONG4, Long4, &[], &[Int], 2, "An int of any size in two's complement, its length in 4 bytes."),
    op("NEWTRUE", code::NEWTRUE, Nothing, &[], &[Bool], 2, "True."),
    op("NEWFALSE", code::NEWFALSE, Nothing, &[], &[Bool], 2, "False."),
    op("TUPLE1", code::TUPLE1, Nothing, &[Any], &[Tuple], 2, "A tuple of the top."),
    op("TUPLE2", code::TUPLE2, Nothing, &[Any, Any], &[Tuple], 2, "A tuple of the two on top."),
    op("TUPLE3", code::TUPLE3, Nothing, &[Any, Any, Any], &[Tuple], 2, "A tuple of the three on top."),
    op("EXT1", code::EXT1, U1, &[], &[Any], 2, "The class registered under an extension code of one byte."),
    op("EXT2", code::EXT2, U2, &[], &[Any], 2, "The class registered under an extension code of two bytes."),
    op("EXT4", code::EXT4, I4, &[], &[Any], 2, "The class registered under an extension code of four bytes."),
    op("NEWOBJ", code::NEWOBJ, Nothing, &[Any, Any], &[Any], 2, "cls.__new__(cls, *args)."),
    op("PROTO", code::PROTO, U1, &[], &[], 2, "The protocol of what follows."),
    op("BINBYTES", code::BINBYTES, Bytes4, &[], &[Bytes], 3, "bytes, the length in 4 bytes."),
    op("SHORT_BINBYTES", code::SHORT_BINBYTES, Bytes1, &[], &[Bytes], 3, "bytes, up to 255 of them."),
    op("BINBYTES8", code::BINBYTES8, Bytes8, &[], &[Bytes], 4, "bytes, the length in 8 bytes."),
    op("SHORT_BINUNICODE", code::SHORT_BINUNICODE, Unicode1, &[], &[Str], 4, "A str of up to 255 bytes of UTF-8."),
    op("BINUNICODE8", code::BINUNICODE8, Unicode8, &[], &[Str], 4, "A str in UTF-8, the length in 8 bytes."),
    op("EMPTY_SET", code::EMPTY_SET, Nothing, &[], &[Set], 4, "A new set."),
    op("ADDITEMS", code::ADDITEMS, Nothing, &[Set, Mark, Slice], &[Set], 4, "Adds everything above the mark to the set below it."),
    op("FROZENSET", code::FROZENSET, Nothing, &[Mark, Slice], &[FrozenSet], 4, "A frozenset of everything above the mark."),
    op("MEMOIZE", code::MEMOIZE, Nothing, &[Any], &[Any], 4, "Remembers the top under the count of entries so far."),
    op("STACK_GLOBAL", code::STACK_GLOBAL, Nothing, &[Str, Str], &[Any], 4, "A global, named by the two strs on top."),
    op("NEWOBJ_EX", code::NEWOBJ_EX, Nothing, &[Any, Any, Any], &[Any], 4, "cls.__new__(cls, *args, **kwargs)."),
    op("FRAME", code::FRAME, U8, &[], &[], 4, "A frame of so many bytes begins."),
    op("BYTEARRAY8", code::BYTEARRAY8, ByteArray8, &[], &[ByteArray], 5, "A bytearray, the length in 8 bytes."),
    op("NEXT_BUFFER", code::NEXT_BUFFER, Nothing, &[], &[Buffer], 5, "The next buffer of those that travel beside the pickle."),
    op("READONLY_BUFFER", code::READONLY_BUFFER, Nothing, &[Buffer], &[Buffer], 5, "Makes the buffer on top read-only."),
];

/// The row of a code; `None` for a byte that is no opcode.
pub fn opcode(code: u8) -> Option<&'static Opcode> {
    OPCODES.iter().find(|row| row.code == code)
}

/// The codes by name.
pub mod code {
    #![allow(missing_docs)] // each is explained in its row of the table
    pub const INT: u8 = b'I';
    pub const LONG: u8 = b'L';
    pub const STRING: u8 = b'S';
    pub const NONE: u8 = b'N';
    pub const UNICODE: u8 = b'V';
    pub const FLOAT: u8 = b'F';
    pub const APPEND: u8 = b'a';
    pub const LIST: u8 = b'l';
    pub const TUPLE: u8 = b't';
    pub const DICT: u8 = b'd';
    pub const SETITEM: u8 = b's';
    pub const POP: u8 = b'0';
    pub const DUP: u8 = b'2';
    pub const MARK: u8 = b'(';
    pub const GET: u8 = b'g';
    pub const PUT: u8 = b'p';
    pub const GLOBAL: u8 = b'c';
    pub const REDUCE: u8 = b'R';
    pub const BUILD: u8 = b'b';
    pub const INST: u8 = b'i';
    pub const STOP: u8 = b'.';
    pub const PERSID: u8 = b'P';
    pub const BININT: u8 = b'J';
    pub const BININT1: u8 = b'K';
    pub const BININT2: u8 = b'M';
    pub const BINSTRING: u8 = b'T';
    pub const SHORT_BINSTRING: u8 = b'U';
    pub const BINUNICODE: u8 = b'X';
    pub const BINFLOAT: u8 = b'G';
    pub const EMPTY_LIST: u8 = b']';
    pub const APPENDS: u8 = b'e';
    pub const EMPTY_TUPLE: u8 = b')';
    pub const EMPTY_DICT: u8 = b'}';
    pub const SETITEMS: u8 = b'u';
    pub const POP_MARK: u8 = b'1';
    pub const BINGET: u8 = b'h';
    pub const LONG_BINGET: u8 = b'j';
    pub const BINPUT: u8 = b'q';
    pub const LONG_BINPUT: u8 = b'r';
    pub const OBJ: u8 = b'o';
    pub const BINPERSID: u8 = b'Q';
    pub const LONG1: u8 = 0x8a;
    pub const LONG4: u8 = 0x8b;
    pub const NEWTRUE: u8 = 0x88;
    pub const NEWFALSE: u8 = 0x89;
    pub const TUPLE1: u8 = 0x85;
    pub const TUPLE2: u8 = 0x86;
    pub const TUPLE3: u8 = 0x87;
    pub const EXT1: u8 = 0x82;
    pub const EXT2: u8 = 0x83;
    pub const EXT4: u8 = 0x84;
    pub const NEWOBJ: u8 = 0x81;
    pub const PROTO: u8 = 0x80;
    pub const BINBYTES: u8 = b'B';
    pub const SHORT_BINBYTES: u8 = b'C';
    pub const BINBYTES8: u8 = 0x8e;
    pub const SHORT_BINUNICODE: u8 = 0x8c;
    pub const BINUNICODE8: u8 = 0x8d;
    pub const EMPTY_SET: u8 = 0x8f;
    pub const ADDITEMS: u8 = 0x90;
    pub const FROZENSET: u8 = 0x91;
    pub const MEMOIZE: u8 = 0x94;
    pub const STACK_GLOBAL: u8 = 0x93;
    pub const NEWOBJ_EX: u8 = 0x92;
    pub const FRAME: u8 = 0x95;
    pub const BYTEARRAY8: u8 = 0x96;
    pub const NEXT_BUFFER: u8 = 0x97;
    pub const READONLY_BUFFER: u8 = 0x98;
}
