//! Compound SELECTs: UNION, UNION ALL, EXCEPT, INTERSECT.
//!
//! Contract: the compound is a frame of its own, and each SELECT of it, a part, a frame inside of that one. Operators go from
//! left to right. All parts up to the last operator that makes rows distinct share one stage, which they add rows to
//! or take rows from; the parts behind it (UNION ALL) give their rows directly. With ORDER BY, or where rows go to one place
//! of the code only, all rows pass through a sorter. The code:
//!
//! ```text
//! limit, offset                       as in a SELECT
//! sorter; stage of distinct rows      each with the label of its passes
//! parts                               their rows united in the stage
//! next of the stage, output           or into the sorter; next pass
//! parts                               output, or into the sorter
//! next of the sorter, output; next pass
//! ```
//!
//! Names of columns, their collations and the terms of ORDER BY are known when the first parts are; they stand in the code.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::found::Found;
use super::frame::{f, flag, s};
use super::plan::Stretch;
use super::select::{Output, Resume, step};
use super::template::{HERE, LOW, WORD};
use super::*;
use crate::sqlite3::error::ErrorKind;
use crate::sqlite3::program::Op;
use crate::sqlite3::schema::ROWID;
use crate::sqlite3::token::{Kind, Token, class};
use crate::sqlite3::vm::stage;
use crate::sqlite3::vm::unite::mode;

/// Fields of a compound's frame, in places that only a simple SELECT uses otherwise.
#[rustfmt::skip]
mod c {
    use super::f;
    /// The part at hand, counted from 0, and the last one behind an operator that makes rows distinct.
    pub(crate) const PART: u8 = f::BARE;
    pub(crate) const LAST_SET: u8 = f::AGGREGATES;
    /// The operator before the part at hand.
    pub(crate) const MODE: u8 = f::POS;
    /// Where the collations of the columns, and behind them the terms of ORDER BY, stand in the code.
    pub(crate) const TABLE: u8 = f::SAVED;
}

/// In the table: not known yet.
const UNKNOWN: u8 = 0xff;

