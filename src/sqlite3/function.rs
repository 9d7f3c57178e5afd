//! The functions of SQL: one table of names, and what each does.
//!
//! Contract: a function of this table answers as SQLite 3.40.1's function of the same name and the same arguments
//! (<https://sqlite.org/lang_corefunc.html>). Arguments borrow from wherever the caller has them; text that a function makes goes to
//! the [`Scratch`]. A result may be one of the arguments, or a part of one.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::arithmetic_side_effects)]
#![deny(clippy::panic)]

mod date;
mod like;
mod numeric;
mod printf;
pub(super) mod string;

use super::error::{Error, ErrorKind, Result};
use super::scratch::Scratch;
use super::value::{Collation, Value};
use super::words::{self, Words};

/// A function by its work. Names that do the same have one id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[repr(u8)]
#[allow(missing_docs)] // The names are those of SQL; the table says which is which.
pub enum Id {
    Abs,
    Changes,
    Char,
    Coalesce,
    Date,
    DateTime,
    Glob,
    Hex,
    Iif,
    Instr,
    JulianDay,
    LastInsertRowid,
    Length,
    Like,
    Likely,
    Lower,
    Ltrim,
    Max,
    Min,
    Nullif,
    Printf,
    Quote,
    Random,
    Replace,
    Round,
    Rtrim,
    Sign,
    Strftime,
    Substr,
    Time,
    TotalChanges,
    Trim,
    TypeOf,
    Unicode,
    UnixEpoch,
    Upper,
    ZeroBlob,
    // The aggregates: see `aggregate`.
    Avg,
    Count,
    GroupConcat,
    AggregateMax,
    AggregateMin,
    Sum,
    Total,
}

impl Id {
    /// Whether this function takes the values of many rows.
    pub fn is_aggregate(self) -> bool {
        self as u8 >= Id::Avg as u8
    }

    /// Whether the cargo features leave it out.
    const fn is_left_out(self) -> bool {
        match self {
            Id::Date | Id::DateTime | Id::JulianDay | Id::Strftime | Id::Time | Id::UnixEpoch => !super::DATE,
            Id::Printf => !super::PRINTF,
            _ => false,
        }
    }
}

/// As many arguments as one likes.
const ANY: u8 = 127;

/// name, least and most arguments, work. Where a name has two lines, they differ in the number of arguments.
const TABLE: [(&str, (u8, u8, Id)); 49] = [
    ("abs", (1, 1, Id::Abs)),
    ("avg", (1, 1, Id::Avg)),
    ("changes", (0, 0, Id::Changes)),
    ("char", (0, ANY, Id::Char)),
    ("coalesce", (2, ANY, Id::Coalesce)),
    ("count", (0, 1, Id::Count)),
    ("date", (0, ANY, Id::Date)),
    ("datetime", (0, ANY, Id::DateTime)),
    ("format", (0, ANY, Id::Printf)),
    ("glob", (2, 2, Id::Glob)),
    ("group_concat", (1, 2, Id::GroupConcat)),
    ("hex", (1, 1, Id::Hex)),
    ("ifnull", (2, 2, Id::Coalesce)),
    ("iif", (3, 3, Id::Iif)),
    ("instr", (2, 2, Id::Instr)),
    ("julianday", (0, ANY, Id::JulianDay)),
    ("last_insert_rowid", (0, 0, Id::LastInsertRowid)),
    ("length", (1, 1, Id::Length)),
    ("like", (2, 3, Id::Like)),
    ("likelihood", (2, 2, Id::Likely)),
    ("likely", (1, 1, Id::Likely)),
    ("lower", (1, 1, Id::Lower)),
    ("ltrim", (1, 2, Id::Ltrim)),
    ("max", (1, 1, Id::AggregateMax)),
    ("max", (2, ANY, Id::Max)),
    ("min", (1, 1, Id::AggregateMin)),
    ("min", (2, ANY, Id::Min)),
    ("nullif", (2, 2, Id::Nullif)),
    ("printf", (0, ANY, Id::Printf)),
    ("quote", (1, 1, Id::Quote)),
    ("random", (0, 0, Id::Random)),
    ("replace", (3, 3, Id::Replace)),
    ("round", (1, 2, Id::Round)),
    ("rtrim", (1, 2, Id::Rtrim)),
    ("sign", (1, 1, Id::Sign)),
    ("strftime", (0, ANY, Id::Strftime)),
    ("substr", (2, 3, Id::Substr)),
    ("substring", (2, 3, Id::Substr)),
    ("sum", (1, 1, Id::Sum)),
    ("time", (0, ANY, Id::Time)),
    ("total", (1, 1, Id::Total)),
    ("total_changes", (0, 0, Id::TotalChanges)),
    ("trim", (1, 2, Id::Trim)),
    ("typeof", (1, 1, Id::TypeOf)),
    ("unicode", (1, 1, Id::Unicode)),
    ("unixepoch", (0, ANY, Id::UnixEpoch)),
    ("unlikely", (1, 1, Id::Likely)),
    ("upper", (1, 1, Id::Upper)),
    ("zeroblob", (1, 1, Id::ZeroBlob)),
];

