//! The bytes of a pickle on their way out: into a buffer, or through one into a sink; and the frames of protocol 4.
//!
//! Writing past the end of the buffer only counts, so that the error can say how many bytes are enough.
//!
//! A frame's header is left open until the frame is closed. CPython's pickler closes a frame of 64 KiB before the next
//! value; `pickletools.optimize` before the next opcode. A frame of fewer than 4 bytes loses its header. Text and bytes of
//! 64 KiB stand outside of frames.
#![deny(clippy::panic)]

use super::opcode::code::FRAME;
use crate::object::Refused;

/// The size at which a frame is closed, and from which on text and bytes stand outside (`_FRAME_SIZE_TARGET`).
const FRAME_TARGET: usize = 64 * 1024;
/// The size under which a frame has no header (`_FRAME_SIZE_MIN`).
const FRAME_MIN: usize = 4;
/// FRAME and its length.
const FRAME_HEADER: usize = 9;
/// No frame is open, or none is wanted.
const NONE: usize = usize::MAX;

/// Where bytes go that do not fit the buffer: true if they went.
pub(super) type Sink<'o> = &'o mut dyn FnMut(&[u8]) -> bool;

pub(super) struct Out<'o> {
    buf: &'o mut [u8],
    sink: Option<Sink<'o>>,
    /// How much was written, past the buffer's end too; with a sink, how much is in the buffer.
    at: usize,
    /// What went into the sink.
    sunk: usize,
    /// Where the open frame's header stands.
    frame: usize,
    /// From here on the next value must look at the frame, and the next opcode.
    value_limit: usize,
    opcode_limit: usize,
    /// Frames are closed at opcodes, not only at values.
    fine: bool,
}

impl<'o> Out<'o> {
    /// Into this buffer. With `framed` frames are made; `fine` closes them at opcodes.
    pub(super) fn new(buf: &'o mut [u8], sink: Option<Sink<'o>>, fine: bool) -> Self {
        Out { buf, sink, at: 0, sunk: 0, frame: NONE, value_limit: NONE, opcode_limit: NONE, fine }
    }

    /// From here on there are frames. A sink gets none: their length comes first.
    pub(super) fn start_frames(&mut self) {
        if self.sink.is_none() {
            (self.value_limit, self.opcode_limit) = (0, 0);
        }
    }

    /// How many bytes there are so far.
    #[inline]
    pub(super) fn position(&self) -> usize {
        self.at.wrapping_add(self.sunk)
    }

