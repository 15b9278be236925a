//! Re-encryption: jobs, targets, and one job.

use app::reader::ReadError;
use app::views::Listing;
use app::views::reencryption::{
    FailingRecord, JobCounts, JobLine, JobMode, JobState as ShownState, JobTuning, JobView as ShownJob,
    ReencryptionsView, TargetFormView, TargetKind, TargetLine,
};
use engine::access::Role;
use engine::id::JobId;
use engine::ports::JobFilter;
use engine::reencryption::service::view::{JobView, TargetView};
use engine::reencryption::{FailureClass, JobState, Mode, PausedBy};
use serde_json::Value;

use super::words::{count, moment};
use super::{PageReader, unavailable};

/// Jobs on one page of the list.
const PAGE: u32 = 50;

impl PageReader {
    pub(super) async fn read_reencryptions(
        &self,
        cursor: Option<&str>,
    ) -> Result<ReencryptionsView, ReadError> {
        let services = &self.state.services;
        let filter = JobFilter {
            before: cursor.and_then(|cursor| JobId::parse(cursor).ok()),
            limit: PAGE + 1,
            ..JobFilter::default()
        };
        let mut jobs = services
            .reencryptions_view(&self.actor, &filter)
            .await
            .map_err(unavailable)?;
        let more = jobs.len() > PAGE as usize;
        jobs.truncate(PAGE as usize);
        let in_state =
            |label: &str| count(jobs.iter().filter(|view| view.job.state.label() == label).count());
        let (running, paused) = (in_state("running"), in_state("paused"));
        let targets = services.targets_view(&self.actor).await.map_err(unavailable)?;
        let items: Vec<JobLine> = jobs.iter().map(line).collect();
        let shown = count(items.len());
        Ok(ReencryptionsView {
            listing: Listing {
                next_cursor: items.last().filter(|_| more).map(|line| line.id.clone()),
                total: shown,
                unfiltered_total: shown,
                items,
            },
            running,
            paused,
            targets: targets.iter().map(target_line).collect(),
            may_operate: self.may_operate(),
        })
    }

    pub(super) async fn read_reencryption(&self, id: &str) -> Result<ShownJob, ReadError> {
        let id = JobId::parse(id).map_err(|_| ReadError::NotFound)?;
        let services = &self.state.services;
        let view = services
            .reencryption_view(&self.actor, &id)
            .await
            .map_err(unavailable)?;
        let job = &view.job;
        let counts = view.counts;
        let present: Vec<_> = job.present(&view.ranges).collect();
        Ok(ShownJob {
            line: line(&view),
            reason: job.reason.clone(),
            counts: JobCounts {
                scanned: counts.scanned,
                moved: counts.moved,
                current: counts.current,
                other_key: counts.other_key,
                conflicts: counts.conflicts,
                left: counts.left,
                unreadable: counts.unreadable,
                differing: counts.differing,
            },
            rate: (view.per_second > 0.0).then_some(view.per_second),
            left: view.left,
            rates: Vec::new(),
            tuning: JobTuning {
                batch_size: job.tuning.batch_size,
                concurrency: job.tuning.concurrency,
                rate: job.tuning.rate,
                breaker_percent: job.tuning.breaker.percent,
            },
            ranges: count(present.len()),
            ranges_done: count(present.iter().filter(|range| range.is_finished).count()),
            workers: u64::from(view.workers),
            trouble: job.trouble.clone(),
            failing: view
                .failing
                .iter()
                .map(|record| FailingRecord {
                    locator: record.locator.0.clone(),
                    version: record.version.map(u64::from),
                    why: format!("{}: {}", failure(record.class), record.detail),
                    at: moment(record.at),
                })
                .collect(),
            may_operate: self.may_operate(),
        })
    }

    pub(super) async fn read_target_form(&self) -> Result<TargetFormView, ReadError> {
        self.demand(Role::Administrator)?;
        let services = &self.state.services;
        let keys = services.keys_view(&self.actor).await.map_err(unavailable)?;
        let credentials = services.credentials(&self.actor).await.map_err(unavailable)?;
        Ok(TargetFormView {
            kinds: services
                .connectors
                .target_kinds()
                .filter_map(TargetKind::parse)
                .collect(),
            keys: keys.iter().map(|view| view.key.name.to_string()).collect(),
            credentials: credentials
                .iter()
                .map(|facts| facts.credential.name.to_string())
                .collect(),
        })
    }
}

fn line(view: &JobView) -> JobLine {
    let job = &view.job;
    JobLine {
        id: job.id.to_string(),
        target: job.target_name.to_string(),
        key: job.key_name.to_string(),
        mode: mode(job.mode),
        state: state(&job.state),
        from: job.from.map(u64::from),
        scanned: view.counts.scanned,
        total: job.total,
        started_by: job.started_by.clone(),
        created_at: moment(job.created_at),
        finished_at: job.finished_at.map(moment),
    }
}

fn target_line(view: &TargetView) -> TargetLine {
    let target = &view.target;
    let latest = view.latest.as_ref();
    TargetLine {
        name: target.name.to_string(),
        kind: kind_in_words(&target.kind),
        key: target.key_name.to_string(),
        credential: target.credential.as_ref().map(ToString::to_string),
        settings: settings(&target.config),
        scanned_at: latest.map(|census| moment(census.finished_at)),
        records: latest.map(|census| {
            let counted: u64 = census.versions.iter().map(|counted| counted.records).sum();
            counted + census.malformed
        }),
        oldest_version: latest
            .and_then(|census| census.oldest(&target.key))
            .map(u64::from),
        needs_shadow: target.require_shadow,
    }
}

/// The kind of a target in words.
pub(super) fn kind_in_words(kind: &str) -> String {
    TargetKind::parse(kind).map_or_else(|| kind.to_owned(), |kind| kind.word().to_owned())
}

/// The settings in words; a configuration holds no secret.
fn settings(config: &Value) -> Vec<(String, String)> {
    let fields = config.as_object().into_iter().flatten();
    fields
        .map(|(name, value)| {
            let words = match value {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            (name.replace('_', " "), words)
        })
        .collect()
}

fn mode(mode: Mode) -> JobMode {
    match mode {
        Mode::Rewrap => JobMode::Rewrap,
        Mode::Reencrypt => JobMode::Reencrypt,
        Mode::Shadow => JobMode::Shadow,
        Mode::DryRun => JobMode::DryRun,
        Mode::Scan => JobMode::Scan,
    }
}

fn state(state: &JobState) -> ShownState {
    match state {
        JobState::Planned => ShownState::Planned,
        JobState::Running => ShownState::Running,
        JobState::Paused { by, why, .. } => ShownState::Paused {
            why: why.clone(),
            by_breaker: *by == PausedBy::Breaker,
        },
        JobState::Completed => ShownState::Completed,
        JobState::Failed { why } => ShownState::Failed { why: why.clone() },
        JobState::Cancelled { why } => ShownState::Cancelled { why: why.clone() },
    }
}

fn failure(class: FailureClass) -> &'static str {
    match class {
        FailureClass::Malformed => "no envelope, or a damaged one",
        FailureClass::NotAuthentic => "its tag does not match: changed, or another context",
        FailureClass::VersionRefused => "the state of its version forbids opening",
        FailureClass::UnknownVersion => "there is no such version",
        FailureClass::Differs => "the plaintext came out different",
    }
}
