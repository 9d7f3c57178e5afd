//! The calendar and clock behind Python's `datetime`: proleptic Gregorian, years 1 to 9999, microseconds.
//!
//! The packed forms are those of `datetime.__reduce_ex__` (CPython, `Lib/_pydatetime.py`): big end first, `fold` in the
//! top bit of the month (datetime) or of the hour (time).
// Every operand is bounded by what `new` lets in: years below 10,000, days below 10**9.
#![allow(clippy::arithmetic_side_effects)]

const DAYS_BEFORE: [u16; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
const SECONDS_A_DAY: i64 = 86_400;
/// The ordinal of 1970-01-01.
const UNIX_EPOCH: i64 = 719_163;

const fn is_leap(year: u16) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

fn days_before_year(year: u16) -> u32 {
    let y = u32::from(year).saturating_sub(1);
    (y * 365 + y / 4).saturating_sub(y / 100) + y / 400
}

fn days_before_month(year: u16, month: u8) -> u32 {
    let before = DAYS_BEFORE.get(usize::from(month).wrapping_sub(1)).copied().unwrap_or_default();
    u32::from(before) + u32::from(month > 2 && is_leap(year))
}

/// How many days a month of a year has; 0 for a month that there is not.
fn days_in_month(year: u16, month: u8) -> u8 {
    match month {
        2 => 28 + u8::from(is_leap(year)),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    }
}

/// `datetime.date`: a day of the years 1 to 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Date {
    year: u16,
    month: u8,
    day: u8,
}

impl Date {
    /// `date.min`, 0001-01-01.
    pub const MIN: Date = Date { year: 1, month: 1, day: 1 };
    /// `date.max`, 9999-12-31.
    pub const MAX: Date = Date { year: 9999, month: 12, day: 31 };

    /// This day, if the calendar has it: year 1 to 9999, month 1 to 12, day from 1.
    pub fn new(year: u16, month: u8, day: u8) -> Option<Date> {
        let real = (1..=9999).contains(&year) && day >= 1 && day <= days_in_month(year, month);
        real.then_some(Date { year, month, day })
    }

    /// The year, 1 to 9999.
    pub fn year(&self) -> u16 {
        self.year
    }

    /// The month, 1 to 12.
    pub fn month(&self) -> u8 {
        self.month
    }

    /// The day of the month, from 1.
    pub fn day(&self) -> u8 {
        self.day
    }

    /// `date.toordinal()`: 0001-01-01 is day 1.
    pub fn ordinal(&self) -> u32 {
        days_before_year(self.year) + days_before_month(self.year, self.month) + u32::from(self.day)
    }

    /// `date.fromordinal(n)`, for 1 to 3,652,059.
    pub fn from_ordinal(ordinal: u32) -> Option<Date> {
        // The year is never more than one too high: a year has at least 365 days.
        let mut year = u16::try_from(ordinal.checked_sub(1)? / 365).ok()?.saturating_add(1);
        while days_before_year(year) >= ordinal {
            year = year.checked_sub(1)?;
        }
        let rest = ordinal.checked_sub(days_before_year(year))?;
        let mut month = 12;
        while month > 1 && days_before_month(year, month) >= rest {
            month = u8::checked_sub(month, 1)?;
        }
        Date::new(year, month, u8::try_from(rest.checked_sub(days_before_month(year, month))?).ok()?)
    }

    /// `date.weekday()`: Monday is 0, Sunday 6.
    pub fn weekday(&self) -> u8 {
        ((self.ordinal() + 6) % 7) as u8
    }

    /// From the 4 bytes that Python pickles.
    pub fn from_packed(packed: [u8; 4]) -> Option<Date> {
        let [high, low, month, day] = packed;
        Date::new(u16::from_be_bytes([high, low]), month, day)
    }

    /// The 4 bytes that Python pickles.
    pub fn packed(&self) -> [u8; 4] {
        let [high, low] = self.year.to_be_bytes();
        [high, low, self.month, self.day]
    }
}

