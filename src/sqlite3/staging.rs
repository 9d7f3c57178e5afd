//! The stages of a SELECT: what must be known before its loops begin.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::compile::*;
use super::error::Result;
use super::frame::{f, flag};
use super::program::Op;
use super::select::step;
use super::stage;
use super::token::Kind;

impl Compiler<'_> {
    // ---- stages

    /// With groups, what is done for each of them is compiled first, and jumped over.
    pub(crate) fn prepare(&mut self) -> Result<()> {
        let frame = self.frame;
        if super::FULL && self.has(frame, flag::COMPOUND) {
            return self.compound_begin();
        }
        if self.get(frame, f::ORDER) != NONE || self.has(frame, flag::GATHER) {
            let stage = self.new_stage()?;
            self.put(frame, f::SORT, stage.into());
        }
        if self.distinct_by_order() {
            self.set_flag(frame, flag::UNIQUE, true);
        } else if self.has(frame, flag::DISTINCT) {
            let stage = self.new_stage()?;
            self.put(frame, f::DISTINCT, stage.into());
        }
        if !self.has(frame, flag::AGGREGATE) {
            self.goto(step::STAGES);
            return Ok(());
        }
        let stage = self.new_stage()?;
        self.put(frame, f::GROUP_STAGE, stage.into());
        self.op(Op::Jump)?;
        let start = self.chain(NONE)?;
        self.put(frame, f::CODE, start);
        self.put(frame, f::OUT, self.here());
        self.put(frame, f::MODE, 1);
        self.goto(step::HAVING);
        Ok(())
    }

    /// Whether rows that differ differ in the terms of ORDER BY, so that the sorter alone makes them distinct: every
    /// result column is a term, by number or alias.
    pub(crate) fn distinct_by_order(&mut self) -> bool {
        let frame = self.frame;
        let order = self.get(frame, f::ORDER);
        if order == NONE || !self.has(frame, flag::DISTINCT) {
            return false;
        }
        let (mut at, mut columns) = (self.get(frame, f::RESULT), 0);
        while let Some(item) = self.item_at(at) {
            columns += self.width(at);
            match item.next {
                Some(next) => at = next,
                None => break,
            }
        }
        self.put(frame, f::COLUMNS, columns);
        self.go(order);
        let mut covered = 0u32;
        loop {
            match self.named_column() {
                Ok(Some(column)) if column < 32 => covered |= 1 << column,
                _ => return false,
            }
            self.advance();
            match self.token.kind {
                Kind::Collate => return false,
                Kind::Asc | Kind::Desc => {
                    self.advance();
                }
                _ => {}
            }
            if !self.accept(Kind::Comma) {
                break;
            }
        }
        self.token.kind != Kind::Nulls && columns <= 31 && covered == (1 << columns) - 1
    }

    /// The group's output is complete: the stages begin.
    pub(crate) fn stages(&mut self) -> Result<()> {
        let frame = self.frame;
        if self.get(frame, f::MODE) == 1 {
            self.put(frame, f::MODE, 0);
            self.put(frame, f::OUT_END, self.here());
            self.put(frame, f::NEXT_GROUP, self.get(frame, f::NEXT));
            self.put(frame, f::NEXT, NONE);
            self.patch_here(self.get(frame, f::CODE));
        }
        let (limit, offset) = (self.get(frame, f::LIMIT_LOCAL) as u8, self.get(frame, f::OFFSET_LOCAL) as u8);
        let sort = self.get(frame, f::SORT);
        if sort != NONE {
            let kind = if self.has(frame, flag::UNIQUE) { stage::UNIQUE } else { stage::SORT };
            self.stage_start(sort as u8, kind, limit, offset)?;
            self.put(frame, f::SORT_PASS, self.here());
            self.op1(Op::StagePass, sort as u8)?;
        }
        let distinct = self.get(frame, f::DISTINCT);
        if distinct != NONE {
            self.stage_start(distinct as u8, stage::DISTINCT, 0, 0)?;
            self.put(frame, f::DISTINCT_PASS, self.here());
            self.op1(Op::StagePass, distinct as u8)?;
        }
        let group = self.get(frame, f::GROUP_STAGE);
        if group != NONE {
            let kind = if self.get(frame, f::GROUP) == NONE { stage::SINGLE } else { stage::GROUP };
            let aggregates = self.get(frame, f::AGGREGATES) as u8;
            self.stage_start(group as u8, kind, aggregates, 0)?;
            self.put(frame, f::GROUP_PASS, self.here());
            self.op1(Op::StagePass, group as u8)?;
        }
        self.put(frame, f::AT, self.get(frame, f::SOURCES));
        if self.get(frame, f::SOURCES) != 0 {
            self.goto(step::LOOP);
        } else {
            self.goto(step::FILTER);
        }
        Ok(())
    }

    pub(crate) fn stage_start(&mut self, stage: u8, kind: u8, a: u8, b: u8) -> Result<()> {
        self.bytes(&[Op::StageStart as u8, stage, kind, a, b])
    }
}
