//! Python's int of any size: kept as the stream spells it, converted only as far as asked.

/// An int of any size, as it stands in the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Long<'a> {
    /// Two's complement, little end first; no bytes are 0 (pickle's LONG1 and LONG4).
    Twos(&'a [u8]),
    /// Digits of a radix of 2, 8, 10 or 16, underscores among them (pickle's INT and LONG).
    Digits {
        /// Whether a minus stands before them.
        negative: bool,
        /// 2, 8, 10 or 16.
        radix: u8,
        /// The digits in ASCII.
        digits: &'a [u8],
    },
    /// Digits of 15 bits in two bytes each, little end first (marshal).
    Base15 {
        /// Whether the number is negative.
        negative: bool,
        /// The digits.
        digits: &'a [u8],
    },
}

/// CPython's limit for conversions between decimal text and int (CVE-2020-10735).
pub const MAX_DECIMAL_DIGITS: usize = 4300;

/// Multiplies the little-endian number in `bytes[..len]` by `by` and adds `add`; answers the new length, or `None` when
/// it does not fit.
fn multiply_add(bytes: &mut [u8], len: usize, by: u32, add: u32) -> Option<usize> {
    let mut carry = add;
    for byte in bytes.get_mut(..len)? {
        let sum = u32::from(*byte).wrapping_mul(by).wrapping_add(carry);
        *byte = sum as u8;
        carry = sum >> 8;
    }
    let mut len = len;
    while carry != 0 {
        *bytes.get_mut(len)? = carry as u8;
        carry >>= 8;
        len = len.wrapping_add(1);
    }
    Some(len)
}

impl<'a> Long<'a> {
    /// Whether it is below zero.
    pub fn is_negative(&self) -> bool {
        match self {
            Long::Twos(bytes) => bytes.last().is_some_and(|b| *b & 0x80 != 0),
            Long::Digits { negative, digits, .. } => *negative && digits.iter().any(|d| !matches!(d, b'0' | b'_')),
            Long::Base15 { negative, digits } => *negative && digits.iter().any(|d| *d != 0),
        }
    }

