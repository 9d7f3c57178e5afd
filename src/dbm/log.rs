//! All input and output of the store: a window on the flash to read through, a stage to program from, and erases.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use embedded_storage::nor_flash::{NorFlash, NorFlashError};

use super::format::Geometry;
use super::{Fail, Res};
use crate::crc;

/// Bytes of the window: most records are read in one go.
pub(crate) const WINDOW: usize = 128;
/// Bytes of the small window.
const SMALL: usize = 32;
/// Bytes of the stage: most records are programmed in one go.
pub(crate) const STAGE: usize = 128;
/// No window.
const NOWHERE: u32 = u32::MAX;

/// A flash part, seen as pages.
#[repr(C)]
pub(crate) struct Log<F> {
    pub(crate) geometry: Geometry,
    /// CRC-32 state over all bytes of the head page.
    pub(crate) page_check: u32,
    /// What is shown of the flash: a small window for keys and index entries, a large one for records.
    shown: [Shown; 2],
    stage_at: u32,
    stage_len: usize,
    /// Where the stage goes to the flash before what follows.
    fence: u32,
    /// Bits that do not fill a byte yet.
    packed: u32,
    packed_bits: u32,
    small: [u8; SMALL],
    large: [u8; WINDOW],
    stage: [u8; STAGE],
    pub(crate) flash: F,
}

/// Where a window is.
#[derive(Clone, Copy)]
struct Shown {
    at: u32,
    len: u32,
}

const NOTHING: Shown = Shown { at: NOWHERE, len: 0 };

fn failed<E: NorFlashError>(error: E) -> Fail {
    Fail::flash(error.kind())
}

impl<F: NorFlash> Log<F> {
    pub(crate) fn new(flash: F, geometry: Geometry) -> Self {
        Log {
            flash,
            geometry,
            page_check: crc::START,
            shown: [NOTHING; 2],
            small: [0; SMALL],
            large: [0; WINDOW],
            stage_at: 0,
            stage_len: 0,
            fence: NOWHERE,
            stage: [0; STAGE],
            packed: 0,
            packed_bits: 0,
        }
    }

    /// The bytes from `at` in a page on: at least `need` of them (at most [`WINDOW`] less two read units), and when the
    /// flash has to be asked, `want`. Never beyond the page.
    pub(crate) fn view(&mut self, page: u16, at: u32, need: u32, want: u32) -> Res<&[u8]> {
        let room = self.geometry.page.saturating_sub(at);
        if need > room {
            return Err(Fail::corrupt(page, at));
        }
        let start = u32::from(page) * self.geometry.page + at;
        let [small, large] = self.shown;
        let shows = |shown: &Shown| {
            let inside = start.wrapping_sub(shown.at);
            shown.at != NOWHERE && inside < shown.len && shown.len - inside >= need
        };
        let which = if shows(&large) {
            1
        } else if shows(&small) {
            0
        } else {
            self.load(start, need, want.clamp(need, room))?
        };
        let [small, large] = self.shown;
        let (bytes, shown) = if which == 0 { (self.small.as_slice(), small) } else { (self.large.as_slice(), large) };
        let from = (start - shown.at) as usize;
        let to = (from + room as usize).min(shown.len as usize);
        Ok(bytes.get(from..to).unwrap_or(&[]))
    }

    /// Reads into one of the windows; which one. What is staged is programmed first if it is needed; it is read round if it
    /// is only wanted, since it may end within a word.
    fn load(&mut self, start: u32, need: u32, mut want: u32) -> Res<usize> {
        if self.staged(start, want) {
            if start + need > self.stage_at {
                self.flush()?;
            } else {
                want = self.stage_at - start;
            }
        }
        let unit = F::READ_SIZE as u32;
        let from = start & !(unit - 1);
        let len = (start - from + want + unit - 1) & !(unit - 1);
        let which = usize::from(len > SMALL as u32);
        let (bytes, [small, large]) = if which == 0 {
            (self.small.as_mut_slice(), &mut self.shown)
        } else {
            (self.large.as_mut_slice(), &mut self.shown)
        };
        let shown = if which == 0 { small } else { large };
        let len = len.min(bytes.len() as u32);
        *shown = NOTHING;
        self.flash.read(from, bytes.get_mut(..len as usize).unwrap_or(&mut [])).map_err(failed)?;
        *shown = Shown { at: from, len };
        Ok(which)
    }

