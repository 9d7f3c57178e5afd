//! Values: five storage classes, how they compare, convert and calculate.
//!
//! Contract: every rule here is SQLite's, to the letter (<https://sqlite.org/datatype3.html>,
//! <https://sqlite.org/lang_expr.html>), as the library of version 3.40.1 behaves. A value borrows its bytes; what makes
//! new text writes it to a [`Scratch`] of the caller. No NaN ever becomes a value: where arithmetic gives one, the
//! result is NULL.
//!
//! TEXT is kept as bytes. It is UTF-8 where it came in as such; `CAST(x'ff' AS TEXT)` makes other bytes, as in SQLite.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::arithmetic_side_effects)]
#![deny(clippy::panic)]

use core::cmp::Ordering;

use super::error::Result;
use super::real;
use super::scratch::Scratch;
use super::text::{self, Number};
use super::words::{self, Words};

/// One SQL value: an INTEGER of 64 bits, a REAL (never NaN), or borrowed bytes.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Value<'a> {
    /// NULL.
    Null,
    /// A signed integer.
    Integer(i64),
    /// An IEEE 754 binary64; infinities are values, NaN is not: see [`Value::real`].
    Real(f64),
    /// Text, as bytes.
    Text(&'a [u8]),
    /// Bytes.
    Blob(&'a [u8]),
}

/// The storage class of a value, in the order in which values of different classes sort.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Class {
    /// NULL sorts before everything.
    Null,
    /// INTEGER sorts among REAL by value.
    Integer,
    /// REAL sorts among INTEGER by value.
    Real,
    /// TEXT sorts by a collation, after all numbers.
    Text,
    /// BLOB sorts by its bytes, after all text.
    Blob,
}

impl Class {
    /// The name that `typeof()` gives.
    pub fn name(self) -> &'static str {
        match self {
            Class::Null => "null",
            Class::Integer => "integer",
            Class::Real => "real",
            Class::Text => "text",
            Class::Blob => "blob",
        }
    }
}

/// How text compares. (<https://sqlite.org/datatype3.html#collating_sequences>)
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Collation {
    /// By bytes.
    #[default]
    Binary,
    /// As BINARY, with the 26 capital letters of ASCII folded to lower case; behind a NUL, only the lengths count.
    NoCase,
    /// As BINARY, with trailing spaces ignored.
    RTrim,
}

impl Collation {
    /// The collation of this name, whatever its case.
    pub fn named(name: &[u8]) -> Option<Self> {
        const NAMES: &[&str] = &["binary", "nocase", "rtrim"];
        static PACKED: [u8; words::size(NAMES)] = words::packed(NAMES);
        Some(match Words(&PACKED).place_of(name)? {
            0 => Collation::Binary,
            1 => Collation::NoCase,
            _ => Collation::RTrim,
        })
    }

    /// Compares two texts.
    pub fn compare(self, left: &[u8], right: &[u8]) -> Ordering {
        match self {
            Collation::Binary => left.cmp(right),
            Collation::NoCase => {
                for (left, right) in left.iter().zip(right) {
                    let order = left.to_ascii_lowercase().cmp(&right.to_ascii_lowercase());
                    if order.is_ne() {
                        return order;
                    }
                    if *left == 0 {
                        break;
                    }
                }
                left.len().cmp(&right.len())
            }
            Collation::RTrim => without_trailing_spaces(left).cmp(without_trailing_spaces(right)),
        }
    }
}

/// A text as RTRIM sees it.
pub(super) fn without_trailing_spaces(mut bytes: &[u8]) -> &[u8] {
    while let Some((b' ', rest)) = bytes.split_last() {
        bytes = rest;
    }
    bytes
}

/// The class a column prefers. (<https://sqlite.org/datatype3.html#type_affinity>)
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Affinity {
    /// Keeps what it is given; a column without a type has it too.
    #[default]
    Blob,
    /// Numbers become text.
    Text,
    /// Text that looks like a number becomes INTEGER or REAL.
    Numeric,
    /// As NUMERIC; differs only in CAST.
    Integer,
    /// As NUMERIC, and integers become REAL.
    Real,
}

