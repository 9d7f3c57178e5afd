//! Pickles in; marshal data in and out.
#![no_std]
#![no_main]

use larder::object::Slot;
use sizes::steps::{marshal_in, marshal_out, pickle_in};

#[unsafe(no_mangle)]
extern "C" fn _start() {
    let mut slots = [Slot::EMPTY; 64];
    let mut buf = [0; 64];
    pickle_in(&mut slots);
    marshal_in(&mut slots);
    marshal_out(&mut buf);
}
