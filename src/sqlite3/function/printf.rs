//! printf and format. (<https://sqlite.org/printf.html>)
//!
//! All of SQLite's conversions but the internal ones: `d i u x X o p r f e E g G c s z q Q w n %`, with the flags `- + space # ! 0 ,`,
//! width and precision. A text written so far is edited in place, so a conversion needs no buffer of its own.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::arithmetic_side_effects)]
#![deny(clippy::panic)]

use super::Call;
use super::string::{before_nul, behind, character_size, write_quoted};
use crate::sqlite3::decimal::{self, Conversion, Style};
use crate::sqlite3::error::Error;
use crate::sqlite3::real;
use crate::sqlite3::scratch::Scratch;
use crate::sqlite3::text;
use crate::sqlite3::value::Value;

/// Zeros in front of an integer, or the same character, more often than this are an error: some are written one by one.
const MOST: u32 = 100_000;

/// The flags, each a bit by its place here.
const FLAGS: &[u8; 7] = b"-+ #!0,";
const LEFT: u8 = 1;
const ALTERNATE: u8 = 1 << 3;
const FULL: u8 = 1 << 4;
const ZEROS: u8 = 1 << 5;
const THOUSANDS: u8 = 1 << 6;

/// No precision was said; said ones have 31 bits.
const NO_PRECISION: u32 = 1 << 31;

/// The state of one call: what is left of the format, the arguments, and the conversion at hand.
struct Printer<'a, 'c> {
    flags: u8,
    /// What stands before a number that is not negative; 0 is nothing.
    plus: u8,
    width: u32,
    precision: u32,
    /// Where the text of the conversion begins.
    start: usize,
    format: &'a [u8],
    out: &'c mut Scratch<'a>,
    all: &'c dyn Fn(usize) -> Value<'a>,
    count: usize,
    next: usize,
    /// The most zeros or characters that were asked for.
    asked: u32,
}

/// Formats the arguments behind the first by the format that this is; NULL without a format.
pub(crate) fn printf<'a>(c: &mut Call<'a, '_>) -> Value<'a> {
    if c.argument(0).is_null() {
        return Value::Null;
    }
    let format = before_nul(c.text(0));
    let mut printer = Printer {
        flags: 0,
        plus: 0,
        width: 0,
        precision: NO_PRECISION,
        start: 0,
        format,
        out: c.scratch,
        all: c.arguments,
        count: c.count,
        next: 1,
        asked: 0,
    };
    let anything = printer.write();
    let asked = printer.asked;
    if asked > MOST {
        return c.fail(Error::limit(asked as usize));
    }
    let text = c.written();
    if anything { text } else { Value::Null }
}

