//! CREATE TABLE: columns, constraints, the indexes that they make, checks.
//!
//! Contract: three walks over the text write the three parts of the definition, one behind the other.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::compile::*;
use super::create_index::automatic_name;
use super::error::{ErrorKind, Result};
use super::schema::{self, ROWID};
use super::token::{Kind, Token};

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
    pub(crate) fn create_table(&mut self) -> Result<()> {
        let unless = self.if_not_exists()?;
        let Some(name) = self.new_name(unless)? else { return Ok(()) };
        if self.token.kind == Kind::As {
            return Err(self.error_here(ErrorKind::Unsupported));
        }
        let body = self.token;
        let number = self.new_number()?;
        let from = self.code;
        self.bytes(&[schema::TABLE])?;
        self.word(number)?;
        self.bytes(&[0, 0, 0, ROWID, 0, 0, 0])?;
        for walk in [Walk::Columns, Walk::Indexes, Walk::Checks] {
            self.token = body;
            self.table_body(from, walk)?;
        }
        let close = self.token;
        self.advance();
        if self.token.kind == Kind::Without || (self.token.kind == Kind::Name && self.same(self.token, b"strict")) {
            return Err(self.error_here(ErrorKind::Unsupported));
        }
        self.end_of_statement()?;
        self.try_checks(from, name)?;
        let mut plain = [0; 64];
        let plain = self.plain_name(name, &mut plain)?;
        let row = self.add_schema_row("table", plain, plain, number, Some((b"CREATE TABLE ", name, close.end)))?;
        put16(self.arena, from + 3, row);
        let count = self.built(from).indexes();
        for which in 1..=count {
            let mut auto = [0; 96];
            let auto = automatic_name(plain, which, &mut auto);
            let definition = self.built(from);
            let number = definition.each_index().nth(usize::from(which) - 1).map_or(0, |index| index.number);
            self.add_schema_row("index", auto, plain, number, None)?;
        }
        let len = self.code - from;
        self.save(plain, from, len)
    }

    /// The bytes of a definition that is being built.
    pub(crate) fn at(&self, at: usize) -> u8 {
        self.arena.get(at).copied().unwrap_or(0)
    }

    pub(crate) fn set_at(&mut self, at: usize, byte: u8) {
        if let Some(place) = self.arena.get_mut(at) {
            *place = byte;
        }
    }

    /// Walks over `( columns and constraints )`, to the last parenthesis.
    pub(crate) fn table_body(&mut self, from: usize, walk: Walk) -> Result<()> {
        self.expect(Kind::LeftParen)?;
        let mut column = 0u8;
        let mut constraints = false;
        loop {
            match self.token.kind {
                Kind::Constraint | Kind::Primary | Kind::Unique | Kind::Check | Kind::Foreign => {
                    if column == 0 {
                        return Err(self.unexpected());
                    }
                    constraints = true;
                    self.table_constraint(from, walk)?;
                }
                _ if constraints => return Err(self.unexpected()),
                _ => {
                    self.column_definition(from, walk, column)?;
                    column = match column.checked_add(1) {
                        Some(next) if next <= 200 => next,
                        _ => return Err(self.error_here(ErrorKind::TooBig)),
                    };
                }
            }
            if self.token.kind == Kind::RightParen {
                return Ok(());
            }
            // Between table constraints the comma may be left out.
            let goes_on = constraints
                && matches!(
                    self.token.kind,
                    Kind::Constraint | Kind::Primary | Kind::Unique | Kind::Check | Kind::Foreign
                );
            if !goes_on && !self.accept(Kind::Comma) {
                return Err(self.unexpected());
            }
        }
    }

    /// One column with its constraints.
    pub(crate) fn column_definition_of(&mut self, from: usize) -> Result<()> {
        let column = self.at(from + 5);
        self.column_definition(from, Walk::Columns, column)
    }

    pub(crate) fn column_definition(&mut self, from: usize, walk: Walk, column: u8) -> Result<()> {
        let name = self.name()?;
        let (affinity, first, last) = self.type_name()?;
        let typed = first.start != name.start && last.end > first.start;
        let at = self.code;
        if walk == Walk::Columns {
            let mut plain = [0; 64];
            let plain = self.plain_name(name, &mut plain)?;
            let definition = self.defined(from, at - from);
            if definition.each_column().any(|known| known.name.eq_ignore_ascii_case(plain)) {
                return Err(self.error(ErrorKind::Schema, name));
            }
            let type_len = if typed { usize::from(last.end - first.start) } else { 0 };
            if type_len > 200 {
                return Err(self.error(ErrorKind::TooBig, first));
            }
            self.bytes(&[affinity as u8, 0, 0, plain.len() as u8, type_len as u8, 0])?;
            self.bytes(plain)?;
            self.copy(first.start, type_len)?;
            self.set_at(from + 5, column + 1);
        }
        let mut default = None;
        loop {
            if self.accept(Kind::Constraint) {
                self.name()?;
            }
            let word = self.token;
            match word.kind {
                Kind::Primary => {
                    self.advance();
                    self.expect(Kind::Key)?;
                    let descending = self.accept(Kind::Desc);
                    if !descending {
                        self.accept(Kind::Asc);
                    }
                    let action = self.on_conflict()?;
                    if self.token.kind == Kind::Autoincrement {
                        return Err(self.error_here(ErrorKind::Unsupported));
                    }
                    let integer =
                        typed && last == first && self.text(first).eq_ignore_ascii_case(b"integer") && !descending;
                    match walk {
                        Walk::Columns => {
                            self.one_primary_key(from, at, word)?;
                            self.set_at(at + 2, 1);
                            if integer {
                                self.set_rowid(from, column, action);
                            }
                        }
                        Walk::Indexes if !integer => {
                            let order = u8::from(descending);
                            self.automatic_index(from, true, action, &[(column, order)])?;
                        }
                        _ => {}
                    }
                }
                Kind::Not if self.after(word).kind == Kind::Null => {
                    self.advance();
                    self.advance();
                    let action = self.on_conflict()?;
                    if walk == Walk::Columns {
                        self.set_at(at, self.at(at) | 8);
                        let action = if self.at(from + 6) == column { 0 } else { action };
                        self.set_at(at + 1, self.at(at + 1) | action << 2);
                    }
                }
                Kind::Null => {
                    self.advance();
                    self.on_conflict()?;
                }
                Kind::Unique => {
                    self.advance();
                    let action = self.on_conflict()?;
                    if walk == Walk::Indexes {
                        self.automatic_index(from, false, action, &[(column, 0)])?;
                    }
                }
                Kind::Check => {
                    self.advance();
                    self.check_text(from, walk)?;
                }
                Kind::Default => {
                    self.advance();
                    default = Some(self.default_text()?);
                }
                Kind::Collate => {
                    self.advance();
                    let collation = self.collation()? - 1;
                    if walk == Walk::Columns {
                        self.set_at(at + 1, self.at(at + 1) & !3 | collation);
                    }
                }
                Kind::References => self.references()?,
                Kind::Not if self.after(word).kind == Kind::Deferrable => self.deferrable(),
                Kind::Deferrable => self.deferrable(),
                Kind::Generated | Kind::As => return Err(self.error_here(ErrorKind::Unsupported)),
                _ => break,
            }
        }
        if walk == Walk::Columns {
            if let Some((start, end)) = default {
                let bare = is_name(self.lex(start).kind) && self.lex(start).kind != Kind::Quoted;
                let word = self.lex(start);
                let quote = bare && !self.same(word, b"true") && !self.same(word, b"false");
                let len = usize::from(end - start) + 2 * usize::from(quote);
                if len > 250 {
                    return Err(self.error(ErrorKind::TooBig, word));
                }
                self.set_at(at + 5, len as u8);
                self.set_at(at, self.at(at) | 0x10);
                if quote {
                    self.byte(b'\'')?;
                }
                self.copy(start, usize::from(end - start))?;
                if quote {
                    self.byte(b'\'')?;
                }
            }
            self.byte(0)?;
        }
        Ok(())
    }

    pub(crate) fn one_primary_key(&mut self, from: usize, at: usize, word: Token) -> Result<()> {
        let before = self.defined(from, at - from);
        // The column at hand is counted already, but not complete.
        let columns = usize::from(before.columns()).saturating_sub(1);
        if before.each_column().take(columns).any(|known| known.primary != 0) || self.at(at + 2) != 0 {
            return Err(self.error(ErrorKind::Schema, word));
        }
        Ok(())
    }

    /// `ON CONFLICT action`.
    pub(crate) fn on_conflict(&mut self) -> Result<u8> {
        if self.token.kind != Kind::On {
            return Ok(0);
        }
        self.advance();
        self.expect(Kind::Conflict)?;
        self.conflict_action()
    }

    /// DEFAULT: where its text begins and ends.
    pub(crate) fn default_text(&mut self) -> Result<(u16, u16)> {
        let first = self.token;
        match first.kind {
            Kind::LeftParen => {
                self.skip_parentheses();
                Ok((first.start, self.last_before(first.start, self.token.start).end))
            }
            Kind::Plus | Kind::Minus => {
                self.advance();
                if !matches!(self.token.kind, Kind::Integer | Kind::Real | Kind::Hex) {
                    return Err(self.unexpected());
                }
                let last = self.advance();
                Ok((first.start, last.end))
            }
            Kind::CurrentDate | Kind::CurrentTime | Kind::CurrentTimestamp => {
                Err(self.error_here(ErrorKind::Unsupported))
            }
            Kind::Integer | Kind::Real | Kind::Hex | Kind::String | Kind::Blob | Kind::Null => {
                self.advance();
                Ok((first.start, first.end))
            }
            kind if is_name(kind) => {
                self.advance();
                Ok((first.start, first.end))
            }
            _ => Err(self.unexpected()),
        }
    }

    /// CHECK: in its own walk, the text between the parentheses.
    pub(crate) fn check_text(&mut self, from: usize, walk: Walk) -> Result<()> {
        if self.token.kind != Kind::LeftParen {
            return Err(self.unexpected());
        }
        let start = self.after(self.token).start;
        let open = self.token;
        self.skip_parentheses();
        let last = self.last_before(open.start, self.token.start);
        if walk == Walk::Checks {
            let len = last.start.saturating_sub(start);
            self.word(len)?;
            self.copy(start, len.into())?;
            self.byte(0)?;
            self.set_at(from + 8, self.at(from + 8) + 1);
        }
        if self.token.kind == Kind::On {
            self.on_conflict()?;
        }
        Ok(())
    }

    /// Foreign keys are read and, as is SQLite's default, not enforced.
    pub(crate) fn references(&mut self) -> Result<()> {
        self.advance();
        self.name()?;
        if self.token.kind == Kind::LeftParen {
            self.skip_parentheses();
        }
        loop {
            match self.token.kind {
                Kind::On => {
                    self.advance();
                    if !self.accept(Kind::Delete) {
                        self.expect(Kind::Update)?;
                    }
                    match self.token.kind {
                        Kind::Set => {
                            self.advance();
                            if !self.accept(Kind::Null) {
                                self.expect(Kind::Default)?;
                            }
                        }
                        Kind::No => {
                            self.advance();
                            self.advance();
                        }
                        Kind::Cascade | Kind::Restrict => {
                            self.advance();
                        }
                        _ => return Err(self.unexpected()),
                    }
                }
                Kind::Match => {
                    self.advance();
                    self.name()?;
                }
                Kind::Not if self.after(self.token).kind == Kind::Deferrable => self.deferrable(),
                Kind::Deferrable => self.deferrable(),
                _ => return Ok(()),
            }
        }
    }

    pub(crate) fn deferrable(&mut self) {
        self.accept(Kind::Not);
        self.accept(Kind::Deferrable);
        if self.token.kind == Kind::Name && self.same(self.token, b"initially") {
            self.advance();
            self.advance();
        }
    }

    pub(crate) fn table_constraint(&mut self, from: usize, walk: Walk) -> Result<()> {
        if self.accept(Kind::Constraint) {
            self.name()?;
        }
        let word = self.advance();
        match word.kind {
            Kind::Primary | Kind::Unique => {
                let primary = word.kind == Kind::Primary;
                if primary {
                    self.expect(Kind::Key)?;
                }
                let mut parts = [(0u8, 0u8); 16];
                let count = self.indexed_columns(from, &mut parts)?;
                if self.token.kind == Kind::Autoincrement {
                    return Err(self.error_here(ErrorKind::Unsupported));
                }
                let action = self.on_conflict()?;
                let parts = parts.get(..count).unwrap_or_default();
                let integer = match parts {
                    [(column, _)] if primary => {
                        let definition = self.built(from);
                        definition.column(*column).is_some_and(|known| known.type_name.eq_ignore_ascii_case(b"integer"))
                    }
                    _ => false,
                };
                match walk {
                    Walk::Columns if primary => {
                        let definition = self.built(from);
                        if definition.each_column().any(|known| known.primary != 0) {
                            return Err(self.error(ErrorKind::Schema, word));
                        }
                        for (place, (column, _)) in parts.iter().enumerate() {
                            let at = self.column_offset(from, *column);
                            self.set_at(at + 2, place as u8 + 1);
                            if integer {
                                self.set_rowid(from, *column, action);
                            }
                        }
                    }
                    Walk::Indexes if !integer => self.automatic_index(from, primary, action, parts)?,
                    _ => {}
                }
                Ok(())
            }
            Kind::Check => self.check_text(from, walk),
            Kind::Foreign => {
                self.expect(Kind::Key)?;
                if self.token.kind != Kind::LeftParen {
                    return Err(self.unexpected());
                }
                self.skip_parentheses();
                if self.token.kind != Kind::References {
                    return Err(self.unexpected());
                }
                self.references()
            }
            _ => Err(self.error(ErrorKind::Syntax, word)),
        }
    }

    /// A column is the rowid. It is never NULL: its action is for what has the same rowid.
    fn set_rowid(&mut self, from: usize, column: u8, action: u8) {
        self.set_at(from + 6, column);
        let at = self.column_offset(from, column);
        self.set_at(at + 1, self.at(at + 1) & 3 | action << 2);
    }

    /// Where a column begins in a definition that is being built.
    pub(crate) fn column_offset(&self, from: usize, column: u8) -> usize {
        let mut at = from + schema::HEADER;
        for _ in 0..column {
            at += 7 + usize::from(self.at(at + 3)) + usize::from(self.at(at + 4)) + usize::from(self.at(at + 5));
        }
        at
    }

    /// Compiles the checks of a new table, so that an error in them is found now.
    pub(crate) fn try_checks(&mut self, from: usize, name: Token) -> Result<()> {
        let len = self.code - from;
        let count = self.built(from).checks();
        for which in 0..usize::from(count) {
            let (code, top, frame) = (self.code, self.top, self.frame);
            let text = self.defined(from, len).each_check().nth(which).unwrap_or(0);
            let inner = self.push_frame()?;
            let source = self.push_source((from, len), name)?;
            self.put(source, super::frame::s::FLAGS, super::frame::joined::LOCALS);
            self.put(source, super::frame::s::LOCALS, 0);
            self.set_flag(inner, super::frame::flag::CLOSED, true);
            self.expression_at((from + text) as u16 | IN_ARENA)?;
            // The expression is complete when the frame's step would go on.
            loop {
                match self.mode {
                    Mode::Operand => self.operand()?,
                    Mode::Operator => self.operator()?,
                    _ => break,
                }
                if self.frame != inner {
                    // Subqueries are not allowed in a CHECK.
                    return Err(self.error(ErrorKind::Schema, name));
                }
            }
            if self.token.kind != Kind::End_ {
                return Err(self.error(ErrorKind::Syntax, name));
            }
            (self.code, self.top, self.frame) = (code, top, frame);
            self.now = Counts::default();
        }
        self.mode = Mode::Done;
        Ok(())
    }
}
