//! Roots whose key is in our own memory while it is open: a file, a passphrase, shares.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use keyring::{
    KeyMaterial, OpenWrappingKeyError, PassphraseCost, PassphraseSalt, Randomness, RootKey, RootKeyOrigin,
    RootKeyRecord, SecretBytes, SecretText,
};

use crate::ports::{RootError, RootOfTrust, RootWithRecord, Roots, WrapPlace};
use crate::seal::record::RootRecord;
use crate::seal::unlock::RootKeySource;

/// A root key in memory.
pub struct LocalRoot {
    root_key: RootKey,
    kind: &'static str,
    randomness: Arc<dyn Randomness>,
}

impl LocalRoot {
    /// A key that was given whole.
    #[expect(clippy::new_ret_no_self, reason = "nobody wants it but as a root of trust")]
    pub fn new(
        root_key: RootKey,
        kind: &'static str,
        randomness: Arc<dyn Randomness>,
    ) -> Arc<dyn RootOfTrust> {
        Arc::new(Self {
            root_key,
            kind,
            randomness,
        })
    }

    /// A key that was given whole, once it is known to be the one of this record.
    ///
    /// # Errors
    /// It is another key, or another kind of root sealed what is here.
    pub fn of_record(
        record: &RootRecord,
        root_key: RootKey,
        kind: &'static str,
        randomness: Arc<dyn Randomness>,
    ) -> Result<Arc<dyn RootOfTrust>, RootError> {
        match record {
            RootRecord::Key(stored) if stored.origin() == RootKeyOrigin::Given => {
                stored.check(&root_key)?;
                Ok(Self::new(root_key, kind, randomness))
            }
            other => Err(other_root(other, "a key file")),
        }
    }

    /// The key of a passphrase. Takes a noticeable time.
    ///
    /// # Errors
    /// It is another passphrase, or another kind of root sealed what is here.
    pub fn of_passphrase(
        record: &RootRecord,
        passphrase: &SecretText,
        randomness: Arc<dyn Randomness>,
    ) -> Result<Arc<dyn RootOfTrust>, RootError> {
        if let RootRecord::Key(stored) = record
            && let RootKeyOrigin::Passphrase { salt, cost } = stored.origin()
        {
            let root_key = RootKey::from_passphrase(passphrase, &salt, cost)
                .map_err(|error| RootError::Refused(error.to_string()))?;
            stored.check(&root_key)?;
            return Ok(Self::new(root_key, PASSPHRASE, randomness));
        }
        Err(other_root(record, "a passphrase"))
    }

    /// A new root from a key.
    pub fn first_of_key(
        root_key: RootKey,
        kind: &'static str,
        randomness: Arc<dyn Randomness>,
    ) -> RootWithRecord {
        let record = RootRecord::Key(RootKeyRecord::new(&root_key, RootKeyOrigin::Given));
        (Self::new(root_key, kind, randomness), record)
    }

    /// A new root from a passphrase, with a fresh salt. Takes a noticeable time.
    ///
    /// # Errors
    /// The passphrase is empty, or memory is short.
    pub fn first_of_passphrase(
        passphrase: &SecretText,
        randomness: Arc<dyn Randomness>,
    ) -> Result<RootWithRecord, RootError> {
        let (salt, cost) = (
            PassphraseSalt::generate(randomness.as_ref()),
            PassphraseCost::RECOMMENDED,
        );
        let root_key = RootKey::from_passphrase(passphrase, &salt, cost)
            .map_err(|error| RootError::Refused(error.to_string()))?;
        let origin = RootKeyOrigin::Passphrase { salt, cost };
        let record = RootRecord::Key(RootKeyRecord::new(&root_key, origin));
        Ok((Self::new(root_key, PASSPHRASE, randomness), record))
    }
}

impl fmt::Debug for LocalRoot {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("LocalRoot")
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

/// The words for the kinds of roots that are keys in memory.
pub const KEY_FILE: &str = "file";
pub const PASSPHRASE: &str = "passphrase";
pub const SHARES: &str = "shares";

fn other_root(record: &RootRecord, given: &str) -> RootError {
    match record {
        RootRecord::Shares(set) => RootError::NeedsShares {
            threshold: set.threshold,
            shares: set.shares,
        },
        RootRecord::Key(_) | RootRecord::Remote(_) => RootError::Other {
            stored: record.describe(),
            given: given.to_owned(),
        },
    }
}

#[async_trait]
impl RootOfTrust for LocalRoot {
    fn kind(&self) -> &'static str {
        self.kind
    }

    fn is_remote(&self) -> bool {
        false
    }

    async fn wrap(&self, place: WrapPlace<'_>, material: &KeyMaterial) -> Result<Vec<u8>, RootError> {
        self.root_key
            .seal_wrapping_key(self.randomness.as_ref(), place.key_id, place.version, material)
            .map_err(|error| RootError::Refused(error.to_string()))
    }

    async fn unwrap(&self, place: WrapPlace<'_>, wrapped: &[u8]) -> Result<KeyMaterial, RootError> {
        self.root_key
            .open_wrapping_key(place.key_id, place.version, wrapped)
            .map_err(|error| match error {
                OpenWrappingKeyError::WrongRootKey(wrong) => RootError::WrongKey(wrong),
                other => RootError::Refused(other.to_string()),
            })
    }

    async fn check(&self) -> Result<(), RootError> {
        Ok(())
    }
}

/// A key or a passphrase held for as long as the process runs, for commands and tests. A server reads its file anew
/// each time instead, so that sealing it leaves nothing behind.
pub(crate) struct HeldRoots {
    pub(crate) source: RootKeySource,
    pub(crate) randomness: Arc<dyn Randomness>,
}

impl HeldRoots {
    fn randomness(&self) -> Arc<dyn Randomness> {
        Arc::clone(&self.randomness)
    }
}

fn copy_of(root_key: &RootKey) -> Result<RootKey, RootError> {
    let bytes = SecretBytes::new(root_key.expose_bytes().to_vec());
    RootKey::from_bytes(&bytes).map_err(|error| RootError::Refused(error.to_string()))
}

#[async_trait]
impl Roots for HeldRoots {
    async fn open(&self, record: &RootRecord) -> Result<Arc<dyn RootOfTrust>, RootError> {
        match &self.source {
            RootKeySource::Key(root_key) => {
                LocalRoot::of_record(record, copy_of(root_key)?, KEY_FILE, self.randomness())
            }
            RootKeySource::Passphrase(passphrase) => {
                LocalRoot::of_passphrase(record, passphrase, self.randomness())
            }
        }
    }

    async fn first(&self) -> Result<RootWithRecord, RootError> {
        match &self.source {
            RootKeySource::Key(root_key) => Ok(LocalRoot::first_of_key(
                copy_of(root_key)?,
                KEY_FILE,
                self.randomness(),
            )),
            RootKeySource::Passphrase(passphrase) => {
                LocalRoot::first_of_passphrase(passphrase, self.randomness())
            }
        }
    }

    async fn next(&self) -> Result<Option<RootWithRecord>, RootError> {
        Ok(None)
    }
}
