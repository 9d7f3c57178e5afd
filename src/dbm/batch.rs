//! Batches: several writes, all or none of which count.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use core::cmp::Ordering;

use embedded_storage::nor_flash::NorFlash;

use super::format::{Head, KEY_MAX, Kind};
use super::index::Want;
use super::record::Record;
use super::table::State;
use super::{Dbm, Error, NO_PAGE, Pending, Result};

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
        self.writable()?;
        if self.batch.open {
            return Err(Error::Batch);
        }
        self.batch = Pending { open: true, started: false, page: NO_PAGE, at: 0, sequence: 0 };
        Ok(())
    }

    /// Whether a batch is open.
    pub fn in_batch(&self) -> bool {
        self.batch.open
    }

    /// Makes everything since [`begin`](Self::begin) count, at once.
    pub fn commit(&mut self) -> Result<()> {
        if !self.batch.open {
            return Err(Error::Batch);
        }
        if self.batch.started
            && let Err(error) = self.commit_mark()
        {
            self.rollback()?;
            return Err(error);
        }
        (self.batch.open, self.batch.started) = (false, false);
        self.keep_before = 0;
        self.write_fates()
    }

    fn commit_mark(&mut self) -> Result<()> {
        let [a, b, c, d] = self.batch.sequence.to_le_bytes();
        let over_pages = [0, 0, a, b, c, d];
        self.make_room(Head { kind: Kind::Commit, pending: true, key: 6, value: 0 }.total(&self.log.geometry))?;
        if self.batch.page == self.head {
            self.mark(true, &(self.batch.at as u16).to_le_bytes())
        } else {
            self.mark(true, &over_pages)
        }
    }

    /// Gives up everything since [`begin`](Self::begin).
    pub fn rollback(&mut self) -> Result<()> {
        if !self.batch.open {
            return Err(Error::Batch);
        }
        self.batch.open = false;
        self.keep_before = 0;
        if !core::mem::take(&mut self.batch.started) {
            return Ok(());
        }
        let done = self.give_up_batch();
        match done {
            Ok(()) => self.undo_lent(self.batch.page, self.batch.at),
            Err(_) => self.lent.forget(),
        }
        done
    }

    fn give_up_batch(&mut self) -> Result<()> {
        for place in 0..self.table.count() {
            let page = self.table.order(place);
            if self.table.state(page) == State::Open {
                self.table.set_state(page, State::Void);
            }
        }
        self.forget_live();
        self.full = u32::MAX;
        self.epoch = self.epoch.wrapping_add(1);
        if self.head != NO_PAGE {
            let tail = self.tail;
            let whole = self.log.flush().is_ok() && self.relist(tail)? && self.tail == tail;
            if !whole {
                self.give_up_head();
            }
        }
        Ok(())
    }

    /// A moment of the open batch to [go back](Self::rollback_to) to.
    pub fn savepoint(&mut self) -> Result<Savepoint> {
        if !self.batch.open {
            return Err(Error::Batch);
        }
        if !self.batch.started {
            return Ok(Savepoint { page: NO_PAGE, at: 0 });
        }
        if self.head == NO_PAGE {
            self.make_room(0)?;
        }
        self.keep_before = self.tail;
        Ok(Savepoint { page: self.head, at: self.tail })
    }

    /// Takes back what the open batch wrote since a savepoint: each key gets the value again that it had then.
    ///
    /// Costs a record for each one taken back; when they find no room the answer is [`Error::Full`], and the batch can
    /// only be rolled back.
    pub fn rollback_to(&mut self, savepoint: Savepoint) -> Result<()> {
        if !self.batch.open {
            return Err(Error::Batch);
        }
        if savepoint.page == NO_PAGE {
            self.rollback()?;
            return self.begin();
        }
        let Some(first) = self.table.place(savepoint.page) else { return Err(Error::Stale) };
        let (last, end) = (self.table.count(), self.tail);
        let closed = self.head == NO_PAGE;
        for place in first..last {
            let page = self.table.order(place);
            let mut at = if place == first { savepoint.at } else { self.log.geometry.first() };
            let stop = if place + 1 == last && !closed { end } else { self.log.geometry.page };
            while at < stop {
                let guess = self.guess;
                let Some(record) = self.log.head(page, at, guess)? else { break };
                if !self.log.verify(&record)? {
                    break;
                }
                at += record.head.total(&self.log.geometry);
                self.take_back(&record, savepoint)?;
            }
        }
        Ok(())
    }

    /// Writes what a record's key had at a savepoint.
    fn take_back(&mut self, record: &Record, savepoint: Savepoint) -> Result<()> {
        if !record.head.pending || matches!(record.head.kind, Kind::Commit | Kind::Part) {
            return Ok(());
        }
        let mut buf = [0; KEY_MAX];
        let key = self.log.key(record, &mut buf)?;
        let newest = self.find(key, Want::Newest)?;
        if newest.is_none_or(|newest| (newest.page, newest.at) != (record.page, record.at)) {
            // A later record of the same key will be, or has been, taken back.
            return Ok(());
        }
        let before = self.find(key, Want::AsOf(savepoint.page, savepoint.at))?;
        let before = before.filter(|before| before.head.kind != Kind::Deleted);
        match before {
            Some(before) => {
                self.make_room(before.head.total(&self.log.geometry))?;
                self.carry_pending(&before)
            }
            None => {
                let head = Head { kind: Kind::Deleted, pending: true, key: key.len() as u32, value: 0 };
                self.write(head, key, &[])
            }
        }
    }

    /// Whether a record of the open batch was there at a savepoint.
    pub(crate) fn was_there(&self, record: &Record, page: u16, at: u32) -> bool {
        if record.page == page {
            return record.at < at;
        }
        matches!(self.table.place(record.page).cmp(&self.table.place(page)), Ordering::Less)
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
}

impl<F: NorFlash> Rollback for Dbm<'_, F> {
    fn give_up(&mut self) {
        // An error of the flash here leaves the batch uncommitted all the same.
        let _ = self.rollback();
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
