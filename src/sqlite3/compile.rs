//! The compiler's ground: its memory, its marks on it, and the code it emits.
//!
//! Contract: SQL text becomes a program in one walk over tokens, some of which are read twice. There is no tree and no
//! recursion: what waits (operators, open parentheses, clauses of a SELECT, tables of its FROM) lies on a stack of
//! marks in the same lent bytes, growing down while the program grows up. When they meet, the error says so.
//!
//! Offsets of tokens have 15 bits; with the 16th they mean text that was read from the schema into the arena
//! (views, CHECK, DEFAULT), which ends with a NUL byte.
//!
//! Beside it: reading.rs reads tokens, operand.rs says what is known of operands, quoting.rs reads quoted names.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod alter;
mod clauses;
mod closing;
mod compound;
mod cover;
mod create_index;
mod create_table;
pub(super) mod ddl;
mod drop;
mod explain;
mod expression;
pub(super) mod found;
pub(super) mod frame;
mod group;
mod insert;
mod literal;
mod loops;
mod names;
mod operand;
mod plan;
pub(super) mod reading;
mod result;
pub(super) mod select;
mod source;
mod staging;
mod subselect;
mod template;
mod update;
pub(super) mod write;

use core::cell::Cell;

use super::error::{Error, ErrorKind, Result};
use super::function::Custom;
use super::program::Op;
use super::store::Store;
use super::token::{Kind, Token};
use found::Found;
use frame::f;
use reading::{Recent, Walk};

pub(crate) use super::quoting::{is_alias, is_name, same_name, unescaped, unquoted};
pub(crate) use operand::Operand;

/// The flag of an offset into the arena.
pub(crate) const IN_ARENA: u16 = 0x8000;
/// No offset, no chain.
pub(crate) const NONE: u16 = 0xffff;

/// What the compiler does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// An operand of an expression is expected.
    Operand,
    /// An operand was read.
    Operator,
    /// A frame continues with its step.
    Step,
    /// The program is complete.
    Done,
}

/// A mark on the compiler's stack: an operand or an operator of an expression, an open parenthesis and its like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) kind: u8,
    pub(crate) a: u8,
    pub(crate) b: u16,
    pub(crate) c: u16,
    pub(crate) d: u16,
}

/// Bytes of a [`Mark`].
pub(crate) const MARK: usize = 8;

/// Numbers given out while compiling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Counts {
    pub(crate) depth: u8,
    pub(crate) locals: u8,
    pub(crate) cursors: u8,
    pub(crate) stages: u8,
}

/// The compiler of one statement. The fields stand in the order of their uses: what is within the reach of a Cortex-M0's short
/// loads (31 bytes for a byte, 124 for a word) costs one instruction, the rest two or three.
#[repr(C)]
pub(crate) struct Compiler<'a> {
    pub(crate) token: Token,
    pub(crate) mode: Mode,
    pub(crate) now: Counts,
    /// What the last expression was.
    pub(crate) result: Operand,
    pub(crate) arena: &'a mut [u8],
    /// End of the program.
    pub(crate) code: usize,
    /// Begin of the stack of marks.
    pub(crate) top: usize,
    /// The frame that is being compiled: an offset into the arena, where its fields are while another is compiled.
    pub(crate) frame: usize,
    /// The fields of the frame that is being compiled: see frame.rs.
    pub(crate) fields: [u16; f::FIELDS as usize],
    pub(crate) most: Counts,
    /// The largest number of a parameter.
    pub(crate) parameters: u8,
    /// How many result columns; where their names are in the program.
    pub(crate) columns: u8,
    /// Whether the statement writes.
    pub(crate) writes: bool,
    /// Whether it keeps results of subqueries.
    pub(crate) keeps: bool,
    /// Whether what a CREATE makes is there already.
    pub(crate) present: bool,
    /// Whether the plan is to be told, and not carried out.
    pub(crate) tells_plan: bool,
    pub(crate) names: u16,
    /// The parameter that was numbered last: its offset, and its number.
    pub(crate) numbered: (u16, u16),
    /// Where the first parameter stands, as far as tokens were read: nothing is read before what stands before it.
    pub(crate) first_parameter: Cell<u16>,
    /// The number of the session's temporary views; 0 before the first.
    pub(crate) session: u16,
    /// The least that `top` was.
    pub(crate) low: usize,
    /// The first thing that went wrong: see `fail`.
    pub(crate) failed: Option<Error>,
    pub(crate) sql: &'a [u8],
    pub(crate) store: &'a mut dyn Store,
    /// The functions of the user's own.
    pub(crate) functions: &'static [Custom],
    /// The name of a column that was compiled last: its place, and what it means.
    pub(crate) lone: (u32, Found),
    pub(crate) recent: Recent,
}

