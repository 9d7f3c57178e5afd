//! Floats as decimal text, exactly both ways: what Python's `repr` and C's `%.17g` write, and any decimal read.
//!
//! core's own conversions are as exact and faster, but take 40 KB of a firmware's code, most of it tables. Here whole
//! numbers of up to 2,600 bits do it, 16 bits to a limb, in some 650 bytes of stack:
//!
//! - Writing is Steele and White's and Dybvig's free-format algorithm ("Printing floating-point numbers quickly and
//!   accurately", 1996): a float is R / S, and M- and M+ are the ways to the ends of what reads back as it; digits come off
//!   until what is left is within them. That gives the shortest text that reads back as the same float, and of those the
//!   nearest.
//! - Reading divides: digits times a power of 5 over a power of 5, aligned, gives the 53 bits one by one, and what is left
//!   rounds them to even.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::arithmetic_side_effects)]
#![deny(clippy::panic)]

use core::cmp::Ordering;

/// Room for the longest text: `-1.7976931348623157e+308` or `-0.00012345678901234567`.
pub const LONGEST: usize = 32;

/// How a float is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Style {
    /// As Python's `repr`: the shortest digits that read back as the same float.
    Repr,
    /// As C's `%.17g`: 17 digits without the zeros at their end.
    Seventeen,
}

/// Significant digits of a double, at most.
const DIGITS: usize = 17;
/// Bits of a double's mantissa.
const MANTISSA: u32 = 52;
/// The power of two of the smallest double.
const SMALLEST: i32 = -1074;

/// The text of a float, in `buf`.
pub fn text(value: f64, style: Style, buf: &mut [u8; LONGEST]) -> &str {
    let mut out = Text { buf, len: 0 };
    if value.is_nan() {
        out.extend(b"nan");
    } else {
        if value.is_sign_negative() {
            out.push(b'-');
        }
        if value.is_infinite() {
            out.extend(b"inf");
        } else {
            let (digits, len, point) = digits(value, style);
            lay_out(digits.get(..len).unwrap_or_default(), point, style, &mut out);
        }
    }
    let Text { buf, len } = out;
    core::str::from_utf8(buf.get(..len).unwrap_or_default()).unwrap_or_default()
}

