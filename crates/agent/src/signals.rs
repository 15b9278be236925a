//! Outcomes on their way to the server: counted together, sent often, refusals at once.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use api::{Signal, SignalBatch, SignalClass};
use tokio::{
    sync::{Notify, oneshot},
    task::JoinSet,
    time::Instant,
};

use crate::{Outcome, backoff::Backoff, credential::Surroundings};

/// Refusals that arrive together travel together, well within the 20 ms they may take.
const URGENT_PAUSE: Duration = Duration::from_millis(5);
/// Older than this, an outcome would tell the server of a past it would take for the present.
const LONGEST_KEPT: Duration = Duration::from_secs(10);
/// More kinds than this are not kept: they would be an error in the program.
const MOST_KINDS: usize = 4096;
const MOST_PER_BATCH: usize = 500;
const MOST_IN_FLIGHT: usize = 4;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Kind {
    credential: Arc<str>,
    version: u32,
    status: u16,
    class: Option<SignalClass>,
}

#[derive(Debug, Clone, Copy)]
struct Tally {
    count: u32,
    timed: u32,
    total_duration: Duration,
    first_at: Instant,
}

/// Outcomes that wait to be sent.
#[derive(Debug, Default)]
pub(crate) struct SignalBuffer {
    tallies: Mutex<HashMap<Kind, Tally>>,
    /// Something waits.
    pending: Notify,
    /// A refusal waits.
    urgent: Notify,
}

impl SignalBuffer {
    pub(crate) fn record(&self, credential: &Arc<str>, version: u32, outcome: Outcome) {
        let kind = Kind {
            credential: Arc::clone(credential),
            version,
            status: outcome.status,
            class: outcome.class,
        };
        let tally = Tally {
            count: 1,
            timed: u32::from(outcome.duration.is_some()),
            total_duration: outcome.duration.unwrap_or_default(),
            first_at: Instant::now(),
        };
        self.add([(kind, tally)]);
        self.pending.notify_one();
        if outcome.is_refusal() {
            self.urgent.notify_one();
        }
    }

    fn add(&self, tallies: impl IntoIterator<Item = (Kind, Tally)>) {
        let mut waiting = self.tallies.lock().unwrap_or_else(PoisonError::into_inner);
        for (kind, tally) in tallies {
            if waiting.len() >= MOST_KINDS && !waiting.contains_key(&kind) {
                tracing::warn!(
                    credential = &*kind.credential,
                    "too many kinds of outcomes wait; one was dropped"
                );
                continue;
            }
            waiting
                .entry(kind)
                .and_modify(|known| {
                    known.count = known.count.saturating_add(tally.count);
                    known.timed = known.timed.saturating_add(tally.timed);
                    known.total_duration = known.total_duration.saturating_add(tally.total_duration);
                    known.first_at = known.first_at.min(tally.first_at);
                })
                .or_insert(tally);
        }
    }

    fn take(&self) -> Vec<(Kind, Tally)> {
        let mut waiting = self.tallies.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.retain(|kind, tally| {
            let is_recent = tally.first_at.elapsed() < LONGEST_KEPT;
            if !is_recent {
                tracing::warn!(
                    credential = &*kind.credential,
                    count = tally.count,
                    "outcomes could not be sent in time and were dropped"
                );
            }
            is_recent
        });
        waiting.drain().collect()
    }
}

/// Sends outcomes until `stop` is told, then sends what is left.
pub(crate) async fn keep_sending(
    surroundings: Arc<Surroundings>,
    buffer: Arc<SignalBuffer>,
    interval: Duration,
    mut stop: oneshot::Receiver<()>,
) {
    let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(2));
    let mut in_flight = JoinSet::new();
    loop {
        let stopping = tokio::select! {
            _ = &mut stop => true,
            Some(finished) = in_flight.join_next() => {
                give_back(finished.ok().flatten(), &buffer, &surroundings, &mut backoff).await;
                continue;
            }
            () = buffer.pending.notified() => {
                tokio::select! {
                    _ = &mut stop => true,
                    () = tokio::time::sleep(interval) => false,
                    () = buffer.urgent.notified() => {
                        tokio::time::sleep(URGENT_PAUSE).await;
                        false
                    }
                }
            }
        };
        let waiting = buffer.take();
        for batch in waiting.chunks(MOST_PER_BATCH) {
            while in_flight.len() >= MOST_IN_FLIGHT {
                settle(&mut in_flight, &buffer, &surroundings, &mut backoff).await;
            }
            in_flight.spawn(send(Arc::clone(&surroundings), batch.to_vec()));
        }
        if stopping {
            while let Some(unsent) = in_flight.join_next().await {
                // Once more for what was given back; after that the program must be let go.
                if let Ok(Some(unsent)) = unsent {
                    send(Arc::clone(&surroundings), unsent).await;
                }
            }
            return;
        }
    }
}

async fn settle(
    in_flight: &mut JoinSet<Option<Vec<(Kind, Tally)>>>,
    buffer: &SignalBuffer,
    surroundings: &Surroundings,
    backoff: &mut Backoff,
) {
    if let Some(finished) = in_flight.join_next().await {
        give_back(finished.ok().flatten(), buffer, surroundings, backoff).await;
    }
}

async fn give_back(
    unsent: Option<Vec<(Kind, Tally)>>,
    buffer: &SignalBuffer,
    surroundings: &Surroundings,
    backoff: &mut Backoff,
) {
    match unsent {
        None => backoff.reset(),
        Some(unsent) => {
            buffer.add(unsent);
            buffer.pending.notify_one();
            tokio::time::sleep(backoff.delay(&*surroundings.jitter, None)).await;
        }
    }
}

/// Sends a batch; gives it back where the server surely did not count it. What it may have counted is not
/// sent again: a refusal counted twice weighs more than one that is missed and soon followed by the next.
async fn send(surroundings: Arc<Surroundings>, tallies: Vec<(Kind, Tally)>) -> Option<Vec<(Kind, Tally)>> {
    let signals = tallies.iter().map(|(kind, tally)| signal(kind, tally)).collect();
    match surroundings
        .client
        .send_signals(&surroundings.instance, &SignalBatch { signals })
        .await
    {
        Ok(accepted) => {
            for ignored in accepted.ignored {
                tracing::warn!(
                    code = ignored.code,
                    detail = ignored.detail,
                    "the server left an outcome out"
                );
            }
            None
        }
        Err(error) => {
            let surely_not_counted = match &error {
                api::ClientError::Unreachable { maybe_sent, .. } => !maybe_sent,
                other => other.is_transient(),
            };
            tracing::warn!(error = %error, "outcomes could not be sent");
            surely_not_counted.then_some(tallies)
        }
    }
}

fn signal(kind: &Kind, tally: &Tally) -> Signal {
    let mean = (tally.timed > 0).then(|| tally.total_duration / tally.timed);
    Signal {
        credential: kind.credential.to_string(),
        version: kind.version,
        status: kind.status,
        class: kind.class,
        count: tally.count,
        duration_ms: mean.map(|mean| u64::try_from(mean.as_millis()).unwrap_or(u64::MAX)),
        // The server goes by the time of arrival; the agent has no wall clock.
        at: None,
    }
}
