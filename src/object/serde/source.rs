//! Where typed reading gets its values from: a decoded object, a stream of pickle or one of marshal, all behind one
//! interface.
//!
//! A [`Source`] stands at a value. The shells in [`de`](super::de), compiled once for each type that is read, ask it for an
//! int, a text, the next item; everything else is in the sources, compiled once. So a struct costs its code once, however
//! many codecs and ways of reading a program has.
//!
//! A source answers `None` where it has no such value, and keeps to itself what went wrong and where. After that it is of
//! use only to say so.

use crate::copyreg::Fields;
use crate::object::Slot;
use crate::object::items::Words;
use crate::object::{Chars, ErrorKind, Tree};
use serde::de;

/// Why a type was not read: of one word's width, since it comes back from every function.
///
/// The text is empty if the source was told already; `\0` and a letter for what serde finds wrong with a value; else it
/// is the name of a field that is missing, or there twice.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fail(&'static str);

impl Fail {
    /// The source knows.
    pub(crate) const TOLD: Fail = Fail("");
    const TYPE: Fail = Fail("\0t");
    const RANGE: Fail = Fail("\0r");
    const LENGTH: Fail = Fail("\0l");
    const VARIANT: Fail = Fail("\0v");
    const FIELD: Fail = Fail("\0f");
    const CUSTOM: Fail = Fail("\0c");

    /// What it stands for; `None` if the source knows. A name's field is missing if `ended`, else it is there twice.
    pub(crate) fn kind(self, ended: bool) -> Option<ErrorKind> {
        Some(match self.0.as_bytes() {
            [] => return None,
            [0, b't'] => ErrorKind::UnexpectedType,
            [0, b'r'] => ErrorKind::OutOfRange,
            [0, b'l'] => ErrorKind::WrongLength,
            [0, b'v'] => ErrorKind::UnknownVariant,
            [0, b'f'] => ErrorKind::UnknownField,
            [0, b'c'] => ErrorKind::Custom,
            _ if ended => ErrorKind::MissingField(self.0),
            _ => ErrorKind::DuplicateField(self.0),
        })
    }
}

impl core::fmt::Display for Fail {
    fn fmt(&self, _: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        Ok(())
    }
}

impl core::error::Error for Fail {}

impl de::Error for Fail {
    fn custom<T: core::fmt::Display>(_: T) -> Self {
        Fail::CUSTOM
    }
    fn invalid_type(_: de::Unexpected<'_>, _: &dyn de::Expected) -> Self {
        Fail::TYPE
    }
    fn invalid_value(_: de::Unexpected<'_>, _: &dyn de::Expected) -> Self {
        Fail::RANGE
    }
    fn invalid_length(_: usize, _: &dyn de::Expected) -> Self {
        Fail::LENGTH
    }
    fn unknown_variant(_: &str, _: &'static [&'static str]) -> Self {
        Fail::VARIANT
    }
    fn unknown_field(_: &str, _: &'static [&'static str]) -> Self {
        Fail::FIELD
    }
    fn missing_field(field: &'static str) -> Self {
        Fail(field)
    }
    fn duplicate_field(field: &'static str) -> Self {
        Fail(field)
    }
}

/// The result of the shells.
pub(crate) type Read<T> = Result<T, Fail>;

/// What a source stands at.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    None,
    Bool,
    Int,
    Float,
    Text,
    Bytes,
    Seq,
    Map,
    /// An instance of a class.
    Instance,
}

/// An int of any size that serde knows.
pub(crate) enum Wide {
    I64(i64),
    U64(u64),
    I128(i128),
    U128(u128),
}

/// A key of a map.
pub(crate) enum Key {
    /// There is none.
    End,
    /// One of the fields asked for, or the name of an instance's field.
    Name(&'static str),
    /// The source stands at it.
    Value,
}

/// What a newtype struct is read from.
pub(crate) enum Newtype {
    /// What the source stands at, which may have changed.
    Value,
    /// Whatever the source stands at.
    Any,
    /// A complex: the bits of both parts.
    Bits(u128),
}

/// A container that is being read.
pub(crate) struct Level<'w, 'a> {
    pub(crate) content: Content<'w, 'a>,
    /// The container itself, the key that came last and its value, in a tree.
    pub(crate) word: Slot,
    pub(crate) key: Slot,
    pub(crate) value: Slot,
    /// The field that is expected to come next, and the one that is being read.
    pub(crate) next: usize,
    pub(crate) field: Option<&'static str>,
    /// It was read to its end.
    pub(crate) ended: bool,
    /// It is a map, in a stream.
    pub(crate) pairs: bool,
}

/// Where a container's items or pairs come from.
pub(crate) enum Content<'w, 'a> {
    /// Nowhere.
    Empty,
    /// A stream: how they come, and a count; what both mean is the source's own.
    #[cfg(feature = "pickle")]
    Stream(u8, u32),
    /// A stream of so many, which must be hashable if `members`; where to go on behind it, and how.
    #[cfg(feature = "marshal")]
    Counted { left: usize, members: bool, back: Option<(usize, bool)> },
    /// Words, and those behind them.
    Words(Words<'a>, Option<Words<'a>>),
    /// Words of the tree that a persistent id stands for; the tree that it stands in.
    Elsewhere(Words<'a>, Tree<'a>),
    /// The characters of a text, as bytes.
    Bytes(Chars<'a>),
    /// Pairs that were set in an instance.
    Pairs(crate::copyreg::Flat<'a>),
    /// The fields of an instance.
    Fields(&'w mut Fields<'a>),
}

impl<'a> Level<'_, 'a> {
    pub(crate) const fn new() -> Self {
        Level {
            content: Content::Empty,
            word: Slot::EMPTY,
            key: Slot::EMPTY,
            value: Slot::EMPTY,
            next: 0,
            field: None,
            ended: false,
            pairs: false,
        }
    }

    /// The field of this name: the one that is expected, or another one.
    #[inline]
    pub(crate) fn find(&mut self, fields: &'static [&'static str], name: &[u8]) -> Option<&'static str> {
        let expected = fields.get(self.next).filter(|field| field.as_bytes() == name);
        if expected.is_none() {
            self.next = fields.iter().position(|field| field.as_bytes() == name)?;
        }
        let field = fields.get(self.next).copied();
        self.next = self.next.wrapping_add(1);
        field
    }
}

