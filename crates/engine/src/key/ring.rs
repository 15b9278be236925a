//! A key with its versions opened: what programs' operations work with.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use keyring::{
    Context, KeyId as EnvelopeKeyId, KeyMaterial, KeyState, KeyVersion as VersionNumber, Keyring, MacRing,
    OpenError, PublicKey, Purpose, Randomness, RewrapError, SealError, Sealed, SecretBytes, SigningRing, Tag,
    VersionedKey,
};

use crate::key::model::{Key, KeyVersion};
use crate::key::uses::VersionUses;
use crate::ports::StoreError;

/// An open key. Its material is wiped when the last user lets go.
pub struct KeyRing {
    key: Key,
    versions: BTreeMap<u32, KeyVersion>,
    open: Open,
    uses: BTreeMap<u32, Arc<VersionUses>>,
}

/// By purpose: a key has one (KEY-16).
#[derive(Debug)]
enum Open {
    Encrypt(Keyring),
    Mac(MacRing),
    Sign(SigningRing),
}

impl KeyRing {
    /// Puts a key together from what was stored. A version without material is one that was destroyed.
    pub(crate) fn new(
        key: Key,
        versions: Vec<KeyVersion>,
        mut materials: BTreeMap<u32, SecretBytes>,
        uses: BTreeMap<u32, Arc<VersionUses>>,
    ) -> Result<Self, StoreError> {
        let damaged = |detail: String| StoreError::Damaged {
            table: "key_version",
            key: key.id.to_string(),
            detail,
        };
        let key_id = EnvelopeKeyId::parse(key.id.as_str()).map_err(|error| damaged(error.to_string()))?;
        let mut keys = Vec::with_capacity(versions.len());
        for version in &versions {
            let number = VersionNumber::new(version.number)
                .ok_or_else(|| damaged("there is no version 0".to_owned()))?;
            let versioned = match materials.remove(&version.number) {
                Some(bytes) if version.state != KeyState::Destroyed => {
                    let material = KeyMaterial::import(&bytes)
                        .ok_or_else(|| damaged(format!("the material of version {number} is no key")))?;
                    VersionedKey::new(number, version.state, material)
                }
                _ if version.state == KeyState::Destroyed => VersionedKey::destroyed(number),
                _ => return Err(damaged(format!("the material of version {number} is missing"))),
            };
            keys.push(versioned);
        }
        let open = match key.algorithm.purpose() {
            Purpose::Encrypt => Keyring::with_algorithm(key_id, key.algorithm, keys).map(Open::Encrypt),
            Purpose::Mac => MacRing::new(key_id, keys).map(Open::Mac),
            Purpose::Sign => SigningRing::new(key_id, key.algorithm, keys).map(Open::Sign),
        };
        let open = open.map_err(|error| damaged(error.to_string()))?;
        let versions = versions
            .into_iter()
            .map(|version| (version.number, version))
            .collect();
        Ok(Self {
            key,
            versions,
            open,
            uses,
        })
    }

    /// The key itself.
    pub fn key(&self) -> &Key {
        &self.key
    }

    /// Every version, as it stood when the key was opened, by number.
    pub fn versions(&self) -> &BTreeMap<u32, KeyVersion> {
        &self.versions
    }

    /// The version that seals; None while it is suspended.
    pub fn active(&self) -> Option<u32> {
        let active = match &self.open {
            Open::Encrypt(keyring) => keyring.active_version(),
            Open::Mac(ring) => ring.active_version(),
            Open::Sign(ring) => ring.active_version(),
        };
        active.map(VersionNumber::number)
    }

    /// The state of a version; None when there is no such version here.
    pub fn state(&self, number: u32) -> Option<KeyState> {
        self.versions.get(&number).map(|version| version.state)
    }

    /// Seals a value under a fresh data key. The use must have been reserved: see [`crate::Services::reserve_uses`].
    ///
    /// # Errors
    /// No version is active, or the value is too long.
    pub fn seal(
        &self,
        randomness: &dyn Randomness,
        context: &Context,
        plaintext: &[u8],
    ) -> Result<Sealed, SealError> {
        let sealed = self.keyring()?.seal(randomness, context, plaintext)?;
        self.count_use(sealed.version());
        Ok(sealed)
    }

    /// A fresh data key, plain and sealed. The use must have been reserved.
    ///
    /// # Errors
    /// No version is active.
    pub fn data_key(
        &self,
        randomness: &dyn Randomness,
        context: &Context,
    ) -> Result<(SecretBytes, Sealed), SealError> {
        let (plain, sealed) = self.keyring()?.data_key(randomness, context)?;
        self.count_use(sealed.version());
        Ok((plain, sealed))
    }

