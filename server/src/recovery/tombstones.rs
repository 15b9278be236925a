//! Tombstones outside: a small file, sealed as a backup is, that is kept apart from the backups it speaks of (KEY-8).

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use engine::access::Actor;
use engine::recovery::{BackupReader, Manifest, Record, Tombstones};
use engine::seal::Sealer;
use engine::{Refusal, Services};
use sha2::{Digest, Sha256};
use store::Database;

use super::restore::RestoreFailure;
use super::source::Source;
use super::{VERSION, make};

/// What left, complete.
#[derive(Clone, Debug)]
pub struct ExportedTombstones {
    pub bytes: Vec<u8>,
    /// How many key versions it names.
    pub count: usize,
    /// Of the bytes, as lower-case hex.
    pub sha256: String,
}

impl ExportedTombstones {
    /// For the control socket.
    pub fn to_line(&self) -> String {
        format!("{} {} {}", self.count, self.sha256, STANDARD.encode(&self.bytes))
    }

    /// What came over the control socket; None when it is not what was sent.
    pub fn of_line(line: &str) -> Option<Self> {
        let mut parts = line.split(' ');
        let (count, sha256, bytes) = (parts.next()?, parts.next()?, parts.next()?);
        let bytes = STANDARD.decode(bytes).ok()?;
        (hex::encode(Sha256::digest(&bytes)) == sha256).then_some(Self {
            bytes,
            count: count.parse().ok()?,
            sha256: sha256.to_owned(),
        })
    }
}

/// Seals every tombstone into a file, and keeps that this was done.
///
/// # Errors
/// Not an administrator; the store or the keys are away.
pub async fn export_tombstones(
    services: &Services,
    database: &Database,
    actor: &Actor,
) -> Result<ExportedTombstones, Refusal> {
    let start = services.begin_backup(actor).await?;
    let id = start.id().clone();
    let (_snapshot, facts) = make::snapshot(database).await?;
    let count = facts.tombstones.len();
    let bytes = start
        .write_tombstones(VERSION, facts)
        .map_err(|error| make::unwritable(&error))?;
    let sha256 = hex::encode(Sha256::digest(&bytes));
    services.note_tombstones(actor, &id, count, &sha256).await?;
    Ok(ExportedTombstones { bytes, count, sha256 })
}

/// Tombstones that were kept outside, or in a newer backup.
#[derive(Clone, Debug)]
pub struct KeptTombstones {
    /// The installation they are of.
    pub database: String,
    pub tombstones: Tombstones,
}

impl KeptTombstones {
    /// Of a manifest.
    fn of(manifest: Manifest) -> Self {
        Self {
            database: manifest.database,
            tombstones: Tombstones::new(manifest.tombstones),
        }
    }

    /// Reads a file of tombstones, or a backup for its tombstones. `open` gives the keys it was sealed under.
    ///
    /// # Errors
    /// When it cannot be read, does not open, or was changed.
    pub async fn read(mut source: Source, sealer: &Sealer, path: &Path) -> Result<Self, RestoreFailure> {
        let key = source.header.open_key(sealer)?;
        let mut reader = BackupReader::new(key, source.header_bytes());
        while let Some((chunk, is_last)) = source.chunk().await? {
            reader.chunk(&chunk, is_last)?;
            if let Some(Record::Manifest(manifest)) = reader.record()? {
                return Ok(Self::of(manifest));
            }
        }
        Err(RestoreFailure::NoTombstones(path.to_owned()))
    }
}
