//! Rotating the wrapping key: a new version, every sealed value rewrapped to it, the old version destroyed.
//!
//! Each step is durable before the next begins and finds its own work done when it is repeated, so the process may
//! die between any two of them:
//! 1. the new version is stored, wrapped by the root key; every replica can open with it;
//! 2. it becomes active: new values are sealed under it, older versions only open;
//! 3. each sealed value is rewrapped and replaced by compare-and-swap; [`Services::tend_wrapping_keys`] goes on with
//!    this at the next start;
//! 4. a version that no value names any more is destroyed, once nobody can still be about to store a value under it.

use std::collections::BTreeSet;
use std::time::Duration;

use keyring::{KeyMaterial, KeyVersion, inspect};

use crate::access::{Actor, Role};
use crate::audit::AuditDraft;
use crate::change::{Change, CommitError, Write};
use crate::clock::Timestamp;
use crate::ports::Store;
use crate::rule::Refusal;
use crate::seal::sealer::Sealer;
use crate::seal::unlock::UnlockError;
use crate::seal::wrapping_key::{
    ACTIVATED_PREFIX, ACTIVE, ActiveVersion, key_id, stored_active, stored_versions, version_setting,
};
use crate::services::Services;

/// A version stays for so long after its successor became active: a process that sealed under it just before must
/// have stored its value by then, every replica has read the new version, and the replies kept for idempotent requests
/// (sealed, but rewrapped by nobody, since they live for 24 hours) are gone.
pub const DESTROY_AFTER: Duration = Duration::from_secs(25 * 3_600);

/// Passes over the store before a rewrap leaves the rest to the next turn: each pass finds only what changed
/// under the one before.
const PASSES: usize = 5;

/// What one turn of rewrapping did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RewrapProgress {
    /// Values moved to the active version.
    pub rewrapped: u64,
    /// Values that do not open under any version that is known here. They are left as they are.
    pub unreadable: u64,
    /// Versions destroyed.
    pub destroyed: u64,
}

/// The wrapping key, for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WrappingKeyStatus {
    pub active: ActiveVersion,
    pub sealed_values: u64,
    /// Values still wrapped by an older version.
    pub to_rewrap: u64,
}

impl Services {
    /// Makes a new version of the wrapping key and rewraps everything to it. When it is cut short, the rest happens
    /// at the next start or turn.
    ///
    /// # Errors
    /// Not an administrator, no reason, store away.
    pub async fn rotate_wrapping_key(
        &self,
        actor: &Actor,
        reason: &str,
    ) -> Result<WrappingKeyStatus, Refusal> {
        actor.require(Role::Administrator)?;
        if reason.trim().is_empty() {
            return Err(Refusal::rule("/reason", "say why, for the audit"));
        }
        self.sealer
            .activate_next_version(self.store.as_ref(), self.clock.now(), actor, reason)
            .await?;
        self.tend_wrapping_keys().await?;
        self.wrapping_key_status(actor).await
    }

    /// Reads the wrapping keys again, goes on rewrapping and destroys what nobody needs. For start-up and then every
    /// minute or so; does nothing when nothing is left to do.
    ///
    /// # Errors
    /// Store away.
    pub async fn tend_wrapping_keys(&self) -> Result<RewrapProgress, Refusal> {
        let store = self.store.as_ref();
        self.sealer.refresh(store).await?;
        let mut progress = self.sealer.rewrap_all(store).await?;
        progress.destroyed = self.sealer.destroy_unreferenced(store, self.clock.now()).await?;
        Ok(progress)
    }

    /// Which version seals and how many values are still to be rewrapped.
    ///
    /// # Errors
    /// Not a viewer, store away.
    pub async fn wrapping_key_status(&self, actor: &Actor) -> Result<WrappingKeyStatus, Refusal> {
        actor.require(Role::Viewer)?;
        let active = self.sealer.active();
        let sealed = self.store.all_sealed().await?;
        let is_older =
            |bytes: &[u8]| inspect(bytes).is_ok_and(|header| header.version.number() < active.version);
        let to_rewrap = sealed.iter().filter(|(.., bytes)| is_older(bytes)).count();
        Ok(WrappingKeyStatus {
            active,
            sealed_values: sealed.len() as u64,
            to_rewrap: to_rewrap as u64,
        })
    }
}

