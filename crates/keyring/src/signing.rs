//! The versions of one key that signs.

use std::fmt;

use ed25519_dalek::Signer as _;

use crate::algorithm::{Algorithm, Purpose};
use crate::error::{InvalidKeyring, OpenError, SealError};
use crate::key::{KeyId, KeyMaterial, KeyVersion, VersionedKey};
use crate::public_key::PublicKey;
use crate::state::KeyState;
use crate::tag::{ParsedTag, Tag};
use crate::versions::Versions;
use crate::wipe::sweep_stack;

/// The length of a signature without its header, in bytes, by either algorithm.
const RAW_LENGTH: usize = 64;

/// All versions of one Ed25519 or ECDSA P-256 key that a program knows of. The active one signs; it and those that
/// are deprecated verify. The same key signs the same message alike: nothing here is random.
pub struct SigningRing {
    algorithm: Algorithm,
    versions: Versions<Signer>,
}

impl SigningRing {
    /// Puts the versions of one key together.
    pub fn new(
        key_id: KeyId,
        algorithm: Algorithm,
        keys: impl IntoIterator<Item = VersionedKey>,
    ) -> Result<Self, InvalidKeyring> {
        if algorithm.purpose() != Purpose::Sign {
            return Err(InvalidKeyring::OtherPurpose { key_id, algorithm });
        }
        let versions = Versions::new(key_id, keys, |material| Signer::new(algorithm, material));
        sweep_stack();
        Ok(Self {
            algorithm,
            versions: versions?,
        })
    }

    /// The id of the key.
    pub fn key_id(&self) -> &KeyId {
        self.versions.key_id()
    }

    /// The algorithm of the key.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The version that signs, unless it is suspended or none was ever activated.
    pub fn active_version(&self) -> Option<KeyVersion> {
        self.versions.active_version()
    }

    /// Every version with its state, oldest first.
    pub fn versions(&self) -> impl Iterator<Item = (KeyVersion, KeyState)> + '_ {
        self.versions.states()
    }

    /// Signs a message by the active version.
    pub fn sign(&self, message: &[u8]) -> Result<Tag, SealError> {
        let (version, signer) = self.versions.active()?;
        let raw = signer.sign(message);
        sweep_stack();
        // RFC 6979 gives up on no message that anybody could find.
        let raw = raw.ok_or(SealError::TooLong)?;
        Ok(Tag::new(self.algorithm, self.key_id(), version, &raw))
    }

    /// Accepts a signature that this key made for this message, and says which version did.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<KeyVersion, OpenError> {
        let parsed = ParsedTag::parse(signature, Purpose::Sign).map_err(OpenError::Malformed)?;
        if parsed.algorithm != self.algorithm {
            let other = crate::reader::Malformed::UnknownAlgorithm(parsed.algorithm.code());
            return Err(OpenError::Malformed(other));
        }
        let signer = self
            .versions
            .named(parsed.key_id, parsed.version, KeyState::may_open)?;
        if signer.public_key().verifies(message, parsed.raw) {
            Ok(parsed.version)
        } else {
            Err(OpenError::NotAuthentic)
        }
    }

    /// The public key of a version, whatever its state; `None` when it is unknown or destroyed.
    pub fn public_key(&self, version: KeyVersion) -> Option<PublicKey> {
        self.versions.get(version).map(Signer::public_key)
    }
}

impl fmt::Debug for SigningRing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SigningRing")
            .field("key_id", self.key_id())
            .field("algorithm", &self.algorithm)
            .field("versions", &self.versions)
            .finish()
    }
}

/// A private key made ready. Both kinds are wiped on drop by the crates they come from.
pub(crate) enum Signer {
    Ed25519(ed25519_dalek::SigningKey),
    EcdsaP256(p256::ecdsa::SigningKey),
}

impl Signer {
    /// `None` when the 32 bytes are no private key of the algorithm, or the algorithm does not sign.
    #[inline(never)]
    pub(crate) fn new(algorithm: Algorithm, material: &KeyMaterial) -> Option<Box<Self>> {
        let bytes = material.expose_bytes();
        let signer = match algorithm {
            Algorithm::Ed25519 => Self::Ed25519(ed25519_dalek::SigningKey::from_bytes(bytes)),
            Algorithm::EcdsaP256 => Self::EcdsaP256(p256::ecdsa::SigningKey::from_slice(bytes).ok()?),
            Algorithm::Aes256Gcm
            | Algorithm::Aes256GcmSiv
            | Algorithm::ChaCha20Poly1305
            | Algorithm::HmacSha256 => return None,
        };
        Some(Box::new(signer))
    }

    #[inline(never)]
    fn sign(&self, message: &[u8]) -> Option<[u8; RAW_LENGTH]> {
        match self {
            Self::Ed25519(key) => Some(key.try_sign(message).ok()?.to_bytes()),
            Self::EcdsaP256(key) => {
                let signature: p256::ecdsa::Signature = key.try_sign(message).ok()?;
                Some(signature.to_bytes().into())
            }
        }
    }

    fn public_key(&self) -> PublicKey {
        match self {
            Self::Ed25519(key) => PublicKey::of_ed25519(key.verifying_key()),
            Self::EcdsaP256(key) => PublicKey::of_p256(*key.verifying_key()),
        }
    }
}
