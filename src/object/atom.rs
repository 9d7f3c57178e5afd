//! Values that need no cell of their own: read from their place in the input when they are asked for.

use super::long::Long;
use super::text::Text;

/// An atom, as a codec read it from the input.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Atom<'a> {
    /// None.
    None,
    /// True or False.
    Bool(bool),
    /// An int that fits 64 bits.
    Int(i64),
    /// An int of any size, as the stream spells it.
    Long(Long<'a>),
    /// A float.
    Float(f64),
    /// A complex: real and imaginary part.
    Complex(f64, f64),
    /// A str.
    Str(Text<'a>),
    /// bytes.
    Bytes(&'a [u8]),
    /// A str of Python 2, which is bytes there.
    ByteString(Text<'a>),
    /// A bytearray.
    ByteArray(&'a [u8]),
    /// The empty tuple.
    EmptyTuple,
    /// A global: module and qualified name.
    Global(Text<'a>, Text<'a>),
    /// A persistent id, as text.
    PersId(Text<'a>),
    /// A code of the extension registry.
    Ext(u32),
    /// Ellipsis.
    Ellipsis,
    /// The type StopIteration.
    StopIteration,
}

/// How a codec reads the atom whose code stands at a byte of the input. It was found well-formed in decoding; for a place
/// where no atom stands the answer is [`Atom::None`].
pub(crate) type ReadAtom = for<'a> fn(&'a [u8], usize) -> Atom<'a>;
