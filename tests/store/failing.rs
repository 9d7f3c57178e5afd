//! A driver that fails, once or several times in a row, with the operation done, done in part or not done, while the store
//! goes on without being opened anew. Of what failed the old or the new is there, of a batch all or nothing, and of everything else
//! what was acknowledged; when the driver is well again, so is the store.

use embedded_storage::nor_flash::{ErrorType, NorFlash, ReadNorFlash};
use larder::dbm::{self, Dbm, Error, Flag};
use larder::flash::{self, SimFlash, Tear};
use std::cell::RefCell;
use std::rc::Rc;

use crate::random::Rng;
use crate::script::{Model, Op, SMALL, dump, dump_and_get};

/// When calls fail.
struct Faults {
    on: bool,
    rng: Rng,
    /// One in so many reads, programs and erases fails, and up to so many calls after it.
    odds: [usize; 3],
    burst: usize,
    left: usize,
    /// A program was done and failed: what it did can be read until the call of the store is over. (Where that is in doubt as well, so
    /// is whether a batch counts whose commit it was.)
    calm: bool,
}

impl Faults {
    fn strikes(&mut self, kind: usize) -> Option<Tear> {
        if !self.on || self.calm && kind == 0 || self.left == 0 && self.rng.below(self.odds[kind]) > 0 {
            return None;
        }
        self.left = if self.left == 0 { self.rng.below(self.burst) } else { self.left - 1 };
        let tear = Tear::ALL[self.rng.below(5)];
        self.calm |= kind == 1 && tear == Tear::Done;
        Some(tear)
    }
}

struct Failing<const W: usize, const E: usize> {
    part: SimFlash<'static, W, E>,
    faults: Rc<RefCell<Faults>>,
}

impl<const W: usize, const E: usize> Failing<W, E> {
    /// Does something to the part, which may fail.
    fn act(
        &mut self,
        kind: usize,
        act: impl FnOnce(&mut SimFlash<'static, W, E>) -> flash::Result<()>,
    ) -> flash::Result<()> {
        if let Some(tear) = self.faults.borrow_mut().strikes(kind) {
            self.part.cut_after(0, tear);
        }
        let done = act(&mut self.part);
        self.part.restore_power();
        done
    }
}

impl<const W: usize, const E: usize> ErrorType for Failing<W, E> {
    type Error = flash::Error;
}

impl<const W: usize, const E: usize> ReadNorFlash for Failing<W, E> {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> flash::Result<()> {
        if self.faults.borrow_mut().strikes(0).is_some() {
            bytes.fill(0x5a);
            return Err(flash::Error::PowerCut);
        }
        self.part.read(offset, bytes)
    }

    fn capacity(&self) -> usize {
        self.part.capacity()
    }
}

impl<const W: usize, const E: usize> NorFlash for Failing<W, E> {
    const WRITE_SIZE: usize = W;
    const ERASE_SIZE: usize = E;

