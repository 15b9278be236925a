//! What backups and restores need of the keys: the records that open a copy, and a sealer for one.

use std::sync::Arc;

use keyring::{OpenError, inspect};

use crate::change::Write;
use crate::ports::Store;
use crate::seal::migration::{Next, cleared};
use crate::seal::sealer::{SealError, Sealer};
use crate::seal::unlock::UnlockError;
use crate::seal::wrapping_key::Stored;

/// Whether a setting is a record of the root key or of a wrapping key. Such settings are sealed by the root key or
/// not secret, so they may stand in the open at the beginning of a backup.
pub fn is_key_record(setting: &str) -> bool {
    setting.starts_with("root_key.") || setting.starts_with("wrapping_key.")
}

impl Sealer {
    /// A sealer for another store that was sealed under the same root key: a restored copy.
    ///
    /// # Errors
    /// When its wrapping keys do not open under this root key.
    pub async fn of_copy(&self, store: &dyn Store) -> Result<Self, UnlockError> {
        let (root, stored) = (self.root()?, Stored::read(store).await?);
        let keys = match stored.open(Arc::clone(&root)).await {
            // It was made while a migration was under way, or before one ended.
            Err(error) => match Next::of(&stored)? {
                Some(next) => next.open(&stored, root).await?,
                None => return Err(error),
            },
            Ok(keys) => keys,
        };
        let copy = Self::new(Arc::clone(&self.roots), Arc::clone(&self.randomness));
        copy.install(keys, copy.generation());
        Ok(copy)
    }

    /// What makes the root that opened these keys the only one of their store; nothing when no migration was under way.
    /// For a restore: the other root may be lost, and a migration can be begun anew.
    ///
    /// # Errors
    /// Nothing is open, or what is stored of the migration does not read.
    pub fn settled(&self) -> Result<Vec<Write>, UnlockError> {
        self.with_keys(|keys| match Next::of(&keys.stored)? {
            Some(next) if keys.under_next => Ok(next.finalised(&keys.stored).writes),
            Some(_) => Ok(cleared(&keys.stored).writes),
            None => Ok(Vec::new()),
        })
    }

    /// Whether a sealed value opens where it stands; what it holds is wiped unseen.
    ///
    /// # Errors
    /// As [`Sealer::open_bytes`].
    pub fn try_open(&self, table: &str, row: &str, field: &str, sealed: &[u8]) -> Result<(), SealError> {
        let context = keyring::Context::new(table, row, field);
        let failed = |source| SealError::Open {
            place: format!("{table}/{row}/{field}"),
            source,
        };
        self.with_keys(|keys| {
            let header = inspect(sealed).map_err(|malformed| failed(OpenError::Malformed(malformed)))?;
            let ring = keys.ring_of(&header.key_id);
            ring.keyring.open(&context, sealed).map(drop).map_err(failed)
        })
    }
}
