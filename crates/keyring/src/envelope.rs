//! The bytes of a sealed value, format 1. `docs/keyring-format.md` tells them one by one.

use crate::algorithm::{Algorithm, Purpose};
use crate::cipher::{
    PAYLOAD_NONCE_LENGTH, PayloadCipher, TAG_LENGTH, TagBytes, WRAPPED_KEY_LENGTH, XAES_NONCE_LENGTH,
};
use crate::key::{KeyId, KeyVersion};
use crate::reader::{Malformed, Reader, put_key_id};

const KIND: [u8; 3] = *b"RKE";
const FORMAT: u8 = 1;

/// What an envelope tells about itself to anybody, keys or no keys.
///
/// None of it is proven until the envelope has been opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvelopeHeader {
    /// The key that wrapped the data key.
    pub key_id: KeyId,
    /// The version of that key.
    pub version: KeyVersion,
    /// The algorithm of the payload.
    pub algorithm: Algorithm,
    /// The length of the plaintext, in bytes.
    pub plaintext_length: u32,
}

/// Reads what an envelope tells about itself: which key, which version, which algorithm, how long a value.
pub fn inspect(bytes: &[u8]) -> Result<EnvelopeHeader, Malformed> {
    let envelope = Envelope::parse(bytes, |_| true)?;
    Ok(EnvelopeHeader {
        key_id: KeyId::of_checked(envelope.key_id),
        version: envelope.version,
        algorithm: envelope.cipher.algorithm(),
        plaintext_length: envelope.plaintext_length,
    })
}

/// A value sealed into an envelope, ready to be stored anywhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    pub(crate) bytes: Vec<u8>,
    pub(crate) version: KeyVersion,
}

impl Sealed {
    /// The envelope.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The envelope, given away.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// The version of the key that wrapped it.
    pub fn version(&self) -> KeyVersion {
        self.version
    }
}

/// An envelope whose every byte has been accounted for, and whose nothing has been proven.
pub(crate) struct Envelope<'a> {
    pub(crate) cipher: PayloadCipher,
    pub(crate) key_id: &'a str,
    pub(crate) version: KeyVersion,
    pub(crate) payload_nonce: [u8; PAYLOAD_NONCE_LENGTH],
    pub(crate) wrap_nonce: [u8; XAES_NONCE_LENGTH],
    pub(crate) wrapped_key: [u8; WRAPPED_KEY_LENGTH],
    pub(crate) plaintext_length: u32,
    pub(crate) ciphertext: &'a [u8],
    pub(crate) tag: TagBytes,
    /// Kind, format, algorithm and key id: all that stays the same when the data key is wrapped anew.
    pub(crate) binding: &'a [u8],
    /// The binding, the version and the payload nonce: what the wrap vouches for.
    pub(crate) header: &'a [u8],
    /// The length, the ciphertext and the tag: what a rewrap takes over as it is.
    pub(crate) payload: &'a [u8],
}

impl<'a> Envelope<'a> {
    /// Reads an envelope, if it is of a cipher that is accepted.
    pub(crate) fn parse(bytes: &'a [u8], accepts: impl Fn(PayloadCipher) -> bool) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        reader.expect_kind(KIND, FORMAT)?;
        let algorithm = reader.take_algorithm(Purpose::Encrypt)?;
        let cipher = algorithm.payload_cipher().filter(|cipher| accepts(*cipher));
        let cipher = cipher.ok_or(Malformed::UnknownAlgorithm(algorithm.code()))?;
        let key_id = reader.take_key_id()?;
        let binding = reader.read_so_far();
        let version = reader.take_version()?;
        let payload_nonce = reader.take_array()?;
        let header = reader.read_so_far();
        let wrap_nonce = reader.take_array()?;
        let wrapped_key = reader.take_array()?;
        let payload = reader.left();
        let plaintext_length = reader.take_u32()?;
        let ciphertext = reader.take(plaintext_length as usize)?;
        let tag = reader.take_array()?;
        reader.expect_end()?;
        Ok(Self {
            cipher,
            key_id,
            version,
            payload_nonce,
            wrap_nonce,
            wrapped_key,
            plaintext_length,
            ciphertext,
            tag,
            binding,
            header,
            payload,
        })
    }
}

/// The binding of every envelope of this key.
pub(crate) fn binding(key_id: &KeyId, cipher: PayloadCipher) -> Vec<u8> {
    let mut bytes = KIND.to_vec();
    bytes.extend_from_slice(&[FORMAT, cipher.algorithm().code()]);
    put_key_id(&mut bytes, key_id);
    bytes
}

/// The start of a new envelope: its header, in an allocation that holds the wrap, the length and a payload of
/// `payload_length` bytes besides, so that nothing of it ever moves.
pub(crate) fn begin(
    binding: &[u8],
    version: KeyVersion,
    payload_nonce: &[u8; PAYLOAD_NONCE_LENGTH],
    payload_length: usize,
) -> Vec<u8> {
    const FIXED: usize = 4 + PAYLOAD_NONCE_LENGTH + XAES_NONCE_LENGTH + WRAPPED_KEY_LENGTH + 4 + TAG_LENGTH;
    let mut bytes = Vec::with_capacity(binding.len() + FIXED + payload_length);
    bytes.extend_from_slice(binding);
    bytes.extend_from_slice(&version.number().to_be_bytes());
    bytes.extend_from_slice(payload_nonce);
    bytes
}
