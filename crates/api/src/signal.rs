//! Signals: the outcomes that consumers saw with a version.

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// `POST /api/v1/signals`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SignalBatch {
    pub signals: Vec<Signal>,
}

/// Outcomes of one kind, counted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Signal {
    pub credential: String,
    pub version: u32,
    /// The HTTP status, or 401 for a refused login elsewhere and 200 for an accepted one.
    pub status: u16,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<SignalClass>,
    #[serde(default = "one")]
    pub count: u32,
    /// The mean over `count`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    /// The sender's clock: it labels, and decides nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
}

/// What an outcome means where the status alone does not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum SignalClass {
    /// The credential was refused.
    Auth,
    /// Something else failed: shown, never counted against the version.
    Error,
    Ok,
}

impl Signal {
    /// A failure of the credential: 401, 403 or class `auth`.
    #[must_use]
    pub fn is_authentication_failure(&self) -> bool {
        matches!(self.class, Some(SignalClass::Auth))
            || (self.class.is_none() && matches!(self.status, 401 | 403))
    }
}

/// What became of a batch.
#[derive(Default, Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SignalsAccepted {
    /// Outcomes counted.
    pub accepted: u64,
    /// Signals left out, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ignored: Vec<IgnoredSignal>,
}

/// A signal that was left out, such as one for a version this instance was never handed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct IgnoredSignal {
    /// Its place in the batch, from 0.
    pub index: u32,
    pub code: String,
    pub detail: String,
}

fn one() -> u32 {
    1
}
