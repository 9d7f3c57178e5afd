//! The functions of dates and times, as far as they need neither a clock nor a time zone. (<https://sqlite.org/lang_datefunc.html>)
//!
//! A moment is a number of milliseconds since noon of 24 November 4714 BC (the Julian day, in the calendar that is
//! Gregorian for all time), and at the same time, as far as asked for, a date and a time of day: modifiers change the
//! one or the other, and the order in which one is made of the other decides what overflows into what. `now`,
//! `localtime` and `utc` are [`ErrorKind::Unsupported`]; what is no time gives NULL.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::arithmetic_side_effects)]
#![deny(clippy::panic)]

use super::decimal::{self, Conversion, Style};
use super::error::{Error, ErrorKind, Result};
use super::function::Id;
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
enum Wrong {
    NoTime,
    Fault(Error),
}

#[derive(Clone, Copy, Default)]
struct Moment {
    /// Milliseconds, if they are known.
    julian: Option<i64>,
    /// A number that may still become a Unix time.
    raw: Option<f64>,
    /// Year, month, day, if they are known; months and days may be beyond the calendar.
    date: Option<(i64, i64, i64)>,
    /// Hours, minutes and milliseconds, if they are known.
    time: Option<(i64, i64, f64)>,
    /// Minutes east of UTC, not yet taken off.
    zone: i64,
}

/// Calls one of the functions.
pub(super) fn call<'a>(id: Id, args: &[Value<'a>], scratch: &mut Scratch<'a>) -> Result<Value<'a>> {
    let (format, times) = match (id, args.split_first()) {
        (Id::Strftime, None) => return Ok(Value::Null),
        (Id::Strftime, Some((format, rest))) => (*format, rest),
        (Id::DateTime, _) => (Value::Text(b"%Y-%m-%d %H:%M:%S"), args),
        (Id::Time, _) => (Value::Text(b"%H:%M:%S"), args),
        (_, _) => (Value::Text(b"%Y-%m-%d"), args),
    };
    if format.is_null() || args.iter().any(|value| value.is_null()) {
        return Ok(Value::Null);
    }
    let mut moment = match read(times, scratch) {
        Ok(moment) => moment,
        Err(Wrong::NoTime) => return Ok(Value::Null),
        Err(Wrong::Fault(fault)) => return Err(fault),
    };
    let julian = moment.julian.unwrap_or(0);
    match id {
        Id::JulianDay => return Ok(Value::Real(julian as f64 / DAY as f64)),
        Id::UnixEpoch => return Ok(Value::Integer((julian / 1000).wrapping_sub(UNIX / 1000))),
        _ => {}
    }
    let format = before_nul(format.to_text(scratch)?);
    if write(&mut moment, format, id != Id::Strftime, scratch).is_none() {
        scratch.truncate(0);
        return Ok(Value::Null);
    }
    Ok(Value::Text(scratch.finish()?))
}

fn read<'a>(times: &[Value<'a>], scratch: &mut Scratch<'a>) -> Result<Moment, Wrong> {
    // Without an argument the time is now.
    let Some((first, modifiers)) = times.split_first() else { return Err(Wrong::Fault(ErrorKind::Unsupported.into())) };
    let mut moment = match first {
        Value::Integer(_) | Value::Real(_) => Moment::of_number(first.to_real()),
        other => Moment::parse(before_nul(other.to_text(scratch).map_err(Wrong::Fault)?))?,
    };
    for (at, modifier) in modifiers.iter().enumerate() {
        let modifier = before_nul(modifier.to_text(scratch).map_err(Wrong::Fault)?);
        moment.modify(modifier, at == 0)?;
    }
    let julian = moment.julian()?;
    if !(0..=LAST).contains(&julian) {
        return Err(Wrong::NoTime);
    }
    Ok(moment)
}

