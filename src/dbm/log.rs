//! All input and output of the store: a window on the flash to read through, a stage to program from, and erases.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use embedded_storage::nor_flash::{NorFlash, NorFlashError};

use super::format::Geometry;
use super::{Error, Result};
use crate::crc;

/// Bytes of the window: most records are read in one go.
pub(crate) const WINDOW: usize = 128;
/// Bytes of the stage: most records are programmed in one go.
const STAGE: usize = 128;
/// No window.
const NOWHERE: u32 = u32::MAX;

/// A flash part, seen as pages.
pub(crate) struct Log<F> {
    pub(crate) flash: F,
    pub(crate) geometry: Geometry,
    /// CRC-32 state over all bytes of the head page.
    pub(crate) page_check: u32,
    window_at: u32,
    window_len: u32,
    window: [u8; WINDOW],
    stage_at: u32,
    stage_len: usize,
    /// Where the stage goes to the flash before what follows.
    fence: u32,
    stage: [u8; STAGE],
}

fn failed<E: NorFlashError>(error: E) -> Error {
    Error::Flash(error.kind())
}

impl<F: NorFlash> Log<F> {
    pub(crate) fn new(flash: F, geometry: Geometry) -> Self {
        Log {
            flash,
            geometry,
            page_check: crc::START,
            window_at: NOWHERE,
            window_len: 0,
            window: [0; WINDOW],
            stage_at: 0,
            stage_len: 0,
            fence: NOWHERE,
            stage: [0; STAGE],
        }
    }

    /// The bytes from `at` in a page on: at least `need` of them (at most [`WINDOW`] less two read units), and when the
    /// flash has to be asked, `want`. Never beyond the page.
    pub(crate) fn view(&mut self, page: u16, at: u32, need: u32, want: u32) -> Result<&[u8]> {
        let room = self.geometry.page.saturating_sub(at);
        if need > room {
            return Err(Error::Corrupt { page, offset: at });
        }
        let start = u32::from(page) * self.geometry.page + at;
        let inside = start.wrapping_sub(self.window_at);
        if self.window_at == NOWHERE || inside > self.window_len || self.window_len - inside < need {
            self.load(start, want.clamp(need, room))?;
        }
        let from = (start - self.window_at) as usize;
        let to = (from + room as usize).min(self.window_len as usize);
        Ok(self.window.get(from..to).unwrap_or(&[]))
    }

    fn load(&mut self, start: u32, want: u32) -> Result<()> {
        if self.stage_len > 0 && start < self.stage_at + self.stage_len as u32 && start + want > self.stage_at {
            self.flush()?;
        }
        let unit = F::READ_SIZE as u32;
        let from = start & !(unit - 1);
        let len = ((start - from + want + unit - 1) & !(unit - 1)).min(WINDOW as u32);
        self.window_at = NOWHERE;
        let buf = self.window.get_mut(..len as usize).unwrap_or(&mut []);
        self.flash.read(from, buf).map_err(failed)?;
        (self.window_at, self.window_len) = (from, len);
        Ok(())
    }

    /// Fills `buf` from `at` in a page on.
    pub(crate) fn copy(&mut self, page: u16, at: u32, buf: &mut [u8]) -> Result<()> {
        let start = u32::from(page) * self.geometry.page + at;
        if F::READ_SIZE == 1 && buf.len() > WINDOW {
            self.flush()?;
            return self.flash.read(start, buf).map_err(failed);
        }
        let mut done = 0;
        while let Some(rest) = buf.get_mut(done..).filter(|rest| !rest.is_empty()) {
            let bytes = self.view(page, at + done as u32, 1, rest.len() as u32)?;
            let count = bytes.len().min(rest.len());
            for (to, from) in rest.iter_mut().zip(bytes) {
                *to = *from;
            }
            done += count;
        }
        Ok(())
    }

    /// Whether everything of a page from `at` on is erased.
    pub(crate) fn blank(&mut self, page: u16, mut at: u32) -> Result<bool> {
        while at < self.geometry.page {
            let bytes = self.view(page, at, 1, WINDOW as u32)?;
            if bytes.iter().any(|byte| *byte != 0xff) {
                return Ok(false);
            }
            at += bytes.len() as u32;
        }
        Ok(true)
    }

    /// Moves a CRC-32 state on over part of a page.
    pub(crate) fn check_over(&mut self, page: u16, mut from: u32, to: u32, mut state: u32) -> Result<u32> {
        while from < to {
            let bytes = self.view(page, from, 1, (to - from).min(WINDOW as u32))?;
            let count = bytes.len().min((to - from) as usize);
            state = crc::update32(state, bytes.get(..count).unwrap_or(&[]));
            from += count as u32;
        }
        Ok(state)
    }

    /// Starts programming at a place, on a word. What is staged stays so if this follows it, and is programmed if not.
    pub(crate) fn begin(&mut self, page: u16, at: u32) -> Result<()> {
        let start = u32::from(page) * self.geometry.page + at;
        if self.stage_at + self.stage_len as u32 != start {
            self.flush()?;
            self.stage_at = start;
        }
        self.fence = NOWHERE;
        Ok(())
    }

    /// What stands from `at` in the page on will be programmed after everything before it.
    pub(crate) fn fence(&mut self, page: u16, at: u32) {
        self.fence = u32::from(page) * self.geometry.page + at;
    }

    /// More bytes to program; they reach the flash when the stage is full.
    pub(crate) fn push(&mut self, mut bytes: &[u8]) -> Result<()> {
        self.page_check = crc::update32(self.page_check, bytes);
        self.forget(self.stage_at, self.stage_len as u32 + bytes.len() as u32);
        while !bytes.is_empty() {
            let room = self.stage.get_mut(self.stage_len..).unwrap_or(&mut []);
            let to_fence = self.fence.wrapping_sub(self.stage_at + self.stage_len as u32) as usize;
            let count = bytes.len().min(room.len()).min(if to_fence == 0 { usize::MAX } else { to_fence });
            let (now, later) = bytes.split_at(count);
            for (to, from) in room.iter_mut().zip(now) {
                *to = *from;
            }
            self.stage_len += count;
            bytes = later;
            if self.stage_len == STAGE || self.stage_at + self.stage_len as u32 == self.fence {
                self.flush()?;
            }
        }
        Ok(())
    }

    /// Programs what is staged, which must end on a word.
    pub(crate) fn flush(&mut self) -> Result<()> {
        let (at, len) = (self.stage_at, self.stage_len);
        self.stage_at += len as u32;
        self.stage_len = 0;
        if len == 0 {
            return Ok(());
        }
        self.forget(at, len as u32);
        self.flash.write(at, self.stage.get(..len).unwrap_or(&[])).map_err(failed)
    }

    /// Drops the window if it shows what is about to change.
    fn forget(&mut self, at: u32, len: u32) {
        if self.window_at != NOWHERE && at < self.window_at + self.window_len && self.window_at < at + len {
            self.window_at = NOWHERE;
        }
    }

    /// Erases a sector.
    pub(crate) fn erase(&mut self, sector: u32) -> Result<()> {
        self.flush()?;
        let bytes = self.geometry.page * self.geometry.per_sector;
        self.forget(sector * bytes, bytes);
        self.flash.erase(sector * bytes, (sector + 1) * bytes).map_err(failed)
    }
}