/// `datetime.timedelta`: a span, kept as Python keeps it: days of any sign, seconds below 86,400, microseconds below
/// 1,000,000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct TimeDelta {
    days: i32,
    seconds: u32,
    microseconds: u32,
}

impl TimeDelta {
    /// No time at all.
    pub const ZERO: TimeDelta = TimeDelta { days: 0, seconds: 0, microseconds: 0 };

    /// `timedelta(days, seconds, microseconds)`, carried over as Python does; None beyond 999,999,999 days.
    pub fn new(days: i64, seconds: i64, microseconds: i64) -> Option<TimeDelta> {
        let seconds = seconds.checked_add(microseconds.div_euclid(1_000_000))?;
        let days = days.checked_add(seconds.div_euclid(SECONDS_A_DAY))?;
        if !(-999_999_999..=999_999_999).contains(&days) {
            return None;
        }
        Some(TimeDelta {
            days: i32::try_from(days).ok()?,
            seconds: seconds.rem_euclid(SECONDS_A_DAY) as u32,
            microseconds: microseconds.rem_euclid(1_000_000) as u32,
        })
    }

    /// The days, negative for a span into the past.
    pub fn days(&self) -> i32 {
        self.days
    }

    /// The seconds beyond the days, 0 to 86,399.
    pub fn seconds(&self) -> u32 {
        self.seconds
    }

    /// The microseconds beyond the seconds, 0 to 999,999.
    pub fn microseconds(&self) -> u32 {
        self.microseconds
    }

    /// The whole span in seconds, without the microseconds (towards the past).
    pub fn total_seconds(&self) -> i64 {
        i64::from(self.days) * SECONDS_A_DAY + i64::from(self.seconds)
    }
}

/// `datetime.timezone`: a fixed offset from UTC of less than a day, and a name if it was given one. The name is read where
/// it stands: one with characters that protocol 0 escapes, or spells as Latin-1, is refused there as of another type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct TimeZone<'a> {
    offset: TimeDelta,
    name: Option<&'a str>,
}

impl<'a> TimeZone<'a> {
    /// `timezone.utc`.
    pub const UTC: TimeZone<'static> = TimeZone { offset: TimeDelta::ZERO, name: None };

    /// `timezone(offset)` or `timezone(offset, name)`; None for an offset of a day or more.
    pub fn new(offset: TimeDelta, name: Option<&'a str>) -> Option<TimeZone<'a>> {
        let past = offset.days == -1 && (offset.seconds > 0 || offset.microseconds > 0);
        (offset.days == 0 || past).then_some(TimeZone { offset, name })
    }

    /// How far local time is ahead of UTC.
    pub fn offset(&self) -> TimeDelta {
        self.offset
    }

    /// The name it was given.
    pub fn name(&self) -> Option<&'a str> {
        self.name
    }
}

/// `datetime.time`: a time of day, naive or in a zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Time<'a> {
    hour: u8,
    minute: u8,
    second: u8,
    microsecond: u32,
    fold: bool,
    zone: Option<TimeZone<'a>>,
}

impl<'a> Time<'a> {
    /// Midnight, naive.
    pub const MIDNIGHT: Time<'static> = Time { hour: 0, minute: 0, second: 0, microsecond: 0, fold: false, zone: None };

