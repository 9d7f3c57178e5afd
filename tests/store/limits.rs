//! What the store refuses, each with an error of its own, and what it takes at the edges.

use larder::dbm::{self, Error, Flag, Options};
use larder::flash::SimFlash;

use crate::random::Rng;
use crate::recorder::Recorder;
use crate::script::{Model, Op, dump};

fn refused<const W: usize, const E: usize, const R: usize>(sectors: usize) -> Option<Error> {
    let part = SimFlash::<W, E, R>::owned(sectors).unwrap();
    dbm::open(part, Flag::Create, &mut vec![0; 65536]).err()
}

#[test]
fn wrong_geometry_is_refused_by_name() {
    assert_eq!(refused::<64, 4096, 1>(4), Some(Error::WordSize { found: 64 }));
    assert_eq!(refused::<4, 256, 1>(4), Some(Error::SectorSize { found: 256 }));
    assert_eq!(refused::<4, 131_072, 4>(1), Some(Error::RegionSize { found: 131_072 }));
    assert_eq!(refused::<4, 131_072, 4>(129), Some(Error::RegionSize { found: 129 * 131_072 }));
    assert_eq!(refused::<4, 512, 1>(1), Some(Error::RegionSize { found: 512 }));
    assert_eq!(refused::<4, 262_144, 1>(2), Some(Error::SectorSize { found: 262_144 }));
    // Words that are no power of two, and sectors that fall into no equal pages of at most 4 KiB in whole words.
    assert_eq!(refused::<12, 4104, 1>(4), Some(Error::WordSize { found: 12 }));
    assert_eq!(refused::<32, 8224, 1>(4), Some(Error::SectorSize { found: 8224 }));
    // Errors are words for people too.
    for error in [refused::<64, 4096, 1>(4), refused::<4, 256, 1>(4), refused::<4, 512, 1>(1)] {
        let text = error.unwrap().to_string();
        assert!(text.contains("it must be") && text.chars().any(|digit| digit.is_ascii_digit()), "{text}");
    }
}

#[test]
fn every_geometry_in_between_works() {
    fn works<const W: usize, const E: usize, const R: usize>(sectors: usize) {
        let mut part = SimFlash::<W, E, R>::owned(sectors).unwrap();
        let mut memory = vec![0; dbm::memory_needed(sectors * E, E)];
        let (mut model, mut rng) = (Model::new(), Rng(3));
        for _ in 0..3 {
            let mut db = dbm::open(&mut part, Flag::Create, &mut memory).unwrap();
            for _ in 0..40 {
                let op = Op::Set(vec![rng.below(9) as u8], rng.bytes(30));
                assert!(op.apply(&mut db, &model).unwrap());
                op.change(&mut model);
            }
            assert_eq!(dump(&mut db).unwrap(), model, "words of {W}, {sectors} sectors of {E}");
        }
    }
    works::<2, 528, 2>(3);
    works::<16, 1056, 16>(5);
    works::<32, 131_072, 1>(2);
    works::<4, 131_072, 4>(128);
}

#[test]
fn too_little_memory_says_how_much() {
    let needed = dbm::memory_needed(8 * 512, 512);
    assert!(needed <= 8 * 8 + 256);
    let mut part = Recorder::<4, 512>::erased(8);
    for length in [0, 1, needed - 1] {
        let error = dbm::open(&mut part, Flag::Create, &mut vec![0; length]).err();
        assert_eq!(error, Some(Error::MemoryTooSmall { needed }));
    }
    assert!(dbm::open(&mut part, Flag::Create, &mut vec![0; needed]).is_ok());
}

#[test]
fn a_store_with_16_bit_checks_is_opened_by_open_with_alone() {
    let mut part = Recorder::<4, 512>::erased(8);
    let mut memory = [0; 1024];
    let mut db = dbm::open_with(&mut part, Flag::New, Options::new().compact(true), &mut memory).unwrap();
    db.set(b"key", b"value").unwrap();
    for flag in [Flag::Read, Flag::Write, Flag::Create] {
        assert_eq!(dbm::open(&mut part, flag, &mut memory).err(), Some(Error::NotAStore));
    }
    // It keeps what it has, as one with 32 bits does.
    for compact in [false, true] {
        let options = Options::new().compact(compact);
        let mut db = dbm::open_with(&mut part, Flag::Write, options, &mut memory).unwrap();
        assert_eq!(db.get(b"key", &mut [0; 8]), Ok(Some(&b"value"[..])));
    }
    dbm::open(&mut part, Flag::New, &mut memory).unwrap().set(b"key", b"value").unwrap();
    let mut db = dbm::open_with(&mut part, Flag::Read, Options::new().compact(true), &mut memory).unwrap();
    assert_eq!(db.get(b"key", &mut [0; 8]), Ok(Some(&b"value"[..])));
}