    /// The bytes written, or how many there would be.
    pub(super) fn finish(self) -> Result<&'o mut [u8], usize> {
        let at = self.at;
        self.buf.get_mut(..at).ok_or(at)
    }

    /// Before a value: a full frame is closed, a frame is open.
    #[inline]
    pub(super) fn value(&mut self) {
        if self.at >= self.value_limit {
            self.next_frame();
        }
    }

    /// An opcode that does not begin a value.
    #[inline]
    pub(super) fn opcode(&mut self, code: u8) -> Result<(), Refused> {
        if self.at >= self.opcode_limit {
            self.next_frame();
        }
        self.put([code])
    }

    /// A few bytes.
    #[inline]
    pub(super) fn put<const N: usize>(&mut self, bytes: [u8; N]) -> Result<(), Refused> {
        match self.buf.get_mut(self.at..).and_then(|rest| rest.first_chunk_mut::<N>()) {
            Some(to) => *to = bytes,
            None => return self.put_slowly(&bytes),
        }
        self.at = self.at.wrapping_add(N);
        Ok(())
    }

    /// Any number of bytes.
    #[inline]
    pub(super) fn put_slice(&mut self, bytes: &[u8]) -> Result<(), Refused> {
        match self.buf.get_mut(self.at..).and_then(|rest| rest.get_mut(..bytes.len())) {
            Some(to) => to.copy_from_slice(bytes),
            None => return self.put_slowly(bytes),
        }
        self.at = self.at.wrapping_add(bytes.len());
        Ok(())
    }

    #[cold]
    #[inline(never)]
    fn put_slowly(&mut self, bytes: &[u8]) -> Result<(), Refused> {
        if self.sink.is_none() {
            self.at = self.at.saturating_add(bytes.len());
            return Ok(());
        }
        self.flush()?;
        match self.buf.get_mut(..bytes.len()) {
            Some(to) => {
                to.copy_from_slice(bytes);
                self.at = bytes.len();
                Ok(())
            }
            None => self.sink(bytes),
        }
    }

    fn sink(&mut self, bytes: &[u8]) -> Result<(), Refused> {
        let Some(sink) = &mut self.sink else { return Ok(()) };
        self.sunk = self.sunk.saturating_add(bytes.len());
        if sink(bytes) { Ok(()) } else { Err(Refused::Write) }
    }

    /// Empties the buffer into the sink, if there is one.
    pub(super) fn flush(&mut self) -> Result<(), Refused> {
        let at = self.at;
        let (Some(sink), Some(bytes)) = (&mut self.sink, self.buf.get(..at)) else { return Ok(()) };
        (self.at, self.sunk) = (0, self.sunk.saturating_add(at));
        if sink(bytes) { Ok(()) } else { Err(Refused::Write) }
    }

    /// Text or bytes behind their opcode and length.
    #[inline]
    pub(super) fn payload<const N: usize>(&mut self, header: [u8; N], bytes: &[u8]) -> Result<(), Refused> {
        self.payload_header(header, bytes.len())?;
        self.put_slice(bytes)
    }

    /// The opcode and length of text or bytes, outside of frames if they are long.
    #[inline]
    pub(super) fn payload_header<const N: usize>(&mut self, header: [u8; N], len: usize) -> Result<(), Refused> {
        let long = if self.fine { len.saturating_add(N) > FRAME_TARGET } else { len >= FRAME_TARGET };
        if long && self.value_limit != NONE {
            self.close_frame();
        } else {
            self.value();
        }
        self.put(header)
    }

    /// An opcode with its argument, as it stands in another pickle.
    pub(super) fn copy(&mut self, opcode: &[u8]) -> Result<(), Refused> {
        if opcode.len() > FRAME_TARGET {
            self.close_frame();
        } else {
            self.value();
        }
        self.put_slice(opcode)
    }

    /// Lets `make` fill what is left of the buffer and say how much it used; `room` bytes are enough for it.
    pub(super) fn fill(&mut self, room: usize, make: impl Fn(&mut [u8]) -> Option<usize>) -> Result<(), Refused> {
        if self.sink.is_some() {
            self.flush()?;
        }
        let used = self.buf.get_mut(self.at..).and_then(make);
        if used.is_none() && self.sink.is_some() {
            return Err(Refused::TooLong);
        }
        self.at = self.at.saturating_add(used.unwrap_or(room));
        Ok(())
    }

    /// Closes a full frame and opens the next.
    #[cold]
    #[inline(never)]
    fn next_frame(&mut self) {
        self.close_frame();
        self.frame = self.at;
        self.at = self.at.saturating_add(FRAME_HEADER);
        self.value_limit = self.at.saturating_add(FRAME_TARGET);
        self.opcode_limit = if self.fine { self.value_limit } else { NONE };
    }

    /// Closes the open frame, if there is one; the next opcode opens one again.
    pub(super) fn close_frame(&mut self) {
        if self.value_limit == NONE {
            return;
        }
        (self.value_limit, self.opcode_limit) = (0, 0);
        let (header, at) = (core::mem::replace(&mut self.frame, NONE), self.at);
        if header == NONE {
            return;
        }
        let first = header.saturating_add(FRAME_HEADER);
        let len = at.saturating_sub(first);
        if len < FRAME_MIN {
            if first <= at && at <= self.buf.len() {
                self.buf.copy_within(first..at, header);
            }
            self.at = at.saturating_sub(FRAME_HEADER);
        } else if let Some([code, length @ ..]) = self.buf.get_mut(header..first) {
            *code = FRAME;
            length.copy_from_slice(&(len as u64).to_le_bytes());
        }
    }

    /// Whether an opcode can still be put in at `at`: nothing of it is gone, and its frame is open.
    pub(super) fn can_insert(&self, at: usize) -> bool {
        self.sink.is_none() && (self.value_limit == NONE || (self.frame != NONE && at > self.frame))
    }

    /// Puts bytes in at a place, moving what follows.
    pub(super) fn insert(&mut self, at: usize, bytes: &[u8]) {
        let end = self.at;
        self.at = end.saturating_add(bytes.len());
        if self.at <= self.buf.len() && at <= end {
            self.buf.copy_within(at..end, at.wrapping_add(bytes.len()));
            if let Some(to) = self.buf.get_mut(at..).and_then(|rest| rest.get_mut(..bytes.len())) {
                to.copy_from_slice(bytes);
            }
        }
    }

    /// Takes back the last byte, if it was written at `at`.
    pub(super) fn take_back(&mut self, at: usize) -> bool {
        let last = self.sink.is_none() && self.at.checked_sub(1) == Some(at);
        if last {
            self.at = at;
        }
        last
    }
}
