//! The writer: [`Emit`] for pickle, with CPython's opcodes, memo and batches.
//!
//! Rules: Modules/_pickle.c of Python 3.8 to 3.13, which write the same bytes for plain data.
#![deny(clippy::panic)]

use super::names::{Known, Names};
use super::opcode::code::*;
use super::out::Out;
use crate::copyreg::{self, Registry};
use crate::object::{Container, Emit, Level, Long, Refused, Slot, Text};

type Done = Result<(), Refused>;

/// How many items a batch has.
const BATCH: u32 = 1000;
/// A container of unknown length.
const UNKNOWN: u32 = u32::MAX;

/// What [`Level::state`] says: no item came yet; a mark is open; the item that comes is single, without a mark.
const FRESH: u8 = 0;
const MARKED: u8 = 1;
const SINGLE: u8 = 2;

/// In [`Writer::shared`]: the entry was read.
pub(super) const READ: u32 = 1 << 31;

/// What becomes of the names of globals: the other Python's names are written where the protocol wants them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rename {
    No,
    #[cfg(feature = "fix_imports")]
    ToPython3,
    #[cfg(feature = "fix_imports")]
    ToPython2,
}

impl Rename {
    /// From a pickle to another one of this protocol.
    pub(super) fn between(pickle: &[u8], protocol: u8) -> Rename {
        let _ = (pickle, protocol);
        #[cfg(feature = "fix_imports")]
        match (matches!(pickle, [PROTO, 3..=5, ..]), protocol >= 3) {
            (false, true) => return Rename::ToPython3,
            (true, false) => return Rename::ToPython2,
            _ => {}
        }
        Rename::No
    }

    fn apply<'a>(self, module: Text<'a>, name: Text<'a>) -> (Text<'a>, Text<'a>) {
        match self {
            Rename::No => (module, name),
            #[cfg(feature = "fix_imports")]
            Rename::ToPython3 => super::compat::new_name(module, name),
            #[cfg(feature = "fix_imports")]
            Rename::ToPython2 => super::compat::old_name(module, name),
        }
    }
}

pub(super) struct Writer<'o, 's> {
    pub(super) rename: Rename,
    pub(super) out: Out<'o>,
    pub(super) protocol: u8,
    /// Every value is remembered, as CPython does it; otherwise only what is read again.
    pub(super) memoizes: bool,
    /// MEMOIZE's next number.
    pub(super) memo: u32,
    pub(super) names: Names,
    /// Per shared value: 0 never remembered, 1 to be remembered, else its number plus 2, and [`READ`] once it was read.
    pub(super) shared: &'s mut [Slot],
    /// The shared value that comes, plus one.
    pending: u32,
    /// What is opened next, whatever it says.
    content: Option<Container>,
    pub(super) registry: Registry<'o>,
}

impl<'o, 's> Writer<'o, 's> {
    pub(super) fn new(out: Out<'o>, protocol: u8, memoizes: bool, shared: &'s mut [Slot]) -> Self {
        let (names, registry) = (Names::new(), Registry::EMPTY);
        Writer {
            out,
            protocol,
            memoizes,
            memo: 0,
            names,
            shared,
            pending: 0,
            content: None,
            registry,
            rename: Rename::No,
        }
    }

    /// What comes first.
    pub(super) fn start(&mut self) -> Done {
        if self.protocol >= 2 {
            self.out.put([PROTO, self.protocol])?;
        }
        self.start_frames();
        Ok(())
    }

    /// From here on there are frames, if the protocol has them.
    pub(super) fn start_frames(&mut self) {
        if self.protocol >= 4 {
            self.out.start_frames();
        }
    }

    /// What comes last.
    pub(super) fn stop(&mut self) -> Done {
        self.out.opcode(STOP)?;
        self.out.close_frame();
        self.out.flush()
    }

