//! The proofs of the store: what it holds is what a map would hold, whatever happens to the power and to the bits.
#![allow(
    unreachable_pub,
    clippy::drop_non_drop,
    reason = "modules of a test are a library to each other; a store dropped is a store closed"
)]

mod corrupt;
mod cursors;
mod driven;
mod failing;
mod latency;
mod limits;
mod model;
mod peers;
mod power_cut;
mod python;
#[path = "../support/random.rs"]
mod random;
mod recorder;
mod runs;
mod script;
