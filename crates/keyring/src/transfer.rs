//! Keys that come in and go out: wrapped for one receiver by HPKE (RFC 9180, base mode) with
//! DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and AES-256-GCM.

use std::convert::Infallible;
use std::fmt;

use hpke::aead::{AeadTag, AesGcm256};
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::rand_core::{TryCryptoRng, TryRng};
use hpke::{
    Deserializable, Kem, OpModeR, OpModeS, Serializable, single_shot_open_inout_detached,
    single_shot_seal_inout_detached_with_rng,
};

use crate::algorithm::Algorithm;
use crate::cipher::{KEY_LENGTH, KeyBytes, TAG_LENGTH, random_key, to_key};
use crate::key::{KeyId, KeyMaterial};
use crate::randomness::Randomness;
use crate::secret::SecretBytes;
use crate::wipe::{Wiped, sweep_stack};

/// The length of an X25519 public key, in bytes.
pub const TRANSFER_PUBLIC_KEY_LENGTH: usize = 32;
/// The length of a wrapped key: the encapsulated key, the key, a tag.
pub const WRAPPED_TRANSFER_LENGTH: usize = TRANSFER_PUBLIC_KEY_LENGTH + KEY_LENGTH + TAG_LENGTH;

type PrivateKey = <X25519HkdfSha256 as Kem>::PrivateKey;

/// What a transferred key is to be: both sides say it, and a wrapped key opens as nothing else.
#[derive(Debug, Clone, Copy)]
pub struct Transfer<'a> {
    /// The algorithm of the key.
    pub algorithm: Algorithm,
    /// The name of the key, as people know it.
    pub name: &'a KeyId,
}

impl Transfer<'_> {
    /// The `info` of RFC 9180: `rota key transfer 1:<algorithm>:<name>`. Neither part has a colon in it.
    pub fn info(&self) -> String {
        format!("rota key transfer 1:{}:{}", self.algorithm, self.name)
    }
}

/// The key pair under whose public half keys are wrapped that are to be imported here.
pub struct ImportKeyPair {
    private: Box<KeyBytes>,
}

impl ImportKeyPair {
    /// Makes a new random key pair.
    pub fn generate(randomness: &dyn Randomness) -> Self {
        Self {
            private: random_key(randomness),
        }
    }

    /// Takes over the private half of one made before. `None` unless it has 32 bytes.
    pub fn from_bytes(bytes: &SecretBytes) -> Option<Self> {
        to_key(bytes).map(|private| Self { private })
    }

    /// The private half, for sealing it where it is stored and for nothing else.
    pub fn expose_bytes(&self) -> &[u8; KEY_LENGTH] {
        &self.private
    }

    /// The public half, to be handed out.
    pub fn public_key(&self) -> [u8; TRANSFER_PUBLIC_KEY_LENGTH] {
        let public = self
            .private_key()
            .map(|private| X25519HkdfSha256::sk_to_pk(&private).to_bytes().into());
        sweep_stack();
        // 32 bytes are always a private key of X25519.
        public.unwrap_or_default()
    }

    /// Opens a key that [`wrap_for_transfer`], or any other program that follows RFC 9180, wrapped for this pair.
    pub fn unwrap(&self, transfer: Transfer<'_>, wrapped: &[u8]) -> Result<KeyMaterial, ImportError> {
        let material = self.unwrap_on_this_stack(transfer, wrapped);
        sweep_stack();
        let material = material?;
        if material.is_valid_for(transfer.algorithm) {
            Ok(material)
        } else {
            Err(ImportError::NoKey {
                algorithm: transfer.algorithm,
            })
        }
    }

