//! The audit trail, as an explorer.

use time::{Date, OffsetDateTime};

use super::Listing;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditQuery {
    pub text: Option<String>,
    pub actor: Option<String>,
    pub subject: Option<String>,
    /// "rotation.start", or its first part.
    pub action: Option<String>,
    /// The first day, in UTC.
    pub from: Option<Date>,
    /// The last day, in UTC.
    pub until: Option<Date>,
    pub cursor: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct AuditView {
    pub listing: Listing<AuditLine>,
    pub chain: ChainState,
    /// Actions that occur, for the filter.
    pub actions: Vec<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct AuditLine {
    pub sequence: u64,
    pub at: OffsetDateTime,
    pub actor: String,
    pub action: String,
    pub subject: String,
    /// Where the subject is shown, when it has a page.
    pub address: Option<String>,
    pub result: String,
    pub detail: Option<String>,
    pub correlation_id: String,
    pub hash: String,
}

/// What the last verification of the chain said.
#[derive(Clone, Debug, PartialEq)]
pub enum ChainState {
    NotVerified,
    Whole {
        entries: u64,
        verified_at: OffsetDateTime,
        head: String,
    },
    Broken {
        sequence: u64,
        what: String,
    },
}
