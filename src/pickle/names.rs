//! Names that are one object in Python wherever they are written: field and variant names, modules, classes.
//!
//! CPython interns them, so its memo has each once. The table knows the first 16 of a pickle; further ones are written
//! out each time, which is as valid.
#![deny(clippy::panic)]

const NAMES: usize = 16;
/// Not remembered by the memo.
const NONE: u32 = u32::MAX;

#[derive(Clone, Copy)]
struct Name {
    name: &'static str,
    /// A class's or function's module; empty for a plain str.
    module: &'static str,
    /// Where in the output the opcode that remembers it would stand.
    at: u32,
    /// Its number in the memo.
    entry: u32,
}

/// What the table knows of a name.
#[derive(Clone, Copy)]
pub(super) enum Known {
    /// Nothing.
    No,
    /// It was written, and this is its place in the table.
    At(usize),
    /// The memo has it.
    Entry(u32),
}

pub(super) struct Names {
    names: [Name; NAMES],
    len: usize,
    /// Structs of one type name their fields in the same order: the one that is likely to come next.
    next: usize,
    /// Where in the output the last opcode that remembers something stands.
    pub(super) last_memo: usize,
}

impl Names {
    pub(super) fn new() -> Self {
        Names { names: [Name { name: "", module: "", at: 0, entry: NONE }; NAMES], len: 0, next: 0, last_memo: 0 }
    }

    #[inline]
    pub(super) fn find(&mut self, module: &str, name: &str) -> Known {
        let same = |known: &Name| core::ptr::eq(known.name, name) && known.module == module;
        let i = match self.names.get(self.next) {
            Some(known) if same(known) => self.next,
            _ => match self.search(module, name) {
                Some(i) => i,
                None => return Known::No,
            },
        };
        self.next = i.wrapping_add(1);
        match self.names.get(i) {
            Some(known) if known.entry != NONE => Known::Entry(known.entry),
            _ => Known::At(i),
        }
    }

    fn search(&self, module: &str, name: &str) -> Option<usize> {
        let known = self.names.get(..self.len)?;
        known.iter().position(|known| known.name == name && known.module == module)
    }

    /// Enters a name that was just written, if there is room.
    pub(super) fn learn(&mut self, module: &'static str, name: &'static str, at: usize, entry: Option<u32>) {
        if let (Some(place), Ok(at)) = (self.names.get_mut(self.len), u32::try_from(at)) {
            *place = Name { name, module, at, entry: entry.unwrap_or(NONE) };
            self.len = self.len.wrapping_add(1);
            self.next = self.len;
        }
    }

    /// Where the opcode that remembers a name would stand.
    pub(super) fn place(&self, i: usize) -> Option<usize> {
        self.names.get(i).map(|name| name.at as usize)
    }

    /// A name is remembered now, by an opcode of `len` bytes that was put in at its place.
    pub(super) fn remembered(&mut self, i: usize, entry: u32, len: usize) {
        let Some(name) = self.names.get_mut(i) else { return };
        name.entry = entry;
        let at = name.at;
        self.last_memo = at as usize;
        for name in &mut self.names {
            if name.at > at {
                name.at = name.at.wrapping_add(len as u32);
            }
        }
    }
}
