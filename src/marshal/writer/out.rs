//! The bytes of marshal data on their way into a buffer. Past its end they are only counted, so that the error can say how
//! many are enough.

use crate::marshal::SHORT_WAYS;

pub(super) struct Out<'o> {
    buf: &'o mut [u8],
    /// How much was written, past the buffer's end too, up to 4 GiB.
    at: u32,
}

impl<'o> Out<'o> {
    pub(super) fn new(buf: &'o mut [u8]) -> Self {
        Out { buf, at: 0 }
    }

    /// How many bytes there are so far.
    #[inline]
    pub(super) fn at(&self) -> usize {
        self.at as usize
    }

    /// What was written from a place on; less, if the buffer is full.
    pub(super) fn since(&mut self, first: usize) -> &mut [u8] {
        let end = self.at().min(self.buf.len());
        self.buf.get_mut(first..end).unwrap_or_default()
    }

    /// A type code and the first `used` of the 8 bytes of a word.
    #[inline]
    pub(super) fn put_word(&mut self, code: u8, word: u64, used: u32) {
        // No sum of 32 bits is too large for 64.
        let at = self.at as usize;
        if SHORT_WAYS
            && let Some(to) = self.buf.get_mut(at..at.wrapping_add(9))
            && let Some([first, rest @ ..]) = to.first_chunk_mut::<9>()
        {
            (*first, *rest) = (code, word.to_le_bytes());
            self.at = self.at.wrapping_add(used).wrapping_add(1);
        } else {
            self.put_slowly(code, word, used);
        }
    }

    #[inline(never)]
    fn put_slowly(&mut self, code: u8, word: u64, used: u32) {
        self.put(&[code], word.to_le_bytes().get(..used as usize).unwrap_or_default());
    }

    /// A few bytes and what they announce.
    #[cfg_attr(fast, inline)]
    #[cfg_attr(not(fast), inline(never))]
    pub(super) fn put(&mut self, head: &[u8], body: &[u8]) {
        let at = self.at as usize;
        let len = head.len().saturating_add(body.len());
        if let Some(to) = self.buf.get_mut(at..).and_then(|rest| rest.get_mut(..len))
            && let Some((first, rest)) = to.split_at_mut_checked(head.len())
        {
            first.copy_from_slice(head);
            rest.copy_from_slice(body);
            self.at = self.at.wrapping_add(len as u32);
        } else {
            self.count(len);
        }
    }

    /// A byte.
    #[inline]
    pub(super) fn put_byte(&mut self, byte: u8) {
        if SHORT_WAYS && let Some(to) = self.buf.get_mut(self.at as usize) {
            *to = byte;
            self.at = self.at.wrapping_add(1);
        } else {
            self.put(&[byte], &[]);
        }
    }

    /// Room for so many bytes, which the caller fills; `None` past the buffer's end.
    pub(super) fn room(&mut self, len: usize) -> Option<&mut [u8]> {
        let at = self.at();
        self.count(len);
        self.buf.get_mut(at..at.saturating_add(len))
    }

    /// Bytes that are not written.
    #[inline(never)]
    fn count(&mut self, len: usize) {
        self.at = self.at.saturating_add(u32::try_from(len).unwrap_or(u32::MAX));
    }

    /// As [`Out::count`], from a place on.
    pub(super) fn count_from(&mut self, first: usize, len: usize) {
        self.at = first as u32;
        self.count(len);
    }

    /// Writes a number over one that was left open.
    pub(super) fn patch(&mut self, at: u32, number: u32) {
        if let Some(to) = self.buf.get_mut(at as usize..).and_then(|rest| rest.first_chunk_mut::<4>()) {
            *to = number.to_le_bytes();
        }
    }
}
