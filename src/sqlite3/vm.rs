//! The machine that runs programs.
//!
//! Contract: all state is in the lent bytes and in [`State`], so that a statement stops at each row and goes on from
//! there. The bytes hold, in this order: program, stack of values, locals, cursors, stages, scratch. Rows and texts live in the
//! scratch like on a stack: a cursor remembers where its rows begin, and its next row takes the place of the last one
//! and of all that was made since.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::cell::{CELL, Cell, View, locate, split};
use super::compile::{get16, put16};
use super::error::{Error, ErrorKind};
use super::function::{Context, Custom};
use super::program::{Comparison, Op};
use super::rows::AtHand;
use super::schema;
use super::scratch::Scratch;
use super::statement::Program;
use super::store::{Savepoint, Store};
use super::value::{self, Affinity, Operator, Value};

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
    /// Instructions left before a statement is interrupted, or the handler is asked; `None` without either.
    pub(crate) steps: Option<u64>,
    /// Instructions left behind those; `None` without a bound.
    pub(crate) rest: Option<u64>,
    /// Who is asked every so many instructions whether to go on.
    pub(crate) handler: Option<(fn() -> bool, u32)>,
    /// The functions of the user's own.
    pub(crate) functions: &'static [Custom],
}

impl Session {
    /// Instructions for a statement to begin with.
    pub(crate) fn begin_steps(&mut self, limit: Option<u64>) {
        (self.steps, self.rest) = match (self.handler, limit) {
            (None, limit) => (limit, Some(0)),
            (Some((_, every)), None) => (Some(every.into()), None),
            (Some((_, every)), Some(limit)) => {
                let first = limit.min(every.into());
                (Some(first), Some(limit - first))
            }
        };
    }

    /// All instructions are used up: the handler may allow more.
    fn more_steps(&mut self) -> Result<()> {
        let (Some((go_on_no_more, every)), left) = (self.handler, self.rest) else {
            return Err(ErrorKind::Interrupted.into());
        };
        if left == Some(0) || go_on_no_more() {
            return Err(ErrorKind::Interrupted.into());
        }
        let next = left.unwrap_or(u64::MAX).min(every.into());
        (self.steps, self.rest) = (Some(next), left.map(|left| left - next));
        Ok(())
    }
}

