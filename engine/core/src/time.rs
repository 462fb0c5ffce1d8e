//! Instants and lengths of time, in whole milliseconds.

use serde::{Deserialize, Serialize};
use std::fmt;

/// An instant: milliseconds since the Unix epoch, UTC. Its display form for people is made in the shell, which
/// knows the time zone; [`fmt::Display`] here is RFC 3339 in UTC, for logs and expressions.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default,
)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

/// A length of time in milliseconds, never negative.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default,
)]
#[serde(transparent)]
pub struct Millis(pub u64);

impl Timestamp {
    /// This instant moved later; stops at the end of time rather than wrapping.
    #[must_use]
    pub fn after(self, length: Millis) -> Timestamp {
        Timestamp(
            self.0
                .saturating_add(i64::try_from(length.0).unwrap_or(i64::MAX)),
        )
    }

    /// How long it is from `earlier` to this instant; zero if `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Timestamp) -> Millis {
        Millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

/// The parts of an instant in UTC, by the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Civil {
    /// The year; 0 and less before the year 1.
    pub year: i64,
    /// The month, from 1.
    pub month: i64,
    /// The day of the month, from 1.
    pub day: i64,
    /// The day of the year, from 1.
    pub day_of_year: i64,
    /// The day of the week; 0 is a Monday.
    pub weekday: i64,
    /// The hour, from 0 to 23.
    pub hour: i64,
    /// The minute, from 0 to 59.
    pub minute: i64,
    /// The second, from 0 to 59.
    pub second: i64,
    /// The millisecond, from 0 to 999.
    pub millisecond: i64,
}

impl Timestamp {
    /// Its parts in UTC.
    #[must_use]
    pub fn civil(self) -> Civil {
        let (days, rest) = (self.0.div_euclid(86_400_000), self.0.rem_euclid(86_400_000));
        let (year, month, day) = civil_from_days(days);
        let is_leap =
            year.rem_euclid(4) == 0 && year.rem_euclid(100) != 0 || year.rem_euclid(400) == 0;
        // Days before the month: from March on they are counted as `civil_from_days` does.
        let before = match month {
            1 => 0,
            2 => 31,
            _ => (153 * (month - 3) + 2) / 5 + 59 + i64::from(is_leap),
        };
        Civil {
            year,
            month,
            day,
            day_of_year: before + day,
            // The first of January 1970 was a Thursday.
            weekday: days.saturating_add(3).rem_euclid(7),
            hour: rest / 3_600_000,
            minute: rest / 60_000 % 60,
            second: rest / 1000 % 60,
            millisecond: rest % 1000,
        }
    }
}

impl Millis {
    /// In whole seconds, cut off, as people are told lengths; less than a second stays as it is.
    #[must_use]
    pub fn in_seconds(self) -> Millis {
        match self.0 {
            0..1000 => self,
            ms => Millis(ms - ms % 1000),
        }
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Civil {
            year,
            month,
            day,
            hour,
            minute,
            second,
            ..
        } = self.civil();
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"
        )?;
        match self.0.rem_euclid(1000) {
            0 => f.write_str("Z"),
            ms => write!(f, ".{ms:03}Z"),
        }
    }
}

/// Days since 1970-01-01 to a proleptic Gregorian date, by counting 400-year eras that begin on 1 March.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days.saturating_add(719_468);
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

/// Why a text is not an instant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a time; write it as 2026-01-31T03:00:00Z, with its offset")]
pub struct BadTimestamp(pub String);

impl std::str::FromStr for Timestamp {
    type Err = BadTimestamp;

    /// RFC 3339: `2026-01-31T03:00:00Z`, with optional fraction (milliseconds are kept) and any offset; a blank may
    /// stand for the `T`, and `+02` for `+02:00`, as databases write it.
    fn from_str(text: &str) -> Result<Self, BadTimestamp> {
        parse_timestamp(text).ok_or_else(|| BadTimestamp(text.to_owned()))
    }
}

