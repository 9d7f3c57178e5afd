//! Frames on a serial line: where a message begins and ends, and whether it came through whole.
//!
//! ```text
//! 00  COBS(tag, pickle, CRC-32 of both)  00
//! ```
//!
//! COBS (consistent overhead byte stuffing) removes every zero byte from a message at the cost of one byte in 254, so a
//! zero on the line always means "here a frame ends": whatever garbage came before, the next frame is read right. The
//! CRC-32 is zlib's, little-endian. The tag is chosen by the host, 1 to 255, and repeated in the answer, so that an
//! answer is never taken for that of another request; 0 marks an answer to something that was no frame. Zeros in a row
//! mean nothing; a frame starts with one to end whatever noise stood on the line.

use core::fmt;
use embedded_io::Write;

/// Bytes that a frame adds to a pickle: the tag and the check.
pub const OVERHEAD: usize = 5;

/// CRC-32 as zlib's, a byte at a time and without a table: a line of 115,200 baud leaves time enough.
#[derive(Clone, Copy)]
struct Crc(u32);

impl Crc {
    const NEW: Crc = Crc(!0);

    fn push(&mut self, byte: u8) {
        self.0 ^= u32::from(byte);
        for _ in 0..8 {
            self.0 = (self.0 >> 1) ^ (0xEDB8_8320 & (self.0 & 1).wrapping_neg());
        }
    }

    fn of(bytes: &[u8]) -> u32 {
        let mut crc = Crc::NEW;
        bytes.iter().for_each(|&byte| crc.push(byte));
        !crc.0
    }
}

/// What is wrong with a frame that came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Damage {
    /// The bytes between two zeros are no COBS, or their check is wrong.
    Garbled,
    /// The frame is longer than the buffer for it.
    TooLong,
    /// The line fell silent, or the receiver lost bytes, in the midst of a frame.
    Broken,
}

/// A frame that came through whole.
#[derive(Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// The host's number of the request.
    pub tag: u8,
    /// The message.
    pub pickle: &'a [u8],
}

/// Puts frames together from single bytes, in a buffer that also sets the longest frame.
pub struct Receiver<'a> {
    buffer: &'a mut [u8],
    length: usize,
    /// Bytes of the current COBS group still to come.
    group: u8,
    /// The current group stands for a zero after it, unless the frame ends there.
    zero: bool,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Idle,
    Inside,
    /// Everything up to the next zero is dropped.
    Overrun,
    /// The frame in the buffer has been handed out.
    Done,
}

impl<'a> Receiver<'a> {
    /// A receiver for frames of at most `buffer.len()` bytes: the pickle and [`OVERHEAD`].
    pub fn new(buffer: &'a mut [u8]) -> Self {
        Receiver { buffer, length: 0, group: 0, zero: false, state: State::Idle }
    }

    /// Takes the next byte from the line; true if it ended a frame, which [`Receiver::frame`] then gives.
    pub fn push(&mut self, byte: u8) -> bool {
        if self.state == State::Done {
            self.reset();
        }
        if byte == 0 {
            return self.state != State::Idle;
        }
        if self.state == State::Idle {
            self.state = State::Inside;
        }
        if self.group == 0 {
            if core::mem::replace(&mut self.zero, byte != 0xFF) {
                self.store(0);
            }
            self.group = byte - 1;
        } else {
            self.group -= 1;
            self.store(byte);
        }
        false
    }

    fn store(&mut self, byte: u8) {
        match self.buffer.get_mut(self.length) {
            Some(place) => {
                *place = byte;
                self.length += 1;
            }
            None => self.state = State::Overrun,
        }
    }

    fn reset(&mut self) {
        *self = Receiver {
            buffer: core::mem::take(&mut self.buffer),
            length: 0,
            group: 0,
            zero: false,
            state: State::Idle,
        };
    }

    /// The frame that just ended.
    pub fn frame(&mut self) -> Result<Frame<'_>, Damage> {
        let state = core::mem::replace(&mut self.state, State::Done);
        if state == State::Overrun {
            return Err(Damage::TooLong);
        }
        if self.group != 0 {
            return Err(Damage::Garbled);
        }
        let whole = self.buffer.get(..self.length).unwrap_or_default();
        let (message, check) = whole.split_last_chunk::<4>().ok_or(Damage::Garbled)?;
        if Crc::of(message) != u32::from_le_bytes(*check) {
            return Err(Damage::Garbled);
        }
        let (&tag, pickle) = message.split_first().ok_or(Damage::Garbled)?;
        Ok(Frame { tag, pickle })
    }

    /// The line fell silent or lost bytes: drops what has come of a frame. False if there was nothing to drop.
    pub fn interrupt(&mut self) -> bool {
        let inside = matches!(self.state, State::Inside | State::Overrun);
        self.reset();
        inside
    }
}

/// Sends one frame, as long as need be, through 254 bytes of memory.
pub struct Sender<'a, W> {
    port: &'a mut W,
    group: [u8; 254],
    length: usize,
    crc: Crc,
}

/// `write_all`, for a port that keeps its word and takes at least a byte each time; without that trait method's
/// panic.
fn send<W: Write>(port: &mut W, mut bytes: &[u8]) -> Result<(), W::Error> {
    while !bytes.is_empty() {
        let taken = port.write(bytes)?;
        bytes = bytes.get(taken.max(1)..).unwrap_or_default();
    }
    Ok(())
}

impl<'a, W: Write> Sender<'a, W> {
    /// Begins a frame.
    pub fn new(port: &'a mut W, tag: u8) -> Result<Self, W::Error> {
        send(port, &[0])?;
        let mut sender = Sender { port, group: [0; 254], length: 0, crc: Crc::NEW };
        sender.push(tag)?;
        Ok(sender)
    }

    fn push(&mut self, byte: u8) -> Result<(), W::Error> {
        self.crc.push(byte);
        self.stuff(byte)
    }

    fn stuff(&mut self, byte: u8) -> Result<(), W::Error> {
        if byte == 0 {
            return self.flush_group();
        }
        if let Some(place) = self.group.get_mut(self.length) {
            *place = byte;
            self.length += 1;
        }
        if self.length == self.group.len() { self.flush_group() } else { Ok(()) }
    }

    /// A group is a length and that many bytes; one that is not full has a zero after it.
    fn flush_group(&mut self) -> Result<(), W::Error> {
        let group = self.group.get(..self.length).unwrap_or_default();
        send(self.port, &[group.len() as u8 + 1])?;
        send(self.port, group)?;
        self.length = 0;
        Ok(())
    }

    /// Ends the frame with its check. (By reference, as a move would take its size of stack again.)
    pub fn finish(&mut self) -> Result<(), W::Error> {
        for byte in (!self.crc.0).to_le_bytes() {
            self.stuff(byte)?;
        }
        self.flush_group()?;
        send(self.port, &[0])?;
        self.port.flush()
    }
}

impl<W: Write> embedded_io::ErrorType for Sender<'_, W> {
    type Error = W::Error;
}

impl<W: Write> Write for Sender<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, W::Error> {
        bytes.iter().try_for_each(|&byte| self.push(byte))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<(), W::Error> {
        Ok(())
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Damage::Garbled => "garbled frame",
            Damage::TooLong => "frame too long",
            Damage::Broken => "broken frame",
        })
    }
}