impl Affinity {
    /// The affinity of a declared type, by the rules of <https://sqlite.org/datatype3.html#determination_of_column_affinity>.
    pub fn of_type(declared: &[u8]) -> Self {
        /// The first of these that is part of it decides.
        const PARTS: &[&str] = &["int", "char", "clob", "text", "blob", "real", "floa", "doub"];
        static PACKED: [u8; words::size(PARTS)] = words::packed(PARTS);
        let has = |part: &[u8]| declared.windows(part.len()).any(|place| place.eq_ignore_ascii_case(part));
        match Words(&PACKED).position(has) {
            _ if declared.is_empty() => Affinity::Blob,
            None => Affinity::Numeric,
            Some(0) => Affinity::Integer,
            Some(1..4) => Affinity::Text,
            Some(4) => Affinity::Blob,
            Some(_) => Affinity::Real,
        }
    }

    /// Whether numbers are preferred.
    pub fn is_numeric(self) -> bool {
        matches!(self, Affinity::Numeric | Affinity::Integer | Affinity::Real)
    }

    /// The affinity that a comparison of two operands applies to both; an operand that is no column and no CAST has none.
    /// (<https://sqlite.org/datatype3.html#type_conversions_prior_to_comparison>)
    pub fn of_comparison(left: Option<Self>, right: Option<Self>) -> Self {
        match (left, right) {
            (Some(a), Some(b)) if a.is_numeric() || b.is_numeric() => Affinity::Numeric,
            (Some(_), Some(_)) | (None, None) => Affinity::Blob,
            (Some(one), None) | (None, Some(one)) => one,
        }
    }

    /// What a column of this affinity keeps of `value`.
    ///
    /// # Errors
    /// [`ErrorKind::Limit`](super::ErrorKind::Limit) where a number becomes text.
    pub fn apply<'a>(self, value: Value<'a>, scratch: &mut Scratch<'a>) -> Result<Value<'a>> {
        match (self, value) {
            (Affinity::Text, Value::Integer(_) | Value::Real(_)) => Ok(Value::Text(value.to_text(scratch)?)),
            _ => Ok(self.apply_numeric(value)),
        }
    }

    /// As [`Affinity::apply`], for the affinities that need no room: TEXT leaves every value as it is.
    pub fn apply_numeric(self, value: Value<'_>) -> Value<'_> {
        if !self.is_numeric() {
            return value;
        }
        let number = match value {
            Value::Text(bytes) => match text::number(bytes) {
                (Number::Integer(i), true) => Value::Integer(i),
                (Number::Real(r), true) => integer_if_exact(r),
                (_, false) => return value,
            },
            Value::Real(r) => integer_if_exact(r),
            other => other,
        };
        match (self, number, value) {
            // -0.0 is kept as 0.0.
            (Affinity::Real, Value::Integer(_), Value::Real(r)) => Value::Real(if real::is_zero(r) { 0.0 } else { r }),
            (Affinity::Real, Value::Integer(i), _) => Value::Real(real::of(i)),
            _ => number,
        }
    }

    /// `CAST(value AS type)` where the type has this affinity. (<https://sqlite.org/lang_expr.html#castexpr>)
    ///
    /// # Errors
    /// [`ErrorKind::Limit`](super::ErrorKind::Limit) where a number becomes text.
    pub fn cast<'a>(self, value: Value<'a>, scratch: &mut Scratch<'a>) -> Result<Value<'a>> {
        Ok(match (self, value) {
            (_, Value::Null) => Value::Null,
            (Affinity::Blob, _) => Value::Blob(value.to_text(scratch)?),
            (Affinity::Text, _) => Value::Text(value.to_text(scratch)?),
            (Affinity::Integer, _) => Value::Integer(value.to_integer()),
            (Affinity::Real, _) => Value::Real(value.to_real()),
            (Affinity::Numeric, Value::Text(bytes) | Value::Blob(bytes)) => text::cast_to_numeric(bytes),
            (Affinity::Numeric, number) => number,
        })
    }
}

/// A REAL as INTEGER where nothing is lost, as INTEGER and NUMERIC columns keep it.
fn integer_if_exact<'a>(real: f64) -> Value<'a> {
    let integer = real::whole(real);
    if real::order(real::of(integer), real).is_eq() && integer > i64::MIN && integer < i64::MAX {
        Value::Integer(integer)
    } else {
        Value::Real(real)
    }
}

impl<'a> Value<'a> {
    /// A REAL, or NULL in the place of NaN.
    pub fn real(real: f64) -> Self {
        if real::is_nan(real) { Value::Null } else { Value::Real(real) }
    }

    /// TRUE is 1, FALSE is 0, unknown is NULL.
    pub fn of_truth(truth: Option<bool>) -> Self {
        truth.map_or(Value::Null, |known| Value::Integer(known.into()))
    }

