//! [`Object`]: navigation over decoded structure.

use super::atom::Atom;
use super::error::{Error, ErrorKind, Result};
use super::items::{Items, Pairs, Words};
use super::long::Long;
use super::slot::*;
use super::text::Text;
use super::tree::Tree;

/// What an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Kind {
    /// None.
    None,
    /// True or False.
    Bool,
    /// An int of any size.
    Int,
    /// A float.
    Float,
    /// A complex (marshal; pickles reduce it).
    Complex,
    /// A str.
    Str,
    /// bytes.
    Bytes,
    /// A str of Python 2: bytes there, text or bytes here, as the reader decides.
    ByteString,
    /// A bytearray.
    ByteArray,
    /// A list.
    List,
    /// A tuple.
    Tuple,
    /// A dict: its pairs as the stream sets them, never merged.
    Dict,
    /// A set, in stream order.
    Set,
    /// A frozenset, in stream order.
    FrozenSet,
    /// A frozendict (marshal version 6).
    FrozenDict,
    /// A slice (marshal version 5).
    Slice,
    /// A global: a module and a qualified name, nothing more.
    Global,
    /// What `callable(*args)` would give.
    Reduce,
    /// What `cls.__new__(cls, *args)` would give.
    NewObj,
    /// What `cls.__new__(cls, *args, **kwargs)` would give.
    NewObjEx,
    /// An instance as INST and OBJ make it.
    Inst,
    /// What a persistent id stands for.
    PersId,
    /// What an extension code stands for.
    Ext,
    /// An out-of-band buffer.
    Buffer,
    /// A read-only view of a buffer.
    ReadonlyBuffer,
    /// A code object (marshal).
    Code,
    /// Ellipsis (marshal).
    Ellipsis,
    /// StopIteration (marshal).
    StopIteration,
}

/// What a stream does to an object after it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[repr(u8)]
pub enum Extra {
    /// Items appended (APPEND, APPENDS).
    Items = 0,
    /// Members added (ADDITEMS).
    Adds = 1,
    /// Pairs set (SETITEM, SETITEMS).
    Pairs = 2,
    /// States given (BUILD).
    States = 3,
}

/// A decoded value: a Copy handle on the input and the slots.
///
/// Containers and what is called are reached without copying; several handles may stand for one and the same value,
/// and a value may contain itself ([`Object::is`]).
#[derive(Clone, Copy)]
pub struct Object<'a> {
    pub(crate) tree: Tree<'a>,
    pub(crate) word: Slot,
}

#[cfg(feature = "defmt")]
impl defmt::Format for Object<'_> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "{}", self.kind());
    }
}

impl<'a> Object<'a> {
    /// The value that a word of this tree stands for.
    pub(crate) fn new(tree: Tree<'a>, word: Slot) -> Self {
        Object { tree, word }
    }

    /// The word that stands for it, behind [`SHARED`].
    #[inline]
    fn inner(&self) -> Slot {
        self.tree.resolve(self.word)
    }

