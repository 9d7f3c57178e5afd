//! Functions by number, as programs name them.

use super::function::Id;

/// The first function of the user's own.
pub(crate) const CUSTOM: u8 = 150;
/// LIKE and GLOB as operators: the subject comes first.
pub(crate) const LIKE_OPERATOR: u8 = 250;
pub(crate) const GLOB_OPERATOR: u8 = 251;

/// All functions in the order of their numbers.
#[rustfmt::skip]
pub(super) const ALL: &[Id] = &[
    Id::Abs, Id::Changes, Id::Char, Id::Coalesce, Id::Date, Id::DateTime, Id::Glob, Id::Hex, Id::Iif, Id::Instr,
    Id::JulianDay, Id::LastInsertRowid, Id::Length, Id::Like, Id::Likely, Id::Lower, Id::Ltrim, Id::Max, Id::Min,
    Id::Nullif, Id::Printf, Id::Quote, Id::Random, Id::Replace, Id::Round, Id::Rtrim, Id::Sign, Id::Strftime, Id::Substr,
    Id::Time, Id::TotalChanges, Id::Trim, Id::TypeOf, Id::Unicode, Id::UnixEpoch, Id::Upper, Id::ZeroBlob,
    Id::Avg, Id::Count, Id::GroupConcat, Id::AggregateMax, Id::AggregateMin, Id::Sum, Id::Total,
];

impl Id {
    /// The function with this number.
    pub(crate) fn numbered(number: u8) -> Option<Self> {
        ALL.get(usize::from(number)).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_places() {
        assert!(ALL.iter().enumerate().all(|(at, id)| *id as usize == at));
    }
}
