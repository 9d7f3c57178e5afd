//! A simulated NOR part: physics, counters, wear, and a power cut.
//!
//! A program clears bits and never sets one. In strict mode, the default, a word may be programmed once between two erases,
//! whatever its bits: a second program is [`Error::Rewritten`], as on parts with error correction.
//!
//! When power goes ([`SimFlash::cut_after`]), the operation at hand is left as its [`Tear`] says:
//!
//! | left | by a program | by an erase |
//! |---|---|---|
//! | [`NotBegun`](Tear::NotBegun) | nothing happened | nothing happened |
//! | [`FirstHalf`](Tear::FirstHalf) | the first half of its bytes | the first half of the sector is erased |
//! | [`SecondHalf`](Tear::SecondHalf) | the second half of its bytes | the second half of the sector is erased |
//! | [`RandomBits`](Tear::RandomBits) | some of the bits it should clear are clear | some of the bits that were 0 are 1 |
//! | [`Done`](Tear::Done) | all, but the caller never learns | all, but the caller never learns |
//! | [`First`](Tear::First)`(n)` | its first n bytes | the first n bytes of the sector are erased |
//!
//! A half of an odd number of bytes is rounded down for the first half. Halves are halves in bytes, so a program of one word
//! leaves half a word: such a word reads as the new bytes beside ones. Every word of a torn program counts as programmed,
//! the ones that still read as erased too, since nobody knows how far their cells got: strict mode refuses them until the
//! sector is erased. A torn erase frees the words that it reached whole, and no others.

use embedded_storage::nor_flash::{ErrorType, NorFlash, ReadNorFlash};

use super::{Error, Result};

/// How the operation at a power cut is left; the table is in the description of [`SimFlash`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Tear {
    /// It never began.
    NotBegun,
    /// The first half of its bytes is done.
    FirstHalf,
    /// The second half of its bytes is done; of an erase, the head of the sector is as it was.
    SecondHalf,
    /// A random choice of its bits is done.
    RandomBits,
    /// It is complete, but the caller never learns of it.
    Done,
    /// Its first so many bytes are done.
    First(u32),
}

impl Tear {
    /// The five ways in which an operation is torn by a campaign of cuts.
    pub const ALL: [Tear; 5] = [Tear::NotBegun, Tear::FirstHalf, Tear::SecondHalf, Tear::RandomBits, Tear::Done];

    /// Which of the operation's `length` bytes it reaches.
    fn reached(self, length: usize) -> (usize, usize) {
        match self {
            Tear::NotBegun => (0, 0),
            Tear::FirstHalf => (0, length / 2),
            Tear::SecondHalf => (length / 2, length),
            Tear::RandomBits | Tear::Done => (0, length),
            Tear::First(bytes) => (0, length.min(bytes as usize)),
        }
    }
}

/// What was done to a part since it was made or since [`SimFlash::reset_counters`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Counters {
    /// Calls of `read` that were done.
    pub reads: u64,
    /// Bytes that they read.
    pub read_bytes: u64,
    /// Calls of `write` that were done.
    pub programs: u64,
    /// Bytes that they programmed.
    pub program_bytes: u64,
    /// Sectors erased.
    pub erases: u64,
    /// Words that were programmed again without an erase between: 0 in strict mode, where that is an error.
    pub rewrites: u64,
}

impl Counters {
    /// Programs and erases together: the operations at which a power cut can strike.
    pub fn operations(&self) -> u64 {
        self.programs + self.erases
    }
}

/// A NOR part of `WRITE`-byte words and `ERASE`-byte sectors in lent memory; reads are aligned to `READ` bytes.
///
/// ```
/// use embedded_storage::nor_flash::{NorFlash, ReadNorFlash};
/// use larder::flash::{Error, SimFlash, Tear};
///
/// // 4 sectors of 512 bytes; a bit a word says what was programmed, a counter a sector how often it was erased.
/// let (mut bytes, mut words, mut wear) = ([0; 4 * 512], [0; 64], [0; 4]);
/// let mut part = SimFlash::<4, 512>::new(&mut bytes, &mut words, &mut wear)?;
///
/// part.write(0, b"flour")
///     .expect_err("five bytes are no whole number of words");
/// part.write(0, b"rice")?;
/// assert_eq!(part.write(0, b"rice"), Err(Error::Rewritten { offset: 0 }));
///
/// part.cut_after(1, Tear::FirstHalf); // one more operation is done, the next is torn
/// part.write(4, b"beansalt")?;
/// assert_eq!(part.write(12, b"teas"), Err(Error::PowerCut));
/// part.restore_power();
/// assert_eq!(&part.contents()[..16], b"ricebeansaltte\xff\xff");
/// # Ok::<(), larder::flash::Error>(())
/// ```
#[derive(Debug)]
#[cfg_attr(feature = "std", derive(Clone))]
pub struct SimFlash<'a, const WRITE: usize, const ERASE: usize, const READ: usize = 1> {
    bytes: Memory<'a, u8>,
    words: Memory<'a, u8>,
    wear: Memory<'a, u32>,
    state: State,
}

