//! Values as files in memory: 0700 directories, 0600 files, replaced at once and removed at the end.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt, symlink},
    path::{Path, PathBuf},
};

use serde::Serialize;
use tempfile::TempDir;
use zeroize::Zeroizing;

use super::RunError;
use crate::Lease;

const PREFIX: &str = "rota-run-";
const LOCK: &str = ".lock";
const TMPFS_MAGIC: u64 = 0x0102_1994;
const RAMFS_MAGIC: u64 = 0x8584_58f6;

/// The directory that a program finds in `ROTA_CREDENTIALS_DIR`.
///
/// Each credential is a link to a directory that is never changed once it is linked, so that a reader who opens
/// `<credential>/credential.json` sees one version whole.
#[derive(Debug)]
pub(super) struct CredentialFiles {
    directory: TempDir,
    generation: u64,
    /// Held while we live: a directory whose lock is free was left behind by a killed process.
    _lock: File,
}

/// All of a version in one file.
#[derive(Serialize)]
struct WholeFile<'a> {
    version: u32,
    values: &'a api::Values,
}

impl CredentialFiles {
    pub(super) fn create(base: &Path) -> Result<Self, RunError> {
        let at_base = |source| RunError::File {
            path: base.to_owned(),
            source,
        };
        let kind = rustix::fs::statfs(base)
            .map_err(|error| at_base(error.into()))?
            .f_type;
        // The width and sign of the field differ between machines; the number does not.
        let kind = u64::from(kind as u32);
        if ![TMPFS_MAGIC, RAMFS_MAGIC].contains(&kind) {
            return Err(RunError::NotMemory {
                path: base.to_owned(),
            });
        }
        remove_left_behind(base);
        let directory = tempfile::Builder::new()
            .prefix(PREFIX)
            .permissions(fs::Permissions::from_mode(0o700))
            .tempdir_in(base)
            .map_err(at_base)?;
        // Locked before it gets its name: nobody ever sees the name with a free lock.
        let unnamed = directory.path().join(".lock-new");
        let locked = create_file(&unnamed).and_then(|lock| {
            lock.try_lock()?;
            fs::rename(&unnamed, directory.path().join(LOCK))?;
            Ok(lock)
        });
        Ok(Self {
            _lock: locked.map_err(at_base)?,
            directory,
            generation: 0,
        })
    }

    pub(super) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Puts a version in the place of the one before.
    pub(super) fn replace(&mut self, lease: &Lease) -> Result<(), RunError> {
        if let Some((name, _)) = lease.expose_all().find(|(name, _)| !can_be_file(name)) {
            return Err(RunError::ValueName {
                name: name.to_owned(),
            });
        }
        let at = |path: &Path| {
            let path = path.to_owned();
            |source| RunError::File { path, source }
        };
        let link = self.path().join(lease.credential());
        let old = fs::read_link(&link).ok();
        self.generation += 1;
        let target = format!(".{}.{}", lease.credential(), self.generation);
        let fresh = self.path().join(&target);
        fs::create_dir(&fresh).map_err(at(&fresh))?;
        fs::set_permissions(&fresh, fs::Permissions::from_mode(0o700)).map_err(at(&fresh))?;
        write_version(&fresh, lease).map_err(at(&fresh))?;
        let new_link = self.path().join(format!(".link-{}", lease.credential()));
        symlink(&target, &new_link)
            .and_then(|()| fs::rename(&new_link, &link))
            .map_err(at(&link))?;
        if let Some(old) = old {
            let old = self.path().join(old);
            fs::remove_dir_all(&old).map_err(at(&old))?;
        }
        Ok(())
    }

    /// Takes a credential away.
    pub(super) fn remove(&self, credential: &str) -> io::Result<()> {
        let link = self.path().join(credential);
        let target = fs::read_link(&link)?;
        fs::remove_file(&link)?;
        fs::remove_dir_all(self.path().join(target))
    }
}

fn write_version(directory: &Path, lease: &Lease) -> io::Result<()> {
    for (name, value) in lease.expose_all() {
        create_file(&directory.join(name))?.write_all(value.as_bytes())?;
    }
    create_file(&directory.join("version"))?.write_all(lease.version().to_string().as_bytes())?;
    let whole = WholeFile {
        version: lease.version(),
        values: lease.expose_values(),
    };
    let json = Zeroizing::new(serde_json::to_vec(&whole)?);
    create_file(&directory.join("credential.json"))?.write_all(&json)
}

