//! A plain shell: statements from the command line or standard input, rows as text with bars between the columns. A line that
//! begins with a dot is for the shell itself.

use super::dot;
use super::statement::{complaint, execute};
use super::store::{End, on_image};
use crate::input::{Failure, Result, unread};
use larder::sqlite3::Connection;
use std::io::{self, BufRead, BufWriter, IsTerminal, Write};
use std::path::Path;

/// Runs `statements`, or those of standard input until its end, on the image of a part with these sectors and words.
pub(crate) fn run(image: &Path, (sector, word): (usize, usize), statements: Option<String>) -> Result {
    let mut out = BufWriter::new(io::stdout().lock());
    on_image(image, sector, word, &mut |connection| {
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
        let line = line.map_err(unread)?;
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
            text = rest.to_string();
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
            statements.extend(text.get(start..at).map(str::trim_start));
            start = at;
        }
    }
    (statements, text.get(start..).unwrap_or("").trim_start())
}
