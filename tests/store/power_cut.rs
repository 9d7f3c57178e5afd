//! Power cuts at every program and every erase, torn in five ways, then again while the store recovers and goes on.
//!
//! A run of a script is recorded once; each cut is then tried on the part as it was at that moment, which is what a real cut
//! leaves, since nothing reaches the part after it. What must hold: the store opens; it holds what was acknowledged, and the
//! step that was interrupted wholly or not at all; it takes writes again, and keeps them.
//!
//! `LARDER_CUTS=n` runs n scripts where the suite runs one. A campaign of millions:
//! `LARDER_CUTS=30 cargo test --release --features cli --test store power_cut -- --nocapture`

use embedded_storage::nor_flash::NorFlash;
use larder::dbm::{self, Dbm, Flag};
use larder::flash::{SimFlash, Tear};

use crate::random::Rng;
use crate::recorder::{Event, Part, Recorder};
use crate::script::{Model, Op, SMALL, Shape, dump};

/// One step of a recorded run: what it did to the part, and what the store held before and after.
struct Step {
    events: Vec<Event>,
    before: Model,
    after: Model,
}

/// Opens the store on `part`, which must hold one of `accept` and has seen so many `cuts`, and takes the steps of a script.
/// Each opening is a step too.
fn run<const W: usize, const E: usize>(
    part: Part<W, E>,
    memory: &mut [u8],
    script: &[Op],
    accept: &[&Model],
    cuts: usize,
) -> (Part<W, E>, Vec<Step>) {
    let (mut recorder, log) = Recorder::new(part);
    let (mut taken, mut script) = (Vec::new(), script.iter());
    let mut accept: Vec<Model> = accept.iter().copied().cloned().collect();
    let mut refused = 0;
    loop {
        let mut db = dbm::open(&mut recorder, Flag::Create, memory).expect("the store opens");
        let mut now = which(&mut db, &accept);
        taken.push(Step { events: log.take(), before: now.clone(), after: now.clone() });
        let (mut reopen, mut failed) = (false, false);
        for op in script.by_ref() {
            reopen = matches!(op, Op::Reopen);
            if reopen {
                break;
            }
            let (done, before) = (op.apply(&mut db, &now), now.clone());
            if !matches!(done, Ok(false)) {
                op.change(&mut now);
            }
            accept = vec![before.clone(), now.clone()];
            match done {
                Ok(_) => {}
                // Words that a torn program or a torn erase left behind look erased and are not: the part refuses them, once
                // for each cut.
                Err(dbm::Error::Flash(_)) if refused < cuts => {
                    refused += 1;
                    (reopen, failed) = (true, true);
                    break;
                }
                Err(error) => panic!("{op:?}: {error:?}"),
            }
            let events = log.take();
            if !events.is_empty() {
                taken.push(Step { events, before, after: now.clone() });
            }
        }
        if !failed {
            accept = vec![now];
        }
        if !reopen {
            return (recorder.part, taken);
        }
    }
}

/// Which of these the store holds, by `get`. A walk is dearer: it is taken where the numbers of keys say.
fn which<F: NorFlash>(db: &mut Dbm<'_, F>, accept: &[Model]) -> Model {
    let (mut right, mut buf) = ([true; 2], [0; 256]);
    right[accept.len()..].fill(false);
    let names = (0..SMALL.keys).map(|i| SMALL.key(i));
    for key in accept[0].keys().cloned().chain(names) {
        let value = db.get(&key, &mut buf).expect("the store reads");
        for (right, model) in right.iter_mut().zip(accept) {
            *right &= value == model.get(&key).map(Vec::as_slice);
        }
    }
    let Some(found) = right.iter().position(|right| *right) else {
        let held = dump(db).expect("the store reads");
        panic!("neither: {}\nnor: {}", differences(&accept[0], &held), differences(&accept[accept.len() - 1], &held));
    };
    if accept[found].len().is_multiple_of(8) {
        assert!(dump(db).expect("the store walks") == accept[found], "a walk says otherwise");
    }
    accept[found].clone()
}

/// Which keys differ, for people.
fn differences(expected: &Model, held: &Model) -> String {
    let name = |key: &[u8]| String::from_utf8_lossy(key).into_owned();
    let mut lines = Vec::new();
    for (key, value) in expected {
        match held.get(key) {
            None => lines.push(format!("{} is lost", name(key))),
            Some(other) if other != value => lines.push(format!("{} is {other:02x?}, was {value:02x?}", name(key))),
            _ => {}
        }
    }
    lines.extend(held.keys().filter(|key| !expected.contains_key(*key)).map(|key| format!("{} is back", name(key))));
    lines.join("; ")
}

/// Says which cut failed when a check panics.
struct Cut<'a> {
    seed: u64,
    step: usize,
    event: &'a Event,
    tear: Tear,
    second: Option<(usize, Event, Tear)>,
}

impl Drop for Cut<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let Cut { seed, step, event, tear, second } = self;
            eprintln!("seed {seed}, step {step}, {tear:?} in {event:?}, then {second:?}");
        }
    }
}

