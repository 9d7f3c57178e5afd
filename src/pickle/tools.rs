//! Looking at a pickle without running it: [`genops`], [`optimize`] and [`scan`], as Python's pickletools has them.
#![deny(clippy::panic)]

use super::atom;
use super::machine;
use super::memo::Memo;
use super::number::{self, Base};
use super::old::OLD;
use super::opcode::code::*;
use super::opcode::{Argument, Opcode, opcode};
use super::out::Out;
use super::scan::Plan;
use super::shape::{argument, next, unsigned};
use super::writer::Writer;
use crate::bytes;
use crate::object::arena::Arena;
use crate::object::{Atom, Error, ErrorKind, Result, Slot, Spelling, Text};

/// One opcode of a pickle.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Op<'a> {
    /// Its row of the table.
    pub opcode: &'static Opcode,
    /// What follows its code.
    pub argument: Option<Value<'a>>,
    /// Where it begins.
    pub offset: usize,
    /// Where the next one begins.
    pub end: usize,
}

/// An opcode's argument.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Value<'a> {
    /// An int that fits 64 bits, or a bool, an int of any size, a float, a str, bytes, a bytearray.
    Atom(Atom<'a>),
    /// A length of up to 64 bits.
    Length(u64),
    /// Module and name.
    Pair(Text<'a>, Text<'a>),
}

/// The opcodes of the first pickle in `bytes`, one by one, up to its STOP. After an error there is nothing more.
pub fn genops(bytes: &[u8]) -> Genops<'_> {
    Genops { bytes, at: Some(0) }
}

/// See [`genops`].
#[derive(Debug, Clone)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Genops<'a> {
    bytes: &'a [u8],
    at: Option<usize>,
}

impl<'a> Iterator for Genops<'a> {
    type Item = Result<Op<'a>>;

    fn next(&mut self) -> Option<Result<Op<'a>>> {
        let op = op(self.bytes, self.at.take()?);
        if let Ok(op) = &op
            && op.opcode.code != STOP
        {
            self.at = Some(op.end);
        }
        Some(op)
    }
}

/// The opcode at `at`.
pub(super) fn op(input: &[u8], at: usize) -> Result<Op<'_>> {
    let code = input.get(at).copied().ok_or(Error::new(ErrorKind::Truncated, at))?;
    let row = opcode(code).ok_or(Error::new(ErrorKind::UnknownCode(code), at))?;
    let end = next(input, at).map_err(|fault| fault.at(input, at))?;
    let argument = match row.argument {
        Argument::Nothing => None,
        _ => Some(value(input, at, row).ok_or(Error::new(ErrorKind::BadArgument, at))?),
    };
    Ok(Op { opcode: row, argument, offset: at, end })
}

/// The argument of the opcode at `at`, which is there as a whole, as pickletools reads it: that takes other texts than the
/// unpickler does, and refuses some that the unpickler takes.
fn value<'a>(input: &'a [u8], at: usize, row: &Opcode) -> Option<Value<'a>> {
    let argument = argument(input, at);
    let text = |raw, spelling| Some(Text::new(raw, spelling)).filter(Text::is_valid);
    let atom = match row.argument {
        Argument::U1 | Argument::U2 | Argument::U4 => Atom::Int(i64::from(unsigned(argument))),
        Argument::I4 => Atom::Int(i64::from(unsigned(argument) as i32)),
        Argument::U8 => return Some(Value::Length(bytes::u64_le(argument, 0)?)),
        Argument::DecimalLine => match argument {
            b"00" | b"01" => Atom::Bool(argument == b"01"),
            _ => decimal(argument)?,
        },
        Argument::LongLine => decimal(argument.strip_suffix(b"L").unwrap_or(argument))?,
        Argument::FloatLine => Atom::Float(number::python_float(argument)?),
        Argument::QuotedLine => {
            let quote = argument.first().filter(|b| matches!(**b, b'\'' | b'"') && argument.last() == Some(*b))?;
            // One quote is both ends.
            let inside = argument.get(1..).and_then(|rest| rest.strip_suffix(&[*quote])).unwrap_or_default();
            Atom::Str(text(inside, Spelling::Quoted)?)
        }
        Argument::Line => Atom::Str(escaped(argument)?),
        Argument::LinePair => {
            let (module, behind) = bytes::line(argument, 0)?;
            return Some(Value::Pair(escaped(module)?, escaped(argument.get(behind..)?)?));
        }
        _ => match atom::read(input, at) {
            Atom::None => return None,
            Atom::ByteString(text) => Atom::Str(text),
            Atom::Str(text) if !text.is_valid() => return None,
            atom => atom,
        },
    };
    Some(Value::Atom(atom))
}

