//! Batches: several writes, all or none of which count.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use embedded_storage::nor_flash::NorFlash;

use super::error::FLASH;
use super::format::{KEY_MAX, Kind, Layout, Name};
use super::record::{Record, Spot};
use super::table::State;
use super::{Dbm, Fail, NO_PAGE, Pending, Result, linked};

/// A moment within a batch, to go back to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Savepoint {
    /// The page and the place in it at which the next record would have stood; no page before the batch's first write.
    page: u16,
    at: u32,
}

impl Savepoint {
    /// As words, for who keeps savepoints of several kinds of store.
    pub(crate) fn to_words(self) -> [u32; 2] {
        [self.page.into(), self.at]
    }

    /// From [`Savepoint::to_words`].
    pub(crate) fn from_words([page, at]: [u32; 2]) -> Self {
        Savepoint { page: page as u16, at }
    }
}

impl<F: NorFlash> Dbm<'_, F> {
    /// Opens a batch: what is written from here on counts only after [`commit`](Self::commit), and reads see it already.
    pub fn begin(&mut self) -> Result<()> {
        self.begin_batch();
        self.done(())
    }

    fn begin_batch(&mut self) {
        if !self.writable() {
            return;
        }
        if self.batch.open {
            return self.log.fail(Fail::BATCH);
        }
        self.batch = Pending { open: true, ..Pending::NONE };
        linked::BATCHES.used();
    }

    /// Whether a batch is open.
    pub fn in_batch(&self) -> bool {
        linked::BATCHES.is() && self.batch.open
    }

    /// Makes everything since [`begin`](Self::begin) count, at once.
    ///
    /// Where a program of the flash failed in the batch, or making room came to no end, some of it may be lost: then nothing of it counts,
    /// and the answer is [`Error::Flash`](super::Error::Flash), whatever was answered since.
    pub fn commit(&mut self) -> Result<()> {
        self.commit_batch();
        self.done(())
    }

    fn commit_batch(&mut self) {
        if !self.batch.open {
            return self.log.fail(Fail::BATCH);
        }
        if self.batch.started {
            self.commit_mark();
            if let Err(fail) = self.log.outcome(()) {
                self.give_up_batch();
                return self.log.fail(fail);
            }
            self.settled = self.batch.sequence;
        }
        (self.batch.open, self.batch.started) = (false, false);
        // What it overwrote counted as living.
        self.doubtful = true;
        self.write_fates()
    }

    fn commit_mark(&mut self) {
        if self.batch.page == NO_PAGE {
            return self.log.fail(Fail::PROGRAM);
        }
        let [a, b, c, d] = self.batch.sequence.to_le_bytes();
        let over_pages = [0, 0, a, b, c, d];
        self.make_room(Record::new(Kind::Commit, true, 6, 0).total(&self.log.geometry));
        if self.batch.page == self.head {
            self.mark(&(self.batch.at as u16).to_le_bytes())
        } else {
            self.mark(&over_pages)
        }
    }

    /// Appends a commit, for which there is room.
    fn mark(&mut self, bytes: &[u8]) {
        if self.log.failed() {
            return;
        }
        self.put(Record::new(Kind::Commit, true, bytes.len(), 0), &[bytes, &[], &[]]);
        if let Err(fail) = self.log.outcome(()) {
            // A program can be whole and fail all the same.
            let mut walk = self.walk(self.table.newest());
            while self.advance_walk(&mut walk) {}
            if walk.at <= self.tail {
                self.log.fail(fail);
            }
        }
    }

    /// Looks at the newest record of a name that the open batch did not write, if it wrote the record looked at.
    pub(crate) fn committed(&mut self, name: &Name) -> Spot {
        let record = self.log.cur;
        let written = record.pending()
            && if record.page == self.batch.page {
                record.at() >= self.batch.at
            } else {
                record.page == self.head || self.table.state(record.page) == State::Open
            };
        if written { self.find_committed(name) } else { Spot::NONE }
    }

    /// Keeps a record that the record looked at overwrote, if that is the open batch's and may be given up: and then both.
    pub(crate) fn keep_overwritten(&mut self, record: &Record, name: &Name, copying: bool) {
        let newest = self.log.cur;
        if self.committed(name) != record.spot() {
            return;
        }
        self.keep(record, false, copying, name.bytes);
        self.keep(&newest, true, copying, name.bytes);
        if copying && self.log.failed() {
            // Perhaps the former stands behind the latter now.
            self.batch.page = NO_PAGE;
        }
    }

    fn find_committed(&mut self, name: &Name) -> Spot {
        for place in (0..self.table.count()).rev() {
            let page = self.table.order(place);
            // Indexes of pages that the batch wrote to list what it wrote. A walk passes over that: it is not committed.
            let found = match self.table.state(page) {
                State::Head | State::Open => self.find_walking(page, name),
                _ => self.find_sealed(page, name),
            };
            if found.is_some() {
                return found;
            }
        }
        Spot::NONE
    }

    /// Gives up everything since [`begin`](Self::begin).
    pub fn rollback(&mut self) -> Result<()> {
        self.give_up_batch();
        self.done(())
    }

    pub(crate) fn give_up_batch(&mut self) {
        if !self.batch.open {
            return self.log.fail(Fail::BATCH);
        }
        self.batch.open = false;
        if !core::mem::take(&mut self.batch.started) {
            return;
        }
        self.end_snapshots();
        self.void_batch();
        if self.log.failed() {
            self.forget_lent();
        } else {
            self.undo_lent(self.batch.page, self.batch.at);
        }
    }

    fn void_batch(&mut self) {
        for place in 0..self.table.count() {
            let page = self.table.order(place);
            if self.table.state(page) == State::Open {
                // Its index lists what does not count any more.
                self.table.set_state(page, State::Stale);
            }
        }
        self.forget_dead();
        if self.head != NO_PAGE {
            let tail = self.tail;
            self.log.flush();
            let flushed = !self.log.forgive(FLASH);
            let walk = self.relist(tail);
            if !flushed || walk.gap || walk.at != tail || self.log.failed() {
                self.give_up_head();
            }
        }
    }

    /// A moment of the open batch to [go back](Self::rollback_to) to.
    pub fn savepoint(&mut self) -> Result<Savepoint> {
        if !self.batch.open {
            return Err(Fail::BATCH.into());
        }
        if !self.batch.started {
            return Ok(Savepoint { page: NO_PAGE, at: 0 });
        }
        if self.head == NO_PAGE {
            self.make_room(0);
        }
        let savepoint = Savepoint { page: self.head, at: self.tail };
        self.done(savepoint)
    }

    /// Takes back what the open batch wrote since a savepoint: each key gets the value again that it had then.
    ///
    /// Costs a record for each one taken back; when they find no room the answer is [`Error::Full`](super::Error::Full), and the batch can
    /// only be rolled back.
    pub fn rollback_to(&mut self, savepoint: Savepoint) -> Result<()> {
        if !self.batch.open {
            return Err(Fail::BATCH.into());
        }
        if savepoint.page == NO_PAGE {
            let given_up = self.rollback();
            return self.begin().and(given_up);
        }
        let Savepoint { mut page, mut at } = savepoint;
        let (newest, end) = (self.table.newest(), if self.head == NO_PAGE { F::PAGE } else { self.tail });
        loop {
            let stop = if page == newest { end } else { F::PAGE };
            while let Some(record) = self.sound(page, at, stop) {
                at += record.total(&self.log.geometry);
                self.take_back(&record, savepoint, (newest, end));
            }
            if page == newest {
                break;
            }
            // (Where it stands in the log may have changed: older pages go when room is made.)
            let Some(place) = self.table.place(page) else { return Err(Fail::STALE.into()) };
            (page, at) = (self.table.order(place + 1), F::FIRST);
        }
        if self.log.failed() {
            self.batch.page = NO_PAGE;
        }
        self.done(())
    }

    /// Writes what a record's key had at a savepoint. The batch's records end at a place; behind it stand what was taken back, and
    /// copies of what was not.
    fn take_back(&mut self, record: &Record, savepoint: Savepoint, (last, end): (u16, u32)) {
        if !record.pending() || record.kind == Kind::Commit {
            return;
        }
        let mut buf = [0; KEY_MAX];
        self.log.cur = *record;
        let key = self.log.name(&mut buf);
        let Some(newest) = self.newest(key) else { return };
        let copied = (self.table.place(newest.page), newest.at()) >= (self.table.place(last), end);
        if !newest.is(record) && !copied || self.log.failed() {
            // A later record of the same key will be taken back.
            return;
        }
        let Some(before) = self.find_as_of(key, savepoint) else {
            return self.write(Kind::Deleted, &[key, &[], &[]]);
        };
        self.make_room(before.total(&self.log.geometry));
        // That may have moved it.
        if let Some(before) = self.find_as_of(key, savepoint) {
            self.carry(&before, true, key);
        }
    }

    /// The newest record of a key that the batch wrote before a savepoint, or else the newest that it did not write; none if that
    /// is a tombstone.
    fn find_as_of(&mut self, key: &[u8], savepoint: Savepoint) -> Option<Record> {
        let (Some(last), Some(first)) = (self.table.place(savepoint.page), self.table.place(self.batch.page)) else {
            self.log.fail(Fail::STALE);
            return None;
        };
        let mut found = None;
        for place in first..=last {
            let page = self.table.order(place);
            let mut at = if place == first { self.batch.at } else { F::FIRST };
            let end = if place == last { savepoint.at } else { F::PAGE };
            while let Some(record) = self.sound(page, at, end) {
                at += record.total(&self.log.geometry);
                if record.pending() && self.log.keyed(&record, key) {
                    found = Some(record);
                }
            }
        }
        if found.is_none() && self.find_committed(&Name::key(key)).is_some() {
            found = Some(self.log.cur);
        }
        found.filter(|found| found.kind != Kind::Deleted)
    }

    /// Opens a batch that is given up when it is dropped without [`Batch::commit`].
    pub fn batch(&mut self) -> Result<Batch<'_, Self>> {
        self.begin()?;
        Ok(Batch { db: self })
    }
}

