//! One worker on one range: scan, judge, compare and swap, advance. Whoever drops it anywhere loses nothing.

use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures::future::select;

use crate::change::{Change, CommitError, Topic, Write};
use crate::id::JobId;
use crate::ports::TargetSession;
use crate::reencryption::census;
use crate::reencryption::model::{Job, LISTED_PER_RANGE, Mode, Range};
use crate::reencryption::mover::KeySource;
use crate::reencryption::moving::{Moving, Tally, breathe};
use crate::reencryption::pace::Pace;
use crate::reencryption::state::JobState;
use crate::rule::Refusal;
use crate::services::Services;

/// How long a worker may be silent before another takes its range over; it renews every second.
pub const LEASE: Duration = Duration::from_secs(3);
const RENEW: Duration = Duration::from_secs(1);
/// How soon a target or a key that is away is asked again.
const RETRY: Duration = Duration::from_secs(1);

/// A range and what its worker knows.
pub struct RangeWorker {
    range: Range,
    holder: String,
    token: i64,
    session: Option<Box<dyn TargetSession>>,
    pace: Pace,
    /// Ranges of the job under work now, for this one's part of the rate.
    sharing: Arc<AtomicU32>,
}

impl fmt::Debug for RangeWorker {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("RangeWorker")
            .field("range", &self.range)
            .field("holder", &self.holder)
            .finish_non_exhaustive()
    }
}

/// Keeps a worker's lease, beside its work.
#[derive(Clone, Debug)]
pub struct LeaseKeeper {
    job: JobId,
    pass: u32,
    number: u32,
    holder: String,
    token: i64,
    sharing: Arc<AtomicU32>,
}

/// What to do next with a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Again after so long.
    Rest(Duration),
    /// Its range is done.
    Finished,
    /// The job does not run any more, or another worker holds the range.
    Stopped,
}

impl RangeWorker {
    /// A worker that holds the lease of `token` on a range.
    pub(crate) fn new(range: Range, holder: String, token: i64) -> Self {
        Self {
            range,
            holder,
            token,
            session: None,
            pace: Pace::default(),
            sharing: Arc::new(AtomicU32::new(1)),
        }
    }

    /// The job it works for.
    pub fn job(&self) -> &JobId {
        &self.range.job
    }

    /// The number of its range.
    pub fn number(&self) -> u32 {
        self.range.number
    }

    /// What keeps its lease.
    pub fn keeper(&self) -> LeaseKeeper {
        LeaseKeeper {
            job: self.range.job.clone(),
            pass: self.range.pass,
            number: self.range.number,
            holder: self.holder.clone(),
            token: self.token,
            sharing: Arc::clone(&self.sharing),
        }
    }
}

impl Services {
    /// One batch. To be called again and again as the answer says.
    ///
    /// # Errors
    /// When the store is away; call again later. What the target or the key refuses is noted on the job instead.
    pub async fn work(&self, keys: &dyn KeySource, worker: &mut RangeWorker) -> Result<Step, Refusal> {
        let Some(job) = self.store.job(&worker.range.job).await? else {
            return Ok(Step::Stopped);
        };
        if job.state != JobState::Running || job.pass != worker.range.pass {
            return Ok(Step::Stopped);
        }
        let sharing = worker.sharing.load(Ordering::Relaxed).max(1);
        let rate = job.tuning.rate.map(|rate| f64::from(rate) / f64::from(sharing));
        let rest = worker.pace.rest(self.clock.now(), rate);
        if !rest.is_zero() {
            return Ok(Step::Rest(rest));
        }
        match self.batch(keys, worker, &job, rate).await? {
            Ok(Some(step)) => Ok(step),
            Ok(None) => {
                if job.trouble.is_some() {
                    self.note_trouble(&job, None).await?;
                }
                Ok(Step::Rest(Duration::ZERO))
            }
            Err(trouble) => {
                // A rotated credential, a lost connection: the next try signs in anew.
                worker.session = None;
                self.note_trouble(&job, Some(trouble)).await?;
                Ok(Step::Rest(RETRY))
            }
        }
    }

