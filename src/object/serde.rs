//! serde for both codecs, once: [`Serialize`](serde::Serialize) → [`Emit`](super::Emit) and
//! [`Object`](super::Object) → [`Deserialize`](serde::Deserialize).
//!
//! | Rust | Python |
//! |---|---|
//! | `()`, unit struct, `None` | None |
//! | `Some(x)`, newtype struct | x |
//! | bool; every int up to 128 bits; f32, f64 | bool; int; float |
//! | `char`, `&str` | str |
//! | bytes (serde_bytes) | bytes; a bytearray or an out-of-band buffer is read as well |
//! | sequence | list; a tuple, set or frozenset is read as well |
//! | tuple, tuple struct | tuple; a list is read as well |
//! | map, struct | dict; a struct is read from a tuple or list as well |
//! | enum | as serde_json has it: the variant's name, or a dict of one pair, name and content |

mod de;
mod instance;
mod ser;

pub use de::{Any, Classes, Limits, Peek, from_object, from_object_with};
pub use ser::serialize;
