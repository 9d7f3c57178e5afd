//! Python's `shelve` on flash: `cargo run --example shelve --features std`. The part lives in memory and is gone at the end.

use larder::dbm::{self, Flag};
use larder::flash::SimFlash;
use larder::object::Slot;
use larder::shelve::Shelf;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Debug)]
struct Recipe {
    name: String,
    minutes: u16,
    steps: Vec<String>,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (mut memory, mut buf, mut slots, mut cache) = ([0; 512], [0; 256], [Slot::EMPTY; 64], [0; 512]);
    let db = dbm::open(SimFlash::<4, 4096>::owned(8)?, Flag::Create, &mut memory)?;
    let mut shelf = Shelf::new(db, &mut buf, &mut slots).writeback(&mut cache);

    let boots = shelf.get::<u32>("boots")?.unwrap_or(0) + 1;
    shelf.set("boots", &boots)?;
    shelf.set("recipe/bread", &Recipe { name: "bread".into(), minutes: 180, steps: vec!["knead".into()] })?;

    // As `shelf["recipe/bread"]["steps"].append("rest")` with writeback=True: in memory until `sync`.
    shelf.modify("recipe/bread", |bread: &mut Recipe| bread.steps.push("rest".into()))?;
    shelf.modify("recipe/bread", |bread: &mut Recipe| bread.steps.push("bake".into()))?;
    shelf.sync()?;

    let mut recipes = shelf.items().prefix("recipe/");
    while let Some((key, recipe)) = recipes.next::<Recipe>()? {
        println!("{key}: {recipe:?}");
    }
    let counters = shelf.close()?.counters();
    println!("{} programs, {} erases", counters.programs, counters.erases);
    Ok(())
}