/// What a name and a number of arguments stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Found {
    /// This function.
    Function(Id),
    /// A function of this name takes another number of arguments.
    WrongCount,
    /// There is one, but the cargo features leave it out.
    LeftOut,
    /// There is no such function.
    Unknown,
}

/// Looks a function up; case does not matter.
pub fn find(name: &[u8], arguments: usize) -> Found {
    let mut found = Found::Unknown;
    for (known, &(least, most, id)) in Words(&NAMES).zip(&WORK) {
        if name.eq_ignore_ascii_case(known) {
            if (usize::from(least)..=usize::from(most)).contains(&arguments) {
                return if id.is_left_out() { Found::LeftOut } else { Found::Function(id) };
            }
            found = Found::WrongCount;
        }
    }
    found
}

const WORDS: [&str; TABLE.len()] = words::names(&TABLE);
static NAMES: [u8; words::size(&WORDS)] = words::packed(&WORDS);
static WORK: [(u8, u8, Id); TABLE.len()] = words::meanings(&TABLE);

/// What functions ask of the connection.
#[derive(Debug, Clone, Copy, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Context {
    /// How `min`, `max` and `nullif` compare text: the collation of the first argument that has one.
    pub collation: Collation,
    /// `last_insert_rowid()`.
    pub last_insert_rowid: i64,
    /// `changes()`.
    pub changes: i64,
    /// `total_changes()`.
    pub total_changes: i64,
    /// The state of `random()`, from a seed of the user; with `None` there is no `random()`.
    pub random: Option<u64>,
}

/// A function of the user's own, for a const table: it has the same means as the built-in ones.
#[derive(Debug, Clone, Copy)]
pub struct Custom {
    /// Its name in SQL.
    pub name: &'static str,
    /// The least number of arguments.
    pub least: u8,
    /// The greatest number of arguments, at most 127.
    pub most: u8,
    /// What it does.
    pub call: for<'a> fn(&[Value<'a>], &mut Scratch<'a>) -> Result<Value<'a>>,
}

#[cfg(feature = "defmt")]
impl defmt::Format for Custom {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "{=str}", self.name);
    }
}

/// Calls a scalar function. The number of arguments was checked by [`find`]; missing ones count as NULL.
///
/// # Errors
/// Those of the function; [`ErrorKind::Limit`] with the bytes its text needs; [`ErrorKind::Unsupported`] for an
/// aggregate, and where a clock or a seed is missing.
pub fn call<'a>(id: Id, args: &[Value<'a>], context: &mut Context, scratch: &mut Scratch<'a>) -> Result<Value<'a>> {
    let arg = |at: usize| args.get(at).copied().unwrap_or(Value::Null);
    Call { id, count: args.len(), arguments: &arg, context, scratch, failed: None }.answer()
}

/// A call of a function: its arguments, and what it may use.
pub(super) struct Call<'a, 'c> {
    pub(super) id: Id,
    pub(super) count: usize,
    /// Gives an argument, counted from 0, of those that there are.
    pub(super) arguments: &'c dyn Fn(usize) -> Value<'a>,
    pub(super) context: &'c mut Context,
    pub(super) scratch: &'c mut Scratch<'a>,
    /// The first thing that went wrong: the function goes on, and what it gives does not count.
    pub(super) failed: Option<Error>,
}

/// What a function does.
type Work = for<'a, 'c, 'r> fn(&'r mut Call<'a, 'c>) -> Value<'a>;

/// The functions in the order of their numbers. (An index out of bounds would not compile.)
#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)]
static WORKS: [Work; Id::Avg as usize] = {
    let mut works = [work(Id::Likely); Id::Avg as usize];
    let mut at = 0;
    while at < works.len() {
        works[at] = work(super::ids::ALL[at]);
        at += 1;
    }
    works
};

