//! The format in code, without I/O: geometry, page header, records, the index and the footer of a sealed page.
//! Every number here stands in FORMAT.md.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use core::marker::PhantomData;

use embedded_storage::nor_flash::NorFlash;

use crate::crc;

use super::{Error, linked};

/// Version of the format, part of every header check.
pub(crate) const VERSION: u8 = 1;
/// Longest key in bytes.
pub(crate) const KEY_MAX: usize = 255;
/// Most bytes in a page.
pub(crate) const PAGE_MAX: u32 = 4096;
/// And least: a sector that has no parts of this size at least is not served.
const PAGE_MIN: usize = 256;
/// Most records an index lists.
pub(crate) const ENTRIES_MAX: u32 = 254;
/// Largest store in bytes.
pub(crate) const REGION_MAX: u32 = 16 << 20;

/// Page header: sequence number, check.
pub(crate) const HEADER: u32 = 8;
/// Footer of a sealed page, without directory.
pub(crate) const FOOTER: u32 = 20;
/// The directory, which stands before the footer when the index has more than [`DIRECTORY_FROM`] entries.
pub(crate) const DIRECTORY: u32 = 4;
/// The most entries an index without directory has.
pub(crate) const DIRECTORY_FROM: u32 = 24;

pub(crate) mod footer {
    //! What the footer's words hold, by their distance from the end of the page.

    /// Entries of the index (1 byte); how many of them, the last in key order, are parts of long values (1); where a batch
    /// begins that was open when the page was sealed (2).
    pub(crate) const COUNTS: u32 = 20;
    /// Erases of the page's sector, modulo 2^24 (3); whether there are parts (1).
    pub(crate) const WEAR: u32 = 16;
    /// The header's sequence number again.
    pub(crate) const SEQUENCE: u32 = 12;
    /// CRC-32 of the page up to the hash table.
    pub(crate) const CHECK: u32 = 8;
    /// CRC-32 from the hash table up to here: the page's last word.
    pub(crate) const INDEX_CHECK: u32 = 4;
}

/// No batch was open when the page was sealed.
pub(crate) const NO_TAIL: u16 = 0xffff;

pub(crate) mod tag {
    //! First byte of a record: bit 7 says that it belongs to a batch, the rest is a length or one of these.
    /// In a batch: counts only when a commit follows.
    pub(crate) const PENDING: u8 = 0x80;
    /// The longest value whose length is the tag itself.
    pub(crate) const SHORT_MAX: u8 = 111;
    /// A length of two bytes follows.
    pub(crate) const VALUE: u8 = 112;
    /// The key is deleted; no value.
    pub(crate) const DELETED: u8 = 113;
    /// The batch that began at the place in the "key" is committed.
    pub(crate) const COMMIT: u8 = 114;
    /// Part of a long value; a length of two bytes follows; the value starts with its value's number and its own.
    pub(crate) const PART: u8 = 115;
    /// A long value: its number and its length.
    pub(crate) const LONG: u8 = 116;
    /// The key is deleted, told by a copy: nothing older of the key stands in its page.
    pub(crate) const DELETED_BEFORE: u8 = 117;
}

/// What a driver's constants say of the format on its part. They are known when a program is built, so each part of the store
/// is built for them: with pages as large as sectors, say, nothing is left of what goes through the pages of one.
pub(crate) trait Layout: NorFlash {
    /// Bytes in a word.
    const WORD: u32 = Self::WRITE_SIZE as u32;
    /// Pages in a sector.
    const PER_SECTOR: u32 = parts(Self::ERASE_SIZE, Self::WRITE_SIZE);
    /// Bytes in a page: the largest equal part of a sector that is at most [`PAGE_MAX`] and a whole number of words.
    const PAGE: u32 = Self::ERASE_SIZE as u32 / Self::PER_SECTOR;
    /// Where the first record of a page stands.
    const FIRST: u32 = HEADER.next_multiple_of(whole(Self::WORD));
    /// Bits of an offset in words.
    const OFFSET_BITS: u32 = bits_for(Self::PAGE.div_ceil(whole(Self::WORD)));
    /// Bits of an offset in a word.
    const WORD_BITS: u32 = bits_for(Self::WORD);
    /// Bytes of a long value in each of its parts but the last.
    const PART: u32 = Self::PAGE / 4 - Self::PAGE / 64;

