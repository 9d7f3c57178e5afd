//! A store on flash: open, get, set, delete.
#![no_std]
#![no_main]

use sizes::steps::store;

#[unsafe(no_mangle)]
extern "C" fn _start() {
    store(&mut [0; 1024], &mut [0; 64]);
}
