//! The order of keys: the places of their newest records, one after the other.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use embedded_storage::nor_flash::NorFlash;

use super::super::cursor::{Cursor, Place};
use super::super::error::CORRUPT;
#[cfg(fast)]
use super::super::format::Layout;
use super::super::format::{KEY_MAX, Kind};
use super::super::log::Log;
use super::super::record::{Last, Record, Spot};
use super::super::{Dbm, Fail, Res};
use super::{State, look_at, look_sound, place_of, spot};

/// The words lent.
pub(super) struct Order<'m> {
    places: &'m mut [u32],
    len: usize,
    pub(super) state: State,
    /// Changes when a key comes or goes; never 0.
    version: u32,
    /// Behind the key that came last: where the next one is looked for first.
    hint: usize,
}

impl<'m> Order<'m> {
    pub(super) fn new(places: &'m mut [u32]) -> Self {
        Order { places, len: 0, state: State::Forgotten, version: 1, hint: 0 }
    }

    fn changed(&mut self) {
        self.version = self.version.wrapping_add(1).max(1);
    }

    fn place(&self, rank: usize) -> u32 {
        self.places.get(rank).copied().unwrap_or(0)
    }

    /// The rank of a place. A look at the words alone: as cheap as the move that a new key costs.
    fn rank_of(&self, place: u32) -> Option<usize> {
        // Keys are often overwritten in order, or again and again.
        let near = self.hint.saturating_sub(1);
        if let Some(rank) = (near..(self.hint + 1).min(self.len)).find(|rank| self.place(*rank) == place) {
            return Some(rank);
        }
        let places = self.places.get(..self.len)?;
        let (from, some) = if cfg!(fast) { piece::<32>(places, place) } else { (0, places) };
        let (further, some) = piece::<8>(some, place);
        some.iter().position(|here| *here == place).map(|rank| from + further + rank)
    }

    /// The rank of a key, or of the first one after it; whether the key is there. An error if damage was in the way.
    ///
    /// Keys often come in order: behind the one that came last, and before the one after it. Of that one it may be known that it is less.
    fn locate<F: NorFlash>(&self, log: &mut Log<F>, key: &[u8], guess: u32, less: bool) -> Res<(usize, bool)> {
        let (mut low, mut high) = (0, self.len);
        let (mut middle, mut looks) = (self.hint.saturating_sub(1), 0);
        let mut seen = None;
        if less {
            (seen, low, middle, looks) = (Some(middle), self.hint, self.hint, 1);
        }
        while low < high {
            if looks > 1 || middle >= high {
                middle = low + (high - low) / 2;
            }
            let order = if looks == 0 {
                seen = Some(middle);
                self.trusted(log, middle, key, guess)?
            } else {
                look_at(log, self.place(middle), key.len() as u32 + 4)?;
                let order = log.order(key);
                log.outcome(order)?
            };
            if order < 0 {
                (low, middle) = (middle + 1, middle + 1);
            } else {
                (high, looks) = (middle, 2);
                low = if order == 0 { middle } else { low };
            }
            looks += 1;
        }
        // What damage did to a key on the way shows in its neighbours: they are as they were written, and the key belongs
        // between them.
        if let Some(before) = low.checked_sub(1)
            && seen != Some(before)
            && self.trusted(log, before, key, guess)? >= 0
        {
            return Err(Fail::corrupt(log.cur.page, log.cur.at()));
        }
        let order = if low < self.len { self.trusted(log, low, key, guess)? } else { 1 };
        if order < 0 { Err(Fail::corrupt(log.cur.page, log.cur.at())) } else { Ok((low, order == 0)) }
    }

    /// How the key at a rank compares with another. The record's check is right, or an error.
    fn trusted<F: NorFlash>(&self, log: &mut Log<F>, rank: usize, key: &[u8], guess: u32) -> Res<i32> {
        look_sound(log, self.place(rank), guess)?;
        let order = log.order(key);
        log.outcome(order)
    }

