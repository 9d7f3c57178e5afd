//! Frames and sources: the blocks on the compiler's stack, and their fields.
//!
//! Contract: a frame is a SELECT (or a statement that writes) that is being compiled; a source is one table of its FROM, with its
//! definition read from the catalog. Both are blocks of 16-bit fields. The fields of the frame at hand are in the compiler itself; its
//! block has them while another frame is at hand.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use crate::sqlite3::error::ErrorKind;
use crate::sqlite3::schema::{self, Definition};
use crate::sqlite3::token::Token;

/// Fields of a frame. Those that are used most come first: a Cortex-M0 reads them in one instruction.
#[rustfmt::skip]
pub(crate) mod f {
    /// How many result columns.
    pub(crate) const COLUMNS: u8 = 0;
    /// The chain of jumps to the next row.
    pub(crate) const NEXT: u8 = 1;
    pub(crate) const TERM: u8 = 2;
    pub(crate) const SORT: u8 = 3;
    pub(crate) const POS: u8 = 4;
    pub(crate) const KEYS: u8 = 5;
    pub(crate) const DISTINCT: u8 = 6;
    /// The first source.
    pub(crate) const SOURCES: u8 = 7;
    pub(crate) const GROUP_STAGE: u8 = 8;
    /// Values on the stack when the frame began.
    pub(crate) const DEPTH: u8 = 9;
    pub(crate) const PARENT: u8 = 10;
    /// 0: columns are those of cursors; 1: those of groups; 2: those of this frame are no names; 3: nor are others, in LIMIT.
    pub(crate) const MODE: u8 = 11;
    /// Where the result columns begin in the text; NONE without any, as are the clauses below.
    pub(crate) const RESULT: u8 = 12;
    pub(crate) const CODE: u8 = 13;
    pub(crate) const STEP: u8 = 14;
    pub(crate) const OUTPUT: u8 = 15;
    /// The last source, and how many there are.
    pub(crate) const LAST: u8 = 16;
    pub(crate) const COUNT: u8 = 17;
    pub(crate) const FLAGS: u8 = 18;
    pub(crate) const RESUME: u8 = 19;
    pub(crate) const PLACE: u8 = 20;
    pub(crate) const EXTRA: u8 = 21;
    pub(crate) const START: u8 = 22;
    /// Where each clause begins in the text, in the order of the words' kinds, and where the SELECT ends.
    pub(crate) const FROM: u8 = 23;
    pub(crate) const WHERE: u8 = 24;
    pub(crate) const GROUP: u8 = 25;
    pub(crate) const HAVING: u8 = 26;
    pub(crate) const ORDER: u8 = 27;
    pub(crate) const LIMIT: u8 = 28;
    pub(crate) const END: u8 = 29;
    /// The source whose loop is being compiled.
    pub(crate) const AT: u8 = 30;
    pub(crate) const DONE: u8 = 31; // and 32
    pub(crate) const SAVED: u8 = 33;
    /// Chains of jumps: to the next group, to the end.
    pub(crate) const NEXT_GROUP: u8 = 34;
    pub(crate) const FINISH: u8 = 35;
    /// Locals of LIMIT and OFFSET; NONE without.
    pub(crate) const LIMIT_LOCAL: u8 = 36;
    pub(crate) const OFFSET_LOCAL: u8 = 37;
    pub(crate) const SORT_PASS: u8 = 38;
    pub(crate) const DISTINCT_PASS: u8 = 39;
    pub(crate) const GROUP_PASS: u8 = 40;
    /// Where the code of a group's output begins and ends.
    pub(crate) const OUT: u8 = 41;
    pub(crate) const OUT_END: u8 = 42;
    /// What is known of the first result column.
    pub(crate) const FIRST: u8 = 43;
    /// Where descriptions of result columns (one byte each, downwards) and of keys begin on the stack.
    pub(crate) const COLUMN_LIST: u8 = 44;
    pub(crate) const KEY_LIST: u8 = 45;
    /// The sources that were named since this was set to 0, a bit each.
    pub(crate) const MASK: u8 = 46;
    pub(crate) const AGGREGATES: u8 = 47;
    pub(crate) const BARE: u8 = 48;
    /// Of statements that write: table description in the program, first local, conflict action, tokens.
    pub(crate) const TABLE: u8 = 49;
    pub(crate) const LOCALS: u8 = 50;
    pub(crate) const ACTION: u8 = 51;
    pub(crate) const TOKEN: u8 = 52;
    /// Of aggregates: where the code of the step before, and of the one at hand begins.
    pub(crate) const BEFORE: u8 = DONE + 1;
    pub(crate) const BEGIN: u8 = KEY_LIST;
    /// Of `IN table`: where the text goes on behind the SELECT that stands for it.
    pub(crate) const BACK: u8 = ACTION;
    /// While a FROM is read: open parentheses around its first tables.
    pub(crate) const OPEN: u8 = KEYS;
    /// While rows are written: which statement does it.
    pub(crate) const VERB: u8 = KEYS;
    /// Where the set of an IN (SELECT) begins in the code.
    pub(crate) const ONCE: u8 = 53;
    /// Where the notes on names of result columns begin, downwards, and where the last of them stands; where the item at hand begins.
    pub(crate) const NAMES: u8 = 54;
    pub(crate) const NAME: u8 = 55;
    pub(crate) const ITEM: u8 = 56;
    pub(crate) const FIELDS: u8 = 57;
}

