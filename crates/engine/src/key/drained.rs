//! What still needs a version of a key, so that retiring it is a decision and not a gamble (KEY-10).

use keyring::KeyState;

use crate::clock::Timestamp;
use crate::key::model::{Key, KeyVersion};
use crate::reencryption::Dependent;
use crate::rule::Refusal;
use crate::services::Services;

/// What is known to need one version.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dependents {
    /// When it last opened a value, if that was within the key's grace and callers may still use it.
    pub opened_at: Option<Timestamp>,
    /// Records that the newest census of each registered target found under it, by the target's name.
    pub records: Vec<(String, u64)>,
    /// Registered targets of its key without a whole scan since it stopped sealing: nothing is proven of them.
    pub unscanned: Vec<String>,
    /// Registered backups and replicas that hold values under it.
    pub backups: Vec<String>,
}

impl Dependents {
    /// Nothing is known to need it.
    pub fn are_none(&self) -> bool {
        self.opened_at.is_none()
            && self.records.is_empty()
            && self.unscanned.is_empty()
            && self.backups.is_empty()
    }

    /// In words, for people.
    pub fn describe(&self) -> String {
        let mut words = Vec::new();
        if self.opened_at.is_some() {
            words.push("it opened values within the key's grace".to_owned());
        }
        for (target, records) in &self.records {
            words.push(format!("{records} record(s) of target `{target}`"));
        }
        for target in &self.unscanned {
            words.push(format!("target `{target}`, not scanned since it stopped sealing"));
        }
        for backup in &self.backups {
            words.push(format!("backup `{backup}`"));
        }
        words.join(", ")
    }
}

impl Services {
    /// What is known to need version `version` of `key`.
    ///
    /// # Errors
    /// Store away.
    pub async fn dependents(&self, key: &Key, version: &KeyVersion) -> Result<Dependents, Refusal> {
        let (_, unstored) = self.memory.uses.of(&key.id, version.number).unstored();
        let mut dependents = Dependents {
            opened_at: opened_within_grace(key, version, unstored, self.clock.now()),
            ..Dependents::default()
        };
        let since = (version.state != KeyState::Active).then_some(version.state_since);
        for registered in self.registered_dependents(&key.id, version.number, since).await? {
            match registered {
                Dependent::Records { target, records, .. } => {
                    dependents.records.push((target.to_string(), records));
                }
                Dependent::NotScanned { target, .. } => dependents.unscanned.push(target.to_string()),
                Dependent::Copy { name, .. } => dependents.backups.push(name.to_string()),
            }
        }
        Ok(dependents)
    }

    /// Whether nothing of `version` was opened for the key's grace, and no census knows a record of it. A version that
    /// was never used has nothing to drain; one that was used is given its grace to show that it is not missed.
    ///
    /// # Errors
    /// Store away.
    pub async fn is_drained(&self, key: &Key, version: &KeyVersion) -> Result<bool, Refusal> {
        if !version.was_used() {
            return Ok(true);
        }
        let has_rested = self.clock.now().since(version.state_since) >= key.policy.grace;
        Ok(has_rested && self.dependents(key, version).await?.are_none())
    }
}

fn opened_within_grace(
    key: &Key,
    version: &KeyVersion,
    unstored: Option<Timestamp>,
    now: Timestamp,
) -> Option<Timestamp> {
    let may_open = matches!(version.state, KeyState::Active | KeyState::Deprecated);
    version
        .opened_at
        .max(unstored)
        .filter(|opened_at| may_open && now.since(*opened_at) < key.policy.grace)
}
