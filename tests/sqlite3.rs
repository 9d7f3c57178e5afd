//! SQL end to end, over a store in a map: the verbs of the interface, and memory and stack as they are promised.
#![cfg(feature = "sqlite3-full")]

#[path = "sqlite3/map.rs"]
mod map;

use larder::sqlite3::{Connection, Error, ErrorKind, Memory, Value};
use map::MapStore;

/// The rows of a statement, each as text.
fn rows(con: &mut Connection<'_>, sql: &str, parameters: &[Value<'_>]) -> Result<Vec<String>, Error> {
    let mut cursor = con.execute(sql, parameters)?;
    let mut rows = Vec::new();
    while let Some(row) = cursor.fetchone()? {
        let values: Vec<String> = (0..row.len()).map(|at| text(row.value(at))).collect();
        rows.push(values.join("|"));
    }
    Ok(rows)
}

fn text(value: Value<'_>) -> String {
    match value {
        Value::Null => "NULL".into(),
        Value::Integer(i) => i.to_string(),
        Value::Real(r) => format!("{r:?}"),
        Value::Text(text) => String::from_utf8_lossy(text).into_owned(),
        Value::Blob(bytes) => format!("{bytes:02x?}"),
    }
}

#[test]
fn the_program_of_pythons_documentation() {
    let (mut store, mut memory) = (MapStore::new(), Memory::<3072>::new());
    let mut con = Connection::open(&mut store, &mut memory).unwrap();
    con.execute("CREATE TABLE IF NOT EXISTS users(id INTEGER PRIMARY KEY, name TEXT)", &[]).unwrap();
    con.execute("INSERT INTO users(name) VALUES(?)", &[Value::Text(b"Ada")]).unwrap();
    con.execute("INSERT INTO users(name) VALUES(?)", &[Value::Text(b"Grace")]).unwrap();
    assert!(con.in_transaction());
    con.commit().unwrap();
    let mut cursor = con.execute("SELECT id, name FROM users", &[]).unwrap();
    let row = cursor.fetchone().unwrap().unwrap();
    assert_eq!((row.get::<i64>(0).unwrap(), row.get::<&str>("name").unwrap()), (1, "Ada"));
    assert_eq!(row.get::<f64>("name").unwrap_err().kind(), ErrorKind::Type);
    assert_eq!(cursor.column_name(1), Some(&b"name"[..]));
    assert!(cursor.fetchone().unwrap().is_some());
    assert!(cursor.fetchone().unwrap().is_none());
}

#[test]
fn ten_thousand_rows_sort_group_and_differ_in_two_kibibytes() {
    let (mut store, mut memory) = (MapStore::new(), Memory::<3072>::new());
    let mut con = Connection::open(&mut store, &mut memory).unwrap();
    con.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, v INTEGER)", &[]).unwrap();
    con.begin().unwrap();
    let mut memory = [0; 1024];
    let mut insert = con.prepare("INSERT INTO t(v) VALUES(?)", &mut memory).unwrap();
    for i in 0..10_000 {
        insert.execute(&mut con, &[Value::Integer(i * 7919 % 10_000)]).unwrap();
    }
    con.commit().unwrap();
    let mut memory = [0; 2048];
    for (sql, expected) in [
        ("SELECT v FROM t ORDER BY v DESC", (0..10_000).rev().collect::<Vec<i64>>()),
        ("SELECT DISTINCT v / 2 FROM t ORDER BY 1", (0..5_000).collect()),
        ("SELECT v / 10 FROM t GROUP BY v / 10 HAVING count(*) = 10", (0..1_000).collect()),
    ] {
        let mut statement = con.prepare(sql, &mut memory).unwrap();
        let mut rows = statement.query(&mut con, &[]).unwrap();
        for expected in expected {
            assert_eq!(rows.fetchone(&mut con).unwrap().unwrap().get::<i64>(0).unwrap(), expected, "{sql}");
        }
        assert!(rows.fetchone(&mut con).unwrap().is_none());
    }
}

#[test]
fn a_statement_of_1024_tokens_and_32_parentheses_in_two_kibibytes() {
    let (mut store, mut memory) = (MapStore::new(), Memory::<2048>::new());
    let mut con = Connection::open(&mut store, &mut memory).unwrap();
    let mut sql = format!("SELECT {}1{}", "(".repeat(32), "+1)".repeat(32));
    // SELECT and what is in parentheses make 130 tokens; each further + 1 makes two.
    sql.push_str(&"+1".repeat((1024 - 130) / 2));
    assert_eq!(rows(&mut con, &sql, &[]).unwrap(), ["480"]);
}

