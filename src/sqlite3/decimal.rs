//! REAL as decimal text: the conversions `%f`, `%e` and `%g` of SQLite 3.40.1, digit by digit.
//!
//! A REAL as text is `%!.15g`: up to 15 significant digits, and always a point or an exponent with one. The digits come
//! from [`Extended`] arithmetic with the same roundings as SQLite's, so that also the last digit agrees where the
//! shortest or the exact decimal would say otherwise.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::arithmetic_side_effects)]
#![deny(clippy::panic)]

use super::extended::Extended;
use super::real;
use super::scratch::Scratch;

/// How a REAL is to be printed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Style {
    pub(super) conversion: Conversion,
    /// Digits behind the point; for `%g` significant digits.
    pub(super) precision: u32,
    /// `#`: keep the point, and for `%g` the zeros at the end.
    pub(super) alternate: bool,
    /// `!`: up to 26 significant digits in the place of 16, and always a digit behind the point.
    pub(super) full: bool,
    /// What stands before a positive number, for `+` and space.
    pub(super) plus: Option<u8>,
    pub(super) upper: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Conversion {
    /// `%f`
    Fixed,
    /// `%e`
    Exponent,
    /// `%g`
    General,
}

impl Style {
    /// Without any flag.
    pub(super) fn new(conversion: Conversion, precision: u32) -> Self {
        Style { conversion, precision, alternate: false, full: false, plus: None, upper: false }
    }
}

/// Appends a REAL as SQLite makes TEXT of it.
pub fn write_real(real: f64, out: &mut Scratch<'_>) {
    write(real, Style { full: true, ..Style::new(Conversion::General, 15) }, out);
}

/// The digits of a number that was scaled to one digit before the point.
struct Digits {
    rest: Extended,
    /// How many digits still mean something; after them come zeros.
    significant: u32,
}

impl Digits {
    fn next(&mut self) -> u8 {
        let Some(left) = self.significant.checked_sub(1) else { return b'0' };
        self.significant = left;
        let (digit, fraction) = self.rest.split();
        self.rest = fraction.times(Extended::TEN);
        b'0'.wrapping_add(digit)
    }
}

/// Appends a REAL in the given style; `Inf` and `-Inf` for the infinities.
pub(super) fn write(real: f64, style: Style, out: &mut Scratch<'_>) {
    let sign = if real::is_negative(real) { Some(b'-') } else { style.plus };
    if let Some(sign) = sign {
        out.push(sign);
    }
    if real::is_infinite(real) {
        return out.extend(b"Inf");
    }
    let general = style.conversion == Conversion::General;
    let mut precision = if general { style.precision.saturating_sub(1) } else { style.precision };
    let (mut number, mut exponent) = (Extended::from_real(real), 0i32);
    let rounder = rounder(&number, real, precision, style.conversion);
    if style.conversion == Conversion::Fixed {
        number = number.plus(rounder);
    }
    normalize(&mut number, &mut exponent);
    if style.conversion != Conversion::Fixed {
        number = number.plus(rounder);
        if number.at_least(Extended::TEN) {
            number = number.times(Extended::from_real(0.1));
            exponent = exponent.saturating_add(1);
        }
    }
    let mut scientific = style.conversion == Conversion::Exponent;
    let mut drop_zeros = style.full;
    if general {
        drop_zeros = !style.alternate;
        scientific = exponent < -4 || exponent > precision as i32;
        if !scientific {
            precision = (precision as i32).saturating_sub(exponent) as u32;
        }
    }
    let mut digits = Digits { rest: number, significant: if style.full { 26 } else { 16 } };
    let mut place = if scientific { 0 } else { exponent };
    if place < 0 {
        out.push(b'0');
    }
    while place >= 0 {
        out.push(digits.next());
        place = place.saturating_sub(1);
    }
    if precision > 0 || style.alternate || style.full {
        out.push(b'.');
        // Zeros behind the last significant digit are not written where they would be dropped.
        let zeros = write_fraction(&mut digits, place, precision, out);
        if drop_zeros {
            drop_trailing_zeros(style.full, out);
        } else {
            out.fill(b'0', zeros as usize);
        }
    }
    if scientific {
        write_exponent(exponent, style.upper, out);
    }
}

