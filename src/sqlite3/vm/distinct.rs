//! DISTINCT, in the order in which rows are first seen.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::stage::{HEAD, at, flag};
use super::{Machine, Result};

impl Machine<'_> {
    // ---- DISTINCT

    /// Rows come out in the order in which they are first seen. While all keys fit, they come out at once. When the area is
    /// full at a row, the loops run thrice for each further chunk: to gather its keys (phase 1), to strike out those that
    /// rows before the chunk have too (2), and to let the others through (3).
    pub(crate) fn distinct(&mut self) -> Result<()> {
        self.enter_stage();
        let columns = self.u16();
        let orders = self.pc;
        self.pc += columns;
        let row = self.next_sequence();
        let (from, behind) = (self.get32(self.stage + at::FROM), self.get32(self.stage + at::BEHIND));
        let phase = self.in_stage8(at::PHASE);
        let full = self.stage_flag(flag::LOST);
        let mine = match phase {
            0 | 1 => row >= from && !full,
            2 => row < from,
            _ => row >= from && (!full || row < behind),
        };
        if !mine {
            self.jump_if(true);
            return Ok(());
        }
        let sp = self.sp;
        let len = self.make_key(orders, columns, None)?;
        self.sp = sp;
        let used = self.in_stage(at::USED);
        let mut entry = self.in_stage(at::AREA);
        let key = self.new_key(len);
        while entry < used && self.entry_key(entry) != key {
            entry += self.field(entry) & 0x7fff;
        }
        let known = entry < used;
        let struck = known && self.field(entry) & 0x8000 != 0;
        let mut pass = false;
        match phase {
            0 | 1 if !known => {
                let size = HEAD + len;
                if used + size > self.in_stage(at::LIMIT) {
                    if used == self.in_stage(at::AREA) {
                        return Err(self.stage_limit(size));
                    }
                    self.set_stage_flag(flag::LOST, true);
                    self.put32(self.stage + at::BEHIND, row);
                } else {
                    self.put_entry(used, size, len);
                    self.put_in_stage(at::USED, used + size);
                    pass = phase == 0;
                }
            }
            2 if known => self.set_field(entry, self.field(entry) | 0x8000),
            3 if known && !struck => {
                self.set_field(entry, self.field(entry) | 0x8000);
                pass = true;
            }
            _ => {}
        }
        self.jump_if(!pass);
        Ok(())
    }

    /// The next phase; whether there is one.
    pub(crate) fn distinct_more(&mut self) -> bool {
        self.put32(self.stage + at::SEQUENCE, 0);
        let phase = match self.in_stage8(at::PHASE) {
            1 => 2,
            2 => 3,
            _ if !self.stage_flag(flag::LOST) => return false,
            _ => {
                let behind = self.get32(self.stage + at::BEHIND);
                self.put32(self.stage + at::FROM, behind);
                self.set_stage_flag(flag::LOST, false);
                let area = self.in_stage(at::AREA);
                self.put_in_stage(at::USED, area);
                1
            }
        };
        self.put8(self.stage + at::PHASE, phase);
        true
    }
}
