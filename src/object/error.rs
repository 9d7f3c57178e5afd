//! What goes wrong in decoding, reading and encoding, and where.

use super::emit::Refused;
use crate::message;

/// What went wrong. Each variant names the Python exception that it stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ErrorKind {
    /// The input ends too early (EOFError, `UnpicklingError: pickle data was truncated`).
    Truncated,
    /// A byte that is no opcode or type code (`UnpicklingError: invalid load key`, `ValueError: bad marshal data`).
    UnknownCode(u8),
    /// A protocol or version above the highest known (`ValueError: unsupported pickle protocol`).
    UnknownProtocol(u8),
    /// An opcode wants more from the stack than is there (`UnpicklingError: unpickling stack underflow`).
    StackUnderflow,
    /// An opcode wants a mark and there is none (`UnpicklingError: could not find MARK`).
    NoMark,
    /// The memo, or the list of references, has no such entry (`UnpicklingError: Memo value not found`).
    NoSuchEntry,
    /// The memo has this entry already (pickletools: `ValueError: memo key already defined`).
    DuplicateEntry,
    /// Values are left on the stack at the end (pickletools: `ValueError: stack not empty after STOP`).
    LeftOver,
    /// An argument that no writer writes: a negative length, a number that is none (ValueError, OverflowError).
    BadArgument,
    /// Text that is not in its encoding, or a broken escape (UnicodeDecodeError, ValueError).
    BadText,
    /// A value of a kind that this place does not allow (TypeError, AttributeError).
    WrongKind,
    /// A dict key or a member of a set that cannot be one (`TypeError: unhashable type`).
    Unhashable,
    /// Keys without a value at the end of a batch (`UnpicklingError: odd number of items for SETITEMS`).
    OddItems,
    /// More slots are needed: so many are enough (MemoryError).
    OutOfSlots {
        /// The number of slots that is enough.
        needed: usize,
    },
    /// The input is longer than 256 MiB, which is as far as a slot can point (OverflowError).
    TooLong,
    /// Containers in containers, deeper than the limit (RecursionError).
    TooDeep,
    /// The value unfolds into more than the limit allows: shared containers in shared containers (MemoryError).
    OutOfFuel,
    /// The buffer is too small: so many bytes are enough (MemoryError).
    BufferTooSmall {
        /// The number of bytes that is enough.
        needed: usize,
    },
    /// The value is of another type than the one asked for (TypeError).
    UnexpectedType,
    /// This field's value is of another type than the one asked for (TypeError).
    FieldType(&'static str),
    /// This field is missing (KeyError).
    MissingField(&'static str),
    /// This field is there twice (no Python counterpart: a dict keeps the last).
    DuplicateField(&'static str),
    /// A field that the type does not have and does not ignore (TypeError).
    UnknownField,
    /// A name that is no variant of the enum (ValueError).
    UnknownVariant,
    /// A sequence or tuple of another length than the type's (`ValueError: not enough values to unpack`).
    WrongLength,
    /// A number that does not fit the type asked for (OverflowError).
    OutOfRange,
    /// Text that cannot be borrowed as it is: it has escapes, lone surrogates or another encoding (UnicodeDecodeError).
    NotBorrowable,
    /// More than plain data: an object, a reference to a container, a form that picklers do not write (no Python
    /// counterpart).
    NotPlain,
    /// A class or function that is not in the registry given (`UnpicklingError: global is forbidden`).
    NotRegistered,
    /// A persistent id, and no function was given that knows it (`UnpicklingError: unsupported persistent id`).
    NoPersistentLoad,
    /// An out-of-band buffer that was not given (`UnpicklingError: not enough out-of-band buffers`).
    NoBuffer,
    /// The protocol or version chosen cannot carry this value (PicklingError, `ValueError: unmarshallable object`).
    Unsupported,
    /// The sink that was written to failed (OSError).
    Write,
    /// A type's own Serialize or Deserialize refused (ValueError).
    Custom,
}

/// What went wrong, and at which byte of the input (in reading) or of the output (in writing).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Error {
    /// What went wrong.
    pub kind: ErrorKind,
    /// The place: the byte where the offending opcode, atom or container begins.
    pub offset: usize,
}

/// The result of a codec's function.
pub type Result<T, E = Error> = core::result::Result<T, E>;

impl Error {
    /// An error of this kind at this byte.
    pub const fn new(kind: ErrorKind, offset: usize) -> Self {
        Error { kind, offset }
    }
}

impl core::fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let text = match self {
            ErrorKind::Truncated => "the input ends too early",
            ErrorKind::UnknownCode(_) => "no such code: {}",
            ErrorKind::UnknownProtocol(_) => "no such protocol or version: {}",
            ErrorKind::StackUnderflow => "the stack is empty",
            ErrorKind::NoMark => "there is no mark",
            ErrorKind::NoSuchEntry => "no such entry in the memo",
            ErrorKind::DuplicateEntry => "the memo has this entry already",
            ErrorKind::LeftOver => "values are left on the stack",
            ErrorKind::BadArgument => "an argument that makes no sense",
            ErrorKind::BadText => "text that is not in its encoding",
            ErrorKind::WrongKind => "a value of a kind that this place does not allow",
            ErrorKind::Unhashable => "a key or member that is not hashable",
            ErrorKind::OddItems => "a key without a value",
            ErrorKind::OutOfSlots { .. } => "too few slots: {} are enough",
            ErrorKind::TooLong => "the input is longer than 256 MiB",
            ErrorKind::TooDeep => "nested too deeply",
            ErrorKind::OutOfFuel => "unfolds into too much",
            ErrorKind::BufferTooSmall { .. } => "the buffer is too small: {} bytes are enough",
            ErrorKind::UnexpectedType => "a value of another type than asked for",
            ErrorKind::UnknownField => "a field that the type does not have",
            ErrorKind::UnknownVariant => "no such variant",
            ErrorKind::WrongLength => "a sequence of another length than asked for",
            ErrorKind::OutOfRange => "a number that does not fit",
            ErrorKind::NotBorrowable => "text that cannot be borrowed as it is",
            ErrorKind::NotPlain => "more than plain data",
            ErrorKind::NotRegistered => "a global that is not registered",
            ErrorKind::NoPersistentLoad => "a persistent id that nobody knows",
            ErrorKind::NoBuffer => "an out-of-band buffer that was not given",
            ErrorKind::Unsupported => "the protocol cannot carry this value",
            ErrorKind::Write => "the sink failed",
            ErrorKind::Custom => "the type refused the value",
            ErrorKind::FieldType(_) => "field `{}` is of another type than asked for",
            ErrorKind::MissingField(_) => "field `{}` is missing",
            ErrorKind::DuplicateField(_) => "field `{}` is there twice",
        };
        match *self {
            ErrorKind::UnknownCode(code) => message::hexadecimal(f, text, code),
            ErrorKind::UnknownProtocol(protocol) => message::numbered(f, text, protocol.into()),
            ErrorKind::OutOfSlots { needed } | ErrorKind::BufferTooSmall { needed } => {
                message::numbered(f, text, needed)
            }
            ErrorKind::FieldType(name) | ErrorKind::MissingField(name) | ErrorKind::DuplicateField(name) => {
                message::named(f, text, name)
            }
            _ => f.write_str(text),
        }
    }
}

impl core::fmt::Display for Error {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.kind.fmt(f)?;
        message::numbered(f, " at byte {}", self.offset)
    }
}

impl core::error::Error for Error {}

impl From<Refused> for ErrorKind {
    fn from(refused: Refused) -> ErrorKind {
        match refused {
            Refused::Unsupported | Refused::Unsized => ErrorKind::Unsupported,
            Refused::TooLong => ErrorKind::TooLong,
            Refused::TooDeep => ErrorKind::TooDeep,
            Refused::OutOfFuel => ErrorKind::OutOfFuel,
            Refused::OutOfSlots => ErrorKind::OutOfSlots { needed: usize::MAX },
            Refused::Write => ErrorKind::Write,
            Refused::Custom => ErrorKind::Custom,
        }
    }
}
