//! What backups and restores need of the keys: the records that open a copy, and a sealer for one.

use std::sync::Arc;

use crate::ports::Store;
use crate::seal::sealer::{SealError, Sealer};
use crate::seal::unlock::{UnlockError, stored_record};
use crate::seal::wrapping_key;

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
        let record = stored_record(store).await?;
        record.check(&self.root_key)?;
        let keys = wrapping_key::open_all(store, &self.root_key).await?;
        Ok(Self::new(
            Arc::clone(&self.root_key),
            record.origin(),
            Arc::clone(&self.randomness),
            keys,
        ))
    }

    /// Whether a sealed value opens where it stands; what it holds is wiped unseen.
    ///
    /// # Errors
    /// As [`Sealer::open_bytes`].
    pub fn try_open(&self, table: &str, row: &str, field: &str, sealed: &[u8]) -> Result<(), SealError> {
        let context = keyring::Context::new(table, row, field);
        let opened = self.read().keyring.open(&context, sealed);
        opened.map(drop).map_err(|source| SealError::Open {
            place: format!("{table}/{row}/{field}"),
            source,
        })
    }
}
