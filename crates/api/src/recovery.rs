//! Backups, and the restore that a database came from.

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// A backup that was made. Where it was put, only whoever took it knows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Backup {
    pub id: String,
    pub made_at: Timestamp,
    /// Such as `account:ada`.
    pub made_by: String,
    /// Its length.
    pub bytes: u64,
    /// SHA-256 of the file, as lower-case hex.
    pub sha256: String,
    /// Rows of all tables.
    pub rows: u64,
    /// The last audit entry in it.
    pub audit_sequence: u64,
}

/// This database was restored from a backup.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Restored {
    pub at: Timestamp,
    pub backup: String,
    /// What happened between then and the restore is lost.
    pub backup_made_at: Timestamp,
    /// The last audit entry in the backup.
    pub audit_sequence: u64,
}

/// `GET /api/v1/recovery`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Recovery {
    /// The last backups, newest first.
    pub backups: Vec<Backup>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restored: Option<Restored>,
}
