//! How the rows of a source are found: by a scan, by a rowid, or by a range of rowids or of an index.
//!
//! Contract: a plan only narrows what a scan would give; every condition is still checked on every row, but for the one that a rowid
//! was found by. A term of WHERE or ON helps if it compares a column of the source, alone on its side, with an expression that names nothing of the source or
//! of those inside of its loop, and if the comparison orders values as the index does.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::expression::mark;
use super::found::Found;
use super::frame::{f, joined, s};
use super::select::step;
use super::*;
use crate::sqlite3::program::Op;
use crate::sqlite3::schema::ROWID;
use crate::sqlite3::token::{Kind, class};

/// Kinds of plans, in the field PLAN of a source.
pub(crate) mod found_by {
    pub(crate) const SCAN: u16 = 0;
    pub(crate) const FIND: u16 = 1;
    pub(crate) const ROWIDS: u16 = 2;
    pub(crate) const INDEX: u16 = 3;
}

/// Bits of the field RANGE, as the machine's Range has them.
pub(crate) mod range {
    pub(crate) const LOW: u16 = 1;
    pub(crate) const LOW_IN: u16 = 2;
    pub(crate) const HIGH: u16 = 4;
    pub(crate) const HIGH_IN: u16 = 8;
    pub(crate) const COVERED: u8 = crate::sqlite3::vm::covered::COVERED;
    /// No range: one value.
    pub(crate) const EQUAL: u16 = 16;
}

/// The most equal columns of an index that are used.
const EQUALS: usize = 6;

/// What a term says of a column: bits of [`range`], and where the low bound, or the value, and the high bound stand.
type Help = (u16, u16, u16);

/// The terms that may help a source, one after the other.
#[derive(Clone, Copy)]
struct Terms {
    /// The next term; NONE at the end.
    at: u16,
    whole: bool,
    /// Behind WHERE come the ONs.
    rest: usize,
}

/// Some tokens: where the first begins, and where the last.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stretch(u32);

impl Stretch {
    pub(crate) fn new(begin: u16, last: u16) -> Self {
        Stretch(u32::from(begin) | u32::from(last) << 16)
    }

    pub(crate) fn begin(self) -> u16 {
        self.0 as u16
    }

    pub(crate) fn last(self) -> u16 {
        (self.0 >> 16) as u16
    }
}

