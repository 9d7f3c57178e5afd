//! What the store keeps in the memory lent to it: 8 bytes a page, and the list of the head page's records.
//!
//! ```text
//! 2 bytes a page   the pages of the log, oldest first (1 byte, and more for the list, up to 256 pages)
//! 6 bytes a page   entries, live units, directory (28 bits), state (4 bits)
//! 3 bytes a record of the head page, in key order: offset in words, and bits of the key after what all have in common
//! ```
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::format::ENTRIES_MAX;

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
    /// Sealed in a batch that was given up: what belongs to it does not count.
    Void,
}

/// Added to the state of a page whose index is mixed: it lists parts, or a key more than once.
const MIXED: u32 = 3;
const STATES: [State; 12] = [
    State::Free,
    State::Erased,
    State::Dirty,
    State::Head,
    State::Raw,
    State::Stale,
    State::Sealed,
    State::Open,
    State::Void,
    State::Sealed,
    State::Open,
    State::Void,
];

impl State {
    /// Part of the log.
    pub(crate) fn in_log(self) -> bool {
        !matches!(self, State::Free | State::Erased | State::Dirty)
    }
    /// Has an index.
    pub(crate) fn indexed(self) -> bool {
        matches!(self, State::Sealed | State::Open | State::Void)
    }
}

/// Live units are not known.
pub(crate) const UNKNOWN: u8 = 255;

/// As the number of entries of a page without index: not a power cut but damage took it, so that a walk may miss records.
pub(crate) const DAMAGED: u32 = 255;

/// The lent memory.
pub(crate) struct Table<'m> {
    memory: &'m mut [u8],
    pages: usize,
    /// Bytes of a page number: 1 where that is enough, and the list is the longer for it.
    number: usize,
    /// Pages in the log.
    count: usize,
    /// Records in the list.
    listed: usize,
    room: usize,
}

impl<'m> Table<'m> {
    /// The memory must hold [`PER_PAGE`] bytes a page and [`FIXED`].
    pub(crate) fn new(memory: &'m mut [u8], pages: u32) -> Self {
        let pages = pages as usize;
        memory.fill(0);
        let number = if pages <= 256 { 1 } else { 2 };
        let left = memory.len().saturating_sub(pages * (number + ENTRY));
        // What is lent beyond the least makes the list longer.
        let room = (left / LIST).min(ENTRIES_MAX as usize);
        Table { memory, pages, number, count: 0, listed: 0, room }
    }

    fn get(&self, at: usize) -> u8 {
        self.memory.get(at).copied().unwrap_or(0)
    }
    fn put(&mut self, at: usize, byte: u8) {
        if let Some(to) = self.memory.get_mut(at) {
            *to = byte;
        }
    }
    fn entry(&self, page: u16) -> usize {
        self.pages * self.number + usize::from(page) * ENTRY
    }

    /// Pages in the log.
    pub(crate) fn count(&self) -> usize {
        self.count
    }
    /// The page at a place of the log; 0 is the oldest.
    pub(crate) fn order(&self, at: usize) -> u16 {
        if self.number == 1 {
            return u16::from(self.get(at));
        }
        u16::from_le_bytes([self.get(at * 2), self.get(at * 2 + 1)])
    }
    pub(crate) fn set_order(&mut self, at: usize, page: u16) {
        let [low, high] = page.to_le_bytes();
        self.put(at * self.number, low);
        if self.number == 2 {
            self.put(at * 2 + 1, high);
        }
    }
    /// Puts a page at the end of the log.
    pub(crate) fn push_order(&mut self, page: u16) {
        self.set_order(self.count, page);
        self.count += 1;
    }
    /// Takes the page at a place out of the log.
    pub(crate) fn remove_order(&mut self, at: usize) {
        if at < self.count {
            let number = self.number;
            self.memory.copy_within((at + 1) * number..self.count * number, at * number);
            self.count -= 1;
        }
    }
    /// Where in the log a page stands.
    pub(crate) fn place(&self, page: u16) -> Option<usize> {
        (0..self.count).rev().find(|at| self.order(*at) == page)
    }

