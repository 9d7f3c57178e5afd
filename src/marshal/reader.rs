//! The reader: type codes to slots, with CPython's checks, without recursion.
//!
//! It goes through the value twice. The first time it writes nothing but what it must remember of open containers: so it
//! finds where the value ends, what room it takes, and which values are referred to. The second time each container's
//! room is reserved when it opens, since its size is known, and filled as its values come; a dict's pairs, which come
//! uncounted, wait on the arena's stack. What a container needs while it is open stands on that stack too, in three words.
//! Each index of the table of references has a cell; a value that is referred to is kept there.

use super::atom;
use super::cursor::{Cursor, Rules};
use super::typecode::*;
use crate::object::arena::{self, Arena, Fault, Slot, Step, Tag};
use crate::object::{Atom, Error, ErrorKind, Object, Result, Tree};

/// What going through a value is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// To count what it needs.
    Count,
    /// The same, and to mark which indices are referred to.
    Mark,
    /// To read it.
    Write,
}

/// The innermost open container.
#[derive(Clone, Copy)]
pub(super) struct Frame {
    /// What it becomes: LIST, TUPLE ...; [`CODE_FRAME`] for a code object, [`TOP`] for the place of the value itself.
    pub kind: Tag,
    /// Where the next value goes; of a dict, how many words wait on the stack.
    pub place: usize,
    /// The place behind its last value. A dict's is known when it ends.
    pub end: usize,
    /// Its word: its place in the heap, or the cell that leads there.
    word: Slot,
}

/// Frames that are no container of the arena.
pub(super) const CODE_FRAME: Tag = arena::OBJECT;
const TOP: Tag = arena::ATOM;

/// The words of an open container on the stack.
const FRAME: usize = 3;
/// The words of a ring before its values, if there are any, and of a row.
const RING: usize = 3;
const ROW: usize = 1;
/// A dict's end, until it is known.
const OPEN: usize = u32::MAX as usize;
/// What stands in the cell of an index that is referred to before its value is read.
const REFERRED: Slot = Slot::raw(1);

/// What counting has memory for: 60 open containers.
const COUNTED: usize = 60 * FRAME;

const fn is_ring(kind: Tag) -> bool {
    matches!(kind, arena::LIST | arena::SET | arena::DICT | arena::FROZENDICT)
}

const fn is_dict(kind: Tag) -> bool {
    matches!(kind, arena::DICT | arena::FROZENDICT)
}

pub(super) struct Reader<'a, 's> {
    pub cursor: Cursor<'a>,
    pub arena: Arena<'s>,
    pub frame: Frame,
    mode: Mode,
    /// The words of containers so far, while nothing is written.
    heap: usize,
    /// Indices taken so far; open containers; the most of them.
    indices: usize,
    depth: usize,
    deepest: usize,
    /// The value that was read last.
    last: Slot,
}

/// Reads the value at `at` into the slots; answers it and the place behind it.
pub(super) fn read<'a>(
    rules: Rules,
    input: &'a [u8],
    at: usize,
    slots: &'a mut [Slot],
) -> Result<(Object<'a>, usize)> {
    let mut reader = Reader::new(Cursor::new(rules, input, at), slots, Mode::Mark, 0);
    let (needed, cells) = (reader.needed()?, reader.indices);
    if input.len() > Slot::MAX_INPUT || needed > Slot::MAX_INPUT {
        return Err(Error::new(ErrorKind::TooLong, 0));
    }
    if needed > slots.len() {
        return Err(Error::new(ErrorKind::OutOfSlots { needed }, at));
    }
    let mut reader = Reader::new(Cursor::new(rules, input, at), slots, Mode::Write, cells);
    reader.run().map_err(|fault| fault.at(input, reader.cursor.start))?;
    let (word, end) = (reader.last, reader.cursor.at);
    let read_atom = if rules.python.is_2() { atom::read_2 } else { atom::read_3 };
    Ok((Object::new(Tree::new(input, (reader.arena.finish().0, cells), read_atom), word), end))
}

/// The slots that the value at the start of `input` needs, see [`super::Unmarshaller::slots_needed`].
pub(super) fn slots_needed(rules: Rules, input: &[u8]) -> Result<usize> {
    Reader::new(Cursor::new(rules, input, 0), &mut [Slot::EMPTY; COUNTED], Mode::Count, 0).needed()
}

/// The place behind the value at `at`; none for a malformed one, or one nested deeper than 60.
pub(super) fn end(rules: Rules, input: &[u8], at: usize) -> Option<usize> {
    let mut slots = [Slot::EMPTY; COUNTED];
    let mut reader = Reader::new(Cursor::new(rules, input, at), &mut slots, Mode::Count, 0);
    reader.run().ok().map(|()| reader.cursor.at)
}

