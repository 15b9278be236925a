//! `POST /settings` with `action=freeze`.

use api::{CreateFreeze, Timestamp};
use serde::Deserialize;

use super::reading::{filled, required};
use super::{FieldErrors, Form, Values, fields};

/// Scheduled rotations wait from now on.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct FreezeForm {
    pub action: String,
    /// Blank: every environment.
    pub environment: String,
    pub reason: String,
    /// `2026-11-21T14:30`, in UTC; blank: until it is lifted.
    pub until: String,
}

impl FreezeForm {
    pub const ACTION: &'static str = "freeze";

    /// # Errors
    /// By field.
    pub fn to_request(&self) -> Result<CreateFreeze, FieldErrors> {
        let mut errors = FieldErrors::default();
        let words = "Say why: the reason is shown on every page while the freeze is on.";
        let reason = required(&mut errors, "reason", &self.reason, words);
        let until = filled(&self.until).and_then(|text| {
            let parsed = moment(&text);
            if parsed.is_none() {
                errors.refuse(
                    "until",
                    "Write a date and a time in UTC, such as 2026-11-21 14:30.",
                );
            }
            parsed
        });
        errors.or(CreateFreeze {
            environment: filled(&self.environment),
            reason,
            until,
        })
    }
}

impl Form for FreezeForm {
    fields! { text: [action, environment, reason, until], lists: [], secret: [] }

    fn field_of(pointer: &str, _: &Values) -> Option<&'static str> {
        match pointer {
            "/environment" => Some("environment"),
            "/reason" => Some("reason"),
            "/until" => Some("until"),
            _ => None,
        }
    }
}

/// What `<input type=datetime-local>` sends, with or without seconds, or RFC 3339.
fn moment(text: &str) -> Option<Timestamp> {
    [text.to_owned(), format!("{text}Z"), format!("{text}:00Z")]
        .iter()
        .find_map(|text| text.parse().ok())
}