#[test]
fn what_fails_is_undone_and_errors_have_a_place() {
    let (mut store, mut memory) = (MapStore::new(), Memory::<4096>::new());
    let mut con = Connection::open(&mut store, &mut memory).unwrap();
    con.set_autocommit(true);
    con.execute("CREATE TABLE t(a INTEGER UNIQUE)", &[]).unwrap();
    con.execute("INSERT INTO t VALUES(3)", &[]).unwrap();
    let error = con.execute("INSERT INTO t VALUES(1), (2), (3)", &[]).map(drop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unique);
    assert_eq!(rows(&mut con, "SELECT a FROM t", &[]).unwrap(), ["3"]);
    let error = con.execute("SELECT a, b FROM t", &[]).map(drop).unwrap_err();
    assert_eq!((error.kind(), error.offset()), (ErrorKind::NoSuchColumn, 10));
    let error = con.execute("SELECT a FROM t WHERE ", &[]).map(drop).unwrap_err();
    assert_eq!((error.kind(), error.offset()), (ErrorKind::Syntax, 22));
    let mut transaction = con.transaction().unwrap();
    transaction.execute("DELETE FROM t", &[]).unwrap();
    drop(transaction);
    assert_eq!(rows(&mut con, "SELECT a FROM t", &[]).unwrap(), ["3"]);
}

#[test]
fn a_backup_in_steps_has_all_or_nothing() {
    let (mut store, mut other, mut memory) = (MapStore::new(), MapStore::new(), Memory::<2048>::new());
    let mut con = Connection::open(&mut store, &mut memory).unwrap();
    con.executescript("CREATE TABLE t(a INTEGER UNIQUE, b TEXT); INSERT INTO t VALUES(1, 'x'), (2, 'y'), (3, 'z')")
        .unwrap();
    let mut backup = con.backup(&mut other).unwrap();
    assert!(backup.step(&mut con, 2).unwrap());
    drop(backup);
    assert_eq!(other.len(), 0);
    let mut backup = con.backup(&mut other).unwrap();
    while backup.step(&mut con, 2).unwrap() {}
    drop(backup);
    let mut memory = Memory::<2048>::new();
    let mut copy = Connection::open(&mut other, &mut memory).unwrap();
    assert_eq!(rows(&mut copy, "SELECT b FROM t WHERE a > 1", &[]).unwrap(), ["y", "z"]);
    assert_eq!(rows(&mut copy, "PRAGMA integrity_check", &[]).unwrap(), ["ok"]);
}

