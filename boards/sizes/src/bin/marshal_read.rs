//! Marshal data in: loads with a walk, and from_slice into a struct.
#![no_std]
#![no_main]

use larder::marshal;
use larder::object::Slot;
use sizes::{Reading, outcome, unknown};

#[unsafe(no_mangle)]
extern "C" fn _start() {
    let mut slots = [Slot::EMPTY; 64];
    if let Ok(object) = marshal::loads(unknown(), &mut slots) {
        outcome(object.get("id").and_then(|o| o.as_i64()));
    }
    if let Ok(reading) = marshal::from_slice::<Reading>(unknown(), &mut slots) {
        reading.used();
    }
}
