//! Power cuts in a script of 200 writes on 16 keys, at every program and erase, torn in five ways: what an entrant loses.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use larder::flash::Tear;

use crate::bench::Rng;
use crate::entrants::{Done, Entrant, Store, Trouble};
use crate::part::Part;
use crate::workloads::{Line, SETTINGS};

const SECTORS: usize = 8;
const KEYS: usize = 16;
/// Cuts tried at most for each tear; more are sampled.
const MOST: usize = 400;

type Model = BTreeMap<usize, u32>;

/// Writes version n in step n, or deletes.
fn take(store: &mut dyn Store, step: u32, model: &mut Model) -> Done {
    let mut rng = Rng(u64::from(step));
    let item = rng.below(KEYS);
    if rng.below(8) == 0 {
        store.delete(&SETTINGS.key(item))?;
        model.remove(&item);
    } else {
        store.put(&SETTINGS.key(item), &SETTINGS.value(item, step))?;
        model.insert(item, step);
    }
    Ok(())
}

fn holds(store: &mut dyn Store, model: &Model) -> Done<bool> {
    let mut buf = [0; 512];
    for item in 0..KEYS {
        let found = store.get(&SETTINGS.key(item), &mut buf)?.map(|length| buf[..length].to_vec());
        if found != model.get(&item).map(|version| SETTINGS.value(item, *version)) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Takes steps until one fails; what was acknowledged, and what would be if the failed one had been done.
fn run(store: &mut dyn Store) -> (Model, Option<Model>) {
    let mut model = Model::new();
    for step in 1..=200 {
        let mut next = model.clone();
        if take(store, step, &mut next).is_err() {
            let mut rng = Rng(u64::from(step));
            let item = rng.below(KEYS);
            let mut next = model.clone();
            if rng.below(8) == 0 {
                next.remove(&item)
            } else {
                next.insert(item, step)
            };
            return (model, Some(next));
        }
        model = next;
    }
    (model, None)
}

/// Whether everything is there after a cut, and stays there when writing goes on.
fn survives(entrant: Entrant, at: u64, tear: Tear) -> Done<bool> {
    let part = Part::<4096>::new(SECTORS, entrant.strict());
    let mut store = entrant.open(part.clone(), KEYS, true)?;
    part.cut_after(at, tear);
    let (model, next) = run(store.as_mut());
    drop(store);
    part.restore_power();
    let mut store = entrant.open(part.clone(), KEYS, false)?;
    let mut now = match next {
        Some(next) if !holds(store.as_mut(), &model)? => next,
        _ => model,
    };
    if !holds(store.as_mut(), &now)? {
        return Ok(false);
    }
    for step in 1000..1020 {
        take(store.as_mut(), step, &mut now)?;
    }
    drop(store);
    holds(entrant.open(part, KEYS, false)?.as_mut(), &now)
}

/// How many cuts lost something, or left a store that does not open.
pub fn cuts(entrant: Entrant, seed: u64) -> Done<Vec<Line>> {
    let part = Part::<4096>::new(SECTORS, entrant.strict());
    let mut store = entrant.open(part.clone(), KEYS, true)?;
    let before = part.moment();
    if run(store.as_mut()).1.is_some() {
        return Err(Trouble::Other("the script does not run".into()));
    }
    let points = part.moment().since(&before).counters.operations() as usize;
    let (mut tried, mut lost) = (0, 0);
    for tear in Tear::ALL {
        for at in Rng(seed).shuffled(points).into_iter().take(MOST) {
            tried += 1;
            let alive = catch_unwind(AssertUnwindSafe(|| survives(entrant, at as u64, tear)));
            lost += usize::from(!matches!(alive, Ok(Ok(true))));
        }
    }
    Ok(vec![("power cuts on 8 × 4 KiB: lost or unusable, of", format!("{lost} of {tried}"))])
}
