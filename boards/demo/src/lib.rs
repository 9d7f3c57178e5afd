//! The program on every board: Python objects in a chip's flash, reached over a serial line.
//!
//! A request is a pickle in a [frame](frame): `("set", key, value)`, `("get", key)`, `("del", key)`, `("keys",)` or
//! `("stat",)`; with the feature `sql` also `("sql", statement, parameters)`. The answer is one frame with one or more
//! pickles, one after another: `("ok",)` and what was asked for (the value; each key; the figures; the rows), or
//! `("error", message)`. Whatever else comes over the line is answered by an error, and the next request is served.
//!
//! The store is a [`larder::dbm`] whose values are pickles, so that it reads as Python's `shelve`: a value is decoded,
//! checked to be plain data, and encoded anew for the store; on its way out it is sent as it lies there.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

pub mod frame;
mod plain;
mod request;
#[cfg(feature = "sql")]
mod tables;

use core::fmt::Write as _;
use embedded_io::{Error as _, ErrorKind, Read, Write};
use embedded_storage::nor_flash::NorFlash;
use frame::{Damage, Receiver, Sender};
use larder::dbm::{self, Dbm, Flag};
use larder::object::{Container, Emit, Object, Slot, Spelling, Text};
use larder::pickle::{self, Pickler};
use request::{Refusal, Request};
#[cfg(feature = "sql")]
pub use tables::{TablesMemory, serve_with_tables};

/// The longest request, and the longest value, in bytes of pickle.
pub const LONGEST: usize = 1024;

/// All the memory of the program, but for its stack.
pub struct Memory {
    request: [u8; LONGEST + frame::OVERHEAD],
    value: [u8; LONGEST],
    slots: [Slot; 224],
    scratch: [Slot; SCRATCH],
    store: [u8; STORE],
}

/// Slots for walking a value: containers in containers in containers, eight deep or so.
const SCRATCH: usize = 88;

/// What a store needs for up to 32 sectors of 1 KiB.
const STORE: usize = dbm::memory_needed(32 * 1024, 1024);

impl Memory {
    /// Memory that nothing was done with.
    pub const NEW: Self = Memory {
        request: [0; LONGEST + frame::OVERHEAD],
        value: [0; LONGEST],
        slots: [Slot::EMPTY; 224],
        scratch: [Slot::EMPTY; SCRATCH],
        store: [0; STORE],
    };
}

/// Serves requests until the line ends, or fails for good.
///
/// `port` blocks until it has something to read. It may give [`ErrorKind::TimedOut`] when the line has been silent for a
/// while, and [`ErrorKind::InvalidData`] when bytes were lost: either ends a frame that has begun. `stack` tells how many
/// bytes of stack have been in use.
pub fn serve<F: NorFlash, P: Read + Write>(
    flash: F,
    port: &mut P,
    memory: &mut Memory,
    stack: fn() -> u32,
) -> Result<(), P::Error> {
    run(flash, &mut NoTables, port, memory, stack)
}

fn run<F: NorFlash, P: Read + Write>(
    flash: F,
    tables: &mut impl Tables,
    port: &mut P,
    memory: &mut Memory,
    stack: fn() -> u32,
) -> Result<(), P::Error> {
    let Memory { request, value, slots, scratch, store } = memory;
    let mut board = Board { store: open(flash, store), tables, value, slots, scratch, stack };
    let mut receiver = Receiver::new(request);
    while let Some(damaged) = receive(port, &mut receiver)? {
        let frame = if damaged { Err(Damage::Broken) } else { receiver.frame() };
        match frame {
            Ok(frame) => board.answer(port, frame.tag, frame.pickle)?,
            Err(damage) => board.refuse(port, 0, &Refusal::Frame(damage))?,
        }
    }
    Ok(())
}

#[inline(never)]
fn open<F: NorFlash>(flash: F, memory: &mut [u8]) -> dbm::Result<Dbm<'_, F>> {
    dbm::open(flash, Flag::Create, memory)
}

/// Waits for the end of a frame; true if it broke off, `None` when the line ends.
fn receive<P: Read>(port: &mut P, receiver: &mut Receiver<'_>) -> Result<Option<bool>, P::Error> {
    loop {
        let mut byte = [0];
        match port.read(&mut byte) {
            Ok(0) => return Ok(None),
            Ok(_) => {
                if receiver.push(byte[0]) {
                    return Ok(Some(false));
                }
            }
            Err(error) if matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::InvalidData) => {
                if receiver.interrupt() {
                    return Ok(Some(true));
                }
            }
            Err(error) => return Err(error),
        }
    }
}

