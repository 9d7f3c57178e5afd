//! Looking after a store: idle work, figures, and the search for damage.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use core::cmp::Ordering;

use embedded_storage::nor_flash::NorFlash;

use super::error::FLASH;
use super::format::{Index, KEY_MAX, Layout, directory_range, read_bits};
use super::log::WINDOW;
use super::record::{Record, Spot};
use super::{Dbm, Fail, Result};

/// Whether idle time is still of use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Progress {
    /// Something was done; there may be more.
    More,
    /// Nothing is worth doing.
    Idle,
}

/// Figures of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Stat {
    /// Sectors in the store.
    pub sectors: u32,
    /// Sectors that hold nothing; one of them is kept for compaction.
    pub free_sectors: u32,
    /// Bytes in a page.
    pub page: u32,
    /// Bytes of records that count, tombstones among them.
    pub live: u32,
    /// Bytes that compaction would win back: all of the pages in use that is neither live nor free for appending.
    pub dead: u32,
    /// Bytes that can be appended before a sector must be compacted.
    pub free: u32,
    /// Records that count, tombstones and parts of long values among them.
    pub records: u32,
    /// Erases of the sector with the fewest, of that with the most, and of all. A sector whose count a power cut or a
    /// reopening lost counts as the mean.
    pub wear_least: u32,
    /// Of that with the most.
    pub wear_most: u32,
    /// Of all sectors together.
    pub wear_total: u32,
}

impl<F: NorFlash> Dbm<'_, F> {
    /// Does a bounded piece of idle work: at most one erase, and the copies of one sector; or builds an index or an order that
    /// was lent memory.
    ///
    /// When it answers [`Progress::Idle`], a burst of sets that fits in the free sectors but one costs no erase.
    pub fn step(&mut self) -> Result<Progress> {
        let more = self.stepped();
        self.done(if more { Progress::More } else { Progress::Idle })
    }

    /// The same; whether there may be more.
    fn stepped(&mut self) -> bool {
        if !self.writable() {
            return false;
        }
        if self.build_lent() {
            return true;
        }
        if self.erase_ahead() {
            return true;
        }
        if self.in_batch() {
            return false;
        }
        if !self.counting {
            self.forget_dead();
            self.counting = true;
        }
        self.discard_copies();
        // Worth it is what wins half of what it copies at least.
        let sector = self.choose(u32::MAX);
        let half = F::PAGE / 2 * F::PER_SECTOR;
        let worth = sector < self.sectors() && (self.free == 0 || self.dead >= half);
        if !worth || self.log.failed() {
            return false;
        }
        self.compact(sector);
        // Words can read as blank and refuse a program all the same, when power went during one or during their erase: on to
        // another page.
        if self.log.forgive(FLASH) {
            self.discard_copies();
            self.compact(sector);
        }
        true
    }

    /// Compacts the whole store: when it returns, as many sectors are free as can be. Python: `db.reorganize()`.
    pub fn reorganize(&mut self) -> Result<()> {
        if self.writable() && self.in_batch() {
            self.log.fail(Fail::BATCH);
        }
        self.done(())?;
        while self.step()? == Progress::More {}
        Ok(())
    }

    /// Figures of the store. Looks at every record.
    pub fn stat(&mut self) -> Result<Stat> {
        let geometry = self.log.geometry;
        let sectors = self.sectors();
        let mut stat =
            Stat { sectors, free_sectors: self.free, page: F::PAGE, wear_least: u32::MAX, ..Stat::default() };
        let capacity = geometry.limit(1, false) - F::FIRST;
        for place in 0..self.table.count() {
            let page = self.table.order(place);
            self.sift(page, false, Spot::NONE);
            let (bytes, records) = (self.living, self.living_records);
            stat.live += bytes;
            stat.records += records;
            if page == self.head {
                let left = geometry.limit(self.table.listed() as u32, false).saturating_sub(self.tail);
                stat.free += left;
                stat.dead += (self.tail - F::FIRST).saturating_sub(bytes);
            } else {
                stat.dead += capacity.saturating_sub(bytes);
            }
        }
        stat.free += self.free.saturating_sub(1) * F::PER_SECTOR * capacity;
        for sector in 0..sectors {
            let wear = self.wear_of(sector);
            stat.wear_least = stat.wear_least.min(wear);
            stat.wear_most = stat.wear_most.max(wear);
            stat.wear_total += wear;
        }
        self.done(stat)
    }

    /// Verifies everything: each page's check and index, each record's check, the order of the keys, and that every key is
    /// found by its hash. The error names the first damage; otherwise the answer is the number of records.
    pub fn check(&mut self) -> Result<u32> {
        let geometry = self.log.geometry;
        self.end_merge();
        let mut count = 0;
        for place in 0..self.table.count() {
            let page = self.table.order(place);
            self.load(page);
            if page == self.head {
                for i in 0..self.table.listed() {
                    let record = self.listed_at(i);
                    self.log.trust(&record);
                    count += 1;
                }
                self.done(())?;
                continue;
            }
            if !self.table.state(page).indexed() {
                // A power cut or a batch that was given up leaves such a page; anything else is damage.
                let mut walk = self.walk(page);
                while self.advance_walk(&mut walk) {
                    count += 1;
                }
                self.walked_to_end(&walk);
                if self.table.damaged(page) {
                    self.log.corrupt(page, F::PAGE - 20);
                }
                self.done(())?;
                continue;
            }
            let header = self.log.word(page, 0, 8);
            if geometry.header(header) != self.log.word(page, 4, 4) {
                self.log.corrupt(page, 0);
            }
            if !self.sealed_intact(page) {
                self.log.corrupt(page, F::FIRST);
            }
            self.done(())?;
            let index = geometry.index(self.table.entries(page));
            let keys = self.keys_in(page);
            let mut before = [0; KEY_MAX];
            let mut before_len = None;
            for rank in 0..index.entries {
                let record = self.ranked(page, &index, rank);
                self.log.trust(&record);
                if rank < keys {
                    if let Some(len) = before_len {
                        let order = self.log.compare(&record, before.get(..len).unwrap_or(&[]));
                        if order == Ordering::Less {
                            self.log.corrupt(page, index.offsets_at);
                        }
                    }
                    before_len = Some(self.log.name(&mut before).len());
                }
                if !self.indexed_at(&index, &record, rank) {
                    self.log.corrupt(page, index.hash_at);
                }
                self.done(())?;
                count += 1;
            }
        }
        self.done(count)
    }

    /// Whether the hash table of a page leads to a record.
    fn indexed_at(&mut self, index: &Index, record: &Record, rank: u32) -> bool {
        let hash = self.log.hash(record);
        let (from, to) = directory_range(index.entries, self.directory(record.page), hash >> 29);
        let width = index.rank_bits + index.finger_bits;
        for i in from..to {
            let (at, bit) = (index.hash_at + i * width / 8, i * width % 8);
            let entry = read_bits(self.log.view(record.page, at, 4, WINDOW as u32), bit, width);
            if entry == index.finger(hash) << index.rank_bits | rank {
                return true;
            }
        }
        false
    }
}
