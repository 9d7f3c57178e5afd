//! Stages: what sorts, groups and remembers rows in a fixed stretch of the lent bytes.
//!
//! Contract: ORDER BY, GROUP BY and the like are one operator: it keeps the smallest keys above a watermark, as many as
//! fit, and forgets the larger ones. When the loops have run through, what was kept is complete and comes out in order;
//! if anything was forgotten, the loops run again, with the last key as the watermark. Memory decides how
//! often they run, never what comes out.
//!
//! A stage in the lent bytes:
//!
//! ```text
//! kind u8 · flags u8 · area: begin u16, end u16 · end of entries u16 · entries u16 · length of the watermark u16
//! · rows seen u32 · first row of the chunk u32 · first row behind it u32 · entry at hand u16 · two numbers u8 · phase u8
//! · last entry u16 · rank above which no key is kept u32 · end of the scratch when reading began u16
//! ```
//!
//! In the area: the watermark, then entries in the order of their keys: length u16 · length of the key u16 · key · the rest.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::{Machine, Result, STAGE};
use crate::sqlite3::error::{Error, ErrorKind};

// The kinds of stages, as the compiler and the machine number them.

/// Rows in the order of keys.
pub(crate) const SORT: u8 = 1;
/// Rows seen before.
pub(crate) const DISTINCT: u8 = 2;
/// Groups by keys.
pub(crate) const GROUP: u8 = 3;
/// The one group of an aggregate without GROUP BY.
pub(crate) const SINGLE: u8 = 4;
/// As SORT, of rows that differ in their keys.
pub(crate) const UNIQUE: u8 = 6;
/// Rows of a compound SELECT that differ.
pub(crate) const UNITED: u8 = 7;
/// A set of rowids.
pub(crate) const ROWSET: u8 = 5;

/// Fields of a stage.
#[rustfmt::skip]
pub(crate) mod at {
    pub(crate) const KIND: usize = 0;
    pub(crate) const FLAGS: usize = 1;
    pub(crate) const AREA: usize = 2;
    pub(crate) const LIMIT: usize = 4;
    pub(crate) const USED: usize = 6;
    pub(crate) const COUNT: usize = 8;
    pub(crate) const MARK: usize = 10;
    pub(crate) const SEQUENCE: usize = 12;
    pub(crate) const FROM: usize = 16;
    pub(crate) const BEHIND: usize = 20;
    pub(crate) const CURRENT: usize = 24;
    pub(crate) const A: usize = 26;
    pub(crate) const B: usize = 27;
    pub(crate) const PHASE: usize = 28;
    pub(crate) const LAST: usize = 30;
    pub(crate) const RANK: usize = 32;
    pub(crate) const BUMP: usize = 36;
}

/// Flags of a stage.
#[rustfmt::skip]
pub(crate) mod flag {
    /// Something was forgotten: another pass is needed.
    pub(crate) const MORE: u8 = 1;
    /// There is a watermark.
    pub(crate) const MARKED: u8 = 2;
    /// The group at hand is new.
    pub(crate) const FRESH: u8 = 4;
    /// This row gives the bare columns.
    pub(crate) const HIT: u8 = 8;
    /// The group at hand was forgotten.
    pub(crate) const LOST: u8 = 16;
    /// Reading has begun.
    pub(crate) const READING: u8 = 32;
}

/// Bytes before the key of an entry.
pub(crate) const HEAD: usize = 4;

