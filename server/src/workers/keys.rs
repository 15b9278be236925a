//! What happens to keys by itself: uses are stored every second, and what is due is done.

use std::time::Duration;

use crate::http::AppState;

const STORE_EVERY: Duration = Duration::from_secs(1);
/// Rotations that are due, and versions to be destroyed, wait at most so long.
const LOOK_EVERY: u32 = 5;

/// Works until the server stops, and stores what was counted at the end.
pub async fn tend_keys(state: AppState) {
    let mut interval = tokio::time::interval(STORE_EVERY);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut until_look = 0;
    loop {
        tokio::select! {
            () = state.shutdown.cancelled() => break,
            _ = interval.tick() => {}
        }
        store_usage(&state).await;
        if until_look == 0 {
            until_look = LOOK_EVERY;
            look(&state).await;
        }
        until_look -= 1;
    }
    store_usage(&state).await;
}

async fn store_usage(state: &AppState) {
    if let Err(refusal) = state.services.store_key_usage().await {
        tracing::warn!(error.cause = %refusal, "uses of keys could not be stored and are kept in memory");
    }
}

async fn look(state: &AppState) {
    match state.services.tend_keys().await {
        Ok(turn) => {
            if turn.rotated > 0 || turn.destroyed > 0 {
                tracing::info!(
                    keys.rotated = turn.rotated,
                    keys.destroyed = turn.destroyed,
                    "what was due with keys is done"
                );
            }
            for failure in turn.failures {
                tracing::warn!(error.cause = %failure, "what is due with a key could not be done yet");
            }
        }
        Err(refusal) => {
            tracing::warn!(error.cause = %refusal, "what is due with keys could not be looked at")
        }
    }
}
