//! Keys in order: cursors, which are values and borrow nothing, and what stands on them.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod merge;

use embedded_storage::nor_flash::NorFlash;

use super::format::{KEY_MAX, Kind, Layout};
use super::record::{Record, Spot};
use super::{Dbm, Fail, NO_PAGE, Res, Result, linked};
use crate::crc;
pub(crate) use merge::Merge;

/// Bytes of a key that a cursor holds itself.
pub(crate) const HELD: usize = 32;

/// A place between the keys of a store. It is a value, borrows nothing, and any number of them may be open. One made by
/// [`Dbm::cursor`] is live: it sees what is written while it is open. One made by [`Dbm::snapshot`], and each copy of it,
/// sees the store as it was then.
///
/// A cursor on a key of more than 32 bytes holds 64 bits that tell it from others, and reads it from a record of that key. Where compaction has moved that, the next move goes through the log to find it; when the key was deleted and no record
/// of it is left, the answer is [`Error::Stale`](super::Error::Stale): where the key stood is not known any more. (Then
/// [`seek`](Dbm::seek) to the key goes on; [`Dbm::delete_range`] does.)
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

    /// Whether it ends somewhere.
    fn is_some(&self) -> bool {
        linked::SNAPSHOTS.is() && self.page != NO_PAGE
    }

    /// Whether a record was written later, of those in the snapshot's last page.
    fn hides(&self, record: &Record) -> bool {
        self.is_some() && self.page == record.page && record.at() >= self.at
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

    /// The rank of the key beside the one it is on, if its own is known for this version of the order.
    #[cfg(fast)]
    pub(crate) fn beside(&self, version: u32, forward: bool) -> Option<u32> {
        if self.version != version || self.place != Place::On {
            return None;
        }
        Some(if forward { self.rank + 1 } else { self.rank.wrapping_sub(1) })
    }

    /// The key, if it is one that it holds itself.
    fn held(&self) -> Option<&[u8]> {
        self.key.get(..self.len.into())
    }

    /// Moves it on to the key of another rank.
    #[cfg(fast)]
    #[inline(always)]
    pub(crate) fn go_on(&mut self, rank: u32, len: u8, key: &[u8; HELD]) {
        (self.rank, self.len, self.key) = (rank, len, *key);
    }
}

/// What a step copied, in one register: how many bytes the key has, and above that one more than key and value have; 0 at the end.
#[derive(Clone, Copy)]
pub(crate) struct Taken(u32);

impl Taken {
    const NOTHING: Taken = Taken(0);

    /// (Values are shorter than 16 MiB.)
    pub(crate) fn of(key: u8, bytes: u32) -> Taken {
        Taken(bytes.wrapping_add(1) << 8 | u32::from(key))
    }

    /// How many bytes of the key and of the value there are.
    pub(crate) fn lengths(self) -> Option<(usize, usize)> {
        let (key, bytes) = (self.0 & 0xff, (self.0 >> 8).checked_sub(1)?);
        Some((key as usize, bytes.saturating_sub(key) as usize))
    }
}

