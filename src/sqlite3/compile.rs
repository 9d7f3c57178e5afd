//! The compiler's ground: its memory, its marks on it, and the code it emits.
//!
//! Contract: SQL text becomes a program in one walk over tokens, some of which are read twice. There is no tree and no
//! recursion: what waits (operators, open parentheses, clauses of a SELECT, tables of its FROM) lies on a stack of
//! marks in the same lent bytes, growing down while the program grows up. When they meet, the error says so.
//!
//! Offsets of tokens have 15 bits; with the 16th they mean text that was read from the schema into the arena
//! (views, CHECK, DEFAULT), which ends with a NUL byte.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use core::cell::Cell;

use super::error::{Error, ErrorKind, Result};
use super::function::Custom;
use super::program::{Comparison, Op, Relation};
use super::store::Store;
use super::token::{self, Kind, Token, class};
use super::value::Affinity;

/// The flag of an offset into the arena.
pub(crate) const IN_ARENA: u16 = 0x8000;
/// No offset, no chain.
pub(crate) const NONE: u16 = 0xffff;

/// How many tokens are remembered.
pub(crate) const RECENT: usize = 16;

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

/// What is known of an operand while compiling, in one byte: affinity (0 none, else [`super::value::Affinity`] + 1), collation (0
/// none, else [`super::value::Collation`] + 1), and whether the collation was written; and where its code begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Operand {
    known: u8,
    pub(crate) start: u16,
}

/// The bits of what is known of an [`Operand`].
mod known {
    pub(super) const AFFINITY: u8 = 7;
    pub(super) const COLLATION: u8 = 3 << 3;
    pub(super) const EXPLICIT: u8 = 1 << 5;
}

