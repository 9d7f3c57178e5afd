//! Pickles in and out: loads with a walk, a struct from and to a pickle.
#![no_std]
#![no_main]

use larder::object::Slot;
use sizes::steps::{pickle_in, pickle_out};

#[unsafe(no_mangle)]
extern "C" fn _start() {
    let mut slots = [Slot::EMPTY; 64];
    let mut buf = [0; 64];
    pickle_in(&mut slots);
    pickle_out(&mut buf);
}
