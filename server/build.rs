//! Embeds the browser bundle (`target/site`, made by `cargo xtask bundle`) where there is one.
//! With none the table holds the style alone and the server still compiles: pages then work without script.

use std::collections::BTreeMap;
use std::env;
use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    let manifest_dir = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let site = manifest_dir.join("../target/site");
    // Cargo takes a watched path that is missing for changed, at every build: so the folder must be there.
    fs::create_dir_all(&site)?;
    let site = site.canonicalize()?;
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={}", site.display());

    let manifest = site.join("manifest.json");
    let mut files = BTreeMap::new();
    let mut source = String::new();
    if manifest.is_file() {
        collect(&site, "", &mut files)?;
        writeln!(
            source,
            "static MANIFEST_JSON: Option<&str> = Some(include_str!({manifest:?}));"
        )?;
    } else {
        writeln!(source, "static MANIFEST_JSON: Option<&str> = None;")?;
        plain_site(&manifest_dir, &mut files)?;
    }
    writeln!(source, "/// Sorted by address.")?;
    writeln!(source, "static ASSETS: &[(&str, Asset)] = &[")?;
    for (address, path) in &files {
        writeln!(source, "    ({address:?}, {}),", entry(address, path)?)?;
    }
    writeln!(source, "];")?;
    fs::write(PathBuf::from(env::var("OUT_DIR")?).join("assets.rs"), source)?;
    Ok(())
}

/// Without a bundle the pages still have their style and their mark: no script is needed for either.
fn plain_site(manifest_dir: &Path, files: &mut BTreeMap<String, PathBuf>) -> Result<(), Box<dyn Error>> {
    let style = manifest_dir.join("../style").canonicalize()?;
    let public = manifest_dir.join("../public").canonicalize()?;
    println!("cargo::rerun-if-changed={}", style.display());
    println!("cargo::rerun-if-changed={}", public.display());
    let mut sheets = vec![style.join("tokens.css"), style.join("base.css")];
    for folder in ["components", "pages"] {
        let mut found = Vec::new();
        for entry in fs::read_dir(style.join(folder))? {
            found.push(entry?.path());
        }
        found.sort();
        sheets.extend(found);
    }
    let mut whole = String::new();
    for sheet in sheets {
        whole += &fs::read_to_string(sheet)?;
    }
    let path = PathBuf::from(env::var("OUT_DIR")?).join("style.css");
    fs::write(&path, whole)?;
    collect(&public, "", files)?;
    files.insert("style.css".to_owned(), path);
    Ok(())
}

fn collect(folder: &Path, prefix: &str, files: &mut BTreeMap<String, PathBuf>) -> Result<(), Box<dyn Error>> {
    for found in fs::read_dir(folder)? {
        let path = found?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
            continue;
        };
        let address = if prefix.is_empty() {
            name.to_owned()
        } else {
            format!("{prefix}/{name}")
        };
        if path.is_dir() {
            collect(&path, &address, files)?;
        } else if address != "manifest.json" && !is_compressed_form(&path) {
            files.insert(address, path);
        }
    }
    Ok(())
}

/// `x.css.br` beside `x.css`.
fn is_compressed_form(path: &Path) -> bool {
    let suffix = path.extension().and_then(|extension| extension.to_str());
    matches!(suffix, Some("br" | "gz")) && path.with_extension("").is_file()
}

fn entry(address: &str, path: &Path) -> Result<String, Box<dyn Error>> {
    let mut hasher = DefaultHasher::new();
    fs::read(path)?.hash(&mut hasher);
    let kept = kept(address, path)?;
    let brotli = embedded(&kept, path, "br")?;
    let gzip = embedded(&kept, path, "gz")?;
    Ok(format!(
        "Asset {{ bytes: include_bytes!({kept:?}), brotli: {brotli}, gzip: {gzip}, content_type: {:?}, \
         immutable: {}, etag: \"\\\"{:016x}\\\"\" }}",
        content_type(path),
        is_immutable(address),
        hasher.finish(),
    ))
}

/// A copy of our own: a bundle that is made meanwhile replaces the files under the compiler's feet.
fn kept(address: &str, path: &Path) -> Result<PathBuf, Box<dyn Error>> {
    let folder = PathBuf::from(env::var("OUT_DIR")?).join("site");
    fs::create_dir_all(&folder)?;
    let copy = folder.join(address.replace('/', "_"));
    fs::copy(path, &copy)?;
    Ok(copy)
}

fn embedded(kept: &Path, path: &Path, suffix: &str) -> Result<String, Box<dyn Error>> {
    let with_suffix = |path: &Path| {
        let mut name = path.as_os_str().to_owned();
        name.push(".");
        name.push(suffix);
        PathBuf::from(name)
    };
    let (compressed, copy) = (with_suffix(path), with_suffix(kept));
    if !compressed.is_file() {
        return Ok("None".to_owned());
    }
    fs::copy(compressed, &copy)?;
    Ok(format!("Some(include_bytes!({copy:?}))"))
}

/// Only names that carry the hash of their content may be kept for ever.
fn is_immutable(address: &str) -> bool {
    address.strip_prefix("pkg/rota-").is_some_and(|rest| {
        let digits = rest.chars().take_while(char::is_ascii_hexdigit).count();
        digits == 16
    })
}

fn content_type(path: &Path) -> &'static str {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("css") => "text/css; charset=utf-8",
        Some("html") => "text/html; charset=utf-8",
        Some("ico") => "image/x-icon",
        Some("js") => "text/javascript; charset=utf-8",
        Some("json") => "application/json",
        Some("png") => "image/png",
        Some("svg") => "image/svg+xml",
        Some("txt") => "text/plain; charset=utf-8",
        Some("wasm") => "application/wasm",
        Some("webmanifest") => "application/manifest+json",
        Some("woff2") => "font/woff2",
        _ => "application/octet-stream",
    }
}
