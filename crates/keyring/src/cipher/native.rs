//! The payload's ciphers by `ring`, the fastest that is maintained (docs/adr/0009-ciphers.md). It has no
//! AES-256-GCM-SIV, and does not wipe its key schedules: whoever calls sweeps the stack.

use aes::cipher::{Block, BlockCipherEncrypt, KeyInit};
use ring::aead::{AES_256_GCM, Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, Tag, UnboundKey};

use super::{
    CipherError, KeyBytes, PAYLOAD_NONCE_LENGTH, PayloadCipher, TagBytes, XAES_NONCE_LENGTH, portable,
};
use crate::wipe::Wiped;

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

/// XAES-256-GCM, as C2SP writes it: the key of AES-256-GCM is derived by two blocks of AES-256.
pub(super) struct Xaes {
    /// Wiped on drop by its crate.
    aes: aes::Aes256,
    /// `M` of the specification: what the blocks are combined with.
    mask: Wiped<16>,
}

impl Xaes {
    pub(super) fn new(key: &KeyBytes) -> Self {
        let aes = aes::Aes256::new((&**key).into());
        let mut block = Block::<aes::Aes256>::default();
        aes.encrypt_block(&mut block);
        let mut mask = Wiped::<16>::default();
        let doubled = u128::from_be_bytes(block.into());
        let carried = (doubled >> 127) * 0b1000_0111;
        *mask = ((doubled << 1) ^ carried).to_be_bytes();
        Self { aes, mask }
    }

    pub(super) fn seal(
        &self,
        nonce: &[u8; XAES_NONCE_LENGTH],
        associated_data: &[u8],
        buffer: &mut [u8],
    ) -> Result<TagBytes, CipherError> {
        let (key, nonce) = self.derive(nonce);
        seal(PayloadCipher::Aes256Gcm, &key, &nonce, associated_data, buffer)
    }

    pub(super) fn open(
        &self,
        nonce: &[u8; XAES_NONCE_LENGTH],
        associated_data: &[u8],
        buffer: &mut [u8],
        tag: &TagBytes,
    ) -> Result<(), CipherError> {
        let (key, nonce) = self.derive(nonce);
        open(
            PayloadCipher::Aes256Gcm,
            &key,
            &nonce,
            associated_data,
            buffer,
            tag,
        )
    }

    /// The key that belongs to the first half of the nonce, and the second half.
    fn derive(&self, nonce: &[u8; XAES_NONCE_LENGTH]) -> (KeyBytes, [u8; PAYLOAD_NONCE_LENGTH]) {
        let (first, second) = nonce.split_at(PAYLOAD_NONCE_LENGTH);
        let mut blocks = [1, 2].map(|counter| {
            let mut block = [0; 16];
            block[..4].copy_from_slice(&[0, counter, b'X', 0]);
            block[4..].copy_from_slice(first);
            let masked = u128::from_be_bytes(block) ^ u128::from_be_bytes(*self.mask);
            Block::<aes::Aes256>::from(masked.to_be_bytes())
        });
        self.aes.encrypt_blocks(&mut blocks);
        let mut key = KeyBytes::default();
        for (half, block) in key.chunks_exact_mut(16).zip(&blocks) {
            half.copy_from_slice(block);
        }
        let mut rest = [0; PAYLOAD_NONCE_LENGTH];
        rest.copy_from_slice(second);
        (key, rest)
    }
}
