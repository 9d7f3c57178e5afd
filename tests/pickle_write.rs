//! The writer beyond one buffer and one value: sinks, several pickles of one memo, lengths that are not known, names.
#![cfg(all(feature = "pickle", feature = "serde"))]

use larder::object::{Emit, Slot};
use larder::pickle::{self, ErrorKind, Name, Pickler};
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};

#[derive(Clone, Serialize)]
struct Row {
    id: u32,
    label: String,
    raw: Vec<u8>,
    deep: Option<Box<Row>>,
}

/// Enough for several frames, one of whose texts is larger than a frame.
fn rows() -> Vec<Row> {
    (0..600_u32)
        .map(|id| Row {
            id,
            label: "x".repeat(if id == 300 { 70_000 } else { id as usize % 300 }),
            raw: vec![id as u8; id as usize % 40],
            deep: (id % 5 == 0).then(|| Box::new(Row { id: !id, label: id.to_string(), raw: vec![], deep: None })),
        })
        .collect()
}

fn sunk<T: Serialize>(value: &T, buf: usize, protocol: u8, cpython: bool) -> Vec<u8> {
    let (mut buf, mut out) = (vec![0; buf], Vec::new());
    let mut sink = |bytes: &[u8]| {
        out.extend_from_slice(bytes);
        true
    };
    let pickler = Pickler::new(&mut buf).protocol(protocol);
    let pickler = if cpython { pickler.cpython() } else { pickler };
    let told = pickler.sink(&mut sink, |writer| writer.value(value)).unwrap();
    assert_eq!(told, out.len());
    out
}

fn dumped<T: Serialize>(value: &T, protocol: u8, cpython: bool) -> Vec<u8> {
    let mut buf = vec![0; 1 << 20];
    let pickler = Pickler::new(&mut buf).protocol(protocol);
    let pickler = if cpython { pickler.cpython() } else { pickler };
    pickler.dumps(value).unwrap().to_vec()
}

fn shown(bytes: &[u8]) -> String {
    let mut slots = vec![Slot::EMPTY; pickle::slots_needed(bytes).unwrap()];
    pickle::loads(bytes, &mut slots).unwrap().to_string()
}

#[test]
fn a_sink_gets_what_a_buffer_gets() {
    let rows = rows();
    for protocol in 0..=5 {
        let cpython = dumped(&rows, protocol, true);
        let wanted = shown(&cpython);
        // A buffer that holds a frame and the longest opcode of one: the same bytes.
        assert!(sunk(&rows, (128 << 10) + 64, protocol, true) == cpython, "protocol {protocol}");
        for buf in [0, 1, 9, 64, 1023, 1024, 5000, 70_000] {
            for cpython in [true, false] {
                let bytes = sunk(&rows, buf, protocol, cpython);
                assert!(shown(&bytes) == wanted, "protocol {protocol}, a buffer of {buf}");
                let frames = pickle::genops(&bytes).filter(|op| op.unwrap().opcode.name == "FRAME").count();
                assert_eq!(frames > 0, protocol >= 4 && buf >= 1024);
            }
        }
    }
}

#[test]
fn frames_of_a_sink_hold_whole_opcodes() {
    for buf in [1024, 1500, 4096] {
        let bytes = sunk(&rows(), buf, 4, false);
        let (mut end, mut last) = (0, 0);
        for op in pickle::genops(&bytes) {
            let op = op.unwrap();
            assert!(op.offset >= end || op.end <= end, "an opcode at {} lies across a frame's end", op.offset);
            if let (Some(pickle::Value::Length(len)), "FRAME") = (op.argument, op.opcode.name) {
                assert!(op.offset >= end);
                end = op.end + len as usize;
                assert!(end <= op.offset + buf);
            }
            last = op.end;
        }
        assert!(end <= last);
    }
}

#[test]
fn a_sink_that_fails_is_told() {
    let mut buf = [0; 64];
    let error = Pickler::new(&mut buf).sink(&mut |_| false, |writer| writer.value(&rows())).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Write);
}

#[test]
fn several_pickles_share_a_memo() {
    #[derive(Serialize)]
    struct Point {
        x: u8,
        yy: u8,
    }
    let mut buf = [0; 256];
    let written = Pickler::new(&mut buf).cpython().write(|writer| {
        writer.value(&Point { x: 1, yy: 2 })?;
        writer.next_pickle();
        writer.value(&Point { x: 3, yy: 4 })?;
        writer.next_pickle();
        writer.none()
    });
    let written = written.unwrap();
    // p = pickle.Pickler(f, 4); p.dump({'x': 1, 'yy': 2}); p.dump({'x': 3, 'yy': 4}); p.dump(None)
    assert_eq!(
        written,
        b"\x80\x04\x95\x12\0\0\0\0\0\0\0}\x94(\x8c\x01x\x94K\x01\x8c\x02yy\x94K\x02u.\
          \x80\x04\x95\x0d\0\0\0\0\0\0\0}\x94(h\x01K\x03h\x02K\x04u.\x80\x04N."
    );
    let mut slots = [Slot::EMPTY; 64];
    let values = pickle::Unpickler::new().load_all(written, &mut slots).unwrap();
    assert_eq!(values.to_string(), "[{'x': 1, 'yy': 2}, {'x': 3, 'yy': 4}, None]");
}

