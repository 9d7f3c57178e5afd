//! A power cut at every operation of the part, under a script of 200 statements with transactions: what the tables hold then is what
//! some prefix of the committed statements made, every index agrees with its table, and no acknowledged commit is missing.
//!
//! `LARDER_CUTS=1` tears each operation in all ways, where the suite takes turns.
#![cfg(all(feature = "sqlite3", feature = "std"))]

#[allow(unreachable_pub, dead_code)]
#[path = "store/recorder.rs"]
mod recorder;

use larder::dbm::{self, Flag};
use larder::flash::Tear;
use larder::sqlite3::onflash::OnFlash;
use larder::sqlite3::{Connection, ErrorKind, Memory};
use recorder::{Event, Recorder};
use std::fmt::Write;

const SECTORS: usize = 12;
const SECTOR: usize = 1024;
const STATEMENTS: usize = 200;

/// A statement of the run: what it did to the part, and what was committed before and behind it.
struct Step {
    sql: String,
    events: Vec<Event>,
    before: String,
    after: String,
}

fn script() -> Vec<String> {
    let mut seed = 7u32;
    let mut random = move |below: u32| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 8) % below
    };
    let mut script = vec![
        "CREATE TABLE t(id INTEGER PRIMARY KEY, k TEXT UNIQUE, v)".to_owned(),
        "CREATE TABLE u(a, b INTEGER, CHECK (b <> 13))".to_owned(),
        "CREATE INDEX by_b ON u(b DESC, a)".to_owned(),
        "CREATE VIEW both AS SELECT k, a FROM t JOIN u ON id = b".to_owned(),
    ];
    while script.len() < STATEMENTS {
        let (n, m) = (random(40), random(1000));
        script.push(match random(20) {
            0..=3 => format!("INSERT OR REPLACE INTO t(k, v) VALUES('key {n}', {m}.5), ('other {m}', x'{m:04}')"),
            4..=6 => format!("INSERT INTO u VALUES('text of {m}', {n}), (NULL, {m})"),
            7 => format!("INSERT INTO t(k) VALUES('key {n}')"),
            8 | 9 => format!("UPDATE u SET b = b + 1, a = a || '!' WHERE b > {m}"),
            10 => format!("UPDATE OR IGNORE t SET k = 'key {n}', id = id + {m} WHERE v > {m}"),
            11 => format!("DELETE FROM u WHERE b % 7 = {} OR a IN (SELECT k FROM t)", m % 7),
            12 => format!("DELETE FROM t WHERE id > {n}"),
            13 => "INSERT INTO u SELECT k, id FROM t UNION SELECT a, b FROM u WHERE b < 10".to_owned(),
            14 | 15 => "BEGIN".to_owned(),
            16 => "COMMIT".to_owned(),
            17 => ["ROLLBACK", "SAVEPOINT s", "ROLLBACK TO s", "RELEASE s"][m as usize % 4].to_owned(),
            18 => "COMMIT".to_owned(),
            _ => ["CREATE INDEX by_v ON t(v)", "DROP INDEX by_v", "ALTER TABLE u ADD COLUMN c DEFAULT 7"]
                [m as usize % 3]
                .to_owned(),
        });
    }
    script.push("COMMIT".to_owned());
    script
}

/// All that the tables hold.
fn dump(con: &mut Connection<'_>) -> String {
    let mut all = String::new();
    for sql in ["SELECT name, sql FROM sqlite_schema", "SELECT * FROM t", "SELECT rowid, * FROM u"] {
        match con.execute(sql, &[]) {
            Ok(mut rows) => {
                while let Some(row) = rows.fetchone().expect("the tables are read") {
                    (0..row.len()).for_each(|column| write!(all, "{:?}|", row.value(column)).unwrap());
                    all.push('\n');
                }
            }
            Err(error) => assert!(error.is(ErrorKind::NoSuchTable), "{error}"),
        }
    }
    all
}

/// Opens the tables on a part.
fn with<T>(part: &mut Recorder<4, SECTOR>, pages: &mut [u8], run: impl FnOnce(&mut Connection<'_>) -> T) -> T {
    let db = dbm::open(part, Flag::Create, pages).expect("the store opens");
    let mut cursors = [db.cursor(); 6];
    let mut store = OnFlash::new(db, &mut cursors);
    let mut memory = Memory::<8192>::new();
    let mut con = Connection::open(&mut store, &mut memory).expect("the tables open");
    con.set_autocommit(true);
    run(&mut con)
}

#[test]
fn a_power_cut_at_every_operation_leaves_what_was_committed() {
    let mut pages = vec![0; dbm::memory_needed(SECTORS * SECTOR, SECTOR)];
    let (mut part, log) = Recorder::<4, SECTOR>::new(larder::flash::SimFlash::owned(SECTORS).unwrap());
    let mut image = part.part.clone();
    let (mut steps, mut fine) = (Vec::new(), 0);
    with(&mut part, &mut pages, |con| {
        let mut committed = dump(con);
        steps.push(Step {
            sql: "open".into(),
            events: log.take(),
            before: committed.clone(),
            after: committed.clone(),
        });
        for sql in script() {
            let result = con.execute(&sql, &[]).map(drop);
            fine += usize::from(result.is_ok());
            let events = log.take();
            let before = committed.clone();
            if !con.in_transaction() {
                committed = dump(con);
            }
            assert!(log.take().is_empty(), "reading writes nothing");
            steps.push(Step { sql, events, before, after: committed.clone() });
        }
    });
    let commits = steps.iter().filter(|step| step.before != step.after).count();
    assert!(fine > 150 && commits > 60, "{fine} statements are fine, {commits} change what is committed");
    let all = std::env::var_os("LARDER_CUTS").is_some();
    let (mut cuts, mut erases) = (0u32, 0);
    for step in &steps {
        for event in &step.events {
            erases += u32::from(matches!(event, Event::Erase { .. }));
            for (turn, tear) in Tear::ALL.into_iter().enumerate() {
                if !all && cuts as usize % Tear::ALL.len() != turn {
                    continue;
                }
                let mut torn = Recorder::new(event.torn(&image, tear, cuts)).0;
                let (found, agrees) = with(&mut torn, &mut pages, |con| {
                    let found = dump(con);
                    let mut check = con.execute("PRAGMA integrity_check", &[]).expect("the tables are checked");
                    let row = check.fetchone().expect("the tables are checked").expect("there is an answer");
                    (found, row.get::<&str>(0).map(str::to_owned))
                });
                assert!(found == step.before || found == step.after, "{}: {tear:?}: {found}", step.sql);
                assert_eq!(agrees.as_deref(), Ok("ok"), "{}: {tear:?}", step.sql);
            }
            cuts += 1;
            event.replay(&mut image).expect("the part works");
        }
    }
    assert!(cuts > 300 && erases > 10, "{cuts} operations, {erases} of them erases");
    println!("{cuts} operations were cut, {erases} of them erases");
}
