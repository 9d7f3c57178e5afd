//! A moment: read from text and numbers, and made of its parts.

use crate::sqlite3::error::{ErrorKind, Result};
use crate::sqlite3::real::{self, divided_signed};
use crate::sqlite3::text;

pub(super) const DAY: i64 = 86_400_000;
/// 1970-01-01 in milliseconds.
pub(super) const UNIX: i64 = 210_866_760_000_000;
/// The last millisecond of the year 9999.
pub(super) const LAST: i64 = 464_269_060_799_999;

/// A modifier or a time that is wrong; the function gives NULL then.
pub(super) const NO_TIME: ErrorKind = ErrorKind::Mismatch;

/// A moment; of its parts, those count of which the flag is set.
#[derive(Clone, Copy, Default)]
pub(super) struct Moment {
    /// Milliseconds.
    pub(super) julian: i64,
    pub(super) has_julian: bool,
    /// A number that may still become a Unix time.
    pub(super) raw: f64,
    pub(super) has_raw: bool,
    /// Month and day may be beyond the calendar.
    pub(super) year: i32,
    pub(super) month: i32,
    pub(super) day: i32,
    pub(super) has_date: bool,
    pub(super) hours: i32,
    pub(super) minutes: i32,
    pub(super) seconds: f64,
    pub(super) has_time: bool,
    /// Minutes east of UTC, not yet taken off.
    pub(super) zone: i32,
}

/// Two or four digits whose value is in a range.
pub(super) fn digits(bytes: &mut &[u8], count: usize, least: i32, most: i32) -> Option<i32> {
    let (number, rest) = bytes.split_at_checked(count)?;
    let mut value = 0i32;
    for byte in number {
        if !byte.is_ascii_digit() {
            return None;
        }
        value = value.wrapping_mul(10).wrapping_add(byte.wrapping_sub(b'0').into());
    }
    *bytes = rest;
    (least <= value && value <= most).then_some(value)
}

/// Two such digits behind a mark.
fn two_behind(mark: u8, bytes: &mut &[u8], least: i32, most: i32) -> Option<i32> {
    if take(bytes, mark) { digits(bytes, 2, least, most) } else { None }
}

/// The days from a number of milliseconds.
pub(super) fn days(millis: i64) -> i32 {
    divided_signed(millis, DAY).0 as i32
}

/// The milliseconds of its day.
pub(super) fn of_day(millis: i64) -> i64 {
    divided_signed(millis, DAY).1
}

pub(super) fn julian_day(millis: i64) -> f64 {
    real::quotient(real::of(millis), DAY as f64)
}

pub(super) fn unix_seconds(millis: i64) -> i64 {
    divided_signed(millis, 1000).0.wrapping_sub(UNIX / 1000)
}

/// Half up.
pub(super) fn rounded(real: f64) -> i64 {
    real::whole(real::sum(real, 0.5))
}

/// Whether a number is in a range that ends before `end`.
pub(super) fn within(real: f64, start: f64, end: f64) -> bool {
    real::order(real, start).is_ge() && real::order(real, end).is_lt()
}

fn take(bytes: &mut &[u8], wanted: u8) -> bool {
    match bytes.split_first() {
        Some((first, rest)) if *first == wanted => {
            *bytes = rest;
            true
        }
        _ => false,
    }
}

pub(super) fn skip_spaces(bytes: &mut &[u8]) {
    while let Some((first, rest)) = bytes.split_first()
        && text::is_space(*first)
    {
        *bytes = rest;
    }
}

impl Moment {
    pub(super) fn of_number(&mut self, number: f64) {
        (self.raw, self.has_raw) = (number, true);
        if within(number, 0.0, 5_373_484.5) {
            (self.julian, self.has_julian) = (rounded(real::product(number, DAY as f64)), true);
        }
    }

    pub(super) fn parse(&mut self, bytes: &[u8]) -> Result<()> {
        if self.parse_date(bytes).is_some() {
            return Ok(());
        }
        *self = Moment::default();
        if self.parse_time(bytes).is_some() {
            return Ok(());
        }
        *self = Moment::default();
        if bytes.eq_ignore_ascii_case(b"now") {
            return Err(ErrorKind::Unsupported.into());
        }
        self.of_number(number(bytes).ok_or(NO_TIME)?);
        Ok(())
    }

    /// `[-]YYYY-MM-DD`, perhaps with a time behind a `T` or spaces.
    fn parse_date(&mut self, mut bytes: &[u8]) -> Option<()> {
        let negative = take(&mut bytes, b'-');
        self.year = digits(&mut bytes, 4, 0, 9999)?;
        self.month = two_behind(b'-', &mut bytes, 1, 12)?;
        self.day = two_behind(b'-', &mut bytes, 1, 31)?;
        while let Some((first, rest)) = bytes.split_first()
            && (text::is_space(*first) || *first == b'T')
        {
            bytes = rest;
        }
        if !bytes.is_empty() {
            self.parse_time(bytes)?;
        }
        self.has_date = true;
        if negative {
            self.year = self.year.wrapping_neg();
        }
        if self.zone != 0 {
            self.make_julian().ok()?;
        }
        Some(())
    }

