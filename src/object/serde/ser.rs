//! Serialize → Emit.

use crate::copyreg::{self, Found, GoOn, Ops, Writing};
use crate::object::{Container, Emit, Level, Long, Refused};
use serde::ser::{self, Serialize};

/// A writer as serde's types know it: the codec's own, not behind a trait object.
pub(crate) trait Encoder: Emit + Sized {
    /// Whether it writes instances at all: who does not links nothing of it.
    const INSTANCES: bool = false;

    /// How instances of the registry's classes are written, if there is a registry.
    fn instances(&self) -> Option<Ops<Self>> {
        None
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

/// A container that is being written.
struct Open<'e, E> {
    emit: &'e mut E,
    /// None for a list that the writer opened with [`Encoder::open_short_list`].
    level: Option<Level>,
}

impl<'e, E: Encoder> Open<'e, E> {
    #[inline]
    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Done {
        self.next()?;
        value.serialize(Ser { emit: self.emit })
    }

    /// Before an item.
    #[inline]
    fn next(&mut self) -> Done {
        self.level.as_mut().map_or(Ok(()), |level| level.item(self.emit))
    }

    #[inline]
    fn done(self) -> Done {
        match self.level {
            Some(level) => self.emit.close_plain(level),
            None => {
                self.emit.close_short_list();
                Ok(())
            }
        }
    }
}

/// The content of a variant, and the dict around it.
struct Variant<'e, E> {
    content: Open<'e, E>,
    outer: Level,
}

impl<'e, E: Encoder> Variant<'e, E> {
    fn done(self) -> Done {
        let emit = self.content.emit;
        if let Some(level) = self.content.level {
            emit.close_plain(level)?;
        }
        emit.close_plain(self.outer)
    }
}

/// A struct or tuple struct that is being written: a dict or tuple, or an instance of a class.
enum Shape<E> {
    /// A dict that the writer opened with [`Encoder::open_short`].
    Short,
    Plain(Level),
    Instance(Writing, GoOn<E>),
}

struct Fields<'e, E> {
    emit: &'e mut E,
    shape: Shape<E>,
}

impl<'e, E: Encoder> Fields<'e, E> {
    #[inline(never)]
    fn instance(emit: &'e mut E, (class, ops): Found<E>, len: usize) -> Result<Self, Refused> {
        let shape = Shape::Instance((ops.open)(&class, len, emit)?, ops.go_on);
        Ok(Fields { emit, shape })
    }

    /// Before a field: its name, where one is due.
    #[inline]
    fn begin(&mut self, name: &'static str) -> Done {
        match self.shape {
            Shape::Short => self.emit.name(name),
            _ => self.begin_slowly(Some(name)),
        }
    }

    /// Before a field, which has a name or not.
    #[inline(never)]
    fn begin_slowly(&mut self, name: Option<&'static str>) -> Done {
        match &mut self.shape {
            Shape::Instance(writing, go_on) if E::INSTANCES => {
                return go_on(writing, Some(name.unwrap_or_default()), self.emit);
            }
            Shape::Instance(..) => return Err(Refused::Custom),
            Shape::Plain(level) => level.item(self.emit)?,
            Shape::Short => {}
        }
        match name {
            Some(name) => self.emit.name(name),
            None => Ok(()),
        }
    }

    #[cfg_attr(fast, inline(always))]
    fn done(self) -> Done {
        match self.shape {
            Shape::Short => {
                self.emit.close_short();
                Ok(())
            }
            Shape::Plain(level) => self.emit.close_plain(level),
            Shape::Instance(mut writing, go_on) if E::INSTANCES => go_on(&mut writing, None, self.emit),
            Shape::Instance(..) => Err(Refused::Custom),
        }
    }
}

/// What [`Ser`] does with a name that begins with a NUL: a sign among this library's own types.
#[inline(never)]
fn sign<E: Encoder>(name: &'static str, variant: &'static str, emit: &mut E) -> Done {
    match (name, variant.split_once(' ')) {
        ("\0global", Some((module, name))) => emit.constant(module, name),
        // A field that is left out.
        _ => Ok(()),
    }
}

fn open_variant<E: Encoder>(emit: &mut E, name: &'static str) -> Result<Level, Refused> {
    let mut outer = emit.open_dict(Some(1))?;
    outer.item(emit)?;
    emit.name(name)?;
    Ok(outer)
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
            return value.serialize(self);
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

impl<E: Encoder> ser::SerializeSeq for Open<'_, E> {
    type Ok = ();
    type Error = Refused;
    #[inline]
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Done {
        self.item(value)
    }
    #[inline]
    fn end(self) -> Done {
        self.done()
    }
}

impl<E: Encoder> ser::SerializeTuple for Open<'_, E> {
    type Ok = ();
    type Error = Refused;
    #[inline]
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Done {
        self.item(value)
    }
    #[inline]
    fn end(self) -> Done {
        self.done()
    }
}

impl<E: Encoder> ser::SerializeMap for Open<'_, E> {
    type Ok = ();
    type Error = Refused;
    #[inline]
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Done {
        self.item(key)
    }
    #[inline]
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Done {
        value.serialize(Ser { emit: self.emit })
    }
    #[inline]
    fn end(self) -> Done {
        self.done()
    }
}

impl<E: Encoder> ser::SerializeStruct for Fields<'_, E> {
    type Ok = ();
    type Error = Refused;
    #[inline(always)]
    fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Done {
        self.begin(key)?;
        value.serialize(Ser { emit: self.emit })
    }
    #[cfg_attr(fast, inline(always))]
    fn end(self) -> Done {
        self.done()
    }
}

impl<E: Encoder> ser::SerializeTupleStruct for Fields<'_, E> {
    type Ok = ();
    type Error = Refused;
    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Done {
        self.begin_slowly(None)?;
        value.serialize(Ser { emit: self.emit })
    }
    fn end(self) -> Done {
        self.done()
    }
}

impl<E: Encoder> ser::SerializeTupleVariant for Variant<'_, E> {
    type Ok = ();
    type Error = Refused;
    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Done {
        self.content.item(value)
    }
    fn end(self) -> Done {
        self.done()
    }
}

impl<E: Encoder> ser::SerializeStructVariant for Variant<'_, E> {
    type Ok = ();
    type Error = Refused;
    fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Done {
        self.content.next()?;
        self.content.emit.name(key)?;
        value.serialize(Ser { emit: self.content.emit })
    }
    fn end(self) -> Done {
        self.done()
    }
}
