//! Templates: rows of bytes that say which instructions a step emits, and what it notes in its frame.
//!
//! Contract: a byte below [`LOW`] is emitted as it is; others emit fields of the current frame, or begin a command, which is two bytes.
//! A template of a few bytes takes the place of as many calls.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::frame::f;
use super::{Compiler, NONE};

/// With a field: its low byte is emitted.
pub(crate) const LOW: u8 = 0x80;
/// With a field: the target of a jump joins the chain that is kept there.
pub(crate) const CHAIN: u8 = 0xc0;

// Commands; a field or a number follows.

/// Both bytes of a field are emitted.
pub(crate) const WORD: u8 = 0xf7;
/// The target of a jump begins a chain, which is kept in a field.
pub(crate) const NEW: u8 = 0xf8;
/// The place of the next instruction is noted in a field.
pub(crate) const HERE: u8 = 0xf9;
/// The jumps of a chain lead here, and the chain is empty.
pub(crate) const PATCH: u8 = 0xfa;
/// So many values fewer are on the stack.
pub(crate) const SHRINK: u8 = 0xfb;
/// So many more.
pub(crate) const GROW: u8 = 0xfc;
/// The frame's next step.
pub(crate) const GOTO: u8 = 0xfd;
/// The end, if a field is NONE.
pub(crate) const IF: u8 = 0xfe;
/// No command: the field of the next byte or command is one of the source whose loop is being compiled.
pub(crate) const OF: u8 = 0xff;

impl Compiler<'_> {
    /// Does what a template says.
    #[inline(never)]
    pub(crate) fn emit(&mut self, template: &[u8]) {
        let mut items = template.iter().copied();
        let mut block = self.frame;
        while let Some(item) = items.next() {
            if item == OF {
                block = self.own(f::AT).into();
                continue;
            }
            if item < LOW {
                self.byte(item);
            } else if item < CHAIN {
                self.byte(self.of(block, item - LOW) as u8);
            } else if item < WORD {
                let field = item - CHAIN;
                let head = self.chain(self.of(block, field));
                self.put_of(block, field, head);
            } else {
                let field = items.next().unwrap_or(0);
                let value = self.of(block, field);
                match item {
                    WORD => self.word(value),
                    NEW => {
                        let head = self.chain(NONE);
                        self.put_of(block, field, head);
                    }
                    HERE => self.put_of(block, field, self.here()),
                    PATCH => {
                        self.patch_here(value);
                        self.put_of(block, field, NONE);
                    }
                    SHRINK => self.shrink(field),
                    GROW => self.grow(field),
                    GOTO => self.goto(field.into()),
                    _ if value == NONE => return,
                    _ => {}
                }
            }
            block = self.frame;
        }
    }
}