/// A list or dict whose length is told or not.
struct Many(bool, bool, usize);

impl Serialize for Many {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Many(told, dict, n) = *self;
        if dict {
            let mut map = serializer.serialize_map(told.then_some(n))?;
            (0..n).try_for_each(|i| map.serialize_entry(&i, &Many(told, false, i % 3)))?;
            map.end()
        } else {
            let mut seq = serializer.serialize_seq(told.then_some(n))?;
            (0..n).try_for_each(|i| seq.serialize_element(&i))?;
            seq.end()
        }
    }
}

#[test]
fn lengths_need_not_be_known() {
    for n in [0, 1, 2, 3, 999, 1000, 1001, 2000, 2001] {
        for (protocol, dict, cpython) in (0..=5).flat_map(|p| [(p, true, true), (p, true, false), (p, false, true)]) {
            let [told, untold] = [true, false].map(|told| dumped(&Many(told, dict, n), protocol, cpython));
            // CPython does not look ahead for a last item behind full batches of a list; nor does who knows no length.
            assert!(told == untold, "{n} items, a dict: {dict}, protocol {protocol}, cpython: {cpython}");
        }
    }
}

#[derive(Serialize)]
struct Wide {
    a0: u8,
    a1: u8,
    a2: u8,
    a3: u8,
    a4: u8,
    a5: u8,
    a6: u8,
    a7: u8,
    a8: u8,
    a9: u8,
    b0: u8,
    b1: u8,
    b2: u8,
    b3: u8,
    b4: u8,
    b5: u8,
    b6: u8,
    b7: u8,
    b8: u8,
    b9: u8,
}

#[test]
fn names_beyond_sixteen_want_memory() {
    let wide = || Wide {
        a0: 0,
        a1: 1,
        a2: 2,
        a3: 3,
        a4: 4,
        a5: 5,
        a6: 6,
        a7: 7,
        a8: 8,
        a9: 9,
        b0: 0,
        b1: 1,
        b2: 2,
        b3: 3,
        b4: 4,
        b5: 5,
        b6: 6,
        b7: 7,
        b8: 8,
        b9: 9,
    };
    let both = [wide(), wide()];
    for (cpython, more) in [(true, 3), (false, 1)] {
        let short = dumped(&both, 4, cpython);
        let (mut buf, mut names) = (vec![0; 1024], [Name::EMPTY; 20]);
        let pickler = Pickler::new(&mut buf).names(&mut names);
        let exact = if cpython { pickler.cpython() } else { pickler }.dumps(&both).unwrap();
        assert_eq!(shown(&short), shown(exact));
        // Of 20 names, each of two characters, 4 are written out a second time instead of referred to.
        assert_eq!(short.len() - exact.len(), 4 * more, "cpython: {cpython}");
    }
}

#[test]
fn a_buffer_that_is_just_enough_loses_nothing() {
    // Text outside of frames, and behind it a frame of too few bytes to have a header.
    let text = "x".repeat(65_536);
    for cpython in [true, false] {
        for list in [vec![], vec![&text[..]], vec![&text[..], &text[1..], "end"]] {
            let wanted = dumped(&list, 4, cpython);
            for len in wanted.len() - 3..wanted.len() + 40 {
                let mut buf = vec![0; len];
                let pickler = if cpython { Pickler::new(&mut buf).cpython() } else { Pickler::new(&mut buf) };
                match pickler.dumps(&list) {
                    Ok(bytes) => assert!(bytes == wanted),
                    Err(error) => {
                        let ErrorKind::BufferTooSmall { needed } = error.kind else { panic!("{error}") };
                        assert!(needed > len && needed <= wanted.len() + 27);
                    }
                }
            }
        }
    }
}

#[test]
fn marks_that_are_taken_back_lose_nothing() {
    for n in 0..3 {
        let wanted = dumped(&Many(false, true, n), 2, true);
        for len in 0..wanted.len() + 3 {
            let mut buf = vec![0; len];
            match Pickler::new(&mut buf).protocol(2).cpython().dumps(&Many(false, true, n)) {
                Ok(bytes) => assert_eq!(bytes, wanted),
                Err(error) => assert!(matches!(error.kind, ErrorKind::BufferTooSmall { needed } if needed > len)),
            }
        }
    }
}
