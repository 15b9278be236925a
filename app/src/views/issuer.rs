//! Issuers: the systems that accept credentials.

use time::OffsetDateTime;

use super::Listing;
use super::credential::CredentialLine;
use crate::forms::Values;

#[derive(Clone, Debug, PartialEq)]
pub struct IssuersView {
    pub listing: Listing<IssuerLine>,
    /// That cannot be reached, or whose breaker is open, filters aside.
    pub failing: u64,
    pub may_administer: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct IssuerLine {
    pub name: String,
    /// In words: "PostgreSQL", "HTTP API".
    pub kind: String,
    pub environment: String,
    /// Host and port, or base address; never a secret.
    pub address: String,
    pub credentials: u64,
    pub health: IssuerHealth,
    pub sandbox: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub enum IssuerHealth {
    Unknown,
    Reached {
        at: OffsetDateTime,
    },
    Failing {
        since: OffsetDateTime,
        error: String,
    },
    /// The breaker is open: scheduled rotations wait.
    BreakerOpen {
        since: OffsetDateTime,
        error: String,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub struct IssuerView {
    pub line: IssuerLine,
    /// Settings in reading order, without secrets.
    pub config: Vec<(String, String)>,
    pub credentials: Vec<CredentialLine>,
    /// What its administrator account may do that it should not, and the like.
    pub findings: Vec<super::credential::FindingLine>,
    pub may_administer: bool,
}

/// What the form of an issuer needs: a new one, or one that is there.
#[derive(Clone, Debug, PartialEq)]
pub struct IssuerFormView {
    /// The present settings by field name (`forms::issuer::IssuerForm::of`); `None` for a new one.
    pub present: Option<Values>,
    /// Environments in use, offered while typing.
    pub environments: Vec<String>,
    pub may_administer: bool,
}
