//! From one root of trust to another, and from one root key to the next: prepare, verify, finalise.
//!
//! Each step is one transaction, so the process may die anywhere:
//! 1. *prepare*: every wrapping key is wrapped by the next root too, and stored beside what is there. From here on the
//!    server starts under either root;
//! 2. *verify*: the next root is opened afresh (people give a quorum of the new shares) and gives every wrapping key back
//!    as it is;
//! 3. *finalise*: what the next root wrapped takes the place of what the last one wrapped.
//!
//! | setting | value |
//! |---|---|
//! | `root_key.next.record` | the next root |
//! | `root_key.next.state` | the step, who began it and why |
//! | `root_key.next.wrapped.<setting>` | what will stand in that setting |
//!
//! Empty values stand for none. Between the steps no wrapping key is made or destroyed. Leaving a root that is held in
//! shares takes a quorum of them; only who gave one may cancel it then, so that nobody else can keep it from happening.

use std::collections::BTreeMap;
use std::sync::Arc;

use keyring::KeyVersion;
use serde::{Deserialize, Serialize};

use crate::audit::AuditDraft;
use crate::change::{Change, CommitError, Write};
use crate::clock::Timestamp;
use crate::ports::{RootOfTrust, RootWithRecord, Store, WrapPlace};
use crate::rule::Refusal;
use crate::seal::gathering::Gathering;
use crate::seal::record::RootRecord;
use crate::seal::sealer::{OpenKeys, SealError, Sealer};
use crate::seal::unlock::UnlockError;
use crate::seal::wrapping_key::{ROOT_KEY_RECORD, Stored, version_setting};

/// What the names of its settings begin with.
pub(crate) const PREFIX: &str = "root_key.next.";
const RECORD: &str = "root_key.next.record";
const STATE: &str = "root_key.next.state";
const WRAPPED: &str = "root_key.next.wrapped.";

/// How far a migration is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MigrationStep {
    /// The server starts under either root.
    Prepared,
    /// The next root was seen to open everything.
    Verified,
}

/// What is stored about a migration under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MigrationState {
    pub id: String,
    pub step: MigrationStep,
    pub begun_by: String,
    pub reason: String,
    pub since: Timestamp,
    /// Who gave shares of the root that is left; only they may cancel. Empty: it is not held in shares.
    pub participants: Vec<String>,
}

/// Where a migration goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MigrationTarget {
    /// The next root in the server's configuration.
    Configured,
    /// A new root key in new shares.
    Shares { threshold: u8, shares: u8 },
}

/// What a process remembers of a migration between calls. A restart forgets it: what is stored decides.
#[derive(Default)]
pub(crate) struct MigrationMemory {
    /// Waits for a quorum of the shares of the root that is left.
    pub(crate) asked_for: Option<AskedFor>,
    /// Shares of the next root, for the proof.
    pub(crate) proof: Gathering,
    /// The next root, once it was proven from its shares.
    pub(crate) proven: Option<Arc<dyn RootOfTrust>>,
}

pub(crate) struct AskedFor {
    pub(crate) id: String,
    pub(crate) target: MigrationTarget,
    pub(crate) begun_by: String,
    pub(crate) reason: String,
    pub(crate) gathering: Gathering,
}

/// The stored half of a migration under way.
pub(crate) struct Next {
    pub(crate) record: RootRecord,
    pub(crate) state: MigrationState,
    wrapped: BTreeMap<String, Vec<u8>>,
}

impl Next {
    /// The migration that is under way, if one is.
    pub(crate) fn of(stored: &Stored) -> Result<Option<Self>, UnlockError> {
        let (Some(record), Some(state)) = (stored.next.get(RECORD), stored.next.get(STATE)) else {
            return Ok(None);
        };
        let state = serde_json::from_slice(state)
            .map_err(|error| UnlockError::Damaged(format!("setting `{STATE}`: {error}")))?;
        let wrapped = stored.next.iter().filter_map(|(name, value)| {
            let setting = name.strip_prefix(WRAPPED)?;
            Some((setting.to_owned(), value.clone()))
        });
        Ok(Some(Self {
            record: RootRecord::parse(record)?,
            state,
            wrapped: wrapped.collect(),
        }))
    }

    /// Opens the keys under the next root.
    pub(crate) async fn open(
        &self,
        stored: &Stored,
        root: Arc<dyn RootOfTrust>,
    ) -> Result<OpenKeys, UnlockError> {
        let mut under_next = stored.clone();
        for (hierarchy, of_hierarchy) in &mut under_next.hierarchies {
            let wrapped = of_hierarchy
                .versions
                .iter_mut()
                .filter(|(_, wrapped)| !wrapped.is_empty());
            for (version, wrapped) in wrapped {
                let setting = version_setting(*hierarchy, *version);
                let next = self.wrapped.get(&setting);
                let missing = || UnlockError::Damaged(format!("`{setting}` is not wrapped by the next root"));
                *wrapped = next.ok_or_else(missing)?.clone();
            }
        }
        let mut keys = under_next.open(root).await?;
        keys.stored = stored.clone();
        keys.under_next = true;
        Ok(keys)
    }