    /// A value that begins with this opcode.
    #[inline]
    pub(super) fn begin(&mut self, code: u8) -> Done {
        self.out.value();
        self.out.put([code])
    }

    /// Refers to an entry of the memo.
    pub(super) fn get(&mut self, entry: u32) -> Done {
        self.out.value();
        match (self.protocol, u8::try_from(entry)) {
            (0, _) => {
                self.out.put([GET])?;
                self.decimal(i64::from(entry), b"\n")
            }
            (_, Ok(entry)) => self.out.put([BINGET, entry]),
            _ => {
                self.out.put([LONG_BINGET])?;
                self.out.put(entry.to_le_bytes())
            }
        }
    }

    /// The opcode that remembers the value just made under the next number.
    #[inline]
    pub(super) fn put_memo(&mut self) -> Done {
        let entry = self.memo;
        self.memo = entry.wrapping_add(1);
        self.names.last_memo = self.out.position();
        if self.protocol >= 4 {
            return self.out.opcode(MEMOIZE);
        }
        match (self.protocol, u8::try_from(entry)) {
            (0, _) => {
                self.out.opcode(PUT)?;
                self.decimal(i64::from(entry), b"\n")
            }
            (_, Ok(entry)) => {
                self.out.opcode(BINPUT)?;
                self.out.put([entry])
            }
            _ => {
                self.out.opcode(LONG_BINPUT)?;
                self.out.put(entry.to_le_bytes())
            }
        }
    }

    /// The value just made is one that CPython remembers: with CPython's memo always, otherwise if it is a shared one.
    #[inline]
    pub(super) fn memoize(&mut self, shared: u32) -> Done {
        if shared != 0 {
            return self.memoize_shared(shared);
        }
        if self.memoizes { self.put_memo() } else { Ok(()) }
    }

    pub(super) fn memoize_shared(&mut self, shared: u32) -> Done {
        let entry = self.memo;
        let place = self.shared.get_mut(shared.wrapping_sub(1) as usize);
        let wanted = match place {
            Some(place) if place.bits() == 1 => {
                *place = Slot::raw(entry.wrapping_add(2));
                true
            }
            _ => self.memoizes,
        };
        if wanted { self.put_memo() } else { Ok(()) }
    }

    /// The shared value that begins here; 0 for none.
    #[inline]
    pub(super) fn take_shared(&mut self) -> u32 {
        core::mem::take(&mut self.pending)
    }

    /// The number under which a shared value was remembered.
    pub(super) fn entry_of(&self, shared: u32) -> Option<u32> {
        let place = self.shared.get(shared.checked_sub(1)? as usize)?;
        (place.bits() & !READ).checked_sub(2)
    }

    /// Refers to a shared value that was written.
    pub(super) fn get_shared(&mut self, shared: u32, entry: u32) -> Done {
        if let Some(place) = self.shared.get_mut(shared.wrapping_sub(1) as usize) {
            *place = Slot::raw(place.bits() | READ);
        }
        self.get(entry)
    }

    /// An int in decimal, and what follows it.
    pub(super) fn decimal(&mut self, value: i64, tail: &[u8]) -> Done {
        let mut digits = [0; 20];
        let mut rest = value.unsigned_abs();
        let mut start = digits.len();
        for digit in digits.iter_mut().rev() {
            *digit = b'0'.wrapping_add((rest % 10) as u8);
            rest /= 10;
            start = start.wrapping_sub(1);
            if rest == 0 {
                break;
            }
        }
        if value < 0 {
            self.out.put([b'-'])?;
        }
        self.out.put_slice(digits.get(start..).unwrap_or_default())?;
        self.out.put_slice(tail)
    }

    /// A str in UTF-8 (or WTF-8), without remembering it.
    #[inline]
    pub(super) fn utf8(&mut self, utf8: &[u8]) -> Done {
        let len = utf8.len();
        if self.protocol >= 4
            && let Ok(len) = u8::try_from(len)
        {
            return self.out.payload([SHORT_BINUNICODE, len], utf8);
        }
        self.long_utf8(utf8, len)
    }

