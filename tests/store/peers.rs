//! What other stores were seen to get wrong, each with a test here. The names say what must hold; who got it wrong, and how
//! often, stands above each.

use larder::dbm::{self, Dbm, Flag};
use larder::flash::{SimFlash, Tear};

use crate::recorder::{Event, Part, Recorder};
use crate::script::{Model, dump};

const WORD: usize = 4;

fn open<'m, const E: usize>(
    part: &'m mut Recorder<WORD, E>,
    memory: &'m mut [u8],
) -> Dbm<'m, &'m mut Recorder<WORD, E>> {
    dbm::open(part, Flag::Create, memory).unwrap()
}

/// A part on which these sets were done.
fn part_with<const E: usize>(sectors: usize, sets: &[(Vec<u8>, Vec<u8>)]) -> (Part<WORD, E>, Model) {
    let mut part = Recorder::erased(sectors);
    let (mut memory, mut model) = (vec![0; 1024], Model::new());
    let mut db = open(&mut part, &mut memory);
    for (key, value) in sets {
        db.set(key, value).unwrap();
        model.insert(key.clone(), value.clone());
    }
    (part.part, model)
}

fn numbered(count: usize, rounds: usize) -> Vec<(Vec<u8>, Vec<u8>)> {
    let value = |round: usize, i: usize| vec![(round * 31 + i) as u8; 20];
    (0..rounds)
        .flat_map(|round| (0..count).map(move |i| (format!("key {i:03}").into_bytes(), value(round, i))))
        .collect()
}

/// Does a set with power cut at every operation, in every way; `then` gets each part that this leaves.
fn cut_a_set<const E: usize>(
    part: &Part<WORD, E>,
    (key, value): (&[u8], &[u8]),
    mut then: impl FnMut(Part<WORD, E>, Tear),
) {
    for tear in Tear::ALL {
        for cut in 0.. {
            let mut torn = Recorder::from(part.clone());
            torn.part.cut_after(cut, tear);
            let mut memory = vec![0; 1024];
            let done = dbm::open(&mut torn, Flag::Write, &mut memory).and_then(|mut db| db.set(key, value));
            if torn.part.has_power() {
                done.unwrap();
                break;
            }
            torn.part.restore_power();
            then(torn.part, tear);
        }
    }
}

fn held<const E: usize>(part: Part<WORD, E>) -> (Part<WORD, E>, Model) {
    let (mut part, mut memory) = (Recorder::from(part), vec![0; 1024]);
    let held = dump(&mut open(&mut part, &mut memory)).unwrap();
    (part.part, held)
}

/// tickv loses keys without any power cut, once its pages have gone round.
#[test]
fn no_key_is_lost_when_nothing_happens() {
    let (mut part, mut model) = part_with::<512>(6, &numbered(40, 1));
    for round in 0..30 {
        let (mut recorder, mut memory) = (Recorder::from(part), vec![0; 1024]);
        let mut db = open(&mut recorder, &mut memory);
        for (key, value) in numbered(40, 1).into_iter().skip(round % 3).step_by(3) {
            let value = [&value[..], &[round as u8]].concat();
            db.set(&key, &value).unwrap();
            model.insert(key, value);
        }
        assert_eq!(dump(&mut db).unwrap(), model, "round {round}");
        part = recorder.part;
    }
}

/// esp-nvs loses everything in rare cuts on parts of four pages.
#[test]
fn four_pages_survive_a_cut_anywhere() {
    // So many that the next sets seal a page, open one, and compact.
    for sets in [1, 100, 119, 230, 350] {
        let (part, model) = part_with::<4096>(4, &numbered(230, 3)[..sets + 300]);
        cut_a_set(&part, (b"key 007", b"new"), |torn, tear| {
            let (_, mut found) = held(torn);
            found.insert(b"key 007".to_vec(), model[&b"key 007"[..]].clone());
            assert_eq!(found, model, "{tear:?}");
        });
    }
}

/// sequential-storage's issue 136: two torn headers, one after the other, and a page is there that never was.
#[test]
fn torn_headers_are_no_pages() {
    let (mut part, model) = part_with::<512>(8, &numbered(12, 1));
    let mut headers = 0;
    for round in 0..6 {
        // Sets until a header is written; that one is torn.
        let (recorder, log) = Recorder::new(part.clone());
        let (mut recorder, mut memory) = (recorder, vec![0; 1024]);
        let mut db = open(&mut recorder, &mut memory);
        let mut done = part.clone();
        let torn = 'torn: loop {
            db.set(b"filler", &[round; 60]).unwrap();
            for event in log.take() {
                match event {
                    Event::Program { offset, .. } if offset % 512 == 0 => {
                        break 'torn event.torn(&done, Tear::ALL[usize::from(round) % 5], round.into());
                    }
                    event => event.replay(&mut done).unwrap(),
                }
            }
        };
        headers += 1;
        let (next, mut found) = held(torn);
        found.remove(&b"filler"[..]);
        assert_eq!(found, model, "after {headers} torn headers");
        part = next;
    }
}

