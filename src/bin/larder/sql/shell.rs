//! A plain shell: statements from the command line or standard input, rows as text with bars between the columns. A line that
//! begins with a dot is for the shell itself.

use super::dot;
use super::store::{End, MEMORY, Place, sessions};
use crate::input::{Failure, Result};
use larder::dbm::Flag;
use larder::sqlite3::scratch::Scratch;
use larder::sqlite3::{Connection, Error, Row};
use std::io::{self, BufRead, BufWriter, IsTerminal, Write};
use std::path::PathBuf;

/// Runs `statements`, or those of standard input until its end, on an image.
pub(crate) fn run(image: PathBuf, statements: Option<String>) -> Result {
    let part = Place::File(image).open()?;
    let mut out = BufWriter::new(io::stdout().lock());
    sessions(part, Flag::Create, |connection| {
        match &statements {
            Some(line) if line.starts_with('.') => drop(dot::run(connection, line, &mut out)?),
            Some(text) => {
                let (statements, rest) = split(text);
                for statement in statements.into_iter().chain([rest]) {
                    execute(connection, statement, true, &mut out)?.map_err(|error| complaint(statement, error))?;
                }
            }
            None => read_and_execute(connection, &mut out)?,
        }
        out.flush()?;
        Ok(End::Done(()))
    })
}

/// From standard input: a statement ends with `;` at the end of a line. After an error a shell goes on, a script stops.
fn read_and_execute(connection: &mut Connection<'_>, out: &mut dyn Write) -> Result {
    let input = io::stdin().lock();
    let prompts = input.is_terminal();
    let mut text = String::new();
    let prompt = |text: &str| -> io::Result<()> {
        if prompts {
            eprint!("{}", if text.is_empty() { "larder> " } else { "   ...> " });
            io::stderr().flush()?;
        }
        Ok(())
    };
    prompt(&text)?;
    // What is wrong ends a script; at a prompt it is told, and the next line may be better.
    let tell = |complaint: Failure| {
        if !prompts {
            return Err(complaint);
        }
        eprintln!("larder: {complaint}");
        Ok(())
    };
    for line in input.lines() {
        let line = line?;
        if text.is_empty() && line.starts_with('.') {
            match dot::run(connection, &line, out) {
                Ok(true) => {}
                Ok(false) => return Ok(()),
                Err(complaint) => tell(complaint)?,
            }
        } else {
            text.push_str(&line);
            text.push('\n');
            let (statements, rest) = split(&text);
            for statement in statements {
                if let Err(error) = execute(connection, statement, true, out)? {
                    tell(complaint(statement, error))?;
                }
            }
            text = rest.trim_start().to_string();
        }
        out.flush()?;
        prompt(&text)?;
    }
    execute(connection, &text, true, out)?.map_err(|error| complaint(&text, error))
}

/// The statements that end with `;`, and what is left. Quotes and comments are seen, `CREATE TRIGGER` is not.
fn split(text: &str) -> (Vec<&str>, &str) {
    let bytes = text.as_bytes();
    let (mut statements, mut start, mut at) = (Vec::new(), 0, 0);
    let behind =
        |from: usize, end: &str| text.get(from..).and_then(|rest| rest.find(end)).map(|found| from + found + end.len());
    while let Some(byte) = bytes.get(at) {
        let next = match byte {
            b'\'' => behind(at + 1, "'"),
            b'"' => behind(at + 1, "\""),
            b'`' => behind(at + 1, "`"),
            b'[' => behind(at + 1, "]"),
            b'-' if bytes.get(at + 1) == Some(&b'-') => behind(at, "\n"),
            b'/' if bytes.get(at + 1) == Some(&b'*') => behind(at + 2, "*/"),
            _ => Some(at + 1),
        };
        let Some(next) = next else { break };
        at = next;
        if *byte == b';' {
            statements.extend(text.get(start..at));
            start = at;
        }
    }
    (statements, text.get(start..).unwrap_or(""))
}

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
