//! Python's copyreg: which classes a stream may bring to life as Rust types, and in which form they are written.
//!
//! A pickle names classes and functions and wants them called. larder never calls anything: what is named stays data.
//! It becomes a Rust value in two ways alone, both chosen by the program and never by the stream:
//!
//! - a [`Registry`], a const table of [`Class`] rows: (module, qualified name) ↔ a struct or enum with serde's traits.
//!   What the table does not hold is refused with [`NotRegistered`](crate::object::ErrorKind::NotRegistered).
//! - a type of [`classes`] as the type asked for: it takes that one class of Python's library and nothing else.
//!
//! Three lines register a struct, without a derive macro of ours:
//!
//! ```
//! # use larder::copyreg::{Class, Registry};
//! static CLASSES: Registry = Registry::new(&[
//!     Class::new("geometry", "Point"), // serde's name of the struct is Point, too
//! ]);
//! ```
//!
//! # Reading
//!
//! Whatever form Python chose, the fields are found: positional arguments take the names of the struct's fields in
//! order, and so do the values of a list of states; keyword arguments, a state dict and a dict of slots bring their names;
//! items and pairs set afterwards are the fields `items` and `pairs`, where the row says so. So one row reads REDUCE, NEWOBJ, NEWOBJ_EX, INST, OBJ,
//! `copyreg._reconstructor`, `copyreg.__newobj__` and the `functools.partial` that protocols 2 and 3 make of NEWOBJ_EX.
//!
//! # Writing
//!
//! A row says in which form; the constructors of [`Class`] are the forms that Python's own classes have.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::arithmetic_side_effects)]

#[cfg(feature = "classes")]
pub mod classes;
mod instance;
#[cfg(feature = "serde")]
mod read;
mod table;
#[cfg(feature = "serde")]
mod write;

use crate::object::Object;

pub use instance::Instance;
pub(crate) use instance::python2;
#[cfg(feature = "serde")]
pub(crate) use instance::{Plain, attribute, plain};
#[cfg(feature = "serde")]
pub(crate) use read::{Chain, Field, Fields, Flat, Name};
pub use table::{Error, Table};
#[cfg(feature = "serde")]
pub(crate) use write::{Found, GoOn, Ops, Writing, find, registered};

/// How an object is made when it is loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Make {
    /// `callable(*args)`.
    Reduce,
    /// `cls.__new__(cls, *args)`.
    NewObj,
    /// `cls.__new__(cls, **fields)`.
    NewObjEx,
    /// An old-style instance of Python 2, with `__init__` called if there are arguments.
    Inst,
    /// Nothing is made: the name itself, which stands for a unit struct.
    Global,
    /// Nothing is made: a tuple of the fields, without a class.
    Tuple,
}

/// How an object is given those of its fields that are no arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum State {
    /// A dict, for the object's `__dict__`.
    Dict,
    /// `(None, dict)`, for a class with `__slots__`.
    Slots,
    /// A list of the values in order, for a frozen dataclass with `slots=True`.
    List,
    /// One value of any kind, for a class with a `__setstate__` of its own: the struct's one field.
    Own,
}

/// A member's value, in an enum of Python.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Value {
    /// An int.
    Int(i64),
    /// A str.
    Str(&'static str),
}

/// A row of the table: a Python class or function, the Rust type that stands for it, and the form it is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Class {
    pub(crate) module: &'static str,
    pub(crate) name: &'static str,
    pub(crate) rust: &'static str,
    pub(crate) make: Make,
    pub(crate) state: State,
    pub(crate) positional: u8,
    pub(crate) items: bool,
    pub(crate) pairs: bool,
    /// All arguments together are the one field, under the class's name.
    pub(crate) star: bool,
    /// The names of the arguments, where they are not the struct's fields.
    pub(crate) places: Option<&'static [&'static str]>,
    pub(crate) members: &'static [(&'static str, Value)],
}

/// Every field is an argument.
const ALL: u8 = u8::MAX;

impl Class {
    const fn row(module: &'static str, name: &'static str, make: Make, state: State, positional: u8) -> Class {
        Class {
            module,
            name,
            rust: last(name),
            make,
            state,
            positional,
            items: false,
            pairs: false,
            star: false,
            places: None,
            members: &[],
        }
    }

    /// An instance of an ordinary class or dataclass: made without arguments, its fields set as its `__dict__`. `name`
    /// is the qualified name (`Outer.Inner`); its last part is taken for serde's name of the Rust type, see
    /// [`Class::rust`].
    pub const fn new(module: &'static str, name: &'static str) -> Class {
        Class::row(module, name, Make::NewObj, State::Dict, 0)
    }

    /// What a function or class gives when it is called with the fields as arguments: what `copyreg.pickle` registers.
    pub const fn reduce(module: &'static str, name: &'static str) -> Class {
        Class::row(module, name, Make::Reduce, State::Dict, ALL)
    }