/// sequential-storage's iterator gives overwritten keys again: 3,001 visits for 1,000 keys.
#[test]
fn a_walk_gives_each_key_once() {
    let (part, model) = part_with::<4096>(6, &numbered(100, 4));
    let (mut part, mut memory) = (Recorder::from(part), vec![0; 1024]);
    let mut db = open(&mut part, &mut memory);
    let (mut visits, mut keys) = (0, db.keys());
    while keys.next(&mut [0; 16]).unwrap().is_some() {
        visits += 1;
    }
    assert_eq!((visits, model.len()), (100, 100));
}

/// ekv erases twice for every small set.
#[test]
fn a_small_set_costs_a_small_share_of_an_erase() {
    let (part, _) = part_with::<4096>(16, &numbered(64, 20));
    let erases: u32 = part.wear().iter().sum();
    assert!(erases <= 20, "{erases} erases for 1,280 sets");
}

/// A file per key, made and then written: a cut between the two leaves an empty value (littlefs, as it is commonly used).
#[test]
fn a_new_key_is_never_without_its_value() {
    let (part, model) = part_with::<512>(6, &numbered(20, 2));
    cut_a_set(&part, (b"new", b"value"), |torn, tear| {
        let (_, mut found) = held(torn);
        let new = found.remove(&b"new"[..]);
        assert!(new.is_none_or(|value| value == b"value"), "{tear:?}");
        assert_eq!(found, model);
    });
}

/// A torn tail was taken for corruption, and the store did not open; or the next record was appended to it and lost with it.
#[test]
fn a_torn_tail_ends_the_log_and_nothing_is_written_behind_it() {
    let (part, model) = part_with::<4096>(4, &numbered(10, 1));
    for tear in [Tear::FirstHalf, Tear::SecondHalf, Tear::RandomBits] {
        let mut torn = Recorder::from(part.clone());
        torn.part.cut_after(0, tear);
        dbm::open(&mut torn, Flag::Write, &mut [0; 1024]).unwrap().set(b"torn", &[0; 60]).unwrap_err();
        torn.part.restore_power();
        let (mut recorder, log) = Recorder::new(torn.part);
        let mut memory = vec![0; 1024];
        let mut db = open(&mut recorder, &mut memory);
        assert_eq!(dump(&mut db).unwrap(), model, "{tear:?}");
        assert_eq!(db.set(b"next", b"value"), Ok(()));
        let places = log.take().into_iter().filter_map(|event| match event {
            Event::Program { offset, .. } => Some(offset),
            Event::Erase { .. } => None,
        });
        assert!(places.into_iter().all(|offset| offset >= 4096), "the torn page is left alone");
    }
}

/// ekv and others end in a state that no mount accepts when the cut comes while the last free page takes copies.
#[test]
fn a_cut_on_the_last_free_page_is_survived() {
    let (mut part, mut memory) = (Recorder::<WORD, 512>::erased(4), vec![0; 1024]);
    let mut model = Model::new();
    let mut db = open(&mut part, &mut memory);
    for i in 0u8.. {
        if db.set(&[i], &[i; 16]).is_err() {
            break;
        }
        model.insert(vec![i], vec![i; 16]);
    }
    // Full: room comes from what is overwritten, and each set compacts.
    assert!(db.delete(&[3]).unwrap() && db.delete(&[9]).unwrap());
    model.remove(&[3][..]);
    model.remove(&[9][..]);
    let mut erased = false;
    cut_a_set(&part.part, (&[0], &[0; 16]), |torn, tear| {
        let before: u32 = torn.wear().iter().sum();
        let (next, found) = held(torn);
        erased |= next.wear().iter().sum::<u32>() > before;
        assert_eq!(found, model, "{tear:?}");
    });
    assert!(erased, "the set compacted, and an opening had to finish it");
}

/// Headers without a check, or a check over some fields alone, let a flipped bit move or hide a page.
#[test]
fn a_flipped_bit_in_a_header_is_noticed() {
    let (part, model) = part_with::<512>(8, &numbered(30, 1));
    for bit in 0..64 {
        let mut flipped = SimFlash::<WORD, 512>::image(part.contents().to_vec()).unwrap();
        flipped.contents_mut()[bit / 8] ^= 1 << (bit % 8);
        let (mut recorder, mut memory) = (Recorder::from(flipped), vec![0; 1024]);
        let Ok(mut db) = dbm::open(&mut recorder, Flag::Read, &mut memory) else { continue };
        for (key, value) in &model {
            let got = db.get(key, &mut memory_for(value)).map(|found| found.map(<[u8]>::to_vec));
            assert!(got.is_err() || got == Ok(Some(value.clone())), "bit {bit}: {got:?}");
        }
    }
}

fn memory_for(value: &[u8]) -> Vec<u8> {
    vec![0; value.len() + 64]
}