#[cfg(feature = "defmt")]
impl<const WRITE: usize, const ERASE: usize, const READ: usize> defmt::Format for SimFlash<'_, WRITE, ERASE, READ> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "SimFlash");
    }
}

/// Everything about a part but its cells.
#[derive(Debug, Clone)]
struct State {
    counters: Counters,
    lenient: bool,
    /// Operations that will still be done, and how the one after them is left.
    cut: Option<(u64, Tear)>,
    dead: bool,
    random: u32,
}

/// Lent memory or, on a host, owned.
#[derive(Debug)]
enum Memory<'a, T> {
    Lent(&'a mut [T]),
    #[cfg(feature = "std")]
    Owned(Vec<T>),
}

#[cfg(feature = "std")]
impl<T: Clone> Clone for Memory<'_, T> {
    fn clone(&self) -> Self {
        Memory::Owned(self.to_vec())
    }
}

impl<T> core::ops::Deref for Memory<'_, T> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        match self {
            Memory::Lent(slice) => slice,
            #[cfg(feature = "std")]
            Memory::Owned(vec) => vec,
        }
    }
}

impl<T> core::ops::DerefMut for Memory<'_, T> {
    fn deref_mut(&mut self) -> &mut [T] {
        match self {
            Memory::Lent(slice) => slice,
            #[cfg(feature = "std")]
            Memory::Owned(vec) => vec,
        }
    }
}

impl<'a, const WRITE: usize, const ERASE: usize, const READ: usize> SimFlash<'a, WRITE, ERASE, READ> {
    /// An erased part in `bytes`; `words` takes a bit a word, `wear` a counter a sector ([`Self::word_bytes`] and
    /// [`Self::sectors`] say how many). All three are overwritten.
    pub fn new(bytes: &'a mut [u8], words: &'a mut [u8], wear: &'a mut [u32]) -> Result<Self> {
        bytes.fill(0xff);
        words.fill(0);
        wear.fill(0);
        Self::resume(bytes, words, wear)
    }

    /// A part as an earlier one left it: dropping a part and resuming it is a power cycle.
    pub fn resume(bytes: &'a mut [u8], words: &'a mut [u8], wear: &'a mut [u32]) -> Result<Self> {
        Self::of(Memory::Lent(bytes), Memory::Lent(words), Memory::Lent(wear))
    }

    fn of(bytes: Memory<'a, u8>, words: Memory<'a, u8>, wear: Memory<'a, u32>) -> Result<Self> {
        let whole = |of: usize, unit: usize| of > 0 && of.checked_rem(unit) == Some(0);
        if !whole(WRITE, READ) || !whole(ERASE, WRITE) || !whole(bytes.len(), ERASE) {
            return Err(Error::Geometry);
        }
        if u32::try_from(bytes.len()).is_err() {
            return Err(Error::Geometry);
        }
        for (expected, found) in [(Self::word_bytes(bytes.len()), words.len()), (bytes.len() / ERASE, wear.len())] {
            if found != expected {
                return Err(Error::Size { expected: expected as u64, found: found as u64 });
            }
        }
        let state =
            State { counters: Counters::default(), lenient: false, cut: None, dead: false, random: 0x9e37_79b9 };
        Ok(SimFlash { bytes, words, wear, state })
    }

    /// How many bytes `words` needs for a part of `capacity` bytes.
    pub const fn word_bytes(capacity: usize) -> usize {
        (capacity / WRITE).div_ceil(8)
    }

    /// How many counters `wear` needs for a part of `capacity` bytes.
    pub const fn sectors(capacity: usize) -> usize {
        capacity / ERASE
    }