impl Operand {
    /// An operand of a column, whose affinity and collation these are.
    pub(crate) fn of_column(affinity: u8, collation: u8, start: u16) -> Self {
        Operand { known: (affinity + 1) | (collation + 1) << 3, start }
    }
    /// One of which nothing is known.
    pub(crate) fn plain(start: u16) -> Self {
        Operand { known: 0, start }
    }
    /// In one byte, without the start.
    pub(crate) fn pack(self) -> u8 {
        self.known
    }
    /// Other bits than those of [`Operand::pack`] may be set.
    pub(crate) fn unpack(byte: u8, start: u16) -> Self {
        Operand { known: byte & (known::AFFINITY | known::COLLATION | known::EXPLICIT), start }
    }
    pub(crate) fn affinity(self) -> u8 {
        self.known & known::AFFINITY
    }
    pub(crate) fn collation(self) -> u8 {
        (self.known & known::COLLATION) >> 3
    }
    pub(crate) fn explicit(self) -> bool {
        self.known & known::EXPLICIT != 0
    }
    pub(crate) fn with_affinity(self, affinity: u8) -> Self {
        Operand { known: self.known & !known::AFFINITY | affinity, ..self }
    }
    pub(crate) fn with_collation(self, collation: u8) -> Self {
        Operand { known: self.known & !known::COLLATION | collation << 3 | known::EXPLICIT, ..self }
    }
    /// The same, but that no collation was written.
    pub(crate) fn unwritten(self, start: u16) -> Self {
        Operand { known: self.known & !known::EXPLICIT, start }
    }
    /// The collation as a number for the program.
    pub(crate) fn sort_collation(self) -> u8 {
        self.collation().saturating_sub(1)
    }
    /// What remains of two operands under an operator: a collation that was written.
    #[inline(never)]
    pub(crate) fn under(left: Operand, right: Operand) -> Operand {
        let from = if left.explicit() { left } else { right };
        Operand { start: left.start, known: if from.explicit() { from.with_affinity(0).known } else { 0 } }
    }
    /// The same of one operand.
    #[inline(never)]
    pub(crate) fn alone(self) -> Operand {
        Operand::under(self, self)
    }
    /// How they compare. (<https://sqlite.org/datatype3.html#comparison_expressions>)
    #[inline(never)]
    pub(crate) fn compare(relation: Relation, left: Operand, right: Operand) -> u8 {
        let affinity = match (left.affinity(), right.affinity()) {
            (0, one) | (one, 0) => Self::class(one),
            (a, b) => Self::class(a).max(Self::class(b)) & 2,
        };
        let collation = if left.explicit() {
            left
        } else if right.explicit() || left.collation() == 0 {
            right
        } else {
            left
        };
        Comparison::new(relation, affinity, collation.sort_collation()).0
    }
    /// The same for a member of what a subquery gives: a side without an affinity takes that of the other one, and
    /// what becomes REAL loses the last bits of a large integer.
    #[inline(never)]
    pub(crate) fn member(left: Operand, right: Operand) -> u8 {
        const REAL: u8 = Affinity::Real as u8 + 1;
        let found = Self::compare(Relation::Equal, left, right);
        let real = matches!((left.affinity(), right.affinity()), (0, REAL) | (REAL, 0));
        if real { found | Comparison::REAL } else { found }
    }
    /// What an affinity does to the other side: 0 nothing, 1 makes text, 2 makes numbers.
    pub(crate) fn class(affinity: u8) -> u8 {
        match affinity {
            0 | 1 => 0,
            2 => 1,
            _ => 2,
        }
    }
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

/// Some tokens: what ends them, and the last three of them (the first, if there are no more).
#[derive(Clone, Copy)]
pub(crate) struct Walk {
    pub(crate) end: Token,
    pub(crate) last: Token,
    pub(crate) before: Token,
    pub(crate) third: Token,
}

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
    pub(crate) most: Counts,
    /// What the last expression was.
    pub(crate) result: Operand,
    /// The largest number of a parameter.
    pub(crate) parameters: u8,
    /// How many result columns; where their names are in the program.
    pub(crate) columns: u8,
    /// Whether the statement writes.
    pub(crate) writes: bool,
    /// Whether it keeps results of subqueries.
    pub(crate) keeps: bool,
    pub(crate) names: u16,
    /// The parameter that was numbered last: its offset, and its number.
    pub(crate) numbered: (u16, u16),
    pub(crate) arena: &'a mut [u8],
    /// End of the program.
    pub(crate) code: usize,
    /// Begin of the stack of marks.
    pub(crate) top: usize,
    /// The frame that is being compiled: an offset into the arena.
    pub(crate) frame: usize,
    /// The first thing that went wrong: see `fail`.
    pub(crate) failed: Option<Error>,
    pub(crate) sql: &'a [u8],
    pub(crate) store: &'a mut dyn Store,
    /// The least that `top` was.
    pub(crate) low: usize,
    /// The number of the session's temporary views; 0 before the first.
    pub(crate) session: u16,
    /// The functions of the user's own.
    pub(crate) functions: &'static [Custom],
    /// Tokens that were read lately.
    pub(crate) recent: [Cell<Token>; RECENT],
}

/// Memory is read and written by these, so that nothing out of bounds can panic: such reads give 0.
pub(crate) fn get16(bytes: &[u8], at: usize) -> u16 {
    super::program::word(bytes, at)
}

/// Writes two bytes; nothing out of bounds.
#[cfg_attr(target_pointer_width = "64", inline)]
#[cfg_attr(not(target_pointer_width = "64"), inline(never))]
pub(crate) fn put16(bytes: &mut [u8], at: usize, value: u16) {
    if let Some(place) = super::program::chunk_mut(bytes, at) {
        *place = value.to_le_bytes();
    }
}

