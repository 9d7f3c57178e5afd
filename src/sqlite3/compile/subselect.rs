//! Subqueries and views in a FROM, and tables behind IN.
//!
//! Contract: a subquery in a FROM is no table that is filled: its loops stand around the loops of what follows it, and each
//! of its rows is handed on as soon as it is made. It is compiled twice: once to learn the names and kinds of its columns,
//! before the outer expressions need them, and once for its code. A view is a subquery whose text is in the catalog.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::frame::{FRAME, f, flag, joined, s};
use super::select::{Output, Resume, step};
use super::template::{CHAIN, GOTO, LOW, OF, PATCH};
use super::*;
use crate::sqlite3::error::ErrorKind;
use crate::sqlite3::program::Op;
use crate::sqlite3::schema::{self, ROWID};
use crate::sqlite3::token::{Kind, Token};

impl Compiler<'_> {
    /// `( SELECT ... )` in a FROM: its columns are found out first.
    pub(crate) fn subquery_source(&mut self) {
        let open = self.advance();
        if self.token.kind != Kind::Select {
            return self.fail_at(ErrorKind::Unsupported, open);
        }
        self.describe_select(open, self.token.start(), false)
    }

    /// A view in a FROM: `at` is where its definition is.
    pub(crate) fn view_source(&mut self, at: usize, name: Token) {
        let text = (at + schema::HEADER + 2) as u16 | IN_ARENA;
        self.describe_select(name, text, true)
    }

    /// Compiles a SELECT only to learn its columns. The token behind it, or behind a view's name, is gone back to.
    fn describe_select(&mut self, name: Token, select: u16, view: bool) {
        let code = self.here();
        self.set_own(f::TOKEN, name.start());
        self.set_own(f::CODE, select);
        self.set_own(f::TERM, name.end());
        self.goto(step::DESCRIBED);
        self.go(select);
        self.begin_select(Output::Describe, Resume::Step, 0, self.now.locals.into(), code);
        self.hide_outer(view);
    }

    /// The tables beside a subquery are unknown in it; to a view, everything around it is.
    fn hide_outer(&mut self, view: bool) {
        self.set_flagged(if view { flag::CLOSED } else { flag::ALONE }, true);
    }

    /// The result columns of a SELECT that is only described are compiled: their definition takes the place of all that.
    pub(crate) fn describe_done(&mut self) {
        let inner = self.frame;
        let outer = usize::from(self.own(f::PARENT));
        // The names are made behind the code, which is given up with them.
        let names = self.code;
        self.result_names();
        let definition = self.code;
        let columns = self.own(f::COLUMNS);
        self.bytes(&[schema::TABLE, 0, 0, 0, 0, columns as u8, ROWID, 0, 0, 0]);
        let mut at = names;
        for column in 0..columns {
            let operand = self.result_column(column);
            let len = self.at(at);
            // Without an affinity a column says so by its type.
            let none = operand.affinity() == 0;
            let twins = self.names_before(names, at);
            let tail = if twins == 0 { 0 } else { 2 };
            self.bytes(&[
                operand.affinity().saturating_sub(1),
                operand.sort_collation(),
                0,
                len + tail,
                none.into(),
                0,
            ]);
            self.copy((at + 1) as u16 | IN_ARENA, len.into());
            if twins != 0 {
                self.bytes(&[b':', b'0' + twins.min(9)]);
            }
            self.bytes(if none { b"-\0" } else { b"\0" });
            at += 1 + usize::from(len);
        }
        let len = self.code - definition;
        let correlated = self.flagged(flag::OUTER);
        // Down to the outer frame's stack, and up with the definition.
        self.now = Counts { depth: self.get(outer, f::DEPTH) as u8, ..self.now };
        self.forget_numbers();
        self.now.locals = self.own(f::EXTRA) as u8;
        // The frame may be written over.
        let code = self.own(f::START);
        self.top = inner + FRAME;
        if definition + 2 * len > self.top {
            self.top -= len;
        } else {
            self.reserve(len);
        }
        let top = self.top;
        if top < definition {
            return self.fail(self.no_room(len));
        }
        self.shift(definition, len, top);
        self.code = code.into();
        self.go_back_to(outer);
        let (select, name) = (self.own(f::CODE), self.lex(self.own(f::TOKEN)));
        if correlated {
            self.set_flagged(flag::OUTER, true);
        }
        let source = self.push_source((top, len), name);
        self.put(source, s::FLAGS, joined::SUBQUERY);
        self.put(source, s::INDEX, select);
        let cursor = self.new_cursor();
        self.put(source, s::CURSOR, cursor.into());
        if name.kind == Kind::LeftParen {
            // From the SELECT to its parenthesis.
            self.token = name;
            self.skip_parentheses();
            self.put(source, s::NAME, NONE);
        } else {
            self.go(self.own(f::TERM));
        }
        self.alias(source);
        self.source_done(source)
    }

    /// How many of the names from an offset on are the same as that at another: SQLite numbers them (`a`, `a:1`).
    fn names_before(&self, mut from: usize, at: usize) -> u8 {
        let name = |at: usize| self.arena.get(at + 1..at + 1 + usize::from(self.at(at))).unwrap_or_default();
        let mut same = 0;
        while from < at {
            same += u8::from(name(from).eq_ignore_ascii_case(name(at)));
            from += 1 + usize::from(self.at(from));
        }
        same
    }

    /// Opens the loop over a subquery: its own loops.
    pub(crate) fn open_subquery(&mut self, at: usize) {
        let select = self.get(at, s::INDEX);
        let view = select & IN_ARENA != 0 && self.get(at, s::NAME) != NONE;
        self.emit(&[Op::OpenRows as u8, OF, LOW | s::CURSOR, GOTO, step::OPENED as u8]);
        self.go(select);
        self.begin_select(Output::Source, Resume::Step, self.get(at, s::CURSOR) as u8, at as u16, 0);
        self.hide_outer(view);
        self.put(at, s::SUBQUERY, self.frame as u16);
    }

    /// A row of the subquery is on the stack: the outer frame goes on with it.
    pub(crate) fn hand_on(&mut self) {
        self.emit(&[Op::MakeRow as u8, LOW | f::PLACE, LOW | f::COLUMNS]);
        self.now.depth = self.own(f::DEPTH) as u8;
        self.enter(self.own(f::PARENT).into());
        self.mode = Mode::Step;
    }

    /// The outer frame is done with a row of the subquery, which goes on to its next one.
    pub(crate) fn close_subquery(&mut self, at: usize) {
        self.emit(&[PATCH, f::NEXT, OF, PATCH, s::LOOP, GOTO, step::CLOSED as u8]);
        if self.get(at, s::FLAGS) & joined::LEFT != 0 {
            // Behind the row of NULLs the loops of the subquery are over, some of which never began.
            self.emit(&[Op::Next as u8, OF, LOW | s::CURSOR, LOW | f::DEPTH, OF, CHAIN | s::EXIT]);
        }
        self.enter(self.get(at, s::SUBQUERY).into());
        self.emit_limit();
        self.row_done()
    }

    /// `x IN table` is `x IN (SELECT * FROM table)`, whose text stands in the code, which jumps over it.
    pub(crate) fn in_table(&mut self, left: Mark, negated: u8) {
        let begin = self.token.start();
        let name = self.table_name();
        if self.kind_of(name) == 0 {
            return self.fail_at(ErrorKind::NoSuchTable, name);
        }
        let behind = self.token.start();
        self.op(Op::Jump);
        let over = self.chain(NONE);
        let (head, len) = (b"SELECT*FROM ", name.end().saturating_sub(begin));
        // It is an instruction, for those who walk over the code.
        self.op(Op::Text);
        self.word(head.len() as u16 + len + 2);
        let select = self.here();
        self.bytes(head);
        self.copy(begin, len.into());
        self.bytes(b")\0");
        self.patch_here(over);
        self.go(select | IN_ARENA);
        self.in_subquery(left, negated);
        self.set_own(f::BACK, behind);
    }
}
