//! The reader: type codes to slots, with CPython's checks, without recursion.
//!
//! Each container's room is reserved when it opens, since its size is known, and filled as its values come; a dict's
//! pairs, which come uncounted, wait on the arena's stack. What a container needs while it is open stands on that stack
//! too, in three words. A value that is referred to gets a cell of its own; the scan has found which ones those are.

use super::atom;
use super::code::{self, Hold};
use super::head::{Head, Reading};
use super::scan::{self, FRAME, Found};
use super::typecode::*;
use crate::bytes;
use crate::object::arena::{self, Arena, Fault, Slot, Step, Tag};
use crate::object::{Atom, Error, ErrorKind, Object, Result, Tree};

/// The innermost open container.
#[derive(Clone, Copy)]
struct Frame {
    /// What it becomes: LIST, TUPLE ...; [`CODE_FRAME`] for a code object, [`TOP`] for the place of the value itself.
    kind: Tag,
    /// [`KEYS`] and its kin.
    state: Tag,
    /// Where the next value goes; of a dict, how many words wait on the stack.
    place: usize,
    /// How many values are to come; of a code object, the field that is next.
    left: usize,
    /// Its word: its place in the heap, or the cell that leads there.
    word: Slot,
}

/// A state: values must be hashable (a set), or a dict wants a value whose key was hashable.
const WANTED: Tag = 1;
/// A state: something unhashable was seen.
const UNHASHABLE: Tag = 2;
/// Frames that are no container of the arena.
const CODE_FRAME: Tag = arena::OBJECT;
const TOP: Tag = arena::ATOM;

pub(super) struct Reader<'a, 's> {
    reading: Reading,
    layout: &'static [Hold],
    input: &'a [u8],
    at: usize,
    /// Where the value that is being read began.
    start: usize,
    arena: Arena<'s>,
    /// Where the table of references stands in the arena, and how many words it has.
    table: usize,
    table_len: usize,
    /// Indices taken so far, and open containers.
    indices: usize,
    depth: usize,
    frame: Frame,
    result: Slot,
}

/// Reads the value at `at` into the slots; answers it and the place behind it.
pub(super) fn read<'a>(
    reading: Reading,
    input: &'a [u8],
    at: usize,
    slots: &'a mut [Slot],
) -> Result<(Object<'a>, usize)> {
    if input.len() > Slot::MAX_INPUT {
        return Err(Error::new(ErrorKind::TooLong, 0));
    }
    let mut found = Found { end: at, ..Found::default() };
    let (table, cells, needed) = match scan::scan(&reading, input, slots, true, &mut found) {
        Ok(table) => {
            let cells = referred(slots, table);
            (table, cells, found.slots(cells, table, input.len()))
        }
        Err(Fault::Full) => (0, 0, scan::bound(input.len())),
        Err(fault) => return Err(fault.at(input, found.end)),
    };
    if needed > slots.len() {
        return Err(Error::new(ErrorKind::OutOfSlots { needed }, at));
    }
    // The table moves behind the cells.
    slots.copy_within(..table, cells);
    let frame = Frame { kind: TOP, state: 0, place: 0, left: 1, word: Slot::EMPTY };
    let mut reader = Reader {
        reading,
        layout: code::holds(reading.python),
        input,
        at,
        start: at,
        arena: Arena::new(slots, cells, table),
        table: cells,
        table_len: table,
        indices: 0,
        depth: 0,
        frame,
        result: Slot::EMPTY,
    };
    let ran = reader.run();
    ran.map_err(|fault| fault.at(input, reader.start))?;
    let (word, end) = (reader.result, reader.at);
    let (slots, cells) = reader.arena.finish();
    let read_atom = if reading.python.is_2() { atom::read_2 } else { atom::read_3 };
    Ok((Object::new(Tree::new(input, (slots, cells), read_atom), word), end))
}

/// How many values are referred to; writes behind each word of the table how many are before.
fn referred(slots: &mut [Slot], table: usize) -> usize {
    let mut sum: usize = 0;
    for pair in slots.get_mut(..table).unwrap_or_default().chunks_exact_mut(2) {
        if let [bits, before] = pair {
            *before = Slot::raw(sum as u32);
            sum = sum.wrapping_add(bits.bits().count_ones() as usize);
        }
    }
    sum
}

