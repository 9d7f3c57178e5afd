//! Hostile pickles: an error with a place or the right value; no panic, no hang, no more memory than was lent.
#![cfg(all(feature = "pickle", feature = "serde"))]

use larder::object::serde::{Limits, from_object};
use larder::object::{Kind, Object, Slot, walk};
use larder::pickle::{self, ErrorKind, Pickler, Unpickler};

/// At most so many slots a byte: `a` of an item in a list of its own, again and again, comes closest.
const SLOTS_PER_BYTE: usize = 4;

/// Good pickles of every protocol and every opcode.
fn good() -> Vec<Vec<u8>> {
    let plain: &[&[u8]] = &[
        b"(lp0\nI1\naL5L\naF1.5\naVx\\u20ac\np1\nag1\naS'a\\x41'\np2\naN.",
        b"(dp0\nVa\n(I01\nI00\ntp1\nsVb\ng1\ns.",
        b"]q\0(K\x01M\x02\x03J\x04\0\0\0G?\xf0\0\0\0\0\0\0X\x01\0\0\0xq\x01h\x01T\x01\0\0\0yU\x01ze.",
        b"}q\0(X\x01\0\0\0aK\x01X\x01\0\0\0b)u.",
        b"\x80\x02(\x88\x89\x8a\x01\xff\x8b\x02\0\0\0\0\x01K\x01\x85K\x01K\x02\x86K\x01K\x02K\x03\x87t.",
        b"\x80\x02cmod\nCls\nq\0)\x81q\x01}q\x02X\x01\0\0\0aK\x01sb.",
        b"\x80\x02cmod\nf\nK\x01\x85R(K\x01K\x02eK\x03K\x04sK\x05a.",
        b"\x80\x02\x82\x05\x83\x05\x01\x84\x05\0\0\x01\x87.",
        b"(imod\nCls\nK\x01a.",
        b"(cmod\nCls\nK\x01K\x02o}b.",
        b"Pabc\n(K\x01QtK\x01Q\x86.",
        b"\x80\x03C\x03abcB\x02\0\0\0de\x86.",
        b"\x80\x04\x95\x0b\0\0\0\0\0\0\0]\x94h\0\x85\x94a0h\x01.",
        b"\x80\x04\x8f\x94(K\x01K\x02\x90(K\x03\x91\x86\x94.",
        b"\x80\x04\x8c\x03mod\x94\x8c\x03Cls\x94\x93\x94)}\x92\x94.",
        b"\x80\x04\x8d\x02\0\0\0\0\0\0\0hi\x8e\x02\0\0\0\0\0\0\0ho\x86.",
        b"\x80\x05\x96\x03\0\0\0\0\0\0\0abc\x97\x97\x98\x87.",
        b"(K\x01K\x0221(0K\x020K\x03.",
        b"]r\xff\xff\0\0j\xff\xff\0\0a.",
    ];
    let mut good: Vec<Vec<u8>> = plain.iter().map(|p| p.to_vec()).collect();
    // And what the writer writes of each, in every protocol that can carry it.
    for pickle in plain {
        let mut slots = vec![Slot::EMPTY; pickle::slots_needed(pickle).unwrap()];
        let object = pickle::loads(pickle, &mut slots).unwrap();
        for protocol in 0..=5 {
            let (mut buf, mut scratch) = (vec![0; 1000], [Slot::EMPTY; 300]);
            if let Ok(bytes) = Pickler::new(&mut buf).protocol(protocol).cpython().recode(&object, &mut scratch) {
                good.push(bytes.to_vec());
            }
        }
    }
    assert!(good.len() >= 100, "{}", good.len());
    good
}

