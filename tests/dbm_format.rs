//! FORMAT.md against images: every offset and magic number that it prints, looked up where it says they are, and the image
//! of version 1 in tests/data, which every later version must open.
#![cfg(feature = "std")]

use std::collections::BTreeMap;

use larder::crc::{crc16, crc32};
use larder::dbm::{self, Flag, Options};
use larder::flash::SimFlash;

type Part = SimFlash<'static, 4, 1024>;

fn u16_at(image: &[u8], at: usize) -> usize {
    usize::from(u16::from_le_bytes([image[at], image[at + 1]]))
}

fn u32_at(image: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(image[at..at + 4].try_into().unwrap())
}

fn bits(image: &[u8], at: usize, bit: usize, width: usize) -> u32 {
    (0..width).map(|i| u32::from(image[at + (bit + i) / 8] >> ((bit + i) % 8) & 1) << i).sum()
}

fn seed(word: u8, page: usize, compact: bool) -> Vec<u8> {
    let page = (page as u32).to_le_bytes();
    vec![0x6c, 0x61, 0x72, 0x64, 1, compact as u8, word, page[0], page[1], page[2], 1]
}

/// FNV-1a and a mix, as FORMAT.md writes them.
fn hash(key: &[u8], s: u32) -> u32 {
    let mut h = 0x811c_9dc5 ^ s.wrapping_mul(0x9e37_79b1);
    for byte in key {
        h = (h ^ u32::from(*byte)).wrapping_mul(0x0100_0193);
    }
    h ^= h >> 15;
    h = h.wrapping_mul(0x2c1b_3c6d);
    h ^= h >> 13;
    h.wrapping_mul(0x297a_2d39)
}

fn values() -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut pairs: Vec<_> = (0..60u8).map(|i| (format!("key {i:02}").into_bytes(), vec![i; usize::from(i)])).collect();
    pairs.push((b"long".to_vec(), (0..2000u32).map(|i| (i * 7) as u8).collect()));
    pairs.push((b"".to_vec(), b"of the empty key".to_vec()));
    pairs.sort();
    pairs
}

fn write(compact: bool) -> Vec<u8> {
    let mut memory = [0; 1024];
    let mut flash = Part::owned(16).unwrap();
    let mut db = dbm::open_with(&mut flash, Flag::New, Options::new().compact(compact), &mut memory).unwrap();
    for (key, value) in values() {
        db.set(&key, b"older").unwrap();
        db.set(&key, &value).unwrap();
    }
    db.begin().unwrap();
    db.set(b"key 07", b"given up").unwrap();
    db.rollback().unwrap();
    db.set(b"gone", b"soon").unwrap();
    assert!(db.delete(b"gone").unwrap());
    let _ = db.close();
    flash.contents().to_vec()
}

fn read(image: Vec<u8>) {
    let mut memory = [0; 1024];
    let mut flash = Part::image(image).unwrap();
    let mut db = dbm::open_with(&mut flash, Flag::Read, Options::new(), &mut memory).unwrap();
    let mut buf = [0; 4096];
    let mut items = db.items();
    for (key, value) in values() {
        let entry = items.next(&mut buf).unwrap().unwrap();
        assert_eq!((entry.key, entry.value), (&key[..], &value[..]));
    }
    assert!(items.next(&mut buf).unwrap().is_none());
    db.check().unwrap();
}

