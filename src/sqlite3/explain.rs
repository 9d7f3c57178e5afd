//! EXPLAIN: the program, an instruction a row; EXPLAIN QUERY PLAN: how each table is read.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::cell::{CELL, Cell};
use super::compile::get16;
use super::error::Error;
use super::key::Writer;
use super::program::{self, Op};
use super::record;
use super::schema::{self, Definition};
use super::scratch::Scratch;
use super::stage;
use super::value::Value;
use super::vm::{Machine, OWN_CURSOR, Outcome, Result, stretch};

impl Machine<'_> {
    /// The next row of EXPLAIN.
    #[inline(never)]
    pub(crate) fn explain(&mut self) -> Result<Outcome> {
        // Names of columns stand behind the program, or before its end.
        let (names, code) = (usize::from(self.program.names), usize::from(self.program.code));
        let behind = self.program.columns > 0 && self.get8(names.wrapping_sub(1)) == Op::Halt as u8;
        let end = if behind { names } else { code };
        if self.program.explain == 2 {
            return self.explain_plan(end);
        }
        let at = self.pc;
        let Some(op) = self.arena.get(at).map(|&byte| Op::from(byte)).filter(|_| at < end) else {
            return Ok(Outcome::Done);
        };
        self.pc = at + program::length(self.arena, at);
        let first = self.row_cells(5)?;
        let name = self.make(&mut |_, _, _| Ok(Value::Text(op.name())))?;
        Cell::integer(at as i64).write(self.arena, first);
        name.write(self.arena, first + CELL);
        let mut operand = at + 1;
        let mut cells = [Cell::NULL; 3];
        for (kind, cell) in op.operands().iter().zip(&mut cells) {
            let value = match kind {
                b'b' => self.get8(operand).into(),
                b'd' => i64::from(get16(self.arena, operand)) | i64::from(get16(self.arena, operand + 2)) << 16,
                _ => i64::from(get16(self.arena, operand)),
            };
            *cell = Cell::integer(value);
            operand += match kind {
                b'b' => 1,
                b'd' => 4,
                b'q' => 8,
                b't' => 2 + usize::from(get16(self.arena, operand)),
                _ => 2,
            };
        }
        for (place, cell) in cells.iter().enumerate() {
            cell.write(self.arena, first + (2 + place) * CELL);
        }
        self.state.row = first as u16;
        self.state.columns = 5;
        Ok(Outcome::Row)
    }

    /// Room for the cells of a row, at the front of the scratch.
    fn row_cells(&mut self, count: usize) -> Result<usize> {
        let first = self.layout.scratch;
        self.bump = first + count * CELL;
        if self.bump > self.layout.end {
            return Err(Error::limit(self.arena.len() + count * CELL));
        }
        Ok(first)
    }

    /// The next row of EXPLAIN QUERY PLAN.
    fn explain_plan(&mut self, end: usize) -> Result<Outcome> {
        loop {
            let at = self.pc;
            let Some(op) = self.arena.get(at).map(|&byte| Op::from(byte)).filter(|_| at < end) else {
                return Ok(Outcome::Done);
            };
            self.pc = at + program::length(self.arena, at);
            let text = match op {
                Op::Scan | Op::Find | Op::Range => self.source_line(op, at)?,
                Op::StageStart => {
                    let line: &[u8] = match self.get8(at + 2) {
                        stage::SORT | stage::UNIQUE => b"SORT IN PASSES FOR ORDER BY",
                        stage::UNITED => b"PASSES FOR COMPOUND SELECT",
                        stage::DISTINCT => b"PASSES FOR DISTINCT",
                        stage::GROUP => b"SORT IN PASSES FOR GROUP BY",
                        _ => continue,
                    };
                    self.row_cells(4)?;
                    self.make(&mut |_, _, _| Ok(Value::Text(line)))?
                }
                _ => continue,
            };
            let first = self.layout.scratch;
            Cell::integer(at as i64).write(self.arena, first);
            Cell::integer(0).write(self.arena, first + CELL);
            Cell::integer(0).write(self.arena, first + 2 * CELL);
            text.write(self.arena, first + 3 * CELL);
            self.state.row = first as u16;
            self.state.columns = 4;
            return Ok(Outcome::Row);
        }
    }

    /// "SCAN t", or "SEARCH t USING INDEX i (a=? AND b>?)".
    fn source_line(&mut self, op: Op, at: usize) -> Result<Cell> {
        let table = get16(self.arena, at + 2);
        self.row_cells(4)?;
        let (name_at, name_len) = self.name_of(table)?;
        let definition = self.definition_of(name_at, name_len)?;
        let is_index = op == Op::Range && get16(self.arena, at + 4) > 2;
        let flags = self.get8(at + 6);
        let equal = usize::from(self.get8(at + 7));
        let number = get16(self.arena, at + 8);
        self.make(&mut |view, scratch, _| {
            let name = stretch(view.arena, name_at, name_len);
            scratch.extend(if op == Op::Scan { b"SCAN " } else { b"SEARCH " });
            scratch.extend(name);
            if op != Op::Scan {
                let known = Definition(stretch(view.arena, definition.0, definition.1));
                let index = known.each_index().find(|index| is_index && index.number == number);
                match index {
                    Some(index) if index.name.is_empty() => {
                        scratch.extend(b" USING INDEX sqlite_autoindex_");
                        scratch.extend(name);
                    }
                    Some(index) => {
                        scratch.extend(b" USING INDEX ");
                        scratch.extend(index.name);
                    }
                    None => scratch.extend(b" USING INTEGER PRIMARY KEY"),
                }
                scratch.extend(b" (");
                let column = |part: usize, scratch: &mut Scratch<'_>| match index {
                    Some(index) => {
                        let column = known.column(index.part(part).0);
                        scratch.extend(column.map_or(&b"rowid"[..], |column| column.name));
                    }
                    None => scratch.extend(b"rowid"),
                };
                let mut any = false;
                let and = |scratch: &mut Scratch<'_>, any: &mut bool| {
                    if core::mem::replace(any, true) {
                        scratch.extend(b" AND ");
                    }
                };
                let equals = if op == Op::Find { 1 } else { equal };
                for part in 0..equals {
                    and(scratch, &mut any);
                    column(part, scratch);
                    scratch.extend(b"=?");
                }
                for (bit, sign) in [(1, b'>'), (4, b'<')] {
                    if op == Op::Range && flags & bit != 0 {
                        and(scratch, &mut any);
                        column(equals, scratch);
                        scratch.extend(&[sign, b'?']);
                    }
                }
                scratch.push(b')');
            }
            Ok(Value::Text(scratch.finish()?))
        })
    }

    /// The name of a table by its number, from sqlite_schema: where it is in the scratch.
    fn name_of(&mut self, number: u16) -> Result<(usize, usize)> {
        if number == schema::SCHEMA {
            let made = self.make(&mut |_, _, _| Ok(Value::Text(b"sqlite_schema")))?;
            return Ok(made.in_arena_at().unwrap_or((0, 0)));
        }
        let mut prefix = [0; 16];
        let mut writer = Writer::new(&mut prefix, 0);
        schema::begin_key(schema::SCHEMA, &mut writer);
        let prefix = writer.finish()?;
        self.store.seek(OWN_CURSOR, prefix)?;
        loop {
            let start = self.bump;
            let Some(entry) = self.read_entry(OWN_CURSOR, false)? else { return Ok((start, 0)) };
            let row = self.bytes(start + entry.key, entry.value);
            if !self.bytes(start, entry.key).starts_with(prefix) {
                return Ok((start, 0));
            }
            if let (Some(Value::Integer(root)), Some(Value::Text(name)), Some(Value::Text(b"table"))) =
                (record::column(row, 3)?, record::column(row, 1)?, record::column(row, 0)?)
                && root == i64::from(number)
            {
                let at = (name.as_ptr() as usize).wrapping_sub(row.as_ptr() as usize) + start + entry.key;
                let len = name.len();
                self.bump = at + len;
                return Ok((at, len));
            }
        }
    }

    /// The definition of the table whose name is in the scratch.
    fn definition_of(&mut self, name_at: usize, name_len: usize) -> Result<(usize, usize)> {
        let (bump, end) = (self.bump, self.layout.end);
        let (low, high) = self.arena.split_at_mut(bump);
        let name = low.get(name_at..name_at + name_len).unwrap_or_default();
        let room = high.get_mut(..end.saturating_sub(bump)).unwrap_or_default();
        let len = schema::load(self.store, name, room)?.unwrap_or(0);
        self.bump = bump + len;
        Ok((bump, len))
    }
}
