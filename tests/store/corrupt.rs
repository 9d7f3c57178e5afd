//! Damage anywhere in an image: the right value or an error, never a panic, a hang or a wrong answer, and what is not
//! damaged stays readable.

use core::ops::Range;

use embedded_storage::nor_flash::NorFlash;
use larder::dbm::{self, Dbm, Flag};

use crate::random::Rng;
use crate::recorder::{Part, Recorder};
use crate::script::{Model, Op, Shape, dump};

const SHAPE: Shape = Shape { keys: 40, value: 0 };

/// A value that stands nowhere else in the image.
fn value(rng: &mut Rng) -> Vec<u8> {
    let length = 12 + rng.below(30);
    rng.bytes(length)
}

/// A store that has been in use for a while, what it holds, and the key that was written last.
fn used<const W: usize, const E: usize>(sectors: usize, seed: u64) -> (Part<W, E>, Model, Vec<u8>) {
    let mut part = Recorder::<W, E>::erased(sectors);
    let (mut memory, mut rng, mut model) = (vec![0; 4096], Rng(seed), Model::new());
    let mut db = dbm::open(&mut part, Flag::Create, &mut memory).unwrap();
    let mut newest = Vec::new();
    for i in 0..400 {
        let key = SHAPE.key(rng.below(SHAPE.keys));
        newest.clone_from(&key);
        let op = if i < 399 && rng.below(6) == 0 { Op::Delete(key) } else { Op::Set(key, value(&mut rng)) };
        assert!(op.apply(&mut db, &model).unwrap());
        op.change(&mut model);
    }
    (part.part, model, newest)
}

/// What `get` said of each key.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
struct Answers {
    right: usize,
    errors: usize,
    /// An older value.
    wrong: usize,
    /// None for a key that is there.
    lost: usize,
}

fn ask<F: NorFlash>(db: &mut Dbm<'_, F>, key: &[u8], model: &Model, answers: &mut Answers) {
    let mut buf = [0; 4096];
    match (db.get(key, &mut buf), model.get(key)) {
        (Err(_), _) => answers.errors += 1,
        (Ok(None), Some(_)) => answers.lost += 1,
        (Ok(value), expected) if value == expected.map(Vec::as_slice) => answers.right += 1,
        _ => answers.wrong += 1,
    }
}

/// Walks over a damaged store in both directions, as far as it goes.
fn wander<F: NorFlash>(db: &mut Dbm<'_, F>) {
    let (mut buf, mut cursor, mut steps) = ([0; 4096], db.cursor(), 0);
    while let Ok(Some(_)) = db.next(&mut cursor, &mut buf) {
        steps += 1;
        assert!(steps < 1000, "a walk without end");
    }
    while let Ok(Some(_)) = db.previous(&mut cursor, &mut buf) {
        steps += 1;
        assert!(steps < 2000, "a walk without end");
    }
}

/// Opens a damaged part, asks for every key, and goes on using it.
fn survey<const W: usize, const E: usize>(part: Part<W, E>, model: &Model) -> Answers {
    let (mut patient, mut memory, mut answers) =
        (Recorder::from(part).patient(200_000), vec![0; 4096], Answers::default());
    let Ok(mut db) = dbm::open(&mut patient, Flag::Write, &mut memory) else {
        return Answers { errors: SHAPE.keys, ..answers };
    };
    for key in 0..SHAPE.keys {
        ask(&mut db, &SHAPE.key(key), model, &mut answers);
    }
    wander(&mut db);
    if db.set(b"new", b"things").is_ok() {
        assert_eq!(db.get(b"new", &mut [0; 10]), Ok(Some(&b"things"[..])));
    }
    let _ = (db.delete(&SHAPE.key(0)),);
    wander(&mut db);
    answers
}

/// Where the record of the newest key stands, to the end of its check.
fn record<const W: usize, const E: usize>(part: &Part<W, E>, key: &[u8], value: &[u8]) -> Range<usize> {
    let whole = [key, value].concat();
    let image = part.contents();
    let at = image.windows(whole.len()).position(|bytes| bytes == whole).expect("the newest record") - 2;
    at..(at + 2 + whole.len() + 4).next_multiple_of(W)
}

/// Random bytes over a random range of the image.
#[test]
fn random_bytes_anywhere() {
    let (mut total, mut excused) = (Answers::default(), 0);
    for seed in 0..24 {
        let (part, model, key) = used::<4, 512>(16, seed);
        let newest = record(&part, &key, &model[&key]);
        let mut rng = Rng(seed);
        for _ in 0..100 {
            let mut damaged = part.clone();
            let (start, length) = (rng.below(8 * 1024), 1 + rng.below(40));
            for byte in damaged.contents_mut().iter_mut().skip(start).take(length) {
                *byte = rng.next() as u8;
            }
            let answers = survey(damaged, &model);
            total.right += answers.right;
            total.errors += answers.errors;
            if start < newest.end && newest.start < start + length {
                // What was written last, and is damaged up to the end, looks like what power cut off: its keys have the values
                // of before. 40 bytes are part of four records at most.
                assert!(answers.wrong + answers.lost <= 4, "{answers:?}");
                excused += answers.wrong + answers.lost;
                continue;
            }
            assert_eq!((answers.wrong, answers.lost), (0, 0), "seed {seed}: {length} bytes at {start}");
        }
    }
    println!("random bytes: {total:?}; {excused} of the newest record");
    assert!(total.errors * 10 < total.right, "what is not damaged stays readable: {total:?}");
}

/// Parts that never held a store.
#[test]
fn an_image_of_noise_is_no_store() {
    let mut rng = Rng(9);
    for round in 0..200 {
        let mut part = Recorder::<4, 512>::erased(6).part;
        let density = round % 4;
        for byte in part.contents_mut() {
            *byte = match density {
                0 => rng.next() as u8,
                1 => 0,
                2 => (rng.next() & rng.next()) as u8,
                _ => (rng.next() | rng.next() | rng.next()) as u8,
            };
        }
        let mut memory = vec![0; 1024];
        for flag in [Flag::Read, Flag::Write, Flag::Create] {
            let mut patient = Recorder::from(part.clone()).patient(200_000);
            let error = dbm::open(&mut patient, flag, &mut memory).err();
            assert!(
                matches!(error, Some(dbm::Error::NotFound | dbm::Error::NotAStore | dbm::Error::Corrupt { .. })),
                "{error:?}"
            );
        }
        let mut part = Recorder::from(part);
        let mut db = dbm::open(&mut part, Flag::New, &mut memory).unwrap();
        db.set(b"key", b"value").unwrap();
        assert_eq!(dump(&mut db).unwrap().len(), 1);
    }
}
