//! Random operations on every kind of part, with the least memory and with plenty, against a `BTreeMap`.
//!
//! What is lent beyond the least changes no answer: the same scripts run with an index and an order of any size.

use larder::dbm::{self, Flag};

use crate::random::Rng;
use crate::recorder::Recorder;
use crate::script::{Model, Op, Shape, dump, dump_and_get};

/// Runs a script on a part of this geometry and memory; how many of its steps found the store full.
fn against_the_model<const W: usize, const E: usize>(
    sectors: usize,
    memory: usize,
    shape: Shape,
    seed: u64,
    steps: usize,
    lent: [usize; 2],
) -> usize {
    let mut part = Recorder::<W, E>::erased(sectors);
    let (mut rng, mut memory, mut buf) = (Rng(seed), vec![0; memory], vec![0; 8192]);
    let (mut model, mut full) = (Model::new(), 0);
    let mut script = shape.script(seed, steps).into_iter();
    let mut words = lent.map(|words| vec![0; words]);
    let mut open = true;
    while open {
        open = false;
        let mut db = dbm::open(&mut part, Flag::Create, &mut memory).unwrap();
        let [index, order] = &mut words;
        if !index.is_empty() {
            db.lend_index(index);
        }
        if !order.is_empty() {
            db.lend_order(order);
        }
        assert_eq!(dump(&mut db).unwrap(), model, "{W} {E} {sectors} {seed}: what was there is there");
        for op in script.by_ref() {
            if let Op::Reopen = op {
                open = true;
                break;
            }
            if op.apply(&mut db, &model).unwrap() {
                op.change(&mut model);
            } else {
                full += 1;
            }
            let key = shape.key(rng.below(shape.keys + 2));
            assert_eq!(db.get(&key, &mut buf).unwrap(), model.get(&key).map(Vec::as_slice));
            assert_eq!(db.contains(&key).unwrap(), model.contains_key(&key));
            if rng.below(50) == 0 {
                assert_eq!(dump_and_get(&mut db, shape).unwrap(), model);
            }
        }
    }
    full
}

const MANY: Shape = Shape { keys: 120, value: 40 };

#[test]
fn on_every_word_size() {
    let least = |sectors: usize, sector: usize| dbm::memory_needed(sectors * sector, sector);
    against_the_model::<1, 512>(12, 2048, MANY, 1, 1500, NONE);
    against_the_model::<4, 512>(12, least(12, 512), MANY, 2, 1500, NONE);
    against_the_model::<4, 4096>(3, least(3, 4096), MANY, 3, 1500, NONE);
    against_the_model::<8, 1024>(8, 4096, MANY, 4, 1500, NONE);
    against_the_model::<32, 1024>(16, least(16, 1024), MANY, 5, 1500, NONE);
    against_the_model::<1, 512>(14, 512, MANY, 6, 1500, NONE);
}

const NONE: [usize; 2] = [0, 0];

#[test]
fn with_memory_lent_beyond_the_least() {
    let least = |sectors: usize, sector: usize| dbm::memory_needed(sectors * sector, sector);
    let enough = [dbm::index_words(120), dbm::order_words(120)];
    for (seed, lent) in
        [enough, [enough[0], 0], [0, enough[1]], [24, 0], [0, 30], [64, 60], [8, 119]].into_iter().enumerate()
    {
        let seed = 10 + seed as u64;
        against_the_model::<1, 512>(12, 2048, MANY, seed, 1500, lent);
        against_the_model::<4, 512>(14, least(14, 512), MANY, seed, 1500, lent);
        against_the_model::<8, 1024>(8, 4096, MANY, seed, 1500, lent);
        against_the_model::<32, 4096>(3, least(3, 4096), MANY, seed, 1500, lent);
    }
}
