//! The ready-made classes: every Python's every form of them is read; what is written is read again, and is what CPython
//! writes, where it says so.
#![cfg(all(feature = "pickle", feature = "classes"))]

#[path = "support/zoo.rs"]
#[allow(dead_code)]
mod zoo;

use larder::copyreg::classes::*;
use larder::object::{Result, Slot};
use larder::pickle::{self, Pickler};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::Debug;

use zoo::{Specimen, all};

fn write<T: Serialize>(value: &T, protocol: u8) -> Vec<u8> {
    let mut buf = vec![0; 8192];
    Pickler::new(&mut buf).protocol(protocol).cpython().dumps(value).unwrap().to_vec()
}

fn read<'a, T: Deserialize<'a>>(pickle: &'a [u8], slots: &'a mut Vec<Slot>) -> Result<T> {
    slots.resize(pickle::slots_needed(pickle)?, Slot::EMPTY);
    pickle::from_slice(pickle, slots)
}

/// Calls `test` with every specimen of a name, and with what it has in protocols from `exact` on from Python 3.7 on.
fn each(name: &str, exact: u8, mut test: impl FnMut(&Specimen, bool)) {
    let mut count = 0;
    let other = format!("{name}.other");
    for specimen in all().iter().filter(|s| s.name == name || s.name == other) {
        let newer = !["2.7", "3.6"].contains(&specimen.python);
        test(specimen, newer && specimen.protocol >= exact && specimen.name == name);
        count += 1;
    }
    assert!(count >= 16, "{name} is in the zoo {count} times");
}

macro_rules! check {
    ($name:expr, $exact:expr, $type:ty, $value:expr) => {
        each($name, $exact, |specimen, exact| {
            let (mut slots, value): (_, $type) = (Vec::new(), $value);
            let found: $type = read(&specimen.pickle, &mut slots)
                .unwrap_or_else(|error| panic!("{specimen}: {error}\n{}", specimen.raw));
            assert_eq!(found, value, "{specimen}");
            let (again, mut slots) = (write(&value, specimen.protocol), Vec::new());
            assert_eq!(read::<$type>(&again, &mut slots).unwrap(), value, "{specimen}");
            if exact {
                assert_eq!(again.escape_ascii().to_string(), specimen.pickle.escape_ascii().to_string(), "{specimen}");
            }
        })
    };
}

/// The protocol from which on nothing is written as CPython writes it.
const NEVER: u8 = 9;

fn utc() -> Option<TimeZone<'static>> {
    Some(TimeZone::UTC)
}

