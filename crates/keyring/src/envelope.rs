//! The bytes of a sealed value, format 1. `docs/keyring-format.md` tells them one by one.

use crate::cipher::{GCM_NONCE_LENGTH, KEY_LENGTH, TAG_LENGTH, XAES_NONCE_LENGTH};
use crate::key::{KeyId, KeyVersion};
use crate::reader::{Malformed, Reader, put_key_id};

const KIND: [u8; 3] = *b"RKE";
const FORMAT: u8 = 1;
/// Payload by AES-256-GCM under a fresh data key; the data key wrapped by XAES-256-GCM.
const ALGORITHM: u8 = 1;
const WRAPPED_KEY_LENGTH: usize = KEY_LENGTH + TAG_LENGTH;

/// What an envelope tells about itself to anybody, keys or no keys.
///
/// None of it is proven until the envelope has been opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvelopeHeader {
    /// The key that wrapped the data key.
    pub key_id: KeyId,
    /// The version of that key.
    pub version: KeyVersion,
    /// The length of the plaintext, in bytes.
    pub plaintext_length: u32,
}

/// Reads what an envelope tells about itself: which key, which version, how long a value.
pub fn inspect(bytes: &[u8]) -> Result<EnvelopeHeader, Malformed> {
    let envelope = Envelope::parse(bytes)?;
    let Envelope {
        key_id,
        version,
        plaintext_length,
        ..
    } = envelope;
    Ok(EnvelopeHeader {
        key_id,
        version,
        plaintext_length,
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
    pub(crate) key_id: KeyId,
    pub(crate) version: KeyVersion,
    pub(crate) payload_nonce: [u8; GCM_NONCE_LENGTH],
    pub(crate) wrap_nonce: [u8; XAES_NONCE_LENGTH],
    pub(crate) wrapped_key: [u8; WRAPPED_KEY_LENGTH],
    pub(crate) plaintext_length: u32,
    /// The payload's ciphertext with its tag.
    pub(crate) ciphertext: &'a [u8],
    /// Kind, format, algorithm and key id: all that stays the same when the data key is wrapped anew.
    pub(crate) binding: &'a [u8],
    /// The binding, the version and the payload nonce: what the wrap vouches for.
    pub(crate) header: &'a [u8],
}

impl<'a> Envelope<'a> {
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        reader.expect_kind(KIND, FORMAT)?;
        reader.expect_algorithm(ALGORITHM)?;
        let key_id = reader.take_key_id()?;
        let binding = reader.read_so_far();
        let version = reader.take_version()?;
        let payload_nonce = reader.take_array()?;
        let header = reader.read_so_far();
        let wrap_nonce = reader.take_array()?;
        let wrapped_key = reader.take_array()?;
        let plaintext_length = reader.take_u32()?;
        // `usize` has at least 32 bits on every target we build for; with exactly 32 the sum may not fit.
        let ciphertext_length = (plaintext_length as usize).checked_add(TAG_LENGTH);
        let ciphertext = reader.take(ciphertext_length.ok_or(Malformed::Truncated)?)?;
        reader.expect_end()?;
        Ok(Self {
            key_id,
            version,
            payload_nonce,
            wrap_nonce,
            wrapped_key,
            plaintext_length,
            ciphertext,
            binding,
            header,
        })
    }
}

/// The binding of every envelope of this key.
pub(crate) fn binding(key_id: &KeyId) -> Vec<u8> {
    let mut bytes = KIND.to_vec();
    bytes.extend_from_slice(&[FORMAT, ALGORITHM]);
    put_key_id(&mut bytes, key_id);
    bytes
}

/// The header: a binding, then the version and the payload nonce.
pub(crate) fn header(binding: &[u8], version: KeyVersion, payload_nonce: &[u8; GCM_NONCE_LENGTH]) -> Vec<u8> {
    [binding, &version.number().to_be_bytes(), payload_nonce].concat()
}

/// The whole envelope. `plaintext_length` is that of the value inside `ciphertext`.
pub(crate) fn assemble(
    header: &[u8],
    wrap_nonce: &[u8; XAES_NONCE_LENGTH],
    wrapped_key: &[u8],
    plaintext_length: u32,
    ciphertext: &[u8],
) -> Vec<u8> {
    [
        header,
        wrap_nonce,
        wrapped_key,
        &plaintext_length.to_be_bytes(),
        ciphertext,
    ]
    .concat()
}
