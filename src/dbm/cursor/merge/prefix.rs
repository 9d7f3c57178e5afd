//! The prefixes by which the merge compares: a few bits of each page's next key, behind what the nearest keys have in common.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use embedded_storage::nor_flash::NorFlash;

use super::{SHORT, SPENT};
use crate::dbm::Dbm;
use crate::dbm::format::KEY_MAX;

/// Bits of a key in a page's word. Above them is the record's rank, or where records are walked how many have been met then.
pub(super) const PREFIX: u32 = 18;
/// A prefix behind all that are near.
pub(super) const FAR: u32 = (1 << PREFIX) - 1;

/// How bytes of keys become a prefix: the fewer letters there are, the more of them fit.
pub(super) struct Alphabet {
    low: i32,
    letters: i32,
    /// Letters in a prefix, and bits that they need beyond it.
    count: usize,
    spare: u32,
}

const BYTES: Alphabet = Alphabet { low: 0, letters: 256, count: 3, spare: 24 - PREFIX };
/// Digits, those of words and paths (`-` to `z`), and all.
const ALPHABETS: [Alphabet; 3] = [
    Alphabet { low: b'0' as i32, letters: 10, count: 5, spare: 0 },
    Alphabet { low: b'-' as i32, letters: 78, count: 3, spare: 19 - PREFIX },
    BYTES,
];

impl Alphabet {
    fn has(&self, byte: u8) -> bool {
        (0..self.letters).contains(&(i32::from(byte) - self.low))
    }
}

impl<F: NorFlash> Dbm<'_, F> {
    /// Finds how many bytes the nearest keys have in common, and each page's prefix after them.
    pub(super) fn refresh(&mut self, buf: &mut [u8; KEY_MAX]) {
        let guess = core::mem::replace(&mut self.guess, SHORT);
        // What all keys have in common, and the most that the nearest has with another one.
        let (mut len, mut least, mut most) = (None, KEY_MAX, 0);
        for place in 0..self.merge.pages {
            let page = self.table.order(place);
            let word = self.table.data(page);
            if word == SPENT {
                continue;
            }
            self.look_rank(page, word >> PREFIX);
            let key = buf.get(..len.unwrap_or(0)).unwrap_or(&[]);
            let order = self.log.order(key) * self.sign();
            if len.is_some() {
                let common = self.common(key);
                least = least.min(common);
                if order != 0 {
                    most = if order < 0 { common } else { most.max(common) };
                }
            }
            if len.is_none() || order < 0 {
                len = Some(self.log.name(buf).len());
            }
        }
        let nearest = buf.get(..len.unwrap_or(0)).unwrap_or(&[]);
        // Prefixes of two bytes and a bit must tell the nearest from the next, or else all from one another.
        let least = least.min(nearest.len());
        let skip = if most >= least + 2 { most } else { least };
        self.merge.skip = skip as u8;
        let rest = nearest.get(skip..).unwrap_or(&[]);
        // The smallest that the near keys are made of: those beyond an alphabet would all look alike.
        for alphabet in &ALPHABETS {
            if !rest.iter().take(alphabet.count).all(|byte| alphabet.has(*byte)) {
                continue;
            }
            (self.merge.alphabet, self.merge.misfit) = (Some(alphabet), false);
            for place in 0..self.merge.pages {
                let page = self.table.order(place);
                let word = self.table.data(page);
                if word != SPENT && !self.merge.misfit {
                    self.put_rank(page, Some(word >> PREFIX), nearest);
                }
            }
            if !self.merge.misfit {
                break;
            }
        }
        self.guess = guess;
    }

    /// How many bytes the name of the record looked at has in common with a key.
    #[inline(never)]
    fn common(&mut self, key: &[u8]) -> usize {
        let (page, mut at, end) = (self.log.cur.page, self.log.cur.key_at(), self.log.cur.value_at());
        let (mut rest, mut common) = (key.iter(), 0);
        while at < end {
            let bytes = self.log.run(page, &mut at, end);
            let same = bytes.iter().zip(rest.by_ref()).take_while(|(our, their)| our == their).count();
            common += same;
            if same < bytes.len() {
                break;
            }
        }
        common
    }

    /// The prefix of the record looked at, if its key begins like `key`; else it is far.
    pub(super) fn near(&mut self, key: &[u8]) -> u32 {
        let skip = u32::from(self.merge.skip);
        if self.common(key) < skip as usize {
            return FAR;
        }
        let record = self.log.cur;
        let mut bytes = [0; 5];
        let len = (record.key_len() - skip).min(5) as usize;
        let rest = bytes.get_mut(..len).unwrap_or(&mut []);
        self.log.copy(record.page, record.key_at() + skip, rest);
        let Alphabet { low, letters, count, spare } = *self.merge.alphabet.unwrap_or(&BYTES);
        let (mut prefix, mut edge) = (0, None);
        for (i, byte) in bytes.into_iter().take(count).enumerate() {
            let letter = i32::from(byte) - low;
            let inside = letter.clamp(0, letters - 1);
            prefix = prefix * letters + edge.unwrap_or(inside);
            if inside != letter {
                // What follows a byte that is none of the letters does not count.
                edge = edge.or(Some(inside));
                self.merge.misfit |= i < len;
            }
        }
        let prefix = (prefix >> spare) as u32;
        let prefix = if self.merge.forward { prefix } else { FAR - 1 - prefix.min(FAR - 1) };
        prefix.min(FAR - 1)
    }
}
