//! The versions of one wrapping key, and what they do: seal, open and rewrap.

use std::collections::BTreeMap;
use std::fmt;

use crate::cipher::{KeyBytes, XAES_NONCE_LENGTH};
use crate::cipher::{
    decrypt_aes_256_gcm, decrypt_xaes_256_gcm, encrypt_aes_256_gcm, encrypt_xaes_256_gcm, random_array,
    random_key, to_key,
};
use crate::context::Context;
use crate::envelope::{Envelope, Sealed, assemble, binding, header};
use crate::key::{KeyId, KeyMaterial, KeyVersion, WrappingKey};
use crate::randomness::Randomness;
use crate::reader::Malformed;
use crate::secret::SecretBytes;
use crate::state::KeyState;

/// All versions of one wrapping key that a program knows of.
///
/// At most one is active and seals. Opening takes the version that the envelope names and no other: keys are
/// never tried in turn. There may be no active one, namely while it is suspended; then nothing is sealed.
pub struct Keyring {
    key_id: KeyId,
    versions: BTreeMap<KeyVersion, WrappingKey>,
}

impl Keyring {
    /// Puts the versions of one key together.
    pub fn new(
        key_id: KeyId,
        wrapping_keys: impl IntoIterator<Item = WrappingKey>,
    ) -> Result<Self, InvalidKeyring> {
        let mut versions = BTreeMap::new();
        let mut active: Option<KeyVersion> = None;
        for wrapping_key in wrapping_keys {
            let version = wrapping_key.version();
            if wrapping_key.state() == KeyState::Active
                && let Some(first) = active.replace(version)
                && first != version
            {
                return Err(InvalidKeyring::TwoActive {
                    key_id,
                    first,
                    second: version,
                });
            }
            if versions.insert(version, wrapping_key).is_some() {
                return Err(InvalidKeyring::VersionTwice { key_id, version });
            }
        }
        Ok(Self { key_id, versions })
    }

    /// The id of the key.
    pub fn key_id(&self) -> &KeyId {
        &self.key_id
    }

    /// The version that seals, unless it is suspended or none was ever activated.
    pub fn active_version(&self) -> Option<KeyVersion> {
        self.versions
            .values()
            .find(|wrapping_key| wrapping_key.state().may_seal())
            .map(WrappingKey::version)
    }

    /// Every version with its state, oldest first.
    pub fn versions(&self) -> impl Iterator<Item = (KeyVersion, KeyState)> + '_ {
        self.versions
            .values()
            .map(|wrapping_key| (wrapping_key.version(), wrapping_key.state()))
    }

    /// Seals a value under a fresh data key, which the active version wraps.
    pub fn seal(
        &self,
        randomness: &dyn Randomness,
        context: &Context,
        plaintext: &[u8],
    ) -> Result<Sealed, SealError> {
        let (version, wrapping_material) = self.active()?;
        let plaintext_length = u32::try_from(plaintext.len()).map_err(|_| SealError::TooLong)?;
        let data_key = random_key(randomness);
        let payload_nonce = random_array(randomness);
        let binding = binding(&self.key_id);
        let header = header(&binding, version, &payload_nonce);
        let (wrap_nonce, wrapped_key) = wrap(randomness, wrapping_material, &header, &data_key)?;
        let payload_data = [&binding, context.encoded()].concat();
        let ciphertext = encrypt_aes_256_gcm(&data_key, &payload_nonce, &payload_data, plaintext)
            .map_err(|_| SealError::TooLong)?;
        let bytes = assemble(&header, &wrap_nonce, &wrapped_key, plaintext_length, &ciphertext);
        Ok(Sealed { bytes, version })
    }

    /// Opens a value in the context it was sealed in.
    pub fn open(&self, context: &Context, bytes: &[u8]) -> Result<SecretBytes, OpenError> {
        self.open_when(KeyState::may_open, context, bytes)
    }

    /// Opens a value for the worker that moves data to another version: a revoked version still serves it.
    ///
    /// What it opens must be sealed anew with [`Keyring::seal`]; rewrapping would keep a data key that is no
    /// longer trusted.
    pub fn open_for_reencryption(&self, context: &Context, bytes: &[u8]) -> Result<SecretBytes, OpenError> {
        self.open_when(KeyState::may_open_for_reencryption, context, bytes)
    }

    /// Wraps the data key of an envelope anew, by the active version. The payload is neither opened nor
    /// changed, so this needs no context and proves nothing about the payload.
    pub fn rewrap(&self, randomness: &dyn Randomness, bytes: &[u8]) -> Result<Sealed, RewrapError> {
        let (version, wrapping_material) = self.active()?;
        let envelope = Envelope::parse(bytes).map_err(OpenError::Malformed)?;
        let data_key = self.unwrap_data_key(KeyState::may_open, &envelope)?;
        let header = header(envelope.binding, version, &envelope.payload_nonce);
        let (wrap_nonce, wrapped_key) = wrap(randomness, wrapping_material, &header, &data_key)?;
        let plaintext_length = envelope.plaintext_length;
        let bytes = assemble(
            &header,
            &wrap_nonce,
            &wrapped_key,
            plaintext_length,
            envelope.ciphertext,
        );
        Ok(Sealed { bytes, version })
    }

    fn open_when(
        &self,
        is_allowed: fn(KeyState) -> bool,
        context: &Context,
        bytes: &[u8],
    ) -> Result<SecretBytes, OpenError> {
        let envelope = Envelope::parse(bytes).map_err(OpenError::Malformed)?;
        let data_key = self.unwrap_data_key(is_allowed, &envelope)?;
        let payload_data = [envelope.binding, context.encoded()].concat();
        decrypt_aes_256_gcm(
            &data_key,
            &envelope.payload_nonce,
            &payload_data,
            envelope.ciphertext,
        )
        .map_err(|_| OpenError::NotAuthentic)
    }

    fn unwrap_data_key(
        &self,
        is_allowed: fn(KeyState) -> bool,
        envelope: &Envelope<'_>,
    ) -> Result<KeyBytes, OpenError> {
        if envelope.key_id != self.key_id {
            let (expected, found) = (self.key_id.clone(), envelope.key_id.clone());
            return Err(OpenError::OtherKey { expected, found });
        }
        let version = envelope.version;
        let wrapping_key = self
            .versions
            .get(&version)
            .ok_or(OpenError::UnknownVersion { version })?;
        let state = wrapping_key.state();
        let material = wrapping_key
            .material()
            .filter(|_| is_allowed(state))
            .ok_or(OpenError::VersionRefused { version, state })?;
        decrypt_xaes_256_gcm(
            &material.0,
            &envelope.wrap_nonce,
            envelope.header,
            &envelope.wrapped_key,
        )
        .ok()
        .and_then(|data_key| to_key(&data_key))
        .ok_or(OpenError::NotAuthentic)
    }

    fn active(&self) -> Result<(KeyVersion, &KeyMaterial), SealError> {
        self.versions
            .values()
            .filter(|wrapping_key| wrapping_key.state().may_seal())
            .find_map(|wrapping_key| Some((wrapping_key.version(), wrapping_key.material()?)))
            .ok_or_else(|| SealError::NoActiveVersion {
                key_id: self.key_id.clone(),
            })
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Keyring")
            .field("key_id", &self.key_id)
            .field("versions", &self.versions.values())
            .finish()
    }
}