/// What answers `("sql", statement, parameters)`.
trait Tables {
    /// Runs a statement and gives each pickle of the answer to `send`, until that says no. They are made in `buf`.
    fn execute(
        &mut self,
        statement: &str,
        parameters: &Object<'_>,
        buf: &mut [u8],
        send: &mut dyn FnMut(&[u8]) -> bool,
    ) -> Result<(), Refusal>;
}

/// A program without SQL.
struct NoTables;

impl Tables for NoTables {
    fn execute(
        &mut self,
        _: &str,
        _: &Object<'_>,
        _: &mut [u8],
        _: &mut dyn FnMut(&[u8]) -> bool,
    ) -> Result<(), Refusal> {
        Err(Refusal::NoTables)
    }
}

struct Board<'m, F, T> {
    store: dbm::Result<Dbm<'m, F>>,
    tables: &'m mut T,
    value: &'m mut [u8],
    slots: &'m mut [Slot],
    scratch: &'m mut [Slot],
    stack: fn() -> u32,
}

impl<F: NorFlash, T: Tables> Board<'_, F, T> {
    /// Does what a request asks and sends the answer.
    fn answer<P: Write>(&mut self, port: &mut P, tag: u8, message: &[u8]) -> Result<(), P::Error> {
        match self.perform(message) {
            Ok(Done::Statement) => self.execute(port, tag, message),
            Ok(done) => self.confirm(port, tag, done),
            Err(refusal) => self.refuse(port, tag, &refusal),
        }
    }

    #[inline(never)]
    fn confirm<P: Write>(&mut self, port: &mut P, tag: u8, done: Done) -> Result<(), P::Error> {
        let mut sender = Sender::new(port, tag)?;
        sender.write(OK)?;
        match done {
            Done::Nothing | Done::Statement => {}
            Done::Value(length) => _ = sender.write(self.value.get(..length).unwrap_or_default())?,
            Done::Keys => {
                if let Err(error) = self.send_keys(&mut sender)? {
                    // The frame that has begun is broken off, so that the host drops it, and another takes its place.
                    return self.refuse(port, tag, &Refusal::Store(error));
                }
            }
        }
        sender.finish()
    }

    // Functions that are never inlined keep their stack to themselves.
    #[inline(never)]
    fn perform(&mut self, message: &[u8]) -> Result<Done, Refusal> {
        let store = self.store.as_mut().map_err(|error| Refusal::Store(*error))?;
        let message = decode(message, self.slots)?;
        match Request::of(&message)? {
            Request::Set(key, value) => {
                let value = plain_pickle(&value, self.scratch, self.value)?;
                set(store, key, value).map_err(Refusal::Store)?;
                Ok(Done::Nothing)
            }
            Request::Get(key) => match get(store, key, self.value).map_err(Refusal::Store)? {
                Some(length) => Ok(Done::Value(length)),
                None => Err(Refusal::Missing),
            },
            Request::Delete(key) => match delete(store, key).map_err(Refusal::Store)? {
                true => Ok(Done::Nothing),
                false => Err(Refusal::Missing),
            },
            Request::Keys => Ok(Done::Keys),
            Request::Sql(..) => Ok(Done::Statement),
            Request::Stat => Ok(Done::Value(figures((self.stack)(), self.value).map_err(Refusal::Pickle)?.len())),
        }
    }

    /// Sends each key as a pickle. What fails is either the line, or the store.
    #[inline(never)]
    fn send_keys<W: Write>(&mut self, sender: &mut W) -> Result<dbm::Result<()>, W::Error> {
        let Ok(store) = &mut self.store else { return Ok(Ok(())) };
        let (key, pickle) = self.value.split_at_mut(LONGEST / 2);
        let mut keys = store.unordered_keys();
        loop {
            let key = match keys.next(key) {
                Err(error) => return Ok(Err(error)),
                Ok(None) => return Ok(Ok(())),
                Ok(Some(key)) => Text::new(key, Spelling::Utf8),
            };
            sender.write(key_pickle(&key, pickle))?;
        }
    }

    /// Runs a statement. The frame begins with the first pickle of its answer; if the statement fails then, it is broken
    /// off, as with [`Done::Keys`].
    #[inline(never)]
    fn execute<P: Write>(&mut self, port: &mut P, tag: u8, message: &[u8]) -> Result<(), P::Error> {
        let mut sending = Sending::Not(&mut *port);
        let mut line = Ok(());
        let done = decode(message, self.slots).and_then(|message| {
            let Request::Sql(statement, parameters) = Request::of(&message)? else { return Err(Refusal::NoRequest) };
            self.tables.execute(statement, &parameters, self.value, &mut |pickle| {
                line = sending.write(tag, pickle);
                line.is_ok()
            })
        });
        line?;
        match done {
            Ok(()) => sending.finish(),
            Err(refusal) => self.refuse(port, tag, &refusal),
        }
    }

    /// Answers with an error.
    #[inline(never)]
    fn refuse<P: Write>(&mut self, port: &mut P, tag: u8, refusal: &Refusal) -> Result<(), P::Error> {
        let answer = error(refusal, self.value);
        let mut sender = Sender::new(port, tag)?;
        sender.write(answer)?;
        sender.finish()
    }
}

