//! How values become bytes and come back.

#[cfg(feature = "serde")]
use serde::{Deserialize, Serialize};

use super::Result;
use crate::copyreg::Registry;
#[cfg(feature = "marshal")]
use crate::marshal::{self, Marshaller};
#[cfg(feature = "postcard")]
use crate::object::{Error, ErrorKind};
use crate::object::{Object, Slot};
#[cfg(feature = "serde")]
use crate::pickle::Unpickler;
use crate::pickle::{self, Pickler};

/// A way to encode values. A shelf is compiled for one, and only that one is linked.
pub trait Codec {
    /// Encodes `value` into `buf`; the used part.
    #[cfg(feature = "serde")]
    fn dumps<'b, T: Serialize + ?Sized>(&self, value: &T, buf: &'b mut [u8]) -> Result<&'b [u8]>;

    /// Decodes a value, which may borrow from `bytes`.
    #[cfg(feature = "serde")]
    fn loads<'b, T: Deserialize<'b>>(&self, bytes: &'b [u8], slots: &'b mut [Slot]) -> Result<T>;
}

/// A codec whose values carry their own types, so that they can be read without knowing them.
pub trait Objects: Codec {
    /// Encodes `value` into `buf`, with `slots` to remember what it holds twice; the used part.
    fn dump_object<'b>(&self, value: &Object<'_>, buf: &'b mut [u8], slots: &mut [Slot]) -> Result<&'b [u8]>;

    /// Decodes a value as it is.
    fn load_object<'b>(&self, bytes: &'b [u8], slots: &'b mut [Slot]) -> Result<Object<'b>>;
}

/// Pickle: what Python's `shelve` uses, readable on a host without knowing the types.
#[derive(Debug, Clone, Copy)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Pickle {
    protocol: u8,
    registry: Registry<'static>,
}

impl Pickle {
    /// Protocol 4, no classes.
    pub const fn new() -> Self {
        Pickle { protocol: pickle::DEFAULT_PROTOCOL, registry: Registry::EMPTY }
    }

    /// Writes this protocol, 0 to 5; all are read. Python: `shelve.open(name, protocol=2)`.
    pub const fn protocol(self, protocol: u8) -> Self {
        Pickle { protocol, ..self }
    }

    /// With these classes: a Rust type that has a row is written as an instance of its class and read from one, as Python's
    /// shelf holds instances.
    #[cfg(feature = "serde")]
    pub const fn registry(self, registry: &Registry<'static>) -> Self {
        Pickle { registry: *registry, ..self }
    }
}

impl Default for Pickle {
    fn default() -> Self {
        Pickle::new()
    }
}

impl Codec for Pickle {
    #[cfg(feature = "serde")]
    fn dumps<'b, T: Serialize + ?Sized>(&self, value: &T, buf: &'b mut [u8]) -> Result<&'b [u8]> {
        Ok(Pickler::new(buf).protocol(self.protocol).registry(&self.registry).dumps(value)?)
    }

    #[cfg(feature = "serde")]
    fn loads<'b, T: Deserialize<'b>>(&self, bytes: &'b [u8], slots: &'b mut [Slot]) -> Result<T> {
        Ok(Unpickler::new().registry(&self.registry).from_slice(bytes, slots)?)
    }
}

impl Objects for Pickle {
    fn dump_object<'b>(&self, value: &Object<'_>, buf: &'b mut [u8], slots: &mut [Slot]) -> Result<&'b [u8]> {
        Ok(Pickler::new(buf).protocol(self.protocol).recode(value, slots)?)
    }

    fn load_object<'b>(&self, bytes: &'b [u8], slots: &'b mut [Slot]) -> Result<Object<'b>> {
        Ok(pickle::loads(bytes, slots)?)
    }
}

/// Marshal: what `.pyc` files are made of; smaller and faster than pickle, for plain values.
#[cfg(feature = "marshal")]
#[derive(Debug, Clone, Copy, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Marshal;

#[cfg(feature = "marshal")]
impl Codec for Marshal {
    #[cfg(feature = "serde")]
    fn dumps<'b, T: Serialize + ?Sized>(&self, value: &T, buf: &'b mut [u8]) -> Result<&'b [u8]> {
        Ok(marshal::dumps(value, buf)?)
    }

    #[cfg(feature = "serde")]
    fn loads<'b, T: Deserialize<'b>>(&self, bytes: &'b [u8], slots: &'b mut [Slot]) -> Result<T> {
        Ok(marshal::from_slice(bytes, slots)?)
    }
}

#[cfg(feature = "marshal")]
impl Objects for Marshal {
    fn dump_object<'b>(&self, value: &Object<'_>, buf: &'b mut [u8], slots: &mut [Slot]) -> Result<&'b [u8]> {
        Ok(Marshaller::new(buf).recode(value, slots)?)
    }

    fn load_object<'b>(&self, bytes: &'b [u8], slots: &'b mut [Slot]) -> Result<Object<'b>> {
        Ok(marshal::loads(bytes, slots)?)
    }
}

/// Postcard: the smallest and fastest, but its bytes do not say what they are: they are read as the type that was written.
/// Needs no slots.
#[cfg(feature = "postcard")]
#[derive(Debug, Clone, Copy, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Postcard;

#[cfg(feature = "postcard")]
impl Codec for Postcard {
    fn dumps<'b, T: Serialize + ?Sized>(&self, value: &T, buf: &'b mut [u8]) -> Result<&'b [u8]> {
        match postcard::to_slice(value, buf) {
            Ok(used) => Ok(used),
            Err(postcard::Error::SerializeBufferFull) => Err(too_small(value)),
            Err(_) => Err(Error::new(ErrorKind::Custom, 0).into()),
        }
    }

    fn loads<'b, T: Deserialize<'b>>(&self, bytes: &'b [u8], _: &'b mut [Slot]) -> Result<T> {
        use postcard::Error as Wrong;
        postcard::from_bytes(bytes).map_err(|wrong| {
            let kind = match wrong {
                Wrong::DeserializeUnexpectedEnd => ErrorKind::Truncated,
                Wrong::DeserializeBadUtf8 | Wrong::DeserializeBadChar => ErrorKind::BadText,
                Wrong::DeserializeBadEnum => ErrorKind::UnknownVariant,
                Wrong::DeserializeBadVarint | Wrong::DeserializeBadBool | Wrong::DeserializeBadOption => {
                    ErrorKind::BadArgument
                }
                _ => ErrorKind::Custom,
            };
            Error::new(kind, 0).into()
        })
    }
}

/// What a value needs, by encoding it into nothing.
#[cfg(feature = "postcard")]
fn too_small<T: Serialize + ?Sized>(value: &T) -> super::Error {
    let kind = match postcard::experimental::serialized_size(value) {
        Ok(needed) => ErrorKind::BufferTooSmall { needed },
        Err(_) => ErrorKind::Custom,
    };
    Error::new(kind, 0).into()
}
