//! What SQL asks of the store below it.
//!
//! Contract: an ordered map of bytes with transactions. It is object-safe, so that the machine is compiled once and not
//! once for each flash. Cursors are numbers: the store keeps a place for each of them, and a cursor that was never
//! sought stands before the first key. Outside of a transaction a cursor may show the map as it was when it was sought;
//! inside of one it is live: it goes on from the key it stands on, whatever was set or deleted.

use embedded_storage::nor_flash::NorFlash;

use super::error::ErrorKind;
use crate::dbm::{self, Dbm};

/// The most cursors of a store that are used.
pub const CURSORS: usize = 16;

/// Where the key and the value of an entry are in the buffer: the key from 0, the value right behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Entry {
    /// Length of the key.
    pub key: usize,
    /// Length of the value.
    pub value: usize,
}

/// An ordered map of bytes. `ErrorKind::Limit` says how long a buffer was needed; other errors are those of the flash.
pub trait Store {
    /// How many cursors it keeps, up to [`CURSORS`]. Cursor 0 is for look-ups while rows are read or written; the others
    /// are for statements.
    fn cursors(&self) -> usize;

    /// Reads the value of `key` into the front of `buf` and gives its length.
    ///
    /// # Errors
    /// [`ErrorKind::Limit`] if it is longer than `buf`.
    fn get(&mut self, key: &[u8], buf: &mut [u8]) -> Result<Option<usize>, ErrorKind>;
    /// Sets the value of `key`.
    ///
    /// # Errors
    /// [`ErrorKind::Full`].
    fn set(&mut self, key: &[u8], value: &[u8]) -> Result<(), ErrorKind>;
    /// Deletes `key`; whether it was there.
    ///
    /// # Errors
    /// [`ErrorKind::Io`].
    fn delete(&mut self, key: &[u8]) -> Result<bool, ErrorKind>;

    /// Puts a cursor between the last key smaller than `key` and the first that is not.
    ///
    /// # Errors
    /// [`ErrorKind::Io`].
    fn seek(&mut self, cursor: usize, key: &[u8]) -> Result<(), ErrorKind>;
    /// Moves a cursor over the next entry, and reads it into `buf`.
    ///
    /// # Errors
    /// [`ErrorKind::Limit`] if the entry is longer than `buf`.
    fn next(&mut self, cursor: usize, buf: &mut [u8]) -> Result<Option<Entry>, ErrorKind>;
    /// Moves a cursor back over the previous entry, and reads it into `buf`.
    ///
    /// # Errors
    /// [`ErrorKind::Limit`] if the entry is longer than `buf`.
    fn previous(&mut self, cursor: usize, buf: &mut [u8]) -> Result<Option<Entry>, ErrorKind>;

    /// Moves a cursor back over the previous entry, and reads its key alone into `key`; its length.
    ///
    /// # Errors
    /// [`ErrorKind::Limit`] if the key is longer than `key`.
    fn previous_key(&mut self, cursor: usize, key: &mut [u8]) -> Result<Option<usize>, ErrorKind>;

    /// Begins a transaction. There is one at a time.
    ///
    /// # Errors
    /// [`ErrorKind::Transaction`] if there is one.
    fn begin(&mut self) -> Result<(), ErrorKind>;
    /// Makes all that was done since `begin` last, at once.
    ///
    /// # Errors
    /// [`ErrorKind::Io`]; [`ErrorKind::Full`].
    fn commit(&mut self) -> Result<(), ErrorKind>;
    /// Undoes all that was done since `begin`.
    ///
    /// # Errors
    /// [`ErrorKind::Io`].
    fn rollback(&mut self) -> Result<(), ErrorKind>;
    /// Whether a transaction is open.
    fn in_transaction(&self) -> bool;
    /// A place in the transaction, to come back to.
    ///
    /// # Errors
    /// [`ErrorKind::Io`].
    fn savepoint(&mut self) -> Result<Savepoint, ErrorKind>;
    /// Undoes what was done in the transaction since the savepoint.
    ///
    /// # Errors
    /// [`ErrorKind::Io`].
    fn rollback_to(&mut self, savepoint: Savepoint) -> Result<(), ErrorKind>;
}

/// A place in a transaction. What it means is the store's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Savepoint {
    /// Nowhere.
    #[default]
    None,
    /// A number that the store gave.
    Number(u32),
    /// A moment of a dbm's batch.
    Dbm(dbm::Savepoint),
}

