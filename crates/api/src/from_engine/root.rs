//! The root of trust.

use engine::seal;

use crate::root::{Gathering, GivenShare, Memory, Migration, MigrationState, RootStatus, WrappingKey};

impl From<seal::Progress> for Gathering {
    fn from(progress: seal::Progress) -> Self {
        let given = progress.given.into_iter();
        Self {
            set: progress.set,
            threshold: progress.threshold,
            shares: progress.shares,
            given: given.map(|(number, by)| GivenShare { number, by }).collect(),
        }
    }
}

impl From<Option<seal::MigrationStep>> for MigrationState {
    fn from(step: Option<seal::MigrationStep>) -> Self {
        match step {
            None => Self::Asked,
            Some(seal::MigrationStep::Prepared) => Self::Prepared,
            Some(seal::MigrationStep::Verified) => Self::Verified,
        }
    }
}

impl From<seal::MigrationStatus> for Migration {
    fn from(status: seal::MigrationStatus) -> Self {
        Self {
            id: status.id,
            state: status.step.into(),
            to: status.to,
            begun_by: status.begun_by,
            reason: status.reason,
            gathering: status.gathering.map(Into::into),
        }
    }
}

/// Memory, grace and new shares are the server's to fill in.
impl From<seal::RootStatus> for RootStatus {
    fn from(status: seal::RootStatus) -> Self {
        let keys = status.wrapping_keys.into_iter();
        Self {
            sealed: status.sealed.is_some(),
            reason: status.sealed.map(|because| because.to_string()),
            root: status.root,
            kind: status.kind.map(|(kind, _)| kind.to_owned()),
            remote: status.kind.is_some_and(|(_, is_remote)| is_remote),
            answered_at: status.answered_at.map(Into::into),
            grace_seconds: 0,
            gathering: status.gathering.map(Into::into),
            migration: status.migration.map(Into::into),
            wrapping_keys: keys
                .map(|(hierarchy, active)| WrappingKey {
                    hierarchy: hierarchy.label().to_owned(),
                    version: active.version,
                    since: active.since.into(),
                })
                .collect(),
            memory: Memory::default(),
            new_shares: Vec::new(),
        }
    }
}
