//! What the writer seldom needs: text forms of protocol 0, what older protocols write as calls, objects.
#![deny(clippy::panic)]

use super::opcode::code::*;
use super::pickler::{READ, Writer};
use crate::decimal;
use crate::object::{Atom, Container, Emit, Level, Long, Refused, Slot, Spelling, Text};

type Done = Result<(), Refused>;

/// What protocols 0 to 2 spell otherwise. It is reached through the protocol that was asked for alone, so that who writes
/// newer ones links none of it.
pub(super) struct Old {
    /// An int of more than 64 bits, a str of protocol 0, or bytes.
    pub(super) atom: for<'w> fn(&mut Writer<'w>, &Atom<'_>) -> Done,
    /// The value that newer protocols write as this opcode and the first bytes of this word; LONG is an int of 64 bits.
    pub(super) word: for<'w> fn(&mut Writer<'w>, u8, u64, u32),
    /// Protocol 0's opcode with the number of an entry of the memo.
    pub(super) entry: for<'w> fn(&mut Writer<'w>, u8, u32),
    /// The opcode that remembers a value under a small number.
    pub(super) put: fn(u8, u8, &mut [u8; 12]) -> &[u8],
}

/// What becomes of values that are more than they say: shared ones, and the content of another container. It is reached
/// through the mark alone, so that who never marks a value links none of it.
pub(super) struct Rare {
    pub(super) open: for<'w> fn(&mut Writer<'w>, Container, u32) -> Result<Level, Refused>,
    pub(super) close: for<'w> fn(&mut Writer<'w>, &Level),
    pub(super) memoize: for<'w> fn(&mut Writer<'w>),
}

pub(super) static RARE: Rare =
    Rare { open: |w, c, len| w.open_any(c, len), close: |w, l| w.close_any(l), memoize: |w| w.memoize_marked() };

pub(super) static OLD: Old = Old {
    atom: |w, a| w.old_atom(a),
    word: |w, c, word, used| w.old_word(c, word, used),
    entry: |w, c, n| w.entry_line(c, n),
    put,
};

/// BINPUT or, in protocol 0, `p3\n`.
fn put(protocol: u8, entry: u8, line: &mut [u8; 12]) -> &[u8] {
    let digits = [entry / 100, entry / 10 % 10, entry % 10];
    let skip = if entry >= 100 { 0 } else { 1usize.wrapping_add(usize::from(entry < 10)) };
    let bytes = core::iter::once(PUT).chain(digits.into_iter().skip(skip).map(|d| b'0'.wrapping_add(d)));
    let mut len: usize = 0;
    for (to, from) in line.iter_mut().zip(bytes.chain(core::iter::once(b'\n'))) {
        *to = from;
        len = len.wrapping_add(1);
    }
    if protocol > 0 {
        (*line, len) = ([BINPUT, entry, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], 2);
    }
    line.get(..len).unwrap_or_default()
}

