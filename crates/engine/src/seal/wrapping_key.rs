//! What the store keeps of the wrapping keys, and how keyrings are made of it.
//!
//! | setting | value |
//! |---|---|
//! | `root_key.record` | which root wrapped all this, how it is had and recognised |
//! | `root_key.epoch` | counts every change of what is wrapped by which root, so that none of them overtakes another |
//! | `root_key.next.…` | a migration to another root under way, see [`crate::seal::migration`] |
//! | `wrapping_key.active` | which version seals, and since when |
//! | `wrapping_key.activated.0000000002` … | inserted with the activation, so that no late writer takes a version back |
//! | `wrapping_key.version.0000000001` … | that version, wrapped by the root; empty once it is destroyed |
//! | `wrapping_key.class.<class>.…` | the same three for a class of sensitivity |
//!
//! A version above the active one waits for its turn, one below it only opens. So one setting decides the state of
//! all, and no crash can leave two of them active.

use std::collections::BTreeMap;
use std::sync::Arc;

use keyring::{KeyState, KeyVersion, Keyring, WrappingKey};
use serde::{Deserialize, Serialize};

use crate::change::Write;
use crate::clock::Timestamp;
use crate::ports::{RootOfTrust, Store, WrapPlace};
use crate::seal::hierarchy::Hierarchy;
use crate::seal::sealer::{OpenKeys, Ring};
use crate::seal::unlock::UnlockError;

pub(crate) const ROOT_KEY_RECORD: &str = "root_key.record";
const EPOCH: &str = "root_key.epoch";
/// What the names of all settings here begin with.
const PREFIX: &str = "wrapping_key.";
/// The store may be read while somebody writes; whoever reads looks again so many times.
const READS: usize = 5;

/// Which version seals, and since when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActiveVersion {
    /// 1, 2, 3 …
    pub version: u32,
    pub since: Timestamp,
}

impl ActiveVersion {
    pub(crate) fn to_bytes(self) -> Vec<u8> {
        format!("{} {}", self.version, self.since.as_micros()).into_bytes()
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let (version, since) = std::str::from_utf8(bytes).ok()?.split_once(' ')?;
        let (version, since) = (version.parse().ok()?, since.parse().ok()?);
        Some(Self {
            version,
            since: Timestamp::from_micros(since),
        })
    }
}

pub(crate) fn active_setting(hierarchy: Hierarchy) -> String {
    format!("{}active", hierarchy.prefix())
}

pub(crate) fn activated_setting(hierarchy: Hierarchy, version: u32) -> String {
    format!("{}activated.{version:010}", hierarchy.prefix())
}

pub(crate) fn version_setting(hierarchy: Hierarchy, version: u32) -> String {
    format!("{}version.{version:010}", hierarchy.prefix())
}

/// What is stored about the keys, as it stood at one moment. Nothing of it is open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) record: Option<Vec<u8>>,
    pub(crate) epoch: Option<Vec<u8>>,
    pub(crate) hierarchies: BTreeMap<Hierarchy, StoredHierarchy>,
    /// The settings of a migration under way, by name.
    pub(crate) next: BTreeMap<String, Vec<u8>>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct StoredHierarchy {
    pub(crate) active: Option<ActiveVersion>,
    /// Wrapped bytes by version; empty: destroyed.
    pub(crate) versions: BTreeMap<u32, Vec<u8>>,
}

impl Stored {
    /// Reads everything of one epoch.
    pub(crate) async fn read(store: &dyn Store) -> Result<Self, UnlockError> {
        for _ in 0..READS {
            let epoch = store.setting(EPOCH).await?;
            let mut stored = Self {
                record: store.setting(ROOT_KEY_RECORD).await?,
                epoch,
                ..Self::default()
            };
            let next = store.settings(super::migration::PREFIX).await?;
            stored.next = next.into_iter().filter(|(_, value)| !value.is_empty()).collect();
            for (name, value) in store.settings(PREFIX).await? {
                stored.take(&name, value)?;
            }
            if store.setting(EPOCH).await? == stored.epoch {
                return Ok(stored);
            }
        }
        let busy = "the wrapping keys are being changed all the time; try again".to_owned();
        Err(crate::ports::StoreError::Unavailable(busy).into())
    }

    fn take(&mut self, name: &str, value: Vec<u8>) -> Result<(), UnlockError> {
        let unknown = || UnlockError::Damaged(format!("setting `{name}` names no version of a wrapping key"));
        let mut rest = name.strip_prefix(PREFIX).ok_or_else(unknown)?;
        let mut hierarchy = Hierarchy::Store;
        if let Some(classed) = rest.strip_prefix("class.") {
            let (label, of_class) = classed.split_once('.').ok_or_else(unknown)?;
            hierarchy = Hierarchy::of_label(label).ok_or_else(unknown)?;
            rest = of_class;
        }
        let stored = self.hierarchies.entry(hierarchy).or_default();
        if rest == "active" {
            stored.active = Some(ActiveVersion::parse(&value).ok_or_else(unknown)?);
        } else if let Some(number) = rest.strip_prefix("version.") {
            let version = number
                .parse()
                .ok()
                .and_then(KeyVersion::new)
                .ok_or_else(unknown)?;
            stored.versions.insert(version.number(), value);
        }
        Ok(())
    }