fn zone(seconds: i64, name: Option<&'static str>) -> TimeZone<'static> {
    TimeZone::new(TimeDelta::new(0, seconds, 0).unwrap(), name).unwrap()
}

#[test]
fn dates_and_times() {
    let date = Date::new(2026, 1, 2).unwrap();
    check!("date", 0, Date, date);
    check!("date.min", 0, Date, Date::MIN);
    check!("date.max", 0, Date, Date::MAX);
    check!("time", 0, Time, Time::MIDNIGHT);
    check!("time.full", 0, Time, Time::new(1, 2, 3, 4).unwrap());
    check!("time.utc", 0, Time, Time::new(1, 2, 0, 0).unwrap().with_zone(utc()));
    check!("datetime", 0, DateTime, DateTime::new(date, Time::MIDNIGHT));
    let full = DateTime::new(Date::new(1999, 12, 31).unwrap(), Time::new(23, 59, 58, 999_999).unwrap());
    check!("datetime.full", 0, DateTime, full);
    check!("datetime.min", 0, DateTime, DateTime::new(Date::MIN, Time::MIDNIGHT));
    let last = Time::new(23, 59, 59, 999_999).unwrap();
    check!("datetime.max", 0, DateTime, DateTime::new(Date::MAX, last));
    let aware = Time::new(3, 4, 5, 6).unwrap().with_zone(utc());
    check!("datetime.utc", 0, DateTime, DateTime::new(date, aware));
    let india = Time::MIDNIGHT.with_zone(Some(zone(19_800, None)));
    check!("datetime.zone", 0, DateTime, DateTime::new(date, india));
    check!("timedelta", 0, TimeDelta, TimeDelta::new(1, 0, 0).unwrap());
    check!("timedelta.zero", 0, TimeDelta, TimeDelta::ZERO);
    check!("timedelta.negative", 0, TimeDelta, TimeDelta::new(-1, 5, 7).unwrap());
    check!("timedelta.min", 0, TimeDelta, TimeDelta::new(-999_999_999, 0, 0).unwrap());
    check!("timedelta.max", 0, TimeDelta, TimeDelta::new(999_999_999, 86_399, 999_999).unwrap());
    check!("timezone.utc", 0, TimeZone, TimeZone::UTC);
    check!("timezone", 0, TimeZone, zone(-3 * 3600, None));
    check!("timezone.named", 0, TimeZone, zone(3600, Some("CET")));
}

/// Python writes `fold` from protocol 4 on and reads it in all; here it is written in all.
#[test]
fn fold_is_written_in_every_protocol() {
    let fold = Time::new(1, 2, 0, 0).unwrap().with_fold(true);
    let evening = DateTime::new(Date::new(2026, 10, 25).unwrap(), Time::new(1, 30, 0, 0).unwrap().with_fold(true));
    for protocol in 0..=5 {
        assert_eq!(read::<Time>(&write(&fold, protocol), &mut Vec::new()).unwrap(), fold);
        assert_eq!(read::<DateTime>(&write(&evening, protocol), &mut Vec::new()).unwrap(), evening);
    }
    each("datetime.fold", NEVER, |specimen, _| {
        let found: DateTime = read(&specimen.pickle, &mut Vec::new())
            .map(|d: DateTime| DateTime { date: d.date, time: Time::MIDNIGHT.with_fold(d.time.fold()) })
            .unwrap();
        assert_eq!(found.time.fold(), specimen.protocol >= 4, "{specimen}");
    });
}

#[test]
fn numbers() {
    for text in ["1.5", "0", "-0", "1E+100", "-123.4500", "NaN", "sNaN12", "Infinity", "-Infinity", "0.1"] {
        check!(&format!("decimal.{text}"), 0, Decimal, Decimal::new(text).unwrap());
    }
    check!("decimal.999999999999", 0, Decimal, Decimal::new("9999999999999999999999999999999999999999").unwrap());
    check!("fraction.1.2", NEVER, Fraction, Fraction::new(1, 2).unwrap());
    check!("fraction.-7.3", NEVER, Fraction, Fraction::new(-7, 3).unwrap());
    check!("fraction.0.1", NEVER, Fraction, Fraction::new(0, 1).unwrap());
    check!("complex.1j", 0, Complex, Complex { re: 0.0, im: 1.0 });
    check!("complex.(-0+1.5j)", 0, Complex, Complex { re: -0.0, im: 1.5 });
    check!("range", 0, Range, Range::new(1, 5, 1).unwrap());
    check!("range.empty", 0, Range, Range::new(0, 0, 1).unwrap());
    check!("slice", 0, Slice, Slice { start: Some(1), stop: Some(2), step: None });
    check!("slice.full", 0, Slice, Slice { start: None, stop: Some(-1), step: Some(2) });
    check!("uuid", 0, Uuid, Uuid(5));
    check!("uuid.full", 0, Uuid, Uuid(0x12345678_9abc_def0_1234_56789abcdef0));
    assert_eq!(Uuid(0x12345678_9abc_def0_1234_56789abcdef0).to_string(), "12345678-9abc-def0-1234-56789abcdef0");
}

type Map<V> = BTreeMap<String, V>;

/// Where the highest bit is set, Python's LONG1 has a byte more, for the sign: half of all UUIDs are such numbers.
#[test]
fn ints_of_128_bits_are_read_to_the_highest_bit() {
    for protocol in 0..=5 {
        for value in [0, 1, u64::MAX.into(), i128::MAX as u128, 1 << 127, u128::MAX] {
            assert_eq!(read::<u128>(&write(&value, protocol), &mut Vec::new()), Ok(value));
            assert_eq!(read::<Uuid>(&write(&Uuid(value), protocol), &mut Vec::new()), Ok(Uuid(value)));
        }
        for value in [i128::MIN, -1, i128::MAX] {
            assert_eq!(read::<i128>(&write(&value, protocol), &mut Vec::new()), Ok(value));
        }
    }
    // pickle.dumps(uuid.UUID("9dea35bf-ab93-5d03-cddd-125047f1678d"), 3)
    let (uuid, python) = (
        Uuid(0x9dea35bf_ab93_5d03_cddd_125047f1678d),
        b"\x80\x03cuuid\nUUID\nq\0)\x81q\x01}q\x02X\x03\0\0\0intq\x03\x8a\x11\x8dg\xf1GP\x12\xdd\xcd\x03]\x93\xab\xbf5\xea\x9d\0sb.",
    );
    assert_eq!(read::<Uuid>(python, &mut Vec::new()), Ok(uuid));
    assert_eq!(write(&uuid, 3), python);
}

fn map<V: Clone>(pairs: &[(&str, V)]) -> Map<V> {
    pairs.iter().map(|(key, value)| (key.to_string(), value.clone())).collect()
}

#[test]
fn collections() {
    check!("ordereddict.empty", 0, OrderedDict<Map<i32>>, OrderedDict(map(&[])));
    check!("ordereddict.1", 0, OrderedDict<Map<i32>>, OrderedDict(map(&[("b", 1)])));
    check!("ordereddict", NEVER, OrderedDict<Map<i32>>, OrderedDict(map(&[("b", 1), ("a", 2)])));
    check!(
        "defaultdict.list",
        0,
        DefaultDict<Map<Vec<i32>>>,
        DefaultDict { factory: Some(Factory::List), map: map(&[("a", vec![])]) }
    );
    check!(
        "defaultdict.int",
        0,
        DefaultDict<Map<i32>>,
        DefaultDict { factory: Some(Factory::Int), map: map(&[("a", 1), ("b", 2)]) }
    );
    check!("defaultdict.empty", 0, DefaultDict<Map<i32>>, DefaultDict { factory: Some(Factory::Dict), map: map(&[]) });
    check!(
        "defaultdict.none",
        0,
        DefaultDict<BTreeMap<i32, i32>>,
        DefaultDict { factory: None, map: BTreeMap::from([(1, 2)]) }
    );
    check!("counter", 0, Counter<Map<u32>>, Counter(map(&[("a", 3)])));
    check!("counter.empty", 0, Counter<Map<u32>>, Counter(map(&[])));
    check!("deque", 0, Deque<Vec<i32>>, Deque { maxlen: None, items: vec![1, 2, 3] });
    check!("deque.empty", 0, Deque<Vec<i32>>, Deque { maxlen: None, items: vec![] });
    check!("deque.bounded", 0, Deque<Vec<i32>>, Deque { maxlen: Some(3), items: vec![1] });
    check!("deque.bounded.empty", 0, Deque<Vec<i32>>, Deque { maxlen: Some(3), items: vec![] });
    check!("set.3", 0, Set<Vec<i32>>, Set(vec![0, 1, 2]));
    check!("set.0", 0, Set<Vec<i32>>, Set(vec![]));
    check!("frozenset.3", 0, FrozenSet<Vec<i32>>, FrozenSet(vec![0, 1, 2]));
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Attributes {
    a: i32,
    b: Vec<i32>,
}

/// Bytes that own what they were read from.
#[derive(Debug, PartialEq)]
struct Bytes(Vec<u8>);

impl AsRef<[u8]> for Bytes {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> std::result::Result<Self, D::Error> {
        struct V;
        impl<'de> serde::de::Visitor<'de> for V {
            type Value = Bytes;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("bytes")
            }
            fn visit_bytes<E>(self, bytes: &[u8]) -> std::result::Result<Bytes, E> {
                Ok(Bytes(bytes.to_vec()))
            }
            fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut seq: A) -> std::result::Result<Bytes, A::Error> {
                let mut bytes = Vec::new();
                while let Some(byte) = seq.next_element()? {
                    bytes.push(byte);
                }
                Ok(Bytes(bytes))
            }
        }
        from.deserialize_bytes(V)
    }
}

