//! Telling those who wait, on this replica and on others.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use engine::change::Topic;
use engine::id::{CredentialId, JobId, KeyId, RotationId};
use engine::ports::Announcer;
use serde::{Deserialize, Serialize};
use sqlx::AnyConnection;

/// The channel of PostgreSQL's notifications.
pub(crate) const CHANNEL: &str = "rota";

/// A notification holds 8,000 bytes; a topic takes about 60.
const TOPICS_PER_NOTICE: usize = 100;

/// Who is told here, and how this replica signs what it tells others.
#[derive(Clone)]
pub(crate) struct Announcing {
    pub(crate) announcer: Arc<dyn Announcer>,
    pub(crate) replica: String,
}

impl fmt::Debug for Announcing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Announcing")
            .field("replica", &self.replica)
            .finish_non_exhaustive()
    }
}

impl Announcing {
    /// Wakes those who wait here.
    pub(crate) fn announce(&self, topics: &HashSet<Topic>) {
        for topic in topics {
            self.announcer.announce(topic);
        }
    }
}

/// What one replica tells the others.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Notice {
    /// The replica that made the change.
    pub(crate) from: String,
    /// The number of its commit: who sees a higher one without a notice has missed something.
    pub(crate) commits: i64,
    topics: Vec<WireTopic>,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum WireTopic {
    Credential(CredentialId),
    Rotation(RotationId),
    Reencryption(JobId),
    Key(KeyId),
    Catalog,
}

impl From<&Topic> for WireTopic {
    fn from(topic: &Topic) -> Self {
        match topic {
            Topic::Credential(id) => Self::Credential(id.clone()),
            Topic::Rotation(id) => Self::Rotation(id.clone()),
            Topic::Reencryption(id) => Self::Reencryption(id.clone()),
            Topic::Key(id) => Self::Key(id.clone()),
            Topic::Catalog => Self::Catalog,
        }
    }
}

impl From<WireTopic> for Topic {
    fn from(topic: WireTopic) -> Self {
        match topic {
            WireTopic::Credential(id) => Self::Credential(id),
            WireTopic::Rotation(id) => Self::Rotation(id),
            WireTopic::Reencryption(id) => Self::Reencryption(id),
            WireTopic::Key(id) => Self::Key(id),
            WireTopic::Catalog => Self::Catalog,
        }
    }
}

impl Notice {
    /// Reads a payload.
    pub(crate) fn parse(payload: &str) -> Option<Self> {
        serde_json::from_str(payload).ok()
    }

    /// Whether a key changed: then the other replica may be waiting for everyone to have heard.
    pub(crate) fn is_about_a_key(&self) -> bool {
        self.topics.iter().any(|topic| matches!(topic, WireTopic::Key(_)))
    }

    /// What changed.
    pub(crate) fn into_topics(self) -> HashSet<Topic> {
        self.topics.into_iter().map(Topic::from).collect()
    }
}

/// Hands notices to PostgreSQL, which delivers them when the transaction commits and never otherwise.
pub(crate) async fn notify(
    connection: &mut AnyConnection,
    replica: &str,
    commits: i64,
    topics: &HashSet<Topic>,
) -> Result<(), sqlx::Error> {
    let mut wire: Vec<WireTopic> = topics.iter().map(WireTopic::from).collect();
    loop {
        let rest = wire.split_off(wire.len().min(TOPICS_PER_NOTICE));
        let notice = Notice {
            from: replica.to_owned(),
            commits,
            topics: wire,
        };
        let payload = serde_json::to_string(&notice).map_err(|error| sqlx::Error::Encode(error.into()))?;
        sqlx::query(r"select pg_notify($1, $2)")
            .bind(CHANNEL)
            .bind(payload)
            .execute(&mut *connection)
            .await?;
        if rest.is_empty() {
            return Ok(());
        }
        wire = rest;
    }
}
