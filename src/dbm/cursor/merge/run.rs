//! Steps of the merge that stay in one page, which are most of them where keys were written in their order. Up to the nearest key
//! of the other pages, which is asked for once, a page's keys follow each other, and a step is one look at the window. Built only
//! where code is to be fast; all else, and every failure, is left to `merge.rs`.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use core::cmp::Ordering;

use embedded_storage::nor_flash::NorFlash;

use super::{Cursor, FAR, PREFIX, SPENT};
use crate::dbm::Dbm;
use crate::dbm::cursor::HELD;
use crate::dbm::format::{KEY_MAX, Layout};
use crate::dbm::log::Log;
use crate::dbm::record::Spot;

/// Steps that stayed in a page before a run is tried: a few do by chance, and to begin one costs a look.
const LEAST: u8 = 3;
/// Bytes of offsets read at once: as many as the small window holds.
const OFFSETS: u32 = 28;

/// A run of steps in one page.
#[derive(Clone, Copy)]
pub(super) struct Run {
    /// Steps that stayed in the page.
    steps: u8,
    /// Whether what stands below was asked for.
    begun: bool,
    /// How many keys the page has, the rank of the one that the cursor is on, and where the offsets stand.
    keys: u32,
    rank: u32,
    offsets_at: u32,
    /// The least prefix of the other pages, and how the nearest of their keys begins, if that is no far one.
    others: u32,
    len: u8,
    nearest: [u8; HELD],
}

impl Run {
    pub(super) const NONE: Run =
        Run { steps: 0, begun: false, keys: 0, rank: 0, offsets_at: 0, others: 0, len: 0, nearest: [0; HELD] };

    /// The merge made a step, in the page of the one before or not.
    pub(super) fn note(&mut self, stayed: bool) {
        self.steps = if stayed { self.steps.saturating_add(1) } else { 0 };
        self.begun = false;
    }

    /// Whether a key comes before those of the other pages; `near` says whether it begins as those do that have a prefix.
    #[inline(always)]
    fn is_next(&self, key: &[u8], near: impl Fn() -> bool, forward: bool) -> bool {
        match self.others {
            SPENT => true,
            FAR => near(),
            _ => {
                let nearest = self.nearest.get(..self.len.into()).unwrap_or(&[]);
                // (Of longer keys that begin alike, nothing is known.)
                let order = key.get(..HELD).unwrap_or(key).cmp(nearest);
                order == if forward { Ordering::Less } else { Ordering::Greater }
            }
        }
    }
}

impl<F: NorFlash> Dbm<'_, F> {
    /// Moves a cursor as the merge does and copies the key and the value it comes to, if that is the next step of a run; how many
    /// bytes each has. Or nothing is done.
    #[inline]
    pub(crate) fn glide_merged(&mut self, cursor: &mut Cursor, forward: bool, buf: &mut [u8]) -> Option<(u8, u8)> {
        if self.merge.run.steps < LEAST || cursor.until.is_some() || !self.serves(cursor, forward) {
            return None;
        }
        self.glide_on(cursor, forward, buf)
    }

    #[inline(never)]
    fn glide_on(&mut self, cursor: &mut Cursor, forward: bool, buf: &mut [u8]) -> Option<(u8, u8)> {
        let page = self.merge.last;
        if self.merge.changes != self.changes || !self.merge.run.begun && !self.begin_run(page) {
            return None;
        }
        let Run { keys, rank, offsets_at, .. } = self.merge.run;
        let rank = if forward { rank + 1 } else { rank.checked_sub(1)? };
        if rank >= keys {
            return None;
        }
        let at = if page == self.head {
            self.list_place(rank as usize)
        } else {
            let bit = rank * F::OFFSET_BITS;
            let offsets = self.log.word(page, offsets_at + bit / 8, OFFSETS) >> (bit % 8);
            if self.log.failed() {
                return None;
            }
            (offsets & ((1 << F::OFFSET_BITS) - 1)) * F::WORD
        };
        let (start, compact) = (Log::<F>::start(Spot::new(page, at)), self.log.geometry.compact());
        let short = match self.log.short(start, compact) {
            Some(short) => short,
            None => {
                // Of a record of that size, `short` sees that it is whole.
                self.log.read_on(start, self.guess.max(HELD as u32) + F::WORD.max(4));
                self.log.short(start, compact)?
            }
        };
        let key = short.key();
        let held = cursor.held()?;
        let near = || key.get(..self.merge.skip.into()).is_some_and(|shared| held.starts_with(shared));
        // (A key that does not come after the one before is damage, which the merge tells.)
        if !self.merge.run.is_next(key, near, forward) || (key > held) != forward {
            return None;
        }
        let taken = short.take(cursor, 0, buf)?;
        self.merge.run.rank = rank;
        self.merge.idle = 0;
        self.stamp(cursor);
        Some(taken)
    }

    /// Tells the merge where a run came to, if there was one in this page. (It asks for the key's prefix as it goes on.)
    pub(super) fn end_run(&mut self, page: u16) {
        if self.merge.run.begun {
            self.table.set_data(page, self.merge.run.rank << PREFIX | FAR);
        }
    }

    /// Asks what a run in a page needs to know; whether there can be one.
    #[inline(never)]
    fn begin_run(&mut self, page: u16) -> bool {
        if self.walks(page) {
            return false;
        }
        let mut buf = [0; KEY_MAX];
        let keys = self.keys_in(page);
        let offsets_at = self.log.geometry.index(self.table.entries(page)).offsets_at;
        // The merge of the others.
        let word = self.table.data(page);
        self.table.set_data(page, SPENT);
        let others = self.least();
        let mut run = Run { begun: true, keys, rank: word >> PREFIX, offsets_at, others, ..self.merge.run };
        if others < FAR {
            self.nearest(&mut buf);
            run.len = self.log.cur.key_len().min(HELD as u32) as u8;
            run.nearest.iter_mut().zip(buf).for_each(|(to, from)| *to = from);
        }
        self.table.set_data(page, word);
        self.merge.run = run;
        !self.log.failed()
    }
}
