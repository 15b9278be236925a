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

    /// The form whose `action` field was posted, so that its panel comes back open.
    pub fn is_for(&self, action: &str) -> bool {
        self.values.get("action").is_some_and(|posted| posted == action)
    }
}
