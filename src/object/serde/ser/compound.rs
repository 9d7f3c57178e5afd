//! Containers on their way from Serialize to Emit: sequences, tuples and maps; structs, which may be instances; variants.

use super::{Done, Encoder, Ser};
use crate::copyreg::{Found, GoOn, Writing};
use crate::object::{Level, Refused};
use serde::ser::{self, Serialize};

/// A container that is being written.
pub(super) struct Open<'e, E> {
    pub(super) emit: &'e mut E,
    /// None for a list that the writer opened with [`Encoder::open_short_list`].
    pub(super) level: Option<Level>,
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
pub(super) struct Variant<'e, E> {
    pub(super) content: Open<'e, E>,
    pub(super) outer: Level,
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
pub(super) enum Shape<E> {
    /// A dict that the writer opened with [`Encoder::open_short`].
    Short,
    Plain(Level),
    Instance(Writing, GoOn<E>),
}

pub(super) struct Fields<'e, E> {
    pub(super) emit: &'e mut E,
    pub(super) shape: Shape<E>,
}

impl<'e, E: Encoder> Fields<'e, E> {
    #[inline(never)]
    pub(super) fn instance(emit: &'e mut E, (class, ops): Found<E>, len: usize) -> Result<Self, Refused> {
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

pub(super) fn open_variant<E: Encoder>(emit: &mut E, name: &'static str) -> Result<Level, Refused> {
    let mut outer = emit.open_dict(Some(1))?;
    outer.item(emit)?;
    emit.name(name)?;
    Ok(outer)
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
