//! Keys that come in order, as rows of tables do: a page holds what follows each other, and cursors go through it in long runs.
//! Against a `BTreeMap`, with writes, copies of cursors and changes of direction between the runs.

use std::cell::Cell;
use std::ops::Bound::{Excluded, Unbounded};

use embedded_storage::nor_flash::{ErrorType, NorFlash, ReadNorFlash};
use larder::crc;
use larder::dbm::{self, Flag};
use larder::flash::{Error, SimFlash};

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

/// Reads of so many steps through 1,500 records of one size, which a new opening begins.
fn reads(part: &mut SimFlash<'static, 4, 4096>, steps: usize) -> u64 {
    let before = part.counters().reads;
    let mut memory = vec![0; dbm::memory_needed(64 * 4096, 4096)];
    let mut db = dbm::open(&mut *part, Flag::Read, &mut memory).unwrap();
    let mut cursor = db.cursor();
    for _ in 0..steps {
        assert!(db.next(&mut cursor, &mut [0; 128]).unwrap().is_some());
    }
    drop(db);
    part.counters().reads - before
}

#[test]
fn a_run_through_records_of_one_size_reads_several_at_once() {
    // Of 8 to 68 bytes: whole words, and some that are filled up.
    for value in [0, 4, 24, 29, 60] {
        let mut part = SimFlash::owned(64).unwrap();
        let mut memory = vec![0; dbm::memory_needed(64 * 4096, 4096)];
        let mut db = dbm::open(&mut part, Flag::Create, &mut memory).unwrap();
        for number in 0..1500_u16 {
            db.set(&number.to_be_bytes(), &vec![7; value]).unwrap();
        }
        drop(db);
        let scan = reads(&mut part, 1500) - reads(&mut part, 1);
        // (Where code is to be small there are no runs.)
        assert!(scan < if cfg!(fast) { 1500 } else { 6000 }, "values of {value} bytes: {scan} reads");
    }
}

/// Of a long key a cursor holds a digest, which may begin as the next key does.
#[test]
fn no_run_goes_by_a_long_key_s_digest() {
    let long = |end: &str| format!("a{}{end}", "-".repeat(40));
    let alike = (10_000..99_999).map(|n| long(&format!("~{n}"))).find(|key| !crc::crc32(key.as_bytes()) as u8 == b'b');
    let mut part = Recorder::<4, 1024>::erased(8);
    let mut memory = vec![0; dbm::memory_needed(8 * 1024, 1024)];
    let mut db = dbm::open(&mut part, Flag::Create, &mut memory).unwrap();
    let mut keys: Vec<_> = (0..4).map(|n| long(&n.to_string())).chain([alike.unwrap(), "b5".into()]).collect();
    keys.extend((0..30).map(|n| format!("z{n:02}")));
    for key in keys.iter().map(String::as_str).chain(["a", "b1"]) {
        db.set(key.as_bytes(), &[b'.'; 30]).unwrap();
    }
    keys.extend(["a".into(), "b1".into()]);
    keys.sort();
    let (mut cursor, mut buf) = (db.cursor(), [0; 128]);
    for key in keys {
        assert_eq!(db.next(&mut cursor, &mut buf).unwrap().unwrap().key.escape_ascii().to_string(), key);
    }
}

/// A part of which one read fails and leaves the buffer as it was.
struct Fails<'a> {
    part: SimFlash<'static, 4, 4096>,
    /// The number of that read, of those to come; 0 when it is over.
    left: &'a Cell<usize>,
}

impl ErrorType for Fails<'_> {
    type Error = Error;
}

impl ReadNorFlash for Fails<'_> {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Error> {
        let left = self.left.get();
        self.left.set(left.saturating_sub(1));
        if left == 1 { Err(Error::PowerCut) } else { self.part.read(offset, bytes) }
    }

    fn capacity(&self) -> usize {
        self.part.capacity()
    }
}

impl NorFlash for Fails<'_> {
    const WRITE_SIZE: usize = 4;
    const ERASE_SIZE: usize = 4096;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), Error> {
        self.part.erase(from, to)
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Error> {
        self.part.write(offset, bytes)
    }
}

#[test]
fn a_step_of_a_run_tells_of_a_read_that_fails_and_the_next_one_goes_on() {
    let left = Cell::new(0);
    let part = Fails { part: SimFlash::owned(8).unwrap(), left: &left };
    let (mut memory, mut buf) = (vec![0; dbm::memory_needed(8 * 4096, 4096) + 600], [0; 64]);
    let mut db = dbm::open(part, Flag::Create, &mut memory).unwrap();
    for n in 0..180_u8 {
        db.set(&[n], &[!n; 30]).unwrap();
    }
    for fails in 1.. {
        let (mut cursor, mut came) = (db.cursor(), 0);
        left.set(fails);
        while came < 180 {
            let before = left.get();
            let next = db.next(&mut cursor, &mut buf).map(|entry| entry.unwrap());
            assert_eq!(next.is_err(), before > 0 && left.get() == 0, "read {fails}, key {came}");
            if let Ok(entry) = next {
                assert_eq!((entry.key, entry.value), (&[came][..], &[!came; 30][..]), "read {fails}");
                came += 1;
            }
        }
        if left.get() > 0 {
            assert!(fails > 20);
            break;
        }
    }
}
