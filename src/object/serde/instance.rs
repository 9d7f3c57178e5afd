//! Instances of Python's classes as serde reads them, and what older protocols spell as calls. Whatever is plain data
//! goes past here.

use super::source::{Content, Key, Level, Newtype};
use super::tree::{CONTENT, Walk};
use crate::copyreg::{self, Class, Field, Fields, Instance, Name, Plain, plain};
use crate::object::slot::{OBJECT, Slot};
use crate::object::{Atom, ErrorKind, Kind, Object, Spelling, Text};

/// What reading instances takes. It is reached through the [`Registry`](crate::copyreg::Registry) that was given and
/// through this library's own types, so that who has neither links none of it.
#[derive(Debug)]
pub(crate) struct Ops {
    pub(super) fields:
        for<'a> fn(&mut Walk<'a>, &'static str, &'static [&'static str], &mut Option<Fields<'a>>) -> Option<()>,
    pub(super) places: for<'w, 'a> fn(&mut Walk<'a>, &'static str, &mut Level<'w, 'a>) -> Option<()>,
    pub(super) unit: for<'a> fn(&mut Walk<'a>, &'static str) -> Option<bool>,
    pub(super) newtype: for<'a> fn(&mut Walk<'a>, &'static str) -> Option<Newtype>,
    pub(super) variant: for<'a> fn(&mut Walk<'a>, &'static str, &'static [&'static str]) -> Option<&'static str>,
    pub(super) key: for<'w, 'a> fn(&mut Walk<'a>, &mut Level<'w, 'a>) -> Option<Key>,
}

/// What there is of it.
pub(crate) static OPS: Ops = Ops { fields, places, unit, newtype, variant, key };

/// The row by which this object is the Rust type of this name.
fn class<'a>(walk: &mut Walk<'a>, rust: &str, object: Object<'a>) -> Option<&'a Class> {
    let registry = &walk.registry;
    let class = match Instance::of(object) {
        #[cfg(feature = "classes")]
        Some(instance) if copyreg::is_own(rust) => {
            let fits = |row: &&Class| row.rust == rust && row.is_named_by(registry, instance.callable);
            copyreg::classes::ROWS.iter().find(fits)
        }
        #[cfg(feature = "classes")]
        None if object.kind() == Kind::Slice => copyreg::classes::row(rust).filter(|row| row.name == "slice"),
        Some(instance) => registry.class_of(rust, instance.callable),
        None => return walk.fail(ErrorKind::UnexpectedType),
    };
    if class.is_none() { walk.fail(ErrorKind::NotRegistered) } else { class }
}

fn found<'a>(walk: &mut Walk<'a>, rust: &str, names: &'static [&'static str]) -> Option<Fields<'a>> {
    let object = walk.object()?;
    let class = class(walk, rust, object)?;
    walk.told(Fields::new(object, class, names))
}

fn fields<'a>(
    walk: &mut Walk<'a>,
    rust: &'static str,
    names: &'static [&'static str],
    fields: &mut Option<Fields<'a>>,
) -> Option<()> {
    *fields = Some(found(walk, rust, names)?);
    // The level that the fields are read in.
    walk.enter(&mut Level::new(), Content::Empty)
}

/// A tuple struct, from an instance of its class.
fn places<'a>(walk: &mut Walk<'a>, rust: &'static str, level: &mut Level<'_, 'a>) -> Option<()> {
    let places = found(walk, rust, &[])?.into_places();
    let places = walk.told(places)?;
    walk.enter(level, Content::Words(places, None))
}

/// Whether this is the global or the instance without fields that a unit struct of this name stands for.
fn unit(walk: &mut Walk<'_>, rust: &'static str) -> Option<bool> {
    let object = walk.object()?;
    match object.kind() {
        Kind::Global | Kind::Ext => match walk.registry.class_of(rust, object) {
            Some(_) => Some(true),
            None => walk.fail(ErrorKind::NotRegistered),
        },
        _ if object.word.tag() == OBJECT => {
            let field = found(walk, rust, &[])?.next();
            match walk.told(field)? {
                None => Some(true),
                Some(_) => walk.fail(ErrorKind::WrongLength),
            }
        }
        _ => Some(false),
    }
}

