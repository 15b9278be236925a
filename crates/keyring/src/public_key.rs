//! The public half of a key that signs, in the forms in which other programs take it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use p256::ecdsa::signature::Verifier as _;

use crate::algorithm::Algorithm;

/// SubjectPublicKeyInfo (RFC 8410) up to the 32 bytes of an Ed25519 key.
const SPKI_ED25519: [u8; 12] = [
    0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
];
/// SubjectPublicKeyInfo (RFC 5480) up to the 65 bytes of an uncompressed point of P-256.
const SPKI_P256: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86,
    0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];
/// RFC 7468 breaks lines here.
const PEM_LINE: usize = 64;

/// A public key. Not secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey(Point);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Point {
    Ed25519(ed25519_dalek::VerifyingKey),
    EcdsaP256(p256::ecdsa::VerifyingKey),
}

impl PublicKey {
    pub(crate) fn of_ed25519(key: ed25519_dalek::VerifyingKey) -> Self {
        Self(Point::Ed25519(key))
    }

    pub(crate) fn of_p256(key: p256::ecdsa::VerifyingKey) -> Self {
        Self(Point::EcdsaP256(key))
    }

    /// Reads what [`PublicKey::raw`] writes. `None` when the algorithm does not sign or the bytes are no key of it.
    pub fn from_raw(algorithm: Algorithm, raw: &[u8]) -> Option<Self> {
        match algorithm {
            Algorithm::Ed25519 => ed25519_dalek::VerifyingKey::from_bytes(raw.try_into().ok()?)
                .ok()
                .map(Self::of_ed25519),
            Algorithm::EcdsaP256 => p256::ecdsa::VerifyingKey::from_sec1_bytes(raw)
                .ok()
                .map(Self::of_p256),
            Algorithm::Aes256Gcm
            | Algorithm::Aes256GcmSiv
            | Algorithm::ChaCha20Poly1305
            | Algorithm::HmacSha256 => None,
        }
    }

    /// The algorithm of the key.
    pub fn algorithm(&self) -> Algorithm {
        match self.0 {
            Point::Ed25519(_) => Algorithm::Ed25519,
            Point::EcdsaP256(_) => Algorithm::EcdsaP256,
        }
    }

    /// The key alone: 32 bytes of RFC 8032, or the 65 of an uncompressed point (SEC 1).
    pub fn raw(&self) -> Vec<u8> {
        match &self.0 {
            Point::Ed25519(key) => key.to_bytes().to_vec(),
            Point::EcdsaP256(key) => key.to_sec1_point(false).as_bytes().to_vec(),
        }
    }

    /// SubjectPublicKeyInfo, in DER.
    pub fn spki_der(&self) -> Vec<u8> {
        let prefix = match &self.0 {
            Point::Ed25519(_) => SPKI_ED25519.as_slice(),
            Point::EcdsaP256(_) => SPKI_P256.as_slice(),
        };
        [prefix, &self.raw()].concat()
    }

    /// SubjectPublicKeyInfo, in PEM (RFC 7468), as `openssl pkey -pubin` reads it.
    pub fn spki_pem(&self) -> String {
        let text = STANDARD.encode(self.spki_der());
        let mut pem = "-----BEGIN PUBLIC KEY-----\n".to_owned();
        for (position, character) in text.chars().enumerate() {
            if position > 0 && position % PEM_LINE == 0 {
                pem.push('\n');
            }
            pem.push(character);
        }
        pem.push_str("\n-----END PUBLIC KEY-----\n");
        pem
    }

    /// Whether this key made this signature (without header, 64 bytes) of this message. For Ed25519 as strictly as
    /// RFC 8032 allows: points of small order are refused too.
    pub fn verifies(&self, message: &[u8], raw_signature: &[u8]) -> bool {
        match &self.0 {
            Point::Ed25519(key) => ed25519_dalek::Signature::from_slice(raw_signature)
                .is_ok_and(|signature| key.verify_strict(message, &signature).is_ok()),
            Point::EcdsaP256(key) => p256::ecdsa::Signature::from_slice(raw_signature)
                .is_ok_and(|signature| key.verify(message, &signature).is_ok()),
        }
    }
}

#[cfg(test)]
#[path = "signature_vectors.rs"]
mod signature_vectors;
