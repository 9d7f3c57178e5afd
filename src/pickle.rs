//! Python's pickle: `loads` and `dumps` without an allocator.
//!
//! # Limits
//!
//! - A pickle is at most 256 MiB long. It takes at most 4 slots a byte ([`slots_needed`] says how many), decoding takes
//!   time linear in its length (n log n where it reads entries of the memo beyond 1,024), and no recursion at all.
//! - Typed reading goes 64 containers deep ([`Unpickler::depth`]; `TooDeep`), and what is referred to more than once
//!   unfolds into at most 16 items a byte of the pickle ([`Unpickler::fuel`]; `OutOfFuel`).
//! - What a pickle calls and then drops is not kept: the call of a `state_setter`, the sixth item of `__reduce__`'s tuple,
//!   leaves no trace in the object that it was about.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::arithmetic_side_effects)]

mod action;
mod atom;
mod batches;
#[cfg(feature = "fix_imports")]
pub mod compat;
mod dis;
mod emit;
mod interned;
mod machine;
mod memo;
mod names;
mod number;
mod old;
pub mod opcode;
mod out;
mod pickler;
mod rare;
mod rename;
mod scan;
mod shape;
#[cfg(feature = "serde")]
mod stream;
mod tools;
mod unpickler;
mod values;
mod writer;

use crate::object::{Object, Result, Slot};
use scan::Plan;

pub use crate::object::Encoding;
pub use crate::object::{Error, ErrorKind};
pub use dis::dis;
pub use names::Name;
pub use pickler::Pickler;
pub use tools::{Genops, Op, Value, genops, optimize, scan};
pub use unpickler::Unpickler;
pub use writer::Writer;

/// The attacks that are known, what becomes of them here, and the tests that hold it.
#[doc = include_str!("pickle/HOSTILE.md")]
pub mod hostile {}

/// The highest protocol there is, and that is read and written here.
pub const HIGHEST_PROTOCOL: u8 = 5;

/// The protocol that is written unless another is asked for, as in Python 3.8 to 3.13.
pub const DEFAULT_PROTOCOL: u8 = 4;

/// How many slots decoding the first pickle in `bytes` takes.
///
/// One pass over the bytes (two if MEMOIZE and PUT are mixed). At most 4 slots per byte, and for what Python writes about
/// one per opcode that pushes and two or three per container.
pub fn slots_needed(bytes: &[u8]) -> Result<usize> {
    let mut plan = Plan::EMPTY;
    plan.look(bytes, false)?;
    Ok(plan.slots())
}

/// Decodes the first pickle in `bytes` into `slots`.
///
/// What follows the pickle is ignored, as Python ignores it. Too few slots: [`ErrorKind::OutOfSlots`] says how many are
/// enough.
pub fn loads<'a>(bytes: &'a [u8], slots: &'a mut [Slot]) -> Result<Object<'a>> {
    Unpickler::new().loads(bytes, slots)
}

/// Decodes the first pickle in `bytes` into a value of type `T`, which may borrow from `bytes`.
///
/// Plain data is read straight from the stream, as [`from_plain`] does it, and needs no slots; everything else is decoded
/// into [`slots_needed`] slots first. Text is checked where it is read. Instances of classes are refused: see
/// [`Unpickler::registry`].
#[cfg(feature = "serde")]
pub fn from_slice<'a, T: serde::Deserialize<'a>>(bytes: &'a [u8], slots: &'a mut [Slot]) -> Result<T> {
    Unpickler::new().from_slice(bytes, slots)
}

/// Decodes the first pickle in `bytes` into a value of type `T` without any memory: what picklers write for plain data, of
/// protocols 1 to 5, with references only to text, as field names are. Not so an enum with content, an int beyond 64 bits
/// (in protocol 1 beyond 32: it is a line of text there), an empty list or dict that what follows makes look as if it had
/// an item, or whatever else comes: that is
/// [`ErrorKind::NotPlain`], at the place where it was noticed: [`from_slice`] reads it.
#[cfg(feature = "serde")]
pub fn from_plain<'a, T: serde::Deserialize<'a>>(bytes: &'a [u8]) -> Result<T> {
    stream::from_slice(bytes)
}

/// Encodes a value with protocol 4, optimized: what `pickletools.optimize(pickle.dumps(value))` gives.
///
/// Answers the part of `buf` that was used.
#[cfg(feature = "serde")]
pub fn dumps<'b, T: serde::Serialize + ?Sized>(value: &T, buf: &'b mut [u8]) -> Result<&'b [u8]> {
    Pickler::new(buf).write_shared(&mut [], |writer| writer.value(value))
}