    /// The state of a header's check after the seed, which are the version, the kind of checks and the geometry: so none of them is
    /// mistaken.
    const SEED: u32 = seed::<Self>(0);
    /// The same with 16-bit checks.
    const SEED16: u32 = seed::<Self>(1);

    /// `n` rounded up to whole words.
    fn align(n: u32) -> u32 {
        (n + Self::WORD - 1) & !(Self::WORD - 1)
    }
}

impl<F: NorFlash> Layout for F {}

const fn seed<F: Layout + ?Sized>(compact: u8) -> u32 {
    let [p0, p1, p2, _] = F::PAGE.to_le_bytes();
    crc::known(&[b'l', b'a', b'r', b'd', VERSION, compact, F::WORD as u8, p0, p1, p2, F::PER_SECTOR as u8])
}

/// So that a part that is no use is refused when a store is opened on it, not when a program is built.
const fn whole(word: u32) -> u32 {
    if word == 0 { 1 } else { word }
}

/// Into how many pages a sector is divided.
pub(crate) const fn parts(sector: usize, word: usize) -> u32 {
    let mut parts = sector.div_ceil(PAGE_MAX as usize);
    while sector / whole(parts as u32) as usize >= PAGE_MIN
        && !(sector.is_multiple_of(parts) && (sector / parts).is_multiple_of(word))
    {
        parts += 1;
    }
    whole(parts as u32)
}

/// What is known of the geometry when a store is opened on a part, beyond its [`Layout`].
pub(crate) struct Geometry<F> {
    /// Pages in the store.
    pub(crate) pages: u32,
    /// Records carry 16-bit checks, in a program that has them.
    compact: bool,
    /// Bits of a fingerprint in a large index.
    finger_bits: u8,
    part: PhantomData<fn() -> F>,
}

impl<F> Clone for Geometry<F> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<F> Copy for Geometry<F> {}

/// The least number of bits that hold 0 up to `n - 1`.
pub(crate) const fn bits_for(n: u32) -> u32 {
    if n <= 1 { 0 } else { 32 - (n - 1).leading_zeros() }
}

impl<F: NorFlash> Geometry<F> {
    pub(crate) const NONE: Self = Geometry { pages: 0, compact: false, finger_bits: 0, part: PhantomData };

    pub(crate) fn new(capacity: usize, compact: bool) -> Result<Self, Error> {
        // (As comparisons, these are done when a program is built.)
        let (sector, word, read) = (F::ERASE_SIZE, F::WRITE_SIZE, F::READ_SIZE);
        if word > 32 || !word.is_power_of_two() {
            return Err(Error::WordSize { found: word as u32 });
        }
        let divisible =
            F::PAGE * F::PER_SECTOR == sector as u32 && F::PAGE % F::WORD == 0 && F::PAGE >= PAGE_MIN as u32;
        if sector != sector.clamp(512, 128 << 10)
            || !divisible
            || !read.is_power_of_two()
            || read > 32
            || F::PAGE % read as u32 != 0
        {
            return Err(Error::SectorSize { found: sector as u32 });
        }
        let sectors = (capacity / sector) as u32;
        if sectors < 2 || capacity > REGION_MAX as usize {
            return Err(Error::RegionSize { found: capacity as u32 });
        }
        let pages = sectors * F::PER_SECTOR;
        // With the three bits above it and an offset, it fits in a list entry.
        let finger_bits = (bits_for(pages) + 1).clamp(5, 10).min(21 - F::OFFSET_BITS) as u8;
        Ok(Geometry { pages, compact, finger_bits, part: PhantomData })
    }

    /// Whether records carry 16-bit checks.
    pub(crate) fn compact(&self) -> bool {
        linked::COMPACT.is() && self.compact
    }

    /// The same, with the other kind of check.
    pub(crate) fn other(self) -> Self {
        Geometry { compact: !self.compact, ..self }
    }

    /// Bytes of a record's check.
    pub(crate) fn check(&self) -> u32 {
        if self.compact() { 2 } else { 4 }
    }

