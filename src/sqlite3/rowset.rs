//! Sets of rowids, for statements that must not meet their own changes.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::key::{Reader, Writer};
use super::sorter::{at, flag};
use super::vm::{Machine, Result};

impl Machine<'_> {
    /// The row of a cursor joins the set. What is kept is its distance from the last one, coded as rowids are: one byte
    /// where rowids follow one another. The last rowid stands in the stage.
    pub(crate) fn rowset_add(&mut self) -> Result<()> {
        let (number, cursor) = (self.operand(), self.operand());
        let stage = self.stage(number);
        let rowid = self.rowid(cursor).as_integer().unwrap_or(0);
        let (used, limit) = (self.field(stage + at::USED), self.field(stage + at::LIMIT));
        let distance = rowid.wrapping_sub(self.get64(stage + at::SEQUENCE));
        let mut writer = Writer::new(self.arena.get_mut(used..limit).unwrap_or_default(), 0);
        writer.rowid(distance);
        let end = used + writer.len();
        if end > limit {
            return Err(self.stage_limit(256));
        }
        self.set_field(stage + at::USED, end);
        self.put64(stage + at::SEQUENCE, rowid);
        Ok(())
    }

    /// Moves a cursor to the next row of the set.
    pub(crate) fn rowset_next(&mut self) -> Result<()> {
        self.turn()?;
        let (number, cursor, table) = (self.operand(), self.operand(), self.u16());
        let stage = self.stage(number);
        if !self.stage_flag(stage, flag::READING) {
            self.set_stage_flag(stage, flag::READING, true);
            let area = self.field(stage + at::AREA);
            self.set_field(stage + at::CURRENT, area);
            self.set_field(stage + at::BUMP, self.bump);
            self.put64(stage + at::SEQUENCE, 0);
        }
        loop {
            self.bump = self.field(stage + at::BUMP);
            let (place, used) = (self.field(stage + at::CURRENT), self.field(stage + at::USED));
            if place >= used {
                self.jump_if(true);
                return Ok(());
            }
            let mut reader = Reader::new(self.bytes(place, used - place), 0);
            let distance = reader.rowid()?;
            let left = reader.rest().len();
            self.set_field(stage + at::CURRENT, used - left);
            let rowid = self.get64(stage + at::SEQUENCE).wrapping_add(distance);
            self.put64(stage + at::SEQUENCE, rowid);
            // A row that is gone by now was deleted by a REPLACE of this statement.
            if self.move_to(cursor, table, rowid)? {
                self.jump_if(false);
                return Ok(());
            }
        }
    }
}
