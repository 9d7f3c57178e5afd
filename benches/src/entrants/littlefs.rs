//! `littlefs2`, which is the C littlefs: a file a key, all in one folder; caches of 256 bytes, 500 block cycles.

use embedded_storage::nor_flash::{NorFlash, ReadNorFlash};
use littlefs2::consts::{U16, U256};
use littlefs2::driver::Storage;
use littlefs2::fs::Filesystem;
use littlefs2::io::{Error, Result};
use littlefs2::path::PathBuf;

use super::{Done, Store, Trouble};
use crate::part::{Part, WORD};

struct Blocks<const ERASE: usize, const COUNT: usize>(Part<ERASE>);

impl<const ERASE: usize, const COUNT: usize> Storage for Blocks<ERASE, COUNT> {
    const READ_SIZE: usize = WORD;
    const WRITE_SIZE: usize = WORD;
    const BLOCK_SIZE: usize = ERASE;
    const BLOCK_COUNT: usize = COUNT;
    const BLOCK_CYCLES: isize = 500;
    type CACHE_SIZE = U256;
    type LOOKAHEAD_SIZE = U16;

    fn read(&mut self, offset: usize, bytes: &mut [u8]) -> Result<usize> {
        ReadNorFlash::read(&mut self.0, offset as u32, bytes).map_err(|_| Error::IO)?;
        Ok(bytes.len())
    }

    fn write(&mut self, offset: usize, bytes: &[u8]) -> Result<usize> {
        NorFlash::write(&mut self.0, offset as u32, bytes).map_err(|_| Error::IO)?;
        Ok(bytes.len())
    }

    fn erase(&mut self, offset: usize, length: usize) -> Result<usize> {
        NorFlash::erase(&mut self.0, offset as u32, (offset + length) as u32).map_err(|_| Error::IO)?;
        Ok(length)
    }
}

struct Littlefs<const ERASE: usize, const COUNT: usize>(Filesystem<'static, Blocks<ERASE, COUNT>>);

fn trouble(error: Error) -> Trouble {
    if error == Error::NO_SPACE { Trouble::Full } else { Trouble::other(error) }
}

fn path(key: &[u8]) -> Done<PathBuf> {
    PathBuf::try_from(key).map_err(Trouble::other)
}

impl<const ERASE: usize, const COUNT: usize> Store for Littlefs<ERASE, COUNT> {
    fn put(&mut self, key: &[u8], value: &[u8]) -> Done {
        self.0.write(&path(key)?, value).map_err(trouble)
    }

    fn get(&mut self, key: &[u8], buf: &mut [u8]) -> Done<Option<usize>> {
        match self.0.open_file_and_then(&path(key)?, |file| file.read(buf)) {
            // A new file is entered empty before it is written: after a power cut that is no value yet. None here is empty.
            Ok(0) => Ok(None),
            Ok(length) => Ok(Some(length)),
            Err(error) if error == Error::NO_SUCH_ENTRY => Ok(None),
            Err(error) => Err(trouble(error)),
        }
    }

    fn delete(&mut self, key: &[u8]) -> Done {
        match self.0.remove(&path(key)?) {
            Err(error) if error != Error::NO_SUCH_ENTRY => Err(trouble(error)),
            _ => Ok(()),
        }
    }

    /// A folder is kept in the order of its names; its iterator cannot start at one.
    fn scan(&mut self, first: &[u8], count: usize, visit: &mut dyn FnMut(&[u8], &[u8])) -> Done {
        let (mut left, mut buf) = (count, [0; 512]);
        let each = |folder: &mut littlefs2::fs::ReadDir<'_, '_, Blocks<ERASE, COUNT>>| {
            for entry in folder {
                let entry = entry?;
                let name = entry.file_name().as_ref().as_bytes();
                if name == b"." || name == b".." || name < first {
                    continue;
                }
                if left == 0 {
                    break;
                }
                left -= 1;
                let length = self.0.open_file_and_then(entry.path(), |file| file.read(&mut buf))?;
                visit(name, &buf[..length]);
            }
            Ok(())
        };
        self.0.read_dir_and_then(&path(b"/")?, each).map_err(trouble)
    }
}

/// The file system borrows its storage, so both are leaked: a bench ends soon.
fn mount<const ERASE: usize, const COUNT: usize>(part: Part<ERASE>, fresh: bool) -> Done<Box<dyn Store>> {
    let storage = Box::leak(Box::new(Blocks::<ERASE, COUNT>(part)));
    let allocation = Box::leak(Box::new(Filesystem::allocate()));
    if fresh {
        Filesystem::format(storage).map_err(trouble)?;
    }
    Ok(Box::new(Littlefs(Filesystem::mount(allocation, storage).map_err(trouble)?)))
}

pub fn open<const ERASE: usize>(part: Part<ERASE>, fresh: bool) -> Done<Box<dyn Store>> {
    match part.sectors() {
        8 => mount::<ERASE, 8>(part, fresh),
        16 => mount::<ERASE, 16>(part, fresh),
        64 => mount::<ERASE, 64>(part, fresh),
        128 => mount::<ERASE, 128>(part, fresh),
        512 => mount::<ERASE, 512>(part, fresh),
        _ => Err(Trouble::Never),
    }
}
