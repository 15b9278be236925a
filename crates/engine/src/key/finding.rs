//! What is not as it should be about keys, and what about them waits for a person; each goes by itself.

use std::collections::BTreeMap;

use keyring::KeyState;

use crate::access::{Actor, Role};
use crate::clock::Timestamp;
use crate::id::KeyId;
use crate::key::drained::Dependents;
use crate::key::model::{DestructionRequest, Key, KeyVersion};
use crate::key::moves;
use crate::key::tend::due;
use crate::reencryption::alarm::KeyAlarm;
use crate::rule::Refusal;
use crate::services::Services;

/// One thing that is wrong with a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyFinding {
    /// Stable.
    pub code: &'static str,
    pub critical: bool,
    pub title: String,
    /// What is the matter, and what mends it.
    pub detail: String,
    pub since: Timestamp,
}

/// What is worth saying of one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyNotes {
    pub key: Key,
    /// Its data does not open, and its rotation waits for a person.
    pub alarm: Option<KeyAlarm>,
    /// Its rotation is due and waits.
    pub postponed: Option<Postponed>,
    /// It was rotated although this version was not drained, and still is not: why, and since when.
    pub undrained: Option<Undrained>,
    /// Versions that somebody asked to destroy and nobody else agreed to yet.
    pub asked: Vec<AskedDestruction>,
}

/// A rotation that is due and waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Postponed {
    /// Why it is due.
    pub why: String,
    /// In words: "a freeze to end".
    pub waits_for: &'static str,
    pub since: Timestamp,
}

/// What bars the rotation of a key, as [`Services::check_gates`] finds it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bars {
    pub alarm: Option<KeyAlarm>,
    /// Registered targets ask for a shadow run first.
    pub awaits_shadow: bool,
}

impl Bars {
    fn in_words(&self) -> &'static str {
        match (&self.alarm, self.awaits_shadow) {
            (Some(_), _) => "a person to look at data that does not open",
            (None, true) => "a shadow run of its targets",
            (None, false) => "a freeze to end",
        }
    }
}

/// A version that is not drained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undrained {
    pub version: u32,
    /// What needs it, in words.
    pub why: String,
    pub since: Timestamp,
}

/// A destruction that waits for a second person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskedDestruction {
    pub version: u32,
    pub request: DestructionRequest,
    /// Its time has passed, so it can only be asked for anew.
    pub lapsed: bool,
}

