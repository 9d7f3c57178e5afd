//! Power cuts at every program and erase of a script, torn in every way, and a second cut soon after each.
#![cfg(feature = "std")]

#[path = "support/random.rs"]
mod random;

use std::collections::BTreeMap;

use larder::dbm::{self, Dbm, Error, Flag};
use larder::flash::{SimFlash, Tear};
use random::Rng;

type Model = BTreeMap<Vec<u8>, Vec<u8>>;

const TEARS: [Tear; 5] = Tear::ALL;

type Sim<const W: usize, const E: usize> = SimFlash<'static, W, E>;

/// One step of a script: batches are several writes.
fn step<const W: usize, const E: usize>(
    db: &mut Dbm<'_, &mut Sim<W, E>>,
    random: &mut Rng,
    keys: usize,
    value: usize,
    model: &Model,
) -> (Model, Result<(), Error>) {
    let mut next = model.clone();
    let batch = random.below(6) == 0;
    let count = if batch { 1 + random.below(12) } else { 1 };
    let give_up = batch && random.below(4) == 0;
    let mut writes = Vec::new();
    for _ in 0..count {
        let key = format!("k{}", random.below(keys)).into_bytes();
        if random.below(5) == 0 {
            writes.push((key, None));
        } else {
            let len = random.below(value);
            writes.push((key, Some(random.bytes(len))));
        }
    }
    let mut work = || {
        if batch {
            db.begin()?;
        }
        for (key, value) in &writes {
            match value {
                Some(value) => {
                    db.set(key, value)?;
                    next.insert(key.clone(), value.clone());
                }
                None => {
                    db.delete(key)?;
                    next.remove(key);
                }
            }
        }
        if give_up {
            next = model.clone();
            db.rollback()?;
        } else if batch {
            db.commit()?;
        }
        Ok(())
    };
    let result = work();
    if result == Err(Error::Full) {
        if db.in_batch() {
            db.rollback().unwrap();
        }
        return (model.clone(), Ok(()));
    }
    if std::env::var("CUTS_TRACE").is_ok() {
        eprintln!(
            "batch {batch} give up {give_up} {result:?} {:?}",
            writes
                .iter()
                .map(|(k, v)| (String::from_utf8_lossy(k).into_owned(), v.as_ref().map(|v| v.len())))
                .collect::<Vec<_>>()
        );
    }
    if result.is_err() && give_up {
        next = model.clone();
    } else if result.is_err() {
        // What the whole step would have made of it.
        next = model.clone();
        for (key, value) in writes {
            match value {
                Some(value) => next.insert(key, value),
                None => next.remove(&key),
            };
        }
    }
    (next, result)
}

fn contents<const W: usize, const E: usize>(db: &mut Dbm<'_, &mut Sim<W, E>>, keys: usize, place: &str) -> Model {
    let mut buf = [0; 1024];
    let mut model = Model::new();
    for n in 0..keys {
        let key = format!("k{n}").into_bytes();
        if let Some(value) = db.get(&key, &mut buf).unwrap_or_else(|e| panic!("{place} {key:?}: {e:?}")) {
            model.insert(key, value.to_vec());
        }
    }
    model
}

struct Case {
    sectors: usize,
    keys: usize,
    value: usize,
    steps: usize,
    seed: u64,
}

fn run<const W: usize, const E: usize>(case: &Case, every: usize) -> usize {
    let mut memory = vec![0; dbm::memory_needed(case.sectors * E, E)];
    // Without a cut: how many operations there are.
    let mut flash = Sim::<W, E>::owned(case.sectors).unwrap();
    let mut db = dbm::open(&mut flash, Flag::New, &mut memory).unwrap();
    let mut random = Rng(case.seed);
    let mut model = Model::new();
    for _ in 0..case.steps {
        let (next, result) = step(&mut db, &mut random, case.keys, case.value, &model);
        result.unwrap();
        model = next;
        assert_eq!(contents(&mut db, case.keys, ""), model);
    }
    let _ = db.close();
    let operations = flash.counters().operations() as usize;
    let mut cuts = 0;
    let only: Option<usize> = std::env::var("CUTS_ONLY").ok().and_then(|n| n.parse().ok());
    for at in (0..operations).step_by(every) {
        if only.is_some_and(|only| only != at) {
            continue;
        }
        for (kind, tear) in TEARS.into_iter().enumerate() {
            cuts += 1;
            let mut flash = Sim::<W, E>::owned(case.sectors).unwrap();
            flash.seed((at * 5 + kind) as u32);
            flash.cut_after(at as u64, tear);
            let mut random = Rng(case.seed);
            let mut model = Model::new();
            let mut maybe = Model::new();
            match dbm::open(&mut flash, Flag::New, &mut memory) {
                Ok(mut db) => {
                    for _ in 0..case.steps {
                        let (next, result) = step(&mut db, &mut random, case.keys, case.value, &model);
                        if result.is_err() {
                            maybe = next;
                            break;
                        }
                        model = next;
                    }
                }
                Err(Error::Flash(_)) => {}
                Err(error) => panic!("{error:?}"),
            }
            assert!(!flash.has_power(), "operation {at} was never reached");
            // More cuts, during the recovery and what follows; in the end a mount that must be whole.
            let mut rng = Rng((at * 5 + kind) as u64);
            for round in 0..4 {
                flash.restore_power();
                if round < 3 {
                    flash.cut_after(rng.below(6) as u64, TEARS[rng.below(5)]);
                }
                let place = format!("cut at {at} of {operations}, {tear:?}, round {round}, W {W} E {E}");
                let mut db = match dbm::open(&mut flash, Flag::Create, &mut memory) {
                    Ok(db) => db,
                    Err(Error::Flash(_)) if round < 3 => continue,
                    Err(error) => panic!("{place}: {error:?}"),
                };
                let found = contents(&mut db, case.keys, &place);
                assert!(
                    found == model || found == maybe,
                    "{place}:\nfound {found:?}\nmodel {model:?}\nor    {maybe:?}"
                );
                model = found;
                maybe = model.clone();
                for _ in 0..8 {
                    let (next, result) = step(&mut db, &mut rng, case.keys, case.value, &model);
                    match result {
                        Ok(()) => model = next,
                        Err(Error::Flash(_)) if round < 3 => {
                            maybe = next;
                            break;
                        }
                        Err(error) => panic!("{place}: {error:?}"),
                    }
                }
            }
        }
    }
    cuts
}

#[test]
fn cut_everywhere() {
    let every = std::env::var("CUTS_EVERY").ok().and_then(|n| n.parse().ok()).unwrap_or(3);
    let mut cuts = 0;
    for seed in std::env::var("CUTS_FROM").ok().and_then(|n| n.parse().ok()).unwrap_or(0)
        ..std::env::var("CUTS_SEEDS").ok().and_then(|n| n.parse().ok()).unwrap_or(1)
    {
        cuts += run::<4, 1024>(&Case { sectors: 4, keys: 16, value: 60, steps: 120, seed }, every);
        cuts += run::<1, 512>(&Case { sectors: 3, keys: 8, value: 40, steps: 120, seed }, every);
        cuts += run::<8, 512>(&Case { sectors: 2, keys: 4, value: 40, steps: 120, seed }, every);
        cuts += run::<32, 512>(&Case { sectors: 5, keys: 8, value: 40, steps: 120, seed }, every);
        cuts += run::<4, 8192>(&Case { sectors: 3, keys: 60, value: 300, steps: 120, seed }, every);
    }
    eprintln!("{cuts} cuts");
}
