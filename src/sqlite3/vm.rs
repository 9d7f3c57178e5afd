//! The machine that runs programs.
//!
//! Contract: all state is in the lent bytes and in [`State`], so that a statement stops at each row and goes on from
//! there. The bytes hold, in this order: program, stack of values, locals, cursors, stages, scratch. Rows and texts live in the
//! scratch like on a stack: a cursor remembers where its rows begin, and its next row takes the place of the last one
//! and of all that was made since.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[cfg(fast)]
mod ahead;
pub(super) mod cell;
pub(super) mod change;
pub(super) mod covered;
mod distinct;
mod explain;
mod groups;
mod instructions;
pub(super) mod keep;
mod range;
pub(super) mod rows;
mod rowset;
mod sorter;
pub(super) mod stage;
pub(super) mod unite;

use super::compile::{get16, put16};
use super::error::{Error, ErrorKind};
use super::function::{Context, Custom};
use super::program::Comparison;
use super::schema;
use super::scratch::Scratch;
use super::statement::Program;
use super::store::{Savepoint, Store};
use super::value::{Affinity, Value};
use cell::{CELL, Cell, View, locate, split};
use instructions::HANDLERS;
use rows::AtHand;

/// Bytes of a cursor and of a stage.
pub(crate) const CURSOR: usize = 26;
pub(crate) const STAGE: usize = 40;
/// The place of a store's cursor that the machine keeps for look-ups of its own.
pub(crate) const OWN_CURSOR: usize = 0;

pub(crate) use super::error::Result;

/// What a connection knows, and every statement may change.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Session {
    pub(crate) context: Context,
    /// The table of which the largest rowid is known, and that rowid.
    pub(crate) last: (u16, i64),
    /// Counts every write, so that a SELECT in passes notices.
    pub(crate) writes: u32,
    /// Turns of loops left before [`Session::more_steps`] is asked.
    pub(crate) steps: u32,
    /// Turns left behind those; `None` without a bound.
    pub(crate) rest: Option<u64>,
    /// Who is asked every so many turns whether to go on.
    pub(crate) handler: Option<(fn() -> bool, u32)>,
    /// The functions of the user's own.
    pub(crate) functions: &'static [Custom],
    /// What its temporary views have as their number; 0 before the first.
    pub(crate) number: u16,
}

impl Session {
    /// Turns of loops for a statement to begin with.
    pub(crate) fn begin_steps(&mut self, limit: Option<u64>) {
        self.rest = limit;
        self.next_steps();
    }

    /// The next stretch of turns.
    fn next_steps(&mut self) {
        let most = self.handler.map_or(u32::MAX, |(_, every)| every);
        self.steps = self.rest.map_or(most, |rest| u32::try_from(rest).unwrap_or(u32::MAX).min(most));
        self.rest = self.rest.map(|rest| rest.saturating_sub(self.steps.into()));
    }

    /// All turns are used up: the handler may allow more.
    #[cold]
    fn more_steps(&mut self) -> Result<()> {
        if self.rest == Some(0) || self.handler.is_some_and(|(stop, _)| stop()) {
            return Err(ErrorKind::Interrupted.into());
        }
        self.next_steps();
        Ok(())
    }
}

/// Where a statement stands between rows.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct State {
    pub(crate) pc: u16,
    pub(crate) sp: u16,
    pub(crate) bump: u16,
    /// End of the scratch, and of what is kept beyond it.
    pub(crate) end: u16,
    pub(crate) high: u32,
    /// Where the cells of the row begin, and how many they are.
    pub(crate) row: u16,
    pub(crate) columns: u8,
    pub(crate) running: bool,
    /// Whether the statement began a transaction of its own.
    pub(crate) own: bool,
    pub(crate) savepoint: Savepoint,
    /// What the constraint that failed asks for.
    pub(crate) action: u8,
    /// The first of the store's cursors that are this statement's.
    pub(crate) slot: u8,
    pub(crate) changes: i64,
    /// Whether the value of a subquery found no room.
    pub(crate) lost: bool,
    pub(crate) wrote: bool,
    /// The session's count of writes when reading began.
    pub(crate) seen: u32,
}

/// What a step ended with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Row,
    Done,
}