impl<'a, 's> Reader<'a, 's> {
    #[inline(never)]
    fn new(cursor: Cursor<'a>, slots: &'s mut [Slot], mode: Mode, cells: usize) -> Self {
        let arena = Arena::new(slots, cells, 0);
        let frame = Frame { kind: TOP, place: 0, end: 1, word: Slot::EMPTY };
        Reader { cursor, arena, frame, mode, heap: 0, indices: 0, depth: 0, deepest: 0, last: Slot::EMPTY }
    }

    /// Goes through the value and answers the slots that it needs; if there is no memory for that, the most that so many
    /// bytes can need: 3 a byte, as `){0` opens a level with 3 bytes and takes 9.
    fn needed(&mut self) -> Result<usize> {
        let input = self.cursor.input;
        let most = input.len().saturating_mul(3).saturating_add(8);
        match self.run() {
            // More is counted only for what is refused: keys that cannot be keys.
            Ok(()) => Ok(self.deepest.wrapping_mul(FRAME).wrapping_add(self.heap).wrapping_add(self.indices).min(most)),
            Err(Fault::Full) => Ok(most),
            Err(fault) => Err(fault.at(input, self.cursor.start)),
        }
    }

    /// Whether this is the time to write.
    pub(super) fn writes(&self) -> bool {
        self.mode == Mode::Write
    }

    fn run(&mut self) -> Step {
        loop {
            if self.frame.kind == CODE_FRAME
                && let Some(fields) = self.cursor.rules.code
            {
                fields(self)?;
            }
            let come = if self.frame.place != self.frame.end {
                self.cursor.next()?;
                self.object()?
            } else if self.depth == 0 {
                return Ok(());
            } else {
                self.close()?;
                true
            };
            if come {
                self.fill()?;
            }
        }
    }

    /// One type code. True: a value came, and is the last one; false: a container begins or ends.
    fn object(&mut self) -> Step<bool> {
        let Cursor { start, count, code, .. } = self.cursor;
        let kind = match code {
            NULL => return self.null(),
            REF | STRING_REF => return self.reference(count),
            TUPLE | SMALL_TUPLE if count > 0 => arena::TUPLE,
            FROZENSET => arena::FROZENSET,
            SLICE => arena::FIXED,
            LIST => arena::LIST,
            SET => arena::SET,
            DICT => arena::DICT,
            FROZENDICT => arena::FROZENDICT,
            CODE if self.cursor.rules.code.is_none() => return Err(Fault::WrongKind),
            CODE => CODE_FRAME,
            _ => arena::ATOM,
        };
        if kind != arena::ATOM {
            return self.open(kind);
        }
        self.last = match code {
            TUPLE | SMALL_TUPLE => Slot::new(arena::SIMPLE, arena::SIMPLE_EMPTY_TUPLE as usize),
            _ => Slot::new(arena::ATOM, start),
        };
        if self.writes() {
            match self.cursor.atom().ok_or(Fault::BadArgument)? {
                Atom::Str(text) if !text.is_valid() => return Err(Fault::BadText),
                _ => {}
            }
        }
        self.index()?;
        Ok(true)
    }

    /// Gives the last value its index, if it takes one: it goes into its cell, if it is referred to.
    #[inline(never)]
    fn index(&mut self) -> Step {
        if !self.cursor.indexed {
            return Ok(());
        }
        let cell = self.indices;
        self.indices = cell.wrapping_add(1);
        match self.mode {
            Mode::Count => {}
            Mode::Mark => {
                self.arena.reserve(1)?;
                self.arena.set(cell, Slot::EMPTY);
            }
            Mode::Write => {
                if self.arena.get(cell) == REFERRED {
                    self.arena.set(cell, self.last);
                    self.last = Slot::new(arena::SHARED, cell);
                }
            }
        }
        Ok(())
    }

    /// The value that was given an index.
    fn reference(&mut self, index: usize) -> Step<bool> {
        if index >= self.indices {
            return Err(Fault::NoSuchEntry);
        }
        match self.mode {
            Mode::Count => {}
            Mode::Mark => self.arena.set(index, REFERRED),
            // A frozenset, a slice, a frozendict or a code object that is not complete.
            Mode::Write if self.arena.get(index).tag() == arena::MARK => return Err(Fault::NoSuchEntry),
            Mode::Write => self.last = Slot::new(arena::SHARED, index),
        }
        Ok(true)
    }

