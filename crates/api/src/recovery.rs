//! Backups, rehearsals of their restore, and the restore that a database came from.

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
    /// Key versions that were destroyed since: whoever has this backup and its root key still opens them.
    #[serde(default)]
    pub destroyed_since: Vec<Tombstone>,
}

/// A key version that was destroyed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Tombstone {
    /// The name of the key.
    pub key: String,
    pub version: u32,
    pub destroyed_at: Timestamp,
    pub reason: String,
}

/// How a rehearsal stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum RehearsalState {
    Running,
    Passed,
    Failed,
}

/// A backup restored elsewhere, to see that it can be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Rehearsal {
    pub id: String,
    pub state: RehearsalState,
    pub started_at: Timestamp,
    pub started_by: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// What it saw, when it passed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counts: Option<RehearsalCounts>,
}

/// What a rehearsal saw.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RehearsalCounts {
    /// Of the backup.
    pub bytes: u64,
    pub tables: u64,
    pub rows: u64,
    /// Opened, every one.
    pub sealed_values: u64,
    /// Verified, every one.
    pub audit_entries: u64,
    /// Read from the restored database.
    pub objects: u64,
    /// To make the backup.
    pub backup_milliseconds: u64,
    /// To restore and read it.
    pub restore_milliseconds: u64,
}

/// What an issuer said to a version after a restore.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ProbeAnswer {
    Accepted,
    Refused,
    /// It did not answer.
    Unknown,
}

/// A version tried at its issuer after a restore.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RecoveryProbe {
    pub credential: String,
    pub version: u32,
    /// It is what consumers are handed.
    pub current: bool,
    pub answer: ProbeAnswer,
    pub detail: String,
    pub at: Timestamp,
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
    /// Every credential was tried at its issuer since.
    pub probed: bool,
    pub probes: Vec<RecoveryProbe>,
    /// Credentials whose current version was neither accepted nor replaced since.
    pub unsettled: Vec<String>,
}

/// `GET /api/v1/recovery`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Recovery {
    /// The last backups, newest first.
    pub backups: Vec<Backup>,
    /// Every key version that was destroyed, by key and version.
    #[serde(default)]
    pub tombstones: Vec<Tombstone>,
    /// The last rehearsals, newest first.
    pub rehearsals: Vec<Rehearsal>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_rehearsal_passed_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restored: Option<Restored>,
}
