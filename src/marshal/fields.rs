//! The fields of a code object while it is read: the numbers among them, which have no type code, and what CPython
//! demands of the values.

use super::code::{self, Hold};
use super::reader::Reader;
use super::typecode::*;
use crate::bytes;
use crate::object::fault::{Fault, Step};
use crate::object::slot::{self as cell, Slot};

/// In an open code object, before its next value: checks the value that came last, and reads the numbers that come.
pub(super) fn fields(reader: &mut Reader<'_, '_>) -> Step {
    let layout = code::holds(reader.cursor.rules.python);
    let first = next(reader, layout.len());
    if let Some(last) = first.checked_sub(1).and_then(|last| layout.get(last))
        && reader.writes()
        && !holds(reader, *last, reader.arena.get(reader.frame.place.wrapping_sub(1)))
    {
        return Err(Fault::WrongKind);
    }
    while layout.get(next(reader, layout.len())) == Some(&Hold::Number) {
        let at = reader.cursor.at;
        let number = bytes::u32_le(reader.cursor.input, at).ok_or(Fault::Truncated)? as i32;
        // The counts stand at the beginning. The first line's number, which stands behind values, has a sign.
        if number < 0 && first == 0 {
            return Err(Fault::BadArgument);
        }
        reader.number(at);
    }
    Ok(())
}

/// Which of so many fields comes next.
fn next(reader: &Reader<'_, '_>, fields: usize) -> usize {
    fields.wrapping_sub(reader.frame.end.wrapping_sub(reader.frame.place))
}

/// Whether a value is what a field must hold.
fn holds(reader: &Reader<'_, '_>, hold: Hold, word: Slot) -> bool {
    let arena = &reader.arena;
    let word = arena.resolve(word);
    let code = match word.tag() {
        cell::ATOM => bytes::u8(reader.cursor.input, word.payload()).unwrap_or(0) & !FLAG_REF,
        _ => 0,
    };
    let python_2 = reader.cursor.rules.python.is_2();
    let tuple = word.tag() == cell::TUPLE;
    let empty = word.tag() == cell::SIMPLE;
    match hold {
        Hold::Number => false,
        Hold::Bytes => code == STRING || python_2 && code == INTERNED,
        Hold::Text if python_2 => matches!(code, STRING | INTERNED),
        Hold::Text => {
            matches!(code, UNICODE | INTERNED | ASCII | ASCII_INTERNED | SHORT_ASCII | SHORT_ASCII_INTERNED)
        }
        Hold::Tuple => tuple || empty,
        Hold::Names if !tuple => empty,
        Hold::Names => {
            let row = word.payload();
            let n = arena.get(row).payload();
            (1..=n).all(|i| holds(reader, Hold::Text, arena.get(row.wrapping_add(i))))
        }
    }
}
