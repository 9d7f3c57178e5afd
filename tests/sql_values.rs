//! The laws of SQL values: what is written to records reads back, and keys compare as values do.
#![cfg(feature = "sqlite3")]

#[path = "support/random.rs"]
mod random;

use std::cmp::Ordering;

use larder::sqlite3::Error;
use larder::sqlite3::key::{self, Order};
use larder::sqlite3::record;
use larder::sqlite3::value::{Collation, Value};
use random::Rng;

/// A value whose bytes are kept apart, so that pairs of near neighbours are common.
#[derive(Debug, Clone)]
enum Owned {
    Null,
    Integer(i64),
    Real(f64),
    Text(Vec<u8>),
    Blob(Vec<u8>),
}

impl Owned {
    fn random(random: &mut Rng) -> Owned {
        let big = random.next() as i64;
        let shift = random.below(64);
        match random.below(12) {
            0 => Owned::Null,
            1 => Owned::Integer(big >> shift),
            2 => Owned::Integer((big >> shift) as f64 as i64),
            3 => Owned::Integer([i64::MIN, i64::MAX, 0, -1, 1 << 53, (1 << 53) + 1][random.below(6)]),
            4 => Owned::Real((big >> shift) as f64),
            5 => Owned::Real((big >> shift) as f64 + [0.5, -0.5, 0.25, 1.0][random.below(4)]),
            6 => Owned::Real(Some(f64::from_bits(random.next())).filter(|r| !r.is_nan()).unwrap_or(-0.0)),
            7 => Owned::Real([f64::INFINITY, f64::NEG_INFINITY, 0.0, -0.0, 9.3e18, 5e-324][random.below(6)]),
            8 | 9 => Owned::Text(bytes(random, b"aAbB \0\x01\xff")),
            10 => Owned::Text(bytes(random, b"a")),
            _ => Owned::Blob(bytes(random, b"\0\x01\xfe\xff")),
        }
    }

    fn value(&self) -> Value<'_> {
        match self {
            Owned::Null => Value::Null,
            Owned::Integer(i) => Value::Integer(*i),
            Owned::Real(r) => Value::Real(*r),
            Owned::Text(t) => Value::Text(t),
            Owned::Blob(b) => Value::Blob(b),
        }
    }
}

fn bytes(random: &mut Rng, of: &[u8]) -> Vec<u8> {
    (0..random.below(5)).map(|_| of[random.below(of.len())]).collect()
}

fn row(random: &mut Rng) -> Vec<Owned> {
    (0..1 + random.below(3)).map(|_| Owned::random(random)).collect()
}

fn key_of(row: &[Owned], orders: &[Order], limit: usize, rowid: Option<i64>) -> (Vec<u8>, bool) {
    let mut buffer = [0; 400];
    let mut writer = key::Writer::new(&mut buffer, limit);
    let mut cut = false;
    for (column, order) in row.iter().zip(orders) {
        cut |= writer.column(column.value(), *order);
    }
    if let Some(rowid) = rowid {
        writer.rowid(rowid);
    }
    (writer.finish().unwrap().to_vec(), cut)
}

fn orders(random: &mut Rng) -> Vec<Order> {
    (0..3)
        .map(|_| Order {
            collation: [Collation::Binary, Collation::NoCase, Collation::RTrim][random.below(3)],
            descending: random.below(2) == 0,
        })
        .collect()
}

fn compare_rows(a: &[Owned], b: &[Owned], orders: &[Order]) -> Ordering {
    for ((a, b), order) in a.iter().zip(b).zip(orders) {
        let ordering = a.value().compare(b.value(), order.collation);
        let ordering = if order.descending { ordering.reverse() } else { ordering };
        if ordering != Ordering::Equal {
            return ordering;
        }
    }
    Ordering::Equal
}

#[test]
fn keys_compare_as_values_do() {
    let mut random = Rng(1);
    for _ in 0..200_000 {
        let orders = orders(&mut random);
        let (a, mut b) = (row(&mut random), row(&mut random));
        b.resize(a.len(), Owned::Null);
        let (id_a, id_b) = (random.next() as i64 >> random.below(64), random.next() as i64 >> random.below(64));
        let expected = compare_rows(&a, &b, &orders);
        let (key_a, cut) = key_of(&a, &orders, usize::MAX, None);
        assert!(!cut);
        let (key_b, _) = key_of(&b, &orders, usize::MAX, None);
        assert_eq!(key_a.cmp(&key_b), expected, "{a:?} {b:?} {orders:?}");
        let (key_a, _) = key_of(&a, &orders, usize::MAX, Some(id_a));
        let (key_b, _) = key_of(&b, &orders, usize::MAX, Some(id_b));
        assert_eq!(key_a.cmp(&key_b), expected.then(id_a.cmp(&id_b)), "{a:?} {id_a} {b:?} {id_b} {orders:?}");
    }
}

