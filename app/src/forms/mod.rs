//! What forms post, one file per noun: stable field names, and how they become requests of HTTP v1.
//!
//! A POST handler reads the body once and asks no page what its fields are called:
//!
//! ```ignore
//! let form: IssuerForm = Posted::parse(&body).read()?;
//! let values = form.values();                      // what was typed, without secrets
//! let request = match form.to_request() {
//!     Ok(request) => request,
//!     Err(errors) => return page(errors.state(values)),            // 422
//! };
//! match service(request).await {
//!     Ok(_) => redirect("/issuers/…"),                             // 303
//!     Err(rules) => page(refused::<IssuerForm>(values, rules)),    // 422: pairs of JSON pointer and words
//! }
//! ```
//!
//! Where a page has several forms, the field `action` says which was posted, and [`FormState::of_action`] keeps the
//! errors of one out of another.

pub mod account;
pub mod consumer;
pub mod credential;
pub mod duration;
pub mod freeze;
pub mod issuer;
pub mod job;
pub mod key;
pub mod key_edit;
pub mod posted;
mod reading;
pub mod root;
pub mod rotation;
pub mod sandbox;
pub mod sign_in;
#[cfg(test)]
mod tests;
pub mod token;

use std::collections::BTreeMap;

pub use account::{AccountForm, AccountUpdateForm, PasswordForm};
pub use consumer::{ConsumerForm, ConsumerTokenForm};
pub use credential::{CredentialForm, DeleteForm, HoldForm};
pub use freeze::FreezeForm;
pub use issuer::{Intent, IssuerForm};
pub use job::{JobActForm, JobForm, TargetForm};
pub use key::{ClearAlarmForm, KeyForm, KeyMoveForm, RotateKeyForm};
pub use key_edit::KeyEditForm;
pub use posted::Posted;
pub use root::{RehearseForm, SealForm, UnsealForm};
pub use rotation::{CommandForm, RotationForm};
pub use sandbox::SabotageForm;
pub use sign_in::SignInForm;
pub use token::{SubjectForm, TokenForm};

use crate::form::FormState;

/// What was typed, by field name. Never holds a secret.
pub type Values = BTreeMap<String, String>;

/// A form that can come back with what was typed and with errors beside its fields.
pub trait Form {
    /// Every field that the page draws, secret ones among them.
    const FIELDS: &'static [&'static str];

    /// What was typed, without secrets.
    fn values(&self) -> Values;

    /// The field that a JSON pointer (RFC 6901) into the request stands for; `None` is the form as a whole.
    fn field_of(pointer: &str, values: &Values) -> Option<&'static str>;
}

/// What is wrong, by field name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldErrors(BTreeMap<&'static str, String>);

impl FieldErrors {
    /// Adds an error; the first one of a field stands.
    pub fn refuse(&mut self, field: &'static str, words: impl Into<String>) {
        self.0.entry(field).or_insert_with(|| words.into());
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn get(&self, field: &str) -> Option<&str> {
        self.0.get(field).map(String::as_str)
    }

    /// The fields that are wrong.
    pub fn fields(&self) -> impl Iterator<Item = &'static str> {
        self.0.keys().copied()
    }

    /// The request, unless something is wrong.
    ///
    /// # Errors
    /// Itself, when it holds any.
    pub fn or<Request>(self, request: Request) -> Result<Request, Self> {
        if self.is_empty() { Ok(request) } else { Err(self) }
    }

    /// What the page comes back with.
    pub fn state(self, values: Values) -> FormState {
        let problem = nothing_changed(self.0.len());
        FormState {
            values,
            errors: self
                .0
                .into_iter()
                .map(|(field, words)| (field.to_owned(), words))
                .collect(),
            problem: Some(problem),
            notice: None,
        }
    }
}

/// What the page comes back with when a service refused the request, by pairs of JSON pointer and words.
pub fn refused<F: Form>(values: Values, rules: impl IntoIterator<Item = (String, String)>) -> FormState {
    let mut state = FormState::default();
    let mut apart = Vec::new();
    for (pointer, words) in rules {
        let words = crate::words::sentence_case(&words);
        match F::field_of(&pointer, &values) {
            Some(field) => {
                state.errors.entry(field.to_owned()).or_insert(words);
            }
            None => apart.push(words),
        }
    }
    state.problem = Some(if apart.is_empty() {
        nothing_changed(state.errors.len())
    } else {
        format!("Nothing was changed. {}", apart.join(" "))
    });
    state.values = values;
    state
}

/// What the page comes back with when the refusal is about no field: a conflict, something that is away.
pub fn problem(values: Values, words: &str) -> FormState {
    FormState {
        values,
        problem: Some(format!(
            "Nothing was changed. {}",
            crate::words::sentence_case(words)
        )),
        ..FormState::default()
    }
}

fn nothing_changed(errors: usize) -> String {
    match errors {
        0 | 1 => "Nothing was changed. One field needs another value.".into(),
        number => format!("Nothing was changed. {number} fields need another value."),
    }
}

/// Fields of a form, and what was typed into those that are no secret.
macro_rules! fields {
    (text: [$($text:ident),* $(,)?], lists: [$($list:ident),* $(,)?], secret: [$($secret:ident),* $(,)?]) => {
        const FIELDS: &'static [&'static str] =
            &[$(stringify!($text),)* $(stringify!($list),)* $(stringify!($secret),)*];

        fn values(&self) -> $crate::forms::Values {
            $crate::forms::Values::from([
                $((stringify!($text).to_owned(), self.$text.clone()),)*
                $((stringify!($list).to_owned(), self.$list.join("\n")),)*
            ])
        }
    };
}
pub(crate) use fields;