impl Compiler<'_> {
    /// UNION and its like, while the clauses are looked for: what was found so far belongs to the parts.
    pub(crate) fn compound_operator(&mut self) {
        if self.own(f::ORDER) != NONE || self.own(f::LIMIT) != NONE {
            // "ORDER BY clause should come before UNION"
            return self.fail_here(ErrorKind::Syntax);
        }
        for clause in [f::FROM, f::WHERE, f::GROUP, f::HAVING] {
            self.set_own(clause, NONE);
        }
        self.set_flagged(flag::COMPOUND, true);
        let part = self.own(c::PART) + 1;
        self.set_own(c::PART, part);
        if self.unite_mode() != mode::ALL {
            self.set_own(c::LAST_SET, part);
        }
        match self.token.kind {
            Kind::Select => {
                self.advance();
            }
            Kind::Values => self.fail_here(ErrorKind::Unsupported),
            _ => self.fail_unexpected(),
        }
    }

    /// The operator at hand; goes behind it.
    fn unite_mode(&mut self) -> u8 {
        match self.advance().kind {
            Kind::Except => mode::EXCEPT,
            Kind::Intersect => mode::INTERSECT,
            _ if self.accept(Kind::All) => mode::ALL,
            _ => mode::UNION,
        }
    }

    /// The stages, behind the code of LIMIT.
    pub(crate) fn compound_begin(&mut self) {
        let output = self.own(f::OUTPUT);
        let one_place = [Output::Source, Output::Insert, Output::In].iter().any(|&one| output == one as u16);
        if one_place || self.own(f::ORDER) != NONE || self.flagged(flag::GATHER) {
            self.stage_in(f::SORT);
            self.sorter(stage::SORT);
        }
        if self.own(c::LAST_SET) != 0 {
            self.stage_in(f::DISTINCT);
            let stage = LOW | f::DISTINCT;
            self.emit(&[Op::StageStart as u8, stage, stage::UNITED, 0, 0, HERE, f::DISTINCT_PASS]);
            self.emit(&[Op::StagePass as u8, stage]);
        }
        self.set_own(c::PART, 0);
        self.set_own(c::MODE, mode::UNION.into());
        self.set_own(c::TABLE, NONE);
        self.go_clause(f::TOKEN);
        self.goto(step::PART);
    }

    pub(crate) fn part_begin(&mut self) {
        self.set_own(f::STEP, step::PART_1);
        let united = self.is_united() && self.own(f::ORDER) == NONE;
        self.begin_select(Output::Part, Resume::Step, 0, 0, 0);
        if united {
            // Of equal rows, EXCEPT and its like keep the last: DISTINCT would keep the first.
            self.set_flagged(flag::DISTINCT, false);
        }
    }

    /// Whether the rows of the part at hand go to the stage of distinct rows.
    fn is_united(&self) -> bool {
        self.own(f::DISTINCT) != NONE && self.own(c::PART) <= self.own(c::LAST_SET)
    }

    // ---- a row of a part

    /// The row of a part is on the stack, and its frame is at hand.
    pub(crate) fn part_row(&mut self) {
        let part = self.frame;
        let frame = usize::from(self.own(f::PARENT));
        let columns = self.own(f::COLUMNS);
        if self.get(frame, c::TABLE) == NONE {
            self.put(frame, f::COLUMNS, columns);
            self.make_table(frame);
        } else if self.get(frame, f::COLUMNS) != columns {
            // "SELECTs to the left and right of UNION do not have the same number of result columns"
            return self.fail_here(ErrorKind::Schema);
        }
        // The collation of a column is that of the first part that has one there.
        let table = usize::from(self.get(frame, c::TABLE));
        for column in 0..columns {
            let (at, operand) = (table + usize::from(column), self.result_column(column));
            if operand.collation() != 0 && self.table_byte(at) == UNKNOWN {
                self.set_table_byte(at, operand.sort_collation() << 1);
            }
        }
        self.put(frame, f::FIRST, self.own(f::FIRST));
        self.match_terms(frame);
        self.enter(frame);
        if self.is_united() {
            let how = match self.own(c::MODE) as u8 {
                mode::ALL => mode::UNION,
                how => how,
            };
            // Rows in order come from each part as the first of those that are equal.
            let number = if self.own(f::ORDER) == NONE { 0 } else { self.own(c::PART) as u8 % 31 + 1 };
            self.unite(f::DISTINCT, how | number << 3);
        } else {
            self.united_row(part);
        }
        self.enter(part);
    }

    /// A row of the compound is on the stack. OFFSET skips to what asks the frame `next` for its next row.
    fn united_row(&mut self, next: usize) {
        if self.own(f::SORT) != NONE {
            return self.unite(f::SORT, mode::SORT);
        }
        let offset = self.own(f::OFFSET_LOCAL);
        if offset != NONE {
            self.op1(Op::Skip, offset as u8);
            let head = self.chain(self.of(next, f::NEXT));
            self.put_of(next, f::NEXT, head);
        }
        self.emit_row()
    }

    /// Code that gives the row on the stack to a stage.
    fn unite(&mut self, stage: u8, how: u8) {
        let (table, columns) = (self.own(c::TABLE), self.own(f::COLUMNS));
        let (list, count) = if how == mode::SORT { (table + columns, self.own(f::KEYS)) } else { (table, columns) };
        self.bytes(&[Op::Unite as u8, self.own(stage) as u8, columns as u8, how]);
        self.word(list);
        self.byte(count as u8)
    }

    /// What is known with the first part, in the code, which jumps over it.
    fn make_table(&mut self, frame: usize) {
        self.op(Op::Jump);
        let behind = self.chain(NONE);
        self.op(Op::Text);
        let len = self.here();
        self.word(0);
        if self.get(frame, f::RESUME) == Resume::Statement as u16 {
            self.names = self.here();
            self.result_names();
        }
        self.put(frame, c::TABLE, self.here());
        for _ in 0..self.get(frame, f::COLUMNS) {
            self.byte(UNKNOWN);
        }
        let (mut at, mut keys) = (self.get(frame, f::ORDER), 0);
        while at != NONE {
            let (term, order) = self.order_term(at);
            self.bytes(&[UNKNOWN, order]);
            keys += 1;
            at = term.next;
        }
        if keys > 64 {
            return self.fail_here(ErrorKind::TooBig);
        }
        self.put(frame, f::KEYS, keys);
        let written = self.here().wrapping_sub(len + 2);
        put16(self.arena, len.into(), written);
        self.patch_here(behind);
    }

    fn table_byte(&self, at: usize) -> u8 {
        self.arena.get(at).copied().unwrap_or(0)
    }

    fn set_table_byte(&mut self, at: usize, byte: u8) {
        if let Some(place) = self.arena.get_mut(at) {
            *place = byte;
        }
    }

    // ---- ORDER BY

    /// The term of ORDER BY at an offset, and its order as the sorter has it; the collation is [`INHERITED`] if none is written.
    fn order_term(&mut self, at: u16) -> (Term, u8) {
        let saved = self.token;
        self.go(at);
        let Walk { end, last, .. } = self.walk(self.token, class::TERM);
        let part = Stretch::new(at, last.start());
        self.token = end;
        let mut order = INHERITED;
        if self.accept(Kind::Collate) {
            order = (self.collation().saturating_sub(1)) << 1;
        }
        order |= self.direction();
        let next = if self.accept(Kind::Comma) {
            self.token.start()
        } else {
            self.clause_end();
            NONE
        };
        self.token = saved;
        (Term { part, next }, order)
    }

    /// Looks for the terms of ORDER BY that are still unknown among the result columns of the part at hand.
    fn match_terms(&mut self, frame: usize) {
        let mut at = self.get(frame, f::ORDER);
        let mut key = usize::from(self.get(frame, c::TABLE) + self.get(frame, f::COLUMNS));
        while at != NONE {
            let term = self.order_term(at).0;
            if self.table_byte(key) == UNKNOWN
                && let Some(column) = self.match_term(term)
            {
                self.set_table_byte(key, column as u8);
            }
            key += 2;
            at = term.next;
        }
    }

    fn match_term(&mut self, term: Term) -> Option<u16> {
        let inner = self.unwrapped(term.part);
        let (first, alone) = (self.lex(inner.begin()), inner.begin() == inner.last());
        let saved = self.token;
        self.go(term.part.begin());
        let numbered = self.numbered_column();
        self.token = saved;
        if numbered.is_some() {
            return numbered;
        }
        let wanted = self.lone_column(term.part);
        let (mut at, mut column, mut found) = (self.own(f::RESULT), 0, None);
        while at != NONE {
            let item = self.item_at(at);
            if alone && self.goes_by(item, first) {
                return Some(column);
            }
            let width = self.width(at);
            let same = match self.star_at(at) {
                Some(table) => self.column_in_star(table, wanted),
                None => self.is_item(Stretch::new(at, item.last()), term.part).then_some(0),
            };
            if let (None, Some(place)) = (found, same) {
                found = Some(column + place);
            }
            column += width;
            at = item.next;
        }
        found
    }

    /// Which of the columns of a star is the one that is wanted.
    fn column_in_star(&self, table: Option<Token>, wanted: Found) -> Option<u16> {
        if wanted.frame() != self.frame {
            return None;
        }
        let (mut before, mut from) = (0, usize::from(self.own(f::SOURCES)));
        while from != 0 {
            if table.is_none_or(|table| self.is_called(from, table)) {
                let definition = self.definition(from);
                if from == wanted.source() {
                    let rowid = definition.rowid_column();
                    let column = if wanted.column == ROWID { rowid } else { wanted.column };
                    return (column < definition.columns()).then(|| before + u16::from(column));
                }
                before += u16::from(definition.columns());
            }
            from = self.get(from, s::NEXT).into();
        }
        None
    }

    /// Whether a result column is the same column or the same text as a term.
    fn is_item(&self, item: Stretch, term: Stretch) -> bool {
        let (mut one, mut other) = (self.lex(item.begin()), self.lex(term.begin()));
        let mut same = true;
        let (a, b) = (self.lone_column(item), self.lone_column(term));
        if a.is_one() && a == b {
            return true;
        }
        loop {
            same &= self.same_tokens(one, other);
            let (ends, other_ends) = (one.start() >= item.last(), other.start() >= term.last());
            if !same || ends || other_ends {
                return same && ends && other_ends;
            }
            (one, other) = (self.after(one), self.after(other));
        }
    }

    // ---- behind a part

    /// A part is complete: the united rows come out behind the last of theirs; then the next part, or the end.
    pub(crate) fn part_end(&mut self) {
        let (part, set) = (self.own(c::PART), self.own(c::LAST_SET));
        let stage = self.own(f::DISTINCT);
        if stage != NONE && part <= set {
            if self.own(c::MODE) == u16::from(mode::INTERSECT) {
                self.emit(&[Op::UniteMet as u8, LOW | f::DISTINCT]);
            }
            if part == set {
                self.united_rows();
            }
        }
        if matches!(self.token.kind, Kind::Union | Kind::Except | Kind::Intersect) {
            let how = self.unite_mode();
            self.set_own(c::MODE, how.into());
            self.set_own(c::PART, part + 1);
            self.goto(step::PART);
            return;
        }
        self.finish_table();
        self.set_own(f::DISTINCT, NONE);
        if self.own(f::SORT) == NONE { self.complete() } else { self.finish() }
    }

    /// The loop over the united rows.
    fn united_rows(&mut self) {
        let frame = self.frame;
        let next = self.here();
        self.emit(&[Op::UniteNext as u8, LOW | f::DISTINCT, LOW | f::COLUMNS, LOW | f::DEPTH]);
        let done = self.chain(NONE);
        self.grow(self.own(f::COLUMNS) as u8);
        self.set_own(f::NEXT, NONE);
        self.united_row(frame);
        let skip = self.own(f::NEXT);
        self.set_own(f::NEXT, NONE);
        self.patch(skip, next);
        self.jump_to(Op::Jump, next);
        self.patch_here(done);
        self.emit(&[Op::StageMore as u8, LOW | f::DISTINCT, WORD, f::DISTINCT_PASS]);
        self.now.depth = self.own(f::DEPTH) as u8;
    }

    /// All parts are known: so is the table.
    fn finish_table(&mut self) {
        let (table, columns) = (usize::from(self.own(c::TABLE)), usize::from(self.own(f::COLUMNS)));
        for at in table..table + columns {
            if self.table_byte(at) == UNKNOWN {
                self.set_table_byte(at, 0);
            }
        }
        let mut at = table + columns;
        for _ in 0..self.own(f::KEYS) {
            let (column, order) = (self.table_byte(at), self.table_byte(at + 1));
            if column == UNKNOWN {
                // "ORDER BY term does not match any column in the result set"
                self.go_clause(f::ORDER);
                return self.fail_here(ErrorKind::Schema);
            }
            if order & INHERITED != 0 {
                let collation = self.table_byte(table + usize::from(column));
                self.set_table_byte(at + 1, order & !INHERITED | collation);
            }
            at += 2;
        }
    }
}

/// In the order of a term: its collation is that of its column.
const INHERITED: u8 = 0x40;

/// A term of ORDER BY, as its tokens show it.
#[derive(Clone, Copy)]
struct Term {
    part: Stretch,
    next: u16,
}
