//! Moments: RFC 3339 on the wire, microseconds since the Unix epoch inside.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

const MICROS_PER_SECOND: i64 = 1_000_000;
const SECONDS_PER_DAY: i64 = 86_400;

/// A moment in UTC. It labels; it never orders versions.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
pub struct Timestamp(i64);

/// Why a text is not a moment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not an RFC 3339 time; write one like 2026-03-01T09:30:00Z")]
pub struct InvalidTimestamp(String);

impl Timestamp {
    /// A moment from microseconds since the Unix epoch.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since the Unix epoch.
    #[must_use]
    pub const fn as_micros(self) -> i64 {
        self.0
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.div_euclid(MICROS_PER_SECOND);
        let micros = self.0.rem_euclid(MICROS_PER_SECOND);
        let (year, month, day) = civil_from_days(seconds.div_euclid(SECONDS_PER_DAY));
        let second_of_day = seconds.rem_euclid(SECONDS_PER_DAY);
        let (hour, minute, second) = (second_of_day / 3600, second_of_day / 60 % 60, second_of_day % 60);
        write!(
            formatter,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"
        )?;
        if micros != 0 {
            let fraction = format!("{micros:06}");
            write!(formatter, ".{}", fraction.trim_end_matches('0'))?;
        }
        formatter.write_str("Z")
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl FromStr for Timestamp {
    type Err = InvalidTimestamp;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text)
            .map(Self)
            .ok_or_else(|| InvalidTimestamp(text.chars().take(64).collect()))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

fn parse(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    // Every byte is checked to be ASCII first, so that the slices below cut no character.
    if !text.is_ascii() || bytes.len() < 20 {
        return None;
    }
    let separators = [(4, b'-'), (7, b'-'), (13, b':'), (16, b':')];
    if separators.iter().any(|(at, expected)| bytes[*at] != *expected)
        || !matches!(bytes[10], b'T' | b't' | b' ')
    {
        return None;
    }
    let (year, month, day) = (number(&text[0..4])?, number(&text[5..7])?, number(&text[8..10])?);
    let (hour, minute, second) = (
        number(&text[11..13])?,
        number(&text[14..16])?,
        number(&text[17..19])?,
    );
    // Second 60 is a leap second: it is allowed by RFC 3339 and lands on the next second.
    if !(1..=12).contains(&month) || day < 1 || day > days_in_month(year, month) {
        return None;
    }
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let (fraction, zone) = split_fraction(&text[19..])?;
    let days = days_from_civil(year, month, day);
    let seconds = days * SECONDS_PER_DAY + hour * 3600 + minute * 60 + second - offset_seconds(zone)?;
    Some(seconds * MICROS_PER_SECOND + fraction)
}

/// Microseconds and the rest; digits finer than a microsecond are dropped.
fn split_fraction(rest: &str) -> Option<(i64, &str)> {
    let Some(after_point) = rest.strip_prefix('.') else {
        return Some((0, rest));
    };
    let digits_end = after_point.find(|character: char| !character.is_ascii_digit())?;
    if digits_end == 0 {
        return None;
    }
    let kept = &after_point[..digits_end.min(6)];
    let scale = 10_i64.pow(u32::try_from(6 - kept.len()).ok()?);
    Some((number(kept)? * scale, &after_point[digits_end..]))
}

fn offset_seconds(zone: &str) -> Option<i64> {
    if matches!(zone, "Z" | "z") {
        return Some(0);
    }
    let bytes = zone.as_bytes();
    if bytes.len() != 6 || bytes[3] != b':' {
        return None;
    }
    let (hours, minutes) = (number(&zone[1..3])?, number(&zone[4..6])?);
    if hours > 23 || minutes > 59 {
        return None;
    }
    let magnitude = hours * 3600 + minutes * 60;
    match bytes[0] {
        b'+' => Some(magnitude),
        b'-' => Some(-magnitude),
        _ => None,
    }
}

fn number(digits: &str) -> Option<i64> {
    if digits.bytes().all(|byte| byte.is_ascii_digit()) {
        digits.parse().ok()
    } else {
        None
    }
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days since 1970-01-01 in the proleptic Gregorian calendar, counted in years that start in March.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let march_year = if month <= 2 { year - 1 } else { year };
    let era = march_year.div_euclid(400);
    let year_of_era = march_year.rem_euclid(400);
    let march_month = (month + 9) % 12;
    let day_of_year = (153 * march_month + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 {
        march_month + 3
    } else {
        march_month - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, micros: i64, written: &str) {
        let moment: Timestamp = text.parse().unwrap();
        assert_eq!(moment.as_micros(), micros, "{text}");
        assert_eq!(moment.to_string(), written, "{text}");
        assert_eq!(written.parse::<Timestamp>().unwrap(), moment, "{text}");
    }

    #[test]
    fn reads_and_writes_rfc_3339() {
        check("1970-01-01T00:00:00Z", 0, "1970-01-01T00:00:00Z");
        check("1969-12-31T23:59:59.5Z", -500_000, "1969-12-31T23:59:59.5Z");
        check(
            "2024-02-29T12:00:00.123456789Z",
            1_709_208_000_123_456,
            "2024-02-29T12:00:00.123456Z",
        );
        check(
            "2026-11-21T14:08:08.120+02:00",
            1_795_262_888_120_000,
            "2026-11-21T12:08:08.12Z",
        );
        check(
            "2016-12-31t23:59:60z",
            1_483_228_800_000_000,
            "2017-01-01T00:00:00Z",
        );
        check(
            "0001-01-01T00:00:00-23:59",
            -62_135_510_460_000_000,
            "0001-01-01T23:59:00Z",
        );
        check(
            "9999-12-31T23:59:59Z",
            253_402_300_799_000_000,
            "9999-12-31T23:59:59Z",
        );
    }

    #[test]
    fn every_day_of_four_centuries_survives() {
        for day in -146_097..146_097 {
            let (year, month, day_of_month) = civil_from_days(day);
            assert_eq!(days_from_civil(year, month, day_of_month), day);
        }
    }

    #[test]
    fn refuses_what_is_not_a_time() {
        for text in [
            "",
            "2026-11-21",
            "2026-11-21T12:08:08",
            "2026-13-21T12:08:08Z",
            "2026-02-29T12:08:08Z",
            "2026-00-10T12:08:08Z",
            "2026-11-00T12:08:08Z",
            "2026-11-21T24:08:08Z",
            "2026-11-21T12:60:08Z",
            "2026-11-21T12:08:61Z",
            "2026-11-21T12:08:08.Z",
            "2026-11-21T12:08:08.1",
            "2026-11-21T12:08:08+0200",
            "2026-11-21T12:08:08+24:00",
            "2026-11-21T12:08:08Z ",
            "2026-11-21T12:08:0éZ",
            "+026-11-21T12:08:08Z",
        ] {
            assert!(text.parse::<Timestamp>().is_err(), "{text}");
        }
    }
}