#[test]
fn flags_are_pythons() {
    let mut part = Recorder::<4, 512>::erased(8);
    let mut memory = [0; 1024];
    for flag in [Flag::Read, Flag::Write] {
        assert_eq!(dbm::open(&mut part, flag, &mut memory).err(), Some(Error::NotFound));
    }
    dbm::open(&mut part, Flag::Create, &mut memory).unwrap().set(b"kept", b"yes").unwrap();
    let mut db = dbm::open(&mut part, Flag::Create, &mut memory).unwrap();
    assert!(db.contains(b"kept").unwrap());
    let mut db = dbm::open(&mut part, Flag::Read, &mut memory).unwrap();
    assert_eq!(db.set(b"a", b"b"), Err(Error::ReadOnly));
    assert_eq!(db.delete(b"kept"), Err(Error::ReadOnly));
    assert_eq!(db.begin(), Err(Error::ReadOnly));
    assert_eq!(db.get(b"kept", &mut [0; 3]), Ok(Some(&b"yes"[..])));
    let mut db = dbm::open(&mut part, Flag::New, &mut memory).unwrap();
    assert!(!db.contains(b"kept").unwrap());
    assert_eq!(dump(&mut db).unwrap().len(), 0);
}

#[test]
fn keys_and_values_at_the_edges() {
    let mut part = Recorder::<8, 1024>::erased(8);
    let mut memory = [0; 1024];
    let mut db = dbm::open(&mut part, Flag::Create, &mut memory).unwrap();
    let (long, longer) = ([7; 255], [7; 256]);
    db.set(b"", b"").unwrap();
    db.set(&long, b"long").unwrap();
    db.set(b"\0", &[0xff; 100]).unwrap();
    assert_eq!(db.set(&longer, b""), Err(Error::KeyTooLong { max: 255 }));
    assert_eq!(db.get(&longer, &mut []), Ok(None));
    assert_eq!(db.delete(&longer), Ok(false));
    assert_eq!(db.get(b"", &mut []), Ok(Some(&b""[..])));
    assert_eq!(db.get(&long, &mut [0; 3]), Err(Error::BufferTooSmall { needed: 4 }));
    assert_eq!(db.get(&long, &mut [0; 4]), Ok(Some(&b"long"[..])));
    assert_eq!(db.set(b"big", &[1; 8193]), Err(Error::ValueTooLong { max: 8192 }));
    assert_eq!(db.set(b"big", &[1; 8192]), Err(Error::Full));
    assert_eq!(db.get(b"big", &mut []), Ok(None));
    assert_eq!(db.writer(b"big", &mut [0; 3]).err(), Some(Error::BufferTooSmall { needed: db.part_size() }));
    // Nothing of what was refused is left behind.
    db.set(b"small", &[1; 2000]).unwrap();
    assert_eq!(db.delete(b"small"), Ok(true));
    assert_eq!((db.commit(), db.rollback()), (Err(Error::Batch), Err(Error::Batch)));
    db.begin().unwrap();
    assert_eq!((db.begin(), db.reorganize()), (Err(Error::Batch), Err(Error::Batch)));
    db.rollback().unwrap();
    let mut keys = db.keys();
    assert_eq!(keys.next(&mut []), Ok(Some(&b""[..])));
    assert_eq!(keys.next(&mut [0; 1]), Ok(Some(&b"\0"[..])));
    assert_eq!(keys.next(&mut [0; 254]), Err(Error::BufferTooSmall { needed: 255 }));
    let mut db = dbm::open(&mut part, Flag::Read, &mut memory).unwrap();
    assert_eq!(dump(&mut db).unwrap().len(), 3);
}

