//! The stack machine: runs all opcodes of protocols 0 to 5 over the arena, and calls nothing.
//!
//! What counts as well-formed is what CPython's C unpickler (Modules/_pickle.c) takes. Where it would import or call, the
//! machine notes down what the stream wants ([`Kind::Reduce`](crate::object::Kind) and its kin).
#![deny(clippy::panic)]

use super::memo::Memo;
use super::opcode::code::*;
use super::scan::{Plan, entry, is_marked, next, plain};
use crate::bytes;
use crate::object::arena::{self as cell, Arena, Fault, Slot, Step, Tag};
use crate::object::{Atom, Error, ErrorKind, Extra, Result, Spelling, Text};

pub(super) struct Machine<'i, 's, 'p> {
    input: &'i [u8],
    /// The opcode at hand, and where the next one stands.
    at: usize,
    next: usize,
    arena: Arena<'s>,
    memo: Memo<'p>,
    /// How many out-of-band buffers were asked for.
    buffers: usize,
    /// Whether text is checked now; if not, whoever reads it does.
    checks_text: bool,
}

const EMPTY_TUPLE_WORD: Slot = Slot::new(cell::SIMPLE, cell::SIMPLE_EMPTY_TUPLE as usize);

/// Runs the pickle that begins at `start` and ends where the plan says; answers the word of its value, or with `all` of
/// the list of the values of all pickles up to there.
pub(super) fn run<'s>(
    input: &[u8],
    start: usize,
    plan: &Plan,
    slots: &'s mut [Slot],
    checks_text: bool,
    all: bool,
) -> Result<(Slot, &'s [Slot], usize)> {
    let mut machine = Machine::new(input, start, plan, slots, checks_text)?;
    let word = if all { machine.run_all() } else { machine.run() };
    match word {
        Ok(word) => {
            let (slots, cells) = machine.arena.finish();
            Ok((word, slots, cells))
        }
        Err(fault) => Err(fault.at(input, machine.at)),
    }
}

/// Runs a pickle for the globals that it names.
pub(super) fn globals<'i>(
    input: &'i [u8],
    plan: &Plan,
    slots: &mut [Slot],
    found: &mut dyn FnMut(Text<'i>, Text<'i>),
) -> Result<()> {
    let mut machine = Machine::new(input, 0, plan, slots, true)?;
    while let Some(code) = bytes::u8(input, machine.next) {
        match (code, super::atom::read(input, machine.next)) {
            (STOP, _) => return Ok(()),
            (GLOBAL | INST, Atom::Global(module, name)) => found(module, name),
            (STACK_GLOBAL, _) => {
                if let (Some(module), Some(name)) = (machine.text_below(1), machine.text_below(0)) {
                    found(module, name);
                }
            }
            _ => {}
        }
        machine.step(code).map_err(|fault| fault.at(input, machine.at))?;
    }
    Err(Error::new(ErrorKind::Truncated, input.len()))
}

impl<'i, 's, 'p> Machine<'i, 's, 'p> {
    /// A machine over as many slots as the plan wants.
    fn new(input: &'i [u8], start: usize, plan: &'p Plan, slots: &'s mut [Slot], checks_text: bool) -> Result<Self> {
        let needed = plan.slots();
        if slots.len() < needed {
            return Err(Error::new(ErrorKind::OutOfSlots { needed }, start));
        }
        let mut arena = Arena::new(slots, plan.cells(), plan.table());
        let memo = Memo::new(plan, input, start, &mut arena).map_err(|fault| fault.at(input, start))?;
        Ok(Machine { input, at: start, next: start, arena, memo, buffers: 0, checks_text })
    }

