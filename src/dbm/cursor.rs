//! Keys in order: cursors, which are values and borrow nothing, and what stands on them.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod merge;

use embedded_storage::nor_flash::NorFlash;

use super::format::{KEY_MAX, Kind, read32};
use super::record::Record;
use super::{Dbm, Fail, NO_PAGE, Res, Result};
pub(crate) use merge::Merge;

/// Bytes of a key that a cursor holds itself.
const HELD: usize = 32;

/// A place between the keys of a store. It is a value, borrows nothing, and any number of them may be open. One made by
/// [`Dbm::cursor`] is live: it sees what is written while it is open. One made by [`Dbm::snapshot`], and each copy of it,
/// sees the store as it was then.
///
/// A cursor on a key of more than 32 bytes remembers where that key's record stands; when compaction has moved it since,
/// the next move answers [`Error::Stale`](super::Error::Stale).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Cursor {
    /// What the store's merge is at when it serves this cursor.
    stamp: u32,
    /// The key's rank in the order, as it was at a version of it.
    rank: u32,
    version: u32,
    /// Of a snapshot: where the log ended, and what counts its ends; else no page.
    until: Until,
    place: Place,
    len: u8,
    page: u16,
    at: u32,
    key: [u8; HELD],
}

/// Where in the log a snapshot ends: behind it, records are not seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
struct Until {
    page: u16,
    at: u32,
    /// How often snapshots had come to their end.
    ended: u32,
}

impl Until {
    /// It does not end.
    const LIVE: Until = Until { page: NO_PAGE, at: 0, ended: 0 };

    /// Whether a record was written later, of those in the snapshot's last page.
    fn hides(&self, record: &Record) -> bool {
        self.page == record.page && record.at() >= self.at
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(crate) enum Place {
    Start,
    /// Just before the key.
    Before,
    /// On the key.
    On,
    End,
}

/// A key and its value, both in the buffer handed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Entry<'b> {
    /// The key.
    pub key: &'b [u8],
    /// Its value.
    pub value: &'b [u8],
}

impl Cursor {
    /// Puts it somewhere, at a key that it can hold.
    pub(crate) fn put(&mut self, place: Place, key: &[u8]) {
        (self.stamp, self.version) = (0, 0);
        (self.place, self.len) = (place, key.len() as u8);
        for (to, from) in self.key.iter_mut().zip(key) {
            *to = *from;
        }
    }

    pub(crate) fn place(&self) -> Place {
        self.place
    }

    /// The key's rank, if it is known for this version of the order.
    pub(crate) fn rank(&self, version: u32) -> Option<u32> {
        (self.version == version).then_some(self.rank)
    }

    pub(crate) fn ranked(&mut self, rank: u32, version: u32) {
        (self.rank, self.version) = (rank, version);
    }
}

impl<F: NorFlash> Dbm<'_, F> {
    /// A cursor before the first key.
    pub fn cursor(&self) -> Cursor {
        Cursor {
            stamp: 0,
            rank: 0,
            version: 0,
            until: Until::LIVE,
            place: Place::Start,
            len: 0,
            page: 0,
            at: 0,
            key: [0; HELD],
        }
    }

    /// A cursor before the first key that sees the store as it is now, whatever is written while it is open; so do its copies.
    ///
    /// What it sees stays on the flash until its sector is erased. So a snapshot ends with the first compaction (a full
    /// store compacts at a set, [`step`](Self::step) in idle time: call it before) and when a batch is given up: then every
    /// move answers [`Error::Stale`](super::Error::Stale).
    pub fn snapshot(&mut self) -> Result<Cursor> {
        let mut cursor = self.cursor();
        let (page, at) = if self.head == NO_PAGE {
            let newest = self.table.count().checked_sub(1).map(|place| self.table.order(place));
            (newest.unwrap_or(0), self.log.geometry.page)
        } else {
            (self.head, self.tail)
        };
        cursor.until = Until { page, at, ended: self.ended };
        Ok(cursor)
    }

    /// Moves a cursor before `key`, whether there is such a key or not: [`next`](Self::next) gives it or the one after,
    /// [`previous`](Self::previous) the one before. If a key of more than 32 bytes is not there, the cursor goes before the
    /// key after it: what is set between the two later is not seen.
    pub fn seek(&mut self, cursor: &mut Cursor, key: &[u8]) -> Result<()> {
        if key.len() > KEY_MAX {
            return Err(Fail::KEY.into());
        }
        if key.len() <= HELD {
            cursor.put(Place::Before, key);
            return Ok(());
        }
        if cursor.until == Until::LIVE && self.seek_lent(cursor, key)? {
            return Ok(());
        }
        // The merge is set up for the key itself, and the cursor stands before the record that it gives.
        self.build(cursor.until, Place::Before, key, true)?;
        let walked = if self.stale { self.walk_all(Place::Before, key, true)? } else { None };
        let Some((record, _)) = self.merged_with(walked)? else {
            cursor.put(Place::End, &[]);
            return Ok(());
        };
        self.put_cursor(cursor, Place::Before, &record)?;
        if record.kind == Kind::Deleted && self.merged(cursor, true)?.is_some() {
            (cursor.place, cursor.stamp) = (Place::Before, 0);
        }
        Ok(())
    }

    /// Moves a cursor before the first key.
    pub fn seek_first(&mut self, cursor: &mut Cursor) {
        cursor.put(Place::Start, &[]);
    }

    /// Moves a cursor behind the last key.
    pub fn seek_last(&mut self, cursor: &mut Cursor) {
        cursor.put(Place::End, &[]);
    }

