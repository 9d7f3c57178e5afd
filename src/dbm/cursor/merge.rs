//! The merge of the pages' key orders, which moves a cursor when no order of all keys was lent.
//!
//! Of each page of the log it keeps which of its records has the page's next key, and bits of that key to compare by: the
//! page with the least bits has the next key of all. It serves one cursor at a time and keeps its state where the directories
//! of the pages stand otherwise: another cursor, or another direction, sets it up anew, and so does a page that comes or goes.
//! A record that is appended meanwhile, or a few look-ups, do not.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod prefix;
#[cfg(fast)]
mod run;

use embedded_storage::nor_flash::NorFlash;

use super::super::format::{KEY_MAX, Kind, Layout, NO_DIRECTORY, footer};
use super::super::record::{Record, Spot};
use super::super::walk::Walk;
use super::super::{Dbm, Fail, NO_PAGE, linked};
use super::{Cursor, HELD, Place, Until};
use prefix::{Alphabet, FAR, PREFIX};

/// The merge, but for what it keeps of each page.
#[derive(Clone, Copy)]
pub(crate) struct Merge {
    /// Directories have given way.
    pub(crate) active: bool,
    forward: bool,
    /// Bytes of the keys that are not compared, since those that are near have them in common.
    skip: u8,
    /// What the bytes after these are: any, if it does not say.
    alphabet: Option<&'static Alphabet>,
    /// Some are not.
    misfit: bool,
    /// Look-ups since the last move.
    pub(crate) idle: u8,
    /// What gave the last key, and is not yet behind it; or no page.
    last: u16,
    /// The cursor served; 0 if none is.
    stamp: u32,
    /// The log as it was.
    epoch: u32,
    /// The list as it was.
    changes: u32,
    ahead: Ahead,
    until: Until,
    /// Pages of the log that are seen.
    pages: usize,
    #[cfg(fast)]
    run: run::Run,
}

/// Where the record with a rank stands.
#[derive(Clone, Copy)]
struct Ahead {
    page: u16,
    rank: u32,
    at: u32,
}

impl Merge {
    /// Of a store without cursors: all zeros, which costs little code.
    pub(crate) const IDLE: Merge = Merge {
        forward: false,
        last: 0,
        ahead: Ahead { page: 0, rank: 0, at: 0 },
        until: Until { page: 0, at: 0, ended: 0 },
        ..Merge::NONE
    };

    const NONE: Merge = Merge {
        active: false,
        forward: true,
        skip: 0,
        alphabet: None,
        misfit: false,
        idle: 0,
        last: NO_PAGE,
        stamp: 0,
        epoch: 0,
        changes: 0,
        ahead: Ahead { page: NO_PAGE, rank: 0, at: 0 },
        until: Until::LIVE,
        pages: 0,
        #[cfg(fast)]
        run: run::Run::NONE,
    };
}

/// What is read of a record whose key alone is of interest.
const SHORT: u32 = 24;
/// Of so many records it pays to read at once where they stand.
const PLACES: u32 = 40;
/// A page without a next key.
const SPENT: u32 = 0x0fff_ffff;

