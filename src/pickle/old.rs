//! What the writer seldom needs: text forms of protocol 0, what older protocols write as calls, objects.
#![deny(clippy::panic)]

use super::opcode::code::*;
use super::pickler::Writer;
use crate::decimal;
use crate::object::{Container, Emit, Level, Long, Refused, Spelling, Text};

type Done = Result<(), Refused>;

/// `p3\n` for a small entry.
pub(super) fn put_line(entry: u8, line: &mut [u8; 12]) -> &[u8] {
    let digits = [entry / 100, entry / 10 % 10, entry % 10];
    let skip = digits.iter().take(2).take_while(|d| **d == 0).count();
    let bytes = core::iter::once(PUT).chain(digits.into_iter().skip(skip).map(|d| b'0'.wrapping_add(d)));
    let mut len: usize = 0;
    for (to, from) in line.iter_mut().zip(bytes.chain(core::iter::once(b'\n'))) {
        *to = from;
        len = len.wrapping_add(1);
    }
    line.get(..len).unwrap_or_default()
}

impl Writer<'_, '_> {
    /// A backslash, a letter and hexadecimal digits.
    fn escape(&mut self, letter: u8, c: u32, digits: u32) -> Done {
        self.out.put([b'\\', letter])?;
        for i in (0..digits).rev() {
            let digit = (c >> i.wrapping_mul(4) & 15) as u8;
            self.out.put([if digit < 10 {
                b'0'.wrapping_add(digit)
            } else {
                b'a'.wrapping_add(digit.wrapping_sub(10))
            }])?;
        }
        Ok(())
    }

    /// UNICODE: raw-unicode-escape, with what would end the line or is special elsewhere escaped as well.
    pub(super) fn line(&mut self, text: &Text<'_>) -> Done {
        self.begin(UNICODE)?;
        for c in text.chars() {
            match c {
                0 | 10 | 13 | 26 | 92 => self.escape(b'u', c, 4)?,
                0..=0xff => self.out.put([c as u8])?,
                0x100..=0xffff => self.escape(b'u', c, 4)?,
                _ => self.escape(b'U', c, 8)?,
            }
        }
        self.out.put([b'\n'])
    }

    /// A str in any spelling, without remembering it.
    pub(super) fn write_text(&mut self, text: &Text<'_>) -> Done {
        if self.protocol == 0 {
            return self.line(text);
        }
        let len = text.utf8_len();
        match (u8::try_from(len), u32::try_from(len)) {
            (Ok(short), _) if self.protocol >= 4 => self.out.payload_header([SHORT_BINUNICODE, short], len)?,
            (_, Ok(long)) => {
                let [a, b, c, d] = long.to_le_bytes();
                self.out.payload_header([BINUNICODE, a, b, c, d], len)?;
            }
            _ => return Err(Refused::TooLong),
        }
        if text.spelling() == Spelling::Utf8 {
            return self.out.put_slice(text.raw());
        }
        self.chars(text)
    }

    /// The characters in UTF-8, without their length.
    fn chars(&mut self, text: &Text<'_>) -> Done {
        for c in text.chars() {
            self.out.put_slice(crate::object::encode_utf8(c, &mut [0; 4]))?;
        }
        Ok(())
    }

    /// A str of Python 2, with the opcodes that only Python 2 writes.
    pub(super) fn write_byte_string(&mut self, text: &Text<'_>) -> Done {
        let len = text.chars().count();
        if self.protocol == 0 {
            // Quoted as Python 2's repr quotes it.
            let has = |quote| text.chars().any(|c| c == quote);
            let quote = if has(39) && !has(34) { b'"' } else { b'\'' };
            self.begin(STRING)?;
            self.out.put([quote])?;
            for c in text.chars() {
                match c {
                    9 => self.out.put(*b"\\t")?,
                    10 => self.out.put(*b"\\n")?,
                    13 => self.out.put(*b"\\r")?,
                    92 => self.out.put(*b"\\\\")?,
                    _ if c == u32::from(quote) => self.out.put([b'\\', quote])?,
                    32..=126 => self.out.put([c as u8])?,
                    _ => self.escape(b'x', c, 2)?,
                }
            }
            return self.out.put([quote, b'\n']);
        }
        match (u8::try_from(len), i32::try_from(len)) {
            (Ok(len), _) => self.out.payload_header([SHORT_BINSTRING, len], usize::from(len))?,
            (_, Ok(long)) => {
                let [a, b, c, d] = long.to_le_bytes();
                self.out.payload_header([BINSTRING, a, b, c, d], len)?;
            }
            _ => return Err(Refused::TooLong),
        }
        for c in text.chars() {
            self.out.put([c as u8])?;
        }
        Ok(())
    }

