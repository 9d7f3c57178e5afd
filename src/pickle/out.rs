//! The bytes of a pickle on their way out: into a buffer, or through one into a sink; and the frames of protocol 4.
//!
//! Writing past the end of the buffer only counts, so that the error can say how many bytes are enough. What a sink does
//! not take is told at the end: [`Out::failed`].
//!
//! A frame's header is left open until the frame is closed. CPython's pickler closes a frame of 64 KiB before the next
//! value; `pickletools.optimize` before the next opcode. A frame of fewer than 4 bytes loses its header. Text and bytes of
//! 64 KiB stand outside of frames. Before a sink the buffer holds the open frame: one that is full closes it, and an opcode
//! longer than the buffer stands outside. A buffer under 1 KiB makes no frames.
#![deny(clippy::panic)]

use super::opcode::code::FRAME;

/// The size at which a frame is closed, and from which on text and bytes stand outside (`_FRAME_SIZE_TARGET`).
const FRAME_TARGET: usize = 64 * 1024;
/// The size under which a frame has no header (`_FRAME_SIZE_MIN`).
const FRAME_MIN: usize = 4;
/// FRAME and its length.
const FRAME_HEADER: usize = 9;
/// The smallest buffer before a sink that is used for frames: they would be short.
const FRAME_BUFFER: usize = 1024;
/// No frame is open, or none is wanted.
const NONE: u32 = u32::MAX;

/// Where bytes go that do not fit the buffer: true if they went.
pub(super) type Sink<'o> = &'o mut dyn FnMut(&[u8]) -> bool;

pub(super) struct Out<'o> {
    buf: &'o mut [u8],
    /// How much was written, past the buffer's end too, up to 4 GiB; with a sink, how much is in the buffer.
    at: u32,
    /// How far past the buffer's end something was to be written; 0 if nothing was. What is taken back later does not
    /// bring it back.
    lost: u32,
    /// From here on the next value must look at the frame, and the next opcode.
    value_limit: u32,
    opcode_limit: u32,
    /// Where the open frame's header stands.
    frame: u32,
    sink: Option<Sink<'o>>,
    /// What went into the sink.
    sunk: usize,
    /// The sink did not take something.
    failed: bool,
    /// There are frames.
    framed: bool,
    /// Frames are closed at opcodes, not only at values.
    fine: bool,
}

impl<'o> Out<'o> {
    /// Into this buffer; `fine` closes frames at opcodes.
    pub(super) fn new(buf: &'o mut [u8], sink: Option<Sink<'o>>, fine: bool) -> Self {
        let (at, limit, frame, sunk) = (0, NONE, NONE, 0);
        // No place in the buffer takes more than 31 bits.
        let most = buf.len().min(i32::MAX as usize);
        let buf = buf.get_mut(..most).unwrap_or_default();
        Out {
            buf,
            at,
            lost: 0,
            value_limit: limit,
            opcode_limit: limit,
            frame,
            sink,
            sunk,
            failed: false,
            framed: false,
            fine,
        }
    }

    /// From here on each value is [declined](Out::begin_word), for there are no frames and values want a second look.
    pub(super) fn decline_values(&mut self) {
        self.value_limit = 0;
    }

    /// From here on there are frames.
    pub(super) fn start_frames(&mut self) {
        if self.sink.is_none() || self.buf.len() >= FRAME_BUFFER {
            self.framed = true;
            self.open_frame();
        }
    }

    /// How many bytes there are so far.
    #[inline]
    pub(super) fn position(&self) -> usize {
        (self.at as usize).wrapping_add(self.sunk)
    }

    /// The same, where nothing went into a sink.
    #[inline]
    pub(super) fn place(&self) -> u32 {
        self.at
    }

    /// How many bytes there are, or are enough.
    pub(super) fn needed(&self) -> usize {
        self.position().max(self.lost as usize)
    }

    /// Whether the sink did not take something.
    pub(super) fn failed(&self) -> bool {
        self.failed
    }

