//! Keys in order: cursors, which are values and borrow nothing, and what stands on them.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use core::cmp::Ordering;

use embedded_storage::nor_flash::NorFlash;

use super::format::{KEY_MAX, Kind};
use super::record::Record;
use super::table::State;
use super::{Dbm, Error, Result};

/// A place between the keys of a store. It is live: it sees what is written while it is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Cursor {
    place: Place,
    len: u8,
    key: [u8; KEY_MAX],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
enum Place {
    Start,
    /// Just before the key.
    Before,
    /// On the key.
    On,
    End,
}

/// A key and its value, both in the buffer handed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry<'b> {
    /// The key.
    pub key: &'b [u8],
    /// Its value.
    pub value: &'b [u8],
}

impl Cursor {
    fn key(&self) -> &[u8] {
        self.key.get(..usize::from(self.len)).unwrap_or(&[])
    }

    fn put(&mut self, place: Place, key: &[u8]) {
        self.place = place;
        self.len = key.len() as u8;
        for (to, from) in self.key.iter_mut().zip(key) {
            *to = *from;
        }
    }
}

impl<F: NorFlash> Dbm<'_, F> {
    /// A cursor before the first key.
    pub fn cursor(&self) -> Cursor {
        Cursor { place: Place::Start, len: 0, key: [0; KEY_MAX] }
    }

    /// Moves a cursor before `key`, whether there is such a key or not: [`next`](Self::next) gives it or the one after,
    /// [`previous`](Self::previous) the one before.
    pub fn seek(&mut self, cursor: &mut Cursor, key: &[u8]) -> Result<()> {
        if key.len() > KEY_MAX {
            return Err(Error::KeyTooLong { max: KEY_MAX });
        }
        cursor.put(Place::Before, key);
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

    /// The next key and its value, at the start of `buf`; `None` behind the last.
    pub fn next<'b>(&mut self, cursor: &mut Cursor, buf: &'b mut [u8]) -> Result<Option<Entry<'b>>> {
        let moved = self.advance(cursor, true)?;
        self.give(moved, buf)
    }

    /// The key before the cursor and its value, at the start of `buf`; `None` before the first.
    pub fn previous<'b>(&mut self, cursor: &mut Cursor, buf: &'b mut [u8]) -> Result<Option<Entry<'b>>> {
        let moved = self.advance(cursor, false)?;
        self.give(moved, buf)
    }

    /// The key before the cursor, without its value, at the start of `buf`; `None` before the first.
    pub fn previous_key<'b>(&mut self, cursor: &mut Cursor, buf: &'b mut [u8]) -> Result<Option<&'b [u8]>> {
        match self.advance(cursor, false)? {
            Some(record) => Ok(Some(self.log.key(&record, buf)?)),
            None => Ok(None),
        }
    }

    fn give<'b>(&mut self, record: Option<Record>, buf: &'b mut [u8]) -> Result<Option<Entry<'b>>> {
        let Some(record) = record else { return Ok(None) };
        let needed = (record.head.key + record.head.value) as usize;
        if buf.len() < needed {
            return Err(Error::BufferTooSmall { needed });
        }
        let (key, rest) = buf.split_at_mut(record.head.key as usize);
        let key = self.log.key(&record, key)?;
        let value = self.value(&record, rest)?;
        Ok(Some(Entry { key, value }))
    }

    /// Moves a cursor to the next live key in a direction.
    fn advance(&mut self, cursor: &mut Cursor, forward: bool) -> Result<Option<Record>> {
        loop {
            match self.neighbour(cursor, forward)? {
                None => {
                    cursor.put(if forward { Place::End } else { Place::Start }, &[]);
                    return Ok(None);
                }
                Some(record) => {
                    let mut key = [0; KEY_MAX];
                    let key = self.log.key(&record, &mut key)?;
                    cursor.put(Place::On, key);
                    self.log.trust(&record)?;
                    if record.head.kind != Kind::Deleted {
                        return Ok(Some(record));
                    }
                }
            }
        }
    }

    /// The newest record of the key next to a cursor.
    fn neighbour(&mut self, cursor: &Cursor, forward: bool) -> Result<Option<Record>> {
        let mut best: Option<(Record, [u8; KEY_MAX])> = None;
        for place in (0..self.table.count()).rev() {
            let page = self.table.order(place);
            self.load(page)?;
            let found = if page == self.head || self.table.state(page).indexed() {
                self.neighbour_ranked(page, cursor, forward)?
            } else {
                self.neighbour_walking(page, cursor, forward)?
            };
            let Some(record) = found else { continue };
            let closer = match &best {
                None => true,
                Some((other, key)) => {
                    let key = key.get(..other.head.key as usize).unwrap_or(&[]);
                    let order = self.log.compare(&record, key)?;
                    if forward { order == Ordering::Less } else { order == Ordering::Greater }
                }
            };
            if closer {
                let mut key = [0; KEY_MAX];
                self.log.key(&record, &mut key)?;
                best = Some((record, key));
            }
        }
        Ok(best.map(|(record, _)| record))
    }

    /// Whether a record lies beyond a cursor, in a direction.
    fn beyond(&mut self, record: &Record, cursor: &Cursor, forward: bool) -> Result<bool> {
        Ok(match (cursor.place, forward) {
            (Place::Start, forward) => forward,
            (Place::End, forward) => !forward,
            (place, true) => match self.log.compare(record, cursor.key())? {
                Ordering::Greater => true,
                Ordering::Equal => place == Place::Before,
                Ordering::Less => false,
            },
            (_, false) => self.log.compare(record, cursor.key())? == Ordering::Less,
        })
    }

    fn ranked_any(&mut self, page: u16, rank: u32) -> Result<Record> {
        if page == self.head {
            return self.listed_at(rank as usize);
        }
        let index = self.log.geometry.index(self.table.entries(page));
        self.ranked(page, &index, rank)
    }

    /// How many entries of a page are keys.
    fn keys_in(&mut self, page: u16) -> Result<u32> {
        if page == self.head {
            return Ok(self.listed_keys() as u32);
        }
        let at = self.log.geometry.page - super::format::FOOTER;
        let foot = self.log.view(page, at, 2, super::format::FOOTER)?;
        let parts = u32::from(foot.get(super::format::footer::PARTS).copied().unwrap_or(0));
        Ok(self.table.entries(page).saturating_sub(parts))
    }

    fn neighbour_ranked(&mut self, page: u16, cursor: &Cursor, forward: bool) -> Result<Option<Record>> {
        let keys = self.keys_in(page)?;
        // The first rank beyond the cursor (forward), or the first that is not before it (backward).
        let (mut low, mut high) = (0, keys);
        while low < high {
            let middle = (low + high) / 2;
            let record = self.ranked_any(page, middle)?;
            if self.beyond(&record, cursor, forward)? == forward {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        let mut rank = low;
        loop {
            if forward && rank >= keys || !forward && rank == 0 {
                return Ok(None);
            }
            let at = if forward { rank } else { rank - 1 };
            let record = self.ranked_any(page, at)?;
            // Of several records of the key the last one counts.
            let mut key = [0; KEY_MAX];
            let key = self.log.key(&record, &mut key)?;
            let (mut from, mut to) = (at, at + 1);
            while to < keys && forward {
                let next = self.ranked_any(page, to)?;
                if self.log.compare(&next, key)? != Ordering::Equal {
                    break;
                }
                to += 1;
            }
            while from > 0 && !forward {
                let next = self.ranked_any(page, from - 1)?;
                if self.log.compare(&next, key)? != Ordering::Equal {
                    break;
                }
                from -= 1;
            }
            for at in (from..to).rev() {
                let record = self.ranked_any(page, at)?;
                if !self.voided(&record)? {
                    return Ok(Some(record));
                }
            }
            rank = if forward { to } else { from };
        }
    }

    fn neighbour_walking(&mut self, page: u16, cursor: &Cursor, forward: bool) -> Result<Option<Record>> {
        let mut walk = self.walk(page);
        let mut best: Option<(Record, [u8; KEY_MAX])> = None;
        while let Some(record) = self.walked(&mut walk)? {
            if record.head.kind == Kind::Part || !self.beyond(&record, cursor, forward)? {
                continue;
            }
            let closer = match &best {
                None => true,
                Some((other, key)) => {
                    let key = key.get(..other.head.key as usize).unwrap_or(&[]);
                    match self.log.compare(&record, key)? {
                        Ordering::Equal => true,
                        Ordering::Less => forward,
                        Ordering::Greater => !forward,
                    }
                }
            };
            if closer {
                let mut key = [0; KEY_MAX];
                self.log.key(&record, &mut key)?;
                best = Some((record, key));
            }
        }
        Ok(best.map(|(record, _)| record))
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

impl<F: NorFlash> Keys<'_, Dbm<'_, F>> {
    /// The next key, at the start of `buf`.
    pub fn next<'b>(&mut self, buf: &'b mut [u8]) -> Result<Option<&'b [u8]>> {
        match self.db.advance(&mut self.cursor, true)? {
            Some(record) => Ok(Some(self.db.log.key(&record, buf)?)),
            None => Ok(None),
        }
    }
}

#[allow(dead_code)]
const _: State = State::Free;