fn wrap(
    randomness: &dyn Randomness,
    wrapping_material: &KeyMaterial,
    header: &[u8],
    data_key: &KeyBytes,
) -> Result<([u8; XAES_NONCE_LENGTH], Vec<u8>), SealError> {
    let wrap_nonce = random_array(randomness);
    let wrapped_key = encrypt_xaes_256_gcm(&wrapping_material.0, &wrap_nonce, header, data_key.as_slice())
        .map_err(|_| SealError::TooLong)?;
    Ok((wrap_nonce, wrapped_key))
}

/// These versions do not make a keyring.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKeyring {
    /// A version was given more than once.
    #[error("key {key_id} has version {version} twice; its versions must differ")]
    VersionTwice {
        /// The key.
        key_id: KeyId,
        /// The version that came twice.
        version: KeyVersion,
    },
    /// More than one version claims to be active.
    #[error("key {key_id} has two active versions, {first} and {second}; deprecate one of them")]
    TwoActive {
        /// The key.
        key_id: KeyId,
        /// One of the two.
        first: KeyVersion,
        /// The other one.
        second: KeyVersion,
    },
}

/// Why a value was not sealed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// No version may seal now.
    #[error(
        "key {key_id} has no active version, so nothing can be sealed; activate one or end its suspension"
    )]
    NoActiveVersion {
        /// The key.
        key_id: KeyId,
    },
    /// The value is longer than an envelope can hold.
    #[error("the value is too long to be sealed: an envelope holds at most 4 GiB")]
    TooLong,
}

/// Why a value was not opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The bytes are no envelope.
    #[error(transparent)]
    Malformed(Malformed),
    /// The envelope names another key than this keyring's.
    #[error("the value was sealed under key {found}, not under {expected}")]
    OtherKey {
        /// The key of this keyring.
        expected: KeyId,
        /// The key that the envelope names.
        found: KeyId,
    },
    /// The envelope names a version that is not in this keyring.
    #[error("version {version} of the key is not known here")]
    UnknownVersion {
        /// The version that the envelope names.
        version: KeyVersion,
    },
    /// The version is known, and its state forbids opening.
    #[error("version {version} of the key is {state} and opens nothing")]
    VersionRefused {
        /// The version that the envelope names.
        version: KeyVersion,
        /// The state that forbids it.
        state: KeyState,
    },
    /// Something was changed, or the context is another one. The two cannot be told apart.
    #[error("the value does not open: it was changed, or it does not belong to this context")]
    NotAuthentic,
}

impl OpenError {
    /// Whether a view of the key that is out of date explains this: then reading the versions from the store
    /// once and trying again is worth while. (Another replica activates a version before we hear of it.)
    pub fn may_be_stale(&self) -> bool {
        match self {
            Self::UnknownVersion { .. } => true,
            Self::VersionRefused { state, .. } => *state == KeyState::PreActive,
            Self::Malformed(_) | Self::OtherKey { .. } | Self::NotAuthentic => false,
        }
    }
}

/// Why a data key was not wrapped anew.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RewrapError {
    /// The envelope's own data key could not be had.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// There is no version to wrap it with.
    #[error(transparent)]
    Seal(#[from] SealError),
}
