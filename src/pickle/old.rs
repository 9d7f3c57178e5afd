//! What protocols 0 to 2 spell otherwise: lines of text, and bytes as a call.
#![deny(clippy::panic)]

use super::opcode::code::*;
use super::writer::Writer;
use crate::decimal;
use crate::object::{Atom, Emit, Refused, Spelling, Text};

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
    pub(super) fn escape(&mut self, letter: u8, c: u32, digits: u32) {
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
}
