//! serde for both codecs, once: [`Serialize`](serde::Serialize) → [`Emit`](super::Emit) and
//! [`Object`] → [`Deserialize`](serde::Deserialize).
//!
//! | Rust | Python |
//! |---|---|
//! | `()`, unit struct, `None` | None |
//! | `Some(x)`, newtype struct | x |
//! | bool; every int up to 128 bits; f32, f64 | bool; int; float |
//! | `char`, `&str` | str |
//! | bytes (serde_bytes) | bytes; a bytearray or an out-of-band buffer is read as well |
//! | sequence | list; a tuple, set or frozenset is read as well |
//! | tuple, tuple struct | tuple; a list is read as well; one of another length is refused |
//! | map, struct | dict, or what [`copyreg`](crate::copyreg) says: an instance, a tuple; a struct is read from a tuple or list as well |
//! | enum | as serde_json has it: the variant's name, or a dict of one pair, name and content |

mod de;
pub(crate) mod instance;
mod ser;
pub(crate) mod source;
mod tree;

use super::{Object, Result};
use crate::copyreg::Registry;
pub(crate) use de::De;
pub(crate) use ser::{Encoder, serialize};
pub use tree::Limits;
use tree::Walk;

/// Reads a value of type `T` out of an object of plain data, of any codec.
pub fn from_object<'a, T: serde::Deserialize<'a>>(object: &Object<'a>, limits: Limits) -> Result<T> {
    from_object_with(object, limits, &Registry::EMPTY)
}

/// The same; instances of classes come to life through the registry.
pub fn from_object_with<'a, T: serde::Deserialize<'a>>(
    object: &Object<'a>,
    limits: Limits,
    registry: &Registry<'a>,
) -> Result<T> {
    let mut walk = Walk::new(object, limits, registry);
    T::deserialize(De { source: &mut walk }).map_err(|fail| walk.error(fail))
}
