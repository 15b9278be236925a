//! The payload's ciphers by `ring`, the fastest that is maintained (docs/adr/0008-ciphers.md). It has no
//! AES-256-GCM-SIV, and does not wipe its key schedules: whoever calls sweeps the stack.

use ring::aead::{AES_256_GCM, Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, Tag, UnboundKey};

use super::{CipherError, KeyBytes, PAYLOAD_NONCE_LENGTH, PayloadCipher, TagBytes, portable};

pub(super) fn seal(
    cipher: PayloadCipher,
    key: &KeyBytes,
    nonce: &[u8; PAYLOAD_NONCE_LENGTH],
    associated_data: &[u8],
    buffer: &mut [u8],
) -> Result<TagBytes, CipherError> {
    let Some(key) = schedule(cipher, key)? else {
        return portable::seal_siv(key, nonce, associated_data, buffer);
    };
    key.seal_in_place_separate_tag(
        Nonce::assume_unique_for_key(*nonce),
        Aad::from(associated_data),
        buffer,
    )
    .ok()
    .and_then(|tag| tag.as_ref().try_into().ok())
    .ok_or(CipherError)
}

pub(super) fn open(
    cipher: PayloadCipher,
    key: &KeyBytes,
    nonce: &[u8; PAYLOAD_NONCE_LENGTH],
    associated_data: &[u8],
    buffer: &mut [u8],
    tag: &TagBytes,
) -> Result<(), CipherError> {
    let Some(key) = schedule(cipher, key)? else {
        return portable::open_siv(key, nonce, associated_data, buffer, tag);
    };
    key.open_in_place_separate_tag(
        Nonce::assume_unique_for_key(*nonce),
        Aad::from(associated_data),
        Tag::from(*tag),
        buffer,
        0..,
    )
    .map(|_| ())
    .map_err(|_| CipherError)
}

/// The key made ready. `None` for the cipher that `ring` does not have.
fn schedule(cipher: PayloadCipher, key: &KeyBytes) -> Result<Option<LessSafeKey>, CipherError> {
    let algorithm = match cipher {
        PayloadCipher::Aes256Gcm => &AES_256_GCM,
        PayloadCipher::ChaCha20Poly1305 => &CHACHA20_POLY1305,
        PayloadCipher::Aes256GcmSiv => return Ok(None),
    };
    let key = UnboundKey::new(algorithm, key.as_slice()).map_err(|_| CipherError)?;
    Ok(Some(LessSafeKey::new(key)))
}
