//! CREATE, DROP and ALTER: they read their statement again when they run, and change the catalog.
//!
//! Contract: all of it happens inside of a transaction of the caller, so that a failure leaves nothing behind. The definition
//! of a table is built in the front of the lent bytes, in several walks over the text: columns, indexes, checks.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::select::{Output, Resume};
use super::*;
use crate::sqlite3::error::{Error, ErrorKind, Result};
use crate::sqlite3::key::{self, Writer};
use crate::sqlite3::schema::{self, ROWID};
use crate::sqlite3::store::{Entry, Store};
use crate::sqlite3::token::{Kind, Token, class};
use crate::sqlite3::value::Value;
use crate::sqlite3::vm::change::last_rowid;
use crate::sqlite3::vm::rows::row_key;

/// The cursor that walks over rows of the catalog, and over those of a table that gets an index.
const WALK: usize = 1;

/// A row of sqlite_schema. Its text is what stands from `text` on behind what is built. An index that a constraint made has none,
/// and `which` is its number.
pub(crate) struct SchemaRow {
    pub(crate) kind: &'static [u8],
    pub(crate) name: Token,
    pub(crate) table: Token,
    pub(crate) number: u16,
    pub(crate) text: usize,
    pub(crate) which: u16,
}

impl Compiler<'_> {
    /// Runs CREATE, DROP, ALTER or REINDEX.
    pub(crate) fn run_schema(&mut self) -> Result<()> {
        match self.advance().kind {
            Kind::Create => self.create(),
            Kind::Drop => self.drop_any(),
            Kind::Alter if crate::sqlite3::ALTER => self.alter(),
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
            Kind::View if !unique && crate::sqlite3::FULL => self.create_view(temporary),
            Kind::View | Kind::Temp | Kind::Temporary | Kind::Trigger | Kind::Virtual => {
                self.fail_at(if unique { ErrorKind::Syntax } else { ErrorKind::Unsupported }, word);
            }
            _ => self.fail_at(ErrorKind::Syntax, word),
        }
    }

    // ---- names

    /// Makes the key of what goes by a name, behind what is built: where it begins and ends. The name is a token, or see
    /// `known_name`.
    #[cfg_attr(not(fast), inline(never))]
    pub(crate) fn key_of(&mut self, name: Token) -> (usize, usize) {
        let begin = self.code;
        self.bytes(&schema::KEY_OF_NAME);
        let letters = self.code;
        self.plain_name(name);
        let end = self.code;
        if let Some(letters) = self.arena.get_mut(letters..end) {
            letters.make_ascii_lowercase();
        }
        self.code = begin;
        (begin, end)
    }

    /// A name that stands in the arena as it is: a token with nothing to take off, which is said by its kind.
    pub(crate) fn known_name(at: usize, len: usize) -> Token {
        Token::new(Kind::End_, at as u16 | IN_ARENA, (at + len) as u16 | IN_ARENA)
    }

    /// Writes a name without its quotes; how long it is.
    #[cfg_attr(not(fast), inline(never))]
    pub(crate) fn plain_name(&mut self, token: Token) -> u8 {
        let len = self.without_quotes(token);
        if len > 64 {
            self.fail_at(ErrorKind::TooBig, token);
        }
        len as u8
    }

    /// What goes by this name, as its definition begins; 0 if nothing does.
    #[inline(never)]
    pub(crate) fn kind_of(&mut self, token: Token) -> u8 {
        let (top, low) = (self.top, self.low);
        let (at, len) = self.find(token);
        let kind = if len == 0 { 0 } else { self.at(at) };
        (self.top, self.low) = (top, low);
        kind
    }

    /// A name for something new must not be in use.
    #[inline(never)]
    pub(crate) fn unused(&mut self, token: Token) {
        let name = unquoted(self.text(token)).0;
        if name.get(..7).is_some_and(|start| start.eq_ignore_ascii_case(b"sqlite_")) {
            self.fail_at(ErrorKind::Schema, token);
        } else if self.kind_of(token) != 0 {
            self.fail_at(ErrorKind::AlreadyExists, token);
        }
    }

    /// `[IF NOT EXISTS] name` of something new. If it is there already, and that is no error, the rest of the statement is read as
    /// ever until `was_present`. An index stands in no table's place.
    #[inline(never)]
    pub(crate) fn new_name(&mut self, index: bool) -> Token {
        let unless = self.accept(Kind::If);
        if unless {
            self.expect(Kind::Not);
            self.expect(Kind::Exists);
        }
        let token = self.table_name();
        let known = if unless { self.kind_of(token) } else { 0 };
        self.present = known != 0 && (known == schema::INDEX) == index;
        if !self.present {
            self.unused(token);
        }
        token
    }

    /// Whether what was to be made is there already. The statement must be one then, but need not make sense.
    #[inline(never)]
    pub(crate) fn was_present(&mut self) -> bool {
        if self.present {
            self.failed = self.failed.filter(|error| error.is(ErrorKind::Syntax));
        }
        self.present
    }

    /// The next number for a table or index, which is used up.
    #[inline(never)]
    pub(crate) fn new_number(&mut self) -> u16 {
        if self.present {
            return 0;
        }
        let number = self.setting(b'n').max(schema::FIRST.into());
        if number > 0xfff0 {
            self.fail_here(ErrorKind::Full);
        }
        self.set_setting(b'n', number + 1);
        number as u16
    }

    /// A setting of the store; 0 if it was never set.
    #[inline(never)]
    pub(crate) fn setting(&mut self, which: u8) -> i64 {
        let mut value = [0; 8];
        let done = self.store.get(&setting_key(which), &mut value);
        self.stored(done.map(|_| ()));
        i64::from_le_bytes(value)
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
            self.shift(to, last.saturating_sub(to), to + 1);
            self.set_at(to, byte);
        }
    }

    // ---- rows

    /// Begins a walk over the rows of a table.
    #[inline(never)]
    pub(crate) fn walk_rows(&mut self, number: u16) {
        let done = seek_entries(self.store, WALK, number, false);
        self.stored(done);
    }

    /// Reads the next row of the walk over a table behind what is built.
    #[inline(never)]
    pub(crate) fn next_row(&mut self, number: u16) -> Option<Entry> {
        let (low, high) = (self.code, self.top);
        let room = self.arena.get_mut(low..high).unwrap_or_default();
        match self.store.next(WALK, room) {
            Ok(found) => found.filter(|_| schema::belongs(self.arena.get(low..).unwrap_or_default(), number)),
            Err(error) => {
                self.fail_store(error);
                None
            }
        }
    }

    /// Adds a row to sqlite_schema; its rowid.
    #[inline(never)]
    pub(crate) fn add_schema_row(&mut self, row: &SchemaRow) -> u16 {
        let rowid = match last_rowid(self.store, schema::SCHEMA) {
            Ok(last) => last.unwrap_or(0) + 1,
            Err(error) => {
                self.fail_store(error);
                0
            }
        };
        let (at, len) = self.schema_row(row);
        let mut key = [0; 16];
        let key = row_key(schema::SCHEMA, rowid, &mut key);
        if let Some(record) = self.arena.get(at..at + len).filter(|record| !record.is_empty()) {
            let done = self.store.set(key, record);
            self.stored(done);
        }
        rowid as u16
    }

    /// Writes the text for such a row, the statement from the name on behind its first words; where it begins.
    #[inline(never)]
    pub(crate) fn schema_text(&mut self, head: &[u8], name: Token, end: u16) -> usize {
        let begin = self.code;
        self.bytes(head);
        self.copy(name.start(), end.saturating_sub(name.start()).into());
        begin
    }

    /// Makes the record of such a row in the free room: where it is. Its text is given up. (While the store writes, this is off
    /// the stack.)
    #[inline(never)]
    pub(crate) fn schema_row(&mut self, row: &SchemaRow) -> (usize, usize) {
        let &SchemaRow { kind, name, table, number, text: text_at, which } = row;
        // Names behind the text, and the record behind them.
        let table_at = self.code;
        self.plain_name(table);
        let name_at = self.code;
        let automatic = text_at == table_at;
        if automatic {
            self.automatic_name(table, which);
        } else {
            self.plain_name(name);
        }
        let (low, high) = (self.code, self.top);
        self.code = text_at;
        let (made, out) = self.arena.split_at_mut_checked(low).unwrap_or_default();
        let out = out.get_mut(..high.saturating_sub(low)).unwrap_or_default();
        let text = |from: usize, to: usize| Value::Text(made.get(from..to).unwrap_or_default());
        let values = [
            Value::Text(kind),
            text(name_at, low),
            text(table_at, name_at),
            Value::Integer(number.into()),
            if automatic { Value::Null } else { text(text_at, table_at) },
        ];
        match schema::row(&values, out) {
            Ok(record) => (low, record.len()),
            Err(error) => {
                self.fail_store(error.more(low - text_at));
                (0, 0)
            }
        }
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

    /// Writes the definition that stands in the arena from an offset on, up to the end of what is built, under a name.
    #[inline(never)]
    pub(crate) fn save(&mut self, name: Token, from: usize) {
        let (key, end) = self.key_of(name);
        if let (Some(definition), Some(key)) = (self.arena.get(from..key), self.arena.get(key..end)) {
            let done = self.store.set(key, definition);
            self.stored(done);
        }
    }

    /// Reads the definition of what goes by a name behind what is built; it must be there.
    #[inline(never)]
    pub(crate) fn load_again(&mut self, name: Token) {
        let (at, len) = self.read_definition(name);
        if len == 0 {
            return self.fail_here(ErrorKind::Corrupt);
        }
        self.shift(at, len, self.code);
        self.code += len;
    }

    /// Reads the definition of what goes by a name, if there is any, into the room between program and stack: offset and length,
    /// which is 0 if there is none.
    #[cfg_attr(not(fast), inline(never))]
    pub(crate) fn read_definition(&mut self, name: Token) -> (usize, usize) {
        let (begin, end) = self.key_of(name);
        let (low, high) = self.arena.split_at_mut_checked(end).unwrap_or_default();
        let room = high.get_mut(..self.top.saturating_sub(end)).unwrap_or_default();
        match self.store.get(low.get(begin..).unwrap_or_default(), room) {
            Ok(found) => (end, found.unwrap_or(0)),
            Err(error) => {
                self.fail(self.placed(error.more(self.arena.len()), name));
                (0, 0)
            }
        }
    }

    /// Deletes the definition of what goes by a name.
    #[inline(never)]
    pub(crate) fn delete_name(&mut self, name: Token) {
        let (key, end) = self.key_of(name);
        let done = self.store.delete(self.arena.get(key..end).unwrap_or_default());
        self.stored(done.map(|_| ()));
    }

    // ---- the others

    /// Whether a temporary view would hide what goes by its name, which was read last: another view or a table.
    fn hides(&mut self, token: Token) -> bool {
        if !self.present {
            return self.failed.is_some_and(|error| error.is(ErrorKind::AlreadyExists));
        }
        let (at, len) = self.find(token);
        self.at(at) != schema::VIEW || self.defined(at, len).number() == 0
    }

    /// CREATE VIEW: the text of its SELECT is kept.
    /// A temporary one is not in sqlite_schema, and its number is that of the session that made it: to the next one it is
    /// not there.
    #[inline(never)]
    fn create_view(&mut self, temporary: bool) {
        let token = self.new_name(false);
        if temporary && self.hides(token) {
            (self.failed, self.present) = (None, false);
            return self.fail_at(ErrorKind::Unsupported, token);
        }
        if self.token.kind == Kind::LeftParen {
            return self.fail_here(ErrorKind::Unsupported);
        }
        self.expect(Kind::As);
        let start = self.token.start();
        self.expect_select();
        self.try_select();
        let mut last = self.token;
        while !self.token.kind.is(class::END) {
            // "parameters are not allowed in views"
            if self.token.kind == Kind::Parameter {
                self.fail_here(ErrorKind::Schema);
            }
            last = self.advance();
        }
        self.end_of_statement();
        if self.was_present() {
            return;
        }
        let (mut row, mut number) = (0, 0);
        if temporary {
            if self.session == 0 {
                self.session = (self.setting(b't').max(schema::SCHEMA.into()) + 1) as u16;
            }
            number = self.session;
            self.set_setting(b't', number.into());
        } else {
            let text = self.schema_text(b"CREATE VIEW ", token, last.end());
            row = self.add_schema_row(&SchemaRow { kind: b"view", name: token, table: token, number, text, which: 0 });
        }
        let len = last.end().saturating_sub(start);
        self.byte(schema::VIEW);
        self.word(number);
        self.word(row);
        self.bytes(&[0, ROWID, 0, 0, 0]);
        self.word(len);
        self.copy(start, len.into());
        self.byte(0);
        self.save(token, 0);
    }

    /// Compiles the SELECT at the current token, so that an error of its syntax is found now; any other waits until it is used.
    #[inline(never)]
    fn try_select(&mut self) {
        let room = self.arena.get_mut(self.code..self.top).unwrap_or_default();
        let mut inner = Compiler::new(self.sql, room, &mut *self.store);
        inner.token = self.token;
        inner.begin_select(Output::Rows, Resume::Statement, 0, 0, 0);
        if let Err(error) = inner.run()
            && error.is(ErrorKind::Syntax)
        {
            self.fail(error);
        }
    }

    fn reindex(&mut self) {
        if self.token.kind.is(class::END) {
            return self.end_of_statement();
        }
        let token = self.table_name();
        self.end_of_statement();
        // Indexes always agree with their tables: there is nothing to do.
        if crate::sqlite3::value::Collation::named(unquoted(self.text(token)).0).is_none() && self.kind_of(token) == 0 {
            self.fail_at(ErrorKind::NoSuchTable, token);
        }
    }
}

/// The key of a setting.
pub(crate) fn setting_key(which: u8) -> [u8; 2] {
    [0x80 | schema::SETTINGS as u8, which]
}

/// Puts a cursor before, or behind, all entries of a table or an index.
#[inline(never)]
pub(crate) fn seek_entries(store: &mut dyn Store, cursor: usize, number: u16, behind: bool) -> Result<()> {
    let mut key = [0; 16];
    let mut writer = Writer::new(&mut key, 0);
    schema::begin_key(number, &mut writer);
    if behind {
        writer.byte(key::ABOVE);
    }
    store.seek(cursor, writer.finish()?)
}
