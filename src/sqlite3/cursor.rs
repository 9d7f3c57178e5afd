//! Cursors, rows and prepared statements.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::base::Base;
use super::connection::Connection;
use super::error::{ErrorKind, Result};
use super::program::word;
use super::statement::{self, Program, Verb};
use super::value::Value;
use super::vm::cell::{CELL, View};
use super::vm::{Layout, Outcome, State};

/// The rows of a statement that is running. (Python: `sqlite3.Cursor`.)
pub struct Cursor<'c> {
    connection: &'c mut dyn Driver,
    sql: &'c [u8],
    parameters: &'c [Value<'c>],
    /// A row was made when the statement was started, and not fetched yet.
    pending: bool,
}

#[cfg(feature = "defmt")]
impl defmt::Format for Cursor<'_> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Cursor");
    }
}

/// A statement in memory of its own: its program, and where it stands.
pub(crate) struct Held<'m> {
    pub(crate) memory: &'m mut [u8],
    pub(crate) program: Program,
    state: State,
    /// The store's cursors that it has, and the connection's epoch when it took them.
    slots: u16,
    epoch: u32,
}

impl<'m> Held<'m> {
    pub(crate) fn new(memory: &'m mut [u8]) -> Self {
        Held { memory, program: Program::default(), state: State::default(), slots: 0, epoch: 0 }
    }

    /// Compiles a statement. (The compiler must not stand on the stack while the statement runs.)
    #[inline(never)]
    pub(crate) fn compile(&mut self, sql: &[u8], base: &mut Base<'_>) -> Result<()> {
        self.program = statement::compile(sql, self.memory, base.store, &base.session)?;
        Ok(())
    }

    /// Begins to run. A run before it that was not read to its end is given up.
    fn start(&mut self, base: &mut Base<'_>, sql: &[u8], parameters: &[Value<'_>]) -> Result<()> {
        if parameters.len() != usize::from(self.program.parameters) {
            return Err(ErrorKind::Parameters.at(0));
        }
        self.close(base);
        self.slots = base.start(sql, &self.program, self.memory, &mut self.state)?;
        self.epoch = base.epoch;
        Ok(())
    }

    /// Runs to the next row; whether there is one.
    fn advance(&mut self, base: &mut Base<'_>, sql: &[u8], parameters: &[Value<'_>]) -> Result<bool> {
        if self.state.running && self.epoch != base.epoch {
            return Err(ErrorKind::Busy.at(0));
        }
        let outcome = base.step(sql, &self.program, self.memory, &mut self.state, parameters);
        if !matches!(outcome, Ok(Outcome::Row)) {
            base.free_slots(core::mem::take(&mut self.slots));
        }
        Ok(outcome? == Outcome::Row)
    }

    fn close(&mut self, base: &mut Base<'_>) {
        self.state.running = false;
        if self.epoch == base.epoch {
            base.free_slots(self.slots);
        }
        self.slots = 0;
    }

    fn row<'r>(&'r self, sql: &'r [u8], parameters: &'r [Value<'r>]) -> Row<'r> {
        Row {
            view: View { arena: self.memory, stages: &[], stages_at: usize::MAX, sql, parameters },
            program: &self.program,
            first: self.state.row.into(),
            columns: self.state.columns,
        }
    }
}

