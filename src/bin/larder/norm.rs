//! The norm form of a pickle: Python 3's names for Python 2's, and plain values for the calls that stand for them where a
//! protocol has no opcode.

use crate::canon::EXTRAS;
use larder::object::{Atom, Items, Kind, Object, Text};
use larder::pickle::compat::new_name;

/// The plain value that a call stands for.
pub(crate) enum Plain<'a> {
    /// `set([..])`.
    Set(Items<'a>),
    /// `frozenset([..])`.
    FrozenSet(Items<'a>),
    /// `_codecs.encode(str, 'latin1')`, `bytes()`.
    Bytes(Vec<u8>),
    /// `bytearray(bytes)`, `bytearray(str, 'latin-1')`, `bytearray()`.
    ByteArray(Vec<u8>),
    /// `complex(re, im)`.
    Complex(f64, f64),
    /// `copyreg._reconstructor(cls, object, None)`: an instance of the class, made with no arguments.
    NewObj(Object<'a>),
}

/// The plain value that a call stands for, if it does. `old_names`: names are Python 2's.
pub(crate) fn plain<'a>(object: &Object<'a>, old_names: bool) -> Option<Plain<'a>> {
    if object.kind() != Kind::Reduce {
        return None;
    }
    let args: Vec<Object<'a>> = object.args()?.items().take(4).collect();
    let callable = Name::of(&object.callable()?, old_names)?;
    if let ([class, base, none], true) = (args.as_slice(), callable.is("copyreg", "_reconstructor")) {
        let plain = Name::of(base, old_names)?.is("builtins", "object") && none.kind() == Kind::None;
        return plain.then_some(Plain::NewObj(*class));
    }
    // A plain value has no room for what came after the call.
    if EXTRAS.iter().any(|extra| object.extras(*extra).next().is_some()) {
        return None;
    }
    match args.as_slice() {
        [] if callable.is("builtins", "bytes") => Some(Plain::Bytes(Vec::new())),
        [] if callable.is("builtins", "bytearray") => Some(Plain::ByteArray(Vec::new())),
        [list] if list.kind() == Kind::List && callable.is("builtins", "set") => Some(Plain::Set(list.items())),
        [list] if list.kind() == Kind::List && callable.is("builtins", "frozenset") => {
            Some(Plain::FrozenSet(list.items()))
        }
        [bytes] if callable.is("builtins", "bytearray") => match (bytes.atom(), plain(bytes, old_names)) {
            (Some(Atom::Bytes(bytes)), _) => Some(Plain::ByteArray(bytes.to_vec())),
            (_, Some(Plain::Bytes(bytes))) => Some(Plain::ByteArray(bytes)),
            _ => None,
        },
        [text, encoding] if callable.is("builtins", "bytearray") => {
            Some(Plain::ByteArray(encoded(text, encoding, "latin-1")?))
        }
        [text, encoding] if callable.is("_codecs", "encode") => Some(Plain::Bytes(encoded(text, encoding, "latin1")?)),
        [re, im] if callable.is("builtins", "complex") => match (re.atom(), im.atom()) {
            (Some(Atom::Float(re)), Some(Atom::Float(im))) => Some(Plain::Complex(re, im)),
            _ => None,
        },
        _ => None,
    }
}

/// The bytes of a str whose characters are all below 256, where the encoding is this one.
fn encoded(text: &Object<'_>, encoding: &Object<'_>, wanted: &str) -> Option<Vec<u8>> {
    match (text.atom(), encoding.atom()) {
        (Some(Atom::Str(text)), Some(Atom::Str(encoding))) if encoding.is(wanted) => {
            text.chars().map(|c| u8::try_from(c).ok()).collect()
        }
        _ => None,
    }
}

/// Module and name of a global, in Python 3's words.
struct Name<'a>(Text<'a>, Text<'a>);

impl<'a> Name<'a> {
    fn of(object: &Object<'a>, old_names: bool) -> Option<Self> {
        let (module, name) = object.global()?;
        let (module, name) = if old_names { new_name(module, name) } else { (module, name) };
        Some(Name(module, name))
    }

    fn is(&self, module: &str, name: &str) -> bool {
        self.0.is(module) && self.1.is(name)
    }
}
