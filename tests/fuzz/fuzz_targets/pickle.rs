//! Any bytes as a pickle.
#![no_main]

use larder::object::{ErrorKind, Object, Slot};
use larder::pickle::{self, Pickler};
use libfuzzer_sys::fuzz_target;
use std::fmt::Write;

/// Written again in this protocol, if it can be.
fn recoded(object: &Object<'_>, protocol: u8) -> Option<Vec<u8>> {
    let (mut buf, mut scratch) = (vec![0; 1 << 16], vec![Slot::EMPTY; object.shared_count() + 4096]);
    Pickler::new(&mut buf).protocol(protocol).recode(object, &mut scratch).ok().map(<[u8]>::to_vec)
}

fuzz_target!(|input: &[u8]| {
    let Some((first, bytes)) = input.split_first() else { return };
    let needed = pickle::slots_needed(bytes);
    let mut slots = vec![Slot::EMPTY; needed.unwrap_or(0).min(8 * bytes.len() + 64)];
    let _ = pickle::genops(bytes).count();
    let mut text = String::new();
    if let Err(error) = pickle::dis(bytes, &mut vec![Slot::EMPTY; 4 * bytes.len()], &mut text) {
        assert!(!matches!(error.kind, ErrorKind::OutOfSlots { .. }));
    }
    let _ = pickle::scan(bytes, &mut slots, &mut |_, _| {});
    let object = match pickle::loads(bytes, &mut slots) {
        Ok(object) => object,
        Err(error) => {
            assert!(!matches!(error.kind, ErrorKind::OutOfSlots { .. }));
            assert!(error.offset <= bytes.len());
            return;
        }
    };
    text.clear();
    let _ = write!(text, "{object}");
    // Written again and read, it is written the same once more.
    let protocol = first % 6;
    if let Some(again) = recoded(&object, protocol) {
        let mut slots = vec![Slot::EMPTY; pickle::slots_needed(&again).expect("what was written is measured")];
        let second = pickle::loads(&again, &mut slots).expect("what was written is read");
        assert_eq!(recoded(&second, protocol), Some(again.clone()));
    }
    let _ = pickle::from_slice::<Vec<Option<i64>>>(bytes, &mut vec![Slot::EMPTY; 4 * bytes.len() + 64]);
});
