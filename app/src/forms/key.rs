//! `POST /keys/new`, and what is done on `/keys/{name}`.

use std::collections::BTreeMap;

use api::IsoDuration;
use serde::Deserialize;

use super::reading::{filled, is_ticked, names, number, optional_span, required};
use super::{FieldErrors, Form, Values, fields};
use crate::views::key::KeyVerb;

/// A new key. Spans are typed as in [`super::duration`].
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct KeyForm {
    pub name: String,
    pub algorithm: String,
    pub description: String,
    pub owner_team: String,
    pub environment: String,
    pub sensitivity: String,
    /// A line each: `system=orders`.
    pub tags: String,
    /// Blank: what its class asks for.
    pub rotate_every: String,
    pub grace: String,
    pub max_uses: String,
    /// `true` or blank.
    pub exportable: String,
    /// Names parted by spaces, commas or lines.
    pub callers: String,
}

/// What was asked for, read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct KeyWish {
    pub name: String,
    pub algorithm: String,
    pub description: Option<String>,
    pub owner_team: Option<String>,
    pub environment: Option<String>,
    pub sensitivity: String,
    pub tags: BTreeMap<String, String>,
    pub rotate_every: Option<IsoDuration>,
    pub grace: Option<IsoDuration>,
    pub max_uses: Option<u64>,
    pub exportable: bool,
    pub callers: Vec<String>,
}

impl KeyForm {
    /// # Errors
    /// By field.
    pub fn to_wish(&self) -> Result<KeyWish, FieldErrors> {
        let mut errors = FieldErrors::default();
        let name = required(&mut errors, "name", &self.name, "Give it a name.");
        let algorithm = required(
            &mut errors,
            "algorithm",
            &self.algorithm,
            "Choose one of the list.",
        );
        let words = "Choose one: the class decides the wrapping key and how often versions are replaced.";
        let sensitivity = required(&mut errors, "sensitivity", &self.sensitivity, words);
        let rotate_every = optional_span(&mut errors, "rotate_every", &self.rotate_every);
        let grace = optional_span(&mut errors, "grace", &self.grace);
        let max_uses = number(&mut errors, "max_uses", &self.max_uses.replace(',', ""), WHOLE);
        let tags = read_tags(&self.tags, &mut errors);
        errors.or(KeyWish {
            name,
            algorithm,
            description: filled(&self.description),
            owner_team: filled(&self.owner_team),
            environment: filled(&self.environment),
            sensitivity,
            tags,
            rotate_every,
            grace,
            max_uses,
            exportable: is_ticked(&self.exportable),
            callers: names(std::slice::from_ref(&self.callers)),
        })
    }
}

impl Form for KeyForm {
    fields! {
        text: [
            name, algorithm, description, owner_team, environment, sensitivity, tags, rotate_every, grace, max_uses,
            exportable, callers,
        ],
        lists: [],
        secret: []
    }

    fn field_of(pointer: &str, _: &Values) -> Option<&'static str> {
        match pointer {
            "/name" => Some("name"),
            "/algorithm" => Some("algorithm"),
            "/sensitivity" => Some("sensitivity"),
            _ => field_of_policy(pointer),
        }
    }
}

/// The fields that a new key and a changed one share.
pub(super) fn field_of_policy(pointer: &str) -> Option<&'static str> {
    let pointer = pointer.strip_prefix("/policy").unwrap_or(pointer);
    match pointer {
        "/purpose" => Some("description"),
        "/owner_team" => Some("owner_team"),
        "/environment" => Some("environment"),
        "/rotate_every" => Some("rotate_every"),
        "/grace" => Some("grace"),
        "/max_uses" => Some("max_uses"),
        "/exportable" => Some("exportable"),
        _ if pointer.starts_with("/tags") => Some("tags"),
        _ if pointer.starts_with("/callers") => Some("callers"),
        _ => None,
    }
}

/// A line each: `system=orders`.
pub(super) fn read_tags(typed: &str, errors: &mut FieldErrors) -> BTreeMap<String, String> {
    let mut tags = BTreeMap::new();
    for line in typed.lines().map(str::trim).filter(|line| !line.is_empty()) {
        match line.split_once('=') {
            Some((name, value)) if !name.trim().is_empty() => {
                tags.insert(name.trim().to_owned(), value.trim().to_owned());
            }
            _ => errors.refuse(
                "tags",
                format!("“{line}” is no tag. Write name=value, one on each line."),
            ),
        }
    }
    tags
}

/// `action=rotate`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct RotateKeyForm {
    pub action: String,
    pub reason: String,
    /// `true`: although the version before is not drained.
    pub confirm: String,
}

impl RotateKeyForm {
    pub const ACTION: &'static str = "rotate";

    /// The reason, and whether to go on although the version before is not drained.
    ///
    /// # Errors
    /// By field.
    pub fn to_reason(&self) -> Result<(String, bool), FieldErrors> {
        let mut errors = FieldErrors::default();
        let reason = required(&mut errors, "reason", &self.reason, SAY_WHY);
        errors.or((reason, is_ticked(&self.confirm)))
    }
}

impl Form for RotateKeyForm {
    fields! { text: [action, reason, confirm], lists: [], secret: [] }

    fn field_of(pointer: &str, _: &Values) -> Option<&'static str> {
        match pointer {
            "/reason" => Some("reason"),
            "/confirm" => Some("confirm"),
            _ => None,
        }
    }
}

/// `action=clear-alarm`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ClearAlarmForm {
    pub action: String,
    pub reason: String,
}

impl ClearAlarmForm {
    pub const ACTION: &'static str = "clear-alarm";

    /// What was found.
    ///
    /// # Errors
    /// By field.
    pub fn to_reason(&self) -> Result<String, FieldErrors> {
        let mut errors = FieldErrors::default();
        let reason = required(&mut errors, "reason", &self.reason, SAY_WHY);
        errors.or(reason)
    }
}

impl Form for ClearAlarmForm {
    fields! { text: [action, reason], lists: [], secret: [] }

    fn field_of(pointer: &str, _: &Values) -> Option<&'static str> {
        (pointer == "/reason").then_some("reason")
    }
}

/// A move of the version `id`; `action` is the verb (`views::key::KeyVerb`).
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct KeyMoveForm {
    pub action: String,
    pub id: String,
    pub reason: String,
}

impl KeyMoveForm {
    /// The version and the reason.
    ///
    /// # Errors
    /// By field.
    pub fn to_reason(&self) -> Result<(u32, String), FieldErrors> {
        let mut errors = FieldErrors::default();
        let reason = if self.action == KeyVerb::KeepMaterial.slug() {
            self.reason.trim().to_owned()
        } else {
            required(&mut errors, "reason", &self.reason, SAY_WHY)
        };
        let words = "There is no such version. Load the page again.";
        let version = number(&mut errors, "reason", &self.id, words);
        match version {
            Some(version) => errors.or((version, reason)),
            None => {
                errors.refuse("reason", words);
                Err(errors)
            }
        }
    }
}

impl Form for KeyMoveForm {
    fields! { text: [action, id, reason], lists: [], secret: [] }

    fn field_of(pointer: &str, _: &Values) -> Option<&'static str> {
        (pointer == "/reason").then_some("reason")
    }
}

const SAY_WHY: &str = "Say why: the reason stands in the audit trail.";
pub(super) const WHOLE: &str = "Write a whole number, such as 1000000.";
