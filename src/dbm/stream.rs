//! Values longer than a page: kept as parts of one size under the same key, then a record that names them.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use embedded_storage::nor_flash::NorFlash;

use super::batch::Rollback;
use super::format::{KEY_MAX, Kind, Layout, Name};
use super::record::{Record, part_name, two_words};
use super::{Dbm, Fail, Result};

/// Reads a value piece by piece.
pub struct Reader<'a, D> {
    db: &'a mut D,
    record: Record,
    at: u32,
    length: u32,
}

#[cfg(feature = "defmt")]
impl<D> defmt::Format for Reader<'_, D> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Reader");
    }
}

/// Writes a value piece by piece; it counts, as a whole, once [`Writer::finish`] has returned.
pub struct Writer<'a, 'b, D: Rollback> {
    db: &'a mut D,
    key: [u8; KEY_MAX],
    key_len: usize,
    buf: &'b mut [u8],
    filled: usize,
    number: u32,
    parts: u32,
    length: u32,
}

#[cfg(feature = "defmt")]
impl<D: Rollback> defmt::Format for Writer<'_, '_, D> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Writer");
    }
}

impl<F: NorFlash> Dbm<'_, F> {
    /// Bytes of a long value in each of its records: what [`Dbm::writer`] needs a buffer of.
    pub fn part_size(&self) -> usize {
        F::PART as usize
    }

    /// The length of a key's value, or `None` when there is no such key.
    pub fn value_size(&mut self, key: &[u8]) -> Result<Option<usize>> {
        let size = self.find_value(key).map(|record| self.value_len(&record));
        self.done(size)
    }

    /// Fills `buf` with what a value holds from `offset` on; less at its end, nothing behind it, `None` without the key.
    pub fn get_into<'b>(&mut self, key: &[u8], offset: usize, buf: &'b mut [u8]) -> Result<Option<&'b [u8]>> {
        let Some(record) = self.find_value(key) else { return self.done(None) };
        let length = self.value_len(&record);
        let offset = offset.min(length);
        let count = (length - offset).min(buf.len());
        let piece = buf.get_mut(..count).unwrap_or(&mut []);
        self.piece(&record, offset as u32, piece);
        self.done(Some(piece))
    }

    /// Bytes of a record's value.
    pub(crate) fn value_len(&mut self, record: &Record) -> usize {
        if record.kind == Kind::Long {
            return self.log.number(record, 1) as usize;
        }
        record.value_len() as usize
    }

    /// Copies part of a value, which holds that much.
    pub(crate) fn piece(&mut self, record: &Record, mut offset: u32, mut piece: &mut [u8]) {
        if record.kind != Kind::Long {
            return self.log.copy(record.page, record.value_at() + offset, piece);
        }
        let number = self.log.number(record, 0);
        let (size, key) = (F::PART, record.key_len());
        while !piece.is_empty() {
            let found = self.find(&Name::new(&part_name(number, offset / size, key), true));
            let (part, inside) = (self.log.cur, key + offset % size);
            let count = (size - offset % size).min(piece.len() as u32);
            let (now, later) = piece.split_at_mut_checked(count as usize).unwrap_or_default();
            if !found.is_some() || inside + count > part.value_len() {
                return self.log.corrupt(record.page, record.at());
            }
            self.log.copy(part.page, part.value_at() + inside, now);
            (offset, piece) = (offset + count, later);
        }
    }

    /// Reads a value piece by piece; `None` when there is no such key.
    pub fn reader(&mut self, key: &[u8]) -> Result<Option<Reader<'_, Self>>> {
        let Some(record) = self.find_value(key) else { return self.done(None) };
        let length = self.value_len(&record) as u32;
        self.done(())?;
        Ok(Some(Reader { db: self, record, at: 0, length }))
    }

    /// Writes a value piece by piece. `buf` holds at least [`part_size`](Self::part_size) bytes. Outside a batch the value
    /// counts when [`Writer::finish`] returns, inside one with its commit.
    pub fn writer<'a, 'b>(&'a mut self, key: &[u8], buf: &'b mut [u8]) -> Result<Writer<'a, 'b, Self>> {
        if self.writable() && key.len() > KEY_MAX {
            self.log.fail(Fail::KEY);
        }
        let needed = self.part_size();
        let buf = self.log.room(buf, needed);
        self.done(())?;
        let number = self.begin_long();
        let mut held = [0; KEY_MAX];
        for (to, from) in held.iter_mut().zip(key) {
            *to = *from;
        }
        Ok(Writer { db: self, key: held, key_len: key.len(), buf, filled: 0, number, parts: 0, length: 0 })
    }

    /// Begins a long value under a number that no other has whose parts may still be about: where the log's tail is.
    fn begin_long(&mut self) -> u32 {
        let number = (self.sequence << 12) ^ (self.tail >> F::WORD_BITS) ^ (self.changes << 20);
        self.writing = Some(number);
        number
    }

    /// Sets a key to a value that does not fit in a record.
    pub(crate) fn set_long(&mut self, key: &[u8], value: &[u8]) {
        let number = self.begin_long();
        let size = F::PART as usize;
        for (part, piece) in value.chunks(size).enumerate() {
            self.put_part(key, number, part as u32, piece);
        }
        self.put_long(key, number, value.len() as u32);
        self.abandon_long();
    }

    /// The parts of a long value that is not there yet are dead.
    pub(crate) fn abandon_long(&mut self) {
        if self.writing.take().is_some() {
            self.forget_dead();
        }
    }

    /// Writes a part of a long value: it counts when the value does, in which it is named.
    fn put_part(&mut self, key: &[u8], number: u32, part: u32, piece: &[u8]) {
        self.write(Kind::Part, &[&part_name(number, part, key.len() as u32), key, piece])
    }

    fn put_long(&mut self, key: &[u8], number: u32, length: u32) {
        self.write(Kind::Long, &[key, &two_words(number, length), &[]]);
        if !self.log.failed() {
            self.writing = None;
        }
    }
}

