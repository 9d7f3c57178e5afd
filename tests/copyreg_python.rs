//! What larder writes of Python's classes, loaded by real Pythons and compared with what they should be: by `python3` where
//! there is one, or by those that LARDER_PYTHONS lists, with colons between.
#![cfg(all(feature = "pickle", feature = "classes"))]

use larder::copyreg::classes::*;
use larder::copyreg::{Class, Extension, Registry, Value};
use larder::pickle::Pickler;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};

#[derive(Serialize)]
struct MyClass<'a>(i32, Vec<&'a str>);

#[derive(Serialize)]
struct Plain {
    a: i32,
}

#[derive(Serialize)]
struct Point {
    x: i32,
    y: f64,
}

#[derive(Serialize)]
struct Slots {
    x: i32,
    y: Vec<i32>,
}

#[derive(Serialize)]
struct Data<'a> {
    a: i32,
    b: &'a str,
    c: Vec<i32>,
}

#[derive(Serialize)]
enum Color {
    #[serde(rename = "BLUE")]
    Blue,
}

#[derive(Serialize)]
struct StateTuple<'a>((i32, &'a str));

#[derive(Serialize)]
struct Keywords {
    width: i32,
    height: i32,
}

#[derive(Serialize)]
struct MyList {
    items: Vec<i32>,
    extra: bool,
}

#[derive(Serialize)]
struct MyDict<'a> {
    pairs: BTreeMap<&'a str, i32>,
    extra: bool,
}

#[derive(Serialize)]
struct ReduceName;

#[derive(Serialize)]
struct Extended {}

#[derive(Serialize)]
struct Inner {
    deep: (),
}

#[derive(Serialize)]
struct ValueError<'a>(&'a str);

static CLASSES: Registry = Registry::new(&[
    Class::reduce("zoo", "MyClass"),
    Class::new("zoo", "Plain"),
    Class::namedtuple("zoo", "Point"),
    Class::slots("zoo", "Slots"),
    Class::new("zoo", "Data"),
    Class::enumeration("zoo", "Color", &[("RED", Value::Int(1)), ("BLUE", Value::Str("blue"))]),
    Class::own_state("zoo", "StateTuple"),
    Class::keywords("zoo", "Keywords"),
    Class::new("zoo", "MyList").with_items(),
    Class::new("zoo", "MyDict").with_pairs(),
    Class::singleton("zoo", "SINGLETON").rust("ReduceName"),
    Class::new("zoo", "Extended"),
    Class::new("zoo", "Outer.Inner"),
    Class::reduce("builtins", "ValueError"),
])
.extensions(&[Extension::new("zoo", "Extended", 0xf0)]);

/// Reads lines of a pickle in hexadecimal and the expression that it should be; prints what is something else. `same` looks
/// into objects that know no equality.
const SCRIPT: &str = r#"
import sys, pickle, binascii
sys.dont_write_bytecode = True
import array, collections, datetime, decimal, fractions, pathlib, types, uuid, zoo
def parts(o):
    if type(o).__module__ not in ('zoo', 'builtins') or isinstance(o, (int, float, str, bytes, bytearray, complex)):
        return o
    slots = [(s, getattr(o, s)) for c in type(o).__mro__ for s in getattr(c, '__slots__', ()) if hasattr(o, s)]
    base = list(o.items()) if isinstance(o, dict) else list(o) if isinstance(o, (list, tuple)) else getattr(o, 'args', None)
    return type(o), getattr(o, '__dict__', None), slots, base, repr(o) if type(o).__module__ == 'builtins' else None
def made(cls, *base, **fields):
    o = cls.__new__(cls)
    if base and isinstance(o, list): o.extend(base[0])
    if base and isinstance(o, dict): o.update(base[0])
    for name, value in fields.items(): setattr(o, name, value)
    return o
bad = count = 0
for line in sys.stdin:
    protocol, pickled, wanted = line.rstrip('\n').split('\t')
    if 'Data' in wanted and not hasattr(zoo, 'Data'): continue
    count += 1
    try:
        found = pickle.loads(binascii.unhexlify(pickled))
        want = eval(wanted)
        fold = getattr(found, 'fold', 0) == getattr(want, 'fold', 0) and getattr(found, 'tzinfo', 0) == getattr(want, 'tzinfo', 0)
        good = type(found) is type(want) and parts(found) == parts(want) and fold
        good = good and getattr(found, 'maxlen', 0) == getattr(want, 'maxlen', 0)
        good = good and getattr(found, 'default_factory', 0) == getattr(want, 'default_factory', 0)
    except Exception as error:
        found, good = repr(error), False
    if not good:
        print('protocol', protocol, repr(found), 'is not', wanted)
        bad += 1
