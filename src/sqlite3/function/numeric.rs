//! The functions of numbers: abs, round, sign, and min and max of a list.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::arithmetic_side_effects)]
#![deny(clippy::panic)]

use super::{Call, Id};
use crate::sqlite3::decimal::{self, Conversion, Style};
use crate::sqlite3::error::ErrorKind;
use crate::sqlite3::real;
use crate::sqlite3::text;
use crate::sqlite3::value::{Affinity, Value};

/// An INTEGER stays one; anything else counts as REAL.
pub(crate) fn abs<'a>(c: &mut Call<'a, '_>) -> Value<'a> {
    match c.argument(0) {
        Value::Integer(i) => match i.checked_abs() {
            Some(i) => Value::Integer(i),
            None => c.fail(ErrorKind::Overflow),
        },
        value => {
            let real = value.to_real();
            // -0.0 is not below zero and stays.
            Value::Real(if real::is_negative(real) { -real } else { real })
        }
    }
}

/// -1, 0 or 1; NULL for what is no number.
pub(crate) fn sign<'a>(c: &mut Call<'a, '_>) -> Value<'a> {
    let order = match Affinity::Numeric.apply_numeric(c.argument(0)) {
        Value::Integer(i) => i.cmp(&0),
        Value::Real(r) => real::order(r, 0.0),
        _ => return Value::Null,
    };
    Value::Integer((order as i8).into())
}

/// Rounds to `places` decimals by way of text, as SQLite does, with 16 significant digits.
pub(crate) fn round<'a>(c: &mut Call<'a, '_>) -> Value<'a> {
    const NO_FRACTION: f64 = 4_503_599_627_370_496.0;
    let places = (c.integer(1) as i32).clamp(0, 30);
    let real = c.argument(0).to_real();
    let rounded = if real::order(real, NO_FRACTION).is_gt() || real::order(real, -NO_FRACTION).is_lt() {
        real
    } else if places == 0 {
        real::of(real::whole(real::sum(real, if real::is_negative(real) { -0.5 } else { 0.5 })))
    } else {
        let style = Style::new(Conversion::Fixed, places as u32);
        decimal::write(real, style, c.scratch);
        text::leading_real(c.finish())
    };
    Value::real(rounded)
}

/// min and max: the smallest or the largest of the arguments, of which none is NULL. Of equal ones, min gives the last
/// and max the first.
pub(crate) fn extreme<'a>(c: &mut Call<'a, '_>) -> Value<'a> {
    let mut best = c.argument(0);
    for at in 1..c.count {
        let value = c.argument(at);
        let order = best.compare(value, c.context.collation);
        if if c.id == Id::Max { order.is_lt() } else { order.is_ge() } {
            best = value;
        }
    }
    best
}
