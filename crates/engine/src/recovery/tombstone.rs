//! What is remembered of destroyed key versions, so that no older backup brings one of them back (KEY-8).
//!
//! The row of a destroyed version is its tombstone. Of keys that were taken out, and of versions that a restored
//! backup never held, a setting keeps it: `tombstone.<key>`, a JSON list.

use std::collections::BTreeMap;

use keyring::KeyState;
use serde::{Deserialize, Serialize};

use crate::change::Write;
use crate::clock::Timestamp;
use crate::id::KeyId;
use crate::key::{Key, KeyVersion};
use crate::name::Name;
use crate::recovery::BackupError;

/// What the names of its settings begin with.
pub const TOMBSTONE_PREFIX: &str = "tombstone.";

/// A key version that was destroyed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tombstone {
    pub key: KeyId,
    /// As the key was called then.
    pub name: Name,
    pub version: u32,
    pub created_at: Timestamp,
    pub destroyed_at: Timestamp,
    pub reason: String,
}

/// Tombstones by key and version.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tombstones(BTreeMap<(KeyId, u32), Tombstone>);

impl Tombstone {
    /// The tombstone of a destroyed version; None for one that lives.
    pub fn of(name: &Name, version: &KeyVersion) -> Option<Self> {
        (version.state == KeyState::Destroyed).then(|| Self {
            key: version.key.clone(),
            name: name.clone(),
            version: version.number,
            created_at: version.created_at,
            destroyed_at: version.destroyed_at.unwrap_or(version.state_since),
            reason: version.reason.clone(),
        })
    }

    /// Whether a backup that was made then may still hold what was destroyed since.
    pub fn may_open_in_backup_of(&self, made_at: Timestamp) -> bool {
        self.created_at <= made_at && made_at < self.destroyed_at
    }
}

impl Tombstones {
    /// Those of a list. Of two for one version the earlier death counts.
    pub fn new(list: impl IntoIterator<Item = Tombstone>) -> Self {
        let mut all = Self::default();
        all.add(list);
        all
    }

    /// All that a database knows: its destroyed versions, and what its settings keep.
    ///
    /// # Errors
    /// When a setting does not read.
    pub fn gather(
        keys: &[Key],
        versions: &[KeyVersion],
        settings: &[(String, Vec<u8>)],
    ) -> Result<Self, BackupError> {
        let names: BTreeMap<&KeyId, &Name> = keys.iter().map(|key| (&key.id, &key.name)).collect();
        let of_rows = versions
            .iter()
            .filter_map(|version| Tombstone::of(names.get(&version.key)?, version));
        let mut all = Self::new(of_rows);
        for (setting, value) in settings {
            if setting.starts_with(TOMBSTONE_PREFIX) {
                all.add(parse(setting, value)?);
            }
        }
        Ok(all)
    }

    /// With more of them.
    pub fn add(&mut self, more: impl IntoIterator<Item = Tombstone>) {
        for tombstone in more {
            let at = (tombstone.key.clone(), tombstone.version);
            let known = self.0.get(&at);
            if known.is_none_or(|known| tombstone.destroyed_at < known.destroyed_at) {
                self.0.insert(at, tombstone);
            }
        }
    }

    /// The tombstone of one version.
    pub fn get(&self, key: &KeyId, version: u32) -> Option<&Tombstone> {
        self.0.get(&(key.clone(), version))
    }

    /// All, by key and version.
    pub fn iter(&self) -> impl Iterator<Item = &Tombstone> {
        self.0.values()
    }

    /// All as a list.
    pub fn to_vec(&self) -> Vec<Tombstone> {
        self.iter().cloned().collect()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// What a setting keeps.
pub(crate) fn parse(setting: &str, value: &[u8]) -> Result<Vec<Tombstone>, BackupError> {
    serde_json::from_slice(value)
        .map_err(|error| BackupError::Contents(format!("the setting `{setting}` does not read: {error}")))
}

/// The write that keeps tombstones of a key that is not there.
pub(crate) fn kept(key: &KeyId, tombstones: &[Tombstone]) -> Write {
    Write::PutSetting {
        key: format!("{TOMBSTONE_PREFIX}{key}"),
        // Texts and numbers only: writing them as JSON cannot fail.
        value: serde_json::to_vec(tombstones).unwrap_or_default(),
    }
}
