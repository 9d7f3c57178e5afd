//! The functions of numbers: abs, round, sign, and min and max of a list.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::arithmetic_side_effects)]
#![deny(clippy::panic)]

use super::decimal::{self, Conversion, Style};
use super::error::{ErrorKind, Result};
use super::scratch::Scratch;
use super::text;
use super::value::{Affinity, Collation, Value};

/// An INTEGER stays one; anything else counts as REAL.
pub(super) fn abs(value: Value<'_>) -> Result<Value<'_>> {
    match value {
        Value::Integer(i) => i.checked_abs().map(Value::Integer).ok_or(ErrorKind::Overflow.into()),
        _ => {
            let real = value.to_real();
            // -0.0 is not below zero and stays.
            Ok(Value::Real(if real < 0.0 { -real } else { real }))
        }
    }
}

/// -1, 0 or 1; NULL for what is no number.
pub(super) fn sign(value: Value<'_>) -> Value<'_> {
    match Affinity::Numeric.apply_numeric(value) {
        Value::Integer(i) => Value::Integer(i.signum()),
        Value::Real(r) => Value::Integer(i64::from(r > 0.0).wrapping_sub(i64::from(r < 0.0))),
        _ => Value::Null,
    }
}

/// Rounds to `places` decimals by way of text, as SQLite does, with 16 significant digits.
pub(super) fn round<'a>(value: Value<'a>, places: Option<Value<'_>>, scratch: &mut Scratch<'a>) -> Result<Value<'a>> {
    const NO_FRACTION: f64 = 4_503_599_627_370_496.0;
    let places = places.map_or(0, |places| places.to_integer() as i32).clamp(0, 30);
    let real = value.to_real();
    let rounded = if !(-NO_FRACTION..=NO_FRACTION).contains(&real) {
        real
    } else if places == 0 {
        (real + if real < 0.0 { -0.5 } else { 0.5 }) as i64 as f64
    } else {
        let style = Style::new(Conversion::Fixed, places as u32);
        decimal::write(real, style, scratch);
        text::leading_real(scratch.finish()?)
    };
    Ok(Value::real(rounded))
}

/// The smallest or the largest of `args`, of which none is NULL. Of equal ones, min gives the last and max the first.
pub(super) fn extreme<'a>(args: &[Value<'a>], largest: bool, collation: Collation) -> Value<'a> {
    let mut args = args.iter().copied();
    let mut best = args.next().unwrap_or(Value::Null);
    for value in args {
        let order = best.compare(value, collation);
        if if largest { order.is_lt() } else { order.is_ge() } {
            best = value;
        }
    }
    best
}
