//! Built-in types that serde does not tell from lists and bytes, and `types.SimpleNamespace`.

use super::parts::{need, read};
use core::fmt;
use core::marker::PhantomData;
use serde::de::{self, Deserialize, Deserializer, IgnoredAny, Visitor};
use serde::ser::{Serialize, SerializeStruct, Serializer};

/// A Python set, around any sequence of distinct items.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Set<V>(pub V);

impl<V: Serialize> Serialize for Set<V> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_newtype_struct("\0set", &self.0)
    }
}

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Set<V> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_newtype_struct("\0set", Inner(PhantomData)).map(Set)
    }
}

/// A Python frozenset, around any sequence of distinct items.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct FrozenSet<V>(pub V);

impl<V: Serialize> Serialize for FrozenSet<V> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_newtype_struct("\0frozenset", &self.0)
    }
}

impl<'de, V: Deserialize<'de>> Deserialize<'de> for FrozenSet<V> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_newtype_struct("\0frozenset", Inner(PhantomData)).map(FrozenSet)
    }
}

/// A Python bytearray, around anything that serde takes for bytes. It is written as a call of `bytearray`, which every
/// protocol has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ByteArray<B>(pub B);

struct AsBytes<'b>(&'b [u8]);

impl Serialize for AsBytes<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_bytes(self.0)
    }
}

impl<B: AsRef<[u8]>> Serialize for ByteArray<B> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut fields = to.serialize_struct("\0bytearray", 1)?;
        fields.serialize_field("bytes", &AsBytes(self.0.as_ref()))?;
        fields.end()
    }
}

impl<'de, B: Deserialize<'de>> Deserialize<'de> for ByteArray<B> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_newtype_struct("\0bytearray", Inner(PhantomData)).map(ByteArray)
    }
}

/// What is inside of a newtype struct.
struct Inner<V>(PhantomData<V>);

impl<'de, V: Deserialize<'de>> Visitor<'de> for Inner<V> {
    type Value = V;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of the class")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, from: D) -> Result<V, D::Error> {
        V::deserialize(from)
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut seq: A) -> Result<V, A::Error> {
        need(seq.next_element()?, "value")
    }
}

/// `types.SimpleNamespace`, around any struct or map of its attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Namespace<T>(pub T);

impl<T: Serialize> Serialize for Namespace<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut fields = to.serialize_struct("\0SimpleNamespace", 1)?;
        fields.serialize_field("state", &self.0)?;
        fields.end()
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Namespace<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let (state, _, _) = read::<D, T, IgnoredAny, IgnoredAny>(from, "\0SimpleNamespace", &["state"], 1)?;
        need(state, "state").map(Namespace)
    }
}
