//! Types of serde: what is written is read as the same, from the stream and by way of the object.

use super::{config, loaded, pickler};
use larder::marshal::{self, Marshaller};
use larder::object::Slot;
use larder::object::serde::{Limits, from_object};
use larder::pickle;
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde::ser::SerializeSeq;
use serde::{Deserialize, Serialize, Serializer};
use std::collections::BTreeMap;

/// One of everything that serde knows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Record {
    ints: (i8, i16, i32, i64, i128),
    naturals: (u8, u16, u32, u64, u128),
    floats: (f32, f64),
    nothing: (),
    yes: bool,
    letter: char,
    text: String,
    newtype: Celsius,
    maybe: Option<String>,
    list: Vec<Shape>,
    map: BTreeMap<String, Vec<i64>>,
    keyed: BTreeMap<i32, f64>,
    /// Their lengths come to light at their ends, and their names are those of the fields above.
    #[serde(serialize_with = "unsized_rows")]
    rows: Vec<Row>,
    deep: Option<Box<Record>>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Celsius(f64);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Row {
    text: u8,
    #[serde(serialize_with = "unsized_rows")]
    rows: Vec<Row>,
    ints: Option<bool>,
    other: u8,
}

fn unsized_rows<S: Serializer>(rows: &[Row], serializer: S) -> Result<S::Ok, S::Error> {
    let mut list = serializer.serialize_seq(None)?;
    for row in rows {
        list.serialize_element(row)?;
    }
    list.end()
}

