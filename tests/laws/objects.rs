//! Objects: written by hand, read, written again; from codec to codec; and what reading them takes.

use super::tree::{Tree, of_both, of_marshal, of_pickle};
use super::{config, loaded, pickler, repickled};
use larder::marshal::{self, Marshaller};
use larder::object::{ErrorKind, Object, Slot};
use larder::pickle;
use proptest::prelude::*;

/// The tree as a pickle.
fn pickled(tree: &Tree, protocol: u8, cpython: bool) -> Result<Vec<u8>, ErrorKind> {
    let mut buf = vec![0; 1 << 16];
    let written = pickler(&mut buf, protocol, cpython).write(|writer| tree.emit(writer));
    written.map(<[u8]>::to_vec).map_err(|error| error.kind)
}

fn marshalled(tree: &Tree, version: u8) -> Result<Vec<u8>, ErrorKind> {
    let mut buf = vec![0; 1 << 16];
    let written = Marshaller::new(&mut buf).version(version).write(|writer| tree.emit(writer));
    written.map(<[u8]>::to_vec).map_err(|error| error.kind)
}

/// An object as marshal data.
fn remarshalled(object: &Object<'_>, version: u8) -> Vec<u8> {
    let (mut buf, mut scratch) = (vec![0; 1 << 16], vec![Slot::EMPTY; object.shared_count() + 2048]);
    Marshaller::new(&mut buf).version(version).recode(object, &mut scratch).unwrap().to_vec()
}

