//! What a writer is given, value by value.

use super::{Done, INCOMPLETE, UNKNOWN, Writer};
use crate::marshal::typecode::*;
use crate::object::{Container, Emit, Level, Long, Refused, Spelling, Text};

#[cfg(feature = "serde")]
impl crate::object::serde::Encoder for Writer<'_> {
    /// A dict says nothing of its length.
    #[inline]
    fn open_short(&mut self, _: usize) -> bool {
        self.depth = self.depth.wrapping_add(1);
        self.too_deep |= self.depth >= MAX_DEPTH;
        let code = self.flagged(DICT);
        self.out.put_byte(code);
        true
    }

    #[inline]
    fn close_short(&mut self) {
        self.depth = self.depth.wrapping_sub(1);
        self.out.put_byte(NULL);
    }
}

impl Emit for Writer<'_> {
    fn none(&mut self) -> Done {
        self.alone(NONE)
    }

    fn bool(&mut self, value: bool) -> Done {
        self.alone(if value { TRUE } else { FALSE })
    }

    #[inline]
    fn int(&mut self, value: i64) -> Done {
        let Ok(short) = i32::try_from(value) else { return self.wide_int(value) };
        let code = self.flagged(INT);
        self.out.put_word(code, short as u32 as u64, 4);
        Ok(())
    }

    fn number(&mut self, value: i32) -> Done {
        self.out.put(&[], &value.to_le_bytes());
        Ok(())
    }

    fn long(&mut self, value: &Long<'_>) -> Done {
        if let Some(short) = value.to_i64() {
            return self.int(short);
        }
        let negative = value.is_negative();
        match value {
            Long::Twos(bytes) => {
                let mut carry = negative;
                self.digits(
                    negative,
                    bytes.iter().map(move |byte| {
                        if !negative {
                            return *byte;
                        }
                        let (sum, over) = (!*byte).overflowing_add(u8::from(carry));
                        carry = over;
                        sum
                    }),
                )
            }
            Long::Base15 { digits, .. } => {
                let count = i32::try_from(digits.len() / 2).map_err(|_| Refused::TooLong)?;
                let count = if negative { count.wrapping_neg() } else { count };
                let code = self.flagged(LONG);
                self.out.put_word(code, count as u32 as u64, 4);
                self.out.put(&[], digits);
                Ok(())
            }
            Long::Digits { radix, digits, .. } => self.text_digits(negative, *radix, digits),
        }
    }

    #[inline]
    fn float(&mut self, value: f64) -> Done {
        match self.old {
            Some(old) if self.version < 2 => (old.float)(self, value),
            _ => {
                let code = self.flagged(BINARY_FLOAT);
                self.out.put_word(code, value.to_bits(), 8);
            }
        }
        Ok(())
    }

    fn complex(&mut self, re: f64, im: f64) -> Done {
        let binary = self.version >= 2;
        let code = self.flagged(if binary { BINARY_COMPLEX } else { COMPLEX });
        self.out.put_byte(code);
        for part in [re, im] {
            if binary {
                self.out.put(&[], &part.to_bits().to_le_bytes());
            } else {
                self.float_text(part);
            }
        }
        Ok(())
    }

    fn str(&mut self, value: &str) -> Done {
        self.utf8(value.as_bytes(), false)
    }

    #[inline]
    fn name(&mut self, value: &'static str) -> Done {
        match self.names.find(value) {
            Some(index) => self.reference(index),
            None => self.new_name(value),
        }
    }

    fn text(&mut self, value: &Text<'_>) -> Done {
        if value.spelling() == Spelling::Utf8 {
            return self.utf8(value.raw(), false);
        }
        if let Some(utf8) = value.as_str() {
            return self.utf8(utf8.as_bytes(), false);
        }
        // Another spelling, and either not ASCII or with escapes in it: decoded where it is written.
        let ascii = self.version >= 4 && value.chars().all(|c| c < 0x80);
        let len = value.utf8_len();
        let size = Self::size(len)?;
        match u8::try_from(len) {
            Ok(short) if ascii => {
                let code = self.flagged(SHORT_ASCII);
                self.out.put_word(code, short.into(), 1);
            }
            _ => {
                let code = self.flagged(if ascii { ASCII } else { UNICODE });
                self.out.put_word(code, size.into(), 4);
            }
        }
        if let Some(to) = self.out.room(len) {
            value.to_wtf8(to);
        }
        Ok(())
    }

    fn bytes(&mut self, value: &[u8]) -> Done {
        self.sized(STRING, value)
    }

    fn byte_string(&mut self, value: &Text<'_>) -> Done {
        if let Some(bytes) = value.as_bytes() {
            return self.sized(STRING, bytes);
        }
        let len = value.chars().count();
        let size = Self::size(len)?;
        let code = self.flagged(STRING);
        self.out.put_word(code, size.into(), 4);
        if let Some(to) = self.out.room(len) {
            value.to_bytes(to);
        }
        Ok(())
    }

    fn byte_array(&mut self, value: &[u8]) -> Done {
        self.sized(STRING, value)
    }

    fn global(&mut self, _: &Text<'_>, _: &Text<'_>) -> Done {
        Err(Refused::Unsupported)
    }

    fn ext(&mut self, _: u32) -> Done {
        Err(Refused::Unsupported)
    }

    fn buffer(&mut self, _: usize) -> Done {
        Err(Refused::Unsupported)
    }

    fn pers_id(&mut self, _: &Text<'_>) -> Done {
        Err(Refused::Unsupported)
    }

    fn ellipsis(&mut self) -> Done {
        self.alone(ELLIPSIS)
    }

    fn stop_iteration(&mut self) -> Done {
        self.alone(STOP_ITERATION)
    }

    fn open(&mut self, container: Container, len: Option<usize>) -> Result<Level, Refused> {
        let (code, sized) = match container {
            Container::List | Container::Dict | Container::Tuple => return self.open_plain(container, len),
            Container::Set => (SET, true),
            Container::FrozenSet => (FROZENSET, true),
            Container::Slice if self.version >= 5 => (SLICE, false),
            Container::FrozenDict if self.version >= 6 => (FROZENDICT, false),
            Container::Code if self.allow_code => (CODE, false),
            _ => return Err(Refused::Unsupported),
        };
        let size = self.enter(len, false)?;
        let shared = self.pending;
        let code = self.flagged(code);
        let at = if sized { self.out.at().wrapping_add(1) as u32 } else { 0 };
        self.out.put_word(code, if size == UNKNOWN { 0 } else { size.into() }, if sized { 4 } else { 0 });
        // All but a set may be referred to when they are complete; what is empty is.
        if size != 0 {
            self.set_complete(shared, container == Container::Set);
        }
        Ok(Level { left: size, len: size, container, state: 0, shared, at })
    }

    fn open_list(&mut self, len: Option<usize>) -> Result<Level, Refused> {
        self.open_plain(Container::List, len)
    }

    fn open_dict(&mut self, len: Option<usize>) -> Result<Level, Refused> {
        self.open_plain(Container::Dict, len)
    }

    fn open_tuple(&mut self, len: usize) -> Result<Level, Refused> {
        self.open_plain(Container::Tuple, Some(len))
    }

    fn close_plain(&mut self, level: Level) -> Done {
        if level.container == Container::Dict {
            self.out.put_byte(NULL);
        }
        self.leave(&level)
    }

    fn more(&mut self, _: &mut Level) -> Done {
        // More than was said.
        Err(Refused::Custom)
    }

    fn close(&mut self, level: Level) -> Done {
        match level.container {
            Container::List | Container::Tuple | Container::Dict => return self.close_plain(level),
            Container::FrozenDict => self.out.put_byte(NULL),
            _ => {}
        }
        self.leave(&level)?;
        if let (Container::Set | Container::FrozenSet, Some(old)) = (level.container, self.old) {
            let count = if level.len == UNKNOWN { UNKNOWN.wrapping_sub(level.left) } else { level.len };
            (old.sort)(self, (level.at as usize).saturating_add(4), count);
        }
        self.set_complete(level.shared, true);
        Ok(())
    }

    fn shared(&mut self, id: usize) -> Result<bool, Refused> {
        if self.version < 3 {
            return Ok(false);
        }
        let Some(place) = self.shared.get(id) else { return Err(Refused::OutOfSlots) };
        let known = place.bits();
        if known & INCOMPLETE != 0 {
            // CPython writes a reference here that it cannot read.
            return Err(Refused::Unsupported);
        }
        match known.checked_sub(1) {
            Some(index) => self.reference(index).map(|()| true),
            None => {
                self.pending = (id as u32).wrapping_add(1);
                Ok(false)
            }
        }
    }
}