    /// A namedtuple, or a class with `__getnewargs__`: the fields are arguments of `__new__`.
    pub const fn namedtuple(module: &'static str, name: &'static str) -> Class {
        Class::row(module, name, Make::NewObj, State::Dict, ALL)
    }

    /// A class with `__getnewargs_ex__`: the fields are keyword arguments of `__new__` (protocols 4 and 5).
    pub const fn keywords(module: &'static str, name: &'static str) -> Class {
        Class::row(module, name, Make::NewObjEx, State::Dict, 0)
    }

    /// A class with `__slots__` (protocol 2 and up).
    pub const fn slots(module: &'static str, name: &'static str) -> Class {
        Class::row(module, name, Make::NewObj, State::Slots, 0)
    }

    /// A dataclass with `frozen=True, slots=True`.
    pub const fn frozen_slots(module: &'static str, name: &'static str) -> Class {
        Class::row(module, name, Make::NewObj, State::List, 0)
    }

    /// A class with `__setstate__`: the struct's one field is the state.
    pub const fn own_state(module: &'static str, name: &'static str) -> Class {
        Class::row(module, name, Make::NewObj, State::Own, 0)
    }

    /// An old-style class of Python 2.
    pub const fn old_style(module: &'static str, name: &'static str) -> Class {
        Class::row(module, name, Make::Inst, State::Dict, 0)
    }

    /// A singleton: the unit struct is the global of this name, and nothing is made.
    pub const fn singleton(module: &'static str, name: &'static str) -> Class {
        Class::row(module, name, Make::Global, State::Dict, 0)
    }

    /// No class: the struct that serde knows by this name is a plain tuple of its fields, where it would be a dict. It is read
    /// from either, as every struct is.
    ///
    /// ```
    /// use larder::copyreg::{Class, Registry};
    /// use larder::pickle::Pickler;
    ///
    /// #[derive(serde::Serialize)]
    /// struct Pair {
    ///     low: u8,
    ///     high: u8,
    /// }
    ///
    /// static TUPLES: Registry = Registry::new(&[Class::tuple("Pair")]);
    /// let mut buf = [0; 32];
    /// let pickle = Pickler::new(&mut buf).protocol(2).registry(&TUPLES).dumps(&Pair { low: 1, high: 2 })?;
    /// assert_eq!(pickle, b"\x80\x02K\x01K\x02\x86.");
    /// # Ok::<(), larder::object::Error>(())
    /// ```
    pub const fn tuple(rust: &'static str) -> Class {
        Class::row("", rust, Make::Tuple, State::Dict, ALL).rust(rust)
    }

    /// An `enum.Enum`, from a Rust enum of unit variants: serde's name of each variant, which is the member's name, and
    /// the member's value, by which Python pickles it.
    pub const fn enumeration(
        module: &'static str,
        name: &'static str,
        members: &'static [(&'static str, Value)],
    ) -> Class {
        let mut class = Class::row(module, name, Make::Reduce, State::Dict, ALL);
        class.members = members;
        class
    }

    /// The same, with the first `n` fields as arguments and the others as state.
    pub const fn args(mut self, n: u8) -> Class {
        self.positional = n;
        self
    }

    /// The same, its state in this form.
    pub const fn state(mut self, state: State) -> Class {
        self.state = state;
        self
    }

    /// The same, where the field `items` is a sequence whose items Python appends one by one: a subclass of list.
    pub const fn with_items(mut self) -> Class {
        self.items = true;
        self
    }

    /// The same, where the field `pairs` is a map whose pairs Python sets one by one: a subclass of dict. In the struct,
    /// `items` and `pairs` stand between the fields that are arguments and those that are state.
    pub const fn with_pairs(mut self) -> Class {
        self.pairs = true;
        self
    }

    /// The same for the Rust type that serde knows by this name.
    pub const fn rust(mut self, name: &'static str) -> Class {
        self.rust = name;
        self
    }

    /// The module that Python imports it from.
    pub const fn module(&self) -> &'static str {
        self.module
    }

    /// Its qualified name in the module.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Whether this is the class or function that `callable` names: a global, an extension code, or `getattr` of one,
    /// as protocols below 4 spell nested classes. Python 2's names of Python 3's modules count. Nothing names a tuple.
    pub fn is_named_by(&self, registry: &Registry<'_>, callable: Object<'_>) -> bool {
        if self.make == Make::Tuple {
            return false;
        }
        let (mut callable, mut name) = (callable, self.name);
        // Each turn takes a part off the qualified name, so there are no more turns than dots.
        while let Some((outer, attribute)) = instance::attribute(callable) {
            match name.rsplit_once('.') {
                Some((rest, last)) if attribute.is(last) => (callable, name) = (outer, rest),
                _ => return false,
            }
        }
        match instance::named(registry, callable) {
            Some((module, found)) => {
                instance::is_module(&module, self.module) && instance::is_name(&found, self.module, name)
            }
            None => false,
        }
    }

    /// The member of an enum with this value.
    pub(crate) fn member(&self, value: Object<'_>) -> Option<&'static str> {
        let same = |member: &Value| match member {
            Value::Int(n) => value.as_i64().is_ok_and(|v| v == *n),
            Value::Str(text) => value.text().is_ok_and(|t| t.is(text)),
        };
        self.members.iter().find(|(_, member)| same(member)).map(|(name, _)| *name)
    }

    /// The value of an enum's member.
    pub(crate) fn value(&self, member: &str) -> Option<Value> {
        self.members.iter().find(|(name, _)| *name == member).map(|(_, value)| *value)
    }
}

