//! Re-encryption: jobs, targets, and one job.

use app::forms::{Form as _, TargetForm};
use app::reader::ReadError;
use app::views::Listing;
use app::views::reencryption::{
    FailingRecord, JobCounts, JobLine, JobMode, JobState as ShownState, JobTuning, JobView as ShownJob,
    PresentTarget, ReencryptionsView, TargetFormView, TargetKind, TargetLine, TargetView as ShownTarget,
};
use engine::Name;
use engine::access::Role;
use engine::id::JobId;
use engine::ports::JobFilter;
use engine::reencryption::service::view::{JobView, TargetView};
use engine::reencryption::{Encoding, FailureClass, JobState, Mode, PausedBy, Target};
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
            may_administer: self.may_administer(),
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
            rates: self.state.job_rates.of(job.id.as_str()),
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

    /// A target before it is taken off the list.
    pub(super) async fn read_target(&self, name: &str) -> Result<ShownTarget, ReadError> {
        self.demand(Role::Administrator)?;
        let view = self.target_named(name).await?;
        let services = &self.state.services;
        let copies = services
            .application_backups(&self.actor)
            .await
            .map_err(unavailable)?;
        let name = &view.target.name;
        Ok(ShownTarget {
            line: target_line(&view),
            versions: view
                .latest
                .iter()
                .flat_map(|census| &census.versions)
                .filter(|counted| counted.key == view.target.key.as_str())
                .map(|counted| (u64::from(counted.version), counted.records))
                .collect(),
            job: view.job.as_ref().map(|job| job.id.to_string()),
            copies: copies
                .iter()
                .filter(|copy| copy.target.as_ref() == Some(name))
                .map(|copy| copy.name.to_string())
                .collect(),
        })
    }

    async fn target_named(&self, name: &str) -> Result<TargetView, ReadError> {
        let name = Name::parse(name).map_err(|_| ReadError::NotFound)?;
        let services = &self.state.services;
        services
            .target_view(&self.actor, &name)
            .await
            .map_err(unavailable)
    }

    pub(super) async fn read_target_form(&self, name: Option<&str>) -> Result<TargetFormView, ReadError> {
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
            present: match name {
                Some(name) => Some(present(&self.target_named(name).await?.target)),
                None => None,
            },
        })
    }
}

/// What the form of a target holds before anything is typed.
fn present(target: &Target) -> PresentTarget {
    let form = TargetForm {
        name: target.name.to_string(),
        kind: target.kind.clone(),
        key: target.key_name.to_string(),
        credential: target
            .credential
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
        config: serde_json::to_string_pretty(&target.config).unwrap_or_default(),
        encoding: match target.encoding {
            Encoding::Raw => "raw",
            Encoding::Base64 => "base64",
        }
        .to_owned(),
        context: target.context.as_str().to_owned(),
        require_shadow: if target.require_shadow { "true" } else { "" }.to_owned(),
        revision: target.revision.to_string(),
    };
    PresentTarget {
        name: target.name.to_string(),
        fixed: format!(
            "{} with values of key {}",
            kind_in_words(&target.kind),
            target.key_name
        ),
        values: form.values(),
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
