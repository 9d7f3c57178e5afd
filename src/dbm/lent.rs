//! What memory lent beyond the least buys: an index of all keys, and their order.
//!
//! Contract: both only shorten the way to a record. Each of their cells is the place of a record on the flash; what is
//! answered is read from that record, its check verified; where damage is in the way, the answer is an error. When there is no room,
//! or an operation failed half-way, the store forgets what it was lent and finds records as it does without.
//!
//! ```text
//! key -> index:  hash -> two buckets of 8 cells -> the place of the key's newest record     one read a get
//! cursor -> order:  cells in the order of the keys -> the place of the next key's record    one read a step
//! ```
//!
//! The code of either is linked only when it is lent memory: the store calls it by the functions that lending leaves here, and asks
//! [`linked`] first.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod cells;
mod order;

use embedded_storage::nor_flash::NorFlash;

use super::cursor::Cursor;
use super::format::{Kind, Layout, check, read32};
use super::log::{Log, WINDOW};
use super::record::{Record, Spot};
use super::{Dbm, NO_PAGE, Res, linked};
use cells::Cells;
use order::Order;

/// The memory lent beyond the least, and what the store calls to use it.
pub(crate) struct Lent<'m, F> {
    cells: Option<(Cells<'m>, IndexCalls<F>)>,
    order: Option<(Order<'m>, OrderCalls<F>)>,
    /// Sets right what a batch changed that is given up.
    undo: Option<Undo<F>>,
}

/// A key's newest record is another one now; what an index knows of the one before.
type Noted<F> = for<'a, 'm, 'r> fn(&'a mut Dbm<'m, F>, &'r Record, &'r [u8]) -> Before;
type Placed<F> = for<'a, 'm, 'r> fn(&'a mut Dbm<'m, F>, &'r Record, &'r [u8], Option<u32>);
type Find<F> = for<'a, 'm, 'k> fn(&'a mut Dbm<'m, F>, &'k [u8]) -> Spot;
type Step<F> = for<'a, 'm, 'c> fn(&'a mut Dbm<'m, F>, &'c mut Cursor, bool) -> Spot;
type Seek<F> = for<'a, 'm, 'c> fn(&'a mut Dbm<'m, F>, &'c mut Cursor, &'c [u8]) -> bool;
type Build<F> = for<'a, 'm> fn(&'a mut Dbm<'m, F>) -> bool;
type Undo<F> = for<'a, 'm> fn(&'a mut Dbm<'m, F>, u16, u32) -> bool;

struct IndexCalls<F> {
    noted: Noted<F>,
    find: Find<F>,
    build: Build<F>,
}

struct OrderCalls<F> {
    placed: Placed<F>,
    step: Step<F>,
    seek: Seek<F>,
    build: Build<F>,
}

/// What an index knows of a key's newest record until now.
#[derive(Clone, Copy)]
enum Before {
    Unknown,
    /// There is none, or it is a tombstone.
    None,
    At(u32),
}

/// How far something lent can be relied on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing in it counts.
    Forgotten,
    /// What is in it counts, but keys may be missing. (Of an index only.)
    Partial,
    /// All keys are in it.
    Whole,
    /// There is not room enough, or damage in the way.
    Off,
}

/// Words to [lend as an index](Dbm::lend_index) of so many keys: a little over 4 bytes a key. With fewer, a few keys are
/// found as without an index, and those that are not there are looked for.
pub const fn index_words(keys: usize) -> usize {
    (keys + keys / 40 + 1).next_multiple_of(8)
}

/// Words to [lend as an order](Dbm::lend_order) of so many keys: 4 bytes a key.
pub const fn order_words(keys: usize) -> usize {
    keys
}

impl<F> Lent<'_, F> {
    #[inline(always)]
    pub(crate) fn nothing() -> Self {
        Lent { cells: None, order: None, undo: None }
    }

    /// Nothing of it counts any more.
    pub(crate) fn forget(&mut self) {
        if let Some((cells, _)) = &mut self.cells {
            cells.state = State::Forgotten;
        }
        if let Some((order, _)) = &mut self.order {
            order.state = State::Forgotten;
        }
    }
}

