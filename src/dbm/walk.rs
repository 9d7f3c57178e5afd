//! Going through the records of a page: by its index, or one after the other where there is none.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use embedded_storage::nor_flash::NorFlash;

use super::Dbm;
use super::format::{ENTRIES_MAX, Kind, Layout};
use super::record::{Record, Spot};

/// Where going through a page has come to.
pub(crate) struct Walk {
    pub(crate) page: u16,
    /// The next record's offset; its rank, in a page with an index.
    pub(crate) at: u32,
    pub(crate) end: u32,
    /// Records that were met.
    pub(crate) count: u32,
    /// The next commit in the page and where its batch begins; at the end if there is none.
    commit_at: u32,
    commit_from: u32,
    /// Where a batch begins of which the page does not tell the fate, and which counts; behind the page if none does.
    pub(crate) open_from: u32,
    /// Where the key of the last record stands, if that is the commit of a batch over several pages; or 0.
    pub(crate) commit: u32,
    /// The last record belongs to a batch that was not committed.
    pub(crate) void: bool,
    /// Damage was passed over.
    pub(crate) gap: bool,
}

impl<F: NorFlash> Dbm<'_, F> {
    /// Before the first record of a page.
    #[inline(never)]
    pub(crate) fn walk(&self, page: u16) -> Walk {
        let first = F::FIRST;
        let end = if page == self.head && self.tail > first { self.tail } else { F::PAGE };
        Walk {
            page,
            at: first,
            end,
            count: 0,
            commit_at: 0,
            commit_from: 0,
            open_from: u32::MAX,
            commit: 0,
            void: false,
            gap: false,
        }
    }

    /// Before the first record that the index of a page, which was loaded, lists; or as [`walk`](Self::walk) if there is none.
    pub(crate) fn go(&self, page: u16) -> Walk {
        let mut walk = self.walk(page);
        if self.table.state(page).indexed() {
            walk.at = 0;
        }
        walk
    }

    /// Looks at the next record of a walk begun by [`go`](Self::go). Its check has been found right.
    pub(crate) fn advance_any(&mut self, walk: &mut Walk) -> bool {
        let page = walk.page;
        if !self.table.state(page).indexed() {
            return self.advance_walk(walk);
        }
        let index = self.log.geometry.index(self.table.entries(page));
        if walk.at >= index.entries {
            return false;
        }
        self.look_ranked(page, &index, walk.at);
        walk.at += 1;
        self.log.trusted();
        !self.log.failed()
    }

    /// Looks at the next record of a walk that counts: its check is right, and it belongs to no batch that was not committed.
    #[inline(never)]
    pub(crate) fn advance_walk(&mut self, walk: &mut Walk) -> bool {
        while walk.at < walk.end {
            if !self.look_sound(walk.page, walk.at, walk.end) {
                // Behind damage there may be more.
                let geometry = self.log.geometry;
                let over = walk.at >= geometry.limit(walk.count.min(ENTRIES_MAX), true);
                if over || !self.table.damaged(walk.page) {
                    break;
                }
                walk.gap |= !self.log.blank(walk.page, walk.at, walk.at + 1);
                walk.at += F::WORD;
                continue;
            }
            let record = self.log.cur;
            walk.at += record.total(&self.log.geometry);
            walk.count += 1;
            walk.void = false;
            walk.commit = 0;
            if record.kind == Kind::Commit {
                if record.key_len() == 6 {
                    walk.commit = record.key_at();
                }
                continue;
            }
            if record.pending() {
                if record.at() >= walk.commit_at {
                    self.next_commit(walk);
                    self.log.cur = record;
                }
                if record.at() < walk.commit_from {
                    if self.table.damaged(walk.page) {
                        // Its fate stood in what is damaged.
                        self.log.corrupt(walk.page, record.at());
                        break;
                    }
                    walk.void = true;
                    continue;
                }
            }
            return true;
        }
        false
    }

    /// Looks at the record at a place, if there is one and its check is right.
    #[inline(never)]
    pub(crate) fn look_sound(&mut self, page: u16, at: u32, end: u32) -> bool {
        at < end && self.log.look(Spot::new(page, at), self.guess) && self.log.right()
    }

    /// Finds the next commit of a walk.
    fn next_commit(&mut self, walk: &mut Walk) {
        let mut at = walk.at;
        (walk.commit_at, walk.commit_from) = (u32::MAX, walk.open_from);
        while self.look_sound(walk.page, at, walk.end) {
            let record = self.log.cur;
            if record.kind == Kind::Commit {
                walk.commit_at = at;
                walk.commit_from = self.log.word(walk.page, record.key_at(), 4) & 0xffff;
                break;
            }
            at += record.total(&self.log.geometry);
        }
    }

    /// The next record of a walk, as [`advance_any`](Self::advance_any) finds it.
    pub(crate) fn gone(&mut self, walk: &mut Walk) -> Option<Record> {
        self.advance_any(walk).then_some(self.log.cur)
    }

    /// The record at a place, if there is one and its check is right.
    pub(crate) fn sound(&mut self, page: u16, at: u32, end: u32) -> Option<Record> {
        self.look_sound(page, at, end).then_some(self.log.cur)
    }
}
