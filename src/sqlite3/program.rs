//! The instructions of a program: one byte each, operands behind it, least significant byte first.
//!
//! Contract: a program is postfix code for a machine with a stack of values, numbered locals, cursors and stages. This
//! table is the only place that knows the operands of an instruction; compiler, machine and EXPLAIN read it here.
//! Jumps are absolute offsets into the program.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use core::cmp::Ordering;

use super::value::{Collation, Value};
use super::words::{self, Words};

macro_rules! instructions {
    ($($(#[$doc:meta])* $name:ident $operands:literal)*) => {
        /// An instruction. In the description: `( before -- after )` of the stack, then what it does.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(u8)]
        pub(crate) enum Op { $($(#[$doc])* $name,)* }
        const NAMES: &[&str] = &[$(stringify!($name),)*];
        /// Operands of each: `b` a byte, `w` two, `d` four, `q` eight, `j` a jump, `t` two of length and as many bytes.
        const OPERANDS: &[&str] = &[$($operands,)*];
        /// The instructions by their codes.
        pub(crate) const OPS: &[Op] = &[$(Op::$name,)*];
    };
}

instructions! {
    /// ( -- ) the end of the program
    Halt ""
    /// ( -- x ) NULL
    Null ""
    /// ( -- x ) a small integer
    Int8 "b"
    /// ( -- x ) an integer of two bytes
    Int16 "w"
    /// ( -- x ) an integer of four bytes
    Int32 "d"
    /// ( -- x ) an integer of eight bytes
    Int64 "q"
    /// ( -- x ) a real
    Real "q"
    /// ( -- x ) text that stands in the statement: offset, length
    TextSql "ww"
    /// ( -- x ) text that stands here
    Text "t"
    /// ( -- x ) a blob that stands here
    Blob "t"
    /// ( -- x ) a parameter, counted from 1
    Param "b"
    /// ( -- x ) a column of a cursor's row
    Column "bb"
    /// ( -- x ) the rowid of a cursor's row
    Rowid "b"
    /// ( -- x ) as Column; falls through if the row is too short to have it, else jumps
    ColumnOr "bbj"
    /// ( -- x ) a local
    Local "b"
    /// ( x -- ) into a local
    SetLocal "b"
    /// ( -- ) a small integer into a local
    Flag "bb"
    /// ( -- ) jumps if the local is not zero
    IfFlag "bj"
    /// ( -- x ) a copy of the value in a place of the stack
    Pick "b"
    /// ( x -- ) into a place of the stack
    Store "b"
    /// ( x -- )
    Drop ""
    /// ( x y -- y )
    Nip ""
    /// ( x -- x' ) logic
    Not ""
    /// ( x -- -x )
    Negate ""
    /// ( x -- ~x )
    Invert ""
    /// ( x -- 0|1 )
    IsNull ""
    /// ( x -- 0|1 )
    NotNull ""
    /// ( x -- 0|1 ) is it true?
    IsTrue ""
    /// ( x -- 0|1 ) is it false?
    IsFalse ""
    /// ( x -- x ) jumps if it is false, or true: the rest of an AND, or of an OR, does not matter
    IfFalseKeep "j"
    /// ( x -- x ) see IfFalseKeep
    IfTrueKeep "j"
    /// ( x y -- z ) logic
    And ""
    /// ( x y -- z ) logic
    Or ""
    /// ( x y -- z )
    Add ""
    /// ( x y -- z )
    Subtract ""
    /// ( x y -- z )
    Multiply ""
    /// ( x y -- z )
    Divide ""
    /// ( x y -- z )
    Remainder ""
    /// ( x y -- z )
    BitAnd ""
    /// ( x y -- z )
    BitOr ""
    /// ( x y -- z )
    ShiftLeft ""
    /// ( x y -- z )
    ShiftRight ""
    /// ( x y -- z )
    Concat ""
    /// ( x y -- z ) comparison: relation, affinity and collation in one byte
    Compare "b"
    /// ( x low high -- z ) BETWEEN: how x compares with low, and with high
    Between "bb"
    /// ( x r item -- x r' ) one item of an IN list; r becomes 1 if equal, NULL if unknown
    InItem "b"
    /// ( x y -- x z ) WHEN of a CASE with base
    CaseEqual "b"
    /// ( -- )
    Jump "j"
    /// ( x -- ) jumps unless true
    IfNot "j"
    /// ( x -- x | ) keeps x and jumps unless it is NULL, which is dropped
    IfKnown "j"
    /// ( args -- x ) a function: its number, how many arguments, collation
    Call "bbb"
    /// ( x -- x' ) CAST to an affinity
    Cast "b"
    /// ( x -- x' ) the affinity of a column
    Apply "b"
    /// ( -- ) cursor over a table in order of rowid: cursor, table
    Scan "bw"
    /// ( x -- ) cursor on one rowid: cursor, table; 1 to take the row for there, unread
    Find "bwb"
    /// ( values -- ) cursor over a range of an index or of rowids: cursor, table, range description in the program
    Range "bwt"
    /// ( -- ) the cursor's next row, or jump: cursor, values on the stack
    Next "bbj"
    /// ( -- ) the cursor's row is all NULL
    NullRow "b"
    /// ( columns -- ) the columns are the row of a cursor
    MakeRow "bb"
    /// ( -- ) opens a cursor whose rows are made by MakeRow
    OpenRows "b"
    /// ( -- ) so many values are on the stack
    Depth "b"
    /// ( columns -- ) gives a row of so many columns to the caller
    Result "b"
    /// ( x -- ) LIMIT into a local: a number, negative is none; jumps at 0
    Limit "bj"
    /// ( x -- ) OFFSET into a local
    Offset "b"
    /// ( -- ) counts an OFFSET down and jumps while there was something
    Skip "bj"
    /// ( -- ) counts a LIMIT down and jumps at 0
    Count "bj"
    /// ( -- | x ) pushes the local and jumps if it was ever saved
    Once "bj"
    /// ( x -- x ) keeps the value in the local
    OnceSave "b"
    /// ( x -- x ) takes the value out of a stage
    Settle ""
    /// ( -- 0 ) a set behind IN begins; jumps if it is complete: its local
    InSet "bj"
    /// ( y -- ) joins the set, or is compared with x below the place of the result: place, comparison, local; jumps if found
    InRow "bbbj"
    /// ( x r -- x r' ) looks for x in the set, if there is one: place, comparison, local
    InFind "bbb"
    /// ( -- ) a stage begins: stage, kind, and two numbers for the kind
    StageStart "bbbb"
    /// ( -- ) a pass of a stage begins
    StagePass "b"
    /// ( -- ) jumps back if another pass is needed
    StageMore "bj"
    /// ( -- ) it is an error if another pass would be needed
    StageOnce "b"
    /// ( columns keys -- ) into a sorter: stage, columns, keys with their order
    SortInsert "bbt"
    /// ( -- columns ) next of the sorter, or jump: stage, columns, values on the stack
    SortNext "bbbj"
    /// ( columns -- columns ) into a stage of a compound SELECT: stage, columns, what to do, where the keys stand, how many
    Unite "bbbwb"
    /// ( -- ) of the rows that a stage has united, only those that were met again remain
    UniteMet "b"
    /// ( -- columns ) next of the united rows, or jump: stage, columns, values on the stack
    UniteNext "bbbj"
    /// ( columns -- columns ) jumps if these were seen: stage, columns with their collations
    Distinct "btj"
    /// ( keys -- ) the group of these keys, or jump if it is not its turn: stage, keys with their collations
    GroupFind "btj"
    /// ( args -- ) a step of an aggregate: stage, field, function, arguments, collation
    GroupStep "bbbbb"
    /// ( x -- x | ) drops x and jumps if the aggregate saw x in this group: stage, field, collation
    GroupSeen "bbbj"
    /// ( -- ) jumps unless this row gives the bare columns
    GroupTake "bj"
    /// ( columns -- ) bare columns of the group: stage, how many
    GroupSave "bb"
    /// ( -- ) the next group, or jump: stage, values on the stack
    GroupNext "bbj"
    /// ( -- x ) a bare column: stage, which, cursor, column
    GroupColumn "bbbb"
    /// ( -- x ) the result of an aggregate: stage, field, function, offset of its arguments, how many
    GroupResult "bbbwb"
    /// ( -- ) the rowid of the cursor's row joins the set: stage, cursor
    RowsetAdd "bb"
    /// ( -- ) moves the cursor to the next row of the set, or jump: stage, cursor, table
    RowsetNext "bbwj"
    /// ( -- text ) "ok", or what integrity_check found
    Integrity ""
    /// ( -- ) a statement that writes begins; 1 if it writes one record at most, which needs no transaction of its own
    Write "b"
    /// ( -- ) applies the affinities of a table to locals and sees to the rowid: table description, first local, a new row?
    Affinities "wbb"
    /// ( -- ) raises a constraint if the local is NULL: local, column, conflict action, jump for IGNORE
    CheckNull "bbbj"
    /// ( x -- ) raises a constraint if x is false: conflict action, jump for IGNORE
    Check "bj"
    /// ( -- ) a row from locals: table description, first local, conflict action, jump for IGNORE
    Insert "wbbj"
    /// ( -- ) the cursor's row becomes what is in the locals
    Update "wbbbj"
    /// ( -- ) the cursor's row is deleted: table description, cursor
    Delete "wb"
    /// a line of EXPLAIN QUERY PLAN, in programs that never run
    Plan "t"
    /// no instruction
    Illegal ""
}

impl Op {
    /// The instruction with this code.
    #[inline]
    pub(crate) fn from(code: u8) -> Self {
        OPS.get(usize::from(code)).copied().unwrap_or(Op::Illegal)
    }

    /// Its name, for EXPLAIN.
    pub(crate) fn name(self) -> &'static [u8] {
        static PACKED: [u8; words::size(NAMES)] = words::packed(NAMES);
        Words(&PACKED).nth(self as usize).unwrap_or_default()
    }

    /// Its operands, by the letters of the table.
    pub(crate) fn operands(self) -> &'static [u8] {
        static PACKED: [u8; words::size(OPERANDS)] = words::packed(OPERANDS);
        Words(&PACKED).nth(self as usize).unwrap_or_default()
    }
}

/// Two bytes of a program; 0 outside of it. (Inlined on a small machine, this alone would be 15 KB.)
#[cfg_attr(fast, inline)]
#[cfg_attr(not(fast), inline(never))]
pub(crate) fn word(code: &[u8], at: usize) -> u16 {
    chunk(code, at).map_or(0, |bytes| u16::from_le_bytes(*bytes))
}

/// Some bytes at an offset. Offsets have 15 bits, which saves a check of the sum.
#[inline]
pub(crate) fn chunk<const N: usize>(bytes: &[u8], at: usize) -> Option<&[u8; N]> {
    let at = usize::from(at as u16);
    bytes.get(at..at + N).and_then(|bytes| bytes.first_chunk())
}

/// As [`chunk`], to be written to.
#[inline]
pub(crate) fn chunk_mut<const N: usize>(bytes: &mut [u8], at: usize) -> Option<&mut [u8; N]> {
    let at = usize::from(at as u16);
    bytes.get_mut(at..at + N).and_then(|bytes| bytes.first_chunk_mut())
}

/// Moves bytes from one place to another; none if either is not whole.
#[inline(never)]
pub(crate) fn shift(bytes: &mut [u8], from: usize, len: usize, to: usize) {
    if from.max(to) + len <= bytes.len() {
        bytes.copy_within(from..from + len, to);
    }
}

/// The length of the instruction at `at`.
pub(crate) fn length(code: &[u8], at: usize) -> usize {
    let op = Op::from(code.get(at).copied().unwrap_or(0xff));
    op.operands().iter().fold(1, |len, &kind| len + size_of(kind, code, at + len))
}

/// The bytes of an operand of a kind, at an offset.
#[inline(never)]
pub(crate) fn size_of(kind: u8, code: &[u8], at: usize) -> usize {
    match kind {
        b'b' => 1,
        b'd' => 4,
        b'q' => 8,
        b't' => 2 + usize::from(word(code, at)),
        _ => 2,
    }
}

/// How two values compare: one byte of relation, affinity and collation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Comparison(pub(crate) u8);

/// The relations of a [`Comparison`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
#[allow(missing_docs)]
pub(crate) enum Relation {
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Is,
    IsNot,
}

impl Comparison {
    /// With an affinity of numbers: integers become REAL.
    pub(crate) const REAL: u8 = 1 << 3;

    /// `affinity`: 0 none, 1 TEXT, 2 numeric, 3 REAL; `collation`: 0 BINARY, 1 NOCASE, 2 RTRIM.
    pub(crate) fn new(relation: Relation, affinity: u8, collation: u8) -> Self {
        Comparison(relation as u8 | affinity << 3 | collation << 5)
    }
    /// The orders for which the relation holds: a bit each for less, equal, greater.
    #[inline]
    pub(crate) fn orders(self) -> u8 {
        const HOLD: [u8; 8] = [0b010, 0b101, 0b001, 0b011, 0b100, 0b110, 0b010, 0b101];
        HOLD.get(usize::from(self.0 & 7)).copied().unwrap_or(0)
    }
    /// Whether the relation holds for an order.
    #[inline]
    pub(crate) fn holds(self, order: Ordering) -> bool {
        self.orders() >> (order as i8 + 1) & 1 != 0
    }
    /// Whether it is IS or IS NOT, which compare NULL too.
    #[inline]
    pub(crate) fn is(self) -> bool {
        self.0 & 7 >= Relation::Is as u8
    }
    /// What the comparison gives for two values; `None` is unknown.
    pub(crate) fn of(self, left: Value<'_>, right: Value<'_>, collation: Collation) -> Option<bool> {
        (self.is() || !left.is_null() && !right.is_null()).then(|| self.holds(left.compare(right, collation)))
    }
    pub(crate) fn affinity(self) -> u8 {
        self.0 >> 3 & 3
    }
    pub(crate) fn collation(self) -> u8 {
        self.0 >> 5 & 3
    }
}
