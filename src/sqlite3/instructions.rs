//! The instructions of the machine that are not in its innermost loop.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::FULL;
use super::cell::{CELL, Cell};
use super::compile::{NONE, get16};
use super::error::ErrorKind;
use super::function;
use super::program::{Comparison, Op};
use super::schema;
use super::value::{self, Affinity, Value};
use super::vm::{Machine, Result};

/// The most arguments a function takes.
const ARGUMENTS: usize = 16;

impl Machine<'_> {
    #[inline(never)]
    pub(crate) fn execute_rare(&mut self, op: Op) -> Result<()> {
        match op {
            Op::Concat => {
                let (right, left) = (self.pop(), self.peek(0));
                let made = self
                    .make(&mut |view, scratch, _| value::concatenate(view.value(left), view.value(right), scratch))?;
                self.replace(made);
            }
            Op::Between => {
                let (low, high) = (Comparison(self.u8() as u8), Comparison(self.u8() as u8));
                let (top, bottom, subject) = (self.pop(), self.pop(), self.peek(0));
                let above = self.compare(low, subject, bottom)?;
                let below = self.compare(high, subject, top)?;
                self.replace(Cell::truth(value::and(above, below)));
            }
            Op::InItem => {
                let comparison = Comparison(self.u8() as u8);
                let (item, result, subject) = (self.pop(), self.peek(0), self.peek(1));
                if result.as_integer() != Some(1) {
                    match self.compare(comparison, subject, item)? {
                        Some(true) => self.replace(Cell::integer(1)),
                        Some(false) => {}
                        None => self.replace(Cell::NULL),
                    }
                }
            }
            Op::InSet if FULL => self.in_set()?,
            Op::InRow if FULL => self.in_row()?,
            Op::InFind if FULL => self.in_find()?,
            Op::CaseEqual => {
                let comparison = Comparison(self.u8() as u8);
                let (when, base) = (self.pop(), self.peek(0));
                let truth = self.compare(comparison, base, when)?;
                self.push(Cell::truth(truth));
            }
            Op::Call => {
                let (id, arguments, collation) = (self.u8(), self.u8(), self.u8());
                self.call(id as u8, arguments, collation as u8)?;
            }
            Op::Cast => {
                let affinity = schema::affinity(self.u8() as u8);
                let cell = self.peek(0);
                let made = self.make(&mut |view, scratch, _| affinity.cast(view.value(cell), scratch))?;
                self.replace(made);
            }
            Op::Apply => {
                let affinity = schema::affinity(self.u8() as u8);
                let made = self.apply(affinity, self.peek(0))?;
                self.replace(made);
            }
            Op::Limit => {
                let local = self.u8();
                let count = self.pop_integer()?;
                self.set_local(local, Cell::integer(if count < 0 { -1 } else { count }));
                self.jump_if(count == 0);
            }
            Op::Offset => {
                let local = self.u8();
                let count = self.pop_integer()?;
                self.set_local(local, Cell::integer(count));
            }
            Op::Skip => {
                let local = self.u8();
                let left = self.local(local).as_integer().unwrap_or(0);
                if left > 0 {
                    self.set_local(local, Cell::integer(left - 1));
                }
                self.jump_if(left > 0);
            }
            Op::Count => {
                let local = self.u8();
                let left = self.local(local).as_integer().unwrap_or(-1);
                if left > 0 {
                    self.set_local(local, Cell::integer(left - 1));
                }
                self.jump_if(left == 1);
            }
            Op::Once if FULL => {
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
            }
            Op::OnceSave if FULL => {
                let local = self.u8();
                self.keep_value(local)?;
            }
            Op::Settle if FULL => self.settle()?,
            _ => return Err(ErrorKind::Internal.into()),
        }
        Ok(())
    }

    /// The instructions that are functions of their own; false if it is none of them.
    #[inline(never)]
    pub(crate) fn perform(&mut self, op: Op) -> Result<bool> {
        match op {
            Op::Scan => self.scan()?,
            Op::Find => self.find()?,
            Op::Range => self.range()?,
            Op::NullRow if FULL => self.null_row(),
            Op::MakeRow if FULL => self.make_row()?,
            Op::OpenRows if FULL => self.open_rows(),
            Op::StageStart => self.stage_start()?,
            Op::StagePass => self.stage_pass(),
            Op::StageMore => self.stage_more()?,
            Op::StageOnce => {
                let stage = self.u8();
                self.stage_once(stage)?;
            }
            Op::SortInsert => self.sort_insert()?,
            Op::SortNext => self.sort_next()?,
            Op::Unite if FULL => self.unite()?,
            Op::UniteMet if FULL => self.unite_met(),
            Op::UniteNext if FULL => self.unite_next()?,
            Op::Distinct => self.distinct()?,
            Op::GroupFind if FULL => self.group_find()?,
            Op::GroupSeen => self.group_seen()?,
            Op::GroupTake => self.group_take(),
            Op::GroupSave => self.group_save()?,
            Op::GroupNext => self.group_next(),
            Op::GroupColumn => self.group_column()?,
            Op::GroupResult => self.group_result()?,
            Op::RowsetAdd => self.rowset_add()?,
            Op::RowsetNext => self.rowset_next()?,
            Op::Integrity => self.integrity()?,
            Op::Write => self.begin_write()?,
            Op::Affinities => self.affinities()?,
            Op::CheckNull => self.check_null()?,
            Op::Check => self.check()?,
            Op::Insert => self.insert()?,
            Op::Update => self.update()?,
            Op::Delete => self.delete()?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    #[inline(never)]
    pub(crate) fn call(&mut self, id: u8, count: usize, collation: u8) -> Result<()> {
        let swap = id >= super::ids::LIKE_OPERATOR;
        let custom = self.session.functions.get(usize::from(id.wrapping_sub(super::ids::CUSTOM)));
        let custom = custom.filter(|_| !swap && id >= super::ids::CUSTOM);
        let id = match id {
            super::ids::LIKE_OPERATOR => function::Id::Like,
            super::ids::GLOB_OPERATOR => function::Id::Glob,
            _ if custom.is_some() => function::Id::Likely,
            _ => function::Id::numbered(id).ok_or(ErrorKind::Internal)?,
        };
        if count > ARGUMENTS {
            return Err(ErrorKind::TooBig.into());
        }
        let first = self.sp.saturating_sub(count * CELL);
        self.session.context.collation = schema::collation(collation);
        let made = self.make(&mut |view, scratch, context| {
            let mut arguments = [Value::Null; ARGUMENTS];
            for (at, argument) in arguments.iter_mut().take(count).enumerate() {
                *argument = view.at(first + at * CELL);
            }
            if swap {
                arguments.swap(0, 1);
            }
            let arguments = arguments.get(..count).unwrap_or_default();
            match custom {
                Some(custom) => (custom.call)(arguments, scratch),
                None => function::call(id, arguments, context, scratch),
            }
        })?;
        self.sp = first;
        self.push(made);
        Ok(())
    }

    /// An integer from the stack, for LIMIT and OFFSET.
    pub(crate) fn pop_integer(&mut self) -> Result<i64> {
        let cell = self.pop();
        match Affinity::Integer.apply_numeric(self.value_of(cell)) {
            Value::Integer(i) => Ok(i),
            _ => Err(ErrorKind::Mismatch.into()),
        }
    }
}
