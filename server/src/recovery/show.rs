//! What a backup is and what it still opens, without restoring it.

use engine::recovery::{
    BackupError, BackupReader, Burial, Manifest, OpenVersion, Record, Summary, Tombstone, Tombstones,
};
use engine::seal::Sealer;

use super::restore::RestoreFailure;
use super::source::Source;

/// A backup, read to its end.
#[derive(Clone, Debug)]
pub struct Shown {
    pub manifest: Manifest,
    pub summary: Summary,
    /// Key versions whose material is in it and that no tombstone shuts.
    pub open: Vec<OpenVersion>,
    /// Key versions whose material is in it although they were destroyed since.
    pub shut: Vec<Tombstone>,
}

/// Reads a backup to its end.
///
/// # Errors
/// When it cannot be read, does not open, or was changed.
pub async fn show(
    mut source: Source,
    sealer: &Sealer,
    tombstones: Tombstones,
) -> Result<Shown, RestoreFailure> {
    let key = source.header.open_key(sealer)?;
    let mut reader = BackupReader::new(key, source.header_bytes());
    let (mut manifest, mut summary) = (None, None);
    let mut burial = Burial::new(tombstones);
    while let Some((chunk, is_last)) = source.chunk().await? {
        reader.chunk(&chunk, is_last)?;
        while let Some(record) = reader.record()? {
            match record {
                Record::Manifest(said) => manifest = Some(said),
                Record::Table(head) => burial.table(&head),
                Record::Row(cells) => {
                    let _stays_dead = burial.admits(&cells)?;
                }
                Record::Summary(said) => summary = Some(said),
            }
        }
    }
    let (Some(manifest), Some(summary), true) = (manifest, summary, reader.has_ended()) else {
        return Err(BackupError::CutOff.into());
    };
    let (open, shut) = burial.versions();
    Ok(Shown {
        manifest,
        summary,
        open,
        shut,
    })
}
