//! What the machine does with an opcode, as a number.
//!
//! Contract: those that the first pass looks at more closely stand together, and so do those of the memo; at the end stand
//! those that do something other than pushing one atom or remembering the top, and DUP is such a one as well.

/// Pushes an atom that is as long as its shape says.
pub(super) const PLAIN: u16 = 0;
pub(super) const ATOM: u16 = 1;
pub(super) const EMPTY_TUPLE: u16 = 2;
pub(super) const BUFFER: u16 = 3;
pub(super) const MEMOIZE: u16 = 4;
pub(super) const PUT: u16 = 5;
pub(super) const GET: u16 = 6;
/// Adds one item or pair.
pub(super) const ADD: u16 = 7;
pub(super) const DUP: u16 = 8;
pub(super) const STOP: u16 = 9;
pub(super) const PROTO: u16 = 10;
pub(super) const FRAME: u16 = 11;
pub(super) const MARK: u16 = 12;
/// A new list, dict or set.
pub(super) const EMPTY: u16 = 13;
pub(super) const TUPLE: u16 = 14;
pub(super) const FROZENSET: u16 = 15;
/// Adds, or makes a list or dict of, what is above the mark.
pub(super) const FILL: u16 = 16;
pub(super) const POP: u16 = 17;
pub(super) const POP_MARK: u16 = 18;
pub(super) const BUILD: u16 = 19;
pub(super) const CALL: u16 = 20;
pub(super) const STACK_GLOBAL: u16 = 21;
pub(super) const INST: u16 = 22;
pub(super) const PERSID: u16 = 23;
pub(super) const READONLY: u16 = 24;
