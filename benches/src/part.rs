//! The part that every entrant runs on: larder's `SimFlash` behind a shared handle, with the time that a W25Q128 at 32 MHz
//! would take.

use std::cell::RefCell;
use std::rc::Rc;

use embedded_storage::nor_flash::{ErrorType, MultiwriteNorFlash, NorFlash, ReadNorFlash};
use larder::flash::{Counters, Error, SimFlash, Tear};

/// The word of all parts here, in bytes.
pub const WORD: usize = 4;

/// Microseconds of a W25Q128 on a 32 MHz bus: 5 for a command, 0.25 a byte; 30 for the first byte of a page program and 2.5
/// for each after it, 700 at most; 45 ms for a sector.
mod cost {
    pub const COMMAND: f64 = 5.0;
    pub const BYTE: f64 = 0.25;
    pub const PROGRAM_FIRST: f64 = 30.0;
    pub const PROGRAM_NEXT: f64 = 2.5;
    pub const PROGRAM_MOST: f64 = 700.0;
    pub const PAGE: usize = 256;
    pub const ERASE: f64 = 45_000.0;
}

struct Inner<const ERASE: usize> {
    flash: SimFlash<'static, WORD, ERASE>,
    microseconds: f64,
}

/// A handle: the store holds one, the bench another.
#[derive(Clone)]
pub struct Part<const ERASE: usize>(Rc<RefCell<Inner<ERASE>>>);

/// What was done to a part up to a moment.
#[derive(Clone, Copy, Default)]
pub struct Moment {
    pub counters: Counters,
    pub microseconds: f64,
}

impl Moment {
    /// From `earlier` to now.
    pub fn since(&self, earlier: &Moment) -> Moment {
        let (now, then) = (self.counters, earlier.counters);
        let mut counters = Counters::default();
        counters.reads = now.reads - then.reads;
        counters.read_bytes = now.read_bytes - then.read_bytes;
        counters.programs = now.programs - then.programs;
        counters.program_bytes = now.program_bytes - then.program_bytes;
        counters.erases = now.erases - then.erases;
        Moment { counters, microseconds: self.microseconds - earlier.microseconds }
    }

    pub fn milliseconds(&self) -> f64 {
        self.microseconds / 1000.0
    }
}

impl<const ERASE: usize> Part<ERASE> {
    /// An erased part. Some peers program words twice, so it is lenient unless `strict`.
    pub fn new(sectors: usize, strict: bool) -> Self {
        let flash = SimFlash::owned(sectors).expect("a possible geometry");
        let flash = if strict { flash } else { flash.lenient() };
        Part(Rc::new(RefCell::new(Inner { flash, microseconds: 0.0 })))
    }

    pub fn moment(&self) -> Moment {
        let inner = self.0.borrow();
        Moment { counters: inner.flash.counters(), microseconds: inner.microseconds }
    }

    pub fn wear(&self) -> Vec<u32> {
        self.0.borrow().flash.wear().to_vec()
    }

    pub fn cut_after(&self, operations: u64, tear: Tear) {
        self.0.borrow_mut().flash.cut_after(operations, tear);
    }

    pub fn restore_power(&self) {
        self.0.borrow_mut().flash.restore_power();
    }

    pub fn sectors(&self) -> usize {
        self.capacity() / ERASE
    }
}

impl<const ERASE: usize> ErrorType for Part<ERASE> {
    type Error = Error;
}

impl<const ERASE: usize> ReadNorFlash for Part<ERASE> {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Error> {
        let mut inner = self.0.borrow_mut();
        inner.microseconds += cost::COMMAND + cost::BYTE * bytes.len() as f64;
        inner.flash.read(offset, bytes)
    }

    fn capacity(&self) -> usize {
        self.0.borrow().flash.capacity()
    }
}

impl<const ERASE: usize> NorFlash for Part<ERASE> {
    const WRITE_SIZE: usize = WORD;
    const ERASE_SIZE: usize = ERASE;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), Error> {
        let mut inner = self.0.borrow_mut();
        inner.microseconds += (to.saturating_sub(from) as usize / ERASE) as f64 * (cost::COMMAND + cost::ERASE);
        inner.flash.erase(from, to)
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Error> {
        let mut inner = self.0.borrow_mut();
        let (mut at, mut left) = (offset as usize, bytes.len());
        while left > 0 {
            let page = (cost::PAGE - at % cost::PAGE).min(left);
            let cells = (cost::PROGRAM_FIRST + cost::PROGRAM_NEXT * (page - 1) as f64).min(cost::PROGRAM_MOST);
            inner.microseconds += cost::COMMAND + cost::BYTE * page as f64 + cells;
            (at, left) = (at + page, left - page);
        }
        inner.flash.write(offset, bytes)
    }
}

impl<const ERASE: usize> MultiwriteNorFlash for Part<ERASE> {}

impl<const ERASE: usize> embedded_storage_async::nor_flash::ReadNorFlash for Part<ERASE> {
    const READ_SIZE: usize = 1;

    async fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Error> {
        ReadNorFlash::read(self, offset, bytes)
    }

    fn capacity(&self) -> usize {
        ReadNorFlash::capacity(self)
    }
}

impl<const ERASE: usize> embedded_storage_async::nor_flash::NorFlash for Part<ERASE> {
    const WRITE_SIZE: usize = WORD;
    const ERASE_SIZE: usize = ERASE;

    async fn erase(&mut self, from: u32, to: u32) -> Result<(), Error> {
        NorFlash::erase(self, from, to)
    }

    async fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Error> {
        NorFlash::write(self, offset, bytes)
    }
}

impl<const ERASE: usize> embedded_storage_async::nor_flash::MultiwriteNorFlash for Part<ERASE> {}
