//! Plain data both ways: serde types against bytes that CPython wrote.
#![cfg(all(feature = "pickle", feature = "serde"))]

use larder::object::Slot;
use larder::pickle::{self, ErrorKind, Pickler};
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
