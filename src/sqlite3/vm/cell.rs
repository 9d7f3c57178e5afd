//! Values in lent bytes.
//!
//! Contract: a cell is ten bytes: what the value is, where its bytes are, and the number or their offset and length. Cells borrow
//! nothing; [`View`] makes values of them, for as long as the memory does not change.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use crate::sqlite3::program::{Comparison, chunk, chunk_mut};
use crate::sqlite3::real;
use crate::sqlite3::value::Value;

/// Bytes of a cell.
pub(crate) const CELL: usize = 10;

const NULL: u16 = 0;
const INTEGER: u16 = 1;
const REAL: u16 = 2;
const TEXT: u16 = 3;
const BLOB: u16 = 4;
/// A local that was never set.
const UNSET: u16 = 5;

/// Where bytes are.
const ARENA: u16 = 0;
const SQL: u16 = 1 << 8;
const PARAMETER: u16 = 2 << 8;

/// A cell, read or about to be written. Its two fields go through registers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cell {
    /// What it is, and with bytes where they are.
    kind: u16,
    bits: u64,
}

impl Cell {
    pub(crate) const NULL: Cell = Cell { kind: NULL, bits: 0 };
    pub(crate) const UNSET: Cell = Cell { kind: UNSET, bits: 0 };

    #[inline]
    pub(crate) fn integer(i: i64) -> Self {
        Cell { kind: INTEGER, bits: i as u64 }
    }
    #[inline]
    pub(crate) fn real(r: f64) -> Self {
        Cell { kind: REAL, bits: r.to_bits() }
    }
    #[inline]
    pub(crate) fn truth(truth: Option<bool>) -> Self {
        truth.map_or(Cell::NULL, |known| Cell::integer(known.into()))
    }
    fn bytes(tag: u16, place: u16, at: usize, len: usize) -> Self {
        Cell { kind: tag | place, bits: at as u64 | (len as u64) << 32 }
    }
    /// Text that stands in the statement.
    pub(crate) fn sql_text(at: usize, len: usize) -> Self {
        Self::bytes(TEXT, SQL, at, len)
    }
    /// Text or a blob in the arena.
    pub(crate) fn in_arena(blob: bool, at: usize, len: usize) -> Self {
        Self::bytes(if blob { BLOB } else { TEXT }, ARENA, at, len)
    }
    /// A parameter, counted from 0.
    pub(crate) fn parameter(number: usize, value: Value<'_>) -> Self {
        match value {
            Value::Text(_) => Self::bytes(TEXT, PARAMETER, number, 0),
            Value::Blob(_) => Self::bytes(BLOB, PARAMETER, number, 0),
            _ => Self::number(value),
        }
    }
    /// A value without bytes; NULL for others.
    #[inline]
    pub(crate) fn number(value: Value<'_>) -> Self {
        match value {
            Value::Integer(i) => Self::integer(i),
            Value::Real(r) => Self::real(r),
            _ => Self::NULL,
        }
    }
    /// Whether the bytes, if there are any, stay where they are while rows come and go.
    pub(crate) fn is_lasting(self) -> bool {
        !self.is_stretch() || self.kind >= SQL
    }
    /// Offset and length of bytes in the arena.
    pub(crate) fn in_arena_at(self) -> Option<(usize, usize)> {
        let is = matches!(self.kind, TEXT | BLOB);
        is.then_some((self.bits as u32 as usize, (self.bits >> 32) as usize))
    }
    pub(crate) fn is_number(self) -> bool {
        self.kind == INTEGER || self.kind == REAL
    }
    /// Whether it is a text or a blob.
    #[inline]
    pub(crate) fn is_stretch(self) -> bool {
        matches!(self.kind & 0xff, TEXT | BLOB)
    }
    /// The value, if it is a number; else NULL.
    #[inline]
    pub(crate) fn number_value(self) -> Value<'static> {
        match self.kind {
            INTEGER => Value::Integer(self.bits as i64),
            REAL => Value::Real(f64::from_bits(self.bits)),
            _ => Value::Null,
        }
    }
    pub(crate) fn is_unset(self) -> bool {
        self.kind == UNSET
    }
    pub(crate) fn is_null(self) -> bool {
        self.kind == NULL || self.kind == UNSET
    }
    /// The integer, if it is one.
    pub(crate) fn as_integer(self) -> Option<i64> {
        (self.kind == INTEGER).then_some(self.bits as i64)
    }
    /// The real, if it is one.
    #[cfg(fast)]
    pub(crate) fn as_real(self) -> Option<f64> {
        (self.kind == REAL).then_some(f64::from_bits(self.bits))
    }

    #[cfg_attr(fast, inline)]
    #[cfg_attr(not(fast), inline(never))]
    pub(crate) fn read(bytes: &[u8], at: usize) -> Self {
        match chunk::<CELL>(bytes, at) {
            Some(&[what, place, a, b, c, d, e, f, g, h]) => {
                Cell { kind: u16::from_le_bytes([what, place]), bits: u64::from_le_bytes([a, b, c, d, e, f, g, h]) }
            }
            None => Cell::NULL,
        }
    }

    /// The cells at an offset and behind it.
    #[inline]
    pub(crate) fn pair(bytes: &[u8], at: usize) -> (Self, Self) {
        match chunk::<{ 2 * CELL }>(bytes, at) {
            Some(both) => (Cell::read(both, 0), Cell::read(both, CELL)),
            None => (Cell::NULL, Cell::NULL),
        }
    }

    #[cfg_attr(fast, inline)]
    #[cfg_attr(not(fast), inline(never))]
    pub(crate) fn write(self, bytes: &mut [u8], at: usize) {
        if let Some(place) = chunk_mut::<CELL>(bytes, at) {
            let [a, b, c, d, e, f, g, h] = self.bits.to_le_bytes();
            let [what, place_of] = self.kind.to_le_bytes();
            *place = [what, place_of, a, b, c, d, e, f, g, h];
        }
    }
}

