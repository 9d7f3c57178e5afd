//! [`dis`]: a pickle's opcodes as text, as `python -m pickletools` prints them.
#![deny(clippy::panic)]

use super::opcode::Item;
use super::opcode::code::*;
use super::tools::{Op, Value, genops};
use crate::object::{Atom, Error, ErrorKind, Result, Slot, repr};
use core::fmt::{self, Write};

/// Prints the first pickle in `bytes`, to the letter as `python -m pickletools` does, and checks on the way, as that does,
/// that every opcode finds what it takes on the stack and that nothing is left at the end.
///
/// `slots` takes the stack: one slot per value that is on it at a time. That a GET reads an entry which was made is not
/// checked here: [`loads`](super::loads) does.
pub fn dis(bytes: &[u8], slots: &mut [Slot], out: &mut dyn Write) -> Result<()> {
    let mut dis = Dis { stack: slots, len: 0, marks: 0, entries: 0, protocol: 0 };
    for op in genops(bytes) {
        let op = op?;
        dis.line(&op, out)?;
    }
    let refused = |_| Error::new(ErrorKind::Write, bytes.len());
    writeln!(out, "highest protocol among opcodes = {}", dis.protocol).map_err(refused)?;
    if dis.len > 0 { Err(Error::new(ErrorKind::OddItems, bytes.len())) } else { Ok(()) }
}

/// A value on the stack; a mark is the place of its opcode plus one.
const VALUE: Slot = Slot::raw(0);

struct Dis<'s> {
    stack: &'s mut [Slot],
    len: usize,
    /// How many of the stack are marks.
    marks: usize,
    /// How many entries the memo has.
    entries: u32,
    protocol: u8,
}

impl Dis<'_> {
    fn top(&self) -> Option<Slot> {
        self.stack.get(self.len.checked_sub(1)?).copied()
    }

    fn push(&mut self, word: Slot) -> Option<()> {
        *self.stack.get_mut(self.len)? = word;
        self.len = self.len.wrapping_add(1);
        Some(())
    }

    /// Takes everything down to the topmost mark, and answers the mark's place.
    fn pop_mark(&mut self) -> Option<u32> {
        loop {
            let top = self.top()?;
            self.len = self.len.wrapping_sub(1);
            if top != VALUE {
                self.marks = self.marks.wrapping_sub(1);
                return top.bits().checked_sub(1);
            }
        }
    }

    /// One opcode: its line, and what it does to the stack.
    fn line(&mut self, op: &Op<'_>, out: &mut dyn Write) -> Result<()> {
        let row = op.opcode;
        let fail = |kind| Err(Error::new(kind, op.offset));
        self.protocol = self.protocol.max(row.protocol);
        let indent = self.marks;
        let takes_mark = row.before.contains(&Item::Mark);
        let mut note = Note::None;
        let mut pops = row.before.len();
        if takes_mark || (row.code == POP && self.top().is_some_and(|top| top != VALUE)) {
            note = self.pop_mark().map_or(Note::NoMark, Note::MarkAt);
            pops = row.before.iter().position(|item| *item == Item::Mark).unwrap_or(0);
        }
        let mut memo = None;
        if matches!(row.code, PUT | BINPUT | LONG_BINPUT | MEMOIZE) {
            if row.code == MEMOIZE {
                note = Note::As(self.entries);
            }
            self.entries = self.entries.wrapping_add(1);
            memo = match self.top() {
                None => Some(ErrorKind::StackUnderflow),
                Some(VALUE) => None,
                Some(_) => Some(ErrorKind::WrongKind),
            };
        }
        if print(op, indent, note, out).is_err() {
            return fail(ErrorKind::Write);
        }
        if matches!(note, Note::NoMark) {
            return fail(ErrorKind::NoMark);
        }
        if let Some(kind) = memo {
            return fail(kind);
        }
        self.len = match self.len.checked_sub(pops) {
            Some(len) => len,
            None => return fail(ErrorKind::StackUnderflow),
        };
        for item in row.after {
            let word = if *item == Item::Mark { Slot::raw((op.offset as u32).wrapping_add(1)) } else { VALUE };
            self.marks = self.marks.wrapping_add(usize::from(word != VALUE));
            if self.push(word).is_none() {
                return fail(ErrorKind::OutOfSlots { needed: op.end });
            }
        }
        Ok(())
    }
}

/// What stands at a line's end.
#[derive(Clone, Copy)]
enum Note {
    None,
    NoMark,
    MarkAt(u32),
    As(u32),
}

fn print(op: &Op<'_>, indent: usize, note: Note, out: &mut dyn Write) -> fmt::Result {
    let row = op.opcode;
    write!(out, "{:5}: ", op.offset)?;
    if row.code.is_ascii_graphic() {
        write!(out, "{}    ", char::from(row.code))?;
    } else {
        write!(out, "\\x{:02x} ", row.code)?;
    }
    write!(out, "{:width$}{}", "", row.name, width = indent.saturating_mul(4))?;
    if op.argument.is_some() || !matches!(note, Note::None) {
        write!(out, "{:width$}", "", width = 10usize.saturating_sub(row.name.len()))?;
    }
    if let Some(argument) = &op.argument {
        out.write_char(' ')?;
        show(argument, out)?;
    }
    match note {
        Note::None => {}
        Note::NoMark => out.write_str(" no MARK exists on stack")?,
        Note::MarkAt(place) => write!(out, " (MARK at {place})")?,
        Note::As(entry) => write!(out, " (as {entry})")?,
    }
    out.write_char('\n')
}

/// An argument as Python's `repr` writes it.
fn show(value: &Value<'_>, out: &mut dyn Write) -> fmt::Result {
    match value {
        Value::Length(n) => write!(out, "{n}"),
        Value::Pair(module, name) => {
            // One str of both, with a space between, as pickletools makes of them.
            repr::joined(out, module, name)
        }
        Value::Atom(atom) => match atom {
            Atom::Bool(value) => out.write_str(if *value { "True" } else { "False" }),
            Atom::Int(n) => write!(out, "{n}"),
            Atom::Ext(code) => write!(out, "{code}"),
            Atom::Long(long) => repr::long(out, long),
            Atom::Float(value) => repr::float(out, *value),
            Atom::Str(text) => repr::text(out, text),
            Atom::Bytes(bytes) => repr::bytes(out, bytes),
            Atom::ByteArray(bytes) => repr::byte_array(out, bytes),
            _ => Ok(()),
        },
    }
}