fn create_file(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
}

fn can_be_file(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    !name.is_empty()
        && name.len() <= 128
        && !name.starts_with('.')
        && name.bytes().all(is_plain)
        && !["version", "credential.json"].contains(&name)
}

/// Removes what killed processes left. Only a lock that can be taken proves that nobody lives there.
fn remove_left_behind(base: &Path) {
    let left_behind = |path: PathBuf| -> io::Result<()> {
        let lock = OpenOptions::new().write(true).open(path.join(LOCK))?;
        lock.try_lock()?;
        fs::remove_dir_all(&path)
    };
    let Ok(entries) = fs::read_dir(base) else { return };
    for entry in entries.flatten() {
        if entry.file_name().to_string_lossy().starts_with(PREFIX) {
            // Another user's directory, or a living one: not ours to touch.
            let _not_ours = left_behind(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use api::{Secret, delivery::DeliveredValue};

    use super::*;

    fn lease(version: u32, password: &str) -> Lease {
        let values = [
            ("password".to_owned(), DeliveredValue::Text(Secret::new(password))),
            ("port".to_owned(), DeliveredValue::Number(5432)),
        ];
        Lease::new("orders-app", version, values.into())
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_version_is_replaced_whole_and_leaves_nothing() {
        let mut files = CredentialFiles::create(Path::new("/dev/shm")).unwrap();
        let root = files.path().to_owned();
        files.replace(&lease(1, "first")).unwrap();
        let opened_before = fs::read_link(root.join("orders-app")).unwrap();
        files.replace(&lease(2, "second\n\0")).unwrap();
        let directory = root.join("orders-app");
        assert_eq!(fs::read(directory.join("password")).unwrap(), b"second\n\0");
        assert_eq!(fs::read_to_string(directory.join("version")).unwrap(), "2");
        let json: serde_json::Value =
            serde_json::from_slice(&fs::read(directory.join("credential.json")).unwrap()).unwrap();
        assert_eq!(
            json,
            serde_json::json!({"version": 2, "values": {"password": "second\n\0", "port": 5432}})
        );
        assert!(!root.join(opened_before).exists(), "the version before is gone");
        assert_eq!((mode(&root), mode(&directory)), (0o700, 0o700));
        for file in fs::read_dir(&directory).unwrap() {
            assert_eq!(mode(&file.unwrap().path()), 0o600);
        }
        files.remove("orders-app").unwrap();
        assert!(!directory.exists());
        drop(files);
        assert!(!root.exists());
    }

    #[test]
    fn only_what_nobody_holds_is_swept() {
        let base = tempfile::tempdir_in("/dev/shm").unwrap();
        let living = CredentialFiles::create(base.path()).unwrap();
        let abandoned = base.path().join("rota-run-abandoned");
        fs::create_dir(&abandoned).unwrap();
        create_file(&abandoned.join(LOCK)).unwrap();
        let being_made = base.path().join("rota-run-being-made");
        fs::create_dir(&being_made).unwrap();
        let _next = CredentialFiles::create(base.path()).unwrap();
        assert!(living.path().exists(), "its lock is held");
        assert!(!abandoned.exists(), "its lock was free");
        assert!(being_made.exists(), "it has no lock yet");
    }

    #[test]
    fn a_disk_and_a_hostile_name_are_refused() {
        let on_disk = Path::new(env!("CARGO_MANIFEST_DIR"));
        assert!(matches!(
            CredentialFiles::create(on_disk),
            Err(RunError::NotMemory { .. })
        ));
        let mut files = CredentialFiles::create(Path::new("/dev/shm")).unwrap();
        for name in ["../escape", "", ".hidden", "a/b", "version"] {
            let values = [(name.to_owned(), DeliveredValue::Number(1))];
            let refused = files.replace(&Lease::new("orders-app", 1, values.into()));
            assert!(matches!(refused, Err(RunError::ValueName { .. })), "{name:?}");
        }
    }
}
