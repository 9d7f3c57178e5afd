//! All input and output of the store: a window on the flash to read through, a stage to program from, and erases.
//!
//! A failure is kept here until the operation that met it is over. From the first one on nothing is programmed or erased, and
//! what is read is anything: who reads need not ask each time whether that failed, but must before memory is changed for good.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use embedded_storage::nor_flash::{NorFlash, NorFlashError};

use super::format::{Geometry, Layout, check, read32};
use super::record::{Record, Spot};
use super::{Fail, Res};
use crate::crc;

/// Bytes of the window: most records are read in one go.
pub(crate) const WINDOW: usize = 128;
/// Bytes of the small window.
const SMALL: usize = 32;
/// Bytes of the stage: most records are programmed in one go.
pub(crate) const STAGE: usize = 128;
/// Bytes of the window when it has the stage's room as well.
pub(crate) const WIDE: usize = WINDOW + STAGE;

/// A flash part, seen as pages.
#[repr(C)]
pub(crate) struct Log<F> {
    pub(crate) geometry: Geometry<F>,
    /// What failed first in the operation that is going on.
    failed: Option<Fail>,
    /// A program failed since a page was opened or given up: what was staged may be lost.
    pub(crate) spoiled: bool,
    /// The record that was looked at last.
    pub(crate) cur: Record,
    /// CRC-32 state over all bytes of the head page, if the store knows it to be, and the state of the check of the record that is
    /// being written: both without what was staged since [`settle`](Self::settle).
    pub(crate) page_check: u32,
    pub(crate) check: u32,
    /// Where the windows are: a small one for keys and index entries, a large one for records, which becomes wide when more is
    /// asked for.
    windows: [Window; 2],
    /// How many bytes the window shows, from the place that was asked for last.
    seen: u32,
    stage_at: u32,
    stage_len: usize,
    settled: usize,
    /// Bits that do not fill a byte yet.
    packed: u32,
    packed_bits: u32,
    /// What the windows show, the small one first, and the stage.
    bytes: [u8; SMALL + WIDE],
    pub(crate) flash: F,
}

/// Where a window is.
#[derive(Clone, Copy)]
struct Window {
    at: u32,
    len: u32,
}

const NOTHING: Window = Window { at: 0, len: 0 };

impl<F: NorFlash> Log<F> {
    /// As good as zeros: the geometry is set later.
    #[inline(always)]
    pub(crate) fn new(flash: F) -> Self {
        Log {
            flash,
            geometry: Geometry::NONE,
            failed: None,
            spoiled: false,
            cur: Record::NONE,
            page_check: 0,
            check: 0,
            windows: [NOTHING, NOTHING],
            seen: 0,
            bytes: [0; SMALL + WIDE],
            stage_at: 0,
            stage_len: 0,
            settled: 0,
            packed: 0,
            packed_bits: 0,
        }
    }

    /// Takes note of a failure; the first one is told.
    #[inline(never)]
    pub(crate) fn fail(&mut self, fail: Fail) {
        self.failed = self.failed.or(Some(fail));
    }

    /// A page does not hold at a place what was written there.
    #[inline(never)]
    pub(crate) fn corrupt(&mut self, page: u16, at: u32) {
        self.fail(Fail::corrupt(page, at));
    }

    #[cfg_attr(fast, inline)]
    #[cfg_attr(not(fast), inline(never))]
    fn done(&mut self, done: core::result::Result<(), F::Error>) {
        if let Err(error) = done {
            self.fail(Fail::flash(error.kind()));
        }
    }

    /// Whether something failed.
    pub(crate) fn failed(&self) -> bool {
        self.failed.is_some()
    }

    /// Whether something of this kind failed, which is forgotten then.
    pub(crate) fn forgive(&mut self, kind: u32) -> bool {
        let forgiven = self.failed.is_some_and(|fail| fail.kind() == kind);
        if forgiven {
            self.failed = None;
        }
        forgiven
    }

    /// The end of an operation, or of a part of it: its failure, or this.
    pub(crate) fn outcome<T>(&mut self, value: T) -> Res<T> {
        match self.failed.take() {
            Some(fail) => Err(fail),
            None => Ok(value),
        }
    }

