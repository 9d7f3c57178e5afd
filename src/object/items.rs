//! What stands in containers, in stream order: [`Words`], and the [`Items`] and [`Pairs`] made of them.
//!
//! Contract: a row or a ring of chunks is gone through once, whatever stands in it; what is cut off has no more words.

use super::slot::{Slot, Tag};
use super::tree::Tree;
use super::view::Object;

/// Words in order: of one row, or of a ring of chunks.
#[derive(Clone)]
pub(crate) struct Words<'a> {
    now: core::slice::Iter<'a, Slot>,
    /// The chunk that is being read and the last of the ring; the same when this is the last.
    next: usize,
    last: usize,
    done: bool,
    only: Option<Tag>,
}

impl<'a> Words<'a> {
    /// The words of a row.
    #[inline]
    pub(crate) fn slice(words: &'a [Slot]) -> Self {
        Words { now: words.iter(), next: 0, last: 0, done: true, only: None }
    }

    /// The words of all chunks of a header, or of those with one tag.
    #[inline]
    pub(crate) fn ring(tree: &Tree<'a>, header: usize, only: Option<Tag>) -> Self {
        let last = tree.slot(header).payload();
        if last == 0 {
            return Words::slice(&[]);
        }
        let (_, _, first) = tree.chunk(last);
        let mut words = Words { now: [].iter(), next: first, last, done: false, only };
        words.turn(tree);
        words
    }

    /// Goes to the next chunk that counts.
    fn turn(&mut self, tree: &Tree<'a>) {
        while !self.done {
            let at = self.next;
            let (head, words, next) = tree.chunk(at);
            self.next = next;
            self.done = at == self.last;
            if self.only.is_none_or(|only| only == head.tag()) && !words.is_empty() {
                self.now = words.iter();
                return;
            }
        }
    }

    /// The next word.
    #[inline]
    pub(crate) fn next(&mut self, tree: &Tree<'a>) -> Option<Slot> {
        if let Some(word) = self.now.next() {
            return Some(*word);
        }
        if self.done {
            return None;
        }
        self.turn(tree);
        self.now.next().copied()
    }

    /// How many words are left.
    pub(crate) fn left(&self, tree: &Tree<'a>) -> usize {
        let mut words = self.clone();
        let mut left = words.now.len();
        while !words.done {
            words.now = [].iter();
            words.turn(tree);
            left = left.saturating_add(words.now.len());
        }
        left
    }
}

/// The items of a container, in stream order.
#[derive(Clone)]
pub struct Items<'a> {
    pub(super) tree: Tree<'a>,
    pub(crate) words: Words<'a>,
}

#[cfg(feature = "defmt")]
impl defmt::Format for Items<'_> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Items");
    }
}

impl<'a> Iterator for Items<'a> {
    type Item = Object<'a>;

    fn next(&mut self) -> Option<Object<'a>> {
        let word = self.words.next(&self.tree)?;
        Some(Object { tree: self.tree, word })
    }

    fn count(self) -> usize {
        self.words.left(&self.tree)
    }
}

/// The pairs of a dict, in stream order.
#[derive(Clone)]
pub struct Pairs<'a>(pub(super) Items<'a>);

#[cfg(feature = "defmt")]
impl defmt::Format for Pairs<'_> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Pairs");
    }
}

impl<'a> Iterator for Pairs<'a> {
    type Item = (Object<'a>, Object<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        Some((self.0.next()?, self.0.next()?))
    }
}
