//! [`Pickler`]: how a pickle is written.

use super::names::Name;
use super::old::{OLD, Old};
use super::opcode::code::PROTO;
use super::out::{Out, Sink};
use super::rename::Rename;
use super::writer::{READ, Writer};
use super::{DEFAULT_PROTOCOL, HIGHEST_PROTOCOL};
#[cfg(feature = "serde")]
use crate::copyreg::Ops;
use crate::copyreg::Registry;
use crate::object::walk;
use crate::object::{Error, ErrorKind, Object, Refused, Result, Slot};

/// How many names a pickler knows that was lent no memory for them.
const NAMES: usize = 16;

/// How a pickle is written: protocol and style. [`dumps`](super::dumps) is a pickler with the defaults.
pub struct Pickler<'b> {
    buf: &'b mut [u8],
    names: Option<&'b mut [Name]>,
    protocol: u8,
    memoizes: bool,
    old: Option<&'static Old>,
    registry: Registry<'b>,
    /// Lets the writer have what instances take.
    #[cfg(feature = "serde")]
    instances: Option<for<'w> fn(&mut Writer<'w>)>,
}

#[cfg(feature = "defmt")]
impl defmt::Format for Pickler<'_> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Pickler");
    }
}

impl<'b> Pickler<'b> {
    /// A pickler into this buffer, with protocol 4, optimized: what is written once is not remembered.
    ///
    /// These are `pickletools.optimize`'s bytes, as long as the first writing of a name that repeats is in a frame that is
    /// still open (64 KiB) and [`Pickler::names`] has room for it. In protocol 0, with a memo of more than 255 entries, and
    /// where an object is written again, also as long as names repeat in the order in which they first came (below protocol 4
    /// those of the functions that stand for bytes and sets, too). Any other name is written out again: a byte or two more,
    /// and as valid. [`optimize`](super::optimize) of what [`Pickler::cpython`] writes has none of these limits.
    pub const fn new(buf: &'b mut [u8]) -> Self {
        Pickler {
            buf,
            names: None,
            protocol: DEFAULT_PROTOCOL,
            memoizes: false,
            old: None,
            registry: Registry::EMPTY,
            #[cfg(feature = "serde")]
            instances: None,
        }
    }

    /// With this protocol, 0 to [`HIGHEST_PROTOCOL`]. Another one is an error when something is written.
    ///
    /// Where it is a constant of 3 or more, what the older ones want is not linked: 3 to 4 KB.
    #[inline(always)]
    pub fn protocol(mut self, protocol: u8) -> Self {
        self.protocol = protocol;
        self.old = if protocol < 3 { Some(&OLD) } else { None };
        self
    }

    /// Byte for byte as CPython 3.8 to 3.13 writes plain data: every value that can be referred to is remembered.
    pub fn cpython(mut self) -> Self {
        self.memoizes = true;
        self
    }

    /// With these classes: a Rust type that has a row is written as an instance of its class.
    #[inline]
    pub fn registry(mut self, registry: &Registry<'b>) -> Self {
        self.registry = *registry;
        #[cfg(feature = "serde")]
        {
            self.instances = Some(|writer| writer.instances = Some(Ops::new()));
        }
        self
    }

    /// With memory for the names of fields, variants and classes that repeat: one each for the first two, two for a class.
    ///
    /// Without it there is room for 16. A name for which there is no room is written out each time it comes, so that the
    /// pickle is longer than CPython's, and as valid.
    pub fn names(mut self, names: &'b mut [Name]) -> Self {
        names.fill(Name::EMPTY);
        self.names = Some(names);
        self
    }