impl Machine<'_> {
    /// The stage whose number is the next operand becomes the one at hand.
    #[cfg_attr(not(fast), inline(never))]
    pub(crate) fn enter_stage(&mut self) {
        self.stage = self.layout.stages + self.u8() * STAGE;
    }

    /// A field of the stage at hand.
    #[cfg_attr(fast, inline)]
    #[cfg_attr(not(fast), inline(never))]
    pub(crate) fn in_stage(&self, field: usize) -> usize {
        self.field(self.stage + field)
    }

    #[cfg_attr(not(fast), inline(never))]
    pub(crate) fn put_in_stage(&mut self, field: usize, value: usize) {
        self.set_field(self.stage + field, value);
    }

    #[cfg_attr(not(fast), inline(never))]
    pub(crate) fn in_stage8(&self, field: usize) -> u8 {
        self.get8(self.stage + field)
    }

    #[cfg_attr(not(fast), inline(never))]
    pub(crate) fn get8(&self, at: usize) -> u8 {
        self.arena.get(at).copied().unwrap_or(0)
    }

    #[cfg_attr(not(fast), inline(never))]
    pub(crate) fn put8(&mut self, at: usize, byte: u8) {
        if let Some(place) = self.arena.get_mut(at) {
            *place = byte;
        }
    }

    #[cfg_attr(not(fast), inline(never))]
    pub(crate) fn get32(&self, at: usize) -> u32 {
        self.arena.get(at..).and_then(|rest| rest.first_chunk::<4>()).map_or(0, |bytes| u32::from_le_bytes(*bytes))
    }

    #[cfg_attr(not(fast), inline(never))]
    pub(crate) fn put32(&mut self, at: usize, value: u32) {
        if let Some(place) = self.arena.get_mut(at..).and_then(|rest| rest.first_chunk_mut::<4>()) {
            *place = value.to_le_bytes();
        }
    }

    pub(crate) fn stage_flag(&self, bit: u8) -> bool {
        self.in_stage8(at::FLAGS) & bit != 0
    }

    pub(crate) fn set_stage_flag(&mut self, bit: u8, on: bool) {
        let flags = self.in_stage8(at::FLAGS);
        self.put8(self.stage + at::FLAGS, if on { flags | bit } else { flags & !bit });
    }

    /// The stage's area is too small for what it must hold.
    pub(crate) fn stage_limit(&self, more: usize) -> Error {
        let stages = usize::from(self.program.most.stages).max(1);
        Error::limit(self.arena.len() + (more.max(16) * stages * 4).div_ceil(3))
    }

    /// A stage begins: nothing was seen.
    pub(crate) fn stage_start(&mut self) -> Result<()> {
        self.enter_stage();
        let (kind, a, b) = (self.operand(), self.operand(), self.operand());
        let (stage, share) = (self.stage, self.layout.share);
        let area = self.layout.areas + (stage - self.layout.stages) / STAGE * share;
        if let Some(block) = self.arena.get_mut(stage..stage + STAGE) {
            block.fill(0);
        }
        self.put8(self.stage + at::KIND, kind as u8);
        self.put_in_stage(at::AREA, area);
        self.put_in_stage(at::LIMIT, area + share);
        self.put_in_stage(at::USED, area);
        self.put8(self.stage + at::A, a as u8);
        self.put8(self.stage + at::B, b as u8);
        if kind as u8 != ROWSET {
            self.state.seen = self.session.writes;
        }
        Ok(())
    }

    /// A pass begins: what the last one kept came out, its largest key is the watermark.
    pub(crate) fn stage_pass(&mut self) -> Result<()> {
        self.enter_stage();
        let area = self.in_stage(at::AREA);
        let kind = self.in_stage8(at::KIND);
        if kind == DISTINCT {
            return Ok(());
        }
        if matches!(kind, SORT | UNIQUE | UNITED | GROUP) && self.stage_flag(flag::MORE) {
            let last = self.in_stage(at::LAST);
            let len = self.field(last + 2);
            self.shift(last + HEAD, len, area);
            self.put_in_stage(at::MARK, len);
            self.set_stage_flag(flag::MARKED, true);
        }
        let start = area + self.in_stage(at::MARK);
        self.put_in_stage(at::USED, start);
        self.put_in_stage(at::COUNT, 0);
        self.put_in_stage(at::CURRENT, 0);
        self.put32(self.stage + at::SEQUENCE, 0);
        if cfg!(fast) {
            self.put32(self.stage + at::RANK, u32::MAX);
        }
        self.set_stage_flag(flag::MORE | flag::READING, false);
        if self.in_stage8(at::KIND) == SINGLE {
            self.new_group(start);
        }
        Ok(())
    }

    /// Jumps back if another pass is needed.
    pub(crate) fn stage_more(&mut self) -> Result<()> {
        self.turn()?;
        self.enter_stage();
        let mut more = self.stage_flag(flag::MORE);
        if self.in_stage8(at::KIND) == DISTINCT {
            more = self.distinct_more();
        }
        if more && self.session.writes != self.state.seen {
            return Err(ErrorKind::Busy.into());
        }
        if !more {
            self.bump = self.bump.max(self.layout.scratch);
        }
        self.jump_if(more);
        Ok(())
    }

    /// Rows that were gathered once must all have found room.
    pub(crate) fn stage_once(&mut self) -> Result<()> {
        self.enter_stage();
        if self.stage_flag(flag::MORE) { Err(self.stage_limit(256)) } else { Ok(()) }
    }

    pub(crate) fn next_sequence(&mut self) -> u32 {
        let sequence = self.get32(self.stage + at::SEQUENCE);
        self.put32(self.stage + at::SEQUENCE, sequence.wrapping_add(1));
        sequence
    }
}