impl Compiler<'_> {
    /// Chooses how the rows of a source are found.
    pub(crate) fn choose_plan(&mut self, at: usize) {
        let saved = self.token;
        let rowid = self.look(at, ROWID, 0);
        if rowid == range::EQUAL || !self.choose_index(at) {
            let (plan, equals, bounds) = match rowid {
                0 => (found_by::SCAN, 0, 0),
                range::EQUAL => (found_by::FIND, 1, 0),
                // The indexes noted bounds of theirs.
                _ => (found_by::ROWIDS, 0, self.look(at, ROWID, 0)),
            };
            self.put(at, s::PLAN, plan);
            self.put(at, s::EQUALS, equals);
            self.put(at, s::RANGE, bounds);
        }
        if cfg!(fast) {
            self.cover(at);
        }
        self.token = saved;
    }

    /// Takes the index that narrows most, if one does.
    fn choose_index(&mut self, at: usize) -> bool {
        let (mut best, mut best_index) = (0, 0);
        let mut index_at = self.definition(at).indexes_at();
        for _ in 0..self.definition(at).indexes() {
            let score = self.take_index(at, index_at);
            if score >= best {
                (best, best_index) = (score, index_at);
            }
            index_at = self.definition(at).index_at(index_at).next;
        }
        best > 0 && self.take_index(at, best_index) > 0
    }

    /// Notes the terms that an index uses; how much it narrows, 0 not at all.
    #[inline(never)]
    pub(crate) fn take_index(&mut self, at: usize, index_at: usize) -> u16 {
        if self.get(at, s::FLAGS) & joined::BARE != 0 {
            return 0;
        }
        let parts = self.definition(at).index_columns(index_at);
        let (mut equals, mut bounds) = (0, 0);
        while equals < parts.min(EQUALS) {
            let Some(column) = self.part(at, index_at, equals) else { break };
            bounds = self.look(at, column, equals as u8);
            if bounds != range::EQUAL {
                break;
            }
            (equals, bounds) = (equals + 1, 0);
        }
        self.put(at, s::PLAN, found_by::INDEX);
        self.put(at, s::INDEX, index_at as u16);
        self.put(at, s::EQUALS, equals as u16);
        self.put(at, s::RANGE, bounds);
        let unique = equals == parts && self.definition(at).index_at(index_at).unique;
        let ends = (bounds & (range::LOW | range::HIGH)).count_ones();
        100 * equals as u16 + 50 * u16::from(unique) + 10 * ends as u16
    }

    /// The column of a part of an index, if its order is that of the column's own collation.
    pub(crate) fn part(&self, at: usize, index_at: usize, part: usize) -> Option<u8> {
        let definition = self.definition(at);
        let (column, order) = definition.index_part(index_at, part);
        (column != ROWID && definition.flags(column).1 & 3 == order >> 1).then_some(column)
    }

    /// Looks for what the terms say of a column: one that says what it equals is enough. The bits of [`range`]. The bounds
    /// are noted, or the value in its place among the values, with the number of the term and where that ends in the place
    /// of the bounds: see `plan_value`.
    #[inline(never)]
    fn look(&mut self, at: usize, column: u8, place: u8) -> u16 {
        let mut found = 0;
        let mut terms = self.terms(at);
        for number in 0.. {
            let Some(term) = self.next_of_terms(&mut terms) else { break };
            let Some((bits, low, high)) = self.help(at, column, term) else { continue };
            if bits == range::EQUAL {
                self.put(at, s::VALUES + place, low);
                self.put(at, s::LOW, number);
                self.put(at, s::HIGH, term.1);
                return bits;
            }
            const BOTH: [(u8, u16); 2] =
                [(s::LOW, range::LOW | range::LOW_IN), (s::HIGH, range::HIGH | range::HIGH_IN)];
            for ((field, end), value) in BOTH.into_iter().zip([low, high]) {
                if bits & end != 0 && found & end == 0 {
                    found |= bits & end;
                    self.put(at, field, value);
                }
            }
        }
        found
    }

    // ---- terms

    /// The terms for a source: those of WHERE and of inner joins, or for the right side of a LEFT JOIN those of its ON.
    fn terms(&mut self, at: usize) -> Terms {
        if self.is_left(at) {
            let (on, whole) = self.region(self.get(at, s::ON)).unwrap_or((NONE, false));
            return Terms { at: on, whole, rest: 0 };
        }
        let rest = usize::from(self.own(f::SOURCES));
        let (first, whole) = self.region(self.own(f::WHERE)).unwrap_or((NONE, false));
        Terms { at: first, whole, rest }
    }

    /// The next term: where it begins and ends.
    fn next_of_terms(&mut self, terms: &mut Terms) -> Option<(u16, u16)> {
        while terms.at == NONE {
            if terms.rest == 0 {
                return None;
            }
            let from = terms.rest;
            terms.rest = self.get(from, s::NEXT).into();
            if !self.is_left(from)
                && let Some((on, whole)) = self.region(self.get(from, s::ON))
            {
                (terms.at, terms.whole) = (on, whole);
            }
        }
        let begin = terms.at;
        self.go(begin);
        self.skip_term(terms.whole);
        let end = self.token.start();
        terms.at = if self.token.kind == Kind::And { self.after(self.token).start() } else { NONE };
        Some((begin, end))
    }

    /// What a term says of a column of a source.
    fn help(&self, at: usize, column: u8, (begin, end): (u16, u16)) -> Option<Help> {
        // One comparison at the outermost level, and what stands on its sides.
        let (mut token, mut depth, mut relation, mut and, mut last) = (self.lex(begin), 0usize, None, None, None);
        while token.start() < end && token.kind != Kind::End_ {
            match token.kind {
                Kind::LeftParen => depth += 1,
                Kind::RightParen => depth = depth.checked_sub(1)?,
                kind if kind.is(class::NO_HELP) => return None,
                Kind::Equal | Kind::Less | Kind::LessEqual | Kind::Greater | Kind::GreaterEqual | Kind::Between => {
                    if relation.is_some() || depth > 0 {
                        return None;
                    }
                    relation = Some((token, last?));
                }
                Kind::And if depth == 0 && and.is_none() => and = Some((token, last?)),
                Kind::And => return None,
                _ => {}
            }
            last = Some(token.start());
            token = self.after(token);
        }
        let ((relation, before), last) = (relation?, last?);
        let right = self.after(relation).start();
        let (left, right) = (Stretch::new(begin, before), Stretch::new(right, last));
        if relation.kind == Kind::Between {
            let (and, low_end) = and?;
            let (low, high) = (Stretch::new(right.begin(), low_end), Stretch::new(self.after(and).start(), last));
            if !self.is_operand(at, column, left)
                || !self.is_free(at, column, low, false)
                || !self.is_free(at, column, high, false)
            {
                return None;
            }
            let bits = range::LOW | range::LOW_IN | range::HIGH | range::HIGH_IN;
            return Some((bits, low.begin(), high.begin()));
        }
        if and.is_some() {
            return None;
        }
        let (value, flipped) = if self.is_operand(at, column, left) && self.is_free(at, column, right, false) {
            (right.begin(), false)
        } else if self.is_operand(at, column, right) && self.is_free(at, column, left, true) {
            (left.begin(), true)
        } else {
            return None;
        };
        let bits = match (relation.kind, flipped) {
            (Kind::Equal, _) => range::EQUAL,
            (Kind::Less, false) | (Kind::Greater, true) => range::HIGH,
            (Kind::LessEqual, false) | (Kind::GreaterEqual, true) => range::HIGH | range::HIGH_IN,
            (Kind::Greater, false) | (Kind::Less, true) => range::LOW,
            _ => range::LOW | range::LOW_IN,
        };
        Some((bits, value, value))
    }

    /// The first and the last of a stretch of tokens, less the parentheses around them.
    #[cfg_attr(not(fast), inline(never))]
    pub(crate) fn unwrapped(&self, mut part: Stretch) -> Stretch {
        loop {
            let first = self.lex(part.begin());
            let open = first.kind == Kind::LeftParen && part.begin() < part.last();
            if !open || self.lex(part.last()).kind != Kind::RightParen {
                return part;
            }
            let last = self.last_before(first.start(), part.last());
            part = Stretch::new(self.after(first).start(), last.start());
        }
    }

    /// The column that a stretch of tokens is, if it is just a column.
    pub(crate) fn lone_column(&self, part: Stretch) -> Found {
        let part = self.unwrapped(part);
        let first = self.lex(part.begin());
        if !is_name(first.kind) {
            return Found::NOTHING;
        }
        let (mut qualifier, mut name) = (None, first);
        while name.start() < part.last() {
            let dot = self.after(name);
            if dot.kind != Kind::Dot {
                return Found::NOTHING;
            }
            qualifier = Some(name);
            name = self.after(dot);
        }
        self.look_up(qualifier, name)
    }

    /// Whether a stretch of tokens is this column.
    fn is_operand(&self, at: usize, column: u8, part: Stretch) -> bool {
        self.lone_column(part) == Found::new(self.frame, at, column)
    }

    /// Whether an expression can be computed before the source is opened, and compares with the column in the column's order.
    fn is_free(&self, at: usize, column: u8, part: Stretch, left: bool) -> bool {
        let mut token = self.lex(part.begin());
        loop {
            let next = self.after(token);
            if is_name(token.kind) && next.kind != Kind::LeftParen {
                let (qualifier, name) =
                    if next.kind == Kind::Dot { (Some(token), self.after(next)) } else { (None, token) };
                let found = self.look_up(qualifier, name);
                let inside = found.frame() == self.frame && self.get(found.source(), s::BIT) >= self.get(at, s::BIT);
                if !found.is_one() || inside {
                    return false;
                }
                token = name;
            }
            if token.start() >= part.last() {
                break;
            }
            token = self.after(token);
        }
        let other = self.lone_column(part);
        if !other.is_one() {
            return true;
        }
        // Between two columns, affinity and collation are those of both.
        let kind = |source: usize, column: u8| {
            let (flags, more) = self.definition(source).flags(column);
            (flags & 7 >= 2, more & 3)
        };
        let ours = kind(at, column);
        let theirs = kind(other.source(), other.column);
        (ours.0 || !theirs.0) && (!left || ours.1 == theirs.1)
    }

    // ---- code

    /// Code for the next value of the plan, or the opening of the cursor.
    pub(crate) fn plan_next(&mut self) {
        let at = self.looped();
        let (equals, bounds) = (self.get(at, s::EQUALS), self.get(at, s::RANGE));
        let done = self.own(f::POS);
        let low = u16::from(bounds & range::LOW != 0);
        let high = u16::from(bounds & range::HIGH != 0);
        if done < equals + low + high {
            let value = if done < equals {
                self.get(at, s::VALUES + done as u8)
            } else {
                self.get(at, if low != 0 && done == equals { s::LOW } else { s::HIGH })
            };
            self.goto(step::PLAN_1);
            self.go(value);
            return self.open(mark::BASE, 2, 0);
        }
        let (number, cursor) = (self.definition(at).number(), self.get(at, s::CURSOR) as u8);
        self.shrink((equals + low + high) as u8);
        let plan = self.get(at, s::PLAN);
        let op = match plan {
            found_by::SCAN => Op::Scan,
            found_by::FIND => Op::Find,
            _ => Op::Range,
        };
        if crate::sqlite3::EXPLAIN && self.tells_plan {
            self.plan_line(at);
        }
        self.op1(op, cursor);
        self.word(number);
        match plan {
            found_by::SCAN => {}
            found_by::FIND => self.byte(0),
            found_by::ROWIDS => self.bytes(&[2, 0, bounds as u8, 0]),
            _ => {
                let index_at = usize::from(self.get(at, s::INDEX));
                let index = self.definition(at).index_at(index_at);
                let (index_number, parts) = (index.number, index.columns);
                let covered = cfg!(fast) && self.get(at, s::FLAGS) & joined::COVERED != 0;
                self.word(5 + u16::from(parts) * if covered { 3 } else { 1 });
                self.bytes(&[bounds as u8 | if covered { range::COVERED } else { 0 }, equals as u8]);
                self.word(index_number);
                self.byte(parts);
                for part in 0..usize::from(parts) {
                    let order = self.definition(at).index_part(index_at, part).1;
                    self.byte(order);
                }
                for part in 0..if covered { usize::from(parts) } else { 0 } {
                    let column = self.definition(at).index_part(index_at, part).0;
                    let affinity = self.definition(at).flags(column).0 & 7;
                    self.bytes(&[column, affinity]);
                }
            }
        }
        self.opened()
    }

    /// A value is on the stack: it takes the affinity of its column.
    #[cfg_attr(not(fast), inline(never))]
    pub(crate) fn plan_value(&mut self) {
        let at = self.looped();
        let done = self.own(f::POS);
        let (term, end) = (self.get(at, s::LOW), self.get(at, s::HIGH));
        if self.get(at, s::PLAN) == found_by::FIND
            && !self.is_left(at)
            && term < 32
            && (self.token.start() == end || self.token.kind == Kind::Equal)
        {
            // The row that is found satisfies the term: it need not be checked again.
            self.term_done(term);
            if term == 0 && self.own(f::COUNT) == 1 && self.token.start() == end && self.token.kind != Kind::And {
                // There is no other term.
                self.set_own(f::WHERE, NONE);
            }
        }
        if self.get(at, s::PLAN) == found_by::INDEX {
            let part = usize::from(done.min(self.get(at, s::EQUALS)));
            let column = self.definition(at).index_part(self.get(at, s::INDEX).into(), part).0;
            let affinity = self.definition(at).flags(column).0 & 7;
            let other = self.result.affinity();
            // Between two columns that are no numbers, nothing is converted.
            if affinity >= 2 || (affinity == 1 && other == 0) {
                // As in a comparison, integers stay: REAL would lose the last bits of a large one.
                self.op1(Op::Apply, affinity.min(crate::sqlite3::value::Affinity::Numeric as u8));
            }
        }
        self.set_own(f::POS, done + 1);
        self.plan_next()
    }

    /// Gives up an index that does not find rows in the order of their rowids.
    pub(crate) fn plan_by_rowid(&mut self, at: usize) {
        let columns = self.definition(at).index_columns(self.get(at, s::INDEX).into());
        if self.get(at, s::PLAN) == found_by::INDEX && usize::from(self.get(at, s::EQUALS)) < columns {
            self.put(at, s::FLAGS, self.get(at, s::FLAGS) | joined::BARE);
        }
    }

    /// Whether the plan of a source goes through an index with one of these columns (a test of each).
    pub(crate) fn plan_uses(&self, at: usize, test: impl Fn(u8) -> bool) -> bool {
        if self.get(at, s::PLAN) != found_by::INDEX {
            return false;
        }
        let (definition, index) = (self.definition(at), self.get(at, s::INDEX).into());
        (0..definition.index_columns(index)).any(|part| test(definition.index_part(index, part).0))
    }
}
