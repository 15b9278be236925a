//! The root key file: read, checked, and made only while there is nothing it could fail to open.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use engine::Randomness;
use keyring::{RootKey, SecretBytes};

/// Why there is no root key, and how to mend it.
#[derive(Debug, thiserror::Error)]
pub enum RootKeyError {
    /// Data is sealed and its key is not here.
    #[error(
        "the root key file {path} is missing, but the database holds sealed data that only it opens; put the file back from \
         your backup, or name the right one in ROTA_ROOT_KEY_FILE. Nothing was created"
    )]
    Missing { path: PathBuf },
    /// Others may read it.
    #[error("others may read the root key file {path} (mode {mode:04o}); run: chmod 600 {path}")]
    Open { path: PathBuf, mode: u32 },
    /// Not a root key.
    #[error(
        "{path} is not a root key: it has {length} bytes, and a root key has {expected}; restore it from your backup"
    )]
    Length {
        path: PathBuf,
        length: usize,
        expected: usize,
    },
    /// The file system refused.
    #[error("the root key file {path} cannot be {verb}: {cause}")]
    Io {
        path: PathBuf,
        verb: &'static str,
        cause: io::Error,
    },
}

/// The key in the file; a new one when there is no file and nothing is sealed yet.
///
/// # Errors
/// When the file is missing beside sealed data, readable by others, damaged, or cannot be read or made.
pub fn read_or_create(
    path: &Path,
    holds_sealed_data: bool,
    randomness: &dyn Randomness,
) -> Result<RootKey, RootKeyError> {
    match read(path) {
        Err(RootKeyError::Io { cause, .. }) if cause.kind() == io::ErrorKind::NotFound => {
            if holds_sealed_data {
                return Err(RootKeyError::Missing {
                    path: path.to_owned(),
                });
            }
            create(path, randomness)?;
            read(path)
        }
        other => other,
    }
}

/// The key in the file.
///
/// # Errors
/// When it is missing, readable by others or damaged.
pub fn read(path: &Path) -> Result<RootKey, RootKeyError> {
    let failed = |cause| RootKeyError::Io {
        path: path.to_owned(),
        verb: "read",
        cause,
    };
    let file = File::open(path).map_err(failed)?;
    // Of the opened file, not of the name: the two cannot differ.
    let mode = file.metadata().map_err(failed)?.mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(RootKeyError::Open {
            path: path.to_owned(),
            mode,
        });
    }
    key_in(file, path)
}

fn key_in(file: File, path: &Path) -> Result<RootKey, RootKeyError> {
    let failed = |cause| RootKeyError::Io {
        path: path.to_owned(),
        verb: "read",
        cause,
    };
    // Room for all of it from the start: growing would leave copies behind in freed memory.
    let mut bytes = Vec::with_capacity(4 * RootKey::LENGTH);
    file.take(3 * RootKey::LENGTH as u64)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    let bytes = SecretBytes::new(bytes);
    RootKey::from_bytes(&bytes).map_err(|_| RootKeyError::Length {
        path: path.to_owned(),
        length: bytes.len(),
        expected: RootKey::LENGTH,
    })
}

/// The key in a file that systemd provides: in memory only, and readable by us alone, whatever its mode says.
///
/// # Errors
/// When it is missing or damaged.
pub fn read_credential(path: &Path) -> Result<RootKey, RootKeyError> {
    let file = File::open(path).map_err(|cause| RootKeyError::Io {
        path: path.to_owned(),
        verb: "read",
        cause,
    })?;
    key_in(file, path)
}

/// Written whole under another name first, then linked: a crash leaves no half key, and two starting processes cannot
/// overwrite each other's.
fn create(path: &Path, randomness: &dyn Randomness) -> Result<(), RootKeyError> {
    let failed = |cause| RootKeyError::Io {
        path: path.to_owned(),
        verb: "made",
        cause,
    };
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let mut draft = path.as_os_str().to_owned();
    draft.push(format!(".{}.new", std::process::id()));
    let draft = PathBuf::from(draft);
    let written = (|| {
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&draft)?;
        // The mode above is cut by the umask, never widened; this makes it exact.
        file.set_permissions(fs::Permissions::from_mode(0o600))?;
        file.write_all(RootKey::generate(randomness).expose_bytes())?;
        file.sync_all()?;
        match fs::hard_link(&draft, path) {
            // Another process made it meanwhile: that one counts.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            other => other?,
        }
        File::open(folder)?.sync_all()
    })();
    let removed = fs::remove_file(&draft);
    written.map_err(failed)?;
    removed.map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::OsRandomness;

    #[test]
    fn a_key_is_made_once_with_mode_600() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("root.key");
        let made = read_or_create(&path, false, &OsRandomness).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o600);
        let again = read_or_create(&path, true, &OsRandomness).unwrap();
        assert_eq!(made.fingerprint(), again.fingerprint());
        assert_eq!(
            fs::read_dir(folder.path()).unwrap().count(),
            1,
            "no draft stays behind"
        );
    }

    #[test]
    fn beside_sealed_data_nothing_is_made() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("root.key");
        let refused = read_or_create(&path, true, &OsRandomness).unwrap_err();
        assert!(matches!(refused, RootKeyError::Missing { .. }), "{refused}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_key_that_others_may_read_or_that_is_damaged_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("root.key");
        read_or_create(&path, false, &OsRandomness).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(
            read_or_create(&path, true, &OsRandomness),
            Err(RootKeyError::Open { mode: 0o640, .. })
        ));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(&path, b"short").unwrap();
        assert!(matches!(
            read_or_create(&path, false, &OsRandomness),
            Err(RootKeyError::Length { length: 5, .. })
        ));
        assert_eq!(
            fs::read(&path).unwrap(),
            b"short",
            "a damaged key is not replaced"
        );
    }
}
