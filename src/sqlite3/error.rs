//! What goes wrong with SQL.
//!
//! Contract: an [`Error`] is a kind and the offset of its place in the SQL text. It holds no text of its own; each kind
//! names the class of Python's exception that it stands for. It is 32 bits long, so that results come back in registers: with
//! the kinds that say how much was needed, that number stands where the offset is otherwise.

use core::num::NonZeroU32;

/// A kind of error, and where in the SQL text it was found (for errors while rows are made: 0).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Error(NonZeroU32);

/// The largest offset or need that an error keeps.
const MOST: usize = 0xff_ffff;

impl Error {
    /// How an instruction says that a row is ready, or that the program ends. These never leave the machine.
    pub(crate) const ROW: Self = Self::signal(1);
    pub(crate) const DONE: Self = Self::signal(2);

    /// What is no error: its kind is 0.
    const fn signal(number: u8) -> Self {
        match NonZeroU32::new((number as u32) << 8) {
            Some(signal) => Error(signal),
            None => Error(NonZeroU32::MIN),
        }
    }

    /// [`ErrorKind::Limit`]: so many bytes are needed.
    #[cfg_attr(fast, inline)]
    #[cfg_attr(not(fast), inline(never))]
    pub fn limit(needed: usize) -> Self {
        Self::new(ErrorKind::Limit, needed)
    }

    #[inline]
    fn new(kind: ErrorKind, number: usize) -> Self {
        Self::of(kind as u8, number)
    }

    /// The kind in the low byte, and the number above it.
    #[inline]
    fn of(kind: u8, number: usize) -> Self {
        Error(NonZeroU32::new(u32::from(kind) | (number.min(MOST) as u32) << 8).unwrap_or(NonZeroU32::MIN))
    }

    /// What went wrong.
    pub fn kind(self) -> ErrorKind {
        ErrorKind::ALL.get(usize::from(self.0.get() as u8).wrapping_sub(1)).copied().unwrap_or(ErrorKind::Internal)
    }

    /// Whether it is of this kind.
    #[inline]
    pub fn is(self, kind: ErrorKind) -> bool {
        self.0.get() as u8 == kind as u8
    }

    fn number(self) -> usize {
        (self.0.get() >> 8) as usize
    }

    fn has_need(self) -> bool {
        self.is(ErrorKind::Limit) || self.is(ErrorKind::Cursors)
    }

    /// Offset in bytes into the statement's text, up to 16 MiB; 0 if the error says what is needed instead.
    pub fn offset(self) -> usize {
        if self.has_need() { 0 } else { self.number() }
    }

    /// What was needed: bytes of memory ([`ErrorKind::Limit`]) or the store's cursors ([`ErrorKind::Cursors`]).
    pub fn needed(self) -> Option<usize> {
        self.has_need().then_some(self.number())
    }

    /// The same error, at a place; one that says what is needed stays as it is.
    #[must_use]
    #[cfg_attr(not(fast), inline(never))]
    pub(crate) fn at(self, offset: usize) -> Self {
        if self.has_need() { self } else { Self::of(self.0.get() as u8, offset) }
    }

    /// The same error; where memory is too small, so many bytes more are needed.
    #[must_use]
    #[cfg_attr(not(fast), inline(never))]
    pub(crate) fn more(self, bytes: usize) -> Self {
        if self.is(ErrorKind::Limit) { Self::limit(self.number().saturating_add(bytes)) } else { self }
    }
}

impl core::fmt::Debug for Error {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let name = if self.has_need() { "needed" } else { "offset" };
        f.debug_struct("Error").field("kind", &self.kind()).field(name, &self.number()).finish()
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for Error {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "{} ({})", self.kind(), self.number());
    }
}

