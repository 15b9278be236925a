//! Recovery and the root of trust.

use app::reader::ReadError;
use app::views::recovery::{BackupLine, RecoveryView, RestoredLine};
use app::views::root::{ClassLine, RootView, SealState};
use engine::recovery::Backup;

use super::words::moment;
use super::{PageReader, unavailable};

/// After so many days a wrapping key is replaced by itself.
const WRAPPING_KEY_DAYS: u64 = 90;

impl PageReader {
    pub(super) async fn read_recovery(&self) -> Result<RecoveryView, ReadError> {
        let services = &self.state.services;
        let view = services.recovery_view(&self.actor).await.map_err(unavailable)?;
        Ok(RecoveryView {
            backups: view.backups.iter().map(backup).collect(),
            rehearsals: Vec::new(),
            next_rehearsal: None,
            rehearsing: false,
            restored: view.restored.as_ref().map(|restored| RestoredLine {
                at: moment(restored.at),
                backup: restored.backup.to_string(),
                backup_made_at: moment(restored.backup_made_at),
            }),
            may_administer: false,
        })
    }

    pub(super) async fn read_root(&self) -> Result<RootView, ReadError> {
        let services = &self.state.services;
        let status = services
            .wrapping_key_status(&self.actor)
            .await
            .map_err(unavailable)?;
        let described = if self.state.root_key_beside_database {
            "in a file beside the database"
        } else {
            "apart from the database"
        };
        Ok(RootView {
            seal: SealState::Open,
            kind: "a file or a passphrase".to_owned(),
            described: described.to_owned(),
            remote: false,
            answers: None,
            classes: vec![ClassLine {
                class: "rota's own values".to_owned(),
                version: u64::from(status.active.version),
                since: moment(status.active.since),
                rotates_after_days: WRAPPING_KEY_DAYS,
            }],
            migration: None,
            may_operate: self.may_operate(),
            may_administer: false,
        })
    }
}

fn backup(backup: &Backup) -> BackupLine {
    BackupLine {
        id: backup.id.to_string(),
        made_at: moment(backup.made_at),
        made_by: backup.made_by.clone(),
        bytes: backup.bytes,
        rows: backup.rows,
        sha256: backup.sha256.clone(),
        audit_sequence: u64::try_from(backup.audit.sequence).unwrap_or(0),
    }
}