    /// Before a value: a full frame is closed, a frame is open.
    pub(super) fn value(&mut self) {
        if self.at >= self.value_limit && self.framed {
            self.next_frame();
        }
    }

    /// The first two bytes.
    #[inline]
    pub(super) fn start(&mut self, bytes: [u8; 2]) {
        match self.end() {
            Some(to) => {
                *to = bytes;
                self.at = self.at.wrapping_add(2);
            }
            None => self.put(bytes),
        }
    }

    /// What can be written at the end: `N` bytes, if they are there.
    #[inline]
    fn end<const N: usize>(&mut self) -> Option<&mut [u8; N]> {
        // No sum of 32 bits is too large for 64.
        let at = self.at as usize;
        self.buf.get_mut(at..at.wrapping_add(N))?.first_chunk_mut::<N>()
    }

    /// An opcode that does not begin a value.
    #[inline]
    pub(super) fn opcode(&mut self, code: u8) {
        if self.at < self.opcode_limit
            && let Some(to) = self.end()
        {
            *to = [code];
            self.at = self.at.wrapping_add(1);
            return;
        }
        self.opcode_slowly(code);
    }

    #[cold]
    #[inline(never)]
    fn opcode_slowly(&mut self, code: u8) {
        if self.at >= self.opcode_limit {
            self.next_frame();
        }
        self.put([code]);
    }

    /// Two opcodes, of which the first begins a value, if there is room for both; otherwise nothing happens.
    #[inline]
    pub(super) fn begin_pair(&mut self, first: u8, second: u8) -> bool {
        let next = self.at.wrapping_add(1);
        if next < self.value_limit
            && let Some(to) = self.end()
        {
            *to = [first, second];
            self.at = next.wrapping_add(1);
            return true;
        }
        false
    }

    /// A value of one opcode, if there is room for it in the frame and the buffer; otherwise nothing happens.
    #[inline]
    pub(super) fn begin(&mut self, code: u8) -> bool {
        if self.at < self.value_limit
            && let Some(to) = self.end()
        {
            *to = [code];
            self.at = self.at.wrapping_add(1);
            return true;
        }
        false
    }

    /// A value of an opcode and the first of the 8 bytes of a word, `used` bytes in all; if there is room.
    #[cfg_attr(fast, inline(always))]
    pub(super) fn begin_word(&mut self, code: u8, word: u64, used: u32) -> bool {
        if self.at < self.value_limit
            && let Some([first, rest @ ..]) = self.end::<9>()
        {
            (*first, *rest) = (code, word.to_le_bytes());
            self.at = self.at.wrapping_add(used);
            return true;
        }
        false
    }

    /// A byte and the first of the 8 bytes of a word, `used` in all.
    pub(super) fn word(&mut self, code: u8, word: u64, used: u32) {
        let bytes = word.to_le_bytes();
        self.put_both(&[code], bytes.get(..(used as usize).wrapping_sub(1)).unwrap_or_default());
    }

    /// A whole opcode or a part of a line.
    pub(super) fn put<const N: usize>(&mut self, bytes: [u8; N]) {
        self.put_slice(&bytes);
    }

    /// An opcode, or a part of a line.
    pub(super) fn put_slice(&mut self, bytes: &[u8]) {
        self.put_both(&[], bytes);
    }

    /// An opcode: its head and what the head announces.
    #[inline(never)]
    fn put_both(&mut self, head: &[u8], tail: &[u8]) {
        let at = self.at as usize;
        let len = tail.len().wrapping_add(head.len());
        let to = self.buf.get_mut(at..).and_then(|rest| rest.get_mut(..len)?.split_at_mut_checked(head.len()));
        match to {
            Some((first, rest)) if rest.len() == tail.len() => {
                first.copy_from_slice(head);
                rest.copy_from_slice(tail);
            }
            _ => return self.put_slowly(head, tail),
        }
        self.at = self.at.wrapping_add(len as u32);
    }

