//! Frames and sources: the blocks on the compiler's stack, and their fields.
//!
//! Contract: a frame is a SELECT (or a statement that writes) that is being compiled; a source is one table of its FROM, with its
//! definition read from the catalog. Both are blocks of 16-bit fields.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::compile::*;
use super::error::{ErrorKind, Result};
use super::schema::{self, Definition};
use super::token::Token;

/// Fields of a frame.
#[rustfmt::skip]
pub(crate) mod f {
    pub(crate) const PARENT: usize = 0;
    pub(crate) const STEP: usize = 1;
    /// First source, last source, how many.
    pub(crate) const SOURCES: usize = 2;
    pub(crate) const LAST: usize = 3;
    pub(crate) const COUNT: usize = 4;
    /// 0: columns are those of cursors; 1: those of groups; 2: those of this frame are no names; 3: nor are others, in LIMIT.
    pub(crate) const MODE: usize = 5;
    pub(crate) const FLAGS: usize = 6;
    pub(crate) const RESUME: usize = 7;
    pub(crate) const OUTPUT: usize = 8;
    pub(crate) const PLACE: usize = 9;
    pub(crate) const EXTRA: usize = 10;
    pub(crate) const START: usize = 11;
    /// Offsets of tokens: where each clause begins, NONE without it.
    pub(crate) const RESULT: usize = 12;
    pub(crate) const FROM: usize = 13;
    pub(crate) const WHERE: usize = 14;
    pub(crate) const GROUP: usize = 15;
    pub(crate) const HAVING: usize = 16;
    pub(crate) const ORDER: usize = 17;
    pub(crate) const LIMIT: usize = 18;
    pub(crate) const END: usize = 19;
    /// How many result columns.
    pub(crate) const COLUMNS: usize = 20;
    /// Values on the stack when the frame began.
    pub(crate) const DEPTH: usize = 21;
    /// The source whose loop is being compiled.
    pub(crate) const AT: usize = 22;
    pub(crate) const POS: usize = 23;
    pub(crate) const DONE: usize = 24; // and 25
    pub(crate) const TERM: usize = 26;
    pub(crate) const CODE: usize = 27;
    pub(crate) const SAVED: usize = 28;
    /// Chains of jumps: to the next row, to the next group, to the end.
    pub(crate) const NEXT: usize = 29;
    pub(crate) const NEXT_GROUP: usize = 30;
    pub(crate) const FINISH: usize = 31;
    /// Locals of LIMIT and OFFSET; NONE without.
    pub(crate) const LIMIT_LOCAL: usize = 32;
    pub(crate) const OFFSET_LOCAL: usize = 33;
    pub(crate) const SORT: usize = 34;
    pub(crate) const GROUP_STAGE: usize = 35;
    pub(crate) const DISTINCT: usize = 36;
    pub(crate) const SORT_PASS: usize = 37;
    pub(crate) const DISTINCT_PASS: usize = 38;
    pub(crate) const GROUP_PASS: usize = 39;
    /// Where the code of a group's output begins and ends.
    pub(crate) const OUT: usize = 40;
    pub(crate) const OUT_END: usize = 41;
    /// What is known of the first result column.
    pub(crate) const FIRST: usize = 42;
    pub(crate) const KEYS: usize = 43;
    /// Where descriptions of result columns (one byte each, downwards) and of keys begin on the stack.
    pub(crate) const COLUMN_LIST: usize = 44;
    pub(crate) const KEY_LIST: usize = 45;
    /// The sources that were named since this was set to 0, a bit each.
    pub(crate) const MASK: usize = 46;
    pub(crate) const AGGREGATES: usize = 47;
    pub(crate) const BARE: usize = 48;
    /// Of statements that write: table description in the program, first local, conflict action, tokens.
    pub(crate) const TABLE: usize = 49;
    pub(crate) const LOCALS: usize = 50;
    pub(crate) const ACTION: usize = 51;
    pub(crate) const TOKEN: usize = 52;
    /// Where the set of an IN (SELECT) begins in the code.
    pub(crate) const ONCE: usize = 53;
    pub(crate) const FIELDS: usize = 54;
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
    pub(crate) const NEXT: usize = 0;
    pub(crate) const PREVIOUS: usize = 1;
    pub(crate) const CURSOR: usize = 2;
    pub(crate) const FLAGS: usize = 3;
    /// Offset and length of the definition.
    pub(crate) const DEFINITION: usize = 4;
    pub(crate) const LENGTH: usize = 5;
    pub(crate) const ALIAS: usize = 6;
    pub(crate) const NAME: usize = 7;
    /// Offset of the condition behind ON, or of the list behind USING.
    pub(crate) const ON: usize = 8;
    pub(crate) const BIT: usize = 9;
    pub(crate) const LOOP: usize = 10;
    pub(crate) const EXIT: usize = 11;
    pub(crate) const MATCHED: usize = 12;
    pub(crate) const BODY: usize = 13;
    /// How its rows are found: see plan.rs.
    pub(crate) const PLAN: usize = 14;
    pub(crate) const INDEX: usize = 15;
    pub(crate) const EQUALS: usize = 16;
    pub(crate) const VALUES: usize = 17; // to 22: the values of the plan
    pub(crate) const LOW: usize = 23;
    pub(crate) const HIGH: usize = 24;
    pub(crate) const RANGE: usize = 25;
    /// The frame or the offset of a subquery.
    pub(crate) const SUBQUERY: usize = 26;
    /// First local of a row that is in locals.
    pub(crate) const LOCALS: usize = 27;
    pub(crate) const FIELDS: usize = 28;
}

