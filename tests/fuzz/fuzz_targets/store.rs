//! Any bytes as a program for a store: operations, power cuts, reopenings, against a `BTreeMap`.
#![no_main]
#![allow(unreachable_pub, dead_code, clippy::drop_non_drop, reason = "the proofs' own modules, used in part")]

#[path = "../../store/driven.rs"]
mod driven;
#[path = "../../support/random.rs"]
mod random;
#[path = "../../store/recorder.rs"]
mod recorder;
#[path = "../../store/script.rs"]
mod script;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| driven::drive(input));