/// Where things are in the lent bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Layout {
    pub(crate) stack: usize,
    pub(crate) locals: usize,
    pub(crate) cursors: usize,
    pub(crate) stages: usize,
    pub(crate) scratch: usize,
    /// End of the scratch; between it and the areas of the stages is what is kept.
    pub(crate) end: usize,
    pub(crate) areas: usize,
    /// Bytes of each stage, from the end downwards.
    pub(crate) share: usize,
}

impl Layout {
    pub(crate) fn of(program: &Program, len: usize) -> Self {
        let most = program.most;
        let len = len.min(keep::HIGH);
        let stack = usize::from(program.code);
        let locals = stack + CELL * usize::from(most.depth);
        let cursors = locals + CELL * usize::from(most.locals);
        let stages = cursors + CURSOR * usize::from(most.cursors);
        let scratch = stages + STAGE * usize::from(most.stages);
        let free = len.saturating_sub(scratch);
        // What is kept counts as one stage more.
        let parts = usize::from(most.stages) + usize::from(program.keeps && most.stages > 0);
        let share = (free / 4 * 3).checked_div(parts).unwrap_or(0);
        let areas = len - share * usize::from(most.stages).min(len);
        Layout { stack, locals, cursors, stages, scratch, end: areas, areas, share }
    }
}

/// The machine, as it runs one step. The fields stand in the order of their uses, as the compiler's do.
#[repr(C)]
pub(crate) struct Machine<'a> {
    pub(crate) arena: &'a mut [u8],
    pub(crate) pc: usize,
    /// Offset of the first free cell of the stack.
    pub(crate) sp: usize,
    /// Offset of the first free byte of the scratch.
    pub(crate) bump: usize,
    /// Offset of the stage at hand.
    pub(crate) stage: usize,
    pub(crate) layout: Layout,
    pub(crate) store: &'a mut dyn Store,
    pub(crate) state: &'a mut State,
    pub(crate) session: &'a mut Session,
    pub(crate) sql: &'a [u8],
    pub(crate) parameters: &'a [Value<'a>],
    pub(crate) program: &'a Program,
    pub(crate) row: AtHand,
}

impl<'a> Machine<'a> {
    /// Prepares a statement's state to run from its beginning.
    pub(crate) fn reset(program: &Program, arena: &mut [u8], state: &mut State) -> Result<()> {
        let layout = Layout::of(program, arena.len());
        if layout.scratch > arena.len() {
            return Err(Error::limit(layout.scratch + 64));
        }
        for local in 0..usize::from(program.most.locals) {
            Cell::UNSET.write(arena, layout.locals + local * CELL);
        }
        let slot = state.slot;
        let (sp, bump, end) = (layout.stack as u16, layout.scratch as u16, layout.end as u16);
        let high = arena.len() as u32;
        *state = State { sp, bump, end, high, running: true, slot, ..State::default() };
        Ok(())
    }