    /// Its absolute value, little end first, without zeros at the end; `None` when the buffer is too small for it.
    pub fn magnitude<'b>(&self, buf: &'b mut [u8]) -> Option<&'b mut [u8]> {
        let len = match self {
            Long::Twos(bytes) => {
                // A number that is not negative may have a byte for its sign alone.
                let bytes = trim(bytes);
                let (bytes, negative) = (bytes.strip_suffix(&[0]).unwrap_or(bytes), self.is_negative());
                let mut carry = true;
                let to = buf.get_mut(..bytes.len())?;
                for (to, from) in to.iter_mut().zip(bytes) {
                    *to = if negative { (!*from).wrapping_add(u8::from(carry)) } else { *from };
                    carry = carry && *from == 0;
                }
                bytes.len()
            }
            Long::Digits { radix, digits, .. } => {
                let mut len = 0;
                for digit in digits.iter().filter_map(|d| char::from(*d).to_digit(16)) {
                    len = multiply_add(buf, len, u32::from(*radix), digit)?;
                }
                len
            }
            Long::Base15 { digits, .. } => {
                let mut len = 0;
                for pair in digits.rchunks_exact(2) {
                    let digit = u16::from_le_bytes(pair.try_into().ok()?);
                    len = multiply_add(buf, len, 1 << 15, u32::from(digit))?;
                }
                len
            }
        };
        let bytes = buf.get_mut(..len)?;
        let zeros = bytes.iter().rev().take_while(|b| **b == 0).count();
        bytes.get_mut(..len.saturating_sub(zeros))
    }

    /// The shortest two's complement, little end first, nothing for 0, as LONG1 has it; `None` when the buffer is too
    /// small for it.
    pub fn to_le_bytes<'b>(&self, buf: &'b mut [u8]) -> Option<&'b [u8]> {
        let len = self.magnitude(buf)?.len();
        let negative = self.is_negative();
        if negative {
            let mut carry = true;
            for byte in buf.get_mut(..len)? {
                let zero = *byte == 0;
                *byte = (!*byte).wrapping_add(u8::from(carry));
                carry = carry && zero;
            }
        }
        // The sign needs a bit of its own.
        let sign = len.checked_sub(1).and_then(|last| buf.get(last)).map(|b| b & 0x80 != 0);
        if sign.is_some_and(|sign| sign != negative) {
            *buf.get_mut(len)? = if negative { 0xff } else { 0 };
            return Some(trim(buf.get(..len.wrapping_add(1))?));
        }
        Some(trim(buf.get(..len)?))
    }

    /// How many bytes [`Long::to_le_bytes`] wants at most.
    pub fn bytes_room(&self) -> usize {
        let (Long::Twos(bytes) | Long::Digits { digits: bytes, .. } | Long::Base15 { digits: bytes, .. }) = self;
        bytes.len().saturating_add(1)
    }

    /// How many bytes [`Long::to_decimal`] wants at most.
    pub fn decimal_room(&self) -> usize {
        self.bytes_room().saturating_mul(5).saturating_add(4)
    }

    /// The number, if it fits 128 bits.
    pub fn to_i128(&self) -> Option<i128> {
        let mut buf = [0; 17];
        let bytes = match self {
            Long::Twos(bytes) => trim(bytes),
            _ => self.to_le_bytes(&mut buf)?,
        };
        let mut wide = [if self.is_negative() { 0xff } else { 0 }; 16];
        wide.get_mut(..bytes.len())?.copy_from_slice(bytes);
        Some(i128::from_le_bytes(wide))
    }

    /// The number, if it fits 64 bits.
    pub fn to_i64(&self) -> Option<i64> {
        let mut buf = [0; 9];
        let bytes = match self {
            Long::Twos(bytes) => trim(bytes),
            _ => self.to_le_bytes(&mut buf)?,
        };
        let mut wide = [if self.is_negative() { 0xff } else { 0 }; 8];
        wide.get_mut(..bytes.len())?.copy_from_slice(bytes);
        Some(i64::from_le_bytes(wide))
    }

    /// The number, if it is not negative and fits 128 bits.
    pub fn to_u128(&self) -> Option<u128> {
        if self.is_negative() {
            return None;
        }
        let (mut buf, mut wide) = ([0; 17], [0; 16]);
        let bytes = self.magnitude(&mut buf)?;
        wide.get_mut(..bytes.len())?.copy_from_slice(bytes);
        Some(u128::from_le_bytes(wide))
    }

    /// The number in decimal. The buffer must have room for the digits and a sign, and as much again: twice
    /// [`MAX_DECIMAL_DIGITS`] is always enough. `None` when it is too small or the number has more digits than that.
    pub fn to_decimal<'b>(&self, buf: &'b mut [u8]) -> Option<&'b str> {
        let half = buf.len() / 2;
        let (low, high) = buf.split_at_mut_checked(half)?;
        let magnitude = self.magnitude(low)?;
        // The buffer's end takes the digits, two by two, the lowest pair first in memory while they grow.
        let mut len = 0;
        for byte in magnitude.iter().rev() {
            let mut carry = u32::from(*byte);
            for pair in high.get_mut(..len)? {
                let sum = u32::from(*pair).wrapping_mul(256).wrapping_add(carry);
                *pair = (sum % 100) as u8;
                carry = sum / 100;
            }
            while carry != 0 {
                *high.get_mut(len)? = (carry % 100) as u8;
                carry /= 100;
                len = len.wrapping_add(1);
            }
        }
        if len.saturating_mul(2) > MAX_DECIMAL_DIGITS.saturating_add(1) {
            return None;
        }
        let mut at = 0;
        if self.is_negative() {
            *low.get_mut(0)? = b'-';
            at = 1;
        }
        let start = at;
        for pair in high.get(..len)?.iter().rev() {
            for digit in [pair / 10, pair % 10] {
                // No leading zero.
                if digit != 0 || at > start {
                    *low.get_mut(at)? = b'0'.wrapping_add(digit);
                    at = at.wrapping_add(1);
                }
            }
        }
        if at == start {
            *low.get_mut(at)? = b'0';
            at = at.wrapping_add(1);
        }
        core::str::from_utf8(low.get(..at)?).ok()
    }
}

/// Two's complement without the bytes at its end that say nothing.
fn trim(bytes: &[u8]) -> &[u8] {
    let mut bytes = bytes;
    while let [rest @ .., last] = bytes {
        let sign = rest.last().map_or(0, |b| b & 0x80);
        if (*last == 0 && sign == 0) || (*last == 0xff && sign != 0) {
            bytes = rest;
        } else {
            break;
        }
    }
    bytes
}
