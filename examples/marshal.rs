//! marshal both ways: `cargo run --example marshal`, or `cargo run --example marshal FILE.pyc` to look into a module.

use larder::marshal::{self, Marshaller, code};
use larder::object::{Kind, Slot};
use serde::{Deserialize, Serialize};
use std::error::Error;

#[derive(Serialize, Deserialize, Debug, PartialEq)]
struct Reading<'a> {
    sensor: &'a str,
    celsius: f64,
    ok: bool,
}

fn main() -> Result<(), Box<dyn Error>> {
    if let Some(path) = std::env::args().nth(1) {
        return look_into(&path);
    }

    // A struct becomes what marshal.dumps gives for a dict, in a buffer that we lend.
    let reading = Reading { sensor: "bme280", celsius: 21.5, ok: true };
    let mut buf = [0; 64];
    let bytes = marshal::dumps(&reading, &mut buf)?;
    println!("marshal.loads(b\"{}\")", bytes.escape_ascii());

    // And back, borrowing the text from the bytes.
    let mut slots = [Slot::EMPTY; 16];
    assert_eq!(marshal::from_slice::<Reading>(bytes, &mut slots)?, reading);

    // Without a type: what Python wrote with marshal.dumps([1, "two", 3.0, [1, 2]]).
    let python = b"[\x04\0\0\0i\x01\0\0\0z\x03twog\0\0\0\0\0\0\x08@[\x02\0\0\0i\x01\0\0\0i\x02\0\0\0";
    let mut slots = [Slot::EMPTY; 32];
    let list = marshal::loads(python, &mut slots)?;
    println!("{list} has {} items, the last of them {}", list.len(), list.at(3)?);

    // For an older Python, an older version of the format.
    let mut buf = [0; 64];
    let old = Marshaller::new(&mut buf).version(2).recode(&list, &mut [Slot::EMPTY; 32])?;
    println!("in version 2: {} bytes instead of {}", old.len(), python.len());

    // What is damaged is an error with a place.
    let error = marshal::loads(&python[..12], &mut [Slot::EMPTY; 32]).unwrap_err();
    println!("cut short: {error}");
    Ok(())
}

/// The code object of a .pyc file, field by field.
fn look_into(path: &str) -> Result<(), Box<dyn Error>> {
    let file = std::fs::read(path)?;
    let mut slots = vec![Slot::EMPTY; 4 * file.len()];
    let (header, module) = marshal::load_pyc(&file, &mut slots)?;
    println!("compiled by Python {}.{}", header.python.major(), header.python.minor());
    for (field, value) in code::layout(header.python).iter().zip(module.items()) {
        match value.kind() {
            Kind::Bytes => println!("{:>16}: {} bytes", field.name, value.len()),
            Kind::Tuple => println!("{:>16}: {} items", field.name, value.len()),
            _ => println!("{:>16}: {value}", field.name),
        }
    }
    Ok(())
}
