//! Records of one batch on their way from scanned to moved: judged, replaced where they still are what was read.

use std::collections::HashMap;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use crate::clock::Timestamp;
use crate::ports::{ConnectorError, Locator, StoredRecord, Swap, TargetSession};
use crate::reencryption::model::{Counts, FailedRecord, Job, LISTED_PER_RANGE, Target};
use crate::reencryption::mover::{Judged, KeySource, MovingKey, Seen, Treatment, Verdict, judge};
use crate::services::Services;

/// How often a record that somebody else keeps changing is tried within one batch.
const TRIES: usize = 3;
/// Records between two breaths: others on this thread wait no longer than these take.
const BREATH: usize = 16;

/// What one batch did, before it is stored.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) counts: Counts,
    pub(super) failures: Vec<FailedRecord>,
    pub(super) seen: Vec<(Seen, u64)>,
    /// By version of the job's key: opened, failed.
    pub(super) health: HashMap<u32, (u64, u64)>,
}

/// Records on their way from scanned to moved.
pub(super) struct Moving<'a> {
    pub(super) services: &'a Services,
    pub(super) keys: &'a dyn KeySource,
    pub(super) key: Arc<dyn MovingKey>,
    pub(super) job: &'a Job,
    pub(super) target: &'a Target,
    /// Values that may be sealed in one go.
    pub(super) uses: u64,
    pub(super) tally: Tally,
}

impl Moving<'_> {
    /// Judges them and replaces what is to be moved; a record that somebody else changes meanwhile is looked at again.
    pub(super) async fn through(
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
pub(super) async fn breathe() {
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
