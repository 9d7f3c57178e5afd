//! Records of a short value and a key that a cursor holds: a step to one of them is one look at the window, and one comparison of
//! what it shows serves all of it. Only where code is to be fast; what is no such record, or not sound, is left to others.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use embedded_storage::nor_flash::NorFlash;

use super::cursor::{Cursor, HELD};
use super::format::{check, tag};
use super::log::Log;

/// Such a record, all of it in the window.
pub(crate) struct Short<'a> {
    /// Bytes of the key and of the value.
    key: u8,
    value: u8,
    compact: bool,
    /// Key and value.
    content: &'a [u8],
    /// The key and what follows it.
    held: &'a [u8; HELD],
    /// From the start to the end of the check.
    record: &'a [u8],
}

impl<F: NorFlash> Log<F> {
    /// The record that begins at a place on the part, if it is a short one and the window shows all of it.
    #[inline(always)]
    pub(crate) fn short(&self, start: u32, compact: bool) -> Option<Short<'_>> {
        let shown = self.shown(start, HELD + 2)?;
        let [first, key] = *shown.first_chunk()?;
        let value = first & !tag::PENDING;
        if value > tag::SHORT_MAX || usize::from(key) > HELD {
            return None;
        }
        let len = usize::from(key) + usize::from(value);
        // As many bytes as the longest of such lengths has: other things follow the last record of a page.
        let most = len + if compact { 4 } else { 6 } + F::WRITE_SIZE - 1;
        let room = shown.get(..most)?;
        Some(Short {
            key,
            value,
            compact,
            content: room.get(2..len + 2)?,
            held: shown.get(2..)?.first_chunk()?,
            record: room.get(..most & !(F::WRITE_SIZE - 1))?,
        })
    }
}

impl Short<'_> {
    /// The key. (Whether the check is right was not yet asked.)
    #[inline(always)]
    pub(crate) fn key(&self) -> &[u8] {
        self.content.get(..self.key.into()).unwrap_or(&[])
    }

    /// Moves a cursor on to the key, of which this is the rank, and copies key and value; how many bytes each has. If the check is
    /// wrong or the buffer too small, nothing is done.
    #[inline(always)]
    pub(crate) fn take(&self, cursor: &mut Cursor, rank: u32, buf: &mut [u8]) -> Option<(u8, u8)> {
        let to = buf.get_mut(..self.content.len())?;
        if !check::is_right(self.compact, self.record) {
            return None;
        }
        cursor.go_on(rank, self.key, self.held);
        copy(to, self.content);
        Some((self.key, self.value))
    }
}

/// Copies bytes to as many, without a call where they are few.
#[inline(always)]
fn copy(to: &mut [u8], from: &[u8]) {
    if let (..=32, Some(first), Some(last)) = (from.len(), from.first_chunk::<16>(), from.last_chunk::<16>()) {
        // (The two overlap.)
        if let Some(to) = to.first_chunk_mut() {
            *to = *first;
        }
        if let Some(to) = to.last_chunk_mut() {
            *to = *last;
        }
    } else {
        to.copy_from_slice(from);
    }
}
