//! `POST /root`: unsealing and sealing; and `POST /recovery`: rehearsing a restore.

use api::Secret;
use serde::Deserialize;

use super::reading::required;
use super::{FieldErrors, Form, Values, fields};

const SAY_WHY: &str = "Say why: the reason stands in the audit trail.";

/// `action=unseal`: a share, or the passphrase. It never comes back in a form.
#[derive(Debug, Deserialize)]
pub struct UnsealForm {
    #[serde(default)]
    pub action: String,
    #[serde(default = "super::account::nothing")]
    pub secret: Secret,
}

impl UnsealForm {
    pub const ACTION: &'static str = "unseal";

    /// What was entered; `None` asks for the configured root to be tried.
    pub fn into_secret(self) -> Option<Secret> {
        let is_blank = self.secret.expose_secret().trim().is_empty();
        (!is_blank).then_some(self.secret)
    }
}

impl Form for UnsealForm {
    fields! { text: [action], lists: [], secret: [secret] }

    fn field_of(pointer: &str, _: &Values) -> Option<&'static str> {
        matches!(pointer, "/share" | "/passphrase" | "/secret").then_some("secret")
    }
}

macro_rules! with_reason {
    ($(#[$doc:meta])* $form:ident, $action:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, Deserialize)]
        #[serde(default)]
        pub struct $form {
            pub action: String,
            pub reason: String,
        }

        impl $form {
            pub const ACTION: &'static str = $action;

            /// # Errors
            /// By field.
            pub fn to_reason(&self) -> Result<String, FieldErrors> {
                let mut errors = FieldErrors::default();
                let reason = required(&mut errors, "reason", &self.reason, SAY_WHY);
                errors.or(reason)
            }
        }

        impl Form for $form {
            fields! { text: [action, reason], lists: [], secret: [] }

            fn field_of(pointer: &str, _: &Values) -> Option<&'static str> {
                (pointer == "/reason").then_some("reason")
            }
        }
    };
}

with_reason! {
    /// Wipes every key from memory.
    SealForm, "seal"
}
with_reason! {
    /// Restores a fresh backup into an empty place and reads it.
    RehearseForm, "rehearse"
}
