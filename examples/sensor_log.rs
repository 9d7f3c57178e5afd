//! A sensor's log in flash, a power failure in the middle of a write, and Python at the other end.
//!
//! `cargo run --example sensor_log --features std` keeps a flash image in `larder.img`, writes a reading into `reading.pkl`
//! and reads `from_python.pkl` when there is one. Where there is a python3, Python reads the one and writes the other.

use std::error::Error;
use std::fs;
use std::process::Command;

use larder::dbm::{self, Flag};
use larder::flash::{FileFlash, Tear};
use larder::object::Slot;
use larder::pickle;
use larder::shelve::{self, Shelf};
use serde::{Deserialize, Serialize};

/// 16 sectors of 4 KiB, words of 4 bytes: the end of a small microcontroller's flash.
type Chip = FileFlash<4, 4096>;
const SECTORS: usize = 16;
/// The log keeps the last so many readings.
const KEPT: u32 = 400;

#[derive(Serialize, Deserialize, Debug, PartialEq)]
struct Reading {
    number: u32,
    celsius: f64,
    humidity: u8,
    remarks: Vec<String>,
}

impl Reading {
    /// What the weather was like.
    fn take(number: u32) -> Reading {
        let day = f64::from(number) / 96.0;
        let celsius = 20.0 + 5.0 * (day * std::f64::consts::TAU).sin() + f64::from(number * 7919 % 10) / 10.0;
        let remarks = if number.is_multiple_of(25) { vec!["calibrated".into()] } else { vec![] };
        Reading { number, celsius: (celsius * 10.0).round() / 10.0, humidity: (60 + number * 31 % 17) as u8, remarks }
    }
}

fn key(number: u32) -> String {
    format!("reading/{number:08}")
}

type Log<'a> = Shelf<'a, &'a mut Chip>;

/// Opens the shelf on the chip for `work`.
fn open<T>(chip: &mut Chip, work: impl FnOnce(Log<'_>) -> shelve::Result<T>) -> shelve::Result<T> {
    let (mut memory, mut buf, mut slots) = ([0; 512], [0; 256], [Slot::EMPTY; 32]);
    work(Shelf::new(dbm::open(chip, Flag::Create, &mut memory)?, &mut buf, &mut slots))
}

/// Logs readings until `end`, and says how far it came.
fn log(chip: &mut Chip, end: u32) -> (u32, shelve::Result<()>) {
    let mut last = 0;
    let done = open(chip, |mut shelf| {
        last = shelf.get("last")?.unwrap_or(0);
        while last < end {
            let next = last + 1;
            // The reading and the count of readings: both or neither.
            let mut batch = shelf.batch()?;
            batch.set(&key(next), &Reading::take(next))?;
            batch.set("last", &next)?;
            batch.delete(&key(next.saturating_sub(KEPT)))?;
            batch.commit()?;
            last = next;
        }
        Ok(())
    });
    (last, done)
}

/// What the chip holds after all: how many readings, and the last one, each as it was taken.
fn survey(chip: &mut Chip) -> shelve::Result<(u32, Option<Reading>)> {
    open(chip, |mut shelf| {
        let last = shelf.get("last")?.unwrap_or(0);
        let (mut count, mut readings) = (0, shelf.items().prefix("reading/"));
        while let Some((name, reading)) = readings.next::<Reading>()? {
            assert_eq!((name, &reading), (key(reading.number).as_str(), &Reading::take(reading.number)));
            count += 1;
        }
        Ok((count, shelf.get(&key(last))?))
    })
}

/// What Python makes of the reading: it gives it back, and a word of its own.
const PYTHON: &str = "
import pickle, sys
with open('reading.pkl', 'rb') as file:
    reading = pickle.load(file)
print(reading)
reading['remarks'].append('seen by Python ' + sys.version.split()[0])
reading['fahrenheit'] = round(reading['celsius'] * 9 / 5 + 32, 1)
with open('from_python.pkl', 'wb') as file:
    pickle.dump(reading, file)
";

/// What Python adds to a reading.
#[derive(Deserialize)]
struct Answer {
    fahrenheit: f64,
    remarks: Vec<String>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut chip = Chip::open("larder.img", SECTORS)?;
    let boots = open(&mut chip, |mut shelf| {
        let boots = shelf.get::<u32>("boots")?.unwrap_or(0) + 1;
        shelf.set("boots", &boots)?;
        Ok(boots)
    })?;
    println!("flash     larder.img: {SECTORS} sectors of 4 KiB, start number {boots}");

    let (_, newest) = survey(&mut chip)?;
    let before = newest.map_or(0, |reading| reading.number);
    let (last, done) = log(&mut chip, before + 50);
    done?;
    println!("log       readings {} to {last}, each in the flash when the call returns", before + 1);

    chip.part_mut().cut_after(u64::from(10 + boots % 17), Tear::RandomBits);
    let (acknowledged, done) = log(&mut chip, u32::MAX);
    done.expect_err("power fails before the log ends");
    println!("power     fails in the middle of a write, when {} more readings are acknowledged", acknowledged - last);

    chip.part_mut().restore_power();
    let (count, newest) = survey(&mut chip)?;
    let newest = newest.ok_or("the log is empty")?;
    assert!(newest.number == acknowledged || newest.number == acknowledged + 1, "nothing acknowledged is lost");
    println!("reopen    {count} readings, all whole, up to number {}: nothing is lost", newest.number);

    let mut buf = [0; 256];
    let pickled = pickle::dumps(&newest, &mut buf)?;
    fs::write("reading.pkl", pickled)?;
    println!("pickle    reading.pkl: number {} in {} bytes", newest.number, pickled.len());

    match Command::new("python3").args(["-c", PYTHON]).output() {
        Ok(python) if python.status.success() => {
            print!("python    reads {}", String::from_utf8_lossy(&python.stdout));
        }
        Ok(python) => println!("python    {}", String::from_utf8_lossy(&python.stderr).trim_end()),
        Err(_) => println!(
            "python    is not here; try: python3 -c \"import pickle; print(pickle.load(open('reading.pkl', 'rb')))\""
        ),
    }
    if let Ok(bytes) = fs::read("from_python.pkl") {
        let Answer { fahrenheit, remarks } = pickle::from_slice(&bytes, &mut [Slot::EMPTY; 128])?;
        println!("answers   that is {fahrenheit} °F; {}", remarks.join(", "));
    }
    Ok(())
}
