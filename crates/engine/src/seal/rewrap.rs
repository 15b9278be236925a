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
use crate::ports::{Store, WrapPlace};
use crate::rule::Refusal;
use crate::seal::hierarchy::Hierarchy;
use crate::seal::sealer::{SealError, Sealer};
use crate::seal::unlock::UnlockError;
use crate::seal::wrapping_key::{ActiveVersion, Stored, activated_setting, active_setting, version_setting};
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

/// The wrapping key of one hierarchy, for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WrappingKeyStatus {
    pub hierarchy: Hierarchy,
    pub active: ActiveVersion,
    pub sealed_values: u64,
    /// Values still wrapped by an older version.
    pub to_rewrap: u64,
}

impl Services {
    /// Makes a new version of one wrapping key and rewraps everything of its hierarchy to it. When it is cut short, the
    /// rest happens at the next start or turn.
    ///
    /// # Errors
    /// Not an administrator, no reason, a migration of the root under way, sealed, store away.
    pub async fn rotate_wrapping_key(
        &self,
        actor: &Actor,
        hierarchy: Hierarchy,
        reason: &str,
    ) -> Result<WrappingKeyStatus, Refusal> {
        actor.require(Role::Administrator)?;
        if reason.trim().is_empty() {
            return Err(Refusal::rule("/reason", "say why, for the audit"));
        }
        let (store, now) = (self.store.as_ref(), self.clock.now());
        self.sealer
            .activate_next_version(store, hierarchy, now, actor, reason)
            .await?;
        self.tend_wrapping_keys().await?;
        let status = self.wrapping_key_status(actor).await?;
        let of_this = status.into_iter().find(|status| status.hierarchy == hierarchy);
        of_this.ok_or_else(|| Refusal::not_found("wrapping key", hierarchy.label()))
    }

    /// Reads the wrapping keys again, rotates those that are too old, goes on rewrapping and destroys what nobody needs.
    /// For start-up and then every minute or so; does nothing when nothing is left to do, or while sealed.
    ///
    /// # Errors
    /// Store or root away.
    pub async fn tend_wrapping_keys(&self) -> Result<RewrapProgress, Refusal> {
        if self.sealer.sealed_because().is_some() {
            return Ok(RewrapProgress::default());
        }
        let (store, now) = (self.store.as_ref(), self.clock.now());
        self.sealer.refresh(store).await?;
        self.sealer.rotate_aged(store, now).await?;
        let mut progress = self.sealer.rewrap_all(store).await?;
        progress.destroyed = self.sealer.destroy_unreferenced(store, now).await?;
        Ok(progress)
    }

    /// Which versions seal and how many values are still to be rewrapped, by hierarchy. Needs no key.
    ///
    /// # Errors
    /// Not a viewer, store away.
    pub async fn wrapping_key_status(&self, actor: &Actor) -> Result<Vec<WrappingKeyStatus>, Refusal> {
        actor.require(Role::Viewer)?;
        let stored = Stored::read(self.store.as_ref()).await?;
        let active: Vec<(Hierarchy, ActiveVersion)> = stored
            .hierarchies
            .iter()
            .filter_map(|(hierarchy, of_hierarchy)| Some((*hierarchy, of_hierarchy.active?)))
            .collect();
        let headers: Vec<_> = self
            .store
            .all_sealed()
            .await?
            .iter()
            .filter_map(|(.., bytes)| inspect(bytes).ok())
            .collect();
        active
            .into_iter()
            .map(|(hierarchy, active)| {
                let key_id = hierarchy.key_id()?;
                let own = || headers.iter().filter(|header| header.key_id == key_id);
                let is_older = |version: KeyVersion| version.number() < active.version;
                Ok(WrappingKeyStatus {
                    hierarchy,
                    active,
                    sealed_values: own().count() as u64,
                    to_rewrap: own().filter(|header| is_older(header.version)).count() as u64,
                })
            })
            .collect()
    }
}

impl Sealer {
    /// Hierarchies whose version is older than it may be.
    async fn rotate_aged(&self, store: &dyn Store, now: Timestamp) -> Result<(), UnlockError> {
        let aged: Vec<Hierarchy> = self.with_keys(|keys| {
            let is_aged = |(hierarchy, active): (&Hierarchy, ActiveVersion)| {
                (now.since(active.since) > hierarchy.greatest_age()).then_some(*hierarchy)
            };
            let active = keys
                .rings
                .iter()
                .map(|(hierarchy, ring)| (hierarchy, ring.active));
            // What waits for the end of a migration is rotated right after it.
            let waits = !keys.stored.next.is_empty();
            Ok::<_, SealError>(active.filter_map(is_aged).filter(|_| !waits).collect())
        })?;
        let actor = Actor::system("rewrap");
        for hierarchy in aged {
            let days = hierarchy.greatest_age().as_secs() / 86_400;
            let reason = format!("its version became older than {days} days");
            self.activate_next_version(store, hierarchy, now, &actor, &reason)
                .await?;
        }
        Ok(())
    }

