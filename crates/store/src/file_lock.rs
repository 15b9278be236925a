//! One server per SQLite file: a lock that the kernel takes back when the process dies, however it dies.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Held as long as the server runs.
#[derive(Debug)]
pub(crate) struct FileLock {
    file: File,
}

/// Somebody else has it, or it cannot be had.
#[derive(Debug)]
pub(crate) enum FileLockError {
    Held(PathBuf),
    Io(PathBuf, io::Error),
}

impl FileLock {
    /// Locks `<database>.lock`. The file stays: removing it would let two servers lock two files of one name.
    pub(crate) fn take(database: &Path) -> Result<Self, FileLockError> {
        let mut path = database.as_os_str().to_owned();
        path.push(".lock");
        let path = PathBuf::from(path);
        let file = open_private(&path).map_err(|error| FileLockError::Io(path.clone(), error))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { file }),
            Err(TryLockError::WouldBlock) => Err(FileLockError::Held(path)),
            Err(TryLockError::Error(error)) => Err(FileLockError::Io(path, error)),
        }
    }

    /// What its holders say about the database; empty when nobody has yet, or it cannot be read.
    pub(crate) fn read(&self) -> String {
        let mut said = [0; 128];
        let length = self.file.read_at(&mut said, 0).unwrap_or(0);
        String::from_utf8_lossy(said.get(..length).unwrap_or_default()).into_owned()
    }

    /// Says something else about it.
    pub(crate) fn write(&self, said: &str) -> io::Result<()> {
        self.file.write_all_at(said.as_bytes(), 0)?;
        self.file.set_len(said.len() as u64)?;
        self.file.sync_all()
    }
}

/// Opens a file that only its owner may read, making it when it is missing.
pub(crate) fn open_private(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
}
