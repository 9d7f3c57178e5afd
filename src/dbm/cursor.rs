//! Keys in order: cursors, which are values and borrow nothing, and what stands on them.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use core::cmp::Ordering;

use embedded_storage::nor_flash::NorFlash;

use super::format::{KEY_MAX, Kind, read_bits, read32};
use super::log::WINDOW;
use super::record::Record;
use super::{Dbm, Fail, NO_PAGE, Res, Result};

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

/// The merge of all pages' key orders that serves one cursor at a time. What it keeps of each sealed page stands where the
/// page's directory stands otherwise: the rank of the page's next key, and bits of that key to compare by.
#[derive(Clone, Copy)]
pub(crate) struct Merge {
    /// Directories have given way.
    pub(crate) active: bool,
    forward: bool,
    /// The cursor served.
    stamp: u32,
    /// The log as it was.
    epoch: u32,
    /// The list as it was.
    changes: u32,
    /// Bytes of the keys that are not compared, since those that are near have them in common.
    skip: u8,
    /// As for a page, of the list.
    head: u32,
    /// What gave the last key, and is not yet behind it.
    last: Option<Source>,
    /// Look-ups since the last move.
    pub(crate) idle: u8,
    ahead: Ahead,
    until: Until,
    /// Pages of the log that are seen.
    pages: usize,
}

/// Where the record with a rank stands.
#[derive(Clone, Copy)]
struct Ahead {
    page: u16,
    rank: u32,
    at: u32,
}

impl Merge {
    pub(crate) const NONE: Merge = Merge {
        active: false,
        forward: true,
        stamp: 0,
        epoch: 0,
        changes: 0,
        skip: 0,
        head: SPENT,
        last: None,
        idle: 0,
        ahead: Ahead { page: NO_PAGE, rank: 0, at: 0 },
        until: Until::LIVE,
        pages: 0,
    };
}

/// Bits of the prefix in a page's word.
const PREFIX: u32 = 20;
/// A prefix behind all that are near.
const FAR: u32 = (1 << PREFIX) - 1;
/// What is read of a record whose key alone is of interest.
const SHORT: u32 = 24;
/// A page without a next key.
const SPENT: u32 = 0x0fff_ffff;

