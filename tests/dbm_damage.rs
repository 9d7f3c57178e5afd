//! Flipped bits anywhere in an image: the right value or an error, and what is not damaged stays readable.
#![cfg(feature = "std")]

use larder::dbm::{self, Flag};
use larder::flash::SimFlash;

type Part = SimFlash<'static, 4, 1024>;

#[test]
fn up_to_three_flipped_bits_anywhere() {
    let mut memory = [0; 1024];
    let mut flash = Part::owned(8).unwrap();
    let mut db = dbm::open(&mut flash, Flag::Create, &mut memory).unwrap();
    let value = |i: u32, round: u32| vec![(i * 3 + round) as u8; (i % 23 + round) as usize];
    for i in 0..40u32 {
        db.set(format!("old {i}").as_bytes(), b"old").unwrap();
    }
    for i in 0..40u32 {
        db.delete(format!("old {i}").as_bytes()).unwrap();
    }
    for round in 0..2 {
        for i in 0..60u32 {
            db.set(format!("key {i}").as_bytes(), &value(i, round)).unwrap();
        }
    }
    db.begin().unwrap();
    for i in 0..20u32 {
        db.set(format!("key {i}").as_bytes(), &value(i, 2)).unwrap();
    }
    db.commit().unwrap();
    let _ = db.close();
    let image = flash.contents().to_vec();
    let mut random = 7u32;
    let mut next = |n: usize| {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (random >> 8) as usize % n
    };
    let (mut wrong, mut errors, mut right, mut unopened) = (Vec::new(), 0, 0, 0);
    for trial in 0..4000 {
        let mut damaged = image.clone();
        let at = next(image.len());
        let mut bits = Vec::new();
        for _ in 0..1 + trial % 3 {
            let bit = (at * 8 + next(200)).min(image.len() * 8 - 1);
            damaged[bit / 8] ^= 1 << (bit % 8);
            bits.push(bit / 8);
        }
        let mut part = Part::image(damaged).unwrap();
        let mut db = match dbm::open(&mut part, Flag::Read, &mut memory) {
            Ok(db) => db,
            Err(_) => {
                unopened += 1;
                continue;
            }
        };
        let mut buf = [0; 64];
        for i in 0..60u32 {
            let want = value(i, if i < 20 { 2 } else { 1 });
            match db.get(format!("key {i}").as_bytes(), &mut buf) {
                Ok(Some(got)) if got == want => right += 1,
                Ok(other) => wrong.push((trial, bits.clone(), i, other.map(<[u8]>::to_vec))),
                Err(_) => errors += 1,
            }
        }
        for i in 0..40u32 {
            if let Ok(Some(_)) = db.get(format!("old {i}").as_bytes(), &mut buf) {
                wrong.push((trial, bits.clone(), 1000 + i, None));
            }
        }
    }
    // Damage to the last record cannot be told from a program that power interrupted; all else must be noticed.
    let newest = image.iter().rposition(|byte| *byte != 0xff).unwrap();
    for (_, bits, key, found) in &wrong {
        let last = bits.iter().any(|byte| (newest - 160..=newest).contains(byte));
        assert!(last, "{bits:?} flipped: key {key} is {found:?} (records end at {newest}); opened: {unopened} not");
    }
    assert!(errors * 20 < right, "what is not damaged stays readable");
    let trials: std::collections::BTreeSet<_> = wrong.iter().map(|wrong| wrong.0).collect();
    assert!(trials.len() <= 40, "{} trials", trials.len());
}
