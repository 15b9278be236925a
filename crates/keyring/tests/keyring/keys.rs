//! What the tests make keys of.

use keyring::{KeyId, KeyMaterial, KeyState, KeyVersion, SecretBytes, VersionedKey};

pub(crate) fn key_id() -> KeyId {
    KeyId::parse("0192f0c1-7a00-7000-8000-000000000001").unwrap()
}

pub(crate) fn version(number: u32) -> KeyVersion {
    KeyVersion::new(number).unwrap()
}

/// A key of any algorithm, the same for the same byte.
pub(crate) fn key_material(byte: u8) -> KeyMaterial {
    KeyMaterial::import(&SecretBytes::new(vec![byte; 32])).unwrap()
}

/// Versions 1, 2, ... in the given states. A version's key depends on its number alone.
pub(crate) fn versioned_keys(states: &[KeyState]) -> Vec<VersionedKey> {
    (1..)
        .zip(states)
        .map(|(number, state)| VersionedKey::new(version(number), *state, key_material(number as u8)))
        .collect()
}
