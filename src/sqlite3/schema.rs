//! The catalog: what tables, indexes and views there are, and how rows are keyed.
//!
//! Contract: the store's keys begin with a number, coded as a rowid is ([`super::key`]):
//!
//! | number | the rest of the key | value |
//! |--:|---|---|
//! | 0 | one byte: which setting | `u` user_version, `n` the next number |
//! | 0 | `d` and the name of a table, index or view, in small letters | its definition, below |
//! | 1 | rowid | a row of sqlite_schema: type, name, tbl_name, rootpage, sql |
//! | 2.. | a table: rowid | the row's record; the rowid column is NULL in it |
//! | 2.. | an index: columns, rowid | nothing |
//!
//! # The definition of a table
//!
//! ```text
//! kind u8 (1 table, 2 view, 3 index) · number u16 · rowid in sqlite_schema u16 · columns u8 · rowid column u8 (ff none)
//! · indexes u8 · checks u8 · flags u8
//! column: affinity and flags u8 · collation and flags u8 · place in the primary key u8 · lengths of name, type, default: u8 each · these, default ends in NUL
//! index: number u16 · flags u8 · columns u8 · (column u8, ff the rowid · descending 1 + collation * 2 u8)...
//!        · length of its name u8 (0: made by a constraint) · name
//! check: length u16 · text, ends in NUL
//! view: length u16 · text of the SELECT, ends in NUL
//! index: name of its table
//! ```
//!
//! A column's first byte: affinity in bits 0..3, 8 NOT NULL, 10h has a default, 20h added by ALTER TABLE, 40h in the primary key.
//! Its second: collation in bits 0..2, action on NULL (of the rowid, on conflict) in bits 2..5. An index's flags: 1 unique, 2 primary key,
//! 4 made by a constraint, action on conflict in bits 3..6.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::error::Error;
use super::key;
use super::program::word;
use super::quoting::same_name;
use super::value::{Affinity, Value};

/// The number of the settings.
pub(crate) const SETTINGS: u16 = 0;
/// The number of sqlite_schema.
pub(crate) const SCHEMA: u16 = 1;
/// What the keys of definitions begin with, among the settings.
const NAMED: u8 = b'd';
/// The first number of a table or index.
pub(crate) const FIRST: u16 = 2;

/// The longest text of a column in a key; [`super::key`] cuts there.
pub(crate) const TEXT_LIMIT: usize = 96;
/// The longest key larder makes.
pub(crate) const KEY: usize = 255;

pub(crate) const TABLE: u8 = 1;
pub(crate) const VIEW: u8 = 2;
pub(crate) const INDEX: u8 = 3;
/// Bits of a column's first byte.
pub(crate) const NOT_NULL: u8 = 8;
pub(crate) const HAS_DEFAULT: u8 = 0x10;
pub(crate) const ADDED: u8 = 0x20;
/// No column: the rowid.
pub(crate) const ROWID: u8 = 0xff;
/// Bytes before the columns.
pub(crate) const HEADER: usize = 10;

/// A definition, as it is kept.
#[derive(Clone, Copy)]
pub(crate) struct Definition<'a>(pub(crate) &'a [u8]);

/// What the keys of definitions begin with; behind it stands the name of the table, index or view, in small letters.
pub(crate) const KEY_OF_NAME: [u8; 2] = [0x80 | SETTINGS as u8, NAMED];

/// A column of a definition.
#[derive(Clone, Copy)]
pub(crate) struct Column<'a> {
    /// Affinity, 0 BLOB to 4 REAL.
    pub(crate) affinity: u8,
    pub(crate) not_null: bool,
    pub(crate) has_default: bool,
    /// Its place in the primary key, from 1; 0 if it is not in it.
    pub(crate) primary: u8,
    pub(crate) type_name: &'a [u8],
    pub(crate) default: &'a [u8],
    /// Where the text of the default is in the definition.
    pub(crate) default_at: usize,
    /// Where the next column is.
    next: usize,
}

/// An index of a definition.
#[derive(Clone, Copy)]
pub(crate) struct Index<'a> {
    pub(crate) number: u16,
    pub(crate) unique: bool,
    pub(crate) action: u8,
    pub(crate) columns: u8,
    /// Pairs of column and order.
    pub(crate) parts: &'a [u8],
    pub(crate) name: &'a [u8],
    /// Where it is in the definition, and where the next is.
    pub(crate) at: usize,
    pub(crate) next: usize,
}

impl Index<'_> {
    /// Column and order of a part; order: 1 descending, collation * 2.
    pub(crate) fn part(&self, at: usize) -> (u8, u8) {
        let byte = |at: usize| self.parts.get(at).copied().unwrap_or(0);
        (byte(2 * at), byte(2 * at + 1))
    }
}

/// How a part of an index is ordered in keys.
pub(crate) fn order(byte: u8) -> key::Order {
    key::Order { collation: collation(byte >> 1 & 3), descending: byte & 1 != 0 }
}

/// The collation with this number.
pub(crate) fn collation(number: u8) -> super::value::Collation {
    match number {
        1 => super::value::Collation::NoCase,
        2 => super::value::Collation::RTrim,
        _ => super::value::Collation::Binary,
    }
}