fn parse_timestamp(text: &str) -> Option<Timestamp> {
    fn digits(text: &str) -> Option<i64> {
        if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        text.parse().ok()
    }
    let (date, time) = text.split_once(['T', 't', ' '])?;
    let mut date = date.splitn(3, '-');
    let (year, month, day) = (date.next()?, date.next()?, date.next()?);
    if year.len() != 4 || month.len() != 2 || day.len() != 2 {
        return None;
    }
    let (year, month, day) = (digits(year)?, digits(month)?, digits(day)?);
    let at = time.find(['Z', 'z', '+', '-'])?;
    let (clock, offset) = (time.get(..at)?, time.get(at..)?);
    let offset = match offset {
        "Z" | "z" => 0,
        _ => {
            let sign = if offset.starts_with('-') { -1 } else { 1 };
            let offset = offset.get(1..)?;
            // Databases leave the minutes of a whole hour out.
            let (hours, minutes) = match offset.len() {
                2 => (offset, "00"),
                _ => offset.split_once(':')?,
            };
            let (hours, minutes) = (digits(hours)?, digits(minutes)?);
            if hours > 23 || minutes > 59 {
                return None;
            }
            sign * (hours * 60 + minutes) * 60_000
        }
    };
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let fraction: String = fraction.chars().chain("000".chars()).take(3).collect();
    let mut clock = clock.splitn(3, ':');
    let (hour, minute, second) = (
        digits(clock.next()?)?,
        digits(clock.next()?)?,
        digits(clock.next()?)?,
    );
    let leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    let length = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if day < 1 || day > length || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    // Days from the civil date, the inverse of `civil_from_days`.
    let shifted_year = year - i64::from(month <= 2);
    let era = shifted_year.div_euclid(400);
    let year_of_era = shifted_year.rem_euclid(400);
    let shifted_month = (month + 9) % 12;
    let day_of_year = (153 * shifted_month + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    let days = era * 146_097 + day_of_era - 719_468;
    Some(Timestamp(
        days * 86_400_000 + hour * 3_600_000 + minute * 60_000 + second * 1000 + digits(&fraction)?
            - offset,
    ))
}

/// Units a length of time may be written in, longest first, with their milliseconds.
const UNITS: [(&str, u64); 5] = [
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1000),
    ("ms", 1),
];

/// Why a text is not a length of time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a length of time; write it as 500ms, 30s, 10m, 2h, 1d or 1h30m")]
pub struct BadMillis(pub String);

impl std::str::FromStr for Millis {
    type Err = BadMillis;

    /// `500ms`, `30s`, `10m`, `2h`, `1d`, or several in falling order: `1h30m`.
    fn from_str(text: &str) -> Result<Self, BadMillis> {
        let bad = || BadMillis(text.to_owned());
        let mut rest = text;
        let (mut total, mut smallest) = (0u64, u64::MAX);
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(bad)?;
            let amount: u64 = rest
                .get(..digits)
                .unwrap_or("")
                .parse()
                .map_err(|_| bad())?;
            rest = rest.get(digits..).unwrap_or("");
            let letters = rest
                .find(|c: char| c.is_ascii_digit())
                .unwrap_or(rest.len());
            let unit = rest.get(..letters).unwrap_or("");
            rest = rest.get(letters..).unwrap_or("");
            let (_, size) = UNITS
                .iter()
                .find(|(name, _)| *name == unit)
                .ok_or_else(bad)?;
            if *size >= smallest {
                return Err(bad());
            }
            smallest = *size;
            total = amount
                .checked_mul(*size)
                .and_then(|ms| total.checked_add(ms))
                .ok_or_else(bad)?;
        }
        if smallest == u64::MAX {
            Err(bad())
        } else {
            Ok(Millis(total))
        }
    }
}

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("0s");
        }
        let mut rest = self.0;
        for (name, size) in UNITS {
            if rest >= size {
                write!(f, "{}{name}", rest / size)?;
                rest %= size;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_read_back_as_written() {
        for (text, ms) in [
            ("500ms", 500),
            ("30s", 30_000),
            ("1h30m", 5_400_000),
            ("2d", 172_800_000),
            ("0s", 0),
        ] {
            assert_eq!(text.parse(), Ok(Millis(ms)));
            assert_eq!(Millis(ms).to_string(), text);
        }
        for bad in [
            "",
            "10",
            "m",
            "10 m",
            "1m1h",
            "1s1s",
            "-1s",
            "1.5h",
            "99999999999999999999d",
            "10min",
        ] {
            assert!(bad.parse::<Millis>().is_err(), "{bad}");
        }
    }

    #[test]
    fn instants_read_back_as_written() {
        for (text, ms) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2024-02-29T23:59:59.250Z", 1_709_251_199_250),
            ("1969-12-31T23:59:59Z", -1000),
        ] {
            assert_eq!(text.parse(), Ok(Timestamp(ms)), "{text}");
            assert_eq!(Timestamp(ms).to_string(), text);
        }
        assert_eq!(
            "2026-01-31T03:00:00+02:00".parse(),
            "2026-01-31T01:00:00Z".parse::<Timestamp>()
        );
        assert_eq!(
            "2026-01-31 03:00:00.5+02".parse(),
            "2026-01-31T01:00:00.500Z".parse::<Timestamp>()
        );
        for bad in [
            "",
            "2026-01-31",
            "2026-01-31T03:00:00+0002",
            "2026-01-31T03:00:00+2",
            "2026-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-01-01T00:00:00",
            "x",
        ] {
            assert!(bad.parse::<Timestamp>().is_err(), "{bad}");
        }
    }
}
