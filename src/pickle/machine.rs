//! The stack machine: runs all opcodes of protocols 0 to 5 over the arena, and calls nothing.
//!
//! What counts as well-formed is what CPython's C unpickler (Modules/_pickle.c) takes. Where it would import or call, the
//! machine notes down what the stream wants ([`Kind::Reduce`](crate::object::Kind) and its kin).
#![deny(clippy::panic)]

use super::atom::{lines, unquote};
use super::memo::Memo;
use super::number;
use super::opcode::code::*;
use super::scan::{Plan, entry, plain};
use crate::bytes;
use crate::object::arena::{self as cell, Arena, Fault, Slot, Step, Tag};
use crate::object::{Atom, Error, ErrorKind, Extra, Result, Spelling, Text};

pub(super) struct Machine<'i, 's> {
    input: &'i [u8],
    arena: Arena<'s>,
    memo: Memo,
    /// How many out-of-band buffers were asked for.
    buffers: usize,
    /// Whether text is checked now; if not, whoever reads it does.
    checks_text: bool,
}

/// A word for the atom whose opcode stands at `at`.
#[inline]
fn atom(at: usize) -> Slot {
    Slot::new(cell::ATOM, at)
}

const EMPTY_TUPLE_WORD: Slot = Slot::new(cell::SIMPLE, cell::SIMPLE_EMPTY_TUPLE as usize);

/// Runs the pickle that begins at `start` and ends where the plan says; answers the word of its value.
pub(super) fn run<'s>(
    input: &[u8],
    start: usize,
    plan: &Plan,
    slots: &'s mut [Slot],
    checks_text: bool,
) -> Result<(Slot, &'s [Slot], usize)> {
    let mut machine = Machine::new(input, start, plan, slots, checks_text)?;
    let mut at = start;
    loop {
        at = machine.atoms(at);
        let Some(code) = bytes::u8(input, at) else { break };
        if code == STOP {
            let word = machine.arena.pop().map_err(|fault| fail(fault, code, at))?;
            let (slots, cells) = machine.arena.finish();
            return Ok((word, slots, cells));
        }
        at = machine.step(code, at).map_err(|fault| fail(fault, code, at))?;
    }
    Err(Error::new(ErrorKind::Truncated, input.len()))
}

/// Runs a pickle for the globals that it names.
pub(super) fn globals<'i>(
    input: &'i [u8],
    plan: &Plan,
    slots: &mut [Slot],
    found: &mut dyn FnMut(Text<'i>, Text<'i>),
) -> Result<()> {
    let mut machine = Machine::new(input, 0, plan, slots, true)?;
    let mut at = 0;
    while let Some(code) = bytes::u8(input, at) {
        match code {
            STOP => return Ok(()),
            GLOBAL | INST => {
                if let Some((module, name, _)) = lines(input, at) {
                    found(Text::new(module, Spelling::Utf8), Text::new(name, Spelling::Utf8));
                }
            }
            STACK_GLOBAL => {
                if let (Some(module), Some(name)) = (machine.text_below(1), machine.text_below(0)) {
                    found(module, name);
                }
            }
            _ => {}
        }
        at = match plain(input, at) {
            Some((_, next)) => {
                machine.arena.push(atom(at)).map_err(|fault| fail(fault, code, at))?;
                next
            }
            None => machine.step(code, at).map_err(|fault| fail(fault, code, at))?,
        };
    }
    Err(Error::new(ErrorKind::Truncated, input.len()))
}

/// What went wrong at an opcode.
#[cold]
fn fail(fault: Fault, code: u8, at: usize) -> Error {
    let kind = if fault == Fault::UnknownCode { ErrorKind::UnknownCode(code) } else { fault.into() };
    Error::new(kind, at)
}

/// Whether the text of this SHORT_BINUNICODE is in its encoding.
fn is_text(opcode: Option<&[u8]>) -> bool {
    opcode.and_then(|bytes| bytes.get(2..)).is_some_and(|raw| Text::new(raw, Spelling::Utf8).is_valid())
}