    /// Runs up to STOP; answers the word on top.
    fn run(&mut self) -> Step<Slot> {
        loop {
            let at = self.next;
            let code = bytes::u8(self.input, at).ok_or(Fault::Truncated)?;
            match plain(self.input, at, code) {
                // Atoms as they come in every pickle, and MEMOIZE where nothing is to be remembered, are done here.
                Some(next) if code != SHORT_BINUNICODE || self.is_text(at, next) => {
                    (self.at, self.next) = (at, next);
                    self.arena.push(Slot::new(cell::ATOM, at))?;
                }
                None if code == MEMOIZE && self.memo.len >= self.memo.limit && self.arena.above_mark() > 0 => {
                    self.memo.len = self.memo.len.wrapping_add(1);
                    self.next = at.wrapping_add(1);
                }
                None if code == STOP => {
                    self.at = at;
                    return self.arena.pop();
                }
                _ => self.step(code)?,
            }
        }
    }

    /// Runs one pickle after the other, with one memo; answers the list of their values.
    fn run_all(&mut self) -> Step<Slot> {
        let list = self.arena.header()?;
        while self.next < self.memo.plan.end {
            let word = self.run()?;
            self.next = self.at.wrapping_add(1);
            // Whatever else a pickle leaves on the stack is gone.
            self.arena.clear();
            self.arena.push(word)?;
            self.arena.append(list, 0, 1, false)?;
        }
        Ok(Slot::new(cell::LIST, list))
    }

    /// Whether the text of this SHORT_BINUNICODE is in its encoding, if that is asked.
    #[inline]
    fn is_text(&self, at: usize, next: usize) -> bool {
        let raw = self.input.get(at.wrapping_add(2)..next).unwrap_or_default();
        !self.checks_text || Text::new(raw, Spelling::Utf8).is_valid()
    }

