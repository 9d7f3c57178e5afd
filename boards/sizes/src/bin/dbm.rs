//! A store on flash: open, get, set, delete.
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
}
