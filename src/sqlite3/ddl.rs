//! CREATE, DROP and ALTER: they read their statement again when they run, and change the catalog.
//!
//! Contract: all of it happens inside of a transaction of the caller, so that a failure leaves nothing behind. The definition
//! of a table is built in the front of the lent bytes, in several walks over the text: columns, indexes, checks.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::change::last_rowid;
use super::compile::*;
use super::error::{Error, ErrorKind, Result};
use super::rows::row_key;
use super::schema::{self, ROWID};
use super::token::{Kind, Token};
use super::value::Value;

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
    pub(crate) fn store_error(&self, error: Error) -> Error {
        self.placed(error.more(self.arena.len()), self.token)
    }

    #[inline(never)]
    pub(crate) fn create(&mut self) -> Result<()> {
        let unique = self.accept(Kind::Unique);
        let word = self.advance();
        match word.kind {
            Kind::Table if !unique => self.create_table(),
            Kind::Index => self.create_index(unique),
            Kind::View if !unique && super::FULL => self.create_view(),
            Kind::View if !unique => Err(self.error(ErrorKind::Unsupported, word)),
            Kind::Temp | Kind::Temporary | Kind::Trigger | Kind::Virtual => {
                Err(self.error(ErrorKind::Unsupported, word))
            }
            _ => Err(self.error(ErrorKind::Syntax, word)),
        }
    }

    /// `IF NOT EXISTS`.
    pub(crate) fn if_not_exists(&mut self) -> Result<bool> {
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
    #[inline(never)]
    pub(crate) fn exists(&mut self, name: Token) -> Result<bool> {
        let mut plain = [0; 64];
        let plain = self.plain_name(name, &mut plain)?;
        if schema::is_schema_name(plain) {
            return Ok(true);
        }
        match schema::load(self.store, plain, &mut []) {
            Ok(found) => Ok(found.is_some()),
            Err(error) if error.is(ErrorKind::Limit) => Ok(true),
            Err(error) => Err(self.placed(error, name)),
        }
    }

    /// A name for something new; `None` if there is one already and that is no error.
    pub(crate) fn new_name(&mut self, unless: bool) -> Result<Option<Token>> {
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
    pub(crate) fn new_number(&mut self) -> Result<u16> {
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
        let found = self.store.get(&setting_key(which), &mut value).map_err(|error| self.store_error(error))?;
        Ok(found.map(|_| i64::from_le_bytes(value)))
    }

    pub(crate) fn set_setting(&mut self, which: u8, value: i64) -> Result<()> {
        self.store.set(&setting_key(which), &value.to_le_bytes()).map_err(|error| self.store_error(error))
    }

    // ---- sqlite_schema

    /// Adds a row; its rowid.
    #[inline(never)]
    pub(crate) fn add_schema_row(
        &mut self,
        kind: &str,
        name: &[u8],
        table: &[u8],
        number: u16,
        sql: Option<(&[u8], Token, u16)>,
    ) -> Result<u16> {
        let rowid = last_rowid(self.store, schema::SCHEMA).map_err(|error| self.store_error(error))?.unwrap_or(0) + 1;
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
                None => return Err(Error::limit(total + 2 * len + 64)),
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
        let record = schema::row(&values, out).map_err(|error| error.more(total).at(offset))?;
        let mut key = [0; 16];
        self.store.set(row_key(schema::SCHEMA, rowid, &mut key), record).map_err(|error| error.at(offset))?;
        Ok(rowid as u16)
    }

    /// Writes a definition under a name.
    #[inline(never)]
    pub(crate) fn save(&mut self, name: &[u8], from: usize, len: usize) -> Result<()> {
        let mut key = [0; schema::NAME_KEY];
        let key = schema::name_key(name, &mut key).map_err(|error| self.store_error(error))?;
        let definition = self.arena.get(from..from + len).unwrap_or_default();
        self.store.set(key, definition).map_err(|error| error.at(0))
    }

    // ---- the others

    /// CREATE VIEW: the text of its SELECT is kept.
    #[inline(never)]
    pub(crate) fn create_view(&mut self) -> Result<()> {
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
        self.copy(start, usize::from(last.end - start))?;
        self.byte(0)?;
        let len = self.code - from;
        self.save(plain, from, len)
    }

    #[inline(never)]
    pub(crate) fn reindex(&mut self) -> Result<()> {
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

/// The key of a setting.
pub(crate) fn setting_key(which: u8) -> [u8; 2] {
    [0x80 | schema::SETTINGS as u8, which]
}