#[test]
fn a_cut_key_never_contradicts_the_order() {
    let mut random = Rng(2);
    for _ in 0..200_000 {
        let orders = orders(&mut random);
        let limit = random.below(4);
        let (a, mut b) = (row(&mut random), row(&mut random));
        b.resize(a.len(), Owned::Null);
        // Order is promised for a single column; behind a cut one, nothing is.
        let (a, b) = (&a[..1], &b[..1]);
        let ((key_a, cut_a), (key_b, cut_b)) = (key_of(a, &orders, limit, None), key_of(b, &orders, limit, None));
        let expected = compare_rows(a, b, &orders);
        match key_a.cmp(&key_b) {
            Ordering::Equal => assert!(expected == Ordering::Equal || (cut_a && cut_b), "{a:?} {b:?}"),
            ordering => assert_eq!(ordering, expected, "{a:?} {b:?} {orders:?} {limit}"),
        }
    }
}

#[test]
fn a_reader_finds_the_rowid_behind_the_columns() {
    let mut random = Rng(3);
    for _ in 0..100_000 {
        let orders = orders(&mut random);
        let limit = [0, 1, 2, 3, usize::MAX][random.below(5)];
        let row = row(&mut random);
        let rowid = random.next() as i64 >> random.below(64);
        let (bytes, cut) = key_of(&row, &orders, limit, Some(rowid));
        let mut reader = key::Reader::new(&bytes, limit);
        let mut was_cut = false;
        for order in &orders[..row.len()] {
            was_cut |= reader.skip_column(*order).unwrap();
        }
        assert_eq!((reader.rowid(), was_cut), (Ok(rowid), cut), "{row:?} {orders:?} {limit} {bytes:02x?}");
        assert!(reader.rest().is_empty());
    }
}

#[test]
fn any_bytes_as_key_are_an_answer_or_an_error() {
    let mut random = Rng(4);
    for _ in 0..100_000 {
        let len = random.below(12);
        let bytes = random.bytes(len);
        for order in orders(&mut random) {
            let mut reader = key::Reader::new(&bytes, random.below(4));
            let _ = reader.skip_column(order);
            let _ = reader.rowid();
        }
    }
}

#[test]
fn the_sizes_of_keys_are_as_documented() {
    let size = |value| {
        let mut buffer = [0; 16];
        let mut writer = key::Writer::new(&mut buffer, usize::MAX);
        writer.column(value, Order::default());
        writer.finish().unwrap().len()
    };
    assert_eq!([1, 1000, 100_000].map(|i| size(Value::Integer(i))), [2, 3, 4]);
    assert_eq!((size(Value::Real(0.3)), size(Value::Null), size(Value::Text(b"abc"))), (10, 1, 5));
}

#[test]
fn records_read_back() {
    let mut random = Rng(5);
    let mut out = [0; 4000];
    for _ in 0..50_000 {
        let mut row: Vec<Owned> = (0..random.below(9)).map(|_| Owned::random(&mut random)).collect();
        if random.below(20) == 0 {
            row.extend((0..130).map(|_| Owned::Integer(2)));
        }
        if random.below(8) == 0 {
            row.push(Owned::Text(vec![b'x'; random.below(3000)]));
        }
        let record = record::encode(row.len(), &|at| row[at].value(), &mut out).unwrap().to_vec();
        let same = |at: usize, read: Value<'_>| match (row[at].value(), read) {
            (Value::Real(a), Value::Real(b)) => a.to_bits() == b.to_bits(),
            (a, b) => a == b,
        };
        let mut walk = record::Walk::START;
        for _ in 0..12 {
            let at = random.below(row.len() + 2);
            match walk.column(&record, at).unwrap() {
                Some(read) => assert!(same(at, read), "{row:?} {at} {read:?}"),
                None => assert!(at >= row.len()),
            }
            assert_eq!(record::column(&record, at), walk.column(&record, at));
        }
        let short = record.len() - 1;
        let error = record::encode(row.len(), &|at| row[at].value(), &mut out[..short]).unwrap_err();
        assert_eq!(error, Error::limit(record.len()));
    }
}

#[test]
fn any_bytes_as_record_are_an_answer_or_an_error() {
    let mut random = Rng(6);
    for _ in 0..100_000 {
        let bytes: Vec<u8> = (0..random.below(20)).map(|_| random.next() as u8 >> random.below(6)).collect();
        let mut walk = record::Walk::START;
        for _ in 0..4 {
            let _ = walk.column(&bytes, random.below(6));
        }
    }
}

#[test]
fn a_reading_takes_few_bytes() {
    let row = [Value::Null, Value::Text(b"sensor-0001"), Value::Real(21.5)];
    let mut out = [0; 40];
    // Header 4, text 11, and 21.5 as a binary32.
    assert_eq!(record::encode(3, &|at| row[at], &mut out).unwrap().len(), 4 + 11 + 4);
}
