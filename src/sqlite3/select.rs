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

use super::compile::*;
use super::error::{ErrorKind, Result};
use super::expression::mark;
use super::program::{Op, Relation};
use super::source::{f, flag, joined, s};
use super::stage;
use super::token::{Kind, Token};

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
    pub(crate) const LIMIT_2: u16 = 2;
    pub(crate) const PREPARE: u16 = 3;
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
    pub(crate) const BODY: u16 = 19;
    pub(crate) const GROUP: u16 = 20;
    pub(crate) const GROUP_1: u16 = 21;
    pub(crate) const STEP: u16 = 22;
    pub(crate) const STEP_1: u16 = 23;
    pub(crate) const BARE: u16 = 24;
    pub(crate) const UNWIND: u16 = 25;
    pub(crate) const FINISH: u16 = 26;
    /// A subquery of the FROM is described; its rows are all handed on.
    pub(crate) const DESCRIBED: u16 = 27;
    pub(crate) const CLOSED: u16 = 28;
    pub(crate) const SORTED: u16 = 29;
    pub(crate) const FROM: u16 = 30;
    /// Steps from here on belong to statements that write: see write.rs.
    pub(crate) const WRITE: u16 = 40;
}

impl Compiler<'_> {
    /// Begins the SELECT at the current token.
    pub(crate) fn begin_select(
        &mut self,
        output: Output,
        resume: Resume,
        place: u8,
        extra: u16,
        start: u16,
    ) -> Result<()> {
        if self.token.kind != Kind::Select {
            return Err(self.error_here(if matches!(self.token.kind, Kind::Values | Kind::With) {
                ErrorKind::Unsupported
            } else {
                ErrorKind::Syntax
            }));
        }
        let frame = self.push_frame()?;
        self.put(frame, f::STEP, step::LIMIT);
        self.put(frame, f::OUTPUT, output as u16);
        self.put(frame, f::RESUME, resume as u16);
        self.put(frame, f::PLACE, place.into());
        self.put(frame, f::EXTRA, extra);
        self.put(frame, f::START, start);
        self.advance();
        if self.accept(Kind::Distinct) {
            self.set_flag(frame, flag::DISTINCT, true);
        } else {
            self.accept(Kind::All);
        }
        self.put(frame, f::RESULT, self.token.start);
        self.clauses()?;
        if self.get(frame, f::FROM) != NONE {
            self.go(self.get(frame, f::FROM));
            self.put(frame, f::STEP, step::FROM);
            self.put(frame, f::POS, 0);
        }
        self.mode = Mode::Step;
        Ok(())
    }

    /// Finds where the clauses begin, and whether there are aggregates.
    fn clauses(&mut self) -> Result<()> {
        let (frame, mut depth, mut before) = (self.frame, 0usize, Kind::Comma);
        // Depths of SELECTs inside are not ours: their parentheses are skipped.
        loop {
            let token = self.token;
            let clause = match token.kind {
                Kind::LeftParen => {
                    depth += 1;
                    if self.after(token).kind == Kind::Select {
                        self.skip_parentheses();
                        depth -= 1;
                        before = Kind::RightParen;
                        continue;
                    }
                    None
                }
                Kind::RightParen if depth > 0 => {
                    depth -= 1;
                    None
                }
                Kind::RightParen | Kind::Semicolon | Kind::End_ | Kind::Illegal => break,
                Kind::From if depth == 0 && before != Kind::Distinct => Some(f::FROM),
                Kind::Where if depth == 0 => Some(f::WHERE),
                Kind::Group if depth == 0 => Some(f::GROUP),
                Kind::Having if depth == 0 => Some(f::HAVING),
                Kind::Order if depth == 0 => Some(f::ORDER),
                Kind::Limit if depth == 0 => Some(f::LIMIT),
                Kind::Window if depth == 0 && before != Kind::Dot => {
                    return Err(self.error_here(ErrorKind::Unsupported));
                }
                Kind::Union | Kind::Except | Kind::Intersect if depth == 0 => {
                    return Err(self.error_here(ErrorKind::Unsupported));
                }
                kind if is_name(kind) && self.after(token).kind == Kind::LeftParen && self.is_aggregate(token) => {
                    self.set_flag(frame, flag::AGGREGATE, true);
                    None
                }
                _ => None,
            };
            before = token.kind;
            self.advance();
            let Some(clause) = clause else { continue };
            let order = [f::FROM, f::WHERE, f::GROUP, f::HAVING, f::ORDER, f::LIMIT];
            if order.iter().any(|&later| later >= clause && self.get(frame, later) != NONE) {
                return Err(self.error(ErrorKind::Syntax, token));
            }
            if matches!(clause, f::GROUP | f::ORDER) {
                self.expect(Kind::By)?;
            }
            self.put(frame, clause, self.token.start);
        }
        self.put(frame, f::END, self.token.start);
        if self.get(frame, f::GROUP) != NONE {
            self.set_flag(frame, flag::AGGREGATE, true);
        } else if self.get(frame, f::HAVING) != NONE && !self.has(frame, flag::AGGREGATE) {
            // "a GROUP BY clause is required before HAVING"
            return Err(self.error_here(ErrorKind::Schema));
        }
        Ok(())
    }

    /// From `(` to behind its `)`.
    pub(crate) fn skip_parentheses(&mut self) {
        let mut depth = 0usize;
        loop {
            match self.advance().kind {
                Kind::LeftParen => depth += 1,
                Kind::RightParen => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        return;
                    }
                }
                Kind::End_ | Kind::Semicolon | Kind::Illegal => return,
                _ => {}
            }
        }
    }

    pub(crate) fn goto(&mut self, step: u16) {
        self.put(self.frame, f::STEP, step);
        self.mode = Mode::Step;
    }

    fn go_clause(&mut self, field: usize) {
        self.go(self.get(self.frame, field));
    }

    /// One step of the current frame.
    pub(crate) fn step(&mut self) -> Result<()> {
        let frame = self.frame;
        match self.get(frame, f::STEP) {
            step::LIMIT => {
                if self.get(frame, f::LIMIT) == NONE {
                    self.goto(step::PREPARE);
                    return Ok(());
                }
                self.goto(step::LIMIT_1);
                self.expression_at(self.get(frame, f::LIMIT))
            }
            step::FROM => self.source_begin(),
            step::CLOSED => self.loop_end(self.get(frame, f::AT).into()),
            step::SORTED => self.sorted_end(),
            step::LIMIT_1 => self.limit(),
            step::LIMIT_2 => self.limit_end(),
            step::PREPARE => self.prepare(),
            step::HAVING => {
                if self.get(frame, f::HAVING) == NONE {
                    self.goto(step::RESULT);
                    return Ok(());
                }
                self.goto(step::HAVING_1);
                self.expression_at(self.get(frame, f::HAVING))
            }
            step::HAVING_1 => {
                self.op(Op::IfNot)?;
                self.chain_in(frame, f::NEXT)?;
                self.shrink(1);
                self.goto(step::RESULT);
                Ok(())
            }
            step::RESULT => {
                self.put(frame, f::COLUMNS, 0);
                self.put(frame, f::COLUMN_LIST, self.top as u16);
                self.go_clause(f::RESULT);
                self.goto(step::ITEM);
                Ok(())
            }
            step::ITEM => self.item_begin(),
            step::ITEM_1 => self.item_end(),
            step::KEY => self.key_begin(),
            step::KEY_1 => self.key_end(),
            step::OUTPUT => self.output(),
            step::STAGES => self.stages(),
            step::LOOP => self.open_source(),
            step::PLAN_1 => self.plan_value(),
            step::OPENED => self.opened(),
            step::ON_1 => self.on_end(),
            step::FILTER => self.filter(),
            step::FILTER_1 => self.filter_end(),
            step::BODY => self.body(),
            step::GROUP => self.group_key(),
            step::GROUP_1 => self.group_key_end(),
            step::STEP => self.aggregate_step(),
            step::STEP_1 => self.aggregate_argument(),
            step::BARE => self.bare_columns(),
            step::UNWIND => self.unwind(),
            step::FINISH => self.finish(),
            _ => self.write_step(),
        }
    }

    // ---- LIMIT

    fn limit(&mut self) -> Result<()> {
        let frame = self.frame;
        let local = self.new_local()?;
        if self.token.kind == Kind::Comma {
            // LIMIT offset, limit
            self.put(frame, f::OFFSET_LOCAL, local.into());
            self.op1(Op::Offset, local)?;
        } else {
            self.put(frame, f::LIMIT_LOCAL, local.into());
            self.op1(Op::Limit, local)?;
            self.chain_in(frame, f::FINISH)?;
        }
        self.shrink(1);
        if matches!(self.token.kind, Kind::Comma | Kind::Offset) {
            self.advance();
            self.goto(step::LIMIT_2);
            return self.expression();
        }
        self.goto(step::PREPARE);
        self.clause_end()
    }

    fn limit_end(&mut self) -> Result<()> {
        let frame = self.frame;
        let local = self.new_local()?;
        if self.get(frame, f::LIMIT_LOCAL) == NONE {
            self.put(frame, f::LIMIT_LOCAL, local.into());
            self.op1(Op::Limit, local)?;
            self.chain_in(frame, f::FINISH)?;
        } else {
            self.put(frame, f::OFFSET_LOCAL, local.into());
            self.op1(Op::Offset, local)?;
        }
        self.shrink(1);
        self.goto(step::PREPARE);
        self.clause_end()
    }

    /// The current token must end a clause.
    fn clause_end(&self) -> Result<()> {
        match self.token.kind {
            Kind::From
            | Kind::Where
            | Kind::Group
            | Kind::Having
            | Kind::Order
            | Kind::Limit
            | Kind::RightParen
            | Kind::Semicolon
            | Kind::End_ => Ok(()),
            _ => Err(self.unexpected()),
        }
    }

    // ---- stages

    /// With groups, what is done for each of them is compiled first, and jumped over.
    fn prepare(&mut self) -> Result<()> {
        let frame = self.frame;
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
    fn distinct_by_order(&mut self) -> bool {
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
    fn stages(&mut self) -> Result<()> {
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

    fn stage_start(&mut self, stage: u8, kind: u8, a: u8, b: u8) -> Result<()> {
        self.bytes(&[Op::StageStart as u8, stage, kind, a, b])
    }

    // ---- result columns

    fn item_begin(&mut self) -> Result<()> {
        let star = match self.token.kind {
            Kind::Star => Some(None),
            kind if is_name(kind) || kind == Kind::String => {
                let dot = self.after(self.token);
                let star = self.after(dot);
                (dot.kind == Kind::Dot && star.kind == Kind::Star).then_some(Some(self.token))
            }
            _ => None,
        };
        match star {
            None => {
                self.goto(step::ITEM_1);
                self.expression()
            }
            Some(table) => {
                self.star(table)?;
                self.item_next()
            }
        }
    }

    /// `*` and `t.*`.
    fn star(&mut self, table: Option<Token>) -> Result<()> {
        let frame = self.frame;
        let mut from = usize::from(self.get(frame, f::SOURCES));
        let mut any = false;
        while from != 0 {
            if table.is_none_or(|table| self.is_called(from, table)) {
                any = true;
                let definition = self.definition(from);
                let (columns, rowid) = (definition.columns(), definition.rowid_column());
                for column in 0..columns {
                    let column = if column == rowid { super::schema::ROWID } else { column };
                    let operand = self.push_column(super::source::Found { frame, source: from, column })?;
                    self.column_done(operand)?;
                }
                if table.is_some() {
                    break;
                }
            }
            from = self.get(from, s::NEXT).into();
        }
        if !any {
            return Err(match table {
                Some(table) => self.error(ErrorKind::NoSuchTable, table),
                None => self.error_here(ErrorKind::Schema),
            });
        }
        self.advance();
        if table.is_some() {
            self.advance();
            self.advance();
        }
        Ok(())
    }

    /// A result column's value is on the stack.
    fn column_done(&mut self, operand: Operand) -> Result<()> {
        let (frame, at) = (self.frame, self.reserve(1)?);
        if let Some(place) = self.arena.get_mut(at) {
            *place = operand.pack();
        }
        let columns = self.get(frame, f::COLUMNS);
        if columns == 0 {
            self.put(frame, f::FIRST, operand.pack().into());
        }
        if columns >= 240 {
            return Err(self.error_here(ErrorKind::TooBig));
        }
        self.put(frame, f::COLUMNS, columns + 1);
        Ok(())
    }

    fn item_end(&mut self) -> Result<()> {
        self.column_done(self.result)?;
        if self.accept(Kind::As) {
            self.name()?;
        } else if is_name(self.token.kind) || self.token.kind == Kind::String {
            self.advance();
        }
        self.item_next()
    }

    fn item_next(&mut self) -> Result<()> {
        let frame = self.frame;
        if self.accept(Kind::Comma) {
            self.goto(step::ITEM);
            return Ok(());
        }
        self.clause_end()?;
        if self.get(frame, f::OUTPUT) == Output::Describe as u16 {
            return self.describe_done();
        }
        let distinct = self.get(frame, f::DISTINCT);
        if distinct != NONE {
            let columns = self.get(frame, f::COLUMNS);
            self.op1(Op::Distinct, distinct as u8)?;
            self.word(columns)?;
            for column in 0..columns {
                let collation = self.result_column(column).sort_collation();
                self.byte(collation << 1)?;
            }
            self.chain_in(frame, f::NEXT)?;
        }
        if self.get(frame, f::SORT) == NONE {
            self.goto(step::OUTPUT);
            return Ok(());
        }
        if self.get(frame, f::ORDER) == NONE {
            // Rows are only gathered.
            self.op2(Op::SortInsert, self.get(frame, f::SORT) as u8, self.get(frame, f::COLUMNS) as u8)?;
            self.word(0)?;
            return self.row_done();
        }
        self.put(frame, f::KEYS, 0);
        self.put(frame, f::KEY_LIST, self.top as u16);
        self.go_clause(f::ORDER);
        self.goto(step::KEY);
        Ok(())
    }

    /// What is known of a result column.
    pub(crate) fn result_column(&self, column: u16) -> Operand {
        let at = usize::from(self.get(self.frame, f::COLUMN_LIST)).wrapping_sub(1 + usize::from(column));
        Operand::unpack(self.arena.get(at).copied().unwrap_or(0), 0)
    }

    // ---- ORDER BY

    /// The number of the result column that a term of ORDER BY names, by number or alias.
    fn named_column(&self) -> Result<Option<u16>> {
        let (frame, token) = (self.frame, self.token);
        let next = self.after(token);
        let alone = matches!(
            next.kind,
            Kind::Comma
                | Kind::Asc
                | Kind::Desc
                | Kind::Nulls
                | Kind::Limit
                | Kind::RightParen
                | Kind::Semicolon
                | Kind::End_
                | Kind::Collate
        );
        if !alone {
            return Ok(None);
        }
        if token.kind == Kind::Integer {
            let number = super::text::leading_integer(self.text(token));
            return match u16::try_from(number) {
                Ok(number) if number >= 1 && number <= self.get(frame, f::COLUMNS) => Ok(Some(number - 1)),
                _ => Err(self.error_here(ErrorKind::Schema)),
            };
        }
        if is_name(token.kind) || token.kind == Kind::String {
            let (mut at, mut column) = (self.get(frame, f::RESULT), 0u16);
            while let Some(item) = self.item_at(at) {
                if item.alias.is_some_and(|alias| self.same_tokens(alias, token)) {
                    return Ok(Some(column));
                }
                // A star before the alias makes more columns than one.
                column += self.width(at);
                match item.next {
                    Some(next) => at = next,
                    None => break,
                }
            }
        }
        Ok(None)
    }

    /// How many columns the item at an offset makes.
    fn width(&self, at: u16) -> u16 {
        let token = self.lex(at);
        let dot = self.after(token);
        let table = match token.kind {
            Kind::Star => None,
            _ if dot.kind == Kind::Dot && self.after(dot).kind == Kind::Star => Some(token),
            _ => return 1,
        };
        let (mut columns, mut from) = (0, usize::from(self.get(self.frame, f::SOURCES)));
        while from != 0 {
            if table.is_none_or(|table| self.is_called(from, table)) {
                columns += u16::from(self.definition(from).columns());
            }
            from = self.get(from, s::NEXT).into();
        }
        columns
    }

    fn key_begin(&mut self) -> Result<()> {
        if let Some(column) = self.named_column()? {
            let place = self.get(self.frame, f::DEPTH) + column;
            self.op1(Op::Pick, place as u8)?;
            self.grow(1)?;
            self.result = self.result_column(column);
            self.advance();
            if self.accept(Kind::Collate) {
                self.result.collation = self.collation()?;
            }
            self.goto(step::KEY_1);
            return Ok(());
        }
        self.goto(step::KEY_1);
        self.expression()
    }

    /// Reads ASC, DESC and NULLS; bit 0 descending, collation above it, bit 3 the other end for NULLs.
    fn key_end(&mut self) -> Result<()> {
        let (frame, operand) = (self.frame, self.result);
        let mut order = operand.sort_collation() << 1;
        if self.accept(Kind::Desc) {
            order |= 1;
        } else {
            self.accept(Kind::Asc);
        }
        if self.accept(Kind::Nulls) {
            let first = self.token.kind == Kind::First;
            if !first && self.token.kind != Kind::Last {
                return Err(self.unexpected());
            }
            self.advance();
            // NULL is smallest: first where ascending, last where descending.
            if first == (order & 1 != 0) {
                order |= 8;
            }
        }
        let at = self.reserve(1)?;
        if let Some(place) = self.arena.get_mut(at) {
            *place = order;
        }
        let keys = self.get(frame, f::KEYS) + 1;
        self.put(frame, f::KEYS, keys);
        if self.accept(Kind::Comma) {
            self.goto(step::KEY);
            return Ok(());
        }
        self.clause_end()?;
        let (sort, columns) = (self.get(frame, f::SORT) as u8, self.get(frame, f::COLUMNS) as u8);
        self.op2(Op::SortInsert, sort, columns)?;
        self.word(keys)?;
        let list = usize::from(self.get(frame, f::KEY_LIST));
        for key in 0..usize::from(keys) {
            let order = self.arena.get(list.wrapping_sub(1 + key)).copied().unwrap_or(0);
            self.byte(order)?;
        }
        self.row_done()
    }

    // ---- output

    /// The row is complete: goes on to the next one.
    pub(crate) fn row_done(&mut self) -> Result<()> {
        let frame = self.frame;
        self.top = self.get(frame, f::COLUMN_LIST).into();
        self.now.depth = self.get(frame, f::DEPTH) as u8;
        if self.has(frame, flag::SORTING) {
            self.goto(step::SORTED);
        } else if self.get(frame, f::MODE) == 1 {
            self.op(Op::Jump)?;
            self.chain_in(frame, f::NEXT)?;
            self.goto(step::STAGES);
        } else {
            self.goto(step::UNWIND);
        }
        Ok(())
    }

    fn output(&mut self) -> Result<()> {
        let frame = self.frame;
        let output = self.get(frame, f::OUTPUT);
        if output == Output::Insert as u16 || output == Output::Source as u16 {
            // The outer frame compiles what is done with the row, and comes back.
            self.emit_offset(f::NEXT)?;
            return if output == Output::Insert as u16 { self.insert_row() } else { self.hand_on() };
        }
        self.emit_output(f::NEXT)?;
        self.row_done()
    }

    /// Code that gives the row on the stack to where rows go. OFFSET skips to the chain in `skip`.
    pub(crate) fn emit_output(&mut self, skip: usize) -> Result<()> {
        let frame = self.frame;
        let columns = self.get(frame, f::COLUMNS) as u8;
        let place = self.get(frame, f::PLACE) as u8;
        let output = self.get(frame, f::OUTPUT);
        self.emit_offset(skip)?;
        if output == Output::Scalar as u16 || output == Output::In as u16 {
            if columns != 1 {
                return Err(self.error_here(ErrorKind::Schema));
            }
            if output == Output::Scalar as u16 {
                self.op1(Op::Store, place)?;
                self.op(Op::Jump)?;
                self.chain_in(frame, f::FINISH)?;
            } else {
                let left = Operand::unpack(self.get(frame, f::EXTRA) as u8, 0);
                let right = Operand::unpack(self.get(frame, f::FIRST) as u8, 0);
                let comparison = Operand::compare(Relation::Equal, left, right);
                self.op2(Op::InRow, place, comparison.0)?;
                self.chain_in(frame, f::FINISH)?;
            }
        } else if output == Output::Exists as u16 {
            self.op1(Op::Int8, 1)?;
            self.op1(Op::Store, place)?;
            self.op(Op::Jump)?;
            self.chain_in(frame, f::FINISH)?;
        } else {
            self.op1(Op::Result, columns)?;
        }
        self.emit_limit()
    }

    pub(crate) fn emit_offset(&mut self, skip: usize) -> Result<()> {
        let frame = self.frame;
        let offset = self.get(frame, f::OFFSET_LOCAL);
        if offset != NONE {
            self.op1(Op::Skip, offset as u8)?;
            self.chain_in(frame, skip)?;
        }
        Ok(())
    }

    pub(crate) fn emit_limit(&mut self) -> Result<()> {
        let frame = self.frame;
        let limit = self.get(frame, f::LIMIT_LOCAL);
        if limit != NONE {
            self.op1(Op::Count, limit as u8)?;
            self.chain_in(frame, f::FINISH)?;
        }
        Ok(())
    }

    // ---- loops

    /// Opens the loop over the source at hand.
    fn open_source(&mut self) -> Result<()> {
        let at = usize::from(self.get(self.frame, f::AT));
        if self.get(at, s::FLAGS) & joined::LEFT != 0 {
            self.op2(Op::Flag, self.get(at, s::MATCHED) as u8, 0)?;
        }
        if self.get(at, s::FLAGS) & joined::SUBQUERY != 0 {
            return self.open_subquery(at);
        }
        self.choose_plan(at)?;
        self.put(self.frame, f::POS, 0);
        self.plan_next()
    }

    /// The cursor is open: its loop begins.
    fn opened(&mut self) -> Result<()> {
        let frame = self.frame;
        let at = usize::from(self.get(frame, f::AT));
        if self.get(at, s::FLAGS) & joined::SUBQUERY == 0 {
            let cursor = self.get(at, s::CURSOR) as u8;
            self.put(at, s::LOOP, self.here());
            self.op2(Op::Next, cursor, self.get(frame, f::DEPTH) as u8)?;
            self.chain_in(at, s::EXIT)?;
        }
        if self.get(at, s::FLAGS) & joined::LEFT == 0 {
            self.begin_filter();
            return Ok(());
        }
        if self.get(at, s::ON) == NONE {
            return self.matched();
        }
        self.goto(step::ON_1);
        self.expression_at(self.get(at, s::ON))
    }

    fn on_end(&mut self) -> Result<()> {
        let at = usize::from(self.get(self.frame, f::AT));
        self.op(Op::IfNot)?;
        self.chain_next(at)?;
        self.shrink(1);
        self.matched()
    }

    /// A row of a LEFT JOIN's right side matched.
    fn matched(&mut self) -> Result<()> {
        let at = usize::from(self.get(self.frame, f::AT));
        self.op2(Op::Flag, self.get(at, s::MATCHED) as u8, 1)?;
        self.put(at, s::BODY, self.here());
        self.begin_filter();
        Ok(())
    }

    /// The target of the jump just begun is the next row of a source.
    fn chain_next(&mut self, at: usize) -> Result<()> {
        if self.get(at, s::FLAGS) & joined::SUBQUERY != 0 {
            return self.chain_in(at, s::LOOP);
        }
        self.word(self.get(at, s::LOOP))
    }

    fn begin_filter(&mut self) {
        let frame = self.frame;
        self.put(frame, f::TERM, 0);
        self.put(frame, f::POS, NONE);
        self.goto(step::FILTER);
    }

    /// The next term of WHERE, or of an ON, that was not compiled yet.
    fn filter(&mut self) -> Result<()> {
        let (frame, at) = (self.frame, usize::from(self.get(self.frame, f::AT)));
        let last = at == 0 || self.get(at, s::NEXT) == 0;
        loop {
            let Some((pos, whole)) = self.next_term() else {
                if last {
                    self.goto(step::BODY);
                } else {
                    self.put(frame, f::AT, self.get(at, s::NEXT));
                    self.goto(step::LOOP);
                }
                return Ok(());
            };
            let term = self.get(frame, f::TERM);
            self.put(frame, f::TERM, term + 1);
            let done = if term < 32 {
                self.get(frame, f::DONE + usize::from(term / 16)) >> (term % 16) & 1
            } else {
                u16::from(!last)
            };
            if done == 0 {
                self.put(frame, f::MASK, 0);
                self.put(frame, f::CODE, self.here());
                self.put(frame, f::SAVED, u16::from(self.now.locals) << 8 | u16::from(self.parameters));
                self.goto(step::FILTER_1);
                self.go(pos);
                self.push(Mark { kind: mark::BASE, a: u8::from(!whole), b: 0, c: 0, d: 0 })?;
                self.mode = Mode::Operand;
                return Ok(());
            }
            // Skip over it.
            self.go(pos);
            self.skip_term(whole);
            self.put(frame, f::POS, self.token.start);
        }
    }

    fn filter_end(&mut self) -> Result<()> {
        let (frame, at) = (self.frame, usize::from(self.get(self.frame, f::AT)));
        self.put(frame, f::POS, self.token.start);
        self.shrink(1);
        let known = if at == 0 { 0 } else { (self.get(at, s::BIT) << 1).wrapping_sub(1) };
        if self.get(frame, f::MASK) & !known != 0 {
            // It names a source that is not open yet.
            self.code = self.get(frame, f::CODE).into();
            self.now.locals = (self.get(frame, f::SAVED) >> 8) as u8;
        } else {
            let term = self.get(frame, f::TERM) - 1;
            if term < 32 {
                let field = f::DONE + usize::from(term / 16);
                self.put(frame, field, self.get(frame, field) | 1 << (term % 16));
            }
            self.op(Op::IfNot)?;
            if at == 0 { self.chain_in(frame, f::NEXT)? } else { self.chain_next(at)? }
        }
        self.goto(step::FILTER);
        Ok(())
    }

    /// Where the next term begins, from the token at POS on (NONE: the first), and whether it must not be split at AND.
    fn next_term(&mut self) -> Option<(u16, bool)> {
        let frame = self.frame;
        let pos = self.get(frame, f::POS);
        if pos == NONE {
            return self.region(self.get(frame, f::WHERE)).or_else(|| self.next_on(0));
        }
        let token = self.lex(pos);
        if token.kind == Kind::And {
            return Some((self.after(token).start, false));
        }
        self.next_on(pos)
    }

    /// The condition of the first ON behind an offset.
    fn next_on(&mut self, pos: u16) -> Option<(u16, bool)> {
        let frame = self.frame;
        // Behind the WHERE come the ONs, which stand before it in the text.
        let where_ = self.get(frame, f::WHERE);
        let pos = if pos >= where_ && where_ != NONE { 0 } else { pos };
        let mut from = usize::from(self.get(frame, f::SOURCES));
        while from != 0 {
            let on = self.get(from, s::ON);
            if on != NONE && on > pos && self.get(from, s::FLAGS) & joined::LEFT == 0 {
                return self.region(on);
            }
            from = self.get(from, s::NEXT).into();
        }
        None
    }

    /// A condition: whether it holds an OR at its outermost level.
    pub(crate) fn region(&mut self, at: u16) -> Option<(u16, bool)> {
        if at == NONE {
            return None;
        }
        let saved = self.token;
        self.go(at);
        let mut whole = false;
        let mut depth = 0usize;
        while !self.ends_condition(depth) {
            match self.advance().kind {
                Kind::LeftParen | Kind::Case => depth += 1,
                Kind::RightParen | Kind::End => depth = depth.saturating_sub(1),
                Kind::Or if depth == 0 => whole = true,
                _ => {}
            }
        }
        self.token = saved;
        Some((at, whole))
    }

    /// Whether the current token ends a condition.
    pub(crate) fn ends_condition(&self, depth: usize) -> bool {
        match self.token.kind {
            Kind::End_ | Kind::Semicolon | Kind::Illegal => true,
            Kind::RightParen
            | Kind::Comma
            | Kind::Join
            | Kind::Left
            | Kind::Inner
            | Kind::Cross
            | Kind::Natural
            | Kind::Full
            | Kind::Right
            | Kind::Where
            | Kind::Group
            | Kind::Order
            | Kind::Having
            | Kind::Limit
            | Kind::Returning
            | Kind::Union
            | Kind::Except
            | Kind::Intersect => depth == 0,
            _ => false,
        }
    }

    /// Goes to the token behind a term.
    pub(crate) fn skip_term(&mut self, whole: bool) {
        let (mut depth, mut between) = (0usize, false);
        while !self.ends_condition(depth) {
            match self.token.kind {
                Kind::LeftParen | Kind::Case => depth += 1,
                Kind::RightParen | Kind::End => depth = depth.saturating_sub(1),
                Kind::Between if depth == 0 => between = true,
                Kind::And if depth == 0 && between => between = false,
                Kind::And if depth == 0 && !whole => return,
                _ => {}
            }
            self.advance();
        }
    }

    /// Innermost: a row of all sources.
    fn body(&mut self) -> Result<()> {
        let frame = self.frame;
        if self.is_write(frame) {
            return self.write_body();
        }
        if self.get(frame, f::GROUP_STAGE) == NONE {
            self.goto(step::RESULT);
            return Ok(());
        }
        self.set_flag(frame, flag::IN_AGGREGATE, true);
        self.put(frame, f::KEYS, 0);
        self.put(frame, f::KEY_LIST, self.top as u16);
        if self.get(frame, f::GROUP) == NONE {
            self.put(frame, f::POS, self.get(frame, f::OUT));
            self.goto(step::STEP);
        } else {
            self.go_clause(f::GROUP);
            self.goto(step::GROUP);
        }
        Ok(())
    }

    /// The ends of the loops, from the innermost outwards.
    fn unwind(&mut self) -> Result<()> {
        let frame = self.frame;
        let at = usize::from(self.get(frame, f::AT));
        if at == 0 {
            let next = self.get(frame, f::NEXT);
            self.patch_here(next);
            self.put(frame, f::NEXT, NONE);
            self.goto(step::FINISH);
            return Ok(());
        }
        if self.get(at, s::FLAGS) & joined::SUBQUERY != 0 {
            return self.close_subquery(at);
        }
        // What asks for the next row of all sources asks the innermost.
        let next = self.get(frame, f::NEXT);
        self.put(frame, f::NEXT, NONE);
        self.patch(next, self.get(at, s::LOOP));
        self.jump_to(Op::Jump, self.get(at, s::LOOP))?;
        self.loop_end(at)
    }

    /// Behind a loop: the row of NULLs of a LEFT JOIN, then the loop around it.
    pub(crate) fn loop_end(&mut self, at: usize) -> Result<()> {
        let frame = self.frame;
        let exit = self.get(at, s::EXIT);
        self.patch_here(exit);
        if self.get(at, s::FLAGS) & joined::LEFT != 0 {
            let matched = self.get(at, s::MATCHED) as u8;
            self.op1(Op::IfFlag, matched)?;
            let skip = self.chain(NONE)?;
            self.op2(Op::Flag, matched, 1)?;
            self.op1(Op::NullRow, self.get(at, s::CURSOR) as u8)?;
            self.jump_to(Op::Jump, self.get(at, s::BODY))?;
            self.patch_here(skip);
        }
        self.put(frame, f::AT, self.get(at, s::PREVIOUS));
        self.goto(step::UNWIND);
        Ok(())
    }

    /// Behind all loops: groups, distinct rows and sorted rows come out, and the next passes begin.
    fn finish(&mut self) -> Result<()> {
        let frame = self.frame;
        if self.is_write(frame) {
            return self.write_finish();
        }
        let depth = self.get(frame, f::DEPTH) as u8;
        self.now.depth = depth;
        let group = self.get(frame, f::GROUP_STAGE);
        if group != NONE {
            let next = self.get(frame, f::NEXT_GROUP);
            self.patch_here(next);
            self.op2(Op::GroupNext, group as u8, depth)?;
            let done = self.chain(NONE)?;
            self.jump_to(Op::Jump, self.get(frame, f::OUT))?;
            self.patch_here(done);
            self.op1(Op::StageMore, group as u8)?;
            self.word(self.get(frame, f::GROUP_PASS))?;
        }
        let distinct = self.get(frame, f::DISTINCT);
        if distinct != NONE {
            self.op1(Op::StageMore, distinct as u8)?;
            self.word(self.get(frame, f::DISTINCT_PASS))?;
        }
        let sort = self.get(frame, f::SORT);
        if sort != NONE {
            let columns = self.get(frame, f::COLUMNS) as u8;
            self.put(frame, f::OUT, self.here());
            self.bytes(&[Op::SortNext as u8, sort as u8, columns, depth])?;
            let done = self.chain(NONE)?;
            self.put(frame, f::OUT_END, done);
            self.grow(columns)?;
            self.put(frame, f::COLUMN_LIST, self.top as u16);
            self.set_flag(frame, flag::SORTING, true);
            self.goto(step::OUTPUT);
            return Ok(());
        }
        self.complete()
    }

    /// The output of a sorted row is complete: the next one, then the next pass.
    fn sorted_end(&mut self) -> Result<()> {
        let frame = self.frame;
        let (sort, next) = (self.get(frame, f::SORT) as u8, self.get(frame, f::OUT));
        let skip = self.get(frame, f::NEXT);
        self.patch(skip, next);
        self.jump_to(Op::Jump, next)?;
        let done = self.get(frame, f::OUT_END);
        self.patch_here(done);
        self.op1(if self.has(frame, flag::GATHER) { Op::StageOnce } else { Op::StageMore }, sort)?;
        if !self.has(frame, flag::GATHER) {
            self.word(self.get(frame, f::SORT_PASS))?;
        }
        self.now.depth = self.get(frame, f::DEPTH) as u8;
        self.complete()
    }

    /// The code of the SELECT is complete.
    pub(crate) fn complete(&mut self) -> Result<()> {
        let frame = self.frame;
        let finish = self.get(frame, f::FINISH);
        self.patch_here(finish);
        self.op1(Op::Depth, self.get(frame, f::DEPTH) as u8)?;
        let (resume, start) = (self.get(frame, f::RESUME), self.get(frame, f::START));
        let (output, extra) = (self.get(frame, f::OUTPUT), self.get(frame, f::EXTRA));
        let (first, outer) = (Operand::unpack(self.get(frame, f::FIRST) as u8, start), self.has(frame, flag::OUTER));
        self.go(self.get(frame, f::END));
        if resume == Resume::Statement as u16 {
            self.op(Op::Halt)?;
            return self.end_of_select();
        }
        self.top = frame + 2 * f::FIELDS;
        self.frame = self.get(frame, f::PARENT).into();
        self.forget_numbers(frame);
        if resume == Resume::Step as u16 {
            self.mode = Mode::Step;
            return Ok(());
        }
        self.expect(Kind::RightParen)?;
        if output == Output::In as u16 {
            self.op(Op::Nip)?;
            self.shrink(1);
            if extra >> 8 != 0 {
                self.op(Op::Not)?;
            }
            let left = Operand::unpack(extra as u8, start);
            return self.operand_done(Operand::under(left, Operand::default()));
        }
        // What does not depend on the rows outside is computed once.
        if outer {
            put16(self.arena, usize::from(start) + 2, NONE);
        } else {
            self.op1(Op::OnceSave, extra as u8)?;
            self.patch(start + 2, self.here());
        }
        let operand = if output == Output::Scalar as u16 { first } else { Operand::default() };
        self.operand_done(Operand { explicit: false, start, ..operand })
    }

    /// Cursors and stages of a frame that is complete are free again.
    pub(crate) fn forget_numbers(&mut self, frame: usize) {
        let from = usize::from(self.get(frame, f::SOURCES));
        if from != 0 {
            self.now.cursors = self.now.cursors.min(self.get(from, s::CURSOR) as u8);
        }
        for field in [f::SORT, f::DISTINCT, f::GROUP_STAGE] {
            if self.get(frame, field) != NONE {
                self.now.stages = self.now.stages.min(self.get(frame, field) as u8);
            }
        }
        self.now.depth = self.get(frame, f::DEPTH) as u8;
    }

    /// The end of the statement: only a semicolon may follow.
    pub(crate) fn end_of_statement(&mut self) -> Result<()> {
        while self.accept(Kind::Semicolon) {}
        if self.token.kind != Kind::End_ {
            return Err(self.unexpected());
        }
        self.mode = Mode::Done;
        Ok(())
    }

    // ---- names of the result columns

    /// Behind the program, the names of the columns: each a length and its bytes, or 255 and where it stands in the statement.
    fn end_of_select(&mut self) -> Result<()> {
        let frame = self.frame;
        self.columns = self.get(frame, f::COLUMNS) as u8;
        self.names = self.here();
        self.result_names()?;
        self.go(self.get(frame, f::END));
        self.end_of_statement()
    }

    /// The names of the result columns, here.
    pub(crate) fn result_names(&mut self) -> Result<()> {
        let frame = self.frame;
        let mut at = self.get(frame, f::RESULT);
        while let Some(item) = self.item_at(at) {
            let (token, dot) = (self.lex(at), self.after(self.lex(at)));
            let star = self.after(dot);
            if token.kind == Kind::Star {
                self.star_names(None)?;
            } else if dot.kind == Kind::Dot && star.kind == Kind::Star {
                self.star_names(Some(token))?;
            } else {
                self.item_name(token, item)?;
            }
            match item.next {
                Some(next) => at = next,
                None => break,
            }
        }
        Ok(())
    }

    fn item_name(&mut self, first: Token, item: super::source::Item) -> Result<()> {
        if let Some(alias) = item.alias {
            let (text, quote) = unquoted(self.text(alias));
            let (doubled, len) = (quote != 0 && text.contains(&quote), text.len());
            if !doubled {
                let start = alias.start + u16::from(len < usize::from(alias.end - alias.start));
                return self.name_at(start, len);
            }
            return self.name_bytes(|compiler, out| {
                let (text, quote) = unquoted(compiler.text(alias));
                unescaped(text, quote).zip(out.iter_mut()).map(|(byte, place)| *place = byte).count()
            });
        }
        // A column goes by its declared name, in parentheses too; anything else by its text.
        let (mut qualifier, mut name, mut parentheses) = (None, first, 0);
        while name.kind == Kind::LeftParen {
            name = self.after(name);
            parentheses += 1;
        }
        while is_name(name.kind) && self.after(name).kind == Kind::Dot {
            qualifier = Some(name);
            name = self.after(self.after(name));
        }
        let mut end = name;
        for _ in 0..parentheses {
            end = self.after(end);
        }
        if is_name(name.kind)
            && end.end == item.end
            && (parentheses == 0 || end.kind == Kind::RightParen)
            && let Ok(Some(found)) = self.look_up(qualifier, name)
        {
            return self.declared_name(found.source, found.column, Some(name));
        }
        self.name_at(first.start, usize::from(item.end - first.start))
    }

    fn name_at(&mut self, start: u16, len: usize) -> Result<()> {
        self.byte(0xff)?;
        self.word(start)?;
        self.word(len as u16)
    }

    fn name_bytes(&mut self, write: impl Fn(&Self, &mut [u8; 128]) -> usize) -> Result<()> {
        let mut name = [0; 128];
        let len = write(self, &mut name);
        self.byte(len as u8)?;
        self.bytes(name.get(..len).unwrap_or_default())
    }

    /// The name of a column as its table declares it.
    fn declared_name(&mut self, source: usize, column: u8, written: Option<Token>) -> Result<()> {
        let definition = self.definition(source);
        let column = if column == super::schema::ROWID { definition.rowid_column() } else { column };
        if definition.column(column).is_none() {
            let _ = written;
            self.byte(5)?;
            return self.bytes(b"rowid");
        }
        self.name_bytes(|compiler, out| {
            let name = compiler.definition(source).column(column).map_or(&b""[..], |column| column.name);
            name.iter().zip(out.iter_mut()).map(|(byte, place)| *place = *byte).count()
        })
    }

    fn star_names(&mut self, table: Option<Token>) -> Result<()> {
        let mut from = usize::from(self.get(self.frame, f::SOURCES));
        while from != 0 {
            if table.is_none_or(|table| self.is_called(from, table)) {
                for column in 0..self.definition(from).columns() {
                    self.declared_name(from, column, None)?;
                }
                if table.is_some() {
                    break;
                }
            }
            from = self.get(from, s::NEXT).into();
        }
        Ok(())
    }
}