impl Sealer {
    /// Steps 1 and 2. A version that an interrupted rotation left behind is used.
    pub(crate) async fn activate_next_version(
        &self,
        store: &dyn Store,
        now: Timestamp,
        actor: &Actor,
        reason: &str,
    ) -> Result<(), UnlockError> {
        self.refresh(store).await?;
        let version = KeyVersion::new(self.active().version).and_then(KeyVersion::next);
        let version =
            version.ok_or_else(|| UnlockError::Damaged("there is no version after this one".to_owned()))?;
        let object = format!("wrapping_key/{version}");
        if !stored_versions(store)
            .await?
            .iter()
            .any(|(stored, _)| *stored == version)
        {
            let material = KeyMaterial::generate(self.randomness.as_ref());
            let wrapped = self
                .root_key
                .seal_wrapping_key(self.randomness.as_ref(), &key_id()?, version, &material)
                .map_err(|_| UnlockError::Wrap)?;
            let change = Change::new()
                .write(Write::InsertSetting {
                    key: version_setting(version.number()),
                    value: wrapped,
                })
                .audit(AuditDraft::new(
                    actor,
                    now,
                    "wrapping_key.create",
                    object.clone(),
                    reason,
                ));
            done_or_done_by_another(store.commit(change).await)?;
        }
        // Opened before it is activated: a wrapped key that does not open must not become the one that seals.
        self.refresh(store).await?;
        let active = ActiveVersion {
            version: version.number(),
            since: now,
        };
        let marker = format!("{ACTIVATED_PREFIX}{:010}", version.number());
        let change = Change::new()
            .write(Write::InsertSetting {
                key: marker,
                value: now.as_micros().to_string().into_bytes(),
            })
            .write(Write::PutSetting {
                key: ACTIVE.to_owned(),
                value: active.to_bytes(),
            })
            .audit(AuditDraft::new(
                actor,
                now,
                "wrapping_key.activate",
                object,
                reason,
            ));
        done_or_done_by_another(store.commit(change).await)?;
        self.refresh(store).await
    }

    /// Step 3.
    pub(crate) async fn rewrap_all(&self, store: &dyn Store) -> Result<RewrapProgress, UnlockError> {
        let mut progress = RewrapProgress::default();
        for _ in 0..PASSES {
            let mut moved = 0;
            progress.unreadable = 0;
            for (table, row, field, before) in store.all_sealed().await? {
                if inspect(&before).is_ok_and(|header| header.version.number() == self.active().version) {
                    continue;
                }
                // The guard must not be held over the store's answer.
                let rewrapped = self.read().keyring.rewrap(self.randomness.as_ref(), &before);
                let Ok(after) = rewrapped else {
                    progress.unreadable += 1;
                    continue;
                };
                // False: somebody replaced or shredded it meanwhile; the next pass looks again.
                if store
                    .replace_sealed(&table, &row, &field, &before, after.as_bytes())
                    .await?
                {
                    progress.rewrapped += 1;
                }
                moved += 1;
            }
            if moved == 0 {
                break;
            }
        }
        Ok(progress)
    }

    /// Step 4.
    pub(crate) async fn destroy_unreferenced(
        &self,
        store: &dyn Store,
        now: Timestamp,
    ) -> Result<u64, UnlockError> {
        let Some(active) = stored_active(store).await? else {
            return Ok(0);
        };
        let older: Vec<KeyVersion> = stored_versions(store)
            .await?
            .into_iter()
            .filter(|(version, wrapped)| version.number() < active.version && !wrapped.is_empty())
            .map(|(version, _)| version)
            .collect();
        if older.is_empty() || now.since(active.since) < DESTROY_AFTER {
            return Ok(0);
        }
        let mut referenced = BTreeSet::new();
        for (table, row, field, sealed) in store.all_sealed().await? {
            match inspect(&sealed) {
                Ok(header) => referenced.insert(header.version),
                // What cannot be read may name any version: destroy none.
                Err(error) => {
                    return Err(UnlockError::Damaged(format!(
                        "the sealed value {table}/{row}/{field}: {error}"
                    )));
                }
            };
        }
        let mut destroyed = 0;
        for version in older.into_iter().filter(|version| !referenced.contains(version)) {
            let object = format!("wrapping_key/{version}");
            let detail = format!("no sealed value names version {version} any more");
            let actor = Actor::system("rewrap");
            let change = Change::new()
                .write(Write::PutSetting {
                    key: version_setting(version.number()),
                    value: Vec::new(),
                })
                .audit(AuditDraft::new(
                    &actor,
                    now,
                    "wrapping_key.destroy",
                    object,
                    detail,
                ));
            store.commit(change).await?;
            destroyed += 1;
        }
        if destroyed > 0 {
            self.refresh(store).await?;
        }
        Ok(destroyed)
    }
}

/// A setting that is already there was put by an interrupted turn or by another replica: success.
fn done_or_done_by_another(result: Result<(), CommitError>) -> Result<(), UnlockError> {
    match result {
        Ok(()) | Err(CommitError::Taken { .. } | CommitError::Stale { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