    /// Whether some of these bytes are staged and not yet programmed.
    fn staged(&self, start: u32, len: u32) -> bool {
        self.stage_len > 0 && start < self.stage_at + self.stage_len as u32 && start + len > self.stage_at
    }

    /// Fills `buf` from `at` in a page on.
    pub(crate) fn copy(&mut self, page: u16, at: u32, buf: &mut [u8]) -> Res<()> {
        let start = u32::from(page) * self.geometry.page + at;
        if F::READ_SIZE == 1 && buf.len() > WINDOW {
            if self.staged(start, buf.len() as u32) {
                self.flush()?;
            }
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

    /// Whether part of a page is erased; what would lie behind the page is not asked for.
    pub(crate) fn blank(&mut self, page: u16, mut at: u32, to: u32) -> Res<bool> {
        let to = to.min(self.geometry.page);
        while at < to {
            let left = (to - at) as usize;
            let bytes = self.view(page, at, 1, (left as u32).min(WINDOW as u32))?;
            if bytes.iter().take(left).any(|byte| *byte != 0xff) {
                return Ok(false);
            }
            at += bytes.len() as u32;
        }
        Ok(true)
    }

    /// Moves a CRC-32 state on over part of a page.
    pub(crate) fn check_over(&mut self, page: u16, mut from: u32, to: u32, mut state: u32) -> Res<u32> {
        while from < to {
            let bytes = self.view(page, from, 1, (to - from).min(WINDOW as u32))?;
            let count = bytes.len().min((to - from) as usize);
            state = crc::update32(state, bytes.get(..count).unwrap_or(&[]));
            from += count as u32;
        }
        Ok(state)
    }

    /// Starts programming at a place, on a word. What is staged stays so if this follows it, and is programmed if not.
    pub(crate) fn begin(&mut self, page: u16, at: u32) -> Res<()> {
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
    pub(crate) fn push(&mut self, mut bytes: &[u8]) -> Res<()> {
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

    /// Adds a number to those packed into bytes, least significant bit first; at most 24 bits.
    pub(crate) fn pack(&mut self, number: u32, width: u32) -> Res<()> {
        self.packed |= number << self.packed_bits;
        self.packed_bits += width;
        while self.packed_bits >= 8 {
            self.push(&[self.packed as u8])?;
            self.packed >>= 8;
            self.packed_bits -= 8;
        }
        Ok(())
    }

    /// Ends a row of packed numbers, filled up with zeros.
    pub(crate) fn end_pack(&mut self) -> Res<()> {
        self.pack(0, self.packed_bits.wrapping_neg() & 7)
    }

    /// Programs what is staged, which must end on a word.
    pub(crate) fn flush(&mut self) -> Res<()> {
        let (at, len) = (self.stage_at, self.stage_len);
        self.stage_at += len as u32;
        self.stage_len = 0;
        if len == 0 {
            return Ok(());
        }
        self.forget(at, len as u32);
        self.flash.write(at, self.stage.get(..len).unwrap_or(&[])).map_err(failed)
    }

    /// Drops the windows that show what is about to change.
    fn forget(&mut self, at: u32, len: u32) {
        for shown in &mut self.shown {
            if shown.at != NOWHERE && at < shown.at + shown.len && shown.at < at + len {
                *shown = NOTHING;
            }
        }
    }

    /// Erases a sector.
    pub(crate) fn erase(&mut self, sector: u32) -> Res<()> {
        self.flush()?;
        let bytes = self.geometry.page * self.geometry.per_sector;
        self.forget(sector * bytes, bytes);
        self.flash.erase(sector * bytes, (sector + 1) * bytes).map_err(failed)
    }
}
