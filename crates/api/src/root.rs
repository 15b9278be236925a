//! The root of trust: sealed or open, who holds it, and going from one root to another.

use serde::{Deserialize, Serialize};

use crate::{Secret, Timestamp};

/// `POST /api/v1/seal`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Seal {
    pub reason: String,
}

/// `POST /api/v1/unseal`: a share, the passphrase, or nothing where the configured root is to be tried.
#[derive(Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Unseal {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<Secret>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passphrase: Option<Secret>,
}

/// Where a migration goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum MigrationTarget {
    /// The next root in the server's configuration (`ROTA_NEXT_ROOT`).
    Next,
    /// A new root key, in shares.
    Shares,
}

/// `POST /api/v1/root/migrations`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct BeginMigration {
    pub to: MigrationTarget,
    /// How many shares open it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<u8>,
    /// How many shares are made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shares: Option<u8>,
    pub reason: String,
}

/// `POST /api/v1/root/migrations/{id}/shares`
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct GiveShare {
    pub share: Secret,
}

/// `POST /api/v1/root/migrations/{id}/{command}`
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct MigrationCommand {
    #[serde(default)]
    pub reason: String,
}

/// The root of trust.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RootStatus {
    pub sealed: bool,
    /// Why it is sealed, and what unseals it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The root that wrapped what is stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<String>,
    /// The kind of the open root, e.g. `file`, `shares`, `pkcs11`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// It stands elsewhere and may be away.
    pub remote: bool,
    /// When it last answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered_at: Option<Timestamp>,
    /// How long it may be silent before its keys are wiped from memory.
    pub grace_seconds: u64,
    /// Shares given so far to unseal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gathering: Option<Gathering>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub migration: Option<Migration>,
    pub wrapping_keys: Vec<WrappingKey>,
    pub memory: Memory,
    /// New shares, one for each person: shown in this reply and never again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub new_shares: Vec<Secret>,
}

/// How many shares were given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Gathering {
    /// Every share of the set names it.
    pub set: String,
    pub threshold: u8,
    pub shares: u8,
    pub given: Vec<GivenShare>,
}

/// A share that was given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GivenShare {
    pub number: u8,
    pub by: String,
}

/// How far a migration is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum MigrationState {
    /// It waits for shares of the root that is left.
    Asked,
    /// The server starts under either root.
    Prepared,
    /// The next root was seen to open everything.
    Verified,
}

/// A migration from one root to another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Migration {
    pub id: String,
    pub state: MigrationState,
    pub to: String,
    pub begun_by: String,
    pub reason: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gathering: Option<Gathering>,
}

/// The version of a wrapping key that seals.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WrappingKey {
    /// `store`, or a class of sensitivity.
    pub hierarchy: String,
    pub version: u32,
    pub since: Timestamp,
}

/// What keeps keys in this process's memory from getting out.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Memory {
    /// No page is written to swap.
    pub locked: bool,
    /// No core is dumped, and other programs of the same user cannot read it.
    pub undumpable: bool,
    /// What could not be had, and how to mend it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<String>,
}