/// The digits of a finite float, how many there are, and the place of the point: 0.DIGITS · 10^point.
///
/// Not inlined, as [`nearest`], so that who handles floats as bits does not take the stack for it.
#[inline(never)]
fn digits(value: f64, style: Style) -> ([u8; DIGITS], usize, i32) {
    let bits = value.to_bits();
    let (exponent, fraction) = ((bits >> MANTISSA) as i32 & 0x7ff, bits & ((1 << MANTISSA) - 1));
    // The value is mantissa · 2^power.
    let (mantissa, power) = match exponent {
        0 => (fraction, SMALLEST),
        _ => (fraction | 1 << MANTISSA, exponent.wrapping_add(SMALLEST).wrapping_sub(1)),
    };
    let mut digits = [0; DIGITS];
    if mantissa == 0 {
        return (digits, 1, 1);
    }
    // Nothing here is longer than the mantissa shifted by the power, and some bits.
    let len = (power.unsigned_abs() as usize).wrapping_add(96) / 16;
    let mut numbers = [[0; 74]; 4];
    let [r, s, low, high] = &mut numbers;
    let [r, s, low, high] = [r, s, low, high].map(|n| n.get_mut(..len).unwrap_or_default());
    // A power of two has a nearer neighbour below it: all is doubled, but for the way there.
    let uneven = u32::from(fraction == 0 && exponent > 1);
    let (up, down) = (power.max(0).unsigned_abs(), power.min(0).unsigned_abs());
    set(r, mantissa);
    shift_left(r, up.wrapping_add(1).wrapping_add(uneven));
    set(s, 1);
    shift_left(s, down.wrapping_add(1).wrapping_add(uneven));
    set(low, 1);
    shift_left(low, up);
    set(high, 1);
    shift_left(high, up.wrapping_add(uneven));

    // The power of ten of the float's highest bit: floor(bit · log10 2), exact for every bit that a double has.
    let bit = power.wrapping_add(63).wrapping_sub(mantissa.leading_zeros() as i32);
    let mut point = (bit.wrapping_mul(1_262_611) >> 22).wrapping_add(1);
    multiply_power(s, 10, 4, point.max(0).unsigned_abs());
    for n in [&mut *r, &mut *low, &mut *high] {
        multiply_power(n, 10, 4, point.min(0).unsigned_abs());
    }
    let even = mantissa.is_multiple_of(2);
    let reaches = |r: &[u16], high: &[u16], s: &[u16]| match compare_sum(r, high, s) {
        Ordering::Less => false,
        Ordering::Equal => even,
        Ordering::Greater => true,
    };
    let shortest = style == Style::Repr;
    let carried = if shortest { reaches(r, high, s) } else { compare(r, s).is_ge() };
    point = point.wrapping_add(i32::from(carried));
    let mut len = 0_usize;
    let mut up = false;
    for digit in &mut digits {
        if len > 0 || !carried {
            for n in [&mut *r, &mut *low, &mut *high] {
                multiply_add(n, 10, 0);
            }
        }
        while compare(r, s).is_ge() {
            subtract(r, s);
            *digit = digit.wrapping_add(1);
        }
        len = len.wrapping_add(1);
        let (ends_low, ends_high) = match shortest {
            true => (if even { compare(r, low).is_le() } else { compare(r, low).is_lt() }, reaches(r, high, s)),
            false => (len == DIGITS, len == DIGITS),
        };
        if ends_low || ends_high {
            let nearer_up = match compare_sum(r, r, s) {
                Ordering::Less => false,
                Ordering::Equal => !digit.is_multiple_of(2),
                Ordering::Greater => true,
            };
            up = if ends_low && ends_high { nearer_up } else { ends_high };
            break;
        }
    }
    if up {
        // To the next digit; a nine becomes a zero, which is dropped, and carries.
        while let Some(9) = len.checked_sub(1).and_then(|last| digits.get(last)) {
            len = len.wrapping_sub(1);
        }
        match len.checked_sub(1).and_then(|last| digits.get_mut(last)) {
            Some(last) => *last = last.wrapping_add(1),
            None => {
                (digits, len, point) = ([1; DIGITS], 1, point.wrapping_add(1));
            }
        }
    }
    while len > 1 && len.checked_sub(1).and_then(|last| digits.get(last)) == Some(&0) {
        len = len.wrapping_sub(1);
    }
    (digits, len, point)
}

/// Digits as both styles lay them out; 0.DIGITS · 10^point.
fn lay_out(digits: &[u8], point: i32, style: Style, out: &mut Text<'_>) {
    let limit = if style == Style::Repr { 16 } else { 17 };
    let scientific = !(-3..=limit).contains(&point);
    // Digits before the point.
    let whole = if scientific { 1 } else { point };
    if whole <= 0 {
        out.extend(b"0.");
        for _ in whole..0 {
            out.push(b'0');
        }
    }
    for (i, digit) in digits.iter().enumerate() {
        if i > 0 && i as i32 == whole {
            out.push(b'.');
        }
        out.push(b'0'.wrapping_add(*digit));
    }
    for _ in digits.len() as i32..whole {
        out.push(b'0');
    }
    if scientific {
        let exponent = point.wrapping_sub(1);
        out.extend(if exponent < 0 { b"e-" } else { b"e+" });
        let exponent = exponent.unsigned_abs();
        if exponent >= 100 {
            out.push(b'0'.wrapping_add((exponent / 100) as u8));
        }
        out.push(b'0'.wrapping_add((exponent / 10 % 10) as u8));
        out.push(b'0'.wrapping_add((exponent % 10) as u8));
    } else if style == Style::Repr && digits.len() as i32 <= whole {
        out.extend(b".0");
    }
}

/// Significant digits that are looked at: no double, and no middle between two, has more than 767. What follows them
/// counts as one more digit.
const SIGNIFICANT: usize = 768;
/// Limbs for so many digits and one, or for the power of 5 that divides them.
const LIMBS: usize = 164;

