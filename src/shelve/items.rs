//! Walks over a shelf in the order of its keys.
//!
//! A walk lends what it finds from the shelf's own buffers until the next step, so it is driven by `while let`, not `for`.

use embedded_storage::nor_flash::NorFlash;
#[cfg(feature = "serde")]
use serde::Deserialize;

use super::{Codec, Error, Objects, Result, Shelf};
use crate::dbm::Cursor;
use crate::object::{Object, Slot};

/// Where a walk is, and which keys it visits.
pub(super) struct Walk<'s, 'a, F: NorFlash, C: Codec> {
    shelf: &'s mut Shelf<'a, F, C>,
    prefix: &'s str,
    /// None before the first step.
    cursor: Option<Cursor>,
}

impl<'a, F: NorFlash, C: Codec> Shelf<'a, F, C> {
    pub(super) fn walk(&mut self) -> Walk<'_, 'a, F, C> {
        Walk { shelf: self, prefix: "", cursor: None }
    }
}

/// A key and its encoded value, and what it takes to decode it.
struct Found<'n, C> {
    key: &'n str,
    value: &'n [u8],
    codec: &'n C,
    slots: &'n mut [Slot],
}

impl<F: NorFlash, C: Codec> Walk<'_, '_, F, C> {
    fn next(&mut self) -> Result<Option<Found<'_, C>>> {
        let Shelf { db, codec, buf, slots, cache } = &mut *self.shelf;
        let cursor = match &mut self.cursor {
            Some(cursor) => cursor,
            None => {
                let mut cursor = db.cursor();
                db.seek(&mut cursor, self.prefix.as_bytes())?;
                self.cursor.insert(cursor)
            }
        };
        let Some(entry) = db.next(cursor, buf)? else { return Ok(None) };
        if !entry.key.starts_with(self.prefix.as_bytes()) {
            return Ok(None);
        }
        let key = core::str::from_utf8(entry.key).map_err(|_| Error::NotText)?;
        // What waits in the cache is newer.
        let value = cache.get(entry.key).map_or(entry.value, |(value, _)| value);
        Ok(Some(Found { key, value, codec, slots }))
    }
}

/// The keys of a shelf in order; see [`Shelf::keys`].
pub struct Keys<'s, 'a, F: NorFlash, C: Codec>(pub(super) Walk<'s, 'a, F, C>);

#[cfg(feature = "defmt")]
impl<F: NorFlash, C: Codec> defmt::Format for Keys<'_, '_, F, C> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Keys");
    }
}

/// The values of a shelf in the order of their keys; see [`Shelf::values`].
pub struct Values<'s, 'a, F: NorFlash, C: Codec>(pub(super) Walk<'s, 'a, F, C>);

#[cfg(feature = "defmt")]
impl<F: NorFlash, C: Codec> defmt::Format for Values<'_, '_, F, C> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Values");
    }
}

/// The keys and values of a shelf in the order of the keys; see [`Shelf::items`].
pub struct Items<'s, 'a, F: NorFlash, C: Codec>(pub(super) Walk<'s, 'a, F, C>);

#[cfg(feature = "defmt")]
impl<F: NorFlash, C: Codec> defmt::Format for Items<'_, '_, F, C> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Items");
    }
}

impl<'s, F: NorFlash, C: Codec> Keys<'s, '_, F, C> {
    /// Only keys that start with `prefix`. To be said before the first step.
    pub fn prefix(mut self, prefix: &'s str) -> Self {
        self.0.prefix = prefix;
        self
    }

    /// The next key; none after the last.
    #[expect(clippy::should_implement_trait, reason = "an Iterator cannot lend")]
    pub fn next(&mut self) -> Result<Option<&str>> {
        Ok(self.0.next()?.map(|found| found.key))
    }
}

impl<'s, F: NorFlash, C: Codec> Values<'s, '_, F, C> {
    /// Only values of keys that start with `prefix`. To be said before the first step.
    pub fn prefix(mut self, prefix: &'s str) -> Self {
        self.0.prefix = prefix;
        self
    }

    /// The next value; none after the last. Each may be asked for as another type.
    #[cfg(feature = "serde")]
    pub fn next<'n, T: Deserialize<'n>>(&'n mut self) -> Result<Option<T>> {
        let Some(found) = self.0.next()? else { return Ok(None) };
        found.codec.loads(found.value, found.slots).map(Some)
    }

    /// The next value as it is, untyped.
    pub fn next_object(&mut self) -> Result<Option<Object<'_>>>
    where
        C: Objects,
    {
        let Some(found) = self.0.next()? else { return Ok(None) };
        found.codec.load_object(found.value, found.slots).map(Some)
    }
}

impl<'s, F: NorFlash, C: Codec> Items<'s, '_, F, C> {
    /// Only keys that start with `prefix`. To be said before the first step.
    pub fn prefix(mut self, prefix: &'s str) -> Self {
        self.0.prefix = prefix;
        self
    }

    /// The next key and its value; none after the last. Each value may be asked for as another type.
    #[cfg(feature = "serde")]
    pub fn next<'n, T: Deserialize<'n>>(&'n mut self) -> Result<Option<(&'n str, T)>> {
        let Some(found) = self.0.next()? else { return Ok(None) };
        Ok(Some((found.key, found.codec.loads(found.value, found.slots)?)))
    }

    /// The next key and its value as it is, untyped.
    pub fn next_object(&mut self) -> Result<Option<(&str, Object<'_>)>>
    where
        C: Objects,
    {
        let Some(found) = self.0.next()? else { return Ok(None) };
        Ok(Some((found.key, found.codec.load_object(found.value, found.slots)?)))
    }
}
