//! Moving sealed values to another key version: targets, jobs, censuses, registered copies.

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// How an envelope stands in a record: its bytes, or standard base64.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    #[default]
    Raw,
    Base64,
}

/// `POST /api/v1/targets`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CreateTarget {
    pub name: String,
    /// `postgresql`, `mysql`, `sqlite`, `redis` or `s3`.
    pub kind: String,
    /// The key that the values are sealed with.
    pub key: String,
    /// Where they are: host, port, database, table, column, key; a file; a pattern of keys; a bucket and a prefix.
    pub config: serde_json::Value,
    /// The credential of the catalog that signs in there, so that Rota rotates it too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
    #[serde(default)]
    pub encoding: Encoding,
    /// How callers' context is made from a record, with names of columns in braces: `orders/{id}`. New data keys need
    /// it, rewrapping does not.
    #[serde(default)]
    pub context: String,
    /// Refuse a real job until a shadow run found everything readable.
    #[serde(default)]
    pub require_shadow: bool,
}

/// `PATCH /api/v1/targets/{name}`: what is absent stays.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default)]
pub struct UpdateTarget {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config: Option<serde_json::Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoding: Option<Encoding>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub require_shadow: Option<bool>,
}

/// A place where callers keep sealed values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Target {
    pub name: String,
    pub kind: String,
    pub key: String,
    pub config: serde_json::Value,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
    pub encoding: Encoding,
    pub context: String,
    pub require_shadow: bool,
    pub created_at: Timestamp,
    /// What the last whole pass found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub census: Option<Census>,
    /// The job under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<String>,
}

/// What a job does with the records it meets: `rewrap` wraps the data key anew, `reencrypt` makes a new one, `shadow`
/// does all of it in memory and keeps nothing, `dry_run` counts what would be moved, `scan` counts what is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ReencryptionMode {
    Rewrap,
    Reencrypt,
    Shadow,
    DryRun,
    Scan,
}

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ReencryptionState {
    Planned,
    Running,
    Paused,
    Completed,
    Failed,
    Cancelled,
}

/// How fast, and when to stop. What is absent is as usual, or stays.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default)]
pub struct TuneReencryption {
    /// Records of one look; 1,000 as usual.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch_size: Option<u32>,
    /// Ranges worked on at once, over all replicas; 10 as usual.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<u32>,
    /// Records per second over all replicas; 100 as usual, 0 for no limit. A record that is only read counts as a tenth.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<u32>,
    /// Percent of records that do not open at which the job pauses itself; 5 as usual.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub breaker_percent: Option<f64>,
    /// Records that must have been looked at before; 100 as usual.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub breaker_least: Option<u64>,
}

/// `POST /api/v1/reencryptions`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct StartReencryption {
    pub target: String,
    /// The target's own, where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    pub mode: ReencryptionMode,
    /// Only records under this version; any but the active one where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<u32>,
    pub reason: String,
    #[serde(default)]
    pub tuning: TuneReencryption,
}

/// `POST /api/v1/targets/{name}/scan`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ScanTarget {
    pub reason: String,
    #[serde(default)]
    pub tuning: TuneReencryption,
}

/// The last part of `POST /api/v1/reencryptions/{id}/{command}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ReencryptionCommand {
    Pause,
    Resume,
    Cancel,
}

/// Why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Reason {
    pub reason: String,
}

/// One run over a target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Reencryption {
    pub id: String,
    pub target: String,
    pub key: String,
    pub mode: ReencryptionMode,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<u32>,
    pub state: ReencryptionState,
    /// `breaker` or `person`, while it is paused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused_by: Option<String>,
    /// Why it is paused, failed or cancelled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// What is in its way at present; it goes on by itself once that is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
    pub reason: String,
    pub started_by: String,
    pub batch_size: u32,
    pub concurrency: u32,
    /// Null: no limit.
    pub rate: Option<u32>,
    pub breaker_percent: f64,
    /// Whole runs over the target; the last one finds nothing left to move.
    pub pass: u32,
    pub counts: ReencryptionCounts,
    /// About how many records a pass meets.
    pub total: Option<u64>,
    /// Of the present pass.
    pub percent: Option<f64>,
    pub records_per_second: f64,
    pub seconds_left: Option<u64>,
    /// Ranges under work now.
    pub workers: u32,
    /// At most a hundred records that could not be moved.
    pub failing: Vec<FailingRecord>,
    pub created_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
}

/// What a job did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReencryptionCounts {
    /// Of the present pass.
    pub scanned: u64,
    /// Rewrapped or re-encrypted; for a dry or shadow run, what would be.
    pub moved: u64,
    /// Already under the active version, or not asked for.
    pub current: u64,
    /// Sealed with another key.
    pub other_key: u64,
    /// Somebody else wrote at the same moment; tried again.
    pub conflicts: u64,
    /// Still changing; the next pass meets them again.
    pub left: u64,
    /// Deleted meanwhile.
    pub gone: u64,
    /// Did not open, or is no envelope.
    pub unreadable: u64,
    /// A shadow run's plaintexts that came out different.
    pub differing: u64,
    /// A shadow run's mean and longest time for one record, in microseconds.
    pub shadow_mean_micros: u64,
    pub shadow_longest_micros: u64,
}

/// A record that could not be moved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FailingRecord {
    /// Its primary key, or its key of Redis or S3.
    pub record: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    /// `malformed`, `not_authentic`, `version_refused`, `unknown_version` or `differs`.
    pub class: String,
    pub detail: String,
    pub at: Timestamp,
}

/// Which jobs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema, utoipa::IntoParams), into_params(parameter_in = Query))]
#[serde(deny_unknown_fields, default)]
pub struct ReencryptionQuery {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// What one whole pass over a target met.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Census {
    pub target: String,
    /// The job that counted.
    pub job: String,
    pub started_at: Timestamp,
    pub finished_at: Timestamp,
    pub versions: Vec<CensusEntry>,
    /// Records that are no envelope.
    pub malformed: u64,
}

/// Records under one version of one key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CensusEntry {
    /// The key's id, as envelopes name it.
    pub key_id: String,
    pub version: u32,
    pub records: u64,
    pub bytes: u64,
}

/// Which censuses.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema, utoipa::IntoParams), into_params(parameter_in = Query))]
#[serde(deny_unknown_fields, default)]
pub struct CensusQuery {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// A key's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
}

/// What is under which version, over time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CensusHistory {
    /// Oldest first.
    pub items: Vec<Census>,
    /// The oldest version in use by key id, by the latest census of each target.
    pub oldest: std::collections::BTreeMap<String, u32>,
}

/// What kind of copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum CopyKind {
    Backup,
    Replica,
}

/// `POST /api/v1/application-backups`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RegisterApplicationBackup {
    pub name: String,
    pub kind: CopyKind,
    /// The target it is a copy of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The target's own, where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Those of the target's latest census, where they are absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub versions: Option<Vec<u32>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken_at: Option<Timestamp>,
    /// The end of its retention; absent: until it is taken off the list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Where the bundle lies that opens it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escrow: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// A copy that an application keeps of its data, with the key versions it needs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ApplicationBackup {
    pub name: String,
    pub kind: CopyKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    pub key: String,
    pub versions: Vec<u32>,
    pub taken_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escrow: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    pub created_at: Timestamp,
}
