//! What one set costs at most, as `Dbm::set` says it: one erase and the copies of one sector, or several times that where the
//! store is all but full.

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

/// Fills a store, deletes some keys and overwrites others by values of all sizes: the most erases of one set, whether it found
/// room or not.
fn nearly_full<const W: usize, const E: usize>(sectors: usize, deleted: usize) -> usize {
    let (mut recorder, log) = Recorder::<W, E>::new(larder::flash::SimFlash::owned(sectors).unwrap());
    let mut memory = vec![0; dbm::memory_needed(sectors * E, E)];
    let mut db = dbm::open(&mut recorder, Flag::Create, &mut memory).unwrap();
    let (mut rng, mut keys) = (Rng(sectors as u64), 0);
    while db.set(&key(keys), &vec![1; rng.below(65)]).is_ok() {
        keys += 1;
    }
    for _ in 0..deleted {
        keys -= 1;
        db.delete(&key(keys)).unwrap();
    }
    let (mut most, mut done) = (0, 0);
    for round in 0..600 {
        log.take();
        let len = if round % 50 == 0 { 200 } else { rng.below(65) };
        done += usize::from(db.set(&key(rng.below(keys)), &vec![2; len]).is_ok());
        let (erases, bytes) = cost(&log.take());
        assert!(bytes <= (erases + 1) * 2 * E, "set {round}: {erases} erases, {bytes} bytes");
        most = most.max(erases);
    }
    assert!(done > 300, "{done} sets found room");
    most
}

#[test]
fn in_a_store_that_is_all_but_full_a_set_compacts_a_few_sectors() {
    for deleted in [2, 8, 32] {
        let most = [
            nearly_full::<4, 4096>(16, deleted),
            nearly_full::<1, 512>(64, deleted),
            nearly_full::<8, 1024>(40, deleted),
        ];
        assert!(most.iter().all(|erases| *erases <= 12), "{deleted} deleted: {most:?}");
    }
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

/// Sets keys in an order, and goes through them by an order of theirs in lent memory: the reads of all sets, and of all steps.
fn reads(keys: &[usize]) -> (u64, u64) {
    let mut flash = larder::flash::SimFlash::<4, 4096>::owned(8).unwrap();
    let mut memory = vec![0; dbm::memory_needed(8 * 4096, 4096) + 512];
    dbm::open(&mut flash, Flag::New, &mut memory).unwrap();
    flash.reset_counters();
    let mut db = dbm::open(&mut flash, Flag::Write, &mut memory).unwrap();
    for i in keys {
        db.set(&key(*i), &[*i as u8; 32]).unwrap();
    }
    let sets = flash.counters().reads;
    let mut scans = [0; 2];
    for (times, scan) in scans.iter_mut().enumerate() {
        let mut order = vec![0; dbm::order_words(keys.len())];
        let mut db = dbm::open(&mut flash, Flag::Read, &mut memory).unwrap();
        db.lend_order(&mut order);
        // The first time, the order is made.
        for _ in 0..=times {
            let (mut cursor, mut buf, mut count) = (db.cursor(), [0; 64], 0);
            while let Some(entry) = db.next(&mut cursor, &mut buf).unwrap() {
                assert_eq!((entry.key, entry.value), (&key(count)[..], &[count as u8; 32][..]));
                count += 1;
            }
            assert_eq!(count, keys.len());
        }
        *scan = flash.counters().reads;
        flash.reset_counters();
    }
    (sets, scans[1] - (scans[0] - sets))
}

#[test]
fn what_comes_in_order_is_read_less() {
    let mut keys: Vec<_> = (0..300).collect();
    let (sets, steps) = reads(&keys);
    // Opening reads a header each, and the first seal all of its page; later ones, nothing, or where code is to be small two names for
    // each record. Records of 45 bytes are read five at a time.
    assert!(sets < if cfg!(fast) { 40 } else { 700 } && steps < 80, "{sets} {steps}");
    let mut rng = Rng(7);
    for i in (1..keys.len()).rev() {
        keys.swap(i, rng.below(i + 1));
    }
    let (sets, steps) = reads(&keys);
    assert!(sets > 800 && (290..=300).contains(&steps), "{sets} {steps}");
}
