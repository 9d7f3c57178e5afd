//! Shelves: typed values by every codec, walks, batches, write-back, and Python at the other end.
#![cfg(feature = "std")]

use std::collections::BTreeMap;

use larder::dbm::{self, Flag};
use larder::flash::{SimFlash, Tear};
use larder::object::{ErrorKind, Slot};
use larder::shelve::{Codec, Error, Marshal, Objects, Pickle, Shelf};
use serde::{Deserialize, Serialize};

type Part = SimFlash<'static, 4, 1024>;

/// What a shelf borrows.
struct Lent {
    part: Part,
    memory: Vec<u8>,
    buf: Vec<u8>,
    slots: Vec<Slot>,
    cache: Vec<u8>,
}

impl Lent {
    fn new() -> Self {
        Lent {
            part: SimFlash::owned(8).unwrap(),
            memory: vec![0; 1024],
            buf: vec![0; 512],
            slots: vec![Slot::EMPTY; 64],
            cache: vec![0; 256],
        }
    }

    fn with<C: Codec>(&mut self, codec: C) -> Shelf<'_, &mut Part, C> {
        let db = dbm::open(&mut self.part, Flag::Create, &mut self.memory).unwrap();
        Shelf::with(codec, db, &mut self.buf, &mut self.slots)
    }

    fn shelf(&mut self) -> Shelf<'_, &mut Part> {
        self.with(Pickle::new())
    }

    fn cached(&mut self) -> Shelf<'_, &mut Part> {
        let db = dbm::open(&mut self.part, Flag::Create, &mut self.memory).unwrap();
        Shelf::new(db, &mut self.buf, &mut self.slots).writeback(&mut self.cache)
    }
}

#[derive(Serialize, Deserialize, Debug, Clone, PartialEq)]
struct Settings {
    name: String,
    limits: (f64, f64),
    channels: Vec<u16>,
    backup: Option<Box<Settings>>,
}

fn settings() -> Settings {
    let backup = Settings { name: "old".into(), limits: (0.5, -1e300), channels: vec![], backup: None };
    Settings {
        name: "pantry ☕".into(),
        limits: (-40.0, 85.0),
        channels: vec![1, 6, 11],
        backup: Some(Box::new(backup)),
    }
}

/// The verbs, as Python's, whatever the codec.
fn verbs<C: Codec + Copy>(codec: C) {
    let mut lent = Lent::new();
    let mut shelf = lent.with(codec);
    assert_eq!(shelf.get::<u32>("boots"), Ok(None));
    assert_eq!(shelf.is_empty(), Ok(true));
    shelf.set("boots", &1u32).unwrap();
    shelf.set("settings", &settings()).unwrap();
    shelf.set("", &()).unwrap();
    assert_eq!(shelf.get("settings"), Ok(Some(settings())));
    assert_eq!(shelf.get::<u32>("boots"), Ok(Some(1)));
    assert_eq!((shelf.contains("boots"), shelf.contains("boot")), (Ok(true), Ok(false)));
    assert_eq!((shelf.len(), shelf.is_empty()), (Ok(3), Ok(false)));
    assert_eq!(shelf.setdefault("boots", 7u32), Ok(1));
    assert_eq!(shelf.setdefault("floor", -3), Ok(-3));
    assert_eq!(shelf.pop::<i32>("floor"), Ok(Some(-3)));
    assert_eq!(shelf.pop::<i32>("floor"), Ok(None));
    assert_eq!((shelf.delete(""), shelf.delete("")), (Ok(true), Ok(false)));
    shelf.update([("a", &1u32), ("b", &2), ("boots", &3)]).unwrap();
    assert_eq!(shelf.modify("b", |b: &mut u32| *b += 40), Ok(true));
    assert_eq!(shelf.modify("c", |_: &mut u32| unreachable!()), Ok(false));
    shelf.sync().unwrap();
    shelf.close().unwrap();

    let mut shelf = lent.with(codec);
    let (mut names, mut keys) = (Vec::new(), shelf.keys());
    while let Some(key) = keys.next().unwrap() {
        names.push(key.to_string());
    }
    assert_eq!(names, ["a", "b", "boots", "settings"]);
    let (mut found, mut items) = (BTreeMap::new(), shelf.items().prefix("b"));
    while let Some((key, value)) = items.next::<u32>().unwrap() {
        found.insert(key.to_string(), value);
    }
    assert_eq!(found, BTreeMap::from([("b".to_string(), 42), ("boots".to_string(), 3)]));
    let mut values = shelf.values().prefix("set");
    assert_eq!(values.next(), Ok(Some(settings())));
    assert_eq!(values.next::<u32>(), Ok(None));
}