/// The float nearest to a decimal number: an optional sign, digits with an optional point, an optional exponent; or `inf`,
/// `infinity`, `nan` in any case. `None` for all else. Too large is infinite, too small is zero.
pub fn parse(text: &[u8]) -> Option<f64> {
    let (negative, text) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let value = if text.eq_ignore_ascii_case(b"inf") || text.eq_ignore_ascii_case(b"infinity") {
        f64::INFINITY
    } else if text.eq_ignore_ascii_case(b"nan") {
        f64::NAN
    } else {
        positive(text)?
    };
    // By its bit, so that no float arithmetic is linked.
    Some(f64::from_bits(value.to_bits() | u64::from(negative) << 63))
}

/// Reads a number without a sign.
fn positive(text: &[u8]) -> Option<f64> {
    let end = text.iter().position(|b| matches!(b, b'e' | b'E')).unwrap_or(text.len());
    let (number, exponent) = text.split_at_checked(end)?;
    let mut power = match exponent {
        [] => 0,
        [_, exponent @ ..] => read_exponent(exponent)?,
    };
    let (mut point, mut any) = (false, false);
    let mut count = 0_usize;
    for byte in number {
        match byte {
            b'.' if !point => point = true,
            b'0'..=b'9' => {
                any = true;
                count = count.saturating_add(usize::from(count > 0 || *byte != b'0'));
                power = power.saturating_sub(i32::from(point));
            }
            _ => return None,
        }
    }
    if !any {
        return None;
    }
    // Digits that are not looked at are taken into the power.
    let looked_at = count.min(SIGNIFICANT);
    power = power.saturating_add(count.wrapping_sub(looked_at).try_into().unwrap_or(i32::MAX));
    let magnitude = power.saturating_add(looked_at as i32);
    if count == 0 || magnitude < -325 {
        return Some(0.0);
    }
    if magnitude > 310 {
        return Some(f64::INFINITY);
    }
    let digits = number.iter().filter(|b| **b != b'.').skip_while(|b| **b == b'0').map(|b| b.wrapping_sub(b'0'));
    Some(nearest(digits, looked_at, power))
}

/// What follows the `e`.
fn read_exponent(text: &[u8]) -> Option<i32> {
    let (negative, text) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    if text.is_empty() {
        return None;
    }
    let mut value = 0_i32;
    for byte in text {
        let digit = byte.checked_sub(b'0').filter(|digit| *digit < 10)?;
        value = value.saturating_mul(10).saturating_add(i32::from(digit));
    }
    Some(if negative { value.saturating_neg() } else { value })
}

/// The float nearest to `count` digits · 10^power; that they are followed by others that are not all zeros counts too.
#[inline(never)]
fn nearest(mut digits: impl Iterator<Item = u8>, count: usize, power: i32) -> f64 {
    let mut numbers = [[0; LIMBS]; 2];
    let [over, under] = &mut numbers;
    // A digit is less than 3 1/3 bits, a power of 5 than 2 1/3.
    let (up, down) = (power.max(0).unsigned_abs(), power.min(0).unsigned_abs());
    let fives = |power: u32| (power as usize).saturating_mul(7) / 3;
    let bits = (count.saturating_mul(10) / 3).saturating_add(fives(up)).max(fives(down));
    let len = (bits / 16).saturating_add(3);
    let [over, under] = [over, under].map(|n| n.get_mut(..len).unwrap_or_default());
    for digit in digits.by_ref().take(count) {
        multiply_add(over, 10, digit.into());
    }
    let mut power = power;
    if digits.any(|digit| digit != 0) {
        multiply_add(over, 10, 1);
        power = power.wrapping_sub(1);
    }
    set(under, 1);
    multiply_power(over, 5, 6, power.max(0).unsigned_abs());
    multiply_power(under, 5, 6, power.min(0).unsigned_abs());

    // The value is over / under · 2^power. Aligned, 1 ≤ over / under < 2.
    let (a, b) = (bit_length(over), bit_length(under));
    shift_left(under, a.saturating_sub(b));
    shift_left(over, b.saturating_sub(a));
    let mut exponent = power.wrapping_add(a as i32).wrapping_sub(b as i32);
    if compare(over, under).is_lt() {
        shift_left(over, 1);
        exponent = exponent.wrapping_sub(1);
    }
    let smallest_normal = SMALLEST.wrapping_add(MANTISSA as i32);
    // The mantissa's bits: fewer for a float that is not normal, none where only rounding can make one of it.
    let bits = exponent.min(smallest_normal).wrapping_sub(SMALLEST).wrapping_add(1);
    if bits < 0 {
        return 0.0;
    }
    let mut mantissa = 0_u64;
    for _ in 0..bits {
        let one = compare(over, under).is_ge();
        if one {
            subtract(over, under);
        }
        mantissa = mantissa << 1 | u64::from(one);
        shift_left(over, 1);
    }
    let up = match compare(over, under) {
        Ordering::Less => false,
        Ordering::Equal => !mantissa.is_multiple_of(2),
        Ordering::Greater => true,
    };
    // A mantissa that is rounded up to the next power of two carries into the exponent, the largest one into infinity.
    let rounded = mantissa.wrapping_add(u64::from(up));
    let biased = exponent.wrapping_sub(smallest_normal).max(0).unsigned_abs();
    if biased > 2045 {
        return f64::INFINITY;
    }
    f64::from_bits(rounded.wrapping_add(u64::from(biased) << MANTISSA))
}

