//! Figures as people read them: counts, durations, times, and their plurals.

use std::time::Duration;

use time::{Date, Month, OffsetDateTime, UtcOffset};

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// `1204` as "1,204".
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// "1 instance", "8 instances".
pub fn counted(number: u64, singular: &str) -> String {
    counted_as(number, singular, &format!("{singular}s"))
}

/// "1 entry", "8 entries".
pub fn counted_as(number: u64, singular: &str, plural: &str) -> String {
    let word = if number == 1 { singular } else { plural };
    format!("{} {word}", count(number))
}

/// "1 person needs", "3 people need": the noun and its verb agree.
pub fn choose(number: u64, one: &'static str, many: &'static str) -> &'static str {
    if number == 1 { one } else { many }
}

/// A whole percentage that never rounds up to 100 or down to 0.
pub fn percent(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "–".into();
    }
    let share = part as f64 * 100.0 / whole as f64;
    let rounded = share.round() as u64;
    let honest = match rounded {
        100 if part < whole => 99,
        0 if part > 0 => 1,
        other => other,
    };
    format!("{honest}%")
}

/// "6 days", "3 hours", "40 seconds": the largest unit that fits, for sentences.
pub fn duration(length: Duration) -> String {
    let (number, unit) = largest_unit(length);
    counted(number, unit)
}

/// "6 d", "3 h", "40 s": for tables and rings.
pub fn duration_short(length: Duration) -> String {
    if length < Duration::from_secs(1) && !length.is_zero() {
        return format!("{} ms", length.as_millis());
    }
    let (number, unit) = largest_unit(length);
    let letter = match unit {
        "minute" => "min",
        other => &other[..1],
    };
    format!("{} {letter}", count(number))
}

fn largest_unit(length: Duration) -> (u64, &'static str) {
    let seconds = length.as_secs();
    match seconds {
        DAY.. => (seconds / DAY, "day"),
        HOUR.. => (seconds / HOUR, "hour"),
        MINUTE.. => (seconds / MINUTE, "minute"),
        _ => (seconds, "second"),
    }
}

/// "0.3 seconds", "18 seconds": for what is awaited.
pub fn estimate(length: Duration) -> String {
    if length < Duration::from_secs(10) {
        let tenths = (length.as_secs_f64() * 10.0).ceil() / 10.0;
        return format!("{tenths:.1} s");
    }
    duration_short(length)
}

/// `0:01`, `12:40`, `3:05:00`: how far into a rotation something happened.
pub fn offset(length: Duration) -> String {
    let seconds = length.as_secs();
    let (hours, minutes, rest) = (seconds / HOUR, seconds % HOUR / MINUTE, seconds % MINUTE);
    if hours > 0 {
        return format!("{hours}:{minutes:02}:{rest:02}");
    }
    format!("{minutes}:{rest:02}")
}

/// "6 days ago", "in 3 hours", "just now".
pub fn relative(at: OffsetDateTime, now: OffsetDateTime) -> String {
    let distance = at - now;
    let length = distance.unsigned_abs();
    if length < Duration::from_secs(1) {
        return "just now".into();
    }
    if distance.is_positive() {
        format!("in {}", duration(length))
    } else {
        format!("{} ago", duration(length))
    }
}

/// "3 March", with the year where it is another one.
pub fn day(date: Date, today: Date) -> String {
    if date.year() == today.year() {
        return format!("{} {}", date.day(), date.month());
    }
    format!("{} {} {}", date.day(), date.month(), date.year())
}

/// "21 Nov 2026, 12:08 UTC".
pub fn instant(at: OffsetDateTime) -> String {
    let utc = at.to_offset(UtcOffset::UTC);
    format!(
        "{} {} {}, {:02}:{:02} UTC",
        utc.day(),
        month_short(utc.month()),
        utc.year(),
        utc.hour(),
        utc.minute()
    )
}

/// "12:08:31 UTC".
pub fn clock(at: OffsetDateTime) -> String {
    let utc = at.to_offset(UtcOffset::UTC);
    format!("{:02}:{:02}:{:02} UTC", utc.hour(), utc.minute(), utc.second())
}

/// RFC 3339 in UTC with whole seconds, for `<time datetime>`.
pub fn machine(at: OffsetDateTime) -> String {
    let utc = at.to_offset(UtcOffset::UTC);
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z",
        utc.year(),
        u8::from(utc.month()),
        utc.day(),
        utc.hour(),
        utc.minute(),
        utc.second()
    )
}

/// "Nov".
pub fn month_short(month: Month) -> String {
    month.to_string().chars().take(3).collect()
}

/// "a, b and c".
pub fn list(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [only] => only.clone(),
        [firsts @ .., last] => format!("{} and {last}", firsts.join(", ")),
    }
}

/// A first letter in capitals, for text that starts a sentence.
pub fn sentence_case(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// All but the unreserved characters of RFC 3986: the API takes a path in one spelling only.
const ESCAPED: &percent_encoding::AsciiSet = &percent_encoding::NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A segment of an address, escaped.
pub fn segment(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, ESCAPED).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_grouped_by_thousands() {
        assert_eq!(
            [0, 999, 1_204, 1_000_000].map(count),
            ["0", "999", "1,204", "1,000,000"]
        );
    }

    #[test]
    fn a_percentage_is_not_rounded_to_all_or_none() {
        assert_eq!(percent(999, 1_000), "99%");
        assert_eq!(percent(1, 1_000), "1%");
        assert_eq!(percent(0, 0), "–");
        assert_eq!(percent(2, 2), "100%");
    }

    #[test]
    fn durations_take_the_largest_unit() {
        assert_eq!(duration(Duration::from_secs(86_400)), "1 day");
        assert_eq!(duration(Duration::from_secs(7_300)), "2 hours");
        assert_eq!(duration_short(Duration::from_secs(125)), "2 min");
        assert_eq!(offset(Duration::from_secs(3_725)), "1:02:05");
        assert_eq!(estimate(Duration::from_millis(260)), "0.3 s");
    }

    #[test]
    fn names_and_ids_stay_as_they_are_in_addresses() {
        assert_eq!(segment("orders-api.v2_x"), "orders-api.v2_x");
        assert_eq!(segment("a/b?c=d%"), "a%2Fb%3Fc%3Dd%25");
    }

    #[test]
    fn lists_read_as_sentences() {
        assert_eq!(list(&["a".into(), "b".into(), "c".into()]), "a, b and c");
    }
}
