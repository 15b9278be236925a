//! Credentials: what is rotated.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    Finding, IsoDuration, Policy, PolicyInput, Timestamp, Version, rotation::RotationState, secret::SecretMap,
};

/// How much harm its loss would do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Sensitivity {
    Low,
    Medium,
    High,
    Critical,
}

/// How a new version comes to be while the old one still works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// Two logins, used in turn.
    Alternating,
    /// The issuer accepts two secrets at once.
    Dual,
    /// One secret, replaced: readers may be refused for at most one refresh.
    InPlace,
    /// Issued anew, the old one left to expire.
    Reissue,
}

/// How old the current version is against its policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum AgeBand {
    Green,
    Yellow,
    Red,
}

/// Where the age bands begin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct AgeThresholds {
    pub yellow_from: IsoDuration,
    pub red_from: IsoDuration,
}

/// Whether rotation keeps up with its policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum PolicyStatus {
    OnTime,
    Due,
    Overdue,
}

/// `POST /api/v1/credentials`
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CreateCredential {
    pub name: String,
    /// What it is, such as `database_password` or `api_key`.
    pub kind: String,
    pub issuer: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner_team: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backup_contact: Option<String>,
    pub purpose: String,
    pub sensitivity: Sensitivity,
    pub environment: String,
    pub strategy: Strategy,
    /// What the connector needs to know of it, such as `{role, probe?}`.
    #[serde(default)]
    pub config: Value,
    #[serde(default)]
    pub consumers: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review_every: Option<IsoDuration>,
    #[serde(default)]
    pub policy: PolicyInput,
    /// Where the age bands begin, if not at one hour and thirty days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age_thresholds: Option<AgeThresholds>,
    /// An existing login to adopt, such as `{username, password}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initial: Option<SecretMap>,
    /// Overrides a rule that may be overridden (a role that is superuser); becomes a finding.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub override_reason: Option<String>,
}

/// `config` of a PostgreSQL credential.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct PostgresqlCredentialConfig {
    /// An existing role that holds the privileges.
    pub role: String,
    /// The query a new login must be able to run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe: Option<String>,
    /// A query that the new login must be refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forbidden_probe: Option<String>,
}

/// `PATCH /api/v1/credentials/{name}`: what is absent stays.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct UpdateCredential {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner_team: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backup_contact: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sensitivity: Option<Sensitivity>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consumers: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review_every: Option<IsoDuration>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<PolicyInput>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age_thresholds: Option<AgeThresholds>,
    /// Why nothing is rotated on schedule; empty lifts the hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule_hold: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub override_reason: Option<String>,
}

/// A credential, without its secret.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Credential {
    pub id: String,
    pub name: String,
    pub kind: String,
    pub issuer: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner_team: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backup_contact: Option<String>,
    pub purpose: String,
    pub sensitivity: Sensitivity,
    pub environment: String,
    pub strategy: Strategy,
    #[serde(default)]
    pub config: Value,
    #[serde(default)]
    pub consumers: Vec<String>,
    #[serde(default)]
    pub tags: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review_every: Option<IsoDuration>,
    pub policy: Policy,
    /// The age of the current version; null before the first.
    pub age_seconds: Option<u64>,
    pub age_band: AgeBand,
    pub policy_status: PolicyStatus,
    /// Null before the first.
    pub current_version: Option<u32>,
    #[serde(default)]
    pub versions: Vec<Version>,
    /// Rotated by us, rather than only watched.
    #[serde(default)]
    pub automated: bool,
    /// Live instances of its consumers.
    #[serde(default)]
    pub instances: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_rotation_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_rotated_at: Option<Timestamp>,
    /// Why nothing is rotated on schedule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule_hold: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age_thresholds: Option<AgeThresholds>,
    /// The rotation that is under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotation: Option<RotationInFlight>,
    #[serde(default)]
    pub blast_radius: BlastRadius,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
    #[serde(default)]
    pub sandbox: bool,
    #[serde(default)]
    pub revision: i64,
    pub created_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<Timestamp>,
}

/// A rotation under way, in short.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RotationInFlight {
    pub id: String,
    pub state: RotationState,
}

/// What would break if this credential failed.
#[derive(Default, Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BlastRadius {
    pub score: u32,
    pub consumers: u32,
    pub services: u32,
    pub instances: u32,
}

/// Filters of `GET /api/v1/credentials`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema, utoipa::IntoParams), into_params(parameter_in = Query))]
#[serde(deny_unknown_fields)]
pub struct CredentialQuery {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Free text over names, owners and purposes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub q: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consumer: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner_team: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age_band: Option<AgeBand>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy_status: Option<PolicyStatus>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sandbox: Option<bool>,
}
