//! Any bytes as marshal data of any Python.
#![no_main]

use larder::marshal::{self, Marshaller, Python, Unmarshaller};
use larder::object::serde::{Limits, from_object};
use larder::object::{ErrorKind, Object, Slot};
use libfuzzer_sys::fuzz_target;
use std::collections::BTreeMap;
use std::fmt::{Debug, Write};

const PYTHONS: [(u8, u8); 7] = [(2, 7), (3, 6), (3, 8), (3, 10), (3, 13), (3, 14), (3, 15)];

/// Written again in this version, if it can be.
fn recoded(object: &Object<'_>, version: u8) -> Option<Vec<u8>> {
    let (mut buf, mut scratch) = (vec![0; 1 << 16], vec![Slot::EMPTY; object.shared_count() + 4096]);
    Marshaller::new(&mut buf).version(version).recode(object, &mut scratch).ok().map(<[u8]>::to_vec)
}

/// Typed reading straight from the stream says what typed reading of the object says.
fn both_ways<T: for<'a> serde::Deserialize<'a> + Debug>(bytes: &[u8]) {
    let mut slots = vec![Slot::EMPTY; 3 * bytes.len() + 8];
    let straight = format!("{:?}", marshal::from_slice::<T>(bytes, &mut slots));
    let object = marshal::loads(bytes, &mut slots);
    assert_eq!(straight, format!("{:?}", object.and_then(|object| from_object::<T>(&object, Limits::of(bytes)))));
}

fuzz_target!(|input: &[u8]| {
    let Some((first, bytes)) = input.split_first() else { return };
    both_ways::<Vec<Option<i64>>>(bytes);
    both_ways::<BTreeMap<String, f64>>(bytes);
    let (major, minor) = PYTHONS[usize::from(*first) % PYTHONS.len()];
    let python = Python::new(major, minor);
    let reader = Unmarshaller::new().python(python);
    let needed = reader.slots_needed(bytes);
    let mut slots = vec![Slot::EMPTY; 3 * bytes.len() + 8];
    let object = match reader.loads(bytes, &mut slots) {
        Ok(object) => object,
        Err(error) => {
            assert!(!matches!(error.kind, ErrorKind::OutOfSlots { .. }));
            assert!(error.offset <= bytes.len());
            return;
        }
    };
    // So many slots as it says are enough.
    let needed = needed.expect("what can be read can be measured");
    assert!(reader.loads(bytes, &mut vec![Slot::EMPTY; needed]).is_ok());
    let mut shown = String::new();
    let _ = write!(shown, "{object}");
    // Written again it says the same: version 2 of it does not change.
    if let (Some(plain), Some(again)) = (recoded(&object, 2), recoded(&object, 4)) {
        let mut slots = vec![Slot::EMPTY; 3 * again.len() + 8];
        if !python.is_2() {
            let second =
                Unmarshaller::new().python(python).loads(&again, &mut slots).expect("what was written is read");
            assert_eq!(recoded(&second, 2).as_deref(), Some(&plain[..]));
        }
    }
});
