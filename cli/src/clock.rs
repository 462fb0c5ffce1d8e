//! Times and lengths of time as people at this machine read them.

use jiff::tz::TimeZone;
use piton_core::time::{Millis, Timestamp};
use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

/// The zone times are shown in: the machine's.
fn zone() -> &'static TimeZone {
    static ZONE: OnceLock<TimeZone> = OnceLock::new();
    ZONE.get_or_init(TimeZone::system)
}

/// The present moment by the machine's clock.
#[must_use]
pub fn now() -> Timestamp {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// `03:12:04`, local time.
#[must_use]
pub fn time(at: Timestamp) -> String {
    in_zone(at, zone(), "%H:%M:%S")
}

/// `2026-01-31 03:12:04`, local time.
#[must_use]
pub fn date_time(at: Timestamp) -> String {
    in_zone(at, zone(), "%Y-%m-%d %H:%M:%S")
}

/// The time alone when it is within half a day of `now`, else with its date.
#[must_use]
pub fn near(at: Timestamp, now: Timestamp) -> String {
    if at.0.abs_diff(now.0) < 12 * 3_600_000 {
        time(at)
    } else {
        date_time(at)
    }
}

fn in_zone(at: Timestamp, zone: &TimeZone, form: &str) -> String {
    match jiff::Timestamp::from_millisecond(at.0) {
        Ok(instant) => instant.to_zoned(zone.clone()).strftime(form).to_string(),
        Err(_) => at.to_string(),
    }
}

/// A length of time in at most two units, short enough for a column: `40ms`, `1.2s`, `2m05s`, `1h03m`, `3d04h`.
#[must_use]
pub fn length(length: Millis) -> String {
    let ms = length.0;
    let (seconds, minutes, hours, days) = (ms / 1000, ms / 60_000, ms / 3_600_000, ms / 86_400_000);
    match ms {
        0..1000 => format!("{ms}ms"),
        1000..60_000 => format!("{seconds}.{}s", ms % 1000 / 100),
        60_000..3_600_000 => format!("{minutes}m{:02}s", seconds % 60),
        3_600_000..86_400_000 => format!("{hours}h{:02}m", minutes % 60),
        _ => format!("{days}d{:02}h", hours % 24),
    }
}

/// A length of time while it grows: whole seconds, so that the display does not flicker.
#[must_use]
pub fn running(length: Millis) -> String {
    match length.0 {
        0..60_000 => format!("{}s", length.0 / 1000),
        _ => self::length(length),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_short() {
        for (ms, text) in [
            (0, "0ms"),
            (999, "999ms"),
            (1234, "1.2s"),
            (59_999, "59.9s"),
            (125_000, "2m05s"),
            (3_780_000, "1h03m"),
            (273_600_000, "3d04h"),
        ] {
            assert_eq!(length(Millis(ms)), text);
        }
        assert_eq!(running(Millis(12_900)), "12s");
    }

    #[test]
    fn times_are_shown_in_the_zone() {
        let at = Timestamp(1_709_251_199_250);
        let zone = TimeZone::fixed(jiff::tz::offset(2));
        assert_eq!(
            in_zone(at, &zone, "%Y-%m-%d %H:%M:%S"),
            "2024-03-01 01:59:59"
        );
        assert_eq!(
            in_zone(Timestamp(i64::MAX), &zone, "%H"),
            Timestamp(i64::MAX).to_string()
        );
    }

    #[test]
    fn a_far_time_has_its_date() {
        let at = Timestamp(1_709_251_199_250);
        assert_eq!(near(at, at), time(at));
        assert_eq!(near(at, Timestamp(0)), date_time(at));
    }
}
