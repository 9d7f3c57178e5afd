//! What a name means.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

/// What a name means: nothing, a column of a source in a frame, or one of several. (Two numbers, so that it is given back in
/// registers.)
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Found {
    /// The frame, and above it the source.
    place: u32,
    pub(crate) column: u8,
}

impl Found {
    pub(crate) const NOTHING: Found = Found { place: 0, column: 0 };

    pub(crate) fn new(frame: usize, source: usize, column: u8) -> Self {
        Found { place: frame as u32 & 0xffff | (source as u32) << 16, column }
    }

    pub(crate) fn frame(self) -> usize {
        usize::from(self.place as u16)
    }

    /// 0 if there are several, or none.
    pub(crate) fn source(self) -> usize {
        (self.place >> 16) as usize
    }

    /// Whether there is a column of this name, or more.
    pub(crate) fn is_any(self) -> bool {
        self.place != 0
    }

    /// Whether there is just one.
    pub(crate) fn is_one(self) -> bool {
        self.source() != 0
    }
}
