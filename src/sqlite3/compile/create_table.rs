//! CREATE TABLE: columns, constraints, the indexes that they make, checks.
//!
//! Contract: three walks over the text write the three parts of the definition, one behind the other.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::create_index::Parts;
use super::ddl::SchemaRow;
use super::*;
use crate::sqlite3::error::ErrorKind;
use crate::sqlite3::schema::{self, ROWID};
use crate::sqlite3::token::{Kind, Token};
use crate::sqlite3::value::Affinity;

/// Which part of a definition a walk over CREATE TABLE writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Walk {
    Columns,
    Indexes,
    Checks,
}

impl Compiler<'_> {
    // ---- CREATE TABLE

    #[inline(never)]
    pub(crate) fn create_table(&mut self) {
        let token = self.new_name(false);
        let body = self.token;
        if body.kind == Kind::As {
            self.fail_here(ErrorKind::Unsupported);
        }
        let number = self.new_number();
        self.byte(schema::TABLE);
        self.word(number);
        self.bytes(&[0, 0, 0, ROWID, 0, 0, 0]);
        for walk in [Walk::Columns, Walk::Indexes, Walk::Checks] {
            self.go(body.start());
            self.table_body(walk);
        }
        let close = self.advance();
        if self.token.kind == Kind::Without || (self.token.kind == Kind::Name && self.same(self.token, b"strict")) {
            self.fail_here(ErrorKind::Unsupported);
        }
        self.end_of_statement();
        self.try_expressions(token);
        if self.was_present() {
            return;
        }
        let text = self.schema_text(b"CREATE TABLE ", token, close.end());
        let mut row = SchemaRow { kind: b"table", name: token, table: token, number, text, which: 0 };
        let rowid = self.add_schema_row(&row);
        put16(self.arena, 3, rowid);
        row.kind = b"index";
        let mut index_at = self.built().indexes_at();
        for which in 1..=self.built().indexes() {
            let index = self.built().index_at(index_at);
            (row.number, row.which) = (index.number, which.into());
            index_at = index.next;
            self.add_schema_row(&row);
        }
        self.save(token, 0);
    }

    /// Walks over `( columns and constraints )`, to the last parenthesis.
    #[inline(never)]
    fn table_body(&mut self, walk: Walk) {
        self.expect(Kind::LeftParen);
        let mut column = 0u8;
        let mut constraints = false;
        loop {
            if starts_constraint(self.token.kind) && column > 0 {
                constraints = true;
                self.table_constraint(walk);
            } else if constraints || column > 200 {
                return if constraints { self.fail_unexpected() } else { self.fail_here(ErrorKind::TooBig) };
            } else {
                self.column_definition(walk, column);
                column += 1;
            }
            if self.token.kind == Kind::RightParen {
                return;
            }
            // Between table constraints the comma may be left out.
            let goes_on = self.accept(Kind::Comma) || constraints && starts_constraint(self.token.kind);
            if !goes_on {
                return self.fail_unexpected();
            }
        }
    }

    /// One column with its constraints.
    #[inline(never)]
    pub(crate) fn column_definition(&mut self, walk: Walk, column: u8) {
        let name = self.name();
        let declared = self.type_name();
        let at = self.code;
        if walk == Walk::Columns {
            if self.position(self.built(), name).is_some() {
                return self.fail_at(ErrorKind::Schema, name);
            }
            let affinity = Affinity::of_type(self.text(declared));
            let type_len = declared.end() - declared.start();
            if type_len > 200 {
                return self.fail_at(ErrorKind::TooBig, declared);
            }
            self.bytes(&[affinity as u8, 0, 0, 0, type_len as u8, 0]);
            let len = self.plain_name(name);
            self.set_at(at + 3, len);
            self.copy(declared.start(), type_len.into());
            // (A damaged definition may have 255.)
            self.set_at(5, column.wrapping_add(1));
        }
        let mut default = None;
        loop {
            if self.accept(Kind::Constraint) {
                self.name();
            }
            let word = self.token;
            let not = word.kind == Kind::Not;
            let kind = if not { self.after(word).kind } else { word.kind };
            match kind {
                Kind::Primary
                | Kind::Unique
                | Kind::Null
                | Kind::Check
                | Kind::Default
                | Kind::Collate
                | Kind::References => {
                    self.advance();
                }
                Kind::Deferrable => {
                    self.deferrable();
                    continue;
                }
                Kind::Generated | Kind::As => return self.fail_here(ErrorKind::Unsupported),
                _ => break,
            }
            match kind {
                Kind::Null => {
                    if not {
                        self.advance();
                    }
                    let action = self.on_conflict();
                    if not && walk == Walk::Columns {
                        self.mark_at(at, 8);
                        if self.at(6) != column {
                            self.mark_at(at + 1, action << 2);
                        }
                    }
                }
                _ if not => return self.fail_unexpected(),
                Kind::Primary | Kind::Unique => {
                    let primary = kind == Kind::Primary;
                    let mut order = 0;
                    if primary {
                        self.expect(Kind::Key);
                        order = u8::from(self.descending());
                    }
                    order |= (self.built().flags(column).1 & 3) << 1;
                    let mut parts = Parts::default();
                    parts.add(column, order);
                    self.key_constraint(walk, word, &parts, primary && order & 1 == 0);
                }
                Kind::Check => self.check_text(walk),
                Kind::Default => default = Some(self.default_text()),
                Kind::Collate => {
                    let collation = self.collation().saturating_sub(1);
                    if walk == Walk::Columns {
                        self.set_at(at + 1, self.at(at + 1) & !3 | collation);
                    }
                }
                _ => self.references(),
            }
        }
        if walk == Walk::Columns {
            if let Some((start, end)) = default {
                self.write_default(at, start, end);
            }
            self.byte(0);
        }
    }

    /// Writes the text of the default of the column at an offset.
    fn write_default(&mut self, at: usize, start: u16, end: u16) {
        let word = self.lex(start);
        let bare = is_name(word.kind) && word.kind != Kind::Quoted;
        let quote = bare && !self.same(word, b"true") && !self.same(word, b"false");
        let len = usize::from(end - start);
        if len > 248 {
            return self.fail_at(ErrorKind::TooBig, word);
        }
        let begin = self.code;
        if quote {
            self.byte(b'\'');
        }
        self.copy(start, len);
        if quote {
            self.byte(b'\'');
        }
        self.set_at(at + 5, (self.code - begin) as u8);
        self.mark_at(at, 0x10);
    }

    /// PRIMARY KEY and UNIQUE, behind their columns. `rowid`: a primary key that is one column of the type INTEGER is the rowid.
    fn key_constraint(&mut self, walk: Walk, word: Token, parts: &Parts, rowid: bool) {
        let primary = word.kind == Kind::Primary;
        let action = self.on_conflict();
        if self.token.kind == Kind::Autoincrement {
            return self.fail_here(ErrorKind::Unsupported);
        }
        let definition = self.built();
        let integer = matches!(parts.list(), &[(column, _)] if rowid
            && definition.column(column).is_some_and(|known| known.type_name.eq_ignore_ascii_case(b"integer")));
        match walk {
            Walk::Columns if primary => {
                if definition.each_column().any(|known| known.primary != 0) {
                    return self.fail_at(ErrorKind::Schema, word);
                }
                for (place, &(column, _)) in parts.list().iter().enumerate() {
                    let at = self.column_offset(column);
                    self.set_at(at + 2, place as u8 + 1);
                    if integer {
                        // The rowid is never NULL: its action is for what has the same rowid.
                        self.set_at(6, column);
                        self.set_at(at + 1, self.at(at + 1) & 3 | action << 2);
                    }
                }
            }
            Walk::Indexes if !integer => self.automatic_index(primary, action, parts),
            _ => {}
        }
    }

    /// `ON CONFLICT action`.
    #[inline(never)]
    pub(crate) fn on_conflict(&mut self) -> u8 {
        if !self.accept(Kind::On) {
            return 0;
        }
        self.expect(Kind::Conflict);
        self.conflict_action()
    }

    /// DEFAULT: where its text begins and ends.
    fn default_text(&mut self) -> (u16, u16) {
        let first = self.token;
        match first.kind {
            Kind::LeftParen => {
                let close = self.skip_parentheses();
                return (first.start(), close.end());
            }
            Kind::CurrentDate | Kind::CurrentTime | Kind::CurrentTimestamp => self.fail_here(ErrorKind::Unsupported),
            Kind::Plus | Kind::Minus => {
                self.advance();
                if !matches!(self.token.kind, Kind::Integer | Kind::Real | Kind::Hex) {
                    self.fail_unexpected();
                }
            }
            Kind::Integer | Kind::Real | Kind::Hex | Kind::String | Kind::Blob | Kind::Null => {}
            kind if is_name(kind) => {}
            _ => self.fail_unexpected(),
        }
        (first.start(), self.advance().end())
    }

    /// CHECK: in its own walk, the text between the parentheses.
    #[inline(never)]
    fn check_text(&mut self, walk: Walk) {
        if self.token.kind != Kind::LeftParen {
            return self.fail_unexpected();
        }
        let start = self.after(self.token).start();
        let close = self.skip_parentheses();
        if walk == Walk::Checks {
            let len = close.start().saturating_sub(start);
            self.word(len);
            self.copy(start, len.into());
            self.byte(0);
            self.set_at(8, self.at(8).wrapping_add(1));
        }
        self.on_conflict();
    }

    /// Foreign keys are read and, as is SQLite's default, not enforced.
    #[inline(never)]
    fn references(&mut self) {
        self.name();
        if self.token.kind == Kind::LeftParen {
            self.skip_parentheses();
        }
        loop {
            if self.accept(Kind::Match) {
                self.name();
            } else if self.accept(Kind::On) {
                if !self.accept(Kind::Delete) {
                    self.expect(Kind::Update);
                }
                match self.advance().kind {
                    Kind::Set if self.accept(Kind::Null) => {}
                    Kind::Set => {
                        self.expect(Kind::Default);
                    }
                    Kind::No => {
                        self.advance();
                    }
                    Kind::Cascade | Kind::Restrict => {}
                    _ => self.fail_here(ErrorKind::Syntax),
                }
            } else if self.token.kind == Kind::Deferrable
                || self.token.kind == Kind::Not && self.after(self.token).kind == Kind::Deferrable
            {
                self.deferrable();
            } else {
                return;
            }
        }
    }

    #[inline(never)]
    fn deferrable(&mut self) {
        self.accept(Kind::Not);
        self.accept(Kind::Deferrable);
        if self.token.kind == Kind::Name && self.same(self.token, b"initially") {
            self.advance();
            self.advance();
        }
    }

    fn table_constraint(&mut self, walk: Walk) {
        if self.accept(Kind::Constraint) {
            self.name();
        }
        let word = self.advance();
        match word.kind {
            Kind::Primary | Kind::Unique => {
                if word.kind == Kind::Primary {
                    self.expect(Kind::Key);
                }
                let mut parts = Parts::default();
                self.indexed_columns(&mut parts);
                self.key_constraint(walk, word, &parts, word.kind == Kind::Primary);
            }
            Kind::Check => self.check_text(walk),
            Kind::Foreign => {
                self.expect(Kind::Key);
                if self.token.kind != Kind::LeftParen {
                    return self.fail_unexpected();
                }
                self.skip_parentheses();
                self.expect(Kind::References);
                self.references();
            }
            _ => self.fail_at(ErrorKind::Syntax, word),
        }
    }

    /// Where a column begins in a definition that is being built.
    pub(crate) fn column_offset(&self, column: u8) -> usize {
        let mut at = schema::HEADER;
        for _ in 0..column {
            at += 7 + usize::from(self.at(at + 3)) + usize::from(self.at(at + 4)) + usize::from(self.at(at + 5));
        }
        at
    }

    /// Compiles the checks and the defaults of a new table, so that an error in them is found now. A default names no column.
    #[inline(never)]
    fn try_expressions(&mut self, name: Token) {
        let (code, top) = (self.code, self.top);
        let known = self.built();
        let (checks, columns) = (usize::from(known.checks()), usize::from(known.columns()));
        for which in 0..checks + columns {
            let known = self.built();
            let text = match which.checked_sub(checks) {
                None => known.each_check().nth(which),
                Some(at) => known.column(at as u8).filter(|known| known.has_default).map(|known| known.default_at),
            };
            let Some(text) = text else { continue };
            let inner = self.push_frame();
            if which < checks {
                let source = self.push_source((0, code), name);
                self.put(source, super::frame::s::FLAGS, super::frame::joined::LOCALS);
                self.put(source, super::frame::s::LOCALS, 0);
            }
            self.set_flagged(super::frame::flag::CLOSED, true);
            self.expression_at(text as u16 | IN_ARENA);
            // The expression is complete when the frame's step would go on.
            while self.mode != Mode::Step && self.failed.is_none() {
                if self.mode == Mode::Operand { self.operand() } else { self.operator() }
            }
            if self.frame != inner {
                // Subqueries are not allowed.
                self.fail_at(ErrorKind::Schema, name);
            } else if self.token.kind != Kind::End_ {
                self.fail_at(ErrorKind::Syntax, name);
            }
            (self.code, self.top, self.frame) = (code, top, 0);
            self.now = Counts::default();
        }
    }
}

/// Whether such a word begins a constraint of a table.
fn starts_constraint(kind: Kind) -> bool {
    matches!(kind, Kind::Constraint | Kind::Primary | Kind::Unique | Kind::Check | Kind::Foreign)
}
