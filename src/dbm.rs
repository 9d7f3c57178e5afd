//! Python's `dbm` on flash: keys and values, bytes both, in a log that survives power cuts at any moment.
//!
//! ```text
//! open(flash, Flag::Create, &mut memory)  →  Dbm  →  get set delete contains keys … close
//! ```
//!
//! What is acknowledged is on the flash: there is nothing to flush, and [`Dbm::sync`] has nothing to do. Each operation is
//! atomic; a [batch](Dbm::begin) makes several so. All memory is lent: [`memory_needed`] bytes at least; what is lent
//! beyond makes the store faster and changes no answer.
#![doc = include_str!("dbm/DESIGN.md")]
#![doc = include_str!("dbm/FORMAT.md")]
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod batch;
mod compact;
mod cursor;
mod dict;
mod error;
pub(crate) mod format;
mod head;
mod index;
mod lent;
mod linked;
mod log;
mod page;
mod record;
mod recover;
#[cfg(fast)]
mod short;
mod stat;
mod stream;
mod table;
mod unordered;
mod walk;

pub use batch::{Batch, Savepoint};
pub use cursor::{Cursor, Entry, Keys};
pub use dict::Items;
pub use error::{Error, Result};
pub(crate) use error::{Fail, Res};
pub use lent::{index_words, order_words};
pub use stat::{Progress, Stat};
pub use stream::{Reader, Writer};
pub use unordered::UnorderedKeys;

use embedded_storage::nor_flash::NorFlash;

use format::{Geometry, Kind, Layout, Name};
use log::Log;
use record::{Last, Record, Spot};
use table::Table;

/// No page.
pub(crate) const NO_PAGE: u16 = u16::MAX;

/// How a store is opened: Python's flags `'r'`, `'w'`, `'c'` and `'n'`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Flag {
    /// An existing store, for reading only. Nothing is written, whatever is found.
    Read,
    /// An existing store, for reading and writing.
    Write,
    /// As `Write`; a part without a store gets a new, empty one.
    Create,
    /// A new, empty store: what the part held is erased.
    New,
}

/// Options of the format, chosen when a store is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Options {
    /// Records carry checks of 16 bits instead of 32: smaller by two bytes. An existing store keeps what it has; one
    /// with 16 bits is opened by [`open_with`] alone, so that programs without have no code for it.
    pub compact: bool,
}

impl Options {
    /// As [`Options::default`], in a constant.
    pub const fn new() -> Self {
        Options { compact: false }
    }

    /// With 16-bit checks, or without.
    pub const fn compact(mut self, compact: bool) -> Self {
        self.compact = compact;
        self
    }
}

/// Bytes of memory that a store on a part of `capacity` bytes in sectors of `sector` needs: 8 a page and 256.
pub const fn memory_needed(capacity: usize, sector: usize) -> usize {
    // (Of the word it is not known: the largest that sectors of this size can have.)
    let word = 1 << if sector.trailing_zeros() < 5 { sector.trailing_zeros() } else { 5 };
    capacity / sector * format::parts(sector, word) as usize * table::PER_PAGE + table::FIXED
}

/// The batch that is open.
#[derive(Clone, Copy)]
pub(crate) struct Pending {
    pub(crate) open: bool,
    /// Something was written in it.
    pub(crate) started: bool,
    /// Where it begins; no page when some of what it wrote is lost.
    pub(crate) page: u16,
    pub(crate) at: u32,
    /// The sequence number of the page in which it begins.
    pub(crate) sequence: u32,
}

impl Pending {
    const NONE: Pending = Pending { open: false, started: false, page: NO_PAGE, at: 0, sequence: 0 };
}

