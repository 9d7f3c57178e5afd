//! A store on a part, with what it should hold, and the measuring of a run of operations.

use crate::entrants::{Done, Entrant, Store, Trouble};
use crate::part::{Moment, Part};

/// SplitMix64.
#[derive(Clone)]
pub struct Rng(pub u64);

impl Rng {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    pub fn shuffled(&mut self, n: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..n).collect();
        (1..n).rev().for_each(|i| order.swap(i, self.below(i + 1)));
        order
    }

    /// `count` of `n` items, all alike.
    pub fn uniform(&mut self, n: usize, count: usize) -> Vec<usize> {
        (0..count).map(|_| self.below(n)).collect()
    }

    /// `count` of `n` items by Zipf's law with exponent 0.99, the ranks scattered.
    pub fn zipf(&mut self, n: usize, count: usize) -> Vec<usize> {
        let item = self.shuffled(n);
        let mut sums: Vec<f64> = Vec::with_capacity(n);
        for rank in 1..=n {
            sums.push(sums.last().unwrap_or(&0.0) + (rank as f64).powf(-0.99));
        }
        let whole = sums[n - 1];
        let draw = |rng: &mut Rng| rng.next() as f64 / u64::MAX as f64 * whole;
        (0..count).map(|_| item[sums.partition_point(|sum| *sum < draw(self)).min(n - 1)]).collect()
    }
}

/// How long keys and values are: at least and at most.
#[derive(Clone, Copy)]
pub struct Shape {
    pub key: (usize, usize),
    pub value: (usize, usize),
}

impl Shape {
    /// Key number `i`: eight hexadecimal digits in no order, none twice, and letters to its length.
    pub fn key(self, i: usize) -> Vec<u8> {
        let number = (i as u32).wrapping_mul(0x9e37_79b1);
        let mut key = format!("{number:08x}").into_bytes();
        key.resize(self.key.0 + Rng(i as u64).below(self.key.1 - self.key.0 + 1), b'k');
        key
    }

    /// What key `i` holds after its `version`th write.
    pub fn value(self, i: usize, version: u32) -> Vec<u8> {
        let mut rng = Rng((i as u64) << 32 | u64::from(version));
        let length = self.value.0 + rng.below(self.value.1 - self.value.0 + 1);
        (0..length).map(|_| rng.next() as u8).collect()
    }
}

/// What a run of operations cost.
#[derive(Default)]
pub struct Cost {
    pub operations: usize,
    /// Key and value bytes put.
    pub payload: usize,
    pub total: Moment,
    /// The longest operation, in milliseconds.
    pub worst: f64,
    /// Why the run ended early.
    pub trouble: Option<Trouble>,
}

impl Cost {
    fn each(&self, what: f64) -> f64 {
        what / self.operations.max(1) as f64
    }

    pub fn milliseconds(&self) -> f64 {
        self.each(self.total.milliseconds())
    }

    pub fn programmed(&self) -> f64 {
        self.each(self.total.counters.program_bytes as f64)
    }

    pub fn programs(&self) -> f64 {
        self.each(self.total.counters.programs as f64)
    }

    pub fn reads(&self) -> f64 {
        self.each(self.total.counters.reads as f64)
    }

    pub fn erases_per_thousand(&self) -> f64 {
        self.each(self.total.counters.erases as f64) * 1000.0
    }

    /// Write amplification: bytes programmed for each byte put.
    pub fn amplification(&self) -> f64 {
        self.total.counters.program_bytes as f64 / self.payload.max(1) as f64
    }
}

pub struct Bench<const ERASE: usize> {
    entrant: Entrant,
    pub part: Part<ERASE>,
    store: Option<Box<dyn Store>>,
    shape: Shape,
    /// How often each key was written; 0 for a key that is not there.
    versions: Vec<u32>,
    buf: Vec<u8>,
}

