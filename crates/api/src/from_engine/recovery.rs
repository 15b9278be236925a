//! Backups, rehearsals and restores.

use engine::recovery as from;

use super::{same_words, unsigned};
use crate::recovery::{
    Backup, ProbeAnswer, Recovery, RecoveryProbe, Rehearsal, RehearsalCounts, RehearsalState, Restored,
    Tombstone,
};

same_words! {
    ProbeAnswer = from::ProbeAnswer { Accepted, Refused, Unknown }
}

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
            destroyed_since: Vec::new(),
        }
    }
}

impl From<&from::Tombstone> for Tombstone {
    fn from(tombstone: &from::Tombstone) -> Self {
        Self {
            key: tombstone.name.to_string(),
            version: tombstone.version,
            destroyed_at: tombstone.destroyed_at.into(),
            reason: tombstone.reason.clone(),
        }
    }
}

impl From<from::RehearsalCounts> for RehearsalCounts {
    fn from(counts: from::RehearsalCounts) -> Self {
        let millis = |duration: std::time::Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        Self {
            bytes: counts.bytes,
            tables: counts.tables,
            rows: counts.rows,
            sealed_values: counts.sealed_values,
            audit_entries: counts.audit_entries,
            objects: counts.objects,
            backup_milliseconds: millis(counts.backup),
            restore_milliseconds: millis(counts.restore),
        }
    }
}

impl Rehearsal {
    /// A rehearsal as it stands at `now`: one that has no end after an hour has failed.
    pub fn from_parts(rehearsal: from::Rehearsal, now: engine::Timestamp) -> Self {
        let failure = rehearsal.failure(now).map(str::to_owned);
        let state = if rehearsal.passed_at().is_some() {
            RehearsalState::Passed
        } else if failure.is_some() {
            RehearsalState::Failed
        } else {
            RehearsalState::Running
        };
        let counts = match rehearsal.result {
            Some(from::RehearsalResult::Passed(counts)) => Some(counts.into()),
            _ => None,
        };
        Self {
            id: rehearsal.id.to_string(),
            state,
            started_at: rehearsal.started_at.into(),
            started_by: rehearsal.started_by,
            finished_at: rehearsal.finished_at.map(Into::into),
            failure,
            counts,
        }
    }
}

impl From<from::Probe> for RecoveryProbe {
    fn from(probe: from::Probe) -> Self {
        Self {
            credential: probe.credential.to_string(),
            version: probe.version.0,
            current: probe.current,
            answer: probe.answer.into(),
            detail: probe.detail,
            at: probe.at.into(),
        }
    }
}

impl Recovery {
    /// Everything as it stands at `now`.
    pub fn from_view(view: from::RecoveryView, now: engine::Timestamp) -> Self {
        let last_rehearsal_passed_at = view.last_passed_at().map(Into::into);
        let tombstones = view.tombstones.iter().map(Into::into).collect();
        let backups = view.backups.iter().map(|backup| Backup {
            destroyed_since: view.destroyed_since(backup).map(Into::into).collect(),
            ..backup.clone().into()
        });
        let backups = backups.collect();
        let reconciliation = view.reconciliation;
        let restored = view.restored.map(|restored| {
            let (probed, probes, unsettled) = reconciliation
                .map(|known| (known.probed, known.probes, known.unsettled))
                .unwrap_or_default();
            Restored {
                at: restored.at.into(),
                backup: restored.backup.to_string(),
                backup_made_at: restored.backup_made_at.into(),
                audit_sequence: unsigned(restored.audit.sequence),
                probed,
                probes: probes.into_iter().map(Into::into).collect(),
                unsettled: unsettled.iter().map(ToString::to_string).collect(),
            }
        });
        Self {
            backups,
            tombstones,
            rehearsals: view
                .rehearsals
                .into_iter()
                .map(|rehearsal| Rehearsal::from_parts(rehearsal, now))
                .collect(),
            last_rehearsal_passed_at,
            restored,
        }
    }
}
