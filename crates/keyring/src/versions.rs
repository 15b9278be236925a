//! The versions of one key, ready for use: what [`crate::Keyring`], [`crate::MacRing`] and [`crate::SigningRing`]
//! have in common.

use std::collections::BTreeMap;
use std::fmt;

use crate::error::{InvalidKeyring, OpenError, SealError};
use crate::key::{KeyId, KeyMaterial, KeyVersion, VersionedKey};
use crate::state::KeyState;

/// Every version of one key. At most one is active.
pub(crate) struct Versions<Ready> {
    key_id: KeyId,
    active: Option<KeyVersion>,
    by_number: BTreeMap<KeyVersion, Version<Ready>>,
}

struct Version<Ready> {
    state: KeyState,
    /// Present unless the state is destroyed. Keys lie on the heap by themselves: a map moves what it holds, and
    /// leaves copies where it was.
    ready: Option<Box<Ready>>,
}

impl<Ready> Versions<Ready> {
    /// `make_ready` turns 32 bytes into what the algorithm works with, or says that they are no key of it.
    pub(crate) fn new(
        key_id: KeyId,
        keys: impl IntoIterator<Item = VersionedKey>,
        make_ready: impl Fn(&KeyMaterial) -> Option<Box<Ready>>,
    ) -> Result<Self, InvalidKeyring> {
        let mut by_number = BTreeMap::new();
        let mut active: Option<KeyVersion> = None;
        for key in keys {
            let (version, state) = (key.version(), key.state());
            if state == KeyState::Active
                && let Some(first) = active.replace(version)
                && first != version
            {
                return Err(InvalidKeyring::TwoActive {
                    key_id,
                    first,
                    second: version,
                });
            }
            let ready = match key.material().map(&make_ready) {
                Some(None) => return Err(InvalidKeyring::NoKey { key_id, version }),
                Some(ready) => ready,
                None => None,
            };
            if by_number.insert(version, Version { state, ready }).is_some() {
                return Err(InvalidKeyring::VersionTwice { key_id, version });
            }
        }
        Ok(Self {
            key_id,
            active,
            by_number,
        })
    }

    pub(crate) fn key_id(&self) -> &KeyId {
        &self.key_id
    }

    pub(crate) fn active_version(&self) -> Option<KeyVersion> {
        self.active
    }

    pub(crate) fn states(&self) -> impl Iterator<Item = (KeyVersion, KeyState)> + '_ {
        self.by_number
            .iter()
            .map(|(version, held)| (*version, held.state))
    }

    /// The version that makes new things.
    pub(crate) fn active(&self) -> Result<(KeyVersion, &Ready), SealError> {
        self.active
            .and_then(|version| Some((version, self.get(version)?)))
            .ok_or_else(|| SealError::NoActiveVersion {
                key_id: self.key_id.clone(),
            })
    }

    /// The version that something names (by a checked key id), if it is one of this key's and its state allows the use.
    pub(crate) fn named(
        &self,
        key_id: &str,
        version: KeyVersion,
        is_allowed: fn(KeyState) -> bool,
    ) -> Result<&Ready, OpenError> {
        if key_id != self.key_id.as_str() {
            let expected = self.key_id.clone();
            let found = KeyId::of_checked(key_id);
            return Err(OpenError::OtherKey { expected, found });
        }
        let held = self
            .by_number
            .get(&version)
            .ok_or(OpenError::UnknownVersion { version })?;
        let state = held.state;
        held.ready
            .as_deref()
            .filter(|_| is_allowed(state))
            .ok_or(OpenError::VersionRefused { version, state })
    }

    /// A version whatever its state, unless it is unknown or destroyed.
    pub(crate) fn get(&self, version: KeyVersion) -> Option<&Ready> {
        self.by_number.get(&version)?.ready.as_deref()
    }
}

/// Shows versions and states, and no key.
impl<Ready> fmt::Debug for Versions<Ready> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut map = formatter.debug_map();
        for (version, state) in self.states() {
            map.entry(&version.number(), &state);
        }
        map.finish()
    }
}