// Whole numbers: 16 bits to a limb, the lowest first. Both numbers of an operation have the same length, which the callers
// choose so that nothing grows beyond it.

fn set(n: &mut [u16], value: u64) {
    for (i, limb) in n.iter_mut().take(4).enumerate() {
        *limb = (value >> (i as u32).wrapping_mul(16)) as u16;
    }
}

/// Multiplies by a number of up to 16 bits and adds another.
fn multiply_add(n: &mut [u16], by: u16, add: u16) {
    let mut carry = u32::from(add);
    for limb in n {
        carry = u32::from(*limb).wrapping_mul(by.into()).wrapping_add(carry);
        *limb = carry as u16;
        carry >>= 16;
    }
}

/// Multiplies by a power of `base`, `step` factors at a time, which fit 16 bits.
fn multiply_power(n: &mut [u16], base: u16, step: u32, power: u32) {
    let mut left = power;
    while left > 0 {
        let now = left.min(step);
        multiply_add(n, base.wrapping_pow(now), 0);
        left = left.wrapping_sub(now);
    }
}

fn shift_left(n: &mut [u16], by: u32) {
    let whole = (by / 16) as usize;
    if whole > 0 && whole <= n.len() {
        n.copy_within(..n.len().wrapping_sub(whole), whole);
        n.iter_mut().take(whole).for_each(|limb| *limb = 0);
    }
    multiply_add(n, 1 << (by % 16), 0);
}

/// Takes away a number that is not larger.
fn subtract(n: &mut [u16], other: &[u16]) {
    let mut borrow = 0_u32;
    for (limb, other) in n.iter_mut().zip(other) {
        let left = u32::from(*limb).wrapping_sub(u32::from(*other)).wrapping_sub(borrow);
        *limb = left as u16;
        borrow = left >> 31;
    }
}

fn compare(n: &[u16], other: &[u16]) -> Ordering {
    n.iter().rev().cmp(other.iter().rev())
}

/// Compares n + more with another number.
fn compare_sum(n: &[u16], more: &[u16], other: &[u16]) -> Ordering {
    let (mut carry, mut found) = (0_u32, Ordering::Equal);
    for ((limb, more), other) in n.iter().zip(more).zip(other) {
        carry = u32::from(*limb).wrapping_add((*more).into()).wrapping_add(carry);
        found = (carry as u16).cmp(other).then(found);
        carry >>= 16;
    }
    if carry > 0 { Ordering::Greater } else { found }
}

fn bit_length(n: &[u16]) -> u32 {
    let Some(last) = n.iter().rposition(|limb| *limb != 0) else { return 0 };
    let top = n.get(last).map_or(0, |limb| limb.leading_zeros());
    (last as u32).wrapping_add(1).wrapping_mul(16).wrapping_sub(top)
}

/// Text in the making; what does not fit is dropped, and everything fits.
struct Text<'b> {
    buf: &'b mut [u8; LONGEST],
    len: usize,
}

impl Text<'_> {
    fn push(&mut self, byte: u8) {
        if let Some(place) = self.buf.get_mut(self.len) {
            *place = byte;
            self.len = self.len.wrapping_add(1);
        }
    }

    fn extend(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.push(*byte));
    }
}
