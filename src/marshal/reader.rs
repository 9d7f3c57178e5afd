//! The reader: type codes to slots, with CPython's checks, without recursion.
//!
//! It goes through a value twice. The first time it writes nothing but what it must remember of open containers: so it
//! finds where the value ends, what room it takes, and which values are referred to. The second time each container's
//! room is reserved when it opens, since its size is known, and filled as its values come; a dict's pairs, which come
//! uncounted, wait on the arena's stack. What a container needs while it is open stands on that stack too, in three words.
//! Each index of the table of references has a cell; a value that is referred to is kept there.

use super::atom;
use super::cursor::{Cursor, Makes, Rules};
use super::typecode::MAX_DEPTH;
use crate::object::arena::Arena;
use crate::object::fault::{Fault, Step};
use crate::object::slot::{self as cell, Slot, Tag};
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
#[repr(C)]
pub(super) struct Frame {
    /// What it becomes: LIST, TUPLE ...; [`CODE_FRAME`] for a code object.
    pub kind: Tag,
    /// Where the next value goes; of a dict, how many words wait on the stack.
    pub place: usize,
    /// The place behind its last value. A dict's is known when it ends.
    pub end: usize,
    /// Its word: its place in the heap, or the cell that leads there.
    word: Slot,
}

/// The frame of a code object.
pub(super) const CODE_FRAME: Tag = cell::OBJECT;

/// The words of an open container on the stack.
const FRAME: usize = 3;
/// What counting has memory for: 60 open containers.
const COUNTED: usize = 60 * FRAME;
/// A dict's end, until it is known. No slot is as far: where the value itself is put is before it.
const OPEN: usize = Slot::MAX_INPUT;
/// What stands in the cell of an index that is referred to before its value is read.
const REFERRED: Slot = Slot::raw(1);

// What a kind of container is.

/// A ring, with three words before its values if there are any; else a row, with one.
const RING: u8 = 1;
/// Its values come uncounted, in pairs, and every first one must be hashable.
const DICT: u8 = 2;
/// It may not be referred to before it is complete. An empty frozenset is complete at once.
const LATE: u8 = 4;
/// Its values must be hashable.
const MEMBERS: u8 = 8;
/// Its first word says whether it is hashable itself.
const MARKED: u8 = 16;
/// Above that: the flags or form of its row.
const FLAGS: u8 = 5;

/// By kind, less 8 if there are 8.
static SHAPES: [u8; 8] = [
    MARKED | cell::UNHASHABLE << FLAGS,
    LATE | MEMBERS,
    LATE | cell::FORM_CODE << FLAGS,
    LATE | MARKED | cell::FORM_SLICE << FLAGS,
    RING,
    RING | DICT,
    RING | MEMBERS,
    RING | DICT | LATE | MARKED,
];

#[inline]
fn shape(kind: Tag) -> u8 {
    SHAPES.get(usize::from(kind & 7)).copied().unwrap_or(0)
}

/// The words before the values.
fn head(shape: u8) -> usize {
    usize::from(shape & RING).wrapping_mul(2).wrapping_add(1)
}

/// Bytes stand first, where short loads reach them.
#[repr(C)]
pub(super) struct Reader<'a, 's> {
    mode: Mode,
    pub frame: Frame,
    pub cursor: Cursor<'a>,
    /// The words of containers so far, while nothing is written.
    heap: usize,
    /// Indices taken so far; open containers; the most of them.
    indices: usize,
    depth: usize,
    deepest: usize,
    /// The value that was read last.
    last: Slot,
    /// The slots that it takes, once that is known.
    needed: usize,
    pub arena: Arena<'s>,
}

/// Reads the value at `at` into the slots; `at` is then the place behind it.
pub(super) fn read<'a>(rules: &Rules, input: &'a [u8], at: &mut usize, slots: &'a mut [Slot]) -> Result<Object<'a>> {
    let mut reader = Reader::new(rules, input, *at, slots, Mode::Mark);
    match reader.read(*at) {
        Ok(()) => {
            *at = reader.cursor.at;
            let read_atom = if rules.python.is_2() { atom::read_2 } else { atom::read_3 };
            let slots = (reader.arena.finish().0, reader.indices);
            Ok(Object::new(Tree::new(input, slots, read_atom), reader.last))
        }
        Err(fault) => Err(reader.error(fault)),
    }
}

/// The slots that the value at the start of `input` needs, see [`super::Unmarshaller::slots_needed`].
pub(super) fn slots_needed(rules: &Rules, input: &[u8]) -> Result<usize> {
    let mut slots = [Slot::EMPTY; COUNTED];
    let mut reader = Reader::new(rules, input, 0, &mut slots, Mode::Count);
    match reader.count() {
        Ok(()) => Ok(reader.needed),
        Err(fault) => Err(reader.error(fault)),
    }
}

/// The place behind the value at `at`; none for a malformed one, or one nested deeper than 60.
pub(super) fn end(rules: &Rules, input: &[u8], at: usize) -> Option<usize> {
    let mut slots = [Slot::EMPTY; COUNTED];
    let mut reader = Reader::new(rules, input, at, &mut slots, Mode::Count);
    reader.run().ok().map(|()| reader.cursor.at)
}

