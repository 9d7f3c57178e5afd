//! What LANGUAGE.md says of the memory of statements: each works in as many bytes as its row says, and takes more than half of them.
#![cfg(feature = "sqlite3")]

#[path = "sqlite3/map.rs"]
mod map;

use larder::sqlite3::{Connection, Error, ErrorKind, Value};
use map::MapStore;

const TABLES: &str = "CREATE TABLE sensors(id INTEGER PRIMARY KEY, place TEXT);
    CREATE TABLE readings(id INTEGER PRIMARY KEY, sensor INTEGER, celsius REAL, at INTEGER);
    CREATE INDEX by_sensor ON readings(sensor, at);
    INSERT INTO sensors VALUES(1, 'pantry'), (2, 'cellar'), (3, 'attic')";

fn tables() -> MapStore {
    let (mut store, mut memory) = (MapStore::new(), vec![0; 1 << 15]);
    let mut con = Connection::open(&mut store, &mut memory).unwrap();
    con.executescript(TABLES).unwrap();
    let readings: Vec<[Value<'_>; 3]> = (0..1000i64)
        .map(|i| [Value::Integer(i % 3 + 1), Value::Real((i * 7 % 300) as f64 / 8.0), Value::Integer(60 * i)])
        .collect();
    con.executemany("INSERT INTO readings(sensor, celsius, at) VALUES(?, ?, ?)", readings.iter().map(|set| &set[..]))
        .unwrap();
    con.commit().unwrap();
    store
}

fn works(store: &MapStore, sql: &str, bytes: usize) -> Result<(), Error> {
    let (mut store, mut memory) = (store.clone(), vec![0; bytes]);
    let parameters = vec![Value::Integer(2); sql.matches('?').count()];
    let mut con = Connection::open(&mut store, &mut memory)?;
    let mut cursor = con.execute(sql, &parameters)?;
    while cursor.fetchone()?.is_some() {}
    Ok(())
}

#[test]
fn statements_work_in_the_memory_that_the_page_says() {
    let page = include_str!("../src/sqlite3/LANGUAGE.md");
    let section = page.split("## Memory").nth(1).expect("a section").split("\n## ").next().unwrap();
    let store = tables();
    let mut rows = 0;
    for row in section.lines().filter(|line| line.starts_with("| `")) {
        let mut cells = row.trim_matches('|').split(" | ");
        let sql = cells.next().unwrap().trim().trim_matches('`');
        let bytes: usize = cells.next().unwrap().trim().trim_end_matches(" |").parse().unwrap();
        let least = (0..).map(|step| 64 * step).find(|&bytes| works(&store, sql, bytes).is_ok()).unwrap();
        println!("{least:5} of {bytes}: {sql}");
        assert!(works(&store, sql, bytes).is_ok(), "{sql}: {least} bytes");
        assert!(2 * least > bytes, "{sql}: {least} bytes");
        rows += 1;
    }
    assert!(rows > 8);
}

/// In any memory at all a statement works, or says that it needs more, or stops at a bound; once it works, so it does in more.
#[test]
fn any_memory_is_enough_or_named_too_small() {
    let (mut store, mut memory) = (MapStore::new(), vec![0; 1 << 15]);
    let script = format!(
        "{TABLES}; CREATE VIEW places AS SELECT place, id AS number FROM sensors;
        INSERT INTO readings(sensor, celsius, at) VALUES(1, 2.5, 7), (2, NULL, 8), (1, -1, 9)"
    );
    Connection::open(&mut store, &mut memory).unwrap().executescript(&script).unwrap();
    for sql in [
        "CREATE TABLE more(a INTEGER PRIMARY KEY, b TEXT NOT NULL DEFAULT ('x' || 'y'), c UNIQUE, UNIQUE (b, c), CHECK (b <> c))",
        "CREATE INDEX by_all ON readings(celsius DESC, sensor, at)",
        "CREATE UNIQUE INDEX by_place ON sensors(place COLLATE NOCASE)",
        "CREATE VIEW warm AS SELECT place FROM sensors JOIN readings ON sensor = sensors.id WHERE celsius > 20",
        "ALTER TABLE readings ADD COLUMN note TEXT DEFAULT 'none'",
        "DROP TABLE readings",
        "INSERT OR REPLACE INTO sensors SELECT id + 1, place FROM sensors",
        "UPDATE OR IGNORE readings SET sensor = (SELECT max(id) FROM sensors), at = at + 1 WHERE celsius IS NOT NULL",
        "DELETE FROM readings WHERE sensor IN (SELECT id FROM sensors WHERE place LIKE 'p%')",
        "SELECT place, count(DISTINCT celsius), max(at) FROM places LEFT JOIN readings ON sensor = number GROUP BY 1 HAVING count(*) > 0 ORDER BY 2 DESC",
        "SELECT id, place FROM sensors UNION SELECT sensor, at FROM readings EXCEPT SELECT 1, 'x' ORDER BY 2, 1 LIMIT 3",
        "SELECT DISTINCT x.at, y.number FROM readings x, (SELECT * FROM places UNION ALL SELECT 'z', 9) y WHERE EXISTS (SELECT 1 FROM sensors WHERE id = y.number)",
        "PRAGMA table_info(readings)",
        "PRAGMA integrity_check",
        "EXPLAIN QUERY PLAN SELECT * FROM readings WHERE sensor = 1",
    ] {
        let mut worked = false;
        for bytes in (0..2_600).step_by(7).chain([4_000]) {
            match works(&store, sql, bytes) {
                Ok(()) => worked = true,
                Err(error) => assert!(error.is(ErrorKind::Limit) && !worked, "{sql}: in {bytes} bytes {error:?}"),
            }
        }
        assert!(worked, "{sql}");
    }
}
