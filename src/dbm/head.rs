//! The head page, to which records are appended: the list of its records in memory, and its seal.
//!
//! An entry of the list is a record's place and the top bits of its name's hash: a name is found by going through the list,
//! with one read. Entries stand as they came; the order of the names is made when it is asked for, at the latest for the seal.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use embedded_storage::nor_flash::NorFlash;

use super::format::{self, DIRECTORY_FROM, ENTRIES_MAX, KEY_MAX, Kind, Layout, NO_TAIL, Name};
use super::record::{Last, Record, Spot};
use super::table::State;
use super::{Dbm, NO_PAGE};
use crate::crc;

/// What is read of a record of which the key alone is of interest.
pub(crate) const SHORT: u32 = 12;

/// How the first names that were put in order begin, and their ranks, from 1 on: between which of them another one stands is known
/// without a look at the flash. (A place that is not taken has rank 0, before all names.)
#[derive(Default)]
struct Met([(u32, u32); 8]);

impl Met {
    /// The first bytes of a name, which compare as names do, but for those that begin alike. Parts stand behind all keys.
    fn start(name: &[u8], part: bool) -> u32 {
        let mut start = [0; 4];
        for (to, from) in start.iter_mut().zip(name) {
            *to = *from;
        }
        if part { u32::MAX } else { u32::from_be_bytes(start) }
    }

    /// Between which ranks a name stands that begins so, of `sorted` that there are.
    fn between(&self, start: u32, sorted: usize) -> (usize, usize) {
        let (mut low, mut high) = (0, sorted);
        for (other, rank) in self.0 {
            if other < start {
                low = low.max(rank as usize);
            } else if other > start {
                high = high.min(rank as usize - 1);
            }
        }
        (low, high)
    }

    /// A name that begins so has this rank now, the next one after so many; those that had it and more have one more.
    fn put(&mut self, start: u32, rank: usize, count: usize) {
        let rank = rank as u32;
        for (_, other) in &mut self.0 {
            *other += u32::from(*other > rank);
        }
        if let Some(free) = self.0.get_mut(count) {
            *free = (start, rank + 1);
        }
    }
}

