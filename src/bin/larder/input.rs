//! What every subcommand shares: files, lent memory, failures.

use larder::object::{self, Slot};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// The most slots lent for a byte of a file; with [`SLOTS_LEAST`] more than any well-formed stream needs.
pub(crate) const SLOTS_PER_BYTE: usize = 4;
/// Slots lent for any file.
pub(crate) const SLOTS_LEAST: usize = 64;

/// Why a command failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// A file cannot be read.
    File(PathBuf, io::Error),
    /// A stream is malformed.
    Stream(object::Error),
    /// The output cannot be written.
    Output(io::Error),
    /// Anything else, in words.
    Other(String),
}

impl Failure {
    /// Whether whoever reads our output has gone away.
    pub(crate) fn is_quiet(&self) -> bool {
        matches!(self, Failure::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::File(path, error) => write!(f, "{}: {error}", path.display()),
            Failure::Stream(error) => write!(f, "{error}"),
            Failure::Output(error) => write!(f, "output: {error}"),
            Failure::Other(text) => f.write_str(text),
        }
    }
}

impl From<object::Error> for Failure {
    fn from(error: object::Error) -> Self {
        Failure::Stream(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Failure::Output(error)
    }
}

/// The result of a command.
pub(crate) type Result<T = ()> = std::result::Result<T, Failure>;

/// The bytes of a file; `-` is standard input.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>> {
    let bytes = if path == Path::new("-") {
        let mut bytes = Vec::new();
        io::Read::read_to_end(&mut io::stdin(), &mut bytes).map(|_| bytes)
    } else {
        std::fs::read(path)
    };
    bytes.map_err(|error| Failure::File(path.into(), error))
}

/// Standard input cannot be read on.
pub(crate) fn unread(error: io::Error) -> Failure {
    Failure::File("standard input".into(), error)
}

/// Slots for a stream of `len` bytes that says it needs `needed`: no more than [`SLOTS_PER_BYTE`] times `len` and
/// [`SLOTS_LEAST`], so that what wants more is answered "too few slots" by the codec.
pub(crate) fn slots(len: usize, needed: usize) -> Vec<Slot> {
    vec![Slot::EMPTY; needed.min(len.saturating_mul(SLOTS_PER_BYTE).saturating_add(SLOTS_LEAST))]
}

/// What an encoder makes of a buffer that grows until it is enough: to the size that the encoder asked for.
pub(crate) fn grown(
    encode: impl Fn(&mut [u8]) -> std::result::Result<usize, object::Error>,
) -> std::result::Result<Vec<u8>, object::Error> {
    let mut buf = vec![0; 1 << 16];
    loop {
        match encode(&mut buf) {
            Ok(len) => {
                buf.truncate(len);
                return Ok(buf);
            }
            Err(object::Error { kind: object::ErrorKind::BufferTooSmall { needed }, .. }) if needed > buf.len() => {
                buf = vec![0; needed];
            }
            Err(error) => return Err(error),
        }
    }
}

/// A decoded object written again: into a buffer that grows as [`grown`] has it, with slots for its shared values and for
/// so many containers in one another as there are, up to one for each byte of its stream.
pub(crate) fn recoded(
    object: &object::Object<'_>,
    encode: impl Fn(&mut [u8], &mut [Slot]) -> std::result::Result<usize, object::Error>,
) -> std::result::Result<Vec<u8>, object::Error> {
    let most = object.tree().input_len();
    let mut levels = most.min(1000);
    loop {
        let slots = (levels + 1).saturating_mul(object::walk::SLOTS_PER_LEVEL).saturating_add(object.shared_count());
        match grown(|buf| encode(buf, &mut vec![Slot::EMPTY; slots])) {
            Err(object::Error { kind: object::ErrorKind::TooDeep, .. }) if levels < most => {
                levels = levels.saturating_mul(8).min(most);
            }
            done => return done,
        }
    }
}

/// A value as Python's repr writes it, on a line.
pub(crate) fn show(object: &object::Object<'_>, out: &mut dyn io::Write) -> Result {
    let mut text = Text { out, failed: Ok(()) };
    let shown = fmt::write(&mut text, format_args!("{object}\n"));
    text.failed?;
    shown.map_err(|_| Failure::Other("nested too deeply, or unfolds into too much, to be shown".into()))
}

/// Text on its way out.
pub(crate) struct Text<'o> {
    pub(crate) out: &'o mut dyn io::Write,
    /// Why writing failed, if it did.
    pub(crate) failed: io::Result<()>,
}

impl fmt::Write for Text<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.failed = self.out.write_all(text.as_bytes());
        if self.failed.is_ok() { Ok(()) } else { Err(fmt::Error) }
    }
}