    /// Refuses the change that carries it when what is stored about the keys changed since this was read.
    pub(crate) fn guard(&self) -> Write {
        let key = EPOCH.to_owned();
        match &self.epoch {
            None => Write::InsertSetting {
                key,
                value: b"1".to_vec(),
            },
            Some(before) => {
                let number = std::str::from_utf8(before)
                    .ok()
                    .and_then(|text| text.parse::<u64>().ok());
                Write::ReplaceSetting {
                    key,
                    before: before.clone(),
                    after: number.unwrap_or(0).wrapping_add(1).to_string().into_bytes(),
                }
            }
        }
    }

    /// The same versions, the same ones active: whoever has those of `known` open lacks nothing.
    pub(crate) fn has_versions_of(&self, known: &Self) -> bool {
        let summary = |stored: &Self| -> Vec<_> {
            let of = |(hierarchy, stored): (&Hierarchy, &StoredHierarchy)| {
                let versions: Vec<(u32, bool)> = stored
                    .versions
                    .iter()
                    .map(|(number, wrapped)| (*number, wrapped.is_empty()))
                    .collect();
                (*hierarchy, stored.active, versions)
            };
            stored.hierarchies.iter().map(of).collect()
        };
        summary(self) == summary(known)
    }

    /// Opens every version under a root.
    pub(crate) async fn open(&self, root: Arc<dyn RootOfTrust>) -> Result<OpenKeys, UnlockError> {
        let mut rings = BTreeMap::new();
        for (hierarchy, stored) in &self.hierarchies {
            rings.insert(*hierarchy, stored.open(*hierarchy, root.as_ref()).await?);
        }
        if !rings.contains_key(&Hierarchy::Store) {
            let missing = active_setting(Hierarchy::Store);
            return Err(UnlockError::Damaged(format!("setting `{missing}` is missing")));
        }
        Ok(OpenKeys {
            root,
            rings,
            stored: self.clone(),
            under_next: false,
        })
    }
}

impl StoredHierarchy {
    async fn open(&self, hierarchy: Hierarchy, root: &dyn RootOfTrust) -> Result<Ring, UnlockError> {
        let missing = || UnlockError::Damaged(format!("setting `{}` is missing", active_setting(hierarchy)));
        let active = self.active.ok_or_else(missing)?;
        let key_id = hierarchy.key_id()?;
        let mut wrapping_keys = Vec::new();
        for (number, wrapped) in &self.versions {
            let Some(version) = KeyVersion::new(*number) else {
                continue;
            };
            if wrapped.is_empty() {
                wrapping_keys.push(WrappingKey::destroyed(version));
                continue;
            }
            let place = WrapPlace {
                key_id: &key_id,
                version,
            };
            let material = root.unwrap(place, wrapped).await?;
            let state = match number.cmp(&active.version) {
                std::cmp::Ordering::Less => KeyState::Deprecated,
                std::cmp::Ordering::Equal => KeyState::Active,
                std::cmp::Ordering::Greater => KeyState::PreActive,
            };
            wrapping_keys.push(WrappingKey::new(version, state, material));
        }
        let keyring =
            Keyring::new(key_id, wrapping_keys).map_err(|error| UnlockError::Damaged(error.to_string()))?;
        if keyring.active_version().is_none() {
            let (key_id, version) = (keyring.key_id(), active.version);
            return Err(UnlockError::Damaged(format!(
                "the active version {version} of the wrapping key {key_id} is missing"
            )));
        }
        Ok(Ring { keyring, active })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_active_version_reads_back_and_nothing_else_does() {
        let active = ActiveVersion {
            version: 7,
            since: Timestamp::from_micros(-3),
        };
        assert_eq!(ActiveVersion::parse(&active.to_bytes()), Some(active));
        for wrong in ["", "7", "x 3", "7 x", "-1 3"] {
            assert_eq!(ActiveVersion::parse(wrong.as_bytes()), None, "{wrong}");
        }
    }

    #[test]
    fn every_setting_reads_back_into_its_own_hierarchy() {
        let active = ActiveVersion {
            version: 2,
            since: Timestamp::from_micros(5),
        };
        for hierarchy in Hierarchy::ALL {
            let mut stored = Stored::default();
            stored
                .take(&active_setting(hierarchy), active.to_bytes())
                .unwrap();
            stored.take(&activated_setting(hierarchy, 2), Vec::new()).unwrap();
            stored.take(&version_setting(hierarchy, 2), vec![1]).unwrap();
            assert_eq!(stored.hierarchies.len(), 1);
            let of = &stored.hierarchies[&hierarchy];
            assert_eq!((of.active, of.versions.len()), (Some(active), 1));
        }
        assert!(
            Stored::default()
                .take("wrapping_key.version.zero", Vec::new())
                .is_err()
        );
        assert!(
            Stored::default()
                .take("wrapping_key.class.odd.active", Vec::new())
                .is_err()
        );
    }
}