/// Bits of a source's flags.
pub(crate) mod joined {
    pub(crate) const LEFT: u16 = 1;
    pub(crate) const SUBQUERY: u16 = 2;
    pub(crate) const LOCALS: u16 = 4;
    /// NOT INDEXED: its indexes are not used.
    pub(crate) const BARE: u16 = 8;
}

/// The fields of a frame that are 0 at first; the others are NONE.
#[rustfmt::skip]
static ZERO: [u8; 13] = [
    f::SOURCES as u8, f::LAST as u8, f::COUNT as u8, f::MODE as u8, f::FLAGS as u8, f::COLUMNS as u8, f::DONE as u8,
    f::DONE as u8 + 1, f::TERM as u8, f::KEYS as u8, f::MASK as u8, f::AGGREGATES as u8, f::BARE as u8,
];

impl Compiler<'_> {
    /// A new frame inside of the current one.
    pub(crate) fn push_frame(&mut self) -> Result<usize> {
        let frame = self.reserve(2 * f::FIELDS)?;
        if let Some(fields) = self.arena.get_mut(frame..frame + 2 * f::FIELDS) {
            fields.fill(0xff);
        }
        for &field in &ZERO {
            self.put(frame, field.into(), 0);
        }
        self.put(frame, f::PARENT, self.frame as u16);
        self.put(frame, f::DEPTH, self.now.depth.into());
        self.frame = frame;
        Ok(frame)
    }

    pub(crate) fn has(&self, frame: usize, bit: u16) -> bool {
        self.get(frame, f::FLAGS) & bit != 0
    }

    pub(crate) fn set_flag(&mut self, frame: usize, bit: u16, on: bool) {
        let flags = self.get(frame, f::FLAGS);
        self.put(frame, f::FLAGS, if on { flags | bit } else { flags & !bit });
    }

    /// The definition of a source.
    pub(crate) fn definition(&self, source: usize) -> Definition<'_> {
        let at = usize::from(self.get(source, s::DEFINITION));
        let len = usize::from(self.get(source, s::LENGTH));
        self.defined(at, len)
    }

    /// The definition that stands in the arena at an offset.
    #[inline(never)]
    pub(crate) fn defined(&self, at: usize, len: usize) -> Definition<'_> {
        Definition(self.arena.get(at..at + len).unwrap_or_default())
    }

    /// The definition that is being built from an offset on, as far as it goes.
    pub(crate) fn built(&self, from: usize) -> Definition<'_> {
        self.defined(from, self.code - from)
    }

    /// Reads a definition from the catalog onto the stack: offset and length.
    pub(crate) fn load(&mut self, name: Token, missing: ErrorKind) -> Result<(usize, usize)> {
        let offset = usize::from(name.start & !IN_ARENA);
        let mut plain = [0; 64];
        let plain = self.plain_name(name, &mut plain)?;
        if schema::is_schema_name(plain) {
            let at = self.reserve(schema::OF_SCHEMA.len())?;
            if let Some(place) = self.arena.get_mut(at..at + schema::OF_SCHEMA.len()) {
                place.copy_from_slice(schema::OF_SCHEMA);
            }
            return Ok((at, schema::OF_SCHEMA.len()));
        }
        // The room between program and stack takes it, then it moves up against the stack.
        let (low, high) = (self.code, self.top);
        let room = self.arena.get_mut(low..high).unwrap_or_default();
        match schema::load(self.store, plain, room) {
            Ok(Some(len)) => {
                let at = self.reserve(len)?;
                self.arena.copy_within(low..low + len, at);
                Ok((at, len))
            }
            Ok(None) => Err(self.error(missing, name)),
            Err(error) => Err(error.more(self.arena.len()).at(offset)),
        }
    }

    /// Adds a source with a definition to the current frame.
    pub(crate) fn push_source(&mut self, definition: (usize, usize), name: Token) -> Result<usize> {
        let source = self.reserve(2 * s::FIELDS)?;
        if let Some(fields) = self.arena.get_mut(source..source + 2 * s::FIELDS) {
            fields.fill(0xff);
        }
        let (frame, count) = (self.frame, self.get(self.frame, f::COUNT));
        if count >= 16 {
            return Err(self.error(ErrorKind::TooBig, name));
        }
        let last = self.get(frame, f::LAST);
        self.put(source, s::NEXT, 0);
        self.put(source, s::PREVIOUS, last);
        self.put(source, s::FLAGS, 0);
        self.put(source, s::DEFINITION, definition.0 as u16);
        self.put(source, s::LENGTH, definition.1 as u16);
        self.put(source, s::NAME, name.start);
        self.put(source, s::BIT, 1 << count);
        self.put(source, s::PLAN, 0);
        self.put(source, s::EQUALS, 0);
        self.put(source, s::RANGE, 0);
        if last == 0 {
            self.put(frame, f::SOURCES, source as u16);
        } else {
            self.put(last.into(), s::NEXT, source as u16);
        }
        self.put(frame, f::LAST, source as u16);
        self.put(frame, f::COUNT, count + 1);
        Ok(source)
    }
}