impl<const ERASE: usize> Bench<ERASE> {
    /// An empty store for up to `keys` keys on an erased part.
    pub fn new(entrant: Entrant, sectors: usize, shape: Shape, keys: usize) -> Done<Self> {
        let part = Part::new(sectors, entrant.strict());
        let store = entrant.open(part.clone(), keys, true)?;
        Ok(Bench { entrant, part, store: Some(store), shape, versions: vec![0; keys], buf: vec![0; 512] })
    }

    /// Closes the store and opens it again.
    pub fn reopen(&mut self) -> Done {
        self.store = None;
        self.store = Some(self.entrant.open(self.part.clone(), self.versions.len(), false)?);
        Ok(())
    }

    /// Erases of the most worn sector, for each of the mean one.
    pub fn uneven(&self) -> f64 {
        let wear = self.part.wear();
        let most = wear.iter().max().copied().unwrap_or(0);
        f64::from(most) * wear.len() as f64 / f64::from(wear.iter().sum::<u32>()).max(1.0)
    }

    fn store(&mut self) -> &mut dyn Store {
        self.store.as_mut().expect("the store is open").as_mut()
    }

    /// Writes key `i` anew; the bytes put.
    pub fn put(&mut self, i: usize) -> Done<usize> {
        let (key, value) = (self.shape.key(i), self.shape.value(i, self.versions[i] + 1));
        self.store().put(&key, &value)?;
        self.versions[i] += 1;
        Ok(key.len() + value.len())
    }

    /// Reads key `i`, and holds the store to its answer.
    pub fn get(&mut self, i: usize) -> Done<usize> {
        let (key, mut buf) = (self.shape.key(i), std::mem::take(&mut self.buf));
        let found = self.store().get(&key, &mut buf)?.map(|length| buf[..length].to_vec());
        self.buf = buf;
        let expected = (self.versions[i] > 0).then(|| self.shape.value(i, self.versions[i]));
        if found == expected { Ok(0) } else { Err(Trouble::Other("a wrong answer".into())) }
    }

    /// Reads up to `count` entries from `first` on in order, and holds the store to its answer.
    pub fn scan(&mut self, first: &[u8], count: usize) -> Done<usize> {
        let there = (0..self.versions.len()).filter(|i| self.versions[*i] > 0);
        let mut expected: Vec<(Vec<u8>, Vec<u8>)> = there
            .map(|i| (self.shape.key(i), self.shape.value(i, self.versions[i])))
            .filter(|(key, _)| key.as_slice() >= first)
            .collect();
        expected.sort();
        expected.truncate(count);
        let mut found = Vec::new();
        self.store().scan(first, count, &mut |key, value| found.push((key.to_vec(), value.to_vec())))?;
        if found == expected { Ok(0) } else { Err(Trouble::Other("a wrong scan".into())) }
    }

    /// Writes these keys anew at once.
    pub fn batch(&mut self, items: &[usize]) -> Done<usize> {
        let mut entries: Vec<(Vec<u8>, Vec<u8>)> =
            items.iter().map(|i| (self.shape.key(*i), self.shape.value(*i, self.versions[*i] + 1))).collect();
        entries.sort();
        self.store().batch(&entries)?;
        items.iter().for_each(|i| self.versions[*i] += 1);
        Ok(entries.iter().map(|(key, value)| key.len() + value.len()).sum())
    }

    /// Does something with each item and adds up what it cost; ends at the first trouble.
    pub fn measure<T: Copy>(&mut self, items: &[T], mut operation: impl FnMut(&mut Self, T) -> Done<usize>) -> Cost {
        let (mut cost, start) = (Cost::default(), self.part.moment());
        for item in items {
            let before = self.part.moment();
            match operation(self, *item) {
                Ok(payload) => cost.payload += payload,
                Err(trouble) => {
                    cost.trouble = Some(trouble);
                    break;
                }
            }
            cost.operations += 1;
            cost.worst = cost.worst.max(self.part.moment().since(&before).milliseconds());
        }
        cost.total = self.part.moment().since(&start);
        cost
    }
}
