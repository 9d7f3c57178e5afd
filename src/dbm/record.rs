//! Single records: found, compared, verified, copied out, appended.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use core::cmp::Ordering;

use embedded_storage::nor_flash::NorFlash;

use super::Fail;
use super::format::{Geometry, HEAD_MAX, Hash, KEY_MAX, Kind, LONG_HEAD, Layout, Name, check, tag};
use super::log::{Log, WINDOW};
use crate::crc;

/// Where a record stands: a page and an offset in it, in one register. No record is [`Spot::NONE`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Spot(u32);

impl Spot {
    pub(crate) const NONE: Spot = Spot(0);
    /// Whether there is a record is not known.
    pub(crate) const UNKNOWN: Spot = Spot(u32::MAX);

    /// (No record stands at the very start of a page.)
    pub(crate) fn new(page: u16, at: u32) -> Spot {
        Spot(u32::from(page) << 16 | at)
    }

    pub(crate) fn page(self) -> u16 {
        (self.0 >> 16) as u16
    }

    pub(crate) fn at(self) -> u32 {
        self.0 & 0xffff
    }

    /// Whether there is a record.
    pub(crate) fn is_some(self) -> bool {
        self.0 != 0
    }
}

/// A record and where it stands.
// The place is a `Spot` as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C, align(4))]
pub(crate) struct Record {
    /// Offset in the page.
    at: u16,
    pub(crate) page: u16,
    /// Bytes of the value, and the two bits below.
    value: u16,
    key: u8,
    pub(crate) kind: Kind,
}

/// The name of a part: the number of the long value, that of the part, the length of the key.
pub(crate) fn part_name(number: u32, part: u32, key: u32) -> [u8; LONG_HEAD as usize] {
    two_words(number, part | key << 24)
}

pub(crate) fn two_words(first: u32, second: u32) -> [u8; LONG_HEAD as usize] {
    (u64::from(second) << 32 | u64::from(first)).to_le_bytes()
}

/// Bytes of a key that are kept of the record that came last.
const LAST: usize = 16;

/// The record that came last, and its key if that is short: keys often come in order, and then nothing is read to see that they do. (Of use
/// where code is fast: where it is to be small, the list is sorted for the seal alone.)
pub(crate) struct Last {
    spot: Spot,
    len: u8,
    key: [u8; LAST],
}

impl Last {
    /// None came.
    pub(crate) const NONE: Last = Last { spot: Spot::NONE, len: 0, key: [0; LAST] };

    /// This one came, which has this key.
    pub(crate) fn put(&mut self, record: &Record, key: &[u8]) {
        let short = record.kind != Kind::Part && key.len() <= LAST;
        (self.spot, self.len) = (if short { record.spot() } else { Spot::NONE }, key.len() as u8);
        self.key.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
    }

    /// Whether it stands there, and comes before this key.
    pub(crate) fn is_before(&self, spot: Spot, key: &[u8]) -> bool {
        self.spot == spot && self.key.get(..self.len.into()).is_some_and(|last| last < key)
    }
}

/// Beside a value's length: the record belongs to a batch.
const PENDING: u16 = 0x8000;
/// Beside a tombstone's: it is a copy, and nothing older of its key stands in its page.
const BEFORE: u16 = 0x4000;

impl Record {
    pub(crate) const NONE: Record = Record { at: 0, page: 0, value: 0, key: 0, kind: Kind::Value };

    /// One that stands nowhere yet. Lengths are within the format's limits.
    pub(crate) fn new(kind: Kind, pending: bool, key: usize, value: u32) -> Record {
        let value = value as u16 | if pending { PENDING } else { 0 };
        Record { at: 0, page: 0, value, key: key as u8, kind }
    }

    /// The same at another place.
    pub(crate) fn placed(self, page: u16, at: u32) -> Record {
        Record { at: at as u16, page, ..self }
    }

    /// The same, belonging to a batch or not.
    pub(crate) fn with_pending(self, pending: bool) -> Record {
        Record { value: self.value & !PENDING | if pending { PENDING } else { 0 }, ..self }
    }

