//! heapless's strings, vectors and maps go both ways through both codecs, and one that is too small says so.
#![cfg(all(feature = "serde", feature = "pickle", feature = "marshal"))]

use heapless::index_map::FnvIndexMap;
use heapless::{Deque, String, Vec};
use larder::object::{ErrorKind, Slot};
use larder::{marshal, pickle};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Debug, Clone, PartialEq)]
struct Reading {
    name: String<16>,
    samples: Vec<f32, 8>,
    raw: Vec<u8, 4>,
    last: Deque<i64, 4>,
    by_channel: FnvIndexMap<String<4>, Option<u16>, 4>,
    tags: Vec<String<8>, 4>,
}

fn reading() -> Reading {
    let mut by_channel = FnvIndexMap::new();
    by_channel.insert("a".try_into().unwrap(), Some(u16::MAX)).unwrap();
    by_channel.insert("é".try_into().unwrap(), None).unwrap();
    let mut last = Deque::new();
    last.push_back(-1).unwrap();
    last.push_front(i64::MIN).unwrap();
    Reading {
        name: "pantry ☕".try_into().unwrap(),
        samples: Vec::from_slice(&[1.5, -0.0, f32::MAX]).unwrap(),
        raw: Vec::from_slice(&[0, 1, 254, 255]).unwrap(),
        last,
        by_channel,
        tags: ["cold", "dry", "", "12345678"].iter().map(|tag| (*tag).try_into().unwrap()).collect(),
    }
}

/// Pickled by Python 3.11: `pickle.dumps({"name": "too long for it"}, 4)`.
const LONG_NAME: &[u8] = b"\x80\x04\x95\x1d\0\0\0\0\0\0\0}\x94\x8c\x04name\x94\x8c\x0ftoo long for it\x94s.";

#[derive(Deserialize, Debug)]
struct Named {
    #[allow(dead_code)]
    name: String<8>,
}

#[test]
fn pickle_takes_them_both_ways_in_every_protocol() {
    let (mut buf, mut slots) = ([0; 512], [Slot::EMPTY; 128]);
    for protocol in 0..=5 {
        let bytes = pickle::Pickler::new(&mut buf).protocol(protocol).dumps(&reading()).unwrap();
        assert_eq!(pickle::from_slice::<Reading>(bytes, &mut slots).unwrap(), reading(), "protocol {protocol}");
    }
}

#[test]
fn marshal_takes_them_both_ways_in_every_version() {
    let (mut buf, mut slots) = ([0; 512], [Slot::EMPTY; 128]);
    for version in 0..=4 {
        let bytes = marshal::Marshaller::new(&mut buf).version(version).dumps(&reading()).unwrap();
        assert_eq!(marshal::from_slice::<Reading>(bytes, &mut slots).unwrap(), reading(), "version {version}");
    }
}

#[test]
fn what_does_not_fit_is_an_error_with_a_place() {
    let mut slots = [Slot::EMPTY; 16];
    let error = pickle::from_slice::<Named>(LONG_NAME, &mut slots).unwrap_err();
    assert!(LONG_NAME.get(error.offset..).is_some_and(|rest| rest.starts_with(b"\x8c\x0ftoo long")), "{error:?}");
    assert!(!matches!(error.kind, ErrorKind::OutOfSlots { .. }), "{error:?}");

    let mut buf = [0; 64];
    let bytes = pickle::dumps(&[1, 2, 3, 4, 5], &mut buf).unwrap();
    assert!(pickle::from_slice::<Vec<u8, 4>>(bytes, &mut slots).is_err());
    assert_eq!(pickle::from_slice::<Vec<u8, 5>>(bytes, &mut slots).unwrap(), [1, 2, 3, 4, 5]);
}
