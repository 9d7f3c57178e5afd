//! Python's sqlite3: SQLite's dialect over the dbm, without heap and without recursion.

pub mod aggregate;
mod date;
mod decimal;
mod extended;
pub mod function;
pub mod key;
mod like;
mod numeric;
mod printf;
pub mod record;
pub mod scratch;
mod string;
pub mod text;
pub mod value;
