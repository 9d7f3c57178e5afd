//! Values that have several spellings, or are written as calls: text, long ints, bytearrays, globals, persistent ids.
#![deny(clippy::panic)]

use super::opcode::code::*;
use super::writer::Writer;
use crate::object::{Emit, Long, Refused, Spelling, Text};

type Done = Result<(), Refused>;

impl Writer<'_> {
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
    pub(super) fn chars(&mut self, text: &Text<'_>) {
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
    pub(super) fn open_args(&mut self, n: u32) {
        if self.protocol < 2 || n > 3 {
            self.begin(MARK);
        }
    }

    /// The tuple of arguments ends, and the call is made.
    pub(super) fn close_args(&mut self, n: u32, call: u8) {
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
    pub(super) fn call_empty(&mut self) {
        self.open_empty(EMPTY_TUPLE, TUPLE);
        self.out.opcode(REDUCE);
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

    /// A global that may be the attribute of another one, which before protocol 4 is spelled `getattr(getattr(A, 'B'), 'C')`;
    /// as of 3.13, nothing of it is remembered but the functions and the names of the attributes.
    pub(super) fn write_dotted(&mut self, module: &Text<'_>, name: &Text<'_>) -> Done {
        let mut parts = name.raw().split(|byte| *byte == b'.').map(|part| Text::new(part, name.spelling()));
        let first = parts.next().unwrap_or(*name);
        for _ in parts.clone() {
            self.constant("builtins", "getattr")?;
            self.open_args(2);
        }
        self.write_global(module, &first)?;
        for attribute in parts {
            self.text(&attribute)?;
            self.out.opcode(if self.protocol < 2 { TUPLE } else { TUPLE2 });
            self.out.opcode(REDUCE);
        }
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
}
