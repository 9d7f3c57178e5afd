//! Ints of more than 32 bits: digits of 15 bits, the lowest first, behind their count, which is negative for a number
//! below zero.

use super::{Done, Writer};
use crate::marshal::typecode::LONG;
use crate::object::Refused;

impl Writer<'_> {
    /// Begins an int whose digits are not counted yet; answers where the count stands.
    fn open_digits(&mut self) -> u32 {
        let code = self.flagged(LONG);
        let at = self.out.at().wrapping_add(1) as u32;
        self.out.put_word(code, 0, 4);
        at
    }

    /// The 15-bit digits of a number whose absolute value comes byte by byte, the lowest first.
    pub(super) fn digits(&mut self, negative: bool, magnitude: impl Iterator<Item = u8>) -> Done {
        let count_at = self.open_digits();
        let (mut bits, mut held, mut zeros, mut count) = (0u32, 0u32, 0u32, 0u32);
        // One more byte of zeros brings the last bits out.
        for byte in magnitude.chain([0, 0]) {
            bits |= u32::from(byte) << held;
            held = held.wrapping_add(8);
            if held < 15 {
                continue;
            }
            let digit = bits & 0x7fff;
            (bits, held) = (bits >> 15, held.wrapping_sub(15));
            if digit == 0 {
                // No digit of 0 may be the last.
                zeros = zeros.wrapping_add(1);
                continue;
            }
            for _ in 0..zeros {
                self.out.put(&[], &[0, 0]);
            }
            self.out.put(&[], &(digit as u16).to_le_bytes());
            count = count.wrapping_add(zeros).wrapping_add(1);
            zeros = 0;
        }
        let count = i32::try_from(count).map_err(|_| Refused::TooLong)?;
        self.out.patch(count_at, if negative { count.wrapping_neg() } else { count } as u32);
        Ok(())
    }

    /// An int of more than 32 bits: 3 to 5 digits.
    #[inline(never)]
    pub(super) fn wide_int(&mut self, value: i64) -> Done {
        let (mut digits, mut count, mut rest) = ([0; 10], 0u32, value.unsigned_abs());
        for place in digits.as_chunks_mut::<2>().0 {
            if rest == 0 {
                break;
            }
            *place = ((rest & 0x7fff) as u16).to_le_bytes();
            rest >>= 15;
            count = count.wrapping_add(1);
        }
        let [a, b, c, d] = if value < 0 { count.wrapping_neg() } else { count }.to_le_bytes();
        let code = self.flagged(LONG);
        let used = count.wrapping_mul(2) as usize;
        self.out.put(&[code, a, b, c, d], digits.get(..used).unwrap_or_default());
        Ok(())
    }

    /// Digits of a text: multiplied up where they are written.
    pub(super) fn text_digits(&mut self, negative: bool, radix: u8, digits: &[u8]) -> Done {
        // Converting takes time by the square of the length: CPython's limit keeps it small.
        if digits.len() > crate::object::MAX_DECIMAL_DIGITS {
            return Err(Refused::TooLong);
        }
        let count_at = self.open_digits();
        let first = self.out.at();
        for digit in digits.iter().filter_map(|d| char::from(*d).to_digit(16)) {
            let mut carry = digit;
            let mut at = first;
            while at < self.out.at() || carry > 0 {
                if at >= self.out.at() {
                    self.out.put(&[], &[0, 0]);
                }
                if let Some(place) = self.out.since(at).first_chunk_mut::<2>() {
                    carry = u32::from(u16::from_le_bytes(*place)).wrapping_mul(u32::from(radix)).wrapping_add(carry);
                    *place = ((carry & 0x7fff) as u16).to_le_bytes();
                    carry >>= 15;
                } else {
                    // Past the buffer's end only the length counts: no digit of 15 bits is longer than one of the text's.
                    self.out.count_from(first, digits.len().saturating_mul(2));
                    return Ok(());
                }
                at = at.wrapping_add(2);
            }
        }
        let count = (self.out.at().wrapping_sub(first) / 2) as i32;
        self.out.patch(count_at, if negative { count.wrapping_neg() } else { count } as u32);
        Ok(())
    }
}
