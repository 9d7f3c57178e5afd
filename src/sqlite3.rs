//! Python's sqlite3: SQLite's dialect over the dbm, without heap and without recursion.

mod decimal;
mod extended;
pub mod key;
pub mod record;
pub mod scratch;
pub mod text;
pub mod value;
