//! Python's `sqlite3` for microcontrollers: SQLite's dialect over an ordered store.
//!
//! Contract: statements are compiled, straight from their tokens, to programs in lent bytes, and run there: no heap, no tree, no
//! recursion; the stack that is used is the same for every statement. What larder's dialect has, it answers as SQLite 3.40.1
//! does; what it lacks, it refuses with [`ErrorKind::Unsupported`] and its place.
//!
//! `compile` makes programs of statements, `vm` runs them, `function` has what is called in expressions; what both sides know,
//! values, records, keys and the schema, and the interface stand beside these.
#![doc = ""]
#![doc = include_str!("sqlite3/LANGUAGE.md")]

pub mod aggregate;
mod backup;
mod base;
mod compile;
mod connection;
mod cursor;
mod decimal;
mod dump;
mod error;
mod extended;
pub mod function;
mod ids;
pub mod key;
mod memory;
pub mod onflash;
mod parameter;
mod pragma;
mod program;
mod quoting;
mod real;
pub mod record;
mod schema;
pub mod scratch;
#[cfg(feature = "serde")]
mod serde;
mod statement;
pub mod store;
pub mod text;
mod token;
mod transaction;
pub mod value;
mod vm;
mod words;

/// Whether statements over more than the rows of one table are there: the feature `sqlite3-full`.
const FULL: bool = cfg!(feature = "sqlite3-full");
/// What else a feature of its name brings, for boards that have no room for it.
const ALTER: bool = cfg!(feature = "sqlite3-alter");
const DATE: bool = cfg!(feature = "sqlite3-date");
const EXPLAIN: bool = cfg!(feature = "sqlite3-explain");
const PRINTF: bool = cfg!(feature = "sqlite3-printf");

pub use backup::Backup;
pub use connection::Connection;
pub use cursor::{Column, Cursor, FromValue, Row, Rows, Statement};
pub use dump::Dump;
pub use error::{Class, Error, ErrorKind, Result};
pub use function::Custom;
pub use memory::Memory;
pub use parameter::parameter;
pub use transaction::Transaction;
pub use value::Value;
