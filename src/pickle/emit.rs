//! [`Emit`] for pickle: each value by its opcodes; what is written most is written here, the rest by the writer's slower
//! functions.
#![deny(clippy::panic)]

use super::batches::{BATCH, FRESH};
use super::names::Next;
use super::opcode::code::{self, *};
use super::writer::Writer;
#[cfg(feature = "serde")]
use crate::copyreg::Ops;
use crate::copyreg::{self, Registry};
use crate::object::{Atom, Container, Emit, Level, Long, Refused, Text};

type Done = Result<(), Refused>;

impl Emit for Writer<'_> {
    #[inline]
    fn none(&mut self) -> Done {
        self.begin(code::NONE);
        Ok(())
    }

    #[inline]
    fn bool(&mut self, value: bool) -> Done {
        self.begin(if value { NEWTRUE } else { NEWFALSE });
        Ok(())
    }

    #[inline]
    fn int(&mut self, value: i64) -> Done {
        self.write_int(value);
        Ok(())
    }

    fn unsigned(&mut self, value: u64) -> Done {
        if let Ok(value) = i64::try_from(value) {
            return self.int(value);
        }
        let [a, b, c, d, e, f, g, h] = value.to_le_bytes();
        let bytes = [a, b, c, d, e, f, g, h, 0];
        match self.old {
            Some(old) if self.protocol < 2 => return (old.atom)(self, &Atom::Long(Long::Twos(&bytes))),
            _ => self.out.short_payload(LONG1, 9, &bytes),
        }
        Ok(())
    }

    fn long(&mut self, value: &Long<'_>) -> Done {
        self.write_long(value)
    }

    #[inline]
    fn float(&mut self, value: f64) -> Done {
        self.begin_word(BINFLOAT, value.to_bits().swap_bytes(), 9);
        Ok(())
    }

    fn complex(&mut self, re: f64, im: f64) -> Done {
        self.write_complex(re, im)
    }

    fn str(&mut self, value: &str) -> Done {
        if self.usual
            && let Ok(len) = u8::try_from(value.len())
            && self.out.try_payload(SHORT_BINUNICODE, len, value.as_bytes())
        {
            return Ok(());
        }
        self.str_slowly(value)
    }

    #[cfg_attr(fast, inline(always))]
    fn name(&mut self, value: &'static str) -> Done {
        match self.names.next(value) {
            Next::Entry(entry) => {
                self.begin_word(BINGET, entry.into(), 2);
                return Ok(());
            }
            Next::New => {
                if let Ok(len) = u8::try_from(value.len())
                    && self.out.try_payload(SHORT_BINUNICODE, len, value.as_bytes())
                {
                    self.names.learn_new(value, self.out.place());
                    return Ok(());
                }
            }
            Next::Unclear => {}
        }
        self.interned(value)
    }

    fn text(&mut self, value: &Text<'_>) -> Done {
        self.write_text(value)?;
        self.remember_atom();
        Ok(())
    }

    fn bytes(&mut self, value: &[u8]) -> Done {
        if self.usual
            && let Ok(len) = u8::try_from(value.len())
            && self.out.try_payload(SHORT_BINBYTES, len, value)
        {
            return Ok(());
        }
        self.bytes_slowly(value)
    }

    fn byte_string(&mut self, value: &Text<'_>) -> Done {
        let shared = self.take_shared();
        self.write_byte_string(value)?;
        self.memoize(shared);
        Ok(())
    }

    fn byte_array(&mut self, value: &[u8]) -> Done {
        let shared = self.take_shared();
        if self.protocol >= 5 {
            let [a, b, c, d, e, f, g, h] = (value.len() as u64).to_le_bytes();
            self.out.payload([BYTEARRAY8, a, b, c, d, e, f, g, h], value);
        } else {
            self.old_byte_array(value)?;
        }
        self.memoize(shared);
        Ok(())
    }

    fn global(&mut self, module: &Text<'_>, name: &Text<'_>) -> Done {
        let shared = self.take_shared();
        let (module, name) = self.rename.apply(*module, *name);
        if self.dotted {
            self.write_dotted(&module, &name)?
        } else {
            self.write_global(&module, &name)?
        }
        self.memoize(shared);
        Ok(())
    }

    fn ext(&mut self, code: u32) -> Done {
        self.out.value();
        let [a, b, c, d] = code.to_le_bytes();
        match code {
            _ if self.protocol < 2 || code == 0 || code > i32::MAX as u32 => return Err(Refused::Unsupported),
            0..=0xff => self.out.put([EXT1, a]),
            0x100..=0xffff => self.out.put([EXT2, a, b]),
            _ => self.out.put([EXT4, a, b, c, d]),
        }
        Ok(())
    }

    fn buffer(&mut self, _: usize) -> Done {
        let shared = self.take_shared();
        if self.protocol < 5 {
            return Err(Refused::Unsupported);
        }
        self.begin(NEXT_BUFFER);
        if shared != 0 {
            self.memoize(shared);
        }
        Ok(())
    }

    fn pers_id(&mut self, id: &Text<'_>) -> Done {
        let shared = self.take_shared();
        self.write_pers_id(id)?;
        if shared != 0 {
            self.memoize(shared);
        }
        Ok(())
    }

    fn ellipsis(&mut self) -> Done {
        self.write_constant(self.builtins(), "Ellipsis")
    }

    fn stop_iteration(&mut self) -> Done {
        self.write_constant(if self.protocol < 3 { "exceptions" } else { "builtins" }, "StopIteration")
    }

    fn constant(&mut self, module: &'static str, name: &'static str) -> Done {
        let (module, name) = if self.protocol < 3 { copyreg::python2(module, name) } else { (module, name) };
        self.write_constant(module, name)
    }

    fn registry(&self) -> Registry<'_> {
        self.registry
    }

    fn protocol(&self) -> u8 {
        self.protocol
    }

    fn content(&mut self, container: Container) -> Done {
        // Two at once: a set where items are due.
        if self.content.replace(container).is_some() {
            return Err(Refused::Custom);
        }
        self.set_mark(true);
        Ok(())
    }

    #[inline]
    fn open_list(&mut self, len: Option<usize>) -> Result<Level, Refused> {
        self.open_plain(Container::List, len)
    }

    #[inline]
    fn open_dict(&mut self, len: Option<usize>) -> Result<Level, Refused> {
        self.open_plain(Container::Dict, len)
    }

    fn open_tuple(&mut self, len: usize) -> Result<Level, Refused> {
        self.open_slowly(Container::Tuple, Some(len))
    }

    #[cfg_attr(fast, inline(always))]
    fn close_plain(&mut self, level: Level) -> Done {
        if self.rare.is_none() && level.state != FRESH && level.len < BATCH {
            self.out.opcode(level.state);
        } else {
            self.close_slowly(level);
        }
        Ok(())
    }

    fn open(&mut self, container: Container, len: Option<usize>) -> Result<Level, Refused> {
        self.set_mark(true);
        self.open_slowly(container, len)
    }

    fn more(&mut self, level: &mut Level) -> Done {
        self.next_batch(level);
        Ok(())
    }

    fn close(&mut self, level: Level) -> Done {
        self.close_any(&level);
        Ok(())
    }

    fn shared(&mut self, id: usize) -> Result<bool, Refused> {
        let id = (id as u32).wrapping_add(1);
        if let Some(entry) = self.entry_of(id) {
            self.get_shared(id, entry);
            return Ok(true);
        }
        self.pending = id;
        self.set_mark(true);
        Ok(false)
    }
}

#[cfg(feature = "serde")]
impl crate::object::serde::Encoder for Writer<'_> {
    const INSTANCES: bool = true;

    #[inline]
    fn instances(&self) -> Option<Ops<Self>> {
        self.instances
    }

    fn awaits_content(&self) -> bool {
        self.content.is_some()
    }

    #[cfg_attr(fast, inline(always))]
    fn open_short(&mut self, len: usize) -> bool {
        // A host saves the moves of a level; elsewhere they are cheaper than the code of a second way.
        cfg!(fast) && self.begin_short(EMPTY_DICT, len)
    }

    #[inline]
    fn close_short(&mut self) {
        self.out.opcode(SETITEMS);
    }

    #[cfg_attr(fast, inline(always))]
    fn open_short_list(&mut self, len: usize) -> bool {
        cfg!(fast) && self.begin_short(EMPTY_LIST, len)
    }

    #[inline]
    fn close_short_list(&mut self) {
        self.out.opcode(APPENDS);
    }
}
