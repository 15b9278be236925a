//! Tells other replicas what this one hears of instances, and takes in what they tell.

use std::time::Duration;

use tokio::sync::broadcast::error::RecvError;
use tokio::time::MissedTickBehavior;

use crate::http::AppState;

/// A refusal that another replica must hear of is told within this time.
const TELL_EVERY: Duration = Duration::from_millis(100);

/// Tells until the server stops.
pub async fn tell(state: AppState) {
    let services = &state.services;
    let mut ticks = tokio::time::interval(TELL_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = state.shutdown.cancelled() => return,
            _ = ticks.tick() => {}
        }
        let told = services.live.take_hearsay(services.clock.now());
        if told.is_empty() {
            continue;
        }
        // Lost words are silence: the others hold, and presence is repeated.
        if let Err(error) = services.store.tell_replicas(&told).await {
            tracing::warn!(error.cause = %error, "other replicas could not be told of instances");
        }
    }
}

/// Hears until the server stops.
pub async fn hear(state: AppState) {
    let mut heard = state.announcements.subscribe_to_hearsay();
    loop {
        let told = tokio::select! {
            () = state.shutdown.cancelled() => return,
            told = heard.recv() => told,
        };
        match told {
            Ok(told) => {
                if let Err(refusal) = state.services.hear(&told).await {
                    tracing::warn!(error.cause = %refusal, "what other replicas told could not be weighed");
                }
            }
            Err(RecvError::Lagged(missed)) => {
                tracing::warn!(
                    hearsay.missed = missed,
                    "other replicas tell more than can be heard"
                );
            }
            Err(RecvError::Closed) => return,
        }
    }
}