/// An open store. `F` is the flash part; dropping a store without [`close`](Dbm::close) loses nothing but the part.
// The fields stand so that the short loads of Thumb code (31 bytes for a byte, 124 for a word) reach those asked for most.
#[repr(C)]
pub struct Dbm<'m, F> {
    pub(crate) table: Table<'m>,
    pub(crate) writable: bool,
    /// More may be dead than is counted: tombstones that hide nothing any more, what a batch overwrote.
    pub(crate) doubtful: bool,
    /// A sector that lags behind in wear may be moved.
    pub(crate) level: bool,
    /// What is dead in each page is kept up to date by every write.
    pub(crate) counting: bool,
    /// There may be parts of long values in sealed pages.
    pub(crate) long: bool,
    /// There are tombstones in the head page.
    pub(crate) gone: bool,
    /// All of the head page went through the log's check.
    pub(crate) checked: bool,
    /// A free sector may hold what looks like a part of the log: its erase failed, or a page header in it.
    pub(crate) owed: bool,
    /// Parts of long values in the head page.
    pub(crate) parts: u8,
    /// The page that records are appended to.
    pub(crate) head: u16,
    pub(crate) batch: Pending,
    /// The next page's sequence number.
    pub(crate) sequence: u32,
    /// A record of this size found no room, and nothing has been written since.
    pub(crate) full: u32,
    /// Size of a typical record: what a read asks for at once. And that of the largest in the head page.
    pub(crate) guess: u32,
    pub(crate) largest: u32,
    /// Where records are appended in the head page.
    pub(crate) tail: u32,
    /// Free sectors.
    pub(crate) free: u32,
    /// Bytes of the records that the list lists.
    pub(crate) live: u32,
    /// What compaction would win of the sector that was chosen.
    pub(crate) dead: u32,
    /// Changes with the head page: a commit is in no list, and ends what a snapshot sees of the page all the same.
    pub(crate) changes: u32,
    pub(crate) log: Log<F>,
    // What follows is not asked for often.
    /// Pages with numbers from this one on belong to a batch whose commit is the last record of the log.
    pub(crate) settled: u32,
    /// Changes when snapshots end.
    pub(crate) ended: u32,
    /// Erases of the head's sector.
    pub(crate) wear: u32,
    /// What lives in the page that was looked through last: bytes, records.
    pub(crate) living: u32,
    pub(crate) living_records: u32,
    /// What was listed last.
    pub(crate) last: Last,
    /// The last stamp given to a cursor.
    pub(crate) stamps: u32,
    /// Where the search for a free sector goes on.
    pub(crate) next_sector: u32,
    /// The sector whose wear was looked at last.
    pub(crate) next_worn: u32,
    /// What it would win of all sectors.
    pub(crate) all_dead: u32,
    /// How much a page's index and footer are thought to take: what a first look reads of them.
    pub(crate) indexed: u32,
    /// Memory lent beyond the least.
    pub(crate) lent: lent::Lent<'m, F>,
    /// What serves the cursor that moved last.
    pub(crate) merge: cursor::Merge,
    /// The number of the long value that is being written.
    pub(crate) writing: Option<u32>,
}

#[cfg(feature = "defmt")]
impl<F> defmt::Format for Dbm<'_, F> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Dbm");
    }
}

/// Opens the store on `flash`, over the whole part (give it a [`Region`](crate::flash::Region) for less).
///
/// `memory` holds at least [`memory_needed`] bytes. A cut-off write is cleaned up; nothing that was acknowledged is lost.
pub fn open<F: NorFlash>(flash: F, flag: Flag, memory: &mut [u8]) -> Result<Dbm<'_, F>> {
    let geometry = Geometry::new(flash.capacity(), false)?;
    opened(flash, flag, geometry, false, memory)
}

/// As [`open`], with options for a store that is made. One that is there keeps what it has.
pub fn open_with<F: NorFlash>(flash: F, flag: Flag, options: Options, memory: &mut [u8]) -> Result<Dbm<'_, F>> {
    linked::COMPACT.used();
    let geometry = Geometry::new(flash.capacity(), options.compact)?;
    opened(flash, flag, geometry, true, memory)
}

/// Opens a store. `either`: one that is there may have the other kind of check.
fn opened<F: NorFlash>(
    flash: F,
    flag: Flag,
    geometry: Geometry<F>,
    either: bool,
    memory: &mut [u8],
) -> Result<Dbm<'_, F>> {
    let needed = geometry.pages as usize * table::PER_PAGE + table::FIXED;
    if memory.len() < needed {
        return Err(Error::MemoryTooSmall { needed });
    }
    // Zeros, which cost next to no code. What begins otherwise, `recover` sets.
    let mut db = Dbm {
        log: Log::new(flash),
        table: Table::new(memory, geometry.pages),
        writable: false,
        doubtful: false,
        level: false,
        counting: false,
        long: false,
        gone: false,
        checked: false,
        owed: false,
        parts: 0,
        head: 0,
        sequence: 0,
        full: 0,
        guess: 0,
        largest: 0,
        indexed: 0,
        settled: 0,
        batch: Pending { open: false, started: false, page: 0, at: 0, sequence: 0 },
        tail: 0,
        free: 0,
        ended: 0,
        wear: 0,
        live: 0,
        dead: 0,
        all_dead: 0,
        living: 0,
        living_records: 0,
        changes: 0,
        last: Last::NONE,
        stamps: 0,
        next_sector: 0,
        next_worn: 0,
        lent: lent::Lent::nothing(),
        merge: cursor::Merge::IDLE,
        writing: None,
    };
    db.recover(flag, geometry, either);
    db.done(())?;
    Ok(db)
}