    /// Shows the bytes from `at` in a page on: at least `need` of them (at most [`WINDOW`], or [`WIDE`] when nothing is staged, less two
    /// read units), and when the flash has to be asked, `want`. Never beyond the page. Where in `bytes` they stand; `seen` says how many.
    #[cfg_attr(fast, inline(always))]
    fn show(&mut self, page: u16, at: u32, need: u32, want: u32) -> usize {
        let room = F::PAGE.saturating_sub(at);
        if need > room {
            self.corrupt(page, at);
            self.seen = need;
            return 0;
        }
        let start = u32::from(page) * F::PAGE + at;
        let [small, large] = self.windows;
        let shows = |window: Window| {
            let inside = start.wrapping_sub(window.at);
            inside < window.len && window.len - inside >= need
        };
        let (base, window) = if shows(large) {
            (SMALL, large)
        } else if shows(small) {
            (0, small)
        } else {
            self.load(start, need, want.clamp(need, room))
        };
        let inside = start - window.at;
        self.seen = room.min(window.len - inside);
        base + inside as usize
    }

    /// Reads into one of the windows; where in `bytes` that begins. What is staged is programmed first if it is needed; it
    /// is read round if it is only wanted, since it may end within a word.
    #[inline(never)]
    fn load(&mut self, start: u32, need: u32, mut want: u32) -> (usize, Window) {
        if self.staged(start, want) {
            if start + need > self.stage_at {
                self.flush();
            } else {
                want = self.stage_at - start;
            }
        }
        let unit = F::READ_SIZE as u32;
        let from = start & !(unit - 1);
        let len = ((start - from + want + unit - 1) & !(unit - 1)) as usize;
        let wide = if self.stage_len > 0 { WINDOW } else { WIDE };
        let [small, large] = &mut self.windows;
        let (base, window, most) = if len > SMALL { (SMALL, large, wide) } else { (0, small, SMALL) };
        let shown = Window { at: from, len: len.min(most) as u32 };
        // What the window shows of it stays.
        let inside = from.wrapping_sub(window.at);
        let inside = inside.min(window.len);
        let kept = (window.len - inside).min(shown.len);
        let bytes = self.bytes.get_mut(base..).unwrap_or(&mut []);
        if !cfg!(fast) || kept > 0 {
            bytes.copy_within(inside as usize..(inside + kept) as usize, 0);
        }
        *window = NOTHING;
        if self.failed.is_none() {
            let rest = bytes.get_mut(kept as usize..shown.len as usize).unwrap_or(&mut []);
            let done = self.flash.read(from + kept, rest);
            if done.is_ok() {
                *window = shown;
            }
            self.done(done);
        }
        (base, shown)
    }

    /// How much is read of a record at a place, if the flash has to be asked: where it follows on what was read last, as much as there is
    /// room for, since the next ones will follow as well.
    pub(crate) fn onward(&self, spot: Spot, guess: u32) -> u32 {
        let start = Log::<F>::start(spot);
        let follows = self.windows.iter().any(|window| (1..=window.len).contains(&start.wrapping_sub(window.at)));
        if follows { WIDE as u32 } else { guess }
    }

    /// Where on the part a record begins.
    #[inline]
    pub(crate) fn start(spot: Spot) -> u32 {
        u32::from(spot.page()) * F::PAGE + spot.at()
    }

    /// What the large window shows from a place on the part on, if that is at least so many bytes.
    #[cfg(fast)]
    #[inline(always)]
    pub(crate) fn shown(&self, start: u32, least: usize) -> Option<&[u8]> {
        let [_, Window { at, len }] = self.windows;
        let (inside, len) = (start.wrapping_sub(at) as usize, len as usize);
        if inside + least > len {
            return None;
        }
        self.bytes.get(SMALL + inside..SMALL + len)
    }

