//! What several forms read alike.

use api::IsoDuration;
use serde_json::Value;

use super::{FieldErrors, duration};

/// Blank means none.
pub(super) fn filled(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// Trimmed; refused when blank.
pub(super) fn required(errors: &mut FieldErrors, field: &'static str, text: &str, words: &str) -> String {
    let text = text.trim();
    if text.is_empty() {
        errors.refuse(field, words);
    }
    text.to_owned()
}

pub(super) fn optional_span(
    errors: &mut FieldErrors,
    field: &'static str,
    text: &str,
) -> Option<IsoDuration> {
    filled(text).and_then(|text| {
        duration::parse(&text)
            .map_err(|words| errors.refuse(field, words))
            .ok()
    })
}

/// A whole number; `None` when blank or refused.
pub(super) fn number<N: std::str::FromStr>(
    errors: &mut FieldErrors,
    field: &'static str,
    text: &str,
    words: &str,
) -> Option<N> {
    filled(text).and_then(|text| text.parse().map_err(|_| errors.refuse(field, words)).ok())
}

/// An object in JSON; `None` when blank or refused.
pub(super) fn object(errors: &mut FieldErrors, field: &'static str, text: &str) -> Option<Value> {
    let text = filled(text)?;
    match serde_json::from_str::<Value>(&text) {
        Ok(value) if value.is_object() => Some(value),
        Ok(_) => {
            errors.refuse(
                field,
                "This is JSON, but not an object: it starts with { and ends with }.",
            );
            None
        }
        Err(error) => {
            errors.refuse(
                field,
                format!(
                    "This is not JSON: line {}, column {}.",
                    error.line(),
                    error.column()
                ),
            );
            None
        }
    }
}

/// One of a list of words; `None` when it is none of them, and refused.
pub(super) fn word<T: serde::de::DeserializeOwned>(
    errors: &mut FieldErrors,
    field: &'static str,
    text: &str,
) -> Option<T> {
    serde_json::from_value(Value::String(text.trim().to_owned()))
        .map_err(|_| errors.refuse(field, "Choose one of the list."))
        .ok()
}

/// The word of a wire type.
pub(super) fn word_of<T: serde::Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(word)) => word,
        _ => String::new(),
    }
}

/// Names parted by spaces, commas or lines, each once.
pub(super) fn names(typed: &[String]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for name in typed.iter().flat_map(|text| text.split([',', '\n', ' ', '\t'])) {
        if !name.is_empty() && !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    names
}

pub(super) fn is_ticked(text: &str) -> bool {
    text == "true"
}

pub(super) fn tick(is_on: bool) -> String {
    if is_on { "true".into() } else { String::new() }
}
