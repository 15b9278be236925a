//! Durable memory. Reads see every change whose commit was answered; a lookup that finds nothing is `Ok(None)`.

use async_trait::async_trait;

use crate::access::{Account, SignInLink, Token, TokenHash};
use crate::audit::{AuditDraft, AuditEntry, ChainHead};
use crate::catalog::{Consumer, Credential, Issuer, Version, VersionNumber};
use crate::change::{Change, CommitError, Fence};
use crate::clock::Timestamp;
use crate::delivery::{Hearsay, Instance};
use crate::freeze::Freeze;
use crate::id::{AccountId, CredentialId, FreezeId, JobId, KeyId, RotationId, TargetId, TokenId};
use crate::key::{Key, KeyVersion};
use crate::measure::Measure;
use crate::name::Name;
use crate::recovery::{Backup, Rehearsal};
use crate::reencryption::{ApplicationBackup, Census, Job, Range, Target};
use crate::rotation::{Rotation, RotationRecord};

/// The store failed, or a row breaks our rules.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database is away.
    #[error("the database is away: {0}")]
    Unavailable(String),
    /// A row that we would never have written.
    #[error("row `{key}` of table `{table}` is damaged: {detail}")]
    Damaged {
        /// The table.
        table: &'static str,
        /// The row's key.
        key: String,
        /// What does not fit.
        detail: String,
    },
}

impl From<StoreError> for crate::rule::Refusal {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Where a sealed value stands; bound into its seal, so that a moved value does not open.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SecretRef {
    pub table: &'static str,
    pub row: String,
    pub field: &'static str,
}

impl SecretRef {
    /// The values of one version of a credential.
    pub fn version(credential: &CredentialId, number: VersionNumber) -> Self {
        Self {
            table: "version",
            row: format!("{credential}/{number}"),
            field: "values",
        }
    }

    /// An issuer's administrator.
    pub fn issuer_admin(issuer: &crate::id::IssuerId) -> Self {
        Self {
            table: "issuer",
            row: issuer.to_string(),
            field: "admin",
        }
    }

