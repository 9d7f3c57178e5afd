//! Sets of rowids, for statements that must not meet their own changes.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::sorter::{at, flag};
use super::vm::{Machine, Result};

impl Machine<'_> {
    // ---- sets of rowids

    pub(crate) fn rowset_add(&mut self) -> Result<()> {
        let (number, cursor) = (self.operand(), self.operand());
        let stage = self.stage(number);
        let rowid = self.rowid(cursor).as_integer().unwrap_or(0);
        let used = self.field(stage + at::USED);
        let (area, limit) = (self.field(stage + at::AREA), self.field(stage + at::LIMIT));
        // Differences take one byte where rowids follow one another; the last rowid stands in the stage.
        let before = i64::from_le_bytes(
            self.arena.get(stage + at::SEQUENCE..).and_then(|rest| rest.first_chunk::<8>()).copied().unwrap_or([0; 8]),
        );
        let difference = rowid.wrapping_sub(before);
        let mut rest = (difference << 1 ^ difference >> 63) as u64;
        let mut place = used;
        loop {
            if place >= limit {
                let _ = area;
                return Err(self.stage_limit(256));
            }
            let byte = (rest & 0x7f) as u8;
            rest >>= 7;
            self.put8(place, byte | if rest != 0 { 0x80 } else { 0 });
            place += 1;
            if rest == 0 {
                break;
            }
        }
        self.set_field(stage + at::USED, place);
        self.put_rowid(stage, rowid);
        Ok(())
    }

    pub(crate) fn put_rowid(&mut self, stage: usize, rowid: i64) {
        if let Some(place) = self.arena.get_mut(stage + at::SEQUENCE..).and_then(|rest| rest.first_chunk_mut::<8>()) {
            *place = rowid.to_le_bytes();
        }
    }

    pub(crate) fn rowset_next(&mut self) -> Result<()> {
        let (number, cursor, table) = (self.operand(), self.operand(), self.u16());
        let stage = self.stage(number);
        if !self.stage_flag(stage, flag::READING) {
            self.set_stage_flag(stage, flag::READING, true);
            let area = self.field(stage + at::AREA);
            self.set_field(stage + at::CURRENT, area);
            self.set_field(stage + at::BUMP, self.bump);
            self.put_rowid(stage, 0);
        }
        loop {
            self.bump = self.field(stage + at::BUMP);
            let mut place = self.field(stage + at::CURRENT);
            if place >= self.field(stage + at::USED) {
                self.jump_if(true);
                return Ok(());
            }
            let (mut rest, mut shift) = (0u64, 0u32);
            loop {
                let byte = self.get8(place);
                place += 1;
                rest |= u64::from(byte & 0x7f) << shift.min(63);
                shift += 7;
                if byte & 0x80 == 0 || shift > 63 {
                    break;
                }
            }
            self.set_field(stage + at::CURRENT, place);
            let difference = (rest >> 1) as i64 ^ -((rest & 1) as i64);
            let before = i64::from_le_bytes(
                self.arena
                    .get(stage + at::SEQUENCE..)
                    .and_then(|rest| rest.first_chunk::<8>())
                    .copied()
                    .unwrap_or([0; 8]),
            );
            let rowid = before.wrapping_add(difference);
            self.put_rowid(stage, rowid);
            // A row that is gone by now was deleted by a REPLACE of this statement.
            if self.move_to(cursor, table, rowid)? {
                self.jump_if(false);
                return Ok(());
            }
        }
    }
}