    /// The next key and its value, at the start of `buf`; `None` behind the last. When `buf` is too small, the cursor stays.
    pub fn next<'b>(&mut self, cursor: &mut Cursor, buf: &'b mut [u8]) -> Result<Option<Entry<'b>>> {
        Ok(self.step_cursor(cursor, true, buf)?)
    }

    /// The key before the cursor and its value, at the start of `buf`; `None` before the first.
    pub fn previous<'b>(&mut self, cursor: &mut Cursor, buf: &'b mut [u8]) -> Result<Option<Entry<'b>>> {
        Ok(self.step_cursor(cursor, false, buf)?)
    }

    /// The next key, without its value, at the start of `buf`; `None` behind the last.
    pub fn next_key<'b>(&mut self, cursor: &mut Cursor, buf: &'b mut [u8]) -> Result<Option<&'b [u8]>> {
        Ok(self.step_key(cursor, true, buf)?)
    }

    /// The key before the cursor, without its value, at the start of `buf`; `None` before the first.
    pub fn previous_key<'b>(&mut self, cursor: &mut Cursor, buf: &'b mut [u8]) -> Result<Option<&'b [u8]>> {
        Ok(self.step_key(cursor, false, buf)?)
    }

    fn step_key<'b>(&mut self, cursor: &mut Cursor, forward: bool, buf: &'b mut [u8]) -> Res<Option<&'b [u8]>> {
        let before = *cursor;
        let Some(record) = self.advance(cursor, forward)? else { return Ok(None) };
        let key = self.log.key(&record, buf);
        if key.is_err() {
            *cursor = before;
            cursor.stamp = 0;
        }
        Ok(Some(key?))
    }

    /// Moves a cursor before the first key after `key`.
    pub(crate) fn seek_past(&mut self, cursor: &mut Cursor, key: &[u8]) -> Result<()> {
        self.seek(cursor, key)
    }

    fn step_cursor<'b>(&mut self, cursor: &mut Cursor, forward: bool, buf: &'b mut [u8]) -> Res<Option<Entry<'b>>> {
        let before = *cursor;
        let Some(record) = self.advance(cursor, forward)? else { return Ok(None) };
        let needed = record.key_len() as usize + self.value_len(&record)?;
        if buf.len() < needed {
            *cursor = before;
            cursor.stamp = 0;
            return Err(Fail::buffer(needed));
        }
        if record.kind == Kind::Value {
            // The value stands behind the key, as it does here.
            self.log.copy(record.page, record.key_at(), buf.get_mut(..needed).unwrap_or(&mut []))?;
            let (key, rest) = buf.split_at(record.key_len() as usize);
            return Ok(Some(Entry { key, value: rest.get(..needed - key.len()).unwrap_or(&[]) }));
        }
        let (key, rest) = buf.split_at_mut(record.key_len() as usize);
        self.log.copy(record.page, record.key_at(), key)?;
        let value = self.value(&record, rest)?;
        Ok(Some(Entry { key, value }))
    }

    /// Moves a cursor to the next live key in a direction. The record's check has been found right.
    pub(crate) fn advance(&mut self, cursor: &mut Cursor, forward: bool) -> Res<Option<Record>> {
        let live = cursor.until == Until::LIVE;
        match if live { self.step_lent(cursor, forward)? } else { None } {
            Some(moved) => Ok(moved),
            None => self.merged(cursor, forward),
        }
    }

    pub(crate) fn put_cursor(&mut self, cursor: &mut Cursor, place: Place, record: &Record) -> Res<()> {
        (cursor.stamp, cursor.version) = (0, 0);
        (cursor.place, cursor.len, cursor.page, cursor.at) = (place, record.key_len() as u8, record.page, record.at());
        if let Some(held) = cursor.key.get_mut(..record.key_len() as usize) {
            return self.log.copy(record.page, record.key_at(), held);
        }
        // Another record may come to stand at its place: this tells.
        let hash = self.log.hash(record)?;
        cursor.key.iter_mut().zip(hash.to_le_bytes()).for_each(|(to, from)| *to = from);
        Ok(())
    }

    /// The key a cursor is at, and its length.
    pub(crate) fn cursor_key(&mut self, cursor: &Cursor, buf: &mut [u8; KEY_MAX]) -> Res<usize> {
        let len = usize::from(cursor.len);
        if len > HELD {
            let record = self.log.head(cursor.page, cursor.at, u32::from(cursor.len))?;
            let record = record.filter(|record| record.key_len() == u32::from(cursor.len)).ok_or(Fail::STALE)?;
            self.log.key(&record, buf)?;
            if self.log.hash(&record)? != read32(&cursor.key, 0) || !self.log.verify(&record)? {
                return Err(Fail::STALE);
            }
            return Ok(len);
        }
        for (to, from) in buf.iter_mut().zip(cursor.key.iter().take(len)) {
            *to = *from;
        }
        Ok(len)
    }

    /// All keys, in order. Python: `db.keys()`.
    pub fn keys(&mut self) -> Keys<'_, Self> {
        let cursor = self.cursor();
        Keys { db: self, cursor }
    }
}

/// The keys of a store, in order, one at a time.
pub struct Keys<'a, D> {
    db: &'a mut D,
    cursor: Cursor,
}

#[cfg(feature = "defmt")]
impl<D> defmt::Format for Keys<'_, D> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Keys");
    }
}

impl<F: NorFlash> Keys<'_, Dbm<'_, F>> {
    /// The next key, at the start of `buf`.
    pub fn next<'b>(&mut self, buf: &'b mut [u8]) -> Result<Option<&'b [u8]>> {
        match self.db.advance(&mut self.cursor, true)? {
            Some(record) => Ok(Some(self.db.log.key(&record, buf)?)),
            None => Ok(None),
        }
    }
}
