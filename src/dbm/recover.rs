//! Opening: what is on the flash, what of it counts, and where the log goes on.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use embedded_storage::nor_flash::NorFlash;

use super::format::{FOOTER, HEADER, Kind, NO_TAIL, footer, read32};
use super::log::WINDOW;
use super::record::Record;
use super::table::{DAMAGED, State, UNKNOWN};
use super::{Dbm, Fail, Flag, NO_PAGE, Res};
use crate::crc;

/// Going through the records of a page in the order they were written.
pub(crate) struct Walk {
    page: u16,
    at: u32,
    end: u32,
    /// The next commit in the page and where its batch begins; at the end if there is none.
    commit_at: u32,
    commit_from: u32,
}

impl<F: NorFlash> Dbm<'_, F> {
    /// Finds the log. See FORMAT.md, "Opening".
    pub(crate) fn recover(&mut self, flag: Flag) -> Res<()> {
        if flag == Flag::New {
            return self.create();
        }
        if !self.headers()? {
            // Perhaps the other kind of check.
            self.log.geometry.compact = !self.log.geometry.compact;
            if !self.headers()? {
                self.log.geometry.compact = !self.log.geometry.compact;
                let blank = self.all_blank()?;
                return match flag {
                    Flag::Create if blank => self.create(),
                    Flag::Create => self.create_over_debris(),
                    _ => Err(if blank { Fail::NOT_FOUND } else { Fail::NOT_A_STORE }),
                };
            }
        }
        self.sort();
        let newest = self.table.order(self.table.count() - 1);
        self.sequence = self.table.sequence(newest).wrapping_add(1);
        self.count_free();
        while self.table.count() > 0 {
            let page = self.table.order(self.table.count() - 1);
            if self.resume(page)? {
                break;
            }
            // The page is torn and no sector is free: it holds copies of what still stands elsewhere, nothing more.
            self.doom(page)?;
        }
        let mean = self.mean_wear();
        for page in 0..self.log.geometry.pages as u16 {
            match self.table.state(page) {
                State::Raw => self.table.set_live(page, UNKNOWN),
                State::Free | State::Dirty => self.table.set_data(page, mean),
                _ => {}
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
        let mut any = false;
        while self.table.count() > 0 {
            self.table.remove_order(self.table.count() - 1);
        }
        for page in 0..geometry.pages as u16 {
            let bytes = self.log.view(page, 0, HEADER, HEADER)?;
            let state = if bytes.get(..HEADER as usize) == Some(&[0xff; HEADER as usize]) {
                State::Free
            } else if let Some(sequence) = geometry.sequence(bytes) {
                self.table.set_sequence(page, sequence);
                self.table.push_order(page);
                any = true;
                State::Raw
            } else {
                State::Dirty
            };
            self.table.set_state(page, state);
        }
        let mut headless = None;
        for page in 0..geometry.pages as u16 {
            if self.table.state(page) == State::Dirty {
                // Only a right header tells the version and the kind of checks.
                if !any {
                    continue;
                }
                if !self.header_damaged(page)? && self.headless(page)? {
                    headless = Some(page);
                }
            }
        }
        if let Some(page) = headless {
            let newest = (0..self.table.count()).map(|at| self.table.sequence(self.table.order(at))).max();
            self.table.set_sequence(page, newest.unwrap_or(0).saturating_add(1));
            self.table.push_order(page);
            self.table.set_state(page, State::Raw);
        }
        Ok(any)
    }

    /// A page whose header is damaged but whose footer is right is a page of the log all the same.
    fn header_damaged(&mut self, page: u16) -> Res<bool> {
        let geometry = self.log.geometry;
        let at = geometry.page - FOOTER;
        let foot = self.log.view(page, at, FOOTER, FOOTER)?;
        let entries = u32::from(foot.get(footer::ENTRIES).copied().unwrap_or(0));
        let sequence = read32(foot, footer::SEQUENCE.start);
        let want = read32(foot, footer::INDEX_CHECK.start);
        if entries > super::format::ENTRIES_MAX || entries == 0 {
            return Ok(false);
        }
        let index = geometry.index(entries);
        if index.offsets_at < geometry.first()
            || !self.log.check_over(page, index.hash_at, geometry.page - 4, crc::START)? != want
        {
            return Ok(false);
        }
        self.table.set_sequence(page, sequence);
        self.table.push_order(page);
        self.table.set_state(page, State::Raw);
        Ok(true)
    }

    /// Whether a page whose header is wrong, and that has no seal, begins with a record: then it was the newest, for nothing
    /// else is unsealed, and an interrupted erase leaves no record whole.
    fn headless(&mut self, page: u16) -> Res<bool> {
        let (first, last) = (self.log.geometry.first(), self.log.geometry.page - 4);
        if self.log.view(page, last, 4, 4)?.get(..4) != Some(&[0xff; 4]) {
            return Ok(false);
        }
        match self.log.head(page, first, 64)? {
            Some(record) => self.log.verify(&record),
            None => Ok(false),
        }
    }

    /// An error if a walk through a damaged page ended where there may be more: a record is in doubt then, and so is every
    /// answer that depends on it.
    pub(crate) fn walked_to_end(&mut self, walk: &Walk) -> Res<()> {
        let geometry = self.log.geometry;
        if self.table.entries(walk.page) != DAMAGED || self.table.state(walk.page) != State::Stale {
            return Ok(());
        }
        // An index begins at the latest where one of all records would.
        let entries = self.walked.min(super::format::ENTRIES_MAX);
        let blank = walk.at >= geometry.page || self.log.view(walk.page, walk.at, 1, 1)?.first() == Some(&0xff);
        if blank || walk.at >= geometry.limit(entries, true) {
            return Ok(());
        }
        Err(Fail::corrupt(walk.page, walk.at))
    }

    /// Whether a record stands behind a place where the walk of the newest page ended: an interrupted program leaves none
    /// beyond what it was to write.
    fn records_behind(&mut self, page: u16) -> Res<bool> {
        let geometry = self.log.geometry;
        // What was torn begins in the record that is not whole, or before it, and is at most a stage long.
        let begun = self.log.head(page, self.tail, HEADER)?.map_or(0, |record| record.total(&geometry));
        let mut at = self.tail + geometry.align((begun + WINDOW as u32).max(2 * WINDOW as u32));
        while at < geometry.limit(0, false) {
            if self.sound(page, at, geometry.page)?.is_some() {
                return Ok(true);
            }
            at += geometry.word;
        }
        Ok(false)
    }

    /// Sorts the log by sequence numbers (heap sort: no memory but the list itself).
    fn sort(&mut self) {
        let count = self.table.count();
        for root in (0..count / 2).rev() {
            self.sift(root, count);
        }
        for end in (1..count).rev() {
            self.swap(0, end);
            self.sift(0, end);
        }
    }

    fn swap(&mut self, a: usize, b: usize) {
        let (x, y) = (self.table.order(a), self.table.order(b));
        self.table.set_order(a, y);
        self.table.set_order(b, x);
    }

    fn sift(&mut self, mut root: usize, end: usize) {
        loop {
            let mut child = root * 2 + 1;
            if child >= end {
                return;
            }
            let key = |db: &Self, at: usize| db.table.sequence(db.table.order(at));
            if child + 1 < end && key(self, child) < key(self, child + 1) {
                child += 1;
            }
            if key(self, root) >= key(self, child) {
                return;
            }
            self.swap(root, child);
            root = child;
        }
    }

    /// Counts the sectors in which no page is part of the log.
    pub(crate) fn count_free(&mut self) {
        let sectors = self.log.geometry.pages / self.log.geometry.per_sector;
        self.free = (0..sectors).filter(|sector| self.sector_free(*sector)).count() as u32;
    }

    /// Whether no page of a sector is part of the log.
    pub(crate) fn sector_free(&self, sector: u32) -> bool {
        let per = self.log.geometry.per_sector;
        (sector * per..(sector + 1) * per).all(|page| !self.table.state(page as u16).in_log())
    }

    /// Takes up the log at its newest page; `false` if the page must be thrown away first.
    fn resume(&mut self, page: u16) -> Res<bool> {
        let geometry = self.log.geometry;
        let at = geometry.page - 4;
        let sealed = self.log.view(page, at, 4, 4)?.get(..4) != Some(&[0xff; 4]);
        if sealed {
            self.load(page)?;
            if self.table.state(page).indexed() && self.sealed_intact(page)? {
                return Ok(true);
            }
        }
        // Not sealed, or not wholly: what counts is what the records say.
        self.table.set_live(page, UNKNOWN);
        self.table.set_entries(page, 0);
        self.table.set_state(page, State::Head);
        self.head = page;
        // What a batch writes is programmed several records at a time: behind the last of an unfinished one, words may be
        // programmed that do not show it. (Not so in a page of copies, which are programmed one by one.)
        let clean = self.relist(geometry.page)? && (!self.last_void || self.free == 0) && self.unused(page)?;
        if let Some(record) = self.last_mark {
            self.finish_last(page, &record)?;
        }
        if clean {
            return Ok(true);
        }
        let damaged = self.records_behind(page)?;
        self.give_up_head();
        if damaged {
            self.table.set_entries(page, DAMAGED);
        }
        Ok(damaged || self.free > 0)
    }

    /// Whether nothing was begun behind the tail of the head page: neither a record, whose first program starts there, nor
    /// an index.
    fn unused(&mut self, page: u16) -> Res<bool> {
        let geometry = self.log.geometry;
        let (tail, index) =
            (self.tail, geometry.limit(self.walked.min(super::format::ENTRIES_MAX), true).max(self.tail));
        if !self.log.blank(page, index)? {
            return Ok(false);
        }
        let end = (tail + WINDOW as u32).min(geometry.page);
        let mut at = tail;
        while at < end {
            let bytes = self.log.view(page, at, 1, end - at)?;
            if bytes.iter().any(|byte| *byte != 0xff) {
                return Ok(false);
            }
            at += bytes.len() as u32;
        }
        Ok(true)
    }

    /// Takes note of what the log's last record, a mark, was about: it may have been interrupted.
    fn finish_last(&mut self, page: u16, record: &Record) -> Res<()> {
        let mut bytes = [0; super::format::KEY_MAX];
        let key = self.log.key(record, &mut bytes)?;
        match *key {
            // A batch over several pages is committed: their fates may not be written yet.
            [0, 0, a, b, c, d] => {
                let first = u32::from_le_bytes([a, b, c, d]);
                self.settle(page, first)
            }
            // A sector is being erased.
            [a, b] if !record.pending() => {
                let sector = u32::from(u16::from_le_bytes([a, b]));
                if sector < self.log.geometry.pages / self.log.geometry.per_sector {
                    self.doom((sector * self.log.geometry.per_sector) as u16)?;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// The pages that were sealed in the batch which began in page number `first` belong to the log.
    fn settle(&mut self, newest: u16, first: u32) -> Res<()> {
        for place in (0..self.table.count()).rev() {
            let page = self.table.order(place);
            if page == newest {
                continue;
            }
            let geometry = self.log.geometry;
            let header = self.log.view(page, 0, HEADER, HEADER)?;
            if geometry.sequence(header).is_none_or(|sequence| sequence < first) {
                break;
            }
            self.load(page)?;
            if self.table.state(page) == State::Void {
                self.table.set_state(page, State::Open);
            }
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
        self.doom(newest)?;
        self.clean()?;
        Ok(true)
    }

    /// Drops the sector of a page from the log; it must be erased before anything is written.
    fn doom(&mut self, page: u16) -> Res<()> {
        let per = self.log.geometry.per_sector;
        let sector = u32::from(page) / per;
        for page in sector * per..(sector + 1) * per {
            if let Some(place) = self.table.place(page as u16) {
                self.table.remove_order(place);
                self.table.set_state(page as u16, State::Dirty);
            }
            if self.head == page as u16 {
                self.table.clear_list();
                self.head = NO_PAGE;
            }
        }
        self.doomed = sector;
        self.lent.forget();
        self.count_free();
        Ok(())
    }

    /// Finishes what was interrupted: an erase, the fates of a batch.
    fn clean(&mut self) -> Res<()> {
        if self.doomed != u32::MAX {
            let sector = self.doomed;
            self.doomed = u32::MAX;
            self.erase_sector(sector)?;
        }
        self.write_fates()
    }

    /// Whether a sealed page's check is right, the index included.
    pub(crate) fn sealed_intact(&mut self, page: u16) -> Res<bool> {
        let geometry = self.log.geometry;
        let entries = self.table.entries(page);
        let index = geometry.index(entries);
        let foot = self.log.view(page, geometry.page - FOOTER, FOOTER, FOOTER)?;
        let want = read32(foot, footer::CHECK.start);
        let tail = (read32(foot, footer::TAIL.start) & 0xffff) as u16;
        let mut state = crc::START;
        if tail == NO_TAIL {
            state = self.log.check_over(page, 0, index.hash_at, state)?;
        } else {
            // The fate was blank when the check was made.
            let (fate, after) = (self.fate_at(entries), geometry.limit(entries, false));
            state = self.log.check_over(page, 0, fate, state)?;
            for _ in fate..after {
                state = crc::update32(state, &[0xff]);
            }
            state = self.log.check_over(page, after, index.hash_at, state)?;
        }
        Ok(!state == want)
    }

    /// Lists the head page's records up to `end` anew; `false` if it ends in something that is no record.
    pub(crate) fn relist(&mut self, end: u32) -> Res<bool> {
        let page = self.head;
        self.table.clear_list();
        self.parts = 0;
        self.twice = false;
        self.changes = self.changes.wrapping_add(1);
        self.last_mark = None;
        self.last_void = false;
        self.walked = 0;
        let (mut walk, mut checked, mut check) = (self.walk(page), 0, crc::START);
        walk.end = end;
        let guess = core::mem::replace(&mut self.guess, WINDOW as u32);
        loop {
            let found = self.walked(&mut walk)?;
            check = self.log.check_over(page, checked, walk.at, check)?;
            checked = walk.at;
            let Some(record) = found else { break };
            let mut key = [0; super::format::KEY_MAX];
            let key = self.log.key(&record, &mut key)?;
            if self.table.listed() >= self.table.room() {
                // Listed with more memory than there is now.
                self.guess = guess;
                return Ok(false);
            }
            self.list_record(&record, key)?;
        }
        self.guess = guess;
        self.tail = walk.at;
        self.log.page_check = check;
        let size = self.log.geometry.page;
        if self.tail >= end || self.tail + 4 > size {
            return Ok(true);
        }
        let next = self.log.view(page, self.tail, 1, 1)?;
        Ok(next.first() == Some(&0xff))
    }

    pub(crate) fn walk(&mut self, page: u16) -> Walk {
        let first = self.log.geometry.first();
        let end = if page == self.head && self.tail > first { self.tail } else { self.log.geometry.page };
        self.walked = 0;
        Walk { page, at: first, end, commit_at: 0, commit_from: 0 }
    }

    /// The next record of a walk that counts: its check is right, and it belongs to no batch that was not committed.
    pub(crate) fn walked(&mut self, walk: &mut Walk) -> Res<Option<Record>> {
        while let Some(record) = self.sound(walk.page, walk.at, walk.end)? {
            walk.at += record.total(&self.log.geometry);
            self.walked += 1;
            self.last_mark = (record.kind == Kind::Commit).then_some(record);
            self.last_void = false;
            if record.kind == Kind::Commit {
                continue;
            }
            if record.pending() {
                if record.at() >= walk.commit_at {
                    self.next_commit(walk)?;
                }
                if record.at() < walk.commit_from {
                    if walk.page != self.head && self.table.entries(walk.page) == DAMAGED {
                        // Its fate stood in what is damaged.
                        return Err(Fail::corrupt(walk.page, record.at()));
                    }
                    self.last_void = true;
                    continue;
                }
            }
            return Ok(Some(record));
        }
        Ok(None)
    }

    /// The record at a place, if there is one and its check is right.
    fn sound(&mut self, page: u16, at: u32, end: u32) -> Res<Option<Record>> {
        if at >= end {
            return Ok(None);
        }
        let guess = self.guess;
        let Some(record) = self.log.head(page, at, guess)? else { return Ok(None) };
        Ok(if self.log.verify(&record)? { Some(record) } else { None })
    }

    /// Finds the next commit of a walk.
    fn next_commit(&mut self, walk: &mut Walk) -> Res<()> {
        let mut at = walk.at;
        (walk.commit_at, walk.commit_from) = (walk.end, walk.end);
        while let Some(record) = self.sound(walk.page, at, walk.end)? {
            if record.kind == Kind::Commit && record.pending() {
                let bytes = self.log.view(walk.page, record.key_at(), 2, 2)?;
                walk.commit_at = record.at();
                if let &[low, high, ..] = bytes {
                    walk.commit_from = u32::from(u16::from_le_bytes([low, high]));
                }
                return Ok(());
            }
            at += record.total(&self.log.geometry);
        }
        Ok(())
    }

    fn all_blank(&mut self) -> Res<bool> {
        for page in 0..self.log.geometry.pages as u16 {
            if !self.log.blank(page, 0)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// A new store: every sector that is not blank is erased, the last one first, so that an interrupted `New` of an old
    /// store leaves either one that opens or none.
    fn create(&mut self) -> Res<()> {
        let geometry = self.log.geometry;
        while self.table.count() > 0 {
            self.table.remove_order(self.table.count() - 1);
        }
        for sector in (0..geometry.pages / geometry.per_sector).rev() {
            let pages = sector * geometry.per_sector..(sector + 1) * geometry.per_sector;
            let mut blank = true;
            for page in pages.clone() {
                blank &= self.log.blank(page as u16, 0)?;
            }
            for page in pages {
                self.table.set_state(page as u16, State::Erased);
            }
            if !blank {
                self.log.erase(sector)?;
            }
        }
        self.count_free();
        self.sequence = 1;
        self.open_page()
    }

    /// Something is there but no page: the first page of a store may have been cut off, and nothing else written.
    fn create_over_debris(&mut self) -> Res<()> {
        let geometry = self.log.geometry;
        for page in 1..geometry.pages as u16 {
            if !self.log.blank(page, 0)? {
                return Err(Fail::NOT_A_STORE);
            }
        }
        if !self.log.blank(0, geometry.first())? {
            return Err(Fail::NOT_A_STORE);
        }
        self.create()
    }
}
