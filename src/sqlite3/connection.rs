//! Connections: Python's `sqlite3.Connection` over a store.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use core::ops::{Deref, DerefMut};

use super::compile::{Compiler, unescaped, unquoted};
use super::cursor::{Cursor, Held, Statement};
use super::error::{ErrorKind, Result};
use super::function::Custom;
use super::statement::{Program, Verb};
use super::store::{CURSORS, Savepoint, Store};
use super::token;
use super::value::Value;
use super::vm::{Machine, OWN_CURSOR, Outcome, Session, State};
use super::write::action;

/// Bytes to lend to a connection or a statement.
#[derive(Debug, Clone)]
pub struct Memory<const N: usize>([u8; N]);

#[cfg(feature = "defmt")]
impl<const N: usize> defmt::Format for Memory<N> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Memory");
    }
}

impl<const N: usize> Memory<N> {
    /// All zero.
    pub const fn new() -> Self {
        Memory([0; N])
    }
}

impl<const N: usize> Default for Memory<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize> Deref for Memory<N> {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl<const N: usize> DerefMut for Memory<N> {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }
}

/// How many savepoints can be open in one another.
const SAVEPOINTS: usize = 8;

/// An open savepoint: its name, in small letters, and its place.
#[derive(Debug, Clone, Copy, Default)]
struct Named {
    name: [u8; 16],
    place: Savepoint,
    /// Whether it began the transaction.
    outermost: bool,
}

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

/// What all statements of a connection share.
pub(crate) struct Base<'a> {
    pub(crate) store: &'a mut dyn Store,
    pub(crate) session: Session,
    /// Whether each statement is a transaction of its own unless BEGIN was said.
    autocommit: bool,
    /// Counts changes of the schema: a statement prepared before one is compiled again.
    pub(crate) schema: u32,
    /// The store's cursors in use, a bit each, and how often all were taken away.
    slots: u16,
    pub(crate) epoch: u32,
    savepoints: [Named; SAVEPOINTS],
    open_savepoints: usize,
    step_limit: Option<u64>,
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
        let base = Base {
            store,
            session: Session::default(),
            autocommit: false,
            schema: 0,
            slots: 0,
            epoch: 0,
            savepoints: [Named::default(); SAVEPOINTS],
            open_savepoints: 0,
            step_limit: None,
        };
        Ok(Connection { base, own: Held::new(memory) })
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

