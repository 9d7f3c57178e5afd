//! The objects that pickle and marshal decode, as handles on memory that the caller lends.
//!
//! Decoding fills [`Slot`]s, cells of four bytes. A cell of an atom (an int, a str, a float, None ...) is only the place
//! of that atom in the input: atoms are read when they are asked for and never copied. A cell of a container leads to
//! other cells. An [`Object`] is a Copy handle on one decoded value: walk it with [`get`](Object::get),
//! [`at`](Object::at) and [`items`](Object::items), and end with a typed reading.
//!
//! Nothing is ever imported, called or built here: a global is two names, and what a stream wants called is kept as data
//! ([`Kind::Reduce`] and its kin).
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::arithmetic_side_effects)]

pub(crate) mod arena;
mod atom;
mod emit;
mod error;
pub(crate) mod fault;
pub(crate) mod items;
mod long;
pub mod repr;
#[cfg(feature = "serde")]
pub mod serde;
pub(crate) mod slot;
mod text;
mod tree;
pub(crate) mod view;
pub mod walk;

pub use atom::Atom;
pub use emit::{Container, Emit, Level, Refused};
pub use error::{Error, ErrorKind, Result};
pub use items::{Items, Pairs};
pub use long::{Long, MAX_DECIMAL_DIGITS};
pub use slot::Slot;
pub(crate) use text::encode_utf8;
pub use text::{Chars, Spelling, Text};
pub use tree::{Encoding, PersistentLoad, Tree};
pub use view::{Extra, Kind, Object};
