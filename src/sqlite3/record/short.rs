//! Columns of records whose serial types have one byte each, as most have: a short way, where code is to be fast.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::arithmetic_side_effects)]
#![deny(clippy::panic)]

use super::NUMBERS;

/// The size of a body by the first byte of a serial type. Where other bytes follow, or there is no such type, it is more than
/// any record has. (An index out of bounds would not compile.)
#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)]
static SIZES: [u16; 256] = {
    let (mut sizes, mut serial) = ([u16::MAX; 256], 0);
    while serial < 0x80 {
        match serial {
            ..11 => sizes[serial] = NUMBERS[serial] as u16,
            11 => {}
            _ => sizes[serial] = (serial as u16 - 12) / 2,
        }
        serial += 1;
    }
    sizes
};

#[inline(always)]
fn size(serial: u8) -> Option<usize> {
    SIZES.get(usize::from(serial)).map(|size| (*size).into())
}

/// Where a column is: the serial type, and the body's offset and length.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    pub(crate) serial: u32,
    pub(crate) body: usize,
    pub(crate) size: usize,
}

/// Where a walk over the columns of one record stands: the serial type and the body of the column found last.
#[derive(Clone, Copy)]
pub(crate) struct ShortWalk {
    head: usize,
    body: usize,
}

impl ShortWalk {
    pub(crate) const START: Self = ShortWalk { head: 0, body: 0 };

    /// Goes to a column; `None` if a serial type up to it is longer, or there is no such column.
    #[inline(always)]
    pub(crate) fn find(&mut self, record: &[u8], column: u8) -> Option<Place> {
        let head = usize::from(column).wrapping_add(1);
        let (serial, before) = record.get(..=head)?.split_last()?;
        let end = *before.first()?;
        if head >= end.into() || end >= 0x80 {
            return None;
        }
        let known = self.head != 0 && self.head <= head;
        let (from, mut body) = if known { (self.head, self.body) } else { (1, end.into()) };
        for serial in before.get(from..)? {
            body = body.wrapping_add(size(*serial)?);
            if body > record.len() {
                return None;
            }
        }
        let size = size(*serial)?;
        if body.wrapping_add(size) > record.len() {
            return None;
        }
        *self = ShortWalk { head, body };
        Some(Place { serial: (*serial).into(), body, size })
    }
}
