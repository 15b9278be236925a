//! Restores a backup into a place that holds nothing, and verifies everything before it commits.

use std::io;
use std::path::PathBuf;

use engine::Timestamp;
use engine::access::Actor;
use engine::audit::AuditDraft;
use engine::recovery::check::Checked;
use engine::recovery::model::RESTORED;
use engine::recovery::{BackupError, BackupReader, Checker, Manifest, Record, Restored, Summary};
use engine::seal::Sealer;
use store::{Restoration, RestoreError};

use super::source::Source;

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
    /// Sealed values that do not open are restored as they are.
    pub keep_unreadable: bool,
}

/// What was restored.
#[derive(Clone, Debug)]
pub struct RestoreReport {
    pub manifest: Manifest,
    pub summary: Summary,
    pub checked: Checked,
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
        let mut summary = None;
        while let Some((chunk, is_last)) = source.chunk().await? {
            reader.chunk(&chunk, is_last)?;
            while let Some(record) = reader.record()? {
                match (record, restoration.as_mut()) {
                    (Record::Manifest(manifest), None) => {
                        let begun = Restoration::begin(self.url, manifest.migration).await?;
                        restoration = Some((begun, manifest));
                    }
                    (Record::Table(head), Some((restoration, _))) => {
                        checker.table(&head);
                        restoration.table(&head.name, &head.columns).await?;
                    }
                    (Record::Row(cells), Some((restoration, _))) => {
                        checker.row(&cells)?;
                        restoration.row(cells).await?;
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
        let report = RestoreReport {
            manifest,
            summary,
            checked,
        };
        self.complete(restoration, &report).await?;
        Ok(report)
    }

    async fn complete(
        &self,
        mut restoration: Restoration,
        report: &RestoreReport,
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
        restoration
            .add(vec![(RESTORED.to_owned(), setting)], vec![draft])
            .await?;
        restoration.commit().await?;
        Ok(())
    }
}