    /// The place of a key's newest record, or none when the key is gone. `old`: the place it had, if that is known.
    fn note<F: NorFlash>(
        &mut self,
        log: &mut Log<F>,
        key: &[u8],
        [old, place]: [Option<u32>; 2],
        last: &Last,
        guess: u32,
    ) -> Res<()> {
        let known = old.and_then(|old| self.rank_of(old)).map(|rank| (rank, true));
        let (rank, there) = match known {
            Some(known) => known,
            None => {
                let before = self.hint.checked_sub(1);
                let less = before.is_some_and(|rank| last.is_before(spot::<F>(self.place(rank)), key));
                self.locate(log, key, guess, less)?
            }
        };
        if !there && place.is_some() {
            if self.len >= self.places.len() {
                self.state = State::Off;
                return Ok(());
            }
            self.places.copy_within(rank..self.len, rank + 1);
            self.len += 1;
            self.changed();
        } else if there && place.is_none() {
            self.places.copy_within(rank + 1..self.len, rank);
            self.len -= 1;
            self.changed();
        }
        if let (Some(place), Some(to)) = (place, self.places.get_mut(rank)) {
            *to = place;
        }
        self.hint = rank + usize::from(place.is_some());
        Ok(())
    }
}

/// The first whole piece of so many places that one is in, or else what is left behind those; and where that begins.
fn piece<const N: usize>(places: &[u32], place: u32) -> (usize, &[u32]) {
    let (pieces, rest) = places.as_chunks::<N>();
    let with = pieces.iter().position(|piece| piece.iter().fold(false, |any, here| any | (*here == place)));
    match with.and_then(|with| Some((with * N, pieces.get(with)?))) {
        Some((from, piece)) => (from, piece),
        None => (pieces.len() * N, rest),
    }
}

/// A key's newest record is this one, a tombstone perhaps; the one before stood at `old`.
pub(super) fn placed<F: NorFlash>(db: &mut Dbm<'_, F>, record: &Record, key: &[u8], old: Option<u32>) {
    let guess = db.guess;
    let place = (record.kind != Kind::Deleted).then(|| place_of::<F>(record));
    let Some((order, _)) = &mut db.lent.order else { return };
    if order.state == State::Whole && order.note(&mut db.log, key, [old, place], &db.last, guess).is_err() {
        order.state = State::Off;
    }
}

/// Moves a cursor and looks at the record it comes to, if the order can tell.
pub(super) fn step<F: NorFlash>(db: &mut Dbm<'_, F>, cursor: &mut Cursor, forward: bool) -> Spot {
    if !whole(db) && !ready(db) {
        return Spot::UNKNOWN;
    }
    let moved = moved(db, cursor, forward);
    known(db, moved)
}

/// Moves a cursor as a [`step`] does and copies the key and the value it comes to, in one look at the window: where the order knows the
/// cursor's rank, and both are short. How many bytes each of them has; elsewhere nothing is done.
#[cfg(fast)]
#[inline(always)]
pub(super) fn glide<F: NorFlash>(
    db: &mut Dbm<'_, F>,
    cursor: &mut Cursor,
    forward: bool,
    buf: &mut [u8],
    compact: bool,
) -> Option<(u8, u8)> {
    let Some((order @ Order { state: State::Whole, .. }, _)) = &db.lent.order else { return None };
    let rank = cursor.beside(order.version, forward)?;
    let place = *order.places.get(..order.len)?.get(rank as usize)?;
    // (Most pages have as many bytes as places can tell apart.)
    let exact = F::PAGE == F::WORD << F::OFFSET_BITS;
    let start = if exact { place << F::WORD_BITS } else { Log::<F>::start(spot::<F>(place)) };
    let short = match db.log.short(start, compact) {
        Some(short) => short,
        None => {
            db.log.read_on(start, db.guess);
            db.log.short(start, compact)?
        }
    };
    short.take(cursor, rank, buf)
}

/// Moves a cursor before a key that it may be unable to hold; `false` if the order cannot tell.
pub(super) fn seek<F: NorFlash>(db: &mut Dbm<'_, F>, cursor: &mut Cursor, key: &[u8]) -> bool {
    if !ready(db) {
        return false;
    }
    let sought = sought(db, cursor, key);
    known(db, sought) != Spot::UNKNOWN
}

/// Brings all keys in, if that was not done yet; whether it was done now.
pub(super) fn built<F: NorFlash>(db: &mut Dbm<'_, F>) -> bool {
    let missing = db.lent.order.as_ref().is_some_and(|(order, _)| order.state == State::Forgotten);
    missing && ready(db)
}

