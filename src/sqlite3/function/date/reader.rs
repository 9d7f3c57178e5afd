//! Walks over the text of a time.

use crate::sqlite3::text;

/// What is left of a text, and whether it was none of what was asked for.
pub(super) struct Reader<'t> {
    pub(super) rest: &'t [u8],
    pub(super) wrong: bool,
}

impl<'t> Reader<'t> {
    pub(super) fn new(rest: &'t [u8]) -> Self {
        Reader { rest, wrong: false }
    }

    /// Whether this byte comes next; then it is read.
    #[inline(never)]
    pub(super) fn take(&mut self, wanted: u8) -> bool {
        match self.rest.split_first() {
            Some((first, rest)) if *first == wanted => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    /// The digit that comes next.
    #[inline(never)]
    pub(super) fn digit(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        let digit = first.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        self.rest = rest;
        Some(digit)
    }

    /// Reads spaces, and another byte that may stand among them.
    #[inline(never)]
    pub(super) fn spaces(&mut self, other: u8) {
        while let Some((first, rest)) = self.rest.split_first()
            && (text::is_space(*first) || *first == other)
        {
            self.rest = rest;
        }
    }

    /// So many digits, whose value is in a range.
    #[inline(never)]
    pub(super) fn digits(&mut self, count: usize, least: i32, most: i32) -> i32 {
        let mut value = 0i32;
        for _ in 0..count {
            // No digit is as wrong as a number out of its range.
            let digit = self.digit().map_or(-100_000, i32::from);
            value = value.wrapping_mul(10).wrapping_add(digit);
        }
        self.wrong |= value < least || value > most;
        value
    }

    /// Two such digits behind a mark.
    #[inline(never)]
    pub(super) fn two_behind(&mut self, mark: u8, least: i32, most: i32) -> i32 {
        self.wrong |= !self.take(mark);
        self.digits(2, least, most)
    }
}
