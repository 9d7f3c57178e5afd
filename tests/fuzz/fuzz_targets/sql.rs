//! Any bytes as SQL: the first two say how much memory there is, the rest are statements, one a line. Tables stay consistent.
#![no_main]

#[path = "../../sqlite3/map.rs"]
mod map;

use larder::sqlite3::{Connection, ErrorKind};
use libfuzzer_sys::fuzz_target;
use map::MapStore;

const TABLES: &str = "CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT UNIQUE, c DEFAULT 7 CHECK (c <> 8)); CREATE INDEX i ON t(c DESC, b);
    CREATE TABLE u(x, y); INSERT INTO t VALUES(1, 'one', 2), (2, NULL, x'00'), (5, 'five', 1.5); INSERT INTO u VALUES(1, 2), (NULL, 'z');
    CREATE VIEW v AS SELECT b, x FROM t JOIN u ON a = x;";

fuzz_target!(|input: &[u8]| {
    let Some((&[low, high], rest)) = input.split_first_chunk::<2>() else { return };
    let Ok(script) = core::str::from_utf8(rest) else { return };
    let (mut store, mut memory) = (MapStore::new(), vec![0; 1 << 16]);
    Connection::open(&mut store, &mut memory).unwrap().executescript(TABLES).unwrap();
    let size = usize::from(u16::from_le_bytes([low, high]));
    let mut con = Connection::open(&mut store, &mut memory[..size]).unwrap();
    con.set_step_limit(Some(50_000));
    for sql in script.split('\n') {
        let result = con.execute(sql, &[]).and_then(|mut cursor| {
            while let Some(row) = cursor.fetchone()? {
                assert!((0..row.len()).all(|column| row.name(column).is_some()));
            }
            Ok(())
        });
        if let Err(error) = result {
            assert!(error.offset() <= sql.len());
            assert!(!error.is(ErrorKind::Internal) && !error.is(ErrorKind::Corrupt));
        }
    }
    if con.in_transaction() {
        con.rollback().unwrap();
    }
    let mut memory = vec![0; 1 << 16];
    let mut con = Connection::open(&mut store, &mut memory).unwrap();
    let mut check = con.execute("PRAGMA integrity_check", &[]).unwrap();
    assert_eq!(check.fetchone().unwrap().unwrap().get::<&str>(0), Ok("ok"));
});
