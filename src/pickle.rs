//! Python's pickle: `loads` and `dumps` without an allocator.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::arithmetic_side_effects)]

mod atom;
mod dis;
mod machine;
mod memo;
mod names;
mod number;
mod old;
pub mod opcode;
mod out;
mod pickler;
mod scan;
mod tools;

use crate::copyreg::Registry;
use crate::object::walk;
use crate::object::{Emit, Object, Refused, Result, Slot, Tree};
use out::Out;
use pickler::{READ, Writer};
use scan::Plan;

pub use crate::object::{Error, ErrorKind};
pub use dis::dis;
pub use tools::{Genops, Op, Value, genops, optimize, scan};

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
    Ok(Plan::new(bytes, 0)?.slots())
}

/// Decodes the first pickle in `bytes` into `slots`.
///
/// What follows the pickle is ignored, as Python ignores it. Too few slots: [`ErrorKind::OutOfSlots`] says how many are
/// enough.
pub fn loads<'a>(bytes: &'a [u8], slots: &'a mut [Slot]) -> Result<Object<'a>> {
    let plan = Plan::new(bytes, 0)?;
    let (word, slots, cells) = machine::run(bytes, 0, &plan, slots, true)?;
    Ok(Object::new(Tree::new(bytes, (slots, cells), atom::read), word))
}

/// Decodes the first pickle in `bytes` into a value of type `T`, which may borrow from `bytes`.
///
/// Text is checked where it is read. Instances of classes are refused: see [`Unpickler::registry`].
#[cfg(feature = "serde")]
pub fn from_slice<'a, T: serde::Deserialize<'a>>(bytes: &'a [u8], slots: &'a mut [Slot]) -> Result<T> {
    Unpickler::new().from_slice(bytes, slots)
}

/// How a pickle is read. [`from_slice`] is an unpickler with the defaults.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unpickler<'a> {
    registry: Registry<'a>,
}

impl<'a> Unpickler<'a> {
    /// An unpickler with the defaults.
    pub const fn new() -> Self {
        Unpickler { registry: Registry::EMPTY }
    }

    /// With these classes: their instances are read as the Rust types that the rows name, and no others.
    pub const fn registry(self, registry: &Registry<'a>) -> Self {
        Unpickler { registry: *registry }
    }

    /// Decodes the first pickle in `bytes` into a value of type `T`, which may borrow from `bytes`.
    #[cfg(feature = "serde")]
    pub fn from_slice<T: serde::Deserialize<'a>>(&self, bytes: &'a [u8], slots: &'a mut [Slot]) -> Result<T> {
        use crate::object::serde::{Limits, from_object_with};
        let plan = Plan::new(bytes, 0)?;
        let (word, slots, cells) = machine::run(bytes, 0, &plan, slots, false)?;
        let object = Object::new(Tree::new(bytes, (slots, cells), atom::read), word);
        from_object_with::<atom::Pickled, T>(&object, Limits::of(bytes), &self.registry)
    }
}

/// Encodes a value with protocol 4, optimized: what `pickletools.optimize(pickle.dumps(value))` gives.
///
/// Answers the part of `buf` that was used.
#[cfg(feature = "serde")]
pub fn dumps<'b, T: serde::Serialize + ?Sized>(value: &T, buf: &'b mut [u8]) -> Result<&'b [u8]> {
    Pickler::new(buf).dumps(value)
}

/// How a pickle is written: protocol and style. [`dumps`] is a pickler with the defaults.
pub struct Pickler<'b> {
    buf: &'b mut [u8],
    protocol: u8,
    memoizes: bool,
    registry: Registry<'b>,
}

impl<'b> Pickler<'b> {
    /// A pickler into this buffer, with protocol 4, optimized.
    pub fn new(buf: &'b mut [u8]) -> Self {
        Pickler { buf, protocol: DEFAULT_PROTOCOL, memoizes: false, registry: Registry::EMPTY }
    }

    /// With this protocol, 0 to [`HIGHEST_PROTOCOL`]. Another one is an error when something is written.
    pub fn protocol(self, protocol: u8) -> Self {
        Pickler { protocol, ..self }
    }

    /// Byte for byte as CPython 3.8 to 3.13 writes plain data: every value that can be referred to is remembered.
    pub fn cpython(self) -> Self {
        Pickler { memoizes: true, ..self }
    }

    /// With these classes: a Rust type that has a row is written as an instance of its class.
    pub fn registry(self, registry: &Registry<'b>) -> Self {
        Pickler { registry: *registry, ..self }
    }

    /// Encodes a value; answers the part of the buffer that was used.
    #[cfg(feature = "serde")]
    pub fn dumps<T: serde::Serialize + ?Sized>(self, value: &T) -> Result<&'b [u8]> {
        self.write(|emit| crate::object::serde::serialize(value, emit))
    }

    /// Encodes a decoded object again, of a pickle or of marshal data; values that it refers to more than once stay one.
    ///
    /// `scratch` takes one slot per such value ([`Object::shared_count`]) and
    /// [`SLOTS_PER_LEVEL`](crate::object::walk::SLOTS_PER_LEVEL) per container in a container; 256 are enough for most.
    pub fn recode(self, object: &Object<'_>, scratch: &mut [Slot]) -> Result<&'b [u8]> {
        let needed = object.shared_count();
        let Some((shared, stack)) = scratch.split_at_mut_checked(needed) else {
            return Err(Error::new(ErrorKind::OutOfSlots { needed }, 0));
        };
        shared.fill(Slot::raw(1));
        let fuel = u32::MAX;
        if !self.memoizes {
            // What is not read again is not remembered: a first walk, which writes nothing, finds out.
            let out = Out::new(&mut [], None, true);
            walk::emit(object, &mut Writer::new(out, self.protocol, false, shared), stack, fuel)?;
            for entry in &mut *shared {
                *entry = Slot::raw(u32::from(entry.bits() & READ != 0));
            }
        }
        let mut failed = None;
        let written = self.write_shared(shared, |emit| {
            walk::emit(object, emit, stack, fuel).map_err(|error| {
                failed = Some(error);
                Refused::Custom
            })
        });
        match failed {
            Some(error) => Err(error),
            None => written,
        }
    }

    /// Encodes what `write` emits: one value.
    pub fn write(self, write: impl FnOnce(&mut dyn Emit) -> Result<(), Refused>) -> Result<&'b [u8]> {
        self.write_shared(&mut [], write)
    }

    fn write_shared(
        self,
        shared: &mut [Slot],
        write: impl FnOnce(&mut dyn Emit) -> Result<(), Refused>,
    ) -> Result<&'b [u8]> {
        if self.protocol > HIGHEST_PROTOCOL {
            return Err(Error::new(ErrorKind::UnknownProtocol(self.protocol), 0));
        }
        let out = Out::new(self.buf, None, !self.memoizes);
        let mut writer = Writer::new(out, self.protocol, self.memoizes, shared);
        writer.registry = self.registry;
        let written = writer.start().and_then(|()| write(&mut writer)).and_then(|()| writer.stop());
        match written {
            Ok(()) => writer
                .out
                .finish()
                .map(|used| &*used)
                .map_err(|needed| Error::new(ErrorKind::BufferTooSmall { needed }, 0)),
            Err(refused) => Err(Error::new(refused.into(), writer.out.position())),
        }
    }
}
