//! `larder pickle`: streams of Python's pickle.

use crate::canon::{Canon, Dialect};
use crate::input::{self, Result};
use clap::{Args, Subcommand};
use larder::object::Object;
use larder::pickle;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// The canonical text of the pickle: one line that says exactly what it holds.
    Canon(Stream),
}

/// A pickle in a file.
#[derive(Args)]
pub(crate) struct Stream {
    /// The file; - for standard input.
    file: PathBuf,
}

impl Command {
    pub(crate) fn run(self) -> Result {
        let mut out = BufWriter::new(io::stdout().lock());
        match self {
            Command::Canon(stream) => stream.canon("", &mut out)?,
        }
        Ok(out.flush()?)
    }
}

/// Reads a pickle and hands its object on.
fn with<T>(file: &std::path::Path, then: impl FnOnce(&Object<'_>) -> Result<T>) -> Result<T> {
    let bytes = input::read(file)?;
    let mut slots = input::slots(bytes.len(), pickle::slots_needed(&bytes)?);
    let object = pickle::loads(&bytes, &mut slots)?;
    then(&object)
}

impl Stream {
    /// Writes the canonical text behind a prefix; nothing at all if the stream is malformed.
    pub(crate) fn canon(&self, prefix: &str, out: &mut dyn Write) -> Result {
        with(&self.file, |object| {
            let mut canon = Canon::new(*object, Dialect::Pickle);
            out.write_all(prefix.as_bytes())?;
            canon.write(out)?;
            Ok(out.write_all(b"\n")?)
        })
    }
}
