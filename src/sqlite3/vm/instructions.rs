//! What each instruction does.
//!
//! Contract: the machine's loop takes the code of an instruction and calls its function by the table here; so no frame
//! stands on the stack that another instruction needed. A function reads its operands, which move the machine's `pc`.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::cell::{CELL, Cell};
use super::{Machine, Result};
use crate::sqlite3::FULL;
use crate::sqlite3::compile::{NONE, get16};
use crate::sqlite3::error::{Error, ErrorKind};
use crate::sqlite3::function::{self, Call, Custom};
use crate::sqlite3::program::{Comparison, OPS, Op, chunk};
use crate::sqlite3::record;
use crate::sqlite3::schema;
use crate::sqlite3::scratch::Scratch;
use crate::sqlite3::value::{self, Affinity, Operator, Value};

/// The most arguments a function takes.
const ARGUMENTS: usize = 16;

/// An instruction's function. It is given its code, as some share one.
pub(crate) type Handler = for<'m, 'a> fn(&'m mut Machine<'a>, u8) -> Result<()>;

/// The functions of all instructions, by their codes. (An index out of bounds would not compile.)
#[allow(clippy::indexing_slicing)]
pub(crate) static HANDLERS: [Handler; OPS.len()] = {
    let mut handlers = [handler(Op::Illegal); OPS.len()];
    let mut at = 0;
    while at < OPS.len() {
        handlers[at] = handler(OPS[at]);
        at += 1;
    }
    handlers
};