#[test]
fn look_ups_do_not_grow_with_the_table() {
    let reads = |count: i64, sql: &str| {
        let (mut store, mut memory) = (MapStore::new(), Memory::<3072>::new());
        let mut con = Connection::open(&mut store, &mut memory).unwrap();
        con.executescript("CREATE TABLE t(id INTEGER PRIMARY KEY, v INTEGER); CREATE INDEX i ON t(v)").unwrap();
        let sets: Vec<[Value<'_>; 1]> = (0..count).map(|i| [Value::Integer(i * 3)]).collect();
        con.executemany("INSERT INTO t(v) VALUES(?)", sets.iter().map(|set| &set[..])).unwrap();
        con.commit().unwrap();
        let plan = rows(&mut con, &format!("EXPLAIN QUERY PLAN {sql}"), &[]).unwrap();
        assert!(plan.iter().all(|line| line.contains("SEARCH")), "{plan:?}");
        store.reads = 0;
        let mut con = Connection::open(&mut store, &mut memory).unwrap();
        assert_eq!(rows(&mut con, sql, &[]).unwrap().len(), 1);
        store.reads
    };
    for sql in ["SELECT v FROM t WHERE id = 17", "SELECT id FROM t WHERE v = 51"] {
        assert_eq!(reads(20, sql), reads(2000, sql), "{sql}");
    }
}

#[test]
fn what_subqueries_give_is_the_same_in_any_memory() {
    let mut store = MapStore::new();
    let mut memory = vec![0; 1 << 17];
    let mut con = Connection::open(&mut store, &mut memory).unwrap();
    con.executescript("CREATE TABLE t(a INTEGER PRIMARY KEY, b)").unwrap();
    let sets: Vec<[Value<'_>; 2]> = (0..24i64)
        .map(|a| [Value::Integer(a), if a == 7 { Value::Null } else { Value::Integer(a * 3 % 20) }])
        .collect();
    con.executemany("INSERT INTO t VALUES(?, ?)", sets.iter().map(|set| &set[..])).unwrap();
    con.commit().unwrap();
    for sql in [
        "SELECT x.a IN (SELECT b FROM t), x.a, y.a FROM t AS x, t AS y ORDER BY 1, x.a * y.a",
        "SELECT a FROM t WHERE b NOT IN (SELECT a FROM t WHERE a IN (SELECT b FROM t WHERE b > 8) AND a < 16)",
        "SELECT a, (SELECT max(b) || 'x' FROM t), b IN (SELECT z.a FROM t AS z WHERE z.a > t.a) FROM t ORDER BY b",
        "SELECT b FROM t UNION SELECT a + 1 FROM t EXCEPT SELECT b FROM t WHERE a % 3 = 0 ORDER BY 1 DESC",
    ] {
        let mut expected = None;
        for size in [900, 1500, 4000, 1 << 15, 1 << 16, 1 << 17] {
            let mut memory = vec![0; size];
            let mut con = Connection::open(&mut store, &mut memory).unwrap();
            let found = rows(&mut con, sql, &[]).unwrap_or_else(|error| panic!("{size} bytes: {sql}: {error}"));
            assert_eq!(expected.get_or_insert_with(|| found.clone()), &found, "{size} bytes: {sql}");
        }
        assert!(expected.is_some_and(|rows| rows.len() > 3), "{sql}");
    }
}

#[test]
fn a_table_or_a_view_of_one_column_is_a_set() {
    let (mut store, mut memory) = (MapStore::new(), Memory::<4096>::new());
    let mut con = Connection::open(&mut store, &mut memory).unwrap();
    con.executescript(
        "CREATE TABLE a(x INTEGER); INSERT INTO a VALUES(1), (2), (NULL); CREATE TABLE b(y TEXT);
         INSERT INTO b VALUES('1'), ('3'); CREATE VIEW v AS SELECT y FROM b; CREATE TABLE c(p, q);",
    )
    .unwrap();
    // As SQLite answers.
    let sql = "SELECT 1 IN a, 3 IN a, 2 NOT IN main.a, '1' IN b, 3 IN v, x IN b FROM a";
    assert_eq!(rows(&mut con, sql, &[]).unwrap(), ["1|NULL|0|1|1|1", "1|NULL|0|1|1|0", "1|NULL|0|1|1|NULL"]);
    // The text that stands for the table is in the code of the group's output.
    let sql = "SELECT count(*), x IN b, max(x) FROM a GROUP BY x IN b HAVING count(*) IN a OR 1 ORDER BY 2";
    assert_eq!(rows(&mut con, sql, &[]).unwrap(), ["1|NULL|NULL", "1|0|2", "1|1|1"]);
    let plan = rows(&mut con, "EXPLAIN QUERY PLAN SELECT x FROM a WHERE x IN b", &[]).unwrap();
    assert!(plan.len() == 2 && plan[0].ends_with("SCAN a") && plan[1].ends_with("SCAN b"), "{plan:?}");
    assert_eq!(rows(&mut con, "SELECT 1 IN c", &[]).unwrap_err().kind(), ErrorKind::Schema);
    let error = rows(&mut con, "SELECT 1 IN missing", &[]).unwrap_err();
    assert_eq!((error.kind(), error.offset()), (ErrorKind::NoSuchTable, 12));
}

#[test]
fn a_temporary_view_hides_nothing() {
    let (mut store, mut memory) = (MapStore::new(), Memory::<4096>::new());
    let mut con = Connection::open(&mut store, &mut memory).unwrap();
    con.executescript("CREATE TABLE t(a); CREATE VIEW v AS SELECT 1; CREATE TEMP VIEW w AS SELECT a FROM t").unwrap();
    // SQLite has both, and takes the temporary one.
    for sql in ["CREATE TEMP VIEW t AS SELECT 1", "CREATE TEMP VIEW IF NOT EXISTS v AS SELECT 2"] {
        assert_eq!(rows(&mut con, sql, &[]).unwrap_err().kind(), ErrorKind::Unsupported, "{sql}");
    }
    assert_eq!(rows(&mut con, "CREATE TEMP VIEW IF NOT EXISTS w AS SELECT 3", &[]).unwrap(), [""; 0]);
    assert_eq!(rows(&mut con, "SELECT * FROM v", &[]).unwrap(), ["1"]);
}
