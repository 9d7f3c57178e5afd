//! Cursors over a range of rowids or of an index: where they begin, and their far bound.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::cell::CELL;
use super::rows::{at, flag};
use super::{Machine, Result, stretch};
use crate::sqlite3::key::{ABOVE, Order, Writer};
use crate::sqlite3::real;
use crate::sqlite3::schema;
use crate::sqlite3::value::{Affinity, Value};

impl Machine<'_> {
    /// A range of rowids or of an index. The description: flags (1 low bound, 2 it belongs to the range, 4 high bound, 8
    /// it belongs to the range, 32 no column is asked for but the index's), equal parts, then for an index its number, how
    /// many parts, the order of each part, and with flag 32 the column and the affinity of each. On the stack: the equal values, the low bound, the high bound.
    pub(crate) fn range(&mut self) -> Result<()> {
        let (cursor, table, description) = (self.operand(), self.u16(), self.u16());
        let at = self.pc;
        self.pc += description;
        let (flags, equal) = (self.get8(at), usize::from(self.get8(at + 1)));
        let is_index = description > 2;
        let (has_low, has_high) = (flags & 1 != 0, flags & 4 != 0);
        let values = equal + usize::from(has_low) + usize::from(has_high);
        let first = self.sp.saturating_sub(values * CELL);
        self.sp = first;
        let cursor = self.open(cursor, table, if is_index { flag::INDEX } else { 0 });
        self.set_field(cursor + at::INDEX, at + 2);
        let number = if is_index { crate::sqlite3::compile::get16(self.arena, at + 2) } else { table as u16 };
        let parts = usize::from(self.get8(at + 4));
        // Nothing equals NULL, and nothing is less or greater.
        for value in 0..values {
            if self.view().at(first + value * CELL).is_null() {
                self.put8(cursor, flag::END);
                return Ok(());
            }
        }
        let order = |code: &[u8], part: usize| {
            if is_index { schema::order(code.get(at + 5 + part).copied().unwrap_or(0)) } else { Order::default() }
        };
        let limit = if is_index { schema::text_limit(parts) } else { usize::MAX };
        let descending = is_index && order(self.arena, equal).descending;
        // The smaller end of the keys is the low bound, unless the part is descending.
        let low_place = has_low.then_some(equal);
        let high_place = has_high.then_some(equal + usize::from(has_low));
        let (near, far) = if descending { (high_place, low_place) } else { (low_place, high_place) };
        let (near_in, far_in) =
            if descending { (flags & 8 != 0, flags & 2 != 0) } else { (flags & 2 != 0, flags & 8 != 0) };
        for (place, inclusive, is_far) in [(near, near_in, false), (far, far_in, true)] {
            // The key is written to the free part of the scratch; that of the far end stays there.
            let mut included = true;
            let len = self.write_key(limit, &mut |view, writer| {
                schema::begin_key(number, writer);
                for part in 0..equal {
                    writer.column(view.at(first + part * CELL), order(view.arena, part));
                }
                if let Some(place) = place {
                    let value = view.at(first + place * CELL);
                    if is_index {
                        let cut = writer.column(value, order(view.arena, equal));
                        // What a cut key excludes, the condition itself must.
                        included = inclusive || cut;
                    } else {
                        included = rowid_bound(value, is_far, inclusive, writer);
                    }
                } else if is_index && is_far == descending && (has_low || has_high) {
                    // NULLs stand at the low end; they are in no range.
                    writer.column(Value::Null, order(view.arena, equal));
                    included = false;
                }
                // Seeking: before all keys that begin so, or behind them.
                if !is_far && !included {
                    writer.byte(ABOVE);
                }
            })?;
            let bump = self.bump;
            if !is_far {
                let slot = usize::from(self.get8(cursor + at::SLOT));
                self.store.seek(slot, stretch(self.arena, bump, len))?;
            } else {
                self.set_field(cursor + at::BOUND, bump);
                self.set_field(cursor + at::BOUND_LEN, len);
                self.put8(cursor + at::BOUND_KIND, included.into());
                self.bump = bump + len;
                self.set_field(cursor + at::BASE, self.bump);
            }
        }
        Ok(())
    }
}

/// Writes the bound of a range of rowids; whether the rows that begin with it belong to the range. A bound that is no
/// integer is the next integer towards the inside.
fn rowid_bound(value: Value<'_>, far: bool, inclusive: bool, writer: &mut Writer<'_>) -> bool {
    /// The REAL above the largest rowid; below zero, it is the smallest.
    const END: f64 = 9_223_372_036_854_775_808.0;
    match Affinity::Numeric.apply_numeric(value) {
        Value::Integer(i) => {
            writer.rowid(i);
            inclusive
        }
        Value::Real(r) if real::order(r, END).is_ge() || real::order(r, -END).is_lt() => {
            // Beyond all rowids: all or nothing.
            let above = !real::is_negative(r);
            if above {
                writer.byte(ABOVE);
            }
            far == above
        }
        Value::Real(r) => {
            let cut = real::whole(r);
            let order = real::order(real::of(cut), r);
            writer.rowid(cut - i64::from(order.is_gt()));
            // Rows up to the integer below are on its low side.
            if order.is_eq() { inclusive } else { far }
        }
        // Text and blobs are greater than all rowids.
        _ => {
            writer.byte(ABOVE);
            far
        }
    }
}
