//! [`dis`]: a pickle's opcodes as text, as `python -m pickletools` prints them.
#![deny(clippy::panic)]

use super::opcode::Item;
use super::opcode::code::*;
use super::tools::{Op, Value, genops, op};
use crate::object::{Atom, Error, ErrorKind, Long, MAX_DECIMAL_DIGITS, Result, Slot, repr};
use core::cmp::Ordering;
use core::fmt::{self, Write};

/// Prints the first pickle in `bytes`, to the letter as `python -m pickletools` does, and checks on the way what that checks:
/// that every opcode finds what it takes on the stack, that nothing is left at the end, that a GET reads an entry that was
/// made, and that no entry is made twice. At an error, what stands before it was printed.
///
/// `slots` takes the stack, one slot for each value that is on it at a time and two for a mark; and two for each opcode
/// that makes an entry of the memo. Four for each byte are always enough.
pub fn dis(bytes: &[u8], slots: &mut [Slot], out: &mut dyn Write) -> Result<()> {
    let entries = genops(bytes).flatten().filter(sets).count();
    let needed = bytes.len().saturating_mul(4);
    let out_of_slots = Error::new(ErrorKind::OutOfSlots { needed }, 0);
    let (memo, stack) = slots.split_at_mut_checked(entries.saturating_mul(2)).ok_or(out_of_slots)?;
    let mut dis = Dis { bytes, memo: sorted(bytes, memo), stack, len: 0, marks: 0, entries: 0, protocol: 0 };
    for op in genops(bytes) {
        dis.line(&op?, out)?;
    }
    let refused = |_| Error::new(ErrorKind::Write, bytes.len());
    writeln!(out, "highest protocol among opcodes = {}", dis.protocol).map_err(refused)?;
    if dis.len > 0 { Err(Error::new(ErrorKind::LeftOver, bytes.len())) } else { Ok(()) }
}

/// An entry of the memo: its key, and the place of the opcode that makes it. A key that is no number below `u32::MAX` is
/// that, and read again from its place.
type Entry = [Slot; 2];

fn sets(op: &Op<'_>) -> bool {
    matches!(op.opcode.code, PUT | BINPUT | LONG_BINPUT | MEMOIZE)
}

/// The entry that an opcode names; or that a MEMOIZE makes, with so many before it: for none is made twice, if there is no
/// error.
fn entry(op: &Op<'_>, before: u32) -> Entry {
    let key = if op.opcode.code == MEMOIZE { before } else { op.entry().unwrap_or(u32::MAX) };
    [Slot::raw(key), Slot::raw(op.offset as u32)]
}

/// All entries that are made, by their keys and places.
fn sorted<'s>(bytes: &[u8], memo: &'s mut [Slot]) -> &'s [Entry] {
    let memo = memo.as_chunks_mut().0;
    for ((before, op), place) in (0..).zip(genops(bytes).flatten().filter(sets)).zip(memo.iter_mut()) {
        *place = entry(&op, before);
    }
    memo.sort_unstable_by(|a, b| by_key(bytes, a, b).then(a[1].bits().cmp(&b[1].bits())));
    memo
}

fn by_key(bytes: &[u8], a: &Entry, b: &Entry) -> Ordering {
    let ([a, at_a], [b, at_b]) = (a, b);
    match a.bits().cmp(&b.bits()) {
        Ordering::Equal if a.bits() == u32::MAX => compare(&number(bytes, at_a.bits()), &number(bytes, at_b.bits())),
        order => order,
    }
}

/// The key that the opcode at this place names.
fn number(bytes: &[u8], at: u32) -> Atom<'_> {
    match op(bytes, at as usize) {
        Ok(Op { argument: Some(Value::Atom(atom)), .. }) => atom,
        _ => Atom::None,
    }
}

/// Some order of numbers, in which the same ones are equal.
fn compare(a: &Atom<'_>, b: &Atom<'_>) -> Ordering {
    match (a, b) {
        (Atom::Int(a), Atom::Int(b)) => a.cmp(b),
        (Atom::Long(a), Atom::Long(b)) => a.is_negative().cmp(&b.is_negative()).then_with(|| digits(a).cmp(digits(b))),
        (a, b) => matches!(a, Atom::Long(_)).cmp(&matches!(b, Atom::Long(_))),
    }
}

