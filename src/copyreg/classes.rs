//! Classes of Python's library as Rust types, ready-made: read from every form in which Python 2.7 and 3.6 to 3.15
//! pickle them, written in one that every Python from 3.6 on loads.
//!
//! | Python | here |
//! |---|---|
//! | `datetime.date`, `time`, `datetime`, `timedelta`, `timezone` | [`Date`], [`Time`], [`DateTime`], [`TimeDelta`], [`TimeZone`] |
//! | `decimal.Decimal`, `fractions.Fraction` | [`Decimal`] (text, or a pair), [`Fraction`] (a pair) |
//! | `complex`, `range`, `slice` | [`Complex`], [`Range`], [`Slice`] |
//! | `uuid.UUID` | [`Uuid`] |
//! | `OrderedDict`, `defaultdict`, `Counter`, `deque` | [`OrderedDict`], [`DefaultDict`], [`Counter`], [`Deque`] |
//! | `types.SimpleNamespace` | [`Namespace`] |
//! | `array.array` | [`Array`] |
//! | `pathlib.PurePosixPath` and its kin | [`Path`] |
//! | `set`, `frozenset`, `bytearray` | [`Set`], [`FrozenSet`], [`ByteArray`] |
//!
//! A namedtuple, a dataclass and an Enum are classes of your own: rows of a [`Registry`](super::Registry). Bytes of old
//! protocols are read wherever bytes are asked for.
//!
//! Asking for one of these types is what registers its class: it takes that class and nothing else. In formats other
//! than pickle they are plain structs; a format that has no objects (marshal) refuses them.

mod array;
mod collections;
mod date;
mod datetime;
mod number;
mod parts;
mod path;
mod plain;
mod uuid;

use super::{Class, State};

pub use array::{Array, PackedArray};
pub use collections::{Counter, DefaultDict, Deque, Factory, OrderedDict};
pub use date::{Date, DateTime, Time, TimeDelta, TimeZone};
pub use number::{Complex, Decimal, Fraction, Range, Slice};
pub use path::{Path, PathKind};
pub use plain::{ByteArray, FrozenSet, Namespace, Set};
pub use uuid::Uuid;

const fn call(module: &'static str, name: &'static str, rust: &'static str) -> Class {
    Class::reduce(module, name).rust(rust)
}

const fn path(name: &'static str) -> Class {
    let mut class = call("pathlib", name, "\0path");
    class.star = true;
    class
}

/// The rows of these types. serde's names of them begin with a NUL, which no Rust type's name does.
pub(crate) static ROWS: [Class; 27] = [
    call("datetime", "datetime", "\0datetime"),
    call("datetime", "date", "\0date"),
    call("datetime", "time", "\0time"),
    call("datetime", "timedelta", "\0timedelta"),
    call("datetime", "timezone", "\0timezone"),
    call("decimal", "Decimal", "\0Decimal"),
    call("fractions", "Fraction", "\0Fraction"),
    call("builtins", "complex", "\0complex"),
    call("builtins", "range", "\0range"),
    call("builtins", "slice", "\0slice"),
    Class::new("uuid", "UUID").rust("\0UUID"),
    call("collections", "OrderedDict", "\0OrderedDict").args(0).with_pairs(),
    call("collections", "defaultdict", "\0defaultdict").args(1).with_pairs(),
    call("collections", "defaultdict", "\0defaultdict.plain").args(0).with_pairs(),
    call("collections", "Counter", "\0Counter"),
    {
        let mut class = call("collections", "deque", "\0deque").args(2).with_items();
        class.places = Some(&["items", "maxlen"]);
        class
    },
    call("collections", "deque", "\0deque.unbounded").args(0).with_items(),
    call("types", "SimpleNamespace", "\0SimpleNamespace").args(0).state(State::Own),
    call("array", "array", "\0array"),
    {
        let mut class = call("array", "_array_reconstructor", "\0array");
        class.places = Some(&["type", "code", "format", "packed"]);
        class
    },
    call("builtins", "bytearray", "\0bytearray"),
    path("PurePosixPath"),
    path("PureWindowsPath"),
    path("PosixPath"),
    path("WindowsPath"),
    path("PurePath"),
    path("Path"),
];

/// The row that a type of this library is written by: `\0path.PosixPath` is the row of `\0path` for the class PosixPath.
pub(crate) fn row(rust: &str) -> Option<&'static Class> {
    let exact = ROWS.iter().find(|row| row.rust == rust);
    exact.or_else(|| {
        let (rust, name) = rust.split_once('.')?;
        ROWS.iter().find(|row| row.rust == rust && row.name == name)
    })
}