    /// The material of one version of a key.
    pub fn key_material(key: &KeyId, number: u32) -> Self {
        Self {
            table: "key_version",
            row: format!("{key}/{number}"),
            field: "material",
        }
    }
}

/// Every port of the store, and the one way to change anything.
#[async_trait]
pub trait Store:
    CatalogStore
    + RotationStore
    + LeaseStore
    + InstanceStore
    + AccessStore
    + AuditStore
    + OutcomeStore
    + MeasureStore
    + RecoveryStore
    + SettingStore
    + ReencryptionStore
    + KeyStore
{
    /// Stores all of a change or nothing, durable (fsynced) before it answers, audit entries chained in the same
    /// transaction, then announces its topics.
    ///
    /// # Errors
    /// [`CommitError`]; after `Unavailable { outcome_unknown: true }` the caller reads before it tries again.
    async fn commit(&self, change: Change) -> Result<(), CommitError>;

    /// Appends the audit entry of a data operation (encrypt, decrypt), which changes nothing, to the same chain. When
    /// it answers, the entry is written: every reader sees it and it outlives this process, and the power too where
    /// the store was opened so. Many entries share one transaction.
    ///
    /// # Errors
    /// As [`Store::commit`]; then the operation must give no reply.
    async fn record(&self, draft: AuditDraft) -> Result<(), CommitError>;
}

/// Issuers, consumers, credentials, versions, sealed values, freezes.
#[async_trait]
pub trait CatalogStore: Send + Sync {
    async fn issuer(&self, name: &Name) -> Result<Option<Issuer>, StoreError>;
    /// All, by name.
    async fn issuers(&self) -> Result<Vec<Issuer>, StoreError>;
    async fn consumer(&self, name: &Name) -> Result<Option<Consumer>, StoreError>;
    /// All, by name.
    async fn consumers(&self) -> Result<Vec<Consumer>, StoreError>;
    async fn credential(&self, name: &Name) -> Result<Option<Credential>, StoreError>;
    async fn credential_by_id(&self, id: &CredentialId) -> Result<Option<Credential>, StoreError>;
    /// All, by name.
    async fn credentials(&self) -> Result<Vec<Credential>, StoreError>;
    /// All versions of one credential, by number.
    async fn versions(&self, credential: &CredentialId) -> Result<Vec<Version>, StoreError>;
    /// The current version of every credential that has one (one query for lists).
    async fn current_versions(&self) -> Result<Vec<Version>, StoreError>;
    /// The sealed bytes at a place.
    async fn sealed(&self, at: &SecretRef) -> Result<Option<Vec<u8>>, StoreError>;
    /// Every place that holds sealed bytes, for rewrapping: (table, row, field, sealed).
    async fn all_sealed(&self) -> Result<Vec<(String, String, String, Vec<u8>)>, StoreError>;
    /// The rows of a table that hold sealed bytes in this field.
    async fn sealed_rows(&self, table: &str, field: &str) -> Result<Vec<String>, StoreError>;
    /// Replaces sealed bytes only where they still are `before`; false when they changed meanwhile.
    async fn replace_sealed(
        &self,
        table: &str,
        row: &str,
        field: &str,
        before: &[u8],
        after: &[u8],
    ) -> Result<bool, StoreError>;
    async fn freeze(&self, id: &FreezeId) -> Result<Option<Freeze>, StoreError>;
    /// Freezes that neither ended nor ran out.
    async fn freezes_on(&self, now: Timestamp) -> Result<Vec<Freeze>, StoreError>;
}

/// Which rotations to list, newest first.
#[derive(Clone, Debug, Default)]
pub struct RotationFilter {
    pub credential: Option<CredentialId>,
    /// A label such as `rolled_back`.
    pub state: Option<String>,
    pub since: Option<Timestamp>,
    /// Only those created before this one (its id): the cursor.
    pub before: Option<RotationId>,
    pub limit: u32,
}

/// Rotations and their logs.
#[async_trait]
pub trait RotationStore: Send + Sync {
    async fn rotation(&self, id: &RotationId) -> Result<Option<Rotation>, StoreError>;
    /// The one that is not terminal.
    async fn rotation_in_flight(&self, credential: &CredentialId) -> Result<Option<Rotation>, StoreError>;
    /// All that are not terminal.
    async fn rotations_in_flight(&self) -> Result<Vec<Rotation>, StoreError>;
    async fn rotations(&self, filter: &RotationFilter) -> Result<Vec<Rotation>, StoreError>;
    /// The log from `after` (exclusive) on, in order.
    async fn records(&self, rotation: &RotationId, after: i64) -> Result<Vec<RotationRecord>, StoreError>;
}

/// Driver leases (ROT-13).
#[async_trait]
pub trait LeaseStore: Send + Sync {
    /// Takes or renews the lease of `holder` on a rotation until `until`. A new holder gets a higher token; None
    /// while another holder's lease runs.
    async fn take_lease(
        &self,
        rotation: &RotationId,
        holder: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<Fence>, StoreError>;
}

/// Consumer instances.
#[async_trait]
pub trait InstanceStore: Send + Sync {
    /// All instances ever handed anything of this credential.
    async fn instances(&self, credential: &CredentialId) -> Result<Vec<Instance>, StoreError>;
    /// All of them, for start-up and lists.
    async fn all_instances(&self) -> Result<Vec<Instance>, StoreError>;
    /// Whether there may be other replicas to tell.
    fn has_replicas(&self) -> bool;
    /// Tells the other replicas what was heard of instances. Nothing is stored; what is lost is told again in time.
    async fn tell_replicas(&self, told: &[Hearsay]) -> Result<(), StoreError>;
}

/// People, programs, links.
#[async_trait]
pub trait AccessStore: Send + Sync {
    async fn account(&self, id: &AccountId) -> Result<Option<Account>, StoreError>;
    async fn account_by_name(&self, name: &Name) -> Result<Option<Account>, StoreError>;
    async fn accounts(&self) -> Result<Vec<Account>, StoreError>;
    async fn token(&self, id: &TokenId) -> Result<Option<Token>, StoreError>;
    async fn token_by_hash(&self, hash: &TokenHash) -> Result<Option<Token>, StoreError>;
    async fn tokens(&self) -> Result<Vec<Token>, StoreError>;
    async fn sign_in_link_by_hash(&self, hash: &TokenHash) -> Result<Option<SignInLink>, StoreError>;
}

/// Which audit entries to list, newest first unless `ascending`.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    /// Part of the actor's label.
    pub actor: Option<String>,
    /// Part of the action.
    pub action: Option<String>,
    /// Exactly this object, or those below it.
    pub object: Option<String>,
    /// Exclusive cursor.
    pub before: Option<i64>,
    /// Exclusive cursor, with `ascending`.
    pub after: Option<i64>,
    pub ascending: bool,
    pub limit: u32,
}

/// The audit chain; written only by [`Store::commit`].
#[async_trait]
pub trait AuditStore: Send + Sync {
    async fn audit_entries(&self, filter: &AuditFilter) -> Result<Vec<AuditEntry>, StoreError>;
    async fn audit_head(&self) -> Result<ChainHead, StoreError>;
}

/// Outcomes of one credential version within one minute, for charts and totals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutcomeBucket {
    pub credential: CredentialId,
    pub version: VersionNumber,
    pub consumer: Name,
    /// The start of the minute.
    pub minute: Timestamp,
    pub good: i64,
    /// 401, 403 or class `auth`.
    pub refused: i64,
    /// 5xx and class `error`: shown, never counted against a version.
    pub errors: i64,
}

