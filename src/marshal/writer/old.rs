//! What versions 0 to 2 write otherwise: floats as text, and sets in the order of their items' bytes.

use super::Writer;
use crate::decimal;
use crate::marshal::typecode::FLOAT;
use crate::marshal::{atom, reader};

/// What versions 0 to 2 have of their own. It is reached through the version that was asked for alone, so that who writes
/// newer ones links none of it.
pub(in crate::marshal) struct Old {
    /// Writes a float.
    pub(super) float: for<'w> fn(&mut Writer<'w>, f64),
    /// Sorts the items of a set: so many, from a place on.
    pub(super) sort: for<'w> fn(&mut Writer<'w>, usize, u32),
}

pub(in crate::marshal) static OLD: Old = Old {
    float: |writer, value| {
        let code = writer.flagged(FLOAT);
        writer.out.put_byte(code);
        writer.float_text(value);
    },
    sort: |writer, at, count| writer.sort(at, count),
};

impl Writer<'_> {
    /// A float's text behind its length.
    pub(super) fn float_text(&mut self, value: f64) {
        let mut buf = [0; decimal::LONGEST];
        let text = decimal::text(value, decimal::Style::Seventeen, &mut buf).as_bytes();
        self.out.put(&[text.len() as u8], text);
    }

    /// Sorts the items of a set, from `first` on, by their bytes, as CPython 3.11 and later write sets (bpo-37596).
    fn sort(&mut self, first: usize, count: u32) {
        let items = self.out.since(first);
        // Runs of 1, 2, 4 ... items are merged in place.
        let mut run = 1u32;
        while run < count {
            let mut at = 0;
            while at < items.len() {
                let middle = skip(items, at, run);
                let end = skip(items, middle, run);
                merge(items, at, middle, end);
                at = end;
            }
            run = run.saturating_mul(2);
        }
    }
}

/// The place behind `n` values.
fn skip(items: &[u8], at: usize, n: u32) -> usize {
    let mut at = at;
    for _ in 0..n {
        if at >= items.len() {
            break;
        }
        at = reader::end(&atom::RULES_3, items, at).unwrap_or(items.len());
    }
    at
}

/// Merges two sorted runs of values that lie side by side.
fn merge(items: &mut [u8], first: usize, middle: usize, end: usize) {
    let (mut left, mut right) = (first, middle);
    while left < right && right < end {
        let left_end = skip(items, left, 1);
        // How many of the right run come before the first of the left.
        let mut stop = right;
        while stop < end {
            let next = skip(items, stop, 1);
            if items.get(stop..next) >= items.get(left..left_end) {
                break;
            }
            stop = next;
        }
        if let Some(both) = items.get_mut(left..stop) {
            both.rotate_left(right.wrapping_sub(left));
        }
        let moved = stop.wrapping_sub(right);
        left = left_end.wrapping_add(moved);
        right = stop;
    }
}
