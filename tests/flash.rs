//! The simulated part obeys the physics it documents: on lent memory, on owned memory and in a file.

use embedded_storage::nor_flash::{NorFlash, ReadNorFlash};
use larder::flash::{Counters, Error, Region, RegionError, SimFlash, Tear};

/// What a part of two sectors of 512 bytes needs, for any word size.
struct Lent {
    bytes: Vec<u8>,
    words: Vec<u8>,
    wear: Vec<u32>,
}

impl Lent {
    fn new(word: usize) -> Self {
        Lent { bytes: vec![0; 1024], words: vec![0; 1024 / word / 8], wear: vec![0; 2] }
    }

    fn part<const WRITE: usize>(&mut self) -> SimFlash<'_, WRITE, 512> {
        SimFlash::new(&mut self.bytes, &mut self.words, &mut self.wear).unwrap()
    }
}

fn read<F: ReadNorFlash>(part: &mut F, offset: u32, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    part.read(offset, &mut bytes).unwrap();
    bytes
}

#[test]
fn what_is_programmed_is_read_and_erased_reads_as_ones() {
    let mut lent = Lent::new(4);
    let mut part = lent.part::<4>();
    assert_eq!(read(&mut part, 0, 1024), [0xff; 1024]);
    part.write(8, b"pantry..").unwrap();
    part.write(512, &[0; 4]).unwrap();
    assert_eq!(read(&mut part, 7, 10), b"\xffpantry..\xff");
    part.erase(0, 512).unwrap();
    assert_eq!(read(&mut part, 0, 512), [0xff; 512]);
    assert_eq!(read(&mut part, 512, 4), [0; 4], "the other sector is untouched");
    part.erase(0, 1024).unwrap();
    assert_eq!(part.wear(), [2, 1]);
    let counters = part.counters();
    assert_eq!((counters.programs, counters.program_bytes, counters.erases), (2, 12, 3));
    assert_eq!((counters.reads, counters.read_bytes), (4, 1024 + 10 + 512 + 4));
    assert_eq!(counters.operations(), 5);
    part.reset_counters();
    assert_eq!(part.counters(), Counters::default());
    assert_eq!(part.wear(), [2, 1], "wear stays");
}

#[test]
fn bounds_and_alignment_are_errors_that_do_nothing() {
    let mut lent = Lent::new(8);
    let mut part = lent.part::<8>();
    assert_eq!(part.read(1020, &mut [0; 5]), Err(Error::OutOfBounds { offset: 1020 }));
    assert_eq!(part.read(u32::MAX, &mut [0; 5]), Err(Error::OutOfBounds { offset: u32::MAX }));
    assert_eq!(part.write(4, &[0; 8]), Err(Error::NotAligned { offset: 4 }));
    assert_eq!(part.write(8, &[0; 4]), Err(Error::NotAligned { offset: 8 }));
    assert_eq!(part.write(1024, &[0; 8]), Err(Error::OutOfBounds { offset: 1024 }));
    assert_eq!(part.erase(0, 511), Err(Error::NotAligned { offset: 0 }));
    assert_eq!(part.erase(256, 512), Err(Error::NotAligned { offset: 256 }));
    assert_eq!(part.erase(512, 0), Err(Error::OutOfBounds { offset: 512 }));
    assert_eq!(part.erase(512, 2048), Err(Error::OutOfBounds { offset: 512 }));
    assert_eq!(part.counters(), Counters::default());
    assert_eq!((part.write(1024, &[]), part.erase(512, 512)), (Ok(()), Ok(())), "nothing may be done anywhere");
    assert_eq!(part.counters(), Counters::default());
}

#[test]
fn a_word_is_programmed_once() {
    let mut lent = Lent::new(4);
    let mut part = lent.part::<4>();
    part.write(0, &[0xff; 8]).unwrap();
    assert_eq!(part.write(4, &[0; 4]), Err(Error::Rewritten { offset: 4 }), "ones were programmed too");
    assert_eq!(part.write(0, &[0xff; 8]), Err(Error::Rewritten { offset: 0 }));
    assert_eq!(read(&mut part, 0, 8), [0xff; 8], "what is refused is not begun");
    part.erase(0, 512).unwrap();
    part.write(4, &[0; 4]).unwrap();
}

#[test]
fn plain_nor_clears_bits_only() {
    let mut lent = Lent::new(1);
    let mut part = lent.part::<1>().lenient();
    part.write(0, &[0xf0, 0x33]).unwrap();
    part.write(0, &[0x3c, 0xff]).unwrap();
    assert_eq!(read(&mut part, 0, 2), [0x30, 0x33]);
    assert_eq!(part.counters().rewrites, 2);
}

