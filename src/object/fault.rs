//! [`Fault`]: what goes wrong while something is decoded, small enough for a register.

use super::error::{Error, ErrorKind};

/// What goes wrong in the arena. The codec knows the place and makes an [`Error`] of it.
///
/// As wide as what functions answer else, so that either comes back in the same registers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(crate) enum Fault {
    /// The slots do not suffice, although the codec counted beforehand that they would.
    Full,
    /// There is nothing above the topmost mark.
    Underflow,
    /// There is no mark.
    NoMark,
    /// See the [`ErrorKind`] of the same name; so are those that follow.
    Truncated,
    /// A byte that is no code, a protocol that is none: the codec knows which.
    UnknownCode,
    /// See there.
    UnknownProtocol,
    /// Longer than a slot can point.
    TooLong,
    /// Not in the memo.
    NoSuchEntry,
    /// An argument that makes no sense.
    BadArgument,
    /// Text that is not in its encoding.
    BadText,
    /// A value of a kind that this place does not allow.
    WrongKind,
    /// A key or member that is not hashable.
    Unhashable,
    /// A key without a value.
    OddItems,
    /// Containers in containers, deeper than the format allows.
    TooDeep,
}

impl Fault {
    /// The error of what went wrong at a byte of the input.
    #[cold]
    pub(crate) fn at(self, input: &[u8], at: usize) -> Error {
        let byte = |at: usize| input.get(at).copied().unwrap_or(0);
        let kind = match self {
            Fault::UnknownCode => ErrorKind::UnknownCode(byte(at)),
            Fault::UnknownProtocol => ErrorKind::UnknownProtocol(byte(at.wrapping_add(1))),
            _ => self.into(),
        };
        Error::new(kind, at)
    }
}

impl From<Fault> for ErrorKind {
    fn from(fault: Fault) -> ErrorKind {
        match fault {
            Fault::Full => ErrorKind::OutOfSlots { needed: usize::MAX },
            Fault::Underflow => ErrorKind::StackUnderflow,
            Fault::NoMark => ErrorKind::NoMark,
            Fault::Truncated => ErrorKind::Truncated,
            Fault::UnknownCode => ErrorKind::UnknownCode(0),
            Fault::UnknownProtocol => ErrorKind::UnknownProtocol(0),
            Fault::TooLong => ErrorKind::TooLong,
            Fault::NoSuchEntry => ErrorKind::NoSuchEntry,
            Fault::BadArgument => ErrorKind::BadArgument,
            Fault::BadText => ErrorKind::BadText,
            Fault::WrongKind => ErrorKind::WrongKind,
            Fault::Unhashable => ErrorKind::Unhashable,
            Fault::OddItems => ErrorKind::OddItems,
            Fault::TooDeep => ErrorKind::TooDeep,
        }
    }
}

/// A step's outcome.
pub(crate) type Step<T = ()> = core::result::Result<T, Fault>;
