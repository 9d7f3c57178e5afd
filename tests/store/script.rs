//! What is done to a store, and what it should then hold: scripts and their model.

use std::collections::BTreeMap;

use embedded_storage::nor_flash::NorFlash;
use larder::dbm::{self, Dbm};

use crate::random::Rng;

/// What a store should hold.
pub type Model = BTreeMap<Vec<u8>, Vec<u8>>;

/// One step of a script.
#[derive(Clone, Debug)]
pub enum Op {
    Set(Vec<u8>, Vec<u8>),
    Delete(Vec<u8>),
    /// All at once: a value, or none to delete.
    Batch(Vec<(Vec<u8>, Option<Vec<u8>>)>),
    /// A batch that is thrown away.
    Aborted(Vec<(Vec<u8>, Option<Vec<u8>>)>),
    Step,
    Reorganize,
    /// Closes the store and opens it again.
    Reopen,
}

/// How scripts are drawn: keys are few, so that most writes overwrite.
#[derive(Clone, Copy)]
pub struct Shape {
    pub keys: usize,
    /// Values are shorter than this.
    pub value: usize,
}

pub const SMALL: Shape = Shape { keys: 16, value: 61 };

impl Shape {
    /// Key number `i`: of 1 to 15 bytes, none the prefix of another's number.
    pub fn key(self, i: usize) -> Vec<u8> {
        let mut key = format!("{i:02}").into_bytes();
        key.extend(std::iter::repeat_n(b'k', i * 7 % 14));
        key
    }

    fn any_key(self, rng: &mut Rng) -> Vec<u8> {
        self.key(rng.below(self.keys))
    }

    fn any_value(self, rng: &mut Rng) -> Vec<u8> {
        let length = rng.below(self.value);
        rng.bytes(length)
    }

    fn change(self, rng: &mut Rng) -> (Vec<u8>, Option<Vec<u8>>) {
        (self.any_key(rng), (rng.below(5) != 0).then(|| self.any_value(rng)))
    }

    fn changes(self, rng: &mut Rng) -> Vec<(Vec<u8>, Option<Vec<u8>>)> {
        (0..rng.below(5)).map(|_| self.change(rng)).collect()
    }

    /// A step: four of five are single writes.
    pub fn op(self, rng: &mut Rng) -> Op {
        match rng.below(100) {
            0..70 => Op::Set(self.any_key(rng), self.any_value(rng)),
            70..82 => Op::Delete(self.any_key(rng)),
            82..91 => Op::Batch(self.changes(rng)),
            91..93 => Op::Aborted(self.changes(rng)),
            93..97 => Op::Step,
            97..98 => Op::Reorganize,
            _ => Op::Reopen,
        }
    }

    pub fn script(self, seed: u64, steps: usize) -> Vec<Op> {
        let mut rng = Rng(seed);
        (0..steps).map(|_| self.op(&mut rng)).collect()
    }
}

impl Op {
    /// What the model holds after the step.
    pub fn change(&self, model: &mut Model) {
        let mut put = |key: &Vec<u8>, value: &Option<Vec<u8>>| match value {
            Some(value) => drop(model.insert(key.clone(), value.clone())),
            None => drop(model.remove(key)),
        };
        match self {
            Op::Set(key, value) => put(key, &Some(value.clone())),
            Op::Delete(key) => put(key, &None),
            Op::Batch(changes) => changes.iter().for_each(|(key, value)| put(key, value)),
            Op::Aborted(_) | Op::Step | Op::Reorganize | Op::Reopen => {}
        }
    }

    /// Does the step; `Ok(false)` when the store is full, and the step therefore undone. The model is what was there before.
    pub fn apply<F: NorFlash>(&self, db: &mut Dbm<'_, F>, model: &Model) -> Result<bool, dbm::Error> {
        let done = match self {
            Op::Set(key, value) => db.set(key, value),
            Op::Delete(key) => db.delete(key).map(|was| assert_eq!(was, model.contains_key(key), "delete says")),
            Op::Batch(changes) => write(db, changes).and_then(|()| db.commit()),
            Op::Aborted(changes) => write(db, changes).and_then(|()| db.rollback()),
            Op::Step => db.step().map(drop),
            Op::Reorganize => db.reorganize(),
            Op::Reopen => Ok(()),
        };
        match done {
            Ok(()) => Ok(true),
            Err(dbm::Error::Full) => {
                if db.in_batch() {
                    db.rollback()?;
                }
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }
}

fn write<F: NorFlash>(db: &mut Dbm<'_, F>, changes: &[(Vec<u8>, Option<Vec<u8>>)]) -> Result<(), dbm::Error> {
    db.begin()?;
    for (key, value) in changes {
        match value {
            Some(value) => db.set(key, value)?,
            None => drop(db.delete(key)?),
        }
    }
    Ok(())
}

/// Everything the store holds, by a walk in order.
pub fn dump<F: NorFlash>(db: &mut Dbm<'_, F>) -> Result<Model, dbm::Error> {
    let (mut model, mut cursor, mut buf) = (Model::new(), db.cursor(), [0; 1024]);
    while let Some(entry) = db.next(&mut cursor, &mut buf)? {
        if let Some((last, _)) = model.last_key_value() {
            assert!(last.as_slice() < entry.key, "{last:?} comes before {:?}", entry.key);
        }
        model.insert(entry.key.to_vec(), entry.value.to_vec());
    }
    Ok(model)
}

/// As [`dump`], and each key of the shape asked for by `get`.
pub fn dump_and_get<F: NorFlash>(db: &mut Dbm<'_, F>, shape: Shape) -> Result<Model, dbm::Error> {
    let (model, mut buf) = (dump(db)?, [0; 1024]);
    for key in (0..shape.keys).map(|i| shape.key(i)) {
        let value = db.get(&key, &mut buf)?;
        assert_eq!(value, model.get(&key).map(Vec::as_slice), "what get and the walk say of {key:?}");
    }
    Ok(model)
}
