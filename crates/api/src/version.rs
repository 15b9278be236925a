//! Versions of a credential, ordered by their number.

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// Where a version stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum VersionState {
    /// Made, not yet trusted.
    Candidate,
    /// What consumers are served.
    Current,
    /// The one before, still valid during grace.
    Previous,
    /// Proven dead.
    Retired,
    /// A candidate that did not make it.
    Failed,
    /// Its sealed value is erased.
    Destroyed,
}

/// One version, without its value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Version {
    pub number: u32,
    pub state: VersionState,
    /// What the issuer calls it: a login name, a key id. No secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<String>,
    pub created_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promoted_at: Option<Timestamp>,
    /// Not retired before this moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grace_until: Option<Timestamp>,
    /// When a login with it was seen to fail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retired_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_proved_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// The rotation that made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotation: Option<String>,
    /// Live instances that acknowledged it last.
    #[serde(default)]
    pub instances: u32,
}
