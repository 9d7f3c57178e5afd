//! [`Unpickler`]: how a pickle is read.

use super::scan::Plan;
use super::{atom, machine};
use crate::copyreg::Registry;
#[cfg(feature = "serde")]
use crate::object::serde::{Limits, from_object_with};
use crate::object::{Encoding, Object, PersistentLoad, Result, Slot, Tree};

/// How a pickle is read. [`loads`](super::loads) and [`from_slice`](super::from_slice) are an unpickler with the defaults.
#[derive(Clone, Copy, Default)]
pub struct Unpickler<'a> {
    registry: Registry<'a>,
    encoding: Encoding,
    buffers: &'a [&'a [u8]],
    persistent: Option<PersistentLoad<'a>>,
    depth: Option<u16>,
    fuel: Option<u32>,
}

#[cfg(feature = "defmt")]
impl defmt::Format for Unpickler<'_> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Unpickler");
    }
}

impl core::fmt::Debug for Unpickler<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Unpickler").field("encoding", &self.encoding).field("buffers", &self.buffers.len()).finish()
    }
}

impl<'a> Unpickler<'a> {
    /// An unpickler with the defaults.
    pub const fn new() -> Self {
        let (registry, encoding) = (Registry::EMPTY, Encoding::Ascii);
        Unpickler { registry, encoding, buffers: &[], persistent: None, depth: None, fuel: None }
    }

    /// With these classes: their instances are read as the Rust types that the rows name, and no others.
    #[cfg(feature = "serde")]
    pub const fn registry(self, registry: &Registry<'a>) -> Self {
        Unpickler { registry: *registry, ..self }
    }

    /// What a str of Python 2 is read as: Python's `encoding=`. Datetime and numpy want [`Encoding::Latin1`].
    pub const fn encoding(self, encoding: Encoding) -> Self {
        Unpickler { encoding, ..self }
    }

    /// The buffers that travel beside the pickle, in their order: Python's `buffers=`.
    pub const fn buffers(self, buffers: &'a [&'a [u8]]) -> Self {
        Unpickler { buffers, ..self }
    }

    /// What stands for a persistent id in typed reading: Python's `persistent_load`. It is given the object of kind
    /// [`PersId`](crate::object::Kind::PersId) and answers another object, of another pickle for instance.
    pub const fn persistent_load(self, load: PersistentLoad<'a>) -> Self {
        Unpickler { persistent: Some(load), ..self }
    }

    /// How deep typed reading goes: containers in containers, 64 by default.
    pub const fn depth(self, depth: u16) -> Self {
        Unpickler { depth: Some(depth), ..self }
    }

    /// How many items shared values may unfold into in typed reading: 16 per byte of the pickle by default.
    pub const fn fuel(self, fuel: u32) -> Self {
        Unpickler { fuel: Some(fuel), ..self }
    }

    /// Decodes the first pickle in `bytes`; what follows it is ignored.
    pub fn loads(&self, bytes: &'a [u8], slots: &'a mut [Slot]) -> Result<Object<'a>> {
        self.run(bytes, slots, true, false).map(|(object, _)| object)
    }

    /// Decodes the first pickle in `bytes`, and answers how many bytes it has: the next one stands behind it, as behind the
    /// place where Python's `load` leaves a file.
    ///
    /// ```
    /// use larder::object::Slot;
    /// use larder::pickle::Unpickler;
    ///
    /// // pickle.dumps(1, 2) + pickle.dumps(2, 2)
    /// let (mut rest, mut slots, mut sum) = (&b"\x80\x02K\x01.\x80\x02K\x02."[..], [Slot::EMPTY; 8], 0);
    /// while !rest.is_empty() {
    ///     let (object, used) = Unpickler::new().load(rest, &mut slots)?;
    ///     sum += object.as_i64()?;
    ///     rest = &rest[used..];
    /// }
    /// assert_eq!(sum, 3);
    /// # Ok::<(), larder::object::Error>(())
    /// ```
    ///
    /// Each pickle has a memo of its own here. One that refers to values of the pickle before it, as a Pickler used twice
    /// writes it, wants [`Unpickler::load_all`]: here its numbers stand for its own entries, and where there is none it is
    /// refused with [`ErrorKind::NoSuchEntry`](super::ErrorKind::NoSuchEntry).
    pub fn load(&self, bytes: &'a [u8], slots: &'a mut [Slot]) -> Result<(Object<'a>, usize)> {
        self.run(bytes, slots, true, false)
    }

    /// Decodes all pickles in `bytes`, one after the other up to the end, into a list of their values: what Python's
    /// `Unpickler.load` gives when it is called until there is nothing left. The memo is kept from one to the next, so
    /// that a later pickle may refer to what an earlier one made, and then both hold the same object. Slots as for one
    /// pickle as long as all together, and four for each.
    ///
    /// ```
    /// use larder::object::Slot;
    /// use larder::pickle::Unpickler;
    ///
    /// // p = Pickler(file, 2); p.dump(names); p.dump({"all": names}), with names = ["a"]
    /// let stream = b"\x80\x02]q\x00U\x01aa.\x80\x02}U\x03allh\x00s.";
    /// let mut slots = [Slot::EMPTY; 32];
    /// let values = Unpickler::new().load_all(stream, &mut slots)?;
    /// assert!(values.at(1)?.get("all")?.is(&values.at(0)?));
    /// # Ok::<(), larder::object::Error>(())
    /// ```
    pub fn load_all(&self, bytes: &'a [u8], slots: &'a mut [Slot]) -> Result<Object<'a>> {
        self.run(bytes, slots, true, true).map(|(object, _)| object)
    }

    /// Decodes one pickle or all, and answers how many bytes that took.
    fn run(&self, input: &'a [u8], slots: &'a mut [Slot], checks_text: bool, all: bool) -> Result<(Object<'a>, usize)> {
        let mut plan = Plan::EMPTY;
        plan.look(input, all)?;
        let (word, slots, cells) = machine::run(input, &plan, slots, checks_text, all)?;
        let mut tree = Tree::new(input, (slots, cells), atom::read);
        (tree.encoding, tree.buffers, tree.persistent) = (self.encoding, self.buffers, self.persistent);
        Ok((Object::new(tree, word), plan.end))
    }
}

#[cfg(feature = "serde")]
impl<'a> Unpickler<'a> {
    /// Decodes the first pickle in `bytes` into a value of type `T`, which may borrow from `bytes`.
    pub fn from_slice<T: serde::Deserialize<'a>>(&self, bytes: &'a [u8], slots: &'a mut [Slot]) -> Result<T> {
        // Plain data wants no machine; whatever it cannot read, the machine reads from the beginning.
        if self.depth.is_none()
            && let Ok(value) = super::stream::from_slice(bytes)
        {
            return Ok(value);
        }
        let (object, _) = self.run(bytes, slots, false, false)?;
        self.to(&object)
    }

    /// Reads a value of type `T` out of an object that this unpickler decoded.
    pub fn to<T: serde::Deserialize<'a>>(&self, object: &Object<'a>) -> Result<T> {
        let mut limits = Limits::of(object.tree().input);
        limits.depth = self.depth.unwrap_or(limits.depth);
        limits.fuel = self.fuel.unwrap_or(limits.fuel);
        from_object_with(object, limits, &self.registry)
    }
}
