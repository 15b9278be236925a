//! Engine facts in the pages' terms.

use app::views::credential::VersionState as ShownVersionState;
use app::views::{Age, AgeBand as ShownBand, PolicyStatus as ShownStatus};
use engine::Timestamp;
use engine::catalog::age::PolicyStatus;
use engine::catalog::{
    AgeBand, Credential, CredentialKind, Sensitivity, Strategy, Version, VersionNumber, VersionState,
};
use time::OffsetDateTime;

/// A time as pages draw it.
pub fn moment(at: Timestamp) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(at.as_micros()) * 1_000)
        .unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

/// A version number as pages draw it.
pub fn number(version: VersionNumber) -> u64 {
    u64::from(version.0)
}

/// A count as pages draw it.
pub fn count(length: usize) -> u64 {
    length as u64
}

/// The kind in words.
pub fn kind(kind: CredentialKind) -> String {
    match kind {
        CredentialKind::DatabasePassword => "database password",
        CredentialKind::ApiKey => "API key",
        CredentialKind::Certificate => "certificate",
        CredentialKind::SigningKey => "signing key",
        CredentialKind::SshKey => "SSH key",
        CredentialKind::Token => "token",
        CredentialKind::Other => "other",
    }
    .to_owned()
}

/// The sensitivity in words.
pub fn sensitivity(sensitivity: Sensitivity) -> String {
    match sensitivity {
        Sensitivity::Low => "low",
        Sensitivity::Medium => "medium",
        Sensitivity::High => "high",
        Sensitivity::Critical => "critical",
    }
    .to_owned()
}

/// The strategy in words.
pub fn strategy(strategy: Strategy) -> String {
    match strategy {
        Strategy::Alternating => "two logins in turn",
        Strategy::Dual => "two versions at once",
        Strategy::InPlace => "one slot, switched at once",
        Strategy::Reissue => "issued anew",
    }
    .to_owned()
}

/// The colour of an age.
pub fn band(band: AgeBand) -> ShownBand {
    match band {
        AgeBand::Green => ShownBand::Fresh,
        AgeBand::Yellow => ShownBand::Ageing,
        AgeBand::Red => ShownBand::Stale,
    }
}

/// Where it stands against its policy.
pub fn status(status: PolicyStatus) -> ShownStatus {
    match status {
        PolicyStatus::OnTime => ShownStatus::OnTime,
        PolicyStatus::Due => ShownStatus::Due,
        PolicyStatus::Overdue => ShownStatus::Overdue,
    }
}

/// The state of a version.
pub fn version_state(state: VersionState) -> ShownVersionState {
    match state {
        VersionState::Candidate => ShownVersionState::Candidate,
        VersionState::Current => ShownVersionState::Current,
        VersionState::Previous => ShownVersionState::Previous,
        VersionState::Retired => ShownVersionState::Retired,
        VersionState::Failed => ShownVersionState::Failed,
        VersionState::Destroyed => ShownVersionState::Destroyed,
    }
}

/// The age of the current version: from when it was made, since that is how long its value has existed.
pub fn age(credential: &Credential, current: &Version, now: Timestamp) -> Age {
    let age = now.since(current.created_at);
    let thresholds = credential.age_thresholds.unwrap_or_default();
    Age {
        age,
        lifetime: credential.policy.max_age,
        band: band(thresholds.band(age)),
    }
}

/// "1 instance", "2 instances".
pub fn counted(count: usize, noun: &str) -> String {
    if count == 1 {
        format!("1 {noun}")
    } else {
        format!("{count} {noun}s")
    }
}
