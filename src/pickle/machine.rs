//! The stack machine: runs all opcodes of protocols 0 to 5 over the arena, and calls nothing.
//!
//! What counts as well-formed is what CPython's C unpickler (Modules/_pickle.c) takes. Where it would import or call, the
//! machine notes down what the stream wants ([`Kind::Reduce`](crate::object::Kind) and its kin).
#![deny(clippy::panic)]

use super::action;
use super::memo::Memo;
use super::opcode::code::*;
use super::scan::Plan;
use super::shape::{argument, entry, next, plain, takes};
use crate::bytes;
use crate::object::arena::Arena;
use crate::object::fault::{Fault, Step};
use crate::object::slot::{self as cell, Slot, Tag};
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

/// Runs the pickle that the plan is of; answers the word of its value, or with `all` of the list of the values of all
/// pickles.
pub(super) fn run<'s>(
    input: &[u8],
    plan: &Plan,
    slots: &'s mut [Slot],
    checks_text: bool,
    all: bool,
) -> Result<(Slot, &'s [Slot], usize)> {
    plan.check(slots)?;
    let mut machine = Machine::new(input, plan, slots, checks_text);
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
    plan.check(slots)?;
    let mut machine = Machine::new(input, plan, slots, true);
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
    fn new(input: &'i [u8], plan: &'p Plan, slots: &'s mut [Slot], checks_text: bool) -> Self {
        let arena = Arena::new(slots, plan.cells(), plan.table());
        let mut machine = Machine { input, at: 0, next: 0, arena, memo: Memo::new(plan), buffers: 0, checks_text };
        machine.memo.open(input, &mut machine.arena);
        machine
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
                None if code == MEMOIZE && self.memo.len >= self.memo.plan.limit && self.arena.above_mark() > 0 => {
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

    /// The word so many below the top, or the one that it stands for.
    #[inline(never)]
    fn below(&self, below: usize) -> Slot {
        self.arena.resolve(self.arena.below(below))
    }

    /// The str so many words below the top.
    fn text_below(&self, below: usize) -> Option<Text<'i>> {
        let word = self.below(below);
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
        // How many words it takes: those above the mark, or as many as the opcode says; and how many more are to be there.
        let (action, mark, mut words) = takes(code);
        let mut n = words;
        if mark {
            n = self.arena.close_mark()?;
            words = words.wrapping_add(n).wrapping_add(1);
        }
        if self.arena.above_mark() < words {
            return Err(Fault::Underflow);
        }
        let word = match action {
            action::MEMOIZE => return self.remember(None),
            action::PUT => {
                let id = entry(self.input, self.at, code)?;
                return self.remember(Some(id));
            }
            action::ADD => return self.fill(code, n.wrapping_sub(1), false),
            action::FILL => return self.fill(code, n, true),
            action::MARK => return self.arena.push_mark(),
            action::FRAME | action::PROTO => return Ok(()),
            action::POP => return self.pop(),
            action::POP_MARK => {
                self.arena.drop_words(n.wrapping_add(1));
                return Ok(());
            }
            action::BUILD => return self.build(),
            action::GET => {
                let id = entry(self.input, self.at, code)?;
                self.memo.get(&self.arena, id).ok_or(Fault::NoSuchEntry)
            }
            action::EMPTY => self.container(match code {
                EMPTY_LIST => cell::LIST,
                EMPTY_DICT => cell::DICT,
                _ => cell::SET,
            }),
            action::EMPTY_TUPLE | action::TUPLE => self.tuple(n, mark),
            action::FROZENSET => {
                if !self.arena.are_hashable(n, 1) {
                    return Err(Fault::Unhashable);
                }
                self.row(cell::FROZENSET, 0, n, mark)
            }
            action::DUP => self.share(),
            action::STACK_GLOBAL => self.stack_global(),
            action::CALL => self.call(code, n),
            action::INST => self.inst(code, n),
            action::PERSID => self.row(cell::FIXED, cell::FORM_PERSID, n, mark),
            action::READONLY => self.readonly(),
            action::BUFFER => {
                let number = self.buffers;
                self.buffers = number.wrapping_add(1);
                Ok(Slot::new(cell::BUFFER, number))
            }
            _ => self.atom(code),
        };
        self.arena.push(word?)
    }

    /// An instance as Python 2 makes it: of the class that the stream names, or of the lowest of the words above the mark.
    fn inst(&mut self, code: u8, n: usize) -> Step<Slot> {
        let (class, args) = if code == INST {
            (self.atom(code)?, self.tuple(n, true)?)
        } else {
            let args = self.tuple(n.checked_sub(1).ok_or(Fault::Underflow)?, false)?;
            let class = self.arena.below(0);
            self.arena.drop_words(2);
            (class, args)
        };
        self.arena.push(class)?;
        self.arena.push(args)?;
        self.object(cell::FORM_INST, 2)
    }

    /// An object of the `n` topmost words, the lowest of which is its class or function.
    fn object(&mut self, form: Tag, n: usize) -> Step<Slot> {
        if !self.is_callable(self.below(n.wrapping_sub(1))) {
            return Err(Fault::WrongKind);
        }
        self.arena.object(form, n).map(|header| Slot::new(cell::OBJECT, header))
    }

    /// A row of the `n` topmost words; a closed mark lies beneath them if `mark`.
    #[inline(never)]
    fn row(&mut self, tag: Tag, flags: Tag, n: usize, mark: bool) -> Step<Slot> {
        self.arena.row(flags, n, mark).map(|row| Slot::new(tag, row))
    }

    /// An atom, whose argument is there; whether that says something is seen now.
    fn atom(&mut self, code: u8) -> Step<Slot> {
        let raw = argument(self.input, self.at);
        let valid = match super::atom::read(self.input, self.at) {
            Atom::None if code == STRING => false,
            Atom::None if code != NONE => return Err(Fault::BadArgument),
            Atom::Ext(number) if number as i32 <= 0 => return Err(Fault::BadArgument),
            Atom::Global(module, name) if module.raw().is_empty() || name.raw().is_empty() => {
                return Err(Fault::BadArgument);
            }
            Atom::Str(text) if text.spelling() == Spelling::Utf8 && !self.checks_text => true,
            Atom::Str(text) | Atom::ByteString(text) => text.is_valid(),
            Atom::Global(..) if code == GLOBAL => core::str::from_utf8(raw).is_ok(),
            Atom::Global(..) | Atom::PersId(_) => raw.is_ascii(),
            _ => true,
        };
        if !valid {
            return Err(Fault::BadText);
        }
        Ok(Slot::new(if code == BYTEARRAY8 { cell::MUTABLE } else { cell::ATOM }, self.at))
    }

    /// A new, empty container.
    fn container(&mut self, tag: Tag) -> Step<Slot> {
        self.arena.header().map(|header| Slot::new(tag, header))
    }

    /// Puts the top into a cell.
    fn share(&mut self) -> Step<Slot> {
        let shared = self.arena.share(self.arena.below(0))?;
        self.arena.replace(shared);
        Ok(shared)
    }

    /// Remembers the top under this number, or under MEMOIZE's.
    fn remember(&mut self, id: Option<u32>) -> Step {
        if let Some(entry) = self.memo.entry(&self.arena, id) {
            let word = self.share()?;
            self.memo.store(&mut self.arena, entry, word);
        }
        Ok(())
    }

    /// The opcodes that put the `n` topmost words into a list, dict or set, which is new for LIST and DICT; a closed mark
    /// lies beneath the words if `mark`.
    fn fill(&mut self, code: u8, n: usize, mark: bool) -> Step {
        let tag = match code {
            APPEND | APPENDS | LIST => cell::LIST,
            ADDITEMS => cell::SET,
            _ => cell::DICT,
        };
        let new = matches!(code, LIST | DICT);
        let target = if new { self.container(tag)? } else { self.below(n.wrapping_add(usize::from(mark))) };
        let step: usize = if tag == cell::DICT { 2 } else { 1 };
        if step == 2 && n & 1 != 0 {
            return Err(Fault::OddItems);
        }
        let mut extra = 0;
        if target.tag() == tag {
            if tag != cell::LIST && !self.arena.are_hashable(n, step) {
                return Err(Fault::Unhashable);
            }
        } else if target.tag() == cell::OBJECT {
            extra = match tag {
                cell::LIST => Extra::Items,
                cell::SET => Extra::Adds,
                _ => Extra::Pairs,
            } as Tag;
        } else if n > 0 {
            return Err(Fault::WrongKind);
        }
        self.arena.append(target.payload(), extra, n, mark)?;
        if new { self.arena.push(target) } else { Ok(()) }
    }

    /// A tuple of the `n` topmost words; a closed mark lies beneath them if `mark`.
    fn tuple(&mut self, n: usize, mark: bool) -> Step<Slot> {
        if n == 0 {
            self.arena.drop_words(usize::from(mark));
            return Ok(EMPTY_TUPLE_WORD);
        }
        let flags = if self.arena.are_hashable(n, 1) { 0 } else { cell::UNHASHABLE };
        self.row(cell::TUPLE, flags, n, mark)
    }

    /// POP takes a mark, if that is on top.
    fn pop(&mut self) -> Step {
        if self.arena.above_mark() == 0 {
            self.arena.close_mark().map_err(|_| Fault::Underflow)?;
        }
        self.arena.drop_words(1);
        Ok(())
    }

    /// The opcode of an atom; 0 if the word stands for something else.
    #[inline(never)]
    fn code_of(&self, word: Slot) -> u8 {
        if word.tag() == cell::ATOM { bytes::u8(self.input, word.payload()).unwrap_or(0) } else { 0 }
    }

    /// STACK_GLOBAL: of two strs. One of Python 2 is a str if it is ASCII.
    fn stack_global(&mut self) -> Step<Slot> {
        let is_str = |text: Text<'_>| {
            matches!(text.spelling(), Spelling::Utf8 | Spelling::RawUnicode) || text.chars().all(|c| c < 128)
        };
        for below in 0..2 {
            if !self.text_below(below).is_some_and(is_str) {
                return Err(Fault::WrongKind);
            }
        }
        self.row(cell::FIXED, cell::FORM_GLOBAL, 2, false)
    }

    /// Whether a value may be a class or a function, as far as its kind tells.
    fn is_callable(&self, word: Slot) -> bool {
        match word.tag() {
            cell::OBJECT => true,
            cell::FIXED => matches!(self.arena.get(word.payload()).tag(), cell::FORM_GLOBAL | cell::FORM_PERSID),
            _ => matches!(self.code_of(word), GLOBAL | INST | PERSID | EXT1 | EXT2 | EXT4),
        }
    }

    /// REDUCE, NEWOBJ and NEWOBJ_EX.
    fn call(&mut self, code: u8, n: usize) -> Step<Slot> {
        let args = self.below(n.wrapping_sub(2));
        let has_args = args.tag() == cell::TUPLE || args == EMPTY_TUPLE_WORD;
        if !has_args || (n == 3 && self.below(0).tag() != cell::DICT) {
            return Err(Fault::WrongKind);
        }
        let form = match code {
            REDUCE => cell::FORM_REDUCE,
            NEWOBJ => cell::FORM_NEWOBJ,
            _ => cell::FORM_NEWOBJ_EX,
        };
        self.object(form, n)
    }

    /// BUILD: the state is noted down; what is no object takes no state but None.
    fn build(&mut self) -> Step {
        let inst = self.below(1);
        if inst.tag() == cell::OBJECT {
            return self.arena.append(inst.payload(), Extra::States as Tag, 1, false);
        }
        if self.code_of(self.below(0)) != NONE {
            return Err(Fault::WrongKind);
        }
        self.arena.drop_words(1);
        Ok(())
    }

    /// READONLY_BUFFER: bytes and views of buffers are read-only as they are.
    #[inline(never)]
    fn readonly(&mut self) -> Step<Slot> {
        let word = self.below(0);
        let readonly = match (word.tag(), self.code_of(word)) {
            (cell::BUFFER | cell::MUTABLE | cell::OBJECT, _) | (_, PERSID | EXT1 | EXT2 | EXT4) => false,
            (_, SHORT_BINBYTES | BINBYTES | BINBYTES8) => true,
            (cell::FIXED, _) => match self.arena.get(word.payload()).tag() {
                cell::FORM_PERSID => false,
                cell::FORM_READONLY => true,
                _ => return Err(Fault::WrongKind),
            },
            _ => return Err(Fault::WrongKind),
        };
        if readonly { self.arena.pop() } else { self.row(cell::FIXED, cell::FORM_READONLY, 1, false) }
    }
}
