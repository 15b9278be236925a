//! What a job needs next: its ranges cut, free ranges taken, a pass ended, an end. Any replica may do any of it at any
//! time; the job's revision lets one of them win.

use crate::access::Actor;
use crate::audit::AuditDraft;
use crate::change::{Change, CommitError, Topic, Write};
use crate::id::JobId;
use crate::ports::{Bounds, TargetSession};
use crate::reencryption::breaker::Window;
use crate::reencryption::census::{Census, sum, without_version};
use crate::reencryption::model::{Counts, Job, Mode, Range, RangeLease, Target};
use crate::reencryption::state::{JobState, PausedBy};
use crate::reencryption::worker::{LEASE, RangeWorker};
use crate::rule::Refusal;
use crate::services::Services;

/// Passes that still found something to move before a job gives up: somebody keeps writing under the old version.
const PASSES: u32 = 8;
/// Ranges for each that is worked on at once, so that all end at about the same time.
const RANGES_PER_WORKER: u32 = 4;
const MOST_RANGES: u32 = 64;

/// A range that this replica shall work on.
pub type Assignment = RangeWorker;

impl Services {
    /// Looks after every job under way and gives the ranges that `holder` has taken, at most `most`.
    ///
    /// # Errors
    /// Store away.
    pub async fn tend_jobs(&self, holder: &str, most: usize) -> Result<Vec<Assignment>, Refusal> {
        let mut taken = Vec::new();
        for job in self.store.jobs_under_way().await? {
            match job.state {
                JobState::Planned => self.begin_pass(&job).await?,
                JobState::Running => {
                    let ranges = self.store.ranges(&job.id).await?;
                    if ranges
                        .iter()
                        .filter(|range| range.pass == job.pass)
                        .all(|range| range.is_finished)
                    {
                        self.end_pass(&job, &ranges).await?;
                    } else if Window::sum(job.present(&ranges).map(|range| &range.window))
                        .trips(&job.tuning.breaker)
                    {
                        self.trip(&job.id).await?;
                    } else {
                        let free = most.saturating_sub(taken.len());
                        taken.extend(self.take_ranges(&job, ranges, holder, free).await?);
                    }
                }
                _ => {}
            }
        }
        Ok(taken)
    }

    async fn take_ranges(
        &self,
        job: &Job,
        ranges: Vec<Range>,
        holder: &str,
        most: usize,
    ) -> Result<Vec<RangeWorker>, Refusal> {
        let now = self.clock.now();
        let under_work = ranges
            .iter()
            .filter(|range| !range.is_finished && range.lease.until > now)
            .count();
        let allowed = (job.tuning.concurrency.max(1) as usize).saturating_sub(under_work);
        let mut taken = Vec::new();
        for range in ranges {
            let is_free = range.pass == job.pass && !range.is_finished && range.lease.until <= now;
            if taken.len() >= allowed.min(most) {
                break;
            }
            if !is_free {
                continue;
            }
            let token = self
                .store
                .take_range(&job.id, range.pass, range.number, holder, now, now.after(LEASE))
                .await?;
            if let Some(token) = token {
                // What the one before stored last: it may have gone on since the list was read.
                let stored = self.store.ranges(&job.id).await?;
                let fresh = stored
                    .into_iter()
                    .find(|stored| stored.number == range.number && stored.pass == range.pass);
                if let Some(fresh) = fresh.filter(|fresh| !fresh.is_finished) {
                    taken.push(RangeWorker::new(fresh, holder.to_owned(), token));
                }
            }
        }
        Ok(taken)
    }

    /// Cuts the target into ranges and begins a pass over them.
    async fn begin_pass(&self, job: &Job) -> Result<(), Refusal> {
        let Some(target) = self.store.target_by_id(&job.target).await? else {
            let why = "its target is gone".to_owned();
            return self
                .end(job, JobState::Failed { why }, None, "the target is gone")
                .await;
        };
        let (total, bounds) = match self.cut(job, &target).await {
            Ok(cut) => cut,
            Err(trouble) => return self.note_trouble(job, Some(trouble)).await,
        };
        let mut next = job.clone();
        next.state = match job.state {
            JobState::Running => JobState::Running,
            _ => job.state.become_next(JobState::Running)?,
        };
        next.pass += 1;
        next.pass_started_at = Some(self.clock.now());
        next.total = Some(total);
        next.trouble = None;
        let ranges = bounds
            .into_iter()
            .zip(0..)
            .map(|(bounds, number)| fresh_range(&next, number, bounds))
            .collect();
        let change = Change::new()
            .write(Write::UpdateJob(Box::new(next.clone())))
            .write(Write::ReplaceRanges {
                job: job.id.clone(),
                ranges,
            })
            .topic(Topic::Reencryption(job.id.clone()));
        done_or_done_by_another(self.store.commit(change).await)
    }

    async fn cut(&self, job: &Job, target: &Target) -> Result<(u64, Vec<Bounds>), String> {
        let mut session: Box<dyn TargetSession> = self.open_target(target).await?;
        let total = session.estimate().await.map_err(|error| error.detail)?;
        let is_parallel = self
            .connectors
            .target(&target.kind)
            .is_some_and(|kind| kind.is_parallel());
        let by_size = total / u64::from(job.tuning.batch_size.max(1)) + 1;
        let wanted = (job.tuning.concurrency.max(1) * RANGES_PER_WORKER).min(MOST_RANGES);
        let parts = if is_parallel {
            wanted.min(u32::try_from(by_size).unwrap_or(u32::MAX))
        } else {
            1
        };
        let bounds = session.split(parts).await.map_err(|error| error.detail)?;
        Ok((total, bounds))
    }

