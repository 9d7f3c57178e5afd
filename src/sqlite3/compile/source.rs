//! Where names come from: the tables of a FROM, and what a column's name means.
//!
//! Contract: a frame is a SELECT (or a statement that writes) that is being compiled; a source is one table of its FROM,
//! with its definition read from the catalog. Both are blocks of 16-bit fields on the compiler's stack. A name is looked
//! for in the sources of the innermost frame, then outwards; then it may be the alias of a result column.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::expression::mark;
use super::found::Found;
use super::frame::{f, flag, joined, s};
use super::*;
use crate::sqlite3::error::ErrorKind;
use crate::sqlite3::program::{self, Op};
use crate::sqlite3::schema::{self, Definition, ROWID};
use crate::sqlite3::token::{Kind, Token, class};
use crate::sqlite3::value::Affinity;

impl Compiler<'_> {
    /// `main.` before the name of a table means nothing; other schemas do not exist.
    pub(crate) fn table_name(&mut self) -> Token {
        let name = self.name();
        if self.token.kind != Kind::Dot {
            return name;
        }
        if !self.same(name, b"main") {
            let kind = if self.same(name, b"temp") { ErrorKind::Unsupported } else { ErrorKind::NoSuchTable };
            self.fail_at(kind, name);
        }
        self.advance();
        self.name()
    }

    /// The next table of a FROM, or a subquery, which is described first.
    pub(crate) fn source_begin(&mut self) {
        if self.token.kind == Kind::LeftParen {
            if !self.full() {
                return;
            }
            // Parentheses around the first tables of a FROM mean nothing.
            let inner = self.after(self.token).kind;
            if self.own(f::LAST) == 0 && !matches!(inner, Kind::Select | Kind::Values | Kind::With) {
                self.set_own(f::OPEN, self.own(f::OPEN) + 1);
                self.advance();
                return;
            }
            return self.subquery_source();
        }
        let name = self.table_name();
        if self.token.kind == Kind::LeftParen {
            return self.fail_at(ErrorKind::Unsupported, name);
        }
        let definition = self.load(name, ErrorKind::NoSuchTable);
        match self.arena.get(definition.0) {
            Some(&schema::TABLE) => {}
            Some(&schema::VIEW) => {
                if !self.full() {
                    return;
                }
                return self.view_source(definition.0, name);
            }
            _ => return self.fail_at(ErrorKind::NoSuchTable, name),
        }
        let source = self.push_source(definition, name);
        let cursor = self.new_cursor();
        self.put(source, s::CURSOR, cursor.into());
        self.alias(source);
        self.index_hint(source);
        self.source_done(source)
    }

    /// `INDEXED BY name`, which must be an index of the table, or `NOT INDEXED`.
    #[inline(never)]
    pub(crate) fn index_hint(&mut self, source: usize) {
        if self.accept(Kind::Indexed) {
            self.expect(Kind::By);
            let index = self.name();
            let known = self.definition(source).each_index().any(|found| self.same(index, found.name));
            if !known {
                self.fail_at(ErrorKind::NoSuchIndex, index);
            }
        } else if self.token.kind == Kind::Not && self.after(self.token).kind == Kind::Indexed {
            self.advance();
            self.advance();
            self.put(source, s::FLAGS, self.get(source, s::FLAGS) | joined::BARE);
        }
    }

    /// Behind a table and its alias: its ON, and how the next one is joined.
    pub(crate) fn source_done(&mut self, source: usize) {
        // POS says whether this one is the right side of a LEFT JOIN.
        if crate::sqlite3::FULL && self.own(f::POS) == 1 {
            self.put(source, s::FLAGS, self.get(source, s::FLAGS) | joined::LEFT);
            let matched = self.new_local();
            self.put(source, s::MATCHED, matched.into());
        }
        if crate::sqlite3::FULL && self.token.kind == Kind::On && self.get(source, s::PREVIOUS) != 0 {
            self.advance();
            self.put(source, s::ON, self.token.start());
            self.skip_to(class::CONDITION);
        } else if self.token.kind == Kind::Using {
            return self.fail_here(ErrorKind::Unsupported);
        }
        self.set_own(f::POS, 0);
        self.goto(super::select::step::FROM);
        while self.own(f::OPEN) > 0 && self.accept(Kind::RightParen) {
            self.set_own(f::OPEN, self.own(f::OPEN) - 1);
            // One table may be called otherwise now; several would be a subquery.
            if self.own(f::COUNT) == 1 {
                self.alias(source);
            } else if is_alias(self.token.kind) || matches!(self.token.kind, Kind::As | Kind::On | Kind::Using) {
                return self.fail_here(ErrorKind::Unsupported);
            }
        }
        match self.token.kind {
            Kind::Comma => {
                if !self.full() {
                    return;
                }
                self.advance();
                return;
            }
            Kind::Left | Kind::Inner | Kind::Cross | Kind::Join if !crate::sqlite3::FULL => {
                self.full();
                return;
            }
            Kind::Natural | Kind::Full | Kind::Right => return self.fail_here(ErrorKind::Unsupported),
            Kind::Left => {
                self.advance();
                self.accept(Kind::Outer);
                self.set_own(f::POS, 1);
            }
            Kind::Inner | Kind::Cross => {
                self.advance();
            }
            Kind::Join => {}
            _ if self.own(f::OPEN) > 0 => return self.fail_unexpected(),
            _ => {
                self.goto(super::select::step::LIMIT);
                return self.clause_end();
            }
        }
        self.expect(Kind::Join);
    }

    /// `[AS] alias`.
    pub(crate) fn alias(&mut self, source: usize) {
        if self.accept(Kind::As) {
            let alias = self.name();
            self.put(source, s::ALIAS, alias.start());
        } else if is_alias(self.token.kind) && self.token.kind != Kind::Window {
            let alias = self.advance();
            self.put(source, s::ALIAS, alias.start());
        }
    }

    // ---- names

    /// Whether a source goes by this name.
    pub(crate) fn is_called(&self, source: usize, name: Token) -> bool {
        let alias = self.get(source, s::ALIAS);
        if alias == NONE && self.get(source, s::NAME) == NONE {
            return false;
        }
        let known = self.lex(if alias == NONE { self.get(source, s::NAME) } else { alias });
        self.same_tokens(known, name)
    }

    /// Whether two tokens are the same name.
    pub(crate) fn same_tokens(&self, one: Token, other: Token) -> bool {
        let (a, quote_a) = unquoted(self.text(one));
        let (b, quote_b) = unquoted(self.text(other));
        unescaped(a, quote_a).same(unescaped(b, quote_b))
    }

    /// The place of the column of a definition that goes by this name.
    #[cfg_attr(not(fast), inline(never))]
    pub(crate) fn position(&self, definition: Definition<'_>, name: Token) -> Option<u8> {
        let (text, quote) = unquoted(self.text(name));
        definition.position(text, quote)
    }

    /// The column of a source with this name; [`ROWID`] for its rowid.
    #[cfg_attr(not(fast), inline(never))]
    pub(crate) fn column_of(&self, source: usize, name: Token) -> Option<u8> {
        let definition = self.definition(source);
        if let Some(at) = self.position(definition, name) {
            return Some(if at == definition.rowid_column() { ROWID } else { at });
        }
        let has_rowid = !self.is_subquery(source);
        let is_rowid = self.same(name, b"rowid") || self.same(name, b"_rowid_") || self.same(name, b"oid");
        (has_rowid && is_rowid).then_some(ROWID)
    }

    /// Looks a name up, without marking that it was used.
    pub(crate) fn look_up(&self, qualifier: Option<Token>, name: Token) -> Found {
        let mut frame = self.frame;
        while frame != 0 {
            // LIMIT is computed before there are rows, here or around.
            if self.of(frame, f::MODE) == 3 {
                break;
            }
            let mut found = Found::NOTHING;
            let hidden = self.of(frame, f::MODE) == 2;
            let mut source = if hidden { 0 } else { usize::from(self.of(frame, f::SOURCES)) };
            while source != 0 {
                if qualifier.is_none_or(|table| self.is_called(source, table))
                    && let Some(column) = self.column_of(source, name)
                {
                    match found {
                        // A column is preferred to the hidden rowid of another table.
                        before if !before.is_any() => found = Found::new(frame, source, column),
                        _ if column == ROWID && !self.is_declared(source, name) => {}
                        before if before.column != ROWID || self.is_declared(before.source(), name) => {
                            return Found::new(frame, 0, column);
                        }
                        _ => found = Found::new(frame, source, column),
                    }
                }
                source = self.get(source, s::NEXT).into();
            }
            if found.is_any() {
                return found;
            }
            if self.has(frame, flag::CLOSED) {
                break;
            }
            let alone = self.has(frame, flag::ALONE);
            frame = self.of(frame, f::PARENT).into();
            if alone && frame != 0 {
                if self.has(frame, flag::CLOSED) {
                    break;
                }
                frame = self.of(frame, f::PARENT).into();
            }
        }
        Found::NOTHING
    }

    pub(crate) fn is_declared(&self, source: usize, name: Token) -> bool {
        self.position(self.definition(source), name).is_some()
    }

    /// Whether a name is a column here.
    pub(crate) fn is_column(&self, name: Token) -> bool {
        self.look_up(None, name).is_any()
    }

    /// An identifier as an operand: a column, an alias of a result column, TRUE or FALSE, or a text in double quotes.
    #[inline(never)]
    pub(crate) fn identifier(&mut self) {
        let first = self.advance();
        let (mut name, mut qualifier) = (first, None);
        while self.token.kind == Kind::Dot {
            if qualifier.is_some() && !qualifier.is_some_and(|schema| self.same(schema, b"main")) {
                return self.fail_at(ErrorKind::NoSuchColumn, name);
            }
            self.advance();
            qualifier = Some(name);
            name = self.name();
        }
        let found = self.look_up(qualifier, name);
        if found.is_any() {
            if !found.is_one() {
                return self.fail_at(ErrorKind::Ambiguous, name);
            }
            let place = Token::new(name.kind, first.start(), name.end()).place;
            self.lone = (place, found);
            return self.column(found);
        }
        if qualifier.is_none() {
            if let Some(at) = self.alias_of_result(name) {
                self.open(mark::ALIAS, 0, self.token.start());
                return self.go(at);
            }
            let start = self.here();
            if name.kind == Kind::Name && (self.same(name, b"true") || self.same(name, b"false")) {
                let truth = self.same(name, b"true");
                self.op1(Op::Int8, truth.into());
                self.grow(1);
                return self.operand_done(Operand::plain(start));
            }
            if name.kind == Kind::Quoted && self.text(name).first() == Some(&b'"') {
                self.literal_text(name);
                self.grow(1);
                return self.operand_done(Operand::plain(start));
            }
        }
        self.fail_at(ErrorKind::NoSuchColumn, name)
    }

    /// A column as an operand.
    pub(crate) fn column(&mut self, found: Found) {
        let operand = self.push_column(found);
        self.operand_done(operand)
    }

    /// Code for a column, and what is known of it.
    pub(crate) fn push_column(&mut self, found: Found) -> Operand {
        let (frame, source, column) = (found.frame(), found.source(), found.column);
        self.mark_used(frame, source);
        let start = self.here();
        let definition = self.definition(source);
        let (flags, more) = definition.flags(column);
        let mut operand = Operand::of_column(flags & 7, more & 3, start);
        if self.is_subquery(source) && definition.column(column).is_some_and(|known| known.type_name == b"-") {
            operand = operand.with_affinity(0);
        }
        if self.get(source, s::FLAGS) & joined::LOCALS != 0 {
            let first = self.get(source, s::LOCALS) as u8;
            let columns = self.definition(source).columns();
            self.op1(Op::Local, first + if column == ROWID { columns } else { column });
        } else if self.of(frame, f::MODE) == 1 {
            self.bare_column(frame, source, column);
        } else {
            self.read_known(source, column, flags);
        }
        self.grow(1);
        operand
    }

    /// Code that reads a column of a cursor's row.
    #[cfg_attr(not(fast), inline(never))]
    pub(crate) fn read_column(&mut self, source: usize, column: u8) {
        let flags = self.definition(source).flags(column).0;
        self.read_known(source, column, flags);
    }

    /// The same, if the first byte of the column's definition is known.
    #[cfg_attr(not(fast), inline(never))]
    fn read_known(&mut self, source: usize, column: u8, flags: u8) {
        let cursor = self.get(source, s::CURSOR) as u8;
        if column == ROWID {
            return self.op1(Op::Rowid, cursor);
        }
        let late = schema::ADDED | schema::HAS_DEFAULT;
        if flags & late != late {
            self.op2(Op::Column, cursor, column);
            return self.united_column(source, flags & 7);
        }
        // A row older than the column has its default.
        self.op2(Op::ColumnOr, cursor, column);
        let (end, affinity) = (self.chain(NONE), flags & 7);
        let text = self.default_of(source, column).unwrap_or(NONE);
        self.literal_default((text & !IN_ARENA).into(), affinity);
        if affinity != 0 {
            self.op1(Op::Apply, affinity);
        }
        self.patch_here(end);
    }

    /// A value of a subquery takes the affinity of the column, which is that of its first SELECT: SQLite keeps the rows in a table,
    /// if there are other sources; without them it makes only integers REAL.
    fn united_column(&mut self, source: usize, affinity: u8) {
        if !self.is_subquery(source) {
            return;
        }
        let next = usize::from(self.get(source, s::NEXT));
        let kept = self.get(source, s::PREVIOUS) != 0 || next != 0 && !self.is_left(next);
        if kept && affinity != 0 || affinity == Affinity::Real as u8 {
            self.op1(Op::Apply, if kept { affinity } else { schema::ONLY_INTEGERS });
        }
    }

    /// Where the text of the default of a column stands in the arena.
    #[inline(never)]
    pub(crate) fn default_of(&self, source: usize, column: u8) -> Option<u16> {
        let known = self.definition(source).column(column).filter(|known| known.has_default)?;
        Some((self.get(source, s::DEFINITION) + known.default_at as u16) | IN_ARENA)
    }

    /// A bare column of a group: the value it had in the row that stands for the group.
    pub(crate) fn bare_column(&mut self, frame: usize, source: usize, column: u8) {
        let stage = self.of(frame, f::GROUP_STAGE) as u8;
        let cursor = self.get(source, s::CURSOR) as u8;
        let mut at = usize::from(self.of(frame, f::OUT));
        while at < self.code {
            if let Some(&[op, of, which, with, what]) = self.arena.get(at..).and_then(|rest| rest.first_chunk::<5>())
                && op == Op::GroupColumn as u8
                && (of, with, what) == (stage, cursor, column)
            {
                return self.bytes(&[op, stage, which, cursor, column]);
            }
            at += program::length(self.arena, at);
        }
        let which = self.of(frame, f::BARE);
        if which >= 250 {
            return self.fail_here(ErrorKind::TooBig);
        }
        self.put_of(frame, f::BARE, which + 1);
        self.bytes(&[Op::GroupColumn as u8, stage, which as u8, cursor, column])
    }

    /// A source was named: its frame knows, and the frames between know that they depend on it.
    pub(crate) fn mark_used(&mut self, owner: usize, source: usize) {
        let bit = self.get(source, s::BIT);
        self.put_of(owner, f::MASK, self.of(owner, f::MASK) | bit);
        let mut frame = self.frame;
        while frame != owner && frame != 0 {
            let flags = self.of(frame, f::FLAGS) | flag::OUTER;
            self.put_of(frame, f::FLAGS, flags);
            frame = self.of(frame, f::PARENT).into();
        }
    }

    /// Where the expression of the result column with this alias begins, in the current frame.
    pub(crate) fn alias_of_result(&mut self, name: Token) -> Option<u16> {
        let mut frame = self.frame;
        while frame != 0 {
            if self.of(frame, f::MODE) == 3 {
                break;
            }
            let result = self.of(frame, f::RESULT);
            // An alias must not be looked for inside of the list that makes it.
            if result != NONE
                && self.token.start()
                    > self.of(frame, f::FROM).min(self.of(frame, f::WHERE)).min(self.of(frame, f::ORDER))
            {
                let mut at = result;
                while at != NONE {
                    let item = self.item_at(at);
                    if self.goes_by(item, name) {
                        if frame != self.frame {
                            self.fail_at(ErrorKind::Unsupported, name);
                        }
                        return Some(at);
                    }
                    at = item.next;
                }
            }
            if self.has(frame, flag::CLOSED) || self.has(frame, flag::ALONE) {
                break;
            }
            frame = self.of(frame, f::PARENT).into();
        }
        None
    }

    /// A result column that begins at an offset: its alias, its end, where the next one begins.
    pub(crate) fn item_at(&self, at: u16) -> Item {
        let first = self.lex(at);
        let Walk { end, mut last, before, third } = self.walk(first, class::ITEM);
        let next = if end.kind == Kind::Comma { self.after(end).start() } else { NONE };
        let mut alias = NONE;
        if before != last {
            let named = is_alias(last.kind) && last.kind != Kind::End;
            if before.kind == Kind::As || named && ends_operand(before.kind) {
                alias = last.start();
                last = if before.kind == Kind::As { third } else { before };
            }
        }
        Item { ends: u32::from(alias) | u32::from(last.start()) << 16, next }
    }

    /// Whether this is the alias of a result column.
    #[inline(never)]
    pub(crate) fn goes_by(&self, item: Item, name: Token) -> bool {
        item.alias() != NONE && self.same_tokens(self.lex(item.alias()), name)
    }
}

/// A result column, as its tokens show it. (Two numbers, so that it is given back in registers.)
#[derive(Debug, Clone, Copy)]
pub(crate) struct Item {
    /// Where its alias stands, or NONE, and above that where the last token before the alias does.
    ends: u32,
    /// Where the next item begins; NONE behind the last.
    pub(crate) next: u16,
}

impl Item {
    fn alias(self) -> u16 {
        self.ends as u16
    }

    pub(crate) fn last(self) -> u16 {
        (self.ends >> 16) as u16
    }
}

/// Whether an operand can end with such a token, so that a name behind it is an alias.
fn ends_operand(kind: Kind) -> bool {
    is_name(kind) && kind != Kind::Glob && kind != Kind::Like && kind != Kind::Match && kind != Kind::Regexp
        || matches!(
            kind,
            Kind::String
                | Kind::Blob
                | Kind::Integer
                | Kind::Hex
                | Kind::Real
                | Kind::Parameter
                | Kind::RightParen
                | Kind::Null
                | Kind::Isnull
                | Kind::Notnull
        )
}
