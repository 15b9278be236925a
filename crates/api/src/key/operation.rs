//! What is done with keys: encrypt, decrypt, rewrap, sign, verify, import and export, one by one or in batches.

use serde::{Deserialize, Serialize};

use super::{CreateKey, KeyAlgorithm, KeyVersionState, is_false};
use crate::{Secret, Timestamp};

/// `POST /api/v1/keys/{name}/encrypt`: one, or a batch.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Encrypt {
    /// Standard base64.
    pub plaintext: Secret,
    /// Bound to the ciphertext; the same must be given to decrypt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
}

/// What encrypting or rewrapping gave.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Encrypted {
    pub ciphertext: String,
    pub version: u32,
}

/// `POST /api/v1/keys/{name}/decrypt`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Decrypt {
    pub ciphertext: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
}

/// What decrypting gave.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Decrypted {
    /// Standard base64.
    pub plaintext: Secret,
    pub version: u32,
    /// Its version is going out of use: store `ciphertext` in its place.
    #[serde(default, skip_serializing_if = "is_false")]
    pub rewrap_recommended: bool,
    /// The same value under the active version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ciphertext: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ciphertext_version: Option<u32>,
}

/// `POST /api/v1/keys/{name}/rewrap`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Rewrap {
    pub ciphertext: String,
}

/// `POST /api/v1/keys/{name}/data-key`
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct MakeDataKey {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    #[serde(default, skip_serializing_if = "is_false")]
    pub wrapped_only: bool,
}

/// A fresh data key, plain and wrapped.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DataKey {
    /// Standard base64; absent when only the wrapped form was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plaintext: Option<Secret>,
    pub ciphertext: String,
    pub version: u32,
}

/// One plaintext, or a batch of them.
#[derive(Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct EncryptRequest {
    /// Standard base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plaintext: Option<Secret>,
    /// Bound to the ciphertext; the same must be given to decrypt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<Vec<Encrypt>>,
}

/// One ciphertext, or a batch of them.
#[derive(Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct DecryptRequest {
    /// Standard base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ciphertext: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<Vec<Decrypt>>,
}

/// One ciphertext, or a batch of them.
#[derive(Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RewrapRequest {
    /// Standard base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ciphertext: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<Vec<Rewrap>>,
}

/// One data key, or a batch of them.
#[derive(Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct DataKeyRequest {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    /// Only the wrapped form is sent back: for a key that is unwrapped elsewhere, later.
    #[serde(default, skip_serializing_if = "is_false")]
    pub wrapped_only: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<Vec<MakeDataKey>>,
}

/// `POST /api/v1/keys/{name}/sign` and `/hmac`: one message, or a batch of them.
#[derive(Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SignRequest {
    /// Standard base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<Secret>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<Vec<Message>>,
}

/// A message.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Message {
    /// Standard base64.
    pub message: Secret,
}

/// A signature.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Signed {
    /// With a header that names key and version; verify takes this form.
    pub signature: String,
    /// Without the header, as other programs take it.
    pub raw: String,
    pub version: u32,
}

/// A message authentication code.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Hmac {
    /// With a header that names key and version; verify takes this form.
    pub hmac: String,
    /// Without the header, as other programs take it.
    pub raw: String,
    pub version: u32,
}

/// `POST /api/v1/keys/{name}/verify`: one message with its signature or code, or a batch of them.
#[derive(Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct VerifyRequest {
    /// Standard base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<Secret>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hmac: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<Vec<VerifyItem>>,
}

/// A message with its signature or code.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct VerifyItem {
    /// Standard base64.
    pub message: Secret,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hmac: Option<String>,
}

/// Whether it fits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Verification {
    pub valid: bool,
    /// The version that made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
}

/// The public half of one version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PublicKey {
    pub version: u32,
    pub state: KeyVersionState,
    pub algorithm: KeyAlgorithm,
    /// SubjectPublicKeyInfo, PEM.
    pub pem: String,
    /// The key alone, standard base64.
    pub raw: String,
}

/// `POST /api/v1/key-imports` answers: a public key for one import.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct KeyImport {
    pub id: String,
    /// X25519, 32 bytes in standard base64. Wrap by HPKE (RFC 9180, base mode): X25519-HKDF-SHA256, AES-256-GCM.
    pub public_key: String,
    /// Until then the key must have come.
    pub expires_at: Timestamp,
    /// The `info` of the wrap, with the new key's algorithm and name in their places.
    pub info: String,
}

/// `POST /api/v1/key-imports/{id}`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ImportKey {
    pub key: CreateKey,
    /// The encapsulated key, the wrapped key and its tag: 80 bytes in standard base64.
    pub wrapped: String,
}

/// `POST /api/v1/keys/{name}/export`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ExportKey {
    /// The receiver's X25519 public key, 32 bytes in standard base64.
    pub public_key: String,
    pub reason: String,
    /// Default: the active one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
}

/// A key as it leaves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ExportedKey {
    pub version: u32,
    pub wrapped: String,
    pub info: String,
}

/// Several of one operation.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Batch<T> {
    pub batch: Vec<T>,
}

/// Replies to a batch, in order.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BatchReply<T> {
    pub items: Vec<BatchItem<T>>,
}

/// One reply of a batch.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(untagged)]
pub enum BatchItem<T> {
    Failed { error: BatchError },
    Done(T),
}

/// Why one item of a batch failed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BatchError {
    pub code: String,
    pub detail: String,
}
