//! What the statements of a connection share: the store, transactions and savepoints, the store's cursors in use. A statement
//! is begun, driven and ended here.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::compile::write::action;
use super::compile::{Compiler, unescaped, unquoted};
use super::error::{ErrorKind, Result};
use super::statement::{Program, Verb};
use super::store::{CURSORS, Savepoint, Store};
use super::token;
use super::value::Value;
use super::vm::{Machine, OWN_CURSOR, Outcome, Session, State};

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

/// What all statements of a connection share.
pub(crate) struct Base<'a> {
    pub(crate) store: &'a mut dyn Store,
    pub(crate) session: Session,
    /// Whether each statement is a transaction of its own unless BEGIN was said.
    pub(super) autocommit: bool,
    /// Counts changes of the schema: a statement prepared before one is compiled again.
    pub(crate) schema: u32,
    /// The store's cursors in use, a bit each, and how often all were taken away.
    pub(super) slots: u16,
    pub(crate) epoch: u32,
    savepoints: [Named; SAVEPOINTS],
    pub(super) open_savepoints: usize,
    pub(super) step_limit: Option<u64>,
}

impl<'a> Base<'a> {
    pub(super) fn new(store: &'a mut dyn Store) -> Self {
        Base {
            store,
            session: Session::default(),
            autocommit: false,
            schema: 0,
            slots: 0,
            epoch: 0,
            savepoints: [Named::default(); SAVEPOINTS],
            open_savepoints: 0,
            step_limit: None,
        }
    }
}

impl Base<'_> {
    pub(super) fn commit(&mut self) -> Result<()> {
        self.open_savepoints = 0;
        if self.store.in_transaction() {
            self.store.commit()?;
        }
        Ok(())
    }

    pub(super) fn rollback(&mut self) -> Result<()> {
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
        let mut first = OWN_CURSOR + 1;
        let mut bits = (wanted << first) as u16;
        while self.slots & bits != 0 {
            first += 1;
            bits <<= 1;
            if first > most - usize::from(count) {
                self.take_cursors();
                first = OWN_CURSOR + 1;
                bits = (wanted << first) as u16;
            }
        }
        self.slots |= bits;
        Ok((first as u8, bits))
    }

    /// Statements that were left in the middle lose their cursors.
    fn take_cursors(&mut self) {
        (self.slots, self.epoch) = (0, self.epoch.wrapping_add(1));
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
        let outcome = if super::EXPLAIN && program.explain != 0 { machine.explain() } else { machine.run() };
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
        let mut bytes = unescaped(text, quote);
        for place in name.iter_mut() {
            *place = bytes.next().unwrap_or(0).to_ascii_lowercase();
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
        // The compiler walks with the cursors of the store itself.
        self.take_cursors();
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
