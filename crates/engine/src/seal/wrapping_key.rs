//! What the store keeps of the wrapping keys, and how a keyring is made of it.
//!
//! | setting | value |
//! |---|---|
//! | `root_key.record` | where the root key comes from and how it is recognised; inserted once, never changed |
//! | `wrapping_key.active` | which version seals, and since when |
//! | `wrapping_key.activated.0000000002` … | inserted with the activation, so that no late writer takes a version back |
//! | `wrapping_key.version.0000000001` … | that version, wrapped by the root key; empty once it is destroyed |
//!
//! A version above the active one waits for its turn, one below it only opens. So one setting decides the state of
//! all, and no crash can leave two of them active.

use keyring::{KeyId, KeyState, KeyVersion, Keyring, RootKey, WrappingKey};
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::ports::Store;
use crate::seal::sealer::OpenKeys;
use crate::seal::unlock::UnlockError;

pub(crate) const ROOT_KEY_RECORD: &str = "root_key.record";
pub(crate) const ACTIVE: &str = "wrapping_key.active";
pub(crate) const ACTIVATED_PREFIX: &str = "wrapping_key.activated.";
pub(crate) const VERSION_PREFIX: &str = "wrapping_key.version.";

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

/// The id that every envelope of our own store names.
pub(crate) fn key_id() -> Result<KeyId, UnlockError> {
    KeyId::parse("rota.store").map_err(|error| UnlockError::Damaged(error.to_string()))
}

pub(crate) fn version_setting(version: u32) -> String {
    format!("{VERSION_PREFIX}{version:010}")
}

/// The stored versions: number and wrapped bytes (empty: destroyed), oldest first.
pub(crate) async fn stored_versions(store: &dyn Store) -> Result<Vec<(KeyVersion, Vec<u8>)>, UnlockError> {
    store
        .settings(VERSION_PREFIX)
        .await?
        .into_iter()
        .map(|(setting, wrapped)| {
            let number = setting
                .strip_prefix(VERSION_PREFIX)
                .and_then(|number| number.parse().ok());
            let version = number.and_then(KeyVersion::new);
            let version = version
                .ok_or_else(|| UnlockError::Damaged(format!("setting `{setting}` names no version")))?;
            Ok((version, wrapped))
        })
        .collect()
}

/// Which version the store says is active; None before the first start.
pub(crate) async fn stored_active(store: &dyn Store) -> Result<Option<ActiveVersion>, UnlockError> {
    let Some(bytes) = store.setting(ACTIVE).await? else {
        return Ok(None);
    };
    ActiveVersion::parse(&bytes)
        .map(Some)
        .ok_or_else(|| UnlockError::Damaged(format!("setting `{ACTIVE}` names no version")))
}

/// Opens every stored version under the root key.
pub(crate) async fn open_all(store: &dyn Store, root_key: &RootKey) -> Result<OpenKeys, UnlockError> {
    // The active one first: a version that becomes active later is then at worst seen as waiting.
    let active = stored_active(store).await?;
    let active = active.ok_or_else(|| UnlockError::Damaged(format!("setting `{ACTIVE}` is missing")))?;
    let key_id = key_id()?;
    let mut wrapping_keys = Vec::new();
    for (version, wrapped) in stored_versions(store).await? {
        if wrapped.is_empty() {
            wrapping_keys.push(WrappingKey::destroyed(version));
            continue;
        }
        let material = root_key.open_wrapping_key(&key_id, version, &wrapped)?;
        let state = match version.number().cmp(&active.version) {
            std::cmp::Ordering::Less => KeyState::Deprecated,
            std::cmp::Ordering::Equal => KeyState::Active,
            std::cmp::Ordering::Greater => KeyState::PreActive,
        };
        wrapping_keys.push(WrappingKey::new(version, state, material));
    }
    let keyring =
        Keyring::new(key_id, wrapping_keys).map_err(|error| UnlockError::Damaged(error.to_string()))?;
    if keyring.active_version().is_none() {
        let detail = format!(
            "the active version {} of the wrapping key is missing",
            active.version
        );
        return Err(UnlockError::Damaged(detail));
    }
    Ok(OpenKeys { keyring, active })
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
        assert!(
            version_setting(2) < version_setting(10),
            "settings sort by number"
        );
    }
}
