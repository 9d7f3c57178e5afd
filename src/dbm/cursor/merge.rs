//! The merge of the pages' key orders, which moves a cursor when no order of all keys was lent.
//!
//! It serves one cursor at a time and keeps its state where the directories of the pages stand otherwise: another cursor, or
//! another direction, sets it up anew, and so does a page that comes or goes. A record that is appended meanwhile, or a few
//! look-ups, do not.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use core::cmp::Ordering;

use embedded_storage::nor_flash::NorFlash;

use super::super::format::{KEY_MAX, Kind, footer, read_bits};
use super::super::log::WINDOW;
use super::super::record::Record;
use super::super::{Dbm, Fail, NO_PAGE, Res};
use super::{Cursor, Place, Until};

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
    /// The bytes after these are text.
    text: bool,
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
        text: false,
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
pub(super) enum Source {
    Head,
    Page(u16),
}

/// The directory of a page while the merge stands in its place.
fn directory<F: NorFlash>(db: &mut Dbm<'_, F>, page: u16) -> Res<u32> {
    db.directory(page)
}

/// Ends the merge, at once or after some look-ups: these want directories, when nothing else happens.
fn rest<F: NorFlash>(db: &mut Dbm<'_, F>, now: bool) -> Res<()> {
    db.merge.idle = db.merge.idle.saturating_add(1);
    if now || db.merge.idle > 8 { db.end_merge() } else { Ok(()) }
}

impl<F: NorFlash> Dbm<'_, F> {
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

    /// Sets the merge up for the keys beyond a place.
    pub(super) fn build(&mut self, until: Until, place: Place, key: &[u8], forward: bool) -> Res<()> {
        let mut pages = self.table.count();
        if until != Until::LIVE {
            let last = self.table.place(until.page).filter(|_| until.ended == self.ended);
            pages = last.ok_or(Fail::STALE)? + 1;
        }
        for at in 0..self.table.count() {
            let page = self.table.order(at);
            self.load(page)?;
        }
        self.hooks.directory = Some(directory);
        self.hooks.rest = Some(rest);
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
        self.sort_list()?;
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
        self.merge.text = nearest.get(skip..).unwrap_or(&[]).iter().all(u8::is_ascii);
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
        // Of text, three bytes nearly fit. A byte that is none counts as the greatest, and so does what follows it.
        let bits = if self.merge.text { 7 } else { 8 };
        let most = (1 << bits) - 1;
        let (mut prefix, mut beyond) = (0, false);
        for i in 0..3 {
            let byte = bytes.get(i).filter(|_| i < rest).map_or(0, |byte| u32::from(*byte));
            beyond |= byte > most;
            prefix = prefix << bits | if beyond { most } else { byte };
        }
        let prefix = prefix >> (3 * bits - PREFIX);
        let prefix = if self.merge.forward { prefix } else { FAR - 1 - prefix.min(FAR - 1) };
        Ok(prefix.min(FAR - 1))
    }

    /// The record next in the merge, and what gave it: that is still at it, all else is behind its key.
    pub(super) fn merged_with(&mut self, walked: Option<Record>) -> Res<Option<(Record, Option<Source>)>> {
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
        (self.hooks.directory, self.hooks.rest) = (None, None);
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
        let parts = self.foot(page, footer::COUNTS)? >> 8 & 0xff;
        Ok(self.table.entries(page).saturating_sub(parts))
    }

    /// Where a batch begins in a page, or goes on in it, that is open or was when the page was sealed.
    fn batch_from(&mut self, page: u16) -> Res<u32> {
        if self.table.state(page).indexed() {
            return Ok(self.foot(page, footer::COUNTS)? >> 16);
        }
        Ok(match (self.batch.started, self.batch.page == page) {
            (false, _) => u32::MAX,
            (true, true) => self.batch.at,
            (true, false) => 0,
        })
    }

    /// The nearest record beyond a place in the pages that have no index, or none that serves a snapshot.
    pub(super) fn walk_all(&mut self, place: Place, key: &[u8], forward: bool) -> Res<Option<Record>> {
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
}
