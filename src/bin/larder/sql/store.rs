//! The part that the statements run on: in memory or in a file, and how a session on it begins and ends.

use crate::input::{Failure, Result};
use embedded_storage::nor_flash::{ErrorType, NorFlash, ReadNorFlash};
use larder::dbm::{self, Flag};
use larder::flash::{self, FileFlash, SimFlash};
use larder::sqlite3::onflash::OnFlash;
use larder::sqlite3::store::CURSORS;
use larder::sqlite3::{Connection, Error};
use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

const WORD: usize = 4;
const SECTOR: usize = 4096;
/// In memory, and in an image that is made; an image that is there has at most as many.
const SECTORS: usize = 4096;
/// Lent to a statement: more than any device has, so that no answer depends on it.
pub(crate) const MEMORY: usize = 1 << 20;
/// Keys that are found in one read each, in order too.
const KEYS: usize = 400_000;

/// Where the cells are.
pub(crate) enum Place {
    Memory,
    File(PathBuf),
}

/// A flash part that is either.
pub(crate) enum Part {
    Memory(SimFlash<'static, WORD, SECTOR>),
    File(FileFlash<WORD, SECTOR>),
}

impl Place {
    /// The part there; an image that is missing is made, and one that is there may be smaller, as a board's is.
    pub(crate) fn open(&self) -> Result<Part> {
        match self {
            Place::Memory => fresh().map(Part::Memory),
            Place::File(path) => FileFlash::open(path, sectors(path)).map(Part::File).map_err(failed),
        }
    }
}

/// How many sectors the image has, or shall have. What is no whole number of them is no image, which opening it says.
fn sectors(path: &Path) -> usize {
    let len = path.metadata().map_or(0, |file| file.len());
    let found = usize::try_from(len).unwrap_or(0) / SECTOR;
    if (2..SECTORS).contains(&found) { found } else { SECTORS }
}

/// A part in memory with an empty store. Making one reads every byte of it, so it is made once and copied.
fn fresh() -> Result<SimFlash<'static, WORD, SECTOR>> {
    static FRESH: OnceLock<SimFlash<'static, WORD, SECTOR>> = OnceLock::new();
    if let Some(part) = FRESH.get() {
        return Ok(part.clone());
    }
    let mut pages = vec![0; dbm::memory_needed(SECTORS * SECTOR, SECTOR)];
    let part = SimFlash::owned(SECTORS).map_err(failed)?;
    let part = dbm::open(part, Flag::Create, &mut pages).and_then(|db| db.close()).map_err(broken)?;
    Ok(FRESH.get_or_init(|| part).clone())
}

fn broken(error: dbm::Error) -> Failure {
    Failure::Other(format!("the store: {error}"))
}

fn failed(error: flash::Error) -> Failure {
    Failure::Other(format!("the image: {error}"))
}

/// How a session ended.
pub(crate) enum End<T> {
    /// The same part again: what an open transaction did is lost.
    Again,
    /// No more on this part.
    Done(T),
}

/// Runs sessions on a part until one does not want it again. The store is closed after each.
pub(crate) fn sessions<T>(
    mut part: Part,
    mut flag: Flag,
    mut session: impl FnMut(&mut Connection<'_>) -> Result<End<T>>,
) -> Result<T> {
    let mut pages = vec![0; dbm::memory_needed(SECTORS * SECTOR, SECTOR)];
    let mut memory = vec![0; MEMORY];
    let mut index = vec![0; dbm::index_words(KEYS)];
    let mut order = vec![0; dbm::order_words(KEYS)];
    loop {
        let mut db = dbm::open(part, flag, &mut pages).map_err(broken)?;
        db.lend_index(&mut index);
        db.lend_order(&mut order);
        let mut cursors = [db.cursor(); CURSORS];
        let mut store = OnFlash::new(db, &mut cursors);
        let mut connection = Connection::open(&mut store, &mut memory).map_err(refused)?;
        connection.set_autocommit(true);
        connection.set_seed(RandomState::new().hash_one(0));
        let end = session(&mut connection)?;
        if connection.in_transaction() {
            connection.rollback().map_err(refused)?;
        }
        part = store.into_dbm().close().map_err(broken)?;
        match end {
            End::Again => flag = Flag::Create,
            End::Done(value) => return Ok(value),
        }
    }
}

fn refused(error: Error) -> Failure {
    Failure::Other(error.to_string())
}

impl ErrorType for Part {
    type Error = flash::Error;
}

impl ReadNorFlash for Part {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> flash::Result<()> {
        match self {
            Part::Memory(part) => part.read(offset, bytes),
            Part::File(part) => part.read(offset, bytes),
        }
    }

    fn capacity(&self) -> usize {
        match self {
            Part::Memory(part) => part.capacity(),
            Part::File(part) => part.capacity(),
        }
    }
}

impl NorFlash for Part {
    const WRITE_SIZE: usize = WORD;
    const ERASE_SIZE: usize = SECTOR;

    fn erase(&mut self, from: u32, to: u32) -> flash::Result<()> {
        match self {
            Part::Memory(part) => part.erase(from, to),
            Part::File(part) => part.erase(from, to),
        }
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> flash::Result<()> {
        match self {
            Part::Memory(part) => part.write(offset, bytes),
            Part::File(part) => part.write(offset, bytes),
        }
    }
}
