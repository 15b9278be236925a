//! One server per SQLite file: a lock that the kernel takes back when the process dies, however it dies.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Held as long as the server runs.
#[derive(Debug)]
pub(crate) struct FileLock {
    _file: File,
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
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(FileLockError::Held(path)),
            Err(TryLockError::Error(error)) => Err(FileLockError::Io(path, error)),
        }
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
