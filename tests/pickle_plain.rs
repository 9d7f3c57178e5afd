//! Plain data both ways: serde types against bytes that CPython wrote; several pickles in one stream.
#![cfg(all(feature = "pickle", feature = "serde"))]

use larder::object::{Kind, Object, Slot};
use larder::pickle::{self, ErrorKind, Pickler, Unpickler};
use serde::{Deserialize, Serialize};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Reading<'a> {
    id: i32,
    ts: i64,
    name: &'a str,
    temps: [f64; 3],
    ok: bool,
    note: Option<&'a str>,
}

const READING: Reading<'static> =
    Reading { id: 7, ts: 1_700_000_000_000_000, name: "pantry", temps: [21.5, -3.25, 0.0], ok: true, note: None };

/// pickle.dumps(d, 4) of {'id': 7, 'ts': ..., 'name': 'pantry', 'temps': (21.5, -3.25, 0.0), 'ok': True, 'note': None}.
const CPYTHON: &[u8] =
    b"\x80\x04\x95]\x00\x00\x00\x00\x00\x00\x00}\x94(\x8c\x02id\x94K\x07\x8c\x02ts\x94\x8a\x07\x00@\x1e\x18$\n\x06\
\x8c\x04name\x94\x8c\x06pantry\x94\x8c\x05temps\x94G@5\x80\x00\x00\x00\x00\x00G\xc0\n\x00\x00\x00\x00\x00\x00\
G\x00\x00\x00\x00\x00\x00\x00\x00\x87\x94\x8c\x02ok\x94\x88\x8c\x04note\x94Nu.";

#[test]
fn a_struct_goes_both_ways() {
    let mut buf = [0; 256];
    let used = Pickler::new(&mut buf).cpython().dumps(&READING).unwrap();
    assert_eq!(used, CPYTHON);
    let mut slots = [Slot::EMPTY; 64];
    let back: Reading = pickle::from_slice(used, &mut slots).unwrap();
    assert_eq!(back, READING);
    for protocol in 0..=5 {
        let mut buf = [0; 256];
        let used = Pickler::new(&mut buf).protocol(protocol).dumps(&READING).unwrap();
        let back: Reading = pickle::from_slice(used, &mut slots).unwrap();
        assert_eq!(back, READING);
    }
}

#[test]
fn too_small_a_buffer_says_how_much_is_enough() {
    let mut buf = [0; 256];
    let needed = pickle::dumps(&READING, &mut buf).unwrap().len();
    for len in 0..needed {
        let error = pickle::dumps(&READING, &mut buf[..len]).unwrap_err();
        let ErrorKind::BufferTooSmall { needed: told } = error.kind else { panic!("{error}") };
        assert!(told >= needed && told <= needed + 9, "{told} for {needed}");
        assert!(pickle::dumps(&READING, &mut vec![0; told]).is_ok());
    }
}

/// Decodes and encodes again.
fn recode(bytes: &[u8], protocol: u8, cpython: bool) -> Vec<u8> {
    let mut slots = vec![Slot::EMPTY; pickle::slots_needed(bytes).unwrap()];
    let object = pickle::loads(bytes, &mut slots).unwrap();
    let (mut buf, mut scratch) = (vec![0; 4 * bytes.len() + 64], [Slot::EMPTY; 512]);
    let pickler = Pickler::new(&mut buf).protocol(protocol);
    let pickler = if cpython { pickler.cpython() } else { pickler };
    pickler.recode(&object, &mut scratch).unwrap().to_vec()
}

/// What CPython 3.13 writes, and what `pickletools.optimize` makes of it.
const SHARED: &[(u8, &[u8], &[u8])] = &[
    // l = []; t = (l,); l.append(t)
    (
        4,
        b"\x80\x04\x95\x0b\0\0\0\0\0\0\0]\x94h\0\x85\x94a0h\x01.",
        b"\x80\x04\x95\x0b\0\0\0\0\0\0\0]\x94h\0\x85\x94a0h\x01.",
    ),
    // the same list
    (4, b"\x80\x04\x95\x08\0\0\0\0\0\0\0]\x94h\0\x85\x94a.", b"\x80\x04\x95\x07\0\0\0\0\0\0\0]\x94h\0\x85a."),
    // a = 'xy'; d = {a: [a], 'k': ()}; d['d'] = d
    (0, b"(dp0\nVxy\np1\n(lp2\ng1\nasVk\np3\n(tsVd\np4\ng0\ns.", b"(dp0\nVxy\np1\n(lg1\nasVk\n(tsVd\ng0\ns."),
    (
        2,
        b"\x80\x02}q\0(X\x02\0\0\0xyq\x01]q\x02h\x01aX\x01\0\0\0kq\x03)X\x01\0\0\0dq\x04h\0u.",
        b"\x80\x02}q\0(X\x02\0\0\0xyq\x01]h\x01aX\x01\0\0\0k)X\x01\0\0\0dh\0u.",
    ),
    (
        4,
        b"\x80\x04\x95\x1a\0\0\0\0\0\0\0}\x94(\x8c\x02xy\x94]\x94h\x01a\x8c\x01k\x94)\x8c\x01d\x94h\0u.",
        b"\x80\x04\x95\x17\0\0\0\0\0\0\0}\x94(\x8c\x02xy\x94]h\x01a\x8c\x01k)\x8c\x01dh\0u.",
    ),
];

