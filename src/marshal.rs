//! Python's marshal: `loads` and `dumps` without an allocator, for every version of the format, 0 to 6.
//!
//! marshal is the format of `.pyc` files, and a fast one for plain values between a device and a Python of one's own
//! choosing: CPython promises to read its older versions, and changes code objects with each release. [`loads`] reads
//! every type code there has been, with CPython's checks: a stream that `marshal.loads` refuses is refused here, at the
//! byte of the offending type code (for a key or member that cannot be one: where its container ends). Nothing is run: a
//! code object is the values of its fields ([`code`]). They are another in each Python, so that it is read where somebody
//! says whose it is: [`Unmarshaller::python`], [`load_pyc`].
//!
//! ```
//! use larder::marshal;
//! use larder::object::Slot;
//!
//! // marshal.dumps({"t": 21.5, "ok": True})
//! let bytes = b"\xfb\xda\x01tg\x00\x00\x00\x00\x00\x805@\xda\x02okT0";
//! let mut slots = [Slot::EMPTY; 16];
//! let o = marshal::loads(bytes, &mut slots)?;
//! assert_eq!(o.get("t")?.as_f64()?, 21.5);
//! # Ok::<(), larder::object::Error>(())
//! ```
//!
//! # Limits
//!
//! Nesting as in CPython: 2,000 deep ([`typecode::MAX_DEPTH`]), in the slots lent and not on the stack. A stream of n
//! bytes needs at most 3 n + 8 slots, decoding takes time linear in n, and the input is at most 256 MiB.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::arithmetic_side_effects)]

mod atom;
pub mod code;
mod cursor;
mod fields;
mod reader;
#[cfg(feature = "serde")]
mod stream;
pub mod typecode;
mod writer;

use crate::object::{Error, ErrorKind, Object, Refused, Result, Slot, walk};
pub use code::{Header, Python};
use cursor::Rules;
pub use writer::Writer;

/// Whether what is done most has a short way besides the general one, which does the same: not where the code is to be small
/// (opt-level "s" or "z", see build.rs).
const SHORT_WAYS: bool = cfg!(fast);

/// The version that is written unless another is asked for, as in Python 3.4 to 3.13.
pub const DEFAULT_VERSION: u8 = 4;

/// The highest version there is, Python 3.15's.
pub const HIGHEST_VERSION: u8 = 6;

/// Reads the first value of `bytes` as the newest Python does. What follows it is ignored, as CPython ignores it. A code
/// object is refused: each Python has its own layout of them, and here nobody has said which
/// ([`Unmarshaller::python`] does).
pub fn loads<'a>(bytes: &'a [u8], slots: &'a mut [Slot]) -> Result<Object<'a>> {
    Unmarshaller::new().loads(bytes, slots)
}

/// How many slots [`loads`] needs for these bytes.
pub fn slots_needed(bytes: &[u8]) -> Result<usize> {
    Unmarshaller::new().slots_needed(bytes)
}

/// A reader with other rules than the usual ones.
#[derive(Debug, Clone, Copy)]
pub struct Unmarshaller {
    rules: Rules,
}

#[cfg(feature = "defmt")]
impl defmt::Format for Unmarshaller {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Unmarshaller");
    }
}

impl Default for Unmarshaller {
    fn default() -> Self {
        Unmarshaller::new()
    }
}

impl Unmarshaller {
    /// The rules of the newest Python, without code objects.
    pub const fn new() -> Self {
        Unmarshaller { rules: Rules::new(Python::NEWEST, None) }
    }

    /// The stream was written by this Python: only its type codes are known, and code objects, which have another layout
    /// in each, are read as its own.
    pub const fn python(self, python: Python) -> Self {
        Unmarshaller { rules: Rules::new(python, Some(fields::fields)) }
    }

