//! The demo on a BBC micro:bit: a shelf in the nRF51822's flash, and tables beside it with the feature `sql`, reached over the
//! USB serial line.
#![no_std]
#![no_main]

mod nvmc;
mod stack;
mod uart;

use cortex_m_rt::{entry, exception};
use demo::Memory;
#[cfg(feature = "sql")]
use demo::TablesMemory;
#[cfg(feature = "qemu")]
use embedded_storage::nor_flash::NorFlash;
use larder::flash::{self, Region};
use nrf51_pac::Peripherals;

unsafe extern "C" {
    static _store_start: u8;
    static _store_middle: u8;
    #[cfg(feature = "sql")]
    static _store_end: u8;
}

#[entry]
fn main() -> ! {
    static mut MEMORY: Memory = Memory::NEW;
    #[cfg(feature = "sql")]
    static mut TABLES: TablesMemory = TablesMemory::NEW;
    // SAFETY: this is the only place that takes the peripherals, and it runs once.
    let chip = unsafe { Peripherals::steal() };
    let mut port = uart::Uart::new(chip.UART0, chip.TIMER0, &chip.GPIO, &chip.CLOCK);
    let shelf = store(chip.NVMC, &raw const _store_start, &raw const _store_middle);
    // It returns only when the line has failed for good.
    #[cfg(not(feature = "sql"))]
    if let Ok(shelf) = shelf {
        _ = demo::serve(shelf, &mut port, MEMORY, stack::high_water);
    }
    #[cfg(feature = "sql")]
    {
        // SAFETY: one flash controller for two stores, of which never both are at work.
        let chip = unsafe { Peripherals::steal() };
        let tables = store(chip.NVMC, &raw const _store_middle, &raw const _store_end);
        if let (Ok(shelf), Ok(tables)) = (shelf, tables) {
            _ = demo::serve_with_tables(shelf, tables, &mut port, (MEMORY, TABLES), stack::high_water);
        }
    }
    end()
}

/// The flash between two symbols of memory.x.
fn store(flash: nrf51_pac::NVMC, start: *const u8, end: *const u8) -> flash::Result<Region<nvmc::Nvmc>> {
    let store = Region::new(nvmc::Nvmc::new(flash), start as u32..end as u32);
    #[cfg(feature = "qemu")]
    let store = store.map(erase_zeros);
    store
}

/// QEMU's flash starts out as zeros, where a chip from the factory holds ones: erases a region in which no bit is set.
#[cfg(feature = "qemu")]
fn erase_zeros<F: NorFlash>(mut store: F) -> F {
    let size = store.capacity() as u32;
    let mut word = [0; 4];
    if (0..size).step_by(4).all(|at| store.read(at, &mut word).is_ok() && word == [0; 4]) {
        _ = store.erase(0, size);
    }
    store
}

/// The way out of everything that cannot go on: the emulator ends with an error, a board starts afresh (whatever the
/// store was doing, it is safe).
fn end() -> ! {
    #[cfg(feature = "qemu")]
    cortex_m_semihosting::debug::exit(cortex_m_semihosting::debug::EXIT_FAILURE);
    cortex_m::peripheral::SCB::sys_reset()
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    end()
}

#[exception]
unsafe fn HardFault(_: &cortex_m_rt::ExceptionFrame) -> ! {
    end()
}
