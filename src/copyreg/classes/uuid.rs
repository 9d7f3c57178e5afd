//! `uuid.UUID`.

use super::parts::{need, read};
use core::fmt;
use serde::de::{Deserialize, Deserializer, IgnoredAny};
use serde::ser::{Serialize, SerializeStruct, Serializer};

/// `uuid.UUID`: 128 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Uuid(pub u128);

impl Uuid {
    /// From its 16 bytes, as RFC 9562 orders them.
    pub const fn from_bytes(bytes: [u8; 16]) -> Uuid {
        Uuid(u128::from_be_bytes(bytes))
    }

    /// Its 16 bytes, as RFC 9562 orders them.
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, byte) in self.to_bytes().iter().enumerate() {
            if matches!(i, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl Serialize for Uuid {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut fields = to.serialize_struct("\0UUID", 1)?;
        fields.serialize_field("int", &self.0)?;
        fields.end()
    }
}

impl<'de> Deserialize<'de> for Uuid {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        // Python knows how sure it is that a UUID is unique, and pickles that where it is not unknown.
        let (int, _, _) = read::<D, u128, IgnoredAny, IgnoredAny>(from, "\0UUID", &["int", "is_safe"], 1)?;
        need(int, "int").map(Uuid)
    }
}