impl<'i, 's> Machine<'i, 's> {
    /// A machine over as many slots as the plan wants.
    fn new(input: &'i [u8], start: usize, plan: &Plan, slots: &'s mut [Slot], checks_text: bool) -> Result<Self> {
        let needed = plan.slots();
        if slots.len() < needed {
            return Err(Error::new(ErrorKind::OutOfSlots { needed }, start));
        }
        let mut arena = Arena::new(slots, plan.cells(), plan.table());
        let memo = Memo::new(plan, input, start, &mut arena)?;
        Ok(Machine { input, arena, memo, buffers: 0, checks_text })
    }

    /// The str so many words below the top.
    fn text_below(&self, below: usize) -> Option<Text<'i>> {
        let word = self.arena.resolve(self.arena.peek_below(below).ok()?);
        match super::atom::read(self.input, word.payload()) {
            Atom::Str(text) if word.tag() == cell::ATOM => Some(text),
            _ => None,
        }
    }

    /// Pushes atoms, as many as come one after the other, and passes over MEMOIZE where nothing is to be remembered;
    /// answers where something else stands.
    #[inline]
    fn atoms(&mut self, at: usize) -> usize {
        let (input, limit, mut entries) = (self.input, self.memo.limit, self.memo.len);
        let mut at = at;
        let mut room = self.arena.room();
        loop {
            match plain(input, at) {
                Some((code, next)) => {
                    if code == SHORT_BINUNICODE && self.checks_text && !is_text(input.get(at..next)) {
                        break;
                    }
                    if !room.push(atom(at)) {
                        break;
                    }
                    at = next;
                }
                None if input.get(at) == Some(&MEMOIZE) && entries >= limit && room.pushed() => {
                    entries = entries.wrapping_add(1);
                    at = at.wrapping_add(1);
                }
                None => break,
            }
        }
        let left = room.left();
        self.arena.set_room(left);
        self.memo.len = entries;
        at
    }

    /// Runs one opcode and answers where the next one stands.
    fn step(&mut self, code: u8, at: usize) -> Step<usize> {
        let next = at.wrapping_add(1);
        match code {
            SHORT_BINUNICODE => self.counted(at, 1, true),
            MEMOIZE => self.memoize().map(|()| next),
            BINGET => self.get(at, code),
            BINUNICODE => self.counted(at, 4, true),
            BINUNICODE8 => self.counted(at, 8, true),
            LONG4 | BINBYTES | BINSTRING => self.counted(at, 4, false),
            BINBYTES8 => self.counted(at, 8, false),
            MARK => self.arena.push_mark().map(|()| next),
            EMPTY_LIST => self.container(cell::LIST).map(|()| next),
            EMPTY_DICT => self.container(cell::DICT).map(|()| next),
            EMPTY_SET => self.container(cell::SET).map(|()| next),
            APPEND => self.append(1, false).map(|()| next),
            APPENDS => {
                let n = self.arena.close_mark()?;
                self.append(n, true).map(|()| next)
            }
            SETITEM => self.set_items(2, false).map(|()| next),
            SETITEMS => {
                let n = self.arena.close_mark()?;
                self.set_items(n, true).map(|()| next)
            }
            TUPLE1 => self.tuple(1, false).map(|()| next),
            TUPLE2 => self.tuple(2, false).map(|()| next),
            TUPLE3 => self.tuple(3, false).map(|()| next),
            TUPLE => {
                let n = self.arena.close_mark()?;
                self.tuple(n, true).map(|()| next)
            }
            EMPTY_TUPLE => self.arena.push(EMPTY_TUPLE_WORD).map(|()| next),
            LONG_BINGET | GET => self.get(at, code),
            BINPUT | LONG_BINPUT | PUT => self.put(at, code),
            FRAME => Ok(at.wrapping_add(9)),
            PROTO => Ok(at.wrapping_add(2)),
            _ => self.rare(code, at),
        }
    }

    /// The opcodes that are not in every pickle.
    #[inline(never)]
    fn rare(&mut self, code: u8, at: usize) -> Step<usize> {
        let next = at.wrapping_add(1);
        match code {
            INT | LONG | FLOAT | STRING | UNICODE | PERSID => return self.line(code, at),
            GLOBAL | INST => return self.named(code, at),
            EXT1 | EXT2 | EXT4 => return self.ext(code, at),
            BYTEARRAY8 => {
                self.arena.push(Slot::new(cell::MUTABLE, at))?;
                return self.after_count(at, 8);
            }
            LIST => self.list()?,
            DICT => self.dict()?,
            ADDITEMS => self.add_items()?,
            FROZENSET => self.frozenset()?,
            POP => self.pop()?,
            POP_MARK => {
                let n = self.arena.close_mark()?;
                self.arena.drop_words(n.wrapping_add(1));
            }
            DUP => {
                let word = self.arena.peek()?;
                let shared = self.arena.share(word)?;
                self.arena.replace(shared);
                self.arena.push(shared)?;
            }
            STACK_GLOBAL => self.stack_global()?,
            REDUCE | NEWOBJ | NEWOBJ_EX => self.call(code)?,
            OBJ => self.obj()?,
            BUILD => self.build()?,
            BINPERSID => self.wrap(cell::FORM_PERSID, 1)?,
            NEXT_BUFFER => {
                self.arena.push(Slot::new(cell::BUFFER, self.buffers))?;
                self.buffers = self.buffers.wrapping_add(1);
            }
            READONLY_BUFFER => self.readonly()?,
            _ => return Err(Fault::UnknownCode),
        }
        Ok(next)
    }

    /// Pushes an atom whose argument has a fixed length.
    #[inline]
    fn fixed(&mut self, at: usize, len: usize) -> Step<usize> {
        self.arena.push(atom(at))?;
        Ok(at.wrapping_add(1).wrapping_add(len))
    }

    /// The place behind bytes whose length stands in `width` bytes behind the code, and their own place.
    #[inline]
    fn count(&self, at: usize, width: usize) -> Step<(usize, usize)> {
        let start = at.wrapping_add(1);
        let len = match width {
            1 => bytes::u8(self.input, start).map(usize::from),
            4 => bytes::u32_le(self.input, start).map(|len| len as usize),
            _ => bytes::u64_le(self.input, start).and_then(|len| usize::try_from(len).ok()),
        };
        let first = start.wrapping_add(width);
        let end = len.and_then(|len| first.checked_add(len)).filter(|end| *end <= self.input.len());
        Ok((first, end.ok_or(Fault::Truncated)?))
    }

    fn after_count(&self, at: usize, width: usize) -> Step<usize> {
        self.count(at, width).map(|(_, end)| end)
    }

    /// Pushes an atom that says its own length.
    #[inline]
    fn counted(&mut self, at: usize, width: usize, text: bool) -> Step<usize> {
        let (first, end) = self.count(at, width)?;
        if text && self.checks_text {
            let raw = self.input.get(first..end).unwrap_or_default();
            if !Text::new(raw, Spelling::Utf8).is_valid() {
                return Err(Fault::BadText);
            }
        }
        self.arena.push(atom(at))?;
        Ok(end)
    }

    /// Pushes a new, empty container.
    #[inline]
    fn container(&mut self, tag: Tag) -> Step {
        let header = self.arena.header()?;
        self.arena.push(Slot::new(tag, header))
    }

    #[inline]
    fn memoize(&mut self) -> Step {
        let word = self.arena.peek()?;
        if self.memo.reads
            && let Some(id) = self.memo.memoize(&mut self.arena)
        {
            return self.remember(id, word);
        }
        Ok(())
    }

    fn remember(&mut self, id: u32, word: Slot) -> Step {
        if self.memo.has(&mut self.arena, id) {
            let word = self.arena.share(word)?;
            self.arena.replace(word);
            self.memo.store(&mut self.arena, id, word);
        }
        Ok(())
    }

    fn put(&mut self, at: usize, code: u8) -> Step<usize> {
        let (id, next) = entry(self.input, at, code)?;
        let word = self.arena.peek()?;
        if self.memo.reads {
            self.remember(id, word)?;
        }
        Ok(next)
    }

    fn get(&mut self, at: usize, code: u8) -> Step<usize> {
        let (id, next) = entry(self.input, at, code)?;
        let word = self.memo.get(&mut self.arena, id).ok_or(Fault::NoSuchEntry)?;
        self.arena.push(word)?;
        Ok(next)
    }

    /// The container that the `n` topmost words go into; a closed mark lies between if `mark`.
    fn target(&self, n: usize, mark: bool) -> Step<Slot> {
        Ok(self.arena.resolve(self.arena.peek_below(n.wrapping_add(usize::from(mark)))?))
    }

    /// APPEND and APPENDS.
    fn append(&mut self, n: usize, mark: bool) -> Step {
        let target = self.target(n, mark)?;
        let extra = match target.tag() {
            cell::LIST => 0,
            cell::OBJECT => Extra::Items as Tag,
            _ if n > 0 => return Err(Fault::WrongKind),
            _ => 0,
        };
        self.arena.append(target.payload(), extra, n, mark)
    }

    /// SETITEM and SETITEMS.
    fn set_items(&mut self, n: usize, mark: bool) -> Step {
        let target = self.target(n, mark)?;
        if n & 1 != 0 {
            return Err(Fault::OddItems);
        }
        let extra = match target.tag() {
            cell::DICT if !self.arena.are_hashable(n, 2) => return Err(Fault::Unhashable),
            cell::DICT => 0,
            cell::OBJECT => Extra::Pairs as Tag,
            _ if n > 0 => return Err(Fault::WrongKind),
            _ => 0,
        };
        self.arena.append(target.payload(), extra, n, mark)
    }

    fn add_items(&mut self) -> Step {
        let n = self.arena.close_mark()?;
        let target = self.target(n, true)?;
        let extra = match target.tag() {
            cell::SET if !self.arena.are_hashable(n, 1) => return Err(Fault::Unhashable),
            cell::SET => 0,
            cell::OBJECT => Extra::Adds as Tag,
            _ if n > 0 => return Err(Fault::WrongKind),
            _ => 0,
        };
        self.arena.append(target.payload(), extra, n, true)
    }

    /// LIST: a list at once.
    fn list(&mut self) -> Step {
        let n = self.arena.close_mark()?;
        let header = self.arena.header()?;
        self.arena.append(header, 0, n, true)?;
        self.arena.push(Slot::new(cell::LIST, header))
    }

    /// DICT: a dict at once.
    fn dict(&mut self) -> Step {
        let n = self.arena.close_mark()?;
        if n & 1 != 0 {
            return Err(Fault::OddItems);
        }
        if !self.arena.are_hashable(n, 2) {
            return Err(Fault::Unhashable);
        }
        let header = self.arena.header()?;
        self.arena.append(header, 0, n, true)?;
        self.arena.push(Slot::new(cell::DICT, header))
    }

    /// A tuple of the `n` topmost words; a closed mark lies beneath them if `mark`.
    fn tuple(&mut self, n: usize, mark: bool) -> Step {
        if self.arena.above_mark() < n {
            return Err(Fault::Underflow);
        }
        if n == 0 {
            self.arena.drop_words(usize::from(mark));
            return self.arena.push(EMPTY_TUPLE_WORD);
        }
        let flags = if self.arena.are_hashable(n, 1) { 0 } else { cell::UNHASHABLE };
        let row = self.arena.row(flags, n, mark)?;
        self.arena.push(Slot::new(cell::TUPLE, row))
    }

    fn frozenset(&mut self) -> Step {
        let n = self.arena.close_mark()?;
        if !self.arena.are_hashable(n, 1) {
            return Err(Fault::Unhashable);
        }
        let row = self.arena.row(0, n, true)?;
        self.arena.push(Slot::new(cell::FROZENSET, row))
    }

    /// POP takes a mark, if that is on top.
    fn pop(&mut self) -> Step {
        if self.arena.has_mark() && self.arena.above_mark() == 0 {
            self.arena.close_mark()?;
            self.arena.drop_words(1);
            return Ok(());
        }
        self.arena.pop().map(drop)
    }

    /// Makes a fixed row of the `n` topmost words.
    fn wrap(&mut self, form: Tag, n: usize) -> Step {
        if self.arena.above_mark() < n {
            return Err(Fault::Underflow);
        }
        let row = self.arena.row(form, n, false)?;
        self.arena.push(Slot::new(cell::FIXED, row))
    }

    /// The opcode of the atom that a word stands for; 0 if it is no atom.
    fn code_of(&self, word: Slot) -> u8 {
        let word = self.arena.resolve(word);
        if word.tag() == cell::ATOM { bytes::u8(self.input, word.payload()).unwrap_or(0) } else { 0 }
    }

    fn stack_global(&mut self) -> Step {
        for below in 0..2 {
            let code = self.code_of(self.arena.peek_below(below)?);
            if !matches!(code, SHORT_BINUNICODE | BINUNICODE | BINUNICODE8 | UNICODE) {
                return Err(Fault::WrongKind);
            }
        }
        self.wrap(cell::FORM_GLOBAL, 2)
    }

    /// Whether a value may be a class or a function, as far as its kind tells.
    fn is_callable(&self, word: Slot) -> bool {
        let inner = self.arena.resolve(word);
        match inner.tag() {
            cell::OBJECT => true,
            cell::FIXED => matches!(self.arena.get(inner.payload()).tag(), cell::FORM_GLOBAL | cell::FORM_PERSID),
            _ => matches!(self.code_of(word), GLOBAL | PERSID | EXT1 | EXT2 | EXT4),
        }
    }

    /// REDUCE, NEWOBJ and NEWOBJ_EX.
    fn call(&mut self, code: u8) -> Step {
        let (form, n) = match code {
            REDUCE => (cell::FORM_REDUCE, 2),
            NEWOBJ => (cell::FORM_NEWOBJ, 2),
            _ => (cell::FORM_NEWOBJ_EX, 3),
        };
        if self.arena.above_mark() < n {
            return Err(Fault::Underflow);
        }
        let inner = |below: usize| self.arena.peek_below(below).map(|word| self.arena.resolve(word));
        let args = inner(n.wrapping_sub(2))?;
        let kwargs = n == 2 || inner(0)?.tag() == cell::DICT;
        if !(args.tag() == cell::TUPLE || args == EMPTY_TUPLE_WORD) || !kwargs {
            return Err(Fault::WrongKind);
        }
        if !self.is_callable(self.arena.peek_below(n.wrapping_sub(1))?) {
            return Err(Fault::WrongKind);
        }
        self.object(form, n)
    }

    /// Makes an object of the `n` topmost words.
    fn object(&mut self, form: Tag, n: usize) -> Step {
        let header = self.arena.object(form, n)?;
        self.arena.push(Slot::new(cell::OBJECT, header))
    }

    /// A tuple of arguments out of the `n` topmost words.
    fn arguments(&mut self, n: usize, mark: bool) -> Step<Slot> {
        self.tuple(n, mark)?;
        self.arena.pop()
    }

    fn obj(&mut self) -> Step {
        let n = self.arena.close_mark()?.checked_sub(1).ok_or(Fault::Underflow)?;
        let args = self.arguments(n, false)?;
        let class = self.arena.pop()?;
        if !self.is_callable(class) {
            return Err(Fault::WrongKind);
        }
        self.arena.drop_words(1);
        self.arena.push(class)?;
        self.arena.push(args)?;
        self.object(cell::FORM_INST, 2)
    }

    /// GLOBAL and INST: two lines.
    fn named(&mut self, code: u8, at: usize) -> Step<usize> {
        let n = if code == INST { self.arena.close_mark()? } else { 0 };
        let (module, name, next) = lines(self.input, at).ok_or(Fault::Truncated)?;
        for line in [module, name] {
            if line.is_empty() {
                return Err(Fault::BadArgument);
            }
            let valid = if code == INST { line.is_ascii() } else { core::str::from_utf8(line).is_ok() };
            if !valid {
                return Err(Fault::BadText);
            }
        }
        if code == GLOBAL {
            self.arena.push(atom(at))?;
        } else {
            let args = self.arguments(n, true)?;
            self.arena.push(atom(at))?;
            self.arena.push(args)?;
            self.object(cell::FORM_INST, 2)?;
        }
        Ok(next)
    }

    /// Atoms whose argument is a line.
    fn line(&mut self, code: u8, at: usize) -> Step<usize> {
        let (line, next) = bytes::line(self.input, at.wrapping_add(1)).ok_or(Fault::Truncated)?;
        let valid = match code {
            INT => number::int(line).is_some(),
            LONG => number::long(line).is_some(),
            FLOAT => number::float(line).is_some(),
            PERSID => line.is_ascii(),
            UNICODE => Text::new(line, Spelling::RawUnicode).is_valid(),
            _ => unquote(line).is_some_and(|inside| Text::new(inside, Spelling::Quoted).is_valid()),
        };
        if !valid {
            let number = matches!(code, INT | LONG | FLOAT);
            return Err(if number { Fault::BadArgument } else { Fault::BadText });
        }
        self.arena.push(atom(at))?;
        Ok(next)
    }

    fn ext(&mut self, code: u8, at: usize) -> Step<usize> {
        let start = at.wrapping_add(1);
        let (number, width) = match code {
            EXT1 => (bytes::u8(self.input, start).map(i32::from), 1),
            EXT2 => (bytes::u16_le(self.input, start).map(i32::from), 2),
            _ => (bytes::u32_le(self.input, start).map(|n| n as i32), 4),
        };
        if number.ok_or(Fault::Truncated)? <= 0 {
            return Err(Fault::BadArgument);
        }
        self.fixed(at, width)
    }

    /// BUILD: the state is noted down; what is no object takes no state but None.
    fn build(&mut self) -> Step {
        let inst = self.arena.resolve(self.arena.peek_below(1)?);
        if inst.tag() == cell::OBJECT {
            return self.arena.append(inst.payload(), Extra::States as Tag, 1, false);
        }
        let state = self.arena.pop()?;
        if self.code_of(state) == NONE { Ok(()) } else { Err(Fault::WrongKind) }
    }

    fn readonly(&mut self) -> Step {
        let word = self.arena.peek()?;
        let inner = self.arena.resolve(word);
        let form = self.arena.get(inner.payload()).tag();
        match inner.tag() {
            cell::FIXED if form == cell::FORM_READONLY => Ok(()),
            cell::BUFFER | cell::MUTABLE | cell::OBJECT => self.wrap(cell::FORM_READONLY, 1),
            cell::FIXED if form == cell::FORM_PERSID => self.wrap(cell::FORM_READONLY, 1),
            _ => match self.code_of(inner) {
                SHORT_BINBYTES | BINBYTES | BINBYTES8 => Ok(()),
                PERSID | EXT1 | EXT2 | EXT4 => self.wrap(cell::FORM_READONLY, 1),
                _ => Err(Fault::WrongKind),
            },
        }
    }
}
