//! Start-up: the root key opens the wrapping keys, or makes them on the very first start.

use std::sync::Arc;

use keyring::{
    DamagedRecord, KeyMaterial, KeyVersion, OpenWrappingKeyError, PassphraseCost, PassphraseError,
    PassphraseSalt, Randomness, RootKey, RootKeyOrigin, RootKeyRecord, SecretText, WrongRootKey,
};

use crate::access::Actor;
use crate::audit::AuditDraft;
use crate::change::{Change, CommitError, Write};
use crate::clock::{Clock, Timestamp};
use crate::ports::{Store, StoreError};
use crate::seal::sealer::Sealer;
use crate::seal::wrapping_key::{self, ACTIVE, ActiveVersion, ROOT_KEY_RECORD, version_setting};

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
    WrongRootKey(#[from] WrongRootKey),
    /// A key file was given where a passphrase was used, or the other way round.
    #[error(
        "this database was sealed under a root key from {stored}, but {given} was given; start with {stored}"
    )]
    OtherOrigin {
        /// What it was sealed under.
        stored: &'static str,
        /// What was given.
        given: &'static str,
    },
    /// There are sealed values, but not what tells the root key.
    #[error(
        "this database holds sealed values, but not the record of their root key: settings were lost; \
         restore a backup that has both. Nothing was created"
    )]
    RecordMissing,
    /// The record of the root key does not read.
    #[error(transparent)]
    DamagedRecord(#[from] DamagedRecord),
    /// A stored wrapping key does not open under the right root key.
    #[error(transparent)]
    WrappingKey(#[from] OpenWrappingKeyError),
    /// The stored wrapping keys do not fit together.
    #[error("the stored wrapping keys are damaged: {0}; restore a backup")]
    Damaged(String),
    /// The passphrase does not make a key.
    #[error(transparent)]
    Passphrase(#[from] PassphraseError),
    /// A new wrapping key could not be wrapped.
    #[error("a new wrapping key could not be wrapped by the root key")]
    Wrap,
    /// The store is away.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The store did not take the new keys.
    #[error(transparent)]
    Commit(#[from] CommitError),
}

impl From<UnlockError> for crate::rule::Refusal {
    fn from(error: UnlockError) -> Self {
        match error {
            UnlockError::Store(error) => error.into(),
            UnlockError::Commit(error) => error.into(),
            other => Self::Unavailable(format!("the wrapping keys are not at hand: {other}")),
        }
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

    /// Opens the wrapping keys; on the very first start makes them. Of two processes that start at once, one makes
    /// them and the other opens those. A wrong root key writes nothing.
    ///
    /// # Errors
    /// [`UnlockError`].
    pub async fn unlock(
        store: &dyn Store,
        source: RootKeySource,
        clock: &dyn Clock,
        randomness: Arc<dyn Randomness>,
    ) -> Result<Self, UnlockError> {
        // Sealed values first: what is sealed after this look was sealed under a record that the next look finds.
        let holds_sealed = !store.all_sealed().await?.is_empty();
        if store.setting(ROOT_KEY_RECORD).await?.is_none() {
            if holds_sealed {
                return Err(UnlockError::RecordMissing);
            }
            match store
                .commit(first_keys(&source, clock.now(), randomness.as_ref())?)
                .await
            {
                // Another process may have been faster, or the answer was lost: what is stored decides.
                Ok(())
                | Err(
                    CommitError::Taken { .. }
                    | CommitError::Stale { .. }
                    | CommitError::Unavailable {
                        outcome_unknown: true,
                        ..
                    },
                ) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let record = stored_record(store).await?;
        let root_key = match (source, record.origin()) {
            (RootKeySource::Key(root_key), RootKeyOrigin::Given) => root_key,
            (RootKeySource::Passphrase(passphrase), RootKeyOrigin::Passphrase { salt, cost }) => {
                RootKey::from_passphrase(&passphrase, &salt, cost)?
            }
            (RootKeySource::Passphrase(_), RootKeyOrigin::Given) => {
                return Err(UnlockError::OtherOrigin {
                    stored: KEY_FILE,
                    given: PASSPHRASE,
                });
            }
            (RootKeySource::Key(_), RootKeyOrigin::Passphrase { .. }) => {
                return Err(UnlockError::OtherOrigin {
                    stored: PASSPHRASE,
                    given: KEY_FILE,
                });
            }
        };
        record.check(&root_key)?;
        let keys = wrapping_key::open_all(store, &root_key).await?;
        Ok(Self::new(Arc::new(root_key), record.origin(), randomness, keys))
    }
}

pub(crate) async fn stored_record(store: &dyn Store) -> Result<RootKeyRecord, UnlockError> {
    let bytes = store
        .setting(ROOT_KEY_RECORD)
        .await?
        .ok_or(UnlockError::RecordMissing)?;
    Ok(RootKeyRecord::parse(&bytes)?)
}

const KEY_FILE: &str = "a key file";
const PASSPHRASE: &str = "a passphrase";

/// The record of the root key, version 1 of the wrapping key, and that it is active: all or nothing.
fn first_keys(
    source: &RootKeySource,
    now: Timestamp,
    randomness: &dyn Randomness,
) -> Result<Change, UnlockError> {
    match source {
        RootKeySource::Key(root_key) => first_keys_under(root_key, RootKeyOrigin::Given, now, randomness),
        RootKeySource::Passphrase(passphrase) => {
            let (salt, cost) = (PassphraseSalt::generate(randomness), PassphraseCost::RECOMMENDED);
            let root_key = RootKey::from_passphrase(passphrase, &salt, cost)?;
            first_keys_under(
                &root_key,
                RootKeyOrigin::Passphrase { salt, cost },
                now,
                randomness,
            )
        }
    }
}

fn first_keys_under(
    root_key: &RootKey,
    origin: RootKeyOrigin,
    now: Timestamp,
    randomness: &dyn Randomness,
) -> Result<Change, UnlockError> {
    let record = RootKeyRecord::new(root_key, origin);
    let (version, material) = (KeyVersion::FIRST, KeyMaterial::generate(randomness));
    let wrapped = root_key
        .seal_wrapping_key(randomness, &wrapping_key::key_id()?, version, &material)
        .map_err(|_| UnlockError::Wrap)?;
    let active = ActiveVersion {
        version: version.number(),
        since: now,
    };
    let detail = "made version 1 of the wrapping key, on the first start";
    let insert = |key: &str, value| Write::InsertSetting {
        key: key.to_owned(),
        value,
    };
    Ok(Change::new()
        .write(insert(ROOT_KEY_RECORD, record.to_bytes()))
        .write(insert(&version_setting(version.number()), wrapped))
        .write(insert(ACTIVE, active.to_bytes()))
        .audit(AuditDraft::new(
            &Actor::system("start"),
            now,
            "wrapping_key.create",
            "wrapping_key/1",
            detail,
        )))
}
