//! Lists of words, one behind the other in one row of bytes, each behind its length.
//!
//! Contract: a table of `&str` takes eight bytes a word besides the word; this takes one. Lists are packed by the compiler of
//! Rust, so that they stand in the source as they are read.

/// Bytes of a packed list.
pub(crate) const fn size(words: &[&str]) -> usize {
    let (mut bytes, mut at) = (0, 0);
    while at < words.len() {
        bytes += 1 + words[at].len();
        at += 1;
    }
    bytes
}

/// Packs a list, while compiling.
pub(crate) const fn packed<const N: usize>(words: &[&str]) -> [u8; N] {
    let (mut bytes, mut end, mut at) = ([0; N], 0, 0);
    while at < words.len() {
        let word = words[at].as_bytes();
        bytes[end] = word.len() as u8;
        let mut letter = 0;
        while letter < word.len() {
            bytes[end + 1 + letter] = word[letter];
            letter += 1;
        }
        end += 1 + word.len();
        at += 1;
    }
    bytes
}

/// The words of a table.
pub(crate) const fn names<T: Copy, const N: usize>(table: &[(&'static str, T); N]) -> [&'static str; N] {
    let (mut words, mut at) = ([""; N], 0);
    while at < N {
        words[at] = table[at].0;
        at += 1;
    }
    words
}

/// What the words of a table stand for.
pub(crate) const fn meanings<T: Copy, const N: usize>(table: &[(&'static str, T); N]) -> [T; N] {
    let (mut meanings, mut at) = ([table[0].1; N], 0);
    while at < N {
        meanings[at] = table[at].1;
        at += 1;
    }
    meanings
}

/// The words of a packed list, from a place on where one begins.
pub(crate) struct Words(pub(crate) &'static [u8]);

impl Iterator for Words {
    type Item = &'static [u8];

    fn next(&mut self) -> Option<Self::Item> {
        let (&len, rest) = self.0.split_first()?;
        let (word, rest) = rest.split_at_checked(len.into())?;
        self.0 = rest;
        Some(word)
    }
}

impl Words {
    /// Where a word stands in the list, whatever its case.
    pub(crate) fn place_of(mut self, word: &[u8]) -> Option<usize> {
        self.position(|known| known.eq_ignore_ascii_case(word))
    }
}

/// Whether a byte is among these, which are few. (`contains` is made for long texts.)
#[cfg_attr(fast, inline)]
#[cfg_attr(not(fast), inline(never))]
pub(crate) fn among(bytes: &[u8], byte: u8) -> bool {
    bytes.iter().fold(false, |found, known| found | (*known == byte))
}
