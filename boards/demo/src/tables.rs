//! SQL from the host: `("sql", statement, parameters)`, Python's `execute`.
//!
//! Contract: the parameters are a tuple or list for `?`, or a dict for `:name`, of None, bool, int, float, str and bytes.
//! The answer is a pickle of the tuple of the columns' names (`None` for a statement without rows), one of each row, a
//! tuple, and at last one of `(rowcount, lastrowid)`. Outside of BEGIN and COMMIT each statement is a transaction of its
//! own, and one that fails has done nothing.

use embedded_io::{Read, Write};
use embedded_storage::nor_flash::NorFlash;
use larder::dbm::{self, Cursor};
use larder::object::{Container, Emit, Kind, Object, Refused, Spelling, Text};
use larder::pickle::{Pickler, Writer};
use larder::sqlite3::onflash::OnFlash;
use larder::sqlite3::{self, Connection, Value, parameter};

use crate::request::Refusal;
use crate::{Memory, STORE, Tables};

/// The most parameters of a statement.
const PARAMETERS: usize = 16;

/// Four tables in a FROM, and one for look-ups.
const CURSORS: usize = 5;

/// Memory of the tables: for a statement's program and rows, and for their store.
pub struct TablesMemory {
    statement: sqlite3::Memory<3072>,
    store: [u8; STORE],
}

impl TablesMemory {
    /// Memory that nothing was done with.
    pub const NEW: Self = TablesMemory { statement: sqlite3::Memory::new(), store: [0; STORE] };
}

/// [`serve`](crate::serve), with tables in a flash of their own.
pub fn serve_with_tables<F: NorFlash, P: Read + Write>(
    shelf: F,
    tables: F,
    port: &mut P,
    memory: (&mut Memory, &mut TablesMemory),
    stack: fn() -> u32,
) -> Result<(), P::Error> {
    let TablesMemory { statement, store } = memory.1;
    let mut cursors = None;
    let mut store = open(tables, store, &mut cursors);
    let mut tables = match &mut store {
        Ok(store) => Connection::open(store, statement),
        Err(error) => Err(*error),
    };
    if let Ok(tables) = &mut tables {
        tables.set_autocommit(true);
    }
    crate::run(shelf, &mut tables, port, memory.0, stack)
}

/// In a function of its own, so that what it moves is off the stack behind it.
#[inline(never)]
fn open<'m, F: NorFlash>(
    flash: F,
    memory: &'m mut [u8],
    cursors: &'m mut Option<[Cursor; CURSORS]>,
) -> sqlite3::Result<OnFlash<'m, F>> {
    let db = dbm::open(flash, dbm::Flag::Create, memory)?;
    let cursors = cursors.insert([db.cursor(); CURSORS]);
    Ok(OnFlash::new(db, cursors))
}

impl Tables for sqlite3::Result<Connection<'_>> {
    #[inline(never)]
    fn execute(
        &mut self,
        statement: &str,
        parameters: &Object<'_>,
        buf: &mut [u8],
        send: &mut dyn FnMut(&[u8]) -> bool,
    ) -> Result<(), Refusal> {
        let connection = self.as_mut().map_err(|error| Refusal::Sql(*error))?;
        let mut values = [Value::Null; PARAMETERS];
        let count = bind(statement, parameters, &mut values)?;
        let values = values.get(..count).unwrap_or_default();
        let mut cursor = connection.execute(statement, values).map_err(Refusal::Sql)?;
        let columns = cursor.column_count();
        let name = |column, emit: &mut Writer<'_>| text(cursor.column_name(column).unwrap_or_default(), emit);
        if columns > 0 && !send(tuple(columns, &name, buf)?) {
            return Ok(());
        }
        while let Some(row) = cursor.fetchone().map_err(Refusal::Sql)? {
            let value = |column, emit: &mut Writer<'_>| match row.value(column) {
                Value::Null => emit.none(),
                Value::Integer(integer) => emit.int(integer),
                Value::Real(real) => emit.float(real),
                Value::Text(bytes) => text(bytes, emit),
                Value::Blob(bytes) => emit.bytes(bytes),
            };
            if !send(tuple(columns, &value, buf)?) {
                return Ok(());
            }
        }
        let numbers = [cursor.rowcount(), cursor.lastrowid()];
        if columns > 0 || send(NONE) {
            let number = |at, emit: &mut Writer<'_>| emit.int(numbers.get(at).copied().unwrap_or_default());
            send(tuple(numbers.len(), &number, buf)?);
        }
        Ok(())
    }
}

/// `pickle.dumps(None, 5)`
const NONE: &[u8] = b"\x80\x05N.";

fn text(bytes: &[u8], emit: &mut Writer<'_>) -> Result<(), Refused> {
    emit.text(&Text::new(bytes, Spelling::Utf8))
}

/// The pickle of a tuple of so many items.
#[inline(never)]
fn tuple<'b>(
    len: usize,
    item: &dyn Fn(usize, &mut Writer<'_>) -> Result<(), Refused>,
    buf: &'b mut [u8],
) -> Result<&'b [u8], Refusal> {
    let written = Pickler::new(buf).protocol(larder::pickle::HIGHEST_PROTOCOL).write(|emit| {
        let mut level = emit.open(Container::Tuple, Some(len))?;
        for at in 0..len {
            level.item(emit)?;
            item(at, emit)?;
        }
        emit.close(level)
    });
    written.map_err(Refusal::Pickle)
}

/// Puts the values of the parameters in their places; how many there are.
#[inline(never)]
fn bind<'v>(sql: &str, given: &Object<'v>, values: &mut [Value<'v>; PARAMETERS]) -> Result<usize, Refusal> {
    let mut count = 0;
    match given.kind() {
        Kind::Tuple | Kind::List => {
            for item in given.items() {
                *values.get_mut(count).ok_or(Refusal::Parameters)? = value(&item)?;
                count += 1;
            }
        }
        Kind::Dict => {
            let mut bound = 0u32;
            for (name, item) in given.pairs() {
                let name = name.as_str().map_err(|_| Refusal::Parameters)?;
                // As in Python, a name that the statement does not have is passed over.
                let Some(number) = parameter(sql, name) else { continue };
                *values.get_mut(number - 1).ok_or(Refusal::Parameters)? = value(&item)?;
                bound |= 1 << (number - 1);
                count = count.max(number);
            }
            if bound.count_ones() as usize != count {
                return Err(Refusal::Parameters);
            }
        }
        _ => return Err(Refusal::Parameters),
    }
    Ok(count)
}

/// A Python value as SQLite has it.
fn value<'v>(object: &Object<'v>) -> Result<Value<'v>, Refusal> {
    Ok(match object.kind() {
        Kind::None => Value::Null,
        Kind::Bool => Value::Integer(object.as_bool().map_err(Refusal::Pickle)?.into()),
        Kind::Int => Value::Integer(object.as_i64().map_err(Refusal::Pickle)?),
        Kind::Float => Value::real(object.as_f64().map_err(Refusal::Pickle)?),
        Kind::Str => Value::Text(object.as_str().map_err(Refusal::Pickle)?.as_bytes()),
        Kind::Bytes | Kind::ByteArray => Value::Blob(object.as_bytes().map_err(Refusal::Pickle)?),
        _ => return Err(Refusal::Parameters),
    })
}
