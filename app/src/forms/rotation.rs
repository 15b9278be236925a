//! `POST /credentials/{name}` (`action=rotate`), `/credentials/{name}/rotate`, and the commands on `/rotations/{id}`.

use api::StartRotation;
use api::rotation::{CommandRequest, RotationCommand};
use serde::Deserialize;

use super::reading::{filled, is_ticked, required};
use super::{FieldErrors, Form, Values, fields};

const SAY_WHY: &str = "Say why: the reason stands in the audit trail.";

/// Start a rotation.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct RotationForm {
    /// Always [`RotationForm::ACTION`].
    pub action: String,
    pub reason: String,
    /// `true` or blank.
    pub emergency: String,
}

impl RotationForm {
    pub const ACTION: &'static str = "rotate";

    /// # Errors
    /// By field.
    pub fn to_request(&self) -> Result<StartRotation, FieldErrors> {
        let mut errors = FieldErrors::default();
        let reason = required(&mut errors, "reason", &self.reason, SAY_WHY);
        errors.or(StartRotation {
            reason,
            emergency: is_ticked(&self.emergency),
        })
    }
}

impl Form for RotationForm {
    fields! { text: [action, reason, emergency], lists: [], secret: [] }

    fn field_of(pointer: &str, _: &Values) -> Option<&'static str> {
        match pointer {
            "/reason" => Some("reason"),
            "/emergency" => Some("emergency"),
            _ => None,
        }
    }
}

/// A command to a rotation; `action` is the command.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct CommandForm {
    pub action: String,
    pub reason: String,
    /// With `resolve`: `completed` or `rolled_back`.
    pub outcome: String,
}

impl CommandForm {
    /// # Errors
    /// By field; an unknown command stands beside the reason, because no field holds it.
    pub fn to_request(&self) -> Result<(RotationCommand, CommandRequest), FieldErrors> {
        let mut errors = FieldErrors::default();
        let reason = required(&mut errors, "reason", &self.reason, SAY_WHY);
        let command = self.action.parse::<RotationCommand>();
        if command.is_err() {
            errors.refuse("reason", "There is no command of that name. Load the page again.");
        }
        let outcome = filled(&self.outcome);
        if command == Ok(RotationCommand::Resolve) && outcome.is_none() {
            errors.refuse("outcome", "Say what you found to be true.");
        }
        let request = CommandRequest { reason, outcome };
        match command {
            Ok(command) => errors.or((command, request)),
            Err(_) => Err(errors),
        }
    }
}

impl Form for CommandForm {
    fields! { text: [action, reason, outcome], lists: [], secret: [] }

    fn field_of(pointer: &str, _: &Values) -> Option<&'static str> {
        match pointer {
            "/reason" => Some("reason"),
            "/outcome" => Some("outcome"),
            _ => None,
        }
    }
}