    /// Whether code objects are allowed, as 3.13's `allow_code`: from [`Unmarshaller::python`] on they are, before they
    /// are not, as nobody has said whose they would be.
    pub const fn allow_code(self, allow: bool) -> Self {
        let code: Option<cursor::Fields> = if allow { Some(fields::fields) } else { None };
        Unmarshaller { rules: Rules::new(self.rules.python, code) }
    }

    /// Reads the first value of `bytes`. Too few slots: [`ErrorKind::OutOfSlots`] says how many are enough for so many
    /// bytes, and [`Unmarshaller::slots_needed`] how many these bytes take.
    pub fn loads<'a>(&self, bytes: &'a [u8], slots: &'a mut [Slot]) -> Result<Object<'a>> {
        reader::read(&self.rules, bytes, &mut 0, slots)
    }

    /// Reads the value at byte `at`, and answers the place behind it: where the next one stands, as Python's
    /// `marshal.load` leaves its file. References do not cross from one value to the next.
    pub fn load<'a>(&self, bytes: &'a [u8], at: usize, slots: &'a mut [Slot]) -> Result<(Object<'a>, usize)> {
        let mut at = at;
        let object = reader::read(&self.rules, bytes, &mut at, slots)?;
        Ok((object, at))
    }

    /// Decodes the first value of `bytes` into a `T`, see [`from_slice`].
    #[cfg(feature = "serde")]
    pub fn from_slice<'a, T: serde::Deserialize<'a>>(&self, bytes: &'a [u8], slots: &'a mut [Slot]) -> Result<T> {
        if self.rules.has_references()
            && bytes.len() <= Slot::MAX_INPUT
            && let Ok(value) = stream::from_slice(bytes, slots)
        {
            return Ok(value);
        }
        match &self.loads(bytes, slots) {
            Ok(object) => crate::object::serde::from_object(object, crate::object::serde::Limits::of(bytes)),
            Err(error) => Err(*error),
        }
    }

    /// How many slots reading the first value of `bytes` wants: in one pass and exact, but where it is nested deeper than
    /// 60; then the answer is the most that so many bytes can want.
    pub fn slots_needed(&self, bytes: &[u8]) -> Result<usize> {
        reader::slots_needed(&self.rules, bytes)
    }
}

/// Reads a whole `.pyc` file: its header, and the code object behind it by the rules of the Python that wrote it.
/// [`UnknownProtocol`](crate::object::ErrorKind::UnknownProtocol) for a magic number that is not known (ImportError).
pub fn load_pyc<'a>(file: &'a [u8], slots: &'a mut [Slot]) -> Result<(Header, Object<'a>)> {
    let header = Header::read(file)?;
    let (object, _) = Unmarshaller::new().python(header.python).load(file, header.len, slots)?;
    Ok((header, object))
}

/// Encodes a value with version 4. Answers the part of `buf` that was used.
#[cfg(feature = "serde")]
pub fn dumps<'b, T: serde::Serialize + ?Sized>(value: &T, buf: &'b mut [u8]) -> Result<&'b [u8]> {
    Marshaller::new(buf).dumps(value)
}

/// Decodes the first value of `bytes` into a `T`, which may borrow from `bytes`.
///
/// Plain data that the type reads to its end is read straight from the stream: `slots` are then needed only for values
/// that can be referred to, one each, and none if the stream has none. Everything else (an enum with content, text of
/// version 0, an error that wants a place) goes by way of [`loads`] and needs [`slots_needed`] slots.
#[cfg(feature = "serde")]
pub fn from_slice<'a, T: serde::Deserialize<'a>>(bytes: &'a [u8], slots: &'a mut [Slot]) -> Result<T> {
    Unmarshaller::new().from_slice(bytes, slots)
}

/// How a stream is written. [`dumps`] is a marshaller with the defaults.
///
/// Versions 0 to 2 are written byte for byte as CPython writes them, sets in the order of Python 3.11 and later. From
/// version 3 on the meaning is the same; CPython's flags there depend on its reference counts.
pub struct Marshaller<'b> {
    buf: &'b mut [u8],
    version: u8,
    allow_code: bool,
    old: Option<&'static writer::Old>,
}