    /// An int as text: INT for 32 bits, LONG beyond.
    pub(super) fn int_line(&mut self, value: i64) -> Done {
        let small = i32::try_from(value).is_ok();
        self.out.put([if small { INT } else { LONG }])?;
        self.decimal(value, if small { b"\n" } else { b"L\n" })
    }

    pub(super) fn float_line(&mut self, value: f64) -> Done {
        self.begin(FLOAT)?;
        let mut buf = [0; decimal::LONGEST];
        self.out.put_slice(decimal::text(value, decimal::Style::Repr, &mut buf).as_bytes())?;
        self.out.put([b'\n'])
    }

    pub(super) fn write_long(&mut self, value: &Long<'_>) -> Done {
        if let Some(small) = value.to_i64() {
            return self.int(small);
        }
        self.out.value();
        if self.protocol < 2 {
            self.out.put([LONG])?;
            self.out.fill(value.decimal_room(), |room| Some(value.to_decimal(room)?.len()))?;
            return self.out.put([b'L', b'\n']);
        }
        // The length comes first: the bytes are made behind room for it, and moved.
        self.out.fill(value.bytes_room().saturating_add(5), |room| {
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
        })
    }

    pub(super) fn write_complex(&mut self, re: f64, im: f64) -> Done {
        let shared = self.take_shared();
        self.constant(self.builtins(), "complex")?;
        self.open_args(2)?;
        self.float(re)?;
        self.float(im)?;
        self.close_args(2, REDUCE)?;
        self.memoize(shared)
    }

    /// A tuple of so many arguments begins.
    fn open_args(&mut self, n: u32) -> Done {
        if self.protocol < 2 || n > 3 { self.begin(MARK) } else { Ok(()) }
    }

    /// The tuple of arguments ends, and the call is made.
    fn close_args(&mut self, n: u32, call: u8) -> Done {
        let code = match n {
            _ if self.protocol < 2 => TUPLE,
            1 => TUPLE1,
            2 => TUPLE2,
            3 => TUPLE3,
            _ => TUPLE,
        };
        self.out.opcode(code)?;
        self.memoize(0)?;
        self.out.opcode(call)
    }

    /// A call without arguments.
    fn call_empty(&mut self) -> Done {
        if self.protocol >= 1 {
            self.begin(EMPTY_TUPLE)?;
        } else {
            self.begin(MARK)?;
            self.out.opcode(TUPLE)?;
        }
        self.out.opcode(REDUCE)
    }

    /// bytes before protocol 3: `_codecs.encode(text, 'latin1')`.
    pub(super) fn old_bytes(&mut self, value: &[u8]) -> Done {
        if value.is_empty() {
            self.constant("__builtin__", "bytes")?;
            return self.call_empty();
        }
        self.constant("_codecs", "encode")?;
        self.open_args(2)?;
        self.text(&Text::new(value, Spelling::Latin1))?;
        self.interned("latin1")?;
        self.close_args(2, REDUCE)
    }

    /// A bytearray before protocol 5: `bytearray(bytes)`.
    pub(super) fn old_byte_array(&mut self, value: &[u8]) -> Done {
        self.constant(self.builtins(), "bytearray")?;
        if value.is_empty() {
            return self.call_empty();
        }
        self.open_args(1)?;
        self.bytes(value)?;
        self.close_args(1, REDUCE)
    }

    pub(super) fn write_global(&mut self, module: &Text<'_>, name: &Text<'_>) -> Done {
        if self.protocol >= 4 {
            self.text(module)?;
            self.text(name)?;
            return self.out.opcode(STACK_GLOBAL);
        }
        self.begin(GLOBAL)?;
        for line in [module, name] {
            // A line's end or a lone surrogate cannot stand in a line of UTF-8.
            if line.chars().any(|c| c == 10 || char::from_u32(c).is_none()) || line.raw().is_empty() {
                return Err(Refused::Unsupported);
            }
            self.chars(line)?;
            self.out.put([b'\n'])?;
        }
        Ok(())
    }

