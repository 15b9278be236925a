//! Opening: the root opens the wrapping keys, or makes them on the very first start.

use std::sync::Arc;

use keyring::{DamagedRecord, KeyMaterial, KeyVersion, Randomness, RootKey, SecretText, WrongRootKey};

use crate::access::Actor;
use crate::audit::AuditDraft;
use crate::change::{Change, CommitError, Write};
use crate::clock::{Clock, Timestamp};
use crate::ports::{RootError, RootOfTrust, Store, StoreError, WrapPlace};
use crate::seal::hierarchy::Hierarchy;
use crate::seal::local::HeldRoots;
use crate::seal::migration::Next;
use crate::seal::record::RootRecord;
use crate::seal::sealer::{OpenKeys, SealError, SealedBecause, Sealer};
use crate::seal::wrapping_key::{ActiveVersion, ROOT_KEY_RECORD, Stored, active_setting, version_setting};

/// What the operator gave. Reading files and variables is the server's business.
#[derive(Debug)]
pub enum RootKeySource {
    /// The content of a root key file.
    Key(RootKey),
    /// A passphrase; its salt and cost are stored.
    Passphrase(SecretText),
}

/// Why nothing can be opened. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum UnlockError {
    /// Another root key than the one that sealed what is here.
    #[error(transparent)]
    WrongRootKey(WrongRootKey),
    /// The root of trust is away, another one, held by people, or refuses.
    #[error(transparent)]
    Root(RootError),
    /// Nothing is open now.
    #[error(transparent)]
    Sealed(#[from] SealError),
    /// New versions wait for its end, lest the other root lacks them.
    #[error("a migration of the root key is under way; finalise or cancel it first (`rota root status`)")]
    MigrationUnderWay,
    /// There are sealed values, but not what tells the root key.
    #[error(
        "this database holds sealed values, but not the record of their root key: settings were lost; \
         restore a backup that has both. Nothing was created"
    )]
    RecordMissing,
    /// The record of the root key does not read.
    #[error(transparent)]
    DamagedRecord(#[from] DamagedRecord),
    /// The stored wrapping keys do not fit together.
    #[error("the stored wrapping keys are damaged: {0}; restore a backup")]
    Damaged(String),
    /// The store is away.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The store did not take the new keys.
    #[error(transparent)]
    Commit(#[from] CommitError),
}

impl From<RootError> for UnlockError {
    fn from(error: RootError) -> Self {
        match error {
            RootError::WrongKey(wrong) => Self::WrongRootKey(wrong),
            other => Self::Root(other),
        }
    }
}

impl From<UnlockError> for crate::rule::Refusal {
    fn from(error: UnlockError) -> Self {
        match error {
            UnlockError::Store(error) => error.into(),
            UnlockError::Commit(error) => error.into(),
            UnlockError::Sealed(error) => error.into(),
            UnlockError::MigrationUnderWay => Self::conflict("root_migration", error.to_string()),
            UnlockError::Root(error @ (RootError::NeedsShares { .. } | RootError::NeedsPassphrase)) => {
                Self::Sealed(error.to_string())
            }
            other => Self::Unavailable(format!("the wrapping keys are not at hand: {other}")),
        }
    }
}

impl UnlockError {
    /// Waiting, or people, may help: a server starts sealed with this. Anything else must be mended first.
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::Root(error) if error.may_pass())
    }
}

impl Sealer {
    /// Whether this store already holds something sealed, so that its root key must exist. While it says no, the
    /// server may make a new root key file; once it says yes, a missing file is a refusal.
    ///
    /// # Errors
    /// When the store is away.
    pub async fn needs_existing_root_key(store: &dyn Store) -> Result<bool, StoreError> {
        let is_recorded = store.setting(ROOT_KEY_RECORD).await?.is_some();
        Ok(is_recorded || !store.all_sealed().await?.is_empty())
    }

    /// A sealer with its keys open under a root that is held in memory; on the very first start it makes them. A wrong
    /// root key writes nothing.
    ///
    /// # Errors
    /// [`UnlockError`].
    pub async fn unlock(
        store: &dyn Store,
        source: RootKeySource,
        clock: &dyn Clock,
        randomness: Arc<dyn Randomness>,
    ) -> Result<Self, UnlockError> {
        let roots = HeldRoots {
            source,
            randomness: Arc::clone(&randomness),
        };
        let sealer = Self::new(Arc::new(roots), randomness);
        sealer.open(store, clock).await?;
        Ok(sealer)
    }

    /// Opens the wrapping keys by the configured roots; on the very first start makes them. Of two processes that start
    /// at once, one makes them and the other opens those. While a migration between two roots is under way, either of
    /// them does.
    ///
    /// # Errors
    /// [`UnlockError`]; it stays sealed then, and says why.
    pub async fn open(&self, store: &dyn Store, clock: &dyn Clock) -> Result<(), UnlockError> {
        let generation = self.generation();
        let opened = self.open_by_roots(store, clock).await;
        self.settle(opened, generation)
    }

    /// Opens the wrapping keys by a root that people gave.
    pub(crate) async fn open_by(
        &self,
        store: &dyn Store,
        root: Arc<dyn RootOfTrust>,
    ) -> Result<(), UnlockError> {
        let generation = self.generation();
        let stored = Stored::read(store).await?;
        let opened = match stored.open(Arc::clone(&root)).await {
            // It may be the one that a migration goes to.
            Err(error) => match Next::of(&stored)? {
                Some(next) => next.open(&stored, root).await,
                None => Err(error),
            },
            opened => opened,
        };
        self.settle(opened, generation)
    }

