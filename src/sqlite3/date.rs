//! The functions of dates and times, as far as they need neither a clock nor a time zone. (<https://sqlite.org/lang_datefunc.html>)
//!
//! A moment is a number of milliseconds since noon of 24 November 4714 BC (the Julian day, in the calendar that is
//! Gregorian for all time), and at the same time, as far as asked for, a date and a time of day: modifiers change the
//! one or the other, and the order in which one is made of the other decides what overflows into what. `now`,
//! `localtime` and `utc` are [`ErrorKind::Unsupported`]; what is no time gives NULL.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::arithmetic_side_effects)]
#![deny(clippy::panic)]

use super::decimal::{self, Conversion, Style};
use super::error::{ErrorKind, Result};
use super::function::{Call, Id};
use super::real::{self, divided_signed};
use super::scratch::Scratch;
use super::string::before_nul;
use super::text;
use super::value::Value;

const DAY: i64 = 86_400_000;
/// 1970-01-01 in milliseconds.
const UNIX: i64 = 210_866_760_000_000;
/// The last millisecond of the year 9999.
const LAST: i64 = 464_269_060_799_999;

/// A modifier or a time that is wrong; the function gives NULL then.
const NO_TIME: ErrorKind = ErrorKind::Mismatch;

/// A moment; of its parts, those count of which the flag is set.
#[derive(Clone, Copy, Default)]
struct Moment {
    /// Milliseconds.
    julian: i64,
    has_julian: bool,
    /// A number that may still become a Unix time.
    raw: f64,
    has_raw: bool,
    /// Month and day may be beyond the calendar.
    year: i32,
    month: i32,
    day: i32,
    has_date: bool,
    hours: i32,
    minutes: i32,
    seconds: f64,
    has_time: bool,
    /// Minutes east of UTC, not yet taken off.
    zone: i32,
}

/// Calls one of the functions.
pub(super) fn call<'a>(c: &mut Call<'a, '_>) -> Result<Value<'a>> {
    let first = usize::from(c.id == Id::Strftime);
    if c.count < first {
        return Ok(Value::Null);
    }
    let mut moment = match read(c, first) {
        Ok(moment) => moment,
        Err(error) if error.is(NO_TIME) => return Ok(Value::Null),
        Err(error) => return Err(error),
    };
    let julian = moment.julian;
    let format: &[u8] = match c.id {
        Id::JulianDay => return Ok(Value::Real(julian_day(julian))),
        Id::UnixEpoch => return Ok(Value::Integer(unix_seconds(julian))),
        Id::DateTime => b"%Y-%m-%d %H:%M:%S",
        Id::Time => b"%H:%M:%S",
        Id::Date => b"%Y-%m-%d",
        _ => before_nul(c.text(0)?),
    };
    if write(&mut moment, format, c.id != Id::Strftime, c.scratch).is_none() {
        c.scratch.truncate(0);
        return Ok(Value::Null);
    }
    c.written()
}

/// The moment that the arguments from `first` on say.
fn read(c: &mut Call<'_, '_>, first: usize) -> Result<Moment> {
    // Without an argument the time is now.
    if c.count <= first {
        return Err(ErrorKind::Unsupported.into());
    }
    let mut moment = Moment::default();
    match c.argument(first) {
        number @ (Value::Integer(_) | Value::Real(_)) => moment.of_number(number.to_real()),
        _ => moment.parse(before_nul(c.text(first)?))?,
    }
    let modifiers = first.saturating_add(1);
    for at in modifiers..c.count {
        let modifier = before_nul(c.text(at)?);
        moment.modify(modifier, at == modifiers)?;
    }
    moment.make_julian()?;
    if !(0..=LAST).contains(&moment.julian) {
        return Err(NO_TIME.into());
    }
    Ok(moment)
}

