//! [`Slot`]: a cell of decoded structure, and what is in it.
//!
//! A [`Slot`] is a 4-bit tag and a 28-bit payload. What the tags say:
//!
//! ```text
//! ATOM       payload: the byte of the input where the atom's code stands; read on demand
//! SIMPLE     payload: a value that needs no place (the empty tuple)
//! SHARED     payload: a cell; the value in it is referred to more than once
//! MARK       payload: the stack position of the mark below (only on the stack)
//! LIST DICT SET FROZENDICT   payload: its header
//! TUPLE FROZENSET            payload: its row [flags|n] item ...
//! OBJECT     payload: its header, [form|last chunk] callable arguments (keywords)
//! FIXED      payload: its row [form|n] word ...   (stack globals, persistent ids, slices, code)
//! BUFFER     payload: the number of the out-of-band buffer
//! NUMBER     payload: the byte of the input where four bytes of a number stand (marshal's code objects)
//! MUTABLE    an atom that can be changed and so is no dict key: a bytearray
//!
//! header of LIST, DICT, SET, FROZENDICT:  [0|last chunk]          0: empty
//! chunk:                                  [extra|n] [next] item ...
//! ```

/// One cell of decoded structure: four bytes. Lend a codec as many as its `slots_needed` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[repr(transparent)]
pub struct Slot(u32);

/// What a slot's payload means; see the module's table.
pub(crate) type Tag = u8;
/// An atom, at its place in the input.
pub(crate) const ATOM: Tag = 0;
/// A value that needs no place: `SIMPLE_*`.
pub(crate) const SIMPLE: Tag = 1;
/// A cell that holds a value referred to more than once.
pub(crate) const SHARED: Tag = 2;
/// A mark on the stack.
pub(crate) const MARK: Tag = 3;
/// A list.
pub(crate) const LIST: Tag = 4;
/// A dict.
pub(crate) const DICT: Tag = 5;
/// A set.
pub(crate) const SET: Tag = 6;
/// A frozendict (marshal version 6).
pub(crate) const FROZENDICT: Tag = 7;
/// A tuple.
pub(crate) const TUPLE: Tag = 8;
/// A frozenset.
pub(crate) const FROZENSET: Tag = 9;
/// What a stream wants called or made: reduce, newobj, newobj_ex, inst.
pub(crate) const OBJECT: Tag = 10;
/// A fixed number of words: `FORM_*`.
pub(crate) const FIXED: Tag = 11;
/// An out-of-band buffer.
pub(crate) const BUFFER: Tag = 12;

/// A signed number of four bytes, little end first, at its place in the input; it has no code.
pub(crate) const NUMBER: Tag = 13;

/// An atom that is not hashable: a bytearray, at its place in the input.
pub(crate) const MUTABLE: Tag = 14;

/// The empty tuple.
pub(crate) const SIMPLE_EMPTY_TUPLE: u32 = 1;

/// Forms of FIXED: a global named by two words, module and qualified name.
pub(crate) const FORM_GLOBAL: Tag = 0;
/// A persistent id: one word.
pub(crate) const FORM_PERSID: Tag = 5;
/// A read-only view: one word.
pub(crate) const FORM_READONLY: Tag = 3;
/// A slice: start, stop, step.
pub(crate) const FORM_SLICE: Tag = 2;
/// A code object: its fields in stream order.
pub(crate) const FORM_CODE: Tag = 4;

/// Forms of OBJECT: a callable and a tuple of arguments.
pub(crate) const FORM_REDUCE: Tag = 0;
/// A class and a tuple of arguments for its `__new__`.
pub(crate) const FORM_NEWOBJ: Tag = 1;
/// A class, a tuple and a dict of arguments for its `__new__`.
pub(crate) const FORM_NEWOBJ_EX: Tag = 2;
/// A class and a tuple of arguments, by INST or OBJ.
pub(crate) const FORM_INST: Tag = 3;

/// The flag of a TUPLE row and of a FROZENDICT header, and the form of a slice: it holds something unhashable, so it is no
/// dict key.
pub(crate) const UNHASHABLE: Tag = 1;

const PAYLOAD: u32 = 0x0fff_ffff;

impl Slot {
    /// An empty cell, to make arrays of: `[Slot::EMPTY; 64]`.
    pub const EMPTY: Slot = Slot(0);

    /// The longest input that a slot can point into.
    pub const MAX_INPUT: usize = PAYLOAD as usize;

    /// A cell of this tag and payload; the payload's upper 4 bits are dropped.
    #[inline]
    pub(crate) const fn new(tag: Tag, payload: usize) -> Slot {
        Slot(((tag as u32) << 28) | (payload as u32 & PAYLOAD))
    }

    /// The tag.
    #[inline]
    pub(crate) const fn tag(self) -> Tag {
        (self.0 >> 28) as Tag
    }

    /// The payload.
    #[inline]
    pub(crate) const fn payload(self) -> usize {
        (self.0 & PAYLOAD) as usize
    }

    /// A cell that holds a plain number: what decoders keep in slots besides decoded structure.
    #[inline]
    pub(crate) const fn raw(number: u32) -> Slot {
        Slot(number)
    }

    /// The number of [`Slot::raw`].
    #[inline]
    pub(crate) const fn bits(self) -> u32 {
        self.0
    }
}
