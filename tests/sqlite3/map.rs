//! A store for SQL in a map of the standard library: the model that the one on flash is held against.
#![allow(dead_code, unreachable_pub)]

use std::collections::BTreeMap;
use std::ops::Bound;

use larder::sqlite3::store::{CURSORS, Entry, Savepoint, Store};
use larder::sqlite3::{Error, ErrorKind};

type Map = BTreeMap<Vec<u8>, Vec<u8>>;

/// A key and what it had.
type Undo = (Vec<u8>, Option<Vec<u8>>);

/// Where a cursor stands: before all keys that are not smaller, or (true) behind all that are not larger.
type Place = (Vec<u8>, bool);

/// The map, and in a transaction what each write took the place of.
#[derive(Default, Clone)]
pub struct MapStore {
    map: Map,
    undo: Option<Vec<Undo>>,
    cursors: Vec<Place>,
    /// Entries read, for tests that count.
    pub reads: usize,
}

impl MapStore {
    pub fn new() -> Self {
        MapStore { cursors: vec![(Vec::new(), false); CURSORS], ..Self::default() }
    }

    /// What is left after the power failed.
    pub fn reopen(mut self) -> Self {
        self.undo_to(0);
        MapStore { map: self.map, ..Self::new() }
    }

    pub fn len(&self) -> usize {
        self.map.len()
    }

    fn undo_to(&mut self, len: usize) {
        let undo = self.undo.as_mut().map(|undo| undo.split_off(len)).unwrap_or_default();
        for (key, value) in undo.into_iter().rev() {
            match value {
                Some(value) => self.map.insert(key, value),
                None => self.map.remove(&key),
            };
        }
    }

    fn forward(&self, cursor: usize) -> Option<(&Vec<u8>, &Vec<u8>)> {
        let (key, behind) = &self.cursors[cursor];
        let from = if *behind { Bound::Excluded(key.clone()) } else { Bound::Included(key.clone()) };
        self.map.range((from, Bound::Unbounded)).next()
    }

    fn backward(&self, cursor: usize) -> Option<(&Vec<u8>, &Vec<u8>)> {
        let (key, behind) = &self.cursors[cursor];
        let to = if *behind { Bound::Included(key.clone()) } else { Bound::Excluded(key.clone()) };
        self.map.range((Bound::Unbounded, to)).next_back()
    }
}

fn copy(buf: &mut [u8], key: &[u8], value: &[u8]) -> Result<Entry, Error> {
    let needed = key.len() + value.len();
    if needed > buf.len() {
        return Err(Error::limit(needed));
    }
    buf[..key.len()].copy_from_slice(key);
    buf[key.len()..needed].copy_from_slice(value);
    Ok(Entry::new(key.len() as u8, value.len() as u16))
}

impl Store for MapStore {
    fn cursors(&self) -> usize {
        CURSORS
    }
    fn get(&mut self, key: &[u8], buf: &mut [u8]) -> Result<Option<usize>, Error> {
        self.reads += 1;
        match self.map.get(key) {
            None => Ok(None),
            Some(value) => copy(buf, &[], value).map(|entry| Some(entry.value())),
        }
    }
    fn set(&mut self, key: &[u8], value: &[u8]) -> Result<(), Error> {
        let before = self.map.insert(key.to_vec(), value.to_vec());
        // Outside of a transaction a write is one of its own.
        if let Some(undo) = &mut self.undo {
            undo.push((key.to_vec(), before));
        }
        Ok(())
    }
    fn delete(&mut self, key: &[u8]) -> Result<bool, Error> {
        let Some(before) = self.map.remove(key) else { return Ok(false) };
        if let Some(undo) = &mut self.undo {
            undo.push((key.to_vec(), Some(before)));
        }
        Ok(true)
    }
    fn seek(&mut self, cursor: usize, key: &[u8]) -> Result<(), Error> {
        self.cursors[cursor] = (key.to_vec(), false);
        Ok(())
    }
    fn next(&mut self, cursor: usize, buf: &mut [u8]) -> Result<Option<Entry>, Error> {
        self.reads += 1;
        let Some((key, value)) = self.forward(cursor) else { return Ok(None) };
        let entry = copy(buf, key, value)?;
        self.cursors[cursor] = (key.clone(), true);
        Ok(Some(entry))
    }
    fn previous_key(&mut self, cursor: usize, buf: &mut [u8]) -> Result<Option<usize>, Error> {
        self.reads += 1;
        let Some((key, _)) = self.backward(cursor) else { return Ok(None) };
        let entry = copy(buf, key, &[])?;
        self.cursors[cursor] = (key.clone(), false);
        Ok(Some(entry.key()))
    }
    fn begin(&mut self) -> Result<(), Error> {
        if self.undo.is_some() {
            return Err(ErrorKind::Transaction.into());
        }
        self.undo = Some(Vec::new());
        Ok(())
    }
    fn commit(&mut self) -> Result<(), Error> {
        self.undo = None;
        Ok(())
    }
    fn rollback(&mut self) -> Result<(), Error> {
        self.undo_to(0);
        self.undo = None;
        Ok(())
    }
    fn in_transaction(&self) -> bool {
        self.undo.is_some()
    }
    fn savepoint(&mut self) -> Result<Savepoint, Error> {
        Ok(Savepoint([self.undo.as_ref().map_or(0, Vec::len) as u32, 0, 0, 0]))
    }
    fn rollback_to(&mut self, savepoint: Savepoint) -> Result<(), Error> {
        self.undo_to(savepoint.0[0] as usize);
        Ok(())
    }
}
