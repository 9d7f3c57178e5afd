//! Any text as SQL: an answer, or an error with a place in the text; no panic, no hang. Statements are made of words of the
//! language, then torn and mixed; memory is what chance gives. `LARDER_SQL=n` tries n times as many.
#![cfg(feature = "sqlite3")]

#[path = "sqlite3/map.rs"]
mod map;

use larder::sqlite3::{Connection, ErrorKind};
use map::MapStore;

const TABLES: &str = "CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT UNIQUE, c DEFAULT 7 CHECK (c <> 8)); CREATE INDEX i ON t(c DESC, b);
    CREATE TABLE u(x, y); INSERT INTO t VALUES(1, 'one', 2), (2, NULL, x'00'), (5, 'five', 1.5); INSERT INTO u VALUES(1, 2), (NULL, 'z');
    CREATE VIEW v AS SELECT b, x FROM t JOIN u ON a = x;";

const WORDS: &[&str] = &[
    "SELECT",
    "FROM",
    "WHERE",
    "GROUP",
    "BY",
    "HAVING",
    "ORDER",
    "LIMIT",
    "OFFSET",
    "UNION",
    "ALL",
    "EXCEPT",
    "INTERSECT",
    "DISTINCT",
    "INSERT",
    "INTO",
    "VALUES",
    "UPDATE",
    "SET",
    "DELETE",
    "CREATE",
    "TABLE",
    "INDEX",
    "VIEW",
    "DROP",
    "ALTER",
    "ADD",
    "COLUMN",
    "RENAME",
    "TO",
    "PRAGMA",
    "EXPLAIN",
    "QUERY",
    "PLAN",
    "BEGIN",
    "COMMIT",
    "ROLLBACK",
    "SAVEPOINT",
    "RELEASE",
    "JOIN",
    "LEFT",
    "CROSS",
    "ON",
    "AS",
    "AND",
    "OR",
    "NOT",
    "NULL",
    "IS",
    "IN",
    "BETWEEN",
    "LIKE",
    "GLOB",
    "ESCAPE",
    "CASE",
    "WHEN",
    "THEN",
    "ELSE",
    "END",
    "CAST",
    "COLLATE",
    "NOCASE",
    "EXISTS",
    "DESC",
    "ASC",
    "NULLS",
    "FIRST",
    "LAST",
    "REPLACE",
    "IGNORE",
    "DEFAULT",
    "PRIMARY",
    "KEY",
    "UNIQUE",
    "CHECK",
    "(",
    ")",
    "(",
    ")",
    ",",
    ",",
    ".",
    ";",
    "*",
    "+",
    "-",
    "/",
    "%",
    "||",
    "&",
    "|",
    "~",
    "<<",
    ">>",
    "=",
    "<",
    "<=",
    "<>",
    "==",
    "?",
    "?3",
    ":n",
    "@m",
    "$p",
    "t",
    "u",
    "v",
    "a",
    "b",
    "c",
    "x",
    "y",
    "t.a",
    "u.*",
    "rowid",
    "sqlite_schema",
    "count(*)",
    "sum(a)",
    "max(b)",
    "min(c)",
    "group_concat(b)",
    "abs(",
    "printf('%d %s', ",
    "substr(",
    "strftime('%s', ",
    "coalesce(",
    "1",
    "0",
    "-9223372036854775808",
    "9223372036854775807",
    "1e308",
    "0x1f",
    "'text'",
    "''",
    "x'00ff'",
    "\"name\"",
    "[odd]",
    "`tick`",
    "TRUE",
    "--",
    "/*",
    "'",
    "\"",
    "\0",
    "é",
];

const STATEMENTS: &[&str] = &[
    "SELECT a, b FROM t LEFT JOIN u ON a = x WHERE c > 1 AND b IN (SELECT y FROM u UNION SELECT b FROM t) ORDER BY 2 DESC, a LIMIT 2 OFFSET 1",
    "SELECT count(*), max(b), c FROM t GROUP BY c HAVING sum(a) > 0 ORDER BY count(*)",
    "SELECT DISTINCT x.b FROM (SELECT b FROM t WHERE EXISTS (SELECT 1 FROM u WHERE x = a)) AS x, v WHERE x.b = v.b",
    "INSERT OR REPLACE INTO t(b, c) SELECT b || 'x', (SELECT max(c) FROM t) FROM t WHERE a < 3",
    "UPDATE t SET c = c + 1, b = CASE WHEN a IN (1, 2) THEN upper(b) ELSE NULL END WHERE a BETWEEN 1 AND 4",
    "DELETE FROM u WHERE x IS NULL OR y NOT IN (SELECT a FROM t EXCEPT SELECT 2)",
    "CREATE TABLE n(p INTEGER NOT NULL DEFAULT (-1), q VARCHAR(10) COLLATE NOCASE, UNIQUE (p, q), CHECK (p < 5))",
    "ALTER TABLE u ADD COLUMN z TEXT DEFAULT 'none'",
    "EXPLAIN SELECT printf('%05.2f|%-8s', a, b) FROM t WHERE b LIKE 'o%' ESCAPE '!' AND c COLLATE NOCASE = 'x'",
];

struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % bound
    }
    fn pick<'w>(&mut self, words: &[&'w str]) -> &'w str {
        words[self.below(words.len())]
    }

    fn statement(&mut self) -> String {
        if self.below(3) == 0 {
            let first = self.pick(&[
                "SELECT",
                "SELECT",
                "INSERT INTO",
                "UPDATE",
                "DELETE FROM",
                "CREATE",
                "PRAGMA",
                "ALTER TABLE",
                "",
            ]);
            let mut sql = first.to_owned();
            for _ in 0..self.below(40) {
                sql.push(' ');
                sql.push_str(self.pick(WORDS));
            }
            return sql;
        }
        let mut sql: Vec<char> = self.pick(STATEMENTS).chars().collect();
        for _ in 0..1 + self.below(4) {
            let at = self.below(sql.len() + 1);
            let to = (at + self.below(12)).min(sql.len());
            match self.below(5) {
                0 => drop(sql.drain(at..to)),
                1 => sql.truncate(at),
                2 => {
                    let part: Vec<char> = sql[at..to].to_vec();
                    let place = self.below(sql.len() + 1);
                    drop(sql.splice(place..place, part));
                }
                3 => {
                    let other: Vec<char> = self.pick(STATEMENTS).chars().collect();
                    let from = self.below(other.len());
                    let part = other[from..(from + self.below(40)).min(other.len())].to_vec();
                    drop(sql.splice(at..to, part));
                }
                _ => {
                    let word = format!(" {} ", self.pick(WORDS));
                    drop(sql.splice(at..to, word.chars()));
                }
            }
        }
        sql.into_iter().collect()
    }
}

/// Runs a statement in so much memory; whether it was accepted.
fn run(store: &mut MapStore, memory: &mut [u8], sql: &str) -> bool {
    let mut con = Connection::open(store, memory).unwrap();
    con.set_step_limit(Some(20_000));
    let (mut rows, mut parameters) = (0, [larder::sqlite3::Value::Integer(3); 250]);
    parameters[1] = larder::sqlite3::Value::Text(b"two");
    let count = (0..=4).find(|&count| {
        !matches!(con.execute(sql, &parameters[..count]).map(drop), Err(error) if error.is(ErrorKind::Parameters))
    });
    let result = match con.execute(sql, &parameters[..count.unwrap_or(0)]) {
        Ok(mut cursor) => loop {
            match cursor.fetchone() {
                Ok(Some(row)) => {
                    assert!((0..row.len()).all(|column| row.name(column).is_some()), "{sql}");
                    rows += 1;
                }
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
        },
        Err(error) => Err(error),
    };
    assert!(rows < 20_000, "{sql}");
    if let Err(error) = &result {
        assert!(error.offset() <= sql.len(), "{sql}: {error:?}");
        assert!(!error.is(ErrorKind::Internal) && !error.is(ErrorKind::Corrupt), "{sql}: {error:?}");
    }
    if con.in_transaction() {
        con.rollback().unwrap();
    }
    result.is_ok()
}

#[test]
fn any_text_has_an_answer_or_an_error_with_a_place() {
    let times = std::env::var("LARDER_SQL").ok().and_then(|times| times.parse().ok()).unwrap_or(1);
    let mut tables = MapStore::new();
    let mut memory = vec![0; 40_000];
    Connection::open(&mut tables, &mut memory).unwrap().executescript(TABLES).unwrap();
    let (mut random, mut accepted) = (Random(1), 0);
    for _ in 0..10_000 * times {
        let sql = random.statement();
        let size = match random.below(4) {
            0 => random.below(600),
            1 => random.below(4_000),
            _ => 40_000,
        };
        accepted += usize::from(run(&mut tables.clone(), &mut memory[..size], &sql));
    }
    assert!(accepted > 150, "{accepted} statements were accepted");
}
