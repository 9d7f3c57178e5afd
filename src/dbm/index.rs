//! Finding records by their names: in the list of the head page, in the indexes of sealed pages, and by walking.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use embedded_storage::nor_flash::NorFlash;

use super::format::{
    self, DIRECTORY, DIRECTORY_FROM, ENTRIES_MAX, FOOTER, Index, NO_TAIL, directory_range, footer, hash, read_bits,
    read32,
};
use super::log::WINDOW;
use super::record::Record;
use super::table::{DAMAGED, State, UNKNOWN};
use super::{Dbm, Fail, Res};
use crate::crc;

/// What is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Want {
    /// The newest record of a key.
    Newest,
    /// The newest one that stands in the log before this place of it.
    Before(usize),
    /// A part of a long value, by its two numbers.
    Part,
}

/// The directory and the footer of a page.
pub(crate) const FOOT: usize = (DIRECTORY + FOOTER) as usize;

impl<F: NorFlash> Dbm<'_, F> {
    /// The newest record of a name.
    pub(crate) fn find(&mut self, name: &[u8], want: Want) -> Res<Option<Record>> {
        let (part, hash) = (want == Want::Part, hash(name, want == Want::Part));
        let mut place = match want {
            Want::Before(place) => place,
            _ => self.table.count(),
        };
        while place > 0 {
            place -= 1;
            let page = self.table.order(place);
            let found = if page == self.head {
                self.find_listed(name, part)?
            } else {
                self.find_sealed(page, name, part, hash)?
            };
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// The newest record of a key that the open batch did not write.
    pub(crate) fn find_committed(&mut self, key: &[u8]) -> Res<Option<Record>> {
        let hash = hash(key, false);
        for place in (0..self.table.count()).rev() {
            let page = self.table.order(place);
            // Indexes of pages that the batch wrote to list what it wrote. A walk passes over that: it is not committed.
            let found = match self.table.state(page) {
                State::Head | State::Open => self.find_walking(page, key, false)?,
                _ => self.find_sealed(page, key, false, hash)?,
            };
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// Whether the open batch wrote a record.
    pub(crate) fn in_batch_now(&self, record: &Record) -> bool {
        self.batch.open
            && record.pending()
            && if record.page == self.batch.page {
                record.at() >= self.batch.at
            } else {
                record.page == self.head || self.table.state(record.page) == State::Open
            }
    }

    /// Looks in an index, or walks a page that has none.
    fn find_sealed(&mut self, page: u16, name: &[u8], part: bool, hash: u32) -> Res<Option<Record>> {
        self.load(page)?;
        if !self.table.state(page).indexed() {
            return self.find_walking(page, name, part);
        }
        let index = self.log.geometry.index(self.table.entries(page));
        let directory = if self.merge.active { self.directory(page)? } else { self.table.data(page) };
        let (mut i, to) = directory_range(index.entries, directory, hash >> 29);
        let finger = index.finger(hash);
        let width = index.rank_bits + index.finger_bits;
        let mut met = None;
        while i < to {
            let bit = i * width;
            let at = index.hash_at + bit / 8;
            let ahead = (to * width - bit).div_ceil(8) + 1;
            let bytes = self.log.view(page, at, 4, ahead.max(4))?;
            // As many entries at once as the window shows.
            let shown = i + (bytes.len() as u32 * 8 - bit % 8) / width;
            let (mut entry, from) = (0, i);
            while i < to.min(shown) {
                entry = read_bits(bytes, bit % 8 + (i - from) * width, width);
                if entry >> index.rank_bits == finger {
                    break;
                }
                i += 1;
            }
            if i >= to.min(shown) {
                continue;
            }
            i += 1;
            let record = self.ranked(page, &index, entry & ((1 << index.rank_bits) - 1))?;
            let same = self.log.named(&record, name, part)?;
            self.log.trust(&record)?;
            if same {
                return Ok(Some(record));
            }
            // Another name with the same fingerprint, or a damaged offset: the index must have meant this record, and none of
            // its name before.
            let other = self.log.hash(&record)?;
            if met == Some(other) || index.finger(other) != finger {
                return Err(Fail::corrupt(page, at));
            }
            met = Some(other);
        }
        Ok(None)
    }

    /// Looks in a page record by record.
    fn find_walking(&mut self, page: u16, name: &[u8], part: bool) -> Res<Option<Record>> {
        let (mut walk, mut newest) = (self.walk(page), None);
        while let Some(record) = self.walked(&mut walk)? {
            if self.log.named(&record, name, part)? {
                newest = Some(record);
                // What is damaged before it does not matter any more.
                walk.gap = false;
            }
        }
        self.walked_to_end(&walk)?;
        Ok(newest)
    }

    /// The record with a rank in key order.
    #[inline(never)]
    pub(crate) fn ranked(&mut self, page: u16, index: &Index, rank: u32) -> Res<Record> {
        let bit = rank * index.offset_bits;
        let at = index.offsets_at + bit / 8;
        let need = (bit % 8 + index.offset_bits).div_ceil(8);
        let bytes = self.log.view(page, at, need, need)?;
        let offset = read_bits(bytes, bit % 8, index.offset_bits) * self.log.geometry.word;
        let record = self.log.head(page, offset, self.guess)?.filter(|_| rank < index.entries);
        record.ok_or(Fail::corrupt(page, at))
    }

    /// The directory and the footer of a page, if the check over them and the hashes is right.
    pub(crate) fn foot(&mut self, page: u16) -> Res<Option<[u8; FOOT]>> {
        let size = self.log.geometry.page;
        // The hash table and the footer are most often shown by one window.
        let start = size - WINDOW as u32;
        let bytes = self.log.view(page, start, WINDOW as u32, WINDOW as u32)?;
        let foot = bytes.last_chunk::<FOOT>().copied().unwrap_or([0xff; FOOT]);
        let entries = footer::number(&foot, footer::ENTRIES, 1);
        let index = self.log.geometry.index(entries);
        if entries > ENTRIES_MAX || index.offsets_at < self.log.geometry.first() {
            return Ok(None);
        }
        let found = !self.log.check_over(page, index.hash_at, size - 4, crc::START)?;
        Ok((found == footer::number(&foot, footer::INDEX_CHECK, 4)).then_some(foot))
    }

    /// Reads a page's footer if it has not been read yet.
    pub(crate) fn load(&mut self, page: u16) -> Res<()> {
        if self.table.state(page) != State::Raw {
            return Ok(());
        }
        self.table.set_dead(page, UNKNOWN);
        let Some(foot) = self.foot(page)? else { return self.load_stale(page) };
        let entries = footer::number(&foot, footer::ENTRIES, 1);
        let mut state = State::Sealed;
        if footer::number(&foot, footer::TAIL, 2) != u32::from(NO_TAIL) {
            // Any bit of the fate says that the batch was committed: only that ever writes it.
            let (at, to) = (self.fate_at(entries), self.log.geometry.limit(entries, false));
            if self.log.blank(page, at, to)? {
                // Its index lists what does not count, unless the log's last record says otherwise.
                let committed = footer::number(&foot, footer::SEQUENCE, 4) >= self.settled;
                state = if committed { State::Open } else { State::Stale };
            }
        }
        self.table.set_state(page, state);
        self.table.set_entries(page, entries);
        self.table.set_parts(page, footer::number(&foot, footer::PARTS, 1) > 0);
        let directory = if entries > DIRECTORY_FROM { read32(&foot, 0) } else { format::NO_DIRECTORY };
        self.table.set_data(page, directory);
        Ok(())
    }

    /// Why a page has no index: an interruption, or damage.
    fn load_stale(&mut self, page: u16) -> Res<()> {
        let geometry = self.log.geometry;
        // Damage leaves a footer that knows the header's number; an interrupted erase leaves none, and a seal that was cut
        // off leaves half of one.
        let bytes = self.log.view(page, geometry.page - FOOTER, FOOTER, FOOTER)?;
        let foot: [u8; FOOTER as usize] = bytes.first_chunk().copied().unwrap_or_default();
        let (sequence, check) = (read32(&foot, 8), read32(&foot, 16));
        let header = self.log.view(page, 0, format::HEADER, format::HEADER)?;
        let known = geometry.sequence(header).is_none_or(|number| number == sequence);
        self.table.set_state(page, State::Stale);
        self.table.set_entries(page, 0);
        let mut walk = self.walk(page);
        while self.walked(&mut walk)?.is_some() {}
        if known && foot[0] != 0xff && check != u32::MAX || self.records_behind(page, walk.at)? {
            self.table.set_entries(page, DAMAGED);
        }
        Ok(())
    }

    /// The directory of a page, from the flash.
    pub(crate) fn directory(&mut self, page: u16) -> Res<u32> {
        if self.table.entries(page) <= DIRECTORY_FROM {
            return Ok(format::NO_DIRECTORY);
        }
        let at = self.log.geometry.page - FOOTER - DIRECTORY;
        Ok(read32(self.log.view(page, at, DIRECTORY, DIRECTORY)?, 0))
    }

    /// Where the fate of a batch stands in a page that was sealed in it.
    pub(crate) fn fate_at(&self, entries: u32) -> u32 {
        self.log.geometry.limit(entries, true)
    }
}
