//! [`Emit`]: what a codec's writer receives, value by value, a container before its items.
//!
//! Serialize, decoded objects and hand-written code all end here, so that each codec writes in one place. Decoded objects
//! come through a trait object; Serialize and code written by hand call the codec's writer itself, so that of its code only
//! what they use is linked.
//!
//! A container is opened, its items follow, and it is closed; the [`Level`] in between is the caller's:
//!
//! ```text
//! let mut level = emit.open(Container::List, Some(2))?;
//! level.item(emit)?; emit.int(1)?;
//! level.item(emit)?; emit.int(2)?;
//! emit.close(level)?;
//! ```
//!
//! A dict's `item` comes before each key, its value follows the key. What is called or made is a container of its parts
//! ([`Container::Reduce`] ...); once it is closed, `Items`, `Adds`, `Pairs` and `State` may follow and change it.

use super::atom::Atom;
use super::long::Long;
use super::text::Text;
use crate::copyreg::Registry;

/// Why a writer did not take a value. It travels in a register; the codec's function makes an
/// [`Error`](super::Error) with a place of it.
// As wide as a level's fields: in `Result<Level, Refused>` they share their place, and a byte would cut them in pieces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
#[repr(u32)]
pub enum Refused {
    /// The protocol or version cannot carry it.
    Unsupported,
    /// A container of an unknown length where the length must come first.
    Unsized,
    /// A number of items, bytes or characters that the format cannot carry.
    TooLong,
    /// Deeper than the limit.
    TooDeep,
    /// The object unfolds into more than the limit allows.
    OutOfFuel,
    /// The memory lent for shared values is too small.
    OutOfSlots,
    /// The sink failed.
    Write,
    /// The value's own Serialize refused, or gave values out of turn.
    Custom,
}

/// What can be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
#[repr(u8)]
pub enum Container {
    /// A list.
    List,
    /// A tuple.
    Tuple,
    /// A dict: `len` counts pairs.
    Dict,
    /// A set.
    Set,
    /// A frozenset.
    FrozenSet,
    /// A frozendict: `len` counts pairs.
    FrozenDict,
    /// A slice: start, stop, step.
    Slice,
    /// `callable(*args)`: a callable and a tuple.
    Reduce,
    /// `cls.__new__(cls, *args)`: a class and a tuple; for a protocol below 2 a class alone, where there are no arguments.
    NewObj,
    /// `copyreg.__newobj__(cls, *args)`, for protocols 0 and 1: a class, then its arguments one by one.
    NewObjStar,
    /// `cls.__new__(cls, *args, **kwargs)`: a class, a tuple and a dict.
    NewObjEx,
    /// An instance as Python 2 made them: a class, then its arguments one by one.
    Inst,
    /// What a persistent id stands for: the id.
    PersId,
    /// A read-only view: the buffer.
    Readonly,
    /// A code object: its fields.
    Code,
    /// Items appended to the object just closed.
    Items,
    /// Members added to the object just closed.
    Adds,
    /// Pairs set in the object just closed: `len` counts pairs.
    Pairs,
    /// A state given to the object just closed: one value.
    State,
}

/// A container that is being written. It belongs to whoever opened it.
#[derive(Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Level {
    /// How many items may follow before the writer wants to hear of it.
    pub left: u32,
    /// How many items the container has in all; `u32::MAX` when that is not known.
    pub len: u32,
    /// What it is.
    pub container: Container,
    /// The writer's own.
    pub state: u8,
    /// The shared value that it is, plus one; 0 for none.
    pub shared: u32,
    /// The writer's own: a place in its output.
    pub at: u32,
}

impl Level {
    /// Before each item, and before each key of a dict.
    #[inline]
    pub fn item<E: Emit + ?Sized>(&mut self, emit: &mut E) -> Result<(), Refused> {
        match self.left.checked_sub(1) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => {
                // A copy is what the writer sees, so that the level itself can stay in registers.
                let mut level = Level { ..*self };
                let more = emit.more(&mut level);
                *self = level;
                more
            }
        }
    }
}

