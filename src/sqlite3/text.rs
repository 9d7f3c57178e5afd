//! Numbers in text: parsing as SQLite 3.40.1 parses, to the last bit.
//!
//! SQLite reads numbers in several ways, which differ in what they make of spaces, of text behind the number, and of
//! integers too large for 64 bits. Each way is one function here; printing of REAL is in `decimal`.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::arithmetic_side_effects)]
#![deny(clippy::panic)]

use super::extended::Extended;
use super::real;
use super::scratch::Scratch;
use super::value::Value;

pub use super::decimal::write_real;

/// What a text is as a number.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Number {
    /// An integer that fits.
    Integer(i64),
    /// Anything else.
    Real(f64),
}

/// What SQLite counts as a space: tab, LF, VT, FF, CR and the space itself.
pub fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | 9..=13)
}

/// A walk over bytes.
struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn peek(&self) -> Option<u8> {
        self.0.first().copied()
    }

    fn skip(&mut self) {
        self.0 = self.0.get(1..).unwrap_or(&[]);
    }

    fn take(&mut self, wanted: u8) -> bool {
        let found = self.peek() == Some(wanted);
        if found {
            self.skip();
        }
        found
    }

    fn skip_spaces(&mut self) {
        while self.peek().is_some_and(is_space) {
            self.skip();
        }
    }

    fn digit(&mut self) -> Option<u8> {
        let digit = self.peek()?.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        self.skip();
        Some(digit)
    }

    /// Whether the number is negative; the sign is skipped.
    fn sign(&mut self) -> bool {
        let negative = self.take(b'-');
        if !negative {
            self.take(b'+');
        }
        negative
    }
}

/// How a text that was read as a REAL looks.
#[derive(Clone, Copy, PartialEq)]
enum Form {
    /// All of it is an integer, spaces around it allowed.
    Integer,
    /// All of it is a number with a point or an exponent.
    Real,
    /// It begins with a number that has a point or an exponent.
    RealPrefix,
    /// Something else: it may begin with an integer.
    Other,
}

/// Digits beyond this significand cannot be taken in.
const SIGNIFICAND_FULL: u64 = (i64::MAX as u64 - 9) / 10;

/// Reads the REAL that `bytes` begin with (0.0 where there is none) and says what they look like.
fn read_real(bytes: &[u8]) -> (f64, Form) {
    let mut rest = Bytes(bytes);
    rest.skip_spaces();
    let negative = rest.sign();
    let (mut significand, mut exponent) = (0u64, 0i32);
    let (mut any_digit, mut point) = (false, false);
    loop {
        if let Some(digit) = rest.digit() {
            any_digit = true;
            // A digit that is not taken in counts before the point, and one that is behind it.
            let full = significand >= SIGNIFICAND_FULL;
            if !full {
                significand = with_digit(significand, digit);
            }
            exponent = exponent.wrapping_add(i32::from(full)).wrapping_sub(point.into());
        } else if point || !rest.take(b'.') {
            break;
        } else {
            point = true;
        }
    }
    let (mut marked, mut broken) = (point, false);
    if rest.take(b'e') || rest.take(b'E') {
        let down = rest.sign();
        let mut power = 0i32;
        broken = true;
        while let Some(digit) = rest.digit() {
            (marked, broken) = (true, false);
            power = if power < 10_000 { power.wrapping_mul(10).wrapping_add(digit.into()) } else { 10_000 };
        }
        exponent = exponent.wrapping_add(if down { power.wrapping_neg() } else { power });
    }
    rest.skip_spaces();
    let real = scale(significand, exponent);
    let form = match (any_digit, rest.0.is_empty() && !broken, marked) {
        (true, true, true) => Form::Real,
        (true, true, false) => Form::Integer,
        (true, false, true) => Form::RealPrefix,
        _ => Form::Other,
    };
    (if negative { -real } else { real }, form)
}

