//! `POST /credentials/{name}`: holding the schedule and letting it go; and `POST /credentials/{name}/delete`.

use serde::Deserialize;

use crate::forms::reading::required;
use crate::forms::{FieldErrors, Form, Values, fields};

/// `action=hold`: scheduled rotations wait until `action=resume`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct HoldForm {
    pub action: String,
    pub reason: String,
}

impl HoldForm {
    pub const ACTION: &'static str = "hold";
    /// Ends it.
    pub const RESUME: &'static str = "resume";

    /// # Errors
    /// By field.
    pub fn to_reason(&self) -> Result<String, FieldErrors> {
        let mut errors = FieldErrors::default();
        let words = if self.action == Self::RESUME {
            "Say why: the reason stands in the audit trail."
        } else {
            "Say why: the reason is shown wherever the next rotation is."
        };
        let reason = required(&mut errors, "reason", &self.reason, words);
        errors.or(reason)
    }
}

impl Form for HoldForm {
    fields! { text: [action, reason], lists: [], secret: [] }

    fn field_of(pointer: &str, _: &Values) -> Option<&'static str> {
        matches!(pointer, "/reason" | "/schedule_hold").then_some("reason")
    }
}

/// Takes the credential out of the catalog, once the person who asks has read what that means.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct DeleteForm {
    pub reason: String,
    /// `true`: the consequences were read.
    pub understood: String,
}

impl DeleteForm {
    /// # Errors
    /// By field.
    pub fn to_reason(&self) -> Result<String, FieldErrors> {
        let mut errors = FieldErrors::default();
        let words = "Say why: the reason stands in the audit trail.";
        let reason = required(&mut errors, "reason", &self.reason, words);
        if self.understood != "true" {
            errors.refuse("understood", "Tick this when you have read what will happen.");
        }
        errors.or(reason)
    }
}

impl Form for DeleteForm {
    fields! { text: [reason, understood], lists: [], secret: [] }

    fn field_of(pointer: &str, _: &Values) -> Option<&'static str> {
        (pointer == "/reason").then_some("reason")
    }
}
