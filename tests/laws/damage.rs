//! Streams that are no good: noise, opcodes in any order, and good streams with a few bytes changed. Nothing panics, an
//! error has a place in the stream, and what is taken can be written again and is the same then.

use super::tree::{Tree, of_marshal, of_pickle};
use super::{config, loaded, pickler, repickled};
use larder::marshal::{self, Marshaller, Python, Unmarshaller};
use larder::object::{Object, Slot};
use larder::pickle::{self, opcode::OPCODES};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use serde::de::IgnoredAny;

/// One change to a stream.
#[derive(Debug, Clone)]
enum Change {
    Set(Index, u8),
    Insert(Index, u8),
    Remove(Index),
    Cut(Index),
    /// What stands at one place comes again at another.
    Copy(Index, Index, u8),
}

fn change() -> impl Strategy<Value = Change> {
    let code = || prop_oneof![any::<u8>(), proptest::sample::select(OPCODES.as_slice()).prop_map(|row| row.code)];
    prop_oneof![
        3 => (any::<Index>(), code()).prop_map(|(at, byte)| Change::Set(at, byte)),
        2 => (any::<Index>(), code()).prop_map(|(at, byte)| Change::Insert(at, byte)),
        2 => any::<Index>().prop_map(Change::Remove),
        1 => any::<Index>().prop_map(Change::Cut),
        1 => any::<(Index, Index, u8)>().prop_map(|(from, to, len)| Change::Copy(from, to, len)),
    ]
}

fn changed(mut bytes: Vec<u8>, changes: &[Change]) -> Vec<u8> {
    for change in changes {
        let len = bytes.len();
        match change {
            _ if len == 0 => {}
            Change::Set(at, byte) => bytes[at.index(len)] = *byte,
            Change::Insert(at, byte) => bytes.insert(at.index(len), *byte),
            Change::Remove(at) => drop(bytes.remove(at.index(len))),
            Change::Cut(at) => bytes.truncate(at.index(len)),
            Change::Copy(from, to, most) => {
                let from = from.index(len);
                let part = bytes[from..len.min(from + usize::from(most % 24))].to_vec();
                let to = to.index(len);
                bytes.splice(to..to, part);
            }
        }
    }
    bytes
}

/// Everything that can be done with a pickle.
fn try_pickle(bytes: &[u8]) {
    let mut slots = vec![Slot::EMPTY; 4 * bytes.len() + 8];
    let _ = pickle::genops(bytes).count();
    let _ = pickle::dis(bytes, &mut slots, &mut String::new());
    let _ = pickle::optimize(bytes, &mut slots, &mut vec![0; 2 * bytes.len() + 64]);
    let _ = pickle::scan(bytes, &mut slots, &mut |_, _| {});
    let _ = pickle::from_plain::<IgnoredAny>(bytes);
    let _ = pickle::from_slice::<Vec<Option<(i64, String)>>>(bytes, &mut slots);
    let needed = match pickle::slots_needed(bytes) {
        Ok(needed) => needed,
        Err(error) => return assert!(error.offset <= bytes.len(), "{error}"),
    };
    assert!(needed <= 4 * bytes.len() + 8, "{needed} slots for {} bytes", bytes.len());
    match pickle::loads(bytes, &mut slots[..needed]) {
        Ok(object) => {
            let _ = object.to_string();
            rewritten(&object);
        }
        Err(error) => assert!(error.offset <= bytes.len(), "{error}"),
    }
}

/// What was read can be written, and from then on it stays as it is: the names of classes that were one text in the first
/// may be two.
fn rewritten(object: &Object<'_>) {
    for cpython in [false, true] {
        let Ok(first) = repickled(object, 5, cpython) else { continue };
        let again = |bytes: &[u8]| loaded(bytes, |object| repickled(&object, 5, cpython)).unwrap().unwrap();
        let second = again(&first);
        assert_eq!(again(&second), second);
    }
}

/// Everything that can be done with marshal data.
fn try_marshal(bytes: &[u8], python: Python) {
    let reader = Unmarshaller::new().python(python);
    let mut slots = vec![Slot::EMPTY; 3 * bytes.len() + 8];
    let _ = marshal::from_slice::<IgnoredAny>(bytes, &mut slots);
    let _ = marshal::load_pyc(bytes, &mut slots);
    let needed = match reader.slots_needed(bytes) {
        Ok(needed) => needed,
        Err(error) => return assert!(error.offset <= bytes.len(), "{error}"),
    };
    assert!(needed <= 3 * bytes.len() + 8, "{needed} slots for {} bytes", bytes.len());
    match reader.loads(bytes, &mut slots[..needed]) {
        Ok(object) => {
            let _ = object.to_string();
            let (mut buf, mut scratch) = (vec![0; 64 * bytes.len() + 64], vec![Slot::EMPTY; bytes.len() + 4096]);
            let _ = Marshaller::new(&mut buf).recode(&object, &mut scratch);
            rewritten(&object);
        }
        Err(error) => assert!(error.offset <= bytes.len(), "{error}"),
    }
}

fn python() -> impl Strategy<Value = Python> {
    prop_oneof![Just(Python::new(2, 7)), (0_u8..=15).prop_map(|minor| Python::new(3, minor))]
}

fn pickled(tree: &Tree, protocol: u8, cpython: bool) -> Vec<u8> {
    let mut buf = vec![0; 1 << 16];
    pickler(&mut buf, protocol, cpython).write(|writer| tree.emit(writer)).map(<[u8]>::to_vec).unwrap_or_default()
}

proptest! {
    #![proptest_config(config(512))]

    #[test]
    fn noise(bytes in vec(any::<u8>(), 0..64), python in python()) {
        try_pickle(&bytes);
        try_marshal(&bytes, python);
    }

    #[test]
    fn opcodes_in_any_order(ops in vec((proptest::sample::select(OPCODES.as_slice()), vec(0_u8..6, 0..5)), 0..40)) {
        let mut bytes: Vec<u8> = ops.iter().flat_map(|(row, rest)| [&[row.code], &rest[..]].concat()).collect();
        bytes.push(b'.');
        try_pickle(&bytes);
    }

    #[test]
    fn damaged_pickles(tree in of_pickle(), protocol in 0_u8..=5, cpython: bool, changes in vec(change(), 1..5)) {
        try_pickle(&changed(pickled(&tree, protocol, cpython), &changes));
    }

    #[test]
    fn damaged_marshal_data(tree in of_marshal(), python in python(), changes in vec(change(), 1..5)) {
        let mut buf = vec![0; 1 << 16];
        let bytes = Marshaller::new(&mut buf).version(6).write(|writer| tree.emit(writer)).unwrap().to_vec();
        try_marshal(&changed(bytes, &changes), python);
    }
}