    #[cold]
    #[inline(never)]
    fn put_slowly(&mut self, head: &[u8], tail: &[u8]) {
        let len = head.len().saturating_add(tail.len());
        if self.sink.is_none() {
            self.lose(len);
            return;
        }
        self.room(len);
        for part in [head, tail] {
            let at = self.at as usize;
            match self.buf.get_mut(at..at.saturating_add(part.len())) {
                Some(to) => {
                    to.copy_from_slice(part);
                    self.at = self.at.wrapping_add(part.len() as u32);
                }
                None => {
                    self.flush();
                    self.give(None, part);
                }
            }
        }
    }

    /// So many bytes find no room.
    fn lose(&mut self, len: usize) {
        self.at = self.at.saturating_add(u32::try_from(len).unwrap_or(u32::MAX));
        self.lost = self.lost.max(self.at);
    }

    /// Hands the buffer's first bytes, or others, to the sink.
    fn give(&mut self, own: Option<usize>, others: &[u8]) {
        let Some(sink) = &mut self.sink else { return };
        let bytes = own.map_or(Some(others), |len| self.buf.get(..len)).unwrap_or_default();
        self.sunk = self.sunk.saturating_add(bytes.len());
        self.failed = self.failed || !(bytes.is_empty() || sink(bytes));
    }

    /// Empties the buffer into the sink, if there is one.
    pub(super) fn flush(&mut self) {
        if self.sink.is_some() {
            self.give(Some(self.at as usize), &[]);
            self.at = 0;
        }
    }

    /// Before a sink: an opcode of `len` bytes comes. If the buffer has no room for it, the frame is closed; a new one takes
    /// the opcode, or if even that has no room, the next opcode opens one.
    fn room(&mut self, len: usize) {
        if self.sink.is_none() || (self.at as usize).saturating_add(len) <= self.buf.len() {
            return;
        }
        let open = self.frame != NONE;
        self.close_frame();
        self.flush();
        if open && len.saturating_add(FRAME_HEADER) <= self.buf.len() {
            self.next_frame();
        }
    }

    /// Text or bytes behind their opcode and a length of one byte.
    #[inline]
    pub(super) fn short_payload(&mut self, code: u8, len: u8, bytes: &[u8]) {
        if !self.try_payload(code, len, bytes) {
            self.payload([code, len], bytes);
        }
    }

    /// The same if there is room for it in the frame and the buffer; otherwise nothing happens.
    #[cfg_attr(fast, inline(always))]
    pub(super) fn try_payload(&mut self, code: u8, len: u8, bytes: &[u8]) -> bool {
        let at = self.at as usize;
        let end = at.wrapping_add(usize::from(len)).wrapping_add(2);
        if self.at < self.value_limit
            && let Some([first, second, to @ ..]) = self.buf.get_mut(at..end)
            && to.len() == bytes.len()
        {
            (*first, *second) = (code, len);
            to.copy_from_slice(bytes);
            self.at = end as u32;
            return true;
        }
        false
    }

    /// Text or bytes behind their opcode and length.
    pub(super) fn payload<const N: usize>(&mut self, header: [u8; N], bytes: &[u8]) {
        self.begin_payload(N, bytes.len());
        self.put_both(&header, bytes);
    }

    /// The opcode and length of text or bytes that come piece by piece.
    pub(super) fn payload_header<const N: usize>(&mut self, header: [u8; N], len: usize) {
        self.begin_payload(N, len);
        self.room(len.saturating_add(N));
        self.put(header);
    }

    /// Text or bytes come, with a header of so many bytes: outside of frames if they are long.
    fn begin_payload(&mut self, header: usize, len: usize) {
        let long = if self.fine { len.saturating_add(header) > FRAME_TARGET } else { len >= FRAME_TARGET };
        if long && self.framed {
            self.close_frame();
        } else {
            self.value();
        }
    }

    /// An opcode with its argument, as it stands in another pickle.
    pub(super) fn copy(&mut self, opcode: &[u8]) {
        if opcode.len() > FRAME_TARGET {
            self.close_frame();
        } else {
            self.value();
        }
        self.put_slice(opcode);
    }

