//! Values that are more than they say: shared ones, sets, objects and what is done to them, the content of another container.
#![deny(clippy::panic)]

use super::opcode::code::*;
use super::writer::{READ, Writer};
use crate::object::{Container, Emit, Level, Refused, Slot};

type Done = Result<(), Refused>;

/// What becomes of values that are more than they say: shared ones, and the content of another container. It is reached
/// through the mark alone, so that who never marks a value links none of it.
pub(super) struct Rare {
    pub(super) open: for<'w> fn(&mut Writer<'w>, Container, u32) -> Result<Level, Refused>,
    pub(super) close: for<'w> fn(&mut Writer<'w>, &Level),
    pub(super) memoize: for<'w> fn(&mut Writer<'w>),
}

pub(super) static RARE: Rare =
    Rare { open: |w, c, len| w.open_any(c, len), close: |w, l| w.close_any(l), memoize: |w| w.memoize_marked() };

impl Writer<'_> {
    /// Opens any container.
    pub(super) fn open_any(&mut self, container: Container, len: u32) -> Result<Level, Refused> {
        self.set_mark(false);
        let container = self.content.take().unwrap_or(container);
        let shared = core::mem::take(&mut self.pending);
        let mut level = Level { left: u32::MAX, len, container, state: 0, shared, at: 0 };
        match container {
            Container::List | Container::Dict => {
                let (binary, text) = if container == Container::List { (EMPTY_LIST, LIST) } else { (EMPTY_DICT, DICT) };
                self.open_empty(binary, text);
                self.memoize(shared);
                self.open_items(&mut level);
            }
            Container::Tuple => self.begin_tuple(len)?,
            // ADDITEMS wants a mark, which protocol 0 has no use for.
            Container::Adds if self.protocol == 0 => return Err(Refused::Unsupported),
            Container::Items | Container::Adds | Container::Pairs => self.open_items(&mut level),
            Container::Set if self.protocol >= 4 => {
                self.begin(EMPTY_SET);
                self.memoize(shared);
                self.open_items(&mut level);
            }
            Container::FrozenSet if self.protocol >= 4 => self.begin(MARK),
            Container::Set | Container::FrozenSet => {
                let name = if container == Container::Set { "set" } else { "frozenset" };
                self.constant(self.builtins(), name)?;
                self.open_args(1);
                self.list_inside(&mut level, EMPTY_LIST, LIST);
            }
            Container::FrozenDict if self.protocol >= 2 => {
                self.constant("builtins", "frozendict")?;
                self.list_inside(&mut level, EMPTY_DICT, DICT);
            }
            Container::Slice => {
                self.constant(self.builtins(), "slice")?;
                self.open_args(3);
            }
            Container::NewObjStar => {
                self.constant("copyreg", "__newobj__")?;
                self.open_args(len);
            }
            Container::Inst => self.begin(MARK),
            Container::Readonly if self.protocol < 5 => return Err(Refused::Unsupported),
            Container::NewObj | Container::NewObjEx if self.is_called(container) => {
                // As CPython has it for an ordinary class; what has arguments, or may be a list or dict, is made by its class.
                let alone = container == Container::NewObj && len == 1;
                self.constant("copyreg", if alone { "_reconstructor" } else { "__newobj_ex__" })?;
                self.open_args(3);
            }
            Container::PersId if self.protocol < 1 => return Err(Refused::Unsupported),
            Container::Code | Container::FrozenDict => return Err(Refused::Unsupported),
            _ => {}
        }
        Ok(level)
    }

    /// Whether the protocol has no opcode for it, so that it is a call of copyreg's functions.
    fn is_called(&self, container: Container) -> bool {
        self.protocol < if container == Container::NewObj { 2 } else { 4 }
    }

    /// The arguments of copyreg's functions that stand behind those that the object has.
    fn close_called(&mut self, level: &Level) -> Done {
        match (level.container, level.len) {
            (Container::NewObj, 1) => {
                self.constant("builtins", "object")?;
                self.begin(NONE);
            }
            (Container::NewObj, _) => {
                self.open_empty(EMPTY_DICT, DICT);
                self.memoize(0);
            }
            _ => {}
        }
        self.close_args(3, REDUCE);
        Ok(())
    }

    /// The list or dict that is the only argument of a call, and whose items come now.
    fn list_inside(&mut self, level: &mut Level, binary: u8, text: u8) {
        self.open_empty(binary, text);
        self.memoize(0);
        self.open_items(level);
    }

    /// Closes any container.
    pub(super) fn close_any(&mut self, level: &Level) {
        match level.container {
            Container::List | Container::Dict | Container::Items | Container::Adds | Container::Pairs => {
                return self.close_items(level);
            }
            Container::Tuple => return self.close_shared_tuple(level),
            Container::FrozenSet if self.protocol >= 4 => return self.close_frozenset(level),
            Container::Set if self.protocol >= 4 => return self.close_items(level),
            Container::Set | Container::FrozenSet => {
                self.close_items(level);
                self.close_args(1, REDUCE);
            }
            Container::FrozenDict => {
                self.close_items(level);
                self.close_args(1, NEWOBJ);
            }
            Container::Slice | Container::NewObjStar => self.close_args(level.len, REDUCE),
            Container::Reduce => self.out.opcode(REDUCE),
            // Its names are this library's own, which every protocol carries.
            Container::NewObj | Container::NewObjEx if self.is_called(level.container) => {
                let _ = self.close_called(level);
            }
            Container::NewObj => self.out.opcode(NEWOBJ),
            Container::NewObjEx => self.out.opcode(NEWOBJ_EX),
            Container::Inst => self.out.opcode(OBJ),
            Container::State => return self.out.opcode(BUILD),
            Container::PersId => return self.close_outside(BINPERSID, level.shared),
            _ => return self.close_outside(READONLY_BUFFER, level.shared),
        }
        self.finish_object(level.shared);
    }

    fn close_shared_tuple(&mut self, level: &Level) {
        let Some(entry) = self.entry_of(level.shared) else {
            self.close_tuple(level.len);
            if level.len != 0 {
                self.memoize(level.shared);
            }
            return;
        };
        // A tuple that contains itself was finished on the way down: what was pushed here is dropped.
        let short = self.protocol >= 2 && level.len <= 3;
        if self.protocol >= 1 && !short {
            self.out.opcode(POP_MARK);
        } else {
            for _ in 0..level.len.saturating_add(u32::from(!short)) {
                self.out.opcode(POP);
            }
        }
        self.get_shared(level.shared, entry);
    }

    fn close_frozenset(&mut self, level: &Level) {
        if let Some(entry) = self.entry_of(level.shared) {
            self.out.opcode(POP_MARK);
            return self.get_shared(level.shared, entry);
        }
        self.out.opcode(FROZENSET);
        self.memoize(level.shared);
    }

    /// What CPython does not remember, and what is remembered only if it is shared.
    fn close_outside(&mut self, code: u8, shared: u32) {
        self.out.opcode(code);
        if shared != 0 {
            self.memoize(shared);
        }
    }

    /// An object is made. One that its own arguments contain was finished on the way down: this one is dropped.
    fn finish_object(&mut self, shared: u32) {
        match self.entry_of(shared) {
            Some(entry) => {
                self.out.opcode(POP);
                self.get_shared(shared, entry);
            }
            None => self.memoize(shared),
        }
    }

    /// The value just made is one that CPython remembers: with CPython's memo always, otherwise if it is a shared one that
    /// is read again.
    pub(super) fn memoize(&mut self, shared: u32) {
        let entry = self.memo;
        let mut wanted = self.memoizes;
        if let Some(place) = shared.checked_sub(1).and_then(|id| self.shared.get_mut(id as usize))
            && place.bits() == 1
        {
            *place = Slot::raw(entry.wrapping_add(2));
            wanted = true;
        }
        if wanted {
            self.put_memo();
        }
    }

    /// The shared value that begins here; 0 for none.
    pub(super) fn take_shared(&mut self) -> u32 {
        self.set_mark(self.content.is_some());
        core::mem::take(&mut self.pending)
    }

    /// The number under which a shared value was remembered.
    pub(super) fn entry_of(&self, shared: u32) -> Option<u32> {
        let place = self.shared.get(shared.checked_sub(1)? as usize)?;
        (place.bits() & !READ).checked_sub(2)
    }

    /// Refers to a shared value that was written.
    pub(super) fn get_shared(&mut self, shared: u32, entry: u32) {
        if let Some(place) = self.shared.get_mut(shared.wrapping_sub(1) as usize) {
            *place = Slot::raw(place.bits() | READ);
        }
        self.get(entry);
    }

    fn memoize_marked(&mut self) {
        let shared = self.take_shared();
        self.memoize(shared);
    }
}