    /// The change that makes the next root the one.
    pub(crate) fn finalised(&self, stored: &Stored) -> Change {
        let put = |key: &str, value: Vec<u8>| Write::PutSetting {
            key: key.to_owned(),
            value,
        };
        let mut change = cleared(stored).write(put(ROOT_KEY_RECORD, self.record.to_bytes()));
        for (setting, wrapped) in &self.wrapped {
            change = change.write(put(setting, wrapped.clone()));
        }
        change
    }

    /// The change that notes the proof.
    pub(crate) fn verified(&self, stored: &Stored) -> Change {
        let state = MigrationState {
            step: MigrationStep::Verified,
            ..self.state.clone()
        };
        Change::new().write(stored.guard()).write(state_write(&state))
    }
}

/// The change that forgets a migration.
pub(crate) fn cleared(stored: &Stored) -> Change {
    let names = stored.next.keys().cloned();
    names.fold(Change::new().write(stored.guard()), |change, key| {
        change.write(Write::PutSetting {
            key,
            value: Vec::new(),
        })
    })
}

fn state_write(state: &MigrationState) -> Write {
    Write::PutSetting {
        key: STATE.to_owned(),
        // Plain strings and numbers: writing them as JSON cannot fail.
        value: serde_json::to_vec(state).unwrap_or_default(),
    }
}

impl Sealer {
    /// Step 1: every wrapping key under the next root too.
    pub(crate) async fn prepare(
        &self,
        stored: &Stored,
        next: &RootWithRecord,
        state: &MigrationState,
    ) -> Result<Change, UnlockError> {
        self.require_current_root(stored)?;
        let current = self.root()?;
        let (root, record) = next;
        let mut change = Change::new()
            .write(stored.guard())
            .write(Write::PutSetting {
                key: RECORD.to_owned(),
                value: record.to_bytes(),
            })
            .write(state_write(state));
        for (key_id, version, setting, wrapped) in each_version(stored)? {
            let place = WrapPlace {
                key_id: &key_id,
                version,
            };
            let material = current.unwrap(place, &wrapped).await?;
            change = change.write(Write::PutSetting {
                key: format!("{WRAPPED}{setting}"),
                value: root.wrap(place, &material).await?,
            });
        }
        Ok(change)
    }

    /// Step 2: whether the next root, opened afresh, gives back what the current one does.
    pub(crate) async fn prove(
        &self,
        stored: &Stored,
        next: &Next,
        root: &dyn RootOfTrust,
    ) -> Result<(), UnlockError> {
        self.require_current_root(stored)?;
        let current = self.root()?;
        // Then what is open came from what the next root wrapped, and the last root may be lost already.
        let is_open_under_next = self.with_keys(|keys| Ok::<_, SealError>(keys.under_next))?;
        for (key_id, version, setting, wrapped) in each_version(stored)? {
            let place = WrapPlace {
                key_id: &key_id,
                version,
            };
            let missing = || UnlockError::Damaged(format!("`{setting}` is not wrapped by the next root"));
            let by_next = root
                .unwrap(place, next.wrapped.get(&setting).ok_or_else(missing)?)
                .await?;
            if !is_open_under_next && !by_next.ct_eq(&current.unwrap(place, &wrapped).await?) {
                let detail = format!("the next root gives another key for `{setting}`");
                return Err(UnlockError::Damaged(detail));
            }
        }
        Ok(())
    }
}

type Version = (keyring::KeyId, KeyVersion, String, Vec<u8>);

/// Every version that is not destroyed: key, version, setting, wrapped bytes.
fn each_version(stored: &Stored) -> Result<Vec<Version>, UnlockError> {
    let mut versions = Vec::new();
    for (hierarchy, of_hierarchy) in &stored.hierarchies {
        let key_id = hierarchy.key_id()?;
        for (number, wrapped) in of_hierarchy
            .versions
            .iter()
            .filter(|(_, wrapped)| !wrapped.is_empty())
        {
            if let Some(version) = KeyVersion::new(*number) {
                let setting = version_setting(*hierarchy, *number);
                versions.push((key_id.clone(), version, setting, wrapped.clone()));
            }
        }
    }
    Ok(versions)
}

/// Commits a step. Another process, or another person, may have been faster.
pub(crate) async fn commit_step(store: &dyn Store, change: Change, draft: AuditDraft) -> Result<(), Refusal> {
    match store.commit(change.audit(draft)).await {
        Err(CommitError::Stale { .. }) => Err(Refusal::conflict(
            "root_migration",
            "the keys were changed by someone else at the same moment; look at the status and try again",
        )),
        other => Ok(other?),
    }
}