impl<'m, F: NorFlash> Dbm<'m, F> {
    /// Lends words for an index of the keys: with [`index_words`] of them, a get costs one read, and a key that is not there
    /// next to none. It is built by [`step`](Self::step), or by a look-up when as many as there are pages have been done without;
    /// that reads the whole store. A set costs one read more.
    pub fn lend_index(&mut self, words: &'m mut [u32]) {
        let calls = IndexCalls { noted: cells::noted, find: cells::find, build: cells::build };
        self.lent.cells = Some((Cells::new(words, place_bits(&self.log)), calls));
        self.tell_lent();
    }

    /// Lends words for the order of the keys: with [`order_words`] of them, a step of a cursor costs one read, whatever
    /// happens between two steps and however many cursors there are. It is built when a cursor moves for the first time. The
    /// set of a new key costs a search in it, and so does that of an old one if there is no [index](Self::lend_index) to know its
    /// place. When the keys outgrow it, it is no longer used.
    pub fn lend_order(&mut self, words: &'m mut [u32]) {
        let calls = OrderCalls { placed: order::placed, step: order::step, seek: order::seek, build: order::built };
        self.lent.order = Some((Order::new(words), calls));
        self.tell_lent();
    }

    /// What is lent is told what happens.
    fn tell_lent(&mut self) {
        self.lent.undo = Some(undo);
        linked::LENT.used();
    }

    /// Moves a cursor by the order, and looks at the record it comes to.
    pub(crate) fn step_lent(&mut self, cursor: &mut Cursor, forward: bool) -> Spot {
        match &self.lent.order {
            Some((_, calls)) if linked::LENT.is() => (calls.step)(self, cursor, forward),
            _ => Spot::UNKNOWN,
        }
    }

    /// Moves a cursor by the order and copies the key and the value it comes to, if that is as simple as it mostly is; how many bytes
    /// each has. Or nothing is done.
    #[cfg(fast)]
    #[inline(always)]
    pub(crate) fn glide(&mut self, cursor: &mut Cursor, forward: bool, buf: &mut [u8]) -> Option<(u8, u8)> {
        // (Built for either kind of check.)
        match self.log.geometry.compact() {
            false => order::glide(self, cursor, forward, buf, false),
            true => order::glide(self, cursor, forward, buf, true),
        }
    }

    /// Moves a cursor before a key by the order; whether there is one that can.
    pub(crate) fn seek_lent(&mut self, cursor: &mut Cursor, key: &[u8]) -> bool {
        match &self.lent.order {
            Some((_, calls)) if linked::LENT.is() => (calls.seek)(self, cursor, key),
            _ => false,
        }
    }

    /// Builds what was lent memory and is not there yet; whether anything was.
    pub(crate) fn build_lent(&mut self) -> bool {
        if let Some((_, calls)) = &self.lent.cells
            && (calls.build)(self)
        {
            return true;
        }
        match &self.lent.order {
            Some((_, calls)) => (calls.build)(self),
            None => false,
        }
    }

    /// A batch that began at a place was given up.
    pub(crate) fn undo_lent(&mut self, page: u16, at: u32) {
        if linked::LENT.is()
            && let Some(undo) = self.lent.undo
            && !undo(self, page, at)
        {
            self.lent.forget();
        }
    }
}

/// Looks at a key's record, by the index if that knows it.
pub(crate) fn find<F: NorFlash>(db: &mut Dbm<'_, F>, key: &[u8]) -> Spot {
    let by_index = match &db.lent.cells {
        Some((_, calls)) => (calls.find)(db, key),
        None => Spot::UNKNOWN,
    };
    if by_index != Spot::UNKNOWN {
        return by_index;
    }
    let found = db.find_unaided(key);
    if found.is_some() && !db.log.failed() {
        let record = db.log.cur;
        note_index(db, &record, key);
        db.log.cur = record;
    }
    found
}