/// The function of an instruction.
const fn handler(op: Op) -> Handler {
    match op {
        Op::Null => |m, _| m.give(Cell::NULL),
        Op::Int8 | Op::Int16 | Op::Int32 | Op::Int64 | Op::Real => |m, code| m.number(code),
        Op::TextSql => |m, _| {
            let (at, len) = (m.u16(), m.u16());
            m.give(Cell::sql_text(at, len))
        },
        Op::Text | Op::Blob => |m, code| {
            let (len, at) = (m.u16(), m.pc);
            m.pc += len;
            m.give(Cell::in_arena(code == Op::Blob as u8, at, len))
        },
        Op::Param => |m, _| {
            let number = m.u8();
            let cell = m.parameter(number)?;
            m.give(cell)
        },
        Op::Column => |m, _| {
            let which = m.fixed();
            let found = m.column(which)?;
            m.give(if found { m.row.cell } else { Cell::NULL })
        },
        Op::ColumnOr => |m, _| {
            let which = m.fixed();
            let found = m.column(which)?;
            if found {
                m.push(m.row.cell);
            }
            m.jump_if(found);
            Ok(())
        },
        Op::Rowid => |m, _| {
            let cursor = m.u8();
            let cell = m.rowid(cursor)?;
            m.give(cell)
        },
        Op::Compare => |m, _| {
            let (how, right, left) = (m.u8(), m.pop(), m.pop());
            m.compared(how as u8, left, right)
        },
        Op::IfNot => |m, _| {
            let cell = m.pop();
            let holds = m.truth_of(cell) == Some(true);
            m.jump_if(!holds);
            Ok(())
        },
        Op::IfFalseKeep | Op::IfTrueKeep => |m, code| {
            let truth = m.truth_of(m.peek(0));
            let jump = truth == Some(code == Op::IfTrueKeep as u8);
            if jump {
                m.replace(Cell::truth(truth));
            }
            m.jump_if(jump);
            Ok(())
        },
        Op::Next => |m, _| m.next(),
        Op::Jump => |m, _| {
            m.jump_if(true);
            Ok(())
        },
        Op::And | Op::Or => |m, code| {
            let (left, right) = m.two();
            let (left, right) = (m.truth_of(left), m.truth_of(right));
            m.conclude(if code == Op::And as u8 { value::and(left, right) } else { value::or(left, right) })
        },
        Op::Add
        | Op::Subtract
        | Op::Multiply
        | Op::Divide
        | Op::Remainder
        | Op::BitAnd
        | Op::BitOr
        | Op::ShiftLeft
        | Op::ShiftRight => |m, code| {
            let operator = Operator::ALL.get(usize::from(code - Op::Add as u8)).copied().ok_or(ErrorKind::Internal)?;
            let (left, right) = m.two();
            let made = Cell::number(value::calculate(operator, m.value_of(left), m.value_of(right)));
            m.give(made)
        },
        Op::Local => |m, _| {
            let local = m.u8();
            let cell = m.local(local);
            m.give(if cell.is_unset() { Cell::NULL } else { cell })
        },
        Op::SetLocal => |m, _| {
            let local = m.u8();
            let cell = m.pop();
            m.set_local(local, cell);
            Ok(())
        },
        Op::Flag => |m, _| {
            let (local, value) = (m.u8(), m.u8());
            m.set_local(local, Cell::integer(value as i64));
            Ok(())
        },
        Op::IfFlag => |m, _| {
            let local = m.u8();
            let set = m.local(local).as_integer().unwrap_or(0) != 0;
            m.jump_if(set);
            Ok(())
        },
        Op::Pick => |m, _| {
            let place = m.layout.stack + m.u8() * CELL;
            m.give(Cell::read(m.arena, place))
        },
        Op::Store => |m, _| {
            let place = m.layout.stack + m.u8() * CELL;
            let cell = m.pop();
            cell.write(m.arena, place);
            Ok(())
        },
        Op::Drop => |m, _| {
            m.pop();
            Ok(())
        },
        Op::Nip => |m, _| {
            let cell = m.pop();
            m.replace(cell);
            Ok(())
        },
        Op::Depth => |m, _| {
            m.sp = m.layout.stack + m.u8() * CELL;
            Ok(())
        },
        Op::Negate | Op::Invert => |m, code| {
            let value = m.value_of(m.peek(0));
            let made = if code == Op::Negate as u8 { value::negate(value) } else { value::invert(value) };
            m.replace(Cell::number(made));
            Ok(())
        },
        Op::IsNull | Op::NotNull => |m, code| {
            let null = m.pop().is_null();
            m.conclude(Some(null == (code == Op::IsNull as u8)))
        },
        Op::Not | Op::IsTrue | Op::IsFalse => |m, code| {
            let cell = m.pop();
            let truth = m.truth_of(cell);
            m.conclude(if code == Op::Not as u8 {
                truth.map(|truth| !truth)
            } else {
                Some(truth == Some(code == Op::IsTrue as u8))
            })
        },
        Op::IfKnown => |m, _| {
            let known = !m.peek(0).is_null();
            m.jump_if(known);
            if !known {
                m.pop();
            }
            Ok(())
        },
        Op::Concat => |m, _| {
            let (left, right) = m.two();
            let made =
                m.make(&mut |view, scratch, _| value::concatenate(view.value(left), view.value(right), scratch))?;
            m.give(made)
        },
        Op::Between => |m, _| {
            let (low, high) = (Comparison(m.u8() as u8), Comparison(m.u8() as u8));
            let (top, bottom, subject) = (m.pop(), m.pop(), m.pop());
            let above = m.compare(low, subject, bottom)?;
            let below = m.compare(high, subject, top)?;
            m.conclude(value::and(above, below))
        },
        Op::InItem => |m, _| {
            let comparison = Comparison(m.u8() as u8);
            let (item, subject) = (m.pop(), m.peek(1));
            match m.compare(comparison, subject, item)? {
                Some(true) => m.replace(Cell::integer(1)),
                Some(false) => {}
                None => m.replace(Cell::NULL),
            }
            Ok(())
        },
        Op::InSet if FULL => |m, _| m.in_set(),
        Op::InRow if FULL => |m, _| m.in_row(),
        Op::InFind if FULL => |m, _| m.in_find(),
        Op::CaseEqual => |m, _| {
            let comparison = Comparison(m.u8() as u8);
            let (when, base) = (m.pop(), m.peek(0));
            let truth = m.compare(comparison, base, when)?;
            m.give(Cell::truth(truth))
        },
        Op::Call => |m, _| m.call(),
        Op::Cast => |m, _| {
            let affinity = schema::affinity(m.u8() as u8);
            let cell = m.peek(0);
            let made = m.make(&mut |view, scratch, _| affinity.cast(view.value(cell), scratch))?;
            m.replace(made);
            Ok(())
        },
        Op::Apply => |m, _| {
            let code = m.u8() as u8;
            let value = m.peek(0);
            if code == schema::ONLY_INTEGERS && !matches!(m.value_of(value), Value::Integer(_)) {
                return Ok(());
            }
            let made = m.apply(schema::affinity(code), value)?;
            m.replace(made);
            Ok(())
        },
        Op::Scan => |m, _| m.scan(),
        Op::Find => |m, _| m.find(),
        Op::Range => |m, _| m.range(),
        Op::NullRow if FULL => |m, _| m.null_row(),
        Op::MakeRow if FULL => |m, _| m.make_row(),
        Op::OpenRows if FULL => |m, _| m.open_rows(),
        Op::Limit => |m, _| {
            let local = m.u8();
            let count = m.pop_integer()?;
            m.set_local(local, Cell::integer(if count < 0 { -1 } else { count }));
            m.jump_if(count == 0);
            Ok(())
        },
        Op::Offset => |m, _| {
            let local = m.u8();
            let count = m.pop_integer()?;
            m.set_local(local, Cell::integer(count));
            Ok(())
        },
        Op::Skip | Op::Count => |m, code| {
            let local = m.u8();
            let left = m.local(local).as_integer().unwrap_or(-1);
            if left > 0 {
                m.set_local(local, Cell::integer(left - 1));
            }
            m.jump_if(if code == Op::Skip as u8 { left > 0 } else { left == 1 });
            Ok(())
        },
        Op::Once if FULL => |m, _| m.once(),
        Op::OnceSave if FULL => |m, _| {
            let local = m.u8();
            m.keep_value(local)
        },
        Op::Settle if FULL => |m, _| m.settle(),
        Op::StageStart => |m, _| m.stage_start(),
        Op::StagePass => |m, _| m.stage_pass(),
        Op::StageMore => |m, _| m.stage_more(),
        Op::StageOnce => |m, _| m.stage_once(),
        Op::SortInsert => |m, _| m.sort_insert(),
        Op::SortNext => |m, _| m.sort_next(),
        Op::Unite if FULL => |m, _| m.unite(),
        Op::UniteMet if FULL => |m, _| m.unite_met(),
        Op::UniteNext if FULL => |m, _| m.unite_next(),
        Op::Distinct => |m, _| m.distinct(),
        Op::GroupFind if FULL => |m, _| m.group_find(),
        Op::GroupStep => |m, _| m.group_step(),
        Op::GroupSeen => |m, _| m.group_seen(),
        Op::GroupTake => |m, _| m.group_take(),
        Op::GroupSave => |m, _| m.group_save(),
        Op::GroupNext => |m, _| m.group_next(),
        Op::GroupColumn => |m, _| m.group_column(),
        Op::GroupResult => |m, _| m.group_result(),
        Op::RowsetAdd => |m, _| m.rowset_add(),
        Op::RowsetNext => |m, _| m.rowset_next(),
        Op::Integrity => |m, _| m.integrity(),
        Op::Write => |m, _| m.begin_write(),
        Op::Affinities => |m, _| m.affinities(),
        Op::CheckNull => |m, _| m.check_null(),
        Op::Check => |m, _| m.check(),
        Op::Insert => |m, _| m.insert(),
        Op::Update => |m, _| m.update(),
        Op::Delete => |m, _| m.delete(),
        Op::Result => |m, _| m.result(),
        Op::Halt => |_, _| Err(Error::DONE),
        _ => |_, _| Err(ErrorKind::Internal.into()),
    }
}

