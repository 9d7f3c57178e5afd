//! What the store keeps in the memory lent to it: 8 bytes a page, and the list of the head page's records.
//!
//! ```text
//! 2 bytes a page   the pages of the log, oldest first (1 byte, and more for the list, up to 256 pages)
//! 6 bytes a page   entries, dead units, directory (28 bits), state (4 bits)
//! 3 bytes a record of the head page: offset in words, and above it the top bits of its name's hash
//! ```
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::format::{ENTRIES_MAX, read32};

/// Bytes of memory a page costs.
pub(crate) const PER_PAGE: usize = 8;
/// Bytes of the head page's list, at least.
pub(crate) const FIXED: usize = 256;
/// Of these, bytes that are not a page number.
const ENTRY: usize = 6;
/// Bytes of a list entry.
const LIST: usize = 3;

/// What is known of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Its header is blank; whether the rest is, is not known.
    Free,
    /// It is erased.
    Erased,
    /// It holds nothing of use and is not erased.
    Dirty,
    /// Records are appended to it.
    Head,
    /// Part of the log, its footer not read yet.
    Raw,
    /// It has no index that can be trusted: records are found by walking.
    Stale,
    /// Sealed.
    Sealed,
    /// Sealed in the batch that is open.
    Open,
}

const STATES: [State; 8] =
    [State::Free, State::Erased, State::Dirty, State::Head, State::Raw, State::Stale, State::Sealed, State::Open];
/// The numbers kept of a page: 16 times where one begins, and how many bytes it has.
const ENTRIES: usize = 0x01;
const DEAD: usize = 0x11;
const COUNTS: usize = 0x02;
const WORD: usize = 0x24;
const SEQUENCE: usize = 0x04;
/// In the word, below the state.
const DATA: u32 = 0x0fff_ffff;

impl State {
    /// Part of the log.
    pub(crate) fn in_log(self) -> bool {
        self as u8 >= State::Head as u8
    }
    /// Has an index.
    pub(crate) fn indexed(self) -> bool {
        self as u8 >= State::Sealed as u8
    }
}

/// What compaction would win back is not known.
pub(crate) const UNKNOWN: u32 = 255;

/// As the number of entries of a page without index: not a power cut but damage took it, so that a walk may miss records.
pub(crate) const DAMAGED: u32 = 255;

/// The lent memory.
#[repr(C)]
pub(crate) struct Table<'m> {
    memory: &'m mut [u8],
    /// Changes when a page is sealed, opened or freed.
    pub(crate) epoch: u32,
    pages: u16,
    /// Pages in the log.
    count: u16,
    /// Bytes of a page number: 1 where that is enough, and the list is the longer for it.
    number: u8,
    /// Records in the list.
    listed: u8,
    /// How many of them, the first ones, stand in the order of their names.
    sorted: u8,
    room: u8,
}

impl<'m> Table<'m> {
    /// The memory must hold [`PER_PAGE`] bytes a page and [`FIXED`].
    pub(crate) fn new(memory: &'m mut [u8], pages: u32) -> Self {
        let pages = pages as usize;
        memory.fill(0);
        let number = if pages <= 256 { 1 } else { 2 };
        let left = memory.len().saturating_sub(pages * (number + ENTRY));
        // What is lent beyond the least makes the list longer.
        let room = (left.saturating_sub(1) / LIST).min(ENTRIES_MAX as usize);
        Table {
            memory,
            epoch: 0,
            pages: pages as u16,
            count: 0,
            number: number as u8,
            listed: 0,
            sorted: 0,
            room: room as u8,
        }
    }

    /// A number of so many bytes, 1 to 4. (Behind each stand three bytes more.)
    #[cfg_attr(not(fast), inline(never))]
    #[cfg_attr(fast, inline(always))]
    fn get(&self, at: usize, bytes: usize) -> u32 {
        read32(self.memory, at) & u32::MAX >> (32 - 8 * bytes)
    }
    #[inline(never)]
    fn put(&mut self, at: usize, bytes: usize, mut number: u32) {
        for byte in self.memory.get_mut(at..at + bytes).unwrap_or(&mut []) {
            *byte = number as u8;
            number >>= 8;
        }
    }
    fn number(&self) -> usize {
        self.number.into()
    }
    fn entry(&self, page: u16) -> usize {
        usize::from(self.pages) * self.number() + usize::from(page) * ENTRY
    }
    /// One of the numbers kept of a page.
    #[cfg_attr(not(fast), inline(never))]
    #[cfg_attr(fast, inline(always))]
    fn field(&self, page: u16, field: usize) -> u32 {
        self.get(self.entry(page) + field / 16, field % 16)
    }
    #[inline(never)]
    fn set_field(&mut self, page: u16, field: usize, number: u32) {
        self.put(self.entry(page) + field / 16, field % 16, number);
    }
    /// Changes some bits of a page's word.
    #[inline(never)]
    fn set_bits(&mut self, page: u16, bits: u32, to: u32) {
        self.set_field(page, WORD, self.field(page, WORD) & !bits | to & bits);
    }