    /// Encodes a value; answers the part of the buffer that was used.
    #[cfg(feature = "serde")]
    pub fn dumps<T: serde::Serialize + ?Sized>(self, value: &T) -> Result<&'b [u8]> {
        self.write(|writer| writer.value(value))
    }

    /// Encodes a decoded object again, of a pickle or of marshal data; values that it refers to more than once stay one.
    ///
    /// `scratch` takes one slot per such value ([`Object::shared_count`]) and
    /// [`SLOTS_PER_LEVEL`](crate::object::walk::SLOTS_PER_LEVEL) per container in a container; 256 are enough for most.
    ///
    /// What an older protocol has no opcode for is a call there, as Python spells it: of copyreg's `_reconstructor` for what is
    /// made by its class alone, of `__newobj__` where there are arguments or items, of `__newobj_ex__`, which is in Python 3.4
    /// and later, where arguments have names; of `getattr` for what lies inside of a class (`Outer.Inner` since protocol 4).
    /// A pickle does not tell an empty list or dict of a class of its own from other objects: in protocols 0 and 1 Python
    /// refuses it.
    ///
    /// With the feature `fix_imports`, names of modules and classes become Python 3's when a pickle of protocol 2 or below
    /// is written at 3 or above, and Python 2's the other way round, so that Python finds them (`_compat_pickle`).
    pub fn recode(self, object: &Object<'_>, scratch: &mut [Slot]) -> Result<&'b [u8]> {
        let (shared, stack) = walk::part(object, scratch)?;
        shared.fill(Slot::raw(1));
        let fuel = u32::MAX;
        let rename = Rename::between(object.tree().input(), self.protocol);
        let dotted = self.protocol < 4 && matches!(object.tree().input(), [PROTO, 4..=5, ..]);
        if !self.memoizes {
            // What is not read again is not remembered: a first walk, which writes nothing, finds out.
            let mut writer = Writer::new(Out::new(&mut [], None, true), self.protocol, false, &mut []);
            writer.set_old(self.old);
            (writer.rename, writer.dotted, writer.shared) = (rename, dotted, &mut *shared);
            walk::emit(object, &mut writer, stack, fuel)?;
            for entry in &mut *shared {
                *entry = Slot::raw(u32::from(entry.bits() & READ != 0));
            }
        }
        let mut failed = None;
        let written = self.write_shared(shared, |writer| {
            (writer.rename, writer.dotted) = (rename, dotted);
            walk::emit(object, writer, stack, fuel).map_err(|error| {
                failed = Some(error);
                Refused::Custom
            })
        });
        match failed {
            Some(error) => Err(error),
            None => written,
        }
    }

    /// Encodes a value and hands it to a writer piece by piece; the buffer is where the pieces are made. Answers how many
    /// bytes were written.
    ///
    /// Any buffer does. From 1 KiB on there are frames, as long as the buffer allows; with 128 KiB and 64 bytes they are
    /// CPython's, and the bytes are those of [`Pickler::dumps`]. With less, and without [`Pickler::cpython`], a name that
    /// repeats is written out again if its first writing has left the buffer.
    #[cfg(all(feature = "serde", feature = "embedded-io"))]
    pub fn dump<T, W>(self, value: &T, to: &mut W) -> Result<usize>
    where
        T: serde::Serialize + ?Sized,
        W: embedded_io::Write + ?Sized,
    {
        self.sink(&mut |bytes| to.write_all(bytes).is_ok(), |writer| writer.value(value))
    }

    /// Encodes what `write` emits, one value, and hands it on piece by piece, as [`Pickler::dump`] does it. `sink` answers
    /// whether it took a piece; if not, the error is [`ErrorKind::Write`]. Answers how many bytes went.
    pub fn sink(
        mut self,
        sink: &mut dyn FnMut(&[u8]) -> bool,
        write: impl FnOnce(&mut Writer<'_>) -> Result<(), Refused>,
    ) -> Result<usize> {
        self.run(&mut [], Some(sink), write)
    }

    /// Encodes what `write` emits: one value. The [`Writer`] is an [`Emit`](crate::object::Emit).
    pub fn write(self, write: impl FnOnce(&mut Writer<'_>) -> Result<(), Refused>) -> Result<&'b [u8]> {
        self.write_shared(&mut [], write)
    }

    /// In line: what is not asked of a pickler is not there in the code of [`dumps`](super::dumps).
    #[inline(always)]
    pub(super) fn write_shared(
        mut self,
        shared: &mut [Slot],
        write: impl FnOnce(&mut Writer<'_>) -> Result<(), Refused>,
    ) -> Result<&'b [u8]> {
        let needed = self.run(shared, None, write)?;
        let buf: &'b [u8] = self.buf;
        buf.get(..needed).ok_or(Error::new(ErrorKind::BufferTooSmall { needed }, 0))
    }

    /// Writes a pickle; answers how many bytes it has, the buffer's or more.
    #[inline(always)]
    fn run(
        &mut self,
        shared: &mut [Slot],
        sink: Option<Sink<'_>>,
        write: impl FnOnce(&mut Writer<'_>) -> Result<(), Refused>,
    ) -> Result<usize> {
        let mut own = [Name::empty(); NAMES];
        let names = self.names.as_deref_mut().unwrap_or(&mut own);
        let sinks = sink.is_some();
        let sink = sink.map(|sink| sink as Sink<'_>);
        let mut writer = Writer::new(Out::new(self.buf, sink, !self.memoizes), self.protocol, self.memoizes, names);
        writer.set_old(self.old);
        writer.shared = shared;
        if sinks {
            writer.names.look_twice();
        }
        writer.registry = self.registry;
        #[cfg(feature = "serde")]
        if let Some(instances) = self.instances {
            instances(&mut writer);
        }
        if self.protocol > HIGHEST_PROTOCOL {
            return Err(Error::new(ErrorKind::UnknownProtocol(self.protocol), 0));
        }
        writer.start();
        let written = write(&mut writer);
        writer.stop(written)
    }
}
