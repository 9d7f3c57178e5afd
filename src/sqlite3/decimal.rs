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
        let digit = self.rest.take_whole();
        self.rest.multiply(&Extended::TEN);
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
    let mut number = Extended::from_real(real);
    let rounder = rounder(&number, real, precision, style.conversion);
    if style.conversion == Conversion::Fixed {
        number.add(&rounder);
    }
    let mut exponent = normalize(&mut number);
    if style.conversion != Conversion::Fixed {
        number.add(&rounder);
        if number.at_least(&Extended::TEN) {
            number.multiply(&TENTH);
            exponent = exponent.wrapping_add(1);
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
#[inline(never)]
fn rounder(number: &Extended, real: f64, precision: u32, conversion: Conversion) -> Extended {
    let mut places = precision & 0xfff;
    let mut power = 1.0;
    for _ in 0..places % 10 {
        power = real::product(power, 10.0);
    }
    let mut half = real::quotient(0.5, power);
    while places >= 10 {
        half = real::product(half, 1e-10);
        places = places.saturating_sub(10);
    }
    let mut half = Extended::from_real(half);
    if conversion == Conversion::Fixed {
        let exponent = (real.to_bits() >> 52 & 0x7ff) as i32;
        let thousands = exponent.wrapping_sub(1023) / 3;
        if (precision as i32).wrapping_add(thousands) < 15 {
            let mut part = *number;
            part.multiply(&SMALL);
            half.add(&part);
            half = Extended::from_real(half.nearest_real());
        }
    }
    half
}

const TENTH: Extended = Extended::from_real(0.1);
const SMALL: Extended = Extended::from_real(3e-16);

/// Steps up, and down: as long as a number is at least the step, or below the first; what it is scaled by; the digits in that.
static UP: [(Extended, i32); 3] =
    [(Extended::from_real(1e100), 100), (Extended::from_real(1e10), 10), (Extended::TEN, 1)];
static DOWN: [(Extended, Extended, i32); 2] =
    [(Extended::from_real(1e-8), Extended::from_real(1e8), 8), (Extended::ONE, Extended::TEN, 1)];

/// Scales a number to one digit before the point, and gives its exponent; zero stays.
#[inline(never)]
fn normalize(number: &mut Extended) -> i32 {
    let mut exponent = 0i32;
    if number.is_zero() {
        return exponent;
    }
    let mut scale = Extended::ONE;
    for (step, digits) in &UP {
        loop {
            let mut next = scale;
            next.multiply(step);
            if !number.at_least(&next) {
                break;
            }
            scale = next;
            exponent = exponent.wrapping_add(*digits);
        }
    }
    number.divide(&scale);
    for (least, step, digits) in &DOWN {
        while !number.at_least(least) {
            number.multiply(step);
            exponent = exponent.wrapping_sub(*digits);
        }
    }
    exponent
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
