//! The writer: [`Emit`] for pickle, with CPython's opcodes, memo and batches.
//!
//! Rules: Modules/_pickle.c of Python 3.8 to 3.13, which write the same bytes for plain data.
#![deny(clippy::panic)]

use super::names::{Name, Names, Place};
use super::old::{Old, RARE, Rare};
use super::opcode::code::{self, *};
use super::out::Out;
#[cfg(feature = "serde")]
use crate::copyreg::Ops;
use crate::copyreg::{self, Registry};
use crate::object::{Atom, Container, Emit, Error, ErrorKind, Level, Long, Refused, Slot, Text};

type Done = Result<(), Refused>;

/// How many items a batch has.
const BATCH: u32 = 1000;
/// A container of unknown length.
const UNKNOWN: u32 = u32::MAX;

/// What [`Level::state`] says, if it is not the opcode that ends the batch: no item came yet.
const FRESH: u8 = 0;

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

/// Writes a pickle: what [`Pickler::write`](super::Pickler::write) lends. It is an [`Emit`], and takes values with serde.
pub struct Writer<'w> {
    pub(super) out: Out<'w>,
    pub(super) protocol: u8,
    /// Every value is remembered, as CPython does it; otherwise only what is read again.
    pub(super) memoizes: bool,
    /// The value that comes is no more than it says, and is not remembered.
    usual: bool,
    /// The value that comes is shared, or the content of another container.
    mark: Option<&'static Rare>,
    /// There was such a value.
    rare: Option<&'static Rare>,
    /// MEMOIZE's next number.
    pub(super) memo: u32,
    pub(super) names: Names<'w>,
    /// How protocols 0 to 2 spell what they have no opcodes for.
    old: Option<&'static Old>,
    /// Per shared value: 0 never remembered, 1 to be remembered, else its number plus 2, and [`READ`] once it was read.
    pub(super) shared: &'w mut [Slot],
    /// The shared value that comes, plus one.
    pub(super) pending: u32,
    /// What is opened next, whatever it says.
    pub(super) content: Option<Container>,
    pub(super) rename: Rename,
    pub(super) registry: Registry<'w>,
    /// How instances of the registry's classes are written.
    #[cfg(feature = "serde")]
    pub(super) instances: Option<Ops<Writer<'w>>>,
}

#[cfg(feature = "defmt")]
impl defmt::Format for Writer<'_> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Writer");
    }
}

impl core::fmt::Debug for Writer<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Writer").finish_non_exhaustive()
    }
}

impl<'w> Writer<'w> {
    pub(super) fn new(out: Out<'w>, protocol: u8, memoizes: bool, names: &'w mut [Name]) -> Self {
        Writer {
            out,
            protocol,
            memoizes,
            usual: !memoizes,
            mark: None,
            rare: None,
            memo: 0,
            names: Names::new(names, protocol, memoizes),
            old: None,
            shared: &mut [],
            pending: 0,
            content: None,
            rename: Rename::No,
            registry: Registry::EMPTY,
            #[cfg(feature = "serde")]
            instances: None,
        }
    }

    /// With the spellings of an older protocol, or none.
    #[inline]
    pub(super) fn set_old(&mut self, old: Option<&'static Old>) {
        self.old = old;
        if old.is_some() {
            self.out.decline_values();
        }
    }

    /// The value that comes is more than it says, or is not.
    pub(super) fn set_mark(&mut self, marked: bool) {
        self.mark = marked.then_some(&RARE);
        self.rare = Some(&RARE);
        self.usual = !marked && !self.memoizes;
    }

    /// Writes a value of any type with serde.
    #[cfg(feature = "serde")]
    pub fn value<T: serde::Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refused> {
        crate::object::serde::serialize(value, self)
    }

    /// Ends the pickle; a value that comes now is another one behind it, which refers to what was written before: as several
    /// `dump`s of one Pickler of Python. One Unpickler reads them, here with [`load_all`](super::Unpickler::load_all).
    pub fn next_pickle(&mut self) {
        self.out.opcode(STOP);
        self.out.close_frame();
        self.start();
    }

    /// What comes first.
    pub(super) fn start(&mut self) {
        if self.protocol >= 2 {
            self.out.start([PROTO, self.protocol]);
        }
        self.start_frames();
    }

    /// From here on there are frames, if the protocol has them.
    pub(super) fn start_frames(&mut self) {
        if self.protocol >= 4 {
            self.out.start_frames();
        }
    }

