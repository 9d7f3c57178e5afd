//! Names and classes in a pickle: written out once, and then referred to.
#![deny(clippy::panic)]

use super::names::Place;
use super::opcode::code::*;
use super::shape;
use super::writer::Writer;
use crate::object::Refused;

type Done = Result<(), Refused>;

impl Writer<'_> {
    /// Refers to what stands at this place of the table of names, if it can be: false, and it is to be written out.
    ///
    /// What is not remembered yet comes a second time here: the opcode that remembers it is put in behind its first
    /// writing, and what was remembered behind that has the next number from now on.
    #[inline(never)]
    fn known(&mut self, i: usize) -> bool {
        let entry = match self.names.row(i) {
            Some(Place::Entry(entry)) => entry,
            Some(Place::At(at)) => {
                let behind = if at > self.names.last_memo { Some(0) } else { self.renumber(at, u32::MAX) };
                let Some(entry) = behind.and_then(|behind| self.memo.checked_sub(behind)) else { return false };
                let mut line = [0; 12];
                let code: &[u8] = match (self.old, entry) {
                    _ if self.protocol >= 4 => &[MEMOIZE],
                    (Some(old), 0..=255) => (old.put)(self.protocol, entry as u8, &mut line),
                    (None, 0..=255) => &[BINPUT, entry as u8],
                    _ => return false,
                };
                if !self.out.insert(at, code) {
                    return false;
                }
                self.renumber(at.wrapping_add(code.len()), entry);
                self.memo = self.memo.wrapping_add(1);
                self.names.remembered(i, entry, code.len());
                entry
            }
            None => return false,
        };
        self.get(entry);
        true
    }

    /// Goes through the opcodes behind a place: those that refer to an entry from this number on refer to the next one from
    /// now on. Answers how many remember something; nothing where they are gone, where numbers have not all one byte, or
    /// where shared values have numbers, too.
    #[inline(never)]
    fn renumber(&mut self, at: usize, from: u32) -> Option<u32> {
        if self.protocol == 0 || self.memo >= 255 || !self.shared.is_empty() {
            return None;
        }
        let bytes = self.out.behind(at)?;
        let (mut at, mut count) = (0, 0_u32);
        while let Some(code) = bytes.get(at).copied() {
            if let BINGET | BINPUT = code
                && let Some(entry) = bytes.get_mut(at.wrapping_add(1))
                && u32::from(*entry) >= from
            {
                *entry = entry.wrapping_add(1);
            }
            count = count.wrapping_add(u32::from(matches!(code, MEMOIZE | BINPUT)));
            at = shape::next(bytes, at).ok()?;
        }
        Some(count)
    }

    /// What the table of names will say of the value that was just written.
    fn place(&self) -> Place {
        if self.memoizes { Place::Entry(self.memo) } else { Place::At(self.out.position()) }
    }

    /// A str that is the same object wherever it comes from, as interned strs are in Python.
    #[inline(never)]
    pub(super) fn interned(&mut self, value: &'static str) -> Done {
        let known = self.names.find(value);
        if let Some(i) = known
            && self.known(i)
        {
            return Ok(());
        }
        self.utf8(value.as_bytes())?;
        let place = self.place();
        match known {
            None => self.names.learn(value, place),
            Some(i) => self.names.moved_to(i, place),
        }
        self.remember();
        Ok(())
    }

    /// A class or function of this program's tables.
    pub(super) fn write_constant(&mut self, module: &'static str, name: &'static str) -> Done {
        let known = self.names.find_global(module, name);
        if let Some(i) = known
            && self.known(i)
        {
            return Ok(());
        }
        if self.protocol >= 4 {
            self.interned(module)?;
            // Equal, and yet two objects in Python: datetime.datetime, array.array.
            if name == module {
                self.utf8(name.as_bytes())?;
                self.remember();
            } else {
                self.interned(name)?;
            }
            self.out.opcode(STACK_GLOBAL);
        } else {
            self.begin(GLOBAL);
            for line in [module, name] {
                self.out.put_slice(line.as_bytes());
                self.out.put([b'\n']);
            }
        }
        let place = self.place();
        match known {
            None => self.names.learn_global(module, name, place),
            Some(i) => self.names.moved_to(i, place),
        }
        self.remember();
        Ok(())
    }
}
