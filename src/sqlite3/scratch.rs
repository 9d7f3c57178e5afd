//! Room lent for the texts and blobs that expressions make.
//!
//! Bytes are pushed one after the other and [`Scratch::finish`] hands them out as one slice, which lives as long as the
//! room. Pushing never fails: what does not fit is counted, and `finish` says how much room was needed. So no function
//! that writes text needs an error path of its own.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::arithmetic_side_effects)]
#![deny(clippy::panic)]

use super::error::{Error, Result};

/// A stretch of the caller's bytes that is handed out slice by slice, from the front.
#[derive(Debug)]
pub struct Scratch<'a> {
    room: &'a mut [u8],
    /// Bytes pushed since the last `finish`, also those beyond the room.
    pushed: usize,
}

#[cfg(feature = "defmt")]
impl defmt::Format for Scratch<'_> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Scratch");
    }
}

impl<'a> Scratch<'a> {
    /// A scratch over `room`, all of it free.
    pub fn new(room: &'a mut [u8]) -> Self {
        Scratch { room, pushed: 0 }
    }

    /// How many bytes were pushed since the last `finish`.
    pub fn len(&self) -> usize {
        self.pushed
    }

    /// Whether nothing was pushed since the last `finish`.
    pub fn is_empty(&self) -> bool {
        self.pushed == 0
    }

    /// Appends one byte.
    #[cfg_attr(not(fast), inline(never))]
    pub fn push(&mut self, byte: u8) {
        if let Some(place) = self.room.get_mut(self.pushed) {
            *place = byte;
        }
        self.pushed = self.pushed.saturating_add(1);
    }

    /// Appends all of `bytes`.
    pub fn extend(&mut self, bytes: &[u8]) {
        let end = self.pushed.saturating_add(bytes.len());
        if let Some(place) = self.room.get_mut(self.pushed..end) {
            place.copy_from_slice(bytes);
        }
        self.pushed = end;
    }

    /// Appends `count` times `byte`.
    #[cfg_attr(not(fast), inline(never))]
    pub fn fill(&mut self, byte: u8, count: usize) {
        let end = self.pushed.saturating_add(count);
        if let Some(place) = self.room.get_mut(self.pushed..end) {
            place.fill(byte);
        }
        self.pushed = end;
    }

    /// Puts `count` times `byte` before the byte at `at`, counted from the last `finish`.
    pub fn insert(&mut self, at: usize, byte: u8, count: usize) {
        let end = self.pushed;
        self.fill(byte, count);
        let behind = at.saturating_add(count);
        if count > 0 && at < end && self.pushed <= self.room.len() {
            self.room.copy_within(at..end, behind);
            if let Some(gap) = self.room.get_mut(at..behind) {
                gap.fill(byte);
            }
        }
    }

    /// Takes back the last bytes, so that `len` remain.
    pub fn truncate(&mut self, len: usize) {
        self.pushed = self.pushed.min(len);
    }

    /// What was pushed since the last `finish`, as far as it fitted.
    pub fn pushed(&self) -> &[u8] {
        self.room.get(..self.pushed).unwrap_or(self.room)
    }

    /// Hands out what was pushed. The next push starts behind it.
    ///
    /// # Errors
    /// [`ErrorKind::Limit`](super::ErrorKind::Limit) with the bytes this slice needed; nothing of it is kept then.
    pub fn finish(&mut self) -> Result<&'a [u8]> {
        let needed = core::mem::take(&mut self.pushed);
        if needed > self.room.len() {
            return Err(Error::limit(needed));
        }
        let (slice, rest) = core::mem::take(&mut self.room).split_at_mut(needed);
        self.room = rest;
        Ok(slice)
    }
}
