//! Texts of errors: a template and what goes into it, a number or a name.
//!
//! Contract: what `write!` would write, without it. core's formatting of numbers costs a firmware more than all the texts,
//! and what reports an error should not be the largest part of what can fail.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::arithmetic_side_effects)]

use core::fmt::{Formatter, Result};

/// Writes `template`, with `name` in the place of its `{}`.
pub(crate) fn named(f: &mut Formatter<'_>, template: &str, name: &str) -> Result {
    let Some(at) = template.bytes().position(|byte| byte == b'{') else { return f.write_str(template) };
    f.write_str(template.get(..at).unwrap_or_default())?;
    f.write_str(name)?;
    f.write_str(template.get(at.saturating_add(2)..).unwrap_or_default())
}

/// Writes `template`, with `number` in the place of its `{}`.
pub(crate) fn numbered(f: &mut Formatter<'_>, template: &str, mut number: usize) -> Result {
    let mut digits = [0; 20];
    let mut first = digits.len();
    for (at, digit) in digits.iter_mut().enumerate().rev() {
        (*digit, first) = (b'0' | (number % 10) as u8, at);
        number /= 10;
        if number == 0 {
            break;
        }
    }
    named(f, template, digits.get(first..).and_then(|digits| core::str::from_utf8(digits).ok()).unwrap_or_default())
}

/// Writes `template`, with `byte` in the place of its `{}`, as `0x2a`.
pub(crate) fn hexadecimal(f: &mut Formatter<'_>, template: &str, byte: u8) -> Result {
    let digit = |half: u8| (if half < 10 { b'0' } else { b'a' - 10 }).wrapping_add(half);
    let text = [b'0', b'x', digit(byte >> 4), digit(byte & 15)];
    named(f, template, core::str::from_utf8(&text).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::fmt::Display;

    struct Shown(fn(&mut Formatter<'_>) -> Result);

    impl Display for Shown {
        fn fmt(&self, f: &mut Formatter<'_>) -> Result {
            self.0(f)
        }
    }

    #[test]
    fn what_is_written_is_what_write_would_write() {
        assert_eq!(Shown(|f| numbered(f, "{} bytes", 0)).to_string(), "0 bytes");
        assert_eq!(Shown(|f| numbered(f, "a {} b", 1020)).to_string(), "a 1020 b");
        assert_eq!(Shown(|f| numbered(f, "{}", usize::MAX)).to_string(), usize::MAX.to_string());
        assert_eq!(Shown(|f| numbered(f, "none", 7)).to_string(), "none");
        assert_eq!(Shown(|f| named(f, "field `{}`", "é")).to_string(), "field `é`");
        for byte in [0x00, 0x09, 0x0a, 0x9f, 0xa9, 0xff] {
            assert_eq!(hex(byte), format!("0x{byte:02x}"));
        }
    }

    fn hex(byte: u8) -> String {
        struct Hex(u8);
        impl Display for Hex {
            fn fmt(&self, f: &mut Formatter<'_>) -> Result {
                hexadecimal(f, "{}", self.0)
            }
        }
        Hex(byte).to_string()
    }
}
