//! One statement for the shell: run, its rows printed, its error told.

use super::store::MEMORY;
use crate::input::{Failure, Result};
use larder::sqlite3::scratch::Scratch;
use larder::sqlite3::{Connection, Error, Row};
use std::io::Write;

/// What the engine says to a statement.
pub(super) type Outcome = std::result::Result<(), Error>;

/// Runs one statement and prints its rows; with `head` the names of the columns stand over them.
pub(super) fn execute(connection: &mut Connection<'_>, sql: &str, head: bool, out: &mut dyn Write) -> Result<Outcome> {
    if sql.trim_matches(|c: char| c.is_whitespace() || c == ';').is_empty() {
        return Ok(Ok(()));
    }
    let mut memory = vec![0; MEMORY];
    let mut prepared = match connection.prepare(sql, &mut memory) {
        Ok(prepared) => prepared,
        Err(error) => return Ok(Err(error)),
    };
    if head && prepared.column_count() > 0 {
        for column in 0..prepared.column_count() {
            if column > 0 {
                out.write_all(b"|")?;
            }
            out.write_all(prepared.column_name(column).unwrap_or(b""))?;
        }
        out.write_all(b"\n")?;
    }
    let result = match prepared.query(connection, &[]) {
        Err(error) => Err(error),
        Ok(mut rows) => loop {
            match rows.fetchone(connection) {
                Err(error) => break Err(error),
                Ok(None) => break Ok(()),
                Ok(Some(row)) => print(&row, out)?,
            }
        },
    };
    prepared.close(connection);
    Ok(result)
}

fn print(row: &Row<'_>, out: &mut dyn Write) -> Result {
    for column in 0..row.len() {
        if column > 0 {
            out.write_all(b"|")?;
        }
        let mut room = [0; 40];
        let mut scratch = Scratch::new(&mut room);
        // Only numbers need room, and less than this.
        out.write_all(row.value(column).to_text(&mut scratch).unwrap_or(b"?"))?;
    }
    Ok(out.write_all(b"\n")?)
}

/// The error with the line it is in.
pub(super) fn complaint(sql: &str, error: Error) -> Failure {
    let before = sql.get(..error.offset()).unwrap_or(sql);
    let line = sql.lines().nth(before.lines().count().saturating_sub(1)).unwrap_or("").trim();
    Failure::Other(format!("{error}: {line}"))
}