impl<F: NorFlash> Dbm<'_, F> {
    /// The value of a key in `buf`, or `None` when there is no such key. Python: `db.get(key)`.
    pub fn get<'b>(&mut self, key: &[u8], buf: &'b mut [u8]) -> Result<Option<&'b [u8]>> {
        let value = self.find_value(key).map(|record| self.value(&record, buf));
        self.done(value)
    }

    /// Whether there is such a key. Python: `key in db`.
    pub fn contains(&mut self, key: &[u8]) -> Result<bool> {
        let found = self.find_live(key).is_some();
        self.done(found)
    }

    /// What snapshots see is no longer there as it was.
    pub(crate) fn end_snapshots(&mut self) {
        if linked::SNAPSHOTS.is() {
            self.ended = self.ended.wrapping_add(1);
        }
    }

    /// The end of an operation: what failed in it, or its answer.
    pub(crate) fn done<T>(&mut self, answer: T) -> Result<T> {
        self.drop_spoiled();
        Ok(self.log.outcome(answer)?)
    }

    /// What a batch stages is programmed when it is read, by a get perhaps: where that failed, the page is given up.
    #[inline(never)]
    pub(crate) fn drop_spoiled(&mut self) {
        if self.log.spoiled {
            self.give_up_head();
            self.log.fail(Fail::PROGRAM);
        }
    }

    /// Looks at the newest record of a key, unless the key is deleted.
    #[inline(never)]
    pub(crate) fn find_live(&mut self, key: &[u8]) -> Spot {
        if key.len() > format::KEY_MAX {
            return Spot::NONE;
        }
        if linked::LENT.is() { lent::find(self, key) } else { self.find_unaided(key) }
    }

    /// The same, without an index.
    pub(crate) fn find_unaided(&mut self, key: &[u8]) -> Spot {
        self.rest_merge(false);
        let found = self.find(&Name::key(key));
        if found.is_some() && self.log.cur.kind == Kind::Deleted { Spot::NONE } else { found }
    }

    /// What is lent memory learns that a key's newest record is another one now. Whether it knows that the head page had none.
    pub(crate) fn note(&mut self, record: &Record, key: &[u8]) -> bool {
        linked::LENT.is() && lent::noted(self, record, key)
    }

    /// What is lent memory does not count any more.
    pub(crate) fn forget_lent(&mut self) {
        if linked::LENT.is() {
            self.lent.forget();
        }
    }

    /// The newest record of a key, unless the key is deleted.
    pub(crate) fn find_value(&mut self, key: &[u8]) -> Option<Record> {
        self.find_live(key).is_some().then_some(self.log.cur)
    }

    /// Copies a record's value.
    pub(crate) fn value<'b>(&mut self, record: &Record, buf: &'b mut [u8]) -> &'b [u8] {
        let needed = self.value_len(record);
        let value = self.log.room(buf, needed);
        self.piece(record, 0, value);
        value
    }

    /// Sets a key to a value. Python: `db[key] = value`.
    ///
    /// A set of a value that fits in a record costs at most `E + P(2 S) + R(4 S + n f + 2 n k log2 n)`: one erase `E`, programs `P`
    /// of two sectors' bytes, the copies of one sector and their index among them, and reads `R` of the sector, of what
    /// tells for each of its `n` records whether it lives, `f` bytes as in a get, and of keys of `k` bytes to put them in order. This holds as long as some sector has dead
    /// bytes for two such records. A store that is nearer to being full gathers what is dead in several sectors, at that cost for
    /// each: until there is room, or three of them won none, and two for each sector and one at most. After
    /// an opening one erase more can be due, unless [`step`](Self::step) was called until it answered
    /// [`Progress::Idle`]: then also sets that fit in the free sectors but one cost no erase at all.
    ///
    /// A value longer than the region is [`Error::ValueTooLong`], one that finds no room [`Error::Full`].
    pub fn set(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        let region = (self.log.geometry.pages * F::PAGE) as usize;
        if value.len() > region {
            return Err(Error::ValueTooLong { max: region });
        }
        self.set_any(key, value);
        self.done(())
    }

    fn set_any(&mut self, key: &[u8], value: &[u8]) {
        if key.len() > format::KEY_MAX {
            return self.log.fail(Fail::KEY);
        }
        let record = Record::new(Kind::Value, false, key.len(), value.len() as u32);
        let max = self.log.geometry.record_max();
        if value.len() as u32 > max || record.total(&self.log.geometry) > max {
            return self.set_long(key, value);
        }
        self.write(Kind::Value, &[key, &[], value])
    }

    /// Deletes a key; `false` when there was none. Python: `del db[key]`, which raises `KeyError` instead.
    pub fn delete(&mut self, key: &[u8]) -> Result<bool> {
        let deleted = self.delete_key(key);
        self.done(deleted)
    }

    fn delete_key(&mut self, key: &[u8]) -> bool {
        if !self.writable() || !self.find_live(key).is_some() || self.log.failed() {
            return false;
        }
        self.write(Kind::Deleted, &[key, &[], &[]]);
        true
    }

    /// Nothing to do: what was acknowledged is on the flash. Python: `db.sync()`.
    pub fn sync(&mut self) -> Result<()> {
        Ok(())
    }

    /// Gives the flash back.
    pub fn close(self) -> Result<F> {
        Ok(self.log.flash)
    }

    /// Whether the store can be written to; a failure if it was opened with [`Flag::Read`].
    pub(crate) fn writable(&mut self) -> bool {
        let writable = !linked::READ_ONLY.is() || self.writable;
        if !writable {
            self.log.fail(Fail::READ_ONLY);
        } else if self.settled != u32::MAX {
            // Before anything stands behind the commit of a batch, each of its pages must tell of it.
            self.write_fates();
        }
        !self.log.failed()
    }

    /// Appends a record, making room first: the key, and the value in two pieces.
    #[inline(never)]
    pub(crate) fn write(&mut self, kind: Kind, pieces: &[&[u8]; 3]) {
        if self.log.failed() || !self.writable() {
            return;
        }
        let [key, value, more] = pieces;
        // The parts of a long value count when that does.
        let batch = self.in_batch();
        let pending = batch && kind != Kind::Part;
        let record = Record::new(kind, pending, key.len(), (value.len() + more.len()) as u32);
        for turn in 0..2 {
            self.make_room(record.total(&self.log.geometry));
            if kind == Kind::Deleted && !batch && self.log.forgive(error::FULL) {
                return self.compact_without(key);
            }
            if kind != Kind::Part {
                self.count_dead(key, batch);
            }
            if batch && !self.batch.started && !self.log.failed() {
                let sequence = self.sequence.wrapping_sub(1);
                self.batch = Pending { open: true, started: true, page: self.head, at: self.tail, sequence };
            }
            self.put(record, pieces);
            // Words can read as blank and refuse a program all the same, when power went during one or during their erase:
            // on to another page. What a batch wrote to this one is lost, though.
            if turn == 0 && !(batch && self.batch.started) && self.log.forgive(error::FLASH) {
                continue;
            }
            if turn > 0 && self.log.forgive(error::FULL) {
                // (What failed before may stand all the same.)
                self.log.fail(Fail::PROGRAM);
            }
            break;
        }
    }

    /// Appends a record to the head page, which has room, unless something failed before.
    pub(crate) fn put(&mut self, record: Record, pieces: &[&[u8]; 3]) {
        if self.log.failed() {
            return;
        }
        let [key, ..] = pieces;
        let record = record.placed(self.head, self.tail);
        self.log.append(&record, pieces);
        self.appended(&record, key)
    }

    /// Takes note of a record that now stands at the tail. If that failed, or it could not be listed, the page is given up.
    #[inline(never)]
    pub(crate) fn appended(&mut self, record: &Record, key: &[u8]) {
        self.changes = self.changes.wrapping_add(1);
        if !self.log.failed() {
            self.full = u32::MAX;
            if record.kind != Kind::Commit {
                let new = self.note(record, key);
                self.drop_spoiled();
                self.list(record, key, new);
                self.guess = self.guess.max(self.largest);
            }
        }
        if self.log.failed() {
            return self.give_up_head();
        }
        self.tail += record.total(&self.log.geometry);
    }

    /// After a failed program: nothing more is appended to this page.
    pub(crate) fn give_up_head(&mut self) {
        self.log.spoiled = false;
        if self.head != NO_PAGE {
            self.set_stale(self.head);
            self.clear_list();
            self.head = NO_PAGE;
            self.end_snapshots();
            // What a batch wrote here does not count any more: nothing of it will.
            self.batch.page = NO_PAGE;
            self.forget_lent();
        }
    }
}
