//! Several changes at once.

use embedded_storage::nor_flash::NorFlash;
#[cfg(feature = "serde")]
use serde::{Deserialize, Serialize};

use super::{Codec, Objects, Result, Shelf};
use crate::object::Object;

/// Changes that happen together at [`Batch::commit`], or not at all: a batch that is dropped leaves no trace, nor does one
/// that a power cut interrupts.
///
/// Reading inside sees the changes made so far.
pub struct Batch<'s, 'a, F: NorFlash, C: Codec> {
    shelf: &'s mut Shelf<'a, F, C>,
}

#[cfg(feature = "defmt")]
impl<F: NorFlash, C: Codec> defmt::Format for Batch<'_, '_, F, C> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Batch");
    }
}

impl<'s, 'a, F: NorFlash, C: Codec> Batch<'s, 'a, F, C> {
    pub(super) fn new(shelf: &'s mut Shelf<'a, F, C>) -> Result<Self> {
        // What waits in the cache is written first, and nothing is held: a batch that is thrown away must leave no trace.
        shelf.sync()?;
        shelf.cache.clear();
        shelf.db.begin()?;
        Ok(Batch { shelf })
    }

    /// As [`Shelf::set`].
    #[cfg(feature = "serde")]
    pub fn set<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) -> Result<()> {
        self.shelf.set(key, value)
    }

    /// As [`Shelf::get`].
    #[cfg(feature = "serde")]
    pub fn get<'b, T: Deserialize<'b>>(&'b mut self, key: &str) -> Result<Option<T>> {
        self.shelf.get(key)
    }

    /// As [`Shelf::set_object`].
    pub fn set_object(&mut self, key: &str, value: &Object<'_>) -> Result<()>
    where
        C: Objects,
    {
        self.shelf.set_object(key, value)
    }

    /// As [`Shelf::get_object`].
    pub fn get_object(&mut self, key: &str) -> Result<Option<Object<'_>>>
    where
        C: Objects,
    {
        self.shelf.get_object(key)
    }

    /// As [`Shelf::contains`].
    pub fn contains(&mut self, key: &str) -> Result<bool> {
        self.shelf.contains(key)
    }

    /// As [`Shelf::delete`].
    pub fn delete(&mut self, key: &str) -> Result<bool> {
        self.shelf.delete(key)
    }

    /// Makes the changes, all at once.
    pub fn commit(self) -> Result<()> {
        // If this fails, `drop` rolls back.
        self.shelf.db.commit().map_err(Into::into)
    }
}

impl<F: NorFlash, C: Codec> Drop for Batch<'_, '_, F, C> {
    fn drop(&mut self) {
        if self.shelf.db.in_batch() {
            // Nothing of the batch counts without a commit, whether or not this succeeds.
            let _ = self.shelf.db.rollback();
        }
    }
}