impl Reader<'_, '_> {
    fn run(&mut self) -> Step {
        while self.frame.kind != TOP || self.frame.left > 0 {
            self.start = self.at;
            self.object()?;
        }
        Ok(())
    }

    /// One type code: an atom is put into its place, a container opened or closed.
    fn object(&mut self) -> Step {
        let start = self.start;
        let head = self.reading.head(self.input, start)?;
        self.at = head.end;
        match head.code {
            NULL => self.null(),
            REF | STRING_REF => {
                let word = self.reference(head.count)?;
                let hashable = self.is_hashable(self.arena.resolve(word));
                self.put(word, hashable)
            }
            TUPLE | SMALL_TUPLE if head.count == 0 => {
                self.whole(head, Slot::new(arena::SIMPLE, arena::SIMPLE_EMPTY_TUPLE as usize))
            }
            TUPLE | SMALL_TUPLE => self.open_row(head, arena::TUPLE, arena::UNHASHABLE, 0),
            FROZENSET => self.open_row(head, arena::FROZENSET, 0, WANTED),
            SLICE => self.open_row(head, arena::FIXED, arena::FORM_SLICE, 0),
            LIST => self.open_ring(head, arena::LIST, 0),
            SET => self.open_ring(head, arena::SET, WANTED),
            DICT => self.open_ring(head, arena::DICT, 0),
            FROZENDICT => self.open_ring(head, arena::FROZENDICT, 0),
            CODE if !self.reading.allow_code => Err(Fault::WrongKind),
            CODE => {
                let fields = self.layout.len();
                self.open_row(Head { count: fields, ..head }, CODE_FRAME, arena::FORM_CODE, 0)
            }
            code => {
                let body = self.input.get(start.wrapping_add(1)..head.end).unwrap_or_default();
                match atom::any(code, body, self.reading.python.is_2()).ok_or(Fault::BadArgument)? {
                    Atom::Str(text) if !text.is_valid() => return Err(Fault::BadText),
                    _ => {}
                }
                self.whole(head, Slot::new(arena::ATOM, start))
            }
        }
    }

    /// A value that is complete at once.
    fn whole(&mut self, head: Head, word: Slot) -> Step {
        let word = if head.indexed { self.index(word)? } else { word };
        self.put(word, true)
    }

    /// Gives a value its index, and a cell if it is referred to.
    fn index(&mut self, word: Slot) -> Step<Slot> {
        let index = self.indices;
        self.indices = index.wrapping_add(1);
        let (bits, _) = self.entry(index);
        if bits >> (index % 32) & 1 == 1 { self.arena.share(word) } else { Ok(word) }
    }

    /// The table's words for an index.
    fn entry(&self, index: usize) -> (u32, usize) {
        let at = (index / 32).wrapping_mul(2);
        if at >= self.table_len {
            return (0, 0);
        }
        let at = self.table.wrapping_add(at);
        (self.arena.get(at).bits(), self.arena.get(at.wrapping_add(1)).bits() as usize)
    }

    /// The word of a value that was given an index.
    fn reference(&self, index: usize) -> Step<Slot> {
        let (bits, before) = self.entry(index);
        let bit = 1u32 << (index % 32);
        if index >= self.indices || bits & bit == 0 {
            return Err(Fault::NoSuchEntry);
        }
        let cell = before.wrapping_add((bits & bit.wrapping_sub(1)).count_ones() as usize);
        let word = Slot::new(arena::SHARED, cell);
        // A frozenset, a slice, a frozendict or a code object that is not complete.
        if self.arena.resolve(word).tag() == arena::MARK { Err(Fault::NoSuchEntry) } else { Ok(word) }
    }

    /// Opens a container that is a row.
    fn open_row(&mut self, head: Head, kind: Tag, flags: Tag, state: Tag) -> Step {
        let row = self.arena.open_row(flags, head.count)?;
        if kind == arena::FIXED {
            // Whether a slice is hashable has no other place.
            self.arena.reserve(1)?;
        }
        self.open(head, kind, row, row.wrapping_add(1), head.count, state)
    }

