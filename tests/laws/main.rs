//! The codecs' laws, on values and streams that proptest makes up: what is written is read as the same, in every protocol
//! and version; what was damaged is an error with a place, or a value that can be written again.
//!
//! The same values each time, unless PROPTEST_RNG_SEED says others; PROPTEST_CASES says how many of each.
#![cfg(all(feature = "pickle", feature = "marshal", feature = "serde"))]

mod damage;
mod objects;
mod tree;
mod typed;

use larder::object::{Error, Object, Slot};
use larder::pickle::{self, Pickler};
use proptest::test_runner::{Config, RngSeed};

/// How many cases a law takes, and which.
fn config(cases: u32) -> Config {
    let given = Config::default();
    Config {
        cases: if std::env::var_os("PROPTEST_CASES").is_some() { given.cases } else { cases },
        rng_seed: match given.rng_seed {
            RngSeed::Random => RngSeed::Fixed(0x1a4d_e4e4),
            fixed => fixed,
        },
        failure_persistence: None,
        ..given
    }
}

/// A pickler of this protocol, in one of the two styles.
fn pickler(buf: &mut [u8], protocol: u8, cpython: bool) -> Pickler<'_> {
    let pickler = Pickler::new(buf).protocol(protocol);
    if cpython { pickler.cpython() } else { pickler }
}

/// Decodes a pickle into exactly the slots that it needs.
fn loaded<T>(bytes: &[u8], then: impl FnOnce(Object<'_>) -> T) -> Result<T, Error> {
    let mut slots = vec![Slot::EMPTY; pickle::slots_needed(bytes)?];
    Ok(then(pickle::loads(bytes, &mut slots)?))
}

/// A decoded object as a pickle of this protocol.
fn repickled(object: &Object<'_>, protocol: u8, cpython: bool) -> Result<Vec<u8>, Error> {
    let mut buf = vec![0; 64 * object.tree().input_len() + 1024];
    let mut scratch = vec![Slot::EMPTY; object.shared_count() + 2048];
    pickler(&mut buf, protocol, cpython).recode(object, &mut scratch).map(<[u8]>::to_vec)
}