#[test]
fn verbs_by_pickle() {
    (0..=5).for_each(|protocol| verbs(Pickle::new().protocol(protocol)));
}

#[test]
fn verbs_by_marshal() {
    verbs(Marshal);
}

#[cfg(feature = "postcard")]
#[test]
fn verbs_by_postcard() {
    verbs(larder::shelve::Postcard);
}

/// Untyped objects go from shelf to shelf, whatever the codecs.
#[test]
fn objects_travel_untyped() {
    fn copy<A: Objects, B: Objects>(from: &mut Shelf<'_, &mut Part, A>, to: &mut Shelf<'_, &mut Part, B>) {
        let mut items = from.items();
        while let Some((key, value)) = items.next_object().unwrap() {
            to.set_object(key, &value).unwrap();
        }
    }
    let (mut pickles, mut marshals, mut back) = (Lent::new(), Lent::new(), Lent::new());
    let mut first = pickles.shelf();
    first.set("settings", &settings()).unwrap();
    first.set("big", &i128::MIN).unwrap();
    let mut second = marshals.with(Marshal);
    copy(&mut first, &mut second);
    assert_eq!(second.get_object("settings").unwrap().unwrap().get("name").unwrap().as_str(), Ok("pantry ☕"));
    let mut third = back.with(Pickle::new().protocol(0));
    copy(&mut second, &mut third);
    assert_eq!(third.get("settings"), Ok(Some(settings())));
    assert_eq!(third.get("big"), Ok(Some(i128::MIN)));
    assert!(third.get_object("none").unwrap().is_none());
}

#[test]
fn what_does_not_fit_says_what_is_needed() {
    let mut lent = Lent::new();
    lent.shelf().set("long", &"x".repeat(300)).unwrap();
    lent.buf = vec![0; 100];
    let mut shelf = lent.shelf();
    let Err(Error::Dbm(dbm::Error::BufferTooSmall { needed })) = shelf.get::<String>("long") else { panic!() };
    let Err(Error::Value(error)) = shelf.set("longer", &"x".repeat(301)) else { panic!() };
    assert_eq!(error.kind, ErrorKind::BufferTooSmall { needed: needed + 1 });
    assert_eq!(shelf.contains("longer"), Ok(false));
    lent.buf = vec![0; needed];
    assert_eq!(lent.shelf().get("long"), Ok(Some("x".repeat(300))));
    lent.slots = vec![];
    let Err(Error::Value(error)) = lent.shelf().get::<Vec<u8>>("long") else { panic!() };
    assert!(matches!(error.kind, ErrorKind::OutOfSlots { needed: 1.. }));
}

#[test]
fn a_value_of_another_type_is_an_error_and_stays() {
    let mut lent = Lent::new();
    let mut shelf = lent.shelf();
    shelf.set("word", "flour").unwrap();
    let wrong = |error| matches!(error, Err(Error::Value(e)) if e.kind == ErrorKind::UnexpectedType);
    assert!(wrong(shelf.get::<u32>("word").map(drop)));
    assert!(wrong(shelf.pop::<u32>("word").map(drop)));
    assert!(wrong(shelf.modify("word", |_: &mut u32| ()).map(drop)));
    assert_eq!(shelf.get("word"), Ok(Some("flour")));
    shelf.dbm().set(&[0xff, 0xfe], b"").unwrap();
    let mut keys = shelf.keys();
    assert_eq!(keys.next(), Ok(Some("word")));
    assert_eq!(keys.next(), Err(Error::NotText));
}

#[test]
fn a_batch_is_all_or_nothing() {
    let mut lent = Lent::new();
    let mut shelf = lent.cached();
    shelf.set("a", &1).unwrap();
    let mut batch = shelf.batch().unwrap();
    batch.set("a", &2).unwrap();
    batch.set("b", &3).unwrap();
    assert_eq!(batch.get("a"), Ok(Some(2)), "it sees its own writes");
    drop(batch);
    assert_eq!((shelf.get("a"), shelf.get::<i32>("b")), (Ok(Some(1)), Ok(None)));
    let mut batch = shelf.batch().unwrap();
    batch.set("a", &4).unwrap();
    assert_eq!(batch.delete("b"), Ok(false));
    batch.commit().unwrap();
    assert_eq!(shelf.get("a"), Ok(Some(4)));
    let many: Vec<(String, String)> = (0..200).map(|i| (i.to_string(), "y".repeat(100))).collect();
    let full = shelf.update(many.iter().map(|(key, value)| (key, value)));
    assert_eq!(full, Err(Error::Dbm(dbm::Error::Full)));
    assert_eq!((shelf.len(), shelf.get("a")), (Ok(1), Ok(Some(4))), "a batch that does not fit leaves no trace");
}

