//! `POST /sign-in`.

use api::Secret;
use serde::Deserialize;

use super::reading::filled;
use super::{FieldErrors, Form, Values, fields};

/// Name and password.
#[derive(Debug, Deserialize)]
pub struct SignInForm {
    #[serde(default)]
    pub name: String,
    #[serde(default = "super::account::nothing")]
    pub password: Secret,
    /// Where to go then: a local path, checked by [`SignInForm::destination`].
    #[serde(default)]
    pub next: String,
}

/// What to check.
#[derive(Debug)]
pub struct SignIn {
    pub name: String,
    pub password: Secret,
}

impl SignInForm {
    /// # Errors
    /// By field.
    pub fn to_request(self) -> Result<SignIn, FieldErrors> {
        let mut errors = FieldErrors::default();
        let Some(name) = filled(&self.name) else {
            errors.refuse("name", "Type your name.");
            return Err(errors);
        };
        if self.password.is_empty() {
            errors.refuse("password", "Type your password.");
        }
        errors.or(SignIn {
            name,
            password: self.password,
        })
    }

    /// Where to go after signing in: only ever a path of this server.
    pub fn destination(&self) -> &str {
        let path = self.next.as_str();
        let is_local = path.starts_with('/') && !path.starts_with("//");
        let is_plain = !path.contains('\\') && !path.chars().any(char::is_control);
        if is_local && is_plain { path } else { "/" }
    }
}

impl Form for SignInForm {
    fields! { text: [name, next], lists: [], secret: [password] }

    fn field_of(pointer: &str, _: &Values) -> Option<&'static str> {
        match pointer {
            "/name" => Some("name"),
            "/password" => Some("password"),
            _ => None,
        }
    }
}
