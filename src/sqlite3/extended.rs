//! Floating point with 64 bits of significand: the `long double` of x86-64, of which SQLite 3.40 makes its decimals.
//!
//! SQLite prints and parses REAL with a handful of multiplications in `long double`, each rounded to 64 bits. To give its
//! digits to the last one, the same operations are done here with the same roundings (to nearest, ties to even). Only
//! zero and positive finite numbers are needed; the exponent never overflows in the uses of `text` and `decimal`.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

/// `mantissa * 2^exponent`; the top bit of the mantissa is set, except in zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Extended {
    mantissa: u64,
    exponent: i32,
}

const TOP: u64 = 1 << 63;

impl Extended {
    pub(super) const ONE: Self = Extended { mantissa: TOP, exponent: -63 };
    pub(super) const TEN: Self = Extended { mantissa: 10 << 60, exponent: -60 };

    /// Moves the first bit that is set to the top.
    #[inline(never)]
    const fn normalize(&mut self) {
        let shift = self.mantissa.leading_zeros();
        if shift == 64 {
            self.exponent = 0;
            return;
        }
        self.mantissa <<= shift;
        self.exponent -= shift as i32;
    }

    pub(super) fn from_integer(integer: u64) -> Self {
        let mut number = Extended { mantissa: integer, exponent: 0 };
        number.normalize();
        number
    }

    /// Exact. `real` is finite; its sign is dropped.
    #[inline(never)]
    pub(super) const fn from_real(real: f64) -> Self {
        let bits = real.to_bits();
        let mut exponent = (bits >> 52) as i32 & 0x7ff;
        let mut mantissa = bits & ((1 << 52) - 1);
        if exponent == 0 {
            exponent = 1;
        } else {
            mantissa |= 1 << 52;
        }
        let mut number = Extended { mantissa, exponent: exponent - 1075 };
        number.normalize();
        number
    }

    /// To the nearest binary64, ties to even; infinite where that is too small. The number is used up.
    #[inline(never)]
    pub(super) fn nearest_real(&mut self) -> f64 {
        let exponent = self.exponent + 63;
        if self.mantissa == 0 {
            return 0.0;
        }
        if exponent > 1023 {
            return f64::INFINITY;
        }
        // Bits that do not fit: 11, more where the result is subnormal.
        let normal = exponent >= -1022;
        let rest = self.drop(if normal { 11 } else { 11 - 1022 - exponent });
        self.round(rest);
        // The hidden bit adds one to the exponent field; so does a carry.
        let field = if normal { (exponent + 1022) as u64 } else { 0 };
        f64::from_bits((field << 52) + self.mantissa)
    }

    /// Takes so many bits off the end of the mantissa; gives what they were. Most numbers lose few.
    #[inline(never)]
    pub(super) fn drop(&mut self, places: i32) -> u64 {
        let mut rest = 0;
        for _ in 0..places.min(66) {
            rest = self.mantissa << 63 | rest >> 1 | rest & 1;
            self.mantissa >>= 1;
        }
        rest
    }

    pub(super) fn multiply(&mut self, by: &Self) {
        let rest = self.product(by);
        self.round(rest);
    }

    /// `by` is not zero.
    pub(super) fn divide(&mut self, by: &Self) {
        let rest = self.quotient(by);
        self.round(rest);
    }

    pub(super) fn add(&mut self, other: &Self) {
        let rest = self.total(other, false);
        self.round(rest);
    }

    // Each of these cuts its result off, and gives what follows the mantissa, where a half of the last bit is `TOP`.

    /// The product.
    #[inline(never)]
    pub(super) fn product(&mut self, by: &Self) -> u64 {
        let (high, low) = wide_product(self.mantissa, by.mantissa);
        if high == 0 {
            *self = Extended { mantissa: 0, exponent: 0 };
            return 0;
        }
        let exponent = self.exponent + by.exponent + 64;
        if high & TOP != 0 {
            *self = Extended { mantissa: high, exponent };
            return low;
        }
        *self = Extended { mantissa: high << 1 | low >> 63, exponent: exponent - 1 };
        low << 1
    }

