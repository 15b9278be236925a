//! Acknowledgements: the newest is sent until the server has it.

use std::{sync::Arc, time::Duration};

use api::Ack;
use tokio::sync::watch;

use crate::{
    backoff::Backoff,
    credential::{CredentialState, Surroundings},
};

/// What is to be said about a credential, and whether the server knows it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Progress {
    wanted: Option<Ack>,
    settled: bool,
}

impl Progress {
    /// Nothing is left to say.
    pub(crate) fn is_settled(&self) -> bool {
        self.settled || self.wanted.is_none()
    }
}

/// The newest acknowledgement of a credential.
#[derive(Debug, Default)]
pub(crate) struct Acknowledgement {
    progress: watch::Sender<Progress>,
}

impl Acknowledgement {
    pub(crate) fn want(&self, ack: Ack) {
        self.progress.send_if_modified(|progress| {
            let is_new = progress.wanted.as_ref() != Some(&ack);
            if is_new {
                *progress = Progress {
                    wanted: Some(ack),
                    settled: false,
                };
            }
            is_new
        });
    }

    pub(crate) fn subscribe(&self) -> watch::Receiver<Progress> {
        self.progress.subscribe()
    }

    /// Marks `ack` as known, unless a newer one has taken its place.
    fn settle(&self, ack: &Ack) {
        self.progress.send_if_modified(|progress| {
            let is_same = progress.wanted.as_ref() == Some(ack);
            progress.settled |= is_same;
            is_same
        });
    }
}

/// Sends acknowledgements for as long as the agent lives.
pub(crate) async fn keep_acknowledging(surroundings: Arc<Surroundings>, state: Arc<CredentialState>) {
    let mut progress = state.acknowledgement.subscribe();
    let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(10));
    loop {
        let next = progress.wait_for(|progress| !progress.is_settled()).await;
        let Some(ack) = next.ok().and_then(|progress| progress.wanted.clone()) else {
            return;
        };
        match surroundings
            .client
            .acknowledge(&state.name, &surroundings.instance, &ack)
            .await
        {
            Ok(()) => {
                state.acknowledgement.settle(&ack);
                backoff.reset();
            }
            Err(error) if error.is_transient() => {
                let asked = match &error {
                    api::ClientError::Refused { retry_after, .. } => *retry_after,
                    _ => None,
                };
                let delay = backoff.delay(&*surroundings.jitter, asked);
                // A newer acknowledgement need not wait for the older one's turn.
                let _elapsed =
                    tokio::time::timeout(delay, progress.wait_for(|now| now.wanted.as_ref() != Some(&ack)))
                        .await;
            }
            Err(error) => {
                tracing::warn!(credential = state.name, version = ack.version, error = %error, "an acknowledgement was refused");
                state.acknowledgement.settle(&ack);
            }
        }
    }
}
