//! The registry: structs as instances of Python's classes, in every form, both ways.
#![cfg(all(feature = "pickle", feature = "serde"))]

#[path = "support/zoo.rs"]
#[allow(dead_code)]
mod zoo;

use larder::copyreg::{Class, Extension, Registry, Value};
use larder::object::{ErrorKind, Result, Slot};
use larder::pickle::{self, Pickler, Unpickler};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use zoo::all;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct MyClass {
    number: i32,
    words: Vec<String>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Plain {
    a: i32,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Point {
    x: i32,
    y: i32,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Slots {
    x: i32,
    y: Vec<i32>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct SlotsAndDict {
    x: i32,
    z: i32,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Data {
    a: i32,
    b: String,
    c: Vec<i32>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct SlottedData {
    a: i32,
    b: f64,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Color {
    #[serde(rename = "RED")]
    Red,
    #[serde(rename = "BLUE")]
    Blue,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct StateTuple((i32, String));

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Keywords {
    width: i32,
    height: i32,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct MyList {
    items: Vec<i32>,
    extra: String,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct MyDict {
    pairs: BTreeMap<String, i32>,
    extra: String,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct ReduceName;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Extended {}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Old {
    args: (i32, String),
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Access(u32);

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Inner {}

static CLASSES: Registry = Registry::new(&[
    Class::reduce("zoo", "MyClass"),
    Class::new("zoo", "Plain"),
    Class::namedtuple("zoo", "Point"),
    Class::slots("zoo", "Slots"),
    Class::slots("zoo", "SlotsAndDict"),
    Class::new("zoo", "Data"),
    Class::frozen_slots("zoo", "SlottedData"),
    Class::enumeration("zoo", "Color", &[("RED", Value::Int(1)), ("BLUE", Value::Str("blue"))]),
    Class::own_state("zoo", "StateTuple"),
    Class::keywords("zoo", "Keywords"),
    Class::new("zoo", "MyList").with_items(),
    Class::new("zoo", "MyDict").with_pairs(),
    Class::singleton("zoo", "SINGLETON").rust("ReduceName"),
    Class::new("zoo", "Extended"),
    Class::old_style("zoo", "Old"),
    Class::reduce("zoo", "Access"),
    Class::new("zoo", "Outer.Inner"),
])
.extensions(&[Extension::new("zoo", "Extended", 0xf0)]);

fn read<'a, T: Deserialize<'a>>(pickle: &'a [u8], slots: &'a mut Vec<Slot>) -> Result<T> {
    slots.resize(pickle::slots_needed(pickle)?, Slot::EMPTY);
    Unpickler::new().registry(&CLASSES).from_slice(pickle, slots)
}

fn write<T: Serialize>(value: &T, protocol: u8, cpython: bool) -> Vec<u8> {
    let mut buf = vec![0; 4096];
    let pickler = Pickler::new(&mut buf).protocol(protocol).registry(&CLASSES);
    let pickler = if cpython { pickler.cpython() } else { pickler };
    pickler.dumps(value).unwrap().to_vec()
}

/// Every Python's every form of an object of the zoo is this value, and the value written again is this value; from
/// `exact` on, it is written as CPython 3.8 to 3.13 writes it.
fn check<T: for<'a> Deserialize<'a> + Serialize + PartialEq + std::fmt::Debug>(name: &str, value: T, exact: u8) {
    let mut count = 0;
    let other = format!("{name}.other");
    for specimen in all().iter().filter(|s| s.name == name || s.name == other) {
        // Protocols 0 and 1 know nothing of __getnewargs_ex__: Python itself loses what it gives.
        if name == "keywords" && specimen.protocol < 2 {
            continue;
        }
        let mut slots = Vec::new();
        let found: T =
            read(&specimen.pickle, &mut slots).unwrap_or_else(|e| panic!("{specimen}: {e}\n{}", specimen.raw));
        assert_eq!(found, value, "{specimen}");
        let (again, mut slots) = (write(&value, specimen.protocol, true), Vec::new());
        assert_eq!(read::<T>(&again, &mut slots).unwrap(), value, "{specimen}");
        if specimen.protocol >= exact && !["2.7", "3.6"].contains(&specimen.python) {
            assert_eq!(again.escape_ascii().to_string(), specimen.pickle.escape_ascii().to_string(), "{specimen}");
        }
        count += 1;
    }
    assert!(count >= 16, "{name} is in the zoo {count} times");
}

#[test]
fn every_form_of_an_instance_is_read_and_written() {
    let words = || vec!["a".to_string(), "b".to_string()];
    check("copyreg", MyClass { number: 17, words: words() }, 0);
    check("plain", Plain { a: 1 }, 0);
    check("namedtuple", Point { x: 1, y: 2 }, 2);
    check("slots.two", Slots { x: 1, y: vec![2] }, 2);
    check("slots.dict", SlotsAndDict { x: 1, z: 3 }, 9);
    check("dataclass.full", Data { a: 70000, b: "words".to_string(), c: vec![1, 2] }, 0);
    check("dataclass.slots", SlottedData { a: 1, b: 2.5 }, 0);
    check("enum.list", [Color::Red, Color::Red, Color::Blue], 9);
    check("enum", Color::Red, 0);
    check("enum.str", Color::Blue, 0);
    check("state.tuple", StateTuple((1, "two".to_string())), 0);
    check("keywords", Keywords { width: 2, height: 3 }, 4);
    check("sub.list.state", MyList { items: vec![1], extra: "state".to_string() }, 2);
    let pairs = BTreeMap::from([("a".to_string(), 1)]);
    check("sub.dict.state", MyDict { pairs, extra: "state".to_string() }, 2);
    check("reduce.name", ReduceName, 0);
    check("extension.8", Extended {}, 0);
    check("old", Old { args: (1, "a".to_string()) }, 9);
    check("flag", Access(6), 0);
    check("nested.instance", Inner {}, 4);
}

/// A struct as a plain tuple, in a dict of structs as dicts; read from both, and from nothing that is called.
#[test]
fn a_struct_may_be_a_plain_tuple() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Pair {
        low: i8,
        high: Option<i8>,
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Limits {
        first: Pair,
        all: Vec<Pair>,
    }
    static TUPLES: Registry = Registry::new(&[Class::tuple("Pair")]);
    let pair = |low| Pair { low, high: Some(7) };
    let limits = Limits { first: pair(1), all: vec![pair(2), Pair { low: 3, high: None }] };
    for protocol in 0..=5 {
        let (mut buf, mut slots) = ([0; 256], [Slot::EMPTY; 64]);
        let bytes = Pickler::new(&mut buf).protocol(protocol).registry(&TUPLES).dumps(&limits).unwrap();
        let object = pickle::loads(bytes, &mut slots).unwrap();
        assert_eq!(object.to_string(), "{'first': (1, 7), 'all': [(2, 7), (3, None)]}");
        assert_eq!(Unpickler::new().registry(&TUPLES).to::<Limits>(&object).unwrap(), limits);
        let mut slots = [Slot::EMPTY; 64];
        assert_eq!(pickle::from_slice::<Limits>(bytes, &mut slots).unwrap(), limits);
    }
    let mut slots = [Slot::EMPTY; 16];
    // A call of what has the row's name.
    let call = b"\x80\x04\x8c\x00\x8c\x04Pair\x93K\x01K\x07\x86R.";
    let called = Unpickler::new().registry(&TUPLES).from_slice::<Pair>(call, &mut slots);
    assert_eq!(called.unwrap_err().kind, ErrorKind::NotRegistered);
}
