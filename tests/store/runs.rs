//! Keys that come in order, as rows of tables do: a page holds what follows each other, and cursors go through it in long runs.
//! Against a `BTreeMap`, with writes, copies of cursors and changes of direction between the runs.

use std::ops::Bound::{Excluded, Unbounded};

use larder::dbm::{self, Flag};

use crate::random::Rng;
use crate::recorder::Recorder;
use crate::script::{Model, Op};

/// How a number is spelled as a key; each keeps the order.
const SPELLINGS: [fn(usize, usize) -> Vec<u8>; 4] = [
    |table, number| format!("{table}/{number:05}").into_bytes(),
    |table, number| [&[table as u8][..], &(number as u32 * 7).to_be_bytes()[1..]].concat(),
    |table, number| [&[b'a' + table as u8; 31][..], &(number as u16).to_be_bytes()].concat(),
    |table, number| [&(number as u16 / 9).to_be_bytes()[..], &vec![b'~'; number % 9], &[table as u8]].concat(),
];

fn runs_hold<const W: usize, const E: usize>(sectors: usize, spelling: usize, seed: u64) {
    let mut part = Recorder::<W, E>::erased(sectors);
    let mut memory = vec![0; dbm::memory_needed(sectors * E, E)];
    let mut db = dbm::open(&mut part, Flag::Create, &mut memory).unwrap();
    let (mut rng, mut model, mut next) = (Rng(seed), Model::new(), [0; 3]);
    let mut cursors = [(); 3].map(|()| (db.cursor(), None::<Vec<u8>>));
    let mut buf = [0; 512];
    for _ in 0..160 {
        // Rows at the end of a table, mostly; some are changed, some go.
        let table = rng.below(3);
        for _ in 0..rng.below(14) {
            let number = match rng.below(5) {
                0 if next[table] > 0 => rng.below(next[table]),
                _ => {
                    next[table] += 1;
                    next[table]
                }
            };
            let key = SPELLINGS[spelling](table, number);
            let value = rng.bytes(40);
            let op = if rng.below(9) == 0 { Op::Delete(key) } else { Op::Set(key, value) };
            assert!(op.apply(&mut db, &model).unwrap(), "there is room");
            op.change(&mut model);
        }
        let which = rng.below(3);
        if rng.below(4) == 0 {
            cursors[which] = cursors[rng.below(3)].clone();
        }
        if rng.below(8) == 0 {
            db.seek_first(&mut cursors[which].0);
            cursors[which].1 = None;
        }
        let mut forward = rng.below(3) > 0;
        for _ in 0..rng.below(60) {
            if rng.below(20) == 0 {
                forward = !forward;
            }
            let (cursor, at) = &mut cursors[which];
            let expected = match (&*at, forward) {
                (Some(at), true) => model.range::<[u8], _>((Excluded(&at[..]), Unbounded)).next(),
                (Some(at), false) => model.range::<[u8], _>((Unbounded, Excluded(&at[..]))).next_back(),
                (None, true) => model.iter().next(),
                (None, false) => None,
            };
            let found = if forward { db.next(cursor, &mut buf) } else { db.previous(cursor, &mut buf) }.unwrap();
            assert_eq!(
                found.map(|entry| (entry.key, entry.value)),
                expected.map(|(key, value)| (&key[..], &value[..]))
            );
            match found {
                Some(entry) => *at = Some(entry.key.to_vec()),
                None => {
                    db.seek_first(cursor);
                    *at = None;
                }
            }
        }
    }
}

#[test]
fn cursors_go_in_runs_through_keys_that_came_in_order() {
    for spelling in 0..SPELLINGS.len() {
        for seed in 0..3 {
            let seed = 100 * spelling as u64 + seed;
            runs_hold::<4, 512>(160, spelling, seed);
            runs_hold::<1, 4096>(24, spelling, seed);
            runs_hold::<8, 2048>(48, spelling, seed);
        }
    }
}
