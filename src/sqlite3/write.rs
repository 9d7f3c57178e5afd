//! INSERT, UPDATE and DELETE.
//!
//! Contract: a row that is to be written stands in locals, one for each column and one for the rowid. Expressions fill
//! them, then come affinities, NOT NULL and CHECK, then one instruction that keeps table and indexes together. UPDATE
//! and DELETE loop as a SELECT does; where a loop could meet its own changes, it only gathers rowids, and a second loop
//! over them does the work.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::compile::*;
use super::error::{ErrorKind, Result};
use super::program::Op;
use super::schema::{self, Definition, ROWID};
use super::select::{Output, Resume, step};
use super::source::{f, flag, joined, s};
use super::stage;
use super::token::{Kind, Token};

/// What to do with a row that a constraint forbids.
pub(crate) mod action {
    /// None was written: that of the constraint, or ABORT.
    pub(crate) const NONE: u8 = 0;
    pub(crate) const ROLLBACK: u8 = 1;
    pub(crate) const ABORT: u8 = 2;
    pub(crate) const FAIL: u8 = 3;
    pub(crate) const IGNORE: u8 = 4;
    pub(crate) const REPLACE: u8 = 5;
}

/// The steps of these statements.
#[rustfmt::skip]
mod at {
    use super::step::WRITE;
    pub(super) const VALUE_1: u16 = WRITE + 1;
    pub(super) const DEFAULT_1: u16 = WRITE + 3;
    pub(super) const CHECKED: u16 = WRITE + 4;
    pub(super) const SELECTED: u16 = WRITE + 5;
    pub(super) const SET: u16 = WRITE + 6;
    pub(super) const SET_1: u16 = WRITE + 7;
    pub(super) const CHECK: u16 = WRITE + 8;
    pub(super) const CHECK_1: u16 = WRITE + 9;
}

/// What a frame of write.rs does, in the field KEYS.
mod verb {
    pub(super) const INSERT: u16 = 1;
    pub(super) const UPDATE: u16 = 2;
    pub(super) const DELETE: u16 = 3;
}

