//! Pickles and marshal data in and out, untyped and typed.
#![no_std]
#![no_main]

use larder::object::Slot;
use sizes::steps::{marshal_in, marshal_out, pickle_in, pickle_out};

#[unsafe(no_mangle)]
extern "C" fn _start() {
    let mut slots = [Slot::EMPTY; 64];
    let mut buf = [0; 64];
    pickle_in(&mut slots);
    pickle_out(&mut buf);
    marshal_in(&mut slots);
    marshal_out(&mut buf);
}
