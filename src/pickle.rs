//! Python's pickle: `loads` and `dumps` without an allocator.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::arithmetic_side_effects)]

pub mod opcode;
