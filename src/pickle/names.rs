//! Names that are one object in Python wherever they are written: field and variant names, modules, classes.
//!
//! CPython interns them, so its memo has each once. The table is lent: names grow from its front, classes and functions,
//! two rows each, from its back; what finds no room is written out each time it comes, which is as valid.
#![deny(clippy::panic)]

/// In [`Name::state`]: the memo has it; referring to it takes more than BINGET: a class or function, or protocol 0.
const KNOWN: u32 = 1 << 31;
const SLOW: u32 = 1 << 30;

/// Where a name stands, or its number in the memo.
pub(super) enum Place {
    /// The opcode that remembers it would stand here.
    At(usize),
    Entry(u32),
}

/// What is known of a name at first sight.
pub(super) enum Next {
    /// The memo has it under this number, and BINGET can refer to it.
    Entry(u8),
    /// The table does not have it, and its text is all that is to be written.
    New,
    /// A second look is needed.
    Unclear,
}

/// Memory for one name that a pickle repeats, see [`Pickler::names`](super::Pickler::names).
#[derive(Debug, Clone, Copy)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Name {
    name: Option<&'static str>,
    /// Where in the output the opcode that remembers it would stand; or [`KNOWN`] and its number in the memo.
    state: u32,
    /// The row that followed it the last time.
    then: u32,
}

impl Name {
    /// Memory without content.
    pub const EMPTY: Name = Name { name: None, state: 0, then: 0 };
}

pub(super) struct Names<'n> {
    table: &'n mut [Name],
    /// How many names there are, and how many classes and functions.
    len: usize,
    globals: usize,
    /// Structs of one type name their fields in the same order: the row that was found last, and the one that is likely to
    /// come next.
    last: usize,
    next: usize,
    /// A bit for each name that there is, so that most new ones need not be looked for. All bits where a new name is more
    /// than its text.
    seen: u64,
    /// [`SLOW`] in protocol 0.
    slow: u32,
    /// Where in the output the last opcode that remembers something stands.
    pub(super) last_memo: usize,
}

impl<'n> Names<'n> {
    /// No names, in this memory, which holds none; for a pickle of this protocol.
    pub(super) fn new(table: &'n mut [Name], protocol: u8, memoizes: bool) -> Self {
        let slow = if protocol == 0 { SLOW } else { 0 };
        let seen = if memoizes || protocol < 4 { u64::MAX } else { 0 };
        Names { table, len: 0, globals: 0, last: 0, next: 0, seen, slow, last_memo: 0 }
    }

    /// From here on no name is [new](Next::New).
    pub(super) fn look_twice(&mut self) {
        self.seen = u64::MAX;
    }

    /// What is written for this name, by its address and what came last: most names are found here.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub(super) fn next(&mut self, name: &'static str) -> Next {
        let Some(row) = self.table.get(self.next) else { return Next::Unclear };
        if row.name.is_some_and(|known| core::ptr::eq(known, name)) {
            return match u8::try_from(row.state.wrapping_sub(KNOWN)) {
                Ok(entry) => {
                    (self.last, self.next) = (self.next, row.then as usize);
                    Next::Entry(entry)
                }
                Err(_) => Next::Unclear,
            };
        }
        // A row without a name is the one behind the last.
        if row.name.is_none() && self.seen & bit(name) == 0 { Next::New } else { Next::Unclear }
    }

    /// A [new](Next::New) name was just written, with `at` bytes before its end; below 2 GiB, as all that is in a buffer.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub(super) fn learn_next(&mut self, name: &'static str, at: u32) {
        self.seen |= bit(name);
        if let Some(row) = self.table.get_mut(self.next) {
            self.last = self.next;
            self.next = self.next.wrapping_add(1);
            self.len = self.next;
            *row = Name { name: Some(name), state: at, then: self.next as u32 };
        }
    }

    /// A name's place in the table.
    pub(super) fn find(&mut self, name: &str) -> Option<usize> {
        let known = self.table.get(..self.len)?;
        let i = known.iter().position(|known| known.name == Some(name))?;
        if let Some(last) = self.table.get_mut(self.last) {
            last.then = i as u32;
        }
        (self.last, self.next) = (i, self.table.get(i)?.then as usize);
        Some(i)
    }

    /// The place of the first row of a class or function.
    pub(super) fn find_global(&self, module: &str, name: &str) -> Option<usize> {
        let mut at = self.table.len();
        for _ in 0..self.globals {
            at = at.checked_sub(2)?;
            if let [known, of, ..] = self.table.get(at..)?
                && known.name == Some(name)
                && of.name == Some(module)
            {
                return Some(at);
            }
        }
        None
    }

    /// Enters a name that was just written, if there is room.
    pub(super) fn learn(&mut self, name: &'static str, place: Place) {
        let state = self.state(place, self.slow);
        // What is there is a class or function.
        if self.table.get(self.len).is_some_and(|row| row.name.is_none()) {
            self.next = self.len;
            self.learn_next(name, state);
        }
    }

    /// What a row says of its place. One beyond 31 bits is none: nothing is put in at 0.
    #[inline]
    fn state(&self, place: Place, slow: u32) -> u32 {
        match place {
            Place::At(at) => u32::try_from(at).ok().filter(|at| at & KNOWN == 0).unwrap_or(0),
            Place::Entry(entry) => entry | KNOWN | slow,
        }
    }

    /// Enters a class or function that was just written, if there is room.
    pub(super) fn learn_global(&mut self, module: &'static str, name: &'static str, place: Place) {
        let state = self.state(place, SLOW);
        let globals = self.globals.wrapping_add(1);
        let start = self.table.len().checked_sub(globals.wrapping_mul(2)).filter(|start| *start >= self.len);
        if let Some([known, of, ..]) = start.and_then(|start| self.table.get_mut(start..)) {
            *known = Name { name: Some(name), state, then: 0 };
            *of = Name { name: Some(module), ..Name::EMPTY };
            self.globals = globals;
        }
    }

    /// Where a name stands or what its number is.
    pub(super) fn row(&self, i: usize) -> Option<Place> {
        let state = self.table.get(i)?.state;
        Some(if state & KNOWN == 0 { Place::At(state as usize) } else { Place::Entry(state & !(KNOWN | SLOW)) })
    }

    /// A name is remembered now, by an opcode of `len` bytes that was put in at its place.
    pub(super) fn remembered(&mut self, i: usize, entry: u32, len: usize) {
        let Some(name) = self.table.get(i) else { return };
        let at = name.state;
        self.moved_to(i, Place::Entry(entry));
        self.last_memo = at as usize;
        self.moved(at, len as u32);
    }

    /// A name was written out again, and is at this place now.
    pub(super) fn moved_to(&mut self, i: usize, place: Place) {
        let slow = if i < self.len { self.slow } else { SLOW };
        let state = self.state(place, slow);
        if let Some(name) = self.table.get_mut(i) {
            name.state = state;
        }
    }

    /// What was written behind a place stands `by` bytes further on.
    pub(super) fn moved(&mut self, at: u32, by: u32) {
        for name in self.table.iter_mut() {
            if name.state > at && name.state & KNOWN == 0 {
                name.state = name.state.wrapping_add(by);
            }
        }
    }
}

/// A bit that depends on a name's length, first and last characters.
#[inline]
fn bit(name: &str) -> u64 {
    let (first, last) = match name.as_bytes() {
        [first, .., last] => (u32::from(*first), u32::from(*last)),
        _ => (0, 0),
    };
    1 << (first.wrapping_add(last.wrapping_mul(3)).wrapping_add(name.len() as u32) & 63)
}
