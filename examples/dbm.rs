//! Python's `dbm` verbs on flash: `cargo run --example dbm --features std`. The part lives in memory and is gone at the end.

use larder::dbm::{self, Flag};
use larder::flash::SimFlash;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // 8 sectors of 4 KiB with words of 4 bytes. On a device: its own driver, or a `Region` of it.
    let flash = SimFlash::<4, 4096>::owned(8)?;
    let mut memory = [0; dbm::memory_needed(8 * 4096, 4096)];
    let mut buf = [0; 64];

    let mut db = dbm::open(flash, Flag::Create, &mut memory)?;
    db.set(b"ssid", b"pantry")?;
    db.set(b"channel", b"11")?;
    println!("ssid is {:?}", db.get(b"ssid", &mut buf)?.map(String::from_utf8_lossy));

    // Both or neither, whatever happens to the power.
    let mut batch = db.batch()?;
    batch.set(b"ssid", b"cellar")?;
    batch.delete(b"channel")?;
    batch.commit()?;

    let mut keys = db.keys();
    while let Some(key) = keys.next(&mut buf)? {
        println!("{} is still there", String::from_utf8_lossy(key));
    }
    let flash = db.close()?;
    println!("{} programs, {} erases", flash.counters().programs, flash.counters().erases);
    Ok(())
}
