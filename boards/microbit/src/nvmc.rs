//! The flash of the nRF51, written through its NVMC (non-volatile memory controller).
//!
//! From the nRF51 series reference manual, "NVMC": flash is read like any memory; a word of 32 bits is programmed by
//! storing it while `CONFIG.WEN` is set; a page of 1 KiB is erased by writing its address to `ERASEPAGE` while
//! `CONFIG.EEN` is set; `READY` tells when either is done, and while it runs the CPU waits for its next instruction (an
//! erase takes some 21 ms, a word some 46 µs). A word may be programmed twice between erases; larder does it once. Each
//! page endures 20,000 erases. Pages that UICR or MPU protect fault when written: nothing is protected unless asked for.

use cortex_m::asm::dmb;
use embedded_storage::nor_flash::{
    ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash, check_erase, check_read, check_write,
};
use nrf51_pac::NVMC;
use nrf51_pac::nvmc::config::WEN_A;

/// Bytes of a page, which the chip tells in `FICR.CODEPAGESIZE` as well.
const PAGE: usize = 1024;
/// Bytes of flash (`FICR.CODESIZE` pages): 256 KiB on the chip of the micro:bit.
const CAPACITY: usize = 256 * PAGE;

/// The whole flash of the chip, the running program included: take a `Region` of it.
pub struct Nvmc(NVMC);

/// What a call on the flash can be refused for.
#[derive(Debug)]
pub enum Error {
    /// The arguments are out of bounds or not aligned.
    Range(NorFlashErrorKind),
    /// The word does not hold what was programmed: it was not erased, or it is worn out.
    NotProgrammed,
}

impl Nvmc {
    /// Takes the controller.
    pub fn new(nvmc: NVMC) -> Self {
        Nvmc(nvmc)
    }

    fn wait(&self) {
        // What was stored reaches the controller before its answer is asked for, and no read of flash is moved here.
        dmb();
        while self.0.ready.read().ready().is_busy() {}
        dmb();
    }

    fn configure(&self, mode: WEN_A) {
        self.0.config.write(|w| w.wen().variant(mode));
        self.wait();
    }

    fn program(&self, address: u32, word: u32) -> Result<(), Error> {
        let place = core::ptr::with_exposed_provenance_mut::<u32>(address as usize);
        // SAFETY: `check_write` has held `address` to whole words within the flash, where a store can do no more than
        // program a word; the program's own pages are out of reach behind the `Region` that wraps this part.
        unsafe { place.write_volatile(word) };
        self.wait();
        // SAFETY: as above, and any word of flash may be read.
        if unsafe { place.read_volatile() } == word { Ok(()) } else { Err(Error::NotProgrammed) }
    }
}

impl NorFlashError for Error {
    fn kind(&self) -> NorFlashErrorKind {
        match self {
            Error::Range(kind) => *kind,
            Error::NotProgrammed => NorFlashErrorKind::Other,
        }
    }
}

impl ErrorType for Nvmc {
    type Error = Error;
}

impl ReadNorFlash for Nvmc {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Error> {
        check_read(self, offset, bytes.len()).map_err(Error::Range)?;
        let start = core::ptr::with_exposed_provenance::<u8>(offset as usize);
        for (i, byte) in bytes.iter_mut().enumerate() {
            // SAFETY: `check_read` has held the range within the flash, which is readable memory. Volatile, because the
            // controller changes it where the compiler cannot see it, and because address 0 is a place like any other.
            *byte = unsafe { start.wrapping_add(i).read_volatile() };
        }
        Ok(())
    }

    fn capacity(&self) -> usize {
        CAPACITY
    }
}

impl NorFlash for Nvmc {
    const WRITE_SIZE: usize = 4;
    const ERASE_SIZE: usize = PAGE;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), Error> {
        check_erase(self, from, to).map_err(Error::Range)?;
        for page in (from..to).step_by(PAGE) {
            self.configure(WEN_A::EEN);
            // SAFETY: the address of a page within the flash, as `check_erase` made sure.
            self.0.erasepage().write(|w| unsafe { w.bits(page) });
            self.wait();
            self.configure(WEN_A::REN);
        }
        Ok(())
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Error> {
        check_write(self, offset, bytes.len()).map_err(Error::Range)?;
        self.configure(WEN_A::WEN);
        let mut result = Ok(());
        for (place, word) in (offset..).step_by(4).zip(bytes.as_chunks::<4>().0) {
            let word = u32::from_le_bytes(*word);
            // A word of ones is as erased: nothing to program.
            if word != u32::MAX && result.is_ok() {
                result = self.program(place, word);
            }
        }
        self.configure(WEN_A::REN);
        result
    }
}
