//! What is kept of backups, and of the restore that this database came from.

use serde::{Deserialize, Serialize};

use crate::audit::ChainHead;
use crate::clock::Timestamp;
use crate::id::BackupId;

/// The setting that names the installation.
pub const DATABASE_ID: &str = "recovery.database";
/// The setting that a restore leaves behind.
pub const RESTORED: &str = "recovery.restored";

/// A backup that was made. Where it was put, only whoever took it knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backup {
    pub id: BackupId,
    pub made_at: Timestamp,
    /// As the audit names whoever asked for it.
    pub made_by: String,
    /// Sealed bytes.
    pub bytes: u64,
    /// SHA-256 of the sealed bytes, as lower-case hex.
    pub sha256: String,
    /// Rows of all tables.
    pub rows: u64,
    /// Where the audit ended.
    pub audit: ChainHead,
}

/// This database was restored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restored {
    pub at: Timestamp,
    pub backup: BackupId,
    /// When the backup was made: what happened between then and the restore is not here.
    pub backup_made_at: Timestamp,
    /// Where the audit ended in the backup.
    pub audit: ChainHead,
}