    fn long_utf8(&mut self, utf8: &[u8], len: usize) -> Done {
        if self.protocol == 0 {
            return self.line(&Text::new(utf8, crate::object::Spelling::Utf8));
        }
        match u32::try_from(len) {
            Ok(len) => {
                let [a, b, c, d] = len.to_le_bytes();
                self.out.payload([BINUNICODE, a, b, c, d], utf8)
            }
            Err(_) => Err(Refused::TooLong),
        }
    }

    /// bytes of protocol 3 and later, without remembering them.
    fn raw_bytes(&mut self, value: &[u8]) -> Done {
        match (u8::try_from(value.len()), u32::try_from(value.len())) {
            (Ok(len), _) => self.out.payload([SHORT_BINBYTES, len], value),
            (_, Ok(len)) => {
                let [a, b, c, d] = len.to_le_bytes();
                self.out.payload([BINBYTES, a, b, c, d], value)
            }
            _ => Err(Refused::TooLong),
        }
    }

    /// Opens a batch, or the only item.
    fn open_batch(&mut self, level: &mut Level) -> Done {
        if self.protocol == 0 {
            (level.left, level.state) = (0, FRESH);
            return Ok(());
        }
        if level.len == 1 && self.batch_codes(level.container).1 != ADDITEMS {
            (level.left, level.state) = (1, SINGLE);
            return Ok(());
        }
        level.at = self.out.position() as u32;
        self.out.opcode(MARK)?;
        (level.left, level.state) = (level.len.min(BATCH), MARKED);
        Ok(())
    }

    /// The opcode that ends a batch, and the one that ends a single item.
    fn batch_codes(&self, container: Container) -> (u8, u8) {
        match container {
            Container::Dict | Container::FrozenDict | Container::Pairs => (SETITEMS, SETITEM),
            Container::Set if self.protocol >= 4 => (ADDITEMS, ADDITEMS),
            Container::Adds => (ADDITEMS, ADDITEMS),
            _ => (APPENDS, APPEND),
        }
    }

    /// Ends a batch or single item.
    fn close_batch(&mut self, level: &Level) -> Done {
        let (batch, single) = self.batch_codes(level.container);
        match level.state {
            MARKED => self.out.opcode(batch),
            SINGLE => self.out.opcode(single),
            _ => Ok(()),
        }
    }

    /// A list, dict, or items of an object: what stands before the items.
    pub(super) fn open_items(&mut self, level: &mut Level) -> Done {
        if level.len == 0 {
            level.left = 0;
            return Ok(());
        }
        self.open_batch(level)
    }

    pub(super) fn close_items(&mut self, level: &Level) -> Done {
        // Nothing came where the length was not known: the mark goes again.
        if level.len == UNKNOWN && level.state == MARKED && self.out.take_back(level.at as usize) {
            return Ok(());
        }
        self.close_batch(level)?;
        // CPython looks for the next pair or member only after a full batch, and has opened the next one by then.
        let (batch, _) = self.batch_codes(level.container);
        let exact = matches!(level.container, Container::Dict | Container::FrozenDict | Container::Set);
        if exact && batch != APPENDS && level.state == MARKED && level.left == 0 && level.len >= BATCH {
            self.out.opcode(MARK)?;
            self.out.opcode(batch)?;
        }
        Ok(())
    }