    /// The storage class.
    pub fn class(self) -> Class {
        match self {
            Value::Null => Class::Null,
            Value::Integer(_) => Class::Integer,
            Value::Real(_) => Class::Real,
            Value::Text(_) => Class::Text,
            Value::Blob(_) => Class::Blob,
        }
    }

    /// Whether this is NULL.
    pub fn is_null(self) -> bool {
        matches!(self, Value::Null)
    }

    /// What WHERE makes of it: NULL is unknown, a number is true unless zero, text counts as the number it begins with.
    pub fn truth(self) -> Option<bool> {
        match self {
            Value::Null => None,
            Value::Integer(i) => Some(i != 0),
            _ => Some(!real::is_zero(self.to_real())),
        }
    }

    /// As INTEGER: a REAL is cut off towards zero and clamped, text gives the integer it begins with, NULL gives 0.
    pub fn to_integer(self) -> i64 {
        match self {
            Value::Null => 0,
            Value::Integer(i) => i,
            Value::Real(r) => real::whole(r),
            Value::Text(bytes) | Value::Blob(bytes) => text::leading_integer(bytes),
        }
    }

    /// As REAL: text gives the number it begins with, NULL gives 0.0.
    pub fn to_real(self) -> f64 {
        match self {
            Value::Null => 0.0,
            Value::Integer(i) => real::of(i),
            Value::Real(r) => r,
            Value::Text(bytes) | Value::Blob(bytes) => text::leading_real(bytes),
        }
    }

    /// As an operand of arithmetic: an INTEGER, a REAL or NULL.
    pub fn to_number(self) -> Value<'static> {
        match self {
            Value::Null => Value::Null,
            Value::Integer(i) => Value::Integer(i),
            Value::Real(r) => Value::Real(r),
            Value::Text(bytes) | Value::Blob(bytes) => text::operand(bytes),
        }
    }

    /// As text: numbers are printed, bytes stay what they are, NULL is empty.
    ///
    /// # Errors
    /// [`ErrorKind::Limit`](super::ErrorKind::Limit) where a number is printed.
    pub fn to_text(self, scratch: &mut Scratch<'a>) -> Result<&'a [u8]> {
        match self {
            Value::Null => Ok(b""),
            Value::Text(bytes) | Value::Blob(bytes) => Ok(bytes),
            Value::Integer(_) | Value::Real(_) => {
                self.write(scratch);
                scratch.finish()
            }
        }
    }

    /// Appends the value as text; NULL appends nothing.
    pub fn write(self, out: &mut Scratch<'_>) {
        match self {
            Value::Null => {}
            Value::Integer(i) => text::write_integer(i, out),
            Value::Real(r) => text::write_real(r, out),
            Value::Text(bytes) | Value::Blob(bytes) => out.extend(bytes),
        }
    }

    /// The total order of values: NULL (equal to itself), numbers, text by the collation, blobs. `=`, `<`, IN and the
    /// others treat NULL apart ([`Value::compare_known`]); ORDER BY, DISTINCT, GROUP BY, IS, min and max use this one.
    pub fn compare(self, other: Value<'_>, collation: Collation) -> Ordering {
        match (self, other) {
            (Value::Integer(a), Value::Integer(b)) => a.cmp(&b),
            (Value::Text(a), Value::Text(b)) => collation.compare(a, b),
            (Value::Real(a), Value::Real(b)) => real::order(a, b),
            (Value::Integer(a), Value::Real(b)) => compare_integer_to_real(a, b),
            (Value::Real(a), Value::Integer(b)) => compare_integer_to_real(b, a).reverse(),
            (Value::Blob(a), Value::Blob(b)) => a.cmp(b),
            // Of different kinds, or both NULL.
            _ => self.class().cmp(&other.class()),
        }
    }

    /// Compares where NULL is unknown: `None` if one of both is NULL.
    pub fn compare_known(self, other: Value<'_>, collation: Collation) -> Option<Ordering> {
        if self.is_null() || other.is_null() { None } else { Some(self.compare(other, collation)) }
    }
}

/// Exact for all 64 bits of the integer.
fn compare_integer_to_real(integer: i64, real: f64) -> Ordering {
    match integer.cmp(&real::whole(real)) {
        // No real is so large and no larger.
        Ordering::Equal if integer == i64::MAX => Ordering::Less,
        // What is cut off decides only where the whole parts are equal; then the integer is exact as a real.
        Ordering::Equal => real::order(real::of(integer), real),
        other => other,
    }
}

/// AND of three-valued logic.
pub fn and(left: Option<bool>, right: Option<bool>) -> Option<bool> {
    match (left, right) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), Some(true)) => Some(true),
        _ => None,
    }
}