    /// The quotient; what follows it is told as 0, less than a half, a half, or more.
    #[inline(never)]
    pub(super) fn quotient(&mut self, by: &Self) -> u64 {
        if self.mantissa == 0 {
            return 0;
        }
        // So scaled that the first bit of the quotient is set.
        let small = self.mantissa < by.mantissa;
        let (high, low) = if small { (self.mantissa, 0) } else { (self.mantissa >> 1, self.mantissa << 63) };
        let (mantissa, rest) = long_division(high, low, by.mantissa);
        *self = Extended { mantissa, exponent: self.exponent - by.exponent - if small { 64 } else { 63 } };
        match rest.cmp(&(by.mantissa - rest)) {
            core::cmp::Ordering::Less => u64::from(rest != 0),
            core::cmp::Ordering::Equal => TOP,
            core::cmp::Ordering::Greater => u64::MAX,
        }
    }

    /// The sum, or the difference of the larger and the smaller one. For a difference, what follows is only whether something does.
    #[inline(never)]
    pub(super) fn total(&mut self, other: &Self, opposite: bool) -> u64 {
        let mut small = *other;
        if !self.at_least(other) {
            core::mem::swap(self, &mut small);
        }
        if small.mantissa == 0 {
            return 0;
        }
        let rest = small.drop(self.exponent - small.exponent);
        let shifted = small.mantissa;
        if opposite {
            let left = self.mantissa - shifted - u64::from(rest != 0);
            self.mantissa = left | u64::from(rest != 0);
            self.normalize();
            return rest;
        }
        let (sum, carry) = self.mantissa.overflowing_add(shifted);
        self.mantissa = sum;
        if !carry {
            return rest;
        }
        // One bit more moves into the rest, which keeps a trace of everything below it.
        *self = Extended { mantissa: TOP | sum >> 1, exponent: self.exponent + 1 };
        sum << 63 | rest >> 1 | u64::from(rest & 1 != 0)
    }

    /// To the nearest, ties to even.
    #[inline(never)]
    fn round(&mut self, rest: u64) {
        if rest > TOP || (rest == TOP && self.mantissa & 1 == 1) {
            self.mantissa = self.mantissa.wrapping_add(1);
            if self.mantissa == 0 {
                *self = Extended { mantissa: TOP, exponent: self.exponent + 1 };
            }
        }
    }

    pub(super) fn is_zero(&self) -> bool {
        self.mantissa == 0
    }

    #[inline(never)]
    pub(super) fn at_least(&self, other: &Self) -> bool {
        if other.mantissa == 0 || self.mantissa == 0 {
            return other.mantissa == 0;
        }
        (self.exponent, self.mantissa) >= (other.exponent, other.mantissa)
    }

    /// Takes the whole part off, which is below 16.
    pub(super) fn take_whole(&mut self) -> u8 {
        let places = -self.exponent;
        if !(60..=63).contains(&places) {
            return 0;
        }
        let (high, place) = ((self.mantissa >> 32) as u32, places - 32);
        let digit = high >> place;
        self.mantissa -= u64::from(digit << place) << 32;
        self.normalize();
        digit as u8
    }
}

/// For REAL, which has eleven bits less: the last bit says whether anything follows, so that it is rounded once.
#[cfg(any(not(fast), test))]
impl Extended {
    pub(super) fn mark(&mut self, rest: u64) {
        self.mantissa |= u64::from(rest != 0);
    }

    /// Without the fraction, clamped to 63 bits and one more.
    pub(super) fn whole(&mut self) -> u64 {
        if self.exponent >= 0 && self.mantissa != 0 {
            return TOP;
        }
        self.drop(-self.exponent);
        self.mantissa
    }
}

/// Quotient and remainder of a number of 128 bits, whose upper half is below the divisor.
#[inline(never)]
pub(super) fn long_division(high: u64, mut low: u64, divisor: u64) -> (u64, u64) {
    let mut rest = high;
    for _ in 0..64 {
        let carry = rest & TOP != 0;
        rest = rest << 1 | low >> 63;
        // The quotient takes the place of what was used up.
        low <<= 1;
        if carry || rest >= divisor {
            rest = rest.wrapping_sub(divisor);
            low |= 1;
        }
    }
    (low, rest)
}

/// The product as (high, low) halves.
#[cfg_attr(fast, inline)]
#[cfg_attr(not(fast), inline(never))]
pub(super) fn wide_product(a: u64, b: u64) -> (u64, u64) {
    const LOW: u64 = u32::MAX as u64;
    let (a1, a0, b1, b0) = (a >> 32, a & LOW, b >> 32, b & LOW);
    let bottom = a0 * b0;
    let middle = a1 * b0 + (bottom >> 32);
    let other = a0 * b1 + (middle & LOW);
    (a1 * b1 + (middle >> 32) + (other >> 32), other << 32 | bottom & LOW)
}