    fn close_tuple(&mut self, level: &Level) -> Done {
        let short = self.protocol >= 2 && level.len <= 3;
        if let Some(entry) = self.entry_of(level.shared) {
            // A tuple that contains itself was finished on the way down: what was pushed here is dropped.
            if self.protocol >= 1 && !short {
                self.out.opcode(POP_MARK)?;
            } else {
                for _ in 0..level.len.saturating_add(u32::from(!short)) {
                    self.out.opcode(POP)?;
                }
            }
            return self.get_shared(level.shared, entry);
        }
        match level.len {
            0 if self.protocol >= 1 => return Ok(()),
            0 => return self.out.opcode(TUPLE),
            1 if short => self.out.opcode(TUPLE1),
            2 if short => self.out.opcode(TUPLE2),
            3 if short => self.out.opcode(TUPLE3),
            _ => self.out.opcode(TUPLE),
        }?;
        self.memoize(level.shared)
    }

    fn close_frozenset(&mut self, level: &Level) -> Done {
        if let Some(entry) = self.entry_of(level.shared) {
            self.out.opcode(POP_MARK)?;
            return self.get_shared(level.shared, entry);
        }
        self.out.opcode(FROZENSET)?;
        self.memoize(level.shared)
    }

    /// Writes a name that is known already as a reference.
    fn known(&mut self, known: Known) -> Option<u32> {
        match known {
            Known::Entry(entry) => Some(entry),
            Known::At(i) if !self.memoizes => self.recall(i),
            _ => None,
        }
    }

    /// A name comes a second time: the opcode that remembers it is put in behind its first writing, if the memo's numbers
    /// stay in order.
    fn recall(&mut self, i: usize) -> Option<u32> {
        let at = self.names.place(i)?;
        let entry = self.memo;
        if at < self.names.last_memo || !self.out.can_insert(at) {
            return None;
        }
        let mut line = [0; 12];
        let code: &[u8] = match (self.protocol, u8::try_from(entry)) {
            (4.., _) => &[MEMOIZE],
            (1.., Ok(entry)) => &[BINPUT, entry],
            (0, Ok(entry)) => super::old::put_line(entry, &mut line),
            _ => return None,
        };
        self.out.insert(at, code);
        self.names.remembered(i, entry, code.len());
        self.memo = entry.wrapping_add(1);
        Some(entry)
    }

    /// A name or global was written: from now on it is known.
    fn learn(&mut self, module: &'static str, name: &'static str) -> Done {
        let at = self.out.position();
        let entry = self.memoizes.then_some(self.memo);
        self.names.learn(module, name, at, entry);
        self.memoize(0)
    }

    /// A str that is the same object wherever it comes from, as interned strs are in Python.
    pub(super) fn interned(&mut self, value: &'static str) -> Done {
        let known = self.names.find("", value);
        if let Some(entry) = self.known(known) {
            return self.get(entry);
        }
        self.utf8(value.as_bytes())?;
        if matches!(known, Known::No) { self.learn("", value) } else { self.memoize(0) }
    }

    /// A class or function of this program's tables.
    pub(super) fn constant(&mut self, module: &'static str, name: &'static str) -> Done {
        let known = self.names.find(module, name);
        if let Some(entry) = self.known(known) {
            return self.get(entry);
        }
        if self.protocol >= 4 {
            self.interned(module)?;
            // Equal, and yet two objects in Python: datetime.datetime, array.array.
            if name == module {
                self.utf8(name.as_bytes())?;
                self.memoize(0)?;
            } else {
                self.interned(name)?;
            }
            self.out.opcode(STACK_GLOBAL)?;
        } else {
            self.begin(GLOBAL)?;
            for line in [module, name] {
                self.out.put_slice(line.as_bytes())?;
                self.out.put([b'\n'])?;
            }
        }
        if matches!(known, Known::No) { self.learn(module, name) } else { self.memoize(0) }
    }

    /// The module that has what is built in.
    pub(super) fn builtins(&self) -> &'static str {
        if self.protocol < 3 { "__builtin__" } else { "builtins" }
    }
}

impl Emit for Writer<'_, '_> {
    fn none(&mut self) -> Done {
        self.begin(NONE)
    }

