//! Single records: found, compared, verified, copied out, appended.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use core::cmp::Ordering;

use embedded_storage::nor_flash::NorFlash;

use super::format::{Check, HEAD_MAX, Head, Kind, LONG_HEAD};
use super::log::{Log, WINDOW};
use super::{Error, Result};

/// A record and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) page: u16,
    pub(crate) at: u32,
    pub(crate) head: Head,
}

impl Record {
    pub(crate) fn value_at(&self) -> u32 {
        self.at + self.head.len() + self.head.key
    }
}

impl<F: NorFlash> Log<F> {
    /// The head of the record at a place; none where no record begins.
    pub(crate) fn head(&mut self, page: u16, at: u32, guess: u32) -> Result<Option<Record>> {
        let geometry = self.geometry;
        if at + HEAD_MAX > geometry.page {
            return Ok(None);
        }
        let Some(head) = Head::parse(self.view(page, at, HEAD_MAX, guess)?) else { return Ok(None) };
        if at + head.total(&geometry) > geometry.page {
            return Ok(None);
        }
        Ok(Some(Record { page, at, head }))
    }

    /// Whether a record's check is right.
    pub(crate) fn verify(&mut self, record: &Record) -> Result<bool> {
        let geometry = self.geometry;
        let total = record.head.total(&geometry);
        let mut check = Check::new(geometry.compact);
        let (mut at, end) = (record.at, record.at + total - geometry.check());
        while at < end {
            let bytes = self.view(record.page, at, 1, record.at + total - at)?;
            let count = bytes.len().min((end - at) as usize);
            check.update(bytes.get(..count).unwrap_or(&[]));
            at += count as u32;
        }
        let (want, len) = check.bytes();
        let found = self.view(record.page, end, len as u32, len as u32)?;
        Ok(found.get(..len) == want.get(..len))
    }

    /// As [`verify`](Self::verify), as an error with its place.
    pub(crate) fn trust(&mut self, record: &Record) -> Result<()> {
        if self.verify(record)? { Ok(()) } else { Err(Error::Corrupt { page: record.page, offset: record.at }) }
    }

    /// Compares a record's key with another.
    pub(crate) fn compare(&mut self, record: &Record, key: &[u8]) -> Result<Ordering> {
        let (mut at, mut left) = (record.at + record.head.len(), record.head.key as usize);
        let mut rest = key;
        loop {
            if left == 0 || rest.is_empty() {
                return Ok(left.cmp(&rest.len()));
            }
            let bytes = self.view(record.page, at, 1, left as u32)?;
            let count = bytes.len().min(left).min(rest.len());
            let (ours, theirs) = (bytes.get(..count).unwrap_or(&[]), rest.get(..count).unwrap_or(&[]));
            match ours.cmp(theirs) {
                Ordering::Equal => {}
                other => return Ok(other),
            }
            rest = rest.get(count..).unwrap_or(&[]);
            left -= count;
            at += count as u32;
        }
    }

    /// A record's key, at the start of `buf`.
    pub(crate) fn key<'b>(&mut self, record: &Record, buf: &'b mut [u8]) -> Result<&'b mut [u8]> {
        let needed = record.head.key as usize;
        let key = buf.get_mut(..needed).ok_or(Error::BufferTooSmall { needed })?;
        self.copy(record.page, record.at + record.head.len(), key)?;
        Ok(key)
    }

    /// The two numbers at the start of a long value's record or of a part of one.
    pub(crate) fn numbers(&mut self, record: &Record) -> Result<(u32, u32)> {
        let bytes = self.view(record.page, record.value_at(), LONG_HEAD, LONG_HEAD)?;
        Ok((super::format::read32(bytes, 0), super::format::read32(bytes, 4)))
    }

    /// Programs a record at a place.
    pub(crate) fn append(
        &mut self,
        page: u16,
        at: u32,
        head: &Head,
        key: &[u8],
        start: &[u8],
        rest: &[u8],
    ) -> Result<()> {
        let mut check = Check::new(self.geometry.compact);
        let (bytes, len) = head.bytes();
        self.begin(page, at)?;
        for piece in [bytes.get(..len).unwrap_or(&[]), key, start, rest] {
            check.update(piece);
            self.push(piece)?;
        }
        self.finish(head, check)
    }

    /// The ones and the check at a record's end.
    fn finish(&mut self, head: &Head, mut check: Check) -> Result<()> {
        let geometry = self.geometry;
        let spare = head.total(&geometry) - head.len() - head.key - head.value - geometry.check();
        let ones = [0xff; 32];
        let ones = ones.get(..spare as usize).unwrap_or(&[]);
        check.update(ones);
        self.push(ones)?;
        let (bytes, len) = check.bytes();
        self.push(bytes.get(..len).unwrap_or(&[]))?;
        // What a batch writes may wait for its commit.
        if head.pending && head.kind != Kind::Commit { Ok(()) } else { self.flush() }
    }

    /// Copies a record to another place, its check verified on the way in and made anew on the way out.
    pub(crate) fn transfer(&mut self, from: &Record, page: u16, at: u32, pending: bool) -> Result<()> {
        let head = Head { pending, ..from.head };
        let mut check = Check::new(self.geometry.compact);
        let (bytes, len) = head.bytes();
        self.begin(page, at)?;
        let bytes = bytes.get(..len).unwrap_or(&[]);
        check.update(bytes);
        self.push(bytes)?;
        let (mut source, end) = (from.at + from.head.len(), from.value_at() + from.head.value);
        let mut chunk = [0; WINDOW / 2];
        while source < end {
            let count = ((end - source) as usize).min(chunk.len());
            let piece = chunk.get_mut(..count).unwrap_or(&mut []);
            self.copy(from.page, source, piece)?;
            check.update(piece);
            self.push(piece)?;
            source += count as u32;
        }
        self.finish(&head, check)
    }
}
