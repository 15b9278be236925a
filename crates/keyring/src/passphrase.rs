//! A root key from a passphrase, and the record that says how a root key is to be had and recognised.

use argon2::{Algorithm, Argon2, Block, Params, Version};
use serde::{Deserialize, Serialize};
use zeroize::Zeroize;

use crate::cipher::{KEY_LENGTH, KeyBytes, random_array};
use crate::randomness::Randomness;
use crate::reader::Reader;
use crate::root_key::{
    DamagedRecord, RootKey, RootKeyFingerprint, WrongRootKey, append_checksum, expect_checksum,
};
use crate::secret::SecretText;

const KIND: [u8; 3] = *b"RKC";
const FORMAT: u8 = 1;
const ORIGIN_GIVEN: u8 = 0;
const ORIGIN_ARGON2ID: u8 = 1;

/// What turning a passphrase into a key costs: Argon2id version 0x13.
///
/// Stored beside the data it protects, so that it can rise without locking anybody out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PassphraseCost {
    /// Memory, in KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub iterations: u32,
    /// Lanes of the memory.
    pub lanes: u32,
}

impl PassphraseCost {
    /// The cost for new root keys: the second recommendation of RFC 9106, above OWASP's least.
    pub const RECOMMENDED: Self = Self {
        memory_kib: 64 * 1024,
        iterations: 3,
        lanes: 4,
    };
    /// The least that is accepted: OWASP's recommendation for Argon2id.
    pub const LEAST: Self = Self {
        memory_kib: 19 * 1024,
        iterations: 2,
        lanes: 1,
    };
    /// The most that is accepted, so that a damaged or hostile record cannot exhaust the machine.
    pub const MOST: Self = Self {
        memory_kib: 1024 * 1024,
        iterations: 32,
        lanes: 16,
    };

    fn is_within_limits(self) -> bool {
        (Self::LEAST.memory_kib..=Self::MOST.memory_kib).contains(&self.memory_kib)
            && (Self::LEAST.iterations..=Self::MOST.iterations).contains(&self.iterations)
            && (Self::LEAST.lanes..=Self::MOST.lanes).contains(&self.lanes)
    }
}

/// Sixteen random bytes, stored in the open, so that equal passphrases do not make equal keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PassphraseSalt([u8; Self::LENGTH]);

impl PassphraseSalt {
    /// The length of a salt, in bytes.
    pub const LENGTH: usize = 16;

    /// Makes a new random salt.
    pub fn generate(randomness: &dyn Randomness) -> Self {
        Self(random_array(randomness))
    }

    /// Takes over a salt made before.
    pub fn from_bytes(bytes: [u8; Self::LENGTH]) -> Self {
        Self(bytes)
    }
}

impl RootKey {
    /// Makes the root key that belongs to a passphrase, a salt and a cost. Takes a noticeable time.
    ///
    /// The passphrase is used as its UTF-8 bytes, as typed: nothing is trimmed or normalised.
    pub fn from_passphrase(
        passphrase: &SecretText,
        salt: &PassphraseSalt,
        cost: PassphraseCost,
    ) -> Result<Self, PassphraseError> {
        if passphrase.is_empty() {
            return Err(PassphraseError::Empty);
        }
        if !cost.is_within_limits() {
            return Err(PassphraseError::Cost);
        }
        let params = Params::new(cost.memory_kib, cost.iterations, cost.lanes, Some(KEY_LENGTH))
            .map_err(|_| PassphraseError::Cost)?;
        let mut memory = Blocks(Vec::new());
        memory
            .0
            .try_reserve_exact(params.block_count())
            .map_err(|_| PassphraseError::Memory)?;
        memory.0.resize(params.block_count(), Block::default());
        let mut key = Box::<KeyBytes>::default();
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into_with_memory(
                passphrase.expose_text().as_bytes(),
                &salt.0,
                &mut **key,
                &mut memory.0,
            )
            .map_err(|_| PassphraseError::Cost)?;
        Ok(Self::from_key(key))
    }
}

