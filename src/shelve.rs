//! Python's shelve: a dict of typed values that lives in flash.
//!
//! A [`Shelf`] is a [`Dbm`] and a codec. Keys are str; a value is any type with serde, an untyped
//! [`Object`], or a class of a copyreg table. The codec is a type: [`Pickle`] unless said otherwise, [`Marshal`] or
//! [`Postcard`] when chosen, and what is not chosen is not linked. With pickle, the keys and values in the flash are those
//! of Python's own `shelve.Shelf`.
//!
//! Every change is in the flash when the call returns, and a power cut leaves it done or not done, never half. Several keys
//! change at once through [`Shelf::batch`] or [`Shelf::update`]. The exception is [`Shelf::modify`] on a shelf with
//! write-back ([`Shelf::writeback`]): such changes wait in lent memory for [`Shelf::sync`].
//!
//! Memory, all lent: `buf` takes one encoded value with its key; `slots` takes the structure of one decoded value (pickle
//! and marshal; postcard needs none).
//!
//! ```
//! use larder::dbm::{self, Flag};
//! use larder::flash::SimFlash;
//! use larder::object::Slot;
//! use larder::shelve::Shelf;
//!
//! let (mut bytes, mut words, mut wear) = ([0; 4096], [0; 128], [0; 8]);
//! let flash = SimFlash::<4, 512>::new(&mut bytes, &mut words, &mut wear)?;
//! let (mut memory, mut buf, mut slots) = ([0; 512], [0; 64], [Slot::EMPTY; 16]);
//! let mut shelf = Shelf::new(dbm::open(flash, Flag::Create, &mut memory)?, &mut buf, &mut slots);
//!
//! let boots = shelf.get::<u32>("boots")?.unwrap_or(0) + 1;
//! shelf.set("boots", &boots)?;
//! shelf.set("limits", &(-40, 85.5))?;
//! assert_eq!(shelf.get("limits")?, Some((-40, 85.5)));
//!
//! let mut keys = shelf.keys();
//! while let Some(key) = keys.next()? { /* "boots", then "limits" */ }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::arithmetic_side_effects)]

mod batch;
mod cache;
mod codec;
mod error;
mod items;

pub use batch::Batch;
#[cfg(feature = "marshal")]
pub use codec::Marshal;
pub use codec::Pickle;
#[cfg(feature = "postcard")]
pub use codec::Postcard;
pub use codec::{Codec, Objects};
pub use error::{Error, Result};
pub use items::{Items, Keys, Values};

use embedded_storage::nor_flash::NorFlash;
#[cfg(feature = "serde")]
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::dbm::Dbm;
use crate::object::{Object, Slot};
use cache::Cache;

/// A dict of typed values in a [`Dbm`] on the flash `F`.
pub struct Shelf<'a, F: NorFlash, C: Codec = Pickle> {
    db: Dbm<'a, F>,
    codec: C,
    /// Takes an encoded value.
    buf: &'a mut [u8],
    slots: &'a mut [Slot],
    cache: Cache<'a>,
}

#[cfg(feature = "defmt")]
impl<F: NorFlash, C: Codec> defmt::Format for Shelf<'_, F, C> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Shelf");
    }
}

impl<'a, F: NorFlash> Shelf<'a, F> {
    /// A shelf of pickles of protocol 4 without classes: `shelve.Shelf(dict)`.
    pub fn new(db: Dbm<'a, F>, buf: &'a mut [u8], slots: &'a mut [Slot]) -> Self {
        Shelf::with(Pickle::new(), db, buf, slots)
    }
}

impl<'a, F: NorFlash, C: Codec> Shelf<'a, F, C> {
    /// A shelf with this codec. Postcard needs no slots.
    pub fn with(codec: C, db: Dbm<'a, F>, buf: &'a mut [u8], slots: &'a mut [Slot]) -> Self {
        Shelf { db, codec, buf, slots, cache: Cache::new(&mut []) }
    }

    /// Lends memory in which values wait: what [`Self::modify`] changes is written by [`Self::sync`] (or when the memory is
    /// full), all at once and once for many changes. Values that were read are kept there too. Python: `writeback=True`.
    ///
    /// An entry takes 7 bytes, its key and its encoded value.
    pub fn writeback(mut self, memory: &'a mut [u8]) -> Self {
        self.cache = Cache::new(memory);
        self
    }

