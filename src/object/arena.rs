//! The cells that decoding fills, for both codecs: a stack that grows down from the end, a heap that grows up.
//!
//! A [`Slot`] is a 4-bit tag and a 28-bit payload. What the tags say:
//!
//! ```text
//! ATOM       payload: the byte of the input where the atom's code stands; read on demand
//! SIMPLE     payload: one of a few values that need no place (None, the empty tuple ...)
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
//!
//! Chunks form a ring: the header knows the last, whose `next` is the first, so that appending and reading in order both
//! cost nothing. The last chunk grows in place while it ends where the heap ends. Every cell pushed is moved into a chunk
//! or row at most once, so decoding is linear in the input.

use super::error::{Error, ErrorKind};

/// One cell of decoded structure: four bytes. Lend a codec as many as its `slots_needed` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[repr(transparent)]
pub struct Slot(u32);

/// What a slot's payload means; see the module's table.
pub type Tag = u8;
/// An atom, at its place in the input.
pub const ATOM: Tag = 0;
/// A value that needs no place: `SIMPLE_*`.
pub const SIMPLE: Tag = 1;
/// A cell that holds a value referred to more than once.
pub const SHARED: Tag = 2;
/// A mark on the stack.
pub const MARK: Tag = 3;
/// A list.
pub const LIST: Tag = 4;
/// A dict.
pub const DICT: Tag = 5;
/// A set.
pub const SET: Tag = 6;
/// A frozendict (marshal version 6).
pub const FROZENDICT: Tag = 7;
/// A tuple.
pub const TUPLE: Tag = 8;
/// A frozenset.
pub const FROZENSET: Tag = 9;
/// What a stream wants called or made: reduce, newobj, newobj_ex, inst.
pub const OBJECT: Tag = 10;
/// A fixed number of words: `FORM_*`.
pub const FIXED: Tag = 11;
/// An out-of-band buffer.
pub const BUFFER: Tag = 12;

/// A signed number of four bytes, little end first, at its place in the input; it has no code.
pub const NUMBER: Tag = 13;

/// An atom that is not hashable: a bytearray, at its place in the input.
pub const MUTABLE: Tag = 14;

/// The value None.
pub const SIMPLE_NONE: u32 = 0;
/// The empty tuple.
pub const SIMPLE_EMPTY_TUPLE: u32 = 1;

/// Forms of FIXED: a global named by two words, module and qualified name.
pub const FORM_GLOBAL: Tag = 0;
/// A persistent id: one word.
pub const FORM_PERSID: Tag = 5;
/// A read-only view: one word.
pub const FORM_READONLY: Tag = 3;
/// A slice: start, stop, step.
pub const FORM_SLICE: Tag = 2;
/// A code object: its fields in stream order.
pub const FORM_CODE: Tag = 4;

/// Forms of OBJECT: a callable and a tuple of arguments.
pub const FORM_REDUCE: Tag = 0;
/// A class and a tuple of arguments for its `__new__`.
pub const FORM_NEWOBJ: Tag = 1;
/// A class, a tuple and a dict of arguments for its `__new__`.
pub const FORM_NEWOBJ_EX: Tag = 2;
/// A class and a tuple of arguments, by INST or OBJ.
pub const FORM_INST: Tag = 3;

/// The flag of a TUPLE row and of a FROZENDICT header, and the form of a slice: it holds something unhashable, so it is no
/// dict key.
pub const UNHASHABLE: Tag = 1;

const PAYLOAD: u32 = 0x0fff_ffff;

impl Slot {
    /// An empty cell, to make arrays of: `[Slot::EMPTY; 64]`.
    pub const EMPTY: Slot = Slot(0);

    /// The longest input that a slot can point into.
    pub const MAX_INPUT: usize = PAYLOAD as usize;

    /// A cell of this tag and payload; the payload's upper 4 bits are dropped.
    #[inline]
    pub const fn new(tag: Tag, payload: usize) -> Slot {
        Slot(((tag as u32) << 28) | (payload as u32 & PAYLOAD))
    }