impl Writer<'_> {
    fn old_atom(&mut self, atom: &Atom<'_>) -> Done {
        match atom {
            Atom::Long(value) => self.write_long(value),
            Atom::Str(text) => self.write_text(text),
            Atom::Bytes(value) => self.old_bytes(value),
            // Nothing else is asked for.
            _ => Err(Refused::Unsupported),
        }
    }

    fn old_word(&mut self, code: u8, word: u64, used: u32) {
        let value = word as i64;
        match code {
            NEWTRUE | NEWFALSE if self.protocol < 2 => {
                self.out.put(if code == NEWTRUE { *b"I01\n" } else { *b"I00\n" });
            }
            BININT | BININT1 | BININT2 if self.protocol < 1 => {
                self.out.put([INT]);
                self.decimal(value, b"\n");
            }
            LONG1 | LONG if self.protocol < 2 => {
                self.out.put([LONG]);
                // Its length stands in the lowest byte of LONG1's word.
                self.decimal(if code == LONG1 { value >> 8 } else { value }, b"L\n");
            }
            BINFLOAT if self.protocol < 1 => {
                self.out.put([FLOAT]);
                let mut buf = [0; decimal::LONGEST];
                let value = f64::from_bits(word.swap_bytes());
                self.out.put_slice(decimal::text(value, decimal::Style::Repr, &mut buf).as_bytes());
                self.out.put([b'\n']);
            }
            _ => self.out.word(code, word, used),
        }
    }

    /// An entry of the memo, in decimal.
    fn entry_line(&mut self, code: u8, entry: u32) {
        self.out.put([code]);
        self.decimal(i64::from(entry), b"\n");
    }

    /// An int in decimal, and what follows it.
    fn decimal(&mut self, value: i64, tail: &[u8]) {
        if value < 0 {
            self.out.put([b'-']);
        }
        // By subtraction, so that no division of 64 bits is linked.
        let mut rest = value.unsigned_abs();
        let mut started = false;
        for power in (0..20).rev() {
            let (unit, mut digit) = (10_u64.wrapping_pow(power), b'0');
            while let Some(less) = rest.checked_sub(unit) {
                rest = less;
                digit = digit.wrapping_add(1);
            }
            started = started || digit != b'0' || power == 0;
            if started {
                self.out.put([digit]);
            }
        }
        self.out.put_slice(tail);
    }

    /// A backslash, a letter and hexadecimal digits.
    fn escape(&mut self, letter: u8, c: u32, digits: u32) {
        self.out.put([b'\\', letter]);
        for i in (0..digits).rev() {
            let digit = c >> i.wrapping_mul(4) & 15;
            self.out.put([char::from_digit(digit, 16).unwrap_or_default() as u8]);
        }
    }

    /// UNICODE: raw-unicode-escape, with what would end the line or is special elsewhere escaped as well.
    pub(super) fn line(&mut self, text: &Text<'_>) {
        self.begin(UNICODE);
        for c in text.chars() {
            match c {
                0 | 10 | 13 | 26 | 92 => self.escape(b'u', c, 4),
                0..=0xff => self.out.put([c as u8]),
                0x100..=0xffff => self.escape(b'u', c, 4),
                _ => self.escape(b'U', c, 8),
            }
        }
        self.out.put([b'\n']);
    }

    /// A str in any spelling, without remembering it.
    pub(super) fn write_text(&mut self, text: &Text<'_>) -> Done {
        if self.protocol == 0 {
            self.line(text);
            return Ok(());
        }
        let len = text.utf8_len();
        match (u8::try_from(len), u32::try_from(len)) {
            (Ok(short), _) if self.protocol >= 4 => self.out.payload_header([SHORT_BINUNICODE, short], len),
            (_, Ok(long)) => {
                let [a, b, c, d] = long.to_le_bytes();
                self.out.payload_header([BINUNICODE, a, b, c, d], len);
            }
            _ => return Err(Refused::TooLong),
        }
        if text.spelling() == Spelling::Utf8 {
            self.out.put_slice(text.raw());
        } else {
            self.chars(text);
        }
        Ok(())
    }

    /// The characters in UTF-8, without their length.
    fn chars(&mut self, text: &Text<'_>) {
        for c in text.chars() {
            self.out.put_slice(crate::object::encode_utf8(c, &mut [0; 4]));
        }
    }

    /// A str of Python 2, with the opcodes that only Python 2 writes.
    pub(super) fn write_byte_string(&mut self, text: &Text<'_>) -> Done {
        let len = text.chars().count();
        if self.protocol == 0 {
            // Quoted as Python 2's repr quotes it.
            let has = |quote| text.chars().any(|c| c == quote);
            let quote = if has(39) && !has(34) { b'"' } else { b'\'' };
            self.begin(STRING);
            self.out.put([quote]);
            for c in text.chars() {
                match c {
                    9 => self.out.put(*b"\\t"),
                    10 => self.out.put(*b"\\n"),
                    13 => self.out.put(*b"\\r"),
                    92 => self.out.put(*b"\\\\"),
                    _ if c == u32::from(quote) => self.out.put([b'\\', quote]),
                    32..=126 => self.out.put([c as u8]),
                    _ => self.escape(b'x', c, 2),
                }
            }
            self.out.put([quote, b'\n']);
            return Ok(());
        }
        match (u8::try_from(len), i32::try_from(len)) {
            (Ok(len), _) => self.out.payload_header([SHORT_BINSTRING, len], usize::from(len)),
            (_, Ok(long)) => {
                let [a, b, c, d] = long.to_le_bytes();
                self.out.payload_header([BINSTRING, a, b, c, d], len);
            }
            _ => return Err(Refused::TooLong),
        }
        for c in text.chars() {
            self.out.put([c as u8]);
        }
        Ok(())
    }

    pub(super) fn write_long(&mut self, value: &Long<'_>) -> Done {
        if let Some(small) = value.to_i64() {
            return self.int(small);
        }
        self.out.value();
        if self.protocol < 2 {
            self.out.put([LONG]);
            if !self.out.fill(value.decimal_room(), |room| Some(value.to_decimal(room)?.len())) {
                return Err(Refused::TooLong);
            }
            self.out.put([b'L', b'\n']);
            return Ok(());
        }
        // The length comes first: the bytes are made behind room for it, and moved.
        let fits = self.out.fill(value.bytes_room().saturating_add(5), |room| {
            let (header, bytes) = room.split_at_mut_checked(5)?;
            let len = value.to_le_bytes(bytes)?.len();
            let [a, b, c, d] = u32::try_from(len).ok()?.to_le_bytes();
            let start = if len <= 255 {
                header.get_mut(..2)?.copy_from_slice(&[LONG1, a]);
                2
            } else {
                header.copy_from_slice(&[LONG4, a, b, c, d]);
                5
            };
            room.copy_within(5..len.checked_add(5)?, start);
            len.checked_add(start)
        });
        if fits { Ok(()) } else { Err(Refused::TooLong) }
    }

    pub(super) fn write_complex(&mut self, re: f64, im: f64) -> Done {
        let shared = self.take_shared();
        self.constant(self.builtins(), "complex")?;
        self.open_args(2);
        self.float(re)?;
        self.float(im)?;
        self.close_args(2, REDUCE);
        self.memoize(shared);
        Ok(())
    }

    /// A tuple of so many arguments begins.
    fn open_args(&mut self, n: u32) {
        if self.protocol < 2 || n > 3 {
            self.begin(MARK);
        }
    }

    /// The tuple of arguments ends, and the call is made.
    fn close_args(&mut self, n: u32, call: u8) {
        let code = match n {
            _ if self.protocol < 2 => TUPLE,
            1 => TUPLE1,
            2 => TUPLE2,
            3 => TUPLE3,
            _ => TUPLE,
        };
        self.out.opcode(code);
        self.memoize(0);
        self.out.opcode(call);
    }

    /// A call without arguments.
    fn call_empty(&mut self) {
        self.open_empty(EMPTY_TUPLE, TUPLE);
        self.out.opcode(REDUCE);
    }

    /// bytes before protocol 3: `_codecs.encode(text, 'latin1')`.
    pub(super) fn old_bytes(&mut self, value: &[u8]) -> Done {
        if value.is_empty() {
            self.constant("__builtin__", "bytes")?;
            self.call_empty();
            return Ok(());
        }
        self.constant("_codecs", "encode")?;
        self.open_args(2);
        self.write_text(&Text::new(value, Spelling::Latin1))?;
        self.memoize(0);
        self.interned("latin1")?;
        self.close_args(2, REDUCE);
        Ok(())
    }

    /// A bytearray before protocol 5: `bytearray(bytes)`.
    pub(super) fn old_byte_array(&mut self, value: &[u8]) -> Done {
        self.constant(self.builtins(), "bytearray")?;
        if value.is_empty() {
            self.call_empty();
            return Ok(());
        }
        self.open_args(1);
        self.bytes(value)?;
        self.close_args(1, REDUCE);
        Ok(())
    }

    pub(super) fn write_global(&mut self, module: &Text<'_>, name: &Text<'_>) -> Done {
        if self.protocol >= 4 {
            self.text(module)?;
            self.text(name)?;
            self.out.opcode(STACK_GLOBAL);
            return Ok(());
        }
        self.begin(GLOBAL);
        for line in [module, name] {
            // A line's end or a lone surrogate cannot stand in a line of UTF-8.
            if line.chars().any(|c| c == 10 || char::from_u32(c).is_none()) || line.raw().is_empty() {
                return Err(Refused::Unsupported);
            }
            self.chars(line);
            self.out.put([b'\n']);
        }
        Ok(())
    }

    pub(super) fn write_pers_id(&mut self, id: &Text<'_>) -> Done {
        if self.protocol >= 1 {
            self.text(id)?;
            self.out.opcode(BINPERSID);
            return Ok(());
        }
        if id.chars().any(|c| c == 10 || c > 127) {
            return Err(Refused::Unsupported);
        }
        self.begin(PERSID);
        self.chars(id);
        self.out.put([b'\n']);
        Ok(())
    }

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
            Container::Slice => self.close_args(3, REDUCE),
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
