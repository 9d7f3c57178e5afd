//! Pages and their sectors: opening a page at the head of the log, erasing a sector, and what is known of wear.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use embedded_storage::nor_flash::NorFlash;

use super::error::FLASH;
use super::format::{HEADER, footer};
use super::table::{State, UNKNOWN};
use super::{Dbm, Fail, NO_PAGE};
use crate::crc;

impl<F: NorFlash> Dbm<'_, F> {
    pub(crate) fn sectors(&self) -> u32 {
        self.log.geometry.sectors
    }

    /// A sector's number, counted on from the last one to the first.
    pub(super) fn wrapped(&self, sector: u32) -> u32 {
        let sectors = self.sectors();
        if sector < sectors { sector } else { sector - sectors }
    }

    pub(crate) fn sector_of(&self, page: u16) -> u32 {
        u32::from(page) / self.log.geometry.per_sector
    }

    pub(crate) fn pages_of(&self, sector: u32) -> core::ops::Range<u16> {
        let per = self.log.geometry.per_sector;
        (sector * per) as u16..(sector * per + per) as u16
    }

    /// The page after the newest one, if it is of the same sector and was not used.
    #[inline(never)]
    pub(super) fn next_in_sector(&self) -> u16 {
        let next = self.table.newest().wrapping_add(1);
        let same = u32::from(next) % self.log.geometry.per_sector != 0;
        if same && matches!(self.table.state(next), State::Free | State::Erased) { next } else { NO_PAGE }
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
        if self.pages_of(sector).any(|page| self.table.state(page) != State::Erased) {
            self.erase_sector(sector);
        }
        let page = self.pages_of(sector).start;
        self.start_page(page);
        if self.log.forgive(FLASH) {
            // A page can read as blank and refuse a program all the same, when power went during one.
            self.erase_sector(sector);
            self.start_page(page);
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
        self.log.fill(0xff, self.log.geometry.first() - HEADER);
        self.log.flush();
        if self.log.failed() {
            return;
        }
        self.sequence = self.sequence.wrapping_add(1);
        self.table.set_state(page, State::Head);
        self.table.set_dead(page, UNKNOWN);
        self.table.push_order(page);
        self.clear_list();
        self.head = page;
        self.tail = self.log.geometry.first();
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
        self.table.set_data(self.pages_of(sector).start, wear);
        self.ended = self.ended.wrapping_add(u32::from(!was_free));
        self.epoch = self.epoch.wrapping_add(1);
        self.full = u32::MAX;
        self.log.erase(sector);
        if !self.log.failed() {
            self.pages_of(sector).for_each(|page| self.table.set_state(page, State::Erased));
        }
    }

    /// How often a sector was erased, as far as is known: the mean for one whose pages do not say.
    #[inline(never)]
    pub(crate) fn wear_of(&mut self, sector: u32) -> u32 {
        let page = self.pages_of(sector).start;
        self.load(page);
        match self.table.state(page) {
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