    /// Opens a container that is a ring of chunks: of one chunk, if its size is known.
    fn open_ring(&mut self, head: Head, kind: Tag, state: Tag) -> Step {
        let header = self.arena.header()?;
        if matches!(kind, arena::DICT | arena::FROZENDICT) {
            return self.open(head, kind, header, 0, usize::MAX, state);
        }
        let mut place = 0;
        if head.count > 0 {
            place = self.arena.open_chunk(header, 0, head.count)?.wrapping_add(2);
        }
        self.open(head, kind, header, place, head.count, state)
    }

    fn open(&mut self, head: Head, kind: Tag, payload: usize, place: usize, left: usize, state: Tag) -> Step {
        // A value inside of it would be too deep.
        self.depth = self.depth.wrapping_add(1);
        if self.depth >= MAX_DEPTH && left > 0 {
            return Err(Fault::TooDeep);
        }
        let mut word = Slot::new(if kind == CODE_FRAME { arena::FIXED } else { kind }, payload);
        if head.indexed {
            // These may not be referred to before they are complete; an empty frozenset is complete at once.
            let late = matches!(kind, arena::FROZENSET | arena::FIXED | arena::FROZENDICT | CODE_FRAME);
            word = self.index(if late { Slot::new(arena::MARK, payload) } else { word })?;
        }
        let outer = self.frame;
        self.arena.push(Slot::new(outer.kind, outer.place))?;
        self.arena.push(Slot::new(outer.state, outer.left))?;
        self.arena.push(outer.word)?;
        self.frame = Frame { kind, state, place, left, word };
        if kind == CODE_FRAME {
            self.numbers()?;
        }
        self.settle()
    }

    /// Closes what is complete.
    fn settle(&mut self) -> Step {
        while self.frame.left == 0 && self.frame.kind != TOP {
            self.close()?;
        }
        Ok(())
    }

    /// Closes the innermost container and puts it into its place.
    fn close(&mut self) -> Step {
        let inner = self.frame;
        let (kind, hashable) = match inner.kind {
            CODE_FRAME => (arena::FIXED, true),
            arena::FROZENSET => (arena::FROZENSET, true),
            kind => {
                (kind, inner.state & UNHASHABLE == 0 && matches!(kind, arena::TUPLE | arena::FIXED | arena::FROZENDICT))
            }
        };
        let payload = self.arena.resolve(inner.word).payload();
        match inner.kind {
            arena::TUPLE if hashable => self.arena.set_flags(payload, 0),
            arena::FIXED => self.arena.set(payload.wrapping_add(4), Slot::raw(u32::from(hashable))),
            _ => {}
        }
        let value = Slot::new(kind, payload);
        self.arena.set_shared(inner.word, value);
        let word = if inner.word.tag() == arena::SHARED { inner.word } else { value };
        self.depth = self.depth.wrapping_sub(1);
        // The three words of the container around it.
        let (kind, state) = (self.arena.peek_below(2)?, self.arena.peek_below(1)?);
        let outer = self.arena.peek()?;
        self.arena.drop_words(FRAME);
        let left = if state.payload() == Slot::MAX_INPUT { usize::MAX } else { state.payload() };
        self.frame = Frame { kind: kind.tag(), state: state.tag(), place: kind.payload(), left, word: outer };
        self.fill(word, hashable)
    }

    /// Puts a value into its place and closes what is then complete.
    fn put(&mut self, word: Slot, hashable: bool) -> Step {
        self.fill(word, hashable)?;
        self.settle()
    }

    /// Puts a value into its place.
    fn fill(&mut self, word: Slot, hashable: bool) -> Step {
        let frame = &mut self.frame;
        match frame.kind {
            TOP => {
                self.result = word;
                frame.left = 0;
                return Ok(());
            }
            arena::DICT | arena::FROZENDICT => {
                self.arena.push(word)?;
                frame.place = frame.place.wrapping_add(1);
                if frame.place % 2 == 1 {
                    // A key: whether it may be one is asked when its value is there.
                    frame.state = frame.state & UNHASHABLE | if hashable { 0 } else { WANTED };
                } else if frame.state & WANTED != 0 {
                    return Err(Fault::Unhashable);
                } else if !hashable {
                    frame.state |= UNHASHABLE;
                }
                return Ok(());
            }
            CODE_FRAME => return self.field(word),
            _ => {}
        }
        if !hashable {
            if frame.state & WANTED != 0 {
                return Err(Fault::Unhashable);
            }
            frame.state |= UNHASHABLE;
        }
        let place = frame.place;
        frame.place = place.wrapping_add(1);
        frame.left = frame.left.wrapping_sub(1);
        self.arena.set(place, word);
        Ok(())
    }