    /// The store beneath. What waits in a write-back cache is not in it before [`Self::sync`].
    pub fn dbm(&mut self) -> &mut Dbm<'a, F> {
        &mut self.db
    }

    /// The value of `key`; none when it is not there. Python: `shelf.get(key)`.
    #[cfg(feature = "serde")]
    pub fn get<'b, T: Deserialize<'b>>(&'b mut self, key: &str) -> Result<Option<T>> {
        let Some(bytes) = fetch(&mut self.db, &mut self.cache, self.buf, key)? else { return Ok(None) };
        self.codec.loads(bytes, self.slots).map(Some)
    }

    /// The value of `key` as it is, untyped; none when it is not there.
    pub fn get_object<'b>(&'b mut self, key: &str) -> Result<Option<Object<'b>>>
    where
        C: Objects,
    {
        let Some(bytes) = fetch(&mut self.db, &mut self.cache, self.buf, key)? else { return Ok(None) };
        self.codec.load_object(bytes, self.slots).map(Some)
    }

    /// Sets `key` to `value`: in the flash when it returns. Python: `shelf[key] = value`.
    #[cfg(feature = "serde")]
    pub fn set<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) -> Result<()> {
        let bytes = self.codec.dumps(value, self.buf)?;
        store(&mut self.db, &mut self.cache, key, bytes)
    }

    /// Sets `key` to an object, which may come from a pickle or from another shelf.
    pub fn set_object(&mut self, key: &str, value: &Object<'_>) -> Result<()>
    where
        C: Objects,
    {
        let bytes = self.codec.dump_object(value, self.buf, self.slots)?;
        store(&mut self.db, &mut self.cache, key, bytes)
    }

    /// Deletes `key`; false when it was not there. Python: `del shelf[key]`, which raises `KeyError` for false.
    pub fn delete(&mut self, key: &str) -> Result<bool> {
        let was = self.db.delete(key.as_bytes())?;
        self.cache.remove(key.as_bytes());
        Ok(was)
    }

    /// Whether there is a value for `key`. Python: `key in shelf`.
    pub fn contains(&mut self, key: &str) -> Result<bool> {
        Ok(self.db.contains(key.as_bytes())?)
    }

    /// How many keys there are; costs a walk over all. Python: `len(shelf)`.
    pub fn len(&mut self) -> Result<usize> {
        let (mut keys, mut count) = (self.keys(), 0usize);
        while keys.next()?.is_some() {
            count = count.saturating_add(1);
        }
        Ok(count)
    }

    /// Whether there is no key. Python: `not shelf`.
    pub fn is_empty(&mut self) -> Result<bool> {
        Ok(self.keys().next()?.is_none())
    }

    /// The value of `key`, which is `default` from now on if there was none. Python: `shelf.setdefault(key, default)`.
    #[cfg(feature = "serde")]
    pub fn setdefault<'b, T: Serialize + Deserialize<'b>>(&'b mut self, key: &str, default: T) -> Result<T> {
        if !self.contains(key)? {
            self.set(key, &default)?;
            return Ok(default);
        }
        Ok(self.get(key)?.unwrap_or(default))
    }

    /// Deletes `key` and gives the value it had; none when it was not there. Python: `shelf.pop(key, None)`.
    ///
    /// A value that is not a `T` is an error, and stays.
    #[cfg(feature = "serde")]
    pub fn pop<T: DeserializeOwned>(&mut self, key: &str) -> Result<Option<T>> {
        let value = self.get(key)?;
        if value.is_some() {
            self.delete(key)?;
        }
        Ok(value)
    }

    /// Sets all of these, all at once or none. Python: `shelf.update(items)`.
    #[cfg(feature = "serde")]
    pub fn update<'v, K, T>(&mut self, items: impl IntoIterator<Item = (K, &'v T)>) -> Result<()>
    where
        K: AsRef<str>,
        T: Serialize + ?Sized + 'v,
    {
        let mut batch = self.batch()?;
        for (key, value) in items {
            batch.set(key.as_ref(), value)?;
        }
        batch.commit()
    }

    /// Changes the value of `key` in place; false when it is not there, and `change` is then not called.
    ///
    /// With write-back the changed value waits in lent memory; without, it is in the flash when this returns. A value that
    /// encodes as before is not written at all. Python: `shelf[key].append(x)` with `writeback=True`.
    #[cfg(feature = "serde")]
    pub fn modify<T: Serialize + DeserializeOwned>(&mut self, key: &str, change: impl FnOnce(&mut T)) -> Result<bool> {
        let Shelf { db, codec, buf, slots, cache } = self;
        let name = key.as_bytes();
        // What was encoded stays at the start of `buf`, to be compared; the new encoding goes behind it if it can.
        let old = fetch(db, cache, buf, key)?.map(|bytes| (bytes.len(), codec.loads::<T>(bytes, slots)));
        let Some((length, value)) = old else { return Ok(false) };
        let mut value = value?;
        change(&mut value);
        if !cache.on() {
            let (before, room) = buf.split_at_mut_checked(length).unwrap_or_default();
            match codec.dumps(&value, room) {
                Ok(bytes) if bytes == before => return Ok(true),
                Ok(bytes) => db.set(name, bytes)?,
                Err(_) => db.set(name, codec.dumps(&value, buf)?)?,
            }
            return Ok(true);
        }
        let bytes = codec.dumps(&value, buf)?;
        if cache.get(name).is_some_and(|(before, _)| before == bytes) {
            return Ok(true);
        }
        if !cache.put(name, bytes, true) {
            write_changed(db, cache)?;
            if !cache.put(name, bytes, true) {
                db.set(name, bytes)?;
            }
        }
        Ok(true)
    }

    /// Begins a batch: changes that happen together, or not at all.
    pub fn batch(&mut self) -> Result<Batch<'_, 'a, F, C>> {
        Batch::new(self)
    }

    /// The keys in order. Python: `shelf.keys()`.
    pub fn keys(&mut self) -> Keys<'_, 'a, F, C> {
        Keys(self.walk())
    }

    /// The values in the order of their keys. Python: `shelf.values()`.
    pub fn values(&mut self) -> Values<'_, 'a, F, C> {
        Values(self.walk())
    }

    /// Keys and values in the order of the keys. Python: `shelf.items()`.
    pub fn items(&mut self) -> Items<'_, 'a, F, C> {
        Items(self.walk())
    }

    /// Writes what waits in the write-back cache, all at once. Python: `shelf.sync()`.
    pub fn sync(&mut self) -> Result<()> {
        write_changed(&mut self.db, &mut self.cache)?;
        Ok(self.db.sync()?)
    }

    /// Writes what waits, and gives the flash back. A shelf that is dropped instead forgets what waits. Python:
    /// `shelf.close()`.
    pub fn close(mut self) -> Result<F> {
        self.sync()?;
        Ok(self.db.close()?)
    }
}

