//! Floats as Python's `repr` writes them.

use core::fmt::Write;

/// Text in a fixed buffer.
struct Cursor<'b> {
    buf: &'b mut [u8],
    at: usize,
}

impl Write for Cursor<'_> {
    fn write_str(&mut self, s: &str) -> core::fmt::Result {
        let end = self.at.saturating_add(s.len());
        self.buf.get_mut(self.at..end).ok_or(core::fmt::Error)?.copy_from_slice(s.as_bytes());
        self.at = end;
        Ok(())
    }
}

/// The shortest decimal that reads back as the same float, as `repr` lays it out: positional for exponents from -4 to 15.
pub(crate) fn float_repr(value: f64, buf: &mut [u8; 32]) -> &str {
    let mut scientific = [0; 32];
    let mut digits = Cursor { buf: &mut scientific, at: 0 };
    // Infallible: the longest is -1.7976931348623157e308.
    let _ = write!(digits, "{value:e}");
    let len = digits.at;
    let text = core::str::from_utf8(scientific.get(..len).unwrap_or_default()).unwrap_or_default();
    let mut out = Cursor { buf, at: 0 };
    let _ = lay_out(value, text, &mut out);
    let len = out.at;
    core::str::from_utf8(buf.get(..len).unwrap_or_default()).unwrap_or_default()
}

fn lay_out(value: f64, scientific: &str, out: &mut Cursor<'_>) -> core::fmt::Result {
    if value.is_nan() {
        return out.write_str("nan");
    }
    let (sign, rest) = match scientific.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", scientific),
    };
    out.write_str(sign)?;
    let Some((mantissa, exponent)) = rest.split_once('e') else { return out.write_str("inf") };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let (first, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if !(-4..16).contains(&exponent) {
        out.write_str(first)?;
        if !fraction.is_empty() {
            out.write_str(".")?;
            out.write_str(fraction)?;
        }
        let sign = if exponent < 0 { "-" } else { "+" };
        return write!(out, "e{sign}{:02}", exponent.unsigned_abs());
    }
    if exponent < 0 {
        out.write_str("0.")?;
        for _ in 1..exponent.unsigned_abs() {
            out.write_str("0")?;
        }
        out.write_str(first)?;
        return out.write_str(fraction);
    }
    let whole = exponent as usize;
    out.write_str(first)?;
    let (before, after) = fraction.split_at_checked(whole).unwrap_or((fraction, ""));
    out.write_str(before)?;
    for _ in before.len()..whole {
        out.write_str("0")?;
    }
    out.write_str(".")?;
    out.write_str(if after.is_empty() { "0" } else { after })
}
