//! marshal against what real Pythons wrote (`tests/data/marshal`), and against every kind of damage.

use larder::marshal::{self, Header, Marshaller, Python, Unmarshaller, load_pyc};
use larder::object::{Error, ErrorKind, Kind, Object, Slot};
use std::fs;
use std::path::Path;

/// One line of a file of vectors.
struct Vector {
    name: String,
    python: Python,
    skip: usize,
    bytes: Vec<u8>,
}

fn unhex(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap()).collect()
}

fn python(name: &str) -> Python {
    let (major, minor) = name.split_once('.').unwrap();
    Python::new(major.parse().unwrap(), minor.parse().unwrap())
}

/// All vectors of all Pythons.
fn vectors() -> Vec<Vector> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/marshal");
    let mut vectors = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|e| e != "txt") {
            continue;
        }
        let stem = path.file_stem().unwrap().to_str().unwrap();
        for line in fs::read_to_string(&path).unwrap().lines() {
            let fields: Vec<&str> = line.split('\t').collect();
            let by_hand = stem == "by-hand";
            vectors.push(Vector {
                name: format!("{stem} {} {}", fields[0], fields[1]),
                python: python(if by_hand { fields[1] } else { stem }),
                skip: fields[2].parse().unwrap(),
                bytes: unhex(fields[3]),
            });
        }
    }
    assert!(vectors.len() > 500, "{} vectors", vectors.len());
    vectors
}

/// Visits at most so many values of what a value holds: what is read on demand is read.
fn visit(object: Object<'_>, most: usize) {
    let mut left = vec![object];
    for _ in 0..most {
        let Some(object) = left.pop() else { return };
        let _ = (object.kind(), object.len(), object.offset(), object.as_i64(), object.as_f64());
        if let Ok(text) = object.text() {
            assert!(text.is_valid());
        }
        left.extend(object.items());
    }
}

#[test]
fn every_vector_is_read_with_the_slots_it_says() {
    for vector in vectors() {
        let reader = Unmarshaller::new().python(vector.python);
        let stream = &vector.bytes[vector.skip..];
        let needed = reader.slots_needed(stream).unwrap();
        assert!(needed <= 3 * stream.len() + 8, "{}: {needed} slots for {} bytes", vector.name, stream.len());
        let mut slots = vec![Slot::EMPTY; needed];
        let object = reader.loads(stream, &mut slots).unwrap_or_else(|e| panic!("{}: {e}", vector.name));
        visit(object, 10_000);
        // One less is refused, with this very number, or with the most that there can be.
        let most = 3 * stream.len() + 8;
        if let Some(less) = needed.checked_sub(1) {
            match reader.loads(stream, &mut vec![Slot::EMPTY; less]).err().map(|error| error.kind) {
                Some(ErrorKind::OutOfSlots { needed: enough }) if enough == needed || enough == most => {}
                error => assert!(error.is_none() && needed == most, "{}: {error:?}", vector.name),
            }
        }
        // Fewer are too few, and the error says how many are enough.
        for less in (0..needed).step_by(1 + needed / 50) {
            let mut slots = vec![Slot::EMPTY; less];
            match reader.loads(stream, &mut slots) {
                Ok(_) => {}
                Err(Error { kind: ErrorKind::OutOfSlots { needed: enough }, .. }) => {
                    assert!(enough > less, "{}", vector.name);
                    assert!(reader.loads(stream, &mut vec![Slot::EMPTY; enough]).is_ok(), "{}", vector.name);
                }
                Err(error) => panic!("{}: {error} with {less} slots", vector.name),
            }
        }
    }
}

#[test]
fn every_prefix_is_refused_at_a_place_within() {
    for vector in vectors().iter().filter(|v| !v.name.contains("trailing")) {
        let reader = Unmarshaller::new().python(vector.python);
        let stream = &vector.bytes[vector.skip..];
        let mut slots = vec![Slot::EMPTY; 3 * stream.len() + 8];
        let step = 1 + stream.len() / 400;
        for len in (0..stream.len()).step_by(step) {
            let error = reader.loads(&stream[..len], &mut slots).expect_err(&vector.name);
            assert!(error.offset <= len, "{}: {error}", vector.name);
            assert!(reader.slots_needed(&stream[..len]).is_err(), "{}", vector.name);
        }
    }
}

