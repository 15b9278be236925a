//! The payload's ciphers in pure Rust, by RustCrypto: all of them in the browser, AES-256-GCM-SIV everywhere.

use aes_gcm::aead::consts::{U12, U16};
use aes_gcm::aead::{AeadInOut, KeyInit};
use aes_gcm_siv::Aes256GcmSiv;

use super::{CipherError, KeyBytes, PAYLOAD_NONCE_LENGTH, TagBytes};

#[cfg(any(test, target_arch = "wasm32"))]
pub(super) fn seal(
    cipher: super::PayloadCipher,
    key: &KeyBytes,
    nonce: &[u8; PAYLOAD_NONCE_LENGTH],
    associated_data: &[u8],
    buffer: &mut [u8],
) -> Result<TagBytes, CipherError> {
    use super::PayloadCipher;
    match cipher {
        PayloadCipher::Aes256Gcm => seal_by(&aes_gcm(key), nonce, associated_data, buffer),
        PayloadCipher::Aes256GcmSiv => seal_siv(key, nonce, associated_data, buffer),
        PayloadCipher::ChaCha20Poly1305 => seal_by(&chacha(key), nonce, associated_data, buffer),
    }
}

#[cfg(any(test, target_arch = "wasm32"))]
pub(super) fn open(
    cipher: super::PayloadCipher,
    key: &KeyBytes,
    nonce: &[u8; PAYLOAD_NONCE_LENGTH],
    associated_data: &[u8],
    buffer: &mut [u8],
    tag: &TagBytes,
) -> Result<(), CipherError> {
    use super::PayloadCipher;
    match cipher {
        PayloadCipher::Aes256Gcm => open_by(&aes_gcm(key), nonce, associated_data, buffer, tag),
        PayloadCipher::Aes256GcmSiv => open_siv(key, nonce, associated_data, buffer, tag),
        PayloadCipher::ChaCha20Poly1305 => open_by(&chacha(key), nonce, associated_data, buffer, tag),
    }
}

pub(super) fn seal_siv(
    key: &KeyBytes,
    nonce: &[u8; PAYLOAD_NONCE_LENGTH],
    associated_data: &[u8],
    buffer: &mut [u8],
) -> Result<TagBytes, CipherError> {
    seal_by(
        &Aes256GcmSiv::new((&**key).into()),
        nonce,
        associated_data,
        buffer,
    )
}

pub(super) fn open_siv(
    key: &KeyBytes,
    nonce: &[u8; PAYLOAD_NONCE_LENGTH],
    associated_data: &[u8],
    buffer: &mut [u8],
    tag: &TagBytes,
) -> Result<(), CipherError> {
    open_by(
        &Aes256GcmSiv::new((&**key).into()),
        nonce,
        associated_data,
        buffer,
        tag,
    )
}

#[cfg(any(test, target_arch = "wasm32"))]
fn aes_gcm(key: &KeyBytes) -> aes_gcm::Aes256Gcm {
    aes_gcm::Aes256Gcm::new((&**key).into())
}

#[cfg(any(test, target_arch = "wasm32"))]
fn chacha(key: &KeyBytes) -> chacha20poly1305::ChaCha20Poly1305 {
    chacha20poly1305::ChaCha20Poly1305::new((&**key).into())
}

fn seal_by(
    cipher: &impl AeadInOut<NonceSize = U12, TagSize = U16>,
    nonce: &[u8; PAYLOAD_NONCE_LENGTH],
    associated_data: &[u8],
    buffer: &mut [u8],
) -> Result<TagBytes, CipherError> {
    cipher
        .encrypt_inout_detached(nonce.into(), associated_data, buffer.into())
        .map(Into::into)
        .map_err(|_| CipherError)
}

fn open_by(
    cipher: &impl AeadInOut<NonceSize = U12, TagSize = U16>,
    nonce: &[u8; PAYLOAD_NONCE_LENGTH],
    associated_data: &[u8],
    buffer: &mut [u8],
    tag: &TagBytes,
) -> Result<(), CipherError> {
    cipher
        .decrypt_inout_detached(nonce.into(), associated_data, buffer.into(), tag.into())
        .map_err(|_| CipherError)
}

/// XAES-256-GCM. Wiped on drop by its crate.
#[cfg(any(test, target_arch = "wasm32"))]
pub(super) struct Xaes(xaes_256_gcm::Xaes256Gcm);

#[cfg(any(test, target_arch = "wasm32"))]
impl Xaes {
    pub(super) fn new(key: &KeyBytes) -> Self {
        Self(xaes_256_gcm::Xaes256Gcm::new((&**key).into()))
    }

    pub(super) fn seal(
        &self,
        nonce: &[u8; super::XAES_NONCE_LENGTH],
        associated_data: &[u8],
        buffer: &mut [u8],
    ) -> Result<TagBytes, CipherError> {
        self.0
            .encrypt_inout_detached(nonce.into(), associated_data, buffer.into())
            .map(Into::into)
            .map_err(|_| CipherError)
    }

    pub(super) fn open(
        &self,
        nonce: &[u8; super::XAES_NONCE_LENGTH],
        associated_data: &[u8],
        buffer: &mut [u8],
        tag: &TagBytes,
    ) -> Result<(), CipherError> {
        self.0
            .decrypt_inout_detached(nonce.into(), associated_data, buffer.into(), tag.into())
            .map_err(|_| CipherError)
    }
}
