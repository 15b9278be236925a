//! The two ciphers everything here is made of, and the only functions that call them.
//!
//! Ciphertexts carry their 16-byte tag at the end. Keys and nonces are arrays, so their lengths are proven
//! by the compiler and not checked at run time.

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use xaes_256_gcm::Xaes256Gcm;
use zeroize::Zeroizing;

use crate::randomness::Randomness;
use crate::secret::SecretBytes;

/// The length of every key, in bytes.
pub(crate) const KEY_LENGTH: usize = 32;
/// The length of the tag at the end of every ciphertext, in bytes.
pub(crate) const TAG_LENGTH: usize = 16;
/// The length of an AES-256-GCM nonce, in bytes.
pub(crate) const GCM_NONCE_LENGTH: usize = 12;
/// The length of an XAES-256-GCM nonce, in bytes.
pub(crate) const XAES_NONCE_LENGTH: usize = 24;

/// The bytes of a 256-bit key, wiped on drop.
pub(crate) type KeyBytes = Zeroizing<[u8; KEY_LENGTH]>;

/// The cipher refused: on opening, the tag did not match; on sealing, the input is too long for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CipherError;

/// AES-256-GCM (NIST SP 800-38D). A key may be used with a nonce once: ours are used for one value only.
pub(crate) fn encrypt_aes_256_gcm(
    key: &KeyBytes,
    nonce: &[u8; GCM_NONCE_LENGTH],
    associated_data: &[u8],
    plaintext: &[u8],
) -> Result<Vec<u8>, CipherError> {
    let payload = Payload {
        msg: plaintext,
        aad: associated_data,
    };
    Aes256Gcm::new((&**key).into())
        .encrypt(<&Nonce<_>>::from(nonce), payload)
        .map_err(|_| CipherError)
}

/// Opens what [`encrypt_aes_256_gcm`] made, or tells nothing about it.
pub(crate) fn decrypt_aes_256_gcm(
    key: &KeyBytes,
    nonce: &[u8; GCM_NONCE_LENGTH],
    associated_data: &[u8],
    ciphertext: &[u8],
) -> Result<SecretBytes, CipherError> {
    let payload = Payload {
        msg: ciphertext,
        aad: associated_data,
    };
    Aes256Gcm::new((&**key).into())
        .decrypt(<&Nonce<_>>::from(nonce), payload)
        .map(SecretBytes::new)
        .map_err(|_| CipherError)
}

/// XAES-256-GCM (C2SP): derives a key from the first half of the nonce, so random nonces may be used
/// without counting.
pub(crate) fn encrypt_xaes_256_gcm(
    key: &KeyBytes,
    nonce: &[u8; XAES_NONCE_LENGTH],
    associated_data: &[u8],
    plaintext: &[u8],
) -> Result<Vec<u8>, CipherError> {
    let payload = Payload {
        msg: plaintext,
        aad: associated_data,
    };
    Xaes256Gcm::new((&**key).into())
        .encrypt(<&xaes_256_gcm::Nonce>::from(nonce), payload)
        .map_err(|_| CipherError)
}

/// Opens what [`encrypt_xaes_256_gcm`] made, or tells nothing about it.
pub(crate) fn decrypt_xaes_256_gcm(
    key: &KeyBytes,
    nonce: &[u8; XAES_NONCE_LENGTH],
    associated_data: &[u8],
    ciphertext: &[u8],
) -> Result<SecretBytes, CipherError> {
    let payload = Payload {
        msg: ciphertext,
        aad: associated_data,
    };
    Xaes256Gcm::new((&**key).into())
        .decrypt(<&xaes_256_gcm::Nonce>::from(nonce), payload)
        .map(SecretBytes::new)
        .map_err(|_| CipherError)
}

/// A fresh random array: a nonce or a salt.
pub(crate) fn random_array<const LENGTH: usize>(randomness: &dyn Randomness) -> [u8; LENGTH] {
    let mut bytes = [0; LENGTH];
    randomness.fill(&mut bytes);
    bytes
}

/// A fresh random key, written only into memory that is wiped.
pub(crate) fn random_key(randomness: &dyn Randomness) -> KeyBytes {
    let mut key = KeyBytes::default();
    randomness.fill(&mut *key);
    key
}

/// Opened bytes as a key. `None` when they are not exactly as long as a key.
pub(crate) fn to_key(bytes: &SecretBytes) -> Option<KeyBytes> {
    let mut key = KeyBytes::default();
    if bytes.len() != key.len() {
        return None;
    }
    key.copy_from_slice(bytes.expose_bytes());
    Some(key)
}

#[cfg(test)]
#[path = "cipher_vectors.rs"]
mod cipher_vectors;
