//! What of the store a program has in it, beyond what each has.
//!
//! A call that begins something which not every program does says so here. Where the store must take account of that it asks
//! first, and in a program that never calls it the answer is always no: link-time optimization sees that nothing sets the flag, and leaves out all that hangs on it.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use core::sync::atomic::{AtomicBool, Ordering};

/// Whether something is in the program. It says nothing of any one store: each knows for itself what goes on in it.
pub(crate) struct Linked(AtomicBool);

impl Linked {
    const fn new() -> Linked {
        Linked(AtomicBool::new(false))
    }

    /// It is: what calls this is part of it.
    #[inline(always)]
    pub(crate) fn used(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it may be.
    #[inline(always)]
    pub(crate) fn is(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Records with 16-bit checks.
pub(crate) static COMPACT: Linked = Linked::new();
/// Batches that are opened. (Those that a store holds are read by every program.)
pub(crate) static BATCHES: Linked = Linked::new();
/// Cursors, which move by a merge.
pub(crate) static CURSORS: Linked = Linked::new();
/// Snapshots.
pub(crate) static SNAPSHOTS: Linked = Linked::new();
/// Stores opened for reading only.
pub(crate) static READ_ONLY: Linked = Linked::new();
/// Memory lent beyond the least.
pub(crate) static LENT: Linked = Linked::new();