/// What went wrong.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[repr(u8)]
pub enum ErrorKind {
    /// SQLite's dialect has it, larder has not. Python: `sqlite3.NotSupportedError`.
    Unsupported = 1,
    /// No statement of SQL. Python: `sqlite3.OperationalError`.
    Syntax,
    /// No such table or view. Python: `sqlite3.OperationalError`.
    NoSuchTable,
    /// No such column. Python: `sqlite3.OperationalError`.
    NoSuchColumn,
    /// No such index. Python: `sqlite3.OperationalError`.
    NoSuchIndex,
    /// No such function. Python: `sqlite3.OperationalError`.
    NoSuchFunction,
    /// No such collation. Python: `sqlite3.OperationalError`.
    NoSuchCollation,
    /// No such savepoint. Python: `sqlite3.OperationalError`.
    NoSuchSavepoint,
    /// A column name that more than one table has. Python: `sqlite3.OperationalError`.
    Ambiguous,
    /// A table or index of this name exists. Python: `sqlite3.OperationalError`.
    AlreadyExists,
    /// What is in the schema does not go together: a column twice, two primary keys, a wrong number of columns, a table
    /// that may not be changed. Python: `sqlite3.OperationalError`.
    Schema,
    /// A function with a wrong number of arguments. Python: `sqlite3.OperationalError`.
    WrongArguments,
    /// An aggregate where none can stand. Python: `sqlite3.OperationalError`.
    MisusedAggregate,
    /// A UNIQUE constraint failed. Python: `sqlite3.IntegrityError`.
    Unique,
    /// A NOT NULL constraint failed. Python: `sqlite3.IntegrityError`.
    NotNull,
    /// A CHECK constraint failed. Python: `sqlite3.IntegrityError`.
    Check,
    /// A value that is no integer where one must be: a rowid, a LIMIT. Python: `sqlite3.IntegrityError`.
    Mismatch,
    /// "integer overflow". Python: `sqlite3.OperationalError` (`OverflowError` for parameters).
    Overflow,
    /// A typed read of a row found another storage class. Python: `TypeError`.
    Type,
    /// The memory lent is too small: [`Error::needed`] says how many bytes it takes, as far as it is known. Python:
    /// `MemoryError`.
    Limit,
    /// The store keeps too few cursors: [`Error::needed`] says how many it takes. Python: `MemoryError`.
    Cursors,
    /// More of something than a statement can have: 250 columns, 32 KiB of text, 60 values on the stack; the documentation lists
    /// them. Python: `sqlite3.OperationalError`.
    TooBig,
    /// No room left in the store. Python: `sqlite3.OperationalError` ("database or disk is full").
    Full,
    /// A verb that cannot be used now, or with these arguments. Python: `sqlite3.ProgrammingError`.
    Misuse,
    /// A wrong number of parameters. Python: `sqlite3.ProgrammingError`.
    Parameters,
    /// BEGIN inside of a transaction, COMMIT without one. Python: `sqlite3.OperationalError`.
    Transaction,
    /// The rows changed while a SELECT that needs several passes was being read. Python: `sqlite3.OperationalError`.
    Busy,
    /// The step bound was reached, or `interrupt` was called. Python: `sqlite3.OperationalError` ("interrupted").
    Interrupted,
    /// The flash failed. Python: `sqlite3.OperationalError`.
    Io,
    /// What the store holds is not what was written. Python: `sqlite3.DatabaseError`.
    Corrupt,
    /// A defect of larder. Python: `sqlite3.InternalError`.
    Internal,
}

/// The class of an error, as the line protocol of the host tool names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[allow(missing_docs)]
pub enum Class {
    Unsupported,
    Syntax,
    Schema,
    Constraint,
    Type,
    Overflow,
    Limit,
    Full,
    Misuse,
    Busy,
    Io,
    Internal,
}

impl Class {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Class::Unsupported => "unsupported",
            Class::Syntax => "syntax",
            Class::Schema => "schema",
            Class::Constraint => "constraint",
            Class::Type => "type",
            Class::Overflow => "overflow",
            Class::Limit => "limit",
            Class::Full => "full",
            Class::Misuse => "misuse",
            Class::Busy => "busy",
            Class::Io => "io",
            Class::Internal => "internal",
        }
    }
}

impl ErrorKind {
    /// Its class.
    pub fn class(self) -> Class {
        use ErrorKind::*;
        match self {
            Unsupported => Class::Unsupported,
            Syntax => Class::Syntax,
            NoSuchTable | NoSuchColumn | NoSuchIndex | NoSuchFunction | NoSuchCollation | NoSuchSavepoint
            | Ambiguous | AlreadyExists | Schema | WrongArguments | MisusedAggregate => Class::Schema,
            Unique | NotNull | Check => Class::Constraint,
            Mismatch | Type => Class::Type,
            Overflow => Class::Overflow,
            Limit | Cursors | TooBig => Class::Limit,
            Full => Class::Full,
            Misuse | Parameters | Transaction => Class::Misuse,
            Busy | Interrupted => Class::Busy,
            Io | Corrupt => Class::Io,
            Internal => Class::Internal,
        }
    }

