//! Tables on a store: every kind of statement, since the text is not known.
#![no_std]
#![no_main]

use larder::dbm::{self, Flag};
use larder::sqlite3::onflash::OnFlash;
use larder::sqlite3::{Connection, Memory, Value};
use sizes::{Flash, outcome, unknown};

#[unsafe(no_mangle)]
extern "C" fn _start() {
    let mut memory = [0; 1024];
    let Ok(db) = dbm::open(Flash, Flag::Create, &mut memory) else { return };
    let mut cursors = [db.cursor(); 5];
    let mut store = OnFlash::new(db, &mut cursors);
    let mut memory = Memory::<3072>::new();
    let Ok(mut con) = Connection::open(&mut store, &mut memory) else { return };
    let Ok(text) = core::str::from_utf8(unknown()) else { return };
    if let Ok(mut rows) = con.execute(text, &[Value::Integer(1), Value::Text(unknown())]) {
        while let Ok(Some(row)) = rows.fetchone() {
            outcome(row.get::<i64>(0));
        }
    }
    outcome(con.commit());
}
