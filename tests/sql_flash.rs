//! SQL over the store on flash: what look-ups read, counted.
#![cfg(all(feature = "sqlite3-full", feature = "std"))]

use std::cell::Cell;

use embedded_storage::nor_flash::{ErrorType, NorFlash, ReadNorFlash};
use larder::dbm::{self, Flag};
use larder::flash::{Error, SimFlash};
use larder::sqlite3::onflash::OnFlash;
use larder::sqlite3::{Connection, Memory, Value};

const SECTORS: usize = 256;

/// A part that counts its reads where they can be seen while a store has it.
struct Counted<'c>(SimFlash<'static, 4, 4096>, &'c Cell<u64>);

impl ErrorType for Counted<'_> {
    type Error = Error;
}

impl ReadNorFlash for Counted<'_> {
    const READ_SIZE: usize = 1;
    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Error> {
        self.1.set(self.1.get() + 1);
        self.0.read(offset, bytes)
    }
    fn capacity(&self) -> usize {
        self.0.capacity()
    }
}

impl NorFlash for Counted<'_> {
    const WRITE_SIZE: usize = 4;
    const ERASE_SIZE: usize = 4096;
    fn erase(&mut self, from: u32, to: u32) -> Result<(), Error> {
        self.0.erase(from, to)
    }
    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Error> {
        self.0.write(offset, bytes)
    }
}

/// The most reads of flash that a look-up by primary key and one by an index take, in a table with so many rows; with the
/// store's index and order of the keys in memory, or without.
fn reads(rows: i64, lent: bool) -> (u64, u64) {
    let count = Cell::new(0);
    let flash = Counted(SimFlash::owned(SECTORS).unwrap(), &count);
    let mut pages = vec![0; dbm::memory_needed(SECTORS * 4096, 4096)];
    let mut index = vec![0; dbm::index_words(2 * rows as usize + 100)];
    let mut order = vec![0; dbm::order_words(2 * rows as usize + 100)];
    let mut db = dbm::open(flash, Flag::Create, &mut pages).unwrap();
    if lent {
        db.lend_index(&mut index);
        db.lend_order(&mut order);
    }
    let mut cursors = [db.cursor(); 3];
    let mut store = OnFlash::new(db, &mut cursors);
    let mut memory = Memory::<2048>::new();
    {
        let mut con = Connection::open(&mut store, &mut memory).unwrap();
        con.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, tag INTEGER, note TEXT)", &[]).unwrap();
        con.execute("CREATE INDEX by_tag ON t(tag)", &[]).unwrap();
        let mut room = [0; 1024];
        let mut insert = con.prepare("INSERT INTO t VALUES(?, ?, ?)", &mut room).unwrap();
        for id in 0..rows {
            let row = [Value::Integer(id), Value::Integer(id * 7919 % rows), Value::Text(b"some note")];
            insert.execute(&mut con, &row).unwrap();
        }
        con.commit().unwrap();
    }
    let mut most = [0; 2];
    for (most, sql) in most.iter_mut().zip(["SELECT note FROM t WHERE id = ?", "SELECT note FROM t WHERE tag = ?"]) {
        let mut room = [0; 1024];
        for turn in 0..60 {
            let key = [Value::Integer(turn * rows / 60)];
            count.set(0);
            let mut con = Connection::open(&mut store, &mut memory).unwrap();
            let mut select = con.prepare(sql, &mut room).unwrap();
            let mut found = select.query(&mut con, &key).unwrap();
            assert!(found.fetchone(&mut con).unwrap().is_some());
            assert!(found.fetchone(&mut con).unwrap().is_none());
            if turn > 20 {
                *most = count.get().max(*most);
            }
        }
    }
    (most[0], most[1])
}

#[test]
fn look_ups_read_no_more_in_a_large_table() {
    let (small, large) = (reads(128, true), reads(4096, true));
    assert_eq!(small.0, large.0, "by primary key");
    // An index is searched in the order of its keys: one read more each time that the table doubles.
    assert!(large.1 <= small.1 + 6, "by an index: {} reads among 128 rows, {} among 4,096", small.1, large.1);
    assert!(large.1 <= 24, "by an index: {}", large.1);
    // Without memory lent for it, the store asks every page.
    assert!(reads(128, false).0 > small.0);
}