fn with_digit(significand: u64, digit: u8) -> u64 {
    significand.wrapping_mul(10).wrapping_add(digit.into())
}

/// `significand * 10^exponent`, with the roundings of SQLite: as few as possible, in 64 bits where it needs some.
fn scale(mut significand: u64, exponent: i32) -> f64 {
    if significand == 0 {
        return 0.0;
    }
    let (up, mut power) = (exponent > 0, exponent.unsigned_abs());
    while power > 0 {
        if up {
            if significand >= i64::MAX as u64 / 10 {
                break;
            }
            significand = with_digit(significand, 0);
        } else {
            let (tenth, 0) = real::divided(significand, 10) else { break };
            significand = tenth;
        }
        power = power.saturating_sub(1);
    }
    // From 308 on there are two steps, of which the second is one of binary64.
    let (first, second) = match power {
        ..308 => (power, 1.0),
        308..342 => (power.saturating_sub(308), 1e308),
        _ => return if up { f64::INFINITY } else { 0.0 },
    };
    let mut number = Extended::from_integer(significand);
    let scale = power_of_ten(first);
    if up {
        number.multiply(&scale);
        real::product(number.nearest_real(), second)
    } else {
        number.divide(&scale);
        real::quotient(number.nearest_real(), second)
    }
}

fn power_of_ten(mut power: u32) -> Extended {
    let (mut square, mut result) = (Extended::TEN, Extended::ONE);
    loop {
        if power & 1 == 1 {
            result.multiply(&square);
        }
        power >>= 1;
        if power == 0 {
            return result;
        }
        let factor = square;
        square.multiply(&factor);
    }
}

/// How a text that was read as an integer looks.
#[derive(Clone, Copy, PartialEq)]
enum Fit {
    /// An integer of 64 bits and nothing else but spaces.
    Whole,
    /// Text follows the integer, or there is no digit at all.
    Prefix,
    /// It is 9223372036854775808, one too large.
    OneTooLarge,
    /// Too large, clamped.
    TooLarge,
}

/// Reads the integer that `bytes` begin with (0 where there is none), clamped to 64 bits.
fn read_integer(bytes: &[u8]) -> (i64, Fit) {
    let mut rest = Bytes(bytes);
    rest.skip_spaces();
    let negative = rest.sign();
    const LIMIT: u64 = 1 << 63;
    let mut magnitude = 0u64;
    let mut any_digit = false;
    while let Some(digit) = rest.digit() {
        any_digit = true;
        magnitude = if magnitude > LIMIT / 10 { u64::MAX } else { with_digit(magnitude, digit) };
    }
    rest.skip_spaces();
    let fit = if any_digit && rest.0.is_empty() { Fit::Whole } else { Fit::Prefix };
    let fit = match magnitude {
        ..LIMIT => fit,
        LIMIT if negative => fit,
        LIMIT => Fit::OneTooLarge,
        _ => Fit::TooLarge,
    };
    let integer = if negative { (magnitude.min(LIMIT) as i64).wrapping_neg() } else { magnitude.min(LIMIT - 1) as i64 };
    (integer, fit)
}

/// What NUMERIC affinity makes of a text, and whether it does: only if all of it is a number.
pub fn number(bytes: &[u8]) -> (Number, bool) {
    let (real, form) = read_real(bytes);
    if form == Form::Integer
        && let (integer, Fit::Whole) = read_integer(bytes)
    {
        return (Number::Integer(integer), true);
    }
    (Number::Real(real), matches!(form, Form::Integer | Form::Real))
}

/// What a text counts as in arithmetic: the number it begins with, or 0.
pub fn operand(bytes: &[u8]) -> Value<'static> {
    let (real, form) = read_real(bytes);
    let (integer, fit) = read_integer(bytes);
    match (form, fit) {
        (Form::Other, Fit::Whole | Fit::Prefix) | (Form::Integer, Fit::Whole) => Value::Integer(integer),
        _ => Value::real(real),
    }
}

