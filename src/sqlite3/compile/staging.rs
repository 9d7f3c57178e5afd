//! The stages of a SELECT: what must be known before its loops begin.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::frame::{f, flag};
use super::select::step;
use super::template::{GOTO, HERE, IF, LOW, NEW, PATCH};
use super::*;
use crate::sqlite3::program::Op;
use crate::sqlite3::token::Kind;
use crate::sqlite3::vm::stage;

impl Compiler<'_> {
    // ---- stages

    /// With groups, what is done for each of them is compiled first, and jumped over.
    pub(crate) fn prepare(&mut self) {
        if crate::sqlite3::FULL && self.flagged(flag::COMPOUND) {
            return self.compound_begin();
        }
        if self.own(f::ORDER) != NONE || self.flagged(flag::GATHER) {
            self.stage_in(f::SORT);
        }
        if self.distinct_by_order() {
            self.set_flagged(flag::UNIQUE, true);
        } else if self.flagged(flag::DISTINCT) {
            self.stage_in(f::DISTINCT);
        }
        if !self.flagged(flag::AGGREGATE) {
            return self.stages();
        }
        self.stage_in(f::GROUP_STAGE);
        self.emit(&[Op::Jump as u8, NEW, f::CODE, HERE, f::OUT, GOTO, step::HAVING as u8]);
        self.set_own(f::MODE, 1);
    }

    /// Whether rows that differ differ in the terms of ORDER BY, so that the sorter alone makes them distinct: every
    /// result column is a term, by number or alias.
    pub(crate) fn distinct_by_order(&mut self) -> bool {
        let order = self.own(f::ORDER);
        if order == NONE || !self.flagged(flag::DISTINCT) {
            return false;
        }
        let (mut at, mut columns) = (self.own(f::RESULT), 0);
        while at != NONE {
            columns += self.width(at);
            at = self.item_at(at).next;
        }
        self.set_own(f::COLUMNS, columns);
        self.go(order);
        let mut covered = 0u32;
        loop {
            match self.named_column() {
                Some(column) if column < 32 => covered |= 1 << column,
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
    pub(crate) fn stages(&mut self) {
        if self.own(f::MODE) == 1 {
            self.set_own(f::MODE, 0);
            self.set_own(f::NEXT_GROUP, self.own(f::NEXT));
            self.set_own(f::NEXT, NONE);
            self.emit(&[HERE, f::OUT_END, PATCH, f::CODE]);
        }
        const START: u8 = Op::StageStart as u8;
        const PASS: u8 = Op::StagePass as u8;
        self.sorter(if self.flagged(flag::UNIQUE) { stage::UNIQUE } else { stage::SORT });
        let distinct = LOW | f::DISTINCT;
        self.emit(&[IF, f::DISTINCT, START, distinct, stage::DISTINCT, 0, 0, HERE, f::DISTINCT_PASS, PASS, distinct]);
        if self.own(f::GROUP_STAGE) != NONE {
            self.emit(&[START, LOW | f::GROUP_STAGE]);
            self.byte(if self.own(f::GROUP) == NONE { stage::SINGLE } else { stage::GROUP });
            self.emit(&[LOW | f::AGGREGATES, 0, HERE, f::GROUP_PASS, PASS, LOW | f::GROUP_STAGE]);
        }
        self.set_own(f::AT, self.own(f::SOURCES));
        if self.own(f::SOURCES) != 0 { self.open_source() } else { self.filter() }
    }

    /// The stage of the sorter, if there is one, and the label of its passes.
    pub(crate) fn sorter(&mut self, kind: u8) {
        if self.own(f::SORT) != NONE {
            self.emit(&[Op::StageStart as u8, LOW | f::SORT]);
            self.byte(kind);
            self.emit(&[LOW | f::LIMIT_LOCAL, LOW | f::OFFSET_LOCAL, HERE, f::SORT_PASS]);
            self.emit(&[Op::StagePass as u8, LOW | f::SORT]);
        }
    }

    /// A new stage, whose number is kept in a field.
    #[inline(never)]
    pub(crate) fn stage_in(&mut self, field: u8) {
        let stage = self.new_stage();
        self.set_own(field, stage.into());
    }
}