/// Two or four digits whose value is in a range.
fn digits(bytes: &mut &[u8], count: usize, least: i32, most: i32) -> Option<i32> {
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
fn days(millis: i64) -> i32 {
    divided_signed(millis, DAY).0 as i32
}

/// The milliseconds of its day.
fn of_day(millis: i64) -> i64 {
    divided_signed(millis, DAY).1
}

fn julian_day(millis: i64) -> f64 {
    real::quotient(real::of(millis), DAY as f64)
}

fn unix_seconds(millis: i64) -> i64 {
    divided_signed(millis, 1000).0.wrapping_sub(UNIX / 1000)
}

/// Half up.
fn rounded(real: f64) -> i64 {
    real::whole(real::sum(real, 0.5))
}

/// Whether a number is in a range that ends before `end`.
fn within(real: f64, start: f64, end: f64) -> bool {
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

fn skip_spaces(bytes: &mut &[u8]) {
    while let Some((first, rest)) = bytes.split_first()
        && text::is_space(*first)
    {
        *bytes = rest;
    }
}

impl Moment {
    fn of_number(&mut self, number: f64) {
        (self.raw, self.has_raw) = (number, true);
        if within(number, 0.0, 5_373_484.5) {
            (self.julian, self.has_julian) = (rounded(real::product(number, DAY as f64)), true);
        }
    }

    fn parse(&mut self, bytes: &[u8]) -> Result<()> {
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
    fn parse_time(&mut self, mut bytes: &[u8]) -> Option<()> {
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
    fn make_julian(&mut self) -> Result<()> {
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
    fn make_date(&mut self) -> Result<()> {
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
    fn make_time(&mut self) -> Result<()> {
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
    fn set(&mut self, julian: i64) {
        *self = Moment { julian, has_julian: true, raw: self.raw, has_raw: self.has_raw, ..Moment::default() };
    }

    /// Both date and time are known, and the milliseconds will be made of them.
    fn make_calendar(&mut self) -> Result<()> {
        self.make_time()?;
        self.make_date()?;
        self.has_julian = false;
        Ok(())
    }

    fn modify(&mut self, modifier: &[u8], first: bool) -> Result<()> {
        let rest = |word: &[u8]| {
            let (head, rest) = modifier.split_at_checked(word.len())?;
            head.eq_ignore_ascii_case(word).then_some(rest)
        };
        let is = |word: &[u8]| modifier.eq_ignore_ascii_case(word);
        if is(b"localtime") || is(b"utc") {
            return Err(ErrorKind::Unsupported.into());
        }
        if is(b"julianday") && first && self.has_julian && self.has_raw {
            self.has_raw = false;
            return Ok(());
        }
        if is(b"auto") && first {
            if self.has_raw && !self.has_julian {
                return self.of_unix(253_402_300_799.0);
            }
            self.has_raw = false;
            return Ok(());
        }
        if is(b"unixepoch") && first && self.has_raw {
            return self.of_unix(253_402_300_799.999);
        }
        if let Some(day) = rest(b"weekday ") {
            let number = number(day).filter(|&number| {
                within(number, 0.0, 7.0) && real::order(real::of(real::whole(number)), number).is_eq()
            });
            return self.go_to_weekday(real::whole(number.ok_or(NO_TIME)?) as i32);
        }
        if let Some(unit) = rest(b"start of ") {
            return self.go_to_start(unit);
        }
        if matches!(modifier.first(), Some(b'+' | b'-' | b'0'..=b'9')) {
            return self.add(modifier);
        }
        Err(NO_TIME.into())
    }

    /// Takes the raw number for seconds since 1970.
    fn of_unix(&mut self, most: f64) -> Result<()> {
        let seconds = self.raw;
        if real::order(seconds, -210_866_760_000.0).is_lt() || real::order(seconds, most).is_gt() {
            return Err(NO_TIME.into());
        }
        let millis = real::sum(real::product(seconds, 1000.0), UNIX as f64);
        self.has_raw = false;
        self.set(rounded(millis));
        Ok(())
    }

    /// Forward to the next such day, 0 for Sunday, or nowhere if it is one.
    fn go_to_weekday(&mut self, weekday: i32) -> Result<()> {
        self.make_calendar()?;
        self.zone = 0;
        self.make_julian()?;
        let mut today = days(self.julian.wrapping_add(DAY.wrapping_mul(3) / 2)).wrapping_rem(7);
        if today > weekday {
            today = today.wrapping_sub(7);
        }
        self.set(self.julian.wrapping_add(i64::from(weekday.wrapping_sub(today)).wrapping_mul(DAY)));
        Ok(())
    }

    fn go_to_start(&mut self, unit: &[u8]) -> Result<()> {
        if !self.has_julian && !self.has_date && !self.has_time {
            return Err(NO_TIME.into());
        }
        self.make_date()?;
        let (year, mut month, mut day) = (self.year, self.month, self.day);
        if unit.eq_ignore_ascii_case(b"month") {
            day = 1;
        } else if unit.eq_ignore_ascii_case(b"year") {
            (month, day) = (1, 1);
        } else if !unit.eq_ignore_ascii_case(b"day") {
            return Err(NO_TIME.into());
        }
        *self = Moment { year, month, day, has_date: true, has_time: true, ..Moment::default() };
        Ok(())
    }

    /// `±HH:MM[:SS]` or `NNN days` and the like.
    fn add(&mut self, modifier: &[u8]) -> Result<()> {
        let is_end = |byte: &u8| *byte == b':' || text::is_space(*byte);
        let end = modifier.iter().skip(1).position(is_end).map_or(modifier.len(), |at| at.saturating_add(1));
        let (amount, rest) = modifier.split_at_checked(end).unwrap_or((modifier, &[]));
        let mut amount = number(amount).ok_or(NO_TIME)?;
        if rest.first() == Some(&b':') {
            return self.add_time(modifier);
        }
        let mut unit = rest;
        skip_spaces(&mut unit);
        if !(3..=10).contains(&unit.len()) {
            return Err(NO_TIME.into());
        }
        if let Some((b's' | b'S', singular)) = unit.split_last() {
            unit = singular;
        }
        self.make_julian()?;
        const MONTH: i32 = 2_592_000;
        const YEAR: i32 = 31_536_000;
        /// Unit, most of it, seconds in it.
        static UNITS: [(&[u8], f64, i32); 6] = [
            (b"second", 464_269_060_800.0, 1),
            (b"minute", 7_737_817_680.0, 60),
            (b"hour", 128_963_628.0, 3600),
            (b"day", 5_373_485.0, 86_400),
            (b"month", 176_546.0, MONTH),
            (b"year", 14_713.0, YEAR),
        ];
        let round = if real::is_negative(amount) { -0.5 } else { 0.5 };
        let known = UNITS.iter().find(|(name, ..)| unit.eq_ignore_ascii_case(name));
        let &(.., seconds) = known.filter(|(_, most, _)| within(amount.abs(), 0.0, *most)).ok_or(NO_TIME)?;
        // Months and years count in the calendar; what is behind their point, in seconds.
        if seconds >= MONTH {
            let whole = real::whole(amount) as i32;
            self.make_calendar()?;
            if seconds == YEAR {
                self.year = self.year.wrapping_add(whole);
            } else {
                let month = self.month.wrapping_add(whole);
                let years = if month > 0 { month.wrapping_sub(1) } else { month.wrapping_sub(12) } / 12;
                self.year = self.year.wrapping_add(years);
                self.month = month.wrapping_sub(years.wrapping_mul(12));
            }
            amount = real::sum(amount, -real::of(whole.into()));
        }
        self.make_julian()?;
        let millis = real::product(real::product(amount, 1000.0), real::of(seconds.into()));
        self.set(self.julian.wrapping_add(real::whole(real::sum(millis, round))));
        Ok(())
    }

    fn add_time(&mut self, modifier: &[u8]) -> Result<()> {
        let unsigned = match modifier.split_first() {
            Some((b'+' | b'-', rest)) => rest,
            _ => modifier,
        };
        let mut other = Moment::default();
        other.parse_time(unsigned).ok_or(NO_TIME)?;
        other.make_julian()?;
        let millis = of_day(other.julian.wrapping_sub(DAY / 2));
        let millis = if modifier.first() == Some(&b'-') { millis.wrapping_neg() } else { millis };
        self.make_julian()?;
        self.set(self.julian.wrapping_add(millis));
        Ok(())
    }
}

/// All of a text as a number.
fn number(bytes: &[u8]) -> Option<f64> {
    match text::number(bytes) {
        (text::Number::Integer(integer), true) => Some(real::of(integer)),
        (text::Number::Real(real), true) => Some(real),
        _ => None,
    }
}

/// Appends the moment in a format of strftime; `None` where the format is wrong. A year before 0 has four digits with
/// `long`, three without.
fn write(moment: &mut Moment, format: &[u8], long: bool, out: &mut Scratch<'_>) -> Option<()> {
    moment.make_julian().ok()?;
    moment.make_time().ok()?;
    moment.make_date().ok()?;
    let Moment { julian, year, month, day, hours, minutes, seconds, .. } = *moment;
    let mut format = format.iter();
    while let Some(byte) = format.next() {
        if *byte != b'%' {
            out.push(*byte);
            continue;
        }
        match format.next()? {
            b'd' => padded(day, 2, out),
            b'f' => {
                if real::order(seconds, 9.9995).is_lt() {
                    out.push(b'0');
                }
                let seconds = if real::order(seconds, 59.999).is_lt() { seconds } else { 59.999 };
                decimal::write(seconds, Style::new(Conversion::Fixed, 3), out);
            }
            b'H' => padded(hours, 2, out),
            b'j' => padded(day_of_year(moment)?.wrapping_add(1), 3, out),
            b'J' => decimal::write(julian_day(julian), Style::new(Conversion::General, 16), out),
            b'm' => padded(month, 2, out),
            b'M' => padded(minutes, 2, out),
            b's' => text::write_integer(unix_seconds(julian), out),
            b'S' => padded(real::whole(seconds) as i32, 2, out),
            b'w' => padded(days(julian.wrapping_add(DAY.wrapping_mul(3) / 2)).wrapping_rem(7), 1, out),
            b'W' => {
                let weekday = days(julian.wrapping_add(DAY / 2)).wrapping_rem(7);
                padded(day_of_year(moment)?.wrapping_add(7).wrapping_sub(weekday) / 7, 2, out);
            }
            b'Y' => padded(year, if long && year < 0 { 5 } else { 4 }, out),
            b'%' => out.push(b'%'),
            _ => return None,
        }
    }
    Some(())
}

/// Days since the first of January at the same time of day, which may be 24 hours.
fn day_of_year(moment: &Moment) -> Option<i32> {
    let mut first = Moment { has_julian: false, has_raw: false, month: 1, day: 1, ..*moment };
    first.make_julian().ok()?;
    Some(days(moment.julian.wrapping_sub(first.julian).wrapping_add(DAY / 2)))
}

/// At least `width` characters, with zeros in front and a minus before them.
fn padded(number: i32, width: usize, out: &mut Scratch<'_>) {
    let start = out.len();
    text::write_integer(number.into(), out);
    let length = out.len().saturating_sub(start);
    out.insert(start.saturating_add(usize::from(number < 0)), b'0', width.saturating_sub(length));
}