/// The store on flash: a [`Dbm`] with its cursors.
pub struct DbmStore<'m, F> {
    db: Dbm<'m, F>,
    cursors: &'m mut [dbm::Cursor],
}

impl<'m, F: NorFlash> DbmStore<'m, F> {
    /// A store over an open [`Dbm`]. One cursor is the store's own; a statement takes one more for each table that it has
    /// open at once. `[db.cursor(); 4]` makes some.
    pub fn new(db: Dbm<'m, F>, cursors: &'m mut [dbm::Cursor]) -> Self {
        DbmStore { db, cursors }
    }

    /// Gives the [`Dbm`] back.
    pub fn into_inner(self) -> Dbm<'m, F> {
        self.db
    }

    /// The [`Dbm`], for its counters and its steps of compaction.
    pub fn dbm(&mut self) -> &mut Dbm<'m, F> {
        &mut self.db
    }
}

/// What an error of the dbm is for SQL.
fn kind(error: dbm::Error) -> ErrorKind {
    match error {
        dbm::Error::BufferTooSmall { needed } => ErrorKind::Limit { needed },
        dbm::Error::Full => ErrorKind::Full,
        dbm::Error::KeyTooLong { .. } | dbm::Error::ValueTooLong { .. } => ErrorKind::TooBig,
        dbm::Error::Corrupt { .. } => ErrorKind::Corrupt,
        dbm::Error::ReadOnly => ErrorKind::Misuse,
        dbm::Error::Batch => ErrorKind::Transaction,
        dbm::Error::Stale => ErrorKind::Busy,
        _ => ErrorKind::Io,
    }
}

impl<F: NorFlash> Store for DbmStore<'_, F> {
    fn cursors(&self) -> usize {
        self.cursors.len()
    }
    fn get(&mut self, key: &[u8], buf: &mut [u8]) -> Result<Option<usize>, ErrorKind> {
        Ok(self.db.get(key, buf).map_err(kind)?.map(|value| value.len()))
    }
    fn set(&mut self, key: &[u8], value: &[u8]) -> Result<(), ErrorKind> {
        self.db.set(key, value).map_err(kind)
    }
    fn delete(&mut self, key: &[u8]) -> Result<bool, ErrorKind> {
        self.db.delete(key).map_err(kind)
    }
    fn seek(&mut self, cursor: usize, key: &[u8]) -> Result<(), ErrorKind> {
        let cursor = self.cursors.get_mut(cursor).ok_or(ErrorKind::Misuse)?;
        self.db.seek(cursor, key).map_err(kind)
    }
    fn next(&mut self, cursor: usize, buf: &mut [u8]) -> Result<Option<Entry>, ErrorKind> {
        let cursor = self.cursors.get_mut(cursor).ok_or(ErrorKind::Misuse)?;
        let entry = self.db.next(cursor, buf).map_err(kind)?;
        Ok(entry.map(|entry| Entry { key: entry.key.len(), value: entry.value.len() }))
    }
    fn previous(&mut self, cursor: usize, buf: &mut [u8]) -> Result<Option<Entry>, ErrorKind> {
        let cursor = self.cursors.get_mut(cursor).ok_or(ErrorKind::Misuse)?;
        let entry = self.db.previous(cursor, buf).map_err(kind)?;
        Ok(entry.map(|entry| Entry { key: entry.key.len(), value: entry.value.len() }))
    }
    fn previous_key(&mut self, cursor: usize, key: &mut [u8]) -> Result<Option<usize>, ErrorKind> {
        let cursor = self.cursors.get_mut(cursor).ok_or(ErrorKind::Misuse)?;
        Ok(self.db.previous_key(cursor, key).map_err(kind)?.map(|key| key.len()))
    }
    fn begin(&mut self) -> Result<(), ErrorKind> {
        self.db.begin().map_err(kind)
    }
    fn commit(&mut self) -> Result<(), ErrorKind> {
        self.db.commit().map_err(kind)
    }
    fn rollback(&mut self) -> Result<(), ErrorKind> {
        self.db.rollback().map_err(kind)
    }
    fn in_transaction(&self) -> bool {
        self.db.in_batch()
    }
    fn savepoint(&mut self) -> Result<Savepoint, ErrorKind> {
        self.db.savepoint().map(Savepoint::Dbm).map_err(kind)
    }
    fn rollback_to(&mut self, savepoint: Savepoint) -> Result<(), ErrorKind> {
        match savepoint {
            Savepoint::Dbm(savepoint) => self.db.rollback_to(savepoint).map_err(kind),
            _ => Err(ErrorKind::Misuse),
        }
    }
}
