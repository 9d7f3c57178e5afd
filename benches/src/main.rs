//! larder's flash store beside its peers, all on the same simulated part: counts of flash operations, and the milliseconds
//! that a W25Q128 SPI flash at 32 MHz would take. Prints one table.
//!
//! ```text
//! cd benches && cargo run --release                        # about three minutes
//! cargo run --release -- 7                                 # other random numbers
//! cargo run --release --features littlefs                  # and littlefs2, which wants libclang
//! ```
//!
//! Run it in this folder: `.cargo/config.toml` sizes ekv, which takes its sizes from the environment when it is compiled.

mod bench;
mod cuts;
mod entrants;
mod part;
mod workloads;

use entrants::{Done, Entrant, Trouble};
use workloads::Line;

fn main() {
    let seed = std::env::args().nth(1).map_or(1, |seed| seed.parse().expect("the seed is a number"));
    // What a peer panics about in a power cut is counted as a loss, not printed.
    std::panic::set_hook(Box::new(|_| {}));
    let workloads: [fn(Entrant, u64) -> Done<Vec<Line>>; 6] = [
        workloads::settings,
        workloads::small_sectors,
        workloads::dictionary,
        workloads::large,
        workloads::full,
        cuts::cuts,
    ];
    let mut lines: Vec<(&str, Vec<String>)> = Vec::new();
    for workload in workloads {
        let mut figures: Vec<Vec<Line>> = Vec::new();
        for entrant in Entrant::ALL {
            eprint!(".");
            figures.push(workload(*entrant, seed).unwrap_or_else(|trouble| match trouble {
                Trouble::Never => Vec::new(),
                trouble => panic!("{}: {trouble:?}", entrant.name()),
            }));
        }
        let names: Vec<&str> =
            figures.iter().max_by_key(|lines| lines.len()).into_iter().flatten().map(|line| line.0).collect();
        for name in names {
            let cell = |lines: &Vec<Line>| {
                lines.iter().find(|line| line.0 == name).map_or("–".into(), |line| line.1.clone())
            };
            lines.push((name, figures.iter().map(cell).collect()));
        }
    }
    eprintln!();
    let names: Vec<&str> = Entrant::ALL.iter().map(|entrant| entrant.name()).collect();
    println!("| | {} |\n|---|{}", names.join(" | "), "--:|".repeat(names.len()));
    for (name, figures) in lines {
        println!("| {name} | {} |", figures.join(" | "));
    }
}
