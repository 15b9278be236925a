//! The root key: it wraps the wrapping keys, and never anything else.

use std::fmt;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

use crate::cipher::{
    KEY_LENGTH, KeyBytes, WRAPPED_KEY_LENGTH, Wrapper, XAES_NONCE_LENGTH, random_array, random_key, to_key,
};
use crate::key::{KeyId, KeyMaterial, KeyVersion};
use crate::randomness::Randomness;
use crate::reader::{Malformed, Reader, put_key_id};
use crate::secret::SecretBytes;
use crate::wipe::sweep_stack;

const KIND: [u8; 3] = *b"RKW";
const FORMAT: u8 = 1;
/// XAES-256-GCM.
const ALGORITHM: u8 = 1;
const FINGERPRINT_LENGTH: usize = 16;
const FINGERPRINT_LABEL: &[u8] = b"rota root key fingerprint 1";
const CHECKSUM_LENGTH: usize = 8;

/// The key at the top: 32 bytes from a file, or made from a passphrase.
pub struct RootKey(Box<KeyBytes>);

impl RootKey {
    /// The length of a root key, in bytes.
    pub const LENGTH: usize = KEY_LENGTH;

    /// Makes a new random root key.
    pub fn generate(randomness: &dyn Randomness) -> Self {
        Self(random_key(randomness))
    }

    /// Takes the content of a root key file.
    pub fn from_bytes(bytes: &SecretBytes) -> Result<Self, InvalidRootKey> {
        to_key(bytes)
            .map(Self)
            .ok_or(InvalidRootKey { length: bytes.len() })
    }

    pub(crate) fn from_key(key: Box<KeyBytes>) -> Self {
        Self(key)
    }

    /// The bytes, for writing the root key file when it is made and for nothing else.
    pub fn expose_bytes(&self) -> &[u8; Self::LENGTH] {
        &self.0
    }

    /// What tells this root key from others, and gives nothing of it away.
    pub fn fingerprint(&self) -> RootKeyFingerprint {
        let mut hasher = Sha256::new();
        hasher.update(FINGERPRINT_LABEL);
        hasher.update(self.0.as_slice());
        let mut digest: [u8; 32] = hasher.finalize().into();
        let mut fingerprint = [0; FINGERPRINT_LENGTH];
        fingerprint.copy_from_slice(&digest[..FINGERPRINT_LENGTH]);
        digest.zeroize();
        RootKeyFingerprint(fingerprint)
    }

    /// Wraps one version of a wrapping key for storage. The result names the key, the version and this root
    /// key, and opens under no others.
    pub fn seal_wrapping_key(
        &self,
        randomness: &dyn Randomness,
        key_id: &KeyId,
        version: KeyVersion,
        material: &KeyMaterial,
    ) -> Result<Vec<u8>, RootSealError> {
        let mut bytes = KIND.to_vec();
        bytes.extend_from_slice(&[FORMAT, ALGORITHM]);
        bytes.extend_from_slice(&self.fingerprint().0);
        put_key_id(&mut bytes, key_id);
        bytes.extend_from_slice(&version.number().to_be_bytes());
        let nonce = random_array(randomness);
        let wrapped = Wrapper::new(&self.0).wrap(&nonce, &bytes, &material.0);
        sweep_stack();
        let wrapped = wrapped.map_err(|_| RootSealError)?;
        bytes.extend_from_slice(&nonce);
        bytes.extend_from_slice(&wrapped);
        append_checksum(&mut bytes);
        Ok(bytes)
    }

    /// Opens a wrapping key that is expected to be this version of this key.
    pub fn open_wrapping_key(
        &self,
        key_id: &KeyId,
        version: KeyVersion,
        bytes: &[u8],
    ) -> Result<KeyMaterial, OpenWrappingKeyError> {
        let checked = SealedWrappingKey::parse(bytes)?;
        let own_fingerprint = self.fingerprint();
        if checked.fingerprint != own_fingerprint {
            let (needed, given) = (checked.fingerprint, own_fingerprint);
            return Err(OpenWrappingKeyError::WrongRootKey(WrongRootKey { needed, given }));
        }
        if checked.key_id != key_id.as_str() || checked.version != version {
            return Err(OpenWrappingKeyError::Misplaced {
                expected: key_id.clone(),
                expected_version: version,
                found: KeyId::of_checked(checked.key_id),
                found_version: checked.version,
            });
        }
        let material = Wrapper::new(&self.0).unwrap_to_stay(&checked.nonce, checked.header, &checked.wrapped);
        sweep_stack();
        material
            .map(KeyMaterial)
            .map_err(|_| OpenWrappingKeyError::Tampered)
    }
}

impl fmt::Debug for RootKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("***")
    }
}

/// The key check value of a root key: 16 bytes of a hash of it. Not secret.
#[derive(Clone, Copy, Eq)]
pub struct RootKeyFingerprint(pub(crate) [u8; FINGERPRINT_LENGTH]);