    /// Steps 1 and 2. A version that an interrupted rotation left behind is used.
    pub(crate) async fn activate_next_version(
        &self,
        store: &dyn Store,
        hierarchy: Hierarchy,
        now: Timestamp,
        actor: &Actor,
        reason: &str,
    ) -> Result<(), UnlockError> {
        self.refresh(store).await?;
        let stored = Stored::read(store).await?;
        if !stored.next.is_empty() {
            return Err(UnlockError::MigrationUnderWay);
        }
        self.require_current_root(&stored)?;
        let of_hierarchy = stored.hierarchies.get(&hierarchy).cloned().unwrap_or_default();
        let version = of_hierarchy
            .active
            .and_then(|active| KeyVersion::new(active.version));
        let version = version
            .and_then(KeyVersion::next)
            .ok_or_else(|| UnlockError::Damaged("there is no version after this one".to_owned()))?;
        let object = format!("wrapping_key/{}/{version}", hierarchy.label());
        if !of_hierarchy.versions.contains_key(&version.number()) {
            let draft = AuditDraft::new(actor, now, "wrapping_key.create", object.clone(), reason);
            self.store_version(store, &stored, hierarchy, version, draft)
                .await?;
        }
        // Opened before it is activated: a wrapped key that does not open must not become the one that seals.
        self.refresh(store).await?;
        let active = ActiveVersion {
            version: version.number(),
            since: now,
        };
        let change = Change::new()
            .write(Write::InsertSetting {
                key: activated_setting(hierarchy, version.number()),
                value: now.as_micros().to_string().into_bytes(),
            })
            .write(Write::PutSetting {
                key: active_setting(hierarchy),
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

    /// Step 1. Refused when the root was migrated since `stored` was read: the version would open for nobody.
    async fn store_version(
        &self,
        store: &dyn Store,
        stored: &Stored,
        hierarchy: Hierarchy,
        version: KeyVersion,
        draft: AuditDraft,
    ) -> Result<(), UnlockError> {
        let material = KeyMaterial::generate(self.randomness.as_ref());
        let key_id = hierarchy.key_id()?;
        let place = WrapPlace {
            key_id: &key_id,
            version,
        };
        let key = version_setting(hierarchy, version.number());
        let value = self.root()?.wrap(place, &material).await?;
        let change = Change::new()
            .write(Write::InsertSetting {
                key: key.clone(),
                value,
            })
            .write(stored.guard())
            .audit(draft);
        done_or_done_by_another(store.commit(change).await)?;
        if store.setting(&key).await?.is_none() {
            let detail = "the keys were changed by someone else at the same moment; try again";
            return Err(crate::ports::StoreError::Unavailable(detail.to_owned()).into());
        }
        Ok(())
    }

    /// Step 3.
    pub(crate) async fn rewrap_all(&self, store: &dyn Store) -> Result<RewrapProgress, UnlockError> {
        let mut progress = RewrapProgress::default();
        for _ in 0..PASSES {
            let mut moved = 0;
            progress.unreadable = 0;
            for (table, row, field, before) in store.all_sealed().await? {
                let Some(rewrapped) = self.rewrapped(&before)? else {
                    continue;
                };
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

    /// The same value under the active version of its own hierarchy; None when that is how it stands.
    fn rewrapped(
        &self,
        before: &[u8],
    ) -> Result<Option<Result<keyring::Sealed, keyring::RewrapError>>, SealError> {
        // The guard is not held over the store's answer.
        self.with_keys(|keys| {
            let Ok(header) = inspect(before) else {
                let malformed = keys
                    .ring_of_store()
                    .keyring
                    .rewrap(self.randomness.as_ref(), before);
                return Ok(Some(malformed));
            };
            let ring = keys.ring_of(&header.key_id);
            let is_of_ring = *ring.keyring.key_id() == header.key_id;
            if is_of_ring && header.version.number() == ring.active.version {
                return Ok(None);
            }
            Ok(Some(ring.keyring.rewrap(self.randomness.as_ref(), before)))
        })
    }

    /// Step 4.
    pub(crate) async fn destroy_unreferenced(
        &self,
        store: &dyn Store,
        now: Timestamp,
    ) -> Result<u64, UnlockError> {
        let stored = Stored::read(store).await?;
        // A migration carries every version over; destroyed meanwhile, one of them would come back.
        if !stored.next.is_empty() {
            return Ok(0);
        }
        let mut older = Vec::new();
        for (hierarchy, of_hierarchy) in &stored.hierarchies {
            let Some(active) = of_hierarchy
                .active
                .filter(|active| now.since(active.since) >= DESTROY_AFTER)
            else {
                continue;
            };
            let versions = of_hierarchy
                .versions
                .iter()
                .filter(|(_, wrapped)| !wrapped.is_empty());
            let below = versions.filter(|(number, _)| **number < active.version);
            older.extend(below.map(|(number, _)| (*hierarchy, *number)));
        }
        if older.is_empty() {
            return Ok(0);
        }
        let mut referenced = BTreeSet::new();
        for (table, row, field, sealed) in store.all_sealed().await? {
            match inspect(&sealed) {
                Ok(header) => referenced.insert((header.key_id, header.version.number())),
                // What cannot be read may name any version: destroy none.
                Err(error) => {
                    return Err(UnlockError::Damaged(format!(
                        "the sealed value {table}/{row}/{field}: {error}"
                    )));
                }
            };
        }
        let mut change = Change::new().write(stored.guard());
        let mut destroyed = 0;
        for (hierarchy, version) in older {
            if referenced.contains(&(hierarchy.key_id()?, version)) {
                continue;
            }
            let object = format!("wrapping_key/{}/{version}", hierarchy.label());
            let detail = format!("no sealed value names version {version} any more");
            let actor = Actor::system("rewrap");
            change = change
                .write(Write::PutSetting {
                    key: version_setting(hierarchy, version),
                    value: Vec::new(),
                })
                .audit(AuditDraft::new(
                    &actor,
                    now,
                    "wrapping_key.destroy",
                    object,
                    detail,
                ));
            destroyed += 1;
        }
        if destroyed > 0 {
            match store.commit(change).await {
                // Somebody changed the keys at this moment; the next turn looks again.
                Err(CommitError::Stale { .. }) => return Ok(0),
                other => other?,
            }
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