/// Everything that can be done with a pickle: nothing may panic; answers whether it was taken.
fn exercise<'a>(bytes: &'a [u8], slots: &'a mut [Slot]) -> bool {
    let needed = match pickle::slots_needed(bytes) {
        Ok(needed) => needed,
        Err(error) => {
            assert!(error.offset <= bytes.len(), "{error}");
            return false;
        }
    };
    assert!(needed <= SLOTS_PER_BYTE * bytes.len() + 8, "{needed} slots for {} bytes: {bytes:?}", bytes.len());
    let object = match pickle::loads(bytes, &mut slots[..needed]) {
        Ok(object) => object,

        Err(error) => {
            assert!(error.offset <= bytes.len(), "{error}");
            assert!(!matches!(error.kind, ErrorKind::OutOfSlots { .. }), "{needed} slots did not do: {bytes:?}");
            return false;
        }
    };
    let _ = object.to_string();
    same::<Vec<i64>>(bytes, &object);
    same::<Vec<Vec<i64>>>(bytes, &object);
    same::<std::collections::BTreeMap<String, Vec<f64>>>(bytes, &object);
    same::<(i64, i64, i64)>(bytes, &object);
    same::<(Vec<u8>, Option<String>)>(bytes, &object);
    same::<Vec<(i64, String)>>(bytes, &object);
    let _ = from_object::<serde::de::IgnoredAny>(&object, Limits { depth: 16, fuel: 1000 });
    let _ = from_object::<Vec<u32>>(&object, Limits { depth: 16, fuel: 1000 });
    let (mut buf, mut scratch) = ([0; 512], [Slot::EMPTY; 400]);
    if let Ok(again) = Pickler::new(&mut buf).protocol(5).recode(&object, &mut scratch) {
        let mut slots = vec![Slot::EMPTY; pickle::slots_needed(again).unwrap()];
        assert_eq!(kinds(&pickle::loads(again, &mut slots).unwrap()), kinds(&object), "{bytes:?}");
    }
    true
}

/// What is read straight from the stream is what is read by way of the object.
fn same<'a, T: serde::Deserialize<'a> + PartialEq + std::fmt::Debug>(bytes: &'a [u8], object: &Object<'a>) {
    if let Ok(value) = pickle::from_plain::<T>(bytes) {
        assert_eq!(from_object::<T>(object, Limits::of(bytes)), Ok(value), "{bytes:?}");
    }
}

/// The kinds of an object and its items.
fn kinds(object: &Object<'_>) -> Vec<Kind> {
    core::iter::once(object.kind()).chain(object.items().map(|item| item.kind())).collect()
}

#[test]
fn every_prefix_is_an_error() {
    let mut slots = vec![Slot::EMPTY; 10_000];
    for pickle in good() {
        assert!(exercise(&pickle, &mut slots), "{pickle:?}");
        for end in 0..pickle.len() {
            assert!(!exercise(&pickle[..end], &mut slots), "{:?}", &pickle[..end]);
        }
        // With fewer slots: how many are enough.
        let needed = pickle::slots_needed(&pickle).unwrap();
        let error = pickle::loads(&pickle, &mut slots[..needed - 1]).unwrap_err();
        assert_eq!(error.kind, ErrorKind::OutOfSlots { needed });
    }
}

/// A generator of numbers, the same each time.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % n
    }
}

#[test]
fn mutations_never_panic() {
    let count = std::env::var("LARDER_MUTATIONS").map_or(100_000, |n| n.parse().unwrap());
    let (good, mut slots, mut random) = (good(), vec![Slot::EMPTY; 100_000], Random(0x1234_5678_9abc_def1));
    let codes: Vec<u8> = pickle::opcode::OPCODES.iter().map(|row| row.code).collect();
    let mut taken = 0;
    for _ in 0..count {
        let mut bytes = good[random.below(good.len())].clone();
        for _ in 0..=random.below(3) {
            let at = random.below(bytes.len());
            match random.below(6) {
                0 => bytes[at] = random.below(256) as u8,
                1 => bytes[at] ^= 1 << random.below(8),
                2 => bytes.insert(at, codes[random.below(codes.len())]),
                3 => bytes[at] = codes[random.below(codes.len())],
                4 if bytes.len() > 1 => drop(bytes.remove(at)),
                _ => {
                    let other = &good[random.below(good.len())];
                    let from = random.below(other.len());
                    bytes.splice(at..at, other[from..].iter().copied());
                }
            }
        }
        taken += u32::from(exercise(&bytes, &mut slots));
    }
    assert!(taken > count / 50, "the mutations are too wild: {taken} of {count} taken");
}

