//! An index that is read in the place of its table, where no term of WHERE narrows either: rows come in its order then.
//!
//! Contract: SQLite reads an index that has all that a SELECT asks of a table, if its entries are likely shorter than the rows:
//! without ORDER BY that shows in the order of the rows, in `LIMIT`, in group_concat, in sums of reals. This chooses as SQLite 3.40 does
//! without statistics: widths are guessed from the declared types, and of equal ones the index that was made last is taken.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::frame::{f, flag, joined, s};
use super::plan::{Stretch, found_by};
use super::*;
use crate::sqlite3::schema::ROWID;
use crate::sqlite3::text::leading_integer;
use crate::sqlite3::token::Kind;

impl Compiler<'_> {
    /// Takes an index for a source that would be scanned, if one has all that is asked of it; notes whether the index that is
    /// taken has.
    pub(crate) fn cover(&mut self, at: usize) {
        if self.is_write() || self.get(at, s::FLAGS) & joined::BARE != 0 || self.definition(at).indexes() == 0 {
            return;
        }
        if self.get(at, s::PLAN) == found_by::SCAN {
            let index = self.covering_index(at);
            if index > 0 {
                self.take_index(at, index);
            }
        }
        if self.get(at, s::PLAN) == found_by::INDEX && self.covers(at, self.get(at, s::INDEX).into()) {
            self.put(at, s::FLAGS, self.get(at, s::FLAGS) | joined::COVERED);
        }
    }

    /// Where the index stands that is read instead of a table; 0 for none.
    fn covering_index(&self, at: usize) -> usize {
        let definition = self.definition(at);
        let columns = (0..definition.columns()).map(|column| self.width_of(at, column));
        let table = logarithm(columns.sum::<u32>() + u32::from(definition.rowid_column() == ROWID));
        let mut list = if self.flagged(flag::DISTINCT) { self.own(f::RESULT) } else { self.own(f::GROUP) };
        if self.is_listed(list, at, Some(ROWID)) {
            // No two rows are alike.
            list = NONE;
        }
        let (mut best, mut least) = (0, u32::MAX);
        for index in definition.each_index() {
            let parts = 0..usize::from(index.columns);
            let width = logarithm(parts.clone().map(|part| self.width_of(at, index.part(part).0)).sum::<u32>() + 1);
            let sorted =
                parts.clone().take_while(|&part| self.is_listed(list, at, self.part(at, index.at, part))).count();
            let cost = 15 * width / table.max(1) + 4096 - 256 * sorted as u32;
            if (width < table || sorted > 0) && cost <= least && self.covers(at, index.at) {
                (best, least) = (index.at, cost);
            }
        }
        best
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
                return false;
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
