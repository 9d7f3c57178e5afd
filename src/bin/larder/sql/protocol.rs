//! The line protocol: a request a line, and a reply that ends in `ok` or `error`.
//!
//! ```text
//! STATEMENT                        cols, rows and ok; or error
//! .reset                           a fresh, empty database
//! .open PATH                       another store, :memory: for one in memory
//! .reopen                          the same store, closed and opened: an open transaction is lost
//! .bind V<TAB>V...                 values for ? and ?N of the next statement
//! .named NAME=V<TAB>...            values for :NAME of the next statement
//! .quit
//! ```
//!
//! A value is a letter for its class and its text: `n`, `i-12`, `f1.5`, `thello`, `b00ff`. In requests and replies LF, CR,
//! tab and backslash are written `\n`, `\r`, `\t` and `\\`.

use super::lacking;
use super::store::{End, MEMORY, Place, sessions};
use crate::input::{Failure, Result, unread};
use larder::dbm::Flag;
use larder::sqlite3::{Connection, Error, ErrorKind, Row, Statement, Value};
use std::io::{self, BufRead, BufWriter, Write};
use std::path::PathBuf;

/// A value that owns its bytes.
enum Owned {
    Null,
    Integer(i64),
    Real(f64),
    Text(Vec<u8>),
    Blob(Vec<u8>),
}

/// The values for the next statement.
enum Binding {
    Numbered(Vec<Owned>),
    Named(Vec<(String, Owned)>),
}

/// Why serving a store ended.
enum Next {
    Reset,
    Open(PathBuf),
    /// `.quit`, which is answered.
    Quit,
    /// The end of the input.
    Leave,
}

/// Serves standard input until `.quit` or its end.
pub(crate) fn run() -> Result {
    let mut input = io::stdin().lock();
    let mut out = BufWriter::new(io::stdout().lock());
    let (mut place, mut flag) = (Place::Memory, Flag::Create);
    // The first session begins without a request; the others answer the one that led to them.
    let mut asked = false;
    loop {
        let served = place.open().and_then(|part| {
            sessions(part, flag, &mut |connection| {
                if std::mem::replace(&mut asked, true) {
                    done(connection, &mut out)?;
                }
                serve(connection, &mut input, &mut out)
            })
        });
        (place, flag) = match served {
            Ok(Next::Leave) => return Ok(()),
            Ok(Next::Quit) => {
                writeln!(out, "ok\t0\t0")?;
                return Ok(out.flush()?);
            }
            // A part in memory is a new one anyway.
            Ok(Next::Reset) => match place {
                Place::Memory => (place, Flag::Create),
                Place::File(_) => (place, Flag::New),
            },
            Ok(Next::Open(path)) if path.as_os_str() == ":memory:" => (Place::Memory, Flag::Create),
            Ok(Next::Open(path)) => (Place::File(path), Flag::Create),
            Err(failure @ Failure::Other(_)) => {
                error(ErrorKind::Io, &failure.to_string(), &mut out)?;
                asked = false;
                (Place::Memory, Flag::Create)
            }
            Err(failure) => return Err(failure),
        };
    }
}

/// Answers requests until one wants another store.
fn serve(connection: &mut Connection<'_>, input: &mut dyn BufRead, out: &mut dyn Write) -> Result<End<Next>> {
    let mut binding = Binding::Numbered(Vec::new());
    let mut line = Vec::new();
    loop {
        line.clear();
        if input.read_until(b'\n', &mut line).map_err(unread)? == 0 {
            return Ok(End::Done(Next::Leave));
        }
        // A CR in a request is escaped: one at the end is the line's.
        let line = line.strip_suffix(b"\n").unwrap_or(&line);
        let Ok(request) = std::str::from_utf8(line.strip_suffix(b"\r").unwrap_or(line)) else {
            error(ErrorKind::Syntax, "the request is not UTF-8", out)?;
            continue;
        };
        let (word, rest) = request.split_once(' ').unwrap_or((request, ""));
        match word {
            ".quit" => return Ok(End::Done(Next::Quit)),
            ".reset" => return Ok(End::Done(Next::Reset)),
            ".reopen" => return Ok(End::Again),
            ".open" => match unescape(rest) {
                Some(path) => {
                    let path = String::from_utf8_lossy(&path).into_owned();
                    return Ok(End::Done(Next::Open(path.into())));
                }
                None => error(ErrorKind::Misuse, "a wrong escape", out)?,
            },
            ".bind" | ".named" => match read_binding(word == ".named", rest) {
                Some(read) => {
                    binding = read;
                    done(connection, out)?;
                }
                None => error(ErrorKind::Misuse, "a malformed value", out)?,
            },
            _ if request.starts_with('.') => error(ErrorKind::Misuse, "an unknown request", out)?,
            _ => {
                let bound = std::mem::replace(&mut binding, Binding::Numbered(Vec::new()));
                match unescape(request).map(String::from_utf8) {
                    Some(Ok(sql)) => match statement(connection, &sql, &bound, out)? {
                        Ok(()) => done(connection, out)?,
                        Err(found) => error(lacking::kind(&sql, found), &found.to_string(), out)?,
                    },
                    _ => error(ErrorKind::Syntax, "a wrong escape", out)?,
                }
            }
        }
    }
}

/// What the engine says to a statement.
type Outcome = std::result::Result<(), Error>;