/// Bits of a frame's flags.
#[rustfmt::skip]
pub(crate) mod flag {
    pub(crate) const DISTINCT: u16 = 1;
    pub(crate) const AGGREGATE: u16 = 2;
    /// Inside of the arguments of an aggregate.
    pub(crate) const IN_AGGREGATE: u16 = 4;
    /// Names of outer frames were used.
    pub(crate) const OUTER: u16 = 8;
    /// A frame that names may not be looked for beyond.
    pub(crate) const CLOSED: u16 = 16;
    /// The sorter makes the rows distinct.
    pub(crate) const UNIQUE: u16 = 32;
    /// Names are not looked for in the frame around this one, but beyond it.
    pub(crate) const ALONE: u16 = 64;
    /// Rows are gathered before the first of them goes on.
    pub(crate) const GATHER: u16 = 128;
    /// The output of the sorter is being compiled.
    pub(crate) const SORTING: u16 = 256;
    /// It is several SELECTs: see compound.rs.
    pub(crate) const COMPOUND: u16 = 512;
}

/// Fields of a source.
#[rustfmt::skip]
pub(crate) mod s {
    pub(crate) const NEXT: u8 = 0;
    pub(crate) const PREVIOUS: u8 = 1;
    pub(crate) const CURSOR: u8 = 2;
    pub(crate) const FLAGS: u8 = 3;
    /// Offset and length of the definition.
    pub(crate) const DEFINITION: u8 = 4;
    pub(crate) const LENGTH: u8 = 5;
    pub(crate) const ALIAS: u8 = 6;
    pub(crate) const NAME: u8 = 7;
    /// Offset of the condition behind ON, or of the list behind USING.
    pub(crate) const ON: u8 = 8;
    pub(crate) const BIT: u8 = 9;
    pub(crate) const LOOP: u8 = 10;
    pub(crate) const EXIT: u8 = 11;
    pub(crate) const MATCHED: u8 = 12;
    pub(crate) const BODY: u8 = 13;
    /// How its rows are found: see plan.rs.
    pub(crate) const PLAN: u8 = 14;
    pub(crate) const INDEX: u8 = 15;
    pub(crate) const EQUALS: u8 = 16;
    pub(crate) const VALUES: u8 = 17; // to 22: the values of the plan
    pub(crate) const LOW: u8 = 23;
    pub(crate) const HIGH: u8 = 24;
    pub(crate) const RANGE: u8 = 25;
    /// The frame or the offset of a subquery.
    pub(crate) const SUBQUERY: u8 = 26;
    /// Of a table: the index whose order rows have that are equal in ORDER BY; NONE without: see cover.rs.
    pub(crate) const TIES: u8 = SUBQUERY;
    /// First local of a row that is in locals.
    pub(crate) const LOCALS: u8 = 27;
    pub(crate) const FIELDS: u8 = 28;
}

