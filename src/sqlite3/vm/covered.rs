//! Rows that are read from the keys of an index, where that has all that is asked of them.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::rows::at;
use super::{Machine, Result};
use crate::sqlite3::key::Reader;
use crate::sqlite3::record;
use crate::sqlite3::schema;
use crate::sqlite3::value::Value;

/// The flag of a range whose rows are made of its keys.
pub(crate) const COVERED: u8 = 32;

impl Machine<'_> {
    /// Makes the row of a cursor of the key that was read, behind it; whether it could, and was asked to.
    #[inline(never)]
    pub(super) fn take_key(&mut self, number: u8, key: usize, rowid: i64) -> Result<bool> {
        let cursor = self.cursor(number.into());
        let index = self.field(cursor + at::INDEX);
        if self.get8(index.wrapping_sub(2)) & COVERED == 0 {
            return Ok(false);
        }
        let (start, end, len) = (self.bump + key, self.layout.end, self.arena.len());
        let parts = usize::from(self.get8(index + 2));
        let (front, room) = self.arena.split_at_mut_checked(start).unwrap_or_default();
        let (code, key) = front.split_at_mut_checked(self.bump).unwrap_or_default();
        let byte = |at: usize| code.get(index + 3 + at).copied().unwrap_or(0);
        let column_of = |part: usize| byte(parts + 2 * part);
        let last = (0..parts).map(column_of).filter(|&column| column != schema::ROWID).max();
        let columns = last.map_or(0, |last| usize::from(last) + 1);
        // Behind the number of the index stand the parts, which are all made ascending.
        let mut reader = Reader::new(key, schema::text_limit(parts));
        reader.rowid()?;
        let prefix = key.len() - reader.rest().len();
        let mut from = prefix;
        for part in 0..parts {
            let order = schema::order(byte(part));
            let mut reader = Reader::new(key.get(from..).unwrap_or_default(), schema::text_limit(parts));
            reader.skip_column(order)?;
            let to = key.len() - reader.rest().len();
            for byte in key.get_mut(from..to).unwrap_or_default() {
                *byte ^= if order.descending { 0xff } else { 0 };
            }
            from = to;
        }
        let value = |wanted: usize| {
            let place = (0..parts).find(|&part| usize::from(column_of(part)) == wanted);
            let Some(place) = place else { return Some(Value::Null) };
            let mut reader = Reader::new(key.get(prefix..).unwrap_or_default(), schema::text_limit(parts));
            let mut found = None;
            for part in 0..=place {
                let affinity = schema::affinity(byte(parts + 2 * part + 1));
                found = reader.column(affinity, schema::order(byte(part)).collation).ok()?;
            }
            found
        };
        if (0..columns).any(|column| value(column).is_none()) {
            return Ok(false);
        }
        let room = room.get_mut(..end.saturating_sub(start)).unwrap_or_default();
        let made = record::encode(columns, &|column| value(column).unwrap_or(Value::Null), room);
        let made = made.map_err(|error| error.more(len))?.len();
        self.set_record(number, start, made, 0);
        self.put64(cursor + at::ROWID, rowid);
        self.bump = start + made;
        Ok(true)
    }
}
