//! `format(time, '%Y-%m')`: a time as text, in UTC, by the letters that `strftime` and `date` have for its parts.

use super::error::Fault;
use super::functions::{short, too_long};
use crate::time::{Civil, Timestamp};
use std::fmt::Write;

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

const DAYS: [&str; 7] = [
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
];

/// A time in this form; the text may have so many bytes.
pub(super) fn format(at: Timestamp, form: &str, most_bytes: usize) -> Result<String, Fault> {
    let civil = at.civil();
    let mut text = String::new();
    let mut letters = form.chars();
    while let Some(letter) = letters.next() {
        if letter == '%' {
            let part = letters.next();
            let part = part.ok_or_else(|| unknown("%").help("write `%%` for the letter itself"))?;
            if !put(&mut text, at, &civil, part) {
                return Err(unknown(&format!("%{part}")).help(
                    "there are %Y %m %d %H %M %S %F %T %y %b %B %a %A %j %L (milliseconds) %s %z %Z and %%",
                ));
            }
        } else {
            text.push(letter);
        }
        if text.len() > most_bytes {
            return Err(too_long());
        }
    }
    Ok(text)
}

fn unknown(part: &str) -> Fault {
    Fault::new(format!(
        "`format` knows no part `{}` of a time",
        short(part)
    ))
}

/// Appends a part of a time; false if there is no such part. Writing to a text does not fail.
fn put(text: &mut String, at: Timestamp, civil: &Civil, part: char) -> bool {
    let name = |names: &[&'static str], place: i64| {
        let place = usize::try_from(place).ok();
        place
            .and_then(|place| names.get(place).copied())
            .unwrap_or_default()
    };
    let start = |name: &'static str| name.get(..3).unwrap_or(name);
    let written = match part {
        'Y' => write!(text, "{:04}", civil.year),
        'y' => write!(text, "{:02}", civil.year.rem_euclid(100)),
        'm' => write!(text, "{:02}", civil.month),
        'd' => write!(text, "{:02}", civil.day),
        'H' => write!(text, "{:02}", civil.hour),
        'M' => write!(text, "{:02}", civil.minute),
        'S' => write!(text, "{:02}", civil.second),
        'L' => write!(text, "{:03}", civil.millisecond),
        'j' => write!(text, "{:03}", civil.day_of_year),
        's' => write!(text, "{}", at.0.div_euclid(1000)),
        'F' => write!(
            text,
            "{:04}-{:02}-{:02}",
            civil.year, civil.month, civil.day
        ),
        'T' => write!(
            text,
            "{:02}:{:02}:{:02}",
            civil.hour, civil.minute, civil.second
        ),
        'b' => write!(text, "{}", start(name(&MONTHS, civil.month - 1))),
        'B' => write!(text, "{}", name(&MONTHS, civil.month - 1)),
        'a' => write!(text, "{}", start(name(&DAYS, civil.weekday))),
        'A' => write!(text, "{}", name(&DAYS, civil.weekday)),
        'z' => write!(text, "+0000"),
        'Z' => write!(text, "UTC"),
        '%' => write!(text, "%"),
        _ => return false,
    };
    written.is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn formatted(at: &str, form: &str) -> String {
        let at: Timestamp = at.parse().unwrap();
        format(at, form, 1000).unwrap()
    }

    #[test]
    fn a_time_is_written_as_date_does() {
        // As `date -u -d 2024-02-29T23:05:09.25Z "+…"` writes it.
        let at = "2024-02-29T23:05:09.25Z";
        for (form, text) in [
            ("%Y%m", "202402"),
            ("%F %T", "2024-02-29 23:05:09"),
            ("%a %A %b %B %d", "Thu Thursday Feb February 29"),
            ("%j %y %s", "060 24 1709247909"),
            ("%H:%M:%S.%L %z %Z 100%%", "23:05:09.250 +0000 UTC 100%"),
            ("", ""),
            ("no part", "no part"),
        ] {
            assert_eq!(formatted(at, form), text, "{form}");
        }
        assert_eq!(formatted("2025-12-31T00:00:00Z", "%j %a"), "365 Wed");
        assert_eq!(
            formatted("1969-12-31T23:59:59Z", "%F %A %j"),
            "1969-12-31 Wednesday 365"
        );
        // In UTC, whatever the time was written in.
        assert_eq!(formatted("2026-01-01T00:30:00+02:00", "%Y"), "2025");
    }

    #[test]
    fn what_is_no_part_or_too_long_is_an_error() {
        for form in ["%", "%Q", "100%"] {
            assert!(format(Timestamp(0), form, 1000).is_err(), "{form}");
        }
        assert!(format(Timestamp(0), &"%A".repeat(100), 50).is_err());
    }
}
