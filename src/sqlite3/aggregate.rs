//! The aggregates: what they keep of the rows so far, and what they make of it. (<https://sqlite.org/lang_aggfunc.html>)
//!
//! count, sum, total and avg keep an [`Accumulator`] of fixed size. min and max keep one value, group_concat a text: the
//! caller keeps those, and the functions here say what becomes of them. DISTINCT is the caller's too.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::arithmetic_side_effects)]
#![deny(clippy::panic)]

use super::error::{ErrorKind, Result};
use super::function::Id;
use super::real;
use super::scratch::Scratch;
use super::text::{self, Number};
use super::value::{Collation, Value};

const INEXACT: u8 = 1;
const OVERFLOW: u8 = 2;

/// What count, sum, total and avg keep: a sum in both classes, and how many values there were.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Accumulator {
    real: f64,
    integer: i64,
    count: u64,
    /// A value that is no INTEGER was seen, or the INTEGER sum overflowed: the sum is REAL.
    inexact: bool,
    /// The INTEGER sum overflowed before any other value was seen.
    overflow: bool,
}

impl Accumulator {
    /// The bytes that it is kept in.
    pub const SIZE: usize = 25;

    /// What `id` makes of the rows so far.
    ///
    /// # Errors
    /// [`ErrorKind::Overflow`] of `sum`; [`ErrorKind::Unsupported`] for an aggregate that has no accumulator.
    pub fn finish(&self, id: Id) -> Result<Value<'static>> {
        Ok(match id {
            Id::Count => Value::Integer(self.count as i64),
            Id::Total => Value::real(self.real),
            Id::Avg | Id::Sum if self.count == 0 => Value::Null,
            Id::Avg => Value::real(real::quotient(self.real, real::of(self.count as i64))),
            Id::Sum if self.overflow => return Err(ErrorKind::Overflow.into()),
            Id::Sum if self.inexact => Value::real(self.real),
            Id::Sum => Value::Integer(self.integer),
            _ => return Err(ErrorKind::Unsupported.into()),
        })
    }

    /// Reads a state that was stored; zeros are the state before the first row.
    #[inline]
    pub fn load(bytes: &[u8; Self::SIZE]) -> Self {
        let ([real, integer, count], [flags]) = bytes.as_chunks::<8>() else { return Self::default() };
        Accumulator {
            real: f64::from_le_bytes(*real),
            integer: i64::from_le_bytes(*integer),
            count: u64::from_le_bytes(*count),
            inexact: flags & INEXACT != 0,
            overflow: flags & OVERFLOW != 0,
        }
    }
}

/// The number that a text or blob counts as.
#[inline(never)]
pub fn number(value: Value<'_>) -> Value<'static> {
    if let Value::Text(bytes) = value
        && let (Number::Integer(i), true) = text::number(bytes)
    {
        return Value::Integer(i);
    }
    Value::Real(value.to_real())
}

/// Takes one row into a state that is kept in bytes. `value` is the argument as a [`number`], which does not count if it is
/// NULL; `None` for `count(*)`.
#[inline]
pub fn step(state: &mut [u8; Accumulator::SIZE], id: Id, value: Option<Value<'_>>) {
    let ([place, integer, count], [flags]) = state.as_chunks_mut::<8>() else { return };
    let number = match value {
        Some(Value::Null) => return,
        Some(value) => value,
        None => Value::Null,
    };
    *count = u64::from_le_bytes(*count).wrapping_add(1).to_le_bytes();
    if id == Id::Count {
        return;
    }
    let sum = f64::from_le_bytes(*place);
    match number {
        Value::Real(more) => {
            *place = real::sum(sum, more).to_le_bytes();
            *flags |= INEXACT;
        }
        Value::Integer(more) => {
            *place = real::sum(sum, real::of(more)).to_le_bytes();
            if *flags & INEXACT == 0 {
                match i64::from_le_bytes(*integer).checked_add(more) {
                    Some(sum) => *integer = sum.to_le_bytes(),
                    None => *flags = INEXACT | OVERFLOW,
                }
            }
        }
        _ => {}
    }
}

/// Whether `candidate` takes the place of `best` in min or max. `best` is NULL before the first value.
pub fn replaces(id: Id, best: Value<'_>, candidate: Value<'_>, collation: Collation) -> bool {
    if candidate.is_null() || best.is_null() {
        return best.is_null() && !candidate.is_null();
    }
    let order = candidate.compare(best, collation);
    if id == Id::AggregateMax { order.is_gt() } else { order.is_lt() }
}

/// Appends one row's value, which is not NULL, to the text of group_concat. `separator` is its second argument.
pub fn group_concat(first: bool, value: Value<'_>, separator: Option<Value<'_>>, out: &mut Scratch<'_>) {
    if !first {
        separator.unwrap_or(Value::Text(b",")).write(out);
    }
    value.write(out);
}