    /// NULL: a dict ends.
    fn null(&mut self) -> Step {
        if !matches!(self.frame.kind, arena::DICT | arena::FROZENDICT) {
            return Err(Fault::WrongKind);
        }
        if self.frame.place % 2 == 1 {
            // In a value's place. CPython drops the key; Python 3 also ends the dict.
            self.arena.drop_words(1);
            self.frame.place = self.frame.place.wrapping_sub(1);
            if self.reading.python.is_2() {
                return Ok(());
            }
        }
        let header = self.arena.resolve(self.frame.word).payload();
        self.arena.append(header, 0, self.frame.place, false)?;
        if self.frame.state & UNHASHABLE != 0 {
            let last = self.arena.get(header).payload();
            self.arena.set(header, Slot::new(arena::UNHASHABLE, last));
        }
        self.close()?;
        self.settle()
    }

    /// The next fields of a code object that are numbers.
    fn numbers(&mut self) -> Step {
        let at = self.layout.len().wrapping_sub(self.frame.left);
        for _ in 0..code::numbers(self.layout, at) {
            let number = bytes::u32_le(self.input, self.at).ok_or(Fault::Truncated)? as i32;
            // The counts stand at the beginning. The first line's number, which stands behind values, has a sign.
            if number < 0 && at == 0 {
                return Err(Fault::BadArgument);
            }
            self.next_field(Slot::new(arena::NUMBER, self.at));
            self.at = self.at.wrapping_add(4);
        }
        Ok(())
    }

    fn next_field(&mut self, word: Slot) {
        self.arena.set(self.frame.place, word);
        self.frame.place = self.frame.place.wrapping_add(1);
        self.frame.left = self.frame.left.wrapping_sub(1);
    }

    /// A field of a code object that is a value.
    fn field(&mut self, word: Slot) -> Step {
        let field = self.layout.len().wrapping_sub(self.frame.left);
        let hold = self.layout.get(field).copied().unwrap_or(Hold::Number);
        if !self.holds(hold, word) {
            return Err(Fault::WrongKind);
        }
        self.next_field(word);
        self.numbers()
    }

    /// Whether a value is what a field must hold.
    fn holds(&self, hold: Hold, word: Slot) -> bool {
        let word = self.arena.resolve(word);
        let code = match word.tag() {
            arena::ATOM => bytes::u8(self.input, word.payload()).unwrap_or(0) & !FLAG_REF,
            _ => 0,
        };
        let python_2 = self.reading.python.is_2();
        let tuple = word.tag() == arena::TUPLE;
        let empty = word.tag() == arena::SIMPLE;
        match hold {
            Hold::Number => false,
            Hold::Bytes => code == STRING || python_2 && code == INTERNED,
            Hold::Text if python_2 => matches!(code, STRING | INTERNED),
            Hold::Text => {
                matches!(code, UNICODE | INTERNED | ASCII | ASCII_INTERNED | SHORT_ASCII | SHORT_ASCII_INTERNED)
            }
            Hold::Tuple => tuple || empty,
            Hold::Names if !tuple => empty,
            Hold::Names => {
                let row = word.payload();
                let n = self.arena.get(row).payload();
                (1..=n).all(|i| {
                    let item = self.arena.resolve(self.arena.get(row.wrapping_add(i)));
                    item.tag() == arena::ATOM && self.holds(Hold::Text, item)
                })
            }
        }
    }

    /// Whether a complete value can be a key.
    fn is_hashable(&self, word: Slot) -> bool {
        let at = word.payload();
        match word.tag() {
            arena::LIST | arena::DICT | arena::SET => false,
            arena::TUPLE | arena::FROZENDICT => self.arena.get(at).tag() & arena::UNHASHABLE == 0,
            arena::FIXED if self.arena.get(at).tag() == arena::FORM_SLICE => {
                self.arena.get(at.wrapping_add(4)).bits() != 0
            }
            _ => true,
        }
    }
}
