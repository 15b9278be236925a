//! What the targets have in common: fixed keys, fixed randomness, and a way to damage what is good.

use keyring::{KeyId, KeyMaterial, KeyState, KeyVersion, Randomness, SecretBytes, VersionedKey};

/// The same bytes each time: a finding must be repeatable.
#[derive(Debug)]
pub struct Fixed;

impl Randomness for Fixed {
    fn fill(&self, buffer: &mut [u8]) {
        for (index, byte) in buffer.iter_mut().enumerate() {
            *byte = (index as u8).wrapping_mul(29).wrapping_add(7);
        }
    }
}

pub fn key_id() -> KeyId {
    KeyId::parse("fuzz").expect("a key id")
}

/// Version 1 active, 2 deprecated, 3 revoked.
pub fn keys() -> Vec<VersionedKey> {
    let states = [KeyState::Active, KeyState::Deprecated, KeyState::Revoked];
    (1..)
        .zip(states)
        .map(|(number, state)| {
            let material = KeyMaterial::import(&SecretBytes::new(vec![number as u8; 32]));
            let version = KeyVersion::new(number).expect("not zero");
            VersionedKey::new(version, state, material.expect("32 bytes"))
        })
        .collect()
}

/// Damages good bytes as the input says: the first byte of it chooses between the input as it is, and patches of
/// three bytes each (place, low byte and high byte; what to combine) with a cut or an addition at the end.
pub fn damaged(good: &[u8], input: &[u8]) -> Vec<u8> {
    let Some((how, rest)) = input.split_first() else {
        return Vec::new();
    };
    if how % 2 == 0 {
        return rest.to_vec();
    }
    let mut bytes = good.to_vec();
    let patches = rest.chunks_exact(3);
    let added = patches.remainder().to_vec();
    for patch in patches {
        let place = usize::from(u16::from_le_bytes([patch[0], patch[1]])) % bytes.len().max(1);
        if let Some(byte) = bytes.get_mut(place) {
            *byte ^= patch[2];
        }
    }
    if how % 4 == 1 {
        bytes.extend_from_slice(&added);
    } else {
        bytes.truncate(bytes.len().saturating_sub(added.len()));
    }
    bytes
}
