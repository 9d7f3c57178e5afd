//! Going through the records of a page: by its index, or one after the other where there is none.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use embedded_storage::nor_flash::NorFlash;

use super::format::{ENTRIES_MAX, Kind};
use super::record::Record;
use super::{Dbm, Fail, Res};

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
    /// The last record, if it is a mark.
    pub(crate) mark: Option<Record>,
    /// The last record belongs to a batch that was not committed.
    pub(crate) void: bool,
    /// Damage was passed over.
    pub(crate) gap: bool,
}

impl<F: NorFlash> Dbm<'_, F> {
    /// Before the first record of a page.
    pub(crate) fn walk(&self, page: u16) -> Walk {
        let first = self.log.geometry.first();
        let end = if page == self.head && self.tail > first { self.tail } else { self.log.geometry.page };
        Walk {
            page,
            at: first,
            end,
            count: 0,
            commit_at: 0,
            commit_from: 0,
            open_from: u32::MAX,
            mark: None,
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

    /// The next record of a walk begun by [`go`](Self::go). Its check has been found right.
    pub(crate) fn gone(&mut self, walk: &mut Walk) -> Res<Option<Record>> {
        let page = walk.page;
        if !self.table.state(page).indexed() {
            return self.walked(walk);
        }
        let index = self.log.geometry.index(self.table.entries(page));
        if walk.at >= index.entries {
            return Ok(None);
        }
        let record = self.ranked(page, &index, walk.at)?;
        walk.at += 1;
        self.log.trust(&record)?;
        Ok(Some(record))
    }

    /// The next record of a walk that counts: its check is right, and it belongs to no batch that was not committed.
    pub(crate) fn walked(&mut self, walk: &mut Walk) -> Res<Option<Record>> {
        while walk.at < walk.end {
            let Some(record) = self.sound(walk.page, walk.at, walk.end)? else {
                // Behind damage there may be more.
                let geometry = self.log.geometry;
                let over = walk.at >= geometry.limit(walk.count.min(ENTRIES_MAX), true);
                if over || !self.table.damaged(walk.page) {
                    break;
                }
                walk.gap |= !self.log.blank(walk.page, walk.at, walk.at + 1)?;
                walk.at += geometry.word;
                continue;
            };
            walk.at += record.total(&self.log.geometry);
            walk.count += 1;
            walk.void = false;
            walk.mark = None;
            if record.kind == Kind::Commit {
                walk.mark = Some(record);
                continue;
            }
            if record.pending() {
                if record.at() >= walk.commit_at {
                    self.next_commit(walk)?;
                }
                if record.at() < walk.commit_from {
                    if self.table.damaged(walk.page) {
                        // Its fate stood in what is damaged.
                        return Err(Fail::corrupt(walk.page, record.at()));
                    }
                    walk.void = true;
                    continue;
                }
            }
            return Ok(Some(record));
        }
        Ok(None)
    }

    /// The record at a place, if there is one and its check is right.
    pub(crate) fn sound(&mut self, page: u16, at: u32, end: u32) -> Res<Option<Record>> {
        if at >= end {
            return Ok(None);
        }
        let Some(record) = self.log.head(page, at, self.guess)? else { return Ok(None) };
        Ok(self.log.verify(&record)?.then_some(record))
    }

    /// Finds the next commit of a walk.
    fn next_commit(&mut self, walk: &mut Walk) -> Res<()> {
        let mut at = walk.at;
        (walk.commit_at, walk.commit_from) = (u32::MAX, walk.open_from);
        while let Some(record) = self.sound(walk.page, at, walk.end)? {
            if record.kind == Kind::Commit && record.pending() {
                walk.commit_at = record.at();
                let from = self.log.view(walk.page, record.key_at(), 2, 2)?;
                walk.commit_from = from.first_chunk().map_or(0, |two| u16::from_le_bytes(*two).into());
                break;
            }
            at += record.total(&self.log.geometry);
        }
        Ok(())
    }
}
