//! A flash that refuses one program: what is set after it goes well, whatever was staged when it happened.

use embedded_storage::nor_flash::{ErrorType, NorFlash, ReadNorFlash};
use larder::dbm::{self, Flag};
use larder::flash::{self, SimFlash};
use std::collections::BTreeMap;

const SECTOR: usize = 1024;

/// A part of which one program fails.
struct Failing<const WORD: usize> {
    part: SimFlash<'static, WORD, SECTOR>,
    programs: usize,
    fails: usize,
}

impl<const WORD: usize> ErrorType for Failing<WORD> {
    type Error = flash::Error;
}

impl<const WORD: usize> ReadNorFlash for Failing<WORD> {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> flash::Result<()> {
        self.part.read(offset, bytes)
    }

    fn capacity(&self) -> usize {
        self.part.capacity()
    }
}

impl<const WORD: usize> NorFlash for Failing<WORD> {
    const WRITE_SIZE: usize = WORD;
    const ERASE_SIZE: usize = SECTOR;

    fn erase(&mut self, from: u32, to: u32) -> flash::Result<()> {
        self.part.erase(from, to)
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> flash::Result<()> {
        self.programs += 1;
        if self.programs == self.fails { Err(flash::Error::PowerCut) } else { self.part.write(offset, bytes) }
    }
}

/// Sets that go round a small store, one program of which fails: how many sets failed, and whether all that was acknowledged
/// reads right.
fn run<const WORD: usize>(fails: usize, longest: usize) {
    let (mut memory, mut buf) = ([0; 1024], [0; SECTOR]);
    let part = Failing::<WORD> { part: SimFlash::owned(6).unwrap(), programs: 0, fails };
    let mut db = dbm::open(part, Flag::New, &mut memory).unwrap();
    let (mut model, mut failed) = (BTreeMap::new(), 0);
    for turn in 0..200u8 {
        let (key, value) = ([turn.wrapping_mul(7) % 11], vec![turn; usize::from(turn) * 37 % longest + 1]);
        if db.set(&key, &value).is_ok() {
            model.insert(key, value);
        } else {
            failed += 1;
            // Then the old value is there, or the new one.
            let found = db.get(&key, &mut buf).unwrap().map(<[u8]>::to_vec);
            assert!(
                found.as_ref() == model.get(&key) || found.as_ref() == Some(&value),
                "word {WORD}, program {fails}"
            );
            found.map(|found| model.insert(key, found));
        }
    }
    assert!(failed <= 1, "word {WORD}, program {fails}: {failed} sets failed");
    for (key, value) in &model {
        assert_eq!(db.get(key, &mut buf).unwrap(), Some(&value[..]), "word {WORD}, program {fails}");
    }
}

#[test]
fn one_failed_program_spoils_one_set_at_most() {
    for longest in [60, 280] {
        for fails in 2..260 {
            run::<1>(fails, longest);
            run::<4>(fails, longest);
            run::<8>(fails, longest);
            run::<32>(fails, longest);
        }
    }
}