const fn work(id: Id) -> Work {
    match id {
        _ if id.is_left_out() => |c| c.fail(ErrorKind::Unsupported),
        Id::Abs => numeric::abs,
        Id::Changes => |c| Value::Integer(c.context.changes),
        Id::Char => string::char,
        Id::Coalesce => |c| {
            let known = (0..c.count).find(|&at| !c.argument(at).is_null());
            known.map_or(Value::Null, |at| c.argument(at))
        },
        Id::Date | Id::DateTime | Id::JulianDay | Id::Strftime | Id::Time | Id::UnixEpoch => date::call,
        Id::Glob => like::glob,
        Id::Hex => string::hex,
        Id::Iif => |c| c.argument(if c.argument(0).truth() == Some(true) { 1 } else { 2 }),
        Id::Instr => string::instr,
        Id::LastInsertRowid => |c| Value::Integer(c.context.last_insert_rowid),
        Id::Length => string::length,
        Id::Like => like::like,
        Id::Lower => |c| string::map(c, |byte| byte.to_ascii_lowercase()),
        Id::Ltrim | Id::Rtrim | Id::Trim => string::trim,
        Id::Max | Id::Min => numeric::extreme,
        Id::Nullif => |c| {
            let (first, second) = (c.argument(0), c.argument(1));
            let equal = first.compare_known(second, c.context.collation).is_some_and(|order| order.is_eq());
            if equal { Value::Null } else { first }
        },
        Id::Printf => printf::printf,
        Id::Quote => string::quote,
        Id::Random => random,
        Id::Replace => string::replace,
        Id::Round => numeric::round,
        Id::Sign => numeric::sign,
        Id::Substr => string::substr,
        Id::TotalChanges => |c| Value::Integer(c.context.total_changes),
        Id::TypeOf => |c| Value::Text(c.argument(0).class().name().as_bytes()),
        Id::Unicode => string::unicode,
        Id::Upper => |c| string::map(c, |byte| byte.to_ascii_uppercase()),
        Id::ZeroBlob => |c| {
            c.scratch.fill(0, usize::try_from(c.integer(0).max(0)).unwrap_or(usize::MAX));
            Value::Blob(c.finish())
        },
        _ => |c| c.argument(0),
    }
}

/// The functions that take NULL for an argument like others. The rest answers NULL to one. (An index out of bounds would not
/// compile.)
#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)]
const TAKES_NULL: u64 = {
    use Id::*;
    let ids = [
        Changes,
        Char,
        Coalesce,
        Glob,
        Hex,
        Iif,
        LastInsertRowid,
        Like,
        Likely,
        Nullif,
        Printf,
        Quote,
        Random,
        Replace,
        TotalChanges,
        TypeOf,
        ZeroBlob,
    ];
    let (mut bits, mut at) = (0, 0);
    while at < ids.len() {
        bits |= 1 << ids[at] as u8;
        at += 1;
    }
    bits
};

impl<'a> Call<'a, '_> {
    pub(super) fn answer(&mut self) -> Result<Value<'a>> {
        let Some(work) = WORKS.get(self.id as usize) else { return Err(ErrorKind::Unsupported.into()) };
        if TAKES_NULL >> self.id as u8 & 1 == 0 && self.any_null() {
            return Ok(Value::Null);
        }
        let made = work(self);
        self.failed.map_or(Ok(made), Err)
    }

    /// Notes what went wrong, unless something did before.
    #[inline(never)]
    pub(super) fn fail(&mut self, error: impl Into<Error>) -> Value<'a> {
        self.failed = self.failed.or(Some(error.into()));
        Value::Null
    }

    /// An argument, counted from 0; NULL if there are fewer.
    #[inline(never)]
    pub(super) fn argument(&self, at: usize) -> Value<'a> {
        if at < self.count { (self.arguments)(at) } else { Value::Null }
    }

    /// An argument as text.
    #[inline(never)]
    pub(super) fn text(&mut self, at: usize) -> &'a [u8] {
        match self.argument(at) {
            Value::Text(bytes) | Value::Blob(bytes) => bytes,
            number => {
                number.write(self.scratch);
                self.finish()
            }
        }
    }

    /// The bytes that were written to the scratch.
    #[inline(never)]
    pub(super) fn finish(&mut self) -> &'a [u8] {
        self.scratch.finish().unwrap_or_else(|error| {
            self.fail(error);
            &[]
        })
    }

    /// An argument as an integer.
    pub(super) fn integer(&self, at: usize) -> i64 {
        self.argument(at).to_integer()
    }

    /// What was written to the scratch.
    #[inline(never)]
    pub(super) fn written(&mut self) -> Value<'a> {
        Value::Text(self.finish())
    }

    pub(super) fn any_null(&self) -> bool {
        (0..self.count).any(|at| self.argument(at).is_null())
    }
}

/// SplitMix64, from the user's seed.
fn random<'a>(c: &mut Call<'a, '_>) -> Value<'a> {
    let Some(seed) = c.context.random else { return c.fail(ErrorKind::Unsupported) };
    let state = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    c.context.random = Some(state);
    let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    Value::Integer((mixed ^ (mixed >> 31)) as i64)
}
