//! Against the real Python, where there is a python3 on the machine: the same bytes in every protocol, the same text.
#![cfg(feature = "pickle")]

use larder::object::Slot;
use larder::pickle::{self, Pickler};
use std::process::Command;

struct Record {
    protocol: u8,
    pickle: Vec<u8>,
    optimized: Vec<u8>,
    dis: Vec<u8>,
    repr: Vec<u8>,
}

/// What Python says of so many random trees; nothing where there is no Python, or one before 3.9.
fn records(seed: u32, count: u32) -> Vec<Record> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/plain.py");
    let python = std::env::var("PYTHON").unwrap_or("python3".into());
    let Ok(out) = Command::new(python).args([script, &seed.to_string(), &count.to_string()]).output() else {
        return Vec::new();
    };
    let (mut rest, mut records) = (&out.stdout[..], Vec::new());
    while let Some((protocol, mut tail)) = rest.split_first() {
        let mut parts = [(); 4].map(|()| {
            let (len, after) = tail.split_first_chunk::<4>().unwrap();
            let (part, after) = after.split_at(u32::from_le_bytes(*len) as usize);
            tail = after;
            part.to_vec()
        });
        let [pickle, optimized, dis, repr] = parts.each_mut().map(std::mem::take);
        records.push(Record { protocol: *protocol, pickle, optimized, dis, repr });
        rest = tail;
    }
    records
}

#[test]
fn random_trees_are_written_and_shown_as_python_does_it() {
    let count = std::env::var("LARDER_TREES").map_or(150, |n| n.parse().unwrap());
    for record in records(1, count) {
        let Record { protocol, pickle, optimized, dis, repr } = record;
        let mut slots = vec![Slot::EMPTY; pickle::slots_needed(&pickle).unwrap()];
        let mut tool_slots = vec![Slot::EMPTY; pickle.len() + 64];
        let mut buf = vec![0; 2 * pickle.len() + 100];
        assert_eq!(pickle::optimize(&pickle, &mut tool_slots, &mut buf).unwrap(), optimized, "{pickle:?}");
        if !dis.is_empty() {
            let mut text = String::new();
            pickle::dis(&pickle, &mut tool_slots, &mut text).unwrap();
            assert_eq!(text, String::from_utf8_lossy(&dis));
        }
        let object = pickle::loads(&pickle, &mut slots).unwrap();
        let mut scratch = vec![Slot::EMPTY; 1000 + object.shared_count()];
        let mut write = |pickler: Pickler<'_>| pickler.recode(&object, &mut scratch).unwrap().to_vec();
        // What older protocols spell as calls is an object here, and is written as one again.
        assert_eq!(write(Pickler::new(&mut buf).protocol(protocol)), optimized, "{protocol} {pickle:?}");
        if protocol >= 4 {
            assert_eq!(write(Pickler::new(&mut buf).protocol(protocol).cpython()), pickle);
        }
        // Byte strings and sets are calls before protocols 3 and 4.
        if protocol >= 5 && !repr.is_empty() && !repr.contains(&b'.') {
            assert_eq!(object.to_string(), String::from_utf8(repr).unwrap());
        }
    }
}
