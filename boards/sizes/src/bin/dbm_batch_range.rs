//! A store on flash: open, get, set, delete, atomic batches, keys in order, ranges in both directions.
#![no_std]
#![no_main]

use larder::dbm::{self, Flag};
use sizes::{Flash, outcome, unknown, used};

#[unsafe(no_mangle)]
extern "C" fn _start() {
    let mut memory = [0; 1024];
    let mut buf = [0; 64];
    let Ok(mut db) = dbm::open(Flash, Flag::Create, &mut memory) else { return };
    outcome(db.set(unknown(), unknown()));
    if let Ok(Some(value)) = db.get(unknown(), &mut buf) {
        used(value);
    }
    outcome(db.delete(unknown()));

    if let Ok(mut batch) = db.batch() {
        outcome(batch.set(unknown(), unknown()));
        outcome(batch.delete(unknown()));
        outcome(batch.commit());
    }

    let mut keys = db.keys();
    while let Ok(Some(key)) = keys.next(&mut buf) {
        used(key);
    }
    let mut cursor = db.cursor();
    outcome(db.seek(&mut cursor, unknown()));
    while let Ok(Some(entry)) = db.next(&mut cursor, &mut buf) {
        used(entry.value);
    }
    while let Ok(Some(entry)) = db.previous(&mut cursor, &mut buf) {
        used(entry.value);
    }
}