#[test]
fn damage_is_an_error_or_a_value() {
    let mut state = 0x2545_f491_4f6c_dd1du64;
    let mut random = move |n: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % n.max(1) as u64) as usize
    };
    for vector in vectors() {
        let stream = &vector.bytes[vector.skip..];
        for python in [vector.python, Python::NEWEST] {
            let reader = Unmarshaller::new().python(python);
            for _ in 0..60 {
                let mut bytes = stream.to_vec();
                for _ in 0..1 + random(3) {
                    let at = random(bytes.len());
                    match random(3) {
                        0 => bytes[at] = random(256) as u8,
                        1 => bytes[at] ^= 1 << random(8),
                        _ => drop(bytes.remove(at)),
                    }
                    if bytes.is_empty() {
                        break;
                    }
                }
                let mut slots = vec![Slot::EMPTY; 3 * bytes.len() + 8];
                match reader.loads(&bytes, &mut slots) {
                    Ok(object) => visit(object, 1_000),
                    // So many slots are always enough.
                    Err(Error { kind: ErrorKind::OutOfSlots { .. }, .. }) => panic!("{}: {bytes:x?}", vector.name),
                    Err(error) => assert!(error.offset <= bytes.len(), "{}: {error}", vector.name),
                }
            }
        }
    }
}

/// What is refused, as the newest Python refuses it.
#[test]
fn malformed_streams_are_refused_where_they_are() {
    let refused: &[(&[u8], ErrorKind, usize)] = &[
        (b"", ErrorKind::Truncated, 0),
        (b"?", ErrorKind::UnknownCode(b'?'), 0),
        (b"R\0\0\0\0", ErrorKind::UnknownCode(b'R'), 0),
        (b"0", ErrorKind::WrongKind, 0),
        (b"[\x01\0\0\x000", ErrorKind::WrongKind, 5),
        (b"[\xff\xff\xff\xff", ErrorKind::BadArgument, 0),
        (b"[\xff\xff\xff\x7f", ErrorKind::Truncated, 0),
        (b"s\x04\0\0\0abc", ErrorKind::Truncated, 0),
        (b"l\0\0\0\x80", ErrorKind::BadArgument, 0),
        (b"l\x02\0\0\0\xff\x7f\0\0", ErrorKind::BadArgument, 0),
        (b"l\x01\0\0\0\0\x80", ErrorKind::BadArgument, 0),
        (b"f\x031_0", ErrorKind::BadArgument, 0),
        (b"u\x02\0\0\0\xc0\x80", ErrorKind::BadText, 0),
        (b"r\0\0\0\0", ErrorKind::NoSuchEntry, 0),
        (b"(\x02\0\0\0\xcer\0\0\0\0", ErrorKind::NoSuchEntry, 6),
        (b"\xbe\x01\0\0\0r\0\0\0\0", ErrorKind::NoSuchEntry, 5),
        (b"<\x01\0\0\0[\0\0\0\0", ErrorKind::Unhashable, 5),
        (b"<\x01\0\0\0)\x01[\0\0\0\0", ErrorKind::Unhashable, 7),
        (b"{[\0\0\0\0N0", ErrorKind::Unhashable, 7),
        (b"\xa9\x01{r\0\0\0\0N0", ErrorKind::Unhashable, 9),
        (b"<\x01\0\0\0:[\0\0\0\0NN", ErrorKind::Unhashable, 12),
        (b"<\x01\0\0\0}N[\0\0\0\x000", ErrorKind::Unhashable, 12),
        (b"{<\x01\0\0\0NN0", ErrorKind::Unhashable, 8),
        (b"c", ErrorKind::WrongKind, 0),
    ];
    for (bytes, kind, offset) in refused {
        let mut slots = [Slot::EMPTY; 64];
        let error = marshal::loads(bytes, &mut slots).err().unwrap_or_else(|| panic!("{bytes:x?}"));
        assert_eq!((error.kind, error.offset), (*kind, *offset), "{bytes:x?}");
    }
}

