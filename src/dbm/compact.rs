//! Room: opening and erasing pages, and compaction, which copies what lives in one sector and erases it.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use core::cmp::Ordering;

use embedded_storage::nor_flash::NorFlash;

use super::format::{FOOTER, KEY_MAX, Kind, footer, read32};
use super::index::{Want, units};
use super::record::Record;
use super::table::{DAMAGED, State, UNKNOWN};
use super::{Dbm, Fail, NO_PAGE, Res};
use crate::crc;

/// Pages of which a set finds out what lives in them.
const PATIENCE: u32 = 2;

/// What becomes of a record when its sector is compacted.
enum Fate {
    Dead,
    /// A tombstone that hides nothing any more.
    Done,
    Live,
    /// Live only if the open batch is given up; this is what the batch wrote instead.
    Overwritten(Record),
}

impl<F: NorFlash> Dbm<'_, F> {
    fn sectors(&self) -> u32 {
        self.log.geometry.pages / self.log.geometry.per_sector
    }

    pub(crate) fn sector_of(&self, page: u16) -> u32 {
        u32::from(page) / self.log.geometry.per_sector
    }

    fn pages_of(&self, sector: u32) -> core::ops::Range<u32> {
        sector * self.log.geometry.per_sector..(sector + 1) * self.log.geometry.per_sector
    }

    /// Makes the head page take a record of `total` bytes. One sector always stays free for compaction.
    pub(crate) fn make_room(&mut self, total: u32) -> Res<()> {
        let counting = self.free <= self.sectors() / 4 + 1;
        if counting && !self.counting {
            self.forget_live();
        }
        self.counting = counting;
        if total >= self.full {
            return Err(Fail::FULL);
        }
        for _ in 0..=self.sectors() * 2 {
            if self.free > 0 && self.head_takes(total) {
                return Ok(());
            }
            if self.free > 0 {
                self.seal()?;
                let next = self.next_in_sector();
                if next.is_some() || self.free > 1 {
                    match self.open_page() {
                        // Such a page is passed over.
                        Err(fail) if fail.is_flash() && next.is_some() && self.next_in_sector().is_none() => {}
                        done => done?,
                    }
                    continue;
                }
            }
            match self.choose(total)? {
                Some(sector) => match self.compact(sector, None) {
                    // What is damaged stays where it is; another sector will do.
                    Err(fail) if fail.is_corrupt() => {
                        for page in self.pages_of(sector) {
                            self.table.set_live(page as u16, 254);
                        }
                    }
                    done => done?,
                },
                None => break,
            }
        }
        // What it took to find that out is not done again before something changes.
        self.full = total;
        Err(Fail::FULL)
    }

    /// The page after the newest one, if it is of the same sector and was not used.
    fn next_in_sector(&self) -> Option<u16> {
        let newest = self.table.order(self.table.count().checked_sub(1)?);
        let next = newest + 1;
        let same = u32::from(next) % self.log.geometry.per_sector != 0;
        (same && matches!(self.table.state(next), State::Free | State::Erased)).then_some(next)
    }

    /// Opens a page for appending.
    pub(crate) fn open_page(&mut self) -> Res<()> {
        let page = match self.next_in_sector() {
            Some(page) if self.table.state(page) == State::Erased || self.log.blank(page, 0)? => page,
            Some(page) => {
                self.table.set_state(page, State::Dirty);
                return self.open_page_in_new_sector();
            }
            None => return self.open_page_in_new_sector(),
        };
        self.start_page(page)
    }

    fn open_page_in_new_sector(&mut self) -> Res<()> {
        let sectors = self.sectors();
        let free = (0..sectors).map(|i| (self.next_sector + i) % sectors).find(|sector| self.sector_free(*sector));
        let sector = free.ok_or(Fail::FULL)?;
        self.next_sector = (sector + 1) % sectors;
        // A sector that reads as blank but was not erased since the store was opened may be one whose erase was cut off:
        // its cells can hold less than they show.
        if self.pages_of(sector).any(|page| self.table.state(page as u16) != State::Erased) {
            self.erase_sector(sector)?;
        }
        let page = (sector * self.log.geometry.per_sector) as u16;
        let mut started = self.start_page(page);
        if started.is_err() {
            // A page can read as blank and refuse a program all the same, when power went during one.
            self.erase_sector(sector)?;
            started = self.start_page(page);
        }
        self.count_free();
        started
    }

    fn start_page(&mut self, page: u16) -> Res<()> {
        let geometry = self.log.geometry;
        self.wear = self.table.data(page) & 0x00ff_ffff;
        self.table.set_state(page, State::Dirty);
        self.log.page_check = crc::START;
        self.log.begin(page, 0)?;
        self.log.push(&geometry.header(self.sequence))?;
        let ones = [0xff; 32];
        self.log.push(ones.get(..(geometry.first() - super::format::HEADER) as usize).unwrap_or(&[]))?;
        self.log.flush()?;
        self.sequence = self.sequence.wrapping_add(1);
        self.table.set_state(page, State::Head);
        self.table.set_live(page, UNKNOWN);
        self.table.set_entries(page, 0);
        self.table.push_order(page);
        self.table.clear_list();
        self.parts = 0;
        self.twice = false;
        self.keep_before = 0;
        self.pinned = 0;
        self.head = page;
        self.tail = geometry.first();
        self.epoch = self.epoch.wrapping_add(1);
        Ok(())
    }

    /// Erases a sector; its pages leave the log.
    pub(crate) fn erase_sector(&mut self, sector: u32) -> Res<()> {
        let wear = self.wear_of(sector)?.saturating_add(1).min(0x00ff_ffff);
        let was_free = self.sector_free(sector);
        for page in self.pages_of(sector) {
            let page = page as u16;
            if let Some(place) = self.table.place(page) {
                self.table.remove_order(place);
            }
            self.table.set_state(page, State::Dirty);
            self.table.set_data(page, wear);
            if page == self.batch.page {
                self.batch.page = NO_PAGE;
            }
        }
        if !was_free {
            self.free += 1;
            self.ended = self.ended.wrapping_add(1);
        }
        self.epoch = self.epoch.wrapping_add(1);
        self.full = u32::MAX;
        self.log.erase(sector)?;
        for page in self.pages_of(sector) {
            self.table.set_state(page as u16, State::Erased);
        }
        Ok(())
    }

    /// How often a sector was erased, as far as is known: the mean for one whose pages do not say.
    pub(crate) fn wear_of(&mut self, sector: u32) -> Res<u32> {
        let page = (sector * self.log.geometry.per_sector) as u16;
        match self.table.state(page) {
            State::Free | State::Erased => return Ok(self.table.data(page) & 0x00ff_ffff),
            State::Head => return Ok(self.wear),
            _ => {}
        }
        self.load(page)?;
        if self.table.state(page).indexed() {
            let at = self.log.geometry.page - FOOTER;
            let foot = self.log.view(page, at, FOOTER, FOOTER)?;
            return Ok(read32(foot, footer::WEAR.start) & 0x00ff_ffff);
        }
        Ok(self.mean_wear())
    }

    /// Erases a sector on average: every page that was opened was erased once, but for the first time around.
    pub(crate) fn mean_wear(&self) -> u32 {
        (self.sequence / self.log.geometry.pages).saturating_sub(1)
    }

    /// Live bytes are no longer known.
    pub(crate) fn forget_live(&mut self) {
        for page in 0..self.log.geometry.pages as u16 {
            self.table.set_live(page, UNKNOWN);
        }
    }

    /// The record that a new one of this key makes dead leaves the count of its page.
    pub(crate) fn count_dead(&mut self, key: &[u8]) -> Res<()> {
        if !self.counting {
            return Ok(());
        }
        if let Some(old) = self.find(key, Want::Newest)?
            && old.page != self.head
        {
            let live = self.table.live(old.page);
            if live != UNKNOWN {
                let units = units(&self.log.geometry, &old).min(254) as u8;
                self.table.set_live(old.page, live.saturating_sub(units));
            }
        }
        Ok(())
    }

    /// A sector that is worth compacting in idle time: a page without index, or one of which at most half lives.
    pub(crate) fn choose_worth(&mut self) -> Res<Option<u32>> {
        if self.free == 0 {
            return self.choose(0);
        }
        let mut best: Option<(u32, u32)> = None;
        for sector in 0..self.sectors() {
            if self.sector_free(sector) || !self.may_go(sector) {
                continue;
            }
            let Some(live) = self.live_of(sector)? else { return Ok(Some(sector)) };
            if best.is_none_or(|(least, _)| live < least) {
                best = Some((live, sector));
            }
        }
        Ok(best.filter(|(live, _)| *live <= 128 * self.log.geometry.per_sector).map(|(_, sector)| sector))
    }

    /// What lives in a sector, in 256ths of a page; none if a page in it has no index.
    fn live_of(&mut self, sector: u32) -> Res<Option<u32>> {
        let mut live = 0;
        for page in self.pages_of(sector) {
            let page = page as u16;
            if !self.table.state(page).in_log() {
                continue;
            }
            self.load(page)?;
            if self.table.state(page) == State::Stale {
                return Ok(None);
            }
            if self.table.live(page) == UNKNOWN {
                let units = match self.measure(page) {
                    Ok((units, ..)) => units,
                    // What is damaged stays where it is.
                    Err(fail) if fail.is_corrupt() => 254,
                    Err(error) => return Err(error),
                };
                self.table.set_live(page, units.min(254) as u8);
            }
            live += u32::from(self.table.live(page));
        }
        Ok(Some(live))
    }

    /// The sector that is best compacted so that a record of `total` bytes finds room; none if the store is full.
    fn choose(&mut self, total: u32) -> Res<Option<u32>> {
        let geometry = self.log.geometry;
        let mut best: Option<(u32, u32, u32)> = None;
        // What lives in a page is found out for some pages at a time, the oldest first, so that no set takes long.
        let mut patience = PATIENCE;
        for place in 0..self.table.count() {
            let page = self.table.order(place);
            let sector = self.sector_of(page);
            if !self.may_go(sector) || best.is_some_and(|(_, other, _)| other == sector) {
                continue;
            }
            let unknown = self.pages_of(sector).any(|page| {
                let page = page as u16;
                self.table.state(page).in_log() && self.table.live(page) == UNKNOWN
            });
            if unknown && patience == 0 && best.is_some() {
                continue;
            }
            patience -= u32::from(unknown && patience > 0);
            // A page without index must not stay: it can be neither sealed nor appended to.
            let Some(live) = self.live_of(sector)? else { return Ok(Some(sector)) };
            // Among sectors that hold about as much, the less worn one goes.
            let worn = if self.sectors() <= 64 {
                let (wear, mean) = (self.wear_of(sector)?, self.mean_wear());
                (wear + 32).saturating_sub(mean).min(64) * 6
            } else {
                0
            };
            if best.is_none_or(|(least, ..)| live + worn < least) {
                best = Some((live + worn, sector, live));
            }
        }
        let Some((_, sector, live)) = best else { return Ok(None) };
        if live * geometry.page / 256 + total + geometry.page / 8 < geometry.page * geometry.per_sector {
            return Ok(Some(self.least_worn()?.unwrap_or(sector)));
        }
        self.choose_exactly(total)
    }

    /// A sector that lags behind in wear: its records move, so that it takes its share. One sector is looked at each time.
    fn least_worn(&mut self) -> Res<Option<u32>> {
        self.next_worn = (self.next_worn + 1) % self.sectors();
        let sector = self.next_worn;
        if self.sector_free(sector) || !self.may_go(sector) || self.free == 0 {
            return Ok(None);
        }
        let mean = self.mean_wear();
        let wear = self.wear_of(sector)?;
        if wear + 2 + mean / 64 >= mean {
            return Ok(None);
        }
        // If all of it lives, its copies fill the head page, and another sector must go as well.
        Ok(Some(sector))
    }

    /// As `choose`, when the store is nearly full: every record is looked at.
    fn choose_exactly(&mut self, total: u32) -> Res<Option<u32>> {
        let geometry = self.log.geometry;
        let (mut rooms, mut best) = (0, None);
        for sector in 0..self.sectors() {
            if self.sector_free(sector) || !self.may_go(sector) {
                continue;
            }
            let mut room = 0;
            for page in self.pages_of(sector) {
                if self.table.state(page as u16).in_log() {
                    let (_, bytes, entries) = match self.measure(page as u16) {
                        Ok(sums) => sums,
                        Err(fail) if fail.is_corrupt() => (254, geometry.page, 0),
                        Err(error) => return Err(error),
                    };
                    let limit = geometry.limit((entries + 1).min(254), self.batch.open) - geometry.first();
                    room += limit.saturating_sub(bytes);
                } else {
                    room += geometry.record_max();
                }
            }
            rooms += room;
            if best.is_none_or(|(most, _)| room > most) {
                best = Some((room, sector));
            }
        }
        let head = if self.head == NO_PAGE { 0 } else { geometry.page - self.tail };
        let Some((room, sector)) = best else { return Ok(None) };
        let enough = self.free == 0 || room >= total || rooms + head >= total + geometry.page / 4;
        Ok(enough.then_some(sector))
    }

    /// Whether a sector may be compacted now: not the head's, and none that the open batch wrote to.
    fn may_go(&self, sector: u32) -> bool {
        self.pages_of(sector).all(|page| {
            let page = page as u16;
            let damaged = self.table.state(page) == State::Stale && self.table.entries(page) == DAMAGED;
            !damaged
                && page != self.head
                && !(self.batch.open && page == self.batch.page)
                && self.table.state(page) != State::Open
        })
    }

    /// What lives in a page: units, bytes, records.
    pub(crate) fn measure(&mut self, page: u16) -> Res<(u32, u32, u32)> {
        let geometry = self.log.geometry;
        let mut sums = (0, 0, 0);
        let mut cursor = Going::default();
        while let Some(record) = self.go(page, &mut cursor)? {
            if !matches!(self.fate(&record)?, Fate::Dead | Fate::Done) {
                let total = record.total(&geometry);
                sums = (sums.0 + units(&geometry, &record), sums.1 + total, sums.2 + 1);
            }
        }
        Ok(sums)
    }

    /// What becomes of a record.
    fn fate(&mut self, record: &Record) -> Res<Fate> {
        let mut buf = [0; KEY_MAX];
        let key = self.log.key(record, &mut buf)?;
        if record.kind == Kind::Part {
            return self.part_fate(record, key);
        }
        let Some(newest) = self.find(key, Want::Newest)? else { return Ok(Fate::Dead) };
        let batch = self.in_batch_now(&newest);
        if newest.is(record) {
            if record.kind == Kind::Deleted && !batch {
                // A tombstone is needed as long as there is something for it to hide.
                let place = self.table.place(record.page).unwrap_or(0);
                if self.find(key, Want::Before(place))?.is_none() {
                    return Ok(Fate::Done);
                }
            }
            return Ok(Fate::Live);
        }
        if batch {
            let committed = self.find(key, Want::Committed)?;
            if committed.is_some_and(|committed| committed.is(record)) {
                return Ok(Fate::Overwritten(newest));
            }
        }
        Ok(Fate::Dead)
    }

    /// A part lives as long as the long value it belongs to.
    fn part_fate(&mut self, record: &Record, key: &[u8]) -> Res<Fate> {
        let (number, part) = self.log.numbers(record)?;
        let newest = self.find(key, Want::Part(number, part))?;
        if newest.is_none_or(|newest| !newest.is(record)) {
            return Ok(Fate::Dead);
        }
        if self.batch.open && self.in_batch_now(record) {
            return Ok(Fate::Live);
        }
        for want in [Want::Newest, Want::Committed] {
            if let Some(owner) = self.find(key, want)?
                && owner.kind == Kind::Long
                && self.log.numbers(&owner)?.0 == number
            {
                return Ok(Fate::Live);
            }
            if !self.batch.open {
                break;
            }
        }
        Ok(Fate::Dead)
    }

    /// The next record of a page that its index lists, or of a walk where there is none.
    pub(crate) fn go(&mut self, page: u16, going: &mut Going) -> Res<Option<Record>> {
        self.load(page)?;
        if !self.table.state(page).indexed() {
            let mut walk = going.walk.take().unwrap_or_else(|| self.walk(page));
            let record = self.walked(&mut walk)?;
            going.walk = Some(walk);
            return Ok(record);
        }
        let index = self.log.geometry.index(self.table.entries(page));
        while going.rank < index.entries {
            let record = self.ranked(page, &index, going.rank)?;
            going.rank += 1;
            if !self.voided(&record)? {
                self.log.trust(&record)?;
                return Ok(Some(record));
            }
        }
        Ok(None)
    }

    /// Copies what lives in a sector to the head page and those after it, and erases the sector. `without`: a key whose
    /// record is left behind, and thereby deleted.
    pub(crate) fn compact(&mut self, sector: u32, without: Option<&[u8]>) -> Res<()> {
        self.end_merge()?;
        let mut mark = without.is_some();
        for page in self.pages_of(sector) {
            let page = page as u16;
            if !self.table.state(page).in_log() {
                continue;
            }
            let mut going = Going::default();
            while let Some(record) = self.go(page, &mut going)? {
                if let Some(key) = without
                    && record.kind != Kind::Part
                    && self.log.compare(&record, key)? == Ordering::Equal
                {
                    self.note_lent(&record.gone(), key);
                    continue;
                }
                match self.fate(&record)? {
                    Fate::Dead => {}
                    // An interrupted erase might bring back what it hid in this page. (Nothing but this may be appended
                    // between the copies and the erase: see `resume`.)
                    Fate::Done => mark = true,
                    Fate::Live => self.carry(&record)?,
                    Fate::Overwritten(newest) => {
                        self.carry(&record)?;
                        self.carry(&newest)?;
                    }
                }
            }
        }
        if mark {
            let [low, high, ..] = sector.to_le_bytes();
            self.mark(false, &[low, high])?;
        }
        self.erase_sector(sector)
    }

    /// Copies a record to the tail.
    fn carry(&mut self, record: &Record) -> Res<()> {
        self.carry_as(record, self.in_batch_now(record))
    }

    /// Copies a record to the tail as one that the open batch writes.
    pub(crate) fn carry_pending(&mut self, record: &Record) -> Res<()> {
        self.carry_as(record, true)
    }

    fn carry_as(&mut self, record: &Record, pending: bool) -> Res<()> {
        let total = record.total(&self.log.geometry);
        if !self.head_takes(total) {
            self.seal()?;
            self.open_page()?;
        }
        let copy = record.placed(self.head, self.tail).with_pending(pending);
        let copied = self.log.transfer(record, &copy).and_then(|()| self.log.flush());
        copied.inspect_err(|_| self.give_up_head())?;
        let mut buf = [0; KEY_MAX];
        let key = self.log.key(record, &mut buf)?;
        self.appended(&copy, key)
    }

    /// Appends a mark: a commit (`pending`), or the announcement of an erase.
    pub(crate) fn mark(&mut self, pending: bool, bytes: &[u8]) -> Res<()> {
        let record = Record::new(Kind::Commit, pending, bytes.len(), 0);
        let total = record.total(&self.log.geometry);
        let listed = self.table.listed() as u32;
        if self.head == NO_PAGE || self.tail + total > self.log.geometry.limit(listed, self.batch.open) {
            self.seal()?;
            self.open_page()?;
        }
        self.put(record, bytes, &[], &[])
    }

    /// Deletes a key from a store that has no room for a tombstone: its sector is compacted without it.
    pub(crate) fn compact_without(&mut self, key: &[u8]) -> Res<()> {
        for _ in 0..=self.table.count() {
            let Some(record) = self.find_value(key)? else { return Ok(()) };
            if self.sector_of(record.page) == self.sector_of(self.head) {
                self.seal()?;
            }
            // Older records of the key go first, or they would come to light.
            let place = self.table.place(record.page).unwrap_or(0);
            match self.find(key, Want::Before(place))? {
                Some(older) => self.compact(self.sector_of(older.page), None)?,
                None => return self.compact(self.sector_of(record.page), Some(key)),
            }
        }
        Err(Fail::FULL)
    }

    /// Writes what became of a committed batch to the pages that were sealed in it.
    pub(crate) fn write_fates(&mut self) -> Res<()> {
        for place in 0..self.table.count() {
            let page = self.table.order(place);
            if self.table.state(page) == State::Open {
                let at = self.fate_at(self.table.entries(page));
                let zeros = [0; 32];
                let len = self.log.geometry.align(4) as usize;
                let check = self.log.page_check;
                self.log.begin(page, at)?;
                self.log.push(zeros.get(..len).unwrap_or(&[]))?;
                self.log.flush()?;
                self.log.page_check = check;
                self.table.set_state(page, State::Sealed);
            }
        }
        Ok(())
    }
}

/// Where going through a page has come to.
#[derive(Default)]
pub(crate) struct Going {
    rank: u32,
    pub(crate) walk: Option<super::recover::Walk>,
}