    /// What comes last, if the value was written; answers how many bytes there are.
    pub(super) fn stop(&mut self, written: Done) -> Result<usize, Error> {
        if let Err(refused) = written {
            return Err(Error::new(refused.into(), self.out.position()));
        }
        self.out.opcode(STOP);
        self.out.close_frame();
        self.out.flush();
        let at = self.out.needed();
        if self.out.failed() { Err(Error::new(ErrorKind::Write, at)) } else { Ok(at) }
    }

    /// A value that begins with this opcode.
    #[inline]
    pub(super) fn begin(&mut self, code: u8) {
        if !self.out.begin(code) {
            self.word_slowly(code, 0, 1);
        }
    }

    /// A value of an opcode and the first of the 8 bytes of a word, `used` bytes in all.
    #[inline]
    pub(super) fn begin_word(&mut self, code: u8, word: u64, used: u32) {
        if !self.out.begin_word(code, word, used) {
            self.word_slowly(code, word, used);
        }
    }

    /// Where the frame or the buffer ends, or an older protocol may have another spelling.
    #[cold]
    #[inline(never)]
    fn word_slowly(&mut self, code: u8, word: u64, used: u32) {
        self.out.value();
        match self.old {
            Some(old) => (old.word)(self, code, word, used),
            None => self.out.word(code, word, used),
        }
    }

    /// Refers to an entry of the memo.
    pub(super) fn get(&mut self, entry: u32) {
        self.out.value();
        self.entry(entry, BINGET, LONG_BINGET, GET);
    }

    /// The opcode that remembers the value just made under the next number.
    #[inline]
    pub(super) fn put_memo(&mut self) {
        let entry = self.memo;
        self.memo = entry.wrapping_add(1);
        self.names.last_memo = self.out.position();
        if self.protocol >= 4 {
            return self.out.opcode(MEMOIZE);
        }
        self.entry(entry, BINPUT, LONG_BINPUT, PUT);
    }

    /// An entry of the memo behind its opcode: the short one, the long one, or protocol 0's.
    fn entry(&mut self, entry: u32, short: u8, long: u8, text: u8) {
        match self.old {
            Some(old) if self.protocol == 0 => (old.entry)(self, text, entry),
            _ if entry < 256 => self.out.word(short, entry.into(), 2),
            _ => self.out.word(long, entry.into(), 5),
        }
    }

    /// A str in UTF-8 (or WTF-8), without remembering it.
    #[inline]
    pub(super) fn utf8(&mut self, utf8: &[u8]) -> Done {
        match u8::try_from(utf8.len()) {
            Ok(len) if self.protocol >= 4 => {
                self.out.short_payload(SHORT_BINUNICODE, len, utf8);
                Ok(())
            }
            _ => self.long_utf8(utf8),
        }
    }

    #[inline(never)]
    fn long_utf8(&mut self, utf8: &[u8]) -> Done {
        if self.protocol == 0
            && let Some(old) = self.old
        {
            return (old.atom)(self, &Atom::Str(Text::new(utf8, crate::object::Spelling::Utf8)));
        }
        self.sized(BINUNICODE, utf8)
    }

    /// Bytes behind an opcode and a length of four bytes.
    fn sized(&mut self, code: u8, bytes: &[u8]) -> Done {
        let [a, b, c, d] = u32::try_from(bytes.len()).map_err(|_| Refused::TooLong)?.to_le_bytes();
        self.out.payload([code, a, b, c, d], bytes);
        Ok(())
    }

    /// Opens a batch, or the only item.
    #[inline]
    fn open_batch(&mut self, level: &mut Level) {
        let (batch, single) = self.batch_codes(level.container);
        if level.len == 1 && single != batch {
            (level.left, level.state) = (1, single);
            return;
        }
        if level.len == UNKNOWN {
            level.at = u32::try_from(self.out.position()).unwrap_or(0);
        }
        self.out.opcode(MARK);
        (level.left, level.state) = (level.len.min(BATCH), batch);
    }

    /// The opcode that ends a batch, and the one that ends a single item.
    #[inline]
    fn batch_codes(&self, container: Container) -> (u8, u8) {
        match container {
            Container::List | Container::Items => (APPENDS, APPEND),
            Container::Dict | Container::FrozenDict | Container::Pairs => (SETITEMS, SETITEM),
            Container::Set | Container::FrozenSet if self.protocol < 4 => (APPENDS, APPEND),
            _ => (ADDITEMS, ADDITEMS),
        }
    }

