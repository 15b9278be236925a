//! One worker on one range: scan, judge, compare and swap, advance. Whoever drops it anywhere loses nothing.

use std::collections::HashMap;
use std::fmt;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::Poll;
use std::time::Duration;

use futures::future::select;

use crate::change::{Change, CommitError, Topic, Write};
use crate::clock::Timestamp;
use crate::id::JobId;
use crate::ports::{ConnectorError, Locator, StoredRecord, Swap, TargetSession};
use crate::reencryption::census;
use crate::reencryption::model::{Counts, FailedRecord, Job, LISTED_PER_RANGE, Mode, Range, Target};
use crate::reencryption::mover::{Judged, KeySource, MovingKey, Seen, Treatment, Verdict, judge};
use crate::reencryption::pace::{Pace, batch_size};
use crate::reencryption::state::JobState;
use crate::rule::Refusal;
use crate::services::Services;

/// How long a worker may be silent before another takes its range over; it renews every second.
pub const LEASE: Duration = Duration::from_secs(3);
const RENEW: Duration = Duration::from_secs(1);
/// How often a record that somebody else keeps changing is tried within one batch.
const TRIES: usize = 3;
/// Records between two breaths: others on this thread wait no longer than these take.
const BREATH: usize = 16;
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

/// What one batch did, before it is stored.
#[derive(Debug, Default)]
struct Tally {
    counts: Counts,
    failures: Vec<FailedRecord>,
    seen: Vec<(Seen, u64)>,
    /// By version of the job's key: opened, failed.
    health: HashMap<u32, (u64, u64)>,
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
        let limit = batch_size(job.tuning.batch_size, rate);
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
        let began = self.clock.now();
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
        let cost = tally.counts.cost_tenths();
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
        worker.pace.note(cost, now.since(began), foreground.suffers(now));
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
            self.reencryption.health.note(&job.key, version, opened, failed);
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

    /// Moves records that a reader met under an old version; gives how many were looked at.
    ///
    /// # Errors
    /// Store away. What the target or the key refuses is left to a job.
    pub async fn work_queue(&self, keys: &dyn KeySource, most: usize) -> Result<usize, Refusal> {
        let Some((name, locators)) = self.reencryption.queue.take(most) else {
            return Ok(0);
        };
        let Some(target) = self.store.target(&name).await? else {
            return Ok(locators.len());
        };
        let job = self.job_of_queue(&target);
        let Ok(key) = keys.moving_key(&target.key, most as u64).await else {
            return Ok(locators.len());
        };
        let Ok(mut session) = self.open_target(&target).await else {
            return Ok(locators.len());
        };
        let Ok(records) = session.read(&locators).await else {
            return Ok(locators.len());
        };
        let mut moving = Moving {
            services: self,
            keys,
            key,
            job: &job,
            target: &target,
            uses: most as u64,
            tally: Tally::default(),
        };
        // A refusal is nobody's loss: the record stays as it is, and a job lists it.
        if moving.through(session.as_mut(), records).await.is_ok() {
            self.meter
                .records_moved(&target.name, "lazy", &moving.tally.counts);
        }
        Ok(locators.len())
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

/// Records on their way from scanned to moved.
struct Moving<'a> {
    services: &'a Services,
    keys: &'a dyn KeySource,
    key: Arc<dyn MovingKey>,
    job: &'a Job,
    target: &'a Target,
    /// Values that may be sealed in one go.
    uses: u64,
    tally: Tally,
}

impl Moving<'_> {
    async fn through(
        &mut self,
        session: &mut dyn TargetSession,
        records: Vec<StoredRecord>,
    ) -> Result<(), String> {
        self.tally.counts.scanned += records.len() as u64;
        let mut swaps = self.judge_all(records, true).await?;
        let mut tries = 0;
        while !swaps.is_empty() {
            tries += 1;
            let done = session.replace(&swaps).await.map_err(words)?;
            let mut changed: Vec<Locator> = Vec::new();
            for (swap, is_done) in swaps.into_iter().zip(done) {
                if is_done {
                    self.tally.counts.moved += 1;
                } else {
                    changed.push(swap.locator);
                }
            }
            if changed.is_empty() {
                return Ok(());
            }
            self.tally.counts.conflicts += changed.len() as u64;
            if tries == TRIES {
                self.tally.counts.left += changed.len() as u64;
                return Ok(());
            }
            let now = session.read(&changed).await.map_err(words)?;
            let again = self.keys.moving_key(&self.job.key, now.len() as u64).await;
            self.key = again.map_err(|refusal| refusal.to_string())?;
            self.tally.counts.gone += (changed.len() - now.len().min(changed.len())) as u64;
            swaps = self.judge_all(now, false).await?;
        }
        Ok(())
    }

