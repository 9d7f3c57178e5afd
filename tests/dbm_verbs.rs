//! Python's verbs, ranges, long values, idle work, figures and the search for damage.
#![cfg(feature = "std")]

use larder::dbm::{self, Error, Flag, Progress};
use larder::flash::SimFlash;

type Part = SimFlash<'static, 4, 1024>;

fn part(sectors: usize) -> Part {
    Part::owned(sectors).unwrap()
}

fn bytes(len: usize, salt: usize) -> Vec<u8> {
    (0..len).map(|i| (i * 31 + i / 251 + salt * 7) as u8).collect()
}

#[test]
fn the_verbs_of_a_dict() {
    let (mut flash, mut memory, mut buf) = (part(8), [0; 1024], [0; 256]);
    let mut db = dbm::open(&mut flash, Flag::Create, &mut memory).unwrap();
    assert!(db.is_empty().unwrap());
    assert_eq!(db.setdefault(b"b", b"2", &mut buf).unwrap(), b"2");
    assert_eq!(db.setdefault(b"b", b"3", &mut buf).unwrap(), b"2");
    db.update([(&b"a"[..], &b"1"[..]), (b"c", b"3"), (b"ca", b""), (b"", b"empty")]).unwrap();
    assert_eq!(db.len().unwrap(), 5);
    assert_eq!(db.firstkey(&mut buf).unwrap(), Some(&b""[..]));
    assert_eq!(db.nextkey(b"", &mut buf).unwrap(), Some(&b"a"[..]));
    assert_eq!(db.nextkey(b"bb", &mut buf).unwrap(), Some(&b"c"[..]));
    assert_eq!(db.nextkey(b"ca", &mut buf).unwrap(), None);
    let last = db.last(&mut buf).unwrap().unwrap();
    assert_eq!((last.key, last.value), (&b"ca"[..], &b""[..]));
    assert_eq!(db.first(&mut buf).unwrap().unwrap().value, b"empty");
    let mut keys = Vec::new();
    let mut range = db.range(b"a", b"c").unwrap();
    while let Some(entry) = range.next(&mut buf).unwrap() {
        keys.push(entry.key.to_vec());
    }
    assert_eq!(keys, [b"a", b"b"]);
    let mut count = 0;
    let mut with = db.prefix(b"c").unwrap();
    while with.next(&mut buf).unwrap().is_some() {
        count += 1;
    }
    assert_eq!(count, 2);
    assert_eq!(db.pop(b"a", &mut [0; 0]), Err(Error::BufferTooSmall { needed: 1 }));
    assert_eq!(db.pop(b"a", &mut buf).unwrap(), Some(&b"1"[..]));
    assert_eq!(db.pop(b"a", &mut buf).unwrap(), None);
    assert_eq!(db.delete_range(b"b", Some(b"ca")).unwrap(), 2);
    assert_eq!(db.check().unwrap(), 5, "two values and three tombstones");
    db.clear().unwrap();
    assert!(db.is_empty().unwrap());
    assert_eq!(db.set(&[0; 256], b""), Err(Error::KeyTooLong { max: 255 }));
    db.set(&[0; 255], b"long").unwrap();
    assert_eq!(db.get(&[0; 255], &mut buf).unwrap(), Some(&b"long"[..]));
}

#[test]
fn a_piece_behind_the_end_is_empty() {
    let (mut memory, mut buf) = ([0; 1024], [0; 8]);
    let mut db = dbm::open(part(2), Flag::Create, &mut memory).unwrap();
    db.set(b"k", b"value").unwrap();
    for offset in [5, 6, 2000, 4000, u32::MAX as usize, usize::MAX] {
        assert_eq!(db.get_into(b"k", offset, &mut buf), Ok(Some(&b""[..])), "{offset}");
    }
}

#[test]
fn a_range_ends_before_a_value_that_is_too_large() {
    let (mut memory, mut buf) = ([0; 1024], [0; 8]);
    let mut db = dbm::open(part(2), Flag::Create, &mut memory).unwrap();
    db.set(b"a1", b"short").unwrap();
    db.set(b"b", &[7; 100]).unwrap();
    let mut with = db.prefix(b"a").unwrap();
    assert_eq!(with.next(&mut buf).map(|entry| entry.is_some()), Ok(true));
    assert_eq!(with.next(&mut buf), Ok(None));
    let mut range = db.range(b"a2", b"b").unwrap();
    assert_eq!(range.next(&mut buf), Ok(None));
    let mut range = db.range(b"a2", b"c").unwrap();
    assert_eq!(range.next(&mut buf), Err(Error::BufferTooSmall { needed: 101 }));
}

