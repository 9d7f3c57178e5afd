//! What can go wrong with a store.

use embedded_storage::nor_flash::NorFlashErrorKind;

/// Why an operation on a store failed. Python: `dbm.error`, unless said otherwise.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Error {
    /// The flash driver reported an error. Python: `OSError`.
    Flash(NorFlashErrorKind),
    /// No store is found here (with [`Flag::Read`](super::Flag::Read) and `Write`), or what is found was made for another
    /// geometry or by a newer version. Python: `dbm.error`, "db type could not be determined".
    NotFound,
    /// The part holds something that is no store of this geometry; [`Flag::New`](super::Flag::New) would erase it.
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
        /// The longest, beside this key.
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

impl core::fmt::Display for Error {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Error::Flash(kind) => write!(f, "flash: {kind}"),
            Error::NotFound => f.write_str("no store here"),
            Error::NotAStore => f.write_str("something that is no store of this geometry is here"),
            Error::WordSize { found } => write!(f, "words of {found} bytes: 1, 2, 4, 8, 16 or 32 it must be"),
            Error::SectorSize { found } => {
                write!(f, "sectors of {found} bytes: 512 to 131072 it must be, in whole words")
            }
            Error::RegionSize { found } => write!(f, "{found} bytes of flash: 2 sectors to 16 MiB it must be"),
            Error::MemoryTooSmall { needed } => write!(f, "{needed} bytes of memory are needed"),
            Error::BufferTooSmall { needed } => write!(f, "a buffer of {needed} bytes is needed"),
            Error::KeyTooLong { max } => write!(f, "a key has at most {max} bytes"),
            Error::ValueTooLong { max } => write!(f, "the value has at most {max} bytes"),
            Error::Full => f.write_str("the store is full"),
            Error::ReadOnly => f.write_str("the store is opened for reading only"),
            Error::Corrupt { page, offset } => write!(f, "page {page} is damaged at byte {offset}"),
            Error::Batch => f.write_str("a batch is open already, or none is"),
            Error::Stale => f.write_str("the store changed under a cursor or savepoint"),
        }
    }
}

impl core::error::Error for Error {}
