//! The index of keys: a table of places, found by the key's hash in one of two buckets.
//!
//! A cell is a place and, above it, as many bits of the key's hash as are left. Which two buckets a cell may stand in
//! follows from either of them and these bits, so that cells make room for others without a look at the flash.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use embedded_storage::nor_flash::NorFlash;

use super::super::format::{Kind, hash};
use super::super::log::Log;
use super::super::record::{self, Record};
use super::super::{Dbm, Res};
use super::{Before, State, look_sound, note_all, place_of};

/// Cells of a bucket.
const BUCKET: u32 = 8;
/// A cell that holds nothing. No record stands in the last word of a part.
const EMPTY: u32 = u32::MAX;
/// Cells that are moved before one is given up.
const PATIENCE: u32 = 500;

/// The words lent.
pub(super) struct Cells<'m> {
    cells: &'m mut [u32],
    buckets: u32,
    /// Bits of a place.
    bits: u32,
    pub(super) state: State,
    /// Look-ups that went without.
    misses: u32,
    /// All keys were brought in, as far as they found room.
    built: bool,
    random: u32,
}

/// Where a key's cell may be.
struct Spot {
    finger: u32,
    buckets: [u32; 2],
}

impl<'m> Cells<'m> {
    pub(super) fn new(cells: &'m mut [u32], bits: u32) -> Self {
        let buckets = cells.len() as u32 / BUCKET;
        let state = if buckets == 0 { State::Off } else { State::Forgotten };
        Cells { cells, buckets, bits, state, misses: 0, built: false, random: 1 }
    }

    /// Empties it, if nothing in it counts.
    fn begin(&mut self) {
        if self.state == State::Forgotten {
            self.cells.fill(EMPTY);
            (self.state, self.misses, self.built) = (State::Partial, 0, false);
        }
    }

    fn get(&self, at: u32) -> u32 {
        self.cells.get(at as usize).copied().unwrap_or(EMPTY)
    }

    fn set(&mut self, at: u32, cell: u32) {
        if let Some(to) = self.cells.get_mut(at as usize) {
            *to = cell;
        }
    }

    /// Of `buckets`, the one that a number falls in.
    fn bucket(&self, number: u32) -> u32 {
        ((u64::from(number) * u64::from(self.buckets)) >> 32) as u32
    }

    /// The other bucket of a cell.
    fn other(&self, bucket: u32, finger: u32) -> u32 {
        let sum = self.bucket(finger.wrapping_add(1).wrapping_mul(0x9e37_79b1));
        if sum >= bucket { sum - bucket } else { sum + self.buckets - bucket }
    }

    fn spot(&self, key: &[u8]) -> Spot {
        let hash = hash(key, false);
        let finger = hash & (u32::MAX >> self.bits);
        let first = self.bucket(hash);
        Spot { finger, buckets: [first, self.other(first, finger)] }
    }

    /// Which cells of a bucket have a key's bits: a bit each. (An empty one may.)
    fn alike(&self, bucket: u32, finger: u32) -> u32 {
        let (buckets, _) = self.cells.as_chunks::<{ BUCKET as usize }>();
        let cells = buckets.get(bucket as usize).unwrap_or(&[EMPTY; BUCKET as usize]);
        let (low, size) = (finger << self.bits, 1 << self.bits);
        cells.iter().rev().fold(0, |bits, cell| bits << 1 | u32::from(cell.wrapping_sub(low) < size))
    }

    /// Puts a cell into one of its buckets.
    fn insert(&mut self, spot: &Spot, mut cell: u32) {
        for bucket in spot.buckets {
            if self.fill(bucket, cell) {
                return;
            }
        }
        let [mut bucket, _] = spot.buckets;
        for _ in 0..PATIENCE {
            // A cell of a full bucket makes room and goes to its other one.
            self.random ^= self.random << 13;
            self.random ^= self.random >> 17;
            self.random ^= self.random << 5;
            let at = bucket * BUCKET + self.random % BUCKET;
            let moved = self.get(at);
            self.set(at, cell);
            cell = moved;
            bucket = self.other(bucket, cell >> self.bits);
            if self.fill(bucket, cell) {
                return;
            }
        }
        self.state = State::Partial;
    }

    fn fill(&mut self, bucket: u32, cell: u32) -> bool {
        let from = (bucket * BUCKET) as usize;
        let cells = self.cells.get_mut(from..from + BUCKET as usize).unwrap_or(&mut []);
        match cells.iter_mut().find(|cell| **cell == EMPTY) {
            Some(free) => {
                *free = cell;
                true
            }
            None => false,
        }
    }

