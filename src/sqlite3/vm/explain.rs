//! EXPLAIN: the program, an instruction a row; EXPLAIN QUERY PLAN: how each table is read.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::cell::{CELL, Cell};
use super::stage;
use super::{Machine, Outcome, Result};
use crate::sqlite3::compile::get16;
use crate::sqlite3::error::Error;
use crate::sqlite3::program::{self, Op};
use crate::sqlite3::value::Value;

impl Machine<'_> {
    /// The next row: where an instruction stands, its name, its first operands; or where it stands, 0, 0, a line of the plan.
    #[inline(never)]
    pub(crate) fn explain(&mut self) -> Result<Outcome> {
        // Names of columns stand behind the program, or before its end.
        let (names, code) = (usize::from(self.program.names), usize::from(self.program.code));
        let behind = self.program.columns > 0 && self.get8(names.wrapping_sub(1)) == Op::Halt as u8;
        let (end, plan) = (if behind { names } else { code }, self.program.explain == 2);
        let (count, place) = if plan { (4, 3) } else { (5, 1) };
        let first = self.layout.scratch;
        loop {
            let at = self.pc;
            if at >= end {
                return Ok(Outcome::Done);
            }
            let op = Op::from(self.get8(at));
            self.pc = at + program::length(self.arena, at);
            self.bump = first + count * CELL;
            if self.bump > self.layout.end {
                return Err(Error::limit(self.arena.len() + count * CELL));
            }
            let text: &[u8] = match op {
                _ if !plan => op.name(),
                Op::Plan => b"",
                Op::StageStart => match self.get8(at + 2) {
                    stage::SORT | stage::UNIQUE => b"SORT IN PASSES FOR ORDER BY",
                    stage::UNITED => b"PASSES FOR COMPOUND SELECT",
                    stage::DISTINCT => b"PASSES FOR DISTINCT",
                    stage::GROUP => b"SORT IN PASSES FOR GROUP BY",
                    _ => continue,
                },
                _ => continue,
            };
            let text = if text.is_empty() {
                Cell::in_arena(false, at + 3, get16(self.arena, at + 1).into())
            } else {
                self.make(&mut |_, _, _| Ok(Value::Text(text)))?
            };
            let (mut operand, mut kinds) = (at + 1, op.operands().iter());
            for cell in 0..count {
                let value = if cell == 0 {
                    Cell::integer(at as i64)
                } else if cell == place {
                    text
                } else if plan {
                    Cell::integer(0)
                } else if let Some(&kind) = kinds.next() {
                    let size = program::size_of(kind, self.arena, operand);
                    let (low, high) = (get16(self.arena, operand), get16(self.arena, operand + 2));
                    operand += size;
                    Cell::integer(match size {
                        1 => (low as u8).into(),
                        4 => i64::from(low) | i64::from(high) << 16,
                        _ => low.into(),
                    })
                } else {
                    Cell::NULL
                };
                value.write(self.arena, first + cell * CELL);
            }
            self.state.row = first as u16;
            self.state.columns = count as u8;
            return Ok(Outcome::Row);
        }
    }
}
