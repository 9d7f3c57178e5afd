//! A store on flash: open, get, set, delete, atomic batches, keys in order, ranges in both directions.
#![no_std]
#![no_main]

use sizes::steps::store;
use sizes::{outcome, unknown, used};

#[unsafe(no_mangle)]
extern "C" fn _start() {
    let mut memory = [0; 1024];
    let mut buf = [0; 64];
    let Some(mut db) = store(&mut memory, &mut buf) else { return };
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
