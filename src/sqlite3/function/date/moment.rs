//! A moment: read from text and numbers, and made of its parts.

use super::reader::Reader;
use crate::sqlite3::error::ErrorKind;
use crate::sqlite3::real::{self, divided_signed};
use crate::sqlite3::text;

pub(super) const DAY: i64 = 86_400_000;
/// 1970-01-01 in milliseconds.
pub(super) const UNIX: i64 = 210_866_760_000_000;
/// The last millisecond of the year 9999.
pub(super) const LAST: i64 = 464_269_060_799_999;

/// A modifier or a time that is wrong; the function gives NULL then.
pub(super) const NO_TIME: ErrorKind = ErrorKind::Mismatch;

/// A moment; of its parts, those count of which the flag is set. (What a byte holds comes first, where short instructions
/// reach it.)
#[derive(Clone, Copy, Default)]
#[repr(C)]
pub(super) struct Moment {
    /// What was wrong first; nothing else counts then.
    pub(super) wrong: Option<ErrorKind>,
    pub(super) has_julian: bool,
    pub(super) has_raw: bool,
    pub(super) has_date: bool,
    pub(super) has_time: bool,
    /// Month and day may be beyond the calendar.
    pub(super) year: i32,
    pub(super) month: i32,
    pub(super) day: i32,
    pub(super) hours: i32,
    pub(super) minutes: i32,
    pub(super) seconds: f64,
    /// Minutes east of UTC, not yet taken off.
    pub(super) zone: i32,
    /// Milliseconds.
    pub(super) julian: i64,
    /// A number that may still become a Unix time.
    pub(super) raw: f64,
}

/// The days in a number of milliseconds from noon of day 0, and the milliseconds of the last one, both from midnight.
#[inline(never)]
pub(super) fn split(julian: i64) -> (i32, i32) {
    let (days, millis) = divided_signed(julian.wrapping_add(DAY / 2), DAY);
    (days as i32, millis as i32)
}

pub(super) fn julian_day(millis: i64) -> f64 {
    real::quotient(real::of(millis), DAY as f64)
}

pub(super) fn unix_seconds(millis: i64) -> i64 {
    divided_signed(millis, 1000).0.wrapping_sub(UNIX / 1000)
}

/// Half up.
#[inline(never)]
pub(super) fn rounded(real: f64) -> i64 {
    real::whole(real::sum(real, 0.5))
}

/// Whether a number is not below 0, and below `end`.
#[inline(never)]
pub(super) fn within(real: f64, end: f64) -> bool {
    real::order(real, 0.0).is_ge() && real::order(real, end).is_lt()
}

/// The days of a date, whose month and day may be beyond the calendar, from a day before all that count.
fn day_number(mut year: i32, mut month: i32, day: i32) -> i32 {
    if month <= 2 {
        year = year.wrapping_sub(1);
        month = month.wrapping_add(12);
    }
    let century = year / 100;
    let leap = 2i32.wrapping_sub(century).wrapping_add(century / 4);
    let years = year.wrapping_add(4716).wrapping_mul(36_525) / 100;
    let months = month.wrapping_add(1).wrapping_mul(306_001) / 10_000;
    years.wrapping_add(months).wrapping_add(day).wrapping_add(leap)
}

impl Moment {
    #[inline(never)]
    pub(super) fn fail(&mut self, kind: ErrorKind) {
        self.wrong = self.wrong.or(Some(kind));
    }

    pub(super) fn of_number(&mut self, number: f64) {
        (self.raw, self.has_raw) = (number, true);
        if within(number, 5_373_484.5) {
            (self.julian, self.has_julian) = (rounded(real::product(number, DAY as f64)), true);
        }
    }

    /// All of a text as a number.
    #[inline(never)]
    pub(super) fn number(&mut self, bytes: &[u8]) -> f64 {
        match text::number(bytes) {
            (text::Number::Integer(integer), true) => real::of(integer),
            (text::Number::Real(real), true) => real,
            _ => {
                self.fail(NO_TIME);
                0.0
            }
        }
    }

    pub(super) fn parse(&mut self, bytes: &[u8]) {
        let mut reader = Reader::new(bytes);
        self.parse_date(&mut reader);
        if !reader.wrong && self.wrong.is_none() {
            return;
        }
        *self = Moment::default();
        let mut reader = Reader::new(bytes);
        self.parse_time(&mut reader);
        if !reader.wrong {
            return;
        }
        *self = Moment::default();
        if bytes.eq_ignore_ascii_case(b"now") {
            return self.fail(ErrorKind::Unsupported);
        }
        let number = self.number(bytes);
        self.of_number(number);
    }

