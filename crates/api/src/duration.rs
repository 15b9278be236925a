//! Spans of time: ISO 8601 on the wire, whole seconds inside.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
const WEEK: u64 = 7 * DAY;

/// A span in whole seconds, written like `PT30S`, `P30D` or `P1DT2H`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(value_type = String, format = "duration"))]
pub struct IsoDuration(u64);

/// Why a text is not a span we take.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDuration {
    /// Not ISO 8601 at all.
    #[error("\"{0}\" is not an ISO 8601 duration; write one like PT30S, PT15M, P30D or P1DT2H")]
    Malformed(String),
    /// Years and months differ in length.
    #[error("\"{0}\" uses years or months, which have no fixed length; write days, such as P365D or P30D")]
    Calendar(String),
    /// More than the counter holds.
    #[error("\"{0}\" is longer than any span we can keep")]
    TooLong(String),
}

impl IsoDuration {
    /// A span from seconds.
    #[must_use]
    pub const fn from_seconds(seconds: u64) -> Self {
        Self(seconds)
    }

    /// The span in seconds.
    #[must_use]
    pub const fn as_seconds(self) -> u64 {
        self.0
    }
}

impl fmt::Display for IsoDuration {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, hours) = (self.0 / DAY, self.0 % DAY / HOUR);
        let (minutes, seconds) = (self.0 % HOUR / MINUTE, self.0 % MINUTE);
        formatter.write_str("P")?;
        if days > 0 {
            write!(formatter, "{days}D")?;
        }
        if hours + minutes + seconds > 0 || days == 0 {
            formatter.write_str("T")?;
        }
        if hours > 0 {
            write!(formatter, "{hours}H")?;
        }
        if minutes > 0 {
            write!(formatter, "{minutes}M")?;
        }
        if seconds > 0 || self.0 == 0 {
            write!(formatter, "{seconds}S")?;
        }
        Ok(())
    }
}

impl fmt::Debug for IsoDuration {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl FromStr for IsoDuration {
    type Err = InvalidDuration;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let shown = || text.chars().take(64).collect::<String>();
        let malformed = || InvalidDuration::Malformed(shown());
        let body = text.strip_prefix('P').ok_or_else(malformed)?;
        let (date_part, time_part) = match body.split_once('T') {
            Some((_, "")) => return Err(malformed()),
            Some((date, time)) => (date, time),
            None => (body, ""),
        };
        if date_part.is_empty() && time_part.is_empty() {
            return Err(malformed());
        }
        if date_part.contains(['Y', 'M']) {
            return Err(InvalidDuration::Calendar(shown()));
        }
        let dates = sum(date_part, &[('W', WEEK), ('D', DAY)]).ok_or_else(malformed)?;
        let times = sum(time_part, &[('H', HOUR), ('M', MINUTE), ('S', 1)]).ok_or_else(malformed)?;
        match dates
            .zip(times)
            .and_then(|(dates, times)| dates.checked_add(times))
        {
            Some(seconds) => Ok(Self(seconds)),
            None => Err(InvalidDuration::TooLong(shown())),
        }
    }
}

/// Adds `12H30M` up by its units, which stand in order and at most once: None if malformed, `Some(None)` if too long.
fn sum(mut rest: &str, units: &[(char, u64)]) -> Option<Option<u64>> {
    let mut total = Some(0_u64);
    let mut units = units.iter();
    while !rest.is_empty() {
        let digits_end = rest.find(|character: char| !character.is_ascii_digit())?;
        let designator = rest[digits_end..].chars().next()?;
        let (_, factor) = units.find(|(unit, _)| *unit == designator)?;
        if digits_end == 0 {
            return None;
        }
        let amount = rest[..digits_end]
            .parse::<u64>()
            .ok()
            .and_then(|amount| amount.checked_mul(*factor));
        total = total
            .zip(amount)
            .and_then(|(total, amount)| total.checked_add(amount));
        rest = &rest[digits_end + 1..];
    }
    Some(total)
}

impl Serialize for IsoDuration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for IsoDuration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes_iso_8601() {
        for (text, seconds, written) in [
            ("PT30S", 30, "PT30S"),
            ("P30D", 30 * DAY, "P30D"),
            ("P1DT2H", DAY + 2 * HOUR, "P1DT2H"),
            ("P1W", WEEK, "P7D"),
            (
                "P1W2DT3H4M5S",
                WEEK + 2 * DAY + 3 * HOUR + 4 * MINUTE + 5,
                "P9DT3H4M5S",
            ),
            ("PT90M", 90 * MINUTE, "PT1H30M"),
            ("PT0S", 0, "PT0S"),
            ("P0D", 0, "PT0S"),
            ("PT3600S", HOUR, "PT1H"),
        ] {
            let span: IsoDuration = text.parse().unwrap();
            assert_eq!(span.as_seconds(), seconds, "{text}");
            assert_eq!(span.to_string(), written, "{text}");
            assert_eq!(written.parse::<IsoDuration>().unwrap(), span);
        }
    }

    #[test]
    fn refuses_with_a_reason() {
        for text in [
            "", "P", "PT", "30", "30s", "P1DT", "PT1.5S", "-PT5S", "P-1D", "PTS", "PT1S1H", "PT1H1H", "P1H",
            "pt5s", "PT5Sx", "PTé",
        ] {
            assert!(
                matches!(text.parse::<IsoDuration>(), Err(InvalidDuration::Malformed(_))),
                "{text}"
            );
        }
        for text in ["P1Y", "P3M", "P1Y2DT3H"] {
            assert!(
                matches!(text.parse::<IsoDuration>(), Err(InvalidDuration::Calendar(_))),
                "{text}"
            );
        }
        for text in [
            "PT99999999999999999999S",
            "P9999999999999999999D",
            "P1DT18446744073709551615S",
        ] {
            assert!(
                matches!(text.parse::<IsoDuration>(), Err(InvalidDuration::TooLong(_))),
                "{text}"
            );
        }
        assert_eq!(
            "PT18446744073709551615S".parse(),
            Ok(IsoDuration::from_seconds(u64::MAX))
        );
    }
}
