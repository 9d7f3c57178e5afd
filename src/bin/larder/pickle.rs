//! `larder pickle`: streams of Python's pickle.

use crate::canon::{self, Canon, Dialect};
use crate::input::{self, Result};
use clap::{Args, Subcommand};
use larder::marshal::Marshaller;
use larder::object::{Atom, Error, ErrorKind, Object};
use larder::pickle::{self, Pickler};
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// The value as Python's repr writes it.
    Show(File),
    /// The opcodes one by one, as `python -m pickletools` prints them.
    Dis(File),
    /// The canonical text of the pickle: one line that says exactly what it holds.
    Canon(Stream),
    /// The same object as a pickle of another protocol, on standard output.
    Recode(Recode),
    /// The same pickle without the entries of the memo that nothing reads, as pickletools.optimize, on standard output.
    Optimize(File),
    /// The globals that the pickle names, a line each; nothing is imported or called.
    Scan(File),
}

/// A pickle in a file.
#[derive(Args)]
pub(crate) struct File {
    /// The file; - for standard input.
    file: PathBuf,
}

/// What to write a pickle as.
#[derive(Args)]
pub(crate) struct Recode {
    /// The protocol, 0 to 5.
    #[arg(long, default_value_t = pickle::DEFAULT_PROTOCOL)]
    protocol: u8,
    /// Byte for byte as CPython writes plain data, with an entry in the memo for every value.
    #[arg(long)]
    cpython: bool,
    /// Not a pickle but marshal data of this version, 0 to 6.
    #[arg(long, conflicts_with_all = ["protocol", "cpython"])]
    marshal: Option<u8>,
    /// The file; - for standard input.
    file: PathBuf,
}

/// A pickle in a file.
#[derive(Args)]
pub(crate) struct Stream {
    /// Python 3's names for Python 2's, and plain values for the calls that stand for them.
    #[arg(long)]
    norm: bool,
    /// The file; - for standard input.
    file: PathBuf,
}

impl Command {
    pub(crate) fn run(self) -> Result {
        let mut out = BufWriter::new(io::stdout().lock());
        match self {
            Command::Canon(stream) => stream.canon("", &mut out)?,
            Command::Show(file) => with(&file.file, |object| input::show(object, &mut out))?,
            Command::Dis(file) => file.dis(&mut out)?,
            Command::Optimize(file) => file.optimize(&mut out)?,
            Command::Scan(file) => file.scan(&mut out)?,
            Command::Recode(recode) => out.write_all(&recode.run()?)?,
        }
        Ok(out.flush()?)
    }
}

/// Whether a pickle's names are Python 2's: its protocol is 2 or below, the last one that it names.
fn has_old_names(object: &Object<'_>) -> bool {
    let protocols =
        pickle::genops(object.tree().input()).map_while(|op| op.ok()).filter(|op| op.opcode.name == "PROTO");
    match protocols.last().and_then(|op| op.argument) {
        Some(pickle::Value::Atom(Atom::Int(protocol))) => protocol < 3,
        _ => true,
    }
}

/// Reads a pickle and hands its object on.
fn with<T>(file: &std::path::Path, then: impl FnOnce(&Object<'_>) -> Result<T>) -> Result<T> {
    let bytes = input::read(file)?;
    let mut slots = input::slots(bytes.len(), pickle::slots_needed(&bytes)?);
    let object = pickle::loads(&bytes, &mut slots)?;
    then(&object)
}

impl File {
    fn dis(&self, out: &mut dyn Write) -> Result {
        let bytes = input::read(&self.file)?;
        let mut slots = input::slots(bytes.len(), usize::MAX);
        // What can be read before an error is shown, as pickletools does.
        let mut text = input::Text { out, failed: Ok(()) };
        let done = pickle::dis(&bytes, &mut slots, &mut text);
        text.failed?;
        Ok(done?)
    }

    fn optimize(&self, out: &mut dyn Write) -> Result {
        Ok(out.write_all(&optimized(&input::read(&self.file)?)?)?)
    }

    fn scan(&self, out: &mut dyn Write) -> Result {
        let bytes = input::read(&self.file)?;
        let mut slots = input::slots(bytes.len(), pickle::slots_needed(&bytes)?);
        let mut found = Vec::new();
        let done = pickle::scan(&bytes, &mut slots, &mut |module, name| found.push((module, name)));
        for (module, name) in found {
            canon::names(&module, &name, out)?;
            out.write_all(b"\n")?;
        }
        Ok(done?)
    }
}

impl Recode {
    fn run(&self) -> Result<Vec<u8>> {
        with(&self.file, |object| match self.marshal {
            Some(version) => Ok(to_marshal(object, version)?),
            None => Ok(to_pickle(object, self.protocol, self.cpython)?),
        })
    }
}

/// A decoded object as a pickle. The optimized style is made of the other one: so it is `pickletools.optimize`'s also where
/// the pickler, which goes through the object once, would write a name again.
pub(crate) fn to_pickle(object: &Object<'_>, protocol: u8, cpython: bool) -> larder::object::Result<Vec<u8>> {
    let whole = input::recoded(object, |buf, scratch| {
        Pickler::new(buf).protocol(protocol).cpython().recode(object, scratch).map(<[u8]>::len)
    })?;
    if cpython { Ok(whole) } else { optimized(&whole) }
}

/// A pickle without the entries of the memo that nothing reads.
fn optimized(pickle: &[u8]) -> larder::object::Result<Vec<u8>> {
    // Without slots it says how many there are to be.
    let needed = match pickle::optimize(pickle, &mut [], &mut []) {
        Err(Error { kind: ErrorKind::OutOfSlots { needed }, .. }) => needed,
        _ => 0,
    };
    input::grown(|buf| pickle::optimize(pickle, &mut input::slots(pickle.len(), needed), buf).map(<[u8]>::len))
}

/// A decoded object as marshal data.
pub(crate) fn to_marshal(object: &Object<'_>, version: u8) -> larder::object::Result<Vec<u8>> {
    input::recoded(object, |buf, scratch| {
        Marshaller::new(buf).version(version).recode(object, scratch).map(<[u8]>::len)
    })
}

impl Stream {
    /// Writes the canonical text behind a prefix; nothing at all if the stream is malformed.
    pub(crate) fn canon(&self, prefix: &str, out: &mut dyn Write) -> Result {
        with(&self.file, |object| {
            let dialect = if self.norm { Dialect::Norm { old_names: has_old_names(object) } } else { Dialect::Pickle };
            let mut canon = Canon::new(*object, dialect);
            out.write_all(prefix.as_bytes())?;
            canon.write(out)?;
            Ok(out.write_all(b"\n")?)
        })
    }
}
