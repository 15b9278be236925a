//! `POST /settings`: accounts and one's own password.

use api::Secret;
use api::account::{CreateAccount, UpdateAccount};
use serde::Deserialize;

use super::reading::{filled, is_ticked, required, word};
use super::{FieldErrors, Form, Values, fields};

/// A secret field that was not posted.
pub(super) fn nothing() -> Secret {
    Secret::new("")
}

/// `None` for a field left blank.
pub(super) fn given(secret: Secret) -> Option<Secret> {
    (!secret.is_empty()).then_some(secret)
}

/// `action=add_account`.
#[derive(Debug, Deserialize)]
pub struct AccountForm {
    #[serde(default)]
    pub action: String,
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    pub display_name: String,
    /// `viewer`, `operator` or `administrator`.
    #[serde(default)]
    pub role: String,
    /// Blank: only a sign-in link opens it.
    #[serde(default = "nothing")]
    pub password: Secret,
}

impl AccountForm {
    pub const ACTION: &'static str = "add_account";

    /// # Errors
    /// By field.
    pub fn to_request(self) -> Result<CreateAccount, FieldErrors> {
        let mut errors = FieldErrors::default();
        let name = required(&mut errors, "name", &self.name, "Give the name to sign in with.");
        let Some(role) = word(&mut errors, "role", &self.role) else {
            return Err(errors);
        };
        errors.or(CreateAccount {
            name,
            display_name: filled(&self.display_name),
            role,
            password: given(self.password),
        })
    }
}

impl Form for AccountForm {
    fields! { text: [action, name, display_name, role], lists: [], secret: [password] }

    fn field_of(pointer: &str, _: &Values) -> Option<&'static str> {
        match pointer {
            "/name" => Some("name"),
            "/display_name" => Some("display_name"),
            "/role" => Some("role"),
            "/password" => Some("password"),
            _ => None,
        }
    }
}

/// `action=change_account`; `id` is the account's name.
#[derive(Debug, Deserialize)]
pub struct AccountUpdateForm {
    #[serde(default)]
    pub action: String,
    #[serde(default)]
    pub id: String,
    #[serde(default)]
    pub role: String,
    /// `true` or blank.
    #[serde(default)]
    pub disabled: String,
    /// Blank: stays.
    #[serde(default = "nothing")]
    pub password: Secret,
}

impl AccountUpdateForm {
    pub const ACTION: &'static str = "change_account";

    /// # Errors
    /// By field.
    pub fn to_request(self) -> Result<UpdateAccount, FieldErrors> {
        let mut errors = FieldErrors::default();
        let role = word(&mut errors, "role", &self.role);
        errors.or(UpdateAccount {
            role,
            password: given(self.password),
            disabled: Some(is_ticked(&self.disabled)),
        })
    }
}

impl Form for AccountUpdateForm {
    fields! { text: [action, id, role, disabled], lists: [], secret: [password] }

    fn field_of(pointer: &str, _: &Values) -> Option<&'static str> {
        match pointer {
            "/role" => Some("role"),
            "/disabled" => Some("disabled"),
            "/password" => Some("password"),
            _ => None,
        }
    }
}

/// `action=change_password`: one's own.
#[derive(Debug, Deserialize)]
pub struct PasswordForm {
    #[serde(default)]
    pub action: String,
    /// Blank when there was none.
    #[serde(default = "nothing")]
    pub present: Secret,
    #[serde(default = "nothing")]
    pub new: Secret,
}

/// What to change.
#[derive(Debug)]
pub struct PasswordChange {
    pub present: Option<Secret>,
    pub new: Secret,
}

impl PasswordForm {
    pub const ACTION: &'static str = "change_password";

    /// # Errors
    /// By field.
    pub fn to_request(self) -> Result<PasswordChange, FieldErrors> {
        let mut errors = FieldErrors::default();
        if self.new.is_empty() {
            errors.refuse("new", "Type the new password.");
        }
        errors.or(PasswordChange {
            present: given(self.present),
            new: self.new,
        })
    }
}

impl Form for PasswordForm {
    fields! { text: [action], lists: [], secret: [present, new] }

    fn field_of(pointer: &str, _: &Values) -> Option<&'static str> {
        match pointer {
            "/present" => Some("present"),
            "/new" => Some("new"),
            _ => None,
        }
    }
}