/// What a newtype struct of this name is read from.
fn newtype(walk: &mut Walk<'_>, rust: &'static str) -> Option<Newtype> {
    if walk.registry.is_empty() && !copyreg::is_own(rust) {
        return Some(Newtype::Value);
    }
    let object = walk.object()?;
    let fits = match (rust, object.kind()) {
        ("\0any", _) => return Some(Newtype::Any),
        ("\0complex", _) => {
            return Some(match object.atom() {
                Some(Atom::Complex(re, im)) => Newtype::Bits(u128::from(re.to_bits()) << 64 | u128::from(im.to_bits())),
                _ => Newtype::Value,
            });
        }
        ("\0set", kind) => kind == Kind::Set || matches!(plain(object), Some(Plain::Set(_))),
        ("\0frozenset", kind) => kind == Kind::FrozenSet || matches!(plain(object), Some(Plain::FrozenSet(_))),
        ("\0bytearray", kind) => kind == Kind::ByteArray || matches!(plain(object), Some(Plain::ByteArray(_))),
        // A newtype around an instance of another class has no row of its own.
        _ if object.word.tag() != OBJECT || walk.registry.class(rust).is_none() => return Some(Newtype::Value),
        _ => return only_field(walk, rust),
    };
    if fits { Some(Newtype::Value) } else { walk.fail(ErrorKind::UnexpectedType) }
}

/// Goes to the one field of an instance.
fn only_field(walk: &mut Walk<'_>, rust: &str) -> Option<Newtype> {
    let mut fields = found(walk, rust, &[""])?;
    let (first, second) = (fields.next(), fields.next());
    match (walk.told(first)?, walk.told(second)?) {
        (Some((_, value)), None) => {
            walk.now = put(walk, value);
            Some(Newtype::Value)
        }
        _ => walk.fail(ErrorKind::WrongLength),
    }
}

/// A word for a field's value.
fn put<'a>(walk: &mut Walk<'a>, field: Field<'a>) -> Slot {
    match field {
        Field::One(word) => word,
        content => {
            walk.content = Some(content);
            Slot::new(CONTENT, 0)
        }
    }
}

/// The variant that one of these globals is, or a member of a Python enum.
fn variant(walk: &mut Walk<'_>, rust: &'static str, variants: &'static [&'static str]) -> Option<&'static str> {
    let object = walk.object()?;
    if copyreg::is_own(rust) {
        let named = |variant: &&&'static str| match variant.split_once(' ') {
            Some((module, name)) => Class::singleton(module, name).is_named_by(&walk.registry, object),
            None => false,
        };
        return match variants.iter().find(named) {
            Some(variant) => Some(*variant),
            None if matches!(object.kind(), Kind::Global | Kind::Ext) => walk.fail(ErrorKind::NotRegistered),
            None => walk.fail(ErrorKind::UnexpectedType),
        };
    }
    let Some(instance) = Instance::of(object) else { return walk.fail(ErrorKind::UnexpectedType) };
    // Some versions of Python pickle `getattr(Color, 'RED')` instead of `Color(1)`.
    let variant = match copyreg::attribute(object) {
        Some((class, name)) if walk.registry.class_of(rust, class).is_some() => {
            variants.iter().find(|variant| name.is(variant)).copied()
        }
        _ => {
            let class = class(walk, rust, object)?;
            let mut args = instance.args;
            match (args.next(), args.next()) {
                (Some(value), None) => class.member(value),
                _ => return walk.fail(ErrorKind::WrongLength),
            }
        }
    };
    if variant.is_none() { walk.fail(ErrorKind::UnknownVariant) } else { variant }
}

/// Enters a sequence that is no list, tuple or set, or fails in this way.
#[inline(never)]
pub(super) fn sequence<'a>(walk: &mut Walk<'a>, level: &mut Level<'_, 'a>, kind: ErrorKind) -> Option<()> {
    let object = Object { tree: walk.tree, word: walk.tree.resolve(walk.now) };
    let text = match (plain(object), object.atom()) {
        (Some(Plain::Set(list) | Plain::FrozenSet(list)), _) => {
            return walk.enter(level, Content::Words(list.items().words, None));
        }
        (Some(Plain::Bytes(text) | Plain::ByteArray(text)), _) => text,
        (None, Some(Atom::Bytes(bytes) | Atom::ByteArray(bytes))) => Text::new(bytes, Spelling::Latin1),
        (None, Some(Atom::ByteString(text))) => text,
        _ => return walk.fail(kind),
    };
    walk.enter(level, Content::Bytes(text.chars()))
}

/// Goes to the next key of pairs that do not stand in words.
fn key<'a>(walk: &mut Walk<'a>, level: &mut Level<'_, 'a>) -> Option<Key> {
    let pair = match &mut level.content {
        Content::Fields(fields) => fields.next(),
        Content::Pairs(pairs) => {
            pairs.next(&walk.tree).map(|pair| pair.map(|(key, value)| (Name::Word(key), Field::One(value))))
        }
        _ => Ok(None),
    };
    let Some((name, field)) = walk.told(pair)? else { return Some(Key::End) };
    level.value = put(walk, field);
    Some(match name {
        Name::Place(name) => Key::Name(name),
        Name::Word(word) => {
            walk.now = word;
            Key::Value
        }
    })
}
