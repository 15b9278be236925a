//! Reads a JSON object field by field and gathers every rule it breaks.

use std::collections::BTreeSet;

use engine::RuleError;
use serde_json::{Map, Value};

/// A JSON object being read; pointers of its errors start with `pointer`.
pub(crate) struct Fields<'a> {
    object: Option<&'a Map<String, Value>>,
    pointer: String,
    known: BTreeSet<&'static str>,
    errors: Vec<RuleError>,
}

impl<'a> Fields<'a> {
    /// Starts to read `value`, which must be an object.
    pub(crate) fn of(value: &'a Value, pointer: &str) -> Self {
        let mut fields = Self {
            object: value.as_object(),
            pointer: pointer.to_owned(),
            known: BTreeSet::new(),
            errors: Vec::new(),
        };
        if fields.object.is_none() {
            let error = RuleError::new(pointer, "an object is expected here");
            fields.errors.push(error);
        }
        fields
    }

    /// A field as it stands; null counts as absent.
    pub(crate) fn raw(&mut self, name: &'static str) -> Option<&'a Value> {
        self.known.insert(name);
        self.object?.get(name).filter(|value| !value.is_null())
    }

    /// A text, when it is there.
    pub(crate) fn text(&mut self, name: &'static str) -> Option<&'a str> {
        let value = self.raw(name)?;
        if value.as_str().is_none() {
            self.refuse(name, "a text is expected here");
        }
        value.as_str()
    }

    /// A text that must be there and hold something.
    pub(crate) fn required_text(&mut self, name: &'static str) -> &'a str {
        let present = self
            .object
            .is_none_or(|object| object.get(name).is_some_and(|value| !value.is_null()));
        let text = self.text(name);
        if !present || text.is_some_and(str::is_empty) {
            self.refuse(name, "this field is required");
        }
        text.unwrap_or_default()
    }

    /// A flag, false when absent.
    pub(crate) fn flag(&mut self, name: &'static str) -> bool {
        let Some(value) = self.raw(name) else {
            return false;
        };
        if value.as_bool().is_none() {
            self.refuse(name, "true or false is expected here");
        }
        value.as_bool().unwrap_or(false)
    }

    /// Notes a broken rule of a field.
    pub(crate) fn refuse(&mut self, name: &str, detail: impl Into<String>) {
        let pointer = format!("{}/{name}", self.pointer);
        self.errors.push(RuleError::new(pointer, detail));
    }

    /// Takes over errors found elsewhere.
    pub(crate) fn absorb(&mut self, errors: Vec<RuleError>) {
        self.errors.extend(errors);
    }

    /// Every broken rule, fields nobody asked for among them.
    pub(crate) fn finish(mut self) -> Vec<RuleError> {
        for name in self.object.into_iter().flat_map(Map::keys) {
            if !self.known.contains(name.as_str()) {
                let expected: Vec<&str> = self.known.iter().copied().collect();
                let escaped = name.replace('~', "~0").replace('/', "~1");
                self.errors.push(RuleError::new(
                    format!("{}/{escaped}", self.pointer),
                    format!("there is no such field; expected: {}", expected.join(", ")),
                ));
            }
        }
        self.errors
    }
}
