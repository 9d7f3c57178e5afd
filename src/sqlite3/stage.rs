//! Kinds of stages, as the compiler and the machine number them.

/// Rows in the order of keys.
pub(crate) const SORT: u8 = 1;
/// Rows seen before.
pub(crate) const DISTINCT: u8 = 2;
/// Groups by keys.
pub(crate) const GROUP: u8 = 3;
/// The one group of an aggregate without GROUP BY.
pub(crate) const SINGLE: u8 = 4;
/// As SORT, of rows that differ in their keys.
pub(crate) const UNIQUE: u8 = 6;
/// Rows of a compound SELECT that differ.
pub(crate) const UNITED: u8 = 7;
/// A set of rowids.
pub(crate) const ROWSET: u8 = 5;