    /// This time, if a clock shows it: below 24 hours, 60 minutes, 60 seconds, 1,000,000 microseconds.
    pub fn new(hour: u8, minute: u8, second: u8, microsecond: u32) -> Option<Time<'a>> {
        let real = hour < 24 && minute < 60 && second < 60 && microsecond < 1_000_000;
        real.then_some(Time { hour, minute, second, microsecond, fold: false, zone: None })
    }

    /// The same in this zone; `None` makes it naive.
    pub fn with_zone(self, zone: Option<TimeZone<'a>>) -> Time<'a> {
        Time { zone, ..self }
    }

    /// The same as the first (false) or second (true) of two equal times when clocks go back (PEP 495).
    pub fn with_fold(self, fold: bool) -> Time<'a> {
        Time { fold, ..self }
    }

    /// The hour, 0 to 23.
    pub fn hour(&self) -> u8 {
        self.hour
    }

    /// The minute, 0 to 59.
    pub fn minute(&self) -> u8 {
        self.minute
    }

    /// The second, 0 to 59.
    pub fn second(&self) -> u8 {
        self.second
    }

    /// The microsecond, 0 to 999,999.
    pub fn microsecond(&self) -> u32 {
        self.microsecond
    }

    /// Whether it is the second of two equal times (PEP 495).
    pub fn fold(&self) -> bool {
        self.fold
    }

    /// The zone; None for a naive time.
    pub fn zone(&self) -> Option<TimeZone<'a>> {
        self.zone
    }

    /// From the 6 bytes that Python pickles.
    pub fn from_packed(packed: [u8; 6]) -> Option<Time<'a>> {
        let [hour, minute, second, a, b, c] = packed;
        Some(Time::new(hour & 0x7f, minute, second, u32::from_be_bytes([0, a, b, c]))?.with_fold(hour & 0x80 != 0))
    }

    /// The 6 bytes that Python pickles; the zone stands beside them.
    pub fn packed(&self) -> [u8; 6] {
        let [_, a, b, c] = self.microsecond.to_be_bytes();
        [self.hour | u8::from(self.fold) << 7, self.minute, self.second, a, b, c]
    }
}

/// `datetime.datetime`: a day and a time of day, naive or in a zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct DateTime<'a> {
    /// The day.
    pub date: Date,
    /// The time of day, and its zone.
    pub time: Time<'a>,
}

impl<'a> DateTime<'a> {
    /// `datetime.combine(date, time)`.
    pub fn new(date: Date, time: Time<'a>) -> DateTime<'a> {
        DateTime { date, time }
    }

    /// The UTC time so many seconds after 1970-01-01; None outside of the years 1 to 9999.
    pub fn from_timestamp(seconds: i64) -> Option<DateTime<'static>> {
        let day = seconds.div_euclid(SECONDS_A_DAY).checked_add(UNIX_EPOCH)?;
        let rest = seconds.rem_euclid(SECONDS_A_DAY) as u32;
        let time = Time::new((rest / 3600) as u8, (rest / 60 % 60) as u8, (rest % 60) as u8, 0)?;
        let date = Date::from_ordinal(u32::try_from(day).ok()?)?;
        Some(DateTime { date, time: time.with_zone(Some(TimeZone::UTC)) })
    }

    /// The seconds since 1970-01-01 UTC, without the microseconds; a naive time is taken for UTC.
    pub fn timestamp(&self) -> i64 {
        let Time { hour, minute, second, zone, .. } = self.time;
        let clock = i64::from(hour) * 3600 + i64::from(minute) * 60 + i64::from(second);
        let ahead = zone.map_or(0, |zone| zone.offset.total_seconds());
        (i64::from(self.date.ordinal()) - UNIX_EPOCH) * SECONDS_A_DAY + clock - ahead
    }

    /// From the 10 bytes that Python pickles.
    pub fn from_packed(packed: [u8; 10]) -> Option<DateTime<'a>> {
        let [y, x, month, day, time @ ..] = packed;
        let date = Date::from_packed([y, x, month & 0x7f, day])?;
        let time = Time::from_packed(time)?;
        // Here fold stands in the month, and an hour with the top bit set is none.
        (!time.fold).then_some(DateTime { date, time: time.with_fold(month & 0x80 != 0) })
    }

    /// The 10 bytes that Python pickles; the zone stands beside them.
    pub fn packed(&self) -> [u8; 10] {
        let [y, x, month, day] = self.date.packed();
        let [h, m, s, a, b, c] = self.time.with_fold(false).packed();
        [y, x, month | u8::from(self.time.fold) << 7, day, h, m, s, a, b, c]
    }
}
