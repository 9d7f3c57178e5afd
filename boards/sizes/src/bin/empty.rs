//! The zero of the scale: inputs, outputs and the flash driver, without larder.
#![no_std]
#![no_main]

use embedded_storage::nor_flash::{NorFlash, ReadNorFlash};
use sizes::{Flash, outcome, unknown, used};

#[unsafe(no_mangle)]
extern "C" fn _start() {
    let mut buf = [0; 16];
    outcome(Flash.read(0, &mut buf));
    outcome(Flash.write(0, unknown()));
    outcome(Flash.erase(0, 0));
    used(&buf);
}
