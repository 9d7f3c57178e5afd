//! Names that were written, to be referred to from then on, as CPython refers to interned keys: one struct after another
//! has the same, in the same order.

use crate::marshal::SHORT_WAYS;

/// How many names are known at most.
const NAMES: usize = 8;

/// A name, known by its address and length, and its index.
#[derive(Clone, Copy)]
struct Known {
    address: usize,
    len: u32,
    index: u32,
}

pub(super) struct Names {
    known: [Known; NAMES],
    len: usize,
    /// The one that probably comes next.
    next: usize,
}

impl Known {
    fn new(name: &'static str, index: u32) -> Self {
        Known { address: name.as_ptr().addr(), len: name.len() as u32, index }
    }

    #[inline]
    fn is(&self, name: &'static str) -> bool {
        self.address == name.as_ptr().addr() && self.len as usize == name.len()
    }
}

impl Names {
    pub(super) const fn new() -> Self {
        Names { known: [Known { address: 0, len: 0, index: 0 }; NAMES], len: 0, next: 0 }
    }

    /// The index of a name.
    #[inline]
    pub(super) fn find(&mut self, name: &'static str) -> Option<u32> {
        if SHORT_WAYS
            && let Some(known) = self.known.get(self.next)
            && known.is(name)
        {
            let next = self.next.wrapping_add(1);
            self.next = if next < self.len { next } else { 0 };
            return Some(known.index);
        }
        self.search(name)
    }

    #[cfg_attr(fast, inline(never))]
    fn search(&mut self, name: &'static str) -> Option<u32> {
        let i = self.known.iter().position(|known| known.is(name))?;
        if SHORT_WAYS {
            let next = i.wrapping_add(1);
            self.next = if next < self.len { next } else { 0 };
        }
        Some(self.known.get(i)?.index)
    }

    /// Remembers a name by its index; false if there is no room.
    pub(super) fn learn(&mut self, name: &'static str, index: u32) -> bool {
        let Some(place) = self.known.get_mut(self.len) else { return false };
        *place = Known::new(name, index);
        self.len = self.len.wrapping_add(1);
        true
    }
}
