//! Findings: what is not as it should be, until it is mended.

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    Info,
    Warning,
    Critical,
}

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Finding {
    pub id: String,
    /// Stable, such as `tls_disabled` or `superuser_administrator`.
    pub code: String,
    pub severity: Severity,
    /// On what, such as `issuer:orders-db`.
    pub subject: String,
    /// What is wrong, in a few words.
    pub title: String,
    /// What it means and how to mend it.
    pub detail: String,
    pub since: Timestamp,
}
