//! What each line of the table measures.

use crate::bench::{Bench, Cost, Rng, Shape};
use crate::entrants::{Done, Entrant, Trouble};

/// A line of the table, and an entrant's figure in it.
pub type Line = (&'static str, String);

/// A device's settings: 64 keys of 8 to 15 bytes, values of 4 to 64.
pub const SETTINGS: Shape = Shape { key: (8, 15), value: (4, 64) };
const DICTIONARY: Shape = Shape { key: (8, 8), value: (32, 32) };
const LARGE: Shape = Shape { key: (8, 8), value: (64, 64) };

/// The figure, or why there is none.
fn figure(cost: &Cost, text: String) -> String {
    match &cost.trouble {
        None => text,
        Some(Trouble::Full) => "does not fit".into(),
        Some(Trouble::Never) => "none".into(),
        Some(Trouble::Other(words)) => format!("fails: {}", words.chars().take(40).collect::<String>()),
    }
}

fn milliseconds(cost: &Cost) -> String {
    figure(cost, format!("{:.3}", cost.milliseconds()))
}

/// 64 keys in 16 sectors of 4 KiB: 10,000 overwrites, then reads.
pub fn settings(entrant: Entrant, seed: u64) -> Done<Vec<Line>> {
    let mut rng = Rng(seed);
    let mut bench = Bench::<4096>::new(entrant, 16, SETTINGS, 64)?;
    bench.measure(&rng.shuffled(64), Bench::put);
    let puts = bench.measure(&rng.uniform(64, 10_000), Bench::put);
    let gets = bench.measure(&rng.uniform(64, 2_000), Bench::get);
    Ok(vec![
        (
            "settings, 16 × 4 KiB: bytes, programs a put",
            figure(&puts, format!("{:.1}, {:.1}", puts.programmed(), puts.programs())),
        ),
        ("· erases per 1,000 puts", figure(&puts, format!("{:.1}", puts.erases_per_thousand()))),
        ("· wear, most / mean", figure(&puts, format!("{:.2}", bench.uneven()))),
        ("· worst put, ms", figure(&puts, format!("{:.0}", puts.worst))),
        ("· get, ms", milliseconds(&gets)),
    ])
}

/// The same on 128 sectors of 1 KiB.
pub fn small_sectors(entrant: Entrant, seed: u64) -> Done<Vec<Line>> {
    let mut rng = Rng(seed);
    let mut bench = Bench::<1024>::new(entrant, 128, SETTINGS, 64)?;
    bench.measure(&rng.shuffled(64), Bench::put);
    let puts = bench.measure(&rng.uniform(64, 5_000), Bench::put);
    Ok(vec![(
        "settings, 128 × 1 KiB: erases per 1,000 puts",
        figure(&puts, format!("{:.1}", puts.erases_per_thousand())),
    )])
}

/// 1,000 keys of 8 bytes with 32 each, in 64 sectors of 4 KiB: reads, scans, batches, and an opening.
pub fn dictionary(entrant: Entrant, seed: u64) -> Done<Vec<Line>> {
    let mut rng = Rng(seed);
    let mut bench = Bench::<4096>::new(entrant, 64, DICTIONARY, 1_100)?;
    bench.measure(&rng.shuffled(1_000), Bench::put);
    let gets = bench.measure(&rng.zipf(1_000, 5_000), Bench::get);
    let absent: Vec<usize> = rng.uniform(100, 1_000).iter().map(|i| 1_000 + i).collect();
    let misses = bench.measure(&absent, Bench::get);
    let scan = bench.measure(&[()], |bench, ()| bench.scan(b"", usize::MAX));
    let ranges = bench.measure(&rng.uniform(900, 50), |bench, i| bench.scan(&DICTIONARY.key(i), 100));
    let batches: Vec<[usize; 10]> = (0..100).map(|_| distinct(&mut rng)).collect();
    let batches = bench.measure(&batches, |bench, items| bench.batch(&items));
    let mount = bench.measure(&[0], |bench, i| bench.reopen().and_then(|()| bench.get(i)));
    Ok(vec![
        ("dictionary of 1,000: get, ms", milliseconds(&gets)),
        ("· reads a get", figure(&gets, format!("{:.2}", gets.reads()))),
        ("· absent key, ms", milliseconds(&misses)),
        ("· reads for an absent key", figure(&misses, format!("{:.2}", misses.reads()))),
        ("· scan of all in order, ms", milliseconds(&scan)),
        ("· range of 100, ms", milliseconds(&ranges)),
        (
            "· batch of 10: bytes, ms",
            figure(&batches, format!("{:.0}, {:.1}", batches.programmed(), batches.milliseconds())),
        ),
        ("· opening and first get, ms", milliseconds(&mount)),
    ])
}

/// Ten of a thousand, none twice.
fn distinct(rng: &mut Rng) -> [usize; 10] {
    let order = rng.shuffled(1_000);
    core::array::from_fn(|i| order[i])
}

/// 10,000 keys of 8 bytes with 64 each, in 512 sectors of 4 KiB.
pub fn large(entrant: Entrant, seed: u64) -> Done<Vec<Line>> {
    let mut rng = Rng(seed);
    let mut bench = Bench::<4096>::new(entrant, 512, LARGE, 10_000)?;
    let fill = bench.measure(&rng.shuffled(10_000), Bench::put);
    if fill.trouble.is_some() {
        return Ok(vec![("10,000 keys: get, ms", figure(&fill, String::new()))]);
    }
    let gets = bench.measure(&rng.uniform(10_000, 1_000), Bench::get);
    let mount = bench.measure(&[0], |bench, i| bench.reopen().and_then(|()| bench.get(i)));
    Ok(vec![("10,000 keys: get, ms", milliseconds(&gets)), ("· opening and first get, ms", milliseconds(&mount))])
}

/// Keys of 8 bytes with 32 each in 64 KiB until it is full; then overwrites of 1,000 of them in a new store.
pub fn full(entrant: Entrant, seed: u64) -> Done<Vec<Line>> {
    let mut rng = Rng(seed);
    let mut bench = Bench::<4096>::new(entrant, 16, DICTIONARY, 2_000)?;
    let fill = bench.measure(&(0..2_000).collect::<Vec<_>>(), Bench::put);
    let kept = fill.operations;
    let check = bench.measure(&(0..kept).collect::<Vec<_>>(), Bench::get);
    let keys = if check.trouble.is_none() { kept.to_string() } else { figure(&check, String::new()) };
    let mut lines = vec![("keys of 8 + 32 bytes until 64 KiB are full", keys)];
    let mut bench = Bench::<4096>::new(entrant, 16, DICTIONARY, 1_000)?;
    let refill = bench.measure(&rng.shuffled(1_000), Bench::put);
    for (line, items) in [
        ("1,000 there, overwrites: amplification, erases per 1,000, worst ms", rng.uniform(1_000, 2_000)),
        ("· the same by Zipf's law", rng.zipf(1_000, 2_000)),
    ] {
        let cost = if refill.trouble.is_some() { &refill } else { &bench.measure(&items, Bench::put) };
        let text = format!("{:.1}, {:.0}, {:.0}", cost.amplification(), cost.erases_per_thousand(), cost.worst);
        lines.push((line, figure(cost, text)));
    }
    Ok(lines)
}
