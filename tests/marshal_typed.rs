//! Typed reading straight from the stream gives what typed reading by way of the object model gives, also of damaged
//! streams: the same value, or the same error at the same place.

use larder::marshal;
use larder::object::serde::{Limits, from_object};
use larder::object::{ErrorKind, Result, Slot};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::Path;

/// Whatever comes.
#[derive(Debug, PartialEq)]
enum Any {
    Unit,
    Bool(bool),
    Int(i128),
    Float(u64),
    Str(String),
    Bytes(Vec<u8>),
    Seq(Vec<Any>),
    Map(Vec<(Any, Any)>),
}

struct AnyVisitor;

impl<'de> Visitor<'de> for AnyVisitor {
    type Value = Any;
    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("anything")
    }
    fn visit_unit<E>(self) -> std::result::Result<Any, E> {
        Ok(Any::Unit)
    }
    fn visit_bool<E>(self, v: bool) -> std::result::Result<Any, E> {
        Ok(Any::Bool(v))
    }
    fn visit_i64<E>(self, v: i64) -> std::result::Result<Any, E> {
        Ok(Any::Int(v.into()))
    }
    fn visit_u64<E>(self, v: u64) -> std::result::Result<Any, E> {
        Ok(Any::Int(v.into()))
    }
    fn visit_i128<E>(self, v: i128) -> std::result::Result<Any, E> {
        Ok(Any::Int(v))
    }
    fn visit_f64<E>(self, v: f64) -> std::result::Result<Any, E> {
        Ok(Any::Float(v.to_bits()))
    }
    fn visit_str<E>(self, v: &str) -> std::result::Result<Any, E> {
        Ok(Any::Str(v.into()))
    }
    fn visit_bytes<E>(self, v: &[u8]) -> std::result::Result<Any, E> {
        Ok(Any::Bytes(v.into()))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> std::result::Result<Any, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Any::Seq(items))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Any, A::Error> {
        let mut pairs = Vec::new();
        while let Some(pair) = map.next_entry()? {
            pairs.push(pair);
        }
        Ok(Any::Map(pairs))
    }
}

impl<'de> Deserialize<'de> for Any {
    fn deserialize<D: Deserializer<'de>>(d: D) -> std::result::Result<Any, D::Error> {
        d.deserialize_any(AnyVisitor)
    }
}

/// The streams of all vectors.
fn streams() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/marshal");
    let unhex =
        |hex: &str| (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap()).collect();
    let mut streams = Vec::new();
    for name in ["3.13.txt", "3.8.txt", "by-hand.txt"] {
        for line in fs::read_to_string(folder.join(name)).unwrap().lines() {
            streams.push(unhex(line.split('\t').nth(3).unwrap()));
        }
    }
    streams
}

fn by_object<T: for<'a> Deserialize<'a>>(bytes: &[u8]) -> Result<T> {
    let mut slots = vec![Slot::EMPTY; 3 * bytes.len() + 8];
    from_object(&marshal::loads(bytes, &mut slots)?, Limits::of(bytes))
}

fn compare<T: for<'a> Deserialize<'a> + PartialEq + fmt::Debug>(bytes: &[u8]) {
    let mut slots = vec![Slot::EMPTY; 3 * bytes.len() + 8];
    let (straight, by_object) = (marshal::from_slice::<T>(bytes, &mut slots), by_object::<T>(bytes));
    assert_eq!(straight, by_object, "{bytes:x?}");
}

#[test]
fn both_ways_of_reading_agree() {
    for bytes in streams() {
        compare::<Any>(&bytes);
        compare::<Option<bool>>(&bytes);
        compare::<u64>(&bytes);
        compare::<Vec<i32>>(&bytes);
        compare::<(i64, String, f64)>(&bytes);
        compare::<BTreeMap<String, Any>>(&bytes);
        compare::<std::collections::BTreeSet<i64>>(&bytes);
    }
}

