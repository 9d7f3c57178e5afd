//! The part that the statements run on: in memory or in a file, and how a session on it begins and ends.

use crate::input::{Failure, Result};
use embedded_storage::nor_flash::{ErrorType, NorFlash, ReadNorFlash};
use larder::dbm::{self, Flag, Options};
use larder::flash::{self, FileFlash, SimFlash};
use larder::sqlite3::onflash::OnFlash;
use larder::sqlite3::store::CURSORS;
use larder::sqlite3::{Connection, Error};
use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

const WORD: usize = 4;
const SECTOR: usize = 4096;
/// Bytes in memory, and of an image that is made; an image that is there has at most as many.
const SIZE: usize = 16 << 20;
const SECTORS: usize = SIZE / SECTOR;
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
            Place::File(path) => image(path).map(Part::File),
        }
    }
}

/// The image at a path.
fn image<const W: usize, const E: usize>(path: &Path) -> Result<FileFlash<W, E>> {
    FileFlash::open(path, sectors(path, E)).map_err(failed)
}

/// How many sectors the image has, or shall have. What is no whole number of them is no image, which opening it says.
fn sectors(path: &Path, sector: usize) -> usize {
    let len = path.metadata().map_or(0, |file| file.len());
    let (found, most) = (usize::try_from(len).unwrap_or(0) / sector, SIZE / sector);
    if (2..most).contains(&found) { found } else { most }
}

/// Runs one session on the image of a part with these sectors and words, in bytes: those of the chips that are common.
pub(crate) fn on_image(path: &Path, sector: usize, word: usize, session: &mut Session<'_, ()>) -> Result {
    match (sector, word) {
        (512, 4) => sessions(image::<4, 512>(path)?, Flag::Create, session),
        (1024, 2) => sessions(image::<2, 1024>(path)?, Flag::Create, session),
        (1024, 4) => sessions(image::<4, 1024>(path)?, Flag::Create, session),
        (2048, 4) => sessions(image::<4, 2048>(path)?, Flag::Create, session),
        (2048, 8) => sessions(image::<8, 2048>(path)?, Flag::Create, session),
        (4096, 1) => sessions(image::<1, 4096>(path)?, Flag::Create, session),
        (SECTOR, WORD) => sessions(image::<WORD, SECTOR>(path)?, Flag::Create, session),
        (4096, 8) => sessions(image::<8, 4096>(path)?, Flag::Create, session),
        (8192, 16) => sessions(image::<16, 8192>(path)?, Flag::Create, session),
        (131_072, 32) => sessions(image::<32, 131_072>(path)?, Flag::Create, session),
        _ => Err(Failure::Other(format!(
            "sectors of {sector} bytes with words of {word} are not among those known: {KNOWN}"
        ))),
    }
}

/// The sectors and words, as the command line has them.
const KNOWN: &str = "512/4, 1024/2, 1024/4, 2048/4, 2048/8, 4096/1, 4096/4, 4096/8, 8192/16, 131072/32";

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

/// What is done with a connection.
pub(crate) type Session<'s, T> = dyn FnMut(&mut Connection<'_>) -> Result<End<T>> + 's;

/// Runs sessions on a part until one does not want it again. The store is closed after each.
pub(crate) fn sessions<F: NorFlash, T>(mut part: F, mut flag: Flag, session: &mut Session<'_, T>) -> Result<T> {
    let mut pages = vec![0; dbm::memory_needed(part.capacity(), F::ERASE_SIZE)];
    let mut memory = vec![0; MEMORY];
    let mut index = vec![0; dbm::index_words(KEYS)];
    let mut order = vec![0; dbm::order_words(KEYS)];
    loop {
        // (A board may have chosen 16-bit checks.)
        let mut db = dbm::open_with(part, flag, Options::new(), &mut pages).map_err(broken)?;
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
