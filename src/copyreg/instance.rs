//! [`Instance`]: one view on all the forms in which Python pickles an instance.
//!
//! ```text
//! REDUCE      callable(*args)
//! NEWOBJ      cls.__new__(cls, *args)                      also copyreg.__newobj__(cls, *args)
//! NEWOBJ_EX   cls.__new__(cls, *args, **kwargs)            also copyreg.__newobj_ex__(cls, args, kwargs), and
//!                                                          functools.partial(cls.__new__, cls, *args, **kwargs)()
//! INST, OBJ   cls(*args)
//! protocol 0  copyreg._reconstructor(cls, base, value)
//! ```

use super::Registry;
use crate::object::{Extra, Items, Kind, Object, Text};

/// What is made, of what, whatever the form.
#[derive(Clone)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Instance<'a> {
    /// The object as it was decoded: its extras are items, pairs and states.
    pub object: Object<'a>,
    /// The class or function, as the stream names it.
    pub callable: Object<'a>,
    /// The positional arguments.
    pub args: Items<'a>,
    /// The dict of keyword arguments.
    pub kwargs: Option<Object<'a>>,
    /// The value of the built-in type that the class is derived from, where `copyreg._reconstructor` gives one.
    pub base: Option<Object<'a>>,
}

impl<'a> Instance<'a> {
    /// The view on an object that is called or made; `None` for all else.
    pub fn of(object: Object<'a>) -> Option<Instance<'a>> {
        let (callable, args) = (object.callable()?, object.args()?);
        let plain = Instance { object, callable, args: args.items(), kwargs: object.kwargs(), base: None };
        if object.kind() != Kind::Reduce {
            return Some(plain);
        }
        let (first, second, third) = (arg(&args, 0), arg(&args, 1), arg(&args, 2));
        Some(match (first, second, third) {
            (Some(class), Some(_), Some(value)) if is_copyreg(callable, "_reconstructor") => {
                let base = (value.kind() != Kind::None).then_some(value);
                Instance { callable: class, args: nothing(args), base, ..plain }
            }
            (Some(class), ..) if is_copyreg(callable, "__newobj__") => {
                Instance { callable: class, args: rest(args.items()), ..plain }
            }
            (Some(class), Some(args), Some(kwargs)) if is_copyreg(callable, "__newobj_ex__") => {
                Instance { callable: class, args: args.items(), kwargs: Some(kwargs), ..plain }
            }
            (None, ..) => partial(&plain).unwrap_or(plain),
            _ => plain,
        })
    }

    /// Items appended to it.
    pub fn items(&self) -> Items<'a> {
        self.object.extras(Extra::Items)
    }

    /// Keys and values in turn that were set in it.
    pub fn pairs(&self) -> Items<'a> {
        self.object.extras(Extra::Pairs)
    }

    /// The states it was given, as a rule none or one.
    pub fn states(&self) -> Items<'a> {
        self.object.extras(Extra::States)
    }
}

/// Item `i` of a tuple. Not inlined: it is asked for in many places.
#[inline(never)]
fn arg<'a>(tuple: &Object<'a>, i: usize) -> Option<Object<'a>> {
    tuple.items().nth(i)
}

/// No items, of an iterator that has some.
fn nothing(tuple: Object<'_>) -> Items<'_> {
    let mut items = tuple.items();
    while items.next().is_some() {}
    items
}

/// All items but the first.
fn rest(mut items: Items<'_>) -> Items<'_> {
    items.next();
    items
}

/// Whether a callable is this function of copyreg, under its name of Python 2 or 3.
fn is_copyreg(callable: Object<'_>, function: &str) -> bool {
    callable.global().is_some_and(|(module, name)| name.is(function) && is_module(&module, "copyreg"))
}

/// `functools.partial(cls.__new__, cls, *args, **kwargs)()`: the callable is itself reduced, its state is
/// (function, arguments, keywords, dict).
fn partial<'a>(plain: &Instance<'a>) -> Option<Instance<'a>> {
    let (module, name) = plain.callable.callable()?.global()?;
    if !(module.is("functools") && name.is("partial")) {
        return None;
    }
    let state = plain.callable.extras(Extra::States).next()?;
    let (function, mut args, kwargs) = (state.at(0).ok()?, state.at(1).ok()?.items(), state.at(2).ok()?);
    let callable = args.next()?;
    let (owner, new) = attribute(function)?;
    let same = match (owner.global(), callable.global()) {
        (Some(a), Some(b)) => a == b,
        _ => owner.is(&callable),
    };
    (new.is("__new__") && same).then(|| Instance { callable, args, kwargs: Some(kwargs), ..plain.clone() })
}