/// An entry at the start of a buffer.
fn entry(buf: &[u8], key: usize, value: usize) -> Option<Entry<'_>> {
    let (key, value) = buf.get(..key + value)?.split_at_checked(key)?;
    Some(Entry { key, value })
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
        linked::SNAPSHOTS.used();
        let mut cursor = self.cursor();
        let (page, at) = if self.head == NO_PAGE {
            let newest = self.table.count().checked_sub(1).map(|place| self.table.order(place));
            (newest.unwrap_or(0), F::PAGE)
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
        if !cursor.until.is_some() && self.seek_lent(cursor, key) {
            return self.done(());
        }
        // The merge is set up for the key itself, and the cursor stands before the record that it gives.
        self.build(cursor.until, Place::Before, key, true);
        let found = self.nearest(&mut [0; KEY_MAX]).is_some();
        self.done(())?;
        if !found {
            cursor.put(Place::End, &[]);
            return Ok(());
        }
        self.put_cursor(cursor, Place::Before);
        if self.log.cur.kind == Kind::Deleted && self.merged(cursor, true) {
            (cursor.place, cursor.stamp) = (Place::Before, 0);
        }
        self.done(())
    }

    /// Moves a cursor before the first key.
    pub fn seek_first(&mut self, cursor: &mut Cursor) {
        cursor.put(Place::Start, &[]);
    }

    /// Moves a cursor behind the last key.
    pub fn seek_last(&mut self, cursor: &mut Cursor) {
        cursor.put(Place::End, &[]);
    }

    /// The next key and its value, at the start of `buf`; `None` behind the last. The cursor stays when that fails: when
    /// `buf` is too small, say.
    pub fn next<'b>(&mut self, cursor: &mut Cursor, buf: &'b mut [u8]) -> Result<Option<Entry<'b>>> {
        self.taken(cursor, true, true, buf)
    }

    /// The key before the cursor and its value, at the start of `buf`; `None` before the first.
    pub fn previous<'b>(&mut self, cursor: &mut Cursor, buf: &'b mut [u8]) -> Result<Option<Entry<'b>>> {
        self.taken(cursor, false, true, buf)
    }

    /// The next key, without its value, at the start of `buf`; `None` behind the last.
    pub fn next_key<'b>(&mut self, cursor: &mut Cursor, buf: &'b mut [u8]) -> Result<Option<&'b [u8]>> {
        Ok(self.taken(cursor, true, false, buf)?.map(|entry| entry.key))
    }

    /// The key before the cursor, without its value, at the start of `buf`; `None` before the first.
    pub fn previous_key<'b>(&mut self, cursor: &mut Cursor, buf: &'b mut [u8]) -> Result<Option<&'b [u8]>> {
        Ok(self.taken(cursor, false, false, buf)?.map(|entry| entry.key))
    }

    #[cfg_attr(not(fast), inline(never))]
    fn taken<'b>(
        &mut self,
        cursor: &mut Cursor,
        forward: bool,
        value: bool,
        buf: &'b mut [u8],
    ) -> Result<Option<Entry<'b>>> {
        #[cfg(fast)]
        if value && let Some((key, value)) = self.glide(cursor, forward, buf) {
            return Ok(entry(buf, key.into(), value.into()));
        }
        let taken = self.moved(cursor, forward, value, buf)?;
        Ok(taken.lengths().and_then(|(key, value)| entry(buf, key, value)))
    }

    /// Moves a cursor, and copies the key it comes to, and its value if that is wanted.
    #[inline(never)]
    pub(crate) fn moved(&mut self, cursor: &mut Cursor, forward: bool, value: bool, buf: &mut [u8]) -> Res<Taken> {
        #[cfg(fast)]
        if value && let Some((key, value)) = self.glide_merged(cursor, forward, buf) {
            return Ok(Taken::of(key, u32::from(key) + u32::from(value)));
        }
        let before = *cursor;
        let moved = self.advance(cursor, forward);
        let taken = if moved { self.take(value, buf) } else { Taken::NOTHING };
        if self.log.failed() {
            *cursor = before;
            cursor.stamp = 0;
            self.drop_spoiled();
        }
        self.log.outcome(taken)
    }

    /// Copies the key of the record looked at, and its value if that is wanted.
    #[cfg_attr(not(fast), inline(never))]
    fn take(&mut self, value: bool, buf: &mut [u8]) -> Taken {
        let record = self.log.cur;
        let key = record.key_len() as usize;
        let needed = key + if value { self.value_len(&record) } else { 0 };
        let buf = self.log.room(buf, needed);
        if record.kind == Kind::Long {
            let (key, value) = buf.split_at_mut_checked(key).unwrap_or_default();
            self.log.key(&record, key);
            self.piece(&record, 0, value);
            self.log.cur = record;
        } else {
            // The value stands behind the key, as it does here.
            self.log.copy(record.page, record.key_at(), buf);
        }
        Taken::of(record.key_len() as u8, needed as u32)
    }

    /// Moves a cursor to the next live key in a direction, and looks at its record. The check of that has been found right.
    /// Whether there is one; not so when something failed.
    pub(crate) fn advance(&mut self, cursor: &mut Cursor, forward: bool) -> bool {
        if !cursor.until.is_some() {
            let moved = self.step_lent(cursor, forward);
            if moved != Spot::UNKNOWN {
                return moved.is_some();
            }
        }
        // The merge asks for the list in its order; sorting should not find a key of the merge's own on the stack.
        self.sort_list();
        self.merged(cursor, forward)
    }

    /// Puts a cursor to the key of the record looked at.
    #[cfg_attr(fast, inline(always))]
    pub(crate) fn put_cursor(&mut self, cursor: &mut Cursor, place: Place) {
        let record = self.log.cur;
        (cursor.stamp, cursor.version) = (0, 0);
        (cursor.place, cursor.len, cursor.page, cursor.at) = (place, record.key_len() as u8, record.page, record.at());
        if let Some(held) = cursor.key.get_mut(..record.key_len() as usize) {
            return self.log.copy(record.page, record.key_at(), held);
        }
        cursor.key = [0; HELD];
        let marks = self.marks().to_le_bytes();
        cursor.key.iter_mut().zip(marks).for_each(|(to, from)| *to = from);
    }

    /// What a cursor holds of a long key, that of the record looked at: a hash and a check.
    #[inline(never)]
    fn marks(&mut self) -> u64 {
        let (page, at, len) = (self.log.cur.page, self.log.cur.key_at(), self.log.cur.key_len());
        let check = self.log.check_over(page, at, at + len, crc::START);
        u64::from(self.log.hashed()) << 32 | u64::from(check)
    }

    /// The key a cursor is at, and its length.
    pub(crate) fn cursor_key(&mut self, cursor: &Cursor, buf: &mut [u8; KEY_MAX]) -> usize {
        let len = usize::from(cursor.len);
        if len > HELD {
            self.look_long(cursor);
            return self.log.name(buf).len();
        }
        for (to, from) in buf.iter_mut().zip(cursor.key.iter().take(len)) {
            *to = *from;
        }
        len
    }

    /// Looks at a record of the long key that a cursor is at: where it met one, or elsewhere if that was moved.
    #[inline(never)]
    fn look_long(&mut self, cursor: &Cursor) {
        let marks = u64::from_le_bytes(cursor.key.first_chunk().copied().unwrap_or_default());
        let mut found = self.look_sound(cursor.page, cursor.at, F::PAGE);
        let (mut place, mut walk) = (self.table.count(), None);
        loop {
            if self.log.failed() || found && self.log.cur.key_len() == cursor.len.into() && self.marks() == marks {
                return;
            }
            found = match &mut walk {
                Some(walk) => self.advance_any(walk),
                None => false,
            };
            if !found {
                let Some(before) = place.checked_sub(1) else { return self.log.fail(Fail::STALE) };
                place = before;
                let page = self.table.order(place);
                self.load(page);
                let walk = walk.insert(self.go(page));
                // What an open batch wrote counts as well.
                walk.open_from = 0;
            }
        }
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
        self.db.next_key(&mut self.cursor, buf)
    }
}