    /// A list, dict, or items of an object: what stands before the items.
    #[inline]
    pub(super) fn open_items(&mut self, level: &mut Level) {
        // In protocol 0 each item comes alone.
        if level.len == 0 || self.protocol == 0 {
            level.left = 0;
        } else {
            self.open_batch(level);
        }
    }

    #[inline]
    pub(super) fn close_items(&mut self, level: &Level) {
        if level.state == FRESH {
            return;
        }
        if level.len >= BATCH {
            return self.close_long(level);
        }
        self.out.opcode(level.state);
    }

    /// Ends what has no known length or more than a batch of items.
    #[inline(never)]
    fn close_long(&mut self, level: &Level) {
        let (batch, single) = self.batch_codes(level.container);
        let came = if level.len == UNKNOWN { BATCH.wrapping_sub(level.left) } else { BATCH };
        let mut code = level.state;
        // None or one came where the length was not known: the mark goes again.
        if level.at != 0 && (came == 0 || came == 1 && single != batch) && self.out.take_back(level.at as usize) {
            self.names.moved(level.at, u32::MAX);
            if came == 0 {
                return;
            }
            code = single;
        }
        self.out.opcode(code);
        // CPython looks for the next pair or member only after a full batch, and has opened the next one by then.
        let exact = matches!(level.container, Container::Dict | Container::FrozenDict | Container::Set);
        if exact && batch != APPENDS && code == batch && level.left == 0 {
            self.out.opcode(MARK);
            self.out.opcode(batch);
        }
    }

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

    /// A name that was written before, or may have been.
    #[inline(never)]
    fn known_name(&mut self, value: &'static str) -> Done {
        match self.names.expected(value) {
            Some(entry) => {
                self.begin_word(BINGET, entry.into(), 2);
                Ok(())
            }
            None => self.interned(value),
        }
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

    /// The module that has what is built in.
    pub(super) fn builtins(&self) -> &'static str {
        if self.protocol < 3 { "__builtin__" } else { "builtins" }
    }

    #[inline]
    fn write_int(&mut self, value: i64) {
        let word = value as u64;
        let (code, word, used) = match value {
            0..=0xff => (BININT1, word, 2),
            0x100..=0xffff => (BININT2, word, 3),
            -0x8000_0000..=0x7fff_ffff => (BININT, word, 5),
            _ => {
                // The fewest bytes that keep the sign.
                let bits = 64u32.wrapping_sub((value ^ (value >> 63)).leading_zeros());
                let used = (bits / 8).wrapping_add(1);
                if used > 7 {
                    return self.longest_int(word);
                }
                (LONG1, word << 8 | u64::from(used), used.wrapping_add(2))
            }
        };
        self.begin_word(code, word, used);
    }

    /// An int that takes all of 8 bytes.
    #[inline(never)]
    fn longest_int(&mut self, word: u64) {
        match self.old {
            Some(old) if self.protocol < 2 => (old.word)(self, LONG, word, 0),
            _ => self.out.short_payload(LONG1, 8, &word.to_le_bytes()),
        }
    }

    /// Opens a list or dict: its opcode of protocols 1 and up, and of protocol 0.
    #[inline]
    pub(super) fn open_empty(&mut self, binary: u8, text: u8) {
        if self.protocol >= 1 {
            self.begin(binary);
        } else {
            self.begin(MARK);
            self.out.opcode(text);
        }
    }

    /// Opens a list or dict. The usual one is short and of a known length, and its opcode and the mark are one.
    #[inline]
    fn open_plain(&mut self, container: Container, len: Option<usize>) -> Result<Level, Refused> {
        let (code, batch) = if container == Container::List { (EMPTY_LIST, APPENDS) } else { (EMPTY_DICT, SETITEMS) };
        if self.usual
            && let Some(len @ 2..=1000) = len
            && self.out.begin_pair(code, MARK)
        {
            let len = len as u32;
            return Ok(Level { left: len, len, container, state: batch, shared: 0, at: 0 });
        }
        self.open_slowly(container, len)
    }

