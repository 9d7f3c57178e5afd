//! The write-back cache: encoded values in lent memory, oldest first.
//!
//! An entry is its length in all (4 bytes), the key's length (2), a byte that is 1 when the value has not reached the store,
//! the key, and the value. Entries stand back to back; one that changes moves to the end.

use core::ops::Range;

use crate::bytes;

/// The bytes before an entry's key.
const HEAD: usize = 7;

/// The lent memory. Without any, nothing is ever found.
pub(super) struct Cache<'a> {
    memory: &'a mut [u8],
    /// Where the entries end.
    used: usize,
}

/// Where an entry is.
struct Entry {
    key: Range<usize>,
    value: Range<usize>,
    changed: bool,
}

impl<'a> Cache<'a> {
    pub(super) fn new(memory: &'a mut [u8]) -> Self {
        Cache { memory, used: 0 }
    }

    /// Whether there is memory at all.
    #[cfg(feature = "serde")]
    pub(super) fn on(&self) -> bool {
        !self.memory.is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.used = 0;
    }

    /// The entry at `at`; none at the end.
    fn entry(&self, at: usize) -> Option<Entry> {
        let entries = self.memory.get(..self.used)?;
        let length = bytes::u32_le(entries, at)? as usize;
        let key = usize::from(bytes::u16_le(entries, at.checked_add(4)?)?);
        let changed = bytes::u8(entries, at.checked_add(6)?)? != 0;
        let start = at.checked_add(HEAD)?;
        let middle = start.checked_add(key)?;
        let end = at.checked_add(length)?;
        (middle <= end && end <= self.used).then_some(Entry { key: start..middle, value: middle..end, changed })
    }

    /// Where the entry of `key` starts, and the entry.
    fn find(&self, key: &[u8]) -> Option<(usize, Entry)> {
        let mut at = 0;
        while let Some(entry) = self.entry(at) {
            if self.memory.get(entry.key.clone()) == Some(key) {
                return Some((at, entry));
            }
            at = entry.value.end;
        }
        None
    }

    /// The value of `key`, and whether it has not reached the store.
    pub(super) fn get(&self, key: &[u8]) -> Option<(&[u8], bool)> {
        let (_, entry) = self.find(key)?;
        Some((self.memory.get(entry.value)?, entry.changed))
    }

    pub(super) fn remove(&mut self, key: &[u8]) {
        if let Some((at, entry)) = self.find(key) {
            self.cut(at, entry.value.end);
        }
    }

    /// Closes the gap from `start` to `end`.
    fn cut(&mut self, start: usize, end: usize) {
        self.memory.copy_within(end..self.used, start);
        self.used = self.used.saturating_sub(end.saturating_sub(start));
    }

    /// Holds `value` for `key`; entries that have reached the store make room, the oldest first. False when there is not
    /// enough room, and then `key` is not held at all.
    pub(super) fn put(&mut self, key: &[u8], value: &[u8], changed: bool) -> bool {
        self.remove(key);
        let Ok(key_length) = u16::try_from(key.len()) else { return false };
        let length = HEAD.saturating_add(key.len()).saturating_add(value.len());
        let Ok(whole) = u32::try_from(length) else { return false };
        if length > self.memory.len() || !self.make_room(length) {
            return false;
        }
        let Some(room) = self.memory.get_mut(self.used..) else { return false };
        let parts: [&[u8]; 5] = [&whole.to_le_bytes(), &key_length.to_le_bytes(), &[u8::from(changed)], key, value];
        let mut cells = room.iter_mut();
        for (cell, byte) in cells.by_ref().zip(parts.iter().copied().flatten()) {
            *cell = *byte;
        }
        self.used = self.used.saturating_add(length);
        true
    }

    /// Whether `length` bytes are free, after unchanged entries went as far as needed.
    fn make_room(&mut self, length: usize) -> bool {
        let mut at = 0;
        while self.memory.len().saturating_sub(self.used) < length {
            let Some(entry) = self.entry(at) else { return false };
            if entry.changed {
                at = entry.value.end;
            } else {
                self.cut(at, entry.value.end);
            }
        }
        true
    }

    /// The first changed entry at `at` or after it: its key, its value, and where to go on.
    pub(super) fn next_changed(&self, mut at: usize) -> Option<(&[u8], &[u8], usize)> {
        loop {
            let entry = self.entry(at)?;
            at = entry.value.end;
            if entry.changed {
                return Some((self.memory.get(entry.key)?, self.memory.get(entry.value)?, at));
            }
        }
    }

    /// Everything has reached the store.
    pub(super) fn all_written(&mut self) {
        let mut at = 0;
        while let Some(entry) = self.entry(at) {
            if let Some(flag) = entry.key.start.checked_sub(1).and_then(|flag| self.memory.get_mut(flag)) {
                *flag = 0;
            }
            at = entry.value.end;
        }
    }
}

#[cfg(all(test, feature = "serde"))]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::Cache;

    #[test]
    fn the_oldest_unchanged_entry_makes_room() {
        let mut memory = [0; 3 * 12];
        let mut cache = Cache::new(&mut memory);
        assert!(cache.on() && cache.get(b"a").is_none());
        assert!(cache.put(b"a", b"1111", false) && cache.put(b"b", b"2222", true) && cache.put(b"c", b"3333", false));
        assert_eq!(cache.get(b"b"), Some((&b"2222"[..], true)));
        assert!(cache.put(b"d", b"4444", true));
        assert_eq!(cache.get(b"a"), None);
        assert!(cache.put(b"b", b"22", true), "an entry is replaced");
        assert!(cache.put(b"e", b"55", false));
        assert_eq!(cache.get(b"c"), None);
        assert!(!cache.put(b"d", &[4; 20], true), "two changed entries stay");
        assert_eq!(cache.get(b"d"), None);
        let (key, value, at) = cache.next_changed(0).unwrap();
        assert_eq!((key, value), (&b"b"[..], &b"22"[..]));
        assert_eq!(cache.next_changed(at), None);
        cache.all_written();
        assert_eq!(cache.next_changed(0), None);
        cache.remove(b"b");
        assert!(cache.get(b"b").is_none() && !cache.put(b"f", &[0; 100], true));
        cache.clear();
        assert!(cache.put(b"", &[7; 29], false));
        assert_eq!(cache.get(b""), Some((&[7; 29][..], false)));
    }

    #[test]
    fn without_memory_nothing_is_held() {
        let mut cache = Cache::new(&mut []);
        assert!(!cache.on() && !cache.put(b"a", b"", true) && cache.get(b"a").is_none());
    }
}
