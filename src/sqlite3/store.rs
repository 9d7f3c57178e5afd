//! What SQL asks of the store below it.
//!
//! Contract: an ordered map of bytes with transactions. It is object-safe, so that the machine is compiled once and not
//! once for each flash. Cursors are numbers: the store keeps a place for each of them, and a cursor that was never
//! sought stands before the first key. Outside of a transaction a cursor may show the map as it was when it was sought;
//! inside of one it is live: it goes on from the key it stands on, whatever was set or deleted.

use core::num::NonZeroU32;

use super::error::Error;

/// The most cursors of a store that are used.
pub const CURSORS: usize = 16;

/// Where the key and the value of an entry are in the buffer: the key from 0, the value right behind it. (In one number that is
/// never 0, so that what a step of a cursor gives comes back in registers.)
#[derive(Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Entry(NonZeroU32);

impl Entry {
    /// An entry with a key and a value of so many bytes. (No buffer is longer than 65,535.)
    #[inline]
    pub const fn new(key: u8, value: u16) -> Self {
        match NonZeroU32::new((value as u32) << 16 | 0x100 | key as u32) {
            Some(entry) => Entry(entry),
            None => Entry(NonZeroU32::MIN),
        }
    }

    /// Length of the key.
    #[inline]
    pub const fn key(self) -> usize {
        self.0.get() as u8 as usize
    }

    /// Length of the value.
    #[inline]
    pub const fn value(self) -> usize {
        (self.0.get() >> 16) as usize
    }
}

impl core::fmt::Debug for Entry {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Entry").field("key", &self.key()).field("value", &self.value()).finish()
    }
}

/// An ordered map of bytes. [`Error::needed`] says how long a buffer was needed; other errors are those of the flash.
pub trait Store {
    /// How many cursors it keeps, up to [`CURSORS`]. Cursor 0 is for look-ups while rows are read or written; the others
    /// are for statements.
    fn cursors(&self) -> usize;

    /// Reads the value of `key` into the front of `buf` and gives its length.
    ///
    /// # Errors
    /// [`ErrorKind::Limit`](super::ErrorKind::Limit) if it is longer than `buf`.
    fn get(&mut self, key: &[u8], buf: &mut [u8]) -> Result<Option<usize>, Error>;
    /// Sets the value of `key`. Outside of a transaction it is one of its own: all or nothing.
    ///
    /// # Errors
    /// [`ErrorKind::Full`](super::ErrorKind::Full).
    fn set(&mut self, key: &[u8], value: &[u8]) -> Result<(), Error>;
    /// Deletes `key`; whether it was there.
    ///
    /// # Errors
    /// [`ErrorKind::Io`](super::ErrorKind::Io).
    fn delete(&mut self, key: &[u8]) -> Result<bool, Error>;

    /// Puts a cursor between the last key smaller than `key` and the first that is not.
    ///
    /// # Errors
    /// [`ErrorKind::Io`](super::ErrorKind::Io).
    fn seek(&mut self, cursor: usize, key: &[u8]) -> Result<(), Error>;
    /// Moves a cursor over the next entry, and reads it into `buf`.
    ///
    /// # Errors
    /// [`ErrorKind::Limit`](super::ErrorKind::Limit) if the entry is longer than `buf`.
    fn next(&mut self, cursor: usize, buf: &mut [u8]) -> Result<Option<Entry>, Error>;
    /// Moves a cursor back over the previous entry, and reads its key alone into `key`; its length.
    ///
    /// # Errors
    /// [`ErrorKind::Limit`](super::ErrorKind::Limit) if the key is longer than `key`.
    fn previous_key(&mut self, cursor: usize, key: &mut [u8]) -> Result<Option<usize>, Error>;

    /// Begins a transaction. There is one at a time.
    ///
    /// # Errors
    /// [`ErrorKind::Transaction`](super::ErrorKind::Transaction) if there is one.
    fn begin(&mut self) -> Result<(), Error>;
    /// Makes all that was done since `begin` last, at once.
    ///
    /// # Errors
    /// [`ErrorKind::Io`](super::ErrorKind::Io); [`ErrorKind::Full`](super::ErrorKind::Full).
    fn commit(&mut self) -> Result<(), Error>;
    /// Undoes all that was done since `begin`.
    ///
    /// # Errors
    /// [`ErrorKind::Io`](super::ErrorKind::Io).
    fn rollback(&mut self) -> Result<(), Error>;
    /// Whether a transaction is open.
    fn in_transaction(&self) -> bool;
    /// A place in the transaction, to come back to.
    ///
    /// # Errors
    /// [`ErrorKind::Io`](super::ErrorKind::Io).
    fn savepoint(&mut self) -> Result<Savepoint, Error>;
    /// Undoes what was done in the transaction since the savepoint.
    ///
    /// # Errors
    /// [`ErrorKind::Io`](super::ErrorKind::Io).
    fn rollback_to(&mut self, savepoint: Savepoint) -> Result<(), Error>;
}

/// A place in a transaction. What it means is the store's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Savepoint(pub [u32; 4]);
