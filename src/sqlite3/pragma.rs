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

impl Compiler<'_> {
    /// A pragma that gives rows becomes a program; one that sets something runs later.
    pub(crate) fn pragma(&mut self) -> Result<Verb> {
        self.advance();
        let mut name = self.name();
        if self.accept(Kind::Dot) {
            name = self.name();
        }
        let argument = self.pragma_argument()?;
        self.end_of_statement();
        match argument {
            Some(table) if self.same(name, b"table_info") => self.table_info(table)?,
            Some(_) if self.same(name, b"user_version") => return Ok(Verb::Pragma),
            None if self.same(name, b"user_version") => {
                let version = self.setting(b'u').unwrap_or(0);
                self.constant(Value::Integer(version));
                self.pragma_row(&[b"user_version"])?;
            }
            None if self.same(name, b"integrity_check") || self.same(name, b"quick_check") => {
                self.now.cursors = 2;
                self.most.cursors = 2;
                self.op(Op::Integrity);
                self.pragma_row(&[b"integrity_check"])?;
            }
            _ => return Err(self.error(ErrorKind::Unsupported, name)),
        }
        self.mode = Mode::Done;
        Ok(Verb::Select)
    }

    /// `= value` or `(value)`.
    fn pragma_argument(&mut self) -> Result<Option<Token>> {
        let parenthesis = self.token.kind == Kind::LeftParen;
        if !parenthesis && self.token.kind != Kind::Equal {
            return Ok(None);
        }
        self.advance();
        if matches!(self.token.kind, Kind::Minus | Kind::Plus) {
            self.advance();
        }
        let value = self.advance();
        if parenthesis {
            self.expect(Kind::RightParen);
        }
        Ok(Some(value))
    }

    /// The one row of a pragma, and the names of its columns.
    fn pragma_row(&mut self, names: &[&[u8]]) -> Result<()> {
        self.grow(names.len() as u8);
        self.op1(Op::Result, names.len() as u8);
        self.pragma_names(names)
    }

    fn pragma_names(&mut self, names: &[&[u8]]) -> Result<()> {
        self.op(Op::Halt);
        self.columns = names.len() as u8;
        self.names = self.here();
        for name in names {
            self.byte(name.len() as u8);
            self.bytes(name);
        }
        Ok(())
    }

    fn table_info(&mut self, table: Token) -> Result<()> {
        self.grow(6);
        if let Some((at, len)) = self.find(table)? {
            let kind = self.arena.get(at).copied().unwrap_or(0);
            if kind == schema::VIEW {
                return Err(self.error(ErrorKind::Unsupported, table));
            }
            let columns = if kind == schema::TABLE { self.arena.get(at + 5).copied().unwrap_or(0) } else { 0 };
            for column in 0..columns {
                let definition = self.defined(at, len);
                let Some(known) = definition.column(column) else { break };
                let (not_null, primary, has_default) = (known.not_null, known.primary, known.has_default);
                let default_at = at + known.default_at;
                let name_at = default_at - known.type_name.len() - known.name.len();
                let (name, kind, default) = (known.name.len(), known.type_name.len(), known.default.len());
                self.constant(Value::Integer(column.into()));
                self.text_at(name_at, name);
                let type_at = name_at + name;
                if let Some(declared) = self.arena.get_mut(type_at..type_at + kind) {
                    // SQLite knows these words and shows them in capitals.
                    let words: [&[u8]; 6] = [b"ANY", b"BLOB", b"INT", b"INTEGER", b"REAL", b"TEXT"];
                    if words.iter().any(|word| word.eq_ignore_ascii_case(declared)) {
                        declared.make_ascii_uppercase();
                    }
                }
                self.text_at(type_at, kind);
                self.constant(Value::Integer(not_null.into()));
                if has_default {
                    // Of an expression, without the parentheses around it.
                    let text = self.arena.get(default_at..default_at + default).unwrap_or_default();
                    let inner = text.strip_prefix(b"(").and_then(|text| text.strip_suffix(b")"));
                    match inner.map(|inner| (inner.trim_ascii_start().len(), inner.trim_ascii().len())) {
                        Some((rest, len)) => self.text_at(default_at + default - 1 - rest, len),
                        None => self.text_at(default_at, default),
                    }
                } else {
                    self.op(Op::Null)
                }
                self.constant(Value::Integer(primary.into()));
                self.op1(Op::Result, 6);
                self.op1(Op::Depth, 0);
            }
        }
        self.pragma_names(&[b"cid", b"name", b"type", b"notnull", b"dflt_value", b"pk"])
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
            let Some(entry) = self.read_entry(slot, false)? else { return Ok(true) };
            if !self.bytes(start, entry.key).starts_with(prefix) {
                return Ok(true);
            }
            self.bump = start + entry.key + entry.value;
            let sound = self.is_sound_table(start + entry.key, slot + 1)?;
            self.bump = start;
            if !sound {
                return Ok(false);
            }
        }
    }

    /// Whether each row has its entries in the indexes, and the indexes have no others.
    fn is_sound_table(&mut self, at: usize, slot: usize) -> Result<bool> {
        let (kind, number, indexes) = (self.table(at).kind(), self.table(at).number(), self.table(at).indexes());
        if kind != schema::TABLE {
            return Ok(true);
        }
        let Some(rows) = self.count_entries(number, slot, Some(at))? else { return Ok(false) };
        let mut index_at = self.table(at).first_index();
        for _ in 0..indexes {
            let index = self.table(at).index_at(index_at);
            let (number, next) = (index.number, index.next);
            if self.count_entries(number, slot, None)? != Some(rows) {
                return Ok(false);
            }
            index_at = next;
        }
        Ok(true)
    }

    /// How many entries a table or index has. Of a table that is given, the rows must have their entries in its indexes:
    /// `None` if one has not.
    fn count_entries(&mut self, number: u16, slot: usize, table: Option<usize>) -> Result<Option<u32>> {
        let mut prefix = [0; 16];
        let mut writer = Writer::new(&mut prefix, 0);
        schema::begin_key(number, &mut writer);
        let prefix = writer.finish()?;
        self.store.seek(slot, prefix)?;
        let start = self.bump;
        let mut count = 0u32;
        loop {
            let Some(entry) = self.read_entry(slot, false)? else { return Ok(Some(count)) };
            let Some(rest) = self.bytes(start, entry.key).strip_prefix(prefix) else { return Ok(Some(count)) };
            if let Some(table) = table {
                let rowid = Reader::new(rest, 0).rowid()?;
                let at = start + entry.key;
                self.bump = at + entry.value;
                let has = self.has_entries(table, at, entry.value, rowid)?;
                self.bump = start;
                if !has {
                    return Ok(None);
                }
            }
            count = count.saturating_add(1);
        }
    }
}
