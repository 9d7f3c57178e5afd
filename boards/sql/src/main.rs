//! Statements of every kind on a micro:bit in the emulator, over its flash; then how deep the stack has been at each.
#![no_std]
#![no_main]

#[path = "../../microbit/src/nvmc.rs"]
mod nvmc;
#[path = "../../microbit/src/stack.rs"]
mod stack;

use core::fmt::Write;

use cortex_m_rt::{entry, exception};
use cortex_m_semihosting::{debug, hio};
use embedded_storage::nor_flash::NorFlash;
use larder::dbm::{self, Flag};
use larder::flash::Region;
use larder::sqlite3::onflash::OnFlash;
use larder::sqlite3::{Connection, Memory, Result, Value};
use nrf51_pac::Peripherals;

unsafe extern "C" {
    static _store_start: u8;
    static _store_end: u8;
}

const STATEMENTS: &[&str] = &[
    "CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT, temp REAL)",
    "INSERT INTO t VALUES(1, 'pantry', 12.5), (2, 'cellar', 9.25), (3, 'attic', 31.0)",
    "SELECT name, temp FROM t WHERE id = ?1",
    "UPDATE t SET temp = temp + 0.5 WHERE id = ?1",
    "SELECT count(*), sum(temp), avg(temp) FROM t",
    "SELECT id FROM t ORDER BY temp, id LIMIT 10",
    "CREATE INDEX by_name ON t(name, temp)",
    "CREATE TABLE u(t INTEGER REFERENCES t, note TEXT UNIQUE, CHECK (length(note) < 20))",
    "INSERT OR REPLACE INTO u SELECT id, name || '!' FROM t",
    "SELECT name, count(*), min(temp), group_concat(note) FROM t JOIN u ON u.t = t.id GROUP BY name HAVING count(*) < 9",
    "SELECT DISTINCT round(temp) FROM t WHERE name IN (SELECT name FROM t WHERE temp > 1) OR EXISTS (SELECT 1 FROM u WHERE t = id)",
    "SELECT printf('%08.3f|%-5d|%s', temp, id, upper(name)), date('2024-02-29', '+1 year'), hex(name) FROM t",
    "SELECT substr(replace(name, 't', 'tt'), 2), name LIKE '%a%', CASE id WHEN 1 THEN 'one' ELSE quote(temp) END FROM t",
    "SELECT a.name FROM t a LEFT JOIN t b ON b.id = a.id + 1 ORDER BY a.name DESC, b.temp",
    "ALTER TABLE t ADD COLUMN more INTEGER DEFAULT 7",
    "CREATE TABLE v(a PRIMARY KEY, b UNIQUE, c CHECK (c > 1))",
    "ALTER TABLE v RENAME TO w",
    "CREATE UNIQUE INDEX by_two ON t(temp, name)",
    "DROP INDEX by_two",
    "CREATE VIEW seen AS SELECT * FROM t JOIN u ON u.t = t.id",
    "SELECT * FROM seen",
    "DROP VIEW seen",
    "SAVEPOINT s",
    "INSERT INTO w VALUES(1,2,3)",
    "ROLLBACK TO s",
    "RELEASE s",
    "REINDEX",
    "EXPLAIN QUERY PLAN SELECT * FROM t WHERE name = 'attic'",
    "PRAGMA integrity_check",
    "DELETE FROM u WHERE t > 1",
    "DROP TABLE u",
];

/// Runs all statements; the stack's depth beyond this function, of the store alone and after each statement.
fn run(store: impl NorFlash, pages: &mut [u8], memory: &mut [u8], depths: &mut [u32]) -> Result<()> {
    let mut db = dbm::open(store, Flag::New, pages)?;
    let mut depths = depths.iter_mut();
    if let Some(depth) = depths.next() {
        *depth = of_the_store(&mut db)?;
    }
    let mut cursors = [db.cursor(); 5];
    let mut store = OnFlash::new(db, &mut cursors);
    let mut con = Connection::open(&mut store, memory)?;
    for (sql, depth) in STATEMENTS.iter().zip(depths) {
        *depth = statement(&mut con, sql)?;
    }
    con.commit()
}

/// How deep the stack has been below this function for the store alone: batches, look-ups and steps of a cursor.
#[inline(never)]
fn of_the_store(db: &mut dbm::Dbm<'_, impl NorFlash>) -> dbm::Result<u32> {
    let mut buf = [0; 64];
    stack::repaint(&buf);
    for turn in 0..60u8 {
        db.begin()?;
        db.set(&[1, turn % 20], &[turn; 40])?;
        let savepoint = db.savepoint()?;
        db.set(&[2, turn % 20], &[turn; 40])?;
        if turn % 8 == 0 {
            db.rollback_to(savepoint)?;
        }
        db.commit()?;
        db.get(&[1, turn % 7], &mut buf)?;
    }
    let mut cursor = db.cursor();
    while db.next(&mut cursor, &mut buf)?.is_some() {}
    db.clear()?;
    Ok(stack::high_water() - stack::depth_of(&buf))
}

/// Runs a statement; how deep the stack has been below the frame of this function.
#[inline(never)]
fn statement(con: &mut Connection<'_>, sql: &str) -> Result<u32> {
    let parameters = [Value::Integer(2)];
    stack::repaint(&parameters);
    let takes = usize::from(sql.contains("?1"));
    let mut rows = con.execute(sql, &parameters[..takes])?;
    while rows.fetchone()?.is_some() {}
    drop(rows);
    Ok(stack::high_water() - stack::depth_of(&parameters))
}

#[entry]
fn main() -> ! {
    static mut DEPTHS: [u32; STATEMENTS.len() + 1] = [0; STATEMENTS.len() + 1];
    static mut PAGES: [u8; dbm::memory_needed(64 * 1024, 1024)] = [0; dbm::memory_needed(64 * 1024, 1024)];
    static mut MEMORY: Memory<3072> = Memory::new();
    // SAFETY: this is the only place that takes the peripherals, and it runs once.
    let chip = unsafe { Peripherals::steal() };
    let range = (&raw const _store_start) as u32..(&raw const _store_end) as u32;
    let done = match Region::new(nvmc::Nvmc::new(chip.NVMC), range) {
        Ok(store) => run(store, PAGES, MEMORY, DEPTHS),
        Err(_) => end(debug::EXIT_FAILURE),
    };
    // What prints goes deeper than SQL: only now.
    let Ok(mut out) = hio::hstdout() else { end(debug::EXIT_FAILURE) };
    for (depth, sql) in DEPTHS.iter().zip(["the store alone"].iter().chain(STATEMENTS)) {
        _ = writeln!(out, "{depth:5} {sql}");
    }
    if let Err(error) = done {
        _ = writeln!(out, "    0 failed: {error}");
        end(debug::EXIT_FAILURE);
    }
    end(debug::EXIT_SUCCESS)
}

fn end(status: debug::ExitStatus) -> ! {
    debug::exit(status);
    cortex_m::peripheral::SCB::sys_reset()
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    end(debug::EXIT_FAILURE)
}

#[exception]
unsafe fn HardFault(_: &cortex_m_rt::ExceptionFrame) -> ! {
    end(debug::EXIT_FAILURE)
}
