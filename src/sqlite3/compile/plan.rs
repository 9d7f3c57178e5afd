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
}

/// The most equal columns of an index that are used.
const EQUALS: usize = 6;

/// What a term says of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Help {
    Equal(u16),
    /// Where the bound stands, and whether it belongs to the range.
    Low(u16, bool),
    High(u16, bool),
    Between(u16, u16),
}

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
        self.put(at, s::PLAN, found_by::SCAN);
        self.put(at, s::EQUALS, 0);
        self.put(at, s::RANGE, 0);
        let mut terms = self.terms(at);
        for term in 0.. {
            let Some(place) = self.next_of_terms(&mut terms) else { break };
            if let Some(Help::Equal(value)) = self.help(at, ROWID, place) {
                self.put(at, s::PLAN, found_by::FIND);
                self.put(at, s::EQUALS, 1);
                self.put(at, s::VALUES, value);
                // Which term it is, and where that ends: see plan_value.
                self.put(at, s::LOW, term);
                self.put(at, s::HIGH, place.1);
                self.token = saved;
                return;
            }
        }
        let (mut best, mut best_index) = (0, 0);
        let mut index_at = self.definition(at).indexes_at();
        for _ in 0..self.definition(at).indexes() {
            let score = self.score(at, index_at);
            if score >= best {
                (best, best_index) = (score, index_at);
            }
            index_at = self.definition(at).index_at(index_at).next;
        }
        if best > 0 {
            self.take_index(at, best_index);
        } else if self.bounds(at, ROWID) != 0 {
            self.put(at, s::PLAN, found_by::ROWIDS);
        }
        if cfg!(fast) {
            self.cover(at);
        }
        self.token = saved;
    }

    /// How much an index narrows; 0 not at all.
    fn score(&mut self, at: usize, index_at: usize) -> u32 {
        let parts = self.definition(at).index_columns(index_at);
        let mut equals = 0;
        while equals < parts.min(EQUALS)
            && self.part(at, index_at, equals).is_some_and(|column| self.equal(at, column).is_some())
        {
            equals += 1;
        }
        if self.get(at, s::FLAGS) & joined::BARE != 0 {
            return 0;
        }
        let unique = self.definition(at).index_at(index_at).unique && equals == parts;
        let mut score = 100 * equals as u32 + 50 * u32::from(unique);
        if equals < parts
            && let Some(column) = self.part(at, index_at, equals)
        {
            score += 10 * self.bounds(at, column).count_ones();
        }
        score
    }

    /// Notes the terms that an index uses.
    pub(crate) fn take_index(&mut self, at: usize, index_at: usize) {
        let parts = self.definition(at).index_columns(index_at);
        let mut equals = 0;
        while equals < parts.min(EQUALS) {
            let Some(value) = self.part(at, index_at, equals).and_then(|column| self.equal(at, column)) else { break };
            self.put(at, s::VALUES + equals as u8, value);
            equals += 1;
        }
        self.put(at, s::PLAN, found_by::INDEX);
        self.put(at, s::INDEX, index_at as u16);
        self.put(at, s::EQUALS, equals as u16);
        self.put(at, s::RANGE, 0);
        if equals < parts
            && let Some(column) = self.part(at, index_at, equals)
        {
            self.bounds(at, column);
        }
    }

    /// The column of a part of an index, if its order is that of the column's own collation.
    pub(crate) fn part(&self, at: usize, index_at: usize, part: usize) -> Option<u8> {
        let definition = self.definition(at);
        let (column, order) = definition.index_part(index_at, part);
        (column != ROWID && definition.flags(column).1 & 3 == order >> 1).then_some(column)
    }

    /// Where the value stands that a column equals.
    fn equal(&mut self, at: usize, column: u8) -> Option<u16> {
        let mut terms = self.terms(at);
        while let Some(term) = self.next_of_terms(&mut terms) {
            if let Some(Help::Equal(value)) = self.help(at, column, term) {
                return Some(value);
            }
        }
        None
    }

    /// Notes the bounds of a column; the bits of RANGE.
    fn bounds(&mut self, at: usize, column: u8) -> u16 {
        let mut found = 0;
        let mut terms = self.terms(at);
        while let Some(term) = self.next_of_terms(&mut terms) {
            let (low, high) = match self.help(at, column, term) {
                Some(Help::Low(value, inside)) => (Some((value, inside)), None),
                Some(Help::High(value, inside)) => (None, Some((value, inside))),
                Some(Help::Between(low, high)) => (Some((low, true)), Some((high, true))),
                _ => continue,
            };
            if let Some((value, inside)) = low
                && found & range::LOW == 0
            {
                found |= range::LOW | if inside { range::LOW_IN } else { 0 };
                self.put(at, s::LOW, value);
            }
            if let Some((value, inside)) = high
                && found & range::HIGH == 0
            {
                found |= range::HIGH | if inside { range::HIGH_IN } else { 0 };
                self.put(at, s::HIGH, value);
            }
        }
        self.put(at, s::RANGE, found);
        found & (range::LOW | range::HIGH)
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
            return Some(Help::Between(low.begin(), high.begin()));
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
        Some(match (relation.kind, flipped) {
            (Kind::Equal, _) => Help::Equal(value),
            (Kind::Less, false) | (Kind::Greater, true) => Help::High(value, false),
            (Kind::LessEqual, false) | (Kind::GreaterEqual, true) => Help::High(value, true),
            (Kind::Greater, false) | (Kind::Less, true) => Help::Low(value, false),
            _ => Help::Low(value, true),
        })
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
            found_by::SCAN | found_by::FIND => self.byte(0),
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
