//! Reading integers out of bytes, with bounds: every function answers `None` past the end, and none can panic.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::arithmetic_side_effects)]

/// `N` bytes at `at`.
#[inline]
pub fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk::<N>().copied()
}

/// The byte at `at`.
#[inline]
pub fn u8(bytes: &[u8], at: usize) -> Option<u8> {
    bytes.get(at).copied()
}

/// A little-endian u16 at `at`.
#[inline]
pub fn u16_le(bytes: &[u8], at: usize) -> Option<u16> {
    array(bytes, at).map(u16::from_le_bytes)
}

/// A little-endian u32 at `at`.
#[cfg_attr(fast, inline)]
#[cfg_attr(not(fast), inline(never))]
pub fn u32_le(bytes: &[u8], at: usize) -> Option<u32> {
    array(bytes, at).map(u32::from_le_bytes)
}

/// A little-endian u64 at `at`.
#[cfg_attr(fast, inline)]
#[cfg_attr(not(fast), inline(never))]
pub fn u64_le(bytes: &[u8], at: usize) -> Option<u64> {
    array(bytes, at).map(u64::from_le_bytes)
}

/// A big-endian u64 at `at`.
#[cfg_attr(fast, inline)]
#[cfg_attr(not(fast), inline(never))]
pub fn u64_be(bytes: &[u8], at: usize) -> Option<u64> {
    array(bytes, at).map(u64::from_be_bytes)
}

/// Up to eight bytes in two's complement, the lowest first; none are 0.
#[inline]
pub fn signed(bytes: &[u8]) -> i64 {
    let mut value: u64 = if bytes.last().is_some_and(|b| b & 0x80 != 0) { u64::MAX } else { 0 };
    for byte in bytes.iter().rev() {
        value = value << 8 | u64::from(*byte);
    }
    value as i64
}

/// `len` bytes at `at`; `None` when fewer are left.
#[inline]
pub fn take(bytes: &[u8], at: usize, len: usize) -> Option<&[u8]> {
    bytes.get(at..)?.get(..len)
}

/// The line at `at` without its newline, and the place after the newline; `None` when no newline is left.
#[inline]
pub fn line(bytes: &[u8], at: usize) -> Option<(&[u8], usize)> {
    let rest = bytes.get(at..)?;
    let len = rest.iter().position(|b| *b == b'\n')?;
    Some((rest.get(..len)?, at.checked_add(len)?.checked_add(1)?))
}
