//! What a store reads back damaged, in tables, indexes and definitions: an answer or an error, but no panic and no hang.
#![cfg(feature = "sqlite3-full")]

#[path = "sqlite3/map.rs"]
mod map;
#[path = "support/random.rs"]
mod random;

use larder::sqlite3::store::{Entry, Savepoint, Store};
use larder::sqlite3::{Connection, Error};
use map::MapStore;
use random::Rng;

const TABLES: &str = "CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT UNIQUE, c DEFAULT 7, d REAL); CREATE INDEX i ON t(c DESC, d);
    CREATE TABLE u(x NUMERIC, y); CREATE INDEX j ON u(y COLLATE NOCASE, x);
    INSERT INTO t VALUES(1, 'one', 2, 1), (2, NULL, x'00', -0.5), (5, 'five', 1.5, NULL), (300, 'three hundred', 7, 9e99);
    INSERT INTO u VALUES(1, 2), (NULL, 'z'), (5, 'Z'), (1 << 60, 'a long text'); ALTER TABLE u ADD COLUMN z DEFAULT 4";

const STATEMENTS: [&str; 16] = [
    "SELECT a, b, c, d FROM t WHERE c > 1 AND b < 'z' AND d IS NOT NULL",
    "SELECT count(*), sum(a), avg(d), min(c), max(b) FROM t WHERE a BETWEEN 1 AND 1000",
    "SELECT c, d FROM t",
    "SELECT c, count(*), b FROM t GROUP BY c ORDER BY d DESC LIMIT 3",
    "SELECT t.a, x, z FROM t LEFT JOIN u ON x = t.a ORDER BY c, 1 LIMIT 2 OFFSET 1",
    "SELECT a FROM t WHERE b IN (SELECT y FROM u UNION SELECT x FROM u)",
    "SELECT DISTINCT y FROM u WHERE y >= 'Z'",
    "INSERT OR REPLACE INTO t(b, c) SELECT y, x FROM u",
    "UPDATE t SET c = c + 1, b = b || 'x' WHERE a > 1",
    "DELETE FROM t WHERE c < 7",
    "CREATE UNIQUE INDEX k ON u(x, z)",
    "ALTER TABLE u RENAME TO w",
    "ALTER TABLE u ADD COLUMN more TEXT DEFAULT 'none'",
    "DROP TABLE t",
    "PRAGMA table_info(t)",
    "PRAGMA integrity_check",
];

/// A store that reads one entry of so many with other bytes than were written.
struct Damaged {
    map: MapStore,
    random: Rng,
    one_of: usize,
}

impl Damaged {
    fn hurt(&mut self, bytes: &mut [u8]) {
        if bytes.is_empty() || self.random.below(self.one_of) != 0 {
            return;
        }
        for _ in 0..=self.random.below(3) {
            // What stands in front says where the rest is.
            let among = if self.random.below(2) == 0 { bytes.len().min(8) } else { bytes.len() };
            let at = self.random.below(among);
            bytes[at] = [bytes[at] ^ 1 << self.random.below(8), 0xff, self.random.bytes(1)[0]][self.random.below(3)];
        }
    }
}

impl Store for Damaged {
    fn cursors(&self) -> usize {
        self.map.cursors()
    }

    fn get(&mut self, key: &[u8], buf: &mut [u8]) -> Result<Option<usize>, Error> {
        let found = self.map.get(key, buf)?;
        self.hurt(&mut buf[..found.unwrap_or(0)]);
        Ok(found)
    }

    fn set(&mut self, key: &[u8], value: &[u8]) -> Result<(), Error> {
        self.map.set(key, value)
    }

    fn delete(&mut self, key: &[u8]) -> Result<bool, Error> {
        self.map.delete(key)
    }

    fn seek(&mut self, cursor: usize, key: &[u8]) -> Result<(), Error> {
        self.map.seek(cursor, key)
    }

    fn next(&mut self, cursor: usize, buf: &mut [u8]) -> Result<Option<Entry>, Error> {
        let Some(entry) = self.map.next(cursor, buf)? else { return Ok(None) };
        let (key, value) = buf[..entry.key() + entry.value()].split_at_mut(entry.key());
        self.hurt(key);
        self.hurt(value);
        let shorter = if self.random.below(4 * self.one_of) == 0 { 2 } else { 1 };
        Ok(Some(Entry::new(entry.key() as u8, (entry.value() / shorter) as u16)))
    }

    fn previous_key(&mut self, cursor: usize, key: &mut [u8]) -> Result<Option<usize>, Error> {
        self.map.previous_key(cursor, key)
    }

    fn begin(&mut self) -> Result<(), Error> {
        self.map.begin()
    }

    fn commit(&mut self) -> Result<(), Error> {
        self.map.commit()
    }

    fn rollback(&mut self) -> Result<(), Error> {
        self.map.rollback()
    }

    fn in_transaction(&self) -> bool {
        self.map.in_transaction()
    }

    fn savepoint(&mut self) -> Result<Savepoint, Error> {
        self.map.savepoint()
    }

    fn rollback_to(&mut self, savepoint: Savepoint) -> Result<(), Error> {
        self.map.rollback_to(savepoint)
    }
}

/// Runs a statement to its end, or to its first error.
fn run(store: &mut Damaged, memory: &mut [u8], sql: &str) -> Result<(), Error> {
    let mut con = Connection::open(store, memory)?;
    con.set_step_limit(Some(2000));
    let mut cursor = con.execute(sql, &[])?;
    while cursor.fetchone()?.is_some() {}
    Ok(())
}

#[test]
fn damage_ends_in_an_answer_or_an_error() {
    let mut memory = vec![0; 16384];
    let mut sound = MapStore::new();
    let mut con = Connection::open(&mut sound, &mut memory).unwrap();
    con.executescript(TABLES).unwrap();
    con.commit().unwrap();
    let (mut answers, mut errors) = (0, 0);
    for seed in 1..=40_000 {
        let mut store = Damaged { map: sound.clone(), random: Rng(seed), one_of: [2, 8, 30][seed as usize % 3] };
        let sql = STATEMENTS[store.random.below(STATEMENTS.len())];
        match run(&mut store, &mut memory, sql) {
            Ok(()) => answers += 1,
            Err(_) => errors += 1,
        }
    }
    assert!(answers > 1000 && errors > 1000, "{answers} {errors}");
}
