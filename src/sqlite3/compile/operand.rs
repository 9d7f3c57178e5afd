//! What the compiler knows of an operand: affinity and collation, and by which of two operands a comparison goes.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use crate::sqlite3::program::{Comparison, Relation};
use crate::sqlite3::value::Affinity;

/// What is known of an operand while compiling, in one byte: affinity (0 none, else [`crate::sqlite3::value::Affinity`] + 1), collation (0
/// none, else [`crate::sqlite3::value::Collation`] + 1), and whether the collation was written; and where its code begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Operand {
    known: u8,
    pub(crate) start: u16,
}

/// The bits of what is known of an [`Operand`].
mod known {
    pub(crate) const AFFINITY: u8 = 7;
    pub(crate) const COLLATION: u8 = 3 << 3;
    pub(crate) const EXPLICIT: u8 = 1 << 5;
}

impl Operand {
    /// An operand of a column, whose affinity and collation these are.
    pub(crate) fn of_column(affinity: u8, collation: u8, start: u16) -> Self {
        Operand { known: (affinity + 1) | (collation + 1) << 3, start }
    }
    /// One of which nothing is known.
    pub(crate) fn plain(start: u16) -> Self {
        Operand { known: 0, start }
    }
    /// In one byte, without the start.
    pub(crate) fn pack(self) -> u8 {
        self.known
    }
    /// Other bits than those of [`Operand::pack`] may be set.
    pub(crate) fn unpack(byte: u8, start: u16) -> Self {
        Operand { known: byte & (known::AFFINITY | known::COLLATION | known::EXPLICIT), start }
    }
    pub(crate) fn affinity(self) -> u8 {
        self.known & known::AFFINITY
    }
    pub(crate) fn collation(self) -> u8 {
        (self.known & known::COLLATION) >> 3
    }
    pub(crate) fn explicit(self) -> bool {
        self.known & known::EXPLICIT != 0
    }
    pub(crate) fn with_affinity(self, affinity: u8) -> Self {
        Operand { known: self.known & !known::AFFINITY | affinity, ..self }
    }
    pub(crate) fn with_collation(self, collation: u8) -> Self {
        Operand { known: self.known & !known::COLLATION | collation << 3 | known::EXPLICIT, ..self }
    }
    /// The same, but that no collation was written.
    pub(crate) fn unwritten(self, start: u16) -> Self {
        Operand { known: self.known & !known::EXPLICIT, start }
    }
    /// The collation as a number for the program.
    pub(crate) fn sort_collation(self) -> u8 {
        self.collation().saturating_sub(1)
    }
    /// What remains of two operands under an operator: a collation that was written.
    #[inline(never)]
    pub(crate) fn under(left: Operand, right: Operand) -> Operand {
        let from = if left.explicit() { left } else { right };
        Operand { start: left.start, known: if from.explicit() { from.with_affinity(0).known } else { 0 } }
    }
    /// The same of one operand.
    #[inline(never)]
    pub(crate) fn alone(self) -> Operand {
        Operand::under(self, self)
    }
    /// How they compare. (<https://sqlite.org/datatype3.html#comparison_expressions>)
    #[inline(never)]
    pub(crate) fn compare(relation: Relation, left: Operand, right: Operand) -> u8 {
        let affinity = match (left.affinity(), right.affinity()) {
            (0, one) | (one, 0) => Self::class(one),
            (a, b) => Self::class(a).max(Self::class(b)) & 2,
        };
        let collation = if left.explicit() {
            left
        } else if right.explicit() || left.collation() == 0 {
            right
        } else {
            left
        };
        Comparison::new(relation, affinity, collation.sort_collation()).0
    }
    /// The same for a member of what a subquery gives: a side without an affinity takes that of the other one, and
    /// what becomes REAL loses the last bits of a large integer.
    #[inline(never)]
    pub(crate) fn member(left: Operand, right: Operand) -> u8 {
        const REAL: u8 = Affinity::Real as u8 + 1;
        let found = Self::compare(Relation::Equal, left, right);
        let real = matches!((left.affinity(), right.affinity()), (0, REAL) | (REAL, 0));
        if real { found | Comparison::REAL } else { found }
    }
    /// What an affinity does to the other side: 0 nothing, 1 makes text, 2 makes numbers.
    pub(crate) fn class(affinity: u8) -> u8 {
        match affinity {
            0 | 1 => 0,
            2 => 1,
            _ => 2,
        }
    }
}

/// The relation with this number.
pub(crate) fn relation(number: u8) -> Relation {
    match number & 7 {
        0 => Relation::Equal,
        1 => Relation::NotEqual,
        2 => Relation::Less,
        3 => Relation::LessEqual,
        4 => Relation::Greater,
        5 => Relation::GreaterEqual,
        6 => Relation::Is,
        _ => Relation::IsNot,
    }
}
