//! Jobs: start, pause, resume, cancel, turn.

use crate::access::{Actor, Role};
use crate::audit::AuditDraft;
use crate::change::{Change, CommitError, Topic, Write};
use crate::id::JobId;
use crate::name::Name;
use crate::reencryption::breaker::Window;
use crate::reencryption::model::{Counts, Job, Mode, Tuning};
use crate::reencryption::state::{JobState, PausedBy};
use crate::rule::{Refusal, RuleError};
use crate::services::Services;

/// A job as asked for.
#[derive(Clone, Debug)]
pub struct NewJob {
    pub target: String,
    /// None: the target's own.
    pub key: Option<String>,
    pub mode: Mode,
    pub from: Option<u32>,
    pub tuning: TuningUpdate,
    pub reason: String,
}

/// What is None stays.
#[derive(Clone, Copy, Debug, Default)]
pub struct TuningUpdate {
    pub batch_size: Option<u32>,
    pub concurrency: Option<u32>,
    /// Some(0): no limit.
    pub rate: Option<u32>,
    pub breaker_percent: Option<f64>,
    pub breaker_least: Option<u64>,
}

/// What a person may tell a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobCommand {
    Pause,
    Resume,
    Cancel,
}

impl JobCommand {
    /// The word in the path.
    pub fn label(self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Cancel => "cancel",
        }
    }
}

impl TuningUpdate {
    /// The tuning with these turned.
    ///
    /// # Errors
    /// With every rule it breaks.
    pub fn turn(&self, tuning: Tuning) -> Result<Tuning, Vec<RuleError>> {
        let mut turned = tuning;
        let mut broken = Vec::new();
        let mut within = |value: Option<u32>, pointer: &str, least: u32, most: u32| {
            if value.is_some_and(|value| value < least || value > most) {
                let detail = format!("between {least} and {most}");
                broken.push(RuleError::new(pointer, detail));
            }
        };
        within(self.batch_size, "/batch_size", 1, 10_000);
        within(self.concurrency, "/concurrency", 1, 64);
        within(self.rate, "/rate", 0, 10_000_000);
        let percent = self.breaker_percent.unwrap_or(tuning.breaker.percent);
        if !(percent > 0.0 && percent <= 100.0) {
            broken.push(RuleError::new("/breaker_percent", "more than 0 and at most 100"));
        }
        turned.breaker.percent = percent;
        turned.breaker.least = self.breaker_least.unwrap_or(tuning.breaker.least).max(1);
        turned.batch_size = self.batch_size.unwrap_or(tuning.batch_size);
        turned.concurrency = self.concurrency.unwrap_or(tuning.concurrency);
        turned.rate = match self.rate {
            Some(0) => None,
            Some(rate) => Some(rate),
            None => tuning.rate,
        };
        if broken.is_empty() {
            Ok(turned)
        } else {
            Err(broken)
        }
    }
}

impl Services {
    /// Starts a job over a target.
    ///
    /// # Errors
    /// Not an operator, broken rules, 409 `job_under_way` or `shadow_required`.
    pub async fn start_reencryption(&self, actor: &Actor, new: NewJob) -> Result<Job, Refusal> {
        actor.require(Role::Operator)?;
        let mut broken = Vec::new();
        if new.reason.trim().is_empty() || new.reason.chars().count() > 1_000 {
            broken.push(RuleError::new("/reason", "say why, in 1 to 1,000 characters"));
        }
        let target = match Name::parse(&new.target) {
            Ok(name) => self.store.target(&name).await?,
            Err(_) => None,
        };
        if target.is_none() {
            let detail = format!("there is no target `{}`", new.target);
            broken.push(RuleError::new("/target", detail));
        }
        let key = match (&new.key, &target) {
            (None, Some(target)) => Some((target.key.clone(), target.key_name.clone())),
            (Some(text), _) => match Name::parse(text) {
                Ok(name) => self.key_named(&name).await?.map(|id| (id, name)),
                Err(_) => None,
            },
            (None, None) => None,
        };
        if let (None, Some(text)) = (&key, &new.key) {
            broken.push(RuleError::new("/key", format!("there is no key `{text}`")));
        }
        let tuning = new.tuning.turn(Tuning::default());
        if let Err(rules) = &tuning {
            broken.extend(rules.iter().cloned());
        }
        let (Some(target), Some((key, key_name)), Ok(tuning), true) =
            (target, key, tuning, broken.is_empty())
        else {
            return Err(Refusal::Rules(broken));
        };
        if new.mode.is_moving() && target.require_shadow && self.passed_shadow(&target).await?.is_none() {
            let detail =
                "this target asks for a shadow run first: one within seven days that read everything";
            return Err(Refusal::conflict("shadow_required", detail));
        }
        let now = self.clock.now();
        let job = Job {
            id: JobId::generate(self.clock.as_ref(), self.randomness.as_ref()),
            target: target.id.clone(),
            target_name: target.name.clone(),
            key,
            key_name,
            mode: new.mode,
            from: new.from,
            state: JobState::Planned,
            tuning,
            reason: new.reason.trim().to_owned(),
            started_by: actor.label(),
            pass: 0,
            pass_started_at: None,
            total: None,
            done: Counts::default(),
            failures: Vec::new(),
            trouble: None,
            created_at: now,
            finished_at: None,
            revision: 0,
        };
        let detail = format!(
            "{} of target `{}`: {}",
            job.mode.label(),
            job.target_name,
            job.reason
        );
        let change = self.job_change(actor, "reencryption.start", &job, &detail);
        let change = change.write(Write::InsertJob(Box::new(job.clone())));
        match self.store.commit(change).await {
            Err(CommitError::Taken { .. }) => Err(Refusal::conflict(
                "job_under_way",
                format!(
                    "another job of target `{}` is under way; wait for it, or cancel it",
                    target.name
                ),
            )),
            other => {
                other?;
                Ok(job)
            }
        }
    }

