//! larder's `dbm`, with the least memory, with an index of the keys lent to it, and with their order as well.

use larder::dbm::{self, Dbm, Error, Flag};

use super::{Done, Lent, Store, Trouble};
use crate::part::Part;

struct Pantry<const ERASE: usize>(Dbm<'static, Part<ERASE>>);

fn trouble(error: Error) -> Trouble {
    if error == Error::Full { Trouble::Full } else { Trouble::other(error) }
}

impl<const ERASE: usize> Store for Pantry<ERASE> {
    fn put(&mut self, key: &[u8], value: &[u8]) -> Done {
        self.0.set(key, value).map_err(trouble)
    }

    fn get(&mut self, key: &[u8], buf: &mut [u8]) -> Done<Option<usize>> {
        self.0.get(key, buf).map(|value| value.map(<[u8]>::len)).map_err(trouble)
    }

    fn delete(&mut self, key: &[u8]) -> Done {
        self.0.delete(key).map(drop).map_err(trouble)
    }

    fn scan(&mut self, first: &[u8], count: usize, visit: &mut dyn FnMut(&[u8], &[u8])) -> Done {
        let (mut cursor, mut buf) = (self.0.cursor(), [0; 512]);
        self.0.seek(&mut cursor, first).map_err(trouble)?;
        for _ in 0..count {
            match self.0.next(&mut cursor, &mut buf).map_err(trouble)? {
                Some(entry) => visit(entry.key, entry.value),
                None => break,
            }
        }
        Ok(())
    }

    fn batch(&mut self, entries: &[(Vec<u8>, Vec<u8>)]) -> Done {
        let mut batch = self.0.batch().map_err(trouble)?;
        for (key, value) in entries {
            batch.set(key, value).map_err(trouble)?;
        }
        batch.commit().map_err(trouble)
    }
}

/// Opens a store with the least memory. The memory is leaked: a bench ends soon.
pub fn open<const ERASE: usize>(part: Part<ERASE>, keys: usize, lent: Lent, fresh: bool) -> Done<Box<dyn Store>> {
    let memory = Box::leak(vec![0; dbm::memory_needed(part.sectors() * ERASE, ERASE)].into_boxed_slice());
    let flag = if fresh { Flag::New } else { Flag::Write };
    let mut db = dbm::open(part, flag, memory).map_err(trouble)?;
    if lent != Lent::Nothing {
        db.lend_index(Box::leak(vec![0; dbm::index_words(keys)].into_boxed_slice()));
    }
    if lent == Lent::IndexAndOrder {
        db.lend_order(Box::leak(vec![0; dbm::order_words(keys)].into_boxed_slice()));
    }
    Ok(Box::new(Pantry(db)))
}
