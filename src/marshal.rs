//! Python's marshal: `loads` and `dumps` without an allocator, for every version of the format, 0 to 6.
//!
//! marshal is the format of `.pyc` files, and a fast one for plain values between a device and a Python of one's own
//! choosing: CPython promises to read its older versions, and changes code objects with each release. [`loads`] reads
//! every type code there has been, with CPython's checks: a stream that `marshal.loads` refuses is refused here, at the
//! byte of the offending type code. Nothing is run: a code object is the values of its fields ([`code`]).
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
mod head;
mod reader;
mod scan;
pub mod typecode;

use crate::object::{Error, Object, Result, Slot};
pub use code::{Header, Python};
use head::Reading;

/// Reads the first value of `bytes` as the newest Python does. What follows it is ignored, as CPython ignores it.
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
    reading: Reading,
}

impl Default for Unmarshaller {
    fn default() -> Self {
        Unmarshaller::new()
    }
}

impl Unmarshaller {
    /// The rules of the newest Python, code objects allowed.
    pub const fn new() -> Self {
        Unmarshaller { reading: Reading::new(Python::NEWEST, true) }
    }

    /// The stream was written by this Python: code objects have its layout, and only its type codes are known.
    pub const fn python(self, python: Python) -> Self {
        Unmarshaller { reading: Reading::new(python, self.reading.allow_code) }
    }

    /// Whether code objects are allowed, as 3.13's `allow_code`.
    pub const fn allow_code(self, allow: bool) -> Self {
        Unmarshaller { reading: Reading::new(self.reading.python, allow) }
    }

    /// Reads the first value of `bytes`.
    pub fn loads<'a>(&self, bytes: &'a [u8], slots: &'a mut [Slot]) -> Result<Object<'a>> {
        Ok(self.load(bytes, 0, slots)?.0)
    }

    /// Reads the value at byte `at`, and answers the place behind it: where the next one stands, as Python's
    /// `marshal.load` leaves its file. References do not cross from one value to the next.
    pub fn load<'a>(&self, bytes: &'a [u8], at: usize, slots: &'a mut [Slot]) -> Result<(Object<'a>, usize)> {
        reader::read(self.reading, bytes, at, slots)
    }

    /// How many slots reading the first value of `bytes` needs: in one pass, exact but for values referred to twice,
    /// whose cells are counted twice. Nested deeper than 60, the answer is the most that so many bytes can need.
    pub fn slots_needed(&self, bytes: &[u8]) -> Result<usize> {
        scan::slots_needed(&self.reading, bytes).map_err(|(kind, at)| Error::new(kind, at))
    }
}

/// Reads a whole `.pyc` file: its header, and the code object behind it by the rules of the Python that wrote it.
/// [`UnknownProtocol`](crate::object::ErrorKind::UnknownProtocol) for a magic number that is not known (ImportError).
pub fn load_pyc<'a>(file: &'a [u8], slots: &'a mut [Slot]) -> Result<(Header, Object<'a>)> {
    let header = Header::read(file)?;
    let (object, _) = Unmarshaller::new().python(header.python).load(file, header.len, slots)?;
    Ok((header, object))
}
