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
    row: Option<Row>,
}

impl Name {
    /// Memory without content.
    pub const EMPTY: Name = Name { row: None };

    /// The same for a table that is made at every turn: of these, unlike of a constant, no more is written than that there is
    /// no row.
    #[inline]
    pub(super) fn empty() -> Name {
        Name { row: None }
    }

    fn is(&self, name: &str) -> bool {
        self.row.is_some_and(|row| row.name == name)
    }
}

/// A name that is known.
#[derive(Debug, Clone, Copy)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
struct Row {
    name: &'static str,
    /// Where in the output the opcode that remembers it would stand; or [`KNOWN`] and its number in the memo.
    state: u32,
    /// How far behind the next row the one stands that followed the last time.
    then: u32,
}

pub(super) struct Names<'n> {
    table: &'n mut [Name],
    /// How many names there are, and how many classes and functions.
    len: usize,
    globals: usize,
    /// Structs of one type name their fields in the same order: the row that was found last, and the one that is likely to
    /// come next.
    last: u32,
    next: u32,
    /// A bit for each name that there is, so that most new ones need not be looked for. All bits where a new name is more
    /// than its text.
    seen: u64,
    /// [`SLOW`] in protocol 0.
    slow: u32,
    /// Where in the output the last opcode that remembers something stands.
    pub(super) last_memo: usize,
    /// Where the marks of open containers of unknown length stand, outermost first; 0 for one that has to stay. They move
    /// with what is put in before them.
    marks: [u32; MARKS],
    open: u32,
}

/// How many such marks are known: in deeper containers they stay, which is as valid.
const MARKS: usize = 2;

impl<'n> Names<'n> {
    /// No names, in this memory, which holds none; for a pickle of this protocol.
    pub(super) fn new(table: &'n mut [Name], protocol: u8, memoizes: bool) -> Self {
        let slow = if protocol == 0 { SLOW } else { 0 };
        let seen = if memoizes || protocol < 4 { u64::MAX } else { 0 };
        Names { table, len: 0, globals: 0, last: 0, next: 0, seen, slow, last_memo: 0, marks: [0; MARKS], open: 0 }
    }

    /// From here on no name is [new](Next::New).
    pub(super) fn look_twice(&mut self) {
        self.seen = u64::MAX;
    }

    /// What is written for this name, by its address and what came last: most names are found here.
    #[cfg_attr(fast, inline(always))]
    pub(super) fn next(&mut self, name: &'static str) -> Next {
        if self.seen & bit(name) == 0 {
            return Next::New;
        }
        match self.table.get(self.next as usize) {
            Some(Name { row: Some(Row { name: known, state, then }) }) if core::ptr::eq(*known, name) => {
                match u8::try_from(state.wrapping_sub(KNOWN)) {
                    Ok(entry) => {
                        (self.last, self.next) = (self.next, self.next.wrapping_add(*then).wrapping_add(1));
                        Next::Entry(entry)
                    }
                    Err(_) => Next::Unclear,
                }
            }
            _ => Next::Unclear,
        }
    }

    /// A [new](Next::New) name was just written, with `at` bytes before its end; below 2 GiB, as all that is in a buffer.
    ///
    /// What is expected next stays: a struct that comes a second time begins with the names that came first.
    #[cfg_attr(fast, inline(always))]
    pub(super) fn learn_new(&mut self, name: &'static str, at: u32) {
        self.seen |= bit(name);
        if let Some(free) = self.table.get_mut(self.len)
            // Not one of a class or function.
            && free.row.is_none()
        {
            self.len = self.len.wrapping_add(1);
            free.row = Some(Row { name, state: at, then: 0 });
        }
    }

    fn row_mut(&mut self, i: usize) -> Option<&mut Row> {
        self.table.get_mut(i)?.row.as_mut()
    }

