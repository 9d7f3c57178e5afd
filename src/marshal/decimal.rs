//! Floats as text with 17 digits, as versions 0 and 1 write them: C's `%.17g`.
//!
//! A float is m · 2^e, and so N · 10^-k with a whole number N: m · 2^e itself for e ≥ 0, else m · 5^k with k = -e. N is
//! worked out in full, at most 767 digits, four to a limb; its first 17 digits, rounded to even, are the text's. That is
//! exact, small, and slow only where the exponent is far from 0.

/// 767 digits, the most that a double has (5e-324 and its neighbours).
const LIMBS: usize = 192;
/// Digits that are written at most.
const DIGITS: usize = 17;

/// The longest text: `-1.7976931348623157e+308`.
pub(super) const LONGEST: usize = 24;

struct Decimal {
    /// Base 10,000, the lowest first.
    limbs: [u16; LIMBS],
    len: usize,
}

impl Decimal {
    /// Multiplies by a number up to 2^16 and adds another.
    fn multiply_add(&mut self, by: u32, add: u32) {
        let mut carry = add;
        for limb in self.limbs.iter_mut().take(self.len) {
            let sum = u32::from(*limb).wrapping_mul(by).wrapping_add(carry);
            *limb = (sum % 10_000) as u16;
            carry = sum / 10_000;
        }
        while carry > 0 {
            if let Some(limb) = self.limbs.get_mut(self.len) {
                *limb = (carry % 10_000) as u16;
                self.len = self.len.wrapping_add(1);
            }
            carry /= 10_000;
        }
    }

    /// Multiplies by `base` to the power of `power`; `base` to the power of `step` fits 16 bits.
    fn multiply_power(&mut self, base: u32, step: u32, power: u32) {
        let mut left = power;
        while left > 0 {
            let now = left.min(step);
            self.multiply_add(base.wrapping_pow(now), 0);
            left = left.wrapping_sub(now);
        }
    }

    /// Digit `i`, the lowest is 0.
    fn digit(&self, i: usize) -> u8 {
        let limb = self.limbs.get(i / 4).copied().unwrap_or(0);
        let from_here = match i % 4 {
            0 => limb,
            1 => limb / 10,
            2 => limb / 100,
            _ => limb / 1000,
        };
        (from_here % 10) as u8
    }

    /// How many digits there are, without zeros in front.
    fn digits(&self) -> usize {
        let all = self.len.wrapping_mul(4);
        (0..all).rev().find(|i| self.digit(*i) != 0).map_or(0, |i| i.wrapping_add(1))
    }
}

/// The text of a float, in `buf`.
pub(super) fn text(value: f64, buf: &mut [u8; LONGEST]) -> &[u8] {
    let bits = value.to_bits();
    let mut out = Text { buf, len: 0 };
    if value.is_nan() {
        return out.finish(b"nan");
    }
    if value.is_sign_negative() {
        out.push(b'-');
    }
    if value.is_infinite() {
        return out.finish(b"inf");
    }
    let (exponent, fraction) = ((bits >> 52) as u32 & 0x7ff, bits & ((1 << 52) - 1));
    let (mantissa, power) = match exponent {
        0 => (fraction, -1074),
        _ => (fraction | 1 << 52, (exponent as i32).wrapping_sub(1075)),
    };
    if mantissa == 0 {
        return out.finish(b"0");
    }
    let mut number = Decimal { limbs: [0; LIMBS], len: 0 };
    for shift in [48, 32, 16, 0] {
        number.multiply_add(1 << 16, (mantissa >> shift) as u32 & 0xffff);
    }
    match power {
        0.. => number.multiply_power(2, 16, power.unsigned_abs()),
        _ => number.multiply_power(5, 6, power.unsigned_abs()),
    }
    let count = number.digits();
    let (digits, carried) = rounded(&number, count);
    // The exponent of the first digit.
    let point = (count as i32).wrapping_sub(1).wrapping_add(power.min(0)).wrapping_add(i32::from(carried));
    let used = digits.iter().rposition(|d| *d != 0).map_or(1, |last| last.wrapping_add(1));
    lay_out(digits.get(..used).unwrap_or_default(), point, &mut out);
    out.finish(b"")
}

/// The first digits, rounded to even; true when the rounding carried into a digit in front.
fn rounded(number: &Decimal, count: usize) -> ([u8; DIGITS], bool) {
    let mut digits = [0; DIGITS];
    for (i, digit) in digits.iter_mut().enumerate() {
        *digit = count.checked_sub(i.wrapping_add(1)).map_or(0, |at| number.digit(at));
    }
    let Some(next) = count.checked_sub(DIGITS + 1) else { return (digits, false) };
    let odd = digits.last().is_some_and(|d| d % 2 == 1);
    let up = match number.digit(next) {
        5 => odd || (0..next).any(|i| number.digit(i) != 0),
        d => d > 5,
    };
    if !up {
        return (digits, false);
    }
    for digit in digits.iter_mut().rev() {
        if *digit < 9 {
            *digit = digit.wrapping_add(1);
            return (digits, false);
        }
        *digit = 0;
    }
    // All nines.
    if let Some(first) = digits.first_mut() {
        *first = 1;
    }
    (digits, true)
}

/// Digits without zeros at their end, the first of them worth 10^point, as `%g` lays them out.
fn lay_out(digits: &[u8], point: i32, out: &mut Text<'_>) {
    let scientific = !(-4..DIGITS as i32).contains(&point);
    let whole = if scientific { 0 } else { point };
    if whole < 0 {
        out.extend(b"0.");
        for _ in 1..whole.unsigned_abs() {
            out.push(b'0');
        }
    }
    for (i, digit) in digits.iter().enumerate() {
        out.push(b'0'.wrapping_add(*digit));
        if i as i32 == whole && i.wrapping_add(1) < digits.len() {
            out.push(b'.');
        }
    }
    for _ in digits.len() as i32..=whole {
        out.push(b'0');
    }
    if scientific {
        let exponent = point.unsigned_abs();
        out.extend(if point < 0 { b"e-" } else { b"e+" });
        if exponent >= 100 {
            out.push(b'0'.wrapping_add((exponent / 100) as u8));
        }
        out.push(b'0'.wrapping_add((exponent / 10 % 10) as u8));
        out.push(b'0'.wrapping_add((exponent % 10) as u8));
    }
}

struct Text<'b> {
    buf: &'b mut [u8; LONGEST],
    len: usize,
}

impl<'b> Text<'b> {
    fn push(&mut self, byte: u8) {
        if let Some(place) = self.buf.get_mut(self.len) {
            *place = byte;
            self.len = self.len.wrapping_add(1);
        }
    }

    fn extend(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.push(*byte);
        }
    }

    fn finish(mut self, tail: &[u8]) -> &'b [u8] {
        self.extend(tail);
        self.buf.get(..self.len).unwrap_or_default()
    }
}
