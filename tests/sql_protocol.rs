//! The line protocol of `larder sql --protocol`, the shell, and, where Python is there, a campaign against its SQLite.
#![cfg(all(feature = "cli", feature = "sqlite3"))]

use std::io::Write;
use std::process::{Command, Output, Stdio};

const TOOL: &str = env!("CARGO_BIN_EXE_larder");

fn talk(arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(TOOL)
        .arg("sql")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn replies(input: &str) -> String {
    let output = talk(&["--protocol"], input);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn requests_and_replies_are_as_documented() {
    let requests = concat!(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, v)\n",
        "INSERT INTO t(v) VALUES('a\\tb\\nc\\\\'), (NULL), (1.5), (x'00FF'), (9e999)\n",
        "SELECT v AS \"the\\tname\" FROM t ORDER BY id\n",
        ".bind i2\tth\\ti\n",
        "SELECT id, ?2 FROM t WHERE id = ?1\n",
        ".named x=f1.5\n",
        "SELECT id FROM t WHERE v = :x\n",
        "SELECT id FROM t WHERE v = :x\n",
        "DELETE FROM t WHERE id > 3\n",
        ".quit\n",
    );
    let expected = concat!(
        "ok\t0\t0\n",
        "ok\t5\t5\n",
        "cols\tthe\\tname\nrow\tta\\tb\\nc\\\\\nrow\tn\nrow\tf1.5\nrow\tb00ff\nrow\tfinf\nok\t5\t5\n",
        "ok\t5\t5\n",
        "cols\tid\t?2\nrow\ti2\tth\\ti\nok\t5\t5\n",
        "ok\t5\t5\n",
        "cols\tid\nrow\ti3\nok\t5\t5\n",
    );
    let answer = replies(requests);
    assert!(answer.starts_with(expected), "{answer}");
    // A binding serves one statement only.
    let rest: Vec<&str> = answer[expected.len()..].lines().collect();
    assert!(rest[0].starts_with("error\tmisuse\t"), "{rest:?}");
    assert_eq!(rest[1..], ["ok\t2\t5", "ok\t0\t0"]);
}

/// The end of the input is no request, nor is the CR of a line's end part of one.
#[test]
fn lines_may_end_in_crlf_and_the_input_without_quit() {
    assert_eq!(replies(""), "");
    assert_eq!(replies(".bind tx\r\nSELECT ?"), "ok\t0\t0\ncols\t?\nrow\ttx\nok\t0\t0\n");
    assert_eq!(replies(".quit\r\nSELECT 1\n"), "ok\t0\t0\n");
}

#[test]
fn errors_have_a_code() {
    for (sql, code) in [
        ("SELEC 1", "syntax"),
        ("SELECT * FROM nothing", "schema"),
        ("SELECT abs(-9223372036854775808)", "overflow"),
        ("ATTACH 'x' AS y", "unsupported"),
        ("SELECT Sqrt(4)", "unsupported"),
        ("SELECT squirt(4)", "schema"),
        ("SELECT ?", "misuse"),
        (".unknown", "misuse"),
        (".bind q1", "misuse"),
        ("\\x", "syntax"),
    ] {
        let answer = replies(&format!("{sql}\n"));
        assert!(answer.starts_with(&format!("error\t{code}\t")), "{sql}: {answer}");
    }
    let unique = "CREATE TABLE t(a UNIQUE)\nINSERT INTO t VALUES(1)\nINSERT INTO t VALUES(1)\n";
    assert!(replies(unique).lines().nth(2).unwrap().starts_with("error\tconstraint\t"));
}

#[test]
fn stores_are_kept_and_thrown_away_as_asked() {
    let image = std::env::temp_dir().join(format!("larder-sql-{}.img", std::process::id()));
    let _ = std::fs::remove_file(&image);
    let path = image.to_str().unwrap();
    let answer = replies(&format!(
        "CREATE TABLE m(a)\n.open {path}\nCREATE TABLE f(a)\nBEGIN\nINSERT INTO f VALUES(1)\n.reopen\nSELECT count(*) FROM f\n\
         INSERT INTO f VALUES(2)\n.open :memory:\nSELECT * FROM m\n.open {path}\nSELECT a FROM f\n.reset\nSELECT a FROM f\n"
    ));
    let lines: Vec<&str> = answer.lines().collect();
    // After .reopen the open transaction is lost.
    assert_eq!(lines[6..8], ["cols\tcount(*)", "row\ti0"], "{answer}");
    assert!(lines[11].starts_with("error\tschema"), "{answer}");
    assert_eq!(lines[13..15], ["cols\ta", "row\ti2"], "{answer}");
    assert!(lines[17].starts_with("error\tschema"), "{answer}");
    assert_eq!(std::fs::metadata(&image).unwrap().len(), 16 << 20);
    // A file of another size is no image: an error, and the session goes on.
    std::fs::write(&image, b"no image").unwrap();
    let answer = replies(&format!(".open {path}\nSELECT 1\n"));
    assert!(answer.starts_with("error\tio\t") && answer.ends_with("row\ti1\nok\t0\t0\n"), "{answer}");
    std::fs::remove_file(&image).unwrap();
}

#[test]
fn temporary_views_end_with_the_connection() {
    let requests = concat!(
        "CREATE TEMP VIEW v AS SELECT 1\n",
        ".reopen\n",
        "SELECT * FROM v\n",
        "CREATE TABLE v(a)\n",
        "CREATE TEMP VIEW w AS SELECT 2\n",
        "SELECT * FROM w, v\n",
        ".reopen\n",
        "CREATE VIEW w AS SELECT 3 AS x\n",
        ".reopen\n",
        "CREATE TEMP VIEW u AS SELECT x + 1 FROM w\n",
        "SELECT * FROM u\n",
    );
    let answer = replies(requests);
    let lines: Vec<&str> = answer.lines().filter(|line| !line.starts_with("ok")).collect();
    assert!(lines[0].starts_with("error\tschema\t"), "{answer}");
    assert_eq!(lines[1..], ["cols\t2\ta", "cols\tx + 1", "row\ti4"]);
}

/// Those that the message names when asked for another one.
#[test]
fn images_of_all_the_sectors_and_words_that_are_named() {
    let image = std::env::temp_dir().join(format!("larder-sectors-{}.img", std::process::id()));
    let path = image.to_str().unwrap();
    let refused = talk(&["--sector", "3000", path, "SELECT 1"], "");
    assert!(!refused.status.success() && !image.exists());
    let message = String::from_utf8(refused.stderr).unwrap();
    let known: Vec<_> = message.trim_end().rsplit(": ").next().unwrap().split(", ").collect();
    assert!(known.contains(&"1024/4") && known.contains(&"4096/4"), "{message}");
    for (sector, word) in known.iter().map(|known| known.split_once('/').unwrap()) {
        std::fs::write(&image, vec![0xff; 16 * sector.parse::<usize>().unwrap()]).unwrap();
        for statement in ["CREATE TABLE t(a); INSERT INTO t VALUES(6)", "UPDATE t SET a = a * 7"] {
            assert!(talk(&["--sector", sector, "--word", word, path, statement], "").status.success());
        }
        let rows = talk(&["--sector", sector, "--word", word, path, "SELECT a FROM t"], "");
        assert_eq!(rows.stdout, b"a\n42\n", "{sector}/{word}");
    }
    std::fs::remove_file(&image).unwrap();
}

#[test]
fn the_shell_runs_statements() {
    let image = std::env::temp_dir().join(format!("larder-shell-{}.img", std::process::id()));
    let _ = std::fs::remove_file(&image);
    let path = image.to_str().unwrap();
    let made = talk(&[path, "CREATE TABLE t(a, b); INSERT INTO t VALUES(1, 'it''s; so'), (2.5, NULL);"], "");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let shown = talk(&[path], "SELECT *\n FROM t; -- all; of it\nSELECT count(*) FROM t");
    assert_eq!(String::from_utf8_lossy(&shown.stdout), "a|b\n1|it's; so\n2.5|\ncount(*)\n2\n");
    let wrong = talk(&[path, "SELECT 1;\nSELECT c FROM t"], "");
    assert_eq!(wrong.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("no such column"));
    assert_eq!(talk(&[], "").status.code(), Some(2));
    std::fs::remove_file(&image).unwrap();
}

#[test]
fn lines_with_a_dot_are_the_shells_own() {
    let image = std::env::temp_dir().join(format!("larder-dots-{}.img", std::process::id()));
    // As large as the flash of a board.
    let part = larder::flash::FileFlash::<4, 4096>::open(&image, 16).unwrap();
    drop(part);
    let path = image.to_str().unwrap();
    let script = concat!(
        "CREATE TABLE t(a, b);\nCREATE INDEX i ON t(b);\nCREATE VIEW v AS SELECT a FROM t;\n",
        "INSERT INTO t VALUES(1, 'it''s\n.quit\n'), (2.5, NULL), (x'00ff', -9e999);\n.tables\n.schema\n.quit\nnot read\n",
    );
    let shown = talk(&[path], script);
    let schema = "CREATE TABLE t(a, b);\nCREATE INDEX i ON t(b);\nCREATE VIEW v AS SELECT a FROM t;\n";
    assert_eq!(String::from_utf8_lossy(&shown.stdout), format!("t\nv\n{schema}"));
    assert_eq!(std::fs::metadata(&image).unwrap().len(), 16 * 4096);
    let wrong = talk(&[path, ".tabels"], "");
    assert_eq!(wrong.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("no such command: .tabels"));

    // The script that makes the tables again, and the same tables made from it, in larder and in Python's SQLite.
    let dump = String::from_utf8(talk(&[path, ".dump"], "").stdout).unwrap();
    assert!(dump.starts_with("BEGIN TRANSACTION;\nCREATE TABLE t(a, b);\n") && dump.ends_with("COMMIT;\n"), "{dump}");
    std::fs::remove_file(&image).unwrap();
    assert_eq!(String::from_utf8(talk(&[path], &format!("{dump}.dump\n")).stdout).unwrap(), dump);
    std::fs::remove_file(&image).unwrap();
    let read = "import sqlite3, sys; c = sqlite3.connect(':memory:'); c.executescript(sys.argv[1]); \
                print(c.execute('SELECT * FROM t').fetchall())";
    match Command::new("python3").args(["-c", read, &dump]).output() {
        Ok(run) => assert_eq!(
            String::from_utf8_lossy(&run.stdout),
            "[(1, \"it's\\n.quit\\n\"), (2.5, None), (b'\\x00\\xff', -inf)]\n",
            "{}",
            String::from_utf8_lossy(&run.stderr)
        ),
        Err(_) => eprintln!("no python3: the dump was not read by it"),
    }
}

/// tests/sql/differential.py, briefly; `LARDER_SQL_SCRIPTS=10000` for the whole campaign.
#[test]
fn random_scripts_answer_as_pythons_sqlite_does() {
    let known = Command::new("python3").args(["-c", "import sqlite3; print(sqlite3.sqlite_version)"]).output();
    let version = known.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_string()).unwrap_or_default();
    if version != "3.40.1" {
        eprintln!("not run: this needs a python3 with SQLite 3.40.1, which larder follows, and found {version:?}");
        return;
    }
    let scripts = std::env::var("LARDER_SQL_SCRIPTS").unwrap_or_else(|_| "60".into());
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sql/differential.py");
    // The order in which rows are read is SQLite's where code is built to be fast.
    let kinds: [&[&str]; 4] = [&[], &["--wide"], &["--definitions"], &["--order"]];
    for kind in kinds.into_iter().take(if cfg!(fast) { 4 } else { 3 }) {
        let arguments = [script, TOOL, "--scripts", &scripts, "--unsupported", "1"];
        let output = Command::new("python3").args(arguments).args(kind).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
}

#[test]
fn scripts_are_answered_as_sqlite_does() {
    assert!(answered(include_str!("data/sql/scripts.txt")) > 150);
}

#[cfg(fast)]
#[test]
fn rows_are_read_in_the_order_of_sqlite() {
    assert!(answered(include_str!("data/sql/order.txt")) > 40);
}

/// Runs the statements of a file of tests/sql/scripts.py; how many.
fn answered(vectors: &str) -> usize {
    let mut statements = vectors.split("\n> ").skip(1);
    let requests: String = statements.clone().map(|case| format!("{}\n", case.lines().next().unwrap())).collect();
    let mut answers = replies(&requests);
    let mut lines = std::mem::take(&mut answers).lines().map(str::to_owned).collect::<Vec<_>>().into_iter();
    let mut cases = 0;
    while let Some((statement, expected)) = statements.next().and_then(|case| case.split_once('\n')) {
        let mut answer = String::new();
        for line in lines.by_ref() {
            let word = line.split('\t').next().unwrap_or_default().to_owned();
            let end = matches!(word.as_str(), "ok" | "error");
            answer.push_str(if end { &word } else { &line });
            answer.push('\n');
            if end {
                break;
            }
        }
        assert_eq!(answer.trim_end(), expected.trim_end(), "{statement}");
        cases += 1;
    }
    cases
}
