//! Flipped bits anywhere in an image: the right value or an error, and what is not damaged stays readable.
#![cfg(feature = "std")]

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

use embedded_storage::nor_flash::{ErrorType, NorFlash, ReadNorFlash};
use larder::dbm::{self, Flag};
use larder::flash::{self, SimFlash};

type Part = SimFlash<'static, 4, 1024>;

#[test]
fn up_to_three_flipped_bits_anywhere() {
    let mut memory = [0; 1024];
    let mut flash = Part::owned(8).unwrap();
    let mut db = dbm::open(&mut flash, Flag::Create, &mut memory).unwrap();
    let value = |i: u32, round: u32| vec![(i * 3 + round) as u8; (i % 23 + round) as usize];
    for i in 0..40u32 {
        db.set(format!("old {i}").as_bytes(), b"old").unwrap();
    }
    for i in 0..40u32 {
        db.delete(format!("old {i}").as_bytes()).unwrap();
    }
    for round in 0..2 {
        for i in 0..60u32 {
            db.set(format!("key {i}").as_bytes(), &value(i, round)).unwrap();
        }
    }
    db.begin().unwrap();
    for i in 0..20u32 {
        db.set(format!("key {i}").as_bytes(), &value(i, 2)).unwrap();
    }
    db.commit().unwrap();
    let _ = db.close();
    let image = flash.contents().to_vec();
    let mut random = 7u32;
    let mut next = |n: usize| {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (random >> 8) as usize % n
    };
    let (mut wrong, mut errors, mut right, mut unopened) = (Vec::new(), 0, 0, 0);
    for trial in 0..4000 {
        let mut damaged = image.clone();
        let at = next(image.len());
        let mut bits = Vec::new();
        for _ in 0..1 + trial % 3 {
            let bit = (at * 8 + next(200)).min(image.len() * 8 - 1);
            damaged[bit / 8] ^= 1 << (bit % 8);
            bits.push(bit / 8);
        }
        let mut part = Part::image(damaged).unwrap();
        let mut db = match dbm::open(&mut part, Flag::Read, &mut memory) {
            Ok(db) => db,
            Err(_) => {
                unopened += 1;
                continue;
            }
        };
        let mut buf = [0; 64];
        for i in 0..60u32 {
            let want = value(i, if i < 20 { 2 } else { 1 });
            match db.get(format!("key {i}").as_bytes(), &mut buf) {
                Ok(Some(got)) if got == want => right += 1,
                Ok(other) => wrong.push((trial, bits.clone(), i, other.map(<[u8]>::to_vec))),
                Err(_) => errors += 1,
            }
        }
        for i in 0..40u32 {
            if let Ok(Some(_)) = db.get(format!("old {i}").as_bytes(), &mut buf) {
                wrong.push((trial, bits.clone(), 1000 + i, None));
            }
        }
    }
    // Damage to the last record cannot be told from a program that power interrupted; all else must be noticed.
    let newest = image.iter().rposition(|byte| *byte != 0xff).unwrap();
    for (_, bits, key, found) in &wrong {
        let last = bits.iter().any(|byte| (newest - 160..=newest).contains(byte));
        assert!(last, "{bits:?} flipped: key {key} is {found:?} (records end at {newest}); opened: {unopened} not");
    }
    assert!(errors * 20 < right, "what is not damaged stays readable");
    let trials: BTreeSet<_> = wrong.iter().map(|wrong| wrong.0).collect();
    assert!(trials.len() <= 40, "{} trials", trials.len());
}

/// A part whose bytes others hold as well.
#[derive(Clone)]
struct Shared(Rc<RefCell<Vec<u8>>>);

impl ErrorType for Shared {
    type Error = flash::Error;
}

impl ReadNorFlash for Shared {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), flash::Error> {
        bytes.copy_from_slice(&self.0.borrow()[offset as usize..][..bytes.len()]);
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.0.borrow().len()
    }
}

impl NorFlash for Shared {
    const WRITE_SIZE: usize = 4;
    const ERASE_SIZE: usize = 1024;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), flash::Error> {
        self.0.borrow_mut()[from as usize..to as usize].fill(0xff);
        Ok(())
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), flash::Error> {
        self.0.borrow_mut()[offset as usize..][..bytes.len()].copy_from_slice(bytes);
        Ok(())
    }
}