impl Compiler<'_> {
    // ---- tokens

    /// The token at an offset.
    pub(crate) fn lex(&self, at: u16) -> Token {
        if at & IN_ARENA == 0 {
            // Most tokens are read several times within a few steps, and most stand behind one space or none.
            let at = at + u16::from(self.sql.get(usize::from(at)) == Some(&b' '));
            let Some(place) = self.recent.get(usize::from(at) % RECENT) else { return self.token };
            if place.get().start() == at {
                return place.get();
            }
            let token = token::next(self.sql, at.into());
            if let Some(place) = self.recent.get(usize::from(token.start()) % RECENT) {
                place.set(token);
            }
            return token;
        }
        token::next(self.arena, usize::from(at & !IN_ARENA)).in_arena()
    }

    /// The token behind another.
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    pub(crate) fn after(&self, token: Token) -> Token {
        self.lex(token.end())
    }

    /// Goes to the next token and gives the current one.
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    pub(crate) fn advance(&mut self) -> Token {
        let token = self.token;
        self.token = self.after(token);
        token
    }

    /// Goes to the token at an offset.
    pub(crate) fn go(&mut self, at: u16) {
        self.token = self.lex(at);
    }

    /// The bytes of a token.
    pub(crate) fn text(&self, token: Token) -> &[u8] {
        let range = usize::from(token.start() & !IN_ARENA)..usize::from(token.end() & !IN_ARENA);
        let text = if token.start() & IN_ARENA == 0 { self.sql } else { &*self.arena };
        text.get(range).unwrap_or_default()
    }

    /// Whether the current token is of this kind; goes behind it then.
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    pub(crate) fn accept(&mut self, kind: Kind) -> bool {
        let found = self.token.kind == kind;
        if found {
            self.advance();
        }
        found
    }

    /// Goes behind a token that must be there.
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    pub(crate) fn expect(&mut self, kind: Kind) -> Token {
        if self.token.kind != kind {
            self.fail_unexpected();
            return self.token;
        }
        self.advance()
    }

    /// A name: of a column, a table, an alias.
    pub(crate) fn name(&mut self) -> Token {
        if !is_name(self.token.kind) && self.token.kind != Kind::String {
            self.fail_unexpected();
        }
        self.advance()
    }

    /// Whether two names are the same.
    pub(crate) fn same(&self, token: Token, name: &[u8]) -> bool {
        let (text, quote) = unquoted(self.text(token));
        same_name(text, quote, name)
    }

    /// The tokens from one on, to the first on their level that is of these classes.
    #[inline(never)]
    pub(crate) fn walk(&self, from: Token, stop: u8) -> Walk {
        let (mut end, mut last, mut before, mut third) = (from, from, from, from);
        let (mut parentheses, mut cases) = (0usize, 0usize);
        loop {
            // `IS DISTINCT FROM` is no FROM.
            let stops = cases == 0 && end.kind.is(stop) && !(end.kind == Kind::From && last.kind == Kind::Distinct);
            let outermost = parentheses == 0 && (stops || end.kind == Kind::RightParen);
            if outermost || end.kind.is(class::END) {
                return Walk { end, last, before, third };
            }
            match end.kind {
                Kind::LeftParen => parentheses += 1,
                Kind::RightParen => parentheses -= 1,
                Kind::Case => cases += 1,
                Kind::End => cases = cases.saturating_sub(1),
                _ => {}
            }
            (third, before, last) = (before, last, end);
            end = self.after(end);
        }
    }

    /// Goes to the first token on this level that is of these classes.
    #[inline(never)]
    pub(crate) fn skip_to(&mut self, stop: u8) {
        self.token = self.walk(self.token, stop).end;
    }

    // ---- errors

    /// Notes an error; the first one counts. What goes on until the error is looked at, at the latest behind the step, does no
    /// harm and ends: the arena is gone, so that everything in it is 0 and what is written there is nowhere, and so are the tokens.
    #[inline(never)]
    pub(crate) fn fail(&mut self, error: Error) {
        self.failed.get_or_insert(error);
        self.arena = &mut [];
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
    #[inline(never)]
    pub(crate) fn ok(&self) -> Result<()> {
        self.failed.map_or(Ok(()), Err)
    }

    /// An error at a token.
    pub(crate) fn error(&self, kind: ErrorKind, token: Token) -> Error {
        self.placed(kind.into(), token)
    }

    /// An error of which the place is not known yet, at a token.
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    pub(crate) fn placed(&self, error: Error, token: Token) -> Error {
        error.at(if token.start() & IN_ARENA == 0 { usize::from(token.start()) } else { 0 })
    }

    /// An error at the current token.
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
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

    /// Moves bytes of the arena, as far as there are any.
    #[inline(never)]
    pub(crate) fn shift(&mut self, from: usize, len: usize, to: usize) {
        if from.max(to) + len <= self.arena.len() {
            self.arena.copy_within(from..from + len, to);
        }
    }

    // ---- the stack of marks

    /// Takes bytes from the stack.
    #[inline(never)]
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
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    pub(crate) fn get(&self, block: usize, field: u8) -> u16 {
        get16(self.arena, block + 2 * usize::from(field))
    }

    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    pub(crate) fn put(&mut self, block: usize, field: u8, value: u16) {
        put16(self.arena, block + 2 * usize::from(field), value);
    }

    /// A field of the current frame.
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    pub(crate) fn own(&self, field: u8) -> u16 {
        self.get(self.frame, field)
    }

    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    pub(crate) fn set_own(&mut self, field: u8, value: u16) {
        self.put(self.frame, field, value);
    }

    // ---- code

    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    pub(crate) fn byte(&mut self, byte: u8) {
        if self.code >= self.top {
            return self.fail(self.no_room(1));
        }
        if let Some(place) = self.arena.get_mut(self.code) {
            *place = byte;
        }
        self.code += 1;
    }

    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.byte(byte));
    }

    /// A copy of bytes of the statement, or of the arena.
    #[inline(never)]
    pub(crate) fn copy(&mut self, from: u16, len: usize) {
        for offset in 0..len {
            let byte = self.source(from).get(offset).copied().unwrap_or(0);
            self.byte(byte);
        }
    }

    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    pub(crate) fn word(&mut self, word: u16) {
        self.byte(word as u8);
        self.byte((word >> 8) as u8);
    }

    pub(crate) fn op(&mut self, op: Op) {
        self.byte(op as u8);
    }

    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    pub(crate) fn op1(&mut self, op: Op, operand: u8) {
        self.op(op);
        self.byte(operand);
    }

    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    pub(crate) fn op2(&mut self, op: Op, first: u8, second: u8) {
        self.op1(op, first);
        self.byte(second);
    }

    /// A jump to a place that is known.
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    pub(crate) fn jump_to(&mut self, op: Op, target: u16) {
        self.op(op);
        self.word(target);
    }

    /// The target of the jump just begun joins a chain, to be patched later. The chain's head is given back.
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    pub(crate) fn chain(&mut self, head: u16) -> u16 {
        let at = self.here();
        self.word(head);
        at
    }

    /// The target joins a chain that is kept in a field.
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    pub(crate) fn chain_in(&mut self, block: usize, field: u8) {
        let head = self.chain(self.get(block, field));
        self.put(block, field, head);
    }

    /// The target joins a chain that is kept in a field of the current frame.
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    pub(crate) fn chain_own(&mut self, field: u8) {
        self.chain_in(self.frame, field);
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
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
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
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
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

    #[inline(never)]
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

/// Whether a token can be a name.
pub(crate) fn is_name(kind: Kind) -> bool {
    kind > Kind::Limit && kind <= Kind::Quoted
}

/// A name without its quotes, and the quote.
pub(crate) fn unquoted(text: &[u8]) -> (&[u8], u8) {
    match text.first() {
        Some(&quote @ (b'"' | b'`' | b'[' | b'\'')) => {
            (text.get(1..text.len().saturating_sub(1)).unwrap_or_default(), if quote == b'[' { 0 } else { quote })
        }
        _ => (text, 0),
    }
}

/// The bytes of a quoted text, with doubled quotes made single.
pub(crate) fn unescaped(text: &[u8], quote: u8) -> Unescaped<'_> {
    Unescaped { text, quote }
}

/// See [`unescaped`].
pub(crate) struct Unescaped<'a> {
    text: &'a [u8],
    quote: u8,
}

impl Iterator for Unescaped<'_> {
    type Item = u8;

    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    fn next(&mut self) -> Option<u8> {
        let (&byte, rest) = self.text.split_first()?;
        let doubled = self.quote != 0 && byte == self.quote;
        self.text = if doubled { rest.get(1..).unwrap_or_default() } else { rest };
        Some(byte)
    }
}

impl Unescaped<'_> {
    /// Whether both are the same name, whatever their case.
    #[inline(never)]
    pub(crate) fn same(mut self, mut other: Unescaped<'_>) -> bool {
        loop {
            match (self.next(), other.next()) {
                (Some(one), Some(two)) if one.eq_ignore_ascii_case(&two) => {}
                (one, two) => return one.is_none() && two.is_none(),
            }
        }
    }
}

/// Whether a name in the SQL text, without its quotes, is this name, whatever its case.
pub(crate) fn same_name(text: &[u8], quote: u8, name: &[u8]) -> bool {
    if quote == 0 {
        return text.len() == name.len() && text.eq_ignore_ascii_case(name);
    }
    unescaped(text, quote).same(unescaped(name, 0))
}