/// The working memory of Argon2, wiped on drop: its last blocks are enough to compute the key.
struct Blocks(Vec<Block>);

impl Drop for Blocks {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// Where a root key comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RootKeyOrigin {
    /// It is given whole, as in a file.
    Given,
    /// It is made from a passphrase.
    Passphrase {
        /// The salt it is made with.
        salt: PassphraseSalt,
        /// The cost it is made at.
        cost: PassphraseCost,
    },
}

/// What is stored about the root key, and not the key: where it comes from, and how to recognise it.
///
/// Write it when the first thing is sealed, and [`check`](Self::check) the root key against it at every
/// start, so that a wrong one is refused before it can seal anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RootKeyRecord {
    origin: RootKeyOrigin,
    fingerprint: RootKeyFingerprint,
}

impl RootKeyRecord {
    /// Describes a root key.
    pub fn new(root_key: &RootKey, origin: RootKeyOrigin) -> Self {
        Self {
            origin,
            fingerprint: root_key.fingerprint(),
        }
    }

    /// Where the root key comes from.
    pub fn origin(&self) -> RootKeyOrigin {
        self.origin
    }

    /// Whether this is the root key that the record describes.
    pub fn check(&self, root_key: &RootKey) -> Result<(), WrongRootKey> {
        let (needed, given) = (self.fingerprint, root_key.fingerprint());
        if needed == given {
            Ok(())
        } else {
            Err(WrongRootKey { needed, given })
        }
    }

    /// The record as it is stored.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = KIND.to_vec();
        bytes.push(FORMAT);
        match self.origin {
            RootKeyOrigin::Given => bytes.push(ORIGIN_GIVEN),
            RootKeyOrigin::Passphrase { salt, cost } => {
                bytes.push(ORIGIN_ARGON2ID);
                for number in [cost.memory_kib, cost.iterations, cost.lanes] {
                    bytes.extend_from_slice(&number.to_be_bytes());
                }
                bytes.extend_from_slice(&salt.0);
            }
        }
        bytes.extend_from_slice(&self.fingerprint.0);
        append_checksum(&mut bytes);
        bytes
    }

    /// Reads a stored record.
    pub fn parse(bytes: &[u8]) -> Result<Self, DamagedRecord> {
        let mut reader = Reader::new(bytes);
        reader.expect_kind(KIND, FORMAT)?;
        let origin = match reader.take_byte()? {
            ORIGIN_GIVEN => RootKeyOrigin::Given,
            ORIGIN_ARGON2ID => {
                let memory_kib = reader.take_u32()?;
                let iterations = reader.take_u32()?;
                let lanes = reader.take_u32()?;
                let salt = PassphraseSalt(reader.take_array()?);
                let cost = PassphraseCost {
                    memory_kib,
                    iterations,
                    lanes,
                };
                RootKeyOrigin::Passphrase { salt, cost }
            }
            unknown => return Err(crate::reader::Malformed::UnknownAlgorithm(unknown).into()),
        };
        let fingerprint = RootKeyFingerprint(reader.take_array::<{ RootKeyFingerprint::LENGTH }>()?);
        expect_checksum(&mut reader)?;
        match origin {
            RootKeyOrigin::Passphrase { cost, .. } if !cost.is_within_limits() => Err(DamagedRecord::Cost),
            RootKeyOrigin::Passphrase { .. } | RootKeyOrigin::Given => Ok(Self { origin, fingerprint }),
        }
    }
}

/// Why a passphrase did not become a root key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PassphraseError {
    /// There is no passphrase.
    #[error("the root passphrase is empty; set ROTA_ROOT_PASSPHRASE to one")]
    Empty,
    /// The cost is outside the limits.
    #[error(
        "the passphrase cost is outside the limits: memory 19 MiB to 1 GiB, 2 to 32 iterations, 1 to 16 lanes"
    )]
    Cost,
    /// The machine does not have the memory.
    #[error("there is not enough free memory to turn the passphrase into a key; free some and start again")]
    Memory,
}