    /// `[-]YYYY-MM-DD`, perhaps with a time behind a `T` or spaces.
    fn parse_date(&mut self, reader: &mut Reader<'_>) {
        let negative = reader.take(b'-');
        self.year = reader.digits(4, 0, 9999);
        self.month = reader.two_behind(b'-', 1, 12);
        self.day = reader.two_behind(b'-', 1, 31);
        reader.spaces(b'T');
        if !reader.rest.is_empty() {
            self.parse_time(reader);
        }
        self.has_date = true;
        if negative {
            self.year = self.year.wrapping_neg();
        }
        if self.zone != 0 {
            self.make_julian();
        }
    }

    /// `HH:MM`, `HH:MM:SS` or `HH:MM:SS.SSS`, perhaps with a zone.
    #[inline(never)]
    pub(super) fn parse_time(&mut self, reader: &mut Reader<'_>) {
        self.hours = reader.digits(2, 0, 24);
        self.minutes = reader.two_behind(b':', 0, 59);
        self.seconds = 0.0;
        if reader.take(b':') {
            self.seconds = real::of(reader.digits(2, 0, 59).into());
            if matches!(reader.rest, [b'.', b'0'..=b'9', ..]) {
                reader.take(b'.');
                let (mut numerator, mut scale) = (0.0, 1.0);
                while let Some(digit) = reader.digit() {
                    numerator = real::sum(real::product(numerator, 10.0), real::of(digit.into()));
                    scale = real::product(scale, 10.0);
                }
                self.seconds = real::sum(self.seconds, real::quotient(numerator, scale));
            }
        }
        reader.spaces(b' ');
        let west = reader.take(b'-');
        if west || reader.take(b'+') {
            let hours = reader.digits(2, 0, 14);
            let minutes = reader.two_behind(b':', 0, 59);
            let zone = hours.wrapping_mul(60).wrapping_add(minutes);
            self.zone = if west { zone.wrapping_neg() } else { zone };
        } else if !reader.take(b'Z') {
            reader.take(b'z');
        }
        reader.spaces(b' ');
        self.has_time = true;
        reader.wrong |= !reader.rest.is_empty();
    }

    /// The milliseconds, made of date and time if need be.
    #[inline(never)]
    pub(super) fn make_julian(&mut self) {
        if self.has_julian {
            return;
        }
        if !self.has_date {
            (self.year, self.month, self.day) = (2000, 1, 1);
        }
        if !(-4713..=9999).contains(&self.year) || self.has_raw {
            self.fail(NO_TIME);
        }
        let days = day_number(self.year, self.month, self.day);
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
    }

    /// Year, month and day, made of the milliseconds if need be.
    #[inline(never)]
    pub(super) fn make_date(&mut self) {
        if self.has_date {
            return;
        }
        (self.year, self.month, self.day) = (2000, 1, 1);
        if self.has_julian {
            if !(0..=LAST).contains(&self.julian) {
                self.fail(NO_TIME);
            }
            // Meeus' algorithm, in whole numbers: 36,524.25 days a century, 365.25 a year, 30.6001 a month.
            let (days, _) = split(self.julian);
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
    }

    /// Both date and time are known, made of the milliseconds if need be.
    #[inline(never)]
    pub(super) fn make_calendar(&mut self) {
        if !self.has_time {
            self.make_julian();
            let (_, millis) = split(self.julian);
            let minutes = millis / 60_000;
            (self.hours, self.minutes) = (minutes / 60, minutes.wrapping_rem(60));
            // (SQLite makes it of the whole day's seconds: another number, at no digit that comes out.)
            let millis = millis.wrapping_sub(minutes.wrapping_mul(60_000));
            self.seconds = real::quotient(real::of(millis.into()), 1000.0);
            (self.has_raw, self.has_time) = (false, true);
        }
        self.make_date();
    }

    /// Only the milliseconds count from here on.
    #[inline(never)]
    pub(super) fn set(&mut self, julian: i64) {
        (self.julian, self.has_julian) = (julian, true);
        (self.has_date, self.has_time, self.zone) = (false, false, 0);
    }
}
