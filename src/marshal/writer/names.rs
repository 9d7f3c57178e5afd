//! Names that were written, to be referred to from then on, as CPython refers to interned keys: one struct after another
//! has the same, in the same order.

use crate::marshal::SHORT_WAYS;

/// How many names are known at most.
const NAMES: usize = 8;

pub(super) struct Names {
    /// The names, known by their address and length, and their indices.
    known: [&'static str; NAMES],
    indices: [u32; NAMES],
    len: usize,
    /// The one that probably comes next.
    next: usize,
}

impl Names {
    pub(super) const fn new() -> Self {
        Names { known: [""; NAMES], indices: [0; NAMES], len: 0, next: 0 }
    }

    /// The index of a name.
    #[inline]
    pub(super) fn find(&mut self, name: &'static str) -> Option<u32> {
        if SHORT_WAYS
            && self.next < self.len
            && let Some(known) = self.known.get(self.next)
            && core::ptr::eq(*known, name)
        {
            return self.found(self.next);
        }
        let known = self.known.get(..self.len)?;
        let i = known.iter().position(|known| core::ptr::eq(*known, name))?;
        self.found(i)
    }

    #[inline]
    fn found(&mut self, i: usize) -> Option<u32> {
        if SHORT_WAYS {
            let next = i.wrapping_add(1);
            self.next = if next < self.len { next } else { 0 };
        }
        self.indices.get(i).copied()
    }

    /// Remembers a name by its index; false if there is no room.
    pub(super) fn learn(&mut self, name: &'static str, index: u32) -> bool {
        let (Some(known), Some(place)) = (self.known.get_mut(self.len), self.indices.get_mut(self.len)) else {
            return false;
        };
        (*known, *place) = (name, index);
        self.len = self.len.wrapping_add(1);
        true
    }
}
