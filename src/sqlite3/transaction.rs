//! [`Transaction`]: what is undone unless it is committed.

use core::ops::{Deref, DerefMut};

use super::connection::Connection;
use super::error::Result;

/// A transaction that is rolled back when it is dropped, unless [`Transaction::commit`] was called.
pub struct Transaction<'c, 'a> {
    pub(super) connection: &'c mut Connection<'a>,
}

#[cfg(feature = "defmt")]
impl defmt::Format for Transaction<'_, '_> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Transaction");
    }
}

impl Transaction<'_, '_> {
    /// Makes the transaction last.
    ///
    /// # Errors
    /// As [`Connection::commit`].
    pub fn commit(self) -> Result<()> {
        self.connection.commit()
    }

    /// Undoes it.
    ///
    /// # Errors
    /// As [`Connection::rollback`].
    pub fn rollback(self) -> Result<()> {
        self.connection.rollback()
    }
}

impl<'a> Deref for Transaction<'_, 'a> {
    type Target = Connection<'a>;
    fn deref(&self) -> &Connection<'a> {
        self.connection
    }
}

impl DerefMut for Transaction<'_, '_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        self.connection
    }
}

impl Drop for Transaction<'_, '_> {
    fn drop(&mut self) {
        // After a commit there is nothing to undo. An error here shows at the next verb.
        if self.connection.in_transaction() {
            let _ = self.connection.rollback();
        }
    }
}
