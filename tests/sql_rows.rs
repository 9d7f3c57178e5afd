//! Rows in large numbers: what a loop does with each of them, whatever is in it, against the laws of values.
#![cfg(feature = "sqlite3-full")]

#[path = "sqlite3/map.rs"]
mod map;
#[path = "support/random.rs"]
mod random;

use std::cmp::Ordering;

use larder::sqlite3::value::Collation;
use larder::sqlite3::{Connection, Value};
use map::MapStore;
use random::Rng;

const LARGE: i64 = 1 << 53;

/// Values that are near to each other, of all classes.
fn value(random: &mut Rng) -> Value<'static> {
    match random.below(11) {
        0 => Value::Null,
        10 => Value::Real(2.0 + random.below(5) as f64 * 2.0f64.powi(-40)),
        1..=3 => Value::Integer(random.below(9) as i64 - 4),
        4..=6 => Value::Real((random.below(33) as f64 - 16.0) / 4.0),
        7 => Value::Integer([LARGE, LARGE + 1, -LARGE - 1, i64::MAX, i64::MIN, 1000][random.below(6)]),
        8 => Value::Real([LARGE as f64, 9.3e18, -0.0, 1e300, f64::NEG_INFINITY, 2.0f64.powi(-80)][random.below(6)]),
        _ => [Value::Text(b"2"), Value::Text(b""), Value::Text(&[b'x'; 80]), Value::Blob(b"\x01")][random.below(4)],
    }
}

/// A table of rows (id, p, v), where p is a short or a long blob, and what v is in each of them.
fn filled<'s>(
    store: &'s mut MapStore,
    memory: &'s mut [u8],
    random: &mut Rng,
) -> (Connection<'s>, Vec<Value<'static>>) {
    let mut con = Connection::open(store, memory).unwrap();
    con.executescript("CREATE TABLE t(id INTEGER PRIMARY KEY, p, v)").unwrap();
    let values: Vec<Value<'static>> = (0..60).map(|_| value(random)).collect();
    for (id, value) in values.iter().enumerate() {
        let len = if random.below(6) == 0 { 100 } else { 1 };
        let p = random.bytes(len);
        con.execute("INSERT INTO t VALUES(?, ?, ?)", &[Value::Integer(id as i64 * 9), Value::Blob(&p), *value])
            .unwrap();
    }
    con.commit().unwrap();
    (con, values)
}

/// The first column of the rows that a query gives.
fn column(con: &mut Connection<'_>, sql: &str, parameters: &[Value<'_>]) -> Vec<i64> {
    let mut cursor = con.execute(sql, parameters).unwrap();
    let mut found = Vec::new();
    while let Some(row) = cursor.fetchone().unwrap() {
        found.push(row.get(0).unwrap());
    }
    found
}

/// The rows for which a condition holds, by their places in `values`.
fn rows(con: &mut Connection<'_>, condition: &str, parameters: &[Value<'_>], values: &[Value<'_>]) -> Vec<usize> {
    let sql = format!("SELECT id, v, p, id, v FROM t WHERE {condition}");
    let mut cursor = con.execute(&sql, parameters).unwrap();
    let mut found = Vec::new();
    while let Some(row) = cursor.fetchone().unwrap() {
        let at = row.get::<usize>(0).unwrap() / 9;
        assert_eq!((row.value(1), row.value(3), row.value(4)), (values[at], row.value(0), values[at]));
        assert!(matches!(row.value(2), Value::Blob(p) if p.len() == 1 || p.len() == 100));
        found.push(at);
    }
    found
}

/// Whether `left operator right` is true.
fn holds(left: Value<'_>, operator: &str, right: Value<'_>) -> bool {
    let order = left.compare(right, Collation::Binary);
    let known = !left.is_null() && !right.is_null();
    match operator {
        "=" => known && order == Ordering::Equal,
        "<>" => known && order != Ordering::Equal,
        "<" => known && order == Ordering::Less,
        "<=" => known && order != Ordering::Greater,
        ">" => known && order == Ordering::Greater,
        ">=" => known && order != Ordering::Less,
        "IS" => order == Ordering::Equal,
        _ => order != Ordering::Equal,
    }
}

