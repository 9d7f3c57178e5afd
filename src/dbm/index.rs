//! Finding keys: the list of the head page in memory, the indexes of sealed pages on flash, and the sealing of a page.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use core::cmp::Ordering;

use embedded_storage::nor_flash::NorFlash;

use super::format::{
    self, DIRECTORY, DIRECTORY_FROM, ENTRIES_MAX, FOOTER, Index, Kind, NO_TAIL, directory_range, footer, hash,
    pack_directory, read_bits, read32,
};
use super::log::WINDOW;
use super::record::Record;
use super::table::{DAMAGED, State, UNKNOWN};
use super::{Dbm, Fail, NO_PAGE, Res};
use crate::crc;

/// Most bytes of the beginning that all keys of the head page have in common, as far as it is kept.
pub(crate) const LEAD: usize = 16;

/// What is looked for besides a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Want {
    /// The newest record of the key.
    Newest,
    /// The newest one that the open batch did not write.
    Committed,
    /// The newest one that stands in the log before this place of it.
    Before(usize),
    /// The newest one of the open batch before this page and place, or else the newest that it did not write.
    AsOf(u16, u32),
    /// A part of a long value: the value's number and its own.
    Part(u32, u32),
}

impl Want {
    fn salt(self) -> u32 {
        match self {
            Want::Part(value, part) => value.wrapping_mul(0x85eb_ca6b) ^ part.wrapping_add(1),
            _ => 0,
        }
    }
}