    fn bool(&mut self, value: bool) -> Done {
        if self.protocol >= 2 {
            return self.begin(if value { NEWTRUE } else { NEWFALSE });
        }
        self.begin(INT)?;
        self.out.put(if value { *b"01\n" } else { *b"00\n" })
    }

    fn int(&mut self, value: i64) -> Done {
        self.out.value();
        let bytes = value.to_le_bytes();
        if self.protocol == 0 {
            return self.int_line(value);
        }
        match value {
            0..=0xff => self.out.put([BININT1, bytes[0]]),
            0x100..=0xffff => self.out.put([BININT2, bytes[0], bytes[1]]),
            -0x8000_0000..=0x7fff_ffff => self.out.put([BININT, bytes[0], bytes[1], bytes[2], bytes[3]]),
            _ if self.protocol == 1 => self.int_line(value),
            _ => {
                // The fewest bytes that keep the sign.
                let bits = 64u32.wrapping_sub((value ^ (value >> 63)).leading_zeros());
                let used = (bits / 8).wrapping_add(1);
                self.out.put([LONG1, used as u8])?;
                self.out.put_slice(bytes.get(..used as usize).unwrap_or_default())
            }
        }
    }

    fn long(&mut self, value: &Long<'_>) -> Done {
        self.write_long(value)
    }

    fn float(&mut self, value: f64) -> Done {
        if self.protocol == 0 {
            return self.float_line(value);
        }
        self.out.value();
        let [a, b, c, d, e, f, g, h] = value.to_bits().to_be_bytes();
        self.out.put([BINFLOAT, a, b, c, d, e, f, g, h])
    }

    fn complex(&mut self, re: f64, im: f64) -> Done {
        self.write_complex(re, im)
    }

    fn str(&mut self, value: &str) -> Done {
        self.utf8(value.as_bytes())?;
        let shared = self.take_shared();
        self.memoize(shared)
    }

    fn name(&mut self, value: &'static str) -> Done {
        self.interned(value)
    }

    fn text(&mut self, value: &Text<'_>) -> Done {
        self.write_text(value)?;
        let shared = self.take_shared();
        self.memoize(shared)
    }

    fn bytes(&mut self, value: &[u8]) -> Done {
        let shared = self.take_shared();
        if self.protocol >= 3 {
            self.raw_bytes(value)?;
        } else {
            self.old_bytes(value)?;
        }
        self.memoize(shared)
    }

    fn byte_string(&mut self, value: &Text<'_>) -> Done {
        let shared = self.take_shared();
        self.write_byte_string(value)?;
        self.memoize(shared)
    }

    fn byte_array(&mut self, value: &[u8]) -> Done {
        let shared = self.take_shared();
        if self.protocol >= 5 {
            let [a, b, c, d, e, f, g, h] = (value.len() as u64).to_le_bytes();
            self.out.payload([BYTEARRAY8, a, b, c, d, e, f, g, h], value)?;
        } else {
            self.old_byte_array(value)?;
        }
        self.memoize(shared)
    }

    fn global(&mut self, module: &Text<'_>, name: &Text<'_>) -> Done {
        let shared = self.take_shared();
        let (module, name) = self.rename.apply(*module, *name);
        self.write_global(&module, &name)?;
        self.memoize(shared)
    }

    fn ext(&mut self, code: u32) -> Done {
        self.out.value();
        let [a, b, c, d] = code.to_le_bytes();
        match code {
            _ if self.protocol < 2 || code == 0 || code > i32::MAX as u32 => Err(Refused::Unsupported),
            0..=0xff => self.out.put([EXT1, a]),
            0x100..=0xffff => self.out.put([EXT2, a, b]),
            _ => self.out.put([EXT4, a, b, c, d]),
        }
    }

    fn buffer(&mut self, _: usize) -> Done {
        let shared = self.take_shared();
        if self.protocol < 5 {
            return Err(Refused::Unsupported);
        }
        self.begin(NEXT_BUFFER)?;
        if shared != 0 { self.memoize_shared(shared) } else { Ok(()) }
    }