    /// The tag.
    #[inline]
    pub const fn tag(self) -> Tag {
        (self.0 >> 28) as Tag
    }

    /// The payload.
    #[inline]
    pub const fn payload(self) -> usize {
        (self.0 & PAYLOAD) as usize
    }

    /// A cell that holds a plain number: what decoders keep in slots besides decoded structure.
    #[inline]
    pub const fn raw(number: u32) -> Slot {
        Slot(number)
    }

    /// The number of [`Slot::raw`].
    #[inline]
    pub const fn bits(self) -> u32 {
        self.0
    }
}

/// What goes wrong in the arena. The codec knows the place and makes an [`Error`] of it.
///
/// As wide as what functions answer else, so that either comes back in the same registers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Fault {
    /// The slots do not suffice, although the codec counted beforehand that they would.
    Full,
    /// There is nothing above the topmost mark.
    Underflow,
    /// There is no mark.
    NoMark,
    /// See the [`ErrorKind`] of the same name; so are those that follow.
    Truncated,
    /// A byte that is no code, a protocol that is none: the codec knows which.
    UnknownCode,
    /// See there.
    UnknownProtocol,
    /// Longer than a slot can point.
    TooLong,
    /// Not in the memo.
    NoSuchEntry,
    /// An argument that makes no sense.
    BadArgument,
    /// Text that is not in its encoding.
    BadText,
    /// A value of a kind that this place does not allow.
    WrongKind,
    /// A key or member that is not hashable.
    Unhashable,
    /// A key without a value.
    OddItems,
    /// Containers in containers, deeper than the format allows.
    TooDeep,
}

impl Fault {
    /// The error of what went wrong at a byte of the input.
    #[cold]
    pub(crate) fn at(self, input: &[u8], at: usize) -> Error {
        let byte = |at: usize| input.get(at).copied().unwrap_or(0);
        let kind = match self {
            Fault::UnknownCode => ErrorKind::UnknownCode(byte(at)),
            Fault::UnknownProtocol => ErrorKind::UnknownProtocol(byte(at.wrapping_add(1))),
            _ => self.into(),
        };
        Error::new(kind, at)
    }
}

impl From<Fault> for ErrorKind {
    fn from(fault: Fault) -> ErrorKind {
        match fault {
            Fault::Full => ErrorKind::OutOfSlots { needed: usize::MAX },
            Fault::Underflow => ErrorKind::StackUnderflow,
            Fault::NoMark => ErrorKind::NoMark,
            Fault::Truncated => ErrorKind::Truncated,
            Fault::UnknownCode => ErrorKind::UnknownCode(0),
            Fault::UnknownProtocol => ErrorKind::UnknownProtocol(0),
            Fault::TooLong => ErrorKind::TooLong,
            Fault::NoSuchEntry => ErrorKind::NoSuchEntry,
            Fault::BadArgument => ErrorKind::BadArgument,
            Fault::BadText => ErrorKind::BadText,
            Fault::WrongKind => ErrorKind::WrongKind,
            Fault::Unhashable => ErrorKind::Unhashable,
            Fault::OddItems => ErrorKind::OddItems,
            Fault::TooDeep => ErrorKind::TooDeep,
        }
    }
}

/// A step's outcome.
pub type Step<T = ()> = core::result::Result<T, Fault>;

/// What decoding writes into. The codec has checked beforehand, by its prescan, that the slots are enough.
#[derive(Debug)]
pub struct Arena<'s> {
    slots: &'s mut [Slot],
    /// Cells handed out: they stand first.
    cells: usize,
    /// Room for cells, and the next free place of it.
    reserved: usize,
    /// The first free word of the heap.
    heap: usize,
    /// The topmost word of the stack; the stack is empty at `slots.len()`.
    top: usize,
    /// The topmost mark; `slots.len()` when there is none.
    mark: usize,
}

#[cfg(feature = "defmt")]
impl defmt::Format for Arena<'_> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Arena");
    }
}