/// A writer of values. See the module's text for the order of calls.
pub trait Emit {
    /// None.
    fn none(&mut self) -> Result<(), Refused>;
    /// True or False.
    fn bool(&mut self, value: bool) -> Result<(), Refused>;
    /// An int of 64 bits.
    fn int(&mut self, value: i64) -> Result<(), Refused>;
    /// A number among the fields of a code object.
    fn number(&mut self, value: i32) -> Result<(), Refused> {
        self.int(value.into())
    }
    /// An int that is not negative.
    fn unsigned(&mut self, value: u64) -> Result<(), Refused> {
        match i64::try_from(value) {
            Ok(value) => self.int(value),
            Err(_) => {
                let [a, b, c, d, e, f, g, h] = value.to_le_bytes();
                self.long(&Long::Twos(&[a, b, c, d, e, f, g, h, 0]))
            }
        }
    }
    /// An int of any size.
    fn long(&mut self, value: &Long<'_>) -> Result<(), Refused>;
    /// A float.
    fn float(&mut self, value: f64) -> Result<(), Refused>;
    /// A complex.
    fn complex(&mut self, re: f64, im: f64) -> Result<(), Refused>;
    /// A str.
    fn str(&mut self, value: &str) -> Result<(), Refused>;
    /// A str that the program has as a constant: a field's or variant's name. A writer may write it once and refer to
    /// it from then on.
    fn name(&mut self, value: &'static str) -> Result<(), Refused> {
        self.str(value)
    }
    /// A str in any spelling, lone surrogates included.
    fn text(&mut self, value: &Text<'_>) -> Result<(), Refused>;
    /// bytes.
    fn bytes(&mut self, value: &[u8]) -> Result<(), Refused>;
    /// A str of Python 2: its characters are bytes.
    fn byte_string(&mut self, value: &Text<'_>) -> Result<(), Refused>;
    /// A bytearray.
    fn byte_array(&mut self, value: &[u8]) -> Result<(), Refused>;
    /// A global.
    fn global(&mut self, module: &Text<'_>, name: &Text<'_>) -> Result<(), Refused>;
    /// A class or function that the program has as a constant, under its name of Python 3. A writer may write it once and
    /// refer to it from then on, and takes the name that it has in an older protocol.
    fn constant(&mut self, module: &'static str, name: &'static str) -> Result<(), Refused> {
        self.global(&Text::from_str(module), &Text::from_str(name))
    }
    /// What an extension code stands for.
    fn ext(&mut self, code: u32) -> Result<(), Refused>;
    /// An out-of-band buffer.
    fn buffer(&mut self, number: usize) -> Result<(), Refused>;
    /// What a persistent id of protocol 0 stands for.
    fn pers_id(&mut self, id: &Text<'_>) -> Result<(), Refused>;
    /// Ellipsis.
    fn ellipsis(&mut self) -> Result<(), Refused>;
    /// StopIteration.
    fn stop_iteration(&mut self) -> Result<(), Refused>;

    /// Opens a container of `len` items (pairs for a dict), `None` when that is not known.
    fn open(&mut self, container: Container, len: Option<usize>) -> Result<Level, Refused>;
    /// An item comes and `level.left` is 0. Called by [`Level::item`].
    fn more(&mut self, level: &mut Level) -> Result<(), Refused>;
    /// Closes the container opened last.
    fn close(&mut self, level: Level) -> Result<(), Refused>;

    /// Opens a list. A writer may link less for it, and for the two that follow, than for all that can be opened.
    fn open_list(&mut self, len: Option<usize>) -> Result<Level, Refused> {
        self.open(Container::List, len)
    }
    /// Opens a dict.
    fn open_dict(&mut self, len: Option<usize>) -> Result<Level, Refused> {
        self.open(Container::Dict, len)
    }
    /// Opens a tuple.
    fn open_tuple(&mut self, len: usize) -> Result<Level, Refused> {
        self.open(Container::Tuple, Some(len))
    }
    /// Closes what one of these three opened.
    fn close_plain(&mut self, level: Level) -> Result<(), Refused> {
        self.close(level)
    }

    /// The value that comes is the shared value `id` ([`Object::shared`](super::Object::shared)). True: it was written
    /// before and is now referred to, so that nothing must follow. False: write it now.
    fn shared(&mut self, id: usize) -> Result<bool, Refused> {
        let _ = id;
        Ok(false)
    }

    /// The classes as which Rust types are written.
    fn registry(&self) -> Registry<'_> {
        Registry::EMPTY
    }
    /// The protocol of a pickle, for whoever spells things otherwise in older ones.
    fn protocol(&self) -> u8 {
        u8::MAX
    }
    /// The list, tuple or dict that is opened next is this container instead.
    fn content(&mut self, container: Container) -> Result<(), Refused> {
        let _ = container;
        Err(Refused::Unsupported)
    }

    /// Any atom.
    fn atom(&mut self, atom: &Atom<'_>) -> Result<(), Refused> {
        match atom {
            Atom::None => self.none(),
            Atom::Bool(value) => self.bool(*value),
            Atom::Int(value) => self.int(*value),
            Atom::Long(value) => self.long(value),
            Atom::Float(value) => self.float(*value),
            Atom::Complex(re, im) => self.complex(*re, *im),
            Atom::Str(text) => self.text(text),
            Atom::Bytes(bytes) => self.bytes(bytes),
            Atom::ByteString(text) => self.byte_string(text),
            Atom::ByteArray(bytes) => self.byte_array(bytes),
            Atom::EmptyTuple => {
                let level = self.open(Container::Tuple, Some(0))?;
                self.close(level)
            }
            Atom::Global(module, name) => self.global(module, name),
            Atom::PersId(id) => self.pers_id(id),
            Atom::Ext(code) => self.ext(*code),
            Atom::Ellipsis => self.ellipsis(),
            Atom::StopIteration => self.stop_iteration(),
        }
    }
}