    /// A name's place in the table.
    pub(super) fn find(&mut self, name: &str) -> Option<usize> {
        let known = self.table.get(..self.len)?;
        let i = known.iter().position(|known| known.is(name))?;
        let (found, last) = (i as u32, self.last);
        if let Some(row) = self.row_mut(last as usize) {
            row.then = found.wrapping_sub(last).wrapping_sub(1);
        }
        let then = self.row_mut(i)?.then;
        (self.last, self.next) = (found, found.wrapping_add(then).wrapping_add(1));
        Some(i)
    }

    /// The place of the first row of a class or function.
    pub(super) fn find_global(&self, module: &str, name: &str) -> Option<usize> {
        let mut at = self.table.len();
        for _ in 0..self.globals {
            at = at.checked_sub(2)?;
            if let [known, of, ..] = self.table.get(at..)?
                && known.is(name)
                && of.is(module)
            {
                return Some(at);
            }
        }
        None
    }

    /// Enters a name that was just written, if there is room.
    pub(super) fn learn(&mut self, name: &'static str, place: Place) {
        let state = self.state(place, self.slow);
        self.learn_new(name, state);
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
            known.row = Some(Row { name, state, then: 0 });
            of.row = Some(Row { name: module, state: 0, then: 0 });
            self.globals = globals;
        }
    }

    /// Where a name stands or what its number is.
    pub(super) fn row(&self, i: usize) -> Option<Place> {
        let state = self.table.get(i)?.row?.state;
        Some(if state & KNOWN == 0 { Place::At(state as usize) } else { Place::Entry(state & !(KNOWN | SLOW)) })
    }

    /// A name is remembered now, by an opcode of `len` bytes that was put in at its place.
    pub(super) fn remembered(&mut self, i: usize, entry: u32, len: usize) {
        let Some(row) = self.row_mut(i) else { return };
        let at = row.state;
        self.last_memo = self.last_memo.max(at as usize);
        self.moved(at, len as u32, entry);
        self.moved_to(i, Place::Entry(entry));
    }

    /// A name was written out again, and is at this place now.
    pub(super) fn moved_to(&mut self, i: usize, place: Place) {
        let slow = if i < self.len { self.slow } else { SLOW };
        let state = self.state(place, slow);
        if let Some(row) = self.row_mut(i) {
            row.state = state;
        }
    }

    /// A mark that may have to go again comes at this place. Answers its number.
    pub(super) fn open_mark(&mut self, at: usize) -> u32 {
        let number = self.open;
        if let Some(mark) = self.marks.get_mut(number as usize) {
            *mark = u32::try_from(at).unwrap_or(0);
        }
        self.open = number.wrapping_add(1);
        number
    }

    /// The mark of this number stays.
    pub(super) fn keep_mark(&mut self, number: u32) {
        if let Some(mark) = self.marks.get_mut(number as usize) {
            *mark = 0;
        }
    }

    /// The container of this mark, the innermost, is closed: where the mark stands now, or 0 if it stays.
    pub(super) fn close_mark(&mut self, number: u32) -> u32 {
        self.open = number;
        self.marks.get(number as usize).copied().unwrap_or(0)
    }

    /// What was written behind a place stands `by` bytes further on, and the entries from a number on have the next one.
    #[inline(never)]
    pub(super) fn moved(&mut self, at: u32, by: u32, entry: u32) {
        for mark in self.marks.iter_mut().filter(|mark| **mark > at) {
            *mark = mark.wrapping_add(by);
        }
        if self.last_memo > at as usize {
            self.last_memo = self.last_memo.wrapping_add_signed(by as i32 as isize);
        }
        for row in self.table.iter_mut().filter_map(|name| name.row.as_mut()) {
            if row.state & KNOWN == 0 {
                row.state = row.state.wrapping_add(if row.state > at { by } else { 0 });
            } else if row.state & !(KNOWN | SLOW) >= entry {
                row.state = row.state.wrapping_add(1);
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
