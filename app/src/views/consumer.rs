//! Consumers: the services that use credentials.

use time::OffsetDateTime;

use super::Listing;
use super::credential::{CredentialLine, InstanceLine};
use crate::forms::Values;

#[derive(Clone, Debug, PartialEq)]
pub struct ConsumersView {
    pub listing: Listing<ConsumerLine>,
    /// Live instances of all consumers, filters aside.
    pub live_instances: u64,
    /// Of which the last report was a refusal.
    pub failing_instances: u64,
    pub may_operate: bool,
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
    /// The address that its programs reach this server at (`ROTA_PUBLIC_URL`), for commands to copy.
    pub server_url: String,
    pub may_operate: bool,
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
    /// Its last four characters, to tell tokens apart.
    pub hint: String,
    pub created_at: OffsetDateTime,
    pub expires_at: Option<OffsetDateTime>,
    pub last_used: Option<OffsetDateTime>,
}

/// What the form of a consumer needs: a new one, or one that is there.
#[derive(Clone, Debug, PartialEq)]
pub struct ConsumerFormView {
    /// The present settings by field name (`forms::consumer::ConsumerForm::of`); `None` for a new one.
    pub present: Option<Values>,
    /// Environments in use, offered while typing.
    pub environments: Vec<String>,
    /// For the commands shown once a new consumer stands.
    pub server_url: String,
    pub may_operate: bool,
}
