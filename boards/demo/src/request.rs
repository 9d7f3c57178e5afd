//! What a host may ask, and why it may be refused.

use core::fmt;
use larder::dbm;
use larder::object::{Error, ErrorKind, Kind, Object};

use crate::frame::Damage;

/// A request, as its pickle says it.
pub(crate) enum Request<'a> {
    /// `("set", key, value)`
    Set(&'a str, Object<'a>),
    /// `("get", key)`
    Get(&'a str),
    /// `("del", key)`
    Delete(&'a str),
    /// `("keys",)`
    Keys,
    /// `("stat",)`
    Stat,
    /// `("sql", statement, parameters)`
    Sql(&'a str, Object<'a>),
}

impl<'a> Request<'a> {
    /// Reads a request; nothing else is one.
    pub(crate) fn of(message: &Object<'a>) -> Result<Self, Refusal> {
        if message.kind() != Kind::Tuple {
            return Err(Refusal::NoRequest);
        }
        let verb = message.at(0).and_then(|verb| verb.as_str()).map_err(|_| Refusal::NoRequest)?;
        let key = || message.at(1).and_then(|key| key.as_str()).map_err(|_| Refusal::NoKey);
        match (verb, message.len()) {
            ("set", 3) => Ok(Request::Set(key()?, message.at(2).map_err(Refusal::Pickle)?)),
            ("get", 2) => Ok(Request::Get(key()?)),
            ("del", 2) => Ok(Request::Delete(key()?)),
            ("keys", 1) => Ok(Request::Keys),
            ("stat", 1) => Ok(Request::Stat),
            ("sql", 3) => Ok(Request::Sql(key()?, message.at(2).map_err(Refusal::Pickle)?)),
            _ => Err(Refusal::NoRequest),
        }
    }
}

/// Why something was not done. Its text begins with the Python exception that it stands for.
pub(crate) enum Refusal {
    /// What came was no frame.
    Frame(Damage),
    /// What came is no pickle, or does not fit the memory for it.
    Pickle(Error),
    /// The pickle is no request.
    NoRequest,
    /// The key or the statement is no str, or has lone surrogates.
    NoKey,
    /// There is no SQL in this program.
    NoTables,
    /// The parameters are not such as the statement takes.
    #[cfg(feature = "sql")]
    Parameters,
    /// The statement failed.
    #[cfg(feature = "sql")]
    Sql(larder::sqlite3::Error),
    /// The value is not plain data, at this byte of its request.
    NotPlain(usize),
    /// There is no such key.
    Missing,
    /// The store did not do it.
    Store(dbm::Error),
}

impl Refusal {
    /// The exception that Python would raise.
    fn exception(&self) -> &'static str {
        match self {
            Refusal::Pickle(error) => match error.kind {
                ErrorKind::OutOfSlots { .. } | ErrorKind::BufferTooSmall { .. } | ErrorKind::OutOfFuel => "MemoryError",
                ErrorKind::TooDeep => "RecursionError",
                _ => "UnpicklingError",
            },
            Refusal::NotPlain(_) | Refusal::Frame(_) | Refusal::NoRequest | Refusal::NoKey => "ValueError",
            Refusal::Missing => "KeyError",
            Refusal::NoTables => "NotSupportedError",
            #[cfg(feature = "sql")]
            Refusal::Parameters => "ProgrammingError",
            #[cfg(feature = "sql")]
            Refusal::Sql(error) => error.kind().exception(),
            Refusal::Store(error) => match error {
                dbm::Error::KeyTooLong { .. } | dbm::Error::ValueTooLong { .. } => "ValueError",
                dbm::Error::BufferTooSmall { .. } | dbm::Error::MemoryTooSmall { .. } => "MemoryError",
                dbm::Error::Full | dbm::Error::Flash(_) => "OSError",
                _ => "dbm.error",
            },
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.exception())?;
        f.write_str(": ")?;
        match self {
            Refusal::Frame(damage) => damage.fmt(f),
            Refusal::Pickle(error) => error.fmt(f),
            Refusal::NoRequest => f.write_str("no request"),
            Refusal::NoKey => f.write_str("the key or the statement is no str"),
            Refusal::NoTables => f.write_str("no tables here"),
            #[cfg(feature = "sql")]
            Refusal::Parameters => f.write_str("not the parameters of the statement"),
            #[cfg(feature = "sql")]
            Refusal::Sql(error) => error.fmt(f),
            Refusal::NotPlain(offset) => Error::new(ErrorKind::NotPlain, *offset).fmt(f),
            Refusal::Missing => f.write_str("no such key"),
            Refusal::Store(error) => error.fmt(f),
        }
    }
}
