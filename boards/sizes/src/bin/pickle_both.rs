//! Pickles in and out: loads with a walk, a struct from and to a pickle.
#![no_std]
#![no_main]

use larder::object::Slot;
use larder::pickle;
use sizes::{Reading, outcome, unknown, used};

#[unsafe(no_mangle)]
extern "C" fn _start() {
    let mut slots = [Slot::EMPTY; 64];
    let mut buf = [0; 64];
    if let Ok(object) = pickle::loads(unknown(), &mut slots) {
        outcome(object.get("id").and_then(|o| o.as_i64()));
    }
    if let Ok(reading) = pickle::from_slice::<Reading>(unknown(), &mut slots) {
        reading.used();
    }
    if let Ok(pickle) = pickle::dumps(&Reading::unknown(), &mut buf) {
        used(pickle);
    }
}
