//! Python's `sqlite3` for microcontrollers: SQLite's dialect over an ordered store.
//!
//! Contract: statements are compiled, straight from their tokens, to programs in lent bytes, and run there: no heap, no tree, no
//! recursion; the stack that is used is the same for every statement. What larder's dialect has, it answers as SQLite 3.40.1
//! does; what it lacks, it refuses with [`ErrorKind::Unsupported`] and its place.
#![doc = ""]
#![doc = include_str!("sqlite3/LANGUAGE.md")]

pub mod aggregate;
mod alter;
mod backup;
mod cell;
mod change;
mod clauses;
mod closing;
mod compile;
mod compound;
mod connection;
mod create_index;
mod create_table;
mod cursor;
mod date;
mod ddl;
mod decimal;
mod distinct;
mod drop;
mod dump;
mod error;
mod explain;
mod expression;
mod extended;
mod frame;
pub mod function;
mod group;
mod groups;
mod ids;
mod insert;
mod instructions;
mod keep;
pub mod key;
mod like;
mod loops;
mod names;
mod numeric;
pub mod onflash;
mod operand;
mod parameter;
mod plan;
mod pragma;
mod printf;
mod program;
mod quoting;
mod reading;
mod real;
pub mod record;
mod result;
mod rows;
mod rowset;
mod schema;
pub mod scratch;
mod select;
#[cfg(feature = "serde")]
mod serde;
mod sorter;
mod source;
mod stage;
mod staging;
mod statement;
pub mod store;
mod string;
mod subselect;
mod template;
pub mod text;
mod token;
mod unite;
mod update;
pub mod value;
mod vm;
mod words;
mod write;

/// Whether statements over more than the rows of one table are there: the feature `sqlite3-full`.
const FULL: bool = cfg!(feature = "sqlite3-full");

pub use backup::Backup;
pub use connection::{Connection, Memory, Transaction};
pub use cursor::{Column, Cursor, FromValue, Row, Rows, Statement};
pub use dump::Dump;
pub use error::{Class, Error, ErrorKind, Result};
pub use function::Custom;
pub use value::Value;