/// What a cursor asks of its connection, whatever the lifetimes in that.
pub(crate) trait Driver {
    fn start(&mut self, sql: &[u8], parameters: &[Value<'_>]) -> Result<()>;
    fn advance(&mut self, sql: &[u8], parameters: &[Value<'_>]) -> Result<bool>;
    fn close(&mut self);
    fn row<'r>(&'r self, sql: &'r [u8], parameters: &'r [Value<'r>]) -> Row<'r>;
    fn numbers(&self) -> (i64, i64);
}

impl Driver for Connection<'_> {
    fn start(&mut self, sql: &[u8], parameters: &[Value<'_>]) -> Result<()> {
        self.own.start(&mut self.base, sql, parameters)
    }
    fn advance(&mut self, sql: &[u8], parameters: &[Value<'_>]) -> Result<bool> {
        self.own.advance(&mut self.base, sql, parameters)
    }
    fn close(&mut self) {
        self.own.close(&mut self.base);
    }
    fn row<'r>(&'r self, sql: &'r [u8], parameters: &'r [Value<'r>]) -> Row<'r> {
        self.own.row(sql, parameters)
    }
    fn numbers(&self) -> (i64, i64) {
        (self.changes(), self.last_insert_rowid())
    }
}

impl<'c> Cursor<'c> {
    /// Runs the statement that was compiled into the connection's memory, up to its first row.
    pub(crate) fn start(connection: &'c mut dyn Driver, sql: &'c [u8], parameters: &'c [Value<'c>]) -> Result<Self> {
        connection.start(sql, parameters)?;
        let pending = connection.advance(sql, parameters)?;
        Ok(Cursor { connection, sql, parameters, pending })
    }

    /// The next row; `None` behind the last.
    ///
    /// # Errors
    /// What goes wrong while the row is made.
    pub fn fetchone(&mut self) -> Result<Option<Row<'_>>> {
        let pending = core::mem::take(&mut self.pending);
        if !pending && !self.connection.advance(self.sql, self.parameters)? {
            return Ok(None);
        }
        Ok(Some(self.row()))
    }

    /// Fills `out` with the next rows, each read by `read`; how many there were. (Python: `Cursor.fetchmany`.) What a row
    /// borrows is gone with the next one, so that only what owns its data can be kept.
    ///
    /// # Errors
    /// As [`Cursor::fetchone`]; those of `read`.
    pub fn fetchmany<T>(&mut self, out: &mut [T], mut read: impl FnMut(Row<'_>) -> Result<T>) -> Result<usize> {
        let mut count = 0;
        for place in out {
            let Some(row) = self.fetchone()? else { break };
            *place = read(row)?;
            count += 1;
        }
        Ok(count)
    }

    fn row(&self) -> Row<'_> {
        self.connection.row(self.sql, self.parameters)
    }

    /// How many columns rows have; 0 for a statement without rows. (Python: `len(cursor.description)`.)
    pub fn column_count(&self) -> usize {
        self.row().program.column_count()
    }

    /// The name of a column. (Python: `cursor.description[i][0]`.)
    pub fn column_name(&self, column: usize) -> Option<&[u8]> {
        self.row().name(column)
    }

    /// Rows that the statement changed; -1 for one that does not write.
    pub fn rowcount(&self) -> i64 {
        if self.row().program.verb == Verb::Change { self.connection.numbers().0 } else { -1 }
    }

    /// The rowid of the last row that was inserted.
    pub fn lastrowid(&self) -> i64 {
        self.connection.numbers().1
    }
}

impl Drop for Cursor<'_> {
    fn drop(&mut self) {
        self.connection.close();
    }
}

/// A prepared statement: its program is in memory of its own.
pub struct Statement<'m> {
    pub(crate) sql: &'m [u8],
    /// The connection's count of changes of the schema when it was compiled.
    pub(crate) schema: u32,
    pub(crate) held: Held<'m>,
}

#[cfg(feature = "defmt")]
impl defmt::Format for Statement<'_> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Statement");
    }
}

impl<'m> Statement<'m> {
    /// Begins to run: the rows come from [`Rows::fetchone`]. A run before it that was not read to its end is given up.
    ///
    /// # Errors
    /// [`ErrorKind::Parameters`] if there are too many or too few.
    pub fn query<'s>(
        &'s mut self,
        connection: &mut Connection<'_>,
        parameters: &'s [Value<'s>],
    ) -> Result<Rows<'s, 'm>> {
        let base = &mut connection.base;
        if self.schema != base.schema {
            self.held.compile(self.sql, base)?;
            self.schema = base.schema;
        }
        self.held.start(base, self.sql, parameters)?;
        Ok(Rows { statement: self, parameters })
    }

    /// Runs to the end, and drops rows; how many rows were changed.
    ///
    /// # Errors
    /// Those of the statement.
    pub fn execute(&mut self, connection: &mut Connection<'_>, parameters: &[Value<'_>]) -> Result<i64> {
        let mut rows = self.query(connection, parameters)?;
        while rows.fetchone(connection)?.is_some() {}
        Ok(connection.changes())
    }

    /// Gives back what a run that was not read to its end still holds.
    pub fn close(&mut self, connection: &mut Connection<'_>) {
        self.held.close(&mut connection.base);
    }

    /// The bytes that compiling took of the memory, and those that running takes at least: program, stack, locals, cursors and
    /// stages, without the rows.
    pub fn memory(&self) -> (usize, usize) {
        let layout = Layout::of(&self.held.program, self.held.memory.len());
        (self.held.program.compiled_in.into(), layout.scratch)
    }

    /// How many columns rows have.
    pub fn column_count(&self) -> usize {
        self.held.program.column_count()
    }

    /// The name of a column.
    pub fn column_name(&self, column: usize) -> Option<&[u8]> {
        column_name(&self.held.program, self.held.memory, self.sql, column)
    }

    /// How many parameters it takes.
    pub fn parameter_count(&self) -> usize {
        self.held.program.parameters.into()
    }

    /// The number of a named parameter, from 1; the sign before the name may be left out.
    pub fn parameter(&self, name: &str) -> Option<usize> {
        super::parameter::named(self.sql, name.as_bytes())
    }
}