fn unmarshalled<T>(bytes: &[u8], then: impl FnOnce(Object<'_>) -> T) -> T {
    let mut slots = vec![Slot::EMPTY; marshal::slots_needed(bytes).unwrap()];
    then(marshal::loads(bytes, &mut slots).unwrap())
}

proptest! {
    #![proptest_config(config(192))]

    /// In protocol 5 the object is the tree; from it every other pickle is made, and they all come back to it.
    #[test]
    fn a_pickle_is_read_as_what_was_written(tree in of_pickle(), cpython: bool) {
        let first = pickled(&tree, 5, cpython).unwrap();
        prop_assert!(loaded(&first, |object| tree.is(&object)).unwrap());
        for protocol in 0..=5 {
            let by_hand = match pickled(&tree, protocol, cpython) {
                Err(kind) => {
                    prop_assert!(protocol < tree.protocol() && kind == ErrorKind::Unsupported, "{kind:?}");
                    continue;
                }
                Ok(bytes) => bytes,
            };
            prop_assert!(protocol >= tree.protocol());
            let again = loaded(&by_hand, |object| repickled(&object, protocol, cpython)).unwrap().unwrap();
            prop_assert_eq!(&again, &by_hand, "protocol {}", protocol);
            if protocol >= 3 {
                let back = loaded(&by_hand, |object| repickled(&object, 5, cpython)).unwrap().unwrap();
                prop_assert!(protocol < 5 || back == first);
            }
        }
    }

    /// What both codecs have goes through both in every version and protocol that has opcodes for all of it.
    #[test]
    fn marshal_and_pickle_are_one_call_apart(tree in of_both(), protocol in 4_u8..=5, version in 3_u8..=6, cpython: bool) {
        let data = marshalled(&tree, version).unwrap();
        prop_assert!(unmarshalled(&data, |object| tree.is(&object)));
        let pickle = unmarshalled(&data, |object| repickled(&object, protocol, cpython)).unwrap();
        prop_assert!(loaded(&pickle, |object| tree.is(&object)).unwrap());
        prop_assert_eq!(&pickle, &pickled(&tree, protocol, cpython).unwrap());
        let back = loaded(&pickle, |object| remarshalled(&object, version)).unwrap();
        prop_assert_eq!(back, data);
    }

    /// Each version of marshal carries what it has, and refuses what came later.
    #[test]
    fn marshal_is_read_as_what_was_written(tree in of_marshal()) {
        let lowest = tree.marshal_version().unwrap();
        for version in 0..=6 {
            let written = marshalled(&tree, version);
            if version < lowest {
                prop_assert_eq!(written.unwrap_err(), ErrorKind::Unsupported);
                continue;
            }
            let data = written.unwrap();
            prop_assert!(unmarshalled(&data, |object| tree.is(&object)), "version {}", version);
            prop_assert_eq!(unmarshalled(&data, |object| remarshalled(&object, version)), data);
        }
    }

    /// `slots_needed` is enough. A pickle is read with no fewer, and the error says this number; of marshal data it says what
    /// is enough for so many bytes.
    #[test]
    fn slots_are_counted(tree in of_both(), protocol in 0_u8..=5, cpython: bool) {
        let bytes = pickled(&tree, protocol, cpython).unwrap();
        let needed = pickle::slots_needed(&bytes).unwrap();
        for n in 0..needed {
            let kind = pickle::loads(&bytes, &mut vec![Slot::EMPTY; n]).unwrap_err().kind;
            prop_assert_eq!(kind, ErrorKind::OutOfSlots { needed });
        }
        let bytes = marshalled(&tree, protocol).unwrap();
        let needed = marshal::slots_needed(&bytes).unwrap();
        for n in 0..needed {
            let kind = marshal::loads(&bytes, &mut vec![Slot::EMPTY; n]).unwrap_err().kind;
            let ErrorKind::OutOfSlots { needed: enough } = kind else { panic!("{kind:?}") };
            prop_assert!((needed..=3 * bytes.len() + 8).contains(&enough), "{} for {}", enough, needed);
        }
        prop_assert!(marshal::loads(&bytes, &mut vec![Slot::EMPTY; needed]).is_ok());
    }

    /// A buffer that is too small says how large one is enough: too much by no more than the header of a frame that stays
    /// short, and the room in which ints beyond 64 bits are made.
    #[test]
    fn buffers_are_counted(tree in of_pickle(), protocol in 2_u8..=5, cpython: bool) {
        let bytes = pickled(&tree, protocol, cpython).unwrap();
        for n in 0..bytes.len() {
            let mut buf = vec![0; n];
            let error = pickler(&mut buf, protocol, cpython).write(|writer| tree.emit(writer)).unwrap_err();
            let ErrorKind::BufferTooSmall { needed } = error.kind else { panic!("{error}") };
            prop_assert!((bytes.len()..=2 * bytes.len() + 9).contains(&needed), "{} for {}", needed, bytes.len());
            let mut buf = vec![0; needed];
            let again = pickler(&mut buf, protocol, cpython).write(|writer| tree.emit(writer)).unwrap();
            prop_assert_eq!(again, &bytes);
        }
    }

    /// Several pickles behind one another are read one by one.
    #[test]
    fn a_stream_of_pickles_comes_apart(trees in proptest::collection::vec(of_pickle(), 1..4), cpython: bool) {
        let stream: Vec<u8> = trees.iter().flat_map(|tree| pickled(tree, 5, cpython).unwrap()).collect();
        let mut rest = &stream[..];
        for tree in &trees {
            let mut slots = vec![Slot::EMPTY; pickle::slots_needed(rest).unwrap()];
            let (object, used) = pickle::Unpickler::new().load(rest, &mut slots).unwrap();
            prop_assert!(tree.is(&object));
            rest = &rest[used..];
        }
        prop_assert!(rest.is_empty());
    }

    /// `optimize` gives what the optimizing pickler writes, of either style; in older protocols sets and bytes are calls of
    /// functions, whose names the pickler meets one by one.
    #[test]
    fn optimize_is_the_other_style(tree in of_both(), protocol in 4_u8..=5) {
        let (full, small) = (pickled(&tree, protocol, true).unwrap(), pickled(&tree, protocol, false).unwrap());
        for bytes in [&full, &small] {
            let (mut buf, mut scratch) = (vec![0; full.len() + 64], vec![Slot::EMPTY; full.len()]);
            let optimized = pickle::optimize(bytes, &mut scratch, &mut buf).unwrap();
            prop_assert_eq!(optimized, &small[..]);
        }
    }
}