/// The decimal digits of a key of more than 64 bits.
fn digits<'a>(long: &Long<'a>) -> impl Iterator<Item = &'a u8> {
    let digits = if let Long::Digits { digits, .. } = long { *digits } else { &[] };
    digits.iter().filter(|b| **b != b'_').skip_while(|b| **b == b'0')
}

const NINE_DIGITS: u64 = 1_000_000_000;

/// A value on the stack, and a mark.
const VALUE: Slot = Slot::raw(0);
const A_MARK: Slot = Slot::raw(1);

struct Dis<'s> {
    bytes: &'s [u8],
    memo: &'s [Entry],
    /// The stack, from the front; from the back, the places of the marks, which pickletools keeps apart from the stack.
    stack: &'s mut [Slot],
    len: usize,
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
        if self.len.saturating_add(self.marks) >= self.stack.len() {
            return None;
        }
        *self.stack.get_mut(self.len)? = word;
        self.len = self.len.wrapping_add(1);
        Some(())
    }

    fn push_mark(&mut self, at: usize) -> Option<()> {
        self.push(A_MARK)?;
        if self.len.saturating_add(self.marks) >= self.stack.len() {
            return None;
        }
        self.marks = self.marks.wrapping_add(1);
        *self.last_mark()? = Slot::raw(at as u32);
        Some(())
    }

    fn last_mark(&mut self) -> Option<&mut Slot> {
        let at = self.stack.len().checked_sub(self.marks)?;
        self.stack.get_mut(at)
    }

    /// Takes everything down to the topmost mark. The place is that of the mark that was made last, which may have been
    /// popped as if it was a value.
    fn pop_mark(&mut self) -> Result<Note, ErrorKind> {
        if self.marks == 0 {
            return Ok(Note::NoMark);
        }
        let place = self.last_mark().map_or(0, |word| word.bits());
        self.marks = self.marks.wrapping_sub(1);
        loop {
            let top = self.top().ok_or(ErrorKind::StackUnderflow)?;
            self.len = self.len.wrapping_sub(1);
            if top == A_MARK {
                return Ok(Note::MarkAt(place));
            }
        }
    }

    /// Whether the entry that an opcode names was made before.
    fn is_made(&self, op: &Op<'_>) -> bool {
        let asked = entry(op, self.entries);
        let first = self.memo.partition_point(|entry| by_key(self.bytes, entry, &asked).is_lt());
        let found = self.memo.get(first).filter(|entry| by_key(self.bytes, entry, &asked).is_eq());
        found.is_some_and(|[_, place]| (place.bits() as usize) < op.offset)
    }

    /// The digits of a long int that LONG1 or LONG4 spell, nine to a slot, the lowest first, in what is free of the stack.
    /// Python prints no more than [`MAX_DECIMAL_DIGITS`].
    fn digits(&mut self, op: &Op<'_>) -> Result<&[Slot], ErrorKind> {
        let Some(Value::Atom(Atom::Long(long @ Long::Twos(bytes)))) = op.argument else { return Ok(&[]) };
        // 4,300 digits take 1,786 bytes.
        if bytes.len() > 1_800 {
            return Err(ErrorKind::BadArgument);
        }
        let end = self.stack.len().saturating_sub(self.marks);
        let free = self.stack.get_mut(self.len..end).unwrap_or_default();
        let lowest = bytes.iter().position(|b| *b != 0).unwrap_or(0);
        let mut len: usize = 0;
        for (i, byte) in bytes.iter().enumerate().rev() {
            let byte = match i.cmp(&lowest) {
                Ordering::Greater if long.is_negative() => !*byte,
                Ordering::Equal if long.is_negative() => byte.wrapping_neg(),
                _ => *byte,
            };
            let mut carry = u64::from(byte);
            for word in free.iter_mut().take(len) {
                carry = u64::from(word.bits()).wrapping_mul(256).wrapping_add(carry);
                *word = Slot::raw((carry % NINE_DIGITS) as u32);
                carry /= NINE_DIGITS;
            }
            if carry > 0 {
                let needed = self.bytes.len().saturating_mul(4);
                *free.get_mut(len).ok_or(ErrorKind::OutOfSlots { needed })? = Slot::raw(carry as u32);
                len = len.wrapping_add(1);
            }
        }
        let digits = free.get(..len).unwrap_or_default();
        let first = digits.last().and_then(|word| word.bits().checked_ilog10()).unwrap_or(0) as usize;
        let count = len.saturating_sub(1).saturating_mul(9).saturating_add(first).saturating_add(1);
        if count > MAX_DECIMAL_DIGITS { Err(ErrorKind::BadArgument) } else { Ok(digits) }
    }

    /// What is wrong with what an opcode does to the memo.
    fn remember(&mut self, op: &Op<'_>) -> Result<(), ErrorKind> {
        if matches!(op.opcode.code, GET | BINGET | LONG_BINGET) {
            return if self.is_made(op) { Ok(()) } else { Err(ErrorKind::NoSuchEntry) };
        }
        if !sets(op) {
            return Ok(());
        }
        let made = self.is_made(op);
        self.entries = self.entries.wrapping_add(1);
        match self.top() {
            _ if made => Err(ErrorKind::DuplicateEntry),
            None => Err(ErrorKind::StackUnderflow),
            Some(A_MARK) => Err(ErrorKind::WrongKind),
            Some(_) => Ok(()),
        }
    }

    /// One opcode: its line, and what it does to the stack.
    fn line(&mut self, op: &Op<'_>, out: &mut dyn Write) -> Result<()> {
        let row = op.opcode;
        let fail = |kind| Error::new(kind, op.offset);
        let refused = |_| fail(ErrorKind::Write);
        write!(out, "{:5}: ", op.offset).map_err(refused)?;
        self.protocol = self.protocol.max(row.protocol);
        let indent = self.marks;
        let takes_mark = row.before.contains(&Item::Mark);
        let mut note = Note::None;
        let mut pops = row.before.len();
        if takes_mark || (row.code == POP && self.top() == Some(A_MARK)) {
            note = self.pop_mark().map_err(fail)?;
            pops = row.before.iter().position(|item| *item == Item::Mark).unwrap_or(0);
        }
        if row.code == MEMOIZE {
            note = Note::As(self.entries);
        }
        let remembered = self.remember(op);
        let digits = self.digits(op).map_err(fail)?;
        print(op, indent, note, digits, out).map_err(refused)?;
        if matches!(note, Note::NoMark) {
            return Err(fail(ErrorKind::NoMark));
        }
        remembered.map_err(fail)?;
        self.len = self.len.checked_sub(pops).ok_or(fail(ErrorKind::StackUnderflow))?;
        for item in row.after {
            let pushed = if *item == Item::Mark { self.push_mark(op.offset) } else { self.push(VALUE) };
            let needed = self.bytes.len().saturating_mul(4);
            pushed.ok_or(fail(ErrorKind::OutOfSlots { needed }))?;
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

fn print(op: &Op<'_>, indent: usize, note: Note, digits: &[Slot], out: &mut dyn Write) -> fmt::Result {
    let row = op.opcode;
    if row.code.is_ascii_graphic() {
        write!(out, "{}    ", char::from(row.code))?;
    } else {
        write!(out, "\\x{:02x} ", row.code)?;
    }
    // Not as a width of `write!`, which panics beyond 65,535.
    (0..indent).try_for_each(|_| out.write_str("    "))?;
    out.write_str(row.name)?;
    if op.argument.is_some() || !matches!(note, Note::None) {
        write!(out, "{:width$}", "", width = 10usize.saturating_sub(row.name.len()))?;
    }
    if let Some(argument) = &op.argument {
        out.write_char(' ')?;
        show(argument, digits, out)?;
    }
    match note {
        Note::None => {}
        Note::NoMark => out.write_str(" no MARK exists on stack")?,
        Note::MarkAt(place) => write!(out, " (MARK at {place})")?,
        Note::As(entry) => write!(out, " (as {entry})")?,
    }
    out.write_char('\n')
}

/// An argument as Python's `repr` writes it; a long int of these digits, if there are any.
fn show(value: &Value<'_>, digits: &[Slot], out: &mut dyn Write) -> fmt::Result {
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
            Atom::Long(long) => match digits.split_last() {
                Some((first, rest)) => {
                    write!(out, "{}{}", if long.is_negative() { "-" } else { "" }, first.bits())?;
                    rest.iter().rev().try_for_each(|word| write!(out, "{:09}", word.bits()))
                }
                None => repr::long(out, long),
            },
            Atom::Float(value) => repr::float(out, *value),
            Atom::Str(text) => repr::text(out, text),
            Atom::Bytes(bytes) => repr::bytes(out, bytes),
            Atom::ByteArray(bytes) => repr::byte_array(out, bytes),
            _ => Ok(()),
        },
    }
}
