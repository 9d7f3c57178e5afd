//! What marshal writes, against what real Pythons wrote.

use larder::marshal::{self, HIGHEST_VERSION, Marshaller, Python, Unmarshaller};
use larder::object::{Container, Emit, ErrorKind, Long, Object, Refused, Result, Slot, Spelling, Text};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

fn unhex(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap()).collect()
}

/// The vectors of one Python: (name, version, skip, bytes).
fn vectors(python: &str) -> Vec<(String, String, usize, Vec<u8>)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/data/marshal/{python}.txt"));
    let text = fs::read_to_string(path).unwrap();
    let fields = |line: &str| line.split('\t').map(String::from).collect::<Vec<_>>();
    let vector = |f: Vec<String>| (f[0].clone(), f[1].clone(), f[2].parse().unwrap(), unhex(&f[3]));
    text.lines().map(|line| vector(fields(line))).collect()
}

fn recode(object: &Object<'_>, version: u8) -> Result<Vec<u8>> {
    let mut buf = vec![0; 1 << 17];
    let mut scratch = vec![Slot::EMPTY; 32 << 10];
    Marshaller::new(&mut buf).version(version).recode(object, &mut scratch).map(<[u8]>::to_vec)
}

fn decoded<T>(python: Python, bytes: &[u8], then: impl FnOnce(&Object<'_>) -> T) -> T {
    let mut slots = vec![Slot::EMPTY; 3 * bytes.len() + 8];
    then(&Unmarshaller::new().python(python).loads(bytes, &mut slots).unwrap())
}

/// Whatever version a value was written in, versions 0 to 2 of it are CPython's, byte for byte.
#[test]
fn versions_0_to_2_are_cpythons_bytes() {
    let python = Python::new(3, 13);
    let vectors = vectors("3.13");
    let mut compared = 0;
    for (name, from, _, bytes) in vectors.iter().filter(|v| v.1 != "pyc" && !v.0.starts_with("cycle")) {
        for (_, to, _, wanted) in vectors.iter().filter(|v| v.0 == *name) {
            let Some(version @ 0..=2) = to.parse::<u8>().ok() else { continue };
            let written = decoded(python, bytes, |object| recode(object, version).unwrap());
            assert_eq!(written, *wanted, "{name}: {from} to {to}");
            compared += 1;
        }
    }
    assert!(compared > 1000, "{compared}");
}

/// From version 3 on the meaning stays: written again in any version and read, a value is the same in version 2.
#[test]
fn every_version_keeps_the_meaning() {
    for python in ["2.7", "3.6", "3.8", "3.10", "3.11", "3.13"] {
        let (major, minor) = python.split_once('.').unwrap();
        let reader = Python::new(major.parse().unwrap(), minor.parse().unwrap());
        for (name, version, skip, bytes) in vectors(python).iter().filter(|v| !v.0.starts_with("cycle")) {
            // Text does not keep a NaN's sign.
            if name.ends_with("nan") {
                continue;
            }
            let plain = decoded(reader, &bytes[*skip..], |object| recode(object, 2).unwrap());
            // Python 2 reads what it writes only: version 2.
            for to in if reader.is_2() { 0..=2 } else { 0..=4 } {
                let written = decoded(reader, &bytes[*skip..], |object| recode(object, to).unwrap());
                let again = decoded(reader, &written, |object| recode(object, 2).unwrap());
                assert_eq!(again, plain, "{python} {name}: {version} to {to}");
            }
        }
    }
}

/// What is one object stays one, cycles too: written again, it is as long as before, and a third time the same.
#[test]
fn sharing_and_cycles_are_kept() {
    let streams: &[&[u8]] = &[
        b"\xdb\x01\0\0\0r\0\0\0\0",
        b"\xa9\x01r\0\0\0\0",
        b"\xfbz\x01kr\0\0\0\x000",
        b"[\x03\0\0\0\xdb\x01\0\0\0Nr\0\0\0\0r\0\0\0\0",
        b"[\x02\0\0\0\xbe\x01\0\0\0i\x05\0\0\0r\0\0\0\0",
        b"[\x02\0\0\0\xf5\x03\0\0\0\xe2\x82\xacr\0\0\0\0",
    ];
    for bytes in streams {
        let written = decoded(Python::NEWEST, bytes, |object| recode(object, 4).unwrap());
        assert_eq!(written, *bytes, "{bytes:x?}");
    }
    // Below version 3 there is no way to say it.
    let error = decoded(Python::NEWEST, streams[0], |object| recode(object, 2).unwrap_err());
    assert!(matches!(error.kind, ErrorKind::TooDeep | ErrorKind::OutOfFuel), "{error}");
}

#[test]
fn newer_versions_carry_slices_and_frozendicts() {
    for (bytes, since) in [(&b":NNi\x02\0\0\0"[..], 5), (b"}z\x01ai\x01\0\0\x000", 6), (b"}0", 6)] {
        for version in 0..=HIGHEST_VERSION {
            let written = decoded(Python::NEWEST, bytes, |object| recode(object, version));
            match written {
                Ok(written) if version >= since => assert_eq!(written, bytes),
                Err(error) if version < since => assert_eq!(error.kind, ErrorKind::Unsupported),
                other => panic!("{version}: {other:?}"),
            }
        }
    }
    let mut buf = [0; 8];
    let error = Marshaller::new(&mut buf).version(7).dumps(&1).unwrap_err();
    assert_eq!(error.kind, ErrorKind::UnknownProtocol(7));
}

#[derive(Serialize, Deserialize, Debug, PartialEq)]
struct Reading<'a> {
    sensor: &'a str,
    t: f64,
    rh: u8,
    ok: bool,
    tags: Vec<&'a str>,
    id: u64,
}