/// An answer whose frame begins with its first pickle.
#[expect(clippy::large_enum_variant, reason = "there is no heap to box it in")]
enum Sending<'p, P> {
    Not(&'p mut P),
    Begun(Sender<'p, P>),
    /// The line failed.
    Over,
}

impl<P: Write> Sending<'_, P> {
    /// Sends a pickle, behind `("ok",)` if it is the first.
    #[inline(never)]
    fn write(&mut self, tag: u8, pickle: &[u8]) -> Result<(), P::Error> {
        if let Sending::Not(_) = self
            && let Sending::Not(port) = core::mem::replace(self, Sending::Over)
        {
            let mut sender = Sender::new(port, tag)?;
            sender.write(OK)?;
            *self = Sending::Begun(sender);
        }
        match self {
            Sending::Begun(sender) => sender.write(pickle).map(drop),
            _ => Ok(()),
        }
    }

    fn finish(&mut self) -> Result<(), P::Error> {
        match self {
            Sending::Begun(sender) => sender.finish(),
            _ => Ok(()),
        }
    }
}

#[inline(never)]
fn set<F: NorFlash>(store: &mut Dbm<'_, F>, key: &str, value: &[u8]) -> dbm::Result<()> {
    store.set(key.as_bytes(), value)
}

/// The length of the value in `buf`.
#[inline(never)]
fn get<F: NorFlash>(store: &mut Dbm<'_, F>, key: &str, buf: &mut [u8]) -> dbm::Result<Option<usize>> {
    Ok(store.get(key.as_bytes(), buf)?.map(<[u8]>::len))
}

#[inline(never)]
fn delete<F: NorFlash>(store: &mut Dbm<'_, F>, key: &str) -> dbm::Result<bool> {
    store.delete(key.as_bytes())
}

#[inline(never)]
fn decode<'a>(pickle: &'a [u8], slots: &'a mut [Slot]) -> Result<Object<'a>, Refusal> {
    pickle::loads(pickle, slots).map_err(Refusal::Pickle)
}

/// A value's pickle as it goes into the store, if it is plain.
#[inline(never)]
fn plain_pickle<'b>(value: &Object<'_>, scratch: &mut [Slot], buf: &'b mut [u8]) -> Result<&'b [u8], Refusal> {
    plain::check(value, scratch)?;
    let pickler = Pickler::new(buf).protocol(pickle::HIGHEST_PROTOCOL);
    pickler.recode(value, scratch).map_err(Refusal::Pickle)
}

/// What the board says of itself: a dict.
#[inline(never)]
fn figures(stack: u32, buf: &mut [u8]) -> Result<&[u8], pickle::Error> {
    Pickler::new(buf).write(|emit| {
        let mut level = emit.open(Container::Dict, Some(1))?;
        level.item(emit)?;
        emit.str("stack")?;
        emit.int(stack.into())?;
        emit.close(level)
    })
}

#[inline(never)]
fn key_pickle<'b>(key: &Text<'_>, buf: &'b mut [u8]) -> &'b [u8] {
    Pickler::new(buf).write(|emit| emit.text(key)).unwrap_or_default()
}

/// `("error", message)`
#[inline(never)]
fn error<'b>(refusal: &Refusal, buf: &'b mut [u8]) -> &'b [u8] {
    let mut text = Message { bytes: [0; 120], length: 0 };
    _ = write!(text, "{refusal}");
    let text = core::str::from_utf8(text.bytes.get(..text.length).unwrap_or_default()).unwrap_or_default();
    let written = Pickler::new(buf).write(|emit| {
        let mut level = emit.open(Container::Tuple, Some(2))?;
        level.item(emit)?;
        emit.str("error")?;
        level.item(emit)?;
        emit.str(text)?;
        emit.close(level)
    });
    written.unwrap_or_default()
}

/// What follows `("ok",)`.
enum Done {
    Nothing,
    /// So many bytes of the value buffer.
    Value(usize),
    Keys,
    /// What a statement answers, which is still to be run.
    Statement,
}

/// `pickle.dumps(("ok",), 4)`, optimized.
const OK: &[u8] = b"\x80\x04\x8c\x02ok\x85.";

/// A text of bounded length; what is longer is cut off.
struct Message {
    bytes: [u8; 120],
    length: usize,
}

impl core::fmt::Write for Message {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        for (place, byte) in self.bytes.iter_mut().skip(self.length).zip(text.bytes()) {
            *place = byte;
            self.length += 1;
        }
        Ok(())
    }
}
