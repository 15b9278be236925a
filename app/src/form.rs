//! What a refused form comes back with.

use std::collections::BTreeMap;

/// Typed values and errors of a refused POST, provided by context beside the 422; absent on a plain GET.
///
/// Never holds the value of a secret field: those are typed again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FormState {
    pub values: BTreeMap<String, String>,
    /// By field name.
    pub errors: BTreeMap<String, String>,
    /// What is wrong with the form as a whole; stands above it.
    pub problem: Option<String>,
    /// What went well, after a test that changes nothing ("Test connection").
    pub notice: Option<String>,
}

impl FormState {
    /// The state of this reply, empty when nothing was posted.
    pub fn current() -> Self {
        leptos::context::use_context::<Self>().unwrap_or_default()
    }

    pub fn value(&self, field: &str) -> Option<String> {
        self.values.get(field).cloned()
    }

    pub fn error(&self, field: &str) -> Option<String> {
        self.errors.get(field).cloned()
    }

    /// This state where that form was posted, else a blank one: errors of one form do not show in another of its page.
    #[must_use]
    pub fn of_action(&self, action: &str) -> Self {
        if self.is_for(action) {
            self.clone()
        } else {
            Self::default()
        }
    }

    /// What was typed; where nothing was posted, these values to start with.
    #[must_use]
    pub fn or_values(mut self, values: BTreeMap<String, String>) -> Self {
        if self.values.is_empty() {
            self.values = values;
        }
        self
    }

    /// The form whose `action` field was posted, so that its panel comes back open.
    pub fn is_for(&self, action: &str) -> bool {
        self.values.get("action").is_some_and(|posted| posted == action)
    }
}

/// A secret that is shown this once, provided by context beside the reply to the POST that made it: a consumer's token,
/// a program's token, a sign-in link. Such a reply is never stored (`Cache-Control: no-store`).
#[derive(Clone, Debug)]
pub struct ShownOnce {
    /// Whose it is: the consumer, the program, the account.
    pub name: String,
    pub what: OnceKind,
    pub secret: std::sync::Arc<api::Secret>,
}

/// What is shown once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnceKind {
    ConsumerToken,
    ProgramToken,
    SignInLink,
}

impl ShownOnce {
    /// The secret of this reply, if it made one of that kind.
    pub fn of_kind(kind: OnceKind) -> Option<Self> {
        leptos::context::use_context::<Self>().filter(|once| once.what == kind)
    }
}
