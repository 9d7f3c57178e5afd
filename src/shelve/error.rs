//! What goes wrong with a shelf.

use crate::{dbm, object};

/// What a call of this module returns.
pub type Result<T, E = Error> = core::result::Result<T, E>;

/// Why a call did not do what was asked.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Error {
    /// The store beneath, in its own words. Python: `dbm.error`.
    Dbm(dbm::Error),
    /// A value could not be encoded or decoded: what and where, in the value's bytes. Postcard does not tell where: its
    /// place is 0. Python: `pickle.PicklingError`, `pickle.UnpicklingError`.
    Value(object::Error),
    /// A key in the store is no UTF-8: another program wrote it. Python: `UnicodeDecodeError`.
    NotText,
}

impl core::fmt::Display for Error {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Error::Dbm(error) => error.fmt(f),
            Error::Value(error) => {
                f.write_str("value: ")?;
                error.fmt(f)
            }
            Error::NotText => f.write_str("a key that is no text"),
        }
    }
}

impl core::error::Error for Error {}

impl From<dbm::Error> for Error {
    fn from(error: dbm::Error) -> Self {
        Error::Dbm(error)
    }
}

impl From<object::Error> for Error {
    fn from(error: object::Error) -> Self {
        Error::Value(error)
    }
}
