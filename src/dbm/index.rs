//! Finding records by their names: in the list of the head page, in the indexes of sealed pages, and by walking.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use embedded_storage::nor_flash::NorFlash;

use super::Dbm;
use super::format::{
    self, DIRECTORY, DIRECTORY_FROM, ENTRIES_MAX, FOOTER, Index, Layout, NO_TAIL, Name, directory_range, footer,
};
use super::log::WIDE;
use super::record::{Record, Spot};
use super::table::{DAMAGED, State};
use crate::crc;

/// As the number of entries: a page is not sealed.
pub(crate) const UNSEALED: u32 = u32::MAX;

impl<F: NorFlash> Dbm<'_, F> {
    /// Looks at the newest record of a name of those that stand before a place of the log.
    #[inline(never)]
    pub(crate) fn find_before(&mut self, name: &Name, mut place: usize) -> Spot {
        while place > 0 {
            place -= 1;
            let page = self.table.order(place);
            let found = if page == self.head { self.find_listed(name) } else { self.find_sealed(page, name) };
            if found.is_some() {
                return found;
            }
        }
        Spot::NONE
    }

    /// Looks at the newest record of a name.
    pub(crate) fn find(&mut self, name: &Name) -> Spot {
        self.find_before(name, self.table.count())
    }

    /// The newest record of a key.
    pub(crate) fn newest(&mut self, key: &[u8]) -> Option<Record> {
        self.find(&Name::key(key)).is_some().then_some(self.log.cur)
    }

    /// Looks in an index, or walks a page that has none.
    #[inline(never)]
    pub(crate) fn find_sealed(&mut self, page: u16, name: &Name) -> Spot {
        if !self.load(page).indexed() {
            return self.find_walking(page, name);
        }
        let index = self.log.geometry.index(self.table.entries(page));
        // A merge stands in its place.
        let directory = if self.merging() { self.directory(page) } else { self.table.data(page) };
        let (mut i, to) = directory_range(index.entries, directory, name.hash >> 29);
        let width = index.rank_bits + index.finger_bits;
        let finger = index.finger(name.hash) << index.rank_bits;
        // The hash of another name that was met.
        let mut met = !name.hash;
        while i < to {
            #[cfg(fast)]
            {
                i = self.pass_over(page, &index, finger, i, to);
                if i >= to {
                    break;
                }
            }
            let bit = i * width;
            let at = index.hash_at + bit / 8;
            let entry = self.log.word(page, at, (to * width - bit) / 8 + 2) >> (bit % 8);
            i += 1;
            // With the fingerprint looked for, the rank is left.
            let rank = (entry ^ finger) & !(u32::MAX << width);
            if rank >> index.rank_bits != 0 {
                continue;
            }
            self.look_ranked(page, &index, rank);
            self.log.trusted();
            if self.log.bears(name) {
                return self.log.cur.spot();
            }
            // Another name with the same fingerprint, or a damaged offset: the index must have meant this record, and none of
            // its name before.
            let other = self.log.hashed();
            if met == other || index.finger(other) << index.rank_bits != finger {
                self.log.corrupt(page, at);
            }
            met = other;
        }
        Spot::NONE
    }

    /// Of the hashes from number `i` on, up to `to`: the first that may have a fingerprint, if any. In one look at the window, which shows
    /// all of them mostly.
    #[cfg(fast)]
    #[inline]
    fn pass_over(&mut self, page: u16, index: &Index, finger: u32, i: u32, to: u32) -> u32 {
        let width = index.rank_bits + index.finger_bits;
        let first = i * width / 8;
        let want = (to * width - i * width) / 8 + 2;
        let bytes = self.log.view(page, index.hash_at + first, 4, want);
        let mask = !(u32::MAX << width) & u32::MAX << index.rank_bits;
        let mut bit = i * width - first * 8;
        for i in i..to {
            let Some(four) = bytes.get((bit / 8) as usize..).and_then(|rest| rest.first_chunk()) else { return i };
            if (u32::from_le_bytes(*four) >> (bit % 8) ^ finger) & mask == 0 {
                return i;
            }
            bit += width;
        }
        to
    }

    /// Looks in a page record by record.
    pub(crate) fn find_walking(&mut self, page: u16, name: &Name) -> Spot {
        let (mut walk, mut newest) = (self.walk(page), Record::NONE);
        while self.advance_walk(&mut walk) {
            let record = self.log.cur;
            if self.log.bears(name) {
                newest = record;
                // What is damaged before it does not matter any more.
                walk.gap = false;
            }
        }
        self.walked_to_end(&walk);
        self.log.cur = newest;
        newest.spot()
    }

    /// Looks at the record with a rank in key order.
    #[inline(never)]
    pub(crate) fn look_ranked(&mut self, page: u16, index: &Index, rank: u32) {
        let bit = rank * F::OFFSET_BITS;
        let at = index.offsets_at + bit / 8;
        if rank >= index.entries {
            self.log.corrupt(page, at);
        }
        let offset = self.log.word(page, at, 4) >> (bit % 8) & ((1 << F::OFFSET_BITS) - 1);
        self.log.must(Spot::new(page, offset * F::WORD), self.guess);
    }

    /// The record with a rank in key order.
    pub(crate) fn ranked(&mut self, page: u16, index: &Index, rank: u32) -> Record {
        self.look_ranked(page, index, rank);
        self.log.cur
    }

    /// One of the words of a page's footer.
    #[inline(never)]
    pub(crate) fn foot(&mut self, page: u16, word: u32) -> u32 {
        self.log.word(page, F::PAGE - word, word)
    }

    /// How many entries the index of a page has, if the check over it and the footer is right; else [`UNSEALED`].
    #[inline(never)]
    pub(crate) fn sealed(&mut self, page: u16) -> u32 {
        let size = F::PAGE;
        // One page's index is about as long as another's.
        let window = size - self.indexed;
        self.log.word(page, window, self.indexed);
        let entries = self.foot(page, footer::COUNTS) & 0xff;
        let index = self.log.geometry.index(entries);
        if entries > ENTRIES_MAX || index.offsets_at < F::FIRST {
            return UNSEALED;
        }
        // (A little too much costs less than a second read.)
        self.indexed = (size - index.hash_at).max(self.indexed - 1).min(WIDE as u32);
        let state = self.log.check_over(page, index.hash_at, window, crc::START);
        let state = self.log.check_over(page, index.hash_at.max(window), size, state);
        if state == crc::RIGHT { entries } else { UNSEALED }
    }

    /// Reads a page's footer if it has not been read yet. What is known of the page then.
    #[inline(never)]
    pub(crate) fn load(&mut self, page: u16) -> State {
        let state = self.table.state(page);
        if state != State::Raw {
            return state;
        }
        let entries = self.sealed(page);
        if entries == UNSEALED {
            return self.load_stale(page);
        }
        let mut directory = format::NO_DIRECTORY;
        if entries > DIRECTORY_FROM {
            directory = self.foot(page, FOOTER + DIRECTORY);
        }
        let counts = self.foot(page, footer::COUNTS);
        let mut state = State::Sealed;
        if counts >> 16 != u32::from(NO_TAIL) {
            // Any bit of the fate says that the batch was committed: only that ever writes it.
            let committed = self.foot(page, footer::SEQUENCE) >= self.settled;
            if self.log.blank(page, self.fate_at(entries), self.log.geometry.limit(entries, false)) {
                // Its index lists what does not count, unless the log's last record says otherwise.
                state = if committed { State::Open } else { State::Stale };
            }
        }
        self.long |= counts >> 8 & 0xff > 0;
        self.loaded(page, state, entries, directory)
    }

    /// What was found out of a page, if nothing failed.
    #[inline(never)]
    fn loaded(&mut self, page: u16, state: State, entries: u32, directory: u32) -> State {
        if !self.log.failed() {
            self.table.set_page(page, state, entries, directory);
        }
        state
    }

    /// Why a page has no index: an interruption, or damage.
    fn load_stale(&mut self, page: u16) -> State {
        let sequence = self.table.sequence(page);
        let mut walk = self.walk(page);
        while self.advance_walk(&mut walk) {}
        // Damage leaves a footer that knows the number; an interrupted erase leaves none, and a seal that was cut off leaves half
        // of one.
        let damaged = self.foot(page, footer::SEQUENCE) == sequence
            && self.foot(page, footer::COUNTS) & 0xff != 0xff
            && self.foot(page, footer::INDEX_CHECK) != u32::MAX
            || self.records_behind(page, walk.at);
        self.loaded(page, State::Stale, if damaged { DAMAGED } else { 0 }, 0)
    }

    /// Whether a sealed page's check is right.
    pub(crate) fn sealed_intact(&mut self, page: u16) -> bool {
        let geometry = self.log.geometry;
        let entries = self.table.entries(page);
        if self.sealed(page) != entries {
            return false;
        }
        // The fate of a batch is not part of it.
        let batch = self.foot(page, footer::COUNTS) >> 16 != u32::from(NO_TAIL);
        let state = self.log.check_over(page, 0, geometry.limit(entries, batch), crc::START);
        let state = self.log.check_over(page, geometry.limit(entries, false), geometry.index(entries).hash_at, state);
        !state == self.foot(page, footer::CHECK)
    }

    /// The directory of a page, from the flash.
    pub(crate) fn directory(&mut self, page: u16) -> u32 {
        let entries = self.table.entries(page);
        if entries > DIRECTORY_FROM { self.foot(page, FOOTER + DIRECTORY) } else { format::NO_DIRECTORY }
    }

    /// Where the fate of a batch stands in a page that was sealed in it.
    pub(crate) fn fate_at(&self, entries: u32) -> u32 {
        self.log.geometry.limit(entries, true)
    }
}