/// Runs a statement and writes its rows.
fn statement(connection: &mut Connection<'_>, sql: &str, binding: &Binding, out: &mut dyn Write) -> Result<Outcome> {
    let mut memory = vec![0; MEMORY];
    let mut prepared = match connection.prepare(sql, &mut memory) {
        Ok(prepared) => prepared,
        Err(error) => return Ok(Err(error)),
    };
    let parameters: Vec<Value<'_>> = match binding {
        Binding::Numbered(values) => values.iter().map(Owned::value).collect(),
        Binding::Named(values) => {
            let mut parameters = vec![Value::Null; prepared.parameter_count()];
            for (name, value) in values {
                if let Some(place) = prepared.parameter(name).and_then(|number| parameters.get_mut(number - 1)) {
                    *place = value.value();
                }
            }
            parameters
        }
    };
    let names = column_names(&prepared)?;
    let result = match prepared.query(connection, &parameters) {
        Err(error) => Err(error),
        Ok(mut rows) => {
            // The names go before the first row, or the end of none: an error has none before it.
            let mut names = names.as_slice();
            loop {
                let row = rows.fetchone(connection);
                if row.is_ok() {
                    out.write_all(std::mem::take(&mut names))?;
                }
                match row {
                    Err(error) => break Err(error),
                    Ok(None) => break Ok(()),
                    Ok(Some(row)) => write_row(&row, out)?,
                }
            }
        }
    };
    prepared.close(connection);
    Ok(result)
}

/// The `cols` line; nothing for a statement without rows.
fn column_names(prepared: &Statement<'_>) -> Result<Vec<u8>> {
    let mut line = Vec::new();
    for column in 0..prepared.column_count() {
        line.write_all(if column == 0 { b"cols\t" } else { b"\t" })?;
        escape(prepared.column_name(column).unwrap_or(b""), &mut line)?;
    }
    if !line.is_empty() {
        line.push(b'\n');
    }
    Ok(line)
}

fn write_row(row: &Row<'_>, out: &mut dyn Write) -> Result {
    out.write_all(b"row")?;
    for column in 0..row.len() {
        out.write_all(b"\t")?;
        match row.value(column) {
            Value::Null => out.write_all(b"n")?,
            Value::Integer(integer) => write!(out, "i{integer}")?,
            Value::Real(real) => write!(out, "f{real:?}")?,
            Value::Text(bytes) => {
                out.write_all(b"t")?;
                escape(bytes, out)?;
            }
            Value::Blob(bytes) => {
                out.write_all(b"b")?;
                for byte in bytes {
                    write!(out, "{byte:02x}")?;
                }
            }
        }
    }
    Ok(out.write_all(b"\n")?)
}

fn done(connection: &Connection<'_>, out: &mut dyn Write) -> Result {
    writeln!(out, "ok\t{}\t{}", connection.changes(), connection.last_insert_rowid())?;
    Ok(out.flush()?)
}

fn error(kind: ErrorKind, message: &str, out: &mut dyn Write) -> Result {
    write!(out, "error\t{}\t", kind.class().name())?;
    escape(message.as_bytes(), out)?;
    out.write_all(b"\n")?;
    Ok(out.flush()?)
}

/// Writes text with its escapes. Bytes that are no UTF-8 (of `CAST(x'ff' AS TEXT)`) go out as they are.
fn escape(bytes: &[u8], out: &mut dyn Write) -> io::Result<()> {
    for part in bytes.split_inclusive(|byte| matches!(byte, b'\\' | b'\n' | b'\r' | b'\t')) {
        let (last, before) = part.split_last().unwrap_or((&b' ', &[]));
        let escaped: &[u8] = match last {
            b'\\' => b"\\\\",
            b'\n' => b"\\n",
            b'\r' => b"\\r",
            b'\t' => b"\\t",
            _ => {
                out.write_all(part)?;
                continue;
            }
        };
        out.write_all(before)?;
        out.write_all(escaped)?;
    }
    Ok(())
}

fn unescape(text: &str) -> Option<Vec<u8>> {
    let mut bytes = text.bytes();
    let mut plain = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        plain.push(match byte {
            b'\\' => match bytes.next()? {
                b'\\' => b'\\',
                b'n' => b'\n',
                b'r' => b'\r',
                b't' => b'\t',
                _ => return None,
            },
            byte => byte,
        });
    }
    Some(plain)
}

fn read_binding(named: bool, text: &str) -> Option<Binding> {
    let fields = || text.split('\t').filter(|_| !text.is_empty());
    Some(if named {
        let pair = |field: &str| {
            let (name, value) = field.split_once('=')?;
            Some((String::from_utf8(unescape(name)?).ok()?, Owned::read(value)?))
        };
        Binding::Named(fields().map(pair).collect::<Option<_>>()?)
    } else {
        Binding::Numbered(fields().map(Owned::read).collect::<Option<_>>()?)
    })
}

impl Owned {
    fn read(text: &str) -> Option<Self> {
        let class = text.chars().next()?;
        let rest = text.get(class.len_utf8()..)?;
        Some(match class {
            'n' if rest.is_empty() => Owned::Null,
            'i' => Owned::Integer(rest.parse().ok()?),
            'f' => Owned::Real(rest.parse().ok()?),
            't' => Owned::Text(unescape(rest)?),
            'b' if rest.len().is_multiple_of(2) => {
                let byte = |at: usize| u8::from_str_radix(rest.get(at..at + 2)?, 16).ok();
                Owned::Blob((0..rest.len()).step_by(2).map(byte).collect::<Option<_>>()?)
            }
            _ => return None,
        })
    }

    fn value(&self) -> Value<'_> {
        match self {
            Owned::Null => Value::Null,
            Owned::Integer(integer) => Value::Integer(*integer),
            Owned::Real(real) => Value::real(*real),
            Owned::Text(bytes) => Value::Text(bytes),
            Owned::Blob(bytes) => Value::Blob(bytes),
        }
    }
}