/// Sizes that are none, or more than there is.
#[test]
fn both_ways_agree_on_sizes() {
    for code in b"il[s(uatzZAl" {
        for size in [0, 1, 2, 4, 5, 0x7fff_ffff, 0x8000_0000u32, 0x8000_0001, 0xffff_fffe, 0xffff_ffff] {
            for flag in [0, 0x80] {
                let bytes = [&[code | flag][..], &size.to_le_bytes(), b"N\x01\x02\x03\x04\x05NN"].concat();
                compare::<Any>(&bytes);
                compare::<i64>(&bytes);
                compare::<Vec<()>>(&bytes);
                compare::<String>(&bytes);
                compare::<Option<f64>>(&bytes);
            }
        }
    }
}

#[test]
fn both_ways_agree_on_damaged_streams() {
    let mut state = 0x9e37_79b9u32;
    let mut random = move |n: usize| {
        state = state.wrapping_mul(1664525).wrapping_add(1013904223);
        (state >> 8) as usize % n.max(1)
    };
    for bytes in streams().iter().filter(|bytes| bytes.len() < 600) {
        for _ in 0..40 {
            let mut bytes = bytes.clone();
            for _ in 0..1 + random(2) {
                let at = random(bytes.len());
                match random(4) {
                    0 => bytes[at] = random(256) as u8,
                    1 => bytes[at] ^= 1 << random(8),
                    2 if bytes.len() > 1 => drop(bytes.remove(at)),
                    _ => bytes[at] = b"r{([)0>z\xda"[random(9)],
                }
            }
            compare::<Any>(&bytes);
            compare::<Vec<Option<i64>>>(&bytes);
            compare::<BTreeMap<String, Any>>(&bytes);
        }
    }
}

/// Nothing to refer to, nothing to lend.
#[test]
fn plain_data_without_references_needs_no_slots() {
    let value =
        marshal::from_slice::<BTreeMap<String, Vec<i64>>>(b"{z\x01a[\x02\0\0\0i\x01\0\0\0i\x02\0\0\x000", &mut []);
    assert_eq!(value.unwrap()["a"], [1, 2]);
    // One that can be referred to takes one.
    let bytes = b"[\x02\0\0\0\xda\x01kr\0\0\0\0";
    assert_eq!(marshal::from_slice::<Vec<&str>>(bytes, &mut [Slot::EMPTY; 1]).unwrap(), ["k", "k"]);
    assert!(matches!(
        marshal::from_slice::<Vec<&str>>(bytes, &mut []).unwrap_err().kind,
        ErrorKind::OutOfSlots { needed } if needed <= 3 * bytes.len() + 8
    ));
}

/// What shared values unfold into costs fuel, whichever way.
#[test]
fn a_billion_laughs_are_not_read() {
    let mut bytes = b"\xdb\x02\0\0\0".repeat(25);
    bytes.extend(b"NN");
    for level in (1..25u32).rev() {
        bytes.push(b'r');
        bytes.extend(level.to_le_bytes());
    }
    let mut slots = vec![Slot::EMPTY; 3 * bytes.len()];
    assert_eq!(marshal::from_slice::<Any>(&bytes, &mut slots).unwrap_err().kind, ErrorKind::OutOfFuel);
}

#[test]
fn a_wrong_field_is_named_with_its_place() {
    #[derive(serde::Deserialize, Debug)]
    #[expect(dead_code)]
    struct Point {
        x: i32,
        y: i32,
    }
    let mut slots = [Slot::EMPTY; 32];
    let error = marshal::from_slice::<Point>(b"{z\x01xi\x01\0\0\0z\x01yz\x01?0", &mut slots).unwrap_err();
    assert_eq!((error.kind, error.offset), (ErrorKind::FieldType("y"), 12));
    let error = marshal::from_slice::<Point>(b"{z\x01xi\x01\0\0\x000", &mut slots).unwrap_err();
    assert_eq!(error.kind, ErrorKind::MissingField("y"));
}
