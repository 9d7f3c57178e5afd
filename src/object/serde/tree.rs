//! [`Walk`]: a decoded object as a [`Source`](super::source::Source).

mod reads;

use super::instance::{Ops, sequence};
use super::source::{Content, Fail, Level, What};
use crate::copyreg::{Chain, Field, Plain, Registry, plain};
use crate::object::items::Words;
use crate::object::slot::*;
use crate::object::{Atom, Encoding, Error, ErrorKind, Kind, Object, Text, Tree};

/// How far typed reading goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Limits {
    /// Containers in containers.
    pub depth: u16,
    /// How many items in all, besides those that the input spells out itself: what shared values unfold into.
    pub fuel: u32,
}

impl Limits {
    /// Depth 64; 16 items per byte of the input.
    pub fn of(input: &[u8]) -> Self {
        Limits { depth: 64, fuel: u32::try_from(input.len().saturating_mul(16)).unwrap_or(u32::MAX) }
    }
}

/// A word for what does not stand in the arena: of payload 0, [`Walk::content`]; else a byte, plus one.
pub(super) const CONTENT: Tag = 15;

/// One typed reading of an object, and where it is.
pub(crate) struct Walk<'a> {
    pub(super) tree: Tree<'a>,
    /// The value that comes.
    pub(super) now: Slot,
    /// Items or pairs that were set in an instance, if that is what comes.
    pub(super) content: Option<Field<'a>>,
    pub(super) registry: Registry<'a>,
    /// How instances of classes are read, by a program that does it.
    ops: Option<&'static Ops>,
    limits: Limits,
    error: Error,
}

impl<'a> Walk<'a> {
    pub(crate) fn new(object: &Object<'a>, limits: Limits, registry: &Registry<'a>) -> Self {
        let error = Error::new(ErrorKind::Custom, 0);
        let (tree, now, ops) = (object.tree, object.word, registry.reads());
        Walk { tree, now, content: None, registry: *registry, ops, limits, error }
    }

    /// What went wrong.
    #[inline(never)]
    pub(crate) fn error(&mut self, fail: Fail) -> Error {
        self.note(fail, true);
        self.error
    }

    /// Notes down an error that serde made of the value that came last.
    fn note(&mut self, fail: Fail, ended: bool) {
        if let Some(kind) = fail.kind(ended) {
            self.error = self.tree.error(kind, self.now);
        }
    }

    #[cold]
    #[inline(never)]
    pub(super) fn fail<T>(&mut self, kind: ErrorKind) -> Option<T> {
        self.error = self.tree.error(kind, self.now);
        None
    }

    fn mistyped<T>(&mut self) -> Option<T> {
        self.fail(ErrorKind::UnexpectedType)
    }

    /// What a function answered that makes errors of its own.
    pub(super) fn told<T>(&mut self, answer: Result<T, Error>) -> Option<T> {
        match answer {
            Ok(value) => Some(value),
            Err(error) => {
                self.error = error;
                None
            }
        }
    }

    /// The value's word, seen through a shared cell; that costs fuel, for only shared values unfold.
    fn inner(&mut self) -> Option<Slot> {
        let word = self.tree.resolve(self.now);
        if word == self.now {
            return Some(word);
        }
        let cost = match word.tag() {
            LIST | DICT | SET | FROZENDICT => Words::ring(&self.tree, word.payload(), None).left(&self.tree),
            TUPLE | FROZENSET => self.tree.slot(word.payload()).payload(),
            ATOM => 0,
            _ => 4,
        };
        let cost = u32::try_from(cost).unwrap_or(u32::MAX).saturating_add(1);
        match self.limits.fuel.checked_sub(cost) {
            Some(left) => self.limits.fuel = left,
            None => return self.fail(ErrorKind::OutOfFuel),
        }
        Some(word)
    }

