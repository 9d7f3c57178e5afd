//! Pickles in: loads with a walk, and from_slice into a struct.
#![no_std]
#![no_main]

use larder::object::Slot;
use sizes::steps::pickle_in;

#[unsafe(no_mangle)]
extern "C" fn _start() {
    let mut slots = [Slot::EMPTY; 64];
    pickle_in(&mut slots);
}
