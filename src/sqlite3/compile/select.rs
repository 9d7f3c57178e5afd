//! SELECT, clause by clause.
//!
//! Contract: a SELECT is compiled by steps, each of which ends when it has begun an expression or another frame; the next
//! step goes on behind it. Clauses are read in the order in which code is needed, not in that of the text. The code:
//!
//! ```text
//! limit, offset                          into locals
//! jump S                                 only with groups:
//! O: having, result columns, output      what is done for a group
//! S: stages of order, distinct, groups   each with the label of its passes
//! open, next, filter                     for each source, in the order of FROM
//! result columns, output                 or the steps of the aggregates
//! ends of the loops
//! next group: jump O; next pass
//! next of the sorter, output; next pass
//! ```
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::frame::{FRAME, f, flag, s};
use super::template::{CHAIN, GOTO, GROW, HERE, IF, LOW, NEW, PATCH, SHRINK, WORD};
use super::write::at;
use super::*;
use crate::sqlite3::error::ErrorKind;
use crate::sqlite3::program::Op;
use crate::sqlite3::token::Kind;
use crate::sqlite3::vm::keep::NO_SET;

/// Where rows go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
pub(crate) enum Output {
    /// To the caller.
    Rows,
    /// The first value of the first row, into a place of the stack.
    Scalar,
    /// 1 into a place of the stack, if there is a row.
    Exists,
    /// Whether the value below the place is among the rows.
    In,
    /// Into locals, from which the outer frame inserts.
    Insert,
    /// They are the rows of a source of the outer frame.
    Source,
    /// Nowhere: only what the columns are is asked.
    Describe,
    /// It is a part of a compound SELECT, which is the outer frame: see compound.rs.
    Part,
}

/// What goes on when a SELECT is complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
pub(crate) enum Resume {
    /// The statement.
    Statement,
    /// An expression, which got an operand.
    Operand,
    /// The outer frame's step.
    Step,
}

/// The steps.
#[rustfmt::skip]
pub(crate) mod step {
    pub(crate) const LIMIT: u16 = 0;
    pub(crate) const LIMIT_1: u16 = 1;
    pub(crate) const HAVING: u16 = 4;
    pub(crate) const HAVING_1: u16 = 5;
    pub(crate) const RESULT: u16 = 6;
    pub(crate) const ITEM: u16 = 7;
    pub(crate) const ITEM_1: u16 = 8;
    pub(crate) const KEY: u16 = 9;
    pub(crate) const KEY_1: u16 = 10;
    pub(crate) const OUTPUT: u16 = 11;
    pub(crate) const STAGES: u16 = 12;
    pub(crate) const LOOP: u16 = 13;
    pub(crate) const PLAN_1: u16 = 14;
    pub(crate) const OPENED: u16 = 15;
    pub(crate) const ON_1: u16 = 16;
    pub(crate) const FILTER: u16 = 17;
    pub(crate) const FILTER_1: u16 = 18;
    pub(crate) const GROUP: u16 = 20;
    pub(crate) const GROUP_1: u16 = 21;
    pub(crate) const STEP: u16 = 22;
    pub(crate) const STEP_1: u16 = 23;
    pub(crate) const UNWIND: u16 = 25;
    pub(crate) const FINISH: u16 = 26;
    /// A subquery of the FROM is described; its rows are all handed on.
    pub(crate) const DESCRIBED: u16 = 27;
    pub(crate) const CLOSED: u16 = 28;
    pub(crate) const SORTED: u16 = 29;
    pub(crate) const FROM: u16 = 30;
    /// A SELECT of a compound one begins; it is complete.
    pub(crate) const PART: u16 = 2;
    pub(crate) const PART_1: u16 = 31;
    /// Steps from here on belong to statements that write: see write.rs.
    pub(crate) const WRITE: u16 = 32;
}

