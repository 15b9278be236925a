//! The ciphers everything here is made of, and the only functions that call them.
//!
//! There is one seam: [`PayloadCipher`] runs on the fastest maintained implementation where there is one
//! (`native`), [`Wrapper`] too, and on pure Rust elsewhere (`portable`). Both give the same bytes; `cipher_vectors` proves it.
//! Keys, nonces and tags are arrays, so their lengths are proven by the compiler and not checked at run time.

use crate::algorithm::Algorithm;
use crate::randomness::Randomness;
use crate::secret::SecretBytes;
use crate::wipe::Wiped;

#[cfg(not(target_arch = "wasm32"))]
mod native;
mod portable;

#[cfg(not(target_arch = "wasm32"))]
use native as implementation;
#[cfg(target_arch = "wasm32")]
use portable as implementation;

/// The length of every key, in bytes.
pub(crate) const KEY_LENGTH: usize = 32;
/// The length of the tag at the end of every ciphertext, in bytes.
pub(crate) const TAG_LENGTH: usize = 16;
/// The length of the nonce of every payload, in bytes.
pub(crate) const PAYLOAD_NONCE_LENGTH: usize = 12;
/// The length of an XAES-256-GCM nonce, in bytes.
pub(crate) const XAES_NONCE_LENGTH: usize = 24;
/// The length of a key that another key wraps: the key and a tag.
pub(crate) const WRAPPED_KEY_LENGTH: usize = KEY_LENGTH + TAG_LENGTH;

/// The bytes of a 256-bit key, wiped on drop.
pub(crate) type KeyBytes = Wiped<KEY_LENGTH>;
/// A tag.
pub(crate) type TagBytes = [u8; TAG_LENGTH];

/// The cipher refused: on opening, the tag did not match; on sealing, the input is too long for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CipherError;

/// What encrypts payloads, each under a key of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PayloadCipher {
    /// NIST SP 800-38D.
    Aes256Gcm,
    /// RFC 8452.
    Aes256GcmSiv,
    /// RFC 8439.
    ChaCha20Poly1305,
}

impl PayloadCipher {
    pub(crate) fn algorithm(self) -> Algorithm {
        match self {
            Self::Aes256Gcm => Algorithm::Aes256Gcm,
            Self::Aes256GcmSiv => Algorithm::Aes256GcmSiv,
            Self::ChaCha20Poly1305 => Algorithm::ChaCha20Poly1305,
        }
    }

    /// Encrypts in place. A key may be used with a nonce once: ours are used for one value only.
    ///
    /// After an error the buffer holds the plaintext or a part of it, and is the caller's to wipe.
    pub(crate) fn seal(
        self,
        key: &KeyBytes,
        nonce: &[u8; PAYLOAD_NONCE_LENGTH],
        associated_data: &[u8],
        buffer: &mut [u8],
    ) -> Result<TagBytes, CipherError> {
        implementation::seal(self, key, nonce, associated_data, buffer)
    }

    /// Opens in place what [`Self::seal`] made, or leaves nothing of it that may be looked at.
    pub(crate) fn open(
        self,
        key: &KeyBytes,
        nonce: &[u8; PAYLOAD_NONCE_LENGTH],
        associated_data: &[u8],
        buffer: &mut [u8],
        tag: &TagBytes,
    ) -> Result<(), CipherError> {
        implementation::open(self, key, nonce, associated_data, buffer, tag)
    }
}

/// A key that wraps keys by XAES-256-GCM (C2SP), which derives a key from the first half of the nonce, so that
/// random nonces may be used without counting. Its key schedule is wiped on drop, and never moves.
pub(crate) struct Wrapper(Box<implementation::Xaes>);

impl Wrapper {
    pub(crate) fn new(key: &KeyBytes) -> Self {
        Self(Box::new(implementation::Xaes::new(key)))
    }

    /// The key, encrypted, with its tag.
    pub(crate) fn wrap(
        &self,
        nonce: &[u8; XAES_NONCE_LENGTH],
        associated_data: &[u8],
        key: &KeyBytes,
    ) -> Result<[u8; WRAPPED_KEY_LENGTH], CipherError> {
        let mut wrapped = Wiped::<WRAPPED_KEY_LENGTH>::default();
        let (inside, tag) = wrapped.split_at_mut(KEY_LENGTH);
        inside.copy_from_slice(&**key);
        tag.copy_from_slice(&self.0.seal(nonce, associated_data, inside)?);
        Ok(*wrapped)
    }

    /// Opens what [`Self::wrap`] made, or tells nothing about it.
    pub(crate) fn unwrap(
        &self,
        nonce: &[u8; XAES_NONCE_LENGTH],
        associated_data: &[u8],
        wrapped: &[u8; WRAPPED_KEY_LENGTH],
    ) -> Result<KeyBytes, CipherError> {
        let mut key = KeyBytes::default();
        self.unwrap_into(&mut key, nonce, associated_data, wrapped)?;
        Ok(key)
    }

    /// The same for a key that stays: it is written where it will lie.
    pub(crate) fn unwrap_to_stay(
        &self,
        nonce: &[u8; XAES_NONCE_LENGTH],
        associated_data: &[u8],
        wrapped: &[u8; WRAPPED_KEY_LENGTH],
    ) -> Result<Box<KeyBytes>, CipherError> {
        let mut key = Box::<KeyBytes>::default();
        self.unwrap_into(&mut key, nonce, associated_data, wrapped)?;
        Ok(key)
    }

    fn unwrap_into(
        &self,
        key: &mut KeyBytes,
        nonce: &[u8; XAES_NONCE_LENGTH],
        associated_data: &[u8],
        wrapped: &[u8; WRAPPED_KEY_LENGTH],
    ) -> Result<(), CipherError> {
        let (inside, tag) = wrapped.split_first_chunk().ok_or(CipherError)?;
        let tag = tag.first_chunk().ok_or(CipherError)?;
        **key = *inside;
        self.0.open(nonce, associated_data, &mut **key, tag)
    }
}

/// A fresh random array: a nonce or a salt.
pub(crate) fn random_array<const LENGTH: usize>(randomness: &dyn Randomness) -> [u8; LENGTH] {
    let mut bytes = [0; LENGTH];
    randomness.fill(&mut bytes);
    bytes
}

/// A fresh random key that stays. It is written where it will lie, and only there.
pub(crate) fn random_key(randomness: &dyn Randomness) -> Box<KeyBytes> {
    let mut key = Box::<KeyBytes>::default();
    randomness.fill(&mut **key);
    key
}

/// Opened bytes as a key that stays. `None` when they are not exactly as long as a key.
pub(crate) fn to_key(bytes: &SecretBytes) -> Option<Box<KeyBytes>> {
    let mut key = Box::<KeyBytes>::default();
    if bytes.len() != key.len() {
        return None;
    }
    key.copy_from_slice(bytes.expose_bytes());
    Some(key)
}

#[cfg(test)]
#[path = "cipher_vectors.rs"]
mod cipher_vectors;