    /// The inner result is what is in the way, in words.
    async fn batch(
        &self,
        keys: &dyn KeySource,
        worker: &mut RangeWorker,
        job: &Job,
        rate: Option<f64>,
    ) -> Result<Result<Option<Step>, String>, Refusal> {
        let Some(target) = self.store.target_by_id(&job.target).await? else {
            return Ok(Ok(Some(Step::Stopped)));
        };
        let began = self.clock.now();
        let is_busy = self.reencryption.foreground.is_busy(began);
        let limit = worker.pace.batch_size(job.tuning.batch_size, rate, is_busy);
        // Scans and dry runs seal nothing.
        let uses = match job.mode {
            Mode::Scan | Mode::DryRun => 0,
            Mode::Rewrap | Mode::Reencrypt | Mode::Shadow => u64::from(limit),
        };
        let key = match keys.moving_key(&job.key, uses).await {
            Ok(key) => key,
            Err(refusal) => return Ok(Err(format!("the key: {refusal}"))),
        };
        if job.mode != Mode::Scan && key.active().is_none() {
            return Ok(Err(
                "the key has no active version now, so there is nothing to move to".to_owned(),
            ));
        }
        let mut session = match worker.session.take() {
            Some(session) => session,
            None => match self.open_target(&target).await {
                Ok(session) => session,
                Err(trouble) => return Ok(Err(trouble)),
            },
        };
        let range = &worker.range;
        let scanned = session.scan(&range.bounds, range.cursor.as_ref(), limit).await;
        let scanned = match scanned {
            Ok(scanned) => scanned,
            Err(error) => return Ok(Err(error.detail)),
        };
        let mut moving = Moving {
            services: self,
            keys,
            key,
            job,
            target: &target,
            uses,
            tally: Tally::default(),
        };
        if let Err(trouble) = moving.through(session.as_mut(), scanned.records).await {
            return Ok(Err(trouble));
        }
        let tally = moving.tally;
        worker.session = Some(session);
        let (records, cost) = (tally.counts.scanned, tally.counts.cost_tenths());
        let mut range = worker.range.clone();
        self.take_in(job, &mut range, tally);
        range.cursor = scanned.next.clone().or(range.cursor);
        range.is_finished = scanned.next.is_none();
        let trips = range.window.trips(&job.tuning.breaker);
        let change = Change::new()
            .write(Write::AdvanceRange {
                range: Box::new(range.clone()),
                token: worker.token,
            })
            .topic(Topic::Reencryption(job.id.clone()));
        match self.store.commit(change).await {
            Ok(()) => {}
            Err(CommitError::Stale { .. }) => return Ok(Ok(Some(Step::Stopped))),
            Err(error) => return Err(error.into()),
        }
        worker.range = range;
        let now = self.clock.now();
        let foreground = &self.reencryption.foreground;
        foreground.job_worked(now);
        worker
            .pace
            .note(records, cost, now.since(began), foreground.share(now));
        if trips {
            self.trip(&job.id).await?;
            return Ok(Ok(Some(Step::Stopped)));
        }
        Ok(Ok(worker.range.is_finished.then_some(Step::Finished)))
    }

    fn take_in(&self, job: &Job, range: &mut Range, tally: Tally) {
        range.counts.add(&tally.counts);
        range.window.note(
            tally.counts.scanned - tally.counts.other_key.min(tally.counts.scanned),
            tally.counts.unreadable + tally.counts.differing,
        );
        for (seen, bytes) in tally.seen {
            census::count(&mut range.versions, &seen.key, seen.version, bytes);
        }
        range.failures.extend(tally.failures);
        range.failures.truncate(LISTED_PER_RANGE);
        for (version, (opened, failed)) in tally.health {
            self.reencryption
                .health
                .note(&job.key, version, opened, failed, self.clock.now());
        }
        self.meter
            .records_moved(&job.target_name, job.mode.label(), &tally.counts);
    }

    /// Works on a range to its end, keeping its lease meanwhile. Dropping it in the middle is what a crash does: nothing is
    /// lost, and the range is taken over when the lease runs out.
    pub async fn drive_range(
        &self,
        keys: &dyn KeySource,
        mut worker: RangeWorker,
        sleep: impl AsyncFn(Duration),
    ) {
        let keeper = worker.keeper();
        let working = pin!(async {
            loop {
                match self.work(keys, &mut worker).await {
                    Ok(Step::Rest(rest)) if rest.is_zero() => breathe().await,
                    Ok(Step::Rest(rest)) => sleep(rest).await,
                    Ok(Step::Finished | Step::Stopped) => return,
                    Err(_) => sleep(RETRY).await,
                }
            }
        });
        let keeping = pin!(async {
            loop {
                // Unanswered, the lease may still be ours; every write is fenced by its token.
                if matches!(keeper.renew(self).await, Ok(false)) {
                    return;
                }
                sleep(RENEW).await;
            }
        });
        select(working, keeping).await;
        // Unanswered, it runs out by itself.
        drop(keeper.release(self).await);
    }
}

impl LeaseKeeper {
    /// Renews the lease; false when another worker holds the range.
    ///
    /// # Errors
    /// Store away.
    pub async fn renew(&self, services: &Services) -> Result<bool, Refusal> {
        let now = services.clock.now();
        let renewed = services
            .store
            .take_range(
                &self.job,
                self.pass,
                self.number,
                &self.holder,
                now,
                now.after(LEASE),
            )
            .await?;
        if renewed != Some(self.token) {
            return Ok(false);
        }
        let sharing = services.store.ranges_under_work(&self.job, now).await?;
        self.sharing.store(sharing.max(1), Ordering::Relaxed);
        Ok(true)
    }

    /// Lets the range go at once, for whoever comes next.
    ///
    /// # Errors
    /// Store away: then the lease runs out by itself.
    pub async fn release(&self, services: &Services) -> Result<(), Refusal> {
        Ok(services
            .store
            .release_range(&self.job, self.pass, self.number, self.token)
            .await?)
    }
}
