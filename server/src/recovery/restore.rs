//! Restores a backup into a place that holds nothing, and verifies everything before it commits.

use std::io;
use std::path::PathBuf;

use engine::Timestamp;
use engine::Write;
use engine::access::Actor;
use engine::audit::AuditDraft;
use engine::recovery::check::Checked;
use engine::recovery::model::RESTORED;
use engine::recovery::{
    BackupError, BackupReader, Burial, Cell, Checker, Manifest, OpenVersion, Record, Restored, Summary,
    TableDigest, TableHead, TableSummary, Tombstone, Tombstones,
};
use engine::seal::{SealError, Sealer, UnlockError};
use store::{Restoration, RestoreError};

use super::source::Source;
use super::tombstones::KeptTombstones;
use crate::host::OsRandomness;

/// Why nothing was restored. The place holds what it held before.
#[derive(Debug, thiserror::Error)]
pub enum RestoreFailure {
    /// The file cannot be opened.
    #[error("{path} cannot be read: {cause}")]
    Unreadable { path: PathBuf, cause: io::Error },
    /// Reading broke off.
    #[error("the backup cannot be read to its end: {0}")]
    Read(#[source] io::Error),
    /// The backup itself.
    #[error(transparent)]
    Backup(#[from] BackupError),
    /// The place.
    #[error(transparent)]
    Place(#[from] RestoreError),
    /// No room to open the keys in.
    #[error("the keys of the backup cannot be opened in a temporary folder: {0}")]
    Scratch(String),
    /// Another root key.
    #[error("{0}")]
    Keys(String),
    /// Values that were damaged before the backup was made.
    #[error(
        "{count} sealed values of the backup do not open: {named}. They were damaged before it was made. Use an older \
         backup, or restore all the rest with --keep-unreadable"
    )]
    SealedValues { count: u64, named: String },
    /// A backup was wanted.
    #[error("this file holds tombstones and no database; name it with --tombstones, beside a backup")]
    OnlyTombstones,
    /// Tombstones were wanted.
    #[error(
        "{0} holds no tombstones; `rota backup tombstones` writes a file of them, and newer backups hold them too"
    )]
    NoTombstones(PathBuf),
    /// Tombstones of another installation.
    #[error(
        "the tombstones are of installation {tombstones} and the backup is of installation {backup}; leave them out, or \
         take the right ones"
    )]
    OtherInstallation { tombstones: String, backup: String },
    /// A key that lost its active version needs another one.
    #[error("a new version of a key cannot be made: {0}")]
    NewVersion(#[from] SealError),
    /// What is stored about the root.
    #[error(transparent)]
    Root(#[from] UnlockError),
    /// What stands in the new database is not what was written.
    #[error(
        "table `{0}` reads back otherwise than it was written; the disk or the database is not to be trusted"
    )]
    ReadBack(String),
}

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Restore<'a> {
    pub url: &'a str,
    pub sealer: &'a Sealer,
    pub now: Timestamp,
    /// Key versions that stay dead.
    pub tombstones: &'a [KeptTombstones],
    /// Sealed values that do not open are restored as they are.
    pub keep_unreadable: bool,
}

/// What was restored.
#[derive(Clone, Debug)]
pub struct RestoreReport {
    pub manifest: Manifest,
    pub summary: Summary,
    pub checked: Checked,
    /// Versions that lived in the backup and were destroyed since: they stay dead.
    pub shut: Vec<Tombstone>,
    /// Versions that the restored database opens.
    pub open: Vec<OpenVersion>,
}