    /// Pauses, resumes or cancels. What has the asked-for state already stays as it is.
    ///
    /// # Errors
    /// Not an operator, no reason, no such job, 409 `illegal_move`.
    pub async fn command_reencryption(
        &self,
        actor: &Actor,
        id: &JobId,
        command: JobCommand,
        reason: &str,
    ) -> Result<Job, Refusal> {
        actor.require(Role::Operator)?;
        if reason.trim().is_empty() {
            return Err(Refusal::rule("/reason", "say why, for the audit"));
        }
        let reason = reason.trim().to_owned();
        let mut job = self.job_of_id(id).await?;
        let now = self.clock.now();
        let ranges = self.store.ranges(id).await?;
        let next = match command {
            JobCommand::Pause => JobState::Paused {
                by: PausedBy::Person,
                why: reason.clone(),
                since: now,
            },
            JobCommand::Resume => JobState::Running,
            JobCommand::Cancel => JobState::Cancelled { why: reason.clone() },
        };
        if next.phase() == job.state.phase() {
            return Ok(job);
        }
        // What never began is planned again, so that its ranges are cut.
        let next = if command == JobCommand::Resume && job.pass == 0 {
            JobState::Planned
        } else {
            next
        };
        let counts = job.counts(&ranges);
        let failing = job.failing(&ranges);
        let has_tripped = matches!(
            job.state,
            JobState::Paused {
                by: PausedBy::Breaker,
                ..
            }
        );
        job.state = job.state.become_next(next)?;
        let action = format!("reencryption.{}", command.label());
        let mut change = self.job_change(actor, &action, &job, &reason);
        if command == JobCommand::Cancel {
            job.finished_at = Some(now);
            job.done = counts;
            job.failures = failing;
        }
        if command == JobCommand::Resume && has_tripped && !ranges.is_empty() {
            // A person has looked: the breaker counts anew. After any other pause the ranges stay as they are, for a
            // worker that slept through it goes on under its lease; another token would make it move records that
            // nobody counts.
            let mut ranges = ranges;
            for range in &mut ranges {
                range.window = Window::default();
            }
            change = change.write(Write::ReplaceRanges {
                job: id.clone(),
                ranges,
            });
        }
        let change = change.write(Write::UpdateJob(Box::new(job.clone())));
        self.store.commit(change).await?;
        job.revision += 1;
        Ok(job)
    }

    /// Turns batch size, concurrency, rate or breaker of a job under way; workers follow with their next batch.
    ///
    /// # Errors
    /// Not an operator, no such job, broken rules, 409 `illegal_move` once it has ended.
    pub async fn tune_reencryption(
        &self,
        actor: &Actor,
        id: &JobId,
        update: TuningUpdate,
    ) -> Result<Job, Refusal> {
        actor.require(Role::Operator)?;
        let mut job = self.job_of_id(id).await?;
        if job.state.is_terminal() {
            let detail = format!("the job is {} and cannot be turned any more", job.state.label());
            return Err(Refusal::conflict("illegal_move", detail));
        }
        job.tuning = update.turn(job.tuning).map_err(Refusal::Rules)?;
        let rate = job
            .tuning
            .rate
            .map_or("no limit".to_owned(), |rate| format!("{rate}/s"));
        let detail = format!(
            "batches of {}, {} at once, {rate}, stops at {}%",
            job.tuning.batch_size, job.tuning.concurrency, job.tuning.breaker.percent
        );
        let change = self
            .job_change(actor, "reencryption.tune", &job, &detail)
            .write(Write::UpdateJob(Box::new(job.clone())));
        self.store.commit(change).await?;
        job.revision += 1;
        Ok(job)
    }

    pub(crate) async fn job_of_id(&self, id: &JobId) -> Result<Job, Refusal> {
        let job = self.store.job(id).await?;
        job.ok_or_else(|| Refusal::not_found("re-encryption", id.as_str()))
    }

    fn job_change(&self, actor: &Actor, action: &str, job: &Job, detail: &str) -> Change {
        let object = format!("reencryption/{}", job.id);
        Change::new()
            .audit(AuditDraft::new(actor, self.clock.now(), action, object, detail))
            .topic(Topic::Reencryption(job.id.clone()))
            .topic(Topic::Catalog)
    }
}
