//! A share of a part that is a part itself.

use core::ops::Range;

use embedded_storage::nor_flash::{ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash};

use super::{Error, Result};

/// The sectors of `flash` from one offset to another, as a flash that starts at 0 and knows of nothing else.
///
/// A program image, a bootloader and two stores can share a chip this way.
#[derive(Debug)]
pub struct Region<F> {
    flash: F,
    start: u32,
    length: u32,
}

#[cfg(feature = "defmt")]
impl<F> defmt::Format for Region<F> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Region");
    }
}

impl<F: NorFlash> Region<F> {
    /// Takes the bytes of `range`, which must be whole sectors of `flash` and at least one.
    ///
    /// ```
    /// use embedded_storage::nor_flash::{NorFlash, ReadNorFlash};
    /// use larder::flash::{Region, SimFlash};
    ///
    /// let (mut bytes, mut words, mut wear) = ([0; 4 * 512], [0; 64], [0; 4]);
    /// let part = SimFlash::<4, 512>::new(&mut bytes, &mut words, &mut wear)?;
    /// let mut upper = Region::new(part, 1024..2048)?;
    /// upper.write(0, b"here")?;
    /// assert_eq!(upper.capacity(), 1024);
    /// assert_eq!(&upper.free().contents()[1024..1028], b"here");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn new(flash: F, range: Range<u32>) -> Result<Self> {
        let (start, end) = (range.start, range.end);
        let Some(length) = end.checked_sub(start).filter(|length| *length > 0) else {
            return Err(Error::OutOfBounds { offset: start });
        };
        if end as usize > flash.capacity() {
            return Err(Error::OutOfBounds { offset: start });
        }
        let whole = |at: u32| (at as usize).checked_rem(F::ERASE_SIZE) == Some(0);
        if !whole(start) || !whole(end) {
            return Err(Error::NotAligned { offset: start });
        }
        Ok(Region { flash, start, length })
    }

    /// Gives the whole part back.
    pub fn free(self) -> F {
        self.flash
    }

    /// Where `offset` is in the whole part, if `length` bytes from there are ours.
    fn place(&self, offset: u32, length: usize) -> Result<u32, RegionError<F::Error>> {
        let end = u32::try_from(length).ok().and_then(|length| offset.checked_add(length));
        match end {
            Some(end) if end <= self.length => Ok(self.start.wrapping_add(offset)),
            _ => Err(RegionError::OutOfBounds),
        }
    }
}

/// What goes wrong in a [`Region`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum RegionError<E> {
    /// The range reaches beyond the region. Python: `IndexError`.
    OutOfBounds,
    /// The part's own error.
    Flash(E),
}

impl<E: core::fmt::Debug> core::fmt::Display for RegionError<E> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            RegionError::OutOfBounds => f.write_str("the range reaches beyond the region"),
            RegionError::Flash(error) => write!(f, "flash: {error:?}"),
        }
    }
}

impl<E: core::fmt::Debug> core::error::Error for RegionError<E> {}

impl<E: NorFlashError> NorFlashError for RegionError<E> {
    fn kind(&self) -> NorFlashErrorKind {
        match self {
            RegionError::OutOfBounds => NorFlashErrorKind::OutOfBounds,
            RegionError::Flash(error) => error.kind(),
        }
    }
}

impl<F: ErrorType> ErrorType for Region<F> {
    type Error = RegionError<F::Error>;
}

impl<F: NorFlash> ReadNorFlash for Region<F> {
    const READ_SIZE: usize = F::READ_SIZE;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Self::Error> {
        let at = self.place(offset, bytes.len())?;
        self.flash.read(at, bytes).map_err(RegionError::Flash)
    }

    fn capacity(&self) -> usize {
        self.length as usize
    }
}

impl<F: NorFlash> NorFlash for Region<F> {
    const WRITE_SIZE: usize = F::WRITE_SIZE;
    const ERASE_SIZE: usize = F::ERASE_SIZE;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), Self::Error> {
        let length = to.checked_sub(from).ok_or(RegionError::OutOfBounds)?;
        let at = self.place(from, length as usize)?;
        self.flash.erase(at, at.wrapping_add(length)).map_err(RegionError::Flash)
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Self::Error> {
        let at = self.place(offset, bytes.len())?;
        self.flash.write(at, bytes).map_err(RegionError::Flash)
    }
}
