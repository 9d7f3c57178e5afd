//! Arithmetic that a small machine has no instructions for: of REAL, and division of 64 bits.
//!
//! Contract: each function gives what Rust's operator gives, to the last bit: binary64, rounded to nearest, ties to even.
//! Where code is to be fast it is that operator. Where it is to be small it stands on [`Extended`], which printing and parsing
//! need in any case: that is 4 KB less than what the compiler's own library takes.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use core::cmp::Ordering;

#[cfg(fast)]
pub(super) use native::*;
#[cfg(not(fast))]
pub(super) use soft::*;

/// What a real is. (Tests of all its bits at once the compiler would turn into calls of its library.)
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
enum Kind {
    Zero,
    Finite,
    Infinite,
    Nan,
}

#[cfg_attr(fast, inline)]
#[cfg_attr(not(fast), inline(never))]
fn kind(real: f64) -> Kind {
    let bits = real.to_bits();
    let (high, low) = ((bits >> 32) as u32 & (u32::MAX >> 1), bits as u32);
    match high {
        0 if low == 0 => Kind::Zero,
        ..0x7ff0_0000 => Kind::Finite,
        0x7ff0_0000 if low == 0 => Kind::Infinite,
        _ => Kind::Nan,
    }
}

/// How two reals compare, neither of them NaN.
#[cfg_attr(fast, inline)]
#[cfg_attr(not(fast), inline(never))]
pub(super) fn order(left: f64, right: f64) -> Ordering {
    if cfg!(fast) { left.partial_cmp(&right).unwrap_or(Ordering::Equal) } else { place(left).cmp(&place(right)) }
}

/// Whether a real is below zero.
#[inline]
pub(super) fn is_negative(real: f64) -> bool {
    place(real) < 0
}

/// Whether it is 0.0 or -0.0.
#[inline]
pub(super) fn is_zero(real: f64) -> bool {
    kind(real) == Kind::Zero
}

/// Whether it is one of the infinities.
#[inline]
pub(super) fn is_infinite(real: f64) -> bool {
    kind(real) == Kind::Infinite
}

#[inline]
pub(super) fn is_nan(real: f64) -> bool {
    if cfg!(fast) { real.is_nan() } else { kind(real) == Kind::Nan }
}

/// A number that is ordered as the reals are.
#[inline]
pub(super) fn place(real: f64) -> i64 {
    let bits = real.to_bits() as i64;
    if bits < 0 { i64::MIN.wrapping_sub(bits) } else { bits }
}

/// Both parts of the division of integers, cut off towards zero; 0 and `left` if that is by zero.
pub(super) fn divided_signed(left: i64, right: i64) -> (i64, i64) {
    let (quotient, rest) = divided(left.unsigned_abs(), right.unsigned_abs());
    let (quotient, rest) = (quotient as i64, rest as i64);
    (
        if left ^ right < 0 { quotient.wrapping_neg() } else { quotient },
        if left < 0 { rest.wrapping_neg() } else { rest },
    )
}

#[cfg(fast)]
mod native {
    #[inline]
    pub(in super::super) fn sum(left: f64, right: f64) -> f64 {
        left + right
    }
    #[inline]
    pub(in super::super) fn product(left: f64, right: f64) -> f64 {
        left * right
    }
    #[inline]
    pub(in super::super) fn quotient(left: f64, right: f64) -> f64 {
        left / right
    }
    /// The real nearest to an integer.
    #[inline]
    pub(in super::super) fn of(integer: i64) -> f64 {
        integer as f64
    }
    /// Cut off towards zero, and to 64 bits.
    #[inline]
    pub(in super::super) fn whole(real: f64) -> i64 {
        real as i64
    }
    #[inline]
    pub(in super::super) fn multiplied(left: i64, right: i64) -> Option<i64> {
        left.checked_mul(right)
    }
    /// Quotient and rest; 0 and `left` if that is by zero.
    #[inline]
    pub(in super::super) fn divided(left: u64, right: u64) -> (u64, u64) {
        (left.checked_div(right).unwrap_or(0), left.checked_rem(right).unwrap_or(left))
    }
}

#[cfg(any(not(fast), test))]
mod soft {
    use super::super::extended::{Extended, long_division, wide_product};
    use super::{Kind, is_nan, is_zero, kind};

    pub(super) const SIGN: u64 = 1 << 63;

    #[inline(never)]
    pub(in super::super) fn sum(left: f64, right: f64) -> f64 {
        let opposite = (left.to_bits() ^ right.to_bits()) & SIGN != 0;
        match (kind(left), kind(right)) {
            (Kind::Nan, _) | (_, Kind::Nan) => return f64::NAN,
            (Kind::Infinite, Kind::Infinite) if opposite => return f64::NAN,
            (Kind::Infinite, _) => return left,
            (_, Kind::Infinite) => return right,
            _ => {}
        }
        let (mut one, other) = (Extended::from_real(left), Extended::from_real(right));
        let larger = one.at_least(&other);
        let rest = one.total(&other, opposite);
        one.mark(rest);
        let made = one.nearest_real();
        // The sign is that of the larger one; zero is negative only if both are.
        let sign = match (is_zero(made), larger) {
            (true, _) => left.to_bits() & right.to_bits(),
            (false, true) => left.to_bits(),
            (false, false) => right.to_bits(),
        };
        f64::from_bits(made.to_bits() | sign & SIGN)
    }

