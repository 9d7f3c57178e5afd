//! `sequential-storage`'s map.

use sequential_storage::Error;
use sequential_storage::cache::key_pointers::HeapKeyPointers;
use sequential_storage::cache::page_pointers::HeapPagePointers;
use sequential_storage::cache::page_states::HeapPageStates;
use sequential_storage::cache::{Cache, CacheImpl, Uncached};
use sequential_storage::map::{Key, MapConfig, MapStorage, SerializationError};

use super::{Done, Store, Trouble, block_on};
use crate::part::Part;

/// A key with its length before it, of up to 16 bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Name {
    length: u8,
    bytes: [u8; 16],
}

impl Name {
    fn new(key: &[u8]) -> Name {
        let mut bytes = [0; 16];
        bytes[..key.len()].copy_from_slice(key);
        Name { length: key.len() as u8, bytes }
    }
}

impl Key for Name {
    fn serialize_into(&self, buf: &mut [u8]) -> Result<usize, SerializationError> {
        let whole = usize::from(self.length) + 1;
        let out = buf.get_mut(..whole).ok_or(SerializationError::BufferTooSmall)?;
        out[0] = self.length;
        out[1..].copy_from_slice(&self.bytes[..whole - 1]);
        Ok(whole)
    }

    fn deserialize_from(buf: &[u8]) -> Result<(Self, usize), SerializationError> {
        let whole = Self::get_len(buf)?;
        Ok((Name::new(&buf[1..whole]), whole))
    }

    fn get_len(buf: &[u8]) -> Result<usize, SerializationError> {
        let whole = usize::from(*buf.first().ok_or(SerializationError::BufferTooSmall)?) + 1;
        match whole {
            18.. => Err(SerializationError::InvalidFormat),
            _ if whole > buf.len() => Err(SerializationError::BufferTooSmall),
            _ => Ok(whole),
        }
    }
}

struct Sequential<const ERASE: usize, C: CacheImpl<Name>> {
    map: MapStorage<Name, Part<ERASE>, C>,
    /// An item: header, key and value.
    item: [u8; 160],
}

fn trouble<E: core::fmt::Debug>(error: Error<E>) -> Trouble {
    match error {
        Error::FullStorage => Trouble::Full,
        error => Trouble::other(error),
    }
}

impl<const ERASE: usize, C: CacheImpl<Name>> Store for Sequential<ERASE, C> {
    fn put(&mut self, key: &[u8], value: &[u8]) -> Done {
        block_on(self.map.store_item(&mut self.item, &Name::new(key), &value)).map_err(trouble)
    }

    fn get(&mut self, key: &[u8], buf: &mut [u8]) -> Done<Option<usize>> {
        let found = block_on(self.map.fetch_item::<&[u8]>(&mut self.item, &Name::new(key))).map_err(trouble)?;
        Ok(found.map(|value| {
            buf[..value.len()].copy_from_slice(value);
            value.len()
        }))
    }

    fn delete(&mut self, key: &[u8]) -> Done {
        block_on(self.map.remove_item(&mut self.item, &Name::new(key))).map_err(trouble)
    }
}

fn boxed<const ERASE: usize, C: CacheImpl<Name> + 'static>(part: Part<ERASE>, cache: C) -> Box<dyn Store> {
    let end = (part.sectors() * ERASE) as u32;
    Box::new(Sequential { map: MapStorage::new(part, MapConfig::new(0..end), cache), item: [0; 160] })
}

/// With `keys`, the cache holds the state of each page and the place of each key.
pub fn open<const ERASE: usize>(part: Part<ERASE>, keys: Option<usize>) -> Box<dyn Store> {
    let sectors = part.sectors();
    match keys {
        None => boxed(part, Cache::<Uncached, Uncached, Uncached, Name>::new_uncached()),
        Some(keys) => {
            let (states, pointers) = (HeapPageStates::new(sectors), HeapPagePointers::new(sectors));
            boxed(part, Cache::new(states, pointers, HeapKeyPointers::new(keys)))
        }
    }
}
