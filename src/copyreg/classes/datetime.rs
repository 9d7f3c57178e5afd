//! serde for the types of [`date`](super::date).

use super::date::{Date, DateTime, Time, TimeDelta, TimeZone};
use super::parts::{Packed, maybe, need, read, refuse};
use serde::de::{Deserialize, Deserializer, IgnoredAny};
use serde::ser::{Serialize, SerializeStruct, Serializer};

impl Serialize for Date {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut fields = to.serialize_struct("\0date", 1)?;
        fields.serialize_field("packed", &Packed(self.packed()))?;
        fields.end()
    }
}

impl<'de> Deserialize<'de> for Date {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let (packed, _, _) = read::<D, Packed<4>, IgnoredAny, IgnoredAny>(from, "\0date", &["packed"], 1)?;
        Date::from_packed(need(packed, "packed")?.0).ok_or_else(|| refuse("a date"))
    }
}

impl Serialize for Time<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let zone = self.zone();
        let mut fields = to.serialize_struct("\0time", if zone.is_some() { 2 } else { 1 })?;
        fields.serialize_field("packed", &Packed(self.packed()))?;
        maybe(&mut fields, "zone", zone.as_ref())?;
        fields.end()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Time<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let (packed, zone, _) =
            read::<D, Packed<6>, Option<TimeZone<'a>>, IgnoredAny>(from, "\0time", &["packed", "zone"], 2)?;
        let time = Time::from_packed(need(packed, "packed")?.0).ok_or_else(|| refuse("a time"))?;
        Ok(time.with_zone(zone.flatten()))
    }
}

impl Serialize for DateTime<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let zone = self.time.zone();
        let mut fields = to.serialize_struct("\0datetime", if zone.is_some() { 2 } else { 1 })?;
        fields.serialize_field("packed", &Packed(self.packed()))?;
        maybe(&mut fields, "zone", zone.as_ref())?;
        fields.end()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for DateTime<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let (packed, zone, _) =
            read::<D, Packed<10>, Option<TimeZone<'a>>, IgnoredAny>(from, "\0datetime", &["packed", "zone"], 2)?;
        let naive = DateTime::from_packed(need(packed, "packed")?.0).ok_or_else(|| refuse("a date and time"))?;
        Ok(DateTime { time: naive.time.with_zone(zone.flatten()), ..naive })
    }
}

impl Serialize for TimeDelta {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut fields = to.serialize_struct("\0timedelta", 3)?;
        fields.serialize_field("days", &i64::from(self.days()))?;
        fields.serialize_field("seconds", &i64::from(self.seconds()))?;
        fields.serialize_field("microseconds", &i64::from(self.microseconds()))?;
        fields.end()
    }
}

impl<'de> Deserialize<'de> for TimeDelta {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let (days, seconds, microseconds) =
            read::<D, i64, i64, i64>(from, "\0timedelta", &["days", "seconds", "microseconds"], 3)?;
        TimeDelta::new(days.unwrap_or(0), seconds.unwrap_or(0), microseconds.unwrap_or(0))
            .ok_or_else(|| refuse("a span of up to 999999999 days"))
    }
}

impl Serialize for TimeZone<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let name = self.name();
        let mut fields = to.serialize_struct("\0timezone", if name.is_some() { 2 } else { 1 })?;
        fields.serialize_field("offset", &self.offset())?;
        maybe(&mut fields, "name", name.as_ref())?;
        fields.end()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for TimeZone<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let (offset, name, _) =
            read::<D, TimeDelta, Option<&'a str>, IgnoredAny>(from, "\0timezone", &["offset", "name"], 2)?;
        TimeZone::new(need(offset, "offset")?, name.flatten()).ok_or_else(|| refuse("an offset of less than a day"))
    }
}