impl core::fmt::Debug for Marshaller<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Marshaller").field("version", &self.version).finish_non_exhaustive()
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for Marshaller<'_> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Marshaller");
    }
}

impl<'b> Marshaller<'b> {
    /// A marshaller into this buffer, with version 4, code objects allowed.
    pub fn new(buf: &'b mut [u8]) -> Self {
        Marshaller { buf, version: DEFAULT_VERSION, allow_code: true, old: None }
    }

    /// With this version, 0 to [`HIGHEST_VERSION`]. Another one is an error when something is written.
    ///
    /// Where it is a constant of 3 or more, what the older ones want is not linked: 2 KB.
    #[inline(always)]
    pub fn version(self, version: u8) -> Self {
        let old = if version < 3 { Some(&writer::OLD) } else { None };
        Marshaller { version, old, ..self }
    }

    /// Whether code objects are allowed, as 3.13's `allow_code`.
    pub fn allow_code(self, allow_code: bool) -> Self {
        Marshaller { allow_code, ..self }
    }

    /// Encodes a value; answers the part of the buffer that was used.
    #[cfg(feature = "serde")]
    pub fn dumps<T: serde::Serialize + ?Sized>(self, value: &T) -> Result<&'b [u8]> {
        self.write(|writer| writer.value(value))
    }

    /// Encodes a decoded object, of marshal data or of a pickle. `scratch` takes one slot per shared value
    /// ([`Object::shared_count`]) and [`SLOTS_PER_LEVEL`](walk::SLOTS_PER_LEVEL) per container in a container.
    ///
    /// From version 3 on shared values stay shared. Below they are written each time they come, as CPython does it: what
    /// unfolds into more than 16 values a byte of its stream is [`ErrorKind::OutOfFuel`], and a value inside itself is that
    /// or [`ErrorKind::TooDeep`]. What marshal cannot carry (a global, a call) is [`ErrorKind::Unsupported`] at its place in
    /// the object's stream.
    pub fn recode(self, object: &Object<'_>, scratch: &mut [Slot]) -> Result<&'b [u8]> {
        let (shared, stack) = walk::part(object, scratch)?;
        let fuel = match self.version {
            ..3 => object.tree().input_len().saturating_mul(16).saturating_add(64),
            _ => usize::MAX,
        };
        let mut failed = None;
        let written = self.write_shared(shared, |emit| {
            walk::emit(object, emit, stack, u32::try_from(fuel).unwrap_or(u32::MAX)).map_err(|error| {
                failed = Some(error);
                Refused::Custom
            })
        });
        failed.map_or(written, Err)
    }

    /// Encodes what `write` emits: one value.
    ///
    /// The [`Writer`] is an [`Emit`](crate::object::Emit).
    pub fn write(self, write: impl FnOnce(&mut Writer<'_>) -> Result<(), Refused>) -> Result<&'b [u8]> {
        self.write_shared(&mut [], write)
    }

    fn write_shared(
        self,
        shared: &mut [Slot],
        write: impl FnOnce(&mut Writer<'_>) -> Result<(), Refused>,
    ) -> Result<&'b [u8]> {
        if self.version > HIGHEST_VERSION {
            return Err(Error::new(ErrorKind::UnknownProtocol(self.version), 0));
        }
        let buf = self.buf;
        let mut writer = Writer::new(&mut *buf, self.version, self.allow_code, self.old);
        writer.set_shared(shared);
        let written = write(&mut writer).and_then(|()| writer.finish());
        let at = writer.position();
        match written {
            Ok(()) => (buf as &'b [u8]).get(..at).ok_or(Error::new(ErrorKind::BufferTooSmall { needed: at }, 0)),
            Err(refused) => Err(Error::new(refused.into(), at)),
        }
    }
}