    /// Reads a record, and what follows if it follows on others.
    #[cfg(fast)]
    #[cold]
    #[inline(never)]
    pub(crate) fn read_on(&mut self, start: u32, guess: u32) {
        let (page, at) = (start / F::PAGE, start % F::PAGE);
        let want = self.onward(Spot::new(page as u16, at), guess);
        self.load(start, guess.min(F::PAGE - at), want.min(F::PAGE - at));
    }

    /// The bytes from `at` in a page on, as `show` shows them.
    pub(crate) fn view(&mut self, page: u16, at: u32, need: u32, want: u32) -> &[u8] {
        let from = self.show(page, at, need, want);
        self.bytes.get(from..from + self.seen as usize).unwrap_or(&[])
    }

    /// The four bytes at a place, as a number; `want` bytes are read if the flash has to be asked.
    #[cfg_attr(not(fast), inline(never))]
    #[cfg_attr(fast, inline)]
    pub(crate) fn word(&mut self, page: u16, at: u32, want: u32) -> u32 {
        let from = self.show(page, at, 4, want);
        read32(&self.bytes, from)
    }

    /// The bytes of a page from `at` on, up to `end`, which is behind it, or as many as are shown at once; `at` goes behind them.
    #[cfg_attr(not(fast), inline(never))]
    #[cfg_attr(fast, inline(always))]
    pub(crate) fn run(&mut self, page: u16, at: &mut u32, end: u32) -> &[u8] {
        let from = self.show(page, *at, 1, end - *at);
        let count = self.seen.min(end - *at);
        *at += count;
        self.bytes.get(from..from + count as usize).unwrap_or(&[])
    }

    /// Whether some of these bytes are staged and not yet programmed.
    fn staged(&self, start: u32, len: u32) -> bool {
        self.stage_len > 0 && start < self.stage_at + self.stage_len as u32 && start + len > self.stage_at
    }

    /// Fills `buf` from `at` in a page on.
    #[cfg_attr(fast, inline)]
    #[cfg_attr(not(fast), inline(never))]
    pub(crate) fn copy(&mut self, page: u16, at: u32, buf: &mut [u8]) {
        if cfg!(fast) {
            // Whole records are copied at once.
            let len = buf.len() as u32;
            let from = if len <= WINDOW as u32 / 2 { self.show(page, at, len, len) } else { usize::MAX };
            if let Some(bytes) = self.bytes.get(from..from.saturating_add(buf.len())) {
                buf.copy_from_slice(bytes);
                return;
            }
        }
        self.copy_pieces(page, at, buf)
    }

    #[cfg_attr(fast, inline(never))]
    fn copy_pieces(&mut self, page: u16, mut at: u32, buf: &mut [u8]) {
        let end = at + buf.len() as u32;
        let mut to = buf.iter_mut();
        while at < end {
            for (from, to) in self.run(page, &mut at, end).iter().zip(to.by_ref()) {
                *to = *from;
            }
        }
    }

    /// Whether part of a page is erased; what would lie behind the page is not asked for.
    #[inline(never)]
    pub(crate) fn blank(&mut self, page: u16, mut at: u32, to: u32) -> bool {
        let to = to.min(F::PAGE);
        while at < to {
            if self.run(page, &mut at, to).iter().any(|byte| *byte != 0xff) {
                return false;
            }
        }
        true
    }

    /// Moves a CRC-32 state on over part of a page.
    #[inline(never)]
    pub(crate) fn check_over(&mut self, page: u16, mut from: u32, to: u32, mut state: u32) -> u32 {
        while from < to {
            state = crc::update32(state, self.run(page, &mut from, to));
        }
        state
    }

    /// Starts programming at a place, on a word. What is staged stays so if this follows it, and is programmed if not.
    pub(crate) fn begin(&mut self, page: u16, at: u32) {
        let start = u32::from(page) * F::PAGE + at;
        if self.stage_at + self.stage_len as u32 != start {
            self.flush();
            if self.failed() {
                return;
            }
            // What an operation that failed left there belongs nowhere.
            (self.stage_at, self.stage_len, self.settled) = (start, 0, 0);
        }
        (self.packed, self.packed_bits) = (0, 0);
        // What is programmed now follows up to the end of the page at most; until then nothing is read behind the place.
        self.forget(start, F::PAGE - at);
    }

