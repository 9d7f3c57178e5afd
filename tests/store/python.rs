//! A reader in Python, written from FORMAT.md alone (`image.py`), finds what the store holds; a shelf's image opens as a
//! `shelve.Shelf`. Without a python3 on the machine there is nothing to hold it against, and the tests say so.

use std::path::PathBuf;
use std::process::Command;

use larder::copyreg::{Class, Registry};
use larder::dbm::{self, Flag, Options};
use larder::object::Slot;
use larder::shelve::{Pickle, Shelf};

use crate::recorder::{Event, Recorder};
use crate::script::{Model, Op, SMALL};

/// What `image.py` prints about an image; none without a python3.
fn python(name: &str, image: &[u8], sector: usize, word: usize, form: &str) -> Option<String> {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, image).unwrap();
    let reader = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/store/image.py");
    let arguments = [sector.to_string(), word.to_string(), form.to_string()];
    let Ok(run) = Command::new("python3").args(["-B", reader]).arg(&path).args(arguments).output() else {
        println!("no python3 here: image.py was not run");
        return None;
    };
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    Some(String::from_utf8(run.stdout).unwrap())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn lines(model: &Model) -> String {
    model.iter().map(|(key, value)| format!("{} {}\n", hex(key), hex(value))).collect()
}

/// Runs a script, and shows the image to Python at several moments: at rest, and in the middle of steps.
fn shown<const W: usize, const E: usize>(sectors: usize, seed: u64, compact: bool) {
    let (mut recorder, log) = Recorder::<W, E>::new(Recorder::erased(sectors).part);
    let mut part = recorder.part.clone();
    let (mut model, mut memory) = (Model::new(), vec![0; 2048]);
    let mut db = dbm::open_with(&mut recorder, Flag::New, Options::new().compact(compact), &mut memory).unwrap();
    for (at, op) in SMALL.script(seed, 200).iter().enumerate() {
        let before = model.clone();
        if op.apply(&mut db, &model).unwrap() {
            op.change(&mut model);
        }
        let events: Vec<Event> = log.take();
        for (i, event) in events.iter().enumerate() {
            event.replay(&mut part).unwrap();
            let last = i + 1 == events.len();
            if at % 40 == 39 || !last && at % 10 == 0 || matches!(op, Op::Batch(_)) && at % 3 == 0 {
                let name = format!("image-{W}-{E}-{seed}-{at}-{i}.img");
                let Some(found) = python(&name, part.contents(), E, W, "lines") else { return };
                let whole = last && found == lines(&model);
                assert!(
                    whole || !last && (found == lines(&before) || found == lines(&model)),
                    "seed {seed} step {at}: {op:?}"
                );
            }
        }
    }
}

#[test]
fn a_reader_written_from_the_document_agrees() {
    shown::<4, 512>(8, 1, false);
    shown::<1, 512>(8, 2, true);
    shown::<32, 1024>(8, 3, false);
    shown::<4, 4096>(3, 4, true);
}

#[derive(serde::Serialize, serde::Deserialize, Debug, PartialEq)]
struct Fraction {
    numerator: i64,
    denominator: i64,
}

#[derive(serde::Serialize, serde::Deserialize, Debug, PartialEq)]
struct Reading {
    sensor: String,
    share: Fraction,
}

static CLASSES: Registry<'static> =
    Registry::new(&[Class::reduce("fractions", "Fraction"), Class::new("types", "SimpleNamespace").rust("Reading")]);

#[test]
fn a_shelf_of_classes_opens_as_a_shelf_in_python() {
    let (mut part, mut memory) = (Recorder::<4, 512>::erased(8), vec![0; 1024]);
    let (mut buf, mut slots, mut cache) = ([0; 256], [Slot::EMPTY; 64], [0; 128]);
    let reading =
        |sensor: &str, numerator| Reading { sensor: sensor.into(), share: Fraction { numerator, denominator: 7 } };
    // Below 2, a class that is written in C cannot be named so.
    for protocol in 2..=5 {
        let db = dbm::open(&mut part, Flag::New, &mut memory).unwrap();
        let codec = Pickle::new().protocol(protocol).registry(&CLASSES);
        let mut shelf = Shelf::with(codec, db, &mut buf, &mut slots).writeback(&mut cache);
        shelf.set("third", &Fraction { numerator: 1, denominator: 3 }).unwrap();
        shelf.set("last", &reading("oven", 3)).unwrap();
        assert_eq!(shelf.get("last"), Ok(Some(reading("oven", 3))));
        shelf.modify("last", |last: &mut Reading| last.share.numerator = 5).unwrap();
        shelf.close().unwrap();
        let name = format!("classes-{protocol}.img");
        let Some(found) = python(&name, part.part.contents(), 512, 4, "shelf") else { return };
        assert_eq!(
            found.trim(),
            "{'last': namespace(sensor='oven', share=Fraction(5, 7)), 'third': Fraction(1, 3)}",
            "protocol {protocol}"
        );
    }
}

#[test]
fn a_shelf_opens_as_a_shelf_in_python() {
    let (mut part, mut memory) = (Recorder::<4, 512>::erased(8), vec![0; 1024]);
    let (mut buf, mut slots) = ([0; 256], [Slot::EMPTY; 32]);
    let mut shelf = Shelf::new(dbm::open(&mut part, Flag::Create, &mut memory).unwrap(), &mut buf, &mut slots);
    shelf.set("boots", &3u32).unwrap();
    shelf.set("limits", &(-40.0, 85.5)).unwrap();
    shelf.set("näme", &Some("pantry ☕")).unwrap();
    shelf.set("none", &()).unwrap();
    shelf.set("wide", &vec![u64::MAX, 0]).unwrap();
    shelf.set("boots", &i128::MIN).unwrap();
    assert_eq!(shelf.delete("none"), Ok(true));
    drop(shelf);
    let Some(found) = python("shelf.img", part.part.contents(), 512, 4, "shelf") else { return };
    let boots = i128::MIN;
    let expected = format!(
        "{{'boots': {boots}, 'limits': (-40.0, 85.5), 'näme': 'pantry ☕', 'wide': [18446744073709551615, 0]}}"
    );
    assert_eq!(found.trim(), expected);
}
