//! The folder the server embeds: files named by their content, compressed beside, and one manifest.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::compress::{compress, is_worthwhile, sibling};

/// What the pages link to: addresses from the root of the site.
#[derive(Serialize, Deserialize, PartialEq, Eq, Debug)]
pub(crate) struct Manifest {
    pub(crate) css: String,
    pub(crate) js: String,
    pub(crate) wasm: String,
    /// The stem that script and wasm share; leptos calls it the output name.
    pub(crate) output_name: String,
}

/// Gathers files, writes what changed and removes what is no longer part of the site.
pub(crate) struct Site {
    directory: PathBuf,
    wanted: BTreeSet<PathBuf>,
    sizes: Vec<(String, u64, u64)>,
}

impl Site {
    pub(crate) fn open(directory: PathBuf) -> Result<Self> {
        fs::create_dir_all(&directory)?;
        Ok(Self {
            directory,
            wanted: BTreeSet::new(),
            sizes: Vec::new(),
        })
    }

    /// Adds a file at `address` (no leading slash). Nothing is written or compressed when it is there already.
    pub(crate) fn add(&mut self, address: &str, bytes: &[u8]) -> Result<()> {
        let path = self.directory.join(address);
        let compressible = is_worthwhile(&path);
        let complete = !compressible || (sibling(&path, "br").is_file() && sibling(&path, "gz").is_file());
        let unchanged = complete && fs::read(&path).is_ok_and(|present| present == bytes);
        if !unchanged {
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent)?;
            }
            fs::write(&path, bytes)?;
            if compressible {
                compress(&path)?;
            }
        }
        let mut over_the_wire = bytes.len() as u64;
        if compressible {
            over_the_wire = fs::metadata(sibling(&path, "br"))?.len();
            self.wanted.insert(sibling(&path, "br"));
            self.wanted.insert(sibling(&path, "gz"));
        }
        self.wanted.insert(path);
        self.sizes
            .push((address.to_owned(), bytes.len() as u64, over_the_wire));
        Ok(())
    }

    /// Writes the manifest last (only if the site changed), drops stale files, returns the table of sizes.
    pub(crate) fn finish(mut self, manifest: &Manifest) -> Result<String> {
        let manifest_path = self.directory.join("manifest.json");
        self.wanted.insert(manifest_path.clone());
        let removed = remove_stale(&self.directory, &self.wanted)?;
        let text = format!("{}\n", serde_json::to_string_pretty(manifest)?);
        let newest = newest_change(&self.wanted, &manifest_path);
        let stale = fs::metadata(&manifest_path)
            .and_then(|found| found.modified())
            .ok()
            < newest;
        if removed || stale || fs::read_to_string(&manifest_path).ok().as_deref() != Some(&text) {
            // The server's build script watches this file.
            fs::write(&manifest_path, text)?;
        }
        Ok(table(&self.sizes))
    }
}

/// The first 16 hex digits of SHA-256 over all parts.
pub(crate) fn content_hash(parts: &[&[u8]]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    let mut digits = hex::encode(hasher.finalize());
    digits.truncate(16);
    digits
}

fn newest_change(paths: &BTreeSet<PathBuf>, except: &Path) -> Option<std::time::SystemTime> {
    paths
        .iter()
        .filter(|path| path.as_path() != except)
        .filter_map(|path| fs::metadata(path).and_then(|found| found.modified()).ok())
        .max()
}

fn remove_stale(directory: &Path, wanted: &BTreeSet<PathBuf>) -> Result<bool> {
    let mut removed = false;
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            removed |= remove_stale(&path, wanted)?;
            if fs::read_dir(&path)?.next().is_none() {
                fs::remove_dir(&path)?;
            }
        } else if !wanted.contains(&path) {
            fs::remove_file(&path)?;
            removed = true;
        }
    }
    Ok(removed)
}

fn table(sizes: &[(String, u64, u64)]) -> String {
    let mut lines: Vec<String> = sizes
        .iter()
        .map(|(address, plain, brotli)| format!("{brotli:>9} B by brotli {plain:>9} B plain   {address}"))
        .collect();
    let total: u64 = sizes.iter().map(|(_, _, brotli)| brotli).sum();
    lines.push(format!("{total:>9} B by brotli in all"));
    lines.join("\n")
}
