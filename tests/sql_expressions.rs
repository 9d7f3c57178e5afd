//! Expressions give what SQLite gives: 2,500 of them, answered by SQLite itself.
//!
//! tests/data/sql/expressions.txt was written by tests/sql/vectors.py, which also asks more of them at once.
#![cfg(feature = "sqlite3-full")]

#[path = "sqlite3/map.rs"]
mod map;

use larder::sqlite3::{Connection, Value};

const VECTORS: &str = include_str!("data/sql/expressions.txt");

fn unescape(text: &str) -> String {
    let mut plain = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        plain.push(match c {
            '\\' => match chars.next().unwrap() {
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                other => other,
            },
            other => other,
        });
    }
    plain
}

fn is(value: Value<'_>, text: &str) -> bool {
    let rest = || text[1..].to_string();
    match value {
        Value::Null => text == "n",
        Value::Integer(integer) => text == format!("i{integer}"),
        Value::Real(real) => text.starts_with('f') && rest().parse::<f64>().unwrap().to_bits() == real.to_bits(),
        Value::Text(bytes) => text.starts_with('t') && unescape(&rest()).as_bytes() == bytes,
        Value::Blob(bytes) => {
            text.starts_with('b') && rest() == bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>()
        }
    }
}

#[test]
fn expressions_give_what_sqlite_gives() {
    let mut lines = VECTORS.lines();
    assert_eq!(lines.next(), Some("SQLite 3.40.1"));
    let mut store = map::MapStore::new();
    let mut memory = [0; 16_000];
    let mut connection = Connection::open(&mut store, &mut memory).unwrap();
    let mut wrong = Vec::new();
    let mut count = 0;
    for line in lines {
        let (expression, expected) = line.split_once('\t').unwrap();
        let sql = format!("SELECT {}", unescape(expression));
        count += 1;
        let result = connection.execute(&sql, &[]).and_then(|mut cursor| {
            let row = cursor.fetchone()?.expect("SELECT without FROM gives a row");
            let value = row.value(0);
            Ok(is(value, expected)).inspect(|right| {
                if !right {
                    wrong.push(format!("{sql}: {value:?}, not {expected}"));
                }
            })
        });
        if let Err(error) = result
            && expected != "error"
        {
            wrong.push(format!("{sql}: {error}, not {expected}"));
        }
    }
    assert!(count > 2000);
    assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong.join("\n"));
}
