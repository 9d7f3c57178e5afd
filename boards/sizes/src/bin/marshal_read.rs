//! Marshal data in: loads with a walk, and from_slice into a struct.
#![no_std]
#![no_main]

use larder::object::Slot;
use sizes::steps::marshal_in;

#[unsafe(no_mangle)]
extern "C" fn _start() {
    let mut slots = [Slot::EMPTY; 64];
    marshal_in(&mut slots);
}
