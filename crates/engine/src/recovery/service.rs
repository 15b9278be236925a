//! What people and workers may ask of backups.

use keyring::StreamKey;
use serde::Serialize;

use crate::access::{Actor, Role};
use crate::audit::{AuditDraft, ChainHead};
use crate::change::{Change, CommitError, Topic, Write};
use crate::clock::Timestamp;
use crate::id::BackupId;
use crate::recovery::finding::{self, RecoveryFinding, RecoveryPolicy};
use crate::recovery::form::Manifest;
use crate::recovery::header::{BackupHeader, KeyRecord};
use crate::recovery::model::{Backup, DATABASE_ID, RESTORED, Restored};
use crate::recovery::probe::Reconciliation;
use crate::recovery::rehearsal::Rehearsal;
use crate::recovery::tombstone::{TOMBSTONE_PREFIX, Tombstone, Tombstones};
use crate::recovery::writer::BackupWriter;
use crate::recovery::{BackupError, LEFT_OUT};
use crate::rule::Refusal;
use crate::seal::is_key_record;
use crate::services::Services;

/// Backups in one view at most.
const LISTED: u32 = 20;

/// A backup that may be written now: its key is sealed, and its snapshot is still to be taken.
#[derive(Debug)]
pub struct BackupStart {
    id: BackupId,
    key: StreamKey,
    sealed_key: Vec<u8>,
    made_at: Timestamp,
    database: String,
}

/// What the snapshot says of itself.
#[derive(Clone, Debug)]
pub struct SnapshotFacts {
    pub backend: &'static str,
    pub migration: i64,
    pub audit: ChainHead,
    /// Every setting.
    pub settings: Vec<(String, Vec<u8>)>,
    /// Key versions that are destroyed.
    pub tombstones: Tombstones,
}

/// Everything about recovery, for the page and the API.
#[derive(Clone, Debug, Serialize)]
pub struct RecoveryView {
    /// Newest first.
    pub backups: Vec<Backup>,
    /// Key versions that are destroyed, by key and version.
    pub tombstones: Vec<Tombstone>,
    /// Newest first.
    pub rehearsals: Vec<Rehearsal>,
    pub restored: Option<Restored>,
    /// Since the restore, if there was one.
    pub reconciliation: Option<Reconciliation>,
}

impl RecoveryView {
    /// Key versions that were destroyed since a backup was made: whoever has it and its root key may still open them.
    pub fn destroyed_since<'a>(&'a self, backup: &Backup) -> impl Iterator<Item = &'a Tombstone> {
        let made_at = backup.made_at;
        let since = move |tombstone: &&Tombstone| tombstone.may_open_in_backup_of(made_at);
        self.tombstones.iter().filter(since)
    }

    /// When a rehearsal last ended well.
    pub fn last_passed_at(&self) -> Option<Timestamp> {
        self.rehearsals.iter().find_map(Rehearsal::passed_at)
    }
}

impl BackupStart {
    /// Begins to write. The snapshot was taken after the key was sealed, so the wrapping key that sealed it is among
    /// its settings.
    ///
    /// # Errors
    /// When the header is too long.
    pub fn write(self, rota: &str, facts: SnapshotFacts) -> Result<(BackupWriter, Manifest), BackupError> {
        self.begin(rota, facts, false)
    }

    /// Writes the tombstones alone, sealed as a backup is: small, and opened by the same root key.
    ///
    /// # Errors
    /// When the header is too long.
    pub fn write_tombstones(self, rota: &str, facts: SnapshotFacts) -> Result<Vec<u8>, BackupError> {
        let (writer, _) = self.begin(rota, facts, true)?;
        writer.finish().map(|(_, bytes)| bytes)
    }

    /// Its id.
    pub fn id(&self) -> &BackupId {
        &self.id
    }

    fn begin(
        self,
        rota: &str,
        facts: SnapshotFacts,
        only_tombstones: bool,
    ) -> Result<(BackupWriter, Manifest), BackupError> {
        let records = facts
            .settings
            .into_iter()
            .filter(|(setting, _)| is_key_record(setting))
            .map(|(setting, value)| KeyRecord::new(setting, &value))
            .collect();
        let header = BackupHeader::new(self.id.clone(), rota, self.made_at, records, &self.sealed_key);
        let manifest = Manifest {
            backup: self.id,
            database: self.database,
            rota: rota.to_owned(),
            made_at: self.made_at,
            backend: facts.backend.to_owned(),
            migration: facts.migration,
            audit: facts.audit,
            left_out: LEFT_OUT.map(str::to_owned).to_vec(),
            tombstones: facts.tombstones.to_vec(),
            only_tombstones,
        };
        let writer = BackupWriter::begin(&header, self.key, &manifest)?;
        Ok((writer, manifest))
    }
}