/// In the place of an affinity: integers become REAL, and nothing else does.
pub(crate) const ONLY_INTEGERS: u8 = 5;

/// The affinity with this number.
pub(crate) fn affinity(number: u8) -> Affinity {
    match number {
        1 => Affinity::Text,
        2 => Affinity::Numeric,
        3 => Affinity::Integer,
        4 | ONLY_INTEGERS => Affinity::Real,
        _ => Affinity::Blob,
    }
}

impl<'a> Definition<'a> {
    #[cfg_attr(not(fast), inline(never))]
    fn byte(&self, at: usize) -> u8 {
        self.0.get(at).copied().unwrap_or(0)
    }
    fn slice(&self, at: usize, len: usize) -> &'a [u8] {
        self.0.get(at..at.saturating_add(len)).unwrap_or_default()
    }
    pub(crate) fn kind(&self) -> u8 {
        self.byte(0)
    }
    pub(crate) fn number(&self) -> u16 {
        word(self.0, 1)
    }
    pub(crate) fn columns(&self) -> u8 {
        self.byte(5)
    }
    pub(crate) fn rowid_column(&self) -> u8 {
        self.byte(6)
    }
    pub(crate) fn indexes(&self) -> u8 {
        self.byte(7)
    }
    pub(crate) fn checks(&self) -> u8 {
        self.byte(8)
    }

    pub(crate) fn column_at(&self, at: usize) -> Column<'a> {
        let flags = self.byte(at);
        let (name, kind, default) = (self.byte(at + 3), self.byte(at + 4), self.byte(at + 5));
        let type_at = at + 6 + usize::from(name);
        let default_at = type_at + usize::from(kind);
        Column {
            affinity: flags & 7,
            not_null: flags & NOT_NULL != 0,
            has_default: flags & HAS_DEFAULT != 0,
            primary: self.byte(at + 2),
            type_name: self.slice(type_at, kind.into()),
            default: self.slice(default_at, default.into()),
            default_at,
            next: default_at + usize::from(default) + 1,
        }
    }

    /// All columns in order.
    pub(crate) fn each_column(self) -> impl Iterator<Item = Column<'a>> {
        let mut at = HEADER;
        (0..self.columns()).map(move |_| {
            let column = self.column_at(at);
            at = column.next;
            column
        })
    }

    /// One column, counted from 0.
    pub(crate) fn column(&self, wanted: u8) -> Option<Column<'a>> {
        (wanted < self.columns()).then(|| self.column_at(self.skip(wanted)))
    }

    /// The first two bytes of a column; of the rowid, those of an integer.
    #[cfg_attr(not(fast), inline(never))]
    pub(crate) fn flags(&self, wanted: u8) -> (u8, u8) {
        if wanted >= self.columns() {
            return (Affinity::Integer as u8, 0);
        }
        let at = self.skip(wanted);
        (self.byte(at), self.byte(at + 1))
    }

    /// Where a column is, or what stands behind the last.
    fn skip(&self, columns: u8) -> usize {
        (0..columns).fold(HEADER, |at, _| self.affinity(at).1)
    }

    /// The affinity of the column at an offset, and where the next one is.
    pub(crate) fn affinity(&self, at: usize) -> (u8, usize) {
        match self.0.get(at..).and_then(|rest| rest.first_chunk::<6>()) {
            Some(&[flags, _, _, name, kind, default]) => {
                (flags & 7, at + 7 + usize::from(name) + usize::from(kind) + usize::from(default))
            }
            None => (0, at),
        }
    }

    /// Where the name of a column stands, and how long it is.
    pub(crate) fn name_at(&self, column: u8) -> (usize, u8) {
        let at = self.skip(column);
        (at + 6, self.byte(at + 3))
    }

    /// The place of the column with this name, which stands in such quotes.
    pub(crate) fn position(&self, name: &[u8], quote: u8) -> Option<u8> {
        let mut rest = self.0.get(HEADER..)?;
        for column in 0..self.columns() {
            let (&[_, _, _, len, kind, default], behind) = rest.split_first_chunk::<6>()?;
            let (known, behind) = behind.split_at_checked(len.into())?;
            if same_name(name, quote, known) {
                return Some(column);
            }
            rest = behind.get(usize::from(kind) + usize::from(default) + 1..)?;
        }
        None
    }

    /// Where the indexes begin.
    pub(crate) fn indexes_at(&self) -> usize {
        self.skip(self.columns())
    }

    /// Where the first index is, if there is one.
    pub(crate) fn first_index(&self) -> usize {
        if self.indexes() == 0 { 0 } else { self.indexes_at() }
    }

    /// The index at an offset.
    pub(crate) fn index_at(&self, at: usize) -> Index<'a> {
        let (flags, columns) = (self.byte(at + 2), self.byte(at + 3));
        let name_at = at + 4 + 2 * usize::from(columns);
        let name = usize::from(self.byte(name_at));
        Index {
            number: word(self.0, at),
            unique: flags & 1 != 0,
            action: flags >> 3 & 7,
            columns,
            parts: self.slice(at + 4, 2 * usize::from(columns)),
            name: self.slice(name_at + 1, name),
            at,
            next: name_at + 1 + name,
        }
    }

    /// How many columns the index at an offset has.
    #[cfg_attr(not(fast), inline(never))]
    pub(crate) fn index_columns(&self, at: usize) -> usize {
        self.byte(at + 3).into()
    }

    /// Column and order of a part of the index at an offset: see [`Index::part`].
    #[cfg_attr(not(fast), inline(never))]
    pub(crate) fn index_part(&self, at: usize, part: usize) -> (u8, u8) {
        (self.byte(at + 4 + 2 * part), self.byte(at + 5 + 2 * part))
    }

    /// All indexes in order.
    pub(crate) fn each_index(self) -> impl Iterator<Item = Index<'a>> {
        let mut at = self.indexes_at();
        (0..self.indexes()).map(move |_| {
            let index = self.index_at(at);
            at = index.next;
            index
        })
    }

    /// Where the checks begin.
    pub(crate) fn checks_at(&self) -> usize {
        self.each_index().last().map_or_else(|| self.indexes_at(), |index| index.next)
    }

    /// Offset of the text of each check.
    pub(crate) fn each_check(self) -> impl Iterator<Item = usize> + 'a {
        let mut at = self.checks_at();
        (0..self.checks()).map(move |_| {
            let text = at + 2;
            at = text + usize::from(word(self.0, at)) + 1;
            text
        })
    }
}