impl Serialize for Bytes {
    fn serialize<S: serde::Serializer>(&self, to: S) -> std::result::Result<S::Ok, S::Error> {
        to.serialize_bytes(&self.0)
    }
}

#[test]
fn bytes_of_every_protocol() {
    let all: Vec<u8> = (0..=255).collect();
    for (name, bytes) in [
        ("a", &b"a"[..]),
        ("empty", b""),
        ("all", &all),
        ("high", b"\x80\xff"),
        ("both", b"'\""),
        ("257.high", &[255; 257]),
    ] {
        check!(&format!("bytes.{name}"), NEVER, Bytes, Bytes(bytes.to_vec()));
        check!(&format!("bytearray.{name}"), NEVER, ByteArray<Bytes>, ByteArray(Bytes(bytes.to_vec())));
    }
}

#[test]
fn arrays_paths_and_namespaces() {
    check!("namespace", 0, Namespace<Attributes>, Namespace(Attributes { a: 1, b: vec![2] }));
    check!("namespace.empty", NEVER, Namespace<Map<i32>>, Namespace(map(&[])));
    check!("array.h", NEVER, Array<Vec<i16>, 'h'>, Array(vec![0, 1, -100]));
    check!("array.b", NEVER, Array<Vec<i8>, 'b'>, Array(vec![0, 1, -100]));
    check!("array.B", NEVER, Array<Vec<u8>, 'B'>, Array(vec![0, 1, 100]));
    check!("array.H", NEVER, Array<Vec<u16>, 'H'>, Array(vec![0, 1, 100]));
    check!("array.i", NEVER, Array<Vec<i32>, 'i'>, Array(vec![0, 1, -100]));
    check!("array.I", NEVER, Array<Vec<u32>, 'I'>, Array(vec![0, 1, 100]));
    check!("array.l", NEVER, Array<Vec<i64>, 'l'>, Array(vec![0, 1, -100]));
    check!("array.L", NEVER, Array<Vec<u64>, 'L'>, Array(vec![0, 1, 100]));
    check!("array.q", NEVER, Array<Vec<i64>, 'q'>, Array(vec![i64::MIN, i64::MAX]));
    check!("array.f", NEVER, Array<Vec<f32>, 'f'>, Array(vec![0.0, 1.5, -2.5]));
    check!("array.d", NEVER, Array<Vec<f64>, 'd'>, Array(vec![0.0, 1.5, -2.5]));
    check!("array.empty.h", NEVER, Array<Vec<i16>, 'h'>, Array(vec![]));
    each("array.Q", NEVER, |specimen, _| {
        assert_eq!(read::<Array<Vec<u64>, 'Q'>>(&specimen.pickle, &mut Vec::new()).unwrap(), Array(vec![u64::MAX]));
    });
    each("array.h", 3, |specimen, exact| {
        if specimen.protocol >= 3 {
            let mut slots = Vec::new();
            let array: PackedArray = read(&specimen.pickle, &mut slots).unwrap();
            assert_eq!((array.code(), array.bytes()), ('h', &[0, 0, 1, 0, 0x9c, 0xff][..]));
            assert!(array.ints().eq([0, 1, -100]) && array.floats().eq([0.0, 1.0, -100.0]));
            // From 3.10 on the class's module is another str than the function's.
            let exact = exact && ["3.7", "3.8", "3.9"].contains(&specimen.python);
            assert!(!exact || write(&array, specimen.protocol) == specimen.pickle, "{specimen}");
        }
    });
    for (name, kind, parts, whole) in [
        ("path", PathKind::PurePosixPath, &["/", "a", "b"][..], "/a/b"),
        ("path.relative", PathKind::PurePosixPath, &["a", "..", "b.txt"], "a/../b.txt"),
        ("path.windows", PathKind::PureWindowsPath, &["C:\\", "a", "b"], "C:/a/b"),
        ("path.concrete", PathKind::PosixPath, &["/", "etc", "motd"], "/etc/motd"),
    ] {
        each(name, NEVER, |specimen, _| {
            let mut slots = Vec::new();
            let path: Path<Vec<String>> =
                read(&specimen.pickle, &mut slots).unwrap_or_else(|e| panic!("{specimen}: {e}"));
            let segments: Vec<&str> = path.segments.iter().map(String::as_str).collect();
            assert_eq!(
                (path.kind, segments),
                (kind, if specimen.python == "3.13" { vec![whole] } else { parts.to_vec() })
            );
            let again = write(&path, specimen.protocol);
            if specimen.python != "3.6" && specimen.python != "3.13" {
                assert_eq!(again.escape_ascii().to_string(), specimen.pickle.escape_ascii().to_string(), "{specimen}");
            }
        });
    }
    check!("path.dot", NEVER, Path<Vec<String>>, Path { kind: PathKind::PurePosixPath, segments: vec![] });
}