/// Half of the last digit that will be printed, before or after scaling as the conversion has it.
fn rounder(number: &Extended, real: f64, precision: u32, conversion: Conversion) -> Extended {
    const HALVES: [f64; 10] = [5e-1, 5e-2, 5e-3, 5e-4, 5e-5, 5e-6, 5e-7, 5e-8, 5e-9, 5e-10];
    let mut places = precision & 0xfff;
    let mut half = HALVES.get((places % 10) as usize).copied().unwrap_or(0.0);
    while places >= 10 {
        half = real::product(half, 1e-10);
        places = places.saturating_sub(10);
    }
    let half = Extended::from_real(half);
    if conversion == Conversion::Fixed {
        let exponent = (real.to_bits() >> 52 & 0x7ff) as i32;
        let thousands = exponent.saturating_sub(1023) / 3;
        if (precision as i32).saturating_add(thousands) < 15 {
            let sum = half.plus(number.times(Extended::from_real(3e-16)));
            return Extended::from_real(sum.to_real());
        }
    }
    half
}

/// Scales a number to one digit before the point; zero stays.
fn normalize(number: &mut Extended, exponent: &mut i32) {
    if number.is_zero() {
        return;
    }
    let tiny = Extended::from_real(1e-8);
    let mut scale = Extended::ONE;
    for (step, digits) in [(1e100, 100), (1e10, 10), (10.0, 1)] {
        let step = Extended::from_real(step);
        loop {
            let next = scale.times(step);
            if !number.at_least(next) {
                break;
            }
            scale = next;
            *exponent = exponent.saturating_add(digits);
        }
    }
    *number = number.over(scale);
    while !number.at_least(tiny) {
        *number = number.times(Extended::from_real(1e8));
        *exponent = exponent.saturating_sub(8);
    }
    while !number.at_least(Extended::ONE) {
        *number = number.times(Extended::TEN);
        *exponent = exponent.saturating_sub(1);
    }
}

/// `place` is that of the first digit behind the point: -1, less where zeros come first. Gives the number of zeros that
/// are left to write.
fn write_fraction(digits: &mut Digits, place: i32, precision: u32, out: &mut Scratch<'_>) -> u32 {
    let zeros = place.saturating_add(1).unsigned_abs().min(precision);
    out.fill(b'0', zeros as usize);
    let rest = precision.saturating_sub(zeros);
    let significant = rest.min(digits.significant);
    for _ in 0..significant {
        out.push(digits.next());
    }
    rest.saturating_sub(significant)
}

/// Takes back zeros at the end, and the point where nothing follows; `keep_one` leaves `.0`.
fn drop_trailing_zeros(keep_one: bool, out: &mut Scratch<'_>) {
    let mut len = out.len();
    while out.pushed().get(len.saturating_sub(1)) == Some(&b'0') {
        len = len.saturating_sub(1);
    }
    if out.pushed().get(len.saturating_sub(1)) == Some(&b'.') {
        if keep_one {
            out.truncate(len);
            return out.push(b'0');
        }
        len = len.saturating_sub(1);
    }
    out.truncate(len);
}

fn write_exponent(exponent: i32, upper: bool, out: &mut Scratch<'_>) {
    out.push(if upper { b'E' } else { b'e' });
    out.push(if exponent < 0 { b'-' } else { b'+' });
    let magnitude = exponent.unsigned_abs();
    if magnitude >= 100 {
        out.push(digit(magnitude / 100));
    }
    out.push(digit(magnitude / 10 % 10));
    out.push(digit(magnitude % 10));
}

fn digit(value: u32) -> u8 {
    b'0'.wrapping_add(value as u8)
}
