//! Recovery: backups that were made, and the proof that they can be restored.

use time::OffsetDateTime;

#[derive(Clone, Debug, PartialEq)]
pub struct RecoveryView {
    /// Newest first.
    pub backups: Vec<BackupLine>,
    /// Newest first.
    pub rehearsals: Vec<RehearsalLine>,
    /// When the next one begins by itself.
    pub next_rehearsal: Option<OffsetDateTime>,
    /// A rehearsal runs now.
    pub rehearsing: bool,
    /// This database was restored.
    pub restored: Option<RestoredLine>,
    pub may_administer: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct BackupLine {
    pub id: String,
    pub made_at: OffsetDateTime,
    pub made_by: String,
    pub bytes: u64,
    pub rows: u64,
    pub sha256: String,
    pub audit_sequence: u64,
}

#[derive(Clone, Debug, PartialEq)]
pub struct RehearsalLine {
    pub at: OffsetDateTime,
    pub passed: bool,
    /// What was read, or what failed.
    pub words: String,
    pub seconds: f64,
}

#[derive(Clone, Debug, PartialEq)]
pub struct RestoredLine {
    pub at: OffsetDateTime,
    pub backup: String,
    pub backup_made_at: OffsetDateTime,
}