impl<F: NorFlash> Dbm<'_, F> {
    /// As `advance`, by the pages' own orders.
    pub(crate) fn merged(&mut self, cursor: &mut Cursor, forward: bool) -> bool {
        let mut buf = [0; KEY_MAX];
        loop {
            let len = self.cursor_key(cursor, &mut buf);
            let key = buf.get(..len).unwrap_or(&[]);
            let unchanged = self.merge.changes == self.changes;
            let served = self.serves(cursor, forward)
                && (!cursor.until.is_some() || cursor.until.ended == self.ended && unchanged);
            let last = self.merge.last;
            (self.merge.stamp, self.merge.last) = (0, NO_PAGE);
            if !served {
                self.build(cursor.until, cursor.place, key, forward);
            } else {
                #[cfg(fast)]
                self.end_run(last);
                if !unchanged {
                    self.merge.changes = self.changes;
                    let rank = self.search(self.head, cursor.place, key);
                    self.put_rank(self.head, rank, key);
                }
                if last != NO_PAGE && (unchanged || last != self.head) {
                    self.pass(last, key);
                }
            }
            self.merge.idle = 0;
            let found = self.nearest(&mut buf).is_some();
            let held = cursor.held().filter(|_| cursor.place == Place::On);
            if found && held.is_some_and(|held| self.log.order(held) * self.sign() <= 0) {
                // An index leads to another record than the one meant.
                self.log.corrupt(self.log.cur.page, self.log.cur.at());
            }
            if !found || self.log.failed() {
                cursor.put(if forward { Place::End } else { Place::Start }, &[]);
                return false;
            }
            self.put_cursor(cursor, Place::On);
            let record = self.log.cur;
            self.stamp(cursor);
            self.merge.last = record.page;
            #[cfg(fast)]
            self.merge.run.note(record.page == last);
            if record.kind != Kind::Deleted {
                self.log.trusted();
                return !self.log.failed();
            }
        }
    }

    /// Whether the merge is at what a cursor is at.
    fn serves(&self, cursor: &Cursor, forward: bool) -> bool {
        self.merge.active
            && cursor.stamp != 0
            && (cursor.stamp, forward, self.table.epoch) == (self.merge.stamp, self.merge.forward, self.merge.epoch)
    }

    /// What serves a cursor from now on serves no copy of it.
    fn stamp(&mut self, cursor: &mut Cursor) {
        self.stamps = self.stamps.wrapping_add(1).max(1);
        (cursor.stamp, self.merge.stamp) = (self.stamps, self.stamps);
    }

    /// Sets the merge up for the keys beyond a place.
    pub(super) fn build(&mut self, until: Until, place: Place, key: &[u8], forward: bool) {
        let mut pages = self.table.count();
        if until.is_some() {
            let last = self.table.place(until.page).filter(|_| until.ended == self.ended);
            let Some(last) = last else { return self.log.fail(Fail::STALE) };
            pages = last + 1;
        }
        for at in 0..self.table.count() {
            self.load(self.table.order(at));
        }
        if self.log.failed() {
            return;
        }
        linked::CURSORS.used();
        let (epoch, changes) = (self.table.epoch, self.changes);
        self.merge = Merge { active: true, forward, epoch, changes, until, pages, ..Merge::NONE };
        for at in 0..pages {
            let page = self.table.order(at);
            let rank = self.search(page, place, key);
            self.table.set_data(page, rank.map_or(SPENT, |rank| rank << PREFIX | FAR));
        }
    }

    /// Whether the index of a page, or the list, knows of what a snapshot does not see.
    fn partial(&self, page: u16) -> bool {
        let until = &self.merge.until;
        until.is_some() && page == until.page && until.at < F::PAGE && !(page == self.head && self.tail == until.at)
    }

    /// Whether a page's records are walked, for want of an index.
    fn walks(&self, page: u16) -> bool {
        self.partial(page) || page != self.head && !self.table.state(page).indexed()
    }

    /// Before the first record of a page that is walked.
    fn walk_seen(&mut self, page: u16) -> Walk {
        let mut walk = self.walk(page);
        if self.partial(page) {
            walk.open_from = self.batch_from(page);
        }
        walk
    }

    /// Looks at the next record of such a walk that may be a key's newest.
    fn advance_seen(&mut self, walk: &mut Walk) -> bool {
        loop {
            let found = self.advance_walk(walk);
            let record = self.log.cur;
            if !found || record.kind != Kind::Part && !self.merge.until.hides(&record) {
                return found;
            }
        }
    }

    /// Which record of a page has the nearest key beyond a place.
    fn search(&mut self, page: u16, place: Place, key: &[u8]) -> Option<u32> {
        // A key that is equal counts as less, or as greater.
        let equal = if place == Place::On && self.merge.forward { -1 } else { 1 };
        if self.walks(page) {
            return self.search_walking(page, place, key, equal);
        }
        let keys = self.keys_in(page);
        let (mut low, mut high) = match place {
            Place::Start => (0, 0),
            Place::End => (keys, keys),
            _ => (0, keys),
        };
        let guess = core::mem::replace(&mut self.guess, key.len() as u32 + 4);
        while low < high {
            let middle = (low + high) / 2;
            if cfg!(fast) {
                self.show_places(page, low, high);
            }
            self.look_rank(page, middle);
            if self.log.order(key) * 2 + equal < 0 {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        self.guess = guess;
        // What told that none before it is meant must be sound, or damage led astray. (The other one's turn comes, but for a cursor that
        // cannot hold the key and is put on to what is nearest.)
        let sides = if key.len() > HELD { 2 } else { 1 };
        for side in [!self.merge.forward, self.merge.forward].into_iter().take(sides) {
            if let Some(rank) = Self::land(low, keys, side) {
                self.look_rank(page, rank);
                self.log.trusted();
            }
        }
        Self::land(low, keys, self.merge.forward)
    }

    /// Reads where the records of some ranks stand to the large window, if they are few enough for that to be less than one read for each
    /// of those looked at.
    fn show_places(&mut self, page: u16, low: u32, high: u32) {
        if page != self.head && high - low <= PLACES {
            let at = self.log.geometry.index(self.table.entries(page)).offsets_at + low * F::OFFSET_BITS / 8;
            self.log.view(page, at, 4, PLACES * F::OFFSET_BITS / 8 + 4);
        }
    }

    #[inline(never)]
    fn search_walking(&mut self, page: u16, place: Place, key: &[u8], equal: i32) -> Option<u32> {
        let beyond = self.sign();
        let (mut best, mut len, mut buf) = (None, 0, [0; KEY_MAX]);
        let mut walk = self.walk_seen(page);
        while self.advance_seen(&mut walk) {
            let side = match place {
                Place::Start => 1,
                Place::End => -1,
                _ => self.log.order(key) * 2 + equal,
            };
            // Of records of one key, the later one is the newer one.
            if side * beyond > 0 && (best.is_none() || self.log.order(buf.get(..len).unwrap_or(&[])) * beyond <= 0) {
                best = Some(walk.count);
                len = self.log.name(&mut buf).len();
            }
        }
        self.walked_to_end(&walk);
        best
    }

    /// Of the keys beyond a cursor, the nearer one times this is the lesser one.
    fn sign(&self) -> i32 {
        if self.merge.forward { 1 } else { -1 }
    }

    /// From the first rank not before a place: the rank of the nearest record in a direction.
    fn land(low: u32, keys: u32, forward: bool) -> Option<u32> {
        Some(low.wrapping_sub((!forward).into())).filter(|rank| *rank < keys)
    }

    /// Looks at the record with a rank. The place of the one after it is read along: it is asked for next, most often.
    #[inline(never)]
    fn look_rank(&mut self, page: u16, rank: u32) {
        if self.walks(page) {
            let mut walk = self.walk_seen(page);
            while self.advance_seen(&mut walk) {
                if walk.count == rank {
                    return;
                }
            }
            return self.log.corrupt(page, walk.at);
        }
        if page == self.head {
            return self.look_listed(rank as usize);
        }
        let geometry = self.log.geometry;
        let index = geometry.index(self.table.entries(page));
        let mut at = self.merge.ahead.at;
        if (self.merge.ahead.page, self.merge.ahead.rank) != (page, rank) {
            let (bits, forward) = (F::OFFSET_BITS, self.merge.forward);
            let first = if forward { rank } else { rank.saturating_sub(1) };
            let pair = self.log.word(page, index.offsets_at + first * bits / 8, 4) >> (first * bits % 8);
            let offset = |rank: u32| (pair >> ((rank - first) * bits) & ((1 << bits) - 1)) * F::WORD;
            at = offset(rank);
            let next = if forward { rank + 1 } else { first };
            self.merge.ahead = Ahead { page, rank: next, at: offset(next) };
        }
        if rank >= index.entries || at == 0 {
            self.log.corrupt(page, at);
        }
        self.log.must(Spot::new(page, at), self.guess);
    }

    /// Takes note of which record has a page's next key; `key` is near.
    #[inline(never)]
    fn put_rank(&mut self, page: u16, rank: Option<u32>, key: &[u8]) {
        let word = match rank {
            Some(rank) => {
                self.look_rank(page, rank);
                rank << PREFIX | self.near(key)
            }
            None => SPENT,
        };
        self.table.set_data(page, word);
    }

    /// Moves a page behind the key it is at.
    #[inline(never)]
    fn pass(&mut self, page: u16, key: &[u8]) {
        let rank = if self.walks(page) {
            self.search(page, Place::On, key)
        } else {
            let low = (self.table.data(page) >> PREFIX) + u32::from(self.merge.forward);
            let keys = self.keys_in(page);
            Self::land(low, keys, self.merge.forward)
        };
        let guess = core::mem::replace(&mut self.guess, key.len() as u32 + 2);
        self.put_rank(page, rank, key);
        self.guess = guess;
    }

    /// The least prefix of a page's next key.
    #[inline(never)]
    fn least(&self) -> u32 {
        let words = (0..self.merge.pages).map(|place| self.table.data(self.table.order(place)));
        words.filter(|word| *word != SPENT).fold(SPENT, |least, word| least.min(word & FAR))
    }

    /// Looks at the record next in the merge. All older records of its key are behind it.
    pub(super) fn nearest(&mut self, buf: &mut [u8; KEY_MAX]) -> Spot {
        if self.log.failed() {
            // Perhaps it was not set up, and directories stand where its words would.
            return Spot::NONE;
        }
        let mut least = self.least();
        if least == FAR {
            self.refresh(buf);
            least = self.least();
        }
        let (mut best, mut len) = (Record::NONE, 0);
        let guess = self.guess;
        // Those with the same prefix are told apart by their keys.
        for place in (0..self.merge.pages).rev() {
            let page = self.table.order(place);
            let word = self.table.data(page);
            if word == SPENT || word & FAR != least {
                continue;
            }
            self.look_rank(page, word >> PREFIX);
            let key = buf.get(..len).unwrap_or(&[]);
            let order = self.log.order(key) * self.sign();
            if best == Record::NONE || order < 0 {
                best = self.log.cur;
                len = self.log.name(buf).len();
                self.guess = len as u32 + 4;
            } else if order == 0 {
                // An older record of the same key.
                self.pass(page, key);
            }
        }
        self.guess = guess;
        self.log.cur = best;
        best.spot()
    }

    /// Whether a merge keeps its place where the directories stand otherwise.
    pub(crate) fn merging(&self) -> bool {
        linked::CURSORS.is() && self.merge.active
    }

    /// Ends the merge, at once or when it has not been needed for some look-ups: these want directories, when nothing else
    /// happens.
    pub(crate) fn rest_merge(&mut self, now: bool) {
        if self.merging() {
            self.merge.idle = self.merge.idle.saturating_add(1);
            if now || self.merge.idle > 8 {
                self.end_merge();
            }
        }
    }

    /// Gives the directories back their places.
    pub(crate) fn end_merge(&mut self) {
        if !self.merging() {
            return;
        }
        self.merge.active = false;
        for place in 0..self.table.count() {
            let page = self.table.order(place);
            if self.table.state(page).indexed() {
                let directory = self.directory(page);
                self.table.set_data(page, if self.log.failed() { NO_DIRECTORY } else { directory });
            }
        }
    }

    /// How many entries of a page are keys; if it is the head page, the list is brought in order.
    pub(crate) fn keys_in(&mut self, page: u16) -> u32 {
        if page == self.head {
            self.sort_list();
            return self.listed_keys() as u32;
        }
        if !self.long {
            return self.table.entries(page);
        }
        let parts = self.foot(page, footer::COUNTS) >> 8 & 0xff;
        self.table.entries(page).saturating_sub(parts)
    }

    /// Where a batch begins in a page, or goes on in it, that is open or was when the page was sealed.
    fn batch_from(&mut self, page: u16) -> u32 {
        if self.table.state(page).indexed() {
            return self.foot(page, footer::COUNTS) >> 16;
        }
        match (self.batch.started, self.batch.page == page) {
            (false, _) => u32::MAX,
            (true, true) => self.batch.at,
            (true, false) => 0,
        }
    }
}