    /// The check in the header of a page whose header begins with this word (a sequence number, big-endian).
    #[inline(never)]
    pub(crate) fn header(&self, word: u32) -> u32 {
        let seeded = if self.compact() { F::SEED16 } else { F::SEED };
        !crc::update32(seeded, &word.to_le_bytes())
    }

    /// The index of `entries` records.
    #[cfg_attr(not(fast), inline(never))]
    pub(crate) fn index(&self, entries: u32) -> Index {
        let rank_bits = bits_for(entries);
        let small = entries <= DIRECTORY_FROM;
        let finger_bits = if small { 5 } else { self.finger_bits.into() };
        let hashes = (entries * (rank_bits + finger_bits)).div_ceil(8);
        let directory = if small { 0 } else { DIRECTORY };
        let hash_at = F::PAGE.saturating_sub(FOOTER + directory + hashes);
        let offsets_at = hash_at.saturating_sub((entries * F::OFFSET_BITS).div_ceil(8));
        Index { entries, rank_bits, finger_bits, offsets_at, hash_at }
    }

    /// Where records must end so that an index of `entries` fits, with room for the fate of a batch if asked.
    #[cfg_attr(not(fast), inline(never))]
    pub(crate) fn limit(&self, entries: u32, batch: bool) -> u32 {
        let at = self.index(entries).offsets_at & !(F::WORD - 1);
        if batch { at.saturating_sub(F::align(4)) } else { at }
    }

    /// The largest record that a page takes.
    pub(crate) fn record_max(&self) -> u32 {
        self.limit(1, true) - F::FIRST
    }
}

/// Where the parts of an index stand.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Index {
    pub(crate) entries: u32,
    pub(crate) rank_bits: u32,
    pub(crate) finger_bits: u32,
    /// Offsets of the records in words, in key order.
    pub(crate) offsets_at: u32,
    /// Ranks and fingerprints, in the order of the top three bits of the hash.
    pub(crate) hash_at: u32,
}

impl Index {
    /// Fingerprint of a hash: the bits after the top three.
    pub(crate) const fn finger(&self, hash: u32) -> u32 {
        (hash << 3) >> (32 - self.finger_bits)
    }
}

/// Bits of the distance between a directory's steps.
const fn directory_step(entries: u32) -> u32 {
    (entries > 32) as u32 + (entries > 128) as u32
}

/// A directory that says nothing: read the whole hash table.
pub(crate) const NO_DIRECTORY: u32 = 0x0fff_ffff;

/// The directory of so many entries while it is made, which begins as 0: one more eighth, the next one, starts at a hash. When
/// all eight are in, it is that shifted right by four bits, or [`NO_DIRECTORY`] if one did not fit.
///
/// Seven nibbles: each the distance of a start from an even spread, in steps, plus 8.
pub(crate) fn add_eighth(directory: &mut u32, fits: &mut bool, entries: u32, eighth: u32, start: u32) {
    let step = directory_step(entries);
    let off = (start + (8 << step)).wrapping_sub(entries * eighth / 8) >> step;
    *fits &= off < 16;
    *directory = *directory >> 4 | off << 28;
}

/// The entries that may hold hashes of an eighth: the first and one past the last.
pub(crate) fn directory_range(entries: u32, packed: u32, eighth: u32) -> (u32, u32) {
    if entries <= DIRECTORY_FROM || packed == NO_DIRECTORY {
        return (0, entries);
    }
    let to = (eighth_start(entries, packed, eighth + 1) + (1 << directory_step(entries)) - 1).min(entries);
    (eighth_start(entries, packed, eighth).min(to), to)
}

/// Where an eighth starts by a directory, or up to a step later.
#[cfg_attr(not(fast), inline(never))]
fn eighth_start(entries: u32, packed: u32, eighth: u32) -> u32 {
    let step = directory_step(entries);
    // As above, with an eighth before the first and one behind the last that start where they must.
    let off = (packed << 4 | 8).rotate_right(4 * eighth) & 15;
    (entries * eighth / 8 + (off << step)).saturating_sub(8 << step)
}

/// Most bytes of a record's head.
pub(crate) const HEAD_MAX: u32 = 4;

/// What a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    // In the order of their tags, from `tag::VALUE` on.
    Value,
    Deleted,
    Commit,
    Part,
    Long,
}

