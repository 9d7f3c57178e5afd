//! The simulated part in a file: a device's flash image on a host.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

use embedded_storage::nor_flash::{ErrorType, NorFlash, ReadNorFlash};

use super::{Error, Result, SimFlash};

/// A [`SimFlash`] whose cells live on in a file, byte for byte as a programmer reads them out of a chip.
///
/// Each program and erase is in the file when the call returns, a torn one as it is left; [`FileFlash::sync`] waits for the
/// disk. Counters and wear start at 0 whenever the file is opened, and a word counts as programmed when it is not all ones.
#[derive(Debug)]
pub struct FileFlash<const WRITE: usize, const ERASE: usize> {
    file: File,
    part: SimFlash<'static, WRITE, ERASE>,
}

#[cfg(feature = "defmt")]
impl<const WRITE: usize, const ERASE: usize> defmt::Format for FileFlash<WRITE, ERASE> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "FileFlash");
    }
}

impl<const WRITE: usize, const ERASE: usize> FileFlash<WRITE, ERASE> {
    /// Opens the image at `path`, a part of `sectors` sectors. A missing file is made, erased; one of another size is
    /// [`Error::Size`].
    pub fn open(path: impl AsRef<Path>, sectors: usize) -> Result<Self> {
        let mut part = SimFlash::owned(sectors)?;
        let expected = part.capacity() as u64;
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).map_err(failed)?;
        let found = file.metadata().map_err(failed)?.len();
        if found == 0 {
            file.write_all(part.contents()).map_err(failed)?;
        } else if found == expected {
            let mut bytes = Vec::with_capacity(part.capacity());
            file.read_to_end(&mut bytes).map_err(failed)?;
            part = SimFlash::image(bytes)?;
        } else {
            return Err(Error::Size { expected, found });
        }
        Ok(FileFlash { file, part })
    }

    /// The part: its counters, wear and contents.
    pub fn part(&self) -> &SimFlash<'static, WRITE, ERASE> {
        &self.part
    }

    /// The part, to cut its power. What is changed through [`SimFlash::contents_mut`] does not reach the file.
    pub fn part_mut(&mut self) -> &mut SimFlash<'static, WRITE, ERASE> {
        &mut self.part
    }

    /// Waits until the disk has everything.
    pub fn sync(&mut self) -> Result<()> {
        self.file.sync_data().map_err(failed)
    }

    /// Brings the file up to date with the cells from `start` to `end`, which lie in the part.
    fn save(&mut self, start: u32, end: u32) -> Result<()> {
        let Some(cells) = self.part.contents().get(start as usize..end as usize) else { return Ok(()) };
        self.file.seek(SeekFrom::Start(start.into())).map_err(failed)?;
        self.file.write_all(cells).map_err(failed)
    }
}

fn failed(error: std::io::Error) -> Error {
    Error::File(error.kind())
}

impl<const WRITE: usize, const ERASE: usize> ErrorType for FileFlash<WRITE, ERASE> {
    type Error = Error;
}

impl<const WRITE: usize, const ERASE: usize> ReadNorFlash for FileFlash<WRITE, ERASE> {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<()> {
        self.part.read(offset, bytes)
    }

    fn capacity(&self) -> usize {
        self.part.capacity()
    }
}

impl<const WRITE: usize, const ERASE: usize> NorFlash for FileFlash<WRITE, ERASE> {
    const WRITE_SIZE: usize = WRITE;
    const ERASE_SIZE: usize = ERASE;

    fn erase(&mut self, from: u32, to: u32) -> Result<()> {
        let done = self.part.erase(from, to);
        self.save(from, to)?;
        done
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<()> {
        let done = self.part.write(offset, bytes);
        self.save(offset, offset.saturating_add(bytes.len() as u32))?;
        done
    }
}
