//! INSERT, UPDATE and DELETE.
//!
//! Contract: a row that is to be written stands in locals, one for each column and one for the rowid. Expressions fill
//! them, then come affinities, NOT NULL and CHECK, then one instruction that keeps table and indexes together. UPDATE
//! and DELETE loop as a SELECT does; where a loop could meet its own changes, it only gathers rowids, and a second loop
//! over them does the work.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::frame::{FRAME, f, flag, joined, s};
use super::select::step;
use super::template::{CHAIN, GOTO, HERE, LOW, NEW, OF, PATCH, SHRINK, WORD};
use super::*;
use crate::sqlite3::error::ErrorKind;
use crate::sqlite3::program::Op;
use crate::sqlite3::schema::{self, Definition, ROWID};
use crate::sqlite3::token::{Kind, Token};
use crate::sqlite3::value::{Affinity, Value};

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
pub(crate) mod at {
    use super::step::WRITE;
    pub(crate) const VALUE_1: u16 = WRITE;
    pub(crate) const DEFAULT_1: u16 = WRITE + 1;
    pub(crate) const CHECKED: u16 = WRITE + 2;
    pub(crate) const SELECTED: u16 = WRITE + 3;
    pub(crate) const SET: u16 = WRITE + 4;
    pub(crate) const SET_1: u16 = WRITE + 5;
    pub(crate) const CHECK: u16 = WRITE + 6;
    pub(crate) const CHECK_1: u16 = WRITE + 7;
    pub(crate) const REPLACED: u16 = WRITE + 8;
}

/// What a frame of write.rs does, in the field KEYS.
pub(crate) mod verb {
    pub(crate) const INSERT: u16 = 1;
    pub(crate) const UPDATE: u16 = 2;
    pub(crate) const DELETE: u16 = 3;
}

