//! CREATE, DROP and ALTER: they read their statement again when they run, and change the catalog.
//!
//! Contract: all of it happens inside of a transaction of the caller, so that a failure leaves nothing behind. The definition
//! of a table is built in the front of the lent bytes, in several walks over the text: columns, indexes, checks.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::change::{last_rowid, write_index_key};
use super::compile::*;
use super::error::{ErrorKind, Result};
use super::key::{self, Writer};
use super::record;
use super::rows::row_key;
use super::schema::{self, Definition, ROWID};
use super::token::{Kind, Token};
use super::value::Value;
use super::vm::OWN_CURSOR;

/// Which part of a definition a walk over CREATE TABLE writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Walk {
    Columns,
    Indexes,
    Checks,
}

impl Compiler<'_> {
    /// Runs CREATE, DROP, ALTER or REINDEX.
    pub(crate) fn run_schema(&mut self) -> Result<()> {
        let word = self.advance();
        match word.kind {
            Kind::Create => self.create(),
            Kind::Drop => self.drop_any(),
            Kind::Alter => self.alter(),
            Kind::Pragma => self.set_user_version(),
            _ => self.reindex(),
        }
    }

    /// An error of the store, here.
    pub(crate) fn store_error(&self, kind: ErrorKind) -> super::error::Error {
        match kind {
            ErrorKind::Limit { needed } => self.no_room(needed),
            kind => self.error_here(kind),
        }
    }

    fn create(&mut self) -> Result<()> {
        let unique = self.accept(Kind::Unique);
        let word = self.advance();
        match word.kind {
            Kind::Table if !unique => self.create_table(),
            Kind::Index => self.create_index(unique),
            Kind::View if !unique => self.create_view(),
            Kind::Temp | Kind::Temporary | Kind::Trigger | Kind::Virtual => {
                Err(self.error(ErrorKind::Unsupported, word))
            }
            _ => Err(self.error(ErrorKind::Syntax, word)),
        }
    }

    /// `IF NOT EXISTS`.
    fn if_not_exists(&mut self) -> Result<bool> {
        if !self.accept(Kind::If) {
            return Ok(false);
        }
        self.expect(Kind::Not)?;
        self.expect(Kind::Exists)?;
        Ok(true)
    }

    /// The bytes of a name, without quotes, in `out`.
    pub(crate) fn plain_name<'o>(&self, token: Token, out: &'o mut [u8; 64]) -> Result<&'o [u8]> {
        let (text, quote) = unquoted(self.text(token));
        let mut len = 0;
        for byte in unescaped(text, quote) {
            match out.get_mut(len) {
                Some(place) => *place = byte,
                None => return Err(self.error(ErrorKind::TooBig, token)),
            }
            len += 1;
        }
        Ok(out.get(..len).unwrap_or_default())
    }

    /// Whether something goes by this name.
    pub(crate) fn exists(&mut self, name: Token) -> Result<bool> {
        let mut plain = [0; 64];
        let plain = self.plain_name(name, &mut plain)?;
        if schema::is_schema_name(plain) {
            return Ok(true);
        }
        match schema::load(self.store, plain.iter().copied(), &mut []) {
            Ok(found) => Ok(found.is_some()),
            Err(ErrorKind::Limit { .. }) => Ok(true),
            Err(kind) => Err(self.error(kind, name)),
        }
    }

    /// A name for something new; `None` if there is one already and that is no error.
    fn new_name(&mut self, unless: bool) -> Result<Option<Token>> {
        let name = self.table_name()?;
        let mut plain = [0; 64];
        let plain = self.plain_name(name, &mut plain)?;
        if plain.get(..7).is_some_and(|start| start.eq_ignore_ascii_case(b"sqlite_")) {
            return Err(self.error(ErrorKind::Schema, name));
        }
        if self.exists(name)? {
            return if unless { Ok(None) } else { Err(self.error(ErrorKind::AlreadyExists, name)) };
        }
        Ok(Some(name))
    }

    /// The next number for a table or index, which is used up.
    fn new_number(&mut self) -> Result<u16> {
        let number = self.setting(b'n')?.unwrap_or(schema::FIRST.into());
        if number > 0xfff0 {
            return Err(self.error_here(ErrorKind::Full));
        }
        self.set_setting(b'n', number + 1)?;
        Ok(number as u16)
    }

    /// A setting of the store.
    pub(crate) fn setting(&mut self, which: u8) -> Result<Option<i64>> {
        let mut value = [0; 8];
        let found = self.store.get(&setting_key(which), &mut value).map_err(|kind| self.error_here(kind))?;
        Ok(found.map(|_| i64::from_le_bytes(value)))
    }

    pub(crate) fn set_setting(&mut self, which: u8, value: i64) -> Result<()> {
        self.store.set(&setting_key(which), &value.to_le_bytes()).map_err(|kind| self.error_here(kind))
    }

    // ---- sqlite_schema

    /// Adds a row; its rowid.
    fn add_schema_row(
        &mut self,
        kind: &str,
        name: &[u8],
        table: &[u8],
        number: u16,
        sql: Option<(&[u8], Token, u16)>,
    ) -> Result<u16> {
        let rowid = last_rowid(self.store, schema::SCHEMA).map_err(|kind| self.error_here(kind))?.unwrap_or(0) + 1;
        let offset = usize::from(self.token.start & !IN_ARENA);
        let total = self.arena.len();
        // The text of the statement is made in the free room, and the record behind it.
        let text = sql.map(|(_, from, end)| (usize::from(from.start), usize::from(end)));
        let (low, high) = (self.code, self.top);
        let sql_text = self.sql;
        let room = self.arena.get_mut(low..high).unwrap_or_default();
        let mut len = 0;
        if let (Some((start, end)), Some((head, ..))) = (text, sql) {
            let body = sql_text.get(start..end).unwrap_or_default();
            len = head.len() + body.len();
            match room.get_mut(..len).map(|room| room.split_at_mut(head.len())) {
                Some((front, back)) => {
                    front.copy_from_slice(head);
                    back.copy_from_slice(body);
                }
                None => return Err(ErrorKind::Limit { needed: total + 2 * len + 64 }.at(offset)),
            }
        }
        let (text, out) = room.split_at_mut(len);
        let values = [
            Value::Text(kind.as_bytes()),
            Value::Text(name),
            Value::Text(table),
            Value::Integer(number.into()),
            if sql.is_some() { Value::Text(text) } else { Value::Null },
        ];
        let made = record::encode(5, &|at| values.get(at).copied().unwrap_or(Value::Null), out);
        let record = match made {
            Ok(record) => record,
            Err(super::value::Fault::BufferTooSmall { needed }) => {
                return Err(ErrorKind::Limit { needed: total + needed }.at(offset));
            }
            Err(fault) => return Err(ErrorKind::from(fault).at(offset)),
        };
        let mut key = [0; 16];
        self.store.set(row_key(schema::SCHEMA, rowid, &mut key), record).map_err(|kind| kind.at(offset))?;
        Ok(rowid as u16)
    }

    /// Writes a definition under a name.
    pub(crate) fn save(&mut self, name: &[u8], from: usize, len: usize) -> Result<()> {
        let mut key = [0; schema::KEY];
        let key = schema::name_key(name.iter().copied(), &mut key).map_err(|kind| self.error_here(kind))?;
        let definition = self.arena.get(from..from + len).unwrap_or_default();
        self.store.set(key, definition).map_err(|kind| kind.at(0))
    }

    // ---- CREATE TABLE

    fn create_table(&mut self) -> Result<()> {
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
        let count = Definition(self.arena.get(from..self.code).unwrap_or_default()).indexes();
        for which in 1..=count {
            let mut auto = [0; 96];
            let auto = automatic_name(plain, which, &mut auto);
            let definition = Definition(self.arena.get(from..self.code).unwrap_or_default());
            let number = definition.each_index().nth(usize::from(which) - 1).map_or(0, |index| index.number);
            self.add_schema_row("index", auto, plain, number, None)?;
        }
        let len = self.code - from;
        self.save(plain, from, len)
    }

    /// The bytes of a definition that is being built.
    fn at(&self, at: usize) -> u8 {
        self.arena.get(at).copied().unwrap_or(0)
    }

    fn set_at(&mut self, at: usize, byte: u8) {
        if let Some(place) = self.arena.get_mut(at) {
            *place = byte;
        }
    }

    /// Walks over `( columns and constraints )`, to the last parenthesis.
    fn table_body(&mut self, from: usize, walk: Walk) -> Result<()> {
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

    fn column_definition(&mut self, from: usize, walk: Walk, column: u8) -> Result<()> {
        let name = self.name()?;
        let (affinity, first, last) = self.type_name()?;
        let typed = first.start != name.start && last.end > first.start;
        let at = self.code;
        if walk == Walk::Columns {
            let mut plain = [0; 64];
            let plain = self.plain_name(name, &mut plain)?;
            let definition = Definition(self.arena.get(from..at).unwrap_or_default());
            if definition.each_column().any(|known| known.name.eq_ignore_ascii_case(plain)) {
                return Err(self.error(ErrorKind::Schema, name));
            }
            let type_len = if typed { usize::from(last.end - first.start) } else { 0 };
            if type_len > 200 {
                return Err(self.error(ErrorKind::TooBig, first));
            }
            self.bytes(&[affinity as u8, 0, 0, plain.len() as u8, type_len as u8, 0])?;
            self.bytes(plain)?;
            for offset in 0..type_len {
                let byte = self.sql.get(usize::from(first.start) + offset).copied().unwrap_or(0);
                self.byte(byte)?;
            }
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
                                self.set_at(from + 6, column);
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
                for offset in start..end {
                    let byte = self.sql.get(usize::from(offset)).copied().unwrap_or(0);
                    self.byte(byte)?;
                }
                if quote {
                    self.byte(b'\'')?;
                }
            }
            self.byte(0)?;
        }
        Ok(())
    }

    fn one_primary_key(&mut self, from: usize, at: usize, word: Token) -> Result<()> {
        let before = Definition(self.arena.get(from..at).unwrap_or_default());
        // The column at hand is counted already, but not complete.
        let columns = usize::from(before.columns()).saturating_sub(1);
        if before.each_column().take(columns).any(|known| known.primary != 0) || self.at(at + 2) != 0 {
            return Err(self.error(ErrorKind::Schema, word));
        }
        Ok(())
    }

    /// `ON CONFLICT action`.
    fn on_conflict(&mut self) -> Result<u8> {
        if self.token.kind != Kind::On {
            return Ok(0);
        }
        self.advance();
        self.expect(Kind::Conflict)?;
        self.conflict_action()
    }

    /// DEFAULT: where its text begins and ends.
    fn default_text(&mut self) -> Result<(u16, u16)> {
        let first = self.token;
        match first.kind {
            Kind::LeftParen => {
                self.skip_parentheses();
                // Behind the parenthesis: its end is that of the token before.
                let mut last = first;
                while self.after(last).start < self.token.start {
                    last = self.after(last);
                }
                Ok((first.start, last.end))
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
    fn check_text(&mut self, from: usize, walk: Walk) -> Result<()> {
        if self.token.kind != Kind::LeftParen {
            return Err(self.unexpected());
        }
        let start = self.after(self.token).start;
        let open = self.token;
        self.skip_parentheses();
        let mut last = open;
        while self.after(last).start < self.token.start {
            last = self.after(last);
        }
        if walk == Walk::Checks {
            let len = last.start.saturating_sub(start);
            self.word(len)?;
            for offset in start..start + len {
                let byte = self.sql.get(usize::from(offset)).copied().unwrap_or(0);
                self.byte(byte)?;
            }
            self.byte(0)?;
            self.set_at(from + 8, self.at(from + 8) + 1);
        }
        if self.token.kind == Kind::On {
            self.on_conflict()?;
        }
        Ok(())
    }

    /// Foreign keys are read and, as is SQLite's default, not enforced.
    fn references(&mut self) -> Result<()> {
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

    fn deferrable(&mut self) {
        self.accept(Kind::Not);
        self.accept(Kind::Deferrable);
        if self.token.kind == Kind::Name && self.same(self.token, b"initially") {
            self.advance();
            self.advance();
        }
    }

    fn table_constraint(&mut self, from: usize, walk: Walk) -> Result<()> {
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
                        let definition = Definition(self.arena.get(from..self.code).unwrap_or_default());
                        definition.column(*column).is_some_and(|known| known.type_name.eq_ignore_ascii_case(b"integer"))
                    }
                    _ => false,
                };
                match walk {
                    Walk::Columns if primary => {
                        let definition = Definition(self.arena.get(from..self.code).unwrap_or_default());
                        if definition.each_column().any(|known| known.primary != 0) {
                            return Err(self.error(ErrorKind::Schema, word));
                        }
                        for (place, (column, _)) in parts.iter().enumerate() {
                            let at = self.column_offset(from, *column);
                            self.set_at(at + 2, place as u8 + 1);
                            if integer {
                                self.set_at(from + 6, *column);
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

    /// Where a column begins in a definition that is being built.
    fn column_offset(&self, from: usize, column: u8) -> usize {
        let mut at = from + schema::HEADER;
        for _ in 0..column {
            at += 7 + usize::from(self.at(at + 3)) + usize::from(self.at(at + 4)) + usize::from(self.at(at + 5));
        }
        at
    }

    /// `(a, b DESC, c COLLATE NOCASE)`: columns and their orders.
    fn indexed_columns(&mut self, from: usize, parts: &mut [(u8, u8); 16]) -> Result<usize> {
        self.expect(Kind::LeftParen)?;
        let mut count = 0;
        loop {
            let name = self.token;
            if !is_name(name.kind) && name.kind != Kind::String || self.after(name).kind == Kind::LeftParen {
                return Err(self.error_here(if matches!(name.kind, Kind::RightParen | Kind::End_) {
                    ErrorKind::Syntax
                } else {
                    ErrorKind::Unsupported
                }));
            }
            self.advance();
            let definition = Definition(self.arena.get(from..self.code).unwrap_or_default());
            let found = definition.each_column().enumerate().find(|(_, known)| self.same(name, known.name));
            let Some((column, known)) = found else {
                return Err(self.error(ErrorKind::NoSuchColumn, name));
            };
            let (column, mut collation, rowid) = (column as u8, known.collation, definition.rowid_column());
            if self.accept(Kind::Collate) {
                collation = self.collation()? - 1;
            }
            let descending = self.accept(Kind::Desc);
            if !descending {
                self.accept(Kind::Asc);
            }
            let column =
                if column == rowid && self.at(from) == schema::TABLE && rowid != ROWID { ROWID } else { column };
            match parts.get_mut(count) {
                Some(part) => *part = (column, u8::from(descending) | collation << 1),
                None => return Err(self.error(ErrorKind::TooBig, name)),
            }
            count += 1;
            if self.accept(Kind::RightParen) {
                return Ok(count);
            }
            if self.token.kind != Kind::Comma {
                return Err(self.error_here(if self.token.kind == Kind::End_ {
                    ErrorKind::Syntax
                } else {
                    ErrorKind::Unsupported
                }));
            }
            self.advance();
        }
    }

    /// An index made by PRIMARY KEY or UNIQUE, unless there is one like it.
    fn automatic_index(&mut self, from: usize, primary: bool, action: u8, parts: &[(u8, u8)]) -> Result<()> {
        let definition = Definition(self.arena.get(from..self.code).unwrap_or_default());
        if let [(ROWID, _)] = parts {
            return Ok(());
        }
        let collated = |column: u8, order: u8| {
            // A column's own constraint takes its collation.
            order | definition.column(column).map_or(0, |known| known.collation << 1)
        };
        let mut resolved = [(0u8, 0u8); 16];
        for (place, &(column, order)) in resolved.iter_mut().zip(parts) {
            *place = (column, if order >> 1 != 0 { order } else { collated(column, order) });
        }
        let resolved = resolved.get(..parts.len()).unwrap_or_default();
        for index in definition.each_index() {
            let same = usize::from(index.columns) == resolved.len()
                && resolved.iter().enumerate().all(|(at, &(column, order))| {
                    let known = index.part(at);
                    known.0 == column && known.1 >> 1 == order >> 1
                });
            if same {
                return Ok(());
            }
        }
        let number = self.new_number()?;
        self.word(number)?;
        self.bytes(&[1 | u8::from(primary) << 1 | 4 | action << 3, resolved.len() as u8])?;
        for &(column, order) in resolved {
            self.bytes(&[column, order])?;
        }
        self.byte(0)?;
        self.set_at(from + 7, self.at(from + 7) + 1);
        Ok(())
    }

    /// Compiles the checks of a new table, so that an error in them is found now.
    fn try_checks(&mut self, from: usize, name: Token) -> Result<()> {
        let len = self.code - from;
        let count = Definition(self.arena.get(from..self.code).unwrap_or_default()).checks();
        for which in 0..usize::from(count) {
            let (code, top, frame) = (self.code, self.top, self.frame);
            let text =
                Definition(self.arena.get(from..from + len).unwrap_or_default()).each_check().nth(which).unwrap_or(0);
            let inner = self.push_frame()?;
            let source = self.push_source((from, len), name)?;
            self.put(source, super::source::s::FLAGS, super::source::joined::LOCALS);
            self.put(source, super::source::s::LOCALS, 0);
            self.set_flag(inner, super::source::flag::CLOSED, true);
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

    // ---- CREATE INDEX

    fn create_index(&mut self, unique: bool) -> Result<()> {
        let unless = self.if_not_exists()?;
        let Some(name) = self.new_name(unless)? else { return Ok(()) };
        self.expect(Kind::On)?;
        let table = self.name()?;
        let (at, len) = self.load(table, ErrorKind::NoSuchTable)?;
        let known = Definition(self.arena.get(at..at + len).unwrap_or_default());
        if known.kind() != schema::TABLE || known.number() == schema::SCHEMA {
            return Err(self.error(ErrorKind::Schema, table));
        }
        // The definition moves to the front, where it can grow.
        let from = self.code;
        for offset in 0..len {
            let byte = self.at(at + offset);
            self.byte(byte)?;
        }
        let mut parts = [(0u8, 0u8); 16];
        let count = self.indexed_columns(from, &mut parts)?;
        let last_end = self.token.start;
        if self.token.kind == Kind::Where {
            return Err(self.error_here(ErrorKind::Unsupported));
        }
        self.end_of_statement()?;
        let parts = parts.get(..count).unwrap_or_default();
        let number = self.new_number()?;
        let (mut plain, mut plain_table) = ([0; 64], [0; 64]);
        let plain = self.plain_name(name, &mut plain)?;
        self.plain_name(table, &mut plain_table)?;
        // The index goes between the other indexes and the checks.
        let place = from + Definition(self.arena.get(from..from + len).unwrap_or_default()).checks_at();
        let size = 5 + 2 * count + plain.len();
        let end = self.code;
        for _ in 0..size {
            self.byte(0)?;
        }
        self.arena.copy_within(place..end, place + size);
        put16(self.arena, place, number);
        self.set_at(place + 2, u8::from(unique));
        self.set_at(place + 3, count as u8);
        for (part, &(column, order)) in parts.iter().enumerate() {
            self.set_at(place + 4 + 2 * part, column);
            self.set_at(place + 5 + 2 * part, order);
        }
        self.set_at(place + 4 + 2 * count, plain.len() as u8);
        for (offset, &byte) in plain.iter().enumerate() {
            self.set_at(place + 5 + 2 * count + offset, byte);
        }
        self.set_at(from + 7, self.at(from + 7) + 1);
        let (table_number, columns) = {
            let definition = Definition(self.arena.get(from..self.code).unwrap_or_default());
            (definition.number(), definition.columns())
        };
        self.fill_index(from, place - from, table_number, columns, name)?;
        // The name as the table was declared is in sqlite_schema; here the statement's spelling is taken.
        let head: &[u8] = if unique { b"CREATE UNIQUE INDEX " } else { b"CREATE INDEX " };
        let table_name = self.declared_table(table_number, table)?;
        let table_name = table_name.0.get(..table_name.1).unwrap_or_default();
        let end = self.trim_end(name.start, last_end);
        let row = self.add_schema_row("index", plain, table_name, number, Some((head, name, end)))?;
        let len = self.code - from;
        self.save(table_name, from, len)?;
        let entry = self.code;
        self.byte(schema::INDEX)?;
        self.word(number)?;
        self.word(row)?;
        self.bytes(&[0, ROWID, 0, 0, 0])?;
        self.bytes(table_name)?;
        let len = self.code - entry;
        self.save(plain, entry, len)
    }

    /// The end of the last token before an offset.
    pub(crate) fn trim_end(&self, from: u16, before: u16) -> u16 {
        let mut token = self.lex(from);
        while self.after(token).start < before && self.after(token).kind != Kind::End_ {
            token = self.after(token);
        }
        token.end
    }

    /// The name of a table as sqlite_schema has it.
    fn declared_table(&mut self, _number: u16, table: Token) -> Result<([u8; 64], usize)> {
        let mut plain = [0; 64];
        let len = self.plain_name(table, &mut plain)?.len();
        Ok((plain, len))
    }

    /// Makes the entries of a new index for the rows that are there.
    fn fill_index(&mut self, from: usize, index_at: usize, table: u16, _columns: u8, name: Token) -> Result<()> {
        let offset = usize::from(name.start);
        let mut start = [0; 16];
        let mut writer = Writer::new(&mut start, 0);
        schema::begin_key(table, &mut writer);
        let len = writer.len();
        let prefix = start.get(..len).unwrap_or_default();
        let (definition_end, top, total) = (self.code, self.top, self.arena.len());
        self.store.seek(1, prefix).map_err(|kind| kind.at(offset))?;
        loop {
            let (low, room) = self.arena.split_at_mut(definition_end);
            let room = room.get_mut(..top - definition_end).unwrap_or_default();
            let entry = match self.store.next(1, room) {
                Ok(Some(entry)) => entry,
                Ok(None) => return Ok(()),
                Err(ErrorKind::Limit { needed }) => return Err(ErrorKind::Limit { needed: total + needed }.at(offset)),
                Err(kind) => return Err(kind.at(offset)),
            };
            let (key, value) = room.get(..entry.key + entry.value).unwrap_or_default().split_at(entry.key);
            let Some(rest) = key.strip_prefix(prefix) else { return Ok(()) };
            let rowid = key::Reader::new(rest, 0).rowid().map_err(|fault| ErrorKind::from(fault).at(offset))?;
            let index = Definition(low.get(from..).unwrap_or_default()).index_at(index_at);
            let definition = Definition(low.get(from..).unwrap_or_default());
            let column = |column: u8| {
                if column == ROWID {
                    return Ok(Value::Integer(rowid));
                }
                match record::column(value, column.into())? {
                    Some(value) => Ok(value),
                    // A row older than the column: its default.
                    None => Ok(schema::default_value(definition, column)),
                }
            };
            let mut made = [0; schema::KEY];
            let with = write_index_key(index, &column, Some(rowid), &mut made).map_err(|kind| kind.at(offset))?;
            let mut bare = [0; schema::KEY];
            let without = write_index_key(index, &column, None, &mut bare).map_err(|kind| kind.at(offset))?;
            if index.unique && !without.null {
                let bare = bare.get(..without.len).unwrap_or_default();
                self.store.seek(OWN_CURSOR, bare).map_err(|kind| kind.at(offset))?;
                let mut found = [0; schema::KEY + 1];
                let other = self.store.next(OWN_CURSOR, &mut found).map_err(|kind| kind.at(offset))?;
                if other.is_some_and(|other| found.get(..other.key).is_some_and(|key| key.starts_with(bare))) {
                    return Err(if without.cut { ErrorKind::TooBig } else { ErrorKind::Unique }.at(offset));
                }
            }
            self.store.set(made.get(..with.len).unwrap_or_default(), &[]).map_err(|kind| kind.at(offset))?;
        }
    }

    // ---- DROP

    fn drop_any(&mut self) -> Result<()> {
        let word = self.advance();
        let wanted = match word.kind {
            Kind::Table => schema::TABLE,
            Kind::Index => schema::INDEX,
            Kind::View => schema::VIEW,
            Kind::Trigger => return Err(self.error(ErrorKind::Unsupported, word)),
            _ => return Err(self.error(ErrorKind::Syntax, word)),
        };
        let mut unless = false;
        if self.accept(Kind::If) {
            self.expect(Kind::Exists)?;
            unless = true;
        }
        let name = self.table_name()?;
        self.end_of_statement()?;
        let missing = if wanted == schema::INDEX { ErrorKind::NoSuchIndex } else { ErrorKind::NoSuchTable };
        let (at, len) = match self.load(name, missing) {
            Err(error) if error.kind == missing && unless => return Ok(()),
            other => other?,
        };
        let definition = Definition(self.arena.get(at..at + len).unwrap_or_default());
        if definition.number() == schema::SCHEMA {
            return Err(self.error(ErrorKind::Schema, name));
        }
        if definition.kind() != wanted {
            // "use DROP VIEW to delete view": it exists, but is something else.
            let other =
                matches!((wanted, definition.kind()), (schema::TABLE, schema::VIEW) | (schema::VIEW, schema::TABLE));
            if other {
                return Err(self.error(ErrorKind::Schema, name));
            }
            return if unless { Ok(()) } else { Err(self.error(missing, name)) };
        }
        let mut plain = [0; 64];
        let plain = self.plain_name(name, &mut plain)?;
        if wanted == schema::INDEX {
            return self.drop_index(at, len, plain);
        }
        let number = definition.number();
        if wanted == schema::VIEW {
            self.delete_name(plain)?;
            return self.delete_schema_rows(1, plain);
        }
        self.delete_range(number)?;
        let mut index_at = definition_at(self.arena, at, len).indexes_at();
        for _ in 0..definition_at(self.arena, at, len).indexes() {
            let index = definition_at(self.arena, at, len).index_at(index_at);
            let (number, next) = (index.number, index.next);
            let (mut index_name, mut name_len) = ([0; 64], 0);
            for (place, &byte) in index_name.iter_mut().zip(index.name) {
                *place = byte;
                name_len += 1;
            }
            self.delete_range(number)?;
            if name_len > 0 {
                self.delete_name(index_name.get(..name_len).unwrap_or_default())?;
            }
            index_at = next;
        }
        self.delete_name(plain)?;
        self.delete_schema_rows(2, plain)
    }

    fn drop_index(&mut self, at: usize, len: usize, plain: &[u8]) -> Result<()> {
        let (number, table_len) = (definition_at(self.arena, at, len).number(), len.saturating_sub(schema::HEADER));
        let mut table = [0; 64];
        for (offset, place) in table.iter_mut().take(table_len).enumerate() {
            *place = self.at(at + schema::HEADER + offset);
        }
        let table = table.get(..table_len).unwrap_or_default();
        self.delete_range(number)?;
        self.delete_name(plain)?;
        self.delete_schema_rows(1, plain)?;
        // Out of the table's definition.
        let (low, high) = (self.code, self.top);
        let room = self.arena.get_mut(low..high).unwrap_or_default();
        let found = schema::load(self.store, table.iter().copied(), room).map_err(|kind| self.store_error(kind))?;
        let Some(len) = found else { return Err(self.error_here(ErrorKind::Corrupt)) };
        let index = definition_at(self.arena, low, len).each_index().find(|index| index.number == number);
        let Some((from, next)) = index.map(|index| (index.at, index.next)) else {
            return Err(self.error_here(ErrorKind::Corrupt));
        };
        self.arena.copy_within(low + next..low + len, low + from);
        self.set_at(low + 7, self.at(low + 7).saturating_sub(1));
        self.save(table, low, len - (next - from))
    }

    pub(crate) fn delete_name(&mut self, name: &[u8]) -> Result<()> {
        let mut key = [0; schema::KEY];
        let key = schema::name_key(name.iter().copied(), &mut key).map_err(|kind| self.error_here(kind))?;
        self.store.delete(key).map(|_| ()).map_err(|kind| self.error_here(kind))
    }

    /// Deletes all entries of a table or an index.
    fn delete_range(&mut self, number: u16) -> Result<()> {
        let mut start = [0; 16];
        let mut writer = Writer::new(&mut start, 0);
        schema::begin_key(number, &mut writer);
        let len = writer.len();
        let prefix = start.get(..len).unwrap_or_default();
        let mut end = [0; 16];
        let end_len = {
            let mut writer = Writer::new(&mut end, 0);
            writer.bytes(prefix);
            writer.byte(key::ABOVE);
            writer.len()
        };
        // From the end, so that keys alone are read.
        self.store.seek(OWN_CURSOR, end.get(..end_len).unwrap_or_default()).map_err(|kind| self.error_here(kind))?;
        loop {
            let mut found = [0; schema::KEY + 1];
            let len = self.store.previous_key(OWN_CURSOR, &mut found).map_err(|kind| self.error_here(kind))?;
            let Some(key) = len.and_then(|len| found.get(..len)).filter(|key| key.starts_with(prefix)) else {
                return Ok(());
            };
            self.store.delete(key).map_err(|kind| self.error_here(kind))?;
        }
    }

    /// Deletes the rows of sqlite_schema that have this name in a column.
    fn delete_schema_rows(&mut self, column: usize, name: &[u8]) -> Result<()> {
        let mut start = [0; 16];
        let mut writer = Writer::new(&mut start, 0);
        schema::begin_key(schema::SCHEMA, &mut writer);
        let len = writer.len();
        let prefix = start.get(..len).unwrap_or_default();
        self.store.seek(1, prefix).map_err(|kind| self.error_here(kind))?;
        let (low, high, total) = (self.code, self.top, self.arena.len());
        loop {
            let room = self.arena.get_mut(low..high).unwrap_or_default();
            let entry = match self.store.next(1, room) {
                Ok(Some(entry)) => entry,
                Ok(None) => return Ok(()),
                Err(ErrorKind::Limit { needed }) => {
                    return Err(self.error_here(ErrorKind::Limit { needed: total + needed }));
                }
                Err(kind) => return Err(self.error_here(kind)),
            };
            let (key, value) = room.get(..entry.key + entry.value).unwrap_or_default().split_at(entry.key);
            if !key.starts_with(prefix) {
                return Ok(());
            }
            let found = record::column(value, column).map_err(|fault| ErrorKind::from(fault).at(0))?;
            if matches!(found, Some(Value::Text(text)) if text.eq_ignore_ascii_case(name)) {
                let mut kept = [0; 16];
                let len = key.len();
                if let Some(place) = kept.get_mut(..len) {
                    place.copy_from_slice(key);
                }
                self.store.delete(kept.get(..len).unwrap_or_default()).map_err(|kind| kind.at(0))?;
            }
        }
    }

    // ---- the others

    /// CREATE VIEW: the text of its SELECT is kept.
    fn create_view(&mut self) -> Result<()> {
        let unless = self.if_not_exists()?;
        let Some(name) = self.new_name(unless)? else { return Ok(()) };
        if self.token.kind == Kind::LeftParen {
            return Err(self.error_here(ErrorKind::Unsupported));
        }
        self.expect(Kind::As)?;
        let start = self.token.start;
        if self.token.kind != Kind::Select {
            return Err(self.error_here(match self.token.kind {
                Kind::With | Kind::Values => ErrorKind::Unsupported,
                _ => ErrorKind::Syntax,
            }));
        }
        let mut last = self.token;
        while !matches!(self.token.kind, Kind::End_ | Kind::Semicolon) {
            match self.token.kind {
                Kind::Illegal => return Err(self.unexpected()),
                // "parameters are not allowed in views"
                Kind::Parameter => return Err(self.error_here(ErrorKind::Schema)),
                _ => last = self.advance(),
            }
        }
        self.end_of_statement()?;
        let mut plain = [0; 64];
        let plain = self.plain_name(name, &mut plain)?;
        let row = self.add_schema_row("view", plain, plain, 0, Some((b"CREATE VIEW ", name, last.end)))?;
        let from = self.code;
        self.bytes(&[schema::VIEW, 0, 0])?;
        self.word(row)?;
        self.bytes(&[0, ROWID, 0, 0, 0])?;
        self.word(last.end - start)?;
        for offset in start..last.end {
            let byte = self.sql.get(usize::from(offset)).copied().unwrap_or(0);
            self.byte(byte)?;
        }
        self.byte(0)?;
        let len = self.code - from;
        self.save(plain, from, len)
    }

    fn reindex(&mut self) -> Result<()> {
        if self.token.kind == Kind::End_ || self.token.kind == Kind::Semicolon {
            return self.end_of_statement();
        }
        let name = self.name()?;
        self.end_of_statement()?;
        let mut plain = [0; 64];
        let known = super::value::Collation::named(self.plain_name(name, &mut plain)?).is_some();
        // Indexes always agree with their tables: there is nothing to do.
        if known || self.exists(name)? { Ok(()) } else { Err(self.error(ErrorKind::NoSuchTable, name)) }
    }
}

fn definition_at(arena: &[u8], at: usize, len: usize) -> Definition<'_> {
    Definition(arena.get(at..at + len).unwrap_or_default())
}

/// The key of a setting.
pub(crate) fn setting_key(which: u8) -> [u8; 2] {
    [0x80 | schema::SETTINGS as u8, which]
}

/// The name of an index that a constraint made.
fn automatic_name<'o>(table: &[u8], which: u8, out: &'o mut [u8; 96]) -> &'o [u8] {
    let mut len = 0;
    let digits = [b'0' + which / 100, b'0' + which / 10 % 10, b'0' + which % 10];
    let digits = digits
        .get(
            if which > 99 {
                0
            } else if which > 9 {
                1
            } else {
                2
            }..,
        )
        .unwrap_or_default();
    for part in [b"sqlite_autoindex_", table, b"_", digits] {
        for &byte in part {
            if let Some(place) = out.get_mut(len) {
                *place = byte;
                len += 1;
            }
        }
    }
    out.get(..len).unwrap_or_default()
}
