//! Pages and their sectors: opening a page at the head of the log, erasing a sector, and what is known of wear.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use embedded_storage::nor_flash::NorFlash;

use super::error::FLASH;
use super::format::{HEADER, Layout, footer};
use super::table::State;
use super::{Dbm, Fail, NO_PAGE};
use crate::crc;

impl<F: NorFlash> Dbm<'_, F> {
    pub(crate) fn sectors(&self) -> u32 {
        self.log.geometry.pages / F::PER_SECTOR
    }

    /// A sector's number, counted on from the last one to the first.
    pub(super) fn wrapped(&self, sector: u32) -> u32 {
        let sectors = self.sectors();
        if sector < sectors { sector } else { sector - sectors }
    }

    pub(crate) fn sector_of(&self, page: u16) -> u32 {
        u32::from(page) / F::PER_SECTOR
    }

    fn first_of(sector: u32) -> u16 {
        (sector * F::PER_SECTOR) as u16
    }

    /// The page after one of a sector. (So asked, the compiler sees that there is none where a sector is one page.)
    fn after(page: u16) -> Option<u16> {
        let next = page.wrapping_add(1);
        (u32::from(next) % F::PER_SECTOR != 0).then_some(next)
    }

    /// Does something with each page of a sector.
    #[inline(always)]
    pub(crate) fn each_page(&mut self, sector: u32, mut act: impl FnMut(&mut Self, u16)) {
        let mut page = Self::first_of(sector);
        loop {
            act(self, page);
            let Some(next) = Self::after(page) else { break };
            page = next;
        }
    }

    /// Whether something is so of each page of a sector.
    #[inline(always)]
    pub(crate) fn all_pages(&self, sector: u32, is: impl Fn(u16) -> bool) -> bool {
        let mut page = Self::first_of(sector);
        while is(page) {
            let Some(next) = Self::after(page) else { return true };
            page = next;
        }
        false
    }

    /// Whether a sector is erased.
    pub(crate) fn sector_erased(&self, sector: u32) -> bool {
        self.all_pages(sector, |page| self.table.state(page) == State::Erased)
    }

    /// The page after the newest one, if it is of the same sector and was not used.
    pub(super) fn next_in_sector(&self) -> u16 {
        match Self::after(self.table.newest()) {
            Some(next) if matches!(self.table.state(next), State::Free | State::Erased) => next,
            _ => NO_PAGE,
        }
    }

    /// Opens a page for appending.
    #[inline(never)]
    pub(crate) fn open_page(&mut self) {
        if self.log.failed() {
            return;
        }
        let page = self.next_in_sector();
        if page != NO_PAGE {
            if self.table.state(page) == State::Erased || self.log.blank(page, 0, u32::MAX) {
                return self.start_page(page);
            }
            self.table.set_state(page, State::Dirty);
        }
        let sectors = self.sectors();
        let free = (0..sectors).map(|i| self.wrapped(self.next_sector + i)).find(|sector| self.sector_free(*sector));
        let Some(sector) = free else { return self.log.fail(Fail::FULL) };
        self.next_sector = self.wrapped(sector + 1);
        // A sector that reads as blank but was not erased since the store was opened may be one whose erase was cut off:
        // its cells can hold less than they show.
        if !self.sector_erased(sector) {
            self.erase_sector(sector);
        }
        let page = Self::first_of(sector);
        self.start_page(page);
        if self.log.forgive(FLASH) {
            // A page can read as blank and refuse a program all the same, when power went during one.
            self.erase_sector(sector);
            self.start_page(page);
            self.owed |= self.log.failed();
        }
        self.count_free();
        self.level = true;
    }

    #[inline(never)]
    fn start_page(&mut self, page: u16) {
        self.wear = self.wear_of(self.sector_of(page));
        self.table.set_state(page, State::Dirty);
        self.log.begin(page, 0);
        (self.log.page_check, self.checked) = (crc::START, true);
        let word = self.sequence.swap_bytes();
        self.log.push_word(word);
        self.log.push_word(self.log.geometry.header(word));
        self.log.fill(0xff, F::FIRST - HEADER);
        self.log.flush();
        // (Whatever a failed program left of the header, its number is not given again.)
        self.sequence = self.sequence.wrapping_add(1);
        if self.log.failed() {
            return;
        }
        self.log.spoiled = false;
        self.table.set_page(page, State::Head, 0, 0);
        self.table.push_order(page);
        self.clear_list();
        self.head = page;
        self.tail = F::FIRST;
        (self.guess, self.largest) = (self.largest, 16);
    }

    /// Erases a sector; its pages leave the log.
    #[inline(never)]
    pub(crate) fn erase_sector(&mut self, sector: u32) {
        let wear = self.wear_of(sector) + 1;
        if self.log.failed() {
            return;
        }
        let was_free = self.sector_free(sector);
        self.drop_sector(sector);
        self.table.set_data(Self::first_of(sector), wear);
        if !was_free {
            self.end_snapshots();
        }
        self.full = u32::MAX;
        self.log.erase(sector);
        if self.log.failed() {
            self.owed = true;
        } else {
            self.each_page(sector, |db, page| db.table.set_state(page, State::Erased));
        }
    }

    /// Erases a free sector that is not erased, if there is one.
    #[inline(never)]
    pub(crate) fn erase_ahead(&mut self) -> bool {
        for sector in 0..self.sectors() {
            if self.sector_free(sector) && !self.sector_erased(sector) {
                self.erase_sector(sector);
                return true;
            }
        }
        false
    }

    /// A page has no index that can be trusted.
    #[inline(never)]
    pub(crate) fn set_stale(&mut self, page: u16) {
        self.table.set_page(page, State::Stale, 0, 0);
    }

    /// How often a sector was erased, as far as is known: the mean for one whose pages do not say.
    #[inline(never)]
    pub(crate) fn wear_of(&mut self, sector: u32) -> u32 {
        let page = Self::first_of(sector);
        match self.load(page) {
            State::Head => self.wear,
            state if !state.in_log() && self.table.data(page) > 0 => self.table.data(page),
            state if state.indexed() => self.foot(page, footer::WEAR) & 0x00ff_ffff,
            _ => self.mean_wear(),
        }
    }

    /// Erases a sector on average: every page that was opened was erased once, but for the first time around.
    pub(crate) fn mean_wear(&self) -> u32 {
        (self.sequence / self.log.geometry.pages).saturating_sub(1)
    }
}