/// `getattr(outer, "name")`, as protocols below 4 spell what lies inside of a class: (outer, name).
pub(crate) fn attribute(object: Object<'_>) -> Option<(Object<'_>, Text<'_>)> {
    if object.kind() != Kind::Reduce {
        return None;
    }
    let (module, name) = object.callable()?.global()?;
    if !(name.is("getattr") && is_module(&module, "builtins")) {
        return None;
    }
    let args = object.args()?;
    Some((args.at(0).ok()?, args.at(1).ok()?.text().ok()?))
}

/// Plain data that older protocols spell as a call.
#[cfg(feature = "serde")]
pub(crate) enum Plain<'a> {
    /// `set(list)`: the list.
    Set(Object<'a>),
    /// `frozenset(list)`: the list.
    FrozenSet(Object<'a>),
    /// `_codecs.encode(text, 'latin1')`, or `bytes()`: the text.
    Bytes(Text<'a>),
    /// `bytearray(bytes)`, and the bytes may again be spelled as a call: the bytes.
    ByteArray(Text<'a>),
}

/// The plain data that a call stands for, if it is one of those.
#[cfg(feature = "serde")]
pub(crate) fn plain(object: Object<'_>) -> Option<Plain<'_>> {
    if object.kind() != Kind::Reduce {
        return None;
    }
    let (module, name) = object.callable()?.global()?;
    let (args, latin1) = (object.args()?, crate::object::Spelling::Latin1);
    let first = arg(&args, 0);
    let encodes = args.len() == 2 && arg(&args, 1)?.text().is_ok_and(|name| name.is("latin1") || name.is("latin-1"));
    let bytes = match (args.len(), first) {
        (0, _) => Some(Text::new(&[], latin1)),
        (2, Some(text)) if encodes => text.text().ok(),
        _ => None,
    };
    if module.is("_codecs") {
        return bytes.filter(|_| encodes && name.is("encode")).map(Plain::Bytes);
    }
    if !is_module(&module, "builtins") {
        return None;
    }
    if name.is("bytes") {
        return bytes.filter(|_| !encodes).map(Plain::Bytes);
    }
    if name.is("bytearray") {
        return bytes.or_else(|| bytes_of(first.filter(|_| args.len() == 1)?)).map(Plain::ByteArray);
    }
    let list = first.filter(|list| args.len() == 1 && list.kind() == Kind::List)?;
    match () {
        () if name.is("set") => Some(Plain::Set(list)),
        () if name.is("frozenset") => Some(Plain::FrozenSet(list)),
        () => None,
    }
}

/// The bytes that a bytearray is made of, which may again be spelled as a call.
#[cfg(feature = "serde")]
fn bytes_of(object: Object<'_>) -> Option<Text<'_>> {
    match object.as_bytes() {
        Ok(bytes) => Some(Text::new(bytes, crate::object::Spelling::Latin1)),
        // A call in a call in a call is nothing that Python writes, and none is looked into further.
        Err(_) if object.args()?.items().all(|arg| arg.kind() != Kind::Reduce) => match plain(object)? {
            Plain::Bytes(text) => Some(text),
            _ => None,
        },
        Err(_) => None,
    }
}

/// Module and name of a global, or of what an extension code stands for.
pub(super) fn named<'a>(registry: &Registry<'_>, callable: Object<'a>) -> Option<(Text<'a>, Text<'a>)> {
    match callable.atom() {
        Some(crate::object::Atom::Ext(code)) => {
            let (module, name) = registry.extension(code)?;
            Some((Text::from_str(module), Text::from_str(name)))
        }
        _ => callable.global(),
    }
}

/// Python 2's name for what Python 3 has under this one, as far as this library's own classes go: (module, name).
pub(crate) fn python2(module: &'static str, name: &'static str) -> (&'static str, &'static str) {
    let module = match (module, name) {
        ("builtins", _) => "__builtin__",
        ("copyreg", _) => "copy_reg",
        _ => return (module, name),
    };
    let name = match (module, name) {
        ("__builtin__", "range") => "xrange",
        ("__builtin__", "int") => "long",
        ("__builtin__", "str") => "unicode",
        _ => name,
    };
    (module, name)
}

/// Whether a module in a stream is this one of Python 3, under its own name or another one that some Python has for it.
pub(super) fn is_module(found: &Text<'_>, module: &str) -> bool {
    found.is(module)
        || match module {
            "builtins" => found.is("__builtin__") || found.is("exceptions"),
            "copyreg" => found.is("copy_reg"),
            // 3.13's name for it.
            "pathlib" => found.is("pathlib._local"),
            "collections" => found.is("UserDict") || found.is("UserList") || found.is("UserString"),
            _ => false,
        }
}

/// Whether a name in a stream is this one of Python 3 in its module, under its own name or Python 2's.
pub(super) fn is_name(found: &Text<'_>, module: &str, name: &str) -> bool {
    found.is(name)
        || match (module, name) {
            ("builtins", "range") => found.is("xrange"),
            ("builtins", "int") => found.is("long"),
            ("builtins", "str") => found.is("unicode"),
            _ => false,
        }
}