#[test]
fn the_memory_that_is_said_to_be_needed_is_enough() {
    // Words of 32 bytes divide this sector into three pages, smaller ones into two.
    let mut memory = vec![0; dbm::memory_needed(40 * 4128, 4128)];
    assert!(dbm::open(SimFlash::<'static, 32, 4128>::owned(40).unwrap(), Flag::Create, &mut memory).is_ok());
    assert!(dbm::open(SimFlash::<'static, 4, 4128>::owned(40).unwrap(), Flag::Create, &mut memory).is_ok());
}

#[test]
fn values_longer_than_a_page_and_than_the_memory() {
    let (mut flash, mut memory) = (part(32), [0; 1024]);
    let mut db = dbm::open(&mut flash, Flag::Create, &mut memory).unwrap();
    let mut buf = vec![0; 20_000];
    for round in 0..12 {
        for (i, len) in [0, 100, 900, 1000, 5000, 7001].into_iter().enumerate() {
            db.set(format!("value {i}").as_bytes(), &bytes(len + round, i + round)).unwrap();
        }
        for (i, len) in [0, 100, 900, 1000, 5000, 7001].into_iter().enumerate() {
            let key = format!("value {i}").into_bytes();
            assert_eq!(db.get(&key, &mut buf).unwrap(), Some(&bytes(len + round, i + round)[..]));
            assert_eq!(db.value_size(&key).unwrap(), Some(len + round));
            let offset = (len / 2).min(len + round);
            let piece = db.get_into(&key, offset, &mut buf[..300]).unwrap().unwrap().to_vec();
            let whole = bytes(len + round, i + round);
            assert_eq!(piece, whole[offset..(offset + 300).min(whole.len())]);
        }
    }
    assert_eq!(db.get(b"value 5", &mut [0; 100]), Err(Error::BufferTooSmall { needed: 7012 }));
    let mut part = vec![0; db.part_size()];
    let mut writer = db.writer(b"stream", &mut part).unwrap();
    for i in 0..100 {
        writer.write(&bytes(i, i)).unwrap();
    }
    writer.finish().unwrap();
    let want: Vec<u8> = (0..100).flat_map(|i| bytes(i, i)).collect();
    let mut reader = db.reader(b"stream").unwrap().unwrap();
    assert_eq!(reader.left(), want.len());
    let mut got = Vec::new();
    let mut piece = [0; 77];
    loop {
        let count = reader.read(&mut piece).unwrap();
        if count == 0 {
            break;
        }
        got.extend_from_slice(&piece[..count]);
    }
    assert_eq!(got, want);
    // A writer that is dropped leaves what was there.
    let mut writer = db.writer(b"stream", &mut part).unwrap();
    writer.write(&bytes(3000, 1)).unwrap();
    drop(writer);
    assert_eq!(db.get(b"stream", &mut buf).unwrap(), Some(&want[..]));
    db.check().unwrap();
    assert_eq!(db.set(b"huge", &vec![1; 30_000]), Err(Error::Full));
    assert_eq!(db.set(b"huge", &vec![1; 40_000]), Err(Error::ValueTooLong { max: 32_768 }));
    assert!(!db.in_batch());
    let _ = db.close();
    let mut db = dbm::open(&mut flash, Flag::Read, &mut memory).unwrap();
    assert_eq!(db.get(b"stream", &mut buf).unwrap(), Some(&want[..]));
    assert_eq!(db.set(b"a", b""), Err(Error::ReadOnly));
    assert_eq!(db.keys().next(&mut buf).unwrap(), Some(&b"stream"[..]));
}

#[test]
fn idle_steps_spare_a_burst_its_erases() {
    let (mut flash, mut memory) = (part(16), [0; 1024]);
    let mut db = dbm::open(&mut flash, Flag::Create, &mut memory).unwrap();
    for i in 0..1500 {
        db.set(&[(i % 50) as u8], &bytes(30, i)).unwrap();
    }
    while db.step().unwrap() == Progress::More {}
    let stat = db.stat().unwrap();
    assert!(stat.free_sectors > 8, "{stat:?}");
    assert!(stat.live >= 50 * 32 && stat.dead < 3 * 1024, "{stat:?}");
    let burst = stat.free / 48;
    let _ = db.close();
    let before = flash.counters().erases;
    let mut db = dbm::open(&mut flash, Flag::Write, &mut memory).unwrap();
    while db.step().unwrap() == Progress::More {}
    let _ = db.close();
    let idle = flash.counters().erases - before;
    assert!(idle <= 16);
    let mut db = dbm::open(&mut flash, Flag::Write, &mut memory).unwrap();
    while db.step().unwrap() == Progress::More {}
    for i in 0..burst {
        db.set(&[(i % 50) as u8], &bytes(30, i as usize)).unwrap();
    }
    let mut buf = [0; 64];
    for i in 0..50u8 {
        assert!(db.get(&[i], &mut buf).unwrap().is_some());
    }
    db.reorganize().unwrap();
    db.check().unwrap();
}

#[test]
fn savepoints_and_several_cursors() {
    let (mut flash, mut memory, mut buf) = (part(8), [0; 1024], [0; 256]);
    let mut db = dbm::open(&mut flash, Flag::Create, &mut memory).unwrap();
    for i in 0..40u8 {
        db.set(&[b'k', i], &[i; 20]).unwrap();
    }
    {
        let mut batch = db.batch().unwrap();
        batch.set(b"k\x01", b"one").unwrap();
        let savepoint = batch.savepoint().unwrap();
        for i in 0..40u8 {
            batch.set(&[b'k', i], b"lost").unwrap();
        }
        batch.delete(b"k\x02").unwrap();
        batch.set(b"new", b"lost").unwrap();
        batch.rollback_to(savepoint).unwrap();
        assert_eq!(batch.get(b"k\x01", &mut buf).unwrap(), Some(&b"one"[..]));
        assert_eq!(batch.get(b"k\x02", &mut buf).unwrap(), Some(&[2; 20][..]));
        assert_eq!(batch.get(b"new", &mut buf).unwrap(), None);
        batch.commit().unwrap();
    }
    {
        let mut batch = db.batch().unwrap();
        batch.set(b"k\x01", b"dropped").unwrap();
    }
    assert_eq!(db.get(b"k\x01", &mut buf).unwrap(), Some(&b"one"[..]));
    let (mut a, mut b) = (db.cursor(), db.cursor());
    db.seek(&mut b, b"k\x14").unwrap();
    for i in 0..20u8 {
        assert_eq!(db.next(&mut a, &mut buf).unwrap().unwrap().key, [b'k', i]);
        assert_eq!(db.previous(&mut b, &mut buf).unwrap().unwrap().key, [b'k', 19 - i]);
        db.set(&[b'k', i], b"while they are open").unwrap();
    }
}

#[test]
fn wear_is_level() {
    // 100,000 skewed writes: a tenth of the keys gets most of them, and most keys hardly any.
    let mut flash = SimFlash::<'static, 4, 4096>::owned(16).unwrap();
    let mut memory = [0; 1024];
    let mut db = dbm::open(&mut flash, Flag::Create, &mut memory).unwrap();
    let mut random = 1u32;
    let mut next = |n: u32| {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (random >> 8) % n
    };
    for i in 0..800u32 {
        db.set(&i.to_be_bytes(), &[i as u8; 32]).unwrap();
    }
    for i in 0..100_000u32 {
        let limit = next(800) + 1;
        let limit = next(limit) + 1;
        let limit = next(limit) + 1;
        let key = next(limit);
        db.set(&key.to_be_bytes(), &[i as u8; 32]).unwrap();
    }
    db.check().unwrap();
    let _ = db.close();
    let wear = flash.wear();
    let (most, sum) = (*wear.iter().max().unwrap(), wear.iter().sum::<u32>());
    let level = f64::from(most) * 16.0 / f64::from(sum);
    assert!(level <= 1.1, "{level}: {wear:?}");
}