/// Two or four digits whose value is in a range.
fn digits(bytes: &mut &[u8], count: usize, range: core::ops::RangeInclusive<i64>) -> Option<i64> {
    let (number, rest) = bytes.split_at_checked(count)?;
    let mut value = 0i64;
    for byte in number {
        if !byte.is_ascii_digit() {
            return None;
        }
        value = value.wrapping_mul(10).wrapping_add(byte.wrapping_sub(b'0').into());
    }
    *bytes = rest;
    range.contains(&value).then_some(value)
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
    fn of_number(number: f64) -> Self {
        let julian = (0.0..5_373_484.5).contains(&number).then_some((number * DAY as f64 + 0.5) as i64);
        Moment { julian, raw: Some(number), ..Moment::default() }
    }

    fn parse(bytes: &[u8]) -> Result<Self, Wrong> {
        if let Some(moment) = Self::parse_date(bytes) {
            return Ok(moment);
        }
        let mut moment = Moment::default();
        if moment.parse_time(bytes).is_some() {
            return Ok(moment);
        }
        if bytes.eq_ignore_ascii_case(b"now") {
            return Err(Wrong::Fault(ErrorKind::Unsupported.into()));
        }
        match number(bytes) {
            Some(number) => Ok(Self::of_number(number)),
            None => Err(Wrong::NoTime),
        }
    }

    /// `[-]YYYY-MM-DD`, perhaps with a time behind a `T` or spaces.
    fn parse_date(mut bytes: &[u8]) -> Option<Self> {
        let negative = take(&mut bytes, b'-');
        let year = digits(&mut bytes, 4, 0..=9999)?;
        let dash = take(&mut bytes, b'-');
        let month = digits(&mut bytes, 2, 1..=12).filter(|_| dash)?;
        let dash = take(&mut bytes, b'-');
        let day = digits(&mut bytes, 2, 1..=31).filter(|_| dash)?;
        while let Some((first, rest)) = bytes.split_first()
            && (text::is_space(*first) || *first == b'T')
        {
            bytes = rest;
        }
        let mut moment = Moment::default();
        if !bytes.is_empty() {
            moment.parse_time(bytes)?;
        }
        moment.date = Some((if negative { year.wrapping_neg() } else { year }, month, day));
        if moment.zone != 0 {
            moment.julian().ok()?;
        }
        Some(moment)
    }

    /// `HH:MM`, `HH:MM:SS` or `HH:MM:SS.SSS`, perhaps with a zone.
    fn parse_time(&mut self, mut bytes: &[u8]) -> Option<()> {
        let hours = digits(&mut bytes, 2, 0..=24)?;
        let colon = take(&mut bytes, b':');
        let minutes = digits(&mut bytes, 2, 0..=59).filter(|_| colon)?;
        let mut seconds = 0.0;
        if take(&mut bytes, b':') {
            seconds = digits(&mut bytes, 2, 0..=59)? as f64;
            let mut fraction = bytes;
            if take(&mut fraction, b'.') && fraction.first().is_some_and(u8::is_ascii_digit) {
                let (mut numerator, mut scale) = (0.0, 1.0);
                while let Some((digit @ b'0'..=b'9', rest)) = fraction.split_first() {
                    numerator = numerator * 10.0 + f64::from(digit.wrapping_sub(b'0'));
                    scale *= 10.0;
                    fraction = rest;
                }
                seconds += numerator / scale;
                bytes = fraction;
            }
        }
        skip_spaces(&mut bytes);
        let sign = match bytes.split_first() {
            Some((b'-', rest)) => Some((-1i64, rest)),
            Some((b'+', rest)) => Some((1, rest)),
            Some((b'Z' | b'z', rest)) => {
                bytes = rest;
                None
            }
            _ => None,
        };
        let mut zone = 0i64;
        if let Some((sign, rest)) = sign {
            bytes = rest;
            let hours = digits(&mut bytes, 2, 0..=14)?;
            let colon = take(&mut bytes, b':');
            let minutes = digits(&mut bytes, 2, 0..=59).filter(|_| colon)?;
            zone = hours.wrapping_mul(60).wrapping_add(minutes).wrapping_mul(sign);
        }
        skip_spaces(&mut bytes);
        (self.time, self.zone) = (Some((hours, minutes, seconds)), zone);
        bytes.is_empty().then_some(())
    }

    /// The milliseconds, made of date and time if need be.
    fn julian(&mut self) -> Result<i64, Wrong> {
        if let Some(julian) = self.julian {
            return Ok(julian);
        }
        let (mut year, mut month, day) = self.date.unwrap_or((2000, 1, 1));
        if !(-4713..=9999).contains(&year) || self.raw.is_some() {
            return Err(Wrong::NoTime);
        }
        if month <= 2 {
            year = year.wrapping_sub(1);
            month = month.wrapping_add(12);
        }
        let century = year / 100;
        let leap = 2i64.wrapping_sub(century).wrapping_add(century / 4);
        let years = year.wrapping_add(4716).wrapping_mul(36_525) / 100;
        let months = month.wrapping_add(1).wrapping_mul(306_001) / 10_000;
        let days = years.wrapping_add(months).wrapping_add(day).wrapping_add(leap);
        // 1524.5 days before that, in half days.
        let mut julian = days.wrapping_mul(2).wrapping_sub(3049).wrapping_mul(DAY / 2);
        if let Some((hours, minutes, seconds)) = self.time {
            let minutes = hours.wrapping_mul(60).wrapping_add(minutes).wrapping_sub(self.zone);
            julian = julian.wrapping_add(minutes.wrapping_mul(60_000)).wrapping_add((seconds * 1000.0 + 0.5) as i64);
            if self.zone != 0 {
                (self.date, self.time, self.zone) = (None, None, 0);
            }
        }
        self.julian = Some(julian);
        Ok(julian)
    }

    /// Year, month and day, made of the milliseconds if need be.
    fn date(&mut self) -> Result<(i64, i64, i64), Wrong> {
        if let Some(date) = self.date {
            return Ok(date);
        }
        let date = match self.julian {
            None => (2000, 1, 1),
            Some(julian) if !(0..=LAST).contains(&julian) => return Err(Wrong::NoTime),
            Some(julian) => {
                // Meeus' algorithm, in whole numbers: 36,524.25 days a century, 365.25 a year, 30.6001 a month.
                let days = julian.wrapping_add(DAY / 2) / DAY;
                let centuries = days.wrapping_mul(100).wrapping_sub(186_721_625) / 3_652_425;
                let shifted = days.wrapping_add(1525).wrapping_add(centuries).wrapping_sub(centuries / 4);
                let years = shifted.wrapping_mul(20).wrapping_sub(2442) / 7305;
                let rest = shifted.wrapping_sub(years.wrapping_mul(36_525) / 100);
                let months = rest.wrapping_mul(10_000) / 306_001;
                let day = rest.wrapping_sub(months.wrapping_mul(306_001) / 10_000);
                let month = months.wrapping_sub(if months < 14 { 1 } else { 13 });
                (years.wrapping_sub(if month > 2 { 4716 } else { 4715 }), month, day)
            }
        };
        self.date = Some(date);
        Ok(date)
    }

    /// Hours, minutes and seconds, made of the milliseconds if need be.
    fn time(&mut self) -> Result<(i64, i64, f64), Wrong> {
        if let Some(time) = self.time {
            return Ok(time);
        }
        let millis = self.julian()?.wrapping_add(DAY / 2).wrapping_rem(DAY);
        let seconds = millis / 1000;
        let whole = seconds.wrapping_rem(60);
        let fraction = millis as f64 / 1000.0 - seconds as f64;
        let time = (seconds / 3600, (seconds / 60).wrapping_rem(60), whole as f64 + fraction);
        self.raw = None;
        self.time = Some(time);
        Ok(time)
    }

    /// Only the milliseconds count from here on.
    fn set(&mut self, julian: i64) {
        *self = Moment { julian: Some(julian), raw: self.raw, ..Moment::default() };
    }

    /// Both date and time are known, and the milliseconds will be made of them.
    fn calendar(&mut self) -> Result<(i64, i64, i64), Wrong> {
        self.time()?;
        let date = self.date()?;
        self.julian = None;
        Ok(date)
    }

    fn modify(&mut self, modifier: &[u8], first: bool) -> Result<(), Wrong> {
        let rest = |word: &[u8]| {
            let (head, rest) = modifier.split_at_checked(word.len())?;
            head.eq_ignore_ascii_case(word).then_some(rest)
        };
        let is = |word: &[u8]| modifier.eq_ignore_ascii_case(word);
        if is(b"localtime") || is(b"utc") {
            return Err(Wrong::Fault(ErrorKind::Unsupported.into()));
        }
        if is(b"julianday") && first && self.julian.is_some() && self.raw.take().is_some() {
            return Ok(());
        }
        if is(b"auto") && first {
            match self.raw {
                Some(raw) if self.julian.is_none() => self.of_unix(raw, -210_866_760_000.0..=253_402_300_799.0)?,
                _ => self.raw = None,
            }
            return Ok(());
        }
        if is(b"unixepoch")
            && first
            && let Some(raw) = self.raw
        {
            return self.of_unix(raw, -210_866_760_000.0..=253_402_300_799.999);
        }
        if let Some(day) = rest(b"weekday ") {
            let number = number(day).filter(|number| (0.0..7.0).contains(number) && *number == *number as i64 as f64);
            return self.go_to_weekday(number.ok_or(Wrong::NoTime)? as i64);
        }
        if let Some(unit) = rest(b"start of ") {
            return self.go_to_start(unit);
        }
        if matches!(modifier.first(), Some(b'+' | b'-' | b'0'..=b'9')) {
            return self.add(modifier);
        }
        Err(Wrong::NoTime)
    }

    /// Takes the raw number for seconds since 1970.
    fn of_unix(&mut self, seconds: f64, range: core::ops::RangeInclusive<f64>) -> Result<(), Wrong> {
        let millis = seconds * 1000.0 + UNIX as f64;
        if !range.contains(&seconds) {
            return Err(Wrong::NoTime);
        }
        self.raw = None;
        self.set((millis + 0.5) as i64);
        Ok(())
    }

    /// Forward to the next such day, 0 for Sunday, or nowhere if it is one.
    fn go_to_weekday(&mut self, weekday: i64) -> Result<(), Wrong> {
        self.calendar()?;
        self.zone = 0;
        let julian = self.julian()?;
        let mut today = (julian.wrapping_add(DAY.wrapping_mul(3) / 2) / DAY).wrapping_rem(7);
        if today > weekday {
            today = today.wrapping_sub(7);
        }
        self.set(julian.wrapping_add(weekday.wrapping_sub(today).wrapping_mul(DAY)));
        Ok(())
    }

    fn go_to_start(&mut self, unit: &[u8]) -> Result<(), Wrong> {
        if self.julian.is_none() && self.date.is_none() && self.time.is_none() {
            return Err(Wrong::NoTime);
        }
        let (year, month, day) = self.date()?;
        let start = if unit.eq_ignore_ascii_case(b"month") {
            (year, month, 1)
        } else if unit.eq_ignore_ascii_case(b"year") {
            (year, 1, 1)
        } else if unit.eq_ignore_ascii_case(b"day") {
            (year, month, day)
        } else {
            return Err(Wrong::NoTime);
        };
        *self = Moment { date: Some(start), time: Some((0, 0, 0.0)), ..Moment::default() };
        Ok(())
    }

    /// `±HH:MM[:SS]` or `NNN days` and the like.
    fn add(&mut self, modifier: &[u8]) -> Result<(), Wrong> {
        let is_end = |byte: &u8| *byte == b':' || text::is_space(*byte);
        let end = modifier.iter().skip(1).position(is_end).map_or(modifier.len(), |at| at.saturating_add(1));
        let (amount, rest) = modifier.split_at_checked(end).unwrap_or((modifier, &[]));
        let mut amount = number(amount).ok_or(Wrong::NoTime)?;
        if rest.first() == Some(&b':') {
            return self.add_time(modifier);
        }
        let mut unit = rest;
        skip_spaces(&mut unit);
        if !(3..=10).contains(&unit.len()) {
            return Err(Wrong::NoTime);
        }
        if let Some((b's' | b'S', singular)) = unit.split_last() {
            unit = singular;
        }
        self.julian()?;
        /// Unit, most of it, seconds in it.
        const UNITS: [(&[u8], f64, f64); 6] = [
            (b"second", 464_269_060_800.0, 1.0),
            (b"minute", 7_737_817_680.0, 60.0),
            (b"hour", 128_963_628.0, 3600.0),
            (b"day", 5_373_485.0, 86_400.0),
            (b"month", 176_546.0, 2_592_000.0),
            (b"year", 14_713.0, 31_536_000.0),
        ];
        let round = if amount < 0.0 { -0.5 } else { 0.5 };
        for (name, most, seconds) in UNITS {
            if !unit.eq_ignore_ascii_case(name) || amount <= -most || amount >= most {
                continue;
            }
            let whole = amount as i64;
            if name == b"month" {
                let (year, month, day) = self.calendar()?;
                let month = month.wrapping_add(whole);
                let years = if month > 0 { month.wrapping_sub(1) } else { month.wrapping_sub(12) } / 12;
                self.date = Some((year.wrapping_add(years), month.wrapping_sub(years.wrapping_mul(12)), day));
                amount -= whole as f64;
            } else if name == b"year" {
                let (year, month, day) = self.calendar()?;
                self.date = Some((year.wrapping_add(whole), month, day));
                amount -= whole as f64;
            }
            let julian = self.julian()?;
            self.set(julian.wrapping_add((amount * 1000.0 * seconds + round) as i64));
            return Ok(());
        }
        Err(Wrong::NoTime)
    }

    fn add_time(&mut self, modifier: &[u8]) -> Result<(), Wrong> {
        let unsigned = match modifier.split_first() {
            Some((b'+' | b'-', rest)) => rest,
            _ => modifier,
        };
        let mut other = Moment::default();
        other.parse_time(unsigned).ok_or(Wrong::NoTime)?;
        let millis = other.julian()?.wrapping_sub(DAY / 2).wrapping_rem(DAY);
        let millis = if modifier.first() == Some(&b'-') { millis.wrapping_neg() } else { millis };
        let julian = self.julian()?;
        self.set(julian.wrapping_add(millis));
        Ok(())
    }
}

