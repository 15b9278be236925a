//! What the catalog knows.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::catalog::policy::Policy;
use crate::clock::Timestamp;
use crate::id::{ConsumerId, CredentialId, IssuerId};
use crate::name::Name;

/// Where something runs: `production`, `staging` …
pub type Environment = Name;

/// A system that accepts credentials. Its administrator's secret is sealed apart, never in here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Issuer {
    pub id: IssuerId,
    pub name: Name,
    /// A label for the connector registry; nothing else matches on it.
    pub kind: String,
    pub environment: Environment,
    /// The connector's own configuration, checked by it before it is stored. Holds no secret.
    pub config: serde_json::Value,
    /// Who administers it, for people; the password is sealed.
    pub admin_username: Option<String>,
    pub breaker: Breaker,
    /// What the last connection test noticed: an administrator that is a superuser, a plain connection.
    pub findings: Vec<String>,
    pub sandbox: bool,
    pub created_at: Timestamp,
    /// Raised by every update; an update that names another revision than the stored one is refused.
    pub revision: i64,
}

/// Opens after three issuer errors in a row and then blocks scheduled rotations (§3).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Breaker {
    pub consecutive_errors: u32,
    pub opened_at: Option<Timestamp>,
}

/// A service that uses credentials.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consumer {
    pub id: ConsumerId,
    pub name: Name,
    /// Consumers of one service are drawn together.
    pub service: String,
    pub environment: Environment,
    pub labels: BTreeMap<String, String>,
    pub sandbox: bool,
    pub created_at: Timestamp,
    pub revision: i64,
}

/// What kind of secret it is, in the words of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CredentialKind {
    DatabasePassword,
    ApiKey,
    Certificate,
    SigningKey,
    SshKey,
    Token,
    Other,
}

/// How much harm a leak does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sensitivity {
    Low,
    Medium,
    High,
    Critical,
}

/// How two versions overlap (ROT-3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// Two logins, used in turn.
    Alternating,
    /// The issuer accepts both versions at once.
    Dual,
    /// One slot, switched at once: no overlap at the issuer.
    InPlace,
    /// A new one is made; the old one runs out (certificates, tokens).
    Reissue,
}

impl Strategy {
    /// The word on the wire.
    pub fn label(self) -> &'static str {
        match self {
            Self::Alternating => "alternating",
            Self::Dual => "dual",
            Self::InPlace => "in_place",
            Self::Reissue => "reissue",
        }
    }
}

/// A credential of the catalog. Its versions and their sealed values stand apart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Credential {
    pub id: CredentialId,
    pub name: Name,
    pub kind: CredentialKind,
    pub issuer: Name,
    pub owner_team: Option<String>,
    pub backup_contact: Option<String>,
    pub purpose: String,
    pub sensitivity: Sensitivity,
    pub environment: Environment,
    pub strategy: Strategy,
    /// The connector's configuration for this credential (`role`, `probe`), checked by it. Holds no secret.
    pub config: serde_json::Value,
    pub consumers: Vec<Name>,
    pub tags: Vec<String>,
    pub review_every: Option<Duration>,
    pub policy: Policy,
    /// Thresholds of the age bands, where they differ from the defaults.
    pub age_thresholds: Option<crate::catalog::age::AgeThresholds>,
    /// The version that delivery hands out outside a rotation.
    pub current: Option<VersionNumber>,
    /// The highest number ever given: failed versions consume numbers.
    pub last_number: VersionNumber,
    /// No scheduled rotation while set; says why.
    pub schedule_hold: Option<String>,
    /// The current value came from outside (`initial`), so nothing is known of who uses it yet.
    pub adopted: bool,
    pub sandbox: bool,
    pub created_at: Timestamp,
    pub last_rotated_at: Option<Timestamp>,
    pub revision: i64,
}

/// The logical counter of a credential's versions (ROT-15): 1, 2, 3 …; 0 means none yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct VersionNumber(pub u32);

impl VersionNumber {
    /// The number after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for VersionNumber {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// The life of a version (§3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VersionState {
    /// Stored, perhaps issued, not yet for everyone.
    Candidate,
    /// What everyone gets.
    Current,
    /// Still accepted by the issuer, in grace.
    Previous,
    /// Proven dead at the issuer after use.
    Retired,
    /// Rolled back and revoked.
    Failed,
    /// The sealed value is shredded.
    Destroyed,
}

impl VersionState {
    /// The one table of legal moves.
    pub fn may_become(self, next: Self) -> bool {
        use VersionState::{Candidate, Current, Destroyed, Failed, Previous, Retired};
        matches!(
            (self, next),
            (Candidate, Current | Failed)
                | (Current, Previous | Retired | Failed)
                | (Previous, Current | Retired)
                | (Retired | Failed, Destroyed)
        )
    }
}

/// One version of a credential. What it is made of is sealed apart, under (credential, number).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    pub credential: CredentialId,
    pub number: VersionNumber,
    pub state: VersionState,
    /// What the issuer calls it, without secrets: a login name, a key id. Empty until known.
    pub identity: String,
    pub created_at: Timestamp,
    pub promoted_at: Option<Timestamp>,
    pub retired_at: Option<Timestamp>,
    /// When a login with it was last seen to work.
    pub last_proved_at: Option<Timestamp>,
    pub failure: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::VersionState::{self, Candidate, Current, Destroyed, Failed, Previous, Retired};

    #[test]
    fn a_dead_version_never_comes_back() {
        let all: [VersionState; 6] = [Candidate, Current, Previous, Retired, Failed, Destroyed];
        for dead in [Retired, Failed, Destroyed] {
            for next in all {
                assert_eq!(
                    dead.may_become(next),
                    dead != Destroyed && next == Destroyed,
                    "{dead:?} to {next:?}"
                );
            }
        }
        assert!(!Candidate.may_become(Previous));
        assert!(Previous.may_become(Current), "the way back");
    }
}
