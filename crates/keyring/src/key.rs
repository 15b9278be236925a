//! What a key is: an id, a version that counts up, and 32 secret bytes.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use crate::algorithm::{Algorithm, Purpose};
use crate::cipher::{KEY_LENGTH, KeyBytes, random_key, to_key};
use crate::randomness::Randomness;
use crate::secret::SecretBytes;
use crate::signing::Signer;
use crate::state::KeyState;

/// The name of a key, the same in all its versions: `[a-z0-9][a-z0-9._-]{0,126}`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId(String);

impl KeyId {
    /// The longest id, in bytes; it is written with one byte of length.
    pub const MAXIMUM_LENGTH: usize = 127;

    /// Reads an id, or refuses it.
    pub fn parse(text: &str) -> Result<Self, InvalidKeyId> {
        Self::check(text).map(str::to_owned).map(Self)
    }

    /// The same, and nothing is copied.
    pub(crate) fn check(text: &str) -> Result<&str, InvalidKeyId> {
        let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let first_is_plain = text.bytes().next().is_some_and(is_plain);
        let rest_is_allowed = text
            .bytes()
            .all(|byte| is_plain(byte) || matches!(byte, b'.' | b'_' | b'-'));
        if first_is_plain && rest_is_allowed && text.len() <= Self::MAXIMUM_LENGTH {
            Ok(text)
        } else {
            Err(InvalidKeyId)
        }
    }

    /// An id that [`Self::check`] has let pass.
    pub(crate) fn of_checked(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl FromStr for KeyId {
    type Err = InvalidKeyId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

/// The text is not a key id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a key id: use 1 to 127 of a-z, 0-9, dot, underscore and hyphen, beginning with a letter or a digit"
)]
pub struct InvalidKeyId;

/// The number of a key version: 1, 2, 3 and so on, in the order they were made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyVersion(NonZeroU32);

impl KeyVersion {
    /// The version every key begins with.
    pub const FIRST: Self = Self(NonZeroU32::MIN);

    /// A version by its number. There is no version 0.
    pub fn new(number: u32) -> Option<Self> {
        NonZeroU32::new(number).map(Self)
    }

    /// The number itself.
    pub fn number(self) -> u32 {
        self.0.get()
    }

    /// The version after this one. `None` after 4,294,967,295 of them.
    pub fn next(self) -> Option<Self> {
        self.0.checked_add(1).map(Self)
    }
}

impl fmt::Display for KeyVersion {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.0)
    }
}

/// The 32 secret bytes of one key version, which never move: they lie on the heap and are wiped on drop.
pub struct KeyMaterial(pub(crate) Box<KeyBytes>);

impl KeyMaterial {
    /// The length of every key, in bytes.
    pub const LENGTH: usize = KEY_LENGTH;

    /// Makes a new random key that encrypts, or makes message authentication codes or Ed25519 signatures.
    pub fn generate(randomness: &dyn Randomness) -> Self {
        Self(random_key(randomness))
    }

    /// Makes a new random key of any algorithm: for ECDSA not every 32 bytes are one (FIPS 186-5, A.2.2).
    pub fn generate_for(algorithm: Algorithm, randomness: &dyn Randomness) -> Self {
        loop {
            let material = Self::generate(randomness);
            if material.is_valid_for(algorithm) {
                return material;
            }
        }
    }

    /// Compares in the same time for all keys.
    pub fn ct_eq(&self, other: &Self) -> bool {
        subtle::ConstantTimeEq::ct_eq(self.0.as_slice(), other.0.as_slice()).into()
    }

    /// Takes over a key made elsewhere, as an import or a test vector does. `None` unless it has 32 bytes.
    pub fn import(bytes: &SecretBytes) -> Option<Self> {
        to_key(bytes).map(Self)
    }

    /// Whether the bytes are a key of this algorithm.
    pub fn is_valid_for(&self, algorithm: Algorithm) -> bool {
        match algorithm.purpose() {
            Purpose::Encrypt | Purpose::Mac => true,
            Purpose::Sign => Signer::new(algorithm, self).is_some(),
        }
    }

    /// The bytes, for sealing them where they are stored and for nothing else.
    pub fn expose_bytes(&self) -> &[u8; Self::LENGTH] {
        &self.0
    }
}

impl fmt::Debug for KeyMaterial {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("***")
    }
}

/// One version of a key, with the state that decides what it may do. Rings are made of these.
pub struct VersionedKey {
    version: KeyVersion,
    state: KeyState,
    /// Present unless the state is destroyed.
    material: Option<KeyMaterial>,
}

/// One version of a key that wraps data keys.
pub type WrappingKey = VersionedKey;

impl VersionedKey {
    /// A version with its key. Should the state be `destroyed`, the key is wiped here and now.
    pub fn new(version: KeyVersion, state: KeyState, material: KeyMaterial) -> Self {
        let material = (state != KeyState::Destroyed).then_some(material);
        Self {
            version,
            state,
            material,
        }
    }

    /// A version of which only the memory is left, so that its values are refused by the right name.
    pub fn destroyed(version: KeyVersion) -> Self {
        Self {
            version,
            state: KeyState::Destroyed,
            material: None,
        }
    }

    /// The number of the version.
    pub fn version(&self) -> KeyVersion {
        self.version
    }

    /// The state of the version.
    pub fn state(&self) -> KeyState {
        self.state
    }

    pub(crate) fn material(&self) -> Option<&KeyMaterial> {
        self.material.as_ref()
    }
}

impl fmt::Debug for VersionedKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "VersionedKey({}, {}, ***)", self.version, self.state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_ids_follow_the_rule_for_names() {
        let longest = "a".repeat(KeyId::MAXIMUM_LENGTH);
        for good in ["a", "0", "orders", "rota.storage", "a-b_c.d", longest.as_str()] {
            assert_eq!(KeyId::parse(good).unwrap().as_str(), good);
        }
        let too_long = "a".repeat(KeyId::MAXIMUM_LENGTH + 1);
        for bad in [
            "",
            ".a",
            "-a",
            "_a",
            "A",
            "a b",
            "a/b",
            "ä",
            "a\0",
            too_long.as_str(),
        ] {
            assert_eq!(KeyId::parse(bad), Err(InvalidKeyId), "{bad:?}");
        }
    }

    #[test]
    fn versions_count_from_one_and_stop_at_the_end() {
        assert_eq!(KeyVersion::new(0), None);
        assert_eq!(KeyVersion::FIRST.next(), KeyVersion::new(2));
        assert_eq!(KeyVersion::new(u32::MAX).unwrap().next(), None);
    }

    #[test]
    fn a_destroyed_version_holds_no_key() {
        let material = KeyMaterial::import(&SecretBytes::new(vec![7; 32])).unwrap();
        assert!(
            WrappingKey::new(KeyVersion::FIRST, KeyState::Destroyed, material)
                .material()
                .is_none()
        );
    }

    #[test]
    fn a_key_has_32_bytes() {
        for length in [0, 16, 31, 33, 64] {
            assert!(KeyMaterial::import(&SecretBytes::new(vec![7; length])).is_none());
        }
    }

    #[test]
    fn debug_shows_no_key() {
        let key = WrappingKey::new(
            KeyVersion::FIRST,
            KeyState::Active,
            KeyMaterial::import(&SecretBytes::new(vec![0xab; 32])).unwrap(),
        );
        assert_eq!(
            format!("{key:?} {:?}", key.material()),
            "VersionedKey(1, active, ***) Some(***)"
        );
    }
}
