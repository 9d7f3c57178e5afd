//! What LANGUAGE.md says of the memory of statements: each works in as many bytes as its row says, and takes more than half of them.
#![cfg(feature = "sqlite3")]

#[path = "sqlite3/map.rs"]
mod map;

use larder::sqlite3::{Connection, Error, Value};
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