impl Restore<'_> {
    /// Restores, verifies, commits.
    ///
    /// # Errors
    /// [`RestoreFailure`]; nothing was changed.
    pub async fn carry_out(&self, mut source: Source) -> Result<RestoreReport, RestoreFailure> {
        let key = source.header.open_key(self.sealer)?;
        let mut reader = BackupReader::new(key, source.header_bytes());
        let mut restoration: Option<(Restoration, Manifest)> = None;
        let mut checker = Checker::new(self.sealer);
        let all = self.tombstones.iter().flat_map(|kept| kept.tombstones.to_vec());
        let mut rows = Rows::new(Burial::new(Tombstones::new(all)));
        let mut summary = None;
        while let Some((chunk, is_last)) = source.chunk().await? {
            reader.chunk(&chunk, is_last)?;
            while let Some(record) = reader.record()? {
                match (record, restoration.as_mut()) {
                    (Record::Manifest(manifest), None) => {
                        self.check_manifest(&manifest)?;
                        let begun = Restoration::begin(self.url, manifest.migration).await?;
                        restoration = Some((begun, manifest));
                    }
                    (Record::Table(head), Some((restoration, _))) => {
                        checker.table(&head);
                        rows.table(&head);
                        restoration.table(&head.name, &head.columns).await?;
                    }
                    (Record::Row(cells), Some((restoration, _))) => {
                        // What stays dead is neither opened nor written.
                        if rows.admits(&cells)? {
                            checker.row(&cells)?;
                            restoration.row(cells).await?;
                        }
                    }
                    (Record::Summary(said), Some(_)) => summary = Some(said),
                    // The reader keeps the order; whatever else comes is no backup of ours.
                    _ => return Err(BackupError::CutOff.into()),
                }
            }
        }
        let (Some((restoration, manifest)), Some(summary), true) = (restoration, summary, reader.has_ended())
        else {
            return Err(BackupError::CutOff.into());
        };
        let checked = checker.finish(&manifest)?;
        let (burial, summary) = rows.finish(summary);
        let buried = burial.finish(self.sealer, &OsRandomness, self.now)?;
        let report = RestoreReport {
            manifest,
            summary,
            checked,
            shut: buried.shut,
            open: buried.open,
        };
        self.complete(restoration, &report, buried.writes, buried.drafts)
            .await?;
        Ok(report)
    }

    fn check_manifest(&self, manifest: &Manifest) -> Result<(), RestoreFailure> {
        if manifest.only_tombstones {
            return Err(RestoreFailure::OnlyTombstones);
        }
        match self
            .tombstones
            .iter()
            .find(|kept| kept.database != manifest.database)
        {
            Some(kept) => Err(RestoreFailure::OtherInstallation {
                tombstones: kept.database.clone(),
                backup: manifest.database.clone(),
            }),
            None => Ok(()),
        }
    }

    async fn complete(
        &self,
        mut restoration: Restoration,
        report: &RestoreReport,
        writes: Vec<Write>,
        mut drafts: Vec<AuditDraft>,
    ) -> Result<(), RestoreFailure> {
        let (checked, manifest) = (&report.checked, &report.manifest);
        if checked.unreadable > 0 && !self.keep_unreadable {
            return Err(RestoreFailure::SealedValues {
                count: checked.unreadable,
                named: checked.named.join(", "),
            });
        }
        let found = restoration.read_back().await?;
        for table in found {
            let said = report.summary.tables.iter().find(|said| said.name == table.name);
            if said.map_or(table.rows > 0, |said| *said != table) {
                return Err(RestoreFailure::ReadBack(table.name));
            }
        }
        let restored = Restored {
            at: self.now,
            backup: manifest.backup.clone(),
            backup_made_at: manifest.made_at,
            audit: manifest.audit.clone(),
        };
        let setting = serde_json::to_vec(&restored).map_err(|error| BackupError::Form(error.to_string()))?;
        let detail = format!(
            "{} rows of {} tables, made at {} by Rota {}; the audit ended with entry {}",
            report.summary.rows(),
            report.summary.tables.len(),
            api::Timestamp::from(manifest.made_at),
            manifest.rota,
            manifest.audit.sequence
        );
        let draft = AuditDraft::new(
            &Actor::system("restore"),
            self.now,
            "database.restore",
            format!("backup/{}", manifest.backup),
            detail,
        );
        drafts.insert(0, draft);
        restoration.apply(writes).await?;
        // Under the root that opened it, which may be the one that a migration went to.
        restoration.apply(self.sealer.settled()?).await?;
        restoration
            .add(vec![(RESTORED.to_owned(), setting)], drafts)
            .await?;
        restoration.commit().await?;
        Ok(())
    }
}

/// The rows on their way through: those of the table of sealed values are counted anew, since some may stay behind.
struct Rows {
    burial: Burial,
    sealed: Option<TableDigest>,
    restored: Option<TableSummary>,
}

impl Rows {
    fn new(burial: Burial) -> Self {
        Self {
            burial,
            sealed: None,
            restored: None,
        }
    }

    fn table(&mut self, head: &TableHead) {
        self.end_table();
        self.burial.table(head);
        self.sealed = (head.name == "secret").then(|| TableDigest::new(&head.name));
    }

    fn admits(&mut self, cells: &[Cell]) -> Result<bool, BackupError> {
        let admitted = self.burial.admits(cells)?;
        if let Some(digest) = self.sealed.as_mut().filter(|_| admitted) {
            digest.add(cells);
        }
        Ok(admitted)
    }

    fn end_table(&mut self) {
        if let Some(digest) = self.sealed.take() {
            self.restored = Some(digest.summary());
        }
    }

    /// What was restored, of what the backup held.
    fn finish(mut self, mut summary: Summary) -> (Burial, Summary) {
        self.end_table();
        if let Some(restored) = self.restored
            && let Some(said) = summary.tables.iter_mut().find(|said| said.name == restored.name)
        {
            *said = restored;
        }
        (self.burial, summary)
    }
}
