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
    op("INT", b'I', DecimalLine, &[], &[IntOrBool], 0, "An int in decimal text; `00` and `01` are False and True."),
    op("LONG", b'L', LongLine, &[], &[Int], 0, "An int of any size in decimal text, `L` at its end."),
    op("STRING", b'S', QuotedLine, &[], &[BytesOrStr], 0, "A Python 2 str in quotes, with its escapes."),
    op("NONE", b'N', Nothing, &[], &[Item::None], 0, "None."),
    op("UNICODE", b'V', UnicodeLine, &[], &[Str], 0, "A str, raw-unicode-escaped, to the end of the line."),
    op("FLOAT", b'F', FloatLine, &[], &[Float], 0, "A float as repr writes it."),
    op("APPEND", b'a', Nothing, &[List, Any], &[List], 0, "Appends the top to the list below it."),
    op("LIST", b'l', Nothing, &[Mark, Slice], &[List], 0, "A list of everything above the mark."),
    op("TUPLE", b't', Nothing, &[Mark, Slice], &[Tuple], 0, "A tuple of everything above the mark."),
    op("DICT", b'd', Nothing, &[Mark, Slice], &[Dict], 0, "A dict of the pairs above the mark."),
    op("SETITEM", b's', Nothing, &[Dict, Any, Any], &[Dict], 0, "Sets one pair in the dict below it."),
    op("POP", b'0', Nothing, &[Any], &[], 0, "Drops the top, or the mark if that is on top."),
    op("DUP", b'2', Nothing, &[Any], &[Any, Any], 0, "Pushes the top once more."),
    op("MARK", b'(', Nothing, &[], &[Mark], 0, "Pushes a mark."),
    op("GET", b'g', DecimalLine, &[], &[Any], 0, "Pushes the memo's entry, its number in decimal text."),
    op("PUT", b'p', DecimalLine, &[], &[], 0, "Remembers the top under the number given in decimal text."),
    op("GLOBAL", b'c', LinePair, &[], &[Any], 0, "A global, named by the two lines module and name."),
    op("REDUCE", b'R', Nothing, &[Any, Any], &[Any], 0, "Calls the callable with the tuple of arguments on top."),
    op("BUILD", b'b', Nothing, &[Any, Any], &[Any], 0, "Gives the object below it its state."),
    op("INST", b'i', LinePair, &[Mark, Slice], &[Any], 0, "An instance of the class named by two lines, with the arguments above the mark."),
    op("STOP", b'.', Nothing, &[Any], &[], 0, "The end: the top is the value."),
    op("PERSID", b'P', Line, &[], &[Any], 0, "An object known outside under the id in the line."),
    op("BININT", b'J', I4, &[], &[Int], 1, "A signed 4-byte int."),
    op("BININT1", b'K', U1, &[], &[Int], 1, "An int of one unsigned byte."),
    op("BININT2", b'M', U2, &[], &[Int], 1, "An int of two unsigned bytes."),
    op("BINSTRING", b'T', String4, &[], &[BytesOrStr], 1, "A Python 2 str, its length in 4 signed bytes."),
    op("SHORT_BINSTRING", b'U', String1, &[], &[BytesOrStr], 1, "A Python 2 str of up to 255 bytes."),
    op("BINUNICODE", b'X', Unicode4, &[], &[Str], 1, "A str in UTF-8, the length in 4 bytes."),
    op("BINFLOAT", b'G', F8, &[], &[Float], 1, "A float, IEEE 754, big end first."),
    op("EMPTY_LIST", b']', Nothing, &[], &[List], 1, "A new list."),
    op("APPENDS", b'e', Nothing, &[List, Mark, Slice], &[List], 1, "Appends everything above the mark to the list below it."),
    op("EMPTY_TUPLE", b')', Nothing, &[], &[Tuple], 1, "The empty tuple."),
    op("EMPTY_DICT", b'}', Nothing, &[], &[Dict], 1, "A new dict."),
    op("SETITEMS", b'u', Nothing, &[Dict, Mark, Slice], &[Dict], 1, "Sets all pairs above the mark in the dict below it."),
    op("POP_MARK", b'1', Nothing, &[Mark, Slice], &[], 1, "Drops everything down to the mark."),
    op("BINGET", b'h', U1, &[], &[Any], 1, "Pushes the memo's entry, its number in one byte."),
    op("LONG_BINGET", b'j', U4, &[], &[Any], 1, "Pushes the memo's entry, its number in 4 bytes."),
    op("BINPUT", b'q', U1, &[], &[], 1, "Remembers the top under a number of one byte."),
    op("LONG_BINPUT", b'r', U4, &[], &[], 1, "Remembers the top under a number of 4 bytes."),
    op("OBJ", b'o', Nothing, &[Mark, Any, Slice], &[Any], 1, "An instance of the class above the mark, with the arguments above that."),
    op("BINPERSID", b'Q', Nothing, &[Any], &[Any], 1, "An object known outside under the id on top."),
    op("LONG1", 0x8a, Long1, &[], &[Int], 2, "An int of any size in two's complement, up to 255 bytes."),
    op("LONG4", 0x8b, Long4, &[], &[Int], 2, "An int of any size in two's complement, its length in 4 bytes."),
    op("NEWTRUE", 0x88, Nothing, &[], &[Bool], 2, "True."),
    op("NEWFALSE", 0x89, Nothing, &[], &[Bool], 2, "False."),
    op("TUPLE1", 0x85, Nothing, &[Any], &[Tuple], 2, "A tuple of the top."),
    op("TUPLE2", 0x86, Nothing, &[Any, Any], &[Tuple], 2, "A tuple of the two on top."),
    op("TUPLE3", 0x87, Nothing, &[Any, Any, Any], &[Tuple], 2, "A tuple of the three on top."),
    op("EXT1", 0x82, U1, &[], &[Any], 2, "The class registered under an extension code of one byte."),
    op("EXT2", 0x83, U2, &[], &[Any], 2, "The class registered under an extension code of two bytes."),
    op("EXT4", 0x84, I4, &[], &[Any], 2, "The class registered under an extension code of four bytes."),
    op("NEWOBJ", 0x81, Nothing, &[Any, Any], &[Any], 2, "cls.__new__(cls, *args)."),
    op("PROTO", 0x80, U1, &[], &[], 2, "The protocol of what follows."),
    op("BINBYTES", b'B', Bytes4, &[], &[Bytes], 3, "bytes, the length in 4 bytes."),
    op("SHORT_BINBYTES", b'C', Bytes1, &[], &[Bytes], 3, "bytes, up to 255 of them."),
    op("BINBYTES8", 0x8e, Bytes8, &[], &[Bytes], 4, "bytes, the length in 8 bytes."),
    op("SHORT_BINUNICODE", 0x8c, Unicode1, &[], &[Str], 4, "A str of up to 255 bytes of UTF-8."),
    op("BINUNICODE8", 0x8d, Unicode8, &[], &[Str], 4, "A str in UTF-8, the length in 8 bytes."),
    op("EMPTY_SET", 0x8f, Nothing, &[], &[Set], 4, "A new set."),
    op("ADDITEMS", 0x90, Nothing, &[Set, Mark, Slice], &[Set], 4, "Adds everything above the mark to the set below it."),
    op("FROZENSET", 0x91, Nothing, &[Mark, Slice], &[FrozenSet], 4, "A frozenset of everything above the mark."),
    op("MEMOIZE", 0x94, Nothing, &[Any], &[Any], 4, "Remembers the top under the count of entries so far."),
    op("STACK_GLOBAL", 0x93, Nothing, &[Str, Str], &[Any], 4, "A global, named by the two strs on top."),
    op("NEWOBJ_EX", 0x92, Nothing, &[Any, Any, Any], &[Any], 4, "cls.__new__(cls, *args, **kwargs)."),
    op("FRAME", 0x95, U8, &[], &[], 4, "A frame of so many bytes begins."),
    op("BYTEARRAY8", 0x96, ByteArray8, &[], &[ByteArray], 5, "A bytearray, the length in 8 bytes."),
    op("NEXT_BUFFER", 0x97, Nothing, &[], &[Buffer], 5, "The next buffer of those that travel beside the pickle."),
    op("READONLY_BUFFER", 0x98, Nothing, &[Buffer], &[Buffer], 5, "Makes the buffer on top read-only."),
];

/// The row of a code; `None` for a byte that is no opcode.
pub fn opcode(code: u8) -> Option<&'static Opcode> {
    OPCODES.iter().find(|row| row.code == code)
}
