//! Copies of all tables, in steps.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::connection::Connection;
use super::error::{ErrorKind, Result};
use super::schema::KEY;
use super::store::Store;
use super::vm::OWN_CURSOR;

/// A backup on its way into another store. (Python: `Connection.backup`.)
pub struct Backup<'t> {
    target: &'t mut dyn Store,
    /// The last key that was copied.
    key: [u8; KEY + 1],
    len: usize,
    /// The connection's count of writes when it began.
    writes: u32,
}

#[cfg(feature = "defmt")]
impl defmt::Format for Backup<'_> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Backup");
    }
}

impl Connection<'_> {
    /// Begins a copy of all tables into an empty store, in one transaction there.
    ///
    /// # Errors
    /// [`ErrorKind::Transaction`] if one is open there.
    pub fn backup<'t>(&self, target: &'t mut dyn Store) -> Result<Backup<'t>> {
        target.begin()?;
        Ok(Backup { target, key: [0; KEY + 1], len: 0, writes: self.base.session.writes })
    }
}

impl Backup<'_> {
    /// Copies so many entries more; `false` when all are there, and will last.
    ///
    /// # Errors
    /// [`ErrorKind::Busy`] if the tables were changed since the backup began; [`ErrorKind::Full`];
    /// [`ErrorKind::Limit`] if an entry is longer than the connection's memory.
    pub fn step(&mut self, connection: &mut Connection<'_>, entries: usize) -> Result<bool> {
        if connection.base.session.writes != self.writes {
            return Err(ErrorKind::Busy.at(0));
        }
        // The smallest key behind the last one is that with a zero more.
        let from = if self.len == 0 { 0 } else { self.len + 1 };
        connection.base.store.seek(OWN_CURSOR, self.key.get(..from).unwrap_or_default())?;
        for _ in 0..entries {
            let Some(entry) = connection.base.store.next(OWN_CURSOR, connection.own.memory)? else {
                self.target.commit()?;
                return Ok(false);
            };
            let copied = connection.own.memory.get(..entry.key() + entry.value()).unwrap_or_default();
            let Some((key, value)) = copied.split_at_checked(entry.key()) else {
                return Err(ErrorKind::Internal.at(0));
            };
            self.target.set(key, value)?;
            match self.key.get_mut(..key.len()) {
                Some(place) if key.len() <= KEY => place.copy_from_slice(key),
                _ => return Err(ErrorKind::Corrupt.at(0)),
            }
            self.len = key.len();
            if let Some(zero) = self.key.get_mut(self.len) {
                *zero = 0;
            }
        }
        Ok(true)
    }
}

impl Drop for Backup<'_> {
    fn drop(&mut self) {
        // What was copied in part counts for nothing; an error shows when the target is used.
        if self.target.in_transaction() {
            let _ = self.target.rollback();
        }
    }
}