    async fn end_pass(&self, job: &Job, ranges: &[Range]) -> Result<(), Refusal> {
        let mut pass = Counts::default();
        for range in job.present(ranges) {
            pass.add(&range.counts);
        }
        let mut ended = job.clone();
        ended.done = job.done.then(&pass);
        ended.failures = job.failing(ranges);
        let is_clean = pass.moved == 0 && pass.left == 0;
        if job.mode.is_moving() && !is_clean {
            if job.pass < PASSES {
                return self.begin_pass(&ended).await;
            }
            let why = format!(
                "after {PASSES} passes there was still something to move: somebody keeps writing under an old version"
            );
            return self
                .end(&ended, JobState::Failed { why: why.clone() }, None, &why)
                .await;
        }
        let versions = sum(job.present(ranges));
        let census = Census {
            job: job.id.clone(),
            target: job.target.clone(),
            target_name: job.target_name.clone(),
            started_at: job.pass_started_at.unwrap_or(job.created_at),
            finished_at: self.clock.now(),
            malformed: without_version(pass.scanned, &versions),
            versions,
        };
        let detail = format!(
            "{} of target `{}`: {} scanned, {} moved, {} unreadable",
            job.mode.label(),
            job.target_name,
            ended.done.scanned,
            ended.done.moved,
            ended.done.unreadable
        );
        self.end(&ended, JobState::Completed, Some(census), &detail).await
    }

    async fn end(
        &self,
        job: &Job,
        state: JobState,
        census: Option<Census>,
        detail: &str,
    ) -> Result<(), Refusal> {
        let mut ended = job.clone();
        ended.state = job.state.become_next(state)?;
        ended.finished_at = Some(self.clock.now());
        ended.trouble = None;
        let action = format!("reencryption.{}", ended.state.label());
        let mut change = self.system_change(&ended, &action, detail);
        if let Some(census) = census {
            change = change.write(Write::PutCensus(Box::new(census)));
        }
        done_or_done_by_another(self.store.commit(change).await)
    }

    /// The breaker pauses a job: too much of late did not open. A person resumes it.
    pub(crate) async fn trip(&self, id: &JobId) -> Result<(), Refusal> {
        let Some(job) = self.store.job(id).await? else {
            return Ok(());
        };
        if job.state != JobState::Running {
            return Ok(());
        }
        let ranges = self.store.ranges(id).await?;
        let window = Window::sum(job.present(&ranges).map(|range| &range.window));
        let why = format!(
            "{} of the last {} records did not open; they are listed below. Look at them before you resume",
            window.failed, window.records
        );
        let mut paused = job.clone();
        paused.state = job.state.become_next(JobState::Paused {
            by: PausedBy::Breaker,
            why: why.clone(),
            since: self.clock.now(),
        })?;
        let change = self.system_change(&paused, "reencryption.breaker", &why);
        done_or_done_by_another(self.store.commit(change).await)
    }

    fn system_change(&self, job: &Job, action: &str, detail: &str) -> Change {
        let actor = Actor::system("reencryption");
        let object = format!("reencryption/{}", job.id);
        Change::new()
            .write(Write::UpdateJob(Box::new(job.clone())))
            .audit(AuditDraft::new(&actor, self.clock.now(), action, object, detail))
            .topic(Topic::Reencryption(job.id.clone()))
            .topic(Topic::Catalog)
    }

    /// Says on the job what is in its way, or that nothing is any more.
    pub(crate) async fn note_trouble(&self, job: &Job, trouble: Option<String>) -> Result<(), Refusal> {
        if job.trouble == trouble {
            return Ok(());
        }
        let mut noted = job.clone();
        noted.trouble = trouble;
        let change = Change::new()
            .write(Write::UpdateJob(Box::new(noted)))
            .topic(Topic::Reencryption(job.id.clone()));
        done_or_done_by_another(self.store.commit(change).await)
    }

    /// The job that a queued record is moved by: it is nowhere stored.
    pub(crate) fn job_of_queue(&self, target: &Target) -> Job {
        let now = self.clock.now();
        Job {
            id: JobId::generate(self.clock.as_ref(), self.randomness.as_ref()),
            target: target.id.clone(),
            target_name: target.name.clone(),
            key: target.key.clone(),
            key_name: target.key_name.clone(),
            mode: Mode::Rewrap,
            from: None,
            state: JobState::Running,
            tuning: crate::reencryption::Tuning::default(),
            reason: String::new(),
            started_by: String::new(),
            pass: 1,
            pass_started_at: Some(now),
            total: None,
            done: Counts::default(),
            failures: Vec::new(),
            trouble: None,
            created_at: now,
            finished_at: None,
            revision: 0,
        }
    }
}

fn fresh_range(job: &Job, number: u32, bounds: Bounds) -> Range {
    Range {
        job: job.id.clone(),
        pass: job.pass,
        number,
        bounds,
        cursor: None,
        is_finished: false,
        counts: Counts::default(),
        versions: Vec::new(),
        window: Window::default(),
        failures: Vec::new(),
        lease: RangeLease::default(),
    }
}

/// Who came second finds it done.
fn done_or_done_by_another(result: Result<(), CommitError>) -> Result<(), Refusal> {
    match result {
        Ok(()) | Err(CommitError::Stale { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
