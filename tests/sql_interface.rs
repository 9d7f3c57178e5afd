//! The interface beside execute and fetchone: rows into structs, many at once, functions of the user's own, interruption, scripts.
#![cfg(all(feature = "sqlite3", feature = "serde"))]

#[path = "sqlite3/map.rs"]
mod map;

use larder::sqlite3::{Connection, Custom, ErrorKind, Memory, Result, Value};
use map::MapStore;
use serde::Deserialize;
use std::sync::atomic::{AtomicU32, Ordering};

const TABLES: &str = "CREATE TABLE log(id INTEGER PRIMARY KEY, sensor TEXT, celsius REAL, raw BLOB);
    INSERT INTO log VALUES(1, 'pantry', 4.5, x'00ff'), (2, 'it''s', NULL, NULL), (-3, 'a' || char(0) || 'b', -1e300, x'');";

fn with(test: impl FnOnce(&mut Connection<'_>)) {
    let (mut store, mut memory) = (MapStore::new(), Memory::<4096>::new());
    let mut con = Connection::open(&mut store, &mut memory).unwrap();
    con.executescript(TABLES).unwrap();
    test(&mut con);
}

#[derive(Debug, PartialEq, Deserialize)]
struct Reading<'r> {
    id: i64,
    sensor: &'r str,
    #[serde(rename = "Celsius")]
    celsius: Option<f64>,
    #[serde(default)]
    missing: u8,
    raw: Option<&'r [u8]>,
}

#[derive(Debug, PartialEq, Deserialize)]
enum Place {
    #[serde(rename = "pantry")]
    Pantry,
}

