//! Backups and restores.

use engine::recovery as from;

use super::unsigned;
use crate::recovery::{Backup, Recovery, Restored};

impl From<from::Backup> for Backup {
    fn from(backup: from::Backup) -> Self {
        Self {
            id: backup.id.to_string(),
            made_at: backup.made_at.into(),
            made_by: backup.made_by,
            bytes: backup.bytes,
            sha256: backup.sha256,
            rows: backup.rows,
            audit_sequence: unsigned(backup.audit.sequence),
        }
    }
}

impl From<from::Restored> for Restored {
    fn from(restored: from::Restored) -> Self {
        Self {
            at: restored.at.into(),
            backup: restored.backup.to_string(),
            backup_made_at: restored.backup_made_at.into(),
            audit_sequence: unsigned(restored.audit.sequence),
        }
    }
}

impl From<from::RecoveryView> for Recovery {
    fn from(view: from::RecoveryView) -> Self {
        Self {
            backups: view.backups.into_iter().map(Into::into).collect(),
            restored: view.restored.map(Into::into),
        }
    }
}