impl RootKeyFingerprint {
    pub(crate) const LENGTH: usize = FINGERPRINT_LENGTH;
}

impl PartialEq for RootKeyFingerprint {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

/// The first four bytes in hexadecimal: enough to tell root keys apart in a message.
impl fmt::Display for RootKeyFingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .take(4)
            .try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl fmt::Debug for RootKeyFingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "RootKeyFingerprint({self})")
    }
}

struct SealedWrappingKey<'a> {
    fingerprint: RootKeyFingerprint,
    key_id: &'a str,
    version: KeyVersion,
    header: &'a [u8],
    nonce: [u8; XAES_NONCE_LENGTH],
    wrapped: [u8; WRAPPED_KEY_LENGTH],
}

impl<'a> SealedWrappingKey<'a> {
    fn parse(bytes: &'a [u8]) -> Result<Self, OpenWrappingKeyError> {
        let mut reader = Reader::new(bytes);
        reader.expect_kind(KIND, FORMAT)?;
        reader.expect_algorithm(ALGORITHM)?;
        let fingerprint = RootKeyFingerprint(reader.take_array()?);
        let key_id = reader.take_key_id()?;
        let version = reader.take_version()?;
        let header = reader.read_so_far();
        let nonce = reader.take_array()?;
        let wrapped = reader.take_array()?;
        expect_checksum(&mut reader)?;
        Ok(Self {
            fingerprint,
            key_id,
            version,
            header,
            nonce,
            wrapped,
        })
    }
}

/// Ends a record with a checksum, so that an accident is told from a wrong key. It keeps nobody out.
pub(crate) fn append_checksum(bytes: &mut Vec<u8>) {
    let checksum = checksum(bytes);
    bytes.extend_from_slice(&checksum);
}

/// Reads the checksum over everything before it, which must be the end.
pub(crate) fn expect_checksum(reader: &mut Reader<'_>) -> Result<(), DamagedRecord> {
    let expected = checksum(reader.read_so_far());
    let found: [u8; CHECKSUM_LENGTH] = reader.take_array()?;
    reader.expect_end()?;
    if found == expected {
        Ok(())
    } else {
        Err(DamagedRecord::Checksum)
    }
}

fn checksum(bytes: &[u8]) -> [u8; CHECKSUM_LENGTH] {
    let digest: [u8; 32] = Sha256::digest(bytes).into();
    let mut checksum = [0; CHECKSUM_LENGTH];
    checksum.copy_from_slice(&digest[..CHECKSUM_LENGTH]);
    checksum
}

/// The bytes are not a root key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a root key is exactly 32 bytes, and this has {length}; restore the file from your copy")]
pub struct InvalidRootKey {
    /// How many bytes there were.
    pub length: usize,
}

/// The cipher refused to wrap a key. It has no reason to, and we do not panic over it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the wrapping key could not be sealed")]
pub struct RootSealError;

/// The record is whole, and it was made under another root key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "wrong root key: the data was sealed under root key {needed}, and the one given is {given}; start with the \
     root key file or the passphrase this data was created with"
)]
pub struct WrongRootKey {
    /// The root key that the record was made under.
    pub needed: RootKeyFingerprint,
    /// The root key that was tried.
    pub given: RootKeyFingerprint,
}

/// The record itself is broken, whatever the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DamagedRecord {
    /// Its bytes do not read as a record.
    #[error("the stored key record is damaged ({0}); restore it from a backup")]
    Malformed(#[from] Malformed),
    /// It reads, and its checksum does not agree.
    #[error("the stored key record is damaged (its checksum does not agree); restore it from a backup")]
    Checksum,
    /// It reads and agrees, and asks for a passphrase cost outside the limits.
    #[error("the stored key record asks for a passphrase cost outside the limits; restore it from a backup")]
    Cost,
}

/// Why a wrapping key was not opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenWrappingKeyError {
    /// The record is broken.
    #[error(transparent)]
    Damaged(#[from] DamagedRecord),
    /// The record is whole, and the root key is another one.
    #[error(transparent)]
    WrongRootKey(WrongRootKey),
    /// The record is whole, and it is that of another key or version.
    #[error(
        "the stored record holds version {found_version} of key {found}, where version {expected_version} of \
         key {expected} belongs; restore it from a backup"
    )]
    Misplaced {
        /// The key that was asked for.
        expected: KeyId,
        /// The version that was asked for.
        expected_version: KeyVersion,
        /// The key in the record.
        found: KeyId,
        /// The version in the record.
        found_version: KeyVersion,
    },
    /// Everything fits, checksum included, except the seal: somebody made it so.
    #[error("the stored wrapping key was changed on purpose: its checksum agrees and its seal does not")]
    Tampered,
}

impl From<Malformed> for OpenWrappingKeyError {
    fn from(malformed: Malformed) -> Self {
        Self::Damaged(malformed.into())
    }
}
