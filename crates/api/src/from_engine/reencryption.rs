//! Targets, jobs, censuses and registered copies.

use engine::reencryption as own;
use engine::reencryption::service as view;

use super::same_words;
use crate::reencryption::{
    ApplicationBackup, Census, CensusEntry, CensusHistory, CopyKind, CreateTarget, Encoding, FailingRecord,
    Reencryption, ReencryptionCommand, ReencryptionCounts, ReencryptionMode, ReencryptionState, Target,
    TuneReencryption, UpdateTarget,
};

same_words! {
    Encoding = own::Encoding { Raw, Base64 }
    ReencryptionMode = own::Mode { Rewrap, Reencrypt, Shadow, DryRun, Scan }
    CopyKind = own::CopyKind { Backup, Replica }
    ReencryptionCommand = view::JobCommand { Pause, Resume, Cancel }
}

impl From<CreateTarget> for view::NewTarget {
    fn from(wire: CreateTarget) -> Self {
        Self {
            name: wire.name,
            kind: wire.kind,
            key: wire.key,
            config: wire.config,
            credential: wire.credential,
            encoding: wire.encoding.into(),
            context: wire.context,
            require_shadow: wire.require_shadow,
        }
    }
}

impl From<UpdateTarget> for view::TargetUpdate {
    fn from(wire: UpdateTarget) -> Self {
        Self {
            config: wire.config,
            credential: wire.credential,
            encoding: wire.encoding.map(Into::into),
            context: wire.context,
            require_shadow: wire.require_shadow,
        }
    }
}

impl From<TuneReencryption> for view::TuningUpdate {
    fn from(wire: TuneReencryption) -> Self {
        Self {
            batch_size: wire.batch_size,
            concurrency: wire.concurrency,
            rate: wire.rate,
            breaker_percent: wire.breaker_percent,
            breaker_least: wire.breaker_least,
        }
    }
}

impl From<view::TargetView> for Target {
    fn from(view: view::TargetView) -> Self {
        let target = view.target;
        Self {
            name: target.name.to_string(),
            kind: target.kind,
            key: target.key_name.to_string(),
            config: target.config,
            credential: target.credential.map(|name| name.to_string()),
            encoding: target.encoding.into(),
            context: target.context.as_str().to_owned(),
            require_shadow: target.require_shadow,
            created_at: target.created_at.into(),
            census: view.latest.map(Into::into),
            job: view.job.map(|job| job.id.to_string()),
        }
    }
}

impl From<own::Census> for Census {
    fn from(census: own::Census) -> Self {
        let versions = census.versions.into_iter().map(|counted| CensusEntry {
            key_id: counted.key,
            version: counted.version,
            records: counted.records,
            bytes: counted.bytes,
        });
        Self {
            target: census.target_name.to_string(),
            job: census.job.to_string(),
            started_at: census.started_at.into(),
            finished_at: census.finished_at.into(),
            versions: versions.collect(),
            malformed: census.malformed,
        }
    }
}

impl From<view::CensusView> for CensusHistory {
    fn from(view: view::CensusView) -> Self {
        Self {
            items: view.censuses.into_iter().map(Into::into).collect(),
            oldest: view.oldest,
        }
    }
}

impl From<own::Counts> for ReencryptionCounts {
    fn from(counts: own::Counts) -> Self {
        Self {
            scanned: counts.scanned,
            moved: counts.moved,
            current: counts.current,
            other_key: counts.other_key,
            conflicts: counts.conflicts,
            left: counts.left,
            gone: counts.gone,
            unreadable: counts.unreadable,
            differing: counts.differing,
            shadow_mean_micros: counts.shadow_micros / counts.moved.max(1),
            shadow_longest_micros: counts.shadow_longest_micros,
        }
    }
}

impl From<own::FailedRecord> for FailingRecord {
    fn from(failed: own::FailedRecord) -> Self {
        Self {
            record: failed.locator.0,
            version: failed.version,
            class: failed.class.label().to_owned(),
            detail: failed.detail,
            at: failed.at.into(),
        }
    }
}

impl From<view::JobView> for Reencryption {
    fn from(view: view::JobView) -> Self {
        let job = view.job;
        let (state, paused_by, why) = match job.state {
            own::JobState::Planned => (ReencryptionState::Planned, None, None),
            own::JobState::Running => (ReencryptionState::Running, None, None),
            own::JobState::Paused { by, why, .. } => (ReencryptionState::Paused, Some(by.label()), Some(why)),
            own::JobState::Completed => (ReencryptionState::Completed, None, None),
            own::JobState::Failed { why } => (ReencryptionState::Failed, None, Some(why)),
            own::JobState::Cancelled { why } => (ReencryptionState::Cancelled, None, Some(why)),
        };
        Self {
            id: job.id.to_string(),
            target: job.target_name.to_string(),
            key: job.key_name.to_string(),
            mode: job.mode.into(),
            from: job.from,
            state,
            paused_by: paused_by.map(str::to_owned),
            why,
            trouble: job.trouble,
            reason: job.reason,
            started_by: job.started_by,
            batch_size: job.tuning.batch_size,
            concurrency: job.tuning.concurrency,
            rate: job.tuning.rate,
            breaker_percent: job.tuning.breaker.percent,
            pass: job.pass,
            counts: view.counts.into(),
            total: job.total,
            percent: view.percent,
            records_per_second: view.per_second,
            seconds_left: view.left.map(|left| left.as_secs()),
            workers: view.workers,
            failing: view.failing.into_iter().map(Into::into).collect(),
            created_at: job.created_at.into(),
            finished_at: job.finished_at.map(Into::into),
        }
    }
}

impl From<own::ApplicationBackup> for ApplicationBackup {
    fn from(backup: own::ApplicationBackup) -> Self {
        Self {
            name: backup.name.to_string(),
            kind: backup.kind.into(),
            target: backup.target.map(|name| name.to_string()),
            key: backup.key_name.to_string(),
            versions: backup.versions,
            taken_at: backup.taken_at.into(),
            until: backup.until.map(Into::into),
            escrow: backup.escrow,
            note: backup.note,
            created_at: backup.created_at.into(),
        }
    }
}
