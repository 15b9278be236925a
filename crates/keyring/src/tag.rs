//! The bytes of a message authentication code or a signature, format 1. `docs/keyring-format.md` tells them.
//!
//! What is authenticated or signed is the message alone, so that anybody who has the key can check the last
//! bytes with any other program. The header only says which key to take; naming a wrong one refuses.

use crate::algorithm::{Algorithm, Purpose};
use crate::key::{KeyId, KeyVersion};
use crate::reader::{Malformed, Reader, put_key_id};

const FORMAT: u8 = 1;

/// A message authentication code or a signature, with the header that says by which key it was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    bytes: Vec<u8>,
    version: KeyVersion,
    header_length: usize,
}

impl Tag {
    pub(crate) fn new(algorithm: Algorithm, key_id: &KeyId, version: KeyVersion, raw: &[u8]) -> Self {
        let mut bytes = kind_of(algorithm.purpose()).to_vec();
        bytes.extend_from_slice(&[FORMAT, algorithm.code()]);
        put_key_id(&mut bytes, key_id);
        bytes.extend_from_slice(&version.number().to_be_bytes());
        let header_length = bytes.len();
        bytes.extend_from_slice(raw);
        Self {
            bytes,
            version,
            header_length,
        }
    }

    /// Header and all.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Header and all, given away.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Without the header, as other programs have it: 32 bytes of HMAC, 64 bytes of Ed25519, or `r` and `s` of
    /// ECDSA of 32 bytes each.
    pub fn raw(&self) -> &[u8] {
        self.bytes.get(self.header_length..).unwrap_or_default()
    }

    /// The version of the key that made it.
    pub fn version(&self) -> KeyVersion {
        self.version
    }
}

/// What a tag tells about itself to anybody. None of it is proven until the tag has been verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagHeader {
    /// The key that made it.
    pub key_id: KeyId,
    /// The version of that key.
    pub version: KeyVersion,
    /// Its algorithm, and with it whether it is a message authentication code or a signature.
    pub algorithm: Algorithm,
}

/// Reads what a message authentication code or a signature tells about itself.
pub fn inspect_tag(bytes: &[u8]) -> Result<TagHeader, Malformed> {
    let parsed = match ParsedTag::parse(bytes, Purpose::Mac) {
        Err(Malformed::NotOurs) => ParsedTag::parse(bytes, Purpose::Sign)?,
        other => other?,
    };
    Ok(TagHeader {
        key_id: KeyId::of_checked(parsed.key_id),
        version: parsed.version,
        algorithm: parsed.algorithm,
    })
}

/// A tag whose every byte has been accounted for, and whose nothing has been proven.
pub(crate) struct ParsedTag<'a> {
    pub(crate) algorithm: Algorithm,
    pub(crate) key_id: &'a str,
    pub(crate) version: KeyVersion,
    pub(crate) raw: &'a [u8],
}

impl<'a> ParsedTag<'a> {
    pub(crate) fn parse(bytes: &'a [u8], purpose: Purpose) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        reader.expect_kind(kind_of(purpose), FORMAT)?;
        let algorithm = reader.take_algorithm(purpose)?;
        let key_id = reader.take_key_id()?;
        let version = reader.take_version()?;
        let raw = reader.take(raw_length(algorithm))?;
        reader.expect_end()?;
        Ok(Self {
            algorithm,
            key_id,
            version,
            raw,
        })
    }
}

/// The three bytes at the beginning; nothing but tags of that purpose begins so.
fn kind_of(purpose: Purpose) -> [u8; 3] {
    match purpose {
        Purpose::Encrypt => *b"RKE",
        Purpose::Mac => *b"RKM",
        Purpose::Sign => *b"RKS",
    }
}

fn raw_length(algorithm: Algorithm) -> usize {
    match algorithm {
        Algorithm::HmacSha256 => 32,
        Algorithm::Ed25519 | Algorithm::EcdsaP256 => 64,
        Algorithm::Aes256Gcm | Algorithm::Aes256GcmSiv | Algorithm::ChaCha20Poly1305 => 0,
    }
}