    fn erase(&mut self, from: u32, to: u32) -> flash::Result<()> {
        self.act(2, |part| part.erase(from, to))
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> flash::Result<()> {
        self.act(1, |part| part.write(offset, bytes))
    }
}

/// A batch with a savepoint in it, whatever fails: what it may make of a model if it is committed.
fn batch<F: NorFlash>(db: &mut Dbm<'_, F>, rng: &mut Rng, before: &Model) -> (Vec<Model>, Result<(), Error>) {
    let (mut after, mut passed) = (before.clone(), None);
    let mut work = |after: &mut Model| {
        db.begin()?;
        let mut saved = None;
        for _ in 0..rng.below(10) {
            let (key, length) = (SMALL.key(rng.below(SMALL.keys)), rng.below(90));
            match rng.below(8) {
                0 => saved = Some((db.savepoint()?, after.clone())),
                1 if saved.is_some() => {
                    let (savepoint, model) = saved.take().unwrap();
                    db.rollback_to(savepoint)?;
                    *after = model;
                }
                2 => drop(db.delete(&key).map(|_| after.remove(&key))?),
                n => match db.set(&key, &vec![n as u8; length]) {
                    Err(Error::Full) => break,
                    // It may be passed over: then the rest is committed, or nothing.
                    Err(_) if rng.below(2) == 0 => {
                        passed = Some((key, vec![n as u8; length]));
                        break;
                    }
                    done => drop(done.map(|()| after.insert(key, vec![n as u8; length]))?),
                },
            }
        }
        if rng.below(5) == 0 {
            (passed, *after) = (None, before.clone());
            return db.rollback();
        }
        db.commit()
    };
    let done = work(&mut after);
    if db.in_batch() {
        // (That this fails as well changes nothing.)
        let _ = db.rollback();
    }
    let with = passed.map(|change| after.clone().into_iter().chain([change]).collect());
    ([after].into_iter().chain(with).collect(), done)
}

/// The keys of which two models tell something else, for people.
fn differ(expected: &Model, held: &Model) -> String {
    let names = expected.keys().chain(held.keys()).filter(|key| expected.get(*key) != held.get(*key));
    names.map(|key| format!("{}: {:?}, not {:?}; ", key.escape_ascii(), held.get(key), expected.get(key))).collect()
}

/// How many calls of the store failed.
fn goes_on<const W: usize, const E: usize>(sectors: usize, seed: u64, lent: bool) -> usize {
    let mut rng = Rng(seed);
    let odds = [0; 3].map(|_| [5, 30, 200, 2000, usize::MAX][rng.below(5)]);
    let burst = [1, 1, 3, 8][rng.below(4)];
    let faults = Faults {
        on: false,
        rng: Rng(!seed),
        odds: [odds[0].saturating_mul(40), odds[1], odds[2]],
        burst,
        left: 0,
        calm: false,
    };
    let faults = Rc::new(RefCell::new(faults));
    let mut part = Failing::<W, E> { part: SimFlash::owned(sectors).unwrap(), faults: faults.clone() };
    let mut memory = vec![0; dbm::memory_needed(sectors * E, E)];
    let (mut accept, mut failed, mut steps) = (vec![Model::new()], 0, 0);
    while steps < 150 {
        let mut words = [vec![0; if lent { 24 } else { 0 }], vec![0; 16]];
        let [index, order] = &mut words;
        let mut db = dbm::open(&mut part, Flag::Create, &mut memory).unwrap();
        if lent {
            db.lend_index(index);
            db.lend_order(order);
        }
        let held = dump_and_get(&mut db, SMALL).unwrap();
        assert!(accept.contains(&held), "{W} {E} seed {seed} step {steps}, opened: {}", differ(&accept[0], &held));
        accept = vec![held];
        for _ in 0..rng.below(40) {
            steps += 1;
            let before = accept.pop().unwrap();
            (faults.borrow_mut().on, faults.borrow_mut().calm) = (true, false);
            let (after, done) = if rng.below(4) == 0 {
                batch(&mut db, &mut rng, &before)
            } else {
                let op = match SMALL.op(&mut rng) {
                    Op::Reopen => Op::Step,
                    Op::Aborted(changes) => Op::Batch(changes),
                    op => op,
                };
                let mut after = before.clone();
                let done = op.apply(&mut db, &before);
                if done != Ok(false) {
                    op.change(&mut after);
                }
                if db.in_batch() {
                    let _ = db.rollback();
                }
                (vec![after], done.map(drop))
            };
            (faults.borrow_mut().on, faults.borrow_mut().left) = (false, 0);
            accept = after;
            if let Err(error) = done {
                assert!(
                    matches!(error, Error::Flash(_) | Error::Full | Error::Stale),
                    "{W} {E} seed {seed}: {error:?}"
                );
                failed += 1;
                accept.push(before);
                if rng.below(3) == 0 {
                    break;
                }
            }
            let place = format!("{W} {E} seed {seed} step {steps}");
            let held = dump_and_get(&mut db, SMALL).expect(&place);
            assert!(accept.contains(&held), "{place}: {}", differ(&accept[0], &held));
            db.check().expect(&place);
            accept = vec![held];
        }
    }
    // A word that a torn program left behind may refuse one more: then it is left alone.
    let mut db = dbm::open(&mut part, Flag::Write, &mut memory).unwrap();
    for key in dump(&mut db).unwrap().keys() {
        assert_eq!(db.delete(key).or_else(|_| db.delete(key)), Ok(true), "{W} {E} seed {seed}");
    }
    assert!(db.is_empty().unwrap());
    failed
}

#[test]
fn a_store_goes_on_while_its_driver_fails() {
    let mut failed = 0;
    for seed in 0..12 {
        for lent in [false, true] {
            failed += goes_on::<1, 512>(4, seed, lent);
            failed += goes_on::<4, 512>(7, seed, lent);
            failed += goes_on::<8, 1024>(3, seed, lent);
            failed += goes_on::<32, 1024>(5, seed, lent);
            failed += goes_on::<4, 8192>(2, seed, lent);
        }
    }
    println!("{failed} calls failed");
    assert!(failed > 1000);
}