    fn settle(&self, opened: Result<OpenKeys, UnlockError>, generation: u64) -> Result<(), UnlockError> {
        match opened {
            Ok(keys) => {
                // Somebody sealed it meanwhile: that counts, and the keys are wiped here.
                let _installed = self.install(keys, generation);
                Ok(())
            }
            Err(UnlockError::Root(error)) => {
                if self.sealed_because().is_some() && error.may_pass() {
                    self.close(SealedBecause::Root(error.clone()));
                }
                Err(UnlockError::Root(error))
            }
            Err(error) => Err(error),
        }
    }

    async fn open_by_roots(&self, store: &dyn Store, clock: &dyn Clock) -> Result<OpenKeys, UnlockError> {
        // Sealed values first: what is sealed after this look was sealed under a record that the next look finds.
        let holds_sealed = !store.all_sealed().await?.is_empty();
        let mut stored = Stored::read(store).await?;
        if stored.record.is_none() {
            if holds_sealed {
                return Err(UnlockError::RecordMissing);
            }
            let (root, record) = self.roots.first().await?;
            let mut change = Change::new().write(insert(ROOT_KEY_RECORD.to_owned(), record.to_bytes()));
            for hierarchy in Hierarchy::ALL {
                change = self
                    .first_version(change, hierarchy, root.as_ref(), clock.now())
                    .await?;
            }
            commit_or_done_by_another(store, change.write(stored.guard())).await?;
            stored = Stored::read(store).await?;
        }
        let keys = self.open_stored(&stored).await?;
        let missing: Vec<Hierarchy> = Hierarchy::ALL
            .into_iter()
            .filter(|hierarchy| !keys.rings.contains_key(hierarchy))
            .collect();
        if missing.is_empty() || !stored.next.is_empty() {
            return Ok(keys);
        }
        // A database from before there were classes.
        let mut change = Change::new().write(stored.guard());
        for hierarchy in missing {
            change = self
                .first_version(change, hierarchy, keys.root.as_ref(), clock.now())
                .await?;
        }
        commit_or_done_by_another(store, change).await?;
        let root = Arc::clone(&keys.root);
        Stored::read(store).await?.open(root).await
    }

    /// By the root that the record names, or else by the one that a migration goes to.
    pub(crate) async fn open_stored(&self, stored: &Stored) -> Result<OpenKeys, UnlockError> {
        let record = stored.record.as_ref().ok_or(UnlockError::RecordMissing)?;
        let refused = match self.roots.open(&RootRecord::parse(record)?).await {
            Ok(root) => return stored.open(root).await,
            Err(error) => error,
        };
        if let Some(next) = Next::of(stored)?
            && let Ok(root) = self.roots.open(&next.record).await
        {
            return next.open(stored, root).await;
        }
        Err(refused.into())
    }

    /// Reads the wrapping keys from the store again: another replica may have made a new version. Asks the root only
    /// when something changed.
    ///
    /// # Errors
    /// When the store or the root is away, or a stored wrapping key does not open; the keys in memory stay as they were.
    pub async fn refresh(&self, store: &dyn Store) -> Result<(), UnlockError> {
        let generation = self.generation();
        let (root, known) =
            self.with_keys(|keys| Ok::<_, SealError>((Arc::clone(&keys.root), keys.stored.clone())))?;
        let stored = Stored::read(store).await?;
        if stored == known {
            return Ok(());
        }
        let keys = match stored.open(Arc::clone(&root)).await {
            Ok(keys) => keys,
            Err(error) => match self.follow(&stored, root).await {
                Some(keys) => keys,
                // The same keys, wrapped by a root that only people can open: what is in memory goes on serving.
                None if stored.record != known.record && stored.has_versions_of(&known) => return Ok(()),
                None => return Err(error),
            },
        };
        self.install(keys, generation);
        Ok(())
    }

    /// The keys after a migration began or ended elsewhere.
    async fn follow(&self, stored: &Stored, root: Arc<dyn RootOfTrust>) -> Option<OpenKeys> {
        if let Ok(Some(next)) = Next::of(stored)
            && let Ok(keys) = next.open(stored, root).await
        {
            return Some(keys);
        }
        self.open_stored(stored).await.ok()
    }

    /// With version 1 of a hierarchy, and that it is active.
    async fn first_version(
        &self,
        change: Change,
        hierarchy: Hierarchy,
        root: &dyn RootOfTrust,
        now: Timestamp,
    ) -> Result<Change, UnlockError> {
        let material = KeyMaterial::generate(self.randomness.as_ref());
        let (key_id, version) = (hierarchy.key_id()?, KeyVersion::FIRST);
        let place = WrapPlace {
            key_id: &key_id,
            version,
        };
        let wrapped = root.wrap(place, &material).await?;
        let active = ActiveVersion {
            version: version.number(),
            since: now,
        };
        let detail = format!("made version 1 of the wrapping key {key_id}, on the first start");
        let actor = Actor::system("start");
        let object = format!("wrapping_key/{}/1", hierarchy.label());
        Ok(change
            .write(insert(version_setting(hierarchy, version.number()), wrapped))
            .write(insert(active_setting(hierarchy), active.to_bytes()))
            .audit(AuditDraft::new(
                &actor,
                now,
                "wrapping_key.create",
                object,
                detail,
            )))
    }
}

fn insert(key: String, value: Vec<u8>) -> Write {
    Write::InsertSetting { key, value }
}

/// Another process may have been faster, or the answer was lost: what is stored decides.
async fn commit_or_done_by_another(store: &dyn Store, change: Change) -> Result<(), UnlockError> {
    match store.commit(change).await {
        Ok(())
        | Err(
            CommitError::Taken { .. }
            | CommitError::Stale { .. }
            | CommitError::Unavailable {
                outcome_unknown: true,
                ..
            },
        ) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