print(count, 'loaded,', bad, 'bad')
"#;

/// The lines for one value, in every protocol.
fn lines<T: Serialize>(out: &mut String, value: &T, wanted: &str) {
    for protocol in 0..=5 {
        for cpython in [true, false] {
            let mut buf = [0; 4096];
            let pickler = Pickler::new(&mut buf).protocol(protocol).registry(&CLASSES);
            let pickler = if cpython { pickler.cpython() } else { pickler };
            let pickle = pickler.dumps(value).unwrap_or_else(|e| panic!("{wanted}, protocol {protocol}: {e}"));
            write!(out, "{protocol}\t").unwrap();
            pickle.iter().for_each(|byte| write!(out, "{byte:02x}").unwrap());
            writeln!(out, "\t{wanted}").unwrap();
        }
    }
}

fn all_lines() -> String {
    let mut out = String::new();
    let o = &mut out;
    let date = Date::new(2026, 11, 22).unwrap();
    let noon = Time::new(12, 30, 15, 250_000).unwrap();
    let zone = |seconds, name| Some(TimeZone::new(TimeDelta::new(0, seconds, 0).unwrap(), name).unwrap());
    lines(o, &date, "datetime.date(2026, 11, 22)");
    lines(o, &noon.with_fold(true), "datetime.time(12, 30, 15, 250000, fold=1)");
    lines(o, &DateTime::new(date, noon), "datetime.datetime(2026, 11, 22, 12, 30, 15, 250000)");
    let folded = DateTime::new(date, noon.with_fold(true));
    lines(o, &folded, "datetime.datetime(2026, 11, 22, 12, 30, 15, 250000, fold=1)");
    let utc = DateTime::new(date, noon.with_zone(Some(TimeZone::UTC)));
    lines(o, &utc, "datetime.datetime(2026, 11, 22, 12, 30, 15, 250000, datetime.timezone.utc)");
    let named = noon.with_zone(zone(-5400, Some("half past")));
    lines(o, &named, "datetime.time(12, 30, 15, 250000, datetime.timezone(datetime.timedelta(0, -5400), 'half past'))");
    lines(o, &TimeDelta::new(-3, 7, 1).unwrap(), "datetime.timedelta(-3, 7, 1)");
    lines(
        o,
        &DateTime::from_timestamp(1_767_323_045).unwrap(),
        "datetime.datetime.fromtimestamp(1767323045, datetime.timezone.utc)",
    );
    lines(o, &Decimal::new("-1.50E+7").unwrap(), "decimal.Decimal('-1.50E+7')");
    let mut text = [0; 35];
    lines(o, &Decimal::from_pair(-12345, -2, &mut text).unwrap(), "decimal.Decimal('-123.45')");
    lines(o, &Fraction::new(-7, 3).unwrap(), "fractions.Fraction(-7, 3)");
    lines(o, &Complex { re: 1.5, im: -0.5 }, "complex(1.5, -0.5)");
    lines(o, &Range::new(10, -10, -3).unwrap(), "range(10, -10, -3)");
    lines(o, &Slice { start: None, stop: Some(5), step: Some(-1) }, "slice(None, 5, -1)");
    lines(o, &Uuid(0xf234_5678_9abc_def0_1122_3344_5566_7788), "uuid.UUID('f2345678-9abc-def0-1122-334455667788')");
    let pairs = BTreeMap::from([("a", 1), ("b", 2)]);
    lines(o, &OrderedDict(&pairs), "collections.OrderedDict([('a', 1), ('b', 2)])");
    lines(o, &Counter(&pairs), "collections.Counter(a=1, b=2)");
    lines(o, &DefaultDict { factory: Some(Factory::Int), map: &pairs }, "collections.defaultdict(int, a=1, b=2)");
    lines(o, &DefaultDict { factory: Some(Factory::Str), map: &pairs }, "collections.defaultdict(str, a=1, b=2)");
    lines(o, &DefaultDict { factory: None, map: &pairs }, "collections.defaultdict(None, a=1, b=2)");
    lines(o, &Deque { maxlen: Some(3), items: [1, 2] }, "collections.deque([1, 2], 3)");
    lines(o, &Deque { maxlen: None, items: [1, 2] }, "collections.deque([1, 2])");
    lines(o, &Namespace(&pairs), "types.SimpleNamespace(a=1, b=2)");
    lines(o, &Set([1, 2]), "{1, 2}");
    lines(o, &FrozenSet([1, 2]), "frozenset([1, 2])");
    lines(o, &Set::<[i32; 0]>([]), "set()");
    lines(o, &ByteArray(b"a\0\xff"), "bytearray(b'a\\0\\xff')");
    lines(o, &ByteArray(b""), "bytearray()");
    lines(o, &Array::<_, 'h'>([1, -2, 300]), "array.array('h', [1, -2, 300])");
    lines(o, &Array::<_, 'd'>([1.5, -2.0]), "array.array('d', [1.5, -2.0])");
    lines(o, &PackedArray::new('h', &[1, 0, 0xfe, 0xff]).unwrap(), "array.array('h', [1, -2])");
    lines(o, &PackedArray::new('l', &[1, 0, 0, 0, 0, 0, 0, 0]).unwrap(), "array.array('l', [1])");
    lines(o, &Path { kind: PathKind::PurePosixPath, segments: ["/", "a", "b"] }, "pathlib.PurePosixPath('/a/b')");
    lines(o, &Path { kind: PathKind::PureWindowsPath, segments: ["C:\\a"] }, "pathlib.PureWindowsPath('C:/a')");
    lines(o, &MyClass(17, vec!["a"]), "zoo.MyClass(17, ['a'])");
    lines(o, &Plain { a: 5 }, "zoo.Plain(a=5)");
    lines(o, &Point { x: 1, y: 2.5 }, "zoo.Point(1, 2.5)");
    lines(o, &[Point { x: 1, y: 2.5 }, Point { x: 3, y: 4.5 }], "(zoo.Point(1, 2.5), zoo.Point(3, 4.5))");
    lines(o, &Slots { x: 1, y: vec![2] }, "made(zoo.Slots, x=1, y=[2])");
    lines(o, &Data { a: 1, b: "two", c: vec![3] }, "zoo.Data(1, 'two', [3])");
    lines(o, &Color::Blue, "zoo.Color.BLUE");
    lines(o, &StateTuple((1, "x")), "made(zoo.StateTuple, state=(1, 'x'))");
    lines(o, &Keywords { width: 2, height: 3 }, "zoo.Keywords(width=2, height=3)");
    lines(o, &MyList { items: vec![1, 2], extra: true }, "made(zoo.MyList, [1, 2], extra=True)");
    lines(o, &MyDict { pairs: pairs.clone(), extra: true }, "made(zoo.MyDict, {'a': 1, 'b': 2}, extra=True)");
    lines(o, &ReduceName, "zoo.SINGLETON");
    lines(o, &Extended {}, "zoo.Extended()");
    lines(o, &Inner { deep: () }, "made(zoo.Outer.Inner, deep=None)");
    lines(o, &ValueError("bad"), "ValueError('bad')");
    out
}

#[test]
fn real_pythons_load_what_is_written() {
    let lines = all_lines();
    let pythons = std::env::var("LARDER_PYTHONS").unwrap_or_else(|_| "python3".to_string());
    for python in pythons.split(':') {
        let mut command = Command::new(python);
        command.args(["-W", "ignore", "-c", SCRIPT]).stdin(Stdio::piped()).stdout(Stdio::piped());
        command
            .env("PYTHONPATH", concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/zoo"))
            .env("PYTHONDONTWRITEBYTECODE", "1");
        let Ok(mut child) = command.spawn() else {
            eprintln!("there is no {python}: nothing was compared");
            continue;
        };
        let protocols = if python.contains("3.6") || python.contains("3.7") { 4 } else { 5 };
        let known = lines.lines().filter(|line| line.as_bytes()[0] - b'0' <= protocols);
        let known: String = known.flat_map(|line| [line, "\n"]).collect();
        child.stdin.take().unwrap().write_all(known.as_bytes()).unwrap();
        let said = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
        let last = said.lines().last().unwrap_or_default();
        assert!(last.ends_with(" loaded, 0 bad") && !last.starts_with('0'), "{python}:\n{said}");
    }
}
