//! What a program holds: the value, and the way to say how it went.

use std::sync::Arc;

use api::{Ack, AckStatus};
use tokio::sync::watch;

use crate::{
    Lease, Outcome, Status, Unavailable,
    credential::{CredentialState, Held, Snapshot, Surroundings},
    signals::SignalBuffer,
};

/// One credential of an agent. Cheap to clone; each clone has its own sense of what changed.
#[derive(Debug, Clone)]
pub struct Handle {
    name: Arc<str>,
    surroundings: Arc<Surroundings>,
    state: Arc<CredentialState>,
    signals: Arc<SignalBuffer>,
    receiver: watch::Receiver<Snapshot>,
    /// What [`Handle::changed`] gave last.
    seen: Option<Arc<Lease>>,
}

impl Handle {
    pub(crate) fn new(
        surroundings: Arc<Surroundings>,
        state: Arc<CredentialState>,
        signals: Arc<SignalBuffer>,
    ) -> Self {
        let receiver = state.snapshot.subscribe();
        Self {
            name: state.name.as_str().into(),
            surroundings,
            state,
            signals,
            receiver,
            seen: None,
        }
    }

    /// The value to use now. Never asks the server.
    ///
    /// # Errors
    /// [`Unavailable`] says why there is none.
    pub fn current(&self) -> Result<Arc<Lease>, Unavailable> {
        self.state
            .usable(self.surroundings.outage_limit)
            .map(|held| held.current)
    }

    /// The version before, while the issuer accepts both and the server says so.
    #[must_use]
    pub fn previous(&self) -> Option<Arc<Lease>> {
        self.state.usable(self.surroundings.outage_limit).ok()?.previous
    }

    /// How it stands with the server, without secrets.
    #[must_use]
    pub fn status(&self) -> Status {
        self.state.status(self.surroundings.outage_limit)
    }

    /// Waits for the first value.
    ///
    /// # Errors
    /// When the agent was stopped or the credential was withdrawn.
    pub async fn ready(&mut self) -> Result<Arc<Lease>, Unavailable> {
        loop {
            self.receiver.borrow_and_update();
            match self.current() {
                Err(Unavailable::Waiting { .. } | Unavailable::Expired { .. }) => {}
                settled => return settled,
            }
            self.receiver.changed().await.map_err(|_| Unavailable::Stopped)?;
        }
    }

    /// Waits until the value differs from what this handle gave here last; the first call gives the value at once.
    ///
    /// # Errors
    /// When the agent was stopped or the credential was withdrawn.
    pub async fn changed(&mut self) -> Result<Arc<Lease>, Unavailable> {
        loop {
            let lease = self.ready().await?;
            if !self.seen.as_ref().is_some_and(|seen| Arc::ptr_eq(seen, &lease)) {
                self.seen = Some(Arc::clone(&lease));
                return Ok(lease);
            }
            self.receiver.changed().await.map_err(|_| Unavailable::Stopped)?;
        }
    }

    /// Waits until anything about the credential changes, its freshness included.
    pub async fn wait_for_news(&mut self) {
        let _agent_gone = self.receiver.changed().await;
    }

    /// Reports what came of using a version. A refusal is sent at once and brings a refresh.
    pub fn report(&self, version: u32, outcome: Outcome) {
        self.signals.record(&self.name, version, outcome);
        if outcome.is_refusal() {
            self.state.refresh_wanted.notify_one();
        }
    }

    /// Says that the program runs with `version`. Needed with [`crate::AckMode::Explicit`] only.
    pub fn acknowledge(&self, version: u32) {
        self.state.acknowledge(Ack {
            version,
            status: AckStatus::Loaded,
            error: None,
        });
    }

    /// Says that the program could not take `version`. The error must hold no secret.
    pub fn acknowledge_failure(&self, version: u32, error: &str) {
        self.state.acknowledge(Ack {
            version,
            status: AckStatus::Failed,
            error: Some(error.to_owned()),
        });
    }

    /// Fetches now rather than at the next change.
    pub async fn refresh(&self) {
        self.state.refresh(&self.surroundings).await;
    }

    /// Does something with the value and reports how it went.
    ///
    /// If the value is refused, it is refreshed at once and the operation is tried once more: with the new
    /// version if there is one, else with the previous version where both are accepted. The next call begins with
    /// the current version again, so that the server keeps hearing how it fares.
    ///
    /// # Errors
    /// When there is no value. What the operation made of it is in `T`.
    pub async fn run<T, F>(&self, mut operation: impl FnMut(Arc<Lease>) -> F) -> Result<T, Unavailable>
    where
        F: Future<Output = (Outcome, T)>,
    {
        let first = self.current()?;
        let (outcome, result) = operation(Arc::clone(&first)).await;
        self.signals.record(&self.name, first.version(), outcome);
        if !outcome.is_refusal() {
            return Ok(result);
        }
        self.refresh().await;
        let Some(second) = self.second_choice(&first) else {
            return Ok(result);
        };
        let (outcome, result) = operation(Arc::clone(&second)).await;
        self.signals.record(&self.name, second.version(), outcome);
        Ok(result)
    }

    /// What to try after `refused`: what is served now if it differs, else the other version.
    fn second_choice(&self, refused: &Arc<Lease>) -> Option<Arc<Lease>> {
        let Held {
            current, previous, ..
        } = self.state.usable(self.surroundings.outage_limit).ok()?;
        if !Arc::ptr_eq(&current, refused) {
            return Some(current);
        }
        previous.filter(|previous| previous.version() != refused.version())
    }
}