/// A decimal int, as `int` reads bytes: a NUL is no digit.
fn decimal(text: &[u8]) -> Option<Atom<'_>> {
    if text.contains(&0) {
        return None;
    }
    Some(number::int(text, Base::Ten)).filter(|atom| *atom != Atom::None)
}

/// A line of text, in which pickletools, other than the unpickler, undoes escapes. Those of bytes beyond ASCII are refused.
fn escaped(line: &[u8]) -> Option<Text<'_>> {
    if !line.contains(&b'\\') {
        return Some(Text::new(line, Spelling::Utf8)).filter(|text| text.as_str().is_some());
    }
    Some(Text::new(line, Spelling::Quoted)).filter(|text| text.is_valid() && text.chars().all(|c| c < 128))
}

/// The globals that a pickle names, module and name of each, as often as it names them; nothing is built.
///
/// GLOBAL and INST have their names in the stream, STACK_GLOBAL takes them from the stack: so the pickle is run, on as many
/// slots as [`loads`](super::loads) wants. An error comes after the globals before it. This is no filter: a filter is a
/// [registry](crate::copyreg), which lets nothing through but what it lists.
pub fn scan<'a>(bytes: &'a [u8], slots: &mut [Slot], found: &mut dyn FnMut(Text<'a>, Text<'a>)) -> Result<()> {
    let mut plan = Plan::EMPTY;
    plan.look(bytes, false)?;
    machine::globals(bytes, &plan, slots, found)
}

/// Writes a pickle anew without the entries of the memo that nothing reads, in new frames: byte for byte what
/// `pickletools.optimize` gives. `slots` takes one slot per entry that is read.
///
/// Where MEMOIZE and PUT are mixed, which no pickler does, every entry that a PUT makes is kept.
pub fn optimize<'b>(bytes: &[u8], slots: &mut [Slot], buf: &'b mut [u8]) -> Result<&'b [u8]> {
    let mut plan = Plan::EMPTY;
    plan.look(bytes, false)?;
    let needed = plan.table();
    if slots.len() < needed {
        return Err(Error::new(ErrorKind::OutOfSlots { needed }, 0));
    }
    let mut arena = Arena::new(slots, 0, needed);
    let mut memo = Memo::new(&plan);
    memo.open(bytes, &mut arena);
    let protocol = protocol(bytes);
    let mut writer = Writer::new(Out::new(&mut *buf, None, true), protocol, false, &mut []);
    writer.set_old(if protocol == 0 { Some(&OLD) } else { None });
    for op in genops(bytes) {
        let op = op?;
        let code = op.opcode.code;
        if op.offset == 0 && code != PROTO {
            writer.start_frames();
        }
        match code {
            FRAME => {}
            PUT | BINPUT | LONG_BINPUT | MEMOIZE => {
                if let Some(entry) = memo.entry(&arena, op.entry()) {
                    memo.store(&mut arena, entry, Slot::raw(writer.memo.wrapping_add(1)));
                    writer.put_memo();
                }
            }
            GET | BINGET | LONG_BINGET => {
                let new = op.entry().and_then(|id| memo.get(&arena, id));
                let new = new.ok_or(Error::new(ErrorKind::NoSuchEntry, op.offset))?;
                writer.get(new.bits().wrapping_sub(1))
            }
            _ => writer.out.copy(bytes.get(op.offset..op.end).unwrap_or_default()),
        }
        if op.offset == 0 && code == PROTO {
            writer.start_frames();
        }
    }
    writer.out.close_frame();
    let needed = writer.out.needed();
    let buf: &'b [u8] = buf;
    buf.get(..needed).ok_or(Error::new(ErrorKind::BufferTooSmall { needed }, 0))
}

/// The protocol of the memo's opcodes: what a PROTO says, else what the GETs are of.
fn protocol(bytes: &[u8]) -> u8 {
    genops(bytes).flatten().fold(0, |protocol, op| match (op.opcode.code, op.argument) {
        (PROTO, Some(Value::Atom(Atom::Int(number)))) => protocol.max(number as u8),
        (BINGET | LONG_BINGET, _) => protocol.max(1),
        _ => protocol,
    })
}

impl Op<'_> {
    /// The number of the memo's entry that a GET or PUT names.
    pub(super) fn entry(&self) -> Option<u32> {
        match self.argument {
            Some(Value::Atom(Atom::Int(id))) => u32::try_from(id).ok(),
            Some(Value::Atom(Atom::Bool(id))) => Some(u32::from(id)),
            _ => None,
        }
    }
}