#[test]
fn an_image_is_as_the_document_says() {
    for compact in [false, true] {
        let image = write(compact);
        let check = if compact { 2 } else { 4 };
        let mut sealed = 0;
        for page in image.chunks(1024).filter(|page| page[0] != 0xff) {
            let mut head = seed(4, 1024, compact);
            head.extend_from_slice(&page[..4]);
            assert_eq!(u32_at(page, 4), crc32(&head), "page header");
            let footer = 1024 - 20;
            if page[footer..] == [0xff; 20] {
                continue;
            }
            sealed += 1;
            let (n, parts) = (usize::from(page[footer]), usize::from(page[footer + 1]));
            assert_eq!(u32_at(page, footer + 8).to_be(), u32_at(page, 0), "sequence number");
            assert_eq!(page[footer + 7], 0);
            let (o, r) = (8, (n as u32 - 1).checked_ilog2().map_or(0, |bits| bits as usize + 1));
            // B(16 pages) + 1 = 5 bits, as for a small index.
            let f = 5;
            let directory = if n > 24 { 4 } else { 0 };
            let hashes = footer - directory - (n * (r + f)).div_ceil(8);
            let offsets = hashes - (n * o).div_ceil(8);
            assert_eq!(u32_at(page, footer + 16), crc32(&page[hashes..footer + 16]), "index check");
            let mut checked = page[..hashes].to_vec();
            if u16_at(page, footer + 2) != 0xffff {
                let fate = offsets / 4 * 4 - 4;
                checked.drain(fate..fate + 4);
            }
            assert_eq!(u32_at(page, footer + 12), crc32(&checked), "page check");
            let mut before: Vec<u8> = Vec::new();
            for rank in 0..n {
                let at = bits(page, offsets, rank * o, o) as usize * 4;
                let (tag, len) = (page[at] & 0x7f, usize::from(page[at + 1]));
                let (start, value) = match tag {
                    0..=111 => (2, usize::from(tag)),
                    112 | 115 => (4, u16_at(page, at + 2)),
                    113 | 117 => (2, 0),
                    116 => (2, 8),
                    _ => panic!("tag {tag}"),
                };
                let total = (start + len + value + check).next_multiple_of(4);
                let record = &page[at..at + total];
                if compact {
                    assert_eq!(u16_at(record, total - 2), usize::from(crc16(&record[..total - 2])));
                } else {
                    assert_eq!(u32_at(record, total - 4), crc32(&record[..total - 4]));
                }
                let part = rank >= n - parts;
                let name = record[start..start + len].to_vec();
                if part {
                    assert_eq!((tag, len), (115, 8));
                    assert!(value - usize::from(name[7]) <= 1024 / 4 - 1024 / 64);
                }
                assert!(rank == 0 || rank == n - parts || before < name, "order of the names");
                before.clone_from(&name);
                let hash = hash(&name, u32::from(part));
                let found = (0..n).find(|i| {
                    let entry = bits(page, hashes, i * (r + f), r + f);
                    entry == hash << 3 >> (32 - f) << r | rank as u32
                });
                let place = found.expect("the hash table leads to the record");
                if n > 24 {
                    let directory = u32_at(page, footer - 4);
                    let step = if n <= 32 { 1 } else { 2 };
                    if directory != 0x0fff_ffff && hash >> 29 > 0 {
                        let i = (hash >> 29) as usize;
                        let off = (directory >> (4 * (i - 1)) & 15) as i32 - 8;
                        assert!((n * i / 8) as i32 + off * step <= place as i32, "directory");
                    }
                }
            }
        }
        assert!(sealed > 3);
        read(image);
    }
}

#[test]
fn every_number_stands_in_the_document() {
    let text = include_str!("../src/dbm/FORMAT.md");
    for number in [
        "`6c 61 72 64`",
        "`cbf43926`",
        "`906e`",
        "0x811c9dc5",
        "0x9e3779b1",
        "0x01000193",
        "0x2c1b3c6d",
        "0x297a2d39",
        "`0x0fffffff`",
        "`0xffff`",
        "floor(page / 4) - floor(page / 64)",
        "## Page header, 8 bytes",
        "### Footer, 20 bytes",
        "| 0 to 111 |",
        "| 112 |",
        "| 113 |",
        "| 114 |",
        "| 115 |",
        "| 116 |",
        "| 117 |",
        "| 12 | 4 | CRC-32 of the page from its start up to the hashes",
        "| 16 | 4 | CRC-32 from the hashes up to here |",
    ] {
        assert!(text.contains(number), "{number}");
    }
}

