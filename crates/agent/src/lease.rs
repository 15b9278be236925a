//! One version with its values, as handed to this instance.

use std::{borrow::Cow, time::Duration};

use api::Values;

/// One version with its values. Erased when the last holder drops it.
#[derive(Debug)]
pub struct Lease {
    credential: String,
    version: u32,
    values: Values,
}

impl Lease {
    pub(crate) fn new(credential: &str, version: u32, values: Values) -> Self {
        Self {
            credential: credential.to_owned(),
            version,
            values,
        }
    }

    #[must_use]
    pub fn credential(&self) -> &str {
        &self.credential
    }

    #[must_use]
    pub const fn version(&self) -> u32 {
        self.version
    }

    /// A value by its name, such as `password`.
    #[must_use]
    pub fn expose(&self, name: &str) -> Option<Cow<'_, str>> {
        self.values
            .get(name)
            .map(api::delivery::DeliveredValue::expose_text)
    }

    /// Every value with its name.
    pub fn expose_all(&self) -> impl Iterator<Item = (&str, Cow<'_, str>)> {
        self.values
            .iter()
            .map(|(name, value)| (name.as_str(), value.expose_text()))
    }

    /// The values as they were delivered, numbers as numbers.
    #[must_use]
    pub const fn expose_values(&self) -> &Values {
        &self.values
    }

    pub(crate) fn holds_the_same(&self, version: u32, values: &Values) -> bool {
        self.version == version
            && self.values.len() == values.len()
            && self
                .values
                .iter()
                .zip(values)
                .all(|((name, value), (other_name, other))| {
                    name == other_name && value.expose_text() == other.expose_text()
                })
    }
}

/// How a handle stands with the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Freshness {
    /// Nothing was delivered yet, and why.
    Waiting { reason: String },
    /// The server answered the last question.
    Fresh,
    /// The server is away; the last good value is served for a bounded time.
    Outage { lasting: Duration, reason: String },
    /// The outage outlasted its limit; the value is erased.
    Expired { reason: String },
    /// The server said that this consumer may not have it any more; the value is erased.
    Withdrawn { reason: String },
    /// The agent was stopped; the value is erased.
    Stopped,
}

/// What a handle can tell about itself. Holds no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    pub credential: String,
    pub version: Option<u32>,
    pub previous_version: Option<u32>,
    pub freshness: Freshness,
}

/// Why there is no value to use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    #[error("no version of {credential} has been delivered yet: {reason}")]
    Waiting { credential: String, reason: String },
    #[error("the last value of {credential} was given up, since the server has been away too long: {reason}")]
    Expired { credential: String, reason: String },
    #[error("{credential} was withdrawn from this consumer: {reason}")]
    Withdrawn { credential: String, reason: String },
    #[error("the agent was stopped")]
    Stopped,
}
