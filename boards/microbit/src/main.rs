//! The demo on a BBC micro:bit: a shelf in the last 64 KiB of the nRF51822's flash, reached over the USB serial line.
#![no_std]
#![no_main]

mod nvmc;
mod stack;
mod uart;

use cortex_m_rt::{entry, exception};
use demo::{Memory, serve};
#[cfg(feature = "qemu")]
use embedded_storage::nor_flash::NorFlash;
use larder::flash::Region;
use nrf51_pac::Peripherals;

unsafe extern "C" {
    static _store_start: u8;
    static _store_end: u8;
}

#[entry]
fn main() -> ! {
    static mut MEMORY: Memory = Memory::NEW;
    // SAFETY: this is the only place that takes the peripherals, and it runs once.
    let chip = unsafe { Peripherals::steal() };
    let flash = nvmc::Nvmc::new(chip.NVMC);
    let mut port = uart::Uart::new(chip.UART0, chip.TIMER0, &chip.GPIO, &chip.CLOCK);
    let range = (&raw const _store_start) as u32..(&raw const _store_end) as u32;
    if let Ok(store) = Region::new(flash, range) {
        #[cfg(feature = "qemu")]
        let store = erase_zeros(store);
        // It returns only when the line has failed for good.
        _ = serve(store, &mut port, MEMORY, stack::high_water);
    }
    end()
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