    /// Opens a value in the context it was sealed in.
    ///
    /// # Errors
    /// It does not open, or its version may not.
    pub fn open(&self, context: &Context, envelope: &[u8]) -> Result<SecretBytes, OpenError> {
        self.keyring_that_opens()?.open(context, envelope)
    }

    /// Wraps the data key of a value anew by the active version, without opening the value. The use must have been
    /// reserved.
    ///
    /// # Errors
    /// No version is active, its own version may not open, or it is no envelope of this key.
    pub fn rewrap(&self, randomness: &dyn Randomness, envelope: &[u8]) -> Result<Sealed, RewrapError> {
        let sealed = self.keyring()?.rewrap(randomness, envelope)?;
        self.count_use(sealed.version());
        Ok(sealed)
    }

    /// Opens a value for the worker that moves data away: a revoked version still serves it. What it opens must be
    /// sealed anew, never rewrapped.
    ///
    /// # Errors
    /// As [`KeyRing::open`].
    pub fn open_for_reencryption(
        &self,
        context: &Context,
        envelope: &[u8],
    ) -> Result<SecretBytes, OpenError> {
        self.keyring_that_opens()?
            .open_for_reencryption(context, envelope)
    }

    /// Whether this is a value of this key in this context, whatever the state of its version; false for a destroyed one.
    pub fn is_authentic(&self, context: &Context, envelope: &[u8]) -> bool {
        self.keyring()
            .is_ok_and(|keyring| keyring.is_authentic(context, envelope))
    }

    /// The message authentication code of a message, by the active version. The use must have been reserved.
    ///
    /// # Errors
    /// No version is active.
    pub fn mac(&self, message: &[u8]) -> Result<Tag, SealError> {
        let Open::Mac(ring) = &self.open else {
            return Err(self.nothing_seals());
        };
        let tag = ring.mac(message)?;
        self.count_use(tag.version());
        Ok(tag)
    }

    /// Signs a message by the active version. The use must have been reserved.
    ///
    /// # Errors
    /// No version is active.
    pub fn sign(&self, message: &[u8]) -> Result<Tag, SealError> {
        let Open::Sign(ring) = &self.open else {
            return Err(self.nothing_seals());
        };
        let tag = ring.sign(message)?;
        self.count_use(tag.version());
        Ok(tag)
    }

    /// Which version made this code or signature of this message.
    ///
    /// # Errors
    /// None did, or the one that is named may not verify.
    pub fn verify(&self, message: &[u8], tag: &[u8]) -> Result<u32, OpenError> {
        let version = match &self.open {
            Open::Mac(ring) => ring.verify(message, tag),
            Open::Sign(ring) => ring.verify(message, tag),
            Open::Encrypt(_) => Err(OpenError::NotAuthentic),
        };
        version.map(VersionNumber::number)
    }

    /// The public key of a version of a key that signs; None when it is unknown or destroyed.
    pub fn public_key(&self, number: u32) -> Option<PublicKey> {
        let Open::Sign(ring) = &self.open else {
            return None;
        };
        ring.public_key(VersionNumber::new(number)?)
    }

    fn keyring(&self) -> Result<&Keyring, SealError> {
        match &self.open {
            Open::Encrypt(keyring) => Ok(keyring),
            Open::Mac(_) | Open::Sign(_) => Err(self.nothing_seals()),
        }
    }

    fn keyring_that_opens(&self) -> Result<&Keyring, OpenError> {
        self.keyring().map_err(|_| OpenError::NotAuthentic)
    }

    /// Another purpose than the key's own: whoever asks was told before.
    fn nothing_seals(&self) -> SealError {
        let key_id = match &self.open {
            Open::Encrypt(keyring) => keyring.key_id(),
            Open::Mac(ring) => ring.key_id(),
            Open::Sign(ring) => ring.key_id(),
        };
        SealError::NoActiveVersion {
            key_id: key_id.clone(),
        }
    }

    pub(crate) fn uses(&self, number: u32) -> Option<&Arc<VersionUses>> {
        self.uses.get(&number)
    }

    fn count_use(&self, version: VersionNumber) {
        if let Some(uses) = self.uses.get(&version.number()) {
            uses.count(1);
        }
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("KeyRing")
            .field("key", &self.key.name)
            .field("versions", &self.open)
            .finish_non_exhaustive()
    }
}