impl Compiler<'_> {
    /// `OR action` behind INSERT or UPDATE.
    pub(crate) fn or_action(&mut self) -> u8 {
        if !self.accept(Kind::Or) {
            return action::NONE;
        }
        self.conflict_action()
    }

    /// The name of an action.
    pub(crate) fn conflict_action(&mut self) -> u8 {
        let action = match self.token.kind {
            Kind::Rollback => action::ROLLBACK,
            Kind::Abort => action::ABORT,
            Kind::Fail => action::FAIL,
            Kind::Ignore => action::IGNORE,
            Kind::Replace => action::REPLACE,
            _ => {
                self.fail_unexpected();
                action::NONE
            }
        };
        self.advance();
        action
    }

    /// Begins a statement that writes to a table: its frame, with the table as a source.
    pub(crate) fn begin_write(&mut self, verb: u16, action: u8) {
        let name = self.table_name();
        self.push_frame();
        let definition = self.load(name, ErrorKind::NoSuchTable);
        let known = self.defined(definition.0, definition.1);
        let (kind, number) = (known.kind(), known.number());
        if kind == schema::VIEW || kind == schema::TABLE && number == schema::SCHEMA {
            self.fail_at(ErrorKind::Schema, name);
        } else if kind != schema::TABLE {
            self.fail_at(ErrorKind::NoSuchTable, name);
        }
        let from = self.push_source(definition, name);
        let cursor = self.new_cursor();
        self.put(from, s::CURSOR, cursor.into());
        self.set_own(f::ACTION, action.into());
        self.set_own(f::OUTPUT, NONE);
        self.set_own(f::VERB, verb);
        self.writes = true;
        self.emit(&[Op::Write as u8, HERE, f::START, 0, Op::Jump as u8, NEW, f::FINISH, HERE, f::TABLE]);
        // The machine reads the definition too: a copy of it stands in the program.
        self.copy(definition.0 as u16 | IN_ARENA, definition.1);
        self.emit(&[PATCH, f::FINISH]);
        if verb != verb::DELETE {
            let columns = self.definition(from).columns();
            // (A damaged definition may have 255.)
            let first = self.new_locals(columns.wrapping_add(1));
            self.set_own(f::LOCALS, first.into());
        }
    }

    /// The only source of a statement that writes.
    pub(crate) fn target(&self) -> usize {
        self.own(f::SOURCES).into()
    }

    /// Its definition.
    #[inline(never)]
    pub(crate) fn table_here(&self) -> Definition<'_> {
        self.definition(self.target())
    }

    pub(crate) fn local(&self, column: u8) -> u8 {
        let columns = self.table_here().columns();
        self.own(f::LOCALS) as u8 + if column == ROWID { columns } else { column }
    }

    /// The column with this name.
    pub(crate) fn target_column(&self, name: Token) -> Option<u8> {
        self.column_of(self.target(), name)
    }

    /// The columns are in the locals: affinities, NOT NULL, CHECK.
    pub(crate) fn checks(&mut self) {
        self.affinities();
        self.not_nulls(0);
    }

    /// What is done about a NULL in a column; `None` where one may be.
    fn null_action(&self, column: u8) -> Option<u8> {
        let (definition, action) = (self.table_here(), self.own(f::ACTION) as u8);
        let (flags, more) = definition.flags(column);
        let always = flags & schema::NOT_NULL != 0 && column != definition.rowid_column();
        always.then_some(if action == action::NONE { more >> 2 & 7 } else { action })
    }

    /// NOT NULL of the columns from one on. Those whose default takes the place of NULL are asked behind all others.
    fn not_nulls(&mut self, from: u8) {
        let (first, columns) = (self.own(f::LOCALS) as u8, self.table_here().columns());
        for column in from..columns {
            let Some(how) = self.null_action(column) else { continue };
            if how == action::REPLACE
                && let Some(text) = self.default_of(self.target(), column)
            {
                self.op1(Op::Local, first + column);
                self.set_own(f::TERM, column.into());
                self.emit(&[Op::IfKnown as u8, NEW, f::CODE, GOTO, at::REPLACED as u8]);
                return self.expression_at(text);
            }
            self.check_null(column, how);
        }
        for column in 0..if from == 0 { 0 } else { columns } {
            if self.null_action(column) == Some(action::REPLACE) {
                self.check_null(column, action::REPLACE);
            }
        }
        if self.table_here().checks() == 0 {
            return self.checked();
        }
        self.set_own(f::STEP, at::CHECKED);
        let target = self.target();
        self.push_frame();
        let definition = (self.get(target, s::DEFINITION).into(), self.get(target, s::LENGTH).into());
        let name = self.lex(self.get(target, s::NAME));
        let from = self.push_source(definition, name);
        self.put(from, s::FLAGS, joined::LOCALS);
        self.put(from, s::LOCALS, first.into());
        self.set_flagged(flag::CLOSED, true);
        self.goto(at::CHECK);
    }

    fn affinities(&mut self) {
        self.emit(&[Op::Affinities as u8, WORD, f::TABLE, LOW | f::LOCALS]);
        self.byte((self.own(f::VERB) == verb::INSERT).into());
    }

    fn check_null(&mut self, column: u8, how: u8) {
        self.bytes(&[Op::CheckNull as u8, self.own(f::LOCALS) as u8 + column, column, how]);
        self.chain_own(f::NEXT);
    }

    /// A default took the place of NULL; it has the affinity of its column too.
    pub(crate) fn replaced(&mut self) {
        let column = self.own(f::TERM) as u8;
        self.emit(&[PATCH, f::CODE, SHRINK, 1, Op::SetLocal as u8]);
        self.byte(self.local(column));
        self.affinities();
        self.not_nulls(column + 1);
    }

    /// The next CHECK of the table.
    pub(crate) fn check(&mut self) {
        let which = usize::from(self.own(f::TERM));
        let from = self.target();
        let Some(text) = self.definition(from).each_check().nth(which) else {
            self.top = self.frame + FRAME;
            self.go_back_to(self.own(f::PARENT).into());
            self.mode = Mode::Step;
            return;
        };
        let at = usize::from(self.get(from, s::DEFINITION)) + text;
        self.set_own(f::TERM, which as u16 + 1);
        self.goto(at::CHECK_1);
        self.expression_at(at as u16 | IN_ARENA)
    }

    pub(crate) fn check_end(&mut self) {
        let outer = usize::from(self.own(f::PARENT));
        let action = self.get(outer, f::ACTION) as u8;
        // CHECK knows no REPLACE: it aborts.
        self.op1(Op::Check, if action == action::REPLACE { action::ABORT } else { action });
        self.chain_in(outer, f::NEXT);
        self.shrink(1);
        self.goto(at::CHECK);
    }

    /// All checks passed: the row is written.
    pub(crate) fn checked(&mut self) {
        let definition = self.table_here();
        let how = definition.flags(definition.rowid_column()).1 << 1 & 0x38;
        let update = self.own(f::VERB) == verb::UPDATE;
        self.op(if update { Op::Update } else { Op::Insert });
        self.emit(&[WORD, f::TABLE, LOW | f::LOCALS]);
        self.byte(how | self.own(f::ACTION) as u8);
        if update {
            return self.emit(&[OF, LOW | s::CURSOR, CHAIN | f::NEXT, GOTO, step::UNWIND as u8]);
        }
        self.emit(&[CHAIN | f::NEXT, PATCH, f::NEXT]);
        let pos = self.own(f::POS);
        if pos == NONE {
            // The row came from a SELECT, which goes on.
            self.set_own(f::STEP, at::SELECTED);
            self.enter(self.own(f::SAVED).into());
            self.emit_limit();
            return self.row_done();
        }
        self.go(pos);
        if self.accept(Kind::Comma) {
            if self.own(f::START) != NONE && self.reads_target() {
                // The rows behind the first would see those before them.
                return self.fail_here(ErrorKind::Unsupported);
            }
            self.set_own(f::START, NONE);
            return self.begin_row();
        }
        if self.own(f::ACTION) != action::REPLACE.into() {
            self.writes_one();
        }
        self.write_end()
    }

    /// No more than one row is written: without indexes that is one record.
    pub(crate) fn writes_one(&mut self) {
        let at = self.own(f::START);
        if self.table_here().indexes() == 0
            && let Some(place) = self.arena.get_mut(usize::from(at))
            && at != NONE
        {
            *place = 1;
        }
    }

    /// The statement is complete.
    pub(crate) fn write_end(&mut self) {
        self.emit(&[PATCH, f::FINISH, Op::Halt as u8]);
        if self.token.kind == Kind::On || self.token.kind == Kind::Returning {
            return self.fail_here(ErrorKind::Unsupported);
        }
        self.end_of_statement()
    }

    /// Code for a default that is a literal; its text is in the arena. (SQLite makes it an integer where it can, also in
    /// a column without affinity: that shows in rows older than the column alone.)
    pub(crate) fn literal_default(&mut self, at: usize, affinity: u8) {
        let mut token = self.lex(at as u16 | IN_ARENA);
        let mut negative = false;
        while matches!(token.kind, Kind::Minus | Kind::Plus | Kind::LeftParen) {
            negative ^= token.kind == Kind::Minus;
            token = self.after(token);
        }
        let number = matches!(token.kind, Kind::Integer | Kind::Real) && affinity == Affinity::Text as u8;
        let literal = crate::sqlite3::text::literal;
        match token.kind {
            // A text column takes a real as it is written.
            _ if number && matches!(literal(self.text(token), negative), Some(Value::Real(_))) => {
                let (start, len) = (token.start(), usize::from(token.end() - token.start()));
                self.op(Op::Text);
                self.word((len + usize::from(negative)) as u16);
                if negative {
                    self.byte(b'-');
                }
                self.copy(start, len)
            }
            Kind::Real => {
                let real = literal(self.text(token), negative).unwrap_or(Value::Null);
                self.constant(Affinity::Numeric.apply_numeric(real))
            }
            Kind::Quoted => self.literal_text(token),
            Kind::Name => self.op1(Op::Int8, self.same(token, b"true").into()),
            _ if self.literal(token, negative) => {}
            _ => self.fail_here(ErrorKind::Unsupported),
        }
    }
}
