//! larder's `dbm`, with the least memory and with four bytes a key beside it.

use larder::dbm::{self, Dbm, Error, Flag};

use super::{Done, Store, Trouble};
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

/// With `keys`, four more bytes of memory for each. The memory is leaked: a bench ends soon.
pub fn open<const ERASE: usize>(part: Part<ERASE>, keys: Option<usize>, fresh: bool) -> Done<Box<dyn Store>> {
    let needed = dbm::memory_needed(part.sectors() * ERASE, ERASE);
    let memory = Box::leak(vec![0; needed + keys.unwrap_or(0) * 4].into_boxed_slice());
    let flag = if fresh { Flag::New } else { Flag::Write };
    Ok(Box::new(Pantry(dbm::open(part, flag, memory).map_err(trouble)?)))
}