#[test]
fn sharing_and_cycles_are_kept_byte_for_byte() {
    for (protocol, cpython, optimized) in SHARED {
        for from in [cpython, optimized] {
            assert_eq!(recode(from, *protocol, true), *cpython);
            assert_eq!(recode(from, *protocol, false), *optimized);
        }
    }
}

/// What a Pickler writes that is used twice, read as an Unpickler that is used twice.
#[test]
fn several_pickles_share_a_memo() {
    // import io, pickle; f = io.BytesIO(); p = pickle.Pickler(f, 4); x = ["a", "b"]; p.dump(x); p.dump({"x": x}); p.dump("a")
    let stream = b"\x80\x04\x95\x0d\x00\x00\x00\x00\x00\x00\x00]\x94(\x8c\x01a\x94\x8c\x01b\x94e.\
        \x80\x04\x95\x0a\x00\x00\x00\x00\x00\x00\x00}\x94\x8c\x01x\x94h\x00s.\
        \x80\x04h\x01.";
    let mut slots = [Slot::EMPTY; 64];
    let values = Unpickler::new().load_all(stream, &mut slots).unwrap();
    assert_eq!(values.len(), 3);
    let list = values.at(0).unwrap();
    assert!(values.at(1).unwrap().get("x").unwrap().is(&list));
    assert_eq!(values.at(2).unwrap().as_str(), Ok("a"));
    assert_eq!(list.len(), 2);

    // On its own, the third one refers to nothing.
    let third = &stream[45..];
    assert_eq!(third.first(), Some(&0x80));
    let error = Unpickler::new().load(third, &mut [Slot::EMPTY; 64]).unwrap_err();
    assert_eq!(error.kind, ErrorKind::NoSuchEntry);

    // No pickle, no value; a pickle cut off, an error; what one leaves on the stack, gone.
    assert_eq!(Unpickler::new().load_all(b"", &mut [Slot::EMPTY; 4]).unwrap().len(), 0);
    for cut in 1..stream.len() {
        let cut_off = &stream[..cut];
        let whole = [24, 45].contains(&cut);
        let mut slots = [Slot::EMPTY; 64];
        assert_eq!(Unpickler::new().load_all(cut_off, &mut slots).is_ok(), whole, "{cut}");
    }
    let mut slots = [Slot::EMPTY; 16];
    let values = Unpickler::new().load_all(b"K\x01(K\x02K\x03.K\x04.", &mut slots).unwrap();
    assert_eq!((values.at(0).unwrap().as_i64(), values.at(1).unwrap().as_i64()), (Ok(3), Ok(4)));

    // As many slots as it says, for many.
    let many: Vec<u8> = stream.repeat(50);
    let error = Unpickler::new().load_all(&many, &mut []).unwrap_err();
    let ErrorKind::OutOfSlots { needed } = error.kind else { panic!("{error:?}") };
    let mut slots = vec![Slot::EMPTY; needed];
    assert_eq!(Unpickler::new().load_all(&many, &mut slots).unwrap().len(), 150);
}

#[derive(Debug, PartialEq, Deserialize)]
struct Place<'a> {
    name: &'a str,
    at: Point,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Point {
    x: i32,
    #[serde(default)]
    y: u8,
}