/// Rows in rows: the writer knows where two marks that may go again stand.
fn row() -> impl Strategy<Value = Row> {
    let row = |(text, ints, other), rows| Row { text, rows, ints, other };
    let leaf = any::<(u8, Option<bool>, u8)>().prop_map(move |flat| row(flat, Vec::new()));
    leaf.prop_recursive(1, 6, 3, move |inner| {
        (any::<(u8, Option<bool>, u8)>(), vec(inner, 0..3)).prop_map(move |(flat, rows)| row(flat, rows))
    })
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Shape {
    Point,
    Circle(f64),
    Line(i32, i32),
    Box { width: u8, height: u8 },
}

impl Record {
    /// Whether it has no int beyond 64 bits, no enum with content, and no list or dict that is empty.
    fn is_plain(&self) -> bool {
        let short = |n: u128| i64::try_from(n).is_ok();
        i64::try_from(self.ints.4).is_ok()
            && short(self.naturals.3.into())
            && short(self.naturals.4)
            && self.list.iter().all(|shape| *shape == Shape::Point)
            && !(self.list.is_empty() || self.map.is_empty() || self.keyed.is_empty() || self.rows.is_empty())
            && self.rows.iter().all(Row::is_plain)
            && self.map.values().all(|list| !list.is_empty())
            && self.deep.as_ref().is_none_or(|deep| deep.is_plain())
    }
}

impl Row {
    fn is_plain(&self) -> bool {
        !self.rows.is_empty() && self.rows.iter().all(Row::is_plain)
    }
}

/// Ints of 128 bits, many of them short.
fn wide() -> impl Strategy<Value = i128> {
    prop_oneof![3 => any::<i64>().prop_map(i128::from), 1 => any::<i128>()]
}

fn text() -> impl Strategy<Value = String> {
    vec(any::<char>(), 0..20).prop_map(String::from_iter)
}

fn shape() -> impl Strategy<Value = Shape> {
    prop_oneof![
        Just(Shape::Point),
        any::<f64>().prop_map(Shape::Circle),
        any::<(i32, i32)>().prop_map(|(a, b)| Shape::Line(a, b)),
        any::<(u8, u8)>().prop_map(|(width, height)| Shape::Box { width, height }),
    ]
}

fn record() -> impl Strategy<Value = Record> {
    let ints = (any::<i8>(), any::<i16>(), any::<i32>(), any::<i64>(), wide());
    let long = prop_oneof![3 => any::<u32>().prop_map(u64::from), 1 => any::<u64>()];
    let naturals = (any::<u8>(), any::<u16>(), any::<u32>(), long, wide().prop_map(|n| n.unsigned_abs()));
    let numbers = (ints, naturals, any::<(f32, f64)>());
    let texts = (any::<bool>(), any::<char>(), text(), any::<f64>(), proptest::option::of(text()));
    let map = btree_map(text(), vec(any::<i64>(), 0..5), 0..4);
    let keyed = btree_map(any::<i32>(), any::<f64>(), 0..4);
    let list = prop_oneof![vec(Just(Shape::Point), 0..5), vec(shape(), 0..5)];
    let containers = (list, map, keyed, vec(row(), 0..3));
    let flat = (numbers, texts, containers).prop_map(|((ints, naturals, floats), texts, (list, map, keyed, rows))| {
        let (yes, letter, text, celsius, maybe) = texts;
        let (nothing, newtype, deep) = ((), Celsius(celsius), None);
        Record { ints, naturals, floats, nothing, yes, letter, text, newtype, maybe, list, map, keyed, rows, deep }
    });
    vec(flat, 1..4).prop_map(|records| {
        let nest = |inner: Option<Record>, outer: Record| Some(Record { deep: inner.map(Box::new), ..outer });
        records.into_iter().fold(None, nest).unwrap()
    })
}

proptest! {
    #![proptest_config(config(96))]

    #[test]
    fn a_pickle_gives_the_value_back(record in record(), protocol in 0_u8..=5, cpython: bool) {
        let mut buf = vec![0; 1 << 16];
        let bytes = pickler(&mut buf, protocol, cpython).dumps(&record).unwrap();
        let mut slots = vec![Slot::EMPTY; pickle::slots_needed(bytes).unwrap()];
        prop_assert_eq!(pickle::from_slice::<Record>(bytes, &mut slots).unwrap(), record.clone());
        let by_object = loaded(bytes, |object| from_object::<Record>(&object, Limits::of(bytes))).unwrap().unwrap();
        prop_assert_eq!(by_object, record.clone());
        match pickle::from_plain::<Record>(bytes) {
            Ok(plain) => prop_assert_eq!(plain, record),
            Err(error) => {
                prop_assert_eq!(error.kind, pickle::ErrorKind::NotPlain);
                prop_assert!(protocol < 2 || !record.is_plain(), "{error} in {}", bytes.escape_ascii());
            }
        }
    }

    /// What is written once is remembered nowhere, as `optimize` has it.
    #[test]
    fn the_default_style_is_the_optimized_one(record in record(), protocol in 1_u8..=5) {
        let (mut buf, mut full, mut out) = (vec![0; 1 << 16], vec![0; 1 << 16], vec![0; 1 << 16]);
        let (mut names, mut more) = ([pickle::Name::EMPTY; 64], [pickle::Name::EMPTY; 64]);
        let small = pickler(&mut buf, protocol, false).names(&mut names).dumps(&record).unwrap();
        let full = pickler(&mut full, protocol, true).names(&mut more).dumps(&record).unwrap();
        let optimized = pickle::optimize(full, &mut vec![Slot::EMPTY; full.len()], &mut out).unwrap();
        prop_assert_eq!(small.escape_ascii().to_string(), optimized.escape_ascii().to_string());
    }

    #[test]
    fn marshal_data_gives_the_value_back(record in record(), version in 0_u8..=6) {
        let mut buf = vec![0; 1 << 16];
        let bytes = Marshaller::new(&mut buf).version(version).dumps(&record).unwrap();
        let mut slots = vec![Slot::EMPTY; marshal::slots_needed(bytes).unwrap()];
        prop_assert_eq!(marshal::from_slice::<Record>(bytes, &mut slots).unwrap(), record.clone());
        let object = marshal::loads(bytes, &mut slots).unwrap();
        prop_assert_eq!(from_object::<Record>(&object, Limits::of(bytes)).unwrap(), record);
    }

    /// A buffer too small is told how large one does, and that one does.
    #[test]
    fn buffers_are_counted(record in record(), protocol in 0_u8..=5, cpython: bool, part in 0.0..1.0) {
        let mut buf = vec![0; 1 << 16];
        let bytes = pickler(&mut buf, protocol, cpython).dumps(&record).unwrap().to_vec();
        let mut small = vec![0; (bytes.len() as f64 * part) as usize];
        let error = pickler(&mut small, protocol, cpython).dumps(&record).unwrap_err();
        let pickle::ErrorKind::BufferTooSmall { needed } = error.kind else { panic!("{error}") };
        prop_assert!(needed >= bytes.len(), "{} for {}", needed, bytes.len());
        let mut enough = vec![0; needed];
        prop_assert_eq!(pickler(&mut enough, protocol, cpython).dumps(&record).unwrap(), &bytes);
    }
}
