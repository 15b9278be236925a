//! Makes a backup: one moment of the whole database, sealed into a file.

use std::io;
use std::path::Path;

use engine::access::Actor;
use engine::ports::StoreError;
use engine::recovery::service::SnapshotFacts;
use engine::recovery::{Backup, BackupError, BackupWriter, Manifest, Summary, TableHead};
use engine::{Refusal, Services};
use futures::TryStreamExt;
use sha2::{Digest, Sha256};
use store::{Database, Snapshot};
use tokio::fs::File;
use tokio::io::{AsyncSeekExt, AsyncWriteExt};

use super::VERSION;
use crate::http::AppState;

/// Sealed bytes in memory at most, more or less.
const BUFFERED: usize = 1024 * 1024;

/// A file without a name, beside the database when it is one: it goes when it is closed, however that happens.
///
/// # Errors
/// When the folder cannot be written.
pub fn spool(folder: &Path) -> io::Result<File> {
    tempfile::tempfile_in(folder).map(File::from_std)
}

/// Makes a backup and keeps that it was made. It is only to be handed out when this succeeds.
///
/// # Errors
/// Not an administrator; the store, the keys or the file are away.
pub async fn make_backup(
    services: &Services,
    database: &Database,
    actor: &Actor,
    file: &mut File,
) -> Result<Backup, Refusal> {
    let backup = write_backup(services, database, actor, file).await?;
    services.register_backup(actor, backup.clone()).await?;
    Ok(backup)
}

/// Writes a backup into a file, leaves the file at its beginning, and keeps nothing of it.
///
/// # Errors
/// As [`make_backup`].
pub async fn write_backup(
    services: &Services,
    database: &Database,
    actor: &Actor,
    file: &mut File,
) -> Result<Backup, Refusal> {
    let start = services.begin_backup(actor).await?;
    // After the key was sealed: the wrapping key that did it is in the snapshot.
    let (mut snapshot, facts) = snapshot(database).await?;
    let (writer, manifest) = start.write(VERSION, facts).map_err(|error| unwritable(&error))?;
    let mut sink = Sink {
        file,
        hasher: Sha256::new(),
        bytes: 0,
    };
    let summary = write_tables(&mut snapshot, writer, &mut sink).await?;
    sink.file.flush().await.map_err(|error| unwritable(&error))?;
    sink.file.rewind().await.map_err(|error| unwritable(&error))?;
    Ok(kept(actor, manifest, &summary, sink))
}

/// One moment of the database, and what it says of itself.
pub(super) async fn snapshot(database: &Database) -> Result<(Snapshot, SnapshotFacts), Refusal> {
    let mut snapshot = database.snapshot().await.map_err(|error| logged(&error))?;
    let settings = snapshot.settings().await.map_err(|error| logged(&error))?;
    let tombstones = snapshot.tombstones(&settings).await;
    let facts = SnapshotFacts {
        backend: database.backend().label(),
        migration: snapshot.migration(),
        audit: snapshot.audit().clone(),
        tombstones: tombstones.map_err(|error| logged(&error))?,
        settings,
    };
    Ok((snapshot, facts))
}

fn kept(actor: &Actor, manifest: Manifest, summary: &Summary, sink: Sink<'_>) -> Backup {
    Backup {
        id: manifest.backup,
        made_at: manifest.made_at,
        made_by: actor.label(),
        bytes: sink.bytes,
        sha256: hex::encode(sink.hasher.finalize()),
        rows: summary.rows(),
        audit: manifest.audit,
    }
}

async fn write_tables(
    snapshot: &mut Snapshot,
    mut writer: BackupWriter,
    sink: &mut Sink<'_>,
) -> Result<Summary, Refusal> {
    for table in snapshot.tables().to_vec() {
        let head = TableHead {
            name: table.name.clone(),
            columns: table.column_names(),
        };
        writer.table(&head).map_err(|error| unwritable(&error))?;
        let mut rows = snapshot.rows(&table);
        while let Some(row) = rows.try_next().await.map_err(|error| logged(&error))? {
            writer.row(&row).map_err(|error| unwritable(&error))?;
            if writer.ready() > BUFFERED {
                sink.put(&writer.take_ready()).await?;
            }
        }
    }
    let (summary, last) = writer.finish().map_err(|error| unwritable(&error))?;
    sink.put(&last).await?;
    Ok(summary)
}

struct Sink<'file> {
    file: &'file mut File,
    hasher: Sha256,
    bytes: u64,
}

impl Sink<'_> {
    async fn put(&mut self, bytes: &[u8]) -> Result<(), Refusal> {
        self.hasher.update(bytes);
        self.bytes += bytes.len() as u64;
        self.file
            .write_all(bytes)
            .await
            .map_err(|error| unwritable(&error))
    }
}

/// The caller is told that the database is away; what it said stands in the log.
fn logged(error: &StoreError) -> Refusal {
    tracing::warn!(error.cause = %error, "a backup could not be made");
    Refusal::Unavailable(format!("no backup was made: {error}"))
}

pub(super) trait Unwritable: std::fmt::Display {}
impl Unwritable for BackupError {}
impl Unwritable for io::Error {}
impl Unwritable for tokio::sync::AcquireError {}

pub(super) fn unwritable(error: &impl Unwritable) -> Refusal {
    Refusal::Unavailable(format!("the backup could not be written: {error}"))
}

/// A backup of a running server, complete, at its beginning.
#[derive(Debug)]
pub struct Spooled {
    pub file: File,
    pub backup: Backup,
}

/// Makes a backup in a file that nobody sees, so that a slow reader holds nothing up; one at a time.
///
/// # Errors
/// As [`make_backup`].
pub async fn spooled_backup(state: &AppState, actor: &Actor) -> Result<Spooled, Refusal> {
    // Asked first, so that nobody without the role waits in the queue.
    actor.require(engine::access::Role::Administrator)?;
    let _one_at_a_time = state
        .backups
        .acquire()
        .await
        .map_err(|error| unwritable(&error))?;
    let mut file = spool(&state.spool_folder).map_err(|error| unwritable(&error))?;
    let backup = make_backup(&state.services, &state.database, actor, &mut file).await?;
    Ok(Spooled { file, backup })
}
