//! What a restore does with tombstones: a version that was destroyed after the backup was made stays dead (KEY-8).
//!
//! Its material is never written to the new database. Its row says that it is destroyed, its number is not given
//! again, and a key that would be left without an active version gets a new one.

use std::collections::{BTreeMap, BTreeSet};

use keyring::{KeyMaterial, KeyState, Randomness, SecretBytes};
use serde::de::DeserializeOwned;

use crate::access::Actor;
use crate::audit::AuditDraft;
use crate::change::Write;
use crate::clock::Timestamp;
use crate::id::KeyId;
use crate::key::{Key, KeyVersion};
use crate::name::Name;
use crate::ports::SecretRef;
use crate::recovery::BackupError;
use crate::recovery::form::{Cell, TableHead};
use crate::recovery::tombstone::{self, TOMBSTONE_PREFIX, Tombstone, Tombstones};
use crate::seal::{SealError, Sealer};

/// A version whose material is in the backup and not shut by a tombstone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenVersion {
    pub name: Name,
    pub version: u32,
    pub state: KeyState,
    /// When its destruction was planned for, when the backup was made.
    pub destroy_at: Option<Timestamp>,
}

/// Takes every row of a backup.
#[derive(Debug)]
pub struct Burial {
    tombstones: Tombstones,
    table: TableHead,
    keys: BTreeMap<KeyId, Key>,
    versions: BTreeMap<(KeyId, u32), KeyVersion>,
    /// Tombstones that the backup's settings keep.
    kept: Tombstones,
    /// Key and number of what has material.
    materials: BTreeSet<(String, u32)>,
    /// Keys whose active version is shut.
    bereft: BTreeSet<KeyId>,
}

/// What is to be done on top of the rows.
#[derive(Debug, Default)]
pub struct Buried {
    pub writes: Vec<Write>,
    pub drafts: Vec<AuditDraft>,
    /// Versions that lived in the backup and are destroyed again.
    pub shut: Vec<Tombstone>,
    /// Versions that the restored database opens.
    pub open: Vec<OpenVersion>,
}

impl Burial {
    /// Nothing seen yet.
    pub fn new(tombstones: Tombstones) -> Self {
        Self {
            tombstones,
            table: TableHead {
                name: String::new(),
                columns: Vec::new(),
            },
            keys: BTreeMap::new(),
            versions: BTreeMap::new(),
            kept: Tombstones::default(),
            materials: BTreeSet::new(),
            bereft: BTreeSet::new(),
        }
    }

    /// The next table begins.
    pub fn table(&mut self, head: &TableHead) {
        self.table = head.clone();
    }

    /// One more row of it; false: it is material of a destroyed version and must not be restored.
    ///
    /// # Errors
    /// When a key or a version does not read.
    pub fn admits(&mut self, cells: &[Cell]) -> Result<bool, BackupError> {
        match self.table.name.as_str() {
            "key" => {
                let mut key: Key = self.body(cells)?;
                if let Some(Cell::Integer(revision)) = self.cell(cells, "revision") {
                    key.revision = *revision;
                }
                self.keys.insert(key.id.clone(), key);
            }
            "key_version" => {
                let version: KeyVersion = self.body(cells)?;
                self.versions
                    .insert((version.key.clone(), version.number), version);
            }
            "setting" => self.setting(cells)?,
            "secret" => return Ok(self.admits_secret(cells)),
            _ => {}
        }
        Ok(true)
    }

    /// The versions that open, and those that a tombstone shuts.
    pub fn versions(self) -> (Vec<OpenVersion>, Vec<Tombstone>) {
        let is_shut = |tombstone: &&Tombstone| {
            let at = (tombstone.key.clone(), tombstone.version);
            let version = self.versions.get(&at);
            version.is_some_and(|version| version.state != KeyState::Destroyed)
        };
        let shut = self.tombstones.iter().filter(is_shut).cloned().collect();
        (self.open(), shut)
    }

    /// What is to be written on top of the rows, once all were seen.
    ///
    /// # Errors
    /// When a new version cannot be sealed.
    pub fn finish(
        mut self,
        sealer: &Sealer,
        randomness: &dyn Randomness,
        now: Timestamp,
    ) -> Result<Buried, SealError> {
        let mut buried = Buried::default();
        let mut touched = BTreeSet::new();
        let mut strangers: BTreeMap<KeyId, Vec<Tombstone>> = BTreeMap::new();
        for tombstone in std::mem::take(&mut self.tombstones).iter() {
            if self.keys.contains_key(&tombstone.key) {
                if self.bury(tombstone, &mut buried) {
                    touched.insert(tombstone.key.clone());
                }
            } else {
                strangers
                    .entry(tombstone.key.clone())
                    .or_default()
                    .push(tombstone.clone());
            }
        }
        for (key, tombstones) in strangers {
            let mut all = Tombstones::new(tombstones);
            all.add(self.kept.iter().filter(|kept| kept.key == key).cloned());
            buried.writes.push(tombstone::kept(&key, &all.to_vec()));
        }
        for id in touched {
            self.go_on_without(&id, sealer, randomness, now, &mut buried)?;
        }
        let actor = Actor::system("restore");
        for tombstone in &buried.shut {
            let object = format!("key/{}/{}", tombstone.name, tombstone.version);
            let detail = format!(
                "{}, by its tombstone: it was destroyed after the backup was made; {}",
                KeyState::Destroyed,
                tombstone.reason
            );
            buried.drafts.push(AuditDraft::new(
                &actor,
                now,
                "key.version.destroyed",
                object,
                detail,
            ));
        }
        buried.open = self.open();
        Ok(buried)
    }