/// Takes note of a key's newest record, a tombstone perhaps. Whether it is known that the head page had none.
pub(crate) fn noted<F: NorFlash>(db: &mut Dbm<'_, F>, record: &Record, key: &[u8]) -> bool {
    if matches!(record.kind, Kind::Part | Kind::Commit) {
        return false;
    }
    let before = note_index(db, record, key);
    let old = if let Before::At(place) = before { Some(place) } else { None };
    if let Some((_, calls)) = &db.lent.order {
        (calls.placed)(db, record, key, old);
    }
    match before {
        Before::Unknown => false,
        Before::None => !db.gone,
        Before::At(place) => spot::<F>(place).page() != db.head,
    }
}

/// The same, of the index alone; what it knew of the key.
fn note_index<F: NorFlash>(db: &mut Dbm<'_, F>, record: &Record, key: &[u8]) -> Before {
    match &db.lent.cells {
        Some((_, calls)) => (calls.noted)(db, record, key),
        None => Before::Unknown,
    }
}

/// Gives each key that a batch wrote the record that counts again.
fn undo<F: NorFlash>(db: &mut Dbm<'_, F>, page: u16, mut at: u32) -> bool {
    let first = if page == NO_PAGE { None } else { db.table.place(page) };
    let Some(first) = first else { return false };
    for place in first..db.table.count() {
        let page = db.table.order(place);
        while let Some(record) = db.sound(page, at, F::PAGE) {
            at += record.total(&db.log.geometry);
            if !record.pending() || matches!(record.kind, Kind::Part | Kind::Commit) {
                continue;
            }
            let mut key = [0; super::format::KEY_MAX];
            let key = db.log.name(&mut key);
            let gone = record.as_deleted();
            let newest = db.newest(key).unwrap_or(gone);
            if db.log.outcome(()).is_err() {
                return false;
            }
            db.note(&newest, key);
        }
        at = F::FIRST;
    }
    db.log.outcome(()).is_ok()
}

/// Calls `noted` with every record that counts, oldest first.
fn note_all<F: NorFlash>(db: &mut Dbm<'_, F>, noted: Noted<F>) -> Res<()> {
    for place in 0..db.table.count() {
        let page = db.table.order(place);
        db.load(page);
        let mut walk = db.go(page);
        while let Some(record) = db.gone(&mut walk) {
            if record.kind != Kind::Part {
                let mut key = [0; super::format::KEY_MAX];
                let key = db.log.name(&mut key);
                db.log.outcome(())?;
                noted(db, &record, key);
            }
        }
        db.walked_to_end(&walk);
        db.log.outcome(())?;
    }
    Ok(())
}

/// Bits of a place: a page and, in it, a word.
fn place_bits<F: NorFlash>(log: &Log<F>) -> u32 {
    super::format::bits_for(log.geometry.pages) + F::OFFSET_BITS
}

/// Where a record stands.
fn place_of<F: NorFlash>(record: &Record) -> u32 {
    u32::from(record.page) << F::OFFSET_BITS | record.at() >> F::WORD_BITS
}

fn spot<F: NorFlash>(place: u32) -> Spot {
    let bits = F::OFFSET_BITS;
    Spot::new((place >> bits) as u16, (place & !(u32::MAX << bits)) << F::WORD_BITS)
}

/// Looks at the record at a place.
fn look_at<F: NorFlash>(log: &mut Log<F>, place: u32, guess: u32) -> Res<()> {
    log.must(spot::<F>(place), guess);
    log.outcome(())
}

/// The same; its check is right, or an error.
fn look_sound<F: NorFlash>(log: &mut Log<F>, place: u32, guess: u32) -> Res<()> {
    let (spot, geometry) = (spot::<F>(place), log.geometry);
    // The window may show its beginning, left from another record: it is asked for as a whole.
    let need = guess.min(WINDOW as u32 / 2).min(F::PAGE.saturating_sub(spot.at()));
    let bytes = log.view(spot.page(), spot.at(), need, guess);
    if let Some(record) = Record::parse(spot, read32(bytes, 0))
        && let Some(whole) = bytes.get(..record.total(&geometry) as usize)
    {
        let right = check::is_right(geometry.compact(), whole);
        log.cur = record;
        if !right {
            log.corrupt(spot.page(), spot.at());
        }
        return log.outcome(());
    }
    log.must(spot, guess);
    log.trusted();
    log.outcome(())
}
