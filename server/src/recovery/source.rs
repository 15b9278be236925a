//! A backup file, read front to back: its header, then its chunks.

use std::path::Path;
use std::sync::Arc;

use engine::delivery::Live;
use engine::ports::Roots;
use engine::recovery::{BackupError, BackupHeader, HEADER_PREFIX, header_length};
use engine::seal::Sealer;
use engine::{Change, Clock, Write};
use keyring::SEALED_CHUNK_LENGTH;
use store::{Database, Options};
use tempfile::TempDir;
use tokio::fs::File;
use tokio::io::{AsyncReadExt, BufReader};

use super::restore::RestoreFailure;
use crate::announcements::Announcements;
use crate::commands::CommandError;
use crate::composition;
use crate::host::SystemClock;

/// A backup whose header was read.
#[derive(Debug)]
pub struct Source {
    pub header: BackupHeader,
    header_bytes: Vec<u8>,
    file: BufReader<File>,
    /// Read ahead: only so is the last chunk known to be the last.
    next: Vec<u8>,
}

impl Source {
    /// Opens a file by its name.
    ///
    /// # Errors
    /// When it cannot be read, or is no backup.
    pub async fn open(path: &Path) -> Result<Self, RestoreFailure> {
        let unreadable = |cause| RestoreFailure::Unreadable {
            path: path.to_owned(),
            cause,
        };
        let file = File::open(path).await.map_err(unreadable)?;
        Self::read(file).await
    }

    /// Takes a file that is open at its beginning.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub async fn read(file: File) -> Result<Self, RestoreFailure> {
        let mut file = BufReader::with_capacity(SEALED_CHUNK_LENGTH, file);
        let mut header_bytes = fill(&mut file, HEADER_PREFIX).await?;
        let prefix: [u8; HEADER_PREFIX] = header_bytes
            .as_slice()
            .try_into()
            .map_err(|_| BackupError::NotABackup)?;
        let length = header_length(&prefix)?;
        let json = fill(&mut file, length).await?;
        if json.len() < length {
            return Err(BackupError::CutOff.into());
        }
        let header = BackupHeader::parse(&json)?;
        header_bytes.extend_from_slice(&json);
        let next = fill(&mut file, SEALED_CHUNK_LENGTH).await?;
        Ok(Self {
            header,
            header_bytes,
            file,
            next,
        })
    }

    /// Everything before the first chunk.
    pub(super) fn header_bytes(&self) -> &[u8] {
        &self.header_bytes
    }

    /// The next chunk, and whether it is the last; None behind it.
    pub(super) async fn chunk(&mut self) -> Result<Option<(Vec<u8>, bool)>, RestoreFailure> {
        if self.next.is_empty() {
            return Ok(None);
        }
        let following = fill(&mut self.file, SEALED_CHUNK_LENGTH).await?;
        let is_last = following.is_empty();
        Ok(Some((std::mem::replace(&mut self.next, following), is_last)))
    }

    /// The keys of the backup in a database of their own, so that they open as they would at a start.
    ///
    /// # Errors
    /// When it cannot be made.
    pub async fn key_store(&self) -> Result<KeyStore, RestoreFailure> {
        let unusable = |error: &dyn std::fmt::Display| RestoreFailure::Scratch(error.to_string());
        let folder = tempfile::tempdir().map_err(|error| unusable(&error))?;
        let url = format!("sqlite:{}", folder.path().join("keys.db").display());
        let nobody_waits = Arc::new(Announcements::new(
            Arc::new(Live::new(SystemClock.now())),
            Arc::default(),
        ));
        let database = Database::open(&url, nobody_waits, Options::default())
            .await
            .map_err(|error| unusable(&error))?;
        let mut change = Change::new();
        for record in &self.header.key_records {
            change = change.write(Write::PutSetting {
                key: record.setting.clone(),
                value: record.value()?,
            });
        }
        engine::ports::Store::commit(database.as_ref(), change)
            .await
            .map_err(|error| unusable(&error))?;
        Ok(KeyStore {
            database,
            _folder: folder,
        })
    }
}

/// The keys of a backup, wrapped as they are, in a database that goes when this is dropped.
#[derive(Debug)]
pub struct KeyStore {
    database: Arc<Database>,
    _folder: TempDir,
}

impl KeyStore {
    /// Opens them with what the operator gave.
    ///
    /// # Errors
    /// When it is another root key than the one the backup was made under.
    pub async fn unlock(&self, roots: Arc<dyn Roots>) -> Result<Sealer, CommandError> {
        let sealer = composition::unlock(&self.database, roots, &SystemClock).await;
        self.database.close().await;
        sealer
    }

    /// Opens them with the root key of a running server.
    ///
    /// # Errors
    /// When they do not open under it.
    pub async fn unlock_as(&self, running: &Sealer) -> Result<Sealer, RestoreFailure> {
        let sealer = running.of_copy(self.database.as_ref()).await;
        self.database.close().await;
        sealer.map_err(|error| RestoreFailure::Keys(error.to_string()))
    }
}

/// Reads so many bytes, or what is left.
async fn fill(file: &mut BufReader<File>, length: usize) -> Result<Vec<u8>, RestoreFailure> {
    let mut bytes = Vec::with_capacity(length);
    file.take(length as u64)
        .read_to_end(&mut bytes)
        .await
        .map_err(RestoreFailure::Read)?;
    Ok(bytes)
}