impl<'a, 's> Reader<'a, 's> {
    fn new(rules: &Rules, input: &'a [u8], at: usize, slots: &'s mut [Slot], mode: Mode) -> Self {
        Reader {
            cursor: Cursor::new(rules, input, at),
            arena: Arena::new(slots, 0, 0),
            frame: Frame { kind: 0, place: OPEN.wrapping_sub(1), end: OPEN, word: Slot::EMPTY },
            mode,
            heap: 0,
            indices: 0,
            depth: 0,
            deepest: 0,
            last: Slot::EMPTY,
            needed: 0,
        }
    }

    /// Goes through the value to know the slots that it needs; without the memory for that, the most that so many bytes
    /// can need: 3 a byte, as `){0` opens a level with 3 bytes and takes 9.
    fn count(&mut self) -> Step {
        self.needed = self.cursor.input.len();
        if self.needed > Slot::MAX_INPUT {
            return Err(Fault::TooLong);
        }
        self.needed = self.needed.wrapping_mul(3).wrapping_add(8);
        match self.run() {
            Ok(()) => {
                let counted = self.deepest.wrapping_mul(FRAME).wrapping_add(self.heap).wrapping_add(self.indices);
                // More is counted only for what is refused: keys that cannot be keys.
                self.needed = counted.min(self.needed);
                Ok(())
            }
            Err(Fault::Full) if self.mode == Mode::Count => Ok(()),
            Err(Fault::Full) => {
                // With so many, nothing that is whole comes here.
                self.arena.restart(0, self.needed)?;
                Err(Fault::Truncated)
            }
            fault => fault,
        }
    }

    /// Reads the value at `at`: all of it.
    fn read(&mut self, at: usize) -> Step {
        self.count()?;
        self.cursor.start = at;
        if self.needed >= OPEN {
            return Err(Fault::TooLong);
        }
        self.arena.restart(self.indices, self.needed)?;
        self.frame.place = OPEN.wrapping_sub(1);
        (self.cursor.at, self.mode, self.indices) = (at, Mode::Write, 0);
        self.run()
    }

    /// The error of what went wrong at hand.
    #[cold]
    fn error(&self, fault: Fault) -> Error {
        match fault {
            Fault::Full => Error::new(ErrorKind::OutOfSlots { needed: self.needed }, self.cursor.start),
            fault => fault.at(self.cursor.input, self.cursor.start),
        }
    }

    /// Whether this is the time to write.
    pub(super) fn writes(&self) -> bool {
        self.mode == Mode::Write
    }

    /// Writes a word of the heap.
    #[inline(never)]
    pub(super) fn set(&mut self, at: usize, word: Slot) {
        if self.writes() {
            self.arena.set(at, word);
        }
    }

    fn run(&mut self) -> Step {
        loop {
            if self.frame.kind == CODE_FRAME
                && let Some(fields) = self.cursor.rules.code
            {
                fields(self)?;
            }
            if self.frame.place != self.frame.end {
                self.cursor.next()?;
                if !self.value()? {
                    continue;
                }
            } else if self.depth == 0 {
                return Ok(());
            } else {
                self.close()?;
            }
            self.fill()?;
        }
    }