/// The struct as a dict, and back, borrowing; CPython's own bytes in version 2.
#[test]
fn a_struct_goes_both_ways() {
    let reading =
        Reading { sensor: "bme280", t: 21.625, rh: 48, ok: true, tags: vec!["indoor", "lab"], id: 1_000_000_000_000 };
    let written = vectors("3.13");
    let (_, _, _, wanted) = written.iter().find(|v| v.0 == "reading" && v.1 == "2").unwrap();
    for version in 0..=4 {
        let mut buf = [0; 512];
        let bytes = Marshaller::new(&mut buf).version(version).dumps(&reading).unwrap();
        if version == 2 {
            assert_eq!(bytes, wanted);
        }
        let mut slots = [Slot::EMPTY; 64];
        assert_eq!(marshal::from_slice::<Reading>(bytes, &mut slots).unwrap(), reading);
    }
    let mut buf = [0; 512];
    let bytes = marshal::dumps(&reading, &mut buf).unwrap();
    assert!(bytes.starts_with(b"{\xda\x06sensorz\x06bme280\xda\x01tg"));
}

/// Structs in structs: as deep as CPython goes, and no deeper.
#[test]
fn structs_are_written_as_deep_as_cpython_reads() {
    #[derive(serde::Serialize)]
    struct Node {
        next: Option<Box<Node>>,
    }
    let nested = |n: usize| (0..n).fold(None, |next, _| Some(Box::new(Node { next })));
    let mut buf = vec![0; 40_000];
    // The innermost holds None, one deeper still.
    let written = Marshaller::new(&mut buf).dumps(&nested(1_999)).unwrap().to_vec();
    assert!(larder::marshal::loads(&written, &mut vec![Slot::EMPTY; 3 * written.len() + 8]).is_ok());
    assert_eq!(Marshaller::new(&mut buf).dumps(&nested(2_000)).unwrap_err().kind, ErrorKind::TooDeep);
}

#[test]
fn a_buffer_too_small_says_how_much_is_enough() {
    let value: BTreeMap<&str, Vec<i64>> = [("a", vec![1, 2, 1 << 40]), ("b", vec![])].into();
    for version in 0..=4 {
        let mut buf = [0; 256];
        let whole = Marshaller::new(&mut buf).version(version).dumps(&value).unwrap().to_vec();
        for len in 0..whole.len() {
            let mut buf = vec![0; len];
            let error = Marshaller::new(&mut buf).version(version).dumps(&value).unwrap_err();
            let ErrorKind::BufferTooSmall { needed } = error.kind else { panic!("{error}") };
            assert_eq!(needed, whole.len());
        }
        let mut buf = vec![0; whole.len()];
        assert_eq!(Marshaller::new(&mut buf).version(version).dumps(&value).unwrap(), whole);
    }
}