    /// Opens a container.
    fn open(&mut self, kind: Tag) -> Step<bool> {
        let (ring, dict) = (is_ring(kind), is_dict(kind));
        let (count, flags) = match kind {
            arena::FIXED => (3, arena::FORM_SLICE),
            CODE_FRAME => (super::code::holds(self.cursor.rules.python).len(), arena::FORM_CODE),
            arena::TUPLE => (self.cursor.count, arena::UNHASHABLE),
            _ => (self.cursor.count, 0),
        };
        let words = if ring { RING } else { ROW };
        // A value inside of it would be too deep.
        self.depth = self.depth.wrapping_add(1);
        self.deepest = self.deepest.max(self.depth);
        if self.depth >= MAX_DEPTH && (dict || count > 0) {
            return Err(Fault::TooDeep);
        }
        let mut at = self.heap;
        if !self.writes() {
            self.heap = at.wrapping_add(words).wrapping_add(count);
        } else {
            at = self.arena.reserve(if dict { 1 } else { words.wrapping_add(count) })?;
            let row = Slot::new(flags, count);
            if !ring {
                self.arena.set(at, row);
            } else if count == 0 {
                self.arena.set(at, Slot::EMPTY);
            } else {
                let chunk = at.wrapping_add(1);
                self.arena.set(at, Slot::raw(chunk as u32));
                self.arena.set(chunk, row);
                self.arena.set(at.wrapping_add(2), Slot::raw(chunk as u32));
            }
        }
        // These may not be referred to before they are complete; an empty frozenset is complete at once.
        let late = matches!(kind, arena::FROZENSET | arena::FIXED | arena::FROZENDICT | CODE_FRAME);
        self.last = Slot::new(if late { arena::MARK } else { kind }, at);
        self.index()?;
        let outer = self.frame;
        self.arena.push(outer.word)?;
        self.arena.push(Slot::raw(outer.end as u32))?;
        self.arena.push(Slot::new(outer.kind, outer.place))?;
        let place = if dict { 0 } else { at.wrapping_add(words) };
        let end = if dict { OPEN } else { place.wrapping_add(count) };
        self.frame = Frame { kind, place, end, word: self.last };
        Ok(false)
    }

    /// Closes the innermost container, which is then the last value.
    fn close(&mut self) -> Step {
        let Frame { kind, place, word, .. } = self.frame;
        self.last = word;
        if self.writes() {
            let at = self.arena.resolve(word).payload();
            if !is_dict(kind) {
                let first = at.wrapping_add(if is_ring(kind) { RING } else { ROW });
                self.check(at, first, place)?;
            }
            let whole = Slot::new(if kind == CODE_FRAME { arena::FIXED } else { kind }, at);
            if word.tag() == arena::SHARED {
                self.arena.set(word.payload(), whole);
            } else {
                self.last = whole;
            }
        }
        self.depth = self.depth.wrapping_sub(1);
        let outer = self.arena.pop()?;
        let end = self.arena.pop()?.bits() as usize;
        let word = self.arena.pop()?;
        self.frame = Frame { kind: outer.tag(), place: outer.payload(), end, word };
        Ok(())
    }

    /// Takes the number at `at`, which has no type code, for the next value.
    pub(super) fn number(&mut self, at: usize) {
        if self.writes() {
            self.arena.set(self.frame.place, Slot::new(arena::NUMBER, at));
        }
        self.frame.place = self.frame.place.wrapping_add(1);
        self.cursor.at = at.wrapping_add(4);
    }

    /// Puts the last value into its place.
    fn fill(&mut self) -> Step {
        let Frame { kind, place, .. } = self.frame;
        self.frame.place = place.wrapping_add(1);
        if !self.writes() {
            self.heap = self.heap.wrapping_add(usize::from(is_dict(kind)));
        } else if is_dict(kind) {
            self.arena.push(self.last)?;
        } else if kind != TOP {
            self.arena.set(place, self.last);
        }
        Ok(())
    }

    /// NULL: a dict ends.
    fn null(&mut self) -> Step<bool> {
        let Frame { kind, mut place, word, .. } = self.frame;
        if !is_dict(kind) {
            return Err(Fault::WrongKind);
        }
        if place & 1 == 1 {
            // In a value's place. CPython drops the key; Python 3 also ends the dict.
            place = place.wrapping_sub(1);
            self.frame.place = place;
            if self.writes() {
                self.arena.drop_words(1);
            }
            if self.cursor.rules.python.is_2() {
                return Ok(false);
            }
        }
        self.frame.end = place;
        if self.writes() {
            let (header, top) = (self.arena.resolve(word).payload(), self.arena.top());
            self.check(header, top, top.wrapping_add(place))?;
            self.arena.append(header, 0, place, false)?;
        }
        Ok(false)
    }

    /// Refuses what holds something unhashable and must not; where it may, its first word says so. A dict's words stand
    /// on the stack, the last on top.
    #[inline(never)]
    fn check(&mut self, at: usize, first: usize, end: usize) -> Step {
        let kind = self.frame.kind;
        let hashable = self.arena.hashable(first, end, 1);
        let fine = match kind {
            arena::SET | arena::FROZENSET => hashable,
            arena::DICT | arena::FROZENDICT => hashable || self.arena.hashable(first.wrapping_add(1), end, 2),
            _ => true,
        };
        if !fine {
            return Err(Fault::Unhashable);
        }
        match kind {
            arena::TUPLE | arena::FROZENDICT if hashable => self.arena.set_flags(at, 0),
            arena::FROZENDICT | arena::FIXED if !hashable => self.arena.set_flags(at, arena::UNHASHABLE),
            _ => {}
        }
        Ok(())
    }
}
