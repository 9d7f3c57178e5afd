//! EXPLAIN QUERY PLAN: how each table is read, told where its cursor is opened.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::frame::s;
use super::plan::{found_by, range};
use super::*;
use crate::sqlite3::program::Op;

impl Compiler<'_> {
    /// A line of the plan, in a program that is only looked at: "SCAN t", or "SEARCH t USING INDEX i (a=? AND b>?)".
    #[inline(never)]
    pub(crate) fn plan_line(&mut self, at: usize) {
        self.op(Op::Plan);
        let length_at = self.code;
        self.word(0);
        let name = self.lex(self.get(at, s::NAME));
        let plan = self.get(at, s::PLAN);
        let (equals, bounds) = (self.get(at, s::EQUALS) as u8, self.get(at, s::RANGE));
        let narrows = equals > 0 || bounds != 0;
        self.bytes(if narrows { b"SEARCH " } else { b"SCAN " });
        self.plain_name(name);
        let index = (plan == found_by::INDEX).then(|| self.get(at, s::INDEX).into());
        if let Some(index) = index {
            self.bytes(b" USING INDEX ");
            let index = self.definition(at).index_at(index);
            let (place, len) = (index.next - index.name.len(), index.name.len());
            if len == 0 {
                self.bytes(b"sqlite_autoindex_");
                self.plain_name(name);
            }
            self.copy_of(at, place, len);
        } else if narrows {
            self.bytes(b" USING INTEGER PRIMARY KEY");
        }
        if narrows {
            self.bytes(b" (");
            for part in 0..equals {
                self.plan_condition(at, index, part, b"=? AND ");
            }
            if bounds & range::LOW != 0 {
                self.plan_condition(at, index, equals, b">? AND ");
            }
            if bounds & range::HIGH != 0 {
                self.plan_condition(at, index, equals, b"<? AND ");
            }
            // Nothing follows the last one.
            self.code = self.code.saturating_sub(b" AND ".len());
            self.byte(b')');
        }
        put16(self.arena, length_at, self.code.wrapping_sub(length_at + 2) as u16);
    }

    /// The name of a part of an index, or "rowid", and what it is compared with.
    #[inline(never)]
    fn plan_condition(&mut self, at: usize, index: Option<usize>, part: u8, relation: &[u8; 7]) {
        let definition = self.definition(at);
        let column = index.map(|index| definition.index_at(index).part(part.into()).0);
        match column.filter(|column| *column < definition.columns()) {
            Some(column) => {
                let (place, len) = definition.name_at(column);
                self.copy_of(at, place, len.into());
            }
            None => self.bytes(b"rowid"),
        }
        self.bytes(relation)
    }

    /// A copy of bytes of a source's definition.
    fn copy_of(&mut self, at: usize, place: usize, len: usize) {
        self.copy((self.get(at, s::DEFINITION) + place as u16) | IN_ARENA, len);
    }
}
