//! What every size probe shares: the panic handler, inputs the optimizer cannot see through, and a flash without a body.
//!
//! A probe is a program `_start` that uses one part of larder the way a firmware would; its cost is its size less that of
//! the probe named `empty`. Inputs come from [`unknown`] and results go to [`used`], so that nothing is computed at
//! build time and nothing is left out as unused. The programs are linked and measured, never run.
#![no_std]

use core::hint::black_box;

use embedded_storage::nor_flash::{ErrorType, NorFlash, NorFlashErrorKind, ReadNorFlash};

#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    loop {}
}

/// Bytes of which the compiler knows neither the length nor the content.
///
/// Copies, moves, fills and compares a few bytes, so that every probe contains the four functions of core's runtime that
/// every firmware contains, and none is counted as larder's.
#[inline(never)]
pub fn unknown() -> &'static [u8] {
    let (bytes, mut scratch) = (black_box::<&[u8]>(&[]), [0; 64]);
    let room = black_box(&mut scratch[..]);
    if room.len() >= bytes.len() {
        room[..bytes.len()].copy_from_slice(bytes);
    }
    room.copy_within(black_box(1)..black_box(2), black_box(3));
    room.fill(black_box(0));
    if room == bytes { black_box(bytes) } else { &[] }
}

/// Makes a result count as used.
#[inline(never)]
pub fn used(bytes: &[u8]) {
    black_box(bytes);
}

/// Like [`used`], for an outcome without bytes.
pub fn outcome<T, E>(result: Result<T, E>) {
    if result.is_err() {
        used(&[]);
    }
}

/// A NOR flash whose driver costs next to nothing: 4 KiB sectors, 4-byte words, 256 KiB.
pub struct Flash;

impl ErrorType for Flash {
    type Error = NorFlashErrorKind;
}

impl ReadNorFlash for Flash {
    const READ_SIZE: usize = 1;

    #[inline(never)]
    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), NorFlashErrorKind> {
        black_box((offset, bytes));
        black_box(Ok(()))
    }

    fn capacity(&self) -> usize {
        256 * 1024
    }
}

impl NorFlash for Flash {
    const WRITE_SIZE: usize = 4;
    const ERASE_SIZE: usize = 4096;

    #[inline(never)]
    fn erase(&mut self, from: u32, to: u32) -> Result<(), NorFlashErrorKind> {
        black_box((from, to));
        black_box(Ok(()))
    }

    #[inline(never)]
    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), NorFlashErrorKind> {
        black_box((offset, bytes));
        black_box(Ok(()))
    }
}

/// A struct such as firmware keeps, for the typed probes.
#[derive(serde::Serialize, serde::Deserialize)]
pub struct Reading<'a> {
    id: u32,
    name: &'a str,
    celsius: f64,
    valid: bool,
    tags: (u8, u8),
    error: Option<i32>,
}

impl Reading<'_> {
    /// One that the compiler does not know.
    pub fn unknown() -> Reading<'static> {
        let (number, name) = (black_box(1), black_box("a"));
        Reading { id: number, name, celsius: black_box(0.0), valid: number == 2, tags: (1, 2), error: black_box(None) }
    }

    /// Makes it count as used.
    #[inline(never)]
    pub fn used(&self) {
        black_box((self.id, self.name, self.celsius, self.valid, self.tags, self.error));
    }
}

/// The steps that several probes take: each is its module's part of a program, in line, as if it stood there.
pub mod steps {
    use larder::dbm::{self, Dbm, Flag};
    use larder::object::Slot;
    use larder::sqlite3::onflash::OnFlash;
    use larder::sqlite3::{Connection, Memory, Value};
    use larder::{marshal, pickle};

    use crate::{Flash, Reading, outcome, unknown, used};

    /// A pickle in, untyped and typed.
    #[inline(always)]
    pub fn pickle_in(slots: &mut [Slot]) {
        if let Ok(object) = pickle::loads(unknown(), slots) {
            outcome(object.get("id").and_then(|o| o.as_i64()));
        }
        if let Ok(reading) = pickle::from_slice::<Reading>(unknown(), slots) {
            reading.used();
        }
    }

    /// A struct out as a pickle.
    #[inline(always)]
    pub fn pickle_out(buf: &mut [u8]) {
        if let Ok(pickle) = pickle::dumps(&Reading::unknown(), buf) {
            used(pickle);
        }
    }

    /// Marshal data in, untyped and typed.
    #[inline(always)]
    pub fn marshal_in(slots: &mut [Slot]) {
        if let Ok(object) = marshal::loads(unknown(), slots) {
            outcome(object.get("id").and_then(|o| o.as_i64()));
        }
        if let Ok(reading) = marshal::from_slice::<Reading>(unknown(), slots) {
            reading.used();
        }
    }

    /// A struct out as marshal data.
    #[inline(always)]
    pub fn marshal_out(buf: &mut [u8]) {
        if let Ok(data) = marshal::dumps(&Reading::unknown(), buf) {
            used(data);
        }
    }

    /// Opens a store, and sets, gets and deletes a key.
    #[inline(always)]
    pub fn store<'m>(memory: &'m mut [u8], buf: &mut [u8]) -> Option<Dbm<'m, Flash>> {
        let mut db = dbm::open(Flash, Flag::Create, memory).ok()?;
        outcome(db.set(unknown(), unknown()));
        if let Ok(Some(value)) = db.get(unknown(), buf) {
            used(value);
        }
        outcome(db.delete(unknown()));
        Some(db)
    }

    /// Tables on a store: every kind of statement, since the text is not known.
    #[inline(always)]
    pub fn tables() {
        let mut memory = [0; 1024];
        let Ok(db) = dbm::open(Flash, Flag::Create, &mut memory) else { return };
        let mut cursors = [db.cursor(); 5];
        let mut store = OnFlash::new(db, &mut cursors);
        let mut memory = Memory::<3072>::new();
        let Ok(mut con) = Connection::open(&mut store, &mut memory) else { return };
        let Ok(text) = core::str::from_utf8(unknown()) else { return };
        if let Ok(mut rows) = con.execute(text, &[Value::Integer(1), Value::Text(unknown())]) {
            while let Ok(Some(row)) = rows.fetchone() {
                outcome(row.get::<i64>(0));
            }
        }
        outcome(con.commit());
    }
}