    pub(super) fn write_pers_id(&mut self, id: &Text<'_>) -> Done {
        if self.protocol >= 1 {
            self.text(id)?;
            return self.out.opcode(BINPERSID);
        }
        if id.chars().any(|c| c == 10 || c > 127) {
            return Err(Refused::Unsupported);
        }
        self.begin(PERSID)?;
        self.chars(id)?;
        self.out.put([b'\n'])
    }

    /// Opens what is not a list, dict or tuple.
    pub(super) fn open_rare(&mut self, level: &mut Level) -> Done {
        match level.container {
            Container::Set if self.protocol >= 4 => {
                self.begin(EMPTY_SET)?;
                self.memoize(level.shared)?;
                self.open_items(level)
            }
            Container::FrozenSet if self.protocol >= 4 => self.begin(MARK),
            Container::Set | Container::FrozenSet => {
                let name = if level.container == Container::Set { "set" } else { "frozenset" };
                self.constant(self.builtins(), name)?;
                self.open_args(1)?;
                self.list_inside(level, EMPTY_LIST, LIST)
            }
            Container::FrozenDict if self.protocol >= 2 => {
                self.constant("builtins", "frozendict")?;
                self.list_inside(level, EMPTY_DICT, DICT)
            }
            Container::Slice => {
                self.constant(self.builtins(), "slice")?;
                self.open_args(3)
            }
            Container::Inst => self.begin(MARK),
            Container::Readonly if self.protocol < 5 => Err(Refused::Unsupported),
            Container::NewObjEx if self.protocol < 4 => Err(Refused::Unsupported),
            Container::NewObj if self.protocol < 2 => Err(Refused::Unsupported),
            Container::PersId if self.protocol < 1 => Err(Refused::Unsupported),
            Container::Code | Container::FrozenDict => Err(Refused::Unsupported),
            _ => Ok(()),
        }
    }

    /// The list or dict that is the only argument of a call, and whose items come now.
    fn list_inside(&mut self, level: &mut Level, binary: u8, text: u8) -> Done {
        if self.protocol >= 1 {
            self.begin(binary)?;
        } else {
            self.begin(MARK)?;
            self.out.opcode(text)?;
        }
        self.memoize(0)?;
        self.open_items(level)
    }

    /// Closes what is not a list, dict or tuple.
    pub(super) fn close_rare(&mut self, level: &Level) -> Done {
        match level.container {
            Container::Set if self.protocol >= 4 => return self.close_items(level),
            Container::Set | Container::FrozenSet => {
                self.close_items(level)?;
                self.close_args(1, REDUCE)?;
            }
            Container::FrozenDict => {
                self.close_items(level)?;
                self.close_args(1, NEWOBJ)?;
            }
            Container::Slice => self.close_args(3, REDUCE)?,
            Container::Reduce => self.out.opcode(REDUCE)?,
            Container::NewObj => self.out.opcode(NEWOBJ)?,
            Container::NewObjEx => self.out.opcode(NEWOBJ_EX)?,
            Container::Inst => self.out.opcode(OBJ)?,
            Container::State => return self.out.opcode(BUILD),
            Container::PersId => return self.close_outside(BINPERSID, level.shared),
            _ => return self.close_outside(READONLY_BUFFER, level.shared),
        }
        self.finish_object(level.shared)
    }

    /// What CPython does not remember, and what is remembered only if it is shared.
    fn close_outside(&mut self, code: u8, shared: u32) -> Done {
        self.out.opcode(code)?;
        if shared != 0 { self.memoize_shared(shared) } else { Ok(()) }
    }

    /// An object is made. One that its own arguments contain was finished on the way down: this one is dropped.
    fn finish_object(&mut self, shared: u32) -> Done {
        match self.entry_of(shared) {
            Some(entry) => {
                self.out.opcode(POP)?;
                self.get_shared(shared, entry)
            }
            None => self.memoize(shared),
        }
    }
}
