//! `larder marshal`: streams of Python's marshal, and `.pyc` files.

use crate::canon::{Canon, Dialect};
use crate::input::{self, Result};
use crate::pickle::{to_marshal, to_pickle};
use clap::{Args, Subcommand};
use larder::marshal::{DEFAULT_VERSION, Python, Unmarshaller};
use larder::object::Object;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// The value as Python's repr writes it.
    Show(Stream),
    /// The canonical text of the stream: one line that says exactly what it holds.
    Canon(Stream),
    /// The same object in another version, or as a pickle, on standard output.
    Recode(Recode),
}

/// What to write a stream as.
#[derive(Args)]
pub(crate) struct Recode {
    /// The version, 0 to 6.
    #[arg(long, default_value_t = DEFAULT_VERSION)]
    version: u8,
    /// Not marshal data but a pickle of this protocol, 0 to 5.
    #[arg(long, conflicts_with = "version")]
    pickle: Option<u8>,
    #[command(flatten)]
    stream: Stream,
}

/// A marshal stream in a file.
#[derive(Args)]
pub(crate) struct Stream {
    /// Which Python wrote it, as X.Y; the newest is the default.
    #[arg(long, value_parser = python)]
    python: Option<Python>,
    /// So many bytes stand before the stream: 16 for a .pyc of Python 3.7 and newer.
    #[arg(long, default_value_t = 0)]
    skip: usize,
    /// The file; - for standard input.
    file: PathBuf,
}

/// X.Y as a Python.
fn python(text: &str) -> std::result::Result<Python, String> {
    let numbers = text.split_once('.').and_then(|(major, minor)| Some((major.parse().ok()?, minor.parse().ok()?)));
    match numbers {
        Some((major @ 2..=3, minor)) => Ok(Python::new(major, minor)),
        _ => Err("a Python is named X.Y, as 3.13".into()),
    }
}

impl Command {
    pub(crate) fn run(self) -> Result {
        let mut out = BufWriter::new(io::stdout().lock());
        match self {
            Command::Show(stream) => stream.with(|object, _| input::show(object, &mut out))?,
            Command::Canon(stream) => stream.canon("", &mut out)?,
            Command::Recode(recode) => out.write_all(&recode.run()?)?,
        }
        Ok(out.flush()?)
    }
}

impl Recode {
    fn run(&self) -> Result<Vec<u8>> {
        self.stream.with(|object, _| match self.pickle {
            Some(protocol) => Ok(to_pickle(object, protocol, false)?),
            None => Ok(to_marshal(object, self.version)?),
        })
    }
}

impl Stream {
    /// Reads the stream and hands its object on.
    fn with<T>(&self, then: impl FnOnce(&Object<'_>, Python) -> Result<T>) -> Result<T> {
        let bytes = input::read(&self.file)?;
        let python = self.python.unwrap_or(Python::NEWEST);
        let reader = Unmarshaller::new().python(python);
        let stream = bytes.get(self.skip..).unwrap_or_default();
        // Places count from the file's first byte, so the stream stays where it is.
        let needed = reader.slots_needed(stream).map_err(|mut error| {
            error.offset = error.offset.saturating_add(self.skip.min(bytes.len()));
            error
        })?;
        let mut slots = input::slots(stream.len(), needed);
        let (object, _) = reader.load(&bytes, self.skip.min(bytes.len()), &mut slots)?;
        then(&object, python)
    }

    /// Writes the canonical text behind a prefix; nothing at all if the stream is malformed.
    pub(crate) fn canon(&self, prefix: &str, out: &mut dyn Write) -> Result {
        self.with(|object, python| {
            let mut canon = Canon::new(*object, Dialect::Marshal(python));
            out.write_all(prefix.as_bytes())?;
            canon.write(out)?;
            Ok(out.write_all(b"\n")?)
        })
    }
}
