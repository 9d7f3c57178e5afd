//! The serial line to the board's USB interface: the nRF51's UART at 115,200 baud, 8 bits, no parity, no handshake.
//!
//! The receiver holds six bytes and the CPU stands still while flash is erased, so a host sends its next request after
//! the answer to the last: no byte comes in while the store works.

use embedded_io::{ErrorKind, ErrorType, Read, Write};
use nrf51_pac::{CLOCK, GPIO, TIMER0, UART0};

/// The micro:bit's wires to its USB interface.
const TXD: u32 = 24;
const RXD: u32 = 25;

/// A line that has been silent for so long, in µs, has nothing more to say for now.
const SILENCE: u32 = 1_000_000;

pub struct Uart {
    uart: UART0,
    timer: TIMER0,
}

/// What reading can end with, other than a byte.
#[derive(Debug)]
pub enum Error {
    /// Nothing came for a second.
    Silence,
    /// Bytes came faster than they were read, or were none (a break, a wrong baud rate).
    Lost,
}

impl Uart {
    pub fn new(uart: UART0, timer: TIMER0, gpio: &GPIO, clock: &CLOCK) -> Self {
        // The crystal: the chip's own oscillator may be off by more than a serial line bears.
        // SAFETY (here and below): these registers take any value; the bits written are those the manual names.
        unsafe {
            clock.tasks_hfclkstart.write(|w| w.bits(1));
            while clock.events_hfclkstarted.read().bits() == 0 {}

            gpio.outset.write(|w| w.bits(1 << TXD));
            gpio.pin_cnf[TXD as usize].write(|w| w.dir().output());
            gpio.pin_cnf[RXD as usize].write(|w| w.dir().input().input().connect().pull().pullup());
            uart.pseltxd.write(|w| w.bits(TXD));
            uart.pselrxd.write(|w| w.bits(RXD));
        }
        uart.baudrate.write(|w| w.baudrate().baud115200());
        uart.enable.write(|w| w.enable().enabled());
        // SAFETY: as above. The timer counts microseconds: 16 MHz by two to the fourth.
        unsafe {
            uart.events_txdrdy.write(|w| w.bits(0));
            uart.events_rxdrdy.write(|w| w.bits(0));
            uart.tasks_starttx.write(|w| w.bits(1));
            uart.tasks_startrx.write(|w| w.bits(1));
            timer.bitmode.write(|w| w.bitmode()._32bit());
            timer.prescaler.write(|w| w.bits(4));
            timer.tasks_start.write(|w| w.bits(1));
        }
        Uart { uart, timer }
    }

    fn now(&self) -> u32 {
        // SAFETY: a task takes any value.
        self.timer.tasks_capture[0].write(|w| unsafe { w.bits(1) });
        self.timer.cc[0].read().bits()
    }

    fn byte(&mut self) -> Result<u8, Error> {
        let start = self.now();
        while self.uart.events_rxdrdy.read().bits() == 0 {
            if self.now().wrapping_sub(start) > SILENCE {
                return Err(Error::Silence);
            }
        }
        // The event first, then the byte: taking the byte is what brings the next event.
        // SAFETY: an event is cleared by writing zero, an error by writing its bit.
        unsafe { self.uart.events_rxdrdy.write(|w| w.bits(0)) };
        let byte = self.uart.rxd.read().rxd().bits();
        let errors = self.uart.errorsrc.read().bits();
        if errors != 0 {
            // SAFETY: as above.
            unsafe { self.uart.errorsrc.write(|w| w.bits(errors)) };
            return Err(Error::Lost);
        }
        Ok(byte)
    }
}

impl embedded_io::Error for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Error::Silence => ErrorKind::TimedOut,
            Error::Lost => ErrorKind::InvalidData,
        }
    }
}

impl core::fmt::Display for Error {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Error::Silence => "the line is silent",
            Error::Lost => "bytes were lost",
        })
    }
}

impl core::error::Error for Error {}

impl ErrorType for Uart {
    type Error = Error;
}

impl Read for Uart {
    fn read(&mut self, bytes: &mut [u8]) -> Result<usize, Error> {
        let Some(first) = bytes.first_mut() else { return Ok(0) };
        *first = self.byte()?;
        Ok(1)
    }
}

impl Write for Uart {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Error> {
        for &byte in bytes {
            // SAFETY: any byte may be sent, and an event is cleared by writing zero.
            unsafe {
                self.uart.txd.write(|w| w.txd().bits(byte));
                while self.uart.events_txdrdy.read().bits() == 0 {}
                self.uart.events_txdrdy.write(|w| w.bits(0));
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<(), Error> {
        Ok(())
    }
}