/// What is left of a program of eight bytes, and which words can still be programmed.
fn torn_program(tear: Tear) -> (Vec<u8>, [bool; 4]) {
    let mut lent = Lent::new(4);
    let mut part = lent.part::<4>();
    part.cut_after(1, tear);
    part.write(0, b"done").unwrap();
    assert_eq!(part.write(4, &[0; 8]), Err(Error::PowerCut));
    assert!(!part.has_power());
    assert_eq!(part.read(0, &mut []), Err(Error::PowerCut));
    assert_eq!(part.write(100, b"more"), Err(Error::PowerCut));
    assert_eq!(part.erase(0, 512), Err(Error::PowerCut));
    assert_eq!(part.counters().operations(), 1, "the torn operation is not counted");
    part.restore_power();
    assert_eq!(read(&mut part, 0, 4), b"done");
    let cells = read(&mut part, 4, 8);
    (cells, [0, 4, 8, 12].map(|at| part.write(at, &[0xff; 4]).is_ok()))
}

#[test]
fn a_program_is_torn_in_every_way() {
    let free = [false, true, true, true];
    let spent = [false, false, false, true];
    assert_eq!(torn_program(Tear::NotBegun), (vec![0xff; 8], free));
    assert_eq!(torn_program(Tear::FirstHalf), ([[0; 4], [0xff; 4]].concat(), spent));
    assert_eq!(torn_program(Tear::SecondHalf), ([[0xff; 4], [0; 4]].concat(), spent));
    assert_eq!(torn_program(Tear::Done), (vec![0; 8], spent));
    assert_eq!(torn_program(Tear::First(1)), ([[0, 0xff, 0xff, 0xff], [0xff; 4]].concat(), spent));
    let (cells, words) = torn_program(Tear::RandomBits);
    assert!(cells.iter().any(|byte| *byte != 0 && *byte != 0xff));
    assert_eq!(words, spent);
}

#[test]
fn random_bits_differ_by_seed_and_only_clear_what_was_asked() {
    let torn = |seed| {
        let mut lent = Lent::new(4);
        let mut part = lent.part::<4>();
        part.seed(seed);
        part.cut_after(0, Tear::RandomBits);
        part.write(0, &[0x0f; 64]).unwrap_err();
        part.restore_power();
        read(&mut part, 0, 64)
    };
    assert_eq!(torn(7), torn(7));
    assert_ne!(torn(7), torn(8));
    assert!((0..100).flat_map(torn).all(|byte| byte & 0x0f == 0x0f));
}

/// What is left of a sector of zeros, and whether its first and last word can be programmed.
fn torn_erase(tear: Tear) -> (Vec<u8>, [bool; 2]) {
    let mut lent = Lent::new(4);
    let mut part = lent.part::<4>();
    part.write(0, &[0; 1024]).unwrap();
    part.cut_after(1, tear);
    assert_eq!(part.erase(0, 1024), Err(Error::PowerCut), "the second of two sectors");
    part.restore_power();
    assert_eq!(read(&mut part, 0, 512), [0xff; 512]);
    assert_eq!(part.wear(), [1, 0], "the torn erase is not counted");
    (read(&mut part, 512, 512), [512, 1020].map(|at| part.write(at, &[0; 4]).is_ok()))
}

#[test]
fn an_erase_is_torn_in_every_way() {
    let (ones, zeros) = ([0xff; 256], [0; 256]);
    assert_eq!(torn_erase(Tear::NotBegun), ([zeros, zeros].concat(), [false, false]));
    assert_eq!(torn_erase(Tear::FirstHalf), ([ones, zeros].concat(), [true, false]));
    assert_eq!(torn_erase(Tear::SecondHalf), ([zeros, ones].concat(), [false, true]));
    assert_eq!(torn_erase(Tear::Done), ([ones, ones].concat(), [true, true]));
    let (cells, words) = torn_erase(Tear::RandomBits);
    assert!(cells.iter().any(|byte| *byte != 0 && *byte != 0xff));
    assert_eq!(words, [false, false]);
    // A word that the erase reached in part is not free.
    let (cells, words) = torn_erase(Tear::First(2));
    assert_eq!(cells[..4], [0xff, 0xff, 0, 0]);
    assert_eq!(words, [false, false]);
}

#[test]
fn half_a_word_is_half_programmed() {
    let mut lent = Lent::new(32);
    let mut part = lent.part::<32>();
    part.cut_after(0, Tear::FirstHalf);
    part.write(32, &[7; 32]).unwrap_err();
    part.restore_power();
    assert_eq!(read(&mut part, 32, 32), [[7; 16], [0xff; 16]].concat());
    assert_eq!(part.write(32, &[7; 32]), Err(Error::Rewritten { offset: 32 }));
}

#[test]
fn a_restored_part_forgets_a_cut_to_come() {
    let mut lent = Lent::new(4);
    let mut part = lent.part::<4>();
    part.cut_after(1, Tear::Done);
    part.write(0, &[0; 4]).unwrap();
    part.restore_power();
    part.write(4, &[0; 4]).unwrap();
    part.write(8, &[0; 4]).unwrap();
}

#[test]
fn a_part_resumes_where_its_memory_was_left() {
    let mut lent = Lent::new(4);
    lent.part::<4>().write(0, b"kept").unwrap();
    let mut part = SimFlash::<4, 512>::resume(&mut lent.bytes, &mut lent.words, &mut lent.wear).unwrap();
    assert_eq!(read(&mut part, 0, 4), b"kept");
    assert_eq!(part.write(0, b"lost"), Err(Error::Rewritten { offset: 0 }));
}

