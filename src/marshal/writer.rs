//! The writer: what [`Emit`](crate::object::Emit) gives as type codes of versions 0 to 6.
//!
//! Rules: `w_object` and `w_complex_object` of CPython's `Python/marshal.c`. Below version 3 the bytes are CPython's own;
//! from 3 on CPython's flags depend on its reference counts, so that here only what is referred to has a flag.

mod digits;
mod emit;
mod names;
mod old;
mod out;

use super::typecode::*;
use crate::object::{Container, Level, Refused, Slot};
use names::Names;
pub(super) use old::{OLD, Old};
use out::Out;

type Done = Result<(), Refused>;

/// What is known of a shared value: 0, or its index plus 1, with a bit more while it must not be referred to yet.
const INCOMPLETE: u32 = 1 << 31;
/// A container of unknown length; so many items are left that none is missed in counting back.
const UNKNOWN: u32 = u32::MAX;
/// What comes is a name that is to be referred to.
const NAMED: u32 = u32::MAX;

/// Writes marshal data: what [`Marshaller::write`](super::Marshaller::write) lends. It is an
/// [`Emit`](crate::object::Emit), and takes values with serde.
pub struct Writer<'o> {
    out: Out<'o>,
    version: u8,
    allow_code: bool,
    /// A struct was too deep, which could not be told at once.
    too_deep: bool,
    /// The shared value that comes, plus one; [`NAMED`] for a name.
    pending: u32,
    depth: usize,
    indices: u32,
    /// How versions 0 to 2 write what they write otherwise.
    old: Option<&'static Old>,
    /// Per shared value: its index plus 1, or 0; and [`INCOMPLETE`].
    shared: &'o mut [Slot],
    names: Names,
}

impl core::fmt::Debug for Writer<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Writer").finish_non_exhaustive()
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for Writer<'_> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Writer");
    }
}

impl<'o> Writer<'o> {
    pub(super) fn new(buf: &'o mut [u8], version: u8, allow_code: bool, old: Option<&'static Old>) -> Self {
        Writer {
            out: Out::new(buf),
            version,
            allow_code,
            too_deep: false,
            pending: 0,
            depth: 0,
            indices: 0,
            old,
            shared: &mut [],
            names: Names::new(),
        }
    }

    /// With memory for shared values.
    pub(super) fn set_shared(&mut self, shared: &'o mut [Slot]) {
        shared.fill(Slot::EMPTY);
        self.shared = shared;
    }

    /// Writes a value of any type with serde.
    #[cfg(feature = "serde")]
    pub fn value<T: serde::Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refused> {
        crate::object::serde::serialize(value, self)
    }

    /// Whether all that was given could be written, once it was.
    pub(super) fn finish(&self) -> Done {
        if self.too_deep { Err(Refused::TooDeep) } else { Ok(()) }
    }

    /// How many bytes there are so far.
    pub(super) fn position(&self) -> usize {
        self.out.at()
    }

    /// A size that fits 31 bits.
    fn size(len: usize) -> Result<u32, Refused> {
        i32::try_from(len).map(|len| len as u32).map_err(|_| Refused::TooLong)
    }

    /// The type code of a value that can have an index: with the flag, if it is shared.
    #[cfg_attr(fast, inline)]
    #[cfg_attr(not(fast), inline(never))]
    fn flagged(&mut self, code: u8) -> u8 {
        if self.pending == 0 { code } else { self.flag(code) }
    }

    #[cfg_attr(fast, inline(never))]
    fn flag(&mut self, code: u8) -> u8 {
        let id = core::mem::take(&mut self.pending);
        self.indices = self.indices.wrapping_add(1);
        if let Some(place) = self.shared.get_mut(id.wrapping_sub(1) as usize) {
            *place = Slot::raw(self.indices);
        }
        code | FLAG_REF
    }

    /// Says whether a shared value may be referred to.
    fn set_complete(&mut self, shared: u32, complete: bool) {
        if let Some(place) = shared.checked_sub(1).and_then(|id| self.shared.get_mut(id as usize)) {
            *place = Slot::raw(place.bits() & !INCOMPLETE | if complete { 0 } else { INCOMPLETE });
        }
    }

    /// A value that is its type code alone, and is never referred to.
    #[inline]
    fn alone(&mut self, code: u8) -> Done {
        self.pending = 0;
        self.out.put_byte(code);
        Ok(())
    }

    /// A type code, a size and bytes.
    fn sized(&mut self, code: u8, bytes: &[u8]) -> Done {
        let size = Self::size(bytes.len())?;
        let code = self.flagged(code);
        self.out.put_word(code, size.into(), 4);
        self.out.put(&[], bytes);
        Ok(())
    }

    /// What stands at this index of the table of references.
    #[inline]
    fn reference(&mut self, index: u32) -> Done {
        self.out.put_word(REF, index.into(), 4);
        Ok(())
    }

    /// A name that is not known yet, and now is, if there is room.
    #[inline(never)]
    fn new_name(&mut self, name: &'static str) -> Done {
        if self.version >= 3 && self.names.learn(name, self.indices) {
            self.pending = NAMED;
        }
        self.utf8(name.as_bytes(), true)
    }

    /// A str in UTF-8, or WTF-8.
    fn utf8(&mut self, utf8: &[u8], interned: bool) -> Done {
        if self.version < 4 || !utf8.is_ascii() {
            return self.sized(if interned && self.version >= 3 { INTERNED } else { UNICODE }, utf8);
        }
        let Ok(len) = u8::try_from(utf8.len()) else {
            return self.sized(if interned { ASCII_INTERNED } else { ASCII }, utf8);
        };
        let code = self.flagged(if interned { SHORT_ASCII_INTERNED } else { SHORT_ASCII });
        self.out.put(&[code, len], utf8);
        Ok(())
    }

    /// A container begins that is not too deep; answers its length.
    fn enter(&mut self, len: Option<usize>, dict: bool) -> Result<u32, Refused> {
        let size = match len {
            Some(len) => Self::size(len)?,
            None => UNKNOWN,
        };
        self.depth = self.depth.wrapping_add(1);
        // What is inside of it is one deeper; a dict has its end inside of it.
        if self.depth >= MAX_DEPTH && (size > 0 || dict || self.depth > MAX_DEPTH) {
            return Err(Refused::TooDeep);
        }
        Ok(size)
    }

    /// Opens a list, dict or tuple.
    fn open_plain(&mut self, container: Container, len: Option<usize>) -> Result<Level, Refused> {
        let size = self.enter(len, container == Container::Dict)?;
        let (code, used) = match container {
            Container::List => (LIST, 4),
            Container::Dict => (DICT, 0),
            _ if self.version >= 4 && size < 256 => (SMALL_TUPLE, 1),
            _ => (TUPLE, 4),
        };
        let code = self.flagged(code);
        // Where the count stands; a dict has none.
        let at = if used == 0 { 0 } else { self.out.at().wrapping_add(1) as u32 };
        self.out.put_word(code, if size == UNKNOWN { 0 } else { size.into() }, used);
        Ok(Level { left: size, len: size, container, state: 0, shared: 0, at })
    }

    /// A container ends: one of as many items as was said, or a list, tuple or set whose items are counted now.
    fn leave(&mut self, level: &Level) -> Done {
        self.depth = self.depth.wrapping_sub(1);
        if level.len != UNKNOWN {
            return if level.left == 0 { Ok(()) } else { Err(Refused::Custom) };
        }
        if level.at > 0 {
            self.out.patch(level.at, UNKNOWN.wrapping_sub(level.left));
        }
        Ok(())
    }
}
