//! Cursors that stay open while the store is written to, against a `BTreeMap`: each goes on from the key it stands on.

use std::ops::Bound::{Excluded, Included, Unbounded};

use larder::dbm::{self, Cursor, Dbm, Error, Flag};

use crate::random::Rng;
use crate::recorder::Recorder;
use crate::script::{Model, Op, Shape};

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

/// A key: of up to 15 bytes, or of as many and 40 more, of which a cursor does not hold all.
fn key(rng: &mut Rng, long: bool) -> Vec<u8> {
    let mut key = SHAPE.key(rng.below(SHAPE.keys));
    if long {
        key.splice(0..0, [b'-'; 40]);
    }
    key
}

const SHAPE: Shape = Shape { keys: 60, value: 30 };

/// Moves a cursor, and its model, once; `false` when it went stale.
fn step<const W: usize, const E: usize>(
    db: &mut Db<'_, W, E>,
    (cursor, at): &mut (Cursor, At),
    model: &Model,
    rng: &mut Rng,
    long: bool,
) -> bool {
    let mut buf = [0; 512];
    match rng.below(12) {
        0 => {
            let key = key(rng, long);
            match db.seek(cursor, &key) {
                Err(Error::Stale) => return false,
                done => done.unwrap(),
            }
            // A long key is not held: the one after it is what the cursor stands at.
            let after = if long { model.range(key..).next().map(|(key, _)| key.clone()) } else { Some(key) };
            *at = after.map_or(At::End, At::Before);
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
            if found == Err(Error::Stale) {
                return false;
            }
            let found = found.unwrap().map(|entry| (entry.key.to_vec(), entry.value.to_vec()));
            assert_eq!(found, expected, "from {at:?}");
            *at = match (found, forward) {
                (Some((key, _)), _) => At::On(key),
                (None, true) => At::End,
                (None, false) => At::Start,
            };
        }
    }
    true
}

/// Moves of live cursors and of snapshots that were done, and those that found them stale.
#[derive(Debug, Default)]
struct Moves {
    live: usize,
    seen: usize,
    stale: usize,
    ended: usize,
}

fn cursors_hold<const W: usize, const E: usize>(sectors: usize, seed: u64, lent: [usize; 2], long: bool) -> Moves {
    let mut part = Recorder::<W, E>::erased(sectors);
    let mut memory = vec![0; dbm::memory_needed(sectors * E, E)];
    let [mut index, mut order] = lent.map(|words| vec![0; words]);
    let (mut rng, mut model, mut moves) = (Rng(seed), Model::new(), Moves::default());
    let mut db = dbm::open(&mut part, Flag::Create, &mut memory).unwrap();
    if lent[0] > 0 {
        db.lend_index(&mut index);
    }
    if lent[1] > 0 {
        db.lend_order(&mut order);
    }
    let mut cursors = vec![(db.cursor(), At::Start); 4];
    let mut snapshots: Vec<((Cursor, At), Model)> = Vec::new();
    let mut live = |db: &mut Db<'_, W, E>, model: &Model, rng: &mut Rng, moves: &mut Moves| {
        let which = rng.below(4);
        moves.live += 1;
        if !step(db, &mut cursors[which], model, rng, long) {
            let gone = matches!(&cursors[which].1, At::On(key) | At::Before(key) if !model.contains_key(key));
            assert!(long && gone, "a cursor on a key that is there is never stale");
            cursors[which] = (db.cursor(), At::Start);
            moves.stale += 1;
        }
    };
    for _ in 0..3000 {
        match rng.below(12) {
            0..5 => live(&mut db, &model, &mut rng, &mut moves),
            5 | 6 => {
                if snapshots.len() < 3 || rng.below(20) == 0 {
                    let snapshot = ((db.snapshot().unwrap(), At::Start), model.clone());
                    snapshots.insert(0, snapshot);
                    snapshots.truncate(3);
                }
                let which = rng.below(snapshots.len());
                let (snapshot, then) = &mut snapshots[which];
                moves.seen += 1;
                if !step(&mut db, snapshot, then, &mut rng, long) {
                    snapshots.remove(which);
                    moves.ended += 1;
                }
            }
            7 => {
                let key = key(&mut rng, long);
                assert_eq!(db.get(&key, &mut [0; 512]).unwrap(), model.get(&key).map(Vec::as_slice));
            }
            8 if rng.below(8) == 0 => {
                let op = if rng.below(2) == 0 { Op::Step } else { Op::Reorganize };
                assert!(op.apply(&mut db, &model).unwrap());
            }
            8 | 9 => {
                let (key, value) = (key(&mut rng, long), rng.bytes(9));
                let op = if rng.below(4) == 0 { Op::Delete(key) } else { Op::Set(key, value) };
                assert!(op.apply(&mut db, &model).unwrap(), "there is room");
                op.change(&mut model);
            }
            _ => {
                // Cursors move inside of a batch as well, and what they stand on may be taken back.
                let before = model.clone();
                db.begin().unwrap();
                for _ in 0..rng.below(12) {
                    let (key, value) = (key(&mut rng, long), rng.bytes(9));
                    if rng.below(4) == 0 {
                        assert_eq!(db.delete(&key).unwrap(), model.remove(&key).is_some());
                    } else {
                        db.set(&key, &value).unwrap();
                        model.insert(key, value);
                    }
                    live(&mut db, &model, &mut rng, &mut moves);
                    let which = rng.below(3);
                    if let Some((snapshot, then)) = snapshots.get_mut(which) {
                        moves.seen += 1;
                        if !step(&mut db, snapshot, then, &mut rng, long) {
                            snapshots.remove(which);
                            moves.ended += 1;
                        }
                    }
                }
                if rng.below(4) == 0 {
                    db.rollback().unwrap();
                    model = before;
                } else {
                    db.commit().unwrap();
                }
            }
        }
    }
    moves
}

