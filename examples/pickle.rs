//! pickle in ten lines and a few more: structs, untyped navigation, protocols, Python's own classes.
//!
//!     cargo run --example pickle

use larder::copyreg::classes::{DateTime, Decimal};
use larder::object::Slot;
use larder::pickle::{self, Pickler};
use serde::{Deserialize, Serialize};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Reading<'a> {
    sensor: &'a str,
    #[serde(borrow)]
    at: DateTime<'a>,
    celsius: [f32; 3],
    price: Decimal<'a>,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let reading = Reading {
        sensor: "pantry",
        at: DateTime::from_timestamp(1_767_323_045).ok_or("beyond the year 9999")?,
        celsius: [21.5, 21.25, 20.75],
        price: Decimal::new("0.27").ok_or("no number")?,
    };

    // Out: into memory that is lent, and the part that was used comes back.
    let mut buf = [0; 256];
    let bytes = pickle::dumps(&reading, &mut buf)?;
    println!("{} bytes: {}", bytes.len(), bytes.escape_ascii());
    println!("try it:  python3 -c 'import pickle; print(pickle.loads(b\"...\"))'\n");

    // In, typed: text and bytes are borrowed from the pickle.
    let mut slots = [Slot::EMPTY; 64];
    let back: Reading = pickle::from_slice(bytes, &mut slots)?;
    assert_eq!(back, reading);
    println!("typed:   {back:?}\n");

    // In, untyped: an Object is a handle, and shows itself as Python would.
    let mut slots = [Slot::EMPTY; 64];
    let object = pickle::loads(bytes, &mut slots)?;
    println!("untyped: {} reads {}\n", object.get("sensor")?.as_str()?, object.get("celsius")?.at(0)?.as_f64()?);

    // Every protocol, for every Python.
    for protocol in 0..=pickle::HIGHEST_PROTOCOL {
        let mut buf = [0; 512];
        let bytes = Pickler::new(&mut buf).protocol(protocol).dumps(&reading)?;
        println!("protocol {protocol}: {} bytes, {} slots", bytes.len(), pickle::slots_needed(bytes)?);
    }
    Ok(())
}