/// So many times `]` inside itself, each remembered and appended twice to the one before: 2 to the n leaves.
fn laughs(n: usize) -> Vec<u8> {
    let mut bytes = b"\x80\x04]".to_vec();
    for _ in 0..n {
        // x -> [x, x]
        bytes.extend(b"2\x86");
    }
    bytes.push(b'.');
    bytes
}

#[test]
fn a_billion_laughs_takes_linear_room_and_runs_out_of_fuel() {
    for n in [10, 60, 10_000] {
        let bytes = laughs(n);
        let needed = pickle::slots_needed(&bytes).unwrap();
        assert!(needed <= SLOTS_PER_BYTE * bytes.len());
        let mut slots = vec![Slot::EMPTY; needed];
        let object = pickle::loads(&bytes, &mut slots).unwrap();
        let limits = Limits { depth: u16::MAX, ..Limits::of(&bytes) };
        if n == 60 {
            let error = Unpickler::new().depth(1000).to::<Deep>(&object).unwrap_err();
            assert_eq!(error.kind, ErrorKind::OutOfFuel);
            let mut stack = vec![Slot::EMPTY; 100 * walk::SLOTS_PER_LEVEL];
            let mut count = Count(0);
            let error = walk::emit(&object, &mut count, &mut stack, limits.fuel).unwrap_err();
            assert_eq!(error.kind, ErrorKind::OutOfFuel);
            assert!(object.to_string().ends_with("..."));
        }
        // A writer that keeps a memo is not fooled.
        let mut scratch = vec![Slot::EMPTY; object.shared_count() + (n + 2) * walk::SLOTS_PER_LEVEL];
        let mut buf = vec![0; 20 * n + 100];
        assert!(Pickler::new(&mut buf).recode(&object, &mut scratch).is_ok());
    }
}

/// A sequence of sequences, however deep.
#[derive(Debug)]
struct Deep;

impl<'de> serde::Deserialize<'de> for Deep {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Deep, D::Error> {
        struct Visit;
        impl<'de> serde::de::Visitor<'de> for Visit {
            type Value = Deep;
            fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
                f.write_str("a sequence")
            }
            fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut items: A) -> Result<Deep, A::Error> {
                while items.next_element::<Deep>()?.is_some() {}
                Ok(Deep)
            }
        }
        deserializer.deserialize_seq(Visit)
    }
}

/// A writer without a memo: it only counts.
struct Count(u64);

mod count {
    use super::Count;
    use larder::object::{Container, Emit, Level, Long, Refused, Text};

    macro_rules! counts {
        ($($name:ident($($type:ty),*))*) => {$(
            fn $name(&mut self, $(_: $type),*) -> Result<(), Refused> {
                self.0 += 1;
                Ok(())
            }
        )*};
    }

