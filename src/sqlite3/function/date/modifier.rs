//! What the modifiers of the date functions do to a moment.

use super::moment::{DAY, Moment, NO_TIME, UNIX, days, number, of_day, rounded, skip_spaces, within};
use crate::sqlite3::error::{ErrorKind, Result};
use crate::sqlite3::real;
use crate::sqlite3::text;

impl Moment {
    pub(super) fn modify(&mut self, modifier: &[u8], first: bool) -> Result<()> {
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