/// Rolled-up outcomes.
#[async_trait]
pub trait OutcomeStore: Send + Sync {
    /// Adds counts to what is stored (not audited: they are measurements).
    async fn add_outcomes(&self, buckets: &[OutcomeBucket]) -> Result<(), StoreError>;
    /// Buckets of one credential since a time, in order.
    async fn outcomes(
        &self,
        credential: &CredentialId,
        since: Timestamp,
    ) -> Result<Vec<OutcomeBucket>, StoreError>;
}

/// The figures of each day, for trends.
#[async_trait]
pub trait MeasureStore: Send + Sync {
    /// Inserts or replaces by day and environment (not audited: they are measurements).
    async fn put_measures(&self, measures: &[Measure]) -> Result<(), StoreError>;
    /// Those of the days from `since` on, by day and environment.
    async fn measures(&self, since: Timestamp) -> Result<Vec<Measure>, StoreError>;
}

/// Backups that were made, and rehearsals of their restore.
#[async_trait]
pub trait RecoveryStore: Send + Sync {
    /// Newest first.
    async fn backups(&self, limit: u32) -> Result<Vec<Backup>, StoreError>;
    /// Newest first.
    async fn rehearsals(&self, limit: u32) -> Result<Vec<Rehearsal>, StoreError>;
}