/// What is wrong with a field is told by its name and the byte where its value stands, of a field that is missing by the
/// first byte of what the struct was read from, whatever way the pickle is read.
#[test]
fn a_bad_field_is_named_and_placed() {
    let read = |pickle: &'static [u8]| pickle::from_slice::<Place>(pickle, Box::leak(Box::new([Slot::EMPTY; 64])));
    let good = Place { name: "a", at: Point { x: 1, y: 2 } };
    assert_eq!(read(b"}(X\x04\x00\x00\x00nameX\x01\x00\x00\x00aX\x02\x00\x00\x00at}(X\x01\x00\x00\x00xK\x01X\x01\x00\x00\x00yK\x02uu."), Ok(good));
    for (pickle, kind, offset) in [
        (
            b"}(X\x04\x00\x00\x00nameX\x01\x00\x00\x00aX\x02\x00\x00\x00at}(X\x01\x00\x00\x00yK\x01uu." as &[u8],
            ErrorKind::MissingField("x"),
            26,
        ),
        (b"}X\x02\x00\x00\x00at}X\x01\x00\x00\x00xK\x01ss.", ErrorKind::MissingField("name"), 1),
        (b"}X\x04\x00\x00\x00nameK\x01s.", ErrorKind::FieldType("name"), 10),
        (b"}X\x02\x00\x00\x00at}X\x01\x00\x00\x00xX\x01\x00\x00\x00xss.", ErrorKind::FieldType("x"), 15),
        (b"}X\x02\x00\x00\x00at}(X\x01\x00\x00\x00xK\x01X\x01\x00\x00\x00yM\x00\x01us.", ErrorKind::OutOfRange, 24),
        (b"}(X\x04\x00\x00\x00nameX\x01\x00\x00\x00aX\x04\x00\x00\x00nameNu.", ErrorKind::DuplicateField("name"), 17),
    ] {
        let error = read(pickle).unwrap_err();
        assert_eq!((error.kind, error.offset), (kind, offset), "{pickle:?}");
    }
}

/// A value that any type's field may turn out to be.
#[derive(Clone)]
enum Any {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(&'static str),
    List(Vec<Any>),
    Dict(Vec<(&'static str, Any)>),
}

impl Serialize for Any {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Any::None => serializer.serialize_unit(),
            Any::Bool(value) => serializer.serialize_bool(*value),
            Any::Int(value) => serializer.serialize_i64(*value),
            Any::Float(value) => serializer.serialize_f64(*value),
            Any::Text(value) => serializer.serialize_str(value),
            Any::List(items) => serializer.collect_seq(items),
            Any::Dict(pairs) => serializer.collect_map(pairs.iter().map(|(key, value)| (key, value))),
        }
    }
}

#[derive(Debug, Deserialize)]
#[allow(dead_code)] // read, and dropped
struct Station<'a> {
    name: &'a str,
    on: bool,
    last: Sample,
    all: Vec<Sample>,
}

#[derive(Debug, Deserialize)]
#[allow(dead_code)]
struct Sample {
    at: u32,
    celsius: f64,
}

