//! What bars the way: a shadow run as a gate, and what still needs a version.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::id::KeyId;
use crate::ports::JobFilter;
use crate::reencryption::census::{Dependent, dependents_of_target};
use crate::reencryption::model::{Job, Mode, Target};
use crate::reencryption::state::JobState;
use crate::rule::Refusal;
use crate::services::Services;

/// A shadow run proves something for so long.
const SHADOW_HOLDS: Duration = Duration::from_secs(7 * 24 * 3_600);
/// Jobs of one target that are looked at for a shadow run.
const LOOKED_AT: u32 = 100;

impl Services {
    /// Everything registered that still needs a version of a key, or is not proven not to. `since` is when the version
    /// stopped sealing; None while it may seal still. Retirement and destruction wait for an empty list; revocation
    /// does not.
    ///
    /// # Errors
    /// Store away.
    pub async fn registered_dependents(
        &self,
        key: &KeyId,
        version: u32,
        since: Option<Timestamp>,
    ) -> Result<Vec<Dependent>, Refusal> {
        let now = self.clock.now();
        let mut dependents = Vec::new();
        for target in self.store.targets().await? {
            let census = self.store.latest_census(&target.id).await?;
            dependents.extend(dependents_of_target(
                &target,
                census.as_ref(),
                key,
                version,
                since,
            ));
        }
        for backup in self.store.application_backups().await? {
            if backup.needs(key, version, now) {
                dependents.push(Dependent::Copy {
                    name: backup.name,
                    until: backup.until,
                });
            }
        }
        Ok(dependents)
    }

    /// The latest shadow run of a target that found everything readable and the same, within seven days (KEY-15).
    ///
    /// # Errors
    /// Store away.
    pub async fn passed_shadow(&self, target: &Target) -> Result<Option<Job>, Refusal> {
        let now = self.clock.now();
        let filter = JobFilter {
            target: Some(target.id.clone()),
            state: Some(JobState::Completed.label().to_owned()),
            before: None,
            limit: LOOKED_AT,
        };
        let jobs = self.store.jobs(&filter).await?;
        let latest = jobs.into_iter().find(|job| job.mode == Mode::Shadow);
        Ok(latest.filter(|job| {
            let is_recent = job
                .finished_at
                .is_some_and(|finished_at| now.since(finished_at) <= SHADOW_HOLDS);
            is_recent && job.done.unreadable == 0 && job.done.differing == 0
        }))
    }

    /// Targets of a key that ask for a shadow run and have none that passed: a gate for the key's rotation too.
    ///
    /// # Errors
    /// Store away.
    pub async fn targets_without_shadow(&self, key: &KeyId) -> Result<Vec<Target>, Refusal> {
        let mut without = Vec::new();
        for target in self.store.targets().await? {
            if target.key == *key && target.require_shadow && self.passed_shadow(&target).await?.is_none() {
                without.push(target);
            }
        }
        Ok(without)
    }
}
