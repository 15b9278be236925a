//! Brotli and gzip once, at their best, so that the server never compresses.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

/// Kinds that compress; the rest (fonts, pictures) are compressed already.
const COMPRESSIBLE: [&str; 8] = ["css", "html", "js", "json", "svg", "txt", "wasm", "webmanifest"];

/// Whether a file gains by compression.
pub(crate) fn is_worthwhile(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| COMPRESSIBLE.iter().any(|known| extension == *known))
}

/// Where the compressed form of `path` lies.
pub(crate) fn sibling(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(suffix);
    PathBuf::from(name)
}

/// Writes `path.br` and `path.gz`; returns the size by brotli.
pub(crate) fn compress(path: &Path) -> Result<u64> {
    let brotli = sibling(path, "br");
    crate::workspace::run(
        Command::new("brotli")
            .args(["--quality=11", "--lgwin=24", "--force", "--keep"])
            .arg(path)
            .arg("-o")
            .arg(&brotli),
    )
    .context("the program `brotli` compresses the bundle (Debian: apt-get install brotli)")?;
    let gzip = Command::new("gzip")
        .args(["-9", "--no-name", "--stdout"])
        .arg(path)
        .output()?;
    fs::write(sibling(path, "gz"), gzip.stdout)?;
    Ok(fs::metadata(brotli)?.len())
}