/// Bytes of a long value's record, and of the start of each of its parts: a number and a length, or two numbers.
pub(crate) const LONG_HEAD: u32 = 8;

pub(crate) mod check {
    //! The check of a record, over everything before it. The state before the first byte is [`crc::START`].
    use crate::crc;

    /// The state after more bytes.
    #[inline(always)]
    pub(crate) fn more(compact: bool, state: u32, bytes: &[u8]) -> u32 {
        if compact { crc::update16(state, bytes) } else { crc::update32(state, bytes) }
    }

    /// Whether the last of what was checked was its check, and right.
    pub(crate) fn right(compact: bool, state: u32) -> bool {
        state == if compact { crc::RIGHT16 } else { crc::RIGHT }
    }

    /// Whether the last of these bytes are the check of those before.
    #[cfg_attr(fast, inline(always))]
    pub(crate) fn is_right(compact: bool, bytes: &[u8]) -> bool {
        if cfg!(fast) && !compact {
            return crc::ends_right(bytes);
        }
        right(compact, more(compact, crc::START, bytes))
    }
}

/// Hash of a name: FNV-1a, its bits mixed so that the top ones depend on all. Parts of long values start elsewhere.
pub(crate) struct Hash(u32);

impl Hash {
    pub(crate) fn new(part: bool) -> Hash {
        Hash(if part { 0x1f2b_e474 } else { 0x811c_9dc5 })
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u32::from(byte)).wrapping_mul(0x0100_0193);
        }
    }

    pub(crate) fn end(&self) -> u32 {
        let mut hash = self.0;
        hash ^= hash >> 15;
        hash = hash.wrapping_mul(0x2c1b_3c6d);
        hash ^= hash >> 13;
        hash.wrapping_mul(0x297a_2d39)
    }
}

/// The hash of a whole name.
pub(crate) fn hash(name: &[u8], part: bool) -> u32 {
    let mut hash = Hash::new(part);
    hash.update(name);
    hash.end()
}

/// What a record is found by: a key, or the two numbers of a part of a long value.
pub(crate) struct Name<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) part: bool,
    pub(crate) hash: u32,
}

impl<'a> Name<'a> {
    #[inline(never)]
    pub(crate) fn new(bytes: &'a [u8], part: bool) -> Self {
        Name { bytes, part, hash: hash(bytes, part) }
    }

    pub(crate) fn key(bytes: &'a [u8]) -> Self {
        Name::new(bytes, false)
    }
}

/// Four bytes at `at`; what is missing counts as ones.
pub(crate) fn read32(bytes: &[u8], at: usize) -> u32 {
    match bytes.get(at..).and_then(|rest| rest.first_chunk()) {
        Some(four) => u32::from_le_bytes(*four),
        None => u32::MAX,
    }
}

/// `width` bits (at most 25) from bit `at` on, least significant first.
pub(crate) fn read_bits(bytes: &[u8], at: u32, width: u32) -> u32 {
    let first = (at / 8) as usize;
    let mut word = [0; 4];
    for (to, from) in word.iter_mut().zip(bytes.iter().skip(first)) {
        *to = *from;
    }
    u32::from_le_bytes(word) >> (at % 8) & ((1 << width) - 1)
}

#[cfg(test)]
#[allow(clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn directories_cover_every_entry() {
        let mut random = 1u32;
        for entries in 25..=254 {
            let mut counts = [0u8; 8];
            for _ in 0..entries {
                random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                counts[(random >> 29) as usize] += 1;
            }
            let mut starts = [0u8; 8];
            for i in 1..8 {
                starts[i] = starts[i - 1] + counts[i - 1];
            }
            let (mut packed, mut fits) = (0, true);
            for (eighth, start) in starts.into_iter().enumerate() {
                add_eighth(&mut packed, &mut fits, entries, eighth as u32, start.into());
            }
            let packed = if fits { packed >> 4 } else { NO_DIRECTORY };
            for range in 0..8 {
                let (from, to) = directory_range(entries, packed, range as u32);
                assert!(from <= u32::from(starts[range]));
                assert!(to >= u32::from(starts[range]) + u32::from(counts[range]));
            }
        }
    }
}