impl KeyNotes {
    /// What follows from the key and its versions at `now`. Pure. `undrained`: what needs the version that the key names,
    /// if it is not drained. `restored_at`: the database came from a backup then.
    pub fn new(
        key: Key,
        versions: &[KeyVersion],
        undrained: Option<Dependents>,
        bars: Bars,
        restored_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Self {
        let due = due(&key, versions, now, restored_at);
        let postponed = key.postponed_since.zip(due).map(|(since, why)| Postponed {
            why,
            waits_for: bars.in_words(),
            since,
        });
        let active = moves::active(versions).and_then(|active| active.activated_at);
        let undrained = key.undrained.zip(undrained).map(|(version, needed)| Undrained {
            version,
            why: if needed.are_none() {
                "it has not rested for the key's grace yet".to_owned()
            } else {
                needed.describe()
            },
            since: active.unwrap_or(key.created_at),
        });
        let asked = versions.iter().filter_map(|version| {
            let request = version.destruction.as_ref();
            let request = request.filter(|request| request.approval.is_none())?;
            Some(AskedDestruction {
                version: version.number,
                request: request.clone(),
                lapsed: version.destroy_at.is_none_or(|at| at <= now),
            })
        });
        let asked = asked.collect();
        Self {
            key,
            alarm: bars.alarm,
            postponed,
            undrained,
            asked,
        }
    }

    /// Those that are wrong until something is done: the findings.
    pub fn findings(&self) -> Vec<KeyFinding> {
        let mut findings = Vec::new();
        if let Some(alarm) = &self.alarm {
            findings.push(KeyFinding {
                code: "key_alarm",
                critical: true,
                title: "Data under a version of it does not open".to_owned(),
                detail: alarm.in_words(),
                since: alarm.since,
            });
        }
        if let Some(postponed) = &self.postponed {
            findings.push(KeyFinding {
                code: "key_postponed",
                critical: false,
                title: format!("Its rotation waits for {}", postponed.waits_for),
                detail: format!("{}; then it is rotated by itself", postponed.why),
                since: postponed.since,
            });
        }
        if let Some(undrained) = &self.undrained {
            findings.push(KeyFinding {
                code: "key_undrained",
                critical: false,
                title: format!(
                    "It was rotated although version {} was not drained",
                    undrained.version
                ),
                detail: format!(
                    "{}; re-encrypt what stands under it, or wait until nothing opens it: until then it cannot be retired",
                    undrained.why
                ),
                since: undrained.since,
            });
        }
        findings
    }

    fn is_nothing(&self) -> bool {
        self.alarm.is_none() && self.postponed.is_none() && self.undrained.is_none() && self.asked.is_empty()
    }
}

/// Versions that refuse everybody while data still stands under them, and a key that nobody owns.
pub fn standing(key: &Key, revoked: &[(KeyVersion, Dependents)]) -> Vec<KeyFinding> {
    let mut findings: Vec<KeyFinding> = revoked
        .iter()
        .filter(|(_, needed)| !needed.are_none())
        .map(|(version, needed)| KeyFinding {
            code: "key_revoked_needed",
            critical: false,
            title: format!("Version {} is revoked and still needed", version.number),
            detail: format!(
                "by {}; move the data away with a re-encryption job, or undo the revocation",
                needed.describe()
            ),
            since: version.state_since,
        })
        .collect();
    if key.owner_team.is_none() {
        findings.push(KeyFinding {
            code: "no_owner",
            critical: true,
            title: "It has no owner".to_owned(),
            detail: "nobody answers for it; name a team on its page".to_owned(),
            since: key.created_at,
        });
    }
    findings
}

impl Services {
    /// What is worth saying of keys, by their names; those of which there is nothing are left out. Reads only the keys
    /// and versions that have something noted, for it is asked with every page.
    ///
    /// # Errors
    /// Not a viewer, store away.
    pub async fn key_notes(&self, actor: &Actor) -> Result<Vec<KeyNotes>, Refusal> {
        actor.require(Role::Viewer)?;
        let mut keys: BTreeMap<KeyId, Key> = BTreeMap::new();
        for key in self.store.keys_of_note().await? {
            keys.insert(key.id.clone(), key);
        }
        let to_destroy = self.store.key_versions_to_destroy().await?;
        let alarms = self.alarms_of_keys().await?;
        let named = to_destroy.into_iter().map(|version| version.key);
        for id in named.chain(alarms.into_iter().map(|alarm| alarm.key)) {
            if !keys.contains_key(&id)
                && let Some(key) = self.store.key_by_id(&id).await?
            {
                keys.insert(id, key);
            }
        }
        let mut notes = Vec::new();
        for key in keys.into_values() {
            let versions = self.store.key_versions(&key.id).await?;
            notes.push(self.notes_of(key, &versions).await?);
        }
        notes.retain(|notes| !notes.is_nothing());
        notes.sort_by(|one, other| one.key.name.cmp(&other.key.name));
        Ok(notes)
    }

    /// What is worth saying of one key.
    ///
    /// # Errors
    /// Store away.
    pub async fn notes_of(&self, key: Key, versions: &[KeyVersion]) -> Result<KeyNotes, Refusal> {
        let named = key
            .undrained
            .and_then(|number| versions.iter().find(|version| version.number == number));
        // One that opens nothing any more is told of as revoked, or as destroyed.
        let named = named.filter(|version| version.state == KeyState::Deprecated);
        let undrained = match named {
            Some(version) if !self.is_drained(&key, version).await? => {
                Some(self.dependents(&key, version).await?)
            }
            _ => None,
        };
        let bars = Bars {
            alarm: self.key_alarm(&key.id).await?,
            awaits_shadow: key.postponed_since.is_some()
                && !self.targets_without_shadow(&key.id).await?.is_empty(),
        };
        let restored_at = self.restored().await?.map(|restored| restored.at);
        let now = self.clock.now();
        Ok(KeyNotes::new(key, versions, undrained, bars, restored_at, now))
    }

    /// Everything that is not as it should be with any key, by the keys' names.
    ///
    /// # Errors
    /// Not a viewer, store away.
    pub async fn key_findings(&self, actor: &Actor) -> Result<Vec<(Key, KeyFinding)>, Refusal> {
        let mut findings = Vec::new();
        for notes in self.key_notes(actor).await? {
            let of_key = notes.findings();
            findings.extend(of_key.into_iter().map(|finding| (notes.key.clone(), finding)));
        }
        let mut revoked: BTreeMap<KeyId, Vec<KeyVersion>> = BTreeMap::new();
        for version in self.store.all_key_versions().await? {
            if version.state == KeyState::Revoked {
                revoked.entry(version.key.clone()).or_default().push(version);
            }
        }
        for key in self.store.keys().await? {
            let mut needed = Vec::new();
            for version in revoked.remove(&key.id).unwrap_or_default() {
                let dependents = self.dependents(&key, &version).await?;
                needed.push((version, dependents));
            }
            let of_key = standing(&key, &needed);
            findings.extend(of_key.into_iter().map(|finding| (key.clone(), finding)));
        }
        Ok(findings)
    }
}