fn literal(value: Value<'_>) -> String {
    match value {
        Value::Null => "NULL".into(),
        Value::Integer(i64::MIN) => "(-9223372036854775807 - 1)".into(),
        Value::Integer(integer) => integer.to_string(),
        Value::Real(real) if real.is_infinite() => if real > 0.0 { "9e999" } else { "-9e999" }.into(),
        Value::Real(real) => format!("{real:e}"),
        Value::Text(text) => format!("'{}'", String::from_utf8_lossy(text)),
        Value::Blob(_) => "x'01'".into(),
    }
}

#[test]
fn a_filter_gives_the_rows_that_compare_so() {
    const OPERATORS: [&str; 8] = ["=", "<>", "<", "<=", ">", ">=", "IS", "IS NOT"];
    let mut random = Rng(5);
    for _ in 0..20 {
        let (mut store, mut memory) = (MapStore::new(), vec![0; 4096]);
        let (mut con, values) = filled(&mut store, &mut memory, &mut random);
        for _ in 0..60 {
            let (first, second) = (OPERATORS[random.below(8)], OPERATORS[random.below(8)]);
            let (one, other) = (value(&mut random), value(&mut random));
            let (sql, parameters) = match random.below(3) {
                0 => (format!("v {first} ? AND ? {second} v"), vec![one, other]),
                1 => (format!("v {first} {} AND {} {second} v", literal(one), literal(other)), vec![]),
                _ => (format!("v {first} {} AND p > '' AND ? {second} v", literal(one)), vec![other]),
            };
            let wanted = |value: Value<'_>| holds(value, first, one) && holds(other, second, value);
            let expected: Vec<usize> = (0..values.len()).filter(|&at| wanted(values[at])).collect();
            assert_eq!(rows(&mut con, &sql, &parameters, &values), expected, "{sql} of {values:?} with {parameters:?}");
            let sql = format!("v BETWEEN ? AND {}", literal(other));
            let wanted = |value: Value<'_>| holds(value, ">=", one) && holds(value, "<=", other);
            let expected: Vec<usize> = (0..values.len()).filter(|&at| wanted(values[at])).collect();
            assert_eq!(rows(&mut con, &sql, &[one], &values), expected, "{sql} of {values:?} with {one:?}");
        }
    }
}

#[test]
fn aggregates_of_filtered_rows_are_those_of_the_rows_themselves() {
    let mut random = Rng(7);
    for _ in 0..20 {
        let (mut store, mut memory) = (MapStore::new(), vec![0; 4096]);
        let (mut con, values) = filled(&mut store, &mut memory, &mut random);
        let (low, high) = (random.below(20) as f64 / 4.0 - 5.0, random.below(20) as i64);
        let sql = "SELECT count(*), count(v), sum(v), avg(v), sum(id), total(v) FROM t WHERE v >= ? AND v < ?";
        let parameters = [Value::Real(low), Value::Integer(high)];
        let mut cursor = con.execute(sql, &parameters).unwrap();
        let row = cursor.fetchone().unwrap().unwrap();
        let (mut count, mut ids, mut sum, mut real) = (0i64, 0i64, 0.0, false);
        for (at, value) in values.iter().enumerate() {
            let number = match *value {
                Value::Integer(integer) => integer as f64,
                Value::Real(real) => real,
                _ => continue,
            };
            if low <= number && number < high as f64 {
                (count, ids, sum) = (count + 1, ids + at as i64 * 9, sum + number);
                real |= matches!(value, Value::Real(_));
            }
        }
        assert_eq!((row.get(0), row.get(1), row.get(5)), (Ok(count), Ok(count), Ok(sum)), "{values:?}");
        let some = |value| if count == 0 { Value::Null } else { value };
        let typed = if real { Value::Real(sum) } else { Value::Integer(sum as i64) };
        assert_eq!((row.value(2), row.value(4)), (some(typed), some(Value::Integer(ids))), "{values:?}");
        assert_eq!(row.value(3), some(Value::Real(sum / count as f64)), "{values:?}");
        drop(cursor);
        // What is no number counts as the one it begins with.
        con.executescript(
            "CREATE TABLE u(v); INSERT INTO u SELECT v FROM t WHERE v IS NULL OR v >= -9 AND v < 9 OR v >= ''",
        )
        .unwrap();
        let number = |value: &Value<'_>| match *value {
            Value::Integer(integer @ -9..9) => integer as f64,
            Value::Real(real) if (-9.0..9.0).contains(&real) => real,
            Value::Text(b"2") => 2.0,
            _ => 0.0,
        };
        let total: f64 = values.iter().map(number).sum();
        let mut cursor = con.execute("SELECT total(v) FROM u", &[]).unwrap();
        assert_eq!(cursor.fetchone().unwrap().unwrap().get(0), Ok(total), "{values:?}");
    }
}

