//! `POST /keys/{name}/edit`: what a key is called, who owns it, and its policy.

use std::collections::BTreeMap;

use api::IsoDuration;
use serde::Deserialize;

use super::key::{WHOLE, field_of_policy, read_tags};
use super::reading::{is_ticked, names, number, optional_span};
use super::{FieldErrors, Form, Values, fields};

/// A key with what may be changed of it: not its name, its algorithm and its class.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct KeyEditForm {
    pub description: String,
    pub owner_team: String,
    pub environment: String,
    /// A line each: `system=orders`.
    pub tags: String,
    /// Blank: a person replaces the active version.
    pub rotate_every: String,
    pub grace: String,
    pub max_uses: String,
    pub minimum_decryption_version: String,
    /// `true` or blank.
    pub exportable: String,
    /// Names parted by spaces, commas or lines; blank: those whom the class admits.
    pub callers: String,
    /// What the person saw: somebody else's change meanwhile is not written over.
    pub revision: String,
}

/// What was asked for, read. Blank texts take away what stood there.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct KeyChange {
    pub description: String,
    pub owner_team: String,
    pub environment: String,
    pub tags: BTreeMap<String, String>,
    pub rotate_every: Option<IsoDuration>,
    pub grace: IsoDuration,
    pub max_uses: u64,
    pub minimum_decryption_version: u32,
    pub exportable: bool,
    pub callers: Vec<String>,
}

impl KeyEditForm {
    /// # Errors
    /// By field.
    pub fn to_change(&self) -> Result<KeyChange, FieldErrors> {
        let mut errors = FieldErrors::default();
        let rotate_every = optional_span(&mut errors, "rotate_every", &self.rotate_every);
        let grace = optional_span(&mut errors, "grace", &self.grace);
        if grace.is_none() {
            let words = "Say for how long nothing of a version must be opened, such as 7 days.";
            errors.refuse("grace", words);
        }
        let max_uses = number(&mut errors, "max_uses", &self.max_uses.replace(',', ""), WHOLE);
        if max_uses.is_none() {
            errors.refuse("max_uses", WHOLE);
        }
        let minimum = &self.minimum_decryption_version;
        let words = "Write the number of a version, such as 1.";
        let minimum = number(&mut errors, "minimum_decryption_version", minimum, words);
        if minimum.is_none() {
            errors.refuse("minimum_decryption_version", words);
        }
        let tags = read_tags(&self.tags, &mut errors);
        errors.or(KeyChange {
            description: self.description.trim().to_owned(),
            owner_team: self.owner_team.trim().to_owned(),
            environment: self.environment.trim().to_owned(),
            tags,
            rotate_every,
            grace: grace.unwrap_or_default(),
            max_uses: max_uses.unwrap_or_default(),
            minimum_decryption_version: minimum.unwrap_or_default(),
            exportable: is_ticked(&self.exportable),
            callers: names(std::slice::from_ref(&self.callers)),
        })
    }
}

impl Form for KeyEditForm {
    fields! {
        text: [
            description, owner_team, environment, tags, rotate_every, grace, max_uses, minimum_decryption_version,
            exportable, callers, revision,
        ],
        lists: [],
        secret: []
    }

    fn field_of(pointer: &str, _: &Values) -> Option<&'static str> {
        match pointer {
            "/minimum_decryption_version" => Some("minimum_decryption_version"),
            _ => field_of_policy(pointer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled() -> KeyEditForm {
        KeyEditForm {
            owner_team: " Orders ".to_owned(),
            tags: "system=orders".to_owned(),
            grace: "7 days".to_owned(),
            max_uses: "1,000".to_owned(),
            minimum_decryption_version: "2".to_owned(),
            callers: "shop\nbilling".to_owned(),
            ..KeyEditForm::default()
        }
    }

    #[test]
    fn blank_fields_take_away_what_stood_there() {
        let change = filled().to_change().unwrap();
        assert_eq!(
            (change.owner_team.as_str(), change.environment.as_str()),
            ("Orders", "")
        );
        assert_eq!((change.rotate_every, change.max_uses), (None, 1_000));
        assert_eq!(change.callers, ["shop", "billing"]);
        assert!(!change.exportable);
    }

    #[test]
    fn what_has_no_meaning_blank_is_asked_for() {
        let form = KeyEditForm {
            rotate_every: "a while".to_owned(),
            tags: "orders".to_owned(),
            ..KeyEditForm::default()
        };
        let errors = form.to_change().unwrap_err();
        let fields: Vec<&str> = errors.fields().collect();
        assert_eq!(
            fields,
            [
                "grace",
                "max_uses",
                "minimum_decryption_version",
                "rotate_every",
                "tags"
            ]
        );
        for field in fields {
            assert!(
                KeyEditForm::FIELDS.contains(&field),
                "{field} is drawn by no page"
            );
        }
    }

    #[test]
    fn what_the_service_refuses_stands_beside_its_field() {
        for (pointer, field) in [
            ("/minimum_decryption_version", "minimum_decryption_version"),
            ("/callers/3", "callers"),
            ("/tags/system", "tags"),
            ("/environment", "environment"),
            ("/exportable", "exportable"),
        ] {
            assert_eq!(KeyEditForm::field_of(pointer, &Values::new()), Some(field));
        }
    }
}