/// What may be a key or member, and what may hold what cannot be one.
#[test]
fn hashable_is_what_pythons_is() {
    let mut slots = [Slot::EMPTY; 64];
    for (bytes, kind) in [
        (&b"<\x01\0\0\0:NNi\x01\0\0\0"[..], Kind::Set),
        (b"{:NNNT0", Kind::Dict),
        (b">\x01\0\0\0}NT0", Kind::FrozenSet),
        (b"{)\x01>\0\0\0\0[\0\0\0\x000", Kind::Dict),
        (b":[\0\0\0\0NN", Kind::Slice),
        (b"}N[\0\0\0\x000", Kind::FrozenDict),
        // A key without a value ends the dict, whatever it is.
        (b"{[\0\0\0\x000", Kind::Dict),
    ] {
        let object = marshal::loads(bytes, &mut slots).unwrap_or_else(|e| panic!("{bytes:x?}: {e}"));
        assert_eq!(object.kind(), kind);
        visit(object, 100);
    }
}

#[test]
fn nesting_ends_where_cpython_ends_it() {
    let nested = |n: usize| [&b"[\x01\0\0\0".repeat(n)[..], b"N"].concat();
    let mut slots = vec![Slot::EMPTY; 40_000];
    assert!(marshal::loads(&nested(1_999), &mut slots).is_ok());
    assert_eq!(marshal::loads(&nested(2_000), &mut slots).err().unwrap().kind, ErrorKind::TooDeep);
}

#[test]
fn code_objects_only_where_they_are_allowed() {
    let vector =
        vectors().into_iter().find(|v| v.name.ends_with("module.pyc pyc") && v.name.starts_with("3.13")).unwrap();
    let mut slots = vec![Slot::EMPTY; 3 * vector.bytes.len()];
    let (header, code) = load_pyc(&vector.bytes, &mut slots).unwrap();
    assert_eq!(header, Header { python: Python::new(3, 13), len: 16, flags: 0, stamp: header.stamp });
    assert_eq!(header.stamp[0], 1_700_000_000);
    assert_eq!(code.kind(), Kind::Code);
    let names: Vec<&str> = marshal::code::layout(header.python).iter().map(|field| field.name).collect();
    let field = |name: &str| code.items().nth(names.iter().position(|n| *n == name).unwrap()).unwrap();
    assert_eq!(field("filename").as_str().unwrap(), "m.py");
    assert_eq!(field("qualname").as_str().unwrap(), "<module>");
    assert_eq!(field("firstlineno").as_i64().unwrap(), 1);
    let forbidden = Unmarshaller::new().python(header.python).allow_code(false);
    let error = forbidden.loads(&vector.bytes[16..], &mut slots).err().unwrap();
    assert_eq!((error.kind, error.offset), (ErrorKind::WrongKind, 0));
    // Nobody says whose they are.
    let error = marshal::loads(&vector.bytes[16..], &mut slots).err().unwrap();
    assert_eq!((error.kind, error.offset), (ErrorKind::WrongKind, 0));
    // The newest Python's, by name: 3.11 to 3.15 have one layout.
    assert!(Unmarshaller::new().allow_code(true).loads(&vector.bytes[16..], &mut slots).is_ok());
}

#[test]
fn every_pyc_tells_its_python() {
    for vector in vectors().iter().filter(|v| v.skip > 0) {
        let header = Header::read(&vector.bytes).unwrap();
        assert_eq!((header.python, header.len), (vector.python, vector.skip), "{}", vector.name);
    }
    assert_eq!(Header::read(b"\x7fELF\x02\x01\x01\0").unwrap_err().kind, ErrorKind::UnknownProtocol(0x7f));
}

#[test]
fn several_values_in_one_stream() {
    let bytes = b"[\x01\0\0\0Ni\x07\0\0\0T";
    let (mut at, mut kinds) = (0, Vec::new());
    while at < bytes.len() {
        let mut slots = [Slot::EMPTY; 16];
        let (object, end) = Unmarshaller::new().load(bytes, at, &mut slots).unwrap();
        kinds.push(object.kind());
        at = end;
    }
    assert_eq!(kinds, [Kind::List, Kind::Int, Kind::Bool]);
}

/// Shared tuples that unfold to 2^30 leaves take room in proportion to the stream.
#[test]
fn a_billion_laughs_are_decoded_in_linear_room() {
    let mut bytes = Vec::new();
    for _ in 0..30 {
        bytes.extend(b"\xa9\x02");
    }
    bytes.extend(b"NN");
    for level in (1..30u32).rev() {
        bytes.push(b'r');
        bytes.extend(level.to_le_bytes());
    }
    let mut slots = vec![Slot::EMPTY; 3 * bytes.len() + 8];
    let mut object = marshal::loads(&bytes, &mut slots).unwrap();
    for _ in 0..29 {
        assert_eq!(object.len(), 2);
        assert!(object.at(0).unwrap().is(&object.at(1).unwrap()));
        object = object.at(1).unwrap();
    }
}