impl<F: NorFlash> Dbm<'_, F> {
    /// The newest record that fits.
    pub(crate) fn find(&mut self, key: &[u8], want: Want) -> Res<Option<Record>> {
        let hash = hash(key, want.salt());
        let mut end = self.table.count();
        if let Want::Before(place) = want {
            end = place.min(end);
        }
        let mut committed = None;
        for place in (0..end).rev() {
            let page = self.table.order(place);
            let found =
                if page == self.head { self.find_listed(key, want)? } else { self.find_sealed(page, key, hash, want)? };
            let Some(record) = found else { continue };
            // What the batch itself wrote comes before what it did not, also where compaction moved the latter behind it.
            if !matches!(want, Want::AsOf(..)) || self.in_batch_now(&record) {
                return Ok(Some(record));
            }
            committed = committed.or(found);
        }
        Ok(committed)
    }

    /// Whether this very record is the one looked for; its key is known to be right.
    fn fits(&mut self, record: &Record, want: Want) -> Res<bool> {
        Ok(match want {
            Want::Part(value, part) => record.kind == Kind::Part && self.log.numbers(record)? == (value, part),
            _ if matches!(record.kind, Kind::Part | Kind::Commit) => false,
            Want::Committed => !self.in_batch_now(record),
            Want::AsOf(page, at) => !self.in_batch_now(record) || self.was_there(record, page, at),
            _ => true,
        })
    }

    /// Whether the open batch wrote a record.
    pub(crate) fn in_batch_now(&self, record: &Record) -> bool {
        self.batch.open
            && record.pending()
            && if record.page == self.batch.page {
                record.at() >= self.batch.at
            } else {
                record.page == self.head || self.table.state(record.page) == State::Open
            }
    }

    /// Looks in an index, or walks a page that has none.
    fn find_sealed(&mut self, page: u16, key: &[u8], hash: u32, want: Want) -> Res<Option<Record>> {
        self.load(page)?;
        if !self.table.state(page).indexed() {
            return self.find_walking(page, key, want);
        }
        let index = self.log.geometry.index(self.table.entries(page));
        let directory = if self.merge.active { self.directory(page)? } else { self.table.data(page) };
        let (from, to) = directory_range(index.entries, directory, hash >> 29);
        let finger = index.finger(hash);
        let width = index.rank_bits + index.finger_bits;
        let mut best: Option<Record> = None;
        // As many entries at once as the window shows.
        let mut i = from;
        while i < to {
            let bit = i * width;
            let last = self.log.geometry.page - 1;
            let at = index.hash_at + bit / 8;
            let ahead = ((to * width).div_ceil(8) - bit / 8).max(4).min(last - at);
            let bytes = self.log.view(page, at, ahead.min(4), ahead)?;
            let shown = (bytes.len() as u32 * 8 - bit % 8) / width;
            let mut matching = None;
            for k in 0..shown.min(to - i) {
                let entry = read_bits(bytes, bit % 8 + k * width, width);
                if entry >> index.rank_bits == finger {
                    matching = Some((i + k, entry & ((1 << index.rank_bits) - 1)));
                    break;
                }
            }
            let Some((place, rank)) = matching else {
                i += shown.min(to - i);
                continue;
            };
            i = place + 1;
            let record = self.ranked(page, &index, rank)?;
            if self.log.compare(&record, key)? != Ordering::Equal {
                // Another key with the same fingerprint, or a damaged offset: the index must have meant this record.
                self.log.trust(&record)?;
                if index.finger(self.hash_of(&record)?) != finger {
                    return Err(Fail::corrupt(page, at));
                }
                continue;
            }
            self.log.trust(&record)?;
            if self.fits(&record, want)? && !self.voided(&record)? && self.better(best, &record, want) {
                best = Some(record);
            }
        }
        Ok(best)
    }

    /// Whether the hash table of a page leads to a record.
    pub(crate) fn indexed_at(&mut self, record: &Record, rank: u32) -> Res<bool> {
        let hash = self.hash_of(record)?;
        let index = self.log.geometry.index(self.table.entries(record.page));
        let (from, to) = directory_range(index.entries, self.directory(record.page)?, hash >> 29);
        let width = index.rank_bits + index.finger_bits;
        for i in from..to {
            let (at, bit) = (index.hash_at + i * width / 8, i * width % 8);
            let entry = read_bits(self.log.view(record.page, at, 4, WINDOW as u32)?, bit, width);
            if entry == index.finger(hash) << index.rank_bits | rank {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The hash that a record's index entry has.
    pub(crate) fn hash_of(&mut self, record: &Record) -> Res<u32> {
        let mut key = [0; format::KEY_MAX];
        let salt = if record.kind == Kind::Part {
            let (value, part) = self.log.numbers(record)?;
            Want::Part(value, part).salt()
        } else {
            0
        };
        Ok(hash(self.log.key(record, &mut key)?, salt))
    }

    /// The record with a rank in key order.
    pub(crate) fn ranked(&mut self, page: u16, index: &Index, rank: u32) -> Res<Record> {
        let bit = rank * index.offset_bits;
        let at = index.offsets_at + bit / 8;
        let need = (bit % 8 + index.offset_bits).div_ceil(8);
        let bytes = self.log.view(page, at, need, need)?;
        let offset = read_bits(bytes, bit % 8, index.offset_bits) * self.log.geometry.word;
        let guess = self.guess;
        match self.log.head(page, offset, guess)? {
            Some(record) if rank < index.entries => Ok(record),
            _ => Err(Fail::corrupt(page, at)),
        }
    }

    /// Whether a record of a sealed page belongs to a batch that was given up.
    pub(crate) fn voided(&mut self, record: &Record) -> Res<bool> {
        if self.table.state(record.page) != State::Void || !record.pending() {
            return Ok(false);
        }
        let at = self.log.geometry.page - FOOTER;
        let foot = self.log.view(record.page, at, FOOTER, FOOTER)?;
        Ok(record.at() >= u32::from((read32(foot, footer::TAIL.start) & 0xffff) as u16))
    }

    /// Reads a page's footer if it has not been read yet, and verifies it and the hash table.
    pub(crate) fn load(&mut self, page: u16) -> Res<()> {
        if self.table.state(page) != State::Raw {
            return Ok(());
        }
        let size = self.log.geometry.page;
        self.table.set_live(page, UNKNOWN);
        // The hash table and the footer are most often shown by one window.
        let start = size - WINDOW as u32;
        let bytes = self.log.view(page, start, WINDOW as u32, WINDOW as u32)?;
        let foot = bytes.get(WINDOW - FOOTER as usize..).unwrap_or(&[]);
        let mut foot_copy = [0xff; FOOTER as usize];
        for (to, from) in foot_copy.iter_mut().zip(foot) {
            *to = *from;
        }
        let entries = foot.get(footer::ENTRIES).copied().unwrap_or(0);
        let tail = (read32(foot, footer::TAIL.start) & 0xffff) as u16;
        let mixed = foot.get(footer::MIXED) == Some(&1);
        let want = read32(foot, footer::INDEX_CHECK.start);
        let before = read32(bytes, WINDOW - (FOOTER + DIRECTORY) as usize);
        let mut state = State::Stale;
        if u32::from(entries) <= ENTRIES_MAX {
            let index = self.log.geometry.index(u32::from(entries));
            let found = self.log.check_over(page, index.hash_at, size - 4, crc::START)?;
            if index.offsets_at >= self.log.geometry.first() && !found == want {
                state = State::Sealed;
                if tail != NO_TAIL {
                    let at = self.fate_at(u32::from(entries));
                    // Any bit of it says that the batch was committed: only that ever writes it.
                    let len = self.log.geometry.align(4);
                    let fate = self.log.view(page, at, len, len)?;
                    if fate.iter().take(len as usize).all(|byte| *byte == 0xff) {
                        state = State::Void;
                    }
                }
            }
        }
        // Damage leaves a footer that knows the header's number; an interrupted erase leaves none, and a seal that was cut
        // off leaves half of one.
        let whole = entries != 0xff && want != u32::MAX;
        let sequence = read32(foot_copy.as_slice(), footer::SEQUENCE.start);
        if state == State::Stale {
            let geometry = self.log.geometry;
            let header = self.log.view(page, 0, format::HEADER, format::HEADER)?;
            let known = geometry.sequence(header).is_none_or(|number| number == sequence);
            self.table.set_entries(page, if known && whole { DAMAGED } else { 0 });
            self.table.set_state(page, state);
            return Ok(());
        }
        self.table.set_entries(page, u32::from(entries));
        let directory = if u32::from(entries) > DIRECTORY_FROM { before } else { format::NO_DIRECTORY };
        self.table.set_data(page, directory);
        self.table.set_state(page, state);
        self.table.set_mixed(page, mixed);
        Ok(())
    }

    /// The directory of a page, from the flash.
    pub(crate) fn directory(&mut self, page: u16) -> Res<u32> {
        if self.table.entries(page) <= DIRECTORY_FROM {
            return Ok(format::NO_DIRECTORY);
        }
        let at = self.log.geometry.page - FOOTER - DIRECTORY;
        Ok(read32(self.log.view(page, at, DIRECTORY, DIRECTORY)?, 0))
    }

    /// Where the fate of a batch stands in a page that was sealed in it.
    pub(crate) fn fate_at(&self, entries: u32) -> u32 {
        self.log.geometry.limit(entries, true)
    }

    /// Looks for a key in a page without index, record by record.
    fn find_walking(&mut self, page: u16, key: &[u8], want: Want) -> Res<Option<Record>> {
        let mut walk = self.walk(page);
        let mut best = None;
        while let Some(record) = self.walked(&mut walk)? {
            if self.log.compare(&record, key)? == Ordering::Equal
                && self.fits(&record, want)?
                && self.better(best, &record, want)
            {
                best = Some(record);
            }
        }
        self.walked_to_end(&walk)?;
        Ok(best)
    }

    /// Whether a record that fits is better than the best of its page so far.
    fn better(&self, best: Option<Record>, record: &Record, want: Want) -> bool {
        let Some(best) = best else { return true };
        match (want, self.in_batch_now(&best), self.in_batch_now(record)) {
            (Want::AsOf(..), true, false) => false,
            (Want::AsOf(..), false, true) => true,
            _ => best.at() < record.at(),
        }
    }

    // ---- the list of the head page ----

    /// Bits of the key in a list entry: what its two bytes after the lead leave room for.
    fn list_prefix(&self, key: &[u8]) -> u32 {
        let at = usize::from(self.lead_len);
        let two = [key.get(at).copied().unwrap_or(0), key.get(at + 1).copied().unwrap_or(0)];
        let bits = 24 - u32::from(self.log.geometry.offset_bits);
        u32::from(u16::from_be_bytes(two)) >> (16 - bits.min(16))
    }

    fn listed(&mut self, i: usize) -> Res<Record> {
        let bits = u32::from(self.log.geometry.offset_bits);
        let at = (self.table.list(i) & ((1 << bits) - 1)) * self.log.geometry.word;
        let (page, guess) = (self.head, self.guess);
        self.log.head(page, at, guess)?.ok_or(Fail::corrupt(page, at))
    }

    /// The record at a place of the list.
    pub(crate) fn listed_at(&mut self, i: usize) -> Res<Record> {
        self.listed(i)
    }

    /// Keys in the list; parts of long values stand after them.
    pub(crate) fn listed_keys(&self) -> usize {
        self.table.listed() - usize::from(self.parts)
    }

    /// The first place of the list whose key is not less than `key` (greater, if `after`).
    pub(crate) fn list_search(&mut self, key: &[u8], after: bool) -> Res<usize> {
        let keys = self.listed_keys();
        let lead = self.lead.get(..usize::from(self.lead_len)).unwrap_or(&[]);
        match key.get(..lead.len()).unwrap_or(key).cmp(lead) {
            Ordering::Less => return Ok(0),
            Ordering::Greater => return Ok(keys),
            Ordering::Equal => {}
        }
        let (bits, prefix) = (u32::from(self.log.geometry.offset_bits), self.list_prefix(key));
        let (mut low, mut high) = (0, keys);
        let guess = core::mem::replace(&mut self.guess, key.len() as u32 + 2);
        while low < high {
            let middle = (low + high) / 2;
            let less = match (self.table.list(middle) >> bits).cmp(&prefix) {
                Ordering::Less => true,
                Ordering::Greater => false,
                Ordering::Equal => {
                    let record = self.listed(middle)?;
                    match self.log.compare(&record, key)? {
                        Ordering::Less => true,
                        Ordering::Equal => after,
                        Ordering::Greater => false,
                    }
                }
            };
            if less {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        self.guess = guess;
        Ok(low)
    }

    fn find_listed(&mut self, key: &[u8], want: Want) -> Res<Option<Record>> {
        if let Want::Part(..) = want {
            for i in (self.listed_keys()..self.table.listed()).rev() {
                let record = self.listed(i)?;
                if self.log.compare(&record, key)? == Ordering::Equal && self.fits(&record, want)? {
                    self.log.trust(&record)?;
                    return Ok(Some(record));
                }
            }
            return Ok(None);
        }
        let mut i = self.list_search(key, true)?;
        let mut best = None;
        while i > 0 {
            i -= 1;
            let (bits, prefix) = (u32::from(self.log.geometry.offset_bits), self.list_prefix(key));
            if self.table.list(i) >> bits != prefix {
                break;
            }
            let record = self.listed(i)?;
            if self.log.compare(&record, key)? != Ordering::Equal {
                break;
            }
            if self.fits(&record, want)? && self.better(best, &record, want) {
                self.log.trust(&record)?;
                best = Some(record);
                if !matches!(want, Want::AsOf(..)) {
                    break;
                }
            }
        }
        Ok(best)
    }

    /// Lists a record that was just appended to the head page.
    pub(crate) fn list_record(&mut self, record: &Record, key: &[u8]) -> Res<()> {
        self.changes = self.changes.wrapping_add(1);
        let bits = u32::from(self.log.geometry.offset_bits);
        let offset = record.at() / self.log.geometry.word;
        if record.kind == Kind::Part {
            let end = self.table.listed();
            self.table.insert_list(end, offset);
            self.parts += 1;
            return Ok(());
        }
        self.shorten_lead(key)?;
        let entry = self.list_prefix(key) << bits | offset;
        let i = self.list_search(key, true)?;
        if i > 0 && self.table.list(i - 1) >> bits == entry >> bits {
            let guess = core::mem::replace(&mut self.guess, key.len() as u32 + 2);
            let before = self.listed(i - 1);
            self.guess = guess;
            let before = before?;
            if self.log.compare(&before, key)? == Ordering::Equal {
                // What a batch may go back to stays listed.
                if before.at() >= self.keep_before.max(self.pinned) && (!self.batch.open || self.in_batch_now(&before))
                {
                    self.table.set_list(i - 1, entry);
                    return Ok(());
                }
                self.twice = true;
            }
        }
        self.table.insert_list(i, entry);
        Ok(())
    }

    /// Makes the lead common to one more key.
    fn shorten_lead(&mut self, key: &[u8]) -> Res<()> {
        if self.listed_keys() == 0 {
            let len = key.len().min(LEAD);
            for (to, from) in self.lead.iter_mut().zip(key) {
                *to = *from;
            }
            self.lead_len = len as u8;
            return Ok(());
        }
        let lead = self.lead.get(..usize::from(self.lead_len)).unwrap_or(&[]);
        let common = lead.iter().zip(key).take_while(|(a, b)| a == b).count();
        if common < lead.len() {
            self.lead_len = common as u8;
            let bits = u32::from(self.log.geometry.offset_bits);
            for i in 0..self.listed_keys() {
                let record = self.listed(i)?;
                let mut two = [0; 2];
                let after = record.key_len().saturating_sub(common as u32).min(2);
                let at = record.key_at() + common as u32;
                self.log.copy(record.page, at, two.get_mut(..after as usize).unwrap_or(&mut []))?;
                let prefix = u32::from(u16::from_be_bytes(two)) >> (16 - (24 - bits).min(16));
                let offset = self.table.list(i) & ((1 << bits) - 1);
                self.table.set_list(i, prefix << bits | offset);
            }
        }
        Ok(())
    }

    /// Whether the head page takes one more record of `total` bytes.
    pub(crate) fn head_takes(&self, total: u32) -> bool {
        let entries = self.table.listed() as u32 + 1;
        self.head != NO_PAGE
            && entries <= ENTRIES_MAX
            && entries as usize <= self.table.room()
            && self.tail + total <= self.log.geometry.limit(entries, self.batch.open)
    }

    /// Programs the head page's index. Its records are authoritative before and after; the footer's last word makes the
    /// index so.
    pub(crate) fn seal(&mut self) -> Res<()> {
        let (page, geometry) = (self.head, self.log.geometry);
        if page == NO_PAGE {
            return Ok(());
        }
        let entries = self.table.listed() as u32;
        let index = geometry.index(entries);
        let (bits, mask) = (index.offset_bits, (1u32 << index.offset_bits) - 1);
        // From here on the page takes no more records, whatever happens.
        self.head = NO_PAGE;
        self.table.set_state(page, State::Stale);
        // The list's offsets give way to hashes, in the same order: so the offsets go first, up to the last word's worth
        // that the stage holds, and the hashes are read from the flash meanwhile.
        let ones = [0xff; 32];
        let mut gap = index.offsets_at - self.tail;
        let spare = index.offsets_at % geometry.word;
        gap -= spare;
        let mut check = self.log.page_check;
        while gap > 0 {
            let count = gap.min(32);
            check = crc::update32(check, ones.get(..count as usize).unwrap_or(&[]));
            gap -= count;
        }
        self.log.page_check = check;
        self.log.begin(page, index.offsets_at - spare)?;
        // The footer is programmed when all else stands: a footer that is right has an index that is whole.
        self.log.fence(page, (geometry.page - FOOTER) & !(geometry.word - 1));
        let zeros = [0; 32];
        self.log.push(zeros.get(..spare as usize).unwrap_or(&[]))?;
        let mut packer = Packer::default();
        let (mut live, mut key_len) = (0u32, u32::from(self.lead_len) + 2);
        for i in 0..entries as usize {
            let offset = self.table.list(i) & mask;
            let at = offset * geometry.word;
            let record = self.log.head(page, at, key_len + 2)?.ok_or(Fail::corrupt(page, at))?;
            key_len = record.key_len();
            live += units(&geometry, &record);
            let hash = self.hash_of(&record)?;
            self.table.set_list(i, hash >> 8);
            if let Some(byte) = packer.push(offset, bits) {
                self.log.push(&[byte])?;
            }
            while let Some(byte) = packer.pop() {
                self.log.push(&[byte])?;
            }
        }
        if let Some(byte) = packer.finish() {
            self.log.push(&[byte])?;
        }
        let page_check = !self.log.page_check;
        self.log.page_check = crc::START;
        let mut starts = [0u8; 8];
        let mut written = 0u8;
        for range in 0..8 {
            if let Some(start) = starts.get_mut(range as usize) {
                *start = written;
            }
            for i in 0..entries {
                let hash = self.table.list(i as usize) << 8;
                if hash >> 29 == range {
                    written = written.saturating_add(1);
                    let entry = index.finger(hash) << index.rank_bits | i;
                    if let Some(byte) = packer.push(entry, index.rank_bits + index.finger_bits) {
                        self.log.push(&[byte])?;
                    }
                    while let Some(byte) = packer.pop() {
                        self.log.push(&[byte])?;
                    }
                }
            }
        }
        if let Some(byte) = packer.finish() {
            self.log.push(&[byte])?;
        }
        let directory = if entries > DIRECTORY_FROM {
            let packed = pack_directory(entries, &starts);
            self.log.push(&packed.to_le_bytes())?;
            packed
        } else {
            format::NO_DIRECTORY
        };
        let batch = self.batch.open && self.batch.started;
        let tail = match batch {
            true if self.batch.page == page => self.batch.at as u16,
            true => geometry.first() as u16,
            false => NO_TAIL,
        };
        let [t0, t1] = tail.to_le_bytes();
        let [w0, w1, w2, _] = self.wear.to_le_bytes();
        let mixed = self.parts > 0 || self.twice;
        self.log.push(&[entries as u8, self.parts, t0, t1, w0, w1, w2, mixed as u8])?;
        self.log.push(&self.sequence.wrapping_sub(1).to_le_bytes())?;
        self.log.push(&page_check.to_le_bytes())?;
        let index_check = !self.log.page_check;
        self.log.push(&index_check.to_le_bytes())?;
        self.log.flush()?;
        self.table.set_entries(page, entries);
        self.table.set_live(page, live.min(254) as u8);
        self.table.set_data(page, directory);
        self.table.set_state(page, if batch { State::Open } else { State::Sealed });
        self.table.set_mixed(page, mixed);
        self.table.clear_list();
        self.twice = false;
        self.parts = 0;
        self.keep_before = 0;
        self.epoch = self.epoch.wrapping_add(1);
        Ok(())
    }
}

/// Size of a record in units of 1/256 page, as live bytes are counted.
pub(crate) fn units(geometry: &format::Geometry, record: &Record) -> u32 {
    ((record.total(geometry) + geometry.page / 512) * 256 / geometry.page).max(1)
}

/// Packs numbers into bytes, least significant bit first.
#[derive(Default)]
struct Packer {
    bits: u64,
    count: u32,
}

impl Packer {
    /// Adds a number; a byte, if one is full.
    fn push(&mut self, number: u32, width: u32) -> Option<u8> {
        self.bits |= u64::from(number) << self.count;
        self.count += width;
        self.pop()
    }
    fn pop(&mut self) -> Option<u8> {
        if self.count < 8 {
            return None;
        }
        let byte = self.bits as u8;
        self.bits >>= 8;
        self.count -= 8;
        Some(byte)
    }
    /// What is left, filled up with zeros.
    fn finish(&mut self) -> Option<u8> {
        let left = (self.count > 0).then_some(self.bits as u8);
        (self.bits, self.count) = (0, 0);
        left
    }
}
