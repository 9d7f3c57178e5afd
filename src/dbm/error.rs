//! What can go wrong with a store.

use core::num::NonZeroU32;

use embedded_storage::nor_flash::NorFlashErrorKind;

use crate::message;

use super::format::KEY_MAX;

/// Why an operation on a store failed. Python: `dbm.error`, unless said otherwise.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Error {
    /// The flash driver reported an error. Python: `OSError`.
    Flash(NorFlashErrorKind),
    /// No store is found here: the part is blank (with [`Flag::Read`](super::Flag::Read) and `Write`). Python: `dbm.error`.
    NotFound,
    /// The part holds something that is no store of this geometry and version, or one [with 16-bit checks](super::Options::compact)
    /// where none is asked for; [`Flag::New`](super::Flag::New) would erase it. Python: `dbm.error`, "db type could not be determined".
    NotAStore,
    /// Words of 1, 2, 4, 8, 16 or 32 bytes are served, not these. Python: `ValueError`.
    WordSize {
        /// The part's `WRITE_SIZE`.
        found: u32,
    },
    /// Sectors of 512 bytes to 128 KiB are served, whole numbers of words, not these. Python: `ValueError`.
    SectorSize {
        /// The part's `ERASE_SIZE`.
        found: u32,
    },
    /// A store takes 2 sectors to 16 MiB, not this. Python: `ValueError`.
    RegionSize {
        /// The part's capacity in bytes.
        found: u32,
    },
    /// The memory lent is too small. Python: `MemoryError`.
    MemoryTooSmall {
        /// Bytes needed.
        needed: usize,
    },
    /// A buffer is too small for a key or a value. Python: `ValueError`.
    BufferTooSmall {
        /// Bytes needed.
        needed: usize,
    },
    /// A key is too long. Python: `ValueError`.
    KeyTooLong {
        /// The longest.
        max: usize,
    },
    /// A value is too long. Python: `ValueError`.
    ValueTooLong {
        /// Bytes in the region.
        max: usize,
    },
    /// The store is full: there is no room for this, and nothing dead that would make room. Deletes still work.
    /// Python: `OSError` (`ENOSPC`).
    Full,
    /// The store was opened for reading. Python: `dbm.error`, "The database is opened for reading only".
    ReadOnly,
    /// The flash holds something else than was written there. Python: `dbm.error`.
    Corrupt {
        /// The page, counted from the store's start.
        page: u16,
        /// The first byte in it that is in doubt.
        offset: u32,
    },
    /// A batch is open already, or none is open. Python: `sqlite3.OperationalError`.
    Batch,
    /// What a cursor or savepoint pointed at is gone. Python: `RuntimeError`, "dictionary changed size during iteration".
    Stale,
}

/// What the calls of this module return.
pub type Result<T, E = Error> = core::result::Result<T, E>;

/// What goes wrong within the store: an [`Error`] in one register. The low three bits are one of the kinds below, the rest is
/// what it tells.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fail(NonZeroU32);

/// What functions within the store return.
pub(crate) type Res<T> = core::result::Result<T, Fail>;

/// Kinds of failures.
pub(crate) const CORRUPT: u32 = 1;
pub(crate) const FLASH: u32 = 2;
pub(crate) const FULL: u32 = 3;
const BUFFER: u32 = 4;

impl Fail {
    const fn new(kind: u32, rest: u32) -> Fail {
        match NonZeroU32::new(rest << 3 | kind) {
            Some(code) => Fail(code),
            None => Fail(NonZeroU32::MIN),
        }
    }

    pub(crate) const FULL: Fail = Fail::new(FULL, 0);
    /// A program failed a while ago, and what it took along is missed now.
    pub(crate) const PROGRAM: Fail = Fail::new(FLASH, 2);
    pub(crate) const STALE: Fail = Fail::new(0, 2);
    pub(crate) const BATCH: Fail = Fail::new(0, 3);
    pub(crate) const READ_ONLY: Fail = Fail::new(0, 4);
    pub(crate) const NOT_FOUND: Fail = Fail::new(0, 5);
    pub(crate) const NOT_A_STORE: Fail = Fail::new(0, 6);
    pub(crate) const KEY: Fail = Fail::new(0, 7);

