//! Connections: Python's `sqlite3.Connection` over a store.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::base::Base;
use super::cursor::{Cursor, Held, Statement};
use super::error::{ErrorKind, Result};
use super::function::Custom;
use super::statement::Verb;
use super::store::Store;
use super::token;
use super::transaction::Transaction;
use super::value::Value;

/// A connection to the tables in a store. (Python: `sqlite3.Connection`.)
pub struct Connection<'a> {
    pub(crate) base: Base<'a>,
    /// The statement that [`Connection::execute`] runs.
    pub(crate) own: Held<'a>,
}

#[cfg(feature = "defmt")]
impl defmt::Format for Connection<'_> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Connection");
    }
}

impl<'a> Connection<'a> {
    /// Opens the tables in a store; an empty one has none. `memory` is for the statements that [`Connection::execute`] runs.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`] if the store holds something else.
    pub fn open(store: &'a mut dyn Store, memory: &'a mut [u8]) -> Result<Self> {
        if store.in_transaction() {
            store.rollback()?;
        }
        Ok(Connection { base: Base::new(store), own: Held::new(memory) })
    }

    /// Compiles and runs one statement, up to its first row. Like Python's, INSERT, UPDATE, DELETE and REPLACE begin a
    /// transaction if there is none, unless [`Connection::set_autocommit`] was set.
    ///
    /// # Errors
    /// Those of the statement. What it did is undone then.
    pub fn execute<'c>(&'c mut self, sql: &'c str, parameters: &'c [Value<'c>]) -> Result<Cursor<'c>> {
        self.compile(sql.as_bytes())?;
        Cursor::start(self, sql.as_bytes(), parameters)
    }

    /// Runs a statement once for each set of parameters; how many rows they changed.
    ///
    /// # Errors
    /// Those of the statement; [`ErrorKind::Misuse`] if it gives rows.
    pub fn executemany<'p>(&mut self, sql: &str, parameters: impl IntoIterator<Item = &'p [Value<'p>]>) -> Result<i64> {
        self.compile(sql.as_bytes())?;
        if self.own.program.verb != Verb::Change {
            return Err(ErrorKind::Misuse.at(0));
        }
        let mut changes = 0;
        for parameters in parameters {
            Cursor::start(self, sql.as_bytes(), parameters)?;
            changes += self.changes();
        }
        Ok(changes)
    }

    /// Runs statements one after the other; their rows are dropped. As Python does, a pending transaction is committed first.
    ///
    /// # Errors
    /// Those of the first statement that fails; its offset is that in `script`.
    pub fn executescript(&mut self, script: &str) -> Result<()> {
        self.commit()?;
        let autocommit = core::mem::replace(&mut self.base.autocommit, true);
        let result = self.script(script.as_bytes());
        self.base.autocommit = autocommit;
        result
    }

    fn script(&mut self, script: &[u8]) -> Result<()> {
        let mut at = 0;
        while let Some((start, end)) = next_statement(script, at) {
            let sql = script.get(start..end).unwrap_or_default();
            let place = |error: super::error::Error| error.at(error.offset() + start);
            self.compile(sql).map_err(place)?;
            let mut cursor = Cursor::start(self, sql, &[]).map_err(place)?;
            while cursor.fetchone().map_err(place)?.is_some() {}
            at = end;
        }
        Ok(())
    }

    /// Compiles a statement into memory of its own, to be run as often as one likes.
    ///
    /// # Errors
    /// Those of compiling; [`ErrorKind::Limit`] if `memory` is too small.
    pub fn prepare<'m>(&mut self, sql: &'m str, memory: &'m mut [u8]) -> Result<Statement<'m>> {
        let mut held = Held::new(memory);
        held.compile(sql.as_bytes(), &mut self.base)?;
        Ok(Statement { sql: sql.as_bytes(), schema: self.base.schema, held })
    }

    pub(crate) fn compile(&mut self, sql: &[u8]) -> Result<()> {
        self.own.compile(sql, &mut self.base)
    }

    // ---- transactions

    /// Begins a transaction.
    ///
    /// # Errors
    /// [`ErrorKind::Transaction`] if there is one.
    pub fn begin(&mut self) -> Result<()> {
        self.base.store.begin()
    }

    /// Makes the transaction last. Without one, nothing.
    ///
    /// # Errors
    /// [`ErrorKind::Io`]; [`ErrorKind::Full`].
    pub fn commit(&mut self) -> Result<()> {
        self.base.commit()
    }

    /// Undoes the transaction. Without one, nothing.
    ///
    /// # Errors
    /// [`ErrorKind::Io`].
    pub fn rollback(&mut self) -> Result<()> {
        self.base.rollback()
    }

    /// Begins a transaction that is rolled back when the guard is dropped, unless it was committed.
    ///
    /// # Errors
    /// [`ErrorKind::Transaction`] if there is one.
    pub fn transaction(&mut self) -> Result<Transaction<'_, 'a>> {
        self.begin()?;
        Ok(Transaction { connection: self })
    }

    /// Whether a transaction is open.
    pub fn in_transaction(&self) -> bool {
        self.base.store.in_transaction()
    }

    /// With `true`, a statement that writes outside of a transaction is one of its own (Python: `isolation_level=None`).
    pub fn set_autocommit(&mut self, autocommit: bool) {
        self.base.autocommit = autocommit;
    }

    /// Rows changed by the last INSERT, UPDATE or DELETE.
    pub fn changes(&self) -> i64 {
        self.base.session.context.changes
    }

    /// Rows changed since the connection was opened.
    pub fn total_changes(&self) -> i64 {
        self.base.session.context.total_changes
    }

    /// The rowid of the last row that was inserted.
    pub fn last_insert_rowid(&self) -> i64 {
        self.base.session.context.last_insert_rowid
    }

    /// A statement whose loops look for more rows than this, in tables and in what was sorted or grouped, ends with
    /// [`ErrorKind::Interrupted`].
    pub fn set_step_limit(&mut self, steps: Option<u64>) {
        self.base.step_limit = steps;
    }

    /// Calls `handler` each time that the loops of a statement have looked for `every` rows, if it is given: where it answers `true`, the statement ends
    /// with [`ErrorKind::Interrupted`]. So a button, a watchdog or another thread interrupts through a flag that it
    /// reads. (Python: `Connection.set_progress_handler`, `Connection.interrupt`.)
    pub fn set_progress_handler(&mut self, handler: Option<fn() -> bool>, every: u32) {
        self.base.session.handler = handler.map(|handler| (handler, every.max(1)));
    }

    /// Functions of the user's own, found by name behind the built-in ones: 100 at most. (Python:
    /// `Connection.create_function`.)
    ///
    /// ```
    /// use larder::sqlite3::{Custom, Value};
    /// static FUNCTIONS: &[Custom] = &[Custom {
    ///     name: "fahrenheit",
    ///     least: 1,
    ///     most: 1,
    ///     call: |arguments, _| Ok(match arguments[0] {
    ///         Value::Null => Value::Null,
    ///         celsius => Value::Real(celsius.to_real() * 1.8 + 32.0),
    ///     }),
    /// }];
    /// ```
    pub fn set_functions(&mut self, functions: &'static [Custom]) {
        self.base.session.functions = functions;
        // Statements that are prepared may mean others.
        self.base.schema = self.base.schema.wrapping_add(1);
    }

    /// The seed of `random()`; without one there is no `random()`.
    pub fn set_seed(&mut self, seed: u64) {
        self.base.session.context.random = Some(seed);
    }
}

/// Where the next statement of a script begins and ends.
pub(crate) fn next_statement(script: &[u8], from: usize) -> Option<(usize, usize)> {
    let mut at = from;
    let mut start = None;
    loop {
        // Offsets of tokens are relative to what is given, so that a script may be longer than a statement.
        let token = token::next(script.get(at..)?, 0);
        let (begin, end) = (at + usize::from(token.start()), at + usize::from(token.end()));
        match (token.kind, start) {
            (token::Kind::End_, None) => return None,
            (token::Kind::End_, Some(start)) => return Some((start, begin)),
            (token::Kind::Semicolon, None) => {}
            (token::Kind::Semicolon, Some(start)) => return Some((start, end)),
            (_, None) => start = Some(begin),
            _ => {}
        }
        at = end;
    }
}
