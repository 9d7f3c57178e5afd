//! `ekv`, a transaction a write. Its page size is fixed when it is compiled (`.cargo/config.toml`).

use ekv::config::{MAX_PAGE_COUNT, PAGE_SIZE};
use ekv::flash::{Flash, PageID};
use ekv::{Config, Database, ReadError, WriteError};
use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embedded_storage::nor_flash::{NorFlash, ReadNorFlash};
use larder::flash::Error;

use super::{Done, Store, Trouble, block_on};
use crate::part::Part;

struct Pages<const ERASE: usize>(Part<ERASE>);

impl<const ERASE: usize> Flash for Pages<ERASE> {
    type Error = Error;

    fn page_count(&self) -> usize {
        self.0.sectors()
    }

    async fn erase(&mut self, page: PageID) -> Result<(), Error> {
        let start = (page.index() * ERASE) as u32;
        self.0.erase(start, start + ERASE as u32)
    }

    async fn read(&mut self, page: PageID, offset: usize, bytes: &mut [u8]) -> Result<(), Error> {
        ReadNorFlash::read(&mut self.0, (page.index() * ERASE + offset) as u32, bytes)
    }

    async fn write(&mut self, page: PageID, offset: usize, bytes: &[u8]) -> Result<(), Error> {
        NorFlash::write(&mut self.0, (page.index() * ERASE + offset) as u32, bytes)
    }
}

struct Ekv<const ERASE: usize>(Database<Pages<ERASE>, NoopRawMutex>);

fn trouble<E: core::fmt::Debug>(error: WriteError<E>) -> Trouble {
    match error {
        WriteError::Full => Trouble::Full,
        error => Trouble::other(error),
    }
}

impl<const ERASE: usize> Store for Ekv<ERASE> {
    fn put(&mut self, key: &[u8], value: &[u8]) -> Done {
        block_on(async {
            let mut transaction = self.0.write_transaction().await;
            transaction.write(key, value).await.map_err(trouble)?;
            transaction.commit().await.map_err(Trouble::other)
        })
    }

    fn get(&mut self, key: &[u8], buf: &mut [u8]) -> Done<Option<usize>> {
        match block_on(async { self.0.read_transaction().await.read(key, buf).await }) {
            Ok(length) => Ok(Some(length)),
            Err(ReadError::KeyNotFound) => Ok(None),
            Err(error) => Err(Trouble::other(error)),
        }
    }

    fn delete(&mut self, key: &[u8]) -> Done {
        block_on(async {
            let mut transaction = self.0.write_transaction().await;
            transaction.delete(key).await.map_err(trouble)?;
            transaction.commit().await.map_err(Trouble::other)
        })
    }

    fn scan(&mut self, first: &[u8], count: usize, visit: &mut dyn FnMut(&[u8], &[u8])) -> Done {
        block_on(async {
            let transaction = self.0.read_transaction().await;
            let mut cursor = transaction.read_range(first..).await.map_err(Trouble::other)?;
            let (mut key, mut value) = ([0; 64], [0; 256]);
            for _ in 0..count {
                match cursor.next(&mut key, &mut value).await.map_err(Trouble::other)? {
                    Some((key_length, value_length)) => visit(&key[..key_length], &value[..value_length]),
                    None => break,
                }
            }
            Ok(())
        })
    }

    fn batch(&mut self, entries: &[(Vec<u8>, Vec<u8>)]) -> Done {
        block_on(async {
            let mut transaction = self.0.write_transaction().await;
            for (key, value) in entries {
                transaction.write(key, value).await.map_err(trouble)?;
            }
            transaction.commit().await.map_err(Trouble::other)
        })
    }
}

pub fn open<const ERASE: usize>(part: Part<ERASE>, fresh: bool) -> Done<Box<dyn Store>> {
    if ERASE != PAGE_SIZE || part.sectors() > MAX_PAGE_COUNT {
        return Err(Trouble::Never);
    }
    let database = Database::new(Pages(part), Config::default());
    let opened = if fresh {
        block_on(database.format()).map_err(Trouble::other)
    } else {
        block_on(database.mount()).map_err(Trouble::other)
    };
    opened.map(|()| Box::new(Ekv(database)) as Box<dyn Store>)
}
