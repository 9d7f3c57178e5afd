//! The store of SQL on flash: a [`Dbm`] and the places of the cursors in it.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use embedded_storage::nor_flash::NorFlash;

use super::error::{Error, ErrorKind};
use super::store::{Entry, Savepoint, Store};
use crate::dbm::{self, Cursor, Dbm};

/// A [`Dbm`] as a [`Store`].
pub struct OnFlash<'m, F> {
    db: Dbm<'m, F>,
    cursors: &'m mut [Cursor],
}

#[cfg(feature = "defmt")]
impl<F> defmt::Format for OnFlash<'_, F> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "OnFlash");
    }
}

impl<'m, F: NorFlash> OnFlash<'m, F> {
    /// Tables in `db`. It should hold nothing else. One of the cursors is for look-ups; a statement takes one more for each
    /// table that it has open at once. `[db.cursor(); 5]` makes some.
    pub fn new(db: Dbm<'m, F>, cursors: &'m mut [Cursor]) -> Self {
        OnFlash { db, cursors }
    }

    /// The store below, to compact it, or to count what it does.
    pub fn dbm(&mut self) -> &mut Dbm<'m, F> {
        &mut self.db
    }

    /// Gives the store back.
    pub fn into_dbm(self) -> Dbm<'m, F> {
        self.db
    }

    /// The store and one of the cursors.
    fn at(&mut self, cursor: usize) -> Result<(&mut Dbm<'m, F>, &mut Cursor), Error> {
        let place = self.cursors.get_mut(cursor).ok_or(ErrorKind::Internal)?;
        Ok((&mut self.db, place))
    }
}

impl From<dbm::Error> for Error {
    #[cold]
    #[inline(never)]
    fn from(error: dbm::Error) -> Self {
        let kind = match error {
            dbm::Error::BufferTooSmall { needed } => return Error::limit(needed),
            dbm::Error::KeyTooLong { .. } | dbm::Error::ValueTooLong { .. } => ErrorKind::TooBig,
            dbm::Error::Full => ErrorKind::Full,
            dbm::Error::ReadOnly => ErrorKind::Misuse,
            dbm::Error::Corrupt { .. } => ErrorKind::Corrupt,
            dbm::Error::Batch => ErrorKind::Transaction,
            dbm::Error::Stale => ErrorKind::Internal,
            _ => ErrorKind::Io,
        };
        kind.into()
    }
}

impl<F: NorFlash> Store for OnFlash<'_, F> {
    fn cursors(&self) -> usize {
        self.cursors.len()
    }

    fn get(&mut self, key: &[u8], buf: &mut [u8]) -> Result<Option<usize>, Error> {
        Ok(self.db.get(key, buf)?.map(<[u8]>::len))
    }

    fn set(&mut self, key: &[u8], value: &[u8]) -> Result<(), Error> {
        Ok(self.db.set(key, value)?)
    }

    fn delete(&mut self, key: &[u8]) -> Result<bool, Error> {
        Ok(self.db.delete(key)?)
    }

    fn seek(&mut self, cursor: usize, key: &[u8]) -> Result<(), Error> {
        let (db, place) = self.at(cursor)?;
        Ok(db.seek(place, key)?)
    }

    fn next(&mut self, cursor: usize, buf: &mut [u8]) -> Result<Option<Entry>, Error> {
        let (db, place) = self.at(cursor)?;
        #[cfg(fast)]
        if let Some((key, value)) = db.glide(place, true, buf) {
            return Ok(Some(Entry::new(key, value.into())));
        }
        let taken = db.moved(place, true, true, buf).map_err(dbm::Error::from)?;
        let Some((key, value)) = taken.lengths() else { return Ok(None) };
        let value = u16::try_from(value).map_err(|_| Error::limit(key + value))?;
        Ok(Some(Entry::new(key as u8, value)))
    }

    fn previous_key(&mut self, cursor: usize, key: &mut [u8]) -> Result<Option<usize>, Error> {
        let (db, place) = self.at(cursor)?;
        Ok(db.previous_key(place, key)?.map(<[u8]>::len))
    }

    fn begin(&mut self) -> Result<(), Error> {
        Ok(self.db.begin()?)
    }

    fn commit(&mut self) -> Result<(), Error> {
        Ok(self.db.commit()?)
    }

    fn rollback(&mut self) -> Result<(), Error> {
        Ok(self.db.rollback()?)
    }

    fn in_transaction(&self) -> bool {
        self.db.in_batch()
    }

    fn savepoint(&mut self) -> Result<Savepoint, Error> {
        let [page, at] = self.db.savepoint()?.to_words();
        Ok(Savepoint([page, at, 0, 0]))
    }

    fn rollback_to(&mut self, Savepoint([page, at, ..]): Savepoint) -> Result<(), Error> {
        Ok(self.db.rollback_to(dbm::Savepoint::from_words([page, at]))?)
    }
}