impl Machine<'_> {
    /// Pushes a value. If it is the right side of a comparison, that is done at once, where code is to be fast.
    #[cfg_attr(fast, inline(always))]
    #[cfg_attr(not(fast), inline(never))]
    fn give(&mut self, cell: Cell) -> Result<()> {
        if cfg!(fast) && self.get8(self.pc) == Op::Compare as u8 {
            self.pc += 1;
            let (how, left) = (self.u8(), self.pop());
            return self.compared(how as u8, left, cell);
        }
        self.push(cell);
        Ok(())
    }

    /// A parameter, counted from 1.
    #[inline]
    pub(crate) fn parameter(&self, number: usize) -> Result<Cell> {
        let number = number.wrapping_sub(1);
        let value = self.parameters.get(number).copied().ok_or(ErrorKind::Parameters)?;
        Ok(Cell::parameter(number, value))
    }

    /// A comparison of two values.
    #[inline(never)]
    fn compared(&mut self, how: u8, left: Cell, right: Cell) -> Result<()> {
        let truth = self.compare(Comparison(how), left, right)?;
        self.conclude(truth)
    }

    /// The values on top are a row.
    fn result(&mut self) -> Result<()> {
        let columns = self.u8();
        self.state.columns = columns as u8;
        self.state.row = self.sp.saturating_sub(columns * CELL) as u16;
        Err(Error::ROW)
    }

    /// Pops the two cells on top.
    #[cfg_attr(fast, inline)]
    #[cfg_attr(not(fast), inline(never))]
    fn two(&mut self) -> (Cell, Cell) {
        self.sp = self.sp.saturating_sub(2 * CELL);
        Cell::pair(self.arena, self.sp)
    }

    /// A number that stands in the program.
    fn number(&mut self, code: u8) -> Result<()> {
        let size = match code {
            code if code == Op::Int8 as u8 => 1,
            code if code == Op::Int16 as u8 => 2,
            code if code == Op::Int32 as u8 => 4,
            _ => 8,
        };
        let bits = record::integer(self.arena.get(self.pc..).unwrap_or_default(), size);
        self.pc += size;
        self.give(if code == Op::Real as u8 { Cell::real(f64::from_bits(bits as u64)) } else { Cell::integer(bits) })
    }

    /// Pushes a truth. If a jump on it follows, that is done at once, where code is to be fast.
    #[cfg_attr(fast, inline)]
    #[cfg_attr(not(fast), inline(never))]
    fn conclude(&mut self, truth: Option<bool>) -> Result<()> {
        const IF_NOT: u8 = Op::IfNot as u8;
        match chunk(self.arena, self.pc) {
            Some(&[IF_NOT, low, high]) if cfg!(fast) => {
                let holds = truth == Some(true);
                self.pc = if holds { self.pc + 3 } else { u16::from_le_bytes([low, high]).into() };
            }
            _ => self.push(Cell::truth(truth)),
        }
        Ok(())
    }

    /// What WHERE makes of a cell.
    #[inline]
    fn truth_of(&self, cell: Cell) -> Option<bool> {
        match cell.as_integer() {
            Some(integer) => Some(integer != 0),
            None => self.value_of(cell).truth(),
        }
    }

    /// The value of a subquery, if it was computed and kept.
    fn once(&mut self) -> Result<()> {
        let local = self.u8();
        let (cell, target) = (self.local(local), get16(self.arena, self.pc));
        let known = target != NONE && !cell.is_unset();
        if !known && target != NONE && self.state.lost {
            self.again()?;
        }
        self.jump_if(known);
        if known {
            self.push(cell);
        }
        Ok(())
    }

    /// A function.
    fn call(&mut self) -> Result<()> {
        let (id, count, collation) = (self.u8() as u8, self.u8(), self.u8() as u8);
        let first = self.sp.saturating_sub(count * CELL);
        self.session.context.collation = schema::collation(collation);
        let custom = self.session.functions;
        let made = self.make(&mut |view, scratch, context| {
            let argument = |at: usize| view.at(first + at * CELL);
            if (crate::sqlite3::ids::CUSTOM..crate::sqlite3::ids::LIKE_OPERATOR).contains(&id) {
                let custom = custom.get(usize::from(id - crate::sqlite3::ids::CUSTOM)).ok_or(ErrorKind::Internal)?;
                return call_custom(custom, count, &argument, scratch);
            }
            // The subject of the operators comes first.
            let swapped = |at: usize| argument(if at < 2 { at ^ 1 } else { at });
            let mut call = Call { id: function::Id::Like, count, arguments: &swapped, context, scratch, failed: None };
            match id {
                crate::sqlite3::ids::LIKE_OPERATOR => {}
                crate::sqlite3::ids::GLOB_OPERATOR => call.id = function::Id::Glob,
                _ => {
                    call.id = function::Id::numbered(id).ok_or(ErrorKind::Internal)?;
                    call.arguments = &argument;
                }
            }
            call.answer()
        })?;
        self.sp = first;
        self.push(made);
        Ok(())
    }

    /// An integer from the stack, for LIMIT and OFFSET.
    fn pop_integer(&mut self) -> Result<i64> {
        let cell = self.pop();
        match Affinity::Integer.apply_numeric(self.value_of(cell)) {
            Value::Integer(i) => Ok(i),
            _ => Err(ErrorKind::Mismatch.into()),
        }
    }
}

/// A function of the user's own, which takes its arguments in a row.
#[inline(never)]
fn call_custom<'a>(
    custom: &Custom,
    count: usize,
    argument: &dyn Fn(usize) -> Value<'a>,
    scratch: &mut Scratch<'a>,
) -> Result<Value<'a>> {
    let mut arguments = [Value::Null; ARGUMENTS];
    let arguments = arguments.get_mut(..count).ok_or(ErrorKind::TooBig)?;
    for (at, place) in arguments.iter_mut().enumerate() {
        *place = argument(at);
    }
    (custom.call)(arguments, scratch)
}