    /// A machine that goes on from where the statement stands.
    #[cfg_attr(fast, inline)]
    #[cfg_attr(not(fast), inline(never))]
    pub(crate) fn new(
        program: &'a Program,
        arena: &'a mut [u8],
        store: &'a mut dyn Store,
        state: &'a mut State,
        session: &'a mut Session,
        sql: &'a [u8],
        parameters: &'a [Value<'a>],
    ) -> Self {
        let layout = Layout::of(program, arena.len());
        Machine {
            pc: state.pc.into(),
            sp: state.sp.into(),
            bump: state.bump.into(),
            stage: 0,
            layout: Layout { end: state.end.into(), ..layout },
            arena,
            store,
            state,
            session,
            sql,
            parameters,
            program,
            row: AtHand::NOTHING,
        }
    }

    /// Keeps where the machine stands, for its next step.
    pub(crate) fn stop(&mut self) {
        self.state.pc = self.pc as u16;
        self.state.sp = self.sp as u16;
        self.state.bump = self.bump as u16;
        self.state.end = self.layout.end as u16;
    }

    // ---- operands

    #[cfg_attr(not(fast), inline(never))]
    #[cfg_attr(fast, inline)]
    pub(crate) fn u8(&mut self) -> usize {
        let byte = self.arena.get(self.pc).copied().unwrap_or(0);
        self.pc += 1;
        byte.into()
    }

    #[inline]
    pub(crate) fn operand(&mut self) -> usize {
        self.u8()
    }

    #[cfg_attr(not(fast), inline(never))]
    #[cfg_attr(fast, inline)]
    pub(crate) fn u16(&mut self) -> usize {
        let word = get16(self.arena, self.pc);
        self.pc += 2;
        word.into()
    }

    #[inline]
    pub(crate) fn fixed<const N: usize>(&mut self) -> [u8; N] {
        let bytes = super::program::chunk(self.arena, self.pc).copied().unwrap_or([0; N]);
        self.pc += N;
        bytes
    }

    /// Jumps to the target that is the next operand, if so.
    #[cfg_attr(not(fast), inline(never))]
    #[cfg_attr(fast, inline)]
    pub(crate) fn jump_if(&mut self, jump: bool) {
        if jump {
            self.pc = get16(self.arena, self.pc).into();
        } else {
            self.pc += 2;
        }
    }

    // ---- cells

    #[inline]
    pub(crate) fn push(&mut self, cell: Cell) {
        cell.write(self.arena, self.sp);
        self.sp += CELL;
    }

    #[inline]
    pub(crate) fn pop(&mut self) -> Cell {
        self.sp = self.sp.saturating_sub(CELL);
        Cell::read(self.arena, self.sp)
    }

    /// The cell so many below the top, which is 0.
    #[inline]
    pub(crate) fn peek(&self, below: usize) -> Cell {
        Cell::read(self.arena, self.sp.saturating_sub(CELL * (below + 1)))
    }

    pub(crate) fn replace(&mut self, cell: Cell) {
        cell.write(self.arena, self.sp.saturating_sub(CELL));
    }

    pub(crate) fn local_at(&self, local: usize) -> usize {
        self.layout.locals + local * CELL
    }

    pub(crate) fn local(&self, local: usize) -> Cell {
        Cell::read(self.arena, self.local_at(local))
    }

    pub(crate) fn set_local(&mut self, local: usize, cell: Cell) {
        let at = self.local_at(local);
        cell.write(self.arena, at);
    }

    /// Bytes of the arena; none if it is shorter.
    #[cfg_attr(fast, inline)]
    #[cfg_attr(not(fast), inline(never))]
    pub(crate) fn bytes(&self, at: usize, len: usize) -> &[u8] {
        stretch(self.arena, at, len)
    }

    /// Moves bytes within the arena.
    #[inline(never)]
    pub(crate) fn shift(&mut self, from: usize, len: usize, to: usize) {
        super::program::shift(self.arena, from, len, to);
    }

    /// What values borrow from, while nothing is written.
    #[cfg_attr(fast, inline)]
    #[cfg_attr(not(fast), inline(never))]
    pub(crate) fn view(&self) -> View<'_> {
        View { arena: self.arena, stages: &[], stages_at: usize::MAX, sql: self.sql, parameters: self.parameters }
    }

    /// The value of a cell.
    #[cfg_attr(not(fast), inline(never))]
    #[cfg_attr(fast, inline)]
    pub(crate) fn value_of(&self, cell: Cell) -> Value<'_> {
        self.view().value(cell)
    }

    /// Makes a value of cells, with the free part of the scratch to write texts in, and gives its cell.
    pub(crate) fn make(
        &mut self,
        make: &mut dyn for<'v> FnMut(View<'v>, &mut Scratch<'v>, &mut Context) -> Result<Value<'v>>,
    ) -> Result<Cell> {
        let (bump, end) = (self.bump, self.layout.end);
        let arena_len = self.arena.len();
        let base = self.arena.as_ptr() as usize;
        let (view, room) = split(self.arena, (bump, end), self.sql, self.parameters);
        let room_len = room.len();
        let mut scratch = Scratch::new(room);
        let made =
            make(view, &mut scratch, &mut self.session.context).map_err(|error| error.more(arena_len - room_len))?;
        let cell = match locate(made, (base, arena_len), self.sql) {
            Some(cell) => cell,
            None => {
                // Bytes from elsewhere, a parameter's or a constant's, are copied.
                let (bytes, blob) = match made {
                    Value::Blob(bytes) => (bytes, true),
                    Value::Text(bytes) => (bytes, false),
                    _ => (&b""[..], false),
                };
                scratch.extend(bytes);
                let kept = scratch.finish().map_err(|_| Error::limit(arena_len + bytes.len()))?;
                let at = kept.as_ptr() as usize - base;
                Cell::in_arena(blob, at, kept.len())
            }
        };
        if let Some((at, len)) = cell.in_arena_at()
            && (bump..end).contains(&at)
        {
            self.bump = self.bump.max(at + len);
        }
        Ok(cell)
    }

    /// A cell with an affinity. Most stay what they are; only a number that becomes text takes room.
    pub(crate) fn apply(&mut self, affinity: Affinity, cell: Cell) -> Result<Cell> {
        if affinity == Affinity::Text {
            return if cell.is_number() {
                self.make(&mut |view, scratch, _| affinity.apply(view.value(cell), scratch))
            } else {
                Ok(cell)
            };
        }
        if !affinity.is_numeric() || cell.is_null() {
            return Ok(cell);
        }
        Ok(match affinity.apply_numeric(self.value_of(cell)) {
            Value::Text(_) | Value::Blob(_) => cell,
            number => Cell::number(number),
        })
    }

    // ---- the loop

    /// Runs to the next row, or to the end.
    pub(crate) fn run(&mut self) -> Result<Outcome> {
        loop {
            let code = self.u8();
            let handler = HANDLERS.get(code).ok_or(ErrorKind::Internal)?;
            match handler(self, code as u8) {
                Ok(()) => {}
                Err(Error::ROW) => return Ok(Outcome::Row),
                Err(Error::DONE) => return Ok(Outcome::Done),
                Err(error) => return Err(error),
            }
        }
    }

    /// A loop of the program looks for its next row: one of the steps that are counted. (No loop goes round without.)
    #[inline]
    pub(crate) fn turn(&mut self) -> Result<()> {
        if self.session.steps == 0 {
            self.session.more_steps()?;
        }
        self.session.steps -= 1;
        Ok(())
    }

    /// Compares two cells.
    #[cfg_attr(fast, inline(always))]
    #[cfg_attr(not(fast), inline(never))]
    pub(crate) fn compare(&mut self, comparison: Comparison, left: Cell, right: Cell) -> Result<Option<bool>> {
        if let Some(holds) = comparison.of_numbers(left, right) {
            return Ok(Some(holds));
        }
        self.compare_values(comparison, left, right)
    }

    #[inline(never)]
    fn compare_values(&mut self, comparison: Comparison, left: Cell, right: Cell) -> Result<Option<bool>> {
        let collation = schema::collation(comparison.collation());
        let affinity = match comparison.affinity() {
            1 => return self.compare_as_text(comparison, left, right),
            2 => Affinity::Numeric,
            _ => Affinity::Blob,
        };
        let view = self.view();
        let (left, right) = (affinity.apply_numeric(view.value(left)), affinity.apply_numeric(view.value(right)));
        Ok(comparison.of(left, right, collation))
    }

    /// Numbers become text first. That text is forgotten again.
    pub(crate) fn compare_as_text(&mut self, comparison: Comparison, left: Cell, right: Cell) -> Result<Option<bool>> {
        let collation = schema::collation(comparison.collation());
        let bump = self.bump;
        let mut known = None;
        let made = self.make(&mut |view, scratch, _| {
            let left = Affinity::Text.apply(view.value(left), scratch)?;
            let right = Affinity::Text.apply(view.value(right), scratch)?;
            known = comparison.of(left, right, collation);
            Ok(Value::Null)
        });
        self.bump = bump;
        made.map(|_| known)
    }

    /// A field of two bytes in the arena.
    #[cfg_attr(not(fast), inline(never))]
    #[cfg_attr(fast, inline)]
    pub(crate) fn field(&self, at: usize) -> usize {
        get16(self.arena, at).into()
    }

    #[cfg_attr(not(fast), inline(never))]
    #[cfg_attr(fast, inline)]
    pub(crate) fn set_field(&mut self, at: usize, value: usize) {
        put16(self.arena, at, value as u16);
    }
}

/// So many bytes at an offset; none if there are fewer.
#[cfg_attr(fast, inline)]
#[cfg_attr(not(fast), inline(never))]
pub(crate) fn stretch(bytes: &[u8], at: usize, len: usize) -> &[u8] {
    bytes.get(at..).and_then(|rest| rest.get(..len)).unwrap_or_default()
}
