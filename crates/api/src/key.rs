//! Data-encryption keys and what is done with them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{IsoDuration, Secret, Timestamp};

/// `POST /api/v1/keys`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CreateKey {
    pub name: String,
    pub algorithm: KeyAlgorithm,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner_team: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<BTreeMap<String, String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotate_every: Option<IsoDuration>,
    /// A version is drained only when nothing of it was decrypted for this long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grace: Option<IsoDuration>,
}

/// How a key encrypts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum KeyAlgorithm {
    #[serde(rename = "aes256-gcm")]
    Aes256Gcm,
}

/// A key, without its material.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Key {
    pub id: String,
    pub name: String,
    pub algorithm: KeyAlgorithm,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner_team: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotate_every: Option<IsoDuration>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grace: Option<IsoDuration>,
    pub versions: Vec<KeyVersion>,
    #[serde(default)]
    pub revision: i64,
    pub created_at: Timestamp,
}

/// One version of a key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct KeyVersion {
    pub number: u32,
    pub state: KeyVersionState,
    pub created_at: Timestamp,
    pub uses: u64,
}

/// Where a key version stands (NIST SP 800-57).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum KeyVersionState {
    PreActive,
    Active,
    Deprecated,
    Suspended,
    Revoked,
    Destroyed,
}

/// `POST /api/v1/keys/{name}/rotate`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RotateKey {
    pub reason: String,
    #[serde(default)]
    pub confirm: bool,
}

/// `PATCH /api/v1/keys/{name}/versions/{n}`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct UpdateKeyVersion {
    pub state: KeyVersionState,
    pub reason: String,
}

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
}

/// A fresh data key, plain and wrapped.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DataKey {
    /// Standard base64.
    pub plaintext: Secret,
    pub ciphertext: String,
    pub version: u32,
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
