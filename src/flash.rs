//! Flash memory: what larder asks of a part, a part to test on, and a share of a part.
//!
//! The store stands on [`embedded_storage::nor_flash::NorFlash`], which every chip crate implements, and asks this of it:
//!
//! - **Sectors** ([`ERASE_SIZE`](embedded_storage::nor_flash::NorFlash::ERASE_SIZE)) are erased whole, and then read as ones.
//! - **Words** ([`WRITE_SIZE`](embedded_storage::nor_flash::NorFlash::WRITE_SIZE)) are programmed at most once between two
//!   erases, so that parts with error correction work, which refuse a second program.
//! - What was programmed stays, and a call that returned `Ok` is done: no cache behind the driver holds it back.
//! - When power goes during a program, the words of that call hold anything; during an erase, the sector does. All else is
//!   untouched.
//!
//! [`SimFlash`] is a part that holds its user to these rules, counts what is done to it, and can lose its power at any
//! operation. [`FileFlash`] (feature `std`) is the same part in a file. [`Region`] is a share of any part.

#[cfg(feature = "std")]
mod file;
mod region;
mod sim;

#[cfg(feature = "std")]
pub use file::FileFlash;
pub use region::{Region, RegionError};
pub use sim::{Counters, SimFlash, Tear};

use embedded_storage::nor_flash::{NorFlashError, NorFlashErrorKind};

/// A call on a part, or the making of one, that was refused.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Error {
    /// The range does not start and end on a word (a sector, for an erase). Python: `ValueError`.
    NotAligned {
        /// Where the range starts, in bytes.
        offset: u32,
    },
    /// The range reaches beyond the part. Python: `IndexError`.
    OutOfBounds {
        /// Where the range starts, in bytes.
        offset: u32,
    },
    /// A word was programmed that had been programmed since its last erase: parts with error correction refuse it.
    /// Python: `PermissionError`.
    Rewritten {
        /// The word, in bytes from the start of the part.
        offset: u32,
    },
    /// Power is gone; nothing answers until it is restored. Python: `OSError`.
    PowerCut,
    /// No such part can be: a word or a sector of no bytes, sectors that are no whole number of words or words that are
    /// no whole number of reads, no sector at all, or more than 4 GiB. Python: `ValueError`.
    Geometry,
    /// The memory, or the file, is not of the part's size. Python: `ValueError`.
    Size {
        /// How many bytes it should have.
        expected: u64,
        /// How many bytes it has.
        found: u64,
    },
    /// The file beneath a [`FileFlash`] gave an error. Python: `OSError`.
    #[cfg(feature = "std")]
    File(#[cfg_attr(feature = "defmt", defmt(Debug2Format))] std::io::ErrorKind),
}

/// What the calls of this module return.
pub type Result<T, E = Error> = core::result::Result<T, E>;

impl core::fmt::Display for Error {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Error::NotAligned { offset } => write!(f, "the range at {offset} is not aligned"),
            Error::OutOfBounds { offset } => write!(f, "the range at {offset} reaches beyond the flash"),
            Error::Rewritten { offset } => write!(f, "the word at {offset} was programmed before"),
            Error::PowerCut => f.write_str("no power"),
            Error::Geometry => f.write_str("no flash has such a geometry"),
            Error::Size { expected, found } => write!(f, "{found} bytes where the flash has {expected}"),
            #[cfg(feature = "std")]
            Error::File(kind) => write!(f, "file: {kind}"),
        }
    }
}

impl core::error::Error for Error {}

impl NorFlashError for Error {
    fn kind(&self) -> NorFlashErrorKind {
        match self {
            Error::NotAligned { .. } => NorFlashErrorKind::NotAligned,
            Error::OutOfBounds { .. } => NorFlashErrorKind::OutOfBounds,
            _ => NorFlashErrorKind::Other,
        }
    }
}
