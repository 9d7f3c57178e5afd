//! Single records: found, compared, verified, copied out, appended.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use core::cmp::Ordering;

use embedded_storage::nor_flash::NorFlash;

use super::format::{Check, Geometry, HEAD_MAX, Hash, Kind, LONG_HEAD, tag};
use super::log::{Log, WINDOW};
use super::{Fail, Res};

/// A record and where it stands: eight bytes, so that it travels in registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) page: u16,
    /// Offset in the page; the top bit says that the record belongs to a batch.
    place: u16,
    value: u16,
    key: u8,
    pub(crate) kind: Kind,
}

/// Top bit of a record's place.
const PENDING: u16 = 0x8000;

impl Record {
    /// One that stands nowhere yet. Lengths are within the format's limits.
    pub(crate) fn new(kind: Kind, pending: bool, key: usize, value: u32) -> Record {
        Record { page: 0, place: if pending { PENDING } else { 0 }, value: value as u16, key: key as u8, kind }
    }

    /// The same at another place.
    pub(crate) fn placed(self, page: u16, at: u32) -> Record {
        Record { page, place: self.place & PENDING | at as u16, ..self }
    }

    /// The same, belonging to a batch or not.
    pub(crate) fn with_pending(self, pending: bool) -> Record {
        Record { place: self.place & !PENDING | if pending { PENDING } else { 0 }, ..self }
    }

    /// The same, as if it were a tombstone.
    pub(crate) fn as_deleted(self) -> Record {
        Record { kind: Kind::Deleted, ..self }
    }

    pub(crate) fn at(&self) -> u32 {
        u32::from(self.place & !PENDING)
    }

    pub(crate) fn pending(&self) -> bool {
        self.place & PENDING != 0
    }

    /// Whether it is the same record: at the same place.
    pub(crate) fn is(&self, other: &Record) -> bool {
        (self.page, self.at()) == (other.page, other.at())
    }

    /// Bytes of the key.
    pub(crate) fn key_len(&self) -> u32 {
        self.key.into()
    }

    /// Bytes of the value.
    pub(crate) fn value_len(&self) -> u32 {
        self.value.into()
    }

    /// Bytes before the key.
    pub(crate) fn head_len(&self) -> u32 {
        if self.kind == Kind::Part || self.kind == Kind::Value && self.value > u16::from(tag::SHORT_MAX) {
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

    /// What the record is found by: a key, or the two numbers of a part of a long value. Where it stands, and its length.
    pub(crate) fn name(&self) -> (u32, u32) {
        if self.kind == Kind::Part { (self.value_at(), LONG_HEAD) } else { (self.key_at(), self.key_len()) }
    }

    /// Bytes of the whole record: head, key, value, ones up to where the check ends on a word, check.
    #[inline(never)]
    pub(crate) fn total(&self, geometry: &Geometry) -> u32 {
        geometry.align(self.head_len() + self.key_len() + self.value_len() + geometry.check())
    }

    /// The head's bytes, of which [`head_len`](Self::head_len) count.
    pub(crate) fn head_bytes(&self) -> [u8; HEAD_MAX as usize] {
        let [low, high] = self.value.to_le_bytes();
        let tag = match self.kind {
            Kind::Value if self.value <= u16::from(tag::SHORT_MAX) => low,
            kind => tag::VALUE + kind as u8,
        };
        [tag | if self.pending() { tag::PENDING } else { 0 }, self.key, low, high]
    }

    /// Reads a head from the start of a record; none where there is none.
    pub(crate) fn parse(page: u16, at: u32, bytes: &[u8]) -> Option<Record> {
        let &[first, key, low, high, ..] = bytes else { return None };
        let mut value = u16::from_le_bytes([low, high]);
        let tag = first & !tag::PENDING;
        let least = match tag {
            tag::VALUE => u16::from(tag::SHORT_MAX) + 1,
            tag::PART => LONG_HEAD as u16,
            _ => {
                value = if tag == tag::LONG { LONG_HEAD as u16 } else { u16::from(tag) };
                0
            }
        };
        let kind = match tag {
            0..=tag::VALUE => Kind::Value,
            tag::DELETED => Kind::Deleted,
            tag::COMMIT => Kind::Commit,
            tag::PART => Kind::Part,
            tag::LONG => Kind::Long,
            _ => return None,
        };
        if matches!(kind, Kind::Deleted | Kind::Commit) {
            value = 0;
        }
        let pending = first & tag::PENDING != 0;
        (value >= least).then(|| Record { value, ..Record::new(kind, pending, key.into(), 0) }.placed(page, at))
    }
}

impl<F: NorFlash> Log<F> {
    /// The head of the record at a place; none where no record begins.
    pub(crate) fn head(&mut self, page: u16, at: u32, guess: u32) -> Res<Option<Record>> {
        let geometry = self.geometry;
        if at + HEAD_MAX > geometry.page {
            return Ok(None);
        }
        let record = Record::parse(page, at, self.view(page, at, HEAD_MAX, guess)?);
        Ok(record.filter(|record| at + record.total(&geometry) <= geometry.page))
    }

    /// Whether a record's check is right.
    pub(crate) fn verify(&mut self, record: &Record) -> Res<bool> {
        let geometry = self.geometry;
        let total = record.total(&geometry);
        let mut check = Check::new(geometry.compact);
        let (mut at, end) = (record.at(), record.at() + total - geometry.check());
        while at < end {
            let bytes = self.view(record.page, at, 1, record.at() + total - at)?;
            let count = bytes.len().min((end - at) as usize);
            check.update(bytes.get(..count).unwrap_or(&[]));
            at += count as u32;
        }
        let (want, len) = check.bytes();
        let found = self.view(record.page, end, len as u32, len as u32)?;
        Ok(found.get(..len) == want.get(..len))
    }

    /// As [`verify`](Self::verify), as an error with its place.
    pub(crate) fn trust(&mut self, record: &Record) -> Res<()> {
        if self.verify(record)? { Ok(()) } else { Err(Fail::corrupt(record.page, record.at())) }
    }

    /// Compares a record's name with another.
    pub(crate) fn compare(&mut self, record: &Record, name: &[u8]) -> Res<Ordering> {
        let (mut at, mut left) = record.name();
        let mut rest = name;
        loop {
            if left == 0 || rest.is_empty() {
                return Ok((left as usize).cmp(&rest.len()));
            }
            let bytes = self.view(record.page, at, 1, left)?;
            let count = bytes.len().min(left as usize).min(rest.len());
            let (now, later) = rest.split_at(count);
            match bytes.iter().take(count).cmp(now) {
                Ordering::Equal => {}
                other => return Ok(other),
            }
            rest = later;
            left -= count as u32;
            at += count as u32;
        }
    }

    /// Whether a record has this name.
    pub(crate) fn named(&mut self, record: &Record, name: &[u8], part: bool) -> Res<bool> {
        Ok((record.kind == Kind::Part) == part && self.compare(record, name)? == Ordering::Equal)
    }

    /// The hash of a record's name.
    pub(crate) fn hash(&mut self, record: &Record) -> Res<u32> {
        let (mut at, mut left) = record.name();
        let mut hash = Hash::new(record.kind == Kind::Part);
        while left > 0 {
            let bytes = self.view(record.page, at, 1, left)?;
            let count = left.min(bytes.len() as u32);
            hash.update(bytes.get(..count as usize).unwrap_or(&[]));
            left -= count;
            at += count;
        }
        Ok(hash.end())
    }

    /// A record's key, at the start of `buf`.
    pub(crate) fn key<'b>(&mut self, record: &Record, buf: &'b mut [u8]) -> Res<&'b mut [u8]> {
        let needed = record.key_len() as usize;
        let key = buf.get_mut(..needed).ok_or(Fail::buffer(needed))?;
        self.copy(record.page, record.key_at(), key)?;
        Ok(key)
    }

