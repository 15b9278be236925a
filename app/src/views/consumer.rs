//! Consumers: the services that use credentials.

use time::OffsetDateTime;

use super::credential::{CredentialLine, InstanceLine};

#[derive(Clone, Debug, PartialEq)]
pub struct ConsumersView {
    pub items: Vec<ConsumerLine>,
    pub may_administer: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ConsumerLine {
    pub name: String,
    pub service: String,
    pub environment: String,
    pub live_instances: u64,
    pub absent_instances: u64,
    pub failing_instances: u64,
    pub credentials: u64,
    pub last_seen: Option<OffsetDateTime>,
    pub sandbox: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ConsumerView {
    pub line: ConsumerLine,
    pub labels: Vec<(String, String)>,
    pub instances: Vec<ConsumerInstance>,
    pub credentials: Vec<CredentialLine>,
    pub tokens: Vec<TokenLine>,
    pub may_administer: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ConsumerInstance {
    pub credential: String,
    pub instance: InstanceLine,
}

/// A token, by what may be shown of it.
#[derive(Clone, Debug, PartialEq)]
pub struct TokenLine {
    pub id: String,
    pub created_at: OffsetDateTime,
    pub expires_at: Option<OffsetDateTime>,
    pub last_used: Option<OffsetDateTime>,
}