#[test]
fn the_first_rows_of_an_order_are_the_first_of_all() {
    let mut random = Rng(11);
    for _ in 0..20 {
        let (mut store, mut memory) = (MapStore::new(), vec![0; 16384]);
        filled(&mut store, &mut memory, &mut random);
        for order in ["v, id", "v DESC, id", "v DESC NULLS FIRST, id", "v", "id DESC", "v + 0, id", "v > 0, v, id"] {
            for filter in ["", "WHERE v > -2", "WHERE v BETWEEN -3 AND 3.5"] {
                let sql = format!("SELECT id, v FROM t {filter} ORDER BY {order}");
                let all = column(&mut Connection::open(&mut store, &mut memory).unwrap(), &sql, &[]);
                // In little memory rows are sorted in passes.
                let mut little = vec![0; 1800];
                let mut con = Connection::open(&mut store, &mut little).unwrap();
                assert_eq!(column(&mut con, &sql, &[]), all, "{sql}");
                for limit in [1, 3, 10] {
                    let some = column(&mut con, &format!("{sql} LIMIT {limit} OFFSET 1"), &[]);
                    assert_eq!(
                        some,
                        all.iter().skip(1).take(limit).copied().collect::<Vec<_>>(),
                        "{sql} LIMIT {limit}"
                    );
                }
            }
        }
    }
}

#[test]
fn the_least_and_the_largest_are_given_with_their_rows() {
    let mut random = Rng(13);
    for _ in 0..40 {
        let (mut store, mut memory) = (MapStore::new(), vec![0; 4096]);
        let (mut con, values) = filled(&mut store, &mut memory, &mut random);
        for (function, better) in [("min", Ordering::Less), ("max", Ordering::Greater)] {
            let mut best = None;
            for (at, value) in values.iter().enumerate().filter(|(_, value)| !value.is_null()) {
                let order = best.map(|known: usize| value.compare(values[known], Collation::Binary));
                best = if order.is_none_or(|order| order == better) { Some(at) } else { best };
            }
            let sql = format!("SELECT id, {function}(v), count(v) FROM t");
            let mut cursor = con.execute(&sql, &[]).unwrap();
            let row = cursor.fetchone().unwrap().unwrap();
            let best = best.unwrap();
            assert_eq!((row.get(0), row.value(1)), (Ok(best * 9), values[best]), "{function} of {values:?}");
        }
    }
}

#[test]
fn texts_compare_by_the_collation_that_is_asked_for() {
    let (mut store, mut memory) = (MapStore::new(), vec![0; 2048]);
    let mut con = Connection::open(&mut store, &mut memory).unwrap();
    con.executescript(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, b TEXT, n TEXT COLLATE NOCASE, r REAL);
         INSERT INTO t VALUES(1, 'a', 'a', 1), (2, 'A', 'A', 2), (3, '10', '10', 10), (4, 'b', 'B', 3), (5, NULL, NULL, NULL)",
    )
    .unwrap();
    for (condition, expected) in [
        ("b = 'a'", &[1][..]),
        ("b <> 'a'", &[2, 3, 4]),
        ("'a' <= b", &[1, 4]),
        ("n = 'a'", &[1, 2]),
        ("n > 'A'", &[4]),
        ("b = 'a' COLLATE NOCASE", &[1, 2]),
        ("b = 10", &[3]),
        ("b > 9", &[1, 2, 4]),
        ("r = '10'", &[3]),
        ("r > 'a'", &[]),
        ("b BETWEEN 'A' AND 'a'", &[1, 2]),
        ("b IS NULL", &[5]),
        ("n IS NOT NULL AND r >= 2", &[2, 3, 4]),
    ] {
        let found = column(&mut con, &format!("SELECT id FROM t WHERE {condition}"), &[]);
        assert_eq!(found, expected, "{condition}");
    }
}