/// What Emit alone can say: ints in every spelling, sets, text in every spelling, lengths that are not known.
#[test]
fn emit_writes_what_python_writes() {
    fn long(value: Long<'_>) -> Vec<u8> {
        let mut buf = [0; 64];
        Marshaller::new(&mut buf).write(|emit| emit.long(&value)).unwrap().to_vec()
    }
    // marshal.dumps(-2**63 - 1), (2**64), (300)
    let below = b"l\xfb\xff\xff\xff\x01\0\0\0\0\0\0\0\x08\0";
    assert_eq!(long(Long::Twos(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 0xff])), below);
    let decimal = |digits: &'static [u8], negative| Long::Digits { negative, radix: 10, digits };
    assert_eq!(long(decimal(b"9223372036854775809", true)), below);
    assert_eq!(long(decimal(b"18446744073709551616", false)), b"l\x05\0\0\0\0\0\0\0\0\0\0\0\x10\0");
    assert_eq!(
        long(Long::Digits { negative: false, radix: 16, digits: b"1_0000000000000000" }),
        b"l\x05\0\0\0\0\0\0\0\0\0\0\0\x10\0"
    );
    assert_eq!(long(decimal(b"300", false)), b"i\x2c\x01\0\0");
    // marshal.dumps({300, 2, 1, "b"}, 2): sorted by their bytes.
    fn set(emit: &mut dyn Emit) -> std::result::Result<(), Refused> {
        let mut level = emit.open(Container::Set, None)?;
        for n in [300, 2, 1] {
            level.item(emit)?;
            emit.int(n)?;
        }
        level.item(emit)?;
        emit.str("b")?;
        emit.close(level)
    }
    let mut buf = [0; 64];
    let written = Marshaller::new(&mut buf).version(2).write(|writer| set(writer)).unwrap();
    assert_eq!(written, b"<\x04\0\0\0i\x01\0\0\0i\x02\0\0\0i\x2c\x01\0\0u\x01\0\0\0b");
    let text = |raw, spelling, version| {
        let mut buf = [0; 64];
        Marshaller::new(&mut buf).version(version).write(|emit| emit.text(&Text::new(raw, spelling))).unwrap().to_vec()
    };
    assert_eq!(text(b"h\xe9", Spelling::Latin1, 4), b"u\x03\0\0\0h\xc3\xa9");
    assert_eq!(text(b"\\u20ac", Spelling::RawUnicode, 2), b"u\x03\0\0\0\xe2\x82\xac");
    assert_eq!(text(b"\\u0041b", Spelling::RawUnicode, 4), b"z\x02Ab");
    // Not what marshal carries.
    for kind in [Container::Reduce, Container::PersId, Container::State] {
        let mut buf = [0; 64];
        let error = Marshaller::new(&mut buf).write(|emit| emit.open(kind, Some(2)).map(|_| ())).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unsupported);
    }
    // A count that is not kept.
    let wrong = |emit: &mut dyn Emit| {
        let level = emit.open(Container::List, Some(2))?;
        emit.close(level)
    };
    assert_eq!(Marshaller::new(&mut buf).write(|writer| wrong(writer)).unwrap_err().kind, ErrorKind::Custom);
}

/// Sets of many items come out sorted, whatever order they came in.
#[test]
fn sets_are_sorted_by_their_bytes() {
    let mut state = 7u32;
    for n in [0usize, 1, 2, 3, 7, 64, 500] {
        let mut items: Vec<String> = Vec::new();
        for _ in 0..n {
            state = state.wrapping_mul(1664525).wrapping_add(1013904223);
            items.push("x".repeat(state as usize >> 28) + &state.to_string());
        }
        let mut buf = vec![0; 64 << 10];
        let written = Marshaller::new(&mut buf)
            .version(1)
            .write(|emit| {
                let mut level = emit.open(Container::FrozenSet, Some(items.len()))?;
                for item in &items {
                    level.item(emit)?;
                    emit.str(item)?;
                }
                emit.close(level)
            })
            .unwrap();
        let spell = |s: &String| [&b"u"[..], &(s.len() as u32).to_le_bytes(), s.as_bytes()].concat();
        let mut spelled: Vec<_> = items.iter().map(spell).collect();
        spelled.sort();
        assert_eq!(written[5..], spelled.concat(), "{n}");
    }
}

/// 2^30 leaves in 30 shared tuples are not written out.
#[test]
fn a_billion_laughs_run_out_of_fuel() {
    let mut bytes = b"\xa9\x02".repeat(30);
    bytes.extend(b"NN");
    for level in (1..30u32).rev() {
        bytes.push(b'r');
        bytes.extend(level.to_le_bytes());
    }
    decoded(Python::NEWEST, &bytes, |object| {
        assert_eq!(recode(object, 2).unwrap_err().kind, ErrorKind::OutOfFuel);
        // The outermost is referred to by nobody, the others keep their references.
        assert_eq!(recode(object, 4).unwrap().len(), bytes.len());
    });
}

#[test]
fn marshal_to_pickle_and_back_is_one_call() {
    for (name, version, skip, bytes) in vectors("3.13").iter().filter(|v| !v.0.starts_with("code") && v.1 != "pyc") {
        let plain = ["cycle", "ellipsis", "stop", "complex", "bytearray"].iter().all(|x| !name.starts_with(x));
        if !plain {
            continue;
        }
        let (mut buf, mut scratch) = (vec![0; 1 << 16], vec![Slot::EMPTY; 4096]);
        decoded(Python::new(3, 13), &bytes[*skip..], |object| {
            let pickle = larder::pickle::Pickler::new(&mut buf).recode(object, &mut scratch).unwrap();
            let mut slots = vec![Slot::EMPTY; larder::pickle::slots_needed(pickle).unwrap()];
            let back = larder::pickle::loads(pickle, &mut slots).unwrap();
            assert_eq!(recode(&back, 2).unwrap(), recode(object, 2).unwrap(), "{name} {version}");
        });
    }
}