    /// The same as a copy is that compaction makes of what does not belong to a batch.
    pub(crate) fn settled(self) -> Record {
        Record { value: self.value & !PENDING | BEFORE, ..self }
    }

    /// Whether it hides nothing in its page, if it is a tombstone.
    pub(crate) fn is_settled(&self) -> bool {
        self.value & BEFORE != 0
    }

    /// The same, as if it were a tombstone.
    pub(crate) fn as_deleted(self) -> Record {
        Record { kind: Kind::Deleted, value: self.value & (PENDING | BEFORE), ..self }
    }

    pub(crate) fn at(&self) -> u32 {
        self.at.into()
    }

    pub(crate) fn spot(&self) -> Spot {
        Spot::new(self.page, self.at())
    }

    pub(crate) fn pending(&self) -> bool {
        self.value & PENDING != 0
    }

    /// Whether it is the same record: at the same place.
    pub(crate) fn is(&self, other: &Record) -> bool {
        (self.page, self.at()) == (other.page, other.at())
    }

    /// Bytes of the key. (The "key" of a part of a long value is its name: [`part_name`].)
    pub(crate) fn key_len(&self) -> u32 {
        self.key.into()
    }

    /// Bytes of the value.
    pub(crate) fn value_len(&self) -> u32 {
        u32::from(self.value & !(PENDING | BEFORE))
    }

    /// Bytes before the key.
    pub(crate) fn head_len(&self) -> u32 {
        if self.kind == Kind::Part || self.kind == Kind::Value && self.value_len() > u32::from(tag::SHORT_MAX) {
            4
        } else {
            2
        }
    }

    pub(crate) fn key_at(&self) -> u32 {
        self.at() + self.head_len()
    }

    pub(crate) fn value_at(&self) -> u32 {
        self.key_at() + self.key_len()
    }

    /// Bytes of the whole record: head, key, value, ones up to where the check ends on a word, check.
    #[cfg_attr(not(fast), inline(never))]
    #[cfg_attr(fast, inline)]
    pub(crate) fn total<F: NorFlash>(&self, geometry: &Geometry<F>) -> u32 {
        F::align(self.head_len() + self.key_len() + self.value_len() + geometry.check())
    }

    /// The head's bytes, of which [`head_len`](Self::head_len) count.
    pub(crate) fn head_bytes(&self) -> [u8; HEAD_MAX as usize] {
        let [low, high, ..] = self.value_len().to_le_bytes();
        let tag = match self.kind {
            Kind::Value if self.head_len() == 2 => low,
            Kind::Deleted if self.is_settled() => tag::DELETED_BEFORE,
            kind => tag::VALUE + kind as u8,
        };
        [tag | if self.pending() { tag::PENDING } else { 0 }, self.key, low, high]
    }

    /// The record at a place that begins with this word; none where none begins.
    pub(crate) fn parse(spot: Spot, word: u32) -> Option<Record> {
        let tag = word as u8 & !tag::PENDING;
        let mut flags = if word as u8 & tag::PENDING != 0 { PENDING } else { 0 };
        let (mut kind, mut value) = (Kind::Value, u16::from(tag));
        if tag >= tag::VALUE {
            let least;
            (kind, value, least) = match tag {
                tag::VALUE => (Kind::Value, (word >> 16) as u16, u16::from(tag::SHORT_MAX) + 1),
                tag::PART => (Kind::Part, (word >> 16) as u16, 0),
                tag::LONG => (Kind::Long, LONG_HEAD as u16, 0),
                tag::COMMIT => (Kind::Commit, 0, 0),
                tag::DELETED => (Kind::Deleted, 0, 0),
                tag::DELETED_BEFORE => {
                    flags |= BEFORE;
                    (Kind::Deleted, 0, 0)
                }
                _ => return None,
            };
            if value < least || value & (PENDING | BEFORE) != 0 {
                return None;
            }
        }
        Some(Record { at: spot.at() as u16, page: spot.page(), value: value | flags, key: (word >> 8) as u8, kind })
    }
}

