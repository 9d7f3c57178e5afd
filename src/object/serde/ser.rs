//! Serialize → Emit.

mod compound;

use crate::copyreg::{self, Found, Ops, Writing};
use crate::object::{Container, Emit, Long, Refused};
use compound::{Fields, Open, Shape, Variant, open_variant};
use serde::ser::{self, Serialize};

/// A writer as serde's types know it: the codec's own, not behind a trait object.
pub(crate) trait Encoder: Emit + Sized {
    /// Whether it writes instances at all: who does not links nothing of it.
    const INSTANCES: bool = false;

    /// How instances of the registry's classes are written, if there is a registry.
    fn instances(&self) -> Option<Ops<Self>> {
        None
    }

    /// Whether a value was to be the content of a container, and none has come that can be.
    fn awaits_content(&self) -> bool {
        false
    }

    /// Opens a dict of so many pairs, if that takes no more than telling so; false, and nothing is written.
    #[inline]
    fn open_short(&mut self, _len: usize) -> bool {
        false
    }

    /// Closes it.
    fn close_short(&mut self) {}

    /// The same for a list.
    #[inline]
    fn open_short_list(&mut self, _len: usize) -> bool {
        false
    }

    /// Closes it.
    fn close_short_list(&mut self) {}
}

/// Gives a value to a writer.
#[inline]
pub(crate) fn serialize<T: Serialize + ?Sized, E: Encoder>(value: &T, emit: &mut E) -> Done {
    value.serialize(Ser { emit })
}

impl core::fmt::Display for Refused {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        core::fmt::Display::fmt(&super::super::ErrorKind::from(*self), f)
    }
}

impl core::error::Error for Refused {}

impl ser::Error for Refused {
    fn custom<T: core::fmt::Display>(_: T) -> Self {
        Refused::Custom
    }
}

struct Ser<'e, E> {
    emit: &'e mut E,
}

type Done = Result<(), Refused>;

/// What [`Ser`] does with a name that begins with a NUL: a sign among this library's own types.
#[inline(never)]
fn sign<E: Encoder>(name: &'static str, variant: &'static str, emit: &mut E) -> Done {
    match (name, variant.split_once(' ')) {
        ("\0global", Some((module, name))) => emit.constant(module, name),
        // A field that is left out.
        _ => Ok(()),
    }
}

/// Begins a newtype struct that is an instance of a class.
#[inline(never)]
fn newtype<E: Encoder>((class, ops): Found<E>, emit: &mut E) -> Result<Writing, Refused> {
    let mut writing = (ops.open)(&class, 1, emit)?;
    (ops.go_on)(&mut writing, Some(""), emit)?;
    Ok(writing)
}

impl<'e, E: Encoder> ser::Serializer for Ser<'e, E> {
    type Ok = ();
    type Error = Refused;
    type SerializeSeq = Open<'e, E>;
    type SerializeTuple = Open<'e, E>;
    type SerializeTupleStruct = Fields<'e, E>;
    type SerializeTupleVariant = Variant<'e, E>;
    type SerializeMap = Open<'e, E>;
    type SerializeStruct = Fields<'e, E>;
    type SerializeStructVariant = Variant<'e, E>;

    #[inline]
    fn serialize_bool(self, v: bool) -> Done {
        self.emit.bool(v)
    }

    #[inline]
    fn serialize_i8(self, v: i8) -> Done {
        self.emit.int(i64::from(v))
    }

    #[inline]
    fn serialize_i16(self, v: i16) -> Done {
        self.emit.int(i64::from(v))
    }

    #[inline]
    fn serialize_i32(self, v: i32) -> Done {
        self.emit.int(i64::from(v))
    }

    #[inline]
    fn serialize_i64(self, v: i64) -> Done {
        self.emit.int(v)
    }

    fn serialize_i128(self, v: i128) -> Done {
        match i64::try_from(v) {
            Ok(v) => self.emit.int(v),
            Err(_) => self.emit.long(&Long::Twos(&v.to_le_bytes())),
        }
    }

    #[inline]
    fn serialize_u8(self, v: u8) -> Done {
        self.emit.int(i64::from(v))
    }

    #[inline]
    fn serialize_u16(self, v: u16) -> Done {
        self.emit.int(i64::from(v))
    }

    #[inline]
    fn serialize_u32(self, v: u32) -> Done {
        self.emit.int(i64::from(v))
    }

    #[inline]
    fn serialize_u64(self, v: u64) -> Done {
        self.emit.unsigned(v)
    }

    fn serialize_u128(self, v: u128) -> Done {
        if let Ok(v) = i128::try_from(v) {
            return self.serialize_i128(v);
        }
        let mut bytes = [0; 17];
        for (to, from) in bytes.iter_mut().zip(v.to_le_bytes()) {
            *to = from;
        }
        self.emit.long(&Long::Twos(&bytes))
    }

    #[inline]
    fn serialize_f32(self, v: f32) -> Done {
        self.emit.float(f64::from(v))
    }

    #[inline]
    fn serialize_f64(self, v: f64) -> Done {
        self.emit.float(v)
    }

    fn serialize_char(self, v: char) -> Done {
        self.emit.str(v.encode_utf8(&mut [0; 4]))
    }

