//! The whole house in one program: pickles with a class, marshals, a shelf and tables on one store.
#![no_std]
#![no_main]

use larder::copyreg::{Class, Registry};
use larder::dbm::{self, Flag};
use larder::object::Slot;
use larder::pickle::{Pickler, Unpickler};
use larder::shelve::Shelf;
use larder::{marshal, pickle};
use sizes::steps::tables;
use sizes::{Flash, Reading, outcome, unknown, used};

static CLASSES: Registry = Registry::new(&[Class::reduce("pantry", "Reading")]);

#[unsafe(no_mangle)]
extern "C" fn _start() {
    codecs();
    shelf();
    tables();
}

fn codecs() {
    let mut slots = [Slot::EMPTY; 64];
    let mut buf = [0; 64];
    if let Ok(object) = pickle::loads(unknown(), &mut slots) {
        outcome(object.get("id").and_then(|o| o.as_i64()));
    }
    if let Ok(reading) = Unpickler::new().registry(&CLASSES).from_slice::<Reading>(unknown(), &mut slots) {
        reading.used();
    }
    if let Ok(pickle) = Pickler::new(&mut buf).registry(&CLASSES).dumps(&Reading::unknown()) {
        used(pickle);
    }
    if let Ok(reading) = marshal::from_slice::<Reading>(unknown(), &mut slots) {
        reading.used();
    }
    if let Ok(data) = marshal::dumps(&Reading::unknown(), &mut buf) {
        used(data);
    }
}

fn shelf() {
    let mut memory = [0; 1024];
    let (mut buf, mut slots) = ([0; 64], [Slot::EMPTY; 64]);
    let Ok(db) = dbm::open(Flash, Flag::Create, &mut memory) else { return };
    let mut shelf = Shelf::new(db, &mut buf, &mut slots);
    outcome(shelf.set("reading", &Reading::unknown()));
    if let Ok(Some(reading)) = shelf.get::<Reading>("reading") {
        reading.used();
    }
    outcome(shelf.delete("reading"));
    let mut keys = shelf.keys();
    while let Ok(Some(key)) = keys.next() {
        used(key.as_bytes());
    }
}