    fn pers_id(&mut self, id: &Text<'_>) -> Done {
        let shared = self.take_shared();
        self.write_pers_id(id)?;
        if shared != 0 { self.memoize_shared(shared) } else { Ok(()) }
    }

    fn ellipsis(&mut self) -> Done {
        self.constant(self.builtins(), "Ellipsis")
    }

    fn stop_iteration(&mut self) -> Done {
        self.constant(if self.protocol < 3 { "exceptions" } else { "builtins" }, "StopIteration")
    }

    fn constant(&mut self, module: &'static str, name: &'static str) -> Done {
        let (module, name) = if self.protocol < 3 { copyreg::python2(module, name) } else { (module, name) };
        Writer::constant(self, module, name)
    }

    fn registry(&self) -> Registry<'_> {
        self.registry
    }

    fn protocol(&self) -> u8 {
        self.protocol
    }

    fn content(&mut self, container: Container) -> Done {
        self.content = Some(container);
        Ok(())
    }

    fn open(&mut self, container: Container, len: Option<usize>) -> Result<Level, Refused> {
        let container = self.content.take().unwrap_or(container);
        let shared = self.take_shared();
        let len = match len {
            Some(len) => u32::try_from(len).ok().filter(|len| *len < UNKNOWN).ok_or(Refused::TooLong)?,
            None => UNKNOWN,
        };
        let mut level = Level { left: u32::MAX, len, container, state: FRESH, shared, at: 0 };
        match container {
            Container::List | Container::Dict => {
                let (binary, text) = if container == Container::List { (EMPTY_LIST, LIST) } else { (EMPTY_DICT, DICT) };
                if self.protocol >= 1 {
                    self.begin(binary)?;
                } else {
                    self.begin(MARK)?;
                    self.out.opcode(text)?;
                }
                self.memoize(shared)?;
                self.open_items(&mut level)?;
            }
            Container::Items | Container::Adds | Container::Pairs => self.open_items(&mut level)?,
            Container::Tuple => {
                if len == UNKNOWN {
                    return Err(Refused::Unsized);
                }
                if len == 0 && self.protocol >= 1 {
                    self.begin(EMPTY_TUPLE)?;
                } else if self.protocol < 2 || len > 3 {
                    self.begin(MARK)?;
                } else {
                    self.out.value();
                }
            }
            _ => self.open_rare(&mut level)?,
        }
        Ok(level)
    }

    fn more(&mut self, level: &mut Level) -> Done {
        if self.protocol == 0 {
            self.close_batch(level)?;
            level.state = SINGLE;
            return Ok(());
        }
        self.close_batch(level)?;
        if level.len != UNKNOWN {
            level.len = level.len.saturating_sub(BATCH);
        }
        // A list's last batch is marked even if it has one item; an object's is not.
        let single = level.len == 1 && matches!(level.container, Container::Items | Container::Pairs);
        if single {
            level.state = SINGLE;
            level.left = 0;
            return Ok(());
        }
        self.out.opcode(MARK)?;
        (level.state, level.left) = (MARKED, level.len.min(BATCH).saturating_sub(1));
        Ok(())
    }

    fn close(&mut self, level: Level) -> Done {
        match level.container {
            Container::List | Container::Dict | Container::Items | Container::Adds | Container::Pairs => {
                self.close_items(&level)
            }
            Container::Tuple => self.close_tuple(&level),
            Container::FrozenSet if self.protocol >= 4 => self.close_frozenset(&level),
            _ => self.close_rare(&level),
        }
    }

    fn shared(&mut self, id: usize) -> Result<bool, Refused> {
        let id = (id as u32).wrapping_add(1);
        if let Some(entry) = self.entry_of(id) {
            self.get_shared(id, entry)?;
            return Ok(true);
        }
        self.pending = id;
        Ok(false)
    }
}
