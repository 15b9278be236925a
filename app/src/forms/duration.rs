//! Spans of time as people type them: "90 days", "1 h 30 min", or ISO 8601.

use api::IsoDuration;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
const WEEK: u64 = 7 * DAY;

const EXAMPLE: &str = "Write a span such as 90 days, 12 hours, 30 minutes or P90D.";

/// Reads a span.
///
/// # Errors
/// In words that stand beside the field.
pub fn parse(typed: &str) -> Result<IsoDuration, String> {
    let text = typed.trim();
    if text.is_empty() {
        return Err(EXAMPLE.to_owned());
    }
    let upper = text.to_ascii_uppercase();
    if upper.starts_with('P') {
        return upper
            .parse()
            .map_err(|error: api::duration::InvalidDuration| match error {
                api::duration::InvalidDuration::Malformed(_) => EXAMPLE.to_owned(),
                api::duration::InvalidDuration::Calendar(_) => no_months(),
                api::duration::InvalidDuration::TooLong(_) => too_long(),
            });
    }
    sum(text)
}

/// A span as this module reads it back: "90 days", "1 hour 30 minutes".
pub fn write(span: IsoDuration) -> String {
    let mut rest = span.as_seconds();
    let mut parts = Vec::new();
    for (length, unit) in [(DAY, "day"), (HOUR, "hour"), (MINUTE, "minute"), (1, "second")] {
        let number = rest / length;
        rest %= length;
        if number > 0 {
            parts.push(format!("{number} {unit}{}", if number == 1 { "" } else { "s" }));
        }
    }
    if parts.is_empty() {
        "0 seconds".into()
    } else {
        parts.join(" ")
    }
}

/// Adds up "1 day 12 hours": numbers, each with its unit.
fn sum(text: &str) -> Result<IsoDuration, String> {
    let mut total = 0_u64;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest
            .find(|letter: char| !letter.is_ascii_digit())
            .unwrap_or(rest.len());
        let (number, after) = rest.split_at(digits);
        let after = after.trim_start();
        let letters = after
            .find(|letter: char| !letter.is_alphabetic())
            .unwrap_or(after.len());
        let (unit, after) = after.split_at(letters);
        if number.is_empty() || unit.is_empty() {
            return Err(EXAMPLE.to_owned());
        }
        let number: u64 = number.parse().map_err(|_| too_long())?;
        total = number
            .checked_mul(length_of(unit)?)
            .and_then(|span| total.checked_add(span))
            .ok_or_else(too_long)?;
        rest = after
            .trim_start_matches([' ', ',', '\t'])
            .trim_start_matches("and ");
    }
    // What the wire cannot carry back is no span we keep: microseconds must fit 63 bits.
    if total > i64::MAX as u64 / 1_000_000 {
        return Err(too_long());
    }
    Ok(IsoDuration::from_seconds(total))
}

fn length_of(unit: &str) -> Result<u64, String> {
    match unit.to_lowercase().as_str() {
        "s" | "sec" | "secs" | "second" | "seconds" => Ok(1),
        "m" | "min" | "mins" | "minute" | "minutes" => Ok(MINUTE),
        "h" | "hr" | "hrs" | "hour" | "hours" => Ok(HOUR),
        "d" | "day" | "days" => Ok(DAY),
        "w" | "week" | "weeks" => Ok(WEEK),
        "month" | "months" | "y" | "year" | "years" => Err(no_months()),
        _ => Err(EXAMPLE.to_owned()),
    }
}

fn no_months() -> String {
    "Months and years have no fixed length. Write days, such as 30 days or 365 days.".into()
}

fn too_long() -> String {
    "This span is longer than any that can be kept.".into()
}
