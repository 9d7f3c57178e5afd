//! Names as they stand in a statement: with quotes, and without.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::token::Kind;

/// Whether a token can be a name.
pub(crate) fn is_name(kind: Kind) -> bool {
    kind > Kind::Limit && kind <= Kind::Quoted
}

/// Whether a token can be an alias without AS before it: the words of joins and INDEXED cannot.
pub(crate) fn is_alias(kind: Kind) -> bool {
    kind > Kind::Right && kind <= Kind::String
}

/// A name without its quotes, and the quote.
pub(crate) fn unquoted(text: &[u8]) -> (&[u8], u8) {
    match text.first() {
        Some(&quote @ (b'"' | b'`' | b'[' | b'\'')) => {
            (text.get(1..text.len().saturating_sub(1)).unwrap_or_default(), if quote == b'[' { 0 } else { quote })
        }
        _ => (text, 0),
    }
}

/// The bytes of a quoted text, with doubled quotes made single.
pub(crate) fn unescaped(text: &[u8], quote: u8) -> Unescaped<'_> {
    Unescaped { text, quote }
}

/// See [`unescaped`].
pub(crate) struct Unescaped<'a> {
    text: &'a [u8],
    quote: u8,
}

impl Iterator for Unescaped<'_> {
    type Item = u8;

    #[cfg_attr(not(fast), inline(never))]
    fn next(&mut self) -> Option<u8> {
        let (&byte, rest) = self.text.split_first()?;
        let doubled = self.quote != 0 && byte == self.quote;
        self.text = if doubled { rest.get(1..).unwrap_or_default() } else { rest };
        Some(byte)
    }
}

impl Unescaped<'_> {
    /// Whether both are the same name, whatever their case.
    #[inline(never)]
    pub(crate) fn same(mut self, mut other: Unescaped<'_>) -> bool {
        loop {
            match (self.next(), other.next()) {
                (Some(one), Some(two)) if one.eq_ignore_ascii_case(&two) => {}
                (one, two) => return one.is_none() && two.is_none(),
            }
        }
    }
}

/// Whether a name in the SQL text, without its quotes, is this name, whatever its case.
pub(crate) fn same_name(text: &[u8], quote: u8, name: &[u8]) -> bool {
    if quote == 0 {
        return text.len() == name.len() && same_letters(text, name);
    }
    unescaped(text, quote).same(unescaped(name, 0))
}

/// Whether two words of one length are the same, whatever their case. The last letters are looked at first: most words differ there.
#[cfg_attr(not(fast), inline(never))]
pub(crate) fn same_letters(one: &[u8], other: &[u8]) -> bool {
    one.iter().zip(other).rev().all(|(one, other)| one == other || one.eq_ignore_ascii_case(other))
}