    /// The str so many words below the top.
    fn text_below(&self, below: usize) -> Option<Text<'i>> {
        let word = self.arena.resolve(self.arena.peek_below(below).ok()?);
        match super::atom::read(self.input, word.payload()) {
            Atom::Str(text) | Atom::ByteString(text) if word.tag() == cell::ATOM => Some(text),
            _ => None,
        }
    }

    /// Runs the opcode that comes.
    #[inline(never)]
    fn step(&mut self, code: u8) -> Step {
        self.at = self.next;
        self.next = next(self.input, self.at)?;
        if is_marked(code) {
            let n = self.arena.close_mark()?;
            return self.marked(code, n);
        }
        let word = match code {
            MEMOIZE => return self.remember(None),
            BINPUT | LONG_BINPUT | PUT => {
                let id = entry(self.input, self.at, code)?;
                return self.remember(Some(id));
            }
            APPEND => return self.fill(code, 1, false),
            SETITEM => return self.fill(code, 2, false),
            MARK => return self.arena.push_mark(),
            FRAME | PROTO => return Ok(()),
            POP => return self.pop(),
            BUILD => return self.build(),
            READONLY_BUFFER => return self.readonly(),
            BINGET | LONG_BINGET | GET => {
                let id = entry(self.input, self.at, code)?;
                self.memo.get(&mut self.arena, id).ok_or(Fault::NoSuchEntry)?
            }
            EMPTY_LIST => self.container(cell::LIST)?,
            EMPTY_DICT => self.container(cell::DICT)?,
            EMPTY_SET => self.container(cell::SET)?,
            EMPTY_TUPLE => EMPTY_TUPLE_WORD,
            TUPLE1 | TUPLE2 | TUPLE3 => self.tuple(usize::from(code.wrapping_sub(TUPLE1)).wrapping_add(1), false)?,
            DUP => {
                let word = self.arena.peek()?;
                let shared = self.arena.share(word)?;
                self.arena.replace(shared);
                shared
            }
            STACK_GLOBAL => self.stack_global()?,
            REDUCE => self.call(cell::FORM_REDUCE, 2)?,
            NEWOBJ => self.call(cell::FORM_NEWOBJ, 2)?,
            NEWOBJ_EX => self.call(cell::FORM_NEWOBJ_EX, 3)?,
            BINPERSID => self.wrap(cell::FORM_PERSID, 1)?,
            NEXT_BUFFER => {
                let number = self.buffers;
                self.buffers = number.wrapping_add(1);
                Slot::new(cell::BUFFER, number)
            }
            _ => self.atom(code)?,
        };
        self.arena.push(word)
    }

    /// The opcodes that take everything down to the topmost mark: `n` words, and the mark is closed.
    fn marked(&mut self, code: u8, n: usize) -> Step {
        let word = match code {
            POP_MARK => {
                self.arena.drop_words(n.wrapping_add(1));
                return Ok(());
            }
            TUPLE => self.tuple(n, true)?,
            FROZENSET => {
                if !self.arena.are_hashable(n, 1) {
                    return Err(Fault::Unhashable);
                }
                Slot::new(cell::FROZENSET, self.arena.row(0, n, true)?)
            }
            INST | OBJ => {
                let (args, class) = if code == INST {
                    (self.tuple(n, true)?, self.atom(code)?)
                } else {
                    let args = self.tuple(n.checked_sub(1).ok_or(Fault::Underflow)?, false)?;
                    let class = self.arena.pop()?;
                    self.arena.drop_words(1);
                    (args, class)
                };
                if !self.is_callable(class) {
                    return Err(Fault::WrongKind);
                }
                self.arena.push(class)?;
                self.arena.push(args)?;
                Slot::new(cell::OBJECT, self.arena.object(cell::FORM_INST, 2)?)
            }
            _ => return self.fill(code, n, true),
        };
        self.arena.push(word)
    }

    /// An atom, whose argument is there; whether that says something is seen now.
    fn atom(&mut self, code: u8) -> Step<Slot> {
        let text = match super::atom::read(self.input, self.at) {
            Atom::None if code == STRING => Some(false),
            Atom::None if code != NONE => return Err(Fault::BadArgument),
            Atom::Ext(number) if number == 0 || number > i32::MAX as u32 => return Err(Fault::BadArgument),
            Atom::Str(text) if text.spelling() == Spelling::Utf8 && !self.checks_text => None,
            Atom::Str(text) | Atom::ByteString(text) => Some(text.is_valid()),
            Atom::PersId(text) => Some(text.raw().is_ascii()),
            Atom::Global(module, name) => {
                if module.raw().is_empty() || name.raw().is_empty() {
                    return Err(Fault::BadArgument);
                }
                let valid = |text: Text<'_>| match code {
                    INST => text.raw().is_ascii(),
                    _ => text.as_str().is_some(),
                };
                Some(valid(module) && valid(name))
            }
            _ => None,
        };
        if text == Some(false) {
            return Err(Fault::BadText);
        }
        Ok(Slot::new(if code == BYTEARRAY8 { cell::MUTABLE } else { cell::ATOM }, self.at))
    }

    /// A new, empty container.
    fn container(&mut self, tag: Tag) -> Step<Slot> {
        self.arena.header().map(|header| Slot::new(tag, header))
    }

    /// Remembers the top under this number, or under MEMOIZE's.
    fn remember(&mut self, id: Option<u32>) -> Step {
        let word = self.arena.peek()?;
        if let Some(entry) = self.memo.entry(&mut self.arena, id) {
            let word = self.arena.share(word)?;
            self.arena.replace(word);
            self.memo.store(&mut self.arena, entry, word);
        }
        Ok(())
    }

    /// The opcodes that put the `n` topmost words into a list, dict or set, which is new for LIST and DICT; a closed mark
    /// lies beneath the words if `mark`.
    fn fill(&mut self, code: u8, n: usize, mark: bool) -> Step {
        let (tag, extra) = match code {
            APPEND | APPENDS | LIST => (cell::LIST, Extra::Items),
            ADDITEMS => (cell::SET, Extra::Adds),
            _ => (cell::DICT, Extra::Pairs),
        };
        let new = matches!(code, LIST | DICT);
        let target = if new {
            Slot::new(tag, self.arena.header()?)
        } else {
            self.arena.resolve(self.arena.peek_below(n.wrapping_add(usize::from(mark)))?)
        };
        if tag == cell::DICT && n & 1 != 0 {
            return Err(Fault::OddItems);
        }
        let extra = if target.tag() == tag {
            if tag != cell::LIST && !self.arena.are_hashable(n, if tag == cell::DICT { 2 } else { 1 }) {
                return Err(Fault::Unhashable);
            }
            0
        } else if target.tag() == cell::OBJECT {
            extra as Tag
        } else if n > 0 {
            return Err(Fault::WrongKind);
        } else {
            0
        };
        self.arena.append(target.payload(), extra, n, mark)?;
        if new { self.arena.push(target) } else { Ok(()) }
    }

    /// A tuple of the `n` topmost words; a closed mark lies beneath them if `mark`.
    fn tuple(&mut self, n: usize, mark: bool) -> Step<Slot> {
        if self.arena.above_mark() < n {
            return Err(Fault::Underflow);
        }
        if n == 0 {
            self.arena.drop_words(usize::from(mark));
            return Ok(EMPTY_TUPLE_WORD);
        }
        let flags = if self.arena.are_hashable(n, 1) { 0 } else { cell::UNHASHABLE };
        self.arena.row(flags, n, mark).map(|row| Slot::new(cell::TUPLE, row))
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
    fn wrap(&mut self, form: Tag, n: usize) -> Step<Slot> {
        if self.arena.above_mark() < n {
            return Err(Fault::Underflow);
        }
        self.arena.row(form, n, false).map(|row| Slot::new(cell::FIXED, row))
    }

    /// The opcode of the atom that a word stands for; 0 if it is no atom.
    fn code_of(&self, word: Slot) -> u8 {
        let word = self.arena.resolve(word);
        if word.tag() == cell::ATOM { bytes::u8(self.input, word.payload()).unwrap_or(0) } else { 0 }
    }

    fn stack_global(&mut self) -> Step<Slot> {
        for below in 0..2 {
            match self.code_of(self.arena.peek_below(below)?) {
                SHORT_BINUNICODE | BINUNICODE | BINUNICODE8 | UNICODE => {}
                // Python 2's str, which is a str if it is ASCII.
                STRING | BINSTRING | SHORT_BINSTRING
                    if self.text_below(below).is_some_and(|text| text.chars().all(|c| c < 128)) => {}
                _ => return Err(Fault::WrongKind),
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
            _ => matches!(self.code_of(word), GLOBAL | INST | PERSID | EXT1 | EXT2 | EXT4),
        }
    }

    /// REDUCE, NEWOBJ and NEWOBJ_EX.
    fn call(&mut self, form: Tag, n: usize) -> Step<Slot> {
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
        self.arena.object(form, n).map(|header| Slot::new(cell::OBJECT, header))
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

    /// READONLY_BUFFER: bytes and views of buffers are read-only as they are.
    fn readonly(&mut self) -> Step {
        let inner = self.arena.resolve(self.arena.peek()?);
        let form = self.arena.get(inner.payload()).tag();
        let is_view = match (inner.tag(), self.code_of(inner)) {
            (cell::FIXED, _) if form == cell::FORM_READONLY => return Ok(()),
            (_, SHORT_BINBYTES | BINBYTES | BINBYTES8) => return Ok(()),
            (cell::FIXED, _) => form == cell::FORM_PERSID,
            (tag, code) => {
                matches!(tag, cell::BUFFER | cell::MUTABLE | cell::OBJECT)
                    || matches!(code, PERSID | EXT1 | EXT2 | EXT4)
            }
        };
        if !is_view {
            return Err(Fault::WrongKind);
        }
        let word = self.wrap(cell::FORM_READONLY, 1)?;
        self.arena.push(word)
    }
}