    #[inline(never)]
    fn unwrap_on_this_stack(
        &self,
        transfer: Transfer<'_>,
        wrapped: &[u8],
    ) -> Result<KeyMaterial, ImportError> {
        let wrapped: &[u8; WRAPPED_TRANSFER_LENGTH] =
            wrapped.try_into().map_err(|_| ImportError::Length {
                length: wrapped.len(),
            })?;
        let (encapsulated, rest) = wrapped.split_at(TRANSFER_PUBLIC_KEY_LENGTH);
        let (inside, tag) = rest.split_at(KEY_LENGTH);
        let refused = |_| ImportError::NotAuthentic;
        let private = self.private_key().ok_or(ImportError::NotAuthentic)?;
        let encapsulated = Deserializable::from_bytes(encapsulated).map_err(refused)?;
        let tag = AeadTag::from_bytes(tag).map_err(refused)?;
        let mut material = Box::<KeyBytes>::default();
        material.copy_from_slice(inside);
        single_shot_open_inout_detached::<AesGcm256, HkdfSha256, X25519HkdfSha256>(
            &OpModeR::Base,
            &private,
            &encapsulated,
            transfer.info().as_bytes(),
            material.as_mut_slice().into(),
            &[],
            &tag,
        )
        .map_err(refused)?;
        Ok(KeyMaterial(material))
    }

    fn private_key(&self) -> Option<PrivateKey> {
        PrivateKey::from_bytes(self.private.as_slice()).ok()
    }
}

impl fmt::Debug for ImportKeyPair {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("***")
    }
}

/// Wraps a key for whoever holds the private half of this public key: 80 bytes.
pub fn wrap_for_transfer(
    randomness: &dyn Randomness,
    public_key: &[u8; TRANSFER_PUBLIC_KEY_LENGTH],
    transfer: Transfer<'_>,
    material: &KeyMaterial,
) -> Result<Vec<u8>, ExportError> {
    let wrapped = wrap_on_this_stack(randomness, public_key, transfer, material);
    sweep_stack();
    wrapped.ok_or(ExportError)
}

#[inline(never)]
fn wrap_on_this_stack(
    randomness: &dyn Randomness,
    public_key: &[u8; TRANSFER_PUBLIC_KEY_LENGTH],
    transfer: Transfer<'_>,
    material: &KeyMaterial,
) -> Option<Vec<u8>> {
    let public_key = Deserializable::from_bytes(public_key).ok()?;
    let mut inside = Wiped::<KEY_LENGTH>::default();
    inside.copy_from_slice(material.expose_bytes());
    let (encapsulated, tag) =
        single_shot_seal_inout_detached_with_rng::<AesGcm256, HkdfSha256, X25519HkdfSha256>(
            &OpModeS::Base,
            &public_key,
            transfer.info().as_bytes(),
            inside.as_mut_slice().into(),
            &[],
            &mut AsRng(randomness),
        )
        .ok()?;
    Some(
        [
            encapsulated.to_bytes().as_slice(),
            inside.as_slice(),
            tag.to_bytes().as_slice(),
        ]
        .concat(),
    )
}

/// Our randomness in the form in which `hpke` takes it.
struct AsRng<'a>(&'a dyn Randomness);

impl TryRng for AsRng<'_> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.0.fill(&mut bytes);
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, buffer: &mut [u8]) -> Result<(), Infallible> {
        self.0.fill(buffer);
        Ok(())
    }
}

/// [`Randomness`] promises as much.
impl TryCryptoRng for AsRng<'_> {}

/// Why a key was not imported.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// It is not as long as a wrapped key.
    #[error(
        "a wrapped key has {WRAPPED_TRANSFER_LENGTH} bytes (encapsulated key, key, tag), and this has {length}"
    )]
    Length {
        /// How many bytes there were.
        length: usize,
    },
    /// It was wrapped under another public key or for another algorithm or name, or changed since.
    #[error(
        "the wrapped key does not open: wrap it again under the current public key, with the info text of this \
         algorithm and name"
    )]
    NotAuthentic,
    /// It opened, and what was inside is no key of the algorithm.
    #[error("the wrapped key opened, and it is no key of {algorithm}")]
    NoKey {
        /// The algorithm it was meant for.
        algorithm: Algorithm,
    },
}

/// The public key cannot be wrapped for: it is a point of small order, whose private half anybody knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("nothing can be wrapped under this public key: it is not one that X25519 makes")]
pub struct ExportError;