/// See the [module](self). Every function but [`Source::what`], [`Source::none`] and those about levels takes the value
/// that the source stands at.
pub(crate) trait Source<'a> {
    /// What comes.
    fn what(&mut self) -> Option<What>;
    /// Takes None, if that comes.
    fn none(&mut self) -> bool;
    fn bool(&mut self) -> Option<bool>;
    /// An int that fits.
    fn int(&mut self) -> Option<i64>;
    /// An int that fits.
    fn uint(&mut self) -> Option<u64> {
        u64::try_from(self.int()?).ok()
    }
    fn wide(&mut self) -> Option<Wide> {
        self.int().map(Wide::I64)
    }
    /// A float, or an int as one.
    fn float(&mut self) -> Option<f64>;
    /// Text where it stands, if it can be read there; if not, [`Source::decode`] may do it.
    fn text(&mut self) -> Option<&'a str>;
    /// Text that is written into a buffer.
    fn decode<'b>(&mut self, _: &'b mut [u8]) -> Option<&'b str> {
        None
    }
    /// Bytes where they stand; if not, [`Source::decode_bytes`] may do it.
    fn bytes(&mut self) -> Option<&'a [u8]>;
    /// Bytes that are written into a buffer; none if they want to be read as a sequence, one by one.
    fn decode_bytes<'b>(&mut self, _: &'b mut [u8]) -> Option<Option<&'b [u8]>> {
        None
    }
    /// Any value, which nobody wants.
    fn skip(&mut self) -> Option<()>;

    /// Enters a sequence; of `len` items, if that is known beforehand and not 0.
    fn seq(&mut self, len: usize, level: &mut Level<'_, 'a>) -> Option<()>;
    /// Goes to the next item.
    fn more(&mut self, level: &mut Level<'_, 'a>) -> Option<bool>;
    /// How many items or pairs are left, if that is known.
    fn left(&self, _: &Level<'_, 'a>) -> Option<usize> {
        None
    }
    /// Enters a map.
    fn map(&mut self, level: &mut Level<'_, 'a>) -> Option<()>;
    /// Goes to the next key.
    fn key(&mut self, level: &mut Level<'_, 'a>, fields: &'static [&'static str]) -> Option<Key>;
    /// Goes to the value of that key.
    fn value(&mut self, _: &mut Level<'_, 'a>) {}
    /// Leaves a container; a stream must be at its end.
    fn leave(&mut self, level: &mut Level<'_, 'a>) -> Option<()>;
    /// Leaves a container because of this.
    fn blame(&mut self, level: &Level<'_, 'a>, fail: Fail) -> Fail;

    /// What a struct is read from: a map, a sequence or an instance.
    fn structure(&mut self) -> Option<What> {
        Some(What::Map)
    }
    /// Finds the fields of an instance of the class that this name stands for.
    fn fields(
        &mut self,
        _rust: &'static str,
        _names: &'static [&'static str],
        _fields: &mut Option<Fields<'a>>,
    ) -> Option<()> {
        None
    }
    /// A tuple struct: enters a sequence, or an instance of the class.
    fn places(&mut self, _rust: &'static str, len: usize, level: &mut Level<'_, 'a>) -> Option<()> {
        self.seq(len, level)
    }
    /// A unit struct: None, or the global or instance that the name stands for.
    fn unit(&mut self, _rust: &'static str) -> Option<()> {
        self.none().then_some(())
    }
    /// A newtype struct.
    fn newtype(&mut self, _rust: &'static str) -> Option<Newtype> {
        Some(Newtype::Value)
    }
    /// An enum: the variant's name, or none if that and its content are a pair, the first of which the source then goes
    /// to.
    fn variant(
        &mut self,
        _rust: &'static str,
        _variants: &'static [&'static str],
        _level: &mut Level<'_, 'a>,
    ) -> Option<Option<&'a str>> {
        self.text().map(Some)
    }
    /// From here on instances of classes are read.
    fn learn(&mut self, _ops: &'static super::instance::Ops) -> Option<()> {
        None
    }
}

/// An int as a float.
#[inline(never)]
pub(crate) fn float(int: i64) -> f64 {
    let magnitude = int.unsigned_abs() as f64;
    if int < 0 { -magnitude } else { magnitude }
}

/// Any value of a stream, which nobody wants. As deep as the source goes.
pub(crate) fn skip<'a>(source: &mut dyn Source<'a>) -> Option<()> {
    let mut level = Level::new();
    match source.what()? {
        What::None => source.none().then_some(()),
        What::Bool => source.bool().map(drop),
        What::Int => source.wide().map(drop),
        What::Float => source.float().map(drop),
        What::Text => source.text().map(drop),
        What::Bytes => source.bytes().map(drop),
        What::Map => {
            source.map(&mut level)?;
            while matches!(source.key(&mut level, &[])?, Key::Value) {
                source.skip()?;
                source.value(&mut level);
                source.skip()?;
            }
            source.leave(&mut level)
        }
        What::Seq | What::Instance => {
            source.seq(0, &mut level)?;
            while source.more(&mut level)? {
                source.skip()?;
            }
            source.leave(&mut level)
        }
    }
}
