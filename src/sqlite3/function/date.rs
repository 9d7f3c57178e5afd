//! The functions of dates and times, as far as they need neither a clock nor a time zone. (<https://sqlite.org/lang_datefunc.html>)
//!
//! A moment is a number of milliseconds since noon of 24 November 4714 BC (the Julian day, in the calendar that is
//! Gregorian for all time), and at the same time, as far as asked for, a date and a time of day: modifiers change the
//! one or the other, and the order in which one is made of the other decides what overflows into what. `now`,
//! `localtime` and `utc` are [`ErrorKind::Unsupported`]; what is no time gives NULL.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::arithmetic_side_effects)]
#![deny(clippy::panic)]

mod modifier;
mod moment;

use super::string::before_nul;
use super::{Call, Id};
use crate::sqlite3::decimal::{self, Conversion, Style};
use crate::sqlite3::error::{ErrorKind, Result};
use crate::sqlite3::real;
use crate::sqlite3::scratch::Scratch;
use crate::sqlite3::text;
use crate::sqlite3::value::Value;
use moment::{DAY, LAST, Moment, NO_TIME, days, julian_day, unix_seconds};

/// Calls one of the functions.
pub(crate) fn call<'a>(c: &mut Call<'a, '_>) -> Result<Value<'a>> {
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
