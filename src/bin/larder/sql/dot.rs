//! The lines of the shell that begin with a dot, as SQLite's own shell has them.

use super::statement::{complaint, execute};
use super::store::MEMORY;
use crate::input::{Failure, Result};
use larder::sqlite3::Connection;
use std::io::Write;

const HELP: &str = "\
.dump      The tables as a script of SQL, which Python's sqlite3 and SQLite's shell read
.help      These lines
.quit      Ends the shell
.schema    The statements that made the tables, indexes and views
.tables    The names of tables and views
";

const SCHEMA: &str = "SELECT sql || ';' FROM sqlite_schema WHERE sql NOT NULL ORDER BY rowid";
const TABLES: &str = "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') ORDER BY name";

/// Does what a line says; whether the shell goes on.
pub(super) fn run(connection: &mut Connection<'_>, line: &str, out: &mut dyn Write) -> Result<bool> {
    match line.trim() {
        ".dump" => dump(connection, out)?,
        ".help" => out.write_all(HELP.as_bytes())?,
        ".quit" | ".exit" => return Ok(false),
        ".schema" => execute(connection, SCHEMA, false, out)?.map_err(|error| complaint(SCHEMA, error))?,
        ".tables" => execute(connection, TABLES, false, out)?.map_err(|error| complaint(TABLES, error))?,
        other => return Err(Failure::Other(format!("no such command: {other} (.help lists them)"))),
    }
    Ok(true)
}

fn dump(connection: &mut Connection<'_>, out: &mut dyn Write) -> Result {
    let mut buffer = vec![0; MEMORY];
    let mut dump = connection.iterdump(&mut buffer);
    while let Some(line) = dump.next(connection).map_err(|error| Failure::Other(format!("{error}: .dump")))? {
        writeln!(out, "{line}")?;
    }
    Ok(())
}