impl<'s> Arena<'s> {
    /// An arena over these slots, with room for `cells` shared values and `table` words of the codec's own.
    pub fn new(slots: &'s mut [Slot], cells: usize, table: usize) -> Self {
        let top = slots.len();
        Arena { cells: 0, reserved: cells, heap: cells.saturating_add(table), top, mark: top, slots }
    }

    /// The codec's own words from the one to the other, of those between the cells and the heap.
    pub fn table(&mut self, from: usize, to: usize) -> &mut [Slot] {
        self.slots.get_mut(self.reserved.wrapping_add(from)..self.reserved.wrapping_add(to)).unwrap_or_default()
    }

    #[inline]
    pub(crate) fn get(&self, at: usize) -> Slot {
        self.slots.get(at).copied().unwrap_or(Slot::EMPTY)
    }

    #[inline]
    pub(crate) fn set(&mut self, at: usize, word: Slot) {
        if let Some(slot) = self.slots.get_mut(at) {
            *slot = word;
        }
    }

    /// Pushes a word.
    #[inline]
    pub fn push(&mut self, word: Slot) -> Step {
        let top = self.top.wrapping_sub(1);
        match self.slots.get_mut(top) {
            Some(slot) if top >= self.heap => {
                *slot = word;
                self.top = top;
                Ok(())
            }
            _ => Err(Fault::Full),
        }
    }

    /// How many words stand above the topmost mark.
    #[inline]
    pub fn above_mark(&self) -> usize {
        self.mark.wrapping_sub(self.top)
    }

    /// The top word, if it is above the topmost mark.
    #[inline]
    pub fn peek(&self) -> Step<Slot> {
        if self.top < self.mark { Ok(self.get(self.top)) } else { Err(Fault::Underflow) }
    }

    /// The word `below` the top, whether that is above the topmost mark or not.
    #[inline]
    pub fn below(&self, below: usize) -> Slot {
        self.get(self.top.wrapping_add(below))
    }

    /// The word `below` the top, if it is above the topmost mark.
    #[inline]
    pub fn peek_below(&self, below: usize) -> Step<Slot> {
        if self.above_mark() > below { Ok(self.get(self.top.wrapping_add(below))) } else { Err(Fault::Underflow) }
    }

    /// Where the codec's own words begin.
    pub(crate) fn table_start(&self) -> usize {
        self.reserved
    }

    /// Replaces the top word.
    #[inline]
    pub fn replace(&mut self, word: Slot) {
        self.set(self.top, word);
    }

    /// Takes the top word, if it is above the topmost mark.
    #[inline]
    pub fn pop(&mut self) -> Step<Slot> {
        let word = self.peek()?;
        self.top = self.top.wrapping_add(1);
        Ok(word)
    }

    /// Pushes a mark.
    #[inline]
    pub fn push_mark(&mut self) -> Step {
        self.push(Slot::new(MARK, self.mark))?;
        self.mark = self.top;
        Ok(())
    }

    /// Whether any mark is on the stack.
    #[inline]
    pub fn has_mark(&self) -> bool {
        self.mark < self.slots.len()
    }

    /// Takes the mark away and answers how many words stood above it; they stay, and a free word lies beneath them
    /// until [`Arena::drop_words`] with `mark` true.
    #[inline]
    pub fn close_mark(&mut self) -> Step<usize> {
        if !self.has_mark() {
            return Err(Fault::NoMark);
        }
        let above = self.above_mark();
        self.mark = self.get(self.mark).payload();
        Ok(above)
    }

    /// Drops the `n` topmost words, which are there.
    #[inline]
    pub fn drop_words(&mut self, n: usize) {
        self.top = self.top.wrapping_add(n);
    }

    /// Drops all words and marks.
    pub fn clear(&mut self) {
        (self.top, self.mark) = (self.slots.len(), self.slots.len());
    }

    /// Reserves `n` words of the heap.
    #[inline]
    pub fn reserve(&mut self, n: usize) -> Step<usize> {
        let at = self.heap;
        let end = at.saturating_add(n);
        if end > self.top {
            return Err(Fault::Full);
        }
        self.heap = end;
        Ok(at)
    }

