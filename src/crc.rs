//! Checks: CRC-32 (IEEE 802.3) and CRC-16 (of X.25: polynomial 0x1021), both reflected, so that they share their code.
//!
//! Both notice every error of up to three bits in anything as long as a page of the store (4 KiB): CRC-32 has a Hamming
//! distance of at least 4 up to 91,607 bits, the CRC-16 up to 32,751. The state is handed in and out, so that a
//! check can run over pieces.
//!
//! A microcontroller gets tables of 16 entries, a 64-bit host tables of 256, sixteen deep: same results, other speed.

/// The state before the first byte.
pub const START: u32 = !0;

/// CRC-32 of `bytes`, begun and finished: `crc::crc32(b"123456789") == 0xcbf4_3926`.
pub fn crc32(bytes: &[u8]) -> u32 {
    !update32(START, bytes)
}

/// CRC-16 (of X.25) of `bytes`: `crc::crc16(b"123456789") == 0x906e`.
pub fn crc16(bytes: &[u8]) -> u16 {
    !update16(START, bytes) as u16
}

/// The state of a CRC-32 after bytes and their check behind them, least significant byte first.
pub const RIGHT: u32 = 0xdebb_20e3;
/// The same of a CRC-16.
pub const RIGHT16: u32 = 0xf0b8;

const POLYNOMIAL: u32 = 0xedb8_8320;
const POLYNOMIAL16: u32 = 0x8408;

const fn shifted(mut crc: u32, bits: u32, polynomial: u32) -> u32 {
    let mut i = 0;
    while i < bits {
        crc = if crc & 1 != 0 { (crc >> 1) ^ polynomial } else { crc >> 1 };
        i += 1;
    }
    crc
}

/// The CRC-32 state after bytes that are known when a program is built.
pub(crate) const fn known(bytes: &[u8]) -> u32 {
    let (mut crc, mut i) = (START, 0);
    while i < bytes.len() {
        crc = shifted(crc ^ bytes[i] as u32, 8, POLYNOMIAL);
        i += 1;
    }
    crc
}

const fn nibbles(polynomial: u32) -> [u32; 16] {
    let mut table = [0; 16];
    let mut i = 0;
    while i < 16 {
        table[i] = shifted(i as u32, 4, polynomial);
        i += 1;
    }
    table
}

#[cfg(not(target_pointer_width = "64"))]
static NIBBLES: [u32; 16] = nibbles(POLYNOMIAL);
static NIBBLES16: [u32; 16] = nibbles(POLYNOMIAL16);

fn update(nibbles: &[u32; 16], mut crc: u32, bytes: &[u8]) -> u32 {
    for &byte in bytes {
        crc ^= u32::from(byte);
        crc = (crc >> 4) ^ nibbles[(crc & 15) as usize];
        crc = (crc >> 4) ^ nibbles[(crc & 15) as usize];
    }
    crc
}

/// Moves a CRC-32 state on over `bytes`.
pub fn update32(crc: u32, bytes: &[u8]) -> u32 {
    updated32(crc, bytes)
}

/// Whether the last four of these bytes are the CRC-32 of those before. (In line, as every record that is read is asked.)
#[inline(always)]
pub fn ends_right(bytes: &[u8]) -> bool {
    match bytes.split_last_chunk() {
        Some((bytes, check)) => !updated32(START, bytes) == u32::from_le_bytes(*check),
        None => false,
    }
}

#[cfg(not(target_pointer_width = "64"))]
#[inline(always)]
fn updated32(crc: u32, bytes: &[u8]) -> u32 {
    update(&NIBBLES, crc, bytes)
}

/// What a byte leaves that so many others follow.
#[cfg(target_pointer_width = "64")]
static SLICES: [[u32; 256]; 16] = {
    let mut table = [[0; 256]; 16];
    let mut i = 0;
    while i < 256 {
        let mut k = 0;
        while k < 16 {
            table[k][i] = shifted(i as u32, 8 + 8 * k as u32, POLYNOMIAL);
            k += 1;
        }
        i += 1;
    }
    table
};

/// Moves a CRC-32 state on over so many bytes, at least four and at most sixteen: each is looked up for itself.
#[cfg(target_pointer_width = "64")]
#[inline(always)]
fn slice<const N: usize>(crc: u32, bytes: &[u8; N]) -> u32 {
    let first = crc ^ u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    let mut next = SLICES[N - 1][(first & 255) as usize]
        ^ SLICES[N - 2][(first >> 8 & 255) as usize]
        ^ SLICES[N - 3][(first >> 16 & 255) as usize]
        ^ SLICES[N - 4][(first >> 24) as usize];
    for at in 4..N {
        next ^= SLICES[N - 1 - at][usize::from(bytes[at])];
    }
    next
}

#[cfg(target_pointer_width = "64")]
#[inline(always)]
fn updated32(mut crc: u32, mut bytes: &[u8]) -> u32 {
    while let Some((sixteen, behind)) = bytes.split_first_chunk::<16>() {
        (crc, bytes) = (slice(crc, sixteen), behind);
    }
    if let Some((eight, behind)) = bytes.split_first_chunk::<8>() {
        (crc, bytes) = match bytes.split_first_chunk::<12>() {
            Some((twelve, behind)) => (slice(crc, twelve), behind),
            None => (slice(crc, eight), behind),
        };
    } else if let Some((four, behind)) = bytes.split_first_chunk::<4>() {
        (crc, bytes) = (slice(crc, four), behind);
    }
    for &byte in bytes {
        crc = (crc >> 8) ^ SLICES[0][((crc ^ u32::from(byte)) & 255) as usize];
    }
    crc
}

/// Moves a CRC-16 state (its low 16 bits count) on over `bytes`.
pub fn update16(crc: u32, bytes: &[u8]) -> u32 {
    update(&NIBBLES16, crc & 0xffff, bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checks_of_the_catalogue() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(crc16(b"123456789"), 0x906e);
        assert_eq!(crc32(b""), 0);
        let text: Vec<u8> = (0..=255).cycle().take(1000).collect();
        for cut in (0..40).chain([500]) {
            let (a, b) = text.split_at(cut);
            assert_eq!(!update32(update32(START, a), b), crc32(&text));
            assert_eq!(!update16(update16(START, a), b) as u16, crc16(&text));
        }
    }

    /// Of every length and from every place, several bytes at a time give what one at a time does.
    #[test]
    fn pieces_are_as_good_as_bytes() {
        let text: Vec<u8> = (0..200u32).map(|i| (i * i * 31) as u8).collect();
        for from in 0..17 {
            let mut plain = START;
            for to in from..text.len() {
                assert_eq!(update32(START, &text[from..to]), plain);
                plain = shifted(plain ^ u32::from(text[to]), 8, POLYNOMIAL);
            }
        }
    }

    #[test]
    fn what_is_right_ends_in_one_state() {
        for text in [&b""[..], b"123456789"] {
            assert_eq!(update32(update32(START, text), &crc32(text).to_le_bytes()), RIGHT);
            assert!(ends_right(&[text, &crc32(text).to_le_bytes()].concat()));
            assert_eq!(update16(update16(START, text), &crc16(text).to_le_bytes()), RIGHT16);
        }
    }
}