/// Bits of a source's flags.
pub(crate) mod joined {
    pub(crate) const LEFT: u16 = 1;
    pub(crate) const SUBQUERY: u16 = 2;
    pub(crate) const LOCALS: u16 = 4;
    /// NOT INDEXED: its indexes are not used.
    pub(crate) const BARE: u16 = 8;
    /// All that is asked of it is in the index that it is read by.
    pub(crate) const COVERED: u16 = 16;
}

/// Bytes of a frame and of a source.
pub(crate) const FRAME: usize = 2 * f::FIELDS as usize;
pub(crate) const SOURCE: usize = 2 * s::FIELDS as usize;

/// The fields of a new frame: some are 0, the others NONE. (An index out of bounds would not compile.)
#[rustfmt::skip]
#[allow(clippy::indexing_slicing)]
static NEW: [u16; f::FIELDS as usize] = {
    const ZERO: [u8; 13] = [
        f::SOURCES, f::LAST, f::COUNT, f::MODE, f::FLAGS, f::COLUMNS, f::DONE,
        f::DONE + 1, f::TERM, f::KEYS, f::MASK, f::AGGREGATES, f::BARE,
    ];
    let (mut fields, mut at) = ([NONE; f::FIELDS as usize], 0);
    while at < ZERO.len() {
        fields[ZERO[at] as usize] = 0;
        at += 1;
    }
    fields
};