/// Cuts tried.
#[derive(Default)]
struct Tally {
    single: u64,
    pairs: u64,
}

/// What a store does after it recovered: enough to be cut in again, and to fill what was torn.
fn afterwards(seed: u64, steps: usize) -> Vec<Op> {
    let mut script = SMALL.script(seed, steps);
    script.push(Op::Reopen);
    script
}

/// A part and what the store on it holds: where a campaign starts.
struct Start<const W: usize, const E: usize> {
    part: Part<W, E>,
    held: Model,
    memory: usize,
}

impl<const W: usize, const E: usize> Start<W, E> {
    /// An erased part.
    fn empty(sectors: usize, memory: usize) -> Self {
        Start { part: SimFlash::owned(sectors).unwrap(), held: Model::new(), memory }
    }

    /// A part that is full: of keys that stay, and then of the script's own.
    fn full(sectors: usize, memory: usize) -> Self {
        let mut start = Self::empty(sectors, memory);
        let (mut lent, mut rng) = (vec![0; memory], Rng(1));
        let mut recorder = Recorder::from(start.part);
        let mut db = dbm::open(&mut recorder, Flag::Create, &mut lent).unwrap();
        for i in 0.. {
            let op = if i < SMALL.keys {
                Op::Set(SMALL.key(i), rng.bytes(1))
            } else {
                Op::Set(format!("s{i}").into_bytes(), rng.bytes(20))
            };
            if !op.apply(&mut db, &start.held).unwrap() {
                break;
            }
            op.change(&mut start.held);
        }
        Start { part: recorder.part, ..start }
    }

    /// Cuts the power of one script at every event, and of what comes after each cut: at every event of the opening, and at
    /// `seconds` more of them.
    fn campaign(self, shape: Shape, steps: usize, seed: u64, seconds: usize) -> Tally {
        let Start { mut part, held, memory } = self;
        let (mut tally, mut memory, mut rng) = (Tally::default(), vec![0; memory], Rng(seed));
        let (_, steps) = run(part.clone(), &mut memory, &shape.script(seed, steps), &[&held], 0);
        for (at, step) in steps.iter().enumerate() {
            for event in &step.events {
                for tear in Tear::ALL {
                    let torn = event.torn(&part, tear, rng.next() as u32);
                    let mut cut = Cut { seed, step: at, event, tear, second: None };
                    let accept = [&step.before, &step.after];
                    let (_, next) = run(torn.clone(), &mut memory, &afterwards(rng.next(), 6), &accept, 1);
                    tally.single += 1;
                    let opening = next[0].events.len();
                    let later = next.iter().map(|step| step.events.len()).sum::<usize>() - opening;
                    let mut chosen: Vec<_> = (0..opening).flat_map(|at| Tear::ALL.map(|tear| (at, tear))).collect();
                    let seconds = if later > 0 { seconds } else { 0 };
                    chosen.extend((0..seconds).map(|_| (opening + rng.below(later), Tear::ALL[rng.below(5)])));
                    for (at, tear) in chosen {
                        let events = next.iter().enumerate().flat_map(|(at, s)| s.events.iter().map(move |e| (at, e)));
                        let mut part = torn.clone();
                        events.clone().take(at).for_each(|(_, event)| event.replay(&mut part).unwrap());
                        let (at, event) = events.clone().nth(at).unwrap();
                        cut.second = Some((at, event.clone(), tear));
                        let part = event.torn(&part, tear, rng.next() as u32);
                        run(part, &mut memory, &afterwards(rng.next(), 2), &[&next[at].before, &next[at].after], 2);
                        tally.pairs += 1;
                    }
                }
                event.replay(&mut part).unwrap();
            }
        }
        tally
    }
}

/// How many scripts to run where the suite runs one.
fn scripts() -> u64 {
    std::env::var("LARDER_CUTS").map_or(1, |n| n.parse().expect("LARDER_CUTS is a number"))
}

/// How much was tried, and that it was enough.
fn tell(word: usize, tallies: impl Iterator<Item = Tally>) {
    let (single, pairs) = tallies.fold((0, 0), |(single, pairs), tally| (single + tally.single, pairs + tally.pairs));
    println!("words of {word}: {single} cuts and {pairs} pairs of cuts, nothing lost");
    assert!(single + pairs >= 20_000, "{single} + {pairs}");
}

/// The least memory for this part.
fn least(sectors: usize, sector: usize) -> usize {
    dbm::memory_needed(sectors * sector, sector)
}

/// Long values, to fill large sectors.
const LONG: Shape = Shape { keys: 16, value: 180 };
/// Few short ones, for the smallest stores: of two sectors, one takes the copies of the other.
const FEW: Shape = Shape { keys: 6, value: 24 };

