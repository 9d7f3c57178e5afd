//! What a hostile pickle can do: each attack that `src/pickle/HOSTILE.md` names, and the tests that hold it.
#![cfg(all(feature = "pickle", feature = "classes"))]

use larder::copyreg::classes::*;
use larder::copyreg::{Class, Extension, Registry, Table, Value};
use larder::object::{Error, ErrorKind, Extra, Kind, Object, Slot};
use larder::pickle::{self, Pickler, Unpickler};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

fn slots(pickle: &[u8]) -> Result<Vec<Slot>, Error> {
    Ok(vec![Slot::EMPTY; pickle::slots_needed(pickle)?])
}

fn with<T>(pickle: &[u8], then: impl FnOnce(Object<'_>) -> T) -> Result<T, Error> {
    Ok(then(pickle::loads(pickle, &mut slots(pickle)?)?))
}

fn kind(pickle: &[u8]) -> Result<Kind, ErrorKind> {
    with(pickle, |object| object.kind()).map_err(|error| error.kind)
}

/// Reads a value of this type, which may borrow: pickle and slots live on.
fn read<T: Deserialize<'static>>(registry: &Registry<'static>, pickle: &[u8]) -> Result<T, ErrorKind> {
    let pickle: &'static [u8] = pickle.to_vec().leak();
    let slots = slots(pickle).map_err(|error| error.kind)?.leak();
    Unpickler::new().registry(registry).from_slice(pickle, slots).map_err(|error| error.kind)
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Point {
    x: i32,
    y: i32,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Color {
    Red,
}

static CLASSES: Registry = Registry::new(&[
    Class::namedtuple("geometry", "Point"),
    Class::enumeration("geometry", "Color", &[("Red", Value::Int(1))]),
])
.extensions(&[Extension::new("geometry", "Point", 7)]);

/// `os.system('id')` by every opcode that names or calls something.
const CALLS: [&[u8]; 9] = [
    b"cos\nsystem\n(S'id'\ntR.",
    b"cposix\nsystem\n(S'id'\ntR.",
    b"(S'id'\nios\nsystem\n.",
    b"(cos\nsystem\nS'id'\no.",
    b"\x80\x02cos\nsystem\n(U\x02idt\x81.",
    b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x02id\x85R.",
    b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x02id\x85}\x92.",
    b"\x80\x04\x8c\x08builtins\x8c\x04eval\x93\x8c\x011\x85R.",
    b"\x80\x02\x82\x07(U\x02idtR.",
];

#[test]
fn nothing_is_imported_or_called() {
    for call in CALLS {
        // It is data: a call that nobody makes.
        let kind = kind(call).unwrap();
        assert!(matches!(kind, Kind::Reduce | Kind::NewObj | Kind::NewObjEx | Kind::Inst), "{kind:?}");
    }
    with(CALLS[0], |object| {
        let (module, name) = object.callable().unwrap().global().unwrap();
        assert!(module.is("os") && name.is("system"));
        assert_eq!(object.args().unwrap().at(0).unwrap().text().unwrap().as_str(), Some("id"));
    })
    .unwrap();
}

#[test]
fn what_is_not_registered_is_refused() {
    for call in CALLS {
        for registry in [&Registry::EMPTY, &CLASSES] {
            // The last one calls what the extension code stands for, which is a point of one coordinate too few.
            let refused = read::<Point>(registry, call).unwrap_err();
            assert!(
                matches!(refused, ErrorKind::NotRegistered | ErrorKind::FieldType(_) | ErrorKind::UnexpectedType),
                "{refused:?}"
            );
            assert!(read::<i64>(registry, call).is_err());
            assert!(read::<String>(registry, call).is_err());
            assert!(read::<Vec<u8>>(registry, call).is_err());
            assert!(read::<Option<Point>>(registry, call).is_err());
            assert!(read::<BTreeMap<String, i32>>(registry, call).is_err());
            assert!(read::<Color>(registry, call).is_err());
            assert!(read::<DateTime<'static>>(registry, b"N.").is_err());
        }
    }
    assert_eq!(read::<Point>(&Registry::EMPTY, CALLS[0]), Err(ErrorKind::NotRegistered));
    // A class is what its module and its name say, not one of them.
    assert_eq!(read::<Point>(&CLASSES, b"cos\nPoint\n(I1\nI2\ntR."), Err(ErrorKind::NotRegistered));
    assert_eq!(read::<Point>(&CLASSES, b"cgeometry\npoint\n(I1\nI2\ntR."), Err(ErrorKind::NotRegistered));
    assert_eq!(read::<Point>(&CLASSES, b"cgeometry\nPoint\n(I1\nI2\ntR."), Ok(Point { x: 1, y: 2 }));
    // One class is not another, though both are in the table.
    assert_eq!(read::<Point>(&CLASSES, b"cgeometry\nColor\n(I1\ntR."), Err(ErrorKind::NotRegistered));
}

#[test]
fn one_ready_made_class_is_not_another() {
    let mut buf = [0; 256];
    let date = pickle::dumps(&Date::MIN, &mut buf).unwrap().to_vec();
    assert_eq!(read::<Date>(&Registry::EMPTY, &date), Ok(Date::MIN));
    assert_eq!(read::<Uuid>(&Registry::EMPTY, &date), Err(ErrorKind::NotRegistered));
    assert_eq!(read::<TimeDelta>(&Registry::EMPTY, &date), Err(ErrorKind::NotRegistered));
    // Nor is a dict with the right keys, nor a call of something else with the right arguments.
    assert_eq!(read::<Date>(&Registry::EMPTY, b"}(Vpacked\nC\x04\0\x01\x01\x01u."), Err(ErrorKind::UnexpectedType));
    assert_eq!(
        read::<Date>(&Registry::EMPTY, b"cos\nsystem\nC\x04\0\x01\x01\x01\x85R."),
        Err(ErrorKind::NotRegistered)
    );
}

#[test]
fn attribute_chains_lead_nowhere() {
    // geometry.Point.__init__.__globals__, as a dotted name and as getattr; getattr itself with other targets.
    let chains: [&[u8]; 5] = [
        b"\x80\x04\x8c\x08geometry\x8c\x1aPoint.__init__.__globals__\x93)R.",
        b"c__builtin__\ngetattr\n(cgeometry\nPoint\nS'__init__'\ntR)R.",
        b"c__builtin__\ngetattr\n(c__builtin__\ngetattr\n(cgeometry\nPoint\nS'x'\ntRS'Point'\ntR)R.",
        b"cgeometry\nPoint.Point\n(I1\nI2\ntR.",
        b"\x80\x04\x8c\x0dgeometry.evil\x8c\x05Point\x93K\x01K\x02\x86R.",
    ];
    for chain in chains {
        assert_eq!(read::<Point>(&CLASSES, chain), Err(ErrorKind::NotRegistered), "{}", chain.escape_ascii());
    }
    // A getattr that holds itself: the memo has the tuple before its call.
    let endless = b"(]p0\nc__builtin__\ngetattr\n(g0\nS'x'\ntRa.";
    assert!(read::<Point>(&CLASSES, endless).is_err());
}

#[test]
fn state_on_a_class_stays_data() {
    // BUILD on a class, on a module's function, on a value of the memo: Python would set attributes of the class itself.
    let builds: [&[u8]; 3] = [
        b"cgeometry\nPoint\n}(S'__init__'\ncos\nsystem\nub.",
        b"cgeometry\nPoint\nN}(S'x'\nI1\nu\x86b.",
        b"\x80\x04\x8c\x08geometry\x8c\x05Point\x93\x94}\x8c\x01xK\x05sbh\0.",
    ];
    for build in builds {
        assert!(read::<Point>(&CLASSES, build).is_err(), "{}", build.escape_ascii());
    }
    // And the table is what it was: the class is still read as before.
    assert_eq!(read::<Point>(&CLASSES, b"cgeometry\nPoint\n(I1\nI2\ntR."), Ok(Point { x: 1, y: 2 }));
}

#[test]
fn fields_cannot_be_smuggled_in() {
    // Twice the same field: as argument and as state. More arguments than fields. Items on what is no list.
    let cases: [(&[u8], ErrorKind); 6] = [
        (b"cgeometry\nPoint\n(I1\nI2\nt\x81}(S'x'\nI9\nub.", ErrorKind::DuplicateField("x")),
        (b"cgeometry\nPoint\n(I1\nI2\nI3\nt\x81.", ErrorKind::WrongLength),
        (b"cgeometry\nPoint\n(I1\nI2\nt\x81(I3\ne.", ErrorKind::WrongKind),
        (b"cgeometry\nPoint\n(I1\nI2\nt\x81(I3\nI4\nu.", ErrorKind::WrongKind),
        (b"cgeometry\nPoint\n(I1\nI2\nt\x81S'state'\nb.", ErrorKind::UnexpectedType),
        (b"cgeometry\nPoint\n(I1\nt\x81.", ErrorKind::MissingField("y")),
    ];
    for (pickle, error) in cases {
        assert_eq!(read::<Point>(&CLASSES, pickle), Err(error), "{}", pickle.escape_ascii());
    }
    // What Python would do with such names is nothing here: they are fields that the struct does not have.
    let dunder = b"cgeometry\nPoint\n(I1\nI2\nt\x81}(S'__class__'\ncos\nsystem\nS'__reduce__'\ncos\nsystem\nub.";
    assert_eq!(read::<Point>(&CLASSES, dunder), Ok(Point { x: 1, y: 2 }));
}

#[test]
fn values_that_a_class_cannot_have_are_refused() {
    fn refused<T: Deserialize<'static> + std::fmt::Debug>(pickle: &[u8]) {
        let got = read::<T>(&Registry::EMPTY, pickle);
        assert!(got.is_err(), "{} is {got:?}", pickle.escape_ascii());
    }
    refused::<Date>(b"cdatetime\ndate\nC\x04\x07\xea\x02\x1e\x85R.");
    refused::<Date>(b"cdatetime\ndate\nC\x04\x00\x00\x01\x01\x85R.");
    refused::<Date>(b"cdatetime\ndate\nC\x03\x07\xea\x01\x85R.");
    refused::<Date>(b"cdatetime\ndate\n(K\x01K\x02K\x03tR.");
    refused::<Time<'static>>(b"cdatetime\ntime\nC\x06\x18\0\0\0\0\0\x85R.");
    refused::<DateTime<'static>>(b"cdatetime\ndatetime\nC\x0a\x07\xea\x01\x01\x80\0\0\0\0\0\x85R.");
    refused::<DateTime<'static>>(b"cdatetime\ndatetime\nC\x0a\x07\xea\x01\x01\0\0\0\x0f\x42\x40\x85R.");
    refused::<TimeDelta>(b"cdatetime\ntimedelta\n(J\xff\xff\xff\x7fK\0K\0tR.");
    refused::<TimeDelta>(b"cdatetime\ntimedelta\n(K\0\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7ftR.");
    refused::<TimeZone<'static>>(b"cdatetime\ntimezone\ncdatetime\ntimedelta\nK\x01K\0K\0\x87R\x85R.");
    refused::<Decimal<'static>>(b"cdecimal\nDecimal\nV__import__('os')\n\x85R.");
    refused::<Fraction>(b"cfractions\nFraction\nK\x01K\0\x86R.");
    refused::<Fraction>(b"cfractions\nFraction\nV1/0\n\x85R.");
    refused::<Range>(b"c__builtin__\nxrange\nK\x01K\x02K\0\x87R.");
    refused::<Uuid>(b"cuuid\nUUID\n)\x81}(Vint\n\x8a\x11\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01ub.");
    refused::<Uuid>(b"cuuid\nUUID\n)\x81}(Vint\nJ\xff\xff\xff\xffub.");
    refused::<Array<Vec<i16>, 'h'>>(b"carray\n_array_reconstructor\n(carray\narray\nVh\nK\x04C\x03abctR.");
    refused::<Array<Vec<i16>, 'h'>>(b"carray\n_array_reconstructor\n(carray\narray\nVh\nK\x16C\x02abtR.");
    refused::<Array<Vec<i16>, 'h'>>(b"carray\n_array_reconstructor\n(cos\nsystem\nVh\nK\x04C\x02abtR.");
    refused::<Array<Vec<i16>, 'h'>>(b"carray\narray\nVd\n](G\0\0\0\0\0\0\0\0e\x86R.");
    refused::<Array<Vec<i16>, 'h'>>(b"carray\narray\nVh\n](M\xff\xffe\x86R.");
    refused::<DefaultDict<BTreeMap<i32, i32>>>(b"ccollections\ndefaultdict\ncos\nsystem\n\x85R.");
    refused::<Deque<Vec<i32>>>(b"ccollections\ndeque\n)J\xff\xff\xff\xff\x86R.");
    refused::<OrderedDict<BTreeMap<i32, i32>>>(b"ccollections\nOrderedDict\n](](K\x01ee\x85R.");
    refused::<Set<Vec<i32>>>(b"](K\x01e.");
    refused::<Path<Vec<String>>>(b"cpathlib\nPurePosixPath\n](V/\ne\x85R.");
}

/// `[[[...]]]`, so deep.
fn nested(depth: usize) -> Vec<u8> {
    [&b"\x80\x04"[..], &b"]".repeat(depth), &b"a".repeat(depth - 1), b"."].concat()
}

#[test]
fn deep_nesting_ends_at_a_limit() {
    for depth in [10, 60, 65, 1000, 100_000] {
        let pickle = nested(depth);
        // The machine does not recurse; the typed reading stops at its limit.
        assert_eq!(kind(&pickle), Ok(Kind::List));
        let error = with(&pickle, |object| {
            let mut buf = vec![0; 4 * pickle.len() + 64];
            Pickler::new(&mut buf).recode(&object, &mut vec![Slot::EMPTY; 12 * 1000]).map(|used| used.len())
        });
        match error.unwrap() {
            Ok(_) => assert!(depth <= 1000),
            Err(error) => {
                assert!(depth >= 1000 && matches!(error.kind, ErrorKind::TooDeep | ErrorKind::OutOfSlots { .. }))
            }
        }
        #[derive(Debug, Deserialize)]
        #[allow(dead_code)]
        struct Nested(Vec<Nested>);
        let typed = read::<Nested>(&Registry::EMPTY, &pickle);
        assert_eq!(typed.is_ok(), depth <= 64, "{depth}");
        assert!(typed.is_ok() || typed.unwrap_err() == ErrorKind::TooDeep);
    }
}

#[test]
fn billion_laughs_run_out_of_fuel() {
    // Each list holds the one before ten times; so does each tuple.
    let mut lists = b"\x80\x04]\x94".to_vec();
    let mut tuples = b"\x80\x04)\x94".to_vec();
    for i in 0..60u8 {
        lists.extend(b"](");
        lists.extend([b'h', i].repeat(10));
        lists.extend(b"e\x94");
        tuples.extend(b"(");
        tuples.extend([b'h', i].repeat(10));
        tuples.extend(b"t\x94");
    }
    // DUP doubles without a memo.
    let dups = [&b"\x80\x02]"[..], &b"2\x86".repeat(60)].concat();
    for bomb in [&mut lists, &mut tuples, &mut dups.clone()] {
        bomb.push(b'.');
        #[derive(Debug, Deserialize)]
        #[allow(dead_code)]
        struct Nested(Vec<Nested>);
        assert_eq!(read::<Nested>(&Registry::EMPTY, bomb).unwrap_err(), ErrorKind::OutOfFuel);
        // Written again, it is as small as it was: sharing is kept.
        let again = with(bomb, |object| {
            let (mut buf, mut scratch) = (vec![0; 4 * bomb.len() + 64], vec![Slot::EMPTY; 8192]);
            Pickler::new(&mut buf).recode(&object, &mut scratch).map(<[u8]>::to_vec)
        });
        assert!(again.unwrap().unwrap().len() <= 3 * bomb.len());
    }
}

#[test]
fn cycles_end() {
    #[derive(Debug, Deserialize)]
    #[allow(dead_code)]
    struct Nested(Vec<Nested>);
    let refused = |pickle: &[u8]| read::<Nested>(&Registry::EMPTY, pickle).unwrap_err();
    assert!(matches!(refused(b"\x80\x04]\x94h\0a."), ErrorKind::TooDeep | ErrorKind::OutOfFuel));
    assert!(matches!(refused(b"\x80\x04]\x94(h\0h\0e."), ErrorKind::TooDeep | ErrorKind::OutOfFuel));
    // An instance whose state holds itself.
    #[derive(Debug, Deserialize)]
    #[allow(dead_code)]
    struct Point {
        x: Option<Box<Point>>,
    }
    let cycle = b"\x80\x04\x8c\x08geometry\x8c\x05Point\x93)\x81\x94}\x8c\x01xh\0sb.";
    let error = read::<Point>(&CLASSES, cycle).unwrap_err();
    assert!(matches!(error, ErrorKind::TooDeep | ErrorKind::OutOfFuel), "{error:?}");
    // Ignored, it costs nothing.
    assert!(read::<IgnoredAny>(&Registry::EMPTY, b"\x80\x04]\x94h\0a.").is_ok());
}

#[test]
fn huge_lengths_are_compared_with_what_is_there() {
    let huge = u64::MAX.to_le_bytes();
    let half = (i64::MAX as u64).to_le_bytes();
    for length in [huge, half] {
        for code in [b'\x8d', b'\x8e', b'\x96', b'\x95'] {
            let pickle = [&[0x80, 5, code][..], &length, b"abc."].concat();
            assert_eq!(kind(&pickle), Err(ErrorKind::Truncated), "{code:02x}");
        }
    }
    for code in [b'X', b'B', b'T', b'\x8b'] {
        let pickle = [&[0x80, 3, code][..], &0x7fff_ffffu32.to_le_bytes(), b"abc."].concat();
        assert_eq!(kind(&pickle), Err(ErrorKind::Truncated), "{code:02x}");
    }
    for code in [b'T', b'\x8b'] {
        let pickle = [&[0x80, 3, code][..], &(-1i32).to_le_bytes(), b"abc."].concat();
        assert!(matches!(kind(&pickle), Err(ErrorKind::BadArgument | ErrorKind::Truncated)), "{code:02x}");
    }
}

#[test]
fn memo_bombs_cost_what_they_weigh() {
    // One entry at 2**31 - 1: an unpickler that keeps an array by number asks for gigabytes (CVE-2018-20406).
    for bomb in [
        &b"\x80\x02Nr\xff\xff\xff\x7f0Nj\xff\xff\xff\x7f\x86."[..],
        b"Np2147483647\n0g2147483647\n.",
        b"Np99999999999\n.",
    ] {
        let needed = pickle::slots_needed(bomb);
        assert!(needed.is_err() || needed.unwrap() < 100);
        let _ = kind(bomb);
    }
    // Reading an entry that was never put.
    assert_eq!(kind(b"\x80\x04h\x05."), Err(ErrorKind::NoSuchEntry));
    assert_eq!(kind(b"g7\n."), Err(ErrorKind::NoSuchEntry));
    // A thousand puts that nobody reads take two slots each, at most.
    let unread = [&b"\x80\x02"[..], &b"Nr\xf0\xff\xff\x000".repeat(1000), b"N."].concat();
    assert!(pickle::slots_needed(&unread).unwrap() <= 2000);
}

#[test]
fn slots_are_bounded_by_the_length() {
    for pickle in
        [nested(5000), b"\x80\x02".iter().copied().chain(b"]a".repeat(3000)).chain(*b".").collect(), b"(".repeat(5000)]
    {
        assert!(pickle::slots_needed(&pickle).unwrap_or(0) <= 4 * pickle.len() + 16);
    }
}

#[test]
fn long_numbers_stay_text() {
    // Digits to int is quadratic work (CVE-2020-10735). CPython's limit of 4,300 digits is ours; up to it, an int is a span
    // of the input until it is asked for.
    let digits = |n| [&b"L"[..], &b"9".repeat(n), b"L\n."].concat();
    assert!(kind(&digits(1_000_000)).is_err());
    assert_eq!(kind(&digits(4300)), Ok(Kind::Int));
    assert_eq!(read::<i64>(&Registry::EMPTY, &digits(4300)), Err(ErrorKind::OutOfRange));
    assert_eq!(read::<u128>(&Registry::EMPTY, &digits(4300)), Err(ErrorKind::OutOfRange));
    let bytes = [&b"\x80\x02\x8b\x40\x42\x0f\x00"[..], &[0x7f; 1_000_000], b"."].concat();
    assert_eq!(read::<i64>(&Registry::EMPTY, &bytes), Err(ErrorKind::OutOfRange));
}

#[test]
fn confused_stacks_are_refused() {
    for pickle in [
        &b"."[..],
        b"0.",
        b"2.",
        b"a.",
        b"(a.",
        b"s.",
        b"u.",
        b"1.",
        b"t.",
        b"e.",
        b"(e.",
        b"N(Ne.",
        b"}(Nu.",
        b"}NNNs.",
        b"](NNu.",
        b"}(Ne.",
        b"R.",
        b"NNR.",
        b"N)R",
        b"\x85.",
        b"N\x86.",
        b"\x81.",
        b"\x92.",
        b"b.",
        b"Nb.",
        b"o.",
        b"(o.",
        b"(.",
        b"\x80\x04\x93.",
        b"\x80\x04NN\x93.",
        b"\x80\x04K\x01\x8c\x01x\x93.",
        b"\x94.",
        b"\x90.",
        b"\x91.",
        b"\x98.",
        b"Q.",
        b"\x80\x06.",
        b"\xff.",
        b"",
        b"\x80",
        b"(lp0\n",
        b"N",
    ] {
        assert!(kind(pickle).is_err(), "{} is {:?}", pickle.escape_ascii(), kind(pickle));
    }
}

#[test]
fn names_are_what_the_machine_makes_of_them() {
    // Scanners that read opcodes without running them miss these: names from the memo, from below a POP, by two PUTs of one
    // number, behind a second PROTO, by MEMOIZE where they count PUT.
    let hidden: [&[u8]; 5] = [
        b"\x80\x04\x8c\x02os\x94\x8c\x06system\x940\x8c\x06systemh\0h\x01\x930h\0h\x01\x93.",
        b"\x80\x04\x8c\x04json\x8c\x02os0\x8c\x02os\x8c\x06system\x93.",
        b"\x80\x04\x8c\x04jsonq\0\x8c\x02osq\x00\x8c\x06systemh\0\x8c\x06system\x93.",
        b"\x80\x02\x80\x04\x8c\x02os\x8c\x06system\x93.",
        b"\x80\x04\x8c\x04json\x94\x8c\x02os\x94\x8c\x06system\x94h\x01h\x02\x93.",
    ];
    for pickle in hidden {
        let named = with(pickle, |object| object.global().is_some_and(|(m, n)| m.is("os") && n.is("system")));
        assert_eq!(named, Ok(true), "{}", pickle.escape_ascii());
    }
}

#[test]
fn what_follows_the_end_is_not_read() {
    let two = b"\x80\x04K\x01.cos\nsystem\n(S'id'\ntR.";
    assert_eq!(read::<i32>(&Registry::EMPTY, two), Ok(1));
}

#[test]
fn persistent_ids_and_buffers_resolve_to_nothing() {
    assert_eq!(kind(b"Pfile:///etc/passwd\n."), Ok(Kind::PersId));
    assert_eq!(kind(b"\x80\x04\x8c\x03key\x51."), Ok(Kind::PersId));
    assert!(read::<String>(&Registry::EMPTY, b"Pfile:///etc/passwd\n.").is_err());
    assert!(read::<String>(&Registry::EMPTY, b"\x80\x04\x8c\x03key\x51.").is_err());
    // No buffer was given, so none is there: in Python a missing one is an error, too.
    let refused = read::<Vec<u8>>(&Registry::EMPTY, b"\x80\x05\x97.").unwrap_err();
    assert!(matches!(refused, ErrorKind::NoBuffer | ErrorKind::UnexpectedType), "{refused:?}");
}

#[test]
fn extension_codes_are_the_programs_own() {
    assert_eq!(read::<Point>(&CLASSES, b"\x80\x02\x82\x07K\x01K\x02\x86\x81."), Ok(Point { x: 1, y: 2 }));
    assert_eq!(read::<Point>(&CLASSES, b"\x80\x02\x82\x08K\x01K\x02\x86\x81."), Err(ErrorKind::NotRegistered));
    assert_eq!(read::<Point>(&Registry::EMPTY, b"\x80\x02\x82\x07K\x01K\x02\x86\x81."), Err(ErrorKind::NotRegistered));
    assert!(kind(b"\x80\x02\x82\0.").is_err());
    assert!(kind(b"\x80\x02\x84\xff\xff\xff\xff.").is_err());
    let (mut classes, mut extensions) = ([Class::new("", "")], [Extension::new("", "", 1); 2]);
    let mut table = Table::new(&mut classes, &mut extensions);
    assert!(table.add_extension("m", "n", 0).is_err() && table.add_extension("m", "n", 0x8000_0000).is_err());
    table.add_extension("m", "n", 5).unwrap();
    assert!(table.add_extension("m", "n", 6).is_err() && table.add_extension("m", "o", 5).is_err());
    assert!(table.remove_extension("m", "n", 6).is_err());
    table.remove_extension("m", "n", 5).unwrap();
    assert_eq!(table.registry().extension(5), None);
}

#[test]
fn keys_are_neither_hashed_nor_merged() {
    // 20,000 keys of one hash in CPython: a dict of pairs does not care.
    let keys: Vec<u8> = (0..20_000u64)
        .flat_map(|i| {
            let key = u128::from(i) * ((1 << 61) - 1);
            [&[0x8a, 10][..], &key.to_le_bytes()[..10], b"N"].concat()
        })
        .collect();
    let pickle = [&b"\x80\x02}("[..], &keys, b"u."].concat();
    assert_eq!(with(&pickle, |object| object.len()).unwrap(), 20_000);
    // The same key twice: `get` takes the last, as Python does; a struct refuses it.
    let twice = b"}(Vx\nI1\nVx\nI2\nVy\nI3\nu.";
    assert_eq!(with(twice, |object| object.get("x").unwrap().as_i64().unwrap()), Ok(2));
    assert_eq!(read::<Point>(&Registry::EMPTY, twice), Err(ErrorKind::DuplicateField("x")));
    // What cannot be a key is refused where Python refuses it.
    for pickle in [&b"}(]Nu."[..], b"}(}Nu.", b"}((]tNu.", b"\x80\x04\x8f(]\x90.", b"\x80\x04(]\x91."] {
        assert_eq!(kind(pickle), Err(ErrorKind::Unhashable), "{}", pickle.escape_ascii());
    }
}

#[test]
fn broken_text_is_refused_or_kept() {
    for pickle in [
        &b"X\x01\0\0\0\xff."[..],
        b"X\x02\0\0\0\xc0\x80.",
        b"V\\u12\n.",
        b"V\\U00110000\n.",
        b"S'a\n.",
        b"S'\\x1'\n.",
        b"I1x\n.",
        b"F1.0.0\n.",
        // Octal to C, which does not read to the end; nothing to Python.
        b"I010 \n.",
    ] {
        assert_eq!(with(pickle, |object| object.kind()).map_err(|_| ()), Err(()), "{}", pickle.escape_ascii());
    }
    // What C reads before a NUL, in two characters: a bool; in three, an int.
    assert_eq!(read::<bool>(&Registry::EMPTY, b"I\0 \n."), Ok(false));
    assert_eq!(read::<i32>(&Registry::EMPTY, b"I010\n."), Ok(8));
    // A lone surrogate is text in Python: it is kept, and no Rust str.
    let lone = b"X\x03\0\0\0\xed\xa0\x80.";
    assert_eq!(kind(lone), Ok(Kind::Str));
    assert!(read::<String>(&Registry::EMPTY, lone).is_err());
    // A NUL and a path stay what they are.
    assert_eq!(read::<String>(&Registry::EMPTY, b"X\x03\0\0\0a\0b."), Ok("a\0b".to_string()));
}

#[test]
fn objects_are_not_what_they_are_made_to_look_like() {
    // A set that is a call of set on a list is a set; on anything else it stays a call.
    assert!(read::<Set<Vec<i32>>>(&Registry::EMPTY, b"c__builtin__\nset\n](K\x01e\x85R.").is_ok());
    assert!(read::<Vec<i32>>(&Registry::EMPTY, b"cevil\nset\n](K\x01e\x85R.").is_err());
    assert!(read::<Vec<i32>>(&Registry::EMPTY, b"c__builtin__\nset\nVabc\n\x85R.").is_err());
    // bytes only by latin1, and no character above it.
    assert!(read::<Vec<u8>>(&Registry::EMPTY, b"c_codecs\nencode\nVa\nVlatin1\n\x86R.").is_ok());
    assert!(read::<Vec<u8>>(&Registry::EMPTY, b"c_codecs\nencode\nVa\nVbz2\n\x86R.").is_err());
    assert!(read::<Vec<u8>>(&Registry::EMPTY, b"c_codecs\nencode\nV\\u20ac\nVlatin1\n\x86R.").is_err());
    with(b"c_codecs\nencode\nVa\nVbz2\n\x86R.", |object| {
        assert_eq!((object.kind(), object.extras(Extra::States).count()), (Kind::Reduce, 0));
    })
    .unwrap();
}

#[test]
fn every_test_that_the_document_names_is_here() {
    let document = include_str!("../src/pickle/HOSTILE.md");
    let tests = include_str!("hostile.rs");
    let mut count = 0;
    for name in document.split('`').filter_map(|code| code.strip_prefix("tests/hostile.rs: ")) {
        assert!(tests.contains(&format!("#[test]\nfn {name}()")), "{name} is not a test");
        count += 1;
    }
    let all = tests.matches("#[test]\nfn ").count();
    assert_eq!(count + 1, all, "the document names {count} of {all} tests");
}
