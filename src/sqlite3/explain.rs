//! EXPLAIN: the program, an instruction a row; EXPLAIN QUERY PLAN: how each source is read.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::error::ErrorKind;
use super::vm::{Machine, Outcome, Result};

impl Machine<'_> {
    /// The next row of EXPLAIN.
    pub(crate) fn explain(&mut self) -> Result<Outcome> {
        Err(ErrorKind::Unsupported)
    }
}
