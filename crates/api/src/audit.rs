//! The audit: who did what, chained by hashes.

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// One entry, with everything that its hash covers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuditEntry {
    pub sequence: u64,
    pub at: Timestamp,
    /// Who, such as `account:ada`, `consumer:orders`, `system:driver`.
    pub actor: String,
    /// The address it came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Joins it to requests, log lines and traces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation: Option<String>,
    /// What, such as `rotation.start`.
    pub action: String,
    /// On what, such as `credential/orders-app`.
    pub object: String,
    /// `ok`, or why not.
    pub outcome: String,
    /// In words; never a secret.
    pub detail: String,
    pub hash: String,
    pub previous_hash: String,
}

/// `GET /api/v1/audit/checkpoint`: where the chain ends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuditCheckpoint {
    pub sequence: u64,
    pub hash: String,
    pub at: Timestamp,
}

/// Filters of `GET /api/v1/audit`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema, utoipa::IntoParams), into_params(parameter_in = Query))]
#[serde(deny_unknown_fields)]
pub struct AuditQuery {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
}
