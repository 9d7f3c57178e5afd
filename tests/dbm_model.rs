//! The store against a model: random operations, on many geometries, with reopenings.

#![cfg(feature = "std")]
#[path = "support/random.rs"]
mod random;

use std::collections::BTreeMap;

use embedded_storage::nor_flash::NorFlash;
use larder::dbm::{self, Dbm, Error, Flag};
use larder::flash::SimFlash;
use random::Rng;

/// Every key once, sorted here.
fn unordered<F: NorFlash>(db: &mut Dbm<'_, F>, buf: &mut [u8]) -> Vec<Vec<u8>> {
    let (mut all, mut seen) = (db.unordered_keys(), Vec::new());
    while let Some(key) = all.next(buf).unwrap() {
        seen.push(key.to_vec());
    }
    seen.sort();
    seen
}

fn run<const W: usize, const E: usize>(sectors: usize, keys: usize, value: usize, steps: usize, compact: bool) {
    let mut random = Rng((W * E + sectors + keys) as u64);
    let mut flash = SimFlash::<W, E>::owned(sectors).unwrap();
    let mut model: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
    let mut memory = vec![0; dbm::memory_needed(sectors * E, E)];
    let options = dbm::Options::new().compact(compact);
    let mut buf = vec![0; 8192];
    let mut flag = Flag::Create;
    let mut full = 0;
    for _ in 0..4 {
        let mut db = dbm::open_with(flash, flag, options, &mut memory).unwrap();
        flag = Flag::Write;
        for _ in 0..steps {
            let n = random.below(keys);
            let key = format!("key/{n:0width$}", width = n % 7).into_bytes();
            match random.below(20) {
                0..=9 => {
                    let len = random.below(value);
                    let new = random.bytes(len);
                    match db.set(&key, &new) {
                        Ok(()) => {
                            model.insert(key, new);
                        }
                        Err(Error::Full) => full += 1,
                        Err(error) => panic!("{error:?}"),
                    }
                }
                10..=13 => assert_eq!(db.delete(&key).unwrap(), model.remove(&key).is_some()),
                _ => assert_eq!(db.get(&key, &mut buf).unwrap(), model.get(&key).map(|v| &v[..])),
            }
        }
        let mut all = db.keys();
        let mut seen = Vec::new();
        while let Some(key) = all.next(&mut buf).unwrap() {
            seen.push(key.to_vec());
        }
        assert_eq!(seen, model.keys().cloned().collect::<Vec<_>>());
        let mut cursor = db.cursor();
        db.seek_last(&mut cursor);
        for (key, value) in model.iter().rev() {
            let entry = db.previous(&mut cursor, &mut buf).unwrap().unwrap();
            assert_eq!((entry.key, entry.value), (&key[..], &value[..]));
        }
        assert!(db.previous(&mut cursor, &mut buf).unwrap().is_none());
        assert_eq!(unordered(&mut db, &mut buf), seen);

        // Within a batch both walks see what it wrote; given up, they do not.
        db.begin().unwrap();
        let mut changed = model.clone();
        for n in 0..keys.min(40) {
            let key = format!("key/{n:0width$}", width = n % 7).into_bytes();
            let done = if n % 3 == 0 { db.delete(&key).map(drop) } else { db.set(&key, b"in the batch") };
            match done {
                Ok(()) if n % 3 == 0 => _ = changed.remove(&key),
                Ok(()) => _ = changed.insert(key, b"in the batch".to_vec()),
                Err(Error::Full) => break,
                Err(error) => panic!("{error:?}"),
            }
        }
        assert_eq!(unordered(&mut db, &mut buf), changed.keys().cloned().collect::<Vec<_>>());
        db.rollback().unwrap();
        assert_eq!(unordered(&mut db, &mut buf), seen);
        flash = db.close().unwrap();
    }
    eprintln!("{W} {E} x {sectors}: full {full}, {:?}", flash.counters());
}

#[test]
fn small_sectors() {
    run::<4, 1024>(8, 20, 60, 800, false);
    run::<1, 512>(4, 6, 40, 800, true);
    run::<32, 512>(6, 5, 60, 500, false);
    run::<2, 1056>(5, 20, 60, 500, false);
    run::<8, 1024>(2, 4, 60, 500, false);
}

#[test]
fn common_sectors() {
    run::<4, 4096>(16, 300, 64, 2000, false);
    run::<4, 4096>(4, 200, 200, 2000, true);
    run::<16, 4096>(6, 2000, 20, 2000, false);
}

#[test]
fn large_sectors() {
    run::<4, 16384>(3, 300, 100, 2000, false);
    run::<8, 131072>(2, 300, 300, 2000, false);
}
