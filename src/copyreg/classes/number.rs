//! `decimal.Decimal`, `fractions.Fraction`, `complex`, `range` and `slice`.

use super::parts::{need, read, refuse};
use core::fmt;
use core::str::FromStr;
use serde::de::{self, Deserialize, Deserializer, IgnoredAny, Visitor};
use serde::ser::{Serialize, SerializeStruct, Serializer};

/// `decimal.Decimal`: its text, as `str()` gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Decimal<'a>(&'a str);

impl<'a> Decimal<'a> {
    /// From its text; None where Python's Decimal takes no such text (white space and underscores are not taken here).
    pub fn new(text: &'a str) -> Option<Decimal<'a>> {
        is_decimal(text).then_some(Decimal(text))
    }

    /// The number `mantissa` × 10^`exponent`, written into the buffer; None when it is too small (35 bytes are enough).
    pub fn from_pair(mantissa: i64, exponent: i32, buf: &'a mut [u8]) -> Option<Decimal<'a>> {
        let mut text = Text { buf, len: 0 };
        fmt::Write::write_fmt(&mut text, format_args!("{mantissa}E{exponent}")).ok()?;
        let Text { buf, len } = text;
        core::str::from_utf8(buf.get(..len)?).ok().map(Decimal)
    }

    /// Its text.
    pub fn text(&self) -> &'a str {
        self.0
    }

    /// The number as `mantissa` × 10^`exponent`; None for an infinity, a NaN and a mantissa beyond 64 bits.
    pub fn pair(&self) -> Option<(i64, i32)> {
        let (number, exponent) = match self.0.split_once(['e', 'E']) {
            Some((number, exponent)) => (number, exponent.parse::<i32>().ok()?),
            None => (self.0, 0),
        };
        let (whole, part) = number.split_once('.').unwrap_or((number, ""));
        let negative = whole.starts_with('-');
        let mut mantissa: i64 = 0;
        for digit in whole.trim_start_matches(['+', '-']).bytes().chain(part.bytes()) {
            let digit = i64::from(char::from(digit).to_digit(10)?);
            let signed = if negative { digit.wrapping_neg() } else { digit };
            mantissa = mantissa.checked_mul(10)?.checked_add(signed)?;
        }
        Some((mantissa, exponent.checked_sub(i32::try_from(part.len()).ok()?)?))
    }
}

/// What a Display writes into.
struct Text<'a> {
    buf: &'a mut [u8],
    len: usize,
}

impl fmt::Write for Text<'_> {
    fn write_str(&mut self, s: &str) -> fmt::Result {
        let end = self.len.checked_add(s.len()).ok_or(fmt::Error)?;
        self.buf.get_mut(self.len..end).ok_or(fmt::Error)?.copy_from_slice(s.as_bytes());
        self.len = end;
        Ok(())
    }
}

/// Decimal's numeric-string syntax, in ASCII.
fn is_decimal(text: &str) -> bool {
    let text = text.strip_prefix(['+', '-']).unwrap_or(text);
    let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    if text.eq_ignore_ascii_case("inf") || text.eq_ignore_ascii_case("infinity") {
        return true;
    }
    let quiet = text.strip_prefix(['s', 'S']).unwrap_or(text);
    if let Some((nan, payload)) = quiet.split_at_checked(3)
        && nan.eq_ignore_ascii_case("nan")
    {
        return digits(payload);
    }
    let (number, exponent) = match text.split_once(['e', 'E']) {
        Some((number, exponent)) => (number, Some(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))),
        None => (text, None),
    };
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    digits(whole)
        && digits(part)
        && !(whole.is_empty() && part.is_empty())
        && exponent.is_none_or(|exponent| !exponent.is_empty() && digits(exponent))
}

impl Serialize for Decimal<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut fields = to.serialize_struct("\0Decimal", 1)?;
        fields.serialize_field("text", self.0)?;
        fields.end()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Decimal<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let (text, _, _) = read::<D, &'a str, IgnoredAny, IgnoredAny>(from, "\0Decimal", &["text"], 1)?;
        Decimal::new(need(text, "text")?).ok_or_else(|| refuse("a decimal number"))
    }
}

/// `fractions.Fraction`: numerator and denominator, 64 bits each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Fraction {
    numerator: i64,
    denominator: i64,
}

impl Fraction {
    /// This fraction as it is, not reduced; None for a denominator below 1.
    pub fn new(numerator: i64, denominator: i64) -> Option<Fraction> {
        (denominator >= 1).then_some(Fraction { numerator, denominator })
    }

    /// The numerator.
    pub fn numerator(&self) -> i64 {
        self.numerator
    }

    /// The denominator, at least 1.
    pub fn denominator(&self) -> i64 {
        self.denominator
    }
}

/// What Python gives as the first argument: the numerator, or up to 3.10 the whole fraction as text.
enum Numerator {
    Int(i64),
    Pair(i64, i64),
}

impl<'de> Deserialize<'de> for Numerator {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_newtype_struct("\0any", NumeratorVisitor)
    }
}

struct NumeratorVisitor;