    /// True when something changes for the key.
    fn bury(&mut self, tombstone: &Tombstone, buried: &mut Buried) -> bool {
        let at = (tombstone.key.clone(), tombstone.version);
        let known = self.versions.get(&at);
        if known.is_some_and(|version| version.state == KeyState::Destroyed) {
            return false;
        }
        let lived = known.is_some();
        if known.is_some_and(seals) {
            self.bereft.insert(tombstone.key.clone());
        }
        let mut version = known.cloned().unwrap_or_else(|| {
            let (state, reason) = (KeyState::Revoked, tombstone.reason.as_str());
            KeyVersion::new(
                &tombstone.key,
                tombstone.version,
                state,
                tombstone.created_at,
                reason,
            )
        });
        version.enter(KeyState::Destroyed, tombstone.destroyed_at, &tombstone.reason);
        buried
            .writes
            .push(Write::PutKeyVersion(Box::new(version.clone())));
        self.versions.insert(at, version);
        if lived {
            buried.shut.push(tombstone.clone());
        }
        true
    }

    /// Its numbers go on above the dead ones, and some version seals.
    fn go_on_without(
        &mut self,
        id: &KeyId,
        sealer: &Sealer,
        randomness: &dyn Randomness,
        now: Timestamp,
        buried: &mut Buried,
    ) -> Result<(), SealError> {
        let own = || {
            let range = (id.clone(), 0)..=(id.clone(), u32::MAX);
            self.versions.range(range).map(|(_, version)| version)
        };
        let highest = own().map(|version| version.number).max().unwrap_or(0);
        let needs_active = self.bereft.contains(id) && !own().any(seals);
        let Some(key) = self.keys.get_mut(id) else {
            return Ok(());
        };
        key.last_number = key.last_number.max(highest);
        let is_shut = |number| {
            buried
                .shut
                .iter()
                .any(|shut| shut.key == *id && shut.version == number)
        };
        key.promoting = key.promoting.filter(|number| !is_shut(*number));
        let mut successor = None;
        if needs_active {
            key.last_number += 1;
            let material = KeyMaterial::generate_for(key.algorithm, randomness);
            let material = SecretBytes::new(material.expose_bytes().to_vec());
            let at = SecretRef::key_material(id, key.last_number);
            let sealed = sealer.seal_bytes_for(key.policy.sensitivity, &at, &material)?;
            let reason = "the active version was destroyed after the backup was made";
            successor = Some(KeyVersion::new(
                id,
                key.last_number,
                KeyState::Active,
                now,
                reason,
            ));
            buried.writes.push(Write::PutSecret { at, sealed });
        }
        buried.writes.push(Write::UpdateKey(Box::new(key.clone())));
        if let Some(version) = successor {
            buried
                .writes
                .push(Write::PutKeyVersion(Box::new(version.clone())));
            self.materials.insert((id.to_string(), version.number));
            self.versions.insert((id.clone(), version.number), version);
        }
        Ok(())
    }

    fn open(&self) -> Vec<OpenVersion> {
        let with_material = |version: &&KeyVersion| {
            let at = (version.key.to_string(), version.number);
            version.state != KeyState::Destroyed && self.materials.contains(&at)
        };
        let mut open: Vec<OpenVersion> = self
            .versions
            .values()
            .filter(with_material)
            .filter_map(|version| {
                Some(OpenVersion {
                    name: self.keys.get(&version.key)?.name.clone(),
                    version: version.number,
                    state: version.state,
                    destroy_at: version.destroy_at,
                })
            })
            .collect();
        open.sort_by(|left, right| (&left.name, left.version).cmp(&(&right.name, right.version)));
        open
    }

    fn admits_secret(&mut self, cells: &[Cell]) -> bool {
        let (Some("key_version"), Some(row), Some("material")) = (
            self.text(cells, "table_name"),
            self.text(cells, "row_key"),
            self.text(cells, "field"),
        ) else {
            return true;
        };
        let Some((key, number)) = row.split_once('/') else {
            return true;
        };
        let (Ok(id), Ok(number)) = (KeyId::parse(key), number.parse()) else {
            return true;
        };
        if self.tombstones.get(&id, number).is_some() {
            return false;
        }
        self.materials.insert((key.to_owned(), number));
        true
    }

    fn setting(&mut self, cells: &[Cell]) -> Result<(), BackupError> {
        let (Some(name), Some(Cell::Bytes(value))) = (self.text(cells, "key"), self.cell(cells, "value"))
        else {
            return Ok(());
        };
        if name.starts_with(TOMBSTONE_PREFIX) {
            let parsed = tombstone::parse(name, value)?;
            self.kept.add(parsed);
        }
        Ok(())
    }

    fn body<T: DeserializeOwned>(&self, cells: &[Cell]) -> Result<T, BackupError> {
        let table = &self.table.name;
        let damaged = |detail: String| BackupError::Contents(format!("a row of `{table}` {detail}"));
        let body = self.text(cells, "body");
        let body = body.ok_or_else(|| damaged("has no body".to_owned()))?;
        serde_json::from_str(body).map_err(|error| damaged(format!("does not read: {error}")))
    }

    fn text<'a>(&self, cells: &'a [Cell], column: &str) -> Option<&'a str> {
        match self.cell(cells, column) {
            Some(Cell::Text(text)) => Some(text),
            _ => None,
        }
    }

    fn cell<'a>(&self, cells: &'a [Cell], column: &str) -> Option<&'a Cell> {
        let position = self.table.columns.iter().position(|name| name == column)?;
        cells.get(position)
    }
}

/// It seals, or will again once its suspension ends.
fn seals(version: &KeyVersion) -> bool {
    matches!(version.state, KeyState::Active | KeyState::Suspended)
}
