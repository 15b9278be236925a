//! Keeping a credential current by long polls.

use std::{sync::Arc, time::Duration};

use api::{ClientError, client::DeliveryReply, delivery::LONGEST_WAIT_SECONDS};
use tokio::time::Instant;

use crate::{
    backoff::Backoff,
    credential::{CredentialState, Surroundings},
};

/// How often to look while a version is delivered but not loaded: a rollback must still be noticed.
const UNLOADED_PAUSE: Duration = Duration::from_millis(500);

/// Asks for changes for as long as the agent lives.
pub(crate) async fn keep_current(surroundings: Arc<Surroundings>, state: Arc<CredentialState>) {
    let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(10));
    loop {
        let pause = match poll_once(&surroundings, &state).await {
            Ok(pause) => {
                backoff.reset();
                pause
            }
            Err(error) => {
                state.note_failure(&surroundings, &error);
                let asked = match &error {
                    ClientError::Refused { retry_after, .. } => *retry_after,
                    _ => None,
                };
                let delay = backoff.delay(&*surroundings.jitter, asked);
                // The question that ends an outage's patience is asked on time, so that the value is erased then.
                state
                    .outage_left(surroundings.outage_limit)
                    .map_or(delay, |left| delay.min(left))
            }
        };
        tokio::time::sleep(pause).await;
    }
}

/// Refreshes whenever somebody was refused, beside the long poll.
pub(crate) async fn keep_refreshing(surroundings: Arc<Surroundings>, state: Arc<CredentialState>) {
    loop {
        state.refresh_wanted.notified().await;
        state.refresh(&surroundings).await;
    }
}

/// One question; tells how long to wait before the next.
async fn poll_once(surroundings: &Surroundings, state: &CredentialState) -> Result<Duration, ClientError> {
    let client = &surroundings.client;
    let asked_at = Instant::now();
    let (reply, is_long_poll) = match state.pollable_tag() {
        Some(tag) => {
            let wait = Duration::from_secs(LONGEST_WAIT_SECONDS);
            (
                client
                    .await_delivery(&state.name, &surroundings.instance, &tag, wait)
                    .await?,
                true,
            )
        }
        None => (
            client.fetch_delivery(&state.name, &surroundings.instance).await?,
            false,
        ),
    };
    match reply {
        DeliveryReply::Fresh { entity_tag, delivery } => {
            state.install(surroundings, entity_tag, delivery);
            Ok(if state.pollable_tag().is_some() {
                Duration::ZERO
            } else {
                UNLOADED_PAUSE
            })
        }
        DeliveryReply::NotModified => {
            state.note_contact();
            let refresh_after = state.held().map_or(UNLOADED_PAUSE, |held| held.refresh_after);
            // A server that is shutting down, or a proxy, may answer a long poll at once: do not spin.
            let answered_at_once = asked_at.elapsed() < Duration::from_secs(1);
            Ok(match (is_long_poll, answered_at_once) {
                (true, true) => refresh_after
                    .min(Duration::from_secs(1))
                    .mul_f64(1.0 - surroundings.jitter.fraction() / 2.0),
                (true, false) => Duration::ZERO,
                (false, _) => UNLOADED_PAUSE,
            })
        }
    }
}