/// The encoded value of `key`, from the cache or the store.
fn fetch<'b, F: NorFlash>(
    db: &mut Dbm<'_, F>,
    cache: &'b mut Cache<'_>,
    buf: &'b mut [u8],
    key: &str,
) -> Result<Option<&'b [u8]>> {
    let name = key.as_bytes();
    if cache.get(name).is_none() {
        let value = db.get(name, buf)?;
        // What a batch sees may never come true.
        if let Some(value) = value.filter(|_| !db.in_batch()) {
            cache.put(name, value, false);
        }
        return Ok(value);
    }
    Ok(cache.get(name).map(|(value, _)| value))
}

/// Writes the encoded value of `key`; a copy that the cache holds is no longer true.
fn store<F: NorFlash>(db: &mut Dbm<'_, F>, cache: &mut Cache<'_>, key: &str, bytes: &[u8]) -> Result<()> {
    db.set(key.as_bytes(), bytes)?;
    cache.remove(key.as_bytes());
    Ok(())
}

/// Writes what is changed in the cache, all at once.
fn write_changed<F: NorFlash>(db: &mut Dbm<'_, F>, cache: &mut Cache<'_>) -> Result<()> {
    if cache.next_changed(0).is_none() {
        return Ok(());
    }
    let mut batch = db.batch()?;
    let mut at = 0;
    while let Some((key, value, next)) = cache.next_changed(at) {
        batch.set(key, value)?;
        at = next;
    }
    batch.commit()?;
    cache.all_written();
    Ok(())
}
