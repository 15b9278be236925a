//! `POST /consumers/new`, `/consumers/{name}/edit`, and the tokens on `/consumers/{name}`.

use std::collections::BTreeMap;

use api::consumer::UpdateConsumer;
use api::token::CreateConsumerToken;
use api::{Consumer, CreateConsumer};
use serde::Deserialize;

use super::reading::{optional_span, required};
use super::{FieldErrors, Form, Values, fields};

/// A consumer.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ConsumerForm {
    pub name: String,
    pub service: String,
    pub environment: String,
    /// A line each: `region=eu-central-1`.
    pub labels: String,
    /// The revision that was read, for `If-Match`.
    pub revision: String,
}

impl ConsumerForm {
    /// What the edit form starts with.
    pub fn of(consumer: &Consumer) -> Self {
        let labels = consumer.labels.iter();
        Self {
            name: consumer.name.clone(),
            service: consumer.service.clone(),
            environment: consumer.environment.clone(),
            labels: labels.map(|(key, value)| format!("{key}={value}\n")).collect(),
            revision: consumer.revision.to_string(),
        }
    }

    /// # Errors
    /// By field.
    pub fn to_request(&self) -> Result<CreateConsumer, FieldErrors> {
        let mut errors = FieldErrors::default();
        let (service, environment, labels) = self.read(&mut errors);
        let name = required(&mut errors, "name", &self.name, "Give it a name.");
        errors.or(CreateConsumer {
            name,
            service,
            environment,
            labels,
        })
    }

    /// # Errors
    /// By field.
    pub fn to_update(&self) -> Result<UpdateConsumer, FieldErrors> {
        let mut errors = FieldErrors::default();
        let (service, environment, labels) = self.read(&mut errors);
        errors.or(UpdateConsumer {
            service: Some(service),
            environment: Some(environment),
            labels: Some(labels),
        })
    }

    fn read(&self, errors: &mut FieldErrors) -> (String, String, BTreeMap<String, String>) {
        let words = "Name the service that it is part of.";
        let service = required(errors, "service", &self.service, words);
        let words = "Name the environment, such as production.";
        let environment = required(errors, "environment", &self.environment, words);
        (service, environment, self.read_labels(errors))
    }

    fn read_labels(&self, errors: &mut FieldErrors) -> BTreeMap<String, String> {
        let mut labels = BTreeMap::new();
        for line in self.labels.lines().map(str::trim).filter(|line| !line.is_empty()) {
            match line.split_once('=') {
                Some((key, value)) if !key.trim().is_empty() => {
                    labels.insert(key.trim().to_owned(), value.trim().to_owned());
                }
                _ => errors.refuse(
                    "labels",
                    format!("“{line}” is no label. Write key=value, one on each line."),
                ),
            }
        }
        labels
    }
}

impl Form for ConsumerForm {
    fields! { text: [name, service, environment, labels, revision], lists: [], secret: [] }

    fn field_of(pointer: &str, _: &Values) -> Option<&'static str> {
        match pointer {
            "/name" => Some("name"),
            "/service" => Some("service"),
            "/environment" => Some("environment"),
            _ if pointer.starts_with("/labels") => Some("labels"),
            _ => None,
        }
    }
}

/// `action=add_token` on `/consumers/{name}`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ConsumerTokenForm {
    pub action: String,
    /// Blank: until it is revoked.
    pub expires_after: String,
}

impl ConsumerTokenForm {
    pub const ACTION: &'static str = "add_token";

    /// # Errors
    /// By field.
    pub fn to_request(&self) -> Result<CreateConsumerToken, FieldErrors> {
        let mut errors = FieldErrors::default();
        let expires_after = optional_span(&mut errors, "expires_after", &self.expires_after);
        errors.or(CreateConsumerToken { expires_after })
    }
}

impl Form for ConsumerTokenForm {
    fields! { text: [action, expires_after], lists: [], secret: [] }

    fn field_of(pointer: &str, _: &Values) -> Option<&'static str> {
        (pointer == "/expires_after").then_some("expires_after")
    }
}
