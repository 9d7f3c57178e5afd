//! Room: compaction, which copies what lives in one sector and erases it.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use embedded_storage::nor_flash::NorFlash;

use super::error::CORRUPT;
use super::format::{KEY_MAX, Kind, LONG_HEAD, Layout, Name};
use super::record::{Record, Spot};
use super::table::{State, UNKNOWN};
use super::{Dbm, Fail, NO_PAGE};

/// Pages of which one set finds out what is dead in them.
const PATIENCE: u32 = 3;
/// Most of what can be dead in a page, in 256ths of it.
const DEAD_MAX: u32 = 254;

/// How many compactions for one set may win no more room than one before.
const VAIN: u32 = 2;
/// No sector.
const NONE: u32 = u32::MAX;

impl<F: NorFlash> Dbm<'_, F> {
    /// Makes the head page take a record of `total` bytes. One sector always stays free for compaction.
    pub(crate) fn make_room(&mut self, total: u32) {
        let counting = self.free <= self.sectors() / 4 + 1;
        if counting && !self.counting {
            self.forget_dead();
        }
        self.counting = counting;
        self.discard_copies();
        if total >= self.full {
            return self.log.fail(Fail::FULL);
        }
        let page = F::PAGE;
        let batch = self.in_batch();
        let (mut won, mut vain) = (0, 0);
        for turn in 0..self.sectors() * 2 + 1 {
            if self.owed && self.free == 1 {
                // After an opening that sector would be in the log, none free, and what is written now taken for copies.
                self.erase_ahead();
                self.owed = self.log.failed();
            }
            if self.log.failed() {
                return;
            }
            if self.free > 0 {
                if self.head_takes(total) {
                    // When all of the sector lives that is moved, the head page has the room after it that it has now, but
                    // for what copies of another size waste.
                    // (In a batch copies can take more room than what they are copies of.)
                    let roomy = self.head_takes(total + page / 16);
                    if turn == 0 && self.level && !batch && !self.owed && roomy && self.level_wear() {
                        continue;
                    }
                    return;
                }
                let opens = self.next_in_sector() != NO_PAGE || self.free > 1;
                // Copies go to the head first, so that what several sectors win adds up. (In a batch that is not counted on: each
                // page keeps room for a fate.)
                if opens || batch {
                    self.seal();
                    if self.log.failed() {
                        return;
                    }
                }
                if opens {
                    self.open_page();
                    // What compaction will ask for is found out by and by.
                    if counting && !self.log.failed() {
                        self.choose(PATIENCE);
                    }
                    continue;
                }
            }
            let mut sector = self.choose(PATIENCE);
            if self.free == 0 || self.dead < total {
                sector = self.choose(u32::MAX);
                // In the end, what was found out before may no longer be so.
                if self.dead < total && core::mem::take(&mut self.doubtful) {
                    self.forget_dead();
                    sector = self.choose(u32::MAX);
                }
            }
            let head = self.head_room();
            let enough = if batch {
                // The copies' pages have less room than the sector's: each keeps some for the batch's fate.
                self.dead >= total + F::align(4) * F::PER_SECTOR
            } else {
                // Little dead in each of several sectors is room too, when their copies share pages.
                self.dead >= total || self.all_dead + head >= total + page / 4
            };
            if sector == NONE || self.free > 0 && !enough {
                if self.head == NO_PAGE {
                    break;
                }
                // The head's sector may be the one.
                self.seal();
                continue;
            }
            self.compact(sector);
            // What is damaged stays where it is; another sector will do.
            if self.log.forgive(CORRUPT) {
                self.each_page(sector, |db, page| db.table.set_dead(page, 0));
                continue;
            }
            // What is dead in several sectors may be lost again where their copies do not fill their pages.
            let room = self.head_room();
            vain += u32::from(room <= won);
            won = won.max(room);
            if vain > VAIN && !batch {
                break;
            }
        }
        // What it took to find that out is not done again before something changes.
        if !self.log.failed() {
            self.full = total;
            self.log.fail(Fail::FULL);
        }
    }

    /// Bytes behind the head page's records.
    fn head_room(&self) -> u32 {
        if self.head == NO_PAGE { 0 } else { F::PAGE - self.tail }
    }

    /// Moves what lives in a sector that lags behind in wear, so that it takes its share: after a new sector was taken, one
    /// is looked at. Whether it was moved.
    fn level_wear(&mut self) -> bool {
        self.level = false;
        self.next_worn = self.wrapped(self.next_worn + 1);
        let sector = self.next_worn;
        let mean = self.mean_wear();
        if !self.may_go(sector) || self.wear_of(sector) + 2 + mean / 64 >= mean {
            return false;
        }
        self.compact(sector);
        self.log.forgive(CORRUPT);
        true
    }

    /// What is dead in each page is no longer known.
    #[inline(never)]
    pub(crate) fn forget_dead(&mut self) {
        self.full = u32::MAX;
        (0..self.log.geometry.pages as u16).for_each(|page| self.table.set_dead(page, UNKNOWN));
    }

    /// Takes note of what lives in a page: all else in it would be won back.
    #[inline(never)]
    pub(crate) fn set_dead(&mut self, page: u16, live: u32, entries: u32) {
        let room = self.log.geometry.limit(entries, false).saturating_sub(F::FIRST + live);
        self.table.set_dead(page, (room * 256 / F::PAGE).min(DEAD_MAX));
    }

    /// The record that a new one of this key makes dead counts as such.
    pub(crate) fn count_dead(&mut self, key: &[u8], batch: bool) {
        if !self.counting {
            return;
        }
        if !self.find(&Name::key(key)).is_some() || self.log.failed() {
            return;
        }
        let old = self.log.cur;
        if batch {
            // It is not dead before the batch is committed: until then it is copied, and what was written instead with it.
            self.table.set_dead(old.page, UNKNOWN);
        } else if old.kind == Kind::Long {
            // Its parts are dead as well, wherever they are.
            self.forget_dead();
        } else if self.table.dead(old.page) <= DEAD_MAX {
            // With the entry that goes with it.
            let units = (old.total(&self.log.geometry) + 3) * 256 / F::PAGE + 1;
            self.table.set_dead(old.page, (self.table.dead(old.page) + units).min(DEAD_MAX));
        }
    }

    /// The sector that is best compacted: what it would win is in `dead`, in bytes (more than a sector has, if it has a
    /// page that must go), and what all would win in `all_dead`. What is dead in pages of which it is not known is found out for so many of them,
    /// the oldest first.
    pub(crate) fn choose(&mut self, mut patience: u32) -> u32 {
        let mut best = NONE;
        (self.dead, self.all_dead) = (0, 0);
        for i in 0..self.sectors() {
            let sector = self.wrapped(self.next_sector + i);
            self.each_page(sector, |db, page| {
                db.load(page);
            });
            if !self.may_go(sector) {
                continue;
            }
            let mut dead = 0;
            self.each_page(sector, |db, page| {
                let state = db.table.state(page);
                if state.in_log() && db.table.dead(page) == UNKNOWN && patience > 0 {
                    patience -= 1;
                    db.sift(page, false, Spot::NONE);
                    // What is damaged stays where it is.
                    if db.log.forgive(CORRUPT) {
                        db.table.set_dead(page, 0);
                    } else if !db.log.failed() {
                        db.set_dead(page, db.living, db.living_records);
                    }
                }
                dead += match db.table.dead(page) {
                    _ if !state.in_log() => 255,
                    UNKNOWN => 0,
                    // A page without index can be neither sealed nor appended to, and every look-up walks it: it goes first,
                    // if there is room for any.
                    dead if state == State::Stale && db.free > 0 => dead + 0x1000,
                    dead => dead,
                };
            });
            self.all_dead += dead;
            if best == NONE || dead > self.dead {
                (best, self.dead) = (sector, dead);
            }
        }
        // From 256ths of a page to bytes.
        self.dead = self.dead * F::PAGE / 256;
        self.all_dead = self.all_dead * F::PAGE / 256;
        best
    }

    /// Whether a sector may be compacted now: it is in use, not the head's, and the open batch did not write to it.
    fn may_go(&self, sector: u32) -> bool {
        !self.sector_free(sector)
            && self.all_pages(sector, |page| {
                !(self.table.damaged(page)
                    || page == self.head
                    || self.in_batch() && (page == self.batch.page || self.table.state(page) == State::Open))
            })
    }

    /// Goes through the records of a page that live: counts them in `living`, and copies them if asked. `without`: a record
    /// that is left behind.
    #[inline(never)]
    pub(crate) fn sift(&mut self, page: u16, copying: bool, without: Spot) {
        (self.living, self.living_records) = (0, 0);
        self.load(page);
        let mut walk = self.go(page);
        while self.advance_any(&mut walk) {
            let record = self.log.cur;
            let mut fresh = false;
            while record.spot() != without && !self.sift_record(&record, copying, fresh) {
                // A page is sealed and another begun while no key is on the stack: sealing wants room for one.
                self.seal();
                self.open_page();
                fresh = true;
            }
        }
    }

    /// As `sift`, for one record; false if it lives and is to be copied, and the head page, which is not `fresh`, does not take
    /// it.
    #[inline(never)]
    fn sift_record(&mut self, record: &Record, copying: bool, fresh: bool) -> bool {
        let mut buf = [0; KEY_MAX];
        self.log.cur = *record;
        let key = self.log.name(&mut buf);
        if !self.lives(record, key, copying) || self.log.failed() {
            return true;
        }
        if copying && !fresh && !self.head_takes(record.total(&self.log.geometry)) {
            return false;
        }
        self.count_living(record);
        if copying {
            self.copy_to_head(record, false, key);
        }
        true
    }

    /// Takes note of a record that lives, and copies it if asked, as one of the open batch perhaps.
    pub(crate) fn keep(&mut self, record: &Record, pending: bool, copying: bool, key: &[u8]) {
        self.count_living(record);
        if copying {
            self.carry(record, pending, key);
        }
    }

    fn count_living(&mut self, record: &Record) {
        self.doubtful |= record.kind == Kind::Deleted;
        self.living_records += 1;
        self.living += record.total(&self.log.geometry);
    }

    /// Whether a record of this name lives: it is the newest of its name. (What lives only if the open batch is given up is kept by
    /// the way.) A tombstone that is not copied is dead when there is nothing in other pages for it to hide: its copy will be.
    fn lives(&mut self, record: &Record, name: &[u8], copying: bool) -> bool {
        let part = record.kind == Kind::Part;
        let name = Name::new(name, part);
        let newest = self.find(&name);
        if newest != record.spot() {
            if self.in_batch() && newest.is_some() {
                self.keep_overwritten(record, &name, copying);
            }
            return false;
        }
        if part {
            return self.part_lives(record);
        }
        if record.kind == Kind::Deleted && (record.is_settled() || !copying) {
            let place = self.table.place(record.page).unwrap_or(0);
            return self.find_before(&name, place).is_some();
        }
        true
    }

    /// A part lives as long as the long value it belongs to, and while that is written. (Its buffer for a key must not stand
    /// on the stack beside the one of `sift` while records are copied.)
    #[inline(never)]
    fn part_lives(&mut self, part: &Record) -> bool {
        let number = self.log.word(part.page, part.key_at(), LONG_HEAD);
        if self.writing == Some(number) {
            return true;
        }
        let len = self.log.word(part.page, part.key_at() + 4, 4) >> 24;
        let mut buf = [0; KEY_MAX];
        let key = buf.get_mut(..len as usize).unwrap_or(&mut []);
        self.log.copy(part.page, part.value_at(), key);
        let name = Name::key(key);
        self.find(&name).is_some()
            && (self.names(number) || self.in_batch() && self.committed(&name).is_some() && self.names(number))
    }

    /// Whether the record looked at is that of a long value of this number.
    fn names(&mut self, number: u32) -> bool {
        let record = self.log.cur;
        record.kind == Kind::Long && self.log.number(&record, 0) == number
    }

    /// Copies what lives in a sector to the head page and those after it, and erases the sector.
    #[inline(never)]
    pub(crate) fn compact(&mut self, sector: u32) {
        self.copy_out(sector, Spot::NONE);
        self.let_go(sector);
    }

    /// Copies what lives in a sector, but for the record `without`.
    #[inline(never)]
    fn copy_out(&mut self, sector: u32, without: Spot) {
        self.rest_merge(true);
        // No copy goes where it would be erased.
        if F::PER_SECTOR > 1 {
            self.each_page(sector, |db, page| {
                if !db.table.state(page).in_log() {
                    db.table.set_state(page, State::Dirty);
                }
            });
        }
        self.each_page(sector, |db, page| {
            let state = db.load(page);
            if state.indexed() && !db.sealed_intact(page) {
                db.log.corrupt(page, 0);
            }
            if state.in_log() {
                // What is dead in it grows while it is copied, if that does not come to its end.
                db.table.set_dead(page, UNKNOWN);
                db.sift(page, true, without);
            }
        });
    }

    /// Erases a sector of which everything that lives was copied.
    #[inline(never)]
    fn let_go(&mut self, sector: u32) {
        // Nothing lived in the log's only sector: a store without a header is none, should power go in the erase.
        if self.sector_of(self.table.newest()) == sector {
            self.open_page();
        }
        self.erase_sector(sector);
    }

    /// Copies a record, which has this key, to the tail.
    #[inline(never)]
    pub(crate) fn carry(&mut self, record: &Record, pending: bool, key: &[u8]) {
        self.ready(record);
        self.copy_to_head(record, pending, key)
    }

    /// Opens another page if the head page does not take a record.
    #[inline(never)]
    fn ready(&mut self, record: &Record) {
        if !self.head_takes(record.total(&self.log.geometry)) {
            self.seal();
            self.open_page();
        }
    }

    /// Copies a record to the head page, which takes it.
    fn copy_to_head(&mut self, record: &Record, pending: bool, key: &[u8]) {
        if self.log.failed() {
            return;
        }
        let copy = if pending { record.with_pending(true) } else { record.settled() };
        let copy = copy.placed(self.head, self.tail);
        self.log.transfer(record, &copy);
        self.appended(&copy, key)
    }

    /// Deletes a key from a store that has no room for a tombstone: the sector of its record is compacted without that. The
    /// tombstone is no larger, and comes when the copies are whole: they would be thrown away otherwise, and it with them.
    pub(crate) fn compact_without(&mut self, key: &[u8]) {
        let newest = self.find(&Name::key(key));
        let sector = self.sector_of(newest.page());
        if self.head != NO_PAGE && sector == self.sector_of(self.head) {
            self.seal();
        }
        self.copy_out(sector, newest);
        let tombstone = Record::new(Kind::Deleted, false, key.len(), 0).settled();
        self.ready(&tombstone);
        self.put(tombstone, &[key, &[], &[]]);
        self.let_go(sector);
        if let Err(fail) = self.log.outcome(()) {
            // What was noted to be gone is still there, whatever was programmed of the tombstone.
            self.discard_copies();
            self.forget_lent();
            self.log.fail(fail);
        }
    }

    /// Writes what became of a committed batch to the pages that were sealed in it.
    pub(crate) fn write_fates(&mut self) {
        for place in 0..self.table.count() {
            let page = self.table.order(place);
            if self.load(page) == State::Open {
                let (check, fate) = (self.log.page_check, self.fate_at(self.table.entries(page)));
                // (A program that failed may have written some of it, which is enough.)
                if self.log.blank(page, fate, fate + F::align(4)) {
                    self.log.begin(page, fate);
                    self.log.fill(0, F::align(4));
                    self.log.flush();
                    self.log.page_check = check;
                }
                if !self.log.failed() {
                    self.table.set_state(page, State::Sealed);
                }
            }
        }
        if !self.log.failed() {
            self.settled = u32::MAX;
        }
    }
}
