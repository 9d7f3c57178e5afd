//! Wear is level, and the cost of a write is bounded.

use larder::dbm::{self, Flag};

use crate::recorder::Recorder;
use crate::random::Rng;

/// 100,000 writes, nine of ten to one key of ten, over 100 keys that nobody touches.
#[test]
fn wear_is_level_under_a_skewed_load() {
    let mut part = Recorder::<4, 512>::erased(16);
    let (mut memory, mut rng) = (vec![0; 2048], Rng(1));
    let mut db = dbm::open(&mut part, Flag::New, &mut memory).unwrap();
    for i in 0..100 {
        db.set(format!("cold{i}").as_bytes(), &rng.bytes(40)).unwrap();
    }
    for _ in 0..100_000 {
        let hot = if rng.below(10) > 0 { rng.below(2) } else { rng.below(20) };
        let length = rng.below(30);
        db.set(format!("hot{hot}").as_bytes(), &rng.bytes(length)).unwrap();
    }
    drop(db);
    let (most, sum) = (*part.part.wear().iter().max().unwrap(), part.part.wear().iter().sum::<u32>());
    let uneven = f64::from(most) * 16.0 / f64::from(sum);
    assert!(sum > 3_000 && uneven <= 1.1, "most worn / mean: {uneven:.3} of {sum} erases: {:?}", part.part.wear());
}
