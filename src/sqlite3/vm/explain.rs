//! EXPLAIN: the program, an instruction a row; EXPLAIN QUERY PLAN: how each table is read.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::cell::{CELL, Cell};
use super::stage;
use super::{Machine, OWN_CURSOR, Outcome, Result, stretch};
use crate::sqlite3::compile::get16;
use crate::sqlite3::error::Error;
use crate::sqlite3::key::Writer;
use crate::sqlite3::program::{self, Op};
use crate::sqlite3::record;
use crate::sqlite3::schema::{self, Definition};
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
                Op::Scan | Op::Find | Op::Range => b"",
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
                self.source_line(op, at)?
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

    /// "SCAN t", or "SEARCH t USING INDEX i (a=? AND b>?)".
    fn source_line(&mut self, op: Op, at: usize) -> Result<Cell> {
        let table = get16(self.arena, at + 2);
        let (name_at, name_len) = self.name_of(table)?;
        let definition = self.definition_of(name_at, name_len)?;
        let is_index = op == Op::Range && get16(self.arena, at + 4) > 2;
        let (flags, equal) = if op == Op::Range { (self.get8(at + 6), self.get8(at + 7).into()) } else { (0, 1) };
        let number = get16(self.arena, at + 8);
        self.make(&mut |view, scratch, _| {
            let name = stretch(view.arena, name_at, name_len);
            scratch.extend(if op == Op::Scan { b"SCAN " } else { b"SEARCH " });
            scratch.extend(name);
            if op == Op::Scan {
                return Ok(Value::Text(scratch.finish()?));
            }
            let known = Definition(stretch(view.arena, definition.0, definition.1));
            let index = known.each_index().find(|index| is_index && index.number == number);
            scratch.extend(if index.is_some() { b" USING INDEX " } else { b" USING INTEGER PRIMARY KEY" });
            if let Some(index) = index {
                let automatic = index.name.is_empty();
                scratch.extend(if automatic { b"sqlite_autoindex_" } else { b"" });
                scratch.extend(if automatic { name } else { index.name });
            }
            let mut sign: &[u8] = b" (";
            let mut condition = |part: usize, relation: &[u8]| {
                scratch.extend(sign);
                sign = b" AND ";
                let column = index.and_then(|index| known.column(index.part(part).0));
                scratch.extend(column.map_or(b"rowid", |column| column.name));
                scratch.extend(relation);
            };
            (0..equal).for_each(|part| condition(part, b"=?"));
            for (bit, relation) in [(1, b">?"), (4, b"<?")] {
                if flags & bit != 0 {
                    condition(equal, relation);
                }
            }
            scratch.push(b')');
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
        let mut key = [0; 72];
        let mut writer = Writer::new(&mut key, 0);
        for byte in schema::KEY_OF_NAME.iter().chain(name) {
            writer.byte(byte.to_ascii_lowercase());
        }
        let len = self.store.get(writer.finish()?, room)?.unwrap_or(0);
        self.bump = bump + len;
        Ok((bump, len))
    }
}
