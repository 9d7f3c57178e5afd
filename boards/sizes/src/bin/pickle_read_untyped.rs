//! Pickles in: loads, and a walk through what came.
#![no_std]
#![no_main]

use larder::object::Slot;
use larder::pickle;
use sizes::{outcome, unknown, used};

#[unsafe(no_mangle)]
extern "C" fn _start() {
    let mut slots = [Slot::EMPTY; 64];
    let Ok(object) = pickle::loads(unknown(), &mut slots) else { return };
    outcome(object.get("celsius").and_then(|o| o.at(0)).and_then(|o| o.as_f64()));
    outcome(object.get("id").and_then(|o| o.as_i64()));
    for item in object.items() {
        if let Ok(text) = item.as_str() {
            used(text.as_bytes());
        }
    }
}
