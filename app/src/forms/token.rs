//! `POST /settings`: tokens of programs; and what is done to one thing by its id.

use api::token::CreateToken;
use serde::Deserialize;

use super::reading::{optional_span, required, word};
use super::{FieldErrors, Form, Values, fields};

/// `action=add_token`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct TokenForm {
    pub action: String,
    pub name: String,
    pub role: String,
    /// `api` or `metrics`.
    pub scope: String,
    /// Blank: until it is revoked.
    pub expires_after: String,
}

impl TokenForm {
    pub const ACTION: &'static str = "add_token";

    /// # Errors
    /// By field.
    pub fn to_request(&self) -> Result<CreateToken, FieldErrors> {
        let mut errors = FieldErrors::default();
        let name = required(
            &mut errors,
            "name",
            &self.name,
            "Name the program that will use it.",
        );
        let role = word(&mut errors, "role", &self.role);
        let scope = word(&mut errors, "scope", &self.scope);
        let expires_after = optional_span(&mut errors, "expires_after", &self.expires_after);
        match (role, scope) {
            (Some(role), Some(scope)) => errors.or(CreateToken {
                name,
                role,
                scope,
                expires_after,
            }),
            _ => Err(errors),
        }
    }
}

impl Form for TokenForm {
    fields! { text: [action, name, role, scope, expires_after], lists: [], secret: [] }

    fn field_of(pointer: &str, _: &Values) -> Option<&'static str> {
        match pointer {
            "/name" => Some("name"),
            "/role" => Some("role"),
            "/scope" => Some("scope"),
            "/expires_after" => Some("expires_after"),
            _ => None,
        }
    }
}

/// What is done to one thing, by its id or name: the `ACTION`s below.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct SubjectForm {
    pub action: String,
    pub id: String,
}

impl SubjectForm {
    /// On `/settings` and `/consumers/{name}`: the token `id` opens nothing from now on.
    pub const REVOKE_TOKEN: &'static str = "revoke_token";
    /// On `/settings`: the freeze `id` ends.
    pub const LIFT_FREEZE: &'static str = "lift_freeze";
    /// On `/settings`: a link that signs the account `id` in once; shown once.
    pub const SIGN_IN_LINK: &'static str = "sign_in_link";
    /// On `/settings`: every session of the account `id` ends.
    pub const END_SESSIONS: &'static str = "end_sessions";
    /// On `/settings`: every sealed value gets a new wrapping key.
    pub const ROTATE_WRAPPING_KEY: &'static str = "rotate_wrapping_key";
    /// On `/issuers/{name}`: try the stored connection.
    pub const TEST: &'static str = "test";
    /// On `/issuers/{name}` and `/consumers/{name}`.
    pub const DELETE: &'static str = "delete";
}

impl Form for SubjectForm {
    fields! { text: [action, id], lists: [], secret: [] }

    fn field_of(_: &str, _: &Values) -> Option<&'static str> {
        None
    }
}
