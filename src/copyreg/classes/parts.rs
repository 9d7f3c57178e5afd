//! Reads and writes a type as a struct of up to three fields, each of which may be missing.

use core::fmt;
use core::marker::PhantomData;
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeStruct, Serializer};

/// The fields' names.
pub(super) type Names = &'static [&'static str];

/// Fields as they were found.
pub(super) type Found<A, B, C> = (Option<A>, Option<B>, Option<C>);

/// Reads a struct of these fields, in whatever order they come. `own` is how many of them other formats have.
pub(super) fn read<'de, D, A, B, C>(
    from: D,
    name: &'static str,
    names: Names,
    own: usize,
) -> Result<Found<A, B, C>, D::Error>
where
    D: Deserializer<'de>,
    A: Deserialize<'de>,
    B: Deserialize<'de>,
    C: Deserialize<'de>,
{
    from.deserialize_struct(name, names, Fields { names, own, found: PhantomData })
}

struct Fields<A, B, C> {
    names: Names,
    own: usize,
    found: PhantomData<(A, B, C)>,
}

impl<'de, A: Deserialize<'de>, B: Deserialize<'de>, C: Deserialize<'de>> Visitor<'de> for Fields<A, B, C> {
    type Value = Found<A, B, C>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an instance of the class")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
        let (mut a, mut b, mut c) = (None, None, None);
        while let Some(at) = map.next_key_seed(Index(self.names))? {
            match at {
                0 if a.is_none() => a = Some(map.next_value()?),
                1 if b.is_none() => b = Some(map.next_value()?),
                2 if c.is_none() => c = Some(map.next_value()?),
                _ => return Err(de::Error::duplicate_field(self.names.get(at).copied().unwrap_or_default())),
            }
        }
        Ok((a, b, c))
    }

    /// What other formats have: the fields in order.
    fn visit_seq<S: SeqAccess<'de>>(self, mut seq: S) -> Result<Self::Value, S::Error> {
        let a = seq.next_element()?;
        let b = if self.own > 1 { seq.next_element()? } else { None };
        let c = if self.own > 2 { seq.next_element()? } else { None };
        Ok((a, b, c))
    }
}

/// Reads a field's name as its number.
pub(super) struct Index(pub(super) Names);

impl<'de> de::DeserializeSeed<'de> for Index {
    type Value = usize;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<usize, D::Error> {
        from.deserialize_identifier(self)
    }
}

impl Visitor<'_> for Index {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field's name")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<usize, E> {
        self.0.iter().position(|known| *known == name).ok_or_else(|| E::unknown_field(name, self.0))
    }
}

/// A value that is left out where it is None, and written as it is otherwise. To a format that knows nothing of this,
/// it is an Option.
pub(super) struct Maybe<'t, T>(pub(super) Option<&'t T>);

impl<T: Serialize> Serialize for Maybe<'_, T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            None => to.serialize_unit_variant("\0", 0, "\0"),
            Some(value) => to.serialize_newtype_variant("\0", 1, "\0", value),
        }
    }
}

/// Writes a field that may be left out.
pub(super) fn maybe<S: SerializeStruct, T: Serialize>(
    to: &mut S,
    name: &'static str,
    value: Option<&T>,
) -> Result<(), S::Error> {
    to.serialize_field(if value.is_some() { name } else { "\0" }, &Maybe(value))
}

/// What a field that must be there is missing stands for.
pub(super) fn need<T, E: de::Error>(value: Option<T>, name: &'static str) -> Result<T, E> {
    value.ok_or_else(|| E::missing_field(name))
}

/// The error for a value that the class cannot have.
pub(super) fn refuse<E: de::Error>(what: &'static str) -> E {
    E::invalid_value(de::Unexpected::Other("a value out of range"), &what)
}

/// Bytes of a fixed number, however a protocol spells bytes.
pub(super) struct Packed<const N: usize>(pub(super) [u8; N]);

impl<const N: usize> Serialize for Packed<N> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_bytes(&self.0)
    }
}

impl<'de, const N: usize> Deserialize<'de> for Packed<N> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_bytes(PackedVisitor)
    }
}

struct PackedVisitor<const N: usize>;

impl<'de, const N: usize> Visitor<'de> for PackedVisitor<N> {
    type Value = Packed<N>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("packed bytes")
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Packed<N>, E> {
        bytes.try_into().map(Packed).map_err(|_| E::invalid_length(bytes.len(), &self))
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut seq: S) -> Result<Packed<N>, S::Error> {
        let mut packed = [0; N];
        for byte in &mut packed {
            *byte = seq.next_element()?.ok_or_else(|| de::Error::invalid_length(0, &"packed bytes"))?;
        }
        Ok(Packed(packed))
    }
}