impl<F: NorFlash> Dbm<'_, F> {
    /// Looks at the record at a place of the list.
    #[inline(never)]
    pub(crate) fn look_listed(&mut self, i: usize) {
        let at = self.list_place(i);
        self.log.must(Spot::new(self.head, at), self.guess);
    }

    /// Where in the head page the record at a place of the list stands.
    pub(crate) fn list_place(&self, i: usize) -> u32 {
        (self.table.list(i) & ((1 << F::OFFSET_BITS) - 1)) * F::WORD
    }

    /// The record at a place of the list.
    pub(crate) fn listed_at(&mut self, i: usize) -> Record {
        self.look_listed(i);
        self.log.cur
    }

    /// Keys in the list; parts of long values stand after them, once it is in order.
    pub(crate) fn listed_keys(&self) -> usize {
        self.table.listed() - usize::from(self.parts)
    }

    /// Where in the list a name stands, and looks at its record; the end of the list if it does not.
    fn place_listed(&mut self, name: &Name) -> usize {
        let mut i = 0;
        loop {
            i = self.table.next_like(i, name.hash >> 8, F::OFFSET_BITS);
            if i >= self.table.listed() {
                return i;
            }
            self.look_listed(i);
            if self.log.bears(name) {
                return i;
            }
            i += 1;
        }
    }

    /// The record of a name in the head page. Its check is right, or that is a failure.
    pub(crate) fn find_listed(&mut self, name: &Name) -> Spot {
        if self.place_listed(name) == self.table.listed() {
            return Spot::NONE;
        }
        self.log.trusted();
        self.log.cur.spot()
    }

    /// Lists a record that was just appended to the head page; `key` is its key. `new`: no record of that is listed.
    pub(crate) fn list(&mut self, record: &Record, key: &[u8], new: bool) {
        let gone = record.kind == Kind::Deleted;
        self.doubtful |= gone;
        self.gone |= gone;
        let total = record.total(&self.log.geometry);
        // The largest of late: what is not read at once is read in a second go.
        self.largest = self.largest.max(total).min(124);
        let part = record.kind == Kind::Part;
        let name = Name::new(key, part);
        let bits = F::OFFSET_BITS;
        let place = record.at() >> F::WORD_BITS;
        let entry = name.hash >> 8 >> bits << bits | place;
        let i = if new { self.table.listed() } else { self.place_listed(&name) };
        if self.log.failed() {
            return;
        }
        if i < self.table.listed() {
            self.live -= self.log.cur.total(&self.log.geometry);
            self.table.set_list(i, entry);
        } else {
            // One that follows the last in order as well is in its place.
            let last = i.checked_sub(1).map(|last| Spot::new(record.page, self.list_place(last)));
            let rises = cfg!(fast)
                && !part
                && self.table.sorted() == i
                && last.is_none_or(|last| self.last.is_before(last, key));
            self.table.push_list(entry);
            if rises {
                self.table.sort_in(i);
            }
            self.parts += u8::from(part);
        }
        if cfg!(fast) {
            self.last.put(record, key);
        }
        self.live += total;
    }

    /// The first rank from `low` to `high` whose name is not less than `name`; what stands there is looked at from `middle` on.
    fn rank_listed(&mut self, name: &[u8], part: bool, mut low: usize, mut high: usize, mut middle: usize) -> usize {
        let guess = core::mem::replace(&mut self.guess, name.len() as u32 + 2);
        while low < high {
            self.look_listed(middle);
            let is_part = self.log.cur.kind == Kind::Part;
            let mut order = i32::from(is_part) - i32::from(part);
            if order == 0 {
                order = self.log.order(name);
            }
            if order < 0 {
                low = middle + 1;
            } else {
                high = middle;
            }
            middle = (low + high) / 2;
        }
        self.guess = guess;
        low
    }

    /// Brings the list in the order of the names.
    pub(crate) fn sort_list(&mut self) {
        if self.table.sorted() < self.table.listed() {
            self.sort_rest();
        }
    }

    #[inline(never)]
    fn sort_rest(&mut self) {
        let mut buf = [0; KEY_MAX];
        let (mut met, mut last, first) = (Met::default(), 0, self.table.sorted());
        let guess = core::mem::replace(&mut self.guess, SHORT);
        while self.table.sorted() < self.table.listed() {
            let sorted = self.table.sorted();
            self.look_listed(sorted);
            let part = self.log.cur.kind == Kind::Part;
            let name = self.log.name(&mut buf);
            let start = Met::start(name, part);
            let (low, high) = met.between(start, sorted);
            // Names often come in order.
            let middle = if high == sorted && last + 1 == sorted { high.saturating_sub(1) } else { (low + high) / 2 };
            last = self.rank_listed(name, part, low, high, middle);
            if self.log.failed() {
                break;
            }
            self.table.sort_in(last);
            met.put(start, last, sorted - first);
        }
        self.guess = guess;
    }

    /// Empties the list.
    pub(crate) fn clear_list(&mut self) {
        self.table.clear_list();
        (self.parts, self.live, self.gone, self.last) = (0, 0, false, Last::NONE);
        self.changes = self.changes.wrapping_add(1);
    }

    /// Whether the head page takes one more record of `total` bytes.
    pub(crate) fn head_takes(&self, total: u32) -> bool {
        let entries = self.table.listed() as u32 + 1;
        self.head != NO_PAGE
            && entries <= ENTRIES_MAX
            && entries as usize <= self.table.room()
            && self.tail + total <= self.log.geometry.limit(entries, self.in_batch())
    }

    /// Programs the head page's index. Its records are authoritative before and after; the footer's last word makes the
    /// index so.
    pub(crate) fn seal(&mut self) {
        if self.head != NO_PAGE {
            self.sort_list();
            if !self.log.failed() {
                self.write_index();
            }
        }
    }

    /// As `seal`, for a list that is in order. (Sorting needs the stack alone.)
    #[inline(never)]
    fn write_index(&mut self) {
        let page = self.head;
        let (entries, parts, live) = (self.table.listed() as u32, self.parts, self.live);
        let index = self.log.geometry.index(entries);
        let batch = self.in_batch() && self.batch.started;
        let start = self.log.geometry.limit(entries, false);
        self.log.flush();
        let (from, state) = if self.checked { (self.tail, self.log.page_check) } else { (0, crc::START) };
        let fate = start - if batch { F::align(4) } else { 0 };
        self.log.page_check = self.log.check_over(page, from, fate, state);
        self.log.begin(page, start);
        self.log.fill(0, index.offsets_at - start);
        for i in 0..entries {
            let place = self.table.list(i as usize) & ((1 << F::OFFSET_BITS) - 1);
            self.log.pack(place, F::OFFSET_BITS);
        }
        self.log.end_pack();
        self.log.settle();
        let page_check = !self.log.page_check;
        self.log.page_check = crc::START;
        let (mut directory, mut fits, mut written) = (0, true, 0);
        for eighth in 0..8 {
            format::add_eighth(&mut directory, &mut fits, entries, eighth, written);
            let mut i = 0;
            loop {
                i = self.table.next_like(i, eighth << 21, 21);
                if i >= self.table.listed() {
                    break;
                }
                // (The bits of the place below do not reach into the fingerprint.)
                let hash = self.table.list(i) << 8;
                self.log.pack(index.finger(hash) << index.rank_bits | i as u32, index.rank_bits + index.finger_bits);
                written += 1;
                i += 1;
            }
        }
        self.log.end_pack();
        let directory = if fits { directory >> 4 } else { format::NO_DIRECTORY };
        if entries > DIRECTORY_FROM {
            self.log.push_word(directory);
        }
        // The footer is programmed when all else stands: a footer that is right has an index that is whole.
        self.log.flush();
        let tail = match batch {
            true if self.batch.page == page => self.batch.at,
            true => F::FIRST,
            false => u32::from(NO_TAIL),
        };
        self.log.push_word(tail << 16 | u32::from(parts) << 8 | entries);
        self.log.push_word(self.wear & 0x00ff_ffff);
        self.log.push_word(self.sequence.wrapping_sub(1));
        self.log.push_word(page_check);
        self.log.settle();
        self.log.push_word(!self.log.page_check);
        self.log.flush();
        if self.log.failed() {
            return self.give_up_head();
        }
        self.head = NO_PAGE;
        self.table.set_page(page, if batch { State::Open } else { State::Sealed }, entries, directory);
        self.long |= parts > 0;
        self.set_dead(page, live, entries);
        self.clear_list();
    }
}