/// A cursor on its way through the keys meets a bit that was flipped after the store was opened: nothing is given that was not written,
/// the end is not reached with keys missing, and by an order of the keys each is given in its turn.
#[test]
fn a_bit_flipped_under_a_cursor() {
    for (compact, words) in [(false, 0), (false, 200), (true, 0), (true, 200)] {
        let part = Shared(Rc::new(RefCell::new(vec![0xff; 16 * 1024])));
        let (mut memory, mut order) = ([0; 1024], vec![0; words]);
        let options = dbm::Options::new().compact(compact);
        let mut db = dbm::open_with(part.clone(), Flag::Create, options, &mut memory).unwrap();
        // Keys that a cursor holds and longer ones, values that stand in one byte of a record's head and longer ones.
        let key = |i: u32| [&b"a key that is "[..], &vec![b'_'; i as usize % 24], &i.to_be_bytes()].concat();
        let value = |i: u32| vec![i as u8; [0, 5, 30, 111, 112, 40][i as usize % 6]];
        let mut rows: Vec<_> = (0..90).map(|i| (key(i), value(i))).collect();
        rows.sort();
        for (key, value) in &rows {
            db.set(key, value).unwrap();
        }
        let _ = db.close();
        let end = part.0.borrow().iter().rposition(|byte| *byte != 0xff).unwrap();
        let mut noticed = 0;
        for bit in (0..end * 8).step_by(61) {
            let flip = || part.0.borrow_mut()[bit / 8] ^= 1 << (bit % 8);
            let mut db = dbm::open_with(part.clone(), Flag::Read, options, &mut memory).unwrap();
            if words > 0 {
                db.lend_order(&mut order);
            }
            let (mut cursor, mut buf, mut at, mut given) = (db.cursor(), [0; 256], 0, 0);
            let mut all = BTreeSet::new();
            // Some go backwards, and some are sought where the damage has come.
            let (forward, seeks) = (bit % 3 > 0, bit % 2 > 0);
            if !forward {
                db.seek_last(&mut cursor);
            }
            let row = |at: usize| &rows[if forward { at } else { rows.len() - 1 - at }];
            let failed = loop {
                // (The order is built and the merge set up where all is well.)
                if given == 1 + bit % 60 {
                    flip();
                    let sought = row(if forward { at.min(rows.len() - 1) } else { at - 1 });
                    if seeks && db.seek(&mut cursor, &sought.0).is_err() {
                        break true;
                    }
                }
                let found = if forward { db.next(&mut cursor, &mut buf) } else { db.previous(&mut cursor, &mut buf) };
                match found {
                    Ok(None) => break false,
                    Ok(Some(found)) => {
                        let is = |at: &usize| (&row(*at).0[..], &row(*at).1[..]) == (found.key, found.value);
                        let next = (0..rows.len()).find(is).expect("what was written");
                        assert!(next == at || words == 0, "bit {bit}: {next} after {at}");
                        (at, given) = (next + 1, given + 1);
                        all.insert(next);
                    }
                    Err(error) => {
                        // (A long key that is damaged is found no more by the cursor on it.)
                        assert!(matches!(error, dbm::Error::Corrupt { .. } | dbm::Error::Stale), "{error:?}");
                        break true;
                    }
                }
            };
            flip();
            assert!(failed || all.len() == rows.len(), "bit {bit}: {} given", all.len());
            noticed += u32::from(failed);
        }
        assert!(noticed > 200, "{noticed}");
    }
}

/// Each bit of a page's list of offsets: where it leads to another sound record, the keys' order tells, also on the way through the page.
#[test]
fn a_bit_flipped_in_where_an_index_leads() {
    let part = Shared(Rc::new(RefCell::new(vec![0xff; 8 * 1024])));
    let mut memory = [0; 1024];
    let mut db = dbm::open(part.clone(), Flag::Create, &mut memory).unwrap();
    let rows = 120u64;
    for i in 0..rows {
        db.set(&(i * 11 % rows).to_be_bytes(), &[i as u8; 2]).unwrap();
    }
    let _ = db.close();
    let (mut noticed, mut buf) = (0, [0; 64]);
    // Records of 16 bytes, then what the seal wrote, and a footer of 20 bytes that begins with their number.
    let records = 8 + 16 * usize::from(part.0.borrow()[1024 - 20]);
    for bit in records * 8..(1024 - 20) * 8 {
        for forward in [true, false] {
            let mut db = dbm::open(part.clone(), Flag::Read, &mut memory).unwrap();
            let (mut cursor, mut given) = (db.cursor(), 0);
            if !forward {
                db.seek_last(&mut cursor);
            }
            let failed = loop {
                if given == 1 {
                    part.0.borrow_mut()[bit / 8] ^= 1 << (bit % 8);
                }
                let found = if forward { db.next(&mut cursor, &mut buf) } else { db.previous(&mut cursor, &mut buf) };
                match found {
                    Ok(Some(_)) => given += 1,
                    Ok(None) => break false,
                    Err(_) => break true,
                }
            };
            part.0.borrow_mut()[bit / 8] ^= 1 << (bit % 8);
            assert!(failed || given == rows, "bit {bit}: {given} of {rows} keys");
            noticed += u32::from(failed);
        }
    }
    assert!(noticed > 100, "{noticed}");
}
