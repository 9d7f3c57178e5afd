//! SQL without the features that a small board leaves out: statements over one table work, the others are refused where they begin to
//! need more.
//!
//!     cargo test --no-default-features --features sqlite3,std --test sqlite3_cut
#![cfg(all(feature = "sqlite3", not(feature = "sqlite3-full")))]

#[path = "sqlite3/map.rs"]
mod map;

use larder::sqlite3::{Connection, ErrorKind, Memory};
use map::MapStore;

fn with_table(run: impl FnOnce(&mut Connection<'_>)) {
    let (mut store, mut memory) = (MapStore::new(), Memory::<4096>::new());
    let mut con = Connection::open(&mut store, &mut memory).unwrap();
    con.executescript(
        "CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT, c REAL);
         CREATE INDEX i ON t(b, c DESC);
         INSERT INTO t VALUES(1, 'x', 1.5), (2, 'y', 2.5), (3, 'x', 3.5);
         INSERT INTO t(b, c) SELECT b, c + 10 FROM t WHERE a < 3;
         UPDATE t SET c = -c WHERE b = 'y';
         DELETE FROM t WHERE a = 2",
    )
    .unwrap();
    run(&mut con);
}

#[test]
fn statements_over_one_table_are_there() {
    with_table(|con| {
        for (sql, expected) in [
            ("SELECT count(*), sum(c), max(a) FROM t", "4, 4.0, 5"),
            ("SELECT a, b FROM t WHERE b = 'x' AND c > 2 ORDER BY c DESC LIMIT 1", "4, x"),
            ("SELECT DISTINCT b FROM t ORDER BY b DESC", "y"),
            ("SELECT count(DISTINCT b) FROM t WHERE a IN (1, 3, 5)", "2"),
            ("SELECT CASE WHEN max(c) > 1 THEN 'hot' END, a FROM t", "hot, 4"),
        ] {
            let mut cursor = con.execute(sql, &[]).unwrap();
            let row = cursor.fetchone().unwrap().unwrap();
            let shown: Vec<_> = (0..row.len())
                .map(|at| {
                    let mut room = [0; 40];
                    let text = row.value(at).to_text(&mut larder::sqlite3::scratch::Scratch::new(&mut room)).unwrap();
                    String::from_utf8_lossy(text).into_owned()
                })
                .collect();
            assert_eq!(shown.join(", "), expected, "{sql}");
        }
    });
}

#[test]
fn the_others_are_refused() {
    with_table(|con| {
        for (sql, offset) in [
            ("SELECT 1 FROM t, t AS u", 15),
            ("SELECT 1 FROM t JOIN t AS u ON u.a = t.a", 16),
            ("SELECT 1 FROM t LEFT JOIN t AS u", 16),
            ("SELECT 1 FROM (SELECT 1)", 14),
            ("SELECT b FROM t GROUP BY b", 16),
            ("SELECT max(a) FROM t HAVING 1", 21),
            ("SELECT 1 UNION SELECT 2", 9),
            ("SELECT (SELECT 1)", 8),
            ("SELECT EXISTS (SELECT 1)", 15),
            ("SELECT 1 IN (SELECT 1)", 13),
            ("SELECT 1 IN t", 12),
            ("CREATE VIEW v AS SELECT 1", 7),
            ("ALTER TABLE t ADD COLUMN d", 0),
            ("EXPLAIN SELECT 1", 0),
            ("EXPLAIN QUERY PLAN SELECT 1", 0),
            ("SELECT a, DATE(b) FROM t", 10),
            ("SELECT 1 FROM t WHERE b > strftime('%s', c)", 26),
            ("SELECT printf('%d', 1)", 7),
        ] {
            let error = con.execute(sql, &[]).map(|_| ()).unwrap_err();
            assert_eq!((error.kind(), error.offset()), (ErrorKind::Unsupported, offset), "{sql}");
        }
    });
}
