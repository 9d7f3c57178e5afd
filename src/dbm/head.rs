//! The head page, to which records are appended: the list of its records in memory, in the order of their keys, and its seal.
//!
//! An entry of the list is the record's place and as many bits of its key as there is room for, after what all keys of the
//! page begin with: so most comparisons of a search need not read the flash.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use core::cmp::Ordering;

use embedded_storage::nor_flash::NorFlash;

use super::format::{self, DIRECTORY_FROM, ENTRIES_MAX, FOOTER, Kind, NO_TAIL, pack_directory};
use super::record::Record;
use super::table::State;
use super::{Dbm, Fail, NO_PAGE, Res};
use crate::crc;

/// Most bytes of the beginning that all keys of the head page have in common, as far as it is kept.
pub(crate) const LEAD: usize = 16;

impl<F: NorFlash> Dbm<'_, F> {
    /// Bits of a key in a list entry: of its two bytes after the lead as many as there is room for, above the place.
    fn list_bits(&self, two: [u8; 2]) -> u32 {
        let bits = u32::from(self.log.geometry.offset_bits);
        u32::from(u16::from_be_bytes(two)) << 8 >> bits << bits
    }

    fn list_prefix(&self, key: &[u8]) -> u32 {
        let mut bytes = key.iter().skip(self.lead_len.into()).copied();
        let first = bytes.next().unwrap_or(0);
        self.list_bits([first, bytes.next().unwrap_or(0)])
    }

    /// The place that an entry of the list tells, in words.
    fn list_place(&self, entry: u32) -> u32 {
        entry & ((1 << self.log.geometry.offset_bits) - 1)
    }

    /// The record at a place of the list.
    #[inline(never)]
    pub(crate) fn listed_at(&mut self, i: usize) -> Res<Record> {
        let at = self.list_place(self.table.list(i)) * self.log.geometry.word;
        let (page, guess) = (self.head, self.guess);
        self.log.head(page, at, guess)?.ok_or(Fail::corrupt(page, at))
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
            Ordering::Less => Ok(0),
            Ordering::Greater => Ok(keys),
            Ordering::Equal => self.list_within(key, self.list_prefix(key), 0, keys, after),
        }
    }

    /// The same among parts of long values.
    fn search_parts(&mut self, name: &[u8]) -> Res<usize> {
        self.list_within(name, 0, self.listed_keys(), self.table.listed(), false)
    }

    fn list_within(&mut self, name: &[u8], prefix: u32, mut low: usize, mut high: usize, after: bool) -> Res<usize> {
        let guess = core::mem::replace(&mut self.guess, name.len() as u32 + 4);
        while low < high {
            let middle = (low + high) / 2;
            let entry = self.table.list(middle);
            let mut order = (entry - self.list_place(entry)).cmp(&prefix);
            if order == Ordering::Equal {
                let record = self.listed_at(middle)?;
                order = self.log.compare(&record, name)?;
            }
            if order == Ordering::Less || after && order == Ordering::Equal {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        self.guess = guess;
        Ok(low)
    }

    pub(crate) fn find_listed(&mut self, name: &[u8], part: bool) -> Res<Option<Record>> {
        let i = if part { self.search_parts(name)? } else { self.list_search(name, false)? };
        let Some(record) = self.listed_as(i, name, part)? else { return Ok(None) };
        self.log.trust(&record)?;
        Ok(Some(record))
    }

    /// The record at a place of the list, if it has this name.
    fn listed_as(&mut self, i: usize, name: &[u8], part: bool) -> Res<Option<Record>> {
        let entry = self.table.list(i);
        if i >= self.table.listed() || !part && entry - self.list_place(entry) != self.list_prefix(name) {
            return Ok(None);
        }
        let record = self.listed_at(i)?;
        Ok(self.log.named(&record, name, part)?.then_some(record))
    }

    /// Lists a record that was just appended to the head page; `key` is its key.
    pub(crate) fn list_record(&mut self, record: &Record, key: &[u8]) -> Res<()> {
        self.changes = self.changes.wrapping_add(1);
        self.doubtful |= record.kind == Kind::Deleted;
        let mut entry = record.at() / self.log.geometry.word;
        if record.kind == Kind::Part {
            let name = self.log.numbers(record)?;
            let i = self.search_parts(&name)?;
            self.table.insert_list(i, entry);
            self.parts += 1;
            return Ok(());
        }
        self.shorten_lead(key)?;
        entry |= self.list_prefix(key);
        let i = self.list_search(key, false)?;
        if self.listed_as(i, key, false)?.is_some() {
            self.table.set_list(i, entry);
        } else {
            self.table.insert_list(i, entry);
        }
        Ok(())
    }

    /// Makes the lead common to one more key.
    fn shorten_lead(&mut self, key: &[u8]) -> Res<()> {
        let keys = self.listed_keys();
        if keys == 0 {
            self.lead_len = key.len().min(LEAD) as u8;
            self.lead.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
            return Ok(());
        }
        let lead = self.lead.get(..usize::from(self.lead_len)).unwrap_or(&[]);
        let common = lead.iter().zip(key).take_while(|(a, b)| a == b).count();
        if common == lead.len() {
            return Ok(());
        }
        self.lead_len = common as u8;
        for i in 0..keys {
            let record = self.listed_at(i)?;
            let mut two = [0; 2];
            let after = record.key_len().saturating_sub(common as u32).min(2) as usize;
            self.log.copy(record.page, record.key_at() + common as u32, two.get_mut(..after).unwrap_or(&mut []))?;
            let entry = self.list_bits(two) | self.list_place(self.table.list(i));
            self.table.set_list(i, entry);
        }
        Ok(())
    }

    /// Empties the list.
    pub(crate) fn clear_list(&mut self) {
        self.table.clear_list();
        self.parts = 0;
        self.changes = self.changes.wrapping_add(1);
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
        let (entries, parts) = (self.table.listed() as u32, self.parts);
        let index = geometry.index(entries);
        // From here on the page takes no more records, whatever happens.
        self.head = NO_PAGE;
        self.table.set_state(page, State::Stale);
        // The list's places give way to hashes, in the same order: so the places go first, up to the last word's worth
        // that the stage holds, and the hashes are read from the flash meanwhile.
        let spare = index.offsets_at % geometry.word;
        let start = index.offsets_at - spare;
        for _ in self.tail..start {
            self.log.page_check = crc::update32(self.log.page_check, &[0xff]);
        }
        self.log.begin(page, start)?;
        // The footer is programmed when all else stands: a footer that is right has an index that is whole.
        self.log.fence(page, (geometry.page - FOOTER) & !(geometry.word - 1));
        for _ in 0..spare {
            self.log.push(&[0])?;
        }
        let (mut live, mut key_len) = (0u32, u32::from(self.lead_len) + 2);
        for i in 0..entries as usize {
            let place = self.list_place(self.table.list(i));
            let at = place * geometry.word;
            let record = self.log.head(page, at, key_len + 2)?.ok_or(Fail::corrupt(page, at))?;
            key_len = record.key_len();
            live += record.total(&geometry);
            let hash = self.log.hash(&record)?;
            self.table.set_list(i, hash >> 8);
            self.log.pack(place, index.offset_bits)?;
        }
        self.log.end_pack()?;
        let page_check = !self.log.page_check;
        self.log.page_check = crc::START;
        let (mut starts, mut written) = ([0u8; 8], 0u8);
        for (eighth, start) in starts.iter_mut().enumerate() {
            *start = written;
            for i in 0..entries {
                let hash = self.table.list(i as usize) << 8;
                if hash >> 29 == eighth as u32 {
                    written = written.wrapping_add(1);
                    self.log.pack(index.finger(hash) << index.rank_bits | i, index.rank_bits + index.finger_bits)?;
                }
            }
        }
        self.log.end_pack()?;
        let mut directory = format::NO_DIRECTORY;
        if entries > DIRECTORY_FROM {
            directory = pack_directory(entries, &starts);
            self.log.push(&directory.to_le_bytes())?;
        }
        let batch = self.batch.open && self.batch.started;
        let tail = match batch {
            true if self.batch.page == page => self.batch.at,
            true => geometry.first(),
            false => u32::from(NO_TAIL),
        };
        let parts_too = u32::from(parts > 0) << 24;
        for word in [
            tail << 16 | u32::from(parts) << 8 | entries,
            self.wear & 0x00ff_ffff | parts_too,
            self.sequence.wrapping_sub(1),
            page_check,
        ] {
            self.log.push(&word.to_le_bytes())?;
        }
        let index_check = !self.log.page_check;
        self.log.push(&index_check.to_le_bytes())?;
        self.log.flush()?;
        self.table.set_entries(page, entries);
        self.table.set_data(page, directory);
        self.table.set_state(page, if batch { State::Open } else { State::Sealed });
        self.table.set_parts(page, parts > 0);
        self.set_dead(page, live, entries);
        self.clear_list();
        self.epoch = self.epoch.wrapping_add(1);
        Ok(())
    }
}