/// Values under names: the root key's check value, wrapped wrapping keys, settings.
#[async_trait]
pub trait SettingStore: Send + Sync {
    async fn setting(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError>;
    /// All whose name starts with `prefix`, by name.
    async fn settings(&self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, StoreError>;
}

/// Which jobs to list, newest first.
#[derive(Clone, Debug, Default)]
pub struct JobFilter {
    pub target: Option<TargetId>,
    /// A label such as `running`.
    pub state: Option<String>,
    /// Only those created before this one (its id): the cursor.
    pub before: Option<JobId>,
    pub limit: u32,
}

/// Targets, jobs over them with their ranges, censuses, and registered copies.
#[async_trait]
pub trait ReencryptionStore: Send + Sync {
    async fn target(&self, name: &Name) -> Result<Option<Target>, StoreError>;
    async fn target_by_id(&self, id: &TargetId) -> Result<Option<Target>, StoreError>;
    /// All, by name.
    async fn targets(&self) -> Result<Vec<Target>, StoreError>;
    async fn job(&self, id: &JobId) -> Result<Option<Job>, StoreError>;
    async fn jobs(&self, filter: &JobFilter) -> Result<Vec<Job>, StoreError>;
    /// All that are not terminal.
    async fn jobs_under_way(&self) -> Result<Vec<Job>, StoreError>;
    /// The ranges of a job's present pass with their leases, by number.
    async fn ranges(&self, job: &JobId) -> Result<Vec<Range>, StoreError>;
    /// Takes or renews the lease of `holder` on a range until `until`; a new holder gets a higher token. None while
    /// another holder's lease runs, and once the range is finished.
    async fn take_range(
        &self,
        job: &JobId,
        pass: u32,
        number: u32,
        holder: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<i64>, StoreError>;
    /// Ends the lease of this token; one that is not held any more stays as it is.
    async fn release_range(&self, job: &JobId, pass: u32, number: u32, token: i64) -> Result<(), StoreError>;
    /// How many ranges of a job are under a running lease.
    async fn ranges_under_work(&self, job: &JobId, now: Timestamp) -> Result<u32, StoreError>;
    async fn latest_census(&self, target: &TargetId) -> Result<Option<Census>, StoreError>;
    /// The censuses of a target, or of all, since a time, oldest first.
    async fn censuses(&self, target: Option<&TargetId>, since: Timestamp) -> Result<Vec<Census>, StoreError>;
    /// All registered copies, by name.
    async fn application_backups(&self) -> Result<Vec<ApplicationBackup>, StoreError>;
}

/// What was measured of one key version since it was last stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyUsage {
    pub key: KeyId,
    pub number: u32,
    /// Values sealed, signed or rewrapped.
    pub uses: u64,
    /// When it last opened a value.
    pub opened_at: Option<Timestamp>,
}

/// Keys, their versions and the counts of their uses.
#[async_trait]
pub trait KeyStore: Send + Sync {
    async fn key(&self, name: &Name) -> Result<Option<Key>, StoreError>;
    async fn key_by_id(&self, id: &KeyId) -> Result<Option<Key>, StoreError>;
    /// All, by name.
    async fn keys(&self) -> Result<Vec<Key>, StoreError>;
    /// In order of their numbers.
    async fn key_versions(&self, key: &KeyId) -> Result<Vec<KeyVersion>, StoreError>;
    /// Of every key, by key and number.
    async fn all_key_versions(&self) -> Result<Vec<KeyVersion>, StoreError>;
    /// Those whose rotation is postponed, or went ahead over a version that was not drained, by name.
    async fn keys_of_note(&self) -> Result<Vec<Key>, StoreError>;
    /// Those of every key that somebody asked to destroy, by key and number.
    async fn key_versions_to_destroy(&self) -> Result<Vec<KeyVersion>, StoreError>;
    /// The sealed material of every version that has any: number and sealed bytes.
    async fn key_materials(&self, key: &KeyId) -> Result<Vec<(u32, Vec<u8>)>, StoreError>;
    /// Sets `count` uses of a version aside before any of them happens, unless more than `limit` would then have been
    /// set aside by anyone ever. Durable when it answers true: no crash and no replica passes the limit.
    async fn reserve_key_uses(
        &self,
        key: &KeyId,
        number: u32,
        count: u64,
        limit: u64,
    ) -> Result<bool, StoreError>;
    /// Adds to what was measured (not audited, and it guards nothing).
    async fn add_key_usage(&self, usage: &[KeyUsage]) -> Result<(), StoreError>;
    /// Whether another replica works on this database now.
    async fn has_other_replicas(&self) -> Result<bool, StoreError>;
    /// Waits until every replica that lives has heard of all that was committed before this call. One that is silent
    /// for longer than its view counts is not waited for: it uses nothing that it remembers.
    ///
    /// # Errors
    /// When the store is away, or a living replica does not catch up.
    async fn heard_by_all(&self) -> Result<(), StoreError>;
}
