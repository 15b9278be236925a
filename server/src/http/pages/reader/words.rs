//! Engine facts in the pages' terms.

use app::views::credential::VersionState as ShownVersionState;
use app::views::{AgeBand as ShownBand, PolicyStatus as ShownStatus};
use engine::Timestamp;
use engine::catalog::age::PolicyStatus;
use engine::catalog::{AgeBand, CredentialKind, Sensitivity, Strategy, VersionNumber, VersionState};
use time::OffsetDateTime;

/// A time as pages draw it.
pub(super) fn moment(at: Timestamp) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(at.as_micros()) * 1_000)
        .unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

/// A version number as pages draw it.
pub(super) fn number(version: VersionNumber) -> u64 {
    u64::from(version.0)
}

/// A count as pages draw it.
pub(super) fn count(length: usize) -> u64 {
    length as u64
}

/// The kind in words.
pub(super) fn kind(kind: CredentialKind) -> String {
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
pub(super) fn sensitivity(sensitivity: Sensitivity) -> String {
    match sensitivity {
        Sensitivity::Low => "low",
        Sensitivity::Medium => "medium",
        Sensitivity::High => "high",
        Sensitivity::Critical => "critical",
    }
    .to_owned()
}

/// The strategy in words.
pub(super) fn strategy(strategy: Strategy) -> String {
    match strategy {
        Strategy::Alternating => "two logins in turn",
        Strategy::Dual => "two versions at once",
        Strategy::InPlace => "one slot, switched at once",
        Strategy::Reissue => "issued anew",
    }
    .to_owned()
}

/// The colour of an age.
pub(super) fn band(band: AgeBand) -> ShownBand {
    match band {
        AgeBand::Green => ShownBand::Fresh,
        AgeBand::Yellow => ShownBand::Ageing,
        AgeBand::Red => ShownBand::Stale,
    }
}

/// Where it stands against its policy.
pub(super) fn status(status: PolicyStatus) -> ShownStatus {
    match status {
        PolicyStatus::OnTime => ShownStatus::OnTime,
        PolicyStatus::Due => ShownStatus::Due,
        PolicyStatus::Overdue => ShownStatus::Overdue,
    }
}

/// The state of a version.
pub(super) fn version_state(state: VersionState) -> ShownVersionState {
    match state {
        VersionState::Candidate => ShownVersionState::Candidate,
        VersionState::Current => ShownVersionState::Current,
        VersionState::Previous => ShownVersionState::Previous,
        VersionState::Retired => ShownVersionState::Retired,
        VersionState::Failed => ShownVersionState::Failed,
        VersionState::Destroyed => ShownVersionState::Destroyed,
    }
}

/// "1 instance", "2 instances".
pub(super) fn counted(count: usize, noun: &str) -> String {
    if count == 1 {
        format!("1 {noun}")
    } else {
        format!("{count} {noun}s")
    }
}