type Fields = Vec<(&'static str, Any)>;

/// Every field of a struct, of one in it and of one in a list in it, missing, twice and of every other kind, in every
/// protocol: the error has the field's name and its place, or its key's if it is an empty list.
#[test]
fn whatever_field_is_bad_is_named_and_placed() {
    let sample = |at| Any::Dict(vec![("at", Any::Int(at)), ("celsius", Any::Float(21.5))]);
    let list = Any::List(vec![sample(2), sample(3)]);
    let good = vec![("name", Any::Text("roof")), ("on", Any::Bool(true)), ("last", sample(1)), ("all", list)];
    let others = [Any::None, Any::Text("x"), Any::Int(7), Any::Float(0.5), Any::List(vec![])];
    // Which of those are of the field's own kind: a float field takes an int, and a struct is also read from a list.
    let fits = |field, kind: usize| {
        matches!((field, kind), ("name", 1) | ("at", 2) | ("celsius", 2 | 3) | ("all" | "last", 4))
    };
    let checked = std::cell::Cell::new(0);
    for protocol in 0..=5 {
        for cpython in [false, true] {
            let check = |pairs: &Fields, path: &[&str], kind: ErrorKind, place: &dyn Fn(&Object<'_>) -> usize| {
                let mut buf = [0; 600];
                let pickler = Pickler::new(&mut buf).protocol(protocol);
                let pickler = if cpython { pickler.cpython() } else { pickler };
                let pickle = pickler.dumps(&Any::Dict(pairs.to_vec())).unwrap();
                let mut slots = [Slot::EMPTY; 200];
                let error = pickle::from_slice::<Station>(pickle, &mut slots).unwrap_err();
                let mut slots = [Slot::EMPTY; 200];
                let mut at = pickle::loads(pickle, &mut slots).unwrap();
                let mut place_of_key = 0;
                for name in path {
                    let key = at.pairs().find(|(key, _)| key.text().is_ok_and(|text| text.is(name)));
                    place_of_key = key.map_or(place_of_key, |(key, _)| key.offset());
                    at = if at.kind() == Kind::List { at.at(1) } else { at.get(name) }.unwrap();
                }
                // An empty list has no place.
                let place = if at.kind() == Kind::List && at.is_empty() { place_of_key } else { place(&at) };
                assert_eq!((error.kind, error.offset), (kind, place), "{protocol} {path:?}");
                checked.set(checked.get() + 1);
            };
            // The fields of the struct whose pairs these are; `whole` puts changed ones in their place.
            let each = |pairs: &Fields, path: &[&str], whole: &dyn Fn(Fields) -> Fields| {
                for i in 0..pairs.len() {
                    let name = pairs[i].0;
                    let mut changed = pairs.to_vec();
                    changed.remove(i);
                    check(&whole(changed.clone()), path, ErrorKind::MissingField(name), &|at| at.offset());
                    let mut twice = pairs.to_vec();
                    twice.push(pairs[i].clone());
                    let last = twice.len() - 1;
                    check(&whole(twice), path, ErrorKind::DuplicateField(name), &|at| {
                        at.pairs().nth(last).unwrap().0.offset()
                    });
                    for (_, other) in others.iter().enumerate().filter(|(kind, _)| !fits(name, *kind)) {
                        let mut changed = pairs.to_vec();
                        changed[i].1 = other.clone();
                        let path: Vec<_> = path.iter().copied().chain([name]).collect();
                        check(&whole(changed), &path, ErrorKind::FieldType(name), &|at| at.offset());
                    }
                }
            };
            let Any::Dict(inner) = sample(1) else { unreachable!() };
            each(&good, &[], &|pairs| pairs);
            each(&inner, &["last"], &|pairs| {
                let mut good = good.clone();
                good[2].1 = Any::Dict(pairs);
                good
            });
            each(&inner, &["all", "the second"], &|pairs| {
                let mut good = good.clone();
                good[3].1 = Any::List(vec![sample(2), Any::Dict(pairs)]);
                good
            });
        }
    }
    assert!(checked.get() > 400);
}

#[derive(Debug, PartialEq, Deserialize)]
struct Flat {
    id: u8,
    #[serde(flatten)]
    point: Point,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(untagged)]
enum Either {
    Point(Point),
    Number(i64),
    Text(String),
}

/// serde's flatten and untagged, and INT's bools: by the stream alone, and by way of the object model.
#[test]
fn flattened_and_untagged_types_are_read() {
    let mut slots = [Slot::EMPTY; 64];
    let flat: &[u8] = b"}(X\x02\x00\x00\x00idK\x07X\x01\x00\x00\x00xK\x01X\x01\x00\x00\x00yK\x02u.";
    let expected = Flat { id: 7, point: Point { x: 1, y: 2 } };
    assert_eq!(pickle::from_plain::<Flat>(flat).as_ref(), Ok(&expected));
    assert_eq!(Unpickler::new().depth(9).from_slice::<Flat>(flat, &mut slots), Ok(expected));
    let mut slots = [Slot::EMPTY; 64];
    let error = pickle::from_slice::<Flat>(b"}(X\x01\x00\x00\x00xK\x01u.", &mut slots).unwrap_err();
    assert_eq!(error.kind, ErrorKind::MissingField("id"));

    let either: &[u8] = b"](K\x05X\x01\x00\x00\x00a}X\x01\x00\x00\x00xK\x01se.";
    let expected = [Either::Number(5), Either::Text("a".into()), Either::Point(Point { x: 1, y: 0 })];
    assert_eq!(pickle::from_plain::<Vec<Either>>(either).unwrap(), expected);
    let mut slots = [Slot::EMPTY; 64];
    assert_eq!(Unpickler::new().depth(9).from_slice::<Vec<Either>>(either, &mut slots).unwrap(), expected);

    let mut slots = [Slot::EMPTY; 64];
    let bools = pickle::from_slice::<(bool, bool, i32)>(b"(I01\nI00\nI1\nt.", &mut slots);
    assert_eq!(bools, Ok((true, false, 1)));
}

/// Members added to an object have no opcode in protocol 0 (found by the fuzz target).
#[test]
fn members_are_not_added_in_protocol_0() {
    let mut slots = [Slot::EMPTY; 32];
    let object = pickle::loads(b"cm\nA\n)R(K\x01\x90.", &mut slots).unwrap();
    let recode = |protocol, buf: &mut [u8]| {
        let written = Pickler::new(buf).protocol(protocol).recode(&object, &mut [Slot::EMPTY; 64]);
        written.map(|pickle| pickle.len()).map_err(|error| error.kind)
    };
    assert_eq!(recode(0, &mut [0; 64]), Err(ErrorKind::Unsupported));
    assert!(recode(4, &mut [0; 64]).is_ok());
}
