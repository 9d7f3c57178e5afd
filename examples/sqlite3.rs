//! `sqlite3` on a simulated flash part: the program of Python's documentation, then readings with an index, a
//! GROUP BY and a join. `cargo run --example sqlite3 --features std`

use larder::dbm::{self, Flag};
use larder::flash::SimFlash;
use larder::sqlite3::onflash::OnFlash;
use larder::sqlite3::{Connection, Memory, Result, Value};

fn main() -> Result<()> {
    // 64 sectors of 4 KiB, words of 4 bytes: what a microcontroller has.
    let flash = SimFlash::<4, 4096>::owned(64).expect("a part in memory");
    let mut pages = vec![0; dbm::memory_needed(64 * 4096, 4096)];
    let db = dbm::open(flash, Flag::Create, &mut pages).expect("a new store");
    let mut cursors = [db.cursor(); 5];
    let mut store = OnFlash::new(db, &mut cursors);
    let mut memory = Memory::<3072>::new();

    // con = sqlite3.connect("users.db")
    let mut con = Connection::open(&mut store, &mut memory)?;
    // con.execute("CREATE TABLE IF NOT EXISTS users(...)")
    con.execute("CREATE TABLE IF NOT EXISTS users(id INTEGER PRIMARY KEY, name TEXT)", &[])?;
    // con.execute("INSERT INTO users(name) VALUES(?)", ("Ada",))
    con.execute("INSERT INTO users(name) VALUES(?)", &[Value::Text(b"Ada")])?;
    con.execute("INSERT INTO users(name) VALUES(?)", &[Value::Text(b"Grace")])?;
    // con.commit()
    con.commit()?;
    // for row in con.execute("SELECT id, name FROM users").fetchall(): print(row)
    let mut users = con.execute("SELECT id, name FROM users", &[])?;
    while let Some(row) = users.fetchone()? {
        println!("({}, {:?})", row.get::<i64>(0)?, row.get::<&str>("name")?);
    }
    drop(users);

    con.execute("CREATE TABLE readings(id INTEGER PRIMARY KEY, sensor INTEGER, celsius REAL)", &[])?;
    con.execute("CREATE INDEX by_sensor ON readings(sensor, celsius)", &[])?;
    con.execute("CREATE TABLE sensors(id INTEGER PRIMARY KEY, place TEXT)", &[])?;
    con.executescript("INSERT INTO sensors VALUES(1, 'pantry'), (2, 'cellar'), (3, 'attic')")?;
    let mut transaction = con.transaction()?;
    for i in 0..60i64 {
        let celsius = 12.0 + (i * 7 % 30) as f64 / 4.0;
        let reading = [Value::Integer(i % 3 + 1), Value::Real(celsius)];
        transaction.execute("INSERT INTO readings(sensor, celsius) VALUES(?, ?)", &reading)?;
    }
    transaction.commit()?;

    let report = "SELECT place, count(*), min(celsius), max(celsius) FROM sensors JOIN readings ON sensor = sensors.id \
                  WHERE celsius > :least GROUP BY place ORDER BY place";
    let least = [Value::Real(13.0)];
    let mut rows = con.execute(report, &least)?;
    while let Some(row) = rows.fetchone()? {
        let (place, count): (&str, i64) = (row.get(0)?, row.get(1)?);
        println!("{place}: {count} readings, {} to {} °C", row.get::<f64>(2)?, row.get::<f64>(3)?);
    }
    drop(rows);
    let plan = format!("EXPLAIN QUERY PLAN {report}");
    let mut rows = con.execute(&plan, &least)?;
    while let Some(row) = rows.fetchone()? {
        println!("{}", row.get::<&str>("detail")?);
    }
    Ok(())
}