/// Memory is read and written by these, so that nothing out of bounds can panic: such reads give 0.
pub(crate) fn get16(bytes: &[u8], at: usize) -> u16 {
    super::program::word(bytes, at)
}

/// Writes two bytes; nothing out of bounds.
#[cfg_attr(fast, inline)]
#[cfg_attr(not(fast), inline(never))]
pub(crate) fn put16(bytes: &mut [u8], at: usize, value: u16) {
    if let Some(place) = super::program::chunk_mut(bytes, at) {
        *place = value.to_le_bytes();
    }
}

impl Compiler<'_> {
    // ---- errors

    /// Notes an error; the first one counts. What goes on until the error is looked at, at the latest behind the step, does no
    /// harm and ends: the arena is gone, so that everything in it is 0 and what is written there is nowhere, and so are the tokens.
    #[inline(never)]
    pub(crate) fn fail(&mut self, error: Error) {
        self.failed.get_or_insert(error);
        self.arena = &mut [];
        self.fields = [0; f::FIELDS as usize];
        let end = self.sql.len() as u16;
        self.token = Token::new(Kind::End_, end, end);
    }

    /// Notes an error at a token.
    #[inline(never)]
    pub(crate) fn fail_at(&mut self, kind: ErrorKind, token: Token) {
        self.fail(self.error(kind, token));
    }

    /// Notes an error at the current token.
    #[inline(never)]
    pub(crate) fn fail_here(&mut self, kind: ErrorKind) {
        self.fail_at(kind, self.token);
    }

    /// Notes that the current token cannot stand here.
    #[inline(never)]
    pub(crate) fn fail_unexpected(&mut self) {
        self.fail(self.unexpected());
    }

    /// The error that was noted, if any.
    #[cfg_attr(not(fast), inline(never))]
    pub(crate) fn ok(&self) -> Result<()> {
        self.failed.map_or(Ok(()), Err)
    }

    /// An error at a token.
    pub(crate) fn error(&self, kind: ErrorKind, token: Token) -> Error {
        self.placed(kind.into(), token)
    }

    /// An error of which the place is not known yet, at a token.
    #[cfg_attr(not(fast), inline(never))]
    pub(crate) fn placed(&self, error: Error, token: Token) -> Error {
        error.at(if token.start() & IN_ARENA == 0 { usize::from(token.start()) } else { 0 })
    }

    /// An error at the current token.
    #[cfg_attr(not(fast), inline(never))]
    pub(crate) fn error_here(&self, kind: ErrorKind) -> Error {
        self.error(kind, self.token)
    }

    /// The current token cannot stand here: known words that larder lacks are refused as such.
    pub(crate) fn unexpected(&self) -> Error {
        self.error_here(match self.token.kind {
            Kind::Over | Kind::Filter | Kind::Window | Kind::Returning | Kind::With | Kind::Arrow => {
                ErrorKind::Unsupported
            }
            _ => ErrorKind::Syntax,
        })
    }

    /// What begins at the current token is there with the feature `sqlite3-full` alone.
    #[inline(always)]
    pub(crate) fn full(&mut self) -> bool {
        if !super::FULL {
            self.fail_here(ErrorKind::Unsupported);
        }
        super::FULL
    }

    /// The arena is too small for this many more bytes.
    pub(crate) fn no_room(&self, more: usize) -> Error {
        Error::limit(self.arena.len() + more.max(64))
    }

    /// Moves bytes of the arena.
    pub(crate) fn shift(&mut self, from: usize, len: usize, to: usize) {
        super::program::shift(self.arena, from, len, to);
    }

    // ---- the stack of marks

    /// Takes bytes from the stack.
    #[cfg_attr(not(fast), inline(never))]
    pub(crate) fn reserve(&mut self, bytes: usize) -> usize {
        match self.top.checked_sub(bytes).filter(|&top| top >= self.code) {
            Some(top) => self.top = top,
            None => self.fail(self.no_room(bytes)),
        }
        self.low = self.low.min(self.top);
        self.top
    }

    pub(crate) fn push(&mut self, mark: Mark) {
        let at = self.reserve(MARK);
        self.put_mark(at, mark);
    }

    pub(crate) fn put_mark(&mut self, at: usize, mark: Mark) {
        if let Some(place) = self.arena.get_mut(at..).and_then(|rest| rest.first_chunk_mut::<MARK>()) {
            let ([b0, b1], [c0, c1], [d0, d1]) = (mark.b.to_le_bytes(), mark.c.to_le_bytes(), mark.d.to_le_bytes());
            *place = [mark.kind, mark.a, b0, b1, c0, c1, d0, d1];
        }
    }

    /// The mark so many below the top.
    pub(crate) fn peek(&self, below: usize) -> Mark {
        let at = self.top + below * MARK;
        match self.arena.get(at..).and_then(|rest| rest.first_chunk::<MARK>()) {
            Some(&[kind, a, b0, b1, c0, c1, d0, d1]) => Mark {
                kind,
                a,
                b: u16::from_le_bytes([b0, b1]),
                c: u16::from_le_bytes([c0, c1]),
                d: u16::from_le_bytes([d0, d1]),
            },
            None => Mark { kind: 0, a: 0, b: 0, c: 0, d: 0 },
        }
    }

    pub(crate) fn pop(&mut self) -> Mark {
        let mark = self.peek(0);
        self.top += MARK;
        mark
    }

    /// A field of a block on the stack.
    #[cfg_attr(not(fast), inline(never))]
    pub(crate) fn get(&self, block: usize, field: u8) -> u16 {
        get16(self.arena, block + 2 * usize::from(field))
    }

    #[cfg_attr(not(fast), inline(never))]
    pub(crate) fn put(&mut self, block: usize, field: u8, value: u16) {
        put16(self.arena, block + 2 * usize::from(field), value);
    }

    /// A field of the current frame.
    #[inline(always)]
    pub(crate) fn own(&self, field: u8) -> u16 {
        self.fields.get(usize::from(field)).copied().unwrap_or(0)
    }

    #[inline(always)]
    pub(crate) fn set_own(&mut self, field: u8, value: u16) {
        if let Some(place) = self.fields.get_mut(usize::from(field)) {
            *place = value;
        }
    }

    // ---- code

    #[cfg_attr(not(fast), inline(never))]
    pub(crate) fn byte(&mut self, byte: u8) {
        if self.code >= self.top {
            return self.fail(self.no_room(1));
        }
        if let Some(place) = self.arena.get_mut(self.code) {
            *place = byte;
        }
        self.code += 1;
    }

    #[cfg_attr(not(fast), inline(never))]
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.byte(byte));
    }

    /// A copy of bytes of the statement, or of the arena.
    #[inline(never)]
    pub(crate) fn copy(&mut self, from: u16, len: usize) {
        let to = self.code;
        if to + len > self.top {
            return self.fail(self.no_room(len));
        }
        self.code += len;
        if from & IN_ARENA != 0 {
            self.shift((from & !IN_ARENA).into(), len, to);
        } else if let Some(place) = self.arena.get_mut(to..to + len)
            && let Some(text) = self.sql.get(usize::from(from)..usize::from(from) + len)
        {
            place.copy_from_slice(text);
        }
    }

    #[cfg_attr(not(fast), inline(never))]
    pub(crate) fn word(&mut self, word: u16) {
        self.byte(word as u8);
        self.byte((word >> 8) as u8);
    }

    pub(crate) fn op(&mut self, op: Op) {
        self.byte(op as u8);
    }

    #[cfg_attr(not(fast), inline(never))]
    pub(crate) fn op1(&mut self, op: Op, operand: u8) {
        self.op(op);
        self.byte(operand);
    }

    #[cfg_attr(not(fast), inline(never))]
    pub(crate) fn op2(&mut self, op: Op, first: u8, second: u8) {
        self.op1(op, first);
        self.byte(second);
    }

    /// A jump to a place that is known.
    #[cfg_attr(not(fast), inline(never))]
    pub(crate) fn jump_to(&mut self, op: Op, target: u16) {
        self.op(op);
        self.word(target);
    }

    /// The target of the jump just begun joins a chain, to be patched later. The chain's head is given back.
    #[cfg_attr(not(fast), inline(never))]
    pub(crate) fn chain(&mut self, head: u16) -> u16 {
        let at = self.here();
        self.word(head);
        at
    }

    /// The target joins a chain that is kept in a field.
    #[cfg_attr(not(fast), inline(never))]
    pub(crate) fn chain_in(&mut self, block: usize, field: u8) {
        let head = self.chain(self.get(block, field));
        self.put(block, field, head);
    }

    /// The target joins a chain that is kept in a field of the current frame.
    #[cfg_attr(not(fast), inline(never))]
    pub(crate) fn chain_own(&mut self, field: u8) {
        let head = self.chain(self.own(field));
        self.set_own(field, head);
    }

    /// All jumps of a chain lead to `target`.
    pub(crate) fn patch(&mut self, mut head: u16, target: u16) {
        while head != NONE && self.failed.is_none() {
            let next = get16(self.arena, usize::from(head));
            put16(self.arena, usize::from(head), target);
            head = next;
        }
    }

    /// All jumps of a chain lead here.
    pub(crate) fn patch_here(&mut self, head: u16) {
        self.patch(head, self.here());
    }

    /// The offset of the next instruction.
    pub(crate) fn here(&self) -> u16 {
        self.code as u16
    }

    // ---- numbers

    /// So many more values on the stack.
    #[cfg_attr(not(fast), inline(never))]
    pub(crate) fn grow(&mut self, by: u8) {
        match self.now.depth.checked_add(by) {
            Some(depth) if depth <= 250 => {
                self.now.depth = depth;
                self.most.depth = self.most.depth.max(depth);
            }
            _ => self.too_big(),
        }
    }

    #[inline(never)]
    fn too_big(&mut self) {
        self.fail_here(ErrorKind::TooBig);
    }

    /// So many fewer.
    #[cfg_attr(not(fast), inline(never))]
    pub(crate) fn shrink(&mut self, by: u8) {
        self.now.depth = self.now.depth.saturating_sub(by);
    }

    pub(crate) fn new_local(&mut self) -> u8 {
        self.new_locals(1)
    }

    /// The first of several locals in a row.
    #[inline(never)]
    pub(crate) fn new_locals(&mut self, count: u8) -> u8 {
        let first = self.now.locals;
        match first.checked_add(count) {
            Some(next) if next <= 250 => self.now.locals = next,
            _ => self.too_big(),
        }
        self.most.locals = self.most.locals.max(self.now.locals);
        first
    }

    #[cfg_attr(not(fast), inline(never))]
    pub(crate) fn new_cursor(&mut self) -> u8 {
        let cursor = self.now.cursors;
        if usize::from(cursor) >= super::store::CURSORS {
            self.too_big();
            return cursor;
        }
        self.now.cursors = cursor + 1;
        self.most.cursors = self.most.cursors.max(self.now.cursors);
        cursor
    }

    #[inline(never)]
    pub(crate) fn new_stage(&mut self) -> u8 {
        let stage = self.now.stages;
        if stage >= 32 {
            self.too_big();
            return stage;
        }
        self.now.stages = stage + 1;
        self.most.stages = self.most.stages.max(self.now.stages);
        stage
    }

    // ---- the machine

    /// Runs until the program is complete.
    pub(crate) fn run(&mut self) -> Result<()> {
        loop {
            self.ok()?;
            match self.mode {
                Mode::Operand => self.operand(),
                Mode::Operator => self.operator(),
                Mode::Step => self.step(),
                Mode::Done => return Ok(()),
            }
        }
    }
}