impl<F: NorFlash> Reader<'_, Dbm<'_, F>> {
    /// Bytes of the value that are left.
    pub fn left(&self) -> usize {
        (self.length - self.at) as usize
    }

    /// Goes to a place in the value; its end, if that is nearer.
    pub fn seek(&mut self, offset: usize) {
        self.at = (offset as u64).min(u64::from(self.length)) as u32;
    }

    /// Fills `buf` with what comes next, as far as there is something; how many bytes that were.
    pub fn read(&mut self, buf: &mut [u8]) -> Result<usize> {
        let count = self.left().min(buf.len());
        let piece = buf.get_mut(..count).unwrap_or(&mut []);
        self.db.piece(&self.record, self.at, piece);
        self.db.done(())?;
        self.at += count as u32;
        Ok(count)
    }
}

impl<F: NorFlash> Writer<'_, '_, Dbm<'_, F>> {
    fn flush_part(&mut self) -> Result<()> {
        let key = self.key.get(..self.key_len).unwrap_or(&[]);
        let piece = self.buf.get(..self.filled).unwrap_or(&[]);
        self.db.put_part(key, self.number, self.parts, piece);
        self.db.done(())?;
        self.parts += 1;
        self.filled = 0;
        Ok(())
    }

    /// Adds bytes to the value.
    pub fn write(&mut self, mut bytes: &[u8]) -> Result<()> {
        while !bytes.is_empty() {
            let room = self.buf.get_mut(self.filled..).unwrap_or(&mut []);
            let count = room.len().min(bytes.len());
            let (now, later) = bytes.split_at(count);
            for (to, from) in room.iter_mut().zip(now) {
                *to = *from;
            }
            (self.filled, bytes) = (self.filled + count, later);
            self.length = self.length.saturating_add(count as u32);
            if self.filled == self.buf.len() {
                self.flush_part()?;
            }
        }
        Ok(())
    }

    /// Makes the value count.
    pub fn finish(mut self) -> Result<()> {
        if self.filled > 0 {
            self.flush_part()?;
        }
        let key = self.key.get(..self.key_len).unwrap_or(&[]);
        self.db.put_long(key, self.number, self.length);
        self.db.done(())
    }
}

impl<D: Rollback> Drop for Writer<'_, '_, D> {
    fn drop(&mut self) {
        self.db.abandon();
    }
}

#[cfg(feature = "embedded-io")]
mod io {
    //! The same by the traits of `embedded-io`.
    use super::*;
    use crate::dbm::Error;
    use embedded_io::ErrorKind;

    impl embedded_io::Error for Error {
        fn kind(&self) -> ErrorKind {
            match self {
                Error::Full => ErrorKind::OutOfMemory,
                Error::Corrupt { .. } => ErrorKind::InvalidData,
                Error::NotFound => ErrorKind::NotFound,
                Error::ReadOnly => ErrorKind::PermissionDenied,
                _ => ErrorKind::Other,
            }
        }
    }
    impl<F: NorFlash> embedded_io::ErrorType for Reader<'_, Dbm<'_, F>> {
        type Error = Error;
    }
    impl<F: NorFlash> embedded_io::Read for Reader<'_, Dbm<'_, F>> {
        fn read(&mut self, buf: &mut [u8]) -> Result<usize> {
            Reader::read(self, buf)
        }
    }
    impl<D: Rollback> embedded_io::ErrorType for Writer<'_, '_, D> {
        type Error = Error;
    }
    impl<F: NorFlash> embedded_io::Write for Writer<'_, '_, Dbm<'_, F>> {
        fn write(&mut self, buf: &[u8]) -> Result<usize> {
            Writer::write(self, buf)?;
            Ok(buf.len())
        }
        fn flush(&mut self) -> Result<()> {
            Ok(())
        }
    }
}