/// The rows of a prepared statement; several may be read by turns.
pub struct Rows<'s, 'm> {
    statement: &'s mut Statement<'m>,
    parameters: &'s [Value<'s>],
}

#[cfg(feature = "defmt")]
impl defmt::Format for Rows<'_, '_> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Rows");
    }
}

impl Rows<'_, '_> {
    /// The next row; `None` behind the last.
    ///
    /// # Errors
    /// What goes wrong while the row is made; [`ErrorKind::Busy`] if so many statements were begun that this one lost
    /// its cursors, or if a table, an index or a view was made, altered or dropped.
    pub fn fetchone(&mut self, connection: &mut Connection<'_>) -> Result<Option<Row<'_>>> {
        let statement = &mut *self.statement;
        let more = statement.held.advance(&mut connection.base, statement.sql, self.parameters)?;
        Ok(more.then(|| statement.held.row(statement.sql, self.parameters)))
    }
}

/// One row. (Python: `sqlite3.Row`.)
#[derive(Clone, Copy)]
pub struct Row<'r> {
    view: View<'r>,
    program: &'r Program,
    first: usize,
    columns: u8,
}

#[cfg(feature = "defmt")]
impl defmt::Format for Row<'_> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Row");
    }
}

impl<'r> Row<'r> {
    /// How many columns it has.
    pub fn len(&self) -> usize {
        self.columns.into()
    }

    /// Whether it has none: never.
    pub fn is_empty(&self) -> bool {
        self.columns == 0
    }

    /// The value of a column, from 0; NULL where there is none.
    pub fn value(&self, column: usize) -> Value<'r> {
        if column < self.len() { self.view.at(self.first + column * CELL) } else { Value::Null }
    }

    /// The name of a column.
    pub fn name(&self, column: usize) -> Option<&'r [u8]> {
        column_name(self.program, self.view.arena, self.view.sql, column)
    }

    /// The place of the column with this name, whatever its case.
    pub fn find(&self, name: &str) -> Option<usize> {
        (0..self.len())
            .find(|&column| self.name(column).is_some_and(|known| known.eq_ignore_ascii_case(name.as_bytes())))
    }

    /// A column as a type: `i64`, `f64`, `&str`, `&[u8]`, `bool`, smaller integers, [`Value`], or an `Option` of one of
    /// these where it may be NULL. The column is a number or a name.
    ///
    /// # Errors
    /// [`ErrorKind::Type`] if the value is of another class; [`ErrorKind::NoSuchColumn`].
    pub fn get<T: FromValue<'r>>(&self, column: impl Column) -> Result<T> {
        let Some(column) = column.place(self) else { return Err(ErrorKind::NoSuchColumn.at(0)) };
        T::from_value(self.value(column)).ok_or(ErrorKind::Type.at(0))
    }
}