impl Compiler<'_> {
    /// Begins the SELECT at the current token.
    pub(crate) fn begin_select(&mut self, output: Output, resume: Resume, place: u8, extra: u16, start: u16) {
        self.expect_select();
        self.push_frame();
        self.set_own(f::STEP, step::LIMIT);
        self.set_own(f::OUTPUT, output as u16);
        self.set_own(f::RESUME, resume as u16);
        self.set_own(f::PLACE, place.into());
        self.set_own(f::EXTRA, extra);
        self.set_own(f::START, start);
        let first = self.advance().start();
        if self.accept(Kind::Distinct) {
            self.set_flagged(flag::DISTINCT, true);
        } else {
            self.accept(Kind::All);
        }
        self.set_own(f::RESULT, self.token.start());
        self.clauses();
        if self.flagged(flag::COMPOUND) {
            self.set_own(f::RESULT, NONE);
            self.set_own(f::TOKEN, first);
        }
        if self.own(f::FROM) != NONE {
            self.go(self.own(f::FROM));
            self.set_own(f::STEP, step::FROM);
            self.set_own(f::POS, 0);
        }
        self.mode = Mode::Step;
    }

    /// What stands here must be a SELECT: VALUES and WITH are not taken in its place.
    #[inline(never)]
    pub(crate) fn expect_select(&mut self) {
        match self.token.kind {
            Kind::Select => {}
            Kind::Values => self.fail_here(ErrorKind::Unsupported),
            _ => self.fail_unexpected(),
        }
    }

    pub(crate) fn goto(&mut self, step: u16) {
        self.set_own(f::STEP, step);
        self.mode = Mode::Step;
    }

    pub(crate) fn go_clause(&mut self, field: u8) {
        self.go(self.own(field));
    }

    /// One step of the current frame.
    pub(crate) fn step(&mut self) {
        // A table of functions: each is compiled for itself, so that its jumps are short.
        let step: fn(&mut Self) = match self.own(f::STEP) {
            step::LIMIT => Self::limit_begin,
            step::LIMIT_1 => Self::limit,
            step::HAVING => Self::having,
            step::HAVING_1 if crate::sqlite3::FULL => Self::having_end,
            step::RESULT => Self::result_begin,
            step::ITEM => Self::item_begin,
            step::ITEM_1 => Self::item_end,
            step::KEY => Self::key_begin,
            step::KEY_1 => Self::key_end,
            step::OUTPUT => Self::output,
            step::STAGES => Self::stages,
            step::LOOP => Self::open_source,
            step::PLAN_1 => Self::plan_value,
            step::OPENED => Self::opened,
            step::ON_1 if crate::sqlite3::FULL => Self::on_end,
            step::FILTER => Self::filter,
            step::FILTER_1 => Self::filter_end,
            step::GROUP if crate::sqlite3::FULL => Self::group_key,
            step::GROUP_1 if crate::sqlite3::FULL => Self::group_key_end,
            step::STEP => Self::aggregate_step,
            step::STEP_1 => Self::aggregate_argument,
            step::UNWIND => Self::unwind,
            step::FINISH => Self::finish,
            step::CLOSED if crate::sqlite3::FULL => Self::closed,
            step::SORTED => Self::sorted_end,
            step::FROM => Self::source_begin,
            step::PART if crate::sqlite3::FULL => Self::part_begin,
            step::PART_1 if crate::sqlite3::FULL => Self::part_end,
            at::VALUE_1 => Self::value,
            at::DEFAULT_1 => Self::default_end,
            at::REPLACED => Self::replaced,
            at::CHECKED => Self::checked,
            at::SELECTED => Self::write_end,
            at::SET => Self::set,
            at::SET_1 => Self::set_end,
            at::CHECK => Self::check,
            at::CHECK_1 => Self::check_end,
            _ => Self::lost,
        };
        step(self);
    }

    /// There is no such step.
    fn lost(&mut self) {
        self.fail_here(ErrorKind::Internal);
    }

    fn limit_begin(&mut self) {
        if self.own(f::LIMIT) == NONE {
            return self.prepare();
        }
        self.goto(step::LIMIT_1);
        self.set_own(f::MODE, 3);
        self.expression_at(self.own(f::LIMIT))
    }

    fn having(&mut self) {
        if self.own(f::HAVING) == NONE {
            return self.result_begin();
        }
        self.goto(step::HAVING_1);
        self.expression_at(self.own(f::HAVING))
    }

    fn having_end(&mut self) {
        self.clause_end();
        self.emit(&[Op::IfNot as u8, CHAIN | f::NEXT, SHRINK, 1, GOTO, step::RESULT as u8]);
    }

    pub(crate) fn result_begin(&mut self) {
        self.set_own(f::COLUMNS, 0);
        self.set_own(f::COLUMN_LIST, self.top as u16);
        self.go_clause(f::RESULT);
        self.item_begin()
    }

    // ---- output

    /// The row is complete: goes on to the next one.
    pub(crate) fn row_done(&mut self) {
        self.top = self.own(f::COLUMN_LIST).into();
        self.now.depth = self.own(f::DEPTH) as u8;
        if self.flagged(flag::SORTING) {
            self.goto(step::SORTED);
        } else if self.own(f::MODE) == 1 {
            self.emit(&[Op::Jump as u8, CHAIN | f::NEXT, GOTO, step::STAGES as u8]);
        } else {
            self.goto(step::UNWIND);
        }
    }

    pub(crate) fn output(&mut self) {
        let output = self.own(f::OUTPUT);
        if output == Output::Insert as u16 || (crate::sqlite3::FULL && output == Output::Source as u16) {
            // The outer frame compiles what is done with the row, and comes back.
            self.emit_offset(f::NEXT);
            return if !crate::sqlite3::FULL || output == Output::Insert as u16 {
                self.insert_row()
            } else {
                self.hand_on()
            };
        }
        if crate::sqlite3::FULL && output == Output::Part as u16 {
            self.part_row();
            return self.row_done();
        }
        self.emit_output(f::NEXT);
        self.row_done()
    }

    /// Code that gives the row on the stack to where rows go. OFFSET skips to the chain in `skip`.
    pub(crate) fn emit_output(&mut self, skip: u8) {
        self.emit_offset(skip);
        self.emit_row()
    }

    /// The same, behind OFFSET.
    pub(crate) fn emit_row(&mut self) {
        const STORE: u8 = Op::Store as u8;
        const JUMP: u8 = Op::Jump as u8;
        let output = self.own(f::OUTPUT);
        if crate::sqlite3::FULL && output == Output::Exists as u16 {
            self.emit(&[GROW, 1, Op::Int8 as u8, 1, STORE, LOW | f::PLACE, SHRINK, 1, JUMP, CHAIN | f::FINISH]);
        } else if crate::sqlite3::FULL && (output == Output::Scalar as u16 || output == Output::In as u16) {
            if self.own(f::COLUMNS) != 1 {
                return self.fail_here(ErrorKind::Schema);
            }
            if output == Output::Scalar as u16 {
                self.emit(&[STORE, LOW | f::PLACE, JUMP, CHAIN | f::FINISH]);
            } else {
                let left = Operand::unpack(self.own(f::EXTRA) as u8, 0);
                let right = Operand::unpack(self.own(f::FIRST) as u8, 0);
                self.emit(&[Op::InRow as u8, LOW | f::PLACE]);
                self.byte(Operand::member(left, right));
                self.emit(&[LOW | f::LOCALS, CHAIN | f::FINISH]);
            }
        } else {
            self.emit(&[Op::Result as u8, LOW | f::COLUMNS]);
        }
        self.emit_limit()
    }

    pub(crate) fn emit_offset(&mut self, skip: u8) {
        let offset = self.own(f::OFFSET_LOCAL);
        if offset != NONE {
            self.op1(Op::Skip, offset as u8);
            self.chain_own(skip);
        }
    }

    pub(crate) fn emit_limit(&mut self) {
        if self.own(f::LIMIT_LOCAL) != NONE {
            self.emit(&[Op::Count as u8, LOW | f::LIMIT_LOCAL, CHAIN | f::FINISH]);
        }
    }

    /// Behind all loops: groups, distinct rows and sorted rows come out, and the next passes begin.
    pub(crate) fn finish(&mut self) {
        if self.is_write() {
            return self.write_finish();
        }
        self.now.depth = self.own(f::DEPTH) as u8;
        if self.own(f::GROUP_STAGE) & self.own(f::DISTINCT) & self.own(f::SORT) == NONE {
            // There is no stage.
            return self.complete();
        }
        const MORE: u8 = Op::StageMore as u8;
        self.emit(&[
            IF,
            f::GROUP_STAGE,
            PATCH,
            f::NEXT_GROUP,
            Op::GroupNext as u8,
            LOW | f::GROUP_STAGE,
            LOW | f::DEPTH,
            NEW,
            f::NEXT_GROUP,
            Op::Jump as u8,
            WORD,
            f::OUT,
            PATCH,
            f::NEXT_GROUP,
            MORE,
            LOW | f::GROUP_STAGE,
            WORD,
            f::GROUP_PASS,
        ]);
        self.emit(&[IF, f::DISTINCT, MORE, LOW | f::DISTINCT, WORD, f::DISTINCT_PASS]);
        if self.own(f::SORT) == NONE {
            return self.complete();
        }
        self.emit(&[
            HERE,
            f::OUT,
            Op::SortNext as u8,
            LOW | f::SORT,
            LOW | f::COLUMNS,
            LOW | f::DEPTH,
            NEW,
            f::OUT_END,
            GOTO,
            step::OUTPUT as u8,
        ]);
        self.grow(self.own(f::COLUMNS) as u8);
        self.set_own(f::COLUMN_LIST, self.top as u16);
        self.set_flagged(flag::SORTING, true);
    }

    /// The output of a sorted row is complete: the next one, then the next pass.
    pub(crate) fn sorted_end(&mut self) {
        self.patch(self.own(f::NEXT), self.own(f::OUT));
        self.emit(&[Op::Jump as u8, WORD, f::OUT, PATCH, f::OUT_END]);
        if self.flagged(flag::GATHER) {
            self.emit(&[Op::StageOnce as u8, LOW | f::SORT]);
        } else {
            self.emit(&[Op::StageMore as u8, LOW | f::SORT, WORD, f::SORT_PASS]);
        }
        self.now.depth = self.own(f::DEPTH) as u8;
        self.complete()
    }

    /// The code of the SELECT is complete.
    pub(crate) fn complete(&mut self) {
        self.emit(&[PATCH, f::FINISH, Op::Depth as u8, LOW | f::DEPTH]);
        let (resume, start) = (self.own(f::RESUME), self.own(f::START));
        let (output, extra) = (self.own(f::OUTPUT), self.own(f::EXTRA));
        let (once, set, place) = (self.own(f::ONCE), self.own(f::LOCALS) as u8, self.own(f::PLACE) as u8);
        let back = self.own(f::BACK);
        let (first, outer) = (Operand::unpack(self.own(f::FIRST) as u8, start), self.flagged(flag::OUTER));
        self.go(self.own(f::END));
        if resume == Resume::Statement as u16 {
            self.op(Op::Halt);
            return self.end_of_select();
        }
        self.top = self.frame + FRAME;
        self.forget_numbers();
        self.go_back_to(self.own(f::PARENT).into());
        if !crate::sqlite3::FULL || resume == Resume::Step as u16 {
            self.mode = Mode::Step;
            return;
        }
        self.expect(Kind::RightParen);
        if back != NONE {
            self.go(back);
        }
        if output == Output::In as u16 {
            if outer {
                // Each row outside has a set of its own, which is not kept.
                put16(self.arena, usize::from(once) + 2, NONE);
                if let Some(place) = self.arena.get_mut(usize::from(once) + 1) {
                    *place = NO_SET;
                }
            } else {
                self.patch(once + 2, self.here());
                let left = Operand::unpack(extra as u8, 0);
                let comparison = Operand::member(left, first);
                self.bytes(&[Op::InFind as u8, place, comparison, set]);
            }
            return self.member_done(Operand::unpack(extra as u8, start), (extra >> 8) as u8);
        }
        // What does not depend on the rows outside is computed once.
        if outer {
            put16(self.arena, usize::from(start) + 2, NONE);
            self.op(Op::Settle);
        } else {
            self.op1(Op::OnceSave, extra as u8);
            self.patch(start + 2, self.here());
        }
        let operand = if output == Output::Scalar as u16 { first } else { Operand::default() };
        self.operand_done(operand.unwritten(start))
    }

    /// Cursors and stages of the current frame, which is complete, are free again.
    pub(crate) fn forget_numbers(&mut self) {
        let from = usize::from(self.own(f::SOURCES));
        if from != 0 {
            self.now.cursors = self.now.cursors.min(self.get(from, s::CURSOR) as u8);
        }
        for field in [f::SORT, f::DISTINCT, f::GROUP_STAGE] {
            if self.own(field) != NONE {
                self.now.stages = self.now.stages.min(self.own(field) as u8);
            }
        }
        self.now.depth = self.own(f::DEPTH) as u8;
    }

    /// The end of the statement: only a semicolon may follow.
    pub(crate) fn end_of_statement(&mut self) {
        while self.accept(Kind::Semicolon) {}
        if self.token.kind != Kind::End_ {
            return self.fail_unexpected();
        }
        self.mode = Mode::Done;
    }
}
