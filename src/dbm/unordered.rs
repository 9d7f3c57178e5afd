//! All keys in no order: a walk through the log that passes over what is no longer true. Cursors give keys in order, with
//! fewer reads, and take 4 KB more code: a firmware that only lists its keys does without them.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use embedded_storage::nor_flash::NorFlash;

use super::format::Kind;
use super::walk::Walk;
use super::{Dbm, Result};

/// The keys of a store, each once, in no order.
pub struct UnorderedKeys<'a, D> {
    db: &'a mut D,
    /// The page being walked, and how many pages of the log are left, that one among them.
    walk: Option<Walk>,
    left: usize,
}

#[cfg(feature = "defmt")]
impl<D> defmt::Format for UnorderedKeys<'_, D> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "UnorderedKeys");
    }
}

impl<F: NorFlash> Dbm<'_, F> {
    /// All keys in no order, at a look-up for each record that is met. [`keys`](Self::keys) gives them in order.
    pub fn unordered_keys(&mut self) -> UnorderedKeys<'_, Self> {
        let left = self.table.count();
        UnorderedKeys { db: self, walk: None, left }
    }
}

impl<F: NorFlash> UnorderedKeys<'_, Dbm<'_, F>> {
    /// The next key, at the start of `buf`.
    pub fn next<'b>(&mut self, buf: &'b mut [u8]) -> Result<Option<&'b [u8]>> {
        let found = self.advance(buf);
        self.db.done(())?;
        Ok(found.and_then(|len| buf.get(..len)))
    }

    /// The length of the next key, which is in `buf`.
    fn advance(&mut self, buf: &mut [u8]) -> Option<usize> {
        while self.left > 0 {
            let Some(walk) = &mut self.walk else {
                let page = self.db.table.order(self.left - 1);
                self.db.load(page);
                let mut walk = self.db.go(page);
                if self.db.batch.open && page == self.db.head {
                    // What the open batch wrote is there for who asks now.
                    walk.open_from = if page == self.db.batch.page { self.db.batch.at } else { 0 };
                }
                self.walk = Some(walk);
                continue;
            };
            let Some(record) = self.db.gone(walk) else {
                self.db.walked_to_end(walk);
                if self.db.log.failed() {
                    return None;
                }
                self.walk = None;
                self.left -= 1;
                continue;
            };
            if matches!(record.kind, Kind::Deleted | Kind::Part | Kind::Commit) {
                continue;
            }
            let key = self.db.log.key(&record, buf);
            if self.db.find_value(key).is_some_and(|newest| newest.is(&record)) || self.db.log.failed() {
                return Some(key.len());
            }
        }
        None
    }
}