    /// The cell of a key and its record. Damage is told only when the key is not found.
    fn find<F: NorFlash>(&self, log: &mut Log<F>, spot: &Spot, key: &[u8], guess: u32) -> Res<Option<(u32, Record)>> {
        let ([first, second], mut doubt) = (spot.buckets, None);
        for bucket in [first, second].into_iter().take(1 + usize::from(first != second)) {
            let mut alike = self.alike(bucket, spot.finger);
            while alike != 0 {
                let at = bucket * BUCKET + alike.trailing_zeros();
                alike &= alike - 1;
                let cell = self.get(at);
                if cell == EMPTY {
                    continue;
                }
                match right(log, cell & !(u32::MAX << self.bits), key, guess) {
                    Ok(Some(record)) => return Ok(Some((at, record))),
                    Ok(None) => {}
                    Err(error) if error.is_corrupt() => doubt = Some(error),
                    Err(error) => return Err(error),
                }
            }
        }
        doubt.map_or(Ok(None), Err)
    }
}

/// The record at a place, if it is of this key. Its check is right, or an error.
fn right<F: NorFlash>(log: &mut Log<F>, place: u32, key: &[u8], guess: u32) -> Res<Option<Record>> {
    look_sound(log, place, guess)?;
    let record = log.cur;
    let found = (log.order(key) == 0).then_some(record);
    log.outcome(found)
}

/// Looks a key up.
pub(super) fn find<F: NorFlash>(db: &mut Dbm<'_, F>, key: &[u8]) -> record::Spot {
    let pages = db.table.count() as u32;
    let Some((cells, _)) = &mut db.lent.cells else { return record::Spot::UNKNOWN };
    cells.begin();
    if cells.misses > pages {
        build(db);
    }
    let guess = db.guess;
    let Some((cells, _)) = &mut db.lent.cells else { return record::Spot::UNKNOWN };
    if matches!(cells.state, State::Forgotten | State::Off) || db.log.failed() {
        return record::Spot::UNKNOWN;
    }
    let spot = cells.spot(key);
    match cells.find(&mut db.log, &spot, key, guess) {
        Ok(Some((_, record))) => {
            db.log.cur = record;
            record.spot()
        }
        Ok(None) if cells.state == State::Whole => record::Spot::NONE,
        Err(error) if cells.state == State::Whole || !error.is_corrupt() => {
            db.log.fail(error);
            record::Spot::NONE
        }
        _ => {
            cells.misses = cells.misses.saturating_add(1);
            record::Spot::UNKNOWN
        }
    }
}

/// Brings all keys in, if that was not done yet and can be; whether it was done now.
pub(super) fn build<F: NorFlash>(db: &mut Dbm<'_, F>) -> bool {
    let started = db.batch.started;
    let Some((cells, _)) = &mut db.lent.cells else { return false };
    cells.begin();
    if cells.state != State::Partial || cells.built || started {
        return false;
    }
    (cells.state, cells.built) = (State::Whole, true);
    match note_all(db, noted) {
        Ok(()) => return true,
        // What is damaged is told by who asks for it.
        Err(error) if error.is_corrupt() => {}
        Err(error) => {
            db.lent.forget();
            db.log.fail(error);
            return false;
        }
    }
    if let Some((cells, _)) = &mut db.lent.cells {
        cells.cells.fill(EMPTY);
        cells.state = State::Partial;
    }
    true
}

/// A key's newest record is this one, a tombstone perhaps. What is known of the one before.
pub(super) fn noted<F: NorFlash>(db: &mut Dbm<'_, F>, record: &Record, key: &[u8]) -> Before {
    let guess = db.guess;
    let Some((cells, _)) = &mut db.lent.cells else { return Before::Unknown };
    if matches!(cells.state, State::Forgotten | State::Off) {
        return Before::Unknown;
    }
    let whole = cells.state == State::Whole;
    let spot = cells.spot(key);
    let cell = spot.finger << cells.bits | place_of::<F>(record);
    let gone = record.kind == Kind::Deleted;
    match cells.find(&mut db.log, &spot, key, guess) {
        Ok(Some((at, old))) => {
            cells.set(at, if gone { EMPTY } else { cell });
            return Before::At(place_of::<F>(&old));
        }
        Ok(None) if whole && gone => return Before::None,
        Ok(None) if whole => {
            cells.insert(&spot, cell);
            return Before::None;
        }
        Err(error) if !error.is_corrupt() => cells.state = State::Forgotten,
        _ if gone => {}
        _ => cells.insert(&spot, cell),
    }
    Before::Unknown
}
