//! [`Table`]: copyreg's verbs at run time, in memory that the caller lends.

use super::{Class, Extension, Registry};

/// Why a row was not added or removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Error {
    /// The memory lent holds so many rows and is full (MemoryError).
    Full {
        /// How many rows it holds.
        rows: usize,
    },
    /// A code beyond 1 to 0x7fffffff (`ValueError: code out of range`).
    CodeOutOfRange,
    /// The class or function has another code (`ValueError: key is already registered with code`).
    KeyInUse {
        /// The code it has.
        code: u32,
    },
    /// The code stands for something else (`ValueError: code is already in use for key`).
    CodeInUse,
    /// There is no such row (`ValueError: key is not registered with code`).
    NotRegistered,
}

impl core::fmt::Display for Error {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Error::Full { rows } => write!(f, "the table holds {rows} rows and is full"),
            Error::CodeOutOfRange => f.write_str("an extension code is 1 to 0x7fffffff"),
            Error::KeyInUse { code } => write!(f, "it has the extension code {code}"),
            Error::CodeInUse => f.write_str("the extension code stands for something else"),
            Error::NotRegistered => f.write_str("there is no such row"),
        }
    }
}

impl core::error::Error for Error {}

/// The result of a table's verbs.
type Result<T, E = Error> = core::result::Result<T, E>;

/// A registry that is filled at run time. Where all is known beforehand, a const [`Registry`] needs no memory at all.
///
/// ```
/// use larder::copyreg::{Class, Extension, Table};
/// let mut classes = [Class::new("", ""); 4];
/// let mut extensions = [Extension::new("", "", 1); 4];
/// let mut table = Table::new(&mut classes, &mut extensions);
/// table.pickle(Class::reduce("shop", "Order"))?;
/// table.add_extension("shop", "Order", 240)?;
/// assert_eq!(table.registry().code("shop", "Order"), Some(240));
/// # Ok::<(), larder::copyreg::Error>(())
/// ```
#[derive(Debug)]
pub struct Table<'m> {
    classes: &'m mut [Class],
    class_count: usize,
    extensions: &'m mut [Extension],
    extension_count: usize,
}

#[cfg(feature = "defmt")]
impl defmt::Format for Table<'_> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Table");
    }
}

impl<'m> Table<'m> {
    /// An empty table in this memory; what it holds is overwritten.
    pub fn new(classes: &'m mut [Class], extensions: &'m mut [Extension]) -> Table<'m> {
        Table { classes, class_count: 0, extensions, extension_count: 0 }
    }

    /// The table as it is now, for a reader or writer.
    pub fn registry(&self) -> Registry<'_> {
        let classes = self.classes.get(..self.class_count).unwrap_or_default();
        Registry::new(classes).extensions(self.extensions.get(..self.extension_count).unwrap_or_default())
    }

    /// `copyreg.pickle`: from now on the Rust type is written so. It replaces the row by which it was written before.
    pub fn pickle(&mut self, class: Class) -> Result<()> {
        let used = self.classes.get_mut(..self.class_count).unwrap_or_default();
        match used.iter_mut().find(|row| row.rust == class.rust) {
            Some(row) => {
                *row = class;
                Ok(())
            }
            None => self.constructor(class),
        }
    }

    /// `copyreg.constructor`: the Rust type is also read from this, and written as before.
    pub fn constructor(&mut self, class: Class) -> Result<()> {
        let rows = self.classes.len();
        *self.classes.get_mut(self.class_count).ok_or(Error::Full { rows })? = class;
        self.class_count = self.class_count.saturating_add(1);
        Ok(())
    }

    /// `copyreg.add_extension`: the code stands for the class or function. Adding the same row again changes nothing.
    pub fn add_extension(&mut self, module: &'static str, name: &'static str, code: u32) -> Result<()> {
        if code == 0 || code > Extension::MAX {
            return Err(Error::CodeOutOfRange);
        }
        match (self.registry().code(module, name), self.registry().extension(code)) {
            (Some(old), _) if old == code => return Ok(()),
            (Some(code), _) => return Err(Error::KeyInUse { code }),
            (None, Some(_)) => return Err(Error::CodeInUse),
            (None, None) => {}
        }
        let rows = self.extensions.len();
        let row = self.extensions.get_mut(self.extension_count).ok_or(Error::Full { rows })?;
        *row = Extension { module, name, code };
        self.extension_count = self.extension_count.saturating_add(1);
        Ok(())
    }

    /// `copyreg.remove_extension`: the code stands for nothing again.
    pub fn remove_extension(&mut self, module: &str, name: &str, code: u32) -> Result<()> {
        let used = self.extensions.get_mut(..self.extension_count).unwrap_or_default();
        let same = |row: &Extension| row.code == code && row.name == name && row.module == module;
        let at = used.iter().position(same).ok_or(Error::NotRegistered)?;
        used.get_mut(at..).unwrap_or_default().rotate_left(1);
        self.extension_count = self.extension_count.saturating_sub(1);
        Ok(())
    }
}