    /// What the type code at hand makes. True: a value, which is the last one now; false: a container begins or ends.
    fn value(&mut self) -> Step<bool> {
        let makes = self.cursor.makes;
        let empty = makes == Makes::Tuple && self.cursor.count == 0;
        match makes {
            Makes::Null => return self.null().map(|()| false),
            Makes::Ref => return self.reference().map(|()| true),
            _ if makes >= Makes::List && !empty => return self.open().map(|()| false),
            _ => {}
        }
        self.last = if empty {
            Slot::new(cell::SIMPLE, cell::SIMPLE_EMPTY_TUPLE as usize)
        } else {
            Slot::new(cell::ATOM, self.cursor.start)
        };
        if self.writes() {
            match &self.cursor.atom() {
                None => return Err(Fault::BadArgument),
                Some(Atom::Str(text)) if !text.is_valid() => return Err(Fault::BadText),
                _ => {}
            }
        }
        self.index().map(|()| true)
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
                    self.last = Slot::new(cell::SHARED, cell);
                }
            }
        }
        Ok(())
    }

    /// The value that was given an index.
    fn reference(&mut self) -> Step {
        let index = self.cursor.count;
        // A frozenset, a slice, a frozendict or a code object may not be complete.
        if index >= self.indices || self.writes() && self.arena.get(index).tag() == cell::MARK {
            return Err(Fault::NoSuchEntry);
        }
        if self.mode == Mode::Mark {
            self.arena.set(index, REFERRED);
        }
        self.last = Slot::new(cell::SHARED, index);
        Ok(())
    }

    /// Opens a container.
    #[inline(never)]
    fn open(&mut self) -> Step {
        let kind = (self.cursor.makes as u8).wrapping_sub(Makes::List as u8).wrapping_add(cell::LIST);
        let shape = shape(kind);
        let count = match kind {
            cell::FIXED => 3,
            CODE_FRAME if self.cursor.rules.code.is_none() => return Err(Fault::WrongKind),
            CODE_FRAME => usize::from(self.cursor.rules.fields),
            _ => self.cursor.count,
        };
        self.depth = self.depth.wrapping_add(1);
        self.deepest = self.deepest.max(self.depth);
        // A value inside of it would be too deep.
        if self.depth >= MAX_DEPTH && (shape & DICT != 0 || count > 0) {
            return Err(Fault::TooDeep);
        }
        // A dict's pairs come later; of an empty ring there is nothing but its header.
        let size = if count == 0 { 1 } else { head(shape).wrapping_add(count) };
        let at = self.heap;
        self.heap = at.wrapping_add(size);
        if self.heap >= OPEN {
            return Err(Fault::TooLong);
        }
        let at = if self.writes() { self.arena.reserve(size)? } else { at };
        let row = Slot::new(shape >> FLAGS, count);
        if shape & RING == 0 {
            self.set(at, row);
        } else if count == 0 {
            self.set(at, Slot::EMPTY);
        } else {
            let chunk = at.wrapping_add(1);
            self.set(at, Slot::raw(chunk as u32));
            self.set(chunk, row);
            self.set(at.wrapping_add(2), Slot::raw(chunk as u32));
        }
        self.last = Slot::new(if shape & LATE != 0 { cell::MARK } else { kind }, at);
        self.index()?;
        let outer = self.frame;
        for word in [outer.word, Slot::raw(outer.end as u32), Slot::new(outer.kind, outer.place)] {
            self.arena.push(word)?;
        }
        let place = at.wrapping_add(head(shape));
        self.frame = Frame { kind, place, end: place.wrapping_add(count), word: self.last };
        if shape & DICT != 0 {
            (self.frame.place, self.frame.end) = (0, OPEN);
        }
        Ok(())
    }

    /// Closes the innermost container, which is then the last value.
    #[inline(never)]
    fn close(&mut self) -> Step {
        let Frame { kind, place, word, .. } = self.frame;
        let (shape, at) = (shape(kind), self.arena.resolve(word).payload());
        if shape & DICT == 0 {
            self.check(at, at.wrapping_add(head(shape)), place)?;
        }
        self.last = Slot::new(if kind == CODE_FRAME { cell::FIXED } else { kind }, at);
        if word.tag() == cell::SHARED {
            self.arena.set(word.payload(), self.last);
            self.last = word;
        }
        self.depth = self.depth.wrapping_sub(1);
        let outer = self.arena.pop()?;
        let end = self.arena.pop()?.bits() as usize;
        let word = self.arena.pop()?;
        self.frame = Frame { kind: outer.tag(), place: outer.payload(), end, word };
        Ok(())
    }

    /// Puts the last value into its place.
    fn fill(&mut self) -> Step {
        let place = self.frame.place;
        self.frame.place = place.wrapping_add(1);
        if shape(self.frame.kind) & DICT == 0 {
            self.set(place, self.last);
            return Ok(());
        }
        self.heap = self.heap.wrapping_add(1);
        if self.writes() { self.arena.push(self.last) } else { Ok(()) }
    }

    /// Takes the number at `at`, which has no type code, for the next value.
    pub(super) fn number(&mut self, at: usize) {
        self.set(self.frame.place, Slot::new(cell::NUMBER, at));
        self.frame.place = self.frame.place.wrapping_add(1);
        self.cursor.at = at.wrapping_add(4);
    }

    /// NULL: a dict ends.
    #[inline(never)]
    fn null(&mut self) -> Step {
        let Frame { kind, mut place, word, .. } = self.frame;
        if shape(kind) & DICT == 0 {
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
                return Ok(());
            }
        }
        self.frame.end = place;
        // A chunk has two words more.
        self.heap = self.heap.wrapping_add(if place > 0 { 2 } else { 0 });
        if self.writes() {
            let (header, top) = (self.arena.resolve(word).payload(), self.arena.top());
            self.check(header, top, top.wrapping_add(place))?;
            self.arena.append(header, 0, place, false)?;
        }
        Ok(())
    }

    /// Refuses what holds something unhashable and must not; where it may, its first word says so. A dict's words stand
    /// on the stack, the last on top.
    #[inline(never)]
    fn check(&mut self, at: usize, first: usize, end: usize) -> Step {
        let shape = shape(self.frame.kind);
        if !self.writes() {
            return Ok(());
        }
        let unhashable = self.arena.unhashable(first, end);
        // From a stack's top on, every second word is a key.
        let members = if shape & MEMBERS != 0 { 3 } else { shape & DICT };
        if unhashable & members != 0 {
            return Err(Fault::Unhashable);
        }
        if shape & MARKED != 0 {
            let flags = if unhashable == 0 { shape >> FLAGS & !cell::UNHASHABLE } else { cell::UNHASHABLE };
            self.arena.set_flags(at, flags);
        }
        Ok(())
    }
}