    /// The same tree's other word.
    #[inline]
    fn at_word(&self, word: Slot) -> Object<'a> {
        Object { tree: self.tree, word }
    }

    /// The tree that it is part of.
    pub fn tree(&self) -> &Tree<'a> {
        &self.tree
    }

    /// Where in the input it stands: an atom's own byte, a container's first atom's, 0 for an empty container.
    pub fn offset(&self) -> usize {
        self.tree.offset(self.word)
    }

    /// An error about this value, at its place.
    pub fn error(&self, kind: ErrorKind) -> Error {
        self.tree.error(kind, self.word)
    }

    /// The atom, if it is one.
    pub fn atom(&self) -> Option<Atom<'a>> {
        self.tree.any_atom(self.word)
    }

    /// What it is.
    pub fn kind(&self) -> Kind {
        let word = self.inner();
        let form = || self.tree.slot(word.payload()).tag();
        match word.tag() {
            LIST => Kind::List,
            DICT => Kind::Dict,
            SET => Kind::Set,
            FROZENDICT => Kind::FrozenDict,
            TUPLE => Kind::Tuple,
            FROZENSET => Kind::FrozenSet,
            OBJECT => match form() {
                FORM_REDUCE => Kind::Reduce,
                FORM_NEWOBJ => Kind::NewObj,
                FORM_NEWOBJ_EX => Kind::NewObjEx,
                _ => Kind::Inst,
            },
            FIXED => match form() {
                FORM_GLOBAL => Kind::Global,
                FORM_PERSID => Kind::PersId,
                FORM_READONLY => Kind::ReadonlyBuffer,
                FORM_SLICE | UNHASHABLE => Kind::Slice,
                _ => Kind::Code,
            },
            BUFFER => Kind::Buffer,
            _ => self.atom().map_or(Kind::None, |atom| match atom {
                Atom::None => Kind::None,
                Atom::Bool(_) => Kind::Bool,
                Atom::Int(_) | Atom::Long(_) => Kind::Int,
                Atom::Float(_) => Kind::Float,
                Atom::Complex(..) => Kind::Complex,
                Atom::Str(_) => Kind::Str,
                Atom::Bytes(_) => Kind::Bytes,
                Atom::ByteString(_) => Kind::ByteString,
                Atom::ByteArray(_) => Kind::ByteArray,
                Atom::EmptyTuple => Kind::Tuple,
                Atom::Global(..) => Kind::Global,
                Atom::PersId(_) => Kind::PersId,
                Atom::Ext(_) => Kind::Ext,
                Atom::Ellipsis => Kind::Ellipsis,
                Atom::StopIteration => Kind::StopIteration,
            }),
        }
    }

    /// Whether both are one and the same value, as Python's `is` would say of containers: the same container, or the
    /// same place in the input.
    pub fn is(&self, other: &Object<'_>) -> bool {
        core::ptr::eq(self.tree.slots, other.tree.slots) && self.inner() == other.inner()
    }

    /// A number that stands for the value in its tree if the stream refers to it more than once, from 0 to
    /// [`Object::shared_count`]; `None` if it does not.
    pub fn shared(&self) -> Option<usize> {
        (self.word.tag() == SHARED).then(|| self.word.payload())
    }

    /// How many values of its tree the stream refers to more than once, at most.
    pub fn shared_count(&self) -> usize {
        self.tree.cells
    }

    /// How many items a list, tuple, set or frozenset has, pairs a dict, characters or bytes a str, bytes or bytearray;
    /// 0 for all else.
    pub fn len(&self) -> usize {
        let (words, tag) = (self.words().left(&self.tree), self.inner().tag());
        match tag {
            DICT | FROZENDICT => words / 2,
            LIST | SET | TUPLE | FROZENSET => words,
            _ => match self.atom() {
                Some(Atom::Str(text) | Atom::ByteString(text)) => text.chars().count(),
                Some(Atom::Bytes(bytes) | Atom::ByteArray(bytes)) => bytes.len(),
                _ => 0,
            },
        }
    }

    /// Whether it has no items, pairs, characters or bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The items of a list, tuple, set, frozenset, slice or code object; keys and values in turn of a dict. Nothing for
    /// all else.
    pub fn items(&self) -> Items<'a> {
        Items { tree: self.tree, words: self.words() }
    }

    fn words(&self) -> Words<'a> {
        let word = self.inner();
        let at = word.payload();
        match word.tag() {
            LIST | DICT | SET | FROZENDICT => Words::ring(&self.tree, at, None),
            TUPLE | FROZENSET => Words::slice(self.tree.row(at).1),
            FIXED if matches!(self.tree.slot(at).tag(), FORM_SLICE | UNHASHABLE | FORM_CODE) => {
                Words::slice(self.tree.row(at).1)
            }
            _ => Words::slice(&[]),
        }
    }

    /// The pairs of a dict or frozendict, in stream order. Nothing for all else.
    pub fn pairs(&self) -> Pairs<'a> {
        let dict = matches!(self.inner().tag(), DICT | FROZENDICT);
        Pairs(if dict { self.items() } else { Items { tree: self.tree, words: Words::slice(&[]) } })
    }

    /// What the stream did to an object after it was made: items appended, members added, keys and values in turn set,
    /// states given.
    pub fn extras(&self, extra: Extra) -> Items<'a> {
        let word = self.inner();
        let words = match word.tag() {
            OBJECT => Words::ring(&self.tree, word.payload(), Some(extra as Tag)),
            _ => Words::slice(&[]),
        };
        Items { tree: self.tree, words }
    }

    /// Word `i` of what makes an object of this tag up.
    fn part(&self, tag: Tag, i: usize) -> Option<Object<'a>> {
        let word = self.inner();
        let at = word.payload();
        (word.tag() == tag).then(|| self.at_word(self.tree.slot(at.wrapping_add(1).wrapping_add(i))))
    }

    /// What a Reduce wants called, or the class of a NewObj, NewObjEx or Inst.
    pub fn callable(&self) -> Option<Object<'a>> {
        self.part(OBJECT, 0)
    }

    /// The tuple of arguments of a Reduce, NewObj, NewObjEx or Inst.
    pub fn args(&self) -> Option<Object<'a>> {
        self.part(OBJECT, 1)
    }

    /// The dict of keyword arguments of a NewObjEx.
    pub fn kwargs(&self) -> Option<Object<'a>> {
        if self.kind() == Kind::NewObjEx { self.part(OBJECT, 2) } else { None }
    }

    /// Module and qualified name of a global.
    pub fn global(&self) -> Option<(Text<'a>, Text<'a>)> {
        match self.atom() {
            Some(Atom::Global(module, name)) => return Some((module, name)),
            Some(_) => return None,
            None if self.kind() != Kind::Global => return None,
            None => {}
        }
        let text = |i| match self.part(FIXED, i)?.atom()? {
            Atom::Str(text) | Atom::ByteString(text) => Some(text),
            _ => None,
        };
        Some((text(0)?, text(1)?))
    }

    /// The persistent id: a str of protocol 0 as [`Atom::PersId`], else any object.
    pub fn persistent_id(&self) -> Option<Object<'a>> {
        match self.kind() {
            Kind::PersId => Some(self.part(FIXED, 0).unwrap_or(*self)),
            _ => None,
        }
    }

    /// The buffer beneath a read-only view.
    pub fn viewed(&self) -> Option<Object<'a>> {
        if self.kind() == Kind::ReadonlyBuffer { self.part(FIXED, 0) } else { None }
    }

    /// The number of an out-of-band buffer, from 0.
    pub fn buffer_number(&self) -> Option<usize> {
        let word = self.inner();
        (word.tag() == BUFFER).then(|| word.payload())
    }

    /// Item `i` of a list, tuple, set or frozenset: IndexError's counterpart is [`ErrorKind::WrongLength`].
    pub fn at(&self, i: usize) -> Result<Object<'a>> {
        match self.inner().tag() {
            LIST | TUPLE | SET | FROZENSET => {
                let mut words = self.words();
                for _ in 0..i {
                    words.next(&self.tree);
                }
                let word = words.next(&self.tree).ok_or_else(|| self.error(ErrorKind::WrongLength))?;
                Ok(self.at_word(word))
            }
            _ if matches!(self.atom(), Some(Atom::EmptyTuple)) => Err(self.error(ErrorKind::WrongLength)),
            _ => Err(self.error(ErrorKind::UnexpectedType)),
        }
    }

    /// The value under this str key of a dict, the last one if it was set more than once. KeyError's counterpart is
    /// [`ErrorKind::NoSuchEntry`]. Looks at the keys one by one.
    pub fn get(&self, key: &str) -> Result<Object<'a>> {
        if !matches!(self.inner().tag(), DICT | FROZENDICT) {
            return Err(self.error(ErrorKind::UnexpectedType));
        }
        let (mut words, mut found) = (self.words(), None);
        while let (Some(name), Some(value)) = (words.next(&self.tree), words.next(&self.tree)) {
            if let Some(Atom::Str(text) | Atom::ByteString(text)) = self.tree.any_atom(name)
                && text.is(key)
            {
                found = Some(value);
            }
        }
        match found {
            Some(value) => Ok(self.at_word(value)),
            None => Err(self.error(ErrorKind::NoSuchEntry)),
        }
    }

    /// True or False.
    pub fn as_bool(&self) -> Result<bool> {
        match self.atom() {
            Some(Atom::Bool(value)) => Ok(value),
            _ => Err(self.error(ErrorKind::UnexpectedType)),
        }
    }

    /// An int of 64 bits.
    pub fn as_i64(&self) -> Result<i64> {
        match self.atom() {
            Some(Atom::Int(value)) => Ok(value),
            Some(Atom::Long(long)) => long.to_i64().ok_or_else(|| self.error(ErrorKind::OutOfRange)),
            _ => Err(self.error(ErrorKind::UnexpectedType)),
        }
    }

    /// An int of 128 bits.
    pub fn as_i128(&self) -> Result<i128> {
        match self.atom() {
            Some(Atom::Int(value)) => Ok(i128::from(value)),
            Some(Atom::Long(long)) => long.to_i128().ok_or_else(|| self.error(ErrorKind::OutOfRange)),
            _ => Err(self.error(ErrorKind::UnexpectedType)),
        }
    }

    /// An int that does not fit 64 bits, as the stream spells it.
    pub fn as_long(&self) -> Option<Long<'a>> {
        match self.atom() {
            Some(Atom::Long(long)) => Some(long),
            _ => None,
        }
    }

    /// A float.
    pub fn as_f64(&self) -> Result<f64> {
        match self.atom() {
            Some(Atom::Float(value)) => Ok(value),
            _ => Err(self.error(ErrorKind::UnexpectedType)),
        }
    }

    /// A str, or a str of Python 2, as text that is decoded as it is read.
    pub fn text(&self) -> Result<Text<'a>> {
        match self.atom() {
            Some(Atom::Str(text) | Atom::ByteString(text) | Atom::PersId(text)) => Ok(text),
            _ => Err(self.error(ErrorKind::UnexpectedType)),
        }
    }

    /// A str where it stands in the input.
    pub fn as_str(&self) -> Result<&'a str> {
        self.text()?.as_str().ok_or_else(|| self.error(ErrorKind::NotBorrowable))
    }

    /// bytes, a bytearray or an out-of-band buffer where they stand; also a str of Python 2 without escapes.
    pub fn as_bytes(&self) -> Result<&'a [u8]> {
        match self.atom() {
            Some(Atom::Bytes(bytes) | Atom::ByteArray(bytes)) => return Ok(bytes),
            Some(Atom::ByteString(text)) => return text.as_bytes().ok_or_else(|| self.error(ErrorKind::NotBorrowable)),
            _ => {}
        }
        let buffer = self.viewed().unwrap_or(*self);
        match buffer.buffer_number() {
            Some(n) => self.tree.buffers.get(n).copied().ok_or_else(|| self.error(ErrorKind::NoBuffer)),
            None => Err(self.error(ErrorKind::UnexpectedType)),
        }
    }
}