impl Compiler<'_> {
    /// `OR action` behind INSERT or UPDATE.
    fn or_action(&mut self) -> Result<u8> {
        if !self.accept(Kind::Or) {
            return Ok(action::NONE);
        }
        self.conflict_action()
    }

    /// The name of an action.
    pub(crate) fn conflict_action(&mut self) -> Result<u8> {
        let action = match self.token.kind {
            Kind::Rollback => action::ROLLBACK,
            Kind::Abort => action::ABORT,
            Kind::Fail => action::FAIL,
            Kind::Ignore => action::IGNORE,
            Kind::Replace => action::REPLACE,
            _ => return Err(self.unexpected()),
        };
        self.advance();
        Ok(action)
    }

    /// Begins a statement that writes to a table: its frame, with the table as a source.
    fn begin_write(&mut self, verb: u16, action: u8) -> Result<usize> {
        let name = self.table_name()?;
        let frame = self.push_frame()?;
        let definition = self.load(name, ErrorKind::NoSuchTable)?;
        let known = Definition(self.arena.get(definition.0..definition.0 + definition.1).unwrap_or_default());
        if known.kind() != schema::TABLE {
            return Err(
                self.error(if known.kind() == schema::VIEW { ErrorKind::Schema } else { ErrorKind::NoSuchTable }, name)
            );
        }
        if known.number() == schema::SCHEMA {
            return Err(self.error(ErrorKind::Schema, name));
        }
        let from = self.push_source(definition, name)?;
        let cursor = self.new_cursor()?;
        self.put(from, s::CURSOR, cursor.into());
        self.put(frame, f::ACTION, action.into());
        self.put(frame, f::OUTPUT, NONE);
        self.put(frame, f::KEYS, verb);
        self.put(frame, f::FINISH, NONE);
        self.writes = true;
        self.op(Op::Write)?;
        self.op(Op::Jump)?;
        let over = self.chain(NONE)?;
        self.put(frame, f::TABLE, self.here());
        self.describe(from)?;
        self.patch_here(over);
        if verb != verb::DELETE {
            let columns = self.definition(from).columns();
            let first = self.new_locals(columns + 1)?;
            self.put(frame, f::LOCALS, first.into());
        }
        Ok(frame)
    }

    /// The definition of a table, without names, as the machine needs it.
    fn describe(&mut self, from: usize) -> Result<()> {
        let at = usize::from(self.get(from, s::DEFINITION));
        for offset in 0..schema::HEADER {
            let byte = self.arena.get(at + offset).copied().unwrap_or(0);
            self.byte(if offset == 8 { 0 } else { byte })?;
        }
        for column in 0..self.definition(from).columns() {
            let Some(known) = self.definition(from).column(column) else { break };
            let default = if known.added && known.has_default { known.default.len() } else { 0 };
            let flags = known.affinity | u8::from(known.not_null) << 3 | if default > 0 { 0x30 } else { 0 };
            let (collation, primary, default_at) = (known.collation, known.primary, at + known.default_at);
            self.bytes(&[flags, collation, primary, 0, 0, default as u8])?;
            for offset in 0..default {
                let byte = self.arena.get(default_at + offset).copied().unwrap_or(0);
                self.byte(byte)?;
            }
            self.byte(0)?;
        }
        let mut index_at = self.definition(from).indexes_at();
        for _ in 0..self.definition(from).indexes() {
            let index = self.definition(from).index_at(index_at);
            let (columns, next) = (usize::from(index.columns), index.next);
            for offset in 0..4 + 2 * columns {
                let byte = self.arena.get(at + index_at + offset).copied().unwrap_or(0);
                self.byte(byte)?;
            }
            self.byte(0)?;
            index_at = next;
        }
        Ok(())
    }

    /// The only source of a statement that writes.
    fn target(&self) -> usize {
        self.get(self.frame, f::SOURCES).into()
    }

    fn local(&self, column: u8) -> u8 {
        let columns = self.definition(self.target()).columns();
        self.get(self.frame, f::LOCALS) as u8 + if column == ROWID { columns } else { column }
    }

    /// The column with this name; an error if there is none.
    fn target_column(&self, name: Token) -> Result<u8> {
        let definition = self.definition(self.target());
        if let Some(at) = definition.each_column().position(|column| self.same(name, column.name)) {
            return Ok(if at as u8 == definition.rowid_column() { ROWID } else { at as u8 });
        }
        if self.same(name, b"rowid") || self.same(name, b"_rowid_") || self.same(name, b"oid") {
            return Ok(ROWID);
        }
        Err(self.error(ErrorKind::NoSuchColumn, name))
    }

    // ---- INSERT

    /// INSERT and REPLACE, from the token behind the word.
    pub(crate) fn insert(&mut self, replace: bool) -> Result<()> {
        let action = if replace { action::REPLACE } else { self.or_action()? };
        self.expect(Kind::Into)?;
        let frame = self.begin_write(verb::INSERT, action)?;
        // While values are compiled, the table's columns are no names.
        self.put(frame, f::MODE, 2);
        if self.accept(Kind::As) {
            self.name()?;
        }
        self.put(frame, f::RESULT, NONE);
        if self.token.kind == Kind::LeftParen {
            self.put(frame, f::ORDER, self.after(self.token).start);
            self.advance();
            loop {
                let name = self.name()?;
                self.target_column(name)?;
                if !self.accept(Kind::Comma) {
                    break;
                }
            }
            self.expect(Kind::RightParen)?;
        }
        match self.token.kind {
            Kind::Values => {
                self.advance();
                self.begin_row()
            }
            Kind::Default => {
                self.advance();
                self.expect(Kind::Values)?;
                if self.get(frame, f::ORDER) != NONE {
                    return Err(self.unexpected());
                }
                self.put(frame, f::POS, self.token.start);
                self.put(frame, f::TOKEN, 0);
                self.defaults(0)
            }
            Kind::Select => {
                // Rows that come from the table itself are gathered before the first is written.
                let gather = self.reads_target();
                self.put(frame, f::STEP, at::SELECTED);
                self.begin_select(Output::Insert, Resume::Step, 0, 0, 0)?;
                let inner = self.frame;
                self.set_flag(inner, flag::GATHER, gather);
                Ok(())
            }
            _ => Err(self.unexpected()),
        }
    }

    /// Whether the name of the table that is written to, or a view, stands in the rest of the statement.
    fn reads_target(&mut self) -> bool {
        let name = self.lex(self.get(self.target(), s::NAME));
        let mut token = self.token;
        let mut from = false;
        while token.kind != Kind::End_ && token.kind != Kind::Illegal {
            if is_name(token.kind) && self.same_tokens(token, name) {
                return true;
            }
            // Any table may be a view of this one.
            if is_name(token.kind) && from && self.is_view(token) {
                return true;
            }
            from = matches!(token.kind, Kind::From | Kind::Join | Kind::Comma | Kind::In);
            token = self.after(token);
        }
        false
    }

    /// Whether a name is that of a view.
    fn is_view(&mut self, name: Token) -> bool {
        let (top, low) = (self.top, self.low);
        let found = self.load(name, ErrorKind::NoSuchTable);
        let view = found.is_ok_and(|(at, _)| self.arena.get(at) == Some(&schema::VIEW));
        (self.top, self.low) = (top, low);
        view
    }

    /// The column that the value of this place is for; `None` behind the last.
    fn column_for(&self, place: u16) -> Option<u8> {
        let frame = self.frame;
        let list = self.get(frame, f::ORDER);
        if list == NONE {
            let definition = self.definition(self.target());
            let column = place as u8;
            return (place < definition.columns().into()).then_some(if column == definition.rowid_column() {
                ROWID
            } else {
                column
            });
        }
        let mut token = self.lex(list);
        for _ in 0..place {
            token = self.after(token);
            if token.kind != Kind::Comma {
                return None;
            }
            token = self.after(token);
        }
        self.target_column(token).ok()
    }

    /// `(` of a row of VALUES.
    fn begin_row(&mut self) -> Result<()> {
        self.expect(Kind::LeftParen)?;
        self.put(self.frame, f::TERM, 0);
        self.goto(at::VALUE_1);
        self.expression()
    }

    fn value(&mut self) -> Result<()> {
        let frame = self.frame;
        let place = self.get(frame, f::TERM);
        let Some(column) = self.column_for(place) else {
            return Err(self.error_here(ErrorKind::Schema));
        };
        self.set_column(column, place)?;
        self.put(frame, f::TERM, place + 1);
        if self.accept(Kind::Comma) {
            self.goto(at::VALUE_1);
            return self.expression();
        }
        self.expect(Kind::RightParen)?;
        if self.column_for(place + 1).is_some() {
            return Err(self.error_here(ErrorKind::Schema));
        }
        self.put(frame, f::POS, self.token.start);
        self.defaults(0)
    }

    /// The value on the stack becomes that of a column; a column that is named twice keeps the first value.
    fn set_column(&mut self, column: u8, place: u16) -> Result<()> {
        let twice = (0..place).any(|before| self.column_for(before) == Some(column));
        self.shrink(1);
        if twice { self.op(Op::Drop) } else { self.op1(Op::SetLocal, self.local(column)) }
    }

    /// Columns without a value get their default, from this one on.
    fn defaults(&mut self, first: u8) -> Result<()> {
        let frame = self.frame;
        let all = self.get(frame, f::ORDER) == NONE && self.get(frame, f::TOKEN) != 0;
        let columns = self.definition(self.target()).columns();
        let given = |compiler: &Self, column: u8| {
            let mut place = 0;
            while let Some(known) = compiler.column_for(place) {
                if known == column {
                    return true;
                }
                place += 1;
            }
            false
        };
        if !all {
            for column in first..columns {
                let rowid = column == self.definition(self.target()).rowid_column();
                let which = if rowid { ROWID } else { column };
                if self.get(frame, f::ORDER) != NONE && given(self, which) {
                    continue;
                }
                let known = self.definition(self.target()).column(column).filter(|known| known.has_default && !rowid);
                if let Some(default_at) = known.map(|known| known.default_at) {
                    let text = usize::from(self.get(self.target(), s::DEFINITION)) + default_at;
                    self.put(frame, f::TERM, column.into());
                    self.goto(at::DEFAULT_1);
                    return self.expression_at(text as u16 | IN_ARENA);
                }
                self.op(Op::Null)?;
                self.op1(Op::SetLocal, self.local(which))?;
            }
        }
        if self.get(frame, f::ORDER) == NONE || !given(self, ROWID) {
            let rowid = self.definition(self.target()).rowid_column();
            if rowid == ROWID {
                self.op(Op::Null)?;
                self.op1(Op::SetLocal, self.local(ROWID))?;
            }
        }
        self.checks()
    }

    fn default_end(&mut self) -> Result<()> {
        let frame = self.frame;
        let column = self.get(frame, f::TERM) as u8;
        self.op1(Op::SetLocal, self.local(column))?;
        self.shrink(1);
        self.defaults(column + 1)
    }

    /// The row of the SELECT is on the stack: called by its frame, which goes on when the row is written.
    pub(crate) fn insert_row(&mut self) -> Result<()> {
        let inner = self.frame;
        let columns = self.get(inner, f::COLUMNS);
        self.frame = self.get(inner, f::PARENT).into();
        let frame = self.frame;
        self.put(frame, f::SAVED, inner as u16);
        if self.column_for(columns).is_some() || (columns > 0 && self.column_for(columns - 1).is_none()) {
            return Err(self.error_here(ErrorKind::Schema));
        }
        for place in (0..columns).rev() {
            let Some(column) = self.column_for(place) else { break };
            self.set_column(column, place)?;
        }
        self.put(frame, f::TOKEN, 1);
        self.put(frame, f::POS, NONE);
        self.put(frame, f::NEXT, NONE);
        self.defaults(0)
    }

    /// The columns are in the locals: affinities, NOT NULL, CHECK.
    fn checks(&mut self) -> Result<()> {
        let frame = self.frame;
        let (table, first) = (self.get(frame, f::TABLE), self.get(frame, f::LOCALS) as u8);
        let insert = self.get(frame, f::KEYS) == verb::INSERT;
        let action = self.get(frame, f::ACTION) as u8;
        self.op(Op::Affinities)?;
        self.word(table)?;
        self.bytes(&[first, insert.into()])?;
        for column in 0..self.definition(self.target()).columns() {
            let rowid = column == self.definition(self.target()).rowid_column();
            let Some(known) = self.definition(self.target()).column(column).filter(|known| known.not_null && !rowid)
            else {
                continue;
            };
            let (has_default, default_at) = (known.has_default, known.default_at);
            let how = if action == action::NONE { known.action } else { action };
            if how == action::REPLACE && has_default {
                self.op1(Op::Local, first + column)?;
                self.op(Op::IfKnown)?;
                let end = self.chain(NONE)?;
                self.grow(1)?;
                let at = usize::from(self.get(self.target(), s::DEFINITION)) + default_at;
                self.literal_default(at)?;
                self.patch_here(end);
                self.op1(Op::SetLocal, first + column)?;
                self.shrink(1);
            }
            self.bytes(&[Op::CheckNull as u8, first + column, column, how])?;
            self.chain_in(frame, f::NEXT)?;
        }
        if self.definition(self.target()).checks() == 0 {
            return self.checked();
        }
        self.put(frame, f::STEP, at::CHECKED);
        let inner = self.push_frame()?;
        let target = usize::from(self.get(frame, f::SOURCES));
        let definition = (self.get(target, s::DEFINITION).into(), self.get(target, s::LENGTH).into());
        let name = self.lex(self.get(target, s::NAME));
        let from = self.push_source(definition, name)?;
        self.put(from, s::FLAGS, joined::LOCALS);
        self.put(from, s::LOCALS, first.into());
        self.set_flag(inner, flag::CLOSED, true);
        self.put(inner, f::TERM, 0);
        self.goto(at::CHECK);
        Ok(())
    }

    /// The next CHECK of the table.
    fn check(&mut self) -> Result<()> {
        let frame = self.frame;
        let which = usize::from(self.get(frame, f::TERM));
        let from = self.target();
        let Some(text) = self.definition(from).each_check().nth(which) else {
            self.top = frame + 2 * f::FIELDS;
            self.frame = self.get(frame, f::PARENT).into();
            self.mode = Mode::Step;
            return Ok(());
        };
        let at = usize::from(self.get(from, s::DEFINITION)) + text;
        self.put(frame, f::TERM, which as u16 + 1);
        self.goto(at::CHECK_1);
        self.expression_at(at as u16 | IN_ARENA)
    }

    fn check_end(&mut self) -> Result<()> {
        let outer = usize::from(self.get(self.frame, f::PARENT));
        let action = self.get(outer, f::ACTION) as u8;
        // CHECK knows no REPLACE: it aborts.
        self.op1(Op::Check, if action == action::REPLACE { action::ABORT } else { action })?;
        self.chain_in(outer, f::NEXT)?;
        self.shrink(1);
        self.goto(at::CHECK);
        Ok(())
    }

    /// All checks passed: the row is written.
    fn checked(&mut self) -> Result<()> {
        let frame = self.frame;
        let (table, first) = (self.get(frame, f::TABLE), self.get(frame, f::LOCALS) as u8);
        let action = self.get(frame, f::ACTION) as u8;
        if self.get(frame, f::KEYS) == verb::UPDATE {
            let cursor = self.get(self.target(), s::CURSOR) as u8;
            self.op(Op::Update)?;
            self.word(table)?;
            self.bytes(&[first, action, cursor])?;
            self.chain_in(frame, f::NEXT)?;
            self.goto(step::UNWIND);
            return Ok(());
        }
        self.op(Op::Insert)?;
        self.word(table)?;
        self.bytes(&[first, action])?;
        self.chain_in(frame, f::NEXT)?;
        let next = self.get(frame, f::NEXT);
        self.patch_here(next);
        self.put(frame, f::NEXT, NONE);
        let pos = self.get(frame, f::POS);
        if pos == NONE {
            // The row came from a SELECT, which goes on.
            self.frame = self.get(frame, f::SAVED).into();
            self.put(frame, f::STEP, at::SELECTED);
            self.emit_limit()?;
            return self.row_done();
        }
        self.go(pos);
        if self.accept(Kind::Comma) {
            return self.begin_row();
        }
        self.write_end()
    }

    /// The statement is complete.
    fn write_end(&mut self) -> Result<()> {
        let finish = self.get(self.frame, f::FINISH);
        self.patch_here(finish);
        self.op(Op::Halt)?;
        if self.token.kind == Kind::On || self.token.kind == Kind::Returning {
            return Err(self.error_here(ErrorKind::Unsupported));
        }
        self.end_of_statement()
    }

    // ---- UPDATE, DELETE

    /// UPDATE, from the token behind the word.
    pub(crate) fn update(&mut self) -> Result<()> {
        let action = self.or_action()?;
        let frame = self.begin_write(verb::UPDATE, action)?;
        let from = self.target();
        self.alias(from)?;
        self.not_indexed()?;
        self.expect(Kind::Set)?;
        self.put(frame, f::RESULT, NONE);
        self.put(frame, f::ORDER, self.token.start);
        let mut gather = action == action::REPLACE;
        loop {
            if self.token.kind == Kind::LeftParen {
                return Err(self.error_here(ErrorKind::Unsupported));
            }
            let name = self.name()?;
            gather |= self.target_column(name)? == ROWID;
            self.expect(Kind::Equal)?;
            self.skip_to_comma();
            if !self.accept(Kind::Comma) {
                break;
            }
        }
        self.where_and_loop(gather)
    }

    /// DELETE, from the token behind the word.
    pub(crate) fn delete(&mut self) -> Result<()> {
        self.expect(Kind::From)?;
        self.begin_write(verb::DELETE, action::NONE)?;
        let from = self.target();
        self.alias(from)?;
        self.not_indexed()?;
        self.where_and_loop(false)
    }

    /// Whether UPDATE sets this column.
    fn is_set(&self, column: u8) -> bool {
        let mut token = self.lex(self.get(self.frame, f::ORDER));
        let (mut depth, mut name) = (0usize, true);
        loop {
            if name && self.target_column(token) == Ok(column) {
                return true;
            }
            name = false;
            match token.kind {
                Kind::LeftParen => depth += 1,
                Kind::RightParen => depth = depth.saturating_sub(1),
                Kind::Comma if depth == 0 => name = true,
                Kind::Where if depth == 0 => return false,
                Kind::End_ | Kind::Illegal | Kind::Semicolon => return false,
                _ => {}
            }
            token = self.after(token);
        }
    }

    fn not_indexed(&mut self) -> Result<()> {
        if self.token.kind == Kind::Not && self.after(self.token).kind == Kind::Indexed {
            self.advance();
            self.advance();
        } else if self.token.kind == Kind::Indexed {
            return Err(self.error_here(ErrorKind::Unsupported));
        }
        Ok(())
    }

    fn skip_to_comma(&mut self) {
        let mut depth = 0usize;
        while !self.ends_condition(depth) {
            match self.advance().kind {
                Kind::LeftParen => depth += 1,
                Kind::RightParen => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
    }

    /// The loop over the rows that WHERE allows. `gather`: it must not meet its own changes.
    fn where_and_loop(&mut self, mut gather: bool) -> Result<()> {
        let frame = self.frame;
        if self.accept(Kind::Where) {
            self.put(frame, f::WHERE, self.token.start);
            let mut depth = 0usize;
            while !self.ends_condition(depth) {
                match self.advance().kind {
                    Kind::LeftParen => depth += 1,
                    Kind::RightParen => depth = depth.saturating_sub(1),
                    Kind::Select => gather = true,
                    // `x IN table` reads a table too.
                    Kind::In if self.token.kind != Kind::LeftParen => gather = true,
                    _ => {}
                }
            }
        }
        if matches!(self.token.kind, Kind::From | Kind::Returning | Kind::Order | Kind::Limit) {
            return Err(self.error_here(ErrorKind::Unsupported));
        }
        self.put(frame, f::END, self.token.start);
        let from = self.target();
        self.choose_plan(from)?;
        // An index whose keys change while it is read would give rows twice.
        gather |= self.get(frame, f::KEYS) == verb::UPDATE && self.plan_uses(from, |column| self.is_set(column));
        if gather {
            let stage = self.new_stage()?;
            self.put(frame, f::SORT, stage.into());
            self.bytes(&[Op::StageStart as u8, stage, stage::ROWSET, 0, 0])?;
        }
        self.put(frame, f::AT, self.get(frame, f::SOURCES));
        self.goto(step::LOOP);
        Ok(())
    }

    /// Whether a frame writes, and the steps of its loop lead here.
    pub(crate) fn is_write(&self, frame: usize) -> bool {
        self.get(frame, f::TABLE) != NONE
    }

    /// Inside of the loop.
    pub(crate) fn write_body(&mut self) -> Result<()> {
        let frame = self.frame;
        let cursor = self.get(self.target(), s::CURSOR) as u8;
        let stage = self.get(frame, f::SORT);
        if stage != NONE && self.get(frame, f::SORT_PASS) == NONE {
            self.op2(Op::RowsetAdd, stage as u8, cursor)?;
            self.goto(step::UNWIND);
            return Ok(());
        }
        if self.get(frame, f::KEYS) == verb::DELETE {
            self.op(Op::Delete)?;
            self.word(self.get(frame, f::TABLE))?;
            self.byte(cursor)?;
            self.goto(step::UNWIND);
            return Ok(());
        }
        let columns = self.definition(self.target()).columns();
        let rowid = self.definition(self.target()).rowid_column();
        for column in 0..columns {
            if column != rowid {
                let known =
                    self.definition(self.target()).column(column).filter(|known| known.added && known.has_default);
                let default_at =
                    known.map(|known| usize::from(self.get(self.target(), s::DEFINITION)) + known.default_at);
                self.read_column(self.target(), column, default_at)?;
                self.grow(1)?;
                self.op1(Op::SetLocal, self.local(column))?;
                self.shrink(1);
            }
        }
        self.op1(Op::Rowid, cursor)?;
        self.grow(1)?;
        self.op1(Op::SetLocal, self.local(ROWID))?;
        self.shrink(1);
        self.go(self.get(frame, f::ORDER));
        self.goto(at::SET);
        Ok(())
    }

    fn set(&mut self) -> Result<()> {
        let name = self.name()?;
        self.put(self.frame, f::TOKEN, name.start);
        self.expect(Kind::Equal)?;
        self.goto(at::SET_1);
        self.expression()
    }

    fn set_end(&mut self) -> Result<()> {
        let name = self.lex(self.get(self.frame, f::TOKEN));
        let column = self.target_column(name)?;
        self.op1(Op::SetLocal, self.local(column))?;
        self.shrink(1);
        if self.accept(Kind::Comma) {
            self.goto(at::SET);
            return Ok(());
        }
        if !self.ends_condition(0) {
            return Err(self.unexpected());
        }
        self.checks()
    }

    /// Behind the loop: that over the gathered rowids, if there is one.
    pub(crate) fn write_finish(&mut self) -> Result<()> {
        let frame = self.frame;
        let stage = self.get(frame, f::SORT);
        if stage == NONE {
            self.go(self.get(frame, f::END));
            return self.write_end();
        }
        if self.get(frame, f::SORT_PASS) == NONE {
            let from = self.target();
            let label = self.here();
            self.put(frame, f::SORT_PASS, label);
            self.put(from, s::LOOP, label);
            self.put(from, s::EXIT, NONE);
            let (cursor, number) = (self.get(from, s::CURSOR) as u8, self.definition(from).number());
            self.op2(Op::RowsetNext, stage as u8, cursor)?;
            self.word(number)?;
            self.chain_in(from, s::EXIT)?;
            self.put(frame, f::AT, from as u16);
            return self.write_body();
        }
        self.go(self.get(frame, f::END));
        self.write_end()
    }

    /// One step of a frame that writes.
    pub(crate) fn write_step(&mut self) -> Result<()> {
        match self.get(self.frame, f::STEP) {
            at::VALUE_1 => self.value(),
            at::DEFAULT_1 => self.default_end(),
            at::CHECKED => self.checked(),
            at::SELECTED => self.write_end(),
            at::SET => self.set(),
            at::SET_1 => self.set_end(),
            at::CHECK => self.check(),
            at::CHECK_1 => self.check_end(),
            _ => Err(self.error_here(ErrorKind::Internal)),
        }
    }

    /// Code for a default that is a literal; its text is in the arena.
    pub(crate) fn literal_default(&mut self, at: usize) -> Result<()> {
        let mut token = self.lex(at as u16 | IN_ARENA);
        let mut negative = false;
        while matches!(token.kind, Kind::Minus | Kind::Plus | Kind::LeftParen) {
            negative ^= token.kind == Kind::Minus;
            token = self.after(token);
        }
        match token.kind {
            Kind::Integer | Kind::Real | Kind::Hex => match super::text::literal(self.text(token), negative) {
                Some(value) => self.constant(value),
                None => Err(self.error_here(ErrorKind::Syntax)),
            },
            Kind::String | Kind::Quoted => self.literal_text(token),
            Kind::Null => self.op(Op::Null),
            _ => Err(self.error_here(ErrorKind::Unsupported)),
        }
    }
}