/// Where a statement stands between rows.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct State {
    pub(crate) pc: u16,
    pub(crate) sp: u8,
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
        let len = len.min(super::keep::HIGH);
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
        let (bump, end) = (layout.scratch as u16, layout.end as u16);
        let high = arena.len() as u32;
        *state = State { sp: 0, bump, end, high, running: true, slot, ..State::default() };
        Ok(())
    }

    // ---- operands

    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    #[cfg_attr(target_pointer_width = "64", inline)]
    pub(crate) fn u8(&mut self) -> usize {
        let byte = self.arena.get(self.pc).copied().unwrap_or(0);
        self.pc += 1;
        byte.into()
    }

    #[inline]
    pub(crate) fn operand(&mut self) -> usize {
        self.u8()
    }

    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    #[cfg_attr(target_pointer_width = "64", inline)]
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
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    #[cfg_attr(target_pointer_width = "64", inline)]
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

    /// What values borrow from, while nothing is written.
    #[inline]
    pub(crate) fn view(&self) -> View<'_> {
        View { arena: self.arena, stages: &[], stages_at: usize::MAX, sql: self.sql, parameters: self.parameters }
    }

    /// The value of a cell.
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    #[cfg_attr(target_pointer_width = "64", inline)]
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
            if let Some(steps) = self.session.steps.as_mut() {
                match steps.checked_sub(1) {
                    Some(left) => *steps = left,
                    None => self.session.more_steps()?,
                }
            }
            let code = self.u8();
            match Op::from(code as u8) {
                Op::Halt => return Ok(Outcome::Done),
                Op::Result => {
                    let columns = self.u8();
                    self.state.columns = columns as u8;
                    self.state.row = self.sp.saturating_sub(columns * CELL) as u16;
                    return Ok(Outcome::Row);
                }
                // What needs much of the stack is called from here, and not from what needs some itself.
                op => {
                    if !self.execute(op)? && !self.perform(op)? {
                        self.execute_rare(op)?;
                    }
                }
            }
        }
    }

    #[cfg_attr(target_pointer_width = "64", inline)]
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    pub(crate) fn execute(&mut self, op: Op) -> Result<bool> {
        match op {
            Op::Null => self.push(Cell::NULL),
            Op::Int8 => {
                let [byte] = self.fixed::<1>();
                self.push(Cell::integer((byte as i8).into()));
            }
            Op::Int16 => {
                let bytes = self.fixed();
                self.push(Cell::integer(i16::from_le_bytes(bytes).into()));
            }
            Op::Int32 => {
                let bytes = self.fixed();
                self.push(Cell::integer(i32::from_le_bytes(bytes).into()));
            }
            Op::Int64 => {
                let bytes = self.fixed();
                self.push(Cell::integer(i64::from_le_bytes(bytes)));
            }
            Op::Real => {
                let bytes = self.fixed();
                self.push(Cell::real(f64::from_bits(u64::from_le_bytes(bytes))));
            }
            Op::TextSql => {
                let (at, len) = (self.u16(), self.u16());
                self.push(Cell::sql_text(at, len));
            }
            Op::Text | Op::Blob => {
                let len = self.u16();
                self.push(Cell::in_arena(op == Op::Blob, self.pc, len));
                self.pc += len;
            }
            Op::Param => {
                let number = self.u8().wrapping_sub(1);
                let value = self.parameters.get(number).copied().ok_or(ErrorKind::Parameters)?;
                self.push(Cell::parameter(number, value));
            }
            Op::Column => {
                let [cursor, column] = self.fixed();
                if !self.column(cursor, column)? {
                    self.push(Cell::NULL);
                }
            }
            Op::ColumnOr => {
                let [cursor, column] = self.fixed();
                let found = self.column(cursor, column)?;
                self.jump_if(found);
            }
            Op::Rowid => {
                let cursor = self.u8();
                let cell = self.rowid(cursor);
                self.push(cell);
            }
            Op::Compare => {
                let comparison = Comparison(self.u8() as u8);
                let (right, left) = (self.pop(), self.peek(0));
                let truth = self.compare(comparison, left, right)?;
                self.replace(Cell::truth(truth));
            }
            Op::IfNot | Op::If => {
                let cell = self.pop();
                let truth = match cell.as_integer() {
                    Some(i) => i != 0,
                    None => self.value_of(cell).truth() == Some(true),
                };
                self.jump_if(truth == (op == Op::If));
            }
            Op::IfFalseKeep | Op::IfTrueKeep => {
                let truth = self.value_of(self.peek(0)).truth();
                let jump = truth == Some(op == Op::IfTrueKeep);
                if jump {
                    self.replace(Cell::truth(truth));
                }
                self.jump_if(jump);
            }
            Op::Next => self.next()?,
            Op::GroupStep => self.group_step()?,
            Op::Jump => self.jump_if(true),
            Op::And | Op::Or => {
                let (right, left) = (self.pop(), self.peek(0));
                let (right, left) = (self.value_of(right).truth(), self.value_of(left).truth());
                let truth = if op == Op::And { value::and(left, right) } else { value::or(left, right) };
                self.replace(Cell::truth(truth));
            }
            Op::Add
            | Op::Subtract
            | Op::Multiply
            | Op::Divide
            | Op::Remainder
            | Op::BitAnd
            | Op::BitOr
            | Op::ShiftLeft
            | Op::ShiftRight => {
                let (right, left) = (self.pop(), self.peek(0));
                let made = Cell::number(value::calculate(operator(op), self.value_of(left), self.value_of(right)));
                self.replace(made);
            }
            Op::Local => {
                let local = self.u8();
                let cell = self.local(local);
                self.push(if cell.is_unset() { Cell::NULL } else { cell });
            }
            Op::SetLocal => {
                let local = self.u8();
                let cell = self.pop();
                self.set_local(local, cell);
            }
            Op::Flag => {
                let (local, value) = (self.u8(), self.u8());
                self.set_local(local, Cell::integer(value as i64));
            }
            Op::IfFlag => {
                let local = self.u8();
                let set = self.local(local).as_integer().unwrap_or(0) != 0;
                self.jump_if(set);
            }
            Op::Pick => {
                let place = self.layout.stack + self.u8() * CELL;
                self.push(Cell::read(self.arena, place));
            }
            Op::Store => {
                let place = self.layout.stack + self.u8() * CELL;
                let cell = self.pop();
                cell.write(self.arena, place);
            }
            Op::Drop => {
                self.pop();
            }
            Op::Nip => {
                let cell = self.pop();
                self.replace(cell);
            }
            Op::Depth => self.sp = self.layout.stack + self.u8() * CELL,
            Op::Not | Op::Negate | Op::Invert | Op::IsNull | Op::NotNull | Op::IsTrue | Op::IsFalse => {
                let value = self.value_of(self.peek(0));
                let made = match op {
                    Op::Not => Cell::truth(value.truth().map(|truth| !truth)),
                    Op::Negate => Cell::number(value::negate(value)),
                    Op::Invert => Cell::number(value::invert(value)),
                    Op::IsNull => Cell::integer(value.is_null().into()),
                    Op::NotNull => Cell::integer((!value.is_null()).into()),
                    Op::IsTrue => Cell::integer((value.truth() == Some(true)).into()),
                    _ => Cell::integer((value.truth() == Some(false)).into()),
                };
                self.replace(made);
            }
            Op::IfKnown => {
                let known = !self.peek(0).is_null();
                self.jump_if(known);
                if !known {
                    self.pop();
                }
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Compares two cells.
    #[cfg_attr(target_pointer_width = "64", inline)]
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    pub(crate) fn compare(&mut self, comparison: Comparison, left: Cell, right: Cell) -> Result<Option<bool>> {
        // Numbers compare by value, whatever the affinity, unless they are to be texts.
        if comparison.affinity() != 1
            && let Some(order) = left.compare_numbers(right)
        {
            return Ok(Some(comparison.holds(order)));
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
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    #[cfg_attr(target_pointer_width = "64", inline)]
    pub(crate) fn field(&self, at: usize) -> usize {
        get16(self.arena, at).into()
    }

    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    #[cfg_attr(target_pointer_width = "64", inline)]
    pub(crate) fn set_field(&mut self, at: usize, value: usize) {
        put16(self.arena, at, value as u16);
    }
}

fn operator(op: Op) -> Operator {
    match op {
        Op::Add => Operator::Add,
        Op::Subtract => Operator::Subtract,
        Op::Multiply => Operator::Multiply,
        Op::Divide => Operator::Divide,
        Op::Remainder => Operator::Remainder,
        Op::BitAnd => Operator::And,
        Op::BitOr => Operator::Or,
        Op::ShiftLeft => Operator::ShiftLeft,
        _ => Operator::ShiftRight,
    }
}