/// All of a text as a number.
fn number(bytes: &[u8]) -> Option<f64> {
    match text::number(bytes) {
        (text::Number::Integer(integer), true) => Some(integer as f64),
        (text::Number::Real(real), true) => Some(real),
        _ => None,
    }
}

/// Appends the moment in a format of strftime; `None` where the format is wrong. A year before 0 has four digits with
/// `long`, three without.
fn write(moment: &mut Moment, format: &[u8], long: bool, out: &mut Scratch<'_>) -> Option<()> {
    let julian = moment.julian().ok()?;
    let (hours, minutes, seconds) = moment.time().ok()?;
    let (year, month, day) = moment.date().ok()?;
    let mut format = format.iter();
    while let Some(byte) = format.next() {
        if *byte != b'%' {
            out.push(*byte);
            continue;
        }
        match format.next()? {
            b'd' => padded(day, 2, out),
            b'f' => {
                if seconds < 9.9995 {
                    out.push(b'0');
                }
                decimal::write(seconds.min(59.999), Style::new(Conversion::Fixed, 3), out);
            }
            b'H' => padded(hours, 2, out),
            b'j' => padded(day_of_year(moment, julian, year)?.wrapping_add(1), 3, out),
            b'J' => decimal::write(julian as f64 / DAY as f64, Style::new(Conversion::General, 16), out),
            b'm' => padded(month, 2, out),
            b'M' => padded(minutes, 2, out),
            b's' => text::write_integer((julian / 1000).wrapping_sub(UNIX / 1000), out),
            b'S' => padded(seconds as i64, 2, out),
            b'w' => text::write_integer((julian.wrapping_add(DAY.wrapping_mul(3) / 2) / DAY).wrapping_rem(7), out),
            b'W' => {
                let weekday = (julian.wrapping_add(DAY / 2) / DAY).wrapping_rem(7);
                padded(day_of_year(moment, julian, year)?.wrapping_add(7).wrapping_sub(weekday) / 7, 2, out);
            }
            b'Y' => padded(year, if long && year < 0 { 5 } else { 4 }, out),
            b'%' => out.push(b'%'),
            _ => return None,
        }
    }
    Some(())
}

/// Days since the first of January at the same time of day, which may be 24 hours.
fn day_of_year(moment: &Moment, julian: i64, year: i64) -> Option<i64> {
    let mut first = Moment { julian: None, raw: None, date: Some((year, 1, 1)), ..*moment };
    let first = first.julian().ok()?;
    Some(julian.wrapping_sub(first).wrapping_add(DAY / 2) / DAY)
}

/// At least `width` characters, with zeros in front and a minus before them.
fn padded(number: i64, width: usize, out: &mut Scratch<'_>) {
    let start = out.len();
    text::write_integer(number, out);
    let length = out.len().saturating_sub(start);
    out.insert(start.saturating_add(usize::from(number < 0)), b'0', width.saturating_sub(length));
}