    /// Pages in the log.
    pub(crate) fn count(&self) -> usize {
        self.count.into()
    }
    /// The page at a place of the log; 0 is the oldest.
    #[inline(never)]
    pub(crate) fn order(&self, at: usize) -> u16 {
        self.get(at * self.number(), self.number()) as u16
    }
    /// The newest page of the log.
    pub(crate) fn newest(&self) -> u16 {
        match self.count().checked_sub(1) {
            Some(last) => self.order(last),
            None => super::NO_PAGE,
        }
    }
    pub(crate) fn set_order(&mut self, at: usize, page: u16) {
        self.put(at * self.number(), self.number(), page.into());
    }
    /// Puts a page at the end of the log.
    pub(crate) fn push_order(&mut self, page: u16) {
        self.set_order(self.count(), page);
        self.count += 1;
    }
    /// Takes all pages out of the log.
    pub(crate) fn clear_order(&mut self) {
        self.count = 0;
    }
    /// Takes a page out of the log, if it is in it.
    pub(crate) fn remove_order(&mut self, page: u16) {
        if let Some(at) = self.place(page) {
            self.count -= 1;
            for at in at..self.count() {
                self.set_order(at, self.order(at + 1));
            }
        }
    }
    /// Where in the log a page stands.
    #[inline(never)]
    pub(crate) fn place(&self, page: u16) -> Option<usize> {
        (0..self.count()).rev().find(|at| self.order(*at) == page)
    }
    /// Sorts the log by sequence numbers (shell sort: no memory but the list itself).
    pub(crate) fn sort(&mut self) {
        let mut gap = self.count() / 2;
        while gap > 0 {
            for from in gap..self.count() {
                let (page, mut to) = (self.order(from), from);
                while to >= gap && self.sequence(self.order(to - gap)) > self.sequence(page) {
                    self.set_order(to, self.order(to - gap));
                    to -= gap;
                }
                self.set_order(to, page);
            }
            gap /= 2;
        }
    }

    /// Entries in a sealed page's index.
    pub(crate) fn entries(&self, page: u16) -> u32 {
        self.field(page, ENTRIES)
    }
    /// Sets all that is kept of a page in the log, of which it is not known what compaction would win back.
    #[inline(never)]
    pub(crate) fn set_page(&mut self, page: u16, state: State, entries: u32, data: u32) {
        self.epoch = self.epoch.wrapping_add(1);
        self.set_field(page, COUNTS, entries | UNKNOWN << 8);
        self.set_field(page, WORD, (state as u32) << 28 | data);
    }
    /// Whether a page has no index because of damage.
    #[inline(never)]
    pub(crate) fn damaged(&self, page: u16) -> bool {
        self.state(page) == State::Stale && self.entries(page) == DAMAGED
    }
    /// What compaction would win back of a page, in 256ths of it.
    pub(crate) fn dead(&self, page: u16) -> u32 {
        self.field(page, DEAD)
    }
    pub(crate) fn set_dead(&mut self, page: u16, dead: u32) {
        self.set_field(page, DEAD, dead);
    }
    /// The directory of a sealed page; the sector's wear while the page is free.
    pub(crate) fn data(&self, page: u16) -> u32 {
        self.field(page, WORD) & DATA
    }
    pub(crate) fn set_data(&mut self, page: u16, data: u32) {
        self.set_bits(page, DATA, data);
    }
    #[inline(never)]
    pub(crate) fn state(&self, page: u16) -> State {
        STATES.get((self.field(page, WORD) >> 28) as usize).copied().unwrap_or(State::Dirty)
    }
    #[inline(never)]
    pub(crate) fn set_state(&mut self, page: u16, state: State) {
        self.epoch = self.epoch.wrapping_add(1);
        self.set_bits(page, !DATA, (state as u32) << 28);
    }

    /// While the store is opened: a page's sequence number stands where its entries, dead units and directory will.
    pub(crate) fn sequence(&self, page: u16) -> u32 {
        self.field(page, SEQUENCE)
    }
    pub(crate) fn set_sequence(&mut self, page: u16, sequence: u32) {
        self.set_field(page, SEQUENCE, sequence);
    }

    /// How many records the list holds.
    pub(crate) fn listed(&self) -> usize {
        self.listed.into()
    }
    /// How many it can hold.
    pub(crate) fn room(&self) -> usize {
        self.room.into()
    }
    pub(crate) fn clear_list(&mut self) {
        (self.listed, self.sorted) = (0, 0);
    }
    /// How many of its first entries are in order.
    pub(crate) fn sorted(&self) -> usize {
        self.sorted.into()
    }
    fn list_at(&self, i: usize) -> usize {
        usize::from(self.pages) * (self.number() + ENTRY) + i * LIST
    }
    #[cfg_attr(not(fast), inline(never))]
    #[cfg_attr(fast, inline(always))]
    pub(crate) fn list(&self, i: usize) -> u32 {
        self.get(self.list_at(i), LIST)
    }
    #[inline(never)]
    pub(crate) fn set_list(&mut self, i: usize, entry: u32) {
        self.put(self.list_at(i), LIST, entry);
    }
    /// The first entry from number `i` on that is like another but for so many low bits; how many there are if none is.
    pub(crate) fn next_like(&self, mut i: usize, entry: u32, bits: u32) -> usize {
        while i < self.listed() && ((self.list(i) ^ entry) << 8) >> (bits + 8) != 0 {
            i += 1;
        }
        i
    }
    /// One more, behind the last.
    pub(crate) fn push_list(&mut self, entry: u32) {
        if self.listed < self.room {
            self.set_list(self.listed(), entry);
            self.listed += 1;
        }
    }
    /// Moves the first entry behind those in order to its place among them.
    pub(crate) fn sort_in(&mut self, to: usize) {
        if to <= self.sorted() && self.sorted < self.listed {
            let (from, end, entry) = (self.list_at(to), self.list_at(self.sorted()), self.list(self.sorted()));
            self.memory.copy_within(from..end, from + LIST);
            self.set_list(to, entry);
            self.sorted += 1;
        }
    }
}
