//! `collections.OrderedDict`, `defaultdict`, `Counter` and `deque`.

use super::parts::{maybe, need, read};
use core::fmt;
use serde::de::{self, Deserialize, Deserializer, EnumAccess, IgnoredAny, VariantAccess, Visitor};
use serde::ser::{Serialize, SerializeStruct, SerializeTuple, Serializer};

/// `collections.OrderedDict`, around any map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct OrderedDict<M>(pub M);

impl<M: Serialize> Serialize for OrderedDict<M> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut fields = to.serialize_struct("\0OrderedDict", 1)?;
        fields.serialize_field("pairs", &self.0)?;
        fields.end()
    }
}

impl<'de, M: Deserialize<'de>> Deserialize<'de> for OrderedDict<M> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let (pairs, _, _) = read::<D, M, IgnoredAny, IgnoredAny>(from, "\0OrderedDict", &["pairs"], 1)?;
        need(pairs, "pairs").map(OrderedDict)
    }
}

/// `collections.Counter`, around any map to numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Counter<M>(pub M);

impl<M: Serialize> Serialize for Counter<M> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut fields = to.serialize_struct("\0Counter", 1)?;
        fields.serialize_field("pairs", &self.0)?;
        fields.end()
    }
}

impl<'de, M: Deserialize<'de>> Deserialize<'de> for Counter<M> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let (pairs, _, _) = read::<D, M, IgnoredAny, IgnoredAny>(from, "\0Counter", &["pairs"], 1)?;
        need(pairs, "pairs").map(Counter)
    }
}

/// What a defaultdict makes of a key that is missing: one of the built-in types. Other factories are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[allow(missing_docs)]
pub enum Factory {
    Bool,
    Bytes,
    ByteArray,
    Complex,
    Dict,
    Float,
    FrozenSet,
    Int,
    List,
    Set,
    Str,
    Tuple,
}

use Factory::*;

const FACTORIES: [Factory; 12] = [Bool, Bytes, ByteArray, Complex, Dict, Float, FrozenSet, Int, List, Set, Str, Tuple];
const FACTORY_NAMES: [&str; 12] = [
    "builtins bool",
    "builtins bytes",
    "builtins bytearray",
    "builtins complex",
    "builtins dict",
    "builtins float",
    "builtins frozenset",
    "builtins int",
    "builtins list",
    "builtins set",
    "builtins str",
    "builtins tuple",
];

impl Serialize for Factory {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let at = *self as usize;
        to.serialize_unit_variant("\0global", at as u32, FACTORY_NAMES.get(at).copied().unwrap_or_default())
    }
}

impl<'de> Deserialize<'de> for Factory {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let at = from.deserialize_enum("\0global", &FACTORY_NAMES, Global(&FACTORY_NAMES))?;
        FACTORIES.get(at).copied().ok_or_else(|| de::Error::unknown_variant("", &FACTORY_NAMES))
    }
}

/// Reads one of some globals as its number.
pub(super) struct Global(pub(super) &'static [&'static str]);

impl<'de> Visitor<'de> for Global {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a class that is known")
    }

    fn visit_enum<A: EnumAccess<'de>>(self, data: A) -> Result<usize, A::Error> {
        let (at, variant) = data.variant_seed(Variant(self.0))?;
        variant.unit_variant()?;
        Ok(at)
    }
}

/// A variant's name or number as its number.
struct Variant(&'static [&'static str]);

impl<'de> de::DeserializeSeed<'de> for Variant {
    type Value = usize;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<usize, D::Error> {
        from.deserialize_identifier(self)
    }
}

impl Visitor<'_> for Variant {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a class that is known")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<usize, E> {
        self.0.iter().position(|known| *known == name).ok_or_else(|| E::unknown_variant(name, self.0))
    }

    fn visit_u64<E: de::Error>(self, at: u64) -> Result<usize, E> {
        usize::try_from(at).map_err(|_| E::unknown_variant("", self.0))
    }
}

/// `collections.defaultdict`, around any map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct DefaultDict<M> {
    /// What it makes of a key that is missing; None makes it a KeyError.
    pub factory: Option<Factory>,
    /// Its pairs.
    pub map: M,
}

impl<M: Serialize> Serialize for DefaultDict<M> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut fields = match self.factory {
            Some(_) => to.serialize_struct("\0defaultdict", 2)?,
            None => to.serialize_struct("\0defaultdict.plain", 1)?,
        };
        maybe(&mut fields, "factory", self.factory.as_ref())?;
        fields.serialize_field("pairs", &self.map)?;
        fields.end()
    }
}

impl<'de, M: Deserialize<'de>> Deserialize<'de> for DefaultDict<M> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let (factory, pairs, _) =
            read::<D, Option<Factory>, M, IgnoredAny>(from, "\0defaultdict", &["factory", "pairs"], 2)?;
        Ok(DefaultDict { factory: factory.flatten(), map: need(pairs, "pairs")? })
    }
}

/// `collections.deque`, around any sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Deque<V> {
    /// The most items that Python lets it hold; None for any number.
    pub maxlen: Option<u32>,
    /// Its items.
    pub items: V,
}

/// The empty tuple that stands where `deque` wants its first items.
struct Nothing;

impl Serialize for Nothing {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_tuple(0)?.end()
    }
}

impl<V: Serialize> Serialize for Deque<V> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut fields = match self.maxlen {
            Some(_) => to.serialize_struct("\0deque", 3)?,
            None => to.serialize_struct("\0deque.unbounded", 1)?,
        };
        if self.maxlen.is_some() {
            fields.serialize_field("first", &Nothing)?;
        }
        maybe(&mut fields, "maxlen", self.maxlen.as_ref())?;
        fields.serialize_field("items", &self.items)?;
        fields.end()
    }
}

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Deque<V> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let (maxlen, items, _) = read::<D, Option<u32>, V, IgnoredAny>(from, "\0deque", &["maxlen", "items"], 2)?;
        Ok(Deque { maxlen: maxlen.flatten(), items: need(items, "items")? })
    }
}
