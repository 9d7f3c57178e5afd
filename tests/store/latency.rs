//! What one set costs at most, as `Dbm::set` says it: one erase and the copies of one sector.

use larder::dbm::{self, Flag, Progress};

use crate::random::Rng;
use crate::recorder::{Event, Recorder};

/// Erases, and bytes programmed.
fn cost(events: &[Event]) -> (usize, usize) {
    events.iter().fold((0, 0), |(erases, bytes), event| match event {
        Event::Erase { .. } => (erases + 1, bytes),
        Event::Program { bytes: programmed, .. } => (erases, bytes + programmed.len()),
    })
}

fn key(i: usize) -> Vec<u8> {
    format!("key {i:04}").into_bytes()
}

fn sets_cost_at_most<const W: usize, const E: usize>(sectors: usize, keys: usize, reopen: bool) {
    let (mut recorder, log) = Recorder::<W, E>::new(larder::flash::SimFlash::owned(sectors).unwrap());
    let mut memory = vec![0; dbm::memory_needed(sectors * E, E)];
    let mut db = dbm::open(&mut recorder, Flag::Create, &mut memory).unwrap();
    let mut rng = Rng(keys as u64);
    for i in 0..keys {
        db.set(&key(i), &rng.bytes(32)).unwrap();
    }
    let mut longest = (0, 0);
    for round in 0..3000 {
        if reopen && round == 1500 {
            let _ = db.close();
            db = dbm::open(&mut recorder, Flag::Write, &mut memory).unwrap();
            // Idle time erases what an interrupted erase may have left.
            while db.step().unwrap() == Progress::More {}
        }
        log.take();
        // Half of the sets go to a tenth of the keys.
        let among = if rng.below(2) == 0 { keys } else { keys.div_ceil(10) };
        let i = rng.below(among);
        db.set(&key(i), &rng.bytes(32)).unwrap();
        let (erases, bytes) = cost(&log.take());
        longest = (longest.0.max(erases), longest.1.max(bytes));
        assert!(erases <= 1, "set {round}: {erases} erases");
    }
    // The copies of a sector, the indexes of the pages they and the record go to, and the record.
    assert!(longest.1 <= 2 * E, "{longest:?}");
    assert_eq!(longest.0, 1, "the store was full enough");
}

#[test]
fn a_set_costs_one_erase_and_the_copies_of_one_sector() {
    for reopen in [false, true] {
        sets_cost_at_most::<4, 4096>(16, 900, reopen);
        sets_cost_at_most::<1, 512>(32, 190, reopen);
        sets_cost_at_most::<8, 1024>(40, 400, reopen);
        sets_cost_at_most::<32, 8192>(6, 280, reopen);
    }
}