    /// Lets a word be programmed again, as plain NOR allows: its bits are the AND of both. Counted in `rewrites`.
    pub fn lenient(mut self) -> Self {
        self.state.lenient = true;
        self
    }

    /// Chooses the bits of [`Tear::RandomBits`].
    pub fn seed(&mut self, seed: u32) {
        // The generator's state must not be 0.
        self.state.random = seed.wrapping_mul(0x9e37_79b9) | 1;
    }

    /// Lets `operations` more programs and sector erases happen, and cuts power in the one after them, which is left torn.
    /// From then on every call is [`Error::PowerCut`], until [`Self::restore_power`].
    pub fn cut_after(&mut self, operations: u64, tear: Tear) {
        self.state.cut = Some((operations, tear));
    }

    /// Gives power back, and forgets a cut that has not struck.
    pub fn restore_power(&mut self) {
        self.state.dead = false;
        self.state.cut = None;
    }

    /// Whether power is there.
    pub fn has_power(&self) -> bool {
        !self.state.dead
    }

    /// What was done to the part.
    pub fn counters(&self) -> Counters {
        self.state.counters
    }

    /// Starts counting anew. Wear stays.
    pub fn reset_counters(&mut self) {
        self.state.counters = Counters::default();
    }

    /// How often each sector was erased.
    pub fn wear(&self) -> &[u32] {
        &self.wear
    }

    /// The cells, as a programmer that reads the chip sees them.
    pub fn contents(&self) -> &[u8] {
        &self.bytes
    }

    /// The cells, to damage them. No physics apply, and nothing is counted.
    pub fn contents_mut(&mut self) -> &mut [u8] {
        &mut self.bytes
    }

    /// Checks a range of `length` bytes: its start and end.
    fn range(&self, offset: u32, length: usize, align: usize) -> Result<(usize, usize)> {
        let start = offset as usize;
        let end = start.checked_add(length).filter(|end| *end <= self.bytes.len());
        let end = end.ok_or(Error::OutOfBounds { offset })?;
        if !start.is_multiple_of(align) || !end.is_multiple_of(align) {
            return Err(Error::NotAligned { offset });
        }
        Ok((start, end))
    }

    fn powered(&self) -> Result<()> {
        if self.state.dead { Err(Error::PowerCut) } else { Ok(()) }
    }

    fn erase_sector(&mut self, sector: usize) -> Result<()> {
        let (start, cut) = (sector * ERASE, self.state.operate());
        let (from, to) = cut.unwrap_or(Tear::Done).reached(ERASE);
        let (from, to) = (start + from, start + to);
        if cut == Some(Tear::RandomBits) {
            for byte in self.bytes[from..to].iter_mut() {
                *byte |= self.state.random_byte();
            }
        } else {
            self.bytes[from..to].fill(0xff);
            mark(&mut self.words, from.div_ceil(WRITE), to / WRITE, false);
        }
        if cut.is_some() {
            return Err(Error::PowerCut);
        }
        self.wear[sector] = self.wear[sector].saturating_add(1);
        self.state.counters.erases += 1;
        Ok(())
    }
}

#[cfg(feature = "std")]
impl<const WRITE: usize, const ERASE: usize, const READ: usize> SimFlash<'static, WRITE, ERASE, READ> {
    /// An erased part of `sectors` sectors that owns its memory.
    pub fn owned(sectors: usize) -> Result<Self> {
        let capacity = sectors.checked_mul(ERASE).ok_or(Error::Geometry)?;
        if WRITE == 0 || ERASE == 0 {
            return Err(Error::Geometry);
        }
        let words = vec![0; Self::word_bytes(capacity)];
        let wear = vec![0; Self::sectors(capacity)];
        Self::of(Memory::Owned(vec![0xff; capacity]), Memory::Owned(words), Memory::Owned(wear))
    }

    /// A part that holds `bytes`, an image of a chip. A word that is not all ones counts as programmed; whether one of
    /// ones was, no image tells.
    pub fn image(bytes: Vec<u8>) -> Result<Self> {
        if WRITE == 0 || ERASE == 0 {
            return Err(Error::Geometry);
        }
        let mut words = vec![0; Self::word_bytes(bytes.len())];
        for (word, cells) in bytes.chunks(WRITE).enumerate() {
            if cells.iter().any(|byte| *byte != 0xff) {
                mark(&mut words, word, word + 1, true);
            }
        }
        let wear = vec![0; Self::sectors(bytes.len())];
        Self::of(Memory::Owned(bytes), Memory::Owned(words), Memory::Owned(wear))
    }
}

