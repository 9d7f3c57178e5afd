//! [`Memory`]: bytes to lend.

use core::ops::{Deref, DerefMut};

/// Bytes to lend to a connection or a statement.
#[derive(Debug, Clone)]
pub struct Memory<const N: usize>([u8; N]);

#[cfg(feature = "defmt")]
impl<const N: usize> defmt::Format for Memory<N> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Memory");
    }
}

impl<const N: usize> Memory<N> {
    /// All zero.
    pub const fn new() -> Self {
        Memory([0; N])
    }
}

impl<const N: usize> Default for Memory<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize> Deref for Memory<N> {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl<const N: usize> DerefMut for Memory<N> {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }
}
