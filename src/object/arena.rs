//! What decoding fills, for both codecs: a stack that grows down from the end of the slots, a heap that grows up. What the
//! words say stands in [`slot`](super::slot).
//!
//! Chunks form a ring: the header knows the last, whose `next` is the first, so that appending and reading in order both
//! cost nothing. The last chunk grows in place while it ends where the heap ends. Every cell pushed is moved into a chunk
//! or row at most once, so decoding is linear in the input.

use super::fault::{Fault, Step};
use super::slot::*;

/// What decoding writes into. The codec has checked beforehand, by its prescan, that the slots are enough.
#[derive(Debug)]
pub(crate) struct Arena<'s> {
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
    pub(crate) fn new(slots: &'s mut [Slot], cells: usize, table: usize) -> Self {
        let top = slots.len();
        Arena { cells: 0, reserved: cells, heap: cells.saturating_add(table), top, mark: top, slots }
    }

    /// The codec's own words from the one to the other, of those between the cells and the heap.
    pub(crate) fn table(&mut self, from: usize, to: usize) -> &mut [Slot] {
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
    pub(crate) fn push(&mut self, word: Slot) -> Step {
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
    pub(crate) fn above_mark(&self) -> usize {
        self.mark.wrapping_sub(self.top)
    }

    /// The top word, if it is above the topmost mark.
    #[inline]
    pub(crate) fn peek(&self) -> Step<Slot> {
        if self.top < self.mark { Ok(self.get(self.top)) } else { Err(Fault::Underflow) }
    }

    /// The word `below` the top, whether that is above the topmost mark or not.
    #[inline]
    pub(crate) fn below(&self, below: usize) -> Slot {
        self.get(self.top.wrapping_add(below))
    }

    /// Where the codec's own words begin.
    pub(crate) fn table_start(&self) -> usize {
        self.reserved
    }

    /// Replaces the top word.
    #[inline]
    pub(crate) fn replace(&mut self, word: Slot) {
        self.set(self.top, word);
    }

    /// Takes the top word, if it is above the topmost mark.
    #[inline]
    pub(crate) fn pop(&mut self) -> Step<Slot> {
        let word = self.peek()?;
        self.top = self.top.wrapping_add(1);
        Ok(word)
    }

    /// Pushes a mark.
    #[inline]
    pub(crate) fn push_mark(&mut self) -> Step {
        self.push(Slot::new(MARK, self.mark))?;
        self.mark = self.top;
        Ok(())
    }

    /// Whether any mark is on the stack.
    #[inline]
    pub(crate) fn has_mark(&self) -> bool {
        self.mark < self.slots.len()
    }

    /// Takes the mark away and answers how many words stood above it; they stay, and a free word lies beneath them
    /// until [`Arena::drop_words`] with `mark` true.
    #[inline]
    pub(crate) fn close_mark(&mut self) -> Step<usize> {
        if !self.has_mark() {
            return Err(Fault::NoMark);
        }
        let above = self.above_mark();
        self.mark = self.get(self.mark).payload();
        Ok(above)
    }

    /// Drops the `n` topmost words, which are there.
    #[inline]
    pub(crate) fn drop_words(&mut self, n: usize) {
        self.top = self.top.wrapping_add(n);
    }

    /// Drops all words and marks.
    pub(crate) fn clear(&mut self) {
        (self.top, self.mark) = (self.slots.len(), self.slots.len());
    }

    /// Reserves `n` words of the heap.
    #[inline]
    pub(crate) fn reserve(&mut self, n: usize) -> Step<usize> {
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
    pub(crate) fn row(&mut self, flags: Tag, n: usize, mark: bool) -> Step<usize> {
        let at = self.settle(1, n, usize::from(mark))?;
        self.set(at, Slot::new(flags, n));
        Ok(at)
    }

    /// Makes an object `[form|last chunk] word ...` of the `n` topmost words and answers its place.
    pub(crate) fn object(&mut self, form: Tag, n: usize) -> Step<usize> {
        let at = self.settle(1, n, 0)?;
        self.set(at, Slot::new(form, 0));
        Ok(at)
    }

    /// Sets a row's flags.
    pub(crate) fn set_flags(&mut self, row: usize, flags: Tag) {
        let n = self.get(row).payload();
        self.set(row, Slot::new(flags, n));
    }

    /// A new header of an empty container.
    #[inline]
    pub(crate) fn header(&mut self) -> Step<usize> {
        let at = self.reserve(1)?;
        self.set(at, Slot::EMPTY);
        Ok(at)
    }

    /// Appends the `n` topmost words to the container with this header. `mark`: a closed mark lies beneath them.
    pub(crate) fn append(&mut self, header: usize, extra: Tag, n: usize, mark: bool) -> Step {
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
    pub(crate) fn share(&mut self, word: Slot) -> Step<Slot> {
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

    /// The word itself, or the one in the cell that it stands for.
    #[inline]
    pub(crate) fn resolve(&self, word: Slot) -> Slot {
        if word.tag() == SHARED { self.get(word.payload()) } else { word }
    }

    /// Whether a value may be a dict key or a member of a set, as far as its kind tells.
    #[inline]
    pub(crate) fn is_hashable(&self, word: Slot) -> bool {
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
    pub(crate) fn unhashable(&self, first: usize, end: usize) -> u8 {
        let (mut found, mut bit) = (0, 1);
        for word in self.slots.get(first..end).unwrap_or_default() {
            found |= if self.is_hashable(*word) { 0 } else { bit };
            bit ^= 3;
        }
        found
    }

    /// Whether all of the `n` topmost words are hashable, or (with `step` 2) every second of them, beginning with the one
    /// pushed first.
    pub(crate) fn are_hashable(&self, n: usize, step: usize) -> bool {
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
    pub(crate) fn finish(self) -> (&'s [Slot], usize) {
        (self.slots, self.cells)
    }
}