#[test]
fn cursors_go_on_from_where_they_stand_and_snapshots_stay() {
    for (seed, lent) in [[0, 0], [64, 0], [0, 60], [64, 60], [16, 50]].into_iter().enumerate() {
        let seed = 70 + seed as u64;
        for long in [false, true] {
            let all = [
                cursors_hold::<4, 512>(26, seed, lent, long),
                cursors_hold::<1, 512>(24, seed, lent, long),
                cursors_hold::<8, 4096>(6, seed, lent, long),
            ];
            for moves in all {
                assert!(moves.seen > 3 * moves.ended && moves.live > 8 * moves.stale, "{moves:?}");
            }
        }
    }
}

#[test]
fn a_cursor_on_a_long_key_goes_on_until_nothing_is_left_of_the_key() {
    let long = |i: u8| [b"a key that is longer than what a cursor holds, ".as_slice(), &[b'0' + i]].concat();
    let mut part = Recorder::<4, 512>::erased(8);
    let mut memory = vec![0; dbm::memory_needed(8 * 512, 512)];
    let mut db = dbm::open(&mut part, Flag::Create, &mut memory).unwrap();
    for i in 0..4 {
        db.set(&long(i), &[i]).unwrap();
    }
    let (mut cursor, mut buf) = (db.cursor(), [0; 64]);
    db.next(&mut cursor, &mut buf).unwrap();
    // Everything is moved, several times around the part.
    for i in 0..200 {
        db.set(b"another", &[i; 60]).unwrap();
    }
    db.reorganize().unwrap();
    assert_eq!(db.next(&mut cursor, &mut buf).unwrap().map(|entry| entry.key), Some(long(1).as_slice()));
    // Of a deleted key an old record or the tombstone tells where it stood, as long as there is one.
    db.delete(&long(1)).unwrap();
    let mut rounds = 0;
    loop {
        let mut copy = cursor;
        let next = db.next(&mut copy, &mut buf).map(|entry| entry.map(|entry| entry.key));
        if next == Err(Error::Stale) {
            break;
        }
        assert_eq!(next, Ok(Some(long(2).as_slice())));
        for i in 0..200 {
            db.set(b"another", &[i; 60]).unwrap();
        }
        db.reorganize().unwrap();
        rounds += 1;
        assert!(rounds < 50, "a tombstone that hides nothing goes");
    }
    assert!(rounds > 0);
    assert_eq!(db.previous(&mut cursor, &mut buf), Err(Error::Stale));
    db.seek(&mut cursor, &long(1)).unwrap();
    assert_eq!(db.next(&mut cursor, &mut buf).unwrap().map(|entry| entry.key), Some(long(2).as_slice()));
}

#[test]
fn a_snapshot_of_a_batch_goes_on_behind_the_commit() {
    let mut part = Recorder::<4, 512>::erased(16);
    let mut memory = vec![0; dbm::memory_needed(16 * 512, 512)];
    let mut db = dbm::open(&mut part, Flag::Create, &mut memory).unwrap();
    let mut keys: Vec<_> = (10..45).map(|n| format!("key {n}")).chain(["z3", "z1", "z2"].map(String::from)).collect();
    for key in &keys {
        if key == "z3" {
            db.begin().unwrap();
        }
        db.set(key.as_bytes(), &[b'.'; 20]).unwrap();
    }
    keys.sort();
    let (mut cursor, mut buf) = (db.snapshot().unwrap(), [0; 64]);
    for (moved, key) in keys.iter().enumerate() {
        if moved == 3 {
            db.commit().unwrap();
        }
        assert_eq!(db.next_key(&mut cursor, &mut buf), Ok(Some(key.as_bytes())));
    }
}