impl<'a> Printer<'a, '_> {
    /// False if the format holds nothing before its end or its first error: then SQLite gives NULL in the place of ''.
    fn write(&mut self) -> bool {
        let mut anything = false;
        while let Some((first, rest)) = self.format.split_first() {
            self.format = rest;
            if *first != b'%' || rest.is_empty() {
                self.out.push(*first);
            } else {
                let letter = self.read_field();
                self.start = self.out.len();
                if !self.convert(letter) {
                    break;
                }
            }
            anything = true;
        }
        anything
    }

    // ---- the format

    /// The next byte; 0 at the end.
    fn peek(&self) -> u8 {
        self.format.first().copied().unwrap_or(0)
    }

    #[inline(never)]
    fn advance(&mut self) -> u8 {
        let byte = self.peek();
        self.format = self.format.get(1..).unwrap_or(&[]);
        byte
    }

    /// The next argument; what is missing is NULL.
    #[inline(never)]
    fn argument(&mut self) -> Value<'a> {
        let at = self.next;
        self.next = at.saturating_add(1);
        if at < self.count { (self.all)(at) } else { Value::Null }
    }

    /// Reads flags, width and precision, and gives the letter; 0 at the end of the format.
    fn read_field(&mut self) -> u8 {
        (self.flags, self.plus, self.width, self.precision) = (0, 0, 0, NO_PRECISION);
        loop {
            let byte = self.peek();
            if matches!(byte, b'1'..=b'9' | b'*') {
                let width = self.number();
                self.flags |= if width < 0 { LEFT } else { 0 };
                self.width = width.unsigned_abs() & (NO_PRECISION - 1);
                if !matches!(self.peek(), b'.' | b'l') {
                    return self.advance();
                }
                continue;
            }
            self.advance();
            if let Some(place) = FLAGS.iter().position(|flag| *flag == byte) {
                self.flags |= 1 << place;
                if matches!(byte, b'+' | b' ') {
                    self.plus = byte;
                }
                continue;
            }
            match byte {
                b'.' => {
                    // The one that has no counterpart is the one that says nothing.
                    self.precision = self.number().unsigned_abs();
                    if self.peek() != b'l' {
                        return self.advance();
                    }
                }
                b'l' => {
                    if self.peek() == b'l' {
                        self.advance();
                    }
                    return self.advance();
                }
                letter => return letter,
            }
        }
    }

    /// A number of the format, or the one that an argument is for `*`.
    fn number(&mut self) -> i32 {
        if self.peek() == b'*' {
            self.advance();
            return self.argument().to_integer() as i32;
        }
        let mut number = 0i32;
        while self.peek().is_ascii_digit() {
            let digit = self.advance().wrapping_sub(b'0');
            number = number.wrapping_mul(10).wrapping_add(digit.into()) & i32::MAX;
        }
        number
    }

    // ---- the conversions

    fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// The precision, if one was said.
    fn precision(&self) -> Option<u32> {
        Some(self.precision).filter(|precision| *precision != NO_PRECISION)
    }

    /// A number, but no more than what is an error.
    fn at_most(&mut self, number: u32) -> u32 {
        self.asked = self.asked.max(number);
        number.min(MOST)
    }

    /// Appends one conversion; false if the letter is none, which ends the format.
    fn convert(&mut self, letter: u8) -> bool {
        let mut by_characters = false;
        match letter {
            b'n' => return true,
            b'%' => self.out.push(b'%'),
            b'd' | b'i' | b'r' | b'u' | b'x' | b'X' | b'o' | b'p' => self.integer(letter),
            b'f' | b'e' | b'E' | b'g' | b'G' => self.real(letter),
            b'c' => {
                self.character();
                by_characters = true;
            }
            b's' | b'z' | b'q' | b'Q' | b'w' => {
                let value = self.argument();
                if matches!(letter, b's' | b'z') {
                    self.string(value)
                } else {
                    self.escaped(letter, value)
                }
                by_characters = self.has(FULL);
            }
            _ => return false,
        }
        self.pad(by_characters);
        true
    }

    /// What the conversion wrote so far.
    fn written(&self) -> &[u8] {
        self.out.pushed().get(self.start..).unwrap_or(&[])
    }

    /// Fills up to the width with spaces.
    fn pad(&mut self, by_characters: bool) {
        let mut length = self.out.len().saturating_sub(self.start);
        if by_characters {
            length = length.saturating_sub(self.written().iter().filter(|byte| **byte & 0xc0 == 0x80).count());
        }
        let missing = (self.width as usize).saturating_sub(length);
        if self.has(LEFT) { self.out.fill(b' ', missing) } else { self.out.insert(self.start, b' ', missing) }
    }

    fn integer(&mut self, letter: u8) {
        let value = self.argument().to_integer();
        let (mut number, mut sign) = (value as u64, 0);
        if matches!(letter, b'd' | b'i' | b'r') {
            sign = if value < 0 { b'-' } else { self.plus };
            number = value.unsigned_abs();
        }
        let (base, prefix): (u64, &[u8]) = match letter {
            b'X' => (16, b"0X"),
            b'x' | b'p' => (16, b"0x"),
            b'o' => (8, b"0"),
            _ => (10, b""),
        };
        let mut precision = self.precision().unwrap_or(0);
        if self.has(ZEROS) {
            precision = precision.max(self.width.saturating_sub((sign != 0).into()));
        }
        precision = self.at_most(precision);
        if self.has(ALTERNATE) && number != 0 {
            self.out.extend(prefix);
        }
        if sign != 0 {
            self.out.push(sign);
        }
        let first = self.out.len();
        text::write_in_base(number, base, if letter == b'x' { b'a' } else { b'A' }, self.out);
        let suffix: &[u8] = match self.written() {
            _ if letter != b'r' => b"",
            [.., b'1', b'0'..=b'9'] => b"th",
            [.., b'1'] => b"st",
            [.., b'2'] => b"nd",
            [.., b'3'] => b"rd",
            _ => b"th",
        };
        let zeros = (precision as usize).saturating_sub(suffix.len());
        self.out.insert(first, b'0', zeros.saturating_sub(self.out.len().saturating_sub(first)));
        if self.has(THOUSANDS) && matches!(letter, b'd' | b'i' | b'u') {
            let mut place = self.out.len().saturating_sub(3);
            while place > first {
                self.out.insert(place, b',', 1);
                place = place.saturating_sub(3);
            }
        }
        self.out.extend(suffix);
    }

    fn real(&mut self, letter: u8) {
        let real = self.argument().to_real();
        let conversion = match letter {
            b'f' => Conversion::Fixed,
            b'e' | b'E' => Conversion::Exponent,
            _ => Conversion::General,
        };
        let style = Style {
            conversion,
            precision: self.precision().unwrap_or(6).min(100_000_000),
            alternate: self.has(ALTERNATE),
            full: self.has(FULL),
            plus: Some(self.plus).filter(|plus| *plus != 0),
            upper: letter.is_ascii_uppercase(),
        };
        decimal::write(real, style, self.out);
        if self.flags & (ZEROS | LEFT) == ZEROS && !real::is_infinite(real) {
            let signed = !self.written().first().is_some_and(u8::is_ascii_digit);
            let missing = (self.width as usize).saturating_sub(self.out.len().saturating_sub(self.start));
            self.out.insert(self.start.saturating_add(signed.into()), b'0', missing);
        }
    }

    /// The first character of the text, as often as the precision says.
    fn character(&mut self) {
        self.argument().write(self.out);
        let size = character_size(before_nul(self.written())).min(4);
        self.out.truncate(self.start.saturating_add(size));
        if size == 0 {
            // SQLite writes a NUL where there is no character.
            self.out.push(0);
        }
        let (size, times) = (size.max(1), self.at_most(self.precision().unwrap_or(1).max(1)));
        for _ in size..size.saturating_mul(times as usize) {
            let before = self.out.len().saturating_sub(size);
            self.out.push(self.out.pushed().get(before).copied().unwrap_or(0));
        }
    }

    /// The text up to its first NUL, cut to the precision: bytes, or characters with `!`.
    fn string(&mut self, value: Value<'_>) {
        match value {
            Value::Text(bytes) | Value::Blob(bytes) => self.out.extend(self.cut(bytes)),
            number => {
                let start = self.out.len();
                number.write(self.out);
                let length = self.precision().map_or(usize::MAX, |precision| precision as usize);
                self.out.truncate(start.saturating_add(length));
            }
        }
    }

    /// The part of a text that the precision leaves.
    #[inline(never)]
    fn cut<'t>(&self, bytes: &'t [u8]) -> &'t [u8] {
        let bytes = before_nul(bytes);
        let Some(precision) = self.precision() else { return bytes };
        let mut length = precision as usize;
        if self.has(FULL) {
            length = bytes.len().saturating_sub(behind(bytes, length).len());
        }
        bytes.get(..length).unwrap_or(bytes)
    }

    /// With the quotes doubled: for a string literal (`%q`, with its quotes `%Q`) or a name (`%w`).
    fn escaped(&mut self, letter: u8, value: Value<'_>) {
        let quote = if letter == b'w' { b'"' } else { b'\'' };
        let enclose = letter == b'Q' && !value.is_null();
        if enclose {
            self.out.push(quote);
        }
        match value {
            Value::Null => self.out.extend(self.cut(if letter == b'Q' { b"NULL" } else { b"(NULL)" })),
            Value::Text(bytes) | Value::Blob(bytes) => write_quoted(self.cut(bytes), quote, self.out),
            number => self.string(number),
        }
        if enclose {
            self.out.push(quote);
        }
    }
}
