//! Cursors that stay open while the store is written to, against a `BTreeMap`: each goes on from the key it stands on.

use std::ops::Bound::{Excluded, Included, Unbounded};

use larder::dbm::{self, Cursor, Dbm, Flag};

use crate::recorder::Recorder;
use crate::script::{Model, Rng, Shape};

/// Where a cursor stands.
#[derive(Clone, Debug)]
enum At {
    Start,
    Before(Vec<u8>),
    On(Vec<u8>),
    End,
}

impl At {
    fn moved(&self, model: &Model, forward: bool) -> Option<(Vec<u8>, Vec<u8>)> {
        let key = |key: &Vec<u8>| key.clone();
        let range = match (self, forward) {
            (At::Start, true) | (At::End, false) => (Unbounded, Unbounded),
            (At::End, true) | (At::Start, false) => return None,
            (At::Before(at), true) => (Included(key(at)), Unbounded),
            (At::On(at), true) => (Excluded(key(at)), Unbounded),
            (At::Before(at) | At::On(at), false) => (Unbounded, Excluded(key(at))),
        };
        let mut range = model.range(range);
        let found = if forward { range.next() } else { range.next_back() };
        found.map(|(key, value)| (key.clone(), value.clone()))
    }
}

type Db<'m, const W: usize, const E: usize> = Dbm<'m, &'m mut Recorder<W, E>>;

/// Moves a cursor, and its model, once.
fn step<const W: usize, const E: usize>(
    db: &mut Db<'_, W, E>,
    (cursor, at): &mut (Cursor, At),
    model: &Model,
    rng: &mut Rng,
    shape: Shape,
) {
    let mut buf = [0; 512];
    match rng.below(12) {
        0 => {
            let key = shape.key(rng.below(shape.keys));
            db.seek(cursor, &key).unwrap();
            *at = At::Before(key);
        }
        1 => {
            db.seek_first(cursor);
            *at = At::Start;
        }
        2 => {
            db.seek_last(cursor);
            *at = At::End;
        }
        n => {
            let forward = n < 9;
            let expected = at.moved(model, forward);
            let found = if forward { db.next(cursor, &mut buf) } else { db.previous(cursor, &mut buf) };
            let found = found.unwrap().map(|entry| (entry.key.to_vec(), entry.value.to_vec()));
            assert_eq!(found, expected, "from {at:?}");
            *at = match (found, forward) {
                (Some((key, _)), _) => At::On(key),
                (None, true) => At::End,
                (None, false) => At::Start,
            };
        }
    }
}

fn cursors_are_live<const W: usize, const E: usize>(sectors: usize, seed: u64, lent: [usize; 2]) {
    let shape = Shape { keys: 60, value: 30 };
    let mut part = Recorder::<W, E>::erased(sectors);
    let mut memory = vec![0; dbm::memory_needed(sectors * E, E)];
    let [mut index, mut order] = lent.map(|words| vec![0; words]);
    let (mut rng, mut model) = (Rng(seed), Model::new());
    let mut db = dbm::open(&mut part, Flag::Create, &mut memory).unwrap();
    if lent[0] > 0 {
        db.lend_index(&mut index);
    }
    if lent[1] > 0 {
        db.lend_order(&mut order);
    }
    let mut cursors = vec![(db.cursor(), At::Start); 4];
    for _ in 0..3000 {
        match rng.below(10) {
            0..6 => {
                let which = rng.below(4);
                step(&mut db, &mut cursors[which], &model, &mut rng, shape);
            }
            6 => {
                let key = shape.key(rng.below(shape.keys));
                assert_eq!(db.get(&key, &mut [0; 512]).unwrap(), model.get(&key).map(Vec::as_slice));
            }
            7 | 8 => {
                let op = shape.op(&mut rng);
                assert!(op.apply(&mut db, &model).unwrap(), "there is room");
                op.change(&mut model);
            }
            _ => {
                // Cursors move inside of a batch as well, and what they stand on may be taken back.
                let before = model.clone();
                db.begin().unwrap();
                for _ in 0..rng.below(12) {
                    let (key, value) = (shape.key(rng.below(shape.keys)), rng.bytes(9));
                    if rng.below(4) == 0 {
                        assert_eq!(db.delete(&key).unwrap(), model.remove(&key).is_some());
                    } else {
                        db.set(&key, &value).unwrap();
                        model.insert(key, value);
                    }
                    let which = rng.below(4);
                    step(&mut db, &mut cursors[which], &model, &mut rng, shape);
                }
                if rng.below(2) == 0 {
                    db.rollback().unwrap();
                    model = before;
                } else {
                    db.commit().unwrap();
                }
            }
        }
    }
}

#[test]
fn cursors_go_on_from_where_they_stand() {
    for (seed, lent) in [[0, 0], [64, 0], [0, 60], [64, 60], [16, 50]].into_iter().enumerate() {
        let seed = 70 + seed as u64;
        cursors_are_live::<4, 512>(16, seed, lent);
        cursors_are_live::<1, 512>(12, seed, lent);
        cursors_are_live::<8, 4096>(4, seed, lent);
    }
}