impl<'de> Visitor<'de> for NumeratorVisitor {
    type Value = Numerator;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an int, or a fraction as text")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, from: D) -> Result<Numerator, D::Error> {
        i64::deserialize(from).map(Numerator::Int)
    }

    fn visit_i64<E: de::Error>(self, int: i64) -> Result<Numerator, E> {
        Ok(Numerator::Int(int))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Numerator, E> {
        let (numerator, denominator) = text.split_once('/').unwrap_or((text, "1"));
        match (i64::from_str(numerator), i64::from_str(denominator)) {
            (Ok(numerator), Ok(denominator)) => Ok(Numerator::Pair(numerator, denominator)),
            _ => Err(refuse("a fraction of 64 bits")),
        }
    }
}

impl Serialize for Fraction {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut fields = to.serialize_struct("\0Fraction", 2)?;
        fields.serialize_field("numerator", &self.numerator)?;
        fields.serialize_field("denominator", &self.denominator)?;
        fields.end()
    }
}

impl<'de> Deserialize<'de> for Fraction {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let (first, second, _) =
            read::<D, Numerator, i64, IgnoredAny>(from, "\0Fraction", &["numerator", "denominator"], 2)?;
        let (numerator, denominator) = match (need(first, "numerator")?, second) {
            (Numerator::Int(numerator), denominator) => (numerator, denominator.unwrap_or(1)),
            (Numerator::Pair(numerator, denominator), None) => (numerator, denominator),
            (Numerator::Pair(..), Some(_)) => return Err(de::Error::duplicate_field("denominator")),
        };
        Fraction::new(numerator, denominator).ok_or_else(|| refuse("a denominator of at least 1"))
    }
}

/// `complex`.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Complex {
    /// The real part.
    pub re: f64,
    /// The imaginary part.
    pub im: f64,
}

impl Serialize for Complex {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut fields = to.serialize_struct("\0complex", 2)?;
        fields.serialize_field("re", &self.re)?;
        fields.serialize_field("im", &self.im)?;
        fields.end()
    }
}

impl<'de> Deserialize<'de> for Complex {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_newtype_struct("\0complex", ComplexVisitor)
    }
}

struct ComplexVisitor;

impl<'de> Visitor<'de> for ComplexVisitor {
    type Value = Complex;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a complex")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, from: D) -> Result<Complex, D::Error> {
        let (re, im, _) = read::<D, f64, f64, IgnoredAny>(from, "\0complex", &["re", "im"], 2)?;
        Ok(Complex { re: re.unwrap_or(0.0), im: im.unwrap_or(0.0) })
    }

    /// Both parts' bits, real ones first: how the codecs hand over a complex that is an atom (marshal).
    fn visit_u128<E: de::Error>(self, bits: u128) -> Result<Complex, E> {
        Ok(Complex { re: f64::from_bits((bits >> 64) as u64), im: f64::from_bits(bits as u64) })
    }
}

/// `range` (`xrange` of Python 2): ints of 64 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Range {
    start: i64,
    stop: i64,
    step: i64,
}

impl Range {
    /// `range(start, stop, step)`; None for a step of 0.
    pub fn new(start: i64, stop: i64, step: i64) -> Option<Range> {
        (step != 0).then_some(Range { start, stop, step })
    }

    /// The first number, if there is any.
    pub fn start(&self) -> i64 {
        self.start
    }

    /// The number that ends it and is not in it.
    pub fn stop(&self) -> i64 {
        self.stop
    }

    /// From one number to the next, never 0.
    pub fn step(&self) -> i64 {
        self.step
    }

    /// The numbers, one by one.
    pub fn iter(&self) -> impl Iterator<Item = i64> + use<> {
        let Range { start, stop, step } = *self;
        let mut next = Some(start);
        core::iter::from_fn(move || {
            let now = next.filter(|now| if step > 0 { *now < stop } else { *now > stop })?;
            next = now.checked_add(step);
            Some(now)
        })
    }
}

impl Serialize for Range {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut fields = to.serialize_struct("\0range", 3)?;
        fields.serialize_field("start", &self.start)?;
        fields.serialize_field("stop", &self.stop)?;
        fields.serialize_field("step", &self.step)?;
        fields.end()
    }
}

impl<'de> Deserialize<'de> for Range {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let (start, stop, step) = read::<D, i64, i64, i64>(from, "\0range", &["start", "stop", "step"], 3)?;
        let step = need(step, "step")?;
        Range::new(need(start, "start")?, need(stop, "stop")?, step).ok_or_else(|| refuse("a step other than 0"))
    }
}

/// `slice` of ints of 64 bits; None where Python has None.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Slice {
    /// Where it begins.
    pub start: Option<i64>,
    /// Where it ends.
    pub stop: Option<i64>,
    /// From one index to the next.
    pub step: Option<i64>,
}

impl Serialize for Slice {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut fields = to.serialize_struct("\0slice", 3)?;
        fields.serialize_field("start", &self.start)?;
        fields.serialize_field("stop", &self.stop)?;
        fields.serialize_field("step", &self.step)?;
        fields.end()
    }
}

impl<'de> Deserialize<'de> for Slice {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let (start, stop, step) =
            read::<D, Option<i64>, Option<i64>, Option<i64>>(from, "\0slice", &["start", "stop", "step"], 3)?;
        Ok(Slice { start: need(start, "start")?, stop: need(stop, "stop")?, step: need(step, "step")? })
    }
}