/// Whether there is an order of all keys, built now perhaps.
fn ready<F: NorFlash>(db: &mut Dbm<'_, F>) -> bool {
    if let Some((order, _)) = &mut db.lent.order
        && order.state == State::Forgotten
    {
        (order.state, order.len, order.hint) = (State::Off, 0, 0);
        order.changed();
        build(db);
        db.log.forgive(CORRUPT);
    }
    whole(db)
}

fn whole<F>(db: &Dbm<'_, F>) -> bool {
    db.lent.order.as_ref().is_some_and(|(order, _)| order.state == State::Whole)
}

/// What the order told. Damage in the way is an error: the pages' own orders know no better way round it.
fn known<F: NorFlash>(db: &mut Dbm<'_, F>, told: Res<Spot>) -> Spot {
    told.unwrap_or_else(|error| {
        db.log.fail(error);
        Spot::NONE
    })
}

fn sought<F: NorFlash>(db: &mut Dbm<'_, F>, cursor: &mut Cursor, key: &[u8]) -> Res<Spot> {
    let guess = db.guess;
    let Some((order, _)) = &db.lent.order else { return Ok(Spot::UNKNOWN) };
    let (rank, _) = order.locate(&mut db.log, key, guess, false)?;
    if rank >= order.len {
        cursor.put(Place::End, &[]);
        return Ok(Spot::NONE);
    }
    look_at(&mut db.log, order.place(rank), guess)?;
    let version = order.version;
    db.put_cursor(cursor, Place::Before);
    cursor.ranked(rank as u32, version);
    db.log.outcome(db.log.cur.spot())
}

/// Brings all keys in, as the pages' own orders give them.
fn build<F: NorFlash>(db: &mut Dbm<'_, F>) {
    let mut cursor = db.cursor();
    while db.merged(&mut cursor, true) {
        let place = place_of::<F>(&db.log.cur);
        let Some((order, _)) = &mut db.lent.order else { return };
        let Some(free) = order.places.get_mut(order.len) else { return };
        *free = place;
        order.len += 1;
    }
    if let Some((order, _)) = &mut db.lent.order
        && !db.log.failed()
    {
        order.state = State::Whole;
    }
}

fn moved<F: NorFlash>(db: &mut Dbm<'_, F>, cursor: &mut Cursor, forward: bool) -> Res<Spot> {
    let mut rank = position(db, cursor, forward)?;
    let guess = db.guess;
    let Some((order, _)) = &db.lent.order else { return Ok(Spot::UNKNOWN) };
    let end = if forward { rank >= order.len } else { rank == 0 };
    if end {
        cursor.put(if forward { Place::End } else { Place::Start }, &[]);
        return Ok(Spot::NONE);
    }
    rank -= usize::from(!forward);
    let place = order.place(rank);
    let want = db.log.onward(spot::<F>(place), guess);
    look_sound(&mut db.log, place, want)?;
    let version = order.version;
    db.put_cursor(cursor, Place::On);
    cursor.ranked(rank as u32, version);
    db.log.outcome(db.log.cur.spot())
}

/// How many keys stand before a cursor: on its key, that one counts in the forward direction.
fn position<F: NorFlash>(db: &mut Dbm<'_, F>, cursor: &Cursor, forward: bool) -> Res<usize> {
    let Some((order, _)) = &db.lent.order else { return Ok(0) };
    let behind = cursor.place() == Place::On && forward;
    if let Some(rank) = cursor.rank(order.version) {
        return Ok(rank as usize + usize::from(behind));
    }
    match cursor.place() {
        Place::Start => Ok(0),
        Place::End => Ok(order.len),
        Place::Before | Place::On => {
            let mut key = [0; KEY_MAX];
            let len = db.cursor_key(cursor, &mut key);
            db.log.outcome(())?;
            let guess = db.guess;
            let Some((order, _)) = &db.lent.order else { return Ok(0) };
            let (rank, there) = order.locate(&mut db.log, key.get(..len).unwrap_or(&[]), guess, false)?;
            Ok(rank + usize::from(there && behind))
        }
    }
}
