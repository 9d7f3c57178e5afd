//! The rest of Python's verbs, ranges and prefixes: all of it in terms of `get`, `set`, `delete` and cursors.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use embedded_storage::nor_flash::NorFlash;

use super::cursor::{Cursor, Entry};
use super::format::{self, KEY_MAX};
use super::{Dbm, Error, Result};

/// The keys and values of a store, or of a part of it, in order, one at a time.
pub struct Items<'a, 'k, D> {
    db: &'a mut D,
    cursor: Cursor,
    end: End<'k>,
}

#[cfg(feature = "defmt")]
impl<D> defmt::Format for Items<'_, '_, D> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Items");
    }
}

#[derive(Clone, Copy)]
enum End<'k> {
    None,
    /// Keys from this one on are not given.
    Before(&'k [u8]),
    /// Keys that do not begin so are not given.
    Prefix(&'k [u8]),
}

impl End<'_> {
    fn is_behind(self, key: &[u8]) -> bool {
        match self {
            End::None => true,
            End::Before(end) => key < end,
            End::Prefix(prefix) => key.starts_with(prefix),
        }
    }
}

impl<F: NorFlash> Items<'_, '_, Dbm<'_, F>> {
    /// The next key and its value, at the start of `buf`; `None` at the end.
    pub fn next<'b>(&mut self, buf: &'b mut [u8]) -> Result<Option<Entry<'b>>> {
        let end = self.end;
        let next = self.db.next(&mut self.cursor, buf);
        if let Err(Error::BufferTooSmall { .. }) = next {
            // What is too large may stand behind the end.
            let (mut cursor, mut key) = (self.cursor, [0; KEY_MAX]);
            if !self.db.next_key(&mut cursor, &mut key)?.is_some_and(|key| end.is_behind(key)) {
                return Ok(None);
            }
        }
        Ok(next?.filter(|entry| end.is_behind(entry.key)))
    }
}

impl<F: NorFlash> Dbm<'_, F> {
    /// All keys and values, in order. Python: `db.items()`.
    pub fn items(&mut self) -> Items<'_, 'static, Self> {
        let cursor = self.cursor();
        Items { db: self, cursor, end: End::None }
    }

    /// The keys from `from` on, up to `to` without it, and their values, in order.
    pub fn range<'k>(&mut self, from: &[u8], to: &'k [u8]) -> Result<Items<'_, 'k, Self>> {
        let mut cursor = self.cursor();
        self.seek(&mut cursor, from)?;
        Ok(Items { db: self, cursor, end: End::Before(to) })
    }

    /// The keys that begin with `prefix`, and their values, in order.
    pub fn prefix<'k>(&mut self, prefix: &'k [u8]) -> Result<Items<'_, 'k, Self>> {
        let mut cursor = self.cursor();
        self.seek(&mut cursor, prefix)?;
        Ok(Items { db: self, cursor, end: End::Prefix(prefix) })
    }

    /// How many keys there are. Counts them: nothing keeps count. Python: `len(db)`.
    pub fn len(&mut self) -> Result<usize> {
        let (mut cursor, mut count) = (self.cursor(), 0);
        while self.advance(&mut cursor, true) {
            count += 1;
        }
        self.done(count)
    }

    /// Whether there is no key. Python: `not db`.
    pub fn is_empty(&mut self) -> Result<bool> {
        let mut cursor = self.cursor();
        let some = self.advance(&mut cursor, true);
        self.done(!some)
    }

    /// The first key and its value.
    pub fn first<'b>(&mut self, buf: &'b mut [u8]) -> Result<Option<Entry<'b>>> {
        let mut cursor = self.cursor();
        self.next(&mut cursor, buf)
    }

    /// The last key and its value.
    pub fn last<'b>(&mut self, buf: &'b mut [u8]) -> Result<Option<Entry<'b>>> {
        let mut cursor = self.cursor();
        self.seek_last(&mut cursor);
        self.previous(&mut cursor, buf)
    }

    /// The first key. Python: `db.firstkey()`.
    pub fn firstkey<'b>(&mut self, buf: &'b mut [u8]) -> Result<Option<&'b [u8]>> {
        let mut cursor = self.cursor();
        self.next_key(&mut cursor, buf)
    }

    /// The key after `key`, which need not be there. Python: `db.nextkey(key)`.
    pub fn nextkey<'b>(&mut self, key: &[u8], buf: &'b mut [u8]) -> Result<Option<&'b [u8]>> {
        let mut cursor = self.cursor();
        self.seek(&mut cursor, key)?;
        let found = self.advance(&mut cursor, true);
        if found && self.log.order(key) == 0 {
            self.done(())?;
            return self.next_key(&mut cursor, buf);
        }
        let record = self.log.cur;
        let key = if found { Some(&*self.log.key(&record, buf)) } else { None };
        self.done(key)
    }

    /// The value of a key; where there is none, the key is set to `value` first. Python: `db.setdefault(key, value)`.
    pub fn setdefault<'b>(&mut self, key: &[u8], value: &[u8], buf: &'b mut [u8]) -> Result<&'b [u8]> {
        let mut record = self.find_value(key);
        self.done(())?;
        if record.is_none() {
            self.set(key, value)?;
            record = self.find_value(key);
        }
        let value = match record {
            Some(record) => self.value(&record, buf),
            None => &[],
        };
        self.done(value)
    }

    /// The value of a key, which is deleted. When `buf` is too small, nothing is. Python: `db.pop(key, None)`.
    pub fn pop<'b>(&mut self, key: &[u8], buf: &'b mut [u8]) -> Result<Option<&'b [u8]>> {
        self.writable();
        let Some(record) = self.find_value(key) else { return self.done(None) };
        let value = self.value(&record, buf);
        self.done(())?;
        self.delete(key)?;
        Ok(Some(value))
    }

    /// Sets several keys, all or none. Inside a batch they are part of it. Python: `db.update(pairs)`.
    pub fn update<'p>(&mut self, pairs: impl IntoIterator<Item = (&'p [u8], &'p [u8])>) -> Result<()> {
        let outer = self.in_batch();
        if !outer {
            self.begin()?;
        }
        for (key, value) in pairs {
            if let Err(error) = self.set(key, value) {
                if !outer {
                    self.rollback()?;
                }
                return Err(error);
            }
        }
        if outer { Ok(()) } else { self.commit() }
    }

    /// Deletes the keys from `from` on, up to `to` without it (`None`: all that follow); how many those were.
    ///
    /// Each key is deleted on its own: after a power cut some may be left. Within a batch it is all or none.
    pub fn delete_range(&mut self, from: &[u8], to: Option<&[u8]>) -> Result<usize> {
        self.writable();
        self.done(())?;
        let mut count = 0;
        let mut buf = [0; KEY_MAX];
        let mut cursor = self.cursor();
        self.seek(&mut cursor, from)?;
        while self.advance(&mut cursor, true) {
            let key = self.log.name(&mut buf);
            self.done(())?;
            if to.is_some_and(|to| key >= to) {
                break;
            }
            self.delete(key)?;
            count += 1;
            if key.len() > 32 {
                // The cursor does not hold such a key, and in time no record will tell it.
                self.seek(&mut cursor, key)?;
            }
        }
        self.done(count)
    }

    /// Deletes all keys. Python: `db.clear()`.
    pub fn clear(&mut self) -> Result<()> {
        self.delete_range(&[], None).map(|_| ())
    }

    /// The longest key, in bytes.
    pub const KEY_MAX: usize = format::KEY_MAX;
}