    /// Moves the `n` topmost words off the stack, behind `head` words left free on the heap, in the order in which they
    /// were pushed; answers the place of the first free word. `extra` words of the stack beneath them are dropped.
    fn settle(&mut self, head: usize, n: usize, extra: usize) -> Step<usize> {
        let at = self.heap;
        let first = at.saturating_add(head);
        let from = self.top;
        let end = from.saturating_add(n);
        let top = end.saturating_add(extra);
        let stop = first.saturating_add(n);
        if stop > top {
            return Err(Fault::Full);
        }
        if stop <= from {
            // The common case, no overlap: one pass.
            let (low, high) = self.slots.split_at_mut(from);
            if let (Some(to), Some(words)) = (low.get_mut(first..stop), high.get(..n)) {
                for (to, word) in to.iter_mut().zip(words.iter().rev()) {
                    *to = *word;
                }
            }
        } else if let Some(words) = self.slots.get_mut(from..end) {
            words.reverse();
            self.slots.copy_within(from..end, first);
        }
        self.heap = stop;
        self.top = top;
        Ok(at)
    }

    /// Makes a row `[flags|n] item ...` of the `n` topmost words and answers its place. `mark`: a closed mark lies
    /// beneath them.
    pub fn row(&mut self, flags: Tag, n: usize, mark: bool) -> Step<usize> {
        let at = self.settle(1, n, usize::from(mark))?;
        self.set(at, Slot::new(flags, n));
        Ok(at)
    }

    /// Makes an object `[form|last chunk] word ...` of the `n` topmost words and answers its place.
    pub fn object(&mut self, form: Tag, n: usize) -> Step<usize> {
        let at = self.settle(1, n, 0)?;
        self.set(at, Slot::new(form, 0));
        Ok(at)
    }

    /// Reserves a row of `n` words that the codec fills by [`Arena::fill`].
    pub fn open_row(&mut self, flags: Tag, n: usize) -> Step<usize> {
        let at = self.reserve(n.saturating_add(1))?;
        self.set(at, Slot::new(flags, n));
        Ok(at)
    }

    /// Writes word `i` of a row.
    pub fn fill(&mut self, row: usize, i: usize, word: Slot) {
        self.set(row.saturating_add(1).saturating_add(i), word);
    }

    /// Sets a row's flags.
    pub fn set_flags(&mut self, row: usize, flags: Tag) {
        let n = self.get(row).payload();
        self.set(row, Slot::new(flags, n));
    }

    /// A new header of an empty container.
    #[inline]
    pub fn header(&mut self) -> Step<usize> {
        let at = self.reserve(1)?;
        self.set(at, Slot::EMPTY);
        Ok(at)
    }

    /// Appends the `n` topmost words to the container with this header. `mark`: a closed mark lies beneath them.
    pub fn append(&mut self, header: usize, extra: Tag, n: usize, mark: bool) -> Step {
        if n == 0 {
            self.drop_words(usize::from(mark));
            return Ok(());
        }
        let head = self.get(header);
        let last = head.payload();
        if last != 0 {
            let count = self.get(last);
            let len = count.payload();
            // Each state is a chunk of its own: they are given one by one.
            let grows = extra != super::view::Extra::States as Tag;
            if grows && count.tag() == extra && last.wrapping_add(2).wrapping_add(len) == self.heap {
                self.settle(0, n, usize::from(mark))?;
                self.set(last, Slot::new(extra, len.wrapping_add(n)));
                return Ok(());
            }
        }
        let at = self.settle(2, n, usize::from(mark))?;
        self.set(at, Slot::new(extra, n));
        self.link(header, at);
        Ok(())
    }

    /// Reserves one chunk of `n` words for the container with this header, for the codec to fill by [`Arena::fill_chunk`].
    pub fn open_chunk(&mut self, header: usize, extra: Tag, n: usize) -> Step<usize> {
        let at = self.reserve(n.saturating_add(2))?;
        self.set(at, Slot::new(extra, n));
        self.link(header, at);
        Ok(at)
    }