impl Comparison {
    /// What the comparison gives for two numbers of one kind; `None` if they are none. Numbers compare by value, whatever the
    /// affinity, unless they are to be texts.
    #[cfg_attr(fast, inline(always))]
    pub(crate) fn of_numbers(self, left: Cell, right: Cell) -> Option<bool> {
        let order = match (left.kind, right.kind) {
            _ if self.affinity() == 1 => return None,
            (INTEGER, INTEGER) => (left.bits as i64).cmp(&(right.bits as i64)),
            (REAL, REAL) => real::order(f64::from_bits(left.bits), f64::from_bits(right.bits)),
            _ => return None,
        };
        Some(self.holds(order))
    }
}

/// The places that values borrow from.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    /// The arena up to the free part of the scratch, which may be lent to a writer.
    pub(crate) arena: &'a [u8],
    /// The arena behind the scratch, and where that begins.
    pub(crate) stages: &'a [u8],
    pub(crate) stages_at: usize,
    pub(crate) sql: &'a [u8],
    pub(crate) parameters: &'a [Value<'a>],
}

impl<'a> View<'a> {
    /// The value of a cell.
    #[inline]
    pub(crate) fn value(&self, cell: Cell) -> Value<'a> {
        match cell.kind & 0xff {
            INTEGER => Value::Integer(cell.bits as i64),
            REAL => Value::Real(f64::from_bits(cell.bits)),
            TEXT | BLOB => self.stretch(cell),
            _ => Value::Null,
        }
    }

    fn stretch(&self, cell: Cell) -> Value<'a> {
        let (at, len) = (cell.bits as u32 as usize, (cell.bits >> 32) as usize);
        let bytes = match cell.kind & 0xff00 {
            ARENA if at >= self.stages_at => self.stages.get(at - self.stages_at..at - self.stages_at + len),
            ARENA => self.arena.get(at..at + len),
            SQL => self.sql.get(at..at + len),
            _ => return self.parameters.get(at).copied().unwrap_or(Value::Null),
        };
        let bytes = bytes.unwrap_or_default();
        if cell.kind & 0xff == TEXT { Value::Text(bytes) } else { Value::Blob(bytes) }
    }

    /// The value of the cell at an offset into the arena.
    #[inline]
    pub(crate) fn at(&self, at: usize) -> Value<'a> {
        self.value(Cell::read(self.arena, at))
    }
}

/// Splits an arena at the free part of its scratch: what values borrow from, and the free part.
pub(crate) fn split<'v>(
    arena: &'v mut [u8],
    (bump, end): (usize, usize),
    sql: &'v [u8],
    parameters: &'v [Value<'v>],
) -> (View<'v>, &'v mut [u8]) {
    let end = end.min(arena.len());
    let (front, stages) = arena.split_at_mut(end);
    let (arena, room) = front.split_at_mut(bump.min(end));
    (View { arena, stages, stages_at: end, sql, parameters }, room)
}

/// The cell of a value whose bytes are in the memory that begins at address `arena` (of so many bytes), or in the
/// statement; `None` if they are elsewhere.
pub(crate) fn locate(value: Value<'_>, arena: (usize, usize), sql: &[u8]) -> Option<Cell> {
    let (bytes, tag) = match value {
        Value::Text(bytes) => (bytes, TEXT),
        Value::Blob(bytes) => (bytes, BLOB),
        _ => return Some(Cell::number(value)),
    };
    let start = bytes.as_ptr() as usize;
    let inside = |base: usize, len: usize| start >= base && start - base + bytes.len() <= len;
    if bytes.is_empty() {
        Some(Cell::bytes(tag, ARENA, 0, 0))
    } else if inside(arena.0, arena.1) {
        Some(Cell::bytes(tag, ARENA, start - arena.0, bytes.len()))
    } else if inside(sql.as_ptr() as usize, sql.len()) {
        Some(Cell::bytes(tag, SQL, start - sql.as_ptr() as usize, bytes.len()))
    } else {
        None
    }
}