impl State {
    /// Takes one operation off what power is left for; how to leave it if power goes now.
    fn operate(&mut self) -> Option<Tear> {
        let (left, tear) = self.cut.as_mut()?;
        match left.checked_sub(1) {
            Some(fewer) => {
                *left = fewer;
                None
            }
            None => {
                let tear = *tear;
                self.cut = None;
                self.dead = true;
                Some(tear)
            }
        }
    }

    /// Marsaglia's xorshift.
    fn random_byte(&mut self) -> u8 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 17;
        self.random ^= self.random << 5;
        (self.random >> 24) as u8
    }
}

/// Which bit of which byte of the map stands for `word`.
fn place(word: usize) -> (usize, u8) {
    (word / 8, 1 << (word % 8))
}

/// Sets or clears the bits of the words from one to another; whole bytes of the map at a time where it can.
fn mark(map: &mut [u8], from: usize, to: usize, programmed: bool) {
    let mut word = from;
    while word < to {
        let (at, bit) = place(word);
        if bit == 1 && word + 8 <= to {
            map[at] = if programmed { 0xff } else { 0 };
            word += 8;
            continue;
        }
        if programmed {
            map[at] |= bit
        } else {
            map[at] &= !bit
        }
        word += 1;
    }
}

impl<const WRITE: usize, const ERASE: usize, const READ: usize> ErrorType for SimFlash<'_, WRITE, ERASE, READ> {
    type Error = Error;
}

impl<const WRITE: usize, const ERASE: usize, const READ: usize> ReadNorFlash for SimFlash<'_, WRITE, ERASE, READ> {
    const READ_SIZE: usize = READ;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<()> {
        self.powered()?;
        let (start, end) = self.range(offset, bytes.len(), READ)?;
        bytes.copy_from_slice(&self.bytes[start..end]);
        self.state.counters.reads += 1;
        self.state.counters.read_bytes += bytes.len() as u64;
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.bytes.len()
    }
}

impl<const WRITE: usize, const ERASE: usize, const READ: usize> NorFlash for SimFlash<'_, WRITE, ERASE, READ> {
    const WRITE_SIZE: usize = WRITE;
    const ERASE_SIZE: usize = ERASE;

    /// Each sector is an operation of its own.
    fn erase(&mut self, from: u32, to: u32) -> Result<()> {
        self.powered()?;
        let length = to.checked_sub(from).ok_or(Error::OutOfBounds { offset: from })?;
        let (start, end) = self.range(from, length as usize, ERASE)?;
        (start / ERASE..end / ERASE).try_for_each(|sector| self.erase_sector(sector))
    }

    /// A call is one operation, however many words it has. A call without bytes is none.
    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<()> {
        self.powered()?;
        let (start, end) = self.range(offset, bytes.len(), WRITE)?;
        if bytes.is_empty() {
            return Ok(());
        }
        let (first, last) = (start / WRITE, end / WRITE);
        let programmed = |word: &usize| {
            let (at, bit) = place(*word);
            self.words[at] & bit != 0
        };
        let rewrites = match (first..last).find(programmed) {
            None => 0,
            Some(word) if !self.state.lenient => return Err(Error::Rewritten { offset: (word * WRITE) as u32 }),
            Some(word) => (word..last).filter(programmed).count(),
        };
        let cut = self.state.operate();
        let (from, to) = cut.unwrap_or(Tear::Done).reached(bytes.len());
        for (cell, byte) in self.bytes[start + from..start + to].iter_mut().zip(&bytes[from..to]) {
            let not_done = if cut == Some(Tear::RandomBits) { self.state.random_byte() } else { 0 };
            *cell &= byte | not_done;
        }
        if from < to {
            mark(&mut self.words, first, last, true);
        }
        if cut.is_some() {
            return Err(Error::PowerCut);
        }
        self.state.counters.programs += 1;
        self.state.counters.program_bytes += bytes.len() as u64;
        self.state.counters.rewrites += rewrites as u64;
        Ok(())
    }
}
