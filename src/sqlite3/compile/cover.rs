//! An index that is read in the place of its table, where no term of WHERE narrows either, and the order of rows that are equal in ORDER BY.
//!
//! Contract: SQLite reads an index that has all that a SELECT asks of a table, if its entries are likely shorter than the rows:
//! without ORDER BY that shows in the order of the rows, in `LIMIT`, in group_concat, in sums of reals. This chooses as SQLite 3.40 does
//! without statistics: widths are guessed from the declared types, and of equal ones the index that was made last is taken. With ORDER BY,
//! SQLite reads an index that has its order, backwards for DESC: rows that are equal in it come in the order of the index, or
//! in its reverse. Here rows are sorted, and what the index has besides becomes keys behind those of ORDER BY.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::frame::{f, flag, joined, s};
use super::plan::{Stretch, found_by};
use super::*;
use crate::sqlite3::schema::ROWID;
use crate::sqlite3::text::leading_integer;
use crate::sqlite3::token::{Kind, Token, class};

impl Compiler<'_> {
    /// Takes an index for a source that would be scanned, if one has all that is asked of it; notes the index whose order SQLite
    /// would take for that of ORDER BY, and whether the index that is taken has all.
    pub(crate) fn cover(&mut self, at: usize) {
        if self.is_write() || self.get(at, s::FLAGS) & joined::BARE != 0 || self.definition(at).indexes() == 0 {
            return;
        }
        if self.get(at, s::PLAN) == found_by::SCAN {
            let (index, covers) = self.read_index(at);
            if covers {
                self.take_index(at, index);
            }
            self.put(at, s::TIES, if index == 0 { NONE } else { index as u16 });
        } else if self.get(at, s::PLAN) == found_by::INDEX {
            self.put(at, s::TIES, self.get(at, s::INDEX));
        }
        if self.get(at, s::PLAN) == found_by::INDEX && self.covers(at, self.get(at, s::INDEX).into()) {
            self.put(at, s::FLAGS, self.get(at, s::FLAGS) | joined::COVERED);
        }
    }

    /// Keys behind those of ORDER BY, which put equal rows in the order of the index that SQLite would read.
    pub(crate) fn order_ties(&mut self) {
        let at = usize::from(self.own(f::SOURCES));
        if at == 0 || self.is_subquery(at) || self.get(at, s::TIES) == NONE {
            return;
        }
        let (index, scans) = (usize::from(self.get(at, s::TIES)), self.get(at, s::PLAN) == found_by::SCAN);
        let from = usize::from(self.get(at, s::EQUALS));
        let (ordered, reversed) = self.ordered(at, index, from);
        let parts = self.definition(at).index_columns(index);
        for part in from + ordered..if ordered > 0 && (reversed || scans) { parts } else { 0 } {
            let (column, order) = self.definition(at).index_part(index, part);
            self.tie(at, column, order ^ u8::from(reversed));
        }
        if reversed {
            self.tie(at, ROWID, 1);
        }
    }

    /// A column of a source as the next key of ORDER BY.
    fn tie(&mut self, at: usize, column: u8, order: u8) {
        self.read_column(at, column);
        self.grow(1);
        self.note_key(order);
    }

    /// The index that a scan goes by, and whether that has all that is asked; 0 for none.
    fn read_index(&self, at: usize) -> (usize, bool) {
        let definition = self.definition(at);
        let columns = (0..definition.columns()).map(|column| self.width_of(at, column));
        let table = logarithm(columns.sum::<u32>() + u32::from(definition.rowid_column() == ROWID));
        let mut list = if self.flagged(flag::DISTINCT) { self.own(f::RESULT) } else { self.own(f::GROUP) };
        if self.is_listed(list, at, Some(ROWID)) {
            // No two rows are alike.
            list = NONE;
        }
        let (mut best, mut least) = ((0, false), u32::MAX);
        for index in definition.each_index() {
            let parts = 0..usize::from(index.columns);
            let width = logarithm(parts.clone().map(|part| self.width_of(at, index.part(part).0)).sum::<u32>() + 1);
            let ordered = self.ordered(at, index.at, 0).0;
            let listed = parts.take_while(|&part| self.is_listed(list, at, self.part(at, index.at, part))).count();
            let covers = self.covers(at, index.at);
            let share = 15 * width / table.max(1);
            // (No sound index has more parts than 16.)
            let useful = (ordered + listed).min(16) as u32;
            let cost = if covers { share } else { with_rows(share) } + 256 * (16 - useful);
            if (covers && (width < table || listed > 0) || ordered > 0) && cost <= least {
                (best, least) = ((index.at, covers), cost);
            }
        }
        best
    }

    /// How many terms of ORDER BY, from its first on, are the parts of an index from one on, all in its order or all in the
    /// reverse: whether they are that.
    fn ordered(&self, at: usize, index: usize, from: usize) -> (usize, bool) {
        let (mut list, mut found) = (self.own(f::ORDER), (0, false));
        if self.own(f::COUNT) > 1 || self.flagged(flag::DISTINCT | flag::AGGREGATE) {
            return found;
        }
        while list != NONE && from + found.0 < self.definition(at).index_columns(index) {
            let term = self.walk(self.lex(list), class::TERM);
            let (next, descending) = (self.after(term.end), term.end.kind == Kind::Desc);
            let behind = if matches!(term.end.kind, Kind::Asc | Kind::Desc) { next } else { term.end };
            let part = from + found.0;
            let reversed = descending != (self.definition(at).index_part(index, part).1 & 1 != 0);
            let Some(column) = self.part(at, index, part) else { break };
            let is_part = self.lone_column(self.meant(list, term.last)) == Found::new(self.frame, at, column);
            if !is_part || matches!(behind.kind, Kind::Nulls | Kind::Collate) || found.0 > 0 && reversed != found.1 {
                break;
            }
            found = (found.0 + 1, reversed);
            list = if behind.kind == Kind::Comma { self.after(behind).start() } else { NONE };
        }
        found
    }

    /// The tokens that a term of ORDER BY stands for: its own, or those of the result column that it numbers.
    fn meant(&self, list: u16, last: Token) -> Stretch {
        let mut item = self.own(f::RESULT);
        if last.kind != Kind::Integer || last.start() != self.lex(list).start() {
            return Stretch::new(list, last.start());
        }
        let mut left = leading_integer(self.text(last));
        while left > 1 && item != NONE && self.star_at(item).is_none() {
            (item, left) = (self.item_at(item).next, left - 1);
        }
        Stretch::new(item, if item == NONE { NONE } else { self.item_at(item).last() })
    }

    /// Whether a column of a source stands alone in a list of expressions: of what DISTINCT makes distinct, or of GROUP BY.
    fn is_listed(&self, mut list: u16, at: usize, column: Option<u8>) -> bool {
        while list != NONE {
            let item = self.item_at(list);
            if column.is_some_and(|column| {
                self.lone_column(Stretch::new(list, item.last())) == Found::new(self.frame, at, column)
            }) {
                return true;
            }
            list = item.next;
        }
        false
    }

    /// Whether the SELECT at hand asks for something of a source, and only for what the index at an offset has. (A name inside
    /// of a subquery counts if it could mean a column of the source.)
    fn covers(&self, at: usize, index: usize) -> bool {
        let definition = self.definition(at);
        let has = |column: u8| {
            (0..definition.index_columns(index)).any(|part| definition.index_part(index, part).0 == column)
        };
        let (mut token, mut before, mut any) = (self.lex(self.own(f::RESULT)), Kind::Comma, false);
        let mut qualifier = None;
        while token.start() < self.own(f::END) && token.kind != Kind::End_ {
            let next = self.after(token);
            let is_column = is_name(token.kind) && next.kind != Kind::LeftParen && before != Kind::As;
            if is_column && next.kind == Kind::Dot {
                qualifier = Some(token);
            } else if is_column {
                let found = self.look_up(qualifier.filter(|_| before == Kind::Dot), token);
                if found.frame() == self.frame && (found.source() == at || !found.is_one()) {
                    any = true;
                    if found.column != ROWID && !has(found.column) {
                        return false;
                    }
                }
            } else if token.kind == Kind::Star && matches!(before, Kind::Comma | Kind::Dot) {
                any = true;
                if (0..definition.columns()).any(|column| column != definition.rowid_column() && !has(column)) {
                    return false;
                }
            }
            (before, token) = (token.kind, next);
        }
        any
    }

    /// About how many integers a column is as wide as, going by its type.
    fn width_of(&self, at: usize, column: u8) -> u32 {
        let definition = self.definition(at);
        let Some(known) = definition.column(column).filter(|known| known.affinity < 2 && !known.type_name.is_empty())
        else {
            return 1;
        };
        // VARCHAR(8) is as wide as three integers, TEXT as five.
        let length = known
            .type_name
            .windows(4)
            .position(|four| four.eq_ignore_ascii_case(b"char") || four.eq_ignore_ascii_case(b"blob"));
        let Some(length) = length.and_then(|at| known.type_name.get(at..)) else { return 5 };
        match length.iter().position(u8::is_ascii_digit) {
            Some(digits) => (leading_integer(length.get(digits..).unwrap_or_default()) as u32 / 4 + 1).min(255),
            None if length.first().is_some_and(|first| first | 0x20 == b'c') => 1,
            None => 5,
        }
    }
}

/// Ten times the logarithm to the base 2 of four times a number, as SQLite rounds it.
fn logarithm(number: u32) -> u32 {
    const EIGHTHS: [u8; 8] = [0, 2, 3, 5, 6, 7, 8, 9];
    let number = number * 4;
    let bits = number.max(1).ilog2();
    let eighth = (u64::from(number) << 3 >> bits) as usize & 7;
    10 * bits + u32::from(EIGHTHS.get(eighth).copied().unwrap_or(0))
}

/// The cost of reading an index and a row of the table for each entry, if reading the index alone costs so much: in SQLite costs are ten
/// times logarithms to the base 2, and 15 is that of the rows.
fn with_rows(index: u32) -> u32 {
    /// What is added to the greater of two, by their difference.
    const MORE: [u8; 16] = [10, 10, 9, 9, 8, 8, 7, 7, 7, 6, 6, 6, 5, 5, 5, 4];
    let more = MORE.get(index.abs_diff(15) as usize).copied().unwrap_or(3);
    index.max(15) + u32::from(more)
}