    /// Writes word `i` of a chunk.
    pub fn fill_chunk(&mut self, chunk: usize, i: usize, word: Slot) {
        self.set(chunk.saturating_add(2).saturating_add(i), word);
    }

    /// Shortens a chunk that was opened too long.
    pub fn trim_chunk(&mut self, chunk: usize, n: usize) {
        let extra = self.get(chunk).tag();
        self.set(chunk, Slot::new(extra, n));
    }

    /// Closes the ring: `chunk` becomes the last of the container.
    fn link(&mut self, header: usize, chunk: usize) {
        let head = self.get(header);
        let last = head.payload();
        let first = if last == 0 {
            chunk
        } else {
            let next = last.wrapping_add(1);
            let first = self.get(next).payload();
            self.set(next, Slot::raw(chunk as u32));
            first
        };
        self.set(chunk.wrapping_add(1), Slot::raw(first as u32));
        self.set(header, Slot::new(head.tag(), chunk));
    }

    /// Puts a word into a new cell and answers the word that stands for it from now on. A word that already stands for
    /// a cell is answered as it is.
    pub fn share(&mut self, word: Slot) -> Step<Slot> {
        if word.tag() == SHARED {
            return Ok(word);
        }
        if self.cells >= self.reserved {
            return Err(Fault::Full);
        }
        let cell = self.cells;
        self.set(cell, word);
        self.cells = cell.wrapping_add(1);
        Ok(Slot::new(SHARED, cell))
    }

    /// Rewrites the value in the cell that `word` stands for.
    pub fn set_shared(&mut self, word: Slot, value: Slot) {
        if word.tag() == SHARED {
            self.set(word.payload(), value);
        }
    }

    /// The word itself, or the one in the cell that it stands for.
    #[inline]
    pub fn resolve(&self, word: Slot) -> Slot {
        if word.tag() == SHARED { self.get(word.payload()) } else { word }
    }

    /// Whether a value may be a dict key or a member of a set, as far as its kind tells.
    #[inline]
    pub fn is_hashable(&self, word: Slot) -> bool {
        let word = self.resolve(word);
        match word.tag() {
            ATOM => true,
            LIST | DICT | SET | MUTABLE => false,
            TUPLE | FROZENDICT | FIXED => self.get(word.payload()).tag() != UNHASHABLE,
            _ => true,
        }
    }

    /// Which words from `first` on, before `end`, are not hashable: bit 0 for the first, third ..., bit 1 for the others.
    #[inline(never)]
    pub fn unhashable(&self, first: usize, end: usize) -> u8 {
        let (mut found, mut bit) = (0, 1);
        for word in self.slots.get(first..end).unwrap_or_default() {
            found |= if self.is_hashable(*word) { 0 } else { bit };
            bit ^= 3;
        }
        found
    }

    /// Whether all of the `n` topmost words are hashable, or (with `step` 2) every second of them, beginning with the one
    /// pushed first.
    pub fn are_hashable(&self, n: usize, step: usize) -> bool {
        let words = if step == 1 { 3 } else { 2 >> (n & 1) };
        self.unhashable(self.top, self.top.wrapping_add(n)) & words == 0
    }

    /// Begins again, over `len` of the slots, with room for `cells` shared values.
    pub(crate) fn restart(&mut self, cells: usize, len: usize) -> Step {
        self.slots = core::mem::take(&mut self.slots).get_mut(..len).ok_or(Fault::Full)?;
        (self.cells, self.reserved, self.heap) = (0, cells, cells);
        self.clear();
        Ok(())
    }

    /// Where the topmost word stands.
    pub(crate) fn top(&self) -> usize {
        self.top
    }

    /// The end: the slots as they now are and the number of cells, for [`Tree`](super::Tree).
    pub fn finish(self) -> (&'s [Slot], usize) {
        (self.slots, self.cells)
    }
}