#[test]
fn write_back_waits_for_sync() {
    let mut lent = Lent::new();
    let mut shelf = lent.cached();
    shelf.set("log", &vec![1u8]).unwrap();
    shelf.set("other", &0u8).unwrap();
    shelf.sync().unwrap();
    lent.part.reset_counters();
    let mut shelf = lent.cached();
    for i in 0..50 {
        assert_eq!(shelf.modify("log", |log: &mut Vec<u8>| log.push(i)), Ok(true));
        shelf.modify("other", |other: &mut u8| *other = i).unwrap();
    }
    assert_eq!(shelf.get::<Vec<u8>>("log").unwrap().unwrap().len(), 51, "reads see what waits");
    let mut items = shelf.items();
    assert_eq!(items.next::<Vec<u8>>().unwrap().unwrap().1.len(), 51, "and so do walks");
    assert_eq!(items.next::<u8>(), Ok(Some(("other", 49))));
    assert_eq!(lent.part.counters().programs, 0, "nothing was written");
    let mut shelf = lent.cached();
    assert_eq!(shelf.get("log"), Ok(Some(vec![1u8])), "a shelf that is dropped forgets what waits");
    shelf.modify("log", |log: &mut Vec<u8>| log.push(7)).unwrap();
    shelf.modify("other", |other: &mut u8| *other = 9).unwrap();
    shelf.close().unwrap();
    let mut shelf = lent.shelf();
    assert_eq!((shelf.get("log"), shelf.get("other")), (Ok(Some(vec![1u8, 7])), Ok(Some(9u8))));
}

/// With little memory, what waits is written when it must make room, and nothing is lost or stale.
#[test]
fn write_back_with_little_memory_is_right() {
    for room in [1, 20, 40, 100] {
        let mut lent = Lent::new();
        lent.cache = vec![0; room];
        let mut model = BTreeMap::new();
        let mut shelf = lent.cached();
        for i in 0..400u32 {
            let key = format!("k{}", i * 7 % 10);
            match i % 5 {
                0 => {
                    shelf.set(&key, &vec![i; 1]).unwrap();
                    model.insert(key, vec![i; 1]);
                }
                1 => assert_eq!(shelf.delete(&key).unwrap(), model.remove(&key).is_some()),
                2 => assert_eq!(shelf.get(&key).unwrap(), model.get(&key).cloned()),
                _ => {
                    let done = shelf.modify(&key, |list: &mut Vec<u32>| list.push(i)).unwrap();
                    assert_eq!(done, model.contains_key(&key));
                    if let Some(list) = model.get_mut(&key) {
                        list.push(i);
                    }
                }
            }
        }
        let (mut found, mut items) = (BTreeMap::new(), shelf.items());
        while let Some((key, value)) = items.next::<Vec<u32>>().unwrap() {
            found.insert(key.to_string(), value);
        }
        assert_eq!(found, model);
        shelf.close().unwrap();
        let mut shelf = lent.shelf();
        model.iter().for_each(|(key, value)| assert_eq!(shelf.get(key).unwrap().as_ref(), Some(value)));
    }
}

/// What changes nothing is not written: flash wears.
#[test]
fn a_modification_that_changes_nothing_is_not_written() {
    let mut lent = Lent::new();
    lent.shelf().set("same", &5).unwrap();
    lent.part.reset_counters();
    assert_eq!(lent.shelf().modify("same", |_: &mut i32| ()), Ok(true));
    assert_eq!(lent.part.counters().operations(), 0);
    lent.shelf().modify("same", |same: &mut i32| *same = 6).unwrap();
    assert_eq!(lent.shelf().get("same"), Ok(Some(6)));
}

/// Power goes while a sync writes several keys: all of them or none.
#[test]
fn a_torn_sync_is_all_or_nothing() {
    for (cut, tear) in (0..6).flat_map(|cut| Tear::ALL.map(|tear| (cut, tear))) {
        let mut lent = Lent::new();
        let names = ["a", "b", "c", "d"];
        names.iter().for_each(|name| lent.shelf().set(name, &0u32).unwrap());
        lent.part.cut_after(cut, tear);
        let mut shelf = lent.cached();
        names.iter().for_each(|name| assert_eq!(shelf.modify(name, |n: &mut u32| *n = 1), Ok(true)));
        let synced = shelf.sync().is_ok();
        lent.part.restore_power();
        let mut shelf = lent.shelf();
        let sum: u32 = names.iter().map(|name| shelf.get::<u32>(name).unwrap().unwrap()).sum();
        assert!(sum == 4 || sum == 0 && !synced, "{sum} after {cut} operations, {tear:?}");
    }
}
