//! The keys that the orders API knows, as hashes, in a file: it must know them again after a restart.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// How many keys of one account are valid at once.
pub const KEYS_PER_ACCOUNT: usize = 2;

/// One key of an account.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Key {
    pub id: String,
    pub account: String,
    /// What the one who made it calls it.
    pub label: String,
    /// Rises with each key made.
    pub number: u64,
    sha256: String,
}

/// All keys.
#[derive(Debug)]
pub struct KeyStore {
    file: PathBuf,
    keys: BTreeMap<String, Key>,
}

/// Why a key was not made.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The account has as many as it may.
    #[error("account `{0}` has two keys already; revoke one first")]
    TooMany(String),
    /// The file.
    #[error("the keys could not be saved: {0}")]
    Io(#[from] std::io::Error),
}

impl KeyStore {
    /// Reads the file; none is an empty store.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn open(file: &Path) -> std::io::Result<Self> {
        let keys = match std::fs::read(file) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(std::io::Error::other)?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => BTreeMap::new(),
            Err(error) => return Err(error),
        };
        Ok(Self {
            file: file.to_owned(),
            keys,
        })
    }

    /// Makes a key known.
    ///
    /// # Errors
    /// A third key of one account, or a file that cannot be written.
    pub fn insert(&mut self, account: &str, label: &str, key: &str) -> Result<Key, KeyError> {
        if self.of_account(account).count() >= KEYS_PER_ACCOUNT {
            return Err(KeyError::TooMany(account.to_owned()));
        }
        let sha256 = hash(key);
        let number = self.keys.values().map(|known| known.number).max().unwrap_or(0) + 1;
        let made = Key {
            id: format!("key-{number}"),
            account: account.to_owned(),
            label: label.to_owned(),
            number,
            sha256,
        };
        self.keys.insert(made.id.clone(), made.clone());
        self.save()?;
        Ok(made)
    }

    /// Forgets a key; false when it was not known.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn remove(&mut self, id: &str) -> Result<bool, KeyError> {
        let removed = self.keys.remove(id).is_some();
        self.save()?;
        Ok(removed)
    }

    /// The keys of one account, oldest first.
    pub fn of_account<'a>(&'a self, account: &'a str) -> impl Iterator<Item = &'a Key> {
        self.keys.values().filter(move |key| key.account == account)
    }

    /// Every key.
    pub fn all(&self) -> impl Iterator<Item = &Key> {
        self.keys.values()
    }

    /// The key that a caller presents.
    pub fn find(&self, presented: &str) -> Option<&Key> {
        let sha256 = hash(presented);
        self.keys.values().find(|key| key.sha256 == sha256)
    }

    /// Whether it is the newest of two keys of its account: the one that sabotage is about.
    pub fn is_newest_of_two(&self, key: &Key) -> bool {
        let mut count = 0;
        let mut newest = 0;
        for other in self.of_account(&key.account) {
            count += 1;
            newest = newest.max(other.number);
        }
        count > 1 && newest == key.number
    }

    /// Written beside and renamed, so that a crash leaves the old file or the new one.
    fn save(&self) -> std::io::Result<()> {
        let beside = self.file.with_extension("new");
        std::fs::write(
            &beside,
            serde_json::to_vec(&self.keys).map_err(std::io::Error::other)?,
        )?;
        std::fs::rename(&beside, &self.file)
    }
}

fn hash(key: &str) -> String {
    hex::encode(Sha256::digest(key.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_keys_are_valid_at_once_and_survive_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("keys.json");
        let mut store = KeyStore::open(&file).unwrap();
        let first = store.insert("orders", "1", "a").unwrap();
        let second = store.insert("orders", "2", "b").unwrap();
        assert!(matches!(
            store.insert("orders", "3", "c"),
            Err(KeyError::TooMany(_))
        ));
        assert!(store.is_newest_of_two(&second) && !store.is_newest_of_two(&first));

        let mut again = KeyStore::open(&file).unwrap();
        assert_eq!(again.find("a").map(|key| key.id.clone()), Some(first.id.clone()));
        assert!(again.remove(&first.id).unwrap());
        assert!(!again.remove(&first.id).unwrap());
        assert!(again.find("a").is_none());
        assert!(!again.is_newest_of_two(&second), "it is the only one now");
    }
}
