//! The tables as a script of SQL, line by line.
//!
//! Contract: the lines are those of Python's `iterdump`: a transaction in which each table is made and filled, then indexes and
//! views. Each line is found anew, by the rowid behind the last one, so that nothing is held between two lines.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::connection::Connection;
use super::error::{ErrorKind, Result};
use super::function::string;
use super::scratch::Scratch;
use super::value::Value;

/// A script that makes the tables again, line by line. (Python: `Connection.iterdump`.)
pub struct Dump<'m> {
    buffer: &'m mut [u8],
    step: Step,
    /// Behind the row of sqlite_schema at hand.
    entry: i64,
    /// Behind the row of its table that was written last; `None` behind the largest rowid.
    row: Option<i64>,
}

#[cfg(feature = "defmt")]
impl defmt::Format for Dump<'_> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Dump");
    }
}

/// What the next line is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Begin,
    Table,
    Rows,
    Others,
    Commit,
    Done,
}

const TABLE: &str = "SELECT sql, rowid FROM sqlite_schema WHERE type = 'table' AND rowid >= ? ORDER BY rowid LIMIT 1";
const OTHER: &str =
    "SELECT sql, rowid FROM sqlite_schema WHERE type <> 'table' AND sql NOT NULL AND rowid >= ? ORDER BY rowid LIMIT 1";
const NAME: &str = "SELECT name, 0 FROM sqlite_schema WHERE rowid = ? - 1";

impl Connection<'_> {
    /// Begins a script that makes the tables again. `buffer` holds one line at a time, and beside a line of a row 64 bytes and
    /// the name of its table twice.
    ///
    /// ```
    /// # use larder::sqlite3::{Connection, Result};
    /// fn print(con: &mut Connection<'_>) -> Result<()> {
    ///     let mut buffer = [0; 512];
    ///     let mut dump = con.iterdump(&mut buffer);
    ///     while let Some(line) = dump.next(con)? {
    ///         println!("{line}");
    ///     }
    ///     Ok(())
    /// }
    /// ```
    pub fn iterdump<'m>(&self, buffer: &'m mut [u8]) -> Dump<'m> {
        Dump { buffer, step: Step::Begin, entry: 1, row: None }
    }
}

impl Dump<'_> {
    /// The next line, without its line end; `None` behind the last.
    ///
    /// # Errors
    /// Those of reading; [`ErrorKind::Limit`] if the buffer is too small.
    pub fn next(&mut self, connection: &mut Connection<'_>) -> Result<Option<&str>> {
        loop {
            match self.step {
                Step::Begin => {
                    self.step = Step::Table;
                    return Ok(Some("BEGIN TRANSACTION;"));
                }
                Step::Table => match entry(connection, TABLE, self.entry, &mut Scratch::new(self.buffer), b";")? {
                    Some((len, rowid)) => {
                        (self.step, self.entry, self.row) = (Step::Rows, rowid + 1, Some(i64::MIN));
                        return self.line(0, len);
                    }
                    None => (self.step, self.entry) = (Step::Others, 1),
                },
                Step::Rows => match self.row(connection)? {
                    Some((at, len)) => return self.line(at, len),
                    None => self.step = Step::Table,
                },
                Step::Others => match entry(connection, OTHER, self.entry, &mut Scratch::new(self.buffer), b";")? {
                    Some((len, rowid)) => {
                        self.entry = rowid + 1;
                        return self.line(0, len);
                    }
                    None => self.step = Step::Commit,
                },
                Step::Commit => {
                    self.step = Step::Done;
                    return Ok(Some("COMMIT;"));
                }
                Step::Done => return Ok(None),
            }
        }
    }

    fn line(&self, at: usize, len: usize) -> Result<Option<&str>> {
        let line = self.buffer.get(at..at + len).unwrap_or_default();
        core::str::from_utf8(line).map(Some).map_err(|_| ErrorKind::Type.at(0))
    }

    /// Writes the next row of the table at hand: where its line is in the buffer.
    fn row(&mut self, connection: &mut Connection<'_>) -> Result<Option<(usize, usize)>> {
        let Some(from) = self.row else { return Ok(None) };
        // The statement stands at the front of the buffer, with the name in double quotes; the line behind it.
        let (head, tail) = ("SELECT _rowid_, * FROM ", " WHERE _rowid_ >= ? ORDER BY _rowid_ LIMIT 1");
        let mut scratch = Scratch::new(self.buffer);
        let Some((len, _)) = entry(connection, NAME, self.entry, &mut scratch, b"")? else { return Ok(None) };
        let (name, rest) = self.buffer.split_at_mut(len);
        let mut scratch = Scratch::new(rest);
        scratch.extend(head.as_bytes());
        let start = scratch.len();
        quoted(name, &mut scratch);
        let quoted_len = scratch.len() - start;
        scratch.extend(tail.as_bytes());
        let statement = scratch.len();
        scratch.finish()?;
        let Some((sql, room)) = rest.split_at_mut_checked(statement) else { return Err(ErrorKind::Internal.at(0)) };
        let sql = core::str::from_utf8(sql).map_err(|_| ErrorKind::Type.at(0))?;
        let mut scratch = Scratch::new(room);
        let parameters = [Value::Integer(from)];
        let mut cursor = connection.execute(sql, &parameters)?;
        let Some(row) = cursor.fetchone()? else { return Ok(None) };
        scratch.extend(b"INSERT INTO ");
        scratch.extend(sql.as_bytes().get(start..start + quoted_len).unwrap_or_default());
        for column in 1..row.len() {
            scratch.extend(if column == 1 { b" VALUES(" } else { b"," });
            match row.value(column) {
                // What quote() would cut short.
                Value::Text(text) if text.contains(&0) => {
                    scratch.extend(b"CAST(");
                    string::write_literal(Value::Blob(text), &mut scratch);
                    scratch.extend(b" AS TEXT)");
                }
                // What quote() calls Inf, which is no literal; SQLite's own writes it so from 3.41 on.
                Value::Real(f64::INFINITY) => scratch.extend(b"9.0e+999"),
                Value::Real(f64::NEG_INFINITY) => scratch.extend(b"-9.0e+999"),
                value => string::write_literal(value, &mut scratch),
            }
        }
        scratch.extend(b");");
        let written = scratch.finish()?.len();
        self.row = row.get::<i64>(0)?.checked_add(1);
        Ok(Some((len + statement, written)))
    }
}

/// Writes the text that a statement gives for the row of sqlite_schema at or behind `from`, and `end`: its length, and the row.
fn entry(
    connection: &mut Connection<'_>,
    sql: &str,
    from: i64,
    scratch: &mut Scratch<'_>,
    end: &[u8],
) -> Result<Option<(usize, i64)>> {
    let parameters = [Value::Integer(from)];
    let mut cursor = connection.execute(sql, &parameters)?;
    let Some(row) = cursor.fetchone()? else { return Ok(None) };
    scratch.extend(row.get::<&[u8]>(0)?);
    scratch.extend(end);
    Ok(Some((scratch.finish()?.len(), row.get(1)?)))
}

/// A name in double quotes.
fn quoted(name: &[u8], scratch: &mut Scratch<'_>) {
    scratch.push(b'"');
    for &byte in name {
        if byte == b'"' {
            scratch.push(b'"');
        }
        scratch.push(byte);
    }
    scratch.push(b'"');
}
