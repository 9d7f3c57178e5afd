//! Pickles and marshal data in, untyped and typed.
#![no_std]
#![no_main]

use larder::object::Slot;
use sizes::steps::{marshal_in, pickle_in};

#[unsafe(no_mangle)]
extern "C" fn _start() {
    let mut slots = [Slot::EMPTY; 64];
    pickle_in(&mut slots);
    marshal_in(&mut slots);
}