impl Compiler<'_> {
    /// A new frame inside of the current one.
    #[cfg_attr(not(fast), inline(never))]
    pub(crate) fn push_frame(&mut self) -> usize {
        let (parent, frame) = (self.frame, self.reserve(FRAME));
        self.leave();
        (self.frame, self.fields) = (frame, NEW);
        self.set_own(f::PARENT, parent as u16);
        self.set_own(f::DEPTH, self.now.depth.into());
        frame
    }

    /// Another frame becomes the current one.
    #[inline(never)]
    pub(crate) fn enter(&mut self, frame: usize) {
        self.leave();
        self.go_back_to(frame);
    }

    /// The fields of the current frame, if there is one, go to its block.
    fn leave(&mut self) {
        for field in 0..if self.frame == 0 { 0 } else { f::FIELDS } {
            self.put(self.frame, field, self.own(field));
        }
    }

    /// The current frame is over: another becomes the current one.
    #[inline(never)]
    pub(crate) fn go_back_to(&mut self, frame: usize) {
        self.frame = frame;
        for field in 0..f::FIELDS {
            self.set_own(field, self.get(frame, field));
        }
    }

    /// A field of a frame, which may be the current one.
    #[cfg_attr(not(fast), inline(never))]
    pub(crate) fn of(&self, frame: usize, field: u8) -> u16 {
        if frame == self.frame { self.own(field) } else { self.get(frame, field) }
    }

    #[cfg_attr(not(fast), inline(never))]
    pub(crate) fn put_of(&mut self, frame: usize, field: u8, value: u16) {
        if frame == self.frame { self.set_own(field, value) } else { self.put(frame, field, value) }
    }

    pub(crate) fn has(&self, frame: usize, bit: u16) -> bool {
        self.of(frame, f::FLAGS) & bit != 0
    }

    /// Whether a source is the right side of a LEFT JOIN.
    #[cfg_attr(not(fast), inline(never))]
    pub(crate) fn is_left(&self, source: usize) -> bool {
        crate::sqlite3::FULL && self.get(source, s::FLAGS) & joined::LEFT != 0
    }

    /// Whether a source is a subquery.
    #[cfg_attr(not(fast), inline(never))]
    pub(crate) fn is_subquery(&self, source: usize) -> bool {
        crate::sqlite3::FULL && self.get(source, s::FLAGS) & joined::SUBQUERY != 0
    }

    /// The source whose loop is being compiled.
    pub(crate) fn looped(&self) -> usize {
        self.own(f::AT).into()
    }

    /// Whether the current frame has a flag.
    pub(crate) fn flagged(&self, bit: u16) -> bool {
        self.own(f::FLAGS) & bit != 0
    }

    pub(crate) fn set_flagged(&mut self, bit: u16, on: bool) {
        let flags = self.own(f::FLAGS);
        self.set_own(f::FLAGS, if on { flags | bit } else { flags & !bit });
    }

    /// The definition of a source.
    pub(crate) fn definition(&self, source: usize) -> Definition<'_> {
        let at = usize::from(self.get(source, s::DEFINITION));
        let len = usize::from(self.get(source, s::LENGTH));
        self.defined(at, len)
    }

    /// The definition that stands in the arena at an offset.
    #[cfg_attr(not(fast), inline(never))]
    pub(crate) fn defined(&self, at: usize, len: usize) -> Definition<'_> {
        Definition(self.arena.get(at..at + len).unwrap_or_default())
    }

    /// The definition that is being built in the front, as far as it goes.
    pub(crate) fn built(&self) -> Definition<'_> {
        self.defined(0, self.code)
    }

    /// Reads a definition that must be there: offset and length, which are 0 if it is not.
    #[cfg_attr(not(fast), inline(never))]
    pub(crate) fn load(&mut self, name: Token, missing: ErrorKind) -> (usize, usize) {
        let found = self.find(name);
        if found.1 == 0 {
            self.fail_at(missing, name);
        }
        found
    }

    /// Reads a definition from the catalog onto the stack: offset and length, which is 0 if there is none.
    #[inline(never)]
    pub(crate) fn find(&mut self, name: Token) -> (usize, usize) {
        let (from, mut len) = self.read_definition(name);
        if len == 0 && (self.same(name, b"sqlite_schema") || self.same(name, b"sqlite_master")) {
            // Nothing else is called so.
            len = schema::OF_SCHEMA.len();
            let at = self.reserve(len);
            if let Some(place) = self.arena.get_mut(at..at + len) {
                place.copy_from_slice(schema::OF_SCHEMA);
            }
            return (at, len);
        }
        // It moves up against the stack.
        let at = self.reserve(len);
        self.shift(from, len, at);
        let (view, number) = (self.at(at) == schema::VIEW, self.defined(at, len).number());
        // A temporary view of another session is not there.
        if view && number != 0 && number != self.session { (0, 0) } else { (at, len) }
    }

    /// Adds a source with a definition to the current frame.
    pub(crate) fn push_source(&mut self, definition: (usize, usize), name: Token) -> usize {
        let source = self.reserve(SOURCE);
        if let Some(fields) = self.arena.get_mut(source..source + SOURCE) {
            fields.fill(0xff);
        }
        for field in [s::NEXT, s::FLAGS, s::PLAN, s::EQUALS, s::RANGE] {
            self.put(source, field, 0);
        }
        let count = self.own(f::COUNT);
        if count >= 16 {
            self.fail_at(ErrorKind::TooBig, name);
        }
        let last = self.own(f::LAST);
        self.put(source, s::PREVIOUS, last);
        self.put(source, s::DEFINITION, definition.0 as u16);
        self.put(source, s::LENGTH, definition.1 as u16);
        self.put(source, s::NAME, name.start());
        self.put(source, s::BIT, 1 << (count & 15));
        if last == 0 {
            self.set_own(f::SOURCES, source as u16);
        } else {
            self.put(last.into(), s::NEXT, source as u16);
        }
        self.set_own(f::LAST, source as u16);
        self.set_own(f::COUNT, count + 1);
        source
    }
}