/// A store that was used for long, and what it holds: overwrites, tombstones, copies of both, a batch over several pages, one
/// that was given up, a long value; words of 8 bytes, two pages a sector.
fn worn() -> (Vec<u8>, BTreeMap<Vec<u8>, Vec<u8>>) {
    let mut memory = [0; 1024];
    let mut flash = Worn::owned(4).unwrap();
    let (mut held, mut random) = (BTreeMap::new(), 1u32);
    let mut db = dbm::open(&mut flash, Flag::New, &mut memory).unwrap();
    let long: Vec<u8> = (0..5000u32).map(|i| (i * 11) as u8).collect();
    db.set(b"long", &long).unwrap();
    held.insert(b"long".to_vec(), long);
    for round in 0..2000u32 {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let key = format!("key {:02}", random >> 26).into_bytes();
        let value = vec![round as u8; (random >> 18) as usize % 100];
        match round {
            // What follows is given up.
            500 | 1990 => db.begin().unwrap(),
            520 | 1995 => db.rollback().unwrap(),
            // What follows counts, over several pages.
            1800 => db.begin().unwrap(),
            1980 => db.commit().unwrap(),
            _ => {}
        }
        let counts = !matches!(round, 500..520 | 1990..1995);
        if random >> 16 & 7 == 0 {
            db.delete(&key).unwrap();
            if counts {
                held.remove(&key);
            }
        } else {
            db.set(&key, &value).unwrap();
            if counts {
                held.insert(key, value);
            }
        }
    }
    let _ = db.close();
    (flash.contents().to_vec(), held)
}

type Worn = SimFlash<'static, 8, 8192>;

fn read_worn(image: Vec<u8>, held: &BTreeMap<Vec<u8>, Vec<u8>>) {
    let mut memory = [0; 1024];
    let mut flash = Worn::image(image).unwrap();
    let mut db = dbm::open(&mut flash, Flag::Read, &mut memory).unwrap();
    let mut buf = [0; 8192];
    db.check().unwrap();
    let mut items = db.items();
    for (key, value) in held {
        let entry = items.next(&mut buf).unwrap().unwrap();
        assert_eq!((entry.key, entry.value), (&key[..], &value[..]));
    }
    assert!(items.next(&mut buf).unwrap().is_none());
    for (key, value) in held {
        assert_eq!(db.get(key, &mut buf).unwrap(), Some(&value[..]));
    }
}

/// Whether a page is sealed in a batch whose fate was written, and whether a copied tombstone stands in it.
fn remarkable(page: &[u8]) -> (bool, bool) {
    let footer = page.len() - 20;
    let n = usize::from(page[footer]);
    let fated = page[footer..] != [0xff; 20] && u16_at(page, footer + 2) != 0xffff;
    let o = (page.len() / 8).ilog2() as usize;
    let r = (n as u32).saturating_sub(1).checked_ilog2().map_or(0, |bits| bits as usize + 1);
    let hashes = footer - if n > 24 { 4 } else { 0 } - (n * (r + 5)).div_ceil(8);
    let offsets = hashes.saturating_sub((n * o).div_ceil(8));
    let copied =
        page[footer..] != [0xff; 20] && (0..n).any(|rank| page[bits(page, offsets, rank * o, o) as usize * 8] == 117);
    (fated, copied)
}

#[test]
fn images_of_version_1_open() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/dbm");
    let image = |name: &str, write: &dyn Fn() -> Vec<u8>| {
        let path = format!("{folder}/{name}");
        if std::env::var("LARDER_WRITE_IMAGES").is_ok() {
            std::fs::create_dir_all(folder).unwrap();
            std::fs::write(&path, write()).unwrap();
        }
        std::fs::read(&path).unwrap()
    };
    for (name, compact) in [("version1.img", false), ("version1-compact.img", true)] {
        let image = image(name, &|| write(compact));
        assert_eq!(image.len(), 16 * 1024);
        read(image);
    }
    let (now, held) = worn();
    let image = image("version1-worn.img", &|| now.clone());
    let pages = image.chunks(4096).map(remarkable);
    let (fated, copied) =
        pages.fold((0, 0), |(a, b), (fated, copied)| (a + usize::from(fated), b + usize::from(copied)));
    assert!(fated > 0 && copied > 0, "{fated} {copied}");
    read_worn(image, &held);
    read_worn(now, &held);
}
