//! What keys can do, and with which algorithm. Adding one begins here; the compiler names the other places.

use std::fmt;
use std::str::FromStr;

use crate::cipher::PayloadCipher;

/// What a key is for. It has one purpose, for good (NIST SP 800-57 part 1, 5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Purpose {
    /// Seals values: [`crate::Keyring`].
    Encrypt,
    /// Makes message authentication codes: [`crate::MacRing`].
    Mac,
    /// Makes digital signatures: [`crate::SigningRing`].
    Sign,
}

impl Purpose {
    /// The name used in storage, in the API and on the pages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Encrypt => "encrypt",
            Self::Mac => "mac",
            Self::Sign => "sign",
        }
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// The algorithm of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Algorithm {
    /// AES-256-GCM, NIST SP 800-38D.
    Aes256Gcm,
    /// AES-256-GCM-SIV, RFC 8452.
    Aes256GcmSiv,
    /// ChaCha20-Poly1305, RFC 8439.
    ChaCha20Poly1305,
    /// HMAC with SHA-256, FIPS 198-1.
    HmacSha256,
    /// Ed25519, RFC 8032.
    Ed25519,
    /// ECDSA on P-256 with SHA-256, FIPS 186-5, made deterministic by RFC 6979.
    EcdsaP256,
}

impl Algorithm {
    /// Every algorithm, the usual one of each purpose first.
    pub const ALL: [Self; 6] = [
        Self::Aes256Gcm,
        Self::Aes256GcmSiv,
        Self::ChaCha20Poly1305,
        Self::HmacSha256,
        Self::Ed25519,
        Self::EcdsaP256,
    ];

    /// The name used in storage, in the API and on the pages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Aes256Gcm => "aes256-gcm",
            Self::Aes256GcmSiv => "aes256-gcm-siv",
            Self::ChaCha20Poly1305 => "chacha20-poly1305",
            Self::HmacSha256 => "hmac-sha256",
            Self::Ed25519 => "ed25519",
            Self::EcdsaP256 => "ecdsa-p256",
        }
    }

    /// What a key of this algorithm is for.
    pub fn purpose(self) -> Purpose {
        match self {
            Self::Aes256Gcm | Self::Aes256GcmSiv | Self::ChaCha20Poly1305 => Purpose::Encrypt,
            Self::HmacSha256 => Purpose::Mac,
            Self::Ed25519 | Self::EcdsaP256 => Purpose::Sign,
        }
    }

    /// The byte that stands for it in envelopes, tags and signatures. Frozen.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Aes256Gcm => 1,
            Self::Aes256GcmSiv => 2,
            Self::ChaCha20Poly1305 => 3,
            Self::HmacSha256 => 4,
            Self::Ed25519 => 5,
            Self::EcdsaP256 => 6,
        }
    }

    pub(crate) fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.code() == code)
    }

    /// The cipher of the payload, for a key that encrypts.
    pub(crate) fn payload_cipher(self) -> Option<PayloadCipher> {
        match self {
            Self::Aes256Gcm => Some(PayloadCipher::Aes256Gcm),
            Self::Aes256GcmSiv => Some(PayloadCipher::Aes256GcmSiv),
            Self::ChaCha20Poly1305 => Some(PayloadCipher::ChaCha20Poly1305),
            Self::HmacSha256 | Self::Ed25519 | Self::EcdsaP256 => None,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for Algorithm {
    type Err = UnknownAlgorithm;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.name() == name)
            .ok_or(UnknownAlgorithm)
    }
}

/// The text names no algorithm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "not an algorithm: use aes256-gcm, aes256-gcm-siv or chacha20-poly1305 to encrypt, hmac-sha256 for message \
     authentication codes, ed25519 or ecdsa-p256 to sign"
)]
pub struct UnknownAlgorithm;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back_and_the_refusal_lists_them_all() {
        for algorithm in Algorithm::ALL {
            assert_eq!(algorithm.to_string().parse(), Ok(algorithm));
            assert!(UnknownAlgorithm.to_string().contains(algorithm.name()));
        }
        assert_eq!("AES256-GCM".parse::<Algorithm>(), Err(UnknownAlgorithm));
    }

    #[test]
    fn codes_are_frozen_and_read_back() {
        assert_eq!(Algorithm::ALL.map(Algorithm::code), [1, 2, 3, 4, 5, 6]);
        for algorithm in Algorithm::ALL {
            assert_eq!(Algorithm::from_code(algorithm.code()), Some(algorithm));
        }
        assert_eq!((Algorithm::from_code(0), Algorithm::from_code(7)), (None, None));
    }

    #[test]
    fn exactly_the_keys_that_encrypt_have_a_payload_cipher() {
        for algorithm in Algorithm::ALL {
            let encrypts = algorithm.purpose() == Purpose::Encrypt;
            let cipher = algorithm.payload_cipher();
            assert_eq!(cipher.is_some(), encrypts, "{algorithm}");
            assert_eq!(
                cipher.map(PayloadCipher::algorithm),
                encrypts.then_some(algorithm)
            );
        }
    }
}
