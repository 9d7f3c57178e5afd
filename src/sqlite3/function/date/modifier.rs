//! What the modifiers of the date functions do to a moment.

use super::moment::{DAY, Moment, NO_TIME, UNIX, rounded, split, within};
use super::reader::Reader;
use crate::sqlite3::error::ErrorKind;
use crate::sqlite3::real;
use crate::sqlite3::text;
use crate::sqlite3::words::{self, Words};

const MODIFIERS: &[&str] =
    &["localtime", "utc", "julianday", "auto", "unixepoch", "start of day", "start of month", "start of year"];
static MODIFIERS_PACKED: [u8; words::size(MODIFIERS)] = words::packed(MODIFIERS);

const MONTH: usize = 4;
const YEAR: usize = 5;
const UNITS: &[&str] = &["second", "minute", "hour", "day", "month", "year"];
static UNITS_PACKED: [u8; words::size(UNITS)] = words::packed(UNITS);
/// Of each unit, what there are less of, and the seconds in it.
static UNIT: [(u64, i32); 6] = [
    (464_269_060_800, 1),
    (7_737_817_680, 60),
    (128_963_628, 3600),
    (5_373_485, 86_400),
    (176_546, 2_592_000),
    (14_713, 31_536_000),
];

impl Moment {
    #[inline(never)]
    pub(super) fn modify(&mut self, modifier: &[u8], first: bool) {
        match Words(&MODIFIERS_PACKED).place_of(modifier) {
            Some(0 | 1) => self.fail(ErrorKind::Unsupported),
            Some(2) if first && self.has_julian && self.has_raw => self.has_raw = false,
            Some(3) if first => {
                if !self.has_raw || self.has_julian {
                    self.has_raw = false;
                } else if real::order(self.raw, 253_402_300_799.0).is_gt() {
                    self.fail(NO_TIME);
                } else {
                    self.of_unix();
                }
            }
            Some(4) if first && self.has_raw => self.of_unix(),
            Some(unit @ 5..) => self.go_to_start(unit),
            Some(_) => self.fail(NO_TIME),
            None => match modifier.split_at_checked(b"weekday ".len()) {
                Some((head, day)) if head.eq_ignore_ascii_case(b"weekday ") => self.go_to_weekday(day),
                _ => self.add(modifier),
            },
        }
    }

    /// Takes the raw number for seconds since 1970.
    #[inline(never)]
    fn of_unix(&mut self) {
        let millis = real::sum(real::product(self.raw, 1000.0), UNIX as f64);
        if !within(millis, 464_269_060_800_000.0) {
            self.fail(NO_TIME);
        }
        self.has_raw = false;
        self.set(rounded(millis));
    }

    /// Forward to the next such day, 0 for Sunday, or nowhere if it is one.
    fn go_to_weekday(&mut self, day: &[u8]) {
        let number = self.number(day);
        let weekday = real::whole(number);
        if !(0..7).contains(&weekday) || real::order(real::of(weekday), number).is_ne() {
            self.fail(NO_TIME);
        }
        self.make_calendar();
        (self.has_julian, self.zone) = (false, 0);
        self.make_julian();
        let mut today = split(self.julian).0.wrapping_add(1).wrapping_rem(7);
        if today > weekday as i32 {
            today = today.wrapping_sub(7);
        }
        self.set(self.julian.wrapping_add(i64::from((weekday as i32).wrapping_sub(today)).wrapping_mul(DAY)));
    }

    /// To the start of its day, month or year.
    fn go_to_start(&mut self, unit: usize) {
        if !self.has_julian && !self.has_date && !self.has_time {
            self.fail(NO_TIME);
        }
        self.make_date();
        if unit > 5 {
            self.day = 1;
        }
        if unit > 6 {
            self.month = 1;
        }
        (self.hours, self.minutes, self.seconds, self.zone) = (0, 0, 0.0, 0);
        (self.has_time, self.has_julian, self.has_raw) = (true, false, false);
    }

    /// `±HH:MM[:SS]` or `NNN days` and the like.
    fn add(&mut self, modifier: &[u8]) {
        if !matches!(modifier.first(), Some(b'+' | b'-' | b'0'..=b'9')) {
            return self.fail(NO_TIME);
        }
        let is_end = |byte: &u8| *byte == b':' || text::is_space(*byte);
        let end = modifier.iter().skip(1).position(is_end).map_or(modifier.len(), |at| at.saturating_add(1));
        let (amount, rest) = modifier.split_at_checked(end).unwrap_or((modifier, &[]));
        let mut amount = self.number(amount);
        if rest.first() == Some(&b':') {
            return self.add_time(modifier);
        }
        let mut unit = Reader::new(rest);
        unit.spaces(b' ');
        let mut unit = unit.rest;
        if let Some((b's' | b'S', singular)) = unit.split_last() {
            unit = singular;
        }
        let place = Words(&UNITS_PACKED).place_of(unit).unwrap_or(UNIT.len());
        let Some(&(most, seconds)) = UNIT.get(place) else { return self.fail(NO_TIME) };
        self.make_julian();
        let mut whole = real::whole(amount);
        if whole.unsigned_abs() >= most {
            self.fail(NO_TIME);
        }
        let round = if real::is_negative(amount) { -0.5 } else { 0.5 };
        // Months and years count in the calendar; what is behind their point, in seconds.
        if place >= MONTH {
            self.make_calendar();
            self.has_julian = false;
            amount = real::sum(amount, -real::of(whole));
            if place == YEAR {
                whole = whole.wrapping_mul(12);
            }
            let month = self.month.wrapping_add(whole as i32);
            let years = if month > 0 { month.wrapping_sub(1) } else { month.wrapping_sub(12) } / 12;
            self.year = self.year.wrapping_add(years);
            self.month = month.wrapping_sub(years.wrapping_mul(12));
            self.make_julian();
        }
        let millis = real::product(real::product(amount, 1000.0), real::of(seconds.into()));
        self.set(self.julian.wrapping_add(real::whole(real::sum(millis, round))));
    }

    fn add_time(&mut self, modifier: &[u8]) {
        let mut reader = Reader::new(modifier);
        let back = reader.take(b'-');
        if !back {
            reader.take(b'+');
        }
        let mut other = Moment::default();
        other.parse_time(&mut reader);
        other.make_julian();
        if reader.wrong || other.wrong.is_some() {
            self.fail(NO_TIME);
        }
        let (_, millis) = split(other.julian);
        let millis = if back { millis.wrapping_neg() } else { millis };
        self.make_julian();
        self.set(self.julian.wrapping_add(millis.into()));
    }
}
