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
mod reader;

use super::string::before_nul;
use super::{Call, Id};
use crate::sqlite3::decimal::{self, Conversion, Style};
use crate::sqlite3::error::ErrorKind;
use crate::sqlite3::real;
use crate::sqlite3::scratch::Scratch;
use crate::sqlite3::text;
use crate::sqlite3::value::Value;
use moment::{LAST, Moment, NO_TIME, julian_day, split, unix_seconds};

/// Calls one of the functions.
pub(crate) fn call<'a>(c: &mut Call<'a, '_>) -> Value<'a> {
    let first = usize::from(c.id == Id::Strftime);
    if c.count < first {
        return Value::Null;
    }
    let mut moment = Moment::default();
    read(c, first, &mut moment);
    match moment.wrong {
        None => {}
        Some(NO_TIME) => return Value::Null,
        Some(kind) => return c.fail(kind),
    }
    let format: &[u8] = match c.id {
        Id::JulianDay => return Value::Real(julian_day(moment.julian)),
        Id::UnixEpoch => return Value::Integer(unix_seconds(moment.julian)),
        Id::DateTime => b"%Y-%m-%d %H:%M:%S",
        Id::Time => b"%H:%M:%S",
        Id::Date => b"%Y-%m-%d",
        _ => before_nul(c.text(0)),
    };
    if write(&mut moment, format, c.id != Id::Strftime, c.scratch).is_none() {
        c.scratch.truncate(0);
        return Value::Null;
    }
    c.written()
}

/// The moment that the arguments from `first` on say.
#[inline(never)]
fn read(c: &mut Call<'_, '_>, first: usize, moment: &mut Moment) {
    // Without an argument the time is now.
    if c.count <= first {
        return moment.fail(ErrorKind::Unsupported);
    }
    match c.argument(first) {
        number @ (Value::Integer(_) | Value::Real(_)) => moment.of_number(number.to_real()),
        _ => moment.parse(before_nul(c.text(first))),
    }
    let modifiers = first.saturating_add(1);
    for at in modifiers..c.count {
        if moment.wrong.is_some() {
            break;
        }
        let modifier = before_nul(c.text(at));
        moment.modify(modifier, at == modifiers);
    }
    moment.make_julian();
    if !(0..=LAST).contains(&moment.julian) {
        moment.fail(NO_TIME);
    }
}

/// Appends the moment in a format of strftime; `None` where the format is wrong. A year before 0 has four digits with
/// `long`, three without.
#[inline(never)]
fn write(moment: &mut Moment, format: &[u8], long: bool, out: &mut Scratch<'_>) -> Option<()> {
    moment.make_calendar();
    let Moment { julian, month, day, .. } = *moment;
    let (today, _) = split(julian);
    // What is left of it is the first of January, at the same time of day, which may be 24 hours.
    (moment.month, moment.day, moment.has_julian, moment.has_raw) = (1, 1, false, false);
    moment.make_julian();
    let (day_of_year, _) = split(julian.wrapping_sub(moment.julian));
    let mut format = format.iter();
    while let Some(byte) = format.next() {
        if *byte != b'%' {
            out.push(*byte);
            continue;
        }
        let (number, width): (i32, usize) = match format.next()? {
            b'd' => (day, 2),
            b'f' => {
                let seconds = moment.seconds;
                if real::order(seconds, 9.9995).is_lt() {
                    out.push(b'0');
                }
                let seconds = if real::order(seconds, 59.999).is_lt() { seconds } else { 59.999 };
                decimal::write(seconds, Style::new(Conversion::Fixed, 3), out);
                continue;
            }
            b'H' => (moment.hours, 2),
            b'j' => (day_of_year.wrapping_add(1), 3),
            b'J' => {
                decimal::write(julian_day(julian), Style::new(Conversion::General, 16), out);
                continue;
            }
            b'm' => (month, 2),
            b'M' => (moment.minutes, 2),
            b's' => {
                text::write_integer(unix_seconds(julian), out);
                continue;
            }
            b'S' => (real::whole(moment.seconds) as i32, 2),
            b'w' => (today.wrapping_add(1).wrapping_rem(7), 1),
            b'W' => (day_of_year.wrapping_add(7).wrapping_sub(today.wrapping_rem(7)) / 7, 2),
            b'Y' => (moment.year, if long && moment.year < 0 { 5 } else { 4 }),
            b'%' => {
                out.push(b'%');
                continue;
            }
            _ => return None,
        };
        // At least so wide, with zeros in front and a minus before them.
        let start = out.len();
        text::write_integer(number.into(), out);
        let length = out.len().saturating_sub(start);
        out.insert(start.saturating_add(usize::from(number < 0)), b'0', width.saturating_sub(length));
    }
    Some(())
}