/// OR of three-valued logic.
pub fn or(left: Option<bool>, right: Option<bool>) -> Option<bool> {
    match (left, right) {
        (Some(true), _) | (_, Some(true)) => Some(true),
        (Some(false), Some(false)) => Some(false),
        _ => None,
    }
}

/// The binary operators that calculate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Operator {
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`: of integers, cut off towards zero; by zero NULL.
    Divide,
    /// `%`: both operands as integers; by zero NULL.
    Remainder,
    /// `&`
    And,
    /// `|`
    Or,
    /// `<<`; a negative count shifts right.
    ShiftLeft,
    /// `>>`, which keeps the sign; a negative count shifts left.
    ShiftRight,
}

impl Operator {
    /// All of them, in the order of their instructions.
    pub(crate) const ALL: &[Operator] = {
        use Operator::*;
        &[Add, Subtract, Multiply, Divide, Remainder, And, Or, ShiftLeft, ShiftRight]
    };
}

/// `left operator right`. Integers that overflow give REAL; NULL gives NULL; NaN gives NULL.
pub fn calculate(operator: Operator, left: Value<'_>, right: Value<'_>) -> Value<'static> {
    if left.is_null() || right.is_null() {
        return Value::Null;
    }
    if matches!(operator, Operator::And | Operator::Or | Operator::ShiftLeft | Operator::ShiftRight) {
        let (left, right) = (left.to_integer(), right.to_integer());
        return Value::Integer(match operator {
            Operator::And => left & right,
            Operator::Or => left | right,
            Operator::ShiftLeft => shift(left, right),
            _ => shift(left, right.saturating_neg()),
        });
    }
    if let (Value::Integer(left), Value::Integer(right)) = (left.to_number(), right.to_number())
        && let Some(exact) = of_integers(operator, left, right)
    {
        return Value::Integer(exact);
    }
    let (a, b) = (left.to_real(), right.to_real());
    Value::real(match operator {
        Operator::Add => real::sum(a, b),
        Operator::Subtract => real::sum(a, -b),
        Operator::Multiply => real::product(a, b),
        Operator::Divide if !real::is_zero(b) => real::quotient(a, b),
        Operator::Divide => f64::NAN,
        _ => of_integers(operator, left.to_integer(), right.to_integer()).map_or(f64::NAN, real::of),
    })
}

/// Of integers, where the result is one.
#[cfg_attr(fast, inline)]
#[cfg_attr(not(fast), inline(never))]
fn of_integers(operator: Operator, left: i64, right: i64) -> Option<i64> {
    match operator {
        Operator::Add => left.checked_add(right),
        Operator::Subtract => left.checked_sub(right),
        Operator::Multiply => real::multiplied(left, right),
        _ if right == 0 => None,
        // (The quotient of the smallest integer and -1 is one too large.)
        Operator::Divide => Some(real::divided_signed(left, right).0).filter(|_| left != i64::MIN || right != -1),
        _ => Some(real::divided_signed(left, right).1),
    }
}

/// Shifts left by `count`, right (keeping the sign) by a negative one.
fn shift(value: i64, count: i64) -> i64 {
    let distance = u32::try_from(count.unsigned_abs()).unwrap_or(u32::MAX);
    if count >= 0 {
        value.checked_shl(distance).unwrap_or(0)
    } else {
        value.checked_shr(distance).unwrap_or(if value < 0 { -1 } else { 0 })
    }
}

/// `-value`: an integer without a negative counterpart becomes REAL.
pub fn negate(value: Value<'_>) -> Value<'static> {
    calculate(Operator::Subtract, Value::Integer(0), value)
}

/// `~value`.
pub fn invert(value: Value<'_>) -> Value<'static> {
    if value.is_null() { Value::Null } else { Value::Integer(!value.to_integer()) }
}

/// `left || right`: always TEXT, NULL if one of both is NULL.
///
/// # Errors
/// [`ErrorKind::Limit`](super::ErrorKind::Limit) with the length of the result.
pub fn concatenate<'a>(left: Value<'_>, right: Value<'_>, scratch: &mut Scratch<'a>) -> Result<Value<'a>> {
    if left.is_null() || right.is_null() {
        return Ok(Value::Null);
    }
    left.write(scratch);
    right.write(scratch);
    Ok(Value::Text(scratch.finish()?))
}
