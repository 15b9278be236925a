//! A PKCS#11 token in software (SoftHSM2) in a folder of its own.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// A folder with one token.
#[derive(Debug)]
pub struct SoftHsm {
    folder: TempDir,
}

impl SoftHsm {
    /// The label of the token.
    pub const TOKEN: &str = "rota";
    /// The PIN of its user.
    pub const PIN: &str = "246813";

    /// Makes a token.
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("no folder for SoftHSM: {error}"));
        let tokens = folder.path().join("tokens");
        let made = std::fs::create_dir(&tokens).and_then(|()| {
            let configuration = format!("directories.tokendir = {}\nlog.level = ERROR\n", tokens.display());
            std::fs::write(folder.path().join("softhsm2.conf"), configuration)
        });
        made.unwrap_or_else(|error| panic!("SoftHSM's folder: {error}"));
        let hsm = Self { folder };
        let output = Command::new("softhsm2-util")
            .args([
                "--init-token",
                "--free",
                "--label",
                Self::TOKEN,
                "--so-pin",
                "135724",
                "--pin",
                Self::PIN,
            ])
            .env("SOFTHSM2_CONF", hsm.configuration())
            .output()
            .unwrap_or_else(|error| panic!("softhsm2-util of Debian's package softhsm2: {error}"));
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        hsm
    }

    /// For the variable SOFTHSM2_CONF.
    pub fn configuration(&self) -> PathBuf {
        self.folder.path().join("softhsm2.conf")
    }

    /// The library.
    pub fn module(&self) -> &'static Path {
        const PLACES: [&str; 2] = [
            "/usr/lib/softhsm/libsofthsm2.so",
            "/usr/local/lib/softhsm/libsofthsm2.so",
        ];
        let found = PLACES.into_iter().map(Path::new).find(|place| place.exists());
        found.unwrap_or_else(|| panic!("no libsofthsm2.so: install Debian's package softhsm2"))
    }

    /// Takes the token out, or puts it back.
    pub fn plug(&self, is_in: bool) {
        let (inside, outside) = (
            self.folder.path().join("tokens"),
            self.folder.path().join("drawer"),
        );
        let (from, to) = if is_in {
            (&outside, &inside)
        } else {
            (&inside, &outside)
        };
        std::fs::rename(from, to).unwrap_or_else(|error| panic!("the token cannot be moved: {error}"));
        if !is_in {
            std::fs::create_dir(&inside).unwrap_or_else(|error| panic!("an empty slot: {error}"));
        }
    }
}
