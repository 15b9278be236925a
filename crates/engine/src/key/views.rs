//! Keys as people see them.

use std::collections::BTreeMap;

use keyring::{KeyState, legal_moves};

use crate::access::{Actor, Role};
use crate::clock::Timestamp;
use crate::id::KeyId;
use crate::key::drained::Dependents;
use crate::key::model::{Key, KeyVersion};
use crate::name::Name;
use crate::reencryption::alarm::KeyAlarm;
use crate::rule::Refusal;
use crate::services::Services;

/// A key with its versions, oldest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyView {
    pub key: Key,
    pub versions: Vec<KeyVersionView>,
    /// When the active version is due to be replaced by its age.
    pub due_at: Option<Timestamp>,
    /// Its data stopped opening: it is not rotated until a person has looked.
    pub alarm: Option<KeyAlarm>,
}

/// One version, with what has been counted of it up to now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyVersionView {
    /// Its `uses` and `opened_at` include what the store has not been told yet.
    pub version: KeyVersion,
    /// What it may become next.
    pub moves: Vec<KeyState>,
    /// What is known to need it; only where one key is asked for.
    pub dependents: Option<Dependents>,
}

impl KeyView {
    /// The version that seals; None while it is suspended.
    pub fn active(&self) -> Option<&KeyVersion> {
        self.versions
            .iter()
            .map(|view| &view.version)
            .find(|version| version.state == KeyState::Active)
    }
}

impl Services {
    /// Every key with its versions, by name.
    ///
    /// # Errors
    /// Not a viewer, store away.
    pub async fn keys_view(&self, actor: &Actor) -> Result<Vec<KeyView>, Refusal> {
        actor.require(Role::Viewer)?;
        let keys = self.store.keys().await?;
        let mut versions: BTreeMap<KeyId, Vec<KeyVersion>> = BTreeMap::new();
        for version in self.store.all_key_versions().await? {
            versions.entry(version.key.clone()).or_default().push(version);
        }
        let mut alarms: BTreeMap<KeyId, KeyAlarm> = BTreeMap::new();
        for alarm in self.key_alarms(actor).await? {
            alarms.insert(alarm.key.clone(), alarm);
        }
        let views = keys.into_iter().map(|key| {
            let own = versions.remove(&key.id).unwrap_or_default();
            let alarm = alarms.remove(&key.id);
            KeyView {
                alarm,
                ..self.place_key(key, own)
            }
        });
        Ok(views.collect())
    }

    /// One key with its versions and what needs each of them.
    ///
    /// # Errors
    /// Not a viewer, no such key, store away.
    pub async fn key_view(&self, actor: &Actor, name: &Name) -> Result<KeyView, Refusal> {
        actor.require(Role::Viewer)?;
        let key = self.stored_key(name).await?;
        let versions = self.store.key_versions(&key.id).await?;
        let mut view = self.place_key(key, versions);
        view.alarm = self.key_alarm(&view.key.id).await?;
        for placed in &mut view.versions {
            placed.dependents = Some(self.dependents(&view.key, &placed.version).await?);
        }
        Ok(view)
    }

    pub(crate) fn place_key(&self, key: Key, versions: Vec<KeyVersion>) -> KeyView {
        let active = versions.iter().find(|version| version.state == KeyState::Active);
        let begun = active.and_then(|active| active.activated_at);
        let due_at = begun
            .zip(key.policy.rotate_every)
            .map(|(begun, age)| begun.after(age));
        let versions = versions
            .into_iter()
            .map(|mut version| {
                let (uses, opened_at) = self.memory.uses.of(&key.id, version.number).unstored();
                version.uses += uses;
                version.opened_at = version.opened_at.max(opened_at);
                KeyVersionView {
                    moves: legal_moves(version.state).to_vec(),
                    version,
                    dependents: None,
                }
            })
            .collect();
        KeyView {
            key,
            versions,
            due_at,
            alarm: None,
        }
    }
}
