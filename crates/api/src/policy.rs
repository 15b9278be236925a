//! Policies: when a credential is rotated and how carefully.

use serde::{Deserialize, Serialize};

use crate::IsoDuration;

/// What proves that a wave is well.
#[derive(Default, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// Outcomes that consumers report.
    #[default]
    Signals,
    /// Acknowledgements and our own probe, for consumers that report nothing.
    AcksAndProbe,
}

/// A policy as written: what is absent takes its default.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct PolicyInput {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_age: Option<IsoDuration>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grace: Option<IsoDuration>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub soak: Option<IsoDuration>,
    /// Percent of live instances; rising, the last is 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waves: Option<Vec<u32>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approvals: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
    /// A hold longer than this alerts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_hold: Option<IsoDuration>,
    /// The candidate is revoked after this, even if an instance that held it never came back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback_drain: Option<IsoDuration>,
}

/// A policy in force.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Policy {
    pub max_age: IsoDuration,
    pub grace: IsoDuration,
    pub soak: IsoDuration,
    pub waves: Vec<u32>,
    pub approvals: u32,
    #[serde(default)]
    pub evidence: Evidence,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_hold: Option<IsoDuration>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback_drain: Option<IsoDuration>,
}
