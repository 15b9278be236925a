//! The agent: one client, one buffer of outcomes, three tasks for each credential.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use api::{Client, ClientError};
use tokio::{sync::oneshot, task::JoinSet};

use crate::{
    Config, Handle,
    acknowledgement::keep_acknowledging,
    credential::{CredentialState, Surroundings},
    fetching::{keep_current, keep_refreshing},
    signals::{SignalBuffer, keep_sending},
};

/// The longest a stopping agent waits for the server to hear the last of it.
const LONGEST_FAREWELL: Duration = Duration::from_secs(2);

/// Keeps credentials current in memory. Dropping it stops everything at once; [`Agent::shutdown`] says farewell.
#[derive(Debug)]
pub struct Agent {
    surroundings: Arc<Surroundings>,
    credentials: BTreeMap<String, Arc<CredentialState>>,
    signals: Arc<SignalBuffer>,
    tasks: JoinSet<()>,
    sender: JoinSet<()>,
    stop_sender: Option<oneshot::Sender<()>>,
}

/// Why an agent could not begin.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error("no credential was named; name at least one")]
    NoCredential,
    #[error(
        "the instance name {0:?} cannot be used; use 1 to 128 printable ASCII characters, such as a host name"
    )]
    Instance(String),
}

/// The agent was not told to keep this credential.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this agent does not keep {0}; name it when the agent starts")]
pub struct UnknownCredential(String);

impl Agent {
    /// Starts within the running tokio runtime. Does not wait for the server.
    ///
    /// # Errors
    /// When something it was told cannot be used.
    pub fn start(config: Config) -> Result<Self, StartError> {
        if config.credentials.is_empty() {
            return Err(StartError::NoCredential);
        }
        let instance = config.instance;
        let is_printable = instance.bytes().all(|byte| byte.is_ascii_graphic());
        if instance.is_empty() || instance.len() > 128 || !is_printable {
            return Err(StartError::Instance(instance));
        }
        let surroundings = Arc::new(Surroundings {
            client: Client::with_options(&config.server, &config.token, &config.client)?,
            instance,
            ack_mode: config.ack_mode,
            outage_limit: config.outage_limit,
            refresh_timeout: config.refresh_timeout,
            jitter: config.jitter,
        });
        let mut tasks = JoinSet::new();
        let mut credentials = BTreeMap::new();
        for name in config.credentials {
            let state = Arc::new(CredentialState::new(&name));
            tasks.spawn(keep_current(Arc::clone(&surroundings), Arc::clone(&state)));
            tasks.spawn(keep_refreshing(Arc::clone(&surroundings), Arc::clone(&state)));
            tasks.spawn(keep_acknowledging(Arc::clone(&surroundings), Arc::clone(&state)));
            credentials.insert(name, state);
        }
        let signals = Arc::new(SignalBuffer::default());
        let mut sender = JoinSet::new();
        let (stop_sender, stop) = oneshot::channel();
        sender.spawn(keep_sending(
            Arc::clone(&surroundings),
            Arc::clone(&signals),
            config.signal_interval,
            stop,
        ));
        Ok(Self {
            surroundings,
            credentials,
            signals,
            tasks,
            sender,
            stop_sender: Some(stop_sender),
        })
    }

    /// A handle on one credential.
    ///
    /// # Errors
    /// When it was not named at the start.
    pub fn credential(&self, name: &str) -> Result<Handle, UnknownCredential> {
        let state = self
            .credentials
            .get(name)
            .ok_or_else(|| UnknownCredential(name.to_owned()))?;
        Ok(Handle::new(
            Arc::clone(&self.surroundings),
            Arc::clone(state),
            Arc::clone(&self.signals),
        ))
    }

    /// Sends what is left to say, at most for two seconds, and stops.
    pub async fn shutdown(mut self) {
        if let Some(stop_sender) = self.stop_sender.take() {
            let _sender_gone = stop_sender.send(());
        }
        let farewell = async {
            for state in self.credentials.values() {
                let mut progress = state.acknowledgement_progress();
                let _agent_gone = progress
                    .wait_for(crate::acknowledgement::Progress::is_settled)
                    .await;
            }
            while self.sender.join_next().await.is_some() {}
        };
        if tokio::time::timeout(LONGEST_FAREWELL, farewell).await.is_err() {
            tracing::warn!("the server did not hear the last acknowledgements or outcomes in time");
        }
        self.tasks.shutdown().await;
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        for state in self.credentials.values() {
            state.stop();
        }
    }
}
