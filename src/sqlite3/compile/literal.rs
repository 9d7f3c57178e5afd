//! Literals and parameters become instructions.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use crate::sqlite3::error::ErrorKind;
use crate::sqlite3::program::Op;
use crate::sqlite3::token::{Kind, Token};
use crate::sqlite3::value::Value;
use crate::sqlite3::words::among;

impl Compiler<'_> {
    /// Code for what is written as it is; whether it is that.
    #[cfg_attr(not(fast), inline(never))]
    pub(crate) fn literal(&mut self, token: Token, negative: bool) -> bool {
        match token.kind {
            Kind::Integer | Kind::Real | Kind::Hex => self.number(token, negative),
            Kind::String => self.literal_text(token),
            Kind::Blob => self.literal_blob(token),
            Kind::Null => self.op(Op::Null),
            _ => return false,
        }
        true
    }

    /// A number as an instruction.
    fn number(&mut self, token: Token, negative: bool) {
        let Some(value) = crate::sqlite3::text::literal(self.text(token), negative) else {
            return self.fail_at(ErrorKind::Syntax, token);
        };
        self.constant(value)
    }

    /// Code for a number or NULL.
    pub(crate) fn constant(&mut self, value: Value<'_>) {
        match value {
            Value::Integer(i) => {
                if let Ok(small) = i8::try_from(i) {
                    self.op1(Op::Int8, small as u8)
                } else if let Ok(small) = i16::try_from(i) {
                    self.op(Op::Int16);
                    self.word(small as u16)
                } else if let Ok(small) = i32::try_from(i) {
                    self.op(Op::Int32);
                    self.bytes(&small.to_le_bytes())
                } else {
                    self.op(Op::Int64);
                    self.bytes(&i.to_le_bytes())
                }
            }
            Value::Real(r) => {
                self.op(Op::Real);
                self.bytes(&r.to_bits().to_le_bytes())
            }
            _ => self.op(Op::Null),
        }
    }

    /// A text between quotes. It is borrowed from the statement if it stands there as it is.
    pub(crate) fn literal_text(&mut self, token: Token) {
        let (text, quote) = unquoted(self.text(token));
        let (len, plain) = (text.len(), !among(text, quote) || quote == 0);
        if plain && token.start() & IN_ARENA == 0 {
            self.op(Op::TextSql);
            self.word(token.start() + 1);
            return self.word(len as u16);
        }
        self.op(Op::Text);
        let at = self.code;
        self.word(0);
        let written = self.without_quotes(token);
        put16(self.arena, at, written as u16);
    }

    /// Writes the bytes of a token, without its quotes; how many there are. (The name that `known_name` gives has none.)
    #[cfg_attr(not(fast), inline(never))]
    pub(crate) fn without_quotes(&mut self, token: Token) -> usize {
        let text = self.text(token);
        let (text, quote) = if token.kind == Kind::End_ { (text, 0) } else { unquoted(text) };
        let (begin, len, mut skip) = (self.code, text.len(), false);
        let from = token.start() + u16::from(len < (token.end() - token.start()).into());
        for offset in 0..len {
            let byte = self.source(from).get(offset).copied().unwrap_or(0);
            skip = byte == quote && !skip;
            if !skip {
                self.byte(byte);
            }
        }
        self.code - begin
    }

    /// The text from an offset on.
    pub(crate) fn source(&self, from: u16) -> &[u8] {
        let text = if from & IN_ARENA == 0 { self.sql } else { &*self.arena };
        text.get(usize::from(from & !IN_ARENA)..).unwrap_or_default()
    }

    fn literal_blob(&mut self, token: Token) {
        let digits = usize::from(token.end() - token.start()) - 3;
        self.op(Op::Blob);
        self.word((digits / 2) as u16);
        for pair in 0..digits / 2 {
            let text = self.source(token.start() + 2);
            let digit = |at: usize| text.get(at).and_then(|&digit| crate::sqlite3::text::hex_digit(digit)).unwrap_or(0);
            let byte = digit(2 * pair) << 4 | digit(2 * pair + 1);
            self.byte(byte);
        }
    }

    /// The number of a parameter: `?` is one more than the largest so far, `?N` is N, a name is the number it had before.
    pub(crate) fn parameter(&mut self, token: Token) -> u8 {
        if token.start() & IN_ARENA != 0 {
            // "parameters prohibited in CHECK constraints"
            self.fail_at(ErrorKind::Schema, token);
        }
        if self.first_parameter.get() == token.start() && self.text(token) == b"?" {
            self.numbered = (token.start(), 1);
        } else if self.numbered.0 != token.start() {
            self.numbered =
                (token.start(), crate::sqlite3::parameter::number(self.sql, self.first_parameter.get(), token));
        }
        let number = self.numbered.1;
        if !(1..=250).contains(&number) {
            self.fail_at(ErrorKind::TooBig, token);
        }
        self.parameters = self.parameters.max(number as u8);
        number as u8
    }
}