    pub(super) fn object(&mut self) -> Option<Object<'a>> {
        Some(Object { tree: self.tree, word: self.inner()? })
    }

    /// What stands for a persistent id, or the error that there is none; nothing if it is none.
    #[inline(never)]
    fn persistent(&mut self) -> Option<Option<Object<'a>>> {
        let object = Object { tree: self.tree, word: self.now };
        if object.kind() != Kind::PersId {
            return Some(None);
        }
        match self.tree.persistent.and_then(|load| load(&object)) {
            Some(found) => Some(Some(found)),
            None => self.fail(ErrorKind::NoPersistentLoad),
        }
    }

    /// The atom that comes.
    fn atom(&mut self) -> Option<Atom<'a>> {
        let word = self.inner()?;
        let atom = match self.tree.any_atom(word) {
            None | Some(Atom::PersId(_)) => self.odd_atom(word)?,
            found => found,
        };
        if atom.is_none() { self.mistyped() } else { atom }
    }

    fn odd_atom(&mut self, word: Slot) -> Option<Option<Atom<'a>>> {
        if word.tag() == CONTENT {
            return Some(word.payload().checked_sub(1).map(|byte| Atom::Int(byte as i64)));
        }
        Some(self.persistent()?.and_then(|found| found.atom()))
    }

    /// Enters a container.
    pub(super) fn enter<'w>(&mut self, level: &mut Level<'w, 'a>, content: Content<'w, 'a>) -> Option<()> {
        match self.limits.depth.checked_sub(1) {
            Some(depth) => self.limits.depth = depth,
            None => return self.fail(ErrorKind::TooDeep),
        }
        (level.content, level.word) = (content, self.now);
        Some(())
    }

    /// The words of a sequence, or of a map, if that is what comes.
    fn words(tree: &Tree<'a>, word: Slot, map: bool) -> Option<Words<'a>> {
        match word.tag() {
            LIST | SET if !map => Some(Words::ring(tree, word.payload(), None)),
            DICT | FROZENDICT if map => Some(Words::ring(tree, word.payload(), None)),
            TUPLE | FROZENSET if !map => Some(Words::slice(tree.row(word.payload()).1)),
            SIMPLE if !map && word.payload() as u32 == SIMPLE_EMPTY_TUPLE => Some(Words::slice(&[])),
            _ => None,
        }
    }

    /// Enters what is no container of this tree.
    #[inline(never)]
    fn enter_odd(&mut self, word: Slot, level: &mut Level<'_, 'a>, map: bool) -> Option<()> {
        if word.tag() == CONTENT {
            let content = match self.content.take() {
                Some(Field::Items(Chain(None, items))) if !map => Content::Words(items, None),
                Some(Field::Items(Chain(Some(first), items))) if !map => Content::Words(first, Some(items)),
                Some(Field::Pairs(pairs)) if map => Content::Pairs(pairs),
                _ => return self.mistyped(),
            };
            return self.enter(level, content);
        }
        if let Some(found) = self.persistent()? {
            let Some(words) = Self::words(&found.tree, found.tree.resolve(found.word), map) else {
                return self.mistyped();
            };
            self.enter(level, Content::Elsewhere(words, self.tree))?;
            self.tree = found.tree;
            return Some(());
        }
        let kind = if word.tag() == OBJECT { ErrorKind::NotRegistered } else { ErrorKind::UnexpectedType };
        if map { self.fail(kind) } else { sequence(self, level, kind) }
    }

    fn any(&mut self, level: &mut Level<'_, 'a>, map: bool) -> Option<()> {
        let word = self.inner()?;
        match Self::words(&self.tree, word, map) {
            Some(words) => self.enter(level, Content::Words(words, None)),
            None => self.enter_odd(word, level, map),
        }
    }

    /// A container is left; what comes to an error now is about itself.
    fn exit(&mut self, level: &Level<'_, 'a>) {
        if let Content::Elsewhere(_, tree) = &level.content {
            self.tree = *tree;
        }
        self.limits.depth = self.limits.depth.saturating_add(1);
    }

    /// The bytes of a str of Python 2, if the caller wants them so.
    fn is_bytes(&self, atom: &Atom<'a>) -> bool {
        matches!(atom, Atom::Bytes(_) | Atom::ByteArray(_))
            || (matches!(atom, Atom::ByteString(_)) && self.tree.encoding == Encoding::Bytes)
    }

    /// What a value is that is no container of this tree.
    fn what_else(&mut self, word: Slot) -> Option<What> {
        if word.tag() == CONTENT {
            return Some(match self.content {
                _ if word.payload() > 0 => What::Int,
                Some(Field::Pairs(_)) => What::Map,
                _ => What::Seq,
            });
        }
        let object = match self.persistent()? {
            Some(found) => found,
            None => Object { tree: self.tree, word },
        };
        let word = object.tree.resolve(object.word);
        Some(match object.atom() {
            _ if Self::words(&object.tree, word, false).is_some() => What::Seq,
            _ if Self::words(&object.tree, word, true).is_some() => What::Map,
            Some(Atom::None) => What::None,
            Some(Atom::Bool(_)) => What::Bool,
            Some(Atom::Int(_) | Atom::Long(_)) => What::Int,
            Some(Atom::Float(_)) => What::Float,
            Some(atom) if self.is_bytes(&atom) => What::Bytes,
            Some(Atom::Str(_) | Atom::ByteString(_)) => What::Text,
            Some(_) => return self.mistyped(),
            None if word.tag() != OBJECT => What::Bytes,
            None => match plain(object) {
                Some(Plain::Bytes(_) | Plain::ByteArray(_)) => What::Bytes,
                _ => What::Seq,
            },
        })
    }

    /// The text that comes, as the encoding has it.
    fn any_text(&mut self) -> Option<Text<'a>> {
        match self.atom()? {
            Atom::Str(text) => Some(text),
            Atom::ByteString(text) => match self.tree.encoding {
                Encoding::Ascii if text.chars().any(|c| c > 127) => self.fail(ErrorKind::BadText),
                _ => Some(text),
            },
            _ => self.mistyped(),
        }
    }

    /// Bytes that are spelled as text, or as a call.
    fn odd_bytes(&mut self) -> Option<Text<'a>> {
        let mut level = Level::new();
        self.any(&mut level, false)?;
        self.exit(&level);
        match level.content {
            Content::Bytes(chars) => Some(chars.text()),
            _ => self.mistyped(),
        }
    }
}