/// A full store keeps reading, refuses writes, and takes writes again after deletes; on two sectors and on many.
#[test]
fn a_full_store_reads_on_and_recovers_by_deletes() {
    fn fills<const W: usize, const E: usize>(sectors: usize) {
        let mut part = Recorder::<W, E>::erased(sectors);
        let mut memory = vec![0; dbm::memory_needed(sectors * E, E)];
        let (mut model, mut rng) = (Model::new(), Rng(8));
        for round in 0..6 {
            let mut db = dbm::open(&mut part, Flag::Create, &mut memory).unwrap();
            let mut fresh = 0;
            loop {
                let op = Op::Set(rng.bytes(6), rng.bytes(20));
                if !op.apply(&mut db, &model).unwrap() {
                    break;
                }
                op.change(&mut model);
                fresh += 1;
            }
            assert!(fresh > 2, "round {round}: room was made: {fresh}");
            assert_eq!(db.set(b"one more", &[0; 20]), Err(Error::Full));
            assert_eq!(dump(&mut db).unwrap(), model, "round {round}: a full store reads");
            let mut db = dbm::open(&mut part, Flag::Write, &mut memory).unwrap();
            assert_eq!(dump(&mut db).unwrap(), model, "round {round}: and opens");
            let gone: Vec<_> = model.keys().filter(|_| rng.below(2) == 0).cloned().collect();
            for key in gone {
                let op = Op::Delete(key);
                assert!(op.apply(&mut db, &model).unwrap(), "round {round}: a full store deletes");
                op.change(&mut model);
            }
            assert_eq!(dump(&mut db).unwrap(), model);
        }
    }
    fills::<4, 512>(2);
    fills::<1, 512>(4);
    fills::<32, 1024>(5);
    fills::<8, 1024>(3);
    fills::<4, 4096>(2);
}

/// A batch that does not fit leaves no trace.
#[test]
fn a_batch_larger_than_the_room_is_aborted_whole() {
    let mut part = Recorder::<4, 512>::erased(6);
    let mut memory = [0; 1024];
    let mut db = dbm::open(&mut part, Flag::Create, &mut memory).unwrap();
    db.set(b"here", b"before").unwrap();
    let before = dump(&mut db).unwrap();
    db.begin().unwrap();
    db.set(b"here", b"inside").unwrap();
    let full = (0..200).map(|i| db.set(&[b'k', i], &[i; 30])).find(|done| done.is_err());
    assert_eq!(full, Some(Err(Error::Full)));
    db.rollback().unwrap();
    assert_eq!(dump(&mut db).unwrap(), before);
    let mut db = dbm::open(&mut part, Flag::Write, &mut memory).unwrap();
    assert_eq!(dump(&mut db).unwrap(), before);
    for i in 0..20 {
        db.set(&[i], &[i; 30]).unwrap();
    }
}

/// Fills a store, deletes every key, and fills it again: a full store takes deletes, and then writes.
fn fills_empties_and_fills<const W: usize, const E: usize>(sectors: usize, len: impl Fn(usize) -> usize) {
    let mut memory = vec![0; dbm::memory_needed(sectors * E, E)];
    let mut db = dbm::open(larder::flash::SimFlash::<W, E>::owned(sectors).unwrap(), Flag::New, &mut memory).unwrap();
    let mut counts = Vec::new();
    for _ in 0..3 {
        let mut keys = Vec::new();
        loop {
            let key = format!("{:05}", keys.len() * 7919 % 100_003).into_bytes();
            match db.set(&key, &vec![7; len(keys.len())]) {
                Ok(()) => keys.push(key),
                Err(error) => break assert_eq!(error, Error::Full),
            }
        }
        // Every third first, so that what is dead is spread.
        for first in 0..3 {
            for key in keys.iter().skip(first).step_by(3) {
                assert_eq!(db.delete(key), Ok(true), "{W} {E} {sectors}, {} keys", keys.len());
                assert!(!db.contains(key).unwrap());
            }
        }
        assert!(db.is_empty().unwrap());
        db.check().unwrap();
        counts.push(keys.len());
    }
    // Tombstones are gone with what they hid.
    assert!(counts[2] * 10 >= counts[0] * 9, "{W} {E} {sectors}: {counts:?}");
}

#[test]
fn a_full_store_takes_deletes_and_then_writes() {
    for len in [0, 1, 30, 100] {
        fills_empties_and_fills::<4, 4096>(2, |_| len);
        fills_empties_and_fills::<1, 512>(2, |_| len);
        fills_empties_and_fills::<32, 1024>(2, |_| len);
        fills_empties_and_fills::<8, 8192>(2, |_| len);
        fills_empties_and_fills::<4, 1024>(5, |i| (i * 37) % 90 * usize::from(len > 0));
        fills_empties_and_fills::<4, 16384>(3, |i| (i * 37) % (3 * len + 1));
    }
}
