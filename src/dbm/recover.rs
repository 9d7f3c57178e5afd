//! Opening: what is on the flash, what of it counts, and where the log goes on.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use embedded_storage::nor_flash::NorFlash;

use super::format::{ENTRIES_MAX, FOOTER, Geometry, HEADER, KEY_MAX, Layout, footer};
use super::head::SHORT;
use super::index::UNSEALED;
use super::log::{WIDE, WINDOW};
use super::table::State;
use super::walk::Walk;
use super::{Dbm, Fail, Flag, NO_PAGE, linked};

impl<F: NorFlash> Dbm<'_, F> {
    /// Finds the log. See FORMAT.md, "Opening". `either`: it may have the other kind of check.
    #[inline(never)]
    pub(crate) fn recover(&mut self, flag: Flag, geometry: Geometry<F>, either: bool) {
        self.log.geometry = geometry;
        self.writable = flag != Flag::Read;
        if !self.writable {
            linked::READ_ONLY.used();
        }
        (self.head, self.sequence) = (NO_PAGE, 1);
        (self.full, self.settled) = (u32::MAX, u32::MAX);
        (self.guess, self.largest, self.indexed) = (64, 64, FOOTER);
        let mut headless = NO_PAGE;
        if flag != Flag::New {
            headless = self.headers();
            if either && self.table.count() == 0 {
                self.log.geometry = geometry.other();
                headless = self.headers();
                if self.table.count() == 0 {
                    self.log.geometry = geometry;
                }
            }
        }
        if self.table.count() == 0 {
            return self.create(flag);
        }
        self.table.sort();
        self.sequence = self.table.sequence(self.table.newest()).wrapping_add(1);
        if headless != NO_PAGE {
            self.take_in(headless, self.sequence);
            self.sequence = self.sequence.wrapping_add(1);
        }
        self.count_free();
        loop {
            let newest = self.table.newest();
            if newest == NO_PAGE || self.resume(newest) || self.log.failed() {
                break;
            }
            // The page is torn and no sector is free: it holds copies of what still stands elsewhere, nothing more.
            let sector = self.sector_of(newest);
            if flag == Flag::Read {
                self.drop_sector(sector);
            } else {
                self.erase_sector(sector);
            }
        }
        // Perhaps the fates of a batch are missing.
        if flag != Flag::Read && self.settled != u32::MAX {
            self.write_fates();
        }
    }

    /// Reads all page headers. The page that was the newest, if its header is damaged.
    #[inline(never)]
    fn headers(&mut self) -> u16 {
        let pages = self.log.geometry.pages as u16;
        self.table.clear_order();
        let mut free = false;
        for page in 0..pages {
            // Free pages mostly follow each other, and begin with a word that no number is.
            let word = self.log.word(page, 0, if free { 4 } else { HEADER });
            free = word == u32::MAX;
            self.table.set_state(page, if free { State::Free } else { State::Dirty });
            if !free && self.log.geometry.header(word) == self.log.word(page, 4, 4) {
                self.take_in(page, word.swap_bytes());
            }
        }
        // Only a right header tells the version and the kind of checks.
        if self.table.count() == 0 {
            return NO_PAGE;
        }
        // A page whose header is damaged is part of the log all the same: its footer has its number. If it has none it was
        // the newest, for nothing else is unsealed, and an interrupted erase leaves no record whole.
        let mut headless = NO_PAGE;
        for page in 0..pages {
            if self.table.state(page) == State::Dirty {
                if self.sealed(page) != UNSEALED {
                    let sequence = self.foot(page, footer::SEQUENCE);
                    self.take_in(page, sequence);
                } else if self.foot(page, footer::INDEX_CHECK) == u32::MAX
                    && self.records_behind(page, F::FIRST - F::WORD)
                {
                    headless = page;
                }
            }
        }
        headless
    }

    /// A page is part of the log.
    #[inline(never)]
    fn take_in(&mut self, page: u16, sequence: u32) {
        self.table.set_state(page, State::Raw);
        self.table.set_sequence(page, sequence);
        self.table.push_order(page);
    }

    /// A failure if a walk through a damaged page met damage after which what is looked for did not come: it may have stood
    /// there.
    pub(crate) fn walked_to_end(&mut self, walk: &Walk) {
        if walk.gap {
            self.log.corrupt(walk.page, walk.at);
        }
    }

    /// Whether records that are whole stand behind a place of a page where there is none: then it was damaged, for an
    /// interrupted program leaves nothing behind it. They must reach up to where the page is blank, so that they are not part of
    /// a value; and there is one that was not programmed together with what stands before it.
    #[inline(never)]
    pub(crate) fn records_behind(&mut self, page: u16, at: u32) -> bool {
        let geometry = self.log.geometry;
        let mut from = at + F::WORD;
        while from < F::PAGE {
            let (mut to, mut alone) = (from, false);
            while self.look_sound(page, to, F::PAGE) {
                to += self.log.cur.total(&geometry);
                alone |= !self.log.cur.pending();
            }
            if (alone || to >= from + WINDOW as u32) && self.log.blank(page, to, to + WINDOW as u32) {
                return true;
            }
            from = to.max(from + F::WORD);
        }
        false
    }

    /// Counts the sectors in which no page is part of the log.
    pub(crate) fn count_free(&mut self) {
        self.free = (0..self.sectors()).filter(|sector| self.sector_free(*sector)).count() as u32;
    }

    /// Whether no page of a sector is part of the log.
    pub(crate) fn sector_free(&self, sector: u32) -> bool {
        self.all_pages(sector, |page| !self.table.state(page).in_log())
    }

    /// Takes up the log at its newest page; `false` if the page must be thrown away first.
    fn resume(&mut self, page: u16) -> bool {
        if self.sealed(page) != UNSEALED {
            return true;
        }
        // Not sealed, or not wholly: what counts is what the records say.
        self.table.set_state(page, State::Head);
        self.head = page;
        let walk = self.relist(F::PAGE);
        if walk.commit > 0 {
            // A batch over several pages is committed: their fates may not be written yet.
            self.settled = self.log.word(page, walk.commit + 2, 4);
        }
        // Nothing was begun behind the tail: neither a record, whose first program starts there, nor an index. What a batch
        // writes is programmed several records at a time: behind the last of an unfinished one, words may be programmed that
        // do not show it. (Not so in a page of copies, which are programmed one by one.)
        let index = self.log.geometry.limit(walk.count.min(ENTRIES_MAX), true).max(walk.at);
        if (!walk.void || self.free == 0)
            && !walk.gap
            && self.log.blank(page, walk.at, walk.at + WINDOW as u32)
            && self.log.blank(page, index, u32::MAX)
        {
            return true;
        }
        self.head = NO_PAGE;
        self.clear_list();
        self.table.set_state(page, State::Raw);
        self.load(page);
        self.table.damaged(page) || self.free > 0
    }

    /// Throws away the last sector if it takes no more copies and is not let go what they are copies of: it holds nothing else.
    pub(crate) fn discard_copies(&mut self) {
        let newest = self.table.newest();
        if self.free > 0 || self.head != NO_PAGE || newest == NO_PAGE {
            return;
        }
        self.erase_sector(self.sector_of(newest));
        self.forget_lent();
    }

    /// Takes the pages of a sector out of the log.
    pub(crate) fn drop_sector(&mut self, sector: u32) {
        self.each_page(sector, |db, page| {
            db.table.remove_order(page);
            db.table.set_state(page, State::Dirty);
        });
        self.count_free();
    }

    /// Lists the head page's records up to `end` anew. The walk ends in a gap if there is too little memory for the list.
    pub(crate) fn relist(&mut self, end: u32) -> Walk {
        let page = self.head;
        self.clear_list();
        let mut walk = self.walk(page);
        walk.end = end;
        let mut key = [0; KEY_MAX];
        // The seal will have to ask for it.
        self.checked = false;
        // Of records of the same name little is read, beside what is shown of the page.
        let guess = core::mem::replace(&mut self.guess, SHORT);
        self.largest = 16;
        loop {
            // The next record as a whole, if it is like those before, and as many as there is room for.
            if walk.at < end {
                self.log.view(page, walk.at, self.largest.min(end - walk.at), WIDE as u32);
            }
            if !self.advance_walk(&mut walk) {
                break;
            }
            let record = self.log.cur;
            if self.table.listed() >= self.table.room() {
                // Listed with more memory than there is now.
                walk.gap = true;
                break;
            }
            let key = self.log.name(&mut key);
            self.list(&record, key, false);
        }
        self.guess = if walk.count > 0 { self.largest } else { guess };
        self.tail = walk.at;
        walk
    }

    /// A new store: every sector that is not blank is erased, the last one first, so that an interrupted `New` of an old
    /// store leaves either one that opens or none.
    fn create(&mut self, flag: Flag) {
        for page in (0..self.log.geometry.pages as u16).rev() {
            let mut state = State::Erased;
            // The first page of a store may have been cut off, and nothing else written.
            let from = if page == 0 && flag != Flag::New { F::FIRST } else { 0 };
            if !self.log.blank(page, from, u32::MAX) {
                if flag != Flag::New {
                    return self.log.fail(Fail::NOT_A_STORE);
                }
                self.log.erase(self.sector_of(page));
            } else if from > 0 && !self.log.blank(page, 0, from) {
                state = State::Dirty;
            }
            self.table.set_state(page, state);
        }
        if flag != Flag::New && flag != Flag::Create {
            return self.log.fail(Fail::NOT_FOUND);
        }
        self.count_free();
        self.open_page()
    }
}
