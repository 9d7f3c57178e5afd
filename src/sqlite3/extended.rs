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

    fn normal(mantissa: u64, exponent: i32) -> Self {
        let shift = mantissa.leading_zeros();
        if shift == 64 {
            return Extended { mantissa: 0, exponent: 0 };
        }
        Extended { mantissa: mantissa << shift, exponent: exponent - shift as i32 }
    }

    /// A normal mantissa and what follows it: `rest` is compared with a half, which is `TOP`.
    fn rounded(mantissa: u64, exponent: i32, rest: u64) -> Self {
        let up = rest > TOP || (rest == TOP && mantissa & 1 == 1);
        match mantissa.checked_add(up.into()) {
            Some(mantissa) => Extended { mantissa, exponent },
            None => Extended { mantissa: TOP, exponent: exponent + 1 },
        }
    }

    pub(super) fn from_integer(integer: u64) -> Self {
        Self::normal(integer, 0)
    }

    /// Exact. `real` is finite; its sign is dropped.
    pub(super) fn from_real(real: f64) -> Self {
        let bits = real.to_bits();
        let fraction = bits & ((1 << 52) - 1);
        match (bits >> 52) as i32 & 0x7ff {
            0 => Self::normal(fraction, -1074),
            exponent => Self::normal(fraction | 1 << 52, exponent - 1075),
        }
    }

    /// To the nearest binary64, ties to even; infinite where that is too small.
    pub(super) fn to_real(self) -> f64 {
        if self.mantissa == 0 {
            return 0.0;
        }
        let exponent = self.exponent + 63;
        if exponent > 1023 {
            return f64::INFINITY;
        }
        // Bits that do not fit: 11, more where the result is subnormal.
        let normal = exponent >= -1022;
        let drop = if normal { 11 } else { 11 + (-1022 - exponent) as u32 };
        let (kept, rest) = match drop {
            ..=63 => (self.mantissa >> drop, self.mantissa << (64 - drop)),
            64 => (0, self.mantissa),
            _ => return 0.0,
        };
        let up = rest > TOP || (rest == TOP && kept & 1 == 1);
        // The hidden bit adds one to the exponent field; so does a carry.
        let field = if normal { (exponent + 1022) as u64 } else { 0 };
        f64::from_bits((field << 52) + kept + u64::from(up))
    }

    pub(super) fn times(self, other: Self) -> Self {
        let (product, rest) = self.product(other);
        Self::rounded(product.mantissa, product.exponent, rest)
    }

    /// The product, cut off, and what follows its mantissa.
    fn product(self, other: Self) -> (Self, u64) {
        let (high, low) = wide_product(self.mantissa, other.mantissa);
        if high == 0 {
            return (Extended { mantissa: 0, exponent: 0 }, 0);
        }
        let exponent = self.exponent + other.exponent + 64;
        if high & TOP != 0 {
            (Extended { mantissa: high, exponent }, low)
        } else {
            (Extended { mantissa: high << 1 | low >> 63, exponent: exponent - 1 }, low << 1)
        }
    }

    /// `other` is not zero.
    pub(super) fn over(self, other: Self) -> Self {
        let (quotient, rest) = self.quotient(other);
        // The remainder against half of the divisor says how to round.
        let half = other.mantissa - rest;
        let rest = match rest.cmp(&half) {
            core::cmp::Ordering::Less => 0,
            core::cmp::Ordering::Equal => TOP,
            core::cmp::Ordering::Greater => u64::MAX,
        };
        Self::rounded(quotient.mantissa, quotient.exponent, rest)
    }

    /// The quotient, cut off, and the remainder in the divisor's scale.
    fn quotient(self, other: Self) -> (Self, u64) {
        if self.mantissa == 0 {
            return (self, 0);
        }
        // So scaled that the first bit of the quotient is set.
        let exponent = self.exponent - other.exponent;
        let (mantissa, rest, exponent) = if self.mantissa < other.mantissa {
            let (quotient, rest) = long_division(self.mantissa, 0, other.mantissa);
            (quotient, rest, exponent - 64)
        } else {
            let (quotient, rest) = long_division(self.mantissa >> 1, self.mantissa << 63, other.mantissa);
            (quotient, rest, exponent - 63)
        };
        (Extended { mantissa, exponent }, rest)
    }

    pub(super) fn plus(self, other: Self) -> Self {
        let (sum, rest) = self.total(other, false);
        Self::rounded(sum.mantissa, sum.exponent, rest)
    }

    /// The sum, or the difference of the larger and the smaller one, cut off, and what follows its mantissa. For a
    /// difference, that is only whether something follows.
    fn total(self, other: Self, opposite: bool) -> (Self, u64) {
        let (large, small) = if self.at_least(other) { (self, other) } else { (other, self) };
        if small.mantissa == 0 {
            return (large, 0);
        }
        let distance = (large.exponent - small.exponent) as u32;
        let (shifted, rest) = match distance {
            0 => (small.mantissa, 0),
            1..=63 => (small.mantissa >> distance, small.mantissa << (64 - distance)),
            64 => (0, small.mantissa),
            _ => (0, 1),
        };
        if opposite {
            let left = large.mantissa - shifted - u64::from(rest != 0);
            return (Self::normal(left | u64::from(rest != 0), large.exponent), rest);
        }
        match large.mantissa.overflowing_add(shifted) {
            (sum, false) => (Extended { mantissa: sum, exponent: large.exponent }, rest),
            // One bit more moves into the rest, which keeps a trace of everything below it.
            (sum, true) => (
                Extended { mantissa: TOP | sum >> 1, exponent: large.exponent + 1 },
                sum << 63 | rest >> 1 | u64::from(rest & 1 != 0),
            ),
        }
    }

    pub(super) fn is_zero(self) -> bool {
        self.mantissa == 0
    }

    pub(super) fn at_least(self, other: Self) -> bool {
        if other.mantissa == 0 || self.mantissa == 0 {
            return other.mantissa == 0;
        }
        (self.exponent, self.mantissa) >= (other.exponent, other.mantissa)
    }

    /// The whole part, which is below 16, and the fraction.
    pub(super) fn split(self) -> (u8, Self) {
        match u32::try_from(-self.exponent) {
            Ok(places @ 60..=63) => {
                let digit = (self.mantissa >> places) as u8;
                (digit, Self::normal(self.mantissa & ((1 << places) - 1), self.exponent))
            }
            _ => (0, self),
        }
    }
}