impl Services {
    /// Begins a backup: a fresh key for it, sealed under the wrapping key.
    ///
    /// # Errors
    /// Not an administrator, the keys or the store are away.
    pub async fn begin_backup(&self, actor: &Actor) -> Result<BackupStart, Refusal> {
        actor.require(Role::Administrator)?;
        let database = self.database_id().await?;
        let id = BackupId::generate(self.clock.as_ref(), self.randomness.as_ref());
        let key = StreamKey::generate(self.randomness.as_ref());
        let sealed_key = self
            .sealer
            .seal_bytes(&BackupHeader::place(&id), &key.to_secret())?;
        Ok(BackupStart {
            id,
            key,
            sealed_key,
            made_at: self.clock.now(),
            database,
        })
    }

    /// Keeps that a backup was made, with its audit entry. Only then may it be handed out.
    ///
    /// # Errors
    /// Not an administrator, store away.
    pub async fn register_backup(&self, actor: &Actor, backup: Backup) -> Result<(), Refusal> {
        actor.require(Role::Administrator)?;
        let detail = format!(
            "{} rows, {} bytes sealed, up to audit entry {}, sha256 {}",
            backup.rows, backup.bytes, backup.audit.sequence, backup.sha256
        );
        let object = format!("backup/{}", backup.id);
        let change = Change::new()
            .audit(AuditDraft::new(
                actor,
                self.clock.now(),
                "backup.make",
                object,
                detail,
            ))
            .write(Write::InsertBackup(backup))
            .topic(Topic::Catalog);
        Ok(self.store.commit(change).await?)
    }

    /// Every key version that was destroyed, by key and version.
    ///
    /// # Errors
    /// Not a viewer, store away.
    pub async fn tombstones(&self, actor: &Actor) -> Result<Tombstones, Refusal> {
        actor.require(Role::Viewer)?;
        let keys = self.store.keys().await?;
        let versions = self.store.all_key_versions().await?;
        let settings = self.store.settings(TOMBSTONE_PREFIX).await?;
        Tombstones::gather(&keys, &versions, &settings)
            .map_err(|error| Refusal::Unavailable(error.to_string()))
    }

    /// Audits that tombstones leave. Only then may they be handed out.
    ///
    /// # Errors
    /// Not an administrator, store away.
    pub async fn note_tombstones(
        &self,
        actor: &Actor,
        id: &BackupId,
        count: usize,
        sha256: &str,
    ) -> Result<(), Refusal> {
        actor.require(Role::Administrator)?;
        let detail = format!("{count} tombstones, sealed; sha256 {sha256}");
        let object = format!("tombstones/{id}");
        let now = self.clock.now();
        let change = Change::new().audit(AuditDraft::new(actor, now, "tombstones.export", object, detail));
        Ok(self.store.commit(change).await?)
    }

    /// Everything about recovery.
    ///
    /// # Errors
    /// Not a viewer, store away.
    pub async fn recovery_view(&self, actor: &Actor) -> Result<RecoveryView, Refusal> {
        actor.require(Role::Viewer)?;
        let restored = self.restored().await?;
        let reconciliation = match &restored {
            Some(restored) => Some(self.reconciliation(restored).await?),
            None => None,
        };
        Ok(RecoveryView {
            backups: self.store.backups(LISTED).await?,
            tombstones: self.tombstones(actor).await?.to_vec(),
            rehearsals: self.store.rehearsals(LISTED).await?,
            restored,
            reconciliation,
        })
    }

    /// What is wrong about backups, rehearsals and a restore.
    ///
    /// # Errors
    /// Store away.
    pub async fn recovery_findings(&self, policy: RecoveryPolicy) -> Result<Vec<RecoveryFinding>, Refusal> {
        let view = self.recovery_view(&Actor::system("findings")).await?;
        let installed_at = self.installed_at().await?;
        Ok(finding::findings(&view, policy, installed_at, self.clock.now()))
    }

    /// The restore that this database came from.
    ///
    /// # Errors
    /// Store away.
    pub async fn restored(&self) -> Result<Option<Restored>, Refusal> {
        let Some(bytes) = self.store.setting(RESTORED).await? else {
            return Ok(None);
        };
        serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|error| Refusal::Unavailable(format!("the setting `{RESTORED}` does not read: {error}")))
    }

    /// The name of this installation, made when it is first asked for.
    async fn database_id(&self) -> Result<String, Refusal> {
        if let Some(stored) = self.stored_database_id().await? {
            return Ok(stored);
        }
        let mut random = [0; 16];
        self.randomness.fill(&mut random);
        let insert = Change::new().write(Write::InsertSetting {
            key: DATABASE_ID.to_owned(),
            value: hex::encode(random).into_bytes(),
        });
        match self.store.commit(insert).await {
            // Another replica was faster: its name counts.
            Ok(()) | Err(CommitError::Stale { .. } | CommitError::Taken { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        let stored = self.stored_database_id().await?;
        stored.ok_or_else(|| Refusal::Unavailable("the installation has no name yet; try again".to_owned()))
    }

    async fn stored_database_id(&self) -> Result<Option<String>, Refusal> {
        let bytes = self.store.setting(DATABASE_ID).await?;
        Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    }
}
