//! The proofs of the store: what it holds is what a map would hold, whatever happens to the power and to the bits.
#![allow(unreachable_pub, reason = "the modules of a test are a library to each other")]

mod corrupt;
mod driven;
mod limits;
mod model;
mod power_cut;
mod recorder;
mod script;