    /// Entries in a sealed page's index.
    pub(crate) fn entries(&self, page: u16) -> u32 {
        u32::from(self.get(self.entry(page)))
    }
    pub(crate) fn set_entries(&mut self, page: u16, entries: u32) {
        self.put(self.entry(page), entries as u8);
    }
    /// Live bytes of a page, in 256ths of a page.
    pub(crate) fn live(&self, page: u16) -> u8 {
        self.get(self.entry(page) + 1)
    }
    pub(crate) fn set_live(&mut self, page: u16, live: u8) {
        self.put(self.entry(page) + 1, live);
    }
    fn word(&self, page: u16) -> u32 {
        let at = self.entry(page) + 2;
        u32::from_le_bytes([self.get(at), self.get(at + 1), self.get(at + 2), self.get(at + 3)])
    }
    fn set_word(&mut self, page: u16, word: u32) {
        let at = self.entry(page) + 2;
        for (i, byte) in word.to_le_bytes().into_iter().enumerate() {
            self.put(at + i, byte);
        }
    }
    /// The directory of a sealed page; the sector's wear while the page is free.
    pub(crate) fn data(&self, page: u16) -> u32 {
        self.word(page) & 0x0fff_ffff
    }
    pub(crate) fn set_data(&mut self, page: u16, data: u32) {
        self.set_word(page, self.word(page) & 0xf000_0000 | data & 0x0fff_ffff);
    }
    pub(crate) fn state(&self, page: u16) -> State {
        STATES.get((self.word(page) >> 28) as usize).copied().unwrap_or(State::Dirty)
    }
    pub(crate) fn set_state(&mut self, page: u16, state: State) {
        let mixed = self.mixed(page) && state.indexed();
        self.set_word(page, self.word(page) & 0x0fff_ffff | (state as u32) << 28);
        self.set_mixed(page, mixed);
    }

    /// Whether a sealed page's index lists parts, or a key more than once.
    pub(crate) fn mixed(&self, page: u16) -> bool {
        self.word(page) >> 28 > State::Void as u32
    }
    pub(crate) fn set_mixed(&mut self, page: u16, mixed: bool) {
        if mixed && self.state(page).indexed() && !self.mixed(page) {
            self.set_word(page, self.word(page) + (MIXED << 28));
        }
    }

    /// While the store is opened: a page's sequence number stands where its entries, live units and directory will.
    pub(crate) fn sequence(&self, page: u16) -> u32 {
        let at = self.entry(page);
        u32::from_le_bytes([self.get(at), self.get(at + 1), self.get(at + 2), self.get(at + 3)])
    }
    pub(crate) fn set_sequence(&mut self, page: u16, sequence: u32) {
        let at = self.entry(page);
        for (i, byte) in sequence.to_le_bytes().into_iter().enumerate() {
            self.put(at + i, byte);
        }
    }

    /// How many records the list holds.
    pub(crate) fn listed(&self) -> usize {
        self.listed
    }
    /// How many it can hold.
    pub(crate) fn room(&self) -> usize {
        self.room
    }
    pub(crate) fn clear_list(&mut self) {
        self.listed = 0;
    }
    fn list_at(&self, i: usize) -> usize {
        self.pages * (self.number + ENTRY) + i * LIST
    }
    pub(crate) fn list(&self, i: usize) -> u32 {
        let at = self.list_at(i);
        u32::from_le_bytes([self.get(at), self.get(at + 1), self.get(at + 2), 0])
    }
    pub(crate) fn set_list(&mut self, i: usize, entry: u32) {
        let at = self.list_at(i);
        for (k, byte) in entry.to_le_bytes().into_iter().take(LIST).enumerate() {
            self.put(at + k, byte);
        }
    }
    pub(crate) fn insert_list(&mut self, i: usize, entry: u32) {
        if i <= self.listed && self.listed < self.room {
            let (from, to) = (self.list_at(i), self.list_at(self.listed));
            self.memory.copy_within(from..to, from + LIST);
            self.listed += 1;
            self.set_list(i, entry);
        }
    }
}