    impl Emit for Count {
        counts! { none() bool(bool) int(i64) long(&Long<'_>) float(f64) complex(f64, f64) str(&str) text(&Text<'_>)
        bytes(&[u8]) byte_string(&Text<'_>) byte_array(&[u8]) global(&Text<'_>, &Text<'_>) ext(u32) buffer(usize)
        pers_id(&Text<'_>) ellipsis() stop_iteration() }

        fn open(&mut self, container: Container, _: Option<usize>) -> Result<Level, Refused> {
            self.0 += 1;
            Ok(Level { left: u32::MAX, len: 0, container, state: 0, shared: 0, at: 0 })
        }
        fn more(&mut self, _: &mut Level) -> Result<(), Refused> {
            Ok(())
        }
        fn close(&mut self, _: Level) -> Result<(), Refused> {
            Ok(())
        }
    }
}

#[test]
fn depth_is_limited_where_it_is_walked_and_free_where_it_is_not() {
    let depth = 100_000;
    let mut bytes = vec![b']'; depth];
    bytes.extend(vec![b'a'; depth - 1]);
    bytes.push(b'.');
    let mut slots = vec![Slot::EMPTY; pickle::slots_needed(&bytes).unwrap()];
    let object = pickle::loads(&bytes, &mut slots).unwrap();
    assert_eq!(Unpickler::new().to::<Deep>(&object).unwrap_err().kind, ErrorKind::TooDeep);
    assert!(object.to_string().ends_with("..."));
    let (mut buf, mut scratch) = (vec![0; 10 * depth], vec![Slot::EMPTY; 400]);
    let error = Pickler::new(&mut buf).recode(&object, &mut scratch).unwrap_err();
    assert_eq!(error.kind, ErrorKind::TooDeep);
    let mut scratch = vec![Slot::EMPTY; depth * walk::SLOTS_PER_LEVEL];
    assert!(Pickler::new(&mut buf).recode(&object, &mut scratch).is_ok());
}

#[test]
fn memo_numbers_and_lengths_cost_nothing() {
    let refused = |bytes: &[u8]| {
        let mut slots = vec![Slot::EMPTY; 100];
        pickle::loads(bytes, &mut slots).map(drop).unwrap_err().kind
    };
    // The memo bomb of CVE-2018-20406: the number of an entry, no memory for those before it.
    assert!(pickle::slots_needed(b"]r\xff\xff\xff\x7f.").unwrap() <= 4);
    assert!(pickle::slots_needed(b"]r\xff\xff\xff\x7fj\xff\xff\xff\x7f.").unwrap() <= 8);
    assert_eq!(refused(b"j\xff\xff\xff\xff."), ErrorKind::NoSuchEntry);
    assert_eq!(refused(b"]p99999999999999999999\n."), ErrorKind::BadArgument);
    for header in [
        &b"B\xff\xff\xff\xff"[..],
        b"\x8e\xff\xff\xff\xff\xff\xff\xff\x7f",
        b"\x95\xff\xff\xff\xff\xff\xff\xff\xff",
        b"T\xff\xff\xff\xff",
        b"\x8b\xff\xff\xff\xff",
    ] {
        assert_eq!(refused(&[header, b"."].concat()), ErrorKind::Truncated, "{header:?}");
    }
    assert_eq!(refused(&[b"L", &[b'9'; 4301][..], b"L\n."].concat()), ErrorKind::BadArgument);
}

#[test]
fn time_is_linear_in_the_input() {
    // A list of n lists, each put into it alone, and n entries read back: the worst for chunks and for the memo.
    for n in [1_000u32, 200_000] {
        let mut bytes = b"]".to_vec();
        for i in 0..n {
            bytes.extend(b"]r");
            bytes.extend((i * 7).to_le_bytes());
            bytes.push(b'a');
        }
        for i in (0..n).rev() {
            bytes.push(b'j');
            bytes.extend((i * 7).to_le_bytes());
            bytes.push(b'a');
        }
        bytes.push(b'.');
        let mut slots = vec![Slot::EMPTY; pickle::slots_needed(&bytes).unwrap()];
        let object = pickle::loads(&bytes, &mut slots).unwrap();
        assert_eq!(object.len(), 2 * n as usize);
        let first = object.at(0).unwrap();
        assert!(object.at(2 * n as usize - 1).unwrap().is(&first));
    }
}

/// Marks in one another, as many as make a line's indent longer than what Rust takes as a width.
#[test]
fn dis_indents_however_many_marks_there_are() {
    struct Longest(usize, usize);
    impl std::fmt::Write for Longest {
        fn write_str(&mut self, text: &str) -> std::fmt::Result {
            self.1 += text.len();
            if text.ends_with('\n') {
                *self = Longest(self.0.max(self.1), 0);
            }
            Ok(())
        }
    }
    const MARKS: usize = 16_400;
    let pickle = [&b"(".repeat(MARKS)[..], b"."].concat();
    let (mut slots, mut longest) = (vec![Slot::EMPTY; 4 * pickle.len()], Longest(0, 0));
    // What is left on the stack is an error, behind all lines.
    pickle::dis(&pickle, &mut slots, &mut longest).unwrap_err();
    assert_eq!(longest.0, "16400: .    STOP\n".len() + 4 * MARKS);
}
