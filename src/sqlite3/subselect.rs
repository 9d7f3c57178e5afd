//! Subqueries and views in a FROM.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::compile::*;
use super::error::{ErrorKind, Result};
use super::token::Token;

impl Compiler<'_> {
    pub(crate) fn subquery_source(&mut self) -> Result<usize> {
        Err(self.error_here(ErrorKind::Unsupported))
    }

    pub(crate) fn view(&mut self, _definition: (usize, usize), name: Token) -> Result<usize> {
        Err(self.error(ErrorKind::Unsupported, name))
    }

    pub(crate) fn open_subquery(&mut self, _at: usize) -> Result<()> {
        Err(self.error_here(ErrorKind::Unsupported))
    }

    pub(crate) fn close_subquery(&mut self, _at: usize) -> Result<()> {
        Err(self.error_here(ErrorKind::Unsupported))
    }

    /// `x IN table`.
    pub(crate) fn in_table(&mut self, _left: Operand) -> Result<()> {
        Err(self.error_here(ErrorKind::Unsupported))
    }
}
