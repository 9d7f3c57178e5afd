//! The stores in the race, behind one trait.

mod ekv;
#[cfg(feature = "littlefs")]
mod littlefs;
mod pantry;
mod sequential;

use core::future::Future;
use core::task::{Context, Poll, Waker};

use crate::part::Part;

/// Why an operation did not happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// No room.
    Full,
    /// The store has no such operation, or cannot run on this part.
    Never,
    /// Anything else, in its own words.
    Other(String),
}

impl Trouble {
    fn other(error: impl core::fmt::Debug) -> Trouble {
        Trouble::Other(format!("{error:?}"))
    }
}

pub type Done<T = ()> = Result<T, Trouble>;

/// A key-value store that is open.
pub trait Store {
    fn put(&mut self, key: &[u8], value: &[u8]) -> Done;
    /// The value, in `buf`, which is large enough.
    fn get(&mut self, key: &[u8], buf: &mut [u8]) -> Done<Option<usize>>;
    fn delete(&mut self, key: &[u8]) -> Done;
    /// Up to `count` entries in the order of their keys, from `first` on.
    fn scan(&mut self, _first: &[u8], _count: usize, _visit: &mut dyn FnMut(&[u8], &[u8])) -> Done {
        Err(Trouble::Never)
    }
    /// All of these or none. The keys are in order.
    fn batch(&mut self, _entries: &[(Vec<u8>, Vec<u8>)]) -> Done {
        Err(Trouble::Never)
    }
}

/// A way to open a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entrant {
    /// larder with the least memory, and what is lent beyond it.
    Larder(Lent),
    /// sequential-storage without a cache, or with one that holds every key.
    Sequential {
        cached: bool,
    },
    Ekv,
    #[cfg(feature = "littlefs")]
    Littlefs,
}

/// What larder is lent: four bytes a key each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lent {
    Nothing,
    Index,
    IndexAndOrder,
}

impl Entrant {
    pub const ALL: &[Entrant] = &[
        Entrant::Larder(Lent::Nothing),
        Entrant::Larder(Lent::Index),
        Entrant::Larder(Lent::IndexAndOrder),
        Entrant::Sequential { cached: false },
        Entrant::Sequential { cached: true },
        Entrant::Ekv,
        #[cfg(feature = "littlefs")]
        Entrant::Littlefs,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Entrant::Larder(Lent::Nothing) => "larder",
            Entrant::Larder(Lent::Index) => "with an index",
            Entrant::Larder(Lent::IndexAndOrder) => "and an order",
            Entrant::Sequential { cached: false } => "sequential-storage",
            Entrant::Sequential { cached: true } => "the same, all keys in RAM",
            Entrant::Ekv => "ekv",
            #[cfg(feature = "littlefs")]
            Entrant::Littlefs => "littlefs2",
        }
    }

    /// Whether it programs each word once between erases.
    pub fn strict(self) -> bool {
        !matches!(self, Entrant::Sequential { .. })
    }

    /// Opens the store on a part, which is erased when `fresh`; it will hold up to `keys` keys.
    pub fn open<const ERASE: usize>(self, part: Part<ERASE>, keys: usize, fresh: bool) -> Done<Box<dyn Store>> {
        match self {
            Entrant::Larder(lent) => pantry::open(part, keys, lent, fresh),
            Entrant::Sequential { cached } => Ok(sequential::open(part, cached.then_some(keys))),
            Entrant::Ekv => ekv::open(part, fresh),
            #[cfg(feature = "littlefs")]
            Entrant::Littlefs => littlefs::open(part, fresh),
        }
    }
}

/// Runs a future that never waits: the part is in RAM.
fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = core::pin::pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..1_000_000 {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
    }
    panic!("the future waits for something that never comes");
}
