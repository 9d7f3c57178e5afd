//! The paths of `pathlib`.

use super::parts::{Index, need};
use core::fmt;
use core::marker::PhantomData;
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeStruct, Serializer};

/// Which class of `pathlib`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[allow(missing_docs)]
pub enum PathKind {
    #[default]
    PurePosixPath,
    PureWindowsPath,
    PosixPath,
    WindowsPath,
    PurePath,
    Path,
}

use PathKind::*;

const KINDS: [PathKind; 6] = [PurePosixPath, PureWindowsPath, PosixPath, WindowsPath, PurePath, PathKind::Path];
const NAMES: [&str; 6] = ["PurePosixPath", "PureWindowsPath", "PosixPath", "WindowsPath", "PurePath", "Path"];
const ROWS: [&str; 6] = [
    "\0path.PurePosixPath",
    "\0path.PureWindowsPath",
    "\0path.PosixPath",
    "\0path.WindowsPath",
    "\0path.PurePath",
    "\0path.Path",
];

/// A path of `pathlib`: its class and the segments it is made of, around any sequence of str. Python joins the segments,
/// and up to 3.12 pickles a path as its parts, the root being the first, from 3.13 on as one segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Path<V> {
    /// Which class.
    pub kind: PathKind,
    /// What it is called with.
    pub segments: V,
}

/// The kind as a number, for formats other than pickle.
struct Kind(PathKind);

impl Serialize for Kind {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_unit_variant("\0", self.0 as u32, "\0")
    }
}

impl<V: Serialize> Serialize for Path<V> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let at = self.kind as usize;
        let mut fields = to.serialize_struct(ROWS.get(at).copied().unwrap_or_default(), 1)?;
        fields.serialize_field("\0", &Kind(self.kind))?;
        fields.serialize_field("segments", &self.segments)?;
        fields.end()
    }
}

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Path<V> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_struct("\0path", &NAMES, PathVisitor(PhantomData))
    }
}

struct PathVisitor<V>(PhantomData<V>);

impl<'de, V: Deserialize<'de>> Visitor<'de> for PathVisitor<V> {
    type Value = Path<V>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a path")
    }

    /// From a pickle: the class is the name of the one field.
    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Path<V>, M::Error> {
        let at = need(map.next_key_seed(Index(&NAMES))?, "segments")?;
        let segments = map.next_value()?;
        match map.next_key_seed(Index(&NAMES))? {
            None => Ok(Path { kind: KINDS.get(at).copied().unwrap_or_default(), segments }),
            Some(_) => Err(de::Error::duplicate_field("segments")),
        }
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut seq: S) -> Result<Path<V>, S::Error> {
        let at: u32 = need(seq.next_element()?, "kind")?;
        let kind = usize::try_from(at).ok().and_then(|at| KINDS.get(at).copied());
        let kind = kind.ok_or_else(|| de::Error::unknown_variant("", &NAMES))?;
        Ok(Path { kind, segments: need(seq.next_element()?, "segments")? })
    }
}