    /// `HH:MM`, `HH:MM:SS` or `HH:MM:SS.SSS`, perhaps with a zone.
    pub(super) fn parse_time(&mut self, mut bytes: &[u8]) -> Option<()> {
        self.hours = digits(&mut bytes, 2, 0, 24)?;
        self.minutes = two_behind(b':', &mut bytes, 0, 59)?;
        self.seconds = 0.0;
        if take(&mut bytes, b':') {
            self.seconds = real::of(digits(&mut bytes, 2, 0, 59)?.into());
            let mut fraction = bytes;
            if take(&mut fraction, b'.') && fraction.first().is_some_and(u8::is_ascii_digit) {
                let (mut numerator, mut scale) = (0.0, 1.0);
                while let Some((digit @ b'0'..=b'9', rest)) = fraction.split_first() {
                    let digit = real::of(digit.wrapping_sub(b'0').into());
                    numerator = real::sum(real::product(numerator, 10.0), digit);
                    scale = real::product(scale, 10.0);
                    fraction = rest;
                }
                self.seconds = real::sum(self.seconds, real::quotient(numerator, scale));
                bytes = fraction;
            }
        }
        skip_spaces(&mut bytes);
        let west = take(&mut bytes, b'-');
        if west || take(&mut bytes, b'+') {
            let hours = digits(&mut bytes, 2, 0, 14)?;
            let minutes = two_behind(b':', &mut bytes, 0, 59)?;
            let zone = hours.wrapping_mul(60).wrapping_add(minutes);
            self.zone = if west { zone.wrapping_neg() } else { zone };
        } else if !take(&mut bytes, b'Z') {
            take(&mut bytes, b'z');
        }
        skip_spaces(&mut bytes);
        self.has_time = true;
        bytes.is_empty().then_some(())
    }

    /// The milliseconds, made of date and time if need be.
    pub(super) fn make_julian(&mut self) -> Result<()> {
        if self.has_julian {
            return Ok(());
        }
        let (mut year, mut month, day) = if self.has_date { (self.year, self.month, self.day) } else { (2000, 1, 1) };
        if !(-4713..=9999).contains(&year) || self.has_raw {
            return Err(NO_TIME.into());
        }
        if month <= 2 {
            year = year.wrapping_sub(1);
            month = month.wrapping_add(12);
        }
        let century = year / 100;
        let leap = 2i32.wrapping_sub(century).wrapping_add(century / 4);
        let years = year.wrapping_add(4716).wrapping_mul(36_525) / 100;
        let months = month.wrapping_add(1).wrapping_mul(306_001) / 10_000;
        let days = years.wrapping_add(months).wrapping_add(day).wrapping_add(leap);
        // 1524.5 days before that, in half days.
        let mut julian = i64::from(days.wrapping_mul(2).wrapping_sub(3049)).wrapping_mul(DAY / 2);
        if self.has_time {
            let minutes = self.hours.wrapping_mul(60).wrapping_add(self.minutes).wrapping_sub(self.zone);
            julian = julian
                .wrapping_add(minutes.wrapping_mul(60_000).into())
                .wrapping_add(rounded(real::product(self.seconds, 1000.0)));
            if self.zone != 0 {
                (self.has_date, self.has_time, self.zone) = (false, false, 0);
            }
        }
        (self.julian, self.has_julian) = (julian, true);
        Ok(())
    }

    /// Year, month and day, made of the milliseconds if need be.
    pub(super) fn make_date(&mut self) -> Result<()> {
        if self.has_date {
            return Ok(());
        }
        (self.year, self.month, self.day) = (2000, 1, 1);
        if self.has_julian {
            if !(0..=LAST).contains(&self.julian) {
                return Err(NO_TIME.into());
            }
            // Meeus' algorithm, in whole numbers: 36,524.25 days a century, 365.25 a year, 30.6001 a month.
            let days = days(self.julian.wrapping_add(DAY / 2));
            let centuries = days.wrapping_mul(100).wrapping_sub(186_721_625) / 3_652_425;
            let shifted = days.wrapping_add(1525).wrapping_add(centuries).wrapping_sub(centuries / 4);
            let years = shifted.wrapping_mul(20).wrapping_sub(2442) / 7305;
            let rest = shifted.wrapping_sub(years.wrapping_mul(36_525) / 100);
            let months = rest.wrapping_mul(10_000) / 306_001;
            self.day = rest.wrapping_sub(months.wrapping_mul(306_001) / 10_000);
            self.month = months.wrapping_sub(if months < 14 { 1 } else { 13 });
            self.year = years.wrapping_sub(if self.month > 2 { 4716 } else { 4715 });
        }
        self.has_date = true;
        Ok(())
    }

    /// Hours, minutes and seconds, made of the milliseconds if need be.
    pub(super) fn make_time(&mut self) -> Result<()> {
        if self.has_time {
            return Ok(());
        }
        self.make_julian()?;
        let millis = of_day(self.julian.wrapping_add(DAY / 2)) as i32;
        let seconds = millis / 1000;
        let fraction = real::sum(real::quotient(real::of(millis.into()), 1000.0), -real::of(seconds.into()));
        (self.hours, self.minutes) = (seconds / 3600, (seconds / 60).wrapping_rem(60));
        self.seconds = real::sum(real::of(seconds.wrapping_rem(60).into()), fraction);
        (self.has_raw, self.has_time) = (false, true);
        Ok(())
    }

    /// Only the milliseconds count from here on.
    pub(super) fn set(&mut self, julian: i64) {
        *self = Moment { julian, has_julian: true, raw: self.raw, has_raw: self.has_raw, ..Moment::default() };
    }

    /// Both date and time are known, and the milliseconds will be made of them.
    pub(super) fn make_calendar(&mut self) -> Result<()> {
        self.make_time()?;
        self.make_date()?;
        self.has_julian = false;
        Ok(())
    }
}

/// All of a text as a number.
pub(super) fn number(bytes: &[u8]) -> Option<f64> {
    match text::number(bytes) {
        (text::Number::Integer(integer), true) => Some(real::of(integer)),
        (text::Number::Real(real), true) => Some(real),
        _ => None,
    }
}
