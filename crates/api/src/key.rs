//! Data-encryption keys and what is done with them.

mod operation;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::credential::Sensitivity;
use crate::{IsoDuration, Timestamp};
pub use operation::{
    Batch, BatchError, BatchItem, BatchReply, DataKey, DataKeyRequest, Decrypt, DecryptRequest, Decrypted,
    Encrypt, EncryptRequest, Encrypted, ExportKey, ExportedKey, Hmac, ImportKey, KeyImport, MakeDataKey,
    Message, PublicKey, Rewrap, RewrapRequest, SignRequest, Signed, Verification, VerifyItem, VerifyRequest,
};

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
    /// The active version is replaced at this age; null: people decide. Default: 90 days, of a high class 60, of a
    /// critical one 30.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<IsoDuration>))]
    pub rotate_every: Option<Option<IsoDuration>>,
    /// A version is drained only when nothing of it was decrypted for this long. Default: 7 days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grace: Option<IsoDuration>,
    /// The active version is replaced after so many uses. Default: 2,147,483,648.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_uses: Option<u64>,
    /// Whether the key may be exported, wrapped. It can be taken back and not given later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exportable: Option<bool>,
    /// Versions below this decrypt nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum_decryption_version: Option<u32>,
    /// Who may use it, by the names of tokens, consumers and accounts. Nobody named: operators, and of a critical key
    /// administrators.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub callers: Option<Vec<String>>,
    /// Its class, for good: each class has wrapping keys of its own. Default: medium.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sensitivity: Option<Sensitivity>,
}

/// `PATCH /api/v1/keys/{name}`: what is absent stays.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct UpdateKey {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner_team: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<BTreeMap<String, String>>,
    /// The active version is replaced at this age; null: people decide. Default: 90 days, of a high class 60, of a
    /// critical one 30.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<IsoDuration>))]
    pub rotate_every: Option<Option<IsoDuration>>,
    /// A version is drained only when nothing of it was decrypted for this long. Default: 7 days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grace: Option<IsoDuration>,
    /// The active version is replaced after so many uses. Default: 2,147,483,648.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_uses: Option<u64>,
    /// Whether the key may be exported, wrapped. It can be taken back and not given later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exportable: Option<bool>,
    /// Versions below this decrypt nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum_decryption_version: Option<u32>,
    /// Who may use it, by the names of tokens, consumers and accounts. Nobody named: operators, and of a critical key
    /// administrators.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub callers: Option<Vec<String>>,
    /// Its class, for good: each class has wrapping keys of its own. Default: medium.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sensitivity: Option<Sensitivity>,
}

/// Tells null, which is a value here, from a field that is absent.
fn given<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Option<IsoDuration>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// What a key does, and how. It has one purpose: to encrypt, to authenticate, or to sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum KeyAlgorithm {
    #[serde(rename = "aes256-gcm")]
    Aes256Gcm,
    #[serde(rename = "aes256-gcm-siv")]
    Aes256GcmSiv,
    #[serde(rename = "chacha20-poly1305")]
    ChaCha20Poly1305,
    #[serde(rename = "hmac-sha256")]
    HmacSha256,
    #[serde(rename = "ed25519")]
    Ed25519,
    #[serde(rename = "ecdsa-p256")]
    EcdsaP256,
}

/// What a key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum KeyUse {
    Encrypt,
    Mac,
    Sign,
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
    /// What it is for, by its algorithm.
    #[serde(default, rename = "use", skip_serializing_if = "Option::is_none")]
    pub use_for: Option<KeyUse>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_uses: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exportable: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum_decryption_version: Option<u32>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub callers: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sensitivity: Option<Sensitivity>,
    /// The version that encrypts or signs; absent while it is suspended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active_version: Option<u32>,
    /// When the active version is due to be replaced by its age.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Timestamp>,
    /// Since when a rotation that is due waits for a freeze to end, or for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postponed_since: Option<Timestamp>,
    /// Its data stopped opening: it is not rotated until a person has looked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alarm: Option<KeyAlarm>,
    /// The version that was not drained when a due rotation went ahead all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undrained: Option<u32>,
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
    /// Values sealed, signed or rewrapped under it.
    pub uses: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activated_at: Option<Timestamp>,
    /// Since when it is in its state, and why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state_since: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_decrypted_at: Option<Timestamp>,
    /// When it is to be destroyed, if a second person approves and nobody takes it back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destroy_at: Option<Timestamp>,
    /// Who asked for that, and who approved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destruction: Option<KeyDestruction>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destroyed_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "is_false")]
    pub imported: bool,
    /// The states that it may be moved to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub moves: Vec<KeyVersionState>,
    /// What is known to need it; only where one key is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dependents: Option<KeyDependents>,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands the field over by reference"
)]
fn is_false(value: &bool) -> bool {
    !value
}

/// What is known to need a version.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct KeyDependents {
    /// It opened a value within the key's grace.
    pub in_use: bool,
    /// Records by registered target.
    #[serde(default)]
    pub records: BTreeMap<String, u64>,
    /// Registered backups.
    #[serde(default)]
    pub backups: Vec<String>,
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

/// Values under a version of a key that did not open.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct KeyAlarm {
    pub version: u32,
    pub since: Timestamp,
    /// Of so many of late,
    pub records: u64,
    /// so many did not.
    pub failed: u64,
    /// What probably caused it and what to do.
    pub detail: String,
}

/// `POST /api/v1/keys/{name}/clear-alarm`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ClearKeyAlarm {
    /// What was found.
    pub reason: String,
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

/// `POST /api/v1/keys/{name}/versions/{n}/destruction`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct PlanDestruction {
    pub reason: String,
    /// Default: in 30 days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
}

/// `POST /api/v1/keys/{name}/versions/{n}/destruction/approval`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ApproveDestruction {
    pub reason: String,
}

/// A destruction that somebody asked for. Nothing happens before somebody else approves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct KeyDestruction {
    pub asked_by: String,
    pub asked_at: Timestamp,
    pub reason: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_by: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_at: Option<Timestamp>,
}

/// `PATCH /api/v1/algorithms`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ForbidAlgorithms {
    /// No new key is made with these; all others are allowed.
    pub forbidden: Vec<KeyAlgorithm>,
    pub reason: String,
}

/// An algorithm, and which keys use it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AlgorithmUse {
    pub algorithm: KeyAlgorithm,
    pub forbidden: bool,
    pub keys: Vec<String>,
}
