//! Targets, jobs and censuses as they are shown.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::access::{Actor, Role};
use crate::clock::Timestamp;
use crate::id::JobId;
use crate::name::Name;
use crate::ports::JobFilter;
use crate::reencryption::census::Census;
use crate::reencryption::model::{Counts, FailedRecord, Job, Range, Target};
use crate::rule::Refusal;
use crate::services::Services;

/// A target with what was last found there.
#[derive(Clone, Debug)]
pub struct TargetView {
    pub target: Target,
    pub latest: Option<Census>,
    /// The job under way, if one is.
    pub job: Option<Job>,
}

/// A job with how far it is.
#[derive(Clone, Debug)]
pub struct JobView {
    pub job: Job,
    pub counts: Counts,
    /// Percent of the present pass, as far as the number of records is known.
    pub percent: Option<f64>,
    /// Records per second over the present pass.
    pub per_second: f64,
    pub left: Option<Duration>,
    pub failing: Vec<FailedRecord>,
    pub ranges: Vec<Range>,
    /// Ranges under work now.
    pub workers: u32,
}

/// What is under which version, over time.
#[derive(Clone, Debug)]
pub struct CensusView {
    /// Oldest first.
    pub censuses: Vec<Census>,
    /// The oldest version in use by key, over the latest census of each target.
    pub oldest: BTreeMap<String, u32>,
}

impl Services {
    /// All targets, by name.
    ///
    /// # Errors
    /// Not a viewer, store away.
    pub async fn targets_view(&self, actor: &Actor) -> Result<Vec<TargetView>, Refusal> {
        actor.require(Role::Viewer)?;
        let jobs = self.store.jobs_under_way().await?;
        let mut views = Vec::new();
        for target in self.store.targets().await? {
            views.push(TargetView {
                latest: self.store.latest_census(&target.id).await?,
                job: jobs.iter().find(|job| job.target == target.id).cloned(),
                target,
            });
        }
        Ok(views)
    }

    /// One target.
    ///
    /// # Errors
    /// Not a viewer, no such target, store away.
    pub async fn target_view(&self, actor: &Actor, name: &Name) -> Result<TargetView, Refusal> {
        actor.require(Role::Viewer)?;
        let target = self.target_named(name).await?;
        let jobs = self.store.jobs_under_way().await?;
        Ok(TargetView {
            latest: self.store.latest_census(&target.id).await?,
            job: jobs.into_iter().find(|job| job.target == target.id),
            target,
        })
    }

    /// Jobs, newest first, without their ranges.
    ///
    /// # Errors
    /// Not a viewer, store away.
    pub async fn reencryptions_view(
        &self,
        actor: &Actor,
        filter: &JobFilter,
    ) -> Result<Vec<JobView>, Refusal> {
        actor.require(Role::Viewer)?;
        let now = self.clock.now();
        let mut views = Vec::new();
        for job in self.store.jobs(filter).await? {
            let ranges = if job.state.is_terminal() {
                Vec::new()
            } else {
                self.store.ranges(&job.id).await?
            };
            views.push(view(job, ranges, now));
        }
        Ok(views)
    }

    /// One job.
    ///
    /// # Errors
    /// Not a viewer, no such job, store away.
    pub async fn reencryption_view(&self, actor: &Actor, id: &JobId) -> Result<JobView, Refusal> {
        actor.require(Role::Viewer)?;
        let job = self.job_of_id(id).await?;
        let ranges = self.store.ranges(id).await?;
        Ok(view(job, ranges, self.clock.now()))
    }

    /// What is under which version since a time: of one key, or of all; in one target, or in all.
    ///
    /// # Errors
    /// Not a viewer, no such target or key, store away.
    pub async fn census_view(
        &self,
        actor: &Actor,
        target: Option<&Name>,
        key: Option<&Name>,
        since: Timestamp,
    ) -> Result<CensusView, Refusal> {
        actor.require(Role::Viewer)?;
        let target = match target {
            Some(name) => Some(self.target_named(name).await?.id),
            None => None,
        };
        let key = match key {
            Some(name) => {
                let id = self.key_named(name).await?;
                Some(id.ok_or_else(|| Refusal::not_found("key", name.as_str()))?)
            }
            None => None,
        };
        let key = key.as_ref();
        let mut censuses = self.store.censuses(target.as_ref(), since).await?;
        let mut oldest: BTreeMap<String, u32> = BTreeMap::new();
        for registered in self.store.targets().await? {
            if target.as_ref().is_some_and(|target| *target != registered.id) {
                continue;
            }
            let latest = self.store.latest_census(&registered.id).await?;
            for counted in latest.into_iter().flat_map(|census| census.versions) {
                if counted.records > 0 && key.is_none_or(|key| counted.key == key.as_str()) {
                    let known = oldest.entry(counted.key).or_insert(counted.version);
                    *known = (*known).min(counted.version);
                }
            }
        }
        if let Some(key) = key {
            for census in &mut censuses {
                census.versions.retain(|counted| counted.key == key.as_str());
            }
        }
        Ok(CensusView { censuses, oldest })
    }
}

fn view(job: Job, ranges: Vec<Range>, now: Timestamp) -> JobView {
    let counts = job.counts(&ranges);
    let until = job.finished_at.unwrap_or(now);
    let elapsed = job
        .pass_started_at
        .map_or(Duration::ZERO, |began| until.since(began))
        .as_secs_f64();
    let per_second = if elapsed > 0.0 {
        counts.scanned as f64 / elapsed
    } else {
        0.0
    };
    let percent = match job.total {
        _ if job.state.label() == "completed" => Some(100.0),
        Some(total) if total > 0 => Some((100.0 * counts.scanned as f64 / total as f64).min(100.0)),
        _ => None,
    };
    let left = job
        .total
        .filter(|_| per_second > 0.0 && !job.state.is_terminal())
        .map(|total| Duration::from_secs_f64(total.saturating_sub(counts.scanned) as f64 / per_second));
    let workers = job
        .present(&ranges)
        .filter(|range| range.lease.until > now)
        .count();
    JobView {
        failing: job.failing(&ranges),
        counts,
        percent,
        per_second,
        left,
        workers: u32::try_from(workers).unwrap_or(u32::MAX),
        ranges,
        job,
    }
}