    /// The two numbers at the start of a long value's record or of a part of one.
    pub(crate) fn numbers(&mut self, record: &Record) -> Res<[u8; LONG_HEAD as usize]> {
        let bytes = self.view(record.page, record.value_at(), LONG_HEAD, LONG_HEAD)?;
        Ok(bytes.first_chunk().copied().unwrap_or_default())
    }

    /// Programs the head of a record. What is not part of a batch has programs of its own: so a batch's record that is not
    /// whole has been cut off, or stands in the same program as one that was.
    fn start(&mut self, record: &Record) -> Res<Check> {
        if !record.pending() {
            self.flush()?;
        }
        let mut check = Check::new(self.geometry.compact);
        self.begin(record.page, record.at())?;
        self.add(record.head_bytes().get(..record.head_len() as usize).unwrap_or(&[]), &mut check)?;
        Ok(check)
    }

    fn add(&mut self, bytes: &[u8], check: &mut Check) -> Res<()> {
        check.update(bytes);
        self.push(bytes)
    }

    /// Programs a record at its place: the key and the two pieces of the value.
    pub(crate) fn append(&mut self, record: &Record, key: &[u8], start: &[u8], rest: &[u8]) -> Res<()> {
        let mut check = self.start(record)?;
        for piece in [key, start, rest] {
            self.add(piece, &mut check)?;
        }
        self.finish(record, check)
    }

    /// The ones and the check at a record's end.
    fn finish(&mut self, record: &Record, mut check: Check) -> Res<()> {
        let end = record.at() + record.total(&self.geometry) - self.geometry.check();
        let ones = [0xff; 32];
        let spare = end - record.value_at() - record.value_len();
        self.add(ones.get(..spare as usize).unwrap_or(&[]), &mut check)?;
        let (bytes, len) = check.bytes();
        self.push(bytes.get(..len).unwrap_or(&[]))?;
        // What a batch writes may wait for its commit.
        if record.pending() && record.kind != Kind::Commit { Ok(()) } else { self.flush() }
    }

    /// Copies a record to another place, where its check is made anew. (That of the record has been found right.)
    pub(crate) fn transfer(&mut self, from: &Record, to: &Record) -> Res<()> {
        let mut check = self.start(to)?;
        let (mut source, end) = (from.key_at(), from.value_at() + from.value_len());
        let mut chunk = [0; WINDOW / 2];
        while source < end {
            let count = ((end - source) as usize).min(chunk.len());
            let piece = chunk.get_mut(..count).unwrap_or(&mut []);
            self.copy(from.page, source, piece)?;
            self.add(piece, &mut check)?;
            source += count as u32;
        }
        self.finish(to, check)
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
                assert_eq!(Record::parse(3, 4000, &record.head_bytes()), Some(record));
            }
        }
        assert_eq!(Record::parse(0, 8, &[0xff, 0xff, 0xff, 0xff]), None);
    }
}