#[test]
fn words_of_1_byte() {
    let cut = |seed| {
        [
            Start::<1, 512>::empty(8, least(8, 512)).campaign(SMALL, 200, seed, 4),
            Start::<1, 512>::empty(3, least(3, 512)).campaign(SMALL, 200, seed + 1000, 4),
            Start::<1, 512>::full(5, 1024).campaign(SMALL, 30, seed, 4),
            Start::<1, 512>::empty(2, least(2, 512)).campaign(FEW, 60, seed, 2),
        ]
    };
    tell(1, (0..scripts()).flat_map(cut));
}

#[test]
fn words_of_4_bytes() {
    let cut = |seed| {
        [
            Start::<4, 512>::empty(8, 4096).campaign(SMALL, 200, seed, 2),
            Start::<4, 512>::empty(3, least(3, 512)).campaign(SMALL, 200, seed + 1000, 3),
            Start::<4, 4096>::empty(3, least(3, 4096)).campaign(LONG, 200, seed, 2),
            Start::<4, 512>::full(4, least(4, 512)).campaign(SMALL, 30, seed, 4),
            Start::<4, 4096>::empty(2, least(2, 4096)).campaign(LONG, 60, seed, 2),
        ]
    };
    tell(4, (0..scripts()).flat_map(cut));
}

#[test]
fn words_of_8_bytes() {
    let cut = |seed| {
        [
            Start::<8, 1024>::empty(4, least(4, 1024)).campaign(SMALL, 200, seed, 5),
            Start::<8, 1024>::empty(3, 2048).campaign(SMALL, 200, seed + 1000, 5),
            Start::<8, 1024>::full(3, 1024).campaign(SMALL, 30, seed, 5),
            Start::<8, 1024>::empty(2, least(2, 1024)).campaign(FEW, 60, seed, 2),
        ]
    };
    tell(8, (0..scripts()).flat_map(cut));
}

#[test]
fn words_of_32_bytes() {
    let cut = |seed| {
        [
            Start::<32, 1024>::empty(6, least(6, 1024)).campaign(SMALL, 200, seed, 4),
            Start::<32, 1024>::empty(4, least(4, 1024)).campaign(SMALL, 200, seed + 1000, 4),
            Start::<32, 1024>::full(5, 1024).campaign(SMALL, 30, seed, 4),
            Start::<32, 1024>::empty(2, least(2, 1024)).campaign(FEW, 60, seed, 2),
        ]
    };
    tell(32, (0..scripts()).flat_map(cut));
}

/// The same with the power really gone under a running store: the step at hand is an error, what follows is none or right,
/// and nothing is acknowledged.
#[test]
fn a_store_without_power_says_so() {
    let script = SMALL.script(77, 200);
    let mut memory = vec![0; 2048];
    for cut in (0..).step_by(7) {
        let mut part = Recorder::<4, 512>::erased(8);
        part.part.cut_after(cut, Tear::ALL[cut as usize % 5]);
        let (mut model, mut accept) = (Model::new(), None);
        if let Ok(mut db) = dbm::open(&mut part, Flag::Create, &mut memory) {
            for op in &script {
                let mut next = model.clone();
                op.change(&mut next);
                match op.apply(&mut db, &model) {
                    Ok(true) => model = next,
                    Ok(false) => {}
                    Err(error) => {
                        assert!(matches!(error, dbm::Error::Flash(_)), "{error:?} at {op:?}");
                        accept = Some(next);
                        break;
                    }
                }
            }
            if accept.is_some() {
                // What a batch writes is told by its commit.
                assert!(db.set(b"late", b"news").and_then(|()| db.commit()).is_err(), "cut {cut}");
                let _ = (db.get(b"00", &mut [0; 100]), db.delete(b"00"), db.sync(), dump(&mut db));
            }
        }
        let power = part.part.has_power();
        part.part.restore_power();
        run(part.part, &mut memory, &afterwards(cut, 6), &[&model, accept.as_ref().unwrap_or(&model)], 1);
        if power {
            assert!(cut > 150, "the script is long enough to be cut");
            break;
        }
    }
}

/// A read-only store on a torn part gives the same answers, and writes nothing.
#[test]
fn a_torn_part_is_read_without_a_write() {
    let mut memory = vec![0; 2048];
    let mut part = SimFlash::<4, 512>::owned(8).unwrap();
    let (_, steps) = run(part.clone(), &mut memory, &SMALL.script(5, 100), &[&Model::new()], 0);
    for (at, step) in steps.iter().enumerate() {
        // A store that is being made may not be there yet.
        let making = at == 0;
        for event in &step.events {
            for tear in Tear::ALL {
                let (mut torn, log) = Recorder::new(event.torn(&part, tear, 3));
                let mut db = match dbm::open(&mut torn, Flag::Read, &mut memory) {
                    Err(dbm::Error::NotFound | dbm::Error::NotAStore) if making => continue,
                    opened => opened.unwrap(),
                };
                let held = dump(&mut db).unwrap();
                assert!(held == step.before || held == step.after, "{tear:?} in {event:?}");
                assert!(matches!(db.set(b"00", b""), Err(dbm::Error::ReadOnly)));
                assert!(log.take().is_empty());
            }
            event.replay(&mut part).unwrap();
        }
    }
}
