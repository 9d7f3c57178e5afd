//! Sets of rowids, for statements that must not meet their own changes.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::stage::{at, flag};
use super::{Machine, Result};
use crate::sqlite3::key::{Reader, Writer};

impl Machine<'_> {
    /// The row of a cursor joins the set. What is kept is its distance from the last one, coded as rowids are: one byte
    /// where rowids follow one another. The last rowid stands in the stage.
    pub(crate) fn rowset_add(&mut self) -> Result<()> {
        self.enter_stage();
        let cursor = self.operand();
        let rowid = self.rowid(cursor)?.as_integer().unwrap_or(0);
        let (used, limit) = (self.in_stage(at::USED), self.in_stage(at::LIMIT));
        let distance = rowid.wrapping_sub(self.get64(self.stage + at::SEQUENCE));
        let mut writer = Writer::new(self.arena.get_mut(used..limit).unwrap_or_default(), 0);
        writer.rowid(distance);
        let end = used + writer.len();
        if end > limit {
            return Err(self.stage_limit(256));
        }
        self.put_in_stage(at::USED, end);
        self.put64(self.stage + at::SEQUENCE, rowid);
        Ok(())
    }

    /// Moves a cursor to the next row of the set.
    pub(crate) fn rowset_next(&mut self) -> Result<()> {
        self.turn()?;
        self.enter_stage();
        let (cursor, table) = (self.operand(), self.u16());
        if !self.stage_flag(flag::READING) {
            self.put64(self.stage + at::SEQUENCE, 0);
        }
        loop {
            let (place, used) = (self.reading(), self.in_stage(at::USED));
            if place >= used {
                self.jump_if(true);
                return Ok(());
            }
            let mut reader = Reader::new(self.bytes(place, used - place), 0);
            let distance = reader.rowid()?;
            let left = reader.rest().len();
            self.put_in_stage(at::CURRENT, used - left);
            let rowid = self.get64(self.stage + at::SEQUENCE).wrapping_add(distance);
            self.put64(self.stage + at::SEQUENCE, rowid);
            // A row that is gone by now was deleted by a REPLACE of this statement.
            if self.move_to(cursor, table, rowid)? {
                self.jump_if(false);
                return Ok(());
            }
        }
    }
}