/// `CAST(text AS NUMERIC)`.
pub fn cast_to_numeric(bytes: &[u8]) -> Value<'static> {
    let (real, form) = read_real(bytes);
    let (integer, fit) = read_integer(bytes);
    if matches!(form, Form::Other | Form::Integer) && matches!(fit, Fit::Whole | Fit::Prefix) {
        return Value::Integer(integer);
    }
    if is_small_integer(real) { Value::Integer(real::whole(real)) } else { Value::real(real) }
}

/// Whether a REAL is an integer of at most 51 bits (and not -0.0 unless zero is meant).
fn is_small_integer(real: f64) -> bool {
    const LIMIT: i64 = 2_251_799_813_685_248;
    let integer = real::whole(real);
    real::order(real, real::of(integer)).is_eq() && (-LIMIT..LIMIT).contains(&integer)
}

/// The integer that a text begins with, clamped; 0 where there is none.
pub fn leading_integer(bytes: &[u8]) -> i64 {
    read_integer(bytes).0
}

/// The REAL that a text begins with; 0.0 where there is none.
pub fn leading_real(bytes: &[u8]) -> f64 {
    read_real(bytes).0
}

/// A numeric literal of SQL, `negative` if a minus stands directly before it: the smallest integer has no positive
/// counterpart. Hexadecimal integers are two's complement; `None` where one is longer than 16 digits.
pub fn literal(bytes: &[u8], negative: bool) -> Option<Value<'static>> {
    if let [b'0', b'x' | b'X', digits @ ..] = bytes {
        let mut bits = 0u64;
        for digit in digits.iter().skip_while(|digit| **digit == b'0') {
            if bits >> 60 != 0 {
                return None;
            }
            bits = bits << 4 | u64::from(hex_digit(*digit)?);
        }
        let integer = bits as i64;
        return match (negative, integer.checked_neg()) {
            (false, _) => Some(Value::Integer(integer)),
            (true, Some(negated)) => Some(Value::Integer(negated)),
            (true, None) => None,
        };
    }
    let (integer, fit) = read_integer(bytes);
    let (real, form) = read_real(bytes);
    Some(match (form, fit) {
        (Form::Integer, Fit::Whole) => Value::Integer(if negative { integer.wrapping_neg() } else { integer }),
        (Form::Integer, Fit::OneTooLarge) if negative => Value::Integer(i64::MIN),
        _ => Value::real(if negative { -real } else { real }),
    })
}

/// The value of a hexadecimal digit.
pub fn hex_digit(digit: u8) -> Option<u8> {
    (digit as char).to_digit(16).map(|value| value as u8)
}

/// Appends an integer in decimal.
pub fn write_integer(integer: i64, out: &mut Scratch<'_>) {
    if integer < 0 {
        out.push(b'-');
    }
    write_unsigned(integer.unsigned_abs(), out);
}

/// Appends an integer without sign in decimal.
pub fn write_unsigned(integer: u64, out: &mut Scratch<'_>) {
    write_in_base(integer, 10, b'a', out);
}

/// Appends an integer in a base from 8 to 16, with `ten` as its digit of ten.
#[inline(never)]
pub(super) fn write_in_base(integer: u64, base: u64, ten: u8, out: &mut Scratch<'_>) {
    let mut digits = [0u8; 22];
    let mut rest = integer;
    let mut first = digits.len();
    for (at, place) in digits.iter_mut().enumerate().rev() {
        let (more, digit) = real::divided(rest, base);
        let digit = digit as u8;
        *place = if digit < 10 { b'0'.wrapping_add(digit) } else { ten.wrapping_add(digit.wrapping_sub(10)) };
        rest = more;
        first = at;
        if rest == 0 {
            break;
        }
    }
    out.extend(digits.get(first..).unwrap_or(&[]));
}