/// What a [`Batch`] needs of a store.
pub trait Rollback {
    /// Gives the open batch up, whatever happens.
    fn give_up(&mut self);
    /// Gives the long value up that is being written.
    fn abandon(&mut self);
}

impl<F: NorFlash> Rollback for Dbm<'_, F> {
    fn give_up(&mut self) {
        // An error of the flash here leaves the batch uncommitted all the same.
        let _ = self.rollback();
    }

    fn abandon(&mut self) {
        self.abandon_long();
    }
}

/// An open batch: reads and writes go through it as through the store itself (it dereferences to [`Dbm`]).
pub struct Batch<'a, D: Rollback> {
    db: &'a mut D,
}

#[cfg(feature = "defmt")]
impl<D: Rollback> defmt::Format for Batch<'_, D> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Batch");
    }
}

impl<F: NorFlash> Batch<'_, Dbm<'_, F>> {
    /// Makes everything in the batch count, at once.
    pub fn commit(self) -> Result<()> {
        let done = self.db.commit();
        core::mem::forget(self);
        done
    }
}

impl<D: Rollback> core::ops::Deref for Batch<'_, D> {
    type Target = D;
    fn deref(&self) -> &D {
        self.db
    }
}

impl<D: Rollback> core::ops::DerefMut for Batch<'_, D> {
    fn deref_mut(&mut self) -> &mut D {
        self.db
    }
}

impl<D: Rollback> Drop for Batch<'_, D> {
    fn drop(&mut self) {
        self.db.give_up();
    }
}