    /// Judges each and gives what is to be replaced. Counts the versions at the first look only.
    async fn judge_all(&mut self, records: Vec<StoredRecord>, is_first: bool) -> Result<Vec<Swap>, String> {
        let mut swaps = Vec::new();
        let mut is_refreshed = false;
        for (position, record) in records.into_iter().enumerate() {
            if position % BREATH == BREATH - 1 {
                breathe().await;
            }
            let began = self.services.clock.now();
            let mut judged = self.judge(&record)?;
            if may_be_stale(&judged.verdict) && !is_refreshed {
                // Another replica may have made the version.
                is_refreshed = true;
                if let Ok(key) = self.keys.refreshed_key(&self.job.key, self.uses).await {
                    self.key = key;
                    judged = self.judge(&record)?;
                }
            }
            if is_first && let Some(seen) = &judged.seen {
                self.tally.seen.push((seen.clone(), record.stored.len() as u64));
            }
            self.settle(judged, record, began, &mut swaps);
        }
        Ok(swaps)
    }

    fn judge(&self, record: &StoredRecord) -> Result<Judged, String> {
        let treatment = Treatment {
            mode: self.job.mode,
            from: self.job.from,
            encoding: self.target.encoding,
            context: &self.target.context,
        };
        judge(
            self.key.as_ref(),
            treatment,
            record,
            self.services.randomness.as_ref(),
        )
        .map_err(|error| error.to_string())
    }

    fn settle(&mut self, judged: Judged, record: StoredRecord, began: Timestamp, swaps: &mut Vec<Swap>) {
        let counts = &mut self.tally.counts;
        let version = judged.seen.as_ref().map(|seen| seen.version);
        let mut opened = false;
        match judged.verdict {
            Verdict::Current => counts.current += 1,
            Verdict::OtherKey => counts.other_key += 1,
            Verdict::WouldMove => counts.moved += 1,
            Verdict::Swap(after) => {
                opened = true;
                swaps.push(Swap {
                    locator: record.locator,
                    before: record.stored,
                    after,
                });
            }
            Verdict::Shadowed => {
                opened = true;
                counts.moved += 1;
                let took = self.services.clock.now().since(began).as_micros();
                let took = u64::try_from(took).unwrap_or(u64::MAX);
                counts.shadow_micros += took;
                counts.shadow_longest_micros = counts.shadow_longest_micros.max(took);
            }
            Verdict::Failed { class, detail } => {
                if class == crate::reencryption::FailureClass::Differs {
                    counts.differing += 1;
                } else {
                    counts.unreadable += 1;
                }
                if let Some(version) = version {
                    self.tally.health.entry(version).or_default().1 += 1;
                }
                if self.tally.failures.len() < LISTED_PER_RANGE {
                    self.tally.failures.push(FailedRecord {
                        locator: record.locator,
                        version,
                        class,
                        detail,
                        at: self.services.clock.now(),
                    });
                }
            }
        }
        if let Some(version) = version.filter(|_| opened) {
            self.tally.health.entry(version).or_default().0 += 1;
        }
    }
}

fn words(error: ConnectorError) -> String {
    error.detail
}

fn may_be_stale(verdict: &Verdict) -> bool {
    use crate::reencryption::FailureClass::{UnknownVersion, VersionRefused};
    matches!(
        verdict,
        Verdict::Failed {
            class: UnknownVersion | VersionRefused,
            ..
        }
    )
}

/// Lets others on this thread go first.
async fn breathe() {
    let mut has_waited = false;
    poll_fn(|context| {
        if has_waited {
            return Poll::Ready(());
        }
        has_waited = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