impl Base<'_> {
    fn commit(&mut self) -> Result<()> {
        self.open_savepoints = 0;
        if self.store.in_transaction() {
            self.store.commit()?;
        }
        Ok(())
    }

    fn rollback(&mut self) -> Result<()> {
        self.open_savepoints = 0;
        self.forget();
        if self.store.in_transaction() {
            self.store.rollback()?;
        }
        Ok(())
    }

    /// What was known of the rows is not known any more.
    pub(crate) fn forget(&mut self) {
        self.session.last = (0, 0);
        self.session.writes = self.session.writes.wrapping_add(1);
        self.schema = self.schema.wrapping_add(1);
    }

    // ---- running

    /// Cursors of the store for a statement: the first, and a bit for each.
    fn take_slots(&mut self, count: u8) -> Result<(u8, u16)> {
        let wanted = (1u32 << count) - 1;
        let most = self.store.cursors().min(CURSORS);
        if usize::from(count) >= most {
            return Err(ErrorKind::Cursors.at(usize::from(count) + 1));
        }
        for _ in 0..2 {
            for first in OWN_CURSOR + 1..=most - usize::from(count) {
                let bits = (wanted << first) as u16;
                if self.slots & bits == 0 {
                    self.slots |= bits;
                    return Ok((first as u8, bits));
                }
            }
            // Statements that were left in the middle lose their cursors.
            self.slots = 0;
            self.epoch = self.epoch.wrapping_add(1);
        }
        Err(ErrorKind::Internal.at(0))
    }

    pub(crate) fn free_slots(&mut self, slots: u16) {
        self.slots &= !slots;
    }

    /// Begins a statement whose program is in `arena`. Statements without rows are complete then.
    pub(crate) fn start(&mut self, sql: &[u8], program: &Program, arena: &mut [u8], state: &mut State) -> Result<u16> {
        self.session.begin_steps(self.step_limit);
        if program.explain != 0 {
            Machine::reset(program, arena, state)?;
            return Ok(0);
        }
        match program.verb {
            Verb::Select | Verb::Change => {
                if program.verb == Verb::Change && !self.autocommit && !self.store.in_transaction() {
                    self.store.begin()?;
                }
                let (slot, slots) = self.take_slots(program.most.cursors)?;
                state.slot = slot;
                if let Err(kind) = Machine::reset(program, arena, state) {
                    self.free_slots(slots);
                    return Err(kind.at(0));
                }
                Ok(slots)
            }
            _ => {
                *state = State::default();
                self.special(sql, program, arena)?;
                Ok(0)
            }
        }
    }

    /// Runs a statement to its next row.
    pub(crate) fn step(
        &mut self,
        sql: &[u8],
        program: &Program,
        arena: &mut [u8],
        state: &mut State,
        parameters: &[Value<'_>],
    ) -> Result<Outcome> {
        if !state.running {
            return Ok(Outcome::Done);
        }
        let mut machine = Machine::new(program, arena, self.store, state, &mut self.session, sql, parameters);
        let outcome = if program.explain != 0 { machine.explain() } else { machine.run() };
        machine.stop();
        match outcome {
            Ok(Outcome::Row) => Ok(Outcome::Row),
            Ok(Outcome::Done) => {
                state.running = false;
                self.end(program, state)?;
                Ok(Outcome::Done)
            }
            Err(kind) => {
                state.running = false;
                self.fail(program, state);
                Err(kind.at(0))
            }
        }
    }

    /// A statement ran to its end.
    #[inline(never)]
    fn end(&mut self, program: &Program, state: &mut State) -> Result<()> {
        self.count(program, state.changes);
        if state.own
            && let Err(kind) = self.store.commit()
        {
            let _ = self.rollback();
            return Err(kind.at(0));
        }
        Ok(())
    }

    /// How many rows a statement changed.
    fn count(&mut self, program: &Program, changes: i64) {
        if program.verb == Verb::Change {
            self.session.writes = self.session.writes.wrapping_add(1);
            self.session.context.changes = changes;
            self.session.context.total_changes += changes;
        }
    }

    /// A statement failed: what it did is undone, or more, or less, as its constraint asks.
    #[inline(never)]
    fn fail(&mut self, program: &Program, state: &State) {
        self.count(program, if state.action == action::FAIL { state.changes } else { 0 });
        if !state.wrote {
            return;
        }
        self.session.last = (0, 0);
        // An error while undoing leaves the transaction to be rolled back by the user.
        let _ = match state.action {
            action::ROLLBACK => self.rollback(),
            action::FAIL if state.own => Ok(()).and_then(|()| self.store.commit().map_err(|error| error.at(0))),
            action::FAIL => Ok(()),
            _ if state.own => self.rollback(),
            _ => self.store.rollback_to(state.savepoint).map_err(|error| error.at(0)),
        };
    }

    /// A statement that has no program.
    fn special(&mut self, sql: &[u8], program: &Program, arena: &mut [u8]) -> Result<()> {
        match program.verb {
            Verb::Begin => self.store.begin(),
            Verb::Commit if self.store.in_transaction() => self.commit(),
            Verb::Rollback if self.store.in_transaction() => self.rollback(),
            Verb::Commit | Verb::Rollback => Err(ErrorKind::Transaction.into()),
            Verb::Savepoint | Verb::Release | Verb::RollbackTo => self.named_savepoint(sql, program),
            Verb::Schema | Verb::Pragma => self.change_schema(sql, arena),
            _ => Ok(()),
        }
    }

    /// SAVEPOINT, RELEASE and ROLLBACK TO.
    #[inline(never)]
    fn named_savepoint(&mut self, sql: &[u8], program: &Program) -> Result<()> {
        let token = token::next(sql, program.names.into());
        let (text, quote) = unquoted(sql.get(token.start().into()..token.end().into()).unwrap_or_default());
        let mut name = [0; 16];
        let mut bytes = unescaped(text, quote).map(|byte| byte.to_ascii_lowercase());
        for place in name.iter_mut() {
            *place = bytes.next().unwrap_or(0);
        }
        if bytes.next().is_some() {
            return Err(ErrorKind::TooBig.at(token.start().into()));
        }
        if program.verb == Verb::Savepoint {
            let outermost = !self.store.in_transaction();
            if self.open_savepoints >= SAVEPOINTS {
                return Err(ErrorKind::TooBig.at(token.start().into()));
            }
            if outermost {
                self.store.begin()?;
            }
            let place = self.store.savepoint()?;
            if let Some(slot) = self.savepoints.get_mut(self.open_savepoints) {
                *slot = Named { name, place, outermost };
            }
            self.open_savepoints += 1;
            return Ok(());
        }
        let open = self.savepoints.get(..self.open_savepoints).unwrap_or_default();
        let Some(found) = open.iter().rposition(|savepoint| savepoint.name == name) else {
            return Err(ErrorKind::NoSuchSavepoint.at(token.start().into()));
        };
        let Some(savepoint) = self.savepoints.get(found).copied() else { return Err(ErrorKind::Internal.at(0)) };
        if program.verb == Verb::RollbackTo {
            self.store.rollback_to(savepoint.place)?;
            self.open_savepoints = found + 1;
            self.forget();
            return Ok(());
        }
        self.open_savepoints = found;
        if savepoint.outermost { self.commit() } else { Ok(()) }
    }

    /// CREATE, DROP, ALTER: all or nothing.
    fn change_schema(&mut self, sql: &[u8], arena: &mut [u8]) -> Result<()> {
        let own = !self.store.in_transaction();
        if own {
            self.store.begin()?;
        }
        let savepoint = self.store.savepoint()?;
        let len = arena.len().min(0x7ff0);
        let mut compiler = Compiler::new(sql, arena.get_mut(..len).unwrap_or_default(), self.store);
        (compiler.functions, compiler.session) = (self.session.functions, self.session.number);
        let result = compiler.run_schema();
        self.session.number = compiler.session;
        self.forget();
        match result {
            Ok(()) if own => self.commit(),
            Ok(()) => Ok(()),
            Err(error) => {
                if own {
                    self.rollback()?;
                } else {
                    self.store.rollback_to(savepoint)?;
                }
                Err(error)
            }
        }
    }
}

/// A transaction that is rolled back when it is dropped, unless [`Transaction::commit`] was called.
pub struct Transaction<'c, 'a> {
    connection: &'c mut Connection<'a>,
}

#[cfg(feature = "defmt")]
impl defmt::Format for Transaction<'_, '_> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Transaction");
    }
}

impl Transaction<'_, '_> {
    /// Makes the transaction last.
    ///
    /// # Errors
    /// As [`Connection::commit`].
    pub fn commit(self) -> Result<()> {
        self.connection.commit()
    }

    /// Undoes it.
    ///
    /// # Errors
    /// As [`Connection::rollback`].
    pub fn rollback(self) -> Result<()> {
        self.connection.rollback()
    }
}

impl<'a> Deref for Transaction<'_, 'a> {
    type Target = Connection<'a>;
    fn deref(&self) -> &Connection<'a> {
        self.connection
    }
}

impl DerefMut for Transaction<'_, '_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        self.connection
    }
}

impl Drop for Transaction<'_, '_> {
    fn drop(&mut self) {
        // After a commit there is nothing to undo. An error here shows at the next verb.
        if self.connection.in_transaction() {
            let _ = self.connection.rollback();
        }
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
