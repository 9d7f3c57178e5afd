//! Pickles in; marshal data in and out.
#![no_std]
#![no_main]

use larder::object::Slot;
use larder::{marshal, pickle};
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
    if let Ok(object) = marshal::loads(unknown(), &mut slots) {
        outcome(object.get("id").and_then(|o| o.as_i64()));
    }
    if let Ok(reading) = marshal::from_slice::<Reading>(unknown(), &mut slots) {
        reading.used();
    }
    if let Ok(data) = marshal::dumps(&Reading::unknown(), &mut buf) {
        used(data);
    }
}