    #[inline(never)]
    fn open_slowly(&mut self, container: Container, len: Option<usize>) -> Result<Level, Refused> {
        let len = match len {
            Some(len) => u32::try_from(len).ok().filter(|len| *len < UNKNOWN).ok_or(Refused::TooLong)?,
            None => UNKNOWN,
        };
        if let Some(rare) = self.mark {
            return (rare.open)(self, container, len);
        }
        let mut level = Level { left: u32::MAX, len, container, state: FRESH, shared: 0, at: 0 };
        match container {
            Container::Tuple => self.begin_tuple(len)?,
            Container::List | Container::Dict => {
                let (binary, text) = if container == Container::List { (EMPTY_LIST, LIST) } else { (EMPTY_DICT, DICT) };
                self.open_empty(binary, text);
                self.remember();
                self.open_items(&mut level);
            }
            _ => return Err(Refused::Custom),
        }
        Ok(level)
    }

    #[inline(never)]
    fn close_slowly(&mut self, level: Level) {
        match (level.container, self.rare) {
            (_, Some(rare)) => (rare.close)(self, &level),
            (Container::Tuple, _) => {
                self.close_tuple(level.len);
                if level.len != 0 {
                    self.remember();
                }
            }
            _ => self.close_items(&level),
        }
    }

    pub(super) fn begin_tuple(&mut self, len: u32) -> Done {
        match len {
            UNKNOWN => return Err(Refused::Unsized),
            0 if self.protocol >= 1 => self.begin(EMPTY_TUPLE),
            1..=3 if self.protocol >= 2 => self.out.value(),
            _ => self.begin(MARK),
        }
        Ok(())
    }

    /// The value just made is one that CPython remembers. Not for values that may be shared.
    #[inline]
    fn remember(&mut self) {
        if self.memoizes {
            self.put_memo();
        }
    }

    /// The str or bytes just made are remembered as CPython does it, or because they are shared.
    #[inline]
    fn remember_atom(&mut self) {
        if !self.usual {
            self.remember_unusual();
        }
    }

    #[inline(never)]
    fn remember_unusual(&mut self) {
        match self.mark {
            Some(rare) => (rare.memoize)(self),
            None => self.remember(),
        }
    }

    /// The opcode that ends a tuple.
    #[inline]
    pub(super) fn close_tuple(&mut self, len: u32) {
        let code = match len {
            0 if self.protocol >= 1 => return,
            1 if self.protocol >= 2 => TUPLE1,
            2 if self.protocol >= 2 => TUPLE2,
            3 if self.protocol >= 2 => TUPLE3,
            _ => TUPLE,
        };
        self.out.opcode(code);
    }
}

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
        self.utf8(value.as_bytes())?;
        self.remember_atom();
        Ok(())
    }

    #[inline]
    fn name(&mut self, value: &'static str) -> Done {
        // Where the name is a constant, its first writing is few instructions.
        if self.names.is_new(value)
            && let Ok(len) = u8::try_from(value.len())
            && self.out.try_payload(SHORT_BINUNICODE, len, value.as_bytes())
        {
            self.names.learn_new(value, self.out.place());
            return Ok(());
        }
        self.known_name(value)
    }

    fn text(&mut self, value: &Text<'_>) -> Done {
        self.write_text(value)?;
        self.remember_atom();
        Ok(())
    }

    fn bytes(&mut self, value: &[u8]) -> Done {
        match (u8::try_from(value.len()), self.old) {
            (_, Some(old)) if self.protocol < 3 => (old.atom)(self, &Atom::Bytes(value))?,
            (Ok(len), _) => self.out.short_payload(SHORT_BINBYTES, len, value),
            _ => self.sized(BINBYTES, value)?,
        }
        self.remember_atom();
        Ok(())
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
        self.write_global(&module, &name)?;
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
        self.content = Some(container);
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

    #[inline]
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
        let (batch, single) = self.batch_codes(level.container);
        if level.state != FRESH {
            self.out.opcode(level.state);
        }
        if level.len != UNKNOWN && self.protocol > 0 {
            level.len = level.len.saturating_sub(BATCH);
        }
        // A list's last batch is marked even if it has one item; an object's is not.
        let alone = level.len == 1 && matches!(level.container, Container::Items | Container::Pairs);
        if self.protocol == 0 || alone {
            (level.state, level.left) = (single, 0);
            return Ok(());
        }
        // The mark stays, whatever comes.
        level.at = 0;
        self.out.opcode(MARK);
        (level.state, level.left) = (batch, level.len.min(BATCH).saturating_sub(1));
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
    #[inline]
    fn instances(&self) -> Option<Ops<Self>> {
        self.instances
    }
}