    pub(crate) fn corrupt(page: u16, offset: u32) -> Fail {
        Fail::new(CORRUPT, u32::from(page) << 13 | offset.min(0x1fff))
    }

    pub(crate) fn flash(kind: NorFlashErrorKind) -> Fail {
        let kind = match kind {
            NorFlashErrorKind::NotAligned => 0,
            NorFlashErrorKind::OutOfBounds => 1,
            _ => 2,
        };
        Fail::new(FLASH, kind)
    }

    /// A buffer that holds less than `needed` bytes.
    pub(crate) fn buffer(needed: usize) -> Fail {
        Fail::new(BUFFER, needed as u32)
    }

    pub(crate) fn kind(self) -> u32 {
        self.0.get() & 7
    }

    pub(crate) fn is_corrupt(self) -> bool {
        self.kind() == CORRUPT
    }
}

impl From<Fail> for Error {
    #[inline(never)]
    fn from(fail: Fail) -> Error {
        let rest = fail.0.get() >> 3;
        match (fail.kind(), rest) {
            (CORRUPT, _) => Error::Corrupt { page: (rest >> 13) as u16, offset: rest & 0x1fff },
            (FLASH, 0) => Error::Flash(NorFlashErrorKind::NotAligned),
            (FLASH, 1) => Error::Flash(NorFlashErrorKind::OutOfBounds),
            (FLASH, _) => Error::Flash(NorFlashErrorKind::Other),
            (BUFFER, _) => Error::BufferTooSmall { needed: rest as usize },
            (FULL, _) => Error::Full,
            (_, 2) => Error::Stale,
            (_, 3) => Error::Batch,
            (_, 4) => Error::ReadOnly,
            (_, 5) => Error::NotFound,
            (_, 6) => Error::NotAStore,
            _ => Error::KeyTooLong { max: KEY_MAX },
        }
    }
}

impl core::fmt::Display for Error {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let text = match self {
            Error::Flash(_) => "flash: ",
            Error::NotFound => "no store here",
            Error::NotAStore => "something that is no store of this geometry is here",
            Error::WordSize { .. } => "words of {} bytes: 1, 2, 4, 8, 16 or 32 it must be",
            Error::SectorSize { .. } => "sectors of {} bytes: 512 to 131072 it must be, in whole words",
            Error::RegionSize { .. } => "{} bytes of flash: 2 sectors to 16 MiB it must be",
            Error::MemoryTooSmall { .. } => "{} bytes of memory are needed",
            Error::BufferTooSmall { .. } => "a buffer of {} bytes is needed",
            Error::KeyTooLong { .. } => "a key has at most {} bytes",
            Error::ValueTooLong { .. } => "the value has at most {} bytes",
            Error::Full => "the store is full",
            Error::ReadOnly => "the store is opened for reading only",
            Error::Corrupt { .. } => "page {} is damaged at byte ",
            Error::Batch => "a batch is open already, or none is",
            Error::Stale => "the store changed under a cursor or savepoint",
        };
        match *self {
            Error::Flash(kind) => {
                f.write_str(text)?;
                kind.fmt(f)
            }
            Error::WordSize { found } | Error::SectorSize { found } | Error::RegionSize { found } => {
                message::numbered(f, text, found as usize)
            }
            Error::MemoryTooSmall { needed: number }
            | Error::BufferTooSmall { needed: number }
            | Error::KeyTooLong { max: number }
            | Error::ValueTooLong { max: number } => message::numbered(f, text, number),
            Error::Corrupt { page, offset } => {
                message::numbered(f, text, page.into())?;
                message::numbered(f, "{}", offset as usize)
            }
            _ => f.write_str(text),
        }
    }
}

impl core::error::Error for Error {}
