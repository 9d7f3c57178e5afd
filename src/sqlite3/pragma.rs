//! PRAGMA: table_info, user_version, integrity_check.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::compile::*;
use super::error::{ErrorKind, Result};
use super::key::{Reader, Writer};
use super::program::Op;
use super::schema;
use super::statement::Verb;
use super::token::{Kind, Token};
use super::value::Value;
use super::vm::Machine;
use super::words::{self, Words};

impl Compiler<'_> {
    /// A pragma, from the token behind the word: one that gives rows becomes a program; one that sets something runs later.
    pub(crate) fn pragma(&mut self) -> Verb {
        let mut name = self.name();
        if self.accept(Kind::Dot) {
            name = self.name();
        }
        let argument = self.pragma_argument();
        self.end_of_statement();
        match argument {
            Some(table) if self.same(name, b"table_info") => self.table_info(table),
            Some(_) if self.same(name, b"user_version") => return Verb::Pragma,
            None if self.same(name, b"user_version") => {
                let version = self.setting(b'u');
                self.constant(Value::Integer(version));
                self.pragma_row(b"\x0cuser_version");
            }
            None if self.same(name, b"integrity_check") || self.same(name, b"quick_check") => {
                self.now.cursors = 2;
                self.most.cursors = 2;
                self.op(Op::Integrity);
                self.pragma_row(b"\x0fintegrity_check");
            }
            _ => self.fail_at(ErrorKind::Unsupported, name),
        }
        self.mode = Mode::Done;
        Verb::Select
    }

    /// `= value` or `(value)`.
    fn pragma_argument(&mut self) -> Option<Token> {
        let parenthesis = self.token.kind == Kind::LeftParen;
        if !parenthesis && self.token.kind != Kind::Equal {
            return None;
        }
        self.advance();
        if matches!(self.token.kind, Kind::Minus | Kind::Plus) {
            self.advance();
        }
        let value = self.advance();
        if parenthesis {
            self.expect(Kind::RightParen);
        }
        Some(value)
    }

    /// The one value of a pragma, and the name of its column.
    fn pragma_row(&mut self, name: &[u8]) {
        self.grow(1);
        self.op1(Op::Result, 1);
        self.pragma_names(1, name)
    }

    /// The names of so many columns, each behind its length.
    fn pragma_names(&mut self, columns: u8, names: &[u8]) {
        self.op(Op::Halt);
        self.columns = columns;
        self.names = self.here();
        self.bytes(names);
    }

    fn table_info(&mut self, table: Token) {
        const NAMES: &[&str] = &["cid", "name", "type", "notnull", "dflt_value", "pk"];
        static PACKED: [u8; words::size(NAMES)] = words::packed(NAMES);
        /// SQLite knows these words and shows them in capitals.
        const TYPES: &[&str] = &["ANY", "BLOB", "INT", "INTEGER", "REAL", "TEXT"];
        static PACKED_TYPES: [u8; words::size(TYPES)] = words::packed(TYPES);
        self.grow(6);
        let (at, len) = self.find(table);
        if len > 0 {
            let kind = self.at(at);
            if kind == schema::VIEW {
                return self.fail_at(ErrorKind::Unsupported, table);
            }
            let columns = if kind == schema::TABLE { self.at(at + 5) } else { 0 };
            let mut column_at = at + schema::HEADER;
            for column in 0..columns {
                let [name, declared, default] = [3, 4, 5].map(|field| usize::from(self.at(column_at + field)));
                let (flags, primary) = (self.at(column_at), self.at(column_at + 2));
                let type_at = column_at + 6 + name;
                let default_at = type_at + declared;
                self.constant(Value::Integer(column.into()));
                self.text_at(column_at + 6, name);
                if let Some(declared) = self.arena.get_mut(type_at..default_at)
                    && Words(&PACKED_TYPES).place_of(declared).is_some()
                {
                    declared.make_ascii_uppercase();
                }
                self.text_at(type_at, declared);
                self.op1(Op::Int8, u8::from(flags & schema::NOT_NULL != 0));
                if flags & schema::HAS_DEFAULT == 0 {
                    self.op(Op::Null)
                } else if self.at(default_at) == b'(' {
                    // Of an expression, without the parentheses around it.
                    let text = self.arena.get(default_at + 1..default_at + default - 1).unwrap_or_default();
                    let (rest, len) = (text.trim_ascii_start().len(), text.trim_ascii().len());
                    self.text_at(default_at + default - 1 - rest, len)
                } else {
                    self.text_at(default_at, default)
                }
                self.op1(Op::Int8, primary);
                self.op1(Op::Result, 6);
                self.op1(Op::Depth, 0);
                column_at = default_at + default + 1;
            }
        }
        self.pragma_names(NAMES.len() as u8, &PACKED)
    }

    /// Code for a text that is in the arena.
    fn text_at(&mut self, at: usize, len: usize) {
        self.op(Op::Text);
        self.word(len as u16);
        self.copy(at as u16 | IN_ARENA, len)
    }

    /// `PRAGMA user_version = number`.
    #[inline(never)]
    pub(crate) fn set_user_version(&mut self) {
        while self.token.kind != Kind::Equal && self.token.kind != Kind::LeftParen {
            self.advance();
        }
        self.advance();
        let negative = self.accept(Kind::Minus);
        self.accept(Kind::Plus);
        let number = i32::try_from(super::text::leading_integer(self.text(self.token))).unwrap_or(0);
        self.set_setting(b'u', if negative { number.wrapping_neg() } else { number }.into())
    }
}

