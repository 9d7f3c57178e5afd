//! Bytes as a program for a store: sessions of operations, each of which may end in a power cut. The fuzz target
//! `tests/fuzz/fuzz_targets/store.rs` looks for bytes that break it; here, random ones are tried.

use larder::dbm::{self, Flag};
use larder::flash::Tear;

use crate::recorder::Recorder;
use crate::script::{Model, Op, SMALL, dump, dump_and_get};

/// The bytes, and zeros when they are used up.
struct Bytes<'a>(core::slice::Iter<'a, u8>);

impl Bytes<'_> {
    fn next(&mut self) -> usize {
        self.0.next().copied().unwrap_or(0).into()
    }

    fn more(&self) -> bool {
        self.0.len() > 0
    }

    fn change(&mut self) -> (Vec<u8>, Option<Vec<u8>>) {
        let (key, length) = (SMALL.key(self.next() % 24), self.next());
        let fill = self.next() as u8;
        (key, (length != 0).then(|| (0..length as u8 - 1).map(|i| i ^ fill).collect()))
    }

    fn op(&mut self) -> Op {
        match self.next() {
            0..150 => match self.change() {
                (key, Some(value)) => Op::Set(key, value),
                (key, None) => Op::Delete(key),
            },
            150..180 => Op::Batch((0..self.next() % 8).map(|_| self.change()).collect()),
            180..200 => Op::Aborted((0..self.next() % 8).map(|_| self.change()).collect()),
            200..220 => Op::Step,
            220..225 => Op::Reorganize,
            _ => Op::Reopen,
        }
    }
}

/// Runs the program on a part that its first byte chooses.
pub fn drive(program: &[u8]) {
    let mut bytes = Bytes(program.iter());
    match bytes.next() % 6 {
        0 => on::<1, 512>(4, &mut bytes),
        1 => on::<4, 512>(6, &mut bytes),
        2 => on::<8, 1024>(4, &mut bytes),
        3 => on::<32, 1024>(5, &mut bytes),
        4 => on::<4, 4096>(2, &mut bytes),
        _ => on::<4, 512>(2, &mut bytes),
    }
}

fn on<const W: usize, const E: usize>(sectors: usize, bytes: &mut Bytes<'_>) {
    let mut part = Recorder::<W, E>::erased(sectors);
    let mut memory = vec![0; dbm::memory_needed(sectors * E, E) + bytes.next() * 8];
    // As an index and as an order; none, too few, or plenty.
    let mut words = [vec![0; bytes.next() / 4], vec![0; bytes.next() / 8]];
    let mut accept = vec![Model::new()];
    while bytes.more() {
        part.part.seed(bytes.next() as u32);
        let (cut, tear) = (bytes.next(), Tear::ALL[bytes.next() % 5]);
        if cut < 192 {
            part.part.cut_after(cut as u64, tear);
        }
        if let Err(error) = session(&mut part, (&mut memory, &mut words), &mut accept, bytes) {
            assert!(!part.part.has_power(), "with power on: {error:?}");
        }
        part.part.restore_power();
    }
    session(&mut part, (&mut memory, &mut words), &mut accept, &mut Bytes([].iter())).unwrap();
}

/// From one opening to the next, or to an error: `accept` is what the store may hold then.
fn session<const W: usize, const E: usize>(
    part: &mut Recorder<W, E>,
    (memory, [index, order]): (&mut [u8], &mut [Vec<u32>; 2]),
    accept: &mut Vec<Model>,
    bytes: &mut Bytes<'_>,
) -> Result<(), dbm::Error> {
    let mut db = dbm::open(part, Flag::Create, memory)?;
    if !index.is_empty() {
        db.lend_index(index);
    }
    if !order.is_empty() {
        db.lend_order(order);
    }
    let mut held = dump(&mut db)?;
    assert!(accept.contains(&held), "{held:?}\nis none of {accept:?}");
    while bytes.more() {
        let op = bytes.op();
        if let Op::Reopen = op {
            break;
        }
        let mut next = held.clone();
        op.change(&mut next);
        *accept = vec![held.clone(), next.clone()];
        if op.apply(&mut db, &held)? {
            held = next;
        }
        if bytes.next().is_multiple_of(4) {
            assert_eq!(dump_and_get(&mut db, SMALL)?, held);
        }
    }
    *accept = vec![held];
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::random::Rng;

    /// Idle work on a batch that was given up erased the only page, and power went in that.
    #[test]
    fn a_log_without_a_living_record_keeps_a_header() {
        super::drive(&[
            143, 6, 93, 55, 27, 6, 56, 163, 248, 177, 152, 79, 122, 1, 225, 14, 74, 180, 239, 215, 159, 188, 233, 198,
            148, 243, 36, 16, 246, 231, 151, 165, 189, 140, 203, 14, 168, 195, 156, 241, 173, 115, 161, 248, 68, 229,
            249, 61, 104, 58, 95, 115, 36, 197, 226, 226, 134, 142, 227, 188, 42, 156, 76, 90, 38, 22, 25, 164, 119,
            100, 32, 254, 77, 80, 59, 137, 51, 57, 70, 26, 194, 145, 124, 228, 52, 198, 8, 187, 30, 200, 103, 50, 159,
            243, 49, 238, 117, 229, 169, 151, 42,
        ]);
    }

    /// A word that reads as blank refused a program, while a batch that had not written anything yet made room.
    #[test]
    fn a_batch_goes_on_behind_a_torn_word() {
        super::drive(include_bytes!("../data/driven/torn_word.bin"));
    }

    /// Says which program failed.
    struct Told<'a>(usize, &'a [u8]);

    impl Drop for Told<'_> {
        fn drop(&mut self) {
            if std::thread::panicking() {
                eprintln!("program {}: {:?}", self.0, self.1);
            }
        }
    }

    /// `LARDER_PROGRAMS=n` runs n programs where the suite runs 400.
    #[test]
    fn random_programs() {
        let programs = std::env::var("LARDER_PROGRAMS").map_or(400, |n| n.parse().expect("a number"));
        let mut rng = Rng(2026);
        for number in 0..programs {
            let length = rng.below(600);
            let program = rng.bytes(length);
            let told = Told(number, &program);
            super::drive(&program);
            drop(told);
        }
    }
}