/// Floats as versions 0 and 1 write them, against Rust's exact formatting of 17 digits.
#[test]
fn float_texts_have_17_digits_rightly_rounded() {
    let mut values =
        vec![0.0, -0.0, 1.0, 0.1, 1e16, 1e17, 123456789012345680.0, 5e-324, f64::MAX, f64::MIN_POSITIVE, 1e-5, 1e-4];
    let mut bits = 0x1234_5678_9abc_def1u64;
    for _ in 0..3_000 {
        bits = bits.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        values.push(f64::from_bits(bits));
        // Short decimals and halves, where ties are.
        values.push((bits >> 44) as f64 / 1024.0);
    }
    for value in values.into_iter().filter(|value| value.is_finite()) {
        let mut buf = [0; 64];
        let written = Marshaller::new(&mut buf).version(0).dumps(&value).unwrap();
        let text = std::str::from_utf8(&written[2..]).unwrap();
        // %.17g by way of %e: 17 digits, their zeros dropped, laid out by the exponent.
        let scientific = format!("{value:.16e}");
        let (mantissa, exponent) = scientific.split_once('e').unwrap();
        let exponent: i32 = exponent.parse().unwrap();
        let wanted = if (-4..17).contains(&exponent) {
            let fixed = format!("{value:.*}", (16 - exponent) as usize);
            if fixed.contains('.') { fixed.trim_end_matches('0').trim_end_matches('.').to_string() } else { fixed }
        } else {
            let mantissa = mantissa.trim_end_matches('0').trim_end_matches('.');
            format!("{mantissa}e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs())
        };
        assert_eq!(text, wanted);
        assert_eq!(text.parse::<f64>().unwrap().to_bits(), value.to_bits());
    }
}

/// Dicts as keys of dicts, found by the fuzz target: refused as such, and not for want of slots beyond what is promised.
#[test]
fn dicts_as_keys_need_no_more_slots_than_promised() {
    let bytes = b"\x7b\x7b\x7b\x7b\x7b\x7b\x7b\x7b\x7b\x7b\x7b\x7b\x7b\x7b\x7b\x7b\x7b\x7b\x7b\x7b\x7b\x7b\x7b\x7b\x7b\x7b\x7b\x7b\x7b\xb0\xb0\xb0\xb0\xb0\xb0\xb0\xb0\xb0\xb0\xb0\xb0\xb0\xb0\xb0\xb0\xb0\xb0\xb0\xb0\x7b\x7b\x7b\xb0\xb0\xb0\xb0\xb0\xb0\xb0\xb0\xb0\xb0\xb0\xb0\x7b\x7b\xb0\xb0\xb0\x7b\x7b\x7b\x7b\x7b\x78";
    let reader = Unmarshaller::new().python(Python::new(3, 13));
    let needed = reader.slots_needed(bytes).unwrap();
    assert!(needed <= 3 * bytes.len() + 8);
    let mut slots = vec![Slot::EMPTY; needed];
    let error = reader.loads(bytes, &mut slots).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unhashable);
}

/// Open dicts that take an index each, found by the fuzz target: cut off, they are that and not short of slots.
#[test]
fn what_is_cut_off_needs_no_more_slots_than_promised() {
    for n in [1, 10, 60, 500, 1_998] {
        let bytes = [&b"\xa9\x01"[..], &b"\xfb".repeat(n), b"(an"].concat();
        let mut slots = vec![Slot::EMPTY; 3 * bytes.len() + 8];
        assert_eq!(marshal::loads(&bytes, &mut slots).unwrap_err().kind, ErrorKind::Truncated);
        // Keys without values end each dict.
        let bytes = [&b"\xfb".repeat(n)[..], &b"0".repeat(n)].concat();
        let mut slots = vec![Slot::EMPTY; 3 * bytes.len() + 8];
        let needed = marshal::slots_needed(&bytes).unwrap();
        assert!(needed <= slots.len());
        assert!(marshal::loads(&bytes, &mut slots[..needed]).is_ok());
    }
}