    #[inline(never)]
    pub(in super::super) fn product(left: f64, right: f64) -> f64 {
        scaled(left, right, kind(right), Extended::product)
    }

    #[inline(never)]
    pub(in super::super) fn quotient(left: f64, right: f64) -> f64 {
        // To divide by zero is to multiply by what is infinite, and the other way round.
        let inverse = match kind(right) {
            Kind::Zero => Kind::Infinite,
            Kind::Infinite => Kind::Zero,
            other => other,
        };
        scaled(left, right, inverse, Extended::quotient)
    }

    fn scaled(left: f64, right: f64, factor: Kind, work: fn(&mut Extended, &Extended) -> u64) -> f64 {
        let number = kind(left);
        let (least, most) = (number.min(factor), number.max(factor));
        let made = match (least, most) {
            (_, Kind::Nan) | (Kind::Zero, Kind::Infinite) => return f64::NAN,
            (_, Kind::Infinite) => f64::INFINITY,
            (Kind::Zero, _) => 0.0,
            _ => {
                let mut number = Extended::from_real(left);
                let rest = work(&mut number, &Extended::from_real(right));
                number.mark(rest);
                number.nearest_real()
            }
        };
        f64::from_bits(made.to_bits() | (left.to_bits() ^ right.to_bits()) & SIGN)
    }

    /// The real nearest to an integer.
    #[inline(never)]
    pub(in super::super) fn of(integer: i64) -> f64 {
        let magnitude = Extended::from_integer(integer.unsigned_abs()).nearest_real();
        f64::from_bits(magnitude.to_bits() | integer as u64 & SIGN)
    }

    /// Cut off towards zero, and to 64 bits.
    #[inline(never)]
    pub(in super::super) fn whole(real: f64) -> i64 {
        let negative = real.to_bits() & SIGN != 0;
        if is_nan(real) {
            return 0;
        }
        let magnitude = Extended::from_real(real).whole();
        if negative { (magnitude as i64).wrapping_neg() } else { magnitude.min(i64::MAX as u64) as i64 }
    }

    /// The product, if it is an integer of 64 bits.
    pub(in super::super) fn multiplied(left: i64, right: i64) -> Option<i64> {
        let (high, low) = wide_product(left.unsigned_abs(), right.unsigned_abs());
        let negative = left ^ right < 0;
        let product = if negative { low.wrapping_neg() } else { low } as i64;
        (high == 0 && (low == 0 || (product < 0) == negative)).then_some(product)
    }

    /// Quotient and rest; 0 and `left` if that is by zero.
    #[inline(never)]
    pub(in super::super) fn divided(left: u64, right: u64) -> (u64, u64) {
        if right == 0 { (0, left) } else { long_division(0, left, right) }
    }
}

#[cfg(all(test, fast))]
mod tests {
    use super::soft::SIGN;
    use super::*;

    /// Reals of all kinds: few and many digits, near one another and far, subnormal, infinite.
    fn reals() -> impl Iterator<Item = f64> {
        let mut state = 7u64;
        core::iter::from_fn(move || {
            state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
            let bits = state ^ state >> 29;
            Some(match state >> 60 {
                0 => f64::from_bits(bits & SIGN | 0x7ff << 52),
                1 => f64::from_bits(bits & SIGN),
                2 => f64::from_bits(bits & (SIGN | 0x000f_ffff_ffff_ffff)),
                3..6 => f64::from_bits(bits & !(0x3ff << 52) | 0x200 << 52),
                6..9 => (bits as i32 >> 16) as f64,
                9..11 => bits as i64 as f64,
                11 => f64::from_bits(bits & !0x000f_ffff_ffff_fff8),
                _ => f64::from_bits(bits),
            })
            .map(|real| if real.is_nan() { 1.5 } else { real })
        })
    }

    #[test]
    fn each_bit_is_that_of_the_operator() {
        let same = |ours: f64, theirs: f64| ours.to_bits() == theirs.to_bits() || ours.is_nan() && theirs.is_nan();
        for (a, b) in reals().zip(reals().skip(1)).take(200_000) {
            assert!(same(soft::sum(a, b), a + b), "{a:e} + {b:e}");
            assert!(same(soft::product(a, b), a * b), "{a:e} * {b:e}");
            assert!(same(soft::quotient(a, b), a / b), "{a:e} / {b:e}");
            assert_eq!(Some(order(a, b)), a.partial_cmp(&b), "{a:e} {b:e}");
            assert_eq!(soft::whole(a), a as i64, "{a:e}");
            let (n, d) = (a.to_bits(), b.to_bits() >> (n_of(a) & 63));
            assert_eq!(soft::of(n as i64), n as i64 as f64);
            assert_eq!(soft::divided(n, d), divided(n, d));
            let (n1, d1) = (n as i64 >> (n_of(b) & 63), d as i64);
            assert_eq!(soft::multiplied(n1, d1), multiplied(n1, d1), "{n1} {d1}");
            if d as i64 != -1 && d != 0 {
                assert_eq!(divided_signed(n as i64, d as i64), (n as i64 / d as i64, n as i64 % d as i64));
            }
        }
    }

    fn n_of(real: f64) -> u32 {
        (real.to_bits() >> 20) as u32
    }
}