/// Whether serde's name of a type is one of this library's own: it begins with a NUL. Where the name is a constant, so is
/// the answer, and the code of the other case is not there (`starts_with` is beyond what opt-level z sees through).
#[cfg(feature = "serde")]
#[inline(always)]
pub(crate) const fn is_own(name: &str) -> bool {
    matches!(name.as_bytes(), [0, ..])
}

/// What follows the last dot.
const fn last(name: &'static str) -> &'static str {
    let mut rest = name.as_bytes();
    let mut dot = None;
    while let [byte, tail @ ..] = rest {
        if *byte == b'.' {
            dot = Some(tail.len());
        }
        rest = tail;
    }
    match dot {
        // A dot is one byte, so that what follows it begins a character.
        Some(after) => name.split_at(name.len().saturating_sub(after)).1,
        None => name,
    }
}

/// A row of the extension registry: a number that stands for a class or function in protocols 2 and up (PEP 307).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Extension {
    pub(crate) module: &'static str,
    pub(crate) name: &'static str,
    pub(crate) code: u32,
}

impl Extension {
    /// The highest code there is.
    pub const MAX: u32 = 0x7fff_ffff;

    /// `copyreg.add_extension(module, name, code)`. A code beyond 1 to [`Extension::MAX`] stops the compilation where
    /// this makes a constant; at run time, [`Table::add_extension`] answers an error instead.
    pub const fn new(module: &'static str, name: &'static str, code: u32) -> Extension {
        assert!(code >= 1 && code <= Extension::MAX, "an extension code is 1 to 0x7fffffff");
        Extension { module, name, code }
    }
}

/// The table of what may come to life. The default holds nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Registry<'r> {
    classes: &'r [Class],
    extensions: &'r [Extension],
    /// How instances are read.
    #[cfg(feature = "serde")]
    reads: Option<&'static crate::object::serde::instance::Ops>,
}

#[cfg(feature = "defmt")]
impl defmt::Format for Registry<'_> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Registry");
    }
}

impl<'r> Registry<'r> {
    /// A table that holds nothing: the default of every reader and writer.
    pub const EMPTY: Registry<'static> = Registry {
        classes: &[],
        extensions: &[],
        #[cfg(feature = "serde")]
        reads: None,
    };

    /// A table of these rows. A Rust type may have several; it is read from any of them and written as the first.
    pub const fn new(classes: &'r [Class]) -> Registry<'r> {
        Registry {
            classes,
            extensions: &[],
            #[cfg(feature = "serde")]
            reads: Some(&crate::object::serde::instance::OPS),
        }
    }

    /// How instances are read.
    #[cfg(feature = "serde")]
    pub(crate) fn reads(&self) -> Option<&'static crate::object::serde::instance::Ops> {
        self.reads
    }

    /// The same with these extension codes.
    pub const fn extensions(self, extensions: &'r [Extension]) -> Registry<'r> {
        Registry { extensions, ..self }
    }

    /// Whether it holds no classes.
    pub(crate) fn is_empty(&self) -> bool {
        self.classes.is_empty()
    }

    /// The row that a Rust type of this name is written by.
    pub fn class(&self, rust: &str) -> Option<&'r Class> {
        self.classes.iter().find(|class| class.rust == rust)
    }

    /// The row of a Rust type of this name that fits this callable.
    pub fn class_of(&self, rust: &str, callable: Object<'_>) -> Option<&'r Class> {
        self.classes.iter().find(|class| class.rust == rust && class.is_named_by(self, callable))
    }

    /// What an extension code stands for.
    pub fn extension(&self, code: u32) -> Option<(&'static str, &'static str)> {
        self.extensions.iter().find(|row| row.code == code).map(|row| (row.module, row.name))
    }

    /// The extension code of a class or function.
    pub fn code(&self, module: &str, name: &str) -> Option<u32> {
        self.extensions.iter().find(|row| row.name == name && row.module == module).map(|row| row.code)
    }
}
