//! Recovery and the root of trust.

use std::time::Duration;

use app::reader::ReadError;
use app::views::recovery::{BackupLine, RecoveryView, RehearsalLine, RestoredLine};
use app::views::root::{ClassLine, RootView, SealState};
use engine::Timestamp;
use engine::ports::RootError;
use engine::recovery::{Backup, Rehearsal, RehearsalResult};
use engine::seal::{Hierarchy, MigrationStatus, MigrationStep, RootStatus, SealedBecause};
use time::OffsetDateTime;

use super::words::{count, moment};
use super::{PageReader, unavailable};

/// A root that stands elsewhere and has not answered for so long is said to be silent.
const SILENT_AFTER: Duration = Duration::from_secs(120);

impl PageReader {
    pub(super) async fn read_recovery(&self) -> Result<RecoveryView, ReadError> {
        let services = &self.state.services;
        let view = services.recovery_view(&self.actor).await.map_err(unavailable)?;
        let now = self.now();
        let every = self.state.recovery.rehearse_every;
        let next = services.next_rehearsal_at(every).await.map_err(unavailable)?;
        let rehearsing = view.rehearsals.first().is_some_and(|last| last.is_running(now));
        let rehearsals = view
            .rehearsals
            .iter()
            .filter_map(|rehearsal| line(rehearsal, now))
            .collect();
        Ok(RecoveryView {
            backups: view.backups.iter().map(backup).collect(),
            rehearsals,
            next_rehearsal: next.map(moment),
            rehearsing,
            restored: view.restored.as_ref().map(|restored| RestoredLine {
                at: moment(restored.at),
                backup: restored.backup.to_string(),
                backup_made_at: moment(restored.backup_made_at),
            }),
            may_administer: self.may_administer(),
        })
    }

    pub(super) async fn read_root(&self) -> Result<RootView, ReadError> {
        let services = &self.state.services;
        let status = services.root_status(&self.actor).await.map_err(unavailable)?;
        let (kind, is_remote) = status.kind.unwrap_or(("not open", false));
        Ok(RootView {
            seal: seal_state(&status),
            kind: kind.to_owned(),
            described: status
                .root
                .clone()
                .unwrap_or_else(|| "none yet: nothing was sealed".to_owned()),
            remote: is_remote,
            answers: is_remote.then(|| {
                status
                    .answered_at
                    .is_some_and(|at| self.now().since(at) < SILENT_AFTER)
            }),
            classes: status
                .wrapping_keys
                .iter()
                .map(|(hierarchy, active)| class(*hierarchy, active.version, moment(active.since)))
                .collect(),
            migration: status.migration.as_ref().map(migration),
            may_operate: self.may_operate(),
            may_administer: self.may_administer(),
        })
    }
}

/// One that has ended, or that nobody will end any more.
fn line(rehearsal: &Rehearsal, now: Timestamp) -> Option<RehearsalLine> {
    let ended = rehearsal.finished_at.unwrap_or(rehearsal.started_at);
    let (passed, words) = match (&rehearsal.result, rehearsal.failure(now)) {
        (Some(RehearsalResult::Passed(counts)), _) => (
            true,
            format!(
                "{} rows of {} tables, {} sealed values opened, {} audit entries verified",
                counts.rows, counts.tables, counts.sealed_values, counts.audit_entries
            ),
        ),
        (_, Some(failure)) => (false, failure.to_owned()),
        (_, None) => return None,
    };
    Some(RehearsalLine {
        at: moment(ended),
        passed,
        words,
        seconds: ended.since(rehearsal.started_at).as_secs_f64(),
    })
}

fn seal_state(status: &RootStatus) -> SealState {
    let Some(because) = &status.sealed else {
        return SealState::Open;
    };
    if let Some(progress) = &status.gathering {
        return SealState::NeedsShares {
            entered: count(progress.given.len()),
            needed: u64::from(progress.threshold),
        };
    }
    match because {
        SealedBecause::Root(RootError::NeedsPassphrase) => SealState::NeedsPassphrase,
        other => SealState::Sealed { why: reason(other) },
    }
}

/// Why it is sealed, without the words that every page says anyway.
pub(super) fn reason(because: &SealedBecause) -> String {
    match because {
        SealedBecause::Starting => "it has only just started".to_owned(),
        SealedBecause::ByHand { by, reason } => format!("{by} sealed it ({reason})"),
        SealedBecause::Root(error) => error.to_string(),
    }
}

fn class(hierarchy: Hierarchy, version: u32, since: OffsetDateTime) -> ClassLine {
    let class = match hierarchy {
        Hierarchy::Store => "Rota's own values",
        Hierarchy::Class(_) => hierarchy.label(),
    };
    ClassLine {
        class: class.to_owned(),
        version: u64::from(version),
        since,
        rotates_after_days: hierarchy.greatest_age().as_secs() / 86_400,
    }
}

fn migration(migration: &MigrationStatus) -> String {
    let step = match migration.step {
        None => "waits for shares of the root that is left",
        Some(MigrationStep::Prepared) => "prepared: the server starts under either root",
        Some(MigrationStep::Verified) => "verified: the next root opens everything",
    };
    format!(
        "to {}, begun by {} ({}); {step}",
        migration.to, migration.begun_by, migration.reason
    )
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