/// Begins a key: the number.
pub(crate) fn begin_key(number: u16, out: &mut key::Writer<'_>) {
    out.rowid(number.into());
}

/// Whether a key is one of the table or the index with this number.
#[inline(never)]
pub(crate) fn belongs(key: &[u8], number: u16) -> bool {
    matches!(key::Reader::new(key, 0).rowid(), Ok(found) if found == i64::from(number))
}

/// The rowid in a key, if it is one of the table with this number.
#[cfg_attr(fast, inline(always))]
#[cfg_attr(not(fast), inline(never))]
pub(crate) fn rowid_of(key: &[u8], number: u16) -> Result<Option<i64>, Error> {
    let mut reader = key::Reader::new(key, 0);
    if key.is_empty() || reader.rowid()? != i64::from(number) {
        return Ok(None);
    }
    reader.rowid().map(Some)
}

/// A row of sqlite_schema as a record.
pub(crate) fn row<'o>(values: &[Value<'_>; 5], out: &'o mut [u8]) -> Result<&'o [u8], Error> {
    let record = super::record::encode(5, &|at| values.get(at).copied().unwrap_or(Value::Null), out)?;
    Ok(record)
}

/// The definition of sqlite_schema itself.
pub(crate) const OF_SCHEMA: &[u8] = b"\x01\x01\0\0\0\x05\xff\0\0\0\
    \x01\0\0\x04\x04\0typeTEXT\0\
    \x01\0\0\x04\x04\0nameTEXT\0\
    \x01\0\0\x08\x04\0tbl_nameTEXT\0\
    \x03\0\0\x08\x03\0rootpageINT\0\
    \x01\0\0\x03\x04\0sqlTEXT\0";

/// The longest text of a column in the keys of an index with so many columns.
pub(crate) fn text_limit(columns: usize) -> usize {
    (200 / columns.max(1)).min(TEXT_LIMIT)
}

/// The value of a default that is a literal, for rows older than their column; `None` where it does not stand there as it is: for a
/// blob, what is in parentheses or double quotes, and a number that is another text.
pub(crate) fn default_value<'v>(definition: Definition<'v>, column: u8) -> Option<Value<'v>> {
    let Some(known) = definition.column(column).filter(|known| known.has_default) else {
        return Some(Value::Null);
    };
    let text = known.default;
    let (negative, digits) = match text.split_first() {
        Some((b'-', rest)) => (true, rest),
        Some((b'+', rest)) => (false, rest),
        _ => (false, text),
    };
    let (digits, affinity) = (digits.trim_ascii_start(), affinity(known.affinity));
    Some(match digits.first() {
        Some(b'\'') => {
            let text = Value::Text(digits.get(1..digits.len().saturating_sub(1)).unwrap_or_default());
            if affinity == Affinity::Text { text } else { affinity.apply_numeric(text) }
        }
        // A column of texts takes it as it is written, but for hexadecimal digits, zeros before others, and what is behind a space.
        Some(b'0'..=b'9' | b'.') if affinity == Affinity::Text => {
            if digits.first() == Some(&b'0') && digits.len() > 1 || text.get(1) == Some(&b' ') {
                return None;
            }
            Value::Text(if negative { text } else { digits })
        }
        Some(b'0'..=b'9' | b'.') => {
            let affinity = if affinity == Affinity::Blob { Affinity::Numeric } else { affinity };
            affinity.apply_numeric(super::text::literal(digits, negative).unwrap_or(Value::Null))
        }
        Some(b't' | b'T') => Value::Integer(1),
        Some(b'f' | b'F') => Value::Integer(0),
        None | Some(b'n' | b'N') => Value::Null,
        _ => return None,
    })
}