#[test]
fn rows_become_structs_tuples_and_single_values() {
    with(|con| {
        let mut cursor = con.execute("SELECT * FROM log WHERE id = 1", &[]).unwrap();
        let row = cursor.fetchone().unwrap().unwrap();
        let expected = Reading { id: 1, sensor: "pantry", celsius: Some(4.5), missing: 0, raw: Some(&[0, 255]) };
        assert_eq!(row.to::<Reading<'_>>().unwrap(), expected);
        assert_eq!(row.to::<(u8, Place, f32, &[u8])>().unwrap(), (1, Place::Pantry, 4.5, &[0, 255][..]));
        assert_eq!(row.to::<u16>().unwrap(), 1);
        let map: std::collections::BTreeMap<&str, serde::de::IgnoredAny> = row.to().unwrap();
        assert_eq!(map.into_keys().collect::<Vec<_>>(), ["celsius", "id", "raw", "sensor"]);
        assert_eq!(row.to::<(&str, &str)>().unwrap_err().kind(), ErrorKind::Type);
        assert_eq!(row.to::<(u8, u8, u8, u8, u8)>().unwrap_err().kind(), ErrorKind::Type);
        drop(cursor);
        let mut cursor = con.execute("SELECT * FROM log WHERE id = 2", &[]).unwrap();
        let row = cursor.fetchone().unwrap().unwrap();
        let expected = Reading { id: 2, sensor: "it's", celsius: None, missing: 0, raw: None };
        assert_eq!(row.to::<Reading<'_>>().unwrap(), expected);
    });
}

#[test]
fn fetchmany_fills_what_it_is_given() {
    with(|con| {
        let mut cursor = con.execute("SELECT id, sensor FROM log ORDER BY id", &[]).unwrap();
        let mut ids = [0i64; 2];
        assert_eq!(cursor.fetchmany(&mut ids, |row| row.get(0)).unwrap(), 2);
        assert_eq!(ids, [-3, 1]);
        assert_eq!(cursor.fetchmany(&mut ids, |row| row.to()).unwrap(), 1);
        assert_eq!(ids, [2, 1]);
        assert_eq!(cursor.fetchmany(&mut ids, |row| row.get(0)).unwrap(), 0);
        assert_eq!(cursor.rowcount(), -1);
    });
}

static FUNCTIONS: &[Custom] = &[
    Custom {
        name: "fahrenheit",
        least: 1,
        most: 1,
        call: |arguments, _| {
            Ok(match arguments[0] {
                Value::Null => Value::Null,
                celsius => Value::Real(celsius.to_real() * 1.8 + 32.0),
            })
        },
    },
    Custom {
        name: "stars",
        least: 0,
        most: 2,
        call: |arguments, scratch| {
            scratch.fill(b'*', arguments.len());
            Ok(Value::Text(scratch.finish()?))
        },
    },
    Custom { name: "fail", least: 0, most: 0, call: |_, _| Err(ErrorKind::Overflow.into()) },
];

#[test]
fn functions_of_ones_own() {
    with(|con| {
        let sql = "SELECT Fahrenheit(celsius), stars(1, 2) || stars() FROM log WHERE fahrenheit(celsius) > 0";
        assert_eq!(con.execute(sql, &[]).map(drop).unwrap_err().kind(), ErrorKind::NoSuchFunction);
        con.set_functions(FUNCTIONS);
        let mut cursor = con.execute(sql, &[]).unwrap();
        assert_eq!(cursor.fetchone().unwrap().unwrap().to::<(f64, &str)>().unwrap(), (40.1, "**"));
        assert!(cursor.fetchone().unwrap().is_none());
        drop(cursor);
        let fails = |con: &mut Connection<'_>, sql| con.execute(sql, &[]).map(drop).unwrap_err().kind();
        assert_eq!(fails(con, "SELECT fail()"), ErrorKind::Overflow);
        assert_eq!(fails(con, "SELECT fahrenheit()"), ErrorKind::WrongArguments);
        con.executescript("CREATE TABLE hot(c CHECK (fahrenheit(c) > 100)); INSERT INTO hot VALUES(50)").unwrap();
        assert_eq!(fails(con, "INSERT INTO hot VALUES(20)"), ErrorKind::Check);
    });
}

static ASKED: AtomicU32 = AtomicU32::new(0);

#[test]
fn a_statement_is_interrupted_from_outside_and_by_a_bound() {
    const ENDLESS: &str = "SELECT count(*) FROM log a, log b, log c, log d WHERE a.id + b.id + c.id + d.id = 999";
    with(|con| {
        con.set_progress_handler(Some(|| ASKED.fetch_add(1, Ordering::Relaxed) == 4), 3);
        assert_eq!(con.execute(ENDLESS, &[]).map(drop).unwrap_err().kind(), ErrorKind::Interrupted);
        assert_eq!(ASKED.load(Ordering::Relaxed), 5);
        con.set_progress_handler(Some(|| false), 7);
        assert_eq!(con.execute(ENDLESS, &[]).unwrap().fetchone().unwrap().unwrap().get::<i64>(0).unwrap(), 0);
        con.set_step_limit(Some(14));
        assert_eq!(con.execute(ENDLESS, &[]).map(drop).unwrap_err().kind(), ErrorKind::Interrupted);
        con.set_progress_handler(None, 0);
        assert_eq!(con.execute(ENDLESS, &[]).map(drop).unwrap_err().kind(), ErrorKind::Interrupted);
        con.set_step_limit(None);
        assert!(con.execute(ENDLESS, &[]).is_ok());
    });
}

fn dump(con: &mut Connection<'_>) -> Result<Vec<String>> {
    let mut buffer = [0; 512];
    let (mut dump, mut lines) = (con.iterdump(&mut buffer), Vec::new());
    while let Some(line) = dump.next(con)? {
        lines.push(line.to_owned());
    }
    Ok(lines)
}

#[test]
fn a_dump_makes_the_same_tables_again() {
    with(|con| {
        con.executescript(
            "CREATE TABLE \"a \"\"b\"(x, y UNIQUE); CREATE TABLE none(x); CREATE INDEX by_x ON \"a \"\"b\"(x DESC);
             INSERT INTO \"a \"\"b\" VALUES(1, 2), (0.1, 'z'); CREATE VIEW v AS SELECT x FROM none;",
        )
        .unwrap();
        let lines = dump(con).unwrap();
        assert_eq!(
            lines,
            [
                "BEGIN TRANSACTION;",
                "CREATE TABLE log(id INTEGER PRIMARY KEY, sensor TEXT, celsius REAL, raw BLOB);",
                "INSERT INTO \"log\" VALUES(-3,CAST(X'610062' AS TEXT),-1.0e+300,X'');",
                "INSERT INTO \"log\" VALUES(1,'pantry',4.5,X'00FF');",
                "INSERT INTO \"log\" VALUES(2,'it''s',NULL,NULL);",
                "CREATE TABLE \"a \"\"b\"(x, y UNIQUE);",
                "INSERT INTO \"a \"\"b\" VALUES(1,2);",
                "INSERT INTO \"a \"\"b\" VALUES(0.1,'z');",
                "CREATE TABLE none(x);",
                "CREATE INDEX by_x ON \"a \"\"b\"(x DESC);",
                "CREATE VIEW v AS SELECT x FROM none;",
                "COMMIT;"
            ]
        );
        let (mut store, mut memory) = (MapStore::new(), Memory::<4096>::new());
        let mut copy = Connection::open(&mut store, &mut memory).unwrap();
        copy.executescript(&lines.join("\n")).unwrap();
        assert_eq!(dump(&mut copy).unwrap(), lines);
    });
}

#[test]
fn rows_of_a_statement_end_with_an_error_if_the_schema_changes_between_them() {
    for change in ["DROP INDEX i", "CREATE TABLE u(a)", "CREATE INDEX j ON t(a)", "DROP TABLE t"] {
        let (mut store, mut memory, mut own) = (MapStore::new(), vec![0; 8192], vec![0; 2048]);
        let mut con = Connection::open(&mut store, &mut memory).unwrap();
        con.executescript("CREATE TABLE t(a, b); CREATE INDEX i ON t(b); INSERT INTO t VALUES(1, 1), (2, 2), (3, 3)")
            .unwrap();
        let mut select = con.prepare("SELECT a FROM t", &mut own).unwrap();
        let mut rows = select.query(&mut con, &[]).unwrap();
        assert_eq!(rows.fetchone(&mut con).unwrap().unwrap().get(0), Ok(1));
        con.execute(change, &[]).unwrap();
        assert_eq!(rows.fetchone(&mut con).map(|_| ()).map_err(|error| error.kind()), Err(ErrorKind::Busy), "{change}");
    }
}
