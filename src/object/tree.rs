//! [`Tree`]: decoded structure as a whole, read by word.

use super::atom::{Atom, ReadAtom};
use super::error::{Error, ErrorKind};
use super::slot::*;
use super::view::Object;

/// Decoded structure, ready to be read: the input, the slots, and how the codec that filled them reads an atom.
#[derive(Clone, Copy)]
pub struct Tree<'a> {
    pub(crate) input: &'a [u8],
    pub(crate) slots: &'a [Slot],
    pub(crate) read: ReadAtom,
    pub(crate) buffers: &'a [&'a [u8]],
    pub(crate) cells: usize,
    pub(crate) encoding: Encoding,
    pub(crate) persistent: Option<PersistentLoad<'a>>,
}

#[cfg(feature = "defmt")]
impl defmt::Format for Tree<'_> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Tree");
    }
}

/// What stands for a persistent id: given the object of kind [`PersId`](super::Kind::PersId), it answers another one.
pub type PersistentLoad<'a> = &'a dyn Fn(&Object<'a>) -> Option<Object<'a>>;

/// What a str of Python 2, which is bytes there, is read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Encoding {
    /// A str, if it is ASCII; else an error. Python's default.
    #[default]
    Ascii,
    /// A str, one character a byte.
    Latin1,
    /// bytes.
    Bytes,
}

impl core::fmt::Debug for Tree<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Tree").field("input", &self.input.len()).field("slots", &self.slots.len()).finish()
    }
}

impl<'a> Tree<'a> {
    /// A tree over an input and what an arena gave at its end.
    pub(crate) fn new(input: &'a [u8], (slots, cells): (&'a [Slot], usize), read: ReadAtom) -> Self {
        Tree { input, slots, read, buffers: &[], cells, encoding: Encoding::Ascii, persistent: None }
    }

    /// The bytes that it was decoded from.
    pub fn input(&self) -> &'a [u8] {
        self.input
    }

    /// The length of the input.
    pub fn input_len(&self) -> usize {
        self.input.len()
    }

    #[inline]
    pub(crate) fn slot(&self, at: usize) -> Slot {
        self.slots.get(at).copied().unwrap_or(Slot::EMPTY)
    }

    /// The word itself, or the one in the cell that it stands for.
    #[inline]
    pub(crate) fn resolve(&self, word: Slot) -> Slot {
        if word.tag() == SHARED { self.slot(word.payload()) } else { word }
    }

    /// The atom of a word that is one.
    #[inline]
    pub(crate) fn atom(&self, word: Slot) -> Atom<'a> {
        (self.read)(self.input, word.payload())
    }

    /// The atom that a word stands for, behind [`SHARED`], if it is one.
    pub(crate) fn any_atom(&self, word: Slot) -> Option<Atom<'a>> {
        let word = self.resolve(word);
        match (word.tag(), word.payload() as u32) {
            (ATOM | MUTABLE, _) => Some(self.atom(word)),
            (SIMPLE, SIMPLE_EMPTY_TUPLE) => Some(Atom::EmptyTuple),
            (SIMPLE, _) => Some(Atom::None),
            (NUMBER, _) => {
                let number = crate::bytes::u32_le(self.input, word.payload()).unwrap_or(0);
                Some(Atom::Int(i64::from(number as i32)))
            }
            _ => None,
        }
    }

    /// The words of a row behind its head, and the head.
    #[inline]
    pub(crate) fn row(&self, at: usize) -> (Slot, &'a [Slot]) {
        let head = self.slot(at);
        let first = at.wrapping_add(1);
        (head, self.slots.get(first..first.wrapping_add(head.payload())).unwrap_or_default())
    }

    /// The words of a chunk, its head, and the place of the next chunk of the ring.
    #[inline]
    pub(crate) fn chunk(&self, at: usize) -> (Slot, &'a [Slot], usize) {
        let head = self.slot(at);
        let first = at.wrapping_add(2);
        let words = self.slots.get(first..first.wrapping_add(head.payload())).unwrap_or_default();
        (head, words, self.slot(at.wrapping_add(1)).payload())
    }

    /// Where in the input a value stands: an atom's own byte, a container's first atom's.
    pub(crate) fn offset(&self, word: Slot) -> usize {
        let mut word = word;
        for _ in 0..64 {
            let at = word.payload();
            word = match word.tag() {
                ATOM | NUMBER | MUTABLE => return at,
                SHARED => self.slot(at),
                LIST | DICT | SET | FROZENDICT => {
                    let last = self.slot(at).payload();
                    if last == 0 {
                        return 0;
                    }
                    let (_, _, first) = self.chunk(last);
                    self.slot(first.wrapping_add(2))
                }
                TUPLE | FROZENSET | OBJECT | FIXED if self.slot(at).payload() > 0 || word.tag() == OBJECT => {
                    self.slot(at.wrapping_add(1))
                }
                _ => return 0,
            };
        }
        0
    }

    /// An error at a value's place.
    #[cold]
    pub(crate) fn error(&self, kind: ErrorKind, word: Slot) -> Error {
        Error::new(kind, self.offset(word))
    }
}
