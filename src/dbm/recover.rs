//! Opening: what is on the flash, what of it counts, and where the log goes on.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use embedded_storage::nor_flash::NorFlash;

use super::format::{ENTRIES_MAX, HEADER, footer, read32};
use super::log::WINDOW;
use super::record::Record;
use super::table::State;
use super::walk::Walk;
use super::{Dbm, Fail, Flag, NO_PAGE, Res};

impl<F: NorFlash> Dbm<'_, F> {
    /// Finds the log. See FORMAT.md, "Opening".
    pub(crate) fn recover(&mut self, flag: Flag) -> Res<()> {
        let mut found = flag != Flag::New && self.headers()?;
        if !found && flag != Flag::New {
            // Perhaps the other kind of check.
            self.log.geometry.compact ^= true;
            found = self.headers()?;
            self.log.geometry.compact ^= !found;
        }
        if !found {
            return self.create(flag);
        }
        self.table.sort();
        let newest = self.table.order(self.table.count() - 1);
        self.sequence = self.table.sequence(newest).wrapping_add(1);
        self.count_free();
        while self.table.count() > 0 {
            let page = self.table.order(self.table.count() - 1);
            if self.resume(page)? {
                break;
            }
            // The page is torn and no sector is free: it holds copies of what still stands elsewhere, nothing more.
            self.doom(page);
        }
        let mean = self.mean_wear();
        for page in 0..self.log.geometry.pages as u16 {
            if !self.table.state(page).in_log() {
                self.table.set_data(page, mean);
            }
        }
        if flag != Flag::Read {
            self.clean()?;
        }
        Ok(())
    }

    /// Reads all page headers; whether there is any page.
    fn headers(&mut self) -> Res<bool> {
        let geometry = self.log.geometry;
        self.table.clear_order();
        for page in 0..geometry.pages as u16 {
            let bytes = self.log.view(page, 0, HEADER, HEADER)?;
            let blank = bytes.iter().take(HEADER as usize).all(|byte| *byte == 0xff);
            let sequence = geometry.sequence(bytes);
            self.table.set_state(page, if blank { State::Free } else { State::Dirty });
            if let Some(sequence) = sequence {
                self.take_in(page, sequence);
            }
        }
        // Only a right header tells the version and the kind of checks.
        if self.table.count() == 0 {
            return Ok(false);
        }
        // A page whose header is damaged is part of the log all the same: its footer has its number. If it has none it was
        // the newest, for nothing else is unsealed, and an interrupted erase leaves no record whole.
        let (mut newest, mut headless) = (0, NO_PAGE);
        for page in 0..geometry.pages as u16 {
            if self.table.state(page) == State::Dirty {
                if let Some(foot) = self.foot(page)? {
                    self.take_in(page, footer::number(&foot, footer::SEQUENCE, 4));
                } else if self.log.blank(page, geometry.page - 4, u32::MAX)?
                    && self.records_behind(page, geometry.first() - geometry.word)?
                {
                    headless = page;
                }
            }
            if self.table.state(page) == State::Raw {
                newest = newest.max(self.table.sequence(page));
            }
        }
        if headless != NO_PAGE {
            self.take_in(headless, newest.saturating_add(1));
        }
        Ok(true)
    }

    /// A page is part of the log.
    fn take_in(&mut self, page: u16, sequence: u32) {
        self.table.set_state(page, State::Raw);
        self.table.set_sequence(page, sequence);
        self.table.push_order(page);
    }

    /// An error if a walk through a damaged page met damage after which what is looked for did not come: it may have stood
    /// there.
    pub(crate) fn walked_to_end(&mut self, walk: &Walk) -> Res<()> {
        if walk.gap { Err(Fail::corrupt(walk.page, walk.at)) } else { Ok(()) }
    }

    /// Whether records that are whole stand behind a place of a page where there is none: then it was damaged, for an
    /// interrupted program leaves nothing behind it. They must reach up to where the page is blank, so that they are not part of
    /// a value; and there is one that was not programmed together with what stands before it.
    pub(crate) fn records_behind(&mut self, page: u16, at: u32) -> Res<bool> {
        let geometry = self.log.geometry;
        let mut from = at + geometry.word;
        while from < geometry.page {
            let (mut to, mut alone) = (from, false);
            while let Some(record) = self.sound(page, to, geometry.page)? {
                to += record.total(&geometry);
                alone |= !record.pending();
            }
            if (alone || to >= from + WINDOW as u32) && self.log.blank(page, to, to + WINDOW as u32)? {
                return Ok(true);
            }
            from = to.max(from + geometry.word);
        }
        Ok(false)
    }

    /// Counts the sectors in which no page is part of the log.
    pub(crate) fn count_free(&mut self) {
        self.free = (0..self.sectors()).filter(|sector| self.sector_free(*sector)).count() as u32;
    }

    /// Whether no page of a sector is part of the log.
    pub(crate) fn sector_free(&self, sector: u32) -> bool {
        self.pages_of(sector).all(|page| !self.table.state(page).in_log())
    }

    /// Takes up the log at its newest page; `false` if the page must be thrown away first.
    fn resume(&mut self, page: u16) -> Res<bool> {
        if self.foot(page)?.is_some() {
            return Ok(true);
        }
        // Not sealed, or not wholly: what counts is what the records say.
        self.table.set_state(page, State::Head);
        self.head = page;
        let walk = self.relist(self.log.geometry.page)?;
        // What a batch writes is programmed several records at a time: behind the last of an unfinished one, words may be
        // programmed that do not show it. (Not so in a page of copies, which are programmed one by one.)
        let clean = (!walk.void || self.free == 0) && !walk.gap && self.unused(page, &walk)?;
        if let Some(mark) = walk.mark {
            self.finish_last(&mark)?;
        }
        if clean {
            return Ok(true);
        }
        if self.head != NO_PAGE {
            self.give_up_head();
            self.table.set_state(page, State::Raw);
            self.load(page)?;
        }
        Ok(self.table.damaged(page) || self.free > 0)
    }

    /// Whether nothing was begun behind the tail of the head page: neither a record, whose first program starts there, nor
    /// an index.
    fn unused(&mut self, page: u16, walk: &Walk) -> Res<bool> {
        let index = self.log.geometry.limit(walk.count.min(ENTRIES_MAX), true).max(walk.at);
        Ok(self.log.blank(page, walk.at, walk.at + WINDOW as u32)? && self.log.blank(page, index, u32::MAX)?)
    }

    /// Takes note of what the log's last record, a mark, was about: it may have been interrupted.
    fn finish_last(&mut self, mark: &Record) -> Res<()> {
        let bytes = self.log.view(mark.page, mark.key_at(), 6, 6)?;
        let (sector, first) = (read32(bytes, 0) & 0xffff, read32(bytes, 2));
        match mark.key_len() {
            // A batch over several pages is committed: their fates may not be written yet.
            6 => self.settled = first,
            // A sector is being erased.
            2 if !mark.pending() && sector < self.sectors() => {
                self.doom((sector * self.log.geometry.per_sector) as u16);
            }
            _ => {}
        }
        Ok(())
    }

    /// Throws away the newest page if it was given up while it took copies in the last free sector: it holds nothing else.
    /// Whether it was so.
    pub(crate) fn discard_copies(&mut self) -> Res<bool> {
        let Some(last) = self.table.count().checked_sub(1) else { return Ok(false) };
        let newest = self.table.order(last);
        if self.batch.open || self.free > 0 || self.head != NO_PAGE || self.table.state(newest) != State::Stale {
            return Ok(false);
        }
        self.erase_sector(self.sector_of(newest))?;
        Ok(true)
    }

    /// Drops the sector of a page from the log; it must be erased before anything is written.
    fn doom(&mut self, page: u16) {
        let sector = self.sector_of(page);
        for page in self.pages_of(sector) {
            self.table.remove_order(page);
            self.table.set_state(page, State::Dirty);
            if self.head == page {
                self.clear_list();
                self.head = NO_PAGE;
            }
        }
        self.doomed = sector;
        self.lent.forget();
        self.count_free();
    }

    /// Finishes what was interrupted: an erase, the fates of a batch.
    fn clean(&mut self) -> Res<()> {
        let doomed = core::mem::replace(&mut self.doomed, u32::MAX);
        if doomed != u32::MAX {
            self.erase_sector(doomed)?;
        }
        if self.settled != u32::MAX {
            for place in 0..self.table.count() {
                self.load(self.table.order(place))?;
            }
            self.write_fates()?;
        }
        Ok(())
    }

    /// Lists the head page's records up to `end` anew. The walk ends in a gap if there is too little memory for the list.
    pub(crate) fn relist(&mut self, end: u32) -> Res<Walk> {
        let page = self.head;
        self.clear_list();
        let mut walk = self.walk(page);
        walk.end = end;
        let guess = core::mem::replace(&mut self.guess, WINDOW as u32);
        let mut checked = 0;
        self.log.page_check = crate::crc::START;
        loop {
            let found = self.walked(&mut walk)?;
            self.log.page_check = self.log.check_over(page, checked, walk.at, self.log.page_check)?;
            checked = walk.at;
            let Some(record) = found else { break };
            if self.table.listed() >= self.table.room() {
                // Listed with more memory than there is now.
                walk.gap = true;
                break;
            }
            let mut key = [0; super::format::KEY_MAX];
            let key = self.log.key(&record, &mut key)?;
            self.list_record(&record, key)?;
        }
        self.guess = guess;
        self.tail = walk.at;
        Ok(walk)
    }

    /// A new store: every sector that is not blank is erased, the last one first, so that an interrupted `New` of an old
    /// store leaves either one that opens or none.
    fn create(&mut self, flag: Flag) -> Res<()> {
        let geometry = self.log.geometry;
        // The first page of a store may have been cut off, and nothing else written.
        let mut rest_blank = self.log.blank(0, geometry.first(), u32::MAX)?;
        for page in 1..geometry.pages as u16 {
            rest_blank = rest_blank && self.log.blank(page, 0, u32::MAX)?;
        }
        match flag {
            Flag::New => {}
            Flag::Create if rest_blank => {}
            Flag::Create => return Err(Fail::NOT_A_STORE),
            _ if rest_blank && self.log.blank(0, 0, HEADER)? => return Err(Fail::NOT_FOUND),
            _ => return Err(Fail::NOT_A_STORE),
        }
        for sector in (0..self.sectors()).rev() {
            let mut blank = true;
            for page in self.pages_of(sector) {
                blank = blank && self.log.blank(page, 0, u32::MAX)?;
                self.table.set_state(page, State::Erased);
            }
            if !blank {
                self.log.erase(sector)?;
            }
        }
        self.count_free();
        self.open_page()
    }
}