    /// Lets `make` fill what is left of the buffer and say how much it used; `room` bytes are enough for it. False: a sink's
    /// buffer is too small for it.
    pub(super) fn fill(&mut self, room: usize, make: impl Fn(&mut [u8]) -> Option<usize>) -> bool {
        self.room(room);
        let used = self.buf.get_mut(self.at as usize..).and_then(make);
        match used {
            Some(used) => self.at = self.at.saturating_add(used as u32),
            None if self.sink.is_none() => self.lose(room),
            None => {}
        }
        used.is_some() || self.sink.is_none()
    }

    /// Closes a full frame and opens the next.
    #[cold]
    #[inline(never)]
    fn next_frame(&mut self) {
        self.close_frame();
        // Before a sink the frame has the buffer to itself.
        self.flush();
        self.open_frame();
    }

    #[inline]
    fn open_frame(&mut self) {
        self.frame = self.at;
        self.at = self.at.saturating_add(FRAME_HEADER as u32);
        let limit = self.at.saturating_add(FRAME_TARGET as u32);
        (self.value_limit, self.opcode_limit) = (limit, if self.fine { limit } else { NONE });
    }

    /// Closes the open frame, if there is one; the next opcode opens one again.
    #[cfg_attr(fast, inline(always))]
    pub(super) fn close_frame(&mut self) {
        if !self.framed {
            return;
        }
        (self.value_limit, self.opcode_limit) = (0, 0);
        let (header, end) = (core::mem::replace(&mut self.frame, NONE), self.at as usize);
        if header == NONE {
            return;
        }
        let header = header as usize;
        let first = header.saturating_add(FRAME_HEADER);
        let len = end.saturating_sub(first);
        if len < FRAME_MIN {
            if first <= end && end <= self.buf.len() {
                self.buf.copy_within(first..end, header);
            }
            self.at = self.at.saturating_sub(FRAME_HEADER as u32);
        } else if let Some([code, length @ ..]) = self.buf.get_mut(header..first)
            && let Some(length) = length.first_chunk_mut()
        {
            *code = FRAME;
            *length = (len as u64).to_le_bytes();
        }
    }

    /// Where an opcode can still be put in or taken out: nothing of the place is gone, and its frame is open.
    fn open_place(&self, at: usize) -> Option<usize> {
        let here = at.checked_sub(self.sunk)?;
        let place = !self.framed || (self.frame != NONE && here > self.frame as usize);
        place.then_some(here)
    }

    /// What was written behind a place, if it is all there and in the open frame.
    pub(super) fn behind(&mut self, at: usize) -> Option<&mut [u8]> {
        let at = self.open_place(at)?;
        self.buf.get_mut(at..self.at as usize)
    }

    /// Puts up to 12 bytes in at a place, moving what follows; false: it is gone, or its frame is, or there is no room.
    pub(super) fn insert(&mut self, at: usize, bytes: &[u8]) -> bool {
        let Some(at) = self.open_place(at) else { return false };
        let end = self.at as usize;
        let new_end = end.saturating_add(bytes.len());
        if new_end <= self.buf.len() && at <= end {
            self.buf.copy_within(at..end, at.wrapping_add(bytes.len()));
            if let Some(to) = self.buf.get_mut(at..).and_then(|rest| rest.get_mut(..bytes.len())) {
                to.copy_from_slice(bytes);
            }
        } else if self.sink.is_some() {
            return false;
        } else {
            self.lose(bytes.len());
            return true;
        }
        self.at = self.at.saturating_add(bytes.len() as u32);
        true
    }

    /// Takes back the byte at `at`, moving what follows; false: it is gone, or its frame is.
    pub(super) fn take_back(&mut self, at: usize) -> bool {
        let Some(at) = self.open_place(at) else { return false };
        let end = self.at as usize;
        if end <= self.buf.len() && at < end {
            self.buf.copy_within(at.wrapping_add(1)..end, at);
        }
        self.at = self.at.saturating_sub(1);
        true
    }
}