    /// The exception that Python's `sqlite3` raises then, without its module: `TypeError` and `MemoryError` are built in,
    /// the others are of `sqlite3`.
    pub fn exception(self) -> &'static str {
        use ErrorKind::*;
        match self {
            Unsupported => "NotSupportedError",
            Unique | NotNull | Check | Mismatch => "IntegrityError",
            Type => "TypeError",
            Limit | Cursors => "MemoryError",
            Misuse | Parameters => "ProgrammingError",
            Corrupt => "DatabaseError",
            Internal => "InternalError",
            _ => "OperationalError",
        }
    }

    /// As an error at a place.
    #[inline]
    pub(crate) fn at(self, offset: usize) -> Error {
        Error::new(self, offset)
    }

    /// All of them, in the order of their numbers, which begin at 1.
    const ALL: &[ErrorKind] = {
        use ErrorKind::*;
        &[
            Unsupported,
            Syntax,
            NoSuchTable,
            NoSuchColumn,
            NoSuchIndex,
            NoSuchFunction,
            NoSuchCollation,
            NoSuchSavepoint,
            Ambiguous,
            AlreadyExists,
            Schema,
            WrongArguments,
            MisusedAggregate,
            Unique,
            NotNull,
            Check,
            Mismatch,
            Overflow,
            Type,
            Limit,
            Cursors,
            TooBig,
            Full,
            Misuse,
            Parameters,
            Transaction,
            Busy,
            Interrupted,
            Io,
            Corrupt,
            Internal,
        ]
    };
}

impl From<ErrorKind> for Error {
    #[inline]
    fn from(kind: ErrorKind) -> Self {
        kind.at(0)
    }
}

impl core::fmt::Display for Error {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match (self.kind(), self.number()) {
            (ErrorKind::Limit, needed) => write!(f, "the memory lent is too small: {needed} bytes are needed"),
            (ErrorKind::Cursors, needed) => write!(f, "the store keeps too few cursors: {needed} are needed"),
            (kind, offset) => write!(f, "{kind} at offset {offset}"),
        }
    }
}

impl core::error::Error for Error {}

impl core::fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        use ErrorKind::*;
        f.write_str(match self {
            Unsupported => "not supported",
            Syntax => "syntax error",
            NoSuchTable => "no such table",
            NoSuchColumn => "no such column",
            NoSuchIndex => "no such index",
            NoSuchFunction => "no such function",
            NoSuchCollation => "no such collation sequence",
            NoSuchSavepoint => "no such savepoint",
            Ambiguous => "ambiguous column name",
            AlreadyExists => "already exists",
            Schema => "does not fit the schema",
            WrongArguments => "wrong arguments to a function",
            MisusedAggregate => "misuse of an aggregate",
            Unique => "UNIQUE constraint failed",
            NotNull => "NOT NULL constraint failed",
            Check => "CHECK constraint failed",
            Mismatch => "datatype mismatch",
            Overflow => "integer overflow",
            Type => "not of the type asked for",
            Limit => "the memory lent is too small",
            Cursors => "the store keeps too few cursors",
            TooBig => "more than a statement can have",
            Full => "the store is full",
            Misuse => "misuse",
            Parameters => "wrong number of parameters",
            Transaction => "no transaction, or one too many",
            Busy => "the rows changed while they were read",
            Interrupted => "interrupted",
            Io => "the flash failed",
            Corrupt => "the store is malformed",
            Internal => "internal error",
        })
    }
}

/// What the verbs of this module return.
pub type Result<T, E = Error> = core::result::Result<T, E>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_come_back() {
        for (at, &kind) in ErrorKind::ALL.iter().enumerate() {
            assert_eq!(kind as usize, at + 1);
            assert_eq!((kind.at(7).kind(), kind.at(7).number()), (kind, 7));
        }
        assert_eq!(ErrorKind::Internal as usize, ErrorKind::ALL.len());
    }

    /// Each kind's documentation ends with `Python:` and the exception.
    #[test]
    fn exceptions_are_those_of_the_documentation() {
        let (_, kinds) = include_str!("error.rs").split_once("pub enum ErrorKind {").unwrap();
        let (kinds, _) = kinds.split_once("\n}").unwrap();
        let told: Vec<_> = kinds.split("Python:").skip(1).map(|rest| rest.split('`').nth(1).unwrap()).collect();
        assert_eq!(told.len(), ErrorKind::ALL.len());
        for (kind, told) in ErrorKind::ALL.iter().zip(told) {
            assert_eq!(kind.exception(), told.trim_start_matches("sqlite3."), "{kind:?}");
        }
    }
}
