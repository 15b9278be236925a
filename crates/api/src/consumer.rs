//! Consumers: the programs that use credentials, and their running instances.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Secret, Timestamp, token::Token};

/// `POST /api/v1/consumers`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CreateConsumer {
    pub name: String,
    /// The service it belongs to; several consumers may share one.
    pub service: String,
    pub environment: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

/// `PATCH /api/v1/consumers/{name}`: what is absent stays.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct UpdateConsumer {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<BTreeMap<String, String>>,
}

/// A program that uses credentials.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Consumer {
    pub id: String,
    pub name: String,
    pub service: String,
    pub environment: String,
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// The names of the credentials it is bound to.
    #[serde(default)]
    pub credentials: Vec<String>,
    /// Its tokens, never the tokens themselves.
    #[serde(default)]
    pub tokens: Vec<Token>,
    #[serde(default)]
    pub instances: Vec<Instance>,
    #[serde(default)]
    pub sandbox: bool,
    #[serde(default)]
    pub revision: i64,
    pub created_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen_at: Option<Timestamp>,
}

/// A new consumer with its first token, which is shown this once.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ConsumerCreated {
    #[serde(flatten)]
    pub consumer: Consumer,
    pub token: Secret,
}

/// One running copy of a consumer, as it names itself in `X-Rota-Instance`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Instance {
    pub consumer: String,
    #[serde(default)]
    pub service: String,
    pub instance: String,
    /// The version it acknowledged last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    /// In the cohort that is served the candidate.
    #[serde(default)]
    pub cohort: bool,
    pub health: Health,
    pub last_seen_at: Timestamp,
    /// Why it could not load what it was handed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load_error: Option<String>,
}

/// How an instance fares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// Heard of, with no outcome yet.
    Unknown,
    Good,
    Failing,
    /// Silent for longer than the instance's time to live: shown, not blocking.
    Absent,
}