impl<F: NorFlash> Log<F> {
    /// Looks at the record at a place: its head is in `cur` then. Whether one begins there. `guess` bytes are read.
    #[cfg_attr(fast, inline(always))]
    pub(crate) fn look(&mut self, spot: Spot, guess: u32) -> bool {
        let size = F::PAGE;
        if spot.at() + HEAD_MAX > size {
            return false;
        }
        let word = self.word(spot.page(), spot.at(), guess);
        let Some(record) = Record::parse(spot, word) else { return false };
        self.cur = record;
        spot.at() + record.total(&self.geometry) <= size
    }

    /// As [`look`](Self::look), where a record must be.
    #[cfg_attr(not(fast), inline(never))]
    #[cfg_attr(fast, inline(always))]
    pub(crate) fn must(&mut self, spot: Spot, guess: u32) {
        if !self.look(spot, guess) {
            self.corrupt(spot.page(), spot.at());
        }
    }

    /// Whether the check of the record looked at is right.
    #[cfg_attr(not(fast), inline(never))]
    #[cfg_attr(fast, inline(always))]
    pub(crate) fn right(&mut self) -> bool {
        let spot = self.cur.spot();
        let (compact, mut state) = (self.geometry.compact(), crc::START);
        let end = spot.at() + self.cur.total(&self.geometry);
        let mut at = spot.at();
        while at < end {
            state = check::more(compact, state, self.run(spot.page(), &mut at, end));
        }
        check::right(compact, state)
    }

    /// A failure with its place, if the check of the record looked at is wrong.
    #[cfg_attr(not(fast), inline(never))]
    #[cfg_attr(fast, inline(always))]
    pub(crate) fn trusted(&mut self) {
        let len = self.cur.total(&self.geometry);
        if len > WINDOW as u32 {
            // Parts of it are read again when it is copied: what an old window shows of them is not what will be read.
            self.forget(Log::<F>::start(self.cur.spot()), len);
        }
        if !self.right() {
            self.corrupt(self.cur.page, self.cur.at());
        }
    }

    /// How the name of the record looked at compares with another: less than 0 if it comes before.
    #[inline(never)]
    pub(crate) fn order(&mut self, name: &[u8]) -> i32 {
        let (mut at, len) = (self.cur.key_at(), self.cur.key_len());
        let mut theirs = name;
        let end = at + len.min(name.len() as u32);
        while at < end {
            let ours = self.run(self.cur.page, &mut at, end);
            let (start, rest) = theirs.split_at_checked(ours.len()).unwrap_or_default();
            let order = ours.cmp(start) as i32;
            if order != 0 {
                return order;
            }
            theirs = rest;
        }
        len as i32 - name.len() as i32
    }

    /// Whether the record looked at has this name.
    #[inline(never)]
    pub(crate) fn bears(&mut self, name: &Name) -> bool {
        (self.cur.kind == Kind::Part) == name.part && self.order(name.bytes) == 0
    }

    /// The hash of the name of the record looked at.
    #[inline(never)]
    pub(crate) fn hashed(&mut self) -> u32 {
        let (mut at, end) = (self.cur.key_at(), self.cur.value_at());
        let mut hash = Hash::new(self.cur.kind == Kind::Part);
        while at < end {
            hash.update(self.run(self.cur.page, &mut at, end));
        }
        hash.end()
    }