/// What names a column of a row: its number, or its name.
pub trait Column {
    /// The number of the column.
    fn place(&self, row: &Row<'_>) -> Option<usize>;
}

impl Column for usize {
    fn place(&self, row: &Row<'_>) -> Option<usize> {
        (*self < row.len()).then_some(*self)
    }
}

impl Column for &str {
    fn place(&self, row: &Row<'_>) -> Option<usize> {
        row.find(self)
    }
}

/// What a column can be read as.
pub trait FromValue<'r>: Sized {
    /// `None` if the value is of another class.
    fn from_value(value: Value<'r>) -> Option<Self>;
}

impl<'r> FromValue<'r> for Value<'r> {
    fn from_value(value: Value<'r>) -> Option<Self> {
        Some(value)
    }
}

macro_rules! integers {
    ($($type:ty)*) => {$(
        impl FromValue<'_> for $type {
            fn from_value(value: Value<'_>) -> Option<Self> {
                match value {
                    Value::Integer(i) => i.try_into().ok(),
                    _ => None,
                }
            }
        }
    )*};
}
integers!(i64 i32 i16 i8 u64 u32 u16 u8 usize);

impl FromValue<'_> for f64 {
    fn from_value(value: Value<'_>) -> Option<Self> {
        match value {
            Value::Real(r) => Some(r),
            Value::Integer(i) => Some(super::real::of(i)),
            _ => None,
        }
    }
}

impl FromValue<'_> for bool {
    fn from_value(value: Value<'_>) -> Option<Self> {
        match value {
            Value::Integer(i) => Some(i != 0),
            _ => None,
        }
    }
}

impl<'r> FromValue<'r> for &'r str {
    fn from_value(value: Value<'r>) -> Option<Self> {
        match value {
            Value::Text(text) => core::str::from_utf8(text).ok(),
            _ => None,
        }
    }
}

impl<'r> FromValue<'r> for &'r [u8] {
    fn from_value(value: Value<'r>) -> Option<Self> {
        match value {
            Value::Text(bytes) | Value::Blob(bytes) => Some(bytes),
            _ => None,
        }
    }
}

impl<'r, T: FromValue<'r>> FromValue<'r> for Option<T> {
    fn from_value(value: Value<'r>) -> Option<Self> {
        if value.is_null() { Some(None) } else { T::from_value(value).map(Some) }
    }
}

impl Program {
    fn column_count(&self) -> usize {
        match self.explain {
            1 => EXPLAIN.len(),
            2 => EXPLAIN_QUERY_PLAN.len(),
            _ => self.columns.into(),
        }
    }
}

/// The columns of EXPLAIN.
const EXPLAIN: [&str; 5] = ["addr", "opcode", "p1", "p2", "p3"];
/// The columns of EXPLAIN QUERY PLAN.
const EXPLAIN_QUERY_PLAN: [&str; 4] = ["id", "parent", "notused", "detail"];

/// The name of a result column, from the list behind the program.
fn column_name<'r>(program: &Program, arena: &'r [u8], sql: &'r [u8], column: usize) -> Option<&'r [u8]> {
    match program.explain {
        1 => return EXPLAIN.get(column).map(|name| name.as_bytes()),
        2 => return EXPLAIN_QUERY_PLAN.get(column).map(|name| name.as_bytes()),
        _ => {}
    }
    if column >= program.columns.into() {
        return None;
    }
    let mut at = usize::from(program.names);
    for current in 0..=column {
        let len = usize::from(*arena.get(at)?);
        let (name, next) = if len == 0xff {
            let (start, len) = (usize::from(word(arena, at + 1)), usize::from(word(arena, at + 3)));
            (sql.get(start..start + len)?, at + 5)
        } else {
            (arena.get(at + 1..at + 1 + len)?, at + 1 + len)
        };
        if current == column {
            return Some(name);
        }
        at = next;
    }
    None
}
