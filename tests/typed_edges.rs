//! Typed values at the edges of what serde knows: what is written is read again, by both codecs in every protocol, and
//! what does not fit is refused, not cut off.
#![cfg(all(feature = "pickle", feature = "marshal", feature = "classes"))]

use larder::copyreg::classes::{Array, Deque, FrozenSet, OrderedDict, Set};
use larder::marshal::{self, Marshaller};
use larder::object::{ErrorKind, Slot};
use larder::pickle::{self, Pickler};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::collections::BTreeMap;
use std::fmt::Debug;

fn pickled<T: Serialize>(value: &T, protocol: u8) -> Vec<u8> {
    Pickler::new(&mut [0; 256]).protocol(protocol).dumps(value).unwrap().to_vec()
}

fn marshalled<T: Serialize>(value: &T, version: u8) -> Vec<u8> {
    Marshaller::new(&mut [0; 256]).version(version).dumps(value).unwrap().to_vec()
}

/// Reads what another type wrote, in every protocol and version; all must come to the same.
fn convert<T: Serialize, U: DeserializeOwned + PartialEq + Debug>(value: &T, expected: Result<U, ErrorKind>) {
    for version in 0..=5 {
        let bytes = pickled(value, version);
        let read = pickle::from_slice::<U>(&bytes, &mut [Slot::EMPTY; 256]);
        assert_eq!(read.map_err(|error| error.kind), expected, "protocol {version}");
    }
    for version in 0..=4 {
        let bytes = marshalled(value, version);
        let read = marshal::from_slice::<U>(&bytes, &mut [Slot::EMPTY; 256]);
        assert_eq!(read.map_err(|error| error.kind), expected, "version {version}");
    }
}

fn keep<T: Serialize + DeserializeOwned + PartialEq + Debug + Clone>(value: T) {
    convert(&value, Ok(value.clone()));
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Pair(i64, String);

#[test]
fn a_sequence_longer_than_its_type_is_refused() {
    convert(&(1, "x"), Ok(Pair(1, "x".into())));
    convert::<_, Pair>(&(1, "x", 2), Err(ErrorKind::WrongLength));
    convert::<_, Vec<(i64, i64)>>(&[(1, 2, 3)], Err(ErrorKind::WrongLength));
    convert::<_, [i64; 3]>(&vec![1, 2, 3, 4], Err(ErrorKind::WrongLength));
    convert::<_, [i64; 0]>(&[1], Err(ErrorKind::WrongLength));
    convert::<_, BTreeMap<i64, (i64,)>>(&BTreeMap::from([(1, (1, 2, 3, 4))]), Err(ErrorKind::WrongLength));
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Flat {
    a: i64,
    #[serde(flatten)]
    rest: BTreeMap<String, i64>,
}

/// serde does not say how many pairs such a struct has.
#[test]
fn a_flattened_struct_is_kept() {
    for count in [0, 1, 2, 9] {
        keep(Flat { a: 1, rest: (0..count).map(|i| (format!("k{i}"), i)).collect() });
    }
    // marshal.dumps({'a': 1, 'k0': 0}, 2)
    let flat = Flat { a: 1, rest: BTreeMap::from([("k0".into(), 0)]) };
    assert_eq!(marshalled(&flat, 2), b"{u\x01\0\0\0ai\x01\0\0\0u\x02\0\0\0k0i\0\0\0\x000");
}

/// Protocol 0 spells such names in Latin-1 and with escapes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Season {
    #[serde(rename = "été")]
    Summer,
    #[serde(rename = "日\\\n")]
    Winter(i64),
}

#[test]
fn a_variant_may_have_any_name() {
    keep([Season::Summer, Season::Winter(5)]);
    convert::<_, Season>(&"hiver", Err(ErrorKind::UnknownVariant));
    convert::<_, Season>(&"hivér", Err(ErrorKind::UnknownVariant));
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Celsius(i16);

/// pickle.dumps(array.array('h', [-1, 2]), p)
#[test]
fn the_items_of_an_array_may_be_newtypes() {
    let list = b"\x80\x02carray\narray\nq\0X\x01\0\0\0hq\x01]q\x02(J\xff\xff\xff\xffK\x02e\x86q\x03Rq\x04.";
    let packed = b"\x80\x03carray\n_array_reconstructor\nq\0(carray\narray\nq\x01X\x01\0\0\0hq\x02K\x04C\x04\xff\xff\x02\0q\x03tq\x04Rq\x05.";
    for bytes in [&list[..], &packed[..]] {
        let array = pickle::from_slice::<Array<Vec<Celsius>, 'h'>>(bytes, &mut [Slot::EMPTY; 64]);
        assert_eq!(array, Ok(Array(vec![Celsius(-1), Celsius(2)])));
    }
}

/// What is no list or dict does not leave it to the next one to be a set, or the items of an object.
#[test]
fn a_set_or_an_object_around_nothing_is_refused() {
    fn refused<T: Serialize>(value: T) {
        for protocol in 0..=5 {
            let error = Pickler::new(&mut [0; 256]).protocol(protocol).dumps(&(&value, [1, 2].as_slice())).unwrap_err();
            assert_eq!(error.kind, ErrorKind::Custom, "protocol {protocol}");
        }
    }
    refused(Set(5));
    refused(FrozenSet(None::<Vec<i64>>));
    refused(OrderedDict(None::<Vec<i64>>));
    refused(Deque { maxlen: Some(3), items: None::<Vec<i64>> });
    refused(Deque { maxlen: None, items: Set(vec![1]) });
}
