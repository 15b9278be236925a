//! Small regular work: outcomes to the store, wrapping keys tended, what has run out forgotten.

use std::time::Duration;

use tokio::time::MissedTickBehavior;

use crate::http::AppState;
use crate::http::idempotency;

const OUTCOMES_EVERY: Duration = Duration::from_secs(5);
const TIDY_EVERY: Duration = Duration::from_secs(60);
/// A day's figures may be so old; the last of a day stand.
const MEASURE_EVERY: Duration = Duration::from_secs(300);

/// Works until the server stops, then stores what is left in memory.
pub async fn keep_house(state: AppState) {
    let mut outcomes = tokio::time::interval(OUTCOMES_EVERY);
    let mut tidy = tokio::time::interval(TIDY_EVERY);
    let mut measure = tokio::time::interval(MEASURE_EVERY);
    outcomes.set_missed_tick_behavior(MissedTickBehavior::Delay);
    tidy.set_missed_tick_behavior(MissedTickBehavior::Delay);
    measure.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = state.shutdown.cancelled() => break,
            _ = outcomes.tick() => store_outcomes(&state).await,
            _ = measure.tick() => measure_today(&state).await,
            _ = tidy.tick() => {
                tend_keys(&state).await;
                start_due(&state).await;
                forget(&state).await;
            }
        }
    }
    store_outcomes(&state).await;
}

/// What cannot be stored is put back, so that an outage of the database loses nothing.
async fn store_outcomes(state: &AppState) {
    let buckets = state.services.live.take_outcomes();
    if buckets.is_empty() {
        return;
    }
    if let Err(error) = state.services.store.add_outcomes(&buckets).await {
        tracing::warn!(error.cause = %error, "outcomes could not be stored and are kept in memory");
        state.services.live.collect(buckets);
    }
}

async fn start_due(state: &AppState) {
    if !state.services.sealer.is_open() {
        return;
    }
    match state.services.start_due_rotations().await {
        Ok(scheduled) if scheduled.started > 0 => {
            tracing::info!(
                rotations.started = scheduled.started,
                "rotations that were due have begun"
            );
        }
        Ok(_) => {}
        Err(refusal) => tracing::warn!(error.cause = %refusal, "what is due could not be rotated"),
    }
}

async fn measure_today(state: &AppState) {
    if let Err(refusal) = state.services.measure_today().await {
        tracing::warn!(error.cause = %refusal, "the day could not be measured");
    }
}

async fn tend_keys(state: &AppState) {
    if let Err(refusal) = state.services.tend_wrapping_keys().await {
        tracing::warn!(error.cause = %refusal, "the wrapping keys could not be tended");
    }
}

/// Nothing relies on this: whatever has run out is refused without it.
async fn forget(state: &AppState) {
    let now = state.services.clock.now();
    let sessions = state.database.delete_expired_sessions(now).await;
    let replies = state
        .database
        .delete_idempotent_before(now.before(idempotency::KEPT))
        .await;
    if let Err(refusal) = state.services.forget_key_imports().await {
        tracing::warn!(error.cause = %refusal, "imports of keys that have run out could not be forgotten");
    }
    for error in [sessions.err(), replies.err()].into_iter().flatten() {
        tracing::warn!(error.cause = %error, "what has run out could not be forgotten");
    }
}
