//! CREATE, DROP and ALTER: they read their statement again when they run, and change the catalog.
//!
//! Contract: all of it happens inside of a transaction of the caller, so that a failure leaves nothing behind. The definition
//! of a table is built in the front of the lent bytes, in several walks over the text: columns, indexes, checks.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::change::last_rowid;
use super::compile::*;
use super::error::{Error, ErrorKind, Result};
use super::key::Writer;
use super::rows::row_key;
use super::schema::{self, Key, ROWID};
use super::store::Entry;
use super::token::{Kind, Token, class};
use super::value::Value;

/// The cursor that walks over rows of the catalog, and over those of a table that gets an index.
const WALK: usize = 1;

/// What the keys of a table or an index begin with.
pub(crate) struct Prefix {
    bytes: [u8; 16],
    len: usize,
}

impl Prefix {
    #[inline(never)]
    pub(crate) fn new(number: u16) -> Self {
        let mut bytes = [0; 16];
        let mut writer = Writer::new(&mut bytes, 0);
        schema::begin_key(number, &mut writer);
        let len = writer.len();
        Prefix { bytes, len }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

impl Compiler<'_> {
    /// Runs CREATE, DROP, ALTER or REINDEX.
    pub(crate) fn run_schema(&mut self) -> Result<()> {
        match self.advance().kind {
            Kind::Create => self.create(),
            Kind::Drop => self.drop_any(),
            Kind::Alter => self.alter(),
            Kind::Pragma => self.set_user_version(),
            _ => self.reindex(),
        }
        self.ok()
    }

    /// An error of the store, here.
    #[inline(never)]
    pub(crate) fn store_error(&self, error: Error) -> Error {
        self.placed(error.more(self.arena.len()), self.token)
    }

    /// Notes an error of the store.
    #[inline(never)]
    pub(crate) fn fail_store(&mut self, error: Error) {
        self.fail(self.store_error(error));
    }

    /// What the store did.
    #[inline(never)]
    pub(crate) fn stored(&mut self, done: Result<()>) {
        if let Err(error) = done {
            self.fail_store(error);
        }
    }

    fn create(&mut self) {
        let unique = self.accept(Kind::Unique);
        let temporary = self.token.kind == Kind::Temp || self.token.kind == Kind::Temporary;
        if temporary && self.after(self.token).kind == Kind::View {
            self.advance();
        }
        let word = self.advance();
        match word.kind {
            Kind::Table if !unique => self.create_table(),
            Kind::Index => self.create_index(unique),
            Kind::View if !unique && super::FULL => self.create_view(temporary),
            Kind::View | Kind::Temp | Kind::Temporary | Kind::Trigger | Kind::Virtual => {
                self.fail_at(if unique { ErrorKind::Syntax } else { ErrorKind::Unsupported }, word);
            }
            _ => self.fail_at(ErrorKind::Syntax, word),
        }
    }

    // ---- names

    /// The key of what goes by a name.
    #[inline(never)]
    pub(crate) fn key_of(&mut self, token: Token) -> Key {
        let mut key = Key::begin();
        let (text, quote) = unquoted(self.text(token));
        let mut fits = true;
        for byte in unescaped(text, quote) {
            fits = key.push(byte);
        }
        if !fits {
            self.fail_at(ErrorKind::TooBig, token);
        }
        key
    }

    /// The key of a name that stands in the arena.
    #[inline(never)]
    pub(crate) fn key_at(&self, at: usize, len: usize) -> Key {
        Key::of(self.arena.get(at..at + len).unwrap_or_default())
    }

    /// Writes a name without its quotes; how long it is.
    #[inline(never)]
    pub(crate) fn plain_name(&mut self, token: Token) -> u8 {
        let len = self.without_quotes(token);
        if len > 64 {
            self.fail_at(ErrorKind::TooBig, token);
        }
        len as u8
    }

    /// Whether something goes by this name.
    #[inline(never)]
    pub(crate) fn exists(&mut self, token: Token) -> bool {
        let top = self.top;
        let found = self.find(token);
        self.top = top;
        match found {
            Ok(found) => found.is_some(),
            Err(error) if error.is(ErrorKind::Limit) => true,
            Err(error) => {
                self.fail_store(error);
                false
            }
        }
    }

    /// A name for something new must not be in use.
    #[inline(never)]
    pub(crate) fn unused(&mut self, token: Token) {
        let name = unquoted(self.text(token)).0;
        if name.get(..7).is_some_and(|start| start.eq_ignore_ascii_case(b"sqlite_")) {
            self.fail_at(ErrorKind::Schema, token);
        } else if self.exists(token) {
            self.fail_at(ErrorKind::AlreadyExists, token);
        }
    }

    /// `[IF NOT EXISTS] name` of something new; `None` if there is one already and that is no error.
    #[inline(never)]
    pub(crate) fn new_name(&mut self) -> Option<Token> {
        let unless = self.accept(Kind::If);
        if unless {
            self.expect(Kind::Not);
            self.expect(Kind::Exists);
        }
        let token = self.table_name();
        if unless && self.exists(token) {
            return None;
        }
        self.unused(token);
        Some(token)
    }

    /// The next number for a table or index, which is used up.
    #[inline(never)]
    pub(crate) fn new_number(&mut self) -> u16 {
        let number = self.setting(b'n').unwrap_or(schema::FIRST.into());
        if number > 0xfff0 {
            self.fail_here(ErrorKind::Full);
        }
        self.set_setting(b'n', number + 1);
        number as u16
    }

    /// A setting of the store.
    #[inline(never)]
    pub(crate) fn setting(&mut self, which: u8) -> Option<i64> {
        let mut value = [0; 8];
        match self.store.get(&setting_key(which), &mut value) {
            Ok(found) => found.map(|_| i64::from_le_bytes(value)),
            Err(error) => {
                self.fail_store(error);
                None
            }
        }
    }

    #[inline(never)]
    pub(crate) fn set_setting(&mut self, which: u8, value: i64) {
        if self.failed.is_none() {
            let done = self.store.set(&setting_key(which), &value.to_le_bytes());
            self.stored(done);
        }
    }

    // ---- bytes of a definition that is being built

    #[inline(never)]
    pub(crate) fn at(&self, at: usize) -> u8 {
        self.arena.get(at).copied().unwrap_or(0)
    }

    #[inline(never)]
    pub(crate) fn set_at(&mut self, at: usize, byte: u8) {
        if let Some(place) = self.arena.get_mut(at) {
            *place = byte;
        }
    }

    /// Sets bits.
    pub(crate) fn mark_at(&mut self, at: usize, bits: u8) {
        self.set_at(at, self.at(at) | bits);
    }

    /// What was built from an offset on goes to a place before.
    #[inline(never)]
    pub(crate) fn bring(&mut self, from: usize, to: usize) {
        let last = self.code.saturating_sub(1);
        for _ in from..self.code {
            let byte = self.at(last);
            self.shift(to, last - to, to + 1);
            self.set_at(to, byte);
        }
    }

    // ---- rows

    /// Begins a walk over the rows of a table.
    #[inline(never)]
    pub(crate) fn walk_rows(&mut self, number: u16) -> Prefix {
        let prefix = Prefix::new(number);
        let done = self.store.seek(WALK, prefix.bytes());
        self.stored(done);
        prefix
    }

    /// Reads the next row of the walk behind what is built.
    #[inline(never)]
    pub(crate) fn next_row(&mut self, prefix: &Prefix) -> Option<Entry> {
        let (low, high) = (self.code, self.top);
        let room = self.arena.get_mut(low..high).unwrap_or_default();
        match self.store.next(WALK, room) {
            Ok(found) => found.filter(|entry| {
                self.arena.get(low..low + entry.key).is_some_and(|key| key.starts_with(prefix.bytes()))
            }),
            Err(error) => {
                self.fail_store(error);
                None
            }
        }
    }

    /// Adds a row to sqlite_schema; its rowid. `head` and the statement from the name on to an offset are its text; for an index
    /// that a constraint made, `head` is empty and `end` its number.
    #[inline(never)]
    pub(crate) fn add_schema_row(
        &mut self,
        kind: &[u8],
        name: Token,
        table: Token,
        number: u16,
        head: &[u8],
        end: u16,
    ) -> u16 {
        let rowid = match last_rowid(self.store, schema::SCHEMA) {
            Ok(last) => last.unwrap_or(0) + 1,
            Err(error) => {
                self.fail_store(error);
                0
            }
        };
        // Names and text are made in the free room, and the record behind them.
        let begin = self.code;
        self.plain_name(table);
        let name_at = self.code;
        let automatic = head.is_empty();
        if automatic {
            self.automatic_name(table, end);
        } else {
            self.plain_name(name);
        }
        let text_at = self.code;
        self.bytes(head);
        if !automatic {
            self.copy(name.start(), end.saturating_sub(name.start()).into());
        }
        let (low, high) = (self.code, self.top);
        self.code = begin;
        let (made, out) = self.arena.split_at_mut_checked(low).unwrap_or_default();
        let out = out.get_mut(..high - low).unwrap_or_default();
        let text = |from: usize, to: usize| Value::Text(made.get(from..to).unwrap_or_default());
        let values = [
            Value::Text(kind),
            text(name_at, text_at),
            text(begin, name_at),
            Value::Integer(number.into()),
            if automatic { Value::Null } else { text(text_at, low) },
        ];
        let mut key = [0; 16];
        let key = row_key(schema::SCHEMA, rowid, &mut key);
        let done = schema::row(&values, out).map_err(|error| error.more(low - begin));
        let done = done.and_then(|record| self.store.set(key, record));
        self.stored(done);
        rowid as u16
    }

    /// Writes the name of an index that a constraint made.
    fn automatic_name(&mut self, table: Token, which: u16) {
        self.bytes(b"sqlite_autoindex_");
        self.plain_name(table);
        self.byte(b'_');
        for place in [100, 10, 1] {
            if which >= place {
                self.byte(b'0' + (which / place % 10) as u8);
            }
        }
    }

    /// Writes the definition that stands in the arena from an offset on, up to the end of what is built, under a key.
    #[inline(never)]
    pub(crate) fn save(&mut self, key: &Key, from: usize) {
        let Some(definition) = self.arena.get(from..self.code) else { return };
        let done = self.store.set(key.bytes(), definition);
        self.stored(done);
    }

    // ---- the others

    /// CREATE VIEW: the text of its SELECT is kept.
    /// A temporary one is not in sqlite_schema, and its number is that of the session that made it: to the next one it is
    /// not there.
    #[inline(never)]
    fn create_view(&mut self, temporary: bool) {
        let Some(token) = self.new_name() else { return };
        if self.token.kind == Kind::LeftParen {
            return self.fail_here(ErrorKind::Unsupported);
        }
        self.expect(Kind::As);
        let start = self.token.start();
        self.expect_select();
        let mut last = self.token;
        while !self.token.kind.is(class::END) {
            // "parameters are not allowed in views"
            if self.token.kind == Kind::Parameter {
                self.fail_here(ErrorKind::Schema);
            }
            last = self.advance();
        }
        self.end_of_statement();
        let (mut row, mut number) = (0, 0);
        if temporary {
            if self.session == 0 {
                self.session = (self.setting(b't').unwrap_or(schema::SCHEMA.into()) + 1) as u16;
            }
            number = self.session;
            self.set_setting(b't', number.into());
        } else {
            row = self.add_schema_row(b"view", token, token, 0, b"CREATE VIEW ", last.end());
        }
        let (from, len) = (self.code, last.end().saturating_sub(start));
        self.byte(schema::VIEW);
        self.word(number);
        self.word(row);
        self.bytes(&[0, ROWID, 0, 0, 0]);
        self.word(len);
        self.copy(start, len.into());
        self.byte(0);
        let key = self.key_of(token);
        self.save(&key, from);
    }

    fn reindex(&mut self) {
        if self.token.kind.is(class::END) {
            return self.end_of_statement();
        }
        let token = self.name();
        self.end_of_statement();
        // Indexes always agree with their tables: there is nothing to do.
        if super::value::Collation::named(unquoted(self.text(token)).0).is_none() && !self.exists(token) {
            self.fail_at(ErrorKind::NoSuchTable, token);
        }
    }
}

/// The key of a setting.
pub(crate) fn setting_key(which: u8) -> [u8; 2] {
    [0x80 | schema::SETTINGS as u8, which]
}