#[test]
fn impossible_parts_are_refused() {
    fn made<const WRITE: usize, const ERASE: usize>(bytes: usize, words: usize, wear: usize) -> Option<Error> {
        SimFlash::<WRITE, ERASE>::new(&mut vec![0; bytes], &mut vec![0; words], &mut vec![0; wear]).err()
    }
    assert_eq!(made::<4, 512>(1024, 32, 2), None);
    assert_eq!(made::<4, 528>(1056, 33, 2), None, "sectors need be no power of two");
    assert_eq!(made::<0, 512>(1024, 32, 2), Some(Error::Geometry));
    assert_eq!(made::<4, 0>(1024, 32, 2), Some(Error::Geometry));
    assert_eq!(made::<32, 528>(1056, 33, 2), Some(Error::Geometry));
    assert_eq!(made::<4, 512>(1000, 32, 2), Some(Error::Geometry));
    assert_eq!(made::<4, 512>(0, 0, 0), Some(Error::Geometry));
    assert_eq!(made::<4, 512>(1024, 31, 2), Some(Error::Size { expected: 32, found: 31 }));
    assert_eq!(made::<4, 512>(1024, 32, 3), Some(Error::Size { expected: 2, found: 3 }));
}

#[test]
fn a_region_is_a_part_of_its_own() {
    let mut lent = Lent::new(4);
    let mut part = lent.part::<4>();
    part.write(0, b"boot").unwrap();
    assert_eq!(Region::new(&mut part, 0..512).unwrap().capacity(), 512);
    for range in [512..512, 512..1536, 100..612, 0..100] {
        assert!(Region::new(&mut part, range).is_err());
    }
    let mut region = Region::new(part, 512..1024).unwrap();
    region.write(0, b"here").unwrap();
    assert_eq!(read(&mut region, 0, 4), b"here");
    assert_eq!(region.write(512, b"past"), Err(RegionError::OutOfBounds));
    assert_eq!(region.read(u32::MAX, &mut [0; 2]), Err(RegionError::OutOfBounds));
    assert_eq!(region.erase(0, 1024), Err(RegionError::OutOfBounds));
    assert_eq!(region.erase(512, 0), Err(RegionError::OutOfBounds));
    assert_eq!(region.write(2, b"slip"), Err(RegionError::Flash(Error::NotAligned { offset: 514 })));
    region.erase(0, 512).unwrap();
    assert_eq!(&region.free().contents()[..4], b"boot");
}

#[cfg(feature = "std")]
mod on_a_host {
    use super::*;
    use larder::flash::FileFlash;
    use std::path::PathBuf;

    /// A path in the test's own temporary folder, where no file is yet.
    fn fresh(name: &str) -> PathBuf {
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = std::fs::remove_file(&path);
        path
    }

    #[test]
    fn a_copy_of_a_part_goes_its_own_way() {
        let mut part = SimFlash::<4, 512>::owned(2).unwrap();
        part.write(0, b"both").unwrap();
        let mut copy = part.clone();
        copy.write(4, b"copy").unwrap();
        assert_eq!(read(&mut part, 4, 4), [0xff; 4]);
        assert_eq!(copy.write(0, b"both"), Err(Error::Rewritten { offset: 0 }));
        assert_eq!(SimFlash::<4, 512>::owned(0).err(), Some(Error::Geometry));
    }

    #[test]
    fn a_file_is_made_erased_and_kept() {
        let path = fresh("kept.img");
        let mut part = FileFlash::<4, 512>::open(&path, 4).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), [0xff; 2048]);
        part.write(512, b"kept").unwrap();
        part.write(1024, b"gone").unwrap();
        part.erase(1024, 1536).unwrap();
        part.part_mut().cut_after(0, Tear::FirstHalf);
        part.write(4, b"torn").unwrap_err();
        drop(part);
        let mut part = FileFlash::<4, 512>::open(&path, 4).unwrap();
        assert_eq!(read(&mut part, 512, 4), b"kept");
        assert_eq!(read(&mut part, 1024, 4), [0xff; 4]);
        assert_eq!(read(&mut part, 4, 4), b"to\xff\xff");
        assert_eq!(part.write(512, b"more"), Err(Error::Rewritten { offset: 512 }));
        assert_eq!(std::fs::read(&path).unwrap(), part.part().contents());
        part.sync().unwrap();
    }

    #[test]
    fn a_file_of_another_size_is_refused_untouched() {
        let path = fresh("small.img");
        std::fs::write(&path, [0xff; 1000]).unwrap();
        let error = FileFlash::<4, 512>::open(&path, 4).err();
        assert_eq!(error, Some(Error::Size { expected: 2048, found: 1000 }));
        assert_eq!(std::fs::metadata(&path).unwrap().len(), 1000);
        assert_eq!(error.unwrap().to_string(), "1000 bytes where the flash has 2048");
        let missing = FileFlash::<4, 512>::open(path.join("beneath-a-file"), 4).err();
        assert!(matches!(missing, Some(Error::File(_))));
    }
}