    /// More bytes to program; they reach the flash when the stage is full.
    #[cfg_attr(not(fast), inline(never))]
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        if cfg!(fast) && self.stage_len + bytes.len() < STAGE && !self.failed() {
            // Mostly, there is room for all of them.
            let end = SMALL + WINDOW + self.stage_len + bytes.len();
            if let Some(to) = self.bytes.get_mut(SMALL + WINDOW + self.stage_len..end) {
                to.copy_from_slice(bytes);
                self.stage_len += bytes.len();
                return;
            }
        }
        for byte in bytes {
            self.push_byte(*byte);
        }
    }

    /// So many bytes more that are all the same.
    #[inline(never)]
    pub(crate) fn fill(&mut self, byte: u8, count: u32) {
        for _ in 0..count {
            self.push_byte(byte);
        }
    }

    /// One byte more.
    pub(crate) fn push_byte(&mut self, byte: u8) {
        if self.failed() {
            return;
        }
        if let Some(to) = self.bytes.get_mut(SMALL + WINDOW + self.stage_len) {
            *to = byte;
        }
        self.stage_len += 1;
        if self.stage_len >= STAGE {
            self.flush();
        }
    }

    /// Four bytes more.
    #[inline(never)]
    pub(crate) fn push_word(&mut self, word: u32) {
        self.push(&word.to_le_bytes())
    }

    /// Adds a number to those packed into bytes, least significant bit first; at most 24 bits.
    #[inline(never)]
    pub(crate) fn pack(&mut self, number: u32, width: u32) {
        self.packed |= number << self.packed_bits;
        self.packed_bits += width;
        while self.packed_bits >= 8 {
            self.push_byte(self.packed as u8);
            self.packed >>= 8;
            self.packed_bits -= 8;
        }
    }

    /// Ends a row of packed numbers, filled up with zeros.
    pub(crate) fn end_pack(&mut self) {
        self.pack(0, self.packed_bits.wrapping_neg() & 7)
    }

    /// Brings the checks up to what is staged.
    #[inline(never)]
    pub(crate) fn settle(&mut self) {
        let stage = SMALL + WINDOW;
        let new = self.bytes.get(stage + self.settled..stage + self.stage_len).unwrap_or(&[]);
        self.page_check = crc::update32(self.page_check, new);
        self.check = check::more(self.geometry.compact(), self.check, new);
        self.settled = self.stage_len;
    }

    /// Programs what is staged, as far as that makes whole words.
    #[inline(never)]
    pub(crate) fn flush(&mut self) {
        self.settle();
        let (at, len) = (self.stage_at, self.stage_len & !(F::WRITE_SIZE - 1));
        if len == 0 || self.failed() {
            return;
        }
        self.stage_at += len as u32;
        self.stage_len -= len;
        self.settled = self.stage_len;
        self.forget(at, len as u32);
        let stage = self.bytes.get_mut(SMALL + WINDOW..).unwrap_or(&mut []);
        let done = self.flash.write(at, stage.get(..len).unwrap_or(&[]));
        // (Of what follows a whole word there is little.)
        for i in 0..self.stage_len.min(F::WRITE_SIZE) {
            if let Some(byte) = stage.get(len + i).copied()
                && let Some(to) = stage.get_mut(i)
            {
                *to = byte;
            }
        }
        self.spoiled |= done.is_err();
        self.done(done);
    }

    /// Drops the windows that show what is about to change, or to be read anew, and one that has the stage's room.
    #[inline(never)]
    pub(crate) fn forget(&mut self, at: u32, len: u32) {
        for window in &mut self.windows {
            if window.len > WINDOW as u32 || at < window.at + window.len && window.at < at + len {
                *window = NOTHING;
            }
        }
    }

    /// Erases a sector.
    pub(crate) fn erase(&mut self, sector: u32) {
        self.flush();
        let bytes = F::PAGE * F::PER_SECTOR;
        self.forget(sector * bytes, bytes);
        if !self.failed() {
            let done = self.flash.erase(sector * bytes, (sector + 1) * bytes);
            self.done(done);
        }
    }
}
