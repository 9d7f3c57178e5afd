//! Names and classes in a pickle: written out once, and then referred to.
#![deny(clippy::panic)]

use super::names::Place;
use super::opcode::code::*;
use super::writer::Writer;
use crate::object::Refused;

type Done = Result<(), Refused>;

impl Writer<'_> {
    /// Refers to what stands at this place of the table of names, if it can be: false, and it is to be written out.
    ///
    /// What is not remembered yet comes a second time here: the opcode that remembers it is put in behind its first
    /// writing, if the memo's numbers stay in order.
    #[inline(never)]
    fn known(&mut self, i: usize) -> bool {
        let entry = match self.names.row(i) {
            Some(Place::Entry(entry)) => entry,
            Some(Place::At(at)) => {
                let entry = self.memo;
                let mut line = [0; 12];
                let code: &[u8] = match (self.old, entry) {
                    _ if self.protocol >= 4 => &[MEMOIZE],
                    (Some(old), 0..=255) => (old.put)(self.protocol, entry as u8, &mut line),
                    (None, 0..=255) => &[BINPUT, entry as u8],
                    _ => return false,
                };
                if at <= self.names.last_memo || !self.out.insert(at, code) {
                    return false;
                }
                self.memo = entry.wrapping_add(1);
                self.names.remembered(i, entry, code.len());
                entry
            }
            None => return false,
        };
        self.get(entry);
        true
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
        match known {
            None => self.names.learn(value, self.place()),
            Some(i) => self.names.moved_to(i, self.place()),
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
        match known {
            None => self.names.learn_global(module, name, self.place()),
            Some(i) => self.names.moved_to(i, self.place()),
        }
        self.remember();
        Ok(())
    }
}