/// For REAL, which has eleven bits less: the last bit says whether anything follows, so that it is rounded once.
#[cfg(any(not(fast), test))]
impl Extended {
    pub(super) fn sum(self, other: Self, opposite: bool) -> Self {
        let (sum, rest) = self.total(other, opposite);
        Extended { mantissa: sum.mantissa | u64::from(rest != 0), ..sum }
    }

    pub(super) fn exact_times(self, other: Self) -> Self {
        let (product, rest) = self.product(other);
        Extended { mantissa: product.mantissa | u64::from(rest != 0), ..product }
    }

    pub(super) fn exact_over(self, other: Self) -> Self {
        let (quotient, rest) = self.quotient(other);
        Extended { mantissa: quotient.mantissa | u64::from(rest != 0), ..quotient }
    }

    /// Without the fraction; `None` beyond 63 bits.
    pub(super) fn whole(self) -> Option<u64> {
        match self.exponent {
            0.. if self.mantissa != 0 => None,
            -63..=-1 => Some(self.mantissa >> -self.exponent),
            _ => Some(0),
        }
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
fn wide_product(a: u64, b: u64) -> (u64, u64) {
    const LOW: u64 = u32::MAX as u64;
    let (a1, a0, b1, b0) = (a >> 32, a & LOW, b >> 32, b & LOW);
    let bottom = a0 * b0;
    let middle = a1 * b0 + (bottom >> 32);
    let other = a0 * b1 + (middle & LOW);
    (a1 * b1 + (middle >> 32) + (other >> 32), other << 32 | bottom & LOW)
}