/// What gives the merge's next key.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    Head,
    Page(u16),
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
    /// move answers [`Error::Stale`].
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

    /// As `advance`, by the pages' own orders.
    pub(crate) fn merged(&mut self, cursor: &mut Cursor, forward: bool) -> Res<Option<Record>> {
        let mut buf = [0; KEY_MAX];
        loop {
            let len = self.cursor_key(cursor, &mut buf)?;
            let key = buf.get(..len).unwrap_or(&[]);
            let served = self.merge.active
                && cursor.stamp != 0
                && (cursor.until == Until::LIVE
                    || (cursor.until.ended, self.merge.changes) == (self.ended, self.changes))
                && (cursor.stamp, forward, self.epoch) == (self.merge.stamp, self.merge.forward, self.merge.epoch);
            if !served {
                self.build(cursor.until, cursor.place, key, forward)?;
            } else {
                let last = self.merge.last.take();
                if self.merge.changes != self.changes {
                    self.build_head(cursor.place, key)?;
                    if let Some(source @ Source::Page(_)) = last {
                        self.pass(source, key)?;
                    }
                } else if let Some(source) = last {
                    self.pass(source, key)?;
                }
            }
            self.merge.idle = 0;
            let walked = if self.stale { self.walk_all(cursor.place, key, forward)? } else { None };
            match self.merged_with(walked)? {
                None => {
                    cursor.put(if forward { Place::End } else { Place::Start }, &[]);
                    return Ok(None);
                }
                Some((record, source)) => {
                    self.merge.last = source;
                    self.stamps = self.stamps.wrapping_add(1).max(1);
                    self.merge.stamp = self.stamps;
                    self.put_cursor(cursor, Place::On, &record)?;
                    cursor.stamp = self.stamps;
                    if record.kind != Kind::Deleted {
                        self.log.trust(&record)?;
                        return Ok(Some(record));
                    }
                }
            }
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

    // ---- the merge ----

    /// Sets the merge up for the keys beyond a place.
    fn build(&mut self, until: Until, place: Place, key: &[u8], forward: bool) -> Res<()> {
        let mut pages = self.table.count();
        if until != Until::LIVE {
            let last = self.table.place(until.page).filter(|_| until.ended == self.ended);
            pages = last.ok_or(Fail::STALE)? + 1;
        }
        for at in 0..self.table.count() {
            let page = self.table.order(at);
            self.load(page)?;
        }
        self.merge = Merge { active: true, forward, epoch: self.epoch, until, pages, ..Merge::NONE };
        self.stale = false;
        for at in 0..pages {
            let page = self.table.order(at);
            let partial = self.partial(page);
            if page == self.head && !partial {
                continue;
            }
            if partial || !self.table.state(page).indexed() {
                self.stale = true;
                continue;
            }
            let rank = self.search(page, place, key, forward)?;
            let word = match rank {
                Some(rank) => rank << PREFIX | FAR,
                None => SPENT,
            };
            self.table.set_data(page, word);
        }
        self.build_head(place, key)?;
        if self.merge.head == SPENT { self.refresh() } else { Ok(()) }
    }

    fn build_head(&mut self, place: Place, key: &[u8]) -> Res<()> {
        self.merge.changes = self.changes;
        self.merge.head = SPENT;
        if self.head == NO_PAGE || self.merge.pages < self.table.count() || self.partial(self.head) {
            return Ok(());
        }
        let forward = self.merge.forward;
        let keys = self.listed_keys() as u32;
        let low = match place {
            Place::Start => 0,
            Place::End => keys,
            Place::Before => self.list_search(key, false)? as u32,
            Place::On => self.list_search(key, forward)? as u32,
        };
        let rank = Self::land(low, keys, forward);
        if let Some(rank) = rank {
            self.merge.head = rank << PREFIX | FAR;
            self.place_head()?;
        }
        Ok(())
    }

    /// Finds where the list's next key stands among those of the pages.
    fn place_head(&mut self) -> Res<()> {
        for place in 0..self.table.count() {
            let Some(source) = self.source(place).filter(|source| *source != Source::Head) else { continue };
            if self.word(source) & FAR == FAR {
                continue;
            }
            let mut buf = [0; KEY_MAX];
            let near = self.at_word(source)?;
            let key = self.log.key(&near, &mut buf)?;
            let record = self.at_word(Source::Head)?;
            let prefix = self.near(&record, key)?;
            if prefix != FAR {
                self.merge.head = self.merge.head & !FAR | prefix;
                return Ok(());
            }
            break;
        }
        // Far off, on one side or the other.
        self.refresh()
    }

    /// The rank of the first key of a page beyond a place.
    fn search(&mut self, page: u16, place: Place, key: &[u8], forward: bool) -> Res<Option<u32>> {
        let keys = self.keys_in(page)?;
        let index = self.log.geometry.index(self.table.entries(page));
        let (mut low, mut high) = match place {
            Place::Start => (0, 0),
            Place::End => (keys, keys),
            _ => (0, keys),
        };
        let after = place == Place::On && forward;
        let guess = self.guess;
        self.guess = key.len() as u32 + 4;
        while low < high {
            let middle = (low + high) / 2;
            let record = self.ranked(page, &index, middle)?;
            match self.log.compare(&record, key)? {
                Ordering::Less => low = middle + 1,
                Ordering::Equal if after => low = middle + 1,
                _ => high = middle,
            }
        }
        self.guess = guess;
        Ok(Self::land(low, keys, forward))
    }

    /// From the first rank not before a place: the rank of the nearest record in a direction.
    fn land(low: u32, keys: u32, forward: bool) -> Option<u32> {
        if forward { Some(low).filter(|low| *low < keys) } else { low.checked_sub(1) }
    }

    /// Whether the index of a page, or the list, knows of what a snapshot does not see: then its records are walked.
    fn partial(&self, page: u16) -> bool {
        let until = &self.merge.until;
        page == until.page && until.at < self.log.geometry.page && !(page == self.head && self.tail == until.at)
    }

    fn word(&self, source: Source) -> u32 {
        match source {
            Source::Head => self.merge.head,
            Source::Page(page) => self.table.data(page),
        }
    }

    fn set_word(&mut self, source: Source, word: u32) {
        match source {
            Source::Head => self.merge.head = word,
            Source::Page(page) => self.table.set_data(page, word),
        }
    }

    fn source(&self, place: usize) -> Option<Source> {
        if place >= self.merge.pages {
            return None;
        }
        let page = self.table.order(place);
        if self.partial(page) {
            None
        } else if page == self.head {
            Some(Source::Head)
        } else {
            self.table.state(page).indexed().then_some(Source::Page(page))
        }
    }

    fn at_word(&mut self, source: Source) -> Res<Record> {
        let rank = self.word(source) >> PREFIX;
        match source {
            Source::Head => self.listed_at(rank as usize),
            Source::Page(page) => self.ranked_any(page, rank),
        }
    }

    /// Finds how many bytes the nearest keys have in common, and each page's prefix after them.
    fn refresh(&mut self) -> Res<()> {
        let guess = core::mem::replace(&mut self.guess, SHORT);
        let mut nearest = [0; KEY_MAX];
        let mut len = None;
        // What all keys have in common, and the most that the nearest has with another one.
        let (mut least, mut most) = (KEY_MAX, 0);
        for place in 0..self.table.count() {
            let Some(source) = self.source(place).filter(|source| self.word(*source) != SPENT) else { continue };
            let record = self.at_word(source)?;
            if let Some(len) = len {
                let nearest = nearest.get(..len).unwrap_or(&[]);
                let common = self.common(&record, nearest)?;
                least = least.min(common);
                match self.log.compare(&record, nearest)? {
                    Ordering::Equal => continue,
                    order if (order == Ordering::Less) == self.merge.forward => most = common,
                    _ => {
                        most = most.max(common);
                        continue;
                    }
                }
            }
            len = Some(self.log.key(&record, &mut nearest)?.len());
        }
        let nearest = nearest.get(..len.unwrap_or(0)).unwrap_or(&[]);
        let least = least.min(nearest.len());
        // Prefixes of two bytes and a half must tell the nearest from the next, or else all from one another.
        let skip = if most >= least + 2 { most } else { least };
        self.merge.skip = skip as u8;
        for place in 0..self.table.count() {
            let Some(source) = self.source(place).filter(|source| self.word(*source) != SPENT) else { continue };
            let record = self.at_word(source)?;
            let prefix = self.near(&record, nearest)?;
            self.set_word(source, self.word(source) & !FAR | prefix);
        }
        self.guess = guess;
        Ok(())
    }

    /// How many bytes a record's key has in common with another.
    fn common(&mut self, record: &Record, key: &[u8]) -> Res<usize> {
        let (mut at, mut left) = (record.key_at(), record.key_len() as usize);
        let mut common = 0;
        while left > 0 {
            let rest = key.get(common..).unwrap_or(&[]);
            let bytes = self.log.view(record.page, at, 1, left as u32)?;
            let count = bytes.len().min(left);
            let same = bytes.iter().zip(rest).take(count).take_while(|(a, b)| a == b).count();
            common += same;
            if same < count {
                break;
            }
            (at, left) = (at + count as u32, left - count);
        }
        Ok(common)
    }

    /// The prefix of a record's key, if it begins like `key`; else it is far.
    fn near(&mut self, record: &Record, key: &[u8]) -> Res<u32> {
        let skip = usize::from(self.merge.skip);
        let (page, at, len) = (record.page, record.key_at(), record.key_len() as usize);
        let need = (skip + 3).min(len);
        if need > WINDOW / 2 {
            if self.common(record, key)? < skip {
                return Ok(FAR);
            }
        } else {
            let bytes = self.log.view(page, at, need as u32, need as u32)?;
            if len < skip || bytes.get(..skip) != key.get(..skip) {
                return Ok(FAR);
            }
        }
        let rest = (len - skip).min(3);
        let bytes = self.log.view(page, at + skip as u32, rest as u32, rest as u32)?;
        let byte = |i: usize| bytes.get(i).filter(|_| i < rest).map_or(0, |byte| u32::from(*byte));
        let prefix = byte(0) << 12 | byte(1) << 4 | byte(2) >> 4;
        let prefix = if self.merge.forward { prefix } else { FAR - 1 - prefix.min(FAR - 1) };
        Ok(prefix.min(FAR - 1))
    }

    /// The record next in the merge, and what gave it: that is still at it, all else is behind its key.
    fn merged_with(&mut self, walked: Option<Record>) -> Res<Option<(Record, Option<Source>)>> {
        let forward = self.merge.forward;
        let mut buf = [0; KEY_MAX];
        loop {
            // The newest of the pages with the least prefix; those with the same are told apart by their keys.
            let (mut best, mut least, mut ties) = (None, SPENT, 0u32);
            for place in (0..self.table.count()).rev() {
                let Some(source) = self.source(place) else { continue };
                let word = self.word(source);
                if word == SPENT {
                    continue;
                }
                let prefix = word & FAR;
                if best.is_none() || prefix < least {
                    (best, least, ties) = (Some(source), prefix, 0);
                } else if prefix == least {
                    ties += 1;
                }
            }
            if best.is_some() && least == FAR {
                self.refresh()?;
                if best.is_some_and(|best| self.word(best) & FAR == FAR) && ties == 0 {
                    return Err(Fail::corrupt(0, 0));
                }
                continue;
            }
            let mut record = match best {
                Some(source) => self.at_word(source)?,
                None => match walked {
                    Some(walked) => return Ok(Some((walked, None))),
                    None => return Ok(None),
                },
            };
            let Some(mut source) = best else { return Ok(None) };
            if ties > 0 {
                let mut len = self.log.key(&record, &mut buf)?.len();
                let mut seen = false;
                for place in (0..self.table.count()).rev() {
                    let Some(other) = self.source(place) else { continue };
                    let word = self.word(other);
                    if other == source {
                        seen = true;
                    }
                    if !seen || other == source || word == SPENT || word & FAR != least {
                        continue;
                    }
                    let guess = core::mem::replace(&mut self.guess, len as u32 + 4);
                    let rival = self.at_word(other);
                    self.guess = guess;
                    let rival = rival?;
                    match self.log.compare(&rival, buf.get(..len).unwrap_or(&[]))? {
                        // An older record of the same key.
                        Ordering::Equal => self.pass(other, buf.get(..len).unwrap_or(&[]))?,
                        order if (order == Ordering::Less) == forward => {
                            (record, source) = (rival, other);
                            len = self.log.key(&record, &mut buf)?.len();
                        }
                        _ => {}
                    }
                }
            }
            if let Some(walked) = walked {
                let len = self.log.key(&walked, &mut buf)?.len();
                match self.log.compare(&record, buf.get(..len).unwrap_or(&[]))? {
                    Ordering::Equal => {
                        let newer = self.table.place(walked.page) > self.table.place(record.page);
                        return Ok(Some((if newer { walked } else { record }, Some(source))));
                    }
                    order if (order == Ordering::Less) == forward => {}
                    _ => return Ok(Some((walked, None))),
                }
            }
            return Ok(Some((record, Some(source))));
        }
    }

    /// Moves a page of the merge behind the key it is at.
    fn pass(&mut self, source: Source, key: &[u8]) -> Res<()> {
        let forward = self.merge.forward;
        let rank = self.word(source) >> PREFIX;
        let page = match source {
            Source::Head => self.head,
            Source::Page(page) => page,
        };
        let keys = self.keys_in(page)?;
        let low = if forward { rank + 1 } else { rank };
        let guess = self.guess;
        self.guess = key.len() as u32 + 2;
        let word = match Self::land(low, keys, forward) {
            Some(rank) => {
                self.set_word(source, rank << PREFIX);
                self.at_word(source).and_then(|next| self.near(&next, key)).map(|prefix| rank << PREFIX | prefix)
            }
            None => Ok(SPENT),
        };
        self.guess = guess;
        self.set_word(source, word?);
        Ok(())
    }

    /// Gives the directories back their places.
    pub(crate) fn end_merge(&mut self) -> Res<()> {
        if !self.merge.active {
            return Ok(());
        }
        self.merge.active = false;
        for place in 0..self.table.count() {
            let page = self.table.order(place);
            if self.table.state(page).indexed() {
                let directory = self.directory(page)?;
                self.table.set_data(page, directory);
            }
        }
        Ok(())
    }

    /// The record with a rank. The place of the one after it is read along: it is asked for next, most often.
    fn ranked_any(&mut self, page: u16, rank: u32) -> Res<Record> {
        if page == self.head {
            return self.listed_at(rank as usize);
        }
        let (geometry, forward) = (self.log.geometry, self.merge.forward);
        let ahead = &self.merge.ahead;
        if (ahead.page, ahead.rank) == (page, rank) {
            let (at, guess) = (ahead.at, self.guess);
            return self.log.head(page, at, guess)?.ok_or(Fail::corrupt(page, at));
        }
        let index = geometry.index(self.table.entries(page));
        let first = if forward { rank } else { rank.saturating_sub(1) };
        let bit = first * index.offset_bits;
        let at = index.offsets_at + bit / 8;
        let bytes = self.log.view(page, at, 4, 4)?;
        let offset = |rank: u32| read_bits(bytes, bit % 8 + (rank - first) * index.offset_bits, index.offset_bits);
        let this = offset(rank) * geometry.word;
        let next = if forward { rank + 1 } else { first };
        self.merge.ahead = Ahead { page, rank: next, at: offset(next) * geometry.word };
        let guess = self.guess;
        match self.log.head(page, this, guess)? {
            Some(record) if rank < index.entries => Ok(record),
            _ => Err(Fail::corrupt(page, at)),
        }
    }

    /// How many entries of a page are keys.
    pub(crate) fn keys_in(&mut self, page: u16) -> Res<u32> {
        if page == self.head {
            return Ok(self.listed_keys() as u32);
        }
        if !self.table.has_parts(page) {
            return Ok(self.table.entries(page));
        }
        let at = self.log.geometry.page - super::format::FOOTER;
        let foot = self.log.view(page, at, 2, super::format::FOOTER)?;
        let parts = u32::from(foot.get(super::format::footer::PARTS).copied().unwrap_or(0));
        Ok(self.table.entries(page).saturating_sub(parts))
    }

    /// Where a batch begins in a page, or goes on in it, that is open or was when the page was sealed.
    fn batch_from(&mut self, page: u16) -> Res<u32> {
        if self.table.state(page).indexed() {
            let at = self.log.geometry.page - super::format::FOOTER;
            let foot = self.log.view(page, at, super::format::FOOTER, super::format::FOOTER)?;
            return Ok(super::format::read32(foot, 0) >> 16);
        }
        Ok(match (self.batch.started, self.batch.page == page) {
            (false, _) => u32::MAX,
            (true, true) => self.batch.at,
            (true, false) => 0,
        })
    }

    /// The nearest record beyond a place in the pages that have no index, or none that serves a snapshot.
    fn walk_all(&mut self, place: Place, key: &[u8], forward: bool) -> Res<Option<Record>> {
        let mut best: Option<Record> = None;
        let mut buf = [0; KEY_MAX];
        for at in 0..self.merge.pages {
            let page = self.table.order(at);
            let partial = self.partial(page);
            if !partial && (page == self.head || self.table.state(page).indexed()) {
                continue;
            }
            let mut walk = self.walk(page);
            if partial {
                walk.open_from = self.batch_from(page)?;
            }
            while let Some(record) = self.walked(&mut walk)? {
                if record.kind == Kind::Part || self.merge.until.hides(&record) {
                    continue;
                }
                let beyond = match (place, forward) {
                    (Place::Start, forward) => forward,
                    (Place::End, forward) => !forward,
                    (place, true) => match self.log.compare(&record, key)? {
                        Ordering::Greater => true,
                        Ordering::Equal => place == Place::Before,
                        Ordering::Less => false,
                    },
                    (_, false) => self.log.compare(&record, key)? == Ordering::Less,
                };
                if !beyond {
                    continue;
                }
                let closer = match &best {
                    None => true,
                    Some(best) => {
                        let len = self.log.key(best, &mut buf)?.len();
                        match self.log.compare(&record, buf.get(..len).unwrap_or(&[]))? {
                            // The later one is the newer one.
                            Ordering::Equal => true,
                            Ordering::Less => forward,
                            Ordering::Greater => !forward,
                        }
                    }
                };
                if closer {
                    best = Some(record);
                }
            }
            self.walked_to_end(&walk)?;
        }
        Ok(best)
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