    /// The name of the record looked at, at the start of `buf`.
    #[inline(never)]
    pub(crate) fn name<'b>(&mut self, buf: &'b mut [u8; KEY_MAX]) -> &'b [u8] {
        let name = buf.get_mut(..self.cur.key_len() as usize).unwrap_or(&mut []);
        self.copy(self.cur.page, self.cur.key_at(), name);
        name
    }

    /// A failure with its place, if a record's check is wrong.
    pub(crate) fn trust(&mut self, record: &Record) {
        self.cur = *record;
        self.trusted()
    }

    /// Compares a record's name with another.
    pub(crate) fn compare(&mut self, record: &Record, name: &[u8]) -> Ordering {
        self.cur = *record;
        self.order(name).cmp(&0)
    }

    /// Whether a record has this key.
    pub(crate) fn keyed(&mut self, record: &Record, key: &[u8]) -> bool {
        record.kind != Kind::Part && self.compare(record, key) == Ordering::Equal
    }

    /// The hash of a record's name.
    pub(crate) fn hash(&mut self, record: &Record) -> u32 {
        self.cur = *record;
        self.hashed()
    }

    /// A record's key, at the start of `buf`; nothing, and a failure, if there is no room for it.
    pub(crate) fn key<'b>(&mut self, record: &Record, buf: &'b mut [u8]) -> &'b mut [u8] {
        let needed = record.key_len() as usize;
        let key = self.room(buf, needed);
        self.copy(record.page, record.key_at(), key);
        key
    }

    /// So many bytes of a buffer; none, and a failure, if it has fewer.
    pub(crate) fn room<'b>(&mut self, buf: &'b mut [u8], needed: usize) -> &'b mut [u8] {
        buf.get_mut(..needed).unwrap_or_else(|| {
            self.fail(Fail::buffer(needed));
            &mut []
        })
    }

    /// One of the two numbers of a long value's record.
    #[inline(never)]
    pub(crate) fn number(&mut self, record: &Record, which: u32) -> u32 {
        self.word(record.page, record.value_at() + 4 * which, LONG_HEAD)
    }

    /// Goes to where a record is to stand. What is not part of a batch has programs of its own: so a batch's record that is not
    /// whole has been cut off, or stands in the same program as one that was.
    fn go_to(&mut self, record: &Record) {
        if !record.pending() {
            self.flush();
        }
        self.begin(record.page, record.at());
        self.settle();
        self.check = crc::START;
    }

    /// Ends a record with its check. What a batch writes may wait for its commit.
    fn end(&mut self, record: &Record) {
        self.settle();
        let check = (!self.check).to_le_bytes();
        self.push(check.get(..self.geometry.check() as usize).unwrap_or(&[]));
        if !record.pending() || record.kind == Kind::Commit {
            self.flush();
        }
    }

    /// Programs a record at its place: the key and the two pieces of the value.
    #[inline(never)]
    pub(crate) fn append(&mut self, record: &Record, pieces: &[&[u8]; 3]) {
        self.go_to(record);
        self.push(record.head_bytes().get(..record.head_len() as usize).unwrap_or(&[]));
        for piece in pieces {
            self.push(piece);
        }
        let end = record.at() + record.total(&self.geometry) - self.geometry.check();
        self.fill(0xff, end - record.value_at() - record.value_len());
        self.end(record);
    }

    /// Copies a record to another place, as which it differs in its first byte, and so in its check. (That of the record has been
    /// found right.)
    pub(crate) fn transfer(&mut self, from: &Record, to: &Record) {
        self.go_to(to);
        let [tag, ..] = to.head_bytes();
        self.push_byte(tag);
        let end = from.at() + from.total(&self.geometry) - self.geometry.check();
        let mut at = from.at() + 1;
        // One byte is read for each one staged: a wide window has the stage's room as its second half, is read in its first until
        // the stage is full, and is dropped then.
        while at < end {
            let byte = self.run(from.page, &mut { at }, end).first().copied().unwrap_or(0xff);
            self.push_byte(byte);
            at += 1;
        }
        self.end(to);
        self.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_come_back() {
        for value in [0, 1, 111, 112, 255, 4000] {
            for kind in [Kind::Value, Kind::Deleted, Kind::Commit, Kind::Part, Kind::Long] {
                let value = match kind {
                    Kind::Value => value,
                    Kind::Part => value + LONG_HEAD,
                    Kind::Long => LONG_HEAD,
                    _ => 0,
                };
                let record = Record::new(kind, value % 2 == 1, 255, value).placed(3, 4000);
                assert_eq!(Record::parse(record.spot(), u32::from_le_bytes(record.head_bytes())), Some(record));
            }
        }
        let copied = Record::new(Kind::Deleted, true, 3, 0).placed(3, 4000).settled();
        assert_eq!(Record::parse(copied.spot(), u32::from_le_bytes(copied.head_bytes())), Some(copied));
        assert_eq!(Record::parse(Spot::new(0, 8), u32::MAX), None);
    }
}
