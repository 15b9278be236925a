//! Credentials: the list and one of them.

use std::time::Duration;

use time::OffsetDateTime;

use super::rotation::RotationLine;
use super::{Age, AgeBand, Listing, PolicyStatus};
use crate::forms::Values;

/// Filters and order of the list, as they stand in the address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CredentialsQuery {
    pub text: Option<String>,
    pub environment: Option<String>,
    pub team: Option<String>,
    pub kind: Option<String>,
    pub band: Option<AgeBand>,
    pub status: Option<PolicyStatus>,
    pub sort: CredentialOrder,
    pub cursor: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CredentialOrder {
    /// What needs attention first.
    #[default]
    Urgency,
    Name,
    /// Oldest first.
    Age,
    NextRotation,
}

impl CredentialOrder {
    pub const ALL: [Self; 4] = [Self::Urgency, Self::Name, Self::Age, Self::NextRotation];

    pub fn slug(self) -> &'static str {
        match self {
            Self::Urgency => "urgency",
            Self::Name => "name",
            Self::Age => "age",
            Self::NextRotation => "next",
        }
    }

    pub fn word(self) -> &'static str {
        match self {
            Self::Urgency => "most urgent first",
            Self::Name => "by name",
            Self::Age => "oldest first",
            Self::NextRotation => "next to rotate first",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|order| order.slug() == text)
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct CredentialsView {
    pub listing: Listing<CredentialLine>,
    /// What the filters offer.
    pub teams: Vec<String>,
    pub kinds: Vec<String>,
    pub environments: Vec<String>,
    /// Of all credentials, filters aside.
    pub automated: u64,
    pub needs_person: u64,
    pub fresh: u64,
    pub ageing: u64,
    pub stale: u64,
}

/// One credential in a list.
#[derive(Clone, Debug, PartialEq)]
pub struct CredentialLine {
    pub name: String,
    /// In words: "database password".
    pub kind: String,
    pub environment: String,
    pub team: Option<String>,
    pub sensitivity: String,
    /// `None` until the first version is current.
    pub age: Option<Age>,
    pub status: PolicyStatus,
    pub current_version: Option<u64>,
    pub next_rotation: NextRotation,
    pub consumers: u64,
    pub in_flight: Option<InFlight>,
    pub sandbox: bool,
}

/// What makes the credential rotate next.
#[derive(Clone, Debug, PartialEq)]
pub enum NextRotation {
    At(OffsetDateTime),
    /// Nothing rotates it by itself.
    ByHand,
    /// A person holds the schedule.
    Held {
        reason: String,
    },
    /// A freeze, a breaker or a rotation in progress stands before it.
    Waits {
        reason: String,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InFlight {
    pub rotation: String,
    /// The state in words: "wave 2 of 3".
    pub words: String,
}

/// A credential's own page.
#[derive(Clone, Debug, PartialEq)]
pub struct CredentialView {
    pub line: CredentialLine,
    pub purpose: String,
    pub backup_contact: Option<String>,
    pub tags: Vec<String>,
    pub issuer: String,
    pub issuer_kind: String,
    pub strategy: String,
    /// What the strategy cannot promise, said before the button is pressed; for instance that `in_place` has no overlap.
    pub strategy_warning: Option<String>,
    pub policy: PolicyView,
    /// Why nothing rotates it on schedule, in the words of who holds it.
    pub schedule_hold: Option<String>,
    pub versions: Vec<VersionLane>,
    /// When the next version is planned, for the dotted lane.
    pub planned: Option<OffsetDateTime>,
    pub consumers: Vec<ConsumerGroup>,
    /// What a rotation would move and in which order; `None` when it cannot start now.
    pub plan: RotationPlan,
    pub history: Vec<RotationLine>,
    pub findings: Vec<FindingLine>,
    /// The viewer may press the buttons.
    pub may_operate: bool,
    pub may_administer: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct PolicyView {
    pub max_age: Duration,
    pub grace: Duration,
    pub soak: Duration,
    pub waves: Vec<u8>,
    pub approvals: u32,
    /// `signals` or `acks_and_probe`.
    pub evidence: String,
}

/// A bar on the time axis.
#[derive(Clone, Debug, PartialEq)]
pub struct VersionLane {
    pub number: u64,
    pub state: VersionState,
    /// From when the issuer accepted it.
    pub from: OffsetDateTime,
    /// Until when; `None` while it is accepted.
    pub until: Option<OffsetDateTime>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VersionState {
    Candidate,
    Current,
    Previous,
    Retired,
    Failed,
    Destroyed,
}

impl VersionState {
    pub fn word(self) -> &'static str {
        match self {
            Self::Candidate => "candidate",
            Self::Current => "current",
            Self::Previous => "in grace",
            Self::Retired => "retired",
            Self::Failed => "failed",
            Self::Destroyed => "destroyed",
        }
    }
}

/// The instances of one consumer.
#[derive(Clone, Debug, PartialEq)]
pub struct ConsumerGroup {
    pub name: String,
    pub service: String,
    pub instances: Vec<InstanceLine>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct InstanceLine {
    pub name: String,
    pub version: Option<u64>,
    pub last_seen: Option<OffsetDateTime>,
    pub health: InstanceHealth,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InstanceHealth {
    Well,
    Failing,
    /// Silent for longer than `instance_ttl`.
    Absent,
}

impl InstanceHealth {
    pub fn word(self) -> &'static str {
        match self {
            Self::Well => "well",
            Self::Failing => "refused",
            Self::Absent => "absent",
        }
    }
}

/// What pressing "Rotate now" would do, to whom.
#[derive(Clone, Debug, PartialEq)]
pub enum RotationPlan {
    Ready {
        next_version: u64,
        services: u64,
        instances: u64,
        /// Instances of the first wave.
        first_wave: u64,
        approvals: u32,
    },
    /// Why not now: "A rotation is in progress", with its id when there is one.
    Blocked {
        reason: String,
        rotation: Option<String>,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub struct FindingLine {
    pub severity: Severity,
    pub title: String,
    /// What to do about it.
    pub remedy: String,
    pub since: OffsetDateTime,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    Notice,
    Warning,
    Critical,
}

impl Severity {
    pub fn word(self) -> &'static str {
        match self {
            Self::Notice => "notice",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

/// What the form of a credential needs: a new one, or one that is there.
#[derive(Clone, Debug, PartialEq)]
pub struct CredentialFormView {
    /// The present settings by field name (`forms::credential::CredentialForm::of`); `None` for a new one.
    pub present: Option<Values>,
    pub issuers: Vec<IssuerChoice>,
    pub consumers: Vec<ConsumerChoice>,
    /// Owners in use, offered while typing.
    pub teams: Vec<String>,
    pub may_operate: bool,
    /// May override a rule.
    pub may_administer: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuerChoice {
    pub name: String,
    /// As on the wire: `postgresql`, `http_api_key`.
    pub kind: String,
    pub environment: String,
    pub address: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsumerChoice {
    pub name: String,
    pub service: String,
    pub environment: String,
}
