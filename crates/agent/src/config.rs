//! What an agent must be told.

use std::{sync::Arc, time::Duration};

use api::{Secret, client::ClientOptions};

use crate::{Jitter, SystemJitter};

/// What an agent must be told.
#[derive(Debug)]
pub struct Config {
    pub server: String,
    pub token: Secret,
    /// The name of this running copy, stable over restarts: a host or pod name.
    pub instance: String,
    pub credentials: Vec<String>,
    pub client: ClientOptions,
    pub ack_mode: AckMode,
    /// How long the last good value is kept once the server is seen not to answer.
    pub outage_limit: Duration,
    /// How long a program that was refused waits for the server before it tries what is there.
    pub refresh_timeout: Duration,
    /// Outcomes are sent this often; refusals are sent at once.
    pub signal_interval: Duration,
    pub jitter: Arc<dyn Jitter>,
}

/// When a version counts as loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AckMode {
    /// When it is in memory: the next use takes it.
    OnFetch,
    /// When the program says so with [`crate::Handle::acknowledge`].
    Explicit,
}

impl Config {
    /// The usual settings.
    pub fn new<N: Into<String>>(
        server: impl Into<String>,
        token: Secret,
        instance: impl Into<String>,
        credentials: impl IntoIterator<Item = N>,
    ) -> Self {
        Self {
            server: server.into(),
            token,
            instance: instance.into(),
            credentials: credentials.into_iter().map(Into::into).collect(),
            client: ClientOptions::default(),
            ack_mode: AckMode::OnFetch,
            outage_limit: Duration::from_secs(60 * 60),
            refresh_timeout: Duration::from_secs(2),
            signal_interval: Duration::from_millis(100),
            jitter: Arc::new(SystemJitter),
        }
    }
}