/// More entries than a store has.
const UNSOUND: u32 = u32::MAX;

impl Machine<'_> {
    /// ( -- text ) "ok", or what is wrong.
    pub(crate) fn integrity(&mut self) -> Result<()> {
        let text: &[u8] = if self.is_sound()? { b"ok" } else { b"an index does not agree with its table" };
        let made = self.make(&mut |_, _, _| Ok(Value::Text(text)))?;
        self.push(made);
        Ok(())
    }

    /// Walks over all definitions, the rows of each table, and the entries of each index.
    fn is_sound(&mut self) -> Result<bool> {
        let slot = usize::from(self.state.slot);
        let prefix = &schema::KEY_OF_NAME;
        self.store.seek(slot, prefix)?;
        let start = self.bump;
        loop {
            let Some(entry) = self.read_entry(slot)? else { return Ok(true) };
            if !self.bytes(start, entry.key()).starts_with(prefix) {
                return Ok(true);
            }
            self.bump = start + entry.key() + entry.value();
            let sound = self.is_sound_table(start + entry.key(), slot + 1)?;
            self.bump = start;
            if !sound {
                return Ok(false);
            }
        }
    }

    /// Whether each row has its entries in the indexes, and the indexes have no others.
    fn is_sound_table(&mut self, at: usize, slot: usize) -> Result<bool> {
        if self.table(at).kind() != schema::TABLE {
            return Ok(true);
        }
        let rows = self.count_entries(self.table(at).number(), slot, Some(at))?;
        let mut index_at = self.table(at).first_index();
        for _ in 0..self.table(at).indexes() {
            let index = self.table(at).index_at(index_at);
            index_at = index.next;
            if self.count_entries(index.number, slot, None)? != rows {
                return Ok(false);
            }
        }
        Ok(rows != UNSOUND)
    }

    /// How many entries a table or index has. Of a table that is given, the rows must have their entries in its indexes:
    /// [`UNSOUND`] if one has not.
    #[inline(never)]
    fn count_entries(&mut self, number: u16, slot: usize, table: Option<usize>) -> Result<u32> {
        let mut prefix = [0; 16];
        let mut writer = Writer::new(&mut prefix, 0);
        schema::begin_key(number, &mut writer);
        let prefix = writer.finish()?;
        self.store.seek(slot, prefix)?;
        let start = self.bump;
        let mut count = 0u32;
        loop {
            let Some(entry) = self.read_entry(slot)? else { return Ok(count) };
            let Some(rest) = self.bytes(start, entry.key()).strip_prefix(prefix) else { return Ok(count) };
            if let Some(table) = table {
                let rowid = Reader::new(rest, 0).rowid()?;
                let at = start + entry.key();
                self.bump = at + entry.value();
                let has = self.has_entries(table, at, entry.value(), rowid)?;
                self.bump = start;
                if !has {
                    return Ok(UNSOUND);
                }
            }
            count = count.saturating_add(1);
        }
    }
}
