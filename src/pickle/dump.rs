//! [`Pickler`]: how a pickle is written.

use super::out::Out;
use super::pickler::{READ, Rename, Writer};
use super::{DEFAULT_PROTOCOL, HIGHEST_PROTOCOL};
use crate::copyreg::Registry;
use crate::object::walk;
use crate::object::{Emit, Error, ErrorKind, Object, Refused, Result, Slot};

/// How a pickle is written: protocol and style. [`dumps`](super::dumps) is a pickler with the defaults.
pub struct Pickler<'b> {
    buf: &'b mut [u8],
    protocol: u8,
    memoizes: bool,
    registry: Registry<'b>,
}

#[cfg(feature = "defmt")]
impl defmt::Format for Pickler<'_> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Pickler");
    }
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
    ///
    /// With the feature `fix_imports`, names of modules and classes become Python 3's when a pickle of protocol 2 or below
    /// is written at 3 or above, and Python 2's the other way round, so that Python finds them (`_compat_pickle`).
    pub fn recode(self, object: &Object<'_>, scratch: &mut [Slot]) -> Result<&'b [u8]> {
        let needed = object.shared_count();
        let Some((shared, stack)) = scratch.split_at_mut_checked(needed) else {
            return Err(Error::new(ErrorKind::OutOfSlots { needed }, 0));
        };
        shared.fill(Slot::raw(1));
        let fuel = u32::MAX;
        let rename = Rename::between(object.tree().input(), self.protocol);
        if !self.memoizes {
            // What is not read again is not remembered: a first walk, which writes nothing, finds out.
            let out = Out::new(&mut [], None, true);
            let mut writer = Writer::new(out, self.protocol, false, shared);
            writer.rename = rename;
            walk::emit(object, &mut writer, stack, fuel)?;
            for entry in &mut *shared {
                *entry = Slot::raw(u32::from(entry.bits() & READ != 0));
            }
        }
        let mut failed = None;
        let written = self.write_shared(shared, rename, |emit| {
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

    /// Encodes a value and hands it to a writer piece by piece; the buffer is only where the pieces are made, and 64 bytes
    /// do. Answers how many bytes were written.
    ///
    /// There are no frames and no references to field names, for both need what was written before at hand.
    #[cfg(all(feature = "serde", feature = "embedded-io"))]
    pub fn dump<T, W>(self, value: &T, to: &mut W) -> Result<usize>
    where
        T: serde::Serialize + ?Sized,
        W: embedded_io::Write + ?Sized,
    {
        self.sink(&mut |bytes| to.write_all(bytes).is_ok(), |emit| crate::object::serde::serialize(value, emit))
    }

    /// Encodes what `write` emits, one value, and hands it on piece by piece. `sink` answers whether it took a piece; if
    /// not, the error is [`ErrorKind::Write`]. Answers how many bytes went.
    pub fn sink(
        self,
        sink: &mut dyn FnMut(&[u8]) -> bool,
        write: impl FnOnce(&mut dyn Emit) -> Result<(), Refused>,
    ) -> Result<usize> {
        let out = Out::new(self.buf, Some(sink), !self.memoizes);
        let mut writer = Writer::new(out, self.protocol, self.memoizes, &mut []);
        writer.registry = self.registry;
        let written = writer.start().and_then(|()| write(&mut writer)).and_then(|()| writer.stop());
        let position = writer.out.position();
        written.map(|()| position).map_err(|refused| Error::new(refused.into(), position))
    }

    /// Encodes what `write` emits: one value.
    pub fn write(self, write: impl FnOnce(&mut dyn Emit) -> Result<(), Refused>) -> Result<&'b [u8]> {
        self.write_shared(&mut [], Rename::No, write)
    }

    fn write_shared(
        self,
        shared: &mut [Slot],
        rename: Rename,
        write: impl FnOnce(&mut dyn Emit) -> Result<(), Refused>,
    ) -> Result<&'b [u8]> {
        if self.protocol > HIGHEST_PROTOCOL {
            return Err(Error::new(ErrorKind::UnknownProtocol(self.protocol), 0));
        }
        let out = Out::new(self.buf, None, !self.memoizes);
        let mut writer = Writer::new(out, self.protocol, self.memoizes, shared);
        writer.registry = self.registry;
        writer.rename = rename;
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