    #[inline]
    fn serialize_str(self, v: &str) -> Done {
        self.emit.str(v)
    }

    #[inline]
    fn serialize_bytes(self, v: &[u8]) -> Done {
        self.emit.bytes(v)
    }

    fn serialize_none(self) -> Done {
        self.emit.none()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Done {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Done {
        self.emit.none()
    }

    #[inline(always)]
    fn serialize_unit_struct(self, name: &'static str) -> Done {
        match copyreg::find(name, self.emit) {
            None => self.emit.none(),
            Some((class, ops)) => (ops.go_on)(&mut (ops.open)(&class, 0, self.emit)?, None, self.emit),
        }
    }

    #[inline(always)]
    fn serialize_unit_variant(self, name: &'static str, _: u32, variant: &'static str) -> Done {
        if copyreg::is_own(name) {
            return sign(name, variant, self.emit);
        }
        match copyreg::find(name, self.emit) {
            None => self.emit.name(variant),
            Some((class, ops)) => (ops.member)(&class, variant, self.emit),
        }
    }

    #[inline(always)]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, name: &'static str, value: &T) -> Done {
        if copyreg::is_own(name) {
            // A set or frozenset around a sequence.
            self.emit.content(if name == "\0set" { Container::Set } else { Container::FrozenSet })?;
            value.serialize(Ser { emit: self.emit })?;
            return if self.emit.awaits_content() { Err(Refused::Custom) } else { Ok(()) };
        }
        match copyreg::registered(name, self.emit) {
            None => value.serialize(self),
            Some(found) => {
                let mut writing = newtype(found, self.emit)?;
                value.serialize(Ser { emit: self.emit })?;
                (found.1.go_on)(&mut writing, None, self.emit)
            }
        }
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Done {
        // A field that may be left out, and is not.
        if copyreg::is_own(name) {
            return value.serialize(self);
        }
        let outer = open_variant(self.emit, variant)?;
        value.serialize(Ser { emit: self.emit })?;
        self.emit.close_plain(outer)
    }

    #[inline]
    fn serialize_seq(self, len: Option<usize>) -> Result<Open<'e, E>, Refused> {
        match len {
            Some(len) if self.emit.open_short_list(len) => Ok(Open { level: None, emit: self.emit }),
            _ => Ok(Open { level: Some(self.emit.open_list(len)?), emit: self.emit }),
        }
    }

    #[inline]
    fn serialize_tuple(self, len: usize) -> Result<Open<'e, E>, Refused> {
        Ok(Open { level: Some(self.emit.open_tuple(len)?), emit: self.emit })
    }

    #[inline(always)]
    fn serialize_tuple_struct(self, name: &'static str, len: usize) -> Result<Fields<'e, E>, Refused> {
        match copyreg::find(name, self.emit) {
            None => {
                let shape = Shape::Plain(self.emit.open_tuple(len)?);
                Ok(Fields { emit: self.emit, shape })
            }
            Some(found) => Fields::instance(self.emit, found, len),
        }
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Variant<'e, E>, Refused> {
        let outer = open_variant(self.emit, variant)?;
        let level = self.emit.open_tuple(len)?;
        Ok(Variant { content: Open { emit: self.emit, level: Some(level) }, outer })
    }

    #[inline]
    fn serialize_map(self, len: Option<usize>) -> Result<Open<'e, E>, Refused> {
        Ok(Open { level: Some(self.emit.open_dict(len)?), emit: self.emit })
    }

    #[inline(always)]
    fn serialize_struct(self, name: &'static str, len: usize) -> Result<Fields<'e, E>, Refused> {
        match copyreg::find(name, self.emit) {
            None if self.emit.open_short(len) => Ok(Fields { emit: self.emit, shape: Shape::Short }),
            None => {
                let shape = Shape::Plain(self.emit.open_dict(Some(len))?);
                Ok(Fields { emit: self.emit, shape })
            }
            Some(found) => Fields::instance(self.emit, found, len),
        }
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Variant<'e, E>, Refused> {
        let outer = open_variant(self.emit, variant)?;
        let level = self.emit.open_dict(Some(len))?;
        Ok(Variant { content: Open { emit: self.emit, level: Some(level) }, outer })
    }

    fn collect_str<T: core::fmt::Display + ?Sized>(self, value: &T) -> Done {
        let mut text = Collected::default();
        core::fmt::write(&mut text, format_args!("{value}")).map_err(|_| Refused::TooLong)?;
        self.emit.str(text.as_str())
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}

/// What `collect_str` writes into: text that a Display gives piece by piece, up to 128 bytes of it.
struct Collected {
    bytes: [u8; 128],
    len: usize,
}

impl Default for Collected {
    fn default() -> Self {
        Collected { bytes: [0; 128], len: 0 }
    }
}

impl Collected {
    fn as_str(&self) -> &str {
        self.bytes.get(..self.len).and_then(|bytes| core::str::from_utf8(bytes).ok()).unwrap_or_default()
    }
}

impl core::fmt::Write for Collected {
    fn write_str(&mut self, s: &str) -> core::fmt::Result {
        let end = self.len.saturating_add(s.len());
        self.bytes.get_mut(self.len..end).ok_or(core::fmt::Error)?.copy_from_slice(s.as_bytes());
        self.len = end;
        Ok(())
    }
}
